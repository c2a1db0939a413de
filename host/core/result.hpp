// Result<T>: a value or an Error, for callers that must branch (g++ 12 has no std::expected in C++20).
#pragma once

#include <utility>
#include <variant>

#include "core/error.hpp"

namespace qtrap {

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// The value; throws Failure with the error when there is none.
  const T& value() const& {
    if (!ok()) throw Failure(std::get<1>(state_));
    return std::get<0>(state_);
  }
  T& value() & {
    if (!ok()) throw Failure(std::get<1>(state_));
    return std::get<0>(state_);
  }
  /// By value, so that `for (x : f().value())` does not outlive its temporary.
  T value() && {
    if (!ok()) throw Failure(std::get<1>(state_));
    return std::get<0>(std::move(state_));
  }
  /// The error; only when !ok().
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

/// Result of an operation without a value.
struct Done {};
using Status = Result<Done>;

}  // namespace qtrap
