#include "profile/keys.hpp"

#include <array>

#include "profile/shape_bounds.hpp"

namespace qtrap::profile {
namespace {

using table::Range;

constexpr Range kRepeat{1, 65536};
constexpr Range kTrials{1, 10000};
constexpr Range kWindows{1, 1000000};
constexpr Range kWindowTokens{2, 1 << 24};
constexpr std::array<std::string_view, 2> kWorkloads{"projections", "decoder"};
constexpr std::array<std::int64_t, 3> kGroupSizes{32, 64, 128};

}  // namespace

std::span<const table::Field<RopeScaling>> table_of(std::type_identity<RopeScaling>) {
  using R = RopeScaling;
  static const table::Field<R> kTable[] = {
      {&R::factor, {"factor", "1", "slow rotations are slower by this", {}, table::kPlain, kRopeFactor}},
      {&R::low_freq_factor,
       {"low_freq_factor",
        "1",
        "fewer turns than this in the original context are slow",
        {},
        table::kPlain,
        kRopeFactor}},
      {&R::high_freq_factor,
       {"high_freq_factor", "1", "more turns than this stay as they are", {}, table::kPlain, kRopeFactor}},
      {&R::original_context,
       {"original_context", "", "tokens of the context before it was stretched", {}, table::kPlain, kContext}},
  };
  return kTable;
}

std::span<const table::Field<ModelProfile>> table_of(std::type_identity<ModelProfile>) {
  using R = ModelProfile;
  static const table::Field<R> kTable[] = {
      {&R::name, {"name", "", "name of the shape, lower case", {}, table::kFileName}},
      {&R::hidden, {"hidden", "", "width of the residual stream", {}, table::kPlain, kWidth}},
      {&R::ffn, {"ffn", "", "width of the feed-forward network", {}, table::kPlain, kWidth}},
      {&R::layers, {"layers", "", "decoder layers", {}, table::kPlain, kLayers}},
      {&R::heads, {"heads", "", "query heads, a multiple of kv_heads", {}, table::kPlain, kHeads}},
      {&R::kv_heads, {"kv_heads", "", "key and value heads", {}, table::kPlain, kHeads}},
      {&R::head_dim,
       {"head_dim", "", "width of a head; heads x head_dim need not be hidden", {}, table::kPlain, kHeads}},
      {&R::vocab, {"vocab", "", "rows of the embedding", {}, table::kPlain, kVocabulary}},
      {&R::tied_embeddings, {"tied_embeddings", "", "input and output embedding are one tensor"}},
      {&R::source, {"source", "", "where the shape was read, and how sure it is"}},
      {&R::family, {"family", "", "models of one family make one curve of N*", {}, table::kMayMiss | table::kLeftOut}},
      {&R::rms_eps, {"rms_eps", "", "added to the mean square of RMS norms", {}, table::kMayMiss, kEpsilon}},
      {&R::rope_base, {"rope_base", "", "base of the rotary embedding", {}, table::kMayMiss, kRopeBase}},
      {&R::rope_scaling,
       {"rope_scaling", "", "Llama 3's stretching of slow rotations", {}, table::kMayMiss | table::kLeftOut}},
      {&R::qkv_bias, {"qkv_bias", "", "q, k and v have biases", {}, table::kMayMiss}},
      {&R::qk_norm, {"qk_norm", "", "each head of q and k passes an RMS norm of its own", {}, table::kMayMiss}},
  };
  return kTable;
}

namespace {

const table::Field<Campaign> kCampaignFields[] = {
    {&Campaign::name, {"name", "", "name of the campaign", {}, table::kFileName}},
    {&Campaign::description, {"description", "", "what it is for, one sentence"}},
    {&Campaign::models, {"models", "", "model shapes: names of profiles/models/ or paths", {}, table::kDistinct}},
    {&Campaign::schemes, {"schemes", "", "precision schemes; the anchor f16 always runs along", {}, table::kDistinct}},
    {&Campaign::kv,
     {"kv",
      "",
      "formats of the caches of keys and values, each for every scheme; of a decoder alone",
      {},
      table::kMayMiss | table::kDistinct}},
    {&Campaign::batch, {"batch", "", "sequences in lockstep, B", {}, table::kMayMiss | table::kDistinct, kRepeat}},
    {&Campaign::hops, {"hops", "", "dependent hops of a chain, H", {}, table::kMayMiss | table::kDistinct, kRepeat}},
    {&Campaign::tokens_per_hop,
     {"tokens_per_hop", "", "dependent steps of a hop, T", {}, table::kMayMiss | table::kDistinct, kRepeat}},
    {&Campaign::context_tokens,
     {"context_tokens",
      "",
      "tokens in the caches before the chain, C; of a decoder alone",
      {},
      table::kMayMiss | table::kDistinct,
      Range{0, 1 << 24}}},
    {&Campaign::prompt_tokens,
     {"prompt_tokens",
      "",
      "tokens of a prompt that a step brings into empty caches together: cells of their own, of phase prefill, for "
      "each batch; of a decoder alone",
      {},
      table::kMayMiss | table::kDistinct | table::kLeftOut,
      kRepeat}},
    {&Campaign::target_ci,
     {"target_ci",
      "",
      "a session repeats the blocks of a cell until the ratio to f16 of each scheme (of time, and of energy where it "
      "is read) has a 95 % interval over them of this relative half width; how sessions differ is not asked",
      {},
      table::kMayMiss,
      Range{0, 1, true, true}}},
    {&Campaign::no_effect_margin,
     {"no_effect_margin", "", "a ratio within 1 -+ this is no effect", {}, table::kMayMiss, Range{0, 1, true, true}}},
    {&Campaign::min_trials, {"min_trials", "", "fewest blocks per session", {}, table::kMayMiss, kTrials}},
    {&Campaign::max_trials, {"max_trials", "", "most blocks per session", {}, table::kMayMiss, kTrials}},
    {&Campaign::max_seconds_per_point,
     {"max_seconds_per_point", "s", "time budget of a point", {}, table::kMayMiss, Range{0, 1e7, true, false}}},
    {&Campaign::max_seconds,
     {"max_seconds", "s", "time budget of the campaign", {}, table::kMayMiss, Range{0, 1e7, true, false}}},
    {&Campaign::sessions,
     {"sessions", "", "separate processes that repeat the campaign", {}, table::kMayMiss, Range{1, 100}}},
    {&Campaign::memory_fraction,
     {"memory_fraction", "", "share of the device memory to use", {}, table::kMayMiss, Range{0, 1, true, false}}},
    {&Campaign::layers_limit, {"layers_limit", "", "layers to run; null: all of them", {}, table::kMayMiss, kLayers}},
    {&Campaign::group_size,
     {"group_size", "", "int4, int3 and int2 weights per scale, along k", {}, table::kMayMiss, {}, kGroupSizes}},
    {&Campaign::energy_window_s,
     {"energy_window_s",
      "s",
      "shortest window of an energy, with a meter",
      {},
      table::kMayMiss,
      Range{0, 3600, true, false}}},
    {&Campaign::phase_loops,
     {"phase_loops", "", "with a meter: loops of one phase alone, in the first session", {}, table::kMayMiss}},
    {&Campaign::probes,
     {"probes", "", "windows of one operation alone in every session, for the fit", {}, table::kMayMiss}},
    {&Campaign::workload,
     {"workload", "", "what a step runs: the projections of a decoder, or all of it, from token to token", kWorkloads,
      table::kMayMiss}},
    {&Campaign::weights,
     {"weights", "", "file or folder of the weights of the one model, GGUF or safetensors; null: random ones"}},
    {&Campaign::text,
     {"text", "", "UTF-8 file on which each scheme's loss is evaluated, with `weights`; null: no loss"}},
    {&Campaign::token_ids, {"token_ids", "", "file of decimal token ids, in place of `text`"}},
    {&Campaign::windows,
     {"windows", "", "windows of text, the units of the losses' intervals", {}, table::kMayMiss, kWindows}},
    {&Campaign::window_tokens,
     {"window_tokens", "", "tokens of a window, each scored on its own", {}, table::kMayMiss, kWindowTokens}},
};

}  // namespace

std::span<const table::Field<Campaign>> table_of(std::type_identity<Campaign>) { return kCampaignFields; }

std::span<const table::Field<TuningProfile>> table_of(std::type_identity<TuningProfile>) {
  using R = TuningProfile;
  static const table::Field<R> kTable[] = {
      {&R::device, {"device", "", "name of the OpenCL device"}},
      {&R::driver, {"driver", "", "its driver version: another one is another device"}},
      {&R::kernels_sha256,
       {"kernels_sha256", "", "SHA-256 over all kernel sources; for others the choices are not used"}},
      {&R::choices,
       {"choices",
        "",
        "KERNEL@TOKENS NAME=VALUE, in place of the defaults",
        {},
        table::kMayMiss | table::kDistinct | table::kLeftOut}},
      {&R::measured,
       {"measured",
        "",
        "what each kernel gained, with its interval, in words",
        {},
        table::kMayMiss | table::kDistinct | table::kLeftOut}},
  };
  return kTable;
}

}  // namespace qtrap::profile
