// A decoder step as data: the operations of a layer, what comes before the first and after the last, the tensors that
// they pass on, the weights that they read. Counts of parameters, memory, passes, costs and roof are folds over it.
// What make_step() lists: per layer  h = norm(x); q, k, v = W h; a = attend(q, k, v); x += W_o a; h = norm(x);
// x += W_down(silu(W_gate h) * W_up h). A decoder's begins with x = embedding[token] and ends with
// token = argmax(W_head norm(x)). The stack of projections alone begins with x, ends with x = norm(x), and has
// a = expand(v), as if every context had one token. Joined, q, k, v are columns of one product and gate, up of another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/join.hpp"
#include "core/words.hpp"
#include "profile/profile.hpp"

namespace qtrap::model {

/// What an operation computes of its inputs, in their order, for each token by itself.
enum class Kind {
  kNorm,         ///< RMS norm of the input, times the weight of one row
  kProject,      ///< W x
  kExpandHeads,  ///< each head of the input once for each head of the output that it serves
  kAdd,          ///< the first input, which is the output, plus the second
  kGate,         ///< silu of the first input times the second
  kBias,         ///< the input, which is the output, plus the weight of one row
  kHeadNorm,     ///< RMS norm of each head of the input, which is the output, times the weight of one head
  kAttend,       ///< query, key and value: rotated, stored, softmax over all positions up to the token's own
  kEmbed,        ///< the row of the weight that the token names
  kLast,         ///< the input of the last of a sequence's tokens
  kChoose        ///< the token with the largest logit
};
constexpr Words<11> words_of(Kind) {
  return {"norm", "project", "expand_heads", "add", "gate", "bias", "head_norm", "attend", "embed", "last", "choose"};
}

using profile::Workload;

/// What operations pass on: one buffer each, reused by every layer; f16 [tokens][width], tokens as u32 [tokens]. Of a
/// prompt what follows the last layer has one token of each sequence.
enum class Tensor {
  kStream,     ///< x, the residual stream: a step's input and output
  kNormed,     ///< h, what projections of the stream read
  kQuery,      ///< q
  kKey,        ///< k
  kValue,      ///< v
  kAttention,  ///< a
  kBranch,     ///< what is added to the stream
  kGate,       ///< W_gate h
  kUp,         ///< W_up h
  kGated,      ///< what the last projection of a layer reads
  kToken,      ///< ids of the vocabulary
  kLogits,
  kLast,    ///< x of the last tokens of a prompt
  kChosen,  ///< ids of the tokens that follow a prompt
  kQkv,     ///< q, k and v of a token one after the other, where they are joined
  kGateUp   ///< W_gate h and W_up h likewise
};
constexpr Words<16> words_of(Tensor) {
  return {"stream", "normed", "query", "key",    "value", "attention", "branch", "gate",
          "up",     "gated",  "token", "logits", "last",  "chosen",    "qkv",    "gate_up"};
}
inline constexpr std::size_t kTensorCount = words_of(Tensor{}).size();
constexpr std::uint64_t element_bytes(Tensor tensor) {
  return tensor == Tensor::kToken || tensor == Tensor::kChosen ? 4 : 2;
}

/// What an operation reads besides tensors.
enum class Weight {
  kAttentionNorm,
  kQ,
  kK,
  kV,
  kO,
  kFfnNorm,
  kGate,
  kUp,
  kDown,
  kFinalNorm,
  kQBias,
  kKBias,
  kVBias,
  kQNorm,
  kKNorm,
  kEmbedding,
  kHead,     ///< of a tied shape the embedding too
  kQkv,      ///< rows of q, then of k and of v
  kQkvBias,  ///< likewise
  kGateUp    ///< rows of gate, then of up
};
constexpr Words<20> words_of(Weight) {
  return {"attention_norm", "q",          "k",        "v",      "o",      "ffn_norm", "gate",   "up",
          "down",           "final_norm", "q_bias",   "k_bias", "v_bias", "q_norm",   "k_norm", "embedding",
          "head",           "qkv",        "qkv_bias", "gate_up"};
}

struct Operation {
  Kind kind;
  std::vector<Tensor> inputs;
  Tensor output;
  std::optional<Weight> weight = {};
};
using Operations = std::vector<Operation>;

/// Of a weight, row-major: outputs and inputs of a projection; a norm's has one row.
struct Matrix {
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  bool operator==(const Matrix&) const = default;
};

/// Where a tensor lies: columns of another, or all of its own. It has as many as its width.
struct Place {
  Tensor whole;
  std::uint64_t first = 0;  ///< column
  std::uint64_t row = 0;    ///< width of the whole
};

struct Step {
  Workload workload = Workload::kProjections;
  Join join = Join::kNone;
  Operations first;                                  ///< before the first layer
  Operations layer;                                  ///< of each layer, in order
  Operations final;                                  ///< after the last layer
  std::array<std::uint64_t, kTensorCount> widths{};  ///< of the tensors, elements of a token
  std::map<Weight, Matrix> weights;                  ///< those that there are
  std::map<Tensor, Place> parts;                     ///< tensors that have no buffer of their own
  std::uint64_t head_dim = 0;                        ///< elements of a head of query, key and value

  std::uint64_t width(Tensor tensor) const { return widths.at(static_cast<std::size_t>(tensor)); }
  Place place_of(Tensor tensor) const;
  /// The parts of a tensor in their order, or itself.
  std::vector<Tensor> parts_of(Tensor tensor) const;
  /// Whether a tensor has one token of each sequence whatever the step brings.
  bool is_of_last(Tensor tensor) const;
};

/// The step of a shape; find_fault() finds none.
Step make_step(const profile::ModelProfile& shape, Workload workload = Workload::kProjections, Join join = Join::kNone);

/// What is wrong with a step, in one line; none where each operation has the inputs and the weight of its kind in
/// widths that fit, reads what was written before, and writes over nothing that was to be read, and each weight and
/// each tensor is one operation's, at least. What writes a tensor writes its parts, which lie in it. A weight is one
/// operation's alone, but for a head that is the embedding.
std::optional<std::string> find_fault(const Step& step);

/// Weights of the operations of one kind, in their order.
std::vector<Weight> list_weights(const Operations& operations, Kind kind);
/// The weights whose rows, or elements, a joined one has one after the other; of another itself.
std::vector<Weight> parts_of(Weight weight);
/// Whether a weight is added, where other vectors multiply.
constexpr bool is_bias(Weight weight) {
  return weight == Weight::kQBias || weight == Weight::kKBias || weight == Weight::kVBias || weight == Weight::kQkvBias;
}
/// Those of one row, in the order of their operations: of norms and biases.
std::vector<Weight> list_vectors(const Operations& operations);

/// For each operation: whether it is a projection whose input differs from what the projection before it read, or was
/// written since, so that it must be brought into the form that products take. The first one in the list always is.
std::vector<bool> find_new_inputs(const Operations& operations);

/// Embeddings (tied once) and every weight of the step in all layers.
std::int64_t compute_parameters(const profile::ModelProfile& shape);
/// Weights of the projections over all layers: what one step reads.
std::int64_t compute_step_parameters(const profile::ModelProfile& shape);

}  // namespace qtrap::model
