// fit and compare: result files in, the fit file and texts out.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "core/file.hpp"
#include "fit/fit_report.hpp"
#include "report/compare.hpp"
#include "report/fit_json.hpp"
#include "report/fit_text.hpp"

namespace qtrap::cli {

int run_fit(const std::vector<std::string>& files, const std::string& out) {
  std::vector<result::ResultFile> results;
  for (const auto& path : files) results.push_back(result::read_result(path).value());
  const auto fitted = fit::make_fit_report(results, {}).value();
  if (!out.empty()) {
    const auto text = report::to_fit_json(fitted).value();
    if (auto done = write_file(out, text, false); !done) throw Failure(done.error());
  }
  print(report::make_fit_text(fitted));
  return kDone;
}

int run_compare(const std::vector<std::string>& files, bool json) {
  std::vector<report::NamedResult> results;
  for (const auto& path : files) results.push_back({path, result::read_result(path).value()});
  const auto comparison = report::compare_results(results, {}).value();
  print(json ? report::to_json(comparison) : report::to_text(comparison));
  return kDone;
}

}  // namespace qtrap::cli
