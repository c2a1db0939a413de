// Tables of model and campaign files that must be refused, with the whole message. A case changes one spot of a valid
// file; where the JSON Schema can say it, the schema must refuse it too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

#include "core/philox.hpp"
#include "profile/profile.hpp"
#include "profile/schema.hpp"
#include "support/golden.hpp"
#include "support/locale_guard.hpp"

// g++ 12 misreads std::string inlined from valijson (GCC bug 105651).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wrestrict"
#endif
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace qtrap::profile {
namespace {

using ::testing::StartsWith;

constexpr std::array<std::string_view, 3> kSchemes{"f16", "w8a16-split", "w4a8"};

constexpr const char* kModel =
    R"({"schema": "qtrap.model", "schema_version": "1.0", "name": "m", "hidden": 1024, "ffn": 3072, "layers": 28,)"
    R"( "heads": 16, "kv_heads": 8, "head_dim": 128, "vocab": 151936, "tied_embeddings": true, "source": "a config"})";
constexpr const char* kCampaign =
    R"({"schema": "qtrap.campaign", "name": "c", "description": "d", "models": ["m"], "schemes": ["f16", "w4a8"],)"
    R"( "batch": [1, 8], "hops": [1], "tokens_per_hop": [4], "context_tokens": [0], "target_ci": 0.02, "min_trials": 3,)"
    R"( "max_trials": 8, "max_seconds_per_point": 20, "max_seconds": 600, "sessions": 3, "memory_fraction": 0.8,)"
    R"( "layers_limit": null, "group_size": 128})";

enum class BySchema { kYes, kNo };

struct Reject {
  const char* from;
  const char* to;
  const char* message;  ///< start of the message, after the file's name
  BySchema by_schema = BySchema::kYes;
};

constexpr Reject kModelRejects[] = {
    {"\"hidden\"", "\"hiden\"",
     ": unknown key (hiden): did you mean `hidden`? known are schema, schema_version, name, hidden, ffn,"},
    {"\"ffn\": 3072,", "", ": a key is missing (ffn): add it: width of the feed-forward network"},
    {"\"schema\": \"qtrap.model\", ", "", ": a key is missing (schema): add \"schema\": \"qtrap.model\""},
    {"qtrap.model", "qtrap.campaign",
     " has another schema (\"qtrap.campaign\"): a file with schema qtrap.model is needed"},
    {"\"m\"", "\"../m\"",
     ": `name` cannot be part of a file name (\"../m\"): use letters, digits, dot, dash and underscore, no leading "
     "dot,"},
    {"\"qtrap.model\"", "7", " has another schema (7): a file with schema qtrap.model is needed"},
    {"\"1.0\"", "\"2.0\"",
     ": the schema_version is newer than this program (2.0): use a qtrap that reads version 2.0; this one reads 1.x"},
    {"\"1.0\"", "1", ": `schema_version` is not MAJOR.MINOR (1): write \"1.3\""},
    {"\"1.0\"", "\"new\"", ": `schema_version` is not MAJOR.MINOR (\"new\"): write \"1.3\""},
    {"1024", "\"1024\"", ": `hidden` has the wrong type (\"1024\"): give an integer from 1 to 1048576"},
    {"1024", "1024.5", ": `hidden` has the wrong type (1024.5): give an integer from 1 to 1048576"},
    {"1024", "0", ": `hidden` is out of range (0): give an integer from 1 to 1048576"},
    {"1024", "-1024", ": `hidden` is out of range (-1024): give an integer from 1 to 1048576"},
    {"1024", "1048577", ": `hidden` is out of range (1048577): give an integer from 1 to 1048576"},
    {"1024", "18446744073709551615",
     ": `hidden` is out of range (18446744073709551615): give an integer from 1 to 1048576"},
    {"1024", "null", ": `hidden` has the wrong type (null): give an integer from 1 to 1048576"},
    {"1024", "[1024]", ": `hidden` has the wrong type (a list): give an integer from 1 to 1048576"},
    {"28", "10001", ": `layers` is out of range (10001): give an integer from 1 to 10000"},
    {"16,", "12,",
     ": `heads` is not a multiple of `kv_heads` (12 and 8): each key head serves the same number of query heads",
     BySchema::kNo},
    {"true", "\"yes\"", ": `tied_embeddings` has the wrong type (\"yes\"): give true or false"},
    {"\"m\"", "\"\"", ": `name` is empty (\"\"): give a text"},
    {"\"m\"", "{}", ": `name` has the wrong type (an object): give a text in quotes"},
    {"\"ffn\": 3072", "\"ffn\": 3072, \"ffn\": 3073", ": a key is given twice (ffn): remove one of them",
     BySchema::kNo},
};

constexpr Reject kCampaignRejects[] = {
    {"\"c\"", "\"../../evil\"",
     ": `name` cannot be part of a file name (\"../../evil\"): use letters, digits, dot, dash and underscore, no"},
    {"\"c\"", "\".c\"", ": `name` cannot be part of a file name (\".c\"): use letters,"},
    {"\"batch\"", "\"batches\"",
     ": unknown key (batches): did you mean `batch`? known are schema, schema_version, name, description,"},
    {"\"models\": [\"m\"],", "",
     ": a key is missing (models): add it: model shapes: names of profiles/models/ or paths"},
    {"[\"m\"]", "[]", ": `models` is an empty list ([]): give at least one entry"},
    {"[\"m\"]", "\"m\"", ": `models` has the wrong type (\"m\"): give a list in [ ]"},
    {"[\"m\"]", "[\"m\", \"m\"]", ": `models` holds an entry twice (\"m\"): give each once"},
    {"[\"m\"]", "[\"\"]", ": `models[0]` is empty (\"\"): give a text"},
    {"[\"f16\", \"w4a8\"]", "[]", ": `schemes` is an empty list ([]): give at least one entry"},
    {"\"w4a8\"", "\"w4a9\"", ": unknown scheme (w4a9): did you mean `w4a8`? known are f16, w8a16-split, w4a8",
     BySchema::kNo},
    {"\"w4a8\"", "4", ": `schemes[1]` has the wrong type (4): give a text in quotes"},
    {"[1, 8]", "8", ": `batch` has the wrong type (8): give a list in [ ]"},
    {"[1, 8]", "[]", ": `batch` is an empty list ([]): give at least one entry"},
    {"[1, 8]", "[1, 1]", ": `batch` holds an entry twice (1): give each once"},
    {"[1, 8]", "[0]", ": `batch[0]` is out of range (0): give an integer from 1 to 65536"},
    {"[1, 8]", "[-8]", ": `batch[0]` is out of range (-8): give an integer from 1 to 65536"},
    {"[1, 8]", "[70000]", ": `batch[0]` is out of range (70000): give an integer from 1 to 65536"},
    {"[1, 8]", "[true]", ": `batch[0]` has the wrong type (true): give an integer from 1 to 65536"},
    {"\"context_tokens\": [0]", "\"context_tokens\": [-1]",
     ": `context_tokens[0]` is out of range (-1): give an integer from 0 to 16777216"},
    {"\"context_tokens\": [0]", "\"context_tokens\": [0, 4096]",
     ": projections read no cache, so `context_tokens` would be a label without a cost (4096): give 0, or `workload` "
     "decoder",
     BySchema::kNo},
    {"\"context_tokens\": [0]", "\"context_tokens\": [0], \"prompt_tokens\": [64]",
     ": projections have no prompt (64): leave `prompt_tokens` out, or give `workload` decoder", BySchema::kNo},
    {"\"context_tokens\": [0]", "\"context_tokens\": [0], \"prompt_tokens\": [0]",
     ": `prompt_tokens[0]` is out of range (0): give an integer from 1 to 65536"},
    {"\"context_tokens\": [0]", "\"context_tokens\": [0], \"kv\": [\"f16\", \"int8\"]",
     ": projections read no cache, so its format would be a label without a cost (f16-kv8): leave out `kv` and such "
     "schemes, or give `workload` decoder",
     BySchema::kNo},
    {"\"context_tokens\": [0]", "\"context_tokens\": [0], \"workload\": \"scoring\"",
     ": `workload` is not in its closed list (scoring): use projections, decoder"},
    {"\"layers_limit\": null", "\"layers_limit\": 2, \"workload\": \"decoder\"",
     ": `layers_limit` cuts a decoder, whose head is no layer (2): give null, or `workload` projections",
     BySchema::kNo},
    {"\"layers_limit\": null", "\"layers_limit\": null, \"weights\": \"\"", ": `weights` is empty (\"\"): give a text"},
    {"\"layers_limit\": null", "\"layers_limit\": null, \"text\": \"a.txt\"",
     ": a loss needs a model's `weights` (a.txt): give --weights too", BySchema::kNo},
    {"\"layers_limit\": null", "\"layers_limit\": null, \"weights\": \"w\", \"text\": \"a.txt\", \"token_ids\": \"b\"",
     ": `text` and `token_ids` exclude each other (a.txt): give one of them", BySchema::kNo},
    {"\"models\": [\"m\"]", "\"models\": [\"m\", \"n\"], \"weights\": \"w\"",
     ": `weights` are those of one model (2 models): name the one with --set models=NAME", BySchema::kNo},
    {"\"layers_limit\": null", "\"layers_limit\": null, \"windows\": 0",
     ": `windows` is out of range (0): give an integer from 1 to 1000000"},
    {"\"layers_limit\": null", "\"layers_limit\": null, \"window_tokens\": 1",
     ": `window_tokens` is out of range (1): give an integer from 2 to 16777216"},
    {"0.02", "0", ": `target_ci` is out of range (0): give a number above 0 and below 1"},
    {"0.02", "1", ": `target_ci` is out of range (1): give a number above 0 and below 1"},
    {"0.02", "-0.5", ": `target_ci` is out of range (-0.5): give a number above 0 and below 1"},
    {"0.02", "\"2 %\"", ": `target_ci` has the wrong type (\"2 %\"): give a number above 0 and below 1"},
    {"0.8", "0", ": `memory_fraction` is out of range (0): give a number above 0 and at most 1"},
    {"0.8", "1.01", ": `memory_fraction` is out of range (1.01): give a number above 0 and at most 1"},
    {"\"sessions\": 3", "\"sessions\": 0", ": `sessions` is out of range (0): give an integer from 1 to 100"},
    {"\"sessions\": 3", "\"sessions\": 101", ": `sessions` is out of range (101): give an integer from 1 to 100"},
    {"\"sessions\": 3", "\"sessions\": null", ": `sessions` has the wrong type (null): give an integer from 1 to 100"},
    {"\"min_trials\": 3", "\"min_trials\": 9",
     ": `min_trials` is above `max_trials` (9 > 8): lower the one or raise the other", BySchema::kNo},
    {"600", "-600", ": `max_seconds` is out of range (-600): give a number above 0 and at most 1e+07"},
    {"\"layers_limit\": null", "\"layers_limit\": 0",
     ": `layers_limit` is out of range (0): give an integer from 1 to 10000"},
    {"\"layers_limit\": null", "\"layers_limit\": \"all\"",
     ": `layers_limit` has the wrong type (\"all\"): give an integer from 1 to 10000"},
    {"\"group_size\": 128", "\"group_size\": 96", ": `group_size` is out of range (96): give 32, 64, 128"},
    {"\"group_size\": 128", "\"group_size\": 128, \"schema_version\": \"3.1\"",
     ": the schema_version is newer than this program (3.1): use a qtrap that reads version 3.1; this one reads 1.x"},
};

std::string changed(std::string text, const Reject& reject) {
  const std::size_t at = text.find(reject.from);
  EXPECT_NE(at, std::string::npos) << reject.from;
  return text.replace(at, std::string_view(reject.from).size(), reject.to);
}

bool is_valid_by_schema(const std::string& schema_text, const std::string& text) {
  const auto schema_json = nlohmann::json::parse(schema_text);
  const auto json = nlohmann::json::parse(text);
  valijson::Schema schema;
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_json), schema);
  valijson::Validator validator;
  return validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(json), nullptr);
}

