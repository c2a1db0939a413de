// What the fuzz targets and their regression test do with any bytes: read them as weights, and where that succeeds,
// list them, look for the decoder and read numbers of every tensor. A broken contract aborts.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "core/contract.hpp"
#include "support/weights_files.hpp"
#include "weights/listing.hpp"
#include "weights/safetensors.hpp"
#include "weights/values.hpp"

namespace qtrap::test {

inline void expect_message(const Error& error) {
  expects(!error.message().empty(), "a refusal has a message");
  expects(error.message().find('\n') == std::string::npos, "a message is one line");
}

/// A few rows of a tensor, in all three ways.
inline void exercise_tensor(const weights::WeightsFile& file, const weights::Tensor& tensor) {
  constexpr std::uint64_t kMost = 1U << 16U;  // numbers: a row can be as long as the file
  if (tensor.columns() > kMost) return;
  const weights::RowRange rows{tensor.rows() / 2, std::min<std::uint64_t>(2, tensor.rows() - tensor.rows() / 2)};
  std::vector<float> floats(rows.count * tensor.columns());
  std::vector<std::uint16_t> halves(floats.size());
  const Status read = weights::read_rows(file, tensor, rows, std::span<float>(floats));
  if (!read) expect_message(read.error());
  const Status as_halves = weights::read_rows(file, tensor, rows, std::span<std::uint16_t>(halves));
  expects(read.ok() || !as_halves.ok(), "what is no f32 is no f16");
  const auto native = weights::read_native(file, tensor, rows);
  expects(!native.ok() || read.ok(), "numbers are looked at whichever way they are read");
}

/// Whether the bytes, and the text of config.json beside them, are weights.
inline bool exercise_weights(std::string_view bytes, std::string_view config) {
  const auto file = weights::parse_weights(bytes, "fuzz", config);
  if (!file) {
    expect_message(file.error());
    return false;
  }
  const weights::Listing listing = weights::list_weights(file.value());
  expects(!weights::to_json(listing).empty(), "what was read can be told");
  if (!listing.fault) (void)weights::find_decoder(file.value(), *listing.decoder).value();
  for (const auto& [key, value] : file.value().metadata()) {
    const auto* array = std::get_if<weights::MetadataArray>(&value);
    if (array == nullptr) continue;
    const std::size_t read = weights::list_texts(*array).size() + weights::list_integers(*array).size() +
                             weights::list_floats(*array).size();
    expects(read == 0 || read == array->count, "a list is read to its end");
  }
  for (const weights::Tensor& tensor : file.value().tensors()) exercise_tensor(file.value(), tensor);
  return true;
}

/// Text that begins with '{' is the head of a safetensors file of that length, its data behind the first line's end, a
/// config.json behind the line "CONFIG"; the head is tried as an index too. Other bytes are a whole file.
inline bool exercise_safetensors(std::string_view input) {
  if (!input.starts_with('{')) return exercise_weights(input, "");
  constexpr std::string_view kMark = "\nCONFIG\n";
  const std::size_t mark = std::min(input.find(kMark), input.size());
  const std::string_view config = input.substr(std::min(mark + kMark.size(), input.size()));
  input = input.substr(0, mark);
  const std::size_t end = std::min(input.find('\n'), input.size());
  const auto index = weights::parse_index(input.substr(0, end), "fuzz");
  if (!index) expect_message(index.error());
  const std::string bytes = safetensors_bytes(input.substr(0, end), input.substr(std::min(end + 1, input.size())));
  return exercise_weights(bytes, config);
}

}  // namespace qtrap::test
