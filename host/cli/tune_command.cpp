// tune: searches the tunables of a device's kernels and keeps the winners; and how the other commands find them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/item_rows.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"
#include "profile/profile.hpp"
#include "program/device_cache.hpp"
#include "program/devices.hpp"
#include "program/exit_code.hpp"
#include "program/output.hpp"
#include "program/probing.hpp"
#include "program/process.hpp"
#include "program/standard_streams.hpp"
#include "program/tuning_selection.hpp"
#include "report/table.hpp"

namespace qtrap::cli {
namespace {

std::string describe_speed(const tune::TunedKernel& tuned) {
  return tuned.choices.empty()
             ? "1"
             : fmt::format("{:.2f} [{:.2f}, {:.2f}]", tuned.speed.value, tuned.speed.low, tuned.speed.high);
}

std::string describe_choices(const tune::TunedKernel& tuned) {
  std::string text;
  for (const auto& choice : tuned.choices)
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", choice.tunable, choice.value);
  return text.empty() ? "default" : text;
}

profile::TuningProfile make_profile(const device::DeviceInfo& device, const std::string& kernels_sha256,
                                    const std::vector<tune::TunedKernel>& all) {
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
std::vector<tune::TunedKernel> tune_apart(const TuneCommandOptions& options, const device::DeviceInfo& device,
                                          const std::function<void(const std::string&)>& show) {
  const MonotonicClock clock;
  const Seconds start = clock.now();
  std::vector<tune::TunedKernel> all;
  program::ItemSink sink;
  sink.again_alone = true;
  sink.on_begin = [&](const std::string& item) {
    const auto tuned = make_failed_tune_row(item, "");
    show(tuned.tokens > 0 ? fmt::format("{} with {} tokens", tuned.kernel, tuned.tokens) : tuned.kernel);
  };
  sink.on_result = [&](const std::string&, const std::string& payload) { all.push_back(decode_tune_row(payload)); };
  sink.on_death = [&](const std::string& item, const program::ProcessEnd& end) {
    all.push_back(make_failed_tune_row(item, "its process " + end.words()));
  };
  const auto make_arguments = [&](std::size_t done) {
    auto arguments = program::make_item_arguments("tune-kernels", device, options.device, done);
    const double left = std::max(0.0, options.search.max_seconds - (clock.now() - start).value());
    arguments.insert(arguments.end(), {"--tokens", fmt::format("{}", fmt::join(options.search.tokens, ",")),
                                       "--max-seconds", fmt::format("{}", left)});
    return arguments;
  };
  const auto error = program::run_items(make_arguments, sink, {options.device.watchdog_s, {}});
  if (all.empty() && !error.empty())
    throw Failure(runtime_error("no kernel could be tuned", error, "see `qtrap verify` for what works"));
  if (!error.empty()) all.push_back(make_failed_tune_row("all others", error));
  return all;
}

/// Writes `tuned` to `out`, or where that is empty to the store at `path`; says where. A search that was interrupted
/// leaves the store as it is: what an earlier one found there covers more kernels.
std::string keep_tuning(const std::string& tuned, const std::string& out, const std::filesystem::path& path) {
  if (!out.empty()) {
    program::write_output(out, tuned);
  } else if (program::stop_was_requested()) {
    return fmt::format("interrupted: {} stays as it was (--out FILE keeps what was found)", path.string());
  } else if (auto done = write_file(path, tuned, true); !done) {
    throw Failure(done.error());
  }
  return fmt::format("kept in {}", path.string());
}

}  // namespace

int run_tune(const TuneCommandOptions& options) {
  const device::DeviceInfo device = program::choose_probed_device(options.device);
  program::catch_interrupts(3);  // the second one ends the process that tunes
  const auto path = options.out.empty() ? program::tuning_store(device) : std::filesystem::path(options.out);
  if (options.out != program::kStandardOutput) program::require_writable(path, options.out.empty());
  const auto show = [&](const std::string& kernel) {
    if (!options.quiet) program::show_progress(kernel);
  };
  TuneCommandOptions known = options;
  known.device.cache = measure::to_text(program::find_cache_apart(options.device, device));
  const auto all = tune_apart(known, device, show);
  if (!options.quiet) program::clear_progress();
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
  const std::string tuned =
      profile::to_json(make_profile(device, program::kernel_sources(options.device).sha256(), all));
  const std::string kept = keep_tuning(tuned, options.out, path);
  program::print_beside(options.out,
                        options.device.json ? report::to_json(table) : report::to_text(table) + "\n" + kept + "\n");
  const bool failed = std::any_of(all.begin(), all.end(), [](const auto& one) { return !one.reason.empty(); });
  return program::stop_was_requested() ? program::kInterrupted : failed ? program::kFailed : program::kDone;
}

}  // namespace qtrap::cli
