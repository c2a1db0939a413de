#include "power/sampler.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/contract.hpp"

namespace qtrap::power {

namespace {

constexpr int kNice = 10;

/// The sampling loop: one tick at a time, so that the thread and the tests drive the same code.
class Ticker {
 public:
  Ticker(Meter& meter, const Clock& clock, Seconds period)
      : meter_(meter), clock_(clock), period_(period), start_(clock.now()), next_(start_) {
    expects(period > Seconds(0), "a sampling period is above 0");
  }

  Seconds next() const { return next_; }

  Sample tick(SamplerCost& cost) {
    const Seconds before = clock_.now();
    const Sample sample = meter_.read();
    const Seconds after = clock_.now();
    ++cost.reads;
    cost.reading += after - before;
    cost.longest = std::max(cost.longest, after - before);
    cost.elapsed = after - start_;
    ++number_;
    const auto due = static_cast<std::size_t>(std::max(0.0, std::floor((after - start_) / period_)));
    if (due > number_) {
      cost.late_ticks += due - number_;
      number_ = due;
    }
    next_ = start_ + period_ * static_cast<double>(number_);
    return sample;
  }

 private:
  Meter& meter_;
  const Clock& clock_;
  Seconds period_;
  Seconds start_;
  Seconds next_;
  std::size_t number_ = 0;
};

Seconds stamp_of(const Sample& sample) {
  return sample.energy.status != ReadStatus::kUnsupported ? sample.energy.at : sample.power.at;
}

/// One channel as differences; an absent value keeps the last one.
template <class Unit>
void encode_channel(const std::vector<Sample>& samples, Reading<Unit> Sample::*member,
                    std::vector<std::int64_t>& differences, std::vector<std::pair<std::size_t, ReadStatus>>& absent) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Reading<Unit>& reading = samples[i].*member;
    const std::int64_t value = reading.value ? std::llround(reading.value->value() * 1e3) : last;
    if (!reading.value) absent.emplace_back(i, reading.status);
    differences.push_back(value - last);
    last = value;
  }
}

template <class Unit>
void decode_channel(const std::vector<std::int64_t>& differences,
                    const std::vector<std::pair<std::size_t, ReadStatus>>& absent, Reading<Unit> Sample::*member,
                    std::vector<Sample>& samples) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    last += differences[i];
    (samples[i].*member).value = Unit(static_cast<double>(last) / 1e3);
    (samples[i].*member).status = ReadStatus::kOk;
  }
  for (const auto& [index, status] : absent) {
    if (index < samples.size()) samples[index].*member = absent_reading<Unit>((samples[index].*member).at, status);
  }
}

}  // namespace

bool ThreadWaiter::wait_until(Seconds time) {
  std::unique_lock lock(mutex_);
  const Seconds left = time - clock_.now();
  wake_.wait_for(lock, std::chrono::duration<double>(std::max(0.0, left.value())), [this] { return stopped_; });
  return !stopped_;
}

void ThreadWaiter::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  wake_.notify_all();
}

Pacing make_real_pacing(const Clock& clock) {
  const auto make = [&clock]() -> std::unique_ptr<Waiter> { return std::make_unique<ThreadWaiter>(clock); };
  return {make, make};
}

Recording record_until(Meter& meter, const Clock& clock, Waiter& waiter, Seconds period, Seconds end) {
  Recording recording;
  Ticker ticker(meter, clock, period);
  while (ticker.next() <= end && waiter.wait_until(ticker.next())) {
    recording.samples.push_back(ticker.tick(recording.cost));
  }
  return recording;
}

Sampler::Sampler(Meter& meter, const Clock& clock, std::unique_ptr<Waiter> waiter, Seconds period)
    : meter_(meter), clock_(clock), waiter_(std::move(waiter)), thread_([this, period] { run(period); }) {}

Sampler::~Sampler() { finish(); }

void Sampler::run(Seconds period) {
  // Where the device is the host's processors, the sampler must not push its kernels aside: readings carry their own
  // time, so a late one does no harm. Refusal is not possible: lowering is always allowed.
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
  Ticker ticker(meter_, clock_, period);
  SamplerCost cost;
  while (waiter_->wait_until(ticker.next())) {
    const Sample sample = ticker.tick(cost);
    const std::lock_guard lock(mutex_);
    recording_.samples.push_back(sample);
    recording_.cost = cost;
    sampled_.notify_all();
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  sampled_.notify_all();
}

std::vector<Sample> Sampler::samples_since(Seconds since) const {
  const std::lock_guard lock(mutex_);
  const auto first = std::lower_bound(recording_.samples.begin(), recording_.samples.end(), since,
                                      [](const Sample& sample, Seconds time) { return stamp_of(sample) < time; });
  return {first, recording_.samples.end()};
}

bool Sampler::wait_for_sample(Seconds time, Seconds patience) const {
  std::unique_lock lock(mutex_);
  const auto there = [&] { return !recording_.samples.empty() && stamp_of(recording_.samples.back()) >= time; };
  sampled_.wait_for(lock, std::chrono::duration<double>(patience.value()), [&] { return ended_ || there(); });
  return there();
}

Recording Sampler::finish() {
  waiter_->stop();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  return std::exchange(recording_, {});
}

EncodedSamples encode_samples(const std::vector<Sample>& samples) {
  EncodedSamples encoded;
  std::int64_t last_us = 0;
  for (const Sample& sample : samples) {
    const std::int64_t at_us = std::llround(stamp_of(sample).value() * 1e6);
    encoded.at_us.push_back(at_us - last_us);
    last_us = at_us;
  }
  encode_channel(samples, &Sample::energy, encoded.energy_mj, encoded.energy_absent);
  encode_channel(samples, &Sample::power, encoded.power_mw, encoded.power_absent);
  return encoded;
}

Result<std::vector<Sample>> decode_samples(const EncodedSamples& encoded) {
  if (encoded.energy_mj.size() != encoded.at_us.size() || encoded.power_mw.size() != encoded.at_us.size()) {
    return runtime_error("a record of samples has columns of unequal length", std::to_string(encoded.at_us.size()),
                         "record the window again");
  }
  std::vector<Sample> samples(encoded.at_us.size());
  std::int64_t last_us = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    last_us += encoded.at_us[i];
    samples[i].energy.at = samples[i].power.at = Seconds(static_cast<double>(last_us) / 1e6);
  }
  decode_channel(encoded.energy_mj, encoded.energy_absent, &Sample::energy, samples);
  decode_channel(encoded.power_mw, encoded.power_absent, &Sample::power, samples);
  return samples;
}

}  // namespace qtrap::power
