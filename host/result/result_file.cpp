#include "result/result_file.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "core/file.hpp"
#include "result/check_records.hpp"
#include "result/fields.hpp"
#include "table/codec.hpp"

namespace qtrap::result {
namespace {

using table::Json;
using table::Problem;

constexpr std::string_view kFirstLineStart = R"({"record":"session")";

template <class R>
Result<Json> encode_line(const R& record) {
  Problem problem;
  Json line = Json::object();
  line["record"] = std::string(record_name<R>());
  line.update(table::encode_record(record, problem));
  if (problem.found()) return problem.error();
  return line;
}

template <class R>
Result<Record> decode_line(const Json& line) {
  auto record = table::read_record<R>(line, "", table::Manner::kLenient);
  if (!record) return record.error();
  return Record(std::move(record).value());
}

/// Collects the records of a file unit by unit.
class Collector {
 public:
  explicit Collector(ResultFile& file) : file_(file) {}

  /// Takes the record of line `number`, which ends before byte `end`. An Error has no line number yet.
  Status add(Record record, std::size_t number, std::size_t end) {
    line_ = number;
    if (file_.end) return usage_error("a record follows `end`", "", "`end` is the last line; remove what follows");
    if (!cell_.empty() && !continues_cell(record)) {
      return usage_error(
          "the cell before this line is incomplete",
          fmt::format("{}: {} of {} trials", cell_.front().cell_id, cell_.size(), cell_.front().cell_trials),
          "the file was changed by hand; restore it");
    }
    Status status = std::visit([this](auto& one) { return take(std::move(one)); }, record);
    if (!status || !cell_.empty()) return status;
    if (std::holds_alternative<EndRecord>(record)) file_.bytes_before_end = file_.valid_bytes;
    file_.valid_bytes = end;
    if (!std::holds_alternative<PointRecord>(record) && !std::holds_alternative<EndRecord>(record)) {
      file_.resume_bytes = end;
      file_.resume_points = file_.points.size();
    }
    return Done{};
  }

 private:
  bool continues_cell(const Record& record) const {
    const auto* trial = std::get_if<TrialRecord>(&record);
    return trial != nullptr && trial->session_id == cell_.front().session_id &&
           trial->cell_id == cell_.front().cell_id && trial->cell_trials == cell_.front().cell_trials;
  }

  Status take(SessionRecord&& session) {
    if (!sessions_.insert(session.session_id).second) {
      return usage_error("a session_id occurs twice", session.session_id, "each session has its own");
    }
    file_.sessions.push_back(std::move(session));
    file_.lines.sessions.push_back(line_);
    return Done{};
  }

  Status take(TrialRecord&& trial) {
    if (!sessions_.contains(trial.session_id)) {
      return usage_error("a trial belongs to no session", trial.session_id, "its session record must come before it");
    }
    if (trial.cell_trials < 1) return usage_error("`cell_trials` is 0", trial.cell_id, "a cell has at least one trial");
    if (cell_.empty() && !cells_.emplace(trial.session_id, trial.cell_id).second) {
      return usage_error("a session holds a cell twice", trial.cell_id, "each cell_id occurs once per session");
    }
    cell_.push_back(std::move(trial));
    cell_lines_.push_back(line_);
    if (std::cmp_less(cell_.size(), cell_.front().cell_trials)) return Done{};
    std::move(cell_.begin(), cell_.end(), std::back_inserter(file_.trials));
    file_.lines.trials.insert(file_.lines.trials.end(), cell_lines_.begin(), cell_lines_.end());
    cell_.clear();
    cell_lines_.clear();
    return Done{};
  }

  Status take(SamplesRecord&& samples) {
    if (!sessions_.contains(samples.session_id)) {
      return usage_error("samples belong to no session", samples.session_id,
                         "their session record must come before them");
    }
    file_.samples.push_back(std::move(samples));
    file_.lines.samples.push_back(line_);
    return Done{};
  }

  Status take(QualityRecord&& quality) {
    if (!sessions_.contains(quality.session_id)) {
      return usage_error("a loss belongs to no session", quality.session_id, "its session record must come before it");
    }
    if (!qualities_.emplace(quality.model, quality.scheme).second) {
      return usage_error("a loss occurs twice", fmt::format("{} of {}", quality.scheme, quality.model),
                         "each scheme of a model has one");
    }
    file_.qualities.push_back(std::move(quality));
    file_.lines.qualities.push_back(line_);
    return Done{};
  }

