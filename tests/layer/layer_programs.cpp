// Programs and kernels: compilers that fail, die, hang or print, logs that cannot be had, limits of work-groups.

#include "layer/layer.hpp"

namespace qtrap::layer {
namespace {

constexpr const char* kInjectedLog = "<kernel>:1:1: error: injected failure";

cl_program CL_API_CALL create_program(cl_context context, cl_uint count, const char** texts, const size_t* lengths,
                                      cl_int* error) {
  const cl_program program = layer().target.clCreateProgramWithSource(context, count, texts, lengths, error);
  std::string source;
  for (cl_uint i = 0; i < count; ++i)
    source += lengths != nullptr && lengths[i] > 0 ? std::string(texts[i], lengths[i]) : std::string(texts[i]);
  const std::lock_guard lock(layer().mutex);
  layer().programs[program] = {std::move(source), {}};
  return program;
}

/// The fault's build log, behind `log_bytes` of lines that say nothing.
std::string build_log(const Fault& fault) {
  std::string log;
  while (log.size() < static_cast<size_t>(fault.number("log_bytes", 0))) log += "ptxas info    : 0 bytes gmem\n";
  return log + fault.text("text", kInjectedLog);
}

cl_int CL_API_CALL build_program(cl_program program, cl_uint count, const cl_device_id* devices, const char* options,
                                 void(CL_CALLBACK* notify)(cl_program, void*), void* user_data) {
  if (const cl_int lost = layer().lost) return lost;
  std::string all_options = options != nullptr ? options : "";
  const Fault* fault = layer().faults.strike("build", [&](const Fault& candidate) {
    const std::lock_guard lock(layer().mutex);
    return candidate.allows("options", all_options) && candidate.allows("source", layer().programs[program].source);
  });
  if (fault != nullptr) {
    act(*fault);
    if (fault->text("do", "fail") == "fail") {
      const std::lock_guard lock(layer().mutex);
      layer().programs[program].log = build_log(*fault);
      return fault->code(CL_BUILD_PROGRAM_FAILURE);
    }
  }
  if (layer().faults.any("result")) all_options += " -cl-kernel-arg-info";
  const cl_device_id real = count > 0 ? layer().real(devices[0]) : nullptr;
  return layer().target.clBuildProgram(program, count, count > 0 ? &real : nullptr, all_options.c_str(), notify,
                                       user_data);
}

cl_int CL_API_CALL get_build_info(cl_program program, cl_device_id device, cl_program_build_info what, size_t size,
                                  void* value, size_t* size_returned) {
  if (what == CL_PROGRAM_BUILD_LOG) {
    if (const Fault* fault = layer().faults.strike("log")) return fault->code(CL_OUT_OF_RESOURCES);
    const std::lock_guard lock(layer().mutex);
    const std::string& log = layer().programs[program].log;
    if (!log.empty())
      return give({CL_SUCCESS, {log.c_str(), log.c_str() + log.size() + 1}}, size, value, size_returned);
  }
  return layer().target.clGetProgramBuildInfo(program, layer().real(device), what, size, value, size_returned);
}

cl_kernel CL_API_CALL create_kernel(cl_program program, const char* name, cl_int* error) {
  const Fault* fault = layer().faults.strike("entry", [&](const Fault& f) { return f.allows("kernel", name); });
  if (fault == nullptr) return layer().target.clCreateKernel(program, name, error);
  act(*fault);
  if (error != nullptr) *error = fault->code(CL_INVALID_KERNEL_NAME);
  return nullptr;
}

cl_int CL_API_CALL set_argument(cl_kernel kernel, cl_uint argument, size_t size, const void* value) {
  layer().damage.bind(kernel, argument, size, value);
  return layer().target.clSetKernelArg(kernel, argument, size, value);
}

cl_int CL_API_CALL get_work_group_info(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what,
                                       size_t size, void* value, size_t* size_returned) {
  const cl_int status =
      layer().target.clGetKernelWorkGroupInfo(kernel, layer().real(device), what, size, value, size_returned);
  const BoardDevice* board = layer().board(device);
  if (status != CL_SUCCESS || what != CL_KERNEL_WORK_GROUP_SIZE || board == nullptr) return status;
  const auto limit = board->answers->find(CL_DEVICE_MAX_WORK_GROUP_SIZE);
  return limit == board->answers->end() ? status : give(limit->second, size, value, size_returned);
}

}  // namespace

void intercept_programs(cl_icd_dispatch& table) {
  table.clCreateProgramWithSource = create_program;
  table.clBuildProgram = build_program;
  table.clGetProgramBuildInfo = get_build_info;
  table.clCreateKernel = create_kernel;
  table.clSetKernelArg = set_argument;
  table.clGetKernelWorkGroupInfo = get_work_group_info;
}

}  // namespace qtrap::layer
