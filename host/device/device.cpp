#include "device/device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <utility>

#include "core/clock.hpp"
#include "core/contract.hpp"
#include "device/opencl.hpp"

namespace qtrap::device {
namespace {

constexpr std::size_t kMostPendingEvents = 1 << 20;  // a chain leaves no more than two batches
constexpr const char* kLanguage = "-cl-std=CL1.2 ";
constexpr const char* kMadEnable = "-cl-mad-enable";

/// What to do about a status; the first row without one serves all others.
struct Fix {
  int status;
  const char* text;
};
constexpr const char* kFaultFix =
    "the kernel faulted or the driver lacks what it needs: see dmesg; `qtrap verify` shows which kernels work";
constexpr const char* kGroupFix =
    "this device or kernel takes smaller work-groups: choose another device with --device";
constexpr int kIllegalAccess = -9999;  // NVIDIA's, of a kernel that reads or writes where it may not
constexpr Fix kFixes[] = {
    {CL_OUT_OF_RESOURCES, kFaultFix},
    {CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, kFaultFix},
    {kIllegalAccess, kFaultFix},
    {CL_INVALID_COMMAND_QUEUE, kFaultFix},
    {CL_DEVICE_NOT_AVAILABLE, "the device is gone: see dmesg, and reset it or restart the machine"},
    {CL_INVALID_WORK_GROUP_SIZE, kGroupFix},
    {CL_INVALID_WORK_ITEM_SIZE, kGroupFix}};
constexpr const char* kAnyFix = "check the driver (clinfo, dmesg); run `qtrap verify` on this device";

std::string fix_of(int status) {
  const auto* found =
      std::find_if(std::begin(kFixes), std::end(kFixes), [&](const Fix& fix) { return fix.status == status; });
  return found == std::end(kFixes) ? kAnyFix : found->text;
}

/// Whether an allocation that ends with it lacks memory. CL_OUT_OF_RESOURCES says so too, unless a kernel faulted.
bool lacks_memory(int status, bool faulted) {
  return status == CL_MEM_OBJECT_ALLOCATION_FAILURE || status == CL_OUT_OF_HOST_MEMORY ||
         status == CL_INVALID_BUFFER_SIZE || (status == CL_OUT_OF_RESOURCES && !faulted);
}

std::string describe(const std::array<std::size_t, 3>& size) {
  return fmt::format("{}x{}x{}", size[0], size[1], size[2]);
}

std::string describe(const WorkSize& size) {
  return fmt::format("{} items in groups of {}", describe(size.global),
                     count_group_items(size) == 0 ? "the driver's choice" : describe(size.local));
}

/// The first line of a build log that says "error", else its first line.
std::string first_error(const std::string& log) {
  std::string first;
  std::size_t start = 0;
  while (start < log.size()) {
    const std::size_t end = std::min(log.find('\n', start), log.size());
    std::string line = log.substr(start, end - start);
    if (line.find("error") != std::string::npos) return line;
    if (first.empty()) first = line;
    start = end + 1;
  }
  return first;
}

cl::NDRange range(const std::array<std::size_t, 3>& size) {
  return size[0] == 0 ? cl::NullRange : cl::NDRange(size[0], size[1], size[2]);
}

cl::NDRange offset(const WorkSize& size) {
  const auto& [x, y, z] = size.offset;
  return x + y + z == 0 ? cl::NullRange : cl::NDRange(x, y, z);
}

/// Stamps of a launch that has ended; none where the driver does not give them (CL_PROFILING_INFO_NOT_AVAILABLE): the
/// launch is no worse for it. Nanoseconds already: CL_DEVICE_PROFILING_TIMER_RESOLUTION is not a factor.
std::optional<EventTime> read_stamps(cl_event event) {
  cl_ulong start = 0, end = 0;
  if (clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start, &start, nullptr) != CL_SUCCESS ||
      clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, nullptr) != CL_SUCCESS)
    return std::nullopt;
  return EventTime{Seconds(1e-9 * static_cast<double>(start)), Seconds(1e-9 * static_cast<double>(end))};
}

}  // namespace

