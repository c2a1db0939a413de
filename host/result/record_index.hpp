// What the rules that span records look up (check_records.hpp). Private to this layer.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "result/result_file.hpp"

namespace qtrap::result {

/// Session, cell, block, order: what a trial and its samples share.
using Window = std::tuple<std::string, std::string, std::int64_t, std::int64_t>;

template <class R>
Window window_of(const R& record) {
  return {record.session_id, record.cell_id, record.block, record.order};
}

/// What the rules that span records look up.
struct Index {
  std::map<std::string, const SessionRecord*> sessions;
  std::map<std::string, std::vector<const TrialRecord*>> trials;   ///< by point_id
  std::map<std::string, std::vector<const PointRecord*>> anchors;  ///< by cell_id
  std::map<std::string, Phase> phases;                             ///< of the first point, by cell_id
  std::set<std::string> points;
  std::map<Window, int> windows;  ///< trials of each
  bool complete = false;          ///< the run says that it lacks nothing
};

/// Of all records of `file`, which it points into; checks are no windows.
Index make_index(const ResultFile& file);

}  // namespace qtrap::result
