// The command line: arguments, wiring, exit codes. Results go to stdout, everything else to stderr.
#pragma once

#include <string>
#include <vector>

namespace qtrap::cli {

/// Runs the program; `arguments` includes its name. Never throws: the one catch of the program is here.
int run(const std::vector<std::string>& arguments);

}  // namespace qtrap::cli
