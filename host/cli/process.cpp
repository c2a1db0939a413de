#include "cli/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <utility>

#include "core/error.hpp"

namespace qtrap::cli {
namespace {

volatile std::sig_atomic_t stop_flag = 0;

void on_interrupt(int) { stop_flag = 1; }

constexpr int kPollMilliseconds = 100;

[[noreturn]] void fail(const std::string& what) {
  throw Failure(runtime_error(what, std::strerror(errno), "free processes, descriptors or memory on this machine"));
}

/// Replaces the process by this program. Runs between fork and exec: only async-signal-safe calls.
[[noreturn]] void become_child(char* const* argv, int read_end) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::close(read_end);
  ::execv("/proc/self/exe", argv);
  ::_exit(127);
}

/// Splits complete messages off the front of `buffer`.
void deliver(std::string& buffer, const std::function<void(MessageKind, const std::string&)>& on_message) {
  while (true) {
    const auto end = buffer.find('\n');
    if (end == std::string::npos) return;
    std::size_t length = 0;
    std::from_chars(buffer.data() + 1, buffer.data() + end, length);
    if (buffer.size() < end + 1 + length) return;
    const auto kind = static_cast<MessageKind>(buffer[0]);
    const std::string payload = buffer.substr(end + 1, length);
    buffer.erase(0, end + 1 + length);
    on_message(kind, payload);
  }
}

ProcessEnd wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return {1, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

/// Kills and reaps the child when the parent's handling of a message throws (a full disk).
class ChildGuard {
 public:
  ChildGuard(pid_t child, int descriptor) : child_(child), descriptor_(descriptor) {}
  ChildGuard(const ChildGuard&) = delete;
  ChildGuard& operator=(const ChildGuard&) = delete;
  ~ChildGuard() {
    ::close(descriptor_);
    if (child_ < 0) return;
    ::kill(child_, SIGKILL);
    wait_for(child_);
  }
  ProcessEnd wait() { return wait_for(std::exchange(child_, -1)); }
  pid_t child() const { return child_; }

 private:
  pid_t child_;
  int descriptor_;
};

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool stop_was_requested() { return stop_flag != 0; }

void send_message(int descriptor, MessageKind kind, std::string_view payload) {
  const std::string message = fmt::format("{}{}\n{}", static_cast<char>(kind), payload.size(), payload);
  std::string_view rest = message;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("the parent process is gone");
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

ProcessEnd run_process(std::vector<std::string> arguments,
                       const std::function<void(MessageKind, const std::string&)>& on_message,
                       const std::function<bool()>& stop_requested) {
  int ends[2];
  if (::pipe2(ends, 0) != 0) fail("a pipe cannot be made");
  ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  arguments.insert(arguments.begin(), "qtrap");
  std::vector<char*> argv;
  for (auto& argument : arguments) {
    if (argument == "{pipe}") argument = std::to_string(ends[1]);
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) fail("a process cannot be started");
  if (child == 0) become_child(argv.data(), ends[0]);
  ::close(ends[1]);
  ChildGuard guard(child, ends[0]);
  std::string buffer;
  bool asked = false;
  while (true) {
    if (stop_requested() && !std::exchange(asked, true)) ::kill(guard.child(), SIGINT);
    pollfd poll_one{ends[0], POLLIN, 0};
    if (::poll(&poll_one, 1, kPollMilliseconds) <= 0) continue;
    std::array<char, 1 << 16> chunk{};
    const ssize_t count = ::read(ends[0], chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    buffer.append(chunk.data(), static_cast<std::size_t>(count));
    deliver(buffer, on_message);
  }
  return guard.wait();
}

}  // namespace qtrap::cli
