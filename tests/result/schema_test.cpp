#include "result/schema.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "result/file_fields.hpp"
#include "result/sample_records.hpp"
#include "result/schema_check.hpp"
#include "support/golden.hpp"

namespace qtrap::result {
namespace {

using nlohmann::json;

TEST(ResultSchema, CommittedDocumentsAreWhatTheTablesGenerate) {
  test::expect_golden("host/result/schema/qtrap.result.schema.json", make_result_schema());
  test::expect_golden("host/result/schema/qtrap.fit.schema.json", make_fit_schema());
  test::expect_golden("host/result/schema/qtrap.compare.schema.json", make_compare_schema());
  test::expect_golden("host/result/schema/qtrap.plan.schema.json", make_plan_schema());
  test::expect_golden("host/result/SCHEMA.md", make_schema_markdown());
}

template <class R>
void expect_sound_table() {
  std::set<std::string_view> names;
  for (const Field<R>& field : fields<R>()) {
    EXPECT_TRUE(names.insert(field.key.name).second) << field.key.name << " stands twice";
    EXPECT_FALSE(field.key.doc.empty()) << field.key.name;
    EXPECT_EQ(field.key.doc.find('|'), std::string_view::npos) << field.key.name << " breaks the Markdown table";
    const bool seconds =
        field.key.name.ends_with("_s") || field.key.name.ends_with("_s_low") || field.key.name.ends_with("_s_high");
    if (seconds && !field.key.name.ends_with("per_s")) {
      EXPECT_NE(field.key.unit.find('s'), std::string_view::npos) << field.key.name;
    }
    if (field.key.name.ends_with("_j")) {
      EXPECT_EQ(field.key.unit, "J") << field.key.name;
    }
    if (field.key.name.ends_with("bytes")) {
      EXPECT_EQ(field.key.unit, "bytes") << field.key.name;
    }
  }
}

TEST(ResultSchema, EveryFieldHasOneNameAMeaningAndTheUnitOfItsSuffix) {
  expect_sound_table<SessionRecord>();
  expect_sound_table<TrialRecord>();
  expect_sound_table<SamplesRecord>();
  expect_sound_table<QualityRecord>();
  expect_sound_table<PointRecord>();
  expect_sound_table<EndRecord>();
  expect_sound_table<Ceilings>();
  expect_sound_table<MeterSummary>();
  expect_sound_table<FitFile>();
  expect_sound_table<EnergyFit>();
  expect_sound_table<Attribution>();
  expect_sound_table<Scaling>();
  expect_sound_table<VerdictEntry>();
  expect_sound_table<PaperView>();
  expect_sound_table<CompareFile>();
  expect_sound_table<ComparedPoint>();
  expect_sound_table<ComparedRatio>();
  expect_sound_table<PlanFile>();
}

SchemaCheck whole_line_check() { return SchemaCheck(json::parse(make_result_schema())); }

TEST(ResultSchema, AcceptsEveryLineTheWriterWrites) {
  const SchemaCheck check = whole_line_check();
  for (const Record& record :
       {Record(sample::session()), Record(sample::trial("c", 0, 1)), Record(sample::point("p")), Record(sample::end()),
        Record(sample::numbered<PointRecord>()), Record(sample::numbered<SamplesRecord>()),
        Record(sample::numbered<QualityRecord>()), Record(sample::numbered<TrialRecord>())}) {
    EXPECT_FALSE(check.find_violation(json::parse(sample::line(record)))) << sample::line(record);
  }
}

TEST(ResultSchema, RefusesWhatTheParserRefuses) {
  const json good = json::parse(sample::line(sample::point("p")));
  const std::pair<const char*, json> changes[] = {
      {"time_s", "fast"},     {"params", -1},        {"params", 1.5},      {"status", "fine"},
      {"status", nullptr},    {"point_id", nullptr}, {"trials", "many"},   {"kernels_used", "gemv"},
      {"output_error", {{}}}, {"session_ids", {1}},  {"record", "points"},
  };
  const SchemaCheck check = whole_line_check();
  for (const auto& [key, value] : changes) {
    json bad = good;
    bad[key] = value;
    EXPECT_TRUE(check.find_violation(bad)) << key << " = " << value;
    EXPECT_FALSE(parse_line(bad.dump()).ok()) << key << " = " << value;
  }
  json missing = good;
  missing.erase("status");
  EXPECT_TRUE(check.find_violation(missing));
}

}  // namespace
}  // namespace qtrap::result
