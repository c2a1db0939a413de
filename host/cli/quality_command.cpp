// quality: what each scheme does to a model's output on real text; each scheme in a process that may die of it.
#include "cli/quality_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/item_rows.hpp"
#include "core/file.hpp"
#include "program/exit_code.hpp"
#include "program/output.hpp"
#include "program/parts.hpp"
#include "program/process.hpp"
#include "quality/evaluate.hpp"
#include "report/table.hpp"
#include "scheme/scheme.hpp"
#include "tokenizer/token_file.hpp"
#include "tokenizer/tokenizer.hpp"
#include "weights/facts.hpp"
#include "weights/values.hpp"

namespace qtrap::cli {
namespace {

using report::Value;

/// The schemes to evaluate: those asked for, else one of each kind of arithmetic; f16 first.
std::vector<scheme::SchemeInfo> choose_schemes(const std::vector<std::string>& names) {
  std::vector<scheme::SchemeInfo> chosen{scheme::all_schemes().front()};
  const auto add = [&](const scheme::SchemeInfo& info) {
    const auto same = [&](const scheme::SchemeInfo& other) { return other.name == info.name; };
    if (std::none_of(chosen.begin(), chosen.end(), same)) chosen.push_back(info);
  };
  for (const std::string& name : names) {
    const auto info = scheme::find_scheme(name);
    if (!info) {
      std::vector<std::string_view> known;
      for (const auto& one : scheme::all_schemes()) known.push_back(one.name);
      throw Failure(usage_error("unknown scheme", name, fmt::format("choose from {}", fmt::join(known, ", "))));
    }
    add(*info);
  }
  if (!names.empty()) return chosen;
  // A split scheme computes what its fused one does, from the same weights.
  for (const scheme::SchemeInfo& info : scheme::all_schemes()) {
    if (!info.split()) add(info);
  }
  return chosen;
}

/// A file of weights with all that a text needs of it.
struct Model {
  weights::WeightsFile file;
  weights::DecoderFacts facts;
  weights::DecoderTensors tensors;
  quality::Text text;
};

std::vector<float> read_divisors(const Model& model) {
  const weights::Tensor* tensor = model.tensors.find(weights::Role::kRopeFactors);
  if (tensor == nullptr) return {};
  std::vector<float> divisors(tensor->elements);
  weights::read_rows(model.file, *tensor, weights::all_rows(*tensor), std::span<float>(divisors)).value();
  return divisors;
}

std::vector<tokenizer::Token> read_ids(const QualityOptions& options, const Model& model) {
  const auto vocab = static_cast<std::size_t>(model.facts.vocab);
  if (!options.tokens.empty())
    return tokenizer::parse_tokens(read_file(options.tokens).value(), options.tokens, vocab).value();
  const tokenizer::Tokenizer tokenizer = tokenizer::read_tokenizer(model.file).value();
  return tokenizer.encode(read_file(options.text).value()).value();
}

/// Throws Failure where the text has not as many windows.
std::unique_ptr<Model> open_model(const QualityOptions& options) {
  weights::WeightsFile file = weights::open_weights(options.weights).value();
  const weights::DecoderFacts facts = weights::read_facts(file).value();
  auto tensors = weights::find_decoder(file, facts).value();
  auto model = std::make_unique<Model>(Model{std::move(file), facts, std::move(tensors), {}});
  quality::Text& text = model->text;
  text.model = weights::make_profile(facts, options.weights);
  text.pairs = facts.rotary_pairs;
  text.divisors = read_divisors(*model);
  text.weights = {&model->file, &model->tensors};
  const auto ids = read_ids(options, *model);
  const auto length = static_cast<std::size_t>(options.window_tokens);
  const auto windows = static_cast<std::size_t>(options.windows);
  if (options.window_tokens > facts.context) {
    throw Failure(usage_error("a window is longer than the model's context", std::to_string(options.window_tokens),
                              fmt::format("give --window-tokens of at most {}", facts.context)));
  }
  if (ids.size() < windows * length) {
    throw Failure(usage_error("the text has too few tokens for its windows",
                              fmt::format("{} for {} windows of {}", ids.size(), windows, length),
                              "give a longer text, fewer --windows or smaller --window-tokens"));
  }
  for (std::size_t i = 0; i < windows; ++i) {
    const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(i * length);
    text.windows.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(length));
  }
  return model;
}

/// What a process tells of a scheme: why it has no losses, or nothing and the losses.
std::string encode_losses(const std::string& failure, std::span<const quality::WindowLoss> losses) {
  std::vector<std::string> parts{failure};
  for (const quality::WindowLoss& loss : losses) {
    parts.push_back(std::to_string(loss.tokens));
    for (const double sum : {loss.log_loss, loss.anchor_log_loss, loss.divergence})
      parts.push_back(fmt::format("{}", sum));
    parts.push_back(std::to_string(loss.agreed));
  }
  return program::join_parts(std::move(parts));
}

Result<std::vector<quality::WindowLoss>> decode_losses(const std::string& payload, std::size_t windows) {
  std::vector<quality::WindowLoss> losses(windows);
  program::Parts parts(payload);
  std::string failure;
  parts.take(failure);
  if (!failure.empty()) return runtime_error(failure, "", "");
  for (quality::WindowLoss& loss : losses) {
    parts.take(loss.tokens);
    parts.take(loss.log_loss);
    parts.take(loss.anchor_log_loss);
    parts.take(loss.divergence);
    parts.take(loss.agreed);
  }
  return losses;
}

std::vector<std::string> make_arguments(const device::DeviceInfo& info, const QualityOptions& options,
                                        std::size_t done) {
  auto arguments = program::make_item_arguments("quality-schemes", info, options.device, done);
  arguments.push_back("--weights=" + options.weights);
  if (!options.text.empty()) arguments.push_back("--text=" + options.text);
  if (!options.tokens.empty()) arguments.push_back("--tokens=" + options.tokens);
  arguments.push_back(fmt::format("--windows={}", options.windows));
  arguments.push_back(fmt::format("--window-tokens={}", options.window_tokens));
  arguments.push_back(fmt::format("--group-size={}", options.group_size));
  if (!options.schemes.empty()) arguments.push_back(fmt::format("--schemes={}", fmt::join(options.schemes, ",")));
  return arguments;
}

void add_number(std::optional<double> number, std::vector<Value>& row) {
  if (number) {
    row.emplace_back(*number);
  } else {
    row.emplace_back(std::monostate{});
  }
}

void add_interval(const std::optional<Interval>& interval, std::vector<Value>& row) {
  add_number(interval ? std::optional(interval->low) : std::nullopt, row);
  add_number(interval ? std::optional(interval->high) : std::nullopt, row);
}

report::Table make_table() {
  report::Table table;
  table.columns = {{"scheme", "scheme"},
                   {"kl_nats_per_token", "KL [nat/token]"},
                   {"kl_low", "low"},
                   {"kl_high", "high"},
                   {"top1_agreement", "top-1"},
                   {"top1_low", "low"},
                   {"top1_high", "high"},
                   {"perplexity", "perplexity"},
                   {"perplexity_low", "low"},
                   {"perplexity_high", "high"},
                   {"predicted_tokens", "tokens"},
                   {"windows", "windows"},
                   {"reason", "reason"}};
  return table;
}

std::vector<Value> make_row(const std::string& scheme, const quality::Loss& loss) {
  std::vector<Value> row{scheme, loss.divergence};
  add_interval(loss.divergence_interval, row);
  row.emplace_back(loss.agreement);
  add_interval(loss.agreement_interval, row);
  row.emplace_back(loss.perplexity);
  add_interval(loss.perplexity_interval, row);
  row.emplace_back(static_cast<std::int64_t>(loss.tokens));
  row.emplace_back(static_cast<std::int64_t>(loss.windows));
  row.emplace_back(std::monostate{});
  return row;
}

std::vector<Value> make_failed_row(const std::string& scheme, const std::string& reason, std::size_t columns) {
  std::vector<Value> row(columns, std::monostate{});
  row.front() = scheme;
  row.back() = reason;
  return row;
}

/// How the figures were obtained; where the file is quantized, that a scheme quantizes a second time.
std::string describe(const QualityOptions& options, const Model& model) {
  std::set<std::string_view> types;
  for (const weights::Tensor& tensor : model.file.tensors()) {
    if (tensor.type->native && *tensor.type->native != format::kPlainFormat) types.insert(tensor.type->name);
  }
  std::string text = fmt::format(
      "\n{}, {} of {}, each scored on its own; anchor: the file's weights in f16.\n"
      "KL(anchor || scheme) and top-1 agreement are paired by token; intervals: 95 %, t over windows.\n",
      model.text.model.name, options.windows == 1 ? "a window" : fmt::format("{} windows", options.windows),
      fmt::format("{} tokens", options.window_tokens));
  if (!types.empty())
    text += fmt::format("The file is quantized ({}): a scheme of another format quantizes it a second time.\n",
                        fmt::join(types, ", "));
  return text;
}

}  // namespace

