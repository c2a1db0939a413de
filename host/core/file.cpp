#include "core/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace qtrap {
namespace {

std::string reason(int code) {
  char buffer[128];
  return strerror_r(code, buffer, sizeof buffer);  // GNU form returns the text
}

Error open_error(const std::filesystem::path& path, int code) {
  switch (code) {
    case EEXIST:
      return usage_error("output file exists", path.string(), "choose another --out or remove the file");
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

/// Writes all of `text`; 0 or an errno.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

/// Writes and syncs a temporary file beside `path`; its name, or an error and nothing left behind.
Result<std::string> write_beside(const std::filesystem::path& path, std::string_view text) {
  const std::string temporary = fmt::format("{}.{}.part", path.string(), ::getpid());
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return open_error(path, errno);
  int code = write_all(descriptor, text);
  if (code == 0 && ::fsync(descriptor) != 0) code = errno;
  ::close(descriptor);
  if (code == 0) return temporary;
  ::unlink(temporary.c_str());
  return runtime_error("file could not be written", path.string(), "free space on the disk (" + reason(code) + ")");
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit_bytes) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return usage_error("file cannot be read", path.string(),
                       errno == ENOENT ? "no such file; check the path" : reason(errno));
  }
  if (S_ISDIR(info.st_mode))
    return usage_error("a folder was given where a file is needed", path.string(), "name a file in it");
  if (S_ISREG(info.st_mode) && static_cast<std::size_t>(info.st_size) > limit_bytes) {
    return usage_error("file is too large", path.string(), fmt::format("at most {} bytes are read", limit_bytes));
  }
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return usage_error("file cannot be read", path.string(), "make it readable (" + reason(errno) + ")");
  std::string text;
  char buffer[1 << 16];
  ssize_t count = 0;
  while ((count = ::read(descriptor, buffer, sizeof buffer)) != 0) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > limit_bytes) break;
  }
  const int code = count < 0 ? errno : 0;
  ::close(descriptor);
  if (code != 0) return usage_error("file cannot be read", path.string(), reason(code));
  if (text.size() > limit_bytes) {
    return usage_error("file is too large", path.string(), fmt::format("at most {} bytes are read", limit_bytes));
  }
  return text;
}

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80         ? 1
                               : (lead >> 5) == 6  ? 2
                               : (lead >> 4) == 14 ? 3
                               : (lead >> 3) == 30 ? 4
                                                   : 0;
    if (length == 0 || i + length > text.size()) return false;
    std::uint32_t point = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (std::size_t j = 1; j < length; ++j) {
      const auto next = static_cast<unsigned char>(text[i + j]);
      if ((next >> 6) != 2) return false;
      point = (point << 6) | (next & 0x3FU);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kSmallest[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    i += length;
  }
  return true;
}

Result<AppendFile> AppendFile::create(const std::filesystem::path& path, std::string_view first) {
  auto temporary = write_beside(path, first);
  if (!temporary) return temporary.error();
  const int linked = ::link(temporary.value().c_str(), path.c_str());  // fails where the file exists, unlike rename
  const int code = errno;
  ::unlink(temporary.value().c_str());
  if (linked != 0) return open_error(path, code);
  return open_at(path, first.size());
}

Result<AppendFile> AppendFile::open_at(const std::filesystem::path& path, std::size_t keep_bytes) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return open_error(path, errno);
  AppendFile file(descriptor, path);
  const auto keep = static_cast<off_t>(keep_bytes);
  if (::ftruncate(descriptor, keep) != 0 || ::lseek(descriptor, keep, SEEK_SET) != keep) return open_error(path, errno);
  return file;
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  if (this != &other) {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = std::exchange(other.descriptor_, -1);
    path_ = std::move(other.path_);
  }
  return *this;
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status AppendFile::append(std::string_view text) {
  const off_t before = ::lseek(descriptor_, 0, SEEK_CUR);
  int code = write_all(descriptor_, text);
  if (code == 0 && ::fdatasync(descriptor_) != 0) code = errno;
  if (code == 0) return Done{};
  if (::ftruncate(descriptor_, before) == 0) ::lseek(descriptor_, before, SEEK_SET);
  return runtime_error("result file could not be written", path_.string(),
                       "free space on the disk, then continue with --resume (" + reason(code) + ")");
}

Status write_file(const std::filesystem::path& path, std::string_view text, bool overwrite) {
  auto temporary = write_beside(path, text);
  if (!temporary) return temporary.error();
  const int done =
      overwrite ? ::rename(temporary.value().c_str(), path.c_str()) : ::link(temporary.value().c_str(), path.c_str());
  const int code = errno;
  if (done != 0 || !overwrite) ::unlink(temporary.value().c_str());
  if (done != 0) return open_error(path, code);
  return Done{};
}

}  // namespace qtrap
