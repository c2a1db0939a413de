// Every kernel variant of a device against a host reference in double precision, on odd shapes, with canary zones
// behind each output.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "device/device.hpp"
#include "scheme/catalogue/kernel_table.hpp"

namespace qtrap::scheme {

enum class VerifyStatus { kPass, kFail, kUnsupported };
constexpr Words<3> words_of(VerifyStatus) { return {"pass", "fail", "unsupported"}; }

struct VerifyRow {
  std::string kernel;               ///< entry name
  std::string variant;              ///< "reference", "cpu", "gpu" or the name of a fast variant
  std::string shape;                ///< e.g. "rows 33, columns 257, tokens 3"
  double worst_relative_error = 0;  ///< of the operation's own scale (for matmul: sum |w||x|); 0 when bitwise equal
  double tolerance = 0;             ///< 0: bitwise equality is demanded
  VerifyStatus status = VerifyStatus::kFail;
  std::string reason;  ///< why unsupported or failed; empty on pass
};

struct VerifyOptions {
  std::vector<std::string> families;  ///< empty: reference and the device's own
  std::string kernel;                 ///< only kernels whose name contains this; empty: all
  bool small = false;                 ///< only the smallest odd shapes (for Oclgrind)
  std::string variant;                ///< only this variant; empty: all of the families
};

/// The kernels that `options` ask for on the device of `info`.
std::vector<const KernelEntry*> list_verified(const device::DeviceInfo& info, const VerifyOptions& options);

/// One kernel: the worst over its shapes, or `unsupported` with the probe's reason (the device is probed already). A
/// failed OpenCL call fails the row; ask Device::still_works() before the next.
VerifyRow verify_kernel(device::Device& device, const KernelEntry& kernel, bool small);

/// A row for each of list_verified(); probes the device where that was not done.
std::vector<VerifyRow> verify_kernels(device::Device& device, const VerifyOptions& options);

}  // namespace qtrap::scheme
