// Whole-file reading with worded errors, durable line-by-line appending by one writer, and exclusive creation.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/descriptor.hpp"
#include "core/result.hpp"

namespace qtrap {

/// Longest line that any reader takes, but for a torn last line of a regular file; in a pipe refused while it is read.
inline constexpr std::size_t kLongestLine = std::size_t{4} << 20;

/// Reads a text file, pipe or device once, to its end. Errors (kUsage): missing, a directory, unreadable, larger than
/// `limit_bytes`, a line over kLongestLine, compressed or UTF-16 (named as such).
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit_bytes = std::size_t{1} << 30);

/// First line of a small file of /proc or /sys without trailing blanks; absent where it cannot be read or is empty.
std::optional<std::string> read_first_line(const std::filesystem::path& path);

/// What a folder holds, sorted by name; none where it cannot be read, and what was read where reading stops half-way.
std::vector<std::filesystem::path> list_folder(const std::filesystem::path& folder);

/// A file that grows by whole records, with one writer: an advisory lock that ends with the process keeps others out.
class AppendFile {
 public:
  /// Creates `path` holding `first` (synced), so that the file appears with its first record or not at all. kUsage
  /// error when it exists already (and whether it is in use) or its folder is missing or not writable.
  static Result<AppendFile> create(const std::filesystem::path& path, std::string_view first);
  /// Opens an existing regular file and changes nothing in it. kUsage errors: missing, no regular file, not writable,
  /// in use by another process.
  static Result<AppendFile> open(const std::filesystem::path& path);

  /// Standard output, here a copy of `descriptor`, as such a file (`--out -`). It is never cut back or synced: it may
  /// be a pipe, or hold what others wrote before.
  static Result<AppendFile> standard_output(int descriptor);

  /// Whether the lock is held; some network file systems have none.
  bool locked() const { return locked_; }

  /// The whole text, of this very file even where the path names another by now. Errors as read_file().
  Result<std::string> read() const;

  /// Cuts the file to `keep_bytes`; the next record goes there.
  Status cut(std::size_t keep_bytes);

  /// Appends `text` and syncs it to storage (a few ms on a disk: never inside a timed window). On failure (full disk)
  /// the file is cut back to its size before the call and a kRuntime error says so.
  Status append(std::string_view text);

 private:
  AppendFile(Descriptor file, std::filesystem::path path, bool locked)
      : file_(std::move(file)), path_(std::move(path)), locked_(locked) {}
  Descriptor file_;
  std::filesystem::path path_;
  bool locked_ = false;
  bool is_stream_ = false;
};

/// Writes a whole file or nothing (temporary file of an unused name in the same folder, synced, renamed). kUsage error
/// when the folder is missing or not writable, or when the file exists and `overwrite` is false.
Status write_file(const std::filesystem::path& path, std::string_view text, bool overwrite);

/// Whether write_file() or create() could make `path` now; leaves nothing behind. Errors as theirs.
Status check_creatable(const std::filesystem::path& path, bool overwrite);

}  // namespace qtrap
