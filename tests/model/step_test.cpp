#include "model/step.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/tiny_model.hpp"

namespace qtrap::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

profile::ModelProfile load(const std::string& name) {
  const std::vector<std::filesystem::path> folders{std::filesystem::path(QTRAP_SOURCE_DIR) / "profiles/models"};
  return profile::load_model(name, folders).value();
}

/// An explicit head_dim: 16 x 128 is not the width of 1,024.
Step qwen3() { return make_step(load("qwen3-0.6b")); }

// Embeddings 151936 x 1024 = 155582464, tied. Layer: 1024 x (2 x 2048 + 2 x 1024 + 3 x 3072) = 15728640, x 28 =
// 440401920. Norms: 57 x 1024 = 58368.
TEST(Parameters, OfATiedShapeCountTheEmbeddingOnce) {
  const profile::ModelProfile model = load("qwen3-0.6b");
  EXPECT_EQ(compute_step_parameters(model), 440401920);
  EXPECT_EQ(compute_parameters(model), 155582464 + 440401920 + 58368);
}

// The published count of Llama 3 8B is 8030261248.
TEST(Parameters, OfLlama3AreThePublishedCount) { EXPECT_EQ(compute_parameters(load("llama3-8b")), 8030261248); }

TEST(Parameters, OfTheLargestShapeAcceptedDoNotOverflow) {
  const profile::ModelProfile model{"huge", 1 << 20, 1 << 20, 10000, 4096, 4096, 4096, 1 << 24, false, "none"};
  // Layer: 2^20 x (4 x 2^24 + 3 x 2^20) = 70 x 2^40; all: 10000 of them, 2 x 2^44 embeddings, 20001 x 2^20 norms.
  const std::int64_t step = 10000LL * 70 * (1LL << 40) - 10000LL * (3LL << 40);
  EXPECT_EQ(compute_step_parameters(model), step);
  EXPECT_EQ(compute_parameters(model), step + (1LL << 45) + 20001LL * (1 << 20));
}

TEST(Parameters, OfAnUntiedShapeCountTheEmbeddingTwice) {
  profile::ModelProfile model = load("qwen3-0.6b");
  const std::int64_t tied = compute_parameters(model);
  model.tied_embeddings = false;
  EXPECT_EQ(compute_parameters(model), tied + 155582464);
}

TEST(Step, OfAShapeWithItsOwnHeadWidthHasTheWidthsCountedByHand) {
  const Step step = qwen3();
  EXPECT_EQ(step.width(Tensor::kStream), 1024U);
  EXPECT_EQ(step.width(Tensor::kQuery), 2048U);  // 16 heads of 128
  EXPECT_EQ(step.width(Tensor::kValue), 1024U);  // 8 heads of 128
  EXPECT_EQ(step.width(Tensor::kAttention), 2048U);
  EXPECT_EQ(step.width(Tensor::kGated), 3072U);
  EXPECT_EQ(step.weights.at(Weight::kO), (Matrix{1024, 2048}));
  EXPECT_EQ(step.weights.at(Weight::kK), (Matrix{1024, 1024}));
  EXPECT_EQ(step.weights.at(Weight::kDown), (Matrix{1024, 3072}));
}

TEST(Step, ListsSevenProjectionsAndTwoNormsOfALayer) {
  const Step step = qwen3();
  EXPECT_THAT(list_weights(step.layer, Kind::kProject),
              ElementsAre(Weight::kQ, Weight::kK, Weight::kV, Weight::kO, Weight::kGate, Weight::kUp, Weight::kDown));
  EXPECT_THAT(list_weights(step.layer, Kind::kNorm), ElementsAre(Weight::kAttentionNorm, Weight::kFfnNorm));
  EXPECT_THAT(list_weights(step.final, Kind::kNorm), ElementsAre(Weight::kFinalNorm));
}

TEST(Step, ProjectionsOfOneInputHaveItPreparedOnce) {
  const Step step = qwen3();
  const std::vector<bool> is_new = find_new_inputs(step.layer);
  std::vector<Weight> first;
  for (std::size_t i = 0; i < is_new.size(); ++i) {
    if (is_new[i]) first.push_back(step.layer[i].weight.value());
  }
  EXPECT_THAT(first, ElementsAre(Weight::kQ, Weight::kO, Weight::kGate, Weight::kDown));
}

