#include "result/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "core/file.hpp"
#include "core/sha256.hpp"
#include "result/json_codec.hpp"
#include "result/result_file.hpp"
#include "result/schema.hpp"
#include "result/schema_check.hpp"

namespace qtrap::result {
namespace {

constexpr std::array<std::string_view, 6> kSchemas{"qtrap.model",  "qtrap.campaign", "qtrap.tuning",
                                                   "qtrap.import", "qtrap.result",   "qtrap.fit"};

template <class R>
const std::optional<double>* find_number(const R& record, std::string_view name) {
  for (const Field<R>& field : fields<R>()) {
    const auto* member = std::get_if<std::optional<double> R::*>(&field.member);
    if (field.key.name == name && member != nullptr) return &(record.**member);
  }
  return nullptr;
}

/// Both ends of every interval (NAME_low, NAME_high or low, high) or neither, in order.
template <class R>
void check_intervals(const R& record, const std::string& where, Problem& problem) {
  for (const Field<R>& field : fields<R>()) {
    if (!field.key.name.ends_with("low")) continue;
    std::string high_name(field.key.name);
    high_name.replace(high_name.size() - 3, 3, "high");
    const auto* low = find_number(record, field.key.name);
    const auto* high = find_number(record, high_name);
    if (low == nullptr || high == nullptr) continue;
    if (low->has_value() != high->has_value()) {
      problem.add(usage_error(fmt::format("{}: an interval has one end only", where), std::string(field.key.name),
                              fmt::format("give `{}` and `{}` or neither", field.key.name, high_name)));
    } else if (*low && **low > **high) {
      problem.add(usage_error(fmt::format("{}: an interval is upside down", where),
                              fmt::format("{} {} > {}", field.key.name, **low, **high), "the low end comes first"));
    }
  }
}

/// A status `ok` comes with a value, any other status with null.
void check_status(std::string_view status, const std::optional<double>& value, const std::string& where,
                  std::string_view name, Problem& problem) {
  if ((status == "ok") == value.has_value()) return;
  problem.add(usage_error(fmt::format("{}: `{}` and its status disagree", where, name), std::string(status),
                          "`ok` comes with a value, every other status with null"));
}

template <class R>
void check_statuses(const R& record, const std::string& where, Problem& problem) {
  check_status(record.energy_status, record.energy_gross_j, where, "energy_gross_j", problem);
  constexpr std::string_view kEnding = "_status";
  for (const Field<R>& field : fields<R>()) {
    const auto* member = std::get_if<std::string R::*>(&field.member);
    if (member == nullptr || !field.key.name.ends_with(kEnding)) continue;
    const std::string_view value_name = field.key.name.substr(0, field.key.name.size() - kEnding.size());
    if (const auto* value = find_number(record, value_name)) {
      check_status(record.**member, *value, where, value_name, problem);
    }
  }
}

void check_session(const SessionRecord& session, Problem& problem) {
  const std::string where = "session " + session.session_id;
  check_intervals(session.ceilings, where, problem);
  if (!session.campaign_sha256) return;
  const std::string found = compute_sha256(session.campaign_json);
  if (found != *session.campaign_sha256) {
    problem.add(usage_error(where + ": campaign_sha256 does not match its campaign", *session.campaign_sha256,
                            "the campaign's digest is " + found));
  }
}

void check_point(const PointRecord& point, const ResultFile& file, Problem& problem) {
  const std::string where = "point " + point.point_id;
  check_intervals(point, where, problem);
  check_statuses(point, where, problem);
  const bool energy_alone = point.source && point.energy_gross_j;  // published tables may give nothing else
  if (point.status == "ok" && !point.time_s && !energy_alone) {
    problem.add(
        usage_error(where + ": a point with status ok has no time", "time_s", "give the time or another status"));
  }
  if (point.status != "ok" && !point.reason) {
    problem.add(usage_error(where + ": a point that is not ok gives no reason", point.status, "say why in `reason`"));
  }
  if (point.trials_flagged > point.trials) {
    problem.add(usage_error(where + ": more trials flagged than made",
                            fmt::format("{} of {}", point.trials_flagged, point.trials),
                            "flagged trials are counted in `trials`"));
  }
  if (std::cmp_not_equal(point.sessions, point.session_ids.size())) {
    problem.add(usage_error(where + ": `sessions` is not the number of session_ids", std::to_string(point.sessions),
                            fmt::format("session_ids has {}", point.session_ids.size())));
  }
  for (const std::string& id : point.session_ids) {
    if (std::none_of(file.sessions.begin(), file.sessions.end(), [&id](const auto& s) { return s.session_id == id; })) {
      problem.add(
          usage_error(where + ": a session of the point is not in the file", id, "its session record must be there"));
    }
  }
}

std::int64_t count_status(const ResultFile& file, std::string_view status) {
  return std::count_if(file.points.begin(), file.points.end(), [&](const auto& p) { return p.status == status; });
}

void check_end(const ResultFile& file, Problem& problem) {
  if (!file.end) return;
  const std::int64_t ok = count_status(file, "ok");
  const std::int64_t failed = count_status(file, "error");
  if (file.end->points_ok != ok || file.end->points_failed != failed) {
    problem.add(usage_error("end: the counts of points are wrong",
                            fmt::format("{} ok, {} failed", file.end->points_ok, file.end->points_failed),
                            fmt::format("the file holds {} ok and {} failed", ok, failed)));
  }
}

void check_samples(const SamplesRecord& samples, Problem& problem) {
  const std::size_t n = samples.at_us.size();
  if (samples.energy_mj.size() == n && samples.power_mw.size() == n &&
      samples.energy_absent.size() == samples.energy_absent_reasons.size() &&
      samples.power_absent.size() == samples.power_absent_reasons.size()) {
    return;
  }
  problem.add(usage_error(fmt::format("samples of cell {}: lists of unequal length", samples.cell_id),
                          fmt::format("{} times", n), "every reading has a time, an energy and a power"));
}

void check_records(const ResultFile& file, Problem& problem) {
  for (const SessionRecord& session : file.sessions) check_session(session, problem);
  for (const TrialRecord& trial : file.trials) {
    check_statuses(trial, fmt::format("a trial of cell {}", trial.cell_id), problem);
  }
  for (const SamplesRecord& samples : file.samples) check_samples(samples, problem);
  for (const PointRecord& point : file.points) check_point(point, file, problem);
  check_end(file, problem);
}

/// Every line of the valid part against the schema of its record.
std::optional<Error> check_lines(std::string_view text, std::string_view name) {
  const auto schema = nlohmann::json::parse(make_result_schema());
  std::map<std::string, SchemaCheck> checks;
  for (const auto& [record, definition] : schema["definitions"].items())
    checks.emplace(record, SchemaCheck(definition));
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1) {
    ++number;
    const auto line = nlohmann::json::parse(text.substr(begin, text.find('\n', begin) - begin));
    auto violation = checks.at(line["record"].get<std::string>()).find_violation(line);
    if (!violation) continue;
    violation->what = fmt::format("{} line {}: {}", name, number, violation->what);
    return violation;
  }
  return std::nullopt;
}

Result<CheckReport> check_result(const std::filesystem::path& path, std::string_view text) {
  auto parsed = read_result(path);
  if (!parsed) return parsed.error();
  const ResultFile& file = parsed.value();
  if (auto violation = check_lines(text.substr(0, file.valid_bytes), path.string())) return *violation;
  Problem problem;
  check_records(file, problem);
  if (problem.found()) {
    Error error = problem.error();
    error.what = fmt::format("{}: {}", path.string(), error.what);
    return error;
  }
  const std::string ending =
      file.end         ? file.end->status
      : file.torn_tail ? fmt::format("unfinished, {} bytes of an incomplete tail", text.size() - file.valid_bytes)
                       : "unfinished";
  return CheckReport{"qtrap.result",
                     fmt::format("result {}: {} sessions, {} trials, {} points ({} ok, {} failed), {}",
                                 file.sessions.front().schema_version, file.sessions.size(), file.trials.size(),
                                 file.points.size(), count_status(file, "ok"), count_status(file, "error"), ending)};
}

void check_quantity(const QuantityFit& fit, const std::string& where, Problem& problem) {
  if ((fit.status == "no_data") != fit.reason.has_value()) {
    problem.add(
        usage_error(where + ": status and reason disagree", fit.status, "no_data comes with a reason, ok without"));
  }
  for (const Coefficient& one : fit.coefficients) {
    check_intervals(one, where + " coefficient " + one.name, problem);
    if (one.identified != one.value.has_value()) {
      problem.add(usage_error(where + ": a coefficient has a value exactly when it is identified", one.name,
                              "leave the value of others null"));
    }
  }
}

template <class Critical>
void check_critical(const Critical& one, const std::optional<double>& value, Problem& problem) {
  const std::string where = fmt::format("critical value of {} on {}", one.scheme, one.device);
  check_intervals(one, where, problem);
  if ((one.status == "found") != value.has_value()) {
    problem.add(
        usage_error(where + ": status and value disagree", one.status, "found comes with a value, others with null"));
  }
}

Result<CheckReport> check_fit(const std::filesystem::path& path, std::string_view text) {
  auto parsed = parse_fit(text, path.string());
  if (!parsed) return parsed.error();
  if (auto violation =
          SchemaCheck(nlohmann::json::parse(make_fit_schema())).find_violation(nlohmann::json::parse(text))) {
    return *violation;
  }
  const FitFile& fit = parsed.value();
  Problem problem;
  check_quantity(fit.time, "time", problem);
  check_quantity(fit.energy, "energy", problem);
  for (const CriticalScale& one : fit.critical_scale) check_critical(one, one.n_star, problem);
  for (const CriticalBatch& one : fit.critical_batch) check_critical(one, one.b_star, problem);
  if (problem.found()) return problem.error();
  return CheckReport{"qtrap.fit",
                     fmt::format("fit {}: {} sessions, time {}, energy {}, {} critical scales, {} critical batches",
                                 fit.schema_version, fit.sessions.size(), fit.time.status, fit.energy.status,
                                 fit.critical_scale.size(), fit.critical_batch.size())};
}

}  // namespace

