#include "measure/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "chain/chain.hpp"
#include "core/contract.hpp"
#include "core/philox.hpp"
#include "measure/ceilings.hpp"
#include "measure/environment.hpp"
#include "measure/trial.hpp"

namespace qtrap::measure {
namespace {

/// A window shorter than this is repeated until it is at least as long: stamps, waits and wake-ups are tens of
/// microseconds.
constexpr double kShortestWindow = 0.02;
constexpr std::int64_t kMostRepetitions = 10000;

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

/// A scheme's chain in the running cell.
struct Runner {
  std::unique_ptr<chain::Chain> chain;
  std::int64_t repetitions = 1;
  std::optional<std::vector<double>> output_error;
  std::vector<std::string> kernels_used;
  std::vector<double> ratios;  ///< paired with the anchor, one per block
};

class SessionRun {
 public:
  SessionRun(device::Device& device, const SessionPlan& plan, const SessionSink& sink,
             const std::function<bool()>& stop_requested)
      : device_(&device),
        plan_(&plan),
        sink_(&sink),
        stop_requested_(&stop_requested),
        maker_(device, {"", static_cast<std::uint32_t>(plan.campaign.group_size)}),
        timing_{&device, &clock_, true} {}

  Result<bool> run(result::SessionRecord session) {
    if (auto done = describe(session); !done) return done.error();
    session_id_ = session.session_id;
    if (!session.event_timer.trusted) timing_.events_trusted = false;
    sink_->on_session(session);
    for (std::size_t i = 0; i < plan_->cells.size(); ++i) {
      if ((*stop_requested_)()) return false;
      progress_.cell = i;
      const Cell& cell = plan_->cells[i];
      const Result<bool> finished = run_cell(cell);
      if (finished && !finished.value()) return false;
      if (finished) continue;
      for (const auto& name : schemes_with_anchor(plan_->campaign)) sink_->on_failure(cell, name, finished.error());
      forget_model();
    }
    return true;
  }

 private:
  Status describe(result::SessionRecord& session) {
    progress_.session_index = plan_->session_index;
    progress_.cells = plan_->cells.size();
    report("ceilings");
    device_->probe_capabilities();
    const auto check = device_->check_event_timer();
    session.event_timer = {check.trusted, check.reason};
    auto ceilings = measure_ceilings(*device_, clock_);
    if (!ceilings) return ceilings.error();
    session.ceilings = ceilings.value();
    const auto& info = device_->info();
    session.device = {info.id,
                      info.platform,
                      info.name,
                      info.vendor,
                      info.driver,
                      device::to_string(info.type),
                      static_cast<std::int64_t>(info.compute_units),
                      static_cast<std::int64_t>(info.memory_bytes),
                      info.pci,
                      info.uuid,
                      {},
                      info.kernel_family()};
    for (const auto& capability : info.capabilities) {
      session.device.capabilities.push_back(
          {capability.name, capability.declared, capability.probed, capability.reason});
    }
    session.kernels = {device_->sources().sha256(), device::Device::common_options()};
    session.host = read_host();
    session.environment = read_environment();
    session.session_index = plan_->session_index;
    session.seed = static_cast<std::int64_t>(plan_->seed);
    auto hazards = find_hazards(session.host);
    session.hazards.insert(session.hazards.end(), hazards.begin(), hazards.end());
    if (!check.trusted)
      session.hazards.push_back("event stamps not trusted: phases timed by the host (" + check.reason + ")");
    return Done{};
  }

  void report(const std::string& activity) {
    progress_.activity = activity;
    if (sink_->on_progress) sink_->on_progress(progress_);
  }

  /// Frees what the device holds.
  void forget_model() {
    runners_.clear();
    activations_.reset();
    resident_.reset();
    model_name_.clear();
  }

  /// Makes weights, activations and chains where the last cell's do not serve.
  Status prepare(const Cell& cell) {
    if (cell.model != model_name_) {
      forget_model();
      report("weights");
      const auto& model = plan_->models.at(cell.model);
      auto resident =
          chain::ResidentModel::make(maker_, model, make_demand(*plan_, model),
                                     static_cast<std::uint64_t>(plan_->resident_layers.at(cell.model)), plan_->seed);
      if (!resident) return resident.error();
      resident_ = std::move(resident).value();
      model_name_ = cell.model;
    }
    if (!activations_ || activations_->tokens != static_cast<std::uint64_t>(cell.batch)) {
      runners_.clear();
      auto activations =
          chain::Activations::make(maker_, resident_->model, static_cast<std::uint64_t>(cell.batch), plan_->seed);
      if (!activations) return activations.error();
      activations_ = std::move(activations).value();
      return make_chains();
    }
    return Done{};
  }

