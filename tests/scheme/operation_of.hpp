// Operations by their texts, as expectations are best read.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "scheme/catalogue/kernel_table.hpp"

namespace qtrap::test {

/// The operation of the table that this text names; throws where there is none.
inline scheme::OperationId operation_of(std::string_view text) {
  for (const scheme::KernelEntry& kernel : scheme::all_kernels()) {
    if (to_string(kernel.operation) == text) return kernel.operation;
  }
  throw std::invalid_argument(std::string(text));
}

}  // namespace qtrap::test
