// The readers of each place of a tokenizer. Private to this layer.
#pragma once

#include <string>
#include <string_view>

#include "tokenizer/tokenizer.hpp"

namespace qtrap::tokenizer {

/// Largest tokenizer.json: what it becomes in memory is some ten times as large.
inline constexpr std::size_t kLargestJson = std::size_t{64} << 20U;

/// Of GGUF's metadata. Errors are kUsage, with the file's name.
Result<Tokenizer> read_gguf(const weights::WeightsFile& file);

/// Of the text of a tokenizer.json of the package tokenizers. `bos` and `eos` are what config.json says of them.
struct TextEnds {
  std::optional<std::uint64_t> bos;
  std::optional<std::uint64_t> eos;
};
Result<Tokenizer> read_json(std::string_view text, const std::string& name, const TextEnds& ends);

}  // namespace qtrap::tokenizer
