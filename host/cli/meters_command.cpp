// meters: every energy meter found or denied, what was looked for, and what would make it work.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "core/clock.hpp"
#include "power/discovery.hpp"
#include "report/table.hpp"

namespace qtrap::cli {
namespace {

std::string channels(const power::MeterInfo& info) {
  if (info.has_energy && info.has_power) return "J, W";
  return info.has_energy ? "J" : "W";
}

}  // namespace

int run_meters(bool json) {
  const MonotonicClock clock;
  report::Table table;
  table.columns = {{"meter", "meter"}, {"status", "status"},   {"scope", "scope"},   {"unit", "unit"},
                   {"board", "board"}, {"where", "looked at"}, {"reason", "reason"}, {"fix", "what helps"}};
  for (const auto& finding : power::discover_meters(power::MeterEnvironment::system(), clock)) {
    if (finding.meter) {
      const auto& info = finding.meter->info();
      table.rows.push_back({info.id(), std::string("found"), power::to_string(info.scope), channels(info), info.board,
                            info.source, std::string(), std::string()});
    } else {
      table.rows.push_back({finding.name, std::string("not usable"), std::monostate{}, std::monostate{},
                            std::monostate{}, finding.where, finding.reason, finding.fix});
    }
  }
  print(json ? report::to_json(table) : report::to_text(table));
  return kDone;
}

}  // namespace qtrap::cli
