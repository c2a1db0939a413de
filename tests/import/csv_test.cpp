#include "import/csv.hpp"

#include <gtest/gtest.h>

namespace qtrap::importer {
namespace {

using Cells = std::vector<std::string>;

TEST(Csv, ReadsQuotedCellsWithCommasQuotesAndLineBreaks) {
  const CsvTable table = parse_csv("a,b\n\"1,5\",\"say \"\"no\"\"\"\n\"two\nlines\",\n", "t").value();
  EXPECT_EQ(table.columns, (Cells{"a", "b"}));
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0].cells, (Cells{"1,5", "say \"no\""}));
  EXPECT_EQ(table.rows[1].cells, (Cells{"two\nlines", ""}));
  EXPECT_EQ(table.rows[1].line, 3U);
}

TEST(Csv, ReadsCrLfAByteOrderMarkBlankLinesAndAMissingLastNewline) {
  const CsvTable table = parse_csv("\xEF\xBB\xBFx,y\r\n1,2\r\n\r\n3,4", "t").value();
  EXPECT_EQ(table.columns, (Cells{"x", "y"}));
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[1].cells, (Cells{"3", "4"}));
  EXPECT_EQ(table.rows[1].line, 4U);
}

TEST(Csv, RefusesWhatIsNoTable) {
  struct Reject {
    std::string text;
    const char* message;
  };
  const Reject rejects[] = {
      {"", "t holds no row (empty file): give a table with a header line and at least one row"},
      {"a,b\n", "t holds no row (header alone): give a table with a header line and at least one row"},
      {"a,a\n1,2\n", "t: a column is named twice (a): give each its own name"},
      {"a,\n1,2\n", "t: a column has no name (column 2): the first line names every column"},
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
