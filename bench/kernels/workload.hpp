// What bench/kernels times for one weight shape: device buffers of random weights in all formats, and the cases
// over them. Of every format as many matrices lie ready as it takes to exceed four times the last-level cache (at least
// two), and consecutive calls take consecutive matrices: no call finds its weights in a cache.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "measurement.hpp"
#include "peers.hpp"
#include "scheme/catalogue/ceiling_kernels.hpp"
#include "scheme/pass.hpp"
#include "scheme/verify/reference.hpp"

namespace qtrap::bench {

/// A result compared with a double-precision sum over the same codes, at sampled rows and tokens of the timed shape.
struct Check {
  std::string name;
  std::uint64_t tokens = 0;
  double worst_error = 0;  ///< of what is allowed: half an ulp of f16 (none for peers) and 4e-6 of sum |w x|
  bool passed() const { return worst_error <= 1.0; }
};

class Workload {
 public:
  /// Makes and fills the weights in f16 and the named formats, in all where none is named; Failure when they do not fit
  /// the device or a name is no format's.
  Workload(device::Device& device, scheme::ProjectionShape shape, std::uint32_t group_size,
           const std::vector<std::string>& formats);

  /// All schemes, each distinct pass alone, the reads that bound them, and the peers, at `tokens` columns of x. The
  /// peers stay bound to this group until the next call.
  Group make_group(std::uint64_t tokens, const std::vector<PeerState*>& peers);
  /// Multiply-adds, copy, casts, quantizers and dequantizers over the whole matrix.
  Group make_bandwidth_group();

  /// Compares the results of all schemes and bound peers of a group made by make_group.
  std::vector<Check> check(std::uint64_t tokens, const std::vector<PeerState*>& peers);

 private:
  device::Buffer buffer(std::uint64_t bytes);
  void run(const scheme::Pass& pass);
  std::size_t matrix_count(std::uint64_t bytes) const;
  /// The f16 tensor of matrix `i`, counted round.
  const device::Buffer& plain_weights(std::size_t i) const;
  const std::vector<scheme::Weights>& matrices(scheme::WeightFormat format) const;
  const scheme::HostWeights& host_weights(scheme::WeightFormat format);
  Case launches(std::string name, std::string kind, std::vector<std::vector<scheme::Pass>> passes_per_matrix);
  scheme::Pass ceiling_pass(scheme::Ceiling ceiling, const std::vector<device::Argument>& arguments);
  scheme::Pass copy_pass(const device::Buffer& from, const device::Buffer& to, std::uint64_t values);
  scheme::Pass make_pass(const scheme::OperationId& operation, std::vector<device::BufferArg> buffers,
                         std::uint64_t first, std::uint64_t second, const scheme::Extent& extent);
  Case read_case(const std::string& name, const std::vector<device::Buffer>& buffers);
  /// The multiply-adds of the ceiling fp32_macs_per_s.
  Case fma_case();
  /// All passes of a scheme for each matrix.
  std::vector<std::vector<scheme::Pass>> scheme_passes(const scheme::PassMaker& maker, const scheme::SchemeInfo& info,
                                                       std::uint64_t tokens);
  /// Each scheme with the kernels that the device's probes choose and, where they are variants, with the plain ones.
  void add_schemes(Group& group);
  void add_peers(Group& group, const std::vector<PeerState*>& peers);
  void make_peer_weights();
  /// `split`: the weights were rounded to f16 on their way.
  Check compare(std::string name, scheme::WeightFormat format, bool split, const std::vector<double>& x,
                const std::vector<double>& y, std::uint64_t tokens, double result_ulp);

  device::Device* device_;
  scheme::PassMaker maker_;
  scheme::ProjectionShape shape_;
  std::vector<const format::FormatInfo*> formats_;
  std::vector<const scheme::SchemeInfo*> schemes_;  ///< of these formats
  std::map<scheme::WeightFormat, std::vector<scheme::Weights>> weights_;
  std::vector<scheme::HostWeights> host_;  ///< matrix 0 of each format, downloaded at need
  device::Buffer x_, y_;                   ///< of the last group
  std::vector<std::vector<float>> peer_weights_;
  std::vector<float> peer_x_, peer_y_;
};

}  // namespace qtrap::bench
