#include "result/check_documents.hpp"

#include <fmt/format.h>

#include <cmath>

#include "result/check_values.hpp"
#include "result/file_fields.hpp"
#include "result/schema.hpp"
#include "result/schema_check.hpp"

namespace qtrap::result {
namespace {

// --- rules of one record: an overload each, the others have none ---------------------------------------------------

template <class R>
void check_rules(const R&, const Place&) {}

void check_rules(const Coefficient& one, const Place& place) {
  if (one.identified == one.value.has_value()) return;
  place.refuse("a coefficient has a value exactly when it is identified", one.name, "leave the value of others null");
}

void check_rules(const QuantityFit& fit, const Place& place) {
  if ((fit.status == FitStatus::kNoData) == fit.reason.has_value()) return;
  place.refuse("status and reason disagree", to_string(fit.status), "no_data comes with a reason, ok without");
}
void check_rules(const EnergyFit& fit, const Place& place) { check_rules(static_cast<const QuantityFit&>(fit), place); }

/// A crossing's value comes with `found` alone, its ends with what they bound.
template <class Critical>
void check_crossing(const Critical& one, const std::optional<double>& value, const Place& place) {
  const bool found = one.status == CriticalStatus::kFound;
  if (found != value.has_value())
    place.refuse("status and value disagree", to_string(one.status), "found comes with a value, others with null");
  if (one.low.has_value() != (found || one.status == CriticalStatus::kAbove) ||
      one.high.has_value() != (found || one.status == CriticalStatus::kBelow))
    place.refuse("status and interval disagree", to_string(one.status),
                 "found has both ends, above the lower, below the upper, others none");
  if constexpr (requires { one.direction; }) {
    if (one.direction && !one.low && !one.high)
      place.refuse("a direction stands without a crossing", to_string(*one.direction), "write null");
  }
}
void check_rules(const CriticalScale& one, const Place& place) { check_crossing(one, one.n_star, place); }
void check_rules(const CriticalBatch& one, const Place& place) { check_crossing(one, one.b_star, place); }
void check_rules(const CriticalHops& one, const Place& place) { check_crossing(one, one.h_star, place); }
template <Axis A>
void check_rules(const OtherCritical<A>& one, const Place& place) {
  check_crossing(one, one.value, place);
}
template <Axis A>
void check_rules(const ComparedCritical<A>& one, const Place& place) {
  check_crossing(one, one.value, place);
}

/// What a verdict rests on; the margin of no_effect is not in these files.
template <class Ratio>
void check_verdict(const Ratio& one, std::size_t sessions, const Place& place) {
  if (one.verdict == Verdict::kUndecided) return;
  if (one.interval_basis != Basis::kSessions || sessions < 2) {
    place.refuse("`verdict` decides without two sessions",
                 fmt::format("{} over {}", to_string(one.verdict), to_string(one.interval_basis)), "write undecided");
    return;
  }
  const bool holds = one.low && one.high &&
                     (one.verdict == Verdict::kTrap     ? *one.low > 1
                      : one.verdict == Verdict::kNoTrap ? *one.high < 1
                                                        : true);
  if (holds) return;
  place.refuse("`verdict` contradicts its interval",
               one.low && one.high ? fmt::format("{} with {} to {}", to_string(one.verdict), *one.low, *one.high)
                                   : fmt::format("{} without one", to_string(one.verdict)),
               "trap is an interval above 1, no_trap one below 1, else undecided or no_effect");
}
void check_rules(const VerdictEntry& one, const Place& place) {
  check_verdict(one, static_cast<std::size_t>(one.sessions), place);
}
void check_rules(const ComparedRatio& one, const Place& place) {
  check_verdict(one, one.by_session.size(), place);
  if (one.flagged && one.verdict != Verdict::kUndecided)
    place.refuse("`verdict` decides on flagged values", to_string(one.verdict), "write undecided");
}

template <class Point>
void check_deciding(const Point& one, const Place& place) {
  if (one.deciding_kind && !one.deciding_term)
    place.refuse("`deciding_kind` stands without a term", to_string(*one.deciding_kind),
                 "give `deciding_term` or null for both");
}
void check_rules(const Attribution& one, const Place& place) {
  check_deciding(one, place);
  double sum = 0;
  for (const Field<PartShares>& field : fields<PartShares>())
    sum += one.shares.**std::get_if<double PartShares::*>(&field.member);
  constexpr double kSlack = 1e-6;
  if (std::abs(sum - 1) > kSlack)
    place.refuse("the shares do not sum to 1", fmt::format("{}", sum), "`unexplained` is what the others leave");
}
void check_rules(const ComparedPoint& one, const Place& place) { check_deciding(one, place); }

void check_rules(const Scaling& one, const Place& place) {
  if (one.reason.has_value() == one.per_layer.has_value() || one.reason.has_value() == one.per_param.has_value())
    place.refuse("costs and reason disagree", one.reason.value_or("no reason"),
                 "give both costs, or null and the reason why");
}

void check_rules(const DeviceBalance& one, const Place& place) {
  check_crossing(one, one.threshold, place);
  check_values_in_intervals(one, place);
  if (one.vendors > one.devices)
    place.refuse("more vendors than devices", fmt::format("{} of {}", one.vendors, one.devices), "correct the counts");
}

void check_rules(const PaperSummary& one, const Place& place) {
  if (one.sign_disagreements > one.compared)
    place.refuse("more disagreements than points compared",
                 fmt::format("{} of {}", one.sign_disagreements, one.compared), "correct the counts");
}

void check_rules(const PlanFile& plan, const Place& place) {
  if (!plan.sessions_needed) return;
  for (const SessionForecast& one : plan.forecasts) {
    if (one.sessions == *plan.sessions_needed) return;
  }
  place.refuse("`sessions_needed` is not among the forecasts", std::to_string(*plan.sessions_needed),
               "give its forecast, or null");
}

/// Subjects are named by place and label alike.
template <class Entry>
void check_subjects(const std::vector<Entry>& entries, std::string_view key, const CompareFile& file,
                    const Place& place) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& one = entries[i];
    if (std::cmp_less(one.subject, file.subjects.size()) &&
        file.subjects[static_cast<std::size_t>(one.subject)].label == one.label)
      continue;
    place.key(fmt::format("{}[{}]", key, i))
        .refuse("`subject` and `label` name no subject of the file", fmt::format("{}, {}", one.subject, one.label),
                fmt::format("`subjects` has {}", file.subjects.size()));
    return;
  }
}
void check_rules(const CompareFile& file, const Place& place) {
  check_subjects(file.points, "points", file, place);
  check_subjects(file.hop_slopes, "hop_slopes", file, place);
  check_subjects(file.critical_scale, "critical_scale", file, place);
  check_subjects(file.critical_batch, "critical_batch", file, place);
  check_subjects(file.critical_hops, "critical_hops", file, place);
}

