// The formats against the packages that define them: tests/data/formats, written by make_fixtures.py beside this file.
// ggml's blocks are brought into this project's parts here, byte by byte from the two layouts.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/half.hpp"
#include "format/format.hpp"
#include "format/minifloat.hpp"

namespace qtrap::format {
namespace {

using Bytes = std::vector<std::uint8_t>;

nlohmann::json read_fixture(const std::string& name) {
  const auto folder = std::filesystem::path(QTRAP_SOURCE_DIR) / "tests/data/formats";
  return nlohmann::json::parse(read_file(folder / (name + ".json")).value());
}

Bytes parse_hex(const nlohmann::json& text) {
  const auto hex = text.get<std::string>();
  Bytes bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::vector<float> parse_floats(const nlohmann::json& text) {
  const Bytes bytes = parse_hex(text);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// Bytes of a block that one after the other make a part.
struct Copy {
  PartName part;
  std::size_t from, bytes;
};

/// A format of ggml. `code`: that of a column, where ggml's order of codes is another.
struct Source {
  const char* name;
  WeightFormat format;
  std::size_t columns;
  std::vector<Copy> copies;
  int (*code)(const Bytes& block, std::size_t column) = nullptr;
};

int code_of_q4_k(const Bytes& block, std::size_t c) {
  return block[16 + c / 64 * 32 + c % 32] >> (c / 32 % 2 * 4) & 15;
}

int code_of_q6_k(const Bytes& block, std::size_t c) {
  const int low = block[c / 128 * 64 + c % 64] >> (c / 64 % 2 * 4) & 15;
  return low | (block[128 + c / 128 * 32 + c % 32] >> (c / 32 % 4 * 2) & 3) << 4;
}

int code_of_nvfp4(const Bytes& block, std::size_t c) { return block[4 + c / 16 * 8 + c % 8] >> (c / 8 % 2 * 4) & 15; }

const std::vector<Source>& sources() {
  static const std::vector<Source> kSources{
      {"q8_0", WeightFormat::kQ8_0, 32, {{PartName::kScales, 0, 2}, {PartName::kCodes, 2, 32}}},
      {"q4_0", WeightFormat::kQ4_0, 32, {{PartName::kScales, 0, 2}, {PartName::kCodes, 2, 16}}},
      {"q4_1",
       WeightFormat::kQ4_1,
       32,
       {{PartName::kScales, 0, 2}, {PartName::kZeros, 2, 2}, {PartName::kCodes, 4, 16}}},
      {"q4_k",
       WeightFormat::kQ4_K,
       256,
       {{PartName::kScales, 0, 2}, {PartName::kZeros, 2, 2}, {PartName::kSubscales, 4, 12}},
       code_of_q4_k},
      {"q6_k", WeightFormat::kQ6_K, 256, {{PartName::kScales, 208, 2}, {PartName::kSubscales, 192, 16}}, code_of_q6_k},
      {"mxfp4", WeightFormat::kMxfp4, 32, {{PartName::kScales, 0, 1}, {PartName::kCodes, 1, 16}}},
      {"nvfp4", WeightFormat::kNvfp4, 64, {{PartName::kSubscales, 0, 4}}, code_of_nvfp4},
  };
  return kSources;
}

/// `column` counts on over the whole part.
void put_code(Bytes& codes, int bits, std::size_t column, int code) {
  const std::size_t inside = column % 32;
  const std::size_t begin = column / 32 * (bits == 6 ? 24 : 16);
  const auto put = [&](std::size_t at, int value) { codes[at] = static_cast<std::uint8_t>(codes[at] | value); };
  put(begin + inside % 16, (code & 15) << (inside / 16 * 4));
  if (bits == 6) put(begin + 16 + inside % 8, code >> 4 << (inside / 8 * 2));
}

/// A block a row.
HostWeights repack(const Source& source, const nlohmann::json& blocks) {
  HostWeights out = make_host_weights(source.format, {blocks.size(), source.columns}, 128);
  if (source.format == WeightFormat::kNvfp4) out.set_single(PartName::kScales, 0, 1);
  for (std::size_t row = 0; row < blocks.size(); ++row) {
    const Bytes block = parse_hex(blocks[row]);
    for (const Copy& copy : source.copies)
      std::memcpy(&out.part(copy.part)[row * copy.bytes], &block[copy.from], copy.bytes);
    for (std::size_t k = 0; source.code != nullptr && k < source.columns; ++k)
      put_code(out.part(PartName::kCodes), info(source.format).bits, row * source.columns + k, source.code(block, k));
  }
  return out;
}

/// Zeros of either sign are the same here: gguf gives negative ones where a scale is negative.
std::uint32_t bits_of(double value) { return std::bit_cast<std::uint32_t>(static_cast<float>(value) + 0.0F); }

TEST(GgufBlocks, StandForTheWeightsThatGgufGives) {
  const auto formats = read_fixture("gguf_dequantized")["formats"];
  ASSERT_EQ(formats.size(), sources().size());
  for (const Source& source : sources()) {
    const auto& fixture = formats[source.name];
    const HostWeights weights = repack(source, fixture["blocks"]);
    ASSERT_GE(weights.shape.rows, 6U);
    for (std::size_t row = 0; row < weights.shape.rows; ++row) {
      const std::vector<float> values = parse_floats(fixture["values"][row]);
      ASSERT_EQ(values.size(), source.columns);
      for (std::size_t k = 0; k < values.size(); ++k) {
        EXPECT_EQ(bits_of(weights.value(row, k)), bits_of(static_cast<double>(values[k])))
            << source.name << ": block " << row << ", column " << k << ", " << weights.value(row, k) << " not "
            << values[k];
      }
    }
  }
}

TEST(GgufBlocks, AreWhatTheQuantizersMake) {
  const auto fixture = read_fixture("gguf_quantized");
  const std::size_t rows = fixture["rows"].size();
  ASSERT_GE(rows, 15U);
  HalfBits f16;
  for (const auto& row : fixture["rows"]) {
    for (const float value : parse_floats(row)) f16.push_back(half_from_float(value));
  }
  std::size_t seen = 0;
  for (const Source& source : sources()) {
    if (!fixture["formats"].contains(source.name)) continue;
    ++seen;
    const HostWeights expected = repack(source, fixture["formats"][source.name]);
    const HostWeights got = quantize(f16, source.format, {rows, source.columns}, 128);
    for (const Part& part : info(source.format).parts)
      EXPECT_EQ(got.part(part.name), expected.part(part.name))
          << source.name << ", part " << static_cast<int>(part.name);
  }
  EXPECT_EQ(seen, fixture["formats"].size());
}

/// Of the two minifloats: `from` rounds; `same` is the code that it may have where ml_dtypes has `code`.
template <typename From, typename Same>
void expect_roundings(const nlohmann::json& fixture, const From& from, const Same& same) {
  const std::vector<float> numbers = parse_floats(fixture["numbers"]);
  const Bytes codes = parse_hex(fixture["codes"]);
  ASSERT_EQ(numbers.size(), codes.size());
  ASSERT_GE(numbers.size(), 100U);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const int code = codes[i];
    EXPECT_EQ(static_cast<int>(from(numbers[i])), same(code)) << numbers[i];
  }
}

TEST(Minifloat, E4m3IsThatOfMlDtypes) {
  const auto fixture = read_fixture("minifloats")["e4m3"];
  const std::vector<float> values = parse_floats(fixture["values"]);
  ASSERT_EQ(values.size(), 256U);
  for (std::size_t code = 0; code < values.size(); ++code) {
    const float value = float_from_e4m3(static_cast<std::uint8_t>(code));
    if (code % 128 == 127) {
      EXPECT_TRUE(std::isnan(value) && std::isnan(values[code]));
    } else {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(value), std::bit_cast<std::uint32_t>(values[code])) << code;
    }
  }
  expect_roundings(fixture, e4m3_from, [](int code) { return code; });
}

TEST(Minifloat, E2m1IsThatOfMlDtypes) {
  const auto fixture = read_fixture("minifloats")["e2m1"];
  const std::vector<float> values = parse_floats(fixture["values"]);
  ASSERT_EQ(values.size(), 16U);
  for (std::size_t code = 0; code < values.size(); ++code) {
    const float value = float_from_e2m1(static_cast<int>(code));
    EXPECT_EQ(std::bit_cast<std::uint32_t>(value), std::bit_cast<std::uint32_t>(values[code])) << code;
  }
  // Here a zero has no sign.
  expect_roundings(fixture, e2m1_from, [](int code) { return code == 8 ? 0 : code; });
}

/// ml_dtypes makes NaN of what lies beyond 464 in e4m3.
TEST(Minifloat, WhatLiesBeyondTheLargestIsTheLargest) {
  const auto fixture = read_fixture("minifloats");
  int differs = 0;
  const Bytes e4m3 = parse_hex(fixture["e4m3"]["codes_beyond"]);
  const std::vector<float> wide = parse_floats(fixture["e4m3"]["beyond"]);
  for (std::size_t i = 0; i < wide.size(); ++i) {
    EXPECT_EQ(e4m3_from(wide[i]), wide[i] > 0 ? 0x7E : 0xFE) << wide[i];
    const bool is_nan = (e4m3[i] & 0x7FU) == 0x7F;
    EXPECT_EQ(is_nan, std::fabs(wide[i]) > 464) << wide[i];
    differs += is_nan ? 1 : 0;
  }
  EXPECT_EQ(differs, 5);
  const Bytes e2m1 = parse_hex(fixture["e2m1"]["codes_beyond"]);
  const std::vector<float> narrow = parse_floats(fixture["e2m1"]["beyond"]);
  ASSERT_GE(narrow.size(), 9U);
  for (std::size_t i = 0; i < narrow.size(); ++i) EXPECT_EQ(e2m1_from(narrow[i]), e2m1[i]) << narrow[i];
}

TEST(Nf4, CodeBookIsThatOfBitsandbytes) {
  const std::vector<float> values = parse_floats(read_fixture("nf4")["values"]);
  ASSERT_EQ(values.size(), 16U);
  HostWeights weights = make_host_weights(WeightFormat::kNf4, {1, 64}, 128);
  weights.set_single(PartName::kScales, 0, 1);
  for (std::size_t code = 0; code < 16; ++code)
    put_code(weights.part(PartName::kCodes), 4, code, static_cast<int>(code));
  for (std::size_t code = 0; code < 16; ++code)
    EXPECT_EQ(bits_of(weights.value(0, code)), bits_of(static_cast<double>(values[code]))) << code;
}

}  // namespace
}  // namespace qtrap::format
