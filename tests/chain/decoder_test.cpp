// Decoders of small random models against what transformers makes of them in float32 (make_decoders.py), of small
// pretrained ones against their own numpy (make_glass.py), and against themselves: however tokens are split over calls
// and sequences.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "chain/chain.hpp"
#include "chain/context.hpp"
#include "chain/prompt.hpp"
#include "core/half.hpp"
#include "support/device_fixture.hpp"
#include "weights/facts.hpp"
#include "weights/roles.hpp"

namespace qtrap::chain {
namespace {

using Ids = std::vector<std::uint32_t>;

constexpr std::uint64_t kCapacity = 128;
constexpr double kMargin = 1e-2;

/// A prompt with the logits behind it, and the greedy tokens that follow.
struct Expected {
  Ids prompt, greedy;
  std::vector<float> logits;
  std::vector<double> margins;
};

std::string folder_of(const std::string& name) {
  return std::string(QTRAP_SOURCE_DIR) + "/tests/data/decoders/" + name;
}

std::vector<Expected> read_expected(const std::string& name) {
  std::ifstream in(folder_of(name) + "/expected.jsonl");
  std::vector<Expected> all;
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line);
    all.push_back({json.at("prompt"), json.at("greedy"), json.at("logits"), json.at("margins")});
  }
  return all;
}

double relative_error(const std::vector<float>& got, const std::vector<float>& want) {
  EXPECT_EQ(got.size(), want.size());
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    difference += std::pow(static_cast<double>(got[i]) - static_cast<double>(want[i]), 2);
    norm += std::pow(static_cast<double>(want[i]), 2);
  }
  return std::sqrt(difference / norm);
}

class OnDecoder : public test::DeviceTest, public ::testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (IsSkipped()) return;
    maker_.emplace(*device_, scheme::PassOptions{"", 32});
    decoder_.emplace(weights::open_decoder(folder_of(GetParam())).value());
    const profile::ModelProfile shape = weights::make_profile(decoder_->facts, "test");
    Demand demand{{scheme::all_schemes().begin(), scheme::all_schemes().end()}, {1}, 32, 0.8, layers()};
    demand.workload = model::Workload::kDecoder;
    model_ = ResidentModel::make(*maker_, shape, demand, demand.layers_to_run, 1, &*decoder_).value();
  }

  std::uint64_t layers() const { return static_cast<std::uint64_t>(decoder_->facts.layers); }

  std::shared_ptr<const Context> make_context(std::uint64_t sequences, std::uint64_t capacity = kCapacity) {
    return std::make_shared<Context>(Context::make(*device_, model_.model, layers(), sequences, capacity,
                                                   decoder_->facts.rotary_pairs, {},
                                                   {CacheFormat::kF16, CacheFormat::kInt8})
                                         .value());
  }
  Chain make_chain(const std::shared_ptr<const Context>& context, std::uint64_t run, std::string_view scheme = "f16",
                   model::Workload workload = model::Workload::kDecoder) {
    const auto step = model::make_step(model_.model, workload);
    const auto activations = Activations::make(*maker_, step, context, run, 1).value();
    return Chain::make(*maker_, model_, activations, scheme::find_scheme(scheme).value()).value();
  }

  /// Logits of each position of one sequence that is given in pieces of these lengths.
  std::vector<float> read_in_pieces(const Ids& ids, const std::vector<std::uint64_t>& pieces,
                                    std::string_view scheme = "f16") {
    const auto context = make_context(1, std::max<std::uint64_t>(kCapacity, ids.size()));
    std::vector<float> logits;
    std::uint64_t filled = 0;
    for (const std::uint64_t run : pieces) {
      Chain chain = make_chain(context, run, scheme);
      context->begin_at(*device_, filled);
      chain.set_tokens(Ids(ids.begin() + static_cast<std::ptrdiff_t>(filled),
                           ids.begin() + static_cast<std::ptrdiff_t>(filled + run)));
      chain.enqueue_steps(1, false);
      const auto piece = chain.read_output();
      logits.insert(logits.end(), piece.begin(), piece.end());
      filled += run;
    }
    return logits;
  }

  std::optional<scheme::PassMaker> maker_;
  std::optional<weights::Decoder> decoder_;
  ResidentModel model_;
};

