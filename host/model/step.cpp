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
  bool in_vector = false;  ///< the weight has one row
};
constexpr std::array<KindInfo, kWords<Kind>.size()> kKinds{{{1, true, true},
                                                            {1, true},
                                                            {1, false},
                                                            {2, false},
                                                            {2, false},
                                                            {1, true, true},
                                                            {1, true, true},
                                                            {3, false},
                                                            {1, true},
                                                            {1, false},
                                                            {1, false}}};
const KindInfo& info(Kind kind) { return kKinds.at(static_cast<std::size_t>(kind)); }

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
    case Kind::kBias:
      return operation.output == operation.inputs[0] && weight == Matrix{1, in};
    case Kind::kHeadNorm:
      return operation.output == operation.inputs[0] && step.head_dim > 0 && in % step.head_dim == 0 &&
             weight == Matrix{1, step.head_dim};
    case Kind::kAttend: {
      const std::uint64_t key = step.width(operation.inputs[1]);
      return step.head_dim > 0 && key > 0 && key % step.head_dim == 0 && in % key == 0 && in == out &&
             key == step.width(operation.inputs[2]);
    }
    case Kind::kEmbed:
      return operation.inputs[0] == Tensor::kToken && weight.rows > 0 && weight.columns == out;
    case Kind::kLast:
      return in == out;
    case Kind::kChoose:
      return element_bytes(operation.output) == element_bytes(Tensor::kToken) && in > 0;
  }
  return false;
}

/// Walks through the operations as they run.
class Walk {
 public:
  explicit Walk(const Step& step)
      : step_(&step), written_{step.workload == Workload::kProjections ? Tensor::kStream : Tensor::kToken} {}

  std::optional<std::string> visit(const Operation& operation) {
    const KindInfo& kind = info(operation.kind);
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
      for (const Tensor part : step_->parts_of(input)) unread_.erase(part);
    }
    for (const Tensor part : step_->parts_of(operation.output)) {
      if (!unread_.insert(part).second)
        return fmt::format("{} is written over a result that nothing read", describe(operation));
      written_.insert(part);
    }
    written_.insert(operation.output);
    if (operation.weight && operation.kind == Kind::kEmbed) embedding_ = operation.weight;
    if (operation.weight && operation.kind != Kind::kEmbed && !weights_.insert(*operation.weight).second)
      return fmt::format("{} reads the weight {} of another", describe(operation), to_string(*operation.weight));
    return std::nullopt;
  }

  /// After the last: the next step reads the stream or the token, the host the logits; query and key are what attention
  /// would read.
  std::optional<std::string> finish() {
    if (step_->workload == Workload::kProjections) {
      for (const Tensor tensor : {Tensor::kStream, Tensor::kQuery, Tensor::kKey}) unread_.erase(tensor);
    }
    if (step_->workload == Workload::kDecoder) unread_.erase(Tensor::kToken);
    if (step_->workload == Workload::kScoring) unread_.erase(Tensor::kLogits);
    if (step_->workload == Workload::kPrefill) unread_.erase(Tensor::kChosen);
    if (!unread_.empty()) return fmt::format("nothing reads {}", to_string(*unread_.begin()));
    for (std::size_t i = 0; i < kTensorCount; ++i) {
      const auto tensor = static_cast<Tensor>(i);
      if (step_->width(tensor) > 0 && !written_.contains(tensor))
        return fmt::format("nothing writes {}", to_string(tensor));
    }
    for (const auto& [weight, matrix] : step_->weights) {
      if (!weights_.contains(weight) && weight != embedding_)
        return fmt::format("nothing reads the weight {}", to_string(weight));
    }
    return std::nullopt;
  }

 private:
  const Step* step_;
  std::set<Tensor> written_;
  std::set<Tensor> unread_;
  std::set<Weight> weights_;
  std::optional<Weight> embedding_;
};

}  // namespace

std::optional<std::string> find_fault(const Step& step) {
  for (const auto& [tensor, place] : step.parts) {
    if (place.row != step.width(place.whole) || place.first + step.width(tensor) > place.row)
      return fmt::format("{} lies beyond {}", to_string(tensor), to_string(place.whole));
  }
  Walk walk(step);
  for (const Operations* operations : {&step.first, &step.layer, &step.final}) {
    for (const Operation& operation : *operations) {
      if (auto fault = walk.visit(operation)) return fault;
    }
  }
  return walk.finish();
}

