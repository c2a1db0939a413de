// A file of weights that a decoder can run on, opened once for all that its chains and its tokenizer read of it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "profile/profile.hpp"
#include "weights/facts.hpp"
#include "weights/file.hpp"
#include "weights/roles.hpp"

namespace qtrap::weights {

struct Decoder {
  std::string path;  ///< as it was opened
  WeightsFile file;
  DecoderFacts facts;
  DecoderTensors tensors;            ///< of `file`
  std::vector<float> rope_divisors;  ///< of the frequency of each pair; empty where the file has none
};

/// Errors: those of open_weights(), read_facts(), find_decoder() and of reading the divisors.
Result<Decoder> open_decoder(const std::filesystem::path& path);

/// Types of the file's tensors that are quantized, joined by commas: where there are any, a scheme of another format
/// quantizes a second time.
std::string list_quantized_types(const WeightsFile& file);

/// SHA-256 of the files after each other, as `cat FILES | sha256sum` tells it. Reads them whole.
std::string compute_digest(const WeightsFile& file);

/// The decoder's own profile under the name, family and source of `wanted`. kUsage error where a count of the shapes,
/// or whether the embeddings are tied, differs.
Result<profile::ModelProfile> match_profile(const Decoder& decoder, const profile::ModelProfile& wanted);

}  // namespace qtrap::weights
