#include "import/reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/statistics.hpp"
#include "import/units.hpp"

namespace qtrap::importer {
namespace {

/// The number of a source that a series may lack: `out` is then left as it is.
Status read_optional(const RowView& row, const std::optional<NumberSource>& source, std::string_view unit,
                     std::optional<double>& out) {
  if (!source) return Done{};
  const auto value = row.positive(*source, unit);
  if (!value) return value.error();
  out = value.value();
  return Done{};
}

Result<Spread> read_spread(const RowView& row, const Series& series) {
  Spread spread;
  const auto batch = row.positive(series.batch.value_or(NumberSource{std::nullopt, 1}), "");
  if (!batch) return batch.error();
  if (!batch.value() || *batch.value() != std::floor(*batch.value()) || *batch.value() > 65536) {
    return row.refuse("the batch is not a whole number from 1 to 65536",
                      batch.value() ? fmt::format("{}", *batch.value()) : "empty cell", "correct it or filter it out");
  }
  spread.batch = *batch.value();
  if (const Status status = read_optional(row, series.tokens, kTokensUnit, spread.tokens); !status)
    return status.error();
  if (const Status status = read_optional(row, series.steps, kStepsUnit, spread.steps); !status) return status.error();
  std::optional<double> runs = 1;
  if (const Status status = read_optional(row, series.runs, kRunsUnit, runs); !status) return status.error();
  if (runs) spread.runs = *runs;
  if (!runs) spread.tokens = spread.steps = std::nullopt;
  return spread;
}

/// `value` as the map wants it read: divided by the change against the anchor where it says so.
Result<double> undo_change(const RowView& row, const EnergySource& energy, double value) {
  if (!energy.undo_change_percent) return value;
  const auto percent = row.number(*energy.undo_change_percent, kPercent);
  if (!percent) return percent.error();
  if (percent.value() && *percent.value() > -100) return value / (1 + *percent.value() / 100);
  return row.refuse(fmt::format("`{}` is not a change above -100 %", *energy.undo_change_percent),
                    row.cell(*energy.undo_change_percent), "filter the row out");
}

/// Whether the cells of the value itself hold its spread.
bool holds_spread(const std::optional<SpreadSource>& spread, const std::optional<Columns>& own) {
  if (!spread || !own || own->names.size() != 1) return false;
  return spread->sd == own->names.front() || spread->standard_error == own->names.front();
}

/// Standard error of a value over the value; none where a cell holds no reading or there are no two repeats.
Result<std::optional<double>> read_error(const RowView& row, const SpreadSource& spread, std::string_view unit,
                                         double value, const std::optional<std::int64_t>& trials,
                                         const std::optional<Columns>& own) {
  std::optional<double> sd, error, low, high;
  const std::pair<const std::optional<std::string>&, std::optional<double>&> cells[] = {
      {spread.sd, sd}, {spread.standard_error, error}, {spread.low, low}, {spread.high, high}};
  for (const auto& [column, number] : cells) {
    if (!column) continue;
    const auto read = holds_spread(spread, own) ? row.deviation(*column, unit) : row.number(*column, unit);
    if (!read) return read.error();
    number = read.value();
    if (number && *number < 0)
      return row.refuse(fmt::format("`{}` is below 0", *column), row.cell(*column), "correct it");
  }
  const double repeats = static_cast<double>(trials.value_or(0));
  if (sd && repeats >= 2) error = *sd / std::sqrt(repeats);
  if (low && high) {
    if (*low > value || *high < value) {
      return row.refuse(fmt::format("the value lies outside `{}` to `{}`", *spread.low, *spread.high),
                        fmt::format("{} to {}", *low, *high), "correct the columns");
    }
    constexpr double kManyDegrees = 1e6;
    error = 0.5 * (*high - *low) /
            student_t_quantile(0.5 + 0.5 * *spread.confidence, repeats >= 2 ? repeats - 1 : kManyDegrees);
  }
  return error && *error > 0 ? std::optional(*error / value) : std::optional<double>();
}

/// The number of a time or energy as it stands there; none where a cell holds no reading.
template <class Quantity>
Result<std::optional<double>> read_quantity(const RowView& row, const Quantity& quantity) {
  return row.positive(quantity, quantity.unit, holds_spread(quantity.spread, quantity.column));
}

Status read_time(const RowView& row, const TimeSource& time, const Spread& spread, Reading& reading) {
  const auto value = read_quantity(row, time);
  if (!value) return value.error();
  if (!value.value()) return Done{};
  reading.time_s = convert_to_step(*find_unit(time_units(), time.unit), *value.value(), spread);
  if (!reading.time_s || !time.spread) return Done{};
  const auto error = read_error(row, *time.spread, time.unit, *value.value(), reading.replicates, time.column);
  if (!error) return error.error();
  reading.time_error = error.value();
  return Done{};
}

Status read_energy(const RowView& row, const EnergySource& energy, const Spread& spread, Reading& reading) {
  const auto value = read_quantity(row, energy);
  if (!value) return value.error();
  if (!value.value()) return Done{};
  const auto undone = undo_change(row, energy, *value.value());
  if (!undone) return undone.error();
  reading.gross_j = convert_to_step(*find_unit(energy_units(), energy.unit), undone.value(), spread);
  if (reading.gross_j && energy.spread) {
    const auto error = read_error(row, *energy.spread, energy.unit, *value.value(), reading.replicates, energy.column);
    if (!error) return error.error();
    reading.energy_error = error.value();
  }
  if (energy.convention != "net" || !reading.gross_j) return Done{};
  if (!reading.idle_j) {
    return row.refuse("net energy without time and idle power", fmt::format("{} J", *reading.gross_j),
                      "gross energy cannot be computed; filter the row out");
  }
  const double net_j = *reading.gross_j;
  *reading.gross_j += *reading.idle_j;
  if (reading.energy_error) *reading.energy_error *= net_j / *reading.gross_j;
  return Done{};
}

/// Holds the power that time and energy imply against the table's own and the board's limit: a run's length taken for
/// another's, or a unit, shows there.
Status check_power(const RowView& row, const Series& series, Reading& reading) {
  constexpr double kFar = 1.25;  // energy over a window and a mean of readings agree closer than this
  std::optional<double> given, limit;
  if (Status status = read_optional(row, series.power_w, kPowerUnit, given); !status) return status;
  if (Status status = read_optional(row, series.power_limit_w, kPowerUnit, limit); !status) return status;
  if (!reading.time_s || !reading.gross_j) return Done{};
  const double implied = *reading.gross_j / *reading.time_s;
  const auto warn = [&](const std::string& beside) {
    reading.warnings.push_back(fmt::format("{}: {:.4g} J in {:.4g} s a step are {:.4g} W, {}: check `tokens` and units",
                                           row.place(), *reading.gross_j, *reading.time_s, implied, beside));
  };
  if (limit && implied > *limit) warn(fmt::format("above the board's limit of {:g} W", *limit));
  if (given && (implied > kFar * *given || implied < *given / kFar))
    warn(fmt::format("far from the {:g} W that the row gives", *given));
  return Done{};
}

}  // namespace

bool is_hole(const RowView& row, const Series& series) {
  const auto is_missing = [&row](const auto& quantity) {
    if (!quantity) return true;
    const auto value = read_quantity(row, *quantity);
    return value && !value.value();
  };
  return series.by_scheme && is_missing(series.time) && is_missing(series.energy);
}

Result<Reading> read_row(const RowView& row, const Series& series) {
  auto spread = read_spread(row, series);
  if (!spread) return spread.error();
  Reading reading;
  reading.batch = spread.value().batch;
  std::optional<double> trials;
  if (const Status status = read_optional(row, series.trials, "", trials); !status) return status.error();
  if (trials) reading.replicates = static_cast<std::int64_t>(std::min(1e9, *trials));
  if (series.time) {
    if (const Status status = read_time(row, *series.time, spread.value(), reading); !status) return status.error();
  }
  spread.value().time_s = reading.time_s;
  std::optional<double> idle_w;
  if (const Status status = read_optional(row, series.idle_power_w, kPowerUnit, idle_w); !status) return status.error();
  if (idle_w && reading.time_s) reading.idle_j = *idle_w * *reading.time_s;
  if (series.energy) {
    if (const Status status = read_energy(row, *series.energy, spread.value(), reading); !status) return status.error();
  }
  if (const Status status = check_power(row, series, reading); !status) return status.error();
  if (reading.time_s || reading.gross_j) return reading;
  return row.refuse("the row has neither time nor energy", name_of(series), "filter it out with `where` or `except`");
}

Reading summarize(std::span<const Reading> replicates) {
  std::vector<double> times, energies, idle;
  for (const Reading& one : replicates) {
    if (one.time_s) times.push_back(*one.time_s);
    if (one.gross_j) energies.push_back(*one.gross_j);
    if (one.gross_j && one.idle_j) idle.push_back(*one.idle_j);
  }
  Reading mean;
  mean.batch = replicates.front().batch;
  const auto set = [&mean](const std::vector<double>& values, std::optional<double>& value,
                           std::optional<double>& error) {
    if (values.empty()) return;
    value = compute_mean(values);
    const auto count = static_cast<std::int64_t>(values.size());
    mean.replicates = std::min(mean.replicates.value_or(count), count);
    if (count < 2) return;
    const double relative = compute_standard_deviation(values) / std::sqrt(static_cast<double>(count)) / *value;
    if (relative > 0) error = relative;
  };
  set(times, mean.time_s, mean.time_error);
  set(energies, mean.gross_j, mean.energy_error);
  if (!idle.empty() && idle.size() == energies.size()) mean.idle_j = compute_mean(idle);
  return mean;
}

}  // namespace qtrap::importer
