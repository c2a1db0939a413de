#include "scheme/catalogue/ceiling_kernels.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace qtrap::scheme {
namespace {

using enum OperationKind;

constexpr std::size_t kGroup = 128;          // items; fewer where the device takes no more
constexpr std::size_t kItemsPerUnit = 2048;  // of a GPU: what NVIDIA's and AMD's units hold at most
constexpr std::uint32_t kCpuSteps = 2;       // its loop costs nothing beside 24 vector instructions

/// How an entry is built. `operation`: whose variant for one token decides the instructions on a device; none: plain.
struct Row {
  std::string_view entry;
  std::string_view define;
  Ceiling ceiling;
  std::optional<OperationId> operation = {};
};
constexpr Row kRows[] = {
    {"read_bandwidth", "-DCEILING_READ", Ceiling::kRead},
    {"copy_bandwidth", "-DCEILING_COPY", Ceiling::kCopy},
    {"fma_rate", "-DCEILING_FMA", Ceiling::kFp32},
    {"half2_rate", "-DCEILING_HALF2", Ceiling::kFp16, OperationId{kGemv, WeightFormat::kInt4}},
    {"int8_rate", "-DCEILING_INT8", Ceiling::kInt8, OperationId{kGemv, WeightFormat::kInt8, Form::kI8}},
    {"nibble_rate", "-DCEILING_NIBBLE", Ceiling::kInt4Int8, OperationId{kGemm, WeightFormat::kInt4, Form::kI8}},
    {"matrix_f16_rate", "-DCEILING_MATRIX_F16", Ceiling::kMatrixF16, OperationId{kGemm, WeightFormat::kF16}},
    {"matrix_int8_rate", "-DCEILING_MATRIX_INT8", Ceiling::kMatrixInt8,
     OperationId{kGemm, WeightFormat::kInt8, Form::kI8}},
    {"empty_launch", "-DCEILING_LAUNCH", Ceiling::kLaunch},
};

const Row& row_of(Ceiling ceiling) {
  return *std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& row) { return row.ceiling == ceiling; });
}

bool has_half2(const Variant& variant) {
  return std::any_of(variant.needs.begin(), variant.needs.end(),
                     [](std::string_view need) { return need.ends_with("half2"); });
}

bool has_matrix_unit(const Variant& variant) { return variant.matrix_unit != "none"; }

/// Empty, or why kernels of `variant` cannot be measured so.
std::string_view lacks(Ceiling ceiling, const Variant& variant) {
  switch (ceiling) {
    case Ceiling::kFp16:
      return has_half2(variant) ? "" : "no instructions for pairs of f16 were probed";
    case Ceiling::kInt4Int8:
      return variant.name == "avx2" ? "" : "int4 codes are multiplied as int8 values are";
    case Ceiling::kMatrixF16:
    case Ceiling::kMatrixInt8:
      return has_matrix_unit(variant) ? "" : "no matrix unit was probed";
    default:
      return "";
  }
}

/// The counts of a family's kernels in `variant`.
CeilingCounts make_counts(bool cpu, std::uint32_t vector_width, const Variant& variant) {
  CeilingCounts counts;
  if (cpu) {
    counts.strided = 0;
    counts.width = std::clamp(vector_width, 1U, 16U);
    counts.steps = kCpuSteps;
    counts.dot_macs = 16;
  }
  if (variant.matrix_unit == "mfma") counts.matrix_lanes = counts.matrix_bytes = 64;
  return counts;
}

/// Multiply-adds of a work-item in a round of `entry`.
double count_macs(Ceiling ceiling, const CeilingCounts& c) {
  const double part = 16.0 * 16.0 * c.matrix_bytes * c.matrix_chains * c.steps / c.matrix_lanes;
  switch (ceiling) {
    case Ceiling::kFp32:
      return static_cast<double>(c.fma_chains) * c.width * c.steps;
    case Ceiling::kFp16:
      return 2.0 * c.half2_chains * c.steps;
    case Ceiling::kInt8:
      return static_cast<double>(c.dot_chains) * c.dot_macs * c.steps;
    case Ceiling::kInt4Int8:
      return static_cast<double>(c.nibble_chains) * c.nibble_macs * c.steps;
    case Ceiling::kMatrixF16:
      return part / 2;
    case Ceiling::kMatrixInt8:
      return part;
    default:
      return 0;
  }
}

