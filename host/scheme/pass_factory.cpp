#include "scheme/pass_factory.hpp"

#include <fmt/format.h>

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

namespace {

/// A kernel that is built and fits the device, with its launch's size.
struct BuiltKernel {
  const KernelEntry* entry;
  device::Kernel kernel;
  device::WorkSize size;
};

Result<BuiltKernel> build(device::Device& device, const PassOptions& options, const KernelEntry& entry,
                          const Extent& extent) {
  if (const auto* avoided = device.info().find_avoided(entry.name()))
    return runtime_error("kernel is left out", fmt::format("{}: {}", avoided->kernel, avoided->reason),
                         "update the driver; `qtrap verify` shows which kernels work");
  Tuning standard = make_tuning(device.info(), options.group_size);
  if (options.stream_bytes) standard.stream_bytes = *options.stream_bytes;
  const Tuning tuning = apply_choices(standard, options.tuning, entry, extent);
  auto kernel =
      device.make_kernel(std::string(entry.file), entry.entry(), entry.build_options(tuning, extent), entry.name());
  if (!kernel) return kernel.error();
  BuiltKernel built{&entry, std::move(kernel).value(), entry.size(tuning, extent)};
  if (device::count_group_items(built.size) > built.kernel.largest_group()) {
    return runtime_error("kernel needs larger work-groups than the device takes",
                         fmt::format("{}: {} items, at most {}", entry.name(), device::count_group_items(built.size),
                                     built.kernel.largest_group()),
                         "choose another device with --device");
  }
  return built;
}

/// The best kernel that builds. A forced variant stands alone, as whoever demands it wants to know.
Result<BuiltKernel> build_best(device::Device& device, const PassOptions& options, const OperationId& operation,
                               const Extent& extent) {
  const std::string family = family_of(device, options);
  const std::string& variant = variant_of(device, options);
  while (true) {
    const KernelEntry* entry = choose_kernel(operation, family, variant, device.info(), extent.tokens);
    expects(entry != nullptr, "every operation has a kernel");
    auto built = build(device, options, *entry, extent);
    if (built || !variant.empty() || entry->variant == entry->family) return built;
    device.avoid_kernel(entry->name(), built.error().message());
  }
}

}  // namespace

Status build_kernel(device::Device& device, const PassOptions& options, const OperationId& operation,
                    const Extent& extent) {
  const auto built = build_best(device, options, operation, extent);
  if (!built) return built.error();
  return Done{};
}

Result<Pass> make_pass(device::Device& device, const PassOptions& options, PassParts parts) {
  auto built = build_best(device, options, parts.operation, parts.extent);
  if (!built) return built.error();
  const KernelEntry* entry = built.value().entry;

  Pass pass{role_of(parts.operation),
            entry->name(),
            find_variant(entry->variant)->matrix_unit,
            {std::move(built.value().kernel), built.value().size},
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

void leave_out(const device::Device& device, Pass& pass, std::size_t argument, std::uint64_t bytes) {
  pass.costs.bytes -= bytes;
  if (stays_in_cache(device, pass.buffers.at(argument))) pass.costs.cached_bytes -= bytes;
}

Result<Pass> make_pass(device::Device& device, const PassOptions& options, const PassRow& row,
                       const std::vector<Buffer>& buffers) {
  PassParts parts{row.operation, {}, {}, row.extent, row.costs};
  for (const Binding& binding : row.bindings) {
    const Buffer& buffer = buffers.at(static_cast<std::size_t>(binding.slot));
    parts.buffers.push_back({exact_view(device, buffer, binding.bytes), binding.access});
  }
  for (const std::uint32_t scalar : row.scalars) parts.scalars.emplace_back(scalar);
  auto pass = make_pass(device, options, std::move(parts));
  if (!pass) return pass;
  Costs& costs = pass.value().costs;
  for (std::size_t i = 0; i < row.bindings.size(); ++i) {
    const Binding& binding = row.bindings[i];
    const BufferArg& argument = pass.value().buffers[i];
    const std::uint64_t passed_over = binding.gathered_bytes ? binding.bytes - *binding.gathered_bytes : 0;
    costs.bytes -= passed_over;
    if (stays_in_cache(device, argument))
      costs.cached_bytes -= holds_weights(binding.slot) ? count_bytes(argument) : passed_over;
  }
  Costs expected = row.costs;
  expected.cached_bytes = costs.cached_bytes;
  expects(costs == expected, "the costs of a pass are those of its table row");
  return pass;
}

}  // namespace qtrap::scheme
