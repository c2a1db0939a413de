#include "judge/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/contract.hpp"
#include "judge/pooling.hpp"

namespace qtrap::judge {
namespace {

/// Two one-sided tests, each with the error that the two sides of a verdict share: 90 % beside 95 %.
double equivalence_confidence(double confidence) { return 2 * confidence - 1; }

/// Sessions that agree closer than this were copied or rounded, not measured apart: they say nothing of the spread.
constexpr double kLeastError = 1e-9;
constexpr double kPower = 0.8;
constexpr double kLeastP = 1e-12;  // below it the distribution function has no digits left

/// Values of one scheme in one cell by session and block; a block given twice has both.
using Blocks = std::map<std::int64_t, std::vector<double>>;
using Sessions = std::map<std::string, Blocks>;
struct SchemeValues {
  Sessions sound, all;
  Sessions foreign;                                ///< in neither of the two
  std::map<std::string, PublishedSpread> spreads;  ///< by session
};
using Cells = std::map<CellKey, std::map<std::string, SchemeValues>>;

Cells sort_by_cell(std::span<const Observation> observations) {
  Cells cells;
  for (const Observation& one : observations) {
    expects(one.value > 0, "ratios are of positive values");
    SchemeValues& values = cells[one.cell][one.scheme];
    if (one.foreign) {
      values.foreign[one.session][one.block].push_back(one.value);
      continue;
    }
    values.all[one.session][one.block].push_back(one.value);
    if (!one.flagged) values.sound[one.session][one.block].push_back(one.value);
    if (one.spread) values.spreads[one.session] = *one.spread;
  }
  return cells;
}

/// Log ratios of the blocks that both have, by session.
std::map<std::string, std::vector<double>> pair(const Sessions& scheme, const Sessions& anchor) {
  std::map<std::string, std::vector<double>> pairs;
  for (const auto& [session, blocks] : scheme) {
    const auto twin = anchor.find(session);
    if (twin == anchor.end()) continue;
    std::vector<double> logs;
    for (const auto& [block, values] : blocks) {
      const auto other = twin->second.find(block);
      if (other != twin->second.end()) logs.push_back(std::log(compute_median(values) / compute_median(other->second)));
    }
    if (!logs.empty()) pairs[session] = std::move(logs);
  }
  return pairs;
}

/// The spread of a ratio of two values of one session, with Welch's degrees of freedom.
std::optional<PublishedSpread> combine(const SchemeValues& scheme, const SchemeValues& anchor,
                                       const std::string& session) {
  const auto one = scheme.spreads.find(session);
  const auto other = anchor.spreads.find(session);
  if (one == scheme.spreads.end() || other == anchor.spreads.end()) return std::nullopt;
  const double a = std::pow(one->second.error, 2);
  const double b = std::pow(other->second.error, 2);
  return PublishedSpread{std::sqrt(a + b), std::pow(a + b, 2) / (a * a / one->second.degrees_of_freedom +
                                                                 b * b / other->second.degrees_of_freedom)};
}

/// A judgement without its interval.
Judgement make_draft(const Pairs& pairs) {
  Judgement draft;
  draft.cell = pairs.cell;
  draft.scheme = pairs.scheme;
  draft.flagged = pairs.flagged;
  draft.unpaired = pairs.unpaired;
  for (const auto& [session, logs] : pairs.by_session) {
    draft.sessions.push_back(session);
    draft.session_logs.push_back(compute_median(logs));
  }
  draft.log_ratio = compute_mean(draft.session_logs);
  return draft;
}

void set(const Estimate& estimate, Basis basis, Judgement& judgement) {
  judgement.log_ratio = estimate.interval.value;
  judgement.interval = estimate.interval;
  judgement.standard_error = estimate.standard_error;
  judgement.degrees_of_freedom = estimate.degrees_of_freedom;
  judgement.basis = basis;
}

Estimate estimate_from(double log_ratio, const PublishedSpread& spread, double confidence) {
  const double half = student_t_quantile(0.5 + 0.5 * confidence, spread.degrees_of_freedom) * spread.error;
  return {{log_ratio, log_ratio - half, log_ratio + half}, spread.error, spread.degrees_of_freedom};
}

Verdict decide(const Judgement& one, const Options& options) {
  const double p = 0.5 + 0.5 * equivalence_confidence(options.confidence);
  const double half = student_t_quantile(p, one.degrees_of_freedom) * one.standard_error;
  if (one.log_ratio - half > std::log(1 - options.no_effect_margin) &&
      one.log_ratio + half < std::log(1 + options.no_effect_margin))
    return Verdict::kNoEffect;
  if (one.interval->low > 0) return Verdict::kTrap;
  return one.interval->high < 0 ? Verdict::kNoTrap : Verdict::kUndecided;
}

double compute_p_value(const Judgement& one) {
  const double p = 2 * student_t_cdf(-std::abs(one.log_ratio) / one.standard_error, one.degrees_of_freedom);
  return p < kLeastP ? 0 : p;
}

/// Estimates of all drafts over their sessions. Flagged ones share nothing with the others, nor do unpaired ones.
std::vector<std::optional<Estimate>> pool(const std::vector<Judgement>& drafts, const std::vector<Pairs>& pairs,
                                          double confidence) {
  std::vector<SessionValues> quantities;
  quantities.reserve(drafts.size());
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    const Judgement& one = drafts[i];
    const char* const apart = pairs[i].foreign ? "|unpaired" : one.flagged ? "|flagged" : "";
    quantities.push_back({find_pool(one.cell) + apart, one.scheme, one.session_logs});
  }
  return pool_sessions(quantities, confidence);
}

}  // namespace

