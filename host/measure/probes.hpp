// Probe windows: one operation alone, so that every cost of the decomposition has a window in which it dominates. In a
// chain bytes, multiply-adds and launches grow together and cannot be told apart.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "core/result.hpp"
#include "measure/load_loop.hpp"
#include "measure/pace.hpp"
#include "power/sensor/sampled_load.hpp"
#include "profile/profile.hpp"
#include "scheme/pass.hpp"

namespace qtrap::measure {

/// The schemes whose costs a session of the campaign probes: its own and those of formats with kernels of their own,
/// which are few, so that files of any campaigns can be fitted together.
std::vector<scheme::SchemeInfo> probed_schemes(const profile::Campaign& campaign);

/// The probes, made one after another because each needs memory of its own. Names: `copy`, `macs_registers`,
/// `macs_<scheme>@<tokens>` (the matmul of a matrix that stays in cache, for each number of tokens),
/// `dequantize_<scheme>`, `quantize_<scheme>`, `cast_f16_f32`, `cast_f32_f16`, `empty_launch`, `host_sync`; most in two
/// sizes.
class ProbeSet {
 public:
  /// `tokens`: those of the chains that will run; `schemes`: probed_schemes().
  ProbeSet(const scheme::PassMaker& maker, const Timing& timing, const std::set<std::uint64_t>& tokens,
           const std::vector<scheme::SchemeInfo>& schemes);
  std::size_t size() const { return makers_.size(); }
  /// The loop of one probe; its buffers live as long as it does. kRuntime errors: out of memory, a kernel does not
  /// build.
  Result<LoadLoop> make(std::size_t index) const { return makers_.at(index)(); }

 private:
  std::vector<std::function<Result<LoadLoop>()>> makers_;
};

/// The passes of one role of `scheme`: matmul and dequantize on as many matrices of `shape` as together exceed the
/// cache, cast and quantize once, on activations of its columns. kRuntime errors as of ProbeSet::make(). What `maker`
/// and `timing` point to must outlive it.
Result<LoadLoop> make_role_loop(const scheme::PassMaker& maker, const Timing& timing, const scheme::SchemeInfo& scheme,
                                scheme::Role role, scheme::ProjectionShape shape, std::uint64_t tokens);

/// Keeps a device busy with multiply-adds from registers for a given time, in launches of about half a millisecond: the
/// load of known edges that a sensor is characterised with. What `maker` and `timing` point to must outlive it.
/// kRuntime error when the kernel does not build.
Result<power::KeepBusy> make_busy_load(const scheme::PassMaker& maker, const Timing& timing);

}  // namespace qtrap::measure
