#include "result/export.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "result/sample_records.hpp"
#include "support/golden.hpp"
#include "support/locale_guard.hpp"

namespace qtrap::result {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

ResultFile sample_file() {
  ResultFile file;
  SessionRecord second = sample::session("s1");
  second.meter.name = "rapl";
  file.sessions = {sample::session(), second};
  PointRecord odd = sample::numbered<PointRecord>();
  odd.session_ids = {"s0", "s1"};
  odd.reason = "comma, \"quote\", | pipe and 'apostrophe'\nsecond line";
  odd.time_s = 1e-20;
  odd.time_s_low = 0.1 + 0.2;
  file.points = {sample::point("p"), odd};
  file.trials = {sample::trial("c1", 0, 2), sample::numbered<TrialRecord>()};
  return file;
}

std::string write(CsvRecords records, ExportFormat format) {
  const ResultFile file = sample_file();
  return export_records({&file, 1}, records, format).value();
}

struct Golden {
  CsvRecords records;
  ExportFormat format;
  const char* path;
};
constexpr Golden kGolden[] = {
    {CsvRecords::kPoints, ExportFormat::kCsv, "tests/result/golden/points.csv"},
    {CsvRecords::kTrials, ExportFormat::kCsv, "tests/result/golden/trials.csv"},
    {CsvRecords::kPoints, ExportFormat::kMarkdown, "tests/result/golden/points.md"},
    {CsvRecords::kTrials, ExportFormat::kMarkdown, "tests/result/golden/trials.md"},
    {CsvRecords::kPoints, ExportFormat::kSql, "tests/result/golden/points.sql"},
    {CsvRecords::kTrials, ExportFormat::kSql, "tests/result/golden/trials.sql"},
};

// csv_pandas_test.py compares the golden tables with these records.
TEST(Export, MarkdownNamesThePhaseOnlyWhereSomeRowIsNotDecode) {
  ResultFile file = sample_file();
  const auto write = [&file] {
    return export_records({&file, 1}, CsvRecords::kPoints, ExportFormat::kMarkdown).value();
  };
  EXPECT_NE(write().find("| phase |"), std::string::npos);
  for (PointRecord& point : file.points) point.phase = Phase::kDecode;
  EXPECT_EQ(write().find("| phase |"), std::string::npos);
  EXPECT_NE(to_csv(file, CsvRecords::kPoints).value().find(",phase,"), std::string::npos);
}

TEST(Export, StartsFromTheGoldenRecords) {
  const ResultFile file = sample_file();
  std::string lines;
  for (const SessionRecord& session : file.sessions) lines += sample::line(session);
  for (const TrialRecord& trial : file.trials) lines += sample::line(trial);
  for (const PointRecord& point : file.points) lines += sample::line(point);
  test::expect_golden("tests/result/golden/export.jsonl", lines);
}

TEST(Export, WritesTheGoldenTables) {
  for (const Golden& golden : kGolden) test::expect_golden(golden.path, write(golden.records, golden.format));
}

TEST(Export, WritesTheSameWithADecimalCommaAndAnotherZone) {
  const test::LocaleGuard german;
  for (const Golden& golden : kGolden) test::expect_golden(golden.path, write(golden.records, golden.format));
}

TEST(Export, WritesTheSameInTheCLocaleOfGermany) {
  const test::LocaleGuard german;
  if (!german.has_c_locale()) GTEST_SKIP() << "locale de_DE.UTF-8 is not installed";
  for (const Golden& golden : kGolden) test::expect_golden(golden.path, write(golden.records, golden.format));
}

TEST(Export, PutsTheJoinKeysFirstAndOnEveryRow) {
  const std::string csv = to_csv(sample_file(), CsvRecords::kPoints).value();
  EXPECT_THAT(csv, StartsWith("session_id,device_name,driver,meter_name,point_id,"));
  EXPECT_THAT(csv, HasSubstr("\ns0,\"Device, \"\"quoted\"\" | ü\",text 5,text 1,p,"));
  EXPECT_THAT(csv, HasSubstr("\ns0;s1,\"Device, \"\"quoted\"\" | ü\",text 5,text 1;rapl,"));
}

// The case tables-do-not-join: session_id is a list in points.
TEST(Export, GivesTrialsAndPointsAKeyThatJoinsThemOverSeveralSessions) {
  const ResultFile file = sample_file();
  ResultFile other = file;
  other.sessions[0].session_id = "t0";
  const ResultFile files[] = {file, other};
  for (const CsvRecords records : {CsvRecords::kPoints, CsvRecords::kTrials}) {
    const std::string csv = export_records(files, records, ExportFormat::kCsv).value();
    EXPECT_THAT(csv.substr(0, csv.find('\n')), testing::EndsWith(",result_id"));
    const auto count = [&csv](const std::string& end) {
      std::size_t found = 0;
      for (std::size_t at = csv.find(end); at != std::string::npos; at = csv.find(end, at + 1)) ++found;
      return found;
    };
    EXPECT_EQ(count(",s0\n"), 2U);
    EXPECT_EQ(count(",t0\n"), 2U);
  }
}

TEST(Export, WritesOneHeaderOverSeveralFilesAndOverNone) {
  const ResultFile files[] = {sample_file(), sample_file()};
  const std::string csv = export_records(files, CsvRecords::kTrials, ExportFormat::kCsv).value();
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 5);
  const std::string none = export_records({}, CsvRecords::kTrials, ExportFormat::kCsv).value();
  EXPECT_EQ(csv.substr(0, none.size()), none);
  EXPECT_EQ(std::count(none.begin(), none.end(), '\n'), 1);
}

