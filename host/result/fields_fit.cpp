// Field tables of the fit file.
#include <array>

#include "result/fields.hpp"

namespace qtrap::result {
namespace {

constexpr std::array<std::string_view, 1> kSchemas{"qtrap.fit"};
constexpr std::array<std::string_view, 2> kFitStatuses{"ok", "no_data"};
constexpr std::array<std::string_view, 2> kQuantities{"time", "energy"};
constexpr std::array<std::string_view, 6> kCriticalStatuses{
    "found", "above", "below", "trapped_everywhere", "never_trapped", "not_identified"};
constexpr std::array<std::string_view, 2> kMethods{"interpolated", "fitted"};

}  // namespace

template <>
std::span<const Field<Coefficient>> fields() {
  using R = Coefficient;
  static const Field<R> kTable[] = {
      {&R::name, {"name", "", "term of the decomposition"}},
      {&R::unit, {"unit", "", "unit of the value"}},
      {&R::value, {"value", "its unit", "estimate; null where not identified"}},
      {&R::low, {"low", "its unit", "lower end of the 95 % interval"}},
      {&R::high, {"high", "its unit", "upper end of the 95 % interval"}},
      {&R::identified, {"identified", "", "the rows determine this coefficient"}},
      {&R::vif, {"vif", "1", "variance inflation factor"}},
  };
  return kTable;
}

template <>
std::span<const Field<QuantityFit>> fields() {
  using R = QuantityFit;
  static const Field<R> kTable[] = {
      {&R::status, {"status", "", "whether there is a fit", kFitStatuses}},
      {&R::reason, {"reason", "", "why there is none; null when ok"}},
      {&R::form, {"form", "", "form of the decomposition"}},
      {&R::coefficients, {"coefficients", "", "coefficients, none below 0"}},
      {&R::rows, {"rows", "", "trials fitted"}},
      {&R::rank, {"rank", "", "rank of the design matrix"}},
      {&R::condition_number, {"condition_number", "1", "of the column-scaled design matrix"}},
      {&R::r2, {"r2", "1", "share of the variance explained"}},
      {&R::loo_mape,
       {"loo_mape", "1",
        "mean absolute relative error when each configuration is left out, of the mean over the sessions"}},
      {&R::loo_mape_session,
       {"loo_mape_session", "1", "the same of single sessions, whose own disturbance it contains"}},
      {&R::residual_by_scheme, {"residual_by_scheme", "1", "mean relative residual of each scheme"}},
  };
  return kTable;
}

template <>
std::span<const Field<CriticalScale>> fields() {
  using R = CriticalScale;
  static const Field<R> kTable[] = {
      {&R::device, {"device", "", "device.id"}},
      {&R::scheme, {"scheme", "", "precision scheme"}},
      {&R::model_family, {"model_family", "", "family whose sizes make the curve; null where unnamed"}},
      {&R::batch, {"batch", "", "sequences in lockstep"}},
      {&R::hops, {"hops", "", "dependent hops of a chain"}},
      {&R::tokens_per_hop, {"tokens_per_hop", "", "dependent steps of a hop"}},
      {&R::context_tokens, {"context_tokens", "", "tokens in the cache before the chain"}},
      {&R::quantity, {"quantity", "", "quantity whose ratio crosses 1", kQuantities}},
      {&R::status, {"status", "", "whether a crossing was found", kCriticalStatuses}},
      {&R::n_star, {"n_star", "parameters", "model size at which the ratio crosses 1"}},
      {&R::low, {"low", "parameters", "lower end of the 95 % interval"}},
      {&R::high, {"high", "parameters", "upper end of the 95 % interval"}},
      {&R::method, {"method", "", "how it was found", kMethods}},
      {&R::sizes_used, {"sizes_used", "parameters", "model sizes that entered"}},
      {&R::paper_printed, {"paper_printed", "parameters", "the paper's formula as printed"}},
      {&R::paper_rederived, {"paper_rederived", "parameters", "the formula as derived anew"}},
  };
  return kTable;
}

template <>
std::span<const Field<CriticalBatch>> fields() {
  using R = CriticalBatch;
  static const Field<R> kTable[] = {
      {&R::device, {"device", "", "device.id"}},
      {&R::scheme, {"scheme", "", "precision scheme"}},
      {&R::model, {"model", "", "model shape"}},
      {&R::hops, {"hops", "", "dependent hops of a chain"}},
      {&R::tokens_per_hop, {"tokens_per_hop", "", "dependent steps of a hop"}},
      {&R::context_tokens, {"context_tokens", "", "tokens in the cache before the chain"}},
      {&R::quantity, {"quantity", "", "quantity whose ratio crosses 1", kQuantities}},
      {&R::status, {"status", "", "whether a crossing was found", kCriticalStatuses}},
      {&R::b_star, {"b_star", "sequences", "batch at which the ratio crosses 1"}},
      {&R::low, {"low", "sequences", "lower end of the 95 % interval"}},
      {&R::high, {"high", "sequences", "upper end of the 95 % interval"}},
      {&R::method, {"method", "", "how it was found", kMethods}},
      {&R::sizes_used, {"sizes_used", "sequences", "batches that entered"}},
      {&R::paper_printed, {"paper_printed", "sequences", "the paper's formula as printed"}},
      {&R::paper_rederived, {"paper_rederived", "sequences", "the formula as derived anew"}},
  };
  return kTable;
}

template <>
std::span<const Field<CriticalHops>> fields() {
  using R = CriticalHops;
  static const Field<R> kTable[] = {
      {&R::device, {"device", "", "device.id"}},
      {&R::scheme, {"scheme", "", "precision scheme"}},
      {&R::model, {"model", "", "model shape"}},
      {&R::batch, {"batch", "", "sequences in lockstep"}},
      {&R::tokens_per_hop, {"tokens_per_hop", "", "dependent steps of a hop"}},
      {&R::context_tokens, {"context_tokens", "", "tokens in the cache before the chain"}},
      {&R::quantity, {"quantity", "", "quantity whose ratio crosses 1", kQuantities}},
      {&R::status, {"status", "", "whether a crossing was found", kCriticalStatuses}},
      {&R::h_star, {"h_star", "hops", "hops at which the ratio crosses 1"}},
      {&R::low, {"low", "hops", "lower end of the 95 % interval"}},
      {&R::high, {"high", "hops", "upper end of the 95 % interval"}},
      {&R::method, {"method", "", "how it was found", kMethods}},
      {&R::sizes_used, {"sizes_used", "hops", "hops that entered"}},
  };
  return kTable;
}

template <>
std::span<const Field<PaperView>> fields() {
  using R = PaperView;
  static const Field<R> kTable[] = {
      {&R::point_id, {"point_id", "", "the point"}},
      {&R::device, {"device", "", "device.id"}},
      {&R::model, {"model", "", "model shape"}},
      {&R::scheme, {"scheme", "", "precision scheme"}},
      {&R::batch, {"batch", "", "sequences in lockstep"}},
      {&R::energy_tdp_j, {"energy_tdp_j", "J", "TDP x time of a chain, as the paper's first version computed it"}},
      {&R::energy_gross_j, {"energy_gross_j", "J", "measured gross energy of a chain"}},
      {&R::energy_ratio_tdp, {"energy_ratio_tdp", "1", "ratio to the anchor by TDP x time"}},
      {&R::energy_ratio, {"energy_ratio", "1", "measured ratio to the anchor"}},
  };
  return kTable;
}

template <>
std::span<const Field<FitFile>> fields() {
  using R = FitFile;
  static const Field<R> kTable[] = {
      {&R::schema, {"schema", "", "kind of file", kSchemas}},
      {&R::schema_version, {"schema_version", "", "MAJOR.MINOR of the file format"}},
      {&R::sessions, {"sessions", "", "sessions that entered"}},
      {&R::time, {"time", "", "decomposition of time"}},
      {&R::energy, {"energy", "", "decomposition of energy"}},
      {&R::critical_scale, {"critical_scale", "", "N* by device, scheme, batch and quantity"}},
      {&R::critical_batch, {"critical_batch", "", "B* by device, scheme, model and quantity"}},
      {&R::critical_hops, {"critical_hops", "", "H* by device, scheme, model, batch and quantity"}},
      {&R::paper_view, {"paper_view", "", "TDP x time energies beside the measured ones, where both exist"}},
  };
  return kTable;
}

}  // namespace qtrap::result
