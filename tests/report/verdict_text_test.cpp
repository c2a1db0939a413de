#include "report/verdict_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace qtrap::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

fit::OperationBound bound(const char* scheme, double hops, double tokens, double high) {
  fit::OperationBound made;
  made.cell.device = "cpu";
  made.cell.model = "m";
  made.cell.hops = hops;
  made.cell.tokens = tokens;
  made.scheme = scheme;
  made.unpack_operations = 1.5;
  made.operation_budget = 6;
  made.predicted_bound_batch = 5;
  made.predicted_slower_batch = 12;
  made.batches = {1, 2, high};
  made.measured_bound_low = 2;
  made.measured_bound_high = high;
  return made;
}

/// Rows of the table, words one space apart.
std::vector<std::string> rows_of(const std::vector<fit::OperationBound>& bounds) {
  std::istringstream text(describe_bounds(bounds));
  std::vector<std::string> rows;
  for (std::string line; std::getline(text, line);) {
    if (!line.starts_with("cpu")) continue;
    std::istringstream words(line);
    rows.emplace_back();
    for (std::string word; words >> word;) rows.back() += (rows.back().empty() ? "" : " ") + word;
  }
  return rows;
}

TEST(Bounds, OfChainsThatAgreeStandOnceWithAllChains) {
  const std::vector bounds{bound("w8a8", 1, 16, 8), bound("w4a8", 1, 16, 8), bound("w8a8", 4, 4, 8),
                           bound("w4a8", 4, 4, 8)};
  EXPECT_THAT(rows_of(bounds),
              ElementsAre("cpu w8a8 m 1.5 6.0 5 (2, 8] 12 1×16; 4×4", "cpu w4a8 m 1.5 6.0 5 (2, 8] 12 1×16; 4×4"));
}

TEST(Bounds, OfChainsThatDifferSayWhichIsWhich) {
  const std::vector bounds{bound("w8a8", 1, 16, 8), bound("w8a8", 4, 4, 4)};
  EXPECT_THAT(rows_of(bounds),
              ElementsAre("cpu w8a8 m 1.5 6.0 5 (2, 8] 12 1×16", "cpu w8a8 m 1.5 6.0 5 (2, 4] 12 4×4"));
}

TEST(Bounds, OfContextsAndPhasesAreToldApart) {
  auto decode = bound("w8a8", 1, 16, 8);
  decode.cell.context = 2048;
  auto prefill = bound("w8a8", 1, 1, 8);
  prefill.cell.phase = result::Phase::kPrefill;
  EXPECT_THAT(rows_of({decode, prefill}), ElementsAre(HasSubstr("12 1×16, C 2048; 1×1, prefill")));
}

}  // namespace
}  // namespace qtrap::report
