// The kernel files of kernels/, embedded at build time (tools/cmake/embed_kernels.cmake).
#pragma once

#include <span>
#include <string_view>

namespace qtrap::device {

struct EmbeddedFile {
  std::string_view path;  ///< relative to kernels/, e.g. "matmul/gemv_cpu.cl"
  std::string_view text;
};

/// All *.cl and *.clh files, sorted by path.
std::span<const EmbeddedFile> embedded_kernels();

}  // namespace qtrap::device
