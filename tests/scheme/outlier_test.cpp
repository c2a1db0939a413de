// Schemes that multiply outliers apart, whole: with all columns outliers they are the f16 product of the dequantized
// weights, with none the int8 product, in between what the host computes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/half.hpp"
#include "scheme/pass.hpp"
#include "scheme/verify/reference.hpp"
#include "support/device_fixture.hpp"

namespace qtrap::scheme {
namespace {

using device::Buffer;

constexpr ProjectionShape kShapes[] = {{40, 64}, {33, 257}};
constexpr std::uint64_t kTokens[] = {1, 2, 4, 8, 16, 17};
constexpr std::uint64_t kSeed = 77;

float normal(std::uint64_t i, float sigma, std::uint64_t stream) { return reference_random(i, sigma, kSeed, stream); }

HalfBits numbers(std::uint64_t count, std::uint64_t stream, float (*of)(float)) {
  HalfBits bits;
  for (std::uint64_t i = 0; i < count; ++i) bits.push_back(half_from_float(of(normal(i, 1.0F, stream))));
  return bits;
}
float small(float value) { return std::clamp(value, -6.0F, 6.0F); }
float large(float value) { return std::copysign(6.01F + std::fabs(value), value); }

/// A scheme with outliers apart that has a place for each column.
SchemeInfo with_all_places(std::uint64_t columns) {
  SchemeInfo scheme = find_scheme("llm-int8").value();
  scheme.outliers->fewest_places = columns;
  return scheme;
}

class OutlierTest : public test::DeviceTest {
 protected:
  struct Problem {
    ProjectionShape shape;
    HalfBits weights, x;
    std::uint64_t tokens;
  };

  /// y = W x, as floats.
  std::vector<float> multiply(const SchemeInfo& scheme, const std::string& family, const Problem& problem) {
    const PassMaker maker(device(), {family, 128});
    const auto [rows, columns] = problem.shape;
    const Weights weights = allocate_weights(device(), scheme.weights, problem.shape, 128).value();
    upload_weights(device(), format::quantize(problem.weights, scheme.weights, problem.shape, 128), weights);
    const Buffer x = device().make_buffer(2 * problem.tokens * columns).value();
    const Buffer y = device().make_buffer(2 * problem.tokens * rows).value();
    device::write_vector(device(), x, problem.x);
    const auto passes = SchemePasses::make(maker, scheme, problem.tokens, {problem.shape}).value();
    auto all = passes.input_passes(x, columns).value();
    for (Pass& pass : passes.projection_passes(weights, x, y).value()) all.push_back(std::move(pass));
    for (const Pass& pass : all) device().enqueue(pass.launch);
    std::vector<float> out;
    for (const std::uint16_t bits : device::read_vector<std::uint16_t>(device(), y, problem.tokens * rows))
      out.push_back(float_from_half(bits));
    return out;
  }

