// Exit codes of the contract.
#pragma once

namespace qtrap::program {

enum ExitCode { kDone = 0, kFailed = 1, kBadUsage = 2, kPointsFailed = 3, kInterrupted = 130 };

}  // namespace qtrap::program
