// Somebody else's table as a result file: sessions with origin "imported" and points, no trials, for a published number
// is a summary and not a window. Each point keeps the basis, the source and the caveats its map states.
//
// Per point, of one dependent step (hops and tokens_per_hop are 1): time and energy after unit conversion, gross, idle
// and net energy where the idle power is known, ratios to the f16 point of the same session and cell. Nothing is
// estimated: what the table does not give is null. context_tokens is 0, for the tables do not tell. A step of a prefill
// is a token of each prompt, where `tokens` or `steps` count those, else what the unit calls a step.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "import/import_map.hpp"
#include "import/table.hpp"
#include "profile/profile.hpp"
#include "result/result_file.hpp"

namespace qtrap::importer {

/// What the session records say of the import itself.
struct Provenance {
  std::string table_name;    ///< quoted in errors too
  std::string table_sha256;  ///< of the table's text
  std::string tool_version;
  std::vector<std::string> argv;
};

/// Finds the shape of a model profile by its name.
using FindModel = std::function<Result<profile::ModelProfile>(const std::string& name)>;

/// What a table came to.
struct Imported {
  result::ResultFile file;
  std::vector<std::string> warnings;  ///< Reading::warnings of all rows as they were read; hazards of the sessions, too
};

/// Another table, whose rows of the anchor serve where the first has none (anchors.hpp); its other rows are not read.
struct AnchorTable {
  const Table& table;
  const ImportMap& map;
  std::string name;      ///< quoted in errors
  std::string sha256;    ///< of the table's text
  bool own_map = false;  ///< the map is not the first table's
};

/// The records. kUsage errors quote the line and the column: a column or a text that the table or the map lacks, a cell
/// that is no number above 0 (NaN and infinities included), a row with neither time nor energy that is_hole() does not
/// call one, a configuration given twice with different values, a series that lets no row through, what `find_model`
/// refuses; the same of rows of the anchor in `anchors`, none of them there, and the errors of join_anchors().
Result<Imported> import_table(const Table& table, const ImportMap& map, const Provenance& provenance,
                              const FindModel& find_model, const AnchorTable* anchors = nullptr);

/// The file's text: session records, points, `end`. The errors of result::to_json_line.
Result<std::string> to_text(const result::ResultFile& file);

}  // namespace qtrap::importer
