#include "scheme/scheme.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "scheme/pass.hpp"

namespace qtrap::scheme {
namespace {

constexpr std::uint64_t kRows = 100;
constexpr std::uint64_t kColumns = 300;  // groups of 128: 128, 128, 44
constexpr ProjectionShape kShape{kRows, kColumns};

SchemeInfo scheme(std::string_view name) { return find_scheme(name).value(); }

std::vector<std::string> operations(std::string_view name, const KernelSet& kernels, std::uint64_t tokens) {
  std::vector<std::string> out;
  for (const PassRow& row : input_pass_table(scheme(name), kernels, 128, tokens, kColumns))
    out.push_back(to_string(row.operation));
  out.emplace_back("|");
  for (const PassRow& row : projection_pass_table(scheme(name), kernels, 128, tokens, kShape))
    out.push_back(to_string(row.operation));
  return out;
}

Costs projection_costs(std::string_view name, const std::string& family, std::uint64_t tokens) {
  Costs sum;
  for (const PassRow& row : projection_pass_table(scheme(name), {family}, 128, tokens, kShape)) sum += row.costs;
  return sum;
}

TEST(SchemeTable, NamesTheSchemesOf010InTheirOrderWithTheAnchorFirst) {
  std::vector<std::string_view> names;
  for (const SchemeInfo& info : all_schemes().first(7)) names.push_back(info.name);
  EXPECT_EQ(names, (std::vector<std::string_view>{"f16", "w8a16-split", "w8a16-fused", "w8a8", "w4a16-split",
                                                  "w4a16-fused", "w4a8"}));
  for (const SchemeInfo& info : all_schemes()) EXPECT_EQ(find_scheme(info.name)->name, info.name);
  EXPECT_FALSE(find_scheme("w4a4").has_value());
  EXPECT_FALSE(find_scheme("w4a4-kv8").has_value());
  EXPECT_FALSE(find_scheme("f16-kv8-kv8").has_value());
  for (const SchemeInfo& info : all_schemes()) {
    const std::string name = std::string(info.name) + "-kv8";
    const SchemeInfo cached = find_scheme(name).value();
    EXPECT_EQ(cached.name, name);
    EXPECT_EQ(cached.weights, info.weights);
    EXPECT_EQ(cached.cache, CacheFormat::kInt8);
    EXPECT_EQ(with_cache(cached, CacheFormat::kF16).name, info.name);
  }
}

TEST(SchemeTable, NamesClassesOfMultiplyAddsAsFilesAlwaysDid) {
  std::vector<std::string> classes;
  for (const SchemeInfo& info : all_schemes().first(7)) classes.push_back(info.mac_class());
  EXPECT_EQ(classes, (std::vector<std::string>{"f16", "f16", "w8a16", "int8", "f16", "w4a16", "w4a8"}));
}

TEST(SchemeTable, DerivesTheClassOfARowThatNamesNone) {
  SchemeInfo row{"new", KernelPath::kFused, WeightFormat::kInt4, Activations::kF16};
  EXPECT_EQ(row.mac_class(), "int4");
  row.path = KernelPath::kSplit;
  EXPECT_EQ(row.mac_class(), "f16");
  row = {"new", KernelPath::kFused, WeightFormat::kInt8, Activations::kInt8};
  EXPECT_EQ(row.mac_class(), "int8_i8");
}

TEST(SchemeTable, GivesEveryMatmulOfAFormatWithActivationsAClassOfItsOwn) {
  std::map<std::string, std::pair<WeightFormat, Activations>> seen;
  for (const SchemeInfo& info : all_schemes()) {
    const std::pair matmul{info.matmul_format(), info.activations};
    EXPECT_EQ(seen.emplace(info.mac_class(), matmul).first->second, matmul) << info.name;
  }
}

TEST(SchemeTable, TakesTheCoarserOfWeightsAndActivationsForTheErrorOfAStep) {
  const std::map<std::string_view, double> expected{{"f16", 0},      {"w8a16-split", 0.015}, {"w8a16-fused", 0.015},
                                                    {"w8a8", 0.030}, {"w4a16-split", 0.19},  {"w4a16-fused", 0.19},
                                                    {"w4a8", 0.19}};
  for (const auto& [name, error] : expected) EXPECT_EQ(scheme(name).step_error(), error) << name;
}

TEST(SchemeTable, FramedFormatsComeSplitAndFused) {
  for (const format::FormatInfo& format : format::all_formats()) {
    if (format.header_option.empty()) continue;
    for (const KernelPath path : {KernelPath::kSplit, KernelPath::kFused}) {
      const auto found = find_scheme(fmt::format("{}-{}", format.name, word_of(path)));
      ASSERT_TRUE(found.has_value()) << format.name;
      EXPECT_EQ(found->weights, format.format);
      EXPECT_EQ(found->path, path);
      EXPECT_EQ(found->activations, Activations::kF16);
      EXPECT_EQ(found->mac_class(), path == KernelPath::kSplit ? "f16" : format.name);
    }
  }
}

TEST(SchemeTable, NamesEveryRoleAsTheResultFieldsDo) {
  EXPECT_EQ(word_of(Role::kCast), "cast");
  EXPECT_EQ(word_of(Role::kQuantize), "quantize");
  EXPECT_EQ(word_of(Role::kDequantize), "dequantize");
  EXPECT_EQ(word_of(Role::kMatmul), "matmul");
  EXPECT_EQ(word_of(Role::kAttention), "attention");
  EXPECT_EQ(word_of(Role::kOther), "other");
  EXPECT_EQ(word_of(Role::kOutliers), "outliers");
  EXPECT_EQ(word_of(Role::kHead), "head");
}

TEST(OutlierRule, HasAPlaceForEachHundredAndTwentyEighthColumnInSteps) {
  const OutlierRule rule;
  const std::map<std::uint64_t, std::uint64_t> expected{{1, 32},    {32, 32},   {33, 32},   {1024, 32},   {4096, 32},
                                                        {4223, 32}, {4224, 64}, {8192, 64}, {14336, 128}, {53248, 416}};
  for (const auto& [columns, places] : expected) EXPECT_EQ(rule.count_places(columns), places) << columns;
}

TEST(OutlierRule, TakesNoMorePlacesThanColumnsInWholeSteps) {
  OutlierRule rule;
  rule.fewest_places = 1000;
  EXPECT_EQ(rule.count_places(1), 32U);
  EXPECT_EQ(rule.count_places(257), 288U);
  EXPECT_EQ(rule.count_places(4096), 1000U);
  rule.fewest_places = 257;  // of a caller that wants all columns apart and none more
  EXPECT_EQ(rule.count_places(257), 257U);
}

TEST(PassTable, MultipliesOutliersApartAsThePlainSchemeDoes) {
  using List = std::vector<std::string>;
  const List projection{"|", "gemv_i8_i8", "gather_i8_f16", "gemv_f16_f16", "dequantize_i32_add_f16"};
  const auto then = [](List list, const List& more) {
    list.insert(list.end(), more.begin(), more.end());
    return list;
  };
  EXPECT_EQ(operations("llm-int8", {"gpu"}, 1),
            then({"find_outliers_f16", "list_outliers_f16", "quantize_f16_i8_inliers", "gather_f16"}, projection));
  EXPECT_EQ(
      operations("llm-int8", {"cpu"}, 9),
      (List{"find_outliers_f16", "list_outliers_f16", "quantize_f16_i8_inliers_panels", "gather_f16",
            "cast_f16_f32_panels", "|", "gemm_i8_i8", "gather_i8_f16", "gemm_f16_f16", "dequantize_i32_add_f16"}));
}

TEST(PassTable, QuantizesToE4m3AndMultipliesInOnePass) {
  using List = std::vector<std::string>;
  EXPECT_EQ(operations("w8a8-fp8", {"cpu"}, 1), (List{"quantize_f16_e4m3", "|", "gemv_fp8_e4m3"}));
  EXPECT_EQ(operations("w8a8-fp8", {"cpu"}, 9), (List{"quantize_f16_e4m3_panels", "|", "gemm_fp8_e4m3"}));
  EXPECT_EQ(operations("w8a8-fp8", {"gpu"}, 9), (List{"quantize_f16_e4m3", "|", "gemm_fp8_e4m3"}));
  EXPECT_EQ(operations("w8a8-fp8", {"reference"}, 9), (List{"quantize_f16_e4m3", "|", "matmul_fp8_e4m3"}));
  // Codes in whole steps of 32 columns and an f32 scale per row; codes and a scale of x.
  EXPECT_EQ(projection_costs("w8a8-fp8", "gpu", 3).bytes, kRows * 320 + 4 * kRows + 3 * kColumns + 12 + 6 * kRows);
  EXPECT_EQ(input_pass_table(scheme("w8a8-fp8"), {"gpu"}, 128, 3, kColumns).at(0).costs.bytes,
            6 * kColumns + 3 * kColumns + 12);
  EXPECT_EQ(scheme("w8a8-fp8").mac_class(), "fp8_e4m3");
}

TEST(PassTable, CountsOfWhatIsGatheredThePlacesAlone) {
  constexpr std::uint64_t n = kRows, k = kColumns, t = 3, places = 32;
  const auto rows = input_pass_table(scheme("llm-int8"), {"gpu"}, 128, t, k);
  EXPECT_EQ(rows.at(0).costs.bytes, 2 * t * k + 2 * k);       // x, mask
  EXPECT_EQ(rows.at(1).costs.bytes, 4 * k + 4 * places + 8);  // the mask is read and written
  EXPECT_EQ(rows.at(2).costs.bytes, 2 * t * k + 2 * k + t * k + 4 * t);
  EXPECT_EQ(rows.at(3).costs.bytes, 2 * t * places + 4 * places + 2 * t * places);
  EXPECT_EQ(rows.at(3).bindings.at(0).bytes, 2 * t * k) << "all of x is bound";
  EXPECT_EQ(rows.at(2).costs.quantized_elements, t * k);
  const auto projection = projection_pass_table(scheme("llm-int8"), {"gpu"}, 128, t, kShape);
  EXPECT_EQ(projection.at(1).costs.bytes, n * places + 2 * n + 4 * places + 2 * n * places);
  EXPECT_EQ(projection.at(2).costs.bytes, 2 * n * places + 2 * t * places + 2 * t * n);
  EXPECT_EQ(projection.at(2).costs.macs, n * places * t);
  EXPECT_EQ(projection.at(3).costs.bytes, 4 * t * n + 2 * n + 4 * t + 2 * t * n + 2 * t * n);
  for (const PassRow& row : projection) EXPECT_LE(row.costs.weight_launches, row.costs.launches);
  // Three columns: no more of them can be gathered, though the list has 32 places.
  EXPECT_EQ(projection_pass_table(scheme("llm-int8"), {"gpu"}, 128, 1, {5, 3}).at(1).costs.bytes,
            5 * 3 + 2 * 5 + 4 * 32 + 2 * 5 * 32);
}

TEST(PassTable, ListsThePassesOfTheCpuFamilyForOneToken) {
  using List = std::vector<std::string>;
  EXPECT_EQ(operations("f16", {"cpu"}, 1), (List{"|", "gemv_f16_f16"}));
  EXPECT_EQ(operations("w8a16-split", {"cpu"}, 1), (List{"|", "dequantize_i8_f16", "gemv_f16_f16"}));
  EXPECT_EQ(operations("w8a16-fused", {"cpu"}, 1), (List{"|", "gemv_i8_f16"}));
  EXPECT_EQ(operations("w8a8", {"cpu"}, 1), (List{"quantize_f16_i8", "|", "gemv_i8_i8", "dequantize_i32_f16"}));
  EXPECT_EQ(operations("w4a16-split", {"cpu"}, 1), (List{"|", "dequantize_i4_f16", "gemv_f16_f16"}));
  EXPECT_EQ(operations("w4a16-fused", {"cpu"}, 1), (List{"cast_f16_f32_nibbles", "|", "gemv_i4_f16"}));
  EXPECT_EQ(operations("w4a8", {"cpu"}, 1), (List{"quantize_f16_i8_nibbles", "|", "gemv_i4_i8"}));
}

TEST(PassTable, ProductsOfBytesServeInt4WithOneTokenAndTakeLessWorkspace) {
  using List = std::vector<std::string>;
  const KernelSet products{"cpu", true};
  EXPECT_EQ(operations("w4a16-fused", products, 1), (List{"cast_f16_i24_nibbles", "|", "gemv_i4_i24"}));
  EXPECT_EQ(operations("w4a16-fused", products, 2), operations("w4a16-fused", {"cpu"}, 2));
  for (const SchemeInfo& info : all_schemes()) {
    if (info.name != "w4a16-fused") {
      EXPECT_EQ(operations(info.name, products, 1), operations(info.name, {"cpu"}, 1));
    }
    for (const std::uint64_t columns : {1U, 300U}) {
      EXPECT_LE(SchemePasses::compute_workspace_bytes(info, products, 32, 1, {{10, columns}}),
                SchemePasses::compute_workspace_bytes(info, {"cpu"}, 32, 1, {{10, columns}}));
    }
  }
  // Three groups of 128 columns: three digits a column, a scale and a sum a group.
  EXPECT_EQ(SchemePasses::compute_workspace_bytes(scheme("w4a16-fused"), products, 128, 1, {kShape}),
            3U * 384 + 2 * 12);
}

TEST(PassTable, PacksActivationsForManyTokensOnTheCpuFamilyOnly) {
  using List = std::vector<std::string>;
  EXPECT_EQ(operations("f16", {"cpu"}, 9), (List{"cast_f16_f32_panels", "|", "gemm_f16_f16"}));
  EXPECT_EQ(operations("f16", {"gpu"}, 9), (List{"|", "gemm_f16_f16"}));
  EXPECT_EQ(operations("f16", {"reference"}, 9), (List{"|", "matmul_f16_f16"}));
  EXPECT_EQ(operations("w4a8", {"cpu"}, 9), (List{"quantize_f16_i8_panels", "|", "gemm_i4_i8"}));
  EXPECT_EQ(operations("w4a8", {"gpu"}, 9), (List{"quantize_f16_i8", "|", "gemm_i4_i8"}));
}

TEST(PassTable, CountsTheBytesOfOneTokenInClosedForm) {
  const std::uint64_t n = kRows, k = kColumns;
  EXPECT_EQ(projection_costs("f16", "cpu", 1).bytes, 2 * n * k + 2 * k + 2 * n);
  // dequantize: codes + row scales in, f16 out; then the f16 matmul.
  EXPECT_EQ(projection_costs("w8a16-split", "cpu", 1).bytes, (n * k + 2 * n + 2 * n * k) + (2 * n * k + 2 * k + 2 * n));
  EXPECT_EQ(projection_costs("w8a16-fused", "cpu", 1).bytes, n * k + 2 * n + 2 * k + 2 * n);
  // int8 matmul: codes, activation codes, int32 out; then int32, row scales and token scale in, f16 out.
  EXPECT_EQ(projection_costs("w8a8", "cpu", 1).bytes, (n * k + k + 4 * n) + (4 * n + 2 * n + 4 + 2 * n));
  const std::uint64_t int4 = n * 150 + 2 * (2 * n * 3);
  EXPECT_EQ(projection_costs("w4a16-split", "gpu", 1).bytes, (int4 + 2 * n * k) + (2 * n * k + 2 * k + 2 * n));
  EXPECT_EQ(projection_costs("w4a16-fused", "gpu", 1).bytes, int4 + 2 * k + 2 * n);
  // CPU: x as f32 in whole groups with a sum per group.
  const std::uint64_t groups = 3, padded = groups * 128;
  EXPECT_EQ(projection_costs("w4a16-fused", "cpu", 1).bytes, int4 + 4 * padded + 4 * groups + 2 * n);
  EXPECT_EQ(projection_costs("w4a8", "cpu", 1).bytes, int4 + padded + 4 + 4 * groups + 2 * n);
}

TEST(PassTable, AFramedFormatTakesItsOwnKernelsOnEveryFamily) {
  using List = std::vector<std::string>;
  EXPECT_EQ(operations("q8_0-split", {"cpu"}, 1), (List{"|", "dequantize_q8_0_f16", "gemv_f16_f16"}));
  EXPECT_EQ(operations("q8_0-fused", {"cpu"}, 8), (List{"|", "gemv_q8_0_f16"}));
  EXPECT_EQ(operations("q4_0-fused", {"cpu", true}, 1), (List{"|", "gemv_q4_0_f16"}));
  EXPECT_EQ(operations("q4_0-fused", {"cpu"}, 9), (List{"cast_f16_f32_panels", "|", "gemm_q4_0_f16"}));
  EXPECT_EQ(operations("q4_0-fused", {"gpu"}, 9), (List{"|", "gemm_q4_0_f16"}));
  EXPECT_EQ(operations("q4_0-fused", {"reference"}, 9), (List{"|", "matmul_q4_0_f16"}));
}

TEST(PassTable, CountsOperationsAndExpandedWeights) {
  for (const SchemeInfo& info : all_schemes()) {
    const Costs costs = projection_costs(info.name, "cpu", 20);
    const std::uint64_t places = info.outliers ? info.outliers->count_places(kColumns) : 0;
    EXPECT_EQ(costs.macs, kRows * (kColumns + places) * 20) << info.name;
    const bool split = info.split();
    const std::uint64_t expanded = info.scaled_sums ? kRows * 20 : split ? kRows * kColumns : 0;
    EXPECT_EQ(costs.dequantized_weights, expanded) << info.name;
    EXPECT_EQ(costs.launches, info.outliers ? 4U : split || info.scaled_sums ? 2U : 1U) << info.name;
    EXPECT_EQ(costs.cast_elements, 0U) << info.name;
  }
  EXPECT_EQ(input_pass_table(scheme("f16"), {"cpu"}, 128, 20, kColumns).front().costs.cast_elements, 20 * kColumns);
}

TEST(PassTable, WorkspaceHoldsTheLargestShapeOfEachSlot) {
  // Split: the f16 weights of the larger matrix, nothing else for one token.
  EXPECT_EQ(SchemePasses::compute_workspace_bytes(scheme("w8a16-split"), {"cpu"}, 128, 1, {{10, 20}, {30, 40}}),
            2U * 30 * 40);
  EXPECT_EQ(SchemePasses::compute_workspace_bytes(scheme("f16"), {"cpu"}, 128, 1, {{10, 20}}), 0U);
  // w8a8: codes of the widest input, one token scale, accumulators of the tallest output.
  EXPECT_EQ(SchemePasses::compute_workspace_bytes(scheme("w8a8"), {"gpu"}, 128, 1, {{10, 200}, {30, 40}}),
            200U + 4 + 4 * 30);
}

}  // namespace
}  // namespace qtrap::scheme
