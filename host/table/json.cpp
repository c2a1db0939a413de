#include "table/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_set>
#include <vector>

#include "core/text.hpp"

namespace qtrap::table {
namespace {

/// The first key that an object gives twice, found while the text is parsed.
class KeyWatch {
 public:
  void see(Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start) open_.emplace_back();
    if (event == Json::parse_event_t::object_end) open_.pop_back();
    if (event != Json::parse_event_t::key || !twice_.empty()) return;
    const auto& key = parsed.get_ref<const std::string&>();
    if (!open_.back().insert(key).second) twice_ = key;
  }
  const std::string& twice() const { return twice_; }

 private:
  std::vector<std::unordered_set<std::string>> open_;  ///< keys of the objects that are open, the innermost last
  std::string twice_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view name) {
  if (!is_utf8(text)) return usage_error(fmt::format("{} is not UTF-8", name), "", "save it as UTF-8 text");
  if (const std::size_t depth = compute_json_depth(text); depth > kDeepestJson) {
    return usage_error(fmt::format("{} is nested too deeply", name), fmt::format("{} levels", depth),
                       fmt::format("at most {} are read", kDeepestJson));
  }
  KeyWatch keys;
  try {
    Json value = Json::parse(text, [&keys](int, Json::parse_event_t event, Json& parsed) {
      keys.see(event, parsed);
      return true;
    });
    if (keys.twice().empty()) return value;
    return usage_error(fmt::format("{}: a key is given twice", name), keys.twice(), "remove one of them");
  } catch (const Json::exception& problem) {
    const auto* parse = dynamic_cast<const Json::parse_error*>(&problem);
    if (parse == nullptr)
      return usage_error(fmt::format("{} holds a number that is out of range", name), "", "give numbers below 1e300");
    const std::size_t at = std::min(text.size(), parse->byte > 0 ? parse->byte - 1 : 0);
    return usage_error(fmt::format("{} is not valid JSON at {}", name, describe_position(text, at)),
                       std::string(text.substr(at, 20)),
                       at == text.size() ? "it ends too early" : "correct the text there");
  }
}

Result<Json> parse_json_object(std::string_view text, std::string_view name) {
  auto json = parse_json(text, name);
  if (!json || json.value().is_object()) return json;
  return usage_error(fmt::format("{} is not a JSON object", name), quote_json(json.value()), "put its keys in { }");
}

std::string quote_json(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array() && !value.empty()) return "a list";
  return dump_line(value);
}

std::string dump_line(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string dump_file(const Json& value) { return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

Status check_version(const Json& object, std::string_view prefix, std::string_view written) {
  const auto version = object.find("schema_version");
  if (version == object.end()) return Done{};
  const auto read_major = [](std::string_view text) -> std::optional<std::int64_t> {
    std::int64_t major = 0;
    const char* end = text.data() + text.size();
    const auto [rest, code] = std::from_chars(text.data(), end, major);
    if (code != std::errc{} || rest == end || *rest != '.') return std::nullopt;
    return major;
  };
  const std::string text = version->is_string() ? version->get<std::string>() : "";
  const auto major = read_major(text);
  if (!major) {
    return usage_error(fmt::format("{}`schema_version` is not MAJOR.MINOR", prefix), quote_json(*version),
                       fmt::format("write \"{}\"", written));
  }
  const std::int64_t known = *read_major(written);
  if (*major <= known) return Done{};
  return usage_error(fmt::format("{}the schema_version is newer than this program", prefix), text,
                     fmt::format("use a qtrap that reads version {}; this one reads {}.x", text, known));
}

Status check_header(const Json& object, std::string_view name, std::string_view wanted, std::string_view written) {
  const auto schema = object.find("schema");
  if (schema == object.end()) {
    return usage_error(fmt::format("{}: a key is missing", name), "schema",
                       fmt::format("add \"schema\": \"{}\"", wanted));
  }
  if (*schema != wanted) {
    return usage_error(fmt::format("{} has another schema", name), quote_json(*schema),
                       fmt::format("a file with schema {} is needed", wanted));
  }
  return check_version(object, fmt::format("{}: ", name), written);
}

}  // namespace qtrap::table
