#include "weights/facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/text.hpp"
#include "profile/shape_bounds.hpp"
#include "table/codec.hpp"
#include "weights/layout.hpp"

namespace qtrap::weights {
namespace {

using table::Range;

using profile::kContext;
using profile::kEpsilon;
using profile::kHeads;
using profile::kLayers;
using profile::kRopeBase;
using profile::kRopeFactor;
using profile::kVocabulary;
using profile::kWidth;

/// What a family is called in each container, and what its metadata leaves unsaid.
struct Family {
  Architecture architecture;
  std::string_view model_class;  ///< of config.json
  RotaryPairs gguf_pairs;        ///< how the rows of q and k lie in GGUF; config.json's are halves
  bool qkv_bias;
  bool qk_norm;
};
constexpr std::array kFamilies{
    Family{Architecture::kLlama, "LlamaForCausalLM", RotaryPairs::kInterleaved, false, false},
    Family{Architecture::kQwen2, "Qwen2ForCausalLM", RotaryPairs::kHalves, true, false},
    Family{Architecture::kQwen3, "Qwen3ForCausalLM", RotaryPairs::kHalves, false, true},
};

/// A key as each container calls it, in the order of Container; "": it has none. GGUF's follow "ARCHITECTURE.".
using Keys = std::array<std::string_view, 2>;

struct Count {
  std::int64_t DecoderFacts::*member;
  Keys keys;
  Range range;
  /// What holds where the key is missing; none: it must be there. Counts before it are read by then.
  std::int64_t (*otherwise)(const DecoderFacts& facts) = nullptr;
};
constexpr Count kCounts[] = {
    {&DecoderFacts::layers, {"block_count", "num_hidden_layers"}, kLayers},
    {&DecoderFacts::hidden, {"embedding_length", "hidden_size"}, kWidth},
    {&DecoderFacts::ffn, {"feed_forward_length", "intermediate_size"}, kWidth},
    {&DecoderFacts::heads, {"attention.head_count", "num_attention_heads"}, kHeads},
    {&DecoderFacts::kv_heads,
     {"attention.head_count_kv", "num_key_value_heads"},
     kHeads,
     [](const DecoderFacts& facts) { return facts.heads; }},
    {&DecoderFacts::head_dim,
     {"attention.key_length", "head_dim"},
     kHeads,
     [](const DecoderFacts& facts) { return facts.hidden / facts.heads; }},
    {&DecoderFacts::context, {"context_length", "max_position_embeddings"}, kContext},
};

struct Real {
  double DecoderFacts::*member;
  Keys keys;
  std::string_view other;  ///< a second place of config.json (transformers 5)
  Range range;
  std::optional<double> otherwise;
};
constexpr Real kReals[] = {
    {&DecoderFacts::rms_eps, {"attention.layer_norm_rms_epsilon", "rms_norm_eps"}, "", kEpsilon, std::nullopt},
    {&DecoderFacts::rope_base, {"rope.freq_base", "rope_theta"}, "rope_parameters.rope_theta", kRopeBase, 10000},
};

/// A key that may only say what this decoder does anyway.
struct Demand {
  Container container;
  std::string_view key;
  /// Whether the value is as the decoder computes.
  bool (*fits)(const MetadataValue& value, const DecoderFacts& facts);
};

bool is_false(const MetadataValue& value, const DecoderFacts&) { return value == MetadataValue(false); }
bool is_zero(const MetadataValue& value, const DecoderFacts&) { return value == MetadataValue(std::uint64_t{0}); }
bool is_head(const MetadataValue& value, const DecoderFacts& facts) {
  return value == MetadataValue(static_cast<std::uint64_t>(facts.head_dim));
}
template <const char* kText>
bool is_text(const MetadataValue& value, const DecoderFacts&) {
  return value == MetadataValue(std::string(kText));
}
bool is_one(const MetadataValue& value, const DecoderFacts&) {
  return value == MetadataValue(1.0) || value == MetadataValue(std::uint64_t{1});
}
constexpr std::string_view kVocabKey = "vocab_size";  // of both containers
constexpr char kNone[] = "none";
constexpr char kSilu[] = "silu";

constexpr Demand kDemands[] = {
    {Container::kGguf, "attention.value_length", is_head},
    {Container::kGguf, "rope.dimension_count", is_head},
    {Container::kGguf, "rope.scaling.type", is_text<kNone>},
    {Container::kGguf, "rope.scaling.factor", is_one},
    {Container::kGguf, "rope.scale_linear", is_one},
    {Container::kGguf, "expert_count", is_zero},
    {Container::kSafetensors, "hidden_act", is_text<kSilu>},
    {Container::kSafetensors, "mlp_bias", is_false},
    {Container::kSafetensors, "use_sliding_window", is_false},
    {Container::kSafetensors, "partial_rotary_factor", is_one},
    {Container::kSafetensors, "quantization_config.quant_method", is_text<kNone>},
};

std::string quote(const MetadataValue& value) {
  return std::visit(
      []<class T>(const T& one) -> std::string {
        if constexpr (std::is_same_v<T, MetadataArray>) {
          return fmt::format("a list of {}", one.count);
        } else {
          return fmt::format("{}", one);
        }
      },
      value);
}

std::optional<double> number_of(const MetadataValue& value) {
  return std::visit(
      []<class T>(const T& one) -> std::optional<double> {
        if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
          return static_cast<double>(one);
        } else {
          return std::nullopt;
        }
      },
      value);
}

class Reader {
 public:
  explicit Reader(const WeightsFile& file) : file_(file), column_(static_cast<std::size_t>(file.container())) {}