INSTANTIATE_TEST_SUITE_P(Of, OnDecoder, ::testing::Values("llama", "llama3", "qwen2", "qwen3", "glass_en", "glass_pt"),
                         [](const auto& one) { return one.param; });

TEST_P(OnDecoder, LogitsAndGreedyTokensAreThoseOfTheReference) {
  const auto all = read_expected(GetParam());
  ASSERT_EQ(all.size(), 20U);
  std::size_t compared = 0;
  for (std::size_t first = 0; first < all.size(); first += 5) {  // five prompts of one length in lockstep
    const std::uint64_t length = all[first].prompt.size();
    const auto context = make_context(5);
    Chain prefill = make_chain(context, length);
    Ids ids;
    for (std::size_t i = first; i < first + 5; ++i) ids.insert(ids.end(), all[i].prompt.begin(), all[i].prompt.end());
    prefill.set_tokens(ids);
    prefill.enqueue_steps(1, false);
    const auto logits = prefill.read_output();
    const auto chosen = prefill.read_tokens();
    const std::size_t vocab = all[first].logits.size();
    Chain decode = make_chain(context, 1);
    Ids next(5);
    for (std::size_t i = 0; i < 5; ++i) {
      const auto last = logits.begin() + static_cast<std::ptrdiff_t>(((i + 1) * length - 1) * vocab);
      EXPECT_LT(relative_error({last, last + static_cast<std::ptrdiff_t>(vocab)}, all[first + i].logits), 2e-2);
      next[i] = chosen[(i + 1) * length - 1];
    }
    for (std::size_t step = 0; step < all[first].greedy.size(); ++step) {
      for (std::size_t i = 0; i < 5; ++i) {
        const Expected& expected = all[first + i];
        if (expected.margins[step] > kMargin) {
          ++compared;
          EXPECT_EQ(next[i], expected.greedy[step]) << "prompt " << first + i << ", step " << step;
        }
        next[i] = expected.greedy[step];  // a tie may have gone either way
      }
      decode.set_tokens(next);
      decode.enqueue_steps(1, false);
      next = decode.read_tokens();
    }
  }
  EXPECT_GT(compared, 1200U) << "of 1280";
}

TEST_P(OnDecoder, GreedyTokensGoOnByThemselves) {
  const auto all = read_expected(GetParam());
  const auto& one = *std::find_if(all.begin(), all.end(), [](const Expected& expected) {
    return *std::min_element(expected.margins.begin(), expected.margins.begin() + 16) > kMargin;
  });
  const auto context = make_context(1);
  Chain prefill = make_chain(context, one.prompt.size());
  prefill.set_tokens(one.prompt);
  prefill.enqueue_steps(1, false);
  Chain decode = make_chain(context, 1);
  decode.set_tokens({prefill.read_tokens().back()});
  decode.enqueue_steps(15, false);
  EXPECT_EQ(decode.read_tokens().front(), one.greedy[15]);
}

