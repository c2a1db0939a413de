// Attention over f16 caches beside a plain read of the same bytes and a product of a matrix of as many:
// attention [DEVICE [MIB [OTHER_KERNELS]]]. Layers of caches are gone through in turn, MIB of them in all, so that they
// are read from memory. A line per model, batch and context, of medians over rounds in which all take turns: the part
// of the read's bytes per second that attention (attend and combine_heads) reaches, and of the product's; that of the
// read by attend alone; both by this process' CPU time, which others on a busy machine disturb less (of a CPU device);
// and with OTHER_KERNELS attend's CPU time over that of theirs.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <vector>

#include "core/anchor.hpp"
#include "device/discovery.hpp"
#include "program/devices.hpp"
#include "scheme/catalogue/ceiling_kernels.hpp"
#include "scheme/pass.hpp"

namespace {

using namespace qtrap;
using scheme::AttentionShape;
using scheme::Pass;
using Layers = std::vector<std::vector<Pass>>;

constexpr int kRounds = 9;

struct Model {
  const char* name;
  std::uint64_t heads, kv_heads, head_dim;
};
constexpr Model kModels[] = {{"smollm2-135m", 9, 3, 64}, {"qwen2.5-7b", 28, 4, 128}, {"llama3-8b", 32, 8, 128}};

struct Load {
  std::uint64_t batch, context;
};
constexpr Load kLoads[] = {{1, 512}, {1, 2048}, {1, 8192}, {2, 2048}, {4, 2048}, {8, 2048}, {16, 512}, {16, 2048}};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + kRounds / 2, values.end());
  return values[kRounds / 2];
}

enum CaseIndex : std::size_t { kAttention, kAttend, kRead, kProduct, kOtherAttend, kCases };

/// Passes whose times are taken in turn.
struct Case {
  device::Device* device;
  Layers layers;
  std::vector<double> seconds;
  std::vector<double> cpu_seconds;

  void run(bool counts) {
    const auto begin = std::chrono::steady_clock::now();
    const std::clock_t cpu_begin = std::clock();
    for (const auto& passes : layers) {
      for (const Pass& pass : passes) device->enqueue(pass.launch);
    }
    device->finish();
    const double all = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const double cpu = static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC;
    if (!counts) return;
    seconds.push_back(all / static_cast<double>(layers.size()));
    cpu_seconds.push_back(cpu / static_cast<double>(layers.size()));
  }
};

class Bench {
 public:
  Bench(device::Device& device, device::Device* other, std::uint64_t bytes)
      : device_(&device), other_(other), maker_(device, {}), bytes_(bytes) {}

  void measure(const Model& model, const Load& load) {
    AttentionShape shape{model.heads, model.kv_heads, model.head_dim, load.batch, 1, load.context, 1};
    const std::uint64_t units = std::max<std::uint64_t>(device_->info().compute_units, 1);
    shape.splits = std::clamp<std::uint64_t>((2 * units + load.batch - 1) / load.batch, 1, (load.context + 63) / 64);
    const std::uint64_t cache_bytes = 4 * shape.cache_elements();
    std::vector<Case> cases(other_ != nullptr ? kCases : kCases - 1, Case{device_, {}, {}, {}});
    if (other_ != nullptr) cases[kOtherAttend].device = other_;
    add_layers(shape, std::max<std::uint64_t>(bytes_ / cache_bytes, 1), cases);
    for (int round = -1; round < kRounds; ++round) {  // the first one builds
      for (Case& one : cases) one.run(round >= 0);
    }
    const double attention_s = median(cases[kAttention].seconds);
    const double read_s = median(cases[kRead].seconds);
    const double attend_cpu_s = median(cases[kAttend].cpu_seconds);
    const double read_cpu_s = median(cases[kRead].cpu_seconds);
    fmt::print("{:14} {:5} {:8} {:7} {:11.1f} {:11.1f} {:9.2f} {:9.2f} {:9.2f} {:9.2f} {:9.2f} {:9.2f} {}\n",
               model.name, load.batch, load.context, shape.splits, 1e6 * attention_s, 1e6 * read_s,
               1e-9 * static_cast<double>(cache_bytes) / read_s, read_s / attention_s,
               median(cases[kProduct].seconds) / attention_s, read_s / median(cases[kAttend].seconds),
               read_cpu_s / median(cases[kAttention].cpu_seconds), read_cpu_s / attend_cpu_s,
               other_ == nullptr ? "" : fmt::format("{:9.2f}", attend_cpu_s / median(cases[kOtherAttend].cpu_seconds)));
    std::fflush(stdout);
  }

 private:
  static constexpr std::uint64_t kColumns = 4096;

