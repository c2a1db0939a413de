# qtrap_use_precompiled(TARGET layer|test)   with QTRAP_PRECOMPILE: TARGET's sources find the headers below already parsed
# Two lists, as GCC takes a precompiled header only under its own level of optimisation and warnings that choose the dialect.
# tools/test builds every source of host/ once without this (asan), and tools/lint reads those that are new without it.
set(QTRAP_PRECOMPILED_LAYER <algorithm> <array> <cmath> <cstdint> <filesystem> <functional> <map> <memory> <optional> <set> <span>
  <string> <string_view> <tuple> <utility> <variant> <vector> <fmt/format.h>)
set(QTRAP_PRECOMPILED_TEST ${QTRAP_PRECOMPILED_LAYER} <fstream> <sstream> <gtest/gtest.h> <gmock/gmock.h>)

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
  target_link_libraries(qtrap_precompiled_${kind} PRIVATE qtrap_text ${ARGN})
endfunction()

function(qtrap_use_precompiled target kind)
  if(QTRAP_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM qtrap_precompiled_${kind})
  endif()
endfunction()

if(QTRAP_PRECOMPILE)
  qtrap_add_precompiled(layer qtrap_warnings)
  if(QTRAP_BUILD_TESTS)
    qtrap_add_precompiled(test GTest::gtest GTest::gmock)
    target_compile_options(qtrap_precompiled_test PRIVATE ${QTRAP_TEST_OPTIONS})
  endif()
endif()