Status parse(const char* good, const std::string& text) {
  if (good == kModel) {
    const auto model = parse_model(text, "FILE");
    return model ? Status(Done{}) : Status(model.error());
  }
  const auto campaign = parse_campaign(text, "FILE", kSchemes);
  return campaign ? Status(Done{}) : Status(campaign.error());
}

void expect_rejects(const char* good, const std::string& schema, std::span<const Reject> rejects) {
  ASSERT_TRUE(parse(good, good));
  ASSERT_TRUE(is_valid_by_schema(schema, good));
  for (const Reject& reject : rejects) {
    const std::string bad = changed(good, reject);
    const Status status = parse(good, bad);
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(status.error().message(), StartsWith(std::string("FILE") + reject.message));
    EXPECT_EQ(is_valid_by_schema(schema, bad), reject.by_schema == BySchema::kNo) << bad;
  }
}

TEST(Rejects, OfModelsNameTheKeyTheValueAndTheFix) { expect_rejects(kModel, make_model_schema(), kModelRejects); }

TEST(Rejects, OfCampaignsNameTheKeyTheValueAndTheFix) {
  expect_rejects(kCampaign, make_campaign_schema(), kCampaignRejects);
}

TEST(Rejects, AreTheSameWithADecimalComma) {
  const test::LocaleGuard german;
  expect_rejects(kCampaign, make_campaign_schema(), kCampaignRejects);
}

