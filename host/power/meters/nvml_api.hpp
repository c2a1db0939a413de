// The part of NVML's binary interface that qtrap uses, declared here because no vendor header is in Debian
// main. Types and numbers as NVIDIA documents them (NVML 12 API reference); stable since driver 450, fields
// 185 and 186 since 515.
#pragma once

#include <cstdint>

namespace qtrap::power::nvml {

struct DeviceTag;
using Device = DeviceTag*;
using Return = int;

inline constexpr Return kSuccess = 0;
inline constexpr Return kUninitialised = 1;
inline constexpr Return kNotSupported = 3;
inline constexpr Return kNoPermission = 4;
inline constexpr Return kInsufficientSize = 7;
inline constexpr Return kDriverNotLoaded = 9;
inline constexpr Return kGpuIsLost = 15;
inline constexpr Return kGpuNotFound = 28;

inline constexpr unsigned kFieldTotalEnergy = 83;    ///< mJ since the driver was loaded
inline constexpr unsigned kFieldPowerAverage = 185;  ///< mW, mean of 1 s
inline constexpr unsigned kFieldPowerInstant = 186;  ///< mW

inline constexpr unsigned kScopeGpu = 0;
inline constexpr unsigned kScopeModule = 1;

struct PciInfo {
  char bus_id_legacy[16];
  unsigned domain;
  unsigned bus;
  unsigned device;
  unsigned device_id;
  unsigned subsystem_id;
  char bus_id[32];
};

/// Kinds of FieldValue::value, in the library's numbering.
enum ValueType : unsigned { kDouble, kUnsignedInt, kUnsignedLong, kUnsignedLongLong, kSignedLongLong, kSignedInt };

union Value {
  double as_double;
  unsigned as_unsigned;
  unsigned long as_unsigned_long;
  unsigned long long as_unsigned_long_long;
  long long as_signed_long_long;
  int as_signed;
};

struct FieldValue {
  unsigned field;
  unsigned scope;
  long long stamp_us;
  long long latency_us;
  unsigned type;
  Return status;
  Value value;
};

struct ProcessInfo {
  unsigned pid;
  unsigned long long memory_bytes;
  unsigned gpu_instance;
  unsigned compute_instance;
};

static_assert(sizeof(PciInfo) == 68 && sizeof(FieldValue) == 40 && sizeof(ProcessInfo) == 24);

extern "C" {
using Init = Return();
using Shutdown = Return();
using ErrorString = const char*(Return);
using GetText = Return(char*, unsigned);
using GetCount = Return(unsigned*);
using GetHandle = Return(unsigned, Device*);
using GetPciInfo = Return(Device, PciInfo*);
using GetDeviceText = Return(Device, char*, unsigned);
using GetFieldValues = Return(Device, int, FieldValue*);
using GetUnsigned = Return(Device, unsigned*);
using GetUnsignedOf = Return(Device, unsigned, unsigned*);
using GetMask = Return(Device, unsigned long long*);
using GetPair = Return(Device, unsigned*, unsigned*);
using GetProcesses = Return(Device, unsigned*, ProcessInfo*);
}

}  // namespace qtrap::power::nvml
