// The plan file (`qtrap.plan`): what `qtrap plan --json` prints. Plain structs whose members are the JSON keys;
// meanings and units stand in the field tables (fields.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "result/words.hpp"

namespace qtrap::result {

inline constexpr const char* kPlanVersion = "1.0";

/// What so many sessions would tell.
struct SessionForecast {
  std::int64_t sessions = 0;
  double half_width_log = 0;
  double detectable = 1;
  bool operator==(const SessionForecast&) const = default;
};

struct PlanFile {
  std::string schema = "qtrap.plan";
  std::string schema_version = kPlanVersion;
  std::string campaign;
  std::int64_t cells = 1;
  double schemes = 1;
  double sessions = 1;
  double blocks = 1;
  double spread_session = 0;
  double spread_block = 0;
  SpreadSource spread_source = SpreadSource::kReference;
  double ratio = 1;
  double power = 0.8;
  std::optional<std::int64_t> sessions_needed;
  std::optional<double> block_s;
  std::vector<SessionForecast> forecasts;
  bool operator==(const PlanFile&) const = default;
};

}  // namespace qtrap::result