TEST(Rejects, OfTextThatIsNoJsonObjectNameThePosition) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "FILE is not valid JSON at column 1: it ends too early"},
      {"{\n  \"schema\": \"qtrap.model\",\n  \"name\":",
       "FILE is not valid JSON at line 3, column 10: it ends too early"},
      {"{\n  \"schema\": \"qtrap.model\",\n  name: 3}",
       "FILE is not valid JSON at line 3, column 4 (ame: 3}): correct the text there"},
      {"{\"name\": \"unfinished", "FILE is not valid JSON at column 21: it ends too early"},
      {"{} {}", "FILE is not valid JSON at column 4 ({}): correct the text there"},
      {"{\"hidden\": NaN}", "FILE is not valid JSON at column 12 (NaN}): correct the text there"},
      {"{\"hidden\": 1e999}", "FILE holds a number that is out of range: give numbers below 1e300"},
      {"[]", "FILE is not a JSON object ([]): put its keys in { }"},
      {"3", "FILE is not a JSON object (3): put its keys in { }"},
      {"{\"name\": \"\xff\"}", "FILE is not UTF-8: save it as UTF-8 text"},
      {std::string(100000, '['), "FILE is nested too deeply (100000 levels): at most 64 are read"},
  };
  for (const auto& [text, message] : cases) {
    for (const char* good : {kModel, kCampaign}) {
      const Status status = parse(good, text);
      ASSERT_FALSE(status) << text;
      EXPECT_EQ(status.error().message(), message);
      EXPECT_EQ(status.error().kind, ErrorKind::kUsage);
    }
  }
}

