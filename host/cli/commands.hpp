// One function per command. Each returns an exit code and throws Failure for what the user must be told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "campaign/run.hpp"
#include "program/devices.hpp"
#include "program/probing.hpp"
#include "result/result_file.hpp"
#include "tune/tune.hpp"

namespace qtrap::cli {

int run_verify_worker(const program::ItemWorkerOptions& options, const std::string& kernel);
int run_tune_worker(const program::ItemWorkerOptions& options, const tune::TuneOptions& search);

/// `verbose`: with what the compiler said of each capability that is missing.
int run_devices(const program::DeviceOptions& options, bool verbose);
int run_verify(const program::DeviceOptions& options, const std::string& kernel);
int run_meters(const program::DeviceOptions& options, bool characterise);
int run_ceilings(const program::DeviceOptions& options);
/// The process of run_ceilings(): sends its table.
int run_ceilings_worker(const program::DeviceOptions& options, int output_descriptor);

struct TuneCommandOptions {
  program::DeviceOptions device;
  tune::TuneOptions search;
  std::string out;  ///< empty: tuning_store()
  bool quiet = false;
};
int run_tune(const TuneCommandOptions& options);
int run_check(const std::vector<std::string>& files);
int run_export(const std::vector<std::string>& files, const std::string& format, const std::string& records,
               const std::string& out);
/// Maps: a path, or the name of a file in profiles/imports/.
struct ImportOptions {
  std::string table, map, out;
  std::string anchor;      ///< table whose f16 serves where the first has none; empty: none
  std::string anchor_map;  ///< of that table; empty: `map`
  std::vector<std::string> argv;
};
int run_import(const ImportOptions& options);
struct PlanOptions {
  campaign::RunOptions run;        ///< campaign and overrides
  std::vector<std::string> files;  ///< result files that tell the spread; empty: the shipped reference
  double ratio = 1.05;             ///< to be told from 1
  double power = 0.8;              ///< with this probability
  bool json = false;
};
int run_plan(const PlanOptions& options);
/// A .gguf, a .safetensors, an index of such or their folder.
struct WeightsOptions {
  std::string path;
  bool json = false;
  std::string text;  ///< to be told in the tokens of the file; empty: none
  std::string out;   ///< where the shape goes as a model profile; empty: nowhere
};
int run_weights(const WeightsOptions& options);
int run_compare(const std::vector<std::string>& files, bool json);

struct FitCommandOptions {
  std::vector<std::string> files;
  std::string out;
  std::optional<double> tdp_w;
  std::vector<std::string> weights;  ///< CRITERION=EXPONENT
  std::string accuracy;              ///< table with the columns model, scheme and accuracy
  std::uint64_t seed = 1;
  std::optional<double> no_effect_margin;  ///< none: that of the files
};
int run_fit(const FitCommandOptions& options);

/// Reads result files, each once; throws Failure (usage) for one that breaks a rule, or a session given twice.
std::vector<result::ResultFile> read_results(const std::vector<std::string>& paths);

}  // namespace qtrap::cli