  Status take(PointRecord&& point) {
    if (!points_.insert(point.point_id).second) {
      return usage_error("a point_id occurs twice", point.point_id, "each point has its own");
    }
    file_.points.push_back(std::move(point));
    file_.lines.points.push_back(line_);
    return Done{};
  }

  Status take(EndRecord&& end) {
    file_.end = std::move(end);
    file_.lines.end.push_back(line_);
    return Done{};
  }

  ResultFile& file_;
  std::size_t line_ = 0;
  std::vector<TrialRecord> cell_;  ///< trials of the cell that is not complete yet
  std::vector<std::size_t> cell_lines_;
  std::set<std::string> sessions_;
  std::set<std::pair<std::string, std::string>> cells_;
  std::set<std::pair<std::string, std::string>> qualities_;  ///< model and scheme
  std::set<std::string> points_;
};

Error at_line(Error error, std::string_view name, std::size_t line) {
  error.what = fmt::format("{} line {}: {}", name, line, error.what);
  return error;
}

}  // namespace

Result<std::string> to_json_line(const Record& record) {
  auto line = std::visit([](const auto& one) { return encode_line(one); }, record);
  if (!line) return line.error();
  std::string text = table::dump_line(line.value()) + "\n";
  if (text.size() <= kLongestLine) return text;
  return runtime_error("a record is longer than a line may be", fmt::format("{} bytes", text.size()),
                       fmt::format("at most {} are written", kLongestLine));
}

Result<Record> parse_line(std::string_view line) {
  auto json = table::parse_json(line, "the record");
  if (!json) return json.error();
  const Json& object = json.value();
  if (!object.is_object())
    return usage_error("a record is not a JSON object", table::quote_json(object), "write one object per line");
  const auto kind = object.find("record");
  if (kind == object.end())
    return usage_error("a key is missing", "record", "write session, trial, samples, quality, point or end");
  if (*kind == record_name<SessionRecord>()) {
    const Status version = table::check_version(object, "", kSchemaVersion);
    if (!version) return version.error();
    return decode_line<SessionRecord>(object);
  }
  if (*kind == record_name<TrialRecord>()) return decode_line<TrialRecord>(object);
  if (*kind == record_name<SamplesRecord>()) return decode_line<SamplesRecord>(object);
  if (*kind == record_name<QualityRecord>()) return decode_line<QualityRecord>(object);
  if (*kind == record_name<PointRecord>()) return decode_line<PointRecord>(object);
  if (*kind == record_name<EndRecord>()) return decode_line<EndRecord>(object);
  return usage_error("`record` is not in its closed list", table::quote_json(*kind),
                     "use session, trial, samples, quality, point, end");
}

Result<ResultFile> parse_result(std::string_view text, std::string_view name) {
  ResultFile file;
  Collector collector(file);
  std::size_t begin = 0;
  for (std::size_t number = 1; begin < text.size(); ++number) {
    const std::size_t newline = text.find('\n', begin);
    if (newline == std::string_view::npos) break;
    auto record = parse_line(text.substr(begin, newline - begin));
    if (!record) return at_line(record.error(), name, number);
    const Status status = collector.add(std::move(record).value(), number, newline + 1);
    if (!status) return at_line(status.error(), name, number);
    begin = newline + 1;
  }
  const std::string_view start = text.substr(0, kFirstLineStart.size());
  if (begin == 0 && start != kFirstLineStart.substr(0, start.size())) {
    return usage_error(fmt::format("{} is not a result file", name), std::string(start),
                       "its first line must be a session record");
  }
  file.torn_tail = file.valid_bytes < text.size();
  return file;
}

Result<ResultFile> parse_whole_result(std::string_view text, std::string_view name) {
  auto file = parse_result(text, name);
  if (!file) return file;
  if (file.value().sessions.empty()) {
    return usage_error("the file holds no complete session record", std::string(name), "give the result file of a run");
  }
  if (auto fault = find_fault(file.value(), name)) return *fault;
  return file;
}

Result<ResultFile> read_result(const std::filesystem::path& path) {
  auto text = read_file(path);
  if (!text) return text.error();
  return parse_whole_result(text.value(), path.string());
}

}  // namespace qtrap::result
