// Field tables of the records `session` and `end`.
#include <array>

#include "result/fields.hpp"

namespace qtrap::result {
namespace {

constexpr std::array<std::string_view, 1> kSchemas{"qtrap.result"};
constexpr Field<Ceilings> kCeilingFields[] = {
    {&Ceilings::read_bytes_per_s, {"read_bytes_per_s", "bytes/s", "read bandwidth of device memory, median"}},
    {&Ceilings::read_bytes_per_s_low, {"read_bytes_per_s_low", "bytes/s", "lowest run"}},
    {&Ceilings::read_bytes_per_s_high, {"read_bytes_per_s_high", "bytes/s", "highest run"}},
    {&Ceilings::copy_bytes_per_s, {"copy_bytes_per_s", "bytes/s", "copy bandwidth, bytes read and written, median"}},
    {&Ceilings::copy_bytes_per_s_low, {"copy_bytes_per_s_low", "bytes/s", "lowest run"}},
    {&Ceilings::copy_bytes_per_s_high, {"copy_bytes_per_s_high", "bytes/s", "highest run"}},
    {&Ceilings::fp32_macs_per_s, {"fp32_macs_per_s", "MAC/s", "fp32 multiply-adds from registers, median"}},
    {&Ceilings::fp32_macs_per_s_low, {"fp32_macs_per_s_low", "MAC/s", "lowest run"}},
    {&Ceilings::fp32_macs_per_s_high, {"fp32_macs_per_s_high", "MAC/s", "highest run"}},
    {&Ceilings::fp16_macs_per_s, {"fp16_macs_per_s", "MAC/s", "fp16 multiply-adds from registers, median"}},
    {&Ceilings::fp16_macs_per_s_low, {"fp16_macs_per_s_low", "MAC/s", "lowest run"}},
    {&Ceilings::fp16_macs_per_s_high, {"fp16_macs_per_s_high", "MAC/s", "highest run"}},
    {&Ceilings::int8_macs_per_s, {"int8_macs_per_s", "MAC/s", "int8 multiply-adds into int32 from registers, median"}},
    {&Ceilings::int8_macs_per_s_low, {"int8_macs_per_s_low", "MAC/s", "lowest run"}},
    {&Ceilings::int8_macs_per_s_high, {"int8_macs_per_s_high", "MAC/s", "highest run"}},
    {&Ceilings::empty_launch_s, {"empty_launch_s", "s", "cost of a launch that does nothing, median"}},
    {&Ceilings::empty_launch_s_low, {"empty_launch_s_low", "s", "lowest run"}},
    {&Ceilings::empty_launch_s_high, {"empty_launch_s_high", "s", "highest run"}},
    {&Ceilings::host_sync_s, {"host_sync_s", "s", "cost of a host wait for the queue, median"}},
    {&Ceilings::host_sync_s_low, {"host_sync_s_low", "s", "lowest run"}},
    {&Ceilings::host_sync_s_high, {"host_sync_s_high", "s", "highest run"}},
    {&Ceilings::set_bytes, {"set_bytes", "bytes", "working set of the bandwidth runs"}},
    {&Ceilings::int4_int8_macs_per_s,
     {"int4_int8_macs_per_s", "MAC/s",
      "int4 codes by int8 values where faster than int8 by int8 (avx2), from registers, median"}},
    {&Ceilings::int4_int8_macs_per_s_low, {"int4_int8_macs_per_s_low", "MAC/s", "lowest run"}},
    {&Ceilings::int4_int8_macs_per_s_high, {"int4_int8_macs_per_s_high", "MAC/s", "highest run"}},
    {&Ceilings::matrix_f16_macs_per_s,
     {"matrix_f16_macs_per_s", "MAC/s", "f16 into f32 on the matrix unit, from registers, median"}},
    {&Ceilings::matrix_f16_macs_per_s_low, {"matrix_f16_macs_per_s_low", "MAC/s", "lowest run"}},
    {&Ceilings::matrix_f16_macs_per_s_high, {"matrix_f16_macs_per_s_high", "MAC/s", "highest run"}},
    {&Ceilings::matrix_int8_macs_per_s,
     {"matrix_int8_macs_per_s", "MAC/s", "int8 into int32 on the matrix unit, from registers, median"}},
    {&Ceilings::matrix_int8_macs_per_s_low, {"matrix_int8_macs_per_s_low", "MAC/s", "lowest run"}},
    {&Ceilings::matrix_int8_macs_per_s_high, {"matrix_int8_macs_per_s_high", "MAC/s", "highest run"}},
    {&Ceilings::read_bytes_per_s_events,
     {"read_bytes_per_s_events", "bytes/s", "the same over the time between event stamps"}},
    {&Ceilings::copy_bytes_per_s_events,
     {"copy_bytes_per_s_events", "bytes/s", "the same over the time between event stamps"}},
    {&Ceilings::fp32_macs_per_s_events,
     {"fp32_macs_per_s_events", "MAC/s", "the same over the time between event stamps"}},
    {&Ceilings::fp16_macs_per_s_events,
     {"fp16_macs_per_s_events", "MAC/s", "the same over the time between event stamps"}},
    {&Ceilings::int8_macs_per_s_events,
     {"int8_macs_per_s_events", "MAC/s", "the same over the time between event stamps"}},
    {&Ceilings::int4_int8_macs_per_s_events,
     {"int4_int8_macs_per_s_events", "MAC/s", "the same over the time between event stamps"}},
    {&Ceilings::matrix_f16_macs_per_s_events,
     {"matrix_f16_macs_per_s_events", "MAC/s", "the same over the time between event stamps"}},
    {&Ceilings::matrix_int8_macs_per_s_events,
     {"matrix_int8_macs_per_s_events", "MAC/s", "the same over the time between event stamps"}},
    {&Ceilings::instructions,
     {"instructions", "", "instruction set of each ceiling: plain, a variant's or matrix unit's name"}},
    {&Ceilings::reasons, {"reasons", "", "by ceiling: why it is absent, or what it lacks"}},
    {&Ceilings::cache_bytes, {"cache_bytes", "bytes", "last-level cache: what lies within it counts as in cache"}},
    {&Ceilings::cache_bytes_low, {"cache_bytes_low", "bytes", "largest set read at the cache's rate"}},
    {&Ceilings::cache_bytes_high, {"cache_bytes_high", "bytes", "smallest set read at memory's rate"}},
    {&Ceilings::cache_basis, {"cache_basis", "", "where cache_bytes comes from"}},
    {&Ceilings::cache_status,
     {"cache_status", "", "what the sweep of read rates showed beside what system and driver say"}},
    {&Ceilings::cache_system_bytes, {"cache_system_bytes", "bytes", "last-level cache by sysfs"}},
    {&Ceilings::cache_driver_bytes, {"cache_driver_bytes", "bytes", "global memory cache by the OpenCL driver"}},
    {&Ceilings::read_bytes_per_s_nominal,
     {"read_bytes_per_s_nominal", "bytes/s", "bandwidth of device memory as its maker states it; not measured"}},
    {&Ceilings::fp32_macs_per_s_nominal,
     {"fp32_macs_per_s_nominal", "MAC/s",
      "fp32 multiply-adds of the vector units as the maker states them, half the flop/s; not measured"}},
};

}  // namespace

std::span<const Field<HostInfo>> table_of(std::type_identity<HostInfo>) {
  using R = HostInfo;
  static const Field<R> kTable[] = {
      {&R::cpu, {"cpu", "", "model name of the host processor"}},
      {&R::kernel, {"kernel", "", "name and release of the operating system kernel"}},
      {&R::memory_bytes, {"memory_bytes", "bytes", "main memory of the host"}},
      {&R::governor, {"governor", "", "CPU frequency governor"}},
      {&R::allowed_processors,
       {"allowed_processors", "", "processors of the affinity mask (cpusets included) that are online, e.g. 0-3,8"}},
      {&R::cpu_quota, {"cpu_quota", "", "processors' worth of time that the control groups allow; null: no quota"}},
      {&R::memory_limit_bytes,
       {"memory_limit_bytes", "bytes", "least memory limit of the control groups or the batch job; null: none"}},
  };
  return kTable;
}

std::span<const Field<CapabilityRecord>> table_of(std::type_identity<CapabilityRecord>) {
  using R = CapabilityRecord;
  static const Field<R> kTable[] = {
      {&R::name, {"name", "", "capability, e.g. fp16, dot8, subgroups"}},
      {&R::declared, {"declared", "", "the driver declares it"}},
      {&R::probed, {"probed", "", "a program using it was built, ran and gave the right values; null: not probed"}},
      {&R::reason, {"reason", "", "how the probe passed or why it failed"}},
  };
  return kTable;
}

std::span<const Field<DeviceSummary>> table_of(std::type_identity<DeviceSummary>) {
  using R = DeviceSummary;
  static const Field<R> kTable[] = {
      {&R::id,
       {"id", "", "identity: PCI address, else UUID, else platform and name; no other device of the machine has it"}},
      {&R::platform, {"platform", "", "OpenCL platform name"}},
      {&R::name, {"name", "", "OpenCL device name"}},
      {&R::vendor, {"vendor", "", "OpenCL device vendor"}},
      {&R::driver, {"driver", "", "OpenCL driver version"}},
      {&R::type, {"type", "", "kind of device", {}, table::kGiven}},
      {&R::compute_units, {"compute_units", "", "OpenCL compute units"}},
      {&R::memory_bytes, {"memory_bytes", "bytes", "global memory of the device"}},
      {&R::pci, {"pci", "", "PCI address, e.g. 0000:3b:00.0"}},
      {&R::uuid, {"uuid", "", "device UUID, 32 hexadecimal digits"}},
      {&R::capabilities, {"capabilities", "", "capabilities, declared and probed"}},
      {&R::kernel_family, {"kernel_family", "", "family of kernels used", {}, table::kGiven}},
      {&R::board, {"board", "", "name of the board, where the driver tells it beside the device's"}},
  };
  return kTable;
}

std::span<const Field<KernelsInfo>> table_of(std::type_identity<KernelsInfo>) {
  using R = KernelsInfo;
  static const Field<R> kTable[] = {
      {&R::source_sha256, {"source_sha256", "", "SHA-256 over all kernel sources"}},
      {&R::build_options, {"build_options", "", "options given to the OpenCL compiler"}},
      {&R::tuning, {"tuning", "", "file whose tunables replaced the defaults; null: the defaults"}},
      {&R::tuning_sha256, {"tuning_sha256", "", "SHA-256 of that file's text"}},
      {&R::variant, {"variant", "", "kernel variant that --variant demanded; null: the best that works"}},
  };
  return kTable;
}

std::span<const Field<MeterSummary>> table_of(std::type_identity<MeterSummary>) {
  using R = MeterSummary;
  static const Field<R> kTable[] = {
      {&R::name, {"name", "", "energy meter, or none"}},
      {&R::scope, {"scope", "", "what the meter covers, e.g. board, module, package"}},
      {&R::method, {"method", "", "how energy is obtained: counter, integrated, estimated, simulated"}},
      {&R::period_s, {"period_s", "s", "update period of the sensor that energies come from"}},
      {&R::window_s, {"window_s", "s", "its averaging window"}},
      {&R::delay_s, {"delay_s", "s", "its delay of a reading"}},
      {&R::status, {"status", "", "ok, or why there is no reading"}},
      {&R::reason, {"reason", "", "where it was looked for and what was found"}},
      {&R::board, {"board", "", "what is measured, in the vendor's words"}},
      {&R::source, {"source", "", "library or path that is read"}},
      {&R::match, {"match", "", "how the device was matched to the meter: pci, uuid, name, packages, module, chosen"}},
      {&R::sensor_basis, {"sensor_basis", "", "where period, window, delay and rise come from"}},
      {&R::rise_s, {"rise_s", "s", "time constant of the rise of a reading"}},
      {&R::poll_s, {"poll_s", "s", "how often the meter is read"}},
  };
  return kTable;
}

std::span<const Field<Ceilings>> table_of(std::type_identity<Ceilings>) { return kCeilingFields; }

std::span<const Field<EventTimer>> table_of(std::type_identity<EventTimer>) {
  using R = EventTimer;
  static const Field<R> kTable[] = {
      {&R::trusted, {"trusted", "", "event stamps agree with the host clock and are used for phases"}},
      {&R::reason, {"reason", "", "what the comparison showed"}},
  };
  return kTable;
}

std::span<const Field<SessionRecord>> table_of(std::type_identity<SessionRecord>) {
  using R = SessionRecord;
  static const Field<R> kTable[] = {
      {&R::session_id, {"session_id", "", "identity of the session, unique in the file"}},
      {&R::schema, {"schema", "", "kind of file", kSchemas}},
      {&R::schema_version, {"schema_version", "", "MAJOR.MINOR of the file format"}},
      {&R::origin, {"origin", "", "measured by qtrap or imported from a table"}},
      {&R::started_utc, {"started_utc", "", "start in UTC, ISO 8601 with Z"}},
      {&R::tool_version, {"tool_version", "", "version of qtrap"}},
      {&R::git_commit, {"git_commit", "", "commit qtrap was built from; null outside a checkout"}},
      {&R::git_dirty, {"git_dirty", "", "the checkout had local changes"}},
      {&R::argv, {"argv", "", "command line"}},
      {&R::host, {"host", "", "the machine"}},
      {&R::device, {"device", "", "the OpenCL device"}},
      {&R::kernels, {"kernels", "", "identity of the kernels"}},
      {&R::meter, {"meter", "", "the energy meter"}},
      {&R::ceilings, {"ceilings", "", "ceilings measured in this session, and the maker's; null where not known"}},
      {&R::campaign_json, {"campaign", "", "the campaign as run, overrides applied", {}, table::kJsonObject}},
      {&R::campaign_sha256, {"campaign_sha256", "", "SHA-256 of the campaign's text as it stands in this line"}},
      {&R::seed, {"seed", "", "seed of weights, block order and bootstrap"}},
      {&R::hazards, {"hazards", "", "what could have disturbed the session, one sentence each"}},
      {&R::session_index, {"session_index", "", "number of the session in the campaign, from 0"}},
      {&R::event_timer, {"event_timer", "", "sanity of the device's event stamps"}},
      {&R::environment, {"environment", "", "environment variables that matter, e.g. POCL_AFFINITY"}},
      {&R::models_sha256, {"models_sha256", "", "SHA-256 over the shapes of the campaign's models"}},
      {&R::refines, {"refines", "", "campaign_sha256 of the file's campaign, whose crossings this session narrows"}},
      {&R::until_ratio,
       {"until_ratio", "1", "ratio to f16 that sessions are added for (`--until`); null: their number is fixed"}},
      {&R::until_error, {"until_error", "1", "probability that any ratio without effect is told apart at any look"}},
      {&R::until_ratios, {"until_ratios", "", "ratios that share it evenly"}},
      {&R::until_looks, {"until_looks", "", "planned looks: sessions that are in at each, the last is the most"}},
      {&R::until_spent,
       {"until_spent", "1",
        "error spent up to each look by the normal law (O'Brien-Fleming type), all ratios together"}},
      {&R::until_boundaries,
       {"until_boundaries", "1", "normal statistic of one ratio from which on each look decides"}},
      {&R::weights, {"weights", "", "file of the model's weights, as it was named; null: random ones of `seed`"}},
      {&R::weights_sha256, {"weights_sha256", "", "SHA-256 of that file, of several after each other"}},
  };
  return kTable;
}

std::span<const Field<EndRecord>> table_of(std::type_identity<EndRecord>) {
  using R = EndRecord;
  static const Field<R> kTable[] = {
      {&R::session_id, {"session_id", "", "the last session"}},
      {&R::status, {"status", "", "how the run ended"}},
      {&R::points_ok, {"points_ok", "", "points with status ok"}},
      {&R::points_failed, {"points_failed", "", "points with status error"}},
      {&R::wall_s, {"wall_s", "s", "wall time of all invocations of the run; of one that was killed, its trials'"}},
      {&R::looks, {"looks", "", "looks taken (`--until`): sessions that were in; null: their number was fixed"}},
      {&R::looks_undecided, {"looks_undecided", "", "ratios undecided at each"}},
      {&R::looks_unseen,
       {"looks_unseen", "", "of them, those in which until_ratio would not have been seen with 80 % power"}},
      {&R::stopped_by, {"stopped_by", "", "why no session was added; null where one is missing"}},
  };
  return kTable;
}

}  // namespace qtrap::result
