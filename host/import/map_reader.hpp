// JSON values into the structs of the map, by walking the key tables, with worded refusals. Private to this layer.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "core/text.hpp"
#include "import/map_keys.hpp"

namespace qtrap::importer {

/// Where a value stands, for messages: the file and the key's path ("series[1].energy.unit").
struct Place {
  std::string_view file;
  std::string path;

  Place at(std::string_view key) const {
    return {file, path.empty() ? std::string(key) : fmt::format("{}.{}", path, key)};
  }
  Place at(std::size_t index) const { return {file, fmt::format("{}[{}]", path, index)}; }
  Error refuse(std::string_view what, std::string value, std::string fix) const {
    const std::string where = path.empty() ? std::string(file) : fmt::format("{}: `{}`", file, path);
    return usage_error(fmt::format("{} {}", where, what), std::move(value), std::move(fix));
  }
};

inline Status read(const Json& value, const Place& place, const Words& words, std::string& out) {
  if (!value.is_string()) return place.refuse("has the wrong type", quote(value), "give a text in quotes");
  auto text = value.get<std::string>();
  if (text.empty()) return place.refuse("is empty", quote(value), "give a text");
  if (!words.empty() && std::find(words.begin(), words.end(), text) == words.end()) {
    return place.refuse("is not in its closed list", text, fmt::format("use {}", fmt::join(words, ", ")));
  }
  out = std::move(text);
  return Done{};
}

inline Status read(const Json& value, const Place& place, const Words&, double& out) {
  if (!value.is_number()) return place.refuse("has the wrong type", quote(value), "give a number");
  out = value.get<double>();
  if (out > 0 && out < 1e300) return Done{};
  return place.refuse("is out of range", quote(value), "give a number above 0");
}

inline Status read(const Json& value, const Place& place, const Words&, std::int64_t& out) {
  constexpr std::int64_t kMostBits = 64;
  if (!value.is_number_integer()) return place.refuse("has the wrong type", quote(value), "give a whole number");
  out =
      value.is_number_unsigned() && value.get<std::uint64_t>() > kMostBits ? kMostBits + 1 : value.get<std::int64_t>();
  if (out >= 1 && out <= kMostBits) return Done{};
  return place.refuse("is out of range", quote(value), fmt::format("give a number from 1 to {}", kMostBits));
}

template <HasKeys R>
Status read(const Json& value, const Place& place, const Words&, R& out);

template <class T>
Status read(const Json& value, const Place& place, const Words& words, std::optional<T>& out) {
  T inner{};
  Status status = read(value, place, words, inner);
  if (status) out = std::move(inner);
  return status;
}

template <class T>
Status read(const Json& value, const Place& place, const Words& words, std::vector<T>& out) {
  if (!value.is_array()) return place.refuse("has the wrong type", quote(value), "give a list in [ ]");
  if (value.empty()) return place.refuse("is an empty list", "", "give at least one entry");
  out.clear();
  for (std::size_t i = 0; i < value.size(); ++i) {
    T entry{};
    if (Status status = read(value[i], place.at(i), words, entry); !status) return status;
    out.push_back(std::move(entry));
  }
  return Done{};
}

template <class T>
Status read(const Json& value, const Place& place, const Words& words, std::map<std::string, T>& out) {
  if (!value.is_object()) return place.refuse("has the wrong type", quote(value), "give an object in { }");
  if (value.empty()) return place.refuse("is an empty object", "", "give at least one entry");
  out.clear();
  for (const auto& [key, item] : value.items()) {
    if (Status status = read(item, place.at(key), words, out[key]); !status) return status;
  }
  return Done{};
}

inline Status read(const Json& value, const Place& place, const Words& words, Columns& out) {
  if (value.is_string()) return read(value, place, words, out.names.emplace_back());
  if (value.is_array()) return read(value, place, words, out.names);
  return place.refuse("has the wrong type", quote(value), "give a text in quotes, or a list of them in [ ]");
}

inline Status read(const Json& value, const Place& place, const Words&, CellTexts& out) {
  if (!value.is_array()) return place.refuse("has the wrong type", quote(value), "give a list in [ ]");
  if (value.empty()) return place.refuse("is an empty list", "", "give at least one entry");
  for (std::size_t i = 0; i < value.size(); ++i) {
    std::string& text = out.texts.emplace_back();
    if (value[i].is_string() && value[i].get_ref<const std::string&>().empty()) continue;
    if (Status status = read(value[i], place.at(i), {}, text); !status) return status;
  }
  return Done{};
}

inline Status read(const Json& value, const Place& place, const Words& words, SessionSource& out) {
  if (!value.is_object()) return read(value, place, words, out.source.constant);
  return read(value, place, words, out.source);
}

template <class R>
std::vector<std::string_view> key_names() {
  std::vector<std::string_view> names;
  if constexpr (std::is_same_v<R, ImportMap>) names = {"schema", "schema_version"};
  visit_keys<R>([&names](const auto& key) { names.push_back(key.name); });
  return names;
}

template <HasKeys R>
Status read(const Json& value, const Place& place, const Words&, R& out) {
  if (!value.is_object()) return place.refuse("has the wrong type", quote(value), "give an object in { }");
  const std::vector<std::string_view> known = key_names<R>();
  for (const auto& [key, item] : value.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string_view near = find_nearest(key, known);
    return place.refuse("has an unknown key", key,
                        (near.empty() ? "" : fmt::format("did you mean `{}`? ", near)) +
                            fmt::format("known are {}", fmt::join(known, ", ")));
  }
  Status status = Done{};
  visit_keys<R>([&](const auto& key) {
    if (!status) return;
    const auto found = value.find(key.name);
    if (found != value.end()) {
      status = read(*found, place.at(key.name), key.words(), out.*key.member);
    } else if (key.required) {
      status = place.refuse("lacks a key", std::string(key.name), fmt::format("add it: {}", key.doc));
    }
  });
  return status;
}

}  // namespace qtrap::importer