  Result<DecoderFacts> read() {
    const bool fine = find_family() && read_counts() && read_reals() && read_scaling() && check_demands() && finish();
    if (!fine) return problem_.error();
    return std::move(facts_);
  }

 private:
  bool refuse(std::string_view what, std::string value, std::string fix) {
    problem_.add(usage_error(fmt::format("{}: {}", file_.name(), what), std::move(value), std::move(fix)));
    return false;
  }
  bool is_gguf() const { return file_.container() == Container::kGguf; }

  /// The name of a key in this file.
  std::string full(std::string_view key) const { return prefix_ + std::string(key); }
  /// None where it is not there, or the container has none.
  const MetadataValue* find(std::string_view key) const {
    return key.empty() ? nullptr : file_.find_metadata(full(key));
  }

  std::string find_text(std::string_view key) const {
    const MetadataValue* value = file_.find_metadata(key);
    const auto* text = value != nullptr ? std::get_if<std::string>(value) : nullptr;
    return text != nullptr ? *text : "";
  }

  bool find_family() {
    const std::string name = find_text(is_gguf() ? "general.architecture" : "config.architectures");
    if (name.empty())
      return refuse(is_gguf() ? "no general.architecture" : "nothing says what the model is", "",
                    is_gguf() ? "convert the model again" : "put its config.json beside it");
    const auto* const found = std::find_if(kFamilies.begin(), kFamilies.end(), [&](const Family& family) {
      return name == (is_gguf() ? word_of(family.architecture) : family.model_class);
    });
    if (found == kFamilies.end()) {
      std::vector<std::string_view> known;
      known.reserve(kFamilies.size());
      for (const Family& family : kFamilies)
        known.push_back(is_gguf() ? word_of(family.architecture) : family.model_class);
      return refuse("no decoder of this program", name, fmt::format("it computes {}", fmt::join(known, ", ")));
    }
    if (const MetadataValue* parts = file_.find_metadata("split.count"); parts != nullptr) {
      if (const auto count = number_of(*parts); !count || *count > 1)
        return refuse("the model is split over several files", quote(*parts), "merge them: llama-gguf-split --merge");
    }
    prefix_ = is_gguf() ? name + "." : "config.";
    family_ = found;
    facts_.architecture = found->architecture;
    return true;
  }

  bool check_range(std::string_view key, const Range& range, const MetadataValue& value,
                   const std::optional<double>& number) {
    const std::string limits = fmt::format("a number {} {:g} and at most {:g} is needed",
                                           range.low_open ? "above" : "from", range.low, range.high);
    if (!number) return refuse(fmt::format("{} is no number", full(key)), quote(value), limits);
    if (!range.holds(*number)) return refuse(fmt::format("{} is out of range", full(key)), quote(value), limits);
    return true;
  }

