#include "measure/cell_chains.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "chain/layout.hpp"
#include "chain/resident_model.hpp"
#include "core/anchor.hpp"
#include "device/device.hpp"
#include "measure/pace.hpp"
#include "model/step.hpp"
#include "profile/cell.hpp"
#include "profile/profile.hpp"
#include "scheme/scheme.hpp"

namespace qtrap::measure {
namespace {

/// A window shorter than this is repeated until it is at least as long: stamps, waits and wake-ups are tens of
/// microseconds.
constexpr double kShortestWindow = 0.02;
/// Share of a session that its checks may take, and what those of a scheme may take in any case.
constexpr double kCheckShare = 0.01;
const Seconds kShortestCheck(2);
/// Where in the stream of a session's draws those of its checks begin.
constexpr std::uint64_t kCheckDraw = std::uint64_t{1} << 50;
/// A chain that took longer needs no second run to be timed.
const Seconds kSurelyLong(5);

/// Time in which even a slow device makes and quantizes the weights: 1 GB/s of the formats' about 3.5 bytes a weight.
double expected_weights_s(const profile::ModelProfile& model, std::int64_t layers) {
  return 3.5e-9 * static_cast<double>(model::compute_step_parameters(model)) * static_cast<double>(layers) /
         static_cast<double>(model.layers);
}

/// Whether chains on `activations` are those of a cell but for its hops and its context.
bool serves(const chain::Activations& activations, const profile::Cell& cell) {
  const bool prefills = activations.step.workload == model::Workload::kPrefill;
  return activations.tokens == static_cast<std::uint64_t>(cell.batch * cell.run()) &&
         prefills == (cell.phase == Phase::kPrefill);
}

/// Relative L2 distance of `got` from `want`.
double relative_error(const std::vector<float>& got, const std::vector<float>& want) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    difference += std::pow(static_cast<double>(got[i]) - static_cast<double>(want[i]), 2);
    norm += std::pow(static_cast<double>(want[i]), 2);
  }
  return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

}  // namespace

void CellChains::forget() {
  runners_.clear();
  result_check_.reset();
  activations_.reset();
  resident_.reset();
  model_name_.clear();
}

Status CellChains::prepare(const profile::Cell& cell) {
  if (cell.model != model_name_) {
    forget();
    const auto& model = plan_->models.at(cell.model);
    hooks_.report(kWeights, {}, expected_weights_s(model, plan_->resident_layers.at(cell.model)));
    auto resident = chain::ResidentModel::make(
        *maker_, model, chain::make_demand(plan_->campaign, model, plan_->weights.get()),
        static_cast<std::uint64_t>(plan_->resident_layers.at(cell.model)), plan_->seed, plan_->weights.get());
    if (!resident) return resident.error();
    resident_ = std::move(resident).value();
    model_name_ = cell.model;
  }
  if (!activations_ || !serves(*activations_, cell) || missing_) {
    runners_.clear();
    hooks_.report(kActivations, {}, 0);
    if (auto made = make_activations(cell); !made) return made;
    if (auto made = make_chains(); !made) return made;
  }
  if (activations_->context) {
    if (auto begun = begin_context(cell); !begun) return begun;
  }
  for (const auto& [name, error] : failures_) hooks_.on_failure(cell, name, error);
  for (const auto& [cell_id, name] : plan_->lost)
    if (cell_id == cell.id() && runners_.erase(name) > 0) missing_ = true;
  return Done{};
}

Status CellChains::make_activations(const profile::Cell& cell) {
  prompt_.reset();
  activations_.reset();  // its memory first
  if (plan_->campaign.workload != profile::Workload::kProjections) return make_context(cell);
  auto made = chain::Activations::make(*maker_, resident_->model, static_cast<std::uint64_t>(cell.batch), plan_->seed);
  if (!made) return made.error();
  activations_ = std::move(made).value();
  return Done{};
}

