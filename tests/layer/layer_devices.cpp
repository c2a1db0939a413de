// Platforms, devices and contexts: the boards in place of PoCL's device.
#include <algorithm>
#include <cstring>
#include <vector>

#include "layer/layer.hpp"

namespace qtrap::layer {
namespace {

cl_int CL_API_CALL get_platform_info(cl_platform_id platform, cl_platform_info what, size_t size, void* value,
                                     size_t* size_returned) {
  const auto found = layer().boards.platform.find(what);
  if (found != layer().boards.platform.end()) return give(found->second, size, value, size_returned);
  return layer().target.clGetPlatformInfo(platform, what, size, value, size_returned);
}

/// Devices in the order and number that the faults leave.
std::vector<cl_device_id> listed_devices() {
  std::vector<cl_device_id> listed;
  for (BoardDevice& device : layer().devices) listed.push_back(reinterpret_cast<cl_device_id>(&device));
  const Fault* fault = layer().faults.strike("devices");
  if (fault == nullptr) return listed;
  act(*fault);
  const std::string how = fault->text("do");
  if (how == "none") listed.clear();
  if (how == "reverse") std::reverse(listed.begin(), listed.end());
  if (how == "drop") listed.erase(listed.begin() + static_cast<std::ptrdiff_t>(fault->number("device", 0)));
  return listed;
}

cl_int CL_API_CALL get_device_info(cl_device_id device, cl_device_info what, size_t size, void* value,
                                   size_t* size_returned) {
  if (const BoardDevice* board = layer().board(device)) {
    const auto found = board->answers->find(what);
    if (found != board->answers->end()) return give(found->second, size, value, size_returned);
  }
  return layer().target.clGetDeviceInfo(layer().real(device), what, size, value, size_returned);
}

bool has_type(cl_device_id device, cl_device_type wanted) {
  cl_device_type type = 0;
  get_device_info(device, CL_DEVICE_TYPE, sizeof type, &type, nullptr);
  return (type & wanted) != 0;
}

cl_int CL_API_CALL get_device_ids(cl_platform_id platform, cl_device_type type, cl_uint room, cl_device_id* devices,
                                  cl_uint* count) {
  if (layer().boards.devices.empty()) return layer().target.clGetDeviceIDs(platform, type, room, devices, count);
  if (!layer().make_devices(platform)) return CL_DEVICE_NOT_FOUND;
  std::vector<cl_device_id> listed = listed_devices();
  std::erase_if(listed, [&](cl_device_id device) { return !has_type(device, type); });
  if (count != nullptr) *count = static_cast<cl_uint>(listed.size());
  if (listed.empty()) return CL_DEVICE_NOT_FOUND;
  if (devices != nullptr) std::copy_n(listed.begin(), std::min<size_t>(room, listed.size()), devices);
  return CL_SUCCESS;
}

cl_context CL_API_CALL create_context(const cl_context_properties* properties, cl_uint count,
                                      const cl_device_id* devices,
                                      void(CL_CALLBACK* notify)(const char*, const void*, size_t, void*),
                                      void* user_data, cl_int* error) {
  const BoardDevice* board = count > 0 ? layer().board(devices[0]) : nullptr;
  const Fault* fault = layer().faults.strike("context", [&](const Fault& candidate) {
    return !candidate.has("device") ||
           (board != nullptr && board->index == static_cast<int>(candidate.number("device", 0)));
  });
  if (fault != nullptr) {
    act(*fault);
    if (error != nullptr) *error = fault->code(CL_OUT_OF_HOST_MEMORY);
    return nullptr;
  }
  std::vector<cl_device_id> real(count);
  std::transform(devices, devices + count, real.begin(), [](cl_device_id device) { return layer().real(device); });
  const cl_context context = layer().target.clCreateContext(properties, count, real.data(), notify, user_data, error);
  const std::lock_guard lock(layer().mutex);
  if (context != nullptr && count > 0) layer().contexts[context] = devices[0];
  return context;
}

/// The board's device in place of the real one, where a query gives devices.
void put_board(cl_device_id board, void* value) {
  if (value != nullptr && board != nullptr) std::memcpy(value, &board, kHandleBytes);
}

cl_int CL_API_CALL get_context_info(cl_context context, cl_context_info what, size_t size, void* value,
                                    size_t* size_returned) {
  const cl_int status = layer().target.clGetContextInfo(context, what, size, value, size_returned);
  if (status == CL_SUCCESS && what == CL_CONTEXT_DEVICES) put_board(layer().device_of(context), value);
  return status;
}

cl_int CL_API_CALL get_program_info(cl_program program, cl_program_info what, size_t size, void* value,
                                    size_t* size_returned) {
  const cl_int status = layer().target.clGetProgramInfo(program, what, size, value, size_returned);
  if (status != CL_SUCCESS || what != CL_PROGRAM_DEVICES) return status;
  cl_context context = nullptr;
  layer().target.clGetProgramInfo(program, CL_PROGRAM_CONTEXT, kHandleBytes, &context, nullptr);
  put_board(layer().device_of(context), value);
  return status;
}

cl_int CL_API_CALL get_queue_info(cl_command_queue queue, cl_command_queue_info what, size_t size, void* value,
                                  size_t* size_returned) {
  const cl_int status = layer().target.clGetCommandQueueInfo(queue, what, size, value, size_returned);
  if (status != CL_SUCCESS || what != CL_QUEUE_DEVICE) return status;
  put_board(layer().device_of(queue), value);
  return status;
}

cl_command_queue CL_API_CALL create_queue(cl_context context, cl_device_id device,
                                          cl_command_queue_properties properties, cl_int* error) {
  return layer().target.clCreateCommandQueue(context, layer().real(device), properties, error);
}

cl_command_queue CL_API_CALL create_queue_with_properties(cl_context context, cl_device_id device,
                                                          const cl_queue_properties* properties, cl_int* error) {
  return layer().target.clCreateCommandQueueWithProperties(context, layer().real(device), properties, error);
}

cl_int CL_API_CALL retain_device(cl_device_id device) {
  return layer().board(device) != nullptr ? CL_SUCCESS : layer().target.clRetainDevice(device);
}

cl_int CL_API_CALL release_device(cl_device_id device) {
  return layer().board(device) != nullptr ? CL_SUCCESS : layer().target.clReleaseDevice(device);
}

}  // namespace

void intercept_devices(cl_icd_dispatch& table) {
  table.clGetPlatformInfo = get_platform_info;
  table.clGetDeviceIDs = get_device_ids;
  table.clGetDeviceInfo = get_device_info;
  table.clCreateContext = create_context;
  table.clGetContextInfo = get_context_info;
  table.clGetProgramInfo = get_program_info;
  table.clGetCommandQueueInfo = get_queue_info;
  table.clCreateCommandQueue = create_queue;
  table.clCreateCommandQueueWithProperties = create_queue_with_properties;
  table.clRetainDevice = retain_device;
  table.clReleaseDevice = release_device;
}

}  // namespace qtrap::layer
