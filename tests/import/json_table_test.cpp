#include "import/json_table.hpp"

#include <gtest/gtest.h>

namespace qtrap::importer {
namespace {

using Cells = std::vector<std::string>;

TEST(JsonTable, ReadsRecordsOfOneALineOfAnArrayAndOneAfterAnother) {
  const char* const texts[] = {
      "{\"a\": 1, \"b\": \"x\"}\n{\"b\": \"y\", \"a\": 2.50}\n",
      "[{\"a\":1,\"b\":\"x\"},\n {\"a\":2.5,\"b\":\"y\"}]",
      "\xEF\xBB\xBF{\n\"a\": 1,\n\"b\": \"x\"}\n\n{\"a\": 2.5, \"b\": \"y\"}",
      "{\"results\": [{\"a\": 1, \"b\": \"x\"}, {\"a\": 2.5, \"b\": \"y\"}]}",
  };
  for (const char* text : texts) {
    ASSERT_TRUE(looks_like_json(text));
    const Table table = parse_json_table(text, "t").value();
    EXPECT_EQ(table.columns, (Cells{"a", "b"}));
    ASSERT_EQ(table.rows.size(), 2U) << text;
    EXPECT_EQ(table.rows[0].cells, (Cells{"1", "x"}));
    EXPECT_EQ(table.rows[1].cells, (Cells{"2.5", "y"}));
  }
  EXPECT_EQ(parse_json_table(texts[2], "t").value().rows[1].line, 5U);
}

TEST(JsonTable, NamesInnerMembersAndLeavesAbsentOnesEmpty) {
  const Table table =
      parse_json_table("{\"a\": {\"b\": {\"c\": true}}, \"l\": [1, 2]}\n{\"z\": null, \"a\": {\"b\": {\"c\": \"}\"}}}",
                       "t")
          .value();
  EXPECT_EQ(table.columns, (Cells{"a.b.c", "l", "z"}));
  EXPECT_EQ(table.rows[0].cells, (Cells{"true", "[1,2]", ""}));
  EXPECT_EQ(table.rows[1].cells, (Cells{"}", "", ""}));
}

TEST(JsonTable, PutsWhatStandsBesideTheOnlyListOfObjectsIntoEachRow) {
  const Table table = parse_json_table("{\"gpu\": \"G\", \"runs\": [{\"j\": 1}, {\"j\": 2}]}", "t").value();
  EXPECT_EQ(table.columns, (Cells{"j", "gpu"}));
  EXPECT_EQ(table.rows[1].cells, (Cells{"2", "G"}));
  // Two such lists: it is not said which one is the table.
  EXPECT_EQ(parse_json_table("{\"p\": [{\"j\": 1}], \"q\": [{\"j\": 2}]}", "t").value().columns, (Cells{"p", "q"}));
}

TEST(JsonTable, IsNotTakenForSeparatedCells) {
  EXPECT_FALSE(looks_like_json("a,b\n{},2\n"));
  EXPECT_FALSE(looks_like_json("[N/A],b\n1,2\n"));
  EXPECT_FALSE(looks_like_json(" \n"));
  EXPECT_EQ(parse_table("a,b\n1,2\n", "t", std::nullopt).value().separator, ',');
  EXPECT_EQ(parse_table("{\"a\": 1}", "t", std::nullopt).value().separator, '{');
}

TEST(JsonTable, RefusesWhatIsNoRecordWithItsLine) {
  struct Reject {
    const char* text;
    const char* message;
  };
  const Reject rejects[] = {
      {"{\"a\": 1}\n{\"a\": NaN}\n",
       "t line 2: the record is not valid JSON at column 7 (NaN}): correct the text there"},
      {"{\"a\": 1}\n{\"a\": 2", "t line 2: a record is never closed ({\"a\": 2): close it; the file may be truncated"},
      {"{\"a\": 1, \"a\": 2}", "t line 1: the record: a key is given twice (a): remove one of them"},
      {"{\"a\": 1}\n7\n",
       "t line 2: a record is not an object (7\\x0a): give records of JSON as { }; pandas writes them with "
       "to_json(orient=\"records\")"},
      {"[{\"a\": 1},\n",
       "t line 2: a record is not an object: give records of JSON as { }; pandas writes them with "
       "to_json(orient=\"records\")"},
      {"{\"a\": \"\xFF\"}", "t is not UTF-8: save it as UTF-8 text"},
  };
  for (const Reject& reject : rejects) {
    const auto table = parse_json_table(reject.text, "t");
    ASSERT_FALSE(table) << reject.message;
    EXPECT_EQ(table.error().message(), reject.message);
    EXPECT_EQ(table.error().kind, ErrorKind::kUsage);
  }
}

}  // namespace
}  // namespace qtrap::importer
