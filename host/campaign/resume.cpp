#include "campaign/resume.hpp"

#include <fmt/format.h>

#include <functional>
#include <numeric>
#include <optional>
#include <span>

namespace qtrap::campaign {
namespace {

using result::SessionRecord;
using Text = std::optional<std::string>;

/// One key that all sessions of a file share.
struct Rule {
  const char* key;
  const char* differs;  ///< after "the file "
  const char* fix;
  std::function<Text(const SessionRecord&)> get;
  bool of_campaign = false;  ///< a session that refines a campaign, or that one, has another
};

constexpr const char* kChooseDevice = "choose that device with --device";
constexpr const char* kNewFile = "restore what changed, or start a new file with --out";
constexpr const char* kMeter = "resume it with the --meter it was started with, or start a new file with --out";

Text text(const std::string& value) { return value; }
Text text(std::int64_t value) { return std::to_string(value); }
Text text(double value) { return fmt::format("{}", value); }
Text text(bool value) { return value ? "true" : "false"; }
Text text(const std::vector<double>& value) { return fmt::format("{}", fmt::join(value, " ")); }
template <IsWord E>
Text text(E value) {
  return to_string(value);
}
template <class T>
Text text(const std::optional<T>& value) {
  return value ? text(*value) : std::nullopt;
}

/// A getter of one member of one part of a session.
template <class Part, class T>
std::function<Text(const SessionRecord&)> of(Part SessionRecord::*part, T Part::*member) {
  return [part, member](const SessionRecord& session) { return text(session.*part.*member); };
}
template <class T>
std::function<Text(const SessionRecord&)> of(T SessionRecord::*member) {
  return [member](const SessionRecord& session) { return text(session.*member); };
}

constexpr const char* kOtherLooks = "was planned with other looks";
constexpr const char* kAsPlanned = "leave --until and --max-sessions out: it goes on as it was planned";
constexpr const char* kOtherProgram = "was written by another build of qtrap";
constexpr const char* kThatProgram = "resume it with that program, or start a new file with --out";
constexpr const char* kOtherDevice = "was measured on another device";
constexpr const char* kOtherDriver = "was measured with another driver";
constexpr const char* kOtherKernels = "was measured with other kernels";
constexpr const char* kOtherMeter = "was measured with another energy meter";
constexpr const char* kOtherSensor = "was measured with other constants of the sensor";
constexpr const char* kOtherHost = "was measured on another host";

using S = SessionRecord;
using D = result::DeviceSummary;
using K = result::KernelsInfo;
using M = result::MeterSummary;
using H = result::HostInfo;

/// Memory is left out: what PoCL and the kernel report varies between processes and boots.
const Rule kRules[] = {
    {"origin", "was imported, not measured", "name the file of a run", of(&S::origin)},
    {"until_ratio", "was planned to look for another ratio", kAsPlanned, of(&S::until_ratio), true},
    {"until_looks", kOtherLooks, kAsPlanned, of(&S::until_looks), true},
    {"until_ratios", kOtherLooks, kNewFile, of(&S::until_ratios), true},
    {"until_spent", kOtherLooks, kNewFile, of(&S::until_spent), true},
    {"campaign_sha256", "belongs to another campaign",
     "resume it with the campaign and --set it was started with, or with neither", of(&S::campaign_sha256), true},
    {"models_sha256", "was measured with other model shapes", kNewFile, of(&S::models_sha256), true},
    {"weights_sha256", "was measured with other weights", kNewFile, of(&S::weights_sha256)},
    {"seed", "was measured with another seed", "leave --seed out", of(&S::seed)},
    {"tool_version", kOtherProgram, kThatProgram, of(&S::tool_version)},
    {"git_commit", kOtherProgram, kThatProgram, of(&S::git_commit)},
    {"git_dirty", kOtherProgram, kThatProgram, of(&S::git_dirty)},
    {"device.id", kOtherDevice, kChooseDevice, of(&S::device, &D::id)},
    {"device.platform", kOtherDevice, kChooseDevice, of(&S::device, &D::platform)},
    {"device.name", kOtherDevice, kChooseDevice, of(&S::device, &D::name)},
    {"device.type", kOtherDevice, kChooseDevice, of(&S::device, &D::type)},
    {"device.vendor", kOtherDriver, kNewFile, of(&S::device, &D::vendor)},
    {"device.driver", kOtherDriver, kNewFile, of(&S::device, &D::driver)},
    {"device.compute_units", "was measured with another number of compute units", kNewFile,
     of(&S::device, &D::compute_units)},
    {"device.kernel_family", kOtherKernels, "resume it with the --variant it was started with",
     of(&S::device, &D::kernel_family)},
    {"kernels.variant", kOtherKernels, "resume it with the --variant it was started with, or none",
     of(&S::kernels, &K::variant)},
    {"kernels.source_sha256", kOtherKernels, "resume it with the --kernel-dir and program it was started with",
     of(&S::kernels, &K::source_sha256)},
    {"kernels.build_options", kOtherKernels, kNewFile, of(&S::kernels, &K::build_options)},
    {"kernels.tuning_sha256", "was measured with other tunables",
     "resume it with --tuning and that file, or --tuning none for the defaults", of(&S::kernels, &K::tuning_sha256)},
    {"meter.name", kOtherMeter, kMeter, of(&S::meter, &M::name)},
    {"meter.board", kOtherMeter, kMeter, of(&S::meter, &M::board)},
    {"meter.scope", kOtherMeter, kMeter, of(&S::meter, &M::scope)},
    {"meter.method", kOtherMeter, kMeter, of(&S::meter, &M::method)},
    {"meter.sensor_basis", kOtherSensor, kNewFile, of(&S::meter, &M::sensor_basis)},
    {"meter.period_s", kOtherSensor, kNewFile, of(&S::meter, &M::period_s)},
    {"meter.window_s", kOtherSensor, kNewFile, of(&S::meter, &M::window_s)},
    {"meter.delay_s", kOtherSensor, kNewFile, of(&S::meter, &M::delay_s)},
    {"meter.rise_s", kOtherSensor, kNewFile, of(&S::meter, &M::rise_s)},
    {"host.cpu", kOtherHost, kNewFile, of(&S::host, &H::cpu)},
    {"host.kernel", kOtherHost, kNewFile, of(&S::host, &H::kernel)},
    {"host.governor", "was measured under another frequency governor", kNewFile, of(&S::host, &H::governor)},
};

/// Whether the two belong to one campaign and what refines it.
bool refine_one(const SessionRecord& now, const SessionRecord& session) {
  if (!now.refines || session.campaign_sha256 == now.campaign_sha256) return false;
  return session.campaign_sha256 == now.refines || session.refines == now.refines;
}

std::string or_none(const Text& value) { return value.value_or("none"); }

Status check_trial_layers(const result::TrialRecord& trial, const std::string& path,
                          const profile::ModelProfile& model) {
  const std::int64_t layers = trial.layers.value_or(model.layers);
  const std::int64_t resident = trial.resident_layers.value_or(layers);
  if (layers >= 1 && layers <= model.layers && resident >= 1 && resident <= layers) return Done{};
  return usage_error(fmt::format("{}: a trial of cell {} ran layers that {} has not", path, trial.cell_id, model.name),
                     fmt::format("{} layers, {} resident", layers, resident),
                     fmt::format("from 1 to {} are possible; restore the file", model.layers));
}

}  // namespace

Result<OpenedResult> open_for_resume(const std::string& path) {
  auto file = AppendFile::open(path);
  if (!file) return file.error();
  auto text = file.value().read();
  if (!text) return text.error();
  auto records = result::parse_whole_result(text.value(), path);
  if (!records) return records.error();
  return OpenedResult{std::move(file).value(), std::move(records).value()};
}

Status check_resumable(const result::ResultFile& file, const std::string& path, const SessionRecord& now) {
  for (const Rule& rule : kRules) {
    const Text wanted = rule.get(now);
    for (const SessionRecord& session : file.sessions) {
      const Text found = rule.get(session);
      if (found == wanted || (rule.of_campaign && refine_one(now, session))) continue;
      return usage_error(fmt::format("{}: the file {}", path, rule.differs),
                         fmt::format("{} {}, now {}", rule.key, or_none(found), or_none(wanted)), rule.fix);
    }
  }
  return Done{};
}

Status check_layers(const result::ResultFile& file, const std::string& path,
                    const std::map<std::string, profile::ModelProfile>& models) {
  std::map<std::string, std::int64_t> resident;
  for (const result::TrialRecord& trial : file.trials) {
    const auto model = models.find(trial.model.value_or(""));
    if (model == models.end()) continue;  // a probe or idle window
    if (Status status = check_trial_layers(trial, path, model->second); !status) return status;
    if (!trial.resident_layers) continue;
    const auto [known, added] = resident.emplace(model->first, *trial.resident_layers);
    if (known->second == *trial.resident_layers) continue;
    return usage_error(fmt::format("{}: trials of {} held different numbers of layers", path, model->first),
                       fmt::format("{} and {}", known->second, *trial.resident_layers), "restore the file");
  }
  return Done{};
}

double compute_earlier_wall_s(const result::ResultFile& file) {
  if (file.end) return file.end->wall_s;
  return std::accumulate(file.trials.begin(), file.trials.end(), 0.0,
                         [](double sum, const result::TrialRecord& trial) { return sum + trial.wall_s; });
}

}  // namespace qtrap::campaign
