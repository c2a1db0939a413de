// One row's numbers, per dependent step, and what replicates of them come to.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "import/import_map.hpp"
#include "import/table_reader.hpp"

namespace qtrap::importer {

/// Time and energies of one step; time, energy or both are there.
struct Reading {
  double batch = 1;
  std::optional<double> time_s, gross_j, idle_j;
  std::optional<double> time_error, energy_error;  ///< standard error over the value, > 0; energy: of gross
  std::optional<std::int64_t> replicates;          ///< behind each value, where it was published
  std::vector<std::string> warnings;               ///< what cannot be of it, one sentence each with table and line
};

/// Whether the row is a hole of a wide table: the series is of columns by scheme, and none of its quantities has a
/// reading there. The columns were seen by check_columns(). A cell that is refused is no hole.
bool is_hole(const RowView& row, const Series& series);

/// Reads a row by a series whose columns check_columns() has seen. kUsage errors quote line and column: a cell that is
/// no number above 0 in the map's unit, a batch that is no whole number, net energy that cannot be made gross, neither
/// time nor energy.
Result<Reading> read_row(const RowView& row, const Series& series);

/// Means of replicates with their standard errors; at least one. Of a quantity that some lack, over those that have it.
Reading summarize(std::span<const Reading> replicates);

}  // namespace qtrap::importer
