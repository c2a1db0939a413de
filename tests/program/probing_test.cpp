// The cache of probes: what is kept comes back, and what cannot be trusted does not.
#include "program/probing.hpp"

#include <gtest/gtest.h>

#include "device/probe.hpp"

namespace qtrap::program {
namespace {

std::vector<device::Capability> make_rows(const device::DeviceInfo& info) {
  std::vector<device::Capability> rows;
  for (std::size_t i = 0; i < device::count_capabilities(); ++i) {
    rows.push_back(device::declared_capability(info, i));
    rows.back().probed = i % 2 == 0;
    rows.back().reason = "reason " + std::to_string(i);
  }
  return rows;
}

TEST(ProbeCache, GivesBackWhatWasKept) {
  device::DeviceInfo info;
  info.extensions = "cl_khr_fp16";
  const auto rows = make_rows(info);
  const auto back = parse_probes(format_probes("key", rows), "key", info);
  ASSERT_TRUE(back.has_value());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ((*back)[i].name, rows[i].name);
    EXPECT_EQ((*back)[i].declared, rows[i].declared);
    EXPECT_EQ((*back)[i].probed, rows[i].probed);
    EXPECT_EQ((*back)[i].reason, rows[i].reason);
  }
}

TEST(ProbeCache, PassesOverWhatIsForOtherDevicesTornOrNotItsOwn) {
  const device::DeviceInfo info;
  const std::string whole = format_probes("key", make_rows(info));
  EXPECT_FALSE(parse_probes(whole, "other", info).has_value());
  for (std::size_t length = 0; length + 1 < whole.size(); ++length)
    EXPECT_FALSE(parse_probes(whole.substr(0, length), "key", info).has_value()) << length;
  std::string renamed = whole;
  renamed.replace(renamed.find("fp16"), 4, "fp17");
  EXPECT_FALSE(parse_probes(renamed, "key", info).has_value());
  EXPECT_FALSE(parse_probes(std::string("\0\xFF", 2), "key", info).has_value());
}

TEST(ProbeCache, FitsIntoOneArgumentWhateverTheCompilerSaid) {
  const device::DeviceInfo info;
  auto rows = make_rows(info);
  for (auto& row : rows) row.reason = std::string("\n\0\x1b", 3) + std::string(1 << 20, '\xFF') + "µ";
  const std::string text = format_probes("key", rows);
  EXPECT_LT(text.size(), std::size_t{128} << 10);  // the kernel's limit of one argument
  EXPECT_EQ(text.find('\0'), std::string::npos);
  EXPECT_TRUE(parse_probes(text, "key", info).has_value());
}

TEST(ProbeCache, RowsThatWereNotProbedHaveFailedWithTheReason) {
  const device::DeviceInfo info;
  ProbedDevice probed;
  probed.capabilities = make_rows(info);
  probed.capabilities.resize(2);
  probed.error = "no device";
  const auto rows = complete_rows(info, probed);
  ASSERT_EQ(rows.size(), device::count_capabilities());
  EXPECT_EQ(rows[1].reason, "reason 1");
  EXPECT_EQ(rows[2].probed, std::optional(false));
  EXPECT_EQ(rows.back().reason, "no device");
}

TEST(ProbeCache, IsKeyedByDeviceDriverAndKernels) {
  device::DeviceInfo info;
  info.name = "H100";
  info.driver = "570";
  const std::string key = make_probe_key(info, "sources");
  EXPECT_NE(make_probe_key(info, "other sources"), key);
  info.driver = "575";
  EXPECT_NE(make_probe_key(info, "sources"), key);
}

}  // namespace
}  // namespace qtrap::program
