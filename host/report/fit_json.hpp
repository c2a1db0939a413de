// The fit file as text: what the contract names (through result/, which owns that field table) and beside it
// what the fit knows more: both forms, reasons, verdicts by cell, the course along the hops, attribution, Pareto.
// Additions only, so that a reader of the contract's keys reads every file.
#pragma once

#include <string>

#include "core/result.hpp"
#include "fit/fit_report.hpp"

namespace qtrap::report {

/// The file's text, indented, "\n" at the end. kRuntime error on a number that is not finite.
Result<std::string> to_fit_json(const fit::FitReport& report);

}  // namespace qtrap::report
