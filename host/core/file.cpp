#include "core/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

namespace qtrap {
namespace {

std::string reason(int code) {
  char buffer[128];
  return strerror_r(code, buffer, sizeof buffer);  // GNU form returns the text
}

enum class Lock { kHeld, kBusy, kUnsupported };

/// The kernel drops this lock with the descriptor's last copy, however the process ends.
Lock try_lock(int descriptor, int kind) {
  if (::flock(descriptor, kind | LOCK_NB) == 0) return Lock::kHeld;
  return errno == EWOULDBLOCK ? Lock::kBusy : Lock::kUnsupported;
}

/// An existing output, and whether a writer is at it.
Error exists_error(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.is_open() && try_lock(file.get(), LOCK_SH) == Lock::kBusy) {
    return usage_error("output file is in use by another run", path.string(),
                       "choose another --out, or wait until that run ends");
  }
  return usage_error("output file exists", path.string(),
                     "choose another --out, remove the file, or continue a run with --resume");
}

Error open_error(const std::filesystem::path& path, int code) {
  switch (code) {
    case EEXIST:
      return exists_error(path);
    case ENOENT:
      return usage_error("folder of the output file does not exist", path.string(),
                         "create it or choose another --out");
    case EACCES:
    case EROFS:
    case EPERM:
      return usage_error("output file cannot be written", path.string(),
                         "choose a writable --out (" + reason(code) + ")");
    default:
      return usage_error("output file cannot be opened", path.string(), "choose another --out (" + reason(code) + ")");
  }
}

Error read_error(const std::filesystem::path& path, int code) {
  return usage_error("file cannot be read", path.string(),
                     code == ENOENT ? "no such file; check the path" : "make it readable (" + reason(code) + ")");
}

/// What to do about a write that failed.
std::string write_fix(int code) {
  if (code == EFBIG) return "raise the file size limit (ulimit -f), or the batch system's (" + reason(code) + ")";
  if (code == EPIPE) return "keep its reader open (" + reason(code) + ")";
  return "free space on the disk (" + reason(code) + ")";
}

Error append_error(const std::filesystem::path& path, int code) {
  return runtime_error("result file could not be written", path.string(),
                       write_fix(code) + ", then continue with --resume");
}

/// A temporary file in the folder of an output. Its name was free and nobody can guess it: no file is overwritten and
/// no link followed. Removed at the end unless it got the output's name.
class Temporary {
 public:
  static Result<Temporary> make(const std::filesystem::path& beside) {
    int code = EEXIST;
    for (int attempt = 0; attempt < 100 && code == EEXIST; ++attempt) {
      unsigned random = 0;
      if (::getrandom(&random, sizeof random, 0) != sizeof random) return open_error(beside, errno);
      auto name = (beside.parent_path() / fmt::format(".qtrap-{:08x}.part", random)).string();
      Descriptor file(::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
      if (file.is_open()) return Temporary(std::move(file), std::move(name));
      code = errno;
    }
    return code == EEXIST ? runtime_error("no free name for a temporary file", beside.string(), "tidy its folder")
                          : open_error(beside, code);
  }
  Temporary(Temporary&& other) noexcept
      : file_(std::move(other.file_)), name_(std::exchange(other.name_, std::string())) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  Temporary& operator=(Temporary&&) = delete;
  ~Temporary() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }

  Descriptor& file() { return file_; }

  /// Writes and syncs; 0 or an errno.
  int write(std::string_view text) const {
    const int code = write_all(file_.get(), text);
    return code == 0 && ::fsync(file_.get()) != 0 ? errno : code;
  }

  /// Takes the output's name; 0 or an errno, EEXIST where it is taken and may not be replaced.
  int publish(const std::filesystem::path& path, bool overwrite) {
    const int code = overwrite ? rename_to(path, 0) : take_free_name(path);
    if (code == 0) name_.clear();
    return code;
  }

 private:
  Temporary(Descriptor file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}

  int rename_to(const std::filesystem::path& path, unsigned flags) const {
    return ::renameat2(AT_FDCWD, name_.c_str(), AT_FDCWD, path.c_str(), flags) == 0 ? 0 : errno;
  }

