// replay:FILE: plays a recorded trace as if it were a meter. Labelled simulated everywhere.
// Format: CSV with the header line time_s,energy_j,power_w; time rising; an empty field is an absent reading.
// A column that is empty throughout is a channel the meter lacks. The trace begins when the meter is opened
// and starts over when it ends; the counter goes on from where it stood.
#pragma once

#include <filesystem>
#include <memory>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "power/meter.hpp"

namespace qtrap::power {

/// Opens a trace of at least two rows. kUsage errors: unreadable, wrong header, a bad row (with its number),
/// time not rising.
Result<std::shared_ptr<Meter>> open_replay_meter(const std::filesystem::path& path, const Clock& clock);

}  // namespace qtrap::power
