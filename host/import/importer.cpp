#include "import/importer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "core/sha256.hpp"
#include "core/text.hpp"
#include "import/units.hpp"

namespace qtrap::importer {
namespace {

constexpr const char* kAnchor = "f16";

/// The cells of one row by column name.
class RowView {
 public:
  RowView(const CsvTable& table, const CsvRow& row, std::string_view name) : table_(table), row_(row), name_(name) {}

  std::size_t line() const { return row_.line; }

  Error refuse(std::string_view what, std::string value, std::string fix) const {
    return usage_error(fmt::format("{} line {}: {}", name_, row_.line, what), std::move(value), std::move(fix));
  }

  /// Requires a column that check_columns has seen.
  const std::string& cell(const std::string& column) const {
    const auto place = std::find(table_.columns.begin(), table_.columns.end(), column);
    return row_.cells.at(static_cast<std::size_t>(place - table_.columns.begin()));
  }

  std::string text(const TextSource& source) const { return source.column ? cell(*source.column) : *source.constant; }

  /// The number of a cell; none where the cell is empty.
  Result<std::optional<double>> number(const std::string& column) const {
    const std::string& text = cell(column);
    if (text.empty()) return std::optional<double>();
    double value = 0;
    const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code == std::errc{} && rest == text.data() + text.size() && std::isfinite(value)) return std::optional(value);
    return refuse(fmt::format("`{}` is not a finite number", column), text,
                  "write it with a decimal point and no unit, or filter the row out");
  }

  /// A number above 0 of a source with `column` and `constant`; none where the cell is empty.
  template <class Source>
  Result<std::optional<double>> positive(const Source& source) const {
    if (source.constant) return source.constant;
    auto value = number(*source.column);
    if (!value || !value.value() || *value.value() > 0) return value;
    return refuse(fmt::format("`{}` is not above 0", *source.column), cell(*source.column), "filter the row out");
  }