TEST(Rejects, OfChangedBytesAreWorded) {
  PhiloxStream random(7);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string text = kCampaign;
    for (int change = 0; change < 1 + i % 3; ++change) {
      text[random.below(static_cast<std::uint32_t>(text.size()))] = static_cast<char>(random.below(256));
    }
    const auto campaign = parse_campaign(text, "FILE", kSchemes);
    if (campaign) {
      EXPECT_TRUE(parse_campaign(to_json(campaign.value()), "FILE", kSchemes).value() == campaign.value()) << text;
    } else {
      ++refused;
      EXPECT_THAT(campaign.error().message(), StartsWith("FILE"));
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(Rejects, OfCampaignsTooLargeToRun) {
  const auto list = [](int count) {
    std::string text = "[1";
    for (int i = 2; i <= count; ++i) text += ", " + std::to_string(i);
    return text + "]";
  };
  const std::string many = list(101);
  const std::string both =
      changed(changed(kCampaign, {"[1, 8]", many.c_str(), ""}), {"\"hops\": [1]", ("\"hops\": " + many).c_str(), ""});
  EXPECT_EQ(parse(kCampaign, both).error().message(),
            "FILE: the campaign has too many cells (10201): shorten its lists: at most 10000 combinations");
  const std::string longest = changed(kCampaign, {"[1, 8]", list(257).c_str(), ""});
  EXPECT_EQ(parse(kCampaign, longest).error().message(),
            "FILE: `batch` is too long (a list): give at most 256 entries");
}

TEST(Schemas, CommittedDocumentsAreWhatTheTablesGenerate) {
  test::expect_golden("host/profile/schema/qtrap.model.schema.json", make_model_schema());
  test::expect_golden("host/profile/schema/qtrap.campaign.schema.json", make_campaign_schema());
  test::expect_golden("host/profile/schema/qtrap.tuning.schema.json", make_tuning_schema());
  test::expect_golden("host/profile/SCHEMA.md", make_schema_markdown());
}

TEST(Schemas, AcceptTheProfilesThatComeWithTheProgram) {
  const std::pair<const char*, std::string> kinds[] = {{"profiles/models", make_model_schema()},
                                                       {"profiles/campaigns", make_campaign_schema()},
                                                       {"profiles/devices", make_tuning_schema()}};
  for (const auto& [folder, schema] : kinds) {
    const std::vector<std::filesystem::path> folders{std::filesystem::path(QTRAP_SOURCE_DIR) / folder};
    ASSERT_FALSE(list_profiles(folders).empty());
    for (const std::string& name : list_profiles(folders)) {
      EXPECT_TRUE(is_valid_by_schema(schema, read_file(folders[0] / (name + ".json")).value())) << name;
    }
  }
}

}  // namespace
}  // namespace qtrap::profile
