#include "support/emulated_board.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace qtrap::test {
namespace {

BoardModel make_plain() {
  BoardModel model;
  model.noise = 0;
  model.delay_s = 0;
  model.rise_s = 0;
  model.quantum_w = 1e-9;
  return model;
}

TEST(EmulatedBoard, KnowsTheTrueEnergyOfItsTrace) {
  EmulatedBoard board(make_plain(), 1);
  board.draw(1, 60);
  board.draw(0.00033, 300);  // off the grid on purpose
  board.draw(1, 100);
  EXPECT_NEAR(board.true_energy_j(0, board.end_s()), 60 + 0.099 + 100, 1e-9);
  EXPECT_NEAR(board.true_energy_j(0.5, 1.00033), 30 + 0.099, 1e-9);
}

TEST(EmulatedBoard, ShowsTheMeanOfItsWindowAndHoldsItForAPeriod) {
  BoardModel model = make_plain();
  model.window_s = 0.1;
  EmulatedBoard board(model, 1);
  board.draw(10, 60);
  board.draw(10, 260);
  EXPECT_NEAR(board.power_w(9), 60, 1e-6);
  EXPECT_NEAR(board.power_w(15), 260, 1e-6);
  int values = 0;
  double last = -1;
  for (int ms = 9500; ms < 10500; ++ms) {
    const double now = board.power_w(ms / 1000.0);
    EXPECT_GE(now, 60 - 1e-6);
    EXPECT_LE(now, 260 + 1e-6);
    if (now != last) ++values;
    last = now;
  }
  // With window = period at most two readings differ from the two levels.
  EXPECT_LE(values, 4);
}

TEST(EmulatedBoard, RisesExponentiallyAsItsModelSays) {
  BoardModel model = make_plain();
  model.window_s = 0;
  model.period_s = 0.001;
  model.rise_s = 0.1;
  EmulatedBoard board(model, 3);
  board.draw(1, 60);
  board.draw(1, 160);
  // 1 ms of period and 0.5 ms of grid: at most 1.5 % of the slope's span.
  EXPECT_NEAR(board.power_w(1.1), 160 - 100 * std::exp(-1), 1.5);
}

TEST(EmulatedBoard, CountsItsEnergyWithGainQuantumAndRange) {
  BoardModel model = make_plain();
  model.gain = 0.9;
  model.counter_quantum_j = 0.5;
  model.counter_start_j = 95;
  model.counter_range_j = 100;
  EmulatedBoard board(model, 1);
  board.draw(10, 60);
  const double late = board.counter_j(9);
  // 95 + 0.9 x 60 x 9 = 581, less one counter period of 1.2 J; modulo 100.
  EXPECT_NEAR(late, 81, 1.6);
  EXPECT_NEAR(std::fmod(late, 0.5), 0, 1e-9);
}

TEST(EmulatedBoard, RepeatsItselfForOneSeedAndDiffersForAnother) {
  BoardModel model;
  EmulatedBoard first(model, 5), same(model, 5), other(model, 6);
  for (EmulatedBoard* board : {&first, &same, &other}) board->draw(5, 200);
  EXPECT_EQ(first.power_w(3), same.power_w(3));
  EXPECT_NE(first.power_w(3), other.power_w(3));
}

}  // namespace
}  // namespace qtrap::test
