#include "core/half.hpp"

#include <Eigen/Core>  // here alone: it is 3 s of compile time

namespace qtrap {

std::uint16_t half_from_float(float value) { return Eigen::numext::bit_cast<std::uint16_t>(Eigen::half(value)); }

float float_from_half(std::uint16_t bits) { return static_cast<float>(Eigen::numext::bit_cast<Eigen::half>(bits)); }

}  // namespace qtrap
