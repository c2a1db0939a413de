// Standard descriptors as a program finds them in scripts, containers and batch systems: closed, full, or without a
// reader. Nothing here throws for lack of an audience.
#pragma once

#include <cstddef>
#include <string_view>

namespace qtrap::program {

/// To be called first of all. Opens those of descriptors 0 to 2 that are closed on /dev/null, so that no file of the
/// program takes their number; makes writes to a pipe without a reader (SIGPIPE) and past the file-size limit (SIGXFSZ)
/// fail with a code in place of ending the process; takes back that a parent ignores the end of children (SIGCHLD),
/// without which no child could be waited for.
void prepare_standard_streams();

/// Writes to stderr, and does not mind if that is gone or full.
void say(std::string_view text);

/// One line that is overwritten on a terminal, cut to its width; a line of its own elsewhere. Control characters are
/// escaped.
void show_progress(std::string_view text);
/// Clears what show_progress() left on a terminal.
void clear_progress();

/// Whether stderr is a terminal.
bool stderr_is_terminal();

/// Columns of the terminal on stderr: what it says, else COLUMNS, else 80.
std::size_t terminal_columns();

}  // namespace qtrap::program
