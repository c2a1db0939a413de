// The corpora of the fuzz targets in every build: each file is read or refused, whole and cut, and so are its numbers.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/exercise_weights.hpp"

namespace qtrap::weights {
namespace {

/// How many of the corpus' whole files are weights.
int exercise_corpus(const std::string& name, bool (*exercise)(std::string_view)) {
  int read = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(QTRAP_SOURCE_DIR) / "tests/fuzz/corpus" / name)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    read += exercise(bytes) ? 1 : 0;
    for (const std::size_t length : {bytes.size() / 2, bytes.size() - 1})
      exercise(std::string_view(bytes).substr(0, length));
  }
  return read;
}

TEST(FuzzCorpus, OfGgufIsReadOrRefusedAndNothingElse) {
  const auto exercise = [](std::string_view bytes) { return test::exercise_weights(bytes, ""); };
  EXPECT_GE(exercise_corpus("gguf", exercise), 7);
}

TEST(FuzzCorpus, OfSafetensorsIsReadOrRefusedAndNothingElse) {
  EXPECT_GE(exercise_corpus("safetensors", test::exercise_safetensors), 5);
}

}  // namespace
}  // namespace qtrap::weights
