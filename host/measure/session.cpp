#include "measure/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/anchor.hpp"
#include "core/clock.hpp"
#include "core/machine_limits.hpp"
#include "core/philox.hpp"
#include "core/result.hpp"
#include "measure/builds.hpp"
#include "measure/cell_chains.hpp"
#include "measure/pace.hpp"
#include "measure/probes.hpp"
#include "measure/session_description.hpp"
#include "measure/windows.hpp"
#include "scheme/pass.hpp"

namespace qtrap::measure {
namespace {

using result::TrialMode;

/// Blocks of probe windows in a session; with a meter one block of its windows.
constexpr std::int64_t kProbeBlocks = 3;
/// Before a block the device cools down to this much above what it was after the cell's warm-up, for as long as this.
constexpr double kWarmer = 5;
const Seconds kLongestCooling(10);
const Seconds kCoolingStep(0.2);

/// Time and energy per chain of one scheme in one block; none where flagged or not measured.
struct Measured {
  std::optional<double> time_s;
  std::optional<double> energy_j;
};

std::optional<double> divide(std::optional<double> top, std::optional<double> bottom) {
  if (!top || !bottom) return std::nullopt;
  return *top / *bottom;
}

bool is_cpu(const device::Device& device) { return device.info().type == device::DeviceType::kCpu; }

std::unique_ptr<EnergyRecorder> make_recorder(EnergySource source, const Clock& clock, const SessionPlan& plan,
                                              const std::function<bool()>& stop_requested) {
  if (!source.match.meter) return nullptr;
  const EnergySource::Time time = source.time.value_or(EnergySource::Time{&clock, power::make_real_pacing(clock)});
  auto recorder = std::make_unique<EnergyRecorder>(std::move(source), *time.clock, time.pacing,
                                                   Seconds(plan.campaign.energy_window_s),
                                                   plan.seed + static_cast<std::uint64_t>(plan.session_index));
  recorder->set_stop(&stop_requested);
  return recorder;
}

class SessionRun {
 public:
  SessionRun(device::Device& device, const SessionPlan& plan, EnergySource energy, const SessionSink& sink,
             const std::function<bool()>& stop_requested)
      : device_(&device),
        plan_(&plan),
        sink_(&sink),
        maker_(device, {"", static_cast<std::uint32_t>(plan.campaign.group_size), "", plan.tuning}),
        timing_{&device, &clock_, true, &stop_requested},
        meter_(describe_meter(energy)),
        energy_(make_recorder(std::move(energy), clock_, plan, stop_requested)),
        log_(clock_, sink, energy_.get(), make_load_scope(limits_, is_cpu(device))),
        windows_(plan, timing_, energy_.get(), log_),
        chains_(maker_, plan, timing_,
                {[this](const auto& activity, const auto& running, double expected_s) {
                   report(activity, running, expected_s);
                 },
                 sink.on_failure,
                 [this](const profile::Cell& cell, const std::string& name, const auto& check, const auto& failure) {
                   windows_.note_check(make_trial(TrialMode::kCheck, {}, cell, name), check, failure);
                 },
                 [this] { return progress_.step.kernel; }}) {
    log_.watch_pauses(&pauses_);
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

  bool run(result::SessionRecord session) {
    progress_.session_index = plan_->session_index;
    progress_.cells = plan_->cells.size();
    if (!build_all(session)) return false;
    report("ceilings");
    const EnergySource* source = energy_ ? &energy_->source() : nullptr;
    describe_session(*device_, clock_, {meter_, source, limits_, plan_->left_out}, session);
    // A fault of a ceiling that was survived may have cost the context: another process then goes on without them.
    device_->require_working();
    session.session_index = plan_->session_index;
    session.seed = static_cast<std::int64_t>(plan_->seed);
    log_.set_session(session.session_id);
    if (!session.event_timer.trusted) timing_.events_trusted = false;
    sink_->on_session(session);
    if (has_idle()) {
      const auto idle = measure_idle("idle", "idle/start");
      windows_.set_idle(idle);
      if (idle) energy_->set_active_idle(*idle);  // until one between launches is known
    }
    if (plan_->campaign.probes && !run_probes()) return false;
    for (std::size_t i = 0; i < plan_->cells.size(); ++i) {
      if (timing_.stopped()) return false;
      progress_.cell = i;
      const profile::Cell& cell = plan_->cells[i];
      const Result<bool> finished = run_cell(cell);
      if (finished && !finished.value()) return false;
      log_.drop();
      if (finished) continue;
      for (const auto& name : profile::schemes_with_anchor(plan_->campaign))
        sink_->on_failure(cell, name, finished.error());
      chains_.forget();
    }
    if (has_idle()) {
      chains_.forget();
      (void)measure_idle("idle", "idle/end");
    }
    return true;
  }

 private:
  /// A constant (tdp) has no idle power, and so no net energy.
  bool has_idle() const { return energy_ && meter_.method != to_string(EnergyMethod::kEstimated); }

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
    build_kernels(maker_, *plan_, [&](const profile::Cell& cell, const std::string& name) {
      progress_.cell_id = cell.id();
      report("builds", name);
      return !timing_.stopped();
    });
    progress_.cell_id.clear();
    for (const auto& [activity, reason] : plan_->left_out)
      session.hazards.push_back(fmt::format("left out: {} ({})", activity, reason));
    for (const auto& avoided : device_->info().avoided)
      session.hazards.push_back(scheme::describe_avoided(avoided, device_->info()));
    return !timing_.stopped();
  }

