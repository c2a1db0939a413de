#include "core/last_words.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <limits>

namespace qtrap {
namespace {

TEST(LastWords, NameASignalWithItsUsualCause) {
  EXPECT_EQ(describe_signal(SIGSEGV), "SIGSEGV (a fault of memory access, mostly in the driver)");
  EXPECT_EQ(describe_signal(SIGWINCH), "signal " + std::to_string(SIGWINCH));
}

TEST(LastWords, AreTheLastLineWithSomethingInIt) {
  EXPECT_EQ(find_last_line(""), "");
  EXPECT_EQ(find_last_line("one\ntwo"), "two");
  EXPECT_EQ(find_last_line("one\r\ntwo\r\n \t\n\n"), "two");
  EXPECT_EQ(find_last_line("50 %\r100 %\r"), "100 %");
}

TEST(LastWords, ArePrintableAndShort) {
  EXPECT_EQ(find_last_line("a\x1b[31mb\x7f"), "a [31mb ");
  EXPECT_EQ(find_last_line(std::string(1000, 'x')), std::string(160, 'x') + "…");
}

}  // namespace
}  // namespace qtrap
