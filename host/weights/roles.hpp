// Which tensors a decoder reads: a table of roles, each with its name in either container, its shape by the decoder's
// facts, and when there is one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/words.hpp"
#include "weights/facts.hpp"
#include "weights/file.hpp"

namespace qtrap::weights {

/// Of those of a layer W is [outputs, inputs] as in y = W x; the others have one row.
enum class Role {
  kEmbedding,
  kHead,
  kFinalNorm,
  kRopeFactors,  ///< what the frequency of each pair is divided by
  kAttentionNorm,
  kQ,
  kK,
  kV,
  kO,
  kQBias,
  kKBias,
  kVBias,
  kQNorm,  ///< over each head
  kKNorm,
  kFfnNorm,
  kGate,
  kUp,
  kDown
};
constexpr Words<18> words_of(Role) {
  return {"embedding", "head",   "final_norm", "rope_factors", "attention_norm", "q",        "k",    "v",  "o",
          "q_bias",    "k_bias", "v_bias",     "q_norm",       "k_norm",         "ffn_norm", "gate", "up", "down"};
}
inline constexpr std::size_t kRoleCount = words_of(Role{}).size();

/// The tensor of each role.
class DecoderTensors {
 public:
  explicit DecoderTensors(std::int64_t layers) : layers_(static_cast<std::size_t>(layers)) {}

  /// None where the decoder has none, as of the head where it is tied. `layer`: 0 for what lies outside of layers.
  const Tensor* find(Role role, std::int64_t layer = 0) const;
  /// The head, or the embedding where they are tied.
  const Tensor* find_head() const;
  void set(Role role, std::int64_t layer, const Tensor* tensor);

 private:
  std::vector<std::array<const Tensor*, kRoleCount>> layers_;
};

/// The tensors that a decoder of these facts reads; they belong to `file`. Errors are kUsage, name the tensor and quote
/// the file: one is missing, has another shape, or a type that this program does not compute with; one that no role
/// reads, for the decoder would leave it out in silence.
Result<DecoderTensors> find_decoder(const WeightsFile& file, const DecoderFacts& facts);

/// What a tensor's name says that it is; the layer is 0 outside of layers. None where no role has such a name.
struct NamedRole {
  Role role;
  std::int64_t layer;
};
std::optional<NamedRole> find_role(Container container, std::string_view name);

}  // namespace qtrap::weights
