#include "fit/nnls.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/philox.hpp"

namespace qtrap::fit {
namespace {

struct Stored {
  const char* what;
  int rows, columns;
  std::vector<double> a;  // by rows
  std::vector<double> b;
  std::vector<double> x;  // scipy.optimize.nnls of SciPy 1.10.1
  double residual;
};

Eigen::MatrixXd to_matrix(const std::vector<double>& values, Eigen::Index rows, Eigen::Index columns) {
  Eigen::MatrixXd matrix(rows, columns);
  for (Eigen::Index i = 0; i < rows; ++i) {
    for (Eigen::Index j = 0; j < columns; ++j) matrix(i, j) = values[static_cast<std::size_t>(i * columns + j)];
  }
  return matrix;
}

Eigen::VectorXd to_vector(const std::vector<double>& values) {
  return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
}

const std::vector<Stored>& stored_problems() {
  static const std::vector<Stored> all{
      {"interior", 3, 2, {1, 0, 1, 0, 0, 1}, {2, 1, 1}, {1.5, 1}, 0.7071067811865475},
      {"one bound active", 3, 2, {1, 2, 3, 4, 5, 6}, {7, 8, 9}, {0, 1.7857142857142867}, 3.9279220242478665},
      {"negative right side", 2, 2, {1, 1, 1, -1}, {-1, -2}, {0, 0.5}, 2.1213203435596424},
      {"zero column", 2, 3, {1, 0, 0, 0, 0, 2}, {3, 4}, {3, 0, 2}, 0},
      {"two bounds active",
       4,
       3,
       {1, 2, 3, 4, 5, 6, 7, 8, 10, 1, 0, 1},
       {1, -2, 3, 4},
       {0.2686567164179105, 0, 0},
       5.016391043816023},
      {"badly scaled", 3, 2, {1e-9, 1, 2e-9, 0, 3e-9, -1}, {1, 2, 4}, {1214285714.2857141, 0}, 0.597614304667197},
  };
  return all;
}

TEST(Nnls, MatchesStoredSolutionsOfSciPy) {
  for (const Stored& problem : stored_problems()) {
    const NnlsResult found = solve_nnls(to_matrix(problem.a, problem.rows, problem.columns), to_vector(problem.b));
    ASSERT_TRUE(found.converged) << problem.what;
    for (int j = 0; j < problem.columns; ++j) {
      const double expected = problem.x[static_cast<std::size_t>(j)];
      EXPECT_NEAR(found.x[j], expected, 1e-12 * std::max(1.0, expected)) << problem.what << ", column " << j;
    }
    EXPECT_NEAR(found.residual_norm, problem.residual, 1e-12) << problem.what;
  }
}

TEST(Nnls, NormalEquationsGiveTheSameSolution) {
  for (const Stored& problem : stored_problems()) {
    const Eigen::MatrixXd a = to_matrix(problem.a, problem.rows, problem.columns);
    const NnlsResult found = solve_nnls_gram(a.transpose() * a, a.transpose() * to_vector(problem.b));
    for (int j = 0; j < problem.columns; ++j) {
      const double expected = problem.x[static_cast<std::size_t>(j)];
      EXPECT_NEAR(found.x[j], expected, 1e-6 * std::max(1.0, expected)) << problem.what << ", column " << j;
    }
  }
}

TEST(Nnls, AColumnOfZerosInNormalEquationsGetsNothing) {
  PhiloxStream random(5);
  for (int trial = 0; trial < 200; ++trial) {
    const auto draw = [&random] { return random.uniform(); };
    Eigen::MatrixXd a = Eigen::MatrixXd::NullaryExpr(30, 8, draw);
    const int zero = trial % 8;
    a.col(zero).setZero();
    const Eigen::VectorXd b = Eigen::VectorXd::NullaryExpr(30, draw);
    const NnlsResult found = solve_nnls_gram(a.transpose() * a, a.transpose() * b);
    EXPECT_EQ(found.x[zero], 0) << trial;
    EXPECT_TRUE(found.x.allFinite()) << trial;
  }
}

TEST(Nnls, AcceptsProblemsWithoutRowsOrColumns) {
  EXPECT_EQ(solve_nnls(Eigen::MatrixXd(3, 0), Eigen::VectorXd::Ones(3)).x.size(), 0);
  EXPECT_DOUBLE_EQ(solve_nnls(Eigen::MatrixXd(3, 0), Eigen::VectorXd::Ones(3)).residual_norm, std::sqrt(3.0));
  EXPECT_EQ(solve_nnls(Eigen::MatrixXd(0, 2), Eigen::VectorXd(0)).x, Eigen::VectorXd::Zero(2));
}

TEST(Nnls, SharesNothingBetweenEqualColumnsButKeepsTheirSum) {
  // y = 3 c with c given three times: any split with sum 3 is a solution.
  Eigen::MatrixXd a(4, 3);
  a << 1, 1, 1, 2, 2, 2, 3, 3, 3, 5, 5, 5;
  const NnlsResult found = solve_nnls(a, 3 * a.col(0));
  EXPECT_TRUE(found.converged);
  EXPECT_NEAR(found.x.sum(), 3, 1e-12);
  EXPECT_NEAR(found.residual_norm, 0, 1e-12);
}

// Optimality of a solution: the gradient A'(b - A x) is zero where x > 0 and nowhere positive.
TEST(Nnls, MeetsTheOptimalityConditionsOnRandomProblems) {
  PhiloxStream random(5);
  for (int problem = 0; problem < 300; ++problem) {
    const auto rows = 1 + static_cast<Eigen::Index>(random.below(40));
    const auto columns = 1 + static_cast<Eigen::Index>(random.below(15));
    const Eigen::MatrixXd a = Eigen::MatrixXd::NullaryExpr(rows, columns, [&] { return 2 * random.uniform() - 1; });
    const Eigen::VectorXd b = Eigen::VectorXd::NullaryExpr(rows, [&] { return 2 * random.uniform() - 1; });
    const NnlsResult found = solve_nnls(a, b);
    ASSERT_TRUE(found.converged);
    const Eigen::VectorXd gradient = a.transpose() * (b - a * found.x);
    for (Eigen::Index j = 0; j < columns; ++j) {
      ASSERT_GE(found.x[j], 0);
      ASSERT_LE(gradient[j], 1e-9) << "problem " << problem;
      if (found.x[j] > 0) {
        ASSERT_NEAR(gradient[j], 0, 1e-9) << "problem " << problem;
      }
    }
  }
}

/// Runs the script with the first Python that has SciPy; false when none has.
bool write_problems(const std::filesystem::path& out, int count) {
  const std::string script = std::string(QTRAP_SOURCE_DIR) + "/tests/fit/nnls_scipy.py";
  for (const char* python : {"python3", "/usr/bin/python3"}) {
    const std::string command =
        std::string(python) + " '" + script + "' " + std::to_string(count) + " > '" + out.string() + "' 2>/dev/null";
    const int status = std::system(command.c_str());  // NOLINT: a fixed command of the test
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  }
  return false;
}

TEST(Nnls, AgreesWithSciPyOnAThousandRandomProblems) {
  const auto path = std::filesystem::temp_directory_path() / ("qtrap-nnls-" + std::to_string(getpid()) + ".txt");
  constexpr int kProblems = 1000;
  if (!write_problems(path, kProblems)) {
    std::filesystem::remove(path);
    GTEST_SKIP() << "no Python with SciPy (Debian package python3-scipy)";
  }
  std::ifstream in(path);
  int compared = 0;
  int unique_ones = 0;
  int rows = 0;
  int columns = 0;
  int unique = 0;
  double residual = 0;
  while (in >> rows >> columns >> unique >> residual) {
    Eigen::MatrixXd a(rows, columns);
    Eigen::VectorXd b(rows);
    Eigen::VectorXd x(columns);
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < columns; ++j) in >> a(i, j);
    }
    for (int i = 0; i < rows; ++i) in >> b[i];
    for (int j = 0; j < columns; ++j) in >> x[j];
    const NnlsResult found = solve_nnls(a, b);
    const double scale = std::max(1.0, b.norm());
    ASSERT_TRUE(found.converged) << "problem " << compared;
    ASSERT_NEAR(found.residual_norm, residual, 1e-8 * scale) << "problem " << compared;
    for (int j = 0; j < columns && unique != 0; ++j) {
      ASSERT_NEAR(found.x[j], x[j], 1e-8 * std::max(1.0, x[j])) << "problem " << compared << ", column " << j;
    }
    ++compared;
    unique_ones += unique;
  }
  std::filesystem::remove(path);
  EXPECT_EQ(compared, kProblems);
  EXPECT_GT(unique_ones, kProblems / 2);
}

}  // namespace
}  // namespace qtrap::fit
