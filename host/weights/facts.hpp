// What a decoder is, out of the metadata of its weights: GGUF's keys of llama, qwen2 and qwen3, or the config.json of
// LlamaForCausalLM, Qwen2ForCausalLM and Qwen3ForCausalLM. What this program would compute otherwise than the model
// means is refused, with the key and its value.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <variant>

#include "core/result.hpp"
#include "core/rotary_pairs.hpp"
#include "core/words.hpp"
#include "profile/profile.hpp"
#include "profile/shape_bounds.hpp"
#include "table/fields.hpp"
#include "weights/file.hpp"

namespace qtrap::weights {

enum class Architecture { kLlama, kQwen2, kQwen3 };
constexpr Words<3> words_of(Architecture) { return {"llama", "qwen2", "qwen3"}; }

using profile::RopeScaling;

struct DecoderFacts {
  Architecture architecture = Architecture::kLlama;
  std::string name;
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t ffn = 0;
  std::int64_t vocab = 0;
  std::int64_t context = 0;
  double rms_eps = 0;
  double rope_base = 10000;
  std::optional<RopeScaling> rope_scaling;
  bool rope_factors = false;
  RotaryPairs rotary_pairs = RotaryPairs::kHalves;
  bool tied_embeddings = false;
  bool qkv_bias = false;
  bool qk_norm = false;
  bool operator==(const DecoderFacts&) const = default;
};

std::variant<std::optional<RopeScaling>, Architecture, RotaryPairs> special_types(std::type_identity<DecoderFacts>);
std::span<const table::Field<DecoderFacts>> table_of(std::type_identity<DecoderFacts>);

/// Errors are kUsage and quote the file: no config.json, another architecture, a key that is missing, of the wrong type
/// or out of range, a variant that the decoder does not compute.
Result<DecoderFacts> read_facts(const WeightsFile& file);

/// The shape as profiles/models/NAME.json has it; `source` names where the weights lie.
profile::ModelProfile make_profile(const DecoderFacts& facts, const std::string& source);

}  // namespace qtrap::weights
