// Rules of both containers: how large a tensor is, and that tensors do not lie over each other. Private to this layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "weights/file.hpp"

namespace qtrap::weights {

/// Longest name of a tensor or key [bytes].
inline constexpr std::uint64_t kLongestKey = 65535;

/// None where it does not fit 63 bits.
std::optional<std::uint64_t> multiply(std::uint64_t a, std::uint64_t b);

/// Fills elements and bytes of a tensor with name, type and shape. `file` is quoted in errors: too many elements, rows
/// that are no whole blocks.
Status measure(Tensor& tensor, std::string_view file);

/// "[49152, 576]".
std::string describe_shape(const std::vector<std::uint64_t>& shape);

/// Refuses a name given twice, one that is empty or no UTF-8, and tensors that overlap; all lie within the file.
/// Afterwards `order` holds the tensors by their place, empty ones left out.
Status check_tensors(const std::vector<Tensor>& tensors, std::string_view file, std::vector<const Tensor*>& order);

}  // namespace qtrap::weights
