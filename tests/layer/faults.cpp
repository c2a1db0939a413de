#include "layer/faults.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace qtrap::layer {
namespace {

constexpr const char* kLastWords = "LLVM ERROR: Cannot select: intrinsic";

Fault parse_fault(const std::string& text) {
  Fault fault;
  std::istringstream words(text);
  words >> fault.kind;
  std::string key;
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    if (equals != std::string::npos && key != "text") {
      key = word.substr(0, equals);
      fault.keys[key] = word.substr(equals + 1);
    } else if (!key.empty()) {
      fault.keys[key] += " " + word;
    } else {
      throw std::runtime_error("a fault's first word after its kind lacks a value: " + word);
    }
  }
  return fault;
}

/// Arguments of this process, apart by blanks.
std::string read_command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  for (char& c : text) c = c == '\0' ? ' ' : c;
  return text;
}

bool create_once(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (descriptor >= 0) ::close(descriptor);
  return descriptor >= 0;
}

}  // namespace

std::string Fault::text(const std::string& key, const std::string& otherwise) const {
  const auto found = keys.find(key);
  return found == keys.end() ? otherwise : found->second;
}

double Fault::number(const std::string& key, double otherwise) const {
  const auto found = keys.find(key);
  return found == keys.end() ? otherwise : std::stod(found->second);
}

bool Fault::allows(const std::string& key, std::string_view whole) const {
  return whole.find(text(key)) != std::string_view::npos;
}

Faults::Faults(const std::string& text) : command_line_(read_command_line()) {
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ';');) {
    if (part.find_first_not_of(" \t\n") != std::string::npos) faults_.push_back(parse_fault(part));
  }
}

bool Faults::any(std::string_view kind) const {
  for (const Fault& fault : faults_) {
    if (fault.kind == kind) return true;
  }
  return false;
}

bool Faults::conditions_hold(Fault& fault) {
  if (!fault.allows("argv", command_line_)) return false;
  const long number = ++fault.matches - static_cast<long>(fault.number("after", 0));
  const long every = static_cast<long>(fault.number("every", 1));
  if (number <= 0 || number % every != 0) return false;
  if (fault.has("times") && number > static_cast<long>(fault.number("times", 0)) * every) return false;
  if (fault.has("once") && !create_once(fault.text("once"))) return false;
  std::string line = fault.kind;
  for (const auto& [key, value] : fault.keys) line.append(" ").append(key).append("=").append(value);
  log_line(line);
  return true;
}

void log_line(const std::string& line) {
  const char* path = std::getenv("QTRAP_LAYER_LOG");
  if (path == nullptr) return;
  const std::string whole = line + "\n";
  const int descriptor = ::open(path, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
  if (descriptor < 0) return;
  if (::write(descriptor, whole.data(), whole.size()) < 0) std::perror("QTRAP_LAYER_LOG");
  ::close(descriptor);
}

void act(const Fault& fault) {
  const std::string what = fault.text("do");
  if (what == "print" || what == "abort") {
    std::fprintf(stderr, "%s\n", fault.text("text", kLastWords).c_str());
    std::fflush(stderr);
  }
  if (what == "abort") std::abort();
  if (what == "segv") std::raise(SIGSEGV);
  if (what == "exit") std::_Exit(static_cast<int>(fault.number("code", 1)));
  while (what == "hang") ::pause();
}

}  // namespace qtrap::layer
