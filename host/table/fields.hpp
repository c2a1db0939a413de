// What a field table is: name, unit, meaning, limits and member of every key of a record, in the order of the file.
// Writer, reader, JSON Schema, Markdown and exports walk the tables, so that a key is added in one place. A record R
// has
//   std::span<const Field<R>> table_of(std::type_identity<R>);            its table
//   std::variant<T...> special_types(std::type_identity<R>);              types of members that only R has, undefined
// both declared beside R. An optional member is nullable and may be missing, every other one is required, but for what
// the traits of its key say (kMayMiss, kGiven).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace qtrap::table {

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

/// Upper end of what has none.
inline constexpr double kEndless = 1e300;

/// What sets a key apart from others of its type; bits of Key::traits.
enum Trait : unsigned {
  kPlain = 0,
  kJsonObject = 1,   ///< the string member holds the text of a JSON object
  kDifferences = 2,  ///< the integers may be negative: differences, not counts
  kMayMiss = 4,      ///< readers take a file without it: the record's initial value stands
  kLeftOut = 8,      ///< an absent or empty member has no key; a list may be given empty
  kFileName = 16,    ///< the text becomes part of a path: is_file_name()
  kDistinct = 32,    ///< the list, of anything but records, holds no entry twice
  kGiven = 64,       ///< of an optional member: required; absent is a writer that forgot it, which is an error
};

/// What is known of a field apart from its member.
struct Key {
  std::string_view name;
  std::string_view unit;                         ///< "" where there is none; "1" for a ratio
  std::string_view doc;                          ///< one line
  std::span<const std::string_view> words = {};  ///< closed list of a text; of an enum, where it takes not all words
  unsigned traits = kPlain;
  std::optional<Range> range = {};             ///< of numbers
  std::span<const std::int64_t> choices = {};  ///< closed list of an integer, instead of a range
  bool has(Trait trait) const { return (traits & trait) != 0; }
  bool takes(std::string_view word) const {
    return words.empty() || std::find(words.begin(), words.end(), word) != words.end();
  }
};

template <class R>
std::variant<> special_types(std::type_identity<R>);

template <class R, class Types>
struct MemberOf;
template <class R, class... T>
struct MemberOf<R, std::variant<T...>> {
  using type = std::variant<std::string R::*, std::optional<std::string> R::*, std::int64_t R::*,
                            std::optional<std::int64_t> R::*, bool R::*, std::optional<bool> R::*, double R::*,
                            std::optional<double> R::*, std::vector<std::string> R::*, std::vector<std::int64_t> R::*,
                            std::vector<double> R::*, std::optional<std::vector<double>> R::*, T R::*...>;
};

/// Pointer to a member of R of any type a field of R may have. Integers are counts and never negative, but for
/// kDifferences.
template <class R>
using Member = typename MemberOf<R, decltype(special_types(std::type_identity<R>{}))>::type;

template <class R>
struct Field {
  Member<R> member;
  Key key;
};

/// A type that has a table.
template <class R>
concept HasFields = requires {
  table_of(std::type_identity<R>{});
};

/// The table of a record.
template <HasFields R>
std::span<const Field<R>> fields() {
  return table_of(std::type_identity<R>{});
}

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

/// Whether a file must hold the key, of a member of type T.
template <class T>
bool is_required(const Key& key) {
  return (!kIsOptional<T> || key.has(kGiven)) && !key.has(kMayMiss);
}

}  // namespace qtrap::table
