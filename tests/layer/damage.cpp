#include "layer/damage.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "core/half.hpp"

namespace qtrap::layer {
namespace {

struct Output {
  cl_uint argument;
  std::string type;  ///< as in the signature, e.g. "half*"
};

std::string type_name(const cl_icd_dispatch& target, cl_kernel kernel, cl_uint argument) {
  char name[64] = {};
  if (target.clGetKernelArgInfo(kernel, argument, CL_KERNEL_ARG_TYPE_NAME, sizeof name, name, nullptr) != CL_SUCCESS)
    throw std::runtime_error("the kernel's signature is not known");
  return name;
}

bool is_output(const cl_icd_dispatch& target, cl_kernel kernel, cl_uint argument) {
  cl_kernel_arg_address_qualifier space = 0;
  cl_kernel_arg_type_qualifier type = 0;
  target.clGetKernelArgInfo(kernel, argument, CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof space, &space, nullptr);
  target.clGetKernelArgInfo(kernel, argument, CL_KERNEL_ARG_TYPE_QUALIFIER, sizeof type, &type, nullptr);
  return space == CL_KERNEL_ARG_ADDRESS_GLOBAL && (type & CL_KERNEL_ARG_TYPE_CONST) == 0;
}

Output find_output(const cl_icd_dispatch& target, cl_kernel kernel) {
  cl_uint count = 0;
  target.clGetKernelInfo(kernel, CL_KERNEL_NUM_ARGS, sizeof count, &count, nullptr);
  for (cl_uint i = 0; i < count; ++i) {
    if (is_output(target, kernel, i)) return {i, type_name(target, kernel, i)};
  }
  throw std::runtime_error("the kernel has no output");
}

double changed(double value, const Fault& fault) {
  const std::string how = fault.text("do", "scale");
  if (how == "zero") return 0;
  if (how == "nan") return std::numeric_limits<double>::quiet_NaN();
  return value * fault.number("factor", 2);
}

template <class T>
void change_numbers(std::vector<unsigned char>& bytes, const Fault& fault) {
  for (size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
    T value;
    std::memcpy(&value, &bytes[i], sizeof value);
    const double wanted = changed(static_cast<double>(value), fault);
    const auto most = static_cast<double>(std::numeric_limits<T>::max());
    const bool fits = !std::is_integral_v<T> || std::abs(wanted) <= most;  // false for NaN too
    value = static_cast<T>(fits ? wanted : most);
    std::memcpy(&bytes[i], &value, sizeof value);
  }
}

void change_halves(std::vector<unsigned char>& bytes, const Fault& fault) {
  for (size_t i = 0; i + 2 <= bytes.size(); i += 2) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, &bytes[i], sizeof bits);
    bits = half_from_float(static_cast<float>(changed(static_cast<double>(float_from_half(bits)), fault)));
    std::memcpy(&bytes[i], &bits, sizeof bits);
  }
}

struct ElementType {
  const char* name;
  size_t bytes;
  void (*change)(std::vector<unsigned char>&, const Fault&);
};

constexpr ElementType kTypes[] = {{"half", 2, change_halves},
                                  {"ushort", 2, change_halves},
                                  {"float", 4, change_numbers<float>},
                                  {"int", 4, change_numbers<cl_int>},
                                  {"uint", 4, change_numbers<cl_uint>},
                                  {"char", 1, change_numbers<cl_char>},
                                  {"uchar", 1, change_numbers<cl_uchar>}};

const ElementType& element_type(const std::string& signature) {
  const std::string name = signature.substr(0, signature.find_first_of("* "));
  const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& t) { return name == t.name; });
  if (found == std::end(kTypes)) throw std::runtime_error("an output of an unknown type: " + signature);
  return *found;
}

}  // namespace

void Damage::bind(cl_kernel kernel, cl_uint argument, size_t size, const void* value) {
  if (size != sizeof(cl_mem) || value == nullptr) return;
  const std::lock_guard lock(mutex_);
  std::memcpy(&bound_[{kernel, argument}], value, sizeof(cl_mem));
}

void Damage::apply(const cl_icd_dispatch& target, cl_command_queue queue, cl_kernel kernel, const Fault& fault) {
  const Output output = find_output(target, kernel);
  const ElementType& type = element_type(output.type);
  const std::lock_guard lock(mutex_);
  const cl_mem buffer = bound_.at({kernel, output.argument});
  size_t size = 0;
  target.clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof size, &size, nullptr);
  const size_t from = std::min(size, static_cast<size_t>(fault.number("from", 0)) * type.bytes);
  std::vector<unsigned char> bytes(std::min(size - from, static_cast<size_t>(fault.number("count", 1)) * type.bytes));
  if (bytes.empty()) return;
  cl_int status =
      target.clEnqueueReadBuffer(queue, buffer, CL_TRUE, from, bytes.size(), bytes.data(), 0, nullptr, nullptr);
  type.change(bytes, fault);
  if (status == CL_SUCCESS)
    status = target.clEnqueueWriteBuffer(queue, buffer, CL_TRUE, from, bytes.size(), bytes.data(), 0, nullptr, nullptr);
  if (status != CL_SUCCESS) throw std::runtime_error("the output could not be changed");
}

}  // namespace qtrap::layer
