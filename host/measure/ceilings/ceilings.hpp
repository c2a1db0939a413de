// Ceilings of a device, measured in the session: bandwidth of reading and copying sets well beyond the last-level
// cache, rates of multiply-adds in f32 and with the instruction sets that the kernels use (pairs of f16, dot products
// of bytes, the matrix unit), cost of an empty launch (chained) and of a host wait. Each is the median of several
// windows with the smallest and largest as its spread; the spread between processes is larger (power.md) and shows only
// across sessions. A window holds so many launches that launching and waiting are below 1 % of it; the same by event
// stamps stands beside.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "device/device.hpp"
#include "measure/ceilings/cache_knee.hpp"
#include "result/records.hpp"
#include "scheme/budget.hpp"

namespace qtrap::measure {

/// A ceiling among the members of result::Ceilings.
struct CeilingRow {
  using Member = std::optional<double> result::Ceilings::*;
  std::string_view name;  ///< key of its median
  std::string_view unit;
  Member value, low, high;
  Member events;  ///< null where event stamps say nothing of it
};
std::span<const CeilingRow> ceiling_rows();
/// The member of this key, which must be one of them.
CeilingRow::Member member_of(std::string_view key);

/// What bounds a scheme's matmul and that of f16: the matrix unit where it was measured, else instructions of the
/// scheme's own, else those of its activations. None where a ceiling is absent.
std::optional<scheme::DeviceRates> rates_of(const result::Ceilings& ceilings, const scheme::SchemeInfo& info);

/// Puts what is known of the cache into the record's ceilings.
void set_cache(const CacheFindings& findings, result::Ceilings& ceilings);

/// Names the seconds that a window lasts at least, 0.02 without it: for tests that read no figure, of whose time
/// ceilings are else half.
inline constexpr const char* kCeilingWindow = "QTRAP_CEILING_WINDOW_S";
/// What a session has among its hazards, and `qtrap ceilings` says, where that is set.
std::optional<std::string> describe_named_window();

/// Takes about three seconds on a CPU; allocates two sets and frees them. `device`: its capabilities probed, its
/// cache_bytes as good as known. Never fails: a ceiling that does not build, launch or find memory is absent, with its
/// reason among `reasons`; what event stamps say may be absent without one. `events_trusted`: false leaves them out.
/// `known`: what is added to.
result::Ceilings measure_ceilings(device::Device& device, const Clock& clock, bool events_trusted,
                                  result::Ceilings known = {});

/// In place of measure_ceilings(): all are absent for one `reason`.
result::Ceilings leave_out_ceilings(const std::string& reason, result::Ceilings known = {});

/// The set of read and copy: 1 GiB or 16 times the cache, the larger, where memory and the largest allocation allow.
std::uint64_t choose_set_bytes(const device::DeviceInfo& info);

}  // namespace qtrap::measure
