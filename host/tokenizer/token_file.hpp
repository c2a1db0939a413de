// Tokens as people and other programs write them down: decimal numbers with white space between them.
#pragma once

#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "tokenizer/token.hpp"

namespace qtrap::tokenizer {

/// The numbers of `text`, each below `vocabulary`; `name` is quoted in errors. Errors (kUsage): none at all, a word
/// that is no number, one that is no token.
Result<std::vector<Token>> parse_tokens(std::string_view text, std::string_view name, std::size_t vocabulary);

}  // namespace qtrap::tokenizer
