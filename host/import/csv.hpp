// Comma-separated tables as RFC 4180 writes them: quoted cells may hold commas, doubled quotes and line breaks; lines
// end with LF or CRLF; the first line names the columns. A byte-order mark is skipped. Independent of the locale. Own
// reader, because Debian 12's two libraries fix the columns at compile time (libfccp-dev) or report no line numbers
// (libcsv-dev).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace qtrap::importer {

/// One line of the table, its cells in the order of the columns.
struct CsvRow {
  std::size_t line = 0;  ///< where it starts in the file, from 1
  std::vector<std::string> cells;
};

struct CsvTable {
  std::vector<std::string> columns;  ///< distinct, none empty
  std::vector<CsvRow> rows;          ///< each with as many cells as there are columns; at least one
};

/// Parses a table; blank lines are skipped. kUsage errors quote `name` and the line: not UTF-8, no header or no row, a
/// column without a name or named twice, a row with another number of cells, text after a closing quote, a quote that
/// is never closed, a NUL byte.
Result<CsvTable> parse_csv(std::string_view text, std::string_view name);

}  // namespace qtrap::importer