  Status make_chains() {
    failures_.clear();
    for (const auto& name : schemes_with_anchor(plan_->campaign)) {
      auto chain = chain::Chain::make(maker_, *resident_, *activations_, scheme::find_scheme(name).value());
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

  /// Runs every chain once, which compiles and warms up all kernels, compares outputs with the anchor's and finds how
  /// many repetitions fill a window. False: stopped.
  bool warm_up(const Cell& cell) {
    std::vector<std::vector<float>> anchor;
    for (const auto& name : schemes_with_anchor(plan_->campaign)) {
      const auto found = runners_.find(name);
      if (found == runners_.end()) continue;
      if ((*stop_requested_)()) return false;
      report("warm-up " + name);
      Runner& runner = found->second;
      runner.ratios.clear();
      runner.output_error.emplace();
      runner.chain->reset();
      for (std::int64_t hop = 0; hop < cell.hops; ++hop) {
        runner.chain->enqueue_steps(static_cast<std::uint64_t>(cell.tokens_per_hop), false);
        device_->finish();
        auto output = runner.chain->read_output();
        if (name == "f16") anchor.push_back(output);
        runner.output_error->push_back(relative_error(output, anchor.at(static_cast<std::size_t>(hop))));
      }
      const double once = run_profiled(timing_, *runner.chain, cell, 1).wall.value();
      runner.repetitions =
          std::clamp(static_cast<std::int64_t>(std::ceil(kShortestWindow / once)), std::int64_t{1}, kMostRepetitions);
    }
    return true;
  }

  std::vector<std::string> shuffled(std::int64_t block) {
    std::vector<std::string> order;
    for (const auto& [name, runner] : runners_) order.push_back(name);
    PhiloxStream random(plan_->seed, (static_cast<std::uint64_t>(plan_->session_index) << 40) +
                                         (std::uint64_t{progress_.cell} << 20) + static_cast<std::uint64_t>(block));
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
    return order;
  }

  result::TrialRecord make_trial(const Cell& cell, const std::string& name, std::int64_t block,
                                 std::int64_t order) const {
    const Runner& runner = runners_.at(name);
    const scheme::Costs& step = runner.chain->step_costs();
    const std::int64_t steps = runner.repetitions * cell.steps();
    const auto total = [&](std::uint64_t per_step) { return static_cast<std::int64_t>(per_step) * steps; };
    result::TrialRecord trial;
    trial.session_id = session_id_;
    trial.point_id = make_point_id(cell, name);
    trial.scheme = name;
    trial.model = cell.model;
    trial.cell_id = cell.id();
    trial.session_index = plan_->session_index;
    trial.block = block;
    trial.order = order;
    trial.repetitions = runner.repetitions;
    trial.tokens = cell.batch * steps;
    trial.launches = total(step.launches);
    trial.bytes = total(step.bytes);
    trial.macs = total(step.macs);
    trial.dequantized_weights = total(step.dequantized_weights);
    trial.cast_elements = total(step.cast_elements);
    trial.syncs = cell.hops * runner.repetitions;
    trial.layers = static_cast<std::int64_t>(resident_->layers_to_run);
    trial.resident_layers = static_cast<std::int64_t>(resident_->layers.size());
    return trial;
  }

  result::TrialRecord bare_trial(result::TrialRecord trial, const Cell& cell, Runner& runner) const {
    trial.mode = "bare";
    trial.time_basis = "host";
    trial.wall_s = run_bare(timing_, *runner.chain, cell, runner.repetitions).wall.value();
    return trial;
  }

  result::TrialRecord profiled_trial(result::TrialRecord trial, const Cell& cell, Runner& runner) const {
    const Window window = run_profiled(timing_, *runner.chain, cell, runner.repetitions);
    trial.mode = "profiled";
    trial.time_basis = timing_.events_trusted ? "events" : "host";
    trial.wall_s = window.wall.value();
    trial.gap_s = window.gap.value();
    std::optional<double> result::TrialRecord::*const kPhases[] = {
        &result::TrialRecord::phase_cast_s,       &result::TrialRecord::phase_quantize_s,
        &result::TrialRecord::phase_dequantize_s, &result::TrialRecord::phase_matmul_s,
        &result::TrialRecord::phase_attention_s,  &result::TrialRecord::phase_other_s};
    for (std::size_t i = 0; i < scheme::kRoleCount; ++i) trial.*kPhases[i] = window.phases[i].value();
    trial.events = static_cast<std::int64_t>(window.events);
    trial.kernels_used = runner.kernels_used;
    trial.matrix_unit = runner.chain->matrix_unit();
    trial.output_error = runner.output_error;
    return trial;
  }

  /// One block: every scheme once, in random order. False: stopped.
  bool run_block(const Cell& cell, std::int64_t block, std::vector<result::TrialRecord>& trials) {
    std::map<std::string, double> wall_per_chain;
    std::int64_t order = 0;
    for (const auto& name : shuffled(block)) {
      if ((*stop_requested_)()) return false;
      report(fmt::format("block {}, {}", block + 1, name));
      Runner& runner = runners_.at(name);
      trials.push_back(bare_trial(make_trial(cell, name, block, order++), cell, runner));
      wall_per_chain[name] = trials.back().wall_s / static_cast<double>(runner.repetitions);
      trials.push_back(profiled_trial(make_trial(cell, name, block, order++), cell, runner));
    }
    progress_.relative_half_width.reset();
    for (auto& [name, runner] : runners_) {
      if (name == "f16") continue;
      runner.ratios.push_back(wall_per_chain.at(name) / wall_per_chain.at("f16"));
      const auto width = relative_half_width(runner.ratios);
      if (width && width >= progress_.relative_half_width) {  // the scheme that keeps the cell going
        progress_.scheme = name;
        progress_.ratio = runner.ratios.back();
        progress_.relative_half_width = width;
      }
    }
    return true;
  }

  /// Seconds for the blocks of this cell: the points' own budget, cut to this cell's share of what is left of the
  /// session's share of the campaign's. One block is always measured.
  double cell_budget() const {
    const auto& campaign = plan_->campaign;
    const double own = campaign.max_seconds_per_point * static_cast<double>(runners_.size());
    const double left = campaign.max_seconds / static_cast<double>(campaign.sessions) - (clock_.now() - start_).value();
    return std::clamp(left / static_cast<double>(progress_.cells - progress_.cell), 0.0, own);
  }

  /// Runs one cell to its stop and hands its trials over. False: stopped by the user.
  Result<bool> run_cell(const Cell& cell) {
    progress_.cell_id = cell.id();
    progress_.scheme.clear();
    progress_.relative_half_width.reset();
    if (auto ready = prepare(cell); !ready) return ready.error();
    for (const auto& [name, error] : failures_) sink_->on_failure(cell, name, error);
    if (!warm_up(cell)) return false;
    progress_.budget_s = cell_budget();
    const StopRule rule(
        {plan_->campaign.target_ci, plan_->campaign.min_trials, plan_->campaign.max_trials, progress_.budget_s});
    const Seconds start = clock_.now();
    std::vector<result::TrialRecord> trials;
    std::optional<StopReason> stop;
    for (std::int64_t block = 0; !stop; ++block) {
      if (!run_block(cell, block, trials)) return false;
      std::vector<std::vector<double>> ratios;
      for (const auto& [name, runner] : runners_) {
        if (name != "f16") ratios.push_back(runner.ratios);
      }
      progress_.elapsed_s = (clock_.now() - start).value();
      stop = rule.decide(block + 1, ratios, progress_.elapsed_s);
    }
    for (auto& trial : trials) {
      trial.stop_reason = std::string(to_string(*stop));
      trial.cell_trials = static_cast<std::int64_t>(trials.size());
    }
    sink_->on_cell(cell, trials);
    return true;
  }

  device::Device* device_;
  const SessionPlan* plan_;
  const SessionSink* sink_;
  const std::function<bool()>* stop_requested_;
  MonotonicClock clock_;
  Seconds start_ = clock_.now();
  scheme::PassMaker maker_;
  Timing timing_;
  Progress progress_;
  std::string session_id_;
  std::string model_name_;
  std::optional<chain::ResidentModel> resident_;
  std::optional<chain::Activations> activations_;
  std::map<std::string, Runner> runners_;
  std::map<std::string, Error> failures_;  ///< schemes without a chain at this batch
};

}  // namespace

Result<bool> run_session(device::Device& device, const SessionPlan& plan, result::SessionRecord session,
                         const SessionSink& sink, const std::function<bool()>& stop_requested) {
  return SessionRun(device, plan, sink, stop_requested).run(std::move(session));
}

}  // namespace qtrap::measure
