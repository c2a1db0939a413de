// Non-negative least squares: minimise |A x - b| over x >= 0 by the active-set method of Lawson and Hanson
// (Solving Least Squares Problems, 1974, chapter 23). Columns are scaled to unit length, the rows reduced
// once by QR. Where the columns are linearly dependent the minimiser is not unique: a sparse one is returned.
#pragma once

#include <Eigen/Core>

namespace qtrap::fit {

struct NnlsResult {
  Eigen::VectorXd x;         ///< the solution, one value per column of A, each >= 0
  double residual_norm = 0;  ///< |A x - b|
  int iterations = 0;        ///< columns that entered the passive set, rejected ones included
  bool converged = false;    ///< the optimality conditions hold; false only when the iteration limit was hit
};

/// Solves min |A x - b|, x >= 0. Always ends: a column enters only if it lowers the residual, and at most 30
/// columns enter per column of A. Zero columns get 0. `a` may have no column or no row; `b` has one value per
/// row of `a`. Requires finite input.
NnlsResult solve_nnls(const Eigen::MatrixXd& a, const Eigen::VectorXd& b);

/// The same from normal equations: gram = A'A (symmetric, positive semidefinite), moment = A'b. For many
/// problems over the same columns; half the digits of solve_nnls. residual_norm is that of the reduced
/// problem, not |A x - b|.
NnlsResult solve_nnls_gram(const Eigen::MatrixXd& gram, const Eigen::VectorXd& moment);

}  // namespace qtrap::fit
