// Prefill and decode of one configuration: rows of two cells, whose ratios never meet.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "import/sample_table.hpp"

namespace qtrap::importer {
namespace {

using result::Phase;
using result::PointRecord;

const std::string kPhaseTable =
    "gpu,model,bits,b,step,ms\n"
    "G,small,16,2,decode,10\nG,small,4,2,decode,20\n"
    "G,small,16,8,decode,16\nG,small,4,8,decode,24\n"
    "G,small,16,2,prefill,100\nG,small,4,2,prefill,70\n"
    "G,small,16,8,prefill,400\nG,small,4,8,prefill,500\n";
const std::string kTimeSource =
    R"("time": {"column": "tps", "unit": "tokens/s"}, "energy": {"column": "mj", "unit": "mJ/token"},)";
const std::string kPhaseMap = replace(
    replace(kMap, kTimeSource,
            R"("time": {"column": "ms", "unit": "ms/step"}, "batch": {"column": "b"}, "phase": {"column": "step"},)"),
    R"("idle_power_w": {"column": "watts"}, )", "");

/// The scheme's point of one session.
PointRecord find(const std::vector<PointRecord>& points, Phase phase, std::int64_t batch) {
  const auto found = std::find_if(points.begin(), points.end(), [&](const PointRecord& one) {
    return one.phase == phase && one.batch == batch && one.scheme != "f16";
  });
  EXPECT_NE(found, points.end());
  return found == points.end() ? PointRecord() : *found;
}

TEST(Import, GivesPrefillACellOfItsOwnBesideDecode) {
  const result::ResultFile file = import_texts(kPhaseTable, kPhaseMap).value();
  EXPECT_EQ(file.sessions.size(), 1U);
  ASSERT_EQ(file.points.size(), 8U);
  EXPECT_DOUBLE_EQ(find(file.points, Phase::kDecode, 2).time_ratio.value(), 2);
  EXPECT_DOUBLE_EQ(find(file.points, Phase::kDecode, 8).time_ratio.value(), 1.5);
  EXPECT_DOUBLE_EQ(find(file.points, Phase::kPrefill, 2).time_ratio.value(), 0.7);
  EXPECT_DOUBLE_EQ(find(file.points, Phase::kPrefill, 8).time_ratio.value(), 1.25);
  EXPECT_EQ(find(file.points, Phase::kDecode, 8).cell_id, "qwen3-0.6b/b8/imported") << "as before there was a phase";
  EXPECT_EQ(find(file.points, Phase::kPrefill, 8).cell_id, "qwen3-0.6b/b8/prefill/imported");
  const auto back = result::parse_whole_result(to_text(file).value(), "r");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back.value().points, file.points);
}

TEST(Import, TranslatesPhases) {
  std::string table = kPhaseTable;
  for (std::size_t at = table.find("prefill"); at != std::string::npos; at = table.find("prefill"))
    table.replace(at, 7, "TTFT");
  const std::string map = replace(kPhaseMap, R"("name": "m")", R"("phases": {"TTFT": "prefill"}, "name": "m")");
  const auto points = import_texts(table, map).value().points;
  EXPECT_DOUBLE_EQ(find(points, Phase::kPrefill, 8).time_ratio.value(), 1.25);
  EXPECT_DOUBLE_EQ(find(points, Phase::kDecode, 8).time_ratio.value(), 1.5) << "the words need no entry";
}

TEST(Import, TakesAPhaseForAllRowsOfASeries) {
  const std::string map = replace(kPhaseMap, R"({"column": "step"})", R"({"constant": "prefill"})");
  const std::string prefill = replace(map, R"("session": "s",)", R"("session": "s", "where": {"step": ["prefill"]},)");
  const auto points = import_texts(kPhaseTable, prefill).value().points;
  ASSERT_EQ(points.size(), 4U) << "of prefill alone";
  EXPECT_DOUBLE_EQ(find(points, Phase::kPrefill, 2).time_ratio.value(), 0.7);
}

TEST(Import, PoolsAPhaseOverTheSessionsThatHoldIt) {
  std::string table = "day," + kPhaseTable;
  for (std::size_t at = table.find("\nG"); at != std::string::npos; at = table.find("\nG", at + 1))
    table.insert(at + 1, "1,");
  table += "2,G,small,16,2,decode,11\n2,G,small,4,2,decode,23\n";
  const std::string map = replace(kPhaseMap, R"("session": "s",)", R"("session": {"column": "day"},)");
  const auto points = import_texts(table, map).value().points;
  std::vector<PointRecord> pooled;
  std::copy_if(points.begin(), points.end(), std::back_inserter(pooled), [](const auto& p) { return p.sessions > 1; });
  ASSERT_EQ(pooled.size(), 2U) << "f16 and int4 of decode at batch 2";
  for (const PointRecord& one : pooled) EXPECT_EQ(one.phase, Phase::kDecode);
  EXPECT_NEAR(find(pooled, Phase::kDecode, 2).time_ratio.value(), std::sqrt(2.0 * 23 / 11), 1e-12);
  EXPECT_DOUBLE_EQ(find(points, Phase::kPrefill, 2).time_ratio.value(), 0.7);
  EXPECT_EQ(find(points, Phase::kPrefill, 2).verdict_time, result::Verdict::kUndecided);
}

TEST(Import, RefusesAPhaseItDoesNotKnow) {
  EXPECT_EQ(import_texts(replace(kPhaseTable, "2,prefill", "2,prompt"), kPhaseMap).error().message(),
            "t.csv line 6: the phase is neither decode nor prefill (prompt): translate it in the map's `phases`, or "
            "filter the row out");
  const std::string map = replace(kPhaseMap, R"("name": "m")", R"("phases": {"TTFT": "prompt"}, "name": "m")");
  EXPECT_EQ(parse_import_map(map, "m.json").error().message(),
            "m.json: `phases.TTFT` is not in its closed list (prompt): use decode, prefill");
  EXPECT_EQ(import_texts(replace(kPhaseTable, "2,prefill,100", "2,decode,100"), kPhaseMap).error().message(),
            "t.csv line 6: a configuration is given twice with different values (m/s/G|qwen3-0.6b/b2/imported|f16): "
            "put the rows into sessions of their own")
      << "two rows of one phase are still one configuration";
}

TEST(Import, WritesAMapWithPhasesThatReadsBackEqual) {
  const std::string text = replace(kPhaseMap, R"("name": "m")", R"("phases": {"TTFT": "prefill"}, "name": "m")");
  const ImportMap map = parse_import_map(text, "m").value();
  EXPECT_EQ(parse_import_map(to_json(map), "m").value(), map);
}

}  // namespace
}  // namespace qtrap::importer
