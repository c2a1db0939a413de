# Writes OUT with the version, the git commit and whether the tree differs from it; only when something changed.
execute_process(COMMAND git -C "${ROOT}" rev-parse HEAD OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
                RESULT_VARIABLE failed ERROR_QUIET)
execute_process(COMMAND git -C "${ROOT}" status --porcelain --untracked-files=no OUTPUT_VARIABLE changes ERROR_QUIET)
set(dirty false)
if(failed)
  set(commit "")
elseif(changes)
  set(dirty true)
endif()
file(CONFIGURE OUTPUT "${OUT}" @ONLY CONTENT [[
#include "program/version.hpp"

namespace qtrap::program {
const Version& version() {
  static const Version kVersion{"@VERSION@", "@commit@", @dirty@, "@COMPILER@"};
  return kVersion;
}
}  // namespace qtrap::program
]])
