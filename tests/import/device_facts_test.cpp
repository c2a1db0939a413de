// Tables of kernels over many devices: what they tell of a device, and workloads without a model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/sample_table.hpp"
#include "result/check.hpp"

namespace qtrap::importer {
namespace {

using ::testing::HasSubstr;

constexpr const char* kDevices =
    "device,tflops,bw,fp32,fp16,cast\n"
    "Radeon Pro 5 (Ryzen 7),5,200,100,190,90\n"
    "Ryzen 7 8700 (Radeon Pro),1,100,50,40,30\n"
    "GeForce 1,10,400,200,390,300\n";

constexpr const char* kKernelMap = R"({
  "schema": "qtrap.import", "schema_version": "1.0", "name": "k", "description": "d", "source": "a page",
  "licence": "CC0", "workload": "kernel",
  "device_types": {"Ryzen": "cpu", "Radeon": "gpu"},
  "vendors": {"Ryzen": "AMD", "Radeon": "ATI", "Radeon Pro": "AMD", "GeForce": "NVIDIA"},
  "schemes": {"32": {"scheme": "f32", "path": "none", "weight_bits": 32, "activation_bits": 32},
              "16": {"scheme": "f16", "path": "none", "weight_bits": 16, "activation_bits": 32},
              "c": {"scheme": "f16-software-cast", "path": "fused", "weight_bits": 16, "activation_bits": 32}},
  "series": [{"session": "s", "device": {"column": "device"}, "model": {"constant": "stencil"},
              "fp32_tflops": {"column": "tflops"}, "bandwidth_gb_s": {"column": "bw"}, "time": {"unit": "MLUP/s"},
              "time_by_scheme": {"32": "fp32", "16": "fp16", "c": "cast"}}]})";

std::string refusal(std::string_view table, std::string_view map) {
  const auto file = import_texts(table, map);
  return file ? "accepted" : file.error().message();
}

TEST(DeviceFacts, AreTheFirstTextOfTheName) {
  const result::ResultFile file = import_texts(kDevices, kKernelMap).value();
  ASSERT_EQ(file.sessions.size(), 3U);
  const char* const vendors[] = {"AMD", "AMD", "NVIDIA"};  // of "Radeon" and "Radeon Pro" the longer
  const DeviceType types[] = {DeviceType::kGpu, DeviceType::kCpu, DeviceType::kGpu};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(file.sessions[i].device.vendor, vendors[i]) << i;
    EXPECT_EQ(file.sessions[i].device.type, types[i]) << i;
  }
  EXPECT_EQ(file.sessions[1].device.kernel_family, result::KernelFamily::kCpu);
  const result::Ceilings& known = file.sessions[2].ceilings;
  EXPECT_DOUBLE_EQ(known.fp32_macs_per_s_nominal.value(), 5e12);
  EXPECT_DOUBLE_EQ(known.read_bytes_per_s_nominal.value(), 4e11);
  EXPECT_FALSE(known.fp32_macs_per_s || known.read_bytes_per_s) << "nothing was measured";
}

TEST(DeviceFacts, AreOfPointsWithoutAModelProfile) {
  const result::ResultFile file = import_texts(kDevices, kKernelMap).value();
  ASSERT_EQ(file.points.size(), 9U);
  for (const result::PointRecord& point : file.points) {
    EXPECT_EQ(point.workload, result::Workload::kKernel);
    EXPECT_EQ(point.model, "stencil");
    EXPECT_EQ(point.params, 0);
    EXPECT_FALSE(point.layers || point.params_step || point.heads);
    if (point.scheme == "f16") EXPECT_FALSE(point.time_ratio);
  }
  const result::PointRecord& cast = file.points.back();
  EXPECT_EQ(cast.scheme, "f16-software-cast");
  EXPECT_DOUBLE_EQ(cast.time_s.value(), 1 / 300e6);
  const std::string text = to_text(file).value();
  EXPECT_EQ(result::parse_result(text, "r").value().points, file.points);
  EXPECT_EQ(result::parse_result(text, "r").value().sessions, file.sessions);
  const auto checked = result::check_text(text, "r", "qtrap.result");
  EXPECT_TRUE(checked) << checked.error().message();
  const std::string named =
      replace(kKernelMap, R"("workload": "kernel",)", R"("workload": "kernel", "models": {"stencil": "lattice"},)");
  EXPECT_EQ(import_texts(kDevices, named).value().points[0].model, "lattice");
}

