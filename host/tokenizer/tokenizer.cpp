#include "tokenizer/tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/text.hpp"
#include "tokenizer/readers.hpp"
#include "tokenizer/unicode.hpp"
#include "weights/facts.hpp"
#include "weights/mapped_file.hpp"

namespace qtrap::tokenizer {

Tokenizer::Tokenizer(Parts parts)
    : parts_(std::move(parts)), merges_(parts_.merges, parts_.bytes.size()), splitter_(parts_.expressions) {
  parts_.merges = {};
}

bool Tokenizer::is_lossless() const {
  const auto& bytes = parts_.byte_tokens;
  return !parts_.nfc && std::all_of(bytes.begin(), bytes.end(), [](const auto& token) { return token.has_value(); });
}

void Tokenizer::encode_word(std::string_view word, Merger& merger, std::vector<Token>& out) const {
  if (!parts_.words.empty()) {
    if (const auto found = parts_.words.find(std::string(word)); found != parts_.words.end()) {
      out.push_back(found->second);
      return;
    }
  }
  merger.clear();
  bool was_unknown = false;
  for (const char byte : word) {
    const std::optional<Token>& token = parts_.byte_tokens[static_cast<unsigned char>(byte)];
    if (token) {
      merger.add(*token);
    } else if (parts_.unknown && !(was_unknown && parts_.fuse_unknown)) {
      merger.add(*parts_.unknown);
    }
    was_unknown = !token;
  }
  merger.merge(out);
}

Status Tokenizer::encode_plain(std::string_view text, Merger& merger, std::vector<Token>& out) const {
  const auto words = splitter_.split(text);
  if (!words) return words.error();
  for (const std::string_view word : words.value()) encode_word(word, merger, out);
  return Done{};
}

namespace {

/// Walks over `text`: `between` of each part that is none of the tokens, whose ids go to `out`.
template <class Between>
Status walk(const AddedTokens& added, std::string_view text, const EncodeOptions& options, std::vector<Token>& out,
            const Between& between) {
  std::size_t place = 0;
  for (const AddedTokens::Match& match : added.find(text, options.parse_special)) {
    if (match.begin > place) {
      if (const Status status = between(text.substr(place, match.begin - place)); !status) return status.error();
    }
    out.push_back(match.id);
    place = match.end;
  }
  return place < text.size() ? between(text.substr(place)) : Done{};
}

}  // namespace

Status Tokenizer::encode_normalized(std::string_view text, const EncodeOptions& options, Merger& merger,
                                    std::vector<Token>& out) const {
  std::string form;
  if (parts_.nfc) {
    form = normalize_nfc(text);
    text = form;
  }
  return walk(parts_.added_normalized, text, options, out,
              [&](std::string_view part) { return encode_plain(part, merger, out); });
}

Result<std::vector<Token>> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  if (text.size() > kLongestText)
    return usage_error("text is too long for the tokenizer", fmt::format("{} bytes", text.size()),
                       fmt::format("give at most {}", kLongestText));
  std::string repaired;
  if (!is_utf8(text)) {
    repaired = to_utf8(to_utf16(text));
    text = repaired;
  }
  std::vector<Token> out;
  out.reserve(text.size() / 4);
  Merger merger(merges_);
  const Status status = walk(parts_.added, text, options, out,
                             [&](std::string_view part) { return encode_normalized(part, options, merger, out); });
  if (!status) return status.error();
  return out;
}

Result<std::string> Tokenizer::decode(std::span<const Token> tokens) const {
  std::string text;
  for (const Token token : tokens) {
    if (token >= size())
      return usage_error("token is not in the vocabulary", std::to_string(token),
                         fmt::format("ids are below {}", size()));
    text += parts_.bytes[token];
  }
  return text;
}

namespace {

/// An id that config.json gives; none where it gives several, or none.
std::optional<std::uint64_t> find_id(const weights::WeightsFile& file, std::string_view key) {
  const weights::MetadataValue* value = file.find_metadata(key);
  const auto* id = value != nullptr ? std::get_if<std::uint64_t>(value) : nullptr;
  return id != nullptr ? std::optional(*id) : std::nullopt;
}

Result<Tokenizer> read_beside(const weights::WeightsFile& file) {
  const std::filesystem::path path = std::filesystem::path(file.name()).parent_path() / "tokenizer.json";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return usage_error(
        "there is no tokenizer beside the weights", path.string(),
        "put the model's tokenizer.json there; `run` and `quality` take token ids in its place (--tokens)");
  const auto mapping = weights::MappedFile::open(path);
  if (!mapping) return mapping.error();
  if (const std::size_t size = mapping.value().bytes().size(); size > kLargestJson)
    return usage_error(fmt::format("{} is too large", path.string()), fmt::format("{} bytes", size),
                       fmt::format("at most {} are read", kLargestJson));
  return read_json(mapping.value().bytes(), path.string(),
                   {find_id(file, "config.bos_token_id"), find_id(file, "config.eos_token_id")});
}

}  // namespace

Result<Tokenizer> read_tokenizer(const weights::WeightsFile& file) {
  auto tokenizer = file.container() == weights::Container::kGguf ? read_gguf(file) : read_beside(file);
  if (!tokenizer) return tokenizer;
  const auto facts = weights::read_facts(file);  // where the model cannot be computed, its caller says so
  if (facts && std::cmp_greater(tokenizer.value().size(), facts.value().vocab))
    return usage_error(fmt::format("{}: the tokenizer has more tokens than the model", file.name()),
                       fmt::format("{} and {}", tokenizer.value().size(), facts.value().vocab),
                       "get tokenizer and weights of one model");
  return tokenizer;
}

Result<Tokenizer> parse_tokenizer(std::string_view text, const std::string& name) { return read_json(text, name, {}); }

}  // namespace qtrap::tokenizer
