#include "program/folders.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

namespace qtrap::program {
namespace {

/// Empty where it is not set.
std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

std::filesystem::path cache_folder() {
  if (const std::string cache = environment("XDG_CACHE_HOME"); !cache.empty())
    return std::filesystem::path(cache) / "qtrap";
  std::string home = environment("HOME");
  if (home.empty()) {  // cron, containers, `env -i`
    const passwd* user = ::getpwuid(::geteuid());
    home = user != nullptr ? user->pw_dir : ".";
  }
  return std::filesystem::path(home) / ".cache" / "qtrap";
}

std::vector<std::filesystem::path> profile_folders(const std::string& kind) {
  std::vector<std::filesystem::path> folders;
  if (const std::string chosen = environment("QTRAP_PROFILES"); !chosen.empty())
    folders.push_back(std::filesystem::path(chosen) / kind);
  std::error_code code;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", code);
  if (!code) {
    folders.push_back(program.parent_path() / ".." / "share" / "qtrap" / "profiles" / kind);
    folders.push_back(program.parent_path() / "profiles" / kind);
  }
  return folders;
}

}  // namespace qtrap::program
