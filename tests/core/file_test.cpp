#include "core/file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "core/half.hpp"
#include "core/sha256.hpp"
#include "support/temporary_folder.hpp"

namespace qtrap {
namespace {

using ::testing::HasSubstr;

class Files : public ::testing::Test {
 protected:
  std::size_t count() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  const test::TemporaryFolder temporary_;
  const std::filesystem::path& folder_ = temporary_.path();
};

TEST_F(Files, AnAppendFileAppearsWithItsFirstRecordAndGrowsByWholeRecords) {
  const auto path = folder_ / "a.jsonl";
  auto file = AppendFile::create(path, "one\n").value();
  ASSERT_TRUE(file.append("two\n").ok());
  EXPECT_EQ(read_file(path).value(), "one\ntwo\n");
  EXPECT_EQ(count(), 1U) << "no temporary file stays";
}

TEST_F(Files, AnExistingOutputIsRefusedAndLeftAlone) {
  const auto path = folder_ / "a.jsonl";
  ASSERT_TRUE(write_file(path, "mine", false).ok());
  const auto file = AppendFile::create(path, "theirs");
  ASSERT_FALSE(file.ok());
  EXPECT_THAT(file.error().message(), HasSubstr("output file exists"));
  EXPECT_FALSE(write_file(path, "theirs", false).ok());
  EXPECT_EQ(read_file(path).value(), "mine");
  EXPECT_EQ(count(), 1U);
}

TEST_F(Files, ReopeningCutsTheTail) {
  const auto path = folder_ / "a.jsonl";
  ASSERT_TRUE(write_file(path, "one\ntw", true).ok());
  auto file = AppendFile::open_at(path, 4).value();
  ASSERT_TRUE(file.append("2\n").ok());
  EXPECT_EQ(read_file(path).value(), "one\n2\n");
}

TEST_F(Files, AFullDiskLosesOnlyTheRecordThatDidNotFit) {
  // A file-size limit stands for the full disk: the write stops part-way through the record.
  const auto path = folder_ / "a.jsonl";
  auto file = AppendFile::create(path, "one\n").value();
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit small{8, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto refused = file.append("a long record\n");
  setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message(), HasSubstr("free space on the disk"));
  EXPECT_EQ(read_file(path).value(), "one\n");
  ASSERT_TRUE(file.append("two\n").ok());
  EXPECT_EQ(read_file(path).value(), "one\ntwo\n");
}

TEST_F(Files, ReadErrorsNameTheFileAndTheFix) {
  ASSERT_TRUE(write_file(folder_ / "long", std::string(100, 'x'), false).ok());
  EXPECT_THAT(read_file(folder_ / "missing").error().message(), HasSubstr("no such file"));
  EXPECT_THAT(read_file(folder_).error().message(), HasSubstr("a folder was given"));
  EXPECT_THAT(read_file(folder_ / "long", 10).error().message(), HasSubstr("too large"));
  EXPECT_THAT(write_file(folder_ / "no" / "x", "", false).error().message(), HasSubstr("folder of the output file"));
}

TEST(Utf8, AcceptsWellFormedTextOnly) {
  EXPECT_TRUE(is_utf8("plain, \xc3\xa9, \xe2\x82\xac, \xf0\x9f\x98\x80"));
  for (const char* bad : {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(Sha256, GivesThePublishedAnswerForAbc) {
  EXPECT_EQ(compute_sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Half, RoundsTiesToEvenAndKeepsSubnormals) {
  EXPECT_EQ(half_from_float(1.0F + 1.0F / 2048), 0x3C00);  // halfway to the next half: the even neighbour
  EXPECT_EQ(half_from_float(1.0F + 3.0F / 2048), 0x3C02);
  EXPECT_EQ(half_from_float(65536.0F), 0x7C00);
  EXPECT_EQ(float_from_half(0x0001), 5.9604644775390625e-08F);
}

TEST(ErrorMessage, IsOneLineWithTheValueQuotedAndTheFixNamed) {
  EXPECT_EQ(usage_error("unknown scheme", "w5\na", "choose one of f16").message(),
            "unknown scheme (w5\\x0aa): choose one of f16");
  EXPECT_LT(usage_error("x", std::string(5000, 'y'), "z").message().size(), 300U);
}

}  // namespace
}  // namespace qtrap
