#include "cli/item_rows.hpp"

#include <fmt/format.h>

#include "program/parts.hpp"

namespace qtrap::cli {
namespace {

std::string text_of(double value) { return fmt::format("{}", value); }

}  // namespace

std::string encode_item(const scheme::KernelEntry& kernel) {
  return program::join_parts({kernel.name(), std::string(kernel.variant)});
}

std::string encode_item(const std::string& kernel, std::uint64_t tokens) {
  return program::join_parts({kernel, std::to_string(tokens)});
}

scheme::VerifyRow make_failed_verify_row(const std::string& item, const std::string& reason) {
  scheme::VerifyRow row;
  program::Parts parts(item);
  parts.take(row.kernel);
  parts.take(row.variant);
  row.status = scheme::VerifyStatus::kFail;
  row.reason = reason;
  return row;
}

tune::TunedKernel make_failed_tune_row(const std::string& item, const std::string& reason) {
  tune::TunedKernel tuned;
  program::Parts parts(item);
  parts.take(tuned.kernel);
  parts.take(tuned.tokens);
  tuned.reason = reason;
  return tuned;
}

std::string encode_row(const scheme::VerifyRow& row) {
  return program::join_parts({row.kernel, row.variant, row.shape, text_of(row.worst_relative_error),
                              text_of(row.tolerance), std::to_string(static_cast<int>(row.status)), row.reason});
}

scheme::VerifyRow decode_verify_row(const std::string& text) {
  scheme::VerifyRow row;
  int status = 0;
  program::Parts parts(text);
  parts.take(row.kernel);
  parts.take(row.variant);
  parts.take(row.shape);
  parts.take(row.worst_relative_error);
  parts.take(row.tolerance);
  parts.take(status);
  parts.take(row.reason);
  row.status = static_cast<scheme::VerifyStatus>(status);
  return row;
}

std::string encode_row(const tune::TunedKernel& tuned) {
  std::vector<std::string> parts{tuned.kernel,
                                 std::to_string(tuned.tokens),
                                 text_of(tuned.speed.value),
                                 text_of(tuned.speed.low),
                                 text_of(tuned.speed.high),
                                 std::to_string(tuned.candidates),
                                 std::to_string(tuned.refused),
                                 tuned.complete ? "1" : "0",
                                 tuned.reason};
  for (const auto& choice : tuned.choices) parts.push_back(scheme::to_string(choice));
  return program::join_parts(std::move(parts));
}

tune::TunedKernel decode_tune_row(const std::string& text) {
  tune::TunedKernel tuned;
  program::Parts parts(text);
  parts.take(tuned.kernel);
  parts.take(tuned.tokens);
  parts.take(tuned.speed.value);
  parts.take(tuned.speed.low);
  parts.take(tuned.speed.high);
  parts.take(tuned.candidates);
  parts.take(tuned.refused);
  parts.take(tuned.complete);
  parts.take(tuned.reason);
  while (const auto choice = parts.next()) tuned.choices.push_back(scheme::parse_choice(*choice).value());
  return tuned;
}

}  // namespace qtrap::cli
