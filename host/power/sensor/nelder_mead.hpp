// Nelder-Mead simplex search for a minimum of a function of a few parameters, without derivatives: the
// standard reflection (1), expansion (2), contraction and shrink (1/2) steps. Finds one local minimum; the
// caller chooses the starting points. Source: Nelder and Mead, Computer Journal 7 (1965).
#pragma once

#include <array>
#include <cstddef>
#include <functional>

namespace qtrap::power {

template <std::size_t N>
struct Minimum {
  std::array<double, N> at{};
  double value = 0;
};

/// Searches from `start` with an initial simplex of edge `step` per parameter until the simplex is smaller
/// than 1e-4 of `step` or `evaluations` are spent. `objective` must be finite everywhere.
template <std::size_t N>
Minimum<N> minimise(const std::function<double(const std::array<double, N>&)>& objective,
                    const std::array<double, N>& start, const std::array<double, N>& step, int evaluations);

extern template Minimum<3> minimise<3>(const std::function<double(const std::array<double, 3>&)>&,
                                       const std::array<double, 3>&, const std::array<double, 3>&, int);

}  // namespace qtrap::power
