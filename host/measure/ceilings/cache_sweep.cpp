#include "measure/ceilings/cache_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "core/file.hpp"
#include "core/machine_limits.hpp"
#include "core/result.hpp"
#include "measure/ceilings/random_data.hpp"
#include "scheme/catalogue/ceiling_kernels.hpp"

namespace qtrap::measure {
namespace {

using device::Access;
using device::Argument;
using device::BufferArg;
using scheme::CeilingKernels;

constexpr std::uint64_t kSmallestSet = std::uint64_t{1} << 19;
constexpr std::uint64_t kLargestSet = std::uint64_t{2} << 30;
constexpr std::uint64_t kSmallestLargest = std::uint64_t{256} << 20;
/// Sets reach this many times what is expected, so that memory's rate is seen at several sizes.
constexpr std::uint64_t kBeyond = 8;
constexpr int kRounds = 4;
constexpr double kShortestRead = 0.004;  // a launch and a wait are small beside it
constexpr std::uint32_t kMostPasses = 1U << 16;

/// 0.5, 0.75, 1, 1.5, 2, 3 … MiB up to `largest`.
std::vector<std::uint64_t> set_sizes(std::uint64_t largest) {
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t size = kSmallestSet; size <= largest; size *= 2) {
    sizes.push_back(size);
    if (size / 2 * 3 <= largest) sizes.push_back(size / 2 * 3);
  }
  return sizes;
}

/// "32768K", "1M" or a plain number.
std::optional<std::uint64_t> parse_size(const std::string& text) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return std::nullopt;
  const std::string unit(parsed.ptr, text.data() + text.size());
  if (unit == "K") return value << 10;
  if (unit == "M") return value << 20;
  if (unit.empty()) return value;
  return std::nullopt;
}

/// Adds up the caches of the highest level.
class LastLevel {
 public:
  void add(std::uint64_t level, std::uint64_t bytes) {
    if (level > level_) bytes_ = 0;
    if (level >= level_) bytes_ += bytes;
    level_ = std::max(level_, level);
  }
  std::optional<std::uint64_t> bytes() const {
    return bytes_ > 0 ? std::optional<std::uint64_t>(bytes_) : std::nullopt;
  }

 private:
  std::uint64_t level_ = 0;
  std::uint64_t bytes_ = 0;
};

