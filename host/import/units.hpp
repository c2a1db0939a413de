// Units that published tables use, and what they are worth per dependent step (one token of each of B sequences). One
// table drives the conversion, the closed lists of the map file and its documentation.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace qtrap::importer {

/// What a number in a unit is spread over.
enum class Per {
  kToken,  ///< one token of one sequence
  kStep,   ///< one step: a token of every sequence
  kRun,    ///< the whole run of `tokens` tokens
  kTime    ///< a power: energy is power x time of the step
};

struct Unit {
  std::string_view name;
  double factor;  ///< to seconds or joules
  Per per;
  bool inverse;  ///< tokens per second or per kWh
  std::string_view doc;
};

std::span<const Unit> time_units();
std::span<const Unit> energy_units();

/// The unit of that name; none when it is not in the list.
const Unit* find_unit(std::span<const Unit> units, std::string_view name);

/// What one value must be spread over.
struct Spread {
  double batch = 1;              ///< sequences in lockstep, >= 1
  std::optional<double> tokens;  ///< tokens of the run, > 0; needed by Per::kRun
  std::optional<double> time_s;  ///< of one step; needed by Per::kTime
};

/// `value` (> 0) in seconds or joules per step; none where `spread` lacks what the unit needs.
std::optional<double> convert_to_step(const Unit& unit, double value, const Spread& spread);

}  // namespace qtrap::importer
