#include "device/driver_trial.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "core/clock.hpp"
#include "core/last_words.hpp"
#include "device/discovery.hpp"

namespace qtrap::device {
namespace {

constexpr Seconds kPatienceWithOne{20.0};  ///< with one driver alone, after all together had failed
constexpr int kPollMilliseconds = 50;
constexpr std::size_t kLastWords = 4096;

/// A pipe whose ends close themselves.
class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close(0);
    close(1);
  }
  bool is_open() const { return ends_[0] >= 0; }
  int end(std::size_t which) const { return ends_.at(which); }
  void close(std::size_t which) {
    if (const int descriptor = std::exchange(ends_.at(which), -1); descriptor >= 0) ::close(descriptor);
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

/// What became of a child: nothing to say where it described the devices.
struct Outcome {
  bool passed = false;
  std::string end;    ///< "its process was ended by SIGSEGV (…)"
  std::string words;  ///< last line of its standard error
};

/// In the child, which never returns. `icd`: the only driver to load; empty: all.
[[noreturn]] void load_and_report(const SystemView& view, const std::string& icd, int report, int words) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(words, STDERR_FILENO);
  ::dup2(words, STDOUT_FILENO);
  if (!icd.empty()) setenv("OCL_ICD_VENDORS", icd.c_str(), 1);
  try {
    (void)discover(view);  // without a device too, the parent can load what there is
  } catch (const std::exception&) {
    ::_exit(1);  // a broken environment shows in the parent as well
  }
  const char done = 'k';
  (void)!::write(report, &done, 1);
  ::_exit(0);
}

std::string describe_end(int status) {
  if (WIFSIGNALED(status)) return "its process was ended by " + describe_signal(WTERMSIG(status));
  return fmt::format("it ended its process with exit code {}", WEXITSTATUS(status));
}

/// Reads what is there; returns whether more may come.
bool drain(int descriptor, std::string& text) {
  std::array<char, 1024> bytes{};
  const ssize_t count = ::read(descriptor, bytes.data(), bytes.size());
  if (count > 0) text.append(bytes.data(), static_cast<std::size_t>(count));
  if (text.size() > kLastWords) text.erase(0, text.size() - kLastWords);
  return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN));
}

/// Follows the child until it reports, ends or runs out of time; reaps it.
Outcome follow(pid_t child, int report, int words, Seconds patience) {
  const MonotonicClock clock;
  const Seconds start = clock.now();
  Outcome outcome;
  std::string said;
  int status = 0;
  bool ended = false;
  std::array<pollfd, 2> watched{pollfd{report, POLLIN, 0}, pollfd{words, POLLIN, 0}};
  while (!outcome.passed && !ended && (clock.now() - start) < patience) {
    ended = ::waitpid(child, &status, WNOHANG) == child;  // before the last look at what it said
    ::poll(watched.data(), watched.size(), ended ? 0 : kPollMilliseconds);
    std::string mark;
    if (watched[0].revents != 0 && !drain(report, mark)) watched[0].fd = -1;
    if (watched[1].revents != 0 && !drain(words, said)) watched[1].fd = -1;
    outcome.passed = !mark.empty();
  }
  if (!ended) {
    if (!outcome.passed) ::kill(child, SIGKILL);
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (outcome.passed) return outcome;
  outcome.end = ended ? describe_end(status) : fmt::format("it did not return within {:g} s", patience.value());
  outcome.words = find_last_line(said);
  return outcome;
}

Outcome load_in_child(const SystemView& view, const std::string& icd, Seconds patience) {
  Pipe report;
  Pipe words;
  const pid_t child = report.is_open() && words.is_open() ? ::fork() : -1;
  if (child < 0) return {true, "", ""};  // no process to spare: the drivers are loaded untried
  if (child == 0) load_and_report(view, icd, report.end(1), words.end(1));
  report.close(1);
  words.close(1);
  ::fcntl(words.end(0), F_SETFL, O_NONBLOCK);
  return follow(child, report.end(0), words.end(0), patience);
}

std::string describe(const Outcome& outcome) {
  return outcome.words.empty() ? outcome.end : fmt::format("{}; it said: {}", outcome.end, outcome.words);
}

}  // namespace

Status try_drivers(const SystemView& view, Seconds patience) {
  const Outcome together = load_in_child(view, "", patience);
  if (together.passed) return Done{};
  std::string guilty;
  std::string sound;  // of the others, the last that loads
  for (const InstalledDriver& driver : list_installed_drivers(view)) {
    if (driver.icd.empty()) continue;
    const Outcome alone = load_in_child(view, driver.icd, std::min(patience, kPatienceWithOne));
    if (alone.passed) {
      sound = driver.icd;
    } else {
      guilty += fmt::format("{}{} names {}: {}", guilty.empty() ? "" : "; ", driver.icd.string(), driver.library,
                            describe(alone));
    }
  }
  const std::string what = "an OpenCL driver cannot be loaded: " + (guilty.empty() ? describe(together) : guilty);
  if (guilty.empty() && !sound.empty())
    return runtime_error(what, "", "no driver fails alone; try them with OCL_ICD_VENDORS=FILE.icd in front of qtrap");
  return runtime_error(what, "",
                       sound.empty()
                           ? "reinstall or remove this driver, or install Debian's pocl-opencl-icd for the CPU"
                           : fmt::format("reinstall or remove this driver; without it: put OCL_ICD_VENDORS={} in "
                                         "front of qtrap",
                                         sound));
}

}  // namespace qtrap::device
