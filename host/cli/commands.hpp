// One function per command. Each returns an exit code and throws Failure for what the user must be told.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/watchdog.hpp"
#include "device/device.hpp"
#include "device/discovery.hpp"
#include "device/identity.hpp"
#include "measure/energy.hpp"
#include "measure/tune.hpp"
#include "result/result_file.hpp"
#include "scheme/kernel_table.hpp"
#include "scheme/tuning.hpp"

namespace qtrap::cli {

/// Options that several commands share.
struct DeviceOptions {
  std::string selector;    ///< SEL of the contract; empty: the first GPU, else the CPU
  std::string kernel_dir;  ///< empty: the embedded kernels
  std::string variant;     ///< kernel variant to use wherever an operation has it; empty: the best that is probed
  std::string cache;       ///< measure::to_text() of what is known of the cache; empty: the driver's word
  std::string probes;      ///< format_probes() of what is known of the capabilities; empty: what is kept, or probes
  bool json = false;
  double watchdog_s = kWatchdogSeconds;  ///< see Watchdog
  /// Id, name and driver as identity_arguments() wrote them, in place of the selector: a process that qtrap started for
  /// a device takes no other. Empty: the user's own.
  std::vector<std::string> expected;
};

struct RunOptions {
  DeviceOptions device;
  std::string campaign;  ///< path or name
  std::string meter = "auto";
  std::string tuning = "auto";  ///< auto, none, or the path of a tuning file
  std::string out;
  std::string resume;
  std::string refine;                        ///< result file whose crossings are to be narrowed
  std::optional<std::uint64_t> seed;         ///< none: 1, or that of the resumed file
  std::vector<std::string> overrides;        ///< KEY=VALUE
  std::optional<double> until;               ///< ratio that sessions are added for; none: their number is fixed
  std::optional<std::int64_t> max_sessions;  ///< with `until`: at most so many; none: the campaign's
  bool dry_run = false;
  bool quiet = false;
  bool require_energy = false;
  bool require_gpu = false;
  std::vector<std::string> argv;
};

/// What the parent of a run hands to a session's process.
struct WorkerOptions {
  DeviceOptions device;
  std::string campaign_json;
  std::vector<std::string> cells;     ///< cell ids to measure
  std::vector<std::string> resident;  ///< LAYERS=MODEL: a model may be a path that holds "="
  std::vector<std::string> avoid;     ///< KERNEL=REASON
  std::vector<std::string> lost;      ///< point ids that failed in a worker before this one
  std::vector<std::string> left_out;  ///< ACTIVITY=REASON, likewise
  bool alone = false;                 ///< whether every entry of a kernel file is built without the others
  std::uint64_t seed = 1;
  std::int64_t session_index = 0;
  bool first = false;  ///< of its campaign
  int output_descriptor = -1;
  std::string meter = "auto";
  std::string tuning = "auto";
  std::vector<std::string> argv;
};

/// What a process that works through items is told: the capabilities of a device, its kernels to verify or to tune.
struct ItemWorkerOptions {
  DeviceOptions device;
  std::size_t first = 0;  ///< item to begin with
  bool timer = false;     ///< whether the event timer is checked after the capabilities
  bool alone = false;     ///< whether every entry of a kernel file is built without the others
  int output_descriptor = -1;
};
int run_probe_worker(const ItemWorkerOptions& options);
int run_verify_worker(const ItemWorkerOptions& options, const std::string& kernel);
int run_tune_worker(const ItemWorkerOptions& options, const measure::TuneOptions& search);

/// `verbose`: with what the compiler said of each capability that is missing.
int run_devices(const DeviceOptions& options, bool verbose);
int run_verify(const DeviceOptions& options, const std::string& kernel);
int run_meters(const DeviceOptions& options, bool characterise);
int run_ceilings(const DeviceOptions& options);
/// The process of run_ceilings(): sends its table.
int run_ceilings_worker(const DeviceOptions& options, int output_descriptor);

struct TuneCommandOptions {
  DeviceOptions device;
  measure::TuneOptions search;
  std::string out;  ///< empty: tuning_store()
  bool quiet = false;
};
int run_tune(const TuneCommandOptions& options);
int run_campaign(const RunOptions& options);
int run_worker(const WorkerOptions& options);
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
  RunOptions run;                  ///< campaign and overrides
  std::vector<std::string> files;  ///< result files that tell the spread; empty: the shipped reference
  double ratio = 1.05;             ///< to be told from 1
  double power = 0.8;              ///< with this probability
  bool json = false;
};
int run_plan(const PlanOptions& options);
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

