// The command line: arguments, wiring, exit codes. Results go to stdout, everything else to stderr.
#pragma once

#include <string>
#include <vector>

namespace qtrap::cli {

/// Exit codes of the contract.
enum ExitCode { kDone = 0, kFailed = 1, kBadUsage = 2, kPointsFailed = 3, kInterrupted = 130 };

/// Runs the program; `arguments` includes its name. Never throws: the one catch of the program is here.
int run(const std::vector<std::string>& arguments);

}  // namespace qtrap::cli
