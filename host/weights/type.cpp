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
    {kGguf, "F32", 0, 1, 4, {}, load_f32},
    {kGguf, "F16", 1, 1, 2, WeightFormat::kF16, load_f16, unpack_f16},
    {kGguf, "Q4_0", 2, 32, 18, WeightFormat::kQ4_0, nullptr, unpack_q4_0},
    {kGguf, "Q4_1", 3, 32, 20, WeightFormat::kQ4_1, nullptr, unpack_q4_1},
    {kGguf, "Q5_0", 6, 32, 22},
    {kGguf, "Q5_1", 7, 32, 24},
    {kGguf, "Q8_0", 8, 32, 34, WeightFormat::kQ8_0, nullptr, unpack_q8_0},
    {kGguf, "Q8_1", 9, 32, 40},
    {kGguf, "Q2_K", 10, 256, 84},
    {kGguf, "Q3_K", 11, 256, 110},
    {kGguf, "Q4_K", 12, 256, 144, WeightFormat::kQ4_K, nullptr, unpack_q4_k},
    {kGguf, "Q5_K", 13, 256, 176},
    {kGguf, "Q6_K", 14, 256, 210, WeightFormat::kQ6_K, nullptr, unpack_q6_k},
    {kGguf, "Q8_K", 15, 256, 292},
    {kGguf, "IQ2_XXS", 16, 256, 66},
    {kGguf, "IQ2_XS", 17, 256, 74},
    {kGguf, "IQ3_XXS", 18, 256, 98},
    {kGguf, "IQ1_S", 19, 256, 50},
    {kGguf, "IQ4_NL", 20, 32, 18},
    {kGguf, "IQ3_S", 21, 256, 110},
    {kGguf, "IQ2_S", 22, 256, 82},
    {kGguf, "IQ4_XS", 23, 256, 136},
    {kGguf, "I8", 24, 1, 1},
    {kGguf, "I16", 25, 1, 2},
    {kGguf, "I32", 26, 1, 4},
    {kGguf, "I64", 27, 1, 8},
    {kGguf, "F64", 28, 1, 8},
    {kGguf, "IQ1_M", 29, 256, 56},
    {kGguf, "BF16", 30, 1, 2, {}, load_bf16},
    {kGguf, "TQ1_0", 34, 256, 54},
    {kGguf, "TQ2_0", 35, 256, 66},
    {kGguf, "MXFP4", 39, 32, 17},
    {kGguf, "NVFP4", 40, 64, 36},
    {kGguf, "Q1_0", 41, 128, 18},
    {kSafetensors, "F32", 0, 1, 4, {}, load_f32},
    {kSafetensors, "F16", 0, 1, 2, WeightFormat::kF16, load_f16, unpack_f16},
    {kSafetensors, "BF16", 0, 1, 2, {}, load_bf16},
    {kSafetensors, "BOOL", 0, 1, 1},
    {kSafetensors, "U8", 0, 1, 1},
    {kSafetensors, "I8", 0, 1, 1},
    {kSafetensors, "F4", 0, 2, 1},
    {kSafetensors, "F6_E2M3", 0, 4, 3},
    {kSafetensors, "F6_E3M2", 0, 4, 3},
    {kSafetensors, "F8_E5M2", 0, 1, 1},
    {kSafetensors, "F8_E4M3", 0, 1, 1},
    {kSafetensors, "F8_E8M0", 0, 1, 1},
    {kSafetensors, "I16", 0, 1, 2},
    {kSafetensors, "U16", 0, 1, 2},
    {kSafetensors, "I32", 0, 1, 4},
    {kSafetensors, "U32", 0, 1, 4},
    {kSafetensors, "F64", 0, 1, 8},
    {kSafetensors, "I64", 0, 1, 8},
    {kSafetensors, "U64", 0, 1, 8},
    {kSafetensors, "C64", 0, 1, 8},
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
