#include "report/fit_json.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "report/verdict_text.hpp"

namespace qtrap::report {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json to_json(const std::optional<Interval>& value) {
  if (!value) return {};
  return {{"value", value->value}, {"low", value->low}, {"high", value->high}};
}

Json to_json(const fit::Coefficient& one) {
  return {{"name", one.name},
          {"unit", one.unit},
          {"value", to_json(one.value)},
          {"low", to_json(one.low)},
          {"high", to_json(one.high)},
          {"identified", one.identified},
          {"vif", to_json(one.vif)},
          {"reason", one.reason.empty() ? Json() : Json(one.reason)}};
}

Json to_json(const fit::FormFit& form) {
  Json coefficients = Json::array();
  for (const fit::Coefficient& one : form.coefficients) coefficients.push_back(to_json(one));
  return {{"form", to_string(form.form)},
          {"rank", form.rank},
          {"condition_number", to_json(form.condition_number)},
          {"r2", form.r2},
          {"loo_mape", to_json(form.loo_mape)},
          {"loo_mape_session", to_json(form.loo_mape_session)},
          {"aicc", to_json(form.aicc)},
          {"aicc_without_casts", to_json(form.aicc_without_casts)},
          {"coefficients", std::move(coefficients)}};
}

/// Adds what the contract's object of one quantity does not hold.
void extend_quantity(const fit::Decomposition& fit, Json& json) {
  if (!fit.ok()) return;
  for (std::size_t i = 0; i < fit.best().coefficients.size(); ++i) {
    json["coefficients"][i] = to_json(fit.best().coefficients[i]);
  }
  json["configurations"] = fit.configurations;
  json["sessions"] = fit.sessions;
  json["confidence"] = fit.confidence;
  json["interval_basis"] = fit.interval_basis;
  json["choice"] = fit.choice;
  json["forms"] = Json::array();
  for (const fit::FormFit& form : fit.forms) json["forms"].push_back(to_json(form));
  if (fit.quantity != fit::Quantity::kEnergy) return;
  json["static_power_w"] = fit.static_power->value_w;
  json["static_power_sd_w"] = std::sqrt(fit.static_power->variance_w2);
  json["sensor_gain_error"] = to_json(fit.sensor_gain_error);
}

Json describe_crossing(const fit::Critical& one) {
  const fit::Crossing& crossing = one.crossing;
  return {{"reason", crossing.reason.empty() ? Json() : Json(crossing.reason)},
          {"direction", crossing.low || crossing.high ? Json(crossing.dissolves ? "dissolves" : "sets_in") : Json()},
          {"interval_basis", one.interval_basis}};
}

/// What two points of different cells are told apart by.
Json cell_keys(const judge::CellKey& cell) {
  return {{"device", cell.device},
          {"model", cell.model},
          {"params", cell.params},
          {"batch", cell.batch},
          {"hops", cell.hops},
          {"tokens_per_hop", cell.tokens},
          {"context_tokens", cell.context},
          {"model_family", cell.family.empty() ? Json() : Json(cell.family)}};
}

/// Keys of what the axis leaves open.
std::vector<const char*> absent_keys(fit::Axis axis) {
  if (axis == fit::Axis::kParams) return {"model", "params"};
  return {axis == fit::Axis::kBatch ? "batch" : "hops"};
}

Json to_json(const fit::Critical& one) {
  Json json = cell_keys(one.cell);
  for (const char* key : absent_keys(one.axis)) json.erase(key);
  json.update({{"scheme", one.scheme},
               {"quantity", to_string(one.quantity)},
               {"status", to_string(one.crossing.status)},
               {kAxisNames[static_cast<std::size_t>(one.axis)].value, to_json(one.crossing.value)},
               {"low", to_json(one.crossing.low)},
               {"high", to_json(one.crossing.high)},
               {"method", to_string(one.method)},
               {"sizes_used", one.sizes_used}});
  json.update(describe_crossing(one));
  return json;
}

std::vector<const fit::Critical*> on_axis(const std::vector<fit::Critical>& entries, fit::Axis axis) {
  std::vector<const fit::Critical*> own;
  for (const fit::Critical& one : entries) {
    if (one.axis == axis) own.push_back(&one);
  }
  return own;
}

Json list_verdicts(const std::vector<fit::Ratio>& ratios) {
  Json json = Json::array();
  for (const fit::Ratio& one : ratios) {
    const auto detectable = judge::find_detectable(one);
    Json entry = cell_keys(one.cell);
    entry.update({{"scheme", one.scheme},
                  {"quantity", to_string(one.quantity)},
                  {"ratio", std::exp(one.log_ratio)},
                  {"low", one.interval ? Json(std::exp(one.interval->low)) : Json()},
                  {"high", one.interval ? Json(std::exp(one.interval->high)) : Json()},
                  {"interval_basis", to_string(one.basis)},
                  {"degrees_of_freedom", one.interval ? Json(one.degrees_of_freedom) : Json()},
                  {"p_value", to_json(one.p_value)},
                  {"detectable", detectable ? Json(std::exp(*detectable)) : Json()},
                  {"sessions", one.session_logs.size()},
                  {"sessions_without_anchor", one.unpaired},
                  {"verdict", to_string(one.verdict)}});
    json.push_back(std::move(entry));
  }
  return json;
}

Json list_hop_slopes(const std::vector<fit::HopSlope>& slopes) {
  Json json = Json::array();
  for (const fit::HopSlope& one : slopes) {
    Json entry = cell_keys(one.cell);
    entry["hops"] = one.hops;
    entry.update({{"scheme", one.scheme},
                  {"quantity", to_string(one.quantity)},
                  {"ratio_per_doubling", std::exp(one.slope)},
                  {"low", one.interval ? Json(std::exp(one.interval->low)) : Json()},
                  {"high", one.interval ? Json(std::exp(one.interval->high)) : Json()},
                  {"degrees_of_freedom", one.interval ? Json(one.degrees_of_freedom) : Json()},
                  {"sessions", one.session_slopes.size()}});
    json.push_back(std::move(entry));
  }
  return json;
}

Json to_json(const fit::Attribution& point) {
  Json shares = Json::object();
  Json separable = Json::object();
  for (std::size_t i = 0; i < fit::kPartCount; ++i) {
    const char* name = to_string(static_cast<fit::Part>(i));
    shares[name] = point.shares[i];
    separable[name] = static_cast<bool>(point.separable[i]);
  }
  shares["unexplained"] = point.unexplained;
  Json counterfactuals = Json::array();
  for (const fit::Counterfactual& one : point.counterfactuals) {
    counterfactuals.push_back({{"name", one.name}, {"predicted", one.predicted}, {"ratio", to_json(one.ratio)}});
  }
  return {{"point_id", point.point_id},
          {"scheme", point.scheme},
          {"model", point.model},
          {"params", point.params},
          {"batch", point.batch},
          {"steps", point.steps},
          {"hops", point.hops},
          {"tokens_per_hop", point.tokens},
          {"context_tokens", point.context},
          {"quantity", to_string(point.quantity)},
          {"basis", "fitted"},
          {"measured", point.measured},
          {"predicted", point.predicted},
          {"shares", std::move(shares)},
          {"separable", std::move(separable)},
          {"ratio", to_json(point.ratio)},
          {"fitted_ratio", to_json(point.fitted_ratio)},
          {"verdict", to_string(point.verdict)},
          {"deciding_term", point.deciding_term.empty() ? Json() : Json(point.deciding_term)},
          {"deciding_kind", point.deciding_kind.empty() ? Json() : Json(point.deciding_kind)},
          {"counterfactuals", std::move(counterfactuals)},
          {"deciding_identified", point.deciding_identified},
          {"sentence", point.sentence}};
}

Json list_scaling(const std::vector<fit::Scaling>& all) {
  const auto mean = [](const std::optional<fit::LeftOut>& one) { return one ? Json(one->mean) : Json(); };
  const auto largest = [](const std::optional<fit::LeftOut>& one) { return one ? Json(one->largest) : Json(); };
  Json json = Json::array();
  for (const fit::Scaling& one : all) {
    const bool fitted = one.reason.empty();
    Json entry = cell_keys(one.cell);
    for (const char* key : {"model", "params"}) entry.erase(key);
    entry.update({{"scheme", one.scheme},
                  {"quantity", to_string(one.quantity)},
                  {"reason", fitted ? Json() : Json(one.reason)},
                  {"per_layer", fitted ? to_json(one.per_layer) : Json()},
                  {"per_param", fitted ? to_json(one.per_param) : Json()},
                  {"layer_share", fitted ? Json(one.layer_share) : Json()},
                  {"loo_mape", mean(one.loo)},
                  {"loo_max", largest(one.loo)},
                  {"ratio_loo_mape", mean(one.ratio)},
                  {"ratio_loo_max", largest(one.ratio)},
                  {"ratio_baseline_mape", to_json(one.baseline)},
                  {"sizes_used", one.sizes_used}});
    json.push_back(std::move(entry));
  }
  return json;
}

Json list_pareto(const std::vector<fit::ParetoCell>& cells) {
  Json json = Json::array();
  for (const fit::ParetoCell& cell : cells) {
    Json points = Json::array();
    for (const fit::ParetoPoint& one : cell.points) {
      points.push_back({{"scheme", one.scheme},
                        {"throughput_vs_f16", one.throughput},
                        {"frugality_vs_f16", to_json(one.frugality)},
                        {"accuracy_vs_f16", to_json(one.accuracy)},
                        {"dominated_by", one.dominated_by},
                        {"qtrap_weighted_index", to_json(one.weighted_index)}});
    }
    json.push_back({{"device", cell.device},
                    {"cell", cell.cell},
                    {"model", cell.model},
                    {"batch", cell.batch},
                    {"points", std::move(points)}});
  }
  return json;
}

void extend_paper_view(const fit::PaperView& view, Json& json) {
  std::size_t row = 0;
  for (const fit::PaperPoint& one : view.points) {
    if (!one.energy_tdp_j) continue;
    json["paper_view"][row]["cor_operational"] = to_json(one.cor_operational);
    json["paper_view"][row]["cor_phase"] = to_json(one.cor_phase);
    ++row;
  }
  json["paper_view_summary"] = {{"compared", view.compared}, {"sign_disagreements", view.disagreements}};
}

bool is_finite(const Json& json) {
  if (json.is_number_float()) return std::isfinite(json.get<double>());
  if (!json.is_structured()) return true;
  for (const Json& part : json) {
    if (!is_finite(part)) return false;
  }
  return true;
}

}  // namespace

