// `run --refine`: what to measure between the two sizes beside each crossing of a finished file. A refinement is a
// campaign of its own in the same file: its sessions say whose crossings they narrow (`refines`).
#pragma once

#include <string>
#include <vector>

#include "profile/profile.hpp"
#include "result/result_file.hpp"

namespace qtrap::campaign {

/// A model file that a refinement needs and that is not there.
struct NewModel {
  std::string path;
  std::string text;
};

/// One campaign: all batches, or all model sizes, that crossings ask for.
struct Refinement {
  profile::Campaign campaign;  ///< as many sessions as the file's points have
  std::vector<NewModel> models;
  std::string words;  ///< a line per crossing
};

/// The refinements of a file of one campaign, batches first; empty: no crossing is bracketed by two sizes with another
/// between. A size is a published model of the family between the two, else a shape scaled between them, to be kept
/// beside `path`. Throws Failure (usage) for files that cannot be fitted, and models that are not found.
std::vector<Refinement> plan_refinements(const result::ResultFile& file, const std::string& path);

/// Writes the model files of a refinement; throws Failure (usage) where another stands in the way.
void write_models(const Refinement& refinement);

}  // namespace qtrap::campaign
