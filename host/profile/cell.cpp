#include "profile/cell.hpp"

#include <fmt/format.h>

#include "core/anchor.hpp"

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
  for (const auto& name : campaign.schemes) {
    if (name != kAnchor) names.push_back(name);
  }
  return names;
}

}  // namespace qtrap::profile
