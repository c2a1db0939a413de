// What `qtrap weights` tells: uses, totals, the golden listing, and its keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/golden.hpp"
#include "support/locale_guard.hpp"
#include "support/weights_files.hpp"
#include "weights/listing.hpp"

namespace qtrap::weights {
namespace {

using ::testing::ElementsAre;

TEST(Listing, SaysWhatEachTensorWouldRunAs) {
  const auto source = std::string(QTRAP_SOURCE_DIR) + "/tests/data/weights/llama.gguf";
  const Listing listing = list_weights(open_weights(source).value());
  EXPECT_EQ(listing.fault, std::nullopt);
  EXPECT_EQ(listing.bytes, 56832);
  std::map<std::string, std::string> formats;
  for (const ListedTensor& tensor : listing.tensors)
    formats[tensor.type] = to_string(tensor.use) + " " + tensor.weight_format.value_or("none");
  EXPECT_EQ(formats, (std::map<std::string, std::string>{{"BF16", "dequantized f16"},
                                                         {"F16", "native f16"},
                                                         {"F32", "dequantized f16"},
                                                         {"Q4_0", "native q4_0"},
                                                         {"Q4_1", "native q4_1"},
                                                         {"Q4_K", "native q4_k"},
                                                         {"Q6_K", "native q6_k"},
                                                         {"Q8_0", "native q8_0"}}));
  ASSERT_EQ(listing.totals.size(), 8U);
  EXPECT_EQ(listing.totals[0].type, "Q8_0");
  EXPECT_EQ(listing.totals[0].tensors, 2);
  EXPECT_EQ(listing.totals[0].elements, 24 * 256 + 256 * 32);
  EXPECT_EQ(listing.totals[0].bytes, (24 * 256 + 256 * 32) / 32 * 34);
}

TEST(Listing, AHeadBesideTiedEmbeddingsIsNotRead) {
  const auto source = std::string(QTRAP_SOURCE_DIR) + "/tests/data/weights/qwen2/model.safetensors.index.json";
  const WeightsFile untied = open_weights(source).value();
  const auto use_of_head = [](const Listing& listing) {
    const auto found = std::find_if(listing.tensors.begin(), listing.tensors.end(),
                                    [](const ListedTensor& tensor) { return tensor.role == Role::kHead; });
    return found->use;
  };
  EXPECT_EQ(use_of_head(list_weights(untied)), Use::kDequantized);
  Contents contents{untied.container(), 0, untied.tensors(), untied.metadata()};
  contents.metadata["config.tie_word_embeddings"] = true;
  const Listing tied = list_weights(WeightsFile(untied.sources(), std::move(contents)));
  EXPECT_EQ(tied.fault, std::nullopt);
  EXPECT_EQ(use_of_head(tied), Use::kUnread);
}

/// A llama's first tensors and others, too few to run.
std::string odd_file() {
  test::GgufFile file;
  file.pairs = {test::gguf_word("general.architecture", "llama"),
                test::gguf_count("llama.block_count", 1),
                test::gguf_count("llama.context_length", 16),
                test::gguf_count("llama.embedding_length", 32),
                test::gguf_count("llama.feed_forward_length", 6),
                test::gguf_count("llama.attention.head_count", 2),
                test::gguf_real("llama.attention.layer_norm_rms_epsilon", 0.5F)};
  file.tensors = {
      {"token_embd.weight", {32, 2}, 8}, {"other.weight", {3}, 0, 96}, {"blk.0.attn_q.weight", {32}, 20, 128}};
  file.data = std::string(160, '\1');
  return file.bytes();
}

TEST(Listing, OfWeightsThatCannotRunSaysWhy) {
  const test::LocaleGuard guard;
  const std::string bytes = odd_file();
  const Listing listing = list_weights(parse_weights(bytes, "odd.gguf", "").value());
  EXPECT_EQ(listing.tensors[1].use, Use::kUnread);
  EXPECT_EQ(listing.tensors[1].weight_format, std::nullopt);
  EXPECT_EQ(listing.tensors[2].use, Use::kUnknownType);
  test::expect_golden("tests/data/weights/odd_listing.json", to_json(listing));
}

TEST(Listing, KeysAreExplained) { test::expect_golden("host/weights/SCHEMA.md", make_listing_markdown()); }

}  // namespace
}  // namespace qtrap::weights
