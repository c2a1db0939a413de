// How well a fit predicts a configuration that it has not seen. Private to the fit.
#pragma once

#include <optional>
#include <span>

#include "fit/groups.hpp"

namespace qtrap::fit {

struct LooError {
  double pooled = 0;   ///< FormFit::loo_mape
  double session = 0;  ///< FormFit::loo_mape_session
};

/// Leaves each configuration out in turn; probes only where there is nothing else. None where the rest does not span
/// what all do, or where there are no more configurations than costs (the rank of `known`): the error would be of a
/// prediction that nothing holds.
std::optional<LooError> compute_loo(const Design& design, std::span<const Group> groups, const Identification& known,
                                    int threads);

}  // namespace qtrap::fit