  /// Calls `check(family, problem)` with weights and activations of every shape and number of tokens.
  template <class Check>
  void for_each_problem(float (*activation)(float), Check&& check) {
    device().probe_capabilities();
    for (const std::string family : {"reference", "cpu", "gpu"}) {
      for (const ProjectionShape shape : kShapes) {
        for (const std::uint64_t tokens : kTokens) {
          SCOPED_TRACE(family + ", " + std::to_string(shape.columns) + " columns, " + std::to_string(tokens));
          const auto weight = [](float value) { return 0.1F * value; };
          check(family, Problem{shape, numbers(shape.rows * shape.columns, 1, weight),
                                numbers(tokens * shape.columns, 2, activation), tokens});
        }
      }
    }
  }
};

TEST_F(OutlierTest, AllColumnsGiveTheF16ProductOfTheDequantizedWeights) {
  for_each_problem(large, [&](const std::string& family, const Problem& problem) {
    EXPECT_EQ(multiply(with_all_places(problem.shape.columns), family, problem),
              multiply(find_scheme("w8a16-split").value(), family, problem));
  });
}

TEST_F(OutlierTest, AllColumnsGiveTheAnchorsProductOfWeightsThatInt8HoldsExactly) {
  for_each_problem(large, [&](const std::string& family, Problem problem) {
    const std::uint64_t columns = problem.shape.columns;
    for (std::uint64_t i = 0; i < problem.weights.size(); ++i) {
      const auto code = static_cast<float>(static_cast<std::int64_t>(i * 37 % 255) - 127);
      problem.weights[i] = half_from_float((i % columns == 0 ? 127.0F : code) * 0x1p-9F);
    }
    EXPECT_EQ(multiply(with_all_places(columns), family, problem),
              multiply(find_scheme("f16").value(), family, problem));
  });
}

TEST_F(OutlierTest, NoneGivesTheInt8Product) {
  for_each_problem(small, [&](const std::string& family, Problem problem) {
    problem.x.back() = half_from_float(-6.0F);  // as large as an activation can be without being an outlier
    const auto expected = multiply(find_scheme("w8a8").value(), family, problem);
    EXPECT_EQ(multiply(find_scheme("llm-int8").value(), family, problem), expected);
    EXPECT_EQ(multiply(with_all_places(problem.shape.columns), family, problem), expected);
  });
}

/// Outliers in every seventh column of one token each, times the dequantized weights in double; the others as int8
/// codes times int8 codes.
TEST_F(OutlierTest, AMixIsTheSumOfBothProducts) {
  for_each_problem(small, [&](const std::string& family, Problem problem) {
    const auto [rows, columns] = problem.shape;
    for (std::uint64_t k = 3; k < columns; k += 7) {
      problem.x[k % problem.tokens * columns + k] = half_from_float(k % 2 == 0 ? 60.0F : -6.004F);
    }
    for (const SchemeInfo& scheme : {find_scheme("llm-int8").value(), with_all_places(columns)}) {
      const HostOutliers outliers = reference_outliers(problem.x, problem.tokens, columns, *scheme.outliers);
      const std::uint64_t found = (columns + 3) / 7;
      EXPECT_EQ(outliers.counts[0], std::min(found, scheme.outliers->count_places(columns)));
      EXPECT_EQ(outliers.counts[0] + outliers.counts[1], found);
      const HostActivations codes =
          reference_quantize_activations(reference_inliers(problem.x, outliers), problem.tokens, columns, 128);
      const HostWeights weights = format::quantize(problem.weights, scheme.weights, problem.shape, 128);
      const std::vector<float> y = multiply(scheme, family, problem);
      for (std::uint64_t i = 0; i < y.size(); ++i) {
        const std::uint64_t t = i / rows, r = i % rows;
        double sum = 0, products = 0, magnitude = 0;
        for (std::uint64_t k = 0; k < columns; ++k) {
          const std::uint64_t at = t * columns + k;
          const double weight = weights.value(r, k);
          sum += weight * static_cast<double>(codes.codes[at]) * static_cast<double>(codes.scales[t]);
          if (outliers.mask[k] != 0) continue;
          // Dequantized to f16, as the kernel multiplies it.
          products += static_cast<double>(float_from_half(half_from_float(static_cast<float>(weight)))) *
                      static_cast<double>(float_from_half(problem.x[at]));
          magnitude += std::fabs(weight) * std::fabs(static_cast<double>(float_from_half(problem.x[at])));
        }
        // Two roundings to f16, of the products and of the sum, and those of f32.
        const double tolerance = 0x1p-11 * (std::fabs(products) + std::fabs(sum + products)) +
                                 (static_cast<double>(columns) + 16) * 0x1p-24 * (magnitude + std::fabs(sum)) + 0x1p-24;
        ASSERT_NEAR(static_cast<double>(y[i]), sum + products, tolerance) << i;
      }
    }
  });
}

TEST_F(OutlierTest, ApartTheyCostTheOthersNoPrecision) {
  for_each_problem(small, [&](const std::string& family, Problem problem) {
    const auto [rows, columns] = problem.shape;
    for (std::uint64_t t = 0; t < problem.tokens; ++t) problem.x[t * columns + 11] = half_from_float(1000.0F);
    const auto exact = multiply(find_scheme("w8a16-split").value(), family, problem);
    const auto error_of = [&](std::string_view scheme) {
      const auto y = multiply(find_scheme(scheme).value(), family, problem);
      double sum = 0;
      for (std::uint64_t i = 0; i < y.size(); ++i) sum += std::pow(static_cast<double>(y[i] - exact[i]), 2);
      return std::sqrt(sum / static_cast<double>(y.size()));
    };
    EXPECT_LT(4 * error_of("llm-int8"), error_of("w8a8"));
  });
}

TEST_F(OutlierTest, AnActivationThatIsNotFiniteGivesResultsThatAreNotFinite) {
  for_each_problem(small, [&](const std::string& family, Problem problem) {
    for (const std::uint16_t odd : {0x7C00, 0xFC00, 0x7E00}) {  // both infinities, NaN
      problem.x[5] = odd;
      const auto y = multiply(find_scheme("llm-int8").value(), family, problem);
      for (std::uint64_t r = 0; r < problem.shape.rows; ++r) EXPECT_FALSE(std::isfinite(y[r])) << odd << ", row " << r;
    }
  });
}

}  // namespace
}  // namespace qtrap::scheme
