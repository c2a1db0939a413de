#include "scheme/catalogue/kernel_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "format/format.hpp"
#include "scheme/catalogue/attention_launches.hpp"
#include "scheme/catalogue/unit_tiles.hpp"
#include "scheme/catalogue/work_sizes.hpp"

namespace qtrap::scheme {
namespace {

using enum OperationKind;
using enum Form;

std::string no_options(const Tuning&, const Extent&) { return ""; }
/// Empty where no group matters: of a frame whose format has none.
std::string group_option(const Tuning& t, const Extent&) {
  return t.group > 0 ? fmt::format("-DGROUP={} ", t.group) : "";
}
std::string gpu_options(const Tuning& t, const Extent& e) {
  return fmt::format("{}-DWORK_GROUP={}", group_option(t, e), t.work_group);
}
std::string head_options(const Tuning&, const Extent&) { return fmt::format("-DHEAD_ITEMS={}", kNumbers.head_items); }
std::string random_options(const Tuning&, const Extent&) {
  return fmt::format("-DRANDOM_VALUES={}", kNumbers.random_values);
}
std::string gpu_cast_options(const Tuning&, const Extent&) {
  return fmt::format("-DCAST_VALUES={}", kNumbers.cast_values);
}
std::string tile_options(const Tuning&, const Extent&) {
  return fmt::format("-DTILE={} -DTILE_ROW_ITEMS={} -DTILE_TOKEN_ITEMS={}", kNumbers.tile, kNumbers.tile_row_items,
                     kNumbers.tile_token_items);
}
std::string gpu_gemm_options(const Tuning& t, const Extent& e) { return group_option(t, e) + tile_options(t, e); }
std::string gpu_row_options(const Tuning& t, const Extent& e) {
  return fmt::format("{}-DWORK_GROUP={}", group_option(t, e), t.row_items);
}
std::string gpu_frame_dequantize_options(const Tuning& t, const Extent& e) {
  return fmt::format("{} -DROWS={} -DDEQUANTIZED_COLUMNS={}", gpu_options(t, e), kRowsPerItem,
                     kNumbers.dequantized_columns);
}
std::string gpu_dequantize_options(const Tuning& t, const Extent& e) {
  return fmt::format("{} -DRESCALED_ROWS={}", gpu_frame_dequantize_options(t, e), kNumbers.rescaled_rows);
}
std::string cpu_options(const Tuning& t, const Extent& e) {
  return fmt::format("-DVECTOR_WIDTH={} -DCHUNK={} {}-DLANES={} -DLANES16={}", t.vector_width, t.chunk,
                     group_option(t, e), t.lanes(), t.lanes16());
}
std::string outlier_options(const Tuning&, const Extent&) {
  return fmt::format("-DOUTLIER_COLUMNS={}", kNumbers.outlier_columns);
}
std::string gpu_outlier_options(const Tuning& t, const Extent& e) {
  return fmt::format("-DWORK_GROUP={} {}", t.row_items, outlier_options(t, e));
}
std::string quantize_options(const Tuning& t, const Extent& e) {
  return fmt::format("{} -DPANEL_TOKENS={}", cpu_options(t, e), kNumbers.panel_tokens);
}
std::string cast_options(const Tuning& t, const Extent& e) {
  return fmt::format("{} -DDIGITS={}", quantize_options(t, e), kNumbers.digits);
}
std::string dequantize_options(const Tuning& t, const Extent& e) {
  return fmt::format("{} -DSTREAM_BYTES={}", cpu_options(t, e), t.stream_bytes);
}
std::string gemv_options_for(const Tuning& t, const Extent& e, std::uint32_t rows, std::uint32_t ahead) {
  return fmt::format("-DVECTOR_WIDTH={} {}-DLANES={} -DLANES16={} -DTOKENS={} -DROWS={} -DAHEAD={}", t.vector_width,
                     group_option(t, e), t.lanes(), t.lanes16(), e.tokens, rows, ahead);
}
std::string by_row_options(const Tuning& t, const Extent& e) {
  return gemv_options_for(t, e, t.row_by_row_rows(), t.row_by_row_ahead());
}
std::string gemv_options(const Tuning& t, const Extent& e) {
  return gemv_options_for(t, e, t.gemv_rows(e.tokens), t.gemv_ahead(e.tokens));
}
std::string gemv_frame_options(const Tuning& t, const Extent& e) {
  return gemv_options_for(t, e, t.gemv_i4_rows(e.tokens), t.gemv_ahead(e.tokens));
}
std::string gemv_i4_f16_options(const Tuning& t, const Extent& e) {
  return gemv_options_for(t, e, t.gemv_i4_f16_rows(e.tokens), t.gemv_ahead(e.tokens));
}
std::string gpu_gemv_options(const Tuning& t, const Extent& e) {
  return fmt::format("{}-DWORK_GROUP={} -DSPLIT_K={} -DROWS={} -DTOKENS={} -DUNROLL={}", group_option(t, e),
                     t.work_group, t.gpu_split_k(), t.gpu_gemv_rows(e.tokens), e.tokens, t.gpu_gemv_unroll(e.tokens));
}
std::string unit_gemv_options(const Tuning& t, const Extent& e) {
  return fmt::format("{}-DWARPS={} -DTOKENS={}", group_option(t, e), kUnitGemvWarps, e.tokens);
}
std::string unit_gemm_options(const Tuning& t, const Extent& e) {
  const UnitTile tile = unit_tile(e.tokens);
  return fmt::format("{}-DWARPS={} -DROW_WARPS={} -DTOKEN_WARPS={} -DROW_TILES={} -DTOKEN_TILES={}", group_option(t, e),
                     tile.warps, tile.row_warps, tile.token_warps, tile.row_tiles, tile.token_tiles);
}
std::string amd_gemm_options(const Tuning& t, const Extent& e) {
  return fmt::format("{}-DUNIT_TILE={}", group_option(t, e), amd_tile(e.tokens));
}
/// Of formats that are no frames elsewhere. f16 and int8 have no groups.
Tuning without_group(Tuning t) {
  t.group = 0;
  return t;
}
using Options = std::string (*)(const Tuning&, const Extent&);
template <Options of_unit>
std::string of_f16(const Tuning& t, const Extent& e) {
  return of_unit(without_group(t), e) + " -DFORMAT_F16";
}
template <Options of_unit>
std::string of_i8(const Tuning& t, const Extent& e) {
  return of_unit(without_group(t), e) + " -DFORMAT_I8";
}
template <Options of_unit>
std::string of_i4(const Tuning& t, const Extent& e) {
  return of_unit(t, e) + " -DFORMAT_I4";
}
template <Options of_rows>
std::string in_digits(const Tuning& t, const Extent& e) {
  return fmt::format("{} -DDIGITS={}", of_rows(t, e), kNumbers.digits);
}
template <Options of_format>
std::string by_i8(const Tuning& t, const Extent& e) {
  return of_format(t, e) + " -DACTIVATIONS_I8";
}
template <Options of_frame>
std::string by_e4m3(const Tuning& t, const Extent& e) {
  return of_frame(t, e) + " -DACTIVATIONS_E4M3";
}
std::string gemm_options(const Tuning& t, const Extent& e) {
  const GemmBlocks b = t.gemm_blocks(e.tokens);
  return fmt::format(
      "{}-DUNIT_ROWS={} -DPANELS={} -DBLOCK_ROWS={} -DBLOCK_PANELS={} -DBLOCK_COLUMNS={} -DPANEL_TOKENS={}",
      group_option(t, e), b.unit_rows, b.panels, b.block_rows, b.block_panels, b.block_columns, kNumbers.panel_tokens);
}

using Variants = std::array<std::string_view, 5>;
/// Of kernels whose items exchange values: those that read other lanes' registers.
constexpr Variants kLanes{"gpu", "ptx", "gcn", "rdna3"};
/// Of kernels that go through a block of int4 weights row by row.
constexpr Variants kByteProducts{"avx512_vnni", "avx512"};

/// One operation in one family. `variants` share the file, the best first; left out: the plain kernel alone, which the
/// family's own name stands for in a list.
struct KernelRow {
  OperationId operation;
  std::string_view family, file;
  device::WorkSize (*size)(const Tuning&, const Extent&);
  std::string (*options)(const Tuning&, const Extent&);
  Variants variants = {};
  std::uint32_t fewest_tokens = 0;
};

/// Of gemv on a matrix unit: one token takes an H200 1.01 to 1.17 of what the vector unit takes, 8 tokens 0.13 to 0.54.
constexpr std::uint32_t kUnitFrom = 2;

constexpr WeightFormat kW16 = WeightFormat::kF16;
constexpr WeightFormat kW8 = WeightFormat::kInt8;
constexpr WeightFormat kW4 = WeightFormat::kInt4;
constexpr WeightFormat kWF8 = WeightFormat::kFp8;

// Of two rows of an operation and family the better variants come first.
constexpr KernelRow kRows[] = {
    {{kRandom}, "reference", "random/random_reference.cl", random_items, random_options},
    {{kRandom, {}, kF32}, "reference", "random/random_reference.cl", random_items, random_options},
    {{kRandom}, "cpu", "random/random_cpu.cl", per_chunk, cpu_options},
    {{kRandom, {}, kF32}, "cpu", "random/random_cpu.cl", per_chunk, cpu_options},

    {{kCast, {}, kF32}, "reference", "cast/cast_reference.cl", per_element, no_options},
    {{kNarrow}, "reference", "cast/cast_reference.cl", per_element, no_options},
    {{kCast, {}, kF32}, "gpu", "cast/cast_gpu.cl", cast_items, gpu_cast_options},
    {{kNarrow}, "gpu", "cast/cast_gpu.cl", cast_items, gpu_cast_options},
    {{kCast, {}, kF32}, "cpu", "cast/cast_cpu.cl", per_chunk, cast_options},
    {{kNarrow}, "cpu", "cast/cast_cpu.cl", per_chunk, cast_options},
    {{kCast, {}, kF32Panels}, "cpu", "cast/cast_cpu.cl", panel_chunk, cast_options},
    {{kCast, {}, kF32Nibbles}, "cpu", "cast/cast_cpu.cl", group_alone, cast_options},
    {{kCast, {}, kI24Nibbles}, "cpu", "cast/cast_cpu.cl", group_alone, cast_options},

    {{kQuantize, {}, kI8}, "reference", "quantize/quantize_reference.cl", spread_tokens, group_option},
    {{kQuantize, {}, kI8Sums}, "reference", "quantize/quantize_reference.cl", spread_tokens, group_option},
    {{kQuantizeWeights, kW8, std::nullopt}, "reference", "quantize/quantize_reference.cl", spread_rows, group_option},
    {{kQuantizeWeights, kW4, std::nullopt}, "reference", "quantize/quantize_reference.cl", spread_groups, group_option},
    {{kQuantize, {}, kI8}, "gpu", "quantize/quantize_gpu.cl", token_group, gpu_row_options, kLanes},
    {{kQuantize, {}, kI8Sums}, "gpu", "quantize/quantize_gpu.cl", token_group, gpu_row_options, kLanes},
    {{kQuantizeWeights, kW8, std::nullopt}, "gpu", "quantize/quantize_gpu.cl", row_group, gpu_row_options, kLanes},
    {{kQuantize, {}, kI8}, "cpu", "quantize/quantize_cpu.cl", token_alone, quantize_options},
    {{kQuantize, {}, kI8Panels}, "cpu", "quantize/quantize_cpu.cl", panel_alone, quantize_options},
    {{kQuantize, {}, kI8Nibbles}, "cpu", "quantize/quantize_cpu.cl", token_alone, quantize_options},
    {{kQuantizeWeights, kW8, std::nullopt}, "cpu", "quantize/quantize_cpu.cl", row_alone, quantize_options},
    {{kQuantizeWeights, kW4, std::nullopt}, "cpu", "quantize/quantize_cpu.cl", row_alone, quantize_options},

    {{kQuantize, {}, kE4m3}, "reference", "quantize/quantize_reference.cl", spread_tokens, group_option},
    {{kQuantize, {}, kE4m3}, "gpu", "quantize/quantize_gpu.cl", token_group, gpu_row_options, kLanes},
    {{kQuantize, {}, kE4m3}, "cpu", "quantize/quantize_cpu.cl", token_alone, quantize_options},
    {{kQuantize, {}, kE4m3Panels}, "cpu", "quantize/quantize_cpu.cl", panel_alone, quantize_options},
    {{kQuantize, {}, kI8Inliers}, "reference", "quantize/quantize_reference.cl", spread_tokens, group_option},
    {{kQuantize, {}, kI8Inliers}, "gpu", "quantize/quantize_gpu.cl", token_group, gpu_row_options, kLanes},
    {{kQuantize, {}, kI8Inliers}, "cpu", "quantize/quantize_cpu.cl", token_alone, quantize_options},
    {{kQuantize, {}, kI8InliersPanels}, "cpu", "quantize/quantize_cpu.cl", panel_alone, quantize_options},

    {{kFindOutliers}, "reference", "outliers/outliers_reference.cl", spread_columns, no_options},
    {{kListOutliers}, "reference", "outliers/outliers_reference.cl", one_alone, no_options},
    {{kGather}, "reference", "outliers/outliers_reference.cl", spread_inputs, no_options},
    {{kGather, kW8}, "reference", "outliers/outliers_reference.cl", spread_matrix, no_options},
    {{kFindOutliers}, "gpu", "outliers/outliers_gpu.cl", columns_group, gpu_outlier_options},
    {{kListOutliers}, "gpu", "outliers/outliers_gpu.cl", one_group, gpu_outlier_options},
    {{kFindOutliers}, "cpu", "outliers/outliers_cpu.cl", columns_alone, outlier_options},
    {{kListOutliers}, "cpu", "outliers/outliers_cpu.cl", one_alone, outlier_options},
    {{kGather, kW8}, "cpu", "outliers/outliers_cpu.cl", row_alone, outlier_options},

    {{kDequantize, kW8}, "reference", "dequantize/dequantize_reference.cl", spread_matrix, group_option},
    {{kDequantize, kW4}, "reference", "dequantize/dequantize_reference.cl", spread_matrix, group_option},
    {{kRescale}, "reference", "dequantize/dequantize_reference.cl", spread_results, group_option},
    {{kRescaleAdd}, "reference", "dequantize/dequantize_reference.cl", spread_results, group_option},
    {{kDequantize, kW8}, "gpu", "dequantize/dequantize_gpu.cl", spread_weights, gpu_dequantize_options},
    {{kDequantize, kW4},
     "gpu",
     "dequantize/dequantize_gpu.cl",
     spread_weights,
     gpu_dequantize_options,
     {"gpu", "ptx", "half2"}},
    {{kRescale}, "gpu", "dequantize/dequantize_gpu.cl", spread_rescaled, gpu_dequantize_options},
    {{kRescaleAdd}, "gpu", "dequantize/dequantize_gpu.cl", spread_rescaled, gpu_dequantize_options},
    {{kDequantize, kW8}, "cpu", "dequantize/dequantize_cpu.cl", row_alone, dequantize_options},
    {{kDequantize, kW4}, "cpu", "dequantize/dequantize_cpu.cl", row_alone, dequantize_options},
    {{kRescale}, "cpu", "dequantize/dequantize_cpu.cl", result_chunk, dequantize_options},
    {{kRescaleAdd}, "cpu", "dequantize/dequantize_cpu.cl", result_chunk, dequantize_options},

    {{kMatmul, kW16}, "reference", "matmul/matmul_reference.cl", spread_results, group_option},
    {{kMatmul, kW8}, "reference", "matmul/matmul_reference.cl", spread_results, group_option},
    {{kMatmul, kW8, kI8}, "reference", "matmul/matmul_reference.cl", spread_results, group_option},
    {{kMatmul, kW4}, "reference", "matmul/matmul_reference.cl", spread_results, group_option},
    {{kMatmul, kW4, kI8}, "reference", "matmul/matmul_reference.cl", spread_results, group_option},
    {{kGemv, kW16}, "gpu", "matmul/gemv_frame_mma_gpu.cl", unit_gemv, of_f16<unit_gemv_options>, {"mma"}, kUnitFrom},
    {{kGemv, kW8}, "gpu", "matmul/gemv_frame_mma_gpu.cl", unit_gemv, of_i8<unit_gemv_options>, {"mma"}, kUnitFrom},
    {{kGemv, kW4}, "gpu", "matmul/gemv_frame_mma_gpu.cl", unit_gemv, of_i4<unit_gemv_options>, {"mma"}, kUnitFrom},
    {{kGemv, kW8, kI8},
     "gpu",
     "matmul/gemv_frame_mma_gpu.cl",
     unit_gemv,
     by_i8<of_i8<unit_gemv_options>>,
     {"mma"},
     kUnitFrom},
    {{kGemv, kW4, kI8},
     "gpu",
     "matmul/gemv_frame_mma_gpu.cl",
     unit_gemv,
     by_i8<of_i4<unit_gemv_options>>,
     {"mma"},
     kUnitFrom},
    {{kGemm, kW8}, "gpu", "matmul/gemm_frame_mma_gpu.cl", unit_gemm, of_i8<unit_gemm_options>, {"mma"}},
    {{kGemm, kW8}, "gpu", "matmul/gemm_frame_amd_gpu.cl", amd_gemm, of_i8<amd_gemm_options>, {"mfma", "wmma"}},
    {{kGemm, kW4}, "gpu", "matmul/gemm_frame_amd_gpu.cl", amd_gemm, of_i4<amd_gemm_options>, {"mfma", "wmma"}},
    {{kGemm, kW4}, "gpu", "matmul/gemm_frame_mma_gpu.cl", unit_gemm, of_i4<unit_gemm_options>, {"mma"}},
    {{kGemm, kW8, kI8}, "gpu", "matmul/gemm_frame_mma_gpu.cl", unit_gemm, by_i8<of_i8<unit_gemm_options>>, {"mma"}},
    {{kGemm, kW4, kI8}, "gpu", "matmul/gemm_frame_mma_gpu.cl", unit_gemm, by_i8<of_i4<unit_gemm_options>>, {"mma"}},
    {{kGemv, kW16}, "gpu", "matmul/gemv_gpu.cl", gpu_gemv, gpu_gemv_options, {"gpu", "ptx", "gcn", "rdna3"}},
    {{kGemv, kW8}, "gpu", "matmul/gemv_gpu.cl", gpu_gemv, gpu_gemv_options, {"gpu", "ptx", "gcn", "rdna3"}},
    {{kGemv, kW8, kI8},
     "gpu",
     "matmul/gemv_gpu.cl",
     gpu_gemv,
     gpu_gemv_options,
     {"gpu", "ptx", "gcn", "rdna3", "khronos"}},
    {{kGemv, kW4}, "gpu", "matmul/gemv_gpu.cl", gpu_gemv, gpu_gemv_options, {"gpu", "ptx", "gcn", "rdna3", "half2"}},
    {{kGemv, kW4, kI8},
     "gpu",
     "matmul/gemv_gpu.cl",
     gpu_gemv,
     gpu_gemv_options,
     {"gpu", "ptx", "gcn", "rdna3", "khronos"}},
    {{kGemm, kW16}, "gpu", "matmul/gemm_frame_mma_gpu.cl", unit_gemm, of_f16<unit_gemm_options>, {"mma"}},
    {{kGemm, kW16}, "gpu", "matmul/gemm_frame_amd_gpu.cl", amd_gemm, of_f16<amd_gemm_options>, {"mfma", "wmma"}},
    {{kGemm, kW16}, "gpu", "matmul/gemm_gpu.cl", gpu_gemm, gpu_gemm_options},
    {{kGemm, kW8}, "gpu", "matmul/gemm_gpu.cl", gpu_gemm, gpu_gemm_options},
    {{kGemm, kW8, kI8}, "gpu", "matmul/gemm_amd_units_gpu.cl", gpu_gemm, tile_options, {"mfma", "wmma"}},
    {{kGemm, kW8, kI8},
     "gpu",
     "matmul/gemm_dot_gpu.cl",
     gpu_gemm,
     gpu_gemm_options,
     {"gpu", "ptx", "gcn", "rdna3", "khronos"}},
    {{kGemm, kW4}, "gpu", "matmul/gemm_gpu.cl", gpu_gemm, gpu_gemm_options},
    {{kGemm, kW4, kI8},
     "gpu",
     "matmul/gemm_dot_gpu.cl",
     gpu_gemm,
     gpu_gemm_options,
     {"gpu", "ptx", "gcn", "rdna3", "khronos"}},
    {{kGemv, kW16}, "cpu", "matmul/gemv_cpu.cl", gemv_block, gemv_options},
    {{kGemv, kW8}, "cpu", "matmul/gemv_cpu.cl", gemv_block, gemv_options},
    {{kGemv, kW8, kI8}, "cpu", "matmul/gemv_cpu.cl", gemv_block, gemv_options, {"cpu", "avx2"}},
    {{kGemv, kW4}, "cpu", "matmul/gemv_i4_cpu.cl", gemv_i4_f16_block, in_digits<gemv_i4_f16_options>},
    {{kGemv, kW4, kI8}, "cpu", "matmul/gemv_i4_avx512_cpu.cl", by_row, in_digits<by_row_options>, kByteProducts},
    {{kGemv, kW4, kI24}, "cpu", "matmul/gemv_i4_avx512_cpu.cl", by_row, in_digits<by_row_options>, kByteProducts},
    {{kGemv, kW4, kI8}, "cpu", "matmul/gemv_i4_cpu.cl", gemv_i4_block, in_digits<gemv_frame_options>, {"cpu", "avx2"}},
    {{kGemv, kW4, kI24}, "cpu", "matmul/gemv_i4_cpu.cl", gemv_i4_block, in_digits<gemv_frame_options>, {"cpu", "avx2"}},
    {{kGemm, kW16}, "cpu", "matmul/gemm_cpu.cl", gemm_block, gemm_options},
    {{kGemm, kW8}, "cpu", "matmul/gemm_cpu.cl", gemm_block, gemm_options},
    {{kGemm, kW8, kI8}, "cpu", "matmul/gemm_avx2_cpu.cl", gemm_block, gemm_options, {"avx2"}},
    {{kGemm, kW8, kI8}, "cpu", "matmul/gemm_cpu.cl", gemm_block, gemm_options},
    {{kGemm, kW4}, "cpu", "matmul/gemm_cpu.cl", gemm_block, gemm_options},
    {{kGemm, kW4, kI8}, "cpu", "matmul/gemm_avx2_cpu.cl", gemm_block, gemm_options, {"avx2"}},
    {{kGemm, kW4, kI8}, "cpu", "matmul/gemm_cpu.cl", gemm_block, gemm_options},

    {{kMatmul, kWF8, kE4m3}, "reference", "matmul/frame_reference.cl", spread_results, by_e4m3<group_option>},
    {{kGemv, kWF8, kE4m3}, "gpu", "matmul/gemv_frame_gpu.cl", gpu_gemv, by_e4m3<gpu_gemv_options>, kLanes},
    {{kGemm, kWF8, kE4m3}, "gpu", "matmul/gemm_frame_gpu.cl", gpu_gemm, by_e4m3<gpu_gemm_options>},
    {{kGemv, kWF8, kE4m3}, "cpu", "matmul/gemv_frame_avx512_cpu.cl", by_row, by_e4m3<by_row_options>, {"avx512"}},
    {{kGemv, kWF8, kE4m3}, "cpu", "matmul/gemv_frame_cpu.cl", gemv_i4_block, by_e4m3<gemv_frame_options>},
    {{kGemm, kWF8, kE4m3}, "cpu", "matmul/gemm_frame_cpu.cl", gemm_block, by_e4m3<gemm_options>},

    {{kNorm}, "reference", "norm/norm_reference.cl", spread_tokens, no_options},
    {{kNorm}, "gpu", "norm/norm_gpu.cl", token_group, gpu_row_options, kLanes},
    {{kNorm}, "cpu", "norm/norm_cpu.cl", token_alone, cpu_options},
    {{kGate}, "reference", "activation/activation_reference.cl", per_row_element, no_options},
    {{kGate}, "cpu", "activation/activation_cpu.cl", per_row_chunk, cpu_options},
    {{kAdd}, "reference", "residual/residual_reference.cl", per_element, no_options},
    {{kAdd}, "cpu", "residual/residual_cpu.cl", per_chunk, cpu_options},
    {{kBias}, "reference", "residual/bias_reference.cl", spread_inputs, no_options},
    {{kExpandHeads}, "reference", "attention/expand_heads_reference.cl", spread_heads, no_options},
    {{kExpandHeads}, "gpu", "attention/expand_heads_gpu.cl", head_group, head_options},
    {{kRotateStore}, "reference", "attention/rotate_store_reference.cl", rotated_pairs, no_options},
    {{kAttend}, "reference", "attention/attend_reference.cl", attend_head, attend_options},
    {{kAttend}, "gpu", "attention/attend_gpu.cl", attend_kv_head, attend_gpu_options},
    {{kAttend}, "cpu", "attention/attend_cpu.cl", attend_token, attend_cpu_options},
    {{kRotateStore, {}, kI8}, "reference", "attention/rotate_store_i8_reference.cl", rotated_heads, no_options},
    {{kRotateStore, {}, kI8}, "gpu", "attention/rotate_store_i8_gpu.cl", rotated_head_groups, head_options},
    {{kAttend, {}, kI8}, "reference", "attention/attend_reference.cl", attend_head, of_i8_caches<attend_options>},
    {{kAttend, {}, kI8}, "gpu", "attention/attend_gpu.cl", attend_kv_head, of_i8_caches<attend_gpu_options>},
    {{kAttend, {}, kI8}, "cpu", "attention/attend_cpu.cl", attend_token, of_i8_caches<attend_cpu_options>},
    {{kCombineHeads}, "reference", "attention/combine_heads_reference.cl", combined_elements, combine_options},
    {{kCombineHeads}, "cpu", "attention/combine_heads_cpu.cl", combined_heads, combine_cpu_options},
    {{kEmbed}, "reference", "token/embed_reference.cl", spread_inputs, no_options},
    {{kChoose}, "reference", "token/choose_reference.cl", spread_tokens, no_options},
    {{kChoose}, "gpu", "token/choose_gpu.cl", token_group, gpu_row_options},
};

/// Of formats whose codes are looked up in a table (FormatInfo::looked_up); the others have the plain kernel alone.
constexpr Variants kLookUps{"cpu", "avx512", "avx2"};
constexpr Variants kGemvLookUps{"cpu", "avx2"};

// The same of the frames, whose operations have each the weights of a format.
constexpr KernelRow kFrames[] = {
    {{kDequantize}, "reference", "dequantize/frame_reference.cl", spread_matrix, group_option},
    {{kMatmul}, "reference", "matmul/frame_reference.cl", spread_results, group_option},
    {{kDequantize}, "gpu", "dequantize/frame_gpu.cl", spread_weights, gpu_frame_dequantize_options},
    {{kGemv}, "gpu", "matmul/gemv_frame_mma_gpu.cl", unit_gemv, unit_gemv_options, {"mma"}, kUnitFrom},
    {{kGemm}, "gpu", "matmul/gemm_frame_mma_gpu.cl", unit_gemm, unit_gemm_options, {"mma"}},
    {{kGemm}, "gpu", "matmul/gemm_frame_amd_gpu.cl", amd_gemm, amd_gemm_options, {"mfma", "wmma"}},
    {{kGemv}, "gpu", "matmul/gemv_frame_gpu.cl", gpu_gemv, gpu_gemv_options, {"gpu", "ptx", "gcn", "rdna3"}},
    {{kGemm}, "gpu", "matmul/gemm_frame_gpu.cl", gpu_gemm, gpu_gemm_options},
    {{kDequantize}, "cpu", "dequantize/frame_cpu.cl", row_alone, dequantize_options, kLookUps},
    {{kGemv}, "cpu", "matmul/gemv_frame_avx512_cpu.cl", by_row, by_row_options, {"avx512"}},
    {{kGemv}, "cpu", "matmul/gemv_frame_cpu.cl", gemv_i4_block, gemv_frame_options, kGemvLookUps},
    {{kGemm}, "cpu", "matmul/gemm_frame_cpu.cl", gemm_block, gemm_options, kLookUps},
};

void expand_row(const KernelRow& row, const format::FormatInfo* framed, std::vector<KernelEntry>& kernels) {
  OperationId operation = row.operation;
  if (framed != nullptr) operation.weights = framed->format;
  const auto add = [&](std::string_view variant) {
    kernels.push_back({operation, row.family, row.file, row.size, row.options, variant, framed, row.fewest_tokens});
  };
  const bool looks_up = row.variants == kLookUps || row.variants == kGemvLookUps;
  const Variants variants = looks_up && framed != nullptr && !framed->looked_up ? Variants{} : row.variants;
  if (variants.front().empty()) add(row.family);
  for (const std::string_view variant : variants) {
    if (!variant.empty()) add(variant);
  }
}

std::vector<KernelEntry> expand_rows() {
  std::vector<KernelEntry> kernels;
  for (const KernelRow& row : kRows) {
    const format::FormatInfo* format = row.operation.weights ? &format::info(*row.operation.weights) : nullptr;
    expand_row(row, format != nullptr && !format->header_option.empty() ? format : nullptr, kernels);
  }
  for (const format::FormatInfo& format : format::all_formats()) {
    if (format.header_option.empty()) continue;
    for (const KernelRow& row : kFrames) expand_row(row, &format, kernels);
  }
  return kernels;
}

}  // namespace

std::string KernelEntry::build_options(const Tuning& tuning, const Extent& extent) const {
  Tuning used = tuning;
  if (format != nullptr && !format->grouped) used.group = 0;
  std::string options = family_options(used, extent);
  for (const std::string_view added :
       {format != nullptr ? format->header_option : "", find_variant(variant)->options}) {
    if (!options.empty() && options.back() != ' ' && !added.empty()) options += ' ';
    options.append(added);
  }
  if (!options.empty() && options.back() == ' ') options.pop_back();
  return options;
}

KernelSet choose_kernel_set(std::string_view family, std::string_view variant, const device::DeviceInfo& info) {
  const KernelEntry* products = choose_kernel({kGemv, kW4, kI24}, family, variant, info);
  return {std::string(family), products != nullptr && products->variant != family};
}

std::span<const KernelEntry> all_kernels() {
  static const std::vector<KernelEntry> kKernels = expand_rows();
  return kKernels;
}

}  // namespace qtrap::scheme
