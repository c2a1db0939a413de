// What this program is: written at build time by tools/cmake/write_version.cmake.
#pragma once

#include <string>

namespace qtrap::program {

struct Version {
  std::string number;    ///< "0.1.0"
  std::string commit;    ///< empty when built outside git
  bool dirty = false;    ///< the tree differed from the commit
  std::string compiler;  ///< "GNU 12.2.0"
};

const Version& version();

}  // namespace qtrap::program
