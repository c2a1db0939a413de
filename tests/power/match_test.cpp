#include "power/match.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "power/meters/estimate_meter.hpp"
#include "power/meters/nvml.hpp"
#include "support/power_fakes.hpp"
#include "support/virtual_time.hpp"

namespace qtrap::power {
namespace {

using testing::HasSubstr;

/// A meter that is only its description.
class NamedMeter final : public Meter {
 public:
  explicit NamedMeter(MeterInfo info) : info_(std::move(info)) {}
  const MeterInfo& info() const override { return info_; }
  Sample read() override { return {}; }

 private:
  MeterInfo info_;
};

Finding make_finding(const std::string& family, const std::string& board, std::optional<std::string> pci,
                     std::optional<std::string> uuid) {
  MeterInfo info;
  info.name = family;
  info.board = board;
  info.pci = std::move(pci);
  info.uuid = std::move(uuid);
  const auto address = info.pci;
  return {family, "test", std::make_shared<NamedMeter>(info), "", "", address};
}

DeviceIdentity make_gpu(const std::string& name, const std::string& vendor) {
  DeviceIdentity device;
  device.name = name;
  device.type = DeviceType::kGpu;
  device.vendor = vendor;
  return device;
}

const std::string kUuid = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const test::VirtualTime kTime;

TEST(Pci, HasOneSpelling) {
  for (const char* text : {"0000:3b:00.0", "00000000:3B:00.0", "3b:00.0", "3B:0.0"}) {
    EXPECT_EQ(normalise_pci(text), "0000:3b:00.0") << text;
  }
  for (const char* text : {"", "gpu", "3b", "3b:00", ":3b:00.0", "0000:3b:00.", "000000001:3b:00.0", "xx:00.0"}) {
    EXPECT_FALSE(normalise_pci(text).has_value()) << text;
  }
}

TEST(Uuid, HasOneSpelling) {
  EXPECT_EQ(normalise_uuid("GPU-0F1E2D3C-4b5a-6978-8796-a5b4c3d2e1f0"), kUuid);
  EXPECT_EQ(normalise_uuid(kUuid), kUuid);
  EXPECT_FALSE(normalise_uuid("GPU-0f1e").has_value());
  EXPECT_FALSE(normalise_uuid("").has_value());
}

TEST(Uuid, AgreesInItsLastTwelveDigitsAloneOnAmd) {
  const std::string other = "ffffffffffffffffffff" + kUuid.substr(20);
  EXPECT_TRUE(same_uuid(kUuid, other, true));
  EXPECT_FALSE(same_uuid(kUuid, other, false));
}

TEST(Match, MapsTwoBoardsEnumeratedInOppositeOrder) {
  test::FakeLibrary library(test::fake_libraries("complete") / "libnvidia-ml.so.1");
  // NVML numbers by PCI address; OpenCL, here, the other way round.
  for (const unsigned bus : {0x3bU, 0xafU}) {
    test::FakeBoard board;
    board.name = "NVIDIA A100";
    board.bus = bus;
    board.instant_w = [bus] { return static_cast<double>(bus); };
    library->boards.push_back(board);
  }
  const auto findings = find_nvml(MeterEnvironment::simulated("/nonexistent", test::fake_libraries("complete")), kTime);
  DeviceIdentity first = make_gpu("NVIDIA A100", "NVIDIA Corporation");
  first.pci = "0000:af:00.0";
  DeviceIdentity second = first;
  second.pci = "0000:3b:00.0";
  EXPECT_EQ(match_meter(first, findings, kTime).value().meter->read().power.value, Watts(0xaf));
  EXPECT_EQ(match_meter(second, findings, kTime).value().meter->read().power.value, Watts(0x3b));
  EXPECT_EQ(match_meter(second, findings, kTime).value().basis, "pci");
}

TEST(Match, RefusesEqualModelsWithoutPciAndListsThem) {
  const std::vector<Finding> findings{make_finding("nvml", "NVIDIA A100", "0000:3b:00.0", std::nullopt),
                                      make_finding("nvml", "NVIDIA A100", "0000:af:00.0", std::nullopt)};
  const auto match = match_meter(make_gpu("NVIDIA A100", "NVIDIA Corporation"), findings, kTime);
  ASSERT_FALSE(match.ok());
  EXPECT_EQ(match.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(match.error().message(), HasSubstr("nvml:0000:3b:00.0, nvml:0000:af:00.0"));
  EXPECT_THAT(match.error().message(), HasSubstr("--meter nvml:0000:3b:00.0"));
}

TEST(Match, TakesTheUuidWhereThereIsNoPciAddress) {
  const std::vector<Finding> findings{
      make_finding("nvml", "NVIDIA A100", "0000:3b:00.0", "00000000000000000000000000000001"),
      make_finding("nvml", "NVIDIA A100", "0000:af:00.0", kUuid)};
  DeviceIdentity device = make_gpu("NVIDIA A100", "NVIDIA Corporation");
  device.uuid = "GPU-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
  const Match match = match_meter(device, findings, kTime).value();
  EXPECT_EQ(match.meter->info().pci, "0000:af:00.0");
  EXPECT_EQ(match.basis, "uuid");
}

TEST(Match, TakesTheOnlyBoardOfThatNameWhereNothingElseIsKnown) {
  const std::vector<Finding> findings{make_finding("nvml", "NVIDIA A100-SXM4-80GB", "0000:3b:00.0", std::nullopt),
                                      make_finding("nvml", "Tesla T4", "0000:af:00.0", std::nullopt)};
  const Match match = match_meter(make_gpu("Tesla T4", "NVIDIA Corporation"), findings, kTime).value();
  EXPECT_EQ(match.meter->info().pci, "0000:af:00.0");
  EXPECT_EQ(match.basis, "name");
}

TEST(Match, NeverTakesABoardAtAnotherAddress) {
  const std::vector<Finding> findings{make_finding("nvml", "NVIDIA A100", "0000:3b:00.0", kUuid)};
  DeviceIdentity device = make_gpu("NVIDIA A100", "NVIDIA Corporation");
  device.pci = "0000:af:00.0";
  device.uuid = kUuid;
  const Match match = match_meter(device, findings, kTime).value();
  EXPECT_FALSE(match.meter);
  EXPECT_THAT(match.reason, HasSubstr("0000:af:00.0"));
}

TEST(Match, NeverTakesABoardOfAnotherVendor) {
  const std::vector<Finding> findings{make_finding("amd", "Radeon", "0000:3b:00.0", std::nullopt)};
  EXPECT_FALSE(match_meter(make_gpu("Radeon", "NVIDIA Corporation"), findings, kTime).value().meter);
}

TEST(Match, SaysWhyADeniedBoardIsNotMeasuredInsteadOfTakingAnother) {
  std::vector<Finding> findings{make_finding("nvml", "NVIDIA A100", "0000:3b:00.0", std::nullopt)};
  findings.push_back({"nvml", "test", nullptr, "the board is in MIG mode", "fix", "0000:af:00.0"});
  DeviceIdentity device = make_gpu("NVIDIA A100", "NVIDIA Corporation");
  device.pci = "0000:af:00.0";
  const Match match = match_meter(device, findings, kTime).value();
  EXPECT_FALSE(match.meter);
  EXPECT_EQ(match.reason, "the board is in MIG mode");
}

TEST(Match, GivesNoMeterToADeviceThatCouldBeAnyOfSeveralBoards) {
  const std::vector<Finding> findings{make_finding("amd", "AMD Instinct MI300A", "0001:02:00.0", kUuid)};
  DeviceIdentity device = make_gpu("AMD Instinct MI300A", "Advanced Micro Devices, Inc.");
  device.uuid = kUuid;
  device.doubt = "the devices 0, 1 report one PCI address, 0000:02:00.0";
  const Match match = match_meter(device, findings, kTime).value();
  EXPECT_FALSE(match.meter);
  EXPECT_EQ(match.reason, device.doubt + "; name it with --meter amd:0001:02:00.0");
}

TEST(Match, GivesACpuNoBoardsMeter) {
  const std::vector<Finding> findings{make_finding("nvml", "NVIDIA A100", "0000:3b:00.0", kUuid)};
  DeviceIdentity cpu;
  cpu.type = DeviceType::kCpu;
  cpu.name = "NVIDIA A100";
  EXPECT_FALSE(match_meter(cpu, findings, kTime).value().meter);
}

}  // namespace
}  // namespace qtrap::power