Result<std::string> to_fit_json(const fit::FitReport& report) {
  const auto contract = result::to_fit_json(to_fit_file(report));
  if (!contract) return contract.error();
  Json json = Json::parse(contract.value());
  extend_quantity(report.time, json["time"]);
  extend_quantity(report.energy, json["energy"]);
  for (const AxisName& axis : kAxisNames) {
    const auto entries = on_axis(report.critical, axis.axis);
    for (std::size_t i = 0; i < entries.size(); ++i) json[axis.key][i].update(describe_crossing(*entries[i]));
    Json& other = json[std::string(axis.key) + "_other"] = Json::array();
    for (const fit::Critical* one : on_axis(report.critical_other, axis.axis)) other.push_back(to_json(*one));
  }
  extend_paper_view(report.paper_view, json);
  json["seed"] = report.seed;
  json["devices"] = report.devices;
  json["verdict_map"] = list_verdicts(report.ratios);
  json["net_energy_ratios"] = list_verdicts(report.net_ratios);
  json["hop_slopes"] = list_hop_slopes(report.hop_slopes);
  json["attribution"] = Json::array();
  for (const fit::Attribution& point : report.attribution) json["attribution"].push_back(to_json(point));
  json["scaling"] = list_scaling(report.scaling);
  json["pareto"] = list_pareto(report.pareto);
  if (!is_finite(json)) {
    return runtime_error("the fit gave a number that is not finite", "fit file", "report this with the result files");
  }
  return json.dump(2) + "\n";
}

}  // namespace qtrap::report
