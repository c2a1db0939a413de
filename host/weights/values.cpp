#include "weights/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/contract.hpp"
#include "core/half.hpp"

namespace qtrap::weights {
namespace {

/// Numbers that are unpacked at once, at least a row.
constexpr std::uint64_t kChunk = std::uint64_t{1} << 16U;

Error value_error(const WeightsFile& file, const Tensor& tensor, std::string_view what, std::uint64_t index,
                  float value) {
  return usage_error(fmt::format("{}: tensor {} holds a number that {}", file.name(), tensor.name, what),
                     fmt::format("{} at index {}", value, index), "the weights are damaged: get them again");
}

/// The bytes of rows.
const char* find_row(const WeightsFile& file, const Tensor& tensor, std::uint64_t row) {
  return file.bytes(tensor).data() + row * (tensor.columns() / tensor.type->block) * tensor.type->bytes;
}

format::HostWeights unpack_rows(const WeightsFile& file, const Tensor& tensor, RowRange rows) {
  const std::uint64_t columns = tensor.columns();
  // Types of the table have blocks of their own: no group of a campaign decides.
  format::HostWeights weights = format::make_host_weights(*tensor.type->native, {rows.count, columns}, 32);
  const char* from = find_row(file, tensor, rows.first);
  const std::uint64_t blocks = rows.count * (columns / tensor.type->block);
  for (std::uint64_t place = 0; place < blocks; ++place)
    tensor.type->unpack(from + place * tensor.type->bytes, place, weights);
  return weights;
}

/// The numbers of a few rows as f32.
void load_rows(const WeightsFile& file, const Tensor& tensor, RowRange rows, std::span<float> out) {
  if (tensor.type->load != nullptr) {
    const char* from = find_row(file, tensor, rows.first);
    for (std::uint64_t i = 0; i < out.size(); ++i) out[i] = tensor.type->load(from, i);
    return;
  }
  const format::HostWeights weights = unpack_rows(file, tensor, rows);
  const auto element = format::info(weights.format).element;
  const std::uint64_t columns = tensor.columns();
  for (std::uint64_t row = 0; row < rows.count; ++row) {
    for (std::uint64_t column = 0; column < columns; ++column) {
      const format::Element e = element(weights, row, column);
      out[row * columns + column] = static_cast<float>(e.scale * e.code + e.shift);
    }
  }
}

Status check_request(const WeightsFile& file, const Tensor& tensor, RowRange rows) {
  expects(rows.first <= tensor.rows() && rows.count <= tensor.rows() - rows.first, "the rows lie in the tensor");
  if (tensor.type->runnable()) return Done{};
  return usage_error(fmt::format("{}: tensor {} has a type that is not computed with", file.name(), tensor.name),
                     std::string(tensor.type->name),
                     fmt::format("convert the model to {}", list_types(file.container(), true)));
}

/// Calls take(values, index of the first of them in the tensor) for a few rows after the other.
template <class Take>
Status walk(const WeightsFile& file, const Tensor& tensor, RowRange rows, Take take) {
  if (Status status = check_request(file, tensor, rows); !status) return status;
  const std::uint64_t columns = tensor.columns();
  const std::uint64_t step = columns == 0 ? 1 : std::max<std::uint64_t>(1, kChunk / columns);
  std::vector<float> values;
  for (std::uint64_t done = 0; done < rows.count; done += step) {
    const RowRange part{rows.first + done, std::min(step, rows.count - done)};
    values.resize(part.count * columns);
    load_rows(file, tensor, part, values);
    const auto bad = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
    const std::uint64_t first = part.first * columns;
    if (bad != values.end())
      return value_error(file, tensor, "is not finite", first + static_cast<std::uint64_t>(bad - values.begin()), *bad);
    if (Status status = take(std::span<const float>(values), first); !status) return status;
  }
  return Done{};
}

}  // namespace

RowRange all_rows(const Tensor& tensor) { return {0, tensor.rows()}; }

Status read_rows(const WeightsFile& file, const Tensor& tensor, RowRange rows, std::span<float> out) {
  expects(out.size() == rows.count * tensor.columns(), "as many numbers as the rows have");
  auto to = out.begin();
  return walk(file, tensor, rows, [&](std::span<const float> values, std::uint64_t) -> Status {
    to = std::copy(values.begin(), values.end(), to);
    return Done{};
  });
}

Status read_rows(const WeightsFile& file, const Tensor& tensor, RowRange rows, std::span<std::uint16_t> out) {
  expects(out.size() == rows.count * tensor.columns(), "as many numbers as the rows have");
  auto to = out.begin();
  return walk(file, tensor, rows, [&](std::span<const float> values, std::uint64_t first) -> Status {
    for (std::size_t i = 0; i < values.size(); ++i) {
      *to = half_from_float(values[i]);
      if (!std::isfinite(float_from_half(*to)))
        return value_error(file, tensor, "is beyond f16's largest, 65504", first + i, values[i]);
      ++to;
    }
    return Done{};
  });
}

Result<format::HostWeights> read_native(const WeightsFile& file, const Tensor& tensor, RowRange rows) {
  if (const Status status = check_request(file, tensor, rows); !status) return status.error();
  if (!tensor.type->native) {
    return usage_error(fmt::format("{}: tensor {} has a type that no format stands for", file.name(), tensor.name),
                       std::string(tensor.type->name), "dequantize it");
  }
  const auto fine = walk(file, tensor, rows, [](std::span<const float>, std::uint64_t) -> Status { return Done{}; });
  if (!fine) return fine.error();
  return unpack_rows(file, tensor, rows);
}

}  // namespace qtrap::weights
