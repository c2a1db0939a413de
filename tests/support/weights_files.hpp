// Files of weights made byte by byte, so that a test can say one thing wrong in them.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qtrap::test {

/// The bytes of a number, little-endian.
template <class T>
std::string raw(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

/// A text of GGUF: its length, then it.
inline std::string gguf_text(std::string_view text) { return raw<std::uint64_t>(text.size()) + std::string(text); }

/// A key with a value of that type; `value` as it lies in the file.
inline std::string gguf_pair(std::string_view key, std::uint32_t type, const std::string& value) {
  return gguf_text(key) + raw(type) + value;
}
inline std::string gguf_count(std::string_view key, std::uint32_t value) { return gguf_pair(key, 4, raw(value)); }
inline std::string gguf_real(std::string_view key, float value) { return gguf_pair(key, 6, raw(value)); }
inline std::string gguf_word(std::string_view key, std::string_view value) {
  return gguf_pair(key, 8, gguf_text(value));
}

struct GgufTensor {
  std::string name;
  std::vector<std::uint64_t> dimensions;              ///< as GGUF has them: that of adjacent elements first
  std::uint32_t type = 0;                             ///< F32
  std::uint64_t offset = 0;                           ///< within the data
  std::optional<std::uint32_t> dimension_count = {};  ///< none: as many as there are

  std::string bytes() const {
    std::string text = gguf_text(name) + raw(dimension_count.value_or(static_cast<std::uint32_t>(dimensions.size())));
    for (const std::uint64_t dimension : dimensions) text += raw(dimension);
    return text + raw(type) + raw(offset);
  }
};

/// A file of these parts; counts are those of the parts where none are given.
struct GgufFile {
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::optional<std::uint64_t> tensor_count = {};
  std::optional<std::uint64_t> pair_count = {};
  std::vector<std::string> pairs = {};
  std::vector<GgufTensor> tensors = {};
  std::string data = {};

  std::string bytes() const {
    std::string text =
        magic + raw(version) + raw(tensor_count.value_or(tensors.size())) + raw(pair_count.value_or(pairs.size()));
    for (const std::string& pair : pairs) text += pair;
    for (const GgufTensor& tensor : tensors) text += tensor.bytes();
    text.resize((text.size() + 31) / 32 * 32, '\0');
    return text + data;
  }
};

/// A safetensors file of this head and data.
inline std::string safetensors_bytes(std::string_view head, std::string_view data) {
  return raw<std::uint64_t>(head.size()) + std::string(head) + std::string(data);
}

/// `text` with the first `from` in it replaced.
inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

}  // namespace qtrap::test