/// Activations of a decoder with a context.
Status CellChains::make_context(const profile::Cell& cell) {
  const chain::Demand demand = chain::make_demand(plan_->campaign, resident_->model, plan_->weights.get());
  const bool prefills = cell.phase == Phase::kPrefill;
  const auto run = static_cast<std::uint64_t>(cell.run());
  const weights::Decoder* weights = plan_->weights.get();
  auto made = chain::Context::make(
      maker_->device(), resident_->model, demand.layers_to_run, static_cast<std::uint64_t>(cell.batch),
      prefills ? run : demand.capacity, weights == nullptr ? RotaryPairs::kHalves : weights->facts.rotary_pairs,
      weights == nullptr ? std::vector<float>() : weights->rope_divisors, chain::needed_caches(demand.schemes));
  if (!made) return made.error();
  const auto context = std::make_shared<const chain::Context>(std::move(made).value());
  if (!plan_->context_ids.empty()) {
    auto prompt = chain::Prompt::make(*maker_, *resident_, context, plan_->context_ids);
    if (!prompt) return prompt.error();
    prompt_ = std::move(prompt).value();
  }
  const model::Step step = prefills ? model::make_step(resident_->model, model::Workload::kPrefill) : resident_->step;
  auto activations = chain::Activations::make(*maker_, step, context, run, plan_->seed);
  if (!activations) return activations.error();
  activations_ = std::move(activations).value();
  return Done{};
}

/// The chains of a cell begin behind its context, with the text's next tokens where there are some. Without a text it
/// holds keys and values from the generator, for time and energy do not depend on them; anew in each cell, since the
/// last one's chains have written over its beginning, other tokens into the caches of each format.
Status CellChains::begin_context(const profile::Cell& cell) {
  const auto filled = static_cast<std::uint64_t>(cell.context_tokens);
  if (prompt_) {
    if (!prompt_->fill(filled, [this] { return timing_->stopped(); })) return Done{};
    prompt_->give_up(filled);
    device::write_vector(maker_->device(), activations_->seed,
                         prompt_->tokens_from(filled, static_cast<std::uint64_t>(cell.run())));
  } else if (filled > 0) {
    hooks_.report(kActivations, {}, 0);
    if (auto done = activations_->context->fill(*maker_, plan_->seed); !done) return done;
  }
  activations_->context->begin_at(maker_->device(), filled);
  return Done{};
}

Status CellChains::make_chains() {
  failures_.clear();
  missing_ = false;
  result_check_.emplace(*maker_, *resident_, *timing_,
                        ResultCheck::Tokens{activations_->tokens, activations_->rows(model::Tensor::kLogits)},
                        plan_->seed + kCheckDraw + static_cast<std::uint64_t>(plan_->session_index) * 7919);
  for (const auto& name : profile::schemes_with_anchor(plan_->campaign)) {
    hooks_.report("chain of " + name, name, 0);
    auto chain = chain::Chain::make(*maker_, *resident_, *activations_, scheme::find_scheme(name).value());
    if (!chain && name == kAnchor) return chain.error();  // without its anchor a cell has no ratio
    if (!chain) {
      failures_.emplace(name, chain.error());
      continue;
    }
    Runner runner;
    runner.chain = std::make_unique<chain::Chain>(std::move(chain).value());
    runner.kernels_used = runner.chain->kernels_used();
    runners_.emplace(name, std::move(runner));
  }
  return Done{};
}

/// The first steps of a chain: one launch by launch, which compiles what is compiled at launch, and one as it will be
/// run, for its time. False: a launch failed, which costs the scheme in this cell. Throws DeviceError where more is
/// lost: the anchor, the device, or a fast kernel that a plain one can replace in another process.
bool CellChains::run_first_steps(const profile::Cell& cell, const std::string& name, Runner& runner) {
  device::Device& device = maker_->device();
  try {
    const auto go_on = [&](std::uint64_t) { return !timing_->stopped(); };
    device.set_careful(true);
    runner.chain->enqueue_steps(1, false, go_on);
    device.set_careful(false);
    runner.chain->reset();
    const Seconds before = timing_->clock->now();
    runner.chain->enqueue_steps(1, false, Pace(*timing_));
    device.finish();
    runner.step_s = (timing_->clock->now() - before).value();
    return true;
  } catch (const device::DeviceError& error) {
    const bool replaceable = device.info().forced_variant.empty() && scheme::is_fast_variant(hooks_.kernel_in_flight());
    if (name == kAnchor || replaceable || !device.still_works()) throw;
    device.set_careful(false);
    hooks_.on_failure(cell, name, error.error());
    runners_.erase(name);
    missing_ = true;
    return false;
  }
}

