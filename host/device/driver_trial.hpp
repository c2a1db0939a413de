// Loads the OpenCL drivers in a child process before this one does: a driver that crashes, ends its process or never
// returns while it is loaded costs a line that names it and not the program without a word.
#pragma once

#include "core/result.hpp"
#include "core/units.hpp"
#include "device/system_view.hpp"

namespace qtrap::device {

/// Done once the drivers were loaded and their devices described in a child; kRuntime error that names the driver at
/// fault, what became of its process, its last words, and how to go on without it. Costs one more load of the drivers.
/// `patience`: how long the child may take. To be called before this process loads a driver or starts a thread.
Status try_drivers(const SystemView& view, Seconds patience);

}  // namespace qtrap::device
