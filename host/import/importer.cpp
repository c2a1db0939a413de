#include "import/importer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/anchor.hpp"
#include "core/sha256.hpp"
#include "core/statistics.hpp"
#include "import/anchors.hpp"
#include "import/device_facts.hpp"
#include "import/import_ratios.hpp"
#include "import/reading.hpp"
#include "judge/point_cell.hpp"
#include "model/step.hpp"

namespace qtrap::importer {
namespace {

constexpr const char* kIntervalMethod = "published spread or replicates of one session, Student's t on the logarithm";

bool passes(const RowView& row, const Series& series) {
  const auto holds = [&row](const auto& filter) {
    const auto& texts = filter.second.texts;
    return std::find(texts.begin(), texts.end(), row.cell(filter.first)) != texts.end();
  };
  return std::all_of(series.where.begin(), series.where.end(), holds) &&
         std::none_of(series.except.begin(), series.except.end(), holds);
}

/// What a row's numbers are of, its batch apart.
struct Work {
  profile::ModelProfile model;
  SchemeEntry scheme;
  result::Phase phase = result::Phase::kDecode;
};

/// Which rows are read.
enum class Rows { kAll, kAnchors };

/// Collects sessions and points.
class Importer {
 public:
  Importer(const Table& table, const ImportMap& map, const Provenance& provenance, const FindModel& find_model,
           Rows rows = Rows::kAll)
      : rows_(rows),
        table_(table),
        reader_(table, map, provenance.table_name),
        map_(map),
        provenance_(provenance),
        find_model_(find_model),
        map_json_(to_json(map)) {}

  Status add_all() {
    for (const Series& series : map_.series) {
      if (Status status = add(series); !status) return status;
    }
    add_replicates();
    for (result::PointRecord& point : file_.points) {
      if (!point.energy_gross_j) point.energy_method.reset();
    }
    return Done{};
  }

  /// What was collected, before ratios.
  result::ResultFile& file() { return file_; }

  void warn(std::span<const std::string> warnings) {
    warnings_.insert(warnings_.end(), warnings.begin(), warnings.end());
  }
  const std::vector<std::string>& warnings() const { return warnings_; }

  Imported finish() {
    add_ratios(file_.points);
    result::EndRecord end;
    end.session_id = file_.sessions.back().session_id;
    end.points_ok = static_cast<std::int64_t>(file_.points.size());
    file_.end = end;
    return {std::move(file_), std::move(warnings_)};
  }

 private:
  Status add(const Series& series) {
    if (is_left_out(series.scheme.constant)) return Done{};
    if (Status status = check_columns(reader_, series); !status) return status;
    std::size_t passed = 0;
    for (const TableRow& cells : table_.rows) {
      const RowView row(reader_, cells);
      if (!passes(row, series) || is_hole(row, series) || is_left_out(row.text(series.scheme))) continue;
      ++passed;
      if (Status status = add_row(row, series); !status) return status;
    }
    if (passed > 0 || rows_ == Rows::kAnchors) return Done{};
    return usage_error(fmt::format("{}: no row passes the filters of a series", provenance_.table_name),
                       name_of(series), "correct `where` and `except`; texts must match to the letter");
  }

  /// Whether a scheme's rows are not read. A text that the map does not translate is read, and refused there.
  bool is_left_out(const std::optional<std::string>& text) const {
    if (rows_ == Rows::kAll || !text) return false;
    const auto scheme = map_.schemes.find(*text);
    return scheme != map_.schemes.end() && scheme->second.scheme != kAnchor;
  }

  Result<profile::ModelProfile> model_of(const RowView& row, const std::string& text) {
    const auto known = map_.models.find(text);
    if (map_.workload == result::Workload::kKernel)
      return name_kernel(row, known == map_.models.end() ? text : known->second);
    if (known == map_.models.end()) {
      return row.refuse("the map's `models` lacks this model", text, "add it with the name of a model profile");
    }
    const auto cached = shapes_.find(known->second);
    if (cached != shapes_.end()) return cached->second;
    auto found = find_model_(known->second);
    if (found) shapes_.emplace(known->second, found.value());
    return found;
  }

  /// A kernel of no language model: a shape of nothing but a name.
  static Result<profile::ModelProfile> name_kernel(const RowView& row, const std::string& name) {
    if (name.empty()) return row.refuse("the kernel has no name", "", "give `model` a constant, or filter the row out");
    profile::ModelProfile kernel;
    kernel.name = name;
    return kernel;
  }

