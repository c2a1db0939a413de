// The map file (`schema: "qtrap.import"`): which columns of somebody's table are which fields, in which units, and
// where the numbers come from. Keys and closed lists stand in map_keys.cpp, from which SCHEMA.md and the JSON Schema
// are generated.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/words.hpp"
#include "result/words.hpp"

namespace qtrap::importer {

/// A text out of a column, or the same for every row. Exactly one is given.
struct TextSource {
  std::optional<std::string> column;
  std::optional<std::string> constant;
  bool operator==(const TextSource&) const = default;
};

/// The same, where the map may also give the constant as a bare text.
struct SessionSource {
  TextSource source;
  bool operator==(const SessionSource&) const = default;
};

/// One column, or several whose cells are added.
struct Columns {
  std::vector<std::string> names;  ///< at least one
  bool operator==(const Columns&) const = default;
};

/// A number out of columns, or the same for every row. Exactly one is given.
struct NumberSource {
  std::optional<Columns> column;
  std::optional<double> constant;
  bool operator==(const NumberSource&) const = default;
};

/// Columns that tell how far a number was spread, in the number's unit: one of a standard deviation over `trials`, a
/// standard error of the mean, or both ends of an interval.
struct SpreadSource {
  std::optional<std::string> sd;
  std::optional<std::string> standard_error;
  std::optional<std::string> low;
  std::optional<std::string> high;
  std::optional<double> confidence;  ///< of the interval, above 0.5 and below 1
  bool operator==(const SpreadSource&) const = default;
};

/// The column of one scheme of a wide table; a spread in place of the quantity's own.
struct SpreadColumn {
  Columns column;
  std::optional<SpreadSource> spread;
  bool operator==(const SpreadColumn&) const = default;
};

/// The same, where the map may also give the column bare.
struct SchemeColumn {
  SpreadColumn source;
  bool operator==(const SchemeColumn&) const = default;
};

struct TimeSource {
  std::optional<Columns> column;
  std::optional<double> constant;
  std::string unit;
  std::optional<SpreadSource> spread;
  bool operator==(const TimeSource&) const = default;
};

struct EnergySource {
  std::optional<Columns> column;
  std::optional<double> constant;
  std::string unit;
  std::optional<SpreadSource> spread;
  /// Column that says by how many percent the value lies above the anchor's: the value divided by 1 + percent / 100 is
  /// taken, which gives the anchor's own energy.
  std::optional<std::string> undo_change_percent;
  std::string convention = "gross";  ///< or "net": the idle power was taken off
  EnergyMethod method = EnergyMethod::kIntegrated;
  bool operator==(const EnergySource&) const = default;
};

/// Texts of a cell; an empty one stands for an empty cell.
struct CellTexts {
  std::vector<std::string> texts;
  bool operator==(const CellTexts&) const = default;
};

/// What a scheme of the table is called here.
struct SchemeEntry {
  std::string scheme;
  KernelPath path = KernelPath::kNone;
  std::int64_t weight_bits = 0;
  std::int64_t activation_bits = 0;
  std::optional<std::string> weight_format;  ///< as points name it
  std::optional<std::string> mac_class;      ///< likewise
  bool operator==(const SchemeEntry&) const = default;
};

/// One pass over the rows: each row that the filters let through becomes one configuration.
struct Series {
  SessionSource session;
  std::map<std::string, CellTexts> where;   ///< column: the texts of which its cell must be one
  std::map<std::string, CellTexts> except;  ///< column: the texts of which its cell must be none
  std::optional<TextSource> replicate;      ///< tells repeats of a configuration within its session apart
  TextSource device;
  std::optional<TextSource> vendor;            ///< of the device, in place of `vendors`
  std::optional<NumberSource> fp32_tflops;     ///< of the device's vector units, as its maker states it
  std::optional<NumberSource> bandwidth_gb_s;  ///< of its memory, likewise
  TextSource model;
  TextSource scheme;
  std::optional<TextSource> path;     ///< of a row's kernels, in place of the scheme's
  std::optional<NumberSource> batch;  ///< 1 when left out
  std::optional<TextSource> phase;    ///< that `phases` translates; decode when left out
  std::optional<TimeSource> time;
  std::optional<EnergySource> energy;
  std::optional<NumberSource> idle_power_w;
  std::optional<NumberSource> power_w;        ///< as the table gives it: what time and energy imply is held against it
  std::optional<NumberSource> power_limit_w;  ///< of the board, likewise
  std::optional<NumberSource> tokens;         ///< of a run, of all its sequences together
  std::optional<NumberSource> steps;          ///< of a run, instead of tokens
  std::optional<NumberSource> runs;           ///< that a number of whole runs covers; 1 when left out
  std::optional<NumberSource> trials;
  std::optional<TextSource> source;
  std::optional<std::string> stack;
  result::PointBasis basis = result::PointBasis::kMeasured;
  std::vector<std::string> hazards;
  /// Wide tables, a column for each scheme: text that `schemes` translates, its column. parse_import_map() makes a
  /// series of each and leaves none.
  std::map<std::string, SchemeColumn> time_by_scheme;
  std::map<std::string, SchemeColumn> energy_by_scheme;
  std::map<std::string, Columns> trials_by_scheme;
  /// No key: made of columns by scheme, so that rows may be holes (is_hole() of reading.hpp).
  bool by_scheme = false;
  bool operator==(const Series&) const = default;
};

struct ImportMap {
  std::string name;
  std::string description;
  std::string source;
  std::string licence;
  std::optional<std::string> date;
  result::Workload workload = result::Workload::kDecoder;
  DeviceType device_type = DeviceType::kGpu;       ///< of those that `device_types` does not tell
  std::map<std::string, DeviceType> device_types;  ///< text in a device's name: its type
  std::map<std::string, std::string> vendors;      ///< text in a device's name: its vendor
  std::optional<std::string> separator;            ///< of the cells; the text decides when left out
  std::optional<std::string> decimal;              ///< "." or ","; see table_reader.hpp when left out
  std::vector<std::string> no_reading;             ///< further words that mean no reading
  std::map<std::string, std::string> models;    ///< text in the table: name of a model profile; of a kernel: its name
  std::map<std::string, SchemeEntry> schemes;   ///< text in the table: scheme
  std::map<std::string, result::Phase> phases;  ///< text in the table: phase; the words themselves need no entry
  std::vector<Series> series;
  bool operator==(const ImportMap&) const = default;
};

/// A series in messages: its session, or the column that names it.
std::string name_of(const Series& series);

/// Units of numbers whose unit the map does not choose.
inline constexpr std::string_view kPowerUnit = "W";
inline constexpr std::string_view kRateUnit = "TFLOP/s";
inline constexpr std::string_view kBandwidthUnit = "GB/s";
inline constexpr std::string_view kTokensUnit = "tokens";
inline constexpr std::string_view kStepsUnit = "steps";
inline constexpr std::string_view kRunsUnit = "runs";
inline constexpr std::string_view kPercent = "%";

/// Calls visit(column) for every column of texts that a series names, filters apart.
void visit_text_columns(const Series& series, const std::function<void(const std::string&)>& visit);

/// Calls visit(columns, unit) for the columns of every number that a series names; an empty unit where there is none.
void visit_number_columns(const Series& series, const std::function<void(const Columns&, std::string_view)>& visit);

/// The character that the map's `separator` names.
std::optional<char> separator_of(const ImportMap& map);

/// Parses a map file's text; `name` is quoted in errors with the key's place: not UTF-8, not JSON, a newer major
/// schema_version, a key that is unknown (the nearest is named), missing, given twice or of the wrong type, a word
/// outside its closed list, a source with both or neither of `column` and `constant`, net energy without idle power,
/// a unit that needs `tokens` or `time` which the series lacks, `tokens` beside `steps`, columns added whose unit is
/// inverse, no series, a session name that is empty, a name or model that is_file_name() refuses.
Result<ImportMap> parse_import_map(std::string_view text, std::string_view name);

/// Canonical JSON text on one line, every key given, in a fixed order; series made of columns by scheme as wide ones of
/// one scheme each. parse_import_map() reads it back to an equal map.
std::string to_json(const ImportMap& map);

}  // namespace qtrap::importer
