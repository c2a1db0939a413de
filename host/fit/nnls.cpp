#include "fit/nnls.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/contract.hpp"

namespace qtrap::fit {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr int kEntriesPerColumn = 30;

using Index = Eigen::Index;
using Columns = std::vector<Index>;

/// Least squares over the columns in `passive`; none when they are numerically dependent.
bool solve_passive(const Eigen::MatrixXd& a, const Eigen::VectorXd& b, const Columns& passive, Eigen::VectorXd& z) {
  Eigen::MatrixXd part(a.rows(), static_cast<Index>(passive.size()));
  for (std::size_t i = 0; i < passive.size(); ++i) part.col(static_cast<Index>(i)) = a.col(passive[i]);
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(part);
  qr.setThreshold(100 * kEpsilon);
  if (qr.rank() < part.cols()) return false;
  z = qr.solve(b);
  return true;
}

/// Moves x towards z until the first passive value reaches zero, drops that column, solves again; until z >
/// 0.
bool step_to_feasible(const Eigen::MatrixXd& a, const Eigen::VectorXd& b, Columns& passive, Eigen::VectorXd& x) {
  Eigen::VectorXd z;
  while (!passive.empty()) {
    if (!solve_passive(a, b, passive, z)) return false;
    double alpha = 1;
    for (std::size_t i = 0; i < passive.size(); ++i) {
      const double target = z[static_cast<Index>(i)];
      const double now = x[passive[i]];
      if (target <= 0) alpha = std::min(alpha, now > target ? now / (now - target) : 0.0);
    }
    Columns kept;
    for (std::size_t i = 0; i < passive.size(); ++i) {
      const double target = z[static_cast<Index>(i)];
      double& value = x[passive[i]];
      const bool leaves = target <= 0 && value - alpha * (value - target) <= 8 * kEpsilon * std::max(1.0, value);
      value = leaves ? 0 : std::max(0.0, value + alpha * (target - value));
      if (!leaves) kept.push_back(passive[i]);
    }
    if (kept.size() == passive.size()) return true;
    passive = std::move(kept);
  }
  return true;
}

/// The method on columns of unit (or zero) length.
NnlsResult solve_scaled(const Eigen::MatrixXd& a, const Eigen::VectorXd& b) {
  NnlsResult result;
  result.x = Eigen::VectorXd::Zero(a.cols());
  const double tolerance = 10 * kEpsilon * static_cast<double>(std::max(a.rows(), a.cols()) + 1) * b.norm();
  Columns passive;
  std::vector<bool> blocked(static_cast<std::size_t>(a.cols()), false);
  double best = b.squaredNorm();
  const int limit = kEntriesPerColumn * static_cast<int>(std::max<Index>(a.cols(), 1));
  while (result.iterations < limit) {
    const Eigen::VectorXd gradient = a.transpose() * (b - a * result.x);
    Index entering = -1;
    for (Index j = 0; j < a.cols(); ++j) {
      const bool free =
          !blocked[static_cast<std::size_t>(j)] && std::find(passive.begin(), passive.end(), j) == passive.end();
      if (free && gradient[j] > tolerance && (entering < 0 || gradient[j] > gradient[entering])) entering = j;
    }
    if (entering < 0) {
      result.converged = true;
      break;
    }
    ++result.iterations;
    Columns trial = passive;
    trial.push_back(entering);
    Eigen::VectorXd x = result.x;
    const bool solved = step_to_feasible(a, b, trial, x);
    const double residual = (b - a * x).squaredNorm();
    // Rounding can make an entering column useless; without this test the method could cycle.
    if (!solved || !(residual < best)) {
      blocked[static_cast<std::size_t>(entering)] = true;
      continue;
    }
    std::fill(blocked.begin(), blocked.end(), false);
    passive = std::move(trial);
    result.x = x;
    best = residual;
  }
  return result;
}

}  // namespace

NnlsResult solve_nnls(const Eigen::MatrixXd& a, const Eigen::VectorXd& b) {
  expects(a.rows() == b.size(), "non-negative least squares needs one right-hand value per row");
  expects(a.allFinite() && b.allFinite(), "non-negative least squares needs finite numbers");
  // colwise().norm() would overflow or underflow on extreme columns: stableNorm per column does not.
  Eigen::VectorXd scale(a.cols());
  Eigen::MatrixXd scaled = a;
  for (Index j = 0; j < a.cols(); ++j) {
    const double norm = a.rows() > 0 ? a.col(j).stableNorm() : 0.0;
    scale[j] = norm > 0 ? norm : 1.0;
    scaled.col(j) /= scale[j];
  }
  const double unit = b.size() > 0 && b.stableNorm() > 0 ? b.stableNorm() : 1.0;
  Eigen::VectorXd right = b / unit;
  if (a.rows() > a.cols() && a.cols() > 0) {
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(scaled);
    const Index n = a.cols();
    right = Eigen::VectorXd((qr.householderQ().transpose() * right).head(n));
    scaled = Eigen::MatrixXd(qr.matrixQR().topRows(n).triangularView<Eigen::Upper>());
  }
  NnlsResult result = solve_scaled(scaled, right);
  result.x = (result.x.array() / scale.array() * unit).matrix();
  result.residual_norm = a.rows() > 0 ? (a * result.x - b).stableNorm() : 0.0;
  return result;
}

NnlsResult solve_nnls_gram(const Eigen::MatrixXd& gram, const Eigen::VectorXd& moment) {
  expects(gram.rows() == gram.cols() && gram.rows() == moment.size(), "normal equations are square");
  const Index n = gram.rows();
  Eigen::VectorXd scale(n);
  for (Index j = 0; j < n; ++j) scale[j] = gram(j, j) > 0 ? std::sqrt(gram(j, j)) : 1.0;
  const Eigen::MatrixXd unit = scale.cwiseInverse().asDiagonal() * gram * scale.cwiseInverse().asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(unit);
  // A'A = V L V': A may be replaced by L^(1/2) V' and b by L^(-1/2) V' A'b. Eigenvalues at rounding level
  // carry no information and are left out.
  const double floor = 1e-13 * std::max(1.0, static_cast<double>(n));
  const Eigen::VectorXd projected = eigen.eigenvectors().transpose() * (moment.array() / scale.array()).matrix();
  Eigen::MatrixXd a = Eigen::MatrixXd::Zero(n, n);
  Eigen::VectorXd b = Eigen::VectorXd::Zero(n);
  for (Index i = 0; i < n; ++i) {
    const double value = eigen.eigenvalues()[i];
    if (value <= floor) continue;
    a.row(i) = std::sqrt(value) * eigen.eigenvectors().col(i).transpose();
    b[i] = projected[i] / std::sqrt(value);
  }
  // The eigenvectors leave rounding where a column is zero: a solution of 1e15 and more would fit it.
  for (Index j = 0; j < n; ++j) {
    if (!(gram(j, j) > 0)) a.col(j).setZero();
  }
  NnlsResult result = solve_nnls(a, b);
  result.x = (result.x.array() / scale.array()).matrix();
  return result;
}

}  // namespace qtrap::fit