/// The head of each sequence's last token alone, its greedy choice beside the prompt, and the context behind it.
TEST_P(OnDecoder, APromptGivesTheTokenBehindIt) {
  const auto all = read_expected(GetParam());
  const std::uint64_t length = all[5].prompt.size();
  constexpr std::uint64_t kBatch = 3;
  Ids ids;
  for (std::size_t i = 5; i < 5 + kBatch; ++i) ids.insert(ids.end(), all[i].prompt.begin(), all[i].prompt.end());
  for (const std::string_view scheme : {"f16", "w8a8", "w4a16-split"}) {
    const auto whole_context = make_context(kBatch);
    const auto context = make_context(kBatch);
    Chain whole = make_chain(whole_context, length, scheme);
    Chain prompt = make_chain(context, length, scheme, model::Workload::kPrefill);
    for (Chain* chain : {&whole, &prompt}) {
      chain->set_tokens(ids);
      chain->enqueue_steps(1, false);
    }
    const auto logits = whole.read_output();
    const auto chosen = whole.read_tokens();
    const std::size_t vocab = logits.size() / ids.size();
    std::vector<float> last;
    Ids next;
    for (std::uint64_t s = 0; s < kBatch; ++s) {
      const auto at = static_cast<std::ptrdiff_t>(((s + 1) * length - 1) * vocab);
      last.insert(last.end(), logits.begin() + at, logits.begin() + at + static_cast<std::ptrdiff_t>(vocab));
      next.push_back(chosen[(s + 1) * length - 1]);
    }
    EXPECT_LT(relative_error(prompt.read_output(), last), 2e-3) << scheme;
    EXPECT_EQ(prompt.read_tokens(), next) << scheme;
    EXPECT_EQ(whole.step_costs().macs - prompt.step_costs().macs,
              (length - 1) * kBatch * vocab * model_.step.width(model::Tensor::kStream))
        << "the head's of all tokens but the last";
    EXPECT_EQ(prompt.compute_costs(0, 1).bytes - prompt.step_costs().bytes,
              4 * kBatch * layers() * length * model_.step.width(model::Tensor::kKey))
        << "keys and values of the prompt in all layers";
    prompt.reset();
    prompt.set_tokens(ids);
    prompt.enqueue_steps(1, true);
    EXPECT_EQ(device_->take_events().size(), prompt.step_costs().launches);
    std::vector<Chain> decode;
    for (const auto& one : {whole_context, context}) {
      decode.push_back(make_chain(one, 1, scheme));
      decode.back().set_tokens(next);
      decode.back().enqueue_steps(1, false);
    }
    EXPECT_LT(relative_error(decode[1].read_output(), decode[0].read_output()), 2e-3) << scheme << " goes on";
  }
}

/// Prompt and three steps behind it, bit for bit; biases and norms of heads, where there are some, in the joined
/// tensor.
TEST_P(OnDecoder, JoinedProjectionsGiveTheLogitsOfThoseApart) {
  Demand demand{{}, {4}, 32, 0.8, layers()};
  for (const char* name : {"f16", "w8a8", "w4a16-split", "f16-kv8"})
    demand.schemes.push_back(scheme::find_scheme(name).value());
  demand.workload = model::Workload::kDecoder;
  demand.join = Join::kAll;
  const ResidentModel joined =
      ResidentModel::make(*maker_, model_.model, demand, demand.layers_to_run, 1, &*decoder_).value();
  const auto all = read_expected(GetParam());
  for (const std::uint64_t batch : {1, 4}) {
    Ids ids;
    for (std::size_t i = 0; i < batch; ++i)
      ids.insert(ids.end(), all[i + 5].prompt.begin(), all[i + 5].prompt.begin() + 3);
    for (const scheme::SchemeInfo& scheme : demand.schemes) {
      std::vector<std::vector<float>> logits;
      std::vector<std::uint64_t> launches;
      for (const ResidentModel* model : {static_cast<const ResidentModel*>(&model_), &joined}) {
        const auto context = make_context(batch);
        const auto make = [&](std::uint64_t run) {
          const auto activations = Activations::make(*maker_, model->step, context, run, 1).value();
          return Chain::make(*maker_, *model, activations, scheme).value();
        };
        Chain prompt = make(3);
        prompt.set_tokens(ids);
        prompt.enqueue_steps(1, false);
        logits.push_back(prompt.read_output());
        Chain decode = make(1);
        decode.set_tokens(Ids(batch, 7));
        decode.enqueue_steps(3, false);
        logits.push_back(decode.read_output());
        launches.push_back(decode.step_costs().launches);
      }
      EXPECT_EQ(logits[2], logits[0]) << scheme.name;
      EXPECT_EQ(logits[3], logits[1]) << scheme.name;
      const std::uint64_t fewer = 3 + (model_.model.qkv_bias ? 2 : 0);
      if (scheme.weights == format::kPlainFormat) EXPECT_EQ(launches[0] - launches[1], fewer * layers());
      EXPECT_LT(launches[1], launches[0]) << scheme.name;
    }
  }
}

