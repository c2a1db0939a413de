#include "profile/profile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>
#include <sstream>

#include "core/file.hpp"
#include "profile/cell.hpp"

namespace qtrap::profile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::array<std::string_view, 7> kSchemes{"f16",         "w8a16-split", "w8a16-fused", "w8a8",
                                                   "w4a16-split", "w4a16-fused", "w4a8"};

std::filesystem::path source(const std::string& path) { return std::filesystem::path(QTRAP_SOURCE_DIR) / path; }
std::vector<std::filesystem::path> model_folders() { return {source("profiles/models")}; }
std::vector<std::filesystem::path> campaign_folders() { return {source("profiles/campaigns")}; }

/// What the campaign `formats` has besides.
constexpr std::array<std::string_view, 11> kFramed{"q8_0-fused", "q4_0-fused", "q4_1-fused",  "q4_k-fused",
                                                   "q6_k-fused", "nf4-fused",  "mxfp4-fused", "nvfp4-fused",
                                                   "fp8-fused",  "int3-fused", "int2-fused"};
Campaign campaign(const std::string& name) { return load_campaign(name, campaign_folders(), kSchemes).value(); }

/// The shapes table, row by row, as its header names the columns; cells may be quoted and the last ones missing.
std::vector<std::map<std::string, std::string>> read_table(const std::filesystem::path& path) {
  const auto split = [](const std::string& line) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (const char c : line) {
      if (c == '"')
        quoted = !quoted;
      else if (c == ',' && !quoted)
        cells.emplace_back();
      else if (c != '\r')
        cells.back() += c;
    }
    return cells;
  };
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  const auto header = split(line);
  std::vector<std::map<std::string, std::string>> rows;
  while (std::getline(file, line)) {
    const auto cells = split(line);
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (i == 0) rows.emplace_back();
      rows.back()[header[i]] = i < cells.size() ? cells[i] : "";
    }
  }
  return rows;
}

/// "Llama-3.1-405B" is llama3.1-405b, "Qwen3-0.6B" is qwen3-0.6b.
std::string profile_name(std::string model) {
  for (char& c : model) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (model.starts_with("llama-")) model.erase(5, 1);
  return model;
}

TEST(Models, AreTheRowsOfTheShapesTable) {
  const auto rows = read_table(source("tests/profile/model_shapes.csv"));
  ASSERT_EQ(rows.size(), 22U);
  EXPECT_EQ(list_profiles(model_folders()).size(), rows.size());
  for (const auto& row : rows) {
    const std::string name = profile_name(row.at("model"));
    const auto loaded = load_model(name, model_folders());
    ASSERT_TRUE(loaded) << loaded.error().message();
    const ModelProfile& model = loaded.value();
    EXPECT_EQ(model.name, name);
    EXPECT_EQ(model.hidden, std::stoll(row.at("hidden"))) << name;
    EXPECT_EQ(model.ffn, std::stoll(row.at("ffn"))) << name;
    EXPECT_EQ(model.layers, std::stoll(row.at("layers"))) << name;
    EXPECT_EQ(model.heads, std::stoll(row.at("heads"))) << name;
    EXPECT_EQ(model.kv_heads, std::stoll(row.at("kv_heads"))) << name;
    EXPECT_EQ(model.head_dim, std::stoll(row.at("head_dim"))) << name;
    EXPECT_EQ(model.vocab, std::stoll(row.at("vocab"))) << name;
    EXPECT_EQ(model.tied_embeddings, row.at("tied_embeddings") == "yes") << name;
    EXPECT_THAT(model.source, StartsWith(row.at("confidence"))) << name;
    EXPECT_THAT(model.source, HasSubstr(row.at("source"))) << name;
  }
}

TEST(Models, AreFoundByNameInTheFirstFolderOrByPath) {
  const std::vector<std::filesystem::path> folders{source("nowhere"), source("profiles/models")};
  EXPECT_EQ(load_model("qwen3-4b", folders).value().hidden, 2560);
  EXPECT_EQ(load_model(source("profiles/models/qwen3-4b.json").string(), {}).value().hidden, 2560);
}

