// The fit file (`qtrap.fit`): one JSON object with all that `qtrap fit` found. Plain structs whose members are the JSON
// keys; meanings and units stand in the field tables (fields.hpp). `fit` fills them, this layer writes and reads them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "result/words.hpp"

namespace qtrap::result {

inline constexpr const char* kFitVersion = "1.2";

/// One coefficient of a decomposition; value and interval are absent where it is not identified.
struct Coefficient {
  std::string name;
  std::string unit;
  std::optional<double> value;
  std::optional<double> low;
  std::optional<double> high;
  bool identified = false;
  std::optional<double> vif;
  std::optional<std::string> reason = {};
  bool operator==(const Coefficient&) const = default;
};

/// One form fitted to all windows.
struct FormFit {
  Form form = Form::kAdditive;
  std::int64_t rank = 0;
  std::optional<double> condition_number;
  double r2 = 0;
  std::optional<double> loo_mape;
  std::optional<double> loo_mape_session;
  std::optional<double> aicc;
  std::optional<double> aicc_without_casts;
  std::vector<Coefficient> coefficients;
  bool operator==(const FormFit&) const = default;
};

/// The decomposition of one quantity, or why there is none.
struct QuantityFit {
  FitStatus status = FitStatus::kNoData;
  std::optional<std::string> reason;
  std::optional<Form> form;
  std::vector<Coefficient> coefficients;
  std::optional<std::int64_t> rows;
  std::optional<std::int64_t> rank;
  std::optional<double> condition_number;
  std::optional<double> r2;
  std::optional<double> loo_mape;
  std::optional<double> loo_mape_session;
  std::map<std::string, double> residual_by_scheme;
  std::optional<std::int64_t> configurations;
  std::optional<std::int64_t> sessions;
  std::optional<double> confidence;
  std::optional<IntervalBasis> interval_basis;
  std::optional<std::string> choice;
  std::vector<FormFit> forms;
  bool operator==(const QuantityFit&) const = default;
};

/// That of energy.
struct EnergyFit : QuantityFit {
  std::optional<double> static_power_w;
  std::optional<double> static_power_sd_w;
  std::optional<double> sensor_gain_error;
  bool operator==(const EnergyFit&) const = default;
};

/// Model size at which the ratio to the anchor crosses 1.
struct CriticalScale {
  std::string device;
  std::string scheme;
  std::optional<std::string> model_family;
  std::int64_t batch = 1;
  std::optional<std::int64_t> hops;
  std::optional<std::int64_t> tokens_per_hop;
  std::optional<std::int64_t> context_tokens;
  Phase phase = Phase::kDecode;
  Quantity quantity = Quantity::kTime;
  CriticalStatus status = CriticalStatus::kNotIdentified;
  std::optional<double> n_star;
  std::optional<double> low;
  std::optional<double> high;
  std::optional<CriticalMethod> method;
  std::vector<double> sizes_used;
  std::optional<double> paper_printed;
  std::optional<double> paper_rederived;
  std::optional<std::string> reason = {};
  std::optional<Direction> direction = {};
  std::optional<IntervalBasis> interval_basis = {};
  std::optional<double> log_offset = {};
  bool operator==(const CriticalScale&) const = default;
};

/// Batch at which the ratio to the anchor crosses 1.
struct CriticalBatch {
  std::string device;
  std::string scheme;
  std::string model;
  std::optional<std::int64_t> hops;
  std::optional<std::int64_t> tokens_per_hop;
  std::optional<std::int64_t> context_tokens;
  Phase phase = Phase::kDecode;
  Quantity quantity = Quantity::kTime;
  CriticalStatus status = CriticalStatus::kNotIdentified;
  std::optional<double> b_star;
  std::optional<double> low;
  std::optional<double> high;
  std::optional<CriticalMethod> method;
  std::vector<double> sizes_used;
  std::optional<double> paper_printed;
  std::optional<double> paper_rederived;
  std::optional<std::string> reason = {};
  std::optional<Direction> direction = {};
  std::optional<IntervalBasis> interval_basis = {};
  std::optional<double> log_offset = {};
  bool operator==(const CriticalBatch&) const = default;
};

/// Hops of a chain at which the ratio to the anchor crosses 1.
struct CriticalHops {
  std::string device;
  std::string scheme;
  std::string model;
  std::int64_t batch = 1;
  std::optional<std::int64_t> tokens_per_hop;
  std::optional<std::int64_t> context_tokens;
  Phase phase = Phase::kDecode;
  Quantity quantity = Quantity::kTime;
  CriticalStatus status = CriticalStatus::kNotIdentified;
  std::optional<double> h_star;
  std::optional<double> low;
  std::optional<double> high;
  std::optional<CriticalMethod> method;
  std::vector<double> sizes_used;
  std::optional<std::string> reason = {};
  std::optional<Direction> direction = {};
  std::optional<IntervalBasis> interval_basis = {};
  std::optional<double> log_offset = {};
  bool operator==(const CriticalHops&) const = default;
};

/// A crossing by the method that was not chosen. Its table names `value` after the axis (n_star, b_star, h_star) and
/// leaves out what the axis does not fix, which stays empty or 0.
template <Axis>
struct OtherCritical {
  std::string device;
  std::string model;
  double params = 0;
  double batch = 0;
  double hops = 0;
  double tokens_per_hop = 1;
  double context_tokens = 0;
  Phase phase = Phase::kDecode;
  std::optional<std::string> model_family;
  std::string scheme;
  Quantity quantity = Quantity::kTime;
  CriticalStatus status = CriticalStatus::kNotIdentified;
  std::optional<double> value;
  std::optional<double> low;
  std::optional<double> high;
  CriticalMethod method = CriticalMethod::kFitted;
  std::vector<double> sizes_used;
  std::optional<std::string> reason;
  std::optional<Direction> direction;
  IntervalBasis interval_basis = IntervalBasis::kBracket;
  std::optional<double> log_offset = {};
  bool operator==(const OtherCritical&) const = default;
};

/// The paper's TDP x time energy of a point beside the measured one.
struct PaperView {
  std::string point_id;
  std::string device;
  std::string model;
  std::string scheme;
  std::int64_t batch = 1;
  Phase phase = Phase::kDecode;
  double energy_tdp_j = 0;
  double energy_gross_j = 0;
  std::optional<double> energy_ratio_tdp;
  std::optional<double> energy_ratio;
  std::optional<double> cor_operational = {};
  std::optional<double> cor_phase = {};
  bool operator==(const PaperView&) const = default;
};

struct PaperSummary {
  std::int64_t compared = 0;
  std::int64_t sign_disagreements = 0;
  bool operator==(const PaperSummary&) const = default;
};

/// The ratio of one scheme in one cell, and what it says.
struct VerdictEntry {
  std::string device;
  std::string model;
  double params = 0;
  double batch = 1;
  double hops = 1;
  double tokens_per_hop = 1;
  double context_tokens = 0;
  Phase phase = Phase::kDecode;
  std::optional<std::string> model_family;
  std::string scheme;
  Quantity quantity = Quantity::kTime;
  double ratio = 1;
  std::optional<double> low;
  std::optional<double> high;
  Basis interval_basis = Basis::kNone;
  std::optional<double> degrees_of_freedom;
  std::optional<double> p_value;
  std::optional<double> detectable;
  std::int64_t sessions = 0;
  std::int64_t sessions_without_anchor = 0;
  Verdict verdict = Verdict::kUndecided;
  bool operator==(const VerdictEntry&) const = default;
};

/// How the ratio of one scheme goes along the hops.
struct HopSlope {
  std::string device;
  std::string model;
  double params = 0;
  double batch = 1;
  std::vector<double> hops;
  double tokens_per_hop = 1;
  double context_tokens = 0;
  Phase phase = Phase::kDecode;
  std::optional<std::string> model_family;
  std::string scheme;
  Quantity quantity = Quantity::kTime;
  double ratio_per_doubling = 1;
  std::optional<double> low;
  std::optional<double> high;
  std::optional<double> degrees_of_freedom;
  std::int64_t sessions = 0;
  bool operator==(const HopSlope&) const = default;
};

/// From which batch one scheme is bound by instructions, as predicted and as measured.
struct OperationBound {
  std::string device;
  std::string model;
  double params = 0;
  std::vector<double> batches;
  double hops = 1;
  double tokens_per_hop = 1;
  double context_tokens = 0;
  Phase phase = Phase::kDecode;
  std::string scheme;
  double unpack_operations = 0;
  double operation_budget = 0;
  double predicted_bound_batch = 0;
  std::optional<double> predicted_slower_batch;
  std::optional<double> measured_bound_low;
  std::optional<double> measured_bound_high;
  bool operator==(const OperationBound&) const = default;
};

/// A value with its interval.
struct IntervalValue {
  double value = 0;
  double low = 0;
  double high = 0;
  bool operator==(const IntervalValue&) const = default;
};

/// Shares of a measured value; with `unexplained` they sum to 1.
struct PartShares {
  double part_static = 0, bytes = 0, pass_bytes = 0, operations = 0, dequantize = 0, cast = 0, launches = 0, syncs = 0;
  double unexplained = 0;
  bool operator==(const PartShares&) const = default;
};

/// Whether the cost behind each share is identified.
struct SeparableParts {
  bool part_static = false, bytes = false, pass_bytes = false, operations = false, dequantize = false, cast = false,
       launches = false, syncs = false;
  bool operator==(const SeparableParts&) const = default;
};

/// What would happen if.
struct Counterfactual {
  std::string name;
  double predicted = 0;
  std::optional<IntervalValue> ratio;
  bool operator==(const Counterfactual&) const = default;
};

/// Where the time or energy of one point goes.
struct Attribution {
  std::string point_id;
  std::string scheme;
  std::string model;
  double params = 0;
  double batch = 1;
  double steps = 1;
  double hops = 1;
  double tokens_per_hop = 1;
  double context_tokens = 0;
  Phase phase = Phase::kDecode;
  Quantity quantity = Quantity::kTime;
  PointBasis basis = PointBasis::kFitted;
  double measured = 0;
  double predicted = 0;
  PartShares shares;
  SeparableParts separable;
  std::optional<IntervalValue> ratio;
  std::optional<double> fitted_ratio;
  Verdict verdict = Verdict::kUndecided;
  std::optional<std::string> deciding_term;
  std::optional<DecidingKind> deciding_kind;
  std::vector<Counterfactual> counterfactuals;
  bool deciding_identified = false;
  std::optional<IntervalValue> deciding_share;
  std::string sentence;
  bool operator==(const Attribution&) const = default;
};

/// Cost of a step by layers and parameters, of one scheme over the models.
struct Scaling {
  std::string device;
  double batch = 1;
  double hops = 1;
  double tokens_per_hop = 1;
  double context_tokens = 0;
  Phase phase = Phase::kDecode;
  std::optional<std::string> model_family;
  std::string scheme;
  Quantity quantity = Quantity::kTime;
  std::optional<std::string> reason;
  std::optional<Coefficient> per_layer;
  std::optional<Coefficient> per_param;
  std::optional<double> layer_share;
  std::optional<double> loo_mape;
  std::optional<double> loo_max;
  std::optional<double> ratio_loo_mape;
  std::optional<double> ratio_loo_max;
  std::optional<double> ratio_baseline_mape;
  std::vector<double> sizes_used;
  bool operator==(const Scaling&) const = default;
};

/// How far a law and one ratio for all are off a vendor's devices, which neither saw.
struct VendorLeftOut {
  std::string vendor;
  std::int64_t devices = 0;
  double law_error = 0;
  double constant_error = 0;
  bool operator==(const VendorLeftOut&) const = default;
};

/// How the ratio of a scheme to one that casts nothing goes with what a device computes per byte it reads, over devices
/// of one type: max(floor_ratio, cast_flop_per_byte / flop per byte).
struct DeviceBalance {
  DeviceType device_type = DeviceType::kGpu;
  std::string model;
  double params = 0;
  double batch = 1;
  double hops = 1;
  double tokens_per_hop = 1;
  double context_tokens = 0;
  Phase phase = Phase::kDecode;
  std::optional<std::string> model_family;
  std::string scheme;
  Quantity quantity = Quantity::kTime;
  std::string reference;
  RateBasis basis = RateBasis::kMeasured;
  std::int64_t devices = 0;
  std::int64_t vendors = 0;
  double flop_per_byte_least = 0;
  double flop_per_byte_most = 0;
  double median_ratio = 1;
  std::optional<double> median_ratio_low;
  std::optional<double> median_ratio_high;
  std::optional<double> rank_correlation;
  std::optional<double> rank_correlation_low;
  std::optional<double> rank_correlation_high;
  CriticalStatus status = CriticalStatus::kNotIdentified;
  std::optional<double> threshold;
  std::optional<double> low;
  std::optional<double> high;
  std::optional<double> floor_ratio;
  std::optional<double> floor_ratio_low;
  std::optional<double> floor_ratio_high;
  std::optional<double> cast_flop_per_byte;
  std::optional<double> cast_flop_per_byte_low;
  std::optional<double> cast_flop_per_byte_high;
  std::optional<double> law_error;
  std::optional<double> constant_error;
  std::vector<VendorLeftOut> vendors_left_out;
  double confidence = 0;
  std::optional<std::string> reason;
  bool operator==(const DeviceBalance&) const = default;
};

/// One scheme of a cell beside f16; above 1 is better in every criterion.
struct ParetoPoint {
  std::string scheme;
  double throughput_vs_f16 = 1;
  std::optional<double> frugality_vs_f16;
  std::optional<double> accuracy_vs_f16;
  std::vector<std::string> dominated_by;
  std::optional<double> qtrap_weighted_index;
  bool operator==(const ParetoPoint&) const = default;
};

struct ParetoCell {
  std::string device;
  std::string cell;
  std::string model;
  double batch = 1;
  Phase phase = Phase::kDecode;
  std::vector<ParetoPoint> points;
  bool operator==(const ParetoCell&) const = default;
};

struct FitFile {
  std::string schema = "qtrap.fit";
  std::string schema_version = kFitVersion;
  std::vector<std::string> sessions;
  QuantityFit time;
  EnergyFit energy;
  std::vector<CriticalScale> critical_scale;
  std::vector<CriticalBatch> critical_batch;
  std::optional<std::vector<CriticalHops>> critical_hops;  ///< absent before version 1.1
  std::vector<PaperView> paper_view;
  std::vector<OtherCritical<Axis::kParams>> critical_scale_other;
  std::vector<OtherCritical<Axis::kBatch>> critical_batch_other;
  std::vector<OtherCritical<Axis::kHops>> critical_hops_other;
  PaperSummary paper_view_summary;
  std::int64_t seed = 0;
  std::vector<std::string> devices;
  std::vector<VerdictEntry> verdict_map;
  std::vector<VerdictEntry> net_energy_ratios;
  std::vector<HopSlope> hop_slopes;
  std::vector<OperationBound> operation_bounds;
  std::vector<Attribution> attribution;
  std::vector<Scaling> scaling;
  std::vector<ParetoCell> pareto;
  std::vector<DeviceBalance> device_balance;
  bool operator==(const FitFile&) const = default;
};

/// The file's text, indented, "\n" at the end. kRuntime errors as in to_json_line().
Result<std::string> to_fit_json(const FitFile& fit);

/// Parses a fit file; `name` is quoted in errors. kUsage errors as in parse_line().
Result<FitFile> parse_fit(std::string_view text, std::string_view name);

}  // namespace qtrap::result