TEST_P(OnDecoder, LogitsDoNotDependOnHowThePromptIsSplit) {
  const Ids ids = read_expected(GetParam()).back().prompt;  // 33 tokens
  const auto whole = read_in_pieces(ids, {33});
  for (const auto& pieces :
       std::vector<std::vector<std::uint64_t>>{{1, 32}, {16, 16, 1}, {7, 2, 24}, std::vector<std::uint64_t>(33, 1)})
    EXPECT_LT(relative_error(read_in_pieces(ids, pieces), whole), 2e-3) << pieces.size() << " pieces";
}

/// A rounding of f32 or f16 may move an element to the next code, half of one off.
TEST_P(OnDecoder, CachesOfInt8GiveLogitsNearThoseOfF16HoweverThePromptIsSplit) {
  const Ids ids = read_expected(GetParam()).back().prompt;  // 33 tokens
  const auto plain = read_in_pieces(ids, {33});
  const auto whole = read_in_pieces(ids, {33}, "f16-kv8");
  const double error = relative_error(whole, plain);
  EXPECT_LT(error, 2e-2);
  EXPECT_GT(error, 1e-4) << "there are caches of another format";
  for (const auto& pieces :
       std::vector<std::vector<std::uint64_t>>{{1, 32}, {16, 16, 1}, std::vector<std::uint64_t>(33, 1)})
    EXPECT_LT(relative_error(read_in_pieces(ids, pieces, "f16-kv8"), whole), 5e-3) << pieces.size() << " pieces";
}

TEST_P(OnDecoder, LogitsOfALongContextDoNotDependOnHowItIsFilled) {
  constexpr std::size_t kTokens = 4096;
  const Ids prompt = read_expected(GetParam()).back().prompt;
  Ids ids(kTokens);
  for (std::size_t i = 0; i < kTokens; ++i) ids[i] = prompt[(i * i + i / prompt.size()) % prompt.size()];
  const auto read_last = [&](const std::vector<std::uint64_t>& pieces) {
    const auto logits = read_in_pieces(ids, pieces);
    return std::vector<float>(logits.end() - static_cast<std::ptrdiff_t>(logits.size() / kTokens), logits.end());
  };
  const auto whole = read_last({kTokens});
  EXPECT_LT(relative_error(read_last(std::vector<std::uint64_t>(64, kTokens / 64)), whole), 2e-3);
  EXPECT_LT(relative_error(read_last({1000, 3095, 1}), whole), 2e-3);
}

