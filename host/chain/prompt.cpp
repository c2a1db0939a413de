#include "chain/prompt.hpp"

#include <algorithm>
#include <utility>

#include "core/contract.hpp"

namespace qtrap::chain {
namespace {

/// Tokens of all sequences in a block, about.
constexpr std::uint64_t kBlockTokens = 64;

}  // namespace

Result<Prompt> Prompt::make(const scheme::PassMaker& maker, const ResidentModel& model,
                            std::shared_ptr<const Context> context, std::vector<std::uint32_t> ids) {
  expects(!ids.empty(), "a prompt has a token");
  Prompt prompt;
  prompt.run_ = std::clamp<std::uint64_t>(kBlockTokens / context->sequences, 1, context->capacity);
  const model::Step step = model::make_step(model.model, model::Workload::kPrefill, model.step.join);
  const auto activations = Activations::make(maker, step, context, prompt.run_, 0);
  if (!activations) return activations.error();
  for (const auto& cached : context->caches) {
    const scheme::SchemeInfo scheme = scheme::with_cache(scheme::all_schemes().front(), cached.first);
    auto chain = Chain::make(maker, model, activations.value(), scheme);
    if (!chain) return chain.error();
    prompt.chains_.push_back(std::make_unique<Chain>(std::move(chain).value()));
  }
  prompt.device_ = &maker.device();
  prompt.context_ = std::move(context);
  prompt.ids_ = std::move(ids);
  return prompt;
}

std::vector<std::uint32_t> Prompt::tokens_from(std::uint64_t position, std::uint64_t run) const {
  std::vector<std::uint32_t> tokens;
  for (std::uint64_t s = 0; s < context_->sequences; ++s) {
    for (std::uint64_t i = 0; i < run; ++i)
      tokens.push_back(ids_[(s * context_->capacity + position + i) % ids_.size()]);
  }
  return tokens;
}

bool Prompt::fill(std::uint64_t count, const std::function<bool()>& stopped) {
  expects(count <= context_->capacity, "a prompt fits into its context");
  while (filled_ < count) {
    if (stopped()) return false;
    // The last block may begin before what is filled, and writes the same there.
    const std::uint64_t begin = std::min(filled_, context_->capacity - run_);
    const std::vector<std::uint32_t> block = tokens_from(begin, run_);
    for (const auto& chain : chains_) {
      context_->begin_at(*device_, begin);
      chain->set_tokens(block);
      chain->enqueue_steps(1, false);
      device_->finish();
    }
    filled_ = begin + run_;
  }
  return true;
}

}  // namespace qtrap::chain
