// What several commands need: opening a device, finding profiles, writing to stdout.
#include <fcntl.h>
#include <fmt/ranges.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <set>
#include <string_view>

#include "cli/commands.hpp"
#include "cli/probing.hpp"
#include "cli/standard_streams.hpp"
#include "core/descriptor.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "device/driver_trial.hpp"
#include "measure/cache_knee.hpp"
#include "result/check_records.hpp"

namespace qtrap::cli {
namespace {

/// Empty where it is not set.
std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// Long enough for eight boards whose driver wakes each from sleep.
constexpr Seconds kDriverPatience{60.0};

bool leaves_choice(const DeviceOptions& options) { return options.selector.empty() || options.selector == "gpu"; }

device::DeviceInfo select(const device::Discovery& found, const DeviceOptions& options) {
  if (!options.expected.empty()) return device::find_expected(found.devices, parse_identity(options.expected)).value();
  auto chosen = device::select_device(found.devices, options.selector);
  if (chosen) return std::move(chosen).value();
  Error error = chosen.error();
  for (const auto& line : device::describe_missing_gpus(device::SystemView::system(), found.devices))
    error.fix += "; " + line;
  throw Failure(error);
}

/// What must be said of a choice that the program made.
std::vector<std::string> find_choice_hazards(const device::Discovery& found, const device::DeviceInfo& chosen,
                                             const DeviceOptions& options) {
  if (!options.expected.empty() || !leaves_choice(options)) return {};
  auto hazards = device::describe_choice(found.devices, chosen, options.selector);
  if (chosen.type == device::DeviceType::kGpu && !device::is_integrated(chosen)) return hazards;
  for (auto& line : device::describe_missing_gpus(device::SystemView::system(), found.devices))
    hazards.push_back(std::move(line));
  return hazards;
}

}  // namespace

int results_descriptor() {
  static const int descriptor = [] {
    const int copy = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
      const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
      if (nowhere >= 0) ::dup2(nowhere, STDOUT_FILENO);
    }
    return copy;
  }();
  return descriptor;
}

void set_results_apart() { (void)results_descriptor(); }

device::Discovery discover_devices() {
  const auto view = device::SystemView::system();
  device::try_drivers(view, kDriverPatience).value();
  return device::discover(view).value();
}

device::DeviceInfo choose_device(const DeviceOptions& options) {
  // The process that started this one has tried the drivers.
  const auto found =
      options.expected.empty() ? discover_devices() : device::discover(device::SystemView::system()).value();
  device::DeviceInfo info = select(found, options);
  info.choice = find_choice_hazards(found, info, options);
  for (const auto& line : info.choice) tell(line);
  if (!options.cache.empty()) info.cache_bytes = measure::parse_cache_findings(options.cache).value().bytes;
  if (options.variant.empty()) return info;
  const scheme::Variant& variant = require_variant(options.variant);
  if (variant.family == "reference") {
    throw Failure(
        usage_error("reference kernels are not measured", options.variant, "use `qtrap verify --variant reference`"));
  }
  info.forced_family = variant.family;
  info.forced_variant = variant.name;
  return info;
}

std::vector<std::string> identity_arguments(const device::DeviceInfo& info) {
  return {":" + info.id, ":" + info.name, ":" + info.driver};
}

device::ExpectedDevice parse_identity(const std::vector<std::string>& arguments) {
  return {arguments.at(0).substr(1), arguments.at(1).substr(1), arguments.at(2).substr(1)};
}

device::KernelSources kernel_sources(const DeviceOptions& options) {
  return options.kernel_dir.empty() ? device::KernelSources::embedded()
                                    : device::KernelSources::from_folder(options.kernel_dir).value();
}

