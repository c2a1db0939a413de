// The one place that includes CLHPP, with what the layer shares: status names and the bodies of the handles. Internal
// to device/.
#pragma once

#include <CL/opencl.hpp>
#include <string>
#include <vector>

#include "device/device.hpp"

namespace qtrap::device {

/// "CL_INVALID_VALUE (-30)" for a status.
std::string status_name(int status);

/// DeviceError where `status` is not CL_SUCCESS.
void require_success(cl_int status, const std::string& call, const std::string& device);

/// Runs `call`, turning cl::Error into DeviceError on `device`.
template <class Call>
auto guarded(const std::string& device, Call&& call) -> decltype(call()) {
  try {
    return call();
  } catch (const cl::BuildError& error) {
    throw DeviceError("clBuildProgram", error.err(), device);
  } catch (const cl::Error& error) {
    throw DeviceError(error.what(), error.err(), device);
  }
}

struct Buffer::Impl {
  cl::Buffer handle;
  std::shared_ptr<Impl> parent;  ///< keeps the parent of a view alive
  std::string device;
};

struct Kernel::Impl {
  cl::Kernel handle;
  std::string name;
  std::size_t largest_group = 0;
  std::vector<std::shared_ptr<Buffer::Impl>> bound;  ///< clSetKernelArg does not retain buffers
  std::string device;
};

/// Device handles in the order of list_devices().
std::vector<cl::Device> all_device_handles();

/// CL_DEVICE_NAME without blanks around it, as in DeviceInfo::name.
std::string read_name(const cl::Device& device);

}  // namespace qtrap::device