TEST(Models, OfAnUnknownNameAreRefusedWithTheNearestAndAll) {
  const auto model = load_model("qwen3-0.6", model_folders());
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(model.error().message(),
              StartsWith("unknown model (qwen3-0.6): did you mean `qwen3-0.6b`? known are falcon3-7b, llama3-70b,"));
  EXPECT_THAT(load_model("", model_folders()).error().message(),
              StartsWith("unknown model (''): known are falcon3-7b"));
  EXPECT_THAT(load_model("./missing.json", model_folders()).error().message(), HasSubstr("no such file"));
  EXPECT_THAT(load_model(source("profiles/models").string(), {}).error().message(),
              StartsWith("a folder was given where a file is needed"));
}

TEST(Campaigns, ThatComeWithTheProgramAreValidAndNameKnownModels) {
  EXPECT_THAT(list_profiles(campaign_folders()),
              ElementsAre("batch", "context", "formats", "hops", "quick", "scale", "smoke", "smollm2"));
  for (const std::string& name : list_profiles(campaign_folders())) {
    std::vector<std::string_view> schemes(kSchemes.begin(), kSchemes.end());
    schemes.insert(schemes.end(), kFramed.begin(), kFramed.end());
    const auto loaded = load_campaign(name, campaign_folders(), schemes);
    ASSERT_TRUE(loaded) << loaded.error().message();
    EXPECT_EQ(loaded.value().name, name);
    EXPECT_EQ(loaded.value().schemes.front(), "f16") << name;
    for (const std::string& model : loaded.value().models) EXPECT_TRUE(load_model(model, model_folders())) << model;
  }
}

TEST(Campaigns, QuickRunsAllSchemesAtBatch1WithOneAndFourHops) {
  const Campaign quick = campaign("quick");
  EXPECT_EQ(quick.schemes, (std::vector<std::string>(kSchemes.begin(), kSchemes.end())));
  EXPECT_THAT(quick.models, ElementsAre("qwen3-0.6b"));
  EXPECT_THAT(quick.batch, ElementsAre(1));
  EXPECT_THAT(quick.hops, ElementsAre(1, 4));
  EXPECT_EQ(quick.sessions, 3);
  EXPECT_EQ(quick.layers_limit, std::nullopt);
}

TEST(Campaigns, BatchAndScaleCoverTheirRanges) {
  EXPECT_THAT(campaign("batch").batch, ElementsAre(1, 2, 4, 8, 16, 64));
  EXPECT_THAT(campaign("scale").models,
              ElementsAre("qwen3-0.6b", "qwen3-1.7b", "qwen3-4b", "qwen3-8b", "qwen3-14b", "qwen3-32b", "qwen2.5-72b"));
  EXPECT_THAT(campaign("scale").batch, ElementsAre(1, 8));
}

TEST(Campaigns, LeaveOutOptionalKeysForTheDocumentedDefaults) {
  const auto read = parse_campaign(
      R"({"schema": "qtrap.campaign", "name": "n", "description": "d", "models": ["m"], "schemes": ["f16"]})", "c",
      kSchemes);
  ASSERT_TRUE(read) << read.error().message();
  Campaign expected;
  expected.name = "n";
  expected.description = "d";
  expected.models = {"m"};
  expected.schemes = {"f16"};
  EXPECT_TRUE(read.value() == expected);
}

TEST(Campaigns, HaveACanonicalTextThatReadsBackEqual) {
  Campaign one = campaign("smoke");
  const std::string text = to_json(one);
  EXPECT_EQ(
      text,
      R"({"schema":"qtrap.campaign","schema_version":"1.3","name":"smoke","description":")" + one.description +
          R"(","models":["qwen3-0.6b"],"schemes":["f16","w8a16-split","w8a16-fused","w4a16-fused"],"kv":["f16"],"batch":[1],)"
          R"("hops":[1],"tokens_per_hop":[1],"context_tokens":[0],"target_ci":0.01,"no_effect_margin":0.02,"min_trials":2,"max_trials":2,)"
          R"("max_seconds_per_point":5.0,"max_seconds":60.0,"sessions":1,"memory_fraction":0.8,"layers_limit":2,"group_size":128,)"
          R"("energy_window_s":0.5,"phase_loops":true,"probes":false,"workload":"projections",)"
          R"("weights":null,"text":null,"token_ids":null,"windows":8,"window_tokens":512})");
  EXPECT_TRUE(parse_campaign(text, "c", kSchemes).value() == one);
  one.layers_limit.reset();
  EXPECT_TRUE(parse_campaign(to_json(one), "c", kSchemes).value() == one);
}