TEST_P(OnDecoder, APromptFillsWhatAChainGoesOnFrom) {
  const Ids ids = read_expected(GetParam()).back().prompt;  // 33 tokens
  const auto context = make_context(2, 16);                 // the second sequence begins with token 16
  Prompt prompt = Prompt::make(*maker_, model_, context, ids).value();
  EXPECT_EQ(prompt.tokens_from(4, 1), (Ids{ids[4], ids[20]}));
  EXPECT_EQ(prompt.tokens_from(15, 1), (Ids{ids[15], ids[31]}));
  EXPECT_EQ(Prompt::make(*maker_, model_, context, {5, 6}).value().tokens_from(3, 1), (Ids{6, 6}))
      << "from the first again";
  const auto expect_logits = [&](std::uint64_t filled, std::string_view scheme, double tolerance) {
    const auto whole = read_in_pieces(ids, {33}, scheme);
    const std::size_t vocab = whole.size() / 33;
    ASSERT_TRUE(prompt.fill(filled, [] { return false; }));
    prompt.give_up(filled);
    context->begin_at(*device_, filled);
    Chain chain = make_chain(context, 1, scheme);
    chain.set_tokens(prompt.tokens_from(filled, 1));
    chain.enqueue_steps(1, false);
    const auto logits = chain.read_output();
    const auto want = whole.begin() + static_cast<std::ptrdiff_t>(filled * vocab);
    EXPECT_LT(relative_error({logits.begin(), logits.begin() + static_cast<std::ptrdiff_t>(vocab)},
                             {want, want + static_cast<std::ptrdiff_t>(vocab)}),
              tolerance)
        << filled << ' ' << scheme;
    chain.set_tokens({1, 1});  // what follows is no text
    chain.enqueue_steps(std::min<std::uint64_t>(3, 15 - filled), false);
    device_->finish();
  };
  for (const std::uint64_t filled : {0, 3, 5, 12, 15, 2}) expect_logits(filled, "f16", 2e-3);
  for (const std::uint64_t filled : {12, 15, 2}) expect_logits(filled, "f16-kv8", 5e-3);
  EXPECT_FALSE(prompt.fill(16, [] { return true; }));
}

TEST_P(OnDecoder, SequencesDoNotInfluenceEachOther) {
  const auto all = read_expected(GetParam());
  const std::uint64_t length = all[10].prompt.size();
  const auto read_beside = [&](std::uint32_t other, std::string_view scheme) {
    const auto context = make_context(8);
    Chain chain = make_chain(context, length, scheme);
    Ids ids(8 * length, other);
    std::copy(all[10].prompt.begin(), all[10].prompt.end(), ids.begin() + static_cast<std::ptrdiff_t>(3 * length));
    chain.set_tokens(ids);
    chain.enqueue_steps(1, false);
    const auto logits = chain.read_output();
    const auto size = static_cast<std::ptrdiff_t>(logits.size() / 8);
    return std::vector<float>(logits.begin() + 3 * size, logits.begin() + 4 * size);
  };
  for (const auto& [scheme, tolerance] : {std::pair("f16", 2e-3), std::pair("f16-kv8", 5e-3)}) {
    const auto beside = read_beside(1, scheme);
    EXPECT_EQ(beside, read_beside(77, scheme)) << "bit for bit";
    EXPECT_LT(relative_error(beside, read_in_pieces(all[10].prompt, {length}, scheme)), tolerance) << scheme;
  }
}

TEST_P(OnDecoder, EverySchemeDecodesAndCountsItsLaunchesAndCaches) {
  const auto context = make_context(2);
  std::vector<scheme::SchemeInfo> schemes{scheme::all_schemes().begin(), scheme::all_schemes().end()};
  for (const char* name : {"f16-kv8", "w4a16-fused-kv8"}) schemes.push_back(scheme::find_scheme(name).value());
  for (const auto& scheme : schemes) {
    Chain chain = make_chain(context, 1, scheme.name);
    chain.reset();
    chain.enqueue_steps(3, true);
    EXPECT_EQ(device_->take_events().size(), 3 * chain.step_costs().launches) << scheme.name;
    EXPECT_TRUE(std::ranges::all_of(chain.read_output(), [](float logit) { return std::isfinite(logit); }))
        << scheme.name;
    // Keys and values of all layers and two sequences, at 8, 9 and 10 positions, own one included: f16, or a code an
    // element and an f32 a head.
    const auto step = chain.step_costs().bytes;
    const auto head = static_cast<std::uint64_t>(decoder_->facts.head_dim);
    const std::uint64_t bytes = scheme.cache == CacheFormat::kInt8 ? head + 4 : 2 * head;
    const auto row = 4 * layers() * static_cast<std::uint64_t>(decoder_->facts.kv_heads) * bytes;
    EXPECT_EQ(chain.compute_costs(7, 3).bytes, 3 * step + row * (8 + 9 + 10)) << scheme.name;
  }
}