  /// File systems differ in what they can: rename without replacing, hard links, or neither (then an empty file holds
  /// the name until it is replaced).
  int take_free_name(const std::filesystem::path& path) {
    const int renamed = rename_to(path, RENAME_NOREPLACE);
    if (renamed != EINVAL && renamed != ENOSYS && renamed != ENOTSUP) return renamed;
    if (::link(name_.c_str(), path.c_str()) == 0) {
      ::unlink(name_.c_str());
      return 0;
    }
    if (errno == EEXIST) return EEXIST;
    const Descriptor holder(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!holder.is_open()) return errno;
    const int replaced = rename_to(path, 0);
    if (replaced != 0) ::unlink(path.c_str());
    return replaced;
  }

  Descriptor file_;
  std::string name_;  ///< empty once published
};

/// Writes `text` under a temporary name, then gives it the output's.
Result<Temporary> write_beside(const std::filesystem::path& path, std::string_view text) {
  auto temporary = Temporary::make(path);
  if (!temporary) return temporary;
  const int code = temporary.value().write(text);
  if (code == 0) return temporary;
  return runtime_error("file could not be written", path.string(), write_fix(code));
}

/// First bytes of what is no text, and what to do about it.
struct Foreign {
  std::string_view start;
  const char* name;
  const char* fix;
};
constexpr Foreign kForeign[] = {
    {"\x1f\x8b", "compressed by gzip", "unpack it first, e.g. with `gunzip -k`"},
    {"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it first, e.g. with `unzstd`"},
    {"\xfd\x37zXZ", "compressed by xz", "unpack it first, e.g. with `unxz -k`"},
    {"BZh", "compressed by bzip2", "unpack it first, e.g. with `bunzip2 -k`"},
    {"PK\x03\x04", "a zip archive", "unpack it first, e.g. with `unzip`"},
    {"\xff\xfe", "UTF-16", "save it as UTF-8 text"},
    {"\xfe\xff", "UTF-16", "save it as UTF-8 text"},
};

/// Refuses what is no text at its first bytes, and a line or a file over its limit while it grows.
class ReadLimits {
 public:
  /// `regular`: the file has an end; a torn last line of any length is then the reader's to drop.
  ReadLimits(const std::filesystem::path& path, std::size_t limit_bytes, bool regular)
      : path_(path), limit_bytes_(limit_bytes), regular_(regular) {}

  /// `text` is what was read so far, of which the first `before` bytes were looked at earlier.
  std::optional<Error> find_fault(std::string_view text, std::size_t before) {
    for (const Foreign& one : kForeign) {
      if (before == 0 && text.starts_with(one.start))
        return usage_error(fmt::format("the file is not text but {}", one.name), path_.string(), one.fix);
    }
    if (text.size() > limit_bytes_) return too_large();
    while (true) {
      const std::size_t newline = text.find('\n', std::max(before, line_start_));
      const std::size_t length = std::min(newline, text.size()) - line_start_;
      if (length > kLongestLine && !(regular_ && newline == std::string_view::npos)) {
        return usage_error("a line of the file is too long", fmt::format("{} line {}", path_.string(), line_),
                           fmt::format("at most {} bytes a line are read", kLongestLine));
      }
      if (newline == std::string_view::npos) return std::nullopt;
      line_start_ = newline + 1;
      ++line_;
    }
  }

  Error too_large() const {
    return usage_error("file is too large", path_.string(), fmt::format("at most {} bytes are read", limit_bytes_));
  }

