#include "weights/roles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "weights/layout.hpp"

namespace qtrap::weights {
namespace {

using Shape = std::vector<std::uint64_t>;

std::uint64_t count(std::int64_t number) { return static_cast<std::uint64_t>(number); }

bool always(const DecoderFacts&) { return true; }
bool has_head(const DecoderFacts& facts) { return !facts.tied_embeddings; }
bool has_bias(const DecoderFacts& facts) { return facts.qkv_bias; }
bool has_norm(const DecoderFacts& facts) { return facts.qk_norm; }
bool has_factors(const DecoderFacts& facts) { return facts.rope_factors; }

Shape hidden(const DecoderFacts& facts) { return {count(facts.hidden)}; }
Shape head_width(const DecoderFacts& facts) { return {count(facts.head_dim)}; }
Shape half_head(const DecoderFacts& facts) { return {count(facts.head_dim / 2)}; }
Shape queries(const DecoderFacts& facts) { return {count(facts.heads * facts.head_dim)}; }
Shape keys(const DecoderFacts& facts) { return {count(facts.kv_heads * facts.head_dim)}; }
Shape vocabulary(const DecoderFacts& facts) { return {count(facts.vocab), count(facts.hidden)}; }
Shape to_queries(const DecoderFacts& facts) { return {queries(facts)[0], count(facts.hidden)}; }
Shape to_keys(const DecoderFacts& facts) { return {keys(facts)[0], count(facts.hidden)}; }
Shape from_queries(const DecoderFacts& facts) { return {count(facts.hidden), queries(facts)[0]}; }
Shape to_ffn(const DecoderFacts& facts) { return {count(facts.ffn), count(facts.hidden)}; }
Shape from_ffn(const DecoderFacts& facts) { return {count(facts.hidden), count(facts.ffn)}; }

/// Names in the order of Container, '%' for the number of a layer; "" where the container has none.
struct RoleInfo {
  Role role;
  std::array<std::string_view, 2> names;
  Shape (*shape)(const DecoderFacts& facts);
  bool (*needed)(const DecoderFacts& facts) = always;
};

/// In the order of Role.
constexpr std::array<RoleInfo, kRoleCount> kRoles{{
    {Role::kEmbedding, {"token_embd.weight", "model.embed_tokens.weight"}, vocabulary},
    {Role::kHead, {"output.weight", "lm_head.weight"}, vocabulary, has_head},
    {Role::kFinalNorm, {"output_norm.weight", "model.norm.weight"}, hidden},
    {Role::kRopeFactors, {"rope_freqs.weight", ""}, half_head, has_factors},
    {Role::kAttentionNorm, {"blk.%.attn_norm.weight", "model.layers.%.input_layernorm.weight"}, hidden},
    {Role::kQ, {"blk.%.attn_q.weight", "model.layers.%.self_attn.q_proj.weight"}, to_queries},
    {Role::kK, {"blk.%.attn_k.weight", "model.layers.%.self_attn.k_proj.weight"}, to_keys},
    {Role::kV, {"blk.%.attn_v.weight", "model.layers.%.self_attn.v_proj.weight"}, to_keys},
    {Role::kO, {"blk.%.attn_output.weight", "model.layers.%.self_attn.o_proj.weight"}, from_queries},
    {Role::kQBias, {"blk.%.attn_q.bias", "model.layers.%.self_attn.q_proj.bias"}, queries, has_bias},
    {Role::kKBias, {"blk.%.attn_k.bias", "model.layers.%.self_attn.k_proj.bias"}, keys, has_bias},
    {Role::kVBias, {"blk.%.attn_v.bias", "model.layers.%.self_attn.v_proj.bias"}, keys, has_bias},
    {Role::kQNorm, {"blk.%.attn_q_norm.weight", "model.layers.%.self_attn.q_norm.weight"}, head_width, has_norm},
    {Role::kKNorm, {"blk.%.attn_k_norm.weight", "model.layers.%.self_attn.k_norm.weight"}, head_width, has_norm},
    {Role::kFfnNorm, {"blk.%.ffn_norm.weight", "model.layers.%.post_attention_layernorm.weight"}, hidden},
    {Role::kGate, {"blk.%.ffn_gate.weight", "model.layers.%.mlp.gate_proj.weight"}, to_ffn},
    {Role::kUp, {"blk.%.ffn_up.weight", "model.layers.%.mlp.up_proj.weight"}, to_ffn},
    {Role::kDown, {"blk.%.ffn_down.weight", "model.layers.%.mlp.down_proj.weight"}, from_ffn},
}};

/// Tensors that say what the facts say: the frequencies of the rotary embedding, saved by old versions of transformers.
constexpr std::string_view kRedundant = "model.layers.%.self_attn.rotary_emb.inv_freq";

bool in_layers(std::string_view name) { return name.find('%') != std::string_view::npos; }

std::string_view name_of(const RoleInfo& info, Container container) {
  return info.names.at(static_cast<std::size_t>(container));
}

std::string make_name(std::string_view pattern, std::int64_t layer) {
  const std::size_t at = pattern.find('%');
  if (at == std::string_view::npos) return std::string(pattern);
  return fmt::format("{}{}{}", pattern.substr(0, at), layer, pattern.substr(at + 1));
}

/// The number that stands for '%'; 0 for a pattern without one; none where the name is another.
std::optional<std::int64_t> match(std::string_view pattern, std::string_view name) {
  const std::size_t at = pattern.find('%');
  if (at == std::string_view::npos) return pattern == name ? std::optional<std::int64_t>(0) : std::nullopt;
  const std::string_view tail = pattern.substr(at + 1);
  if (!name.starts_with(pattern.substr(0, at)) || !name.ends_with(tail) || name.size() < at + tail.size())
    return std::nullopt;
  const std::string_view number = name.substr(at, name.size() - at - tail.size());
  std::int64_t layer = 0;
  const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), layer);
  const bool fine = code == std::errc{} && end == number.data() + number.size() && number == std::to_string(layer);
  return fine && layer >= 0 ? std::optional<std::int64_t>(layer) : std::nullopt;
}

