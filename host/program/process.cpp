#include "program/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

#include "core/clock.hpp"
#include "core/descriptor.hpp"
#include "core/error.hpp"
#include "core/last_words.hpp"
#include "program/exit_code.hpp"
#include "program/standard_streams.hpp"
#include "program/watchdog.hpp"

namespace qtrap::program {
namespace {

volatile std::sig_atomic_t stop_count = 0;
volatile std::sig_atomic_t fatal_count = 0;

void on_interrupt(int) {
  stop_count = stop_count + 1;
  if (fatal_count > 0 && stop_count >= fatal_count) ::_exit(kInterrupted);
}

constexpr int kPollMilliseconds = 100;
/// Once its pipes are closed, a process is about to end.
constexpr int kEndMilliseconds = 5;
constexpr std::size_t kKeptStderr = 8192;

[[noreturn]] void fail(const std::string& what, int code = errno) {
  throw Failure(runtime_error(what, std::strerror(code), "free processes, descriptors or memory on this machine"));
}

/// The reading and the writing end of a pipe; both closed on exec.
struct Pipe {
  Descriptor read, write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("a pipe cannot be made");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// Replaces the process by this program. Runs between fork and exec: only async-signal-safe calls.
[[noreturn]] void become_child(char* const* argv, pid_t parent, int messages, int errors) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::fcntl(messages, F_SETFD, 0);
  ::dup2(errors, STDERR_FILENO);
  ::execv("/proc/self/exe", argv);
  ::_exit(127);
}

/// Splits complete messages off the front of `buffer`.
void deliver(std::string& buffer, const MessageHandler& on_message) {
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

/// A child process with its two pipes. Kills and reaps it when the parent's handling of a message throws (a full disk).
class Child {
 public:
  /// The child writes to `messages`, whose writing end is closed here.
  Child(const std::vector<char*>& argv, Pipe messages) : messages_(std::move(messages.read)) {
    Pipe errors = make_pipe();
    errors_ = std::move(errors.read);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) become_child(argv.data(), parent, messages.write.get(), errors.write.get());
    if (pid_ < 0) fail("a process cannot be started");
    for (const Descriptor* end : {&messages_, &errors_}) ::fcntl(end->get(), F_SETFL, O_NONBLOCK);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    kill(SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }

  void kill(int signal) const {
    if (pid_ > 0) ::kill(pid_, signal);
  }

  /// Waits until there is something to read, for a moment.
  void wait_a_moment() const {
    const bool ending = !messages_.is_open() && !errors_.is_open();
    std::array<pollfd, 2> ends{pollfd{messages_.get(), POLLIN, 0}, pollfd{errors_.get(), POLLIN, 0}};  // -1: not polled
    ::poll(ends.data(), ends.size(), ending ? kEndMilliseconds : kPollMilliseconds);
  }

  std::string read_messages() { return read_all(messages_); }
  std::string read_errors() { return read_all(errors_); }

  /// Its status, once it has ended.
  std::optional<int> reap() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return status;
  }

 private:
  /// What is there; closes an end without a writer.
  static std::string read_all(Descriptor& end) {
    std::string text;
    std::array<char, 1 << 16> chunk{};
    while (end.is_open()) {
      const ssize_t count = ::read(end.get(), chunk.data(), chunk.size());
      if (count > 0) text.append(chunk.data(), static_cast<std::size_t>(count));
      if (count > 0 || (count < 0 && errno == EINTR)) continue;
      if (count < 0 && errno == EAGAIN) break;
      end.close();
    }
    return text;
  }

  pid_t pid_ = -1;
  Descriptor messages_, errors_;
};

}  // namespace

void catch_interrupts(int fatal) {
  fatal_count = fatal;
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int stop_requests() { return stop_count; }
bool stop_was_requested() { return stop_count != 0; }

std::string ProcessEnd::words() const {
  std::string text = silent_s > 0
                         ? fmt::format("gave no sign of life for {:.0f} s and was ended (--watchdog)", silent_s)
                     : signal != 0 ? "was ended by " + describe_signal(signal)
                                   : fmt::format("exited with {}", exit_code);
  return last_words.empty() ? text : text + "; its last words: " + last_words;
}

void send_message(int descriptor, MessageKind kind, std::string_view payload) {
  const std::string message = fmt::format("{}{}\n{}", static_cast<char>(kind), payload.size(), payload);
  if (const int code = write_all(descriptor, message); code != 0) fail("the parent process is gone", code);
}

ProcessEnd run_process(std::vector<std::string> arguments, const MessageHandler& on_message, const ProcessCare& care) {
  Pipe messages = make_pipe();
  arguments.insert(arguments.begin(), "qtrap");
  std::vector<char*> argv;
  for (auto& argument : arguments) {
    if (argument == "{pipe}") argument = std::to_string(messages.write.get());
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  Child child(argv, std::move(messages));
  const MonotonicClock clock;
  Watchdog watchdog(care.watchdog_s);
  watchdog.heard(clock.now(), care.expected_s ? care.expected_s() : 0);
  ProcessEnd end;
  std::string buffer;
  std::string errors;
  int asked = 0;
  const auto take = [&] {
    const std::string written = child.read_errors();
    if (care.relay_stderr) say(written);
    errors += written;
    if (errors.size() > kKeptStderr) errors.erase(0, errors.size() - kKeptStderr);
    const std::string read = child.read_messages();
    if (read.empty()) return;
    buffer += read;
    deliver(buffer, on_message);
    watchdog.heard(clock.now(), care.expected_s ? care.expected_s() : 0);
  };
  std::optional<int> status;
  while (!status) {
    if (const int wanted = std::min(stop_requests(), 2); wanted > asked)
      child.kill(std::exchange(asked, wanted) == 0 && wanted == 1 ? SIGINT : SIGKILL);
    if (end.silent_s == 0 && watchdog.expired(clock.now())) {
      end.silent_s = watchdog.allowed_s();
      child.kill(SIGKILL);
    }
    child.wait_a_moment();
    status = child.reap();
    take();  // after the end too: what it left in the pipes
  }
  if (WIFSIGNALED(*status))
    end.signal = WTERMSIG(*status);
  else
    end.exit_code = WEXITSTATUS(*status);
  end.last_words = find_last_line(errors);
  return end;
}

int run_as_worker(int output_descriptor, const std::function<int()>& work) {
  ::fcntl(output_descriptor, F_SETFD, FD_CLOEXEC);
  try {
    return work();
  } catch (const Failure& failure) {
    // The parent prints it, so that one command gives one error line.
    send_message(output_descriptor, MessageKind::kError, failure.error().message());
    return kFailed;
  }
}

std::string run_items(const std::function<std::vector<std::string>(std::size_t done)>& make_arguments,
                      const ItemSink& sink, const ProcessCare& care) {
  std::size_t done = 0;
  bool alone = false;
  while (true) {
    const std::size_t before = done;
    auto arguments = make_arguments(done);
    if (alone) arguments.emplace_back("--alone");
    std::optional<std::string> item;  // that is in hand
    std::string error;
    bool lost_device = false;
    const auto end = run_process(
        std::move(arguments),
        [&](MessageKind kind, const std::string& payload) {
          if (kind == MessageKind::kItem) item = payload;
          if (kind == MessageKind::kItem && sink.on_begin) sink.on_begin(payload);
          if (kind == MessageKind::kError) error = payload;
          if (kind == MessageKind::kDeviceError) lost_device = true;
          if (kind != MessageKind::kResult || !item) return;
          sink.on_result(*item, payload);
          item.reset();
          ++done;
        },
        care);
    if (stop_was_requested()) return {};
    if (!error.empty()) return error;
    if (item && sink.again_alone && !alone) {
      alone = true;
      continue;
    }
    if (item) {
      sink.on_death(*item, end);
      ++done;
      continue;
    }
    const bool clean = end.signal == 0 && end.silent_s == 0 && end.exit_code == kDone;
    if (clean && !lost_device) return {};
    if (done == before) return "its process " + end.words();
  }
}

}  // namespace qtrap::program
