#include "support/emulated_board.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/contract.hpp"

namespace qtrap::test {

namespace {

constexpr double kCell_s = 0.0005;

/// Standard normal number of a publication: the same one at every read of it.
double draw_normal(PhiloxKey key, std::int64_t number) {
  const auto bits = static_cast<std::uint64_t>(number);
  const PhiloxCounter random =
      philox4x32({static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32), 7, 7}, key);
  const double u = (static_cast<double>(random[0]) + 0.5) / 4294967296.0;
  const double v = (static_cast<double>(random[1]) + 0.5) / 4294967296.0;
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

}  // namespace

EmulatedBoard::EmulatedBoard(const BoardModel& model, std::uint64_t seed)
    : model_(model),
      key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
      phase_s_(PhiloxStream(seed, 1).uniform() * model.period_s),
      level_w_(model.idle_w) {}

void EmulatedBoard::draw(double duration_s, double power_w) {
  knot_s_.push_back(knot_s_.back() + duration_s);
  knot_j_.push_back(knot_j_.back() + duration_s * power_w);
  const double keep = model_.rise_s > 0 ? std::exp(-kCell_s / model_.rise_s) : 0;
  while (duration_s > 0) {
    const double cell_end_s = static_cast<double>(risen_j_.size()) * kCell_s;
    const double part_s = std::min(duration_s, std::max(0.0, cell_end_s - end_s_));
    cell_j_ += part_s * power_w;
    end_s_ += part_s;
    duration_s -= part_s;
    if (end_s_ < cell_end_s - 1e-12) break;
    // y' = (u - y) / rise over a cell of constant mean power u: integral = u h - rise (y1 - y0).
    const double mean_w = cell_j_ / kCell_s;
    const double next_w = mean_w + (level_w_ - mean_w) * keep;
    risen_j_.push_back(risen_j_.back() + cell_j_ - model_.rise_s * (next_w - level_w_));
    level_w_ = next_w;
    cell_j_ = 0;
  }
}

double EmulatedBoard::true_energy_j(double from_s, double to_s) const {
  const auto at = [this](double time_s) {
    const auto after = std::upper_bound(knot_s_.begin(), knot_s_.end(), time_s);
    const auto i = static_cast<std::size_t>(
        std::clamp<std::ptrdiff_t>(after - knot_s_.begin(), 1, static_cast<std::ptrdiff_t>(knot_s_.size()) - 1));
    const double share = (time_s - knot_s_[i - 1]) / (knot_s_[i] - knot_s_[i - 1]);
    return knot_j_[i - 1] + share * (knot_j_[i] - knot_j_[i - 1]);
  };
  return at(to_s) - at(from_s);
}

double EmulatedBoard::risen_energy_j(double at_s) const {
  if (at_s <= 0) return at_s * model_.idle_w;
  const double cells = at_s / kCell_s;
  const auto cell = static_cast<std::size_t>(cells);
  if (cell + 1 >= risen_j_.size()) return risen_j_.back();
  return risen_j_[cell] + (cells - static_cast<double>(cell)) * (risen_j_[cell + 1] - risen_j_[cell]);
}

double EmulatedBoard::power_w(double at_s) const {
  const double number = std::floor((at_s - phase_s_) / model_.period_s);
  const double closed_s = phase_s_ + number * model_.period_s - model_.delay_s;
  const double window_s = model_.window_s > 0 ? model_.window_s : kCell_s;
  const double mean_w = (risen_energy_j(closed_s) - risen_energy_j(closed_s - window_s)) / window_s;
  const double noisy_w =
      model_.gain * mean_w * (1 + model_.noise * draw_normal(key_, static_cast<std::int64_t>(number)));
  return std::round(noisy_w / model_.quantum_w) * model_.quantum_w;
}

double EmulatedBoard::counter_j(double at_s) const {
  const double number = std::floor((at_s - phase_s_) / model_.counter_period_s);
  const double closed_s = phase_s_ + number * model_.counter_period_s - model_.delay_s;
  const double total_j = model_.counter_start_j + model_.gain * risen_energy_j(closed_s);
  const double shown_j = std::floor(total_j / model_.counter_quantum_j) * model_.counter_quantum_j;
  return model_.counter_range_j > 0 ? std::fmod(shown_j, model_.counter_range_j) : shown_j;
}

EmulatedMeter::EmulatedMeter(const EmulatedBoard& board, const Clock& clock) : board_(board), clock_(clock) {
  info_.name = "replay";
  info_.source = "emulated board";
  info_.board = "emulated board";
  info_.has_power = board.model().has_power;
  info_.has_energy = board.model().has_counter;
  info_.simulated = true;
  if (board.model().counter_range_j > 0) info_.limits.range = Joules(board.model().counter_range_j);
}

power::Sample EmulatedMeter::read() {
  const Seconds now = clock_.now();
  power::Sample sample{power::absent_reading<Joules>(now, power::ReadStatus::kUnsupported),
                       power::absent_reading<Watts>(now, power::ReadStatus::kUnsupported)};
  if (info_.has_power) sample.power = power::make_reading<Watts>(now, board_.power_w(now.value()));
  if (info_.has_energy) sample.energy = power::make_reading<Joules>(now, board_.counter_j(now.value()));
  return sample;
}

EmulatedBench::EmulatedBench(const BoardModel& model, std::uint64_t seed, double busy_w)
    : board_(model, seed), meter_(board_, time_), random_(seed, 2), busy_w_(busy_w) {}

power::PlayLoad EmulatedBench::player() {
  return [this](std::span<const power::LoadStep> steps) -> Result<power::LoadRun> {
    power::LoadRun run;
    for (const power::LoadStep& step : steps) {
      const double begin_s = board_.end_s();
      // A launch starts a little after it was asked for; the stamps know nothing of it.
      const double late_s = step.busy ? 0.0003 * random_.uniform() : 0;
      board_.draw(late_s, board_.model().idle_w);
      board_.draw(step.duration.value() - late_s, step.busy ? busy_w_ : board_.model().idle_w);
      run.played.push_back({Seconds(begin_s), Seconds(board_.end_s()), step.busy});
    }
    run.samples = sample_to_end();
    return run;
  };
}

std::vector<power::Sample> EmulatedBench::sample_to_end() {
  std::vector<power::Sample> samples;
  while (time_.now().value() < board_.end_s()) {
    samples.push_back(meter_.read());
    time_.advance(Seconds(poll_s_ * (0.9 + 0.2 * random_.uniform())));
  }
  return samples;
}

}  // namespace qtrap::test
