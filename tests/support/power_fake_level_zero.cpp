// A fake libze_loader.so.1 with Sysman. QTRAP_FAKE_INCOMPLETE leaves out the energy counter.
#include "power/meters/level_zero_api.hpp"
#include "support/power_fakes.hpp"

namespace {

using namespace qtrap::power::level_zero;  // NOLINT: the whole point of this file
using qtrap::test::FakeBoard;
using qtrap::test::FakeLibraryState;

FakeLibraryState& state() {
  static FakeLibraryState instance;
  return instance;
}

}  // namespace

extern "C" {

FakeLibraryState* qtrap_fake_library() { return &state(); }

Result zesInit(std::uint32_t) { return static_cast<Result>(state().init_status); }
Result zesDriverGet(std::uint32_t* count, Handle* drivers) {
  *count = 1;
  if (drivers != nullptr) drivers[0] = &state();
  return kSuccess;
}
Result zesDeviceGet(Handle, std::uint32_t* count, Handle* devices) {
  *count = static_cast<std::uint32_t>(state().boards.size());
  for (std::uint32_t i = 0; devices != nullptr && i < *count; ++i) devices[i] = &state().boards[i];
  return kSuccess;
}
Result zesDevicePciGetProperties(Handle device, PciProperties* pci) {
  const auto* board = static_cast<const FakeBoard*>(device);
  if (pci->type != kPciPropertiesType) return kUnsupported;
  pci->domain = board->domain;
  pci->bus = board->bus;
  return kSuccess;
}
Result zesDeviceGetCardPowerDomain(Handle device, Handle* domain) {
  *domain = device;
  return kSuccess;
}
Result zesDeviceEnumPowerDomains(Handle device, std::uint32_t* count, Handle* domains) {
  *count = 1;
  if (domains != nullptr) domains[0] = device;
  return kSuccess;
}
#ifndef QTRAP_FAKE_INCOMPLETE
Result zesPowerGetEnergyCounter(Handle domain, EnergyCounter* counter) {
  const auto* board = static_cast<const FakeBoard*>(domain);
  if (board->status != 0) return static_cast<Result>(board->status);
  counter->energy_uj = static_cast<std::uint64_t>(board->energy_j() * 1e6);
  counter->stamp_us = 0;
  return kSuccess;
}
#endif

}  // extern "C"
