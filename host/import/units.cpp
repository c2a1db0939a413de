#include "import/units.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "import/numbers.hpp"

namespace qtrap::importer {
namespace {

constexpr double kJoulesPerWh = 3600;
constexpr double kJoulesPerKwh = 3.6e6;

constexpr Unit kTimeUnits[] = {
    {"tokens/s", 1, Per::kToken, true, "throughput, tokens of all sequences together"},
    {"s/token", 1, Per::kToken, false, "time over tokens of all sequences"},
    {"ms/token", 1e-3, Per::kToken, false, "time over tokens of all sequences"},
    {"s/step", 1, Per::kStep, false, "latency of a step"},
    {"ms/step", 1e-3, Per::kStep, false, "latency of a step"},
    {"s", 1, Per::kRun, false, "of the whole run; needs tokens or steps"},
    {"ms", 1e-3, Per::kRun, false, "of the whole run; needs tokens or steps"},
    {"us", 1e-6, Per::kRun, false, "of the whole run; needs tokens or steps"},
    {"ns", 1e-9, Per::kRun, false, "of the whole run; needs tokens or steps"},
    {"min", 60, Per::kRun, false, "of the whole run; needs tokens or steps"},
    {"h", 3600, Per::kRun, false, "of the whole run; needs tokens or steps"},
    {"us/token", 1e-6, Per::kToken, false, "time over tokens of all sequences"},
    {"us/step", 1e-6, Per::kStep, false, "latency of a step"},
    {"steps/s", 1, Per::kStep, true, "steps per second; of one sequence alone its tokens per second"},
    {"tokens/min", 60, Per::kToken, true, "throughput, tokens of all sequences together"},
    {"MLUP/s", 1e-6, Per::kStep, true, "million lattice updates per second; a step is one update"},
};

constexpr Unit kEnergyUnits[] = {
    {"J/1k tokens", 1e-3, Per::kToken, false, "joules per thousand tokens"},
    {"J/token", 1, Per::kToken, false, "joules per token"},
    {"mJ/token", 1e-3, Per::kToken, false, "millijoules per token"},
    {"J/step", 1, Per::kStep, false, "joules per step"},
    {"kWh/1k tokens", kJoulesPerKwh / 1000, Per::kToken, false, "kilowatt-hours per thousand tokens"},
    {"tokens/kWh", kJoulesPerKwh, Per::kToken, true, "tokens per kilowatt-hour"},
    {"J", 1, Per::kRun, false, "of the whole run; needs tokens or steps"},
    {"kWh", kJoulesPerKwh, Per::kRun, false, "of the whole run; needs tokens or steps"},
    {"W", 1, Per::kTime, false, "mean power; energy is power x time"},
    {"mJ", 1e-3, Per::kRun, false, "of the whole run; needs tokens or steps"},
    {"kJ", 1e3, Per::kRun, false, "of the whole run; needs tokens or steps"},
    {"MJ", 1e6, Per::kRun, false, "of the whole run; needs tokens or steps"},
    {"mWh", kJoulesPerWh / 1000, Per::kRun, false, "of the whole run; needs tokens or steps"},
    {"Wh", kJoulesPerWh, Per::kRun, false, "of the whole run; needs tokens or steps"},
    {"uJ/token", 1e-6, Per::kToken, false, "microjoules per token"},
    {"mWh/token", kJoulesPerWh / 1000, Per::kToken, false, "milliwatt-hours per token"},
    {"Wh/token", kJoulesPerWh, Per::kToken, false, "watt-hours per token"},
    {"kWh/token", kJoulesPerKwh, Per::kToken, false, "kilowatt-hours per token"},
    {"kJ/1k tokens", 1, Per::kToken, false, "kilojoules per thousand tokens"},
    {"Wh/1k tokens", kJoulesPerWh / 1e3, Per::kToken, false, "watt-hours per thousand tokens"},
    {"J/1M tokens", 1e-6, Per::kToken, false, "joules per million tokens"},
    {"kJ/1M tokens", 1e-3, Per::kToken, false, "kilojoules per million tokens"},
    {"Wh/1M tokens", kJoulesPerWh / 1e6, Per::kToken, false, "watt-hours per million tokens"},
    {"kWh/1M tokens", kJoulesPerKwh / 1e6, Per::kToken, false, "kilowatt-hours per million tokens"},
    {"mJ/step", 1e-3, Per::kStep, false, "millijoules per step"},
    {"Wh/step", kJoulesPerWh, Per::kStep, false, "watt-hours per step"},
    {"tokens/J", 1, Per::kToken, true, "tokens per joule"},
    {"tokens/Wh", kJoulesPerWh, Per::kToken, true, "tokens per watt-hour"},
    {"tokens/s/W", 1, Per::kToken, true, "throughput per watt, which is tokens per joule"},
    {"mW", 1e-3, Per::kTime, false, "mean power; energy is power x time"},
    {"kW", 1e3, Per::kTime, false, "mean power; energy is power x time"},
};

/// Spellings of one word of units, the first of which is the one. Case counts where it tells mega from milli.
struct Spellings {
  std::string_view word;
  std::array<std::string_view, 8> others;
};
constexpr Spellings kWords[] = {
    {"s", {"sec", "secs", "second", "seconds"}},
    {"ms", {"msec", "msecs", "millisecond", "milliseconds"}},
    {"us", {"\u00b5s", "\u03bcs", "usec", "microsecond", "microseconds"}},
    {"ns", {"nsec", "nanosecond", "nanoseconds"}},
    {"min", {"mins", "minute", "minutes"}},
    {"h", {"hr", "hrs", "hour", "hours"}},
    {"W", {"Watt", "watt", "Watts", "watts"}},
    {"mW", {"milliwatt", "milliwatts"}},
    {"kW", {"KW", "kilowatt", "kilowatts"}},
    {"J", {"Joule", "joule", "Joules", "joules"}},
    {"uJ", {"\u00b5J", "\u03bcJ", "microjoule", "microjoules"}},
    {"mJ", {"millijoule", "millijoules"}},
    {"kJ", {"KJ", "kilojoule", "kilojoules"}},
    {"MJ", {"megajoule", "megajoules"}},
    {"Wh", {"W\u00b7h", "W*h", "watt-hour", "watt-hours", "watt hour", "watt hours"}},
    {"mWh", {"milliwatt-hour", "milliwatt-hours"}},
    {"kWh", {"KWh", "kW\u00b7h", "kW*h", "kilowatt-hour", "kilowatt-hours"}},
    {"token", {"tokens", "tok", "toks", "t", "Token", "Tokens"}},
    {"step", {"steps", "Step", "Steps"}},
    {"run", {"runs", "query", "queries", "request", "requests", "prompt", "prompts"}},
    {"MLUP", {"MLUPs", "MLUPS"}},
    {"GB", {"gigabyte", "gigabytes"}},
    {"TFLOP", {"TFLOPs", "Tflop", "Tflops"}},
    {"%", {"percent", "pct"}},
};

/// Units whose slash goes without saying.
constexpr std::pair<std::string_view, std::string_view> kShort[] = {
    {"tps", "tokens/s"}, {"TPS", "tokens/s"}, {"TFLOPS", "TFLOP/s"}, {"GBps", "GB/s"}, {"MLUPS", "MLUP/s"}};

/// Counts that stand before a token, step or run.
constexpr Spellings kCounts[] = {
    {"1k ", {"1k", "1K", "k", "K", "1000", "1,000", "1 000", "thousand"}},
    {"1M ", {"1M", "M", "1000000", "1,000,000", "1 000 000", "million", "mio"}},
};

/// The one spelling of a part of a unit between slashes.
std::optional<std::string> canonicalize_part(std::string_view part) {
  part = trim(part);
  for (const Spellings& one : kWords) {
    if (part == one.word || (!part.empty() && std::count(one.others.begin(), one.others.end(), part) > 0))
      return std::string(one.word);
  }
  for (const Spellings& count : kCounts) {
    for (const std::string_view text : count.others) {
      if (text.empty() || !part.starts_with(text) || part.size() == text.size()) continue;
      const auto rest = canonicalize_part(part.substr(text.size()));
      if (rest == "token" || rest == "step" || rest == "run") return std::string(count.word) + *rest;
    }
  }
  return std::nullopt;
}

/// The text in brackets at the end of a column's name, and the name before it.
std::pair<std::string_view, std::string_view> split_header(std::string_view column) {
  column = trim(column);
  const char close = column.empty() ? ' ' : column.back();
  if (close != ']' && close != ')') return {column, {}};
  const std::size_t open = column.rfind(close == ']' ? '[' : '(');
  if (open == std::string_view::npos || open == 0) return {column, {}};
  return {trim(column.substr(0, open)), column.substr(open + 1, column.size() - open - 2)};
}

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
      if (spread.steps) return scaled / spread.runs / *spread.steps;
      if (!spread.tokens) return std::nullopt;
      return scaled / spread.runs / *spread.tokens * spread.batch;
    case Per::kTime:
      if (!spread.time_s) return std::nullopt;
      return scaled * *spread.time_s;
  }
  return std::nullopt;
}

