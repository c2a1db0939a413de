// Validation of what the program writes: what its readers demand (check_records.hpp), then JSON Schema (valijson).
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace qtrap::result {

/// What a file was found to be.
struct CheckReport {
  std::string schema;   ///< "qtrap.result", "qtrap.fit", "qtrap.compare" or "qtrap.plan"
  std::string summary;  ///< one line, e.g. "result 1.0: 3 sessions, 105 trials, 7 points (7 ok), complete"
};

/// The `schema` a file declares ("qtrap.model", "qtrap.result", …), from its first line or its whole text. kUsage
/// errors: not UTF-8, not JSON (with the position), no or an unknown `schema`.
Result<std::string> detect_schema(std::string_view text, std::string_view name);

/// Checks the text of a result, fit, compare or plan file of the `schema` that detect_schema() found, `name` in errors.
/// kUsage errors quote the line, the key and the fix.
Result<CheckReport> check_text(std::string_view text, std::string_view name, std::string_view schema);

}  // namespace qtrap::result
