#include "weights/decoder.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "core/sha256.hpp"
#include "format/format.hpp"
#include "weights/values.hpp"

namespace qtrap::weights {
namespace {

using profile::ModelProfile;

/// What a model goes by; biases, norms of heads and constants are the file's own.
constexpr std::pair<const char*, std::int64_t ModelProfile::*> kCounts[] = {
    {"hidden", &ModelProfile::hidden}, {"ffn", &ModelProfile::ffn},           {"layers", &ModelProfile::layers},
    {"heads", &ModelProfile::heads},   {"kv_heads", &ModelProfile::kv_heads}, {"head_dim", &ModelProfile::head_dim},
    {"vocab", &ModelProfile::vocab}};

Result<std::vector<float>> read_divisors(const WeightsFile& file, const DecoderTensors& tensors) {
  const Tensor* tensor = tensors.find(Role::kRopeFactors);
  if (tensor == nullptr) return std::vector<float>();
  std::vector<float> divisors(tensor->elements);
  const Status done = read_rows(file, *tensor, all_rows(*tensor), std::span<float>(divisors));
  if (!done) return done.error();
  return divisors;
}

}  // namespace

Result<Decoder> open_decoder(const std::filesystem::path& path) {
  auto file = open_weights(path);
  if (!file) return file.error();
  const auto facts = read_facts(file.value());
  if (!facts) return facts.error();
  auto tensors = find_decoder(file.value(), facts.value());
  if (!tensors) return tensors.error();
  auto divisors = read_divisors(file.value(), tensors.value());
  if (!divisors) return divisors.error();
  return Decoder{path.string(), std::move(file).value(), facts.value(), std::move(tensors).value(),
                 std::move(divisors).value()};
}

std::string list_quantized_types(const WeightsFile& file) {
  std::set<std::string_view> types;
  for (const Tensor& tensor : file.tensors()) {
    if (tensor.type->native && *tensor.type->native != format::kPlainFormat) types.insert(tensor.type->name);
  }
  return fmt::format("{}", fmt::join(types, ", "));
}

std::string compute_digest(const WeightsFile& file) {
  std::vector<std::string_view> parts;
  for (const Source& source : file.sources()) parts.push_back(source.bytes);
  std::string digest = compute_sha256(parts);
  for (const Source& source : file.sources()) {
    if (source.mapping) source.mapping->forget(source.bytes);
  }
  return digest;
}

Result<ModelProfile> match_profile(const Decoder& decoder, const ModelProfile& wanted) {
  ModelProfile found = make_profile(decoder.facts, decoder.path);
  const auto refuse = [&](const char* key, const auto& has, const auto& wants) {
    return usage_error(fmt::format("{} is of another shape than {}", decoder.path, wanted.name),
                       fmt::format("{} {}, not {}", key, has, wants),
                       fmt::format("name its model, or the shape of the file itself: --set models={}", decoder.path));
  };
  for (const auto& [key, count] : kCounts) {
    if (found.*count != wanted.*count) return refuse(key, found.*count, wanted.*count);
  }
  if (found.tied_embeddings != wanted.tied_embeddings)
    return refuse("tied_embeddings", found.tied_embeddings, wanted.tied_embeddings);
  found.name = wanted.name;
  found.family = wanted.family;
  found.source = wanted.source;
  return found;
}

}  // namespace qtrap::weights
