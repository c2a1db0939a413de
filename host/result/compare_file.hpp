// The compare file (`qtrap.compare`): what `qtrap compare --json` prints, devices side by side. Plain structs whose
// members are the JSON keys; meanings and units stand in the field tables (fields.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "result/words.hpp"

namespace qtrap::result {

inline constexpr const char* kCompareVersion = "1.1";

/// One device of one file.
struct ComparedSubject {
  std::string label;
  std::string file;
  Origin origin = Origin::kMeasured;
  std::string device_id;
  std::string device_name;
  std::string driver;
  std::int64_t sessions = 0;
  bool operator==(const ComparedSubject&) const = default;
};

/// One ratio to f16.
struct ComparedRatio {
  double ratio = 1;
  std::optional<double> low;
  std::optional<double> high;
  Basis interval_basis = Basis::kNone;
  std::optional<double> degrees_of_freedom;
  std::optional<double> p_value;
  std::optional<double> detectable;
  bool flagged = false;
  Verdict verdict = Verdict::kUndecided;
  std::vector<double> by_session;
  bool operator==(const ComparedRatio&) const = default;
};

/// One scheme in one cell on one subject.
struct ComparedPoint {
  std::int64_t subject = 0;
  std::string label;
  std::string model;
  std::int64_t params = 0;
  std::int64_t batch = 1;
  std::int64_t hops = 1;
  std::int64_t tokens_per_hop = 1;
  std::int64_t context_tokens = 0;
  Phase phase = Phase::kDecode;
  std::string scheme;
  KernelPath path = KernelPath::kNone;
  std::optional<ComparedRatio> time;
  std::optional<ComparedRatio> energy;
  std::optional<ComparedRatio> energy_net;
  std::optional<double> cor_operational;
  std::optional<double> cor_phase;
  std::optional<std::string> deciding_term;
  std::optional<DecidingKind> deciding_kind;
  bool operator==(const ComparedPoint&) const = default;
};

/// How a ratio goes along the hops on one subject.
struct ComparedSlope {
  std::int64_t subject = 0;
  std::string label;
  std::string model;
  double params = 0;
  double batch = 1;
  double tokens_per_hop = 1;
  double context_tokens = 0;
  Phase phase = Phase::kDecode;
  std::string scheme;
  Quantity quantity = Quantity::kTime;
  std::vector<double> hops;
  double ratio_per_doubling = 1;
  std::optional<double> low;
  std::optional<double> high;
  std::int64_t sessions = 0;
  bool operator==(const ComparedSlope&) const = default;
};

/// A crossing on one subject. Its table names `value` after the axis and leaves out what the axis does not fix.
template <Axis>
struct ComparedCritical {
  std::int64_t subject = 0;
  std::string label;
  std::string scheme;
  std::optional<std::string> model_family;
  std::string model;
  double batch = 1;
  double hops = 1;
  double tokens_per_hop = 1;
  double context_tokens = 0;
  Phase phase = Phase::kDecode;
  Quantity quantity = Quantity::kTime;
  CriticalStatus status = CriticalStatus::kNotIdentified;
  std::optional<double> value;
  std::optional<double> low;
  std::optional<double> high;
  CriticalMethod method = CriticalMethod::kInterpolated;
  IntervalBasis interval_basis = IntervalBasis::kBracket;
  std::optional<std::string> reason;
  bool operator==(const ComparedCritical&) const = default;
};

struct CompareFile {
  std::string schema = "qtrap.compare";
  std::string schema_version = kCompareVersion;
  Workload workload = Workload::kProjections;
  std::vector<ComparedSubject> subjects;
  std::vector<ComparedPoint> points;
  std::vector<ComparedSlope> hop_slopes;
  std::vector<ComparedCritical<Axis::kParams>> critical_scale;
  std::vector<ComparedCritical<Axis::kBatch>> critical_batch;
  std::vector<ComparedCritical<Axis::kHops>> critical_hops;
  bool operator==(const CompareFile&) const = default;
};

}  // namespace qtrap::result
