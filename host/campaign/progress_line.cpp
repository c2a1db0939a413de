#include "campaign/progress_line.hpp"

#include <fmt/format.h>

#include "core/clock.hpp"
#include "program/parts.hpp"
#include "program/standard_streams.hpp"

namespace qtrap::campaign {

std::string encode_progress(const measure::Progress& p) {
  return program::join_parts({std::to_string(p.session_index), std::to_string(p.cell), std::to_string(p.cells),
                              p.cell_id, p.activity, p.running, fmt::format("{}", p.expected_s),
                              std::to_string(static_cast<int>(p.step.kind)), p.step.kernel, p.step.detail, p.scheme,
                              fmt::format("{}", p.ratio),
                              p.relative_half_width ? fmt::format("{}", *p.relative_half_width) : "",
                              fmt::format("{}", p.elapsed_s), fmt::format("{}", p.budget_s)});
}

measure::Progress decode_progress(const std::string& text) {
  program::Parts parts(text);
  measure::Progress p;
  int kind = 0;
  parts.take(p.session_index);
  parts.take(p.cell);
  parts.take(p.cells);
  parts.take(p.cell_id);
  parts.take(p.activity);
  parts.take(p.running);
  parts.take(p.expected_s);
  parts.take(kind);
  parts.take(p.step.kernel);
  parts.take(p.step.detail);
  parts.take(p.scheme);
  parts.take(p.ratio);
  parts.take(p.relative_half_width);
  parts.take(p.elapsed_s);
  parts.take(p.budget_s);
  p.step.kind = static_cast<device::Step::Kind>(kind);
  return p;
}

std::string describe_place(const measure::Progress& progress) {
  if (progress.activity.empty()) return "before its first step";
  std::string text = progress.cell_id.empty() ? progress.activity : progress.cell_id + ", " + progress.activity;
  if (!progress.running.empty() && progress.activity.find(progress.running) == std::string::npos)
    text += ", " + progress.running;
  const std::string step = progress.step.words();
  return step.empty() ? text : text + ", " + step;
}

ProgressLine::ProgressLine(bool quiet) : quiet_(quiet) {}

ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::clear() {
  if (shown_) program::clear_progress();
  shown_ = false;
}

void ProgressLine::log(const measure::Progress& progress, const std::string& where) {
  const bool builds = progress.step.kind == device::Step::Kind::kBuild;
  if (!builds && (progress.cell_id == last_cell_ || progress.activity == "builds")) return;
  program::show_progress(fmt::format("{:.8}Z {}{}", utc_timestamp().substr(11), where,
                                     builds ? ": " + progress.step.words() : " " + progress.cell_id));
  last_cell_ = progress.cell_id;
}

void ProgressLine::show(const measure::Progress& progress, std::int64_t sessions) {
  if (quiet_) return;
  std::string where = fmt::format("session {}/{}", progress.session_index + 1, sessions);
  if (!progress.cell_id.empty()) where += fmt::format(", cell {}/{}", progress.cell + 1, progress.cells);
  if (!program::stderr_is_terminal()) return log(progress, where);
  std::string ratio;
  if (progress.relative_half_width)
    ratio = fmt::format(", {} {:.2f} ±{:.1f} %", progress.scheme, progress.ratio, 100 * *progress.relative_half_width);
  const std::string step = progress.step.words();
  // The cell's name comes last: a narrow terminal cuts it and not the time left.
  program::show_progress(fmt::format("{}: {}{}{}, {:.0f} of at most {:.0f} s{}{}", where, progress.activity,
                                     step.empty() ? "" : ", " + step, ratio, progress.elapsed_s, progress.budget_s,
                                     progress.cell_id.empty() ? "" : ", ", progress.cell_id));
  shown_ = true;
}

}  // namespace qtrap::campaign