/// The N of a folder "cpuN".
std::optional<int> processor_of(const std::filesystem::path& folder) {
  const std::string name = folder.filename();
  int number = 0;
  const char* const end = name.data() + name.size();
  if (!name.starts_with("cpu")) return std::nullopt;
  const auto parsed = std::from_chars(name.data() + 3, end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

std::optional<std::uint64_t> cpu_cache(const std::vector<int>& processors, const std::filesystem::path& root) {
  LastLevel last;
  std::set<std::string> seen;  // a cache is listed under every processor that shares it
  for (const auto& cpu : list_folder(root / "sys/devices/system/cpu")) {
    const auto processor = processor_of(cpu);
    if (!processor || (!processors.empty() && !std::binary_search(processors.begin(), processors.end(), *processor)))
      continue;
    for (const auto& index : list_folder(cpu / "cache")) {
      const auto level = read_first_line(index / "level");
      const auto size = read_first_line(index / "size");
      const auto sharers = read_first_line(index / "shared_cpu_list");
      const auto type = read_first_line(index / "type");
      if (!level || !size || !sharers || type == "Instruction") continue;
      const auto bytes = parse_size(*size);
      const auto number = parse_size(*level);
      if (bytes && number && seen.insert(*level + ":" + *sharers).second) last.add(*number, *bytes);
    }
  }
  return last.bytes();
}

/// "key value" lines, as kfd writes them.
std::map<std::string, std::uint64_t> properties_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::map<std::string, std::uint64_t> found;
  std::string line;
  while (std::getline(in, line)) {
    const auto blank = line.find(' ');
    if (blank == std::string::npos) continue;
    if (const auto value = parse_size(line.substr(blank + 1))) found[line.substr(0, blank)] = *value;
  }
  return found;
}

/// "0000:3b:00.0" as kfd's location_id: bus, then five bits of device and three of function.
std::optional<std::pair<std::uint64_t, std::uint64_t>> domain_and_location(const std::string& pci) {
  unsigned domain = 0;
  unsigned bus = 0;
  unsigned slot = 0;
  unsigned function = 0;
  if (std::sscanf(pci.c_str(), "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4) return std::nullopt;
  return std::pair<std::uint64_t, std::uint64_t>(domain, bus << 8 | slot << 3 | function);
}

std::optional<std::uint64_t> kfd_cache(const std::string& pci, const std::filesystem::path& root) {
  const auto wanted = domain_and_location(pci);
  if (!wanted) return std::nullopt;
  for (const auto& node : list_folder(root / "sys/class/kfd/kfd/topology/nodes")) {
    auto node_properties = properties_of(node / "properties");
    if (!node_properties.contains("location_id") || node_properties["location_id"] != wanted->second ||
        node_properties["domain"] != wanted->first || node_properties["simd_count"] == 0)
      continue;
    LastLevel last;
    for (const auto& cache : list_folder(node / "caches")) {
      auto properties = properties_of(cache / "properties");
      last.add(properties["level"], properties["size"] << 10);
    }
    return last.bytes();
  }
  return std::nullopt;
}

std::optional<std::uint64_t> said(std::uint64_t bytes) {
  return bytes > 0 ? std::optional<std::uint64_t>(bytes) : std::nullopt;
}

/// Reads sets that begin a buffer; how often in one launch is found once for each.
class Reader {
 public:
  Reader(device::Device& device, const Clock& clock, device::Kernel kernel, device::Buffer in, device::Buffer out,
         const device::WorkSize& size)
      : device_(&device), clock_(&clock), launch_{std::move(kernel), size}, in_(std::move(in)), out_(std::move(out)) {}

  /// Bytes per second.
  double read(std::uint64_t bytes) {
    std::uint32_t& passes = passes_[bytes];
    if (passes == 0) {
      passes = 1;
      (void)seconds(bytes, passes);
      for (double once = seconds(bytes, passes); once < kShortestRead && passes < kMostPasses;
           once = seconds(bytes, passes))
        passes *= std::clamp(static_cast<std::uint32_t>(kShortestRead / once) + 1, 2U, 64U);
    }
    return static_cast<double>(bytes) * passes / seconds(bytes, passes);
  }

 private:
  double seconds(std::uint64_t bytes, std::uint32_t passes) {
    const Argument arguments[] = {BufferArg{device_->make_view(in_, bytes), Access::kRead},
                                  BufferArg{out_, Access::kWrite},
                                  static_cast<std::uint32_t>(bytes / CeilingKernels::kVectorBytes), passes};
    launch_.kernel.set_arguments(arguments);
    const Seconds before = clock_->now();
    device_->enqueue(launch_);
    device_->finish();
    return (clock_->now() - before).value();
  }

  device::Device* device_;
  const Clock* clock_;
  device::Launch launch_;
  device::Buffer in_, out_;
  std::map<std::uint64_t, std::uint32_t> passes_;
};

}  // namespace

Result<std::vector<ReadRate>> measure_read_rates(device::Device& device, const Clock& clock,
                                                 std::optional<std::uint64_t> expected_bytes) {
  const auto& info = device.info();
  // A CPU's system is right about its cache; a GPU's driver may know of another one.
  std::uint64_t largest = kLargestSet;
  if (info.type == device::DeviceType::kCpu && expected_bytes)
    largest = std::clamp(kBeyond * *expected_bytes, kSmallestLargest, kLargestSet);
  largest = std::min({largest, info.max_alloc_bytes, info.memory_bytes / 8});
  const CeilingKernels kernels(info);
  const auto program = kernels.program(scheme::Ceiling::kRead);
  if (!program) return program.error();
  auto kernel = device.make_kernel(CeilingKernels::kFile, program.value().entry, program.value().options);
  if (!kernel) return kernel.error();
  auto in = make_random_buffer(device, largest / kSmallestSet * kSmallestSet);
  if (!in) return in.error();
  auto out = device.make_buffer(kernels.items() * sizeof(std::uint32_t));
  if (!out) return out.error();
  Reader reader(device, clock, kernel.value(), in.value(), out.value(), kernels.size());
  std::vector<ReadRate> rates;
  for (const std::uint64_t size : set_sizes(largest)) rates.push_back({size, 0});
  for (int round = 0; round < kRounds; ++round) {
    for (ReadRate& rate : rates) rate.bytes_per_s = std::max(rate.bytes_per_s, reader.read(rate.set_bytes));
  }
  return rates;
}

std::optional<std::uint64_t> read_system_cache(const device::DeviceInfo& info, const std::vector<int>& processors,
                                               const std::filesystem::path& root) {
  if (info.type == device::DeviceType::kCpu) return cpu_cache(processors, root);
  return info.pci ? kfd_cache(*info.pci, root) : std::nullopt;
}

CacheFindings find_cache(device::Device& device, const Clock& clock) {
  const auto system = read_system_cache(device.info(), read_machine_limits().processors);
  const auto driver = said(device.info().cache_bytes);
  const auto sweep = [&]() -> Result<CacheKnee> {
    try {
      const auto rates = measure_read_rates(device, clock, system ? system : driver);
      if (!rates) return rates.error();
      return find_cache_knee(rates.value());
    } catch (const device::DeviceError& error) {
      return runtime_error("no knee", "", error.error().message());
    }
  };
  return decide_cache(sweep(), system, driver);
}

}  // namespace qtrap::measure
