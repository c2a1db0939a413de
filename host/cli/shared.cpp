// What several commands need: opening a device, finding profiles, writing to stdout.
#include <fmt/ranges.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "cli/commands.hpp"
#include "cli/probing.hpp"
#include "cli/standard_streams.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "result/check_records.hpp"

namespace qtrap::cli {
namespace {

/// Empty where it is not set.
std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

device::DeviceInfo choose_device(const DeviceOptions& options) {
  auto info = device::select_device(device::list_devices().value(), options.selector).value();
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
  return {options.probe_apart ? choose_probed_device(options) : choose_device(options), kernel_sources(options)};
}

const scheme::Variant& require_variant(const std::string& name) {
  if (const scheme::Variant* variant = scheme::find_variant(name)) return *variant;
  std::vector<std::string_view> names;
  for (const scheme::Variant& variant : scheme::all_variants()) names.push_back(variant.name);
  throw Failure(
      usage_error("no kernel variant has this name", name, fmt::format("choose one of {}", fmt::join(names, ", "))));
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

void print(const std::string& output) {
  // Names out of files and drivers stand in every table: none may steer the terminal.
  const std::string text = escape_controls(output, "\n\t");
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    if (errno == EPIPE) return;  // the reader (`| head`) has seen enough
    throw Failure(runtime_error("standard output cannot be written", "", "free space on the disk or check the pipe"));
  }
}

}  // namespace qtrap::cli
