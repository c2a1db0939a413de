// verify-kernels and tune-kernels: what `verify` and `tune` do, in a process that may die of it. Each item is
// announced, so that the parent knows what it was.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/item_rows.hpp"
#include "cli/process.hpp"
#include "core/clock.hpp"

namespace qtrap::cli {
namespace {

/// Runs `work` with the device opened; false from it: the device is lost and another process goes on.
int run_on_device(const ItemWorkerOptions& options, const std::function<bool(device::Device&)>& work) {
  catch_interrupts(0);  // its parent ends it
  return run_as_worker(options.output_descriptor, [&] {
    device::Device device = open_device(options.device);
    if (options.alone) device.build_entries_alone();
    device.set_watch([&](const device::Step&) { send_message(options.output_descriptor, MessageKind::kActivity, ""); });
    if (work(device)) return kDone;
    send_message(options.output_descriptor, MessageKind::kDeviceError, "");
    return kFailed;
  });
}

}  // namespace

scheme::VerifyOptions make_verify_options(const DeviceOptions& options, const std::string& kernel) {
  scheme::VerifyOptions verify;
  verify.kernel = kernel;
  verify.variant = options.variant;
  if (!options.variant.empty()) verify.families = {std::string(require_variant(options.variant).family)};
  return verify;
}

int run_verify_worker(const ItemWorkerOptions& options, const std::string& kernel) {
  ItemWorkerOptions unforced = options;  // a variant that does not work here is a row of the table
  unforced.device.variant.clear();
  return run_on_device(unforced, [&](device::Device& device) {
    const auto kernels = scheme::list_verified(device.info(), make_verify_options(options.device, kernel));
    for (std::size_t i = options.first; i < kernels.size() && !stop_was_requested(); ++i) {
      send_message(options.output_descriptor, MessageKind::kItem, encode_item(*kernels[i]));
      const scheme::VerifyRow row = scheme::verify_kernel(device, *kernels[i], false);
      send_message(options.output_descriptor, MessageKind::kResult, encode_row(row));
      if (row.status == scheme::VerifyStatus::kFail && !device.still_works()) return false;
    }
    return true;
  });
}

int run_tune_worker(const ItemWorkerOptions& options, const measure::TuneOptions& search) {
  return run_on_device(options, [&](device::Device& device) {
    measure::TuneOptions rest = search;
    rest.first = options.first;
    const measure::TuneSink sink{[&](const std::string& kernel, std::uint64_t tokens) {
                                   send_message(options.output_descriptor, MessageKind::kItem,
                                                encode_item(kernel, tokens));
                                 },
                                 [&](const measure::TunedKernel& tuned) {
                                   send_message(options.output_descriptor, MessageKind::kResult, encode_row(tuned));
                                 }};
    return measure::tune_kernels(device, MonotonicClock(), rest, sink, stop_was_requested);
  });
}

}  // namespace qtrap::cli
