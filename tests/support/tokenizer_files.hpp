// Small tokenizers made piece by piece, so that a test can say one thing wrong in them: a, b, space, ab, " ab", "<s>".
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "support/weights_files.hpp"

namespace qtrap::test {

/// A list of texts as GGUF has it.
inline std::string gguf_texts(std::string_view key, const std::vector<std::string>& texts) {
  std::string value = raw<std::uint32_t>(8) + raw<std::uint64_t>(texts.size());
  for (const std::string& text : texts) value += gguf_text(text);
  return gguf_pair(key, 9, value);
}
inline std::string gguf_integers(std::string_view key, const std::vector<std::int32_t>& numbers) {
  std::string value = raw<std::uint32_t>(5) + raw<std::uint64_t>(numbers.size());
  for (const std::int32_t number : numbers) value += raw(number);
  return gguf_pair(key, 9, value);
}
inline std::string gguf_flag(std::string_view key, bool value) {
  return gguf_pair(key, 7, raw(static_cast<std::uint8_t>(value ? 1 : 0)));
}

/// The keys of a tokenizer in GGUF.
struct GgufTokenizer {
  std::string kind = "gpt2";
  std::string rule = "gpt-2";
  std::vector<std::string> tokens = {"a", "b", "Ġ", "ab", "Ġab", "<s>"};
  std::vector<std::int32_t> types = {1, 1, 1, 1, 1, 3};
  std::vector<std::string> merges = {"a b", "Ġ ab"};
  std::uint32_t bos = 5;
  std::vector<std::string> more = {};     ///< other keys
  std::vector<std::string> without = {};  ///< keys that are left out

  std::string bytes() const {
    const std::string at = "tokenizer.ggml.";
    std::vector<std::pair<std::string, std::string>> all{
        {"model", gguf_word(at + "model", kind)},      {"pre", gguf_word(at + "pre", rule)},
        {"tokens", gguf_texts(at + "tokens", tokens)}, {"token_type", gguf_integers(at + "token_type", types)},
        {"merges", gguf_texts(at + "merges", merges)}, {"bos", gguf_count(at + "bos_token_id", bos)}};
    GgufFile file;
    for (auto& [key, pair] : all) {
      if (std::find(without.begin(), without.end(), key) == without.end()) file.pairs.push_back(std::move(pair));
    }
    file.pairs.insert(file.pairs.end(), more.begin(), more.end());
    return file.bytes();
  }
};

/// The same as a tokenizer.json.
inline const std::string kTokenizerJson =
    R"({"version":"1.0","added_tokens":[{"id":5,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,)"
    R"("normalized":false,"special":true}],"normalizer":null,"pre_tokenizer":{"type":"Sequence","pretokenizers":[)"
    R"({"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}]},)"
    R"("model":{"type":"BPE","dropout":null,"unk_token":null,"byte_fallback":false,"ignore_merges":false,)"
    R"("vocab":{"a":0,"b":1,"Ġ":2,"ab":3,"Ġab":4},"merges":[["a","b"],["Ġ","ab"]]}})";

}  // namespace qtrap::test
