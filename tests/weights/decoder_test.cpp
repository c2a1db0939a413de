// Metadata into the facts of a decoder, and its tensors by their roles: both containers, and what must be refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/file.hpp"
#include "core/sha256.hpp"
#include "support/weights_files.hpp"
#include "weights/decoder.hpp"
#include "weights/facts.hpp"
#include "weights/roles.hpp"

namespace qtrap::weights {
namespace {

using test::gguf_count;
using test::GgufFile;
using test::GgufTensor;
using test::replaced;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string fixture(const std::string& name) { return std::string(QTRAP_SOURCE_DIR) + "/tests/data/weights/" + name; }

TEST(DecoderFacts, OfALlamaInGguf) {
  const DecoderFacts facts = read_facts(open_weights(fixture("llama.gguf")).value()).value();
  DecoderFacts expected;
  expected.architecture = Architecture::kLlama;
  expected.name = "llama";
  expected.layers = 1;
  expected.hidden = 256;
  expected.heads = 4;
  expected.kv_heads = 1;
  expected.head_dim = 8;
  expected.ffn = 32;
  expected.vocab = 24;
  expected.context = 512;
  expected.rms_eps = static_cast<double>(1e-5F);
  expected.rope_base = 500000;
  expected.rope_factors = true;
  expected.rotary_pairs = RotaryPairs::kInterleaved;
  expected.tied_embeddings = true;
  EXPECT_EQ(facts, expected);
}

TEST(DecoderFacts, OfAQwen2InShards) {
  const DecoderFacts facts = read_facts(open_weights(fixture("qwen2")).value()).value();
  DecoderFacts expected;
  expected.architecture = Architecture::kQwen2;
  expected.name = "qwen2";
  expected.layers = 2;
  expected.hidden = 16;
  expected.heads = 4;
  expected.kv_heads = 2;
  expected.head_dim = 4;  // not in its config.json: 16 / 4
  expected.ffn = 20;
  expected.vocab = 12;
  expected.context = 64;
  expected.rms_eps = 1e-6;
  expected.rope_base = 1e6;
  expected.qkv_bias = true;
  EXPECT_EQ(facts, expected);
}

TEST(DecoderFacts, OfAQwen3HaveNormsAndAWidthOfHeads) {
  const DecoderFacts facts = read_facts(open_weights(fixture("qwen3")).value()).value();
  EXPECT_EQ(facts.architecture, Architecture::kQwen3);
  EXPECT_EQ(facts.head_dim, 6);
  EXPECT_TRUE(facts.qk_norm);
  EXPECT_FALSE(facts.qkv_bias);
  EXPECT_TRUE(facts.tied_embeddings);
  EXPECT_EQ(facts.rotary_pairs, RotaryPairs::kHalves);
}

TEST(DecoderFacts, MakeAModelProfile) {
  const profile::ModelProfile model =
      make_profile(read_facts(open_weights(fixture("qwen3")).value()).value(), "qwen3/model.safetensors");
  EXPECT_EQ(model.name, "qwen3");
  EXPECT_EQ(model.source, "metadata of qwen3/model.safetensors");
  const auto back = profile::parse_model(profile::to_json(model), "m");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back.value(), model);
}

/// The facts of an empty safetensors file with this config.json, beside an embedding where the metadata has none.
Result<DecoderFacts> read_config(const std::string& config) {
  static const std::string kBytes = test::safetensors_bytes("{}", "");
  return read_facts(parse_weights(kBytes, "f", config).value());
}

const std::string& llama_config() {
  static const std::string kConfig =
      R"({"architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "hidden_size": 64, "intermediate_size": 96,)"
      R"( "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100, "max_position_embeddings": 2048,)"
      R"( "rms_norm_eps": 1e-05, "head_dim": null, "rope_scaling": null, "tie_word_embeddings": true})";
  return kConfig;
}

TEST(DecoderFacts, KeysThatConfigLeavesOutHaveTheirDefaults) {
  const DecoderFacts facts = read_config(llama_config()).value();
  EXPECT_EQ(facts.kv_heads, 4);
  EXPECT_EQ(facts.head_dim, 16);
  EXPECT_EQ(facts.rope_base, 10000);
  EXPECT_TRUE(facts.tied_embeddings);
  EXPECT_EQ(facts.rope_scaling, std::nullopt);
}

