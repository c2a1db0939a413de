// The six records of a result file (JSON Lines), as plain structs. A member's name is its JSON key; an optional member
// is written as null when absent, every other one is required, and so are those that have no value of their own before
// a writer gives them one (device type, kernel family, path). Meaning, unit and closed lists of every member stand
// once, in the field tables (fields.hpp), from which SCHEMA.md is generated. Members are in the order of the file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "result/words.hpp"

namespace qtrap::result {

/// Version of the file format, apart from the program's: a new optional field raises the second number, a renamed field
/// or a changed meaning the first. Readers refuse a newer first number.
inline constexpr const char* kSchemaVersion = "1.8";

/// The machine a session ran on.
struct HostInfo {
  std::optional<std::string> cpu;
  std::optional<std::string> kernel;
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::string> governor;
  std::optional<std::string> allowed_processors;
  std::optional<double> cpu_quota;
  std::optional<std::int64_t> memory_limit_bytes;
  bool operator==(const HostInfo&) const = default;
};

/// One device capability, declared by the driver and probed by a program that was built, run and compared.
struct CapabilityRecord {
  std::string name;
  bool declared = false;
  std::optional<bool> probed;
  std::optional<std::string> reason;
  bool operator==(const CapabilityRecord&) const = default;
};

/// The device a session ran on.
struct DeviceSummary {
  std::string id;
  std::string platform;
  std::string name;
  std::string vendor;
  std::string driver;
  std::optional<DeviceType> type;
  std::optional<std::int64_t> compute_units;
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::string> pci;
  std::optional<std::string> uuid;
  std::vector<CapabilityRecord> capabilities;
  std::optional<KernelFamily> kernel_family;
  std::optional<std::string> board;  ///< name on the box where `name` is another
  bool operator==(const DeviceSummary&) const = default;
};

/// Identity of the kernels that ran.
struct KernelsInfo {
  std::optional<std::string> source_sha256;
  std::optional<std::string> build_options;
  std::optional<std::string> tuning;
  std::optional<std::string> tuning_sha256;
  std::optional<std::string> variant;
  bool operator==(const KernelsInfo&) const = default;
};

/// The energy meter of a session, or why there is none.
struct MeterSummary {
  std::string name = "none";
  std::optional<std::string> scope;
  std::optional<std::string> method;
  std::optional<double> period_s;
  std::optional<double> window_s;
  std::optional<double> delay_s;
  std::string status = "no_meter";
  std::optional<std::string> reason;
  std::optional<std::string> board;
  std::optional<std::string> source;
  std::optional<std::string> match;
  std::optional<SensorBasis> sensor_basis;
  std::optional<double> rise_s;
  std::optional<double> poll_s;
  bool operator==(const MeterSummary&) const = default;
};

/// Ceilings measured in the session, each with the two ends of its spread; absent where not measured. Those that the
/// maker states stand apart (`_nominal`).
struct Ceilings {
  std::optional<double> read_bytes_per_s;
  std::optional<double> read_bytes_per_s_low;
  std::optional<double> read_bytes_per_s_high;
  std::optional<double> copy_bytes_per_s;
  std::optional<double> copy_bytes_per_s_low;
  std::optional<double> copy_bytes_per_s_high;
  std::optional<double> fp32_macs_per_s;
  std::optional<double> fp32_macs_per_s_low;
  std::optional<double> fp32_macs_per_s_high;
  std::optional<double> fp16_macs_per_s;
  std::optional<double> fp16_macs_per_s_low;
  std::optional<double> fp16_macs_per_s_high;
  std::optional<double> int8_macs_per_s;
  std::optional<double> int8_macs_per_s_low;
  std::optional<double> int8_macs_per_s_high;
  std::optional<double> empty_launch_s;
  std::optional<double> empty_launch_s_low;
  std::optional<double> empty_launch_s_high;
  std::optional<double> host_sync_s;
  std::optional<double> host_sync_s_low;
  std::optional<double> host_sync_s_high;
  std::optional<std::int64_t> set_bytes;
  std::optional<double> int4_int8_macs_per_s;
  std::optional<double> int4_int8_macs_per_s_low;
  std::optional<double> int4_int8_macs_per_s_high;
  std::optional<double> matrix_f16_macs_per_s;
  std::optional<double> matrix_f16_macs_per_s_low;
  std::optional<double> matrix_f16_macs_per_s_high;
  std::optional<double> matrix_int8_macs_per_s;
  std::optional<double> matrix_int8_macs_per_s_low;
  std::optional<double> matrix_int8_macs_per_s_high;
  std::optional<double> read_bytes_per_s_events;
  std::optional<double> copy_bytes_per_s_events;
  std::optional<double> fp32_macs_per_s_events;
  std::optional<double> fp16_macs_per_s_events;
  std::optional<double> int8_macs_per_s_events;
  std::optional<double> int4_int8_macs_per_s_events;
  std::optional<double> matrix_f16_macs_per_s_events;
  std::optional<double> matrix_int8_macs_per_s_events;
  std::optional<std::map<std::string, std::string>> instructions;  ///< by ceiling
  std::optional<std::map<std::string, std::string>> reasons;       ///< by ceiling that is absent or not as it should be
  std::optional<std::int64_t> cache_bytes;
  std::optional<std::int64_t> cache_bytes_low;
  std::optional<std::int64_t> cache_bytes_high;
  std::optional<CacheBasis> cache_basis;
  std::optional<std::string> cache_status;
  std::optional<std::int64_t> cache_system_bytes;
  std::optional<std::int64_t> cache_driver_bytes;
  std::optional<double> read_bytes_per_s_nominal;
  std::optional<double> fp32_macs_per_s_nominal;
  bool operator==(const Ceilings&) const = default;
};

/// Whether the device's event stamps agree with the host's clock.
struct EventTimer {
  bool trusted = false;
  std::optional<std::string> reason;
  bool operator==(const EventTimer&) const = default;
};

/// One process run on one device: where, with what, and what could have disturbed it.
struct SessionRecord {
  std::string session_id;
  std::string schema = "qtrap.result";
  std::string schema_version = kSchemaVersion;
  Origin origin = Origin::kMeasured;
  std::string started_utc;
  std::string tool_version;
  std::optional<std::string> git_commit;
  std::optional<bool> git_dirty;
  std::vector<std::string> argv;
  HostInfo host;
  DeviceSummary device;
  KernelsInfo kernels;
  MeterSummary meter;
  Ceilings ceilings;
  std::string campaign_json = "{}";  ///< key `campaign`: a JSON object, embedded as it is
  std::optional<std::string> campaign_sha256;
  std::int64_t seed = 0;
  std::vector<std::string> hazards;
  std::int64_t session_index = 0;
  EventTimer event_timer;
  std::map<std::string, std::string> environment;
  std::optional<std::string> models_sha256;
  std::optional<std::string> refines;
  std::optional<double> until_ratio;
  std::optional<double> until_error;
  std::optional<std::int64_t> until_ratios;
  std::optional<std::vector<double>> until_looks;
  std::optional<std::vector<double>> until_spent;
  std::optional<std::vector<double>> until_boundaries;
  std::optional<std::string> weights;
  std::optional<std::string> weights_sha256;
  bool operator==(const SessionRecord&) const = default;
};

/// One measured window. Probe and idle windows belong to no point: point_id, scheme and model are then absent, but
/// they too come in a cell (any cell_id of their own).
struct TrialRecord {
  std::string session_id;
  std::optional<std::string> point_id;
  std::optional<std::string> scheme;
  std::int64_t block = 0;
  std::int64_t order = 0;
  TrialMode mode = TrialMode::kBare;
  std::optional<std::string> phase;
  std::int64_t repetitions = 1;
  double wall_s = 0;
  std::int64_t tokens = 0;
  std::optional<double> phase_cast_s;
  std::optional<double> phase_quantize_s;
  std::optional<double> phase_dequantize_s;
  std::optional<double> phase_matmul_s;
  std::optional<double> phase_attention_s;
  std::optional<double> phase_other_s;
  std::optional<double> gap_s;
  std::int64_t launches = 0;
  std::optional<double> energy_gross_j;
  std::optional<double> energy_idle_j;
  std::optional<EnergyMethod> energy_method;
  EnergyStatus energy_status = EnergyStatus::kNoMeter;
  std::optional<double> clock_hz;
  std::optional<double> temperature_c;
  std::vector<std::string> flags;
  std::optional<std::string> model;
  std::string cell_id;
  std::int64_t cell_trials = 1;
  std::int64_t session_index = 0;
  std::int64_t bytes = 0;
  std::int64_t macs = 0;
  std::int64_t dequantized_weights = 0;
  std::int64_t cast_elements = 0;
  std::int64_t syncs = 0;
  TimeBasis time_basis = TimeBasis::kEvents;
  std::optional<std::int64_t> events;
  std::optional<std::int64_t> layers;
  std::optional<std::int64_t> resident_layers;
  std::optional<StopReason> stop_reason;
  std::vector<std::string> kernels_used;
  std::optional<std::string> matrix_unit;
  std::optional<std::vector<double>> output_error;
  std::int64_t cached_bytes = 0;
  std::optional<std::int64_t> quantized_elements;
  std::optional<std::int64_t> weight_launches;
  std::vector<std::string> energy_flags;
  std::optional<std::string> energy_reason;
  std::optional<std::int64_t> rows;
  std::optional<std::int64_t> rows_checked;
  std::optional<double> check_error;
  std::optional<std::string> failure;
  std::optional<std::string> unchecked_reason;
  std::optional<std::string> mac_class;
  std::optional<double> phase_outliers_s;
  std::optional<double> phase_head_s;
  std::optional<std::int64_t> head_macs;
  std::optional<std::string> head_mac_class;
  std::optional<std::string> head_format;
  bool operator==(const TrialRecord&) const = default;
};

/// What the meter read around one trial: integers, each list the differences to the value before it, the first to 0.
struct SamplesRecord {
  std::string session_id;
  std::string cell_id;
  std::int64_t block = 0;
  std::int64_t order = 0;
  std::int64_t window_begin_us = 0;
  std::int64_t window_end_us = 0;
  std::vector<std::int64_t> at_us;
  std::vector<std::int64_t> energy_mj;
  std::vector<std::int64_t> power_mw;
  std::vector<std::int64_t> energy_absent;
  std::vector<std::string> energy_absent_reasons;
  std::vector<std::int64_t> power_absent;
  std::vector<std::string> power_absent_reasons;
  std::int64_t late_reads = 0;
  double reading_share = 0;
  bool operator==(const SamplesRecord&) const = default;
};

/// One configuration, pooled over the sessions.
struct PointRecord {  // NOLINT(clang-analyzer-optin.performance.Padding): in the order of the keys
  std::string point_id;
  Workload workload = Workload::kProjections;
  std::string model;
  std::optional<std::string> model_family;
  std::int64_t params = 0;
  std::optional<std::int64_t> params_step;
  std::optional<std::int64_t> layers;
  std::optional<std::int64_t> resident_layers;
  std::string scheme;
  std::optional<KernelPath> path;
  std::int64_t weight_bits = 16;
  std::int64_t activation_bits = 16;
  std::int64_t batch = 1;
  std::int64_t hops = 1;
  std::int64_t tokens_per_hop = 1;
  std::int64_t context_tokens = 0;
  PointStatus status = PointStatus::kOk;
  std::optional<std::string> reason;
  std::optional<PointBasis> basis;
  std::int64_t trials = 0;
  std::int64_t trials_flagged = 0;
  std::optional<StopReason> stop_reason;
  std::optional<double> time_s;
  std::optional<double> time_s_low;
  std::optional<double> time_s_high;
  std::optional<double> time_per_token_s;
  std::optional<double> phase_cast_s;
  std::optional<double> phase_quantize_s;
  std::optional<double> phase_dequantize_s;
  std::optional<double> phase_matmul_s;
  std::optional<double> phase_attention_s;
  std::optional<double> phase_other_s;
  std::optional<double> gap_s;
  std::optional<double> instrumentation_overhead;
  std::optional<double> closure_time;
  std::optional<double> energy_gross_j;
  std::optional<double> energy_gross_j_low;
  std::optional<double> energy_gross_j_high;
  std::optional<double> energy_idle_j;
  std::optional<double> energy_idle_j_low;
  std::optional<double> energy_idle_j_high;
  std::optional<double> energy_net_j;
  std::optional<double> energy_net_j_low;
  std::optional<double> energy_net_j_high;
  std::optional<double> energy_per_token_j;
  std::optional<EnergyMethod> energy_method;
  EnergyStatus energy_status = EnergyStatus::kNoMeter;
  std::optional<double> closure_energy;
  std::optional<double> phase_cast_j;
  EnergyStatus phase_cast_j_status = EnergyStatus::kNoMeter;
  std::optional<double> phase_quantize_j;
  EnergyStatus phase_quantize_j_status = EnergyStatus::kNoMeter;
  std::optional<double> phase_dequantize_j;
  EnergyStatus phase_dequantize_j_status = EnergyStatus::kNoMeter;
  std::optional<double> phase_matmul_j;
  EnergyStatus phase_matmul_j_status = EnergyStatus::kNoMeter;
  std::optional<double> phase_attention_j;
  EnergyStatus phase_attention_j_status = EnergyStatus::kNoMeter;
  std::optional<double> phase_other_j;
  EnergyStatus phase_other_j_status = EnergyStatus::kNoMeter;
  std::optional<double> time_ratio;
  std::optional<double> time_ratio_low;
  std::optional<double> time_ratio_high;
  std::optional<double> energy_ratio;
  std::optional<double> energy_ratio_low;
  std::optional<double> energy_ratio_high;
  std::optional<double> energy_net_ratio;
  std::optional<double> energy_net_ratio_low;
  std::optional<double> energy_net_ratio_high;
  std::optional<double> cor_operational;
  std::optional<double> cor_phase;
  std::optional<Verdict> verdict_time;
  std::optional<Verdict> verdict_energy;
  std::optional<std::int64_t> bytes;
  std::optional<std::int64_t> macs;
  std::optional<std::int64_t> dequantized_weights;
  std::optional<std::int64_t> cast_elements;
  std::optional<std::int64_t> launches;
  std::optional<std::int64_t> syncs;
  std::optional<double> bandwidth_bytes_per_s;
  std::optional<double> roof_s;
  std::optional<double> roof_fraction;
  std::optional<std::string> matrix_unit;
  std::vector<std::string> kernels_used;
  std::optional<std::vector<double>> output_error;
  std::string cell_id;
  std::int64_t sessions = 0;
  std::vector<std::string> session_ids;
  std::optional<std::string> device_id;
  std::optional<std::int64_t> heads;
  std::optional<std::int64_t> kv_heads;
  std::optional<std::int64_t> hidden;
  std::optional<std::int64_t> ffn;
  std::optional<std::int64_t> group_size;
  std::optional<std::string> interval_method;
  std::optional<std::int64_t> cached_bytes;
  std::optional<std::string> source;
  std::optional<std::int64_t> rows;
  std::optional<std::int64_t> rows_checked;
  std::optional<std::string> roof_ceiling;
  std::optional<RoofStatus> roof_status;
  std::optional<double> no_effect_margin;
  std::optional<Basis> time_ratio_basis;
  std::optional<double> time_ratio_df;
  std::optional<double> time_ratio_p;
  std::optional<double> time_ratio_detectable;
  std::optional<Basis> energy_ratio_basis;
  std::optional<double> energy_ratio_df;
  std::optional<double> energy_ratio_p;
  std::optional<double> energy_ratio_detectable;
  std::optional<std::int64_t> replicates;
  std::optional<double> time_error;
  std::optional<double> energy_error;
  std::optional<double> ratio_confidence;
  Phase phase = Phase::kDecode;
  std::optional<std::string> anchor_table;
  std::optional<std::string> weight_format;
  std::optional<std::string> head_format;
  std::optional<std::string> kv_format;
  std::optional<std::string> mac_class;
  std::optional<double> stored_weight_bits;
  std::optional<double> unpack_operations;
  std::optional<double> operation_budget;
  std::optional<double> predicted_bound_batch;
  std::optional<double> predicted_slower_batch;
  std::optional<double> phase_outliers_s;
  std::optional<double> phase_outliers_j;
  EnergyStatus phase_outliers_j_status = EnergyStatus::kNoPass;
  std::optional<double> phase_head_s;
  std::optional<double> phase_head_j;
  EnergyStatus phase_head_j_status = EnergyStatus::kNoPass;
  bool operator==(const PointRecord&) const = default;
};

/// What a scheme does to a model's output on windows of text, against f16 of the same weights.
struct QualityRecord {
  std::string session_id;
  std::string model;
  std::string scheme;
  std::optional<std::string> weight_format;
  std::int64_t group_size = 0;
  std::string text;
  std::string text_sha256;
  std::int64_t windows = 0;
  std::int64_t window_tokens = 0;
  PointStatus status = PointStatus::kOk;
  std::optional<std::string> reason;
  std::optional<std::int64_t> predicted_tokens;
  std::optional<double> kl_nats_per_token;
  std::optional<double> kl_nats_per_token_low;
  std::optional<double> kl_nats_per_token_high;
  std::optional<double> top1_agreement;
  std::optional<double> top1_agreement_low;
  std::optional<double> top1_agreement_high;
  std::optional<double> perplexity;
  std::optional<double> perplexity_low;
  std::optional<double> perplexity_high;
  std::optional<double> anchor_perplexity;
  std::optional<std::string> interval_method;
  std::optional<std::vector<double>> window_kl;
  std::optional<std::vector<double>> window_top1;
  std::optional<std::vector<double>> window_log_loss;
  std::optional<std::vector<double>> window_anchor_log_loss;
  bool operator==(const QualityRecord&) const = default;
};

/// The last line of a finished file.
struct EndRecord {
  std::string session_id;
  Ending status = Ending::kComplete;
  std::int64_t points_ok = 0;
  std::int64_t points_failed = 0;
  double wall_s = 0;
  std::optional<std::vector<double>> looks;
  std::optional<std::vector<double>> looks_undecided;
  std::optional<std::vector<double>> looks_unseen;
  std::optional<LookStop> stopped_by;
  bool operator==(const EndRecord&) const = default;
};

using Record = std::variant<SessionRecord, TrialRecord, SamplesRecord, QualityRecord, PointRecord, EndRecord>;

}  // namespace qtrap::result
