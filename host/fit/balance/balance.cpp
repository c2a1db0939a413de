#include "fit/balance/balance.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "core/statistics.hpp"
#include "fit/ratios.hpp"

namespace qtrap::fit {
namespace {

constexpr double kFlopPerMac = 2;  // a product and a sum

/// What a scheme is, as far as a reference must be.
struct SchemeForm {
  double weight_bits = 0;
  KernelPath path = KernelPath::kNone;
};

std::map<std::string, SchemeForm> list_schemes(std::span<const Row> rows) {
  std::map<std::string, SchemeForm> schemes;
  for (const Row& row : rows) {
    const Workload& work = row.workload;
    if (!work.scheme.empty()) schemes[work.scheme] = {work.weight_bits, work.path};
  }
  return schemes;
}

using Key = std::tuple<DeviceType, result::RateBasis, judge::CellKey, std::string>;

/// Devices of each group; a device has one ratio in it.
std::map<Key, std::vector<DeviceRatio>> collect(const std::vector<Ratio>& ratios, const Balances& balances,
                                                const std::map<std::string, SchemeForm>& schemes,
                                                const SchemeForm& reference) {
  std::map<Key, std::vector<DeviceRatio>> groups;
  for (const Ratio& ratio : ratios) {
    const auto rates = balances.find(ratio.cell.device);
    if (rates == balances.end() || ratio.flagged || ratio.basis == judge::Basis::kUnpaired) continue;
    if (schemes.at(ratio.scheme).weight_bits > reference.weight_bits) continue;
    judge::CellKey cell = ratio.cell;
    cell.device.clear();
    const DeviceRates& device = rates->second;
    groups[{device.type, device.basis, std::move(cell), ratio.scheme}].push_back(
        {std::log(device.flop_per_byte), ratio.log_ratio, device.vendor});
  }
  return groups;
}

}  // namespace

Balances balances_from_results(std::span<const result::ResultFile> files) {
  std::map<std::string, std::map<result::RateBasis, std::vector<double>>> found;
  Balances balances;
  for (const result::ResultFile& file : files) {
    for (const result::SessionRecord& session : file.sessions) {
      const result::Ceilings& known = session.ceilings;
      auto& by_basis = found[session.device.id];
      const auto add = [&by_basis](result::RateBasis basis, const auto& macs_per_s, const auto& bytes_per_s) {
        if (macs_per_s && bytes_per_s) by_basis[basis].push_back(kFlopPerMac * *macs_per_s / *bytes_per_s);
      };
      add(result::RateBasis::kMeasured, known.fp32_macs_per_s, known.read_bytes_per_s);
      add(result::RateBasis::kNominal, known.fp32_macs_per_s_nominal, known.read_bytes_per_s_nominal);
      if (by_basis.empty()) continue;
      const auto& [basis, values] = *by_basis.begin();
      balances[session.device.id] = {session.device.vendor, session.device.type.value_or(DeviceType::kOther), basis,
                                     compute_median(values)};
    }
  }
  return balances;
}

std::vector<Balance> fit_balances(std::span<const Row> rows, const Balances& balances, const BalanceOptions& options) {
  if (balances.size() < 2) return {};
  const std::map<std::string, SchemeForm> schemes = list_schemes(rows);
  std::vector<Balance> all;
  for (const auto& [name, form] : schemes) {
    if (form.path != KernelPath::kNone) continue;
    judge::Options judging;
    judging.anchor = name;
    const std::vector<Ratio> ratios = compute_ratios(rows, Quantity::kTime, judging);
    for (auto& [key, devices] : collect(ratios, balances, schemes, form)) {
      if (devices.size() < 2) continue;
      Balance& one = all.emplace_back();
      std::tie(one.device_type, one.basis, one.cell, one.scheme) = key;
      one.reference = name;
      one.law = fit_balance_law(devices, options);
    }
  }
  const auto order = [](const Balance& one) { return std::tie(one.scheme, one.reference, one.device_type); };
  std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
  return all;
}

}  // namespace qtrap::fit
