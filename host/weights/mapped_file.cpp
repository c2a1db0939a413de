#include "weights/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "core/descriptor.hpp"

namespace qtrap::weights {
namespace {

std::string reason(int code) { return std::generic_category().message(code); }

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat facts {};
  if (!file.is_open() || ::fstat(file.get(), &facts) != 0) {
    const int code = errno;
    return usage_error("file cannot be read", path.string(),
                       code == ENOENT ? "no such file; check the path" : "make it readable (" + reason(code) + ")");
  }
  if (!S_ISREG(facts.st_mode))
    return usage_error("weights must be a regular file", path.string(), "they are mapped, not read from end to end");
  if (facts.st_size == 0) return usage_error("weights file is empty", path.string(), "copy or download it again");
  const auto size = static_cast<std::size_t>(facts.st_size);
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (start == MAP_FAILED) {
    const int code = errno;
    return runtime_error("weights file cannot be mapped", path.string(),
                         "raise the limit of address space (ulimit -v) (" + reason(code) + ")");
  }
  return MappedFile(start, size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : start_(std::exchange(other.start_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(start_, other.start_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (start_ != nullptr) ::munmap(start_, size_);
}

void MappedFile::forget(std::string_view part) const {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  char* start = static_cast<char*>(start_);  // of a page
  const auto from = static_cast<std::size_t>(part.data() - start);
  const std::size_t first = (from + page - 1) / page * page;
  const std::size_t end = (from + part.size()) / page * page;
  // Only advice: where it is not taken, the pages stay.
  if (first < end) ::madvise(start + first, end - first, MADV_DONTNEED);
}

}  // namespace qtrap::weights
