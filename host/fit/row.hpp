// The input of every fit: one row per measured window, as plain numbers. Rows come from result files
// (result_rows.hpp), from imported tables or from a generator; the fit does not know which.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "judge/judge.hpp"

namespace qtrap::fit {

/// Multiply-adds of one precision class (`mac_class` of the records). Kernels of different classes reach different
/// rates, so each class has its own coefficient; classes are told apart by name alone.
struct MacCount {
  std::string precision;  ///< e.g. "f16", "int8", "w4a16": becomes the coefficient macs_<precision>; result files add
                          ///< the tokens in lockstep ("w4a8_b1"): another kernel, another rate
  double count = 0;       ///< multiply-adds, >= 0
  bool operator==(const MacCount&) const = default;
};

/// Analytic counts of one window, all >= 0.
struct Counts {
  double bytes = 0;                ///< of all bound buffers but the cached ones, read_write twice [byte]
  std::vector<MacCount> macs;      ///< by precision class; a class named twice is summed
  double dequantized_weights = 0;  ///< weights expanded by separate dequantize passes
  double cast_elements = 0;        ///< elements through cast passes
  double launches = 0;             ///< kernel launches
  double syncs = 0;                ///< host synchronisations
  double cached_bytes = 0;         ///< of buffers that stay in the last-level cache [byte]
  double quantized_elements = 0;   ///< activations through quantize passes
  double weight_launches = 0;      ///< those of `launches` that read a weight matrix
  bool operator==(const Counts&) const = default;
};

/// What one configuration does in one chain. Probe windows have an empty scheme.
struct Workload {
  std::string point_id;     ///< the configuration; rows that share it share every member of this struct
  std::string cell;         ///< configurations of one cell differ in their scheme alone; its f16 one is the anchor
  std::string scheme;       ///< kAnchor is the anchor; empty for a probe window
  std::string model;        ///< name of the shape
  std::string family;       ///< of the model; empty: unnamed
  std::string device;       ///< one fit takes one device
  double batch = 1;         ///< sequences in lockstep
  double layers = 0;        ///< layers that were run
  double params = 0;        ///< all parameters of the shape
  double params_step = 0;   ///< weights read in one step of these layers
  double weight_bits = 16;  ///< of the weight format
  double activation_bits = 16;
  std::string weight_format;            ///< empty: unknown
  KernelPath path = KernelPath::kNone;  ///< of the weights
  double steps = 1;                     ///< dependent steps in the chain: hops x tokens, of prefill hops
  double hops = 1;                      ///< dependent hops of the chain
  double tokens = 1;                    ///< steps per hop, of prefill tokens of a sequence
  double context = 0;                   ///< tokens in the cache before the chain
  result::Phase phase = result::Phase::kDecode;
  Counts counts;  ///< per chain
};

/// The cell of a workload, which its anchor shares.
judge::CellKey cell_of(const Workload& work);

/// One measured window, or one published number, scaled to one chain. It has a time, an energy or both.
struct Row {
  Workload workload;
  int session = 0;                 ///< index of the process that measured it, >= 0
  int block = 0;                   ///< randomised block within the session
  std::optional<double> time_s;    ///< wall time, > 0; none where a published table gives energy alone
  std::optional<double> energy_j;  ///< gross energy, > 0; none where no meter gave one
  std::optional<judge::PublishedSpread> time_spread = {}, energy_spread = {};  ///< of an imported row
  std::optional<double> idle_j = {};  ///< idle power times the window, of `energy_j`; none where it is not known
  bool foreign = false;               ///< an anchor published in another table: enters ratios alone
  bool flagged = false;               ///< something disturbed it: enters ratios where there is no other, costs never
};

using result::IntervalBasis;
using result::Quantity;

/// The row's value of that quantity [s or J].
inline const std::optional<double>& value_of(const Row& row, Quantity quantity) {
  return quantity == Quantity::kTime ? row.time_s : row.energy_j;
}

/// Why these rows cannot be fitted at all (no row, a number that is not finite or negative, rows of one
/// point_id that differ in their workload, more than one device), in one line that quotes the offender; none
/// when they can.
std::optional<std::string> find_defect(std::span<const Row> rows);

}  // namespace qtrap::fit
