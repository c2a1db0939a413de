// What several commands need: opening a device, finding profiles, writing to stdout.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "cli/commands.hpp"
#include "core/error.hpp"

namespace qtrap::cli {

device::Device open_device(const DeviceOptions& options) {
  const auto devices = device::list_devices().value();
  const auto info = device::select_device(devices, options.selector).value();
  auto sources = options.kernel_dir.empty() ? device::KernelSources::embedded()
                                            : device::KernelSources::from_folder(options.kernel_dir).value();
  return device::Device(info, std::move(sources));
}

std::vector<std::filesystem::path> profile_folders(const std::string& kind) {
  std::vector<std::filesystem::path> folders;
  if (const char* chosen = std::getenv("QTRAP_PROFILES")) folders.push_back(std::filesystem::path(chosen) / kind);
  std::error_code code;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", code);
  if (!code) {
    folders.push_back(program.parent_path() / ".." / "share" / "qtrap" / "profiles" / kind);
    folders.push_back(program.parent_path() / "profiles" / kind);
  }
  folders.push_back(std::filesystem::path(QTRAP_SOURCE_PROFILES) / kind);
  return folders;
}

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw Failure(runtime_error("standard output cannot be written", "", "free space on the disk or check the pipe"));
  }
}

}  // namespace qtrap::cli
