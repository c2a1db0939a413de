// Drives the cases of verify_operations.cpp and verify_schemes.cpp: each kernel runs on each of its shapes with a
// canary zone behind every output.
#include "scheme/verify/verify.hpp"

#include <algorithm>
#include <cmath>

#include "core/contract.hpp"
#include "scheme/verify/verify_cases.hpp"

namespace qtrap::scheme {
namespace {

constexpr std::uint8_t kCanary = 0xA5;
constexpr std::uint16_t kCanaryPattern = 0xA5A5;
constexpr std::uint64_t kCanaryBytes = 512;

/// Worse means a larger part of the tolerance.
bool is_worse(const Comparison& a, const Comparison& b) {
  if (a.tolerance == 0 || b.tolerance == 0) return a.error > b.error;
  return a.error / a.tolerance > b.error / b.tolerance;
}

void take(VerifyRow& row, const Result<Comparison>& result, const std::string& shape, bool& first) {
  if (row.status == VerifyStatus::kFail && !first) return;
  if (!result) {
    row.status = VerifyStatus::kFail;
    row.shape = shape;
    row.reason = result.error().message();
    first = false;
    return;
  }
  const Comparison& found = result.value();
  const bool passed = found.problem.empty() && found.error <= found.tolerance && std::isfinite(found.error);
  if (first || !passed || is_worse(found, {row.worst_relative_error, row.tolerance, {}})) {
    row.worst_relative_error = std::isfinite(found.error) ? found.error : 1.0;
    row.tolerance = found.tolerance;
    row.shape = shape;
  }
  row.status = passed ? VerifyStatus::kPass : VerifyStatus::kFail;
  if (!passed) row.reason = found.problem.empty() ? "the error exceeds the tolerance" : found.problem;
  first = false;
}

/// Runs the kernel on every shape; what is thrown at one of them fails the row.
void run_shapes(device::Device& device, const KernelEntry& kernel, bool small, VerifyRow& row) {
  const VerifyCase& check = verify_case(kernel.operation);
  bool first = true;
  for (const std::uint32_t group : check.group_sizes(small)) {
    for (const Extent& extent : check.extents_of(small)) {
      const std::string shape = check.describe(extent, group);
      try {
        VerifyBench bench(device, {std::string(kernel.family), group, std::string(kernel.variant)});
        take(row, check.check(bench, kernel, extent), shape, first);
      } catch (const device::DeviceError& error) {
        take(row, error.error(), shape, first);
        return;
      }
    }
  }
}

}  // namespace

VerifyRow verify_kernel(device::Device& device, const KernelEntry& kernel, bool small) {
  VerifyRow row;
  row.kernel = kernel.name();
  row.variant = kernel.variant;
  if (const auto missing = missing_capability(*find_variant(kernel.variant), device.info())) {
    row.status = VerifyStatus::kUnsupported;
    row.reason = *missing;
    return row;
  }
  run_shapes(device, kernel, small, row);
  return row;
}

VerifyBench::VerifyBench(device::Device& device, PassOptions options)
    : device_(&device), options_(std::move(options)) {}

device::Buffer VerifyBench::make_buffer(std::uint64_t bytes) { return device_->make_buffer(bytes).value(); }

device::Buffer VerifyBench::make_output(std::uint64_t bytes) {
  const device::Buffer padded = make_buffer((bytes + 1) / 2 * 2 + kCanaryBytes);
  device_->fill(padded, kCanaryPattern);
  guarded_.push_back({padded, bytes});
  return device_->make_view(padded, bytes);
}

void VerifyBench::run(const Pass& pass) {
  device_->enqueue(pass.launch);
  device_->finish();
}

bool VerifyBench::canaries_intact() {
  return std::all_of(guarded_.begin(), guarded_.end(), [&](const Guarded& guarded) {
    const auto bytes = device::read_vector<std::uint8_t>(*device_, guarded.padded, guarded.padded.size_bytes());
    return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(guarded.used_bytes), bytes.end(),
                       [](std::uint8_t byte) { return byte == kCanary; });
  });
}

std::vector<const KernelEntry*> list_verified(const device::DeviceInfo& info, const VerifyOptions& options) {
  std::vector<std::string> families = options.families;
  if (families.empty()) families = {"reference", info.kernel_family()};
  std::vector<const KernelEntry*> kernels;
  for (const KernelEntry& kernel : all_kernels()) {
    if (std::find(families.begin(), families.end(), kernel.family) == families.end()) continue;
    if (kernel.name().find(options.kernel) == std::string::npos) continue;
    if (!options.variant.empty() && kernel.variant != options.variant) continue;
    kernels.push_back(&kernel);
  }
  return kernels;
}

std::vector<VerifyRow> verify_kernels(device::Device& device, const VerifyOptions& options) {
  if (device.info().capabilities.empty()) device.probe_capabilities();
  std::vector<VerifyRow> rows;
  for (const KernelEntry* kernel : list_verified(device.info(), options))
    rows.push_back(verify_kernel(device, *kernel, options.small));
  return rows;
}

}  // namespace qtrap::scheme
