// Where meters look: the root of sysfs and the folder of the vendor libraries. The real environment is the
// only one a program gets by default; a simulated one must be made by name, marks every meter found in it as
// simulated, and never loads a library from outside its folder. The other way round, a library that says it
// is a fake is refused in the real environment, so that no LD_LIBRARY_PATH brings one in by accident.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "power/meter.hpp"

namespace qtrap::power {

/// See above. Copyable; passed to every find_ function.
class MeterEnvironment {
 public:
  /// "/sys", and libraries by the loader's own search path.
  static MeterEnvironment system();
  /// Everything under given folders; the meters are labelled simulated.
  static MeterEnvironment simulated(std::filesystem::path sysfs_root, std::filesystem::path library_folder);

  const std::filesystem::path& sysfs_root() const { return sysfs_root_; }
  bool is_simulated() const { return simulated_; }
  /// What to hand to dlopen for a library name.
  std::string library_path(const std::string& name) const;

 private:
  MeterEnvironment(std::filesystem::path sysfs_root, std::filesystem::path library_folder, bool simulated);
  std::filesystem::path sysfs_root_;
  std::filesystem::path library_folder_;
  bool simulated_;
};

/// A vendor library, loaded with dlopen and closed with the last copy of the pointer.
class VendorLibrary {
 public:
  /// Loads `name`, e.g. "libnvidia-ml.so.1". kRuntime errors: not found, not loadable, a fake in the real
  /// environment.
  static Result<std::shared_ptr<VendorLibrary>> open(const MeterEnvironment& environment, const std::string& name);
  ~VendorLibrary();
  VendorLibrary(const VendorLibrary&) = delete;
  VendorLibrary& operator=(const VendorLibrary&) = delete;

  /// Sets `function` to the symbol, or to null. Returns whether it is there.
  template <class Function>
  bool bind(Function*& function, const char* symbol) const {
    function = reinterpret_cast<Function*>(find(symbol));
    return function != nullptr;
  }
  const std::string& name() const { return name_; }

 private:
  VendorLibrary(void* handle, std::string name) : handle_(handle), name_(std::move(name)) {}
  void* find(const char* symbol) const;

  void* handle_;
  std::string name_;
};

/// The symbol by which the libraries built by the tests give themselves away.
inline constexpr const char* kFakeLibrarySymbol = "qtrap_fake_library";

/// One number read from a sysfs file, or why not.
struct FileNumber {
  std::optional<double> value;
  ReadStatus status = ReadStatus::kOk;
};
/// Reads a whole number. Costs about 5 us. kDenied, kVanished (no such file or device), kError (not a
/// number).
FileNumber read_file_number(const std::filesystem::path& path);
/// Folders in `folder` whose names begin with `prefix`, sorted by name; none when it cannot be read.
std::vector<std::filesystem::path> list_folders(const std::filesystem::path& folder, const std::string& prefix);
/// Folders of /sys/class/hwmon whose `name` file holds `name`.
std::vector<std::filesystem::path> list_hwmon(const MeterEnvironment& environment, const std::string& name);
/// PCI address a hwmon folder's `device` link leads to; absent for a device on another bus.
std::optional<std::string> find_hwmon_pci(const std::filesystem::path& hwmon);

/// A meter found, or one that is there and cannot be used, or a place that was looked at in vain.
struct Finding {
  std::string name;                           ///< family: "nvml", "amd", "intel", "rapl", "jetson"
  std::string where;                          ///< library or path that was looked at
  std::shared_ptr<Meter> meter;               ///< null unless it can be read
  std::string reason;                         ///< why there is no meter; empty where there is one
  std::string fix;                            ///< the one command or step that would make it work
  std::optional<std::string> pci;             ///< of a board that is there but cannot be used
  std::optional<Scope> scope = std::nullopt;  ///< of a part of the machine that is there but cannot be used
  bool denied = false;                        ///< there, and closed to this user: `fix` opens it
};

/// One finding for each board out of several sources, the preferred one first: by PCI address the first meter with an
/// energy counter, else the first meter, else every refusal of that board; boards without a PCI address are taken from
/// the first source that has any. A board that is denied in one source is not replaced by a later one: the user is told
/// how to open it. Places without a board are kept only where there is no meter at all.
std::vector<Finding> merge_boards(const std::vector<std::vector<Finding>>& sources);

}  // namespace qtrap::power
