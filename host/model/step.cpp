#include "model/step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/contract.hpp"

namespace qtrap::model {
namespace {

/// What a kind takes; in the order of Kind.
struct KindInfo {
  std::size_t inputs;
  bool weight;
};
constexpr std::array<KindInfo, kWords<Kind>.size()> kKinds{{{1, true}, {1, true}, {1, false}, {2, false}, {2, false}}};

std::string describe(const Operation& operation) {
  return fmt::format("{} into {}", to_string(operation.kind), to_string(operation.output));
}

std::int64_t count_elements(const Step& step, Weight weight) {
  const Matrix& matrix = step.weights.at(weight);
  return static_cast<std::int64_t>(matrix.rows * matrix.columns);
}

/// Whether the widths of an operation's tensors and weight go together.
bool fits(const Step& step, const Operation& operation) {
  const std::uint64_t in = step.width(operation.inputs[0]);
  const std::uint64_t out = step.width(operation.output);
  const auto weight = operation.weight ? step.weights.at(*operation.weight) : Matrix{};
  switch (operation.kind) {
    case Kind::kNorm:
      return in == out && weight == Matrix{1, in};
    case Kind::kProject:
      return weight == Matrix{out, in};
    case Kind::kExpandHeads:
      return step.head_dim > 0 && in > 0 && in % step.head_dim == 0 && out % in == 0;
    case Kind::kAdd:
      return operation.output == operation.inputs[0] && in == step.width(operation.inputs[1]);
    case Kind::kGate:
      return in == out && in == step.width(operation.inputs[1]);
  }
  return false;
}

/// Walks through the operations as they run.
class Walk {
 public:
  explicit Walk(const Step& step) : step_(&step) {}

  std::optional<std::string> visit(const Operation& operation) {
    const KindInfo& kind = kKinds.at(static_cast<std::size_t>(operation.kind));
    if (operation.inputs.size() != kind.inputs || operation.weight.has_value() != kind.weight)
      return fmt::format("{} has {} inputs and {} weight", describe(operation), operation.inputs.size(),
                         operation.weight ? "a" : "no");
    if (operation.weight && !step_->weights.contains(*operation.weight))
      return fmt::format("{} reads the weight {}, which has no shape", describe(operation),
                         to_string(*operation.weight));
    if (!fits(*step_, operation)) return fmt::format("{} is of widths that do not fit", describe(operation));
    for (const Tensor input : operation.inputs) {
      if (!written_.contains(input))
        return fmt::format("{} reads {}, which nothing wrote", describe(operation), to_string(input));
      unread_.erase(input);
    }
    if (!unread_.insert(operation.output).second)
      return fmt::format("{} is written over a result that nothing read", describe(operation));
    written_.insert(operation.output);
    if (operation.weight && !weights_.insert(*operation.weight).second)
      return fmt::format("{} reads the weight {} of another", describe(operation), to_string(*operation.weight));
    return std::nullopt;
  }

  /// After the last: the next step reads the stream, attention, which is not computed yet, query and key.
  std::optional<std::string> finish() {
    for (const Tensor tensor : {Tensor::kStream, Tensor::kQuery, Tensor::kKey}) unread_.erase(tensor);
    if (!unread_.empty()) return fmt::format("nothing reads {}", to_string(*unread_.begin()));
    for (std::size_t i = 0; i < kTensorCount; ++i) {
      const auto tensor = static_cast<Tensor>(i);
      if (step_->width(tensor) > 0 && !written_.contains(tensor))
        return fmt::format("nothing writes {}", to_string(tensor));
    }
    for (const auto& [weight, matrix] : step_->weights) {
      if (!weights_.contains(weight)) return fmt::format("nothing reads the weight {}", to_string(weight));
    }
    return std::nullopt;
  }