 private:
  const CsvTable& table_;
  const CsvRow& row_;
  std::string_view name_;
};

Status check_column(const CsvTable& table, const std::string& column, std::string_view name) {
  if (std::find(table.columns.begin(), table.columns.end(), column) != table.columns.end()) return Done{};
  const std::vector<std::string_view> known(table.columns.begin(), table.columns.end());
  const std::string_view near = find_nearest(column, known);
  return usage_error(fmt::format("{} has no such column", name), column,
                     (near.empty() ? "" : fmt::format("did you mean `{}`? ", near)) +
                         fmt::format("its columns are {}", fmt::join(table.columns, ", ")));
}

/// Every column that the map names is in the table.
Status check_columns(const CsvTable& table, const Series& series, std::string_view name) {
  std::vector<std::string> columns;
  const auto note = [&columns](const auto& source) {
    if (source && source->column) columns.push_back(*source->column);
  };
  for (const TextSource* source : {&series.device, &series.model, &series.scheme}) note(std::optional(*source));
  note(series.batch);
  note(series.time);
  note(series.energy);
  for (const auto* source : {&series.idle_power_w, &series.tokens, &series.trials}) note(*source);
  note(series.source);
  if (series.energy && series.energy->undo_change_percent) columns.push_back(*series.energy->undo_change_percent);
  for (const auto* filters : {&series.where, &series.except}) {
    for (const auto& [column, texts] : *filters) columns.push_back(column);
  }
  for (const std::string& column : columns) {
    if (Status status = check_column(table, column, name); !status) return status;
  }
  return Done{};
}

bool passes(const RowView& row, const Series& series) {
  const auto holds = [&row](const auto& filter) {
    return std::find(filter.second.begin(), filter.second.end(), row.cell(filter.first)) != filter.second.end();
  };
  return std::all_of(series.where.begin(), series.where.end(), holds) &&
         std::none_of(series.except.begin(), series.except.end(), holds);
}

/// Time and energies of one step.
struct Reading {
  double batch = 1;
  std::optional<double> time_s, gross_j, idle_j;
};

Result<Spread> read_spread(const RowView& row, const Series& series) {
  Spread spread;
  const auto batch = row.positive(series.batch.value_or(NumberSource{std::nullopt, 1}));
  if (!batch) return batch.error();
  if (!batch.value() || *batch.value() != std::floor(*batch.value()) || *batch.value() > 65536) {
    return row.refuse("the batch is not a whole number from 1 to 65536",
                      batch.value() ? fmt::format("{}", *batch.value()) : "empty cell", "correct it or filter it out");
  }
  spread.batch = *batch.value();
  if (!series.tokens) return spread;
  const auto tokens = row.positive(*series.tokens);
  if (!tokens) return tokens.error();
  spread.tokens = tokens.value();
  return spread;
}

/// `value` as the map wants it read: divided by the change against the anchor where it says so.
Result<double> undo_change(const RowView& row, const EnergySource& energy, double value) {
  if (!energy.undo_change_percent) return value;
  const auto percent = row.number(*energy.undo_change_percent);
  if (!percent) return percent.error();
  if (percent.value() && *percent.value() > -100) return value / (1 + *percent.value() / 100);
  return row.refuse(fmt::format("`{}` is not a change above -100 %", *energy.undo_change_percent),
                    row.cell(*energy.undo_change_percent), "filter the row out");
}

Result<Reading> read_row(const RowView& row, const Series& series) {
  auto spread = read_spread(row, series);
  if (!spread) return spread.error();
  Reading reading;
  reading.batch = spread.value().batch;
  if (series.time) {
    const auto value = row.positive(*series.time);
    if (!value) return value.error();
    if (value.value()) {
      reading.time_s = convert_to_step(*find_unit(time_units(), series.time->unit), *value.value(), spread.value());
    }
  }
  if (series.idle_power_w && reading.time_s) {
    const auto idle_w = row.positive(*series.idle_power_w);
    if (!idle_w) return idle_w.error();
    if (idle_w.value()) reading.idle_j = *idle_w.value() * *reading.time_s;
  }
  if (series.energy) {
    auto value = row.positive(*series.energy);
    if (!value) return value.error();
    if (value.value()) {
      const auto undone = undo_change(row, *series.energy, *value.value());
      if (!undone) return undone.error();
      spread.value().time_s = reading.time_s;
      reading.gross_j =
          convert_to_step(*find_unit(energy_units(), series.energy->unit), undone.value(), spread.value());
    }
    if (series.energy->convention == "net") {
      if (reading.gross_j && !reading.idle_j) {
        return row.refuse("net energy without time and idle power", fmt::format("{} J", *reading.gross_j),
                          "gross energy cannot be computed; filter the row out");
      }
      if (reading.gross_j) *reading.gross_j += *reading.idle_j;
    }
  }
  if (reading.time_s || reading.gross_j) return reading;
  return row.refuse("the row has neither time nor energy", series.session, "filter it out with `where` or `except`");
}

/// Collects sessions and points.
class Importer {
 public:
  Importer(const CsvTable& table, const ImportMap& map, const Provenance& provenance, const FindModel& find_model)
      : table_(table), map_(map), provenance_(provenance), find_model_(find_model), map_json_(to_json(map)) {}

  Status add(const Series& series) {
    if (Status status = check_columns(table_, series, provenance_.table_name); !status) return status;
    std::size_t passed = 0;
    for (const CsvRow& cells : table_.rows) {
      const RowView row(table_, cells, provenance_.table_name);
      if (!passes(row, series)) continue;
      ++passed;
      if (Status status = add_row(row, series); !status) return status;
    }
    if (passed > 0) return Done{};
    return usage_error(fmt::format("{}: no row passes the filters of a series", provenance_.table_name), series.session,
                       "correct `where` and `except`; texts must match to the letter");
  }

  result::ResultFile finish() {
    add_ratios();
    result::EndRecord end;
    end.session_id = file_.sessions.back().session_id;
    end.points_ok = static_cast<std::int64_t>(file_.points.size());
    file_.end = end;
    return std::move(file_);
  }

