#include "measure/session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "chain/chain.hpp"
#include "core/contract.hpp"
#include "core/philox.hpp"
#include "measure/ceilings.hpp"
#include "measure/disturbance.hpp"
#include "measure/environment.hpp"
#include "measure/load_loop.hpp"
#include "measure/probes.hpp"
#include "measure/trial.hpp"

namespace qtrap::measure {
namespace {

/// A window shorter than this is repeated until it is at least as long: stamps, waits and wake-ups are tens of
/// microseconds.
constexpr double kShortestWindow = 0.02;
constexpr std::int64_t kMostRepetitions = 10000;
/// Blocks of probe windows in a session, each window this long; with a meter one block of its windows.
constexpr std::int64_t kProbeBlocks = 3;
constexpr double kProbeWindow = 0.05;
/// Before a block the device cools down to this much above what it was after the cell's warm-up, for as long as this.
constexpr double kWarmer = 5;
const Seconds kLongestCooling(10);
const Seconds kCoolingStep(0.2);

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
  double once_s = 0;  ///< one chain, roughly
  std::optional<std::vector<double>> output_error;
  std::vector<std::string> kernels_used;
  std::vector<double> ratios;         ///< of times, paired with the anchor, one per block in which neither is flagged
  std::vector<double> energy_ratios;  ///< likewise, where both have an energy
};

/// Time and energy per chain of one scheme in one block; none where flagged or not measured.
struct Measured {
  std::optional<double> time_s;
  std::optional<double> energy_j;
};

std::optional<double> divide(std::optional<double> top, std::optional<double> bottom) {
  if (!top || !bottom) return std::nullopt;
  return *top / *bottom;
}

class SessionRun {
 public:
  SessionRun(device::Device& device, const SessionPlan& plan, EnergySource energy, const SessionSink& sink,
             const std::function<bool()>& stop_requested)
      : device_(&device),
        plan_(&plan),
        sink_(&sink),
        stop_requested_(&stop_requested),
        maker_(device, {"", static_cast<std::uint32_t>(plan.campaign.group_size), "", plan.tuning}),
        timing_{&device, &clock_, true},
        monitor_(clock_),
        meter_(describe_meter(energy)) {
    if (energy.match.meter)
      energy_.emplace(std::move(energy), clock_, Seconds(plan.campaign.energy_window_s),
                      plan.seed + static_cast<std::uint64_t>(plan.session_index));
  }

  Result<bool> run(result::SessionRecord session) {
    if (auto done = describe(session); !done) return done.error();
    session_id_ = session.session_id;
    if (!session.event_timer.trusted) timing_.events_trusted = false;
    sink_->on_session(session);
    if (has_idle()) idle_ = measure_idle("idle", "idle/start");
    if (idle_) energy_->set_active_idle(*idle_);  // until one between launches is known
    if (plan_->campaign.probes && !run_probes()) return false;
    for (std::size_t i = 0; i < plan_->cells.size(); ++i) {
      if ((*stop_requested_)()) return false;
      progress_.cell = i;
      const Cell& cell = plan_->cells[i];
      const Result<bool> finished = run_cell(cell);
      if (finished && !finished.value()) return false;
      drop_trials();
      if (finished) continue;
      for (const auto& name : schemes_with_anchor(plan_->campaign)) sink_->on_failure(cell, name, finished.error());
      forget_model();
    }
    if (has_idle()) {
      forget_model();
      (void)measure_idle("idle", "idle/end");
    }
    return true;
  }

