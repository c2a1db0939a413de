#include "scheme/verify/verify_cases.hpp"

#include <fmt/format.h>

#include "core/contract.hpp"
#include "scheme/verify/verify_support.hpp"

namespace qtrap::scheme {

std::vector<std::uint32_t> VerifyCase::group_sizes(bool small) const {
  if (!grouped) return {128};
  return small ? std::vector<std::uint32_t>{32} : std::vector<std::uint32_t>{128, 64, 32};
}

std::string VerifyCase::describe(const Extent& e, std::uint32_t group) const {
  std::string text;
  const auto add = [&](std::string_view name, std::uint64_t value) {
    if (value > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  };
  add("count", e.count);
  add("rows", e.rows);
  add("columns", e.columns);
  add("tokens", e.tokens);
  add("splits", e.splits);
  add("beside", e.beside);
  add("group", grouped ? group : 0);
  return text;
}

const VerifyCase& verify_case(const OperationId& operation) {
  for (const std::span<const VerifyCase> cases :
       {operation_cases(), scheme_cases(), attention_cases(), token_cases()}) {
    for (const VerifyCase& entry : cases) {
      if (entry.operation == operation) return entry;
    }
  }
  fail_contract("every kernel of the table is verified");
}

}  // namespace qtrap::scheme
