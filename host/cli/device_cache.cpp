#include "cli/device_cache.hpp"

#include <fmt/format.h>

#include "cli/app.hpp"
#include "cli/process.hpp"
#include "core/clock.hpp"
#include "core/machine_limits.hpp"
#include "measure/cache_sweep.hpp"

namespace qtrap::cli {

measure::CacheFindings find_cache_apart(const DeviceOptions& options, const device::DeviceInfo& info) {
  std::vector<std::string> arguments{"measure-cache", "--output-descriptor", "{pipe}", "--expect"};
  for (auto& text : identity_arguments(info)) arguments.push_back(std::move(text));
  if (!options.kernel_dir.empty()) arguments.insert(arguments.end(), {"--kernel-dir", options.kernel_dir});
  std::string findings;
  std::string error;
  const MonotonicClock clock;
  ProcessCare care;
  care.stop_requests = stop_requests;
  care.clock = &clock;
  care.watchdog_s = options.watchdog_s;
  const ProcessEnd end = run_process(
      std::move(arguments),
      [&](MessageKind kind, const std::string& payload) {
        (kind == MessageKind::kResult ? findings : error) = payload;
      },
      care);
  if (auto parsed = measure::parse_cache_findings(findings)) return parsed.value();
  if (error.empty()) error = "the process of the sweep " + end.words();
  const auto driver = info.cache_bytes > 0 ? std::optional(info.cache_bytes) : std::nullopt;
  return measure::decide_cache(runtime_error("no knee", "", error),
                               measure::read_system_cache(info, read_machine_limits().processors), driver);
}

int run_cache_sweep(const DeviceOptions& options, int output_descriptor) {
  catch_interrupts(0);  // its parent ends it
  try {
    DeviceOptions plain = options;
    plain.probe_apart = false;  // reading needs no capability
    auto device = open_device(plain);
    send_message(output_descriptor, MessageKind::kResult,
                 measure::to_text(measure::find_cache(device, MonotonicClock())));
    return kDone;
  } catch (const Failure& failure) {
    send_message(output_descriptor, MessageKind::kError, failure.error().message());
    return kFailed;
  }
}

KnownDevice open_known_device(const DeviceOptions& options) {
  auto device = open_device(options);
  auto findings = measure::find_cache(device, MonotonicClock());
  device::DeviceInfo info = device.info();
  info.cache_bytes = findings.bytes;
  KnownDevice known{device::Device(info, device.sources()), std::move(findings)};
  return known;
}

}  // namespace qtrap::cli
