// Field table of the record `point`.
#include "result/fields.hpp"
#include "result/words.hpp"

namespace qtrap::result {
namespace {

constexpr std::array<std::string_view, 2> kWorkloads{"projections", "decoder"};
constexpr std::array<std::string_view, 3> kPaths{"none", "split", "fused"};
constexpr std::array<std::string_view, 4> kStatuses{"ok", "unsupported", "skipped", "error"};
constexpr std::array<std::string_view, 6> kBases{"measured",     "fitted",    "interpolated",
                                                 "extrapolated", "estimated", "simulated"};
constexpr std::array<std::string_view, 3> kRoofStatuses{"ok", "in_cache", "ceiling_too_low"};
constexpr std::array<std::string_view, 4> kVerdicts{"trap", "no_trap", "undecided", "no_meter"};

using R = PointRecord;
constexpr Field<R> kTable[] = {
    {&R::point_id, {"point_id", "", "identity of the configuration, unique in the file"}},
    {&R::workload, {"workload", "", "what a step runs", kWorkloads}},
    {&R::model, {"model", "", "model shape"}},
    {&R::params, {"params", "", "parameters of the shape, tied embeddings once"}},
    {&R::params_step, {"params_step", "", "weights read in one step"}},
    {&R::layers, {"layers", "", "layers executed per step"}},
    {&R::resident_layers, {"resident_layers", "", "distinct layers held in memory and cycled through"}},
    {&R::scheme, {"scheme", "", "precision scheme"}},
    {&R::path, {"path", "", "kernel path of the weights", kPaths}},
    {&R::weight_bits, {"weight_bits", "bit", "bits per weight code"}},
    {&R::activation_bits, {"activation_bits", "bit", "bits per activation in the matmul"}},
    {&R::batch, {"batch", "", "sequences in lockstep, B"}},
    {&R::hops, {"hops", "", "dependent hops of a chain, H"}},
    {&R::tokens_per_hop, {"tokens_per_hop", "", "dependent steps of a hop, T"}},
    {&R::context_tokens, {"context_tokens", "", "tokens in the cache before the chain, C"}},
    {&R::status, {"status", "", "whether the point was measured", kStatuses}},
    {&R::reason, {"reason", "", "why it was not; null when ok"}},
    {&R::basis, {"basis", "", "where the point's figures come from; null when there are none", kBases}},
    {&R::trials, {"trials", "", "trials over all sessions, flagged ones included"}},
    {&R::trials_flagged, {"trials_flagged", "", "trials left out of the summary"}},
    {&R::stop_reason, {"stop_reason", "", "why measuring stopped", words::kStopReasons}},
    {&R::time_s, {"time_s", "s", "wall time of a chain, bare pass: median"}},
    {&R::time_s_low, {"time_s_low", "s", "lower end of the 95 % interval"}},
    {&R::time_s_high, {"time_s_high", "s", "upper end of the 95 % interval"}},
    {&R::time_per_token_s, {"time_per_token_s", "s", "time_s / (batch x hops x tokens_per_hop)"}},
    {&R::phase_cast_s, {"phase_cast_s", "s", "cast passes of a chain, profiled pass: median"}},
    {&R::phase_quantize_s, {"phase_quantize_s", "s", "quantize passes of a chain: median"}},
    {&R::phase_dequantize_s, {"phase_dequantize_s", "s", "dequantize passes of a chain: median"}},
    {&R::phase_matmul_s, {"phase_matmul_s", "s", "matmul passes of a chain: median"}},
    {&R::phase_attention_s, {"phase_attention_s", "s", "attention passes of a chain: median"}},
    {&R::phase_other_s, {"phase_other_s", "s", "all other passes of a chain: median"}},
    {&R::gap_s, {"gap_s", "s", "time between the passes of a chain: median"}},
    {&R::instrumentation_overhead, {"instrumentation_overhead", "1", "profiled / bare wall time - 1"}},
    {&R::closure_time, {"closure_time", "1", "(sum of phases + gaps) / profiled wall time - 1"}},
    {&R::energy_gross_j, {"energy_gross_j", "J", "energy of a chain as the meter reads it"}},
    {&R::energy_gross_j_low, {"energy_gross_j_low", "J", "lower end of the 95 % interval"}},
    {&R::energy_gross_j_high, {"energy_gross_j_high", "J", "upper end of the 95 % interval"}},
    {&R::energy_idle_j, {"energy_idle_j", "J", "idle power times the chain's wall time"}},
    {&R::energy_idle_j_low, {"energy_idle_j_low", "J", "lower end of the 95 % interval"}},
    {&R::energy_idle_j_high, {"energy_idle_j_high", "J", "upper end of the 95 % interval"}},
    {&R::energy_net_j, {"energy_net_j", "J", "gross - idle"}},
    {&R::energy_net_j_low, {"energy_net_j_low", "J", "lower end of the 95 % interval"}},
    {&R::energy_net_j_high, {"energy_net_j_high", "J", "upper end of the 95 % interval"}},
    {&R::energy_per_token_j, {"energy_per_token_j", "J", "energy_gross_j / (batch x hops x tokens_per_hop)"}},
    {&R::energy_method, {"energy_method", "", "how the energy was obtained", words::kEnergyMethods}},
    {&R::energy_status, {"energy_status", "", "ok, or why the energies are null", words::kEnergyStatuses}},
    {&R::closure_energy, {"closure_energy", "1", "sum of phase energies / energy_gross_j - 1"}},
    {&R::phase_cast_j, {"phase_cast_j", "J", "gross energy of the cast passes of a chain"}},
    {&R::phase_cast_j_status, {"phase_cast_j_status", "", "ok, or why it is null", words::kEnergyStatuses}},
    {&R::phase_quantize_j, {"phase_quantize_j", "J", "gross energy of the quantize passes of a chain"}},
    {&R::phase_quantize_j_status, {"phase_quantize_j_status", "", "ok, or why it is null", words::kEnergyStatuses}},
    {&R::phase_dequantize_j, {"phase_dequantize_j", "J", "gross energy of the dequantize passes of a chain"}},
    {&R::phase_dequantize_j_status, {"phase_dequantize_j_status", "", "ok, or why it is null", words::kEnergyStatuses}},
    {&R::phase_matmul_j, {"phase_matmul_j", "J", "gross energy of the matmul passes of a chain"}},
    {&R::phase_matmul_j_status, {"phase_matmul_j_status", "", "ok, or why it is null", words::kEnergyStatuses}},
    {&R::phase_attention_j, {"phase_attention_j", "J", "gross energy of the attention passes of a chain"}},
    {&R::phase_attention_j_status, {"phase_attention_j_status", "", "ok, or why it is null", words::kEnergyStatuses}},
    {&R::phase_other_j, {"phase_other_j", "J", "gross energy of all other passes of a chain"}},
    {&R::phase_other_j_status, {"phase_other_j_status", "", "ok, or why it is null", words::kEnergyStatuses}},
    {&R::time_ratio, {"time_ratio", "1", "time over the anchor's of the same session"}},
    {&R::time_ratio_low, {"time_ratio_low", "1", "lower end of the 95 % interval"}},
    {&R::time_ratio_high, {"time_ratio_high", "1", "upper end of the 95 % interval"}},
    {&R::energy_ratio, {"energy_ratio", "1", "gross energy over the anchor's of the same session"}},
    {&R::energy_ratio_low, {"energy_ratio_low", "1", "lower end of the 95 % interval"}},
    {&R::energy_ratio_high, {"energy_ratio_high", "1", "upper end of the 95 % interval"}},
    {&R::energy_net_ratio, {"energy_net_ratio", "1", "net energy over the anchor's of the same session"}},
    {&R::energy_net_ratio_low, {"energy_net_ratio_low", "1", "lower end of the 95 % interval"}},
    {&R::energy_net_ratio_high, {"energy_net_ratio_high", "1", "upper end of the 95 % interval"}},
    {&R::cor_operational, {"cor_operational", "1", "casting overhead ratio: time_ratio - 1; may be negative"}},
    {&R::cor_phase, {"cor_phase", "1", "casting overhead ratio: (cast + quantize + dequantize) / matmul time"}},
    {&R::verdict_time, {"verdict_time", "", "whether the time ratio's interval lies above 1", kVerdicts}},
    {&R::verdict_energy, {"verdict_energy", "", "whether the gross energy ratio's interval lies above 1", kVerdicts}},
    {&R::bytes, {"bytes", "bytes", "bytes of all bound buffers of a chain, analytic"}},
    {&R::macs, {"macs", "MAC", "multiply-adds of the matmul passes of a chain, analytic"}},
    {&R::dequantized_weights, {"dequantized_weights", "", "weights expanded by dequantize passes of a chain"}},
    {&R::cast_elements, {"cast_elements", "", "elements through cast passes of a chain"}},
    {&R::launches, {"launches", "", "kernel launches of a chain"}},
    {&R::syncs, {"syncs", "", "host waits for the queue of a chain"}},
    {&R::bandwidth_bytes_per_s, {"bandwidth_bytes_per_s", "bytes/s", "bytes / time_s"}},
    {&R::roof_s, {"roof_s", "s", "fewest bytes and operations over this session's ceilings"}},
    {&R::roof_fraction, {"roof_fraction", "1", "roof_s / time_s"}},
    {&R::matrix_unit, {"matrix_unit", "", "matrix unit used, or none"}},
    {&R::kernels_used, {"kernels_used", "", "entry names of the kernels of a chain"}},
    {&R::output_error, {"output_error", "1", "relative L2 distance from the anchor's output, by hop"}},
    {&R::cell_id, {"cell_id", "", "workload cell (model, B, H, T, C) that all schemes share"}},
    {&R::sessions, {"sessions", "", "sessions pooled"}},
    {&R::session_ids, {"session_ids", "", "the sessions pooled"}},
    {&R::device_id, {"device_id", "", "device.id of the sessions"}},
    {&R::heads, {"heads", "", "query heads of the shape"}},
    {&R::kv_heads, {"kv_heads", "", "key and value heads of the shape"}},
    {&R::hidden, {"hidden", "", "width of the residual stream"}},
    {&R::ffn, {"ffn", "", "width of the feed-forward network"}},
    {&R::group_size, {"group_size", "", "weights per int4 group; null for schemes without groups"}},
    {&R::interval_method, {"interval_method", "", "how the 95 % intervals were obtained"}},
    {&R::cached_bytes,
     {"cached_bytes", "bytes", "part of `bytes` in buffers expected to stay in the last-level cache"}},
    {&R::source, {"source", "", "where an imported point was published; null for measured ones"}},
    {&R::rows, {"rows", "", "rows of results that its kernels were to be checked on, over the sessions"}},
    {&R::rows_checked, {"rows_checked", "", "rows of them that were compared with the reference"}},
    {&R::roof_ceiling, {"roof_ceiling", "", "the ceiling that roof_s comes from, by its key in `ceilings`"}},
    {&R::roof_status,
     {"roof_status", "", "whether roof_fraction stands: null above 1.1, where the ceiling was measured too low",
      kRoofStatuses}},
};

}  // namespace

template <>
std::span<const Field<PointRecord>> fields() {
  return kTable;
}

}  // namespace qtrap::result