TEST(DecoderFacts, ScalingOfLlama3IsReadInBothFormsOfConfig) {
  const char* numbers = R"("factor": 32.0, "high_freq_factor": 4, "low_freq_factor": 1.0,)"
                        R"( "original_max_position_embeddings": 8192)";
  const RopeScaling expected{32, 1, 4, 8192};
  const auto old_form = read_config(
      replaced(llama_config(), "\"rope_scaling\": null",
               "\"rope_theta\": 5e5, \"rope_scaling\": {\"rope_type\": \"llama3\", " + std::string(numbers) + "}"));
  EXPECT_EQ(old_form.value().rope_scaling, expected);
  EXPECT_EQ(old_form.value().rope_base, 5e5);
  const auto new_form = read_config(
      replaced(llama_config(), "\"rope_scaling\": null",
               "\"rope_parameters\": {\"rope_theta\": 5e5, \"rope_type\": \"llama3\", " + std::string(numbers) + "}"));
  EXPECT_EQ(new_form.value().rope_scaling, expected);
  EXPECT_EQ(new_form.value().rope_base, 5e5);
}

struct Reject {
  const char* from;
  const char* to;
  const char* message;
};
constexpr Reject kConfigRejects[] = {
    {"LlamaForCausalLM", "MistralForCausalLM",
     "f: no decoder of this program (MistralForCausalLM): it computes LlamaForCausalLM, Qwen2ForCausalLM,"},
    {"\"architectures\": [\"LlamaForCausalLM\"], ", "",
     "f: nothing says what the model is: put its config.json beside"},
    {"\"silu\"", "\"gelu\"", "f: config.hidden_act asks for what the decoder does not compute (gelu): give a plain"},
    {"\"silu\"", "\"silu\", \"mlp_bias\": true",
     "f: config.mlp_bias asks for what the decoder does not compute (true)"},
    {"\"silu\"", "\"silu\", \"use_sliding_window\": true", "f: config.use_sliding_window asks for what"},
    {"\"silu\"", "\"silu\", \"partial_rotary_factor\": 0.5", "f: config.partial_rotary_factor asks for what"},
    {"\"silu\"", "\"silu\", \"quantization_config\": {\"quant_method\": \"gptq\"}",
     "f: config.quantization_config.quant_method asks for what the decoder does not compute (gptq)"},
    {"\"hidden_size\": 64, ", "", "f: a key is missing (config.hidden_size): convert the model again"},
    {"\"hidden_size\": 64", "\"hidden_size\": \"64\"", "f: config.hidden_size is no number (64): a number from 1 and"},
    {"\"hidden_size\": 64", "\"hidden_size\": 64.5", "f: config.hidden_size is no count (64.5)"},
    {"\"hidden_size\": 64", "\"hidden_size\": -64", "f: config.hidden_size is out of range (-64): a number from 1 and"},
    {"\"hidden_size\": 64", "\"hidden_size\": 1048577", "f: config.hidden_size is out of range (1048577)"},
    {"\"hidden_size\": 64", "\"hidden_size\": true", "f: config.hidden_size is no number (true)"},
    {"\"hidden_size\": 64", "\"hidden_size\": 3",
     "f: config.head_dim is missing and what follows from others is out of range (0): convert"},
    {"\"hidden_size\": 64", "\"hidden_size\": 12", "f: a head has an odd width (3): rotary embeddings turn pairs"},
    {"\"num_hidden_layers\": 2", "\"num_hidden_layers\": 10001", "f: config.num_hidden_layers is out of range (10001)"},
    {"\"num_attention_heads\": 4", "\"num_attention_heads\": 4, \"num_key_value_heads\": 3",
     "f: query heads are no multiple of key and value heads (4 and 3): convert"},
    {"1e-05", "0", "f: config.rms_norm_eps is out of range (0): a number above 0 and at most 1 is needed"},
    {"\"vocab_size\": 100, ", "", "f: a key is missing (config.vocab_size): convert the model again"},
    {"\"rope_scaling\": null", "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0}",
     "f: a scaling of rotary embeddings that the decoder does not compute (linear): llama3's is, and none"},
    {"\"rope_scaling\": null", "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 2.0}",
     "f: a key is missing (config.rope_scaling.low_freq_factor): convert"},
    {"\"rope_scaling\": null",
     "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 4,"
     " \"original_max_position_embeddings\": 8192}",
     "f: high_freq_factor is not above low_freq_factor (4 and 4): correct config.json"},
};

