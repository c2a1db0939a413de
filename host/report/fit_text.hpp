// What `qtrap fit` prints: costs with intervals or why they are not identified, what decides each point, N* and B*, how
// a step goes with layers and parameters, and how far the fit is off where it may not look.
#pragma once

#include <string>

#include "fit/file/fit_report.hpp"

namespace qtrap::report {

/// The whole text, several paragraphs, "\n" at the end.
std::string make_fit_text(const fit::FitReport& report);

}  // namespace qtrap::report
