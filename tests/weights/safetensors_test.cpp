// The reader of safetensors: files of the package safetensors, shards, and tables of files that must be refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/file.hpp"
#include "support/temporary_folder.hpp"
#include "support/weights_files.hpp"
#include "weights/file.hpp"

namespace qtrap::weights {
namespace {

using test::replaced;
using test::safetensors_bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string fixture(const std::string& name) { return std::string(QTRAP_SOURCE_DIR) + "/tests/data/weights/" + name; }

TEST(Safetensors, ListsTensorsAndConfigOfThePackagesFile) {
  const WeightsFile file = open_weights(fixture("qwen3/model.safetensors")).value();
  EXPECT_EQ(file.container(), Container::kSafetensors);
  EXPECT_EQ(file.tensors().size(), 24U);
  const Tensor* down = file.find("model.layers.1.mlp.down_proj.weight");
  ASSERT_NE(down, nullptr);
  EXPECT_EQ(down->type->name, "F16");
  EXPECT_THAT(down->shape, ElementsAre(16, 20));
  EXPECT_EQ(down->bytes, 2U * 16 * 20);
  EXPECT_EQ(*file.find_metadata("format"), MetadataValue(std::string("pt")));
  EXPECT_EQ(*file.find_metadata("config.hidden_size"), MetadataValue(std::uint64_t{16}));
  EXPECT_EQ(*file.find_metadata("config.architectures"), MetadataValue(std::string("Qwen3ForCausalLM")));
  EXPECT_EQ(*file.find_metadata("config.rms_norm_eps"), MetadataValue(1e-6));
}

TEST(Safetensors, AFolderIsItsModel) {
  EXPECT_EQ(open_weights(fixture("qwen3")).value().tensors().size(), 24U);
  const WeightsFile shards = open_weights(fixture("qwen2")).value();
  EXPECT_EQ(shards.tensors().size(), 27U);
  EXPECT_EQ(shards.sources().size(), 2U);
  const Tensor* norm = shards.find("model.norm.weight");
  ASSERT_NE(norm, nullptr);
  EXPECT_EQ(shards.bytes(*norm).size(), 64U);
  const test::TemporaryFolder empty;
  EXPECT_THAT(open_weights(empty.path()).error().message(), StartsWith("folder holds no weights ("));
}

constexpr std::string_view kHead =
    R"({"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},)"
    R"( "b": {"dtype": "F16", "shape": [4], "data_offsets": [24, 32]}, "c": {"dtype": "U8", "shape": [0, 7],)"
    R"( "data_offsets": [32, 32]}, "d": {"dtype": "BF16", "shape": [], "data_offsets": [32, 34]}})";
const std::string kData(34, '\1');

TEST(Safetensors, ReadsEmptyTensorsAndScalars) {
  const std::string bytes = safetensors_bytes(kHead, kData);
  const auto file = parse_weights(bytes, "f", "").value();
  EXPECT_EQ(file.find("c")->bytes, 0U);
  EXPECT_EQ(file.find("c")->rows(), 0U);
  EXPECT_EQ(file.find("d")->elements, 1U);
  EXPECT_EQ(file.find("d")->rows(), 1U);
  EXPECT_FALSE(file.find("c")->type->runnable());
}

