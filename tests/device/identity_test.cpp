// Which device is which, and which is taken: lists as real machines give them.
#include "device/identity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qtrap::device {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kGiB = 1ULL << 30;

struct Facts {
  std::string name;
  std::string vendor;
  std::uint64_t gib = 16;
  std::optional<bool> unified;
};

DeviceInfo make_gpu(const Facts& facts) {
  DeviceInfo info;
  info.platform = facts.vendor + " platform";
  info.name = facts.name;
  info.vendor = facts.vendor;
  info.driver = "1.0";
  info.type = DeviceType::kGpu;
  info.memory_bytes = facts.gib * kGiB;
  info.host_unified_memory = facts.unified;
  return info;
}

/// An AMD board as ROCm describes it: "gfx942…", and an address without its domain.
DeviceInfo make_amd(const std::string& pci) {
  DeviceInfo info = make_gpu({"gfx942:sramecc+:xnack-", "Advanced Micro Devices, Inc.", 128, false});
  info.board = "AMD Instinct MI300A";
  info.pci = pci;
  info.pci_lacks_domain = true;
  return info;
}

std::vector<DeviceInfo> numbered(std::vector<DeviceInfo> devices) {
  for (std::size_t i = 0; i < devices.size(); ++i) devices[i].index = static_cast<int>(i);
  return devices;
}

std::vector<DeviceInfo> settled(std::vector<DeviceInfo> devices, const std::set<std::string>& domains = {}) {
  devices = numbered(std::move(devices));
  settle_identities(devices, domains);
  return devices;
}

std::vector<std::string> ids(const std::vector<DeviceInfo>& devices) {
  std::vector<std::string> all;
  all.reserve(devices.size());
  for (const auto& device : devices) all.push_back(device.id);
  return all;
}

TEST(Identity, IsThePciAddressElseTheUuidElseTheName) {
  auto devices = std::vector{make_gpu({"A", "V"}), make_gpu({"B", "V"}), make_gpu({"C", "V"})};
  devices[0].pci = "0000:3b:00.0";
  devices[1].uuid = std::string(31, '0') + "1";
  EXPECT_THAT(ids(settled(devices)),
              ElementsAre("pci:0000:3b:00.0", "uuid:" + std::string(31, '0') + "1", "V platform/C"));
}

TEST(Identity, OneAddressTwiceIsNobodysAddress) {
  const auto devices = settled({make_amd("0000:02:00.0"), make_amd("0000:02:00.0"), make_amd("0000:03:00.0")});
  EXPECT_FALSE(devices[0].pci || devices[1].pci);
  EXPECT_EQ(devices[0].pci_doubt, "the devices 0, 1 report one PCI address, 0000:02:00.0");
  EXPECT_EQ(devices[2].id, "pci:0000:03:00.0");
  EXPECT_EQ(devices[2].pci_doubt, "");
  EXPECT_NE(devices[0].id, devices[1].id);
}

TEST(Identity, AmdBoardsInSeveralDomainsHaveNoAddress) {
  const auto devices = settled({make_amd("0000:02:00.0")}, {"0000", "0001"});
  EXPECT_FALSE(devices[0].pci);
  EXPECT_THAT(devices[0].pci_doubt, HasSubstr("amdgpu boards lie in the domains 0000, 0001"));
}

TEST(Identity, AmdBoardsInOneDomainTakeIt) {
  EXPECT_EQ(settled({make_amd("0000:02:00.0")}, {"0003"})[0].id, "pci:0003:02:00.0");
  EXPECT_EQ(settled({make_amd("0000:02:00.0")})[0].id, "pci:0000:02:00.0");
}

TEST(Identity, ADomainThatTheDriverToldIsNotTouchedByAmdgpus) {
  auto nvidia = make_gpu({"NVIDIA H100", "NVIDIA Corporation"});
  nvidia.pci = "0001:3b:00.0";
  EXPECT_EQ(settled({nvidia}, {"0000", "0002"})[0].id, "pci:0001:3b:00.0");
}

