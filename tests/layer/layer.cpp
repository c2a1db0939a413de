// The layer's two entry points and its state. QTRAP_LAYER_BOARDS names a board file, QTRAP_LAYER_FAULTS holds faults.
#include "layer/layer.hpp"

#include <CL/cl_layer.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace qtrap::layer {
namespace {

constexpr char kName[] = "qtrap test boards";
constexpr int kBadSetup = 99;

std::unique_ptr<Layer>& instance() {
  static std::unique_ptr<Layer> one;
  return one;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

template <class T>
Answer as_answer(const T& value) {
  const auto* first = reinterpret_cast<const unsigned char*>(&value);
  return {CL_SUCCESS, {first, first + sizeof value}};
}

bool is_pocl(const cl_icd_dispatch& target, cl_platform_id platform) {
  char name[128] = {};
  target.clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name, name, nullptr);
  return std::strstr(name, "Portable Computing Language") != nullptr;
}

}  // namespace

Layer::Layer(const cl_icd_dispatch& below, Boards boards_read, const std::string& fault_text)
    : target(below), boards(std::move(boards_read)), faults(fault_text) {}

const BoardDevice* Layer::board(cl_device_id device) const {
  for (const BoardDevice& candidate : devices) {
    if (static_cast<const void*>(&candidate) == static_cast<const void*>(device)) return &candidate;
  }
  return nullptr;
}

cl_device_id Layer::real(cl_device_id device) const {
  const BoardDevice* found = board(device);
  return found == nullptr ? device : found->real;
}

cl_device_id Layer::device_of(cl_context context) {
  const std::lock_guard lock(mutex);
  const auto found = contexts.find(context);
  return found == contexts.end() ? nullptr : found->second;
}

cl_device_id Layer::device_of(cl_command_queue queue) {
  cl_context context = nullptr;
  target.clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, kHandleBytes, &context, nullptr);
  return device_of(context);
}

bool Layer::make_devices(cl_platform_id platform) {
  if (!is_pocl(target, platform)) return false;
  const std::lock_guard lock(mutex);
  if (!devices.empty()) return true;
  cl_device_id base = nullptr;
  if (target.clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &base, nullptr) != CL_SUCCESS) return false;
  cl_icd_dispatch* dispatch = nullptr;
  std::memcpy(&dispatch, base, kHandleBytes);
  for (const Answers& answers : boards.devices)
    devices.push_back({dispatch, base, static_cast<int>(devices.size()), &answers});
  return true;
}

Layer& layer() { return *instance(); }

}  // namespace qtrap::layer

// The loader calls these two by name.
extern "C" {

__attribute__((visibility("default"))) cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what, size_t size, void* value,
                                                                         size_t* size_returned) {
  using namespace qtrap::layer;  // NOLINT: the file's own namespace
  log_line("loaded");
  if (what == CL_LAYER_API_VERSION)
    return give(as_answer(cl_layer_api_version{CL_LAYER_API_VERSION_100}), size, value, size_returned);
  if (what == CL_LAYER_NAME) return give(as_answer(kName), size, value, size_returned);
  return CL_INVALID_VALUE;
}

__attribute__((visibility("default"))) cl_int CL_API_CALL clInitLayer(cl_uint entries, const cl_icd_dispatch* target,
                                                                      cl_uint* entries_returned,
                                                                      const cl_icd_dispatch** table_returned) {
  using namespace qtrap::layer;  // NOLINT: the file's own namespace
  static cl_icd_dispatch table;
  constexpr size_t kEntries = sizeof table / sizeof(void*);
  if (entries < kEntries) return CL_INVALID_VALUE;
  try {
    const std::string boards = environment("QTRAP_LAYER_BOARDS");
    instance() = std::make_unique<Layer>(*target, boards.empty() ? Boards{} : read_boards(boards),
                                         environment("QTRAP_LAYER_FAULTS"));
  } catch (const std::exception& error) {
    // A test with a misspelt board or fault must not pass for want of it.
    std::fprintf(stderr, "test layer: %s\n", error.what());
    std::_Exit(kBadSetup);
  }
  if (const Fault* fault = layer().faults.strike("load")) act(*fault);
  table = *target;
  intercept_devices(table);
  intercept_programs(table);
  intercept_work(table);
  *entries_returned = static_cast<cl_uint>(kEntries);
  *table_returned = &table;
  return CL_SUCCESS;
}
}
