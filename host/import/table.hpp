// A table as it was read, whatever it was written in: cells are texts, and what they mean is the map's business.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace qtrap::importer {

/// One row, its cells in the order of the columns.
struct TableRow {
  std::size_t line = 0;  ///< where it starts in the file, from 1
  std::vector<std::string> cells;
};

struct Table {
  std::vector<std::string> columns;  ///< may be empty or the same twice: only what a map names must be named once
  std::vector<TableRow> rows;        ///< each with as many cells as there are columns; at least one
  char separator = ',';              ///< of the cells; '{' where the text is JSON
};

/// Parses a table: JSON (json_table.hpp) where the text begins as JSON does, else separated cells (csv.hpp), and their
/// errors. `separator` is taken as given; without it the text decides.
Result<Table> parse_table(std::string_view text, std::string_view name, std::optional<char> separator);

/// Why a text cannot be a table at all: not UTF-8, or a NUL byte.
std::optional<Error> find_bad_text(std::string_view text, std::string_view name);

/// `text` without a byte-order mark.
std::string_view skip_byte_order_mark(std::string_view text);

}  // namespace qtrap::importer
