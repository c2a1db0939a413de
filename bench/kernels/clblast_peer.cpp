// CLBlast on the device under test, in a context of its own. Not built: the status alone.
#include "peers.hpp"

#ifdef QTRAP_WITH_CLBLAST
#include <clblast_c.h>
#include <fmt/format.h>

#include "core/error.hpp"
#endif

namespace qtrap::bench {

#ifdef QTRAP_WITH_CLBLAST
namespace {

void check(int status, const char* call) {
  if (status != 0) {
    throw Failure(runtime_error("a call of CLBlast's or for it failed", fmt::format("{}: {}", call, status),
                                "run without it: --no-clblast"));
  }
}

/// The device at `index`, counted over all platforms as list_devices() does.
cl_device_id find_device(int index) {
  cl_uint platforms = 0;
  check(clGetPlatformIDs(0, nullptr, &platforms), "clGetPlatformIDs");
  std::vector<cl_platform_id> all(platforms);
  check(clGetPlatformIDs(platforms, all.data(), nullptr), "clGetPlatformIDs");
  std::vector<cl_device_id> devices;
  for (const cl_platform_id platform : all) {
    cl_uint count = 0;
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &count) != CL_SUCCESS) continue;
    std::vector<cl_device_id> some(count);
    check(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, some.data(), nullptr), "clGetDeviceIDs");
    devices.insert(devices.end(), some.begin(), some.end());
  }
  return devices.at(static_cast<std::size_t>(index));
}

class ClBlast final : public Peer {
 public:
  explicit ClBlast(const device::DeviceInfo& info) : share_(info.type == device::DeviceType::kCpu) {
    cl_int status = 0;
    const cl_device_id device = find_device(info.index);
    context_ = clCreateContext(nullptr, 1, &device, nullptr, nullptr, &status);
    check(status, "clCreateContext");
    queue_ = clCreateCommandQueueWithProperties(context_, device, nullptr, &status);
    check(status, "clCreateCommandQueueWithProperties");
  }
  ~ClBlast() override {
    release();
    CLBlastClearCache();
    clReleaseCommandQueue(queue_);
    clReleaseContext(context_);
  }
  ClBlast(const ClBlast&) = delete;
  ClBlast& operator=(const ClBlast&) = delete;

  std::string routine(std::uint64_t tokens) const override { return tokens == 1 ? "CLBlast Sgemv" : "CLBlast Sgemm"; }

  void bind(scheme::ProjectionShape shape, const std::vector<std::span<float>>& weights, std::uint64_t tokens,
            std::span<float> x, std::span<float> y) override {
    release();
    shape_ = shape;
    tokens_ = tokens;
    host_y_ = y;
    for (const std::span<float> matrix : weights) weights_.push_back(make_buffer(matrix));
    x_ = make_buffer(x);
    y_ = make_buffer(y);
  }

  void multiply(std::size_t matrix) override {
    const std::size_t n = shape_.rows;
    const std::size_t k = shape_.columns;
    const cl_mem w = weights_[matrix];
    const CLBlastStatusCode status =
        tokens_ == 1 ? CLBlastSgemv(CLBlastLayoutRowMajor, CLBlastTransposeNo, n, k, 1.0F, w, 0, k, x_, 0, 1, 0.0F, y_,
                                    0, 1, &queue_, nullptr)
                     : CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes, tokens_, n, k, 1.0F,
                                    x_, 0, k, w, 0, k, 0.0F, y_, 0, n, &queue_, nullptr);
    check(status, "multiply");
  }
  void finish() override { check(clFinish(queue_), "clFinish"); }
  void fetch() override {
    check(clEnqueueReadBuffer(queue_, y_, CL_TRUE, 0, host_y_.size_bytes(), host_y_.data(), 0, nullptr, nullptr),
          "clEnqueueReadBuffer");
  }

 private:
  /// Host memory itself on a CPU, a copy of it elsewhere.
  cl_mem make_buffer(std::span<float> host) {
    cl_int status = 0;
    const cl_mem_flags flags = CL_MEM_READ_WRITE | (share_ ? CL_MEM_USE_HOST_PTR : CL_MEM_COPY_HOST_PTR);
    const cl_mem buffer = clCreateBuffer(context_, flags, host.size_bytes(), host.data(), &status);
    check(status, "clCreateBuffer");
    return buffer;
  }
  void release() {
    for (const cl_mem buffer : weights_) clReleaseMemObject(buffer);
    weights_.clear();
    if (x_ != nullptr) clReleaseMemObject(x_);
    if (y_ != nullptr) clReleaseMemObject(y_);
    x_ = y_ = nullptr;
  }

  bool share_;
  cl_context context_ = nullptr;
  cl_command_queue queue_ = nullptr;
  scheme::ProjectionShape shape_;
  std::uint64_t tokens_ = 0;
  std::span<float> host_y_;
  std::vector<cl_mem> weights_;
  cl_mem x_ = nullptr, y_ = nullptr;
};

}  // namespace

PeerState make_clblast(const device::DeviceInfo& info) {
  return {"CLBlast", fmt::format("on {}", info.name), std::make_unique<ClBlast>(info)};
}
#else
PeerState make_clblast(const device::DeviceInfo&) { return {"CLBlast", "not built", nullptr}; }
#endif

}  // namespace qtrap::bench
