// An opened OpenCL device: buffers, kernels and two in-order queues (bare and profiled). cl::Error never leaves this
// layer: it becomes DeviceError, which names the call, the status and the device.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/result.hpp"
#include "core/units.hpp"
#include "device/device_info.hpp"
#include "device/kernel_sources.hpp"
#include "device/step.hpp"

namespace qtrap::device {

/// A failed OpenCL call.
class DeviceError : public Failure {
 public:
  DeviceError(std::string call, int status, std::string device);
  int status() const { return status_; }

 private:
  int status_;
};

/// A device buffer or a view of one; copies share the memory.
class Buffer {
 public:
  Buffer() = default;
  /// Bytes asked for.
  std::uint64_t size_bytes() const { return size_bytes_; }
  /// CL_MEM_SIZE, as the OpenCL implementation reports it.
  std::uint64_t queried_size_bytes() const;
  explicit operator bool() const { return impl_ != nullptr; }

 private:
  friend class Device;
  friend class Kernel;
  struct Impl;
  std::shared_ptr<Impl> impl_;
  std::uint64_t size_bytes_ = 0;
};

/// How a kernel uses a buffer; read_write counts its bytes twice.
enum class Access { kRead, kWrite, kReadWrite };

struct BufferArg {
  Buffer buffer;
  Access access = Access::kRead;
};
/// Local memory of a kernel argument.
struct LocalArg {
  std::uint64_t bytes = 0;
};
using Argument = std::variant<BufferArg, LocalArg, std::int32_t, std::uint32_t, float>;

/// Global and local size; a local of all zeros lets the implementation choose. `offset` is the first global id.
struct WorkSize {
  std::array<std::size_t, 3> global{1, 1, 1};
  std::array<std::size_t, 3> local{0, 0, 0};
  std::array<std::size_t, 3> offset{0, 0, 0};
};

/// One cl_kernel with its own arguments.
class Kernel {
 public:
  Kernel() = default;
  const std::string& name() const { return name_; }
  /// Sets all arguments in order; DeviceError names the kernel and the index of a wrong one.
  void set_arguments(std::span<const Argument> arguments);
  /// Most items of a work-group: CL_KERNEL_WORK_GROUP_SIZE and the device's own limit.
  std::size_t largest_group() const;
  explicit operator bool() const { return impl_ != nullptr; }

 private:
  friend class Device;
  struct Impl;
  std::shared_ptr<Impl> impl_;
  std::string name_;
};

/// A kernel whose arguments are set, with its sizes: what a queue runs.
struct Launch {
  Kernel kernel;
  WorkSize size;
};

/// Device-side start and end of a launch, in seconds on the device's event clock.
struct EventTime {
  Seconds start;
  Seconds end;
};

/// Items of a work-group; 0 where the implementation chooses.
inline std::size_t count_group_items(const WorkSize& size) { return size.local[0] * size.local[1] * size.local[2]; }

/// Whether event stamps can be trusted, by a kernel of at least 100 us (power.md, protocol 9).
struct EventTimerCheck {
  bool trusted = false;
  std::string reason;
  bool impossible = false;  ///< stamps that no load on the host explains
};

class Device {
 public:
  /// Opens a context and two queues. DeviceError when the driver refuses.
  Device(const DeviceInfo& info, KernelSources sources);

  const DeviceInfo& info() const { return info_; }
  const KernelSources& sources() const { return sources_; }

  /// A buffer of exactly `size_bytes` (at least 1). kRuntime error "out of device memory" when the device refuses;
  /// memory is committed here, not at first use.
  Result<Buffer> make_buffer(std::uint64_t size_bytes);
  /// A view of the first `size_bytes` of `parent`.
  Buffer make_view(const Buffer& parent, std::uint64_t size_bytes);
  /// A view at `origin_bytes`, a multiple of info().base_align_bytes.
  Buffer make_view(const Buffer& parent, std::uint64_t origin_bytes, std::uint64_t size_bytes);

