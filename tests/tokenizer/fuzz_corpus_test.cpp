// The corpus of the fuzz target in every build: each file is read or refused, whole and cut.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/exercise_tokenizer.hpp"

namespace qtrap::tokenizer {
namespace {

TEST(FuzzCorpus, OfTokenizersIsReadOrRefusedAndNothingElse) {
  int read = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(QTRAP_SOURCE_DIR) / "tests/fuzz/corpus/tokenizer")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    read += test::exercise_tokenizer(bytes) ? 1 : 0;
    for (const std::size_t length : {bytes.size() / 2, bytes.size() - 1})
      test::exercise_tokenizer(std::string_view(bytes).substr(0, length));
  }
  EXPECT_GE(read, 8);
}

}  // namespace
}  // namespace qtrap::tokenizer
