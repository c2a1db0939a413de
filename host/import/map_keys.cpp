#include "import/map_keys.hpp"

#include <array>

#include "import/units.hpp"

namespace qtrap::importer {
namespace {

using table::Field;
using table::Range;

constexpr std::array<std::string_view, 2> kConventions{"gross", "net"};
constexpr Words<3> kBases{word_of(result::PointBasis::kMeasured), word_of(result::PointBasis::kEstimated),
                          word_of(result::PointBasis::kSimulated)};
constexpr std::array<std::string_view, 4> kSeparators{",", ";", "tab", "|"};
constexpr std::array<std::string_view, 2> kDecimals{".", ","};
constexpr Range kPositive{0, table::kEndless, true, true};
constexpr Range kBits{1, 64};
constexpr Range kConfidence{0.5, 1, true, true};
constexpr std::string_view kSpreadDoc =
    "spread within the session, in the same unit: `sd`, `standard_error`, or `low`, `high` and `confidence`";
constexpr std::string_view kConstantDoc = "the same number for every row, instead of a column";
constexpr std::string_view kColumnsDoc =
    "name of the column, or a list of columns whose cells are added; a cell without a reading leaves none";

std::vector<std::string_view> names_of(std::span<const Unit> units) {
  std::vector<std::string_view> names;
  for (const Unit& unit : units) names.push_back(unit.name);
  return names;
}

const Field<Series> kSeriesTable[] = {
    {&Series::session, {"session", "", "text, or text source; one session per name and device, ratios pair inside it"}},
    {&Series::where,
     {"where",
      "",
      "column: the texts of which its cell must be one; \"\" is an empty cell",
      {},
      table::kMayMiss | table::kLeftOut}},
    {&Series::except,
     {"except",
      "",
      "column: the texts of which its cell must be none; \"\" is an empty cell",
      {},
      table::kMayMiss | table::kLeftOut}},
    {&Series::replicate,
     {"replicate",
      "",
      "text source that tells repeats of a configuration in one session apart: they are averaged, their spread kept",
      {},
      table::kLeftOut}},
    {&Series::device, {"device", "", "name of the device"}},
    {&Series::vendor, {"vendor", "", "text source: the device's vendor, in place of `vendors`", {}, table::kLeftOut}},
    {&Series::fp32_tflops,
     {"fp32_tflops",
      "TFLOP/s",
      "fp32 rate of the device's vector units as its maker states it, a multiply-add is two",
      {},
      table::kLeftOut}},
    {&Series::bandwidth_gb_s,
     {"bandwidth_gb_s",
      "GB/s",
      "bandwidth of its memory, likewise; with both `fit` sets ratios against flop per byte",
      {},
      table::kLeftOut}},
    {&Series::model, {"model", "", "text that `models` translates; of workload kernel the kernel's name"}},
    {&Series::scheme,
     {"scheme",
      "",
      "text that `schemes` translates; needed but beside `time_by_scheme`",
      {},
      table::kMayMiss | table::kLeftOut}},
    {&Series::path,
     {"path",
      "",
      "text source: none, split or fused, in place of the scheme's path, where a row's kernels are another",
      {},
      table::kLeftOut}},
    {&Series::batch, {"batch", "", "sequences in lockstep; 1 when left out", {}, table::kLeftOut}},
    {&Series::phase,
     {"phase",
      "",
      "text source: decode or prefill, or a text that `phases` translates; decode when left out",
      {},
      table::kLeftOut}},
    {&Series::time, {"time", "", "time; without it the records have energy alone", {}, table::kLeftOut}},
    {&Series::energy, {"energy", "", "energy; without it the records have time alone", {}, table::kLeftOut}},
    {&Series::idle_power_w, {"idle_power_w", "W", "idle power, for net energy", {}, table::kLeftOut}},
    {&Series::power_w,
     {"power_w", "W", "power as the table gives it; rows far from it get a hazard", {}, table::kLeftOut}},
    {&Series::power_limit_w,
     {"power_limit_w", "W", "the board's limit; rows above it get a hazard", {}, table::kLeftOut}},
    {&Series::tokens,
     {"tokens",
      "",
      "tokens of a run, for units of whole runs: those of all sequences together, 256 for 32 steps at batch 8",
      {},
      table::kLeftOut}},
    {&Series::steps,
     {"steps", "", "steps of a run, instead of `tokens`: the tokens of each sequence", {}, table::kLeftOut}},
    {&Series::runs,
     {"runs",
      "",
      "runs that a number of whole runs covers, 1000 for Wh per 1,000 queries; else 1",
      {},
      table::kLeftOut}},
    {&Series::trials, {"trials", "", "repeats in one session behind each number", {}, table::kLeftOut}},
    {&Series::source, {"source", "", "where a row comes from; the map's source when left out", {}, table::kLeftOut}},
    {&Series::stack, {"stack", "", "software that was measured", {}, table::kLeftOut}},
    {&Series::basis, {"basis", "", "basis of the numbers", kBases, table::kMayMiss}},
    {&Series::hazards,
     {"hazards", "", "what speaks against the numbers, one sentence each", {}, table::kMayMiss | table::kLeftOut}},
    {&Series::time_by_scheme,
     {"time_by_scheme",
      "",
      "of a wide table: text that `schemes` translates: its column, or `column` and `spread`, in the unit of `time`, "
      "instead of `scheme`; a row without a reading there is a hole, left out",
      {},
      table::kMayMiss | table::kLeftOut}},
    {&Series::energy_by_scheme,
     {"energy_by_scheme", "", "likewise, in the unit of `energy`", {}, table::kMayMiss | table::kLeftOut}},
    {&Series::trials_by_scheme,
     {"trials_by_scheme",
      "",
      "the column of each scheme's repeats, in place of `trials`",
      {},
      table::kMayMiss | table::kLeftOut}},
};

}  // namespace

std::span<const Field<TextSource>> table_of(std::type_identity<TextSource>) {
  using R = TextSource;
  static const Field<R> kTable[] = {
      {&R::column, {"column", "", "name of the column", {}, table::kLeftOut}},
      {&R::constant, {"constant", "", "the same text for every row, instead of a column", {}, table::kLeftOut}},
  };
  return kTable;
}

std::span<const Field<NumberSource>> table_of(std::type_identity<NumberSource>) {
  using R = NumberSource;
  static const Field<R> kTable[] = {
      {&R::column, {"column", "", kColumnsDoc, {}, table::kLeftOut}},
      {&R::constant, {"constant", "", kConstantDoc, {}, table::kLeftOut, kPositive}},
  };
  return kTable;
}

std::span<const Field<SpreadSource>> table_of(std::type_identity<SpreadSource>) {
  using R = SpreadSource;
  static const Field<R> kTable[] = {
      {&R::sd,
       {"sd",
        "",
        "column of the standard deviation over `trials` repeats; the value's own where a cell holds "
        "both: 12.3 ± 0.4, 12.3+-0.4 or 12.3 (0.4)",
        {},
        table::kLeftOut}},
      {&R::standard_error,
       {"standard_error", "", "column of the mean's standard error, or the value's own likewise", {}, table::kLeftOut}},
      {&R::low, {"low", "", "column of an interval's lower end", {}, table::kLeftOut}},
      {&R::high, {"high", "", "column of its upper end", {}, table::kLeftOut}},
      {&R::confidence, {"confidence", "", "of the interval: 0.95 for 95 %", {}, table::kLeftOut, kConfidence}},
  };
  return kTable;
}

std::span<const Field<SpreadColumn>> table_of(std::type_identity<SpreadColumn>) {
  using R = SpreadColumn;
  static const Field<R> kTable[] = {
      {&R::column, {"column", "", kColumnsDoc}},
      {&R::spread, {"spread", "", "in place of that of `time` or `energy`, likewise", {}, table::kLeftOut}},
  };
  return kTable;
}

std::span<const Field<TimeSource>> table_of(std::type_identity<TimeSource>) {
  using R = TimeSource;
  static const auto kTimeUnits = names_of(time_units());
  static const Field<R> kTable[] = {
      {&R::column, {"column", "", kColumnsDoc, {}, table::kLeftOut}},
      {&R::constant, {"constant", "", kConstantDoc, {}, table::kLeftOut, kPositive}},
      {&R::unit, {"unit", "", "unit of the numbers", kTimeUnits}},
      {&R::spread, {"spread", "", kSpreadDoc, {}, table::kLeftOut}},
  };
  return kTable;
}

std::span<const Field<EnergySource>> table_of(std::type_identity<EnergySource>) {
  using R = EnergySource;
  static const auto kEnergyUnits = names_of(energy_units());
  static const Field<R> kTable[] = {
      {&R::column, {"column", "", kColumnsDoc, {}, table::kLeftOut}},
      {&R::constant, {"constant", "", kConstantDoc, {}, table::kLeftOut, kPositive}},
      {&R::unit, {"unit", "", "unit of the numbers", kEnergyUnits}},
      {&R::spread, {"spread", "", kSpreadDoc, {}, table::kLeftOut}},
      {&R::undo_change_percent,
       {"undo_change_percent",
        "",
        "column of percents by which the value lies above the anchor's; value / (1 + percent / 100) is taken",
        {},
        table::kLeftOut}},
      {&R::convention, {"convention", "", "whether idle power was taken off", kConventions, table::kMayMiss}},
      {&R::method, {"method", "", "how the energy was obtained", {}, table::kMayMiss}},
  };
  return kTable;
}

std::span<const Field<SchemeEntry>> table_of(std::type_identity<SchemeEntry>) {
  using R = SchemeEntry;
  static const Field<R> kTable[] = {
      {&R::scheme, {"scheme", "", "scheme of the records; the anchor is f16"}},
      {&R::path, {"path", "", "kernel path of the weights"}},
      {&R::weight_bits, {"weight_bits", "", "bits per weight code", {}, table::kPlain, kBits}},
      {&R::activation_bits, {"activation_bits", "", "bits per activation in the matmul", {}, table::kPlain, kBits}},
      {&R::weight_format,
       {"weight_format", "", "number format of the weights, as the points shall name it", {}, table::kLeftOut}},
      {&R::mac_class,
       {"mac_class", "", "class of the matmul's multiply-adds, as the points shall name it", {}, table::kLeftOut}},
  };
  return kTable;
}

std::span<const Field<Series>> table_of(std::type_identity<Series>) { return kSeriesTable; }

std::span<const Field<ImportMap>> table_of(std::type_identity<ImportMap>) {
  using R = ImportMap;
  static const Field<R> kTable[] = {
      {&R::name, {"name", "", "name of the map; part of every session_id", {}, table::kFileName}},
      {&R::description, {"description", "", "what the table holds"}},
      {&R::source, {"source", "", "where the table was published"}},
      {&R::licence, {"licence", "", "licence of the table"}},
      {&R::date, {"date", "", "when it was measured, ISO 8601", {}, table::kLeftOut}},
      {&R::workload,
       {"workload",
        "",
        "what a step ran; kernel: one of no language model, which needs no profile",
        {},
        table::kMayMiss}},
      {&R::device_type, {"device_type", "", "kind of device, those of `device_types` apart", {}, table::kMayMiss}},
      {&R::device_types,
       {"device_types",
        "",
        "text in a device's name: its kind; of several the one that comes first in the name, of these the longest",
        {},
        table::kMayMiss | table::kLeftOut}},
      {&R::vendors,
       {"vendors",
        "",
        "text in a device's name: its vendor, likewise; a name with none of them is an error",
        {},
        table::kMayMiss | table::kLeftOut}},
      {&R::separator,
       {"separator", "", "separator of the cells; else the header line decides", kSeparators, table::kLeftOut}},
      {&R::decimal,
       {"decimal", "", "decimal sign of the numbers; else the columns decide", kDecimals, table::kLeftOut}},
      {&R::no_reading,
       {"no_reading",
        "",
        "words that mean no reading, beside empty cells, dashes, N/A and [Not Supported]",
        {},
        table::kMayMiss | table::kLeftOut}},
      {&R::models,
       {"models",
        "",
        "text in the table: name of a model profile; workload kernel needs none",
        {},
        table::kFileName | table::kMayMiss}},
      {&R::schemes, {"schemes", "", "text in the table: scheme, path and bits"}},
      {&R::phases,
       {"phases",
        "",
        "text in the table: decode or prefill, where it uses other words",
        {},
        table::kMayMiss | table::kLeftOut}},
      {&R::series, {"series", "", "passes over the rows"}},
  };
  return kTable;
}

// --- types of their own --------------------------------------------------------------------------------------------

Json encode(const Columns& value, const Key& key, Problem& problem) {
  return value.names.size() == 1 ? table::encode(value.names.front(), key, problem)
                                 : table::encode(value.names, key, problem);
}
void decode(const Json& value, const Spot& spot, Columns& out) {
  out.names.clear();
  if (value.is_string()) return table::decode(value, spot, out.names.emplace_back());
  if (value.is_array()) return table::decode(value, spot, out.names);
  spot.refuse("has the wrong type", value, "give a text in quotes, or a list of them in [ ]");
}
Json type_schema(table::Tag<Columns>, const Key& key, Manner manner) {
  return {{"oneOf",
           {table::type_schema(table::Tag<std::string>{}, key, manner),
            table::type_schema(table::Tag<std::vector<std::string>>{}, key, manner)}}};
}

Json encode(const CellTexts& value, const Key& key, Problem& problem) {
  return table::encode(value.texts, key, problem);
}
void decode(const Json& value, const Spot& spot, CellTexts& out) {
  out.texts.clear();
  if (!table::is_list(value, spot)) return;
  for (const Json& item : value) {
    const Spot there = spot.at(spot.path + "[" + std::to_string(out.texts.size()) + "]");
    std::string& text = out.texts.emplace_back();
    if (!item.is_string() || !item.get_ref<const std::string&>().empty()) table::decode(item, there, text);
  }
}
Json type_schema(table::Tag<CellTexts>, const Key& key, Manner manner) {
  return table::list_schema({{"type", "string"}}, key, manner);
}

Json encode(const SessionSource& value, const Key& key, Problem& problem) {
  return value.source.constant ? table::encode(*value.source.constant, key, problem)
                               : table::encode_record(value.source, problem);
}
void decode(const Json& value, const Spot& spot, SessionSource& out) {
  out = {};
  if (value.is_object()) return table::decode_record(value, spot, out.source);
  table::decode(value, spot, out.source.constant.emplace());
}
Json encode(const SchemeColumn& value, const Key& key, Problem& problem) {
  return value.source.spread ? table::encode_record(value.source, problem) : encode(value.source.column, key, problem);
}
void decode(const Json& value, const Spot& spot, SchemeColumn& out) {
  out = {};
  if (value.is_object()) return table::decode_record(value, spot, out.source);
  decode(value, spot, out.source.column);
}
Json type_schema(table::Tag<SchemeColumn>, const Key& key, Manner manner) {
  Json schema = type_schema(table::Tag<Columns>{}, key, manner);
  schema["oneOf"].push_back(table::object_schema<SpreadColumn>(Json::object(), manner));
  return schema;
}
Json type_schema(table::Tag<SessionSource>, const Key& key, Manner manner) {
  return {{"oneOf",
           {table::type_schema(table::Tag<std::string>{}, key, manner),
            table::object_schema<TextSource>(Json::object(), manner)}}};
}

}  // namespace qtrap::importer
