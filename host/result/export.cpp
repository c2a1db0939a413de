#include "result/export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/contract.hpp"
#include "core/text.hpp"
#include "core/words.hpp"
#include "result/fields.hpp"

namespace qtrap::result {
namespace {

using Cell = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

struct Column {
  std::string name;
  std::string_view sql_type;
  Cell usual = {};  ///< what files before the key meant, which goes without saying; absent where there is none
};

struct Table {
  std::string name;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
};

/// Shortest text that reads back to the same double; always looks like a real number ("2.0"), in every locale.
std::string format_number(double value) {
  std::array<char, 32> buffer{};
  const auto [end, code] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  expects(code == std::errc{}, "a double fits in 32 characters");
  std::string text(buffer.data(), end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

// --- records to cells: one overload per type of member ----------------------------------------------------------

Cell to_cell(const std::string& value) { return escape_controls(value, "\n\t"); }
Cell to_cell(std::int64_t value) { return value; }
Cell to_cell(bool value) { return value; }
Cell to_cell(double value) { return value; }
template <IsWord E>
Cell to_cell(E value) {
  return std::string(word_of(value));
}
Cell to_cell(const std::vector<std::string>& values) { return to_cell(fmt::format("{}", fmt::join(values, ";"))); }
Cell to_cell(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += fmt::format("{}{}", text.empty() ? "" : ";", format_number(value));
  return text;
}
template <class T>
Cell to_cell(const std::optional<T>& value) {
  return value ? to_cell(*value) : Cell{};
}

template <class T>
constexpr std::string_view kSqlType = "TEXT";
template <>
constexpr std::string_view kSqlType<bool> = "BOOLEAN";
template <>
constexpr std::string_view kSqlType<std::int64_t> = "BIGINT";
template <>
constexpr std::string_view kSqlType<double> = "DOUBLE PRECISION";
template <class T>
constexpr std::string_view kSqlType<std::optional<T>> = kSqlType<T>;

/// Only flat records have rows; sub-objects stay in the JSON.
template <class T>
concept HasCell = requires(const T& value) {
  to_cell(value);
};

// --- the table --------------------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 4> kJoinKeys{"session_id", "device_name", "driver", "meter_name"};

/// Last column: what trials and points of one file share, whatever sessions a point pools.
constexpr std::string_view kResultKey = "result_id";

Cell result_id_of(const ResultFile& file) {
  return file.sessions.empty() ? Cell{} : to_cell(file.sessions.front().session_id);
}

std::vector<std::string> session_ids_of(const PointRecord& point) { return point.session_ids; }
template <class R>
std::vector<std::string> session_ids_of(const R& record) {
  return {record.session_id};
}

/// Values of the join keys; several sessions that agree give one value, otherwise all, joined by ';'.
std::vector<Cell> join_cells(const std::vector<std::string>& ids, const ResultFile& file) {
  std::array<std::vector<std::string>, 4> values;
  const auto add = [](std::vector<std::string>& list, const std::string& value) {
    if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
  };
  for (const std::string& id : ids) {
    add(values[0], id);
    for (const SessionRecord& session : file.sessions) {
      if (session.session_id != id) continue;
      add(values[1], session.device.name);
      add(values[2], session.device.driver);
      add(values[3], session.meter.name);
    }
  }
  std::vector<Cell> cells;
  cells.reserve(values.size());
  for (const auto& list : values) cells.push_back(list.empty() ? Cell{} : to_cell(list));
  return cells;
}

template <class R>
bool is_join_key(const Field<R>& field) {
  return std::find(kJoinKeys.begin(), kJoinKeys.end(), field.key.name) != kJoinKeys.end();
}

template <class R>
Cell cell_of(const R& record, const Field<R>& field) {
  return std::visit(
      [&record]<class T>(T R::*member) -> Cell {
        if constexpr (HasCell<T>) return to_cell(record.*member);
        fail_contract("every field of an exported record is flat");
      },
      field.member);
}

template <class R>
Table make_table(std::string name, std::span<const ResultFile> files, std::vector<R> ResultFile::*records) {
  Table table{std::move(name), {}, {}};
  for (const std::string_view key : kJoinKeys) table.columns.push_back({std::string(key), "TEXT"});
  for (const Field<R>& field : fields<R>()) {
    if (is_join_key(field)) continue;
    Column column{std::string(field.key.name), std::visit([]<class T>(T R::*) { return kSqlType<T>; }, field.member)};
    if (field.key.has(table::kMayMiss)) column.usual = cell_of(R(), field);
    table.columns.push_back(std::move(column));
  }
  table.columns.push_back({std::string(kResultKey), "TEXT"});
  for (const ResultFile& file : files) {
    for (const R& record : file.*records) {
      std::vector<Cell> row = join_cells(session_ids_of(record), file);
      for (const Field<R>& field : fields<R>()) {
        if (is_join_key(field)) continue;
        row.push_back(cell_of(record, field));
      }
      row.push_back(result_id_of(file));
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

Table make_table(CsvRecords records, std::span<const ResultFile> files) {
  const std::string name(word_of(records));
  switch (records) {
    case CsvRecords::kTrials:
      return make_table(name, files, &ResultFile::trials);
    case CsvRecords::kQuality:
      return make_table(name, files, &ResultFile::qualities);
    case CsvRecords::kPoints:
      break;
  }
  return make_table(name, files, &ResultFile::points);
}

std::optional<Error> find_non_finite(const Table& table) {
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto* number = std::get_if<double>(&row[i]);
      if (number == nullptr || std::isfinite(*number)) continue;
      return runtime_error(fmt::format("`{}` is not finite", table.columns[i].name), fmt::format("{}", *number),
                           "leave it absent and say why in its status");
    }
  }
  return std::nullopt;
}

// --- writers ----------------------------------------------------------------------------------------------------

struct PlainText {
  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return format_number(value); }
  std::string operator()(const std::string& value) const { return value; }
};

std::string to_text(const Cell& cell) { return std::visit(PlainText{}, cell); }

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    out.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return out.append(text);
}

/// What a spreadsheet takes for a formula when a text begins with it (the last four are the wide forms). The apostrophe
/// stands here too, so that dropping one leading apostrophe restores every text.
constexpr std::string_view kFormulaStarts[] = {"=", "+",      "-",      "@",      "\t",    "\n",
                                               "'", "\uff1d", "\uff0b", "\uff0d", "\uff20"};

/// Numbers stay as they are: only texts are kept from being formulas.
std::string to_csv_text(const Cell& cell) {
  const std::string text = to_text(cell);
  const bool risky = std::holds_alternative<std::string>(cell) &&
                     std::any_of(std::begin(kFormulaStarts), std::end(kFormulaStarts),
                                 [&text](std::string_view start) { return text.starts_with(start); });
  return risky ? "'" + text : text;
}

std::string quote_csv(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return fmt::format("\"{}\"", replace_all(text, "\"", "\"\""));
}

std::string write_csv(const Table& table) {
  std::string out;
  for (const Column& column : table.columns) out += fmt::format("{}{}", out.empty() ? "" : ",", column.name);
  out += '\n';
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      out += fmt::format("{}{}", i == 0 ? "" : ",", quote_csv(to_csv_text(row[i])));
    out += '\n';
  }
  return out;
}

/// No text ends its cell, starts a code span, link, emphasis or HTML.
std::string quote_markdown(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "<br>";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      if (std::string_view("\\|`[]*").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

std::string write_markdown(const Table& table) {
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const auto says_something = [&, i](const auto& row) {
      return !to_text(row[i]).empty() && row[i] != table.columns[i].usual;
    };
    if (table.rows.empty() || std::any_of(table.rows.begin(), table.rows.end(), says_something)) shown.push_back(i);
  }
  std::string head = "|";
  std::string rule = "|";
  for (const std::size_t i : shown) {
    head += fmt::format(" {} |", table.columns[i].name);
    rule += table.columns[i].sql_type == "TEXT" ? "---|" : "---:|";
  }
  std::string out = head + "\n" + rule + "\n";
  for (const auto& row : table.rows) {
    out += "|";
    for (const std::size_t i : shown) {
      out += fmt::format(" {} |", quote_markdown(to_text(row[i])));
    }
    out += "\n";
  }
  return out;
}

std::string quote_sql(const Cell& cell) {
  if (std::holds_alternative<std::monostate>(cell)) return "NULL";
  if (const auto* text = std::get_if<std::string>(&cell)) return fmt::format("'{}'", replace_all(*text, "'", "''"));
  return to_text(cell);
}

std::string write_sql(const Table& table) {
  std::string columns;
  for (const Column& column : table.columns) {
    columns += fmt::format("{}  \"{}\" {}", columns.empty() ? "" : ",\n", column.name, column.sql_type);
  }
  std::string out = fmt::format("BEGIN;\nCREATE TABLE IF NOT EXISTS \"{}\" (\n{}\n);\n", table.name, columns);
  for (const auto& row : table.rows) {
    std::string values;
    for (const Cell& cell : row) values += fmt::format("{}{}", values.empty() ? "" : ", ", quote_sql(cell));
    out += fmt::format("INSERT INTO \"{}\" VALUES ({});\n", table.name, values);
  }
  return out + "COMMIT;\n";
}

}  // namespace

Result<std::string> export_records(std::span<const ResultFile> files, CsvRecords records, ExportFormat format) {
  const Table table = make_table(records, files);
  if (auto error = find_non_finite(table)) return *error;
  switch (format) {
    case ExportFormat::kCsv:
      return write_csv(table);
    case ExportFormat::kMarkdown:
      return write_markdown(table);
    case ExportFormat::kSql:
      return write_sql(table);
  }
  return runtime_error("unknown export format", "", "use csv, md or sql");
}

Result<std::string> to_csv(const ResultFile& file, CsvRecords records) {
  return export_records({&file, 1}, records, ExportFormat::kCsv);
}

}  // namespace qtrap::result