Result<bool> CellChains::warm_up(const profile::Cell& cell) {
  std::vector<std::vector<float>> anchor;
  for (const auto& name : profile::schemes_with_anchor(plan_->campaign)) {
    const auto found = runners_.find(name);
    if (found == runners_.end()) continue;
    Runner& runner = found->second;
    hooks_.report("warm-up " + name, name, 0);
    runner.chain->reset();
    if (!runner.step_s && !run_first_steps(cell, name, runner)) continue;
    if (timing_->stopped()) return false;
    hooks_.report("check of " + name, name, 0);
    if (!runner.check) runner.check = result_check_->check(runner.chain->scheme(), runner.kernels_used, check_budget());
    if (timing_->stopped()) return false;
    hooks_.report("warm-up " + name, name, *runner.step_s * static_cast<double>(cell.steps()));
    runner.ratios.clear();
    runner.energy_ratios.clear();
    runner.batch = choose_batch(runner.chain->step_costs().launches, Seconds(*runner.step_s));
    if (!compare_outputs(cell, runner, anchor)) return false;
    const auto failure = find_wrong(cell, runner);
    if (failure && name == kAnchor) return lose_anchor(cell, *failure);
    hooks_.on_check(cell, name, runner.check, failure);
    if (!failure) continue;
    hooks_.on_failure(cell, name, runtime_error(*failure, "", ""));
    runners_.erase(found);
    missing_ = true;
  }
  return true;
}

/// Without a right anchor no scheme of the cell has a ratio: all fail, and why.
Error CellChains::lose_anchor(const profile::Cell& cell, const std::string& failure) {
  const std::string words = fmt::format("the f16 anchor of this cell is wrong: {}", failure);
  for (const auto& name : profile::schemes_with_anchor(plan_->campaign)) {
    const auto found = runners_.find(name);
    hooks_.on_check(cell, name, found == runners_.end() ? std::nullopt : found->second.check, words);
  }
  return runtime_error(words, "", "");
}

Seconds CellChains::check_budget() const {
  const auto& campaign = plan_->campaign;
  std::set<std::pair<std::string, std::int64_t>> places;
  for (const profile::Cell& cell : plan_->cells) places.emplace(cell.model, cell.batch * cell.run());
  const double session = campaign.max_seconds / static_cast<double>(campaign.sessions);
  const auto checks = static_cast<double>(places.size() * profile::schemes_with_anchor(campaign).size());
  return std::max(kShortestCheck, Seconds(kCheckShare * session / std::max(1.0, checks)));
}

/// Why the scheme's results are wrong; none: they are right as far as was checked.
std::optional<std::string> CellChains::find_wrong(const profile::Cell& cell, const Runner& runner) const {
  if (runner.check && runner.check->sum.problem) return runner.check->sum.problem;
  const auto elements = static_cast<std::int64_t>(activations_->step.width(model::Tensor::kStream) *
                                                  activations_->rows(model::Tensor::kLogits));
  return judge_output(runner.chain->scheme(), runner.output_errors, static_cast<std::int64_t>(resident_->layers_to_run),
                      cell.steps_per_hop(), elements, resident_->step.workload, plan_->weights != nullptr);
}

/// Runs the chain once and finds the errors of its output; `anchor` holds the outputs of f16, which comes first. False:
/// stopped.
bool CellChains::compare_outputs(const profile::Cell& cell, Runner& runner,
                                 std::vector<std::vector<float>>& anchor) const {
  const bool is_anchor = runner.chain->scheme().name == kAnchor;
  std::size_t place = 0;
  const auto compare = [&] {
    auto output = runner.chain->read_output();
    if (is_anchor) anchor.push_back(output);
    return relative_error(output, anchor.at(place++));
  };
  const Timing timing = runner.paced(*timing_);
  runner.chain->reset();
  const Seconds before = timing_->clock->now();
  run_hop(timing, *runner.chain, 1);
  if (timing_->stopped()) return false;
  runner.output_errors = {compare(), {}};
  for (std::int64_t hop = 0; hop < cell.hops; ++hop) {
    run_hop(timing, *runner.chain, cell.steps_per_hop() - (hop == 0 ? 1 : 0));
    if (timing_->stopped()) return false;
    runner.output_errors.by_hop.push_back(compare());
  }
  time_once(cell, runner, timing_->clock->now() - before);
  return !timing_->stopped();
}

void CellChains::time_once(const profile::Cell& cell, Runner& runner, Seconds first_run) const {
  const Seconds wall =
      first_run > kSurelyLong ? first_run : run_profiled(runner.paced(*timing_), *runner.chain, cell, 1).wall;
  if (timing_->stopped()) return;
  runner.once_s = wall.value();
  runner.repetitions = std::clamp(static_cast<std::int64_t>(std::ceil(kShortestWindow / runner.once_s)),
                                  std::int64_t{1}, kMostRepetitions);
  runner.batch = choose_batch(runner.chain->step_costs().launches * static_cast<std::uint64_t>(cell.steps()), wall);
}

}  // namespace qtrap::measure
