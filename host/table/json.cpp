#include "table/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_set>
#include <vector>

#include "core/text.hpp"
#include "table/sorted_json.hpp"

namespace qtrap::table {
namespace {

/// The first key that an object gives twice, found while the text is parsed.
template <class Value>
class KeyWatch {
 public:
  using Event = typename Value::parse_event_t;
  void see(Event event, const Value& parsed) {
    if (event == Event::object_start) open_.emplace_back();
    if (event == Event::object_end) open_.pop_back();
    if (event != Event::key || !twice_.empty()) return;
    const auto& key = parsed.template get_ref<const std::string&>();
    if (!open_.back().insert(key).second) twice_ = key;
  }
  const std::string& twice() const { return twice_; }

 private:
  std::vector<std::unordered_set<std::string>> open_;  ///< keys of the objects that are open, the innermost last
  std::string twice_;
};

template <class Value>
Result<Value> parse(std::string_view text, std::string_view name) {
  if (!is_utf8(text)) return usage_error(fmt::format("{} is not UTF-8", name), "", "save it as UTF-8 text");
  if (const std::size_t depth = compute_json_depth(text); depth > kDeepestJson) {
    return usage_error(fmt::format("{} is nested too deeply", name), fmt::format("{} levels", depth),
                       fmt::format("at most {} are read", kDeepestJson));
  }
  KeyWatch<Value> keys;
  try {
    Value value = Value::parse(text, [&keys](int, typename Value::parse_event_t event, Value& parsed) {
      keys.see(event, parsed);
      return true;
    });
    if (keys.twice().empty()) return value;
    return usage_error(fmt::format("{}: a key is given twice", name), keys.twice(), "remove one of them");
  } catch (const typename Value::exception& problem) {
    const auto* fault = dynamic_cast<const typename Value::parse_error*>(&problem);
    if (fault == nullptr)
      return usage_error(fmt::format("{} holds a number that is out of range", name), "", "give numbers below 1e300");
    const std::size_t at = std::min(text.size(), fault->byte > 0 ? fault->byte - 1 : 0);
    return usage_error(fmt::format("{} is not valid JSON at {}", name, describe_position(text, at)),
                       std::string(text.substr(at, 20)),
                       at == text.size() ? "it ends too early" : "correct the text there");
  }
}

template <class Value>
std::string dump(const Value& value) {
  return value.dump(-1, ' ', false, Value::error_handler_t::replace);
}

template <class Value>
std::string quote(const Value& value) {
  if (value.is_object()) return "an object";
  if (value.is_array() && !value.empty()) return "a list";
  return dump(value);
}

template <class Value>
Result<Value> parse_object(std::string_view text, std::string_view name) {
  auto json = parse<Value>(text, name);
  if (!json || json.value().is_object()) return json;
  return usage_error(fmt::format("{} is not a JSON object", name), quote(json.value()), "put its keys in { }");
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view name) { return parse<Json>(text, name); }

Result<Json> parse_json_object(std::string_view text, std::string_view name) { return parse_object<Json>(text, name); }

Result<SortedJson> parse_sorted_json_object(std::string_view text, std::string_view name) {
  return parse_object<SortedJson>(text, name);
}

std::string quote_json(const Json& value) { return quote(value); }

std::string quote_sorted_json(const SortedJson& value) { return quote(value); }

std::string dump_line(const Json& value) { return dump(value); }

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
