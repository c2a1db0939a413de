// tune: searches the tunables of a device's kernels and keeps the winners; and how the other commands find them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/device_cache.hpp"
#include "cli/item_rows.hpp"
#include "cli/probing.hpp"
#include "cli/process.hpp"
#include "cli/standard_streams.hpp"
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
  sink.again_alone = true;
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
  const auto error = run_items(make_arguments, sink, {options.device.watchdog_s, {}});
  if (all.empty() && !error.empty())
    throw Failure(runtime_error("no kernel could be tuned", error, "see `qtrap verify` for what works"));
  if (!error.empty()) all.push_back(make_failed_tune_row("all others", error));
  return all;
}

/// Writes `tuned` to `out`, or where that is empty to the store at `path`; says where. A search that was interrupted
/// leaves the store as it is: what an earlier one found there covers more kernels.
std::string keep_tuning(const std::string& tuned, const std::string& out, const std::filesystem::path& path) {
  if (!out.empty()) {
    write_output(out, tuned);
  } else if (stop_was_requested()) {
    return fmt::format("interrupted: {} stays as it was (--out FILE keeps what was found)", path.string());
  } else if (auto done = write_file(path, tuned, true); !done) {
    throw Failure(done.error());
  }
  return fmt::format("kept in {}", path.string());
}

/// A tuning file as read.
struct TuningFile {
  std::filesystem::path path;
  profile::TuningProfile profile;
  scheme::TuningChoices choices;
  std::string text;
};

constexpr const char* kTuneAgain = "run `qtrap tune` again, or give --tuning none";

Result<TuningFile> read_tuning(const std::filesystem::path& path) {
  TuningFile file{path, {}, {}, {}};
  auto text = read_file(path);
  if (!text) return text.error();
  auto profile = profile::parse_tuning(text.value(), path.string());
  if (!profile) return profile.error();
  for (const auto& one : profile.value().choices) {
    auto choice = scheme::parse_choice(one);
    if (!choice) return choice.error();
    file.choices.push_back(choice.value());
  }
  file.profile = std::move(profile).value();
  file.text = std::move(text).value();
  return file;
}

/// Where `auto` looks, in order: the user's own file, then the shipped ones.
std::vector<std::filesystem::path> tuning_candidates(const device::DeviceInfo& device) {
  std::error_code ignored;
  std::vector<std::filesystem::path> paths;
  if (const auto own = tuning_store(device); std::filesystem::exists(own, ignored)) paths.push_back(own);
  for (const auto& folder : profile_folders("devices")) {
    const std::vector<std::filesystem::path> one{folder};
    for (const auto& name : profile::list_profiles(one)) paths.push_back(folder / (name + ".json"));
  }
  return paths;
}

/// The first of `candidates` for this device and driver. A broken one is passed over and becomes a hazard: it may
/// belong to any device, and the defaults always work. One for other kernels counts as none, the user's own one
/// (which names its device in its path) with a hazard.
std::optional<TuningFile> find_tuning(const device::DeviceInfo& device, const std::string& kernels_sha256,
                                      std::string& hazard) {
  for (const auto& path : tuning_candidates(device)) {
    auto file = read_tuning(path);
    if (!file) {
      hazard = fmt::format("a tuning file is broken and not used: {}", file.error().message());
      continue;
    }
    const profile::TuningProfile& its = file.value().profile;
    if (its.device != device.name || its.driver != device.driver) continue;
    if (its.kernels_sha256 == kernels_sha256) return std::move(file).value();
    if (path == tuning_store(device)) {
      hazard = fmt::format("{} is for other kernels and not used: {}", path.string(), kTuneAgain);
      return std::nullopt;
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
  TunedDevice tuned;
  const bool named = spec != "auto";
  auto found = named ? std::optional(read_tuning(spec).value()) : find_tuning(device, kernels_sha256, tuned.hazard);
  if (!found) return tuned;
  if (found->profile.kernels_sha256 != kernels_sha256)
    throw Failure(usage_error("the tuning file is for other kernels", found->path.string(), kTuneAgain));
  tuned.choices = std::move(found->choices);
  tuned.path = found->path.string();
  tuned.sha256 = compute_sha256(found->text);
  return tuned;
}

int run_tune(const TuneCommandOptions& options) {
  const device::DeviceInfo device = choose_probed_device(options.device);
  catch_interrupts(3);  // the second one ends the process that tunes
  const auto path = options.out.empty() ? tuning_store(device) : std::filesystem::path(options.out);
  if (options.out != kStandardOutput) require_writable(path, options.out.empty());
  const auto show = [&](const std::string& kernel) {
    if (!options.quiet) show_progress(kernel);
  };
  TuneCommandOptions known = options;
  known.device.cache = measure::to_text(find_cache_apart(options.device, device));
  const auto all = tune_apart(known, device, show);
  if (!options.quiet) clear_progress();
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
  const std::string tuned = profile::to_json(make_profile(device, kernel_sources(options.device).sha256(), all));
  const std::string kept = keep_tuning(tuned, options.out, path);
  print_beside(options.out, options.device.json ? report::to_json(table) : report::to_text(table) + "\n" + kept + "\n");
  const bool failed = std::any_of(all.begin(), all.end(), [](const auto& one) { return !one.reason.empty(); });
  return stop_was_requested() ? kInterrupted : failed ? kFailed : kDone;
}

}  // namespace qtrap::cli
