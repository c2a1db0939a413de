// meters: every energy meter found or denied, what was looked for, and what would make it work.
#include <fmt/format.h>

#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "core/clock.hpp"
#include "measure/probes.hpp"
#include "power/meters/discovery.hpp"
#include "power/sensor/characterise.hpp"
#include "power/sensor/sensor_store.hpp"
#include "program/devices.hpp"
#include "program/exit_code.hpp"
#include "program/meter_selection.hpp"
#include "program/output.hpp"
#include "report/table.hpp"

namespace qtrap::cli {
namespace {

std::string channels(const power::MeterInfo& info) {
  if (info.has_energy && info.has_power) return "J, W";
  return info.has_energy ? "J" : "W";
}

struct Channel {
  power::MeterChannel channel;
  const char* name;
  bool power::MeterInfo::*there;
};
constexpr Channel kChannels[] = {{power::MeterChannel::kCounter, "energy counter", &power::MeterInfo::has_energy},
                                 {power::MeterChannel::kPower, "power", &power::MeterInfo::has_power}};

report::Value milliseconds(double seconds) { return fmt::format("{:.1f}", 1e3 * seconds); }
report::Value milliseconds(const std::optional<Interval>& seconds) {
  if (!seconds) return std::monostate{};
  return fmt::format("{:.1f} [{:.1f}, {:.1f}]", 1e3 * seconds->value, 1e3 * seconds->low, 1e3 * seconds->high);
}

/// Loads the device, fits the sensor of each channel of its meter, and keeps what is certain enough.
int characterise(const program::DeviceOptions& options) {
  auto device = program::open_device(options);
  const auto source = program::open_meter("auto", device.info());
  if (!source.match.meter) {
    throw Failure(runtime_error("no energy meter for this device", source.match.reason,
                                "see `qtrap meters` for what would help"));
  }
  power::Meter& meter = *source.match.meter;
  const MonotonicClock clock;
  const measure::Timing timing{&device, &clock, true};
  const scheme::PassMaker maker(device, {});
  const auto busy = measure::make_busy_load(maker, timing).value();
  report::Table table;
  table.columns = {
      {"meter", "meter"},         {"board", "board"},       {"channel", "channel"}, {"period_ms", "period ms"},
      {"window_ms", "window ms"}, {"delay_ms", "delay ms"}, {"rise_ms", "rise ms"}, {"confidence", "confidence"},
      {"kept", "kept in"},        {"statement", ""},        {"driver", ""}};
  std::string statements;
  for (const Channel& channel : kChannels) {
    if (!(meter.info().*channel.there)) continue;
    const auto play = power::make_sampled_load(meter, clock, power::make_real_pacing(clock), busy);
    const auto found = power::characterise_sensor(play, channel.channel, 1).value();
    const auto kept = power::store_sensor(program::sensor_store(), meter.info(), channel.channel, found);
    table.rows.push_back({meter.info().id(), meter.info().board, std::string(channel.name),
                          milliseconds(found.period_s), milliseconds(found.window_s), milliseconds(found.delay_s),
                          milliseconds(found.rise_s), to_string(found.confidence),
                          !kept                                         ? kept.error().message()
                          : found.confidence == power::Confidence::kLow ? std::string("not kept: not certain enough")
                                                                        : program::sensor_store().string(),
                          found.statement, meter.info().driver});
    statements += fmt::format("{}: {}\n", channel.name, found.statement);
  }
  program::print(options.json ? report::to_json(table) : report::to_text(table) + "\n" + statements);
  return program::kDone;
}

}  // namespace

int run_meters(const program::DeviceOptions& options, bool characterised) {
  if (characterised) return characterise(options);
  const MonotonicClock clock;
  report::Table table;
  table.columns = {{"meter", "meter"},         {"status", "status"},         {"scope", "scope"},
                   {"unit", "unit"},           {"board", "board"},           {"where", "looked at"},
                   {"period_ms", "period ms"}, {"period_basis", "known by"}, {"reason", "reason"},
                   {"fix", "what helps"}};
  for (const auto& finding : power::discover_meters(power::MeterEnvironment::system(), clock)) {
    if (!finding.meter) {
      table.rows.push_back({finding.name, std::string("not usable"), std::monostate{}, std::monostate{},
                            std::monostate{}, finding.where, std::monostate{}, std::monostate{}, finding.reason,
                            finding.fix});
      continue;
    }
    const auto& info = finding.meter->info();
    const auto stored = power::find_sensors(program::sensor_store(), info);
    const auto sensors = stored ? stored.value() : power::assume_sensors(info);
    const auto& sensor = info.has_energy ? sensors.counter : sensors.power;
    table.rows.push_back({info.id(), std::string("found"), to_string(info.scope), channels(info), info.board,
                          info.source, milliseconds(sensor.period.value()),
                          std::string(sensor.characterised ? "characterised" : "assumed"),
                          stored ? std::string() : stored.error().message(), std::string()});
  }
  program::print(options.json ? report::to_json(table) : report::to_text(table));
  return program::kDone;
}

}  // namespace qtrap::cli
