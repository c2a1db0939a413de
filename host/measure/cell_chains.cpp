#include "measure/cell_chains.hpp"

#include <algorithm>
#include <cmath>

namespace qtrap::measure {
namespace {

/// A window shorter than this is repeated until it is at least as long: stamps, waits and wake-ups are tens of
/// microseconds.
constexpr double kShortestWindow = 0.02;
/// A chain that took longer needs no second run to be timed.
const Seconds kSurelyLong(5);

std::int64_t layers_to_run(const profile::Campaign& campaign, const profile::ModelProfile& model) {
  return campaign.layers_limit ? std::min(*campaign.layers_limit, model.layers) : model.layers;
}

chain::Demand make_demand(const SessionPlan& plan, const profile::ModelProfile& model) {
  chain::Demand demand;
  for (const auto& name : schemes_with_anchor(plan.campaign))
    demand.schemes.push_back(scheme::find_scheme(name).value());
  demand.tokens.assign(plan.campaign.batch.begin(), plan.campaign.batch.end());
  demand.group_size = static_cast<std::uint32_t>(plan.campaign.group_size);
  demand.memory_fraction = plan.campaign.memory_fraction;
  demand.layers_to_run = static_cast<std::uint64_t>(layers_to_run(plan.campaign, model));
  return demand;
}

/// Time in which even a slow device makes and quantizes the weights: 1 GB/s of the formats' about 3.5 bytes a weight.
double expected_weights_s(const profile::ModelProfile& model, std::int64_t layers) {
  double weights = 0;
  for (const auto& [rows, columns] : chain::projection_shapes(model))
    weights += static_cast<double>(rows) * static_cast<double>(columns);
  return 3.5e-9 * weights * static_cast<double>(layers);
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
  activations_.reset();
  resident_.reset();
  model_name_.clear();
}

Status CellChains::prepare(const Cell& cell) {
  if (cell.model != model_name_) {
    forget();
    const auto& model = plan_->models.at(cell.model);
    hooks_.report("weights", {}, expected_weights_s(model, plan_->resident_layers.at(cell.model)));
    auto resident =
        chain::ResidentModel::make(*maker_, model, make_demand(*plan_, model),
                                   static_cast<std::uint64_t>(plan_->resident_layers.at(cell.model)), plan_->seed);
    if (!resident) return resident.error();
    resident_ = std::move(resident).value();
    model_name_ = cell.model;
  }
  if (!activations_ || activations_->tokens != static_cast<std::uint64_t>(cell.batch) || missing_) {
    runners_.clear();
    auto activations =
        chain::Activations::make(*maker_, resident_->model, static_cast<std::uint64_t>(cell.batch), plan_->seed);
    if (!activations) return activations.error();
    activations_ = std::move(activations).value();
    if (auto made = make_chains(); !made) return made;
  }
  for (const auto& [name, error] : failures_) hooks_.on_failure(cell, name, error);
  for (const auto& [cell_id, name] : plan_->lost)
    if (cell_id == cell.id() && runners_.erase(name) > 0) missing_ = true;
  return Done{};
}

Status CellChains::make_chains() {
  failures_.clear();
  missing_ = false;
  for (const auto& name : schemes_with_anchor(plan_->campaign)) {
    hooks_.report("chain of " + name, name, 0);
    auto chain = chain::Chain::make(*maker_, *resident_, *activations_, scheme::find_scheme(name).value());
    if (!chain && name == "f16") return chain.error();  // without its anchor a cell has no ratio
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
bool CellChains::run_first_steps(const Cell& cell, const std::string& name, Runner& runner) {
  device::Device& device = maker_->device();
  try {
    const auto go_on = [&](std::uint64_t) { return !timing_->stopped(); };
    device.set_careful(true);
    runner.chain->enqueue_steps(1, false, go_on);
    device.set_careful(false);
    const Seconds before = timing_->clock->now();
    runner.chain->enqueue_steps(1, false, Pace(*timing_));
    device.finish();
    runner.step_s = (timing_->clock->now() - before).value();
    return true;
  } catch (const device::DeviceError& error) {
    const bool replaceable = device.info().forced_variant.empty() && scheme::is_fast_variant(hooks_.kernel_in_flight());
    if (name == "f16" || replaceable || !device.still_works()) throw;
    device.set_careful(false);
    hooks_.on_failure(cell, name, error.error());
    runners_.erase(name);
    missing_ = true;
    return false;
  }
}

bool CellChains::warm_up(const Cell& cell) {
  std::vector<std::vector<float>> anchor;
  for (const auto& name : schemes_with_anchor(plan_->campaign)) {
    const auto found = runners_.find(name);
    if (found == runners_.end()) continue;
    Runner& runner = found->second;
    hooks_.report("warm-up " + name, name, 0);
    runner.chain->reset();
    if (!runner.step_s && !run_first_steps(cell, name, runner)) continue;
    if (timing_->stopped()) return false;
    hooks_.report("warm-up " + name, name, *runner.step_s * static_cast<double>(cell.steps()));
    runner.ratios.clear();
    runner.energy_ratios.clear();
    runner.batch = choose_batch(runner.chain->step_costs().launches, Seconds(*runner.step_s));
    if (!compare_outputs(cell, runner, anchor)) return false;
  }
  return true;
}

/// Runs the chain once and finds the error of its output after each hop; `anchor` holds those of f16, which comes
/// first. False: stopped.
bool CellChains::compare_outputs(const Cell& cell, Runner& runner, std::vector<std::vector<float>>& anchor) const {
  const bool is_anchor = runner.chain->scheme().name == "f16";
  runner.output_error.emplace();
  runner.chain->reset();
  const Seconds before = timing_->clock->now();
  for (std::int64_t hop = 0; hop < cell.hops; ++hop) {
    run_hop(runner.paced(*timing_), *runner.chain, cell);
    if (timing_->stopped()) return false;
    auto output = runner.chain->read_output();
    if (is_anchor) anchor.push_back(output);
    runner.output_error->push_back(relative_error(output, anchor.at(static_cast<std::size_t>(hop))));
  }
  time_once(cell, runner, timing_->clock->now() - before);
  return !timing_->stopped();
}

void CellChains::time_once(const Cell& cell, Runner& runner, Seconds first_run) const {
  const Seconds wall =
      first_run > kSurelyLong ? first_run : run_profiled(runner.paced(*timing_), *runner.chain, cell, 1).wall;
  if (timing_->stopped()) return;
  runner.once_s = wall.value();
  runner.repetitions = std::clamp(static_cast<std::int64_t>(std::ceil(kShortestWindow / runner.once_s)),
                                  std::int64_t{1}, kMostRepetitions);
  runner.batch = choose_batch(runner.chain->step_costs().launches * static_cast<std::uint64_t>(cell.steps()), wall);
}

}  // namespace qtrap::measure
