// Trials of a tiny model in one cell, to be pooled.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "pool/pool.hpp"

namespace qtrap::pool {

class PoolCell : public ::testing::Test {
 protected:
  PoolCell() {
    model_.name = "tiny";
    model_.hidden = 64;
    model_.ffn = 128;
    model_.layers = 2;
    model_.heads = 4;
    model_.kv_heads = 2;
    model_.head_dim = 16;
    model_.vocab = 100;
    campaign_.models = {"tiny"};
    campaign_.schemes = {"w8a16-split"};
    campaign_.group_size = 128;
    for (const char* id : {"s1", "s2"}) {
      result::SessionRecord session;
      session.session_id = id;
      session.device.id = "dev";
      session.ceilings.read_bytes_per_s = 1e9;
      sessions_.push_back(session);
    }
  }

  void add(const std::string& session, const std::string& scheme, std::int64_t block, double wall_s,
           std::int64_t repetitions = 1) {
    for (const auto mode : {result::TrialMode::kBare, result::TrialMode::kProfiled}) {
      result::TrialRecord trial;
      trial.session_id = session;
      trial.point_id = profile::make_point_id(cell_, scheme);
      trial.scheme = scheme;
      trial.cell_id = cell_.id();
      trial.block = block;
      trial.mode = mode;
      trial.repetitions = repetitions;
      trial.wall_s = wall_s;
      trial.layers = 2;
      trial.resident_layers = 2;
      trial.launches = 10 * repetitions;
      trial.bytes = 1000 * repetitions;
      trial.syncs = repetitions;
      trial.stop_reason = result::StopReason::kTrials;
      if (trial.mode == result::TrialMode::kProfiled) {
        trial.phase_cast_s = 0.0;
        trial.phase_quantize_s = 0.0;
        trial.phase_dequantize_s = 0.5 * wall_s;
        trial.phase_matmul_s = 0.25 * wall_s;
        trial.phase_attention_s = 0.0;
        trial.phase_other_s = 0.125 * wall_s;
        trial.gap_s = 0.125 * wall_s;
      }
      trials_.push_back(trial);
    }
  }

  std::vector<result::PointRecord> pool() {
    return pool_cells(std::vector<PoolInput>{{cell_, &model_, &campaign_, sessions_, trials_, failures_}});
  }

  profile::Cell cell_{"tiny", 1, 1, 1, 0};
  profile::ModelProfile model_;
  profile::Campaign campaign_;
  std::vector<result::SessionRecord> sessions_;
  std::vector<result::TrialRecord> trials_;
  std::map<std::string, Error> failures_;
};

/// A layer of `tiny`: q 64 x 64, k and v 32 x 64, o 64 x 64, gate and up 128 x 64, down 64 x 128.
inline constexpr double kLayerWeights = 64 * 64 + 2 * 32 * 64 + 64 * 64 + 3 * 128 * 64;

}  // namespace qtrap::pool