// --- every record of a file ----------------------------------------------------------------------------------------

template <table::HasFields R>
void walk(const R& record, const std::string& path, const Place& file);
template <class T>
void walk(const std::vector<T>& values, const std::string& path, const Place& file);
template <class T>
void walk(const T&, const std::string&, const Place&) {}  // values are looked at with their record
template <class T>
void walk(const std::optional<T>& value, const std::string& path, const Place& file) {
  if (value) walk(*value, path, file);
}
template <class T>
void walk(const std::vector<T>& values, const std::string& path, const Place& file) {
  for (std::size_t i = 0; i < values.size(); ++i) walk(values[i], fmt::format("{}[{}]", path, i), file);
}
template <table::HasFields R>
void walk(const R& record, const std::string& path, const Place& file) {
  const Place place = path.empty() ? file : file.key(path);
  check_written(record, place);
  check_rules(record, place);
  for (const Field<R>& field : fields<R>()) {
    const std::string there = path.empty() ? std::string(field.key.name) : fmt::format("{}.{}", path, field.key.name);
    std::visit([&](auto member) { walk(record.*member, there, file); }, field.member);
  }
}

/// `parsed`, of this text by its table, once schema and rules find nothing, in this order.
template <class R>
Result<R> check_document(Result<R> parsed, std::string_view text, std::string_view name, const std::string& schema) {
  if (!parsed) return parsed.error();
  if (auto violation = SchemaCheck(nlohmann::json::parse(schema)).find_violation(nlohmann::json::parse(text))) {
    violation->what = fmt::format("{}: {}", name, violation->what);
    return *violation;
  }
  Problem problem;
  walk(parsed.value(), "", Place(std::string(name), problem));
  if (problem.found()) return problem.error();
  return parsed;
}

}  // namespace

Result<CheckReport> check_fit(std::string_view text, std::string_view name) {
  const auto parsed = check_document(parse_fit(text, name), text, name, make_fit_schema());
  if (!parsed) return parsed.error();
  const FitFile& fit = parsed.value();
  return CheckReport{fit.schema,
                     fmt::format("fit {}: {} sessions, time {}, energy {}, {} critical scales, {} critical "
                                 "batches",
                                 fit.schema_version, fit.sessions.size(), to_string(fit.time.status),
                                 to_string(fit.energy.status), fit.critical_scale.size(), fit.critical_batch.size())};
}

Result<CheckReport> check_compare(std::string_view text, std::string_view name) {
  const auto parsed = check_document(table::parse_document<CompareFile>(text, name, kCompareVersion), text, name,
                                     make_compare_schema());
  if (!parsed) return parsed.error();
  const CompareFile& file = parsed.value();
  return CheckReport{file.schema, fmt::format("compare {}: {} subjects, {} points, {} critical scales, {} critical "
                                              "batches",
                                              file.schema_version, file.subjects.size(), file.points.size(),
                                              file.critical_scale.size(), file.critical_batch.size())};
}

Result<CheckReport> check_plan(std::string_view text, std::string_view name) {
  const auto parsed =
      check_document(table::parse_document<PlanFile>(text, name, kPlanVersion), text, name, make_plan_schema());
  if (!parsed) return parsed.error();
  const PlanFile& plan = parsed.value();
  return CheckReport{plan.schema, fmt::format("plan {} of campaign {}, {} forecasts", plan.schema_version,
                                              plan.campaign, plan.forecasts.size())};
}

}  // namespace qtrap::result
