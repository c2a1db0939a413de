// Where the program keeps what it found out, and where it looks for profiles.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace qtrap::program {

/// $XDG_CACHE_HOME, or ~/.cache (of the user's entry where HOME is not set), then qtrap.
std::filesystem::path cache_folder();

/// Folders searched for `kind` ("models", "campaigns", "imports" or "devices"): QTRAP_PROFILES, as installed, beside
/// the executable (where the build links the source tree's).
std::vector<std::filesystem::path> profile_folders(const std::string& kind);

}  // namespace qtrap::program
