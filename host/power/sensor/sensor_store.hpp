// Characterised sensors, kept between runs in one small file: a characterisation takes a minute, and its
// result belongs to the board model and driver, not to the run. One line per (board, driver, channel),
// tab-separated, with a header.
#pragma once

#include <filesystem>
#include <optional>

#include "core/result.hpp"
#include "power/sensor/characterise.hpp"

namespace qtrap::power {

/// Adds or replaces the entry of this meter's board, driver and channel. A kLow characterisation is not kept.
/// Errors: the file is no sensor store, or cannot be written; kUsage for a simulated meter, whose constants
/// must not reach a store of real ones.
Status store_sensor(const std::filesystem::path& file, const MeterInfo& info, MeterChannel channel,
                    const Characterisation& found);

/// The stored sensor of this meter's board, driver and channel; absent where there is none or no file. kUsage
/// error for a file that is no sensor store or has a bad line (with its number).
Result<std::optional<SensorTraits>> load_sensor(const std::filesystem::path& file, const MeterInfo& info,
                                                MeterChannel channel);

/// The sensors to use: the stored ones where there are, else the assumed.
Result<MeterSensors> find_sensors(const std::filesystem::path& file, const MeterInfo& info);

}  // namespace qtrap::power