  bool read_counts() {
    for (const Count& count : kCounts) {
      const std::string_view key = count.keys.at(column_);
      const MetadataValue* value = find(key);
      if (value == nullptr) {
        if (count.otherwise == nullptr) return refuse("a key is missing", full(key), "convert the model again");
        facts_.*count.member = count.otherwise(facts_);
        if (const auto derived = static_cast<double>(facts_.*count.member); !count.range.holds(derived))
          return refuse(fmt::format("{} is missing and what follows from others is out of range", full(key)),
                        fmt::format("{:g}", derived), "convert the model again");
        continue;
      }
      const auto number = number_of(*value);
      if (!check_range(key, count.range, *value, number)) return false;
      if (std::trunc(*number) != *number) return refuse(fmt::format("{} is no count", full(key)), quote(*value), "");
      facts_.*count.member = static_cast<std::int64_t>(*number);
    }
    return true;
  }

  bool read_real(std::string_view key, const MetadataValue* value, const Range& range, double& out) {
    if (value == nullptr) return refuse("a key is missing", full(key), "convert the model again");
    const auto number = number_of(*value);
    if (!check_range(key, range, *value, number)) return false;
    out = *number;
    return true;
  }

  bool read_reals() {
    for (const Real& real : kReals) {
      const std::string_view key = real.keys.at(column_);
      const MetadataValue* value = find(key);
      if (value == nullptr && !is_gguf()) value = find(real.other);
      if (value == nullptr && real.otherwise) {
        facts_.*real.member = *real.otherwise;
      } else if (!read_real(key, value, real.range, facts_.*real.member)) {
        return false;
      }
    }
    return true;
  }

  /// config.json's; GGUF has a tensor of factors instead (roles.hpp).
  bool read_scaling() {
    if (is_gguf()) return true;
    const std::string object = find("rope_parameters.rope_type") != nullptr ? "rope_parameters." : "rope_scaling.";
    std::string type = find_text(full(object + "rope_type"));
    if (type.empty()) type = find_text(full(object + "type"));
    if (type.empty() || type == "default") return true;
    if (type != "llama3")
      return refuse("a scaling of rotary embeddings that the decoder does not compute", type,
                    "llama3's is, and none at all");
    RopeScaling scaling;
    double context = 0;
    const auto read = [&](const char* key, const Range& range, double& out) {
      return read_real(object + key, find(object + key), range, out);
    };
    if (!read("factor", kRopeFactor, scaling.factor) ||
        !read("low_freq_factor", kRopeFactor, scaling.low_freq_factor) ||
        !read("high_freq_factor", kRopeFactor, scaling.high_freq_factor) ||
        !read("original_max_position_embeddings", kContext, context))
      return false;
    if (scaling.high_freq_factor <= scaling.low_freq_factor)
      return refuse("high_freq_factor is not above low_freq_factor",
                    fmt::format("{} and {}", scaling.high_freq_factor, scaling.low_freq_factor), "correct config.json");
    scaling.original_context = static_cast<std::int64_t>(context);
    facts_.rope_scaling = scaling;
    return true;
  }

  bool check_demands() {
    for (const Demand& demand : kDemands) {
      if (demand.container != file_.container()) continue;
      const MetadataValue* value = find(demand.key);
      if (value == nullptr || demand.fits(*value, facts_)) continue;
      return refuse(fmt::format("{} asks for what the decoder does not compute", full(demand.key)), quote(*value),
                    "give a plain Llama, Qwen2.5 or Qwen3");
    }
    return true;
  }

  /// What tensors tell, and what needs several keys.
  bool finish() {
    const auto has = [this](const char* gguf, const char* other) {
      return file_.find(is_gguf() ? gguf : other) != nullptr;
    };
    facts_.rotary_pairs = is_gguf() ? family_->gguf_pairs : RotaryPairs::kHalves;
    facts_.qkv_bias = family_->qkv_bias || has("blk.0.attn_q.bias", "model.layers.0.self_attn.q_proj.bias");
    facts_.qk_norm = family_->qk_norm || has("blk.0.attn_q_norm.weight", "model.layers.0.self_attn.q_norm.weight");
    facts_.rope_factors = is_gguf() && file_.find("rope_freqs.weight") != nullptr;
    const MetadataValue* tied = is_gguf() ? nullptr : find("tie_word_embeddings");
    facts_.tied_embeddings =
        is_gguf() ? file_.find("output.weight") == nullptr : tied != nullptr && *tied == MetadataValue(true);
    if (facts_.heads % facts_.kv_heads != 0)
      return refuse("query heads are no multiple of key and value heads",
                    fmt::format("{} and {}", facts_.heads, facts_.kv_heads), "convert the model again");
    if (facts_.head_dim % 2 != 0)
      return refuse("a head has an odd width", std::to_string(facts_.head_dim), "rotary embeddings turn pairs");
    return read_vocabulary() && read_name();
  }

