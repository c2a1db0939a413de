#include "format/format.hpp"

#include <cmath>
#include <cstring>

#include "core/half.hpp"
#include "format/rounding.hpp"
#include "format/rows.hpp"

namespace qtrap::format {

int round_product(float a, float b) {
  return static_cast<int>(std::nearbyint(static_cast<double>(a) * static_cast<double>(b)));
}

std::uint16_t scale_bits(float span) {
  const std::uint16_t bits = half_from_float(span);
  return bits == 0 ? half_from_float(1.0F) : bits;
}

std::uint64_t count_groups(std::uint64_t columns, std::uint64_t group) { return (columns + group - 1) / group; }

float HostWeights::half(PartName name, std::uint64_t i) const {
  const std::vector<std::uint8_t>& bytes = part(name);
  return float_from_half(static_cast<std::uint16_t>(bytes[2 * i] | bytes[2 * i + 1] << 8));
}

void HostWeights::set_half(PartName name, std::uint64_t i, std::uint16_t bits) {
  std::vector<std::uint8_t>& bytes = part(name);
  bytes[2 * i] = static_cast<std::uint8_t>(bits & 255U);
  bytes[2 * i + 1] = static_cast<std::uint8_t>(bits >> 8U);
}

float HostWeights::single(PartName name, std::uint64_t i) const {
  float value = 0;
  std::memcpy(&value, part(name).data() + sizeof(value) * i, sizeof(value));
  return value;
}

void HostWeights::set_single(PartName name, std::uint64_t i, float value) {
  std::memcpy(part(name).data() + sizeof(value) * i, &value, sizeof(value));
}

double HostWeights::value(std::uint64_t row, std::uint64_t column) const {
  const Element e = info(format).element(*this, row, column);
  return e.scale * e.code + e.shift;
}

double HostWeights::magnitude(std::uint64_t row, std::uint64_t column) const {
  const Element e = info(format).element(*this, row, column);
  return std::fabs(e.scale * e.code) + std::fabs(e.shift);
}

std::span<const FormatInfo> all_formats() {
  static const std::array kFormats{kF16Row,  kInt8Row, kInt4Row,  kQ8_0Row,  kQ4_0Row, kQ4_1Row, kQ4_KRow,
                                   kQ6_KRow, kNf4Row,  kMxfp4Row, kNvfp4Row, kFp8Row,  kInt3Row, kInt2Row};
  return kFormats;
}

const FormatInfo& info(WeightFormat format) { return all_formats()[static_cast<std::size_t>(format)]; }

std::uint64_t compute_weight_bytes(WeightFormat format, Shape shape, std::uint64_t group) {
  std::uint64_t bytes = 0;
  for (const Part& part : info(format).parts) bytes += part.bytes(shape, group);
  return bytes;
}

HostWeights make_host_weights(WeightFormat format, Shape shape, std::uint32_t group) {
  HostWeights weights{format, shape, group, {}};
  for (const Part& part : info(format).parts) weights.part(part.name).assign(part.bytes(shape, group), 0);
  return weights;
}

HostWeights quantize(const HalfBits& f16, WeightFormat format, Shape shape, std::uint32_t group) {
  HostWeights weights = make_host_weights(format, shape, group);
  info(format).quantize(f16, weights);
  return weights;
}

}  // namespace qtrap::format
