#include "fit/leave_one_out.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/statistics.hpp"
#include "core/threads.hpp"

namespace qtrap::fit {
namespace {

using Errors = std::vector<double>;

/// Whether a group's windows without one configuration span what all of them do (a rank of `whole`): else nothing holds
/// its prediction.
bool stands_without(const Group& group, std::size_t left_out, int whole) {
  Problem rest = group.problem;
  Regression fit = group.fit;
  rest.observations.clear();
  std::vector<double> weights;
  for (std::size_t i = 0; i < group.problem.observations.size(); ++i) {
    if (group.problem.observations[i].configuration == left_out) continue;
    rest.observations.push_back(group.problem.observations[i]);
    weights.push_back(group.fit.weights[static_cast<Eigen::Index>(i)]);
  }
  fit.weights = Eigen::Map<const Eigen::VectorXd>(weights.data(), static_cast<Eigen::Index>(weights.size()));
  return identify(rest, fit).rank == whole;
}

/// Relative errors of one configuration's cells, each by its group's fit without it.
Errors leave_out(std::span<const Group> groups, std::size_t left_out, std::size_t configurations) {
  Eigen::VectorXd factors = Eigen::VectorXd::Ones(static_cast<Eigen::Index>(configurations));
  factors[static_cast<Eigen::Index>(left_out)] = 0;
  Errors errors;
  for (const Group& group : groups) {
    const Eigen::VectorXd beta = solve_weighted({&group, 1}, factors);
    for (const Observation& seen : group.problem.observations) {
      if (seen.configuration == left_out) errors.push_back(predict_observation(group, seen, beta) / seen.magnitude - 1);
    }
  }
  return errors;
}

LooError summarize(const std::vector<Errors>& errors) {
  LooError mean;
  double used = 0;
  for (const Errors& one : errors) {
    if (one.empty()) continue;
    double size = 0;
    for (const double error : one) size += std::abs(error);
    mean.pooled += std::abs(compute_mean(one));
    mean.session += size / static_cast<double>(one.size());
    used += 1;
  }
  return used > 0 ? LooError{mean.pooled / used, mean.session / used} : LooError{};
}

}  // namespace

std::optional<LooError> compute_loo(const Design& design, std::span<const Group> groups, const Identification& known,
                                    int threads) {
  const std::size_t configurations = design.configurations.size();
  if (configurations <= static_cast<std::size_t>(known.rank)) return std::nullopt;
  const bool only_probes = std::all_of(design.configurations.begin(), design.configurations.end(),
                                       [](const Configuration& c) { return c.probe; });
  std::vector<int> whole;  // a session may span less than another: each has its own windows and roofs
  std::transform(groups.begin(), groups.end(), std::back_inserter(whole),
                 [](const Group& group) { return identify(group.problem, group.fit).rank; });
  std::vector<Errors> errors(configurations);
  std::vector<char> stands(configurations, 1);
  for_each_index(static_cast<int>(configurations), threads, [&](int left_out) {
    const auto c = static_cast<std::size_t>(left_out);
    if (design.configurations[c].probe && !only_probes) return;
    for (std::size_t g = 0; g < groups.size() && stands[c] != 0; ++g)
      stands[c] = stands_without(groups[g], c, whole[g]) ? 1 : 0;
    if (stands[c] != 0) errors[c] = leave_out(groups, c, configurations);
  });
  if (std::count(stands.begin(), stands.end(), 0) > 0) return std::nullopt;
  return summarize(errors);
}

}  // namespace qtrap::fit
