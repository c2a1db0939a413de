// Bounds of a model's shape: every product of two dimensions and a layer count stays inside 63 bits.
#pragma once

#include "table/fields.hpp"

namespace qtrap::profile {

inline constexpr table::Range kWidth{1, 1 << 20};
inline constexpr table::Range kHeads{1, 4096};
inline constexpr table::Range kLayers{1, 10000};
inline constexpr table::Range kVocabulary{1, 1 << 24};

}  // namespace qtrap::profile
