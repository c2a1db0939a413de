#include "weights/layout.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_set>

#include "core/text.hpp"

namespace qtrap::weights {

std::optional<std::uint64_t> multiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product >> 63U != 0) return std::nullopt;
  return product;
}

std::string describe_shape(const std::vector<std::uint64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

Status measure(Tensor& tensor, std::string_view file) {
  // As if a dimension of 0 were 1: it must not hide that the others are impossible.
  std::optional<std::uint64_t> elements = 1;
  bool empty = false;
  for (const std::uint64_t dimension : tensor.shape) {
    empty = empty || dimension == 0;
    if (elements) elements = multiply(*elements, std::max<std::uint64_t>(1, dimension));
  }
  const auto bytes = elements ? multiply(*elements, tensor.type->bytes) : elements;
  if (!bytes) {
    return usage_error(fmt::format("{}: tensor {} has too many elements", file, tensor.name),
                       describe_shape(tensor.shape), "the file is damaged: copy or download it again");
  }
  if (tensor.columns() % tensor.type->block != 0) {
    return usage_error(
        fmt::format("{}: rows of tensor {} are not whole blocks of {}", file, tensor.name, tensor.type->name),
        describe_shape(tensor.shape), fmt::format("their length must be a multiple of {}", tensor.type->block));
  }
  tensor.elements = empty ? 0 : *elements;
  tensor.bytes = empty ? 0 : *bytes / tensor.type->block;
  return Done{};
}

Status check_tensors(const std::vector<Tensor>& tensors, std::string_view file, std::vector<const Tensor*>& order) {
  std::unordered_set<std::string_view> names;
  for (const Tensor& tensor : tensors) {
    if (tensor.name.empty() || !is_utf8(tensor.name)) {
      return usage_error(fmt::format("{}: a tensor's name is empty or not UTF-8", file), tensor.name,
                         "the file is damaged: copy or download it again");
    }
    if (!names.insert(tensor.name).second)
      return usage_error(fmt::format("{}: two tensors have one name", file), tensor.name, "write the file again");
    if (tensor.bytes > 0) order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const Tensor* a, const Tensor* b) { return a->offset < b->offset; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (order[i - 1]->offset + order[i - 1]->bytes <= order[i]->offset) continue;
    return usage_error(fmt::format("{}: tensors {} and {} overlap", file, order[i - 1]->name, order[i]->name),
                       fmt::format("byte {}", order[i]->offset), "write the file again");
  }
  return Done{};
}

}  // namespace qtrap::weights
