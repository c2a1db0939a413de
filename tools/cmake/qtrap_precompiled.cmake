# qtrap_use_precompiled(TARGET layer|test)   with QTRAP_PRECOMPILE (CI's builds): TARGET's sources find the headers below already parsed
# Two lists, one precompiled header each that all targets share: a layer sees nothing of gtest. The build of the preset release and
# tools/lint precompile nothing, so a missing include is still found there.
# GCC 12 gains with gtest alone (a test's source 5.6 to 4.0 CPU s): it instantiates what json and Eigen leave pending in each source
# again, and a layer's source becomes slower (4.4 to 4.9 s with the standard headers and fmt, to 6.0 with json).
set(QTRAP_PRECOMPILED_LAYER <algorithm> <array> <charconv> <cmath> <filesystem> <functional> <map> <memory> <optional> <set>
  <span> <sstream> <string> <string_view> <tuple> <unordered_map> <utility> <variant> <vector> <fmt/format.h>)
set(QTRAP_PRECOMPILED_KINDS test)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  list(APPEND QTRAP_PRECOMPILED_LAYER <Eigen/Core> <nlohmann/json.hpp>)
  list(APPEND QTRAP_PRECOMPILED_KINDS layer)
endif()
set(QTRAP_PRECOMPILED_TEST ${QTRAP_PRECOMPILED_LAYER} <fstream> <gmock/gmock.h> <gtest/gtest.h>)

option(QTRAP_PRECOMPILE "Parse the headers that most sources include once" OFF)
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
  if(QTRAP_PRECOMPILE AND kind IN_LIST QTRAP_PRECOMPILED_KINDS)
    target_precompile_headers(${target} REUSE_FROM qtrap_precompiled_${kind})
  endif()
endfunction()

if(QTRAP_PRECOMPILE)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # Times of headers inside would make equal precompiled headers differ: ccache would never find one again.
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
    qtrap_add_precompiled(layer qtrap_warnings)
  endif()
  if(QTRAP_BUILD_TESTS)
    qtrap_add_precompiled(test GTest::gtest GTest::gmock)
  endif()
endif()
