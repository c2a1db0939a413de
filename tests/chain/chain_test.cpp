// Chains of a small shape on whatever device OpenCL offers: counts against what is really bound, cycling,
// reproducibility.
#include "chain/chain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "chain/layout.hpp"
#include "model/step.hpp"
#include "support/device_fixture.hpp"
#include "support/tiny_model.hpp"

namespace qtrap::chain {
namespace {

using ::testing::HasSubstr;

profile::ModelProfile tiny() { return test::tiny_model({.layers = 3}); }

std::vector<scheme::SchemeInfo> every_scheme() { return {scheme::all_schemes().begin(), scheme::all_schemes().end()}; }

Demand demand(std::uint64_t tokens, std::uint64_t layers) { return {every_scheme(), {tokens}, 128, 0.5, layers}; }

TEST(ProjectionShapes, FollowTheHeadsAndTheFeedForwardWidth) {
  const auto shapes = projection_shapes(model::make_step(tiny()), model::make_step(tiny()).layer);
  EXPECT_EQ(shapes[0], (scheme::ProjectionShape{96, 96}));
  EXPECT_EQ(shapes[1], (scheme::ProjectionShape{48, 96}));
  EXPECT_EQ(shapes[4], (scheme::ProjectionShape{160, 96}));
  EXPECT_EQ(shapes[6], (scheme::ProjectionShape{96, 160}));
  std::uint64_t weights = 0;
  for (const auto& shape : shapes) weights += shape.rows * shape.columns;
  EXPECT_EQ(3 * weights, static_cast<std::uint64_t>(model::compute_step_parameters(tiny())));
}

device::DeviceInfo card(std::uint64_t memory, std::uint64_t cache) {
  device::DeviceInfo info;
  info.name = "card";
  info.type = device::DeviceType::kCpu;
  info.memory_bytes = memory;
  info.max_alloc_bytes = memory;
  info.cache_bytes = cache;
  return info;
}

TEST(MemoryPlan, HoldsAllLayersWhereTheyFit) {
  const auto plan = plan_memory(card(std::uint64_t{1} << 30, 1024), tiny(), demand(1, 3)).value();
  EXPECT_EQ(plan.resident_layers, 3U);
  EXPECT_LE(plan.total_bytes(), plan.budget_bytes);
}

TEST(MemoryPlan, CyclesThroughAsManyLayersAsFit) {
  const auto all = plan_memory(card(std::uint64_t{1} << 30, 1024), tiny(), demand(1, 1000)).value();
  const std::uint64_t room_for_two = 2 * (all.fixed_bytes + 2 * all.bytes_per_layer) + all.bytes_per_layer;
  EXPECT_EQ(plan_memory(card(room_for_two, 1024), tiny(), demand(1, 1000)).value().resident_layers, 2U);
}

TEST(MemoryPlan, RefusesToCycleInsideTheCache) {
  const auto all = plan_memory(card(std::uint64_t{1} << 30, 1024), tiny(), demand(1, 1000)).value();
  const std::uint64_t room_for_two = 2 * (all.fixed_bytes + 2 * all.bytes_per_layer) + all.bytes_per_layer;
  const auto plan = plan_memory(card(room_for_two, std::uint64_t{1} << 25), tiny(), demand(1, 1000));
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(plan.error().message(), HasSubstr("2 layers resident"));
  EXPECT_THAT(plan.error().message(), HasSubstr("memory_fraction"));
}

TEST(MemoryPlan, NamesTheModelThatDoesNotFit) {
  const auto plan = plan_memory(card(100000, 1024), tiny(), demand(1, 3));
  ASSERT_FALSE(plan.ok());
  EXPECT_THAT(plan.error().message(), HasSubstr("tiny"));
  auto small_allocations = card(std::uint64_t{1} << 30, 1024);
  small_allocations.max_alloc_bytes = 1000;
  EXPECT_THAT(plan_memory(small_allocations, tiny(), demand(1, 3)).error().message(), HasSubstr("largest allocation"));
}

/// Everything that make() allocates beyond the layers is in the plan: caches with the positions, head and embedding
/// with the vocabulary.
TEST(MemoryPlan, OfADecoderCountsHeadAndCaches) {
  const auto fixed = [](const profile::ModelProfile& model, std::uint64_t capacity, model::Workload workload) {
    Demand wanted{{scheme::find_scheme("f16").value()}, {4}, 128, 0.9, 3};
    wanted.workload = workload;
    wanted.capacity = capacity;
    return plan_memory(card(std::uint64_t{1} << 32, 1024), model, wanted).value().fixed_bytes;
  };
  const std::uint64_t short_context = fixed(tiny(), 100, model::Workload::kDecoder);
  // A position: keys and values in f16 of three layers and four sequences with two heads of 24, 24 f32 of angles;
  // beyond 64 positions attention of four tokens has no more parts here.
  EXPECT_EQ(fixed(tiny(), 101, model::Workload::kDecoder) - short_context, 2 * 2 * 3 * 4 * 48 + 4 * 24U);
  profile::ModelProfile tied = tiny();
  tied.tied_embeddings = true;
  EXPECT_EQ(short_context - fixed(tied, 100, model::Workload::kDecoder), 2 * 1000 * 96U);
  EXPECT_GT(fixed(tied, 100, model::Workload::kDecoder), fixed(tied, 100, model::Workload::kProjections) +
                                                             std::uint64_t{2} * 1000 * 96 +
                                                             std::uint64_t{2} * 2 * 3 * 4 * 48 * 100);
}

/// Chains of a prompt and those of decode are not there at once: the plan has room for the larger.
TEST(MemoryPlan, HasRoomForAPrompt) {
  const auto fixed = [](std::uint64_t capacity, std::uint64_t prompt, std::int64_t vocab = 1000) {
    profile::ModelProfile model = tiny();
    model.vocab = vocab;
    Demand wanted{{scheme::find_scheme("w8a8").value()}, {4}, 128, 0.9, 3};
    wanted.workload = model::Workload::kDecoder;
    wanted.capacity = capacity;
    wanted.prompt = prompt;
    return plan_memory(card(std::uint64_t{1} << 32, 1024), model, wanted).value().fixed_bytes;
  };
  EXPECT_EQ(fixed(5000, 10), fixed(5000, 0)) << "a short one beside a long context";
  EXPECT_GT(fixed(100, 200), fixed(100, 0));
  // 100 tokens more of four sequences: caches and angles as above, and each activation but those of the head.
  const std::uint64_t activations = 2 * (96 + 96 + 96 + 96 + 48 + 48 + 96 + 96 + 3 * 160) + 4;
  EXPECT_GE(fixed(100, 300) - fixed(100, 200),
            std::uint64_t{100} * (2 * 2 * 3 * 4 * 48 + 4 * 24U) + std::uint64_t{4} * 100 * activations);
  EXPECT_EQ(fixed(100, 300) - fixed(100, 200), fixed(100, 300, 9000) - fixed(100, 200, 9000)) << "no logits of all";
}

TEST(MemoryPlan, OfADecoderCountsTheCachesOfEachFormatOnce) {
  const auto fixed = [](const std::vector<const char*>& schemes) {
    Demand wanted{{}, {4}, 128, 0.9, 3};
    for (const char* name : schemes) wanted.schemes.push_back(scheme::find_scheme(name).value());
    wanted.workload = model::Workload::kDecoder;
    wanted.capacity = 100;
    return plan_memory(card(std::uint64_t{1} << 32, 1024), tiny(), wanted).value().fixed_bytes;
  };
  // Keys and values of three layers, four sequences, 100 positions and two heads of 24: codes and an f32.
  constexpr std::uint64_t kCaches = std::uint64_t{2} * 3 * 4 * 100 * 2 * (24 + 4);
  EXPECT_EQ(fixed({"f16", "w8a16-fused", "f16-kv8"}) - fixed({"f16", "w8a16-fused", "f16"}), kCaches);
  EXPECT_EQ(fixed({"f16", "w8a16-fused-kv8", "f16-kv8"}) - fixed({"f16", "w8a16-fused", "f16"}), kCaches);
}

TEST(CacheBytes, AreThoseOfTheFormatAtEachPositionOfAStep) {
  const model::Step step = model::make_step(tiny(), model::Workload::kDecoder);
  const profile::Cell cell{"tiny", 4, 1, 2, 10};
  // Two steps read 11 and 12 positions of four sequences with two heads, each a key and a value.
  EXPECT_EQ(compute_cache_bytes(step, cell, CacheFormat::kF16), 2 * 2 * 4 * 23 * 48);
  EXPECT_EQ(compute_cache_bytes(step, cell, CacheFormat::kInt8), 2 * 2 * 4 * 23 * 28);
  EXPECT_EQ(compute_cache_bytes(model::make_step(tiny()), cell, CacheFormat::kInt8), 0);
}

TEST(MemoryPlan, OfJoinedProjectionsHoldsTheirTensorsOnce) {
  const auto plan = [](const char* scheme, model::Workload workload, Join join) {
    Demand wanted{{scheme::find_scheme(scheme).value()}, {4}, 128, 0.9, 3};
    wanted.workload = workload;
    wanted.capacity = 100;
    wanted.join = join;
    return plan_memory(card(std::uint64_t{1} << 32, 1024), tiny(), wanted).value();
  };
  for (const auto workload : {model::Workload::kProjections, model::Workload::kDecoder}) {
    const auto apart = plan("f16", workload, Join::kNone);
    const auto joined = plan("f16", workload, Join::kAll);
    EXPECT_EQ(joined.bytes_per_layer, apart.bytes_per_layer);
    // The query turned lies beside the product that it is part of.
    const std::uint64_t turned = workload == model::Workload::kDecoder ? std::uint64_t{2} * 4 * 96 : 0;
    EXPECT_EQ(joined.fixed_bytes - apart.fixed_bytes, turned);
  }
  // The split scheme expands the largest matrix, of gate and up: 320 x 96 in place of 160 x 96.
  EXPECT_EQ(plan("w8a16-split", model::Workload::kProjections, Join::kAll).fixed_bytes -
                plan("w8a16-split", model::Workload::kProjections, Join::kNone).fixed_bytes,
            std::uint64_t{2} * 160 * 96);
}

class OnChain : public test::DeviceTest, public ::testing::WithParamInterface<std::uint64_t> {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (IsSkipped()) return;
    maker_.emplace(*device_, scheme::PassOptions{"", 128});
  }

