#include "scheme/pass.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/half.hpp"
#include "scheme/verify/reference.hpp"
#include "support/device_fixture.hpp"

namespace qtrap::scheme {
namespace {

using device::Access;
using device::Buffer;

class SchemePassesTest : public test::DeviceTest {
 protected:
  Buffer buffer(std::uint64_t bytes) { return device().make_buffer(bytes).value(); }

  Weights make_weights(WeightFormat format, ProjectionShape shape, std::uint32_t group) {
    return allocate_weights(device(), format, shape, group).value();
  }

  /// Bytes as the OpenCL implementation reports them for what is bound.
  static std::uint64_t bound_bytes(const Pass& pass) {
    std::uint64_t bytes = 0;
    for (const device::BufferArg& bound : pass.buffers) {
      bytes += bound.buffer.queried_size_bytes() * (bound.access == Access::kReadWrite ? 2 : 1);
    }
    return bytes;
  }
};

TEST_F(SchemePassesTest, BytesAreThoseOfTheBuffersBoundForEverySchemeAndFamily) {
  const ProjectionShape large{70, 290};
  device().probe_capabilities();
  for (const std::string family : {"reference", "cpu", "gpu"}) {
    const PassMaker maker(device(), {family, 128});
    for (const std::uint64_t tokens : {1U, 3U, 19U}) {
      const Buffer x = buffer(2 * tokens * large.columns + 64);  // larger than any operand: views must be cut to size
      const Buffer y = buffer(2 * tokens * large.rows + 64);
      for (const SchemeInfo& scheme : all_schemes()) {
        const auto passes = SchemePasses::make(maker, scheme, tokens, {large, {33, 65}}).value();
        for (const ProjectionShape shape : {large, ProjectionShape{33, 65}}) {
          const Weights weights = make_weights(scheme.weights, shape, 128);
          auto all = passes.input_passes(x, shape.columns).value();
          for (Pass& pass : passes.projection_passes(weights, x, y).value()) all.push_back(std::move(pass));
          for (const Pass& pass : all) {
            if (pass.role == Role::kOutliers && pass.kernel.starts_with("gather")) {
              EXPECT_LE(pass.costs.bytes, bound_bytes(pass)) << pass.kernel;  // PassTable says of which places
              continue;
            }
            EXPECT_EQ(pass.costs.bytes, bound_bytes(pass))
                << pass.kernel << " tokens " << tokens << " of " << scheme.name;
            EXPECT_EQ(pass.costs.launches, 1U);
          }
          // Weight traffic from the shape alone: no byte of the weights may be missing or counted twice.
          std::uint64_t weight_bytes = 0;
          for (const Pass& pass : all) {
            for (const device::BufferArg& bound : pass.buffers) {
              const std::uint64_t size = bound.buffer.queried_size_bytes();
              if (size == weights.codes().size_bytes() && pass.role != Role::kQuantize) weight_bytes = size;
            }
          }
          EXPECT_EQ(weight_bytes, weights.codes().size_bytes()) << scheme.name;
        }
      }
    }
  }
}

TEST_F(SchemePassesTest, BytesOfTheOtherPassesAreThoseOfTheirBuffers) {
  const PassMaker maker(device(), {"", 128});
  const Buffer a = buffer(4000), b = buffer(4000), c = buffer(4000);
  const std::vector<Pass> passes{
      maker.random_f16(a, 100, 1, 1, 1).value(),     maker.random_f32(a, 100, 1, 1, 1).value(),
      maker.cast_f16_f32(a, b, 100).value(),         maker.cast_f32_f16(a, b, 100).value(),
      maker.rms_norm(a, b, c, 50, 3, 1e-6F).value(), maker.swiglu(all_of(a, 50), all_of(b, 50), c, 50, 2).value(),
      maker.residual_add(a, b, 100).value(),         maker.expand_heads(all_of(a, 32), b, 8, 2, 16, 3).value()};
  const std::vector<std::uint64_t> expected{200, 400, 600, 600, 300 + 100 + 300, 600, 2 * 200 + 200, 192 + 768};
  for (std::size_t i = 0; i < passes.size(); ++i) {
    EXPECT_EQ(passes[i].costs.bytes, expected[i]) << passes[i].kernel;
    EXPECT_EQ(bound_bytes(passes[i]), expected[i]) << passes[i].kernel;
  }
  EXPECT_EQ(passes[2].costs.cast_elements, 100U);
  EXPECT_EQ(passes[5].costs.cast_elements, 0U);
}

/// Rows of 120 elements: what lies beside the columns is bound and does not count.
TEST_F(SchemePassesTest, BytesOfColumnsAreThoseOfTheColumnsAlone) {
  const PassMaker maker(device(), {"", 128});
  const Buffer a = buffer(4000), b = buffer(4000), c = buffer(4000);
  const KvCache cache{CacheFormat::kF16, {buffer(4000), {}}, {buffer(4000), {}}};
  const AttentionShape shape{4, 2, 16, 3, 1, 5};
  const auto rotated = [&](const QueryKeyValue& in) {
    return maker.rotate_store(in, c, a, b, cache, shape, RotaryPairs::kHalves).value();
  };
  const std::vector<std::pair<Pass, Pass>> twins{
      {maker.swiglu(all_of(a, 50), all_of(b, 50), c, 50, 3).value(),
       maker.swiglu({a, 0, 120}, {a, 50, 120}, c, 50, 3).value()},
      {maker.expand_heads(all_of(a, 32), b, 8, 2, 16, 3).value(),
       maker.expand_heads({a, 88, 120}, b, 8, 2, 16, 3).value()},
      {maker.rms_norm_heads(all_of(a, 64), b, 16, 4, 3, 1e-6F).value(),
       maker.rms_norm_heads({a, 3, 120}, b, 16, 4, 3, 1e-6F).value()},
      {rotated({all_of(c, 64), all_of(a, 32), all_of(b, 32)}), rotated({{a, 0, 128}, {a, 64, 128}, {a, 96, 128}})}};
  for (const auto& [apart, joined] : twins) {
    EXPECT_EQ(joined.kernel, apart.kernel);
    EXPECT_EQ(joined.costs.bytes, apart.costs.bytes) << joined.kernel;
    EXPECT_GT(bound_bytes(joined), bound_bytes(apart)) << joined.kernel;
    EXPECT_LE(joined.costs.cached_bytes, joined.costs.bytes) << joined.kernel;
  }
}

TEST_F(SchemePassesTest, DeviceQuantizesItsRandomTensorAsTheHostDoes) {
  const ProjectionShape shape{20, 200};
  const PassMaker maker(device(), {"", 64});
  const Buffer f16 = buffer(2 * shape.rows * shape.columns);
  const Weights weights = make_weights(WeightFormat::kInt4, shape, 64);
  for (const Pass& pass :
       {maker.random_f16(f16, 4000, 0.02F, 99, 5).value(), maker.quantize_weights(f16, weights).value()}) {
    device().enqueue(pass.launch);
  }
  HalfBits host;
  for (std::uint64_t i = 0; i < 4000; ++i) host.push_back(half_from_float(reference_random(i, 0.02F, 99, 5)));
  const HostWeights expected = format::quantize(host, WeightFormat::kInt4, shape, 64);
  EXPECT_EQ(device::read_vector<std::uint16_t>(device(), f16, 4000), host);
  EXPECT_EQ(download_weights(device(), weights, 64).parts, expected.parts);
}

TEST_F(SchemePassesTest, ActivationsThatAreNotFiniteGiveResultsThatAreNotFinite) {
  const ProjectionShape shape{9, 300};
  HalfBits values;
  for (std::uint64_t i = 0; i < shape.rows * shape.columns; ++i)
    values.push_back(half_from_float(reference_random(i, 1.0F, 3, 5)));
  device().probe_capabilities();
  for (const std::string_view name : {"f16", "w8a16-fused", "w4a16-fused"}) {
    const SchemeInfo scheme = find_scheme(name).value();
    const HostWeights host = format::quantize(values, scheme.weights, shape, 128);
    const Weights weights = make_weights(scheme.weights, shape, 128);
    upload_weights(device(), host, weights);
    for (const std::string variant : {"reference", "cpu", ""}) {  // the last: the best of the CPU family
      const PassMaker maker(device(), {variant.empty() ? "cpu" : variant, 128, variant});
      const auto passes = SchemePasses::make(maker, scheme, 1, {shape}).value();
      for (const std::uint16_t odd : {0x7C00, 0xFC00, 0x7E00}) {  // both infinities, NaN
        for (const std::size_t place : {5U, 130U, 299U}) {        // the last in a group that is not whole
          HalfBits x(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(shape.columns));
          x[place] = odd;
          const Buffer in = buffer(2 * shape.columns);
          const Buffer out = buffer(2 * shape.rows);
          device::write_vector(device(), in, x);
          auto all = passes.input_passes(in, shape.columns).value();
          for (Pass& pass : passes.projection_passes(weights, in, out).value()) all.push_back(std::move(pass));
          for (const Pass& pass : all) device().enqueue(pass.launch);
          for (const std::uint16_t y : device::read_vector<std::uint16_t>(device(), out, shape.rows)) {
            EXPECT_FALSE(std::isfinite(float_from_half(y))) << all.back().kernel << ' ' << odd << " at " << place;
          }
        }
      }
    }
  }
}

TEST_F(SchemePassesTest, TooSmallABufferIsADefect) {
  const PassMaker maker(device(), {"", 128});
  const Buffer small = buffer(100);
  EXPECT_THROW((void)maker.cast_f16_f32(small, small, 100), Failure);
}

TEST_F(SchemePassesTest, AWorkspaceThatDoesNotFitIsARunTimeError) {
  const PassMaker maker(device(), {"", 128});
  const auto passes = SchemePasses::make(maker, find_scheme("w8a16-split").value(), 1, {{1U << 20, 1U << 20}});
  ASSERT_FALSE(passes.ok());
  EXPECT_NE(passes.error().message().find("out of device memory"), std::string::npos);
}

}  // namespace
}  // namespace qtrap::scheme
