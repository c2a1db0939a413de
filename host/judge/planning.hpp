// What a campaign will be able to tell, from how far earlier ones spread. Logarithms are natural.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "judge/judge.hpp"

namespace qtrap::judge {

/// How far log ratios to the anchor lie apart [standard deviations].
struct SpreadComponents {
  double session = 0;        ///< of one scheme in one cell between sessions, their blocks' own spread taken off
  double block = 0;          ///< between the blocks of one session
  std::size_t ratios = 0;    ///< that entered; 0: not estimated from a file
  std::size_t sessions = 0;  ///< most of one ratio
  double blocks = 0;         ///< of a session, typical
};

/// Typical of all ratios without a flag (medians of variances); none unless one has two sessions, and some session two
/// blocks.
std::optional<SpreadComponents> estimate_components(std::span<const Pairs> pairs);

/// What a campaign will do.
struct CampaignSize {
  double sessions = 3;  ///< >= 2
  double blocks = 5;    ///< of a session
  double schemes = 6;   ///< besides the anchor
};

struct Forecast {
  double half_width = 0;  ///< of the interval of a log ratio, typical
  double detectable = 0;  ///< smallest log ratio that is told from 0 with the power asked for
};

/// By the judge's own rule: Student's t whose degrees of freedom the schemes share.
Forecast forecast(const SpreadComponents& spread, const CampaignSize& size, double power,
                  double confidence = kConfidence);

/// Fewest sessions, 2 to `most`, that tell `log_ratio` from 0 with that power; none: not with so many.
std::optional<std::int64_t> find_sessions(const SpreadComponents& spread, CampaignSize size, double log_ratio,
                                          double power, std::int64_t most);

}  // namespace qtrap::judge
