// Rows from result files: the bare and the probe windows, scaled to one chain; of imported sessions, which have no
// windows, the points. Flagged trials, points that failed and energies that were estimated (TDP x time is time again)
// are left out.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fit/decomposition.hpp"
#include "fit/row.hpp"
#include "result/result_file.hpp"

namespace qtrap::fit {

/// Rows of all files, in the order of the files. Sessions are numbered by session_id across files. A trial
/// whose point record is missing (the file was cut) gives no row, for its batch and size are unknown.
std::vector<Row> rows_from_results(std::span<const result::ResultFile> files);

/// Static power of one device (device.id): mean over sessions of the idle windows' median power, active-idle
/// ones where there are any. None without an idle window that has energy. The variance is that of the mean;
/// with one session that of its windows.
std::optional<StaticPower> estimate_static_power(std::span<const result::ResultFile> files, const std::string& device);

}  // namespace qtrap::fit
