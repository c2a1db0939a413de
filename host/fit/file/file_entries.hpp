// How entries of the fit and the compare file are filled from what the judge and the fit found: the members that both
// have, by their common names.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include "fit/critical.hpp"
#include "fit/hop_slope.hpp"
#include "fit/ratios.hpp"

namespace qtrap::fit {

inline std::optional<std::string> text_or_none(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

/// A count of a cell, into a number or an integer.
template <class T>
void set_count(double value, T& out) {
  if constexpr (std::is_same_v<T, double>) {
    out = value;
  } else {
    out = static_cast<std::int64_t>(value);
  }
}

/// What fixes a cell, as far as the entry has it.
template <class Entry>
void set_cell(const judge::CellKey& cell, Entry& entry) {
  if constexpr (requires { entry.device; }) entry.device = cell.device;
  if constexpr (requires { entry.model; }) entry.model = cell.model;
  if constexpr (requires { entry.params; }) entry.params = cell.params;
  if constexpr (requires { entry.batch; }) set_count(cell.batch, entry.batch);
  if constexpr (requires { entry.hops = cell.hops; }) set_count(cell.hops, entry.hops);
  set_count(cell.tokens, entry.tokens_per_hop);
  set_count(cell.context, entry.context_tokens);
  entry.phase = cell.phase;
  if constexpr (requires { entry.model_family; }) entry.model_family = text_or_none(cell.family);
}

/// Both ends of an interval of logs as ratios, and its degrees of freedom where the entry has them.
template <class Entry>
void set_interval(const std::optional<Interval>& logs, double degrees_of_freedom, Entry& entry) {
  if (!logs) return;
  entry.low = std::exp(logs->low);
  entry.high = std::exp(logs->high);
  if constexpr (requires { entry.degrees_of_freedom; }) entry.degrees_of_freedom = degrees_of_freedom;
}

/// A ratio as the judge found it.
template <class Entry>
void set_ratio(const Ratio& one, Entry& entry) {
  entry.ratio = std::exp(one.log_ratio);
  set_interval(one.interval, one.degrees_of_freedom, entry);
  entry.interval_basis = one.basis;
  entry.p_value = one.p_value;
  if (const auto detectable = judge::find_detectable(one)) entry.detectable = std::exp(*detectable);
  entry.verdict = one.verdict;
}

template <class Entry>
void set_slope(const HopSlope& one, Entry& entry) {
  set_cell(one.cell, entry);
  entry.hops = one.hops;
  entry.scheme = one.scheme;
  entry.quantity = one.quantity;
  entry.ratio_per_doubling = std::exp(one.slope);
  set_interval(one.interval, one.degrees_of_freedom, entry);
  entry.sessions = static_cast<std::int64_t>(one.session_slopes.size());
}

template <class Entry>
void set_crossing(const Critical& from, Entry& entry) {
  set_cell(from.cell, entry);
  const Crossing& crossing = from.crossing;
  entry.scheme = from.scheme;
  entry.quantity = from.quantity;
  entry.status = crossing.status;
  if constexpr (requires { entry.value; }) entry.value = crossing.value;
  if constexpr (requires { entry.n_star; }) entry.n_star = crossing.value;
  if constexpr (requires { entry.b_star; }) entry.b_star = crossing.value;
  if constexpr (requires { entry.h_star; }) entry.h_star = crossing.value;
  entry.low = crossing.low;
  entry.high = crossing.high;
  entry.method = from.method;
  entry.interval_basis = from.interval_basis;
  entry.reason = text_or_none(crossing.reason);
}

}  // namespace qtrap::fit
