// Continuing a result file: opening it as its only writer, and the rules by which a new session may join its sessions.
// Points pool sessions, so all of them must be of one experiment: the same program, campaign and models, kernels,
// device, driver, meter and host. What differs is refused by name.
#pragma once

#include <map>
#include <string>

#include "core/file.hpp"
#include "core/result.hpp"
#include "profile/profile.hpp"
#include "result/result_file.hpp"

namespace qtrap::campaign {

/// A result file that no other process writes to, and its records as they stand.
struct OpenedResult {
  AppendFile file;
  result::ResultFile records;
};

/// Opens and reads `path`, changing nothing. Errors of AppendFile::open() and of reading a result file.
Result<OpenedResult> open_for_resume(const std::string& path);

/// Whether a session that would begin with the record `now` may join those of `file` (named `path` in errors). kUsage
/// errors name the first key that differs, both values and the fix.
Status check_resumable(const result::ResultFile& file, const std::string& path, const result::SessionRecord& now);

/// Whether the layers that the file's trials ran fit the models: from 1 resident layer to all, the same in every trial
/// of a model. kUsage errors name the model.
Status check_layers(const result::ResultFile& file, const std::string& path,
                    const std::map<std::string, profile::ModelProfile>& models);

/// Wall time of all earlier invocations: what `end` says, or, of a run that was killed, the windows of its trials.
double compute_earlier_wall_s(const result::ResultFile& file);

}  // namespace qtrap::campaign
