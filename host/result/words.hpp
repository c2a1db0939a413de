// Closed lists shared by several field tables.
#pragma once

#include <array>
#include <string_view>

namespace qtrap::result::words {

inline constexpr std::array<std::string_view, 4> kEnergyMethods{"counter", "integrated", "estimated", "simulated"};
inline constexpr std::array<std::string_view, 7> kEnergyStatuses{"ok",    "no_meter",    "too_short", "unattributable",
                                                                 "reset", "implausible", "no_pass"};
inline constexpr std::array<std::string_view, 3> kStopReasons{"precision", "budget", "trials"};

}  // namespace qtrap::result::words
