# qtrap_add_layer(NAME DEPS layer… [LINK target…])   host/NAME/*.cpp -> static library qtrap::NAME, "/" as "_"
# qtrap_add_test(NAME LABEL label DEPS layer… [COST s]) tests/NAME/*_test.cpp -> test program NAME_tests; those of cost start first
# qtrap_embed_kernels(OUT file)                      kernels/**/*.cl and *.clh -> one C++ source

add_library(qtrap_warnings INTERFACE)
target_compile_options(qtrap_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wcast-align -Wunused -Woverloaded-virtual -Wdouble-promotion -Wformat=2 -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 reports overlapping copies inside std::string's operator+ that are not there (GCC bug 105651).
  target_compile_options(qtrap_warnings INTERFACE -Wno-restrict)
endif()
if(QTRAP_WERROR)
  target_compile_options(qtrap_warnings INTERFACE -Werror)
endif()
# Messages and debug information name files of the tree, not of the machine that built it.
add_compile_options("-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")
if(QTRAP_SANITIZE)
  add_compile_options(-fsanitize=${QTRAP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${QTRAP_SANITIZE})
endif()

if(QTRAP_FUZZ)
  # Coverage for libFuzzer in every layer; the driver itself is linked by the targets of tests/fuzz alone.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()

function(qtrap_add_layer name)
  cmake_parse_arguments(LAYER "" "" "DEPS;LINK;SOURCES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/host/${name}/*.cpp")
  string(REPLACE "/" "_" name "${name}")
  list(FILTER sources EXCLUDE REGEX "main\\.cpp$")
  if(NOT sources)
    return()
  endif()
  add_library(qtrap_${name} STATIC ${sources} ${LAYER_SOURCES})
  add_library(qtrap::${name} ALIAS qtrap_${name})
  target_include_directories(qtrap_${name} PUBLIC "${PROJECT_SOURCE_DIR}/host")
  list(TRANSFORM LAYER_DEPS REPLACE "/" "_")
  list(TRANSFORM LAYER_DEPS PREPEND "qtrap_" OUTPUT_VARIABLE layers)
  target_link_libraries(qtrap_${name} PUBLIC ${layers} ${LAYER_LINK} PRIVATE qtrap_warnings)
  qtrap_use_precompiled(qtrap_${name} layer)
endfunction()

# Of every test. With one GiB of device memory, ceilings and the search for the cache read an eighth of that: a session of
# PoCL takes 3.6 CPU seconds instead of 13.3.
set(QTRAP_TEST_PROPERTIES ENVIRONMENT_MODIFICATION POCL_MEMORY_LIMIT=set:1)

function(qtrap_add_test name)
  cmake_parse_arguments(TEST "" "LABEL;TIMEOUT;COST" "DEPS;LINK" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  if(NOT TEST_COST)
    set(TEST_COST 0)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*_test.cpp")
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_tests ${sources})
  list(TRANSFORM TEST_DEPS REPLACE "/" "_")
  list(TRANSFORM TEST_DEPS PREPEND "qtrap_" OUTPUT_VARIABLE layers)
  target_include_directories(${name}_tests PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  # What is tested is optimised, its tests less: a third of their compile time.
  target_compile_options(${name}_tests PRIVATE "$<$<CONFIG:Release>:-O1>")
  target_compile_definitions(${name}_tests PRIVATE
    QTRAP_SOURCE_DIR="${PROJECT_SOURCE_DIR}" QTRAP_BINARY_DIR="${PROJECT_BINARY_DIR}")
  target_link_libraries(${name}_tests PRIVATE ${layers} ${TEST_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  qtrap_use_precompiled(${name}_tests test)
  # PRE_TEST: a build never runs a test program; one process per test keeps OpenCL state apart.
  gtest_discover_tests(${name}_tests TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${TEST_LABEL}" TIMEOUT ${TEST_TIMEOUT} COST ${TEST_COST} ENVIRONMENT "POCL_AFFINITY=1"
    ${QTRAP_TEST_PROPERTIES})
endfunction()

function(qtrap_embed_kernels out)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/*.cl" "${PROJECT_SOURCE_DIR}/kernels/*.clh")
  add_custom_command(OUTPUT "${out}"
    COMMAND ${CMAKE_COMMAND} "-DROOT=${PROJECT_SOURCE_DIR}/kernels" "-DOUT=${out}"
            -P "${PROJECT_SOURCE_DIR}/tools/cmake/embed_kernels.cmake"
    DEPENDS ${files} "${PROJECT_SOURCE_DIR}/tools/cmake/embed_kernels.cmake"
    COMMENT "Embedding the kernels" VERBATIM)
endfunction()
