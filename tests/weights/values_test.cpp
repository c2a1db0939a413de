// Numbers of tensors against what the package gguf makes of them (llama.json, SHA-256 of the f32), ranges of rows, and
// numbers that are none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/half.hpp"
#include "core/sha256.hpp"
#include "support/weights_files.hpp"
#include "weights/values.hpp"

namespace qtrap::weights {
namespace {

using ::testing::ElementsAre;

std::string fixture(const std::string& name) { return std::string(QTRAP_SOURCE_DIR) + "/tests/data/weights/" + name; }

std::vector<float> read_all(const WeightsFile& file, const Tensor& tensor) {
  std::vector<float> values(tensor.elements);
  const Status status = read_rows(file, tensor, all_rows(tensor), std::span<float>(values));
  EXPECT_TRUE(status) << status.error().message();
  return values;
}

TEST(Values, OfEveryTypeAreThoseOfThePackageBitForBit) {
  const auto expected = nlohmann::json::parse(read_file(fixture("llama.json")).value()).at("f32_sha256");
  const WeightsFile file = open_weights(fixture("llama.gguf")).value();
  std::map<std::string_view, int> types;
  for (const Tensor& tensor : file.tensors()) {
    std::vector<float> values = read_all(file, tensor);
    for (float& value : values) value += 0.0F;  // zeros without a sign, as in the fixture
    const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    EXPECT_EQ(compute_sha256(bytes), expected.at(tensor.name).get<std::string>()) << tensor.name;
    ++types[tensor.type->name];
  }
  EXPECT_EQ(types.size(), 8U);  // every type that is computed with
}

TEST(Values, OfRowsAreThoseOfTheWhole) {
  const WeightsFile file = open_weights(fixture("llama.gguf")).value();
  for (const Tensor& tensor : file.tensors()) {
    if (tensor.rows() < 8) continue;
    const std::vector<float> whole = read_all(file, tensor);
    std::vector<float> rows(3 * tensor.columns());
    ASSERT_TRUE(read_rows(file, tensor, {5, 3}, std::span<float>(rows)));
    EXPECT_TRUE(std::equal(rows.begin(), rows.end(), whole.begin() + static_cast<std::ptrdiff_t>(5 * tensor.columns())))
        << tensor.name;
    std::vector<std::uint16_t> halves(rows.size());
    ASSERT_TRUE(read_rows(file, tensor, {5, 3}, std::span<std::uint16_t>(halves)));
    for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(halves[i], half_from_float(rows[i])) << tensor.name;
    file.forget(tensor);
    EXPECT_EQ(read_all(file, tensor), whole) << "read again after it was let go";
  }
}

// A block's smallest and largest weight lie on the ends of its scale, and f16 of what it stands for find them again,
// but for a last bit of the scale here and there; of SmolLM2-135M's 106 million weights every bit.
TEST(Values, OfQ4_1QuantizedByItsRuleAgainAreTheSame) {
  const WeightsFile file = open_weights(fixture("llama.gguf")).value();
  int found = 0;
  for (const Tensor& tensor : file.tensors()) {
    if (tensor.type->native != format::WeightFormat::kQ4_1) continue;
    ++found;
    format::HalfBits halves(tensor.elements);
    ASSERT_TRUE(read_rows(file, tensor, all_rows(tensor), std::span<std::uint16_t>(halves)));
    const format::HostWeights native = read_native(file, tensor, all_rows(tensor)).value();
    const format::HostWeights again = format::quantize(halves, *tensor.type->native, native.shape, native.group);
    double difference = 0;
    double norm = 0;
    for (std::uint64_t row = 0; row < native.shape.rows; ++row) {
      for (std::uint64_t column = 0; column < native.shape.columns; ++column) {
        difference += std::pow(again.value(row, column) - native.value(row, column), 2);
        norm += std::pow(native.value(row, column), 2);
      }
    }
    EXPECT_LT(std::sqrt(difference / norm), 5e-4) << tensor.name << ": a step of the format is some 7e-2";
    EXPECT_EQ(again.parts.front(), native.parts.front()) << tensor.name << ": codes";
  }
  EXPECT_GT(found, 0);
}

TEST(Values, InTheirOwnFormatAreTheSameWeights) {
  const WeightsFile file = open_weights(fixture("llama.gguf")).value();
  int native = 0;
  for (const Tensor& tensor : file.tensors()) {
    if (!tensor.type->native) {
      EXPECT_EQ(read_native(file, tensor, all_rows(tensor)).error().what,
                file.name() + ": tensor " + tensor.name + " has a type that no format stands for");
      continue;
    }
    const std::vector<float> whole = read_all(file, tensor);
    const format::HostWeights weights = read_native(file, tensor, {2, 6}).value();
    EXPECT_EQ(weights.shape, (format::Shape{6, tensor.columns()}));
    for (std::uint64_t row = 0; row < 6; ++row) {
      for (std::uint64_t column = 0; column < tensor.columns(); ++column)
        ASSERT_EQ(static_cast<float>(weights.value(row, column)), whole[(row + 2) * tensor.columns() + column]);
    }
    ++native;
  }
  EXPECT_EQ(native, 7);
}

/// A file of one tensor of 2 x 4.
struct OneTensor {
  OneTensor(const char* dtype, const std::string& data)
      : bytes(test::safetensors_bytes(std::string("{\"w\": {\"dtype\": \"") + dtype +
                                          "\", \"shape\": [2, 4], \"data_offsets\": [0, " +
                                          std::to_string(data.size()) + "]}}",
                                      data)),
        file(parse_weights(bytes, "f", "").value()) {}
  Result<std::vector<float>> read() const {
    std::vector<float> values(8);
    const Status status = read_rows(file, file.tensors()[0], {0, 2}, std::span<float>(values));
    return status ? Result<std::vector<float>>(values) : status.error();
  }
  std::string read_halves() const {
    std::vector<std::uint16_t> values(8);
    const Status status = read_rows(file, file.tensors()[0], {0, 2}, std::span<std::uint16_t>(values));
    return status ? "" : status.error().message();
  }
  std::string bytes;
  WeightsFile file;
};

std::string raw_floats(const std::vector<float>& values) {
  std::string data;
  for (const float value : values) data += test::raw(value);
  return data;
}
std::string raw_halves(const std::vector<std::uint16_t>& values) {
  std::string data;
  for (const std::uint16_t value : values) data += test::raw(value);
  return data;
}

TEST(Values, OfBf16AreTheUpperHalfOfF32) {
  const OneTensor one("BF16", raw_halves({0x3F80, 0xC000, 0x0001, 0x8000, 0x7F7F, 0x4049, 0x0080, 0}));
  EXPECT_THAT(one.read().value(), ElementsAre(1.0F, -2.0F, 0x1p-133F, -0.0F, 0x1.FEp127F, 3.140625F, 0x1p-126F, 0.0F));
  EXPECT_EQ(
      one.read_halves(),
      "f: tensor w holds a number that is beyond f16's largest, 65504 (3.3895314e+38 at index 4): the weights are "
      "damaged: get them again");
}

TEST(Values, ThatAreNotFiniteAreNamed) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const std::string fix = "): the weights are damaged: get them again";
  EXPECT_EQ(OneTensor("F32", raw_floats({0, 1, 2, 3, 4, std::nanf(""), 6, 7})).read().error().message(),
            "f: tensor w holds a number that is not finite (nan at index 5" + fix);
  EXPECT_EQ(OneTensor("F32", raw_floats({0, 1, 2, -kInf, 4, 5, 6, 7})).read().error().message(),
            "f: tensor w holds a number that is not finite (-inf at index 3" + fix);
  EXPECT_EQ(OneTensor("F16", raw_halves({0, 0, 0, 0, 0, 0, 0, 0x7C00})).read().error().message(),
            "f: tensor w holds a number that is not finite (inf at index 7" + fix);
  EXPECT_EQ(OneTensor("BF16", raw_halves({0x7FC0, 0, 0, 0, 0, 0, 0, 0})).read().error().message(),
            "f: tensor w holds a number that is not finite (nan at index 0" + fix);
}

TEST(Values, OfBlocksWithAScaleThatIsNoneAreNamed) {
  test::GgufFile file;
  file.tensors = {{"w", {32, 3}, 8}};  // Q8_0
  file.data = std::string(102, '\1');
  file.data[68] = '\0';
  file.data[69] = '\x7E';  // of the third block: NaN
  const std::string bytes = file.bytes();
  const WeightsFile weights = parse_weights(bytes, "f", "").value();
  const Tensor& tensor = weights.tensors()[0];
  std::vector<float> values(64);
  EXPECT_TRUE(read_rows(weights, tensor, {0, 2}, std::span<float>(values)));
  const std::string message =
      "f: tensor w holds a number that is not finite (nan at index 64): the weights are damaged: get them again";
  EXPECT_EQ(read_rows(weights, tensor, {1, 2}, std::span<float>(values)).error().message(), message);
  EXPECT_EQ(read_native(weights, tensor, {0, 3}).error().message(), message);
}

TEST(Values, OfOtherTypesAreRefused) {
  const OneTensor one("F8_E4M3", std::string(8, '\1'));
  EXPECT_EQ(one.read().error().message(),
            "f: tensor w has a type that is not computed with (F8_E4M3): convert the model to F32, F16, BF16");
}

TEST(Values, BeyondTheTensorAreADefectOfTheCaller) {
  const OneTensor one("F32", raw_floats(std::vector<float>(8)));
  std::vector<float> values(8);
  EXPECT_THROW((void)read_rows(one.file, one.file.tensors()[0], {1, 2}, std::span<float>(values)), Failure);
  EXPECT_THROW((void)read_rows(one.file, one.file.tensors()[0], {3, 0}, std::span<float>()), Failure);
  EXPECT_THROW((void)read_rows(one.file, one.file.tensors()[0], {0, 1}, std::span<float>(values)), Failure);
}

}  // namespace
}  // namespace qtrap::weights
