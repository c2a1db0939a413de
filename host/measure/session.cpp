#include "measure/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "chain/chain.hpp"
#include "core/contract.hpp"
#include "core/philox.hpp"
#include "measure/builds.hpp"
#include "measure/load_loop.hpp"
#include "measure/probes.hpp"
#include "measure/session_description.hpp"
#include "measure/trial.hpp"
#include "measure/trial_log.hpp"

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
  std::optional<double> step_s;  ///< one step, roughly; none: it has not run yet
  double once_s = 0;             ///< one chain, roughly
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

std::unique_ptr<EnergyRecorder> make_recorder(EnergySource source, const Clock& clock, const SessionPlan& plan) {
  if (!source.match.meter) return nullptr;
  return std::make_unique<EnergyRecorder>(std::move(source), clock, power::make_real_pacing(clock),
                                          Seconds(plan.campaign.energy_window_s),
                                          plan.seed + static_cast<std::uint64_t>(plan.session_index));
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
        meter_(describe_meter(energy)),
        energy_(make_recorder(std::move(energy), clock_, plan)),
        log_(clock_, sink, energy_.get()) {
    device.set_watch([this](const device::Step& step) {
      progress_.step = step;
      if (sink_->on_progress) sink_->on_progress(progress_);
    });
  }
  SessionRun(const SessionRun&) = delete;
  SessionRun& operator=(const SessionRun&) = delete;
  ~SessionRun() {
    device_->set_watch({});
    device_->set_careful(false);
  }

  Result<bool> run(result::SessionRecord session) {
    progress_.session_index = plan_->session_index;
    progress_.cells = plan_->cells.size();
    if (!build_all(session)) return false;
    report("ceilings");
    const EnergySource* source = energy_ ? &energy_->source() : nullptr;
    if (auto done = describe_session(*device_, clock_, meter_, source, plan_->left_out, session); !done)
      return done.error();
    session.session_index = plan_->session_index;
    session.seed = static_cast<std::int64_t>(plan_->seed);
    log_.set_session(session.session_id);
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
      log_.drop();
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

  /// Says what comes next, of which scheme, and how long it should take.
  void report(const std::string& activity, const std::string& running = {}, double expected_s = 0) {
    progress_.activity = activity;
    progress_.running = running;
    progress_.expected_s = expected_s;
    progress_.step = {};
    if (sink_->on_progress) sink_->on_progress(progress_);
  }

  /// Builds every kernel; those to avoid become hazards. False: stopped.
  bool build_all(result::SessionRecord& session) {
    if (device_->info().capabilities.empty()) device_->probe_capabilities();
    build_kernels(maker_, *plan_, [&](const Cell& cell, const std::string& name) {
      progress_.cell_id = cell.id();
      report("builds", name);
      return !(*stop_requested_)();
    });
    progress_.cell_id.clear();
    for (const auto& [activity, reason] : plan_->left_out)
      session.hazards.push_back(fmt::format("left out: {} ({})", activity, reason));
    for (const auto& avoided : device_->info().avoided)
      session.hazards.push_back(scheme::describe_avoided(avoided, device_->info()));
    return !(*stop_requested_)();
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
    if (!activations_ || activations_->tokens != static_cast<std::uint64_t>(cell.batch) || chains_missing_) {
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
    chains_missing_ = false;
    for (const auto& name : schemes_with_anchor(plan_->campaign)) {
      report("chain of " + name, name);
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

  /// The first steps of a chain: one launch by launch, which compiles what is compiled at launch, and one as it will be
  /// run, for its time. False: a launch failed, which costs the scheme in this cell. Throws DeviceError where more is
  /// lost: the anchor, the device, or a fast kernel that a plain one can replace in another process.
  bool run_first_steps(const Cell& cell, const std::string& name, Runner& runner) {
    try {
      device_->set_careful(true);
      runner.chain->enqueue_steps(1, false);
      device_->set_careful(false);
      const Seconds before = clock_.now();
      runner.chain->enqueue_steps(1, false);
      device_->finish();
      runner.step_s = (clock_.now() - before).value();
      return true;
    } catch (const device::DeviceError& error) {
      const bool replaceable = device_->info().forced_variant.empty() && scheme::is_fast_variant(progress_.step.kernel);
      if (name == "f16" || replaceable || !device_->still_works()) throw;
      device_->set_careful(false);
      sink_->on_failure(cell, name, error.error());
      runners_.erase(name);
      chains_missing_ = true;
      return false;
    }
  }

  /// Runs every chain once, which compiles and warms up all kernels, compares outputs with the anchor's and finds how
  /// many repetitions fill a window. False: stopped.
  bool warm_up(const Cell& cell) {
    std::vector<std::vector<float>> anchor;
    for (const auto& name : schemes_with_anchor(plan_->campaign)) {
      const auto found = runners_.find(name);
      if (found == runners_.end()) continue;
      if ((*stop_requested_)()) return false;
      Runner& runner = found->second;
      report("warm-up " + name, name);
      runner.chain->reset();
      if (!runner.step_s && !run_first_steps(cell, name, runner)) continue;
      report("warm-up " + name, name, *runner.step_s * static_cast<double>(cell.steps()));
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

  result::TrialRecord make_trial(std::string mode, std::int64_t block, std::int64_t order) const {
    return measure::make_trial(plan_->session_index, std::move(mode), block, order);
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

  static void set_counts(const Cell& cell, const Runner& runner, std::int64_t repetitions, result::TrialRecord& trial) {
    measure::set_counts(runner.chain->step_costs(), cell.steps(), cell.hops, cell.batch * cell.steps(), repetitions,
                        trial);
  }

  /// An idle window as a cell of its own; its power.
  std::optional<Watts> measure_idle(const std::string& phase, const std::string& cell_id) {
    if (plan_->left_out.contains(phase)) return std::nullopt;
    report(phase);
    log_.begin_window();
    EnergyReading reading = energy_->measure_rest();
    result::TrialRecord trial = make_trial("idle", 0, 0);
    trial.phase = phase;
    trial.wall_s = reading.wall.value();
    set_energy(reading, std::nullopt, trial);
    const bool clean = log_.keep(std::move(trial), std::move(reading.samples), reading.state).flags.empty();
    log_.hand_over(cell_id);
    if (!reading.energy || !clean) return std::nullopt;  // no net energy is better than one against a disturbed idle
    return *reading.energy / reading.busy;
  }

  /// A window of `loop`: as long as the meter needs, or `shortest_s` without one.
  void measure_loop(const LoadLoop& loop, double shortest_s, result::TrialRecord trial) {
    trial.phase = loop.name;
    const double once = std::max(loop.play().value(), 1e-7);  // also warms up
    log_.begin_window();
    if (energy_) {
      EnergyReading reading = energy_->measure_load(loop.play, Seconds(once));
      measure::set_counts(loop.costs, 1, loop.syncs, loop.tokens, reading.repetitions, trial);
      trial.wall_s = reading.wall.value();
      set_energy(reading, idle_, trial);
      (void)log_.keep(std::move(trial), std::move(reading.samples), reading.state);
      return;
    }
    const auto repetitions =
        std::clamp(static_cast<std::int64_t>(std::ceil(shortest_s / once)), std::int64_t{1}, kMostRepetitions);
    for (std::int64_t i = 0; i < repetitions; ++i) trial.wall_s += loop.play().value();
    measure::set_counts(loop.costs, 1, loop.syncs, loop.tokens, repetitions, trial);
    (void)log_.keep(std::move(trial));
  }

  /// Probe windows as a cell of their own. False: stopped.
  bool run_probes() {
    const ProbeSet probes(maker_, timing_, {plan_->campaign.batch.begin(), plan_->campaign.batch.end()});
    for (std::size_t i = 0; i < probes.size(); ++i) {
      if ((*stop_requested_)()) return false;
      report("probes");
      auto loop = probes.make(i);
      if (!loop) continue;  // its cost will not be identified, and the fit says so
      const std::string activity = "probe " + loop.value().name;
      if (plan_->left_out.contains(activity)) continue;
      report(activity);
      for (std::int64_t block = 0; block < (energy_ ? 1 : kProbeBlocks); ++block) {
        measure_loop(loop.value(), kProbeWindow, make_trial("probe", block, static_cast<std::int64_t>(i)));
      }
    }
    log_.hand_over("probes");
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
        report(fmt::format("loop of {}, {}", loop->name, name), name);
        measure_loop(*loop, kProbeWindow, make_trial("phase_loop", block, order++, cell, name));
      }
    }
    return true;
  }

  const result::TrialRecord& measure_bare(const Cell& cell, Runner& runner, result::TrialRecord trial) {
    log_.begin_window();
    if (!energy_) {
      set_counts(cell, runner, runner.repetitions, trial);
      trial.wall_s = run_bare(timing_, *runner.chain, cell, runner.repetitions).wall.value();
      return log_.keep(std::move(trial));
    }
    EnergyReading reading =
        energy_->measure_load([&] { return run_restarted(timing_, *runner.chain, cell); }, Seconds(runner.once_s));
    set_counts(cell, runner, reading.repetitions, trial);
    trial.wall_s = reading.wall.value();
    set_energy(reading, idle_, trial);
    return log_.keep(std::move(trial), std::move(reading.samples), reading.state);
  }

  const result::TrialRecord& measure_profiled(const Cell& cell, Runner& runner, result::TrialRecord trial) {
    log_.begin_window();
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
    return log_.keep(std::move(trial));
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
      Runner& runner = runners_.at(name);
      report(fmt::format("block {}, {}", block + 1, name), name,
             2 * runner.once_s * static_cast<double>(runner.repetitions));
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
    for (const auto& [cell_id, name] : plan_->lost)
      if (cell_id == cell.id() && runners_.erase(name) > 0) chains_missing_ = true;
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
    log_.hand_over(cell.id(), std::string(to_string(*stop)));
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
  result::MeterSummary meter_;
  std::unique_ptr<EnergyRecorder> energy_;  ///< none without a meter
  TrialLog log_;
  std::optional<Watts> idle_;     ///< power at rest, before the cells
  std::optional<double> warm_c_;  ///< temperature after the cell's warm-up
  Progress progress_;
  std::string model_name_;
  std::optional<chain::ResidentModel> resident_;
  std::optional<chain::Activations> activations_;
  std::map<std::string, Runner> runners_;
  std::map<std::string, Error> failures_;  ///< schemes without a chain at this batch
  bool chains_missing_ = false;            ///< some were left out for the cell before: the next one makes them anew
};

}  // namespace

Result<bool> run_session(device::Device& device, const SessionPlan& plan, EnergySource energy,
                         result::SessionRecord session, const SessionSink& sink,
                         const std::function<bool()>& stop_requested) {
  return SessionRun(device, plan, std::move(energy), sink, stop_requested).run(std::move(session));
}

}  // namespace qtrap::measure
