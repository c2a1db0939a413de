// Field tables of the compare file.
#include <array>

#include "result/file_fields.hpp"
#include "result/shared_keys.hpp"

namespace qtrap::result {
namespace {

constexpr std::array<std::string_view, 1> kSchemas{"qtrap.compare"};

}  // namespace

std::span<const Field<ComparedSubject>> table_of(std::type_identity<ComparedSubject>) {
  using R = ComparedSubject;
  static const Field<R> kTable[] = {
      {&R::label, {"label", "", "name of the device, with its file or identity where it takes that to tell it apart"}},
      {&R::file, {"file", "", "name of the result file"}},
      {&R::origin, {"origin", "", "measured by qtrap or imported from a table"}},
      {&R::device_id, {"device_id", "", "device.id"}},
      {&R::device_name, {"device_name", "", "device.name"}},
      {&R::driver, {"driver", "", "device.driver"}},
      {&R::sessions, {"sessions", "", "sessions of the file on this device"}},
  };
  return kTable;
}

std::span<const Field<ComparedRatio>> table_of(std::type_identity<ComparedRatio>) {
  using R = ComparedRatio;
  static const auto kTable = join<R>({ratio_rows<R>(),
                                      {{&R::flagged, {"flagged", "", "every pair holds a flagged value: no verdict"}},
                                       {&R::verdict, kVerdict},
                                       {&R::by_session, {"by_session", "1", "the ratio in each session"}}}});
  return kTable;
}

std::span<const Field<ComparedPoint>> table_of(std::type_identity<ComparedPoint>) {
  using R = ComparedPoint;
  static const auto kTable =
      join<R>({place_rows<R>(),
               {{&R::hops, kHops}},
               scheme_rows<R>(),
               {
                   {&R::path, {"path", "", "kernel path of the weights"}},
                   {&R::time, {"time", "", "ratio of times; null where not known"}},
                   {&R::energy, {"energy", "", "ratio of gross energies; null where not known"}},
                   {&R::energy_net, {"energy_net", "", "ratio of net energies, gross less idle; null where not known"}},
                   {&R::cor_operational, {"cor_operational", "1", "casting overhead: ratio of times - 1"}},
                   {&R::cor_phase, {"cor_phase", "1", "casting overhead: (cast + quantize + dequantize) / matmul"}},
                   {&R::deciding_term, kDecidingTerm},
                   {&R::deciding_kind, kDecidingKind},
               }});
  return kTable;
}

std::span<const Field<ComparedSlope>> table_of(std::type_identity<ComparedSlope>) {
  using R = ComparedSlope;
  static const auto kTable =
      join<R>({place_rows<R>(),
               scheme_rows<R>(),
               {
                   {&R::hops, {"hops", "", "hops that entered"}},
                   {&R::ratio_per_doubling, {"ratio_per_doubling", "1", "by what the ratio changes as hops double"}},
                   {&R::low, kRatioLow},
                   {&R::high, kRatioHigh},
                   {&R::sessions, {"sessions", "", "sessions that have a slope"}},
               }});
  return kTable;
}

template <Axis A>
std::span<const Field<ComparedCritical<A>>> table_of(std::type_identity<ComparedCritical<A>>) {
  using R = ComparedCritical<A>;
  static const auto kTable = join<R>(
      {curve_rows<R>(A), crossing_rows<R>(A), {{&R::interval_basis, kIntervalBasis}, {&R::reason, kNoCrossing}}});
  return kTable;
}
template std::span<const Field<ComparedCritical<Axis::kParams>>> table_of(
    std::type_identity<ComparedCritical<Axis::kParams>>);
template std::span<const Field<ComparedCritical<Axis::kBatch>>> table_of(
    std::type_identity<ComparedCritical<Axis::kBatch>>);
template std::span<const Field<ComparedCritical<Axis::kHops>>> table_of(
    std::type_identity<ComparedCritical<Axis::kHops>>);

std::span<const Field<CompareFile>> table_of(std::type_identity<CompareFile>) {
  using R = CompareFile;
  static const Field<R> kTable[] = {
      {&R::schema, {"schema", "", "kind of file", kSchemas}},
      {&R::schema_version, {"schema_version", "", "MAJOR.MINOR of the file format"}},
      {&R::workload, {"workload", "", "what a step runs"}},
      {&R::subjects, {"subjects", "", "devices of the files, in their order"}},
      {&R::points, {"points", "", "schemes by cell, subjects side by side"}},
      {&R::hop_slopes, {"hop_slopes", "", "how ratios go along the hops"}},
      {&R::critical_scale, {"critical_scale", "", "N* by subject, scheme and quantity"}},
      {&R::critical_batch, {"critical_batch", "", "B* by subject, scheme and quantity"}},
      {&R::critical_hops, {"critical_hops", "", "H* by subject, scheme and quantity"}},
  };
  return kTable;
}

}  // namespace qtrap::result
