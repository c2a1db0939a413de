// A tokenizer out of the metadata of a GGUF file: the keys "tokenizer.ggml.…" of a "gpt2" vocabulary.
#include <fmt/format.h>

#include <algorithm>

#include "tokenizer/builder.hpp"
#include "tokenizer/readers.hpp"

namespace qtrap::tokenizer {
namespace {

using weights::MetadataArray;
using weights::MetadataValue;

constexpr std::string_view kConvert = "convert the model again";

/// What a token is for, by GGUF's number.
struct TokenType {
  std::int64_t number;
  bool added;
  bool special;
};
constexpr TokenType kTokenTypes[] = {
    {1, false, false},  // normal
    {2, false, false},  // unknown
    {3, true, true},    // control
    {4, true, false},   // user defined
    {5, false, false},  // unused
    {6, false, false},  // byte
};

class Reader {
 public:
  explicit Reader(const weights::WeightsFile& file) : file_(file), builder_(file.name()) {}

  Result<Tokenizer> read() {
    const bool fine = read_kind() && read_tokens() && read_merges() && read_ends();
    if (!fine) return builder_.error();
    return builder_.finish();
  }

 private:
  bool refuse(std::string_view what, std::string value, std::string_view fix = kConvert) {
    return builder_.refuse(what, std::move(value), std::string(fix));
  }
  static std::string full(std::string_view key) { return fmt::format("tokenizer.ggml.{}", key); }

  /// The value of a key as a T; null where it is not there, or of another type, which is a fault.
  template <class T>
  const T* find(std::string_view key, std::string_view kind) {
    const MetadataValue* value = file_.find_metadata(full(key));
    if (value == nullptr) return nullptr;
    const T* const found = std::get_if<T>(value);
    if (found == nullptr) refuse(fmt::format("{} is no {}", full(key), kind), "");
    return found;
  }

  bool require_text(std::string_view key, std::string& out) {
    const auto* text = find<std::string>(key, "text");
    if (builder_.failed()) return false;
    if (text == nullptr) return refuse("a key of the tokenizer is missing", full(key));
    out = *text;
    return true;
  }

  bool read_kind() {
    std::string kind;
    std::string name;
    if (!require_text("model", kind)) return false;
    if (kind != "gpt2") return refuse("no tokenizer of this program", kind, "it reads gpt2, byte-level pairs");
    if (!require_text("pre", name)) return false;
    const SplitRule* rule = find_rule(name);
    if (rule == nullptr)
      return refuse(fmt::format("{} is unknown", full("pre")), name, fmt::format("known are {}", list_rules()));
    builder_.set_rule(*rule);
    const auto* space = find<bool>("add_space_prefix", "flag");
    if (space != nullptr && *space)
      return refuse(fmt::format("{} is not read", full("add_space_prefix")), "true", "false is");
    return !builder_.failed();
  }

  /// The texts of a list; false where it is missing or holds others.
  bool read_texts(std::string_view key, std::vector<std::string_view>& out) {
    const auto* array = find<MetadataArray>(key, "list");
    if (builder_.failed()) return false;
    if (array == nullptr) return refuse("a key of the tokenizer is missing", full(key));
    out = weights::list_texts(*array);
    return out.size() == array->count || refuse(fmt::format("{} is no list of texts", full(key)), "");
  }

  /// Of each token; all normal where the file does not say.
  bool read_types(std::size_t tokens, std::vector<std::int64_t>& out) {
    const auto* array = find<MetadataArray>("token_type", "list");
    if (array != nullptr) out = weights::list_integers(*array);
    if (array == nullptr) out.assign(tokens, kTokenTypes[0].number);
    if (builder_.failed()) return false;
    return out.size() == tokens || refuse(fmt::format("{} has no number for each token", full("token_type")),
                                          fmt::format("{} of {}", out.size(), tokens));
  }

  bool read_tokens() {
    std::vector<std::string_view> texts;
    std::vector<std::int64_t> types;
    if (!read_texts("tokens", texts) || !read_types(texts.size(), types)) return false;
    for (std::size_t id = 0; id < texts.size(); ++id) {
      if (!builder_.add_token(id, texts[id])) return false;
    }
    for (std::size_t id = 0; id < texts.size(); ++id) {
      const auto* const type = std::find_if(std::begin(kTokenTypes), std::end(kTokenTypes),
                                            [&](const TokenType& one) { return one.number == types[id]; });
      if (type == std::end(kTokenTypes))
        return refuse(fmt::format("token {} has an unknown type", id), std::to_string(types[id]));
      if (type->added && !builder_.add_added({id, texts[id], type->special, false})) return false;
    }
    return true;
  }

  bool read_merges() {
    std::vector<std::string_view> pairs;
    if (!read_texts("merges", pairs)) return false;
    for (const std::string_view pair : pairs) {
      if (!builder_.add_merge(pair)) return false;
    }
    return true;
  }

  bool read_id(std::string_view key, std::optional<Token>& out) {
    const auto* id = find<std::uint64_t>(key, "count");
    if (builder_.failed()) return false;
    return id == nullptr || builder_.set_id(full(key), *id, out);
  }

  bool read_ends() {
    Parts& parts = builder_.parts();
    if (!read_id("bos_token_id", parts.bos) || !read_id("eos_token_id", parts.eos)) return false;
    if (const auto* add = find<bool>("add_bos_token", "flag"); add != nullptr) parts.add_bos = *add;
    return !builder_.failed();
  }

  const weights::WeightsFile& file_;
  Builder builder_;
};

}  // namespace

Result<Tokenizer> read_gguf(const weights::WeightsFile& file) { return Reader(file).read(); }

}  // namespace qtrap::tokenizer
