#include "core/file.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "core/half.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
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

TEST_F(Files, ReopeningChangesNothingUntilTheTailIsCut) {
  const auto path = folder_ / "a.jsonl";
  ASSERT_TRUE(write_file(path, "one\ntw", true).ok());
  auto file = AppendFile::open(path).value();
  EXPECT_EQ(file.read().value(), "one\ntw");
  EXPECT_EQ(read_file(path).value(), "one\ntw");
  ASSERT_TRUE(file.cut(4).ok());
  ASSERT_TRUE(file.append("2\n").ok());
  EXPECT_EQ(read_file(path).value(), "one\n2\n");
}

TEST_F(Files, AFileBeingWrittenHasNoSecondWriter) {
  const auto path = folder_ / "a.jsonl";
  {
    auto file = AppendFile::create(path, "one\n").value();
    if (!file.locked()) GTEST_SKIP() << "no locks in " << folder_;
    EXPECT_THAT(AppendFile::open(path).error().message(), HasSubstr("in use by another run"));
    EXPECT_THAT(AppendFile::create(path, "x").error().message(), HasSubstr("in use by another run"));
    EXPECT_THAT(check_creatable(path, false).error().message(), HasSubstr("in use by another run"));
    EXPECT_EQ(read_file(path).value(), "one\n") << "readers are not kept out";
  }
  auto again = AppendFile::open(path);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_THAT(AppendFile::open(path).error().message(), HasSubstr("in use by another run"));
}

TEST_F(Files, ALockEndsWithItsProcess) {
  const auto path = folder_ / "a.jsonl";
  ASSERT_TRUE(write_file(path, "one\n", false).ok());
  const pid_t child = fork();
  if (child == 0) {
    const auto held = AppendFile::open(path);
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(AppendFile::open(path).ok());
}

TEST_F(Files, OnlyRegularFilesAreContinued) {
  EXPECT_THAT(AppendFile::open(folder_).error().message(), HasSubstr("not a regular file"));
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(AppendFile::open(folder_ / "pipe").error().message(), HasSubstr("not a regular file"));
  EXPECT_THAT(AppendFile::open(folder_ / "missing").error().message(), HasSubstr("no such file"));
}

TEST_F(Files, NobodysFileBesideAnOutputIsTouchedAndNoLinkFollowed) {
  const auto path = folder_ / "a.jsonl";
  const auto name = path.string();
  const std::string beside[] = {name + ".writable", name + ".part", fmt::format("{}.{}.part", name, getpid())};
  for (const auto& other : beside) ASSERT_TRUE(write_file(other, "precious", false).ok());
  EXPECT_TRUE(check_creatable(path, false).ok());
  ASSERT_TRUE(AppendFile::create(path, "one\n").ok());
  for (const auto& other : beside) EXPECT_EQ(read_file(other).value(), "precious") << other;
  EXPECT_EQ(count(), 4U);
  const auto link = folder_ / "link";
  std::filesystem::create_symlink(folder_ / "target", link);
  EXPECT_THAT(write_file(link, "x", false).error().message(), HasSubstr("output file exists"));
  EXPECT_THAT(AppendFile::create(link, "x").error().message(), HasSubstr("output file exists"));
  ASSERT_TRUE(write_file(link, "x", true).ok());
  EXPECT_FALSE(std::filesystem::is_symlink(link)) << "the link is replaced, not followed";
  EXPECT_FALSE(std::filesystem::exists(folder_ / "target"));
}

TEST_F(Files, AnOutputNameOfGreatestLengthIsWritten) {
  const auto path = folder_ / std::string(255, 'n');
  EXPECT_TRUE(write_file(path, "x", false).ok());
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
  EXPECT_THAT(refused.error().message(), HasSubstr("raise the file size limit"));
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

TEST_F(Files, ALineWithoutAnEndIsRefusedWhileItIsRead) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::thread writer([&ends] {
    signal(SIGPIPE, SIG_IGN);
    const std::string endless(1 << 16, '1');
    ASSERT_EQ(write(ends[1], "first\n", 6), 6);
    while (write(ends[1], endless.data(), endless.size()) > 0) {
    }
  });
  const auto read = read_file(fmt::format("/proc/self/fd/{}", ends[0]));
  close(ends[0]);
  writer.join();
  close(ends[1]);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message(), HasSubstr("a line of the file is too long"));
  EXPECT_THAT(read.error().message(), HasSubstr("line 2"));
}

TEST_F(Files, ATornLastLineOfARegularFileMayBeLongAWholeLineMayNot) {
  const std::string torn = "first\n" + std::string(kLongestLine + 1, 'x');
  ASSERT_TRUE(write_file(folder_ / "x", torn, true).ok());
  EXPECT_EQ(read_file(folder_ / "x").value().size(), torn.size());
  ASSERT_TRUE(write_file(folder_ / "x", torn + "\n", true).ok());
  EXPECT_THAT(read_file(folder_ / "x").error().message(), HasSubstr("line 2"));
}

TEST_F(Files, CompressedFilesAreNamedAsSuch) {
  const std::pair<std::string, const char*> cases[] = {{"\x1f\x8b\x08 and more", "compressed by gzip"},
                                                       {"\x28\xb5\x2f\xfd", "compressed by zstd"},
                                                       {"\xfd"
                                                        "7zXZ",
                                                        "compressed by xz"},
                                                       {"PK\x03\x04", "a zip archive"},
                                                       {"\xff\xfe{", "UTF-16"}};
  for (const auto& [text, name] : cases) {
    ASSERT_TRUE(write_file(folder_ / "x", text, true).ok());
    EXPECT_THAT(read_file(folder_ / "x").error().message(), HasSubstr(name));
  }
}

TEST(Utf8, AcceptsWellFormedTextOnly) {
  EXPECT_TRUE(is_utf8("plain, \xc3\xa9, \xe2\x82\xac, \xf0\x9f\x98\x80"));
  for (const char* bad : {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(Sha256, GivesThePublishedAnswerForAbc) {
  EXPECT_EQ(compute_sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string_view parts[] = {"a", "", "bc"};
  EXPECT_EQ(compute_sha256(parts), compute_sha256("abc"));
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
  EXPECT_LT(usage_error(std::string(100000, 'x'), "y", "z").message().size(), 5000U);
  EXPECT_EQ(usage_error("point \x1b[2J\nq", "", "").message(), "point \\x1b[2J q") << "ids of a file stand in `what`";
  const std::string cut = usage_error("x", std::string(199, 'y') + "\u00fc", "z").message();
  EXPECT_TRUE(is_utf8(cut)) << "characters stay whole";
}

}  // namespace
}  // namespace qtrap
