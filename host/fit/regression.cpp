#include "fit/regression.hpp"

#include <Eigen/QR>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>

#include "core/statistics.hpp"
#include "fit/nnls.hpp"

namespace qtrap::fit {
namespace {

using Index = Eigen::Index;

constexpr double kHuber = 1.345;          // 95 % efficiency on normal errors
constexpr double kScaleFloor = 0.005;     // half a percent is never an outlier, however well the others fit
constexpr double kNormalPerMad = 1.4826;  // standard deviation of a normal over its median absolute deviation
constexpr int kReweightings = 30;
constexpr int kReassignments = 30;
constexpr double kMacsPerByteOfNoMemory = 1e4;  // no memory bounds such a window: an H100 does 150 per byte
constexpr double kSameColumn = 1e-9;            // singular values below this share of the largest: exact dependence
constexpr double kPartOfDependence = 1e-4;      // smallest component that puts a column into a dependence

double weight_of(const Observation& seen, double predicted) {
  // Bounded: a prediction far off would otherwise decide the fit through its own weight.
  const double known = seen.magnitude - seen.response;
  const double magnitude = std::clamp(known + predicted, 0.5 * seen.magnitude, 2 * seen.magnitude);
  return 1 / (magnitude * magnitude);
}

Eigen::MatrixXd make_linear(const Problem& problem, const std::vector<bool>& memory_bound) {
  Eigen::MatrixXd x(static_cast<Index>(problem.observations.size()), problem.counts->cols());
  for (Index i = 0; i < x.rows(); ++i) {
    const std::size_t c = problem.observations[static_cast<std::size_t>(i)].configuration;
    x.row(i) = problem.counts->row(static_cast<Index>(c));
    if (problem.form == Form::kAdditive) continue;
    const TermKind smaller = memory_bound[c] ? TermKind::kMacs : TermKind::kBytes;
    for (Index j = 0; j < x.cols(); ++j) {
      if ((*problem.terms)[static_cast<std::size_t>(j)].kind == smaller) x(i, j) = 0;
    }
  }
  return x;
}

/// Huber's weights of residuals relative to the prediction.
Eigen::VectorXd compute_huber(const Eigen::VectorXd& relative, double degrees_lost) {
  std::vector<double> sizes(static_cast<std::size_t>(relative.size()));
  for (Index i = 0; i < relative.size(); ++i) sizes[static_cast<std::size_t>(i)] = std::abs(relative[i]);
  const double n = static_cast<double>(sizes.size());
  const double spread = kNormalPerMad * compute_median(sizes) * std::sqrt(n / std::max(1.0, n - degrees_lost));
  const double limit = kHuber * std::max(spread, kScaleFloor);
  return relative.unaryExpr([limit](double r) { return std::abs(r) <= limit ? 1.0 : limit / std::abs(r); });
}

/// Iterated weights on one linear model.
void fit_linear(const Problem& problem, const Eigen::MatrixXd& x, Regression& fit) {
  const Index n = x.rows();
  Eigen::VectorXd y(n);
  fit.weights.resize(n);
  for (Index i = 0; i < n; ++i) {
    const Observation& seen = problem.observations[static_cast<std::size_t>(i)];
    y[i] = seen.response;
    fit.weights[i] = 1 / (seen.magnitude * seen.magnitude);
  }
  for (int round = 0; round < kReweightings; ++round) {
    const Eigen::VectorXd root = fit.weights.cwiseSqrt();
    const Eigen::VectorXd before = fit.beta;
    fit.beta = solve_nnls(root.asDiagonal() * x, root.cwiseProduct(y)).x;
    if (before.size() == fit.beta.size() && (x * (fit.beta - before)).norm() <= 1e-9 * (x * fit.beta).norm()) break;
    const Eigen::VectorXd predicted = x * fit.beta;
    for (Index i = 0; i < n; ++i) {
      fit.weights[i] = weight_of(problem.observations[static_cast<std::size_t>(i)], predicted[i]);
    }
    if (!problem.robust) continue;
    const Eigen::VectorXd relative = (y - predicted).cwiseProduct(fit.weights.cwiseSqrt());
    fit.weights.array() *= compute_huber(relative, static_cast<double>((fit.beta.array() > 0).count())).array();
  }
}

double side(const Problem& problem, const Eigen::VectorXd& beta, std::size_t configuration, TermKind kind) {
  double sum = 0;
  for (std::size_t j = 0; j < problem.terms->size(); ++j) {
    if ((*problem.terms)[j].kind != kind) continue;
    sum += beta[static_cast<Index>(j)] * (*problem.counts)(static_cast<Index>(configuration), static_cast<Index>(j));
  }
  return sum;
}

double compute_objective(const Problem& problem, const Eigen::VectorXd& beta) {
  double sum = 0;
  for (const Observation& seen : problem.observations) {
    const Eigen::VectorXd counts = problem.counts->row(static_cast<Index>(seen.configuration)).transpose();
    const double relative =
        (seen.response - compute_prediction(problem.form, *problem.terms, counts, beta)) / seen.magnitude;
    sum += relative * relative;
  }
  return sum / static_cast<double>(std::max<std::size_t>(problem.observations.size(), 1));
}

Regression fit_roofline(const Problem& problem, std::vector<bool> memory_bound) {
  Regression best;
  best.objective = -1;
  for (int round = 0; round < kReassignments; ++round) {
    Regression fit;
    fit.memory_bound = memory_bound;
    fit_linear(problem, make_linear(problem, memory_bound), fit);
    fit.objective = compute_objective(problem, fit.beta);
    if (best.objective < 0 || fit.objective < best.objective) best = fit;
    for (std::size_t c = 0; c < memory_bound.size(); ++c) {
      memory_bound[c] = side(problem, fit.beta, c, TermKind::kBytes) >= side(problem, fit.beta, c, TermKind::kMacs);
    }
    if (memory_bound == fit.memory_bound) break;
  }
  return best;
}

}  // namespace

Eigen::VectorXd compute_predictions(Form form, std::span<const Term> terms, const Eigen::VectorXd& counts,
                                    const Eigen::MatrixXd& betas) {
  if (form == Form::kAdditive) return betas * counts;
  Eigen::VectorXd bytes = Eigen::VectorXd::Zero(counts.size());
  Eigen::VectorXd macs = bytes;
  Eigen::VectorXd others = bytes;
  for (std::size_t j = 0; j < terms.size(); ++j) {
    const auto i = static_cast<Index>(j);
    (terms[j].kind == TermKind::kBytes ? bytes : terms[j].kind == TermKind::kMacs ? macs : others)[i] = counts[i];
  }
  return (betas * bytes).cwiseMax(betas * macs) + betas * others;
}

double compute_prediction(Form form, std::span<const Term> terms, const Eigen::VectorXd& counts,
                          const Eigen::VectorXd& beta) {
  return compute_predictions(form, terms, counts, beta.transpose())[0];
}

Regression fit_problem(const Problem& problem, const std::optional<std::vector<bool>>& start) {
  const auto configurations = static_cast<std::size_t>(problem.counts->rows());
  if (problem.form == Form::kRoofline) {
    if (start) return fit_roofline(problem, *start);
    Problem additive = problem;
    additive.form = Form::kAdditive;
    const Eigen::VectorXd rough = fit_problem(additive).beta;
    std::vector<bool> informed(configurations);
    for (std::size_t c = 0; c < configurations; ++c) {
      informed[c] = side(problem, rough, c, TermKind::kBytes) >= side(problem, rough, c, TermKind::kMacs);
    }
    Regression best = fit_roofline(problem, informed);
    Regression memory = fit_roofline(problem, std::vector<bool>(configurations, true));
    return memory.objective < best.objective ? memory : best;
  }
  Regression fit;
  fit.memory_bound.assign(configurations, true);
  fit_linear(problem, make_linear(problem, fit.memory_bound), fit);
  fit.objective = compute_objective(problem, fit.beta);
  return fit;
}

Eigen::VectorXd compute_linear_row(const Problem& problem, const Regression& fit, std::size_t configuration) {
  Problem single = problem;
  single.observations = {{configuration, 0, 1}};
  return make_linear(single, fit.memory_bound).row(0).transpose();
}

Identification identify(const Problem& problem, const Regression& fit) {
  Eigen::MatrixXd x = fit.weights.cwiseSqrt().asDiagonal() * make_linear(problem, fit.memory_bound);
  Identification found;
  std::vector<Index> columns;
  found.present.assign(static_cast<std::size_t>(x.cols()), false);
  found.separable.assign(static_cast<std::size_t>(x.cols()), false);
  found.vif.assign(static_cast<std::size_t>(x.cols()), std::nullopt);
  for (Index j = 0; j < x.cols(); ++j) {
    const double norm = x.col(j).norm();
    if (norm <= 0) continue;
    x.col(j) /= norm;
    found.present[static_cast<std::size_t>(j)] = true;
    columns.push_back(j);
  }
  const auto p = static_cast<Index>(columns.size());
  if (p == 0) return found;
  // At least p rows: with fewer, the directions no row excites would be missing from V.
  Eigen::MatrixXd unit = Eigen::MatrixXd::Zero(std::max(x.rows(), p), p);
  for (Index i = 0; i < p; ++i) unit.col(i).head(x.rows()) = x.col(columns[static_cast<std::size_t>(i)]);
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(unit);
  const Eigen::MatrixXd r = qr.matrixQR().topRows(p).triangularView<Eigen::Upper>();
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(r, Eigen::ComputeFullV);
  const Eigen::VectorXd& values = svd.singularValues();
  for (Index i = 0; i < p; ++i) found.rank += values[i] > kSameColumn * values[0] ? 1 : 0;
  if (found.rank == p) found.condition_number = values[0] / values[p - 1];
  for (Index i = 0; i < p; ++i) {
    double dependent = 0;
    double inflation = 0;
    for (Index k = 0; k < p; ++k) {
      const double part = svd.matrixV()(i, k) * svd.matrixV()(i, k);
      if (k >= found.rank) dependent = std::max(dependent, std::sqrt(part));
      if (k < found.rank) inflation += part / (values[k] * values[k]);
    }
    const auto j = static_cast<std::size_t>(columns[static_cast<std::size_t>(i)]);
    found.separable[j] = dependent < kPartOfDependence;
    if (found.separable[j]) found.vif[j] = inflation;
  }
  return found;
}

Identification identify_whatever_bounds(const Problem& problem, const Regression& fit) {
  Identification known = identify(problem, fit);
  const auto require = [&](const Identification& other) {
    for (std::size_t j = 0; j < known.separable.size(); ++j)
      known.separable[j] = known.separable[j] && other.separable[j];
  };
  Problem additive = problem;
  additive.form = Form::kAdditive;
  const Identification counts = identify(additive, fit);
  require(counts);
  known.present = counts.present;
  for (const bool memory : {true, false}) {
    if (problem.form != Form::kRoofline) break;
    Regression bounded = fit;
    const Eigen::VectorXd ones = Eigen::VectorXd::Ones(problem.counts->cols());
    for (std::size_t c = 0; c < bounded.memory_bound.size(); ++c) {
      const double bytes = side(problem, ones, c, TermKind::kBytes);
      const double macs = side(problem, ones, c, TermKind::kMacs);
      const bool one_kind = macs <= 0 || macs > kMacsPerByteOfNoMemory * bytes;
      bounded.memory_bound[c] = one_kind ? macs <= 0 : memory;
    }
    require(identify(problem, bounded));
  }
  return known;
}

}  // namespace qtrap::fit
