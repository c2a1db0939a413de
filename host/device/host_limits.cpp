#include "device/host_limits.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "device/system_view.hpp"

namespace qtrap::device {
namespace {

/// Of PoCL up to 3, and from 4 on.
constexpr const char* kThreadVariables[] = {"POCL_MAX_PTHREAD_COUNT", "POCL_CPU_MAX_CU_COUNT"};

/// What the session's process with PoCL's compiler and the one that waits for it take beside the buffers: about 160 MiB
/// (anonymous memory of a control group with both, less 18 layers of qwen3-0.6b; PoCL 3.1, LLVM 14), and a margin.
constexpr std::uint64_t kProgramBytes = std::uint64_t{256} << 20;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::optional<int> read_chosen_threads() {
  for (const char* name : kThreadVariables) {
    const std::string text = variable(name);
    int threads = 0;
    std::from_chars(text.data(), text.data() + text.size(), threads);
    if (threads > 0) return threads;
  }
  return std::nullopt;
}

/// Whether PoCL can write in a folder, which is made as PoCL would. Only trying tells: root may write anywhere but
/// where the file system refuses it.
bool is_usable(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  return !code && ::access(folder.c_str(), W_OK | X_OK) == 0;
}

/// Without a cache that it can write, PoCL offers no device. A folder of this user alone under /tmp serves then, unless
/// the user named one: that is an error to be told. Named and empty, it ends the process by an assertion of PoCL's.
void provide_pocl_cache() {
  if (!variable("POCL_CACHE_DIR").empty()) return;
  ::unsetenv("POCL_CACHE_DIR");
  if (is_usable(find_pocl_cache(SystemView::system()))) return;
  std::error_code code;
  const auto folder = std::filesystem::temp_directory_path(code) / ("qtrap-pocl-" + std::to_string(::geteuid()));
  ::mkdir(folder.c_str(), 0700);
  struct stat info {};
  const bool ours = ::lstat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
                    (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  if (ours) ::setenv("POCL_CACHE_DIR", folder.c_str(), 1);
}

}  // namespace

PoclSettings choose_pocl_settings(const MachineLimits& limits, int machine_processors,
                                  std::optional<int> chosen_threads) {
  PoclSettings settings;
  const int threads = std::min(machine_processors, limits.usable_threads().value_or(machine_processors));
  if (!chosen_threads && threads < machine_processors) settings.threads = threads;
  settings.affinity = limits.is_dense(chosen_threads.value_or(threads));
  return settings;
}

void apply_pocl_settings(const MachineLimits& limits) {
  const auto online = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  const PoclSettings settings = choose_pocl_settings(limits, online, read_chosen_threads());
  provide_pocl_cache();
  // Without it both PoCL workers can sit on one core for whole launches: medians are then bimodal by 2x.
  if (settings.affinity) ::setenv("POCL_AFFINITY", "1", 0);
  if (!settings.threads) return;
  for (const char* name : kThreadVariables) ::setenv(name, std::to_string(*settings.threads).c_str(), 0);
}

std::uint64_t bound_memory(std::uint64_t reported_bytes, const MachineLimits& limits) {
  if (!limits.memory_room_bytes) return reported_bytes;
  const std::uint64_t room = *limits.memory_room_bytes;
  return std::min(reported_bytes, room > kProgramBytes ? room - kProgramBytes : 0);
}

}  // namespace qtrap::device