  ResidentModel make_model(std::uint64_t tokens, std::uint64_t layers, std::uint64_t resident, std::uint64_t seed = 1) {
    return ResidentModel::make(*maker_, tiny(), demand(tokens, layers), resident, seed).value();
  }

  std::vector<float> run(const ResidentModel& model, std::uint64_t tokens, std::uint64_t steps, std::string_view scheme,
                         std::uint64_t seed = 1) {
    const auto activations = Activations::make(*maker_, tiny(), tokens, seed).value();
    auto chain = Chain::make(*maker_, model, activations, scheme::find_scheme(scheme).value()).value();
    chain.reset();
    chain.enqueue_steps(steps, false);
    device_->finish();
    return chain.read_output();
  }

  std::optional<scheme::PassMaker> maker_;
};

INSTANTIATE_TEST_SUITE_P(Tokens, OnChain, ::testing::Values(1, 3, 8, 17));

TEST_P(OnChain, BytesOfAStepAreThoseOfTheBuffersBoundAsOpenClReportsThem) {
  const auto model = make_model(GetParam(), 3, 3);
  const auto activations = Activations::make(*maker_, tiny(), GetParam(), 1).value();
  for (const auto& scheme : scheme::all_schemes()) {
    const auto chain = Chain::make(*maker_, model, activations, scheme).value();
    std::uint64_t bound = 0;
    std::uint64_t launches = 0;
    chain.for_each_pass([&](const scheme::Pass& pass) {
      ++launches;
      for (const auto& argument : pass.buffers) {
        bound += argument.buffer.queried_size_bytes() * (argument.access == device::Access::kReadWrite ? 2U : 1U);
      }
    });
    if (scheme.outliers) {  // gathered buffers count the places alone (outlier_test.cpp)
      EXPECT_LT(chain.step_costs().bytes, bound) << scheme.name;
    } else {
      EXPECT_EQ(chain.step_costs().bytes, bound) << scheme.name;
    }
    EXPECT_EQ(chain.step_costs().launches, launches) << scheme.name;
    EXPECT_EQ(chain.step_roles().size(), launches) << scheme.name;
  }
}

TEST_P(OnChain, WhatFollowsTheLastLayerIsKnownWithoutAChain) {
  const auto activations = Activations::make(*maker_, tiny(), GetParam(), 1).value();
  const auto costs_of = [&](std::uint64_t layers) {
    return Chain::make(*maker_, make_model(GetParam(), layers, 3), activations, scheme::all_schemes()[0])
        .value()
        .step_costs();
  };
  const scheme::Costs three = costs_of(3);
  const scheme::Costs six = costs_of(6);
  const scheme::Costs last = compute_final_costs(model::make_step(tiny()), GetParam());
  EXPECT_EQ(last.bytes, 2 * three.bytes - six.bytes);
  EXPECT_EQ(last.launches, 2 * three.launches - six.launches);
}

TEST_P(OnChain, EveryProfiledLaunchGivesOneEvent) {
  const auto model = make_model(GetParam(), 3, 2);
  const auto activations = Activations::make(*maker_, tiny(), GetParam(), 1).value();
  for (const auto& scheme : scheme::all_schemes()) {
    auto chain = Chain::make(*maker_, model, activations, scheme).value();
    chain.reset();
    chain.enqueue_steps(2, true);
    EXPECT_EQ(device_->take_events().size(), 2 * chain.step_costs().launches) << scheme.name;
  }
}

TEST_P(OnChain, MultiplyAddsAreWeightsTimesTokens) {
  const auto model = make_model(GetParam(), 3, 3);
  const auto activations = Activations::make(*maker_, tiny(), GetParam(), 1).value();
  const auto weights = static_cast<std::uint64_t>(model::compute_step_parameters(tiny()));
  for (const auto& scheme : scheme::all_schemes()) {
    const auto chain = Chain::make(*maker_, model, activations, scheme).value();
    if (scheme.outliers) {  // and those of the outliers' places
      EXPECT_GT(chain.step_costs().macs, weights * GetParam()) << scheme.name;
    } else {
      EXPECT_EQ(chain.step_costs().macs, weights * GetParam()) << scheme.name;
    }
    if (scheme.split()) EXPECT_EQ(chain.step_costs().dequantized_weights, weights) << scheme.name;
  }
}

TEST_P(OnChain, TheSameSeedRepeatsToTheBitAndAnotherDiffers) {
  const auto tokens = GetParam();
  const auto first = run(make_model(tokens, 3, 3), tokens, 2, "f16");
  EXPECT_EQ(first, run(make_model(tokens, 3, 3), tokens, 2, "f16"));
  EXPECT_NE(first, run(make_model(tokens, 3, 3, 2), tokens, 2, "f16"));
  for (const float value : first) ASSERT_TRUE(std::isfinite(value));
}

TEST_P(OnChain, QuantizedChainsStayNearTheAnchorForAStep) {
  // One step of three layers: int8 errs by a few percent, int4 by tens, a wrong scale or layout by a factor. A framed
  // format: 3^(1/4) of its error of one layer, and more for a short output; 1.2 is below the sqrt(2) of two unrelated
  // outputs.
  const auto tokens = GetParam();
  const auto model = make_model(tokens, 3, 3);
  const auto want = run(model, tokens, 1, "f16");
  for (const auto& scheme : scheme::all_schemes()) {
    const auto got = run(model, tokens, 1, scheme.name);
    double difference = 0;
    double norm = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      difference += std::pow(got[i] - want[i], 2);
      norm += std::pow(want[i], 2);
    }
    const bool framed = !format::info(scheme.weights).header_option.empty();
    EXPECT_LT(std::sqrt(difference / norm), framed                      ? std::min(2.2 * scheme.step_error(), 1.2)
                                            : scheme.weight_bits() == 4 ? 0.4
                                            : scheme.weight_bits() == 8 ? 0.05
                                                                        : 1e-12)
        << scheme.name;
  }
}

