#include "profile/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "core/text.hpp"

namespace qtrap::profile {

std::string quote(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array() && !value.empty()) return "a list";
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> parse_json_object(std::string_view text, std::string_view name) {
  if (!is_utf8(text)) return usage_error(fmt::format("{} is not UTF-8", name), "", "save it as UTF-8 text");
  if (const std::size_t depth = compute_json_depth(text); depth > kDeepestJson) {
    return usage_error(fmt::format("{} is nested too deeply", name), fmt::format("{} levels", depth),
                       fmt::format("at most {} are read", kDeepestJson));
  }
  std::vector<std::set<std::string>> seen;
  std::string twice;
  const auto note_key = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) seen.emplace_back();
    if (event == Json::parse_event_t::object_end) seen.pop_back();
    if (event == Json::parse_event_t::key && !seen.back().insert(parsed.get<std::string>()).second) {
      twice = parsed.get<std::string>();
    }
    return true;
  };
  try {
    Json json = Json::parse(text, note_key);
    if (!json.is_object()) {
      return usage_error(fmt::format("{} is not a JSON object", name), quote(json), "put its keys in { }");
    }
    if (twice.empty()) return json;
    return usage_error(fmt::format("{}: a key is given twice", name), twice, "remove one of them");
  } catch (const Json::parse_error& problem) {
    const std::size_t at = std::min(text.size(), problem.byte > 0 ? problem.byte - 1 : 0);
    return usage_error(fmt::format("{} is not valid JSON at {}", name, describe_position(text, at)),
                       std::string(text.substr(at, 20)),
                       at == text.size() ? "it ends too early" : "correct the text there");
  } catch (const Json::out_of_range&) {
    return usage_error(fmt::format("{} holds a number that is out of range", name), "", "give numbers below 1e300");
  }
}

}  // namespace qtrap::profile