std::string find_pool(const CellKey& cell) {
  return cell.phase == result::Phase::kDecode ? cell.device : cell.device + "|" + to_string(cell.phase);
}

std::vector<Pairs> pair_with_anchor(std::span<const Observation> observations, const std::string& anchor_scheme) {
  std::vector<Pairs> all;
  for (const auto& [cell, schemes] : sort_by_cell(observations)) {
    const auto anchor = schemes.find(anchor_scheme);
    if (anchor == schemes.end()) continue;
    for (const auto& [scheme, values] : schemes) {
      if (scheme == anchor_scheme) continue;
      Pairs one{cell, scheme, pair(values.sound, anchor->second.sound), false, false, 0, {}};
      auto whole = pair(values.all, anchor->second.all);
      one.unpaired = static_cast<std::int64_t>(values.all.size() - whole.size());
      one.flagged = one.by_session.empty();
      if (one.flagged) one.by_session = std::move(whole);
      one.foreign = one.by_session.empty();
      if (one.foreign) {
        one.flagged = false;
        one.by_session = pair(values.sound, anchor->second.foreign);
      }
      if (!one.foreign && one.by_session.size() == 1)
        one.spread = combine(values, anchor->second, one.by_session.begin()->first);
      if (!one.by_session.empty()) all.push_back(std::move(one));
    }
  }
  return all;
}

std::vector<Judgement> judge(std::span<const Observation> observations, const Options& options) {
  expects(options.no_effect_margin > 0 && options.no_effect_margin < 1, "a margin lies between 0 and 1");
  expects(options.confidence > 0.5 && options.confidence < 1, "a verdict has a confidence");
  const std::vector<Pairs> pairs = pair_with_anchor(observations, options.anchor);
  std::vector<Judgement> judgements;
  judgements.reserve(pairs.size());
  for (const Pairs& one : pairs) judgements.push_back(make_draft(one));
  const auto estimates = pool(judgements, pairs, options.confidence);
  for (std::size_t i = 0; i < judgements.size(); ++i) {
    Judgement& one = judgements[i];
    one.confidence = options.confidence;
    if (pairs[i].foreign) {
      one.basis = Basis::kUnpaired;
    } else if (estimates[i]) {
      set(*estimates[i], Basis::kSessions, one);
    } else if (const auto blocks = pool_blocks(pairs[i].by_session.begin()->second, options.confidence)) {
      set(*blocks, Basis::kBlocks, one);
      one.session_logs = {one.log_ratio};
    } else if (const auto& spread = pairs[i].spread) {
      set(estimate_from(one.log_ratio, *spread, options.confidence), Basis::kImported, one);
    }
    if (one.basis == Basis::kSessions && !one.flagged && one.standard_error > kLeastError) {
      one.p_value = compute_p_value(one);
      one.verdict = decide(one, options);
    }
  }
  return judgements;
}

std::optional<double> find_detectable(const Judgement& judgement) {
  if (judgement.basis != Basis::kSessions) return std::nullopt;
  return judgement.standard_error *
         compute_detectable_shift(kPower, judgement.degrees_of_freedom, judgement.confidence);
}

std::vector<Anchorless> find_anchorless(std::span<const Observation> observations) {
  std::map<CellKey, std::set<std::string>> cells;
  for (const Observation& one : observations) cells[one.cell].insert(one.scheme);
  std::vector<Anchorless> found;
  for (const auto& [cell, schemes] : cells) {
    if (!schemes.contains(kAnchor)) found.push_back({cell, static_cast<std::int64_t>(schemes.size())});
  }
  return found;
}

std::string format_ratio(double ratio, std::optional<double> low, std::optional<double> high) {
  constexpr int kDigits = 2;
  constexpr int kMostDigits = 6;
  const auto write = [](double value) {
    int digits = kDigits;
    const auto shown = [&] { return std::stod(fmt::format("{:.{}f}", value, digits)); };
    while (digits < kMostDigits && value != 1 && shown() == 1) ++digits;
    return fmt::format("{:.{}f}", value, digits);
  };
  if (!low || !high) return fmt::format("{:.{}f}", ratio, kDigits);
  return fmt::format("{:.{}f} [{}, {}]", ratio, kDigits, write(*low), write(*high));
}

std::string format_ratio(double log_ratio, const std::optional<Interval>& interval) {
  if (!interval) return format_ratio(std::exp(log_ratio), std::nullopt, std::nullopt);
  return format_ratio(std::exp(log_ratio), std::exp(interval->low), std::exp(interval->high));
}

}  // namespace qtrap::judge
