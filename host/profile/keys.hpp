// The key tables of model and campaign files: name, meaning, member and limits of every key, in the order of the
// canonical text. Parser, --set, canonical writer, JSON Schema and SCHEMA.md all walk them. Private to this layer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "profile/profile.hpp"

namespace qtrap::profile {

/// Version of both file formats: see result/records.hpp for what raises it.
inline constexpr std::int64_t kSchemaMajor = 1;
inline constexpr const char* kSchemaVersion = "1.0";

/// Limits of a number; each end belongs to the range unless it is open.
struct Range {
  double low = 0;
  double high = 0;
  bool low_open = false;
  bool high_open = false;
  bool holds(double value) const {
    return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
  }
};

template <class R>
using Member = std::variant<std::string R::*, std::vector<std::string> R::*, std::int64_t R::*,
                            std::optional<std::int64_t> R::*, std::vector<std::int64_t> R::*, double R::*, bool R::*>;

/// Whether a file must give a key; a text that becomes part of a path must be is_file_name().
enum class Need : std::uint8_t { kOptional, kRequired, kRequiredFileName };

template <class R>
struct Key {
  std::string_view name;
  Member<R> member;
  Need need;
  std::string_view doc;
  Range range = {};                            ///< of numbers
  std::span<const std::int64_t> choices = {};  ///< closed list of an integer, instead of a range
  bool required() const { return need != Need::kOptional; }
  bool becomes_path() const { return need == Need::kRequiredFileName; }
};

/// The value of `schema`: "qtrap.model", "qtrap.campaign" or "qtrap.tuning".
template <class R>
std::string_view schema_name();
template <>
std::string_view schema_name<ModelProfile>();
template <>
std::string_view schema_name<Campaign>();
template <>
std::string_view schema_name<TuningProfile>();

/// The table of one kind of file, without `schema` and `schema_version`.
template <class R>
std::span<const Key<R>> keys();
template <>
std::span<const Key<ModelProfile>> keys();
template <>
std::span<const Key<Campaign>> keys();
template <>
std::span<const Key<TuningProfile>> keys();

}  // namespace qtrap::profile
