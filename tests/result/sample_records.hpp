// Records in which every field holds a value of its own, so that a swapped pair shows; and a small whole file.
#pragma once

#include <cmath>
#include <string>

#include "core/sha256.hpp"
#include "result/fields.hpp"
#include "result/result_file.hpp"
#include "table/codec.hpp"

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
          if constexpr (IsWord<T>) {
            record.*member = find_word<T>(table::list_words<T>(field.key).back()).value();
          } else if constexpr (requires { requires IsWord<typename T::value_type>; }) {
            record.*member =
                find_word<typename T::value_type>(table::list_words<typename T::value_type>(field.key).back());
          } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::optional<std::string>>) {
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
            record.*member = {field.key.has(table::kDifferences) ? -position : position, 7};
          } else if constexpr (std::is_same_v<T, std::optional<std::vector<double>>>) {
            record.*member = std::vector<double>{position + 0.25, 1e-20};
          }
        },
        field.member);
  }
  return record;
}

/// Numbered fields run value, low, high: exchanges the first two of each, for a value lies within its interval.
inline void order_ceilings(Ceilings& ceilings) {
  for (const Field<Ceilings>& field : fields<Ceilings>()) {
    const auto* low = std::get_if<std::optional<double> Ceilings::*>(&field.member);
    if (low == nullptr || !field.key.name.ends_with("_low")) continue;
    const std::string_view name = field.key.name.substr(0, field.key.name.size() - 4);
    for (const Field<Ceilings>& other : fields<Ceilings>()) {
      const auto* value = std::get_if<std::optional<double> Ceilings::*>(&other.member);
      if (value != nullptr && other.key.name == name) std::swap(ceilings.*(*value), ceilings.*(*low));
    }
  }
}

inline SessionRecord session(const std::string& id = "s0") {
  SessionRecord one = numbered<SessionRecord>();
  one.session_id = id;
  one.schema_version = kSchemaVersion;
  one.schema = "qtrap.result";
  one.origin = Origin::kMeasured;
  one.started_utc = "2026-11-22T09:41:07.123Z";
  one.host = numbered<HostInfo>();
  one.device = numbered<DeviceSummary>();
  one.device.name = "Device, \"quoted\" | ü";
  one.device.capabilities = {{"fp16", true, false, "wrong value"}, {"dot8", false, std::nullopt, std::nullopt}};
  one.kernels = numbered<KernelsInfo>();
  one.meter = numbered<MeterSummary>();
  one.ceilings = numbered<Ceilings>();
  order_ceilings(one.ceilings);
  one.campaign_json = R"({"name":"c","target_ci":0.01})";
  one.campaign_sha256 = compute_sha256(one.campaign_json);
  one.event_timer = {true, "within 1 %"};
  one.refines.reset();
  one.until_ratio = 1.05;
  one.until_error = 0.05;
  one.until_ratios = 12;
  one.until_looks = std::vector<double>{2, 3};
  one.until_spent = std::vector<double>{0.01, 0.04};
  one.until_boundaries = std::vector<double>{3.5, 2.9};
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
  one.wall_s = 2.0;
  one.cell_id = cell;
  one.cell_trials = of;
  one.model = "qwen3-0.6b";
  return one;
}

/// A window that belongs to no point, in a cell of its own.
inline TrialRecord probe(const std::string& cell) {
  TrialRecord one = trial(cell, 0, 1);
  one.mode = TrialMode::kProbe;
  one.point_id.reset();
  one.scheme.reset();
  one.model.reset();
  return one;
}

/// The loss of a scheme on two windows of five tokens.
inline QualityRecord quality(const std::string& scheme, double divergence = 0.25) {
  QualityRecord one;
  one.session_id = "s0";
  one.model = "qwen3-0.6b";
  one.scheme = scheme;
  one.weight_format = "int8";
  one.group_size = 128;
  one.text = "a.txt";
  one.text_sha256 = "0123";
  one.windows = 2;
  one.window_tokens = 5;
  one.predicted_tokens = 8;
  one.window_kl = std::vector<double>{0.5 * divergence, 1.5 * divergence};
  one.kl_nats_per_token = divergence;
  one.kl_nats_per_token_low = 0;
  one.kl_nats_per_token_high = 4 * divergence;
  one.window_top1 = std::vector<double>{1, divergence == 0 ? 1 : 0.5};
  one.top1_agreement = divergence == 0 ? 1 : 0.75;
  one.window_log_loss = std::vector<double>{1, 3};
  one.window_anchor_log_loss = std::vector<double>{1, 2};
  one.perplexity = std::exp(2);
  one.anchor_perplexity = std::exp(1.5);
  one.interval_method = "95 %, t over windows";
  return one;
}

inline PointRecord point(const std::string& id) {
  PointRecord one;
  one.point_id = id;
  one.model = "qwen3-0.6b";
  one.params = 596049920;
  one.scheme = "f16";
  one.path = KernelPath::kNone;
  one.basis = PointBasis::kMeasured;
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

inline EndRecord end() { return {"s0", Ending::kComplete, 1, 0, 3.5}; }

inline std::string line(const Record& record) { return to_json_line(record).value(); }

/// Two sessions, two cells in the first, one in the second, one point, the end.
inline std::string file_text() {
  return line(session()) + line(trial("c1", 0, 2)) + line(trial("c1", 1, 2)) + line(probe("c2")) + line(session("s1")) +
         line(trial("c1", 0, 1, "s1")) + line(point("p-c1")) + line(end());
}

}  // namespace qtrap::result::sample