  void add_layers(const AttentionShape& shape, std::uint64_t count, std::vector<Case>& cases) {
    const auto q = random(shape.tokens() * shape.heads * shape.head_dim);
    const auto out = device_->make_buffer(2 * shape.tokens() * shape.heads * shape.head_dim).value();
    const auto parts = device_->make_buffer(shape.part_bytes()).value();
    const auto position = device_->make_buffer(4).value();
    device::write_vector(*device_, position, std::vector{static_cast<std::uint32_t>(shape.capacity - 1)});
    const scheme::ProjectionShape matrix{2 * shape.cache_elements() / kColumns, kColumns};
    auto product = scheme::SchemePasses::make(maker_, scheme::find_scheme(kAnchor).value(), 1, {matrix}).value();
    const auto x = random(kColumns);
    const auto y = device_->make_buffer(2 * matrix.rows).value();
    for (std::uint64_t layer = 0; layer < count; ++layer) {
      const scheme::KvCache cache{
          CacheFormat::kF16, {random(shape.cache_elements()), {}}, {random(shape.cache_elements()), {}}};
      const Pass attend = maker_.attend(q, cache, position, parts, shape).value();
      cases[kAttention].layers.push_back({attend, maker_.combine_heads(parts, out, shape).value()});
      cases[kAttend].layers.push_back({attend});
      cases[kRead].layers.push_back({read_pass(cache.keys.elements), read_pass(cache.values.elements)});
      auto weights = scheme::allocate_weights(*device_, format::kPlainFormat, matrix, 128).value();
      fill(weights.codes(), matrix.rows * matrix.columns);
      cases[kProduct].layers.push_back(product.projection_passes(weights, x, y).value());
      if (other_ != nullptr) cases[kOtherAttend].layers.push_back({other_attend(shape)});
    }
  }

  /// On caches of its own, as buffers belong to a device.
  Pass other_attend(const AttentionShape& shape) {
    const scheme::PassMaker maker(*other_, {});
    const auto filled = [&](std::uint64_t count) {
      auto buffer = other_->make_buffer(2 * count).value();
      other_->enqueue(maker.random_f16(buffer, count, 1.0F, 1, stream_++).value().launch);
      other_->finish();
      return buffer;
    };
    const auto position = other_->make_buffer(4).value();
    device::write_vector(*other_, position, std::vector{static_cast<std::uint32_t>(shape.capacity - 1)});
    const scheme::KvCache cache{
        CacheFormat::kF16, {filled(shape.cache_elements()), {}}, {filled(shape.cache_elements()), {}}};
    return maker
        .attend(filled(shape.tokens() * shape.heads * shape.head_dim), cache, position,
                other_->make_buffer(shape.part_bytes()).value(), shape)
        .value();
  }

  Pass read_pass(const device::Buffer& in) {
    const scheme::CeilingKernels kernels(device_->info());
    const auto program = kernels.program(scheme::Ceiling::kRead).value();
    if (!read_out_) read_out_ = device_->make_buffer(kernels.items() * sizeof(std::uint32_t)).value();
    auto kernel = device_->make_kernel(scheme::CeilingKernels::kFile, program.entry, program.options).value();
    const std::vector<device::Argument> arguments{
        device::BufferArg{in, device::Access::kRead}, device::BufferArg{*read_out_, device::Access::kWrite},
        static_cast<std::uint32_t>(in.size_bytes() / scheme::CeilingKernels::kVectorBytes), 1U};
    kernel.set_arguments(arguments);
    return {scheme::Role::kOther, program.entry, "none", {kernel, kernels.size()}, {}, {}};
  }

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
  device::Device* other_;
  scheme::PassMaker maker_;
  std::uint64_t bytes_;
  std::uint64_t stream_ = 0;
  std::optional<device::Buffer> read_out_;
};

}  // namespace

int main(int count, char** arguments) {
  program::DeviceOptions options;
  options.selector = count > 1 ? arguments[1] : "cpu";
  const std::uint64_t bytes = (count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 256) << 20U;
  const auto info = program::choose_probed_device(options);
  device::Device device(info, program::kernel_sources(options));
  std::optional<device::Device> other;
  if (count > 3) {
    options.kernel_dir = arguments[3];
    other.emplace(info, program::kernel_sources(options));
  }
  Bench bench(device, other ? &*other : nullptr, bytes);
  fmt::print("{:14} {:>5} {:>8} {:>7} {:>11} {:>11} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {}\n", "model", "batch",
             "context", "splits", "us", "read us", "read GB/s", "of read", "of prod.", "attend", "CPU", "att. CPU",
             other ? "of other" : "");
  for (const Model& model : kModels) {
    for (const Load& load : kLoads) bench.measure(model, load);
  }
  return 0;
}
