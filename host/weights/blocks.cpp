#include "weights/blocks.hpp"

#include <cstring>

namespace qtrap::weights {
namespace {

using format::HostWeights;
using format::PartName;

void copy(const char* from, std::uint64_t bytes, PartName part, std::uint64_t place, HostWeights& out) {
  std::memcpy(out.part(part).data() + place * bytes, from, bytes);
}

std::uint8_t byte_at(const char* from, std::uint64_t i) { return static_cast<std::uint8_t>(from[i]); }

std::uint8_t join(int low, int high) { return static_cast<std::uint8_t>((low & 15) | (high & 15) << 4); }

}  // namespace

void unpack_f16(const char* from, std::uint64_t place, HostWeights& out) {
  copy(from, 2, PartName::kCodes, place, out);
}

// d, 32 int8.
void unpack_q8_0(const char* from, std::uint64_t place, HostWeights& out) {
  copy(from, 2, PartName::kScales, place, out);
  copy(from + 2, 32, PartName::kCodes, place, out);
}

// d, nibbles.
void unpack_q4_0(const char* from, std::uint64_t place, HostWeights& out) {
  copy(from, 2, PartName::kScales, place, out);
  copy(from + 2, 16, PartName::kCodes, place, out);
}

// d, m, nibbles.
void unpack_q4_1(const char* from, std::uint64_t place, HostWeights& out) {
  copy(from, 2, PartName::kScales, place, out);
  copy(from + 2, 2, PartName::kZeros, place, out);
  copy(from + 4, 16, PartName::kCodes, place, out);
}

// d, dmin, 12 bytes of 6-bit scales and minima, nibbles: 32 bytes hold 32 columns low and the next 32 high.
void unpack_q4_k(const char* from, std::uint64_t place, HostWeights& out) {
  copy(from, 2, PartName::kScales, place, out);
  copy(from + 2, 2, PartName::kZeros, place, out);
  copy(from + 4, 12, PartName::kSubscales, place, out);
  std::uint8_t* to = out.part(PartName::kCodes).data() + place * 128;
  for (std::uint64_t step = 0; step < 8; ++step) {
    const char* pair = from + 16 + step / 2 * 32;
    const std::uint64_t shift = step % 2 * 4;
    for (std::uint64_t j = 0; j < 16; ++j) *to++ = join(byte_at(pair, j) >> shift, byte_at(pair, j + 16) >> shift);
  }
}

// 128 bytes of low nibbles, 64 of high pairs, 16 int8 scales, d. Of each 128 columns, 64 bytes hold 64 columns low and
// the next 64 high, 32 bytes hold a pair of each 32.
void unpack_q6_k(const char* from, std::uint64_t place, HostWeights& out) {
  copy(from + 208, 2, PartName::kScales, place, out);
  copy(from + 192, 16, PartName::kSubscales, place, out);
  std::uint8_t* to = out.part(PartName::kCodes).data() + place * 8 * 24;
  for (std::uint64_t step = 0; step < 8; ++step) {
    const char* low = from + step / 4 * 64 + step % 2 * 32;
    const char* high = from + 128 + step / 4 * 32;
    const std::uint64_t nibble = step % 4 / 2 * 4;
    const auto pair = [&](std::uint64_t j) { return byte_at(high, j) >> (step % 4 * 2) & 3; };
    for (std::uint64_t j = 0; j < 16; ++j) *to++ = join(byte_at(low, j) >> nibble, byte_at(low, j + 16) >> nibble);
    for (std::uint64_t j = 0; j < 8; ++j)
      *to++ = static_cast<std::uint8_t>(pair(j) | pair(j + 8) << 2 | pair(j + 16) << 4 | pair(j + 24) << 6);
  }
}

}  // namespace qtrap::weights