TEST(DeviceFacts, MayStandInColumnsAndBesideAModel) {
  const std::string table = replace(kTable, "gpu,model,bits,tps,mj,watts\nG,small,16,100,2000,20\n",
                                    "gpu,model,bits,tps,mj,watts,maker,bw [GB/s],tf\nG,small,16,100,2000,20,ACME,"
                                    "400 GB/s,10 TFLOP/s\n");
  const std::string rows =
      replace(replace(table, "3000,20\n", "3000,20,ACME,400,10\n"), "5000,20\n", "5000,20,ACME,400,10\n");
  const std::string map = replace(kMap, R"("model": {"column": "model"},)",
                                  R"("model": {"column": "model"}, "vendor": {"column": "maker"},
                                     "bandwidth_gb_s": {"column": "bw"}, "fp32_tflops": {"column": "tf"},)");
  const result::SessionRecord session = import_texts(rows, map).value().sessions.at(0);
  EXPECT_EQ(session.device.vendor, "ACME");
  EXPECT_DOUBLE_EQ(session.ceilings.read_bytes_per_s_nominal.value(), 4e11);
  EXPECT_DOUBLE_EQ(session.ceilings.fp32_macs_per_s_nominal.value(), 5e12);
  EXPECT_THAT(refusal(replace(rows, "5000,20,ACME,400,10", "5000,20,ACME,500,10"), map),
              HasSubstr("t.csv line 4: a device differs from what an earlier row says of it (G: ACME gpu, 10 TFLOP/s, "
                        "500 GB/s; before: ACME gpu, 10 TFLOP/s, 400 GB/s)"));
  EXPECT_THAT(refusal(replace(rows, "5000,20,ACME", "5000,20,"), map), HasSubstr("the device has no vendor (G)"));
  const result::SessionRecord bare = import_texts(kTable, kMap).value().sessions.at(0);
  EXPECT_EQ(bare.device.vendor, "unknown");
  EXPECT_FALSE(bare.ceilings.read_bytes_per_s_nominal || bare.ceilings.fp32_macs_per_s_nominal);
}

TEST(DeviceFacts, LeaveARateWithoutReadingOut) {
  const result::SessionRecord session =
      import_texts(replace(kDevices, "GeForce 1,10,400", "GeForce 1,,n/a"), kKernelMap).value().sessions.at(2);
  EXPECT_FALSE(session.ceilings.read_bytes_per_s_nominal || session.ceilings.fp32_macs_per_s_nominal);
}

TEST(DeviceFacts, AreRefusedWithLineAndFix) {
  const std::pair<std::string, const char*> tables[] = {
      {replace(kDevices, "GeForce", "Mali"), "line 4: the map's `vendors` has no text of this device's name (Mali 1)"},
      {replace(kDevices, ",400,", ",0,"), "line 4: `bw` is not above 0 (0)"},
      {replace(kDevices, "10,400", "-10,400"), "line 4: `tflops` is not above 0 (-10)"},
      {replace(kDevices, "10,400", "ten,400"), "line 4: `tflops` is not a finite number (ten)"},
      {replace(kDevices, ",390,", ",0,"), "line 4: `fp16` is not above 0 (0)"},
      {replace(kDevices, "400,200", "400 MB/s,200"), "line 4: `bw` is in MB/s, and the map reads GB/s"},
  };
  for (const auto& [table, message] : tables) EXPECT_THAT(refusal(table, kKernelMap), HasSubstr(message));
  const std::pair<std::string, const char*> maps[] = {
      {replace(kKernelMap, R"("stencil")", R"("")"), "model"},
      {replace(kKernelMap, R"("Ryzen": "cpu")", R"("Ryzen": "processor")"), "device_types"},
      {replace(kKernelMap, R"("workload": "kernel",)", ""), "the map's `models` lacks this model (stencil)"},
      {replace(kKernelMap, R"({"column": "bw"})", R"({"column": "bw", "constant": 2})"),
       "`series[0].bandwidth_gb_s` has both `column` and `constant`"},
      {replace(kKernelMap, R"({"column": "bw"})", R"({"column": "bandwidth"})"), "has no such column (bandwidth)"},
  };
  for (const auto& [map, message] : maps) EXPECT_THAT(refusal(kDevices, map), HasSubstr(message));
}

}  // namespace
}  // namespace qtrap::importer