 private:
  Result<profile::ModelProfile> model_of(const RowView& row, const std::string& text) {
    const auto known = map_.models.find(text);
    if (known == map_.models.end()) {
      return row.refuse("the map's `models` lacks this model", text, "add it with the name of a model profile");
    }
    const auto cached = shapes_.find(known->second);
    if (cached != shapes_.end()) return cached->second;
    auto found = find_model_(known->second);
    if (found) shapes_.emplace(known->second, found.value());
    return found;
  }

  result::SessionRecord& session_of(const std::string& device, const Series& series) {
    const std::string id = fmt::format("{}/{}/{}", map_.name, series.session, device);
    for (result::SessionRecord& session : file_.sessions) {
      if (session.session_id == id) return session;
    }
    result::SessionRecord session;
    session.session_id = id;
    session.origin = "imported";
    session.started_utc = map_.date.value_or("unknown");
    session.tool_version = provenance_.tool_version;
    session.argv = provenance_.argv;
    session.device.id = device;
    session.device.platform = "imported";
    session.device.name = device;
    session.device.vendor = "unknown";
    session.device.driver = "unknown";
    session.device.type = map_.device_type;
    session.device.kernel_family = map_.device_type == "cpu" ? "cpu" : "gpu";
    session.meter.name = "imported";
    session.meter.status = series.energy ? "ok" : "no_meter";
    if (series.energy) session.meter.method = series.energy->method;
    session.campaign_json = map_json_;
    session.campaign_sha256 = compute_sha256(map_json_);
    session.session_index = static_cast<std::int64_t>(file_.sessions.size());
    session.event_timer.reason = "imported: nothing was timed here";
    session.environment = {{"import_source", map_.source},
                           {"import_licence", map_.licence},
                           {"import_table", provenance_.table_name},
                           {"import_table_sha256", provenance_.table_sha256}};
    file_.sessions.push_back(std::move(session));
    return file_.sessions.back();
  }

  Status add_row(const RowView& row, const Series& series) {
    const std::string device = row.text(series.device);
    if (device.empty()) return row.refuse("the device has no name", "", "filter the row out");
    const auto scheme = map_.schemes.find(row.text(series.scheme));
    if (scheme == map_.schemes.end()) {
      return row.refuse("the map's `schemes` lacks this scheme", row.text(series.scheme), "add it or filter it out");
    }
    const auto model = model_of(row, row.text(series.model));
    if (!model) return model.error();
    const auto reading = read_row(row, series);
    if (!reading) return reading.error();
    result::SessionRecord& session = session_of(device, series);
    if (series.stack) session.environment["import_stack"] = *series.stack;
    for (const std::string& hazard : series.hazards) {
      if (std::find(session.hazards.begin(), session.hazards.end(), hazard) == session.hazards.end()) {
        session.hazards.push_back(hazard);
      }
    }
    auto point = make_point(row, series, session, model.value(), scheme->second, reading.value().batch);
    if (!point) return point.error();
    set_reading(reading.value(), series, point.value());
    return keep(row, std::move(point).value());
  }

  Result<result::PointRecord> make_point(const RowView& row, const Series& series, const result::SessionRecord& session,
                                         const profile::ModelProfile& model, const SchemeEntry& scheme,
                                         double batch) const {
    result::PointRecord point;
    point.batch = static_cast<std::int64_t>(batch);
    point.cell_id = fmt::format("{}/b{}/imported", model.name, point.batch);
    point.point_id = fmt::format("{}|{}|{}", session.session_id, point.cell_id, scheme.scheme);
    point.workload = map_.workload;
    point.model = model.name;
    point.params = profile::compute_parameters(model);
    point.params_step = profile::compute_step_parameters(model);
    point.layers = model.layers;
    point.resident_layers = model.layers;
    point.scheme = scheme.scheme;
    point.path = scheme.path;
    point.weight_bits = scheme.weight_bits;
    point.activation_bits = scheme.activation_bits;
    point.basis = series.basis;
    point.sessions = 1;
    point.session_ids = {session.session_id};
    point.device_id = session.device.id;
    point.heads = model.heads;
    point.kv_heads = model.kv_heads;
    point.hidden = model.hidden;
    point.ffn = model.ffn;
    point.source = series.source ? row.text(*series.source) : map_.source;
    if (!series.trials) return point;
    const auto trials = row.positive(*series.trials);
    if (!trials) return trials.error();
    point.trials = static_cast<std::int64_t>(std::min(1e9, trials.value().value_or(0)));
    return point;
  }