TEST(Overrides, SetEveryKindOfKey) {
  Campaign one = campaign("quick");
  for (const char* assignment :
       {"models=llama3-8b,./my,model", "schemes=f16,w4a8", "batch=1,8", "target_ci=0.05", "max_trials=4",
        "max_seconds=9", "layers_limit=2", "group_size=64", "energy_window_s=2.5", "phase_loops=false", "probes=false",
        "workload=decoder", "kv=int8,f16", "description=a = b, c", "hops=1", "weights=a=b,c.gguf", "windows=3"}) {
    const Status status = apply_override(one, assignment, kSchemes);
    ASSERT_TRUE(status) << status.error().message();
  }
  EXPECT_THAT(one.models, ElementsAre("llama3-8b", "./my", "model"));
  EXPECT_EQ(one.weights, "a=b,c.gguf");
  EXPECT_EQ(one.windows, 3);
  EXPECT_THAT(one.schemes, ElementsAre("f16", "w4a8"));
  EXPECT_THAT(one.batch, ElementsAre(1, 8));
  EXPECT_THAT(one.hops, ElementsAre(1));
  EXPECT_EQ(one.target_ci, 0.05);
  EXPECT_EQ(one.max_trials, 4);
  EXPECT_EQ(one.max_seconds, 9.0);
  EXPECT_EQ(one.layers_limit, 2);
  EXPECT_EQ(one.group_size, 64);
  EXPECT_EQ(one.energy_window_s, 2.5);
  EXPECT_FALSE(one.phase_loops);
  EXPECT_FALSE(one.probes);
  EXPECT_EQ(one.workload, Workload::kDecoder);
  EXPECT_THAT(one.kv, ElementsAre(CacheFormat::kInt8, CacheFormat::kF16));
  EXPECT_EQ(one.description, "a = b, c");
  ASSERT_TRUE(apply_override(one, "layers_limit=null", kSchemes));
  EXPECT_EQ(one.layers_limit, std::nullopt);
}

TEST(Overrides, OfCachesAndPromptsAreReadBackEqual) {
  Campaign one = campaign("quick");
  ASSERT_TRUE(apply_override(one, "kv=int8,f16", kSchemes));
  ASSERT_TRUE(apply_override(one, "prompt_tokens=64", kSchemes));
  EXPECT_EQ(parse_campaign(to_json(one), "c", kSchemes).value(), one);
}

TEST(Overrides, ClearAListThatMayBeAbsent) {
  Campaign one = campaign("quick");
  ASSERT_TRUE(apply_override(one, "prompt_tokens=64,512", kSchemes));
  EXPECT_THAT(one.prompt_tokens, ElementsAre(64, 512));
  EXPECT_THAT(to_json(one), HasSubstr(R"("prompt_tokens":[64,512])"));
  ASSERT_TRUE(apply_override(one, "prompt_tokens=", kSchemes));
  EXPECT_THAT(one.prompt_tokens, IsEmpty());
  EXPECT_THAT(to_json(one), Not(HasSubstr("prompt_tokens")));
}

TEST(Cells, OfPromptsAreOneStepOfOneHop) {
  Campaign one;
  one.models = {"m"};
  one.batch = {2, 8};
  one.hops = {3};
  one.tokens_per_hop = {4};
  one.context_tokens = {0, 100};
  one.prompt_tokens = {64};
  std::vector<std::string> ids;
  for (const Cell& cell : expand_cells(one)) ids.push_back(cell.id());
  EXPECT_THAT(ids, ElementsAre("m/b2/h3/t4/c0", "m/b2/h3/t4/c100", "m/b2/h1/t64/c0/prefill", "m/b8/h3/t4/c0",
                               "m/b8/h3/t4/c100", "m/b8/h1/t64/c0/prefill"));
  const Cell decode{"m", 2, 3, 4, 100};
  EXPECT_THAT((std::array{decode.run(), decode.steps_per_hop(), decode.steps(), decode.tokens()}),
              ElementsAre(1, 4, 12, 24));
  const Cell prompt{"m", 2, 1, 64, 0, Phase::kPrefill};
  EXPECT_THAT((std::array{prompt.run(), prompt.steps_per_hop(), prompt.steps(), prompt.tokens()}),
              ElementsAre(64, 1, 1, 128));
}

