# Dependencies, all from Debian 12 main, none downloaded. Each is wrapped so that layers name one target.
find_package(OpenCL REQUIRED)
find_package(OpenCLHeaders REQUIRED)
find_package(OpenCLHeadersCpp REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Eigen3 REQUIRED)
find_package(valijson REQUIRED)
find_package(Threads REQUIRED)
if(QTRAP_PORTABLE)
  find_library(QTRAP_NETTLE NAMES libnettle.a REQUIRED)
else()
  find_library(QTRAP_NETTLE NAMES nettle REQUIRED)
endif()
find_package(ICU REQUIRED COMPONENTS i18n uc data)
if(QTRAP_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()

# CLHPP of Debian 12 fails with MINIMUM 120 and TARGET >= 200; 110 works.
add_library(qtrap_opencl INTERFACE)
target_link_libraries(qtrap_opencl INTERFACE OpenCL::HeadersCpp OpenCL::OpenCL)
target_compile_definitions(qtrap_opencl INTERFACE
  CL_HPP_TARGET_OPENCL_VERSION=300 CL_HPP_MINIMUM_OPENCL_VERSION=110 CL_TARGET_OPENCL_VERSION=300
  CL_HPP_ENABLE_EXCEPTIONS)

# Header-only forms link statically by nature: the portable program then carries them.
add_library(qtrap_text INTERFACE)
if(QTRAP_PORTABLE)
  target_link_libraries(qtrap_text INTERFACE fmt::fmt-header-only)
else()
  target_link_libraries(qtrap_text INTERFACE fmt::fmt)
endif()

# ICU: properties and normal forms of Unicode, regular expressions.
add_library(qtrap_unicode INTERFACE)
if(QTRAP_PORTABLE)
  find_library(QTRAP_ICU_I18N NAMES libicui18n.a REQUIRED)
  find_library(QTRAP_ICU_UC NAMES libicuuc.a REQUIRED)
  find_library(QTRAP_ICU_DATA NAMES libicudata.a REQUIRED)
  target_link_libraries(qtrap_unicode INTERFACE ${QTRAP_ICU_I18N} ${QTRAP_ICU_UC} ${QTRAP_ICU_DATA} Threads::Threads ${CMAKE_DL_LIBS})
else()
  target_link_libraries(qtrap_unicode INTERFACE ICU::i18n ICU::uc)
endif()
