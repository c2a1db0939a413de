// JSON of very many keys: the same refusals, and no time that grows with their square.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "table/sorted_json.hpp"

namespace qtrap::table {
namespace {

TEST(SortedJson, RefusesWhatJsonRefuses) {
  const auto message = [](std::string_view text) { return parse_sorted_json_object(text, "f").error().message(); };
  EXPECT_EQ(message("[1]"), "f is not a JSON object (a list): put its keys in { }");
  EXPECT_EQ(message("{\"a\":1,\"a\":2}"), "f: a key is given twice (a): remove one of them");
  EXPECT_EQ(message("{\"a\":1"), "f is not valid JSON at column 7: it ends too early");
  EXPECT_EQ(message("{\"a\":\"\xFF\"}"), "f is not UTF-8: save it as UTF-8 text");
  EXPECT_EQ(message("{\"a\":1e999}"), "f holds a number that is out of range: give numbers below 1e300");
}

TEST(SortedJson, HoldsVeryManyKeys) {
  std::string text = "{\"k\":0";
  for (int i = 1; i < 300'000; ++i) text += ",\"k" + std::to_string(i) + "\":" + std::to_string(i);
  const auto read = parse_sorted_json_object(text + "}", "f");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read.value().size(), 300'000U);
  EXPECT_EQ(read.value()["k77777"], 77777);
  EXPECT_EQ(quote_sorted_json(read.value()["k5"]), "5");
  EXPECT_EQ(quote_sorted_json(read.value()), "an object");
}

}  // namespace
}  // namespace qtrap::table
