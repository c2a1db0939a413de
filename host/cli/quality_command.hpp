// The command `quality` and its process.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "device/device.hpp"
#include "program/devices.hpp"
#include "program/probing.hpp"

namespace qtrap::cli {

struct QualityOptions {
  program::DeviceOptions device;
  std::string weights;
  std::string text;    ///< a file in UTF-8; empty: `tokens`
  std::string tokens;  ///< a file of decimal ids
  std::vector<std::string> schemes;
  std::int64_t windows = 8;
  std::int64_t window_tokens = 512;
  std::int64_t group_size = 128;
  bool quiet = false;
};
int run_quality(const QualityOptions& options);
int run_quality_worker(const program::ItemWorkerOptions& items, const QualityOptions& options);

}  // namespace qtrap::cli