int run_quality(const QualityOptions& options) {
  if (options.text.empty() == options.tokens.empty())
    throw Failure(usage_error("quality needs one of --text and --tokens", options.text.empty() ? "none" : "both",
                              "give the text, or its tokens"));
  (void)choose_schemes(options.schemes);
  const auto model = open_model(options);  // what is wrong with the files is said before a process starts
  const device::DeviceInfo info = program::choose_probed_device(options.device);
  program::catch_interrupts(3);
  report::Table table = make_table();
  bool failed = false;
  program::ItemSink sink;
  sink.on_result = [&](const std::string& scheme, const std::string& payload) {
    const auto losses = decode_losses(payload, model->text.windows.size());
    failed = failed || !losses;
    table.rows.push_back(losses ? make_row(scheme, quality::summarise(losses.value()))
                                : make_failed_row(scheme, losses.error().message(), table.columns.size()));
    if (!options.quiet) program::tell(fmt::format("{}: {}", scheme, losses ? "done" : "failed"));
  };
  sink.on_death = [&](const std::string& scheme, const program::ProcessEnd& end) {
    failed = true;
    table.rows.push_back(make_failed_row(scheme, "its process " + end.words(), table.columns.size()));
  };
  const std::string error = program::run_items([&](std::size_t done) { return make_arguments(info, options, done); },
                                               sink, {options.device.watchdog_s, {}});
  if (!error.empty()) {
    failed = true;
    table.rows.push_back(make_failed_row("all others", error, table.columns.size()));
  }
  program::print(options.device.json ? report::to_json(table) : report::to_text(table) + describe(options, *model));
  if (program::stop_was_requested()) return program::kInterrupted;
  return failed ? program::kFailed : program::kDone;
}

int run_quality_worker(const program::ItemWorkerOptions& items, const QualityOptions& options) {
  return run_on_device(items, [&](device::Device& device) {
    const auto model = open_model(options);
    const scheme::PassMaker maker(device, {"", static_cast<std::uint32_t>(options.group_size)});
    const auto schemes = choose_schemes(options.schemes);
    for (std::size_t i = items.first; i < schemes.size() && !program::stop_was_requested(); ++i) {
      program::send_message(items.output_descriptor, program::MessageKind::kItem, std::string(schemes[i].name));
      const auto losses = quality::evaluate(maker, model->text, schemes[i], program::stop_was_requested);
      if (losses && losses.value().size() < model->text.windows.size()) return true;  // stopped
      program::send_message(items.output_descriptor, program::MessageKind::kResult,
                            losses ? encode_losses("", losses.value()) : encode_losses(losses.error().message(), {}));
    }
    return true;
  });
}

}  // namespace qtrap::cli
