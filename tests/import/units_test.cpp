#include "import/units.hpp"

#include <gtest/gtest.h>

namespace qtrap::importer {
namespace {

struct Case {
  std::span<const Unit> units;
  const char* unit;
  double value;
  double step;  ///< at batch 4, 1000 tokens a run and steps of 0.5 s
};

const Case kCases[] = {
    {time_units(), "tokens/s", 8, 0.5},             // 4 tokens at 8 a second
    {time_units(), "s/token", 0.1, 0.4},            // 4 tokens
    {time_units(), "ms/token", 100, 0.4},           //
    {time_units(), "s/step", 0.3, 0.3},             //
    {time_units(), "ms/step", 300, 0.3},            //
    {time_units(), "s", 250, 1},                    // 250 steps
    {time_units(), "ms", 250000, 1},                //
    {energy_units(), "J/1k tokens", 500, 2},        // 0.5 J a token
    {energy_units(), "J/token", 0.5, 2},            //
    {energy_units(), "mJ/token", 500, 2},           //
    {energy_units(), "J/step", 2, 2},               //
    {energy_units(), "kWh/1k tokens", 1e-3, 14.4},  // 3600 J per 1000 tokens
    {energy_units(), "tokens/kWh", 3.6e6, 4},       // 1 J a token
    {energy_units(), "J", 500, 2},                  // 500 J over 250 steps
    {energy_units(), "kWh", 1e-3, 14.4},            // 3600 J over 250 steps
    {energy_units(), "W", 20, 10},                  // 20 W for 0.5 s
    {time_units(), "us", 250e6, 1},                 //
    {time_units(), "ns", 250e9, 1},                 //
    {time_units(), "min", 5, 1.2},                  // 300 s over 250 steps
    {time_units(), "h", 0.5, 7.2},                  // 1800 s over 250 steps
    {time_units(), "us/token", 1e5, 0.4},           //
    {time_units(), "us/step", 3e5, 0.3},            //
    {time_units(), "steps/s", 4, 0.25},             //
    {time_units(), "tokens/min", 480, 0.5},         // 8 tokens a second
    {time_units(), "MLUP/s", 5e-6, 0.2},            // 5 updates a second
    {energy_units(), "mJ", 5e5, 2},                 //
    {energy_units(), "kJ", 0.5, 2},                 //
    {energy_units(), "MJ", 5e-4, 2},                //
    {energy_units(), "mWh", 1000, 14.4},            // 3600 J over 250 steps
    {energy_units(), "Wh", 1, 14.4},                //
    {energy_units(), "uJ/token", 5e5, 2},           //
    {energy_units(), "mWh/token", 1, 14.4},         // 3.6 J a token
    {energy_units(), "Wh/token", 1e-3, 14.4},       //
    {energy_units(), "kWh/token", 1e-6, 14.4},      //
    {energy_units(), "kJ/1k tokens", 0.5, 2},       // 0.5 J a token
    {energy_units(), "Wh/1k tokens", 1, 14.4},      // 3.6 J a token
    {energy_units(), "J/1M tokens", 5e5, 2},        //
    {energy_units(), "kJ/1M tokens", 500, 2},       //
    {energy_units(), "Wh/1M tokens", 1000, 14.4},   //
    {energy_units(), "kWh/1M tokens", 1, 14.4},     //
    {energy_units(), "mJ/step", 2000, 2},           //
    {energy_units(), "Wh/step", 1e-3, 3.6},         //
    {energy_units(), "tokens/J", 2, 2},             // 0.5 J a token
    {energy_units(), "tokens/Wh", 3600, 4},         // 1 J a token
    {energy_units(), "tokens/s/W", 2, 2},           // 0.5 J a token
    {energy_units(), "mW", 20000, 10},              // 20 W for 0.5 s
    {energy_units(), "kW", 0.02, 10},               //
};

TEST(Units, AreWorthTheirSecondsAndJoulesPerStep) {
  const Spread spread{4, 1000, 0.5};
  for (const Case& one : kCases) {
    const Unit* unit = find_unit(one.units, one.unit);
    ASSERT_NE(unit, nullptr) << one.unit;
    EXPECT_NEAR(convert_to_step(*unit, one.value, spread).value(), one.step, 1e-12 * one.step) << one.unit;
  }
  EXPECT_EQ(std::size(kCases), time_units().size() + energy_units().size());
}

TEST(Units, TakeRunsAndStepsAsTheyAreSaid) {
  // 100 runs of 32 steps: the batch is in the steps, not in the tokens
  EXPECT_DOUBLE_EQ(convert_to_step(*find_unit(energy_units(), "J"), 6400, {4, std::nullopt, 0.5, 32, 100}).value(), 2);
  EXPECT_DOUBLE_EQ(convert_to_step(*find_unit(time_units(), "s"), 6400, {4, 128, 0.5, std::nullopt, 100}).value(), 2);
  EXPECT_FALSE(convert_to_step(*find_unit(energy_units(), "kWh"), 1, {1, std::nullopt, 1}));
  EXPECT_FALSE(convert_to_step(*find_unit(energy_units(), "W"), 1, {1, 1, std::nullopt}));
}

TEST(Units, AreKnownByTheirSpellings) {
  for (const auto units : {time_units(), energy_units()}) {
    for (const Unit& unit : units) EXPECT_TRUE(canonicalize_unit(unit.name)) << unit.name;
  }
  const char* const same[][2] = {
      {"tok/sec", "tokens/s"},
      {"Tokens per second", "tokens/s"},
      {"t/s", "tokens/s"},
      {"tps", "tokens/s"},
      {"Joules", "J"},
      {"J per 1,000 tokens", "J/1k tokens"},
      {"Wh/1000 tokens", "Wh/1k tokens"},
      {"kW\u00b7h", "kWh"},
      {"\u00b5s", "us"},
      {"ms/tok", "ms/token"},
      {"Watts", "W"},
      {"J/Mtok", "J/1M tokens"},
      {"MLUPs/s", "MLUP/s"},
      {"MLUPS", "MLUP/s"},
      {"TFLOPS", "TFLOP/s"},
      {"TFLOPs/s", "TFLOP/s"},
      {"GBps", "GB/s"},
  };
  for (const auto& [text, unit] : same) EXPECT_EQ(canonicalize_unit(text), canonicalize_unit(unit)) << text;
  EXPECT_NE(canonicalize_unit("mJ"), canonicalize_unit("MJ"));
  for (const char* text : {"", "mean", "W/GPU", "bs=1", "/s"}) EXPECT_FALSE(canonicalize_unit(text)) << text;
  EXPECT_EQ(find_header_unit("power.draw [W]"), "W");
  EXPECT_EQ(find_header_unit("Latency (ms)"), "ms");
  EXPECT_FALSE(find_header_unit("power (mean)"));
  EXPECT_FALSE(find_header_unit("[W]"));
  EXPECT_TRUE(agree("J", "J/token"));
  EXPECT_TRUE(agree("Wh/1k run", "Wh"));
  EXPECT_FALSE(agree("J/token", "J"));
  EXPECT_FALSE(agree("mW", "W"));
  EXPECT_FALSE(agree("J", "Jx"));
}

}  // namespace
}  // namespace qtrap::importer
