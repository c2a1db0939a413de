// Attention over f16 caches beside a product of a matrix of the same bytes: attention [DEVICE [MIB]]. Layers of caches
// are gone through in turn, MIB of them in all, so that they are read from memory. A line per model and context: the
// medians of both times over rounds in which they alternate, bytes of keys and values per second, and the part of the
// product's.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "core/anchor.hpp"
#include "device/discovery.hpp"
#include "program/devices.hpp"
#include "scheme/pass.hpp"

namespace {

using namespace qtrap;
using scheme::AttentionShape;
using scheme::Pass;

constexpr int kRounds = 9;

struct Model {
  const char* name;
  std::uint64_t heads, kv_heads, head_dim;
};
constexpr Model kModels[] = {{"smollm2-135m", 9, 3, 64}, {"qwen2.5-7b", 28, 4, 128}, {"llama3-8b", 32, 8, 128}};

double seconds_of(device::Device& device, const std::vector<std::vector<Pass>>& layers) {
  const auto begin = std::chrono::steady_clock::now();
  for (const auto& passes : layers) {
    for (const Pass& pass : passes) device.enqueue(pass.launch);
  }
  device.finish();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() /
         static_cast<double>(layers.size());
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + kRounds / 2, values.end());
  return values[kRounds / 2];
}

class Bench {
 public:
  Bench(device::Device& device, std::uint64_t bytes) : device_(&device), maker_(device, {}), bytes_(bytes) {}

  void measure(const Model& model, std::uint64_t batch, std::uint64_t context) {
    AttentionShape shape{model.heads, model.kv_heads, model.head_dim, batch, 1, context, 1};
    const std::uint64_t units = std::max<std::uint64_t>(device_->info().compute_units, 1);
    shape.splits = std::clamp<std::uint64_t>((2 * units + batch - 1) / batch, 1, (context + 63) / 64);
    const std::uint64_t cache_bytes = 4 * shape.cache_elements();
    const std::uint64_t count = std::max<std::uint64_t>(bytes_ / cache_bytes, 1);
    std::vector<std::vector<Pass>> attention;
    std::vector<std::vector<Pass>> product;
    const auto q = random(batch * model.heads * model.head_dim);
    const auto out = device_->make_buffer(2 * batch * model.heads * model.head_dim).value();
    const auto parts = device_->make_buffer(shape.part_bytes()).value();
    const auto position = device_->make_buffer(4).value();
    device::write_vector(*device_, position, std::vector<std::uint32_t>{static_cast<std::uint32_t>(context - 1)});
    const scheme::ProjectionShape matrix{cache_bytes / (2 * kColumns), kColumns};
    auto product_passes = scheme::SchemePasses::make(maker_, scheme::find_scheme(kAnchor).value(), 1, {matrix}).value();
    const auto x = random(kColumns);
    const auto y = device_->make_buffer(2 * matrix.rows).value();
    for (std::uint64_t layer = 0; layer < count; ++layer) {
      const scheme::KvCache cache{random(shape.cache_elements()), random(shape.cache_elements())};
      attention.push_back(
          {maker_.attend(q, cache, position, parts, shape).value(), maker_.combine_heads(parts, out, shape).value()});
      auto weights = scheme::allocate_weights(*device_, format::kPlainFormat, matrix, 128).value();
      fill(weights.codes(), matrix.rows * matrix.columns);
      product.push_back(product_passes.projection_passes(weights, x, y).value());
    }
    std::vector<double> attention_s;
    std::vector<double> product_s;
    for (int round = -1; round < kRounds; ++round) {
      const double a = seconds_of(*device_, attention);
      const double b = seconds_of(*device_, product);
      if (round < 0) continue;  // builds
      attention_s.push_back(a);
      product_s.push_back(b);
    }
    const double a = median(attention_s);
    const double b = median(product_s);
    fmt::print("{:14} {:5} {:8} {:7} {:11.1f} {:11.1f} {:9.2f} {:9.2f}\n", model.name, batch, context, shape.splits,
               1e6 * a, 1e6 * b, 1e-9 * static_cast<double>(cache_bytes) / a, b / a);
  }

 private:
  static constexpr std::uint64_t kColumns = 4096;

  device::Buffer random(std::uint64_t count) {
    auto buffer = device_->make_buffer(2 * count).value();
    fill(buffer, count);
    return buffer;
  }
  void fill(const device::Buffer& buffer, std::uint64_t count) {
    device_->enqueue(maker_.random_f16(buffer, count, 1.0F, 1, stream_++).value().launch);
    device_->finish();
  }

  device::Device* device_;
  scheme::PassMaker maker_;
  std::uint64_t bytes_;
  std::uint64_t stream_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  program::DeviceOptions options;
  options.selector = count > 1 ? arguments[1] : "cpu";
  const std::uint64_t bytes = (count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 256) << 20U;
  device::Device device(program::choose_probed_device(options), program::kernel_sources(options));
  Bench bench(device, bytes);
  fmt::print("{:14} {:>5} {:>8} {:>7} {:>11} {:>11} {:>9} {:>9}\n", "model", "batch", "context", "splits", "us",
             "product us", "GB/s", "of product");
  for (const Model& model : kModels) {
    for (const auto& [batch, context] :
         {std::pair<std::uint64_t, std::uint64_t>{1, 512}, {1, 2048}, {1, 8192}, {4, 2048}, {16, 512}})
      bench.measure(model, batch, context);
  }
  return 0;
}
