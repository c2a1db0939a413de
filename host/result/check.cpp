#include "result/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "core/file.hpp"
#include "result/check_documents.hpp"
#include "result/check_records.hpp"
#include "result/result_file.hpp"
#include "result/schema.hpp"
#include "result/schema_check.hpp"
#include "table/json.hpp"

namespace qtrap::result {
namespace {

using table::Json;
using table::parse_json;
using table::quote_json;

constexpr std::size_t kLargestObject = std::size_t{16} << 20;
constexpr std::array<std::string_view, 8> kSchemas{"qtrap.model",  "qtrap.campaign", "qtrap.tuning",  "qtrap.import",
                                                   "qtrap.result", "qtrap.fit",      "qtrap.compare", "qtrap.plan"};

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

Result<CheckReport> check_result(std::string_view text, std::string_view name) {
  auto parsed = parse_whole_result(text, name);
  if (!parsed) return parsed.error();
  const ResultFile& file = parsed.value();
  if (auto violation = check_lines(text.substr(0, file.valid_bytes), name)) return *violation;
  const std::string ending =
      file.end         ? to_string(file.end->status)
      : file.torn_tail ? fmt::format("unfinished, {} bytes of an incomplete tail", text.size() - file.valid_bytes)
                       : "unfinished";
  return CheckReport{
      "qtrap.result",
      fmt::format("result {}: {} sessions, {} trials, {}{} points ({} ok, {} failed), {}",
                  file.sessions.front().schema_version, file.sessions.size(), file.trials.size(),
                  file.qualities.empty() ? "" : fmt::format("{} losses, ", file.qualities.size()), file.points.size(),
                  count_points(file, PointStatus::kOk), count_points(file, PointStatus::kError), ending)};
}

}  // namespace

Result<std::string> detect_schema(std::string_view text, std::string_view name) {
  // A result file is one object per line, everything else one object; a one-line file is both.
  const std::string_view first = text.substr(0, text.find('\n'));
  auto json = first.size() > kLongestLine ? Result<Json>(usage_error("", "", "")) : parse_json(first, name);
  if (!json && text.size() > kLargestObject) {
    return usage_error(fmt::format("{} is too large for one JSON object", name), fmt::format("{} bytes", text.size()),
                       fmt::format("at most {} are read; a result file has one object per line", kLargestObject));
  }
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

Result<CheckReport> check_text(std::string_view text, std::string_view name, std::string_view schema) {
  if (schema == "qtrap.result") return check_result(text, name);
  if (schema == "qtrap.fit") return check_fit(text, name);
  if (schema == "qtrap.compare") return check_compare(text, name);
  if (schema == "qtrap.plan") return check_plan(text, name);
  return usage_error("not a file of this program's output", std::string(schema), "check it as a profile");
}

}  // namespace qtrap::result
