// Windows of text through a model's anchor and a scheme on a device.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/result.hpp"
#include "profile/profile.hpp"
#include "quality/loss.hpp"
#include "scheme/pass.hpp"
#include "scheme/scheme.hpp"
#include "weights/decoder.hpp"

namespace qtrap::quality {

/// What is evaluated, on what.
struct Text {
  profile::ModelProfile model;                      ///< of `weights`
  const weights::Decoder* weights = nullptr;        ///< outlives this
  std::vector<std::vector<std::uint32_t>> windows;  ///< ids of the vocabulary; of one length, two tokens at least
  double memory_fraction = 0.8;
};

/// Tokens that go through the device at once.
inline constexpr std::uint64_t kBlockTokens = 128;

/// Losses of the windows in `scheme`, in their order; fewer where `stopped` says so after a block. Errors: kUsage where
/// anchor and scheme do not fit into the device's memory together, those of ResidentModel::make(), of the kernels and
/// of add_tokens().
Result<std::vector<WindowLoss>> evaluate(const scheme::PassMaker& maker, const Text& text,
                                         const scheme::SchemeInfo& scheme, const std::function<bool()>& stopped);

}  // namespace qtrap::quality
