// verify-kernels and tune-kernels: what `verify` and `tune` do, in a process that may die of it. Each item is
// announced, so that the parent knows what it was.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/item_rows.hpp"
#include "core/clock.hpp"
#include "program/devices.hpp"
#include "program/exit_code.hpp"
#include "program/probing.hpp"
#include "program/process.hpp"

namespace qtrap::cli {
int run_on_device(const program::ItemWorkerOptions& options, const std::function<bool(device::Device&)>& work) {
  program::catch_interrupts(0);  // its parent ends it
  return program::run_as_worker(options.output_descriptor, [&] {
    device::Device device = program::open_device(options.device);
    if (options.alone) device.build_entries_alone();
    device.set_watch([&](const device::Step&) {
      program::send_message(options.output_descriptor, program::MessageKind::kActivity, "");
    });
    if (work(device)) return program::kDone;
    program::send_message(options.output_descriptor, program::MessageKind::kDeviceError, "");
    return program::kFailed;
  });
}

scheme::VerifyOptions make_verify_options(const program::DeviceOptions& options, const std::string& kernel) {
  scheme::VerifyOptions verify;
  verify.kernel = kernel;
  verify.variant = options.variant;
  if (!options.variant.empty()) verify.families = {std::string(program::require_variant(options.variant).family)};
  return verify;
}

int run_verify_worker(const program::ItemWorkerOptions& options, const std::string& kernel) {
  program::ItemWorkerOptions unforced = options;  // a variant that does not work here is a row of the table
  unforced.device.variant.clear();
  return run_on_device(unforced, [&](device::Device& device) {
    const auto kernels = scheme::list_verified(device.info(), make_verify_options(options.device, kernel));
    for (std::size_t i = options.first; i < kernels.size() && !program::stop_was_requested(); ++i) {
      program::send_message(options.output_descriptor, program::MessageKind::kItem, encode_item(*kernels[i]));
      const scheme::VerifyRow row = scheme::verify_kernel(device, *kernels[i], false);
      program::send_message(options.output_descriptor, program::MessageKind::kResult, encode_row(row));
      if (row.status == scheme::VerifyStatus::kFail && !device.still_works()) return false;
    }
    return true;
  });
}

int run_tune_worker(const program::ItemWorkerOptions& options, const tune::TuneOptions& search) {
  return run_on_device(options, [&](device::Device& device) {
    tune::TuneOptions rest = search;
    rest.first = options.first;
    const tune::TuneSink sink{
        [&](const std::string& kernel, std::uint64_t tokens) {
          program::send_message(options.output_descriptor, program::MessageKind::kItem, encode_item(kernel, tokens));
        },
        [&](const tune::TunedKernel& tuned) {
          program::send_message(options.output_descriptor, program::MessageKind::kResult, encode_row(tuned));
        }};
    return tune::tune_kernels(device, MonotonicClock(), rest, sink, program::stop_was_requested);
  });
}

}  // namespace qtrap::cli
