// The result files that a command was given.
#include <set>

#include "cli/commands.hpp"
#include "core/error.hpp"
#include "result/check_records.hpp"

namespace qtrap::cli {

std::vector<result::ResultFile> read_results(const std::vector<std::string>& paths) {
  std::vector<result::ResultFile> files;
  std::set<std::string> sessions;
  for (const auto& path : paths) {
    files.push_back(result::read_result(path).value());
    if (auto noted = result::note_sessions(files.back(), path, sessions); !noted) throw Failure(noted.error());
  }
  return files;
}

}  // namespace qtrap::cli
