#include "quality/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "chain/chain.hpp"
#include "chain/context.hpp"
#include "chain/layout.hpp"
#include "chain/resident_model.hpp"
#include "core/contract.hpp"

namespace qtrap::quality {
namespace {

/// One scheme's chain with a context of its own.
struct Reader {
  std::shared_ptr<const chain::Context> context;
  std::unique_ptr<chain::Chain> chain;

  static Result<Reader> make(const scheme::PassMaker& maker, const Text& text, const chain::ResidentModel& model,
                             const chain::Demand& demand, const scheme::SchemeInfo& scheme) {
    Reader reader;
    auto context = chain::Context::make(maker.device(), text.model, demand.layers_to_run, 1, demand.capacity,
                                        text.weights->facts.rotary_pairs, text.weights->rope_divisors, {scheme.cache});
    if (!context) return context.error();
    reader.context = std::make_shared<chain::Context>(std::move(context).value());
    auto activations = chain::Activations::make(maker, model.step, reader.context, demand.run, 0);
    if (!activations) return activations.error();
    auto chain = chain::Chain::make(maker, model, activations.value(), scheme);
    if (!chain) return chain.error();
    reader.chain = std::make_unique<chain::Chain>(std::move(chain).value());
    return reader;
  }

  /// Logits of a block of tokens that follow the first `filled` ones.
  std::vector<float> read(device::Device& device, const std::vector<std::uint32_t>& block, std::uint64_t filled) const {
    context->begin_at(device, filled);
    chain->set_tokens(block);
    chain->enqueue_steps(1, false);
    return chain->read_output();
  }
};

chain::Demand make_demand(const Text& text, const scheme::PassMaker& maker, const scheme::SchemeInfo& scheme) {
  const std::uint64_t window = text.windows.front().size();
  chain::Demand demand;
  demand.schemes = {scheme::all_schemes().front()};
  if (scheme.name != demand.schemes.front().name) demand.schemes.push_back(scheme);
  demand.group_size = maker.options().group_size;
  demand.memory_fraction = text.memory_fraction;
  demand.layers_to_run = static_cast<std::uint64_t>(text.model.layers);
  demand.workload = model::Workload::kScoring;
  demand.native_head = chain::find_native_head(*text.weights);
  demand.run = std::min(window, kBlockTokens);
  demand.tokens = {demand.run};
  demand.capacity = (window + demand.run - 1) / demand.run * demand.run;
  return demand;
}

Result<WindowLoss> evaluate_window(device::Device& device, const Reader& anchor, const Reader& scheme,
                                   const std::vector<std::uint32_t>& window, std::uint64_t run,
                                   const std::function<bool()>& stopped) {
  WindowLoss loss;
  for (std::uint64_t begin = 0; begin + 1 < window.size() && !stopped(); begin += run) {
    const std::uint64_t count = std::min<std::uint64_t>(run, window.size() - begin);
    const auto first = window.begin() + static_cast<std::ptrdiff_t>(begin);
    std::vector<std::uint32_t> block(first, first + static_cast<std::ptrdiff_t>(count));
    block.resize(run, block.front());  // no token before sees what fills the last block up
    const std::uint64_t predicted = std::min<std::uint64_t>(count, window.size() - 1 - begin);
    const std::vector<float> wanted = anchor.read(device, block, begin);
    const std::vector<float> found = scheme.read(device, block, begin);
    const std::size_t elements = wanted.size() / run * predicted;
    const Status done = add_tokens(std::span(wanted).first(elements), std::span(found).first(elements),
                                   std::span(window).subspan(begin + 1, predicted), loss);
    if (!done) return done.error();
  }
  return loss;
}

}  // namespace

Result<std::vector<WindowLoss>> evaluate(const scheme::PassMaker& maker, const Text& text,
                                         const scheme::SchemeInfo& scheme, const std::function<bool()>& stopped) {
  expects(!text.windows.empty() && text.windows.front().size() > 1, "a text has a window with a token to predict");
  const chain::Demand demand = make_demand(text, maker, scheme);
  const auto plan = chain::plan_memory(maker.device().info(), text.model, demand);
  if (!plan) return plan.error();
  if (plan.value().resident_layers < demand.layers_to_run) {
    return usage_error("model does not fit on the device",
                       fmt::format("{} in f16 and {}: {} of {} layers", text.model.name, scheme.name,
                                   plan.value().resident_layers, demand.layers_to_run),
                       "choose a smaller model or another --device");
  }
  auto model = chain::ResidentModel::make(maker, text.model, demand, demand.layers_to_run, 0, text.weights);
  if (!model) return model.error();
  auto anchor = Reader::make(maker, text, model.value(), demand, demand.schemes.front());
  if (!anchor) return anchor.error();
  auto reader = Reader::make(maker, text, model.value(), demand, scheme);
  if (!reader) return reader.error();
  std::vector<WindowLoss> losses;
  for (const auto& window : text.windows) {
    auto loss = evaluate_window(maker.device(), anchor.value(), reader.value(), window, demand.run, stopped);
    if (!loss) return loss.error();
    if (stopped()) break;
    losses.push_back(loss.value());
  }
  return losses;
}

}  // namespace qtrap::quality
