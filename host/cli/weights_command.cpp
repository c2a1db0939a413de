// weights: what a file of weights holds, and the decoder that it makes. Needs no device.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "cli/commands.hpp"
#include "core/file.hpp"
#include "program/exit_code.hpp"
#include "program/output.hpp"
#include "report/table.hpp"
#include "tokenizer/tokenizer.hpp"
#include "weights/listing.hpp"

namespace qtrap::cli {
namespace {

report::Table make_tensor_table(const weights::Listing& listing) {
  report::Table table;
  table.columns = {{"name", "tensor"}, {"type", "type"}, {"shape", "shape"}, {"bytes", "bytes"}, {"use", "runs as"}};
  for (const weights::ListedTensor& tensor : listing.tensors) {
    std::string use = tensor.weight_format.value_or("");
    if (tensor.use != weights::Use::kNative) use += fmt::format("{}({})", use.empty() ? "" : " ", to_words(tensor.use));
    table.rows.push_back(
        {tensor.name, tensor.type, fmt::format("{}", fmt::join(tensor.shape, " × ")), tensor.bytes, use});
  }
  return table;
}

report::Table make_total_table(const weights::Listing& listing) {
  report::Table table;
  table.columns = {{"type", "type"}, {"tensors", "tensors"}, {"elements", "elements"}, {"bytes", "bytes"}};
  for (const weights::TypeTotal& total : listing.totals)
    table.rows.push_back({total.type, total.tensors, total.elements, total.bytes});
  return table;
}

std::string describe_rotation(const weights::DecoderFacts& facts) {
  std::string text = fmt::format("rotary base {:g}, pairs {}", facts.rope_base, word_of(facts.rotary_pairs));
  if (const auto& scaling = facts.rope_scaling)
    text += fmt::format(", scaled by {:g} beyond {} tokens (low {:g}, high {:g})", scaling->factor,
                        scaling->original_context, scaling->low_freq_factor, scaling->high_freq_factor);
  return text + (facts.rope_factors ? ", frequencies divided by a tensor" : "");
}

std::string describe(const weights::DecoderFacts& facts) {
  return fmt::format(
      "model {}: {}, hidden {}, ffn {}, layers {}, heads {}, kv_heads {}, head_dim {}, vocab {}, {} embeddings\n"
      "context {}, RMS epsilon {:g}, {}; q, k, v {} bias, q, k {} norm\n",
      facts.name, word_of(facts.architecture), facts.hidden, facts.ffn, facts.layers, facts.heads, facts.kv_heads,
      facts.head_dim, facts.vocab, facts.tied_embeddings ? "tied" : "untied", facts.context, facts.rms_eps,
      describe_rotation(facts), facts.qkv_bias ? "with" : "without", facts.qk_norm ? "with" : "without");
}

constexpr std::size_t kFirstTokens = 16;

weights::ListedText list_text(const weights::WeightsFile& file, const std::string& path) {
  const tokenizer::Tokenizer tokenizer = tokenizer::read_tokenizer(file).value();
  const std::string text = read_file(path).value();
  const std::vector<tokenizer::Token> tokens = tokenizer.encode(text).value();
  const auto count = [](std::size_t number) { return static_cast<std::int64_t>(number); };
  weights::ListedText listed;
  listed.file = path;
  listed.bytes = count(text.size());
  listed.tokens = count(tokens.size());
  listed.distinct_tokens = count(std::set(tokens.begin(), tokens.end()).size());
  listed.first_tokens.assign(tokens.begin(), tokens.begin() + std::min(count(kFirstTokens), listed.tokens));
  listed.vocabulary = count(tokenizer.size());
  listed.merges = count(tokenizer.merge_count());
  listed.added_tokens = count(tokenizer.added_count());
  return listed;
}

std::string describe(const weights::ListedText& text) {
  return fmt::format(
      "tokenizer: {} tokens, {} merges, {} added tokens\n"
      "text {}: {} bytes, {} tokens, {} of them distinct; first {}\n",
      text.vocabulary, text.merges, text.added_tokens, text.file, text.bytes, text.tokens, text.distinct_tokens,
      fmt::join(text.first_tokens, " "));
}

std::string to_text(const weights::Listing& listing) {
  const std::string version = listing.version > 0 ? fmt::format(" version {}", listing.version) : "";
  std::string text = fmt::format("{}: {}{}, {} bytes, {} tensors\n\n", listing.file, word_of(listing.container),
                                 version, listing.bytes, listing.tensors.size());
  text += report::to_text(make_tensor_table(listing)) + "\n" + report::to_text(make_total_table(listing)) + "\n";
  if (listing.decoder) text += describe(*listing.decoder);
  if (!listing.fault) text += "decoder: every tensor that it needs is there, in its shape\n";
  if (listing.text) text += describe(*listing.text);
  return text;
}

}  // namespace

int run_weights(const WeightsOptions& options) {
  const std::string& out = options.out;
  if (!out.empty() && out != program::kStandardOutput) program::require_writable(out, false);
  const weights::WeightsFile file = weights::open_weights(options.path).value();
  weights::Listing listing = weights::list_weights(file);
  if (!options.text.empty()) listing.text = list_text(file, options.text);
  const std::string text = options.json ? weights::to_json(listing) : to_text(listing);
  if (out.empty()) {
    program::print(text);
  } else {
    program::print_beside(out, text);
  }
  // The listing stands; that the decoder cannot run on it is an error all the same.
  const weights::DecoderFacts facts = weights::read_facts(file).value();
  (void)weights::find_decoder(file, facts).value();
  if (!out.empty()) program::write_output(out, profile::to_json(weights::make_profile(facts, options.path)));
  return program::kDone;
}

}  // namespace qtrap::cli
