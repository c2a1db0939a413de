# qtrap_use_precompiled(TARGET layer|test)   under clang's sanitizers: TARGET's sources find the headers below already parsed
# Two lists, one precompiled header each that all targets share: a layer sees nothing of gtest. The build of the preset ci and
# tools/lint precompile nothing, so a missing include is still found there (and GCC 12 loses that valijson is a system header).
set(QTRAP_PRECOMPILED_LAYER <algorithm> <array> <charconv> <cmath> <filesystem> <functional> <map> <memory> <optional> <set>
  <span> <sstream> <string> <string_view> <tuple> <unordered_map> <utility> <variant> <vector> <Eigen/Core> <fmt/format.h>
  <nlohmann/json.hpp>)
set(QTRAP_PRECOMPILED_TEST ${QTRAP_PRECOMPILED_LAYER} <fstream> <gmock/gmock.h> <gtest/gtest.h>)

set(QTRAP_PRECOMPILE OFF)
if(QTRAP_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(QTRAP_PRECOMPILE ON)
endif()
if(QTRAP_PRECOMPILE AND CMAKE_CXX_COMPILER_LAUNCHER MATCHES "(^|/)ccache$")
  # Else ccache keeps nothing that was compiled with a precompiled header. No source asks for the time of its compilation.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

function(qtrap_add_precompiled kind)
  set(source "${PROJECT_BINARY_DIR}/precompiled_${kind}.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "// Nothing: the target's headers are what is compiled.\n")
  add_library(qtrap_precompiled_${kind} OBJECT "${source}")
  string(TOUPPER ${kind} list)
  target_precompile_headers(qtrap_precompiled_${kind} PRIVATE ${QTRAP_PRECOMPILED_${list}})
  target_link_libraries(qtrap_precompiled_${kind} PRIVATE qtrap_text nlohmann_json::nlohmann_json Eigen3::Eigen ${ARGN})
endfunction()

function(qtrap_use_precompiled target kind)
  if(QTRAP_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM qtrap_precompiled_${kind})
  endif()
endfunction()

if(QTRAP_PRECOMPILE)
  # Times of headers inside would make equal precompiled headers differ: ccache would never find one again.
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
  qtrap_add_precompiled(layer qtrap_warnings)
  if(QTRAP_BUILD_TESTS)
    qtrap_add_precompiled(test GTest::gtest GTest::gmock)
  endif()
endif()