TEST(DecoderFacts, ConfigsThatSayOtherwiseAreRefused) {
  for (const Reject& reject : kConfigRejects) {
    const std::string config = replaced(llama_config(), reject.from, reject.to);
    ASSERT_NE(config, llama_config()) << reject.from;
    const auto facts = read_config(config);
    ASSERT_FALSE(facts) << reject.to;
    EXPECT_THAT(facts.error().message(), StartsWith(reject.message)) << reject.to;
  }
  const std::string bytes = test::safetensors_bytes("{}", "");
  EXPECT_THAT(parse_weights(bytes, "f", "{\"a\": 1").error().message(), StartsWith("config.json is not valid JSON at"));
}

/// A llama of one layer: hidden 8, two heads of 4, ffn 6, four tokens, all f32 zeros.
GgufFile tiny_llama() {
  GgufFile file;
  file.pairs = {test::gguf_word("general.architecture", "llama"),
                gguf_count("llama.block_count", 1),
                gguf_count("llama.context_length", 16),
                gguf_count("llama.embedding_length", 8),
                gguf_count("llama.feed_forward_length", 6),
                gguf_count("llama.attention.head_count", 2),
                test::gguf_real("llama.attention.layer_norm_rms_epsilon", 1e-5F)};
  file.tensors = {
      {"token_embd.weight", {8, 4}},        {"output_norm.weight", {8}},      {"blk.0.attn_norm.weight", {8}},
      {"blk.0.attn_q.weight", {8, 8}},      {"blk.0.attn_k.weight", {8, 8}},  {"blk.0.attn_v.weight", {8, 8}},
      {"blk.0.attn_output.weight", {8, 8}}, {"blk.0.ffn_norm.weight", {8}},   {"blk.0.ffn_gate.weight", {8, 6}},
      {"blk.0.ffn_up.weight", {8, 6}},      {"blk.0.ffn_down.weight", {6, 8}}};
  return file;
}

/// Places the tensors one after the other and makes their data.
std::string bytes_of(GgufFile file) {
  std::uint64_t end = 0;
  for (GgufTensor& tensor : file.tensors) {
    tensor.offset = end;
    std::uint64_t size = 4;
    for (const std::uint64_t dimension : tensor.dimensions) size *= dimension;
    end += (size + 31) / 32 * 32;
  }
  file.data.resize(end);
  return file.bytes();
}

/// Facts and tensors; the first error of either.
Result<DecoderFacts> read_decoder(const GgufFile& file) {
  const std::string bytes = bytes_of(file);
  const auto weights = parse_weights(bytes, "f", "");
  if (!weights) return weights.error();
  auto facts = read_facts(weights.value());
  if (!facts) return facts;
  const auto tensors = find_decoder(weights.value(), facts.value());
  return tensors ? facts : tensors.error();
}

TEST(DecoderFacts, OfGgufTakeTheVocabularyFromTheEmbedding) {
  const auto facts = read_decoder(tiny_llama());
  ASSERT_TRUE(facts) << facts.error().message();
  EXPECT_EQ(facts.value().vocab, 4);
  EXPECT_EQ(facts.value().kv_heads, 2);
  EXPECT_EQ(facts.value().head_dim, 4);
  EXPECT_TRUE(facts.value().tied_embeddings);
  EXPECT_FALSE(facts.value().rope_factors);
}

TEST(DecoderFacts, AHeadOfItsOwnUntiesTheEmbedding) {
  GgufFile file = tiny_llama();
  file.tensors.push_back({"output.weight", {8, 4}});
  EXPECT_FALSE(read_decoder(file).value().tied_embeddings);
}

TEST(DecoderFacts, QwensInGgufTurnHalves) {
  GgufFile file = tiny_llama();
  for (std::string& pair : file.pairs) pair = replaced(pair, "llama", "qwen3");
  file.tensors.push_back({"blk.0.attn_q_norm.weight", {4}});
  file.tensors.push_back({"blk.0.attn_k_norm.weight", {4}});
  const auto facts = read_decoder(file);
  ASSERT_TRUE(facts) << facts.error().message();
  EXPECT_EQ(facts.value().rotary_pairs, RotaryPairs::kHalves);
  EXPECT_TRUE(facts.value().qk_norm);
}

