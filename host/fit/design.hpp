// Rows pooled into the shape a regression needs: the terms (columns), the configurations with their counts,
// and one cell per (session, configuration) holding the medians of its windows.
#pragma once

#include <Eigen/Core>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "fit/row.hpp"

namespace qtrap::fit {

enum class TermKind { kBytes, kMacs, kCachedBytes, kDequantize, kCast, kLaunch, kSync };

/// True for costs of the kernel path (separate passes, launches, host waits); false for those of the physics
/// (bytes moved, operations done).
bool is_path_cost(TermKind kind);

/// One column of the model.
struct Term {
  TermKind kind = TermKind::kBytes;
  std::string name;   ///< "bytes", "macs_<precision>", "cached_bytes", "dequantized_weights", "cast_elements",
                      ///< "quantized_elements", "launches", "weight_launches", "syncs"
  std::string per;    ///< what one count is: "byte", "mac", "weight", "element", "launch", "sync"
  std::string probe;  ///< the windows that would identify it
};

/// One configuration.
struct Configuration {
  Workload work;
  bool probe = false;  ///< a probe window: it has no scheme
};

/// The windows of one configuration in one session.
struct Cell {
  std::size_t session = 0;         ///< dense index, in ascending order of Row::session
  std::size_t configuration = 0;   ///< index into Design::configurations
  double time_s = 0;               ///< median
  std::optional<double> energy_j;  ///< median; none unless every window has one
  std::size_t windows = 0;
};

struct Design {
  std::vector<Term> terms;                    ///< the fixed terms and one macs term per class, in the order of TermKind
  std::vector<Configuration> configurations;  ///< in order of first appearance
  Eigen::MatrixXd counts;                     ///< [configuration][term]
  std::vector<Cell> cells;                    ///< sorted by session, then configuration
  std::size_t sessions = 0;
};

/// Counts of one workload in the order of `terms`. Multiply-adds of a class that `terms` lacks are left out.
Eigen::VectorXd compute_counts(std::span<const Term> terms, const Counts& counts);

/// Pools rows; those without a time are left out, for every decomposition needs it. kUsage error with the words of
/// find_defect, and where no row has a time.
Result<Design> make_design(std::span<const Row> rows);

}  // namespace qtrap::fit
