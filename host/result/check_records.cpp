#include "result/check_records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "core/sha256.hpp"
#include "result/check_points.hpp"
#include "result/check_quality.hpp"
#include "result/check_values.hpp"
#include "result/closure.hpp"
#include "result/record_index.hpp"

namespace qtrap::result {
namespace {

// --- sessions ---------------------------------------------------------------------------------------------------

/// Looks come with what each spends and where it decides, and spend no more than is planned.
void check_looks_planned(const SessionRecord& session, const Place& place) {
  const auto count = [](const std::optional<std::vector<double>>& values) { return values ? values->size() : 0; };
  const std::size_t looks = count(session.until_looks);
  const bool planned = session.until_ratio && session.until_error && session.until_ratios && looks > 0;
  const bool fixed = !session.until_ratio && !session.until_error && !session.until_ratios && !session.until_looks;
  if ((!planned && !fixed) || count(session.until_spent) != looks || count(session.until_boundaries) != looks) {
    place.refuse("looks are planned in part", fmt::format("{} looks", looks),
                 "give all of until_ratio, until_error, until_ratios, until_looks, until_spent and until_boundaries");
    return;
  }
  if (fixed) return;
  const auto grows = [](const std::vector<double>& values) {
    return std::adjacent_find(values.begin(), values.end(), std::greater_equal<>()) == values.end();
  };
  if (!grows(*session.until_looks) || !grows(*session.until_spent))
    place.refuse("looks do not follow each other", fmt::format("{}", fmt::join(*session.until_looks, ", ")),
                 "sessions and spent error grow from look to look");
  if (session.until_spent->back() > *session.until_error * (1 + 1e-9))
    place.refuse("looks spend more than is planned", fmt::format("{}", session.until_spent->back()),
                 fmt::format("until_error is {}", *session.until_error));
}

/// What was seen at the looks that were taken.
void check_looks_taken(const EndRecord& end, const Place& place) {
  const auto count = [](const std::optional<std::vector<double>>& values) { return values ? values->size() : 0; };
  if (count(end.looks_undecided) != count(end.looks) || count(end.looks_unseen) != count(end.looks)) {
    place.refuse("lists of looks of unequal length", fmt::format("{} looks", count(end.looks)),
                 "each look has its undecided and unseen ratios");
    return;
  }
  for (std::size_t i = 0; i < count(end.looks); ++i) {
    if ((*end.looks_unseen)[i] > (*end.looks_undecided)[i])
      place.refuse("more ratios unseen than undecided", fmt::format("{}", (*end.looks_unseen)[i]),
                   fmt::format("at most {}", (*end.looks_undecided)[i]));
  }
  if (end.stopped_by == LookStop::kDecided && (count(end.looks) == 0 || end.looks_undecided->back() > 0))
    place.refuse("`stopped_by` contradicts the last look", to_string(*end.stopped_by),
                 "decided: no ratio is undecided there");
  if (end.stopped_by == LookStop::kSeen && (count(end.looks) == 0 || end.looks_unseen->back() > 0))
    place.refuse("`stopped_by` contradicts the last look", to_string(*end.stopped_by),
                 "seen: no ratio is unseen there");
}

void check_session(const SessionRecord& session, const Place& place) {
  if (session.session_id.empty()) place.refuse("`session_id` is empty", "''", "each session has one of its own");
  check_ranges(session, place);
  check_ranges(session.host, place.inside("host"));
  check_ranges(session.device, place.inside("device"));
  check_ranges(session.meter, place.inside("meter"));
  check_ranges(session.ceilings, place.inside("ceilings"));
  check_values_in_intervals(session.ceilings, place.inside("ceilings"));
  check_looks_planned(session, place);
  if (!session.campaign_sha256) return;
  const std::string found = compute_sha256(session.campaign_json);
  if (found == *session.campaign_sha256) return;
  place.refuse("campaign_sha256 does not match its campaign", *session.campaign_sha256,
               "the campaign's digest is " + found);
}

// --- trials and samples -----------------------------------------------------------------------------------------

constexpr std::optional<double> TrialRecord::*kTrialPhases[] = {
    &TrialRecord::phase_cast_s,     &TrialRecord::phase_quantize_s,  &TrialRecord::phase_dequantize_s,
    &TrialRecord::phase_matmul_s,   &TrialRecord::phase_attention_s, &TrialRecord::phase_other_s,
    &TrialRecord::phase_outliers_s, &TrialRecord::phase_head_s,
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
  if (trial.head_macs.value_or(0) > trial.macs) {
    place.refuse("more multiply-adds of the head than there are", fmt::format("{} of {}", *trial.head_macs, trial.macs),
                 "`head_macs` is a part of `macs`");
  }
  if (trial.head_macs.has_value() != trial.head_mac_class.has_value() ||
      trial.head_macs.has_value() != trial.head_format.has_value()) {
    place.refuse("a head is known in part", trial.head_format.value_or("no format"),
                 "give `head_macs`, `head_mac_class` and `head_format`, or none of them");
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
  if (trial.mode == TrialMode::kCheck) return;  // no window
  if (trial.mode != TrialMode::kIdle && trial.wall_s <= 0) {
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
  const bool of_point =
      trial.mode == TrialMode::kBare || trial.mode == TrialMode::kProfiled || trial.mode == TrialMode::kPhaseLoop;
  if (of_point && !(trial.point_id && trial.scheme && trial.model)) {
    place.refuse("a window of a chain belongs to no point", to_string(trial.mode),
                 "give `point_id`, `scheme` and `model`");
  }
  if (trial.energy_idle_j && !trial.energy_gross_j)
    place.refuse("`energy_idle_j` is given without an energy", to_string(trial.energy_status),
                 "give `energy_gross_j` or null");
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

// --- the end ----------------------------------------------------------------------------------------------------

void check_end(const ResultFile& file, const Index& index, const Place& place) {
  check_ranges(*file.end, place);
  check_looks_taken(*file.end, place);
  if (!index.sessions.contains(file.end->session_id))
    place.refuse("its session is not in the file", file.end->session_id, "it names the last session");
  const std::int64_t ok = count_points(file, PointStatus::kOk);
  const std::int64_t failed = count_points(file, PointStatus::kError);
  if (file.end->points_ok == ok && file.end->points_failed == failed) return;
  place.refuse("the counts of points are wrong",
               fmt::format("{} ok, {} failed", file.end->points_ok, file.end->points_failed),
               fmt::format("the file holds {} ok and {} failed", ok, failed));
}

/// Losses that stand beside each other are of one text.
void check_same_text(const ResultFile& file, const QualityRecord& quality, const Place& place) {
  const auto same_model = [&](const QualityRecord& other) { return other.model == quality.model; };
  const QualityRecord& first = *std::find_if(file.qualities.begin(), file.qualities.end(), same_model);
  if (first.text_sha256 == quality.text_sha256 && first.windows == quality.windows &&
      first.window_tokens == quality.window_tokens)
    return;
  place.refuse(
      "losses of one model are of different texts", quality.text_sha256,
      fmt::format("the first is of {}, in {} windows of {}", first.text_sha256, first.windows, first.window_tokens));
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

std::int64_t count_points(const ResultFile& file, PointStatus status) {
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
  for (std::size_t i = 0; i < file.qualities.size(); ++i) {
    const Place place = places.at(lines.qualities, i, "loss of " + file.qualities[i].scheme);
    check_quality(file.qualities[i], place);
    check_same_text(file, file.qualities[i], place);
  }
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