  /// GGUF may leave it to the embedding, a row a token.
  bool read_vocabulary() {
    const MetadataValue* given = find(kVocabKey);
    const Tensor* embedding = file_.find(is_gguf() ? "token_embd.weight" : "model.embed_tokens.weight");
    if (given == nullptr && embedding == nullptr)
      return refuse("a key is missing", full(kVocabKey), "convert the model again");
    const MetadataValue value = given != nullptr ? *given : MetadataValue(embedding->rows());
    const auto number = number_of(value);
    if (!check_range(kVocabKey, kVocabulary, value, number)) return false;
    facts_.vocab = static_cast<std::int64_t>(*number);
    return true;
  }

  /// Of the file, in the letters of a profile's name.
  bool read_name() {
    const std::filesystem::path path = file_.name();
    std::string stem = path.stem().string();
    if (!is_gguf() && stem.starts_with("model") && path.has_parent_path())
      stem = std::filesystem::absolute(path).parent_path().filename().string();
    for (char& c : stem) {
      const bool plain = is_file_name(std::string(1, c)) || c == '.';
      c = plain ? c : '-';
    }
    stem = to_lower(stem).substr(0, kLongestName);
    facts_.name = is_file_name(stem) ? stem : "model";
    return true;
  }

  const WeightsFile& file_;
  std::size_t column_;  ///< of Keys
  std::string prefix_;
  const Family* family_ = nullptr;
  DecoderFacts facts_;
  table::Problem problem_;
};

}  // namespace

std::span<const table::Field<DecoderFacts>> table_of(std::type_identity<DecoderFacts>) {
  using R = DecoderFacts;
  static const table::Field<R> kTable[] = {
      {&R::name, {"name", "", "of the file, in the letters of a profile's name"}},
      {&R::architecture, {"architecture", "", "family of decoders"}},
      {&R::hidden, {"hidden", "", "width of the residual stream"}},
      {&R::ffn, {"ffn", "", "width of the feed-forward network"}},
      {&R::layers, {"layers", "", "decoder layers"}},
      {&R::heads, {"heads", "", "query heads"}},
      {&R::kv_heads, {"kv_heads", "", "key and value heads"}},
      {&R::head_dim, {"head_dim", "", "width of a head"}},
      {&R::vocab, {"vocab", "", "rows of the embedding"}},
      {&R::tied_embeddings, {"tied_embeddings", "", "input and output embedding are one tensor"}},
      {&R::context, {"context", "", "longest context [tokens]"}},
      {&R::rms_eps, {"rms_eps", "1", "epsilon of the norms"}},
      {&R::rope_base, {"rope_base", "1", "base of the rotary embedding"}},
      {&R::rope_scaling, {"rope_scaling", "", "Llama 3's scaling of it; null: none"}},
      {&R::rope_factors, {"rope_factors", "", "a tensor of the file divides the rotations' frequencies"}},
      {&R::rotary_pairs, {"rotary_pairs", "", "which elements of a head of q and k turn together"}},
      {&R::qkv_bias, {"qkv_bias", "", "q, k and v have a bias"}},
      {&R::qk_norm, {"qk_norm", "", "heads of q and k are normed"}},
  };
  return kTable;
}

Result<DecoderFacts> read_facts(const WeightsFile& file) { return Reader(file).read(); }

profile::ModelProfile make_profile(const DecoderFacts& facts, const std::string& source) {
  profile::ModelProfile model;
  model.name = facts.name;
  model.hidden = facts.hidden;
  model.ffn = facts.ffn;
  model.layers = facts.layers;
  model.heads = facts.heads;
  model.kv_heads = facts.kv_heads;
  model.head_dim = facts.head_dim;
  model.vocab = facts.vocab;
  model.tied_embeddings = facts.tied_embeddings;
  model.rms_eps = facts.rms_eps;
  model.rope_base = facts.rope_base;
  model.rope_scaling = facts.rope_scaling;
  model.qkv_bias = facts.qkv_bias;
  model.qk_norm = facts.qk_norm;
  model.source = fmt::format("metadata of {}", source);
  return model;
}

}  // namespace qtrap::weights
