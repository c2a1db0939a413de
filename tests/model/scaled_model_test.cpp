#include "model/scaled_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "model/step.hpp"

namespace qtrap::model {
namespace {

profile::ModelProfile shape(const char* name, std::int64_t hidden, std::int64_t ffn, std::int64_t layers,
                            std::int64_t heads) {
  profile::ModelProfile model;
  model.name = name;
  model.hidden = hidden;
  model.ffn = ffn;
  model.layers = layers;
  model.heads = heads;
  model.kv_heads = 8;
  model.head_dim = 128;
  model.vocab = 151936;
  model.source = "made for a test";
  model.family = "qwen";
  return model;
}

TEST(ScaledModel, LiesBetweenAndSaysWhatItIs) {
  const auto lower = shape("a", 1024, 3072, 28, 16);
  const auto upper = shape("b", 2560, 9728, 36, 32);
  const profile::ModelProfile between = scale_between(lower, upper).value();
  EXPECT_GT(compute_parameters(between), compute_parameters(lower));
  EXPECT_LT(compute_parameters(between), compute_parameters(upper));
  EXPECT_EQ(between.hidden, 1664);  // sqrt(1024 x 2560) = 1619 in steps of 128
  EXPECT_EQ(between.layers, 32);
  EXPECT_EQ(between.heads % between.kv_heads, 0);
  EXPECT_EQ(between.name, "a-b-scaled");
  EXPECT_EQ(between.family, "qwen");
  EXPECT_THAT(between.source, ::testing::HasSubstr("no published model"));
  EXPECT_EQ(profile::parse_model(profile::to_json(between), "f").value(), between);
}

TEST(ScaledModel, NoneBetweenTwoOfOneSize) {
  const auto model = shape("a", 1024, 3072, 28, 16);
  EXPECT_FALSE(scale_between(model, model));
}

TEST(ScaledModel, NoneWhoseNameNoFileCouldHave) {
  const std::string name(60, 'n');
  EXPECT_FALSE(scale_between(shape(name.c_str(), 1024, 3072, 28, 16), shape(name.c_str(), 2560, 9728, 36, 32)));
}

TEST(ScaledModel, AModelWithoutAFamilyIsReadBackToo) {
  auto model = shape("a", 1024, 3072, 28, 16);
  model.family.clear();
  EXPECT_EQ(profile::parse_model(profile::to_json(model), "f").value(), model);
}

}  // namespace
}  // namespace qtrap::model
