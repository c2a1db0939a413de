// A table of typed cells that prints as aligned text or as a JSON array of objects: one source for a command's two
// outputs.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace qtrap::report {

/// An absent value prints as "–" in text and null in JSON. A list of strings is joined by ", " in text.
using Value = std::variant<std::monostate, std::string, std::int64_t, double, bool, std::vector<std::string>>;

struct Column {
  std::string key;      ///< JSON key, with its unit as suffix; empty: text only
  std::string heading;  ///< text heading; empty: JSON only
};

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Value>> rows;  ///< each as long as columns
};

/// Aligned columns, two spaces apart; numbers to the right. A row is one line: control characters are escaped.
std::string to_text(const Table& table);
/// A JSON array with one object per row, indented by two; throws Failure on a number that is not finite.
std::string to_json(const Table& table);

}  // namespace qtrap::report