std::optional<std::string> canonicalize_unit(std::string_view text) {
  constexpr std::string_view kPer = " per ";
  std::string slashed(trim(text));
  for (const auto& [name, meaning] : kShort) {
    if (slashed == name) slashed = meaning;
  }
  for (std::size_t at = slashed.find(kPer); at != std::string::npos; at = slashed.find(kPer))
    slashed.replace(at, kPer.size(), "/");
  std::string whole;
  for (std::string_view rest = slashed;;) {
    const std::size_t slash = rest.find('/');
    const auto part = canonicalize_part(rest.substr(0, slash));
    if (!part) return std::nullopt;
    whole += *part;
    if (slash == std::string_view::npos) return whole;
    whole += '/';
    rest.remove_prefix(slash + 1);
  }
}

std::optional<std::string> find_header_unit(std::string_view column) {
  const std::string_view inside = split_header(column).second;
  return inside.empty() ? std::nullopt : canonicalize_unit(inside);
}

std::string_view strip_header_unit(std::string_view column) { return split_header(column).first; }

bool agree(std::string_view header, std::string_view unit) {
  if (header == unit || (unit.starts_with(header) && unit.substr(header.size()).starts_with('/'))) return true;
  return header.starts_with(unit) && header.substr(unit.size()).starts_with('/') && header.ends_with("run");
}

}  // namespace qtrap::importer
