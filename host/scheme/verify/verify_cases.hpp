// The table behind verify_kernels: per operation its shapes, its run and its comparison with the host reference.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scheme/pass_factory.hpp"

namespace qtrap::scheme {

/// Outcome of one shape: worst error and what it may be, both relative to the operation's own scale.
struct Comparison {
  double error = 0;
  double tolerance = 0;  ///< 0: bitwise equality
  std::string problem;   ///< what else is wrong, e.g. a broken canary zone; empty if nothing
};

/// Buffers and launches of one shape: outputs are views with a canary zone behind them.
class VerifyBench {
 public:
  VerifyBench(device::Device& device, PassOptions options);

  device::Device& device() { return *device_; }
  const PassOptions& options() const { return options_; }

  template <class T>
  device::Buffer upload(const std::vector<T>& values) {
    device::Buffer buffer = make_buffer(values.size() * sizeof(T));
    device::write_vector(*device_, buffer, values);
    return buffer;
  }
  /// An output of `bytes`, filled with the canary pattern as is the zone behind it.
  device::Buffer make_output(std::uint64_t bytes);
  template <class T>
  std::vector<T> download(const device::Buffer& buffer) {
    return device::read_vector<T>(*device_, buffer, buffer.size_bytes() / sizeof(T));
  }
  /// Runs a pass and waits.
  void run(const Pass& pass);
  /// Whether no kernel wrote behind an output.
  bool canaries_intact();

 private:
  struct Guarded {
    device::Buffer padded;
    std::uint64_t used_bytes;
  };
  device::Buffer make_buffer(std::uint64_t bytes);

  device::Device* device_;
  PassOptions options_;
  std::vector<Guarded> guarded_;
};

struct VerifyCase {
  OperationId operation;
  std::vector<Extent> (*extents_of)(bool small);
  bool grouped;  ///< whether the int4 group size matters
  /// Runs a kernel of the operation once and compares; use check().
  Result<Comparison> (*run)(VerifyBench& bench, const VerifyCase& one, const KernelEntry& kernel, const Extent& extent);
  std::string_view scheme = {};  ///< whose passes run it; empty: it belongs to none

  Result<Comparison> check(VerifyBench& bench, const KernelEntry& kernel, const Extent& extent) const {
    return run(bench, *this, kernel, extent);
  }

  std::vector<std::uint32_t> group_sizes(bool small) const;
  std::string describe(const Extent& extent, std::uint32_t group) const;
};

/// The case of an operation; every kernel of the table has one.
const VerifyCase& verify_case(const OperationId& operation);

}  // namespace qtrap::scheme
