// What a table tells of its devices beside their names: vendor, kind, and the rates that their makers state. A name
// tells vendor and kind by a text that the map knows: of several the one that comes first in the name, of these the
// longest, so that "Radeon Graphics (Ryzen 7)" is a Radeon.
#pragma once

#include <optional>
#include <string>

#include "core/result.hpp"
#include "import/import_map.hpp"
#include "import/table_reader.hpp"
#include "result/records.hpp"

namespace qtrap::importer {

struct DeviceFacts {
  std::string vendor = "unknown";
  DeviceType type = DeviceType::kGpu;
  std::optional<double> fp32_macs_per_s, read_bytes_per_s;  ///< nominal
  bool operator==(const DeviceFacts&) const = default;
};

/// Those of the row's device. kUsage errors quote line and value: a name without a text of the map's `vendors`, where
/// it has them and no `vendor`; a rate that is no number above 0.
Result<DeviceFacts> read_device_facts(const RowView& row, const ImportMap& map, const Series& series);

/// Writes them into a session's device and ceilings.
void set_facts(const DeviceFacts& facts, result::SessionRecord& session);

/// That a session's later rows say the same of its device; kUsage error otherwise.
Status check_same(const RowView& row, const DeviceFacts& facts, const result::SessionRecord& session);

}  // namespace qtrap::importer
