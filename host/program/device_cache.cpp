#include "program/device_cache.hpp"

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/machine_limits.hpp"
#include "measure/ceilings/cache_sweep.hpp"
#include "program/exit_code.hpp"
#include "program/probing.hpp"
#include "program/process.hpp"

namespace qtrap::program {

measure::CacheFindings find_cache_apart(const DeviceOptions& options, const device::DeviceInfo& info) {
  DeviceOptions unforced = options;  // reading has one kernel
  unforced.variant.clear();
  std::string findings;
  std::string error;
  const ProcessEnd end = run_process(make_worker_arguments("measure-cache", info, unforced),
                                     [&](MessageKind kind, const std::string& payload) {
                                       (kind == MessageKind::kResult ? findings : error) = payload;
                                     },
                                     {options.watchdog_s, {}});
  if (auto parsed = measure::parse_cache_findings(findings)) return parsed.value();
  if (error.empty()) error = "the process of the sweep " + end.words();
  const auto driver = info.cache_bytes > 0 ? std::optional(info.cache_bytes) : std::nullopt;
  return measure::decide_cache(runtime_error("no knee", "", error),
                               measure::read_system_cache(info, read_machine_limits().processors), driver);
}

int run_cache_sweep(const DeviceOptions& options, int output_descriptor) {
  return run_as_worker(output_descriptor, [&] {
    auto device = open_device(options);
    send_message(output_descriptor, MessageKind::kResult,
                 measure::to_text(measure::find_cache(device, MonotonicClock())));
    return kDone;
  });
}

std::optional<measure::CacheFindings> recall_cache(const result::SessionRecord& session) {
  const result::Ceilings& c = session.ceilings;
  if (!c.cache_basis) return std::nullopt;
  const auto number = [](const std::optional<std::int64_t>& value) {
    return value ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
  };
  measure::CacheFindings findings{number(c.cache_bytes).value_or(0), *c.cache_basis,
                                  c.cache_status.value_or(""),       {},
                                  number(c.cache_system_bytes),      number(c.cache_driver_bytes)};
  if (c.cache_bytes_low && c.cache_bytes_high)
    findings.knee = measure::CacheKnee{findings.bytes, *number(c.cache_bytes_low), *number(c.cache_bytes_high)};
  return findings;
}

}  // namespace qtrap::program
