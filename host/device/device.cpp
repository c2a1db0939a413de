#include "device/device.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "core/clock.hpp"
#include "core/contract.hpp"
#include "device/opencl.hpp"

namespace qtrap::device {
namespace {

constexpr std::size_t kMostPendingEvents = 1 << 20;
constexpr const char* kLanguage = "-cl-std=CL1.2 ";
constexpr const char* kMadEnable = "-cl-mad-enable";

/// The first line of a build log that says "error", else its first line.
std::string first_error(const std::string& log) {
  std::string first;
  std::size_t start = 0;
  while (start < log.size()) {
    const std::size_t end = std::min(log.find('\n', start), log.size());
    const std::string line = log.substr(start, end - start);
    if (line.find("error") != std::string::npos) return line;
    if (first.empty()) first = line;
    start = end + 1;
  }
  return first;
}

cl::NDRange range(const std::array<std::size_t, 3>& size) {
  return size[0] == 0 ? cl::NullRange : cl::NDRange(size[0], size[1], size[2]);
}

}  // namespace

std::string status_name(int status) {
  static constexpr std::pair<int, const char*> kNames[] = {{-1, "CL_DEVICE_NOT_FOUND"},
                                                           {-2, "CL_DEVICE_NOT_AVAILABLE"},
                                                           {-3, "CL_COMPILER_NOT_AVAILABLE"},
                                                           {-4, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
                                                           {-5, "CL_OUT_OF_RESOURCES"},
                                                           {-6, "CL_OUT_OF_HOST_MEMORY"},
                                                           {-7, "CL_PROFILING_INFO_NOT_AVAILABLE"},
                                                           {-11, "CL_BUILD_PROGRAM_FAILURE"},
                                                           {-13, "CL_MISALIGNED_SUB_BUFFER_OFFSET"},
                                                           {-14, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST"},
                                                           {-30, "CL_INVALID_VALUE"},
                                                           {-34, "CL_INVALID_CONTEXT"},
                                                           {-36, "CL_INVALID_COMMAND_QUEUE"},
                                                           {-38, "CL_INVALID_MEM_OBJECT"},
                                                           {-44, "CL_INVALID_PROGRAM"},
                                                           {-45, "CL_INVALID_PROGRAM_EXECUTABLE"},
                                                           {-46, "CL_INVALID_KERNEL_NAME"},
                                                           {-48, "CL_INVALID_KERNEL"},
                                                           {-49, "CL_INVALID_ARG_INDEX"},
                                                           {-50, "CL_INVALID_ARG_VALUE"},
                                                           {-51, "CL_INVALID_ARG_SIZE"},
                                                           {-52, "CL_INVALID_KERNEL_ARGS"},
                                                           {-53, "CL_INVALID_WORK_DIMENSION"},
                                                           {-54, "CL_INVALID_WORK_GROUP_SIZE"},
                                                           {-55, "CL_INVALID_WORK_ITEM_SIZE"},
                                                           {-61, "CL_INVALID_BUFFER_SIZE"},
                                                           {-63, "CL_INVALID_GLOBAL_WORK_SIZE"}};
  for (const auto& [code, name] : kNames) {
    if (code == status) return fmt::format("{} ({})", name, status);
  }
  return fmt::format("OpenCL status {}", status);
}

DeviceError::DeviceError(std::string call, int status, std::string device)
    : Failure(qtrap::runtime_error("OpenCL call failed", fmt::format("{}: {} on {}", call, status_name(status), device),
                                   "check the driver (clinfo, dmesg); run `qtrap verify` on this device")),
      status_(status) {}

bool DeviceError::out_of_memory() const { return status_ == -4 || status_ == -5 || status_ == -6 || status_ == -61; }

std::uint64_t Buffer::queried_size_bytes() const {
  expects(impl_ != nullptr, "an empty buffer has no size");
  return guarded(impl_->device, [&] { return impl_->handle.getInfo<CL_MEM_SIZE>(); });
}

void Kernel::set_arguments(std::span<const Argument> arguments) {
  expects(impl_ != nullptr, "arguments need a kernel");
  impl_->bound.clear();
  for (cl_uint i = 0; i < arguments.size(); ++i) {
    guarded(fmt::format("{}, kernel {} argument {}", impl_->device, name_, i), [&] {
      if (const auto* buffer = std::get_if<BufferArg>(&arguments[i])) {
        expects(static_cast<bool>(buffer->buffer), "a bound buffer is not empty");
        impl_->bound.push_back(buffer->buffer.impl_);
        impl_->handle.setArg(i, buffer->buffer.impl_->handle);
      } else if (const auto* local = std::get_if<LocalArg>(&arguments[i])) {
        impl_->handle.setArg(i, cl::Local(local->bytes));
      } else if (const auto* signed_value = std::get_if<std::int32_t>(&arguments[i])) {
        impl_->handle.setArg(i, *signed_value);
      } else if (const auto* unsigned_value = std::get_if<std::uint32_t>(&arguments[i])) {
        impl_->handle.setArg(i, *unsigned_value);
      } else {
        impl_->handle.setArg(i, std::get<float>(arguments[i]));
      }
    });
  }
}

struct Device::Impl {
  cl::Device device;
  cl::Context context;
  cl::CommandQueue bare;
  cl::CommandQueue profiled;
  bool bare_pending = false, profiled_pending = false;  ///< launches since the last flush
  std::map<std::string, cl::Program> programs;
  std::vector<cl::Event> events;
};

Device::Device(const DeviceInfo& info, KernelSources sources)
    : info_(info), sources_(std::move(sources)), impl_(std::make_shared<Impl>()) {
  guarded(info_.name, [&] {
    const auto handles = all_device_handles();
    expects(info.index >= 0 && static_cast<std::size_t>(info.index) < handles.size(), "the device is still listed");
    impl_->device = handles[static_cast<std::size_t>(info.index)];
    impl_->context = cl::Context(impl_->device);
    impl_->bare = cl::CommandQueue(impl_->context, impl_->device, static_cast<cl_command_queue_properties>(0));
    impl_->profiled = cl::CommandQueue(impl_->context, impl_->device, CL_QUEUE_PROFILING_ENABLE);
  });
}

Result<Buffer> Device::make_buffer(std::uint64_t size_bytes) {
  expects(size_bytes > 0, "a buffer holds at least one byte");
  const auto too_small = [&](const std::string& why) {
    return runtime_error("out of device memory", fmt::format("{} bytes on {}: {}", size_bytes, info_.name, why),
                         "lower memory_fraction, run fewer schemes or a smaller model, or free memory on the device");
  };
  if (size_bytes > info_.max_alloc_bytes)
    return too_small(fmt::format("the largest allocation is {}", info_.max_alloc_bytes));
  try {
    return guarded(info_.name, [&] {
      Buffer buffer;
      buffer.size_bytes_ = size_bytes;
      buffer.impl_ = std::make_shared<Buffer::Impl>();
      buffer.impl_->device = info_.name;
      buffer.impl_->handle = cl::Buffer(impl_->context, CL_MEM_READ_WRITE, size_bytes);
      // Some drivers allocate at first use: ask now, so that a lack of memory shows here and not inside a window.
      impl_->bare.enqueueMigrateMemObjects({buffer.impl_->handle}, CL_MIGRATE_MEM_OBJECT_CONTENT_UNDEFINED);
      impl_->bare.finish();
      return buffer;
    });
  } catch (const DeviceError& error) {
    if (!error.out_of_memory()) throw;
    return too_small(status_name(error.status()));
  }
}

Buffer Device::make_view(const Buffer& parent, std::uint64_t size_bytes) { return make_view(parent, 0, size_bytes); }

Buffer Device::make_view(const Buffer& parent, std::uint64_t origin_bytes, std::uint64_t size_bytes) {
  expects(static_cast<bool>(parent), "a view needs a buffer");
  expects(size_bytes > 0 && origin_bytes + size_bytes <= parent.size_bytes_, "a view lies inside its buffer");
  expects(origin_bytes % info_.base_align_bytes == 0, "a view starts on the device's alignment");
  expects(parent.impl_->parent == nullptr, "a view of a view is not allowed by OpenCL");
  return guarded(info_.name, [&] {
    Buffer view;
    view.size_bytes_ = size_bytes;
    view.impl_ = std::make_shared<Buffer::Impl>();
    view.impl_->device = info_.name;
    view.impl_->parent = parent.impl_;
    cl_buffer_region region{origin_bytes, size_bytes};
    view.impl_->handle = parent.impl_->handle.createSubBuffer(CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region);
    return view;
  });
}

const std::string& Device::common_options() {
  static const std::string options = std::string(kLanguage) + kMadEnable;
  return options;
}

std::string Device::build_options(const std::string& options) {
  const std::string common = options.find("-cl-std=") == std::string::npos ? common_options() : kMadEnable;
  return options.empty() ? common : common + " " + options;
}

Result<Kernel> Device::make_kernel(const std::string& file, const std::string& entry, const std::string& options) {
  const std::string all_options = build_options(options);
  const std::string key = file + '\n' + all_options;
  auto found = impl_->programs.find(key);
  if (found == impl_->programs.end()) {
    auto text = sources_.text(file);
    if (!text) return text.error();
    cl::Program program = guarded(info_.name, [&] { return cl::Program(impl_->context, text.value()); });
    if (clBuildProgram(program(), 0, nullptr, all_options.c_str(), nullptr, nullptr) != CL_SUCCESS) {
      const std::string log = program.getBuildInfo<CL_PROGRAM_BUILD_LOG>(impl_->device);
      return runtime_error("kernel build failed", fmt::format("{} with {} on {}", file, all_options, info_.name),
                           "update the driver or report this log line: " + first_error(log));
    }
    found = impl_->programs.emplace(key, std::move(program)).first;
  }
  Kernel kernel;
  kernel.name_ = entry;
  kernel.impl_ = std::make_shared<Kernel::Impl>();
  kernel.impl_->device = info_.name;
  cl_int status = CL_SUCCESS;
  kernel.impl_->handle = cl::Kernel(clCreateKernel(found->second(), entry.c_str(), &status));
  if (status != CL_SUCCESS) {
    return runtime_error("kernel entry is missing", fmt::format("{} in {}: {}", entry, file, status_name(status)),
                         "give --kernel-dir a complete copy of the folder kernels/");
  }
  return kernel;
}

void Device::write(const Buffer& target, std::span<const std::byte> bytes) {
  expects(bytes.size() <= target.size_bytes(), "a write fits its buffer");
  if (bytes.empty()) return;
  guarded(info_.name,
          [&] { impl_->bare.enqueueWriteBuffer(target.impl_->handle, CL_TRUE, 0, bytes.size(), bytes.data()); });
}

void Device::read(const Buffer& source, std::span<std::byte> bytes) {
  expects(bytes.size() <= source.size_bytes(), "a read fits its buffer");
  if (bytes.empty()) return;
  guarded(info_.name,
          [&] { impl_->bare.enqueueReadBuffer(source.impl_->handle, CL_TRUE, 0, bytes.size(), bytes.data()); });
}

void Device::fill(const Buffer& target, std::uint16_t pattern) {
  guarded(info_.name, [&] {
    impl_->bare.enqueueFillBuffer(target.impl_->handle, pattern, 0,
                                  target.size_bytes() / sizeof pattern * sizeof pattern);
    impl_->bare.finish();
  });
}

void Device::copy(const Buffer& source, const Buffer& target, std::uint64_t bytes) {
  guarded(info_.name, [&] { impl_->bare.enqueueCopyBuffer(source.impl_->handle, target.impl_->handle, 0, 0, bytes); });
}

void Device::enqueue(const Launch& launch) {
  impl_->bare_pending = true;
  guarded(info_.name, [&] {
    impl_->bare.enqueueNDRangeKernel(launch.kernel.impl_->handle, cl::NullRange, range(launch.size.global),
                                     range(launch.size.local));
  });
}

void Device::enqueue_profiled(const Launch& launch) {
  expects(impl_->events.size() < kMostPendingEvents, "events are taken between hops");
  impl_->profiled_pending = true;
  guarded(info_.name, [&] {
    impl_->profiled.enqueueNDRangeKernel(launch.kernel.impl_->handle, cl::NullRange, range(launch.size.global),
                                         range(launch.size.local), nullptr, &impl_->events.emplace_back());
  });
}

void Device::flush() {
  guarded(info_.name, [&] {
    if (std::exchange(impl_->bare_pending, false)) impl_->bare.flush();
    if (std::exchange(impl_->profiled_pending, false)) impl_->profiled.flush();
  });
}

void Device::finish() {
  guarded(info_.name, [&] {
    impl_->bare.finish();
    impl_->profiled.finish();
  });
}

std::vector<EventTime> Device::take_events() {
  return guarded(info_.name, [&] {
    impl_->profiled.finish();
    std::vector<EventTime> times;
    times.reserve(impl_->events.size());
    for (const cl::Event& event : impl_->events) {
      // Stamps are nanoseconds already: CL_DEVICE_PROFILING_TIMER_RESOLUTION is not a factor.
      times.push_back({Seconds(1e-9 * static_cast<double>(event.getProfilingInfo<CL_PROFILING_COMMAND_START>())),
                       Seconds(1e-9 * static_cast<double>(event.getProfilingInfo<CL_PROFILING_COMMAND_END>()))});
    }
    impl_->events.clear();
    return times;
  });
}

}  // namespace qtrap::device
