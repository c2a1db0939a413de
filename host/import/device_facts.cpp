#include "import/device_facts.hpp"

#include <fmt/format.h>

#include <map>
#include <string_view>
#include <utility>

namespace qtrap::importer {
namespace {

constexpr double kMacsPerTflop = 1e12 / 2;
constexpr double kBytesPerGb = 1e9;

/// What the text in a name stands for; null where the name holds none.
template <class Meaning>
const Meaning* find_meaning(const std::map<std::string, Meaning>& meanings, std::string_view name) {
  const Meaning* found = nullptr;
  std::size_t first = std::string_view::npos;
  std::size_t length = 0;
  for (const auto& [text, meaning] : meanings) {
    const std::size_t place = name.find(text);
    if (place == std::string_view::npos || place > first || (place == first && text.size() <= length)) continue;
    found = &meaning;
    first = place;
    length = text.size();
  }
  return found;
}

Result<std::string> find_vendor(const RowView& row, const ImportMap& map, const Series& series,
                                const std::string& device) {
  if (series.vendor) {
    std::string vendor = row.text(*series.vendor);
    if (vendor.empty()) return row.refuse("the device has no vendor", device, "write it, or filter the row out");
    return vendor;
  }
  if (map.vendors.empty()) return DeviceFacts().vendor;
  if (const std::string* vendor = find_meaning(map.vendors, device)) return *vendor;
  return row.refuse("the map's `vendors` has no text of this device's name", device, "add one, or filter the row out");
}

/// A rate in its unit of the records; none where the table does not give it.
Status read_rate(const RowView& row, const std::optional<NumberSource>& source, std::string_view unit, double factor,
                 std::optional<double>& out) {
  if (!source) return Done{};
  const auto value = row.positive(*source, unit);
  if (!value) return value.error();
  if (value.value()) out = factor * *value.value();
  return Done{};
}

DeviceFacts facts_of(const result::SessionRecord& session) {
  return {session.device.vendor, session.device.type.value_or(DeviceType::kOther),
          session.ceilings.fp32_macs_per_s_nominal, session.ceilings.read_bytes_per_s_nominal};
}

std::string describe(const DeviceFacts& facts) {
  const auto rate = [](const std::optional<double>& value, double factor, std::string_view unit) {
    return value ? fmt::format(", {:g} {}", *value / factor, unit) : std::string();
  };
  return fmt::format("{} {}{}{}", facts.vendor, to_string(facts.type),
                     rate(facts.fp32_macs_per_s, kMacsPerTflop, kRateUnit),
                     rate(facts.read_bytes_per_s, kBytesPerGb, kBandwidthUnit));
}

}  // namespace

Result<DeviceFacts> read_device_facts(const RowView& row, const ImportMap& map, const Series& series) {
  const std::string device = row.text(series.device);
  auto vendor = find_vendor(row, map, series, device);
  if (!vendor) return vendor.error();
  const DeviceType* type = find_meaning(map.device_types, device);
  DeviceFacts facts{std::move(vendor.value()), type != nullptr ? *type : map.device_type, std::nullopt, std::nullopt};
  Status status = read_rate(row, series.fp32_tflops, kRateUnit, kMacsPerTflop, facts.fp32_macs_per_s);
  if (status) status = read_rate(row, series.bandwidth_gb_s, kBandwidthUnit, kBytesPerGb, facts.read_bytes_per_s);
  if (!status) return status.error();
  return facts;
}

void set_facts(const DeviceFacts& facts, result::SessionRecord& session) {
  session.device.vendor = facts.vendor;
  session.device.type = facts.type;
  session.device.kernel_family =
      facts.type == DeviceType::kCpu ? result::KernelFamily::kCpu : result::KernelFamily::kGpu;
  session.ceilings.fp32_macs_per_s_nominal = facts.fp32_macs_per_s;
  session.ceilings.read_bytes_per_s_nominal = facts.read_bytes_per_s;
}

Status check_same(const RowView& row, const DeviceFacts& facts, const result::SessionRecord& session) {
  const DeviceFacts before = facts_of(session);
  if (before == facts) return Done{};
  return row.refuse("a device differs from what an earlier row says of it",
                    fmt::format("{}: {}; before: {}", session.device.name, describe(facts), describe(before)),
                    "correct the table, or name two devices");
}

}  // namespace qtrap::importer
