// Anchors out of another table: values without interval and verdict, and what is said of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "import/sample_table.hpp"

namespace qtrap::importer {
namespace {

using result::PointRecord;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kTimeMap =
    replace(replace(kMap, R"("energy": {"column": "mj", "unit": "mJ/token"},)", R"("batch": {"column": "b"},)"),
            R"("idle_power_w": {"column": "watts"}, )", "");
/// Int4 of two models at batches 2 and 8; f16 of one cell alone.
const std::string kBare =
    "gpu,model,bits,tps,b\n"
    "G,small,4,50,2\nG,small,4,160,8\nG,large,4,20,2\nG,large,16,25,2\n";
const std::string kF16 = "gpu,model,bits,tps,b\nG,small,16,100,2\nG,small,16,200,8\n";

/// A table with the f16 of another, by `anchor_map` where one is given.
Result<Imported> import_anchored(const std::string& table, const std::string& map, const std::string& anchors,
                                 const std::string& anchor_map = "") {
  const ImportMap own = parse_import_map(map, "map.json").value();
  const ImportMap other = anchor_map.empty() ? own : parse_import_map(anchor_map, "a.json").value();
  const Table own_table = parse_table(table, "t.csv", separator_of(own)).value();
  const Table other_table = parse_table(anchors, "a.csv", separator_of(other)).value();
  const AnchorTable anchor{other_table, other, "a.csv", "5ha", !anchor_map.empty()};
  return import_table(own_table, own, {"t.csv", "0", "1", {"qtrap"}}, find_model, &anchor);
}

PointRecord find(const std::vector<PointRecord>& points, const std::string& scheme, const std::string& model,
                 std::int64_t batch) {
  const auto found = std::find_if(points.begin(), points.end(), [&](const PointRecord& one) {
    return one.scheme == scheme && one.model == model && one.batch == batch;
  });
  EXPECT_NE(found, points.end()) << scheme << " " << model << " " << batch;
  return found == points.end() ? PointRecord() : *found;
}

TEST(Anchors, GiveAValueAndNeitherIntervalNorVerdict) {
  const std::string spread = R"("unit": "tokens/s", "spread": {"sd": "sd"})";
  const std::string map = replace(kTimeMap, R"("unit": "tokens/s")", spread);
  const std::string table = "gpu,model,bits,tps,b,sd\nG,small,4,50,2,1\nG,small,4,160,8,1\n";
  const std::string anchors = "gpu,model,bits,tps,b,sd\nG,small,16,100,2,1\nG,small,16,200,8,1\n";
  const auto imported = import_anchored(table, map, anchors);
  ASSERT_TRUE(imported) << imported.error().message();
  const auto& points = imported.value().file.points;
  ASSERT_EQ(points.size(), 4U);
  for (const auto& [batch, ratio] : {std::pair<std::int64_t, double>{2, 2}, {8, 1.25}}) {
    const PointRecord four = find(points, "w4a16-split", "qwen3-0.6b", batch);
    EXPECT_TRUE(four.time_error) << "a spread of its own";
    EXPECT_DOUBLE_EQ(four.time_ratio.value(), ratio);
    EXPECT_FALSE(four.time_ratio_low);
    EXPECT_FALSE(four.time_ratio_df);
    EXPECT_EQ(four.time_ratio_basis, result::Basis::kUnpaired);
    EXPECT_EQ(four.verdict_time, result::Verdict::kUndecided);
    EXPECT_FALSE(four.anchor_table);
    const PointRecord anchor = find(points, "f16", "qwen3-0.6b", batch);
    EXPECT_EQ(anchor.anchor_table, "a.csv");
    EXPECT_THAT(anchor.session_ids, ElementsAre("m/s/G"));
  }
  const auto back = result::parse_whole_result(to_text(imported.value().file).value(), "r");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back.value().points, points);
}

TEST(Anchors, AreNamedWithTheirFileInTheSession) {
  const Imported imported = import_anchored(kBare, kTimeMap, kF16).value();
  ASSERT_EQ(imported.file.sessions.size(), 1U);
  const result::SessionRecord& session = imported.file.sessions[0];
  EXPECT_EQ(session.environment.at("import_anchor_table"), "a.csv");
  EXPECT_EQ(session.environment.at("import_anchor_table_sha256"), "5ha");
  EXPECT_EQ(session.environment.at("import_anchor_source"), "a paper");
  EXPECT_EQ(session.environment.at("import_anchor_licence"), "CC0");
  EXPECT_FALSE(session.environment.contains("import_anchor_map")) << "one map for both";
  EXPECT_THAT(session.hazards, ElementsAre("made up",
                                           "f16 of qwen3-0.6b, B 2; qwen3-0.6b, B 8 is from a.csv: ratios there are "
                                           "unpaired, without interval and verdict"));
  EXPECT_THAT(imported.warnings, ElementsAre("m/s/G: " + session.hazards[1]));
  const PointRecord own = find(imported.file.points, "w4a16-split", "qwen3-4b", 2);
  EXPECT_DOUBLE_EQ(own.time_ratio.value(), 1.25);
  EXPECT_FALSE(own.time_ratio_basis) << "the table's own f16 is of its session";
}

TEST(Anchors, ReadByAMapOfTheirOwnInOtherUnitsAndTexts) {
  const std::string anchors = "device;shape;batch;latency [ms]\ng;0.6B;2;20,0\ng;0.6B;8;40,0\n";
  const std::string map = R"({
    "schema": "qtrap.import", "schema_version": "1.0", "name": "other", "description": "d", "source": "a blog",
    "licence": "CC BY 4.0", "models": {"0.6B": "qwen3-0.6b"},
    "schemes": {"half": {"scheme": "f16", "path": "none", "weight_bits": 16, "activation_bits": 16}},
    "series": [{"session": "s", "device": {"constant": "G"}, "model": {"column": "shape"}, "scheme": {"constant": "half"},
                "time": {"column": "latency", "unit": "ms/step"}, "batch": {"column": "batch"},
                "hazards": ["another driver"]}]})";
  const auto imported = import_anchored(kBare, kTimeMap, anchors, map);
  ASSERT_TRUE(imported) << imported.error().message();
  // 2 tokens at 50 tokens/s are a step of 40 ms, 8 at 160 one of 50 ms
  EXPECT_DOUBLE_EQ(find(imported.value().file.points, "w4a16-split", "qwen3-0.6b", 2).time_ratio.value(), 2);
  EXPECT_DOUBLE_EQ(find(imported.value().file.points, "w4a16-split", "qwen3-0.6b", 8).time_ratio.value(), 1.25);
  const PointRecord anchor = find(imported.value().file.points, "f16", "qwen3-0.6b", 2);
  EXPECT_EQ(anchor.source, "a blog");
  const auto& session = imported.value().file.sessions[0];
  EXPECT_EQ(session.environment.at("import_anchor_source"), "a blog");
  EXPECT_EQ(parse_import_map(session.environment.at("import_anchor_map"), "m").value().name, "other");
  EXPECT_THAT(session.hazards, testing::Contains("another driver"));
}

