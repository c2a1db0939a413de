#include "scheme/pass.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/contract.hpp"
#include "scheme/pass_factory.hpp"

namespace qtrap::scheme {
namespace {

using device::Access;
using device::Argument;
using device::Buffer;
using enum OperationKind;

// Standard deviation of a sum of four bytes, sqrt(4 (256^2 - 1) / 12).
const double kByteSumDeviation = std::sqrt(21845.0);

std::uint32_t argument(std::uint64_t value) {
  expects(value <= 0xFFFFFFFFU, "kernel arguments fit 32 bits");
  return static_cast<std::uint32_t>(value);
}
std::uint32_t low_word(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t high_word(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

}  // namespace

Result<Weights> allocate_weights(device::Device& device, WeightFormat format, ProjectionShape shape,
                                 std::uint32_t group_size) {
  Weights weights{format, shape, {}};
  for (const format::Part& part : format::info(format).parts) {
    auto buffer = device.make_buffer(part.bytes(shape, group_size));
    if (!buffer) return buffer.error();
    weights.part(part.name) = std::move(buffer).value();
  }
  return weights;
}

format::HostWeights download_weights(device::Device& device, const Weights& weights, std::uint32_t group_size) {
  format::HostWeights host = format::make_host_weights(weights.format, weights.shape, group_size);
  for (const format::Part& part : format::info(weights.format).parts) {
    std::vector<std::uint8_t>& bytes = host.part(part.name);
    bytes = device::read_vector<std::uint8_t>(device, weights.part(part.name), bytes.size());
  }
  return host;
}

void upload_weights(device::Device& device, const format::HostWeights& host, const Weights& weights) {
  expects(host.format == weights.format && host.shape == weights.shape, "weights of one format and shape");
  for (const format::Part& part : format::info(host.format).parts)
    device::write_vector(device, weights.part(part.name), host.part(part.name));
}

float random_unit(float sigma) { return static_cast<float>(static_cast<double>(sigma) / kByteSumDeviation); }

PassMaker::PassMaker(device::Device& device, PassOptions options) : device_(&device), options_(std::move(options)) {}

Result<Pass> PassMaker::make(const OperationId& operation, const std::vector<Operand>& operands,
                             std::vector<Argument> scalars, const Extent& extent) const {
  PassParts parts{operation, {}, std::move(scalars), extent, {}};
  for (const Operand& operand : operands) {
    parts.buffers.push_back({exact_view(*device_, operand.buffer, operand.bytes), operand.access});
  }
  if (role_of(operation) == Role::kCast) parts.costs.cast_elements = extent.count;
  return make_pass(*device_, options_, std::move(parts));
}

void PassMaker::leave_out_beside(Result<Pass>& pass, std::size_t operand, const Columns& columns, std::uint64_t width,
                                 std::uint64_t tokens) const {
  expects(columns.first + width <= columns.row, "columns lie in their row");
  if (pass) leave_out(*device_, pass.value(), operand, 2 * (columns.row - width) * tokens);
}

Result<Pass> PassMaker::random_f16(const Buffer& out, std::uint64_t count, float sigma, std::uint64_t seed,
                                   std::uint64_t tensor) const {
  return make(
      {kRandom}, {{out, Access::kWrite, 2 * count}},
      {argument(count), random_unit(sigma), low_word(seed), high_word(seed), low_word(tensor), high_word(tensor)},
      {.count = count});
}

Result<Pass> PassMaker::random_f32(const Buffer& out, std::uint64_t count, float sigma, std::uint64_t seed,
                                   std::uint64_t tensor) const {
  return make(
      {kRandom, {}, Form::kF32}, {{out, Access::kWrite, 4 * count}},
      {argument(count), random_unit(sigma), low_word(seed), high_word(seed), low_word(tensor), high_word(tensor)},
      {.count = count});
}

Result<Pass> PassMaker::quantize_weights(const Buffer& f16, const Weights& weights) const {
  expects(weights.format != format::kPlainFormat, "f16 weights need no quantizing");
  const auto [rows, columns] = weights.shape;
  const format::FormatInfo& format = format::info(weights.format);
  std::vector<Operand> operands{{f16, Access::kRead, 2 * rows * columns}};
  for (const format::Part& part : format.parts) {
    operands.push_back({weights.part(part.name), Access::kWrite, part.bytes(weights.shape, options_.group_size)});
  }
  return make({kQuantizeWeights, weights.format, std::nullopt}, operands, {argument(rows), argument(columns)},
              {.rows = rows, .columns = columns});
}

Result<Pass> PassMaker::cast_f32_f16(const Buffer& in, const Buffer& out, std::uint64_t count) const {
  return make({kNarrow}, {{in, Access::kRead, 4 * count}, {out, Access::kWrite, 2 * count}}, {argument(count)},
              {.count = count});
}

Result<Pass> PassMaker::cast_f16_f32(const Buffer& in, const Buffer& out, std::uint64_t count) const {
  return make({kCast, {}, Form::kF32}, {{in, Access::kRead, 2 * count}, {out, Access::kWrite, 4 * count}},
              {argument(count)}, {.count = count});
}

Result<Pass> PassMaker::rms_norm(const Buffer& x, const Buffer& gamma, const Buffer& out, std::uint64_t width,
                                 std::uint64_t tokens, float eps) const {
  return make({kNorm},
              {{x, Access::kRead, 2 * width * tokens},
               {gamma, Access::kRead, 2 * width},
               {out, Access::kWrite, 2 * width * tokens}},
              {argument(width), argument(tokens), eps, argument(1), argument(0), argument(width)},
              {.columns = width, .tokens = tokens});
}

Result<Pass> PassMaker::rms_norm_heads(const Columns& x, const Buffer& gamma, std::uint64_t width, std::uint64_t heads,
                                       std::uint64_t tokens, float eps) const {
  auto pass = make(
      {kNorm}, {bind(x, tokens, Access::kRead), {gamma, Access::kRead, 2 * width}, bind(x, tokens, Access::kWrite)},
      {argument(width), argument(heads * tokens), eps, argument(heads), argument(x.first), argument(x.row)},
      {.columns = width, .tokens = heads * tokens});
  for (const std::size_t operand : {0U, 2U}) leave_out_beside(pass, operand, x, heads * width, tokens);
  return pass;
}

Result<Pass> PassMaker::add_bias(const Buffer& x, const Buffer& bias, std::uint64_t width, std::uint64_t tokens) const {
  return make({kBias}, {{x, Access::kReadWrite, 2 * width * tokens}, {bias, Access::kRead, 2 * width}},
              {argument(width)}, {.columns = width, .tokens = tokens});
}

Result<Pass> PassMaker::quantize_rows(const Buffer& x, const CacheBuffers& out, std::uint64_t rows,
                                      std::uint64_t columns) const {
  return make({kQuantize, {}, Form::kI8},
              {{x, Access::kRead, 2 * rows * columns},
               {out.elements, Access::kWrite, rows * columns},
               {out.scales, Access::kWrite, 4 * rows}},
              {argument(columns), argument(rows)}, {.columns = columns, .tokens = rows});
}

Result<Pass> PassMaker::swiglu(const Columns& gate, const Columns& up, const Buffer& out, std::uint64_t width,
                               std::uint64_t tokens) const {
  expects(gate.row == up.row, "rows of gate and up are as long");
  const bool dense = gate.row == width;  // one long row: its chunks do not end with a token's
  const std::uint64_t row = dense ? width * tokens : gate.row;
  const std::uint64_t count = dense ? row : width;
  const std::uint64_t rows = dense ? 1 : tokens;
  auto pass = make(
      {kGate},
      {bind(gate, tokens, Access::kRead), bind(up, tokens, Access::kRead), {out, Access::kWrite, 2 * width * tokens}},
      {argument(count), argument(gate.first), argument(up.first), argument(row)}, {.count = count, .tokens = rows});
  leave_out_beside(pass, 0, gate, width, tokens);
  leave_out_beside(pass, 1, up, width, tokens);
  return pass;
}

Result<Pass> PassMaker::residual_add(const Buffer& x, const Buffer& y, std::uint64_t count) const {
  return make({kAdd}, {{x, Access::kReadWrite, 2 * count}, {y, Access::kRead, 2 * count}}, {argument(count)},
              {.count = count});
}

Result<Pass> PassMaker::expand_heads(const Columns& v, const Buffer& out, std::uint64_t heads, std::uint64_t kv_heads,
                                     std::uint64_t head_dim, std::uint64_t tokens) const {
  expects(kv_heads > 0 && heads % kv_heads == 0, "heads are a multiple of kv_heads");
  auto pass =
      make({kExpandHeads}, {bind(v, tokens, Access::kRead), {out, Access::kWrite, 2 * heads * head_dim * tokens}},
           {argument(heads), argument(heads / kv_heads), argument(head_dim), argument(v.first), argument(v.row)},
           {.rows = heads, .tokens = tokens});
  leave_out_beside(pass, 0, v, kv_heads * head_dim, tokens);
  return pass;
}

namespace {

Extent extent_of(const AttentionShape& s) {
  expects(s.kv_heads > 0 && s.heads % s.kv_heads == 0, "heads are a multiple of kv_heads");
  expects(s.head_dim % 2 == 0 && s.run > 0 && s.splits > 0, "heads have pairs, and tokens and parts are some");
  return {.count = s.kv_heads, .rows = s.heads, .columns = s.head_dim, .tokens = s.tokens(), .splits = s.splits};
}

}  // namespace

void PassMaker::add_caches(const KvCache& cache, const AttentionShape& shape, Access access,
                           std::vector<Operand>& operands) {
  const CacheInfo& format = info(cache.format);
  for (const CacheBuffers* part : {&cache.keys, &cache.values}) {
    operands.push_back({part->elements, access, format.element_bytes(shape.head_dim) * shape.cache_heads()});
    if (format.scale_bytes > 0) operands.push_back({part->scales, access, format.scale_bytes * shape.cache_heads()});
  }
}

Result<Pass> PassMaker::rotate_store(const QueryKeyValue& in, const Buffer& turned, const Buffer& angles,
                                     const Buffer& position, const KvCache& cache, const AttentionShape& shape,
                                     RotaryPairs pairs) const {
  expects(in.k.row == in.v.row, "rows of keys and values are as long");
  const std::uint64_t tokens = shape.tokens();
  const std::uint64_t q_width = shape.heads * shape.head_dim;
  const std::uint64_t angle_bytes = 4 * shape.head_dim;  // of a position
  std::vector<Operand> operands{bind(in.q, tokens, Access::kRead),
                                {turned, Access::kWrite, 2 * tokens * q_width},
                                bind(in.k, tokens, Access::kRead),
                                bind(in.v, tokens, Access::kRead),
                                {angles, Access::kRead, angle_bytes * shape.capacity},
                                {position, Access::kRead, 4}};
  const std::size_t first = operands.size();
  add_caches(cache, shape, Access::kWrite, operands);
  auto pass = make({kRotateStore, {}, form_of(cache.format)}, operands,
                   {argument(shape.heads), argument(shape.kv_heads), argument(shape.head_dim), argument(shape.run),
                    argument(tokens), argument(pairs == RotaryPairs::kInterleaved ? 1 : 0), argument(in.q.first),
                    argument(in.q.row), argument(in.k.first), argument(in.v.first), argument(in.k.row)},
                   extent_of(shape));
  if (!pass) return pass;
  leave_out_beside(pass, 0, in.q, q_width, tokens);
  leave_out_beside(pass, 2, in.k, shape.kv_heads * shape.head_dim, tokens);
  leave_out_beside(pass, 3, in.v, shape.kv_heads * shape.head_dim, tokens);
  // Of angles and caches only the new positions are touched.
  leave_out(*device_, pass.value(), 4, angle_bytes * (shape.capacity - shape.run));
  for (std::size_t i = first; i < operands.size(); ++i) {
    const std::uint64_t row = operands[i].bytes / shape.capacity;
    leave_out(*device_, pass.value(), i, row * (shape.capacity - shape.run));
  }
  return pass;
}

Result<Pass> PassMaker::attend(const Buffer& q, const KvCache& cache, const Buffer& position, const Buffer& parts,
                               const AttentionShape& shape) const {
  std::vector<Operand> operands{{q, Access::kRead, 2 * shape.tokens() * shape.heads * shape.head_dim}};
  add_caches(cache, shape, Access::kRead, operands);
  const std::size_t end = operands.size();
  operands.push_back({position, Access::kRead, 4});
  operands.push_back({parts, Access::kWrite, shape.part_bytes()});
  auto pass = make({kAttend, {}, form_of(cache.format)}, operands,
                   {argument(shape.heads), argument(shape.run), argument(shape.tokens()), argument(shape.splits)},
                   extent_of(shape));
  if (!pass) return pass;
  for (std::size_t i = 1; i < end; ++i) {
    leave_out(*device_, pass.value(), i, operands[i].bytes);
    pass.value().bytes_per_position += operands[i].bytes / shape.capacity;
  }
  return pass;
}

Result<Pass> PassMaker::combine_heads(const Buffer& parts, const Buffer& out, const AttentionShape& shape) const {
  return make({kCombineHeads},
              {{parts, Access::kRead, shape.part_bytes()},
               {out, Access::kWrite, 2 * shape.tokens() * shape.heads * shape.head_dim}},
              {argument(shape.heads), argument(shape.splits)}, extent_of(shape));
}

Result<Pass> PassMaker::embed(const Buffer& table, const Buffer& ids, const Buffer& out, std::uint64_t vocab,
                              std::uint64_t width, std::uint64_t tokens) const {
  auto pass = make({kEmbed},
                   {{table, Access::kRead, 2 * vocab * width},
                    {ids, Access::kRead, 4 * tokens},
                    {out, Access::kWrite, 2 * width * tokens}},
                   {argument(width)}, {.columns = width, .tokens = tokens});
  if (pass && vocab > tokens)
    leave_out(*device_, pass.value(), 0, 2 * (vocab - tokens) * width);  // it reads a row each
  return pass;
}

Result<Pass> PassMaker::choose(const Buffer& logits, const Buffer& ids, const Buffer& position, std::uint64_t vocab,
                               std::uint64_t tokens, std::uint64_t run) const {
  return make({kChoose},
              {{logits, Access::kRead, 2 * vocab * tokens},
               {ids, Access::kWrite, 4 * tokens},
               {position, Access::kReadWrite, 4}},
              {argument(vocab), argument(tokens), argument(run)}, {.columns = vocab, .tokens = tokens});
}

Status fill_weights(const PassMaker& maker, const Buffer& f16, const Weights& weights) {
  device::Device& device = maker.device();
  const auto [rows, columns] = weights.shape;
  if (format::info(weights.format).header_option.empty()) {
    const auto pass = maker.quantize_weights(f16, weights);
    if (!pass) return pass.error();
    device.enqueue(pass.value().launch);
    device.finish();
    return Done{};
  }
  const auto plain = device::read_vector<std::uint16_t>(device, f16, rows * columns);
  upload_weights(device, format::quantize(plain, weights.format, weights.shape, maker.options().group_size), weights);
  return Done{};
}

}  // namespace qtrap::scheme