  /// Builds `file` (relative to kernels/) with `options` once per process and makes a kernel of it, called `name`
  /// (empty: `entry`) in errors and steps. Where the file does not build whole, `entry` is built without the file's
  /// other kernels. kRuntime error with the first line of the build log when that fails too or the entry is missing.
  Result<Kernel> make_kernel(const std::string& file, const std::string& entry, const std::string& options,
                             const std::string& name = {});
  /// From now on every entry is built without the other kernels of its file: after a compiler that aborted.
  void build_entries_alone();
  /// Calls `watch` about every build and, while launches are careful, about every launch of the bare queue.
  void set_watch(StepWatch watch);
  /// Whether each launch of the bare queue is waited for at once, so that its failure names it. A wait per launch:
  /// for warm-ups only.
  void set_careful(bool careful);
  /// Options put before those of every build ("-cl-std=CL1.2 -cl-mad-enable").
  static const std::string& common_options();
  /// What a build with `options` is given: theirs after the common ones, whose -cl-std gives way to one of theirs.
  static std::string build_options(const std::string& options);

  /// Blocking transfers on the bare queue.
  void write(const Buffer& target, std::span<const std::byte> bytes);
  void read(const Buffer& source, std::span<std::byte> bytes);
  /// Fills with a repeated 16-bit pattern.
  void fill(const Buffer& target, std::uint16_t pattern);
  /// The first `bytes` of `source` to byte `to` of `target`, which may be the source where the two do not overlap.
  void copy(const Buffer& source, const Buffer& target, std::uint64_t bytes, std::uint64_t to = 0);

  /// Enqueues on the bare in-order queue; does not wait. DeviceError, also of a work-group that is too large for the
  /// kernel, names kernel and sizes; one that shows at a later wait names the last kernel launched.
  void enqueue(const Launch& launch);
  /// Enqueues on the profiled in-order queue and keeps its event until take_events().
  void enqueue_profiled(const Launch& launch);
  /// Submits the launches enqueued since the last call, without waiting.
  void flush();
  /// Waits for both queues.
  void finish();
  /// Whether the device still does what it is told after a failed launch: NVIDIA's contexts are dead by then.
  bool still_works();
  /// The same, for who cannot go on without: throws the DeviceError of the call that shows that it does not.
  void require_working();
  /// Marks this place of the bare queue.
  void mark();
  /// Waits until the device has passed all marks but the last `most_left`, without draining the queue: what bounds how
  /// much is in flight. finish() passes them all.
  void wait_for_marks(std::size_t most_left);
  /// Times of the profiled launches since the last call but for the last `most_left`, in order; waits for those it
  /// gives. Absent where the driver has no stamps for a launch.
  std::vector<std::optional<EventTime>> take_events(std::size_t most_left = 0);

  /// Runs the check of the event timer (about 10 ms).
  EventTimerCheck check_event_timer();
  /// Probes each capability in this process: builds, runs and compares a program; fills info().capabilities. A compiler
  /// that aborts ends the process: `qtrap` probes in another one and gives what came of it to set_capabilities().
  void probe_capabilities();
  void set_capabilities(std::vector<Capability> capabilities);
  /// Adds to info().avoided.
  void avoid_kernel(std::string kernel, std::string reason);

 private:
  struct Impl;
  void launch(const Launch& launch, bool profiled);
  DeviceInfo info_;
  KernelSources sources_;
  std::shared_ptr<Impl> impl_;
};

template <class T>
std::vector<T> read_vector(Device& device, const Buffer& buffer, std::size_t count) {
  std::vector<T> values(count);
  device.read(buffer, std::as_writable_bytes(std::span(values)));
  return values;
}

template <class T>
void write_vector(Device& device, const Buffer& buffer, const std::vector<T>& values) {
  device.write(buffer, std::as_bytes(std::span(values)));
}

}  // namespace qtrap::device
