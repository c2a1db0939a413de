// What the fuzz target and its regression test do with any bytes: read them as a tokenizer, and where that succeeds,
// encode them and a hostile text and decode the tokens; read them as a list of tokens. A broken contract aborts.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "core/contract.hpp"
#include "tokenizer/token_file.hpp"
#include "tokenizer/tokenizer.hpp"
#include "tokenizer/unicode.hpp"

namespace qtrap::test {

inline void expect_line(const Error& error) {
  expects(!error.message().empty(), "a refusal has a message");
  expects(error.message().find('\n') == std::string::npos, "a message is one line");
}

inline void exercise_text(const tokenizer::Tokenizer& tokenizer, std::string_view text) {
  for (const bool parse_special : {true, false}) {
    const auto tokens = tokenizer.encode(text, {parse_special}).value();
    const std::string back = tokenizer.decode(tokens).value();  // an error is an id beyond the vocabulary
    expects(!tokenizer.is_lossless() || back == tokenizer::to_utf8(tokenizer::to_utf16(text)), "nothing is lost");
  }
}

/// Text that begins with '{' is a tokenizer.json, other bytes a GGUF file. Whether they are a tokenizer.
inline bool exercise_tokenizer(std::string_view bytes) {
  const auto numbers = tokenizer::parse_tokens(bytes, "fuzz", 100);
  if (!numbers) expect_line(numbers.error());
  const auto read = [bytes]() -> Result<tokenizer::Tokenizer> {
    if (bytes.starts_with('{')) return tokenizer::parse_tokenizer(bytes, "fuzz");
    const auto file = weights::parse_weights(bytes, "fuzz", "");
    return file ? tokenizer::read_tokenizer(file.value()) : file.error();
  }();
  if (!read) {
    expect_line(read.error());
    return false;
  }
  exercise_text(read.value(), bytes);
  exercise_text(read.value(),
                "ab ab'S 12345 \t\n\n e\u0301\u0301 \xFF\xE2\x82 <s> \U0001F469\u200D\U0001F469\r\n  aaaaaaaab");
  return true;
}

}  // namespace qtrap::test
