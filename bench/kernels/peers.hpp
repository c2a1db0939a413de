// Matrix products of other libraries on f32 copies of the same weights: Y = X W^T as ours, Y [tokens][rows], X
// [tokens][columns], W [rows][columns], all row-major. A library that was absent at build time says so by its status.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "device/device_info.hpp"
#include "scheme/scheme.hpp"

namespace qtrap::bench {

class Peer {
 public:
  virtual ~Peer() = default;
  /// "OpenBLAS sgemv" or "CLBlast Sgemm", as the number of tokens has it.
  virtual std::string routine(std::uint64_t tokens) const = 0;
  /// Sets the operands; `weights` stay where they are until the peer ends. `y` has room for tokens x rows values.
  virtual void bind(scheme::ProjectionShape shape, const std::vector<std::span<float>>& weights, std::uint64_t tokens,
                    std::span<float> x, std::span<float> y) = 0;
  /// Starts one product with matrix `matrix`.
  virtual void multiply(std::size_t matrix) = 0;
  /// Waits for all products.
  virtual void finish() = 0;
  /// Makes y visible to the host.
  virtual void fetch() = 0;
};

struct PeerState {
  std::string name;
  std::string status;          ///< "not built", or version and settings
  std::unique_ptr<Peer> peer;  ///< null when not built
};

PeerState make_openblas();
/// CLBlast in a context of its own on the device that `info` describes.
PeerState make_clblast(const device::DeviceInfo& info);

}  // namespace qtrap::bench
