// The text before a chain: tokens of each sequence of a context, whose keys and values f16 weights bring into its
// caches of every format.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "chain/chain.hpp"
#include "chain/context.hpp"
#include "chain/resident_model.hpp"
#include "core/result.hpp"
#include "scheme/pass.hpp"

namespace qtrap::chain {

class Prompt {
 public:
  /// `ids`, of the vocabulary, one at least; each sequence begins a capacity further in them, and after the last comes
  /// the first. `model`, of a decoder, outlives this. Errors: those of Activations::make() and Chain::make().
  static Result<Prompt> make(const scheme::PassMaker& maker, const ResidentModel& model,
                             std::shared_ptr<const Context> context, std::vector<std::uint32_t> ids);

  /// Brings the first `count` tokens of each sequence into the caches, as far as they are not there; waits. Whoever
  /// reads the context sets where it begins. False: `stopped` said so after a block.
  bool fill(std::uint64_t count, const std::function<bool()>& stopped);
  /// The positions from `count` on are about to be written over.
  void give_up(std::uint64_t count) { filled_ = std::min(filled_, count); }
  /// `run` tokens of each sequence from a position on, [sequence][run].
  std::vector<std::uint32_t> tokens_from(std::uint64_t position, std::uint64_t run) const;

 private:
  Prompt() = default;
  std::shared_ptr<const Context> context_;
  std::vector<std::uint32_t> ids_;
  std::uint64_t run_ = 1;                       ///< tokens of a sequence in a block
  std::vector<std::unique_ptr<Chain>> chains_;  ///< one for each format of the caches
  device::Device* device_ = nullptr;
  std::uint64_t filled_ = 0;
};

}  // namespace qtrap::chain
