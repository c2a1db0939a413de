// Tokens of the fixtures against those of the package tokenizers (make_fixtures.py), and what holds of every text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/text.hpp"
#include "support/temporary_folder.hpp"
#include "support/tokenizer_files.hpp"
#include "tokenizer/tokenizer.hpp"
#include "tokenizer/unicode.hpp"

namespace qtrap::tokenizer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kFolder = std::string(QTRAP_SOURCE_DIR) + "/tests/data/tokenizer/";

Tokenizer open(const std::string& name) {
  if (name.ends_with(".json")) return parse_tokenizer(read_file(kFolder + name).value(), name).value();
  return read_tokenizer(weights::open_weights(kFolder + name).value()).value();
}

Tokenizer small(const test::GgufTokenizer& parts = {}) {
  const std::string bytes = parts.bytes();
  return read_tokenizer(weights::parse_weights(bytes, "f", "").value()).value();
}

std::string bytes_of(const nlohmann::json& one) {
  const auto& hex = one["hex"].get_ref<const std::string&>();
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  std::string all;
  for (int i = 0; i < one["times"].get<int>(); ++i) all += bytes;
  return all;
}

const nlohmann::json& expected() {
  static const nlohmann::json kExpected = nlohmann::json::parse(read_file(kFolder + "expected.json").value());
  return kExpected;
}

class Fixtures : public ::testing::TestWithParam<const char*> {};

TEST_P(Fixtures, MakeTheTokensOfThePackage) {
  const Tokenizer tokenizer = open(GetParam());
  const auto& tokens = expected()["tokens"][GetParam()];
  ASSERT_EQ(tokens.size(), expected()["cases"].size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto& one = expected()["cases"][i];
    EXPECT_EQ(tokenizer.encode(bytes_of(one)).value(), tokens[i].get<std::vector<Token>>()) << one["name"];
  }
}

TEST_P(Fixtures, WithoutSpecialTokensMakeThoseOfThePackage) {
  const Tokenizer tokenizer = open(GetParam());
  const auto& plain = expected()["plain"][GetParam()];
  ASSERT_FALSE(plain.empty());
  for (const auto& one : expected()["cases"]) {
    const auto found = plain.find(one["name"]);
    if (found == plain.end()) continue;
    EXPECT_EQ(tokenizer.encode(bytes_of(one), {.parse_special = false}).value(), found->get<std::vector<Token>>())
        << one["name"];
  }
}

/// What is no UTF-8 comes back as U+FFFD.
TEST_P(Fixtures, GiveBackTheTextWhereTheyLoseNothing) {
  const Tokenizer tokenizer = open(GetParam());
  for (const auto& one : expected()["cases"]) {
    const std::string text = bytes_of(one);
    const auto back = tokenizer.decode(tokenizer.encode(text).value());
    ASSERT_TRUE(back);
    if (tokenizer.is_lossless()) EXPECT_EQ(back.value(), to_utf8(to_utf16(text))) << one["name"];
  }
}

INSTANTIATE_TEST_SUITE_P(All, Fixtures,
                         ::testing::Values("smollm.gguf", "gpt-2.gguf", "default.gguf", "llama-bpe.gguf", "qwen2.gguf",
                                           "smollm.json", "gpt-2.json", "llama-bpe.json", "qwen2.json"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; }, '_');
                           return name;
                         });

TEST(Tokenizer, TellsWhatItIsMadeOf) {
  const Tokenizer tokenizer = open("llama-bpe.gguf");
  EXPECT_EQ(tokenizer.size(), 603U);
  EXPECT_EQ(tokenizer.merge_count(), 340U);
  EXPECT_EQ(tokenizer.added_count(), 6U);
  EXPECT_EQ(tokenizer.bos(), 1U);
  EXPECT_EQ(tokenizer.eos(), 2U);
  EXPECT_EQ(tokenizer.add_bos(), true);
  EXPECT_TRUE(tokenizer.is_lossless());
  EXPECT_FALSE(open("smollm.gguf").is_lossless());  // some bytes have no token
  EXPECT_FALSE(open("qwen2.gguf").is_lossless());   // normal forms
  EXPECT_EQ(open("qwen2.json").add_bos(), std::nullopt);
}

