// Field tables of the fit file.
#include <array>

#include "result/file_fields.hpp"
#include "result/shared_keys.hpp"

namespace qtrap::result {
namespace {

constexpr std::array<std::string_view, 1> kSchemas{"qtrap.fit"};
constexpr Words<1> kFitted{word_of(PointBasis::kFitted)};

/// Rows that QuantityFit and EnergyFit share.
template <class R>
std::vector<Field<R>> quantity_rows() {
  return {
      {&R::status, {"status", "", "whether there is a fit"}},
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
      {&R::configurations, {"configurations", "", "configurations fitted"}},
      {&R::sessions, {"sessions", "", "sessions fitted"}},
      {&R::confidence, {"confidence", "1", "of the intervals"}},
      {&R::interval_basis, {"interval_basis", "", "what the intervals are over"}},
      {&R::choice, {"choice", "", "why this form"}},
      {&R::forms, {"forms", "", "every form that was tried", {}, table::kMayMiss}},
  };
}

/// What the interval of a critical value is over, which side the trap lies on, where the curve comes from: the last
/// rows of each.
template <class R>
std::vector<Field<R>> ending_rows() {
  return {{&R::reason, kNoCrossing},
          {&R::direction, {"direction", "", "on which side of the crossing the trap lies"}},
          {&R::interval_basis, kIntervalBasis},
          {&R::log_offset,
           {"log_offset", "log ratio",
            "mean distance of the measured ratios from the fitted curve, which is shifted by it"}}};
}

/// Both forms of the paper's formula.
template <class R>
std::vector<Field<R>> paper_rows(Axis axis) {
  return {{&R::paper_printed, {"paper_printed", unit_of(axis), "the paper's formula as printed"}},
          {&R::paper_rederived, {"paper_rederived", unit_of(axis), "the formula as derived anew"}}};
}

}  // namespace

std::span<const Field<Coefficient>> table_of(std::type_identity<Coefficient>) {
  using R = Coefficient;
  static const Field<R> kTable[] = {
      {&R::name, {"name", "", "term of the decomposition"}},
      {&R::unit, {"unit", "", "unit of the value"}},
      {&R::value, {"value", "its unit", "estimate; null where not identified"}},
      {&R::low, {"low", "its unit", "lower end of the 95 % interval"}},
      {&R::high, {"high", "its unit", "upper end of the 95 % interval"}},
      {&R::identified, {"identified", "", "the rows determine this coefficient"}},
      {&R::vif, {"vif", "1", "variance inflation factor"}},
      {&R::reason, {"reason", "", "why it is not identified, and what would identify it"}},
  };
  return kTable;
}

std::span<const Field<FormFit>> table_of(std::type_identity<FormFit>) {
  using R = FormFit;
  static const Field<R> kTable[] = {
      {&R::form, {"form", "", "form of the decomposition"}},
      {&R::rank, {"rank", "", "rank of the design matrix"}},
      {&R::condition_number, {"condition_number", "1", "of the column-scaled design matrix"}},
      {&R::r2, {"r2", "1", "share of the variance explained"}},
      {&R::loo_mape, {"loo_mape", "1", "as above, of this form"}},
      {&R::loo_mape_session, {"loo_mape_session", "1", "as above, of this form"}},
      {&R::aicc, {"aicc", "1", "corrected Akaike criterion over the configurations"}},
      {&R::aicc_without_casts, {"aicc_without_casts", "1", "the same without the terms of casting and dequantizing"}},
      {&R::coefficients, {"coefficients", "", "coefficients, none below 0"}},
  };
  return kTable;
}

std::span<const Field<QuantityFit>> table_of(std::type_identity<QuantityFit>) {
  static const std::vector<Field<QuantityFit>> kTable = quantity_rows<QuantityFit>();
  return kTable;
}

std::span<const Field<EnergyFit>> table_of(std::type_identity<EnergyFit>) {
  using R = EnergyFit;
  static const auto kTable =
      join<R>({quantity_rows<R>(),
               {{&R::static_power_w, {"static_power_w", "W", "idle power that the fit stands on"}},
                {&R::static_power_sd_w, {"static_power_sd_w", "W", "its standard deviation"}},
                {&R::sensor_gain_error,
                 {"sensor_gain_error", "1", "relative error common to all readings; null where not known"}}}});
  return kTable;
}

std::span<const Field<CriticalScale>> table_of(std::type_identity<CriticalScale>) {
  using R = CriticalScale;
  static const auto kTable = join<R>(
      {curve_rows<R>(Axis::kParams), crossing_rows<R>(Axis::kParams), paper_rows<R>(Axis::kParams), ending_rows<R>()});
  return kTable;
}

std::span<const Field<CriticalBatch>> table_of(std::type_identity<CriticalBatch>) {
  using R = CriticalBatch;
  static const auto kTable = join<R>(
      {curve_rows<R>(Axis::kBatch), crossing_rows<R>(Axis::kBatch), paper_rows<R>(Axis::kBatch), ending_rows<R>()});
  return kTable;
}

std::span<const Field<CriticalHops>> table_of(std::type_identity<CriticalHops>) {
  using R = CriticalHops;
  static const auto kTable = join<R>({curve_rows<R>(Axis::kHops), crossing_rows<R>(Axis::kHops), ending_rows<R>()});
  return kTable;
}

template <Axis A>
std::span<const Field<OtherCritical<A>>> table_of(std::type_identity<OtherCritical<A>>) {
  using R = OtherCritical<A>;
  static const std::vector<Field<R>> kTable = [] {
    std::vector<Field<R>> table{{&R::device, kDevice}};
    if (A != Axis::kParams) append(table, {{&R::model, kModel}, {&R::params, kParams}});
    if (A != Axis::kBatch) table.push_back({&R::batch, kBatch});
    if (A != Axis::kHops) table.push_back({&R::hops, kHops});
    append(table, {{&R::tokens_per_hop, kTokens},
                   {&R::context_tokens, kContext},
                   {&R::phase, kPhase},
                   {&R::model_family, kFamily},
                   {&R::scheme, kScheme}});
    return join<R>({table, crossing_rows<R>(A), ending_rows<R>()});
  }();
  return kTable;
}
template std::span<const Field<OtherCritical<Axis::kParams>>> table_of(
    std::type_identity<OtherCritical<Axis::kParams>>);
template std::span<const Field<OtherCritical<Axis::kBatch>>> table_of(std::type_identity<OtherCritical<Axis::kBatch>>);
template std::span<const Field<OtherCritical<Axis::kHops>>> table_of(std::type_identity<OtherCritical<Axis::kHops>>);

std::span<const Field<PaperView>> table_of(std::type_identity<PaperView>) {
  using R = PaperView;
  static const Field<R> kTable[] = {
      {&R::point_id, {"point_id", "", "the point"}},
      {&R::device, {"device", "", "device.id"}},
      {&R::model, {"model", "", "model shape"}},
      {&R::scheme, {"scheme", "", "precision scheme"}},
      {&R::batch, {"batch", "", "sequences in lockstep"}},
      {&R::phase, kPhase},
      {&R::energy_tdp_j, {"energy_tdp_j", "J", "TDP x time of a chain, as the paper's first version computed it"}},
      {&R::energy_gross_j, {"energy_gross_j", "J", "measured gross energy of a chain"}},
      {&R::energy_ratio_tdp, {"energy_ratio_tdp", "1", "ratio to the anchor by TDP x time"}},
      {&R::energy_ratio, {"energy_ratio", "1", "measured ratio to the anchor"}},
      {&R::cor_operational, {"cor_operational", "1", "casting overhead: time ratio - 1"}},
      {&R::cor_phase, {"cor_phase", "1", "casting overhead: (cast + quantize + dequantize) / matmul"}},
  };
  return kTable;
}

std::span<const Field<PaperSummary>> table_of(std::type_identity<PaperSummary>) {
  using R = PaperSummary;
  static const Field<R> kTable[] = {
      {&R::compared, {"compared", "", "points with both ratios"}},
      {&R::sign_disagreements, {"sign_disagreements", "", "of these: one way says more than f16, the other less"}},
  };
  return kTable;
}

std::span<const Field<VerdictEntry>> table_of(std::type_identity<VerdictEntry>) {
  using R = VerdictEntry;
  static const auto kTable = join<R>(
      {place_rows<R>(),
       {{&R::hops, kHops}},
       scheme_rows<R>(),
       ratio_rows<R>(),
       {
           {&R::sessions, {"sessions", "", "sessions that hold both"}},
           {&R::sessions_without_anchor, {"sessions_without_anchor", "", "sessions that hold the scheme alone"}},
           {&R::verdict, kVerdict},
       }});
  return kTable;
}

std::span<const Field<HopSlope>> table_of(std::type_identity<HopSlope>) {
  using R = HopSlope;
  static const auto kTable =
      join<R>({place_rows<R>(),
               {{&R::hops, {"hops", "", "hops that entered"}}},
               scheme_rows<R>(),
               {
                   {&R::ratio_per_doubling, {"ratio_per_doubling", "1", "by what the ratio changes as hops double"}},
                   {&R::low, kRatioLow},
                   {&R::high, kRatioHigh},
                   {&R::degrees_of_freedom, kDegrees},
                   {&R::sessions, {"sessions", "", "sessions that have a slope"}},
               }});
  return kTable;
}

std::span<const Field<OperationBound>> table_of(std::type_identity<OperationBound>) {
  using R = OperationBound;
  static const Field<R> kTable[] = {
      {&R::device, kDevice},
      {&R::model, kModel},
      {&R::params, kParams},
      {&R::batches, {"batches", "", "batches that entered"}},
      {&R::hops, kHops},
      {&R::tokens_per_hop, kTokens},
      {&R::context_tokens, kContext},
      {&R::phase, kPhase},
      {&R::scheme, kScheme},
      {&R::unpack_operations, {"unpack_operations", "", "of the points"}},
      {&R::operation_budget, {"operation_budget", "", "of the point of the largest batch"}},
      {&R::predicted_bound_batch, {"predicted_bound_batch", "", "predicted: that point's"}},
      {&R::predicted_slower_batch, {"predicted_slower_batch", "", "predicted: that point's; null: no batch is slower"}},
      {&R::measured_bound_low,
       {"measured_bound_low", "",
        "measured: largest batch before the first whose time is more than a quarter above the smallest batch's; null "
        "with one batch"}},
      {&R::measured_bound_high, {"measured_bound_high", "", "measured: that first batch; null where there is none"}},
  };
  return kTable;
}

std::span<const Field<IntervalValue>> table_of(std::type_identity<IntervalValue>) {
  using R = IntervalValue;
  static const Field<R> kTable[] = {
      {&R::value, {"value", "1", "the value"}},
      {&R::low, {"low", "1", "lower end of the 95 % interval"}},
      {&R::high, {"high", "1", "upper end of the 95 % interval"}},
  };
  return kTable;
}

std::span<const Field<PartShares>> table_of(std::type_identity<PartShares>) {
  using R = PartShares;
  static const Field<R> kTable[] = {
      {&R::part_static, {word_of(Part::kStatic), "1", "idle power times time"}},
      {&R::bytes, {word_of(Part::kBytes), "1", "bytes that the format must move"}},
      {&R::pass_bytes, {word_of(Part::kPassBytes), "1", "bytes of separate passes"}},
      {&R::operations, {word_of(Part::kOperations), "1", "multiply-adds"}},
      {&R::dequantize, {word_of(Part::kDequantize), "1", "dequantize passes"}},
      {&R::cast, {word_of(Part::kCast), "1", "cast and quantize passes"}},
      {&R::launches, {word_of(Part::kLaunches), "1", "kernel launches"}},
      {&R::syncs, {word_of(Part::kSyncs), "1", "host synchronisations"}},
      {&R::unexplained, {"unexplained", "1", "the rest; negative where the fit says more than was measured"}},
  };
  return kTable;
}

std::span<const Field<SeparableParts>> table_of(std::type_identity<SeparableParts>) {
  using R = SeparableParts;
  static const Field<R> kTable[] = {
      {&R::part_static, {word_of(Part::kStatic), "", "the cost behind this share is identified"}},
      {&R::bytes, {word_of(Part::kBytes), "", "the cost behind this share is identified"}},
      {&R::pass_bytes, {word_of(Part::kPassBytes), "", "the cost behind this share is identified"}},
      {&R::operations, {word_of(Part::kOperations), "", "the cost behind this share is identified"}},
      {&R::dequantize, {word_of(Part::kDequantize), "", "the cost behind this share is identified"}},
      {&R::cast, {word_of(Part::kCast), "", "the cost behind this share is identified"}},
      {&R::launches, {word_of(Part::kLaunches), "", "the cost behind this share is identified"}},
      {&R::syncs, {word_of(Part::kSyncs), "", "the cost behind this share is identified"}},
  };
  return kTable;
}

std::span<const Field<Counterfactual>> table_of(std::type_identity<Counterfactual>) {
  using R = Counterfactual;
  static const Field<R> kTable[] = {
      {&R::name, {"name", "", "fused, zero_launch_cost or batch_B"}},
      {&R::predicted, {"predicted", "s or J", "of a chain, by the fit"}},
      {&R::ratio, {"ratio", "1", "to f16 under the same assumption"}},
  };
  return kTable;
}

std::span<const Field<Attribution>> table_of(std::type_identity<Attribution>) {
  using R = Attribution;
  static const Field<R> kTable[] = {
      {&R::point_id, {"point_id", "", "the point"}},
      {&R::scheme, kScheme},
      {&R::model, kModel},
      {&R::params, kParams},
      {&R::batch, kBatch},
      {&R::steps, {"steps", "", "hops x tokens_per_hop"}},
      {&R::hops, kHops},
      {&R::tokens_per_hop, kTokens},
      {&R::context_tokens, kContext},
      {&R::phase, kPhase},
      {&R::quantity, kQuantity},
      {&R::basis, {"basis", "", "where the shares come from", kFitted}},
      {&R::measured, {"measured", "s or J", "of a chain: mean over the sessions of the medians"}},
      {&R::predicted, {"predicted", "s or J", "the same by the fit"}},
      {&R::shares, {"shares", "1", "parts of measured; they sum to 1"}},
      {&R::separable, {"separable", "", "which shares rest on identified costs"}},
      {&R::ratio, {"ratio", "1", "measured, to f16"}},
      {&R::fitted_ratio, {"fitted_ratio", "1", "the same by the fit"}},
      {&R::verdict, kVerdict},
      {&R::deciding_term, kDecidingTerm},
      {&R::deciding_kind, kDecidingKind},
      {&R::counterfactuals, {"counterfactuals", "", "what would happen if"}},
      {&R::deciding_identified, {"deciding_identified", "", "the cost behind the deciding term is identified"}},
      {&R::deciding_share, {"deciding_share", "1", "what the deciding term adds to f16's fitted cost, over that cost"}},
      {&R::sentence, {"sentence", "", "the above in words"}},
  };
  return kTable;
}

std::span<const Field<Scaling>> table_of(std::type_identity<Scaling>) {
  using R = Scaling;
  static const auto kTable = join<R>(
      {place_rows<R>(),
       {{&R::hops, kHops}},
       scheme_rows<R>(),
       {
           {&R::reason, {"reason", "", "why there is no fit; null where there is one"}},
           {&R::per_layer, {"per_layer", "", "cost of a layer and step"}},
           {&R::per_param, {"per_param", "", "cost of a parameter and step"}},
           {&R::layer_share, {"layer_share", "1", "part of the prediction that goes with the layers, median"}},
           {&R::loo_mape, {"loo_mape", "1", "mean error of the cost of models left out in turn"}},
           {&R::loo_max, {"loo_max", "1", "largest of these errors"}},
           {&R::ratio_loo_mape, {"ratio_loo_mape", "1", "mean error of the ratio to f16 of models left out in turn"}},
           {&R::ratio_loo_max, {"ratio_loo_max", "1", "largest of these errors"}},
           {&R::ratio_baseline_mape,
            {"ratio_baseline_mape", "1", "the same of the mean ratio of the other models, in place of the fit"}},
           {&R::sizes_used, {"sizes_used", "parameters", "sizes that entered"}},
       }});
  return kTable;
}

std::span<const Field<VendorLeftOut>> table_of(std::type_identity<VendorLeftOut>) {
  using R = VendorLeftOut;
  static const Field<R> kTable[] = {
      {&R::vendor, {"vendor", "", "device.vendor"}},
      {&R::devices, {"devices", "", "its devices"}},
      {&R::law_error, {"law_error", "log ratio", "mean error of their log ratios by the others' law"}},
      {&R::constant_error, {"constant_error", "log ratio", "the same by the others' median ratio"}},
  };
  return kTable;
}

std::span<const Field<DeviceBalance>> table_of(std::type_identity<DeviceBalance>) {
  using R = DeviceBalance;
  static const auto kTable = join<R>(
      {{{&R::device_type, {"device_type", "", "kind of the devices"}}},
       place_rows<R>(),
       {{&R::hops, kHops}},
       scheme_rows<R>(),
       {
           {&R::reference, {"reference", "", "scheme of path none and no fewer bits that the ratio is to"}},
           {&R::basis, {"basis", "", "where the devices' rates come from"}},
           {&R::devices, {"devices", "", "devices that entered"}},
           {&R::vendors, {"vendors", "", "their vendors"}},
           {&R::flop_per_byte_least,
            {"flop_per_byte_least", "flop/byte", "least that one of them computes per byte it reads"}},
           {&R::flop_per_byte_most, {"flop_per_byte_most", "flop/byte", "most"}},
           {&R::median_ratio, {"median_ratio", "1", "median of the devices' ratios"}},
           {&R::median_ratio_low, {"median_ratio_low", "1", "lower end of its interval; null with too few devices"}},
           {&R::median_ratio_high, {"median_ratio_high", "1", "upper end of its interval"}},
           {&R::rank_correlation,
            {"rank_correlation", "1", "Spearman's, of ratio and flop per byte; null with too few devices"}},
           {&R::rank_correlation_low, {"rank_correlation_low", "1", "lower end of its interval"}},
           {&R::rank_correlation_high, {"rank_correlation_high", "1", "upper end of its interval"}},
           {&R::status, {"status", "", "whether there is a threshold; found: within what the devices have"}},
           {&R::threshold, {"threshold", "flop/byte", "below it the scheme costs more than the reference"}},
           {&R::low, {"low", "flop/byte", "lower end of the threshold's interval"}},
           {&R::high, {"high", "flop/byte", "upper end of the threshold's interval"}},
           {&R::floor_ratio, {"floor_ratio", "1", "ratio of devices with operations to spare; null without a law"}},
           {&R::floor_ratio_low, {"floor_ratio_low", "1", "lower end of its interval"}},
           {&R::floor_ratio_high, {"floor_ratio_high", "1", "upper end of its interval"}},
           {&R::cast_flop_per_byte,
            {"cast_flop_per_byte", "flop/byte",
             "over a device's flop per byte it is the ratio where operations are short; null without a law"}},
           {&R::cast_flop_per_byte_low, {"cast_flop_per_byte_low", "flop/byte", "lower end of its interval"}},
           {&R::cast_flop_per_byte_high, {"cast_flop_per_byte_high", "flop/byte", "upper end of its interval"}},
           {&R::law_error, {"law_error", "log ratio", "mean error of the law fitted to the other vendors"}},
           {&R::constant_error, {"constant_error", "log ratio", "the same of the other vendors' median ratio"}},
           {&R::vendors_left_out, {"vendors_left_out", "", "the same by vendor"}},
           {&R::confidence, {"confidence", "1", "of the intervals, which are over devices"}},
           {&R::reason, {"reason", "", "why there is no law, or no threshold; null with both"}},
       }});
  return kTable;
}

std::span<const Field<ParetoPoint>> table_of(std::type_identity<ParetoPoint>) {
  using R = ParetoPoint;
  static const Field<R> kTable[] = {
      {&R::scheme, kScheme},
      {&R::throughput_vs_f16, {"throughput_vs_f16", "1", "tokens/s over those of f16"}},
      {&R::frugality_vs_f16, {"frugality_vs_f16", "1", "energy per token of f16 over this one's"}},
      {&R::accuracy_vs_f16,
       {"accuracy_vs_f16", "1",
        "accuracy over that of f16, of a table that was given, else exp(-KL divergence) of losses in the files"}},
      {&R::dominated_by, {"dominated_by", "", "schemes at least as good in all shared criteria and better in one"}},
      {&R::qtrap_weighted_index, {"qtrap_weighted_index", "1", "the user's own index; null without weights"}},
  };
  return kTable;
}

std::span<const Field<ParetoCell>> table_of(std::type_identity<ParetoCell>) {
  using R = ParetoCell;
  static const Field<R> kTable[] = {
      {&R::device, kDevice}, {&R::cell, {"cell", "", "workload cell (model, B, H, T, C) that all schemes share"}},
      {&R::model, kModel},   {&R::batch, kBatch},
      {&R::phase, kPhase},   {&R::points, {"points", "", "its schemes, f16 first"}},
  };
  return kTable;
}

std::span<const Field<FitFile>> table_of(std::type_identity<FitFile>) {
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
      {&R::critical_scale_other,
       {"critical_scale_other", "", "N* by the method that was not chosen", {}, table::kMayMiss}},
      {&R::critical_batch_other,
       {"critical_batch_other", "", "B* by the method that was not chosen", {}, table::kMayMiss}},
      {&R::critical_hops_other,
       {"critical_hops_other", "", "H* by the method that was not chosen", {}, table::kMayMiss}},
      {&R::paper_view_summary,
       {"paper_view_summary", "", "how often TDP x time and measurement disagree", {}, table::kMayMiss}},
      {&R::seed, {"seed", "", "seed of the bootstrap", {}, table::kMayMiss}},
      {&R::devices, {"devices", "", "device.id of the devices that entered", {}, table::kMayMiss}},
      {&R::verdict_map,
       {"verdict_map", "", "ratio to f16 and verdict by cell, scheme and quantity", {}, table::kMayMiss}},
      {&R::net_energy_ratios,
       {"net_energy_ratios", "", "the same of net energy, gross less idle", {}, table::kMayMiss}},
      {&R::hop_slopes, {"hop_slopes", "", "how ratios go along the hops", {}, table::kMayMiss}},
      {&R::operation_bounds,
       {"operation_bounds", "", "from which batch schemes are bound by instructions", {}, table::kMayMiss}},
      {&R::attribution, {"attribution", "", "where time and energy of each point go", {}, table::kMayMiss}},
      {&R::scaling, {"scaling", "", "cost of a step by layers and parameters", {}, table::kMayMiss}},
      {&R::pareto, {"pareto", "", "which schemes are worth having", {}, table::kMayMiss}},
      {&R::device_balance,
       {"device_balance", "", "ratios against what devices compute per byte they read", {}, table::kMayMiss}},
  };
  return kTable;
}

}  // namespace qtrap::result
