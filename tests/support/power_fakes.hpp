// Handles on the fake vendor libraries that tests/power builds, and a fake sysfs. The libraries are loaded
// through the same dlopen path as the real ones; the state below is theirs, reached through the symbol that
// gives them away.
#pragma once

#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"

namespace qtrap::test {

/// One board as any of the fakes shows it. Functions give the figures, so that a test can script them over
/// its clock.
struct FakeBoard {
  std::string name = "Fake GPU";
  std::string uuid;
  unsigned domain = 0;
  unsigned bus = 0;
  std::function<double()> energy_j;   ///< empty: the board has no counter
  std::function<double()> instant_w;  ///< empty: not supported
  std::function<double()> average_w;
  int status = 0;  ///< other than 0: every reading answers with it
  bool mig = false;
  bool rejects_gpu_scope = false;
  bool double_values = false;  ///< NVML only: fields come as double, which can be NaN
  unsigned temperature_c = 61;
  unsigned clock_mhz = 1410;
  unsigned long long throttle = 0;
  std::vector<unsigned> pids;
};

/// State of one fake library.
struct FakeLibraryState {
  int init_status = 0;
  std::vector<FakeBoard> boards;
};

/// Loads a fake by path, resets it, and resets it again when the test ends.
class FakeLibrary {
 public:
  explicit FakeLibrary(const std::filesystem::path& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
    using GetState = FakeLibraryState*();
    state_ = reinterpret_cast<GetState*>(dlsym(handle_, "qtrap_fake_library"))();
    *state_ = {};
  }
  ~FakeLibrary() {
    *state_ = {};
    dlclose(handle_);
  }
  FakeLibrary(const FakeLibrary&) = delete;
  FakeLibrary& operator=(const FakeLibrary&) = delete;
  FakeLibraryState* operator->() { return state_; }

 private:
  void* handle_;
  FakeLibraryState* state_;
};

/// Folders with the fakes: "complete", or "incomplete" (each lacks a function that cannot be done without).
inline std::filesystem::path fake_libraries(const std::string& kind) {
  return std::filesystem::path(QTRAP_BINARY_DIR) / "tests/power/fakes" / kind;
}

/// A sysfs tree in a folder of its own, removed at the end.
class FakeSysfs {
 public:
  FakeSysfs() {
    // Readable by the unprivileged user some tests become.
    std::filesystem::permissions(root(), std::filesystem::perms(0755));
  }

  const std::filesystem::path& root() const { return folder_.path(); }
  void write(const std::filesystem::path& file, const std::string& text) const { folder_.write(file, text + "\n"); }
  void remove(const std::filesystem::path& file) const { std::filesystem::remove(root() / file); }
  void forbid(const std::filesystem::path& file) const {
    std::filesystem::permissions(root() / file, std::filesystem::perms(0000));
  }
  /// Makes class/hwmon/hwmonN with its name and the link to a PCI device.
  std::filesystem::path add_hwmon(int number, const std::string& name, const std::string& pci = "") const {
    std::filesystem::path folder = "class/hwmon/hwmon" + std::to_string(number);
    write(folder / "name", name);
    if (!pci.empty()) {
      std::filesystem::create_directories(root() / "devices" / pci);
      std::filesystem::create_symlink(root() / "devices" / pci, root() / folder / "device");
    }
    return folder;
  }

 private:
  TemporaryFolder folder_;
};

/// Root reads every file; for as long as this lives the process is the user `nobody` instead. `ok` is false
/// where it could not be (no root, and then there is no need).
class Unprivileged {
 public:
  Unprivileged() : changed_(geteuid() == 0 && seteuid(65534) == 0) {}
  ~Unprivileged() {
    if (changed_ && seteuid(0) != 0) std::abort();
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;
  bool ok() const { return changed_ || geteuid() != 0; }

 private:
  bool changed_;
};

}  // namespace qtrap::test
