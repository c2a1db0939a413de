#include "judge/spending.hpp"

#include <cmath>

#include "core/contract.hpp"
#include "core/statistics.hpp"
#include "judge/pooling.hpp"

namespace qtrap::judge {
namespace {

/// Share of the error that several looks spend by the normal law; the rest is lost to Student's. t of successive looks
/// are less alike than z, so that together they decide up to 1.18 times as often (400,000 simulated campaigns each of
/// 3, 5, 8 and 12 sessions, 1 to 36 ratios, 1 and 3 degrees of freedom a session).
constexpr double kSpentByNormal = 1 / 1.2;

constexpr double kMostErrors = 100;   // standard errors: beyond them a look is not worth its name
constexpr double kLeastLevel = 1e-9;  // below it Student's quantile loses its digits
constexpr std::size_t kSteps = 400;   // of Simpson's rule, even

/// P(Z > z).
double normal_tail(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }
double normal_density(double z) { return std::exp(-0.5 * z * z) / std::sqrt(2 * std::acos(-1.0)); }

/// The z >= 0 with P(|Z| > z) = level.
double normal_boundary(double level) {
  double low = 0;
  double high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = 0.5 * (low + high);
    (2 * normal_tail(middle) > level ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

/// Density of the sum of what came in up to a look, where no look before it decided: values with Simpson's weights over
/// [-edge, edge].
class Continuing {
 public:
  /// After a first look at `fraction`.
  Continuing(double fraction, double edge) : fraction_(fraction), edge_(edge) {
    for (std::size_t i = 0; i <= kSteps; ++i)
      density_[i] = normal_density(at(i) / std::sqrt(fraction)) / std::sqrt(fraction);
  }

  /// Probability that the sum first leaves [-edge, edge] at `fraction`.
  double leave(double fraction, double edge) const {
    const double spread = std::sqrt(fraction - fraction_);
    double sum = 0;
    for (std::size_t i = 0; i <= kSteps; ++i)
      sum += weigh(i) * (normal_tail((edge - at(i)) / spread) + normal_tail((edge + at(i)) / spread));
    return sum;
  }

  Continuing follow(double fraction, double edge) const {
    Continuing next(fraction, edge);
    const double spread = std::sqrt(fraction - fraction_);
    for (std::size_t i = 0; i <= kSteps; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j <= kSteps; ++j) sum += weigh(j) * normal_density((next.at(i) - at(j)) / spread);
      next.density_[i] = sum / spread;
    }
    return next;
  }

 private:
  double at(std::size_t i) const { return edge_ * (2.0 * static_cast<double>(i) / kSteps - 1); }
  double weigh(std::size_t i) const {
    const double weight = i == 0 || i == kSteps ? 1 : i % 2 == 0 ? 2 : 4;
    return weight * density_[i] * 2 * edge_ / (3.0 * kSteps);
  }

  double fraction_, edge_;
  std::vector<double> density_ = std::vector<double>(kSteps + 1);
};

/// Whether Student's t of so few sessions could reach the level.
bool may_decide(const SpendingPlan& plan, std::int64_t sessions, double level) {
  if (level < kLeastLevel) return false;
  const double degrees = shared_degrees(static_cast<double>(sessions - 1), plan.schemes);
  return student_t_quantile(1 - 0.5 * level, degrees) <= kMostErrors;
}

/// Sessions of the looks that could decide, and what is spent by then of the error of one ratio, `share`.
std::vector<Look> list_looks(const SpendingPlan& plan, double share) {
  std::vector<Look> looks;
  double spent = 0;
  for (std::int64_t sessions = 2; sessions <= plan.most_sessions; ++sessions) {
    const double fraction = static_cast<double>(sessions) / static_cast<double>(plan.most_sessions);
    const double so_far = spend_error(fraction, share);
    const double level = so_far - spent;  // that of the boundary is no smaller
    if (sessions < plan.most_sessions && !may_decide(plan, sessions, level)) continue;
    looks.push_back({sessions, so_far, 0, 0});
    spent = so_far;
  }
  return looks;
}

}  // namespace

double spend_error(double fraction, double error) {
  expects(fraction > 0 && fraction <= 1, "a share of the sessions lies between 0 and 1");
  expects(error > 0 && error < 1, "an error lies between 0 and 1");
  return 4 * normal_tail(normal_boundary(0.5 * error) / std::sqrt(fraction));
}

std::vector<double> find_boundaries(std::span<const double> fractions, std::span<const double> spent) {
  expects(!fractions.empty() && fractions.size() == spent.size(), "each look spends something");
  std::vector<double> boundaries{normal_boundary(spent.front())};
  Continuing sum(fractions[0], boundaries[0] * std::sqrt(fractions[0]));
  for (std::size_t k = 1; k < fractions.size(); ++k) {
    const double root = std::sqrt(fractions[k]);
    double low = 0;
    double high = 40;
    for (int i = 0; i < 40; ++i) {
      const double middle = 0.5 * (low + high);
      (sum.leave(fractions[k], middle * root) > spent[k] - spent[k - 1] ? low : high) = middle;
    }
    boundaries.push_back(0.5 * (low + high));
    if (k + 1 < fractions.size()) sum = sum.follow(fractions[k], boundaries.back() * root);
  }
  return boundaries;
}

std::vector<Look> plan_looks(const SpendingPlan& plan) {
  expects(plan.most_sessions >= 2 && plan.ratios >= 1 && plan.schemes >= 1, "a plan decides over two sessions");
  const double share = plan.error / plan.ratios;
  std::vector<Look> looks = list_looks(plan, share);
  if (looks.size() > 1) looks = list_looks(plan, kSpentByNormal * share);
  std::vector<double> fractions;
  std::vector<double> spent;
  for (const Look& look : looks) {
    fractions.push_back(static_cast<double>(look.sessions) / static_cast<double>(plan.most_sessions));
    spent.push_back(look.spent);
  }
  const std::vector<double> boundaries = find_boundaries(fractions, spent);
  for (std::size_t k = 0; k < looks.size(); ++k) {
    looks[k].boundary = boundaries[k];
    looks[k].level = 2 * normal_tail(boundaries[k]);
  }
  return looks;
}

}  // namespace qtrap::judge
