// What `qtrap weights` tells of a file: its tensors, what each would run as, totals by type, and the decoder that they
// make.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weights/facts.hpp"
#include "weights/file.hpp"
#include "weights/roles.hpp"

namespace qtrap::weights {

/// What the decoder would make of a tensor.
enum class Use { kNative, kDequantized, kUnread, kUnknownType };
constexpr Words<4> words_of(Use) { return {"native", "dequantized", "unread", "unknown_type"}; }

struct ListedTensor {
  std::string name;
  std::string type;
  std::vector<std::int64_t> shape;
  std::int64_t bytes = 0;
  std::int64_t offset = 0;
  std::string file;
  std::optional<Role> role;
  std::optional<std::int64_t> layer;
  Use use = Use::kUnread;
  std::optional<std::string> weight_format;
};

/// All tensors of one type.
struct TypeTotal {
  std::string type;
  std::int64_t tensors = 0;
  std::int64_t elements = 0;
  std::int64_t bytes = 0;
};

/// A text in the tokens of the file; whoever has a tokenizer fills it in.
struct ListedText {
  std::string file;
  std::int64_t bytes = 0;
  std::int64_t tokens = 0;
  std::int64_t distinct_tokens = 0;
  std::vector<std::int64_t> first_tokens;
  std::int64_t vocabulary = 0;
  std::int64_t merges = 0;
  std::int64_t added_tokens = 0;
};

struct Listing {
  std::string schema = "qtrap.weights";
  std::string schema_version = "1.1";
  std::string file;
  Container container = Container::kGguf;
  std::int64_t version = 0;
  std::int64_t bytes = 0;
  std::vector<ListedTensor> tensors;
  std::vector<TypeTotal> totals;
  std::optional<DecoderFacts> decoder;
  std::optional<std::string> fault;
  std::optional<ListedText> text;
};

std::variant<std::optional<Role>, Use> special_types(std::type_identity<ListedTensor>);
std::variant<Container, std::vector<ListedTensor>, std::vector<TypeTotal>, std::optional<DecoderFacts>,
             std::optional<ListedText>>
    special_types(std::type_identity<Listing>);
std::span<const table::Field<ListedTensor>> table_of(std::type_identity<ListedTensor>);
std::span<const table::Field<TypeTotal>> table_of(std::type_identity<TypeTotal>);
std::span<const table::Field<ListedText>> table_of(std::type_identity<ListedText>);
std::span<const table::Field<Listing>> table_of(std::type_identity<Listing>);

/// Reads no tensor. The decoder's first fault stands in `fault` where it cannot run.
Listing list_weights(const WeightsFile& file);

/// Text of a listing as JSON, one key a line.
std::string to_json(const Listing& listing);

/// SCHEMA.md: every key with its meaning.
std::string make_listing_markdown();

}  // namespace qtrap::weights
