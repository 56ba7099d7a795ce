# SPDX-License-Identifier: BSD-3-Clause
"""What an algorithm costs, counted over its textbook loops: one addition, subtraction, multiplication, division or
square root is one FLOP. Nothing here may come from the shim's own table."""


def dot(n):
    """n products, and n additions to a sum that starts at 0."""
    return 2 * n


def axpy(n):
    return 2 * n


def gemv(m, n):
    return 2 * m * n


def gemm(m, n, k):
    return 2 * m * n * k


def complex_gemm(m, n, k):
    """A complex product takes 4 multiplications and 2 additions, a complex sum 2 additions."""
    return 8 * m * n * k


def syrk(n, k):
    """One triangle with its diagonal has n(n+1)/2 elements, each a dot product of length k."""
    return n * (n + 1) * k


def trsv(n):
    """Row i takes i products, i subtractions and a division."""
    return sum(2 * i + 1 for i in range(n))


def getrf(n):
    """Elimination column by column: a division for each element below the pivot, then a rank-1 update."""
    return sum(below + 2 * below**2 for below in range(n))


def getrs(n, nrhs):
    """A solution with a unit lower triangle, then one with an upper triangle, for each right-hand side."""
    unit_lower = sum(2 * i for i in range(n))
    return nrhs * (unit_lower + trsv(n))


def gesv(n, nrhs):
    return getrf(n) + getrs(n, nrhs)


def potrf(n):
    """Cholesky row by row: the elements left of the diagonal, then a square root."""
    return sum(sum(2 * k + 1 for k in range(i)) + 2 * i + 1 for i in range(n))


def geqrf(m, n):
    """Householder's method: a norm for each reflector, which is then applied to the columns right of it (2 products and
    2 additions for each element). The few scalar operations that make a reflector are left out."""
    return sum(3 * (m - j) + 4 * (m - j) * (n - j - 1) for j in range(min(m, n)))


def orgqr(m, n, k):
    """Reflectors are applied from the last to the first to the columns that they have already made."""
    return sum(4 * (m - j) * (n - j - 1) + (m - j) for j in range(k))


def hpl(n):
    """What High-Performance Linpack itself counts: the LU factorization and one solution."""
    return 2 * n**3 / 3 + 3 * n**2 / 2
