#include "program/standard_streams.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "core/descriptor.hpp"
#include "core/text.hpp"

namespace qtrap::program {
namespace {

constexpr std::size_t kUsualColumns = 80;
constexpr const char* kClearLine = "\r\x1b[K";

}  // namespace

void prepare_standard_streams() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    // The lowest free number is taken: all below are open by now.
    if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF) (void)::open("/dev/null", O_RDWR);
  }
  for (const int ignored : {SIGPIPE, SIGXFSZ}) std::signal(ignored, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);
}

void say(std::string_view text) { (void)write_all(STDERR_FILENO, text); }

void show_progress(std::string_view text) {
  const std::string clean = escape_controls(text);
  // One column stays free: some terminals wrap when the last is written.
  say(stderr_is_terminal() ? kClearLine + cut_to_width(clean, terminal_columns() - 1) : clean + "\n");
}

void clear_progress() {
  if (stderr_is_terminal()) say(kClearLine);
}

bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

std::size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  if (const char* columns = std::getenv("COLUMNS")) {
    std::size_t count = 0;
    std::from_chars(columns, columns + std::strlen(columns), count);
    if (count > 0) return count;
  }
  return kUsualColumns;
}

}  // namespace qtrap::program