  result::SessionRecord& session_of(const std::string& name, const std::string& device, const Series& series,
                                    const DeviceFacts& facts) {
    const std::string id = fmt::format("{}/{}/{}", map_.name, name, device);
    for (result::SessionRecord& session : file_.sessions) {
      if (session.session_id == id) return session;
    }
    result::SessionRecord session;
    session.session_id = id;
    session.origin = result::Origin::kImported;
    session.started_utc = map_.date.value_or("unknown");
    session.tool_version = provenance_.tool_version;
    session.argv = provenance_.argv;
    session.device.id = device;
    session.device.platform = "imported";
    session.device.name = device;
    session.device.driver = "unknown";
    set_facts(facts, session);
    session.meter.name = "imported";
    session.meter.status = to_string(series.energy ? EnergyStatus::kOk : EnergyStatus::kNoMeter);
    if (series.energy) session.meter.method = to_string(series.energy->method);
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
    const std::string name = row.text(series.session.source);
    if (name.empty()) return row.refuse("the session has no name", "", "filter the row out");
    const auto work = work_of(row, series);
    if (!work) return work.error();
    const auto reading = read_row(row, series);
    if (!reading) return reading.error();
    const auto facts = read_device_facts(row, map_, series);
    if (!facts) return facts.error();
    result::SessionRecord& session = session_of(name, device, series, facts.value());
    if (Status status = check_same(row, facts.value(), session); !status) return status;
    if (series.stack) session.environment["import_stack"] = *series.stack;
    for (const std::string& hazard : series.hazards) {
      if (std::find(session.hazards.begin(), session.hazards.end(), hazard) == session.hazards.end()) {
        session.hazards.push_back(hazard);
      }
    }
    const auto& warnings = reading.value().warnings;
    session.hazards.insert(session.hazards.end(), warnings.begin(), warnings.end());
    warn(warnings);
    auto point = make_point(row, series, session, work.value(), reading.value().batch);
    if (const Status status = set_path(row, series, point); !status) return status.error();
    set_reading(reading.value(), point);
    return series.replicate ? keep_replicate(row, *series.replicate, reading.value(), std::move(point))
                            : keep(row, std::move(point));
  }

  static void set_shape(const profile::ModelProfile& model, result::PointRecord& point) {
    point.params = model::compute_parameters(model);
    point.params_step = model::compute_step_parameters(model);
    point.layers = model.layers;
    point.resident_layers = model.layers;
    point.heads = model.heads;
    point.kv_heads = model.kv_heads;
    point.hidden = model.hidden;
    point.ffn = model.ffn;
  }

  result::PointRecord make_point(const RowView& row, const Series& series, const result::SessionRecord& session,
                                 const Work& work, double batch) const {
    const auto& [model, scheme, phase] = work;
    result::PointRecord point;
    point.batch = static_cast<std::int64_t>(batch);
    point.phase = phase;
    const std::string word = phase == result::Phase::kDecode ? "" : fmt::format("{}/", to_string(phase));
    point.cell_id = fmt::format("{}/b{}/{}imported", model.name, point.batch, word);
    point.point_id = fmt::format("{}|{}|{}", session.session_id, point.cell_id, scheme.scheme);
    point.workload = map_.workload;
    point.model = model.name;
    if (map_.workload != result::Workload::kKernel) set_shape(model, point);
    point.scheme = scheme.scheme;
    point.path = scheme.path;
    point.weight_bits = scheme.weight_bits;
    point.activation_bits = scheme.activation_bits;
    point.weight_format = scheme.weight_format;
    point.mac_class = scheme.mac_class;
    point.basis = series.basis;
    point.sessions = 1;
    point.session_ids = {session.session_id};
    point.device_id = session.device.id;
    point.source = series.source ? row.text(*series.source) : map_.source;
    if (series.energy) point.energy_method = series.energy->method;
    return point;
  }

  /// The row's texts, translated.
  Result<Work> work_of(const RowView& row, const Series& series) {
    const auto scheme = map_.schemes.find(row.text(series.scheme));
    if (scheme == map_.schemes.end()) {
      return row.refuse("the map's `schemes` lacks this scheme", row.text(series.scheme), "add it or filter it out");
    }
    const auto model = model_of(row, row.text(series.model));
    if (!model) return model.error();
    const auto phase = phase_of(row, series);
    if (!phase) return phase.error();
    return Work{model.value(), scheme->second, phase.value()};
  }

  /// What the row's step works on.
  Result<result::Phase> phase_of(const RowView& row, const Series& series) const {
    if (!series.phase) return result::Phase::kDecode;
    const std::string text = row.text(*series.phase);
    if (const auto known = map_.phases.find(text); known != map_.phases.end()) return known->second;
    if (const auto word = find_word<result::Phase>(text)) return *word;
    return row.refuse("the phase is neither decode nor prefill", text,
                      "translate it in the map's `phases`, or filter the row out");
  }

