#include "power/sensor/nelder_mead.hpp"

#include <algorithm>
#include <cmath>

namespace qtrap::power {

namespace {

template <std::size_t N>
class Simplex {
 public:
  using Point = std::array<double, N>;
  using Objective = std::function<double(const Point&)>;

  Simplex(const Objective& objective, const Point& start, const Point& step) : objective_(objective), step_(step) {
    for (std::size_t vertex = 0; vertex <= N; ++vertex) {
      Point point = start;
      if (vertex > 0) point[vertex - 1] += step[vertex - 1];
      vertices_[vertex] = evaluate(point);
    }
    sort();
  }

  const Minimum<N>& best() const { return vertices_.front(); }
  int evaluations() const { return evaluations_; }

  bool is_small() const {
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t vertex = 1; vertex <= N; ++vertex) {
        if (std::abs(vertices_[vertex].at[i] - best().at[i]) > 1e-4 * std::abs(step_[i])) return false;
      }
    }
    return true;
  }

  void move() {
    const Minimum<N> reflected = evaluate(along(1.0));
    if (reflected.value < best().value) {
      const Minimum<N> expanded = evaluate(along(2.0));
      vertices_[N] = expanded.value < reflected.value ? expanded : reflected;
    } else if (reflected.value < vertices_[N - 1].value) {
      vertices_[N] = reflected;
    } else {
      const Minimum<N> contracted = evaluate(along(reflected.value < vertices_[N].value ? 0.5 : -0.5));
      if (contracted.value < std::min(reflected.value, vertices_[N].value)) {
        vertices_[N] = contracted;
      } else {
        shrink();
      }
    }
    sort();
  }

 private:
  Minimum<N> evaluate(const Point& point) {
    ++evaluations_;
    return {point, objective_(point)};
  }

  /// The point `factor` times as far beyond the centre of the others as the worst vertex is before it.
  Point along(double factor) const {
    Point point{};
    for (std::size_t i = 0; i < N; ++i) {
      double centre = 0;
      for (std::size_t vertex = 0; vertex < N; ++vertex) centre += vertices_[vertex].at[i] / static_cast<double>(N);
      point[i] = centre + factor * (centre - vertices_[N].at[i]);
    }
    return point;
  }

  void shrink() {
    for (std::size_t vertex = 1; vertex <= N; ++vertex) {
      Point point = vertices_[vertex].at;
      for (std::size_t i = 0; i < N; ++i) point[i] = (point[i] + best().at[i]) / 2;
      vertices_[vertex] = evaluate(point);
    }
  }

  void sort() {
    std::sort(vertices_.begin(), vertices_.end(),
              [](const Minimum<N>& a, const Minimum<N>& b) { return a.value < b.value; });
  }

  const Objective& objective_;
  Point step_;
  std::array<Minimum<N>, N + 1> vertices_;
  int evaluations_ = 0;
};

}  // namespace

template <std::size_t N>
Minimum<N> minimise(const std::function<double(const std::array<double, N>&)>& objective,
                    const std::array<double, N>& start, const std::array<double, N>& step, int evaluations) {
  Simplex<N> simplex(objective, start, step);
  while (simplex.evaluations() < evaluations && !simplex.is_small()) simplex.move();
  return simplex.best();
}

template Minimum<3> minimise<3>(const std::function<double(const std::array<double, 3>&)>&,
                                const std::array<double, 3>&, const std::array<double, 3>&, int);

}  // namespace qtrap::power
