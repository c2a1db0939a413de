// The reader of GGUF, versions 2 and 3: magic, version, counts, metadata, tensors, data (ggml's docs/gguf.md). Private
// to this layer.
#pragma once

#include <string_view>

#include "core/result.hpp"
#include "weights/file.hpp"

namespace qtrap::weights {

/// Whether the bytes begin as a GGUF file does.
bool is_gguf(std::string_view bytes);

/// What a GGUF file holds; `name` is quoted in errors. Arrays of the metadata lie in `bytes`.
Result<Contents> parse_gguf(std::string_view bytes, std::string_view name);

}  // namespace qtrap::weights
