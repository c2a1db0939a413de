#include "measure/ceilings/cache_knee.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/statistics.hpp"

namespace qtrap::measure {
namespace {

using result::CacheBasis;

constexpr std::size_t kFewestSets = 7;
/// Sets that make memory's level, and the cache's: the slope between them has three alike at times.
constexpr std::size_t kTail = 3;
constexpr std::size_t kPlateau = 4;
/// Rates of one level differ by no more; those of cache and memory by this at least.
constexpr double kSame = 1.25;
constexpr double kDistinct = 1.4;

double median3(double a, double b, double c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

/// Each rate the median of it and its neighbours: steps stay, one wrong reading goes.
std::vector<double> filter(std::span<const ReadRate> rates) {
  std::vector<double> filtered;
  for (std::size_t i = 0; i < rates.size(); ++i) {
    const std::size_t middle = std::clamp<std::size_t>(i, 1, rates.size() - 2);
    filtered.push_back(
        median3(rates[middle - 1].bytes_per_s, rates[middle].bytes_per_s, rates[middle + 1].bytes_per_s));
  }
  return filtered;
}

bool level(std::span<const double> rates) {
  const auto [low, high] = std::minmax_element(rates.begin(), rates.end());
  return *high <= kSame * *low;
}

Error no_knee(std::string why) { return runtime_error("no knee", "", std::move(why)); }

/// Set at which the rate is the geometric mean of `cache` and `memory`, between the last set above it and the next.
std::uint64_t crossing(std::span<const ReadRate> rates, std::span<const double> filtered, std::size_t low,
                       std::size_t high, double cache, double memory) {
  const double middle = std::sqrt(cache * memory);
  std::size_t above = low;
  for (std::size_t i = low; i < high; ++i) {
    if (filtered[i] >= middle) above = i;
  }
  const double step = std::log(filtered[above] / filtered[above + 1]);
  const double part = step > 0 ? std::clamp(std::log(filtered[above] / middle) / step, 0.0, 1.0) : 0;
  const auto from = static_cast<double>(rates[above].set_bytes);
  const auto to = static_cast<double>(rates[above + 1].set_bytes);
  return static_cast<std::uint64_t>(std::llround(from * std::pow(to / from, part)));
}

std::string mebibytes(std::uint64_t bytes) {
  return fmt::format("{:.3g} MiB", static_cast<double>(bytes) / (1U << 20));
}

std::string words(std::optional<std::uint64_t> system, std::optional<std::uint64_t> driver) {
  std::string text = system ? "sysfs says " + mebibytes(*system) : "sysfs says nothing";
  return text + (driver ? ", the driver " + mebibytes(*driver) : ", the driver nothing");
}

}  // namespace

Result<CacheKnee> find_cache_knee(std::span<const ReadRate> rates) {
  if (rates.size() < kFewestSets) return no_knee(fmt::format("only {} sets were read", rates.size()));
  for (const ReadRate& rate : rates) {
    if (!(rate.bytes_per_s > 0)) return no_knee("a set has no rate");
  }
  const std::vector<double> filtered = filter(rates);
  const std::span<const double> all(filtered);
  if (!level(all.last(kTail))) return no_knee("the largest sets are read at rates that still differ");
  const double memory = compute_median(all.last(kTail));
  std::size_t high = filtered.size();
  while (high > 0 && filtered[high - 1] <= kSame * memory) --high;
  if (high == 0) return no_knee("sets of all sizes are read alike");
  for (std::size_t end = high; end >= kPlateau; --end) {
    const auto part = all.subspan(end - kPlateau, kPlateau);
    const double cache = compute_median(part);
    if (!level(part) || cache < kDistinct * memory) continue;
    std::size_t low = end - 1;
    while (low + 1 < high && filtered[low + 1] * kSame >= cache) ++low;
    return CacheKnee{crossing(rates, filtered, low, high, cache, memory), rates[low].set_bytes, rates[high].set_bytes};
  }
  return no_knee("the larger the set, the slower it is read, at no steady rate");
}

CacheFindings decide_cache(const Result<CacheKnee>& knee, std::optional<std::uint64_t> system,
                           std::optional<std::uint64_t> driver) {
  CacheFindings findings;
  findings.system_bytes = system;
  findings.driver_bytes = driver;
  if (knee) findings.knee = knee.value();
  const std::string shown =
      knee ? fmt::format("the sweep's knee is at {}, between {} and {}", mebibytes(knee.value().bytes),
                         mebibytes(knee.value().low), mebibytes(knee.value().high))
           : "the sweep shows no knee: " + knee.error().fix;
  const auto take = [&](std::uint64_t bytes, CacheBasis basis, const std::string& why) {
    findings.bytes = bytes;
    findings.basis = basis;
    findings.status = fmt::format("{}; {}", shown, why);
  };
  const auto agrees = [&](std::optional<std::uint64_t> word) {
    return word && knee && *word >= knee.value().low && *word <= knee.value().high;
  };
  if (agrees(system)) {
    take(*system, CacheBasis::kSystem, "sysfs agrees with it");
  } else if (agrees(driver)) {
    take(*driver, CacheBasis::kDriver, "the driver agrees with it");
  } else if (knee) {
    take(knee.value().bytes, CacheBasis::kMeasured, words(system, driver));
  } else if (system) {
    take(*system, CacheBasis::kSystem, "taken from sysfs");
  } else if (driver) {
    take(*driver, CacheBasis::kDriver, "taken from the driver, not confirmed");
  } else {
    take(0, CacheBasis::kNone, "no one says how large the cache is");
  }
  return findings;
}

std::string to_text(const CacheFindings& findings) {
  const auto number = [](std::optional<std::uint64_t> value) { return value ? fmt::format("{}", *value) : "-"; };
  const auto part = [&](std::uint64_t CacheKnee::*member) {
    return findings.knee ? fmt::format("{}", (*findings.knee).*member) : "-";
  };
  return fmt::format("{} {} {} {} {} {} {} {}", findings.bytes, to_string(findings.basis), part(&CacheKnee::bytes),
                     part(&CacheKnee::low), part(&CacheKnee::high), number(findings.system_bytes),
                     number(findings.driver_bytes), findings.status);
}

Result<CacheFindings> parse_cache_findings(std::string_view text) {
  const auto refuse = [&] {
    return usage_error("these are no findings about a cache", std::string(text), "they come from `qtrap run` itself");
  };
  std::vector<std::string_view> fields;
  for (std::size_t i = 0; i < 7; ++i) {
    const auto blank = text.find(' ');
    if (blank == std::string_view::npos) return refuse();
    fields.push_back(text.substr(0, blank));
    text.remove_prefix(blank + 1);
  }
  bool sound = true;
  const auto number = [&](std::string_view field) -> std::optional<std::uint64_t> {
    if (field == "-") return std::nullopt;
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(field.data(), field.data() + field.size(), value);
    sound = sound && parsed.ec == std::errc() && parsed.ptr == field.data() + field.size();
    return value;
  };
  CacheFindings findings;
  const auto bytes = number(fields[0]);
  const auto basis = find_word<CacheBasis>(fields[1]);
  const auto at = number(fields[2]);
  const auto low = number(fields[3]);
  const auto high = number(fields[4]);
  findings.system_bytes = number(fields[5]);
  findings.driver_bytes = number(fields[6]);
  findings.status = text;
  if (!sound || !bytes || !basis) return refuse();
  findings.bytes = *bytes;
  findings.basis = *basis;
  if (at && low && high) findings.knee = CacheKnee{*at, *low, *high};
  return findings;
}

}  // namespace qtrap::measure
