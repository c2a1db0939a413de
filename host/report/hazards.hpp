// The hazards of a run as its table shows them: each kind once, at most three lines. All of them, word for word, stand
// in the result file; what the machine and its meters lack, under `devices` and `meters`.
#pragma once

#include <string>

#include "result/result_file.hpp"

namespace qtrap::report {

/// "3 hazards: …" with a line for trials and points, one for energy and one for what the sessions recorded; a line
/// without a hazard is left out. Ends with a newline.
std::string make_hazard_lines(const result::ResultFile& file);

}  // namespace qtrap::report
