// Where one more size would narrow a crossing: between the two measured sizes beside it. What lies there is not chosen
// here: a batch is any whole number, a model must exist or be made.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fit/critical.hpp"

namespace qtrap::fit {

/// A crossing that two measured sizes bracket.
struct Bracket {
  Axis axis = Axis::kBatch;
  judge::CellKey cell;  ///< what stays fixed, as in Critical
  std::string scheme;
  Quantity quantity = Quantity::kTime;
  double lower = 0, upper = 0;  ///< the measured sizes beside it, lower < upper
};

/// Brackets of the interpolated crossings that were found in decode, which alone can be measured, along B and N, in the
/// order of `critical`.
std::vector<Bracket> find_brackets(std::span<const Critical> critical);

/// The whole number nearest to the middle of the logarithms strictly between the two; none where they are neighbours.
std::optional<std::int64_t> choose_between(double lower, double upper);

}  // namespace qtrap::fit
