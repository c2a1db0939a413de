// Errors of qtrap. One closed list of kinds decides the exit code; every error quotes the offending value and
// names the fix, so that one line on stderr is enough: `qtrap: error: WHAT (VALUE): FIX`.
#pragma once

#include <stdexcept>
#include <string>

namespace qtrap {

/// What went wrong, as far as the exit code is concerned.
enum class ErrorKind {
  kUsage,       ///< bad input or usage: exit 2
  kRuntime,     ///< failure at run time: exit 1
  kInterrupted  ///< stopped by a signal: exit 130
};

/// A worded error. `value` may be empty where no single value is at fault.
struct Error {
  ErrorKind kind = ErrorKind::kRuntime;
  std::string what;   ///< what is wrong, lower case, no full stop
  std::string value;  ///< the value at fault, quoted as the user wrote it
  std::string fix;    ///< what to do about it

  /// "WHAT (VALUE): FIX" on one line: control characters are escaped, values are cut at 200 bytes, the other words at
  /// 4000.
  std::string message() const;
};

/// Makes a kUsage error (exit 2).
Error usage_error(std::string what, std::string value, std::string fix);
/// Makes a kRuntime error (exit 1).
Error runtime_error(std::string what, std::string value, std::string fix);

/// Thrown for a broken environment; caught once, in cli.
class Failure : public std::runtime_error {
 public:
  explicit Failure(Error error);
  const Error& error() const { return error_; }

 private:
  Error error_;
};

}  // namespace qtrap
