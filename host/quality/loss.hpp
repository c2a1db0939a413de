// Losses of next-token distributions against an anchor's. Logits are rows of `vocab` floats; logarithms are natural.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/result.hpp"
#include "core/statistics.hpp"

namespace qtrap::quality {

/// Sums over the predicted tokens of a window.
struct WindowLoss {
  std::uint64_t tokens = 0;
  double log_loss = 0;         ///< -log p(next token) of the scheme [nat]
  double anchor_log_loss = 0;  ///< the same of the anchor
  double divergence = 0;       ///< KL(anchor || scheme) [nat]
  std::uint64_t agreed = 0;    ///< tokens whose likeliest successor is the anchor's
};

/// Adds the tokens of `next`, one for each row of both. kRuntime error: a logit that is not finite.
Status add_tokens(std::span<const float> anchor, std::span<const float> scheme, std::span<const std::uint32_t> next,
                  WindowLoss& loss);

/// Figures of a scheme; intervals (95 %, t over windows) where there are two windows at least.
struct Loss {
  std::uint64_t tokens = 0;
  std::uint64_t windows = 0;
  double divergence = 0;  ///< KL(anchor || scheme), nats per token
  double agreement = 0;   ///< share of tokens
  double perplexity = 0;
  double anchor_perplexity = 0;
  std::optional<Interval> divergence_interval, agreement_interval, perplexity_interval;
};
/// Of windows of equally many tokens, one at least.
Loss summarise(std::span<const WindowLoss> windows);

}  // namespace qtrap::quality
