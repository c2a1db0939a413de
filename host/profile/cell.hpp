// Cells and points: a cell is one workload (model, batch, hops, tokens, context); its schemes are measured interleaved,
// so that each ratio is paired with an anchor of the same block. A point is one scheme of a cell.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/phase.hpp"
#include "profile/profile.hpp"

namespace qtrap::profile {

struct Cell {
  std::string model;
  std::int64_t batch = 1;
  std::int64_t hops = 1;
  std::int64_t tokens_per_hop = 1;
  std::int64_t context_tokens = 0;
  Phase phase = Phase::kDecode;
  bool operator==(const Cell&) const = default;

  /// "qwen3-0.6b/b1/h4/t4/c0", of prefill with "/prefill" behind; stable across runs, used to resume a file.
  std::string id() const;
  /// Tokens of a sequence that a step works on.
  std::int64_t run() const { return phase == Phase::kPrefill ? tokens_per_hop : 1; }
  /// Dependent steps of a hop, and of a chain.
  std::int64_t steps_per_hop() const { return tokens_per_hop / run(); }
  std::int64_t steps() const { return hops * steps_per_hop(); }
  /// Tokens of a chain, of all sequences together.
  std::int64_t tokens() const { return batch * hops * tokens_per_hop; }
};

/// "qwen3-0.6b/b1/h4/t4/c0/w8a8".
std::string make_point_id(const Cell& cell, std::string_view scheme);

/// All cells of a campaign: by model, then batch, so that weights and activations are made once each. Those of prompts
/// follow those of decode: one hop each, from empty caches.
std::vector<Cell> expand_cells(const Campaign& campaign);

/// The schemes to run: those of the campaign with each format of its caches, f16 with plain ones first, added when
/// missing (every ratio needs its anchor).
std::vector<std::string> schemes_with_anchor(const Campaign& campaign);

}  // namespace qtrap::profile