TEST(Overrides, MayPassThroughAStateThatOnlyTheLastOneMakesValid) {
  Campaign one = campaign("quick");
  one.max_trials = 8;
  ASSERT_TRUE(apply_override(one, "min_trials=20", kSchemes));
  EXPECT_EQ(check_campaign(one, "quick").error().message(),
            "quick: `min_trials` is above `max_trials` (20 > 8): lower the one or raise the other");
  ASSERT_TRUE(apply_override(one, "max_trials=30", kSchemes));
  EXPECT_TRUE(check_campaign(one, "quick"));
}

TEST(Overrides, AreRefusedWithTheValueAndTheFixAndChangeNothing) {
  const std::pair<const char*, const char*> cases[] = {
      {"batch", "--set needs KEY=VALUE (batch): write it like --set batch=1,8"},
      {"batches=1",
       "--set: unknown key (batches): did you mean `batch`? known are name, description, models, schemes, kv, batch, "
       "hops, "
       "tokens_per_hop, "
       "context_tokens, prompt_tokens, target_ci, no_effect_margin, min_trials, max_trials, max_seconds_per_point, "
       "max_seconds, "
       "sessions, "
       "memory_fraction, layers_limit, "
       "group_size"},
      {"batch=", "--set: `batch` is an empty list ([]): give at least one entry"},
      {"batch=one", "--set: `batch[0]` has the wrong type (\"one\"): give an integer from 1 to 65536"},
      {"batch=1,", "--set: `batch[1]` has the wrong type (\"\"): give an integer from 1 to 65536"},
      {"batch=1,1", "--set: `batch` holds an entry twice (1): give each once"},
      {"batch=0", "--set: `batch[0]` is out of range (0): give an integer from 1 to 65536"},
      {"batch=1.5", "--set: `batch[0]` has the wrong type (1.5): give an integer from 1 to 65536"},
      {"batch=99999999999999999999", "--set: `batch[0]` has the wrong type (1e+20): give an integer from 1 to 65536"},
      {"target_ci=1e999", "--set: `target_ci` has the wrong type (\"1e999\"): give a number above 0 and below 1"},
      {"target_ci=nan", "--set: `target_ci` has the wrong type (\"nan\"): give a number above 0 and below 1"},
      {"sessions=[3]", "--set: `sessions` has the wrong type (\"[3]\"): give an integer from 1 to 100"},
      {"schemes=f16,w4", "--set: unknown scheme (w4): did you mean `w4a8`?"},
      {"schemes=f16,w4-kv8", "--set: unknown scheme (w4-kv8)"},
      {"kv=f16,int4", "--set: `kv[1]` is not in its closed list (int4): use f16, int8"},
      {"kv=int8,int8", "--set: `kv` holds an entry twice (\"int8\"): give each once"},
      {"name=", "--set: `name` is empty (\"\"): give a text"},
      {"description=\xff", "--set is not UTF-8: give UTF-8 text"},
      {"=1", "--set: unknown key: known are name,"},
  };
  for (const auto& [assignment, message] : cases) {
    Campaign one = campaign("quick");
    const Status status = apply_override(one, assignment, kSchemes);
    ASSERT_FALSE(status) << assignment;
    EXPECT_EQ(status.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(status.error().message(), StartsWith(message));
    EXPECT_TRUE(one == campaign("quick")) << assignment;
  }
}

TEST(Tuning, IsReadBackFromItsText) {
  const TuningProfile full{
      "a \"device\"", "3.1", "00ff", {"gemv_i8_f16_cpu@8 rows=2"}, {"gemv_i8_f16_cpu@8: 1.2 [1.1, 1.3]"}};
  EXPECT_EQ(parse_tuning(to_json(full), "t.json").value(), full);
  const TuningProfile none{"d", "1", "00", {}, {}};
  EXPECT_EQ(parse_tuning(to_json(none), "t.json").value(), none);
}

TEST(Tuning, RefusesWhatIsNoTuningFile) {
  for (const char* text :
       {"", "{}", R"({"schema":"qtrap.model"})", R"({"schema":"qtrap.tuning","device":"d","driver":"1"})",
        R"({"schema":"qtrap.tuning","device":"d","driver":"1","kernels_sha256":"0","choices":[1]})",
        R"({"schema":"qtrap.tuning","device":"d","driver":"1","kernels_sha256":"0","choice":["x"]})"}) {
    const auto tuning = parse_tuning(text, "t.json");
    ASSERT_FALSE(tuning) << text;
    EXPECT_EQ(tuning.error().kind, ErrorKind::kUsage);
  }
}

}  // namespace
}  // namespace qtrap::profile
