// A process that may die: qtrap starts itself, reads typed messages from a pipe, keeps what it wrote to stderr, and
// ends it when it is told to or hears nothing for too long. Only the parent writes the result file, so that a session
// killed at any moment leaves it whole.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace qtrap::program {

/// Kinds of message.
enum class MessageKind : char {
  kSession = 'S',      ///< a session's record line
  kCell = 'C',         ///< all trial lines of a cell
  kFailure = 'F',      ///< a scheme that cannot run in a cell
  kError = 'E',        ///< an error that ended the process
  kDeviceError = 'D',  ///< likewise, of an OpenCL call: another process may go on
  kActivity = 'A',     ///< what the process is at: encode_progress()
  kItem = 'I',         ///< the name of the item it begins
  kResult = 'R'        ///< what came of that item
};

/// Writes one message; throws Failure when the parent is gone.
void send_message(int descriptor, MessageKind kind, std::string_view payload);

/// How a process ended.
struct ProcessEnd {
  int exit_code = 0;
  int signal = 0;          ///< 0: it exited by itself
  double silent_s = 0;     ///< after so long a silence it was given up; 0: it was not
  std::string last_words;  ///< the last line that it wrote to stderr

  /// "was ended by SIGABRT (…); its last words: …", "gave no sign of life for 300 s …", "exited with 1".
  std::string words() const;
};

/// What the parent does beside reading messages.
struct ProcessCare {
  double watchdog_s = 0;  ///< see Watchdog; 0: none
  /// Seconds until the next sign of life, asked after each message; empty: not known.
  std::function<double()> expected_s;
  bool relay_stderr = true;  ///< what the child writes to stderr goes to this process's too
};

using MessageHandler = std::function<void(MessageKind, const std::string&)>;

/// Starts this program with `arguments` (without its name) and an open pipe whose descriptor replaces "{pipe}" in them;
/// calls `on_message` for each message until the process ends. The child dies with its parent; at the first of
/// stop_requests() it gets SIGINT, from the second on SIGKILL.
ProcessEnd run_process(std::vector<std::string> arguments, const MessageHandler& on_message, const ProcessCare& care);

/// The frame of such a process: runs `work`, whose Failure it sends as kError. Returns its exit code.
int run_as_worker(int output_descriptor, const std::function<int()>& work);

/// Where run_items() tells what comes of each item.
struct ItemSink {
  /// Whether an item that the process died of is tried once more with each kernel of a file built alone (--alone):
  /// another one may have been at fault.
  bool again_alone = false;
  /// An item begins; may be empty.
  std::function<void(const std::string& name)> on_begin;
  /// The result of an item.
  std::function<void(const std::string& name, const std::string& payload)> on_result;
  /// An item that the process died of, with what is known of that.
  std::function<void(const std::string& name, const ProcessEnd& end)> on_death;
};

/// Runs a command of this program that works through items, each announced by kItem and answered by kResult, and starts
/// it again behind an item it died of: `make_arguments` gets the number of items that are done. An error before the
/// first item of a process ends the list: it is returned, as is a kError message; empty: all items are done or the user
/// stopped.
std::string run_items(const std::function<std::vector<std::string>(std::size_t done)>& make_arguments,
                      const ItemSink& sink, const ProcessCare& care);

/// Makes SIGINT and SIGTERM count in place of ending the process; request number `fatal` ends it at once (0: none
/// does). A pipe without a reader becomes an error of the write.
void catch_interrupts(int fatal);
int stop_requests();
bool stop_was_requested();

}  // namespace qtrap::program
