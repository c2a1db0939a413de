// Activations in e4m3: every f16 rounds to the nearest of e4m3's numbers on every family, and a projection is the sum
// of the products of what both codes stand for.
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

/// Of the positive codes, from the definition of the format: four bits of exponent with bias 7, three of mantissa.
std::vector<double> list_numbers() {
  std::vector<double> numbers;
  for (int code = 0; code < 127; ++code) {
    const int exponent = code / 8, mantissa = code % 8;
    numbers.push_back(exponent == 0 ? mantissa / 512.0 : (8 + mantissa) * std::ldexp(1.0, exponent - 10));
  }
  return numbers;
}

/// Of the nearest number, of two as near that with an even code.
int nearest_code(double magnitude) {
  static const std::vector<double> kNumbers = list_numbers();
  int best = 0;
  for (int code = 1; code < 127; ++code) {
    const double nearer = std::fabs(kNumbers[best] - magnitude) - std::fabs(kNumbers[code] - magnitude);
    if (nearer > 0 || (nearer == 0 && code % 2 == 0)) best = code;
  }
  return best;
}

class Fp8ActivationTest : public test::DeviceTest {
 protected:
  /// Codes and scales of one token by the input pass of `family`.
  std::pair<std::vector<std::uint8_t>, float> quantize(const std::string& family, const HalfBits& x) {
    const PassMaker maker(device(), {family, 128});
    const auto passes = SchemePasses::make(maker, find_scheme("w8a8-fp8").value(), 1, {{1, x.size()}}).value();
    const Buffer in = device().make_buffer(2 * x.size()).value();
    device::write_vector(device(), in, x);
    const auto list = passes.input_passes(in, x.size()).value();
    EXPECT_EQ(list.size(), 1U);
    for (const Pass& pass : list) device().enqueue(pass.launch);
    return {device::read_vector<std::uint8_t>(device(), list[0].buffers[1].buffer, x.size()),
            device::read_vector<float>(device(), list[0].buffers[2].buffer, 1)[0]};
  }
};

TEST_F(Fp8ActivationTest, EveryF16RoundsToTheNearestNumber) {
  HalfBits x;
  for (std::uint16_t bits = 0; bits <= half_from_float(448.0F); ++bits) {
    x.push_back(bits);
    x.push_back(static_cast<std::uint16_t>(bits | 0x8000U));
  }
  device().probe_capabilities();
  for (const std::string family : {"reference", "cpu", "gpu"}) {
    const auto [codes, scale] = quantize(family, x);
    EXPECT_EQ(scale, 448.0F * (1.0F / 448.0F)) << family;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double value = static_cast<double>(float_from_half(x[i]));
      ASSERT_EQ(codes[i], nearest_code(std::fabs(value)) | (x[i] >> 8 & 0x80)) << family << ": " << value;
    }
  }
}

TEST_F(Fp8ActivationTest, TheScaleFollowsTheLargestOfATokenUpTo1200) {
  device().probe_capabilities();
  for (const std::string family : {"reference", "cpu", "gpu"}) {
    for (const float top : {1e-7F, 0.5F, 300.0F, 1200.0F, 1201.0F, 65504.0F}) {
      HalfBits x(40, half_from_float(top / 4));
      x[17] = half_from_float(-top);
      const auto [codes, scale] = quantize(family, x);
      const float used = std::min(float_from_half(half_from_float(top)), 1200.0F);
      EXPECT_FLOAT_EQ(scale, used / 448) << family;
      EXPECT_EQ(codes[17], 0xFE) << family << ": the largest code, negative, of " << top;
      const double quarter = static_cast<double>(float_from_half(x[0])) / static_cast<double>(used) * 448;
      EXPECT_EQ(codes[0], nearest_code(quarter)) << family << ": a quarter of " << top;
    }
    const auto [codes, scale] = quantize(family, HalfBits(40, 0));
    EXPECT_EQ(scale, 1.0F);
    EXPECT_EQ(codes, std::vector<std::uint8_t>(40, 0));
  }
}

TEST_F(Fp8ActivationTest, AProjectionIsThatOfBothCodes) {
  const SchemeInfo scheme = find_scheme("w8a8-fp8").value();
  device().probe_capabilities();
  for (const std::string family : {"reference", "cpu", "gpu"}) {
    for (const ProjectionShape shape : {ProjectionShape{40, 64}, ProjectionShape{33, 257}}) {
      for (const std::uint64_t tokens : {1U, 2U, 4U, 8U, 16U, 17U}) {
        HalfBits w, x;
        for (std::uint64_t i = 0; i < shape.rows * shape.columns; ++i)
          w.push_back(half_from_float(reference_random(i, 0.1F, 5, 1)));
        for (std::uint64_t i = 0; i < tokens * shape.columns; ++i) {
          const std::uint64_t token = i / shape.columns;
          x.push_back(half_from_float(reference_random(i, 1.0F, 5, 2) * static_cast<float>(token + 1)));
        }
        const HostWeights host = format::quantize(w, scheme.weights, shape, 128);
        const PassMaker maker(device(), {family, 128});
        const Weights weights = allocate_weights(device(), scheme.weights, shape, 128).value();
        upload_weights(device(), host, weights);
        const Buffer in = device().make_buffer(2 * x.size()).value();
        const Buffer out = device().make_buffer(2 * tokens * shape.rows).value();
        device::write_vector(device(), in, x);
        const auto passes = SchemePasses::make(maker, scheme, tokens, {shape}).value();
        auto all = passes.input_passes(in, shape.columns).value();
        for (Pass& pass : passes.projection_passes(weights, in, out).value()) all.push_back(std::move(pass));
        for (const Pass& pass : all) device().enqueue(pass.launch);
        const auto y = device::read_vector<std::uint16_t>(device(), out, tokens * shape.rows);
        const HostActivations quantized = reference_quantize_e4m3(x, tokens, shape.columns);
        std::vector<double> values(x.size());
        for (std::uint64_t i = 0; i < values.size(); ++i) values[i] = quantized.value(i);
        const MatmulReference expected = reference_matmul(host, values, tokens);
        for (std::uint64_t i = 0; i < y.size(); ++i) {
          ASSERT_NEAR(static_cast<double>(float_from_half(y[i])), expected.y[i],
                      0x1p-11 * std::fabs(expected.y[i]) + 300 * 0x1p-24 * expected.magnitude[i] + 0x1p-25)
              << family << ", " << shape.columns << " columns, " << tokens << " tokens, result " << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace qtrap::scheme
