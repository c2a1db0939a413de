#include "program/devices.hpp"

#include <fmt/ranges.h>

#include <string_view>

#include "core/error.hpp"
#include "device/driver_trial.hpp"
#include "measure/ceilings/cache_knee.hpp"
#include "program/output.hpp"
#include "program/probing.hpp"

namespace qtrap::program {
namespace {

/// Long enough for eight boards whose driver wakes each from sleep.
constexpr Seconds kDriverPatience{60.0};

bool leaves_choice(const DeviceOptions& options) { return options.selector.empty() || options.selector == "gpu"; }

device::DeviceInfo select(const device::Discovery& found, const DeviceOptions& options) {
  if (!options.expected.empty()) return device::find_expected(found.devices, parse_identity(options.expected)).value();
  auto chosen = device::select_device(found.devices, options.selector);
  if (chosen) return std::move(chosen).value();
  Error error = chosen.error();
  for (const auto& line : device::describe_missing_gpus(device::SystemView::system(), found.devices))
    error.fix += "; " + line;
  throw Failure(error);
}

/// What must be said of a choice that the program made.
std::vector<std::string> find_choice_hazards(const device::Discovery& found, const device::DeviceInfo& chosen,
                                             const DeviceOptions& options) {
  if (!options.expected.empty() || !leaves_choice(options)) return {};
  auto hazards = device::describe_choice(found.devices, chosen, options.selector);
  if (chosen.type == device::DeviceType::kGpu && !device::is_integrated(chosen)) return hazards;
  for (auto& line : device::describe_missing_gpus(device::SystemView::system(), found.devices))
    hazards.push_back(std::move(line));
  return hazards;
}

}  // namespace

device::Discovery discover_devices() {
  const auto view = device::SystemView::system();
  device::try_drivers(view, kDriverPatience).value();
  return device::discover(view).value();
}

device::DeviceInfo choose_device(const DeviceOptions& options) {
  // The process that started this one has tried the drivers.
  const auto found =
      options.expected.empty() ? discover_devices() : device::discover(device::SystemView::system()).value();
  device::DeviceInfo info = select(found, options);
  info.choice = find_choice_hazards(found, info, options);
  for (const auto& line : info.choice) tell(line);
  if (!options.cache.empty()) info.cache_bytes = measure::parse_cache_findings(options.cache).value().bytes;
  if (options.variant.empty()) return info;
  const scheme::Variant& variant = require_variant(options.variant);
  if (variant.family == "reference") {
    throw Failure(
        usage_error("reference kernels are not measured", options.variant, "use `qtrap verify --variant reference`"));
  }
  info.forced_family = variant.family;
  info.forced_variant = variant.name;
  return info;
}

std::vector<std::string> identity_arguments(const device::DeviceInfo& info) {
  return {":" + info.id, ":" + info.name, ":" + info.driver};
}

device::ExpectedDevice parse_identity(const std::vector<std::string>& arguments) {
  return {arguments.at(0).substr(1), arguments.at(1).substr(1), arguments.at(2).substr(1)};
}

device::KernelSources kernel_sources(const DeviceOptions& options) {
  return options.kernel_dir.empty() ? device::KernelSources::embedded()
                                    : device::KernelSources::from_folder(options.kernel_dir).value();
}

device::DeviceInfo choose_probed_device(const DeviceOptions& options) {
  device::DeviceInfo info = choose_device(options);
  info.capabilities = find_capabilities(info, options);
  if (options.variant.empty()) return info;
  if (const auto missing = scheme::missing_capability(require_variant(options.variant), info)) {
    throw Failure(usage_error("the device cannot run this kernel variant", options.variant + ": " + *missing,
                              "leave --variant out: the best that works is chosen; `qtrap devices` probes anew"));
  }
  return info;
}

// The probing process first: a GPU in exclusive mode lets in one at a time.
device::Device open_device(const DeviceOptions& options) {
  return {choose_probed_device(options), kernel_sources(options)};
}

const scheme::Variant& require_variant(const std::string& name) {
  if (const scheme::Variant* variant = scheme::find_variant(name)) return *variant;
  std::vector<std::string_view> names;
  for (const scheme::Variant& variant : scheme::all_variants()) names.push_back(variant.name);
  throw Failure(
      usage_error("no kernel variant has this name", name, fmt::format("choose one of {}", fmt::join(names, ", "))));
}

}  // namespace qtrap::program
