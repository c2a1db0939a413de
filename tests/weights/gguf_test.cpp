// The reader of GGUF: a file of the package gguf, and tables of files that must be refused, with the message.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "core/file.hpp"
#include "support/weights_files.hpp"
#include "weights/file.hpp"

namespace qtrap::weights {
namespace {

using test::gguf_count;
using test::gguf_pair;
using test::gguf_text;
using test::GgufFile;
using test::raw;
using ::testing::ElementsAre;
using ::testing::StartsWith;

std::string fixture(const std::string& name) { return std::string(QTRAP_SOURCE_DIR) + "/tests/data/weights/" + name; }

TEST(Gguf, ListsTensorsAndMetadataOfThePackagesFile) {
  const WeightsFile file = open_weights(fixture("llama.gguf")).value();
  EXPECT_EQ(file.container(), Container::kGguf);
  EXPECT_EQ(file.version(), 3U);
  ASSERT_EQ(file.tensors().size(), 12U);
  const Tensor* q = file.find("blk.0.attn_q.weight");
  ASSERT_NE(q, nullptr);
  EXPECT_EQ(q->type->name, "Q4_K");
  EXPECT_THAT(q->shape, ElementsAre(32, 256));
  EXPECT_EQ(q->rows(), 32U);
  EXPECT_EQ(q->bytes, 32U * 144);
  EXPECT_EQ(file.bytes(*q).size(), q->bytes);
  EXPECT_EQ(file.find("blk.1.attn_q.weight"), nullptr);
  EXPECT_EQ(*file.find_metadata("llama.embedding_length"), MetadataValue(std::uint64_t{256}));
  EXPECT_EQ(*file.find_metadata("general.name"), MetadataValue(std::string("a llama for tests")));
}

TEST(Gguf, ListsOfTheMetadataAreReadWhereTheyLie) {
  const WeightsFile file = open_weights(fixture("llama.gguf")).value();
  const auto list = [&](const char* key) { return std::get<MetadataArray>(*file.find_metadata(key)); };
  const auto tokens = list_texts(list("tokenizer.ggml.tokens"));
  ASSERT_EQ(tokens.size(), 24U);
  EXPECT_EQ(tokens[2], "Ġab");
  EXPECT_EQ(tokens[3], "");
  EXPECT_EQ(tokens[23], "t19");
  EXPECT_EQ(list_integers(list("tokenizer.ggml.token_type")), std::vector<std::int64_t>(24, 1));
  EXPECT_EQ(list_floats(list("tokenizer.ggml.scores")).at(3), 1.5F);
  EXPECT_THAT(list_texts(list("tokenizer.ggml.merges")), ElementsAre("a b", "Ġ ab"));
  EXPECT_TRUE(list_texts(list("tokenizer.ggml.scores")).empty());
  EXPECT_TRUE(list_integers(list("tokenizer.ggml.scores")).empty());
  EXPECT_TRUE(list_floats(list("tokenizer.ggml.tokens")).empty());
}

/// Two tensors of eight f32, one after the other, and a few keys.
GgufFile small_file() {
  GgufFile file;
  file.pairs = {gguf_count("a.count", 7), test::gguf_word("a.word", "plain"),
                gguf_pair("a.list", 9, raw<std::uint32_t>(8) + raw<std::uint64_t>(2) + gguf_text("x") + gguf_text("y")),
                gguf_pair("a.numbers", 9, raw<std::uint32_t>(5) + raw<std::uint64_t>(2) + raw(-1) + raw(2)),
                gguf_pair("a.flag", 7, raw<std::uint8_t>(1))};
  file.tensors = {{"first", {4, 2}}, {"second", {8}, 0, 32}};
  file.data = std::string(64, '\1');
  return file;
}

TEST(Gguf, VersionTwoIsLaidOutAsVersionThree) {
  GgufFile file = small_file();
  file.version = 2;
  const std::string bytes = file.bytes();
  const auto two = parse_weights(bytes, "f", "").value();
  EXPECT_EQ(two.version(), 2U);
  EXPECT_THAT(two.find("first")->shape, ElementsAre(2, 4));
  EXPECT_EQ(*two.find_metadata("a.flag"), MetadataValue(true));
  EXPECT_THAT(list_integers(std::get<MetadataArray>(*two.find_metadata("a.numbers"))), ElementsAre(-1, 2));
}

TEST(Gguf, OtherTypesAreListed) {
  GgufFile file = small_file();
  file.tensors = {{"odd", {256}, 10}};
  file.data = std::string(84, '\1');
  const std::string bytes = file.bytes();
  const auto read = parse_weights(bytes, "f", "").value();
  EXPECT_EQ(read.tensors()[0].type->name, "Q2_K");
  EXPECT_FALSE(read.tensors()[0].type->runnable());
}

constexpr std::uint64_t kHuge = ~std::uint64_t{0};

struct Reject {
  const char* name;
  std::function<void(GgufFile&)> spoil;
  const char* message;  ///< start of it, after the file's name
};

const std::vector<Reject>& rejects() {
  static const std::vector<Reject> kRejects{
      {"version 1", [](GgufFile& f) { f.version = 1; },
       "unknown version of GGUF (1): convert the model again to version 3"},
      {"version 4", [](GgufFile& f) { f.version = 4; },
       "unknown version of GGUF (4): convert the model again to version 3"},
      {"big-endian", [](GgufFile& f) { f.version = 0x03000000; },
       "GGUF of a big-endian machine (version 3): convert it again here"},
      {"tensors beyond the file", [](GgufFile& f) { f.tensor_count = kHuge; },
       "more tensors than the file has bytes for (18446744073709551615): the file is damaged: copy or"},
      {"keys beyond the file", [](GgufFile& f) { f.pair_count = kHuge; },
       "more keys than the file has bytes for (18446744073709551615): the file is damaged"},
      {"a few tensors too many", [](GgufFile& f) { f.tensor_count = 5; }, "the name of tensor 2 is empty, too long or"},
      {"a long key", [](GgufFile& f) { f.pairs[0] = raw(kHuge) + "a.count"; }, "the file ends within key 0 ("},
      {"an empty key", [](GgufFile& f) { f.pairs[0] = gguf_count("", 7); },
       "key 0 is empty, too long or not UTF-8: the file is damaged"},
      {"a key that is no UTF-8", [](GgufFile& f) { f.pairs[0] = gguf_count("\xFF", 7); },
       "key 0 is empty, too long or not UTF-8 (\\xff): the file is damaged"},
      {"a key of 64 KiB", [](GgufFile& f) { f.pairs[0] = gguf_count(std::string(65536, 'k'), 7); },
       "key 0 is empty, too long or not UTF-8 (kkkk"},
      {"a key twice", [](GgufFile& f) { f.pairs[1] = f.pairs[0]; },
       "a key is given twice (a.count): write the file again"},
      {"an unknown type of value", [](GgufFile& f) { f.pairs[0] = gguf_pair("a.count", 13, raw(7)); },
       "the value of a.count has an unknown type (13): the file is damaged"},
      {"a long text", [](GgufFile& f) { f.pairs[1] = gguf_pair("a.word", 8, raw(kHuge)); },
       "the file ends within the value of a.word ("},
      {"a long list of texts",
       [](GgufFile& f) { f.pairs[2] = gguf_pair("a.list", 9, raw<std::uint32_t>(8) + raw(kHuge)); },
       "a.list has more entries than the file has bytes for (18446744073709551615): the file is damaged"},
      {"a long list of numbers",
       [](GgufFile& f) { f.pairs[2] = gguf_pair("a.list", 9, raw<std::uint32_t>(5) + raw(kHuge / 4 + 2)); },
       "a.list has more entries than the file has bytes for (4611686018427387905): the file is damaged"},
      {"a long text in a list",
       [](GgufFile& f) {
         f.pairs[2] = gguf_pair("a.list", 9, raw<std::uint32_t>(8) + raw<std::uint64_t>(1) + raw(kHuge));
       },
       "the file ends within entry 0 of a.list ("},
      {"a list of lists",
       [](GgufFile& f) { f.pairs[2] = gguf_pair("a.list", 9, raw<std::uint32_t>(9) + raw<std::uint64_t>(1)); },
       "a.list is a list of lists (1): no model needs one"},
      {"a list of an unknown type",
       [](GgufFile& f) { f.pairs[2] = gguf_pair("a.list", 9, raw<std::uint32_t>(99) + raw<std::uint64_t>(1)); },
       "the value of a.list has an unknown type (99): the file is damaged"},
      {"an alignment of 0", [](GgufFile& f) { f.pairs[0] = gguf_count("general.alignment", 0); },
       "general.alignment is no power of two (0): the file is damaged"},
      {"an alignment of 48", [](GgufFile& f) { f.pairs[0] = gguf_count("general.alignment", 48); },
       "general.alignment is no power of two (48): the file is damaged"},
      {"an alignment of text", [](GgufFile& f) { f.pairs[0] = test::gguf_word("general.alignment", "32"); },
       "general.alignment is no power of two (no count): the file is damaged"},
      {"an alignment beyond", [](GgufFile& f) { f.pairs[0] = gguf_count("general.alignment", 1U << 31U); },
       "general.alignment is no power of two (2147483648): the file is damaged"},
      {"a tensor's name twice", [](GgufFile& f) { f.tensors[1].name = "first"; },
       "two tensors have one name (first): write the file again"},
      {"no name", [](GgufFile& f) { f.tensors[0].name = ""; },
       "the name of tensor 0 is empty, too long or not UTF-8: the file is damaged"},
      {"no dimensions", [](GgufFile& f) { f.tensors[0].dimensions = {}; },
       "tensor first has no possible number of dimensions (0): 1 to 4 are"},
      {"five dimensions", [](GgufFile& f) { f.tensors[0].dimension_count = 5; },
       "tensor first has no possible number of dimensions (5): 1 to 4 are"},
      {"dimensions beyond",
       [](GgufFile& f) {
         f.tensors[0].dimensions = {std::uint64_t{1} << 32U, std::uint64_t{1} << 32U};
       },
       "tensor first has too many elements ([4294967296, 4294967296]): the file is damaged"},
      {"dimensions that wrap around",
       [](GgufFile& f) {
         f.tensors[0].dimensions = {std::uint64_t{1} << 61U, 8};
       },
       "tensor first has too many elements ([8, 2305843009213693952]): the file is damaged"},
      {"dimensions beyond, and none",
       [](GgufFile& f) {
         f.tensors[0].dimensions = {4, kHuge, 0};
       },
       "tensor first has too many elements ([0, 18446744073709551615, 4]): the file is damaged"},
      {"bytes that wrap around", [](GgufFile& f) { f.tensors[0].dimensions = {std::uint64_t{1} << 62U}; },
       "tensor first has too many elements ([4611686018427387904]): the file is damaged"},
      {"an unknown type", [](GgufFile& f) { f.tensors[0].type = 4; },
       "tensor first has an unknown type (4): known are F32, F16, Q4_0, Q4_1, Q5_0,"},
      {"half a block", [](GgufFile& f) { f.tensors[0].type = 8; },
       "rows of tensor first are not whole blocks of Q8_0 ([2, 4]): their length must be a multiple of 32"},
      {"a place between", [](GgufFile& f) { f.tensors[1].offset = 33; },
       "tensor second is not aligned (byte 33): it must begin at a multiple of 32"},
      {"a place beyond", [](GgufFile& f) { f.tensors[1].offset = 64; },
       "tensor second lies beyond the end of the file (bytes 64 + 32 of 64): the file is cut off or damaged"},
      {"a place far beyond", [](GgufFile& f) { f.tensors[1].offset = kHuge - 31; },
       "tensor second lies beyond the end of the file (bytes 18446744073709551584 + 32 of 64): the file is"},
      {"a tensor over the other", [](GgufFile& f) { f.tensors[1].offset = 0; }, "tensors "},
      {"a long tensor over the other", [](GgufFile& f) { f.tensors[0].dimensions = {16}; },
       "tensors first and second overlap (byte 320): write the file again"},
      {"less data", [](GgufFile& f) { f.data.resize(40); },
       "tensor second lies beyond the end of the file (bytes 32 + 32 of 40): the file is cut off or damaged"},
  };
  return kRejects;
}

TEST(Gguf, RefusesWhatIsWrongInOneLine) {
  ASSERT_TRUE(parse_weights(small_file().bytes(), "f", ""));
  for (const Reject& reject : rejects()) {
    GgufFile file = small_file();
    reject.spoil(file);
    const std::string bytes = file.bytes();
    const auto read = parse_weights(bytes, "f", "");
    ASSERT_FALSE(read) << reject.name;
    EXPECT_THAT(read.error().message(), StartsWith(std::string("f: ") + reject.message)) << reject.name;
    EXPECT_EQ(read.error().kind, ErrorKind::kUsage) << reject.name;
  }
}

TEST(Gguf, AnEmptyTensorBeyondTheEndIsAnError) {
  GgufFile file;
  file.tensors = {{"empty", {4, 0}}};
  const std::string bytes = file.bytes();
  const auto read = parse_weights(bytes, "f", "");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read.value().tensors()[0].rows(), 0U);
  const auto cut = parse_weights(std::string_view(bytes).substr(0, bytes.size() - 1), "f", "");
  EXPECT_EQ(cut.error().message(),
            "f: the file ends within the gap before its data (95 bytes): copy or download it again");
}

TEST(Gguf, CutAtAnyByteIsAnError) {
  const std::string whole = small_file().bytes();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string bytes = whole.substr(0, length);
    const auto read = parse_weights(bytes, "f", "");
    ASSERT_FALSE(read) << length;
    EXPECT_EQ(read.error().message().find('\n'), std::string::npos);
  }
}

/// Any change of a byte is read or refused; what is read lies within the bytes (contracts of WeightsFile).
TEST(Gguf, AnyChangedByteIsReadOrRefused) {
  const std::string whole = small_file().bytes();
  std::size_t refused = 0;
  for (std::size_t at = 0; at < whole.size() - 64; ++at) {
    for (const int change : {1, 0x80, 0xFF}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      refused += parse_weights(bytes, "f", "") ? 0 : 1;
    }
  }
  EXPECT_GT(refused, whole.size());
}

TEST(Gguf, OfAnotherMachineOrKindIsNamed) {
  const auto message = [](const std::string& bytes) { return parse_weights(bytes, "f", "").error().message(); };
  EXPECT_EQ(message("GGML\1\2\3\4 and more"),
            "file is neither GGUF nor safetensors (f): give a .gguf, a .safetensors or a .safetensors.index.json");
  EXPECT_EQ(message("version https://git-lfs.github.com/spec/v1\noid sha256:0"),
            "file is a pointer of Git LFS, not the weights (f): fetch the file itself: git lfs pull");
}

}  // namespace
}  // namespace qtrap::weights