struct Reject {
  const char* from;
  const char* to;
  const char* message;
};
constexpr Reject kRejects[] = {
    {"{\"__", "{\"a\": 1, \"__", "the head of f: a key is given twice (a): remove one of them"},
    {"}}", "}", "the head of f is not valid JSON at column "},
    {"{\"format\": \"pt\"}", "7", "f: __metadata__ is no object (7): write the file again"},
    {"\"pt\"", "1", "f: format of __metadata__ is no text (1): write the file again"},
    {"{\"dtype\": \"F32\", \"shape\": [2, 3], \"data_offsets\": [0, 24]}", "null",
     "f: tensor a has no description (null): write"},
    {"\"dtype\": \"F32\", ", "", "f: tensor a has no dtype: write the file again with the safetensors library"},
    {"\"F32\"", "\"F33\"", "f: tensor a has an unknown dtype (F33): known are F32, F16, BF16, BOOL, U8,"},
    {"\"F32\"", "32", "f: tensor a has no dtype"},
    {"\"F32\"", "\"F64\"", "f: tensor a has other bytes than its dtype and shape (24 bytes): F64 of [2, 3] take 48"},
    {"[2, 3]", "[2, 4]", "f: tensor a has other bytes than its dtype and shape (24 bytes): F32 of [2, 4] take 32"},
    {"[2, 3]", "[-2, 3]", "f: shape of tensor a holds what is no count (-2): write"},
    {"[2, 3]", "[2.5, 3]", "f: shape of tensor a holds what is no count (2.5): write"},
    {"[2, 3]", "[4294967296, 4294967296]",
     "f: tensor a has too many elements ([4294967296, 4294967296]): the file is damaged"},
    {"[2, 3]", "[2305843009213693952, 8]", "f: tensor a has too many elements ("},
    {"[2, 3]", "6", "f: tensor a has no list shape: write"},
    {"\"shape\": [2, 3], ", "", "f: tensor a has no list shape: write"},
    {"\"shape\": [2, 3]", "\"shape\": [2, 3], \"order\": \"C\"", "f: tensor a has an unknown key (order): write"},
    {"[0, 24]", "[24, 0]", "f: data_offsets of tensor a are no beginning and end ([24, 0]): write"},
    {"[0, 24]", "[0]", "f: data_offsets of tensor a are no beginning and end ([0]): write"},
    {"[0, 24]", "[0, 24, 24]", "f: data_offsets of tensor a are no beginning and end ([0, 24, 24]): write"},
    {"[0, 24]", "[0, 23]", "f: tensor a has other bytes than its dtype and shape (23 bytes): F32 of [2, 3] take 24"},
    {"[0, 24]", "[18446744073709551592, 18446744073709551615]",
     "f: tensor a lies beyond the end of the file (bytes [18446744073709551592, 18446744073709551615] of 34): the"},
    {"[24, 32]", "[23, 31]", "f: tensors a and b overlap (byte "},
    {"[24, 32]", "[26, 34]", "f: tensors b and d overlap (byte "},
    {"[24, 32]", "[27, 35]", "f: tensor b lies beyond the end of the file (bytes [27, 35] of 34): the file is cut"},
    {"\"d\": {\"dtype\": \"BF16\", \"shape\": [], \"data_offsets\": [32, 34]}",
     "\"d\": {\"dtype\": \"U8\", \"shape\": [], \"data_offsets\": [33, 34]}",
     "f: there is a gap before tensor d (1 bytes): write"},
    {", \"d\": {\"dtype\": \"BF16\", \"shape\": [], \"data_offsets\": [32, 34]}", "",
     "f: bytes of no tensor follow the last one (2 bytes): write the file again"},
    {"\"b\"", "\"\"", "f: a tensor's name is empty or not UTF-8: the file is damaged"},
    {"\"dtype\": \"F16\", \"shape\": [4]", "\"dtype\": \"F4\", \"shape\": [15]",
     "f: rows of tensor b are not whole blocks of F4 ([15]): their length must be a multiple of 2"},
};

TEST(Safetensors, RefusesWhatIsWrongInOneLine) {
  for (const Reject& reject : kRejects) {
    const std::string head = replaced(std::string(kHead), reject.from, reject.to);
    ASSERT_NE(head, kHead) << reject.from;
    const std::string bytes = safetensors_bytes(head, kData);
    const auto read = parse_weights(bytes, "f", "");
    ASSERT_FALSE(read) << reject.to;
    EXPECT_THAT(read.error().message(), StartsWith(reject.message)) << reject.to;
    EXPECT_EQ(read.error().kind, ErrorKind::kUsage) << reject.to;
  }
}

TEST(Safetensors, ALengthOfItsHeadBeyondTheFileIsRefused) {
  std::string bytes = safetensors_bytes(kHead, kData);
  const auto message = [&](std::uint64_t length) {
    bytes.replace(0, 8, test::raw(length));
    return parse_weights(bytes, "f", "").error().message();
  };
  EXPECT_EQ(message(100000), "f: the file ends within its head (" + std::to_string(bytes.size()) +
                                 " bytes): its head has 100000: copy or download it again");
  EXPECT_EQ(message(~std::uint64_t{0}),
            "f: the head is too large (18446744073709551615 bytes): at most 33554432 are read");
  EXPECT_THAT(message(kHead.size() + 1), StartsWith("the head of f is not valid JSON at column "));
}

