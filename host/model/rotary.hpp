// The rotary embedding of a shape as numbers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "profile/profile.hpp"

namespace qtrap::model {

/// (cos, sin) of each pair of a head at each position, f32 [positions][head_dim / 2][2]: position times
/// base^(-2 i / head_dim), slow rotations stretched as rope_scaling says, each frequency over its divisor
/// (weights::Role::kRopeFactors) where there are any. Computed in f64.
std::vector<float> make_angles(const profile::ModelProfile& shape, std::uint64_t positions,
                               std::span<const float> divisors = {});

}  // namespace qtrap::model
