#include "result/check_points.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <tuple>

#include "core/anchor.hpp"
#include "core/statistics.hpp"

namespace qtrap::result {
namespace {

constexpr double kRounding = 1e-9;    ///< relative: figures that follow from others were rounded once or twice
constexpr double kMostTokens = 1e15;  ///< of a chain

bool agree(double a, double b) { return std::abs(a - b) <= kRounding * std::max(std::abs(a), std::abs(b)); }

constexpr std::optional<double> PointRecord::*kPointPhases[] = {
    &PointRecord::phase_cast_s,     &PointRecord::phase_quantize_s,  &PointRecord::phase_dequantize_s,
    &PointRecord::phase_matmul_s,   &PointRecord::phase_attention_s, &PointRecord::phase_other_s,
    &PointRecord::phase_outliers_s, &PointRecord::phase_head_s,
};

void check_point_status(const PointRecord& point, const Place& place) {
  const bool energy_alone = point.source && point.energy_gross_j;  // published tables may give nothing else
  if (point.status == PointStatus::kOk && !point.time_s && !energy_alone)
    place.refuse("a point with status ok has no time", "time_s", "give the time or another status");
  if (point.status != PointStatus::kOk && !point.reason)
    place.refuse("a point that is not ok gives no reason", to_string(point.status), "say why in `reason`");
  if (point.trials_flagged > point.trials) {
    place.refuse("more trials flagged than made", fmt::format("{} of {}", point.trials_flagged, point.trials),
                 "flagged trials are counted in `trials`");
  }
  if (point.resident_layers && *point.resident_layers > point.layers.value_or(*point.resident_layers)) {
    place.refuse("more layers resident than the model has",
                 fmt::format("{} of {}", *point.resident_layers, *point.layers),
                 "`resident_layers` lies between 1 and `layers`");
  }
}

/// Medians of different windows need not add up, but not be far off either.
void check_phases(const PointRecord& point, const Place& place) {
  if (!point.time_s) return;
  double sum = point.gap_s.value_or(0);
  for (const auto& phase : kPointPhases) sum += (point.*phase).value_or(0);
  const double profiled = *point.time_s * (1 + std::max(point.instrumentation_overhead.value_or(0), 0.0));
  if (sum > 2 * profiled) {
    place.refuse("phases are longer than the chain", fmt::format("{} s of {} s", sum, profiled),
                 "phases and gaps add up to the profiled wall time");
  }
}

/// Figures that exist only with an energy.
void check_energies(const PointRecord& point, const Place& place) {
  if (point.energy_gross_j) return;
  constexpr std::pair<const char*, std::optional<double> PointRecord::*> kDerived[] = {
      {"energy_idle_j", &PointRecord::energy_idle_j},   {"energy_net_j", &PointRecord::energy_net_j},
      {"energy_ratio", &PointRecord::energy_ratio},     {"energy_per_token_j", &PointRecord::energy_per_token_j},
      {"closure_energy", &PointRecord::closure_energy}, {"energy_net_ratio", &PointRecord::energy_net_ratio},
  };
  for (const auto& [name, member] : kDerived) {
    if (point.*member)
      place.refuse(fmt::format("`{}` is given without an energy", name), to_string(point.energy_status),
                   "give `energy_gross_j` with status ok, or null");
  }
}

/// A figure that follows from others: `expected` is absent where they are.
void check_derived(const std::optional<double>& value, const std::optional<double>& expected, std::string_view name,
                   const Place& place) {
  if (!value || !expected || agree(*value, *expected)) return;
  // Close to 0 a difference has no relative rounding.
  if (std::abs(*value - *expected) <= kRounding) return;
  place.refuse(fmt::format("`{}` does not follow from the other figures", name), fmt::format("{}", *value),
               fmt::format("it is {}", *expected));
}

std::optional<double> divide(const std::optional<double>& a, double b) {
  return a && b > 0 ? std::optional(*a / b) : std::nullopt;
}

void check_derived_figures(const PointRecord& point, const Place& place) {
  const double tokens =
      static_cast<double>(point.batch) * static_cast<double>(point.hops) * static_cast<double>(point.tokens_per_hop);
  if (tokens > kMostTokens)
    place.refuse("a chain makes too many tokens", fmt::format("{:g}", tokens),
                 fmt::format("at most {:g}", kMostTokens));
  check_derived(point.time_per_token_s, divide(point.time_s, tokens), "time_per_token_s", place);
  check_derived(point.energy_per_token_j, divide(point.energy_gross_j, tokens), "energy_per_token_j", place);
  check_derived(point.cor_operational, point.time_ratio ? std::optional(*point.time_ratio - 1) : std::nullopt,
                "cor_operational", place);
  check_derived(point.roof_fraction, divide(point.roof_s, point.time_s.value_or(0)), "roof_fraction", place);
  if (point.cor_operational && !point.time_ratio)
    place.refuse("`cor_operational` is given without `time_ratio`", fmt::format("{}", *point.cor_operational),
                 "give both or neither");
}

/// A verdict with what it was drawn from.
struct DrawnVerdict {
  std::string_view name;
  const std::optional<Verdict>& word;
  const std::optional<double>&value, &low, &high, &degrees_of_freedom;
  const std::optional<Basis>& basis;
  double confidence;
};

/// Whether the 90 % interval, which follows from the 95 % one, lies within the margin; likewise of another confidence.
bool lies_within(const DrawnVerdict& verdict, const std::optional<double>& margin) {
  if (!verdict.value || !verdict.low || !verdict.high || !verdict.degrees_of_freedom || !margin) return false;
  if (verdict.confidence >= 1) return false;
  if (*verdict.degrees_of_freedom < 1 || *verdict.low <= 0 || *margin <= 0 || *margin >= 1) return false;
  const double narrower = student_t_quantile(verdict.confidence, *verdict.degrees_of_freedom) /
                          student_t_quantile(0.5 + 0.5 * verdict.confidence, *verdict.degrees_of_freedom);
  const double half = narrower * 0.5 * std::log(*verdict.high / *verdict.low);
  constexpr double kSlack = 1e-9;  // of a number written and read again
  return std::log(*verdict.value) - half > std::log(1 - *margin) - kSlack &&
         std::log(*verdict.value) + half < std::log(1 + *margin) + kSlack;
}

/// `trap` says that the whole interval lies above 1, `no_trap` below, `no_effect` within the margin; no interval, or
/// one over blocks of one session, decides nothing.
void check_verdict(const DrawnVerdict& verdict, const std::optional<double>& margin, const Place& place) {
  if (!verdict.word || verdict.word == Verdict::kUndecided || verdict.word == Verdict::kNoMeter) return;
  const Verdict word = *verdict.word;
  if (verdict.basis && verdict.basis != Basis::kSessions) {
    place.refuse(fmt::format("`{}` decides without two sessions", verdict.name),
                 fmt::format("{} over {}", to_string(word), to_string(*verdict.basis)), "write undecided");
    return;
  }
  const bool holds = verdict.low && verdict.high &&
                     (word == Verdict::kTrap     ? *verdict.low > 1
                      : word == Verdict::kNoTrap ? *verdict.high < 1
                                                 : lies_within(verdict, margin));
  if (holds) return;
  place.refuse(
      fmt::format("`{}` contradicts its interval", verdict.name),
      verdict.low && verdict.high ? fmt::format("{} with {} to {}", to_string(word), *verdict.low, *verdict.high)
                                  : fmt::format("{} without one", to_string(word)),
      "trap is an interval above 1, no_trap one below 1, no_effect one within the margin at 90 %, else undecided");
}

/// Sessions that are pooled differ in nothing that decides what is measured.
void check_experiment(const PointRecord& point, const Index& index, const Place& place) {
  using Text = std::optional<std::string>;
  constexpr std::pair<const char*, Text (*)(const SessionRecord&)> kShared[] = {
      {"device.driver", [](const SessionRecord& s) { return Text(s.device.driver); }},
      {"kernels.source_sha256", [](const SessionRecord& s) { return s.kernels.source_sha256; }},
      {"kernels.build_options", [](const SessionRecord& s) { return s.kernels.build_options; }},
      {"kernels.tuning_sha256", [](const SessionRecord& s) { return s.kernels.tuning_sha256; }},
      {"campaign_sha256", [](const SessionRecord& s) { return s.campaign_sha256; }},
      {"models_sha256", [](const SessionRecord& s) { return s.models_sha256; }},
  };
  const SessionRecord* first = nullptr;
  for (const std::string& id : point.session_ids) {
    const auto session = index.sessions.find(id);
    if (session == index.sessions.end()) continue;
    if (first == nullptr) first = session->second;
    for (const auto& [key, get] : kShared) {
      if (get(*first) == get(*session->second)) continue;
      place.refuse(
          "a point pools sessions of two experiments",
          fmt::format("{} {} and {}", key, get(*first).value_or("none"), get(*session->second).value_or("none")),
          "pool sessions that differ in nothing but time");
    }
  }
}

void check_sessions_of(const PointRecord& point, const Index& index, const Place& place) {
  if (std::cmp_not_equal(point.sessions, point.session_ids.size())) {
    place.refuse("`sessions` is not the number of session_ids", std::to_string(point.sessions),
                 fmt::format("session_ids has {}", point.session_ids.size()));
  }
  std::set<std::string> devices;
  if (point.device_id) devices.insert(*point.device_id);
  std::set<std::string> seen;
  for (const std::string& id : point.session_ids) {
    if (!seen.insert(id).second) place.refuse("a session is pooled twice", id, "name each session once");
    const auto session = index.sessions.find(id);
    if (session == index.sessions.end()) {
      place.refuse("a session of the point is not in the file", id, "its session record must be there");
      continue;
    }
    devices.insert(session->second->device.id);
  }
  if (devices.size() > 1) {
    place.refuse("a point is of two devices", fmt::format("{}", fmt::join(devices, ", ")),
                 "pool sessions of one device");
  }
  check_experiment(point, index, place);
}

/// Sessions that measured the point, flagged windows included; of an imported one those it names.
std::set<std::string> sessions_of(const PointRecord& point, const Index& index) {
  std::set<std::string> sessions(point.session_ids.begin(), point.session_ids.end());
  if (const auto trials = index.trials.find(point.point_id); trials != index.trials.end()) {
    for (const TrialRecord* trial : trials->second) sessions.insert(trial->session_id);
  }
  return sessions;
}

bool share_session(const PointRecord& a, const PointRecord& b, const Index& index) {
  const std::set<std::string> of_b = sessions_of(b, index);
  const std::set<std::string> of_a = sessions_of(a, index);
  return std::any_of(of_a.begin(), of_a.end(), [&of_b](const std::string& id) { return of_b.contains(id); });
}

/// Schemes of a cell differ in nothing else, so that they can be divided by its anchor.
void check_phase(const PointRecord& point, const Index& index, const Place& place) {
  if (index.phases.at(point.cell_id) == point.phase) return;
  place.refuse("a cell is of two phases", fmt::format("{}, {}", point.cell_id, to_string(point.phase)),
               "give decode and prefill a cell_id each");
}

/// Whether all anchors of the point's sessions were published in another table.
bool is_anchored_elsewhere(const PointRecord& point, const Index& index) {
  const auto anchors = index.anchors.find(point.cell_id);
  if (anchors == index.anchors.end()) return false;
  std::vector<const PointRecord*> shared;
  std::copy_if(anchors->second.begin(), anchors->second.end(), std::back_inserter(shared),
               [&](const PointRecord* anchor) { return share_session(*anchor, point, index); });
  return !shared.empty() && std::all_of(shared.begin(), shared.end(),
                                        [](const PointRecord* anchor) { return anchor->anchor_table.has_value(); });
}

/// An anchor of another table serves imported cells alone, and a ratio to it has no interval.
void check_unpaired(const PointRecord& point, const Index& index, const Place& place) {
  if (point.anchor_table && (point.scheme != kAnchor || !point.source))
    place.refuse("`anchor_table` is given where no anchor was published", *point.anchor_table,
                 "only an imported f16 point has one");
  const bool elsewhere = point.scheme != kAnchor && is_anchored_elsewhere(point, index);
  using Number = std::optional<double> PointRecord::*;
  const std::tuple<const char*, bool, Number> ratios[] = {
      {"time_ratio", point.time_ratio_basis == Basis::kUnpaired, &PointRecord::time_ratio_low},
      {"energy_ratio", point.energy_ratio_basis == Basis::kUnpaired, &PointRecord::energy_ratio_low},
      {"energy_net_ratio", false, &PointRecord::energy_net_ratio_low},
  };
  for (const auto& [name, says_so, low] : ratios) {
    if ((says_so || elsewhere) && point.*low)
      place.refuse(fmt::format("`{}` is unpaired and has an interval", name), fmt::format("{}", *(point.*low)),
                   "leave it out");
  }
}

void check_anchor(const PointRecord& point, const Index& index, const Place& place) {
  if (!point.time_ratio && !point.energy_ratio && !point.energy_net_ratio) return;
  const auto anchors = index.anchors.find(point.cell_id);
  const auto serves = [&](const PointRecord* anchor) {
    return anchor->status == PointStatus::kOk && share_session(*anchor, point, index) &&
           (!point.time_ratio || anchor->time_s) &&
           ((!point.energy_ratio && !point.energy_net_ratio) || anchor->energy_gross_j);
  };
  if (anchors != index.anchors.end() && std::any_of(anchors->second.begin(), anchors->second.end(), serves)) return;
  place.refuse("a ratio has no anchor", point.cell_id,
               "the cell's f16 point must be in the file, ok and of the same sessions");
}

// --- points against their trials --------------------------------------------------------------------------------

/// A figure of a point lies within those of its windows: it is a median of them.
struct Pooled {
  const char* name;
  TrialMode mode;
  std::optional<double> PointRecord::*point;
  std::function<std::optional<double>(const TrialRecord&)> trial;
};

std::function<std::optional<double>(const TrialRecord&)> value_of(std::optional<double> TrialRecord::*member) {
  return [member](const TrialRecord& trial) { return trial.*member; };
}

std::span<const Pooled> pooled_figures() {
  using P = PointRecord;
  using T = TrialRecord;
  static const Pooled kTable[] = {
      {"time_s", TrialMode::kBare, &P::time_s, [](const T& trial) { return std::optional(trial.wall_s); }},
      {"energy_gross_j", TrialMode::kBare, &P::energy_gross_j, value_of(&T::energy_gross_j)},
      {"phase_cast_s", TrialMode::kProfiled, &P::phase_cast_s, value_of(&T::phase_cast_s)},
      {"phase_quantize_s", TrialMode::kProfiled, &P::phase_quantize_s, value_of(&T::phase_quantize_s)},
      {"phase_dequantize_s", TrialMode::kProfiled, &P::phase_dequantize_s, value_of(&T::phase_dequantize_s)},
      {"phase_matmul_s", TrialMode::kProfiled, &P::phase_matmul_s, value_of(&T::phase_matmul_s)},
      {"phase_attention_s", TrialMode::kProfiled, &P::phase_attention_s, value_of(&T::phase_attention_s)},
      {"phase_other_s", TrialMode::kProfiled, &P::phase_other_s, value_of(&T::phase_other_s)},
      {"phase_outliers_s", TrialMode::kProfiled, &P::phase_outliers_s, value_of(&T::phase_outliers_s)},
      {"phase_head_s", TrialMode::kProfiled, &P::phase_head_s, value_of(&T::phase_head_s)},
      {"gap_s", TrialMode::kProfiled, &P::gap_s, value_of(&T::gap_s)},
  };
  return kTable;
}

void check_pooled(const PointRecord& point, const std::vector<const TrialRecord*>& trials, const Place& place) {
  for (const Pooled& figure : pooled_figures()) {
    const std::optional<double>& value = point.*figure.point;
    if (!value) continue;
    std::optional<std::pair<double, double>> ends;
    for (const TrialRecord* trial : trials) {
      const auto one = trial->mode == figure.mode ? figure.trial(*trial) : std::nullopt;
      if (!one) continue;
      const auto ran = static_cast<double>(trial->layers.value_or(point.layers.value_or(1)));
      const double scale = static_cast<double>(point.layers.value_or(1)) / ran;
      const double chain = scale * *one / static_cast<double>(trial->repetitions);
      ends = ends ? std::pair(std::min(ends->first, chain), std::max(ends->second, chain)) : std::pair(chain, chain);
    }
    const double slack = kRounding * std::abs(*value);
    if (ends && *value >= ends->first - slack && *value <= ends->second + slack) continue;
    place.refuse(fmt::format("`{}` is not what its trials measured", figure.name), fmt::format("{}", *value),
                 ends ? fmt::format("they lie between {} and {}", ends->first, ends->second) : "none of them has it");
  }
}

/// A measured point against its trials, where the file holds them.
void check_against_trials(const PointRecord& point, const Index& index, const Place& place) {
  const auto found = index.trials.find(point.point_id);
  if (found == index.trials.end()) return;
  const auto& trials = found->second;
  const auto stranger = std::find_if(trials.begin(), trials.end(), [&point](const TrialRecord* trial) {
    return trial->cell_id != point.cell_id || trial->scheme != point.scheme || trial->model != point.model;
  });
  if (stranger != trials.end()) {
    place.refuse("a trial of the point is of another cell, scheme or model",
                 fmt::format("{}, {}", (*stranger)->cell_id, (*stranger)->scheme.value_or("none")),
                 "trials and points share them");
  }
  const auto flagged =
      std::count_if(trials.begin(), trials.end(), [](const auto* trial) { return !trial->flags.empty(); });
  // Flags that were cleared by hand, to use the trials in a fit after all, are no contradiction.
  if (std::cmp_not_equal(point.trials, trials.size()) || point.trials_flagged < flagged) {
    place.refuse("the point's counts of trials are wrong",
                 fmt::format("{}, {} flagged", point.trials, point.trials_flagged),
                 fmt::format("the file holds {}, {} flagged", trials.size(), flagged));
  }
  for (const std::string& id : point.session_ids) {
    if (std::any_of(trials.begin(), trials.end(), [&id](const auto* trial) { return trial->session_id == id; }))
      continue;
    place.refuse("a session of the point has no trial of it", id, "name the sessions that measured it");
  }
  check_pooled(point, trials, place);
}

}  // namespace

void check_point(const PointRecord& point, const Index& index, const Place& place) {
  if (point.point_id.empty()) place.refuse("`point_id` is empty", "''", "each point has one of its own");
  check_ranges(point, place);
  check_values_in_intervals(point, place);
  check_statuses(point, place);
  check_point_status(point, place);
  check_phases(point, place);
  check_energies(point, place);
  check_derived_figures(point, place);
  const double confidence = point.ratio_confidence.value_or(kConfidence);
  check_verdict({"verdict_time", point.verdict_time, point.time_ratio, point.time_ratio_low, point.time_ratio_high,
                 point.time_ratio_df, point.time_ratio_basis, confidence},
                point.no_effect_margin, place);
  check_verdict({"verdict_energy", point.verdict_energy, point.energy_ratio, point.energy_ratio_low,
                 point.energy_ratio_high, point.energy_ratio_df, point.energy_ratio_basis, confidence},
                point.no_effect_margin, place);
  check_sessions_of(point, index, place);
  check_phase(point, index, place);
  check_unpaired(point, index, place);
  check_anchor(point, index, place);
  check_against_trials(point, index, place);
}

}  // namespace qtrap::result