 private:
  /// A constant (tdp) has no idle power, and so no net energy.
  bool has_idle() const { return energy_ && meter_.method != "estimated"; }

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
    session.meter = meter_;
    session.kernels.source_sha256 = device_->sources().sha256();
    session.kernels.build_options = device::Device::common_options();
    session.host = read_host();
    session.environment = read_environment();
    session.session_index = plan_->session_index;
    session.seed = static_cast<std::int64_t>(plan_->seed);
    auto hazards = find_hazards(session.host);
    session.hazards.insert(session.hazards.end(), hazards.begin(), hazards.end());
    if (meter_.method == "simulated") session.hazards.push_back("energies are simulated: the meter replays a file");
    if (meter_.method == "estimated") session.hazards.push_back("energies are estimated: a constant power times time");
    if (meter_.sensor_basis == "assumed")
      session.hazards.push_back("the sensor's constants are assumed: run `qtrap meters --characterise` once");
    if (energy_) {
      const power::MeterInfo& meter = energy_->source().match.meter->info();
      session.hazards.insert(session.hazards.end(), meter.notes.begin(), meter.notes.end());
      if (!meter.power_field.empty()) session.hazards.push_back("power is read by the field " + meter.power_field);
    }
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
      runner.energy_ratios.clear();
      runner.output_error.emplace();
      runner.chain->reset();
      for (std::int64_t hop = 0; hop < cell.hops; ++hop) {
        runner.chain->enqueue_steps(static_cast<std::uint64_t>(cell.tokens_per_hop), false);
        device_->finish();
        auto output = runner.chain->read_output();
        if (name == "f16") anchor.push_back(output);
        runner.output_error->push_back(relative_error(output, anchor.at(static_cast<std::size_t>(hop))));
      }
      runner.once_s = run_profiled(timing_, *runner.chain, cell, 1).wall.value();
      runner.repetitions = std::clamp(static_cast<std::int64_t>(std::ceil(kShortestWindow / runner.once_s)),
                                      std::int64_t{1}, kMostRepetitions);
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

  /// A trial of this session; its counts are set by set_counts().
  result::TrialRecord make_trial(std::string mode, std::int64_t block, std::int64_t order) const {
    result::TrialRecord trial;
    trial.session_id = session_id_;
    trial.session_index = plan_->session_index;
    trial.mode = std::move(mode);
    trial.time_basis = "host";
    trial.block = block;
    trial.order = order;
    return trial;
  }

  result::TrialRecord make_trial(std::string mode, std::int64_t block, std::int64_t order, const Cell& cell,
                                 const std::string& name) const {
    result::TrialRecord trial = make_trial(std::move(mode), block, order);
    trial.point_id = make_point_id(cell, name);
    trial.scheme = name;
    trial.model = cell.model;
    trial.layers = static_cast<std::int64_t>(resident_->layers_to_run);
    trial.resident_layers = static_cast<std::int64_t>(resident_->layers.size());
    return trial;
  }

  /// Counts of `repetitions` repetitions of `times` x `costs`.
  static void set_counts(const scheme::Costs& costs, std::int64_t times, std::int64_t syncs, std::int64_t tokens,
                         std::int64_t repetitions, result::TrialRecord& trial) {
    const auto total = [&](std::uint64_t once) { return static_cast<std::int64_t>(once) * times * repetitions; };
    trial.repetitions = repetitions;
    trial.tokens = tokens * repetitions;
    trial.syncs = syncs * repetitions;
    trial.launches = total(costs.launches);
    trial.bytes = total(costs.bytes);
    trial.cached_bytes = total(costs.cached_bytes);
    trial.macs = total(costs.macs);
    trial.dequantized_weights = total(costs.dequantized_weights);
    trial.cast_elements = total(costs.cast_elements);
    trial.quantized_elements = total(costs.quantized_elements);
    trial.weight_launches = total(costs.weight_launches);
  }

  static void set_counts(const Cell& cell, const Runner& runner, std::int64_t repetitions, result::TrialRecord& trial) {
    set_counts(runner.chain->step_costs(), cell.steps(), cell.hops, cell.batch * cell.steps(), repetitions, trial);
  }

  /// Looks at the machine after a window and keeps the trial, with the samples behind its energy.
  const result::TrialRecord& keep(result::TrialRecord trial, std::optional<result::SamplesRecord> samples = {},
                                  std::optional<power::BoardState> under_load = {}) {
    if (monitor_.saw_foreign_load()) trial.flags.emplace_back(kForeignLoad);
    if (energy_) {
      const power::BoardState state = under_load ? *under_load : energy_->read_state();
      if (state.core_clock) trial.clock_hz = state.core_clock->value();
      trial.temperature_c = state.temperature_c;
      for (auto& flag : judge_board(state, static_cast<std::uint32_t>(getpid())))
        trial.flags.push_back(std::move(flag));
    }
    if (samples) {
      samples->block = trial.block;
      samples->order = trial.order;
      samples_.push_back(std::move(*samples));
    }
    trials_.push_back(std::move(trial));
    return trials_.back();
  }

