// Anchors out of another table: f16 values for cells whose own table has none.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "result/result_file.hpp"

namespace qtrap::importer {

/// What another table holds of the anchor.
struct Anchors {
  std::string table_name;               ///< quoted in messages
  std::string table_sha256;             ///< of the table's text
  std::optional<std::string> map_json;  ///< of the map, where it is not the first table's
  result::ResultFile file;              ///< f16 points of one session each, and their sessions
};

/// Adds to `file`, whose points have no ratios yet, a copy of an f16 point of `anchors` for each session and cell that
/// holds schemes without it: of the same device, model, batch and phase, and where several sessions of `anchors` have
/// it, of the session of the same name. Each copy has `anchor_table`; its session gets a hazard that names its cells,
/// the caveats of the anchor's map, and the origin of the table in its environment. Returns what is to be told: those
/// hazards, cells that keep an f16 of their own, and anchors that are of no cell of `table_name` with the nearest name.
/// kUsage errors: another workload, no anchor is of any cell, several sessions have one and none is of the cell's name.
Result<std::vector<std::string>> join_anchors(const Anchors& anchors, std::string_view table_name,
                                              result::ResultFile& file);

}  // namespace qtrap::importer
