// The one judge of ratios to the f16 anchor: pairing, pooling, interval and verdict, for `run`, `fit` and `compare`
// alike; where asked, to another scheme. Logarithms are natural: a log ratio of 0 is a ratio of 1.
//
// Pairing: within a block of a session, values of scheme and anchor divide; what both share of a session, its median,
// stands for it. Flagged values count only where a scheme has no pair without: then no verdict is drawn.
// Pooling: the value is the mean of the sessions' logs and the centre of its own interval.
// Interval: over sessions by a moderated t (pooling.hpp). Schemes of one session are told apart, cells are not: a
// session's effect on a scheme is the same in all its cells. Phases are told apart: prefill says nothing of how far
// decode spreads. Over blocks by Student's t where there is one session: no
// verdict, for sessions differ more than blocks tell. Where one session holds one value of each, with a published
// spread, the interval is that of the two spreads (Welch's t): no verdict either. An anchor of another table counts
// only where a scheme has no other: it is not of the session, and where it serves several they all err by it, so that
// the ratio is a value without interval and verdict (basis `unpaired`).
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/anchor.hpp"
#include "core/statistics.hpp"
#include "result/words.hpp"

namespace qtrap::judge {

/// Everything that a scheme and its anchor share but the session.
struct CellKey {
  std::string device, model;
  double params = 0;  ///< of the shape; files may give one name to two
  double batch = 1, hops = 1, tokens = 1, context = 0;
  std::string family = {};  ///< of the model; empty: unnamed
  result::Phase phase = result::Phase::kDecode;
  auto operator<=>(const CellKey&) const = default;  // NOLINT(modernize-use-nullptr): false alarm
};

/// What shares its spread between sessions with the cell: those of its device and phase.
std::string find_pool(const CellKey& cell);

/// What was published of a value's spread within its session, or follows from replicates of it there.
struct PublishedSpread {
  double error = 0;               ///< standard error of the value's logarithm, > 0
  double degrees_of_freedom = 0;  ///< >= 1
};

/// One measured or published value: of a scheme or of the anchor.
struct Observation {
  CellKey cell;
  std::string scheme;
  std::string session;
  std::int64_t block = 0;
  double value = 0;  ///< > 0, any unit
  bool flagged = false;
  std::optional<PublishedSpread> spread = {};
  bool foreign = false;  ///< an anchor that was published in another table than its session
};

using result::Basis;
using result::Verdict;

struct Options {
  double confidence = kConfidence;  ///< of intervals and verdicts; > 0.5
  double no_effect_margin =
      0.02;  ///< 0.02: an interval of confidence 2 x confidence - 1 within 0.98 to 1.02 is `no_effect`; > 0, < 1
  std::string anchor = kAnchor;  ///< scheme that ratios are to
};

/// One scheme in one cell.
struct Judgement {
  CellKey cell;
  std::string scheme;
  std::vector<std::string> sessions;  ///< those that have a pair
  std::vector<double> session_logs;   ///< one of each
  double log_ratio = 0;               ///< the interval's centre
  std::optional<Interval> interval;   ///< of log_ratio; none with one session of one block
  Basis basis = Basis::kNone;
  double confidence = kConfidence;  ///< of the interval and the verdict
  double standard_error = 0;        ///< of log_ratio; with an interval
  double degrees_of_freedom = 0;    ///< of the interval
  std::optional<double> p_value;    ///< two-sided, of a ratio of 1; over sessions alone
  Verdict verdict = Verdict::kUndecided;
  bool flagged = false;       ///< every pair holds a flagged value
  std::int64_t unpaired = 0;  ///< sessions that hold the scheme but no block of the anchor with it
};

/// Log ratios of the blocks that a scheme in a cell shares with its anchor, by session. Of values without a flag, where
/// some pair has none.
struct Pairs {
  CellKey cell;
  std::string scheme;
  std::map<std::string, std::vector<double>> by_session;
  bool flagged = false;                   ///< every pair holds a flagged value
  bool foreign = false;                   ///< every anchor is: the quotients are no pairs
  std::int64_t unpaired = 0;              ///< sessions that hold the scheme but no block of the anchor with it
  std::optional<PublishedSpread> spread;  ///< of the ratio, where one session alone has a pair and spreads of both
};

/// One per (cell, scheme) that shares a block with its anchor, by cell, then scheme.
std::vector<Pairs> pair_with_anchor(std::span<const Observation> observations,
                                    const std::string& anchor_scheme = kAnchor);

/// One per (cell, scheme) that shares a block with its anchor, by cell, then scheme. Values at or below 0 are refused
/// by the caller: none is given. Variances are shared by the points of one device and
/// phase.
std::vector<Judgement> judge(std::span<const Observation> observations, const Options& options = {});

/// Smallest log ratio, > 0, that a campaign like this one tells from 0 with 80 % power at the judgement's confidence;
/// none but over sessions.
std::optional<double> find_detectable(const Judgement& judgement);

/// Cells whose schemes have no anchor in any session, with how many schemes each holds: what judge() is silent on.
struct Anchorless {
  CellKey cell;
  std::int64_t schemes = 0;
};
std::vector<Anchorless> find_anchorless(std::span<const Observation> observations);

/// "1.27 [1.004, 1.63]": a ratio from its logs, two digits after the point, and as many more as it takes to show on
/// which side of 1 a bound lies.
std::string format_ratio(double log_ratio, const std::optional<Interval>& interval);
/// The same of ratios. `low` and `high` may be absent.
std::string format_ratio(double ratio, std::optional<double> low, std::optional<double> high);

}  // namespace qtrap::judge
