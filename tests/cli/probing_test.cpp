// The cache of probes: what is kept comes back, and what cannot be trusted does not.
#include "cli/probing.hpp"

#include <gtest/gtest.h>

#include "device/probe.hpp"

namespace qtrap::cli {
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
  const auto back = read_probes(write_probes("key", rows), "key", info);
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
  const std::string whole = write_probes("key", make_rows(info));
  EXPECT_FALSE(read_probes(whole, "other", info).has_value());
  for (std::size_t length = 0; length + 1 < whole.size(); ++length)
    EXPECT_FALSE(read_probes(whole.substr(0, length), "key", info).has_value()) << length;
  std::string renamed = whole;
  renamed.replace(renamed.find("fp16"), 4, "fp17");
  EXPECT_FALSE(read_probes(renamed, "key", info).has_value());
  EXPECT_FALSE(read_probes("\0\xFF", "key", info).has_value());
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
}  // namespace qtrap::cli
