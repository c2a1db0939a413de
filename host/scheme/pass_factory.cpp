#include "scheme/pass_factory.hpp"

#include "core/contract.hpp"

namespace qtrap::scheme {

using device::Access;
using device::Buffer;
using device::BufferArg;

namespace {

std::string family_of(const device::Device& device, const PassOptions& options) {
  return options.family.empty() ? device.info().kernel_family() : options.family;
}
const std::string& variant_of(const device::Device& device, const PassOptions& options) {
  return options.variant.empty() ? device.info().forced_variant : options.variant;
}

}  // namespace

KernelSet resolve_kernels(const device::Device& device, const PassOptions& options) {
  return choose_kernel_set(family_of(device, options), variant_of(device, options), device.info());
}

Buffer exact_view(device::Device& device, const Buffer& buffer, std::uint64_t bytes) {
  expects(buffer.size_bytes() >= bytes, "a bound buffer is large enough for its operand");
  return buffer.size_bytes() == bytes ? buffer : device.make_view(buffer, bytes);
}

namespace {

std::uint64_t count_bytes(const BufferArg& argument) {
  return argument.buffer.size_bytes() * (argument.access == Access::kReadWrite ? 2 : 1);
}

bool stays_in_cache(const device::Device& device, const BufferArg& argument) {
  return argument.buffer.size_bytes() <= device.info().cache_bytes / 2;
}

}  // namespace

Result<Pass> make_pass(device::Device& device, const PassOptions& options, PassParts parts) {
  const KernelEntry* entry =
      choose_kernel(parts.operation, family_of(device, options), variant_of(device, options), device.info());
  expects(entry != nullptr, "every operation has a kernel");
  Tuning standard = make_tuning(device.info(), options.group_size);
  if (options.stream_bytes) standard.stream_bytes = *options.stream_bytes;
  const Tuning tuning = apply_choices(standard, options.tuning, *entry, parts.extent);
  auto kernel =
      device.make_kernel(std::string(entry->file), entry->entry(), entry->build_options(tuning, parts.extent));
  if (!kernel) return kernel.error();

  Pass pass{parts.role,
            entry->name(),
            find_variant(entry->variant)->matrix_unit,
            {std::move(kernel).value(), entry->size(tuning, parts.extent)},
            std::move(parts.buffers),
            parts.costs};
  pass.costs.launches = 1;
  pass.costs.bytes = pass.costs.cached_bytes = 0;
  std::vector<device::Argument> arguments;
  for (const BufferArg& argument : pass.buffers) {
    pass.costs.bytes += count_bytes(argument);
    if (stays_in_cache(device, argument)) pass.costs.cached_bytes += count_bytes(argument);
    arguments.emplace_back(argument);
  }
  arguments.insert(arguments.end(), parts.scalars.begin(), parts.scalars.end());
  pass.launch.kernel.set_arguments(arguments);
  return pass;
}

Result<Pass> make_pass(device::Device& device, const PassOptions& options, const PassRow& row, const Extent& extent,
                       const std::vector<Buffer>& buffers) {
  PassParts parts{row.role, row.operation, {}, {}, extent, row.costs};
  for (const Binding& binding : row.bindings) {
    const Buffer& buffer = buffers.at(static_cast<std::size_t>(binding.slot));
    parts.buffers.push_back({exact_view(device, buffer, binding.bytes), binding.access});
  }
  for (const std::uint32_t scalar : row.scalars) parts.scalars.emplace_back(scalar);
  auto pass = make_pass(device, options, std::move(parts));
  if (!pass) return pass;
  Costs& costs = pass.value().costs;
  for (std::size_t i = 0; i < row.bindings.size(); ++i) {
    const Slot slot = row.bindings[i].slot;
    const BufferArg& argument = pass.value().buffers[i];
    const bool weights = slot == Slot::kCodes || slot == Slot::kScales || slot == Slot::kZeros;
    if (weights && stays_in_cache(device, argument)) costs.cached_bytes -= count_bytes(argument);
  }
  Costs expected = row.costs;
  expected.cached_bytes = costs.cached_bytes;
  expects(costs == expected, "the costs of a pass are those of its table row");
  return pass;
}

}  // namespace qtrap::scheme
