#include "result/check_quality.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "core/anchor.hpp"
#include "core/statistics.hpp"

namespace qtrap::result {
namespace {

using R = QualityRecord;
using Values = std::optional<std::vector<double>>;

/// A figure, the windows that it is the mean of, and what it is of that mean.
struct Mean {
  const char* name;
  std::optional<double> R::*value;
  Values R::*windows;
  bool is_exponential = false;
};
constexpr Mean kMeans[] = {
    {"kl_nats_per_token", &R::kl_nats_per_token, &R::window_kl},
    {"top1_agreement", &R::top1_agreement, &R::window_top1},
    {"perplexity", &R::perplexity, &R::window_log_loss, true},
    {"anchor_perplexity", &R::anchor_perplexity, &R::window_anchor_log_loss, true},
};
constexpr double kRounding = 1e-9;

void check_mean(const R& quality, const Mean& mean, const Place& place) {
  const std::vector<double>& windows = *(quality.*mean.windows);
  if (std::cmp_not_equal(windows.size(), quality.windows)) {
    place.refuse("a list of windows is of another length", fmt::format("{} of `{}`", windows.size(), mean.name),
                 fmt::format("the loss has {} windows", quality.windows));
    return;
  }
  if (windows.empty()) return;  // of 0 windows, which are out of range
  const double found = compute_mean(windows);
  const double wanted = mean.is_exponential ? std::exp(found) : found;
  const double value = *(quality.*mean.value);
  if (std::isfinite(wanted) && std::abs(value - wanted) <= kRounding * std::max(1.0, std::abs(wanted))) return;
  place.refuse(fmt::format("`{}` is not that of its windows", mean.name), fmt::format("{}", value),
               fmt::format("they make {}", wanted));
}

}  // namespace

void check_quality(const QualityRecord& quality, const Place& place) {
  check_ranges(quality, place);
  check_values_in_intervals(quality, place);
  const bool is_ok = quality.status == PointStatus::kOk;
  if (is_ok == quality.reason.has_value())
    place.refuse("`reason` and `status` contradict each other", to_string(quality.status),
                 "a loss that is ok has none, any other has one");
  for (const Mean& mean : kMeans) {
    if ((quality.*mean.value).has_value() == is_ok && (quality.*mean.windows).has_value() == is_ok) continue;
    place.refuse(fmt::format("`{}` contradicts `status`", mean.name), to_string(quality.status),
                 "a loss that is ok has all values, any other none");
    return;
  }
  if (quality.predicted_tokens.has_value() != is_ok ||
      (is_ok && *quality.predicted_tokens != quality.windows * (quality.window_tokens - 1))) {
    place.refuse("`predicted_tokens` is wrong",
                 quality.predicted_tokens ? std::to_string(*quality.predicted_tokens) : "null",
                 "each window predicts all of its tokens but the first");
  }
  if (!is_ok) return;
  if (quality.interval_method.has_value() != (quality.windows > 1))
    place.refuse("`interval_method` contradicts `windows`", std::to_string(quality.windows),
                 "intervals are over windows, two at least");
  for (const Mean& mean : kMeans) check_mean(quality, mean, place);
  if (quality.scheme == kAnchor && (*quality.kl_nats_per_token != 0 || *quality.top1_agreement != 1))
    place.refuse("the anchor differs from itself", fmt::format("{}", *quality.kl_nats_per_token),
                 "f16 has a divergence of 0 and an agreement of 1");
}

}  // namespace qtrap::result
