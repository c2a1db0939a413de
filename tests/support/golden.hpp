// Golden files: generated text against a committed copy. QTRAP_REGENERATE=1 rewrites the copy instead of comparing.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/file.hpp"

namespace qtrap::test {

/// Compares `text` with the file `path`, relative to the source tree.
inline void expect_golden(const std::string& path, const std::string& text) {
  const std::filesystem::path full = std::filesystem::path(QTRAP_SOURCE_DIR) / path;
  if (std::getenv("QTRAP_REGENERATE") != nullptr) {
    ASSERT_TRUE(write_file(full, text, true));
    return;
  }
  const auto golden = read_file(full);
  ASSERT_TRUE(golden) << golden.error().message();
  EXPECT_EQ(golden.value(), text) << path << " differs; QTRAP_REGENERATE=1 rewrites it";
}

}  // namespace qtrap::test
