// Field tables of the records `trial` and `samples`.
#include "result/fields.hpp"

namespace qtrap::result {
namespace {

constexpr Field<TrialRecord> kTrialFields[] = {
    {&TrialRecord::session_id, {"session_id", "", "session the trial belongs to"}},
    {&TrialRecord::point_id, {"point_id", "", "point the trial belongs to; null for probe and idle windows"}},
    {&TrialRecord::scheme, {"scheme", "", "precision scheme; null for probe and idle windows"}},
    {&TrialRecord::block, {"block", "", "block within the session, from 0; every block holds the anchor"}},
    {&TrialRecord::order, {"order", "", "position within the block, from 0"}},
    {&TrialRecord::mode, {"mode", "", "kind of window"}},
    {&TrialRecord::phase, {"phase", "", "phase or probe that the window repeats; null otherwise"}},
    {&TrialRecord::repetitions, {"repetitions", "", "chains (or loop passes) in the window"}},
    {&TrialRecord::wall_s, {"wall_s", "s", "wall time of the window by the host's monotonic clock"}},
    {&TrialRecord::tokens, {"tokens", "", "tokens made in the window: batch x hops x tokens per hop x repetitions"}},
    {&TrialRecord::phase_cast_s, {"phase_cast_s", "s", "device time of cast passes in the window; null: not profiled"}},
    {&TrialRecord::phase_quantize_s, {"phase_quantize_s", "s", "device time of quantize passes in the window"}},
    {&TrialRecord::phase_dequantize_s, {"phase_dequantize_s", "s", "device time of dequantize passes in the window"}},
    {&TrialRecord::phase_matmul_s, {"phase_matmul_s", "s", "device time of matmul passes in the window"}},
    {&TrialRecord::phase_attention_s, {"phase_attention_s", "s", "device time of attention passes in the window"}},
    {&TrialRecord::phase_other_s, {"phase_other_s", "s", "device time of all other passes in the window"}},
    {&TrialRecord::gap_s,
     {"gap_s", "s", "time between passes in the window, from the end of one to the start of the next"}},
    {&TrialRecord::launches, {"launches", "", "kernel launches in the window"}},
    {&TrialRecord::energy_gross_j, {"energy_gross_j", "J", "energy of the window as the meter reads it"}},
    {&TrialRecord::energy_idle_j, {"energy_idle_j", "J", "idle power times the window's wall time"}},
    {&TrialRecord::energy_method, {"energy_method", "", "how the energy was obtained"}},
    {&TrialRecord::energy_status, {"energy_status", "", "ok, or why the energy is null"}},
    {&TrialRecord::clock_hz, {"clock_hz", "Hz", "device clock during the window"}},
    {&TrialRecord::temperature_c, {"temperature_c", "degC", "device temperature during the window"}},
    {&TrialRecord::flags, {"flags", "", "why the trial is left out of the summary; empty: used"}},
    {&TrialRecord::model, {"model", "", "model shape; null for probe and idle windows"}},
    {&TrialRecord::cell_id,
     {"cell_id", "", "workload cell (model, B, H, T, C) that all schemes share; once per session"}},
    {&TrialRecord::cell_trials, {"cell_trials", "", "trials this session wrote for the cell, in one flush"}},
    {&TrialRecord::session_index, {"session_index", "", "number of the session in the campaign, from 0"}},
    {&TrialRecord::bytes, {"bytes", "bytes", "bytes of all bound buffers, analytic, of the window"}},
    {&TrialRecord::macs, {"macs", "MAC", "multiply-adds of matmul passes, analytic, of the window"}},
    {&TrialRecord::dequantized_weights,
     {"dequantized_weights", "", "weights expanded by dequantize passes in the window"}},
    {&TrialRecord::cast_elements, {"cast_elements", "", "elements through cast passes in the window"}},
    {&TrialRecord::syncs, {"syncs", "", "host waits for the queue in the window"}},
    {&TrialRecord::time_basis, {"time_basis", "", "where the phase times come from"}},
    {&TrialRecord::events, {"events", "", "launches counted by their events in a profiled window; null: not profiled"}},
    {&TrialRecord::layers, {"layers", "", "layers run in a step; null for probe and idle windows"}},
    {&TrialRecord::resident_layers,
     {"resident_layers", "", "distinct layers held on the device; the chain cycles through them"}},
    {&TrialRecord::stop_reason,
     {"stop_reason", "", "why this session stopped repeating the cell; precision: target_ci over its own blocks"}},
    {&TrialRecord::kernels_used, {"kernels_used", "", "kernel entries of the chain; empty in bare windows"}},
    {&TrialRecord::matrix_unit, {"matrix_unit", "", "matrix unit the kernels use, or none; null in bare windows"}},
    {&TrialRecord::output_error,
     {"output_error", "1",
      "relative L2 error of the chain's output against the f16 anchor's, by hop; null in bare windows"}},
    {&TrialRecord::cached_bytes,
     {"cached_bytes", "bytes", "part of `bytes` in buffers expected to stay in the last-level cache"}},
    {&TrialRecord::quantized_elements,
     {"quantized_elements", "", "activations through quantize passes in the window; null: not counted (version 1.0)"}},
    {&TrialRecord::weight_launches,
     {"weight_launches", "",
      "part of `launches` that reads a weight matrix (matmul, dequantize); null: not counted (version 1.0)"}},
    {&TrialRecord::energy_flags, {"energy_flags", "", "what is notable about the energy; its value stands"}},
    {&TrialRecord::energy_reason, {"energy_reason", "", "why there is no energy, in words"}},
    {&TrialRecord::rows,
     {"rows", "", "rows of results that the scheme's kernels were to be checked on; null: no check"}},
    {&TrialRecord::rows_checked, {"rows_checked", "", "rows of them that were compared with the reference"}},
    {&TrialRecord::check_error,
     {"check_error", "1", "largest deviation from the reference as a share of what is allowed; above 1 fails"}},
    {&TrialRecord::failure, {"failure", "", "why the scheme gets no result in its cell, found by a check; null: none"}},
    {&TrialRecord::unchecked_reason,
     {"unchecked_reason", "", "why not all of the scheme's kernels could be checked; null: all were"}},
    {&TrialRecord::mac_class,
     {"mac_class", "", "of a probe window of multiply-adds: their class, as of points; null in files before this key"}},
    {&TrialRecord::phase_outliers_s,
     {"phase_outliers_s", "s",
      "device time in the window of passes that find and gather columns of outliers; null in files before this key"}},
    {&TrialRecord::phase_head_s,
     {"phase_head_s", "s",
      "device time in the window of what follows a decoder's last layer, choice included; null in files before this "
      "key"}},
};

}  // namespace

std::span<const Field<TrialRecord>> table_of(std::type_identity<TrialRecord>) { return kTrialFields; }

std::span<const Field<SamplesRecord>> table_of(std::type_identity<SamplesRecord>) {
  using R = SamplesRecord;
  static const Field<R> kTable[] = {
      {&R::session_id, {"session_id", "", "session of the trial"}},
      {&R::cell_id, {"cell_id", "", "cell of the trial"}},
      {&R::block, {"block", "", "block of the trial"}},
      {&R::order, {"order", "", "position of the trial in its block"}},
      {&R::window_begin_us, {"window_begin_us", "us", "monotonic time at which the window began"}},
      {&R::window_end_us, {"window_end_us", "us", "monotonic time at which the window ended"}},
      {&R::at_us, {"at_us", "us", "monotonic time of each reading, as differences", {}, table::kDifferences}},
      {&R::energy_mj, {"energy_mj", "mJ", "energy counter at each reading, as differences", {}, table::kDifferences}},
      {&R::power_mw, {"power_mw", "mW", "power at each reading, as differences", {}, table::kDifferences}},
      {&R::energy_absent, {"energy_absent", "", "indices of readings without a counter value (difference 0)"}},
      {&R::energy_absent_reasons, {"energy_absent_reasons", "", "why, one for each"}},
      {&R::power_absent, {"power_absent", "", "indices of readings without a power value (difference 0)"}},
      {&R::power_absent_reasons, {"power_absent_reasons", "", "why, one for each"}},
      {&R::late_reads, {"late_reads", "", "readings skipped because the one before was not done"}},
      {&R::reading_share, {"reading_share", "1", "share of one processor that reading took"}},
  };
  return kTable;
}

}  // namespace qtrap::result
