#include "import/csv.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace qtrap::importer {
namespace {

using Cells = std::vector<std::string>;

TEST(Csv, ReadsQuotedCellsWithCommasQuotesAndLineBreaks) {
  const Table table = parse_csv("a,b\n\"1,5\",\"say \"\"no\"\"\"\n\"two\nlines\",\n", "t").value();
  EXPECT_EQ(table.columns, (Cells{"a", "b"}));
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0].cells, (Cells{"1,5", "say \"no\""}));
  EXPECT_EQ(table.rows[1].cells, (Cells{"two\nlines", ""}));
  EXPECT_EQ(table.rows[1].line, 3U);
}

TEST(Csv, ReadsCrLfAByteOrderMarkBlankLinesAndAMissingLastNewline) {
  const Table table = parse_csv("\xEF\xBB\xBFx,y\r\n1,2\r\n\r\n3,4", "t").value();
  EXPECT_EQ(table.columns, (Cells{"x", "y"}));
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[1].cells, (Cells{"3", "4"}));
  EXPECT_EQ(table.rows[1].line, 4U);
}

TEST(Csv, TakesTheSeparatorOfTheHeaderLine) {
  for (const char separator : {';', '\t', '|'}) {
    std::string text = "a;b, c\n1,5;\"2;2\"\n";
    std::replace(text.begin(), text.end(), ';', separator);
    const Table table = parse_csv(text, "t", separator).value();
    EXPECT_EQ(table.columns, (Cells{"a", "b, c"}));
    EXPECT_EQ(table.rows[0].cells, (Cells{"1,5", std::string("2") + separator + "2"}));
  }
  // The comma in the header parts two cells too, but not in the second row.
  const Table table = parse_csv("a;b, c\n1,5;x\n2;y\n", "t").value();
  EXPECT_EQ(table.columns, (Cells{"a", "b, c"}));
  EXPECT_EQ(table.separator, ';');
  EXPECT_EQ(parse_csv("a,b\n1;2,3\n", "t").value().rows[0].cells, (Cells{"1;2", "3"}));
  EXPECT_EQ(parse_csv("sep=;\r\na,b;c\r\n1,2;3\r\n", "t").value().columns, (Cells{"a,b", "c"}));
  EXPECT_EQ(parse_csv("sep=;\na,b;c\n1,2;3\n", "t").value().rows[0].line, 3U);
  EXPECT_EQ(parse_csv("a,b;c\n1,2;3\n", "t", ',').value().columns, (Cells{"a", "b;c"}));
}

TEST(Csv, SkipsBlanksRoundCellsAndKeepsThoseInQuotes) {
  const Table table = parse_csv("a ,\tb, \"c\" ,d\n 1, 2 ,\" 3 \"\t,  \n", "t").value();
  EXPECT_EQ(table.columns, (Cells{"a", "b", "c", "d"}));
  EXPECT_EQ(table.rows[0].cells, (Cells{"1", "2", " 3 ", ""}));
  EXPECT_EQ(parse_csv("a\tb\n \t 2\n", "t").value().rows[0].cells, (Cells{"", "2"}));
}

TEST(Csv, LeavesColumnsThatNobodyAsksForAlone) {
  const Table table = parse_csv(",a,a,\n0,1,2,\n,,,\n1,3,4,\n", "t").value();
  EXPECT_EQ(table.columns, (Cells{"", "a", "a", ""}));
  ASSERT_EQ(table.rows.size(), 2U);  // a row of empty cells is a blank line
  EXPECT_EQ(table.rows[1].line, 4U);
  EXPECT_EQ(parse_csv("a,b\n1,2,\n", "t").value().rows[0].cells, (Cells{"1", "2"}));
}

TEST(Csv, RefusesWhatIsNoTable) {
  struct Reject {
    std::string text;
    const char* message;
  };
  const Reject rejects[] = {
      {"", "t holds no row (empty file): give a table with a header line and at least one row"},
      {"a,b\n", "t holds no row (header alone): give a table with a header line and at least one row"},
      {"a;b\n1;2;3\n",
       "t line 2: the row has another number of cells than the header (3 and 2): quote cells that hold `;`; the table "
       "may be truncated"},
      {"a,b;c\n1,2;3\n", "t may be separated by a comma or `;` (2 or 2 columns): say which in the map's `separator`"},
      {"a\tb\n1\t\"2\"x\n", "t line 2: text follows a closing quote (2): put a tab after the quote"},
      {"a,b\n1,2,3\n",
       "t line 2: the row has another number of cells than the header (3 and 2): quote cells that hold a comma; the "
       "table may be truncated"},
      {"a,b\n1,2\n3",
       "t line 3: the row has another number of cells than the header (1 and 2): quote cells that hold a "
       "comma; the table may be truncated"},
      {"a,b\n1,\"2\n3", "t line 2: a quote is never closed (2\\x0a3): close it; the table may be truncated"},
      {"a,b\n1,\"2\"x\n", "t line 2: text follows a closing quote (2): put a comma after the quote"},
      {"a,b\n1,2\"x\n",
       "t line 2: a quote stands inside an unquoted cell (2\"x): quote the whole cell and double the quotes in it"},
      {"a,b\n1,\xFF\n", "t is not UTF-8: save it as UTF-8 text"},
      {std::string("a,b\n1,\0\n", 8), "t is not a text (NUL byte): give a comma-separated table"},
  };
  for (const Reject& reject : rejects) {
    const auto table = parse_csv(reject.text, "t");
    ASSERT_FALSE(table) << reject.message;
    EXPECT_EQ(table.error().message(), reject.message);
    EXPECT_EQ(table.error().kind, ErrorKind::kUsage);
  }
}

}  // namespace
}  // namespace qtrap::importer
