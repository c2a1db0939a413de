// The field tables of the map file (table/fields.hpp): reader, writer, JSON Schema and SCHEMA.md all walk them. Private
// to this layer, as is nlohmann-json.
#pragma once

#include "import/import_map.hpp"
#include "table/schema.hpp"

namespace qtrap::importer {

using table::Json;
using table::Key;
using table::Manner;
using table::Problem;
using table::Spot;

inline constexpr const char* kSchemaVersion = "1.0";
inline constexpr const char* kSchemaName = "qtrap.import";

std::variant<std::optional<Columns>> special_types(std::type_identity<NumberSource>);
std::variant<std::optional<Columns>, std::optional<SpreadSource>> special_types(std::type_identity<TimeSource>);
std::variant<EnergyMethod, std::optional<Columns>, std::optional<SpreadSource>> special_types(
    std::type_identity<EnergySource>);
std::variant<std::optional<SpreadSource>, Columns> special_types(std::type_identity<SpreadColumn>);
std::variant<KernelPath> special_types(std::type_identity<SchemeEntry>);
std::variant<result::PointBasis, SessionSource, std::map<std::string, CellTexts>, std::map<std::string, Columns>,
             std::map<std::string, SchemeColumn>, TextSource, std::optional<TextSource>, std::optional<NumberSource>,
             std::optional<TimeSource>, std::optional<EnergySource>>
    special_types(std::type_identity<Series>);
std::variant<result::Workload, DeviceType, std::map<std::string, DeviceType>, std::map<std::string, std::string>,
             std::map<std::string, SchemeEntry>, std::map<std::string, result::Phase>, std::vector<Series>>
    special_types(std::type_identity<ImportMap>);

std::span<const table::Field<TextSource>> table_of(std::type_identity<TextSource>);
std::span<const table::Field<NumberSource>> table_of(std::type_identity<NumberSource>);
std::span<const table::Field<SpreadSource>> table_of(std::type_identity<SpreadSource>);
std::span<const table::Field<SpreadColumn>> table_of(std::type_identity<SpreadColumn>);
std::span<const table::Field<TimeSource>> table_of(std::type_identity<TimeSource>);
std::span<const table::Field<EnergySource>> table_of(std::type_identity<EnergySource>);
std::span<const table::Field<SchemeEntry>> table_of(std::type_identity<SchemeEntry>);
std::span<const table::Field<Series>> table_of(std::type_identity<Series>);
std::span<const table::Field<ImportMap>> table_of(std::type_identity<ImportMap>);

// Types of their own: one column or a list of them, texts that may be empty, a bare text or a source, bare columns or
// columns with a spread.
Json encode(const Columns& value, const Key& key, Problem& problem);
void decode(const Json& value, const Spot& spot, Columns& out);
Json type_schema(table::Tag<Columns>, const Key& key, Manner manner);
Json encode(const CellTexts& value, const Key& key, Problem& problem);
void decode(const Json& value, const Spot& spot, CellTexts& out);
Json type_schema(table::Tag<CellTexts>, const Key& key, Manner manner);
Json encode(const SessionSource& value, const Key& key, Problem& problem);
void decode(const Json& value, const Spot& spot, SessionSource& out);
Json encode(const SchemeColumn& value, const Key& key, Problem& problem);
void decode(const Json& value, const Spot& spot, SchemeColumn& out);
Json type_schema(table::Tag<SchemeColumn>, const Key& key, Manner manner);
Json type_schema(table::Tag<SessionSource>, const Key& key, Manner manner);

}  // namespace qtrap::importer
