#include "power/meters/replay_meter.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include <fmt/core.h>

#include "core/file.hpp"

namespace qtrap::power {

namespace {

constexpr std::string_view kHeader = "time_s,energy_j,power_w";

struct Row {
  double time_s = 0;
  std::optional<double> energy_j;
  std::optional<double> power_w;
};

class ReplayMeter final : public Meter {
 public:
  ReplayMeter(std::vector<Row> rows, const std::string& source, const Clock& clock)
      : rows_(std::move(rows)), clock_(clock), start_(clock.now()) {
    info_.name = "replay";
    info_.source = source;
    info_.board = "replayed trace";
    info_.simulated = true;
    for (const Row& row : rows_) {
      info_.has_energy = info_.has_energy || row.energy_j.has_value();
      info_.has_power = info_.has_power || row.power_w.has_value();
      if (!row.energy_j) continue;
      if (!first_energy_) first_energy_ = row.energy_j;
      last_energy_ = row.energy_j;
    }
  }

  const MeterInfo& info() const override { return info_; }

  Sample read() override {
    const Seconds now = clock_.now();
    // The last row stands as long as the one before it did.
    const double last_s = rows_.back().time_s;
    const double length_s = last_s + (last_s - rows_[rows_.size() - 2].time_s) - rows_.front().time_s;
    const double elapsed_s = (now - start_).value();
    const double rounds = std::floor(elapsed_s / length_s);
    const double at_s = rows_.front().time_s + elapsed_s - rounds * length_s;
    const auto after = std::upper_bound(rows_.begin(), rows_.end(), at_s,
                                        [](double time_s, const Row& row) { return time_s < row.time_s; });
    const Row& row = after == rows_.begin() ? rows_.front() : *(after - 1);
    Sample sample;
    sample.energy = channel<Joules>(now, info_.has_energy, row.energy_j, rounds * gained_per_round());
    sample.power = channel<Watts>(now, info_.has_power, row.power_w, 0);
    return sample;
  }

 private:
  double gained_per_round() const { return first_energy_ ? std::max(0.0, *last_energy_ - *first_energy_) : 0; }

  template <class Unit>
  static Reading<Unit> channel(Seconds now, bool has, const std::optional<double>& value, double offset) {
    if (!has) return absent_reading<Unit>(now, ReadStatus::kUnsupported);
    // What the recording lacks is what a vanished sensor would give.
    return value ? make_reading<Unit>(now, *value + offset) : absent_reading<Unit>(now, ReadStatus::kVanished);
  }

  std::vector<Row> rows_;
  const Clock& clock_;
  Seconds start_;
  MeterInfo info_;
  std::optional<double> first_energy_;
  std::optional<double> last_energy_;
};

/// A field: absent when empty; nothing at all when it is no number.
std::optional<std::optional<double>> parse_field(std::string_view text) {
  if (text.empty()) return std::optional<double>();
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return std::optional(value);
}

std::optional<Row> parse_row(std::string_view line) {
  const auto first = line.find(',');
  const auto second = first == line.npos ? line.npos : line.find(',', first + 1);
  if (second == line.npos) return std::nullopt;
  const auto time = parse_field(line.substr(0, first));
  const auto energy = parse_field(line.substr(first + 1, second - first - 1));
  const auto power = parse_field(line.substr(second + 1));
  if (!time || !*time || !std::isfinite(**time) || !energy || !power) return std::nullopt;
  return Row{**time, *energy, *power};
}

}  // namespace

Result<std::shared_ptr<Meter>> open_replay_meter(const std::filesystem::path& path, const Clock& clock) {
  const auto text = read_file(path);
  if (!text) return text.error();
  std::vector<Row> rows;
  std::string_view rest = text.value();
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (number == 1) {
      if (line == kHeader) continue;
      return usage_error("not a meter trace", path.string(), fmt::format("its first line must be {}", kHeader));
    }
    const auto row = parse_row(line);
    if (!row || (!rows.empty() && row->time_s <= rows.back().time_s)) {
      return usage_error("bad row in a meter trace", fmt::format("{}, line {}: {}", path.string(), number, line),
                         "write TIME,ENERGY,POWER with rising times; leave a missing reading empty");
    }
    rows.push_back(*row);
  }
  if (rows.size() < 2) return usage_error("a meter trace needs two rows", path.string(), "record a longer trace");
  return std::shared_ptr<Meter>(std::make_shared<ReplayMeter>(std::move(rows), path.string(), clock));
}

}  // namespace qtrap::power