  static void set_reading(const Reading& reading, const Series& series, result::PointRecord& point) {
    const auto batch = static_cast<double>(point.batch);
    point.time_s = reading.time_s;
    if (reading.time_s) point.time_per_token_s = *reading.time_s / batch;
    if (!reading.gross_j) return;
    point.energy_gross_j = reading.gross_j;
    point.energy_idle_j = reading.idle_j;
    if (reading.idle_j) point.energy_net_j = *reading.gross_j - *reading.idle_j;
    point.energy_per_token_j = *reading.gross_j / batch;
    point.energy_method = series.energy->method;
    point.energy_status = "ok";
  }

  /// Tables repeat the anchor beside each scheme: the same numbers again are dropped, others refused.
  Status keep(const RowView& row, result::PointRecord point) {
    for (result::PointRecord& old : file_.points) {
      if (old.point_id != point.point_id) continue;
      const auto same = [](const std::optional<double>& a, const std::optional<double>& b) {
        return !a || !b || std::abs(*a - *b) <= 1e-3 * std::abs(*a);
      };
      if (!same(old.time_s, point.time_s) || !same(old.energy_gross_j, point.energy_gross_j)) {
        return row.refuse("a configuration is given twice with different values", point.point_id,
                          "put the rows into sessions of their own");
      }
      return Done{};
    }
    file_.points.push_back(std::move(point));
    return Done{};
  }

  void add_ratios() {
    for (result::PointRecord& point : file_.points) {
      if (point.scheme == kAnchor) continue;
      for (const result::PointRecord& anchor : file_.points) {
        if (anchor.scheme != kAnchor || anchor.cell_id != point.cell_id || anchor.session_ids != point.session_ids) {
          continue;
        }
        point.time_ratio = divide(point.time_s, anchor.time_s);
        point.energy_ratio = divide(point.energy_gross_j, anchor.energy_gross_j);
        point.energy_net_ratio = divide(point.energy_net_j, anchor.energy_net_j);
        if (point.time_ratio) point.cor_operational = *point.time_ratio - 1;
        // One published value has no interval, and a verdict needs one.
        if (point.time_ratio) point.verdict_time = "undecided";
        if (point.energy_ratio) point.verdict_energy = "undecided";
      }
    }
  }

  static std::optional<double> divide(const std::optional<double>& a, const std::optional<double>& b) {
    return a && b && *b > 0 ? std::optional(*a / *b) : std::nullopt;
  }

  const CsvTable& table_;
  const ImportMap& map_;
  const Provenance& provenance_;
  const FindModel& find_model_;
  std::string map_json_;
  std::map<std::string, profile::ModelProfile> shapes_;
  result::ResultFile file_;
};

}  // namespace

Result<result::ResultFile> import_table(const CsvTable& table, const ImportMap& map, const Provenance& provenance,
                                        const FindModel& find_model) {
  Importer importer(table, map, provenance, find_model);
  for (const Series& series : map.series) {
    if (const Status status = importer.add(series); !status) return status.error();
  }
  return importer.finish();
}

Result<std::string> to_text(const result::ResultFile& file) {
  std::vector<result::Record> records(file.sessions.begin(), file.sessions.end());
  records.insert(records.end(), file.points.begin(), file.points.end());
  if (file.end) records.emplace_back(*file.end);
  std::string text;
  for (const result::Record& record : records) {
    auto line = result::to_json_line(record);
    if (!line) return line.error();
    text += line.value();
  }
  return text;
}

}  // namespace qtrap::importer
