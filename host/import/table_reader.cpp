#include "import/table_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/text.hpp"
#include "import/units.hpp"

namespace qtrap::importer {
namespace {

constexpr std::string_view kDecimalFix = R"(say which in the map: "decimal": "." or "decimal": ",")";

std::string canonicalize(std::string_view unit) { return canonicalize_unit(unit).value_or(std::string(unit)); }

std::string quote_all(const Columns& columns) { return fmt::format("`{}`", fmt::join(columns.names, "` + `")); }

}  // namespace

/// First row of each kind of evidence in a column.
struct TableReader::Signs {
  std::optional<std::size_t> point, comma, either_by_point, either_by_comma;
};

TableReader::TableReader(const Table& table, const ImportMap& map, std::string_view name)
    : table_(table), map_(map), name_(name) {
  for (const Series& series : map.series) {
    visit_number_columns(series, [this](const Columns& columns, std::string_view) {
      for (const std::string& column : columns.names) {
        if (const auto place = find(column)) number_columns_.push_back(place.value());
      }
    });
  }
  std::sort(number_columns_.begin(), number_columns_.end());
  number_columns_.erase(std::unique(number_columns_.begin(), number_columns_.end()), number_columns_.end());
}

std::vector<std::size_t> TableReader::list_matches(std::string_view wanted) const {
  const auto list = [this](const auto& matches) {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      if (matches(std::string_view(table_.columns[i]))) places.push_back(i);
    }
    return places;
  };
  auto places = list([wanted](std::string_view name) { return trim(name) == wanted; });
  if (!places.empty()) return places;
  return list([wanted](std::string_view name) { return find_header_unit(name) && strip_header_unit(name) == wanted; });
}

Result<std::size_t> TableReader::find(const std::string& column) const {
  const auto known = found_.find(column);
  if (known != found_.end()) return known->second;
  const auto places = list_matches(trim(column));
  if (places.size() == 1) return found_[column] = places.front();
  if (places.size() > 1)
    return usage_error(fmt::format("{}: a column is named twice", name_), column, "give each its own name");
  const std::vector<std::string_view> names(table_.columns.begin(), table_.columns.end());
  const std::string_view near = find_nearest(column, names);
  return usage_error(fmt::format("{} has no such column", name_), column,
                     (near.empty() ? "" : fmt::format("did you mean `{}`? ", near)) +
                         fmt::format("its columns are {}", fmt::join(names, ", ")));
}

bool TableReader::is_no_reading(std::string_view cell) const {
  const auto& own = map_.no_reading;
  return importer::is_no_reading(cell) || std::find(own.begin(), own.end(), trim(cell)) != own.end();
}

TableReader::Signs TableReader::collect_signs(std::size_t column) const {
  Signs signs;
  for (std::size_t i = 0; i < table_.rows.size(); ++i) {
    const std::string& cell = table_.rows[i].cells[column];
    if (is_no_reading(cell)) continue;
    std::optional<std::size_t>* place = nullptr;
    switch (find_evidence(split_unit(split_spread(cell).mean).number)) {
      case Evidence::kNone:
        continue;
      case Evidence::kPoint:
        place = &signs.point;
        break;
      case Evidence::kComma:
        place = &signs.comma;
        break;
      case Evidence::kEitherByPoint:
        place = &signs.either_by_point;
        break;
      case Evidence::kEitherByComma:
        place = &signs.either_by_comma;
        break;
    }
    if (!*place) *place = i;
  }
  return signs;
}

Error TableReader::refuse(std::size_t row, std::size_t column, std::string_view what, std::string fix) const {
  return usage_error(fmt::format("{} line {}: `{}` {}", name_, table_.rows[row].line, table_.columns[column], what),
                     table_.rows[row].cells[column], std::move(fix));
}

Result<DecimalSign> TableReader::decide(std::size_t column) const {
  if (map_.decimal) return *map_.decimal == "," ? DecimalSign::kComma : DecimalSign::kPoint;
  const bool may_be_comma = table_.separator != ',' && table_.separator != '{';
  const Signs own = collect_signs(column);
  if (may_be_comma && own.point && own.comma) {
    return refuse(*own.comma, column,
                  fmt::format("has a decimal comma here and a decimal point in line {}", table_.rows[*own.point].line),
                  "write the column in one way");
  }
  if (own.point) return DecimalSign::kPoint;
  if (own.comma && may_be_comma) return DecimalSign::kComma;
  if (!own.either_by_comma && (!own.either_by_point || !may_be_comma)) return DecimalSign::kPoint;
  Signs others;
  for (const std::size_t other : number_columns_) {
    const Signs signs = collect_signs(other);
    if (signs.point) others.point = signs.point;
    if (signs.comma && may_be_comma) others.comma = signs.comma;
  }
  if (others.point.has_value() != others.comma.has_value())
    return others.point ? DecimalSign::kPoint : DecimalSign::kComma;
  if (own.either_by_comma)
    return refuse(*own.either_by_comma, column, "may hold thousands or a decimal comma", std::string(kDecimalFix));
  if (table_.separator != ';') return DecimalSign::kPoint;
  return refuse(*own.either_by_point, column, "may hold thousands or a decimal point", std::string(kDecimalFix));
}

