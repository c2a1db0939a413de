// The first build of every kernel of a session, before anything is measured: what a compiler refuses, or dies of, is
// known by then and costs no measurement.
#pragma once

#include <functional>
#include <string>

#include "measure/session.hpp"
#include "profile/cell.hpp"
#include "scheme/pass.hpp"

namespace qtrap::measure {

/// Builds the kernels of every scheme's projections at every model and batch of the plan's cells; fast variants that
/// fail are avoided from now on (device::DeviceInfo::avoided). Errors of plain kernels are left to whoever uses them.
/// `on_scheme` is told of each cell and scheme before its builds; false from it ends them.
void build_kernels(const scheme::PassMaker& maker, const SessionPlan& plan,
                   const std::function<bool(const profile::Cell&, const std::string& scheme)>& on_scheme);

}  // namespace qtrap::measure