TEST(Anchors, OfSeveralSessionsAreStillUnpaired) {
  const std::string map = replace(kTimeMap, R"("session": "s",)", R"("session": {"column": "day"},)");
  const std::string header = "day,gpu,model,bits,tps,b\n";
  const std::string table = header + "1,G,small,4,50,2\n2,G,small,4,52,2\n3,G,small,4,51,2\n";
  const auto file =
      import_anchored(table, map, header + "1,G,small,16,100,2\n2,G,small,16,100,2\n3,G,small,16,104,2\n").value().file;
  const auto pooled = std::find_if(file.points.begin(), file.points.end(),
                                   [](const auto& one) { return one.sessions == 3 && one.scheme != "f16"; });
  ASSERT_NE(pooled, file.points.end());
  EXPECT_NEAR(pooled->time_ratio.value(), std::cbrt(100. / 50 * 100 / 52 * 104 / 51), 1e-12);
  EXPECT_FALSE(pooled->time_ratio_low);
  EXPECT_EQ(pooled->time_ratio_basis, result::Basis::kUnpaired);
  EXPECT_EQ(pooled->verdict_time, result::Verdict::kUndecided);
}

TEST(Anchors, OfOneSessionServeNoSessionOfAnotherName) {
  const std::string map = replace(kTimeMap, R"("session": "s",)", R"("session": {"column": "day"},)");
  const std::string header = "day,gpu,model,bits,tps,b\n";
  const std::string table = header + "3,G,small,4,50,2\n";
  const auto imported = import_anchored(table, map, header + "1,G,small,16,100,2\n2,G,small,16,101,2\n");
  ASSERT_FALSE(imported);
  EXPECT_EQ(imported.error().message(),
            "a.csv: several sessions hold f16 of a cell (qwen3-0.6b, B 2): name one as the session of the table, or "
            "keep one by `where` in a map of its own (--anchor-map)");
  EXPECT_TRUE(import_anchored(table, map, header + "1,G,small,16,100,2\n3,G,small,16,101,2\n"));
  EXPECT_TRUE(import_anchored(table, map, header + "1,G,small,16,100,2\n")) << "one alone is no question";
}

