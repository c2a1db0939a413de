// Monotone interpolation of a log ratio over log size and its crossing of 0.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "core/contract.hpp"
#include "fit/critical.hpp"

namespace qtrap::fit {
namespace {

using Values = std::vector<double>;

constexpr double kOneSidedError = 0.05;  // of all sizes of a curve together

/// Weighted least-squares fit that never rises (pooled adjacent violators).
Values fit_falling(const Values& values, const Values& weights) {
  struct Block {
    double value, weight;
    std::size_t count;
  };
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < values.size(); ++i) {
    blocks.push_back({values[i], weights[i], 1});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].value < blocks.back().value) {
      const Block last = blocks.back();
      blocks.pop_back();
      Block& into = blocks.back();
      const double weight = into.weight + last.weight;
      into = {(into.value * into.weight + last.value * last.weight) / weight, weight, into.count + last.count};
    }
  }
  Values fitted;
  for (const Block& block : blocks) fitted.insert(fitted.end(), block.count, block.value);
  return fitted;
}

/// Slopes of Fritsch and Carlson: the cubic through the points rises and falls only where they do.
Values compute_slopes(const Values& x, const Values& y) {
  const std::size_t n = x.size();
  Values secant(n - 1);
  for (std::size_t i = 0; i + 1 < n; ++i) secant[i] = (y[i + 1] - y[i]) / (x[i + 1] - x[i]);
  Values slopes(n, 0);
  slopes.front() = secant.front();
  slopes.back() = secant.back();
  for (std::size_t i = 1; i + 1 < n; ++i) {
    if (secant[i - 1] * secant[i] <= 0) continue;
    const double before = x[i] - x[i - 1];
    const double after = x[i + 1] - x[i];
    const double w1 = 2 * after + before;
    const double w2 = after + 2 * before;
    slopes[i] = (w1 + w2) / (w1 / secant[i - 1] + w2 / secant[i]);
  }
  return slopes;
}

/// Falling cubic through points, with a half width that runs straight between them.
class FallingBand {
 public:
  FallingBand(Values x, Values y, Values half)
      : x_(std::move(x)), y_(std::move(y)), half_(std::move(half)), slopes_(compute_slopes(x_, y_)) {}

  /// Value at x plus `sides` half widths.
  double at(double x, double sides) const {
    std::size_t i = 0;
    while (i + 2 < x_.size() && x > x_[i + 1]) ++i;
    const double h = x_[i + 1] - x_[i];
    const double t = (x - x_[i]) / h;
    const double value = (1 + 2 * t) * (1 - t) * (1 - t) * y_[i] + t * (1 - t) * (1 - t) * h * slopes_[i] +
                         t * t * (3 - 2 * t) * y_[i + 1] - t * t * (1 - t) * h * slopes_[i + 1];
    return value + sides * ((1 - t) * half_[i] + t * half_[i + 1]);
  }

  /// Where the cubic reaches 0; none when it does not change sign.
  std::optional<double> find_zero() const {
    if (y_.front() <= 0 || y_.back() >= 0) return std::nullopt;
    return bisect(x_.front(), x_.back(), 0);
  }

  /// The first x on the way from `zero` to the left (right) end where the band lies wholly above (below) 0.
  std::optional<double> find_edge(double zero, bool left) const {
    constexpr int kSteps = 400;
    const double sides = left ? -1 : 1;
    const double end = left ? x_.front() : x_.back();
    double inside = zero;
    for (int step = 1; step <= kSteps; ++step) {
      const double outside = zero + (end - zero) * step / kSteps;
      const double bound = at(outside, sides);
      if (left ? bound > 0 : bound < 0) return left ? bisect(outside, inside, sides) : bisect(inside, outside, sides);
      inside = outside;
    }
    return std::nullopt;
  }

 private:
  /// Zero between low, where the bound is positive, and high, where it is not.
  double bisect(double low, double high, double sides) const {
    for (int step = 0; step < 60; ++step) {
      const double middle = 0.5 * (low + high);
      (at(middle, sides) > 0 ? low : high) = middle;
    }
    return 0.5 * (low + high);
  }

  Values x_, y_, half_, slopes_;
};

/// Signs of the sizes: +1 and -1 where the ratio differs from 1 (significantly, where there is an interval),
/// else 0.
std::vector<int> compute_signs(const Curve& curve) {
  std::vector<int> signs;
  for (std::size_t i = 0; i < curve.sizes.size(); ++i) {
    const double low = curve.low.empty() ? curve.log_ratio[i] : curve.low[i];
    const double high = curve.high.empty() ? curve.log_ratio[i] : curve.high[i];
    signs.push_back(low > 0 ? 1 : high < 0 ? -1 : 0);
  }
  return signs;
}

/// The two decided sizes that a change of sign lies between.
struct Bracket {
  std::size_t before = 0, after = 0;
};

