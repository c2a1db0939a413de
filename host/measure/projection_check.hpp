// The passes of one projection of a scheme beside those of the reference family, on the same weights, inputs and
// device.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "device/device.hpp"
#include "measure/pace.hpp"
#include "measure/row_check.hpp"
#include "scheme/pass.hpp"

namespace qtrap::measure {

/// What the check of a kernel found.
struct KernelCheck {
  std::int64_t rows = 0;  ///< of results
  std::int64_t rows_checked = 0;
  double worst = 0;                    ///< largest deviation as a share of what is allowed
  std::optional<std::string> problem;  ///< names the kernel and the row; absent: it is right
};

/// The passes of one projection.
struct ProjectionPasses {
  std::vector<scheme::Pass> inputs, passes;
  const scheme::Pass& matmul() const;
  /// Null where weights are not expanded by a pass of their own.
  const scheme::Pass* expansion() const;
};

class ProjectionCheck {
 public:
  /// `weights` are read; kRuntime errors: out of memory, a kernel does not build.
  static Result<ProjectionCheck> make(const scheme::PassMaker& maker, const scheme::SchemeInfo& scheme,
                                      const scheme::Weights& weights, std::uint64_t tokens);

  const ProjectionPasses& fast() const { return fast_; }
  /// Expands the weights on both sides and compares them bit by bit, all rows.
  KernelCheck check_expansion();
  /// The matmul on as many inputs as tell of every row, eight at most. Of the first input as many rows are compared as
  /// `budget` allows, the first, the last and a few always; `draw` decides inputs and rows. kRuntime error: the inputs'
  /// kernel does not build.
  Result<KernelCheck> check_matmul(const Timing& timing, std::uint64_t draw, Seconds budget);

 private:
  ProjectionCheck() = default;
  Status load(std::uint64_t draw, std::int64_t input);
  void run_reference(const BlockRun& run);
  std::vector<std::uint64_t> choose_blocks(const Timing& timing, std::uint64_t draw, Seconds budget);
  std::vector<std::uint64_t> judge(const std::vector<std::uint64_t>& blocks, KernelCheck& check);
  template <class Visit>
  void for_each_row(const std::vector<std::uint64_t>& blocks, Visit&& visit) const;
  RowTolerance tolerance_of(const std::vector<std::uint64_t>& blocks, const std::vector<double>& expected) const;
  std::vector<double> read_results(const ProjectionPasses& passes) const;
  std::string place(std::uint64_t row) const;

  const scheme::PassMaker* maker_ = nullptr;
  scheme::ProjectionShape shape_;
  std::uint64_t tokens_ = 0;
  device::Buffer x_, y_, reference_y_;
  std::optional<scheme::SchemePasses> fast_owner_, reference_owner_;  ///< hold the workspaces
  ProjectionPasses fast_, reference_;
  std::vector<bool> told_;  ///< rows whose result was telling on some input
};

}  // namespace qtrap::measure