TEST(DecoderFacts, ALlamaMayHaveABiasOfQueryKeyAndValue) {
  GgufFile file = tiny_llama();
  for (const char* name : {"blk.0.attn_q.bias", "blk.0.attn_k.bias", "blk.0.attn_v.bias"})
    file.tensors.push_back({name, {8}});
  EXPECT_TRUE(read_decoder(file).value().qkv_bias);
  file.tensors.pop_back();
  EXPECT_THAT(read_decoder(file).error().message(), HasSubstr("is missing (blk.0.attn_v.bias)"));
}

struct PairReject {
  std::string pair;
  const char* message;
};

TEST(DecoderFacts, GgufThatSaysOtherwiseIsRefused) {
  const PairReject rejects[] = {
      {gguf_count("split.count", 2),
       "f: the model is split over several files (2): merge them: llama-gguf-split --merge"},
      {gguf_count("llama.attention.value_length", 8),
       "f: llama.attention.value_length asks for what the decoder does not compute (8): give a plain Llama"},
      {gguf_count("llama.rope.dimension_count", 2), "f: llama.rope.dimension_count asks for what the decoder"},
      {test::gguf_word("llama.rope.scaling.type", "yarn"),
       "f: llama.rope.scaling.type asks for what the decoder does not compute (yarn)"},
      {gguf_count("llama.expert_count", 8), "f: llama.expert_count asks for what the decoder does not compute (8)"},
      {test::gguf_pair("llama.attention.head_count_kv", 9,
                       test::raw<std::uint32_t>(5) + test::raw<std::uint64_t>(1) + test::raw(2)),
       "f: llama.attention.head_count_kv is no number (a list of 1): a number from 1"},
      {gguf_count("llama.vocab_size", 5), "f: tensor token_embd.weight has another shape than the decoder's ([4, 8])"},
      {test::gguf_real("llama.rope.freq_base", 0), "f: llama.rope.freq_base is out of range (0): a number above 1"},
  };
  for (const PairReject& reject : rejects) {
    GgufFile file = tiny_llama();
    file.pairs.push_back(reject.pair);
    const auto facts = read_decoder(file);
    ASSERT_FALSE(facts) << reject.message;
    EXPECT_THAT(facts.error().message(), StartsWith(reject.message));
  }
  GgufFile file = tiny_llama();
  file.pairs[0] = test::gguf_word("general.architecture", "gemma");
  EXPECT_EQ(read_decoder(file).error().message(),
            "f: no decoder of this program (gemma): it computes llama, qwen2, qwen3");
  file.pairs.erase(file.pairs.begin());
  EXPECT_EQ(read_decoder(file).error().message(), "f: no general.architecture: convert the model again");
}

TEST(DecoderTensors, EveryOneThatIsTakenOutIsMissed) {
  const GgufFile whole = tiny_llama();
  for (std::size_t i = 0; i < whole.tensors.size(); ++i) {
    GgufFile file = whole;
    file.tensors.erase(file.tensors.begin() + static_cast<std::ptrdiff_t>(i));
    if (i == 0) file.pairs.push_back(gguf_count("llama.vocab_size", 4));
    EXPECT_THAT(read_decoder(file).error().message(),
                StartsWith("f: a tensor that the decoder needs is missing (" + whole.tensors[i].name + "): its shape"));
  }
}

TEST(DecoderTensors, EveryOtherShapeIsRefused) {
  const GgufFile whole = tiny_llama();
  for (std::size_t i = 1; i < whole.tensors.size(); ++i) {
    GgufFile file = whole;
    file.tensors[i].dimensions.back() += 1;
    EXPECT_THAT(read_decoder(file).error().message(),
                StartsWith("f: tensor " + whole.tensors[i].name + " has another shape than the decoder's ("));
  }
}

TEST(DecoderTensors, WhatNoRoleReadsIsRefused) {
  for (const char* name :
       {"blk.0.attn_output.bias", "blk.1.attn_q.weight", "blk.00.attn_q.weight", "blk.-1.attn_q.weight",
        "blk..attn_q.weight", "blk.99999999999999999999.attn_q.weight", "blk.0.attn_q_norm.bias"}) {
    GgufFile file = tiny_llama();
    file.tensors.push_back({name, {8}});
    EXPECT_EQ(read_decoder(file).error().message(), "f: a tensor that the decoder does not read (" + std::string(name) +
                                                        "): it computes plain Llama, Qwen2.5 and Qwen3");
  }
}

