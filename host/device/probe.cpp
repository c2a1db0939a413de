// Checks of what a driver claims: the event timer and the capabilities. Each is measured by a program, not read from a
// string.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "core/clock.hpp"
#include "device/event_check.hpp"
#include "device/opencl.hpp"
#include "device/probe.hpp"

namespace qtrap::device {
namespace {

constexpr std::size_t kProbeItems = 64;
constexpr int kTimerTries = 8;

/// What item i must give for in[0..63].
enum class Expected { kSixfoldPlusOne, kDotOfBytes, kTotal, kLaneXor21, kInput };

struct Probe {
  ProbeProgram program;
  const char* extension;  ///< that declares the capability; empty: none does
  Expected expected;
};

constexpr const char* kCapabilityFile = "probe/capability.cl";
constexpr ProbeProgram kTimerProgram{"event timer", "probe/timer.cl", "probe_timer", ""};
// -DINSTRUCTIONS_… and -DMATRIX_UNIT_… as in the variants of host/scheme/catalogue/kernel_table.cpp, whose `needs` are
// these names.
constexpr Probe kProbes[] = {
    {{"fp16", kCapabilityFile, "probe_fp16", "-DPROBE_FP16"}, "cl_khr_fp16", Expected::kSixfoldPlusOne},
    {{"dot8", kCapabilityFile, "probe_dot4", "-cl-std=CL3.0 -DPROBE_DOT4 -DINSTRUCTIONS_KHRONOS"},
     "cl_khr_integer_dot_product",
     Expected::kDotOfBytes},
    {{"subgroups", kCapabilityFile, "probe_subgroups", "-DPROBE_SUBGROUPS"}, "cl_khr_subgroups", Expected::kTotal},
    {{"half2", kCapabilityFile, "probe_half2", "-DPROBE_HALF2 -DINSTRUCTIONS_HALF2"},
     "cl_khr_fp16",
     Expected::kSixfoldPlusOne},
    {{"dp4a", kCapabilityFile, "probe_dot4", "-DPROBE_DOT4 -DINSTRUCTIONS_PTX"}, "", Expected::kDotOfBytes},
    {{"ptx_shuffle", kCapabilityFile, "probe_lanes", "-DPROBE_LANES -DINSTRUCTIONS_PTX"}, "", Expected::kLaneXor21},
    {{"ptx_half2", kCapabilityFile, "probe_half2", "-DPROBE_HALF2 -DINSTRUCTIONS_PTX"}, "", Expected::kSixfoldPlusOne},
    {{"avx512", kCapabilityFile, "probe_avx512", "-DPROBE_AVX512 -DINSTRUCTIONS_AVX512"}, "", Expected::kInput},
    {{"avx512_vnni", kCapabilityFile, "probe_avx512_vnni",
      "-DPROBE_AVX512_VNNI -DINSTRUCTIONS_AVX512 -DINSTRUCTIONS_AVX512_VNNI"},
     "",
     Expected::kInput},
    {{"avx2", kCapabilityFile, "probe_avx2", "-DPROBE_AVX2 -DINSTRUCTIONS_AVX2"}, "", Expected::kInput},
    {{"mma", kCapabilityFile, "probe_matrix_unit", "-DPROBE_MATRIX_UNIT -DMATRIX_UNIT_MMA"}, "", Expected::kInput},
    {{"mfma", kCapabilityFile, "probe_matrix_unit", "-DPROBE_MATRIX_UNIT -DMATRIX_UNIT_MFMA"}, "", Expected::kInput},
    {{"wmma", kCapabilityFile, "probe_matrix_unit", "-DPROBE_MATRIX_UNIT -DMATRIX_UNIT_WMMA"}, "", Expected::kInput},
    {{"sdot4", kCapabilityFile, "probe_dot4", "-DPROBE_DOT4 -DINSTRUCTIONS_GCN"}, "", Expected::kDotOfBytes},
    {{"sudot4", kCapabilityFile, "probe_dot4", "-DPROBE_DOT4 -DINSTRUCTIONS_RDNA3"}, "", Expected::kDotOfBytes},
    {{"amd_shuffle", kCapabilityFile, "probe_lanes", "-DPROBE_LANES -DINSTRUCTIONS_GCN"}, "", Expected::kLaneXor21},
};

/// Input of item i: small enough for exact half arithmetic and with bytes of both signs.
std::int32_t probe_input(std::size_t i) { return static_cast<std::int32_t>(i) - 32; }

std::int32_t dot_of_bytes(std::int32_t value) {
  std::int32_t sum = 0;
  for (unsigned shift = 0; shift < 32; shift += 8) {
    const auto byte = static_cast<std::int8_t>((static_cast<std::uint32_t>(value) >> shift) & 0xFFU);
    sum += std::int32_t{byte} * byte;
  }
  return sum;
}

std::int32_t expected_of(Expected expected, std::size_t i) {
  switch (expected) {
    case Expected::kSixfoldPlusOne:
      return 6 * probe_input(i) + 1;
    case Expected::kDotOfBytes:
      return dot_of_bytes(probe_input(i));
    case Expected::kLaneXor21:
      return probe_input(i ^ 21U);
    case Expected::kInput:
    case Expected::kTotal:  // compared by its sum: where it is spent depends on the subgroups
      return probe_input(i);
  }
  return 0;
}

/// Empty when `out` is what the probe must give, else what differs.
std::string compare(Expected expected, const std::vector<std::int32_t>& out) {
  std::int64_t got_sum = 0;
  std::int64_t want_sum = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int32_t want = expected_of(expected, i);
    got_sum += out[i];
    want_sum += want;
    if (expected != Expected::kTotal && out[i] != want)
      return fmt::format("item {} gave {} instead of {}", i, out[i], want);
  }
  if (got_sum != want_sum) return fmt::format("the sums add up to {} instead of {}", got_sum, want_sum);
  return {};
}

Result<Kernel> make_probe_kernel(Device& device, const ProbeProgram& program) {
  return device.make_kernel(std::string(program.file), std::string(program.entry), std::string(program.options),
                            fmt::format("the probe of {}", program.name));
}

/// Sends stderr to /dev/null while it lives: PoCL's compiler counts its errors there, and a probe is meant to fail.
class QuietStderr {
 public:
  QuietStderr() : saved_(::dup(STDERR_FILENO)), null_(::open("/dev/null", O_WRONLY | O_CLOEXEC)) {
    if (saved_ >= 0 && null_ >= 0) ::dup2(null_, STDERR_FILENO);
  }
  QuietStderr(const QuietStderr&) = delete;
  QuietStderr& operator=(const QuietStderr&) = delete;
  ~QuietStderr() {
    if (saved_ >= 0) ::dup2(saved_, STDERR_FILENO);
    if (saved_ >= 0) ::close(saved_);
    if (null_ >= 0) ::close(null_);
  }

