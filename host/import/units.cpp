#include "import/units.hpp"

#include <array>

namespace qtrap::importer {
namespace {

constexpr double kJoulesPerKwh = 3.6e6;

constexpr std::array<Unit, 7> kTimeUnits{{
    {"tokens/s", 1, Per::kToken, true, "throughput, tokens of all sequences together"},
    {"s/token", 1, Per::kToken, false, "time over tokens of all sequences"},
    {"ms/token", 1e-3, Per::kToken, false, "time over tokens of all sequences"},
    {"s/step", 1, Per::kStep, false, "latency of a step"},
    {"ms/step", 1e-3, Per::kStep, false, "latency of a step"},
    {"s", 1, Per::kRun, false, "of the whole run; needs tokens"},
    {"ms", 1e-3, Per::kRun, false, "of the whole run; needs tokens"},
}};

constexpr std::array<Unit, 9> kEnergyUnits{{
    {"J/1k tokens", 1e-3, Per::kToken, false, "joules per thousand tokens"},
    {"J/token", 1, Per::kToken, false, "joules per token"},
    {"mJ/token", 1e-3, Per::kToken, false, "millijoules per token"},
    {"J/step", 1, Per::kStep, false, "joules per step"},
    {"kWh/1k tokens", kJoulesPerKwh / 1000, Per::kToken, false, "kilowatt-hours per thousand tokens"},
    {"tokens/kWh", kJoulesPerKwh, Per::kToken, true, "tokens per kilowatt-hour"},
    {"J", 1, Per::kRun, false, "of the whole run; needs tokens"},
    {"kWh", kJoulesPerKwh, Per::kRun, false, "of the whole run; needs tokens"},
    {"W", 1, Per::kTime, false, "mean power; energy is power x time"},
}};

}  // namespace

std::span<const Unit> time_units() { return kTimeUnits; }

std::span<const Unit> energy_units() { return kEnergyUnits; }

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

std::optional<double> convert_to_step(const Unit& unit, double value, const Spread& spread) {
  const double scaled = unit.inverse ? unit.factor / value : unit.factor * value;
  switch (unit.per) {
    case Per::kToken:
      return scaled * spread.batch;
    case Per::kStep:
      return scaled;
    case Per::kRun:
      if (!spread.tokens) return std::nullopt;
      return scaled / *spread.tokens * spread.batch;
    case Per::kTime:
      if (!spread.time_s) return std::nullopt;
      return scaled * *spread.time_s;
  }
  return std::nullopt;
}

}  // namespace qtrap::importer