  /// Hands over what was kept, as one cell.
  void hand_over(const std::string& cell_id, std::optional<std::string> stop_reason = {}) {
    for (auto& trial : trials_) {
      trial.cell_id = cell_id;
      trial.cell_trials = static_cast<std::int64_t>(trials_.size());
      trial.stop_reason = stop_reason;
    }
    for (auto& samples : samples_) {
      samples.session_id = session_id_;
      samples.cell_id = cell_id;
    }
    if (!trials_.empty()) sink_->on_cell(trials_, samples_);
    drop_trials();
  }

  void drop_trials() {
    trials_.clear();
    samples_.clear();
  }

  /// An idle window as a cell of its own; its power.
  std::optional<Watts> measure_idle(const std::string& phase, const std::string& cell_id) {
    report(phase);
    monitor_.begin();
    EnergyReading reading = energy_->measure_rest();
    result::TrialRecord trial = make_trial("idle", 0, 0);
    trial.phase = phase;
    trial.wall_s = reading.wall.value();
    set_energy(reading, std::nullopt, trial);
    const bool clean = keep(std::move(trial), std::move(reading.samples), reading.state).flags.empty();
    hand_over(cell_id);
    if (!reading.energy || !clean) return std::nullopt;  // no net energy is better than one against a disturbed idle
    return *reading.energy / reading.busy;
  }

  /// A window of `loop`: as long as the meter needs, or `shortest_s` without one.
  void measure_loop(const LoadLoop& loop, double shortest_s, result::TrialRecord trial) {
    trial.phase = loop.name;
    const double once = std::max(loop.play().value(), 1e-7);  // also warms up
    monitor_.begin();
    if (energy_) {
      EnergyReading reading = energy_->measure_load(loop.play, Seconds(once));
      set_counts(loop.costs, 1, loop.syncs, loop.tokens, reading.repetitions, trial);
      trial.wall_s = reading.wall.value();
      set_energy(reading, idle_, trial);
      (void)keep(std::move(trial), std::move(reading.samples), reading.state);
      return;
    }
    const auto repetitions =
        std::clamp(static_cast<std::int64_t>(std::ceil(shortest_s / once)), std::int64_t{1}, kMostRepetitions);
    for (std::int64_t i = 0; i < repetitions; ++i) trial.wall_s += loop.play().value();
    set_counts(loop.costs, 1, loop.syncs, loop.tokens, repetitions, trial);
    (void)keep(std::move(trial));
  }

  /// Probe windows as a cell of their own. False: stopped.
  bool run_probes() {
    const ProbeSet probes(maker_, timing_, {plan_->campaign.batch.begin(), plan_->campaign.batch.end()});
    for (std::size_t i = 0; i < probes.size(); ++i) {
      if ((*stop_requested_)()) return false;
      auto loop = probes.make(i);
      if (!loop) continue;  // its cost will not be identified, and the fit says so
      report("probe " + loop.value().name);
      for (std::int64_t block = 0; block < (energy_ ? 1 : kProbeBlocks); ++block) {
        measure_loop(loop.value(), kProbeWindow, make_trial("probe", block, static_cast<std::int64_t>(i)));
      }
    }
    hand_over("probes");
    return true;
  }

  /// One window for each phase of each scheme. False: stopped.
  bool run_phase_loops(const Cell& cell, std::int64_t block) {
    std::int64_t order = 0;
    for (auto& [name, runner] : runners_) {
      for (std::size_t i = 0; i < scheme::kRoleCount; ++i) {
        if ((*stop_requested_)()) return false;
        runner.chain->reset();
        runner.chain->enqueue_steps(1, false);
        device_->finish();
        const auto loop = make_phase_loop(timing_, *runner.chain, static_cast<scheme::Role>(i), cell.batch);
        if (!loop) continue;
        report(fmt::format("loop of {}, {}", loop->name, name));
        measure_loop(*loop, kProbeWindow, make_trial("phase_loop", block, order++, cell, name));
      }
    }
    return true;
  }

  const result::TrialRecord& measure_bare(const Cell& cell, Runner& runner, result::TrialRecord trial) {
    monitor_.begin();
    if (!energy_) {
      set_counts(cell, runner, runner.repetitions, trial);
      trial.wall_s = run_bare(timing_, *runner.chain, cell, runner.repetitions).wall.value();
      return keep(std::move(trial));
    }
    EnergyReading reading =
        energy_->measure_load([&] { return run_restarted(timing_, *runner.chain, cell); }, Seconds(runner.once_s));
    set_counts(cell, runner, reading.repetitions, trial);
    trial.wall_s = reading.wall.value();
    set_energy(reading, idle_, trial);
    return keep(std::move(trial), std::move(reading.samples), reading.state);
  }

