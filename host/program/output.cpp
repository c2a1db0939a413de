#include "program/output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/descriptor.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "program/standard_streams.hpp"

namespace qtrap::program {

int results_descriptor() {
  static const int descriptor = [] {
    const int copy = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
      const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
      if (nowhere >= 0) ::dup2(nowhere, STDOUT_FILENO);
    }
    return copy;
  }();
  return descriptor;
}

void set_results_apart() { (void)results_descriptor(); }

void require_writable(const std::filesystem::path& path, bool replace) {
  std::error_code code;
  if (replace) std::filesystem::create_directories(path.parent_path(), code);
  if (auto done = check_creatable(path, replace); !done) throw Failure(done.error());
}

void write_output(const std::string& out, const std::string& text) {
  if (out == kStandardOutput) return print(text);
  if (auto done = write_file(out, text, false); !done) throw Failure(done.error());
}

void print_beside(const std::string& out, const std::string& text) {
  if (out == kStandardOutput) {
    say(escape_controls(text, "\n\t"));
  } else {
    print(text);
  }
}

void tell(const std::string& line) { say("qtrap: " + escape_controls(line) + "\n"); }

void print(const std::string& output) {
  // Names out of files and drivers stand in every table: none may steer the terminal.
  const std::string text = escape_controls(output, "\n\t");
  const int code = write_all(results_descriptor(), text);
  if (code == 0 || code == EPIPE) return;  // EPIPE: the reader (`| head`) has seen enough
  throw Failure(runtime_error("standard output cannot be written", std::strerror(code),
                              "free space on the disk or check the pipe"));
}

}  // namespace qtrap::program
