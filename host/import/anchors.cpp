#include "import/anchors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/anchor.hpp"
#include "core/text.hpp"
#include "judge/point_cell.hpp"

namespace qtrap::importer {
namespace {

using judge::CellKey;
using result::PointRecord;
using result::SessionRecord;

constexpr std::size_t kMostNamed = 3;  ///< cells of no table that a message names; the others are counted

/// "qwen3-0.6b, B 2, prefill": a cell of a device that is known.
std::string describe(const CellKey& cell) {
  const bool decode = cell.phase == result::Phase::kDecode;
  return fmt::format("{}, B {:g}{}", cell.model, cell.batch, decode ? "" : fmt::format(", {}", to_string(cell.phase)));
}

/// The session's name and device, without its map's name.
std::string_view name_in_map(std::string_view session_id) { return session_id.substr(session_id.find('/') + 1); }

/// "did you mean `RTX 4090`?", or what there is.
std::string suggest(std::string_view what, const std::string& word, const std::set<std::string>& known) {
  const std::vector<std::string_view> words(known.begin(), known.end());
  const std::string_view near = find_nearest(word, words);
  return near.empty() ? fmt::format("{} there: {}", what, fmt::join(known, ", "))
                      : fmt::format("did you mean {} `{}`?", what, near);
}

/// What keeps a cell from being one of `cells`: the first of device, model, and batch and phase that none of them has.
std::string explain(const CellKey& cell, const std::set<CellKey>& cells) {
  std::set<std::string> devices, models, others;
  for (const CellKey& one : cells) {
    devices.insert(one.device);
    if (one.device == cell.device) models.insert(one.model);
    if (one.device == cell.device && one.model == cell.model) others.insert(describe(one));
  }
  if (!devices.contains(cell.device)) return suggest("device", cell.device, devices);
  if (!models.contains(cell.model)) return suggest("model", cell.model, models);
  return fmt::format("there: {}", fmt::join(others, "; "));
}

/// A session and a cell of it.
using Place = std::pair<std::string, CellKey>;
/// What cells of each session are called, for hazards.
using CellNames = std::map<std::string, std::vector<std::string>>;

class Joiner {
 public:
  Joiner(const Anchors& anchors, std::string_view table_name, result::ResultFile& file)
      : anchors_(anchors), table_name_(table_name), file_(file) {
    for (const PointRecord& point : file.points) {
      (point.scheme == kAnchor ? anchored_ : wanting_).emplace(point.session_ids.front(), judge::cell_of(point));
      cells_.insert(judge::cell_of(point));
    }
    for (const PointRecord& point : anchors.file.points) given_[judge::cell_of(point)].push_back(&point);
  }

  Result<std::vector<std::string>> join() {
    if (const Status status = check_workload(); !status) return status.error();
    if (const Status status = check_any(); !status) return status.error();
    for (const Place& place : wanting_) {
      const auto found = given_.find(place.second);
      if (anchored_.contains(place) || found == given_.end()) continue;
      const auto chosen = choose(place, found->second);
      if (!chosen) return chosen.error();
      add(place, *chosen.value());
    }
    std::vector<std::string> told = note(joined_, [this](const std::string& cells) {
      return fmt::format("f16 of {} is from {}: ratios there are unpaired, without interval and verdict", cells,
                         anchors_.table_name);
    });
    CellNames kept;
    for (const auto& [session, cell] : anchored_) {
      if (given_.contains(cell)) kept[session].push_back(describe(cell));
    }
    for (std::string& line : note(kept, [this](const std::string& cells) {
           return fmt::format("f16 of {} stands in {}, too: the table's own is kept", cells, anchors_.table_name);
         }))
      told.push_back(std::move(line));
    if (std::string strangers = describe_strangers(); !strangers.empty()) told.push_back(std::move(strangers));
    return told;
  }

 private:
  std::vector<CellKey> list_strangers() const {
    std::vector<CellKey> strangers;
    for (const auto& [cell, points] : given_) {
      if (!cells_.contains(cell)) strangers.push_back(cell);
    }
    return strangers;
  }

  std::string describe_stranger(const CellKey& cell) const {
    return fmt::format("{} on {} ({})", describe(cell), cell.device, explain(cell, cells_));
  }