TEST(Tokenizer, LeavesOutBytesThatHaveNoToken) {
  EXPECT_THAT(small().encode("ab cab").value(), ElementsAre(3, 4));  // those beside "c" are merged
  EXPECT_THAT(small().encode("c").value(), IsEmpty());
}

TEST(Tokenizer, PutsTheUnknownTokenForBytesThatHaveNone) {
  const auto tokens_of = [](const char* fuse) {
    const std::string json = test::replaced(test::kTokenizerJson, R"("unk_token":null)", fuse);
    return parse_tokenizer(json, "f").value().encode("acdb").value();
  };
  EXPECT_THAT(tokens_of(R"("unk_token":"ab")"), ElementsAre(0, 3, 3, 1));
  EXPECT_THAT(tokens_of(R"("unk_token":"ab","fuse_unk":true)"), ElementsAre(0, 3, 1));
}

TEST(Tokenizer, FindsTheLongestAddedToken) {
  test::GgufTokenizer parts;
  parts.tokens.insert(parts.tokens.end(), {"<s", "<s>a"});
  parts.types.insert(parts.types.end(), {4, 4});
  const Tokenizer tokenizer = small(parts);
  EXPECT_THAT(tokenizer.encode("<s>b<sb<s>ab").value(), ElementsAre(5, 1, 6, 1, 7, 1));
  // A special one that is not parsed is text; what it covers is not searched for others.
  EXPECT_THAT(tokenizer.encode("a<s>b<sb", {.parse_special = false}).value(), ElementsAre(0, 1, 6, 1));
}

TEST(Tokenizer, EncodesAMillionEqualLettersOrSpaces) {
  const Tokenizer tokenizer = open("llama-bpe.gguf");
  for (const char* piece : {"a", " ", "\n", "\xFF", "1", "!", "\xCC\x81"}) {
    std::string text;
    while (text.size() < 1'000'000) text += piece;
    const auto tokens = tokenizer.encode(text).value();
    EXPECT_EQ(tokenizer.decode(tokens).value(), to_utf8(to_utf16(text)));
  }
}

TEST(Tokenizer, RefusesIdsBeyondTheVocabulary) {
  const std::vector<Token> tokens{0, 6};
  EXPECT_EQ(small().decode(tokens).error().message(), "token is not in the vocabulary (6): ids are below 6");
}

TEST(Tokenizer, CanBeMoved) {
  Tokenizer moved = small();
  const Tokenizer again = std::move(moved);
  EXPECT_THAT(again.encode(" ab<s>").value(), ElementsAre(4, 5));
}

/// A folder of safetensors has its tokenizer beside it.
TEST(Tokenizer, OfSafetensorsLiesBesideThem) {
  const test::TemporaryFolder folder;
  const auto source = std::filesystem::path(QTRAP_SOURCE_DIR) / "tests/data/weights/qwen3";
  std::filesystem::copy(source, folder.path(), std::filesystem::copy_options::recursive);
  const auto read = [&] { return read_tokenizer(weights::open_weights(folder.path()).value()); };
  EXPECT_THAT(read().error().message(), HasSubstr("there is no tokenizer beside the weights"));
  const auto place = folder.path() / "tokenizer.json";
  ASSERT_TRUE(write_file(place, test::kTokenizerJson, true));
  EXPECT_THAT(read().value().encode(" ab").value(), ElementsAre(4));
  // The model has 12 rows of embeddings.
  ASSERT_TRUE(write_file(place, test::replaced(test::kTokenizerJson, R"("id":5)", R"("id":12)"), true));
  EXPECT_THAT(read().error().message(), HasSubstr("the tokenizer has more tokens than the model (13 and 12)"));
  const std::string config = read_file(folder.path() / "config.json").value();
  ASSERT_TRUE(write_file(place, test::kTokenizerJson, true));
  ASSERT_TRUE(write_file(folder.path() / "config.json", test::replaced(config, "{", R"({"bos_token_id": 5,)"), true));
  EXPECT_EQ(read().value().bos(), 5U);
  ASSERT_TRUE(write_file(folder.path() / "config.json", test::replaced(config, "{", R"({"eos_token_id": 6,)"), true));
  EXPECT_THAT(read().error().message(), HasSubstr("tokenizer.json: eos_token_id is no token (6): ids are below 6"));
}

}  // namespace
}  // namespace qtrap::tokenizer
