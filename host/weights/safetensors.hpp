// The reader of safetensors: 8 bytes of length, a JSON object that places every tensor, their bytes without a gap; and
// of what lies beside such files, the index of shards and config.json. Private to this layer.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "weights/file.hpp"

namespace qtrap::weights {

/// Longest JSON head that is read: what it becomes in memory is some ten times as large.
inline constexpr std::uint64_t kLargestHead = std::uint64_t{32} << 20U;

/// Whether the bytes begin as a safetensors file does.
bool is_safetensors(std::string_view bytes);

/// What a safetensors file holds; `name` is quoted in errors.
Result<Contents> parse_safetensors(std::string_view bytes, std::string_view name);

/// Tensor to shard of an index, all of them names of files beside it. kUsage errors: not JSON, no `weight_map`, a shard
/// that is no plain name of a .safetensors file (a path, an index again).
Result<std::map<std::string, std::string>> parse_index(std::string_view text, std::string_view name);

/// Adds the keys of a config.json, "config." before them: scalars, those of objects within it, and of `architectures`
/// the first.
Status add_config(std::string_view text, std::string_view name, Metadata& metadata);

}  // namespace qtrap::weights
