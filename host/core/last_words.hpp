// Words for how another process ended: the signal, and the last thing it said.
#pragma once

#include <string>
#include <string_view>

namespace qtrap {

/// "SIGABRT (abort: a check of the driver or its compiler failed)", with what is known of the usual cause here; "signal
/// N" of one without a name.
std::string describe_signal(int signal);

/// The last line of `text` with something in it, printable and of limited length: what is longer ends in "…".
std::string find_last_line(std::string_view text);

}  // namespace qtrap
