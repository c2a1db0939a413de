#include "quality/loss.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "core/contract.hpp"
#include "core/threads.hpp"

namespace qtrap::quality {
namespace {

/// A row of logits: its likeliest entry and log of the sum of exponentials.
struct Row {
  std::span<const float> logits;
  std::size_t top = 0;
  double log_sum = 0;

  explicit Row(std::span<const float> row) : logits(row) {
    top = static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    const auto highest = static_cast<double>(row[top]);
    double sum = 0;
    for (const float logit : row) sum += std::exp(static_cast<double>(logit) - highest);
    log_sum = highest + std::log(sum);
  }
  double log_probability(std::size_t i) const { return static_cast<double>(logits[i]) - log_sum; }
};

WindowLoss compare(const Row& anchor, const Row& scheme, std::uint32_t next) {
  WindowLoss loss;
  loss.tokens = 1;
  loss.log_loss = -scheme.log_probability(next);
  loss.anchor_log_loss = -anchor.log_probability(next);
  loss.agreed = anchor.top == scheme.top ? 1 : 0;
  for (std::size_t i = 0; i < anchor.logits.size(); ++i) {
    const double wanted = anchor.log_probability(i);
    loss.divergence += std::exp(wanted) * (wanted - scheme.log_probability(i));
  }
  return loss;
}

bool is_finite(std::span<const float> logits) {
  return std::all_of(logits.begin(), logits.end(), [](float logit) { return std::isfinite(logit); });
}

/// Mean of a figure over windows, and its interval.
template <class Figure>
std::pair<double, std::optional<Interval>> mean_of(std::span<const WindowLoss> windows, const Figure& figure) {
  std::vector<double> values;
  for (const WindowLoss& window : windows) values.push_back(figure(window) / static_cast<double>(window.tokens));
  return {compute_mean(values), compute_t_interval(values)};
}

}  // namespace

Status add_tokens(std::span<const float> anchor, std::span<const float> scheme, std::span<const std::uint32_t> next,
                  WindowLoss& loss) {
  expects(!next.empty() && anchor.size() == scheme.size() && anchor.size() % next.size() == 0,
          "both sets of logits have a row for each token");
  if (!is_finite(anchor) || !is_finite(scheme)) {
    return runtime_error("a logit is not finite", is_finite(anchor) ? "of the scheme" : "of the anchor",
                         "an activation is beyond f16: the model needs a wider format");
  }
  const std::size_t vocab = anchor.size() / next.size();
  std::vector<WindowLoss> losses(next.size());
  for_each_index(static_cast<int>(next.size()), 0, [&](int token) {
    const auto i = static_cast<std::size_t>(token);
    losses[i] = compare(Row(anchor.subspan(i * vocab, vocab)), Row(scheme.subspan(i * vocab, vocab)), next[i]);
  });
  for (const WindowLoss& one : losses) {
    loss.tokens += one.tokens;
    loss.log_loss += one.log_loss;
    loss.anchor_log_loss += one.anchor_log_loss;
    loss.divergence += one.divergence;
    loss.agreed += one.agreed;
  }
  return Done{};
}

Loss summarise(std::span<const WindowLoss> windows) {
  expects(!windows.empty(), "a loss has a window");
  Loss loss;
  loss.windows = windows.size();
  for (const WindowLoss& window : windows) loss.tokens += window.tokens;
  std::tie(loss.divergence, loss.divergence_interval) =
      mean_of(windows, [](const WindowLoss& window) { return window.divergence; });
  std::tie(loss.agreement, loss.agreement_interval) =
      mean_of(windows, [](const WindowLoss& window) { return static_cast<double>(window.agreed); });
  if (auto& interval = loss.divergence_interval) interval->low = std::max(interval->low, 0.0);
  if (auto& share = loss.agreement_interval) {
    share->low = std::max(share->low, 0.0);
    share->high = std::min(share->high, 1.0);
  }
  const auto [log_loss, interval] = mean_of(windows, [](const WindowLoss& window) { return window.log_loss; });
  loss.perplexity = std::exp(log_loss);
  if (interval)
    loss.perplexity_interval = {std::exp(interval->value), std::exp(interval->low), std::exp(interval->high)};
  loss.anchor_perplexity =
      std::exp(mean_of(windows, [](const WindowLoss& window) { return window.anchor_log_loss; }).first);
  return loss;
}

}  // namespace qtrap::quality
