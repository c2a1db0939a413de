#include "tune/tune.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "core/result.hpp"
#include "measure/pace.hpp"
#include "measure/probes.hpp"
#include "scheme/verify/verify_cases.hpp"

namespace qtrap::tune {
namespace {

constexpr double kSample = 0.01;  // seconds of one side of a pair, at least
constexpr int kSearchPairs = 6;
constexpr int kConfirmingPairs = 15;
constexpr double kWorthwhile = 0.98;  // a candidate must be surely below this share of the time

/// One kernel at one number of tokens, and the scheme whose pass it is.
struct Subject {
  const scheme::KernelEntry* kernel;
  scheme::SchemeInfo scheme;
  scheme::Role role;
  std::uint64_t tokens;
};

class Tuner {
 public:
  Tuner(device::Device& device, const Clock& clock, const TuneOptions& options,
        const std::function<bool()>& stop_requested)
      : device_(&device),
        clock_(&clock),
        options_(&options),
        stop_requested_(&stop_requested),
        timing_{&device, &clock, true},
        end_(clock.now() + Seconds(options.max_seconds)) {}

  std::vector<Subject> find_subjects() const {
    std::vector<Subject> subjects;
    std::set<std::pair<std::string, std::uint64_t>> seen;
    const std::string& variant = device_->info().forced_variant;
    const scheme::KernelSet kernels =
        scheme::choose_kernel_set(device_->info().kernel_family(), variant, device_->info());
    for (const std::uint64_t tokens : options_->tokens) {
      for (const scheme::SchemeInfo& info : scheme::all_schemes()) {
        auto rows = scheme::input_pass_table(info, kernels, options_->group_size, tokens, options_->shape.columns);
        const auto more = scheme::projection_pass_table(info, kernels, options_->group_size, tokens, options_->shape);
        rows.insert(rows.end(), more.begin(), more.end());
        for (const scheme::PassRow& row : rows) {
          const auto* kernel = scheme::choose_kernel(row.operation, kernels.family, variant, device_->info(), tokens);
          const auto& tunables = scheme::all_tunables();
          const bool any = std::any_of(tunables.begin(), tunables.end(),
                                       [&](const auto& one) { return scheme::is_tunable(one, *kernel); });
          if (any && seen.emplace(kernel->name(), scheme::tuning_class(*kernel, tokens)).second)
            subjects.push_back({kernel, info, scheme::role_of(row.operation), tokens});
        }
      }
    }
    return subjects;
  }

  Result<TunedKernel> tune(const Subject& subject) {
    TunedKernel tuned;
    tuned.kernel = subject.kernel->name();
    tuned.tokens = scheme::tuning_class(*subject.kernel, subject.tokens);
    std::optional<measure::LoadLoop> standard;  // made with the first candidate
    measure::LoadLoop best;
    for (const scheme::Tunable& tunable : scheme::all_tunables()) {
      if (!scheme::is_tunable(tunable, *subject.kernel)) continue;
      for (const std::uint32_t value : tunable.candidates) {
        if (value == 0) continue;
        scheme::TuningChoices trial = tuned.choices;
        std::erase_if(trial, [&](const auto& choice) { return choice.tunable == tunable.name; });
        trial.push_back({tuned.kernel, tuned.tokens, std::string(tunable.name), value});
        if (options_of(subject, trial) == options_of(subject, tuned.choices)) continue;
        if (clock_->now() > end_ || (*stop_requested_)()) {
          tuned.complete = false;
          break;
        }
        if (!standard) {
          auto made = make_loop(subject, {});
          if (!made) return made.error();
          best = made.value();
          standard = std::move(made).value();
        }
        ++tuned.candidates;
        auto loop = make_right_loop(subject, trial);
        if (!loop) {
          ++tuned.refused;
          continue;
        }
        const auto time = compare(loop.value(), best, kSearchPairs);
        if (!time || time->high >= kWorthwhile) continue;
        tuned.choices = std::move(trial);
        best = std::move(loop).value();
      }
    }
    if (!tuned.choices.empty()) confirm(best, *standard, tuned);
    return tuned;
  }

 private:
  scheme::Extent extent_of(const Subject& subject) const {
    const auto [rows, columns] = options_->shape;
    return {subject.tokens * columns, rows, columns, subject.tokens};
  }

  std::string options_of(const Subject& subject, const scheme::TuningChoices& choices) const {
    const scheme::Extent extent = extent_of(subject);
    const scheme::Tuning tuning = scheme::apply_choices(scheme::make_tuning(device_->info(), options_->group_size),
                                                        choices, *subject.kernel, extent);
    return subject.kernel->build_options(tuning, extent);
  }

