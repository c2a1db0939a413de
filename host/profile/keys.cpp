#include "profile/keys.hpp"

#include <array>

namespace qtrap::profile {
namespace {

using enum Need;

// Upper limits keep every product of two dimensions and a layer count inside 63 bits.
constexpr Range kWidth{1, 1 << 20};
constexpr Range kHeads{1, 4096};
constexpr Range kLayers{1, 10000};
constexpr Range kVocabulary{1, 1 << 24};
constexpr Range kRepeat{1, 65536};
constexpr Range kTrials{1, 10000};
constexpr std::array<std::int64_t, 3> kGroupSizes{32, 64, 128};

}  // namespace

template <>
std::string_view schema_name<ModelProfile>() {
  return "qtrap.model";
}

template <>
std::string_view schema_name<Campaign>() {
  return "qtrap.campaign";
}

template <>
std::string_view schema_name<TuningProfile>() {
  return "qtrap.tuning";
}

template <>
std::span<const Key<ModelProfile>> keys() {
  using R = ModelProfile;
  static const Key<R> kTable[] = {
      {"name", &R::name, kRequiredFileName, "name of the shape, lower case"},
      {"hidden", &R::hidden, kRequired, "width of the residual stream", kWidth},
      {"ffn", &R::ffn, kRequired, "width of the feed-forward network", kWidth},
      {"layers", &R::layers, kRequired, "decoder layers", kLayers},
      {"heads", &R::heads, kRequired, "query heads, a multiple of kv_heads", kHeads},
      {"kv_heads", &R::kv_heads, kRequired, "key and value heads", kHeads},
      {"head_dim", &R::head_dim, kRequired, "width of a head; heads x head_dim need not be hidden", kHeads},
      {"vocab", &R::vocab, kRequired, "rows of the embedding", kVocabulary},
      {"tied_embeddings", &R::tied_embeddings, kRequired, "input and output embedding are one tensor"},
      {"source", &R::source, kRequired, "where the shape was read, and how sure it is"},
      {"family", &R::family, kOptional, "models of one family make one curve of N*"},
  };
  return kTable;
}

template <>
std::span<const Key<Campaign>> keys() {
  using R = Campaign;
  static const Key<R> kTable[] = {
      {"name", &R::name, kRequiredFileName, "name of the campaign"},
      {"description", &R::description, kRequired, "what it is for, one sentence"},
      {"models", &R::models, kRequired, "model shapes: names of profiles/models/ or paths"},
      {"schemes", &R::schemes, kRequired, "precision schemes; the anchor f16 always runs along"},
      {"batch", &R::batch, kOptional, "sequences in lockstep, B", kRepeat},
      {"hops", &R::hops, kOptional, "dependent hops of a chain, H", kRepeat},
      {"tokens_per_hop", &R::tokens_per_hop, kOptional, "dependent steps of a hop, T", kRepeat},
      {"context_tokens", &R::context_tokens, kOptional, "tokens in the cache before the chain, C", {0, 1 << 24}},
      {"target_ci",
       &R::target_ci,
       kOptional,
       "a session repeats the blocks of a cell until the ratio to f16 of each scheme (of time, and of energy where it "
       "is read) has a 95 % interval over them of this relative half width; how sessions differ is not asked",
       {0, 1, true, true}},
      {"no_effect_margin",
       &R::no_effect_margin,
       kOptional,
       "a ratio within 1 -+ this is no effect",
       {0, 1, true, true}},
      {"min_trials", &R::min_trials, kOptional, "fewest blocks per session", kTrials},
      {"max_trials", &R::max_trials, kOptional, "most blocks per session", kTrials},
      {"max_seconds_per_point",
       &R::max_seconds_per_point,
       kOptional,
       "time budget of a point [s]",
       {0, 1e7, true, false}},
      {"max_seconds", &R::max_seconds, kOptional, "time budget of the campaign [s]", {0, 1e7, true, false}},
      {"sessions", &R::sessions, kOptional, "separate processes that repeat the campaign", {1, 100}},
      {"memory_fraction", &R::memory_fraction, kOptional, "share of the device memory to use", {0, 1, true, false}},
      {"layers_limit", &R::layers_limit, kOptional, "layers to run; null: all of them", kLayers},
      {"group_size", &R::group_size, kOptional, "int4 weights per scale, along k", {}, kGroupSizes},
      {"energy_window_s",
       &R::energy_window_s,
       kOptional,
       "shortest window of an energy, with a meter [s]",
       {0, 3600, true, false}},
      {"phase_loops", &R::phase_loops, kOptional, "with a meter: loops of one phase alone, in the first session"},
      {"probes", &R::probes, kOptional, "windows of one operation alone in every session, for the fit"},
  };
  return kTable;
}

template <>
std::span<const Key<TuningProfile>> keys() {
  using R = TuningProfile;
  static const Key<R> kTable[] = {
      {"device", &R::device, kRequired, "name of the OpenCL device"},
      {"driver", &R::driver, kRequired, "its driver version: another one is another device"},
      {"kernels_sha256", &R::kernels_sha256, kRequired,
       "SHA-256 over all kernel sources; for others the choices are not used"},
      {"choices", &R::choices, kOptional, "KERNEL@TOKENS NAME=VALUE, in place of the defaults"},
      {"measured", &R::measured, kOptional, "what each kernel gained, with its interval, in words"},
  };
  return kTable;
}

}  // namespace qtrap::profile
