// Makes a Pass of a kernel, its buffers and scalars: the one place where kernels are built and arguments set.
#pragma once

#include <string_view>
#include <vector>

#include "scheme/catalogue/kernel_table.hpp"
#include "scheme/pass.hpp"

namespace qtrap::scheme {

/// The kernels that `options` ask for on `device`.
KernelSet resolve_kernels(const device::Device& device, const PassOptions& options);

/// `buffer` itself when it has exactly `bytes`, else a view of its first `bytes`; a shorter one is a defect.
device::Buffer exact_view(device::Device& device, const device::Buffer& buffer, std::uint64_t bytes);

/// What a pass is made of, buffers of exactly the bytes that count.
struct PassParts {
  OperationId operation;
  std::vector<device::BufferArg> buffers;
  std::vector<device::Argument> scalars;  ///< arguments after the buffers
  Extent extent;
  Costs costs;  ///< bytes and launches are set by make_pass
};
/// A fast variant that does not build, or needs larger work-groups than the device takes, is avoided from now on (see
/// DeviceInfo::avoided) and the next best kernel taken; errors are those of the plain one.
Result<Pass> make_pass(device::Device& device, const PassOptions& options, PassParts parts);

/// Builds the kernel that make_pass would take for `operation`, avoiding variants likewise. Nothing is launched.
Status build_kernel(device::Device& device, const PassOptions& options, const OperationId& operation,
                    const Extent& extent);

/// Takes `bytes` of a bound buffer that the pass does not touch out of its costs.
void leave_out(const device::Device& device, Pass& pass, std::size_t argument, std::uint64_t bytes);

/// A pass of a table row whose slots are held by `buffers` (indexed by Slot; unused ones empty).
Result<Pass> make_pass(device::Device& device, const PassOptions& options, const PassRow& row,
                       const std::vector<device::Buffer>& buffers);

}  // namespace qtrap::scheme