  Result<measure::LoadLoop> make_loop(const Subject& subject, const scheme::TuningChoices& choices) const {
    const scheme::PassMaker maker(*device_, {"", options_->group_size, "", choices});
    return measure::make_role_loop(maker, timing_, subject.scheme, subject.role, options_->shape, subject.tokens);
  }

  /// Whether every shape that `verify` uses, at these tokens, and every group size agree with the host's reference.
  bool is_right(const Subject& subject, const scheme::TuningChoices& choices) const {
    const scheme::KernelEntry& kernel = *subject.kernel;
    const scheme::VerifyCase& check = scheme::verify_case(kernel.operation);
    for (const std::uint32_t group : check.group_sizes(false)) {
      std::set<std::array<std::uint64_t, 3>> seen;
      for (scheme::Extent extent : check.extents_of(false)) {
        if (extent.tokens > 0) extent.tokens = subject.tokens;
        if (!seen.insert({extent.count, extent.rows, extent.columns}).second) continue;
        scheme::VerifyBench bench(*device_, {std::string(kernel.family), group, std::string(kernel.variant), choices});
        const auto found = check.check(bench, kernel, extent);
        if (!found || !found.value().problem.empty() || !(found.value().error <= found.value().tolerance)) return false;
      }
    }
    return true;
  }

  /// The loop of a candidate that is right. One whose launch fails is refused, while the device works.
  Result<measure::LoadLoop> make_right_loop(const Subject& subject, const scheme::TuningChoices& trial) const {
    try {
      if (!is_right(subject, trial)) return runtime_error("wrong", "", "");
      return make_loop(subject, trial);
    } catch (const device::DeviceError& error) {
      if (!device_->still_works()) throw;
      return error.error();
    }
  }

  /// Time of `one` over that of `other`, paired: both orders take turns. None when it could not be timed.
  std::optional<Interval> compare(const measure::LoadLoop& one, const measure::LoadLoop& other, int pairs) const {
    (void)one.play();  // compiles
    const double once = std::max(std::min(one.play(), other.play()).value(), 1e-7);
    const int plays = static_cast<int>(std::clamp(std::ceil(kSample / once), 1.0, 1000.0));
    const auto sample = [&](const measure::LoadLoop& loop) {
      Seconds sum;
      for (int i = 0; i < plays; ++i) sum += loop.play();
      return sum.value();
    };
    std::vector<double> logs;
    for (int pair = 0; pair < pairs; ++pair) {
      const double first = sample(pair % 2 == 0 ? one : other);
      const double second = sample(pair % 2 == 0 ? other : one);
      logs.push_back((pair % 2 == 0 ? 1 : -1) * std::log(first / second));
    }
    auto interval = compute_t_interval(logs);
    if (!interval) return std::nullopt;
    return Interval{std::exp(interval->value), std::exp(interval->low), std::exp(interval->high)};
  }

  /// The best of several noisy candidates looks better than it is: it has to be faster once more, in windows of its
  /// own.
  void confirm(const measure::LoadLoop& best, const measure::LoadLoop& standard, TunedKernel& tuned) const {
    const auto time = compare(best, standard, kConfirmingPairs);
    if (time && time->high < 1) {
      tuned.speed = {1 / time->value, 1 / time->high, 1 / time->low};
    } else {
      tuned.choices.clear();
    }
  }

  device::Device* device_;
  const Clock* clock_;
  const TuneOptions* options_;
  const std::function<bool()>* stop_requested_;
  measure::Timing timing_;
  Seconds end_;
};

}  // namespace

bool tune_kernels(device::Device& device, const Clock& clock, const TuneOptions& options, const TuneSink& sink,
                  const std::function<bool()>& stop_requested) {
  if (device.info().capabilities.empty()) device.probe_capabilities();
  Tuner tuner(device, clock, options, stop_requested);
  const std::vector<Subject> subjects = tuner.find_subjects();
  for (std::size_t i = options.first; i < subjects.size(); ++i) {
    const Subject& subject = subjects[i];
    const std::uint64_t tokens = scheme::tuning_class(*subject.kernel, subject.tokens);
    sink.on_begin(subject.kernel->name(), tokens);
    const auto fail = [&](const Error& error) {
      TunedKernel failed;
      failed.kernel = subject.kernel->name();
      failed.tokens = tokens;
      failed.reason = error.message();
      sink.on_result(failed);
    };
    try {
      const auto tuned = tuner.tune(subject);
      tuned ? sink.on_result(tuned.value()) : fail(tuned.error());
    } catch (const device::DeviceError& error) {
      fail(error.error());
      if (!device.still_works()) return false;
    }
  }
  return true;
}

}  // namespace qtrap::tune
