// The documents generated from the field tables. They are committed beside this file (SCHEMA.md, schema/*.json); a test
// compares them, and rewrites them when QTRAP_REGENERATE=1 is set.
#pragma once

#include <string>

namespace qtrap::result {

/// JSON Schema (draft 7) of one line of a result file: one of `definitions/{session,trial,point,end}`.
std::string make_result_schema();

/// JSON Schema (draft 7) of a fit, compare or plan file.
std::string make_fit_schema();
std::string make_compare_schema();
std::string make_plan_schema();

/// SCHEMA.md: every key with its type, unit and meaning.
std::string make_schema_markdown();

}  // namespace qtrap::result
