// The chains of the running cell, one for each scheme: made where the last cell's do not serve, warmed up, timed once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chain/chain.hpp"
#include "chain/prompt.hpp"
#include "chain/resident_model.hpp"
#include "core/result.hpp"
#include "measure/pace.hpp"
#include "measure/result_check.hpp"
#include "measure/session.hpp"
#include "measure/trial.hpp"
#include "profile/cell.hpp"
#include "scheme/pass.hpp"

namespace qtrap::measure {

/// A scheme's chain in the running cell.
struct Runner {
  std::unique_ptr<chain::Chain> chain;
  std::int64_t repetitions = 1;
  std::optional<double> step_s;  ///< one step, roughly; none: it has not run yet
  double once_s = 0;             ///< one chain, roughly
  std::uint64_t batch = 1;       ///< launches between the waits inside a long hop
  OutputErrors output_errors;
  std::optional<SchemeCheck> check;  ///< of its kernels
  std::vector<std::string> kernels_used;
  std::vector<double> ratios;         ///< of times, paired with the anchor, one per block in which neither is flagged
  std::vector<double> energy_ratios;  ///< likewise, where both have an energy

  /// `timing` with the batch of this chain.
  Timing paced(Timing timing) const {
    timing.batch = batch;
    return timing;
  }
};

/// What the chains of a cell tell and ask their session.
struct SessionHooks {
  /// What comes next, of which scheme (or none), and how long it should take (0: short, or not known).
  std::function<void(const std::string& activity, const std::string& running, double expected_s)> report;
  std::function<void(const profile::Cell&, const std::string& scheme, const Error&)> on_failure;
  /// What the check of a scheme found, and why it fails, if it does; the check is absent where it could not be made.
  std::function<void(const profile::Cell&, const std::string& scheme, const std::optional<SchemeCheck>&,
                     const std::optional<std::string>& failure)>
      on_check;
  std::function<std::string()> kernel_in_flight;  ///< as the device last said
};

class CellChains {
 public:
  /// All must outlive this.
  CellChains(const scheme::PassMaker& maker, const SessionPlan& plan, const Timing& timing, SessionHooks hooks)
      : maker_(&maker), plan_(&plan), timing_(&timing), hooks_(std::move(hooks)) {}

  /// Makes weights, activations and chains where the last cell's do not serve, those aside that were lost before.
  /// kRuntime errors: out of memory, a kernel of the anchor does not build.
  Status prepare(const profile::Cell& cell);
  /// Runs every chain once, which compiles and warms up all kernels, checks the kernels and the outputs and finds how
  /// many repetitions fill a window. A scheme whose results are wrong is reported and left out. False: stopped. Error:
  /// the anchor's results are wrong, so the cell has none. Throws DeviceError where more than a scheme is lost.
  Result<bool> warm_up(const profile::Cell& cell);
  /// Frees what the device holds.
  void forget();

  const chain::ResidentModel& resident() const { return *resident_; }
  std::map<std::string, Runner>& runners() { return runners_; }

 private:
  Status make_activations(const profile::Cell& cell);
  Status make_context(const profile::Cell& cell);
  Status begin_context(const profile::Cell& cell);
  Status make_chains();
  bool run_first_steps(const profile::Cell& cell, const std::string& name, Runner& runner);
  bool compare_outputs(const profile::Cell& cell, Runner& runner, std::vector<std::vector<float>>& anchor) const;
  Error lose_anchor(const profile::Cell& cell, const std::string& failure);
  std::optional<std::string> find_wrong(const profile::Cell& cell, const Runner& runner) const;
  Seconds check_budget() const;
  void time_once(const profile::Cell& cell, Runner& runner, Seconds first_run) const;

  const scheme::PassMaker* maker_;
  const SessionPlan* plan_;
  const Timing* timing_;
  SessionHooks hooks_;
  std::string model_name_;
  std::optional<chain::ResidentModel> resident_;
  std::optional<chain::Activations> activations_;
  std::optional<chain::Prompt> prompt_;  ///< of a decoder that has a text
  std::map<std::string, Runner> runners_;
  std::optional<ResultCheck> result_check_;
  std::map<std::string, Error> failures_;  ///< schemes without a chain at this batch
  bool missing_ = false;                   ///< some were left out for the cell before: the next one makes them anew
};

}  // namespace qtrap::measure
