#include "measurement.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <random>
#include <thread>

namespace qtrap::bench {
namespace {

constexpr double kSampleSeconds = 0.02;
constexpr std::size_t kMostCalls = 4096;

/// A case with where it stands in its rotation.
class Runner {
 public:
  Runner(const Case& item, const Clock& clock) : item_(&item), clock_(&clock) {
    sample(1);
    const double once = std::max(sample(1), 1e-7);
    calls_ = std::clamp<std::size_t>(static_cast<std::size_t>(std::ceil(kSampleSeconds / once)), 1, kMostCalls);
  }

  /// Takes a sample unless the case has had its time.
  void take(double limit_s) {
    if (!samples_.empty() && spent_s_ > limit_s) return;
    samples_.push_back(sample(calls_));
    spent_s_ += samples_.back() * static_cast<double>(calls_);
  }

  const std::vector<double>& samples() const { return samples_; }

 private:
  double sample(std::size_t calls) {
    const Seconds before = clock_->now();
    for (std::size_t i = 0; i < calls; ++i) item_->calls[next_++ % item_->calls.size()]();
    item_->finish();
    const double seconds = (clock_->now() - before).value();
    std::this_thread::sleep_for(std::chrono::duration<double>(item_->settle_s));
    return seconds / static_cast<double>(calls);
  }

  const Case* item_;
  const Clock* clock_;
  std::size_t calls_ = 1;
  std::size_t next_ = 0;
  double spent_s_ = 0;
  std::vector<double> samples_;
};

}  // namespace

std::vector<std::vector<double>> time_group(const Group& group, const TimingPlan& plan, const Clock& clock) {
  std::vector<Runner> runners;
  for (const Case& item : group.cases) runners.emplace_back(item, clock);
  std::vector<std::size_t> order(runners.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937 random(plan.order_seed);
  for (int round = 0; round < plan.rounds; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    for (const std::size_t i : order) runners[i].take(plan.case_seconds);
  }
  std::vector<std::vector<double>> samples;
  samples.reserve(runners.size());
  for (const Runner& runner : runners) samples.push_back(runner.samples());
  return samples;
}

}  // namespace qtrap::bench