Result<const Tensor*> find_tensor(const WeightsFile& file, const DecoderFacts& facts, const RoleInfo& info,
                                  std::int64_t layer) {
  const std::string name = make_name(name_of(info, file.container()), layer);
  const Shape shape = info.shape(facts);
  const Tensor* tensor = file.find(name);
  if (tensor == nullptr) {
    return usage_error(fmt::format("{}: a tensor that the decoder needs is missing", file.name()), name,
                       fmt::format("its shape is {}: get the whole model", describe_shape(shape)));
  }
  if (tensor->shape != shape) {
    return usage_error(fmt::format("{}: tensor {} has another shape than the decoder's", file.name(), name),
                       describe_shape(tensor->shape),
                       fmt::format("{} by its metadata: get weights and metadata of one model", describe_shape(shape)));
  }
  if (!tensor->type->runnable()) {
    return usage_error(fmt::format("{}: tensor {} has a type that is not computed with", file.name(), name),
                       std::string(tensor->type->name),
                       fmt::format("convert the model to {}", list_types(file.container(), true)));
  }
  return tensor;
}

}  // namespace

const Tensor* DecoderTensors::find(Role role, std::int64_t layer) const {
  return layers_.at(static_cast<std::size_t>(layer)).at(static_cast<std::size_t>(role));
}

const Tensor* DecoderTensors::find_head() const {
  const Tensor* own = find(Role::kHead);
  return own != nullptr ? own : find(Role::kEmbedding);
}

void DecoderTensors::set(Role role, std::int64_t layer, const Tensor* tensor) {
  layers_.at(static_cast<std::size_t>(layer)).at(static_cast<std::size_t>(role)) = tensor;
}

std::optional<NamedRole> find_role(Container container, std::string_view name) {
  for (const RoleInfo& info : kRoles) {
    const std::string_view pattern = name_of(info, container);
    const auto layer = pattern.empty() ? std::nullopt : match(pattern, name);
    if (layer) return NamedRole{info.role, *layer};
  }
  return std::nullopt;
}

Result<DecoderTensors> find_decoder(const WeightsFile& file, const DecoderFacts& facts) {
  DecoderTensors found(facts.layers);
  for (const RoleInfo& info : kRoles) {
    if (!info.needed(facts)) continue;
    const std::int64_t layers = in_layers(name_of(info, file.container())) ? facts.layers : 1;
    for (std::int64_t layer = 0; layer < layers; ++layer) {
      const auto tensor = find_tensor(file, facts, info, layer);
      if (!tensor) return tensor.error();
      found.set(info.role, layer, tensor.value());
    }
  }
  for (const Tensor& tensor : file.tensors()) {
    if (match(kRedundant, tensor.name)) continue;
    const auto named = find_role(file.container(), tensor.name);
    // A head beside tied embeddings is their copy.
    if (named && named->layer < facts.layers &&
        (named->role == Role::kHead || found.find(named->role, named->layer) != nullptr))
      continue;
    return usage_error(fmt::format("{}: a tensor that the decoder does not read", file.name()), tensor.name,
                       "it computes plain Llama, Qwen2.5 and Qwen3");
  }
  return found;
}

}  // namespace qtrap::weights
