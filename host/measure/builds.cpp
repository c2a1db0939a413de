#include "measure/builds.hpp"

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "chain/layout.hpp"
#include "model/step.hpp"
#include "profile/cell.hpp"
#include "profile/profile.hpp"
#include "scheme/pass_factory.hpp"

namespace qtrap::measure {
namespace {

void build_rows(const scheme::PassMaker& maker, const std::vector<scheme::PassRow>& rows) {
  for (const scheme::PassRow& row : rows)
    (void)scheme::build_kernel(maker.device(), maker.options(), row.operation, row.extent);
}

void build_scheme(const scheme::PassMaker& maker, const profile::ModelProfile& model, std::uint64_t tokens,
                  const scheme::SchemeInfo& info) {
  const std::uint32_t group = maker.options().group_size;
  const model::Step step = model::make_step(model);
  for (const scheme::ProjectionShape& shape : chain::projection_shapes(step, step.layer)) {
    const auto kernels = scheme::resolve_kernels(maker.device(), maker.options());
    build_rows(maker, scheme::input_pass_table(info, kernels, group, tokens, shape.columns));
    build_rows(maker, scheme::projection_pass_table(info, kernels, group, tokens, shape));
  }
}

}  // namespace

void build_kernels(const scheme::PassMaker& maker, const SessionPlan& plan,
                   const std::function<bool(const profile::Cell&, const std::string& scheme)>& on_scheme) {
  std::set<std::pair<std::string, std::int64_t>> seen;
  for (const profile::Cell& cell : plan.cells) {
    if (!seen.emplace(cell.model, cell.batch).second) continue;
    for (const auto& name : profile::schemes_with_anchor(plan.campaign)) {
      if (!on_scheme(cell, name)) return;
      build_scheme(maker, plan.models.at(cell.model), static_cast<std::uint64_t>(cell.batch),
                   scheme::find_scheme(name).value());
    }
  }
}

}  // namespace qtrap::measure
