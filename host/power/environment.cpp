#include "power/environment.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <map>
#include <string_view>

#include "core/file.hpp"
#include "power/match.hpp"

namespace qtrap::power {

MeterEnvironment::MeterEnvironment(std::filesystem::path sysfs_root, std::filesystem::path library_folder,
                                   bool simulated)
    : sysfs_root_(std::move(sysfs_root)), library_folder_(std::move(library_folder)), simulated_(simulated) {}

MeterEnvironment MeterEnvironment::system() { return {"/sys", {}, false}; }

MeterEnvironment MeterEnvironment::simulated(std::filesystem::path sysfs_root, std::filesystem::path library_folder) {
  return {std::move(sysfs_root), std::move(library_folder), true};
}

std::string MeterEnvironment::library_path(const std::string& name) const {
  return simulated_ ? (library_folder_ / name).string() : name;
}

Result<std::shared_ptr<VendorLibrary>> VendorLibrary::open(const MeterEnvironment& environment,
                                                           const std::string& name) {
  const std::string path = environment.library_path(name);
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    return runtime_error("library not loaded", why == nullptr ? name : why, "install the vendor's driver");
  }
  std::shared_ptr<VendorLibrary> library(new VendorLibrary(handle, name));
  if (!environment.is_simulated() && library->find(kFakeLibrarySymbol) != nullptr) {
    return runtime_error("the library is a fake from qtrap's tests", name, "take its folder out of LD_LIBRARY_PATH");
  }
  return library;
}

VendorLibrary::~VendorLibrary() { dlclose(handle_); }

void* VendorLibrary::find(const char* symbol) const { return dlsym(handle_, symbol); }

FileNumber read_file_number(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::array<char, 64> text{};
  const ssize_t size = descriptor < 0 ? -1 : ::read(descriptor, text.data(), text.size());
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (size < 0) {
    if (error == EACCES || error == EPERM) return {std::nullopt, ReadStatus::kDenied};
    const bool gone = error == ENOENT || error == ENODEV || error == ENXIO;
    return {std::nullopt, gone ? ReadStatus::kVanished : ReadStatus::kError};
  }
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + size, value);
  if (parsed.ec != std::errc{}) return {std::nullopt, ReadStatus::kError};
  return {value, ReadStatus::kOk};
}

std::vector<std::filesystem::path> list_folders(const std::filesystem::path& folder, const std::string& prefix) {
  std::vector<std::filesystem::path> found = list_folder(folder);
  std::erase_if(found, [&](const auto& path) { return path.filename().string().rfind(prefix, 0) != 0; });
  return found;
}

std::vector<std::filesystem::path> list_hwmon(const MeterEnvironment& environment, const std::string& name) {
  std::vector<std::filesystem::path> found = list_folders(environment.sysfs_root() / "class/hwmon", "hwmon");
  std::erase_if(found, [&](const std::filesystem::path& hwmon) { return read_first_line(hwmon / "name") != name; });
  return found;
}

namespace {

/// The finding that is taken for a board out of those of all sources, in order of preference; none where no source has
/// a usable meter.
const Finding* choose_source(const std::vector<const Finding*>& board) {
  const Finding* chosen = nullptr;
  for (const Finding* finding : board) {
    if (finding->denied && chosen == nullptr) return nullptr;
    if (!finding->meter) continue;
    if (finding->meter->info().has_energy) return finding;
    if (chosen == nullptr) chosen = finding;
  }
  return chosen;
}

const std::optional<std::string>& pci_of(const Finding& finding) {
  return finding.meter ? finding.meter->info().pci : finding.pci;
}

}  // namespace

std::vector<Finding> merge_boards(const std::vector<std::vector<Finding>>& sources) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const Finding*>> boards;
  std::vector<Finding> nameless;  // meters of boards without an address, of the first source that has any
  std::vector<Finding> places;
  for (const auto& source : sources) {
    const bool first = nameless.empty();
    for (const Finding& finding : source) {
      if (const auto& pci = pci_of(finding)) {
        if (!boards.contains(*pci)) order.push_back(*pci);
        boards[*pci].push_back(&finding);
      } else if (!finding.meter) {
        places.push_back(finding);
      } else if (first) {
        nameless.push_back(finding);
      }
    }
  }
  std::vector<Finding> merged;
  bool any = !nameless.empty();
  for (const auto& pci : order) {
    const auto& board = boards.at(pci);
    if (const Finding* chosen = choose_source(board)) {
      any = true;
      merged.push_back(*chosen);
      continue;
    }
    for (const Finding* finding : board) {
      if (!finding->meter) merged.push_back(*finding);
    }
  }
  // Without addresses a board cannot be told from those that have one.
  if (merged.empty()) merged = std::move(nameless);
  if (!any) merged.insert(merged.end(), places.begin(), places.end());
  return merged;
}

std::optional<std::string> find_hwmon_pci(const std::filesystem::path& hwmon) {
  std::error_code failed;
  const auto device = std::filesystem::canonical(hwmon / "device", failed);
  if (failed) return std::nullopt;
  return normalise_pci(device.filename().string());
}

}  // namespace qtrap::power
