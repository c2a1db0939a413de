// The readers of tokenizers: tables of what must be refused, with the message; files cut and changed anywhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "support/tokenizer_files.hpp"
#include "tokenizer/readers.hpp"

namespace qtrap::tokenizer {
namespace {

using test::gguf_count;
using test::gguf_flag;
using test::gguf_integers;
using test::gguf_word;
using test::GgufTokenizer;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kAgain = "get the tokenizer again from where its model is";

Result<Tokenizer> read_bytes(std::string_view bytes) {
  const auto file = weights::parse_weights(bytes, "f", "");
  return file ? read_tokenizer(file.value()) : file.error();
}

struct GgufReject {
  const char* name;
  std::function<void(GgufTokenizer&)> spoil;
  std::string message;  ///< start of it, after the file's name
};

const std::vector<GgufReject>& gguf_rejects() {
  static const std::vector<GgufReject> kRejects{
      {"no tokenizer", [](GgufTokenizer& f) { f.without = {"model", "pre", "tokens", "token_type", "merges", "bos"}; },
       "a key of the tokenizer is missing (tokenizer.ggml.model): convert the model again"},
      {"another kind", [](GgufTokenizer& f) { f.kind = "llama"; },
       "no tokenizer of this program (llama): it reads gpt2, byte-level pairs"},
      {"a kind that is no text",
       [](GgufTokenizer& f) {
         f.without = {"model"};
         f.more = {gguf_count("tokenizer.ggml.model", 1)};
       },
       "tokenizer.ggml.model is no text: convert the model again"},
      {"no rule", [](GgufTokenizer& f) { f.without = {"pre"}; },
       "a key of the tokenizer is missing (tokenizer.ggml.pre): convert"},
      {"an unknown rule", [](GgufTokenizer& f) { f.rule = "tekken"; },
       "tokenizer.ggml.pre is unknown (tekken): known are smollm, gpt-2, default, llama-bpe"},
      {"a space before", [](GgufTokenizer& f) { f.more = {gguf_flag("tokenizer.ggml.add_space_prefix", true)}; },
       "tokenizer.ggml.add_space_prefix is not read (true): false is"},
      {"a flag that is a number", [](GgufTokenizer& f) { f.more = {gguf_count("tokenizer.ggml.add_bos_token", 1)}; },
       "tokenizer.ggml.add_bos_token is no flag"},
      {"no tokens", [](GgufTokenizer& f) { f.without = {"tokens"}; },
       "a key of the tokenizer is missing (tokenizer.ggml.tokens)"},
      {"an empty list of tokens",
       [](GgufTokenizer& f) {
         f.tokens = {};
         f.types = {};
         f.merges = {};
         f.without = {"bos"};
       },
       "no byte has a token: a byte-level vocabulary has one for each"},
      {"tokens that are numbers",
       [](GgufTokenizer& f) {
         f.without = {"tokens"};
         f.more = {gguf_integers("tokenizer.ggml.tokens", {1, 2})};
       },
       "tokenizer.ggml.tokens is no list of texts"},
      {"tokens that are no list",
       [](GgufTokenizer& f) {
         f.without = {"tokens"};
         f.more = {gguf_word("tokenizer.ggml.tokens", "a")};
       },
       "tokenizer.ggml.tokens is no list"},
      {"a token twice", [](GgufTokenizer& f) { f.tokens[2] = "a"; },
       std::string("tokens 0 and 2 are the same (a): ") + kAgain},
      {"a token that is no UTF-8", [](GgufTokenizer& f) { f.tokens[2] = "\xC4"; }, "token 2 is not UTF-8 (\\xc4): "},
      {"no letters",
       [](GgufTokenizer& f) {
         f.tokens = {"aa", "bb", "ĠĠ", "abc", "Ġabc", "<s>"};
         f.merges = {};
       },
       "no byte has a token"},
      {"types of fewer", [](GgufTokenizer& f) { f.types.pop_back(); },
       "tokenizer.ggml.token_type has no number for each token (5 of 6): convert"},
      {"an unknown type", [](GgufTokenizer& f) { f.types[1] = 7; }, "token 1 has an unknown type (7): convert"},
      {"a negative type", [](GgufTokenizer& f) { f.types[1] = -1; }, "token 1 has an unknown type (-1): convert"},
      {"a long control token", [](GgufTokenizer& f) { f.tokens[5] = std::string(1025, 's'); },
       "added token 5 is too long (sss"},
      {"no merges", [](GgufTokenizer& f) { f.without = {"merges"}; },
       "a key of the tokenizer is missing (tokenizer.ggml.merges)"},
      {"a merge of one", [](GgufTokenizer& f) { f.merges[0] = "ab"; },
       "merge 0 is no pair (ab): two texts with one space between them are"},
      {"a merge of three", [](GgufTokenizer& f) { f.merges[0] = "a b a"; }, "merge 0 is no pair (a b a): "},
      {"a merge with nothing", [](GgufTokenizer& f) { f.merges[1] = "a "; }, "merge 1 is no pair (a ): "},
      {"an empty merge", [](GgufTokenizer& f) { f.merges[1] = ""; }, "merge 1 is no pair: "},
      {"a merge of no token", [](GgufTokenizer& f) { f.merges[1] = "c a"; },
       std::string("merge 1 is of what is no token (c + a: c): ") + kAgain},
      {"a merge with no token", [](GgufTokenizer& f) { f.merges[1] = "a c"; },
       "merge 1 is of what is no token (a + c: c): "},
      {"a merge to no token", [](GgufTokenizer& f) { f.merges[1] = "a a"; },
       "merge 1 is of what is no token (a + a: aa): "},
      {"a merge twice", [](GgufTokenizer& f) { f.merges[1] = "a b"; }, "a merge is given twice (tokens 0 + 1): "},
      {"bos beyond", [](GgufTokenizer& f) { f.bos = 6; },
       "tokenizer.ggml.bos_token_id is no token (6): ids are below 6"},
      {"eos beyond", [](GgufTokenizer& f) { f.more = {gguf_count("tokenizer.ggml.eos_token_id", ~0U)}; },
       "tokenizer.ggml.eos_token_id is no token (4294967295): ids are below 6"},
      {"eos of text", [](GgufTokenizer& f) { f.more = {gguf_word("tokenizer.ggml.eos_token_id", "2")}; },
       "tokenizer.ggml.eos_token_id is no count"},
  };
  return kRejects;
}

TEST(GgufTokenizer, RefusesWhatIsWrongInOneLine) {
  ASSERT_TRUE(read_bytes(GgufTokenizer().bytes()));
  for (const GgufReject& reject : gguf_rejects()) {
    GgufTokenizer file;
    reject.spoil(file);
    const auto read = read_bytes(file.bytes());
    ASSERT_FALSE(read) << reject.name;
    EXPECT_THAT(read.error().message(), StartsWith("f: " + reject.message)) << reject.name;
    EXPECT_EQ(read.error().kind, ErrorKind::kUsage) << reject.name;
  }
}

TEST(GgufTokenizer, MayHaveEmptyTokensAndNoTypes) {
  GgufTokenizer file;
  file.tokens.insert(file.tokens.end(), {"", ""});
  file.without = {"token_type"};
  const auto read = read_bytes(file.bytes());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read.value().size(), 8U);
  EXPECT_EQ(read.value().added_count(), 0U);
  const std::vector<Token> tokens{6, 3, 7};
  EXPECT_EQ(read.value().decode(tokens).value(), "ab");
}

TEST(GgufTokenizer, AnyChangedByteIsReadOrRefused) {
  const std::string whole = GgufTokenizer().bytes();
  std::size_t refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int change : {1, 0x80, 0xFF}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      const auto read = read_bytes(bytes);
      if (read) EXPECT_TRUE(read.value().encode("ab <s>"));
      refused += read ? 0 : 1;
    }
    ASSERT_FALSE(at + 32 < whole.size() && read_bytes(std::string_view(whole).substr(0, at))) << at;
  }
  EXPECT_GT(refused, whole.size());
}

