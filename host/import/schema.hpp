// The documents generated from the key tables of the map file. They are committed beside this file (SCHEMA.md,
// schema/qtrap.import.schema.json); a test compares them, and rewrites them when QTRAP_REGENERATE=1 is set.
#pragma once

#include <string>

namespace qtrap::importer {

/// JSON Schema (draft 7) of a map file.
std::string make_import_schema();

/// SCHEMA.md: every key with its type and meaning, and every unit.
std::string make_schema_markdown();

}  // namespace qtrap::importer