TEST_P(OnChain, SplitAndFusedTwinsComputeTheSame) {
  const auto tokens = GetParam();
  const auto model = make_model(tokens, 3, 3);
  for (const auto& [split, fused] :
       {std::pair("w8a16-split", "w8a16-fused"), std::pair("w4a16-split", "w4a16-fused")}) {
    const auto a = run(model, tokens, 1, split);
    const auto b = run(model, tokens, 1, fused);
    double difference = 0;
    double norm = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      difference += std::pow(a[i] - b[i], 2);
      norm += std::pow(a[i], 2);
    }
    // They differ by the rounding of expanded weights to f16 (2^-11) and of activations between passes.
    EXPECT_LT(std::sqrt(difference / norm), 5e-3);
  }
}

/// Rows of weights are quantized each by itself, but for nvfp4's, whose matrices have one scale: joined the larger.
TEST_P(OnChain, JoinedProjectionsComputeWhatTheyComputeApart) {
  const auto tokens = GetParam();
  Demand joined = demand(tokens, 2);
  joined.join = Join::kAll;
  const auto together = ResidentModel::make(*maker_, tiny(), joined, 2, 1).value();
  const auto apart = make_model(tokens, 2, 2);
  EXPECT_EQ(together.layers[0].projections.at(format::kPlainFormat).size(), 4U);
  const auto activations = Activations::make(*maker_, tiny(), tokens, 1, Join::kAll).value();
  for (const auto& scheme : scheme::all_schemes()) {
    Chain chain = Chain::make(*maker_, together, activations, scheme).value();
    const Chain other =
        Chain::make(*maker_, apart, Activations::make(*maker_, tiny(), tokens, 1).value(), scheme).value();
    chain.reset();
    chain.enqueue_steps(2, false);
    device_->finish();
    const auto got = chain.read_output();
    const auto want = run(apart, tokens, 2, scheme.name);
    if (scheme.weights == scheme::WeightFormat::kNvfp4) {
      for (const float value : got) ASSERT_TRUE(std::isfinite(value)) << scheme.name;
    } else {
      EXPECT_EQ(got, want) << scheme.name << ", bit for bit";
    }
    const scheme::Costs costs = chain.step_costs();
    EXPECT_EQ(costs.macs, other.step_costs().macs) << scheme.name;
    EXPECT_LT(costs.launches, other.step_costs().launches) << scheme.name;
    if (scheme.name == "f16") {
      EXPECT_EQ(other.step_costs().launches - costs.launches, 2 * 3U) << "of two layers";
      EXPECT_LT(costs.bytes, other.step_costs().bytes) << "inputs are read by two products in place of five";
    }
  }
}

