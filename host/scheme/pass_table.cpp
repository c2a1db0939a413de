// Which passes a scheme takes, with their arguments and costs: plain arithmetic. Layouts are described in the kernels.
#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "core/contract.hpp"
#include "core/half.hpp"
#include "scheme/catalogue/kernel_table.hpp"
#include "scheme/pass.hpp"

namespace qtrap::scheme {
namespace {

using device::Access;
using enum OperationKind;

struct Sizes {
  std::uint64_t tokens, columns, group;
  std::uint64_t groups() const { return format::count_groups(columns, group); }
  std::uint64_t padded_columns() const { return groups() * group; }
  std::uint64_t padded_tokens() const { return count_panels(tokens) * kNumbers.panel_tokens; }
};

/// The form in which a matmul reads its activations, and the pass that makes it.
struct ActivationForm {
  Form numbers;                        ///< that the matmul is named by
  std::optional<OperationId> made_by;  ///< the pass that makes it; none: the f16 activations themselves
  std::uint64_t (*bytes)(const Sizes&);
  std::vector<Slot> beside;  ///< what else the pass writes and the matmul reads, in argument order
};

std::uint64_t plain_bytes(const Sizes& s) { return s.tokens * s.columns; }
std::uint64_t panel_bytes(const Sizes& s) { return s.padded_tokens() * s.columns; }
std::uint64_t group_bytes(const Sizes& s) { return s.tokens * s.padded_columns(); }

/// Which form a matmul takes: the first row that applies.
struct FormRule {
  Activations activations;
  std::optional<WeightFormat> weights;  ///< of the matmul: f16 behind a split; none: any
  std::string_view family;              ///< empty: any
  enum Tokens { kOne, kFew, kMany, kAny } tokens;
  bool byte_products;
  ActivationForm form;
  bool outliers = false;  ///< columns of them are apart

