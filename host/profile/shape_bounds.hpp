// What is known of a model's shape, wherever it is read. Bounds: every product of two dimensions and a layer count
// stays inside 63 bits.
#pragma once

#include <span>
#include <type_traits>

#include "profile/profile.hpp"
#include "table/fields.hpp"

namespace qtrap::profile {

inline constexpr table::Range kWidth{1, 1 << 20};
inline constexpr table::Range kHeads{1, 4096};
inline constexpr table::Range kLayers{1, 10000};
inline constexpr table::Range kVocabulary{1, 1 << 24};
inline constexpr table::Range kContext{1, 1 << 24};
inline constexpr table::Range kEpsilon{0, 1, true, true};
inline constexpr table::Range kRopeBase{1, 1e12, true, false};
inline constexpr table::Range kRopeFactor{0, 1e6, true, false};

/// Of profiles, and of what weights tell of themselves.
std::span<const table::Field<RopeScaling>> table_of(std::type_identity<RopeScaling>);

}  // namespace qtrap::profile