  std::vector<std::string> shuffled(std::int64_t block) {
    std::vector<std::string> order;
    for (const auto& [name, runner] : chains_.runners()) order.push_back(name);
    PhiloxStream random(plan_->seed, (static_cast<std::uint64_t>(plan_->session_index) << 40) +
                                         (std::uint64_t{progress_.cell} << 20) + static_cast<std::uint64_t>(block));
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
    return order;
  }

  /// Reports a step outside the cells. False: a process before this one died of it, so it is to be left out.
  bool begin_outside_cells(const std::string& activity, double expected_s = 0) {
    if (plan_->left_out.contains(activity)) return false;
    report(activity, {}, expected_s);
    return true;
  }

  std::optional<Watts> measure_idle(const std::string& phase, const std::string& cell_id) {
    if (!begin_outside_cells(phase, plan_->campaign.energy_window_s)) return std::nullopt;
    return windows_.measure_idle(phase, cell_id);
  }

  result::TrialRecord make_trial(TrialMode mode, WindowPlace place, const profile::Cell& cell,
                                 const std::string& name) {
    return windows_.make_trial(mode, place, cell, name, chains_.resident());
  }

  /// Probe windows as a cell of their own. False: stopped.
  bool run_probes() {
    const ProbeSet probes(maker_, timing_, {plan_->campaign.batch.begin(), plan_->campaign.batch.end()},
                          probed_schemes(plan_->campaign));
    for (std::size_t i = 0; i < probes.size(); ++i) {
      if (timing_.stopped()) return false;
      if (!begin_outside_cells(fmt::format("making of probe {} of {}", i + 1, probes.size()))) continue;
      auto loop = probes.make(i);
      if (!loop) continue;  // its cost will not be identified, and the fit says so
      if (!begin_outside_cells("probe " + loop.value().name)) continue;
      for (std::int64_t block = 0; block < (energy_ ? 1 : kProbeBlocks); ++block) {
        windows_.measure_loop(loop.value(),
                              windows_.make_trial(TrialMode::kProbe, {block, static_cast<std::int64_t>(i)}));
      }
    }
    if (timing_.stopped()) return false;
    log_.hand_over("probes");
    return true;
  }

  /// One window for each phase of each scheme. False: stopped.
  bool run_phase_loops(const profile::Cell& cell, std::int64_t block) {
    std::int64_t order = 0;
    for (auto& [name, runner] : chains_.runners()) {
      for (std::size_t i = 0; i < scheme::kRoleCount; ++i) {
        const auto role = static_cast<scheme::Role>(i);
        report(fmt::format("loop of {}, {}", to_string(role), name), name, plan_->campaign.energy_window_s);
        runner.chain->reset();
        const Timing timing = runner.paced(timing_);
        run_hop(timing, *runner.chain, 1);
        runner.chain->reset();  // the loop's attention is the first step's
        const auto loop = make_phase_loop(timing, *runner.chain, role, cell);
        if (timing_.stopped()) return false;
        if (!loop) continue;
        windows_.measure_loop(*loop, make_trial(TrialMode::kPhaseLoop, {block, order++}, cell, name));
      }
    }
    return !timing_.stopped();
  }

