#include "profile/cell.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/anchor.hpp"
#include "core/cache_format.hpp"

namespace qtrap::profile {

std::string Cell::id() const {
  return fmt::format("{}/b{}/h{}/t{}/c{}{}", model, batch, hops, tokens_per_hop, context_tokens,
                     phase == Phase::kPrefill ? "/prefill" : "");
}

std::string make_point_id(const Cell& cell, std::string_view scheme) { return fmt::format("{}/{}", cell.id(), scheme); }

std::vector<Cell> expand_cells(const Campaign& campaign) {
  std::vector<Cell> cells;
  for (const auto& model : campaign.models) {
    for (const auto batch : campaign.batch) {
      for (const auto hops : campaign.hops) {
        for (const auto tokens : campaign.tokens_per_hop) {
          for (const auto context : campaign.context_tokens) cells.push_back({model, batch, hops, tokens, context});
        }
      }
      for (const auto prompt : campaign.prompt_tokens) cells.push_back({model, batch, 1, prompt, 0, Phase::kPrefill});
    }
  }
  return cells;
}

std::vector<std::string> schemes_with_anchor(const Campaign& campaign) {
  std::vector<std::string> names{kAnchor};
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const auto& scheme : campaign.schemes) {
    const bool has_its_own = split_cached_name(scheme).base != scheme;
    if (has_its_own) add(scheme);
    for (const CacheFormat format : campaign.kv) {
      if (!has_its_own) add(std::string(scheme).append(info(format).ending));
    }
  }
  return names;
}

}  // namespace qtrap::profile
