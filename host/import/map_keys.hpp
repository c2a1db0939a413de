// The key tables of the map file: name, member, whether required, meaning and closed list of every key. Parser, writer,
// JSON Schema and SCHEMA.md all walk them. Private to this layer, as is nlohmann-json.
#pragma once

#include <array>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "import/import_map.hpp"
#include "profile/json_text.hpp"

namespace qtrap::importer {

using profile::Json;
using profile::parse_json_object;
using profile::quote;

inline constexpr std::int64_t kSchemaMajor = 1;
inline constexpr const char* kSchemaVersion = "1.0";
inline constexpr const char* kSchemaName = "qtrap.import";

/// Closed list of a text; a function, because the lists of units are tables of their own.
using Words = std::vector<std::string_view>;
inline Words no_words() { return {}; }
Words time_unit_words();
Words energy_unit_words();
inline Words convention_words() { return {"gross", "net"}; }
inline Words method_words() { return {"counter", "integrated", "estimated", "simulated"}; }
inline Words path_words() { return {"none", "split", "fused"}; }
inline Words basis_words() { return {"measured", "estimated", "simulated"}; }
inline Words workload_words() { return {"projections", "decoder"}; }
inline Words device_type_words() { return {"cpu", "gpu", "accelerator", "other"}; }

template <class R, class T>
struct Key {
  std::string_view name;
  T R::*member;
  bool required;
  std::string_view doc;
  Words (*words)() = no_words;
};
template <class R, class T>
Key(std::string_view, T R::*, bool, std::string_view) -> Key<R, T>;
template <class R, class T>
Key(std::string_view, T R::*, bool, std::string_view, Words (*)()) -> Key<R, T>;

inline Words separator_words() { return {",", ";", "tab", "|"}; }
inline Words decimal_words() { return {".", ","}; }

inline constexpr bool kRequired = true;
inline constexpr bool kOptional = false;
inline constexpr std::string_view kSpreadDoc =
    "spread within the session, in the same unit: `sd`, `standard_error`, or `low`, `high` and `confidence`";
inline constexpr std::string_view kColumnsDoc =
    "name of the column, or a list of columns whose cells are added; a cell without a reading leaves none";

inline constexpr auto keys(std::type_identity<TextSource>) {
  using R = TextSource;
  return std::tuple{Key{"column", &R::column, kOptional, "name of the column"},
                    Key{"constant", &R::constant, kOptional, "the same text for every row, instead of a column"}};
}

inline constexpr auto keys(std::type_identity<NumberSource>) {
  using R = NumberSource;
  return std::tuple{Key{"column", &R::column, kOptional, kColumnsDoc},
                    Key{"constant", &R::constant, kOptional, "the same number for every row, instead of a column"}};
}

inline constexpr auto keys(std::type_identity<SpreadSource>) {
  using R = SpreadSource;
  return std::tuple{Key{"sd", &R::sd, kOptional,
                        "column of the standard deviation over `trials` repeats; the value's own where a cell holds "
                        "both: 12.3 ± 0.4, "
                        "12.3+-0.4 or 12.3 (0.4)"},
                    Key{"standard_error", &R::standard_error, kOptional,
                        "column of the mean's standard error, or the value's own likewise"},
                    Key{"low", &R::low, kOptional, "column of an interval's lower end"},
                    Key{"high", &R::high, kOptional, "column of its upper end"},
                    Key{"confidence", &R::confidence, kOptional, "of the interval: 0.95 for 95 %"}};
}

inline constexpr auto keys(std::type_identity<TimeSource>) {
  using R = TimeSource;
  return std::tuple{Key{"column", &R::column, kOptional, kColumnsDoc},
                    Key{"constant", &R::constant, kOptional, "the same number for every row, instead of a column"},
                    Key{"unit", &R::unit, kRequired, "unit of the numbers", time_unit_words},
                    Key{"spread", &R::spread, kOptional, kSpreadDoc}};
}

inline constexpr auto keys(std::type_identity<EnergySource>) {
  using R = EnergySource;
  return std::tuple{
      Key{"column", &R::column, kOptional, kColumnsDoc},
      Key{"constant", &R::constant, kOptional, "the same number for every row, instead of a column"},
      Key{"unit", &R::unit, kRequired, "unit of the numbers", energy_unit_words},
      Key{"spread", &R::spread, kOptional, kSpreadDoc},
      Key{"undo_change_percent", &R::undo_change_percent, kOptional,
          "column of percents by which the value lies above the anchor's; value / (1 + percent / 100) is taken"},
      Key{"convention", &R::convention, kOptional, "whether idle power was taken off", convention_words},
      Key{"method", &R::method, kOptional, "how the energy was obtained", method_words}};
}

inline constexpr auto keys(std::type_identity<SchemeEntry>) {
  using R = SchemeEntry;
  return std::tuple{Key{"scheme", &R::scheme, kRequired, "scheme of the records; the anchor is f16"},
                    Key{"path", &R::path, kRequired, "kernel path of the weights", path_words},
                    Key{"weight_bits", &R::weight_bits, kRequired, "bits per weight code"},
                    Key{"activation_bits", &R::activation_bits, kRequired, "bits per activation in the matmul"}};
}

inline constexpr auto keys(std::type_identity<Series>) {
  using R = Series;
  return std::tuple{
      Key{"session", &R::session, kRequired,
          "text, or text source; one session per name and device, ratios pair inside it"},
      Key{"where", &R::where, kOptional, "column: the texts of which its cell must be one; \"\" is an empty cell"},
      Key{"except", &R::except, kOptional, "column: the texts of which its cell must be none; \"\" is an empty cell"},
      Key{"replicate", &R::replicate, kOptional,
          "text source that tells repeats of a configuration in one session apart: they are averaged, their spread "
          "kept"},
      Key{"device", &R::device, kRequired, "name of the device"},
      Key{"model", &R::model, kRequired, "text that `models` translates"},
      Key{"scheme", &R::scheme, kOptional, "text that `schemes` translates; needed but beside `time_by_scheme`"},
      Key{"path", &R::path, kOptional,
          "text source: none, split or fused, in place of the scheme's path, where a row's kernels are another"},
      Key{"batch", &R::batch, kOptional, "sequences in lockstep; 1 when left out"},
      Key{"time", &R::time, kOptional, "time; without it the records have energy alone"},
      Key{"energy", &R::energy, kOptional, "energy; without it the records have time alone"},
      Key{"idle_power_w", &R::idle_power_w, kOptional, "idle power [W], for net energy"},
      Key{"power_w", &R::power_w, kOptional, "power [W] as the table gives it; rows far from it get a hazard"},
      Key{"power_limit_w", &R::power_limit_w, kOptional, "the board's limit [W]; rows above it get a hazard"},
      Key{"tokens", &R::tokens, kOptional,
          "tokens of a run, for units of whole runs: those of all sequences together, 256 for 32 steps at batch 8"},
      Key{"steps", &R::steps, kOptional, "steps of a run, instead of `tokens`: the tokens of each sequence"},
      Key{"runs", &R::runs, kOptional,
          "runs that a number of whole runs covers, 1000 for Wh per 1,000 queries; else 1"},
      Key{"trials", &R::trials, kOptional, "repeats in one session behind each number"},
      Key{"source", &R::source, kOptional, "where a row comes from; the map's source when left out"},
      Key{"stack", &R::stack, kOptional, "software that was measured"},
      Key{"basis", &R::basis, kOptional, "basis of the numbers", basis_words},
      Key{"hazards", &R::hazards, kOptional, "what speaks against the numbers, one sentence each"},
      Key{"time_by_scheme", &R::time_by_scheme, kOptional,
          "of a wide table: text that `schemes` translates: its column, in the unit of `time`, instead of `scheme`"},
      Key{"energy_by_scheme", &R::energy_by_scheme, kOptional, "likewise, in the unit of `energy`"}};
}

inline constexpr auto keys(std::type_identity<ImportMap>) {
  using R = ImportMap;
  return std::tuple{
      Key{"name", &R::name, kRequired, "name of the map; part of every session_id"},
      Key{"description", &R::description, kRequired, "what the table holds"},
      Key{"source", &R::source, kRequired, "where the table was published"},
      Key{"licence", &R::licence, kRequired, "licence of the table"},
      Key{"date", &R::date, kOptional, "when it was measured, ISO 8601"},
      Key{"workload", &R::workload, kOptional, "what a step ran", workload_words},
      Key{"device_type", &R::device_type, kOptional, "kind of device", device_type_words},
      Key{"separator", &R::separator, kOptional, "separator of the cells; else the header line decides",
          separator_words},
      Key{"decimal", &R::decimal, kOptional, "decimal sign of the numbers; else the columns decide", decimal_words},
      Key{"no_reading", &R::no_reading, kOptional,
          "words that mean no reading, beside empty cells, dashes, N/A and [Not Supported]"},
      Key{"models", &R::models, kRequired, "text in the table: name of a model profile"},
      Key{"schemes", &R::schemes, kRequired, "text in the table: scheme, path and bits"},
      Key{"series", &R::series, kRequired, "passes over the rows"}};
}

template <class T>
concept HasKeys = requires {
  keys(std::type_identity<T>{});
};

/// Calls visit(key) for every key of R, in order.
template <class R, class Visit>
void visit_keys(const Visit& visit) {
  std::apply([&visit](const auto&... key) { (visit(key), ...); }, keys(std::type_identity<R>{}));
}

}  // namespace qtrap::importer
