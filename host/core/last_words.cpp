#include "core/last_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <iterator>

namespace qtrap {
namespace {

constexpr std::size_t kMostLastWords = 160;

/// Signals by name; the hint is the usual cause here.
struct SignalName {
  int signal;
  const char* words;
};
constexpr SignalName kSignals[] = {
    {SIGABRT, "SIGABRT (abort: a check of the driver or its compiler failed)"},
    {SIGSEGV, "SIGSEGV (a fault of memory access, mostly in the driver)"},
    {SIGBUS, "SIGBUS (a bus error, mostly in the driver or on a full disk)"},
    {SIGILL, "SIGILL (an instruction that this processor lacks)"},
    {SIGFPE, "SIGFPE (an arithmetic fault)"},
    {SIGKILL, "SIGKILL (killed from outside: where memory ran out, by the kernel; see dmesg)"},
    {SIGTERM, "SIGTERM (ended from outside)"},
    {SIGINT, "SIGINT (interrupted)"},
    {SIGHUP, "SIGHUP (its terminal is gone)"},
    {SIGPIPE, "SIGPIPE (a pipe without a reader)"},
    {SIGSYS, "SIGSYS (a system call that is forbidden here)"},
    {SIGTRAP, "SIGTRAP (a trap of the driver or its compiler)"},
    {SIGXCPU, "SIGXCPU (its limit of processor time: see `ulimit -t`)"},
    {SIGXFSZ, "SIGXFSZ (its limit of file size: see `ulimit -f`)"},
};

}  // namespace

std::string describe_signal(int signal) {
  const auto found = std::find_if(std::begin(kSignals), std::end(kSignals),
                                  [&](const SignalName& name) { return name.signal == signal; });
  return found == std::end(kSignals) ? fmt::format("signal {}", signal) : found->words;
}

std::string find_last_line(std::string_view text) {
  std::string line;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find_first_of("\r\n", start), text.size());
    const std::string_view candidate = text.substr(start, end - start);
    if (candidate.find_first_not_of(" \t") != std::string_view::npos) line = candidate;
    start = end + 1;
  }
  if (line.size() > kMostLastWords) line = line.substr(0, kMostLastWords) + "…";
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  return line;
}

}  // namespace qtrap
