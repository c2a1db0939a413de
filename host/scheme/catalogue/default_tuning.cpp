// The tunables that a device, a number of tokens and what a tuning file leaves open give (Tuning of kernel_table.hpp),
// with the times that chose them.
#include <algorithm>
#include <bit>
#include <string_view>

#include "core/contract.hpp"
#include "scheme/catalogue/kernel_table.hpp"

namespace qtrap::scheme {

std::uint32_t Tuning::lanes() const { return std::min(vector_width, group / 8); }
std::uint32_t Tuning::lanes16() const { return std::min(16U, group / 4); }

// One accumulator per row and token: 8 of them and their operands fill 16 registers. By CPU time per launch of 4096 x
// 14336 on PoCL 3.1, Zen 3 (AVX2); the trials on Zen 4 (AVX-512) chose the same.
std::uint32_t Tuning::gemv_rows(std::uint64_t tokens) const {
  if (rows > 0) return rows;
  return tokens == 1 ? 8 : tokens == 2 ? 4 : tokens <= 4 ? 2 : 1;
}

// Codes take registers of their own: 4 rows fit 16 of them. gemv_i4_f16 of 4096 x 14336 with 4 rows takes 0.71 to 0.85
// of the time with 8, gemv_i4_i8 0.86 to 0.93 (PoCL 3.1, Zen 3, interleaved, two processes); the trials on AVX-512 (32
// registers) found no such gain.
// With 8 tokens 2 rows take 0.53 to 0.73 of the time with 1 (gemv_i4_i8 with avx2; without, 0.97 to 1.02).
std::uint32_t Tuning::gemv_i4_rows(std::uint64_t tokens) const {
  if (rows == 0 && tokens > 4) return 2;
  return rows == 0 && vector_width < 16 ? std::min(gemv_rows(tokens), 4U) : gemv_rows(tokens);
}

// From 5 tokens on the rows of a block take turns at the registers, group by group (EACH_BAND in gemv_i4_cpu.cl): 8
// rows with 8 tokens take 0.66 of the time of 1, as they read x from the second cache level 8 times less often.
std::uint32_t Tuning::gemv_i4_f16_rows(std::uint64_t tokens) const {
  return rows == 0 && tokens > 4 ? 8 : gemv_i4_rows(tokens);
}

// The sums of a row alone are in registers, and 8 rows share what x costs.
std::uint32_t Tuning::row_by_row_rows() const { return rows > 0 ? rows : 8; }

constexpr std::uint32_t kFarEnough = 1024;
std::uint32_t Tuning::row_by_row_ahead() const { return ahead > 0 ? ahead : kFarEnough; }

// Whose prefetchers leave the start of each page exposed where eight rows end theirs together. 4096 x 14336 on an Intel
// Xeon (family 6, model 207) by CPU time: with one token gemv_f16_f16 takes 0.82 to 0.85 of the time, gemv_i8_f16 and
// gemv_i8_i8 0.81 to 0.82 (512 to 4096 bytes ahead alike, 256 gain less); with two 0.84, 0.84 and gemv_i4_f16 0.93; f16
// with four 0.81, int8 the same; with eight none gains. AMD's take f16 1.41 of the time with it (Zen 3), int8 1.7 (Zen
// 4).
constexpr std::string_view kPrefetchedVendor = "GenuineIntel";

constexpr std::uint64_t kMostPrefetched = 4;
std::uint32_t Tuning::gemv_ahead(std::uint64_t tokens) const { return tokens <= kMostPrefetched ? ahead : 0; }

// Results of an item's block times loads in flight per row, for tuned blocks. With 32 tools/check-kernels finds spills:
// gemv_i4_f16_gpu_ptx on sm_80 (8 tokens, 2 rows, 2 loads), gemv_i4_f16_gpu on gfx90a (8 tokens, 1 row, 4 loads).
constexpr std::uint64_t kMostInFlight = 16;

std::uint32_t Tuning::gpu_gemv_rows(std::uint64_t tokens) const {
  if (rows > 0) return std::min(rows, std::bit_floor(static_cast<std::uint32_t>(kMostInFlight / tokens)));
  return tokens <= 2 ? 4 : tokens <= 4 ? 2 : 1;
}

std::uint32_t Tuning::gpu_gemv_unroll(std::uint64_t tokens) const {
  return std::min(unroll, std::bit_floor(static_cast<std::uint32_t>(kMostInFlight / (gpu_gemv_rows(tokens) * tokens))));
}

std::uint32_t Tuning::gpu_split_k() const { return split_k > 0 ? std::min(split_k, work_group) : work_group; }

std::uint64_t GemmBlocks::local_bytes() const {
  return sizeof(float) * (std::uint64_t{block_rows} * (block_columns + kNumbers.panel_tokens) +
                          std::uint64_t{panels} * block_columns * kNumbers.panel_tokens +
                          std::uint64_t{block_panels} * block_rows * kNumbers.panel_tokens);
}

// From 256 tokens on, x no longer fits the second cache level beside a block of weights: more rows per block read it
// less often. gemm_f16_f16 of 4096 x 14336 with 192 rows takes 0.91 to 0.96 of the time with 48 (512 tokens, three
// processes, PoCL 3.1, Zen 3). Many compute units need more, smaller blocks to share.
constexpr std::uint32_t kFewUnits = 4;

GemmBlocks Tuning::gemm_blocks(std::uint64_t tokens) const {
  const auto used_panels = static_cast<std::uint32_t>(std::min<std::uint64_t>(kMostPanels, count_panels(tokens)));
  const bool few_units = compute_units > 0 && compute_units <= kFewUnits;
  GemmBlocks b{6, 1, few_units && used_panels == kMostPanels ? 192U : 48U, used_panels, 256};
  if (vector_width >= 16) {
    b = used_panels >= 4 ? GemmBlocks{4, 4, 64, 16, 256} : GemmBlocks{8, std::min(used_panels, 2U), 64, 4, 512};
  }
  if (block_rows > 0) b.block_rows = block_rows;
  if (block_columns > 0) b.block_columns = block_columns;
  // Devices with little local memory: narrower blocks first, then fewer panels and rows.
  while (b.local_bytes() > local_bytes && b.panels > 1 && local_bytes < (1U << 17)) b.panels /= 2;
  while (b.local_bytes() > local_bytes && b.block_columns > 128) b.block_columns /= 2;
  while (b.local_bytes() > local_bytes && b.block_panels > b.panels) b.block_panels -= b.panels;
  while (b.local_bytes() > local_bytes && b.block_rows > b.unit_rows) b.block_rows -= b.unit_rows;
  return b;
}

Tuning make_tuning(const device::DeviceInfo& info, std::uint32_t group_size) {
  expects(group_size == 32 || group_size == 64 || group_size == 128, "an int4 group has 32, 64 or 128 columns");
  Tuning tuning;
  tuning.vector_width = info.float_vector_width >= 16 ? 16 : 8;
  tuning.local_bytes = info.local_bytes;
  tuning.compute_units = info.compute_units;
  if (info.cache_bytes > 0) tuning.stream_bytes = info.cache_bytes;
  if (info.vendor == kPrefetchedVendor) tuning.ahead = kFarEnough;
  tuning.group = group_size;
  return tuning;
}

}  // namespace qtrap::scheme
