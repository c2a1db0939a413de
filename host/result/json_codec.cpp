#include "result/json_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "core/file.hpp"
#include "core/text.hpp"

namespace qtrap::result {
namespace {

struct Place {
  const Key& key;
  std::string path;  ///< prefix and key
};

std::string join(std::span<const std::string_view> words) { return fmt::format("{}", fmt::join(words, ", ")); }

bool is_listed(const Key& key, std::string_view word) {
  return key.words.empty() || std::find(key.words.begin(), key.words.end(), word) != key.words.end();
}

template <class R>
concept HasFields = requires {
  fields<R>();
};

// The overloads call each other (an optional of a vector of records), hence all are declared first.
template <class T>
Json encode(const std::vector<T>& values, const Key& key, Problem& problem);
template <class T>
Json encode(const std::map<std::string, T>& values, const Key& key, Problem& problem);
template <HasFields R>
Json encode(const R& record, const Key& key, Problem& problem);
template <class T>
void decode(const Json& value, const Place& place, std::vector<T>& out, Problem& problem);
template <class T>
void decode(const Json& value, const Place& place, std::map<std::string, T>& out, Problem& problem);
template <HasFields R>
void decode(const Json& value, const Place& place, R& out, Problem& problem);

// --- writing: one overload per type of member -------------------------------------------------------------------

Json encode(const std::string& value, const Key& key, Problem& problem) {
  if (key.json_object) {
    auto object = parse_json(value, "campaign");
    const bool fits = compute_json_depth(value) < kDeepestJson;  // the record adds a level
    if (fits && object && object.value().is_object()) return object.value();
    problem.add(runtime_error(fmt::format("`{}` is not a JSON object", key.name), value, "give the text of an object"));
  } else if (!is_listed(key, value)) {
    problem.add(
        runtime_error(fmt::format("`{}` is not in its closed list", key.name), value, "use " + join(key.words)));
  }
  return value;
}

Json encode(std::int64_t value, const Key& key, Problem& problem) {
  if (value < 0 && !key.differences) {
    problem.add(
        runtime_error(fmt::format("`{}` is negative", key.name), std::to_string(value), "a count is never negative"));
  }
  return value;
}

Json encode(bool value, const Key&, Problem&) { return value; }

Json encode(double value, const Key& key, Problem& problem) {
  if (!std::isfinite(value)) {
    problem.add(runtime_error(fmt::format("`{}` is not finite", key.name), fmt::format("{}", value),
                              "leave it absent and say why in its status"));
  }
  return value;
}

template <class T>
Json encode(const std::vector<T>& values, const Key& key, Problem& problem) {
  Json array = Json::array();
  for (const T& value : values) array.push_back(encode(value, key, problem));
  return array;
}

template <class T>
Json encode(const std::map<std::string, T>& values, const Key& key, Problem& problem) {
  Json object = Json::object();
  for (const auto& [name, value] : values) object[name] = encode(value, key, problem);
  return object;
}

template <HasFields R>
Json encode(const R& record, const Key&, Problem& problem) {
  return encode_record(record, problem);
}

template <class T>
Json encode(const std::optional<T>& value, const Key& key, Problem& problem) {
  return value ? encode(*value, key, problem) : Json(nullptr);
}

// --- reading ----------------------------------------------------------------------------------------------------

void refuse(const Json& value, const Place& place, std::string_view needed, Problem& problem) {
  problem.add(usage_error(fmt::format("`{}` has the wrong type", place.path), quote_json(value),
                          fmt::format("it must be {}", needed)));
}

void decode(const Json& value, const Place& place, std::string& out, Problem& problem) {
  if (place.key.json_object) {
    if (!value.is_object()) return refuse(value, place, "an object", problem);
    out = dump_line(value);
    return;
  }
  if (!value.is_string()) return refuse(value, place, "a string", problem);
  out = value.get<std::string>();
  if (!is_listed(place.key, out)) {
    problem.add(
        usage_error(fmt::format("`{}` is not in its closed list", place.path), out, "use " + join(place.key.words)));
  }
}

void decode(const Json& value, const Place& place, std::int64_t& out, Problem& problem) {
  const bool negative = value.is_number_integer() && !value.is_number_unsigned();
  const bool fits = value.is_number_unsigned() &&
                    value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  if (!fits && !(negative && place.key.differences))
    return refuse(value, place, "an integer from 0 to 9223372036854775807", problem);
  out = value.get<std::int64_t>();
}

void decode(const Json& value, const Place& place, bool& out, Problem& problem) {
  if (!value.is_boolean()) return refuse(value, place, "true or false", problem);
  out = value.get<bool>();
}

void decode(const Json& value, const Place& place, double& out, Problem& problem) {
  if (!value.is_number()) return refuse(value, place, "a number", problem);
  out = value.get<double>();
}

template <class T>
void decode(const Json& value, const Place& place, std::vector<T>& out, Problem& problem) {
  if (!value.is_array()) return refuse(value, place, "an array", problem);
  out.clear();
  for (const Json& item : value) {
    const Place element{place.key, fmt::format("{}[{}]", place.path, out.size())};
    decode(item, element, out.emplace_back(), problem);
    if (problem.found()) return;
  }
}

template <class T>
void decode(const Json& value, const Place& place, std::map<std::string, T>& out, Problem& problem) {
  if (!value.is_object()) return refuse(value, place, "an object", problem);
  out.clear();
  for (const auto& [name, item] : value.items()) {
    decode(item, {place.key, place.path + "." + name}, out[name], problem);
  }
}

template <HasFields R>
void decode(const Json& value, const Place& place, R& out, Problem& problem) {
  if (!value.is_object()) return refuse(value, place, "an object", problem);
  decode_record(value, place.path + ".", out, problem);
}

template <class T>
void decode(const Json& value, const Place& place, std::optional<T>& out, Problem& problem) {
  out.reset();
  if (!value.is_null()) decode(value, place, out.emplace(), problem);
}

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

template <class T>
constexpr bool kIsOptional = false;
template <class T>
constexpr bool kIsOptional<std::optional<T>> = true;

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what) {
  if (!is_utf8(text)) return usage_error(fmt::format("{} is not UTF-8", what), "", "save it as UTF-8 text");
  if (const std::size_t depth = compute_json_depth(text); depth > kDeepestJson) {
    return usage_error(fmt::format("{} is nested too deeply", what), fmt::format("{} levels", depth),
                       fmt::format("at most {} are read", kDeepestJson));
  }
  KeyWatch keys;
  try {
    Json value = Json::parse(text, [&keys](int, Json::parse_event_t event, Json& parsed) {
      keys.see(event, parsed);
      return true;
    });
    if (keys.twice().empty()) return value;
    return usage_error(fmt::format("{} gives a key twice", what), keys.twice(), "remove one of them");
  } catch (const Json::exception& problem) {
    const auto* parse = dynamic_cast<const Json::parse_error*>(&problem);
    if (parse == nullptr)
      return usage_error(fmt::format("{} holds a number that is out of range", what), "", "give numbers below 1e300");
    const std::size_t at = std::min(text.size(), parse->byte > 0 ? parse->byte - 1 : 0);
    return usage_error(fmt::format("{} is not valid JSON at {}", what, describe_position(text, at)),
                       std::string(text.substr(at, 20)),
                       at == text.size() ? "it ends too early" : "correct the text there");
  }
}

std::string quote_json(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  return dump_line(value);
}

std::string dump_line(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

Status check_version(const Json& object) {
  const auto version = object.find("schema_version");
  if (version == object.end() || !version->is_string()) return Done{};
  const auto text = version->get<std::string>();
  std::int64_t major = 0;
  const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), major);
  if (code != std::errc{} || rest == text.data() + text.size() || *rest != '.') {
    return usage_error("`schema_version` is not MAJOR.MINOR", text,
                       fmt::format("this program writes {}", kSchemaVersion));
  }
  if (major <= kSchemaMajor) return Done{};
  return usage_error("the file's schema_version is newer than this program", text,
                     fmt::format("use a qtrap that reads version {}; this one reads {}.x", text, kSchemaMajor));
}

