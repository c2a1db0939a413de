#include "campaign/run_plan.hpp"

#include <fmt/format.h>

#include <random>

#include "core/clock.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "device/device.hpp"
#include "measure/environment.hpp"
#include "measure/session_description.hpp"
#include "program/devices.hpp"
#include "program/folders.hpp"
#include "program/meter_selection.hpp"
#include "program/tuning_selection.hpp"
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
  const std::string& name = options.campaign.empty() ? campaign.name : options.campaign;
  if (auto done = profile::check_campaign(campaign, name); !done) throw Failure(done.error());
  return campaign;
}

/// The shape of a model of the campaign: the one that its weights have, where there are any. A model that is named as
/// its weights are is what they say.
profile::ModelProfile find_shape(const std::string& name, const RunPlan& plan) {
  if (plan.weights && name == *plan.campaign.weights) return weights::make_profile(plan.weights->facts, name);
  const auto model = profile::load_model(name, program::profile_folders("models")).value();
  return plan.weights ? weights::match_profile(*plan.weights, model).value() : model;
}

/// All that is computed with; not where it was read.
std::string describe_shapes(const RunPlan& plan) {
  std::string text;
  for (auto [name, model] : plan.models) {
    model.source.clear();
    model.family.clear();
    text += fmt::format("{}: {}\n", name, profile::to_json(model));
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

/// Fails before anything is measured where the meter asked for does not read.
void require_energy(const measure::EnergySource& source) {
  const char* fix = "see `qtrap meters` for what would help, or leave out --require-energy";
  if (!source.match.meter) throw Failure(runtime_error("no energy meter for this device", source.match.reason, fix));
  const power::Sample sample = source.match.meter->read();
  if (sample.energy.value || sample.power.value) return;
  const auto status =
      sample.energy.status != power::ReadStatus::kUnsupported ? sample.energy.status : sample.power.status;
  throw Failure(runtime_error("the energy meter does not read",
                              fmt::format("{}: {}", source.match.meter->info().id(), to_string(status)), fix));
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
  const auto& weights = plan.campaign.weights;
  if (weights) plan.weights = std::make_shared<const weights::Decoder>(weights::open_decoder(*weights).value());
  for (const auto& name : plan.campaign.models) plan.models.emplace(name, find_shape(name, plan));
  return plan;
}

RunPlan make_run_plan(const RunOptions& options, const std::string& campaign_json) {
  RunPlan plan = load_run_plan(options, campaign_json);
  if (!options.device.kernel_dir.empty()) (void)device::KernelSources::from_folder(options.device.kernel_dir).value();
  plan.device = program::choose_probed_device(options.device);
  if (options.require_gpu) check_gpu(plan.device);
  plan_memory(plan);
  if (plan.weights) plan.weights_sha256 = weights::compute_digest(plan.weights->file);
  return plan;
}

void plan_memory(RunPlan& plan) {
  for (const auto& [name, model] : plan.models)
    plan.memory.insert_or_assign(
        name,
        chain::plan_memory(plan.device, model, chain::make_demand(plan.campaign, model, plan.weights.get())).value());
}

result::SessionRecord make_session_identity(const RunPlan& plan) {
  result::SessionRecord record;
  record.tool_version = program::version().number;
  if (!program::version().commit.empty()) record.git_commit = program::version().commit;
  record.git_dirty = program::version().dirty;
  record.campaign_json = plan.campaign_json;
  record.campaign_sha256 = plan.campaign_sha256;
  record.models_sha256 = compute_sha256(describe_shapes(plan));
  record.weights = plan.campaign.weights;
  if (!plan.weights_sha256.empty()) record.weights_sha256 = plan.weights_sha256;
  const std::string types = plan.weights ? weights::list_quantized_types(plan.weights->file) : "";
  if (!types.empty())
    record.hazards.push_back(
        fmt::format("the weights are quantized ({}): a scheme of another format quantizes them a second time", types));
  if (!plan.device.forced_variant.empty()) record.kernels.variant = plan.device.forced_variant;
  return record;
}

result::SessionRecord describe_next_session(const RunOptions& options, const RunPlan& plan,
                                            const result::ResultFile* resumed) {
  const measure::EnergySource meter = program::open_meter(options.meter, plan.device);
  if (options.require_energy) require_energy(meter);
  const std::string sources = program::kernel_sources(options.device).sha256();
  result::SessionRecord now = make_session_identity(plan);
  const auto file_seed = resumed != nullptr ? static_cast<std::uint64_t>(resumed->sessions.front().seed) : 1;
  now.seed = static_cast<std::int64_t>(options.seed.value_or(file_seed));
  now.device = measure::describe_device(plan.device);
  now.kernels.source_sha256 = sources;
  now.kernels.build_options = device::Device::common_options();
  now.kernels.tuning_sha256 = program::open_tuning(options.tuning, plan.device, sources).sha256;
  now.meter = measure::describe_meter(meter);
  now.host = measure::read_host(read_machine_limits());
  return now;
}

std::string make_session_id() {
  std::random_device random;
  std::string id;
  for (const char c : utc_timestamp()) {
    if (c != '-' && c != ':' && c != '.') id += c;
  }
  return fmt::format("{}-{:08x}", id, random());
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
