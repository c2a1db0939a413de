// tokenizer_ids MODEL TEXT…: the tokens of each file on a line of standard output, for compare_tokens.py; how long it
// took on standard error. MODEL: weights, or a tokenizer.json.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "core/file.hpp"
#include "tokenizer/tokenizer.hpp"

namespace {

using qtrap::tokenizer::Tokenizer;

Tokenizer open_tokenizer(const std::string& path) {
  if (path.ends_with("tokenizer.json"))
    return qtrap::tokenizer::parse_tokenizer(qtrap::read_file(path).value(), path).value();
  return qtrap::tokenizer::read_tokenizer(qtrap::weights::open_weights(path).value()).value();
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count < 3) throw qtrap::Failure(qtrap::usage_error("MODEL and TEXT are needed", "", "give both"));
    auto begin = std::chrono::steady_clock::now();
    const Tokenizer tokenizer = open_tokenizer(arguments[1]);
    fmt::print(stderr, "{}: {} tokens, {:.3f} s\n", arguments[1], tokenizer.size(), seconds_since(begin));
    for (int i = 2; i < count; ++i) {
      std::ifstream file(arguments[i], std::ios::binary);
      const std::string text(std::istreambuf_iterator<char>(file), {});
      begin = std::chrono::steady_clock::now();
      const auto tokens = tokenizer.encode(text).value();
      const double seconds = seconds_since(begin);
      fmt::print(stderr, "{}: {} bytes, {} tokens, {:.3f} s\n", arguments[i], text.size(), tokens.size(), seconds);
      fmt::print("{}\n", fmt::join(tokens, " "));
    }
    return 0;
  } catch (const qtrap::Failure& failure) {
    fmt::print(stderr, "tokenizer_ids: error: {}\n", failure.what());
    return 2;
  }
}
