#include "judge/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/contract.hpp"
#include "judge/moderation.hpp"

namespace qtrap::judge {
namespace {

constexpr const char* kAnchor = "f16";
constexpr const char* kOneSession = "one session: sessions differ more than its blocks tell, so no verdict is drawn";
constexpr const char* kFlagged =
    "no block without a flagged trial of it or of f16: the ratio is of flagged ones, no verdict is drawn";
constexpr double kEquivalenceConfidence = 0.90;  // two one-sided tests at 5 %

constexpr double kPower = 0.8;

/// Values of one scheme in one cell by session and block; a block given twice has both.
using Blocks = std::map<std::int64_t, std::vector<double>>;
using Sessions = std::map<std::string, Blocks>;
struct SchemeValues {
  Sessions sound, all;
};
using Cells = std::map<CellKey, std::map<std::string, SchemeValues>>;

Cells sort_by_cell(std::span<const Observation> observations) {
  Cells cells;
  for (const Observation& one : observations) {
    expects(one.value > 0, "ratios are of positive values");
    SchemeValues& values = cells[one.cell][one.scheme];
    values.all[one.session][one.block].push_back(one.value);
    if (!one.flagged) values.sound[one.session][one.block].push_back(one.value);
  }
  return cells;
}

/// Log ratios of the blocks that both have, by session.
std::vector<std::vector<double>> pair(const Sessions& scheme, const Sessions& anchor) {
  std::vector<std::vector<double>> sessions;
  for (const auto& [session, blocks] : scheme) {
    const auto twin = anchor.find(session);
    if (twin == anchor.end()) continue;
    std::vector<double> logs;
    for (const auto& [block, values] : blocks) {
      const auto other = twin->second.find(block);
      if (other != twin->second.end()) logs.push_back(std::log(compute_median(values) / compute_median(other->second)));
    }
    if (!logs.empty()) sessions.push_back(std::move(logs));
  }
  return sessions;
}

/// A judgement without its interval, and the pairs of its sessions.
struct Draft {
  Judgement judgement;
  std::vector<std::vector<double>> pairs;