  /// The row's own kernel path, where the map names one.
  static Status set_path(const RowView& row, const Series& series, result::PointRecord& point) {
    if (!series.path) return Done{};
    const std::string word = row.text(*series.path);
    const auto path = find_word<KernelPath>(word);
    if (!path)
      return row.refuse("the kernel path is not in its closed list", word,
                        fmt::format("use {}, or filter the row out", fmt::join(kWords<KernelPath>, ", ")));
    point.path = *path;
    return Done{};
  }

  static void set_reading(const Reading& reading, result::PointRecord& point) {
    const auto batch = static_cast<double>(point.batch);
    point.trials = reading.replicates.value_or(0);
    point.time_s = reading.time_s;
    if (reading.time_s) point.time_per_token_s = *reading.time_s / batch;
    point.time_error = reading.time_error;
    point.energy_error = reading.energy_error;
    if (reading.time_error || reading.energy_error) point.replicates = reading.replicates;
    set_interval(judge::time_spread_of(point), point.time_s, point.time_s_low, point.time_s_high);
    set_interval(judge::energy_spread_of(point), reading.gross_j, point.energy_gross_j_low, point.energy_gross_j_high);
    if (point.time_s_low || point.energy_gross_j_low) point.interval_method = kIntervalMethod;
    if (!reading.gross_j) return;
    point.energy_gross_j = reading.gross_j;
    point.energy_idle_j = reading.idle_j;
    if (reading.idle_j) point.energy_net_j = *reading.gross_j - *reading.idle_j;
    point.energy_per_token_j = *reading.gross_j / batch;
    point.energy_status = EnergyStatus::kOk;
  }

  /// The 95 % interval of a published or averaged value, on the logarithm, as the judge's are.
  static void set_interval(const std::optional<judge::PublishedSpread>& spread, const std::optional<double>& value,
                           std::optional<double>& low, std::optional<double>& high) {
    if (!spread || !value) return;
    const double half = student_t_quantile(0.5 + 0.5 * kConfidence, spread->degrees_of_freedom) * spread->error;
    low = *value * std::exp(-half);
    high = *value * std::exp(half);
  }

  /// Collects the replicates of a configuration; their point is that of the first until finish() averages them.
  Status keep_replicate(const RowView& row, const TextSource& source, const Reading& reading,
                        result::PointRecord point) {
    auto& group = replicates_[point.point_id];
    const std::string name = row.text(source);
    if (!group.emplace(name, reading).second) {
      return row.refuse("a replicate of a configuration is given twice", name, "tell its rows apart by `replicate`");
    }
    if (group.size() == 1) file_.points.push_back(std::move(point));
    return Done{};
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

  /// Means of what replicates of a configuration gave.
  void add_replicates() {
    for (result::PointRecord& point : file_.points) {
      const auto group = replicates_.find(point.point_id);
      if (group == replicates_.end()) continue;
      std::vector<Reading> readings;
      for (const auto& [name, reading] : group->second) readings.push_back(reading);
      set_reading(summarize(readings), point);
      point.trials = static_cast<std::int64_t>(readings.size());
    }
  }

  Rows rows_;
  const Table& table_;
  TableReader reader_;
  const ImportMap& map_;
  const Provenance& provenance_;
  const FindModel& find_model_;
  std::string map_json_;
  std::map<std::string, profile::ModelProfile> shapes_;
  std::map<std::string, std::map<std::string, Reading>> replicates_;  ///< by point_id, then replicate
  result::ResultFile file_;
  std::vector<std::string> warnings_;
};

/// Reads the anchors of another table and joins them.
Status add_anchors(const AnchorTable& other, const Provenance& provenance, const FindModel& find_model,
                   Importer& importer) {
  const Provenance own{other.name, other.sha256, provenance.tool_version, provenance.argv};
  Importer reader(other.table, other.map, own, find_model, Rows::kAnchors);
  if (Status status = reader.add_all(); !status) return status;
  Anchors anchors{other.name, other.sha256, std::nullopt, std::move(reader.file())};
  if (anchors.file.points.empty())
    return usage_error(fmt::format("{} holds no row of f16", other.name), other.map.name,
                       "name its text in the map's `schemes`, or give the table a map of its own (--anchor-map)");
  if (other.own_map) anchors.map_json = to_json(other.map);
  const auto told = join_anchors(anchors, provenance.table_name, importer.file());
  if (!told) return told.error();
  importer.warn(reader.warnings());
  importer.warn(told.value());
  return Done{};
}

}  // namespace

Result<Imported> import_table(const Table& table, const ImportMap& map, const Provenance& provenance,
                              const FindModel& find_model, const AnchorTable* anchors) {
  Importer importer(table, map, provenance, find_model);
  if (const Status status = importer.add_all(); !status) return status.error();
  if (anchors != nullptr) {
    if (const Status status = add_anchors(*anchors, provenance, find_model, importer); !status) return status.error();
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
