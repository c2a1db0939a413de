#include "power/sensor/sensor_store.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "core/bounds.hpp"
#include "core/file.hpp"

namespace qtrap::power {

namespace {

constexpr std::string_view kHeader = "board\tdriver\tchannel\tshape\tperiod_s\twindow_s\tdelay_s\trise_s\tconfidence";
constexpr std::size_t kColumns = 9;

using Row = std::vector<std::string>;

std::string clean(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  return text;
}

/// What an entry belongs to. Instant and average power are different sensors of one board.
std::array<std::string, 3> make_key(const MeterInfo& info, MeterChannel channel) {
  const std::string which = channel == MeterChannel::kCounter ? "counter"
                            : info.power_field.empty()        ? "power"
                                                              : "power " + info.power_field;
  return {clean(info.board), clean(info.name + " " + info.driver), which};
}

bool has_key(const Row& row, const std::array<std::string, 3>& key) {
  return std::equal(key.begin(), key.end(), row.begin());
}

Row split(std::string_view line) {
  Row row;
  while (true) {
    const auto end = line.find('\t');
    row.emplace_back(line.substr(0, end));
    if (end == line.npos) return row;
    line.remove_prefix(end + 1);
  }
}

Result<std::vector<Row>> read_rows(const std::filesystem::path& file) {
  std::vector<Row> rows;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return rows;
  const auto text = read_file(file);
  if (!text) return text.error();
  std::string_view rest = text.value();
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    if (number == 1 && line == kHeader) continue;
    Row row = split(line);
    if (number == 1 || row.size() != kColumns) {
      return usage_error("not a sensor store", fmt::format("{}, line {}", file.string(), number),
                         "delete the file; `qtrap meters --characterise` writes a new one");
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::optional<Seconds> parse_seconds(const std::string& text) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  if (!whole || !std::isfinite(value) || value < 0 || value > kLongestSensor) return std::nullopt;
  return Seconds(value);
}

std::optional<SensorTraits> parse_sensor(const Row& row) {
  SensorTraits sensor;
  sensor.characterised = true;
  const auto period = parse_seconds(row[4]);
  const auto window = row[5].empty() ? std::optional(Seconds(0)) : parse_seconds(row[5]);
  const auto delay = parse_seconds(row[6]);
  const auto rise = parse_seconds(row[7]);
  const auto shape = find_word<SensorShape>(row[3]);
  if (!shape || !period || *period == Seconds(0) || !window || !delay || !rise) return std::nullopt;
  sensor.shape = *shape;
  sensor.period = *period;
  if (!row[5].empty()) sensor.window = *window;
  sensor.delay = *delay;
  sensor.rise = *rise;
  return sensor;
}

}  // namespace

Status store_sensor(const std::filesystem::path& file, const MeterInfo& info, MeterChannel channel,
                    const Characterisation& found) {
  if (info.simulated) {
    return usage_error("a simulated sensor is not stored among real ones", info.id(), "characterise a real meter");
  }
  if (found.confidence == Confidence::kLow) return Done{};
  auto rows = read_rows(file);
  if (!rows) return rows.error();
  const auto key = make_key(info, channel);
  std::erase_if(rows.value(), [&](const Row& row) { return has_key(row, key); });
  const SensorTraits& sensor = found.sensor;
  rows.value().push_back({key[0], key[1], key[2], to_string(sensor.shape), fmt::format("{}", sensor.period.value()),
                          sensor.window ? fmt::format("{}", sensor.window->value()) : "",
                          fmt::format("{}", sensor.delay.value()), fmt::format("{}", sensor.rise.value()),
                          to_string(found.confidence)});
  std::string text(kHeader);
  for (const Row& row : rows.value()) {
    text += '\n';
    for (std::size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : "\t") + row[i];
  }
  return write_file(file, text + '\n', true);
}

Result<std::optional<SensorTraits>> load_sensor(const std::filesystem::path& file, const MeterInfo& info,
                                                MeterChannel channel) {
  const auto rows = read_rows(file);
  if (!rows) return rows.error();
  const auto key = make_key(info, channel);
  for (const Row& row : rows.value()) {
    if (!has_key(row, key)) continue;
    const auto sensor = parse_sensor(row);
    if (!sensor) {
      return usage_error("bad entry in a sensor store", fmt::format("{}: {}", file.string(), row[0]),
                         "delete the file; `qtrap meters --characterise` writes a new one");
    }
    return sensor;
  }
  return std::optional<SensorTraits>();
}

Result<MeterSensors> find_sensors(const std::filesystem::path& file, const MeterInfo& info) {
  MeterSensors sensors = assume_sensors(info);
  if (info.simulated || info.estimated) return sensors;
  const auto power = load_sensor(file, info, MeterChannel::kPower);
  if (!power) return power.error();
  const auto counter = load_sensor(file, info, MeterChannel::kCounter);
  if (!counter) return counter.error();
  if (power.value()) sensors.power = *power.value();
  if (counter.value()) sensors.counter = *counter.value();
  return sensors;
}

}  // namespace qtrap::power