  Spread spread() const {
    const auto& logs = judgement.session_logs;
    return {std::pow(compute_standard_deviation(logs), 2), static_cast<double>(logs.size() - 1)};
  }
};

std::vector<Draft> make_drafts(const Cells& cells) {
  std::vector<Draft> drafts;
  for (const auto& [cell, schemes] : cells) {
    const auto anchor = schemes.find(kAnchor);
    if (anchor == schemes.end()) continue;
    for (const auto& [scheme, values] : schemes) {
      if (scheme == kAnchor) continue;
      Draft draft;
      draft.judgement.cell = cell;
      draft.judgement.scheme = scheme;
      draft.pairs = pair(values.sound, anchor->second.sound);
      draft.judgement.flagged = draft.pairs.empty();
      if (draft.judgement.flagged) draft.pairs = pair(values.all, anchor->second.all);
      if (draft.pairs.empty()) continue;
      draft.judgement.unpaired = static_cast<std::int64_t>(values.all.size() - draft.pairs.size());
      for (const auto& logs : draft.pairs) draft.judgement.session_logs.push_back(compute_median(logs));
      draft.judgement.log_ratio = compute_mean(draft.judgement.session_logs);
      drafts.push_back(std::move(draft));
    }
  }
  return drafts;
}

/// What the points of a device share.
struct Shared {
  Prior prior;
  double most_degrees = 0;
};

std::map<std::string, Shared> find_shared(const std::vector<Draft>& drafts) {
  std::map<std::string, std::vector<Spread>> spreads;
  std::map<std::string, std::set<std::string>> schemes;
  std::map<std::string, Shared> shared;
  for (const Draft& draft : drafts) {
    if (draft.judgement.session_logs.size() < 2 || draft.judgement.flagged) continue;
    const std::string& device = draft.judgement.cell.device;
    spreads[device].push_back(draft.spread());
    schemes[device].insert(draft.judgement.scheme);
  }
  for (const auto& [device, own] : spreads) {
    double most = 0;
    for (const Spread& one : own) most = std::max(most, one.degrees_of_freedom);
    shared[device] = {estimate_prior(own), most * static_cast<double>(schemes[device].size())};
  }
  return shared;
}

void set_interval(const Spread& spread, std::size_t values, double confidence, Judgement& judgement) {
  judgement.standard_error = std::sqrt(spread.variance / static_cast<double>(values));
  judgement.degrees_of_freedom = spread.degrees_of_freedom;
  const double half = student_t_quantile(0.5 + 0.5 * confidence, spread.degrees_of_freedom) * judgement.standard_error;
  judgement.interval = Interval{judgement.log_ratio, judgement.log_ratio - half, judgement.log_ratio + half};
}

Verdict decide(const Judgement& one, const Options& options) {
  const double half =
      student_t_quantile(0.5 + 0.5 * kEquivalenceConfidence, one.degrees_of_freedom) * one.standard_error;
  if (one.log_ratio - half > std::log(1 - options.no_effect_margin) &&
      one.log_ratio + half < std::log(1 + options.no_effect_margin))
    return Verdict::kNoEffect;
  if (one.interval->low > 0) return Verdict::kTrap;
  return one.interval->high < 0 ? Verdict::kNoTrap : Verdict::kUndecided;
}

double compute_p_value(const Judgement& one) {
  if (one.standard_error <= 0) return one.log_ratio == 0 ? 1 : 0;
  return 2 * student_t_cdf(-std::abs(one.log_ratio) / one.standard_error, one.degrees_of_freedom);
}

void judge_sessions(const Shared& shared, const Options& options, Draft& draft) {
  const Spread own = draft.spread();
  Judgement& judgement = draft.judgement;
  Spread spread = judgement.flagged ? own : moderate(own, shared.prior);
  spread.degrees_of_freedom =
      std::max(own.degrees_of_freedom, std::min(spread.degrees_of_freedom, shared.most_degrees));
  set_interval(spread, judgement.session_logs.size(), options.confidence, judgement);
  judgement.basis = Basis::kSessions;
  if (judgement.flagged) return;
  judgement.p_value = compute_p_value(judgement);
  judgement.verdict = decide(judgement, options);
}

void judge_blocks(const Options& options, Draft& draft) {
  const std::vector<double>& blocks = draft.pairs.front();
  Judgement& judgement = draft.judgement;
  judgement.reason = kOneSession;
  if (blocks.size() < 2) return;
  judgement.log_ratio = compute_mean(blocks);
  judgement.session_logs = {judgement.log_ratio};
  const auto own = static_cast<double>(blocks.size() - 1);
  set_interval({std::pow(compute_standard_deviation(blocks), 2), own}, blocks.size(), options.confidence, judgement);
  judgement.basis = Basis::kBlocks;
}

}  // namespace

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kTrap:
      return "trap";
    case Verdict::kNoTrap:
      return "no_trap";
    case Verdict::kNoEffect:
      return "no_effect";
    case Verdict::kUndecided:
      break;
  }
  return "undecided";
}

std::string to_words(Verdict verdict) {
  std::string words = to_string(verdict);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

const char* to_string(Basis basis) {
  if (basis == Basis::kSessions) return "sessions";
  return basis == Basis::kBlocks ? "blocks" : "none";
}

std::vector<Judgement> judge(std::span<const Observation> observations, const Options& options) {
  expects(options.no_effect_margin > 0 && options.no_effect_margin < 1, "a margin lies between 0 and 1");
  std::vector<Draft> drafts = make_drafts(sort_by_cell(observations));
  const auto shared = find_shared(drafts);
  std::vector<Judgement> judgements;
  for (Draft& draft : drafts) {
    if (draft.pairs.size() > 1) {
      const auto own = shared.find(draft.judgement.cell.device);
      judge_sessions(own == shared.end() ? Shared() : own->second, options, draft);
    } else {
      judge_blocks(options, draft);
    }
    if (draft.judgement.flagged) draft.judgement.reason = kFlagged;
    judgements.push_back(std::move(draft.judgement));
  }
  return judgements;
}

std::optional<double> find_detectable(const Judgement& judgement, double confidence) {
  if (judgement.basis != Basis::kSessions) return std::nullopt;
  return judgement.standard_error * compute_detectable_shift(kPower, judgement.degrees_of_freedom, confidence);
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
