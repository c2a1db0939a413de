// What result files before format 1.4 do not say of a point (`weight_format`, `mac_class`), by the name of its scheme.
// This is the one place that knows: a new scheme is no row here, for its files say it themselves.
#pragma once

#include <string>

namespace qtrap::fit {

struct LegacyScheme {
  std::string weight_format;  ///< empty: unknown
  std::string mac_class;
};

/// An unknown scheme is a class of its own, of no known format.
LegacyScheme find_legacy_scheme(const std::string& scheme);

}  // namespace qtrap::fit
