#include "result/result_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include <limits>

#include "core/file.hpp"
#include "core/philox.hpp"
#include "result/sample_records.hpp"
#include "support/golden.hpp"
#include "support/locale_guard.hpp"
#include "support/temporary_folder.hpp"

namespace qtrap::result {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string sample_lines() {
  return sample::line(sample::session()) + sample::line(sample::numbered<TrialRecord>()) +
         sample::line(sample::trial("c", 0, 1)) + sample::line(sample::numbered<PointRecord>()) +
         sample::line(sample::point("p")) + sample::line(sample::end());
}

TEST(ResultLines, AreTheGoldenOnesInEveryLocaleAndZone) {
  test::expect_golden("tests/result/golden/lines.jsonl", sample_lines());
  const test::LocaleGuard german;
  test::expect_golden("tests/result/golden/lines.jsonl", sample_lines());
}

TEST(ResultLines, ReadBackToEqualRecordsInEveryLocale) {
  const test::LocaleGuard german;
  const Record records[] = {sample::session(),
                            sample::numbered<TrialRecord>(),
                            sample::numbered<SamplesRecord>(),
                            sample::trial("c", 0, 1),
                            sample::quality("w8a8"),
                            sample::numbered<QualityRecord>(),
                            sample::numbered<PointRecord>(),
                            sample::point("p"),
                            sample::end()};
  for (const Record& record : records) {
    const auto read = parse_line(sample::line(record));
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_TRUE(read.value() == record) << sample::line(record);
  }
}

// Fields that were new and required once made every file of version 1.1 unreadable.
TEST(ResultLines, OfAnEarlierMinorVersionAreRead) {
  const auto text = read_file(std::filesystem::path(QTRAP_SOURCE_DIR) / "tests/result/golden/lines-1.1.jsonl").value();
  std::istringstream lines(text);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto read = parse_line(line);
    EXPECT_TRUE(read) << read.error().message();
  }
  EXPECT_EQ(count, 6U);
}

TEST(ResultLines, KeepEveryBitOfADouble) {
  for (const double value : {0.1, 1.0 / 3.0, 1e300, 5e-324, 123456789.123456789, 2.0}) {
    PointRecord point = sample::point("p");
    point.time_s = value;
    EXPECT_EQ(std::get<PointRecord>(parse_line(sample::line(point)).value()).time_s, value);
  }
}

TEST(ResultLines, ReplaceBytesThatAreNotUtf8) {
  SessionRecord session = sample::session();
  session.argv = {"qtrap", "run", "caf\xe9.json"};
  const auto read = parse_line(sample::line(session));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(std::get<SessionRecord>(read.value()).argv[2], "caf\xEF\xBF\xBD.json");
}

TEST(ResultLines, AreNotWrittenWithNumbersThatAreNotFinite) {
  for (const double value : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    PointRecord point = sample::point("p");
    point.time_ratio = value;
    const auto line = to_json_line(point);
    ASSERT_FALSE(line);
    EXPECT_THAT(line.error().message(), StartsWith("`time_ratio` is not finite"));
    SessionRecord session = sample::session();
    session.ceilings.host_sync_s = value;
    EXPECT_FALSE(to_json_line(session));
    point.time_ratio.reset();
    point.output_error = std::vector<double>{0.0, value};
    EXPECT_FALSE(to_json_line(point));
  }
}

TEST(ResultLines, AreNotWrittenWithWordsOutsideTheirListNegativeCountsOrABrokenCampaign) {
  PointRecord point = sample::point("p");
  point.time_ratio_basis = Basis::kNone;  // a word of Basis, but not of this key
  EXPECT_THAT(to_json_line(point).error().message(),
              StartsWith("`time_ratio_basis` is not in its closed list (none): use sessions, blocks, imported"));
  TrialRecord trial = sample::trial("c", 0, 1);
  trial.launches = -1;
  EXPECT_THAT(to_json_line(trial).error().message(), HasSubstr("`launches` is negative (-1)"));
  std::string deep;
  for (int i = 0; i < 64; ++i) deep += R"({"a":)";
  for (const std::string& campaign :
       {std::string("[1]"), std::string("{"), std::string(), deep + "1" + std::string(64, '}')}) {
    SessionRecord session = sample::session();
    session.campaign_json = campaign;
    EXPECT_FALSE(to_json_line(session)) << campaign;
  }
}

TEST(ResultLines, IgnoreUnknownKeysAndMissingOptionalOnes) {
  std::string line = sample::line(sample::point("p"));
  line.replace(line.find(R"("energy_ratio_low":null,)"), 24, R"("new_key":[1],)");
  const auto read = parse_line(line);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_TRUE(std::get<PointRecord>(read.value()) == sample::point("p"));
}