namespace {

/// Between the projections of a layer's attention and its output.
Operations attention_of(const profile::ModelProfile& shape, Workload workload) {
  if (workload == Workload::kProjections) return {{Kind::kExpandHeads, {Tensor::kValue}, Tensor::kAttention}};
  Operations operations;
  const auto in_place = [&](Kind kind, Tensor tensor, Weight weight) {
    operations.push_back({kind, {tensor}, tensor, weight});
  };
  if (shape.qkv_bias) {
    in_place(Kind::kBias, Tensor::kQuery, Weight::kQBias);
    in_place(Kind::kBias, Tensor::kKey, Weight::kKBias);
    in_place(Kind::kBias, Tensor::kValue, Weight::kVBias);
  }
  if (shape.qk_norm) {
    in_place(Kind::kHeadNorm, Tensor::kQuery, Weight::kQNorm);
    in_place(Kind::kHeadNorm, Tensor::kKey, Weight::kKNorm);
  }
  operations.push_back({Kind::kAttend, {Tensor::kQuery, Tensor::kKey, Tensor::kValue}, Tensor::kAttention});
  return operations;
}

Operations layer_of(const profile::ModelProfile& shape, Workload workload) {
  Operations operations = {
      {Kind::kNorm, {Tensor::kStream}, Tensor::kNormed, Weight::kAttentionNorm},
      {Kind::kProject, {Tensor::kNormed}, Tensor::kQuery, Weight::kQ},
      {Kind::kProject, {Tensor::kNormed}, Tensor::kKey, Weight::kK},
      {Kind::kProject, {Tensor::kNormed}, Tensor::kValue, Weight::kV},
  };
  const Operations attention = attention_of(shape, workload);
  operations.insert(operations.end(), attention.begin(), attention.end());
  const Operations rest = {
      {Kind::kProject, {Tensor::kAttention}, Tensor::kBranch, Weight::kO},
      {Kind::kAdd, {Tensor::kStream, Tensor::kBranch}, Tensor::kStream},
      {Kind::kNorm, {Tensor::kStream}, Tensor::kNormed, Weight::kFfnNorm},
      {Kind::kProject, {Tensor::kNormed}, Tensor::kGate, Weight::kGate},
      {Kind::kProject, {Tensor::kNormed}, Tensor::kUp, Weight::kUp},
      {Kind::kGate, {Tensor::kGate, Tensor::kUp}, Tensor::kGated},
      {Kind::kProject, {Tensor::kGated}, Tensor::kBranch, Weight::kDown},
      {Kind::kAdd, {Tensor::kStream, Tensor::kBranch}, Tensor::kStream},
  };
  operations.insert(operations.end(), rest.begin(), rest.end());
  return operations;
}

Operations final_of(Workload workload) {
  if (workload == Workload::kProjections)
    return {{Kind::kNorm, {Tensor::kStream}, Tensor::kStream, Weight::kFinalNorm}};
  const bool prefills = workload == Workload::kPrefill;
  Operations operations;
  if (prefills) operations.push_back({Kind::kLast, {Tensor::kStream}, Tensor::kLast});
  operations.push_back(
      {Kind::kNorm, {prefills ? Tensor::kLast : Tensor::kStream}, Tensor::kNormed, Weight::kFinalNorm});
  operations.push_back({Kind::kProject, {Tensor::kNormed}, Tensor::kLogits, Weight::kHead});
  if (workload != Workload::kScoring)
    operations.push_back({Kind::kChoose, {Tensor::kLogits}, prefills ? Tensor::kChosen : Tensor::kToken});
  return operations;
}

}  // namespace

Place Step::place_of(Tensor tensor) const {
  const auto part = parts.find(tensor);
  return part == parts.end() ? Place{tensor, 0, width(tensor)} : part->second;
}

std::vector<Tensor> Step::parts_of(Tensor tensor) const {
  std::vector<Tensor> found;
  for (const auto& [part, place] : parts) {
    if (place.whole == tensor) found.push_back(part);
  }
  return found.empty() ? std::vector<Tensor>{tensor} : found;
}

bool Step::is_of_last(Tensor tensor) const {
  return workload == Workload::kPrefill &&
         (tensor == Tensor::kLast || tensor == Tensor::kLogits || tensor == Tensor::kChosen);
}

