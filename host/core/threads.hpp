// One loop over several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace qtrap {

/// Calls work(i) for i in [0, count) on `threads` threads (0: as many as the machine has); each index once, in no
/// fixed order.
template <class Work>
void for_each_index(int count, int threads, const Work& work) {
  const int wanted = threads > 0 ? threads : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  std::atomic<int> next{0};
  const auto loop = [&] {
    for (int i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> pool;
  for (int t = 1; t < std::min(wanted, count); ++t) pool.emplace_back(loop);
  loop();
}

}  // namespace qtrap