 private:
  const std::filesystem::path& path_;
  std::size_t limit_bytes_;
  bool regular_;
  std::size_t line_start_ = 0;
  std::size_t line_ = 1;
};

/// Reads from the descriptor's place to the end.
Result<std::string> read_descriptor(int descriptor, const std::filesystem::path& path, std::size_t limit_bytes) {
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) return read_error(path, errno);
  ReadLimits limits(path, limit_bytes, S_ISREG(info.st_mode));
  if (S_ISDIR(info.st_mode))
    return usage_error("a folder was given where a file is needed", path.string(), "name a file in it");
  if (S_ISREG(info.st_mode) && std::cmp_greater(info.st_size, limit_bytes)) return limits.too_large();
  std::string text;
  char buffer[1 << 16];
  while (true) {
    const ssize_t count = ::read(descriptor, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return read_error(path, errno);
    if (count == 0) return text;
    const std::size_t before = text.size();
    text.append(buffer, static_cast<std::size_t>(count));
    if (auto fault = limits.find_fault(text, before)) return *fault;
  }
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return read_error(path, errno);
  return read_descriptor(file.get(), path, limit_bytes);
}

std::optional<std::string> read_first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  line.erase(line.find_last_not_of(" \t\r\n") + 1);
  return line;
}

std::vector<std::filesystem::path> list_folder(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code failed;  // a range-for would throw where a later entry cannot be read
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed))
    paths.push_back(entry->path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<AppendFile> AppendFile::create(const std::filesystem::path& path, std::string_view first) {
  auto temporary = write_beside(path, first);
  if (!temporary) return temporary.error();
  // Locked before it has its name: no other process can come between.
  const bool locked = try_lock(temporary.value().file().get(), LOCK_EX) == Lock::kHeld;
  if (const int code = temporary.value().publish(path, false); code != 0) return open_error(path, code);
  return AppendFile(std::move(temporary.value().file()), path, locked);
}

Result<AppendFile> AppendFile::open(const std::filesystem::path& path) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.is_open() && errno != EISDIR) {
    return errno == ENOENT ? read_error(path, errno)
                           : usage_error("the file cannot be written", path.string(),
                                         "make it readable and writable (" + reason(errno) + ")");
  }
  struct stat info {};
  if (!file.is_open() || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return usage_error("not a regular file", path.string(), "name the file of a run");
  const Lock lock = try_lock(file.get(), LOCK_EX);
  if (lock == Lock::kBusy)
    return usage_error("the file is in use by another run", path.string(), "wait until that run ends");
  return AppendFile(std::move(file), path, lock == Lock::kHeld);
}

Result<AppendFile> AppendFile::standard_output(int original) {
  Descriptor copy(::fcntl(original, F_DUPFD_CLOEXEC, 0));
  if (!copy.is_open()) return runtime_error("standard output cannot be opened", reason(errno), "give --out a file");
  AppendFile file(std::move(copy), {}, true);  // no other run can open it by a name
  file.is_stream_ = true;
  return file;
}

Result<std::string> AppendFile::read() const {
  if (::lseek(file_.get(), 0, SEEK_SET) != 0) return read_error(path_, errno);
  return read_descriptor(file_.get(), path_, std::size_t{1} << 30);
}

Status AppendFile::cut(std::size_t keep_bytes) {
  const auto keep = static_cast<off_t>(keep_bytes);
  if (::ftruncate(file_.get(), keep) != 0 || ::lseek(file_.get(), keep, SEEK_SET) != keep)
    return append_error(path_, errno);
  return Done{};
}

Status AppendFile::append(std::string_view text) {
  const off_t before = ::lseek(file_.get(), 0, SEEK_CUR);
  int code = write_all(file_.get(), text);
  if (is_stream_) {
    if (code == 0) return Done{};
    return runtime_error("records could not be written", "standard output", write_fix(code));
  }
  if (code == 0 && ::fdatasync(file_.get()) != 0) code = errno;
  if (code == 0) return Done{};
  if (::ftruncate(file_.get(), before) == 0) ::lseek(file_.get(), before, SEEK_SET);
  return append_error(path_, code);
}

Status write_file(const std::filesystem::path& path, std::string_view text, bool overwrite) {
  auto temporary = write_beside(path, text);
  if (!temporary) return temporary.error();
  if (const int code = temporary.value().publish(path, overwrite); code != 0) return open_error(path, code);
  return Done{};
}

Status check_creatable(const std::filesystem::path& path, bool overwrite) {
  struct stat info {};
  if (!overwrite && ::lstat(path.c_str(), &info) == 0) return exists_error(path);
  const auto temporary = Temporary::make(path);
  if (!temporary) return temporary.error();
  return Done{};
}

}  // namespace qtrap
