// The field tables of result files and of the files that are made from them (table/fields.hpp): which record has which
// table, and the types of their members.
#pragma once

#include "result/records.hpp"
#include "table/fields.hpp"

namespace qtrap::result {

using table::Field;
using table::fields;
using table::Key;
using table::kIsOptional;

std::variant<std::optional<DeviceType>, std::optional<KernelFamily>, std::vector<CapabilityRecord>> special_types(
    std::type_identity<DeviceSummary>);
std::variant<std::optional<SensorBasis>> special_types(std::type_identity<MeterSummary>);
std::variant<Origin, HostInfo, DeviceSummary, KernelsInfo, MeterSummary, Ceilings, EventTimer,
             std::map<std::string, std::string>>
    special_types(std::type_identity<SessionRecord>);
std::variant<std::optional<CacheBasis>, std::optional<std::map<std::string, std::string>>> special_types(
    std::type_identity<Ceilings>);
std::variant<TrialMode, TimeBasis, EnergyStatus, std::optional<EnergyMethod>, std::optional<StopReason>> special_types(
    std::type_identity<TrialRecord>);
std::variant<Workload, Phase, std::optional<KernelPath>, PointStatus, EnergyStatus, std::optional<PointBasis>,
             std::optional<StopReason>, std::optional<EnergyMethod>, std::optional<Verdict>, std::optional<Basis>,
             std::optional<RoofStatus>>
    special_types(std::type_identity<PointRecord>);
std::variant<PointStatus> special_types(std::type_identity<QualityRecord>);
std::variant<Ending, std::optional<LookStop>> special_types(std::type_identity<EndRecord>);
std::span<const Field<HostInfo>> table_of(std::type_identity<HostInfo>);
std::span<const Field<CapabilityRecord>> table_of(std::type_identity<CapabilityRecord>);
std::span<const Field<DeviceSummary>> table_of(std::type_identity<DeviceSummary>);
std::span<const Field<KernelsInfo>> table_of(std::type_identity<KernelsInfo>);
std::span<const Field<MeterSummary>> table_of(std::type_identity<MeterSummary>);
std::span<const Field<Ceilings>> table_of(std::type_identity<Ceilings>);
std::span<const Field<EventTimer>> table_of(std::type_identity<EventTimer>);
std::span<const Field<SessionRecord>> table_of(std::type_identity<SessionRecord>);
std::span<const Field<TrialRecord>> table_of(std::type_identity<TrialRecord>);
std::span<const Field<SamplesRecord>> table_of(std::type_identity<SamplesRecord>);
std::span<const Field<QualityRecord>> table_of(std::type_identity<QualityRecord>);
std::span<const Field<PointRecord>> table_of(std::type_identity<PointRecord>);
std::span<const Field<EndRecord>> table_of(std::type_identity<EndRecord>);

/// The value of the key `record`: "session", "trial", "samples", "quality", "point" or "end".
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
inline std::string_view record_name<QualityRecord>() {
  return "quality";
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