/// The table of one point with this model name, and what stands in its last row from the model on.
std::string row_of(const std::string& model, ExportFormat format) {
  ResultFile file;
  file.sessions = {sample::session()};
  PointRecord point = sample::point("p");
  point.model = model;
  file.points = {point};
  const std::string text = export_records({&file, 1}, CsvRecords::kPoints, format).value();
  return text.substr(text.find("projections"));
}

TEST(Export, LeavesNoFormulaForASpreadsheetAndEveryNumberAsItIs) {
  for (const std::string start : {"=", "+", "-", "@", "\t", "'", "\uff1d"}) {
    const std::string csv = row_of(start + "1+1", ExportFormat::kCsv);
    EXPECT_THAT(csv, StartsWith("projections,'" + start + "1+1,")) << csv;
  }
  EXPECT_THAT(row_of("a=1", ExportFormat::kCsv), StartsWith("projections,a=1,"));
  EXPECT_THAT(row_of("=\"a\",1", ExportFormat::kCsv), StartsWith("projections,\"'=\"\"a\"\",1\","));
  ResultFile file = sample_file();
  file.points[0].closure_time = -0.25;
  EXPECT_THAT(to_csv(file, CsvRecords::kPoints).value(), HasSubstr(",-0.25,"));
}

TEST(Export, LeavesNoTextThatEndsItsMarkdownCell) {
  EXPECT_THAT(row_of("a|b", ExportFormat::kMarkdown), StartsWith("projections | a\\|b |"));
  EXPECT_THAT(row_of("a\\|b", ExportFormat::kMarkdown), StartsWith("projections | a\\\\\\|b |"));
  EXPECT_THAT(row_of("a\r\nb", ExportFormat::kMarkdown), StartsWith("projections | a\\\\x0d<br>b |"));
  EXPECT_THAT(row_of("<script>&", ExportFormat::kMarkdown), StartsWith("projections | &lt;script>&amp; |"));
  EXPECT_THAT(row_of("![x](y)`z", ExportFormat::kMarkdown), StartsWith("projections | !\\[x\\](y)\\`z |"));
}

TEST(Export, LeavesNoTextThatEndsItsSqlLiteral) {
  EXPECT_THAT(row_of("a'); DROP TABLE t; --", ExportFormat::kSql),
              StartsWith("projections', 'a''); DROP TABLE t; --', "));
  EXPECT_THAT(row_of(std::string("a\0'b", 4), ExportFormat::kSql), StartsWith("projections', 'a\\x00''b', "));
  EXPECT_THAT(row_of("\x1b[2J", ExportFormat::kSql), StartsWith("projections', '\\x1b[2J', "));
}

TEST(Export, RefusesNumbersThatAreNotFinite) {
  ResultFile file = sample_file();
  file.points[0].time_ratio = std::numeric_limits<double>::infinity();
  EXPECT_THAT(to_csv(file, CsvRecords::kPoints).error().message(), StartsWith("`time_ratio` is not finite (inf)"));
}

TEST(Export, KnowsTheWordsOfTheContract) {
  EXPECT_EQ(find_word<ExportFormat>("csv"), ExportFormat::kCsv);
  EXPECT_EQ(find_word<ExportFormat>("md"), ExportFormat::kMarkdown);
  EXPECT_EQ(find_word<ExportFormat>("sql"), ExportFormat::kSql);
  EXPECT_EQ(find_word<ExportFormat>("CSV"), std::nullopt);
  EXPECT_EQ(find_word<CsvRecords>("points"), CsvRecords::kPoints);
  EXPECT_EQ(find_word<CsvRecords>("trials"), CsvRecords::kTrials);
  EXPECT_EQ(find_word<CsvRecords>("sessions"), std::nullopt);
}

}  // namespace
}  // namespace qtrap::result
