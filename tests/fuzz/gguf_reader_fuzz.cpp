// libFuzzer target of the reader of gguf. A crash, a hang, a leak or a broken contract is a finding; put its input into
// tests/fuzz/corpus/gguf under a name that says what it was.
#include <cstddef>
#include <cstdint>

#include "fuzz/exercise_weights.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  qtrap::test::exercise_weights({reinterpret_cast<const char*>(data), size}, "");
  return 0;
}