  bool applies(const SchemeInfo& scheme, const KernelSet& kernels, std::uint64_t count) const {
    const bool gemm = count > kMostGemvTokens && kernels.family != "reference";
    const bool fits = tokens == kAny || (tokens == kMany ? gemm : !gemm && (tokens == kFew || count == 1));
    return activations == scheme.activations && outliers == scheme.outliers.has_value() &&
           (!weights || *weights == scheme.matmul_format()) && (family.empty() || family == kernels.family) && fits &&
           (!byte_products || kernels.byte_products);
  }
};

using CountBytes = std::uint64_t (*)(const Sizes&);

ActivationForm cast_to(Form numbers, Form made, CountBytes bytes, std::vector<Slot> beside = {}) {
  return {numbers, OperationId{kCast, {}, made}, bytes, std::move(beside)};
}
ActivationForm quantized_to(Form numbers, Form made, CountBytes bytes,
                            std::vector<Slot> beside = {Slot::kTokenScales}) {
  return {numbers, OperationId{kQuantize, {}, made}, bytes, std::move(beside)};
}

std::uint64_t digit_bytes(const Sizes& s) { return kNumbers.digits * group_bytes(s); }
template <std::uint64_t kBytes, CountBytes kCount>
std::uint64_t times(const Sizes& s) {
  return kBytes * kCount(s);
}

const std::vector<FormRule>& form_rules() {
  using R = FormRule;
  using S = Slot;
  constexpr auto kF16 = Activations::kF16;
  constexpr auto kInt8 = Activations::kInt8;
  constexpr auto kFp8 = Activations::kFp8;
  constexpr auto kInt4 = WeightFormat::kInt4;
  static const std::vector<FormRule> kRules{
      {kF16, kInt4, "", R::kOne, true,
       cast_to(Form::kI24, Form::kI24Nibbles, digit_bytes, {S::kGroupScales, S::kGroupSums})},
      {kF16, kInt4, "cpu", R::kFew, false,
       cast_to(Form::kF16, Form::kF32Nibbles, times<4, group_bytes>, {S::kGroupSums})},
      {kF16, {}, "cpu", R::kMany, false, cast_to(Form::kF16, Form::kF32Panels, times<4, panel_bytes>)},
      {kF16, {}, "", R::kAny, false, {Form::kF16, {}, times<2, plain_bytes>, {}}},
      {kInt8, {}, "cpu", R::kMany, false, quantized_to(Form::kI8, Form::kI8Panels, panel_bytes)},
      {kInt8, kInt4, "cpu", R::kFew, false,
       quantized_to(Form::kI8, Form::kI8Nibbles, group_bytes, {S::kTokenScales, S::kGroupSums})},
      {kInt8, kInt4, "", R::kFew, false,
       quantized_to(Form::kI8, Form::kI8Sums, plain_bytes, {S::kTokenScales, S::kGroupSums})},
      {kInt8, {}, "", R::kAny, false, quantized_to(Form::kI8, Form::kI8, plain_bytes)},
      {kInt8, {}, "cpu", R::kMany, false, quantized_to(Form::kI8, Form::kI8InliersPanels, panel_bytes), true},
      {kInt8, {}, "", R::kAny, false, quantized_to(Form::kI8, Form::kI8Inliers, plain_bytes), true},
      {kFp8, {}, "cpu", R::kMany, false, quantized_to(Form::kE4m3, Form::kE4m3Panels, panel_bytes)},
      {kFp8, {}, "", R::kAny, false, quantized_to(Form::kE4m3, Form::kE4m3, plain_bytes)},
  };
  return kRules;
}

const ActivationForm& activation_form(const SchemeInfo& scheme, const KernelSet& kernels, std::uint64_t tokens) {
  for (const FormRule& rule : form_rules()) {
    if (rule.applies(scheme, kernels, tokens)) return rule.form;
  }
  fail_contract("every matmul has a form of its activations");
}

std::uint32_t argument(std::uint64_t value) {
  expects(value <= 0xFFFFFFFFU, "kernel arguments fit 32 bits");
  return static_cast<std::uint32_t>(value);
}

PassRow make_row(const OperationId& operation, std::vector<Binding> bindings, std::vector<std::uint32_t> scalars,
                 const Extent& extent) {
  PassRow row{operation, {}, std::move(bindings), std::move(scalars), extent};
  for (const Binding& binding : row.bindings) {
    const std::uint64_t counted = binding.gathered_bytes.value_or(binding.bytes);
    row.costs.bytes += binding.access == Access::kReadWrite ? 2 * counted : counted;
  }
  row.costs.launches = 1;
  return row;
}

OperationKind matmul_kind(const std::string& family, std::uint64_t tokens) {
  if (family == "reference") return kMatmul;
  return tokens <= kMostGemvTokens ? kGemv : kGemm;
}

std::vector<Binding> weight_bindings(WeightFormat format, ProjectionShape shape, std::uint64_t group) {
  std::vector<Binding> bindings;
  for (const format::Part& part : format::info(format).parts)
    bindings.push_back({slot_of(part.name), Access::kRead, part.bytes(shape, group)});
  return bindings;
}

PassRow dequantize_weights_row(WeightFormat format, ProjectionShape shape, std::uint64_t group) {
  std::vector<Binding> bindings = weight_bindings(format, shape, group);
  bindings.push_back({Slot::kPlainWeights, Access::kWrite, 2 * shape.rows * shape.columns});
  PassRow row = make_row({kDequantize, format}, std::move(bindings), {argument(shape.rows), argument(shape.columns)},
                         {.rows = shape.rows, .columns = shape.columns});
  row.costs.dequantized_weights = shape.rows * shape.columns;
  row.costs.weight_launches = 1;
  return row;
}

/// What stands beside the activations: four bytes per token or per group of a token.
Binding bind_beside(Slot slot, Access access, const Sizes& sizes) {
  return {slot, access, 4 * sizes.tokens * (slot == Slot::kTokenScales ? 1 : sizes.groups())};
}

std::vector<Binding> matmul_bindings(const SchemeInfo& scheme, const ActivationForm& form, const Sizes& sizes,
                                     ProjectionShape shape) {
  std::vector<Binding> bindings;
  if (scheme.split()) {
    bindings = {{Slot::kPlainWeights, Access::kRead, 2 * shape.rows * shape.columns}};
  } else {
    bindings = weight_bindings(scheme.weights, shape, sizes.group);
    if (scheme.scaled_sums) bindings.pop_back();  // the row scales enter with the dequantize pass
  }
  bindings.push_back({form.made_by ? Slot::kActivations : Slot::kInput, Access::kRead, form.bytes(sizes)});
  for (const Slot slot : form.beside) {
    if (slot == Slot::kTokenScales && scheme.scaled_sums) continue;  // as the row scales
    bindings.push_back(bind_beside(slot, Access::kRead, sizes));
  }
  if (scheme.scaled_sums) {
    bindings.push_back({Slot::kAccumulators, Access::kWrite, 4 * sizes.tokens * shape.rows});
  } else {
    bindings.push_back({Slot::kOutput, Access::kWrite, 2 * sizes.tokens * shape.rows});
  }
  return bindings;
}

PassRow matmul_row(const SchemeInfo& scheme, const KernelSet& kernels, const Sizes& sizes, ProjectionShape shape) {
  const ActivationForm& form = activation_form(scheme, kernels, sizes.tokens);
  const OperationKind kind = matmul_kind(kernels.family, sizes.tokens);
  std::vector<std::uint32_t> scalars{argument(shape.rows), argument(shape.columns)};
  if (kind != kGemv) scalars.push_back(argument(sizes.tokens));
  PassRow row = make_row({kind, scheme.matmul_format(), form.numbers}, matmul_bindings(scheme, form, sizes, shape),
                         std::move(scalars), {.rows = shape.rows, .columns = shape.columns, .tokens = sizes.tokens});
  row.costs.macs = shape.rows * shape.columns * sizes.tokens;
  row.costs.weight_launches = 1;
  return row;
}

PassRow rescale_row(bool adds_outliers, std::uint64_t tokens, std::uint64_t rows) {
  std::vector<Binding> bindings{{Slot::kAccumulators, Access::kRead, 4 * tokens * rows},
                                {Slot::kScales, Access::kRead, 2 * rows},
                                {Slot::kTokenScales, Access::kRead, 4 * tokens}};
  if (adds_outliers) bindings.push_back({Slot::kOutlierProducts, Access::kRead, 2 * tokens * rows});
  bindings.push_back({Slot::kOutput, Access::kWrite, 2 * tokens * rows});
  PassRow row = make_row({adds_outliers ? kRescaleAdd : kRescale}, std::move(bindings),
                         {argument(rows), argument(tokens)}, {.rows = rows, .tokens = tokens});
  row.costs.dequantized_weights = rows * tokens;
  return row;
}

/// The scheme of the outliers' columns: f16 weights and activations.
const SchemeInfo& plain_scheme() { return all_schemes().front(); }

/// A pass of the plain scheme with the slots of the outliers.
PassRow of_outliers(PassRow row) {
  constexpr std::pair<Slot, Slot> kSlots[] = {{Slot::kInput, Slot::kOutlierInput},
                                              {Slot::kOutput, Slot::kOutlierProducts},
                                              {Slot::kCodes, Slot::kOutlierWeights},
                                              {Slot::kActivations, Slot::kOutlierActivations}};
  for (Binding& binding : row.bindings) {
    const auto* found =
        std::find_if(std::begin(kSlots), std::end(kSlots), [&](const auto& one) { return one.first == binding.slot; });
    expects(found != std::end(kSlots), "the plain scheme has input, weights, activations and output");
    binding.slot = found->second;
  }
  return row;
}

/// Which columns are outliers: first all of them, then those for which there are places.
std::vector<PassRow> outlier_rows(const OutlierRule& rule, std::uint64_t tokens, std::uint64_t columns) {
  const std::uint64_t places = rule.count_places(columns);
  return {
      make_row({kFindOutliers},
               {{Slot::kInput, Access::kRead, 2 * tokens * columns}, {Slot::kInlierMask, Access::kWrite, 2 * columns}},
               {argument(columns), argument(tokens), half_from_float(rule.threshold)},
               {.columns = columns, .tokens = tokens}),
      make_row({kListOutliers},
               {{Slot::kInlierMask, Access::kReadWrite, 2 * columns},
                {Slot::kOutlierColumns, Access::kWrite, 4 * places},
                {Slot::kOutlierCounts, Access::kWrite, 8}},
               {argument(columns), argument(places)}, {.columns = columns})};
}

PassRow gather_input_row(std::uint64_t places, std::uint64_t tokens, std::uint64_t columns) {
  return make_row({kGather},
                  {{Slot::kInput, Access::kRead, 2 * tokens * columns, 2 * tokens * std::min(places, columns)},
                   {Slot::kOutlierColumns, Access::kRead, 4 * places},
                   {Slot::kOutlierInput, Access::kWrite, 2 * tokens * places}},
                  {argument(columns), argument(tokens), argument(places)}, {.columns = places, .tokens = tokens});
}

PassRow gather_weights_row(WeightFormat format, std::uint64_t places, ProjectionShape shape, std::uint64_t group) {
  std::vector<Binding> bindings = weight_bindings(format, shape, group);
  bindings.front().gathered_bytes = bindings.front().bytes / shape.columns * std::min(places, shape.columns);
  bindings.push_back({Slot::kOutlierColumns, Access::kRead, 4 * places});
  bindings.push_back({Slot::kOutlierWeights, Access::kWrite, 2 * shape.rows * places});
  PassRow row = make_row({kGather, format}, std::move(bindings),
                         {argument(shape.rows), argument(shape.columns), argument(places)},
                         {.rows = shape.rows, .columns = places});
  row.costs.weight_launches = 1;
  return row;
}

}  // namespace

Slot slot_of(format::PartName part) {
  return static_cast<Slot>(static_cast<std::size_t>(Slot::kCodes) + static_cast<std::size_t>(part));
}

bool holds_weights(Slot slot) { return slot >= Slot::kCodes && slot <= Slot::kSubscales; }

std::vector<PassRow> input_pass_table(const SchemeInfo& scheme, const KernelSet& kernels, std::uint32_t group_size,
                                      std::uint64_t tokens, std::uint64_t columns) {
  const Sizes sizes{tokens, columns, group_size};
  const ActivationForm& form = activation_form(scheme, kernels, tokens);
  if (!form.made_by) return {};
  std::vector<Binding> bindings{{Slot::kInput, Access::kRead, 2 * tokens * columns}};
  if (scheme.outliers) bindings.push_back({Slot::kInlierMask, Access::kRead, 2 * columns});
  bindings.push_back({Slot::kActivations, Access::kWrite, form.bytes(sizes)});
  for (const Slot slot : form.beside) bindings.push_back(bind_beside(slot, Access::kWrite, sizes));
  PassRow row = make_row(*form.made_by, std::move(bindings), {argument(columns), argument(tokens)},
                         {.columns = columns, .tokens = tokens});
  (role_of(*form.made_by) == Role::kCast ? row.costs.cast_elements : row.costs.quantized_elements) = tokens * columns;
  if (!scheme.outliers) return {row};
  const std::uint64_t places = scheme.outliers->count_places(columns);
  std::vector<PassRow> rows = outlier_rows(*scheme.outliers, tokens, columns);
  rows.push_back(std::move(row));
  rows.push_back(gather_input_row(places, tokens, columns));
  for (PassRow& one : input_pass_table(plain_scheme(), kernels, group_size, tokens, places))
    rows.push_back(of_outliers(std::move(one)));
  return rows;
}

std::vector<PassRow> projection_pass_table(const SchemeInfo& scheme, const KernelSet& kernels, std::uint32_t group_size,
                                           std::uint64_t tokens, ProjectionShape shape) {
  expects(shape.rows > 0 && shape.columns > 0 && tokens > 0, "a projection has rows, columns and tokens");
  const Sizes sizes{tokens, shape.columns, group_size};
  std::vector<PassRow> rows;
  if (scheme.split()) rows.push_back(dequantize_weights_row(scheme.weights, shape, group_size));
  rows.push_back(matmul_row(scheme, kernels, sizes, shape));
  if (scheme.outliers) {
    const std::uint64_t places = scheme.outliers->count_places(shape.columns);
    rows.push_back(gather_weights_row(scheme.weights, places, shape, group_size));
    for (PassRow& one : projection_pass_table(plain_scheme(), kernels, group_size, tokens, {shape.rows, places}))
      rows.push_back(of_outliers(std::move(one)));
  }
  if (scheme.scaled_sums) rows.push_back(rescale_row(scheme.outliers.has_value(), tokens, shape.rows));
  return rows;
}

}  // namespace qtrap::scheme