TEST(ResultLines, OfAPointWithoutAPhaseAreOfDecode) {
  PointRecord point = sample::point("p");
  point.phase = Phase::kPrefill;
  std::string line = sample::line(point);
  EXPECT_EQ(std::get<PointRecord>(parse_line(line).value()).phase, Phase::kPrefill);
  constexpr std::string_view kKey = R"(,"phase":"prefill")";
  ASSERT_NE(line.find(kKey), std::string::npos);
  line.erase(line.find(kKey), kKey.size());
  EXPECT_EQ(std::get<PointRecord>(parse_line(line).value()).phase, Phase::kDecode);
}

TEST(ResultLines, OfANewerMinorVersionAreRead) {
  SessionRecord session = sample::session();
  session.schema_version = "1.8";
  EXPECT_TRUE(parse_line(sample::line(session)));
}

struct Reject {
  const char* from;  ///< text of the good line
  const char* to;    ///< what it becomes
  std::string message;
};

void expect_rejects(const std::string& good, std::span<const Reject> rejects) {
  ASSERT_TRUE(parse_line(good));
  for (const Reject& reject : rejects) {
    std::string bad = good;
    const std::size_t at = bad.find(reject.from);
    ASSERT_NE(at, std::string::npos) << reject.from;
    bad.replace(at, std::string_view(reject.from).size(), reject.to);
    const auto read = parse_line(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().kind, ErrorKind::kUsage);
    EXPECT_EQ(read.error().message(), reject.message);
  }
}

TEST(ResultLines, OfAPointAreRefusedWithTheKeyTheValueAndTheFix) {
  std::string good = sample::line(sample::point("p"));
  good.pop_back();
  const Reject rejects[] = {
      {R"("record":"point")", R"("record":"pint")",
       "`record` is not in its closed list (\"pint\"): use session, trial, samples, quality, point, end"},
      {R"("record":"point",)", "", "a key is missing (record): write session, trial, samples, quality, point or end"},
      {R"("params":596049920)", R"("params":"big")",
       "`params` has the wrong type (\"big\"): give an integer from 0 to 9223372036854775807"},
      {R"("params":596049920)", R"("params":-5)",
       "`params` has the wrong type (-5): give an integer from 0 to 9223372036854775807"},
      {R"("params":596049920)", R"("params":9223372036854775808)",
       "`params` has the wrong type (9223372036854775808): give an integer from 0 to 9223372036854775807"},
      {R"("params":596049920)", R"("params":1.0)",
       "`params` has the wrong type (1.0): give an integer from 0 to 9223372036854775807"},
      {R"("params":596049920)", R"("params":null)",
       "`params` has the wrong type (null): give an integer from 0 to 9223372036854775807"},
      {R"("params":596049920,)", "",
       "a key is missing (params): add it: parameters of the shape, tied embeddings once"},
      {R"("time_s":2.0)", R"("time_s":"2,0")", "`time_s` has the wrong type (\"2,0\"): give a number"},
      {R"("time_s":2.0)", R"("time_s":{})", "`time_s` has the wrong type (an object): give a number"},
      {R"("status":"ok")", R"("status":"fine")",
       "`status` is not in its closed list (fine): use ok, unsupported, skipped, error"},
      {R"("phase":"decode")", R"("phase":"prompt")", "`phase` is not in its closed list (prompt): use decode, prefill"},
      {R"("path":"none")", R"("path":null)", "`path` has the wrong type (null): give a text in quotes"},
      {R"("path":"none",)", "", "a key is missing (path): add it: kernel path of the weights"},
      {R"("scheme":"f16")", R"("scheme":16)", "`scheme` has the wrong type (16): give a text in quotes"},
      {R"("kernels_used":[])", R"("kernels_used":"gemv")",
       "`kernels_used` has the wrong type (\"gemv\"): give a list in [ ]"},
      {R"("session_ids":["s0"])", R"("session_ids":["s0",7])",
       "`session_ids[1]` has the wrong type (7): give a text in quotes"},
      {R"("output_error":[0.0)", R"("output_error":[null)",
       "`output_error[0]` has the wrong type (null): give a number"},
      {R"({"record")", R"([{"record")",
       "the record is not valid JSON at column " + std::to_string(good.size() + 2) + ": it ends too early"},
      {R"("scheme":"f16")", "\"scheme\":\"f\xff\"", "the record is not UTF-8: save it as UTF-8 text"},
  };
  expect_rejects(good, rejects);
}