namespace {

/// Operations of one kind whose weights and outputs may be one, part after part.
struct Joint {
  Kind kind;
  Weight weight;
  Tensor whole;
  std::vector<std::pair<Weight, Tensor>> parts;
};
const std::array kJoints{
    Joint{Kind::kProject,
          Weight::kQkv,
          Tensor::kQkv,
          {{Weight::kQ, Tensor::kQuery}, {Weight::kK, Tensor::kKey}, {Weight::kV, Tensor::kValue}}},
    Joint{Kind::kBias,
          Weight::kQkvBias,
          Tensor::kQkv,
          {{Weight::kQBias, Tensor::kQuery}, {Weight::kKBias, Tensor::kKey}, {Weight::kVBias, Tensor::kValue}}},
    Joint{
        Kind::kProject, Weight::kGateUp, Tensor::kGateUp, {{Weight::kGate, Tensor::kGate}, {Weight::kUp, Tensor::kUp}}},
};

/// Puts one operation in the place of the first of a joint's, where the step has them.
void put_together(const Joint& joint, Step& step) {
  const auto is_part = [&](const Operation& operation) {
    return operation.kind == joint.kind && operation.weight == joint.parts.front().first;
  };
  const auto found = std::find_if(step.layer.begin(), step.layer.end(), is_part);
  if (found == step.layer.end()) return;
  found->weight = joint.weight;
  if (found->inputs[0] == found->output) found->inputs[0] = joint.whole;
  found->output = joint.whole;
  std::uint64_t width = 0;
  for (const auto& [weight, tensor] : joint.parts) {
    step.parts[tensor] = {joint.whole, width, 0};
    width += step.width(tensor);
    std::erase_if(step.layer, [&part = weight](const Operation& operation) { return operation.weight == part; });
  }
  step.widths.at(static_cast<std::size_t>(joint.whole)) = width;
  for (auto& part : step.parts) {
    if (part.second.whole == joint.whole) part.second.row = width;
  }
  const Matrix first = step.weights.at(joint.parts.front().first);
  step.weights[joint.weight] = joint.kind == Kind::kProject ? Matrix{width, first.columns} : Matrix{1, width};
  for (const auto& part : joint.parts) step.weights.erase(part.first);
}

}  // namespace

std::vector<Weight> parts_of(Weight weight) {
  for (const Joint& joint : kJoints) {
    if (joint.weight != weight) continue;
    std::vector<Weight> parts;
    for (const auto& part : joint.parts) parts.push_back(part.first);
    return parts;
  }
  return {weight};
}

Step make_step(const profile::ModelProfile& shape, Workload workload, Join join) {
  const auto hidden = static_cast<std::uint64_t>(shape.hidden);
  const auto ffn = static_cast<std::uint64_t>(shape.ffn);
  const auto query = static_cast<std::uint64_t>(shape.heads * shape.head_dim);
  const auto key = static_cast<std::uint64_t>(shape.kv_heads * shape.head_dim);
  const bool decodes = workload != Workload::kProjections;
  const auto vocab = static_cast<std::uint64_t>(shape.vocab);
  Step step;
  step.workload = workload;
  step.layer = layer_of(shape, workload);
  step.final = final_of(workload);
  const bool prefills = workload == Workload::kPrefill;
  //             stream, normed, query, key, value, attention, branch, gate, up, gated
  step.widths = {hidden,
                 hidden,
                 query,
                 key,
                 key,
                 query,
                 hidden,
                 ffn,
                 ffn,
                 ffn,
                 decodes ? 1 : 0UL,
                 decodes ? vocab : 0,  // token, logits
                 prefills ? hidden : 0,
                 prefills ? 1 : 0UL};  // last, chosen
  step.weights = {
      {Weight::kAttentionNorm, {1, hidden}}, {Weight::kQ, {query, hidden}}, {Weight::kK, {key, hidden}},
      {Weight::kV, {key, hidden}},           {Weight::kO, {hidden, query}}, {Weight::kFfnNorm, {1, hidden}},
      {Weight::kGate, {ffn, hidden}},        {Weight::kUp, {ffn, hidden}},  {Weight::kDown, {hidden, ffn}},
      {Weight::kFinalNorm, {1, hidden}},
  };
  step.head_dim = static_cast<std::uint64_t>(shape.head_dim);
  if (decodes) {
    const Weight embedding = shape.tied_embeddings ? Weight::kHead : Weight::kEmbedding;
    step.first = {{Kind::kEmbed, {Tensor::kToken}, Tensor::kStream, embedding}};
    step.weights[Weight::kHead] = step.weights[embedding] = {vocab, hidden};
    if (shape.qkv_bias) {
      step.weights[Weight::kQBias] = {1, query};
      step.weights[Weight::kKBias] = step.weights[Weight::kVBias] = {1, key};
    }
    if (shape.qk_norm) step.weights[Weight::kQNorm] = step.weights[Weight::kKNorm] = {1, step.head_dim};
  }
  if (join == Join::kAll) {
    step.join = join;
    for (const Joint& joint : kJoints) put_together(joint, step);
  }
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

std::vector<Weight> list_vectors(const Operations& operations) {
  std::vector<Weight> weights;
  for (const Operation& operation : operations) {
    if (info(operation.kind).in_vector) weights.push_back(operation.weight.value());
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
