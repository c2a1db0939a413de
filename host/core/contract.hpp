// Contracts that stay on in Release: a broken one is a defect of qtrap, reported as such.
#pragma once

#include <source_location>
#include <string_view>

namespace qtrap {

[[noreturn]] void fail_contract(std::string_view what, const std::source_location& where);

/// Throws Failure when `holds` is false. `what` states the broken expectation.
inline void expects(bool holds, std::string_view what,
                    const std::source_location& where = std::source_location::current()) {
  if (!holds) fail_contract(what, where);
}

}  // namespace qtrap
