// Runs every kernel of all families on small odd shapes, for `oclgrind --data-races --log FILE oclgrind_kernels`:
// Oclgrind then offers its own device and reports races and bad accesses in FILE (its exit status says nothing).
#include <cstdio>

#include "device/device.hpp"
#include "scheme/verify.hpp"

int main() {
  using namespace qtrap;
  try {
    const auto devices = device::list_devices();
    device::Device device(devices.value().front(), device::KernelSources::embedded());
    bool all_pass = true;
    for (const auto& row : scheme::verify_kernels(device, {{"reference", "cpu", "gpu"}, "", true})) {
      if (row.status == scheme::VerifyStatus::kUnsupported) continue;
      const bool pass = row.status == scheme::VerifyStatus::kPass;
      all_pass = all_pass && pass;
      std::printf("%-4s %-32s %9.2e of %9.2e  %s %s\n", pass ? "ok" : "FAIL", row.kernel.c_str(), row.worst_relative_error,
                  row.tolerance, row.shape.c_str(), row.reason.c_str());
      std::fflush(stdout);
    }
    return all_pass ? 0 : 1;
  } catch (const Failure& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
