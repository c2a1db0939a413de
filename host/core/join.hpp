// Which projections of one input a layer launches as one.
#pragma once

#include "core/words.hpp"

namespace qtrap {

/// Each by itself; or q, k and v as one and gate and up as one, with their weights one under the other.
enum class Join { kNone, kAll };
constexpr Words<2> words_of(Join) { return {"none", "all"}; }

}  // namespace qtrap