 private:
  int saved_;
  int null_;
};

std::string run_probe(Device& device, const Probe& probe) {
  auto kernel = make_probe_kernel(device, probe.program);
  if (!kernel) {  // of the fix, "report this log line: …", the line alone
    const std::string& fix = kernel.error().fix;
    const std::size_t colon = fix.find(": ");
    return "does not build: " + (colon == std::string::npos ? fix : fix.substr(colon + 2));
  }
  std::vector<std::int32_t> values(kProbeItems);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = probe_input(i);
  auto in = device.make_buffer(values.size() * sizeof values[0]).value();
  auto out = device.make_buffer(values.size() * sizeof values[0]).value();
  write_vector(device, in, values);
  const Argument arguments[] = {BufferArg{in, Access::kRead}, BufferArg{out, Access::kWrite}};
  kernel.value().set_arguments(arguments);
  device.enqueue({kernel.value(), {{kProbeItems, 1, 1}, {kProbeItems, 1, 1}}});
  return compare(probe.expected, read_vector<std::int32_t>(device, out, values.size()));
}

}  // namespace

std::span<const ProbeProgram> probe_programs() {
  static const std::vector<ProbeProgram> programs = [] {
    std::vector<ProbeProgram> all{kTimerProgram};
    std::transform(std::begin(kProbes), std::end(kProbes), std::back_inserter(all),
                   [](const Probe& probe) { return probe.program; });
    return all;
  }();
  return programs;
}

std::size_t count_capabilities() { return std::size(kProbes); }

Capability declared_capability(const DeviceInfo& info, std::size_t index) {
  const Probe& probe = kProbes[index];
  const std::string extension = probe.extension;
  Capability capability;
  capability.name = probe.program.name;
  capability.declared = !extension.empty() && info.has_extension(extension);
  return capability;
}

Capability probe_capability(Device& device, std::size_t index) {
  Capability capability = declared_capability(device.info(), index);
  try {
    capability.reason = run_probe(device, kProbes[index]);
  } catch (const Failure& error) {
    capability.reason = error.error().message();
  }
  capability.probed = capability.reason.empty();
  if (capability.reason.empty()) capability.reason = "built, run and compared";
  return capability;
}

void Device::probe_capabilities() {
  const QuietStderr quiet;
  std::vector<Capability> all;
  for (std::size_t i = 0; i < count_capabilities(); ++i) all.push_back(probe_capability(*this, i));
  info_.capabilities = std::move(all);
}

EventTimerCheck Device::check_event_timer() {
  auto made = make_probe_kernel(*this, kTimerProgram);
  if (!made) return {false, made.error().message()};
  Kernel kernel = std::move(made).value();
  const std::size_t items = 64;
  const Buffer out = make_buffer(items * sizeof(std::uint32_t)).value();
  const MonotonicClock clock;
  const Launch launch{kernel, {{items, 1, 1}, {0, 0, 0}}};
  std::optional<EventTime> stamps;
  const auto time_launch = [&](std::uint32_t rounds) {
    const Argument arguments[] = {BufferArg{out, Access::kWrite}, rounds};
    kernel.set_arguments(arguments);
    const Seconds before = clock.now();
    enqueue_profiled(launch);
    finish();
    const Seconds wall = clock.now() - before;
    stamps = take_events().at(0);
    return wall;
  };
  (void)time_launch(1);  // compile and warm up outside the windows
  Seconds empty = time_launch(1);
  for (int i = 0; i < kTimerTries; ++i) empty = std::min(empty, time_launch(1));
  std::uint32_t rounds = 1U << 14;
  while (time_launch(rounds) < kShortestTrustedKernel * 5) {
    rounds *= 2;
    if (rounds > 1U << 28) return {false, "no kernel of 100 us could be made"};
  }
  std::vector<EventTimerCheck> checks;
  for (int i = 0; i < kTimerTries; ++i) {
    const Seconds wall = time_launch(rounds);
    checks.push_back(judge_event_timer(wall, empty, stamps));
  }
  return combine_timer_checks(checks);
}

}  // namespace qtrap::device
