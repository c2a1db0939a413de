// Keys that stand in several tables of the fit and compare files.
#pragma once

#include <array>
#include <initializer_list>

#include "result/file_fields.hpp"

namespace qtrap::result {

inline constexpr std::array<std::string_view, 4> kIntervalBases{"sessions", "blocks", "configurations", "bracket"};
inline constexpr std::array<std::string_view, 2> kDecidingKinds{"physics", "path"};

inline constexpr Key kDevice{"device", "", "device.id"};
inline constexpr Key kModel{"model", "", "model shape"};
inline constexpr Key kParams{"params", "parameters", "parameters of the shape"};
inline constexpr Key kBatch{"batch", "", "sequences in lockstep"};
inline constexpr Key kHops{"hops", "", "dependent hops of a chain"};
inline constexpr Key kTokens{"tokens_per_hop", "", "dependent steps of a hop"};
inline constexpr Key kContext{"context_tokens", "", "tokens in the cache before the chain"};
inline constexpr Key kFamily{"model_family", "", "family whose sizes make the curve; null where unnamed"};
inline constexpr Key kScheme{"scheme", "", "precision scheme"};
inline constexpr Key kQuantity{"quantity", "", "what the numbers are of"};
inline constexpr Key kCrossing{"quantity", "", "quantity whose ratio crosses 1"};
inline constexpr Key kStatus{"status", "", "whether a crossing was found"};
inline constexpr Key kMethod{"method", "", "how it was found"};
inline constexpr Key kIntervalBasis{"interval_basis", "", "what the interval is over", kIntervalBases};
inline constexpr Key kRatio{"ratio", "1", "to f16, centre of the interval"};
inline constexpr Key kRatioLow{"low", "1", "lower end of the 95 % interval"};
inline constexpr Key kRatioHigh{"high", "1", "upper end of the 95 % interval"};
inline constexpr Key kRatioBasis{"interval_basis", "", "what the interval is over"};
inline constexpr Key kDegrees{"degrees_of_freedom", "1", "of the interval"};
inline constexpr Key kPValue{"p_value", "1", "two-sided, of a ratio of 1; null where not over sessions"};
inline constexpr Key kDetectable{"detectable", "1", "smallest ratio above 1 seen with 80 % power"};
inline constexpr Key kVerdict{"verdict", "", "what the interval says of the ratio"};
inline constexpr Key kDecidingTerm{"deciding_term", "", "part with the largest share in the difference to f16"};
inline constexpr Key kDecidingKind{"deciding_kind", "", "whether that is physics or the kernel path", kDecidingKinds};

/// Unit of sizes along an axis.
constexpr std::string_view unit_of(Axis axis) {
  if (axis == Axis::kParams) return "parameters";
  return axis == Axis::kBatch ? "sequences" : "hops";
}

/// The key of a crossing's value.
constexpr Key value_key(Axis axis) { return {table::word_of(axis), unit_of(axis), "where the ratio crosses 1"}; }

/// Rows after those of `table`; vector::insert() trips g++ 12.
template <class R>
void append(std::vector<Field<R>>& table, std::initializer_list<Field<R>> rows) {
  for (const Field<R>& row : rows) table.push_back(row);
}

}  // namespace qtrap::result
