// Buffers, launches, waiting and time stamps.
#include <cstring>
#include <functional>
#include <numeric>

#include "layer/layer.hpp"

namespace qtrap::layer {
namespace {

// --- memory -------------------------------------------------------------------------------------------------------

/// The fault that refuses `bytes` more: one whose `limit` of all buffers or of one (`largest`) they pass. With late=1
/// the driver takes the buffer and refuses at its first use.
const Fault* memory_fault(cl_ulong bytes, bool late) {
  return layer().faults.strike("memory", [&](const Fault& fault) {
    if ((fault.number("late", 0) > 0) != late) return false;
    const auto passes = [&](const char* key, cl_ulong amount) {
      return fault.has(key) && static_cast<double>(amount) > fault.number(key, 0);
    };
    return passes("limit", layer().allocated + bytes) || passes("largest", bytes) ||
           (!fault.has("limit") && !fault.has("largest"));
  });
}

/// What a call that works on the device must answer before it does anything: that the device is lost or memory is
/// short.
cl_int refusal() {
  if (const cl_int lost = layer().lost) return lost;
  const Fault* fault = memory_fault(0, true);
  return fault == nullptr ? CL_SUCCESS : fault->code(CL_MEM_OBJECT_ALLOCATION_FAILURE);
}

cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t size, void* host, cl_int* error) {
  const Fault* fault = memory_fault(size, false);
  cl_int refused = layer().lost;
  if (refused == CL_SUCCESS && fault != nullptr) refused = fault->code(CL_MEM_OBJECT_ALLOCATION_FAILURE);
  if (refused != CL_SUCCESS) {
    if (error != nullptr) *error = refused;
    return nullptr;
  }
  layer().allocated += size;
  return layer().target.clCreateBuffer(context, flags, size, host, error);
}

cl_int CL_API_CALL release_buffer(cl_mem buffer) {
  size_t size = 0;
  cl_uint references = 0;
  cl_mem parent = nullptr;
  layer().target.clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof size, &size, nullptr);
  layer().target.clGetMemObjectInfo(buffer, CL_MEM_REFERENCE_COUNT, sizeof references, &references, nullptr);
  layer().target.clGetMemObjectInfo(buffer, CL_MEM_ASSOCIATED_MEMOBJECT, kHandleBytes, &parent, nullptr);
  if (references == 1 && parent == nullptr) layer().allocated -= size;
  return layer().target.clReleaseMemObject(buffer);
}

// --- work ---------------------------------------------------------------------------------------------------------

std::string kernel_name(cl_kernel kernel) {
  char name[256] = {};
  layer().target.clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, nullptr);
  return name;
}

bool exceeds_work_group(cl_command_queue queue, cl_uint dimensions, const size_t* local) {
  if (local == nullptr) return false;
  const BoardDevice* board = layer().board(layer().device_of(queue));
  if (board == nullptr) return false;
  const auto limit = board->answers->find(CL_DEVICE_MAX_WORK_GROUP_SIZE);
  if (limit == board->answers->end()) return false;
  size_t most = 0;
  give(limit->second, sizeof most, &most, nullptr);
  return std::accumulate(local, local + dimensions, size_t{1}, std::multiplies<>()) > most;
}

cl_int launch_refusal(const std::string& name) {
  const auto of_kernel = [&](const Fault& fault) { return fault.allows("kernel", name); };
  if (const Fault* fault = layer().faults.strike("lost", of_kernel)) {
    layer().lost = fault->code(-9999);
    return layer().lost;
  }
  const Fault* fault = layer().faults.strike("launch", of_kernel);
  if (fault == nullptr) return refusal();
  act(*fault);
  return fault->text("do", "fail") == "fail" ? fault->code(CL_OUT_OF_RESOURCES) : refusal();
}

cl_int CL_API_CALL enqueue_kernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t* offset,
                                  const size_t* global, const size_t* local, cl_uint waits, const cl_event* wait_list,
                                  cl_event* event) {
  if (const cl_int lost = layer().lost) return lost;
  if (exceeds_work_group(queue, dimensions, local)) return CL_INVALID_WORK_GROUP_SIZE;
  const std::string name = kernel_name(kernel);
  if (const cl_int refused = launch_refusal(name)) return refused;
  const cl_int status =
      layer().target.clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, waits, wait_list, event);
  if (status != CL_SUCCESS) return status;
  const Fault* fault = layer().faults.strike("result", [&](const Fault& f) { return f.allows("kernel", name); });
  if (fault != nullptr) layer().damage.apply(layer().target, queue, kernel, *fault);
  return status;
}

