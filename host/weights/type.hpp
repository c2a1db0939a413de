// How the numbers of a tensor lie in a file: a table of the types of both containers, with their bytes and, for those
// that this program computes with, how they become numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/words.hpp"
#include "format/format.hpp"

namespace qtrap::weights {

enum class Container { kGguf, kSafetensors };
constexpr Words<2> words_of(Container) { return {"gguf", "safetensors"}; }

struct TypeInfo {
  Container container;
  std::uint32_t number;   ///< in GGUF files
  std::string_view name;  ///< as the container spells it: "Q4_1", "BF16"
  std::uint64_t block;    ///< numbers that lie together, along a row
  std::uint64_t bytes;    ///< of a block
  /// The format of the same bits, where there is one.
  std::optional<format::WeightFormat> native = {};
  /// Number `index` of plain ones; none where they lie in blocks.
  float (*load)(const char* from, std::uint64_t index) = nullptr;
  /// Brings a block of `native` into the parts of `out`, which were 0 there; `place` counts blocks.
  void (*unpack)(const char* block, std::uint64_t place, format::HostWeights& out) = nullptr;

  bool runnable() const { return load != nullptr || unpack != nullptr; }
};

std::span<const TypeInfo> all_types();
/// None where the container has no such type.
const TypeInfo* find_type(Container container, std::uint32_t number);
const TypeInfo* find_type(Container container, std::string_view name);
/// "F32, F16, …" of a container: all of them, or those that this program computes with.
std::string list_types(Container container, bool runnable);

}  // namespace qtrap::weights
