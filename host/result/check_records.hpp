// The rules that every reader of result files goes by, beyond the type of each key: what one record may say, and what
// records may say of each other. `check`, `fit`, `compare`, `export`, `run --resume` and `import` all ask here.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "result/result_file.hpp"

namespace qtrap::result {

/// The first fault of a file, as a kUsage error that names file, line (where file.lines knows it), record and fix; none
/// where all rules hold. Points whose trials were stripped from the file are taken at their word.
std::optional<Error> find_fault(const ResultFile& file, std::string_view name);

/// Points with this status.
std::int64_t count_points(const ResultFile& file, PointStatus status);

/// Adds the file's sessions to `seen`; a session that is there already (a file given twice, or copied) is a kUsage
/// error.
Status note_sessions(const ResultFile& file, std::string_view name, std::set<std::string>& seen);

}  // namespace qtrap::result
