// The command `quality` and its process.
#pragma once

#include <string>
#include <vector>

#include "campaign/run.hpp"
#include "program/probing.hpp"

namespace qtrap::cli {

/// Of the options: device, campaign ("": one scheme of each kind of arithmetic), overrides, out and quiet.
int run_quality(const campaign::RunOptions& options);

/// What its process is told.
struct QualityWorkerOptions {
  std::string campaign_json;
  std::vector<std::string> schemes;
};
int run_quality_worker(const program::ItemWorkerOptions& items, const QualityWorkerOptions& options);

}  // namespace qtrap::cli
