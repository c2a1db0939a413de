#include "report/hazards.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace qtrap::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::size_t count_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

result::ResultFile file_with(const std::vector<std::vector<std::string>>& hazards_by_session) {
  result::ResultFile file;
  for (const auto& hazards : hazards_by_session) {
    file.sessions.emplace_back().hazards = hazards;
    file.sessions.back().meter.reason = "no CPU package meter: nvml: library not loaded; rapl: no zone";
  }
  return file;
}

TEST(Hazards, OfOneKindAreShownOnce) {
  const auto text =
      make_hazard_lines(file_with({{"governor unknown", "load average 1.75 on 2 processors at the start"},
                                   {"governor unknown", "load average 1.79 on 2 processors at the start"},
                                   {"governor unknown", "load average 2.01 on 2 processors at the start"}}));
  EXPECT_EQ(text,
            "3 hazards: no energy: no CPU package meter (see `qtrap meters`);\n"
            "governor unknown; load average 1.75 on 2 processors at the start (and 2 like it).\n");
}

TEST(Hazards, TakeThreeLinesHoweverManyThereAre) {
  std::vector<std::string> many;
  for (char c = 'a'; c <= 'z'; ++c) many.push_back(std::string(300, c));
  auto file = file_with({many, many});
  for (const char* flag : {"foreign_load", "throttled", "load_unknown"}) {
    file.trials.emplace_back().flags = {flag};
    file.trials.back().energy_flags = {flag};
  }
  const auto text = make_hazard_lines(file);
  EXPECT_EQ(count_lines(text), 3U) << text;
  EXPECT_THAT(text, HasSubstr("foreign load in 1 of 3 trials (flagged)"));
  EXPECT_THAT(text, HasSubstr("23 more in the file; see `qtrap devices` and `qtrap meters`"));
  EXPECT_THAT(text, Not(HasSubstr(std::string(200, 'a'))));
}

TEST(Hazards, FromAFileCannotSteerTheTerminal) {
  EXPECT_THAT(make_hazard_lines(file_with({{"red \x1b[31m\nline"}})), HasSubstr("red \\x1b[31m\\x0aline"));
}

}  // namespace
}  // namespace qtrap::report
