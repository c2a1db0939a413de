// fit and compare: result files in, the fit file and texts out.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "core/assignment.hpp"
#include "core/file.hpp"
#include "fit/file/fit_report.hpp"
#include "import/csv.hpp"
#include "program/exit_code.hpp"
#include "program/output.hpp"
#include "report/compare.hpp"
#include "report/fit_text.hpp"

namespace qtrap::cli {

namespace {

/// Exponents out of CRITERION=EXPONENT; none when none is given.
std::optional<fit::IndexWeights> parse_weights(const std::vector<std::string>& texts) {
  if (texts.empty()) return std::nullopt;
  fit::IndexWeights weights;
  const std::map<std::string, double*> criteria{
      {"throughput", &weights.throughput}, {"energy", &weights.energy}, {"accuracy", &weights.accuracy}};
  for (const std::string& text : texts) {
    const auto split = split_assignment(text);
    const auto criterion = split ? criteria.find(std::string(split->key)) : criteria.end();
    double value = -1;
    const char* end = text.data() + text.size();
    const bool read = criterion != criteria.end() && std::from_chars(split->value.data(), end, value).ptr == end;
    if (!read || !std::isfinite(value) || value < 0) {
      throw Failure(usage_error("--weight is not CRITERION=EXPONENT", text,
                                "write throughput, energy or accuracy, =, and a number from 0 on"));
    }
    *criterion->second = value;
  }
  return weights;
}

/// Accuracies by model and scheme out of a table.
std::map<std::pair<std::string, std::string>, double> read_accuracies(const std::string& path) {
  const auto table = importer::parse_csv(read_file(path).value(), path).value();
  const std::vector<std::string> wanted{"model", "scheme", "accuracy"};
  if (table.columns != wanted) {
    throw Failure(usage_error(fmt::format("{}: the columns are not those of accuracies", path),
                              fmt::format("{}", fmt::join(table.columns, ",")), "write model,scheme,accuracy"));
  }
  std::map<std::pair<std::string, std::string>, double> accuracies;
  for (const importer::TableRow& row : table.rows) {
    const std::string& text = row.cells[2];
    double value = 0;
    const char* end = text.data() + text.size();
    if (std::from_chars(text.data(), end, value).ptr != end || !std::isfinite(value) || value <= 0) {
      throw Failure(usage_error(fmt::format("{} line {}: the accuracy is not a number above 0", path, row.line), text,
                                "correct it or leave the row out"));
    }
    accuracies[{row.cells[0], row.cells[1]}] = value;
  }
  return accuracies;
}

}  // namespace

int run_fit(const FitCommandOptions& options) {
  campaign::check_seed(options.seed);
  fit::ReportOptions fitting;
  fitting.fit.seed = options.seed;
  fitting.tdp_w = options.tdp_w;
  fitting.weights = parse_weights(options.weights);
  if (!options.accuracy.empty()) fitting.accuracy = read_accuracies(options.accuracy);
  if (options.tdp_w && !(*options.tdp_w > 0 && *options.tdp_w < 1e6)) {
    throw Failure(usage_error("--tdp is out of range", std::to_string(*options.tdp_w), "give watts above 0"));
  }
  if (options.no_effect_margin && !(*options.no_effect_margin > 0 && *options.no_effect_margin < 1))
    throw Failure(usage_error("--no-effect-margin is out of range", fmt::format("{}", *options.no_effect_margin),
                              "give a share above 0 and below 1, 0.02 say"));
  fitting.no_effect_margin = options.no_effect_margin;
  const auto fitted = fit::make_fit_report(read_results(options.files), fitting).value();
  if (!options.out.empty()) program::write_output(options.out, result::to_fit_json(fit::to_fit_file(fitted)).value());
  program::print_beside(options.out, report::make_fit_text(fitted));
  return program::kDone;
}

int run_compare(const std::vector<std::string>& files, bool json) {
  std::vector<report::NamedResult> results;
  std::size_t number = 0;
  for (auto& file : read_results(files)) results.push_back({files[number++], std::move(file)});
  const auto comparison = report::compare_results(results, {}).value();
  program::print(json ? report::to_json(comparison) : report::to_text(comparison));
  return program::kDone;
}

}  // namespace qtrap::cli
