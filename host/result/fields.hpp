// The field tables: name, unit, meaning, closed list and member of every field of every record, in the order of the
// file. Writer, parser, JSON Schema, SCHEMA.md and the exports all walk these tables, so a field is added in one place.
// Whether a key is required and nullable follows from the member's type: optional members are nullable and may be
// missing, all others are required.
#pragma once

#include <span>
#include <string_view>

#include "result/fit_file.hpp"
#include "result/records.hpp"

namespace qtrap::result {

/// What is known of a field apart from its member.
struct Key {
  std::string_view name;
  std::string_view unit;                         ///< "" where there is none; "1" for a ratio
  std::string_view doc;                          ///< one line
  std::span<const std::string_view> words = {};  ///< closed list of a string, empty where any text goes
  bool json_object = false;                      ///< the string member holds the text of a JSON object
  bool differences = false;                      ///< the integers may be negative: differences, not counts
};

/// The types of R's members that only some records have: sub-objects, lists of them, maps.
template <class R>
struct Special {
  using types = std::variant<>;
};
template <>
struct Special<DeviceSummary> {
  using types = std::variant<std::vector<CapabilityRecord>>;
};
template <>
struct Special<SessionRecord> {
  using types = std::variant<HostInfo, DeviceSummary, KernelsInfo, MeterSummary, Ceilings, EventTimer,
                             std::map<std::string, std::string>>;
};
template <>
struct Special<Ceilings> {
  using types = std::variant<std::optional<std::map<std::string, std::string>>>;
};
template <>
struct Special<SamplesRecord> {
  using types = std::variant<std::vector<std::int64_t>>;
};
template <>
struct Special<QuantityFit> {
  using types = std::variant<std::vector<Coefficient>, std::map<std::string, double>>;
};
template <>
struct Special<FitFile> {
  using types = std::variant<QuantityFit, std::vector<CriticalScale>, std::vector<CriticalBatch>,
                             std::optional<std::vector<CriticalHops>>, std::vector<PaperView>>;
};

template <class R, class Types>
struct MemberOf;
template <class R, class... T>
struct MemberOf<R, std::variant<T...>> {
  using type = std::variant<std::string R::*, std::optional<std::string> R::*, std::int64_t R::*,
                            std::optional<std::int64_t> R::*, bool R::*, std::optional<bool> R::*, double R::*,
                            std::optional<double> R::*, std::vector<std::string> R::*, std::vector<double> R::*,
                            std::optional<std::vector<double>> R::*, T R::*...>;
};

/// Pointer to a member of R of any type a field of R may have. Integers are counts and never negative, but for
/// `differences`.
template <class R>
using Member = typename MemberOf<R, typename Special<R>::types>::type;

template <class R>
struct Field {
  Member<R> member;
  Key key;
};

/// The table of one record or sub-object; deleted for every other type.
template <class R>
std::span<const Field<R>> fields() = delete;

template <>
std::span<const Field<HostInfo>> fields();
template <>
std::span<const Field<CapabilityRecord>> fields();
template <>
std::span<const Field<DeviceSummary>> fields();
template <>
std::span<const Field<KernelsInfo>> fields();
template <>
std::span<const Field<MeterSummary>> fields();
template <>
std::span<const Field<Ceilings>> fields();
template <>
std::span<const Field<EventTimer>> fields();
template <>
std::span<const Field<SessionRecord>> fields();
template <>
std::span<const Field<TrialRecord>> fields();
template <>
std::span<const Field<SamplesRecord>> fields();
template <>
std::span<const Field<PointRecord>> fields();
template <>
std::span<const Field<EndRecord>> fields();
template <>
std::span<const Field<Coefficient>> fields();
template <>
std::span<const Field<QuantityFit>> fields();
template <>
std::span<const Field<CriticalScale>> fields();
template <>
std::span<const Field<CriticalBatch>> fields();
template <>
std::span<const Field<CriticalHops>> fields();
template <>
std::span<const Field<PaperView>> fields();
template <>
std::span<const Field<FitFile>> fields();

/// The value of the key `record`: "session", "trial", "samples", "point" or "end".
template <class R>
std::string_view record_name();
template <>
inline std::string_view record_name<SessionRecord>() {
  return "session";
}
template <>
inline std::string_view record_name<TrialRecord>() {
  return "trial";
}
template <>
inline std::string_view record_name<SamplesRecord>() {
  return "samples";
}
template <>
inline std::string_view record_name<PointRecord>() {
  return "point";
}
template <>
inline std::string_view record_name<EndRecord>() {
  return "end";
}

}  // namespace qtrap::result
