#include "program/tuning_selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"
#include "profile/profile.hpp"
#include "program/folders.hpp"

namespace qtrap::program {
namespace {

/// A tuning file as read.
struct TuningFile {
  std::filesystem::path path;
  profile::TuningProfile profile;
  scheme::TuningChoices choices;
  std::string text;
};

constexpr const char* kTuneAgain = "run `qtrap tune` again, or give --tuning none";

Result<TuningFile> read_tuning(const std::filesystem::path& path) {
  TuningFile file{path, {}, {}, {}};
  auto text = read_file(path);
  if (!text) return text.error();
  auto profile = profile::parse_tuning(text.value(), path.string());
  if (!profile) return profile.error();
  for (const auto& one : profile.value().choices) {
    auto choice = scheme::parse_choice(one);
    if (!choice) return choice.error();
    file.choices.push_back(choice.value());
  }
  file.profile = std::move(profile).value();
  file.text = std::move(text).value();
  return file;
}

/// Where `auto` looks, in order: the user's own file, then the shipped ones.
std::vector<std::filesystem::path> tuning_candidates(const device::DeviceInfo& device) {
  std::error_code ignored;
  std::vector<std::filesystem::path> paths;
  if (const auto own = tuning_store(device); std::filesystem::exists(own, ignored)) paths.push_back(own);
  for (const auto& folder : profile_folders("devices")) {
    const std::vector<std::filesystem::path> one{folder};
    for (const auto& name : profile::list_profiles(one)) paths.push_back(folder / (name + ".json"));
  }
  return paths;
}

/// The first of `candidates` for this device and driver. A broken one is passed over and becomes a hazard: it may
/// belong to any device, and the defaults always work. One for other kernels counts as none, the user's own one
/// (which names its device in its path) with a hazard.
std::optional<TuningFile> find_tuning(const device::DeviceInfo& device, const std::string& kernels_sha256,
                                      std::string& hazard) {
  for (const auto& path : tuning_candidates(device)) {
    auto file = read_tuning(path);
    if (!file) {
      hazard = fmt::format("a tuning file is broken and not used: {}", file.error().message());
      continue;
    }
    const profile::TuningProfile& its = file.value().profile;
    if (its.device != device.name || its.driver != device.driver) continue;
    if (its.kernels_sha256 == kernels_sha256) return std::move(file).value();
    if (path == tuning_store(device)) {
      hazard = fmt::format("{} is for other kernels and not used: {}", path.string(), kTuneAgain);
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

std::filesystem::path tuning_store(const device::DeviceInfo& device) {
  std::string name = device.name + "-" + device.driver;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '.' && c != '-'; }, '_');
  return cache_folder() / "tuning" / (name + ".json");
}

TunedDevice open_tuning(const std::string& spec, const device::DeviceInfo& device, const std::string& kernels_sha256) {
  if (spec == "none") return {};
  TunedDevice tuned;
  const bool named = spec != "auto";
  auto found = named ? std::optional(read_tuning(spec).value()) : find_tuning(device, kernels_sha256, tuned.hazard);
  if (!found) return tuned;
  if (found->profile.kernels_sha256 != kernels_sha256)
    throw Failure(usage_error("the tuning file is for other kernels", found->path.string(), kTuneAgain));
  tuned.choices = std::move(found->choices);
  tuned.path = found->path.string();
  tuned.sha256 = compute_sha256(found->text);
  return tuned;
}

}  // namespace qtrap::program