TEST(Anchors, CountOnlyWhereASchemeHasNoPair) {
  const std::string map = replace(kTimeMap, R"("session": "s",)", R"("session": {"column": "day"},)");
  const std::string header = "day,gpu,model,bits,tps,b\n";
  const std::string table = header +
                            "1,G,small,16,100,2\n1,G,small,4,50,2\n2,G,small,16,100,2\n2,G,small,4,48,2\n"
                            "3,G,small,4,10,2\n";
  const auto file = import_anchored(table, map, header + "3,G,small,16,500,2\n").value().file;
  const auto pooled = [&file](const char* scheme) {
    return *std::find_if(file.points.begin(), file.points.end(),
                         [&](const auto& one) { return one.sessions > 1 && one.scheme == scheme; });
  };
  EXPECT_NEAR(pooled("w4a16-split").time_ratio.value(), std::sqrt(2 * 100. / 48), 1e-12) << "not 50, of session 3";
  EXPECT_EQ(pooled("w4a16-split").time_ratio_basis, result::Basis::kSessions);
  EXPECT_DOUBLE_EQ(pooled("f16").time_s.value(), 0.02);
  EXPECT_FALSE(pooled("f16").anchor_table);
}

TEST(Anchors, OfTheTableItselfWin) {
  const Imported imported = import_anchored(kBare, kTimeMap, kF16 + "G,large,16,50,2\n").value();
  EXPECT_DOUBLE_EQ(find(imported.file.points, "w4a16-split", "qwen3-4b", 2).time_ratio.value(), 1.25);
  ASSERT_EQ(imported.warnings.size(), 2U);
  EXPECT_EQ(imported.warnings[1], "m/s/G: f16 of qwen3-4b, B 2 stands in a.csv, too: the table's own is kept");
  EXPECT_EQ("m/s/G: " + imported.file.sessions[0].hazards.back(), imported.warnings[1]);
}

TEST(Anchors, ThatMatchNothingAreCountedWithTheNearestName) {
  const Imported imported =
      import_anchored(kBare, kTimeMap, kF16 + "G2,small,16,90,2\nG,large,16,30,8\nH100,small,16,900,2\n").value();
  ASSERT_EQ(imported.warnings.size(), 2U);
  EXPECT_EQ(imported.warnings[1],
            "a.csv: 3 of 5 f16 configurations are of no cell of t.csv: qwen3-4b, B 8 on G (there: qwen3-4b, B 2); "
            "qwen3-0.6b, B 2 on G2 (did you mean device `G`?); qwen3-0.6b, B 2 on H100 (device there: G)");
}

TEST(Anchors, ReadNoOtherRowOfTheirTable) {
  const auto imported = import_anchored(kBare, kTimeMap, kF16 + "G,small,4,no number,2\n");
  ASSERT_TRUE(imported) << imported.error().message();
  EXPECT_EQ(imported.value().file.points.size(), 6U);
}

TEST(Anchors, OfAnotherWorkloadAreRefused) {
  const std::string map = replace(kTimeMap, R"("name": "m")", R"("workload": "projections", "name": "m")");
  EXPECT_EQ(import_anchored(kBare, kTimeMap, kF16, map).error().message(),
            "a.csv is of another workload than t.csv (projections and decoder): correct `workload` in one of the maps");
}

TEST(Anchors, OfAnotherPhaseAreOfAnotherCell) {
  const std::string map = replace(kTimeMap, R"("batch")", R"("phase": {"constant": "prefill"}, "batch")");
  EXPECT_THAT(import_anchored(kBare, kTimeMap, kF16, map).error().message(),
              HasSubstr("qwen3-0.6b, B 2, prefill on G (there: qwen3-0.6b, B 2; qwen3-0.6b, B 8)"));
}

TEST(Anchors, AreRefusedInOneLineThatNamesTheFix) {
  struct Reject {
    std::string anchors;
    std::string message;
  };
  const std::string header = "gpu,model,bits,tps,b\n";
  const Reject rejects[] = {
      {header + "G,small,4,50,2\n",
       "a.csv holds no row of f16 (m): name its text in the map's `schemes`, or give the table a map of its own "
       "(--anchor-map)"},
      {header + "RTX,small,16,100,2\n",
       "a.csv: no f16 row is of a cell of t.csv (qwen3-0.6b, B 2 on RTX (device there: G)): give device and model the "
       "names they have there, in the table or by --anchor-map"},
      {header + "G,small,fp16,100,2\n",
       "a.csv line 2: the map's `schemes` lacks this scheme (fp16): add it or filter it out"},
      {header + "G,small,16,fast,2\n",
       "a.csv line 2: `tps` is not a finite number (fast): write it with a decimal point, name it in the map's "
       "`no_reading`, or filter the row out"},
      {"gpu,model,bits,ms,b\nG,small,16,10,2\n",
       "a.csv has no such column (tps): did you mean `gpu`? its columns are gpu, model, bits, ms, b"},
      {replace(header, "tps", "tps [ms/token]") + "G,small,16,10,2\n",
       "a.csv: a column is in ms/token by its name, and the map reads tokens/s (tps [ms/token]): correct the map's "
       "unit"},
  };
  for (const Reject& reject : rejects) {
    const auto imported = import_anchored(kBare, kTimeMap, reject.anchors);
    ASSERT_FALSE(imported) << reject.message;
    EXPECT_EQ(imported.error().message(), reject.message);
  }
}

}  // namespace
}  // namespace qtrap::importer