 private:
  const Step* step_;
  std::set<Tensor> written_{Tensor::kStream};
  std::set<Tensor> unread_;
  std::set<Weight> weights_;
};

}  // namespace

std::optional<std::string> find_fault(const Step& step) {
  Walk walk(step);
  for (const Operations* operations : {&step.layer, &step.final}) {
    for (const Operation& operation : *operations) {
      if (auto fault = walk.visit(operation)) return fault;
    }
  }
  return walk.finish();
}

Step make_step(const profile::ModelProfile& shape) {
  const auto hidden = static_cast<std::uint64_t>(shape.hidden);
  const auto ffn = static_cast<std::uint64_t>(shape.ffn);
  const auto query = static_cast<std::uint64_t>(shape.heads * shape.head_dim);
  const auto key = static_cast<std::uint64_t>(shape.kv_heads * shape.head_dim);
  Step step;
  step.layer = {
      {Kind::kNorm, {Tensor::kStream}, Tensor::kNormed, Weight::kAttentionNorm},
      {Kind::kProject, {Tensor::kNormed}, Tensor::kQuery, Weight::kQ},
      {Kind::kProject, {Tensor::kNormed}, Tensor::kKey, Weight::kK},
      {Kind::kProject, {Tensor::kNormed}, Tensor::kValue, Weight::kV},
      {Kind::kExpandHeads, {Tensor::kValue}, Tensor::kAttention},
      {Kind::kProject, {Tensor::kAttention}, Tensor::kBranch, Weight::kO},
      {Kind::kAdd, {Tensor::kStream, Tensor::kBranch}, Tensor::kStream},
      {Kind::kNorm, {Tensor::kStream}, Tensor::kNormed, Weight::kFfnNorm},
      {Kind::kProject, {Tensor::kNormed}, Tensor::kGate, Weight::kGate},
      {Kind::kProject, {Tensor::kNormed}, Tensor::kUp, Weight::kUp},
      {Kind::kGate, {Tensor::kGate, Tensor::kUp}, Tensor::kGated},
      {Kind::kProject, {Tensor::kGated}, Tensor::kBranch, Weight::kDown},
      {Kind::kAdd, {Tensor::kStream, Tensor::kBranch}, Tensor::kStream},
  };
  step.final = {{Kind::kNorm, {Tensor::kStream}, Tensor::kStream, Weight::kFinalNorm}};
  //             stream, normed, query, key, value, attention, branch, gate, up, gated
  step.widths = {hidden, hidden, query, key, key, query, hidden, ffn, ffn, ffn};
  step.weights = {
      {Weight::kAttentionNorm, {1, hidden}}, {Weight::kQ, {query, hidden}}, {Weight::kK, {key, hidden}},
      {Weight::kV, {key, hidden}},           {Weight::kO, {hidden, query}}, {Weight::kFfnNorm, {1, hidden}},
      {Weight::kGate, {ffn, hidden}},        {Weight::kUp, {ffn, hidden}},  {Weight::kDown, {hidden, ffn}},
      {Weight::kFinalNorm, {1, hidden}},
  };
  step.head_dim = static_cast<std::uint64_t>(shape.head_dim);
  if (const auto fault = find_fault(step)) fail_contract("the table of a step's operations is sound: " + *fault);
  return step;
}

std::vector<Weight> list_weights(const Operations& operations, Kind kind) {
  std::vector<Weight> weights;
  for (const Operation& operation : operations) {
    if (operation.kind == kind && operation.weight) weights.push_back(*operation.weight);
  }
  return weights;
}

std::vector<bool> find_new_inputs(const Operations& operations) {
  std::vector<bool> is_new;
  std::optional<Tensor> prepared;
  for (const Operation& operation : operations) {
    const bool projects = operation.kind == Kind::kProject;
    is_new.push_back(projects && prepared != operation.inputs[0]);
    if (projects) prepared = operation.inputs[0];
    if (prepared == operation.output) prepared.reset();
  }
  return is_new;
}

std::int64_t compute_step_parameters(const profile::ModelProfile& shape) {
  const Step step = make_step(shape);
  const auto count = [&](const Operations& operations) {
    std::int64_t elements = 0;
    for (const Weight weight : list_weights(operations, Kind::kProject)) elements += count_elements(step, weight);
    return elements;
  };
  return shape.layers * count(step.layer) + count(step.final);
}

std::int64_t compute_parameters(const profile::ModelProfile& shape) {
  const Step step = make_step(shape);
  std::int64_t parameters = (shape.tied_embeddings ? 1 : 2) * shape.vocab * shape.hidden;
  for (const auto& [operations, times] : {std::pair(&step.layer, shape.layers), {&step.final, 1}}) {
    for (const Operation& operation : *operations) {
      if (operation.weight) parameters += times * count_elements(step, *operation.weight);
    }
  }
  return parameters;
}

}  // namespace qtrap::model
