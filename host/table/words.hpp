// Closed words: an enum and what files and texts call its values, bound once.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace qtrap::table {

/// An enum with a closed list: `words_of(E)`, found beside it, gives the words in the order of its enumerators, which
/// count from 0.
template <class E>
concept IsWord = requires(E value) {
  { words_of(value)[0] } -> std::convertible_to<std::string_view>;
};

template <IsWord E>
constexpr std::string_view word_of(E value) {
  return words_of(value)[static_cast<std::size_t>(value)];
}

/// The value that `word` stands for; none where it is not in the list.
template <IsWord E>
constexpr std::optional<E> find_word(std::string_view word) {
  const auto& words = words_of(E{});
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return static_cast<E>(i);
  }
  return std::nullopt;
}

}  // namespace qtrap::table
