// A fake libnvidia-ml.so.1: the functions qtrap calls, over scripted boards. QTRAP_FAKE_INCOMPLETE leaves out
// one that cannot be done without.
#include <cstdio>
#include <cstring>

#include "power/meters/nvml_api.hpp"
#include "support/power_fakes.hpp"

namespace {

using namespace qtrap::power::nvml;  // NOLINT: the whole point of this file
using qtrap::test::FakeBoard;
using qtrap::test::FakeLibraryState;

FakeLibraryState& state() {
  static FakeLibraryState instance;
  return instance;
}

FakeBoard& board_of(Device device) { return *reinterpret_cast<FakeBoard*>(device); }

void set_value(FieldValue& field, const FakeBoard& board, const std::function<double()>& read) {
  field.status = read ? board.status : kNotSupported;
  if (field.status != kSuccess) return;
  const double milli = read() * 1e3;
  if (board.double_values) {
    field.type = kDouble;
    field.value.as_double = milli;
  } else if (field.field == kFieldTotalEnergy) {
    field.type = kUnsignedLongLong;
    field.value.as_unsigned_long_long = static_cast<unsigned long long>(milli);
  } else {
    field.type = kUnsignedInt;
    field.value.as_unsigned = static_cast<unsigned>(milli);
  }
}

Return copy_text(const std::string& text, char* out, unsigned size) {
  std::snprintf(out, size, "%s", text.c_str());
  return kSuccess;
}

}  // namespace

extern "C" {

FakeLibraryState* qtrap_fake_library() { return &state(); }

Return nvmlInit_v2() { return state().init_status; }
Return nvmlShutdown() { return kSuccess; }
const char* nvmlErrorString(Return status) { return status == kDriverNotLoaded ? "Driver Not Loaded" : "Fake Error"; }
Return nvmlSystemGetDriverVersion(char* out, unsigned size) { return copy_text("999.00", out, size); }
Return nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(state().boards.size());
  return kSuccess;
}
Return nvmlDeviceGetHandleByIndex_v2(unsigned index, Device* device) {
  *device = reinterpret_cast<Device>(&state().boards.at(index));
  return kSuccess;
}
#ifndef QTRAP_FAKE_INCOMPLETE
Return nvmlDeviceGetPciInfo_v3(Device device, PciInfo* pci) {
  const FakeBoard& board = board_of(device);
  pci->domain = board.domain;
  pci->bus = board.bus;
  std::snprintf(pci->bus_id, sizeof pci->bus_id, "%08X:%02X:00.0", board.domain, board.bus);
  return kSuccess;
}
#endif
Return nvmlDeviceGetName(Device device, char* out, unsigned size) {
  return copy_text(board_of(device).name, out, size);
}
Return nvmlDeviceGetUUID(Device device, char* out, unsigned size) {
  return copy_text(board_of(device).uuid, out, size);
}
Return nvmlDeviceGetFieldValues(Device device, int count, FieldValue* fields) {
  const FakeBoard& board = board_of(device);
  for (int i = 0; i < count; ++i) {
    FieldValue& field = fields[i];
    const bool power = field.field != kFieldTotalEnergy;
    if (power && (field.scope == kScopeGpu) == board.rejects_gpu_scope) {
      field.status = kNotSupported;
      continue;
    }
    set_value(field, board,
              field.field == kFieldTotalEnergy    ? board.energy_j
              : field.field == kFieldPowerInstant ? board.instant_w
                                                  : board.average_w);
  }
  return kSuccess;
}
Return nvmlDeviceGetEnforcedPowerLimit(Device, unsigned* milliwatts) {
  *milliwatts = 350000;
  return kSuccess;
}
Return nvmlDeviceGetClockInfo(Device device, unsigned kind, unsigned* mhz) {
  *mhz = kind == 2 ? 1593 : board_of(device).clock_mhz;
  return kSuccess;
}
Return nvmlDeviceGetTemperature(Device device, unsigned, unsigned* degrees) {
  *degrees = board_of(device).temperature_c;
  return kSuccess;
}
Return nvmlDeviceGetCurrentClocksThrottleReasons(Device device, unsigned long long* mask) {
  *mask = board_of(device).throttle;
  return kSuccess;
}
Return nvmlDeviceGetComputeRunningProcesses_v3(Device device, unsigned* count, ProcessInfo* list) {
  const FakeBoard& board = board_of(device);
  const bool fits = *count >= board.pids.size();
  *count = static_cast<unsigned>(board.pids.size());
  if (!fits) return kInsufficientSize;
  for (std::size_t i = 0; i < board.pids.size(); ++i) list[i] = {board.pids[i], 0, 0, 0};
  return kSuccess;
}
Return nvmlDeviceGetMigMode(Device device, unsigned* current, unsigned* pending) {
  *current = *pending = board_of(device).mig ? 1 : 0;
  return kSuccess;
}
Return nvmlDeviceGetPersistenceMode(Device, unsigned* mode) {
  *mode = 1;
  return kSuccess;
}
Return nvmlDeviceGetEccMode(Device, unsigned* current, unsigned* pending) {
  *current = *pending = 0;
  return kSuccess;
}

}  // extern "C"
