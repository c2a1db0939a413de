// The field tables of model, campaign and tuning files, without `schema` and `schema_version`, in the order of the
// canonical text (table/fields.hpp). Parser, --set, canonical writer, JSON Schema and SCHEMA.md all walk them. Private
// to this layer.
#pragma once

#include "profile/profile.hpp"
#include "profile/shape_bounds.hpp"
#include "table/fields.hpp"

namespace qtrap::profile {

/// Version of the three file formats: see result/records.hpp for what raises it.
inline constexpr const char* kSchemaVersion = "1.3";

/// The value of `schema`.
template <class R>
inline constexpr const char* kSchemaName = nullptr;
template <>
inline constexpr const char* kSchemaName<ModelProfile> = "qtrap.model";
template <>
inline constexpr const char* kSchemaName<Campaign> = "qtrap.campaign";
template <>
inline constexpr const char* kSchemaName<TuningProfile> = "qtrap.tuning";

std::variant<std::optional<RopeScaling>> special_types(std::type_identity<ModelProfile>);
std::span<const table::Field<ModelProfile>> table_of(std::type_identity<ModelProfile>);
std::variant<Workload, std::vector<CacheFormat>> special_types(std::type_identity<Campaign>);
std::span<const table::Field<Campaign>> table_of(std::type_identity<Campaign>);
std::span<const table::Field<TuningProfile>> table_of(std::type_identity<TuningProfile>);

}  // namespace qtrap::profile
