#include "import/json_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "table/json.hpp"

namespace qtrap::importer {
namespace {

using table::Json;
using table::parse_json_object;

constexpr std::string_view kBlanks = " \t\r\n";

/// Splits a text into its outermost objects.
class RecordSplitter {
 public:
  RecordSplitter(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  /// The next object's text, empty at the end; `line` is where it starts.
  Result<std::string_view> next(std::size_t& line) {
    skip_blanks();
    if (!begun_ && at_ < text_.size() && text_[at_] == '[') in_array_ = take();
    begun_ = true;
    if (in_array_) {
      skip_blanks();
      if (at_ < text_.size() && text_[at_] == ',') take();
      skip_blanks();
      if (at_ < text_.size() && text_[at_] == ']') in_array_ = !take();
      skip_blanks();
    }
    line = line_;
    if (at_ == text_.size() && !in_array_) return std::string_view();
    if (at_ < text_.size() && text_[at_] == '{') return read_object();
    return usage_error(fmt::format("{} line {}: a record is not an object", name_, line_),
                       std::string(text_.substr(at_, 20)),
                       "give records of JSON as { }; pandas writes them with to_json(orient=\"records\")");
  }

 private:
  bool take() {
    if (text_[at_++] == '\n') ++line_;
    return true;
  }
  void skip_blanks() {
    while (at_ < text_.size() && kBlanks.find(text_[at_]) != std::string_view::npos) take();
  }

  Result<std::string_view> read_object() {
    const std::size_t begin = at_;
    const std::size_t first_line = line_;
    std::size_t depth = 0;
    bool quoted = false;
    for (; at_ < text_.size(); take()) {
      const char c = text_[at_];
      if (quoted && c == '\\' && at_ + 1 < text_.size()) {
        take();
      } else if (c == '"') {
        quoted = !quoted;
      } else if (!quoted && c == '{') {
        ++depth;
      } else if (!quoted && c == '}' && --depth == 0) {
        take();
        return text_.substr(begin, at_ - begin);
      }
    }
    return usage_error(fmt::format("{} line {}: a record is never closed", name_, first_line),
                       std::string(text_.substr(begin, 20)), "close it; the file may be truncated");
  }

  std::string_view text_;
  std::string_view name_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  bool begun_ = false;
  bool in_array_ = false;
};

using Cells = std::vector<std::pair<std::string, std::string>>;

std::string to_cell(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// Members of `object` and of the objects in it, but `except`.
void flatten(const Json& object, const std::string& prefix, const Json* except, Cells& cells) {
  for (const auto& [key, value] : object.items()) {
    if (&value == except) continue;
    if (value.is_object()) {
      flatten(value, prefix + key + ".", nullptr, cells);
    } else {
      cells.emplace_back(prefix + key, to_cell(value));
    }
  }
}

/// The only member of `object` that is an array of objects; null where none or several are.
const Json* find_rows(const Json& object) {
  const Json* found = nullptr;
  for (const auto& [key, value] : object.items()) {
    if (!value.is_array() || value.empty()) continue;
    if (!std::all_of(value.begin(), value.end(), [](const Json& one) { return one.is_object(); })) continue;
    if (found != nullptr) return nullptr;
    found = &value;
  }
  return found;
}

/// Collects rows whose columns need not be the same.
class TableBuilder {
 public:
  void add(std::size_t line, const Cells& cells) {
    TableRow row{line, std::vector<std::string>(table_.columns.size())};
    for (const auto& [column, cell] : cells) {
      const auto [place, added] = places_.try_emplace(column, table_.columns.size());
      if (added) table_.columns.push_back(column);
      if (row.cells.size() <= place->second) row.cells.resize(place->second + 1);
      row.cells[place->second] = cell;
    }
    table_.rows.push_back(std::move(row));
  }

  Table finish() {
    for (TableRow& row : table_.rows) row.cells.resize(table_.columns.size());
    table_.separator = '{';
    return std::move(table_);
  }

 private:
  Table table_;
  std::map<std::string, std::size_t> places_;
};

struct Record {
  std::size_t line = 0;
  Json object;
};

/// The next record; none at the end of the text.
Result<std::optional<Record>> read_record(RecordSplitter& splitter, std::string_view name) {
  std::size_t line = 0;
  const auto text = splitter.next(line);
  if (!text) return text.error();
  if (text.value().empty()) return std::optional<Record>();
  auto object = parse_json_object(text.value(), fmt::format("{} line {}: the record", name, line));
  if (!object) return object.error();
  return std::optional(Record{line, std::move(object).value()});
}

void add_record(const Record& record, const Json* rows, TableBuilder& builder) {
  Cells beside;
  flatten(record.object, "", rows, beside);
  if (rows == nullptr) return builder.add(record.line, beside);
  for (const Json& one : *rows) {
    Cells cells;
    flatten(one, "", nullptr, cells);
    cells.insert(cells.end(), beside.begin(), beside.end());
    builder.add(record.line, cells);
  }
}

}  // namespace

bool looks_like_json(std::string_view text) {
  text = skip_byte_order_mark(text);
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return false;
  if (text[first] == '{') return true;
  const std::size_t second = text.find_first_not_of(kBlanks, first + 1);
  return text[first] == '[' && second != std::string_view::npos && text[second] == '{';
}

Result<Table> parse_json_table(std::string_view text, std::string_view name) {
  if (const auto bad = find_bad_text(text, name)) return *bad;
  RecordSplitter splitter(skip_byte_order_mark(text), name);
  TableBuilder builder;
  auto record = read_record(splitter, name);
  for (bool first = true; record && record.value(); first = false) {
    auto next = read_record(splitter, name);
    if (!next) return next.error();
    const bool alone = first && !next.value();
    add_record(*record.value(), alone ? find_rows(record.value()->object) : nullptr, builder);
    record = std::move(next);
  }
  if (!record) return record.error();
  Table table = builder.finish();
  if (!table.rows.empty()) return table;
  return usage_error(fmt::format("{} holds no record", name), "empty array", "give at least one");
}

}  // namespace qtrap::importer