TEST_P(OnDecoder, AContextAllocatesWhatItSaysInEachFormat) {
  for (const auto& formats : std::vector<std::vector<CacheFormat>>{
           {CacheFormat::kF16}, {CacheFormat::kInt8}, {CacheFormat::kF16, CacheFormat::kInt8}}) {
    const auto context = Context::make(*device_, model_.model, 2, 3, 11, RotaryPairs::kHalves, {}, formats).value();
    std::uint64_t bytes = context.angles.size_bytes() + context.position.size_bytes() + context.start.size_bytes();
    for (const auto& [format, layers] : context.caches) {
      EXPECT_EQ(layers.size(), 2U);
      for (const scheme::KvCache& cache : layers) {
        for (const scheme::CacheBuffers* part : {&cache.keys, &cache.values}) {
          bytes += part->elements.size_bytes();
          if (format == CacheFormat::kInt8) bytes += part->scales.size_bytes();
        }
      }
    }
    EXPECT_EQ(bytes, Context::compute_bytes(model_.model, 2, 3, 11, formats));
  }
}

TEST_P(OnDecoder, NumbersThatFillAContextAreTheSameInEachFormat) {
  const auto context = make_context(2, 9);
  ASSERT_TRUE(context->fill(*maker_, 5));
  const auto head = static_cast<std::size_t>(decoder_->facts.head_dim);
  for (std::size_t layer = 0; layer < 2; ++layer) {
    for (const auto part : {&scheme::KvCache::keys, &scheme::KvCache::values}) {
      const scheme::CacheBuffers& plain = context->caches.at(CacheFormat::kF16).at(layer).*part;
      const scheme::CacheBuffers& coded = context->caches.at(CacheFormat::kInt8).at(layer).*part;
      const auto bits = device::read_vector<std::uint16_t>(*device_, plain.elements, plain.elements.size_bytes() / 2);
      const auto codes = device::read_vector<std::int8_t>(*device_, coded.elements, coded.elements.size_bytes());
      const auto scales = device::read_vector<float>(*device_, coded.scales, coded.scales.size_bytes() / 4);
      ASSERT_EQ(codes.size(), bits.size());
      ASSERT_EQ(scales.size() * head, bits.size());
      for (std::size_t i = 0; i < codes.size(); ++i)
        ASSERT_NEAR(static_cast<float>(codes[i]) * scales[i / head], float_from_half(bits[i]),
                    0.501F * scales[i / head]);
    }
  }
}

TEST_P(OnDecoder, AResetGoesBackToTheStartOfTheContext) {
  const auto context = make_context(1);
  Chain chain = make_chain(context, 1);
  context->begin_at(*device_, 5);
  chain.reset();
  chain.enqueue_steps(4, false);
  const auto once = chain.read_output();
  chain.reset();
  chain.enqueue_steps(4, false);
  EXPECT_EQ(chain.read_output(), once);
}

/// The first layer's q is Q4_K there and the head, which is the embedding, Q8_0.
class OnGguf : public test::DeviceTest {
 protected:
  const weights::Decoder decoder_ = weights::open_decoder(QTRAP_SOURCE_DIR "/tests/data/weights/llama.gguf").value();

  static scheme::SchemeInfo scheme(std::string_view name) { return scheme::find_scheme(name).value(); }
  Demand make_demand(const std::optional<NativeHead>& head) const {
    Demand demand{{scheme("f16"), scheme("q4_k-fused")}, {1}, 32, 0.8, 1};
    demand.workload = model::Workload::kDecoder;
    demand.capacity = 8;
    demand.native_head = head;
    return demand;
  }
};

