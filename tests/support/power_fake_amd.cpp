// A fake libamd_smi.so and, with QTRAP_FAKE_RSMI, a fake librocm_smi64.so.1. QTRAP_FAKE_INCOMPLETE leaves out
// the energy counter.
#include <cstdio>
#include <cstring>

#include "power/meters/amd_api.hpp"
#include "support/power_fakes.hpp"

namespace {

using namespace qtrap::power::amd;  // NOLINT: the whole point of this file
using qtrap::test::FakeBoard;
using qtrap::test::FakeLibraryState;

FakeLibraryState& state() {
  static FakeLibraryState instance;
  return instance;
}

#ifndef QTRAP_FAKE_INCOMPLETE
// The tick of the real counter.
constexpr float kResolution_uj = 15.3F;

Status read_energy(const FakeBoard& board, std::uint64_t* count, float* resolution, std::uint64_t* stamp) {
  if (board.status != kSuccess) return board.status;
  if (!board.energy_j) return kSmiNotSupported;
  *resolution = kResolution_uj;
  *count = static_cast<std::uint64_t>(board.energy_j() * 1e6 / static_cast<double>(kResolution_uj));
  *stamp = 0;
  return kSuccess;
}
#endif

}  // namespace

extern "C" {

FakeLibraryState* qtrap_fake_library() { return &state(); }

#ifdef QTRAP_FAKE_RSMI
Status rsmi_init(std::uint64_t) { return state().init_status; }
Status rsmi_shut_down() { return kSuccess; }
Status rsmi_num_monitor_devices(std::uint32_t* count) {
  *count = static_cast<std::uint32_t>(state().boards.size());
  return kSuccess;
}
Status rsmi_dev_pci_id_get(std::uint32_t index, std::uint64_t* bits) {
  const FakeBoard& board = state().boards.at(index);
  *bits = (std::uint64_t{board.domain} << 32) | (board.bus << 8);
  return kSuccess;
}
Status rsmi_dev_unique_id_get(std::uint32_t index, std::uint64_t* id) {
  *id = std::stoull(state().boards.at(index).uuid, nullptr, 16);
  return kSuccess;
}
Status rsmi_dev_name_get(std::uint32_t index, char* out, std::size_t size) {
  std::snprintf(out, size, "%s", state().boards.at(index).name.c_str());
  return kSuccess;
}
#ifndef QTRAP_FAKE_INCOMPLETE
Status rsmi_dev_energy_count_get(std::uint32_t index, std::uint64_t* count, float* resolution, std::uint64_t* stamp) {
  return read_energy(state().boards.at(index), count, resolution, stamp);
}
#endif
#else
Status amdsmi_init(std::uint64_t) { return state().init_status; }
Status amdsmi_shut_down() { return kSuccess; }
// One socket per board, as on a machine with PCIe cards.
Status amdsmi_get_socket_handles(std::uint32_t* count, Handle* handles) {
  *count = static_cast<std::uint32_t>(state().boards.size());
  for (std::uint32_t i = 0; handles != nullptr && i < *count; ++i) handles[i] = &state().boards[i];
  return kSuccess;
}
Status amdsmi_get_processor_handles(Handle socket, std::uint32_t* count, Handle* handles) {
  *count = 1;
  if (handles != nullptr) handles[0] = socket;
  return kSuccess;
}
Status amdsmi_get_gpu_device_bdf(Handle handle, std::uint64_t* bits) {
  const auto* board = static_cast<const FakeBoard*>(handle);
  *bits = (std::uint64_t{board->domain} << 16) | (board->bus << 8);
  return kSuccess;
}
Status amdsmi_get_gpu_device_uuid(Handle handle, unsigned* size, char* out) {
  std::snprintf(out, *size, "%s", static_cast<const FakeBoard*>(handle)->uuid.c_str());
  return kSuccess;
}
Status amdsmi_get_gpu_asic_info(Handle handle, void* out) {
  std::snprintf(static_cast<char*>(out), 64, "%s", static_cast<const FakeBoard*>(handle)->name.c_str());
  return kSuccess;
}
#ifndef QTRAP_FAKE_INCOMPLETE
Status amdsmi_get_energy_count(Handle handle, std::uint64_t* count, float* resolution, std::uint64_t* stamp) {
  return read_energy(*static_cast<const FakeBoard*>(handle), count, resolution, stamp);
}
#endif
#endif

}  // extern "C"
