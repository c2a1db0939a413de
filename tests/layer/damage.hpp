// Wrong results: changes what a kernel wrote, after it has run. The output is the first __global argument that is not
// const, or the one numbered by the fault's `argument`; its element type comes from the kernel's signature.
#pragma once

#include <CL/cl_icd.h>

#include <map>
#include <mutex>
#include <utility>

#include "layer/faults.hpp"

namespace qtrap::layer {

class Damage {
 public:
  /// Remembers a buffer bound to an argument.
  void bind(cl_kernel kernel, cl_uint argument, size_t size, const void* value);

  /// Changes elements `from` (0) to from + `count` (1) of the output by `do`: scale (by `factor`), zero, nan.
  /// Waits for the queue. Programs must have been built with -cl-kernel-arg-info.
  void apply(const cl_icd_dispatch& target, cl_command_queue queue, cl_kernel kernel, const Fault& fault);

 private:
  std::mutex mutex_;
  std::map<std::pair<cl_kernel, cl_uint>, cl_mem> bound_;
};

}  // namespace qtrap::layer
