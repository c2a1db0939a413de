// A tokenizer out of a tokenizer.json. What would make tokens that this program does not make is refused; `truncation`,
// `padding`, `post_processor` and `decoder` are not read.
#include <fmt/format.h>

#include <algorithm>

#include "table/sorted_json.hpp"
#include "tokenizer/builder.hpp"
#include "tokenizer/readers.hpp"

namespace qtrap::tokenizer {
namespace {

using Json = table::SortedJson;

constexpr std::string_view kOnly = "a byte-level BPE like that of GPT-2, Llama 3 or Qwen2 is read";

bool is_false(const Json& value) { return value == false; }
bool is_nothing(const Json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty());
}
bool is_no_chance(const Json& value) { return value.is_null() || value == 0; }
bool is_bpe(const Json& value) { return value == "BPE"; }
bool is_isolated(const Json& value) { return value == "Isolated"; }

/// A key that may be missing, and else say one thing only.
struct Demand {
  std::string_view key;
  bool (*fits)(const Json& value);
};
constexpr Demand kOfModel[] = {{"type", is_bpe},
                               {"dropout", is_no_chance},
                               {"continuing_subword_prefix", is_nothing},
                               {"end_of_word_suffix", is_nothing},
                               {"byte_fallback", is_false}};
constexpr Demand kOfAdded[] = {{"single_word", is_false}, {"lstrip", is_false}, {"rstrip", is_false}};
constexpr Demand kOfByteLevel[] = {{"add_prefix_space", is_false}};
constexpr Demand kOfSplit[] = {{"behavior", is_isolated}, {"invert", is_false}};

const Json* find(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

class Reader {
 public:
  explicit Reader(const std::string& name) : builder_(name) {}

  Result<Tokenizer> read(const Json& top, const TextEnds& ends) {
    const bool fine = read_model(top) && read_added(top) && read_normalizer(top) && read_pre_tokenizer(top) &&
                      read_id("bos_token_id", ends.bos, builder_.parts().bos) &&
                      read_id("eos_token_id", ends.eos, builder_.parts().eos);
    if (!fine) return builder_.error();
    return builder_.finish();
  }

 private:
  bool refuse(std::string_view what, const Json* value, std::string_view fix = kOnly) {
    return builder_.refuse(what, value != nullptr ? table::quote_sorted_json(*value) : "", std::string(fix));
  }

  bool read_id(std::string_view key, std::optional<std::uint64_t> id, std::optional<Token>& out) {
    return !id || builder_.set_id(key, *id, out);
  }

  bool meets(const Json& object, std::string_view path, std::span<const Demand> demands) {
    for (const Demand& demand : demands) {
      const Json* value = find(object, demand.key);
      if (value != nullptr && !demand.fits(*value))
        return refuse(fmt::format("{}.{} is not read", path, demand.key), value);
    }
    return true;
  }

  /// A flag that may be missing.
  bool read_flag(const Json& object, std::string_view path, std::string_view key, bool& out) {
    const Json* value = find(object, key);
    if (value == nullptr) return true;
    if (!value->is_boolean()) return refuse(fmt::format("{}.{} is no flag", path, key), value, "give true or false");
    out = value->get<bool>();
    return true;
  }

  bool read_model(const Json& top) {
    const Json* model = find(top, "model");
    if (model == nullptr || !model->is_object()) return refuse("there is no object `model`", model);
    bool whole = false;
    if (!meets(*model, "model", kOfModel) || !read_vocabulary(*model) || !read_merges(*model) ||
        !read_unknown(*model) || !read_flag(*model, "model", "ignore_merges", whole))
      return false;
    if (whole) builder_.ignore_merges();
    return true;
  }

  bool read_vocabulary(const Json& model) {
    const Json* vocabulary = find(model, "vocab");
    if (vocabulary == nullptr || !vocabulary->is_object() || vocabulary->empty())
      return refuse("there is no object model.vocab", vocabulary);
    for (const auto& [text, id] : vocabulary->items()) {
      if (!id.is_number_unsigned()) return refuse(fmt::format("the id of token {} is no count", text), &id, "");
      if (!builder_.add_token(id.get<std::uint64_t>(), text)) return false;
    }
    return true;
  }

  bool read_merges(const Json& model) {
    const Json* merges = find(model, "merges");
    if (merges == nullptr || !merges->is_array()) return refuse("there is no list model.merges", merges);
    for (const Json& merge : *merges) {
      if (!read_merge(merge)) return false;
    }
    return true;
  }

  bool read_merge(const Json& merge) {
    if (merge.is_string()) return builder_.add_merge(merge.get_ref<const std::string&>());
    if (!merge.is_array() || merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string())
      return refuse(fmt::format("merge {} is no pair of texts", builder_.merge_count()), &merge, "");
    return builder_.add_merge(merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>());
  }

  bool read_unknown(const Json& model) {
    const Json* text = find(model, "unk_token");
    bool fuse = false;
    if (text == nullptr || is_nothing(*text)) return true;
    if (!text->is_string()) return refuse("model.unk_token is no text", text);
    return read_flag(model, "model", "fuse_unk", fuse) &&
           builder_.set_unknown(text->get_ref<const std::string&>(), fuse);
  }

  bool read_added(const Json& top) {
    const Json* list = find(top, "added_tokens");
    if (list == nullptr || list->is_null()) return true;
    if (!list->is_array()) return refuse("added_tokens is no list", list);
    for (const Json& one : *list) {
      const Json* id = one.is_object() ? find(one, "id") : nullptr;
      const Json* text = one.is_object() ? find(one, "content") : nullptr;
      if (id == nullptr || !id->is_number_unsigned() || text == nullptr || !text->is_string())
        return refuse("an added token has no id and content", &one, "give a count and a text");
      bool special = false;
      if (!meets(one, "added_tokens", kOfAdded) || !read_flag(one, "added_tokens", "special", special)) return false;
      bool normalized = !special;
      if (!read_flag(one, "added_tokens", "normalized", normalized)) return false;
      if (!builder_.add_added({id->get<std::uint64_t>(), text->get_ref<const std::string&>(), special, normalized}))
        return false;
    }
    return true;
  }

  /// The parts of an element of the pipeline: itself, or those of a "Sequence" under `key`.
  bool list_parts(const Json& element, std::string_view place, std::string_view key, std::vector<const Json*>& out) {
    if (!element.is_object()) return refuse(fmt::format("{} is no object", place), &element);
    const Json* type = find(element, "type");
    if (type == nullptr || *type != "Sequence") {
      out.push_back(&element);
      return true;
    }
    const Json* parts = find(element, key);
    if (parts == nullptr || !parts->is_array()) return refuse(fmt::format("{} has no list {}", place, key), parts);
    for (const Json& part : *parts) {
      if (!part.is_object()) return refuse(fmt::format("a part of {} is no object", place), &part);
      out.push_back(&part);
    }
    return true;
  }

  bool read_normalizer(const Json& top) {
    const Json* normalizer = find(top, "normalizer");
    std::vector<const Json*> parts;
    if (normalizer == nullptr || normalizer->is_null()) return true;
    if (!list_parts(*normalizer, "normalizer", "normalizers", parts)) return false;
    for (const Json* part : parts) {
      const Json* type = find(*part, "type");
      if (type == nullptr || *type != "NFC") return refuse("a normalizer is not read", type, "NFC is");
      builder_.parts().nfc = true;
    }
    return true;
  }

  struct Element {
    std::string_view type;
    bool (Reader::*read)(const Json& element);
  };

  bool read_pre_tokenizer(const Json& top) {
    static constexpr Element kElements[] = {
        {"ByteLevel", &Reader::read_byte_level}, {"Digits", &Reader::read_digits}, {"Split", &Reader::read_split}};
    const Json* pre_tokenizer = find(top, "pre_tokenizer");
    std::vector<const Json*> parts;
    if (pre_tokenizer == nullptr) return refuse("there is no pre_tokenizer", nullptr);
    if (!list_parts(*pre_tokenizer, "pre_tokenizer", "pretokenizers", parts)) return false;
    for (const Json* part : parts) {
      const Json* type = find(*part, "type");
      const auto* const element = std::find_if(std::begin(kElements), std::end(kElements), [type](const Element& one) {
        return type != nullptr && *type == one.type;
      });
      if (element == std::end(kElements) || byte_level_)
        return refuse(byte_level_ ? "a part of pre_tokenizer follows ByteLevel" : "a part of pre_tokenizer is not read",
                      type, "Split and Digits are, and ByteLevel as the last");
      if (!(this->*element->read)(*part)) return false;
    }
    return byte_level_ || refuse("pre_tokenizer has no ByteLevel", nullptr);
  }

  void add(Expression expression) { builder_.parts().expressions.push_back(expression); }

  bool read_byte_level(const Json& element) {
    // It is true where the file leaves it out.
    if (find(element, "add_prefix_space") == nullptr) return refuse("ByteLevel has no add_prefix_space", nullptr);
    bool split = true;
    if (!meets(element, "ByteLevel", kOfByteLevel) || !read_flag(element, "ByteLevel", "use_regex", split))
      return false;
    if (split) add(Expression::kGpt2);
    byte_level_ = true;
    return true;
  }

  bool read_digits(const Json& element) {
    bool apart = false;
    if (!read_flag(element, "Digits", "individual_digits", apart)) return false;
    add(apart ? Expression::kDigit : Expression::kDigits);
    return true;
  }

  bool read_split(const Json& element) {
    const Json* pattern = find(element, "pattern");
    const Json* spelling = pattern != nullptr && pattern->is_object() ? find(*pattern, "Regex") : nullptr;
    if (spelling == nullptr || !spelling->is_string()) return refuse("a Split has no Regex", pattern);
    const Expression* expression = find_expression(spelling->get_ref<const std::string&>());
    if (expression == nullptr) return refuse("the Regex of a Split is unknown", spelling);
    add(*expression);
    return meets(element, "Split", kOfSplit);
  }

  Builder builder_;
  bool byte_level_ = false;
};

}  // namespace

Result<Tokenizer> read_json(std::string_view text, const std::string& name, const TextEnds& ends) {
  const auto json = table::parse_sorted_json_object(text, name);
  if (!json) return json.error();
  return Reader(name).read(json.value(), ends);
}

}  // namespace qtrap::tokenizer