TEST(Safetensors, CutAtAnyByteIsAnError) {
  const std::string whole = safetensors_bytes(kHead, kData);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string bytes = whole.substr(0, length);
    const auto read = parse_weights(bytes, "f", "");
    ASSERT_FALSE(read) << length;
    EXPECT_EQ(read.error().message().find('\n'), std::string::npos);
  }
}

/// The model of two shards in a folder of its own, to be changed.
class Shards : public ::testing::Test {
 protected:
  Shards() {
    for (const char* name : {"config.json", kIndex, kFirst, kSecond})
      std::filesystem::copy_file(fixture("qwen2/") + name, folder_.path() / name);
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() / name, std::ios::binary) << text;
  }
  std::string text(const std::string& name) const { return read_file(folder_.path() / name).value(); }
  void change_index(std::string_view from, std::string_view to) const {
    const std::string index = text(kIndex);
    const std::string changed = replaced(index, from, to);
    ASSERT_NE(index, changed);
    write(kIndex, changed);
  }
  std::string message() const { return open_weights(folder_.path()).error().message(); }

  static constexpr const char* kIndex = "model.safetensors.index.json";
  static constexpr const char* kFirst = "model-00001-of-00002.safetensors";
  static constexpr const char* kSecond = "model-00002-of-00002.safetensors";
  test::TemporaryFolder folder_;
};

TEST_F(Shards, ThatLieElsewhereAreRefused) {
  ASSERT_TRUE(open_weights(folder_.path()));
  const std::string first = text(kIndex);
  for (const char* place :
       {"../model-00001-of-00002.safetensors", "/etc/passwd", "/tmp/x.safetensors", "a/b.safetensors", "..", "",
        ".safetensors", "model.safetensors.index.json", "config.json", "a b.safetensors"}) {
    write(kIndex, replaced(first, kFirst, place));
    EXPECT_THAT(message(), HasSubstr("the shard of lm_head.weight is no file beside it (\"" + std::string(place) +
                                     "\"): give a plain name that ends in .safetensors"));
  }
  write(kIndex, replaced(first, std::string("\"") + kFirst + "\"", "7"));
  EXPECT_THAT(message(), HasSubstr("the shard of lm_head.weight is no file beside it (7)"));
}

TEST_F(Shards, AnIndexWithoutAMapIsRefused) {
  write(kIndex, "{}");
  EXPECT_THAT(message(), HasSubstr("model.safetensors.index.json: no `weight_map`: give the index that lies beside"));
  write(kIndex, "{\"weight_map\": {}}");
  EXPECT_THAT(message(), HasSubstr("no `weight_map`"));
  write(kIndex, "{\"weight_map\": []}");
  EXPECT_THAT(message(), HasSubstr("no `weight_map`"));
  write(kIndex, "[");
  EXPECT_THAT(message(), HasSubstr("is not valid JSON at column"));
}

TEST_F(Shards, OfAnotherModelAreRefused) {
  change_index(kFirst, kSecond);
  EXPECT_THAT(message(), HasSubstr("model-00001-of-00002.safetensors: tensor lm_head.weight is not the index's (" +
                                   std::string(kSecond) + "): get index and shards of one model"));
}

TEST_F(Shards, ThatMissATensorAreRefused) {
  change_index("\"lm_head.weight\"", "\"more.weight\": \"model-00001-of-00002.safetensors\", \"lm_head.weight\"");
  EXPECT_THAT(message(), HasSubstr("model.safetensors.index.json: tensor more.weight is missing (" +
                                   std::string(kFirst) + "): get index and shards of one model"));
  change_index("\"lm_head.weight\": \"model-00001-of-00002.safetensors\",", "");
  EXPECT_THAT(message(), HasSubstr("tensor lm_head.weight is not the index's (not listed)"));
}

TEST_F(Shards, ThatAreMissingOrOtherFilesAreRefused) {
  write(kFirst, "");
  EXPECT_THAT(message(), StartsWith("weights file is empty ("));
  write(kFirst, text("config.json"));
  EXPECT_THAT(message(), StartsWith("shard is not safetensors ("));
  std::filesystem::remove(folder_.path() / kFirst);
  EXPECT_THAT(message(), HasSubstr("no such file; check the path"));
  std::filesystem::create_directory(folder_.path() / kFirst);
  EXPECT_THAT(message(), StartsWith("weights must be a regular file ("));
}

}  // namespace
}  // namespace qtrap::weights
