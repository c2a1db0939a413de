// What the layer knows in one process: boards, faults, the dispatch table below it, and what it has seen of contexts,
// programs, buffers and events. One instance, because the loader gives a layer no place of its own to keep it.
#pragma once

#include <CL/cl_icd.h>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "layer/board.hpp"
#include "layer/damage.hpp"
#include "layer/faults.hpp"

namespace qtrap::layer {

/// Size of a handle: every OpenCL object is a pointer.
constexpr size_t kHandleBytes = sizeof(void*);

/// A device as the program sees it. The loader reads the dispatch table through the first member, so it must be first.
struct BoardDevice {
  cl_icd_dispatch* dispatch;
  cl_device_id real;
  int index;
  const Answers* answers;
};

struct Program {
  std::string source;
  std::string log;  ///< of the injected failure
};

struct Layer {
  Layer(const cl_icd_dispatch& below, Boards boards_read, const std::string& fault_text);

  /// The board behind `device`; null for a device of no board.
  const BoardDevice* board(cl_device_id device) const;
  cl_device_id real(cl_device_id device) const;
  /// The device that `context` was made for; null where the layer did not see it made.
  cl_device_id device_of(cl_context context);
  cl_device_id device_of(cl_command_queue queue);
  /// Makes the devices of the boards over the first device of `platform`; false when it has none.
  bool make_devices(cl_platform_id platform);

  cl_icd_dispatch target;
  Boards boards;
  Faults faults;
  Damage damage;
  std::mutex mutex;  ///< guards the containers below
  std::deque<BoardDevice> devices;
  std::map<cl_context, cl_device_id> contexts;
  std::map<cl_program, Program> programs;
  std::map<cl_event, const Fault*> stamps;  ///< the fault of each event, decided when its start is asked for
  std::atomic<cl_ulong> allocated{0};
  std::atomic<cl_int> lost{CL_SUCCESS};  ///< what every call answers once the device is gone
};

/// The process's layer. Precondition: clInitLayer has run.
Layer& layer();

/// Puts the functions that differ into `table`, by what they concern.
void intercept_devices(cl_icd_dispatch& table);
void intercept_programs(cl_icd_dispatch& table);
void intercept_work(cl_icd_dispatch& table);

}  // namespace qtrap::layer
