// The field tables of the files that are made from result files: fit, compare and plan.
#pragma once

#include "result/compare_file.hpp"
#include "result/fields.hpp"
#include "result/fit_file.hpp"
#include "result/plan_file.hpp"

namespace qtrap::result {

std::variant<Form, std::vector<Coefficient>> special_types(std::type_identity<FormFit>);
std::variant<FitStatus, std::optional<Form>, std::optional<IntervalBasis>, std::vector<Coefficient>,
             std::map<std::string, double>, std::vector<FormFit>>
    special_types(std::type_identity<QuantityFit>);
std::variant<FitStatus, std::optional<Form>, std::optional<IntervalBasis>, std::vector<Coefficient>,
             std::map<std::string, double>, std::vector<FormFit>>
    special_types(std::type_identity<EnergyFit>);
std::variant<Phase, Quantity, CriticalStatus, std::optional<CriticalMethod>, std::optional<IntervalBasis>,
             std::optional<Direction>>
    special_types(std::type_identity<CriticalScale>);
std::variant<Phase, Quantity, CriticalStatus, std::optional<CriticalMethod>, std::optional<IntervalBasis>,
             std::optional<Direction>>
    special_types(std::type_identity<CriticalBatch>);
std::variant<Phase, Quantity, CriticalStatus, std::optional<CriticalMethod>, std::optional<IntervalBasis>,
             std::optional<Direction>>
    special_types(std::type_identity<CriticalHops>);
std::variant<Phase, Quantity, Basis, Verdict> special_types(std::type_identity<VerdictEntry>);
std::variant<Phase, Quantity> special_types(std::type_identity<HopSlope>);
std::variant<Phase> special_types(std::type_identity<OperationBound>);
std::variant<Phase> special_types(std::type_identity<PaperView>);
std::variant<std::optional<IntervalValue>> special_types(std::type_identity<Counterfactual>);
std::variant<Phase, Quantity, PointBasis, Verdict, std::optional<DecidingKind>, PartShares, SeparableParts,
             std::optional<IntervalValue>, std::vector<Counterfactual>>
    special_types(std::type_identity<Attribution>);
std::variant<Phase, Quantity, std::optional<Coefficient>> special_types(std::type_identity<Scaling>);
std::variant<DeviceType, Phase, Quantity, RateBasis, CriticalStatus, std::vector<VendorLeftOut>> special_types(
    std::type_identity<DeviceBalance>);
std::variant<Phase, std::vector<ParetoPoint>> special_types(std::type_identity<ParetoCell>);
std::variant<QuantityFit, EnergyFit, std::vector<CriticalScale>, std::vector<CriticalBatch>,
             std::optional<std::vector<CriticalHops>>, std::vector<PaperView>,
             std::vector<OtherCritical<Axis::kParams>>, std::vector<OtherCritical<Axis::kBatch>>,
             std::vector<OtherCritical<Axis::kHops>>, PaperSummary, std::vector<VerdictEntry>, std::vector<HopSlope>,
             std::vector<OperationBound>, std::vector<Attribution>, std::vector<Scaling>, std::vector<ParetoCell>,
             std::vector<DeviceBalance>>
    special_types(std::type_identity<FitFile>);
template <Axis A>
std::variant<Phase, Quantity, CriticalStatus, CriticalMethod, IntervalBasis, std::optional<Direction>> special_types(
    std::type_identity<OtherCritical<A>>);

std::span<const Field<Coefficient>> table_of(std::type_identity<Coefficient>);
std::span<const Field<FormFit>> table_of(std::type_identity<FormFit>);
std::span<const Field<QuantityFit>> table_of(std::type_identity<QuantityFit>);
std::span<const Field<EnergyFit>> table_of(std::type_identity<EnergyFit>);
std::span<const Field<CriticalScale>> table_of(std::type_identity<CriticalScale>);
std::span<const Field<CriticalBatch>> table_of(std::type_identity<CriticalBatch>);
std::span<const Field<CriticalHops>> table_of(std::type_identity<CriticalHops>);
std::span<const Field<PaperView>> table_of(std::type_identity<PaperView>);
std::span<const Field<PaperSummary>> table_of(std::type_identity<PaperSummary>);
std::span<const Field<VerdictEntry>> table_of(std::type_identity<VerdictEntry>);
std::span<const Field<HopSlope>> table_of(std::type_identity<HopSlope>);
std::span<const Field<OperationBound>> table_of(std::type_identity<OperationBound>);
std::span<const Field<IntervalValue>> table_of(std::type_identity<IntervalValue>);
std::span<const Field<PartShares>> table_of(std::type_identity<PartShares>);
std::span<const Field<SeparableParts>> table_of(std::type_identity<SeparableParts>);
std::span<const Field<Counterfactual>> table_of(std::type_identity<Counterfactual>);
std::span<const Field<Attribution>> table_of(std::type_identity<Attribution>);
std::span<const Field<Scaling>> table_of(std::type_identity<Scaling>);
std::span<const Field<VendorLeftOut>> table_of(std::type_identity<VendorLeftOut>);
std::span<const Field<DeviceBalance>> table_of(std::type_identity<DeviceBalance>);
std::span<const Field<ParetoPoint>> table_of(std::type_identity<ParetoPoint>);
std::span<const Field<ParetoCell>> table_of(std::type_identity<ParetoCell>);
std::span<const Field<FitFile>> table_of(std::type_identity<FitFile>);
template <Axis A>
std::span<const Field<OtherCritical<A>>> table_of(std::type_identity<OtherCritical<A>>);

std::variant<Basis, Verdict> special_types(std::type_identity<ComparedRatio>);
std::variant<Origin> special_types(std::type_identity<ComparedSubject>);
std::variant<Phase, KernelPath, std::optional<DecidingKind>, std::optional<ComparedRatio>> special_types(
    std::type_identity<ComparedPoint>);
std::variant<Phase, Quantity> special_types(std::type_identity<ComparedSlope>);
std::variant<Workload, std::vector<ComparedSubject>, std::vector<ComparedPoint>, std::vector<ComparedSlope>,
             std::vector<ComparedCritical<Axis::kParams>>, std::vector<ComparedCritical<Axis::kBatch>>,
             std::vector<ComparedCritical<Axis::kHops>>>
    special_types(std::type_identity<CompareFile>);
template <Axis A>
std::variant<Phase, Quantity, CriticalStatus, CriticalMethod, IntervalBasis> special_types(
    std::type_identity<ComparedCritical<A>>);

std::span<const Field<ComparedSubject>> table_of(std::type_identity<ComparedSubject>);
std::span<const Field<ComparedRatio>> table_of(std::type_identity<ComparedRatio>);
std::span<const Field<ComparedPoint>> table_of(std::type_identity<ComparedPoint>);
std::span<const Field<ComparedSlope>> table_of(std::type_identity<ComparedSlope>);
std::span<const Field<CompareFile>> table_of(std::type_identity<CompareFile>);
template <Axis A>
std::span<const Field<ComparedCritical<A>>> table_of(std::type_identity<ComparedCritical<A>>);

std::variant<SpreadSource, std::vector<SessionForecast>> special_types(std::type_identity<PlanFile>);

std::span<const Field<SessionForecast>> table_of(std::type_identity<SessionForecast>);
std::span<const Field<PlanFile>> table_of(std::type_identity<PlanFile>);

}  // namespace qtrap::result
