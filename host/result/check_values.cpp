#include "result/check_values.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "core/bounds.hpp"
#include "core/statistics.hpp"

namespace qtrap::result {
namespace {

/// What a number may be. Bounds are far beyond any board or campaign and well inside what sums, squares and logarithms
/// of the fits can hold.
struct Range {
  std::string_view name;  ///< unit, or key without _low and _high
  double low;
  double high;
};

constexpr double kLeast = 1e-30;  ///< smallest magnitude that is not 0
constexpr double kMost = 1e15;

constexpr Range kByUnit[] = {
    {"s", 0, 1e10},
    {"J", 0, kMost},
    {"Hz", 0, kMost},
    {"degC", -274, 1e4},
    {"nat", -1e-6, 1e4},
    {"bytes/s", kLeast, 1e21},
    {"MAC/s", kLeast, 1e21},
    {"flop/byte", kLeast, kMost},
    {"s or J", 0, kMost},
    {"W", 0, kMost},
    {"parameters", 0, table::kEndless},
    {"sequences", 0, table::kEndless},
    {"hops", 0, table::kEndless},
};

/// Keys whose range is not that of their unit. A gap may be a rounding error below 0.
constexpr Range kByKey[] = {
    {"gap_s", -1e-6, 1e10},
    {"wall_s", 0, 1e10},
    {"time_s", kLeast, 1e10},
    {"time_per_token_s", kLeast, 1e10},
    {"energy_net_j", -kMost, kMost},
    {"period_s", 0, kLongestSensor},
    {"window_s", 0, kLongestSensor},
    {"delay_s", 0, kLongestSensor},
    {"rise_s", 0, kLongestSensor},
    {"poll_s", 0, kLongestSensor},
    {"time_ratio", kLeast, kMost},
    {"energy_ratio", kLeast, kMost},
    {"energy_net_ratio", -kMost, kMost},
    {"instrumentation_overhead", -1, kMost},
    {"closure_time", -1, kMost},
    {"closure_energy", -1, kMost},
    {"cor_operational", -1, kMost},
    {"cor_phase", 0, kMost},
    {"roof_fraction", 0, kMost},
    {"output_error", 0, kMost},
    {"reading_share", 0, 1e3},
    {"no_effect_margin", kLeast, 1},
    {"time_ratio_df", 1, kMost},
    {"time_ratio_p", 0, 1},
    {"time_ratio_detectable", 1, kMost},
    {"energy_ratio_df", 1, kMost},
    {"energy_ratio_p", 0, 1},
    {"energy_ratio_detectable", 1, kMost},
    {"ratio_confidence", kConfidence, 1},
    {"until_ratio", kLeast, kMost},
    {"until_error", kLeast, 1},
    {"until_looks", 2, 1e6},
    {"until_spent", 0, 1},
    {"until_boundaries", 0, 100},
    {"looks", 2, 1e6},
    {"looks_undecided", 0, 1e9},
    {"looks_unseen", 0, 1e9},
    {"ratio", kLeast, kMost},
    {"ratio_per_doubling", kLeast, kMost},
    {"by_session", kLeast, kMost},
    {"p_value", 0, 1},
    {"degrees_of_freedom", 1, kMost},
    {"detectable", 1, kMost},
    {"power", 0, 1},
    {"condition_number", 0, table::kEndless},
    {"vif", 0, table::kEndless},
    {"confidence", 0, 1},
    {"half_width_log", 0, kMost},
    {"spread_session", 0, kMost},
    {"spread_block", 0, kMost},
    {"loo_mape", 0, table::kEndless},
    {"loo_mape_session", 0, table::kEndless},
    {"loo_max", 0, table::kEndless},
    {"ratio_loo_mape", 0, table::kEndless},
    {"ratio_loo_max", 0, table::kEndless},
    {"ratio_baseline_mape", 0, table::kEndless},
    {"r2", -table::kEndless, 1},
    {"layer_share", 0, 1},
    {"rank_correlation", -1, 1},
    {"median_ratio", kLeast, kMost},
    {"floor_ratio", kLeast, kMost},
    {"law_error", 0, kMost},
    {"constant_error", 0, kMost},
    {"throughput_vs_f16", kLeast, kMost},
    {"frugality_vs_f16", kLeast, kMost},
    {"accuracy_vs_f16", kLeast, kMost},
    {"top1_agreement", 0, 1},
    {"window_top1", 0, 1},
    {"perplexity", kLeast, table::kEndless},
    {"anchor_perplexity", kLeast, table::kEndless},
};

constexpr double kMostCount = 1LL << 60;
constexpr double kMostIndex = 2147483647;
constexpr Range kCounts[] = {
    {"seed", 0, static_cast<double>(std::numeric_limits<std::int64_t>::max())},
    {"session_index", 0, kMostIndex},
    {"block", 0, kMostIndex},
    {"order", 0, kMostIndex},
    {"repetitions", 1, 1e12},
    {"cell_trials", 1, 1e9},
    {"layers", 1, 1e6},
    {"resident_layers", 1, 1e6},
    {"weight_bits", 1, 64},
    {"activation_bits", 1, 64},
    {"batch", 1, 1e9},
    {"hops", 1, 1e9},
    {"tokens_per_hop", 1, 1e9},
    {"sessions", 0, 1e6},
    {"compute_units", 0, 1e9},
    {"windows", 1, 1e9},
    {"window_tokens", 2, 1e9},
};

std::string_view base_name(std::string_view name) {
  for (const std::string_view ending : {"_low", "_high"}) {
    if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  }
  return name;
}

template <std::size_t N>
const Range* find_range(const Range (&ranges)[N], std::string_view name) {
  for (const Range& range : ranges) {
    if (range.name == name) return &range;
  }
  return nullptr;
}

Range range_of(const Key& key) {
  if (const Range* range = find_range(kByKey, base_name(key.name))) return *range;
  if (const Range* range = find_range(kByUnit, key.unit)) return *range;
  return {key.name, -kMost, kMost};
}

std::string describe(const Range& range) {
  if (range.low == kLeast) return fmt::format("it must be above 0 and at most {:g}", range.high);
  return fmt::format("it must lie between {:g} and {:g}", range.low, range.high);
}

void check_number(double value, const Key& key, const Place& place) {
  const Range range = range_of(key);
  const bool tiny = value != 0 && std::abs(value) < kLeast && !place.takes_tiny();
  if (std::isfinite(value) && !tiny && value >= range.low && value <= range.high) return;
  place.refuse(fmt::format("`{}` is out of range", key.name), fmt::format("{}", value),
               tiny && range.low != kLeast ? "it is too small to be a reading: write 0" : describe(range));
}

void check_count(std::int64_t value, const Key& key, const Place& place) {
  if (key.has(table::kDifferences)) return;
  const Range* known = find_range(kCounts, key.name);
  const Range range = known != nullptr ? *known : Range{key.name, 0, kMostCount};
  const auto number = static_cast<double>(value);
  if (number >= range.low && number <= range.high) return;
  place.refuse(fmt::format("`{}` is out of range", key.name), std::to_string(value),
               fmt::format("it must lie between {:.0f} and {:.0f}", range.low, range.high));
}

// One overload per type of member; all are declared before the first that calls another.
template <class T>
void check_one(const T&, const Key&, const Place&) {}  // texts, flags and sub-objects have no range here
void check_one(double value, const Key& key, const Place& place) { check_number(value, key, place); }
void check_one(std::int64_t value, const Key& key, const Place& place) { check_count(value, key, place); }
template <class T>
void check_one(const std::vector<T>& values, const Key& key, const Place& place) {
  for (const T& value : values) check_one(value, key, place);
}
template <class T>
void check_one(const std::optional<T>& value, const Key& key, const Place& place) {
  if (value) check_one(*value, key, place);
}

void check_status(EnergyStatus status, const std::optional<double>& value, std::string_view name, const Place& place) {
  if ((status == EnergyStatus::kOk) == value.has_value()) return;
  place.refuse(fmt::format("`{}` and its status disagree", name), to_string(status),
               "`ok` comes with a value, every other status with null");
}

/// Pooling rounds: a value may touch the end of its interval.
bool lies_between(double value, double low, double high) {
  const double slack = 1e-9 * std::abs(value);
  return value >= low - slack && value <= high + slack;
}

/// Refuses ends in the wrong order, and a value outside them.
void check_order(double low, double high, const std::optional<double>& value, std::string_view name,
                 std::string_view low_name, const Place& place) {
  if (low > high) {
    place.refuse("an interval is upside down", fmt::format("{} {} > {}", low_name, low, high),
                 "the low end comes first");
  }
  if (value && !lies_between(*value, low, high)) {
    place.refuse(fmt::format("`{}` lies outside its interval", name), fmt::format("{}, {} to {}", *value, low, high),
                 "correct the value or its interval");
  }
}

template <class R>
void check_interval(const R& record, const Key& low_key, const Place& place) {
  std::string high_name(low_key.name);
  high_name.replace(high_name.size() - 3, 3, "high");
  const auto* low = find_number(record, low_key.name);
  const auto* high = find_number(record, high_name);
  if (low == nullptr || high == nullptr) return;
  if (low->has_value() != high->has_value()) {
    place.refuse("an interval has one end only", std::string(low_key.name),
                 fmt::format("give `{}` and `{}` or neither", low_key.name, high_name));
    return;
  }
  if (!*low) return;
  const std::string_view name = base_name(low_key.name);
  const auto* value = find_number(record, name);
  check_order(**low, **high, value != nullptr ? *value : std::nullopt, name, low_key.name, place);
  if (value != nullptr && !*value) {
    place.refuse(fmt::format("`{}` has an interval and no value", name), fmt::format("{} to {}", **low, **high),
                 "give the value, or null for both ends");
  }
}

/// Keys of the values that `low` and `high` bound.
constexpr std::string_view kBounded[] = {"value",  "ratio",  "ratio_per_doubling", "n_star",
                                         "b_star", "h_star", "threshold"};

/// A number of a record, whether it may be absent or not.
template <class R>
std::optional<double> number_of(const R& record, std::string_view name) {
  for (const Field<R>& field : fields<R>()) {
    if (field.key.name != name) continue;
    if (const auto* member = std::get_if<double R::*>(&field.member)) return record.**member;
    if (const auto* member = std::get_if<std::optional<double> R::*>(&field.member)) return record.**member;
  }
  return std::nullopt;
}

}  // namespace

template <class R>
void check_values_in_intervals(const R& record, const Place& place) {
  for (const Field<R>& field : fields<R>()) {
    if (field.key.name.ends_with("_low")) check_interval(record, field.key, place);
  }
}

template <class R>
void check_written(const R& record, const Place& place) {
  check_ranges(record, place.taking_tiny());
  const auto low = number_of(record, "low");
  const auto high = number_of(record, "high");
  if (!low || !high) return;
  for (const std::string_view name : kBounded) {
    check_order(*low, *high, number_of(record, name), name, "low", place);
  }
}

template <class R>
void check_ranges(const R& record, const Place& place) {
  for (const Field<R>& field : fields<R>())
    std::visit([&](auto member) { check_one(record.*member, field.key, place); }, field.member);
}

template <class R>
void check_statuses(const R& record, const Place& place) {
  check_status(record.energy_status, record.energy_gross_j, "energy_gross_j", place);
  constexpr std::string_view kEnding = "_status";
  for (const Field<R>& field : fields<R>()) {
    const auto* member = std::get_if<EnergyStatus R::*>(&field.member);
    if (member == nullptr || !field.key.name.ends_with(kEnding)) continue;
    const std::string_view value_name = field.key.name.substr(0, field.key.name.size() - kEnding.size());
    if (const auto* value = find_number(record, value_name)) check_status(record.**member, *value, value_name, place);
  }
}

template void check_written(const Coefficient&, const Place&);
template void check_written(const FormFit&, const Place&);
template void check_written(const QuantityFit&, const Place&);
template void check_written(const EnergyFit&, const Place&);
template void check_written(const CriticalScale&, const Place&);
template void check_written(const CriticalBatch&, const Place&);
template void check_written(const CriticalHops&, const Place&);
template void check_written(const OtherCritical<Axis::kParams>&, const Place&);
template void check_written(const OtherCritical<Axis::kBatch>&, const Place&);
template void check_written(const OtherCritical<Axis::kHops>&, const Place&);
template void check_written(const PaperView&, const Place&);
template void check_written(const PaperSummary&, const Place&);
template void check_written(const VerdictEntry&, const Place&);
template void check_written(const HopSlope&, const Place&);
template void check_written(const OperationBound&, const Place&);
template void check_written(const IntervalValue&, const Place&);
template void check_written(const PartShares&, const Place&);
template void check_written(const SeparableParts&, const Place&);
template void check_written(const Counterfactual&, const Place&);
template void check_written(const Attribution&, const Place&);
template void check_written(const Scaling&, const Place&);
template void check_written(const VendorLeftOut&, const Place&);
template void check_written(const DeviceBalance&, const Place&);
template void check_written(const ParetoPoint&, const Place&);
template void check_written(const ParetoCell&, const Place&);
template void check_written(const FitFile&, const Place&);
template void check_written(const ComparedSubject&, const Place&);
template void check_written(const ComparedRatio&, const Place&);
template void check_written(const ComparedPoint&, const Place&);
template void check_written(const ComparedSlope&, const Place&);
template void check_written(const ComparedCritical<Axis::kParams>&, const Place&);
template void check_written(const ComparedCritical<Axis::kBatch>&, const Place&);
template void check_written(const ComparedCritical<Axis::kHops>&, const Place&);
template void check_written(const CompareFile&, const Place&);
template void check_written(const SessionForecast&, const Place&);
template void check_written(const PlanFile&, const Place&);
template void check_values_in_intervals(const Ceilings&, const Place&);
template void check_values_in_intervals(const DeviceBalance&, const Place&);
template void check_values_in_intervals(const PointRecord&, const Place&);
template void check_values_in_intervals(const QualityRecord&, const Place&);
template void check_ranges(const SessionRecord&, const Place&);
template void check_ranges(const HostInfo&, const Place&);
template void check_ranges(const DeviceSummary&, const Place&);
template void check_ranges(const MeterSummary&, const Place&);
template void check_ranges(const Ceilings&, const Place&);
template void check_ranges(const TrialRecord&, const Place&);
template void check_ranges(const SamplesRecord&, const Place&);
template void check_ranges(const QualityRecord&, const Place&);
template void check_ranges(const PointRecord&, const Place&);
template void check_ranges(const EndRecord&, const Place&);
template void check_statuses(const TrialRecord&, const Place&);
template void check_statuses(const PointRecord&, const Place&);

}  // namespace qtrap::result
