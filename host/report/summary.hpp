// What a run prints: one row per point, a sentence derived from the verdicts, and the hazards. Everything comes from
// the result file, so that the same table can be printed again later.
#pragma once

#include <string>

#include "result/result_file.hpp"

namespace qtrap::report {

/// The whole text, several lines, ending in "\n". `path` is the file's name as the user gave it.
std::string make_summary(const result::ResultFile& file, const std::string& path);

/// Where the time trap is and what causes it, from the verdicts of `points`; a second line on energy where it was
/// measured. Never fixed text.
std::string make_verdict_sentence(const std::vector<result::PointRecord>& points);

}  // namespace qtrap::report
