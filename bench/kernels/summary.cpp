#include "summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/anchor.hpp"
#include "report/table.hpp"

namespace qtrap::bench {
namespace {

struct Target {
  std::uint64_t tokens;  ///< 0: the passes over a whole matrix
  const char* numerator;
  const char* denominator;
  Measure measure;
  bool at_least;
  double limit;
};
constexpr std::uint64_t kTargetRows = 4096;
constexpr std::uint64_t kTargetColumns = 14336;
constexpr std::array kTargets{
    Target{1, "gemv_f16_f16", "read f16", Measure::kBytesPerSecond, true, 0.90},
    Target{1, "f16", "OpenBLAS sgemv", Measure::kBytesPerSecond, true, 1.0},
    Target{1, "w8a16-fused", "f16", Measure::kTime, false, 0.56},
    Target{1, "w8a8", "f16", Measure::kTime, false, 0.56},
    Target{1, "w4a16-fused", "f16", Measure::kTime, false, 0.38},
    Target{1, "w4a8 plain", "f16", Measure::kTime, false, 0.36},
    Target{1, "w4a8", "f16", Measure::kTime, false, 0.32},
    Target{1, "q8_0-fused", "f16", Measure::kTime, false, 0.58},
    Target{1, "q4_0-fused", "f16", Measure::kTime, false, 0.42},
    Target{1, "q4_1-fused", "f16", Measure::kTime, false, 0.42},
    Target{1, "q4_k-fused", "f16", Measure::kTime, false, 0.40},
    Target{1, "nf4-fused", "f16", Measure::kTime, false, 0.42},
    Target{1, "mxfp4-fused", "f16", Measure::kTime, false, 0.42},
    Target{1, "nvfp4-fused", "f16", Measure::kTime, false, 0.42},
    Target{1, "fp8-fused", "f16", Measure::kTime, false, 0.60},
    Target{0, "dequantize_i8_f16", "copy", Measure::kBytesPerSecond, true, 0.92},
    Target{0, "dequantize_i4_f16", "copy", Measure::kBytesPerSecond, true, 0.92},
    Target{0, "cast_f16_f32", "copy", Measure::kBytesPerSecond, true, 0.92},
    Target{0, "cast_f32_f16", "copy", Measure::kBytesPerSecond, true, 0.92},
    Target{0, "quantize_f16_i8", "copy", Measure::kBytesPerSecond, true, 0.80},
    Target{512, "f16", "OpenBLAS sgemm", Measure::kMacsPerSecond, true, 0.95},
    Target{512, "w8a16-fused", "OpenBLAS sgemm", Measure::kMacsPerSecond, true, 0.95},
    Target{512, "w4a16-fused", "OpenBLAS sgemm", Measure::kMacsPerSecond, true, 0.95},
    Target{512, "w8a8", "OpenBLAS sgemm", Measure::kMacsPerSecond, true, 1.2},
    Target{512, "f16", "CLBlast Sgemm", Measure::kMacsPerSecond, true, 10},
};

double amount(const Measured& item, Measure measure) {
  switch (measure) {
    case Measure::kTime:
      return 1;
    case Measure::kBytesPerSecond:
      return item.bytes;
    case Measure::kMacsPerSecond:
      return item.macs;
  }
  return 1;
}

std::string format_interval(const Interval& i, int digits) {
  if (i.low == i.high) return fmt::format("{:.{}g}", i.value, digits);
  return fmt::format("{:.{}g} [{:.{}g}, {:.{}g}]", i.value, digits, i.low, digits, i.high, digits);
}

std::string shape_of(std::uint64_t rows, std::uint64_t columns) { return fmt::format("{}x{}", rows, columns); }

}  // namespace

Interval pool(const std::vector<double>& values) {
  std::vector<double> logs(values.size());
  std::transform(values.begin(), values.end(), logs.begin(), [](double value) { return std::log(value); });
  const auto interval = compute_t_interval(logs);
  if (!interval) return {values.front(), values.front(), values.front()};
  return {std::exp(interval->value), std::exp(interval->low), std::exp(interval->high)};
}

Interval compute_ratio(const Measured& numerator, const Measured& denominator, Measure measure) {
  std::vector<double> ratios;
  const std::size_t processes = std::min(numerator.medians_s.size(), denominator.medians_s.size());
  for (std::size_t p = 0; p < processes; ++p) {
    const double times = numerator.medians_s[p] / denominator.medians_s[p];
    ratios.push_back(measure == Measure::kTime ? times
                                               : amount(numerator, measure) / amount(denominator, measure) / times);
  }
  return pool(ratios);
}

const Measured* find_case(const std::vector<Measured>& all, std::uint64_t rows, std::uint64_t columns,
                          std::uint64_t tokens, const std::string& name) {
  for (const Measured& item : all) {
    if (item.rows != rows || item.columns != columns || item.tokens != tokens) continue;
    if (item.name == name || item.name == name + "_cpu" || item.name == name + "_gpu" ||
        item.name == name + "_reference")
      return &item;
  }
  return nullptr;
}

std::vector<TargetResult> evaluate_targets(const std::vector<Measured>& all) {
  std::vector<TargetResult> results;
  for (const Target& target : kTargets) {
    constexpr std::array kUnits{"time", "byte/s", "MAC/s"};
    TargetResult result{fmt::format("{} columns: {} over {}, {}", target.tokens, target.numerator, target.denominator,
                                    kUnits[static_cast<std::size_t>(target.measure)]),
                        target.limit, target.at_least, std::nullopt};
    const Measured* numerator = find_case(all, kTargetRows, kTargetColumns, target.tokens, target.numerator);
    const Measured* denominator = find_case(all, kTargetRows, kTargetColumns, target.tokens, target.denominator);
    if (numerator != nullptr && denominator != nullptr) {
      result.ratio = compute_ratio(*numerator, *denominator, target.measure);
    }
    results.push_back(std::move(result));
  }
  return results;
}

std::vector<Hole> find_holes(const std::vector<Measured>& all) {
  std::vector<Hole> holes;
  for (const Measured& item : all) {
    if (item.kind != "scheme") continue;
    for (const Measured& fewer : all) {
      if (fewer.name != item.name || fewer.rows != item.rows || fewer.columns != item.columns ||
          fewer.tokens >= item.tokens)
        continue;
      const Interval ratio = compute_ratio(item, fewer, Measure::kTime);
      const bool falls = ratio.value < 1;
      const bool exceeds = fewer.tokens == 1 && ratio.value > static_cast<double>(item.tokens);
      if (falls || exceeds) {
        holes.push_back({item.rows, item.columns, item.tokens, item.name,
                         fmt::format("{} x the time of {} columns", format_interval(ratio, 3), fewer.tokens)});
      }
    }
  }
  return holes;
}

std::string format_table(const std::vector<Measured>& all) {
  report::Table table;
  table.columns = {{"shape", "shape"},         {"columns", "columns"},      {"case", "case"},
                   {"kind", "kind"},           {"time_ms", "ms"},           {"gbyte_per_s", "GB/s"},
                   {"gflop_per_s", "GFLOP/s"}, {"of_f16", "time of f16's"}, {"of_roof", "byte/s of roof's"}};
  for (const Measured& item : all) {
    const Interval time = pool(item.medians_s);
    const auto text = [](bool wanted, const auto& make) {
      return wanted ? report::Value(make()) : report::Value(std::monostate{});
    };
    const Measured* f16 = find_case(all, item.rows, item.columns, item.tokens, kAnchor);
    const Measured* roof =
        item.reference.empty() ? nullptr : find_case(all, item.rows, item.columns, item.tokens, item.reference);
    table.rows.push_back({shape_of(item.rows, item.columns), static_cast<std::int64_t>(item.tokens), item.name,
                          item.kind, format_interval({time.value * 1e3, time.low * 1e3, time.high * 1e3}, 4),
                          text(true, [&] { return fmt::format("{:.1f}", item.bytes / time.value / 1e9); }),
                          text(item.macs > 0, [&] { return fmt::format("{:.1f}", 2 * item.macs / time.value / 1e9); }),
                          text(f16 != nullptr && f16 != &item && (item.kind == "scheme" || item.kind == "peer"),
                               [&] { return format_interval(compute_ratio(item, *f16, Measure::kTime), 3); }),
                          text(roof != nullptr, [&] {
                            return format_interval(compute_ratio(item, *roof, Measure::kBytesPerSecond), 3);
                          })});
  }
  return report::to_text(table);
}

std::string format_targets(const std::vector<TargetResult>& targets, const std::vector<Hole>& holes) {
  report::Table table;
  table.columns = {{"target", "target on 4096x14336"}, {"wanted", "wanted"}, {"measured", "measured"}, {"met", "met"}};
  for (const TargetResult& target : targets) {
    table.rows.push_back(
        {target.text, fmt::format("{} {}", target.at_least ? ">=" : "<=", target.limit),
         target.ratio ? report::Value(format_interval(*target.ratio, 3)) : report::Value(std::monostate{}),
         target.ratio ? report::Value(target.met()) : report::Value(std::monostate{})});
  }
  std::string text = report::to_text(table);
  for (const Hole& hole : holes) {
    text += fmt::format("hole: {} {} at {} columns: {}\n", shape_of(hole.rows, hole.columns), hole.name, hole.tokens,
                        hole.what);
  }
  if (holes.empty())
    text += "no hole: no scheme's time falls with more columns or exceeds columns x its one-column time\n";
  return text;
}

}  // namespace qtrap::bench
