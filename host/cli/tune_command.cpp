// tune: searches the tunables of a device's kernels and keeps the winners; and how the other commands find them.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/item_rows.hpp"
#include "cli/probing.hpp"
#include "cli/process.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"
#include "profile/profile.hpp"
#include "report/table.hpp"

namespace qtrap::cli {
namespace {

std::string describe_speed(const measure::TunedKernel& tuned) {
  return tuned.choices.empty()
             ? "1"
             : fmt::format("{:.2f} [{:.2f}, {:.2f}]", tuned.speed.value, tuned.speed.low, tuned.speed.high);
}

std::string describe_choices(const measure::TunedKernel& tuned) {
  std::string text;
  for (const auto& choice : tuned.choices)
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", choice.tunable, choice.value);
  return text.empty() ? "default" : text;
}

profile::TuningProfile make_profile(const device::DeviceInfo& device, const std::string& kernels_sha256,
                                    const std::vector<measure::TunedKernel>& all) {
  profile::TuningProfile made{device.name, device.driver, kernels_sha256, {}, {}};
  for (const auto& tuned : all) {
    for (const auto& choice : tuned.choices) made.choices.push_back(scheme::to_string(choice));
    if (tuned.choices.empty()) continue;
    const std::string tokens = tuned.tokens > 0 ? fmt::format("@{}", tuned.tokens) : "";
    made.measured.push_back(
        fmt::format("{}{}: {} of the default's speed", tuned.kernel, tokens, describe_speed(tuned)));
  }
  return made;
}

/// One row per kernel, by processes of their own: a kernel that one dies of keeps its defaults.
std::vector<measure::TunedKernel> tune_apart(const TuneCommandOptions& options, const device::DeviceInfo& device,
                                             const std::function<void(const std::string&)>& show) {
  const MonotonicClock clock;
  const Seconds start = clock.now();
  std::vector<measure::TunedKernel> all;
  ItemSink sink;
  sink.on_begin = [&](const std::string& item) {
    const auto tuned = make_failed_tune_row(item, "");
    show(tuned.tokens > 0 ? fmt::format("{} with {} tokens", tuned.kernel, tuned.tokens) : tuned.kernel);
  };
  sink.on_result = [&](const std::string&, const std::string& payload) { all.push_back(decode_tune_row(payload)); };
  sink.on_death = [&](const std::string& item, const ProcessEnd& end) {
    all.push_back(make_failed_tune_row(item, "its process " + end.words()));
  };
  const auto make_arguments = [&](std::size_t done) {
    auto arguments = make_item_arguments("tune-kernels", device, options.device, done);
    const double left = std::max(0.0, options.search.max_seconds - (clock.now() - start).value());
    arguments.insert(arguments.end(), {"--tokens", fmt::format("{}", fmt::join(options.search.tokens, ",")),
                                       "--max-seconds", fmt::format("{}", left)});
    return arguments;
  };
  const auto error = run_items(make_arguments, sink, {stop_requests, &clock, options.device.watchdog_s, {}});
  if (all.empty() && !error.empty())
    throw Failure(runtime_error("no kernel could be tuned", error, "see `qtrap verify` for what works"));
  if (!error.empty()) all.push_back(make_failed_tune_row("all others", error));
  return all;
}

/// A tuning file as read.
struct TuningFile {
  std::filesystem::path path;
  profile::TuningProfile profile;
  std::string text;
};

TuningFile read_tuning(const std::filesystem::path& path) {
  const std::string text = read_file(path).value();
  return {path, profile::parse_tuning(text, path.string()).value(), text};
}

/// The file that `auto` takes; none where there is none for this device and driver. A shipped one for other kernels
/// counts as none.
std::optional<TuningFile> find_tuning(const device::DeviceInfo& device, const std::string& kernels_sha256) {
  std::error_code ignored;
  const auto own = tuning_store(device);
  if (std::filesystem::exists(own, ignored)) return read_tuning(own);
  for (const auto& folder : profile_folders("devices")) {
    const std::vector<std::filesystem::path> one{folder};
    for (const auto& name : profile::list_profiles(one)) {
      TuningFile shipped = read_tuning(folder / (name + ".json"));
      const profile::TuningProfile& its = shipped.profile;
      if (its.device == device.name && its.driver == device.driver && its.kernels_sha256 == kernels_sha256)
        return shipped;
    }
  }
  return std::nullopt;
}

}  // namespace

std::filesystem::path tuning_store(const device::DeviceInfo& device) {
  std::string name = device.name + "-" + device.driver;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '.' && c != '-'; }, '_');
  return cache_folder() / "tuning" / (name + ".json");
}

TunedDevice open_tuning(const std::string& spec, const device::DeviceInfo& device, const std::string& kernels_sha256) {
  if (spec == "none") return {};
  const bool named = spec != "auto";
  const auto found = named ? std::optional(read_tuning(spec)) : find_tuning(device, kernels_sha256);
  if (!found) return {};
  if (found->profile.kernels_sha256 != kernels_sha256) {
    const char* fix = "run `qtrap tune` again, or give --tuning none";
    if (named) throw Failure(usage_error("the tuning file is for other kernels", found->path.string(), fix));
    TunedDevice tuned;
    tuned.hazard = fmt::format("{} is for other kernels and not used: {}", found->path.string(), fix);
    return tuned;
  }
  TunedDevice tuned;
  for (const auto& text : found->profile.choices) tuned.choices.push_back(scheme::parse_choice(text).value());
  tuned.path = found->path.string();
  tuned.sha256 = compute_sha256(found->text);
  return tuned;
}

int run_tune(const TuneCommandOptions& options) {
  const device::DeviceInfo device = choose_probed_device(options.device);
  catch_interrupts(3);  // the second one ends the process that tunes
  const auto path = options.out.empty() ? tuning_store(device) : std::filesystem::path(options.out);
  require_writable(path, options.out.empty());
  const bool terminal = isatty(STDERR_FILENO) == 1;
  const auto show = [&](const std::string& kernel) {
    if (options.quiet) return;
    fmt::print(stderr, "{}{}{}", terminal ? "\r\x1b[K" : "", kernel, terminal ? "" : "\n");
    std::fflush(stderr);
  };
  const auto all = tune_apart(options, device, show);
  if (terminal && !options.quiet) fmt::print(stderr, "\r\x1b[K");
  report::Table table;
  table.columns = {
      {"kernel", "kernel"},    {"tokens", "tokens"},   {"choices", "tunables"},  {"speed", "speed of the default's"},
      {"candidates", "tried"}, {"refused", "refused"}, {"complete", "all tried"}};
  for (const auto& tuned : all) {
    const auto count = [](auto value) { return report::Value(static_cast<std::int64_t>(value)); };
    table.rows.push_back(
        {tuned.kernel, tuned.tokens > 0 ? count(tuned.tokens) : report::Value(std::monostate{}),
         describe_choices(tuned), describe_speed(tuned), count(tuned.candidates), count(tuned.refused),
         !tuned.reason.empty() ? tuned.reason : std::string(tuned.complete ? "yes" : "no, out of time")});
  }
  if (auto done = write_file(path, profile::to_json(make_profile(device, kernel_sources(options.device).sha256(), all)),
                             options.out.empty());
      !done)
    throw Failure(done.error());
  print(options.device.json ? report::to_json(table)
                            : report::to_text(table) + fmt::format("\nkept in {}\n", path.string()));
  const bool failed = std::any_of(all.begin(), all.end(), [](const auto& tuned) { return !tuned.reason.empty(); });
  return stop_was_requested() ? kInterrupted : failed ? kFailed : kDone;
}

}  // namespace qtrap::cli
