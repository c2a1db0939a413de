// A descriptor of a file, pipe or lock that is closed with its owner; and writing all of a text to one.
#pragma once

#include <unistd.h>

#include <string_view>
#include <utility>

namespace qtrap {

/// Owns a descriptor; a negative number is none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  bool is_open() const { return number_ >= 0; }
  int get() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

/// Writes all of `text`, whatever part of it is taken at once and whatever signals come between; 0 or an errno.
int write_all(int descriptor, std::string_view text);

}  // namespace qtrap
