// Windows of text through a small random decoder (tests/chain/make_decoders.py).
#include "quality/evaluate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "core/philox.hpp"
#include "support/device_fixture.hpp"
#include "weights/facts.hpp"

namespace qtrap::quality {
namespace {

using ::testing::HasSubstr;

class OnText : public test::DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (IsSkipped()) return;
    maker_.emplace(*device_, scheme::PassOptions{"", 32});
    decoder_.emplace(weights::open_decoder(QTRAP_SOURCE_DIR "/tests/data/decoders/qwen2").value());
    text_.model = weights::make_profile(decoder_->facts, "test");
    text_.weights = &*decoder_;
  }

  void draw_windows(std::size_t count, std::size_t length) {
    PhiloxStream stream(3);
    text_.windows.assign(count, std::vector<std::uint32_t>(length));
    for (auto& window : text_.windows) {
      for (auto& id : window) id = stream() % static_cast<std::uint32_t>(text_.model.vocab);
    }
  }

  Result<std::vector<WindowLoss>> evaluate(std::string_view scheme) {
    return quality::evaluate(*maker_, text_, scheme::find_scheme(scheme).value(), [] { return false; });
  }

  std::optional<scheme::PassMaker> maker_;
  std::optional<weights::Decoder> decoder_;
  Text text_;
};

TEST_F(OnText, TheAnchorLosesNothing) {
  draw_windows(2, 20);
  const auto losses = evaluate("f16").value();
  ASSERT_EQ(losses.size(), 2U);
  for (const WindowLoss& loss : losses) {
    EXPECT_EQ(loss.tokens, 19U);
    EXPECT_EQ(loss.divergence, 0);
    EXPECT_EQ(loss.agreed, 19U);
    EXPECT_EQ(loss.log_loss, loss.anchor_log_loss);
    EXPECT_GT(loss.log_loss, 19 * std::log(128.0)) << "random tokens are worse than a guess";
  }
}

TEST_F(OnText, CoarserFormatsLoseMore) {
  draw_windows(2, 40);
  double last = 0;
  for (const char* scheme : {"w8a16-fused", "fp8-fused", "w4a16-fused", "int3-fused", "int2-fused"}) {
    const double divergence = summarise(evaluate(scheme).value()).divergence;
    EXPECT_GT(divergence, 1.5 * last) << scheme;
    last = divergence;
  }
}

TEST_F(OnText, CachesOfInt8LoseLessThanWeightsOfInt4) {
  draw_windows(2, 40);
  const double cached = summarise(evaluate("f16-kv8").value()).divergence;
  EXPECT_GT(cached, 0);
  EXPECT_LT(cached, 0.1 * summarise(evaluate("w4a16-fused").value()).divergence);
  EXPECT_NE(summarise(evaluate("w4a16-fused-kv8").value()).divergence,
            summarise(evaluate("w4a16-fused").value()).divergence);
}

TEST_F(OnText, AFusedSchemeLosesWhatItsSplitOneDoes) {
  draw_windows(1, 40);
  const double fused = summarise(evaluate("w4a16-fused").value()).divergence;
  const double split = summarise(evaluate("w4a16-split").value()).divergence;
  EXPECT_NEAR(fused, split, 0.02 * split);
}

/// 127 tokens are one block, 128 one and no more to predict, 129 a second block for one token, which is no context.
TEST_F(OnText, WindowsOfAnyLengthAreScoredToTheirLastToken) {
  for (const std::size_t length : {2UL, 127UL, 128UL, 129UL, 130UL, 200UL}) {
    draw_windows(1, length);
    const auto whole = evaluate("w8a16-fused").value().front();
    EXPECT_EQ(whole.tokens, length - 1) << length;
    EXPECT_LT(whole.divergence / static_cast<double>(whole.tokens), 0.05) << length;
  }
}

TEST_F(OnText, WindowsAreScoredOnTheirOwn) {
  draw_windows(3, 30);
  const auto all = evaluate("w4a16-fused").value();
  text_.windows = {text_.windows[2]};
  const auto last = evaluate("w4a16-fused").value();
  EXPECT_DOUBLE_EQ(last.front().divergence, all[2].divergence);
}

TEST_F(OnText, AStopEndsBetweenBlocks) {
  draw_windows(3, 30);
  int asked = 0;
  const auto stop = [&] { return ++asked > 3; };
  EXPECT_LT(quality::evaluate(*maker_, text_, scheme::find_scheme("f16").value(), stop).value().size(), 3U);
}

TEST_F(OnText, AModelThatDoesNotFitIsRefused) {
  draw_windows(1, 30);
  text_.memory_fraction = 1e-6;
  const auto losses = evaluate("w8a16-fused");
  ASSERT_FALSE(losses.ok());
  EXPECT_EQ(losses.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(losses.error().message(), HasSubstr("device"));
}

}  // namespace
}  // namespace qtrap::quality
