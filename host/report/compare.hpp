// Devices and sessions side by side, each normalised to its own f16 anchor: ratios with intervals, casting overhead,
// the deciding term and N*. Absolute times of different machines are never set against each other.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "fit/file/fit_report.hpp"
#include "result/compare_file.hpp"
#include "result/result_file.hpp"

namespace qtrap::report {

/// A result file and the name it was given by.
struct NamedResult {
  std::string name;
  result::ResultFile file;
};

/// One device of one file.
struct Subject {
  std::string label;  ///< the device's name; the file's stem beside it where a device comes from several files
  std::string file;
  result::Origin origin = result::Origin::kMeasured;
  result::DeviceSummary device;
  std::size_t sessions = 0;
  fit::FitReport report;
};

/// One scheme in one cell on one subject. A ratio is none where the subject lacks the quantity.
struct ComparedPoint {
  std::size_t subject = 0;  ///< index into Comparison::subjects
  result::PointRecord point;
  std::optional<fit::Ratio> time, energy;             ///< gross
  std::optional<fit::Ratio> net;                      ///< of net energy
  std::string deciding_term;                          ///< of energy, else of time
  std::optional<result::DecidingKind> deciding_kind;  ///< none where nothing is decided or fitted
};

struct Comparison {
  result::Workload workload = result::Workload::kProjections;
  std::vector<Subject> subjects;      ///< in the order of the files
  std::vector<ComparedPoint> points;  ///< by parameters, batch, chain and scheme, subjects side by side
};

/// Fits each device of each file alone and pairs what they share. kUsage errors name the file: points of another
/// workload than the first file's, no ratio to f16 in it, a session given twice; besides those of make_fit_report.
Result<Comparison> compare_results(std::span<const NamedResult> results, const fit::ReportOptions& options);

/// Two tables: ratios, then N*.
std::string to_text(const Comparison& comparison);

/// The compare file: what its field tables hold.
result::CompareFile to_compare_file(const Comparison& comparison);
/// Its text, "\n" at the end; throws Failure on a number that is not finite.
std::string to_json(const Comparison& comparison);

}  // namespace qtrap::report
