// A byte-level byte-pair tokenizer: text to the numbers of tokens and back, as the package tokenizers has it. Text is
// cut at added tokens, brought to a normalization form where the model asks for one, cut into words (split.hpp), and
// the bytes of each word are merged (merges.hpp).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.hpp"
#include "tokenizer/added.hpp"
#include "tokenizer/merges.hpp"
#include "tokenizer/split.hpp"
#include "tokenizer/token.hpp"
#include "weights/file.hpp"

namespace qtrap::tokenizer {

struct EncodeOptions {
  /// Special tokens that are spelt out in the text are those tokens. Without, they are text like any other.
  bool parse_special = true;
};

/// What a tokenizer is made of, checked (builder.hpp).
struct Parts {
  std::vector<std::string> bytes;                       ///< that each token stands for; "" of an id that has none
  std::array<std::optional<Token>, 256> byte_tokens{};  ///< the token of each byte
  std::unordered_map<std::string, Token> words;         ///< by bytes, where merges are ignored for whole words
  std::vector<MergeRule> merges;                        ///< in the order of their ranks
  AddedTokens added;                                    ///< found in the text as it is
  AddedTokens added_normalized;                         ///< found in the normalized text
  std::size_t added_count = 0;
  std::vector<Expression> expressions;
  bool nfc = false;
  std::optional<Token> unknown;  ///< stands for a byte that has no token; none: such a byte is left out
  bool fuse_unknown = false;     ///< one for several in a row
  std::optional<Token> bos;      ///< begins a text
  std::optional<Token> eos;      ///< ends a text
  std::optional<bool> add_bos;   ///< whether a model expects bos before a text; none: the file does not say
};

class Tokenizer {
 public:
  explicit Tokenizer(Parts parts);

  /// Any bytes: what is no UTF-8 is U+FFFD (unicode.hpp). Adds neither bos nor eos. A byte without a token is left out,
  /// or unknown's. Errors (kUsage): longer than kLongestText.
  Result<std::vector<Token>> encode(std::string_view text, const EncodeOptions& options = {}) const;

  /// The bytes of tokens one after the other, special ones too; parts of a character where tokens end within one.
  /// Errors (kUsage): an id beyond the vocabulary.
  Result<std::string> decode(std::span<const Token> tokens) const;

  std::size_t size() const { return parts_.bytes.size(); }  ///< every id is below
  std::size_t merge_count() const { return merges_.size(); }
  std::size_t added_count() const { return parts_.added_count; }
  std::optional<Token> bos() const { return parts_.bos; }
  std::optional<Token> eos() const { return parts_.eos; }
  std::optional<bool> add_bos() const { return parts_.add_bos; }
  /// Whether decode() of encode() is the same for every UTF-8 text.
  bool is_lossless() const;

 private:
  Status encode_plain(std::string_view text, Merger& merger, std::vector<Token>& out) const;
  Status encode_normalized(std::string_view text, const EncodeOptions& options, Merger& merger,
                           std::vector<Token>& out) const;
  void encode_word(std::string_view word, Merger& merger, std::vector<Token>& out) const;

  Parts parts_;
  MergeTable merges_;
  Splitter splitter_;
};

/// The tokenizer of a model: of GGUF in its metadata, of safetensors tokenizer.json beside it. Errors (kUsage): none is
/// there, it is of another kind, whatever breaks a rule of builder.hpp, more tokens than the model has.
Result<Tokenizer> read_tokenizer(const weights::WeightsFile& file);

/// The same of the text of a tokenizer.json.
Result<Tokenizer> parse_tokenizer(std::string_view text, const std::string& name);

}  // namespace qtrap::tokenizer
