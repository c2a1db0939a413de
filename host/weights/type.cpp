// Sizes of ggml's blocks: ggml-common.h @01243c5 and the package gguf 0.19.0. Types of safetensors: its 0.8.0.
#include "weights/type.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "core/half.hpp"
#include "weights/blocks.hpp"

namespace qtrap::weights {
namespace {

using format::WeightFormat;
static_assert(std::endian::native == std::endian::little, "files and formats are little-endian");

float load_f32(const char* from, std::uint64_t index) {
  float value = 0;
  std::memcpy(&value, from + sizeof(value) * index, sizeof(value));
  return value;
}

std::uint16_t load_bits(const char* from, std::uint64_t index) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, from + sizeof(bits) * index, sizeof(bits));
  return bits;
}

float load_f16(const char* from, std::uint64_t index) { return float_from_half(load_bits(from, index)); }

/// bf16 is the upper half of an f32.
float load_bf16(const char* from, std::uint64_t index) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(load_bits(from, index)) << 16U);
}

using enum Container;
constexpr TypeInfo kTypes[] = {
    {kGguf, 0, "F32", 1, 4, {}, load_f32},
    {kGguf, 1, "F16", 1, 2, WeightFormat::kF16, load_f16, unpack_f16},
    {kGguf, 2, "Q4_0", 32, 18, WeightFormat::kQ4_0, nullptr, unpack_q4_0},
    {kGguf, 3, "Q4_1", 32, 20, WeightFormat::kQ4_1, nullptr, unpack_q4_1},
    {kGguf, 6, "Q5_0", 32, 22},
    {kGguf, 7, "Q5_1", 32, 24},
    {kGguf, 8, "Q8_0", 32, 34, WeightFormat::kQ8_0, nullptr, unpack_q8_0},
    {kGguf, 9, "Q8_1", 32, 40},
    {kGguf, 10, "Q2_K", 256, 84},
    {kGguf, 11, "Q3_K", 256, 110},
    {kGguf, 12, "Q4_K", 256, 144, WeightFormat::kQ4_K, nullptr, unpack_q4_k},
    {kGguf, 13, "Q5_K", 256, 176},
    {kGguf, 14, "Q6_K", 256, 210, WeightFormat::kQ6_K, nullptr, unpack_q6_k},
    {kGguf, 15, "Q8_K", 256, 292},
    {kGguf, 16, "IQ2_XXS", 256, 66},
    {kGguf, 17, "IQ2_XS", 256, 74},
    {kGguf, 18, "IQ3_XXS", 256, 98},
    {kGguf, 19, "IQ1_S", 256, 50},
    {kGguf, 20, "IQ4_NL", 32, 18},
    {kGguf, 21, "IQ3_S", 256, 110},
    {kGguf, 22, "IQ2_S", 256, 82},
    {kGguf, 23, "IQ4_XS", 256, 136},
    {kGguf, 24, "I8", 1, 1},
    {kGguf, 25, "I16", 1, 2},
    {kGguf, 26, "I32", 1, 4},
    {kGguf, 27, "I64", 1, 8},
    {kGguf, 28, "F64", 1, 8},
    {kGguf, 29, "IQ1_M", 256, 56},
    {kGguf, 30, "BF16", 1, 2, {}, load_bf16},
    {kGguf, 34, "TQ1_0", 256, 54},
    {kGguf, 35, "TQ2_0", 256, 66},
    {kGguf, 39, "MXFP4", 32, 17},
    {kGguf, 40, "NVFP4", 64, 36},
    {kGguf, 41, "Q1_0", 128, 18},
    {kSafetensors, 0, "F32", 1, 4, {}, load_f32},
    {kSafetensors, 0, "F16", 1, 2, WeightFormat::kF16, load_f16, unpack_f16},
    {kSafetensors, 0, "BF16", 1, 2, {}, load_bf16},
    {kSafetensors, 0, "BOOL", 1, 1},
    {kSafetensors, 0, "U8", 1, 1},
    {kSafetensors, 0, "I8", 1, 1},
    {kSafetensors, 0, "F4", 2, 1},
    {kSafetensors, 0, "F6_E2M3", 4, 3},
    {kSafetensors, 0, "F6_E3M2", 4, 3},
    {kSafetensors, 0, "F8_E5M2", 1, 1},
    {kSafetensors, 0, "F8_E4M3", 1, 1},
    {kSafetensors, 0, "F8_E8M0", 1, 1},
    {kSafetensors, 0, "I16", 1, 2},
    {kSafetensors, 0, "U16", 1, 2},
    {kSafetensors, 0, "I32", 1, 4},
    {kSafetensors, 0, "U32", 1, 4},
    {kSafetensors, 0, "F64", 1, 8},
    {kSafetensors, 0, "I64", 1, 8},
    {kSafetensors, 0, "U64", 1, 8},
    {kSafetensors, 0, "C64", 1, 8},
};

template <class Match>
const TypeInfo* find_where(Match match) {
  const auto* const found = std::find_if(std::begin(kTypes), std::end(kTypes), match);
  return found == std::end(kTypes) ? nullptr : found;
}

}  // namespace

std::span<const TypeInfo> all_types() { return kTypes; }

const TypeInfo* find_type(Container container, std::uint32_t number) {
  return find_where([&](const TypeInfo& type) { return type.container == container && type.number == number; });
}

const TypeInfo* find_type(Container container, std::string_view name) {
  return find_where([&](const TypeInfo& type) { return type.container == container && type.name == name; });
}

std::string list_types(Container container, bool runnable) {
  std::vector<std::string_view> names;
  for (const TypeInfo& type : kTypes) {
    if (type.container == container && (!runnable || type.runnable())) names.push_back(type.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace qtrap::weights
