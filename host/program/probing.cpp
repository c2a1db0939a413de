#include "program/probing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "core/file.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "device/probe.hpp"
#include "program/exit_code.hpp"
#include "program/folders.hpp"
#include "program/parts.hpp"
#include "program/process.hpp"
#include "program/version.hpp"

namespace qtrap::program {
namespace {

constexpr const char* kTimer = "event timer";
constexpr const char* kHeader = "qtrap probes 1";
constexpr const char* kLastLine = "end";
/// In characters; an argument holds 128 KiB, more than all rows at four bytes a character.
constexpr std::size_t kLongestReason = 500;

std::filesystem::path cache_file(const std::string& key) {
  return cache_folder() / "probes" / (key.substr(0, 32) + ".txt");
}

void keep_probes(const std::string& key, const std::vector<device::Capability>& capabilities) {
  std::error_code ignored;
  const auto path = cache_file(key);
  std::filesystem::create_directories(path.parent_path(), ignored);
  (void)write_file(path, format_probes(key, capabilities), true);  // without a cache it is asked again
}

}  // namespace

std::vector<std::string> make_worker_arguments(const char* command, const device::DeviceInfo& info,
                                               const DeviceOptions& options) {
  std::vector<std::string> arguments{command, "--output-descriptor", "{pipe}", "--expect"};
  for (auto& text : identity_arguments(info)) arguments.push_back(std::move(text));
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) arguments.insert(arguments.end(), {name, value});
  };
  add("--kernel-dir", options.kernel_dir);
  add("--variant", options.variant);
  add("--cache", options.cache);
  if (!info.capabilities.empty())
    add("--probes", format_probes(make_probe_key(info, kernel_sources(options).sha256()), info.capabilities));
  return arguments;
}

std::vector<std::string> make_item_arguments(const char* command, const device::DeviceInfo& info,
                                             const DeviceOptions& options, std::size_t first) {
  auto arguments = make_worker_arguments(command, info, options);
  arguments.insert(arguments.end(), {"--first", std::to_string(first)});
  return arguments;
}

std::string make_probe_key(const device::DeviceInfo& info, const std::string& kernels_sha256) {
  return compute_sha256(
      join_parts({info.platform, info.platform_version, info.name, info.vendor, info.driver, info.c_version,
                  info.extensions, kernels_sha256, version().number, version().commit}));
}

std::string format_probes(const std::string& key, const std::vector<device::Capability>& capabilities) {
  std::string text = fmt::format("{} {}\n", kHeader, key);
  for (const auto& capability : capabilities) {
    std::string reason = capability.reason;
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    reason = cut_to_width(escape_controls(reason), kLongestReason);
    text += join_parts({capability.name, capability.probed.value_or(false) ? "1" : "0", reason}) + "\n";
  }
  return text + kLastLine + "\n";
}

std::optional<std::vector<device::Capability>> parse_probes(const std::string& text, const std::string& key,
                                                            const device::DeviceInfo& info) {
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  const std::size_t count = device::count_capabilities();
  if (lines.size() != count + 2 || lines.front() != fmt::format("{} {}", kHeader, key) || lines.back() != kLastLine)
    return std::nullopt;
  std::vector<device::Capability> capabilities;
  for (std::size_t i = 0; i < count; ++i) {
    device::Capability capability = device::declared_capability(info, i);
    Parts parts(lines[i + 1]);
    const auto name = parts.next();
    const auto works = parts.next();
    if (!name || *name != capability.name || !works || (*works != "0" && *works != "1")) return std::nullopt;
    capability.probed = *works == "1";
    parts.take(capability.reason);
    capabilities.push_back(std::move(capability));
  }
  return capabilities;
}

ProbedDevice probe_device(const device::DeviceInfo& info, const DeviceOptions& options, bool timer) {
  ProbedDevice probed;
  const ProcessCare care{options.watchdog_s, {}, false};
  const auto add = [&](const std::string& name, bool works, const std::string& reason) {
    if (name == kTimer) {
      probed.timer = device::EventTimerCheck{works, reason};
      return;
    }
    device::Capability capability = device::declared_capability(info, probed.capabilities.size());
    capability.probed = works;
    capability.reason = reason;
    probed.capabilities.push_back(std::move(capability));
  };
  ItemSink sink;
  sink.on_result = [&](const std::string& name, const std::string& payload) {
    Parts parts(payload);
    bool works = false;
    std::string reason;
    parts.take(works);
    parts.take(reason);
    add(name, works, reason);
  };
  sink.on_death = [&](const std::string& name, const ProcessEnd& end) {
    if (end.signal == SIGKILL || end.signal == SIGTERM || end.silent_s > 0) probed.lasting = false;
    add(name, false, "the driver's process " + end.words());
  };
  const auto make_arguments = [&](std::size_t done) {
    DeviceOptions unforced = options;
    unforced.variant.clear();
    auto arguments = make_item_arguments("probe-device", info, unforced, done);
    if (timer && !probed.timer) arguments.emplace_back("--timer");
    return arguments;
  };
  probed.error = run_items(make_arguments, sink, care);
  const bool complete = probed.capabilities.size() == device::count_capabilities();
  if (!complete && probed.error.empty()) probed.error = "interrupted";
  if (complete && probed.lasting)
    keep_probes(make_probe_key(info, kernel_sources(options).sha256()), probed.capabilities);
  return probed;
}

std::vector<device::Capability> complete_rows(const device::DeviceInfo& info, const ProbedDevice& probed) {
  auto rows = probed.capabilities;
  while (rows.size() < device::count_capabilities()) {
    rows.push_back(device::declared_capability(info, rows.size()));
    rows.back().probed = false;
    rows.back().reason = probed.error;
  }
  return rows;
}

std::vector<device::Capability> find_capabilities(const device::DeviceInfo& info, const DeviceOptions& options) {
  const std::string key = make_probe_key(info, kernel_sources(options).sha256());
  if (auto handed = parse_probes(options.probes, key, info)) return *handed;
  constexpr std::size_t kMostBytes = 1 << 20;
  if (const auto kept = read_file(cache_file(key), kMostBytes)) {
    if (auto capabilities = parse_probes(kept.value(), key, info)) return *capabilities;
  }
  return complete_rows(info, probe_device(info, options, false));
}

int run_probe_worker(const ItemWorkerOptions& options) {
  const int pipe = options.output_descriptor;
  const auto answer = [&](bool works, const std::string& reason) {
    send_message(pipe, MessageKind::kResult, join_parts({works ? "1" : "0", reason}));
  };
  return run_as_worker(pipe, [&] {
    device::Device device(choose_device(options.device), kernel_sources(options.device));
    device.set_watch([&](const device::Step&) { send_message(pipe, MessageKind::kActivity, ""); });
    for (std::size_t i = options.first; i < device::count_capabilities(); ++i) {
      send_message(pipe, MessageKind::kItem, device::declared_capability(device.info(), i).name);
      const device::Capability capability = device::probe_capability(device, i);
      answer(*capability.probed, capability.reason);
      if (*capability.probed || device.still_works()) continue;
      send_message(pipe, MessageKind::kDeviceError, "");
      return kFailed;
    }
    if (!options.timer) return kDone;
    send_message(pipe, MessageKind::kItem, kTimer);
    try {
      const auto timer = device.check_event_timer();
      answer(timer.trusted, timer.reason);
    } catch (const device::DeviceError& error) {  // the device opened and its probes ran: no more than the timer fails
      answer(false, error.error().message());
    }
    return kDone;
  });
}

}  // namespace qtrap::program