Result<DecimalSign> TableReader::decimal_of(std::size_t column) const {
  const auto known = decided_.find(column);
  if (known != decided_.end()) return known->second;
  return decided_.emplace(column, decide(column)).first->second;
}

Error RowView::refuse(std::string_view what, std::string value, std::string fix) const {
  return usage_error(fmt::format("{}: {}", place(), what), std::move(value), std::move(fix));
}

const std::string& RowView::cell(const std::string& column) const { return row_.cells.at(table_.find(column).value()); }

std::string RowView::text(const TextSource& source) const {
  return source.column ? cell(*source.column) : *source.constant;
}

std::string RowView::place() const { return fmt::format("{} line {}", table_.name(), row_.line); }

Result<std::optional<double>> RowView::number(const std::string& column, std::string_view unit, bool has_spread) const {
  const std::string& text = cell(column);
  const SpreadCell parts = split_spread(text);
  if (!has_spread || parts.spread.empty()) {
    if (!parts.spread.empty() && !table_.is_no_reading(text))
      return refuse(fmt::format("`{}` holds a spread", column), text,
                    "name the column in `spread` as `sd` or `standard_error`, too");
    return read(column, text, unit);
  }
  return read(column, parts.mean, unit);
}

Result<std::optional<double>> RowView::deviation(const std::string& column, std::string_view unit) const {
  const std::string_view spread = split_spread(cell(column)).spread;
  return spread.empty() ? Result<std::optional<double>>(std::optional<double>()) : read(column, spread, unit);
}

Result<std::optional<double>> RowView::read(const std::string& column, std::string_view part,
                                            std::string_view unit) const {
  const std::size_t place = table_.find(column).value();
  const std::string text(part);
  if (table_.is_no_reading(text)) return std::optional<double>();
  const auto decimal = table_.decimal_of(place);
  if (!decimal) return decimal.error();
  const Measure measure = split_unit(text);
  const auto value = parse_number(measure.number, decimal.value());
  if (!value) {
    const bool comma = decimal.value() == DecimalSign::kPoint && parse_number(measure.number, DecimalSign::kComma);
    return refuse(fmt::format("`{}` is not a finite number", column), text,
                  comma ? R"(give the map "decimal": ",", write a decimal point, or filter the row out)"
                        : "write it with a decimal point, name it in the map's `no_reading`, or filter the row out");
  }
  if (measure.unit.empty()) return value;
  const std::string written = canonicalize(measure.unit);
  if (!unit.empty() && written == canonicalize(unit)) return value;
  if (written == find_header_unit(table_.column_name(place))) return value;
  return refuse(fmt::format("`{}` is in {}, and the map reads {}", column, measure.unit,
                            unit.empty() ? "a number without a unit" : unit),
                text, "convert the column, or correct the map's unit");
}

Result<std::optional<double>> RowView::sum(const Columns& columns, std::string_view unit, bool has_spread) const {
  double total = 0;
  std::vector<std::string> cells;
  for (const std::string& column : columns.names) {
    auto value = number(column, unit, has_spread);
    if (!value || !value.value()) return value;
    if (*value.value() < 0) {
      return refuse(fmt::format("`{}` is not above 0", column), cell(column), "filter the row out");
    }
    total += *value.value();
    cells.push_back(cell(column));
  }
  if (total > 0) return std::optional(total);
  return refuse(fmt::format("{} is not above 0", quote_all(columns)), fmt::format("{}", fmt::join(cells, " + ")),
                "filter the row out");
}

Status check_columns(const TableReader& table, const Series& series) {
  Status status = Done{};
  const auto check = [&](const std::string& column) {
    if (!status) return;
    if (const auto place = table.find(column); !place) status = place.error();
  };
  visit_text_columns(series, check);
  for (const auto* filters : {&series.where, &series.except}) {
    for (const auto& [column, texts] : *filters) check(column);
  }
  visit_number_columns(series, [&](const Columns& columns, std::string_view unit) {
    for (const std::string& column : columns.names) {
      check(column);
      if (!status) return;
      const std::string& name = table.column_name(table.find(column).value());
      const auto header = find_header_unit(name);
      if (!header || unit.empty() || agree(*header, canonicalize(unit))) continue;
      status = usage_error(
          fmt::format("{}: a column is in {} by its name, and the map reads {}", table.name(), *header, unit), name,
          "correct the map's unit");
    }
  });
  return status;
}

}  // namespace qtrap::importer