Result<std::string> detect_schema(std::string_view text, std::string_view name) {
  // A result file is one object per line, everything else one object; a one-line file is both.
  auto json = parse_json(text.substr(0, text.find('\n')), name);
  if (!json) json = parse_json(text, name);
  if (!json) return json.error();
  const Json& object = json.value();
  const auto schema = object.is_object() ? object.find("schema") : object.end();
  if (schema == object.end()) {
    return usage_error(fmt::format("{} has no `schema`", name), quote_json(object),
                       fmt::format("give a file with schema {}", fmt::join(kSchemas, ", ")));
  }
  if (schema->is_string() &&
      std::find(kSchemas.begin(), kSchemas.end(), schema->get<std::string>()) != kSchemas.end()) {
    return schema->get<std::string>();
  }
  return usage_error(fmt::format("{} has an unknown `schema`", name), quote_json(*schema),
                     fmt::format("use {}", fmt::join(kSchemas, ", ")));
}

Result<CheckReport> check_file(const std::filesystem::path& path) {
  auto text = read_file(path);
  if (!text) return text.error();
  auto schema = detect_schema(text.value(), path.string());
  if (!schema) return schema.error();
  if (schema.value() == "qtrap.result") return check_result(path, text.value());
  if (schema.value() == "qtrap.fit") return check_fit(path, text.value());
  return usage_error("not a result or fit file", schema.value(), "check it as a profile");
}

}  // namespace qtrap::result
