// Whole-file reading with worded errors, and durable line-by-line appending.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace qtrap {

/// Reads a regular file. Errors (kUsage): missing, a directory, unreadable, larger than `limit_bytes`.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit_bytes = std::size_t{1} << 30);

/// Whether `text` is well-formed UTF-8.
bool is_utf8(std::string_view text);

/// A file that grows by whole records. Owns its descriptor.
class AppendFile {
 public:
  /// Creates `path` holding `first` (synced), so that the file appears with its first record or not at all. kUsage
  /// error when it exists already or its folder is missing or not writable.
  static Result<AppendFile> create(const std::filesystem::path& path, std::string_view first);
  /// Opens an existing file and cuts it to `keep_bytes` before appending.
  static Result<AppendFile> open_at(const std::filesystem::path& path, std::size_t keep_bytes);

  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  /// Appends `text` and syncs it to storage (a few ms on a disk: never inside a timed window). On failure (full disk)
  /// the file is cut back to its size before the call and a kRuntime error says so.
  Status append(std::string_view text);

 private:
  AppendFile(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_ = -1;
  std::filesystem::path path_;
};

/// Writes a whole file or nothing (temporary file in the same folder, synced, renamed). kUsage error when the folder is
/// missing or not writable, or when the file exists and `overwrite` is false.
Status write_file(const std::filesystem::path& path, std::string_view text, bool overwrite);

}  // namespace qtrap
