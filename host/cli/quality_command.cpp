// quality: what each scheme does to a model's output on real text; each scheme in a process that may die of it.
#include "cli/quality_command.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "campaign/run_plan.hpp"
#include "campaign/scoring.hpp"
#include "cli/item_rows.hpp"
#include "core/assignment.hpp"
#include "core/clock.hpp"
#include "program/exit_code.hpp"
#include "program/output.hpp"
#include "program/process.hpp"
#include "report/table.hpp"
#include "result/result_file.hpp"
#include "scheme/scheme.hpp"

namespace qtrap::cli {
namespace {

using report::Value;
using result::QualityRecord;

constexpr const char* kFix = "give --weights, and --text or --tokens";

/// The file that --weights names; "" where it is not given.
std::string find_weights(const std::vector<std::string>& overrides) {
  std::string weights;
  for (const std::string& one : overrides) {
    const Assignment split = split_assignment(one).value();
    if (split.key == "weights") weights = split.value;
  }
  return weights;
}

/// One scheme of each kind of arithmetic: a split scheme computes what its fused one does, from the same weights.
profile::Campaign make_default_campaign(const std::string& weights) {
  profile::Campaign campaign;
  campaign.name = "quality";
  campaign.description = "Losses of all schemes that compute alike, once each.";
  campaign.models = {weights};
  campaign.workload = profile::Workload::kDecoder;
  for (const scheme::SchemeInfo& info : scheme::all_schemes()) {
    if (!info.split()) campaign.schemes.emplace_back(info.name);
  }
  return campaign;
}

/// What is evaluated, on which device; throws Failure.
campaign::RunPlan make_plan(const campaign::RunOptions& options) {
  const std::string weights = find_weights(options.overrides);
  if (options.campaign.empty() && weights.empty())
    throw Failure(usage_error("quality needs weights and a text", "none", kFix));
  const std::string json = options.campaign.empty() ? profile::to_json(make_default_campaign(weights)) : std::string();
  campaign::RunPlan plan = campaign::load_run_plan(options, json);
  if (!plan.weights || !campaign::has_text(plan))
    throw Failure(usage_error("quality needs weights and a text", plan.campaign.name, kFix));
  (void)campaign::read_text(plan);  // what is wrong with the files is said before a process starts
  if (!options.out.empty()) {
    if (options.out != program::kStandardOutput) program::require_writable(options.out, false);
    plan.weights_sha256 = weights::compute_digest(plan.weights->file);
  }
  plan.device = program::choose_probed_device(options.device);
  return plan;
}

/// An absent value is an empty cell.
template <class T>
void add_value(const std::optional<T>& value, std::vector<Value>& row) {
  if (value) {
    row.emplace_back(*value);
  } else {
    row.emplace_back(std::monostate{});
  }
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

std::vector<Value> make_row(const QualityRecord& record) {
  std::vector<Value> row;
  row.emplace_back(record.scheme);
  for (const auto& number : {record.kl_nats_per_token, record.kl_nats_per_token_low, record.kl_nats_per_token_high,
                             record.top1_agreement, record.top1_agreement_low, record.top1_agreement_high,
                             record.perplexity, record.perplexity_low, record.perplexity_high})
    add_value(number, row);
  add_value(record.predicted_tokens, row);
  row.emplace_back(record.windows);
  add_value(record.reason, row);
  return row;
}

/// How the figures were obtained; where the file is quantized, that a scheme quantizes a second time.
std::string describe(const campaign::RunPlan& plan) {
  const std::int64_t windows = plan.campaign.windows;
  std::string text = fmt::format(
      "\n{}, {} of {} tokens, each scored on its own; anchor: the file's weights in f16.\n"
      "KL(anchor || scheme) and top-1 agreement are paired by token; intervals: 95 %, t over windows.\n",
      plan.weights->facts.name, windows == 1 ? "a window" : fmt::format("{} windows", windows),
      plan.campaign.window_tokens);
  if (const std::string types = weights::list_quantized_types(plan.weights->file); !types.empty())
    text += fmt::format("The file is quantized ({}): a scheme of another format quantizes it a second time.\n", types);
  return text;
}

/// A result file of losses alone: one session, without trials.
std::string make_file(const campaign::RunOptions& options, const campaign::RunPlan& plan,
                      const std::vector<QualityRecord>& records, const std::string& started_utc, double wall_s,
                      result::Ending ending) {
  result::SessionRecord session = campaign::describe_next_session(options, plan, nullptr);
  session.session_id = campaign::make_session_id();
  session.started_utc = started_utc;
  session.argv = options.argv;
  session.hazards.insert(session.hazards.end(), plan.device.choice.begin(), plan.device.choice.end());
  std::string text = result::to_json_line(session).value();
  for (QualityRecord record : records) {
    record.session_id = session.session_id;
    text += result::to_json_line(record).value();
  }
  result::EndRecord end;
  end.session_id = session.session_id;
  end.status = ending;
  end.wall_s = wall_s;
  return text + result::to_json_line(end).value();
}

}  // namespace

int run_quality(const campaign::RunOptions& options) {
  const campaign::RunPlan plan = make_plan(options);
  const MonotonicClock clock;
  const Seconds start = clock.now();
  const std::string started_utc = utc_timestamp();
  program::catch_interrupts(3);
  report::Table table = make_table();
  std::vector<QualityRecord> records;
  const auto schemes = profile::schemes_with_anchor(plan.campaign);
  const std::string error = campaign::run_scoring(plan, options.device, schemes, [&](QualityRecord record) {
    const bool is_ok = record.status == result::PointStatus::kOk;
    if (!options.quiet) program::tell(fmt::format("{}: {}", record.scheme, is_ok ? "done" : "failed"));
    table.rows.push_back(make_row(record));
    records.push_back(std::move(record));
  });
  if (!error.empty()) {
    table.rows.emplace_back(table.columns.size(), std::monostate{});
    table.rows.back().front() = "all others";
    table.rows.back().back() = error;
  }
  const bool interrupted = program::stop_was_requested() && records.size() < schemes.size();
  const auto ending = interrupted     ? result::Ending::kInterrupted
                      : error.empty() ? result::Ending::kComplete
                                      : result::Ending::kFailed;
  if (!options.out.empty() && !records.empty())
    program::write_output(options.out,
                          make_file(options, plan, records, started_utc, (clock.now() - start).value(), ending));
  program::print_beside(options.out,
                        options.device.json ? report::to_json(table) : report::to_text(table) + describe(plan));
  if (interrupted) return program::kInterrupted;
  const bool failed = std::any_of(records.begin(), records.end(), [](const QualityRecord& record) {
    return record.status != result::PointStatus::kOk;
  });
  return failed || !error.empty() ? program::kFailed : program::kDone;
}

int run_quality_worker(const program::ItemWorkerOptions& items, const QualityWorkerOptions& options) {
  return run_on_device(items, [&](device::Device& device) {
    campaign::score_schemes(
        device, options.campaign_json, options.schemes, items.first,
        [&](const std::string& scheme) {
          program::send_message(items.output_descriptor, program::MessageKind::kItem, scheme);
        },
        [&](const QualityRecord& record) {
          program::send_message(items.output_descriptor, program::MessageKind::kResult,
                                result::to_json_line(record).value());
        });
    return true;
  });
}

}  // namespace qtrap::cli
