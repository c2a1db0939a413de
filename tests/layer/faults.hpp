// Faults that the layer injects, read from QTRAP_LAYER_FAULTS: faults apart by `;`, each `KIND key=value …`, where a
// value runs to the next key and that of `text` to the fault's end. Kinds and keys stand in README.md. Conditions that
// every kind knows:
//   argv=TEXT   only in processes whose command line holds TEXT (run-session: the process of a session)
//   once=FILE   only the first time in all processes together: FILE is created then
//   if=FILE     only while FILE exists
//   after=N times=M every=K   not the first N matches of this process, then M of them at most, each K-th alone
// Each time a fault strikes, a line goes to the file named by QTRAP_LAYER_LOG, so that a test can see that it did.
#pragma once

#include <CL/cl.h>

#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace qtrap::layer {

/// One fault and how often it was asked for.
struct Fault {
  std::string kind;
  std::map<std::string, std::string> keys;
  long matches = 0;

  bool has(const std::string& key) const { return keys.contains(key); }
  std::string text(const std::string& key, const std::string& otherwise = {}) const;
  double number(const std::string& key, double otherwise) const;
  cl_int code(cl_int otherwise) const { return static_cast<cl_int>(number("code", otherwise)); }
  /// Whether `whole` holds the text of `key`; true where the fault does not name it.
  bool allows(const std::string& key, std::string_view whole) const;
};

/// All faults of a process. Safe to ask from several threads.
class Faults {
 public:
  /// Throws std::runtime_error on a fault without a kind or a key without a value.
  explicit Faults(const std::string& text);

  /// The first fault of `kind` for which `matches` holds and whose conditions hold now; null where none strikes.
  template <class Matches>
  const Fault* strike(std::string_view kind, Matches matches) {
    const std::lock_guard lock(mutex_);
    for (Fault& fault : faults_) {
      if (fault.kind == kind && matches(fault) && conditions_hold(fault)) return &fault;
    }
    return nullptr;
  }
  const Fault* strike(std::string_view kind) {
    return strike(kind, [](const Fault&) { return true; });
  }
  /// Whether a fault of this kind is set at all.
  bool any(std::string_view kind) const;

 private:
  bool conditions_hold(Fault& fault);

  std::mutex mutex_;
  std::list<Fault> faults_;
  std::string command_line_;
};

/// Appends a line to the file named by QTRAP_LAYER_LOG, if there is one.
void log_line(const std::string& line);

/// What a driver can do beside answering: the fault's `do` is print (its text on stderr), sleep (`seconds`), hang,
/// exit, abort (after the text, as a compiler's) or segv. Anything else returns at once.
void act(const Fault& fault);

}  // namespace qtrap::layer
