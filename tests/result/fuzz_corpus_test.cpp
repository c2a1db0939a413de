// The corpus of the fuzz target in every build: each file is read or refused, and what was read survives a round trip.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/file.hpp"
#include "fuzz/exercise_reader.hpp"

namespace qtrap::result {
namespace {

TEST(FuzzCorpus, IsReadOrRefusedAndNothingElse) {
  int read = 0;
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(QTRAP_SOURCE_DIR) / "tests/fuzz/corpus/result")) {
    const std::string text = read_file(entry.path()).value();
    for (std::size_t length : {text.size(), text.size() / 2, text.size() - 1}) {
      read += test::exercise_reader(std::string_view(text).substr(0, length)) ? 1 : 0;
    }
    ++files;
  }
  EXPECT_GE(files, 15);
  EXPECT_GE(read, 5);
  EXPECT_LT(read, 3 * files);
}

}  // namespace
}  // namespace qtrap::result
