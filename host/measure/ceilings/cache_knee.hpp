// The last-level cache from how fast sets of growing size are read: up to its size at the cache's rate, beyond at
// memory's. What drivers say is often another cache (NVIDIA: of the cores, AMD: of one core), so it is measured, and
// what the system and the driver say stands beside. Pure functions on plain numbers; the sweep is in cache_sweep.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "result/words.hpp"

namespace qtrap::measure {

/// How fast a set was read, over and over.
struct ReadRate {
  std::uint64_t set_bytes = 0;
  double bytes_per_s = 0;
};

/// Where the cache's rate ends and memory's begins.
struct CacheKnee {
  std::uint64_t bytes = 0;  ///< where the rate is the geometric mean of the two, between the sets measured
  std::uint64_t low = 0;    ///< largest set still read at the cache's rate
  std::uint64_t high = 0;   ///< smallest set read at memory's rate
  bool operator==(const CacheKnee&) const = default;
};

/// The last knee of `rates`, by rising set_bytes. Each is the best of several readings; one that is wrong among its
/// neighbours is passed over. Caches before the last are seen as such. kRuntime errors "no knee" with the reason: too
/// few sets, no memory rate (the largest sets still differ), no cache rate (all sets are read alike, or ever more
/// slowly).
Result<CacheKnee> find_cache_knee(std::span<const ReadRate> rates);

/// What counts as the last-level cache, and why.
struct CacheFindings {
  std::uint64_t bytes = 0;  ///< 0: not known
  result::CacheBasis basis = result::CacheBasis::kNone;
  std::string status;  ///< one sentence
  std::optional<CacheKnee> knee;
  std::optional<std::uint64_t> system_bytes, driver_bytes;
  bool operator==(const CacheFindings&) const = default;
};

/// `system` (sysfs) or else `driver` where it lies within the knee's interval, which it is then more exact than; the
/// knee where neither does; the word without a knee, and the status says so.
CacheFindings decide_cache(const Result<CacheKnee>& knee, std::optional<std::uint64_t> system,
                           std::optional<std::uint64_t> driver);

/// As one line for another process, and back. kUsage error: not of that form.
std::string to_text(const CacheFindings& findings);
Result<CacheFindings> parse_cache_findings(std::string_view text);

}  // namespace qtrap::measure
