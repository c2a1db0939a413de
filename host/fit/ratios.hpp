// Ratios of rows to the f16 anchor, as the judge finds them (judge/judge.hpp), for one quantity.
#pragma once

#include <span>
#include <vector>

#include "fit/row.hpp"
#include "judge/judge.hpp"

namespace qtrap::fit {

using judge::Verdict;

/// One scheme in one cell: device, model, batch, hops, tokens and context.
struct Ratio : judge::Judgement {
  Quantity quantity = Quantity::kTime;
};

/// The judge's observations of one quantity: rows of schemes that have it.
std::vector<judge::Observation> observe(std::span<const Row> rows, Quantity quantity);

/// Judges observe(). Rows without the quantity give none.
std::vector<Ratio> compute_ratios(std::span<const Row> rows, Quantity quantity, const judge::Options& options = {});

/// The same of net energy, gross less idle. A scheme has none in a cell where one of its windows is not above 0 (below
/// the noise of idle), flagged ones apart, as `run` has it.
std::vector<Ratio> compute_net_ratios(std::span<const Row> rows, const judge::Options& options = {});

}  // namespace qtrap::fit
