// Tiles of the matrix units' gemm by the number of tokens.
#pragma once

#include <cstdint>

namespace qtrap::scheme {

/// How gemm_frame_mma_gpu.cl shares a tile out to warps, and what of it one has: tiles of 16 rows and of 8 tokens.
struct UnitTile {
  std::uint32_t warps, row_warps, token_warps, row_tiles, token_tiles;
  std::uint32_t rows() const { return 16 * row_tiles * row_warps; }
  std::uint32_t tokens() const { return 8 * token_tiles * token_warps; }
};
/// By times of 4096 x 14336 on an H200.
inline UnitTile unit_tile(std::uint64_t tokens) {
  if (tokens <= 16) return {4, 1, 1, 2, 2};
  if (tokens <= 32) return {8, 1, 2, 2, 2};
  if (tokens <= 64) return {8, 1, 2, 2, 4};
  if (tokens <= 128) return {8, 2, 2, 2, 4};
  return {8, 4, 2, 2, 8};
}

/// Rows and tokens of a group of gemm_frame_amd_gpu.cl, the more steps of columns the smaller.
inline std::uint32_t amd_tile(std::uint64_t tokens) { return tokens <= 16 ? 16 : tokens <= 32 ? 32 : 64; }

}  // namespace qtrap::scheme
