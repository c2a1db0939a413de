// Keys and runs of rows that stand in several tables of the fit and compare files.
#pragma once

#include <initializer_list>

#include "result/file_fields.hpp"

namespace qtrap::result {

inline constexpr Key kSubject{"subject", "", "place in `subjects`, from 0"};
inline constexpr Key kLabel{"label", "", "label of that subject"};
inline constexpr Key kDevice{"device", "", "device.id"};
inline constexpr Key kModel{"model", "", "model shape"};
inline constexpr Key kParams{"params", "parameters", "parameters of the shape"};
inline constexpr Key kBatch{"batch", "", "sequences in lockstep"};
inline constexpr Key kHops{"hops", "", "dependent hops of a chain"};
inline constexpr Key kTokens{"tokens_per_hop", "", "dependent steps of a hop"};
inline constexpr Key kContext{"context_tokens", "", "tokens in the cache before the chain"};
inline constexpr Key kPhase{
    "phase", "", "what a step works on; files before this key are of decode", {}, table::kMayMiss};
inline constexpr Key kFamily{"model_family", "", "family whose sizes make the curve; null where unnamed"};
inline constexpr Key kScheme{"scheme", "", "precision scheme"};
inline constexpr Key kQuantity{"quantity", "", "what the numbers are of"};
inline constexpr Key kCrossing{"quantity", "", "quantity whose ratio crosses 1"};
inline constexpr Key kStatus{"status", "", "whether a crossing was found"};
inline constexpr Key kMethod{"method", "", "how it was found"};
inline constexpr Key kNoCrossing{"reason", "", "why there is no crossing, or not on both sides"};
inline constexpr Key kIntervalBasis{"interval_basis", "", "what the interval is over"};
inline constexpr Key kRatio{"ratio", "1", "to f16, centre of the interval"};
inline constexpr Key kRatioLow{"low", "1", "lower end of the 95 % interval"};
inline constexpr Key kRatioHigh{"high", "1", "upper end of the 95 % interval"};
inline constexpr Key kRatioBasis{"interval_basis", "", "what the interval is over"};
inline constexpr Key kDegrees{"degrees_of_freedom", "1", "of the interval"};
inline constexpr Key kPValue{"p_value", "1", "two-sided, of a ratio of 1; null where not over sessions"};
inline constexpr Key kDetectable{"detectable", "1", "smallest ratio above 1 seen with 80 % power"};
inline constexpr Key kVerdict{"verdict", "", "what the interval says of the ratio",
                              std::span(kWords<Verdict>).first(static_cast<std::size_t>(Verdict::kNoMeter))};
inline constexpr Key kDecidingTerm{"deciding_term", "", "part with the largest share in the difference to f16"};
inline constexpr Key kDecidingKind{"deciding_kind", "", "whether that is physics or the kernel path"};

/// Unit of sizes along an axis.
constexpr std::string_view unit_of(Axis axis) {
  if (axis == Axis::kParams) return "parameters";
  return axis == Axis::kBatch ? "sequences" : "hops";
}

/// The key of a crossing's value.
constexpr Key value_key(Axis axis) { return {word_of(axis), unit_of(axis), "where the ratio crosses 1"}; }

/// Rows after those of `table`; vector::insert() trips g++ 12.
template <class R>
void append(std::vector<Field<R>>& table, std::initializer_list<Field<R>> rows) {
  for (const Field<R>& row : rows) table.push_back(row);
}

/// One table of several parts, in their order.
template <class R>
std::vector<Field<R>> join(std::initializer_list<std::vector<Field<R>>> parts) {
  std::vector<Field<R>> table;
  for (const std::vector<Field<R>>& part : parts) {
    for (const Field<R>& row : part) table.push_back(row);
  }
  return table;
}

/// What an entry is of, up to the hops of a chain: those that R has.
template <class R>
std::vector<Field<R>> place_rows() {
  std::vector<Field<R>> table;
  if constexpr (requires { &R::device; }) table.push_back({&R::device, kDevice});
  if constexpr (requires { &R::subject; }) table.push_back({&R::subject, kSubject});
  if constexpr (requires { &R::label; }) table.push_back({&R::label, kLabel});
  if constexpr (requires { &R::model; }) table.push_back({&R::model, kModel});
  if constexpr (requires { &R::params; }) table.push_back({&R::params, kParams});
  table.push_back({&R::batch, kBatch});
  return table;
}

/// The same from the hops on.
template <class R>
std::vector<Field<R>> scheme_rows() {
  std::vector<Field<R>> table{{&R::tokens_per_hop, kTokens}, {&R::context_tokens, kContext}, {&R::phase, kPhase}};
  if constexpr (requires { &R::model_family; }) table.push_back({&R::model_family, kFamily});
  table.push_back({&R::scheme, kScheme});
  if constexpr (requires { &R::quantity; }) table.push_back({&R::quantity, kQuantity});
  return table;
}

/// A ratio as the judge found it.
template <class R>
std::vector<Field<R>> ratio_rows() {
  return {{&R::ratio, kRatio},
          {&R::low, kRatioLow},
          {&R::high, kRatioHigh},
          {&R::interval_basis, kRatioBasis},
          {&R::degrees_of_freedom, kDegrees},
          {&R::p_value, kPValue},
          {&R::detectable, kDetectable}};
}

/// What a curve along an axis is of: that axis left out.
template <class R>
std::vector<Field<R>> curve_rows(Axis axis) {
  std::vector<Field<R>> table;
  if constexpr (requires { &R::device; }) table.push_back({&R::device, kDevice});
  if constexpr (requires { &R::subject; }) append(table, {{&R::subject, kSubject}, {&R::label, kLabel}});
  table.push_back({&R::scheme, kScheme});
  if constexpr (requires { &R::model_family; }) {
    if (axis == Axis::kParams) table.push_back({&R::model_family, kFamily});
  }
  if constexpr (requires { &R::model; }) {
    if (axis != Axis::kParams) table.push_back({&R::model, kModel});
  }
  if constexpr (requires { &R::batch; }) {
    if (axis != Axis::kBatch) table.push_back({&R::batch, kBatch});
  }
  if constexpr (requires { &R::hops; }) {
    if (axis != Axis::kHops) table.push_back({&R::hops, kHops});
  }
  append(table, {{&R::tokens_per_hop, kTokens}, {&R::context_tokens, kContext}, {&R::phase, kPhase}});
  return table;
}

/// Where a ratio crosses 1 along an axis, and how that was found.
template <class R>
std::vector<Field<R>> crossing_rows(Axis axis) {
  std::vector<Field<R>> table{{&R::quantity, kCrossing}, {&R::status, kStatus}};
  if constexpr (requires { &R::value; }) table.push_back({&R::value, value_key(axis)});
  if constexpr (requires { &R::n_star; }) table.push_back({&R::n_star, value_key(axis)});
  if constexpr (requires { &R::b_star; }) table.push_back({&R::b_star, value_key(axis)});
  if constexpr (requires { &R::h_star; }) table.push_back({&R::h_star, value_key(axis)});
  append(table, {{&R::low, {"low", unit_of(axis), "lower end of the 95 % interval"}},
                 {&R::high, {"high", unit_of(axis), "upper end of the 95 % interval"}},
                 {&R::method, kMethod}});
  if constexpr (requires { &R::sizes_used; })
    table.push_back({&R::sizes_used, {"sizes_used", unit_of(axis), "sizes that entered"}});
  return table;
}

}  // namespace qtrap::result
