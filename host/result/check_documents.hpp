// Validation of the files that are made from result files (fit, compare, plan): table, JSON Schema, and what their
// values say of each other. Private to this layer.
#pragma once

#include <string_view>

#include "result/check.hpp"

namespace qtrap::result {

/// Each checks the text of one kind of file, `name` in errors. kUsage errors quote the place ("critical_scale[2]"), the
/// value and the fix.
Result<CheckReport> check_fit(std::string_view text, std::string_view name);
Result<CheckReport> check_compare(std::string_view text, std::string_view name);
Result<CheckReport> check_plan(std::string_view text, std::string_view name);

}  // namespace qtrap::result