struct JsonReject {
  const char* from;
  std::string to;
  std::string message;  ///< start of it
};

const std::vector<JsonReject>& json_rejects() {
  static const std::vector<JsonReject> kRejects{
      {R"({"version")", "[", "f is not valid JSON"},
      {R"("model":{)", R"("other":{)", "f: there is no object `model`: a byte-level BPE like that of"},
      {R"("type":"BPE")", R"("type":"Unigram")", R"(f: model.type is not read ("Unigram"): a byte-level BPE)"},
      {R"("type":"BPE")", R"("type":"BPE","type":"BPE")", "f: a key is given twice (type): remove one of them"},
      {R"("dropout":null)", R"("dropout":0.1)", "f: model.dropout is not read (0.1): "},
      {R"("byte_fallback":false)", R"("byte_fallback":true)", "f: model.byte_fallback is not read (true): "},
      {R"("byte_fallback":false)", R"("byte_fallback":0)", "f: model.byte_fallback is not read (0): "},
      {R"("dropout":null)", R"("end_of_word_suffix":"</w>")", R"(f: model.end_of_word_suffix is not read ("</w>"))"},
      {R"("dropout":null)", R"("continuing_subword_prefix":"##")", "f: model.continuing_subword_prefix is not read"},
      {R"("unk_token":null)", R"("unk_token":"c")", "f: the unknown token is no token (c): "},
      {R"("unk_token":null)", R"("unk_token":7)", "f: model.unk_token is no text (7): "},
      {R"("unk_token":null)", R"("unk_token":"a","fuse_unk":1)",
       "f: model.fuse_unk is no flag (1): give true or false"},
      {R"("ignore_merges":false)", R"("ignore_merges":"no")", R"(f: model.ignore_merges is no flag ("no"): )"},
      {R"("vocab":{)", R"("other":{)", "f: there is no object model.vocab"},
      {R"({"a":0,"b":1,"Ġ":2,"ab":3,"Ġab":4})", "{}", "f: there is no object model.vocab (an object)"},
      {R"("b":1)", R"("b":"1")", R"(f: the id of token b is no count ("1"))"},
      {R"("b":1)", R"("b":-1)", "f: the id of token b is no count (-1)"},
      {R"("b":1)", R"("b":1.5)", "f: the id of token b is no count (1.5)"},
      {R"("b":1)", R"("b":0)", "f: two tokens have one id (0): "},
      {R"("b":1)", R"("b":1048576)", "f: the id of a token is too large (1048576): ids are below 1048576"},
      {R"("b":1)", R"("b":18446744073709551615)", "f: the id of a token is too large (18446744073709551615): "},
      {R"("b":1)", R"("a":1)", "f: a key is given twice (a): "},
      {R"("merges":[)", R"("other":[)", "f: there is no list model.merges"},
      {R"(["a","b"])", R"(["a","b","c"])", "f: merge 0 is no pair of texts (a list)"},
      {R"(["a","b"])", R"(["a",1])", "f: merge 0 is no pair of texts (a list)"},
      {R"(["a","b"])", "7", "f: merge 0 is no pair of texts (7)"},
      {R"(["a","b"])", R"("ab")", "f: merge 0 is no pair (ab): "},
      {R"(["a","b"])", R"(["","b"])", "f: merge 0 is of what is no token ( + b: ): "},
      {R"(["Ġ","ab"])", R"(["a","b"])", "f: a merge is given twice (tokens 0 + 1): "},
      {R"("added_tokens":[)", R"("added_tokens":7,"other":[)", "f: added_tokens is no list (7)"},
      {R"({"id":5,)", R"({"id":"5",)", "f: an added token has no id and content (an object): give a count and a text"},
      {R"("content":"<s>")", R"("content":5)", "f: an added token has no id and content"},
      {R"({"id":5,)", R"({"id":3,)", "f: two tokens have one id (3): "},
      {R"("content":"<s>")", R"("content":"ab")", "f: added token 5 is token 3 too (ab): "},
      {R"({"id":5,)", R"({"id":1099511627776,)", "f: the id of a token is too large (1099511627776): "},
      {R"("added_tokens":[)", R"("added_tokens":[{"id":6,"content":"<s>"},)",
       "f: an added token is given twice (<s>): "},
      {R"("added_tokens":[)", R"("added_tokens":[{"id":3,"content":"ab"},{"id":3,"content":"ab"},)",
       "f: an added token is given twice (ab): "},
      {R"("single_word":false)", R"("single_word":true)", "f: added_tokens.single_word is not read (true): "},
      {R"("lstrip":false)", R"("lstrip":true)", "f: added_tokens.lstrip is not read (true): "},
      {R"("rstrip":false)", R"("rstrip":true)", "f: added_tokens.rstrip is not read (true): "},
      {R"("special":true)", R"("special":1)", "f: added_tokens.special is no flag (1): give true or false"},
      {R"("normalized":false)", R"("normalized":null)", "f: added_tokens.normalized is no flag (null): "},
      {R"("normalizer":null)", R"("normalizer":{"type":"NFKC"})", R"(f: a normalizer is not read ("NFKC"): NFC is)"},
      {R"("normalizer":null)",
       R"("normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Lowercase"}]})",
       R"(f: a normalizer is not read ("Lowercase"): NFC is)"},
      {R"("normalizer":null)", R"("normalizer":{"type":"Sequence","normalizers":[7]})",
       "f: a part of normalizer is no object (7)"},
      {R"("normalizer":null)", R"("normalizer":{"type":"Sequence"})", "f: normalizer has no list normalizers"},
      {R"("normalizer":null)", R"("normalizer":"NFC")", R"(f: normalizer is no object ("NFC"))"},
      {R"("pre_tokenizer":{)", R"("other":{)", "f: there is no pre_tokenizer"},
      {R"({"type":"Digits")", R"({"type":"Metaspace")",
       R"(f: a part of pre_tokenizer is not read ("Metaspace"): Split and Digits are, and ByteLevel as the last)"},
      {R"({"type":"Digits")", R"({"type":"Sequence")", R"(f: a part of pre_tokenizer is not read ("Sequence"))"},
      {R"("individual_digits":true)", R"("individual_digits":2)", "f: Digits.individual_digits is no flag (2): "},
      {R"({"type":"Digits","individual_digits":true})", R"({"type":"ByteLevel","add_prefix_space":false})",
       R"(f: a part of pre_tokenizer follows ByteLevel ("ByteLevel"): )"},
      {R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":true})", R"({"type":"Digits"})",
       "f: pre_tokenizer has no ByteLevel: "},
      {R"("add_prefix_space":false)", R"("add_prefix_space":true)",
       "f: ByteLevel.add_prefix_space is not read (true): "},
      {R"("add_prefix_space":false)", R"("trim_offsets":false)", "f: ByteLevel has no add_prefix_space: "},
      {R"("use_regex":true)", R"("use_regex":"yes")", R"(f: ByteLevel.use_regex is no flag ("yes"): )"},
      {R"({"type":"Digits")", R"({"type":"Split")", "f: a Split has no Regex"},
      {R"({"type":"Digits")", R"({"type":"Split","pattern":{"String":" "})", "f: a Split has no Regex (an object)"},
      {R"({"type":"Digits")", R"({"type":"Split","pattern":{"Regex":"(a+)+b"})",
       R"(f: the Regex of a Split is unknown ("(a+)+b"): )"},
      {R"({"type":"Digits")", R"({"type":"Split","pattern":{"Regex":"\\p{N}"},"behavior":"Removed")",
       R"(f: Split.behavior is not read ("Removed"): )"},
      {R"({"type":"Digits")", R"({"type":"Split","pattern":{"Regex":"\\p{N}"},"behavior":"Isolated","invert":true)",
       "f: Split.invert is not read (true): "},
  };
  return kRejects;
}

TEST(JsonTokenizer, RefusesWhatIsWrongInOneLine) {
  ASSERT_TRUE(parse_tokenizer(test::kTokenizerJson, "f"));
  for (const JsonReject& reject : json_rejects()) {
    const std::string text = test::replaced(test::kTokenizerJson, reject.from, reject.to);
    ASSERT_NE(text, test::kTokenizerJson) << reject.from;
    const auto read = parse_tokenizer(text, "f");
    ASSERT_FALSE(read) << reject.message;
    EXPECT_THAT(read.error().message(), StartsWith(reject.message));
    EXPECT_EQ(read.error().kind, ErrorKind::kUsage) << reject.message;
  }
}

TEST(JsonTokenizer, ReadsWhatFilesLeaveOut) {
  const auto tokens = [](const char* from, const char* to) {
    const auto read = parse_tokenizer(test::replaced(test::kTokenizerJson, from, to), "f");
    return read ? read.value().encode(" ab<s>").value() : std::vector<Token>();
  };
  const std::vector<Token> usual{4, 5};
  EXPECT_EQ(tokens(R"("type":"BPE",)", ""), usual);
  EXPECT_EQ(tokens(R"(["a","b"],["Ġ","ab"])", R"("a b","Ġ ab")"), usual);
  EXPECT_EQ(tokens(R"("normalizer":null,)", ""), usual);
  EXPECT_EQ(tokens(R"("unk_token":null)", R"("unk_token":"")"), usual);
  EXPECT_EQ(tokens(R"(,"use_regex":true)", ""), usual);
  EXPECT_EQ(tokens(R"(,"use_regex":true)", R"(,"use_regex":false)"), usual);
  EXPECT_EQ(tokens(R"("ignore_merges":false,)", ""), usual);
  EXPECT_EQ(tokens(R"("special":true)", R"("special":false)"), usual);
  EXPECT_EQ(tokens(R"("content":"<s>")", R"("content":"")"), (std::vector<Token>{4}));  // s, < and > are no tokens
  EXPECT_EQ(tokens(R"(["a","b"],["Ġ","ab"])", ""), (std::vector<Token>{2, 0, 1, 5}));
}

TEST(JsonTokenizer, AddedTokensOfOneNormalFormAreRefused) {
  const std::string nfc =
      test::replaced(test::kTokenizerJson, R"("normalizer":null)", R"("normalizer":{"type":"NFC"})");
  const auto read =
      parse_tokenizer(test::replaced(nfc, R"("added_tokens":[)",
                                     R"("added_tokens":[{"id":6,"content":"e\u0301"},{"id":7,"content":"\u00e9"},)"),
                      "f");
  EXPECT_THAT(read.error().message(), StartsWith("f: added token 7 has another one's normal form ("));
}

TEST(JsonTokenizer, CutAtAnyByteIsAnError) {
  for (std::size_t length = 0; length < test::kTokenizerJson.size(); ++length) {
    const auto read = parse_tokenizer(std::string_view(test::kTokenizerJson).substr(0, length), "f");
    ASSERT_FALSE(read) << length;
    EXPECT_EQ(read.error().message().find('\n'), std::string::npos);
  }
}

TEST(JsonTokenizer, AnyChangedByteIsReadOrRefused) {
  std::size_t refused = 0;
  for (std::size_t at = 0; at < test::kTokenizerJson.size(); ++at) {
    for (const int change : {1, 2, 0x80}) {
      std::string text = test::kTokenizerJson;
      text[at] = static_cast<char>(text[at] ^ change);
      const auto read = parse_tokenizer(text, "f");
      if (read) EXPECT_TRUE(read.value().encode("ab <s>"));
      refused += read ? 0 : 1;
    }
  }
  EXPECT_GT(refused, test::kTokenizerJson.size());
}

TEST(JsonTokenizer, DeepNestingAndHugeTextsAreRefusedOrRead) {
  const auto deep = parse_tokenizer(std::string(100'000, '['), "f");
  EXPECT_THAT(deep.error().message(), HasSubstr("f is nested too deeply"));
  const std::string huge(4 << 20, 'x');
  const auto read =
      parse_tokenizer(test::replaced(test::kTokenizerJson, R"("b":1)", "\"b\":1,\"" + huge + "\":6"), "f");
  ASSERT_TRUE(read) << read.error().message();
  const std::vector<Token> tokens{6};
  EXPECT_EQ(read.value().decode(tokens).value(), huge);
  const auto added = parse_tokenizer(test::replaced(test::kTokenizerJson, "<s>", huge), "f");
  EXPECT_THAT(added.error().message(), StartsWith("f: added token 5 is too long (xxx"));
}

}  // namespace
}  // namespace qtrap::tokenizer
