// What a step works on.
#pragma once

#include "core/words.hpp"

namespace qtrap {

/// A token of each sequence after the other, or those of a prompt together.
enum class Phase { kDecode, kPrefill };
constexpr Words<2> words_of(Phase) { return {"decode", "prefill"}; }

}  // namespace qtrap
