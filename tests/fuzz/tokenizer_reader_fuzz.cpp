// libFuzzer target of the readers of tokenizers. A crash, a hang, a leak or a broken contract is a finding; put its
// input into tests/fuzz/corpus/tokenizer under a name that says what it was.
#include <cstddef>
#include <cstdint>

#include "fuzz/exercise_tokenizer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  qtrap::test::exercise_tokenizer({reinterpret_cast<const char*>(data), size});
  return 0;
}
