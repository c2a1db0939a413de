#include "campaign/scoring.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "core/file.hpp"
#include "core/sha256.hpp"
#include "program/probing.hpp"
#include "program/process.hpp"
#include "result/result_file.hpp"
#include "scheme/pass.hpp"
#include "tokenizer/token_file.hpp"
#include "tokenizer/tokenizer.hpp"

namespace qtrap::campaign {
namespace {

const std::optional<std::string>& text_file(const RunPlan& plan) {
  return plan.campaign.text ? plan.campaign.text : plan.campaign.token_ids;
}

/// A record of a scheme with all but its losses.
result::QualityRecord make_record(const RunPlan& plan, const scheme::SchemeInfo& scheme) {
  result::QualityRecord record;
  record.model = plan.campaign.models.front();
  record.scheme = scheme.name;
  record.weight_format = format::info(scheme.weights).name;
  record.group_size = plan.campaign.group_size;
  record.text = *text_file(plan);
  record.windows = plan.campaign.windows;
  record.window_tokens = plan.campaign.window_tokens;
  return record;
}

void fail(result::QualityRecord& record, const std::string& reason) {
  record.status = result::PointStatus::kError;
  record.reason = reason;
}

template <class Figure>
std::vector<double> list_means(const std::vector<quality::WindowLoss>& windows, const Figure& figure) {
  std::vector<double> means;
  means.reserve(windows.size());
  for (const quality::WindowLoss& window : windows)
    means.push_back(static_cast<double>(figure(window)) / static_cast<double>(window.tokens));
  return means;
}

void set_interval(const std::optional<Interval>& from, std::optional<double>& low, std::optional<double>& high) {
  if (!from) return;
  low = from->low;
  high = from->high;
}

void set_losses(const std::vector<quality::WindowLoss>& windows, result::QualityRecord& record) {
  const quality::Loss loss = quality::summarise(windows);
  if (!std::isfinite(loss.perplexity)) return fail(record, "its perplexity is beyond what a number holds");
  record.predicted_tokens = static_cast<std::int64_t>(loss.tokens);
  record.kl_nats_per_token = loss.divergence;
  set_interval(loss.divergence_interval, record.kl_nats_per_token_low, record.kl_nats_per_token_high);
  record.top1_agreement = loss.agreement;
  set_interval(loss.agreement_interval, record.top1_agreement_low, record.top1_agreement_high);
  record.perplexity = loss.perplexity;
  set_interval(loss.perplexity_interval, record.perplexity_low, record.perplexity_high);
  record.anchor_perplexity = loss.anchor_perplexity;
  if (loss.windows > 1) record.interval_method = "95 %, t over windows";
  record.window_kl = list_means(windows, [](const auto& window) { return window.divergence; });
  record.window_top1 = list_means(windows, [](const auto& window) { return window.agreed; });
  record.window_log_loss = list_means(windows, [](const auto& window) { return window.log_loss; });
  record.window_anchor_log_loss = list_means(windows, [](const auto& window) { return window.anchor_log_loss; });
}

}  // namespace

bool has_text(const RunPlan& plan) { return text_file(plan).has_value(); }

std::vector<tokenizer::Token> read_ids(const RunPlan& plan) {
  const auto vocab = static_cast<std::size_t>(plan.weights->facts.vocab);
  if (plan.campaign.token_ids)
    return tokenizer::parse_tokens(read_file(*plan.campaign.token_ids).value(), *plan.campaign.token_ids, vocab)
        .value();
  const tokenizer::Tokenizer tokenizer = tokenizer::read_tokenizer(plan.weights->file).value();
  return tokenizer.encode(read_file(*plan.campaign.text).value()).value();
}

quality::Text read_text(const RunPlan& plan) {
  quality::Text text;
  text.model = plan.models.begin()->second;
  text.weights = plan.weights.get();
  text.memory_fraction = plan.campaign.memory_fraction;
  const auto length = static_cast<std::size_t>(plan.campaign.window_tokens);
  const auto windows = static_cast<std::size_t>(plan.campaign.windows);
  const std::int64_t context = plan.weights->facts.context;
  if (plan.campaign.window_tokens > context) {
    throw Failure(usage_error("a window is longer than the model's context", std::to_string(length),
                              fmt::format("give --window-tokens of at most {}", context)));
  }
  const auto ids = read_ids(plan);
  if (ids.size() / length < windows) {
    throw Failure(usage_error("the text has too few tokens for its windows",
                              fmt::format("{} for {} windows of {}", ids.size(), windows, length),
                              "give a longer text, fewer --windows or smaller --window-tokens"));
  }
  for (std::size_t i = 0; i < windows; ++i) {
    const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(i * length);
    text.windows.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(length));
  }
  return text;
}

std::string run_scoring(const RunPlan& plan, const program::DeviceOptions& device,
                        const std::vector<std::string>& schemes, const RecordSink& on_record) {
  const std::string digest = compute_sha256(read_file(*text_file(plan)).value());
  const auto keep = [&](result::QualityRecord record) {
    record.text_sha256 = digest;
    on_record(std::move(record));
  };
  program::ItemSink sink;
  sink.on_result = [&](const std::string&, const std::string& payload) {
    keep(std::get<result::QualityRecord>(result::parse_line(payload).value()));
  };
  sink.on_death = [&](const std::string& name, const program::ProcessEnd& end) {
    result::QualityRecord record = make_record(plan, scheme::find_scheme(name).value());
    fail(record, "its process " + end.words());
    keep(std::move(record));
  };
  return program::run_items(
      [&](std::size_t done) {
        auto arguments = program::make_item_arguments("quality-schemes", plan.device, device, done);
        arguments.insert(arguments.end(), {"--campaign-json", plan.campaign_json, "--schemes",
                                           fmt::format("{}", fmt::join(schemes, ","))});
        return arguments;
      },
      sink, {device.watchdog_s, {}});
}

void score_schemes(device::Device& device, const std::string& campaign_json, const std::vector<std::string>& schemes,
                   std::size_t first, const std::function<void(const std::string& scheme)>& on_begin,
                   const RecordSink& on_record) {
  const RunPlan plan = load_run_plan({}, campaign_json);
  const quality::Text text = read_text(plan);
  const scheme::PassMaker maker(device, {"", static_cast<std::uint32_t>(plan.campaign.group_size)});
  for (std::size_t i = first; i < schemes.size() && !program::stop_was_requested(); ++i) {
    on_begin(schemes[i]);
    const scheme::SchemeInfo info = scheme::find_scheme(schemes[i]).value();
    const auto losses = quality::evaluate(maker, text, info, program::stop_was_requested);
    if (losses && losses.value().size() < text.windows.size()) return;  // stopped
    result::QualityRecord record = make_record(plan, info);
    if (losses) {
      set_losses(losses.value(), record);
    } else {
      fail(record, losses.error().message());
    }
    on_record(std::move(record));
  }
}

}  // namespace qtrap::campaign