TEST_P(OnChain, MoreLayersThanMemoryCycleThroughTheResidentOnes) {
  const auto tokens = GetParam();
  const auto cycled = make_model(tokens, 5, 2);
  EXPECT_EQ(cycled.layers.size(), 2U);
  const auto activations = Activations::make(*maker_, tiny(), tokens, 1).value();
  const auto chain = Chain::make(*maker_, cycled, activations, scheme::all_schemes()[0]).value();
  const auto single = Chain::make(*maker_, make_model(tokens, 1, 1), activations, scheme::all_schemes()[0]).value();
  EXPECT_EQ(chain.step_costs().macs, 5 * single.step_costs().macs);
  // Layers 0, 1, 0, 1, 0 are not layers 0, 1, 2, 3, 4.
  EXPECT_NE(run(cycled, tokens, 1, "f16"), run(make_model(tokens, 5, 5), tokens, 1, "f16"));
}

TEST(Demand, IsOfTheCampaignsSchemesWithTheAnchorAndOfItsLayers) {
  profile::ModelProfile model;
  model.layers = 12;
  profile::Campaign campaign;
  campaign.schemes = {"w4a8", "w8a8"};
  campaign.batch = {1, 16};
  campaign.group_size = 64;
  const Demand all = make_demand(campaign, model);
  std::vector<std::string_view> names;
  for (const scheme::SchemeInfo& scheme : all.schemes) names.push_back(scheme.name);
  EXPECT_EQ(names, (std::vector<std::string_view>{"f16", "w4a8", "w8a8"}));
  EXPECT_EQ(all.tokens, (std::vector<std::uint64_t>{1, 16}));
  EXPECT_EQ(all.group_size, 64U);
  EXPECT_EQ(all.layers_to_run, 12U);
  EXPECT_EQ(all.prompt, 0U);
  campaign.prompt_tokens = {64, 512, 128};
  EXPECT_EQ(make_demand(campaign, model).prompt, 512U);
  campaign.layers_limit = 2;
  EXPECT_EQ(make_demand(campaign, model).layers_to_run, 2U);
  campaign.layers_limit = 20;
  EXPECT_EQ(make_demand(campaign, model).layers_to_run, 12U);
}

}  // namespace
}  // namespace qtrap::chain
