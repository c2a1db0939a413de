// Closed words: an enum and what files and texts call its values, bound once. Here too are the words that layers share
// which do not include each other: of devices, kernels and meters.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace qtrap {

template <std::size_t N>
using Words = std::array<std::string_view, N>;

/// An enum with a closed list: `words_of(E)`, found beside it, gives the words, literals in the order of its
/// enumerators, which count from 0.
template <class E>
concept IsWord = requires(E value) {
  { words_of(value)[0] } -> std::convertible_to<std::string_view>;
};

template <IsWord E>
inline constexpr auto kWords = words_of(E{});

template <IsWord E>
constexpr std::string_view word_of(E value) {
  return kWords<E>[static_cast<std::size_t>(value)];
}

template <IsWord E>
std::string to_string(E value) {
  return std::string(word_of(value));
}

/// The word as people read it: "no trap" of "no_trap".
template <IsWord E>
std::string to_words(E value) {
  std::string words = to_string(value);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

/// The value that `word` stands for; none where it is not in the list.
template <IsWord E>
constexpr std::optional<E> find_word(std::string_view word) {
  for (std::size_t i = 0; i < kWords<E>.size(); ++i) {
    if (kWords<E>[i] == word) return static_cast<E>(i);
  }
  return std::nullopt;
}

/// Kind of a device.
enum class DeviceType { kCpu, kGpu, kAccelerator, kOther };
constexpr Words<4> words_of(DeviceType) { return {"cpu", "gpu", "accelerator", "other"}; }

/// Kernel path of the weights: f16 as they are, expanded in device memory, or in the matmul.
enum class KernelPath { kNone, kSplit, kFused };
constexpr Words<3> words_of(KernelPath) { return {"none", "split", "fused"}; }

/// How an energy was obtained.
enum class EnergyMethod { kCounter, kIntegrated, kEstimated, kSimulated };
constexpr Words<4> words_of(EnergyMethod) { return {"counter", "integrated", "estimated", "simulated"}; }

/// Whether there is an energy, or why not.
enum class EnergyStatus { kOk, kNoMeter, kTooShort, kUnattributable, kReset, kImplausible, kNoPass };
constexpr Words<7> words_of(EnergyStatus) {
  return {"ok", "no_meter", "too_short", "unattributable", "reset", "implausible", "no_pass"};
}

}  // namespace qtrap
