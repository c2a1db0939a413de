#include "result/check_records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "core/sha256.hpp"
#include "core/statistics.hpp"
#include "result/check_values.hpp"
#include "result/closure.hpp"

namespace qtrap::result {
namespace {

constexpr std::string_view kAnchor = "f16";
constexpr double kRounding = 1e-9;    ///< relative: figures that follow from others were rounded once or twice
constexpr double kMostTokens = 1e15;  ///< of a chain

bool agree(double a, double b) { return std::abs(a - b) <= kRounding * std::max(std::abs(a), std::abs(b)); }

/// Session, cell, block, order: what a trial and its samples share.
using Window = std::tuple<std::string, std::string, std::int64_t, std::int64_t>;

template <class R>
Window window_of(const R& record) {
  return {record.session_id, record.cell_id, record.block, record.order};
}

/// What the rules that span records look up.
struct Index {
  std::map<std::string, const SessionRecord*> sessions;
  std::map<std::string, std::vector<const TrialRecord*>> trials;   ///< by point_id
  std::map<std::string, std::vector<const PointRecord*>> anchors;  ///< by cell_id
  std::set<std::string> points;
  std::map<Window, int> windows;  ///< trials of each
  bool complete = false;          ///< the run says that it lacks nothing
};

Index make_index(const ResultFile& file) {
  Index index;
  for (const SessionRecord& session : file.sessions) index.sessions.emplace(session.session_id, &session);
  for (const TrialRecord& trial : file.trials) {
    if (trial.mode == "check") continue;  // no window
    if (trial.point_id) index.trials[*trial.point_id].push_back(&trial);
    ++index.windows[window_of(trial)];
  }
  for (const PointRecord& point : file.points) {
    index.points.insert(point.point_id);
    if (point.scheme == kAnchor) index.anchors[point.cell_id].push_back(&point);
  }
  index.complete = file.end && file.end->status == "complete";
  return index;
}

// --- sessions ---------------------------------------------------------------------------------------------------

void check_session(const SessionRecord& session, const Place& place) {
  if (session.session_id.empty()) place.refuse("`session_id` is empty", "''", "each session has one of its own");
  check_ranges(session, place);
  check_ranges(session.host, place.inside("host"));
  check_ranges(session.device, place.inside("device"));
  check_ranges(session.meter, place.inside("meter"));
  check_ranges(session.ceilings, place.inside("ceilings"));
  check_values_in_intervals(session.ceilings, place.inside("ceilings"));
  if (!session.campaign_sha256) return;
  const std::string found = compute_sha256(session.campaign_json);
  if (found == *session.campaign_sha256) return;
  place.refuse("campaign_sha256 does not match its campaign", *session.campaign_sha256,
               "the campaign's digest is " + found);
}

// --- trials and samples -----------------------------------------------------------------------------------------

constexpr std::optional<double> TrialRecord::*kTrialPhases[] = {
    &TrialRecord::phase_cast_s,   &TrialRecord::phase_quantize_s,  &TrialRecord::phase_dequantize_s,
    &TrialRecord::phase_matmul_s, &TrialRecord::phase_attention_s, &TrialRecord::phase_other_s,
};

void check_trial_counts(const TrialRecord& trial, const Place& place) {
  if (trial.cached_bytes > trial.bytes) {
    place.refuse("more bytes cached than bound", fmt::format("{} of {}", trial.cached_bytes, trial.bytes),
                 "`cached_bytes` is a part of `bytes`");
  }
  if (trial.weight_launches.value_or(0) > trial.launches) {
    place.refuse("more launches that read weights than launches",
                 fmt::format("{} of {}", *trial.weight_launches, trial.launches),
                 "`weight_launches` is a part of `launches`");
  }
  if (trial.resident_layers && *trial.resident_layers > trial.layers.value_or(*trial.resident_layers)) {
    place.refuse("more layers resident than run", fmt::format("{} of {}", *trial.resident_layers, *trial.layers),
                 "`resident_layers` lies between 1 and `layers`");
  }
}

void check_trial(const TrialRecord& trial, const Index& index, const Place& place) {
  check_ranges(trial, place);
  check_statuses(trial, place);
  check_trial_counts(trial, place);
  if (trial.rows_checked.value_or(0) > trial.rows.value_or(0)) {
    place.refuse("more rows checked than there are",
                 fmt::format("{} of {}", *trial.rows_checked, trial.rows.value_or(0)), "correct `rows`");
  }
  if (trial.mode == "check") return;  // no window
  if (trial.mode != "idle" && trial.wall_s <= 0) {
    place.refuse("a window took no time", fmt::format("wall_s {}", trial.wall_s), "its wall time is above 0");
  }
  double sum = trial.gap_s.value_or(0);
  for (const auto& phase : kTrialPhases) sum += (trial.*phase).value_or(0);
  if (sum > (1 + kMostClosure) * trial.wall_s && sum > 0) {
    place.refuse("phases are longer than their window", fmt::format("{} s of {} s", sum, trial.wall_s),
                 "phases and gaps add up to the window");
  }
  if (index.windows.at(window_of(trial)) > 1) {
    place.refuse("two trials of a session have one place", fmt::format("block {}, order {}", trial.block, trial.order),
                 "each window has a block and order of its own in its cell");
  }
  const bool of_point = trial.mode == "bare" || trial.mode == "profiled" || trial.mode == "phase_loop";
  if (of_point && !(trial.point_id && trial.scheme && trial.model)) {
    place.refuse("a window of a chain belongs to no point", trial.mode, "give `point_id`, `scheme` and `model`");
  }
  if (trial.energy_idle_j && !trial.energy_gross_j)
    place.refuse("`energy_idle_j` is given without an energy", trial.energy_status, "give `energy_gross_j` or null");
  const TrialRecord* first = trial.point_id ? index.trials.at(*trial.point_id).front() : &trial;
  if (first->cell_id != trial.cell_id || first->scheme != trial.scheme || first->model != trial.model) {
    place.refuse("trials of one point differ in cell, scheme or model", *trial.point_id,
                 fmt::format("the first is of {} in cell {}", first->scheme.value_or("none"), first->cell_id));
  }
  if (index.complete && trial.point_id && !index.points.contains(*trial.point_id))
    place.refuse("a trial belongs to no point of a complete file", *trial.point_id, "restore the point");
}

/// Reasons are given one for each absent reading.
void check_samples(const SamplesRecord& samples, std::set<Window>& seen, const Index& index, const Place& place) {
  check_ranges(samples, place);
  const std::string at = fmt::format("block {}, order {}", samples.block, samples.order);
  if (!index.windows.empty() && !index.windows.contains(window_of(samples)))
    place.refuse("samples belong to no trial", at, "their session, cell, block and order are those of a trial");
  if (!seen.insert(window_of(samples)).second)
    place.refuse("samples of a trial are given twice", at, "remove one of them");
  const std::size_t n = samples.at_us.size();
  if (samples.energy_mj.size() != n || samples.power_mw.size() != n ||
      samples.energy_absent.size() != samples.energy_absent_reasons.size() ||
      samples.power_absent.size() != samples.power_absent_reasons.size()) {
    place.refuse("lists of unequal length", fmt::format("{} times", n),
                 "every reading has a time, an energy and a power");
  }
  if (samples.window_end_us < samples.window_begin_us) {
    place.refuse("the window ends before it begins",
                 fmt::format("{} to {}", samples.window_begin_us, samples.window_end_us), "correct its two ends");
  }
  for (const auto* list : {&samples.at_us, &samples.energy_mj, &samples.power_mw}) {
    std::int64_t value = 0;
    for (const std::int64_t difference : *list) {
      if (!__builtin_add_overflow(value, difference, &value)) continue;
      place.refuse("a list of differences runs out of range", std::to_string(difference), "restore the file");
      return;
    }
  }
}

// --- points -----------------------------------------------------------------------------------------------------

constexpr std::optional<double> PointRecord::*kPointPhases[] = {
    &PointRecord::phase_cast_s,   &PointRecord::phase_quantize_s,  &PointRecord::phase_dequantize_s,
    &PointRecord::phase_matmul_s, &PointRecord::phase_attention_s, &PointRecord::phase_other_s,
};

void check_point_status(const PointRecord& point, const Place& place) {
  const bool energy_alone = point.source && point.energy_gross_j;  // published tables may give nothing else
  if (point.status == "ok" && !point.time_s && !energy_alone)
    place.refuse("a point with status ok has no time", "time_s", "give the time or another status");
  if (point.status != "ok" && !point.reason)
    place.refuse("a point that is not ok gives no reason", point.status, "say why in `reason`");
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
      place.refuse(fmt::format("`{}` is given without an energy", name), point.energy_status,
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
  const std::optional<std::string>& word;
  const std::optional<double>&value, &low, &high, &degrees_of_freedom;
  const std::optional<std::string>& basis;
};

/// Whether the 90 % interval, which follows from the 95 % one, lies within the margin.
bool lies_within(const DrawnVerdict& verdict, const std::optional<double>& margin) {
  if (!verdict.value || !verdict.low || !verdict.high || !verdict.degrees_of_freedom || !margin) return false;
  if (*verdict.degrees_of_freedom < 1 || *verdict.low <= 0 || *margin <= 0 || *margin >= 1) return false;
  const double narrower =
      student_t_quantile(0.95, *verdict.degrees_of_freedom) / student_t_quantile(0.975, *verdict.degrees_of_freedom);
  const double half = narrower * 0.5 * std::log(*verdict.high / *verdict.low);
  constexpr double kSlack = 1e-9;  // of a number written and read again
  return std::log(*verdict.value) - half > std::log(1 - *margin) - kSlack &&
         std::log(*verdict.value) + half < std::log(1 + *margin) + kSlack;
}

/// `trap` says that the whole interval lies above 1, `no_trap` below, `no_effect` within the margin; no interval, or
/// one over blocks of one session, decides nothing.
void check_verdict(const DrawnVerdict& verdict, const std::optional<double>& margin, const Place& place) {
  const auto& word = verdict.word;
  if (word != "trap" && word != "no_trap" && word != "no_effect") return;
  if (verdict.basis && verdict.basis != "sessions") {
    place.refuse(fmt::format("`{}` decides without two sessions", verdict.name),
                 fmt::format("{} over {}", *word, *verdict.basis), "write undecided");
    return;
  }
  const bool holds = verdict.low && verdict.high &&
                     (word == "trap"      ? *verdict.low > 1
                      : word == "no_trap" ? *verdict.high < 1
                                          : lies_within(verdict, margin));
  if (holds) return;
  place.refuse(
      fmt::format("`{}` contradicts its interval", verdict.name),
      verdict.low && verdict.high ? fmt::format("{} with {} to {}", *word, *verdict.low, *verdict.high)
                                  : *word + " without one",
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

void check_anchor(const PointRecord& point, const Index& index, const Place& place) {
  if (!point.time_ratio && !point.energy_ratio && !point.energy_net_ratio) return;
  const auto anchors = index.anchors.find(point.cell_id);
  const auto serves = [&](const PointRecord* anchor) {
    return anchor->status == "ok" && share_session(*anchor, point, index) && (!point.time_ratio || anchor->time_s) &&
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
  const char* mode;
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
      {"time_s", "bare", &P::time_s, [](const T& trial) { return std::optional(trial.wall_s); }},
      {"energy_gross_j", "bare", &P::energy_gross_j, value_of(&T::energy_gross_j)},
      {"phase_cast_s", "profiled", &P::phase_cast_s, value_of(&T::phase_cast_s)},
      {"phase_quantize_s", "profiled", &P::phase_quantize_s, value_of(&T::phase_quantize_s)},
      {"phase_dequantize_s", "profiled", &P::phase_dequantize_s, value_of(&T::phase_dequantize_s)},
      {"phase_matmul_s", "profiled", &P::phase_matmul_s, value_of(&T::phase_matmul_s)},
      {"phase_attention_s", "profiled", &P::phase_attention_s, value_of(&T::phase_attention_s)},
      {"phase_other_s", "profiled", &P::phase_other_s, value_of(&T::phase_other_s)},
      {"gap_s", "profiled", &P::gap_s, value_of(&T::gap_s)},
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

void check_point(const PointRecord& point, const Index& index, const Place& place) {
  if (point.point_id.empty()) place.refuse("`point_id` is empty", "''", "each point has one of its own");
  check_ranges(point, place);
  check_values_in_intervals(point, place);
  check_statuses(point, place);
  check_point_status(point, place);
  check_phases(point, place);
  check_energies(point, place);
  check_derived_figures(point, place);
  check_verdict({"verdict_time", point.verdict_time, point.time_ratio, point.time_ratio_low, point.time_ratio_high,
                 point.time_ratio_df, point.time_ratio_basis},
                point.no_effect_margin, place);
  check_verdict({"verdict_energy", point.verdict_energy, point.energy_ratio, point.energy_ratio_low,
                 point.energy_ratio_high, point.energy_ratio_df, point.energy_ratio_basis},
                point.no_effect_margin, place);
  check_sessions_of(point, index, place);
  check_anchor(point, index, place);
  check_against_trials(point, index, place);
}

// --- the end ----------------------------------------------------------------------------------------------------

void check_end(const ResultFile& file, const Index& index, const Place& place) {
  check_ranges(*file.end, place);
  if (!index.sessions.contains(file.end->session_id))
    place.refuse("its session is not in the file", file.end->session_id, "it names the last session");
  const std::int64_t ok = count_points(file, "ok");
  const std::int64_t failed = count_points(file, "error");
  if (file.end->points_ok == ok && file.end->points_failed == failed) return;
  place.refuse("the counts of points are wrong",
               fmt::format("{} ok, {} failed", file.end->points_ok, file.end->points_failed),
               fmt::format("the file holds {} ok and {} failed", ok, failed));
}

/// The place of record `i` of one kind: "NAME line 7: point p".
class Places {
 public:
  Places(std::string_view name, Problem& problem) : name_(name), problem_(&problem) {}

  Place at(const std::vector<std::size_t>& lines, std::size_t i, const std::string& record) const {
    return {i < lines.size() ? fmt::format("{} line {}: {}", name_, lines[i], record)
                             : fmt::format("{}: {}", name_, record),
            *problem_};
  }

 private:
  std::string name_;
  Problem* problem_;
};

}  // namespace

std::int64_t count_points(const ResultFile& file, std::string_view status) {
  return std::count_if(file.points.begin(), file.points.end(), [&](const auto& p) { return p.status == status; });
}

std::optional<Error> find_fault(const ResultFile& file, std::string_view name) {
  Problem problem;
  const Places places(name, problem);
  const Index index = make_index(file);
  const RecordLines& lines = file.lines;
  std::set<Window> sampled;
  for (std::size_t i = 0; i < file.sessions.size(); ++i)
    check_session(file.sessions[i], places.at(lines.sessions, i, "session " + file.sessions[i].session_id));
  for (std::size_t i = 0; i < file.trials.size(); ++i)
    check_trial(file.trials[i], index, places.at(lines.trials, i, "a trial of cell " + file.trials[i].cell_id));
  for (std::size_t i = 0; i < file.samples.size(); ++i)
    check_samples(file.samples[i], sampled, index,
                  places.at(lines.samples, i, "samples of cell " + file.samples[i].cell_id));
  for (std::size_t i = 0; i < file.points.size(); ++i)
    check_point(file.points[i], index, places.at(lines.points, i, "point " + file.points[i].point_id));
  if (file.end) check_end(file, index, places.at(lines.end, 0, "end"));
  if (!problem.found()) return std::nullopt;
  return problem.error();
}

Status note_sessions(const ResultFile& file, std::string_view name, std::set<std::string>& seen) {
  for (const SessionRecord& session : file.sessions) {
    if (seen.insert(session.session_id).second) continue;
    return usage_error(fmt::format("{} holds a session that was given before", name), session.session_id,
                       "name each file once");
  }
  return Done{};
}

}  // namespace qtrap::result