TEST(ResultLines, AreNotWrittenWithoutAWordThatTheWriterForgot) {
  const auto refusal = [](const Record& record) { return to_json_line(record).error().message(); };
  PointRecord point = sample::point("p");
  point.path.reset();
  EXPECT_EQ(refusal(point), "`path` was not given: set it: kernel path of the weights");
  SessionRecord session = sample::session();
  session.device.type.reset();
  EXPECT_EQ(refusal(session), "`type` was not given: set it: kind of device");
  session = sample::session();
  session.device.kernel_family.reset();
  EXPECT_EQ(refusal(session), "`kernel_family` was not given: set it: family of kernels used");
}

TEST(ResultLines, OfAFileBefore14NameNeitherFormatNorClass) {
  PointRecord point = sample::point("p");
  std::string line = sample::line(point);
  const std::string_view keys = R"(,"weight_format":null,"mac_class":null)";
  const std::size_t at = line.find(keys);
  ASSERT_NE(at, std::string::npos) << line;
  line.erase(at, keys.size());
  line.pop_back();
  EXPECT_EQ(std::get<PointRecord>(parse_line(line).value()), point);
  point.weight_format = "int4";
  point.mac_class = "w4a16";
  line = sample::line(point);
  line.pop_back();
  EXPECT_EQ(std::get<PointRecord>(parse_line(line).value()), point);
}

TEST(ResultLines, OfAFileBefore15HaveNoPassOfOutliers) {
  const PointRecord point = sample::point("p");
  ASSERT_EQ(point.phase_outliers_j_status, EnergyStatus::kNoPass);
  std::string line = sample::line(point);
  const std::string_view keys =
      R"(,"phase_outliers_s":null,"phase_outliers_j":null,"phase_outliers_j_status":"no_pass")";
  const std::size_t at = line.find(keys);
  ASSERT_NE(at, std::string::npos) << line;
  line.erase(at, keys.size());
  line.pop_back();
  EXPECT_EQ(std::get<PointRecord>(parse_line(line).value()), point);
}

TEST(ResultLines, OfASessionAreRefusedWithTheKeyTheValueAndTheFix) {
  const Reject rejects[] = {
      {R"("schema_version":"1.8")", R"("schema_version":"2.0")",
       "the schema_version is newer than this program (2.0): use a qtrap that reads version 2.0; this one reads "
       "1.x"},
      {R"("schema_version":"1.8")", R"("schema_version":"one")",
       "`schema_version` is not MAJOR.MINOR (\"one\"): write \"1.8\""},
      {R"("schema":"qtrap.result")", R"("schema":"qtrap.model")",
       "`schema` is not in its closed list (qtrap.model): use qtrap.result"},
      {R"("host":{)", R"("host":3,"was":{)", "`host` has the wrong type (3): give an object in { }"},
      {R"("declared":true)", R"("declared":1)",
       "`device.capabilities[0].declared` has the wrong type (1): give true or false"},
      {R"("POCL_AFFINITY":"1")", R"("POCL_AFFINITY":1)",
       "`environment.POCL_AFFINITY` has the wrong type (1): give a text in quotes"},
      {R"("campaign":{)", R"("campaign":[],"was":{)", "`campaign` has the wrong type ([]): give an object in { }"},
      {R"("trusted":true)", R"("trusted":null)", "`event_timer.trusted` has the wrong type (null): give true or false"},
  };
  expect_rejects(sample::line(sample::session()), rejects);
}

TEST(ResultLines, RefuseACampaignThatIsNestedTooDeeply) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += R"({"a":)";
  deep += "1" + std::string(100000, '}');
  std::string line = sample::line(sample::session());
  const std::string campaign = R"({"name":"c","target_ci":0.01})";
  line.replace(line.find(campaign), campaign.size(), deep);
  EXPECT_EQ(parse_line(line).error().message(), "the record is nested too deeply (100001 levels): at most 64 are read");
}

TEST(ResultLines, CarryACampaignAsDeepAsTheReaderTakes) {
  std::string deep;
  for (int i = 0; i < 63; ++i) deep += R"({"a":)";
  SessionRecord session = sample::session();
  session.campaign_json = deep + "1" + std::string(63, '}');
  EXPECT_TRUE(std::get<SessionRecord>(parse_line(sample::line(session)).value()) == session);
}

TEST(ResultFiles, HoldTheirRecordsInOrder) {
  const std::string text = sample::file_text();
  const auto file = parse_result(text, "r");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file.value().sessions.size(), 2U);
  EXPECT_EQ(file.value().trials.size(), 4U);
  EXPECT_EQ(file.value().points.size(), 1U);
  EXPECT_TRUE(file.value().end == sample::end());
  EXPECT_EQ(file.value().valid_bytes, text.size());
  EXPECT_EQ(file.value().resume_bytes, text.find(R"({"record":"point")")) << "points are told anew";
  EXPECT_EQ(file.value().resume_points, 0U);
  EXPECT_FALSE(file.value().torn_tail);
}

