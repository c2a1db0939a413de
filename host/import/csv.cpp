#include "import/csv.hpp"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "core/file.hpp"
#include "core/text.hpp"

namespace qtrap::importer {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Reads cells one by one; knows the line it is at.
class CsvReader {
 public:
  CsvReader(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  bool at_end() const { return at_ == text_.size(); }

  /// The cells up to the end of the line; an empty line has one empty cell.
  Result<CsvRow> read_row() {
    CsvRow row{line_, {}};
    while (true) {
      auto cell = read_cell();
      if (!cell) return cell.error();
      row.cells.push_back(std::move(cell).value());
      if (at_end()) return row;
      const char separator = text_[at_++];
      if (separator == ',') continue;
      if (separator == '\r' && !at_end() && text_[at_] == '\n') ++at_;
      ++line_;
      return row;
    }
  }

 private:
  static bool ends_cell(char c) { return c == ',' || c == '\n' || c == '\r'; }

  Error refuse(std::string_view what, std::string_view value, std::string fix) const {
    return usage_error(fmt::format("{} line {}: {}", name_, line_, what), std::string(value), std::move(fix));
  }

  Result<std::string> read_cell() {
    if (!at_end() && text_[at_] == '"') return read_quoted();
    const std::size_t begin = at_;
    while (!at_end() && !ends_cell(text_[at_])) ++at_;
    const std::string_view cell = text_.substr(begin, at_ - begin);
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
      if (at_end() || ends_cell(text_[at_])) return cell;
      if (text_[at_] != '"') return refuse("text follows a closing quote", cell, "put a comma after the quote");
      cell += '"';
    }
    line_ = first_line;
    return refuse("a quote is never closed", cell.substr(0, 40), "close it; the table may be truncated");
  }

  std::string_view text_;
  std::string_view name_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

std::optional<Error> find_bad_column(const std::vector<std::string>& columns, std::string_view name) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].empty()) {
      return usage_error(fmt::format("{}: a column has no name", name), fmt::format("column {}", i + 1),
                         "the first line names every column");
    }
    if (!seen.insert(columns[i]).second) {
      return usage_error(fmt::format("{}: a column is named twice", name), columns[i], "give each its own name");
    }
  }
  return std::nullopt;
}

bool is_blank(const CsvRow& row) { return row.cells.size() == 1 && row.cells.front().empty(); }

}  // namespace

Result<CsvTable> parse_csv(std::string_view text, std::string_view name) {
  if (!is_utf8(text)) return usage_error(fmt::format("{} is not UTF-8", name), "", "save it as UTF-8 text");
  if (text.find('\0') != std::string_view::npos) {
    return usage_error(fmt::format("{} is not a text", name), "NUL byte", "give a comma-separated table");
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  CsvTable table;
  CsvReader reader(text, name);
  while (!reader.at_end()) {
    auto row = reader.read_row();
    if (!row) return row.error();
    if (is_blank(row.value())) continue;
    if (table.columns.empty()) {
      table.columns = std::move(row.value().cells);
      if (const auto bad = find_bad_column(table.columns, name)) return *bad;
    } else if (row.value().cells.size() != table.columns.size()) {
      return usage_error(
          fmt::format("{} line {}: the row has another number of cells than the header", name, row.value().line),
          fmt::format("{} and {}", row.value().cells.size(), table.columns.size()),
          "quote cells that hold a comma; the table may be truncated");
    } else {
      table.rows.push_back(std::move(row).value());
    }
  }
  if (table.rows.empty()) {
    return usage_error(fmt::format("{} holds no row", name), table.columns.empty() ? "empty file" : "header alone",
                       "give a table with a header line and at least one row");
  }
  return table;
}

}  // namespace qtrap::importer
