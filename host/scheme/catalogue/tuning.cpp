#include "scheme/catalogue/tuning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace qtrap::scheme {
namespace {

using enum OperationKind;

// Candidates keep the multiples that the kernels ask for: block_rows those of every unit_rows, block_columns of GROUP.
// The vector width of int4 kernels is not here: it decides the order in which their activations are packed.
constexpr std::array kTunables{
    Tunable{"rows", &Tuning::rows, "cpu", {kGemv}, {1, 2, 4, 8}},
    Tunable{"vector_width", &Tuning::vector_width, "cpu", {kGemv, WeightFormat::kF16, Form::kF16}, {8, 16}},
    Tunable{"vector_width", &Tuning::vector_width, "cpu", {kGemv, WeightFormat::kInt8, Form::kF16}, {8, 16}},
    Tunable{"chunk", &Tuning::chunk, "cpu", {kCast, {}, Form::kF32Panels}, {512, 1024, 2048, 4096}},
    Tunable{"block_rows", &Tuning::block_rows, "cpu", {kGemm}, {24, 48, 96, 192}},
    Tunable{"block_columns", &Tuning::block_columns, "cpu", {kGemm}, {128, 256, 512}},
    Tunable{"rows", &Tuning::rows, "gpu", {kGemv}, {1, 2, 4, 8}},
    Tunable{"work_group", &Tuning::work_group, "gpu", {kGemv}, {64, 128, 256}},
    Tunable{"split_k", &Tuning::split_k, "gpu", {kGemv}, {32, 64, 128}},
    Tunable{"unroll", &Tuning::unroll, "gpu", {kGemv}, {1, 2, 4}},
    Tunable{"work_group", &Tuning::row_items, "gpu", {kQuantize}, {64, 128, 256}},
    Tunable{"work_group", &Tuning::row_items, "gpu", {kQuantizeWeights}, {64, 128, 256}},
};

Error refuse(std::string_view what, std::string_view text) {
  return usage_error(std::string(what), std::string(text), "write it anew with `qtrap tune`");
}

template <class Number>
bool parse_number(std::string_view text, Number& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::span<const Tunable> all_tunables() { return kTunables; }

bool is_tunable(const Tunable& tunable, const KernelEntry& kernel) {
  // The tiles of a matrix unit are fixed. Frames keep their defaults: on a GPU their steps of 32 columns spill with
  // more rows or steps at once (tools/check-kernels).
  if (kernel.format != nullptr) return false;
  return kernel.family == tunable.family && tunable.operations.contain(kernel.operation) &&
         find_variant(kernel.variant)->matrix_unit == "none";
}

std::uint64_t tuning_class(const KernelEntry& kernel, std::uint64_t tokens) {
  if (kernel.operation.kind == kGemv) return tokens;
  if (kernel.operation.kind == kGemm) return count_panels(tokens) * kNumbers.panel_tokens;
  return 0;
}

std::string to_string(const TuningChoice& choice) {
  const std::string tokens = choice.tokens > 0 ? fmt::format("@{}", choice.tokens) : "";
  return fmt::format("{}{} {}={}", choice.kernel, tokens, choice.tunable, choice.value);
}

Result<TuningChoice> parse_choice(std::string_view text) {
  const std::size_t space = text.find(' ');
  const std::size_t equals = text.find('=');
  if (space == std::string_view::npos || equals == std::string_view::npos || equals < space)
    return refuse("a choice of tunables is not KERNEL@TOKENS NAME=VALUE", text);
  std::string_view kernel = text.substr(0, space);
  TuningChoice choice;
  if (const std::size_t at = kernel.find('@'); at != std::string_view::npos) {
    if (!parse_number(kernel.substr(at + 1), choice.tokens))
      return refuse("a choice of tunables has no number of tokens", text);
    kernel = kernel.substr(0, at);
  }
  choice.kernel = kernel;
  choice.tunable = text.substr(space + 1, equals - space - 1);
  const KernelEntry* entry = find_named(kernel);
  if (entry == nullptr) return refuse("a choice of tunables is for no kernel", text);
  if (choice.tokens != tuning_class(*entry, choice.tokens)) return refuse("a choice of tunables has odd tokens", text);
  if (!parse_number(text.substr(equals + 1), choice.value) || choice.value == 0)
    return refuse("a choice of tunables has no value", text);
  const bool known = std::any_of(kTunables.begin(), kTunables.end(), [&](const Tunable& tunable) {
    const auto& values = tunable.candidates;
    return tunable.name == choice.tunable && is_tunable(tunable, *entry) &&
           std::find(values.begin(), values.end(), choice.value) != values.end();
  });
  if (!known) return refuse("a choice of tunables is not among the candidates", text);
  return choice;
}

Tuning apply_choices(Tuning tuning, const TuningChoices& choices, const KernelEntry& kernel, const Extent& extent) {
  if (choices.empty()) return tuning;
  const std::string name = kernel.name();
  for (const TuningChoice& choice : choices) {
    if (choice.kernel != name || choice.tokens != tuning_class(kernel, extent.tokens)) continue;
    for (const Tunable& tunable : kTunables) {
      if (tunable.name == choice.tunable && is_tunable(tunable, kernel)) tuning.*tunable.value = choice.value;
    }
  }
  return tuning;
}

}  // namespace qtrap::scheme
