// Tables that are JSON: one object a line (JSON Lines), objects one after another, an array of objects, or one object
// whose only array of objects holds the rows, the members beside it standing in each row. Members of inner objects
// become columns "outer.inner", arrays stay JSON text. null and absent members are empty cells.
#pragma once

#include <string_view>

#include "core/result.hpp"
#include "import/table.hpp"

namespace qtrap::importer {

/// Whether a text begins as JSON of these forms does: "{" or "[{", blanks apart.
bool looks_like_json(std::string_view text);

/// Parses a table; columns in the order in which they come first. kUsage errors quote `name` and the line of the
/// record: not UTF-8, not JSON, a key given twice, a record that is no object or never closed, no record.
Result<Table> parse_json_table(std::string_view text, std::string_view name);

}  // namespace qtrap::importer