template <class R>
Json encode_record(const R& record, Problem& problem) {
  Json object = Json::object();
  for (const Field<R>& field : fields<R>()) {
    object[std::string(field.key.name)] =
        std::visit([&](auto member) { return encode(record.*member, field.key, problem); }, field.member);
  }
  return object;
}

template <class R>
void decode_record(const Json& object, const std::string& prefix, R& record, Problem& problem) {
  for (const Field<R>& field : fields<R>()) {
    if (problem.found()) return;
    const Place place{field.key, prefix + std::string(field.key.name)};
    const auto found = object.find(field.key.name);
    std::visit(
        [&](auto member) {
          auto& out = record.*member;
          if (found != object.end()) {
            decode(*found, place, out, problem);
          } else if constexpr (!kIsOptional<std::remove_reference_t<decltype(out)>>) {
            problem.add(usage_error("a key is missing", place.path, "write it: it is required"));
          }
        },
        field.member);
  }
}

template Json encode_record(const SessionRecord&, Problem&);
template Json encode_record(const TrialRecord&, Problem&);
template Json encode_record(const SamplesRecord&, Problem&);
template Json encode_record(const PointRecord&, Problem&);
template Json encode_record(const EndRecord&, Problem&);
template Json encode_record(const FitFile&, Problem&);
template void decode_record(const Json&, const std::string&, SessionRecord&, Problem&);
template void decode_record(const Json&, const std::string&, TrialRecord&, Problem&);
template void decode_record(const Json&, const std::string&, SamplesRecord&, Problem&);
template void decode_record(const Json&, const std::string&, PointRecord&, Problem&);
template void decode_record(const Json&, const std::string&, EndRecord&, Problem&);
template void decode_record(const Json&, const std::string&, FitFile&, Problem&);

}  // namespace qtrap::result
