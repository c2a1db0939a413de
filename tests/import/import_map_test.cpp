// Maps of tables: what is refused, and what is written.
#include <gtest/gtest.h>

#include "import/sample_table.hpp"
#include "import/schema.hpp"
#include "support/golden.hpp"

namespace qtrap::importer {
namespace {

TEST(ImportMap, RefusesWhatItDoesNotUnderstand) {
  struct Reject {
    const char* from;
    const char* to;
    const char* message;  ///< after "map.json"
  };
  const Reject rejects[] = {
      {"\"licence\"", "\"license\"", ": unknown key (license): did you mean `licence`? known are schema,"},
      {"\"licence\": \"CC0\",", "", ": a key is missing (licence): add it: licence of the table"},
      {"qtrap.import", "qtrap.fit", " has another schema (\"qtrap.fit\"): a file with schema qtrap.import is needed"},
      {"\"1.0\"", "\"2.0\"", ": the schema_version is newer than this program (2.0): use a qtrap that reads"},
      {"\"tokens/s\"", "\"tok/s\"",
       ": `series[0].time.unit` is not in its closed list (tok/s): use tokens/s, s/token, ms/token, s/step, ms/step, "
       "s, "
       "ms"},
      {"\"column\": \"gpu\"", "\"column\": \"gpu\", \"constant\": \"G\"",
       ": `series[0].device` has both `column` and `constant`: give exactly one of them"},
      {"{\"column\": \"gpu\"}", "{}", ": `series[0].device` has neither `column` nor `constant`: give exactly one of"},
      {"{\"column\": \"gpu\"}", "\"gpu\"", ": `series[0].device` has the wrong type (\"gpu\"): give an object in { }"},
      {"\"weight_bits\": 4", "\"weight_format\": \"\", \"weight_bits\": 4",
       ": `schemes.4.weight_format` is empty (\"\"): give a text"},
      {"\"weight_bits\": 4", "\"weight_bits\": 0",
       ": `schemes.4.weight_bits` is out of range (0): give an integer from 1 to 64"},
      {"\"mJ/token\"", "\"tokens/J\", \"column\": [\"mj\", \"watts\"]", ": a key is given twice (column)"},
      {"\"mj\", \"unit\": \"mJ/token\"", "[\"mj\", \"watts\"], \"unit\": \"tokens/J\"",
       ": `series[0].energy.column` adds columns of an inverse unit (tokens/J): give one column"},
      {"\"trials\"", "\"tokens\": {\"constant\": 1}, \"steps\": {\"constant\": 1}, \"trials\"",
       ": `series[0]` has both `tokens` and `steps` (s): give one of them: each tells a run's length"},
      {"\"tokens/s\"", "\"tokens/s\", \"spread\": {\"sd\": \"mj\", \"low\": \"mj\"}",
       ": `series[0].time.spread` is not one of its three forms: give `sd`, `standard_error`, or `low`, `high` and"},
      {"\"tokens/s\"", "\"tokens/s\", \"spread\": {\"low\": \"mj\", \"high\": \"mj\", \"confidence\": 95}",
       ": `series[0].time.spread.confidence` is out of range (95): give a number above 0.5 and below 1"},
      {"\"tokens/s\"", "\"tokens/s\", \"spread\": {\"low\": \"mj\", \"high\": \"mj\", \"confidence\": 0.5}",
       ": `series[0].time.spread.confidence` is out of range (0.5): give a number above 0.5 and below 1"},
      {"\"session\": \"s\"", "\"session\": {}", ": `series[0].session` has neither `column` nor `constant`"},
      {"\"session\": \"s\"", "\"session\": 1", ": `series[0].session` has the wrong type (1): give a text in quotes"},
      {"\"name\": \"m\"", "\"name\": \"m\", \"separator\": \"x\"", ": `separator` is not in its closed list (x): use"},
      {"\"mJ/token\"", "\"kWh\"",
       ": `series[0].energy.unit` is a whole run's unit, and `tokens` is missing (kWh): add `tokens`"},
      {"\"name\": \"m\",", "\"name\": \"m\", \"name\": \"n\",", ": a key is given twice (name): remove one of them"},
      {"\"column\": \"gpu\"", "\"column\": \"gpu\", \"column\": \"gpu\"",
       ": a key is given twice (column): remove one of them"},
      {"\"idle_power_w\": {\"column\": \"watts\"}, ", "\"idle_power_w\": {\"constant\": -1}, ",
       ": `series[0].idle_power_w.constant` is out of range (-1): give a number above 0"},
  };
  for (const Reject& reject : rejects) {
    const auto map = parse_import_map(replace(kMap, reject.from, reject.to), "map.json");
    ASSERT_FALSE(map) << reject.message;
    EXPECT_TRUE(map.error().message().starts_with(std::string("map.json") + reject.message)) << map.error().message();
  }
  const std::string net = replace(replace(kMap, R"("unit": "mJ/token")", R"("unit": "mJ/token", "convention": "net")"),
                                  R"("idle_power_w": {"column": "watts"}, )", "");
  EXPECT_EQ(parse_import_map(net, "map.json").error().message(),
            "map.json: `series[0].energy.convention` is net without `idle_power_w` and `time` (net): add both: gross "
            "energy is what the records hold");
  for (std::size_t length = 0; length + 1 < std::string_view(kMap).size(); ++length) {
    ASSERT_FALSE(parse_import_map(std::string_view(kMap).substr(0, length), "map.json")) << length;
  }
}

TEST(ImportMap, IsWrittenSoThatItReadsBackEqual) {
  const ImportMap map = parse_import_map(kMap, "map.json").value();
  EXPECT_EQ(parse_import_map(to_json(map), "again").value(), map);
  const std::string rich = replace(
      replace(replace(kMap, R"("session": "s")", R"("session": {"column": "gpu"}, "where": {"gpu": ["", "G"]})"),
              R"("column": "mj")", R"("column": ["mj", "watts"])"),
      R"("name": "m")", R"("separator": "tab", "decimal": ",", "no_reading": ["ERR!"], "name": "m")");
  const ImportMap wide = parse_import_map(rich, "map.json").value();
  EXPECT_EQ(parse_import_map(to_json(wide), "again").value(), wide);
}

TEST(ImportMap, DocumentsAreWhatTheTablesGenerate) {
  test::expect_golden("host/import/schema/qtrap.import.schema.json", make_import_schema());
  test::expect_golden("host/import/SCHEMA.md", make_schema_markdown());
}

}  // namespace
}  // namespace qtrap::importer