device::DeviceInfo choose_probed_device(const DeviceOptions& options) {
  device::DeviceInfo info = choose_device(options);
  info.capabilities = find_capabilities(info, options);
  if (options.variant.empty()) return info;
  if (const auto missing = scheme::missing_capability(require_variant(options.variant), info)) {
    throw Failure(usage_error("the device cannot run this kernel variant", options.variant + ": " + *missing,
                              "leave --variant out: the best that works is chosen; `qtrap devices` probes anew"));
  }
  return info;
}

// The probing process first: a GPU in exclusive mode lets in one at a time.
device::Device open_device(const DeviceOptions& options) {
  return {choose_probed_device(options), kernel_sources(options)};
}

const scheme::Variant& require_variant(const std::string& name) {
  if (const scheme::Variant* variant = scheme::find_variant(name)) return *variant;
  std::vector<std::string_view> names;
  for (const scheme::Variant& variant : scheme::all_variants()) names.push_back(variant.name);
  throw Failure(
      usage_error("no kernel variant has this name", name, fmt::format("choose one of {}", fmt::join(names, ", "))));
}

void check_seed(std::uint64_t seed) {
  if (seed > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    throw Failure(usage_error("seed is too large", std::to_string(seed), "choose one below 2^63"));
}

void check_sought_ratio(const char* option, double ratio) {
  if (!(ratio > 0) || ratio == 1 || !std::isfinite(ratio))
    throw Failure(usage_error(fmt::format("{} is no ratio to look for", option), fmt::format("{}", ratio),
                              "give a ratio above 0 that is not 1, 1.05 say"));
}

void require_writable(const std::filesystem::path& path, bool replace) {
  std::error_code code;
  if (replace) std::filesystem::create_directories(path.parent_path(), code);
  if (auto done = check_creatable(path, replace); !done) throw Failure(done.error());
}

std::vector<result::ResultFile> read_results(const std::vector<std::string>& paths) {
  std::vector<result::ResultFile> files;
  std::set<std::string> sessions;
  for (const auto& path : paths) {
    files.push_back(result::read_result(path).value());
    if (auto noted = result::note_sessions(files.back(), path, sessions); !noted) throw Failure(noted.error());
  }
  return files;
}

std::filesystem::path cache_folder() {
  if (const std::string cache = environment("XDG_CACHE_HOME"); !cache.empty())
    return std::filesystem::path(cache) / "qtrap";
  std::string home = environment("HOME");
  if (home.empty()) {  // cron, containers, `env -i`
    const passwd* user = ::getpwuid(::geteuid());
    home = user != nullptr ? user->pw_dir : ".";
  }
  return std::filesystem::path(home) / ".cache" / "qtrap";
}

std::vector<std::filesystem::path> profile_folders(const std::string& kind) {
  std::vector<std::filesystem::path> folders;
  if (const std::string chosen = environment("QTRAP_PROFILES"); !chosen.empty())
    folders.push_back(std::filesystem::path(chosen) / kind);
  std::error_code code;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", code);
  if (!code) {
    folders.push_back(program.parent_path() / ".." / "share" / "qtrap" / "profiles" / kind);
    folders.push_back(program.parent_path() / "profiles" / kind);
  }
  return folders;
}

void write_output(const std::string& out, const std::string& text) {
  if (out == kStandardOutput) return print(text);
  if (auto done = write_file(out, text, false); !done) throw Failure(done.error());
}

void print_beside(const std::string& out, const std::string& text) {
  if (out == kStandardOutput) {
    say(escape_controls(text, "\n\t"));
  } else {
    print(text);
  }
}

void tell(const std::string& line) { say("qtrap: " + escape_controls(line) + "\n"); }

void print(const std::string& output) {
  // Names out of files and drivers stand in every table: none may steer the terminal.
  const std::string text = escape_controls(output, "\n\t");
  const int code = write_all(results_descriptor(), text);
  if (code == 0 || code == EPIPE) return;  // EPIPE: the reader (`| head`) has seen enough
  throw Failure(runtime_error("standard output cannot be written", std::strerror(code),
                              "free space on the disk or check the pipe"));
}

}  // namespace qtrap::cli