Bracket find_bracket(const std::vector<int>& signs) {
  const auto first = std::find_if(signs.begin(), signs.end(), [](int sign) { return sign != 0; });
  const auto after = std::find(first, signs.end(), -*first);
  const auto before = std::find(std::make_reverse_iterator(after), signs.rend(), *first);
  return {static_cast<std::size_t>(before.base() - signs.begin()) - 1, static_cast<std::size_t>(after - signs.begin())};
}

FallingBand make_band(const Curve& curve, bool dissolves) {
  const std::size_t n = curve.sizes.size();
  Values x(n);
  Values value(n);
  Values half(n, 0);
  Values weights(n, 1);
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = std::log(curve.sizes[i]);
    value[i] = dissolves ? curve.log_ratio[i] : -curve.log_ratio[i];
    if (curve.low.empty()) continue;
    half[i] = 0.5 * (curve.high[i] - curve.low[i]);
    weights[i] = 1 / std::max(1e-12, half[i] * half[i]);
  }
  return {x, fit_falling(value, weights), half};
}

Crossing locate(const Curve& curve, const std::vector<int>& signs, bool dissolves) {
  Crossing found;
  found.dissolves = dissolves;
  const FallingBand band = make_band(curve, dissolves);
  const auto zero = band.find_zero();
  if (!zero) {
    found.reason = "the ratio does not change monotonically with size";
    return found;
  }
  const Bracket bracket = find_bracket(signs);
  const double before = curve.sizes[bracket.before];
  const double after = curve.sizes[bracket.after];
  found.status = CriticalStatus::kFound;
  found.value = std::exp(*zero);
  found.low = before;
  found.high = after;
  if (!curve.low.empty()) {
    const auto left = band.find_edge(*zero, true);
    const auto right = band.find_edge(*zero, false);
    const bool looked_between = bracket.after > bracket.before + 1;
    if (left) found.low = looked_between ? std::exp(*left) : std::min(std::exp(*left), before);
    if (right) found.high = looked_between ? std::exp(*right) : std::max(std::exp(*right), after);
  }
  found.low = std::min(*found.low, *found.value);
  found.high = std::max(*found.high, *found.value);
  return found;
}

/// Of one sign and undecided sizes: where a crossing can lie, if the decided ones are all at one end.
Crossing bound_one_side(const Curve& curve, const std::vector<int>& signs) {
  const auto n = static_cast<std::ptrdiff_t>(signs.size());
  Crossing found;
  found.reason = "the ratio is undecided at " + std::to_string(std::count(signs.begin(), signs.end(), 0)) + " of " +
                 std::to_string(n) + " sizes and has one sign at the others";
  bool sure = false;
  for (std::size_t i = 0; i < curve.p_values.size(); ++i)
    sure = sure || (signs[i] != 0 && curve.p_values[i] <= kOneSidedError / static_cast<double>(n));
  if (!sure) return found;
  const auto is_decided = [](int sign) { return sign != 0; };
  const auto last = std::find_if(signs.rbegin(), signs.rend(), is_decided).base() - signs.begin();  // one behind
  const auto first = std::find_if(signs.begin(), signs.end(), is_decided) - signs.begin();
  if (std::count(signs.begin() + first, signs.begin() + last, 0) > 0 || (first > 0 && last < n)) return found;
  const bool above = first == 0;
  found.status = above ? CriticalStatus::kAbove : CriticalStatus::kBelow;
  (above ? found.low : found.high) = curve.sizes[static_cast<std::size_t>(above ? last - 1 : first)];
  found.dissolves = (signs[static_cast<std::size_t>(first)] > 0) == above;
  return found;
}

}  // namespace

Crossing find_crossing(const Curve& curve) {
  const std::size_t n = curve.sizes.size();
  expects(curve.log_ratio.size() == n && curve.low.size() == curve.high.size(), "a curve has one value per size");
  expects(curve.low.empty() || curve.low.size() == n, "a curve has all intervals or none");
  Crossing found;
  if (n < 2) {
    found.reason = "fewer than two sizes";
    return found;
  }
  for (std::size_t i = 0; i < n; ++i) {
    expects(curve.sizes[i] > (i == 0 ? 0.0 : curve.sizes[i - 1]), "sizes of a curve ascend from above 0");
  }
  const std::vector<int> signs = compute_signs(curve);
  std::vector<int> decided;
  std::copy_if(signs.begin(), signs.end(), std::back_inserter(decided), [](int sign) { return sign != 0; });
  int changes = 0;
  for (std::size_t i = 1; i < decided.size(); ++i) changes += decided[i] != decided[i - 1] ? 1 : 0;
  if (changes == 1) return locate(curve, signs, decided.front() > 0);
  if (decided.empty()) {
    found.reason = "the ratio does not differ significantly from 1 at any size";
  } else if (changes > 1) {
    found.reason = "the ratio crosses 1 more than once";
  } else if (decided.size() < n) {
    return bound_one_side(curve, signs);
  } else {
    found.status = decided.front() > 0 ? CriticalStatus::kTrappedEverywhere : CriticalStatus::kNeverTrapped;
  }
  return found;
}

}  // namespace qtrap::fit
