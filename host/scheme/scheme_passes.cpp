#include <algorithm>
#include <array>

#include "core/contract.hpp"
#include "scheme/pass_factory.hpp"

namespace qtrap::scheme {
namespace {

using device::Buffer;

using SlotBytes = std::array<std::uint64_t, kSlotCount>;

std::size_t index(Slot slot) { return static_cast<std::size_t>(slot); }

/// Largest bytes of every slot over the passes of all shapes; the caller's slots stay 0.
SlotBytes workspace_bytes(const SchemeInfo& scheme, const KernelSet& kernels, std::uint32_t group_size,
                          std::uint64_t tokens, const std::vector<ProjectionShape>& shapes) {
  SlotBytes bytes{};
  const auto take = [&](const std::vector<PassRow>& rows) {
    for (const PassRow& row : rows) {
      for (const Binding& binding : row.bindings) {
        std::uint64_t& most = bytes[index(binding.slot)];
        if (index(binding.slot) >= index(Slot::kPlainWeights)) most = std::max(most, binding.bytes);
      }
    }
  };
  for (const ProjectionShape& shape : shapes) {
    take(input_pass_table(scheme, kernels, group_size, tokens, shape.columns));
    take(projection_pass_table(scheme, kernels, group_size, tokens, shape));
  }
  return bytes;
}

}  // namespace

struct SchemePasses::State {
  device::Device* device;
  PassOptions options;
  KernelSet kernels;
  SchemeInfo scheme;
  std::uint64_t tokens;
  std::vector<Buffer> slots = std::vector<Buffer>(kSlotCount);

  Result<std::vector<Pass>> make_all(const std::vector<PassRow>& rows, const std::vector<Buffer>& buffers) const {
    std::vector<Pass> passes;
    for (const PassRow& row : rows) {
      auto pass = make_pass(*device, options, row, buffers);
      if (!pass) return pass.error();
      passes.push_back(std::move(pass).value());
    }
    return passes;
  }
};

Result<SchemePasses> SchemePasses::make(const PassMaker& maker, const SchemeInfo& scheme, std::uint64_t tokens,
                                        const std::vector<ProjectionShape>& shapes) {
  SchemePasses passes;
  passes.state_ = std::make_shared<State>();
  State& state = *passes.state_;
  state.device = &maker.device();
  state.options = maker.options();
  state.kernels = resolve_kernels(*state.device, state.options);
  state.scheme = scheme;
  state.tokens = tokens;
  const SlotBytes bytes = workspace_bytes(scheme, state.kernels, state.options.group_size, tokens, shapes);
  for (std::size_t slot = 0; slot < kSlotCount; ++slot) {
    if (bytes[slot] == 0) continue;
    auto buffer = state.device->make_buffer(bytes[slot]);
    if (!buffer) return buffer.error();
    state.slots[slot] = std::move(buffer).value();
  }
  return passes;
}

Result<std::vector<Pass>> SchemePasses::input_passes(const Buffer& x, std::uint64_t columns) const {
  const State& state = *state_;
  std::vector<Buffer> buffers = state.slots;
  buffers[index(Slot::kInput)] = x;
  return state.make_all(input_pass_table(state.scheme, state.kernels, state.options.group_size, state.tokens, columns),
                        buffers);
}

Result<std::vector<Pass>> SchemePasses::projection_passes(const Weights& weights, const Buffer& x,
                                                          const Buffer& y) const {
  const State& state = *state_;
  expects(weights.format == state.scheme.weights, "the weights have the format of the scheme");
  std::vector<Buffer> buffers = state.slots;
  buffers[index(Slot::kInput)] = x;
  buffers[index(Slot::kOutput)] = y;
  for (const format::Part& part : format::info(weights.format).parts)
    buffers[index(slot_of(part.name))] = weights.part(part.name);
  return state.make_all(
      projection_pass_table(state.scheme, state.kernels, state.options.group_size, state.tokens, weights.shape),
      buffers);
}

std::uint64_t SchemePasses::compute_workspace_bytes(const SchemeInfo& scheme, const KernelSet& kernels,
                                                    std::uint32_t group_size, std::uint64_t tokens,
                                                    const std::vector<ProjectionShape>& shapes) {
  const SlotBytes bytes = workspace_bytes(scheme, kernels, group_size, tokens, shapes);
  std::uint64_t sum = 0;
  for (const std::uint64_t slot : bytes) sum += slot;
  return sum;
}

}  // namespace qtrap::scheme
