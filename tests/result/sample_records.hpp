// Records in which every field holds a value of its own, so that a swapped pair shows; and a small whole file.
#pragma once

#include <string>

#include "core/sha256.hpp"
#include "result/fields.hpp"
#include "result/result_file.hpp"

namespace qtrap::result::sample {

/// Fills every member of a flat record with a value derived from its position in the table, in its closed list if any.
template <class R>
R numbered() {
  R record;
  int position = 0;
  for (const Field<R>& field : fields<R>()) {
    ++position;
    std::visit(
        [&]<class T>(T R::*member) {
          const std::string text =
              field.key.words.empty() ? "text " + std::to_string(position) : std::string(field.key.words.back());
          if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::optional<std::string>>) {
            record.*member = text;
          } else if constexpr (std::is_same_v<T, std::int64_t> || std::is_same_v<T, std::optional<std::int64_t>>) {
            record.*member = std::int64_t{1000} + position;
          } else if constexpr (std::is_same_v<T, double> || std::is_same_v<T, std::optional<double>>) {
            record.*member = position + 0.1;
          } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::optional<bool>>) {
            record.*member = true;
          } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
            record.*member = {text, "b"};
          } else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>) {
            record.*member = {field.key.differences ? -position : position, 7};
          } else if constexpr (std::is_same_v<T, std::optional<std::vector<double>>>) {
            record.*member = std::vector<double>{position + 0.25, 1e-20};
          }
        },
        field.member);
  }
  return record;
}

inline SessionRecord session(const std::string& id = "s0") {
  SessionRecord one = numbered<SessionRecord>();
  one.session_id = id;
  one.schema_version = kSchemaVersion;
  one.schema = "qtrap.result";
  one.origin = "measured";
  one.started_utc = "2026-11-22T09:41:07.123Z";
  one.host = numbered<HostInfo>();
  one.device = numbered<DeviceSummary>();
  one.device.name = "Device, \"quoted\" | ü";
  one.device.capabilities = {{"fp16", true, false, "wrong value"}, {"dot8", false, std::nullopt, std::nullopt}};
  one.kernels = numbered<KernelsInfo>();
  one.meter = numbered<MeterSummary>();
  one.ceilings = numbered<Ceilings>();
  one.campaign_json = R"({"name":"c","target_ci":0.01})";
  one.campaign_sha256 = compute_sha256(one.campaign_json);
  one.event_timer = {true, "within 1 %"};
  one.environment = {{"POCL_AFFINITY", "1"}};
  return one;
}

inline TrialRecord trial(const std::string& cell, std::int64_t order, std::int64_t of,
                         const std::string& session = "s0") {
  TrialRecord one;
  one.session_id = session;
  one.point_id = "p-" + cell;
  one.scheme = "f16";
  one.order = order;
  one.wall_s = 0.125;
  one.cell_id = cell;
  one.cell_trials = of;
  one.model = "qwen3-0.6b";
  return one;
}

inline PointRecord point(const std::string& id) {
  PointRecord one;
  one.point_id = id;
  one.model = "qwen3-0.6b";
  one.params = 596049920;
  one.scheme = "f16";
  one.path = "none";
  one.basis = "measured";
  one.trials = 3;
  one.time_s = 2.0;
  one.time_s_low = 1.5;
  one.time_s_high = 2.5;
  one.launches = 12;
  one.cell_id = "c1";
  one.sessions = 1;
  one.session_ids = {"s0"};
  one.output_error = std::vector<double>{0.0, 1e-3};
  return one;
}

inline EndRecord end() { return {"s0", "complete", 1, 0, 3.5}; }

inline std::string line(const Record& record) { return to_json_line(record).value(); }

/// Two sessions, two cells in the first, one in the second, one point, the end.
inline std::string file_text() {
  return line(session()) + line(trial("c1", 0, 2)) + line(trial("c1", 1, 2)) + line(trial("c2", 0, 1)) +
         line(session("s1")) + line(trial("c1", 0, 1, "s1")) + line(point("p-c1")) + line(end());
}

}  // namespace qtrap::result::sample
