#include "import/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "core/text.hpp"

namespace qtrap::importer {
namespace {

constexpr std::string_view kSeparators = ",;\t|";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// How a separator is called in messages.
std::string describe(char separator) {
  if (separator == '\t') return "a tab";
  return separator == ',' ? "a comma" : fmt::format("`{}`", separator);
}

/// Reads cells one by one; knows the line it is at.
class CsvReader {
 public:
  CsvReader(std::string_view text, std::string_view name, char separator)
      : text_(text), name_(name), separator_(separator) {}

  bool at_end() const { return at_ == text_.size(); }

  /// The cells up to the end of the line; an empty line has one empty cell.
  Result<TableRow> read_row() {
    TableRow row{line_, {}};
    while (true) {
      auto cell = read_cell();
      if (!cell) return cell.error();
      row.cells.push_back(std::move(cell).value());
      if (at_end()) return row;
      const char end = text_[at_++];
      if (end == separator_) continue;
      if (end == '\r' && !at_end() && text_[at_] == '\n') ++at_;
      ++line_;
      return row;
    }
  }

 private:
  bool ends_cell(char c) const { return c == separator_ || c == '\n' || c == '\r'; }
  void skip_blanks() {
    while (!at_end() && is_blank(text_[at_]) && text_[at_] != separator_) ++at_;
  }

  Error refuse(std::string_view what, std::string_view value, std::string fix) const {
    return usage_error(fmt::format("{} line {}: {}", name_, line_, what), std::string(value), std::move(fix));
  }

  Result<std::string> read_cell() {
    skip_blanks();
    if (!at_end() && text_[at_] == '"') return read_quoted();
    const std::size_t begin = at_;
    while (!at_end() && !ends_cell(text_[at_])) ++at_;
    std::string_view cell = text_.substr(begin, at_ - begin);
    while (!cell.empty() && is_blank(cell.back())) cell.remove_suffix(1);
    if (cell.find('"') != std::string_view::npos) {
      return refuse("a quote stands inside an unquoted cell", cell, "quote the whole cell and double the quotes in it");
    }
    return std::string(cell);
  }

  Result<std::string> read_quoted() {
    std::string cell;
    const std::size_t first_line = line_;
    for (++at_; !at_end(); ++at_) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') {
        cell += text_[at_];
        continue;
      }
      ++at_;
      if (!at_end() && text_[at_] == '"') {
        cell += '"';
        continue;
      }
      skip_blanks();
      if (at_end() || ends_cell(text_[at_])) return cell;
      return refuse("text follows a closing quote", cell, fmt::format("put {} after the quote", describe(separator_)));
    }
    line_ = first_line;
    return refuse("a quote is never closed", cell.substr(0, 40), "close it; the table may be truncated");
  }

  std::string_view text_;
  std::string_view name_;
  char separator_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

bool is_empty(const TableRow& row) {
  return std::all_of(row.cells.begin(), row.cells.end(), [](const std::string& cell) { return cell.empty(); });
}

/// Adds a row of the header's length to the table; an empty cell beyond it is a separator at the end of a line.
Status add_row(TableRow row, std::string_view name, Table& table) {
  if (row.cells.size() == table.columns.size() + 1 && row.cells.back().empty()) row.cells.pop_back();
  if (row.cells.size() != table.columns.size()) {
    return usage_error(fmt::format("{} line {}: the row has another number of cells than the header", name, row.line),
                       fmt::format("{} and {}", row.cells.size(), table.columns.size()),
                       fmt::format("quote cells that hold {}; the table may be truncated", describe(table.separator)));
  }
  table.rows.push_back(std::move(row));
  return Done{};
}

Result<Table> parse_separated(std::string_view text, std::string_view name, char separator) {
  Table table;
  table.separator = separator;
  CsvReader reader(text, name, separator);
  while (!reader.at_end()) {
    auto row = reader.read_row();
    if (!row) return row.error();
    if (is_empty(row.value())) continue;
    if (table.columns.empty()) {
      table.columns = std::move(row.value().cells);
    } else if (const Status status = add_row(std::move(row).value(), name, table); !status) {
      return status.error();
    }
  }
  if (!table.rows.empty()) return table;
  return usage_error(fmt::format("{} holds no row", name), table.columns.empty() ? "empty file" : "header alone",
                     "give a table with a header line and at least one row");
}

/// Separators outside quotes in the first line that is not blank, most frequent first.
std::string list_candidates(std::string_view text) {
  std::array<std::size_t, kSeparators.size()> counts{};
  bool quoted = false;
  bool seen = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == '\n' || c == '\r')) {
      if (seen) break;
      continue;
    }
    seen = seen || !is_blank(c);
    const std::size_t place = kSeparators.find(c);
    if (!quoted && place != std::string_view::npos) ++counts[place];
  }
  std::string found;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) found += kSeparators[i];
  }
  std::stable_sort(found.begin(), found.end(),
                   [&](char a, char b) { return counts[kSeparators.find(a)] > counts[kSeparators.find(b)]; });
  return found;
}

/// Tries every candidate: the one that fits all rows, or an error that tells why none or several do.
Result<Table> try_separators(const std::string& candidates, std::string_view text, std::string_view name) {
  std::vector<Table> fitting;
  for (const char candidate : candidates) {
    auto table = parse_separated(text, name, candidate);
    if (table) fitting.push_back(std::move(table).value());
  }
  if (fitting.size() == 1) return std::move(fitting.front());
  if (fitting.empty()) return parse_separated(text, name, candidates.front());
  return usage_error(fmt::format("{} may be separated by {} or {}", name, describe(fitting[0].separator),
                                 describe(fitting[1].separator)),
                     fmt::format("{} or {} columns", fitting[0].columns.size(), fitting[1].columns.size()),
                     "say which in the map's `separator`");
}

}  // namespace

Result<Table> parse_csv(std::string_view text, std::string_view name, std::optional<char> separator) {
  if (const auto bad = find_bad_text(text, name)) return *bad;
  text = skip_byte_order_mark(text);
  const std::string_view said = text.substr(0, text.find_first_of("\r\n"));
  if (said.size() == 5 && to_lower(said.substr(0, 4)) == "sep=" &&
      kSeparators.find(said[4]) != std::string_view::npos) {
    if (!separator) separator = said[4];
    text.remove_prefix(said.size());
  }
  if (separator) return parse_separated(text, name, *separator);
  const std::string candidates = list_candidates(text);
  if (candidates.size() > 1) return try_separators(candidates, text, name);
  return parse_separated(text, name, candidates.empty() ? ',' : candidates.front());
}

}  // namespace qtrap::importer