  const result::TrialRecord& measure_profiled(const Cell& cell, Runner& runner, result::TrialRecord trial) {
    monitor_.begin();
    const Window window = run_profiled(timing_, *runner.chain, cell, runner.repetitions);
    set_counts(cell, runner, runner.repetitions, trial);
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
    return keep(std::move(trial));
  }

  bool has_energy_ratios() const {
    return std::any_of(runners_.begin(), runners_.end(),
                       [](const auto& one) { return !one.second.energy_ratios.empty(); });
  }

  /// Waits until the device is about as warm as after the cell's warm-up, within limits.
  void cool_down() {
    if (!energy_ || !warm_c_) return;
    power::ThreadWaiter rest(clock_);
    const Seconds until = clock_.now() + kLongestCooling;
    while (clock_.now() < until) {
      const auto now = energy_->read_state().temperature_c;
      if (!now || *now <= *warm_c_ + kWarmer) return;
      report("cooling down");
      rest.wait_until(clock_.now() + kCoolingStep);
    }
  }

  /// One block: every scheme once, in random order. False: stopped.
  bool run_block(const Cell& cell, std::int64_t block) {
    std::map<std::string, Measured> measured;
    std::int64_t order = 0;
    cool_down();
    for (const auto& name : shuffled(block)) {
      if ((*stop_requested_)()) return false;
      report(fmt::format("block {}, {}", block + 1, name));
      Runner& runner = runners_.at(name);
      const auto& bare = measure_bare(cell, runner, make_trial("bare", block, order++, cell, name));
      if (bare.flags.empty()) {
        const auto chains = static_cast<double>(bare.repetitions);
        measured[name] = {bare.wall_s / chains, divide(bare.energy_gross_j, chains)};
      }
      (void)measure_profiled(cell, runner, make_trial("profiled", block, order++, cell, name));
    }
    progress_.relative_half_width.reset();
    for (auto& [name, runner] : runners_) {
      if (name == "f16") continue;
      if (const auto ratio = divide(measured[name].energy_j, measured["f16"].energy_j))
        runner.energy_ratios.push_back(*ratio);
      const auto ratio = divide(measured[name].time_s, measured["f16"].time_s);
      if (!ratio) continue;
      runner.ratios.push_back(*ratio);
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
    if (has_idle()) {
      if (const auto power = measure_idle("active_idle", "idle/" + cell.id())) energy_->set_active_idle(*power);
      warm_c_ = energy_->read_state().temperature_c;
    }
    const Seconds start = clock_.now();
    std::optional<StopReason> stop;
    std::int64_t block = 0;
    for (; !stop; ++block) {
      if (!run_block(cell, block)) return false;
      std::vector<std::vector<double>> ratios;
      for (const auto& [name, runner] : runners_) {
        if (name == "f16") continue;
        ratios.push_back(runner.ratios);
        if (has_energy_ratios()) ratios.push_back(runner.energy_ratios);
      }
      progress_.elapsed_s = (clock_.now() - start).value();
      stop = rule.decide(block + 1, ratios, progress_.elapsed_s);
    }
    if (energy_ && plan_->campaign.phase_loops && plan_->session_index == 0 && !run_phase_loops(cell, block))
      return false;
    hand_over(cell.id(), std::string(to_string(*stop)));
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
  LoadMonitor monitor_;
  result::MeterSummary meter_;
  std::optional<EnergyRecorder> energy_;  ///< none without a meter
  std::optional<Watts> idle_;             ///< power at rest, before the cells
  std::optional<double> warm_c_;          ///< temperature after the cell's warm-up
  std::vector<result::TrialRecord> trials_;
  std::vector<result::SamplesRecord> samples_;
  Progress progress_;
  std::string session_id_;
  std::string model_name_;
  std::optional<chain::ResidentModel> resident_;
  std::optional<chain::Activations> activations_;
  std::map<std::string, Runner> runners_;
  std::map<std::string, Error> failures_;  ///< schemes without a chain at this batch
};

}  // namespace

Result<bool> run_session(device::Device& device, const SessionPlan& plan, EnergySource energy,
                         result::SessionRecord session, const SessionSink& sink,
                         const std::function<bool()>& stop_requested) {
  return SessionRun(device, plan, std::move(energy), sink, stop_requested).run(std::move(session));
}

}  // namespace qtrap::measure