  Status check_workload() const {
    const result::Workload own = file_.points.front().workload;
    const result::Workload other = anchors_.file.points.front().workload;
    if (own == other) return Done{};
    return usage_error(fmt::format("{} is of another workload than {}", anchors_.table_name, table_name_),
                       fmt::format("{} and {}", to_string(other), to_string(own)),
                       "correct `workload` in one of the maps");
  }

  Status check_any() const {
    const std::vector<CellKey> strangers = list_strangers();
    if (strangers.size() < given_.size()) return Done{};
    return usage_error(fmt::format("{}: no f16 row is of a cell of {}", anchors_.table_name, table_name_),
                       describe_stranger(strangers.front()),
                       "give device and model the names they have there, in the table or by --anchor-map");
  }

  std::string describe_strangers() const {
    const std::vector<CellKey> strangers = list_strangers();
    if (strangers.empty()) return {};
    std::vector<std::string> named;
    for (std::size_t i = 0; i < std::min(kMostNamed, strangers.size()); ++i)
      named.push_back(describe_stranger(strangers[i]));
    if (strangers.size() > kMostNamed) named.push_back(fmt::format("{} more", strangers.size() - kMostNamed));
    return fmt::format("{}: {} of {} f16 configurations are of no cell of {}: {}", anchors_.table_name,
                       strangers.size(), given_.size(), table_name_, fmt::join(named, "; "));
  }

  Result<const PointRecord*> choose(const Place& place, const std::vector<const PointRecord*>& points) const {
    if (points.size() == 1) return points.front();
    for (const PointRecord* one : points) {
      if (name_in_map(one->session_ids.front()) == name_in_map(place.first)) return one;
    }
    return usage_error(fmt::format("{}: several sessions hold f16 of a cell", anchors_.table_name),
                       describe(place.second),
                       "name one as the session of the table, or keep one by `where` in a map of its own "
                       "(--anchor-map)");
  }

  SessionRecord& session_of(const std::string& id) {
    return *std::find_if(file_.sessions.begin(), file_.sessions.end(),
                         [&id](const SessionRecord& one) { return one.session_id == id; });
  }

  static void add_hazard(const std::string& hazard, SessionRecord& session) {
    auto& hazards = session.hazards;
    if (std::find(hazards.begin(), hazards.end(), hazard) == hazards.end()) hazards.push_back(hazard);
  }

  void add(const Place& place, const PointRecord& anchor) {
    PointRecord point = anchor;
    point.point_id = fmt::format("{}|{}|{}", place.first, point.cell_id, kAnchor);
    point.session_ids = {place.first};
    point.anchor_table = anchors_.table_name;
    SessionRecord& session = session_of(place.first);
    add_origin(anchor.session_ids.front(), session);
    file_.points.push_back(std::move(point));
    joined_[place.first].push_back(describe(place.second));
  }

  /// Where the anchor's session says it comes from.
  void add_origin(const std::string& anchor_session, SessionRecord& session) const {
    auto& environment = session.environment;
    environment["import_anchor_table"] = anchors_.table_name;
    environment["import_anchor_table_sha256"] = anchors_.table_sha256;
    if (anchors_.map_json) environment["import_anchor_map"] = *anchors_.map_json;
    for (const SessionRecord& one : anchors_.file.sessions) {
      if (one.session_id != anchor_session) continue;
      for (const std::string& hazard : one.hazards) add_hazard(hazard, session);
      for (const char* key : {"source", "licence", "stack"}) {
        const auto found = one.environment.find(std::string("import_") + key);
        if (found != one.environment.end()) environment[std::string("import_anchor_") + key] = found->second;
      }
    }
  }

  /// Each session's hazard, and the same with its session's name.
  template <class Write>
  std::vector<std::string> note(const CellNames& names, const Write& write) {
    std::vector<std::string> told;
    for (const auto& [id, cells] : names) {
      const std::string hazard = write(fmt::format("{}", fmt::join(cells, "; ")));
      add_hazard(hazard, session_of(id));
      told.push_back(fmt::format("{}: {}", id, hazard));
    }
    return told;
  }

  const Anchors& anchors_;
  std::string_view table_name_;
  result::ResultFile& file_;
  std::set<Place> anchored_, wanting_;
  std::set<CellKey> cells_;
  std::map<CellKey, std::vector<const PointRecord*>> given_;
  CellNames joined_;
};

}  // namespace

Result<std::vector<std::string>> join_anchors(const Anchors& anchors, std::string_view table_name,
                                              result::ResultFile& file) {
  return Joiner(anchors, table_name, file).join();
}

}  // namespace qtrap::importer
