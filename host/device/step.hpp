// What a device is about to do that may take long or never return, for whoever watches over it.
#pragma once

#include <functional>
#include <string>

namespace qtrap::device {

struct Step {
  enum class Kind {
    kNone,   ///< the last step is over
    kBuild,  ///< of a program, for `kernel`
    kLaunch  ///< of `kernel`, with the wait for it
  };
  Kind kind = Kind::kNone;
  std::string kernel;  ///< as named by Device::make_kernel
  std::string detail;  ///< a build's file and options, a launch's sizes

  /// "build of KERNEL (DETAIL)", "launch of KERNEL (DETAIL)"; empty for kNone.
  std::string words() const;
};

/// Called before a step and, with kNone, after it.
using StepWatch = std::function<void(const Step&)>;

}  // namespace qtrap::device
