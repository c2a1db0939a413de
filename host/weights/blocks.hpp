// ggml's blocks (ggml-common.h @01243c5) brought into the parts of host/format: same bits, other places.
#pragma once

#include <cstdint>

#include "format/format.hpp"

namespace qtrap::weights {

// Each takes the block at `from`, the `place`-th of the matrix.
void unpack_q8_0(const char* from, std::uint64_t place, format::HostWeights& out);
void unpack_q4_0(const char* from, std::uint64_t place, format::HostWeights& out);
void unpack_q4_1(const char* from, std::uint64_t place, format::HostWeights& out);
void unpack_q4_k(const char* from, std::uint64_t place, format::HostWeights& out);
void unpack_q6_k(const char* from, std::uint64_t place, format::HostWeights& out);
/// f16, one number a block.
void unpack_f16(const char* from, std::uint64_t place, format::HostWeights& out);

}  // namespace qtrap::weights
