// The device's balance, the flop that its vector units do while it reads a byte, against ratios of times: over the
// devices of several files or of one imported table, the law of balance_law.hpp for each scheme, cell and kind of
// device.
//
// Ratios are to every scheme of the cell that casts nothing (path none) and has no fewer bits than the scheme: f16 for
// all that quantize, f32 beside it where it was measured. The one judge pairs and pools them.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "fit/balance/balance_law.hpp"
#include "fit/row.hpp"
#include "result/result_file.hpp"

namespace qtrap::fit {

/// One device.
struct DeviceRates {
  std::string vendor;
  DeviceType type = DeviceType::kGpu;
  result::RateBasis basis = result::RateBasis::kMeasured;
  double flop_per_byte = 0;  ///< > 0
};

/// By device.id.
using Balances = std::map<std::string, DeviceRates>;

/// What the devices of all files (device.id) compute per byte they read: median over their sessions of the ceilings
/// measured there, else of the maker's. Devices of which neither is known are left out.
Balances balances_from_results(std::span<const result::ResultFile> files);

/// The law of one scheme and reference over the devices of one type and basis.
struct Balance {
  DeviceType device_type = DeviceType::kGpu;
  result::RateBasis basis = result::RateBasis::kMeasured;
  judge::CellKey cell;  ///< device is empty
  std::string scheme, reference;
  BalanceLaw law;
};

/// One per group of two devices at least, those with a law or not: measured ratios of time, unflagged and paired with
/// their own table's reference.
std::vector<Balance> fit_balances(std::span<const Row> rows, const Balances& balances, const BalanceOptions& options);

}  // namespace qtrap::fit
