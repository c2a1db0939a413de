#include "import/import_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "import/map_keys.hpp"
#include "import/units.hpp"

namespace qtrap::importer {
namespace {

/// Where a value stands, for messages: the file and the key's path ("series[1].energy.unit").
struct Place {
  std::string_view file;
  std::string path;

  Place at(std::string_view key) const {
    return {file, path.empty() ? std::string(key) : fmt::format("{}.{}", path, key)};
  }
  Place at(std::size_t index) const { return {file, fmt::format("{}[{}]", path, index)}; }
  Error refuse(std::string_view what, std::string value, std::string fix) const {
    const std::string where = path.empty() ? std::string(file) : fmt::format("{}: `{}`", file, path);
    return usage_error(fmt::format("{} {}", where, what), std::move(value), std::move(fix));
  }
};

template <class Source>
Status check_source(const Source& source, const Place& place) {
  if (source.column.has_value() != source.constant.has_value()) return Done{};
  return place.refuse(source.column ? "has both `column` and `constant`" : "has neither `column` nor `constant`", "",
                      "give exactly one of them");
}

template <class Source>
Status check_source(const std::optional<Source>& source, const Place& place) {
  return source ? check_source(*source, place) : Status(Done{});
}

Status check_spread(const std::optional<SpreadSource>& spread, const Series& series, const Place& place) {
  if (!spread) return Done{};
  const int interval =
      int{spread->low.has_value()} + int{spread->high.has_value()} + int{spread->confidence.has_value()};
  const int forms = int{spread->sd.has_value()} + int{spread->standard_error.has_value()} + int{interval > 0};
  if (forms != 1 || interval % 3 != 0) {
    return place.refuse("is not one of its three forms", "",
                        "give `sd`, `standard_error`, or `low`, `high` and `confidence`");
  }
  if (spread->sd && !series.trials)
    return place.refuse("is a standard deviation, and `trials` is missing", *spread->sd, "add `trials`");
  if (series.replicate)
    return place.refuse("stands beside `replicate`", "", "the replicates have a spread of their own");
  return Done{};
}

template <class Source>
Status check_unit(std::span<const Unit> units, const Source& source, const Series& series, const Place& place) {
  const Unit& unit = *find_unit(units, source.unit);
  if (unit.per == Per::kRun && !series.tokens && !series.steps) {
    return place.at("unit").refuse("is a whole run's unit, and `tokens` is missing", std::string(unit.name),
                                   "add `tokens`");
  }
  if (unit.per == Per::kTime && !series.time) {
    return place.at("unit").refuse("is a power, and `time` is missing", std::string(unit.name), "add `time`");
  }
  if (!unit.inverse || !source.column || source.column->names.size() == 1) return Done{};
  return place.at("column").refuse("adds columns of an inverse unit", std::string(unit.name), "give one column");
}

Status check_sources(const Series& series, const Place& place) {
  Status status = check_source(series.session.source, place.at("session"));
  const auto also = [&](const auto& source, std::string_view key) {
    if (status) status = check_source(source, place.at(key));
  };
  also(series.replicate, "replicate");
  also(series.device, "device");
  also(series.vendor, "vendor");
  also(series.fp32_tflops, "fp32_tflops");
  also(series.bandwidth_gb_s, "bandwidth_gb_s");
  also(series.model, "model");
  also(series.scheme, "scheme");
  also(series.batch, "batch");
  also(series.time, "time");
  also(series.energy, "energy");
  also(series.idle_power_w, "idle_power_w");
  also(series.power_w, "power_w");
  also(series.power_limit_w, "power_limit_w");
  also(series.path, "path");
  also(series.phase, "phase");
  also(series.tokens, "tokens");
  also(series.steps, "steps");
  also(series.runs, "runs");
  also(series.trials, "trials");
  also(series.source, "source");
  return status;
}

Status check_series(const Series& series, const Place& place) {
  if (Status status = check_sources(series, place); !status) return status;
  if (!series.time && !series.energy) {
    return place.refuse("has neither `time` nor `energy`", name_of(series), "give at least one of them");
  }
  if (series.tokens && series.steps) {
    return place.refuse("has both `tokens` and `steps`", name_of(series),
                        "give one of them: each tells a run's length");
  }
  if (series.time) {
    const Place at_time = place.at("time");
    if (Status status = check_unit(time_units(), *series.time, series, at_time); !status) return status;
    if (Status status = check_spread(series.time->spread, series, at_time.at("spread")); !status) return status;
  }
  if (!series.energy) return Done{};
  if (series.energy->convention == "net" && !(series.idle_power_w && series.time)) {
    return place.at("energy.convention")
        .refuse("is net without `idle_power_w` and `time`", "net", "add both: gross energy is what the records hold");
  }
  if (Status status = check_spread(series.energy->spread, series, place.at("energy.spread")); !status) return status;
  return check_unit(energy_units(), *series.energy, series, place.at("energy"));
}

/// The column of one scheme of a wide table; none where the quantity has no columns by scheme.
template <class Quantity>
void set_column(const std::map<std::string, SchemeColumn>& by_scheme, const std::string& scheme,
                std::optional<Quantity>& quantity) {
  if (by_scheme.empty()) return;
  const auto found = by_scheme.find(scheme);
  if (found == by_scheme.end()) {
    quantity.reset();
    return;
  }
  quantity->column = found->second.source.column;
  if (found->second.source.spread) quantity->spread = found->second.source.spread;
}

/// The spreads that entries of one scheme name, where they stand in the map.
Status check_entry_spreads(const std::map<std::string, SchemeColumn>& by_scheme, const Series& series,
                           const Place& place) {
  const auto found = by_scheme.find(*series.scheme.constant);
  if (found == by_scheme.end()) return Done{};
  return check_spread(found->second.source.spread, series, place.at(found->first).at("spread"));
}

/// That a wide series names schemes in one way, units and nothing else to read from, and repeats of its schemes alone.
Status check_wide(const Series& series, const std::set<std::string>& schemes, const Place& place) {
  const auto& times = series.time_by_scheme;
  const auto& energies = series.energy_by_scheme;
  const bool names_scheme = series.scheme.column || series.scheme.constant;
  if (names_scheme == !schemes.empty())
    return place.refuse(names_scheme ? "has `scheme` beside columns by scheme" : "lacks a key",
                        names_scheme ? name_of(series) : "scheme",
                        "give `scheme`, or `time_by_scheme` and `energy_by_scheme`");
  if ((!times.empty() && (!series.time || series.time->column || series.time->constant)) ||
      (!energies.empty() && (!series.energy || series.energy->column || series.energy->constant)))
    return place.refuse("has columns by scheme without a unit, or beside another column", name_of(series),
                        "give `time` or `energy` a `unit` and nothing else to read from");
  for (const auto& [scheme, column] : series.trials_by_scheme) {
    if (schemes.contains(scheme)) continue;
    return place.at("trials_by_scheme")
        .refuse("names a scheme without a column", scheme, "give it one in `time_by_scheme` or `energy_by_scheme`");
  }
  return Done{};
}

/// The series of a wide table, one for each scheme; itself where it names none.
Status expand(Series series, const Place& place, std::vector<Series>& out) {
  std::set<std::string> schemes;
  for (const auto* columns : {&series.time_by_scheme, &series.energy_by_scheme}) {
    for (const auto& [scheme, column] : *columns) schemes.insert(scheme);
  }
  if (Status status = check_wide(series, schemes, place); !status) return status;
  const auto times = std::exchange(series.time_by_scheme, {});
  const auto energies = std::exchange(series.energy_by_scheme, {});
  const auto trials = std::exchange(series.trials_by_scheme, {});
  if (schemes.empty()) out.push_back(std::move(series));
  for (const std::string& scheme : schemes) {
    Series& one = out.emplace_back(series);
    one.scheme.constant = scheme;
    one.by_scheme = true;
    set_column(times, scheme, one.time);
    set_column(energies, scheme, one.energy);
    if (const auto own = trials.find(scheme); own != trials.end()) one.trials = NumberSource{own->second, std::nullopt};
    Status status = check_entry_spreads(times, one, place.at("time_by_scheme"));
    if (status) status = check_entry_spreads(energies, one, place.at("energy_by_scheme"));
    if (!status) return status;
  }
  return Done{};
}

/// A series that expand() made, as the wide one of its scheme alone, which expand() makes the same again.
Series collapse(Series series) {
  if (!series.by_scheme) return series;
  const std::string scheme = std::exchange(series.scheme, {}).constant.value();
  const auto move_column = [&scheme](auto& quantity, std::map<std::string, SchemeColumn>& by_scheme) {
    if (!quantity || !quantity->column) return;
    by_scheme[scheme].source = {*std::exchange(quantity->column, std::nullopt),
                                std::exchange(quantity->spread, std::nullopt)};
  };
  move_column(series.time, series.time_by_scheme);
  move_column(series.energy, series.energy_by_scheme);
  return series;
}

}  // namespace

std::string name_of(const Series& series) {
  const TextSource& session = series.session.source;
  return session.column ? fmt::format("`{}`", *session.column) : session.constant.value_or("");
}

void visit_text_columns(const Series& series, const std::function<void(const std::string&)>& visit) {
  for (const TextSource* source : {&series.session.source, &series.device, &series.model, &series.scheme}) {
    if (source->column) visit(*source->column);
  }
  for (const auto* source : {&series.vendor, &series.source, &series.replicate, &series.path, &series.phase}) {
    if (*source && (*source)->column) visit(*(*source)->column);
  }
}

void visit_number_columns(const Series& series, const std::function<void(const Columns&, std::string_view)>& visit) {
  const auto visit_source = [&visit](const auto& source, std::string_view unit) {
    if (source && source->column) visit(*source->column, unit);
  };
  const auto visit_quantity = [&](const auto& source) {
    if (!source) return;
    visit_source(source, source->unit);
    if (!source->spread) return;
    for (const auto* column :
         {&source->spread->sd, &source->spread->standard_error, &source->spread->low, &source->spread->high}) {
      if (*column) visit({{**column}}, source->unit);
    }
  };
  visit_source(series.fp32_tflops, kRateUnit);
  visit_source(series.bandwidth_gb_s, kBandwidthUnit);
  visit_source(series.batch, "");
  visit_quantity(series.time);
  visit_quantity(series.energy);
  visit_source(series.idle_power_w, kPowerUnit);
  visit_source(series.power_w, kPowerUnit);
  visit_source(series.power_limit_w, kPowerUnit);
  visit_source(series.tokens, kTokensUnit);
  visit_source(series.steps, kStepsUnit);
  visit_source(series.runs, kRunsUnit);
  visit_source(series.trials, "");
  if (series.energy && series.energy->undo_change_percent) visit({{*series.energy->undo_change_percent}}, kPercent);
}

std::optional<char> separator_of(const ImportMap& map) {
  if (!map.separator) return std::nullopt;
  return *map.separator == "tab" ? '\t' : map.separator->front();
}

Result<ImportMap> parse_import_map(std::string_view text, std::string_view name) {
  auto map = table::parse_file<ImportMap>(text, name, kSchemaName, kSchemaVersion);
  if (!map) return map;
  const Place place{name, ""};
  std::vector<Series> expanded;
  for (std::size_t i = 0; i < map.value().series.size(); ++i) {
    const Place at = place.at("series").at(i);
    const std::size_t first = expanded.size();
    if (const Status status = expand(std::move(map.value().series[i]), at, expanded); !status) return status.error();
    for (std::size_t k = first; k < expanded.size(); ++k) {
      if (const Status status = check_series(expanded[k], at); !status) return status.error();
    }
  }
  map.value().series = std::move(expanded);
  return map;
}

std::string to_json(const ImportMap& map) {
  ImportMap written = map;
  std::transform(map.series.begin(), map.series.end(), written.series.begin(), collapse);
  return table::dump_line(table::encode_file(written, kSchemaName, kSchemaVersion).value());
}

}  // namespace qtrap::importer
