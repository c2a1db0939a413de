#include "profile/keys.hpp"

#include <array>

namespace qtrap::profile {
namespace {

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
      {"name", &R::name, true, "name of the shape, lower case", {}, {}, true},
      {"hidden", &R::hidden, true, "width of the residual stream", kWidth},
      {"ffn", &R::ffn, true, "width of the feed-forward network", kWidth},
      {"layers", &R::layers, true, "decoder layers", kLayers},
      {"heads", &R::heads, true, "query heads, a multiple of kv_heads", kHeads},
      {"kv_heads", &R::kv_heads, true, "key and value heads", kHeads},
      {"head_dim", &R::head_dim, true, "width of a head; heads x head_dim need not be hidden", kHeads},
      {"vocab", &R::vocab, true, "rows of the embedding", kVocabulary},
      {"tied_embeddings", &R::tied_embeddings, true, "input and output embedding are one tensor"},
      {"source", &R::source, true, "where the shape was read, and how sure it is"},
  };
  return kTable;
}

template <>
std::span<const Key<Campaign>> keys() {
  using R = Campaign;
  static const Key<R> kTable[] = {
      {"name", &R::name, true, "name of the campaign", {}, {}, true},
      {"description", &R::description, true, "what it is for, one sentence"},
      {"models", &R::models, true, "model shapes: names of profiles/models/ or paths"},
      {"schemes", &R::schemes, true, "precision schemes; the anchor f16 always runs along"},
      {"batch", &R::batch, false, "sequences in lockstep, B", kRepeat},
      {"hops", &R::hops, false, "dependent hops of a chain, H", kRepeat},
      {"tokens_per_hop", &R::tokens_per_hop, false, "dependent steps of a hop, T", kRepeat},
      {"context_tokens", &R::context_tokens, false, "tokens in the cache before the chain, C", {0, 1 << 24}},
      {"target_ci", &R::target_ci, false, "relative half width of the 95 % interval to stop at", {0, 1, true, true}},
      {"min_trials", &R::min_trials, false, "fewest blocks per session", kTrials},
      {"max_trials", &R::max_trials, false, "most blocks per session", kTrials},
      {"max_seconds_per_point", &R::max_seconds_per_point, false, "time budget of a point [s]", {0, 1e7, true, false}},
      {"max_seconds", &R::max_seconds, false, "time budget of the campaign [s]", {0, 1e7, true, false}},
      {"sessions", &R::sessions, false, "separate processes that repeat the campaign", {1, 100}},
      {"memory_fraction", &R::memory_fraction, false, "share of the device memory to use", {0, 1, true, false}},
      {"layers_limit", &R::layers_limit, false, "layers to run; null: all of them", kLayers},
      {"group_size", &R::group_size, false, "int4 weights per scale, along k", {}, kGroupSizes},
      {"energy_window_s",
       &R::energy_window_s,
       false,
       "shortest window of an energy, with a meter [s]",
       {0, 3600, true, false}},
      {"phase_loops", &R::phase_loops, false, "with a meter: loops of one phase alone, in the first session"},
      {"probes", &R::probes, false, "windows of one operation alone in every session, for the fit"},
  };
  return kTable;
}

template <>
std::span<const Key<TuningProfile>> keys() {
  using R = TuningProfile;
  static const Key<R> kTable[] = {
      {"device", &R::device, true, "name of the OpenCL device"},
      {"driver", &R::driver, true, "its driver version: another one is another device"},
      {"kernels_sha256", &R::kernels_sha256, true,
       "SHA-256 over all kernel sources; for others the choices are not used"},
      {"choices", &R::choices, false, "KERNEL@TOKENS NAME=VALUE, in place of the defaults"},
      {"measured", &R::measured, false, "what each kernel gained, with its interval, in words"},
  };
  return kTable;
}

}  // namespace qtrap::profile
