// A session's process: qtrap starts itself and reads typed messages from a pipe. Only the parent writes the result
// file, so that a session killed at any moment leaves it whole.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace qtrap::cli {

/// Kinds of message: a session's record line, all trial lines of a cell, a scheme that failed, an error that ended the
/// session.
enum class MessageKind : char { kSession = 'S', kCell = 'C', kFailure = 'F', kError = 'E' };

/// Writes one message; throws Failure when the parent is gone.
void send_message(int descriptor, MessageKind kind, std::string_view payload);

/// How a process ended.
struct ProcessEnd {
  int exit_code = 0;
  int signal = 0;  ///< 0: it exited by itself
};

/// Starts this program with `arguments` (without its name) and an open pipe whose descriptor replaces "{pipe}" in them;
/// calls `on_message` for each message until the process ends. The child dies with its parent. While `stop_requested`
/// is set, the child is asked to stop by SIGINT, once.
ProcessEnd run_process(std::vector<std::string> arguments,
                       const std::function<void(MessageKind, const std::string&)>& on_message,
                       const std::function<bool()>& stop_requested);

/// Makes SIGINT and SIGTERM set a flag in place of ending the process; the flag is what stop_was_requested() returns.
void catch_interrupts();
bool stop_was_requested();

}  // namespace qtrap::cli