TEST_F(OnGguf, AHeadIsTakenAsItLiesWithLayersAsTheyLie) {
  const auto native = find_native_head(decoder_);
  ASSERT_TRUE(native);
  EXPECT_EQ(native->layers, scheme::WeightFormat::kQ4_K);
  EXPECT_EQ(native->head, scheme::WeightFormat::kQ8_0);
  EXPECT_EQ(head_scheme(scheme("q4_k-fused"), native).name, "q8_0-fused");
  EXPECT_EQ(head_scheme(scheme("q4_k-fused"), std::nullopt).name, "f16");
  EXPECT_EQ(head_scheme(scheme("w8a8"), native).name, "f16") << "of another format";
  EXPECT_FALSE(find_native_head(weights::open_decoder(folder_of("llama")).value())) << "a file of f16";
  const profile::ModelProfile shape = weights::make_profile(decoder_.facts, "test");
  const std::uint64_t bytes = std::uint64_t{24} * 256 / 32 * 34;
  const auto fixed = [&](const std::optional<NativeHead>& head) {
    return plan_memory(device_->info(), shape, make_demand(head)).value().fixed_bytes;
  };
  EXPECT_EQ(fixed(native) - fixed(std::nullopt), bytes);
  const scheme::PassMaker maker(*device_, {"", 32});
  const auto context = std::make_shared<Context>(
      Context::make(*device_, shape, 1, 1, 8, decoder_.facts.rotary_pairs, decoder_.rope_divisors).value());
  std::vector<std::vector<float>> logits;
  std::vector<std::uint64_t> step_bytes;
  for (const auto& head : {std::optional<NativeHead>(), native}) {
    const auto model = ResidentModel::make(maker, shape, make_demand(head), 1, 1, &decoder_).value();
    const auto activations = Activations::make(maker, model.step, context, 8, 1).value();
    Chain chain = Chain::make(maker, model, activations, scheme("q4_k-fused")).value();
    context->begin_at(*device_, 0);
    chain.set_tokens({1, 2, 3, 5, 8, 13, 21, 0});
    chain.enqueue_steps(1, false);
    logits.push_back(chain.read_output());
    step_bytes.push_back(chain.step_costs().bytes);
    EXPECT_EQ(chain.head_macs(), std::uint64_t{8} * 24 * 256);
    EXPECT_EQ(chain.head()->mac_class(), head ? scheme("q8_0-fused").mac_class() : scheme("f16").mac_class());
  }
  EXPECT_LT(relative_error(logits[1], logits[0]), 2e-3) << "the same numbers";
  EXPECT_EQ(step_bytes[0] - step_bytes[1], std::uint64_t{2} * 24 * 256 - bytes);
}

/// q of Q4_K as it lies and what is quantized of k and v, one under the other.
TEST_F(OnGguf, JoinedWeightsAreTakenAsTheirPartsLie) {
  const profile::ModelProfile shape = weights::make_profile(decoder_.facts, "test");
  const scheme::PassMaker maker(*device_, {"", 32});
  const auto context = std::make_shared<Context>(
      Context::make(*device_, shape, 1, 1, 8, decoder_.facts.rotary_pairs, decoder_.rope_divisors).value());
  std::vector<std::vector<float>> logits;
  for (const Join join : {Join::kNone, Join::kAll}) {
    Demand demand = make_demand(std::nullopt);
    demand.join = join;
    const auto model = ResidentModel::make(maker, shape, demand, 1, 1, &decoder_).value();
    for (const char* name : {"f16", "q4_k-fused"}) {
      const auto activations = Activations::make(maker, model.step, context, 8, 1).value();
      Chain chain = Chain::make(maker, model, activations, scheme(name)).value();
      context->begin_at(*device_, 0);
      chain.set_tokens({1, 2, 3, 5, 8, 13, 21, 0});
      chain.enqueue_steps(1, false);
      logits.push_back(chain.read_output());
    }
  }
  EXPECT_EQ(logits[2], logits[0]);
  EXPECT_EQ(logits[3], logits[1]);
}

}  // namespace
}  // namespace qtrap::chain
