#include "tokenizer/token_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/text.hpp"

namespace qtrap::tokenizer {
namespace {

constexpr std::string_view kSpaces = " \t\r\n\v\f";

}  // namespace

Result<std::vector<Token>> parse_tokens(std::string_view text, std::string_view name, std::size_t vocabulary) {
  std::vector<Token> tokens;
  for (std::size_t begin = text.find_first_not_of(kSpaces); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kSpaces, begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    Token token = 0;
    const auto [rest, code] = std::from_chars(word.data(), word.data() + word.size(), token);
    const bool number = rest == word.data() + word.size() && code != std::errc::invalid_argument;
    if (!number)
      return usage_error(fmt::format("{}: no number at {}", name, describe_position(text, begin)), std::string(word),
                         "give ids of tokens, decimal, with white space between them");
    if (code != std::errc{} || token >= vocabulary)
      return usage_error(fmt::format("{}: no token at {}", name, describe_position(text, begin)), std::string(word),
                         fmt::format("the vocabulary's ids are below {}", vocabulary));
    tokens.push_back(token);
    begin = text.find_first_not_of(kSpaces, end);
  }
  if (tokens.empty()) return usage_error(fmt::format("{}: no tokens", name), "", "give ids of tokens, decimal");
  return tokens;
}

}  // namespace qtrap::tokenizer
