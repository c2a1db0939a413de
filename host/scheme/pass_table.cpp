// Which passes a scheme takes, with their arguments and costs: plain arithmetic. Layouts are described in the kernels.
#include <algorithm>

#include "core/contract.hpp"
#include "scheme/kernel_table.hpp"
#include "scheme/pass.hpp"

namespace qtrap::scheme {
namespace {

using device::Access;

/// The form in which a matmul reads its activations.
enum class ActivationForm { kF16, kF32Panels, kF32Nibbles, kI24Nibbles, kI8, kI8Panels, kI8Sums, kI8Nibbles };

struct Sizes {
  std::uint64_t tokens, columns, group;
  std::uint64_t groups() const { return (columns + group - 1) / group; }
  std::uint64_t padded_tokens() const { return (tokens + kPanelTokens - 1) / kPanelTokens * kPanelTokens; }
};

ActivationForm activation_form(Scheme scheme, const KernelSet& kernels, std::uint64_t tokens) {
  const bool cpu = kernels.family == "cpu";
  const bool gemm = tokens > kMostGemvTokens && kernels.family != "reference";
  switch (scheme) {
    case Scheme::kW8A8:
      return cpu && gemm ? ActivationForm::kI8Panels : ActivationForm::kI8;
    case Scheme::kW4A8:
      if (!gemm) return cpu ? ActivationForm::kI8Nibbles : ActivationForm::kI8Sums;
      return cpu ? ActivationForm::kI8Panels : ActivationForm::kI8;
    case Scheme::kW4A16Fused:
      if (kernels.byte_products && tokens == 1) return ActivationForm::kI24Nibbles;
      if (cpu && !gemm) return ActivationForm::kF32Nibbles;
      [[fallthrough]];
    default:
      return cpu && gemm ? ActivationForm::kF32Panels : ActivationForm::kF16;
  }
}

std::uint64_t activation_bytes(ActivationForm form, const Sizes& s) {
  switch (form) {
    case ActivationForm::kF16:
      return 2 * s.tokens * s.columns;
    case ActivationForm::kF32Panels:
      return 4 * s.padded_tokens() * s.columns;
    case ActivationForm::kF32Nibbles:
      return 4 * s.tokens * s.groups() * s.group;
    case ActivationForm::kI24Nibbles:
      return 3 * s.tokens * s.groups() * s.group;
    case ActivationForm::kI8:
      return s.tokens * s.columns;
    case ActivationForm::kI8Panels:
      return s.padded_tokens() * s.columns;
    case ActivationForm::kI8Sums:
      return s.tokens * s.columns;
    case ActivationForm::kI8Nibbles:
      return s.tokens * s.groups() * s.group;
  }
  return 0;
}

std::uint32_t argument(std::uint64_t value) {
  expects(value <= 0xFFFFFFFFU, "kernel arguments fit 32 bits");
  return static_cast<std::uint32_t>(value);
}

PassRow make_row(Role role, std::string operation, std::vector<Binding> bindings, std::vector<std::uint32_t> scalars) {
  PassRow row{role, std::move(operation), {}, std::move(bindings), std::move(scalars)};
  for (const Binding& binding : row.bindings) {
    row.costs.bytes += binding.access == Access::kReadWrite ? 2 * binding.bytes : binding.bytes;
  }
  row.costs.launches = 1;
  return row;
}

std::string matmul_prefix(const std::string& family, std::uint64_t tokens) {
  if (family == "reference") return "matmul_";
  return tokens <= kMostGemvTokens ? "gemv_" : "gemm_";
}

const char* quantize_operation(ActivationForm form) {
  switch (form) {
    case ActivationForm::kI8Panels:
      return "quantize_f16_i8_panels";
    case ActivationForm::kI8Sums:
      return "quantize_f16_i8_sums";
    case ActivationForm::kI8Nibbles:
      return "quantize_f16_i8_nibbles";
    default:
      return "quantize_f16_i8";
  }
}

std::vector<Binding> weight_bindings(WeightFormat format, ProjectionShape shape, std::uint64_t groups) {
  const auto [rows, columns] = shape;
  switch (format) {
    case WeightFormat::kF16:
      return {{Slot::kCodes, Access::kRead, 2 * rows * columns}};
    case WeightFormat::kInt8:
      return {{Slot::kCodes, Access::kRead, rows * columns}, {Slot::kScales, Access::kRead, 2 * rows}};
    case WeightFormat::kInt4:
      return {{Slot::kCodes, Access::kRead, rows * ((columns + 1) / 2)},
              {Slot::kScales, Access::kRead, 2 * rows * groups},
              {Slot::kZeros, Access::kRead, 2 * rows * groups}};
  }
  return {};
}

PassRow dequantize_weights_row(WeightFormat format, ProjectionShape shape, std::uint64_t groups) {
  std::vector<Binding> bindings = weight_bindings(format, shape, groups);
  bindings.push_back({Slot::kPlainWeights, Access::kWrite, 2 * shape.rows * shape.columns});
  PassRow row = make_row(Role::kDequantize, format == WeightFormat::kInt8 ? "dequantize_i8_f16" : "dequantize_i4_f16",
                         std::move(bindings), {argument(shape.rows), argument(shape.columns)});
  row.costs.dequantized_weights = shape.rows * shape.columns;
  row.costs.weight_launches = 1;
  return row;
}

std::string matmul_formats(Scheme scheme, ActivationForm form) {
  switch (scheme) {
    case Scheme::kW8A16Fused:
      return "i8_f16";
    case Scheme::kW8A8:
      return "i8_i8";
    case Scheme::kW4A16Fused:
      return form == ActivationForm::kI24Nibbles ? "i4_i24" : "i4_f16";
    case Scheme::kW4A8:
      return "i4_i8";
    default:
      return "f16_f16";
  }
}

PassRow matmul_row(const SchemeInfo& scheme, const KernelSet& kernels, const Sizes& sizes, ProjectionShape shape) {
  const ActivationForm form = activation_form(scheme.scheme, kernels, sizes.tokens);
  const bool exact_sums = scheme.scheme == Scheme::kW8A8;
  std::vector<Binding> bindings;
  if (scheme.path == "split") {
    bindings = {{Slot::kPlainWeights, Access::kRead, 2 * shape.rows * shape.columns}};
  } else {
    bindings = weight_bindings(scheme.weights, shape, sizes.groups());
    if (exact_sums) bindings.pop_back();  // the row scales enter with the dequantize pass
  }
  const Slot x = form == ActivationForm::kF16 ? Slot::kInput : Slot::kActivations;
  bindings.push_back({x, Access::kRead, activation_bytes(form, sizes)});
  const std::uint64_t per_group = 4 * sizes.tokens * sizes.groups();
  if (scheme.scheme == Scheme::kW4A8) bindings.push_back({Slot::kTokenScales, Access::kRead, 4 * sizes.tokens});
  if (form == ActivationForm::kI24Nibbles) bindings.push_back({Slot::kGroupScales, Access::kRead, per_group});
  if (form == ActivationForm::kF32Nibbles || form == ActivationForm::kI24Nibbles || form == ActivationForm::kI8Sums ||
      form == ActivationForm::kI8Nibbles) {
    bindings.push_back({Slot::kGroupSums, Access::kRead, per_group});
  }
  if (exact_sums) {
    bindings.push_back({Slot::kAccumulators, Access::kWrite, 4 * sizes.tokens * shape.rows});
  } else {
    bindings.push_back({Slot::kOutput, Access::kWrite, 2 * sizes.tokens * shape.rows});
  }
  const std::string prefix = matmul_prefix(kernels.family, sizes.tokens);
  std::vector<std::uint32_t> scalars{argument(shape.rows), argument(shape.columns)};
  if (prefix != "gemv_") scalars.push_back(argument(sizes.tokens));
  PassRow row =
      make_row(Role::kMatmul, prefix + matmul_formats(scheme.scheme, form), std::move(bindings), std::move(scalars));
  row.costs.macs = shape.rows * shape.columns * sizes.tokens;
  row.costs.weight_launches = 1;
  return row;
}

}  // namespace

std::vector<PassRow> input_pass_table(const SchemeInfo& scheme, const KernelSet& kernels, std::uint32_t group_size,
                                      std::uint64_t tokens, std::uint64_t columns) {
  const Sizes sizes{tokens, columns, group_size};
  const ActivationForm form = activation_form(scheme.scheme, kernels, tokens);
  if (form == ActivationForm::kF16) return {};
  const Binding x{Slot::kInput, Access::kRead, 2 * tokens * columns};
  const Binding activations{Slot::kActivations, Access::kWrite, activation_bytes(form, sizes)};
  const Binding scales{Slot::kTokenScales, Access::kWrite, 4 * tokens};
  const Binding sums{Slot::kGroupSums, Access::kWrite, 4 * tokens * sizes.groups()};
  const std::uint32_t k = argument(columns);
  const std::uint32_t t = argument(tokens);
  const Binding group_scales{Slot::kGroupScales, Access::kWrite, sums.bytes};
  if (form == ActivationForm::kF32Panels || form == ActivationForm::kF32Nibbles ||
      form == ActivationForm::kI24Nibbles) {
    PassRow row = form == ActivationForm::kF32Panels
                      ? make_row(Role::kCast, "cast_f16_f32_panels", {x, activations}, {k, t})
                  : form == ActivationForm::kF32Nibbles
                      ? make_row(Role::kCast, "cast_f16_f32_nibbles", {x, activations, sums}, {k, t})
                      : make_row(Role::kCast, "cast_f16_i24_nibbles", {x, activations, group_scales, sums}, {k, t});
    row.costs.cast_elements = tokens * columns;
    return {row};
  }
  const bool summed = form == ActivationForm::kI8Sums || form == ActivationForm::kI8Nibbles;
  PassRow row =
      make_row(Role::kQuantize, quantize_operation(form),
               summed ? std::vector{x, activations, scales, sums} : std::vector{x, activations, scales}, {k, t});
  row.costs.quantized_elements = tokens * columns;
  return {row};
}

std::vector<PassRow> projection_pass_table(const SchemeInfo& scheme, const KernelSet& kernels, std::uint32_t group_size,
                                           std::uint64_t tokens, ProjectionShape shape) {
  expects(shape.rows > 0 && shape.columns > 0 && tokens > 0, "a projection has rows, columns and tokens");
  const Sizes sizes{tokens, shape.columns, group_size};
  std::vector<PassRow> rows;
  if (scheme.path == "split") {
    rows.push_back(dequantize_weights_row(scheme.weights, shape, sizes.groups()));
  }
  rows.push_back(matmul_row(scheme, kernels, sizes, shape));
  if (scheme.scheme == Scheme::kW8A8) {
    PassRow row = make_row(Role::kDequantize, "dequantize_i32_f16",
                           {{Slot::kAccumulators, Access::kRead, 4 * tokens * shape.rows},
                            {Slot::kScales, Access::kRead, 2 * shape.rows},
                            {Slot::kTokenScales, Access::kRead, 4 * tokens},
                            {Slot::kOutput, Access::kWrite, 2 * tokens * shape.rows}},
                           {argument(shape.rows), argument(tokens)});
    row.costs.dequantized_weights = shape.rows * tokens;
    rows.push_back(row);
  }
  return rows;
}

}  // namespace qtrap::scheme
