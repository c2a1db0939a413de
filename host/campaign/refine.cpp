#include "campaign/refine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "campaign/run.hpp"
#include "campaign/run_plan.hpp"
#include "core/file.hpp"
#include "fit/file/fit_report.hpp"
#include "fit/refine.hpp"
#include "model/scaled_model.hpp"
#include "program/folders.hpp"

namespace qtrap::campaign {
namespace {

using fit::Bracket;

template <class T>
void add(std::vector<T>& list, const T& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

std::int64_t whole(double value) { return std::llround(value); }

/// The file's campaign without cells, with as many sessions as its points have.
profile::Campaign make_empty(const result::ResultFile& file, const std::string& path) {
  auto campaign =
      profile::parse_campaign(file.sessions.front().campaign_json, path + ": campaign", scheme_names()).value();
  for (auto* list :
       {&campaign.batch, &campaign.hops, &campaign.tokens_per_hop, &campaign.context_tokens, &campaign.prompt_tokens})
    list->clear();
  campaign.models.clear();
  campaign.sessions = 1;
  for (const auto& point : file.points) campaign.sessions = std::max(campaign.sessions, point.sessions);
  return campaign;
}

/// What a bracket leaves fixed.
void add_fixed(const Bracket& bracket, profile::Campaign& campaign) {
  add(campaign.hops, whole(bracket.cell.hops));
  add(campaign.tokens_per_hop, whole(bracket.cell.tokens));
  add(campaign.context_tokens, whole(bracket.cell.context));
}

/// Whether the file has points there, which then failed or say nothing: to measure it again narrows nothing.
bool was_tried(const result::ResultFile& file, const Bracket& bracket, const std::string& model, double batch) {
  const judge::CellKey& cell = bracket.cell;
  return std::any_of(file.points.begin(), file.points.end(), [&](const result::PointRecord& point) {
    return point.scheme == bracket.scheme && point.model == model && static_cast<double>(point.batch) == batch &&
           static_cast<double>(point.hops) == cell.hops && static_cast<double>(point.tokens_per_hop) == cell.tokens &&
           static_cast<double>(point.context_tokens) == cell.context && point.phase == cell.phase;
  });
}

Refinement refine_batches(const result::ResultFile& file, const std::vector<Bracket>& brackets,
                          profile::Campaign campaign) {
  Refinement refinement{std::move(campaign), {}, {}};
  for (const Bracket& bracket : brackets) {
    if (bracket.axis != fit::Axis::kBatch) continue;
    const auto batch = fit::choose_between(bracket.lower, bracket.upper);
    if (!batch || was_tried(file, bracket, bracket.cell.model, static_cast<double>(*batch))) continue;
    add_fixed(bracket, refinement.campaign);
    add(refinement.campaign.models, bracket.cell.model);
    add(refinement.campaign.batch, *batch);
    refinement.words +=
        fmt::format("{} of {}, {}: B* lies between {:g} and {:g}: batch {}\n", bracket.scheme, bracket.cell.model,
                    to_string(bracket.quantity), bracket.lower, bracket.upper, *batch);
  }
  return refinement;
}

/// Models of one device's file by their size, and what may lie between two of them.
class Sizes {
 public:
  Sizes(const result::ResultFile& file, const std::string& path) : file_(file), path_(path) {}

  /// Name or path of a model between the two; empty: there is none and none can be made.
  std::string choose(const Bracket& bracket, std::vector<NewModel>& made) const {
    if (auto known = find_published(bracket); !known.empty()) return known;
    const auto lower = load(bracket.lower);
    const auto upper = load(bracket.upper);
    const auto scaled = model::scale_between(lower, upper);
    if (!scaled) return {};
    const auto place = std::filesystem::absolute(path_).parent_path() / (scaled->name + ".json");
    const NewModel file{place.string(), profile::to_json(*scaled)};
    const auto same = [&](const NewModel& one) { return one.path == file.path; };
    if (std::none_of(made.begin(), made.end(), same)) made.push_back(file);
    return file.path;
  }

 private:
  profile::ModelProfile load(double params) const {
    const auto found = std::find_if(file_.points.begin(), file_.points.end(),
                                    [&](const auto& point) { return static_cast<double>(point.params) == params; });
    return profile::load_model(found->model, program::profile_folders("models")).value();
  }

  /// The one nearest to the middle of the logarithms.
  std::string find_published(const Bracket& bracket) const {
    if (bracket.cell.family.empty()) return {};
    std::string best;
    double least = 0;
    const double middle = 0.5 * std::log(bracket.lower * bracket.upper);
    for (const auto& name : profile::list_profiles(program::profile_folders("models"))) {
      const auto model = profile::load_model(name, program::profile_folders("models"));
      if (!model || model.value().family != bracket.cell.family) continue;
      const auto params = static_cast<double>(model::compute_parameters(model.value()));
      if (params <= bracket.lower || params >= bracket.upper) continue;
      const double distance = std::abs(std::log(params) - middle);
      if (!best.empty() && distance >= least) continue;
      best = name;
      least = distance;
    }
    return best;
  }

  const result::ResultFile& file_;
  std::string path_;
};

Refinement refine_sizes(const result::ResultFile& file, const std::vector<Bracket>& brackets,
                        profile::Campaign campaign, const Sizes& sizes) {
  Refinement refinement{std::move(campaign), {}, {}};
  for (const Bracket& bracket : brackets) {
    if (bracket.axis != fit::Axis::kParams) continue;
    const std::string model = sizes.choose(bracket, refinement.models);
    if (model.empty() || was_tried(file, bracket, model, bracket.cell.batch)) continue;
    const bool scaled = std::any_of(refinement.models.begin(), refinement.models.end(),
                                    [&model](const NewModel& one) { return one.path == model; });
    add_fixed(bracket, refinement.campaign);
    add(refinement.campaign.batch, whole(bracket.cell.batch));
    add(refinement.campaign.models, model);
    refinement.words += fmt::format("{} at batch {:g}, {}: N* lies between {:.3g} and {:.3g}: {}{}\n", bracket.scheme,
                                    bracket.cell.batch, to_string(bracket.quantity), bracket.lower, bracket.upper,
                                    model, scaled ? ", a scaled shape: no model of the family lies there" : "");
  }
  return refinement;
}

}  // namespace

std::vector<Refinement> plan_refinements(const result::ResultFile& file, const std::string& path) {
  const auto report = fit::make_fit_report(std::vector{file}, {}).value();
  std::vector<Bracket> brackets = fit::find_brackets(report.critical);
  const profile::Campaign empty = make_empty(file, path);
  std::vector<Refinement> refinements;
  for (Refinement& one :
       std::vector{refine_batches(file, brackets, empty), refine_sizes(file, brackets, empty, Sizes(file, path))}) {
    if (!one.campaign.models.empty()) refinements.push_back(std::move(one));
  }
  return refinements;
}

void write_models(const Refinement& refinement) {
  for (const NewModel& model : refinement.models) {
    const auto known = read_file(model.path);
    if (known && known.value() == model.text) continue;
    if (auto done = write_file(model.path, model.text, false); !done) throw Failure(done.error());
  }
}

}  // namespace qtrap::campaign
