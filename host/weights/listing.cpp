#include "weights/listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "table/codec.hpp"
#include "table/schema.hpp"

namespace qtrap::weights {
namespace {

constexpr std::array<std::string_view, 1> kSchemas{"qtrap.weights"};

std::int64_t count(std::uint64_t number) { return static_cast<std::int64_t>(number); }

ListedTensor list_tensor(const WeightsFile& file, const Tensor& tensor) {
  ListedTensor out;
  out.name = tensor.name;
  out.type = tensor.type->name;
  for (const std::uint64_t dimension : tensor.shape) out.shape.push_back(count(dimension));
  out.bytes = count(tensor.bytes);
  out.offset = count(tensor.offset);
  out.file = file.sources().at(tensor.file).name;
  if (const auto named = find_role(file.container(), tensor.name)) {
    out.role = named->role;
    out.layer = named->layer;
  }
  if (!tensor.type->runnable()) {
    out.use = Use::kUnknownType;
  } else if (out.role) {
    out.use = tensor.type->native ? Use::kNative : Use::kDequantized;
    out.weight_format = format::info(tensor.type->native.value_or(format::kPlainFormat)).name;
  }
  return out;
}

void add_total(std::vector<TypeTotal>& totals, const Tensor& tensor) {
  auto found = std::find_if(totals.begin(), totals.end(),
                            [&](const TypeTotal& total) { return total.type == tensor.type->name; });
  if (found == totals.end()) found = totals.insert(totals.end(), TypeTotal{std::string(tensor.type->name)});
  ++found->tensors;
  found->elements += count(tensor.elements);
  found->bytes += count(tensor.bytes);
}

}  // namespace

std::span<const table::Field<ListedTensor>> table_of(std::type_identity<ListedTensor>) {
  using R = ListedTensor;
  static const table::Field<R> kTable[] = {
      {&R::name, {"name", "", "as the file has it"}},
      {&R::type, {"type", "", "as the container spells it"}},
      {&R::shape, {"shape", "", "dimensions, that of adjacent elements last"}},
      {&R::bytes, {"bytes", "byte", "of its elements"}},
      {&R::offset, {"offset", "byte", "of its first byte, from the start of the file"}},
      {&R::file, {"file", "", "that holds it"}},
      {&R::role, {"role", "", "what the decoder reads it as, by its name; null: as nothing"}},
      {&R::layer, {"layer", "", "its decoder layer, from 0; 0 outside of them"}},
      {&R::use,
       {"use", "",
        "runs in the format of its bits, is dequantized first, is not read, or has a type that is not computed with"}},
      {&R::weight_format, {"weight_format", "", "format in which it runs; null: in none"}},
  };
  return kTable;
}

std::span<const table::Field<TypeTotal>> table_of(std::type_identity<TypeTotal>) {
  using R = TypeTotal;
  static const table::Field<R> kTable[] = {
      {&R::type, {"type", "", "as the container spells it"}},
      {&R::tensors, {"tensors", "", "tensors of the type"}},
      {&R::elements, {"elements", "", "their elements"}},
      {&R::bytes, {"bytes", "byte", "their bytes"}},
  };
  return kTable;
}

std::span<const table::Field<ListedText>> table_of(std::type_identity<ListedText>) {
  using R = ListedText;
  static const table::Field<R> kTable[] = {
      {&R::file, {"file", "", "as it was given"}},
      {&R::bytes, {"bytes", "byte", "of the text"}},
      {&R::tokens, {"tokens", "", "that it makes, without bos and eos"}},
      {&R::distinct_tokens, {"distinct_tokens", "", "of them that differ"}},
      {&R::first_tokens, {"first_tokens", "", "ids of the first 16"}},
      {&R::vocabulary, {"vocabulary", "", "tokens of the tokenizer: every id is below"}},
      {&R::merges, {"merges", "", "merges of the tokenizer"}},
      {&R::added_tokens, {"added_tokens", "", "tokens that are found in a text as they are spelt"}},
  };
  return kTable;
}

std::span<const table::Field<Listing>> table_of(std::type_identity<Listing>) {
  using R = Listing;
  static const table::Field<R> kTable[] = {
      {&R::schema, {"schema", "", "kind of file", kSchemas}},
      {&R::schema_version, {"schema_version", "", "MAJOR.MINOR of the listing's format"}},
      {&R::file, {"file", "", "as it was given; of shards the first"}},
      {&R::container, {"container", "", "how the file is laid out"}},
      {&R::version, {"version", "", "of GGUF; 0 of safetensors"}},
      {&R::bytes, {"bytes", "byte", "of all files"}},
      {&R::tensors, {"tensors", "", "in the order of the files"}},
      {&R::totals, {"totals", "", "by type, in the order of their first tensors"}},
      {&R::decoder, {"decoder", "", "what the metadata says of the model; null: nothing that this program computes"}},
      {&R::fault, {"fault", "", "why the decoder cannot run on these weights; null: it can"}},
      {&R::text, {"text", "", "a text in the tokens of the file (--text); null: none was given"}},
  };
  return kTable;
}

Listing list_weights(const WeightsFile& file) {
  Listing listing;
  listing.file = file.name();
  listing.container = file.container();
  listing.version = file.version();
  for (const Source& source : file.sources()) listing.bytes += count(source.bytes.size());
  for (const Tensor& tensor : file.tensors()) {
    listing.tensors.push_back(list_tensor(file, tensor));
    add_total(listing.totals, tensor);
  }
  const auto facts = read_facts(file);
  if (!facts) {
    listing.fault = facts.error().message();
    return listing;
  }
  listing.decoder = facts.value();
  const auto decoder = find_decoder(file, facts.value());
  if (!decoder) {
    listing.fault = decoder.error().message();
    return listing;
  }
  for (std::size_t i = 0; i < listing.tensors.size(); ++i) {
    ListedTensor& listed = listing.tensors[i];
    if (listed.role && decoder.value().find(*listed.role, *listed.layer) != &file.tensors()[i]) {
      listed.use = Use::kUnread;
      listed.weight_format.reset();
    }
  }
  return listing;
}

std::string to_json(const Listing& listing) { return table::write_document(listing).value(); }

std::string make_listing_markdown() {
  return "# What `qtrap weights --json` prints\n"
         "<!-- Generated from the field tables in host/weights: QTRAP_REGENERATE=1 weights_tests -->\n"
         "One JSON object.\n" +
         table::describe_schema("Weights",
                                table::object_schema<Listing>(table::Json::object(), table::Manner::kLenient), false);
}

}  // namespace qtrap::weights
