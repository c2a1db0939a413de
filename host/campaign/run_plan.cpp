#include "campaign/run_plan.hpp"

#include <fmt/format.h>

#include "core/sha256.hpp"
#include "core/text.hpp"
#include "program/devices.hpp"
#include "program/folders.hpp"
#include "program/version.hpp"

namespace qtrap::campaign {
namespace {

profile::Campaign load(const RunOptions& options, const std::string& campaign_json) {
  const auto names = scheme_names();
  const std::string source = options.resume.empty() ? "--campaign-json" : options.resume + ": campaign";
  auto campaign = campaign_json.empty()
                      ? profile::load_campaign(options.campaign, program::profile_folders("campaigns"), names).value()
                      : profile::parse_campaign(campaign_json, source, names).value();
  for (const auto& assignment : options.overrides) {
    if (auto done = profile::apply_override(campaign, assignment, names); !done) throw Failure(done.error());
  }
  if (options.max_sessions) campaign.sessions = *options.max_sessions;
  if (auto done = profile::check_campaign(campaign, options.campaign); !done) throw Failure(done.error());
  return campaign;
}

std::string describe_shapes(const RunPlan& plan) {
  std::string text;
  for (const auto& [name, model] : plan.models) {
    text += fmt::format("{}: {} {} {} {} {} {} {} {}\n", name, model.hidden, model.ffn, model.layers, model.heads,
                        model.kv_heads, model.head_dim, model.vocab, model.tied_embeddings);
  }
  return text;
}

void check_gpu(const device::DeviceInfo& device) {
  if (device.type == device::DeviceType::kGpu) return;
  throw Failure(runtime_error(
      "the device is no GPU", fmt::format("{} {}, {}", device.index, device.label(), to_string(device.type)),
      device.choice.empty() ? "name one with --device (`qtrap devices` lists them), or leave out --require-gpu"
                            : fmt::format("{}", fmt::join(device.choice, "; "))));
}

}  // namespace

std::vector<std::string_view> scheme_names() {
  std::vector<std::string_view> names;
  for (const auto& scheme : scheme::all_schemes()) names.push_back(scheme.name);
  return names;
}

RunPlan load_run_plan(const RunOptions& options, const std::string& campaign_json) {
  RunPlan plan;
  plan.campaign = load(options, campaign_json);
  plan.campaign_json = profile::to_json(plan.campaign);
  plan.campaign_sha256 = compute_sha256(plan.campaign_json);
  plan.cells = profile::expand_cells(plan.campaign);
  for (const auto& name : plan.campaign.models)
    plan.models.emplace(name, profile::load_model(name, program::profile_folders("models")).value());
  return plan;
}

RunPlan make_run_plan(const RunOptions& options, const std::string& campaign_json) {
  RunPlan plan = load_run_plan(options, campaign_json);
  if (!options.device.kernel_dir.empty()) (void)device::KernelSources::from_folder(options.device.kernel_dir).value();
  plan.device = program::choose_probed_device(options.device);
  if (options.require_gpu) check_gpu(plan.device);
  plan_memory(plan);
  return plan;
}

void plan_memory(RunPlan& plan) {
  for (const auto& [name, model] : plan.models)
    plan.memory.insert_or_assign(
        name, chain::plan_memory(plan.device, model, chain::make_demand(plan.campaign, model)).value());
}

result::SessionRecord make_session_identity(const RunPlan& plan) {
  result::SessionRecord record;
  record.tool_version = program::version().number;
  if (!program::version().commit.empty()) record.git_commit = program::version().commit;
  record.git_dirty = program::version().dirty;
  record.campaign_json = plan.campaign_json;
  record.campaign_sha256 = plan.campaign_sha256;
  record.models_sha256 = compute_sha256(describe_shapes(plan));
  if (!plan.device.forced_variant.empty()) record.kernels.variant = plan.device.forced_variant;
  return record;
}

std::string describe_plan(const RunPlan& plan) {
  const auto schemes = profile::schemes_with_anchor(plan.campaign);
  std::string text = fmt::format(
      "campaign {} on {}, {}\n{} cells of {} schemes: {}\n{} sessions, {} to {} blocks each, at most {:g} s per point "
      "and {:g} s in all\n",
      plan.campaign.name, escape_controls(plan.device.label()), escape_controls(plan.device.platform),
      plan.cells.size(), schemes.size(), fmt::join(schemes, ", "), plan.campaign.sessions, plan.campaign.min_trials,
      plan.campaign.max_trials, plan.campaign.max_seconds_per_point, plan.campaign.max_seconds);
  for (const auto& [name, memory] : plan.memory) {
    text += fmt::format("{}: {} of {} layers resident, {} MiB of {} MiB\n", name, memory.resident_layers,
                        plan.models.at(name).layers, memory.total_bytes() >> 20, memory.budget_bytes >> 20);
  }
  for (const auto& cell : plan.cells) text += "  " + cell.id() + "\n";
  return text;
}

}  // namespace qtrap::campaign