cl_int CL_API_CALL finish(cl_command_queue queue) {
  if (const Fault* fault = layer().faults.strike("finish")) {
    act(*fault);
    if (fault->text("do", "fail") == "fail") return fault->code(CL_OUT_OF_RESOURCES);
  }
  if (const cl_int refused = refusal()) return refused;
  return layer().target.clFinish(queue);
}

cl_int CL_API_CALL flush(cl_command_queue queue) {
  if (const cl_int lost = layer().lost) return lost;
  return layer().target.clFlush(queue);
}

cl_int CL_API_CALL wait_for_events(cl_uint count, const cl_event* events) {
  if (const cl_int lost = layer().lost) return lost;
  return layer().target.clWaitForEvents(count, events);
}

/// A function of the table below that is refused where refusal() says so.
template <auto Member, class... Arguments>
cl_int CL_API_CALL refusable(Arguments... arguments) {
  if (const cl_int refused = refusal()) return refused;
  return (layer().target.*Member)(arguments...);
}

template <auto Member, class... Arguments>
void make_refusable(cl_int (*&entry)(Arguments...)) {
  entry = refusable<Member, Arguments...>;
}

// --- time stamps --------------------------------------------------------------------------------------------------

cl_ulong true_stamp(cl_event event, cl_profiling_info what) {
  cl_ulong stamp = 0;
  layer().target.clGetEventProfilingInfo(event, what, sizeof stamp, &stamp, nullptr);
  return stamp;
}

cl_ulong scaled(cl_ulong stamp, double factor) { return static_cast<cl_ulong>(static_cast<double>(stamp) * factor); }

cl_ulong false_stamp(const Fault& fault, cl_event event, cl_profiling_info what) {
  const std::string how = fault.text("do");
  const bool end = what == CL_PROFILING_COMMAND_END;
  const cl_ulong stamp = true_stamp(event, what);
  const cl_ulong start = true_stamp(event, CL_PROFILING_COMMAND_START);
  if (how == "zero") return 0;
  if (how == "scale") return scaled(stamp, fault.number("factor", 0.25));
  if (how == "jump") return end ? stamp : 0;
  if (!end) return stamp;
  if (how == "stretch") return start + scaled(stamp - start, fault.number("factor", 0.25));
  if (how == "same") return start;
  if (how == "backwards") return start - (stamp - start);
  if (how == "huge") return ~cl_ulong{0};
  return stamp;
}

/// Decided once per event: when its start is asked for.
const Fault* stamp_fault(cl_event event, cl_profiling_info what) {
  const std::lock_guard lock(layer().mutex);
  if (what == CL_PROFILING_COMMAND_START || !layer().stamps.contains(event))
    layer().stamps[event] = layer().faults.strike("stamps");
  const Fault* fault = layer().stamps[event];
  if (what == CL_PROFILING_COMMAND_END) layer().stamps.erase(event);
  return fault;
}

cl_int CL_API_CALL get_stamp(cl_event event, cl_profiling_info what, size_t size, void* value, size_t* size_returned) {
  const Fault* fault = stamp_fault(event, what);
  if (fault == nullptr) return layer().target.clGetEventProfilingInfo(event, what, size, value, size_returned);
  if (fault->text("do") == "none") return fault->code(CL_PROFILING_INFO_NOT_AVAILABLE);
  Answer answer;
  answer.bytes.resize(sizeof(cl_ulong));
  const cl_ulong stamp = false_stamp(*fault, event, what);
  std::memcpy(answer.bytes.data(), &stamp, sizeof stamp);
  return give(answer, size, value, size_returned);
}

}  // namespace

void intercept_work(cl_icd_dispatch& table) {
  table.clCreateBuffer = create_buffer;
  table.clReleaseMemObject = release_buffer;
  table.clEnqueueNDRangeKernel = enqueue_kernel;
  table.clFinish = finish;
  table.clFlush = flush;
  table.clWaitForEvents = wait_for_events;
  table.clGetEventProfilingInfo = get_stamp;
  make_refusable<&cl_icd_dispatch::clEnqueueReadBuffer>(table.clEnqueueReadBuffer);
  make_refusable<&cl_icd_dispatch::clEnqueueWriteBuffer>(table.clEnqueueWriteBuffer);
  make_refusable<&cl_icd_dispatch::clEnqueueFillBuffer>(table.clEnqueueFillBuffer);
  make_refusable<&cl_icd_dispatch::clEnqueueCopyBuffer>(table.clEnqueueCopyBuffer);
  make_refusable<&cl_icd_dispatch::clEnqueueMigrateMemObjects>(table.clEnqueueMigrateMemObjects);
}

}  // namespace qtrap::layer
