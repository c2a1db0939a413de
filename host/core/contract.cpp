#include "core/contract.hpp"

#include <fmt/format.h>

#include "core/error.hpp"

namespace qtrap {

void fail_contract(std::string_view what, const CodePlace& where) {
  throw Failure(runtime_error("internal contract broken", fmt::format("{} at {}:{}", what, where.file, where.line),
                              "this is a defect of qtrap, please report it"));
}

}  // namespace qtrap
