#include "fit/scaling.hpp"

#include <gtest/gtest.h>

#include "fit/synthetic.hpp"

namespace qtrap::fit {
namespace {

/// Steps that take `per_layer` seconds a layer and `per_param` a parameter, with 1 % noise, in two sessions.
std::vector<Row> make_rows(const std::string& scheme, double per_layer, double per_param) {
  PhiloxStream random(3);
  std::vector<Row> rows;
  for (int session = 0; session < 2; ++session) {
    for (const synthetic::Shape& shape : synthetic::uneven_shapes()) {
      Row row;
      row.workload = synthetic::make_workload(shape, "f16", 1);
      row.workload.scheme = scheme;
      row.workload.counts = {};
      row.session = session;
      row.time_s = row.workload.steps * (per_layer * shape.layers + per_param * row.workload.params_step) *
                   (1 + 0.01 * synthetic::draw_normal(random));
      row.energy_j = 100 * *row.time_s;
      rows.push_back(row);
    }
  }
  return rows;
}

FitOptions quick() {
  FitOptions options;
  options.replicates = 40;
  return options;
}

TEST(Scaling, TellsLayersFromParameters) {
  std::vector<Row> rows = make_rows("f16", 4.4e-4, 1e-12);
  const std::vector<Row> more = make_rows("fp8", 1e-4, 2e-11);
  rows.insert(rows.end(), more.begin(), more.end());
  const std::vector<Scaling> found = fit_scaling(rows, Quantity::kTime, quick());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].scheme, "f16");
  EXPECT_NEAR(*found[0].per_layer.value, 4.4e-4, 0.05 * 4.4e-4);
  EXPECT_GT(found[0].layer_share, 0.75);
  EXPECT_EQ(found[1].scheme, "fp8");
  EXPECT_NEAR(*found[1].per_param.value, 2e-11, 0.05 * 2e-11);
  EXPECT_LT(found[1].layer_share, 0.25);
  EXPECT_LT(found[1].loo_mape, 0.03);
  EXPECT_EQ(found[1].sizes_used.size(), 8U);
  EXPECT_EQ(found[1].per_param.unit, "s/parameter");
}

// Noise of 1 % in both schemes: a ratio of two left-out predictions is off by about as much.
TEST(Scaling, PredictsTheRatioOfModelsLeftOut) {
  std::vector<Row> rows = make_rows("f16", 4.4e-4, 1e-12);
  const std::vector<Row> more = make_rows("fp8", 1e-4, 2e-11);
  rows.insert(rows.end(), more.begin(), more.end());
  std::vector<Scaling> found = fit_scaling(rows, Quantity::kTime, quick());
  EXPECT_FALSE(found[0].ratio_loo_mape);
  EXPECT_LT(found[1].ratio_loo_mape.value(), 0.03);
  // One model off by half is seen where it is left out and where it misleads the others.
  for (Row& row : rows) {
    if (row.workload.scheme == "fp8" && row.workload.model == "s32") *row.time_s *= 1.5;
  }
  found = fit_scaling(rows, Quantity::kTime, quick());
  EXPECT_GT(found[1].ratio_loo_mape.value(), 0.04);
  std::erase_if(rows,
                [](const Row& row) { return row.workload.layers > 30; });  // s0.5, s0.6, s1.7: one at 28 layers left
  std::erase_if(rows, [](const Row& row) { return row.workload.model == "s1.7"; });
  EXPECT_FALSE(fit_scaling(rows, Quantity::kTime, quick())[1].ratio_loo_mape);  // fewer than three models
}

TEST(Scaling, TakesEnergyGross) {
  const std::vector<Scaling> found = fit_scaling(make_rows("f16", 4.4e-4, 1e-12), Quantity::kEnergy, quick());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(*found[0].per_layer.value, 4.4e-2, 0.05 * 4.4e-2);
  EXPECT_EQ(found[0].per_layer.unit, "J/layer");
}

TEST(Scaling, RefusesModelsThatAllHaveTheSameProportions) {
  std::vector<Row> rows = make_rows("f16", 1e-4, 1e-11);
  for (Row& row : rows) {
    row.workload.params_step = 1e7 * row.workload.layers;
    row.time_s = row.workload.steps * row.workload.layers * 1e-3;
  }
  const std::vector<Scaling> found = fit_scaling(rows, Quantity::kTime, quick());
  EXPECT_FALSE(found[0].per_layer.value || found[0].per_param.value);
  EXPECT_EQ(found[0].per_param.reason, "the models measured do not tell layers and parameters apart");
}

TEST(Scaling, LeavesOutRowsWithoutLayers) {
  std::vector<Row> rows = make_rows("f16", 1e-4, 1e-11);
  for (Row& row : rows) row.workload.layers = 0;
  EXPECT_TRUE(fit_scaling(rows, Quantity::kTime, quick()).empty());
}

}  // namespace
}  // namespace qtrap::fit
