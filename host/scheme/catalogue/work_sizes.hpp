// Work sizes of the kernels, by their tunables and the extent of a launch; private to the table of kernels. Kernels
// guard what hangs over.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "scheme/catalogue/kernel_table.hpp"
#include "scheme/catalogue/unit_tiles.hpp"

namespace qtrap::scheme {

using device::WorkSize;

inline constexpr std::size_t kReferenceItems = 64;  // items per group of kernels without exchange
inline constexpr std::uint64_t kRowsPerItem = 4;    // of the GPU family's dequantizers: loads in flight

inline std::size_t blocks(std::uint64_t count, std::uint64_t block) {
  return static_cast<std::size_t>((count + block - 1) / block);
}
inline std::size_t padded(std::uint64_t count, std::uint64_t block) {
  return blocks(count, block) * static_cast<std::size_t>(block);
}

/// Items in groups of kReferenceItems along the first dimension; kernels guard the overhang.
inline WorkSize spread(std::uint64_t first, std::uint64_t second = 1) {
  return {{padded(first, kReferenceItems), static_cast<std::size_t>(second), 1}, {kReferenceItems, 1, 1}};
}
/// Items that stand alone in their groups.
inline WorkSize alone(std::uint64_t first, std::uint64_t second = 1) {
  return {{static_cast<std::size_t>(first), static_cast<std::size_t>(second), 1}, {1, 1, 1}};
}
inline WorkSize groups_of(std::uint64_t count, std::uint32_t items) {
  return {{static_cast<std::size_t>(count) * items, 1, 1}, {items, 1, 1}};
}

inline WorkSize per_element(const Tuning&, const Extent& e) { return spread(e.count); }
inline WorkSize per_row_element(const Tuning&, const Extent& e) {
  return spread(e.count, std::max<std::uint64_t>(e.tokens, 1));
}
inline WorkSize random_items(const Tuning&, const Extent& e) { return spread(blocks(e.count, kNumbers.random_values)); }
inline WorkSize cast_items(const Tuning&, const Extent& e) { return spread(blocks(e.count, kNumbers.cast_values)); }
inline WorkSize per_chunk(const Tuning& t, const Extent& e) { return alone(blocks(e.count, t.chunk)); }
inline WorkSize per_row_chunk(const Tuning& t, const Extent& e) {
  return alone(blocks(e.count, t.chunk), std::max<std::uint64_t>(e.tokens, 1));
}
inline WorkSize spread_tokens(const Tuning&, const Extent& e) { return spread(e.tokens); }
inline WorkSize spread_columns(const Tuning&, const Extent& e) { return spread(e.columns); }
inline WorkSize spread_inputs(const Tuning&, const Extent& e) { return spread(e.columns, e.tokens); }
inline WorkSize spread_rows(const Tuning&, const Extent& e) { return spread(e.rows); }
inline WorkSize spread_heads(const Tuning&, const Extent& e) { return alone(e.rows, e.tokens); }
inline WorkSize head_group(const Tuning&, const Extent& e) {
  constexpr std::size_t kItems = kNumbers.head_items;
  return {{static_cast<std::size_t>(e.rows) * kItems, static_cast<std::size_t>(e.tokens), 1}, {kItems, 1, 1}};
}
inline WorkSize spread_matrix(const Tuning&, const Extent& e) { return spread(e.columns, e.rows); }
inline WorkSize spread_weights(const Tuning& t, const Extent& e) {
  return {{padded(blocks(e.columns, kNumbers.dequantized_columns), t.work_group), blocks(e.rows, kRowsPerItem), 1},
          {t.work_group, 1, 1}};
}
inline WorkSize spread_rescaled(const Tuning& t, const Extent& e) {
  return {{padded(blocks(e.rows, kNumbers.rescaled_rows), t.work_group), static_cast<std::size_t>(e.tokens), 1},
          {t.work_group, 1, 1}};
}
inline WorkSize spread_groups(const Tuning& t, const Extent& e) { return spread(blocks(e.columns, t.group), e.rows); }
inline WorkSize spread_results(const Tuning&, const Extent& e) { return spread(e.rows, e.tokens); }
inline WorkSize token_alone(const Tuning&, const Extent& e) { return alone(e.tokens); }
inline WorkSize row_alone(const Tuning&, const Extent& e) { return alone(e.rows); }
inline WorkSize panel_alone(const Tuning&, const Extent& e) { return alone(count_panels(e.tokens)); }
inline WorkSize panel_chunk(const Tuning& t, const Extent& e) {
  return alone(blocks(e.columns, t.chunk), count_panels(e.tokens));
}
inline WorkSize group_alone(const Tuning& t, const Extent& e) { return alone(blocks(e.columns, t.group), e.tokens); }
inline WorkSize result_chunk(const Tuning& t, const Extent& e) { return alone(blocks(e.rows, t.chunk), e.tokens); }
inline WorkSize token_group(const Tuning& t, const Extent& e) { return groups_of(e.tokens, t.row_items); }
inline WorkSize row_group(const Tuning& t, const Extent& e) { return groups_of(e.rows, t.row_items); }
inline WorkSize one_alone(const Tuning&, const Extent&) { return alone(1); }
inline WorkSize one_group(const Tuning& t, const Extent&) { return groups_of(1, t.row_items); }
inline WorkSize columns_alone(const Tuning&, const Extent& e) {
  return alone(blocks(e.columns, kNumbers.outlier_columns));
}
inline WorkSize columns_group(const Tuning& t, const Extent& e) {
  return groups_of(blocks(e.columns, kNumbers.outlier_columns), t.row_items);
}

inline WorkSize gemv_block(const Tuning& t, const Extent& e) { return alone(blocks(e.rows, t.gemv_rows(e.tokens))); }
inline WorkSize gemv_i4_block(const Tuning& t, const Extent& e) {
  return alone(blocks(e.rows, t.gemv_i4_rows(e.tokens)));
}
inline WorkSize gemv_i4_f16_block(const Tuning& t, const Extent& e) {
  return alone(blocks(e.rows, t.gemv_i4_f16_rows(e.tokens)));
}
inline WorkSize by_row(const Tuning& t, const Extent& e) { return alone(blocks(e.rows, t.row_by_row_rows())); }
inline WorkSize gpu_gemv(const Tuning& t, const Extent& e) {
  return groups_of(blocks(e.rows, std::uint64_t{t.gpu_gemv_rows(e.tokens)} * (t.work_group / t.gpu_split_k())),
                   t.work_group);
}
inline WorkSize gemm_block(const Tuning& t, const Extent& e) {
  const GemmBlocks b = t.gemm_blocks(e.tokens);
  return alone(blocks(e.rows, b.block_rows), blocks(e.tokens, b.block_panels * kNumbers.panel_tokens));
}
inline constexpr std::uint32_t kUnitGemvWarps = 8;
inline WorkSize unit_gemv(const Tuning&, const Extent& e) {
  const std::size_t items = std::size_t{32} * kUnitGemvWarps;
  return {{blocks(e.rows, 16) * items, 1, 1}, {items, 1, 1}};
}
inline WorkSize unit_gemm(const Tuning&, const Extent& e) {
  const UnitTile tile = unit_tile(e.tokens);
  const std::size_t items = std::size_t{32} * tile.warps;
  return {{blocks(e.rows, tile.rows()) * items, blocks(e.tokens, tile.tokens()), 1}, {items, 1, 1}};
}
inline WorkSize amd_gemm(const Tuning&, const Extent& e) {
  constexpr std::size_t kItems = 128;
  const std::uint32_t tile = amd_tile(e.tokens);
  return {{blocks(e.rows, tile) * kItems, blocks(e.tokens, tile), 1}, {kItems, 1, 1}};
}
inline WorkSize gpu_gemm(const Tuning&, const Extent& e) {
  const std::size_t row_items = kNumbers.tile_row_items;
  const std::size_t token_items = kNumbers.tile_token_items;
  return {{blocks(e.rows, kNumbers.tile) * row_items, blocks(e.tokens, kNumbers.tile) * token_items, 1},
          {row_items, token_items, 1}};
}

}  // namespace qtrap::scheme
