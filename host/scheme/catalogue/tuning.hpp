// The tunables of a device in place of the defaults: what may be tuned, and choices as `tune` finds them and tuning
// files hold them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "scheme/catalogue/kernel_table.hpp"

namespace qtrap::scheme {

/// Operations of a kind; of any weights and in any form where none are named.
struct Operations {
  OperationKind kind;
  std::optional<WeightFormat> weights = {};
  std::optional<Form> form = {};

  bool contain(const OperationId& operation) const {
    return operation.kind == kind && (!weights || operation.weights == weights) && (!form || operation.form == form);
  }
};

/// A number that shapes some kernels and leaves their results alone.
struct Tunable {
  std::string_view name;
  std::uint32_t Tuning::*value;
  std::string_view family;
  Operations operations;
  std::array<std::uint32_t, 5> candidates;  ///< unused ones 0
};

std::span<const Tunable> all_tunables();
/// Whether `tunable` shapes `kernel`.
bool is_tunable(const Tunable& tunable, const KernelEntry& kernel);

/// Launches that share their tunables: the tokens of gemv kernels, those of gemm kernels in whole panels, 0 for all
/// others.
std::uint64_t tuning_class(const KernelEntry& kernel, std::uint64_t tokens);

/// One replaced number; as text "gemv_i8_f16_cpu@8 rows=2" (no "@8" where the tokens do not matter).
struct TuningChoice {
  std::string kernel;        ///< KernelEntry::name()
  std::uint64_t tokens = 0;  ///< its tuning_class()
  std::string tunable;
  std::uint32_t value = 0;
  bool operator==(const TuningChoice&) const = default;
};
using TuningChoices = std::vector<TuningChoice>;

std::string to_string(const TuningChoice& choice);
/// kUsage errors: not of that form, no such kernel, a tunable that it has not, a value that is no candidate.
Result<TuningChoice> parse_choice(std::string_view text);

/// `tuning` with the choices for this kernel and extent in place.
Tuning apply_choices(Tuning tuning, const TuningChoices& choices, const KernelEntry& kernel, const Extent& extent);

}  // namespace qtrap::scheme
