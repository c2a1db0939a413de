// The scheme that every ratio is to.
#pragma once

namespace qtrap {

/// Its name: f16 weights as they are, multiplied in f16.
inline constexpr const char* kAnchor = "f16";

}  // namespace qtrap