CeilingProgram make_program(const Row& row, const Variant& variant, const CeilingCounts& counts) {
  CeilingProgram program;
  program.entry = row.entry;
  program.options = fmt::format("{} {}", counts.options(), row.define);
  if (!variant.options.empty()) program.options.append(" ").append(variant.options);
  program.instructions = has_matrix_unit(variant)  ? variant.matrix_unit
                         : variant.options.empty() ? "plain"
                                                   : variant.name;
  program.macs_per_round = count_macs(row.ceiling, counts);
  return program;
}

}  // namespace

std::string CeilingCounts::options() const {
  return fmt::format(
      "-DVECTOR_BYTES={} -DSTRIDED={} -DREAD_STREAMS={} -DWIDTH={} -DSTEPS={} -DFMA_CHAINS={} -DHALF2_CHAINS={} "
      "-DDOT_CHAINS={} "
      "-DDOT_MACS={} -DNIBBLE_CHAINS={} -DNIBBLE_MACS={} -DMATRIX_CHAINS={} -DMATRIX_LANES={} -DMATRIX_BYTES={}",
      vector_bytes, strided, read_streams, width, steps, fma_chains, half2_chains, dot_chains, dot_macs, nibble_chains,
      nibble_macs, matrix_chains, matrix_lanes, matrix_bytes);
}

CeilingKernels::CeilingKernels(const device::DeviceInfo& info) : info_(info) {
  const bool cpu = info.type == device::DeviceType::kCpu;
  const std::size_t units = std::max(info.compute_units, 1U);
  const std::size_t most = info.max_work_group > 0 ? static_cast<std::size_t>(info.max_work_group) : kGroup;
  group_ = cpu ? 1 : std::min(kGroup, most);
  items_ = cpu ? units : units * kItemsPerUnit / group_ * group_;
}

Result<CeilingProgram> CeilingKernels::program(Ceiling ceiling) const {
  const Row& row = row_of(ceiling);
  const bool cpu = info_.type == device::DeviceType::kCpu;
  const std::string_view family = cpu ? "cpu" : "gpu";
  const Variant* variant = find_variant(family);
  if (row.operation) {
    const Variant* forced = find_variant(info_.forced_variant);
    const std::string_view wanted = forced == nullptr ? "" : forced->family == family ? forced->name : family;
    const KernelEntry* kernel = choose_kernel(*row.operation, family, wanted, info_, 1);
    if (kernel != nullptr) variant = find_variant(kernel->variant);
    // A CPU's kernels have no use for pairs of f16; whoever asks what it could reach has.
    const Variant* half2 = find_variant("half2");
    if (ceiling == Ceiling::kFp16 && cpu && !missing_capability(*half2, info_)) variant = half2;
  }
  if (const std::string_view reason = lacks(ceiling, *variant); !reason.empty())
    return runtime_error("not measured", std::string(row.entry), std::string(reason));
  return make_program(row, *variant, make_counts(cpu, info_.float_vector_width, *variant));
}

std::vector<ListedCeiling> list_ceiling_programs() {
  std::vector<ListedCeiling> listed;
  const auto add = [&](const Row& row, const Variant& variant) {
    if (!lacks(row.ceiling, variant).empty()) return;
    const bool cpu = variant.family == "cpu";
    for (const std::uint32_t width : {8U, 16U}) {
      CeilingProgram program = make_program(row, variant, make_counts(cpu, width, variant));
      listed.push_back({&variant, std::move(program), cpu ? 1 : kGroup});
      if (!cpu) break;
    }
  };
  for (const Row& row : kRows) {
    if (!row.operation) {
      add(row, *find_variant("gpu"));
      add(row, *find_variant("cpu"));
    }
    for (const KernelEntry& kernel : all_kernels()) {
      if (row.operation && kernel.operation == *row.operation && kernel.family != "reference")
        add(row, *find_variant(kernel.variant));
    }
  }
  return listed;
}

}  // namespace qtrap::scheme
