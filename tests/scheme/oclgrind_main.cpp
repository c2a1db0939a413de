// Runs every kernel of all families on small odd shapes, and the GPU family's gemv with its tuning candidates, for
// `oclgrind --data-races --log FILE oclgrind_kernels`: Oclgrind then offers its own device and reports races and bad
// accesses in FILE (its exit status says nothing).
#include <cstdio>

#include "device/device.hpp"
#include "scheme/tuned_gemv.hpp"
#include "scheme/verify/verify.hpp"

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
      std::printf("%-4s %-32s %9.2e of %9.2e  %s %s\n", pass ? "ok" : "FAIL", row.kernel.c_str(),
                  row.worst_relative_error, row.tolerance, row.shape.c_str(), row.reason.c_str());
      std::fflush(stdout);
    }
    test::for_each_gpu_gemv([&](const scheme::KernelEntry& kernel) {
      for (const test::GemvSet& set : test::kGemvSets) {
        // 1056 columns: four steps of f16 for 32 items, and one item more.
        const std::string fault = test::find_fault(device, kernel, set, {.rows = 3, .columns = 1056, .tokens = 1}, 32);
        all_pass = all_pass && fault.empty();
        std::printf("%-4s %-32s rows %u, work_group %u, split_k %u, unroll %u %s\n", fault.empty() ? "ok" : "FAIL",
                    kernel.name().c_str(), set[0], set[1], set[2], set[3], fault.c_str());
        std::fflush(stdout);
      }
    });
    return all_pass ? 0 : 1;
  } catch (const Failure& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