std::string status_name(int status) {
  static constexpr std::pair<int, const char*> kNames[] = {{-1, "CL_DEVICE_NOT_FOUND"},
                                                           {-2, "CL_DEVICE_NOT_AVAILABLE"},
                                                           {-3, "CL_COMPILER_NOT_AVAILABLE"},
                                                           {-4, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
                                                           {-5, "CL_OUT_OF_RESOURCES"},
                                                           {-6, "CL_OUT_OF_HOST_MEMORY"},
                                                           {-7, "CL_PROFILING_INFO_NOT_AVAILABLE"},
                                                           {-11, "CL_BUILD_PROGRAM_FAILURE"},
                                                           {-13, "CL_MISALIGNED_SUB_BUFFER_OFFSET"},
                                                           {-14, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST"},
                                                           {-30, "CL_INVALID_VALUE"},
                                                           {-34, "CL_INVALID_CONTEXT"},
                                                           {-36, "CL_INVALID_COMMAND_QUEUE"},
                                                           {-38, "CL_INVALID_MEM_OBJECT"},
                                                           {-44, "CL_INVALID_PROGRAM"},
                                                           {-45, "CL_INVALID_PROGRAM_EXECUTABLE"},
                                                           {-46, "CL_INVALID_KERNEL_NAME"},
                                                           {-48, "CL_INVALID_KERNEL"},
                                                           {-49, "CL_INVALID_ARG_INDEX"},
                                                           {-50, "CL_INVALID_ARG_VALUE"},
                                                           {-51, "CL_INVALID_ARG_SIZE"},
                                                           {-52, "CL_INVALID_KERNEL_ARGS"},
                                                           {-53, "CL_INVALID_WORK_DIMENSION"},
                                                           {-54, "CL_INVALID_WORK_GROUP_SIZE"},
                                                           {-55, "CL_INVALID_WORK_ITEM_SIZE"},
                                                           {-61, "CL_INVALID_BUFFER_SIZE"},
                                                           {-63, "CL_INVALID_GLOBAL_WORK_SIZE"}};
  for (const auto& [code, name] : kNames) {
    if (code == status) return fmt::format("{} ({})", name, status);
  }
  return fmt::format("OpenCL status {}", status);
}

DeviceError::DeviceError(std::string call, int status, std::string device)
    : Failure(qtrap::runtime_error("OpenCL call failed", fmt::format("{}: {} on {}", call, status_name(status), device),
                                   fix_of(status))),
      status_(status) {}

void require_success(cl_int status, const std::string& call, const std::string& device) {
  if (status != CL_SUCCESS) throw DeviceError(call, status, device);
}

std::string Step::words() const {
  if (kind == Kind::kNone) return {};
  return fmt::format("{} of {} ({})", kind == Kind::kBuild ? "build" : "launch", kernel, detail);
}

std::uint64_t Buffer::queried_size_bytes() const {
  expects(impl_ != nullptr, "an empty buffer has no size");
  return guarded(impl_->device, [&] { return impl_->handle.getInfo<CL_MEM_SIZE>(); });
}

void Kernel::set_arguments(std::span<const Argument> arguments) {
  expects(impl_ != nullptr, "arguments need a kernel");
  impl_->bound.clear();
  for (cl_uint i = 0; i < arguments.size(); ++i) {
    guarded(fmt::format("{}, kernel {} argument {}", impl_->device, name_, i), [&] {
      if (const auto* buffer = std::get_if<BufferArg>(&arguments[i])) {
        expects(static_cast<bool>(buffer->buffer), "a bound buffer is not empty");
        impl_->bound.push_back(buffer->buffer.impl_);
        impl_->handle.setArg(i, buffer->buffer.impl_->handle);
      } else if (const auto* local = std::get_if<LocalArg>(&arguments[i])) {
        impl_->handle.setArg(i, cl::Local(local->bytes));
      } else if (const auto* signed_value = std::get_if<std::int32_t>(&arguments[i])) {
        impl_->handle.setArg(i, *signed_value);
      } else if (const auto* unsigned_value = std::get_if<std::uint32_t>(&arguments[i])) {
        impl_->handle.setArg(i, *unsigned_value);
      } else {
        impl_->handle.setArg(i, std::get<float>(arguments[i]));
      }
    });
  }
}

std::size_t Kernel::largest_group() const {
  expects(impl_ != nullptr, "an empty kernel has no limit");
  return impl_->largest_group;
}

struct Device::Impl {
  std::string name;  ///< of the device, for errors
  cl::Device device;
  cl::Context context;
  cl::CommandQueue bare;
  cl::CommandQueue profiled;
  bool bare_pending = false, profiled_pending = false;  ///< launches since the last flush
  bool careful = false, alone = false;
  StepWatch watch;
  std::map<std::string, Result<cl::Program>> programs;
  std::deque<cl::Event> events;               ///< of the profiled launches, until they are taken
  std::deque<cl::Event> marks;                ///< on the bare queue
  std::uint64_t in_flight = 0;                ///< launches since the last wait
  std::shared_ptr<Kernel::Impl> last_kernel;  ///< of them
  bool faulted = false;                       ///< a call that runs or awaits kernels failed: no later error is trusted

  void tell(Step::Kind kind, const std::string& kernel, std::string detail) const {
    if (watch) watch({kind, kernel, std::move(detail)});
  }

  /// Runs `call`, which awaits what was launched; its error says what that was.
  template <class Call>
  auto awaiting(Call&& call) -> decltype(call()) {
    try {
      return call();
    } catch (const cl::Error& error) {
      faulted = true;
      throw DeviceError(error.what() + describe_in_flight(), error.err(), name);
    }
  }

  std::string describe_in_flight() const {
    if (in_flight == 0 || !last_kernel) return {};
    if (in_flight == 1) return " after a launch of " + last_kernel->name;
    return fmt::format(" after {} launches, the last of {}", in_flight, last_kernel->name);
  }

  void landed() {
    in_flight = 0;
    last_kernel.reset();
  }

  /// What the driver says of a failed build.
  std::string read_log(const cl::Program& program) const {
    std::size_t size = 0;
    cl_int status = clGetProgramBuildInfo(program(), device(), CL_PROGRAM_BUILD_LOG, 0, nullptr, &size);
    std::string log(size, '\0');
    if (status == CL_SUCCESS && size > 0)
      status = clGetProgramBuildInfo(program(), device(), CL_PROGRAM_BUILD_LOG, size, log.data(), nullptr);
    if (status != CL_SUCCESS) return fmt::format("no log: clGetProgramBuildInfo gives {}", status_name(status));
    log.erase(std::min(log.find('\0'), log.size()));
    return log.empty() ? "the driver's log is empty" : log;
  }

  Result<cl::Program> build(const std::string& text, const std::string& what, const std::string& options) const {
    cl::Program program = guarded(name, [&] { return cl::Program(context, text); });
    // Without warnings: NVIDIA's compiler counts them on stderr, and the first error is what a log is read for.
    const cl_int status = clBuildProgram(program(), 0, nullptr, (options + " -w").c_str(), nullptr, nullptr);
    if (status == CL_SUCCESS) return program;
    const std::string why = status == CL_BUILD_PROGRAM_FAILURE ? "" : ": " + status_name(status);
    return qtrap::runtime_error("kernel build failed", fmt::format("{} with {} on {}{}", what, options, name, why),
                                "update the driver or report this log line: " + first_error(read_log(program)));
  }
};

Device::Device(const DeviceInfo& info, KernelSources sources)
    : info_(info), sources_(std::move(sources)), impl_(std::make_shared<Impl>()) {
  impl_->name = info_.name;
  guarded(info_.name, [&] {
    const auto handles = all_device_handles();
    expects(info.index >= 0, "a device was selected from the list");
    if (static_cast<std::size_t>(info.index) < handles.size())
      impl_->device = handles[static_cast<std::size_t>(info.index)];
    // A list that changed since it was read has another device at this place, or none.
    if (impl_->device() == nullptr || read_name(impl_->device) != info.name)
      throw Failure(runtime_error("the device is gone", info_.label(), "check the driver (dmesg), then start again"));
    impl_->context = cl::Context(impl_->device);
    impl_->bare = cl::CommandQueue(impl_->context, impl_->device, static_cast<cl_command_queue_properties>(0));
    impl_->profiled = cl::CommandQueue(impl_->context, impl_->device, CL_QUEUE_PROFILING_ENABLE);
  });
}

Result<Buffer> Device::make_buffer(std::uint64_t size_bytes) {
  expects(size_bytes > 0, "a buffer holds at least one byte");
  const auto too_small = [&](const std::string& why) {
    return runtime_error("out of device memory", fmt::format("{} bytes on {}: {}", size_bytes, info_.name, why),
                         "lower memory_fraction, run fewer schemes or a smaller model, or free memory on the device");
  };
  if (size_bytes > info_.max_alloc_bytes)
    return too_small(fmt::format("the largest allocation is {}", info_.max_alloc_bytes));
  if (impl_->in_flight > 0) finish();  // a kernel's fault must not look like a lack of memory
  try {
    return guarded(info_.name, [&] {
      Buffer buffer;
      buffer.size_bytes_ = size_bytes;
      buffer.impl_ = std::make_shared<Buffer::Impl>();
      buffer.impl_->device = info_.name;
      buffer.impl_->handle = cl::Buffer(impl_->context, CL_MEM_READ_WRITE, size_bytes);
      // Some drivers allocate at first use: ask now, so that a lack of memory shows here and not inside a window. The
      // plain call, as Debian's CLHPP calls its error one of clEnqueueUnmapMemObject.
      const cl_mem memory = buffer.impl_->handle();
      require_success(clEnqueueMigrateMemObjects(impl_->bare(), 1, &memory, CL_MIGRATE_MEM_OBJECT_CONTENT_UNDEFINED, 0,
                                                 nullptr, nullptr),
                      "clEnqueueMigrateMemObjects", info_.name);
      impl_->bare.finish();
      return buffer;
    });
  } catch (const DeviceError& error) {
    if (!lacks_memory(error.status(), impl_->faulted)) throw;
    return too_small(status_name(error.status()));
  }
}

Buffer Device::make_view(const Buffer& parent, std::uint64_t size_bytes) { return make_view(parent, 0, size_bytes); }

Buffer Device::make_view(const Buffer& parent, std::uint64_t origin_bytes, std::uint64_t size_bytes) {
  expects(static_cast<bool>(parent), "a view needs a buffer");
  expects(size_bytes > 0 && origin_bytes + size_bytes <= parent.size_bytes_, "a view lies inside its buffer");
  expects(origin_bytes % info_.base_align_bytes == 0, "a view starts on the device's alignment");
  expects(parent.impl_->parent == nullptr, "a view of a view is not allowed by OpenCL");
  return guarded(info_.name, [&] {
    Buffer view;
    view.size_bytes_ = size_bytes;
    view.impl_ = std::make_shared<Buffer::Impl>();
    view.impl_->device = info_.name;
    view.impl_->parent = parent.impl_;
    cl_buffer_region region{origin_bytes, size_bytes};
    view.impl_->handle = parent.impl_->handle.createSubBuffer(CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region);
    return view;
  });
}

const std::string& Device::common_options() {
  static const std::string options = std::string(kLanguage) + kMadEnable;
  return options;
}

std::string Device::build_options(const std::string& options) {
  const std::string common = options.find("-cl-std=") == std::string::npos ? common_options() : kMadEnable;
  return options.empty() ? common : common + " " + options;
}

Result<Kernel> Device::make_kernel(const std::string& file, const std::string& entry, const std::string& options,
                                   const std::string& name) {
  const std::string& called = name.empty() ? entry : name;
  const std::string all_options = build_options(options);
  const auto program_of = [&](bool alone) -> Result<cl::Program> {
    const std::string key = file + '\n' + all_options + '\n' + (alone ? entry : "");
    if (const auto found = impl_->programs.find(key); found != impl_->programs.end()) return found->second;
    const auto text = alone ? sources_.text_of_entry(file, entry) : sources_.text(file);
    if (!text) return text.error();
    impl_->tell(Step::Kind::kBuild, called, file + (options.empty() ? "" : " with " + options));
    auto built = impl_->build(text.value(), called + " in " + file, all_options);
    impl_->tell(Step::Kind::kNone, {}, {});
    return impl_->programs.emplace(key, std::move(built)).first->second;
  };
  auto program = program_of(impl_->alone);
  if (!program && !impl_->alone) program = program_of(true);
  if (!program) return program.error();
  Kernel kernel;
  kernel.name_ = called;
  kernel.impl_ = std::make_shared<Kernel::Impl>();
  kernel.impl_->device = info_.name;
  kernel.impl_->name = called;
  cl_int status = CL_SUCCESS;
  kernel.impl_->handle = cl::Kernel(clCreateKernel(program.value()(), entry.c_str(), &status));
  if (status == CL_INVALID_KERNEL_NAME) {
    return runtime_error("kernel entry is missing", fmt::format("{} in {}: {}", entry, file, status_name(status)),
                         "give --kernel-dir a complete copy of the folder kernels/");
  }
  if (status != CL_SUCCESS) {
    return runtime_error("kernel cannot be made", fmt::format("{} on {}: {}", called, info_.name, status_name(status)),
                         fix_of(status));
  }
  std::size_t most = info_.max_work_group > 0 ? static_cast<std::size_t>(info_.max_work_group) : SIZE_MAX;
  std::size_t its = 0;
  if (clGetKernelWorkGroupInfo(kernel.impl_->handle(), impl_->device(), CL_KERNEL_WORK_GROUP_SIZE, sizeof its, &its,
                               nullptr) == CL_SUCCESS &&
      its > 0)
    most = std::min(most, its);
  kernel.impl_->largest_group = most;
  return kernel;
}

void Device::build_entries_alone() { impl_->alone = true; }

void Device::set_watch(StepWatch watch) { impl_->watch = std::move(watch); }

void Device::set_careful(bool careful) { impl_->careful = careful; }

void Device::set_capabilities(std::vector<Capability> capabilities) { info_.capabilities = std::move(capabilities); }

void Device::avoid_kernel(std::string kernel, std::string reason) {
  if (info_.find_avoided(kernel) == nullptr) info_.avoided.push_back({std::move(kernel), std::move(reason)});
}

void Device::write(const Buffer& target, std::span<const std::byte> bytes) {
  expects(bytes.size() <= target.size_bytes(), "a write fits its buffer");
  if (bytes.empty()) return;
  impl_->awaiting(
      [&] { impl_->bare.enqueueWriteBuffer(target.impl_->handle, CL_TRUE, 0, bytes.size(), bytes.data()); });
}

void Device::read(const Buffer& source, std::span<std::byte> bytes) {
  expects(bytes.size() <= source.size_bytes(), "a read fits its buffer");
  if (bytes.empty()) return;
  impl_->awaiting([&] { impl_->bare.enqueueReadBuffer(source.impl_->handle, CL_TRUE, 0, bytes.size(), bytes.data()); });
}

void Device::fill(const Buffer& target, std::uint16_t pattern) {
  impl_->awaiting([&] {
    impl_->bare.enqueueFillBuffer(target.impl_->handle, pattern, 0,
                                  target.size_bytes() / sizeof pattern * sizeof pattern);
    impl_->bare.finish();
  });
}

void Device::copy(const Buffer& source, const Buffer& target, std::uint64_t bytes, std::uint64_t to) {
  guarded(info_.name, [&] { impl_->bare.enqueueCopyBuffer(source.impl_->handle, target.impl_->handle, 0, to, bytes); });
}

void Device::launch(const Launch& launch, bool profiled) {
  Kernel::Impl& kernel = *launch.kernel.impl_;
  const std::size_t items = count_group_items(launch.size);
  if (items > kernel.largest_group) {
    throw DeviceError(fmt::format("launch of {}, {}, of which a group holds at most {}", kernel.name,
                                  describe(launch.size), kernel.largest_group),
                      CL_INVALID_WORK_GROUP_SIZE, info_.name);
  }
  try {
    if (profiled) {
      impl_->profiled.enqueueNDRangeKernel(kernel.handle, offset(launch.size), range(launch.size.global),
                                           range(launch.size.local), nullptr, &impl_->events.emplace_back());
    } else {
      impl_->bare.enqueueNDRangeKernel(kernel.handle, offset(launch.size), range(launch.size.global),
                                       range(launch.size.local));
    }
  } catch (const cl::Error& error) {
    impl_->faulted = true;
    throw DeviceError(fmt::format("launch of {}, {}", kernel.name, describe(launch.size)), error.err(), info_.name);
  }
  ++impl_->in_flight;
  impl_->last_kernel = launch.kernel.impl_;
}

void Device::enqueue(const Launch& launch) {
  if (impl_->careful) impl_->tell(Step::Kind::kLaunch, launch.kernel.name(), describe(launch.size));
  impl_->bare_pending = true;
  this->launch(launch, false);
  if (!impl_->careful) return;
  finish();
  impl_->tell(Step::Kind::kNone, {}, {});
}

void Device::enqueue_profiled(const Launch& launch) {
  expects(impl_->events.size() < kMostPendingEvents, "events are taken between hops");
  impl_->profiled_pending = true;
  this->launch(launch, true);
}

void Device::flush() {
  impl_->awaiting([&] {
    if (std::exchange(impl_->bare_pending, false)) impl_->bare.flush();
    if (std::exchange(impl_->profiled_pending, false)) impl_->profiled.flush();
  });
}

void Device::finish() {
  impl_->awaiting([&] {
    impl_->bare.finish();
    impl_->profiled.finish();
  });
  impl_->landed();
  impl_->marks.clear();
}

bool Device::still_works() {
  try {
    require_working();
    return true;
  } catch (const DeviceError&) {
    return false;
  }
}

void Device::require_working() {
  impl_->events.clear();
  impl_->marks.clear();
  finish();
  auto buffer = make_buffer(sizeof(std::uint16_t));
  if (!buffer) throw DeviceError("the first buffer after a fault", CL_MEM_OBJECT_ALLOCATION_FAILURE, info().name);
  fill(buffer.value(), 0x5A5A);
  if (read_vector<std::uint16_t>(*this, buffer.value(), 1).front() != 0x5A5A)
    throw DeviceError("the first fill after a fault", CL_OUT_OF_RESOURCES, info().name);
  impl_->faulted = false;
}

void Device::mark() {
  guarded(info_.name, [&] { impl_->bare.enqueueMarkerWithWaitList(nullptr, &impl_->marks.emplace_back()); });
}

void Device::wait_for_marks(std::size_t most_left) {
  if (impl_->marks.size() <= most_left) return;
  const std::size_t passed = impl_->marks.size() - most_left;
  impl_->awaiting([&] { impl_->marks[passed - 1].wait(); });  // the queue is in order: those before it are passed
  impl_->marks.erase(impl_->marks.begin(), impl_->marks.begin() + static_cast<std::ptrdiff_t>(passed));
}

std::vector<std::optional<EventTime>> Device::take_events(std::size_t most_left) {
  auto& events = impl_->events;
  if (events.size() <= most_left) return {};
  const auto end = events.end() - static_cast<std::ptrdiff_t>(most_left);
  impl_->awaiting([&] { most_left == 0 ? impl_->profiled.finish() : (end - 1)->wait(); });
  std::vector<std::optional<EventTime>> times;
  times.reserve(static_cast<std::size_t>(end - events.begin()));
  for (auto event = events.begin(); event != end; ++event) times.push_back(read_stamps((*event)()));
  events.erase(events.begin(), end);
  return times;
}

}  // namespace qtrap::device
