// A regular file in memory as it lies on disk: read only, and page by page as it is touched. Whoever cuts it while it
// is mapped ends this process by a signal (SIGBUS), as with every mapping.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

#include "core/result.hpp"

namespace qtrap::weights {

class MappedFile {
 public:
  /// kUsage errors: missing, unreadable, no regular file, empty; kRuntime where it cannot be mapped.
  static Result<MappedFile> open(const std::filesystem::path& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::string_view bytes() const { return {static_cast<const char*>(start_), size_}; }

  /// Takes the pages that lie wholly in this part of bytes() out of the process; they are read again where they are
  /// touched again.
  void forget(std::string_view part) const;

 private:
  MappedFile(void* start, std::size_t size) : start_(start), size_(size) {}
  void* start_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace qtrap::weights
