// Tables of separated cells as RFC 4180 writes them: quoted cells may hold separators, doubled quotes and line breaks;
// lines end with LF or CRLF; the first line names the columns. Commas, semicolons, tabs and bars separate; blanks round
// a cell do not count, those inside its quotes do. A byte-order mark is skipped. Independent of the locale. Own reader,
// because Debian 12's two libraries fix the columns at compile time (libfccp-dev) or report no line numbers
// (libcsv-dev).
//
// The separator is the one of the header line; a first line "sep=;", as spreadsheets write it, says it. Where several
// stand in the header, it is the only one that gives each row the header's number of cells.
#pragma once

#include <optional>
#include <string_view>

#include "core/result.hpp"
#include "import/table.hpp"

namespace qtrap::importer {

/// Parses a table. Blank lines and rows of empty cells are skipped, as is an empty cell that a row has more than the
/// header. kUsage errors quote `name` and the line: not UTF-8, no header or no row, a row with another number of cells,
/// text after a closing quote, a quote that is never closed, a NUL byte, several separators that are all possible.
Result<Table> parse_csv(std::string_view text, std::string_view name, std::optional<char> separator = std::nullopt);

}  // namespace qtrap::importer