// Units end after: session, cell c1 (2 trials), cell c2, session, cell c1, point, end.
TEST(ResultFiles, CutAtAnyByteKeepTheirCompleteUnits) {
  const std::string text = sample::file_text();
  std::vector<std::size_t> units{0};
  int number = 0;
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
    if (++number != 2) units.push_back(at + 1);  // line 2 is the first of two trials
  }
  ASSERT_EQ(units.size(), 8U);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto file = parse_result(std::string_view(text).substr(0, cut), "r");
    ASSERT_TRUE(file) << cut << ": " << file.error().message();
    const std::size_t valid = *std::prev(std::upper_bound(units.begin(), units.end(), cut));
    ASSERT_EQ(file.value().valid_bytes, valid) << cut;
    ASSERT_EQ(file.value().torn_tail, valid < cut) << cut;
    const auto again = parse_result(std::string_view(text).substr(0, valid), "r");
    ASSERT_TRUE(again);
    ASSERT_FALSE(again.value().torn_tail) << cut;
    ASSERT_EQ(again.value().trials.size(), file.value().trials.size()) << cut;
  }
}

TEST(ResultFiles, WithATailThatIsNoTextLoseOnlyTheTail) {
  const std::string good = sample::line(sample::session()) + sample::line(sample::trial("c1", 0, 1));
  const auto file = parse_result(good + std::string(512, '\0') + "\xff", "r");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file.value().valid_bytes, good.size());
  EXPECT_TRUE(file.value().torn_tail);
}

TEST(ResultFiles, MalformedBeforeTheTailAreRefusedWithTheLine) {
  const std::string session = sample::line(sample::session());
  const std::string first = sample::line(sample::trial("c1", 0, 2));
  const std::string second = sample::line(sample::trial("c1", 1, 2));
  const std::string point = sample::line(sample::point("p"));
  const std::string end = sample::line(sample::end());
  const std::pair<std::string, std::string> cases[] = {
      {session + "{\n" + point, "r line 2: the record is not valid JSON at column 2: it ends too early"},
      {session + "\n" + point, "r line 2: the record is not valid JSON at column 1: it ends too early"},
      {session + first + point,
       "r line 3: the cell before this line is incomplete (c1: 1 of 2 trials): the file was changed by hand; restore "
       "it"},
      {session + first + sample::line(sample::trial("c2", 0, 1)),
       "r line 3: the cell before this line is incomplete (c1: 1 of 2 trials): the file was changed by hand; restore "
       "it"},
      {session + first + second + first,
       "r line 4: a session holds a cell twice (c1): each cell_id occurs once per session"},
      {session + sample::line(sample::trial("c1", 0, 0)),
       "r line 2: `cell_trials` is 0 (c1): a cell has at least one trial"},
      {session + session, "r line 2: a session_id occurs twice (s0): each session has its own"},
      {session + point + point, "r line 3: a point_id occurs twice (p): each point has its own"},
      {session + end + point, "r line 3: a record follows `end`: `end` is the last line; remove what follows"},
      {session + sample::line(sample::trial("c1", 0, 1, "s9")),
       "r line 2: a trial belongs to no session (s9): its session record must come before it"},
      {"hello", "r is not a result file (hello): its first line must be a session record"},
      {"{\"schema\": \"qtrap.model\"}",
       "r is not a result file ({\"schema\": \"qtrap.m): its first line must be a session record"},
  };
  for (const auto& [text, message] : cases) {
    const auto file = parse_result(text, "r");
    ASSERT_FALSE(file) << text;
    EXPECT_EQ(file.error().message(), message);
    EXPECT_EQ(file.error().kind, ErrorKind::kUsage);
  }
}

TEST(ResultFiles, WithChangedBytesAreReadOrRefusedInWords) {
  const std::string good = sample::file_text();
  PhiloxStream random(7);
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    std::string text = good;
    for (int change = 0; change < 1 + i % 3; ++change) {
      text[random.below(static_cast<std::uint32_t>(text.size()))] = static_cast<char>(random.below(256));
    }
    const auto file = parse_result(text, "r");
    refused += file ? 0 : 1;
    if (!file) {
      EXPECT_THAT(file.error().message(), HasSubstr(": "));
    }
    if (file) {
      EXPECT_LE(file.value().valid_bytes, text.size());
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(ResultFiles, WithoutACompleteSessionAreRefusedWhenRead) {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "torn_session.jsonl";
  ASSERT_TRUE(write_file(path, sample::line(sample::session()).substr(0, 40), true));
  const auto file = read_result(path);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message(), StartsWith("the file holds no complete session record"));
  EXPECT_FALSE(read_result(path.parent_path()));
  EXPECT_FALSE(read_result(path.string() + ".missing"));
}

}  // namespace
}  // namespace qtrap::result
