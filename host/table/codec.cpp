#include "table/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/file.hpp"
#include "core/text.hpp"

namespace qtrap::table {
namespace {

constexpr std::size_t kLongestText = 4096;
constexpr std::size_t kLongestList = 256;

bool takes(const Key& key, double value) {
  if (key.choices.empty()) return !key.range || key.range->holds(value);
  return std::any_of(key.choices.begin(), key.choices.end(),
                     [value](std::int64_t one) { return static_cast<double>(one) == value; });
}

/// What only people get wrong.
void check_text(const std::string& text, const Json& value, const Spot& spot) {
  if (text.empty()) return spot.refuse("is empty", value, "give a text");
  if (text.size() > kLongestText)
    return spot.refuse("is too long", value, fmt::format("at most {} bytes", kLongestText));
  if (!spot.key.has(kFileName) || is_file_name(text)) return;
  spot.refuse("cannot be part of a file name", value,
              fmt::format("use letters, digits, dot, dash and underscore, no leading dot, at most {}", kLongestName));
}

}  // namespace

void Spot::refuse(std::string_view what, const Json& value, std::string fix) const {
  const std::string place = path.empty() ? std::string(prefix) : fmt::format("{}`{}` ", prefix, path);
  problem.add(usage_error(place + std::string(what), quote_json(value), std::move(fix)));
}

std::string suggest(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view nearest = find_nearest(word, known);
  const std::string list = fmt::format("known are {}", fmt::join(known, ", "));
  return nearest.empty() ? list : fmt::format("did you mean `{}`? {}", nearest, list);
}

std::string describe_numbers(const Key& key, bool integer) {
  if (!key.choices.empty()) return fmt::format("{}", fmt::join(key.choices, ", "));
  if (!key.range) {
    if (!integer) return "a number";
    return key.has(kDifferences) ? "an integer" : "an integer from 0 to 9223372036854775807";
  }
  const Range& range = *key.range;
  if (integer) return fmt::format("an integer from {:.0f} to {:.0f}", range.low, range.high);
  std::string low = fmt::format("a number {} {:g}", range.low_open ? "above" : "from", range.low);
  if (range.high == kEndless) return low;
  return fmt::format("{} and {} {:g}", low, range.high_open ? "below" : "at most", range.high);
}

bool is_absent(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.is_null() || (value.is_structured() && value.empty());
}

Json encode_absent(const Key& key, Problem& problem) {
  if (key.has(kGiven))
    problem.add(runtime_error(fmt::format("`{}` was not given", key.name), "", fmt::format("set it: {}", key.doc)));
  return nullptr;
}

Json encode_word(std::string_view word, const Key& key, Problem& problem) {
  if (!key.takes(word)) {
    problem.add(runtime_error(fmt::format("`{}` is not in its closed list", key.name), std::string(word),
                              fmt::format("use {}", fmt::join(key.words, ", "))));
  }
  return word;
}

Json encode(const std::string& value, const Key& key, Problem& problem) {
  if (!key.has(kJsonObject)) return encode_word(value, key, problem);
  auto object = parse_json(value, key.name);
  const bool fits = compute_json_depth(value) < kDeepestJson;  // the record adds a level
  if (fits && object && object.value().is_object()) return object.value();
  problem.add(runtime_error(fmt::format("`{}` is not a JSON object", key.name), value, "give the text of an object"));
  return value;
}

Json encode(std::int64_t value, const Key& key, Problem& problem) {
  if (value < 0 && !key.has(kDifferences)) {
    problem.add(
        runtime_error(fmt::format("`{}` is negative", key.name), std::to_string(value), "a count is never negative"));
  }
  return value;
}

Json encode(double value, const Key& key, Problem& problem) {
  if (!std::isfinite(value)) {
    problem.add(runtime_error(fmt::format("`{}` is not finite", key.name), fmt::format("{}", value),
                              "leave it absent and say why in its status"));
  }
  return value;
}

void refuse_word(const Json& value, const Spot& spot, std::span<const std::string_view> words) {
  if (!value.is_string()) return spot.refuse("has the wrong type", value, "give a text in quotes");
  spot.problem.add(usage_error(fmt::format("{}`{}` is not in its closed list", spot.prefix, spot.path),
                               value.get<std::string>(), fmt::format("use {}", fmt::join(words, ", "))));
}

bool is_list(const Json& value, const Spot& spot) {
  if (!value.is_array()) {
    spot.refuse("has the wrong type", value, "give a list in [ ]");
  } else if (spot.manner == Manner::kStrict && value.empty() && !spot.key.has(kLeftOut)) {
    spot.refuse("is an empty list", value, "give at least one entry");
  } else if (spot.manner == Manner::kStrict && value.size() > kLongestList) {
    spot.refuse("is too long", value, fmt::format("give at most {} entries", kLongestList));
  } else {
    return true;
  }
  return false;
}

void refuse_absent(const Spot& spot) {
  spot.problem.add(
      usage_error(fmt::format("{}a key is missing", spot.prefix), spot.path, fmt::format("add it: {}", spot.key.doc)));
}

bool is_object(const Json& value, const Spot& spot) {
  if (!value.is_object()) spot.refuse("has the wrong type", value, "give an object in { }");
  return value.is_object();
}

bool has_known_keys(const Json& object, const Spot& spot, std::span<const std::string_view> known) {
  if (spot.manner == Manner::kLenient) return true;
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    spot.problem.add(
        usage_error(fmt::format("{}unknown key", spot.prefix), join_path(spot.path, key), suggest(key, known)));
    return false;
  }
  return true;
}

std::string join_path(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

void decode(const Json& value, const Spot& spot, std::string& out) {
  if (spot.key.has(kJsonObject)) {
    if (is_object(value, spot)) out = dump_line(value);
    return;
  }
  if (!value.is_string()) return spot.refuse("has the wrong type", value, "give a text in quotes");
  out = value.get<std::string>();
  if (!spot.key.takes(out)) return refuse_word(value, spot, spot.key.words);
  if (spot.manner == Manner::kStrict) check_text(out, value, spot);
}

void decode(const Json& value, const Spot& spot, std::int64_t& out) {
  const auto fix = [&spot] { return "give " + describe_numbers(spot.key, true); };
  const bool limited = spot.key.range || !spot.key.choices.empty();
  const bool negative = value.is_number_integer() && !value.is_number_unsigned();
  const bool fits = value.is_number_unsigned() &&
                    value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  if (!value.is_number_integer() || (!limited && !fits && !(negative && spot.key.has(kDifferences))))
    return spot.refuse("has the wrong type", value, fix());
  if (!takes(spot.key, value.get<double>())) return spot.refuse("is out of range", value, fix());  // limits: below 2^53
  out = value.get<std::int64_t>();
}

void decode(const Json& value, const Spot& spot, bool& out) {
  if (!value.is_boolean()) return spot.refuse("has the wrong type", value, "give true or false");
  out = value.get<bool>();
}

void decode(const Json& value, const Spot& spot, double& out) {
  const auto fix = [&spot] { return "give " + describe_numbers(spot.key, false); };
  if (!value.is_number()) return spot.refuse("has the wrong type", value, fix());
  if (!takes(spot.key, value.get<double>())) return spot.refuse("is out of range", value, fix());
  out = value.get<double>();
}

}  // namespace qtrap::table
