#include "layer/board.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace qtrap::layer {
namespace {

using Bytes = std::vector<unsigned char>;

template <class T>
void append(Bytes& bytes, const T& value) {
  const size_t before = bytes.size();
  bytes.resize(before + sizeof value);
  std::memcpy(bytes.data() + before, &value, sizeof value);
}

template <class T>
Bytes numbers(const std::string& text) {
  Bytes bytes;
  std::istringstream words(text);
  for (std::string word; words >> word;) append(bytes, static_cast<T>(std::stoull(word, nullptr, 0)));
  return bytes;
}

Bytes text_of(const std::string& text) { return {text.c_str(), text.c_str() + text.size() + 1}; }

Bytes type_of(const std::string& text) {
  Bytes bytes;
  append(bytes, static_cast<cl_device_type>(text == "gpu" ? CL_DEVICE_TYPE_GPU : CL_DEVICE_TYPE_CPU));
  return bytes;
}

/// "1.0 1.2 3.0": versions of OpenCL C.
Bytes versions(const std::string& text) {
  Bytes bytes;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    cl_name_version version{};
    const auto dot = word.find('.');
    version.version = CL_MAKE_VERSION(static_cast<cl_uint>(std::stoul(word)),
                                      static_cast<cl_uint>(std::stoul(word.substr(dot + 1))), 0);
    std::snprintf(version.name, sizeof version.name, "OpenCL C");
    append(bytes, version);
  }
  return bytes;
}

