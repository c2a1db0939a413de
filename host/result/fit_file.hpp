// The fit file (`qtrap.fit`): one JSON object with the decompositions of time and energy and the critical sizes. Plain
// structs whose members are the JSON keys; meanings and units stand in the field tables (fields.hpp). `fit` fills them,
// this layer writes and reads them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace qtrap::result {

/// One coefficient of a decomposition; value and interval are absent where it is not identified.
struct Coefficient {
  std::string name;
  std::string unit;
  std::optional<double> value;
  std::optional<double> low;
  std::optional<double> high;
  bool identified = false;
  std::optional<double> vif;
  bool operator==(const Coefficient&) const = default;
};

/// The decomposition of one quantity, or why there is none.
struct QuantityFit {
  std::string status = "no_data";
  std::optional<std::string> reason;
  std::optional<std::string> form;
  std::vector<Coefficient> coefficients;
  std::optional<std::int64_t> rows;
  std::optional<std::int64_t> rank;
  std::optional<double> condition_number;
  std::optional<double> r2;
  std::optional<double> loo_mape;
  std::optional<double> loo_mape_session;
  std::map<std::string, double> residual_by_scheme;
  bool operator==(const QuantityFit&) const = default;
};

/// Model size at which the ratio to the anchor crosses 1.
struct CriticalScale {
  std::string device;
  std::string scheme;
  std::optional<std::string> model_family;
  std::int64_t batch = 1;
  std::optional<std::int64_t> hops;
  std::optional<std::int64_t> tokens_per_hop;
  std::optional<std::int64_t> context_tokens;
  std::string quantity = "time";
  std::string status = "not_identified";
  std::optional<double> n_star;
  std::optional<double> low;
  std::optional<double> high;
  std::optional<std::string> method;
  std::vector<double> sizes_used;
  std::optional<double> paper_printed;
  std::optional<double> paper_rederived;
  bool operator==(const CriticalScale&) const = default;
};

/// Batch at which the ratio to the anchor crosses 1.
struct CriticalBatch {
  std::string device;
  std::string scheme;
  std::string model;
  std::optional<std::int64_t> hops;
  std::optional<std::int64_t> tokens_per_hop;
  std::optional<std::int64_t> context_tokens;
  std::string quantity = "time";
  std::string status = "not_identified";
  std::optional<double> b_star;
  std::optional<double> low;
  std::optional<double> high;
  std::optional<std::string> method;
  std::vector<double> sizes_used;
  std::optional<double> paper_printed;
  std::optional<double> paper_rederived;
  bool operator==(const CriticalBatch&) const = default;
};

/// Hops of a chain at which the ratio to the anchor crosses 1.
struct CriticalHops {
  std::string device;
  std::string scheme;
  std::string model;
  std::int64_t batch = 1;
  std::int64_t tokens_per_hop = 1;
  std::int64_t context_tokens = 0;
  std::string quantity = "time";
  std::string status = "not_identified";
  std::optional<double> h_star;
  std::optional<double> low;
  std::optional<double> high;
  std::optional<std::string> method;
  std::vector<double> sizes_used;
  bool operator==(const CriticalHops&) const = default;
};

/// The paper's TDP x time energy of a point beside the measured one.
struct PaperView {
  std::string point_id;
  std::string device;
  std::string model;
  std::string scheme;
  std::int64_t batch = 1;
  double energy_tdp_j = 0;
  double energy_gross_j = 0;
  std::optional<double> energy_ratio_tdp;
  std::optional<double> energy_ratio;
  bool operator==(const PaperView&) const = default;
};

struct FitFile {
  std::string schema = "qtrap.fit";
  std::string schema_version = "1.1";
  std::vector<std::string> sessions;
  QuantityFit time;
  QuantityFit energy;
  std::vector<CriticalScale> critical_scale;
  std::vector<CriticalBatch> critical_batch;
  std::optional<std::vector<CriticalHops>> critical_hops;  ///< absent before version 1.1
  std::vector<PaperView> paper_view;
  bool operator==(const FitFile&) const = default;
};

/// The file's text, indented, "\n" at the end. kRuntime errors as in to_json_line().
Result<std::string> to_fit_json(const FitFile& fit);

/// Parses a fit file; `name` is quoted in errors. kUsage errors as in parse_line().
Result<FitFile> parse_fit(std::string_view text, std::string_view name);

}  // namespace qtrap::result