TEST(DecoderTensors, ATypeThatIsNotComputedWithIsRefusedWhereItIsNeeded) {
  GgufFile file = tiny_llama();
  file.tensors[1].type = 26;  // I32
  EXPECT_EQ(read_decoder(file).error().message(),
            "f: tensor output_norm.weight has a type that is not computed with (I32): convert the model to F32, F16, "
            "Q4_0, Q4_1, Q8_0, Q4_K, Q6_K, BF16");
}

TEST(DecoderTensors, AreFoundByRoleAndLayer) {
  const WeightsFile file = open_weights(fixture("qwen2")).value();
  const DecoderTensors tensors = find_decoder(file, read_facts(file).value()).value();
  EXPECT_EQ(tensors.find(Role::kEmbedding), file.find("model.embed_tokens.weight"));
  EXPECT_EQ(tensors.find(Role::kHead), file.find("lm_head.weight"));
  EXPECT_EQ(tensors.find(Role::kDown, 1), file.find("model.layers.1.mlp.down_proj.weight"));
  EXPECT_EQ(tensors.find(Role::kKBias, 1), file.find("model.layers.1.self_attn.k_proj.bias"));
  EXPECT_EQ(tensors.find(Role::kQNorm, 1), nullptr);
}

TEST(OpenDecoder, HoldsWhatItsFileSays) {
  const Decoder decoder = open_decoder(fixture("llama.gguf")).value();
  EXPECT_EQ(decoder.path, fixture("llama.gguf"));
  EXPECT_EQ(decoder.facts, read_facts(decoder.file).value());
  EXPECT_EQ(decoder.tensors.find(Role::kFinalNorm), decoder.file.find("output_norm.weight"));
  EXPECT_EQ(list_quantized_types(decoder.file), "Q4_0, Q4_1, Q4_K, Q6_K, Q8_0");
  EXPECT_EQ(decoder.rope_divisors.size(), 4U) << "one for each pair of a head";
  EXPECT_EQ(compute_digest(decoder.file), compute_sha256(read_file(fixture("llama.gguf")).value()));
  EXPECT_TRUE(open_decoder(fixture("qwen2")).value().rope_divisors.empty());
  EXPECT_EQ(list_quantized_types(open_decoder(fixture("qwen2")).value().file), "");
}

TEST(OpenDecoder, TellsTheDigestOfAllItsFiles) {
  const WeightsFile file = open_weights(fixture("qwen2")).value();
  std::string all;
  for (const Source& source : file.sources()) all += source.bytes;
  EXPECT_GT(file.sources().size(), 1U);
  EXPECT_EQ(compute_digest(file), compute_sha256(all));
}

TEST(OpenDecoder, RefusesWhatIsNoDecoder) {
  EXPECT_THAT(open_decoder(fixture("none.gguf")).error().message(), HasSubstr("none.gguf"));
}

TEST(MatchProfile, TakesTheShapesNameAndTheFilesConstants) {
  const Decoder decoder = open_decoder(fixture("qwen2")).value();
  profile::ModelProfile wanted = make_profile(decoder.facts, "somewhere");
  wanted.name = "mine";
  wanted.family = "qwen";
  wanted.rms_eps = 0.5;
  wanted.qkv_bias = false;
  const profile::ModelProfile found = match_profile(decoder, wanted).value();
  EXPECT_EQ(found.name, "mine");
  EXPECT_EQ(found.family, "qwen");
  EXPECT_EQ(found.rms_eps, decoder.facts.rms_eps);
  EXPECT_TRUE(found.qkv_bias);
  wanted.layers += 1;
  EXPECT_THAT(match_profile(decoder, wanted).error().message(),
              HasSubstr(fixture("qwen2") + " is of another shape than mine (layers 2, not 3): name its model, or"));
  wanted.layers -= 1;
  wanted.tied_embeddings = !wanted.tied_embeddings;
  EXPECT_THAT(match_profile(decoder, wanted).error().message(), HasSubstr("(tied_embeddings false, not true)"));
}

}  // namespace
}  // namespace qtrap::weights