/// The kernel variant of this name; throws Failure (usage) that lists all.
const scheme::Variant& require_variant(const std::string& name);

/// The selected device with its kernel variant forced if `options` name one. Loads the drivers, in a child process
/// first. Says on standard error which of several GPUs was taken, and what GPU of the machine OpenCL does not offer.
/// The lines are kept in `choice`. Throws Failure.
device::DeviceInfo choose_device(const DeviceOptions& options);
/// A device's id, name and driver as arguments, each behind a colon: the texts are a driver's and may be empty or look
/// like options; and back.
std::vector<std::string> identity_arguments(const device::DeviceInfo& info);
device::ExpectedDevice parse_identity(const std::vector<std::string>& arguments);
/// The kernels that `options` name; throws Failure (usage) for a folder without any.
device::KernelSources kernel_sources(const DeviceOptions& options);
/// choose_device() with what its probes gave, now, before or to the process that started this one; throws Failure also
/// where it cannot run a forced variant.
device::DeviceInfo choose_probed_device(const DeviceOptions& options);
/// Opens choose_probed_device(); throws Failure.
device::Device open_device(const DeviceOptions& options);
/// Every device, with what is installed and gives none; loads the drivers as choose_device() does.
device::Discovery discover_devices();

/// The meter that `spec` (SPEC of the contract) gives for a device, with its sensors as characterised before or
/// assumed; throws Failure for a bad spec, an ambiguous device, or a meter asked for that cannot be used. Takes up to a
/// second.
measure::EnergySource open_meter(const std::string& spec, const device::DeviceInfo& device);

/// $XDG_CACHE_HOME, or ~/.cache (of the user's entry where HOME is not set), then qtrap.
std::filesystem::path cache_folder();

/// Where characterised sensors are kept: cache_folder()/sensors.tsv.
std::filesystem::path sensor_store();

/// Where `tune` keeps the tunables of a device: cache_folder()/tuning/DEVICE-DRIVER.json.
std::filesystem::path tuning_store(const device::DeviceInfo& device);

/// What replaces the default tunables of a run.
struct TunedDevice {
  scheme::TuningChoices choices;
  std::optional<std::string> path;    ///< of the file; none: the defaults
  std::optional<std::string> sha256;  ///< of its text
  std::string hazard;                 ///< why a file that was found is not used; empty: it is, or there is none
};

/// The tuning that `spec` (auto, none or a path) gives: with auto tuning_store(), else the file in profiles/devices/ of
/// this device, driver and kernels. A stored file for other kernels is left out with auto; throws Failure where it was
/// named.
TunedDevice open_tuning(const std::string& spec, const device::DeviceInfo& device, const std::string& kernels_sha256);

/// Folders searched for `kind` ("models", "campaigns", "imports" or "devices"): QTRAP_PROFILES, as installed, beside
/// the executable (where the build links the source tree's).
std::vector<std::filesystem::path> profile_folders(const std::string& kind);

/// Refuses a seed that no file can hold; throws Failure (usage).
void check_seed(std::uint64_t seed);
/// Refuses a ratio to look for that is 1 or no ratio; `option` is named. Throws Failure (usage).
void check_sought_ratio(const char* option, double ratio);

/// Refuses an output before the work for it begins; throws Failure (usage). The file itself does not appear yet.
/// `replace`: one that exists is no error, and its folder is made.
void require_writable(const std::filesystem::path& path, bool replace);

/// Keeps a copy of standard output for print() and points standard output itself at standard error, so that nothing a
/// driver or a vendor's library prints falls between results. To be called once, before anything is loaded.
void set_results_apart();
/// That copy.
int results_descriptor();

/// "qtrap: LINE" on standard error, control characters made visible; nothing where it cannot be written.
void tell(const std::string& line);

/// `--out -` of every command that has --out: what would fill the file goes to standard output.
inline constexpr const char* kStandardOutput = "-";

/// Writes a whole new file, or to stdout where `out` is kStandardOutput; throws Failure.
void write_output(const std::string& out, const std::string& text);
/// Prints what tells of an output written to `out`: to stderr where stdout holds the output itself.
void print_beside(const std::string& out, const std::string& text);

/// Writes results to stdout, control characters made visible; throws Failure when that fails (a full disk behind a
/// redirection). A pipe that nobody reads any more is no failure.
void print(const std::string& output);

}  // namespace qtrap::cli
