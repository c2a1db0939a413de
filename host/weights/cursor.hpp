// Walks over little-endian bytes, never past their end. Private to this layer.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace qtrap::weights {

class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t place() const { return place_; }
  std::uint64_t left() const { return bytes_.size() - place_; }

  /// False, and nothing is taken, where the bytes end before.
  template <class T>
  bool read(T& value) {
    if (left() < sizeof(T)) return false;
    std::memcpy(&value, bytes_.data() + place_, sizeof(T));
    place_ += sizeof(T);
    return true;
  }
  bool read(std::string_view& part, std::uint64_t size) {
    if (left() < size) return false;
    part = bytes_.substr(place_, size);
    place_ += size;
    return true;
  }
  /// A length of 8 bytes, then so many bytes.
  bool read_text(std::string_view& text) {
    std::uint64_t size = 0;
    return read(size) && read(text, size);
  }

 private:
  std::string_view bytes_;
  std::uint64_t place_ = 0;
};

}  // namespace qtrap::weights
