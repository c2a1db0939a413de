#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "device/kernel_sources.hpp"
#include "support/temporary_folder.hpp"

namespace qtrap::test {

/// A copy of kernels/ that a test changes.
class ChangedKernels {
 public:
  ChangedKernels() {
    std::filesystem::copy(std::filesystem::path(QTRAP_SOURCE_DIR) / "kernels", folder(),
                          std::filesystem::copy_options::recursive);
  }

  const std::filesystem::path& folder() const { return folder_.path(); }
  device::KernelSources sources() const { return device::KernelSources::from_folder(folder()).value(); }

  /// Calls `change` with the file's text (by reference) and writes what it leaves.
  template <class Change>
  void rewrite(const std::string& file, Change change) const {
    std::ifstream in(folder() / file);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    change(text);
    std::ofstream(folder() / file) << text;
  }

  /// Replaces `from` by `to` once; a test failure where there is no `from`.
  void replace(const std::string& file, const std::string& from, const std::string& to) const {
    rewrite(file, [&](std::string& text) {
      const std::size_t at = text.find(from);
      ASSERT_NE(at, std::string::npos) << from;
      text.replace(at, from.size(), to);
    });
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace qtrap::test
