#include "campaign/losses.hpp"

#include <fmt/format.h>

#include "core/anchor.hpp"
#include "scheme/catalogue/kernel_table.hpp"

namespace qtrap::campaign {
Losses::Kind Losses::avoid(const std::string& kernel, const std::string& reason) {
  return kernels_.emplace(kernel, reason).second ? Kind::kKernel : Kind::kNothingNew;
}

Losses::Kind Losses::take(const measure::Progress& progress, const std::string& reason) {
  if (!progress.running.empty() && progress.step.kind == device::Step::Kind::kBuild) {
    if (!alone_) {
      alone_ = true;
      return Kind::kKernel;
    }
    return avoid(progress.step.kernel, reason);
  }
  if (progress.step.kind == device::Step::Kind::kLaunch && variant_.empty() &&
      scheme::is_fast_variant(progress.step.kernel))
    return avoid(progress.step.kernel, reason);
  const bool whole = progress.activity == measure::kWeights || progress.activity == measure::kActivations;
  if (whole || !progress.running.empty()) {
    const std::string point = fmt::format("{}/{}", progress.cell_id, whole ? kAnchor : progress.running);
    if (!points_.insert(point).second) return Kind::kNothingNew;
    return whole ? Kind::kCell : Kind::kScheme;
  }
  return !progress.activity.empty() && activities_.emplace(progress.activity, reason).second ? Kind::kActivity
                                                                                             : Kind::kNothingNew;
}

void Losses::add_arguments(std::vector<std::string>& arguments) const {
  if (alone_) arguments.emplace_back("--alone");
  for (const auto& [kernel, reason] : kernels_)
    arguments.insert(arguments.end(), {"--avoid", fmt::format("{}={}", kernel, reason)});
  for (const auto& point : points_) arguments.insert(arguments.end(), {"--lost", point});
  for (const auto& [activity, reason] : activities_)
    arguments.insert(arguments.end(), {"--left-out", fmt::format("{}={}", activity, reason)});
}

}  // namespace qtrap::campaign
