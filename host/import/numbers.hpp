// Numbers as people write them: a decimal point or comma, thousands in groups of three (by the other of the two, by a
// blank, an apostrophe or an underscore), an exponent. What a text can be is asked here; what a column is, of the whole
// table (table_reader.hpp).
#pragma once

#include <optional>
#include <string_view>

namespace qtrap::importer {

enum class DecimalSign { kPoint, kComma };

/// The finite number that `text` is with that sign; none where it is not one. In "0,123" a comma cannot part thousands.
std::optional<double> parse_number(std::string_view text, DecimalSign sign);

/// What a text tells of the decimal sign.
enum class Evidence {
  kNone,           ///< no number, or the same one either way
  kPoint,          ///< a number with a decimal point alone ("40.5", "1,234.5")
  kComma,          ///< a number with a decimal comma alone ("40,5", "1.234.567")
  kEitherByPoint,  ///< "1.234"
  kEitherByComma   ///< "1,234"
};
Evidence find_evidence(std::string_view text);

/// A cell's number and the unit behind it: "219 W" is "219" and "W", "1e5J" is "1e5" and "J". Both trimmed of blanks.
struct Measure {
  std::string_view number, unit;
};
Measure split_unit(std::string_view text);

/// Without blanks at both ends, no-break spaces among them.
std::string_view trim(std::string_view text);

/// Whether a cell says that there is no reading: empty, dashes, "N/A", "null", "[Not Supported]" and their like, in any
/// case and in any brackets. "NaN", "inf" and "0" say something else.
bool is_no_reading(std::string_view text);

/// A mean and what stands behind it as its spread: "12.3 ± 0.4", "12.3+-0.4", "12.3 +/- 0.4" and "12.3 (0.4)". Not
/// "12.3(4)", which means digits to some. An empty spread: none. Units are left where they stand.
struct SpreadCell {
  std::string_view mean, spread;
};
SpreadCell split_spread(std::string_view text);

}  // namespace qtrap::importer
