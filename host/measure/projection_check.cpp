#include "measure/projection_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "core/half.hpp"
#include "device/device.hpp"

namespace qtrap::measure {
namespace {

using scheme::Pass;

/// Inputs after which a row without a telling result counts as not checked.
constexpr std::int64_t kMostInputs = 8;
/// Blocks that are checked beside the first and the last whatever they take, and those of the first launch after them;
/// each further launch has twice as many.
constexpr std::uint64_t kFewBlocks = 2;
/// Stream of the inputs, apart from those of weights and of the chain's seed.
constexpr std::uint64_t kInputTensor = (std::uint64_t{1} << 62) + 1;

Result<ProjectionPasses> make_passes(const scheme::SchemePasses& owner, const scheme::Weights& weights,
                                     const device::Buffer& x, const device::Buffer& y) {
  auto inputs = owner.input_passes(x, weights.shape.columns);
  if (!inputs) return inputs.error();
  auto passes = owner.projection_passes(weights, x, y);
  if (!passes) return passes.error();
  return ProjectionPasses{std::move(inputs).value(), std::move(passes).value()};
}

double to_number(std::uint16_t half) { return static_cast<double>(float_from_half(half)); }

}  // namespace

const Pass& ProjectionPasses::matmul() const {
  return *std::find_if(passes.begin(), passes.end(),
                       [](const Pass& pass) { return pass.role == scheme::Role::kMatmul; });
}

const Pass* ProjectionPasses::expansion() const {
  return passes.front().role == scheme::Role::kDequantize ? &passes.front() : nullptr;
}

Result<ProjectionCheck> ProjectionCheck::make(const scheme::PassMaker& maker, const scheme::SchemeInfo& scheme,
                                              const scheme::Weights& weights, std::uint64_t tokens) {
  ProjectionCheck check;
  check.maker_ = &maker;
  check.shape_ = weights.shape;
  check.tokens_ = tokens;
  check.told_.assign(weights.shape.rows, false);
  device::Device& device = maker.device();
  const std::pair<device::Buffer ProjectionCheck::*, std::uint64_t> buffers[] = {
      {&ProjectionCheck::x_, weights.shape.columns},
      {&ProjectionCheck::y_, weights.shape.rows},
      {&ProjectionCheck::reference_y_, weights.shape.rows}};
  for (const auto& [member, width] : buffers) {
    auto buffer = device.make_buffer(sizeof(std::uint16_t) * tokens * width);
    if (!buffer) return buffer.error();
    check.*member = buffer.value();
  }
  scheme::PassOptions plain = maker.options();
  plain.family = plain.variant = "reference";
  plain.tuning = {};
  const scheme::PassMaker reference_maker(device, plain);
  auto fast = scheme::SchemePasses::make(maker, scheme, tokens, {weights.shape});
  if (!fast) return fast.error();
  auto reference = scheme::SchemePasses::make(reference_maker, scheme, tokens, {weights.shape});
  if (!reference) return reference.error();
  auto fast_passes = make_passes(fast.value(), weights, check.x_, check.y_);
  if (!fast_passes) return fast_passes.error();
  auto reference_passes = make_passes(reference.value(), weights, check.x_, check.reference_y_);
  if (!reference_passes) return reference_passes.error();
  check.fast_owner_ = std::move(fast).value();
  check.reference_owner_ = std::move(reference).value();
  check.fast_ = std::move(fast_passes).value();
  check.reference_ = std::move(reference_passes).value();
  return check;
}

std::string ProjectionCheck::place(std::uint64_t row) const {
  return fmt::format("row {} of {} x {}, {} token{}", row, shape_.rows, shape_.columns, tokens_,
                     tokens_ == 1 ? "" : "s");
}

KernelCheck ProjectionCheck::check_expansion() {
  device::Device& device = maker_->device();
  for (const auto* side : {&fast_, &reference_}) device.enqueue(side->expansion()->launch);
  const auto read = [&](const ProjectionPasses& side) {
    return device::read_vector<std::uint16_t>(device, side.expansion()->buffers.back().buffer,
                                              shape_.rows * shape_.columns);
  };
  const auto found = read(fast_);
  const auto expected = read(reference_);
  const auto rows = static_cast<std::int64_t>(shape_.rows);
  KernelCheck check{rows, rows, 0, {}};
  const auto [one, other] = std::mismatch(found.begin(), found.end(), expected.begin());
  if (one == found.end()) return check;
  const auto at = static_cast<std::uint64_t>(one - found.begin());
  check.worst = RowTolerance::exact().share(to_number(*one), to_number(*other));
  check.problem =
      fmt::format("{} is wrong in {}: {:.6g} in column {}, the reference gives {:.6g}", fast_.expansion()->kernel,
                  place(at / shape_.columns), to_number(*one), at % shape_.columns, to_number(*other));
  return check;
}

/// Makes new activations and all that the matmuls of both sides read.
Status ProjectionCheck::load(std::uint64_t draw, std::int64_t input) {
  device::Device& device = maker_->device();
  auto random =
      maker_->random_f16(x_, tokens_ * shape_.columns, 1.0F, draw, kInputTensor + static_cast<std::uint64_t>(input));
  if (!random) return random.error();
  device.enqueue(random.value().launch);
  for (const auto* side : {&fast_, &reference_}) {
    for (const Pass& pass : side->inputs) device.enqueue(pass.launch);
    if (input == 0 && side->expansion() != nullptr) device.enqueue(side->expansion()->launch);
  }
  device.enqueue(fast_.matmul().launch);
  return Done{};
}

/// Lets the reference make the rows of some blocks; a block is a work-group of it.
void ProjectionCheck::run_reference(const BlockRun& run) {
  device::Launch launch = reference_.matmul().launch;
  launch.size.offset[0] = run.first * launch.size.local[0];
  launch.size.global[0] = run.count * launch.size.local[0];
  maker_->device().enqueue(launch);
}

std::vector<std::uint64_t> ProjectionCheck::choose_blocks(const Timing& timing, std::uint64_t draw, Seconds budget) {
  const std::size_t block = reference_.matmul().launch.size.local[0];
  auto order = order_blocks((shape_.rows + block - 1) / block, draw);
  const auto run = [&](std::uint64_t from, std::uint64_t to) {
    for (const BlockRun& one : find_runs(order, from, to)) run_reference(one);
    timing.device->finish();
  };
  std::uint64_t done = std::min<std::uint64_t>(order.size(), 2 + kFewBlocks);
  run(0, done);  // compiles the reference, too
  Seconds last;
  const Seconds begin = timing.clock->now();
  for (std::uint64_t count = kFewBlocks; done < order.size() && !timing.stopped(); count *= 2) {
    const Seconds start = timing.clock->now();
    if (start - begin + last * 2 > budget) break;
    const std::uint64_t end = std::min<std::uint64_t>(done + count, order.size());
    run(done, end);
    done = end;
    last = timing.clock->now() - start;
  }
  order.resize(done);
  return order;
}

template <class Visit>
void ProjectionCheck::for_each_row(const std::vector<std::uint64_t>& blocks, Visit&& visit) const {
  const std::uint64_t size = reference_.matmul().launch.size.local[0];
  for (const std::uint64_t block : blocks) {
    for (std::uint64_t row = block * size; row < std::min((block + 1) * size, shape_.rows); ++row) visit(row, block);
  }
}

/// Results of a matmul, [token][row], whether f16 or integers.
std::vector<double> ProjectionCheck::read_results(const ProjectionPasses& passes) const {
  const device::Buffer& buffer = passes.matmul().buffers.back().buffer;
  const std::uint64_t count = tokens_ * shape_.rows;
  std::vector<double> values(count);
  if (buffer.size_bytes() == sizeof(std::int32_t) * count) {
    const auto sums = device::read_vector<std::int32_t>(maker_->device(), buffer, count);
    std::copy(sums.begin(), sums.end(), values.begin());
  } else {
    const auto halves = device::read_vector<std::uint16_t>(maker_->device(), buffer, count);
    std::transform(halves.begin(), halves.end(), values.begin(), to_number);
  }
  return values;
}

RowTolerance ProjectionCheck::tolerance_of(const std::vector<std::uint64_t>& blocks,
                                           const std::vector<double>& expected) const {
  if (fast_.matmul().buffers.back().buffer.size_bytes() == sizeof(std::int32_t) * expected.size())
    return RowTolerance::exact();
  double squares = 0;
  std::uint64_t count = 0;
  for_each_row(blocks, [&](std::uint64_t row, std::uint64_t) {
    for (std::uint64_t i = row; i < expected.size(); i += shape_.rows, ++count) squares += expected[i] * expected[i];
  });
  return RowTolerance::make(shape_.columns, std::sqrt(squares / static_cast<double>(count)),
                            fast_.matmul().matrix_unit != "none");
}

/// Compares the rows of `blocks`; those that hold a row of which no input has told yet.
std::vector<std::uint64_t> ProjectionCheck::judge(const std::vector<std::uint64_t>& blocks, KernelCheck& check) {
  const auto found = read_results(fast_);
  const auto expected = read_results(reference_);
  const RowTolerance tolerance = tolerance_of(blocks, expected);
  std::set<std::uint64_t> open;
  for_each_row(blocks, [&](std::uint64_t row, std::uint64_t block) {
    for (std::uint64_t i = row; i < found.size(); i += shape_.rows) {
      const double share = tolerance.share(found[i], expected[i]);
      check.worst = std::max(check.worst, share);
      if (tolerance.is_telling(expected[i])) told_[row] = true;
      if (share <= 1 || check.problem) continue;
      check.problem = fmt::format("{} is wrong in {}: {:.6g} for token {}, the reference gives {:.6g}",
                                  fast_.matmul().kernel, place(row), found[i], i / shape_.rows, expected[i]);
    }
    if (!told_[row]) open.insert(block);
  });
  return {open.begin(), open.end()};
}

Result<KernelCheck> ProjectionCheck::check_matmul(const Timing& timing, std::uint64_t draw, Seconds budget) {
  KernelCheck check;
  check.rows = static_cast<std::int64_t>(shape_.rows);
  std::vector<std::uint64_t> blocks;
  for (std::int64_t input = 0; input < kMostInputs && !timing.stopped(); ++input) {
    if (auto loaded = load(draw, input); !loaded) return loaded.error();
    if (input == 0) {
      blocks = choose_blocks(timing, draw, budget);
    } else {
      for (const BlockRun& run : find_runs(blocks, 0, blocks.size())) run_reference(run);
      timing.device->finish();
    }
    blocks = judge(blocks, check);
    if (blocks.empty() || check.problem) break;
  }
  check.rows_checked = std::count(told_.begin(), told_.end(), true);
  return check;
}

}  // namespace qtrap::measure
