// devices, verify, ceilings: what a machine has, whether its kernels are right, how fast it can be.
#include <fmt/format.h>

#include <map>
#include <memory>

#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/item_rows.hpp"
#include "core/clock.hpp"
#include "core/text.hpp"
#include "measure/ceilings/cache_sweep.hpp"
#include "measure/ceilings/ceilings.hpp"
#include "measure/environment.hpp"
#include "program/devices.hpp"
#include "program/exit_code.hpp"
#include "program/meter_selection.hpp"
#include "program/output.hpp"
#include "program/probing.hpp"
#include "program/process.hpp"
#include "report/table.hpp"
#include "scheme/verify/verify.hpp"

namespace qtrap::cli {
namespace {

using report::Value;

Value optional_text(const std::optional<std::string>& text) { return text ? Value(*text) : Value(std::monostate{}); }

std::string capability_text(const device::Capability& capability) {
  const char* probed = !capability.probed ? "not probed" : *capability.probed ? "works" : "fails";
  return fmt::format("{}: {}, {} ({})", capability.name, capability.declared ? "declared" : "not declared", probed,
                     capability.reason);
}

/// Another process probes, always anew; `error` in place of it all where the device cannot be described or opened.
program::ProbedDevice probe(const device::DeviceInfo& info, const program::DeviceOptions& options) {
  if (!info.fault.empty()) {
    program::ProbedDevice probed;
    probed.error = "cannot be described: " + info.fault;
    return probed;
  }
  program::ProbedDevice probed = program::probe_device(info, options, true);
  if (!probed.error.empty()) probed.error = "cannot be opened: " + probed.error;
  return probed;
}

std::string timer_text(const device::EventTimerCheck& timer) {
  return fmt::format("event timer: {} ({})", timer.trusted ? "trusted" : "not trusted", timer.reason);
}

/// The cell of a JSON row: every capability with its reason.
std::vector<std::string> capability_list(const program::ProbedDevice& probed) {
  std::vector<std::string> texts;
  for (const auto& capability : probed.capabilities) texts.push_back(capability_text(capability));
  if (probed.timer) texts.push_back(timer_text(*probed.timer));
  if (!probed.error.empty()) texts.push_back(probed.error);
  return texts;
}

/// One line of what works and one of what is missing; `verbose`: each with its reason.
std::string describe_probed(const program::ProbedDevice& probed, bool verbose) {
  std::string text;
  const auto line = [&](const std::string& words) { text += "  " + escape_controls(words) + "\n"; };
  std::vector<std::string> works;
  std::vector<std::string> missing;
  for (const auto& capability : probed.capabilities) {
    (capability.probed.value_or(false) ? works : missing).push_back(capability.name);
    if (verbose) line(capability_text(capability));
  }
  if (!verbose && !works.empty()) line(fmt::format("works: {}", fmt::join(works, ", ")));
  if (!verbose && !missing.empty()) line(fmt::format("missing: {} (why: --verbose)", fmt::join(missing, ", ")));
  if (probed.timer) line(timer_text(*probed.timer));
  if (!probed.error.empty()) line(probed.error);
  return text;
}

/// The meter that --meter auto would take, and why there is none.
using Match = std::pair<Value, Value>;
Match match(const device::DeviceInfo& info) {
  if (!info.fault.empty()) return {std::monostate{}, std::monostate{}};
  try {
    const auto source = program::open_meter("auto", info);
    if (source.match.meter) return {source.match.meter->info().id(), std::monostate{}};
    return {std::monostate{}, source.match.reason};
  } catch (const Failure& ambiguous) {
    return {std::monostate{}, ambiguous.error().message()};
  }
}

/// The row of `devices`. Of a device that cannot be described nothing is known beyond its name.
std::vector<Value> make_device_row(const device::DeviceInfo& info, const program::ProbedDevice& probed,
                                   const Match& meter) {
  const bool known = info.fault.empty();
  const auto count = [known](std::uint64_t value) {
    return known ? Value(static_cast<std::int64_t>(value)) : Value(std::monostate{});
  };
  const auto text = [](const std::string& value) { return value.empty() ? Value(std::monostate{}) : Value(value); };
  return {static_cast<std::int64_t>(info.index),
          to_string(info.type),
          info.label(),
          info.name,
          optional_text(info.board),
          text(info.platform),
          text(info.driver),
          known ? Value(format_gibibytes(info.memory_bytes)) : Value(std::monostate{}),
          count(info.memory_bytes),
          count(info.max_alloc_bytes),
          count(info.cache_bytes),
          count(info.compute_units),
          optional_text(info.pci),
          text(info.pci_doubt),
          optional_text(info.uuid),
          info.id,
          text(info.vendor),
          text(info.c_version),
          info.kernel_family(),
          meter.first,
          meter.second,
          text(info.fault),
          capability_list(probed)};
}

/// One row per kernel, by processes of their own: what a kernel or its compiler does to them is its row's reason.
std::vector<scheme::VerifyRow> verify_apart(const program::DeviceOptions& options, const std::string& kernel) {
  program::DeviceOptions unforced = options;
  unforced.variant.clear();
  device::DeviceInfo info = program::choose_device(unforced);
  if (scheme::list_verified(info, make_verify_options(options, kernel)).empty())
    throw Failure(
        usage_error("no kernel has this in its name", kernel, "run `qtrap verify` without --kernel to see all names"));
  program::catch_interrupts(3);
  const program::ProbedDevice probed = program::probe_device(info, options, false);
  if (!probed.error.empty() && !program::stop_was_requested())
    throw Failure(runtime_error("the device cannot be opened", probed.error, "see `qtrap devices`"));
  info.capabilities = program::complete_rows(info, probed);
  std::vector<scheme::VerifyRow> rows;
  program::ItemSink sink;
  sink.again_alone = true;
  sink.on_result = [&](const std::string&, const std::string& payload) { rows.push_back(decode_verify_row(payload)); };
  sink.on_death = [&](const std::string& item, const program::ProcessEnd& end) {
    rows.push_back(make_failed_verify_row(item, "its process " + end.words()));
  };
  const auto make_arguments = [&](std::size_t done) {
    auto arguments = program::make_item_arguments("verify-kernels", info, options, done);
    if (!kernel.empty()) arguments.push_back("--kernel=" + kernel);
    return arguments;
  };
  const auto error = program::run_items(make_arguments, sink, {options.watchdog_s, {}});
  if (!error.empty()) rows.push_back(make_failed_verify_row("all others", error));
  return rows;
}

std::string to_words(const report::Table& table, bool json) {
  return json ? report::to_json(table) : report::to_text(table);
}

/// What the process may use of the host, and its hazards: the table of `run` names three at most.
std::string describe_host() {
  const MachineLimits limits = read_machine_limits();
  std::string text = "\nhost: " + measure::describe_limits(limits) + "\n";
  for (const auto& hazard : measure::find_hazards(measure::read_host(limits), limits)) text += "  " + hazard + "\n";
  return text;
}

/// Multiply-adds that the device makes per byte that it reads, from the ceilings above.
void add_operations_per_byte(const result::Ceilings& c, report::Table& table) {
  const std::pair<const char*, std::optional<double>> units[] = {{"vector", c.fp32_macs_per_s},
                                                                 {"matrix_f16", c.matrix_f16_macs_per_s},
                                                                 {"matrix_int8", c.matrix_int8_macs_per_s}};
  for (const auto& [unit, rate] : units) {
    if (!rate || !c.read_bytes_per_s) continue;
    table.rows.push_back({fmt::format("{}_macs_per_byte", unit), std::string("MAC/byte"), *rate / *c.read_bytes_per_s,
                          std::monostate{}, std::monostate{}, std::monostate{}, std::string("derived"),
                          std::monostate{}, std::monostate{}});
  }
}

/// One row per ceiling, then the set it was measured with and the cache.
report::Table make_ceiling_table(const result::Ceilings& c, const measure::CacheFindings& cache) {
  report::Table table;
  table.columns = {{"quantity", "quantity"}, {"unit", "unit"},         {"value", "median"},
                   {"low", "low"},           {"high", "high"},         {"events", "by events"},
                   {"basis", "basis"},       {"instructions", "code"}, {"reason", "reason"}};
  const auto number = [](std::optional<double> value) { return value ? Value(*value) : Value(std::monostate{}); };
  const auto word = [](const std::optional<std::map<std::string, std::string>>& words, std::string_view name) {
    if (!words || !words->contains(std::string(name))) return Value(std::monostate{});
    return Value(words->at(std::string(name)));
  };
  for (const auto& row : measure::ceiling_rows()) {
    table.rows.push_back({std::string(row.name), std::string(row.unit), number(c.*row.value), number(c.*row.low),
                          number(c.*row.high), row.events == nullptr ? std::monostate{} : number(c.*row.events),
                          std::string(c.*row.value ? "measured" : "not measured"), word(c.instructions, row.name),
                          word(c.reasons, row.name)});
  }
  table.rows.push_back({std::string("set_bytes"), std::string("byte"), *c.set_bytes, std::monostate{}, std::monostate{},
                        std::monostate{}, std::string("chosen"), std::monostate{}, word(c.reasons, "set_bytes")});
  const auto bytes = [](std::optional<std::uint64_t> value) {
    return value ? Value(static_cast<std::int64_t>(*value)) : Value(std::monostate{});
  };
  const auto end = [&](std::uint64_t measure::CacheKnee::*member) {
    return cache.knee ? bytes((*cache.knee).*member) : Value(std::monostate{});
  };
  table.rows.push_back({std::string("cache_bytes"), std::string("byte"),
                        cache.bytes > 0 ? bytes(cache.bytes) : Value(std::monostate{}), end(&measure::CacheKnee::low),
                        end(&measure::CacheKnee::high), std::monostate{}, to_string(cache.basis), std::monostate{},
                        cache.status});
  add_operations_per_byte(c, table);
  return table;
}

/// Matrices of which the bits of a weight are told: whole groups and blocks.
constexpr scheme::ProjectionShape kBudgetShape{4096, 4096};
constexpr std::uint64_t kBudgetGroup = 128;

/// What each scheme takes per weight, and what the device has for it.
report::Table make_budget_table(const result::Ceilings& ceilings) {
  report::Table table;
  table.columns = {{"scheme", "scheme"},
                   {"stored_weight_bits", "bits"},
                   {"unpack_operations", "unpack"},
                   {"operation_budget", "budget"},
                   {"predicted_bound_batch", "bound from batch"},
                   {"predicted_slower_batch", "slower than f16 from"}};
  constexpr double kBitsPerByte = 8;
  for (const scheme::SchemeInfo& info : scheme::all_schemes()) {
    const auto rates = measure::rates_of(ceilings, info);
    if (!rates) continue;
    const double bits = scheme::stored_bits(info, kBudgetShape, kBudgetGroup);
    const double unpack = scheme::unpack_operations(info);
    const scheme::OperationBudget budget = scheme::compute_budget(bits / kBitsPerByte, unpack, *rates);
    table.rows.push_back({std::string(info.name), bits, unpack, budget.per_weight, budget.bound_batch,
                          budget.slower_batch ? Value(*budget.slower_batch) : Value(std::string("no batch"))});
  }
  return table;
}

constexpr const char* kBudgetWords = R"(
Vector operations per weight that the matmul reads (f16's behind a split). unpack: beyond f16's, counted on sm_90; budget:
what the device makes while it reads one. Predicted from these and the multiply-adds alone, so at the latest: from which
batch the matmul is bound by instructions, and from which it is slower than f16's.
)";

/// As text two tables; as JSON one, with a row "QUANTITY/SCHEME" for each value of the second.
std::string describe_ceilings(const result::Ceilings& ceilings, const measure::CacheFindings& cache, bool json) {
  report::Table table = make_ceiling_table(ceilings, cache);
  const report::Table budgets = make_budget_table(ceilings);
  if (!json) return to_words(table, false) + kBudgetWords + to_words(budgets, false);
  for (const auto& row : budgets.rows) {
    for (std::size_t i = 1; i < row.size(); ++i) {
      table.rows.push_back(
          {fmt::format("{}/{}", budgets.columns[i].key, std::get<std::string>(row.front())), std::string("1"),
           std::holds_alternative<double>(row[i]) ? row[i] : std::monostate{}, std::monostate{}, std::monostate{},
           std::monostate{}, std::string(budgets.columns[i].key.starts_with("predicted") ? "predicted" : "derived"),
           std::monostate{}, std::holds_alternative<double>(row[i]) ? Value(std::monostate{}) : Value(row[i])});
    }
  }
  return to_words(table, true);
}

}  // namespace

int run_devices(const program::DeviceOptions& options, bool verbose) {
  report::Table table;
  table.columns = {{"index", "#"},
                   {"type", "type"},
                   {"", "name"},
                   {"name", ""},
                   {"board", ""},
                   {"platform", "platform"},
                   {"driver", "driver"},
                   {"", "memory"},
                   {"memory_bytes", ""},
                   {"max_alloc_bytes", ""},
                   {"cache_bytes", ""},
                   {"compute_units", "units"},
                   {"pci", "PCI"},
                   {"pci_doubt", ""},
                   {"uuid", ""},
                   {"id", ""},
                   {"vendor", ""},
                   {"opencl_c", "OpenCL C"},
                   {"kernel_family", "kernels"},
                   {"meter", "meter"},
                   {"meter_reason", ""},
                   {"fault", ""},
                   {"capabilities", ""}};
  const auto found = program::discover_devices();
  std::string details;
  for (const auto& info : found.devices) {
    const program::ProbedDevice probed = probe(info, options);
    const Match meter = match(info);
    table.rows.push_back(make_device_row(info, probed, meter));
    details += fmt::format("\n{} {}\n", info.index, escape_controls(info.label())) + describe_probed(probed, verbose);
    if (!info.pci_doubt.empty()) details += "  no PCI identity: " + escape_controls(info.pci_doubt) + "\n";
    if (const auto* reason = std::get_if<std::string>(&meter.second))
      details += "  no meter: " + escape_controls(*reason) + "\n";
  }
  program::print(to_words(table, options.json));
  if (!options.json) program::print(details + describe_host());
  auto complaints = found.complaints;
  for (auto& line : device::describe_missing_gpus(device::SystemView::system(), found.devices))
    complaints.push_back(std::move(line));
  for (const auto& line : complaints) program::tell(line);
  return program::kDone;
}

int run_verify(const program::DeviceOptions& options, const std::string& kernel) {
  const auto rows = verify_apart(options, kernel);
  report::Table table;
  table.columns = {{"kernel", "kernel"},       {"variant", "variant"},
                   {"shape", "worst shape"},   {"worst_relative_error", "worst error"},
                   {"tolerance", "tolerance"}, {"status", "status"},
                   {"reason", "reason"}};
  bool failed = false;
  for (const auto& row : rows) {
    failed = failed || row.status == scheme::VerifyStatus::kFail;
    const auto measured = [&](double value) {
      return row.status == scheme::VerifyStatus::kUnsupported ? Value(std::monostate{}) : Value(value);
    };
    table.rows.push_back({row.kernel, row.variant, row.shape, measured(row.worst_relative_error),
                          measured(row.tolerance), to_string(row.status), row.reason});
  }
  program::print(to_words(table, options.json));
  if (program::stop_was_requested()) return program::kInterrupted;
  return failed ? program::kFailed : program::kDone;
}

int run_ceilings(const program::DeviceOptions& options) {
  program::catch_interrupts(2);
  const device::DeviceInfo info = program::choose_probed_device(options);
  auto arguments = program::make_worker_arguments("measure-ceilings", info, options);
  if (options.json) arguments.emplace_back("--json");
  std::string table;
  std::string error;
  const auto take = [&](program::MessageKind kind, const std::string& payload) {
    if (kind == program::MessageKind::kResult) table = payload;
    if (kind == program::MessageKind::kError) error = payload;
  };
  const program::ProcessEnd end = program::run_process(std::move(arguments), take, {options.watchdog_s, {}});
  if (program::stop_was_requested()) return program::kInterrupted;
  if (!error.empty()) throw Failure(runtime_error("the ceilings cannot be measured", error, "see `qtrap verify`"));
  if (table.empty())
    throw Failure(runtime_error("the driver failed", "the process " + end.words(), "see `qtrap verify` and dmesg"));
  if (const auto window = measure::describe_named_window()) program::tell(*window);
  program::print(table);
  return program::kDone;
}

int run_ceilings_worker(const program::DeviceOptions& options, int output_descriptor) {
  return program::run_as_worker(output_descriptor, [&] {
    const MonotonicClock clock;
    const auto open = [&](const device::DeviceInfo& info) {
      auto opened = std::make_unique<device::Device>(info, program::kernel_sources(options));
      opened->set_watch(
          [=](const device::Step&) { program::send_message(output_descriptor, program::MessageKind::kActivity, ""); });
      return opened;
    };
    auto device = open(program::choose_probed_device(options));
    const auto cache = measure::find_cache(*device, clock);
    device::DeviceInfo known = device->info();
    known.cache_bytes = cache.bytes;
    device = open(known);
    const auto ceilings = measure::measure_ceilings(*device, clock, device->check_event_timer().trusted);
    program::send_message(output_descriptor, program::MessageKind::kResult,
                          describe_ceilings(ceilings, cache, options.json));
    return program::kDone;
  });
}

}  // namespace qtrap::cli