Bytes hexadecimal(const std::string& text) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<unsigned char>(std::stoul(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

/// "0000:19:00.0": domain, bus, device, function.
std::array<cl_uint, 4> pci_address(const std::string& text) {
  std::array<cl_uint, 4> address{};
  if (std::sscanf(text.c_str(), "%x:%x:%x.%x", &address[0], &address[1], &address[2], &address[3]) != 4)
    throw std::runtime_error("not a PCI address: " + text);
  return address;
}

Bytes pci_khr(const std::string& text) {
  Bytes bytes;
  append(bytes, pci_address(text));
  return bytes;
}

/// cl_device_topology_amd: type 1, 17 unused bytes, bus, device, function. It has no room for a domain.
Bytes topology_amd(const std::string& text) {
  const auto address = pci_address(text);
  Bytes bytes(24, 0);
  bytes[0] = 1;
  for (size_t i = 1; i < 4; ++i) bytes[20 + i] = static_cast<unsigned char>(address[i]);
  return bytes;
}

struct Key {
  const char* name;
  cl_uint query;
  Bytes (*bytes)(const std::string&);
};

constexpr const char* kPlatform = "platform.";
// Values of the vendors' queries are from the Khronos registry and the vendors' own headers.
constexpr Key kKeys[] = {
    {"platform.version", CL_PLATFORM_VERSION, text_of},
    {"platform.name", CL_PLATFORM_NAME, text_of},
    {"platform.vendor", CL_PLATFORM_VENDOR, text_of},
    {"type", CL_DEVICE_TYPE, type_of},
    {"vendor_id", CL_DEVICE_VENDOR_ID, numbers<cl_uint>},
    {"compute_units", CL_DEVICE_MAX_COMPUTE_UNITS, numbers<cl_uint>},
    {"max_work_group", CL_DEVICE_MAX_WORK_GROUP_SIZE, numbers<size_t>},
    {"max_work_items", CL_DEVICE_MAX_WORK_ITEM_SIZES, numbers<size_t>},
    {"preferred_float_width", CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT, numbers<cl_uint>},
    {"native_float_width", CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, numbers<cl_uint>},
    {"max_alloc_bytes", CL_DEVICE_MAX_MEM_ALLOC_SIZE, numbers<cl_ulong>},
    {"base_align_bits", CL_DEVICE_MEM_BASE_ADDR_ALIGN, numbers<cl_uint>},
    {"cache_bytes", CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, numbers<cl_ulong>},
    {"memory_bytes", CL_DEVICE_GLOBAL_MEM_SIZE, numbers<cl_ulong>},
    {"local_bytes", CL_DEVICE_LOCAL_MEM_SIZE, numbers<cl_ulong>},
    {"unified_memory", CL_DEVICE_HOST_UNIFIED_MEMORY, numbers<cl_uint>},
    {"timer_ns", CL_DEVICE_PROFILING_TIMER_RESOLUTION, numbers<size_t>},
    {"name", CL_DEVICE_NAME, text_of},
    {"vendor", CL_DEVICE_VENDOR, text_of},
    {"driver", CL_DRIVER_VERSION, text_of},
    {"version", CL_DEVICE_VERSION, text_of},
    {"c_version", CL_DEVICE_OPENCL_C_VERSION, text_of},
    {"c_versions", CL_DEVICE_OPENCL_C_ALL_VERSIONS, versions},
    {"extensions", CL_DEVICE_EXTENSIONS, text_of},
    {"uuid", 0x106A, hexadecimal},
    {"pci", 0x410F, pci_khr},
    {"nv.capability_major", 0x4000, numbers<cl_uint>},
    {"nv.capability_minor", 0x4001, numbers<cl_uint>},
    {"nv.pci_bus", 0x4008, numbers<cl_uint>},
    {"nv.pci_slot", 0x4009, numbers<cl_uint>},
    {"nv.pci_domain", 0x400A, numbers<cl_uint>},
    {"amd.topology", 0x4037, topology_amd},
    {"amd.board_name", 0x4038, text_of},
};

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  const auto last = text.find_last_not_of(" \t\r");
  return first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
}

void set(Boards& boards, const std::string& name, const std::string& value) {
  const auto* key = std::find_if(std::begin(kKeys), std::end(kKeys), [&](const Key& k) { return name == k.name; });
  if (key == std::end(kKeys)) throw std::runtime_error("no such key: " + name);
  const bool of_platform = name.rfind(kPlatform, 0) == 0;
  if (boards.devices.empty() && !of_platform) boards.devices.emplace_back();
  Answer answer;
  if (value.rfind("error ", 0) == 0) {
    answer.error = std::stoi(value.substr(6));
  } else {
    answer.bytes = key->bytes(value);
  }
  (of_platform ? boards.platform : boards.devices.back())[key->query] = std::move(answer);
}

void read_into(Boards& boards, const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot be read: " + path);
  const std::string folder = path.substr(0, path.find_last_of('/') + 1);
  int number = 0;
  for (std::string raw; std::getline(file, raw);) {
    ++number;
    const std::string line = trimmed(raw);
    if (line.empty() || line[0] == '#') continue;
    try {
      const auto equals = line.find('=');
      if (line == "device") {
        boards.devices.emplace_back();
      } else if (line.rfind("include ", 0) == 0) {
        const std::string other = trimmed(line.substr(8));
        read_into(boards, other[0] == '/' ? other : folder + other);
      } else if (equals != std::string::npos) {
        set(boards, trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
      } else {
        throw std::runtime_error("neither device, include nor key = value: " + line);
      }
    } catch (const std::exception& error) {
      throw std::runtime_error(path + ":" + std::to_string(number) + ": " + error.what());
    }
  }
}

}  // namespace

Boards read_boards(const std::string& path) {
  Boards boards;
  read_into(boards, path);
  return boards;
}

cl_int give(const Answer& answer, size_t size, void* value, size_t* size_returned) {
  if (answer.error != CL_SUCCESS) return answer.error;
  if (size_returned != nullptr) *size_returned = answer.bytes.size();
  if (value == nullptr) return CL_SUCCESS;
  if (size < answer.bytes.size()) return CL_INVALID_VALUE;
  std::memcpy(value, answer.bytes.data(), answer.bytes.size());
  return CL_SUCCESS;
}

}  // namespace qtrap::layer
