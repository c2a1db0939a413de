#include "device/kernel_sources.hpp"

#include <fmt/format.h>

#include <set>

#include "core/file.hpp"
#include "core/sha256.hpp"
#include "device/embedded_kernels.hpp"

namespace qtrap::device {
namespace {

constexpr std::string_view kInclude = "#include \"";
constexpr std::size_t kMostEntries = 10000;
constexpr std::size_t kLargestKernel = std::size_t{4} << 20;

/// Appends `path` to `out`, includes inlined once each. Returns the first missing file.
std::optional<std::string> inline_file(const std::map<std::string, std::string>& files, const std::string& path,
                                       std::set<std::string>& seen, std::string& out) {
  const auto file = files.find(path);
  if (file == files.end()) return path;
  if (!seen.insert(path).second) return std::nullopt;
  out += fmt::format("#line 1 \"{}\"\n", path);
  std::size_t start = 0;
  int line = 1;
  const std::string& text = file->second;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view row(text.data() + start, end - start);
    start = end + 1;
    ++line;
    if (!row.starts_with(kInclude)) {
      out.append(row).push_back('\n');
      continue;
    }
    const std::string name(row.substr(kInclude.size(), row.find('"', kInclude.size()) - kInclude.size()));
    if (auto missing = inline_file(files, name, seen, out)) return missing;
    out += fmt::format("#line {} \"{}\"\n", line, path);
  }
  return std::nullopt;
}

/// Name of the kernel whose definition begins on `line`, by its ending; empty where none does.
std::string_view kernel_begun_on(std::string_view line, std::string_view family) {
  constexpr std::string_view kVoid = " void ";
  const std::size_t start = line.find(kVoid);
  const std::size_t end = line.find('(', start == std::string_view::npos ? line.size() : start);
  if (end == std::string_view::npos) return {};
  const std::string_view before = line.substr(0, start);  // "__kernel", or a macro that holds it
  if (before.find("kernel") == std::string_view::npos && before.find("KERNEL") == std::string_view::npos) return {};
  const std::string_view name = line.substr(start + kVoid.size(), end - start - kVoid.size());
  return name.ends_with(family) ? name : std::string_view();
}

}  // namespace

KernelSources KernelSources::embedded() {
  KernelSources sources;
  for (const EmbeddedFile& file : embedded_kernels()) sources.files_.emplace(file.path, file.text);
  return sources;
}

Result<KernelSources> KernelSources::from_folder(const std::filesystem::path& folder) {
  std::error_code code;
  if (!std::filesystem::is_directory(folder, code)) {
    return usage_error("kernel folder cannot be read", folder.string(),
                       "give --kernel-dir a copy of the folder kernels/");
  }
  KernelSources sources;
  std::filesystem::path last = folder;
  std::size_t entries = 0;
  for (std::filesystem::recursive_directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    last = entry->path();
    if (++entries > kMostEntries) {
      return usage_error("kernel folder holds too many files", folder.string(),
                         "give --kernel-dir a copy of the folder kernels/");
    }
    const auto extension = last.extension();
    if (extension != ".cl" && extension != ".clh") continue;
    std::error_code broken;  // a link that leads nowhere or round in circles
    const auto status = entry->status(broken);
    if (std::filesystem::is_directory(status)) continue;
    if (broken || !std::filesystem::is_regular_file(status))
      return usage_error("kernel file cannot be read", last.string(), "remove it or make it a file");
    auto text = read_file(last, kLargestKernel);
    if (!text) return text.error();
    sources.files_.emplace(last.lexically_relative(folder).generic_string(), std::move(text).value());
  }
  if (code)
    return usage_error("kernel folder cannot be read", last.string(), "make it readable (" + code.message() + ")");
  if (sources.files_.empty()) {
    return usage_error("kernel folder holds no *.cl file", folder.string(),
                       "give --kernel-dir a copy of the folder kernels/");
  }
  return sources;
}

Result<std::string> KernelSources::text(const std::string& path) const {
  std::string out;
  std::set<std::string> seen;
  if (const auto missing = inline_file(files_, path, seen, out)) {
    return runtime_error("kernel file is missing", *missing,
                         "give --kernel-dir a complete copy of the folder kernels/");
  }
  return out;
}

Result<std::string> KernelSources::text_of_entry(const std::string& path, const std::string& entry) const {
  auto whole = text(path);
  if (!whole) return whole;
  const std::string_view all = whole.value();
  const std::string_view family = std::string_view(entry).substr(std::min(entry.rfind('_'), entry.size()));
  std::string kept;
  bool skipping = false;
  for (std::size_t start = 0; start < all.size();) {
    const std::size_t end = std::min(all.find('\n', start), all.size());
    const std::string_view line = all.substr(start, end - start);
    start = end + 1;
    const std::string_view begun = kernel_begun_on(line, family);
    if (!begun.empty()) skipping = begun != entry;
    if (!skipping) kept += line;
    kept += '\n';
    if (line == "}") skipping = false;
  }
  return kept;
}

std::string KernelSources::sha256() const {
  std::string all;
  for (const auto& [path, text] : files_) all.append(path).append(1, '\0').append(text).append(1, '\0');
  return compute_sha256(all);
}

}  // namespace qtrap::device