TEST(Step, AnInputIsPreparedAgainAfterAnotherOrAfterItWasWritten) {
  const Operation of_normed{Kind::kProject, {Tensor::kNormed}, Tensor::kQuery, Weight::kQ};
  const Operation of_value{Kind::kProject, {Tensor::kValue}, Tensor::kBranch, Weight::kO};
  const Operation norm{Kind::kNorm, {Tensor::kStream}, Tensor::kNormed, Weight::kFfnNorm};
  const Operation in_place{Kind::kProject, {Tensor::kNormed}, Tensor::kNormed, Weight::kV};
  EXPECT_THAT(find_new_inputs({of_normed, of_value, of_normed}), ElementsAre(true, true, true));
  EXPECT_THAT(find_new_inputs({of_normed, norm, of_normed}), ElementsAre(true, false, true));
  EXPECT_THAT(find_new_inputs({in_place, of_normed, of_normed}), ElementsAre(true, true, false));
}

TEST(FindFault, FindsNoneInTheStepOfAShape) {
  EXPECT_EQ(find_fault(qwen3()), std::nullopt);
  EXPECT_EQ(find_fault(make_step(test::tiny_model({}))), std::nullopt);
}

TEST(FindFault, MissesEachOperationThatIsTakenOut) {
  for (Operations Step::*list : {&Step::layer, &Step::final}) {
    for (std::size_t i = 0; i < (qwen3().*list).size(); ++i) {
      Step step = qwen3();
      (step.*list).erase((step.*list).begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_NE(find_fault(step), std::nullopt) << "without operation " << i;
    }
  }
}

TEST(FindFault, SaysWhatIsWrong) {
  struct Reject {
    void (*spoil)(Step& step);
    const char* text;
  };
  const Reject rejects[] = {
      {[](Step& s) { s.layer[1].inputs = {Tensor::kUp}; }, "project into query is of widths that do not fit"},
      {[](Step& s) { s.layer[4].inputs = {Tensor::kKey}; }, "nothing reads value"},
      {[](Step& s) { s.layer[6].inputs[1] = Tensor::kNormed; }, "project into branch is written over a result"},
      {[](Step& s) { s.layer.erase(s.layer.begin()); }, "project into query reads normed, which nothing wrote"},
      {[](Step& s) { s.layer[0].weight.reset(); }, "norm into normed has 1 inputs and no weight"},
      {[](Step& s) { s.layer[10].inputs.pop_back(); }, "gate into gated has 1 inputs and no weight"},
      {[](Step& s) { s.weights.erase(Weight::kDown); }, "reads the weight down, which has no shape"},
      {[](Step& s) { s.layer[9].weight = Weight::kGate; }, "project into up reads the weight gate of another"},
      {[](Step& s) { s.layer.erase(s.layer.begin() + 7); }, "nothing reads the weight ffn_norm"},
      {[](Step& s) { s.layer.erase(s.layer.begin() + 2); }, "nothing writes key"},
      {[](Step& s) { s.layer[12].output = Tensor::kBranch; }, "add into branch is of widths that do not fit"},
      {[](Step& s) { s.weights[Weight::kO].columns /= 2; }, "project into branch is of widths that do not fit"},
      {[](Step& s) { s.head_dim = 96; }, "expand_heads into attention is of widths that do not fit"},
      {[](Step& s) { s.widths[0] = 1000; }, "norm into normed is of widths that do not fit"},
  };
  for (const Reject& reject : rejects) {
    Step step = qwen3();
    reject.spoil(step);
    EXPECT_THAT(find_fault(step).value_or("nothing"), HasSubstr(reject.text));
  }
}

/// Biases as Qwen2 and head norms as Qwen3 have them.
profile::ModelProfile of_all_kinds(bool tied) {
  profile::ModelProfile shape = test::tiny_model({});
  shape.qkv_bias = shape.qk_norm = true;
  shape.tied_embeddings = tied;
  return shape;
}

TEST(Decoder, BeginsWithATokenAndEndsWithTheNext) {
  const Step step = make_step(load("qwen3-0.6b"), Workload::kDecoder);
  ASSERT_EQ(step.first.size(), 1U);
  EXPECT_EQ(step.first[0].kind, Kind::kEmbed);
  EXPECT_EQ(step.first[0].weight, Weight::kHead) << "tied";
  EXPECT_EQ(step.final.back().kind, Kind::kChoose);
  EXPECT_EQ(step.width(Tensor::kLogits), 151936U);
  EXPECT_EQ(step.weights.at(Weight::kHead), (Matrix{151936, 1024}));
  EXPECT_FALSE(step.weights.contains(Weight::kEmbedding));
  EXPECT_THAT(list_weights(step.layer, Kind::kProject),
              ElementsAre(Weight::kQ, Weight::kK, Weight::kV, Weight::kO, Weight::kGate, Weight::kUp, Weight::kDown));
}

TEST(Decoder, OfAnUntiedShapeHasAnEmbeddingOfItsOwn) {
  const Step step = make_step(of_all_kinds(false), Workload::kScoring);
  EXPECT_EQ(step.first[0].weight, Weight::kEmbedding);
  EXPECT_EQ(step.weights.at(Weight::kEmbedding), (Matrix{1000, 96}));
  EXPECT_EQ(step.final.back().kind, Kind::kProject) << "scoring chooses nothing";
}

TEST(Decoder, OfAPromptHasTheHeadOfItsLastTokensAlone) {
  const Step step = make_step(of_all_kinds(true), Workload::kPrefill);
  std::vector<Tensor> last;
  for (std::size_t i = 0; i < kTensorCount; ++i)
    if (step.is_of_last(static_cast<Tensor>(i))) last.push_back(static_cast<Tensor>(i));
  EXPECT_THAT(last, ElementsAre(Tensor::kLogits, Tensor::kLast, Tensor::kChosen));
  EXPECT_EQ(step.final.front().kind, Kind::kLast);
  EXPECT_EQ(step.final.back().output, Tensor::kChosen) << "the prompt stays";
  EXPECT_FALSE(make_step(of_all_kinds(true), Workload::kDecoder).is_of_last(Tensor::kLogits));
}

TEST(Decoder, AddsBiasesThenNormsHeadsThenAttends) {
  const Step step = make_step(of_all_kinds(true), Workload::kDecoder);
  std::vector<Kind> kinds;
  for (const Operation& operation : step.layer) kinds.push_back(operation.kind);
  EXPECT_THAT(std::vector<Kind>(kinds.begin() + 4, kinds.begin() + 10),
              ElementsAre(Kind::kBias, Kind::kBias, Kind::kBias, Kind::kHeadNorm, Kind::kHeadNorm, Kind::kAttend));
  EXPECT_THAT(list_vectors(step.layer), ElementsAre(Weight::kAttentionNorm, Weight::kQBias, Weight::kKBias,
                                                    Weight::kVBias, Weight::kQNorm, Weight::kKNorm, Weight::kFfnNorm));
  EXPECT_EQ(step.weights.at(Weight::kQNorm), (Matrix{1, 24}));
  EXPECT_EQ(step.weights.at(Weight::kQBias), (Matrix{1, 96}));
}

TEST(Joined, ProjectsAddsAndGatesPartsOfTwoTensors) {
  const Step step = make_step(of_all_kinds(true), Workload::kDecoder, Join::kAll);
  const Step apart = make_step(of_all_kinds(true), Workload::kDecoder);
  std::vector<Kind> kinds;
  for (const Operation& operation : step.layer) kinds.push_back(operation.kind);
  EXPECT_THAT(std::vector<Kind>(kinds.begin(), kinds.begin() + 6),
              ElementsAre(Kind::kNorm, Kind::kProject, Kind::kBias, Kind::kHeadNorm, Kind::kHeadNorm, Kind::kAttend));
  EXPECT_EQ(step.layer.size() + 5, apart.layer.size());
  EXPECT_THAT(list_weights(step.layer, Kind::kProject),
              ElementsAre(Weight::kQkv, Weight::kO, Weight::kGateUp, Weight::kDown));
  const std::uint64_t query = apart.width(Tensor::kQuery);
  const std::uint64_t key = apart.width(Tensor::kKey);
  EXPECT_EQ(step.weights.at(Weight::kQkv), (Matrix{query + 2 * key, 96}));
  EXPECT_EQ(step.weights.at(Weight::kQkvBias), (Matrix{1, query + 2 * key}));
  EXPECT_FALSE(step.weights.contains(Weight::kK));
  EXPECT_EQ(step.place_of(Tensor::kValue).whole, Tensor::kQkv);
  EXPECT_EQ(step.place_of(Tensor::kValue).first, query + key);
  EXPECT_EQ(step.place_of(Tensor::kValue).row, query + 2 * key);
  EXPECT_EQ(step.place_of(Tensor::kUp).first, apart.width(Tensor::kGate));
  EXPECT_EQ(step.place_of(Tensor::kStream).whole, Tensor::kStream);
  EXPECT_THAT(step.parts_of(Tensor::kGateUp), ElementsAre(Tensor::kGate, Tensor::kUp));
  EXPECT_THAT(parts_of(Weight::kQkv), ElementsAre(Weight::kQ, Weight::kK, Weight::kV));
  EXPECT_THAT(parts_of(Weight::kO), ElementsAre(Weight::kO));
  EXPECT_EQ(find_fault(make_step(test::tiny_model({}), Workload::kProjections, Join::kAll)), std::nullopt);
}

TEST(Joined, MissesEachOperationThatIsTakenOut) {
  const Step whole = make_step(of_all_kinds(false), Workload::kDecoder, Join::kAll);
  for (std::size_t i = 0; i < whole.layer.size(); ++i) {
    Step step = whole;
    step.layer.erase(step.layer.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_NE(find_fault(step), std::nullopt) << to_string(whole.layer[i].kind) << " " << i;
  }
  Step step = whole;
  step.parts[Tensor::kUp].first += 1;
  EXPECT_THAT(find_fault(step).value_or("nothing"), HasSubstr("up lies beyond gate_up"));
}

TEST(Decoder, MissesEachOperationThatIsTakenOut) {
  for (const bool tied : {false, true}) {
    for (const Workload workload : {Workload::kDecoder, Workload::kScoring, Workload::kPrefill}) {
      const Step whole = make_step(of_all_kinds(tied), workload);
      for (Operations Step::*list : {&Step::first, &Step::layer, &Step::final}) {
        for (std::size_t i = 0; i < (whole.*list).size(); ++i) {
          Step step = whole;
          (step.*list).erase((step.*list).begin() + static_cast<std::ptrdiff_t>(i));
          EXPECT_NE(find_fault(step), std::nullopt) << to_string((whole.*list)[i].kind) << " " << i;
        }
      }
    }
  }
}

TEST(Decoder, SaysWhatIsWrong) {
  struct Reject {
    void (*spoil)(Step& step);
    const char* text;
  };
  const Reject rejects[] = {
      {[](Step& s) { s.layer[9].inputs[1] = Tensor::kQuery; }, "attend into attention is of widths that do not fit"},
      {[](Step& s) { s.layer[9].inputs.pop_back(); }, "attend into attention has 2 inputs and no weight"},
      {[](Step& s) { s.layer[4].output = Tensor::kAttention; }, "bias into attention is of widths that do not fit"},
      {[](Step& s) { s.weights[Weight::kQNorm].columns = 96; }, "head_norm into query is of widths that do not fit"},
      {[](Step& s) { s.weights[Weight::kHead].columns = 90; }, "embed into stream is of widths that do not fit"},
      {[](Step& s) { s.final.back().output = Tensor::kBranch; }, "choose into branch is of widths that do not fit"},
  };
  for (const Reject& reject : rejects) {
    Step step = make_step(of_all_kinds(true), Workload::kDecoder);
    reject.spoil(step);
    EXPECT_THAT(find_fault(step).value_or("nothing"), HasSubstr(reject.text));
  }
}

}  // namespace
}  // namespace qtrap::model
