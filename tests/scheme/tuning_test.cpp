#include "scheme/catalogue/tuning.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "scheme/catalogue/program_list.hpp"
#include "scheme/changed_kernels.hpp"
#include "scheme/operation_of.hpp"
#include "scheme/tuned_gemv.hpp"
#include "support/device_fixture.hpp"

namespace qtrap::scheme {
namespace {

TEST(TuningChoice, IsReadBackFromItsText) {
  for (const char* text : {"gemv_i8_f16_cpu@8 rows=2", "gemm_i4_f16_cpu@64 block_columns=512",
                           "gemv_i4_i8_gpu_ptx@1 work_group=64", "cast_f16_f32_panels_cpu chunk=1024"}) {
    const auto choice = parse_choice(text);
    ASSERT_TRUE(choice) << choice.error().message();
    EXPECT_EQ(to_string(choice.value()), text);
  }
}

TEST(TuningChoice, IsRefusedWhereItFitsNoKernel) {
  for (const char* text :
       {"", "gemv_i8_f16_cpu@8", "gemv_i8_f16_cpu@x rows=2", "gemv_i8_f16_cpu@8 rows=", "gemv_i8_f16_cpu@8 rows=3",
        "gemv_i8_f16_cpu@8 rows=2x", "gemv_i8_f16@8 rows=2", "gemv_i8_f16_cpu@8 chunk=1024",
        "gemm_f16_f16_gpu_mma@64 block_rows=48", "gemm_i8_f16_cpu@60 block_rows=48",
        "cast_f16_f32_panels_cpu@8 chunk=1024", "rows=2 gemv_i8_f16_cpu@8"}) {
    const auto choice = parse_choice(text);
    ASSERT_FALSE(choice) << text;
    EXPECT_EQ(choice.error().kind, ErrorKind::kUsage);
    EXPECT_NE(choice.error().message().find("qtrap tune"), std::string::npos);
  }
}

TEST(TuningChoice, ReachesItsKernelAtItsTokensAlone) {
  const KernelEntry& gemv = *find_kernel(test::operation_of("gemv_i8_f16"), "cpu");
  const KernelEntry& other = *find_kernel(test::operation_of("gemv_f16_f16"), "cpu");
  const TuningChoices choices{parse_choice("gemv_i8_f16_cpu@8 rows=2").value()};
  const Extent eight{.rows = 64, .columns = 64, .tokens = 8};
  const Extent seven{.rows = 64, .columns = 64, .tokens = 7};
  EXPECT_EQ(apply_choices({}, choices, gemv, eight).gemv_rows(8), 2U);
  EXPECT_EQ(apply_choices({}, choices, gemv, seven).gemv_rows(7), 1U);
  EXPECT_EQ(apply_choices({}, choices, other, eight).gemv_rows(8), 1U);
  EXPECT_EQ(gemv.size(apply_choices({}, choices, gemv, eight), eight).global[0], 32U);
}

TEST(TuningChoice, OfAGemmKernelHoldsForThePanelsOfItsTokens) {
  const KernelEntry& gemm = *find_kernel(test::operation_of("gemm_i8_f16"), "cpu");
  const TuningChoices choices{parse_choice("gemm_i8_f16_cpu@64 block_rows=96").value()};
  for (const std::uint64_t tokens : {49U, 64U})
    EXPECT_EQ(apply_choices({}, choices, gemm, {.tokens = tokens}).gemm_blocks(tokens).block_rows, 96U);
  for (const std::uint64_t tokens : {48U, 65U})
    EXPECT_EQ(apply_choices({}, choices, gemm, {.tokens = tokens}).gemm_blocks(tokens).block_rows, 48U);
}

TEST(Tunables, KeepTheMultiplesOfTheGemmBlocksAndFitLocalMemory) {
  for (const std::uint32_t width : {8U, 16U}) {
    for (const std::uint32_t block_rows : {24U, 48U, 96U, 192U}) {
      for (const std::uint32_t block_columns : {128U, 256U, 512U}) {
        for (const std::uint64_t tokens : {9U, 64U, 512U}) {
          Tuning tuning;
          tuning.vector_width = width;
          tuning.local_bytes = 32768;
          tuning.block_rows = block_rows;
          tuning.block_columns = block_columns;
          const GemmBlocks b = tuning.gemm_blocks(tokens);
          EXPECT_EQ(b.block_rows % b.unit_rows, 0U);
          EXPECT_EQ(b.block_columns % 128, 0U);
          EXPECT_LE(b.local_bytes(), tuning.local_bytes)
              << width << ' ' << block_rows << ' ' << block_columns << ' ' << tokens;
        }
      }
    }
  }
}

TEST(Tunables, ShapeAtLeastOneKernelEach) {
  for (const Tunable& tunable : all_tunables()) {
    bool any = false;
    for (const KernelEntry& kernel : all_kernels()) any = any || is_tunable(tunable, kernel);
    EXPECT_TRUE(any) << tunable.name << ' ' << static_cast<int>(tunable.operations.kind);
  }
}

TEST(GpuGemvTuning, SplitsAGroupOverRowsAndColumns) {
  const KernelEntry& gemv = *find_kernel(test::operation_of("gemv_i8_f16"), "gpu");
  const auto groups = [&](const test::GemvSet& set) {
    const Extent extent{.rows = 1000, .columns = 4096, .tokens = 1};
    const auto size = gemv.size(apply_choices({}, test::choices_of(gemv, set, 1), gemv, extent), extent);
    return size.global[0] / size.local[0];
  };
  EXPECT_EQ(groups({1, 256, 256, 1}), 1000U);  // as many groups as rows
  EXPECT_EQ(groups({1, 128, 32, 1}), 250U);    // four rows in a group
  EXPECT_EQ(groups({4, 128, 32, 1}), 63U);     // sixteen, the last group half empty
  EXPECT_EQ(groups({1, 64, 128, 1}), 1000U);   // no more items per row than a group has
}

TEST(GpuGemvTuning, TheDefaultIsAWholeGroupPerRowAndOneLoadInFlight) {
  const KernelEntry& gemv = *find_kernel(test::operation_of("gemv_i8_f16"), "gpu");
  const Extent extent{.rows = 1000, .columns = 4096, .tokens = 1};
  EXPECT_EQ(gemv.build_options({}, extent),
            "-DGROUP=128 -DWORK_GROUP=128 -DSPLIT_K=128 -DROWS=4 -DTOKENS=1 -DUNROLL=1");
}

TEST(GpuGemvTuning, BlocksEndWhereTheyWouldSpill) {
  Tuning tuning;
  tuning.rows = 8;
  tuning.unroll = 4;
  const auto block = [&](std::uint64_t tokens) {
    return std::array{tuning.gpu_gemv_rows(tokens), tuning.gpu_gemv_unroll(tokens)};
  };
  // At most 16 results of rows and tokens, times loads.
  EXPECT_EQ(block(1), (std::array{8U, 2U}));
  EXPECT_EQ(block(2), (std::array{8U, 1U}));
  EXPECT_EQ(block(3), (std::array{4U, 1U}));
  EXPECT_EQ(block(8), (std::array{2U, 1U}));
  tuning.rows = 1;
  EXPECT_EQ(block(1), (std::array{1U, 4U}));
  EXPECT_EQ(block(8), (std::array{1U, 2U}));
}

TEST(GpuGemvTuning, EveryCandidateIsCompiledOffLine) {
  std::set<std::string> compiled;
  for (const auto& programs : {list_programs(), list_candidates()}) {
    for (const KernelProgram& program : programs) {
      EXPECT_TRUE(compiled.insert(program.kernel->name() + program.options).second) << program.options;
    }
  }
  for (const Tunable& tunable : all_tunables()) {
    for (const KernelEntry& kernel : all_kernels()) {
      if (tunable.family != "gpu" || !is_tunable(tunable, kernel)) continue;
      for (const std::uint32_t value : tunable.candidates) {
        if (value == 0) continue;
        Tuning tuning = make_tuning({}, 128);
        tuning.*tunable.value = value;
        const std::string options = kernel.build_options(tuning, {.rows = 64, .columns = 4096, .tokens = 1});
        EXPECT_TRUE(compiled.contains(kernel.name() + options)) << kernel.name() << ' ' << options;
      }
    }
  }
}

TEST(GpuGemvTuning, EveryCandidateIsInASetThatIsVerified) {
  for (const Tunable& tunable : all_tunables()) {
    if (tunable.family != "gpu" || tunable.operations.kind != OperationKind::kGemv) continue;
    const auto name = std::find(test::kGemvTunables.begin(), test::kGemvTunables.end(), tunable.name);
    ASSERT_NE(name, test::kGemvTunables.end()) << tunable.name;
    for (const std::uint32_t value : tunable.candidates) {
      const bool found = std::any_of(test::kGemvSets.begin(), test::kGemvSets.end(), [&](const test::GemvSet& set) {
        return set.at(static_cast<std::size_t>(name - test::kGemvTunables.begin())) == value;
      });
      EXPECT_TRUE(found || value == 0) << tunable.name << ' ' << value;
    }
  }
}

class TunedGpuGemvTest : public test::DeviceTest {};

// 4224 columns: 132 loads of int4, 4 more than four steps of 32 items take; 5 rows leave teams without a row. 67
// columns: rows off the 16-byte alignment.
TEST_F(TunedGpuGemvTest, AgreesWithTheHostForAllCandidates) {
  test::for_each_gpu_gemv([&](const KernelEntry& kernel) {
    for (const test::GemvSet& set : test::kGemvSets) {
      for (const Extent& extent :
           {Extent{.rows = 5, .columns = 4224, .tokens = 1}, Extent{.rows = 5, .columns = 4224, .tokens = 3},
            Extent{.rows = 37, .columns = 67, .tokens = 1}}) {
        EXPECT_EQ(test::find_fault(device(), kernel, set, extent, 32), "")
            << kernel.name() << " rows " << set[0] << " work_group " << set[1] << " split_k " << set[2] << " unroll "
            << set[3] << ", tokens " << extent.tokens;
      }
    }
  });
}

TEST_F(TunedGpuGemvTest, ATeamThatAddsUpItsNeighboursItemsIsFound) {
  const test::ChangedKernels kernels;
  kernels.replace("common/gemv_teams.clh", "uint step = SPLIT_K / 2", "uint step = WORK_GROUP / 2");
  device::Device mutant(info_, kernels.sources());
  const Extent extent{.rows = 5, .columns = 4224, .tokens = 1};
  EXPECT_NE(
      test::find_fault(mutant, *find_kernel(test::operation_of("gemv_f16_f16"), "gpu"), {1, 64, 32, 1}, extent, 128),
      "");
}

TEST_F(TunedGpuGemvTest, ALeftOutRestOfTheStepsIsFound) {
  const test::ChangedKernels kernels;
  kernels.replace("common/gemv_teams.clh", "  for (; k < wide_end; k += SPLIT_K * width) {",
                  "  for (; UNROLL == 1 && k < wide_end; k += SPLIT_K * width) {");
  device::Device mutant(info_, kernels.sources());
  const Extent extent{.rows = 5, .columns = 4224, .tokens = 1};
  EXPECT_NE(
      test::find_fault(mutant, *find_kernel(test::operation_of("gemv_i4_f16"), "gpu"), {1, 64, 32, 4}, extent, 128),
      "");
}

}  // namespace
}  // namespace qtrap::scheme
