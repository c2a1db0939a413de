#include "import/schema.hpp"

#include <fmt/format.h>

#include "import/map_keys.hpp"
#include "import/units.hpp"

namespace qtrap::importer {
namespace {

std::string describe_units(std::string_view title, std::span<const Unit> units) {
  std::string text = fmt::format("\n## {}\n| unit | meaning |\n|---|---|\n", title);
  for (const Unit& unit : units) text += fmt::format("| `{}` | {} |\n", unit.name, unit.doc);
  return text;
}

Json make_schema() { return table::file_schema<ImportMap>(kSchemaName, "a map of qtrap import"); }

}  // namespace

std::string make_import_schema() { return table::dump_file(make_schema()); }

std::string make_schema_markdown() {
  return "# Map files of `qtrap import`\n"
         "<!-- Generated from the field tables in host/import/map_keys.cpp: QTRAP_REGENERATE=1 import_tests -->\n"
         "One JSON object per file, UTF-8, with `\"schema\": \"qtrap.import\"`. Unknown keys are errors; a newer "
         "MAJOR\n"
         "version is refused. A *source* gives exactly one of `column` and `constant`.\n" +
         table::describe_schema("Map", make_schema(), true) + describe_units("Units of time", time_units()) +
         describe_units("Units of energy", energy_units());
}

}  // namespace qtrap::importer
