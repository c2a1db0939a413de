#include "import/reading.hpp"

#include <fmt/format.h>

#include <cmath>

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

Status read_time(const RowView& row, const TimeSource& time, const Spread& spread, Reading& reading) {
  const auto value = row.positive(time, time.unit);
  if (!value) return value.error();
  if (value.value()) reading.time_s = convert_to_step(*find_unit(time_units(), time.unit), *value.value(), spread);
  return Done{};
}

Status read_energy(const RowView& row, const EnergySource& energy, const Spread& spread, Reading& reading) {
  const auto value = row.positive(energy, energy.unit);
  if (!value) return value.error();
  if (!value.value()) return Done{};
  const auto undone = undo_change(row, energy, *value.value());
  if (!undone) return undone.error();
  reading.gross_j = convert_to_step(*find_unit(energy_units(), energy.unit), undone.value(), spread);
  if (energy.convention != "net" || !reading.gross_j) return Done{};
  if (!reading.idle_j) {
    return row.refuse("net energy without time and idle power", fmt::format("{} J", *reading.gross_j),
                      "gross energy cannot be computed; filter the row out");
  }
  *reading.gross_j += *reading.idle_j;
  return Done{};
}

}  // namespace

Result<Reading> read_row(const RowView& row, const Series& series) {
  auto spread = read_spread(row, series);
  if (!spread) return spread.error();
  Reading reading;
  reading.batch = spread.value().batch;
  if (series.time) {
    if (const Status status = read_time(row, *series.time, spread.value(), reading); !status) return status.error();
  }
  spread.value().time_s = reading.time_s;
  std::optional<double> idle_w;
  if (const Status status = read_optional(row, series.idle_power_w, kIdleUnit, idle_w); !status) return status.error();
  if (idle_w && reading.time_s) reading.idle_j = *idle_w * *reading.time_s;
  if (series.energy) {
    if (const Status status = read_energy(row, *series.energy, spread.value(), reading); !status) return status.error();
  }
  if (reading.time_s || reading.gross_j) return reading;
  return row.refuse("the row has neither time nor energy", name_of(series), "filter it out with `where` or `except`");
}

}  // namespace qtrap::importer