  bool has_energy_ratios() {
    auto& runners = chains_.runners();
    return std::any_of(runners.begin(), runners.end(),
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
  bool run_block(const profile::Cell& cell, std::int64_t block) {
    std::map<std::string, Measured> measured;
    std::int64_t order = 0;
    cool_down();
    for (const auto& name : shuffled(block)) {
      Runner& runner = chains_.runners().at(name);
      report(fmt::format("block {}, {}", block + 1, name), name,
             std::max(2 * runner.once_s * static_cast<double>(runner.repetitions),
                      energy_ ? plan_->campaign.energy_window_s : 0.0));
      const auto& bare =
          windows_.measure_bare(cell, runner, make_trial(TrialMode::kBare, {block, order++}, cell, name));
      if (timing_.stopped()) return false;
      if (bare.flags.empty()) {
        const auto chains = static_cast<double>(bare.repetitions);
        measured[name] = {bare.wall_s / chains, divide(bare.energy_gross_j, chains)};
      }
      (void)windows_.measure_profiled(cell, runner, make_trial(TrialMode::kProfiled, {block, order++}, cell, name));
      if (timing_.stopped()) return false;
    }
    progress_.relative_half_width.reset();
    for (auto& [name, runner] : chains_.runners()) {
      if (name == kAnchor) continue;
      if (const auto ratio = divide(measured[name].energy_j, measured[kAnchor].energy_j))
        runner.energy_ratios.push_back(*ratio);
      const auto ratio = divide(measured[name].time_s, measured[kAnchor].time_s);
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
  double cell_budget() {
    const auto& campaign = plan_->campaign;
    const double own = campaign.max_seconds_per_point * static_cast<double>(chains_.runners().size());
    const double left = campaign.max_seconds / static_cast<double>(campaign.sessions) - (clock_.now() - start_).value();
    return std::clamp(left / static_cast<double>(progress_.cells - progress_.cell), 0.0, own);
  }

  /// Runs one cell to its stop and hands its trials over. False: stopped by the user.
  Result<bool> run_cell(const profile::Cell& cell) {
    progress_.cell_id = cell.id();
    progress_.scheme.clear();
    progress_.relative_half_width.reset();
    if (auto ready = chains_.prepare(cell); !ready) return ready.error();
    if (auto warm = chains_.warm_up(cell); !warm || !warm.value()) {
      if (!warm) log_.hand_over(cell.id());  // why, for whoever resumes the file
      return warm;
    }
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
      for (const auto& [name, runner] : chains_.runners()) {
        if (name == kAnchor) continue;
        ratios.push_back(runner.ratios);
        if (has_energy_ratios()) ratios.push_back(runner.energy_ratios);
      }
      progress_.elapsed_s = (clock_.now() - start).value();
      stop = rule.decide(block + 1, ratios, progress_.elapsed_s);
    }
    if (energy_ && plan_->campaign.phase_loops && plan_->first && !run_phase_loops(cell, block)) return false;
    log_.hand_over(cell.id(), stop);
    return true;
  }

  device::Device* device_;
  const SessionPlan* plan_;
  const SessionSink* sink_;
  MonotonicClock clock_;
  Seconds start_ = clock_.now();
  scheme::PassMaker maker_;
  Timing timing_;
  MachineLimits limits_ = read_machine_limits();
  result::MeterSummary meter_;
  std::unique_ptr<EnergyRecorder> energy_;  ///< none without a meter
  PauseWatch pauses_{clock_};
  TrialLog log_;
  WindowRecorder windows_;
  CellChains chains_;
  std::optional<double> warm_c_;  ///< temperature after the cell's warm-up
  Progress progress_;
};

}  // namespace

bool run_session(device::Device& device, const SessionPlan& plan, EnergySource energy, result::SessionRecord session,
                 const SessionSink& sink, const std::function<bool()>& stop_requested) {
  return SessionRun(device, plan, std::move(energy), sink, stop_requested).run(std::move(session));
}

}  // namespace qtrap::measure
