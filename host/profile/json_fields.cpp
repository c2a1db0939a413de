#include "profile/json_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/file.hpp"
#include "core/text.hpp"

namespace qtrap::profile {
namespace {

constexpr std::size_t kLargestProfile = std::size_t{4} << 20;
constexpr std::size_t kLongestText = 4096;
constexpr std::size_t kLongestList = 256;

/// What a refusal says of the place: file and key.
struct Place {
  std::string_view file;
  std::string_view key;
  Error refuse(std::string_view what, const Json& value, std::string fix) const {
    return usage_error(fmt::format("{}: `{}` {}", file, key, what), quote(value), std::move(fix));
  }
};

/// What numbers a key takes.
struct Limits {
  Range range;
  std::span<const std::int64_t> choices;
  bool becomes_path = false;

  std::string describe(bool integer) const {
    if (choices.empty()) return describe_range(range, integer);
    return fmt::format("{}", fmt::join(choices, ", "));
  }
  bool holds(double value) const {
    if (choices.empty()) return range.holds(value);
    return std::any_of(choices.begin(), choices.end(),
                       [value](std::int64_t one) { return static_cast<double>(one) == value; });
  }
};

Status read(const Json& value, const Place& place, const Limits& limits, std::string& out) {
  if (!value.is_string()) return place.refuse("has the wrong type", value, "give a text in quotes");
  const auto text = value.get<std::string>();
  if (text.empty()) return place.refuse("is empty", value, "give a text");
  if (text.size() > kLongestText)
    return place.refuse("is too long", value, fmt::format("at most {} bytes", kLongestText));
  if (limits.becomes_path && !is_file_name(text)) {
    return place.refuse(
        "cannot be part of a file name", value,
        fmt::format("use letters, digits, dot, dash and underscore, no leading dot, at most {}", kLongestName));
  }
  out = text;
  return Done{};
}

Status read(const Json& value, const Place& place, const Limits&, bool& out) {
  if (!value.is_boolean()) return place.refuse("has the wrong type", value, "give true or false");
  out = value.get<bool>();
  return Done{};
}

Status read(const Json& value, const Place& place, const Limits& limits, double& out) {
  const std::string fix = "give " + limits.describe(false);
  if (!value.is_number()) return place.refuse("has the wrong type", value, fix);
  if (!limits.holds(value.get<double>())) return place.refuse("is out of range", value, fix);
  out = value.get<double>();
  return Done{};
}

Status read(const Json& value, const Place& place, const Limits& limits, std::int64_t& out) {
  const std::string fix = "give " + limits.describe(true);
  if (!value.is_number_integer()) return place.refuse("has the wrong type", value, fix);
  if (!limits.holds(value.get<double>())) return place.refuse("is out of range", value, fix);  // limits are below 2^53
  out = value.get<std::int64_t>();
  return Done{};
}

Status read(const Json& value, const Place& place, const Limits& limits, std::optional<std::int64_t>& out) {
  if (value.is_null()) {
    out.reset();
    return Done{};
  }
  std::int64_t number = 0;
  Status status = read(value, place, limits, number);
  if (status) out = number;
  return status;
}

template <class T>
Status read(const Json& value, const Place& place, const Limits& limits, std::vector<T>& out) {
  if (!value.is_array()) return place.refuse("has the wrong type", value, "give a list in [ ]");
  if (value.empty()) return place.refuse("is an empty list", value, "give at least one entry");
  if (value.size() > kLongestList)
    return place.refuse("is too long", value, fmt::format("give at most {} entries", kLongestList));
  std::vector<T> list;
  for (const Json& item : value) {
    T entry{};
    Status status = read(item, place, limits, entry);
    if (!status) return status;
    if (std::find(list.begin(), list.end(), entry) != list.end()) {
      return place.refuse("holds an entry twice", item, "give each once");
    }
    list.push_back(std::move(entry));
  }
  out = std::move(list);
  return Done{};
}

template <class T>
constexpr bool kIsText = false;
template <>
constexpr bool kIsText<std::string> = true;
template <>
constexpr bool kIsText<std::vector<std::string>> = true;
template <class T>
constexpr bool kIsList = false;
template <class T>
constexpr bool kIsList<std::vector<T>> = true;

/// A JSON number, true, false or null where `text` is one, else a string.
Json parse_word(std::string_view text) {
  const auto value = Json::parse(text, nullptr, false);
  return value.is_discarded() || value.is_structured() ? Json(text) : value;
}

}  // namespace

Result<Json> parse_object(std::string_view text, std::string_view name) {
  if (text.size() > kLargestProfile) {
    return usage_error(fmt::format("{} is too large for a profile", name), fmt::format("{} bytes", text.size()),
                       fmt::format("at most {} are read", kLargestProfile));
  }
  return parse_json_object(text, name);
}

template <class R>
Status store(const Json& value, const Key<R>& key, std::string_view name, R& out) {
  const Place place{name, key.name};
  const Limits limits{key.range, key.choices, key.becomes_path()};
  return std::visit([&](auto member) { return read(value, place, limits, out.*member); }, key.member);
}

template <class R>
Json parse_assigned(std::string_view text, const Key<R>& key) {
  return std::visit(
      [text]<class T>(T R::*) {
        const auto parse = [](std::string_view word) { return kIsText<T> ? Json(word) : parse_word(word); };
        if constexpr (!kIsList<T>) return parse(text);
        Json list = Json::array();
        for (std::size_t begin = 0; begin <= text.size() && !text.empty();) {
          const std::size_t end = std::min(text.find(',', begin), text.size());
          list.push_back(parse(text.substr(begin, end - begin)));
          begin = end + 1;
        }
        return list;
      },
      key.member);
}

template <class R>
std::vector<std::string_view> key_names() {
  std::vector<std::string_view> names;
  for (const Key<R>& key : keys<R>()) names.push_back(key.name);
  return names;
}

std::string suggest(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view nearest = find_nearest(word, known);
  const std::string list = fmt::format("known are {}", fmt::join(known, ", "));
  return nearest.empty() ? list : fmt::format("did you mean `{}`? {}", nearest, list);
}

std::string describe_range(const Range& range, bool integer) {
  if (integer) return fmt::format("an integer from {:.0f} to {:.0f}", range.low, range.high);
  return fmt::format("a number {} {:g} and {} {:g}", range.low_open ? "above" : "from", range.low,
                     range.high_open ? "below" : "at most", range.high);
}

template Status store(const Json&, const Key<ModelProfile>&, std::string_view, ModelProfile&);
template Status store(const Json&, const Key<Campaign>&, std::string_view, Campaign&);
template Status store(const Json&, const Key<TuningProfile>&, std::string_view, TuningProfile&);
template Json parse_assigned(std::string_view, const Key<Campaign>&);
template std::vector<std::string_view> key_names<ModelProfile>();
template std::vector<std::string_view> key_names<Campaign>();
template std::vector<std::string_view> key_names<TuningProfile>();

}  // namespace qtrap::profile
