// Contracts that stay on in Release: a broken one is a defect of qtrap, reported as such.
#pragma once

#include <string_view>

namespace qtrap {

/// A line of source. clang 14 has no std::source_location with libstdc++.
struct CodePlace {
  const char* file;
  unsigned line;
  static constexpr CodePlace current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

/// Throws Failure: what must not happen has happened.
[[noreturn]] void fail_contract(std::string_view what, const CodePlace& where = CodePlace::current());

/// Throws Failure when `holds` is false. `what` states the broken expectation.
inline void expects(bool holds, std::string_view what, const CodePlace& where = CodePlace::current()) {
  if (!holds) fail_contract(what, where);
}

}  // namespace qtrap
