#include "result/record_index.hpp"

#include "core/anchor.hpp"

namespace qtrap::result {

Index make_index(const ResultFile& file) {
  Index index;
  for (const SessionRecord& session : file.sessions) index.sessions.emplace(session.session_id, &session);
  for (const TrialRecord& trial : file.trials) {
    if (trial.mode == TrialMode::kCheck) continue;  // no window
    if (trial.point_id) index.trials[*trial.point_id].push_back(&trial);
    ++index.windows[window_of(trial)];
  }
  for (const PointRecord& point : file.points) {
    index.points.insert(point.point_id);
    index.phases.emplace(point.cell_id, point.phase);
    if (point.scheme == kAnchor) index.anchors[point.cell_id].push_back(&point);
  }
  index.complete = file.end && file.end->status == Ending::kComplete;
  return index;
}

}  // namespace qtrap::result
