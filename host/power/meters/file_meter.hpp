// A meter made of sysfs files: an energy file, a power file, or products of a voltage and a current file.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "core/clock.hpp"
#include "power/environment.hpp"
#include "power/meter.hpp"

namespace qtrap::power {

/// Files of one meter. Energy in uJ and power in uW, as hwmon and powercap have them.
struct MeterFiles {
  std::filesystem::path energy_uj;  ///< empty: none
  std::filesystem::path power_uw;   ///< empty: none
  /// Rails to be summed: voltage in mV, current in mA.
  struct Rail {
    std::filesystem::path voltage_mv;
    std::filesystem::path current_ma;
  };
  std::vector<Rail> rails;
  std::filesystem::path temperature_mc;  ///< thousandths of a degree; empty: none
  std::filesystem::path clock_hz;        ///< empty: none
};

/// A meter over `files`; `info.has_energy`, `has_power` and `simulated` are set from them and the
/// environment.
std::shared_ptr<Meter> make_file_meter(const MeterEnvironment& environment, MeterInfo info, MeterFiles files,
                                       const Clock& clock);

/// The first of `paths` that reads a number above 0, else the first that reads 0, else the first that exists, else the
/// last one: a channel that is there and dead gives way to the next, and `notes` says which it replaces and why. A
/// first one that is denied is taken: the user is told how to open it.
std::filesystem::path choose_file(const std::vector<std::filesystem::path>& paths, std::vector<std::string>& notes);

/// A finding for a meter over `files`: the meter, or, where its first reading fails, the reason and the command that
/// opens the file. A reading of 0 is no reason: an idle counter may stand at 0 once.
Finding make_file_finding(const MeterEnvironment& environment, const MeterInfo& info, const MeterFiles& files,
                          const Clock& clock);

}  // namespace qtrap::power
