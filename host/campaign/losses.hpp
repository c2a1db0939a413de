// What a run goes on without: kernels, schemes of a cell and steps of a session that a worker died of.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "measure/session.hpp"

namespace qtrap::campaign {

class Losses {
 public:
  enum class Kind {
    kNothingNew,  ///< it is out already, or nobody knows what it was: another worker would die of it too
    kKernel,      ///< a kernel, or the way it is built; nothing that is measured fails of it yet
    kScheme,      ///< the running scheme of the cell
    kCell,        ///< the cell
    kActivity     ///< a step outside the cells: ceilings, a probe, an idle window
  };

  /// `variant`: the kernel variant that the user demands; its kernels have nothing to fall back on.
  explicit Losses(std::string variant) : variant_(std::move(variant)) {}

  /// Takes out what a worker died of at `progress`. A compiler's death first builds the kernels of a file apart, then
  /// avoids the kernel; a fast kernel's launch avoids that kernel; any other death costs the scheme in its cell.
  Kind take(const measure::Progress& progress, const std::string& reason);
  /// Options of run-session that leave all of it out.
  void add_arguments(std::vector<std::string>& arguments) const;

 private:
  Kind avoid(const std::string& kernel, const std::string& reason);

  std::string variant_;
  bool alone_ = false;
  std::map<std::string, std::string> kernels_;
  std::set<std::string> points_;
  std::map<std::string, std::string> activities_;
};

}  // namespace qtrap::campaign
