// Units that published tables use, and what they are worth per dependent step (one token of each of B sequences). One
// table drives the conversion, the closed lists of the map file and its documentation. Cells and headers may spell a
// unit in other ways than the map does.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace qtrap::importer {

/// What a number in a unit is spread over.
enum class Per {
  kToken,  ///< one token of one sequence
  kStep,   ///< one step: a token of every sequence
  kRun,    ///< the whole run: `runs` of `steps` steps, or of `tokens` tokens
  kTime    ///< a power: energy is power x time of the step
};

struct Unit {
  std::string_view name;
  double factor;  ///< to seconds or joules
  Per per;
  bool inverse;  ///< tokens or steps per second or per joule
  std::string_view doc;
};

std::span<const Unit> time_units();
std::span<const Unit> energy_units();

/// The unit of that name; none when it is not in the list.
const Unit* find_unit(std::span<const Unit> units, std::string_view name);

/// What one value must be spread over.
struct Spread {
  double batch = 1;              ///< sequences in lockstep, >= 1
  std::optional<double> tokens;  ///< tokens of a run, of all its sequences together, > 0
  std::optional<double> time_s;  ///< of one step; needed by Per::kTime
  std::optional<double> steps;   ///< steps of a run, > 0; Per::kRun needs tokens or steps
  double runs = 1;               ///< runs that a number of whole runs covers, > 0
};

/// `value` (> 0) in seconds or joules per step; none where `spread` lacks what the unit needs.
std::optional<double> convert_to_step(const Unit& unit, double value, const Spread& spread);

/// One spelling for all of a unit: "tok/sec", "Tokens per second" and "t/s" are "token/s", "Joules" is "J". None where
/// a part of the text is no word of units.
std::optional<std::string> canonicalize_unit(std::string_view text);

/// The unit in brackets at the end of a column's name, "W" of "power.draw [W]", in its one spelling; none where there
/// is none or the brackets hold something else.
std::optional<std::string> find_header_unit(std::string_view column);

/// A column's name without brackets at its end.
std::string_view strip_header_unit(std::string_view column);

/// Whether a number that a header calls `header` may be read as `unit` (both in their one spelling): the same, or what
/// the map's unit is spread over is left open by the header ("J" of "J/token"), or it is of runs ("Wh/1k run" of "Wh").
bool agree(std::string_view header, std::string_view unit);

}  // namespace qtrap::importer
