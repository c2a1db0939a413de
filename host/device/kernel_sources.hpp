// Kernel source text: the embedded files, or a folder given by --kernel-dir. #include "path" lines (relative to the
// root) are inlined, each followed by a #line that points the compiler's messages back at the right file and line.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "core/result.hpp"

namespace qtrap::device {

class KernelSources {
 public:
  /// The files embedded in the program.
  static KernelSources embedded();
  /// The *.cl and *.clh files under `folder`; kUsage error when it is no folder or holds none.
  static Result<KernelSources> from_folder(const std::filesystem::path& folder);

  /// Text of one file with its includes inlined; kRuntime error when a file is missing.
  Result<std::string> text(const std::string& path) const;
  /// The same without the file's kernels other than `entry` (lines stay where they are). A kernel is what begins with
  /// "… void NAME_FAMILY(" on a line of its own and ends with "}" alone on one, FAMILY being that of `entry`.
  Result<std::string> text_of_entry(const std::string& path, const std::string& entry) const;
  /// SHA-256 over all paths and texts, in order.
  std::string sha256() const;
  const std::map<std::string, std::string>& files() const { return files_; }

 private:
  std::map<std::string, std::string> files_;
};

}  // namespace qtrap::device
