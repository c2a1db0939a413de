#include "report/verdict_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace qtrap::report {

std::string verdict_text(const fit::Ratio& ratio) {
  if (!ratio.interval) return "no interval";
  std::string word = judge::to_words(ratio.verdict);
  if (ratio.basis == judge::Basis::kBlocks) return word + " (one session)";
  if (ratio.basis == judge::Basis::kImported) return word + " (one session, published spread)";
  if (ratio.flagged) return word + " (flagged)";
  if (!ratio.p_value) return word + " (no spread)";
  const auto detectable = judge::find_detectable(ratio);
  if (ratio.verdict != judge::Verdict::kUndecided || !detectable) return word;
  return fmt::format("{} (sees {:.2f})", word, std::exp(*detectable));
}

std::string ratio_text(const fit::Ratio& ratio) {
  const std::string value = judge::format_ratio(ratio.log_ratio, ratio.interval);
  return value + (ratio.interval ? " " + verdict_text(ratio) : " (" + verdict_text(ratio) + ")");
}

std::string crossing_text(const fit::Critical& critical) {
  const fit::Crossing& crossing = critical.crossing;
  const bool dissolves = crossing.dissolves;
  switch (crossing.status) {
    case fit::CriticalStatus::kFound:
      if (critical.interval_basis == "bracket")
        return fmt::format("between {:.3g} and {:.3g}{}", *crossing.low, *crossing.high,
                           dissolves ? "" : ", trapped above");
      return fmt::format("{:.3g} [{:.3g}, {:.3g}]{}", *crossing.value, *crossing.low, *crossing.high,
                         dissolves ? "" : ", trapped above");
    case fit::CriticalStatus::kAbove:
      return fmt::format("above {:.3g} ({} up to there)", *crossing.low, dissolves ? "trapped" : "no trap");
    case fit::CriticalStatus::kBelow:
      return fmt::format("below {:.3g} ({} from there)", *crossing.high, dissolves ? "no trap" : "trapped");
    case fit::CriticalStatus::kTrappedEverywhere:
    case fit::CriticalStatus::kNeverTrapped:
    case fit::CriticalStatus::kNotIdentified:
      break;
  }
  std::string text = to_string(crossing.status);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::string basis_text(const fit::Critical& critical) {
  return critical.interval_basis == "bracket" ? "signs alone" : critical.interval_basis;
}

std::string slope_text(const fit::HopSlope& slope) {
  const std::string text = judge::format_ratio(slope.slope, slope.interval);
  return slope.interval ? text : text + " (one session: no interval)";
}

}  // namespace qtrap::report
