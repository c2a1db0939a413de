// Model shapes and campaigns: JSON files, validated into plain structs. Every error is kUsage, one line, and quotes the
// value and the fix. Keys, limits and defaults stand in the tables of keys.cpp, from which SCHEMA.md is generated.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/cache_format.hpp"
#include "core/result.hpp"
#include "core/words.hpp"

namespace qtrap::profile {

/// Llama 3's stretching of the slow rotations of its rotary embedding.
struct RopeScaling {
  double factor = 1;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  std::int64_t original_context = 8192;
  bool operator==(const RopeScaling&) const = default;
};

/// A decoder's shape. Counts are elements; the parameter count is computed (host/model), never stored.
struct ModelProfile {
  std::string name;
  std::int64_t hidden = 0;
  std::int64_t ffn = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocab = 0;
  bool tied_embeddings = false;
  std::string source;
  std::string family = {};  ///< models whose sizes make one curve of N*; empty: unnamed
  double rms_eps = 1e-6;    ///< added to the mean square of norms
  double rope_base = 10000;
  std::optional<RopeScaling> rope_scaling = {};
  bool qkv_bias = false;
  bool qk_norm = false;  ///< RMS norm of each head of q and k before they are rotated
  bool operator==(const ModelProfile&) const = default;
};

/// What a chain computes.
enum class Workload {
  kProjections,  ///< the projections of a decoder, without attention, embedding and head
  kDecoder,      ///< from token to token, by greedy choice
  kScoring,      ///< from tokens to logits: a decoder that chooses nothing
  kPrefill       ///< from the tokens of a prompt to the next: a decoder's layers on all, its head on the last
};
constexpr Words<4> words_of(Workload) { return {"projections", "decoder", "scoring", "prefill"}; }

/// What to measure and how precisely. The initial values are the defaults of keys that a file may leave out.
struct Campaign {
  std::string name;
  std::string description;
  std::vector<std::string> models;
  std::vector<std::string> schemes;
  std::vector<CacheFormat> kv{CacheFormat::kF16};  ///< of each scheme's caches; one named with an ending has its own
  std::vector<std::int64_t> batch{1};
  std::vector<std::int64_t> hops{1};
  std::vector<std::int64_t> tokens_per_hop{1};
  std::vector<std::int64_t> context_tokens{0};
  std::vector<std::int64_t> prompt_tokens;  ///< of prefill; none: decode alone
  double target_ci = 0.01;
  double no_effect_margin = 0.02;
  std::int64_t min_trials = 3;
  std::int64_t max_trials = 20;
  double max_seconds_per_point = 60;
  double max_seconds = 3600;
  std::int64_t sessions = 3;
  double memory_fraction = 0.8;
  std::optional<std::int64_t> layers_limit;
  std::int64_t group_size = 128;
  double energy_window_s = 5;
  bool phase_loops = true;
  bool probes = true;
  Workload workload = Workload::kProjections;  ///< one of the first two
  std::optional<std::string> weights;          ///< file of the one model's weights; none: random ones
  std::optional<std::string> text;             ///< file that losses are evaluated on
  std::optional<std::string> token_ids;        ///< file of decimal ids in place of `text`
  std::int64_t windows = 8;                    ///< of text
  std::int64_t window_tokens = 512;
  bool operator==(const Campaign&) const = default;
};

/// Tunables of kernels for one device, as `tune` finds them.
struct TuningProfile {
  std::string device;
  std::string driver;
  std::string kernels_sha256;         ///< of all kernel sources: choices for others are not used
  std::vector<std::string> choices;   ///< scheme::TuningChoice as text; empty: the defaults stand
  std::vector<std::string> measured;  ///< what each was chosen by, in words
  bool operator==(const TuningProfile&) const = default;
};

/// Most cells (models x batch x (hops x tokens_per_hop x context_tokens + prompt_tokens)) of a campaign.
inline constexpr std::uint64_t kMostCells = 10000;

/// Parses a file's text; `name` is quoted in errors: not UTF-8, not JSON (with the position), a newer major
/// schema_version, a key that is unknown (the nearest is named), missing, given twice, of the wrong type or out of
/// range, heads that are no multiple of kv_heads.
Result<ModelProfile> parse_model(std::string_view text, std::string_view name);
/// As parse_model(); besides: a scheme not in `schemes` (the allowed names, each with any ending of caches), an empty
/// list, an entry given twice, and what check_campaign() refuses.
Result<Campaign> parse_campaign(std::string_view text, std::string_view name,
                                std::span<const std::string_view> schemes);

/// The rules that span several keys: min_trials <= max_trials, at most kMostCells cells. To be called after the last
/// apply_override(), which cannot know what the next one changes; `name` is quoted in errors.
Status check_campaign(const Campaign& campaign, std::string_view name);

/// Text of a model file, one key a line; parse_model() reads it back to an equal profile.
std::string to_json(const ModelProfile& model);

/// As parse_model(); the choices themselves are read by scheme::parse_choice().
Result<TuningProfile> parse_tuning(std::string_view text, std::string_view name);
/// Text of a tuning file, one key a line; parse_tuning() reads it back to an equal profile.
std::string to_json(const TuningProfile& tuning);

/// A path when it contains '/' or ends in .json, else FOLDER/NAME.json in the first folder that has it. Errors besides
/// those of parsing: no such name (all known ones are listed), and those of read_file().
Result<ModelProfile> load_model(const std::string& name_or_path, std::span<const std::filesystem::path> folders);
Result<Campaign> load_campaign(const std::string& name_or_path, std::span<const std::filesystem::path> folders,
                               std::span<const std::string_view> schemes);

/// Names of the profiles in `folders` (files ending in .json), sorted, each once. A folder that is missing holds none.
std::vector<std::string> list_profiles(std::span<const std::filesystem::path> folders);

/// Canonical JSON text on one line: every key, in a fixed order; what campaign_sha256 is taken of. parse_campaign()
/// reads it back to an equal campaign.
std::string to_json(const Campaign& campaign);

/// Applies "KEY=VALUE" of --set; lists are comma-separated, `null` clears layers_limit. Errors: no '=', an unknown key
/// (the nearest and all known ones are listed), and those of the key's value. On an error nothing is changed.
Status apply_override(Campaign& campaign, std::string_view assignment, std::span<const std::string_view> schemes);

}  // namespace qtrap::profile
