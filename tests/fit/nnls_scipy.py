#!/usr/bin/env python3
"""Writes COUNT random non-negative least squares problems with SciPy's solutions, as text for nnls_test.cpp.

Per problem: "m n unique residual", the m x n matrix by rows, b, SciPy's x. `unique` is 1 where the matrix has full
column rank, so that the solution is the only one. Exit 77 when SciPy is missing.
"""
import sys

try:
    import numpy as np
    from scipy.optimize import nnls
except ImportError:
    sys.exit(77)


def degrade(kind, a, b, rng):
    """Turns a random problem into one of the degenerate kinds."""
    n = a.shape[1]
    if kind == 1:
        a[:, rng.integers(n)] = 0
    elif kind == 2 and n > 1:
        a[:, 0] = 2 * a[:, n - 1]
    elif kind == 3 and n > 2:
        a[:, 0] = a[:, 1] + a[:, 2]
    elif kind == 4:
        b[:] = 0
    elif kind == 5:
        b[:] = -np.abs(a) @ np.ones(n)
        a[:] = np.abs(a)
    elif kind == 6:
        a *= 10.0 ** rng.integers(-3, 4, size=n)
    elif kind == 7:
        x = np.where(rng.random(n) < 0.5, 0, rng.random(n))
        b[:] = a @ x
    elif kind == 8:
        a[:] = np.abs(a)
    elif kind == 9:
        a[-1, :] = 0
    return a, b


def main():
    count = int(sys.argv[1])
    rng = np.random.default_rng(20260213)
    for i in range(count):
        n = int(rng.integers(1, 13))
        m = int(rng.integers(1, 31))
        a, b = degrade(i % 10, rng.standard_normal((m, n)), rng.standard_normal(m), rng)
        x, residual = nnls(a, b, maxiter=100 * n)
        used = a[:, np.any(a != 0, axis=0)]
        unique = used.shape[1] > 0 and np.linalg.matrix_rank(used) == used.shape[1]
        print(m, n, int(unique), repr(float(residual)))
        for row in a:
            print(*(repr(float(v)) for v in row))
        print(*(repr(float(v)) for v in b))
        print(*(repr(float(v)) for v in x))


main()
