// Cells of a table as the map reads them: columns by name, texts, and numbers with their decimal sign, unit and words
// for no reading.
//
// The decimal sign is the map's `decimal`. Without it, tables separated by commas and JSON have a point. In others it
// is what a cell of the column shows that reads one way alone ("40,5"), else what such a cell of another number column
// shows, else a point. Where "1,234" or, between semicolons, "1.234" could still be either, the column is refused.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "import/import_map.hpp"
#include "import/numbers.hpp"
#include "import/table.hpp"

namespace qtrap::importer {

/// Columns of one table and map; both must outlive it.
class TableReader {
 public:
  TableReader(const Table& table, const ImportMap& map, std::string_view name);

  const std::string& name() const { return name_; }

  /// Where a column stands, by its name or by its name without the unit in brackets. kUsage errors name the nearest:
  /// no such column, or several.
  Result<std::size_t> find(const std::string& column) const;

  /// The decimal sign of a column that find() has found; its errors name the cell that does not tell.
  Result<DecimalSign> decimal_of(std::size_t column) const;

  bool is_no_reading(std::string_view cell) const;
  const std::string& column_name(std::size_t column) const { return table_.columns[column]; }

 private:
  struct Signs;
  Signs collect_signs(std::size_t column) const;
  Result<DecimalSign> decide(std::size_t column) const;
  std::vector<std::size_t> list_matches(std::string_view wanted) const;
  Error refuse(std::size_t row, std::size_t column, std::string_view what, std::string fix) const;

  const Table& table_;
  const ImportMap& map_;
  std::string name_;
  std::vector<std::size_t> number_columns_;
  mutable std::map<std::string, std::size_t> found_;
  mutable std::map<std::size_t, Result<DecimalSign>> decided_;
};

/// The cells of one row. Columns must have been found before.
class RowView {
 public:
  RowView(const TableReader& table, const TableRow& row) : table_(table), row_(row) {}

  Error refuse(std::string_view what, std::string value, std::string fix) const;

  /// "TABLE line 7", as refuse() begins.
  std::string place() const;

  const std::string& cell(const std::string& column) const;
  std::string text(const TextSource& source) const;

  /// The number in a column; none where the cell holds no reading. `unit` is what may stand behind it, as the map calls
  /// it; empty where nothing may. `has_spread`: the cell may hold a spread behind it (split_spread()); else that is
  /// refused.
  Result<std::optional<double>> number(const std::string& column, std::string_view unit, bool has_spread = false) const;

  /// The spread behind the number of a cell; none where there is none.
  Result<std::optional<double>> deviation(const std::string& column, std::string_view unit) const;

  /// The sum of a source's columns, or its constant: above 0, no summand below 0; none where one of them is no reading.
  template <class Source>
  Result<std::optional<double>> positive(const Source& source, std::string_view unit, bool has_spread = false) const {
    return source.constant ? Result<std::optional<double>>(source.constant) : sum(*source.column, unit, has_spread);
  }

 private:
  Result<std::optional<double>> sum(const Columns& columns, std::string_view unit, bool has_spread) const;
  Result<std::optional<double>> read(const std::string& column, std::string_view part, std::string_view unit) const;

  const TableReader& table_;
  const TableRow& row_;
};

/// Every column that a series names is in the table once, and no column of numbers is in another unit by its own name.
Status check_columns(const TableReader& table, const Series& series);

}  // namespace qtrap::importer