TEST(Identity, OneUuidTwiceIsNobodysUuid) {
  auto devices = std::vector{make_gpu({"A", "V"}), make_gpu({"B", "V"})};
  devices[0].uuid = devices[1].uuid = std::string(32, 'f');
  EXPECT_THAT(ids(settled(devices)), ElementsAre("V platform/A", "V platform/B"));
}

TEST(Identity, OneBoardUnderTwoDriversKeepsItsAddressAndHasTwoIds) {
  auto devices = std::vector{make_gpu({"A", "V"}), make_gpu({"A", "W"})};
  devices[0].pci = devices[1].pci = "0000:03:00.0";
  const auto found = settled(devices);
  EXPECT_THAT(ids(found), ElementsAre("pci:0000:03:00.0@V platform", "pci:0000:03:00.0@W platform"));
  EXPECT_EQ(found[0].pci, "0000:03:00.0");
}

TEST(Identity, NoTwoDevicesShareAnId) {
  const auto devices =
      settled({make_gpu({"A", "V"}), make_gpu({"A", "V"}), make_gpu({"A", "V"}), make_gpu({"B", "V"})});
  const auto all = ids(devices);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

TEST(BestGpu, AnIntegratedOneNeverWinsOverADiscreteOne) {
  const Facts kIntegrated[] = {{"Intel(R) UHD Graphics 770", "Intel(R) Corporation", 26, std::nullopt},
                               {"Intel(R) Iris(R) Xe Graphics", "Intel(R) Corporation", 60, false},
                               {"gfx1036", "Advanced Micro Devices, Inc.", 64, true},
                               {"AMD Radeon Graphics (radeonsi, raphael_mendocino)", "AMD", 64, std::nullopt},
                               {"Orin", "NVIDIA Corporation", 60, true},
                               {"NVIDIA GB10", "NVIDIA Corporation", 128, std::nullopt}};
  const Facts kDiscrete[] = {{"NVIDIA GeForce RTX 4090", "NVIDIA Corporation", 24, true},
                             {"Intel(R) Arc(TM) A770 Graphics", "Intel(R) Corporation", 16, true},
                             {"AMD Radeon RX 7900 XTX (radeonsi, navi31)", "AMD", 24, true},
                             {"gfx1100", "Advanced Micro Devices, Inc.", 24, false},
                             {"unknown to this program", "new vendor", 8, std::nullopt}};
  for (const auto& weak : kIntegrated) {
    EXPECT_TRUE(is_integrated(make_gpu(weak))) << weak.name;
    for (const auto& strong : kDiscrete) {
      EXPECT_EQ(find_best_gpu(numbered({make_gpu(weak), make_gpu(strong)}))->name, strong.name) << weak.name;
      EXPECT_EQ(find_best_gpu(numbered({make_gpu(strong), make_gpu(weak)}))->name, strong.name) << weak.name;
    }
  }
}

TEST(BestGpu, TheDriversOwnWordDecidesBeforeNames) {
  auto board = make_gpu({"NVIDIA H100", "NVIDIA Corporation"});
  EXPECT_FALSE(is_integrated(board));
  board.own_word_integrated = true;
  EXPECT_TRUE(is_integrated(board));
}

TEST(BestGpu, OfEqualKindHasMostMemoryAndIsTheFirst) {
  const auto gpu = [](std::uint64_t gib) { return make_gpu({"NVIDIA A100", "NVIDIA Corporation", gib}); };
  EXPECT_EQ(find_best_gpu(numbered({gpu(40), gpu(80), gpu(80)}))->index, 1);
  EXPECT_EQ(find_best_gpu({}), nullptr);
}

TEST(BestGpu, ASickOneIsPassedOverAndThatIsSaid) {
  auto devices = numbered({make_gpu({"sick", "V", 80, false}), make_gpu({"well", "V", 8, false})});
  devices[0].fault = "clGetDeviceInfo: CL_INVALID_VALUE (-30)";
  EXPECT_EQ(find_best_gpu(devices)->name, "well");
  EXPECT_THAT(describe_choice(devices, devices[1], ""),
              ElementsAre("device 0 sick was passed over: clGetDeviceInfo: CL_INVALID_VALUE (-30)"));
}

TEST(Choice, AmongSeveralGpusIsSaidUnlessOneIsNamed) {
  const auto devices = numbered({make_gpu({"Intel(R) UHD Graphics 770", "Intel(R) Corporation", 26}),
                                 make_gpu({"NVIDIA GeForce RTX 4090", "NVIDIA Corporation", 24})});
  for (const char* selector : {"", "gpu"}) {
    EXPECT_THAT(describe_choice(devices, devices[1], selector),
                ElementsAre("several GPUs and none named: took 1 NVIDIA GeForce RTX 4090 (discrete, 24.0 GiB) before 0 "
                            "Intel(R) UHD Graphics 770 (integrated, 26.0 GiB); name one with --device"));
  }
  EXPECT_THAT(describe_choice(devices, devices[1], "4090"), IsEmpty());
  EXPECT_THAT(describe_choice({devices[0]}, devices[0], ""), IsEmpty());
}

TEST(Selection, FindsABoardByTheNameOnItsBox) {
  const auto devices = settled({make_amd("0000:02:00.0"), make_gpu({"NVIDIA H100", "NVIDIA Corporation"})});
  EXPECT_EQ(select_device(devices, "MI300A").value().index, 0);
  EXPECT_EQ(select_device(devices, "gfx942").value().index, 0);
  EXPECT_EQ(select_device(devices, "pci:0000:02:00.0").value().index, 0);
  EXPECT_EQ(devices[0].label(), "AMD Instinct MI300A (gfx942:sramecc+:xnack-)");
}

TEST(Selection, ASickDeviceCostsItselfAlone) {
  auto devices = numbered({make_gpu({"sick", "V"}), make_gpu({"well", "V"})});
  devices[0].fault = "clGetDeviceInfo: CL_INVALID_VALUE (-30)";
  EXPECT_EQ(select_device(devices, "well").value().index, 1);
  EXPECT_EQ(select_device(devices, "").value().index, 1);
  for (const char* selector : {"0", "sick"}) {
    const auto chosen = select_device(devices, selector);
    ASSERT_FALSE(chosen.ok());
    EXPECT_EQ(chosen.error().kind, ErrorKind::kRuntime);
    EXPECT_EQ(chosen.error().message(),
              "the device cannot be described (0 sick: clGetDeviceInfo: CL_INVALID_VALUE (-30)): check its driver, or "
              "choose another with --device: 1 well");
  }
}

TEST(Expected, IsFoundWhereverItStands) {
  auto devices = std::vector{make_gpu({"A", "V"}), make_gpu({"B", "V"})};
  devices[0].pci = "0000:19:00.0";
  devices[1].pci = "0000:41:00.0";
  const ExpectedDevice expected{"pci:0000:19:00.0", "A", "1.0"};
  EXPECT_EQ(find_expected(settled(devices), expected).value().index, 0);
  std::swap(devices[0], devices[1]);
  const auto reordered = find_expected(settled(devices), expected).value();
  EXPECT_EQ(reordered.index, 1);
  EXPECT_EQ(reordered.name, "A");
}

TEST(Expected, AnotherInItsPlaceIsRefused) {
  auto devices = std::vector{make_gpu({"A", "V"}), make_gpu({"B", "V"})};
  devices[0].pci = "0000:19:00.0";
  devices[1].pci = "0000:41:00.0";
  const ExpectedDevice expected{"pci:0000:19:00.0", "A", "1.0"};
  EXPECT_THAT(find_expected(settled({devices[1]}), expected).error().message(),
              HasSubstr("the device of this run is gone (A, pci:0000:19:00.0)"));
  devices[0].name = "C";
  EXPECT_THAT(find_expected(settled(devices), expected).error().message(),
              HasSubstr("another device answers for that of this run (pci:0000:19:00.0: A, driver 1.0; now C, driver"));
  devices[0].name = "A";
  devices[0].driver = "2.0";
  EXPECT_FALSE(find_expected(settled(devices), expected).ok());
}

}  // namespace
}  // namespace qtrap::device
