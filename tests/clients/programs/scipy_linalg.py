# SPDX-License-Identifier: BSD-3-Clause
"""Runs one operation of SciPy: scipy_linalg.py NAME. It must never make another call of BLAS."""

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg

import common
from common import normal


def laplacian(n):
    """The sparse matrix of the five-point stencil on an n by n grid."""
    line = scipy.sparse.diags([-1, 2, -1], [-1, 0, 1], shape=(n, n))
    eye = scipy.sparse.identity(n)
    return (scipy.sparse.kron(line, eye) + scipy.sparse.kron(eye, line)).tocsc()


def lu_factor():
    return scipy.linalg.lu_factor(normal(200, 200))


def lu_solve():
    return scipy.linalg.lu_solve(scipy.linalg.lu_factor(normal(200, 200)), normal(200, 10))


def solve():
    return scipy.linalg.solve(normal(200, 200), normal(200, 10))


def cho_factor():
    a = normal(200, 200)
    return scipy.linalg.cho_factor(a + a.T + 100 * np.eye(200))[0]


def blas():
    """BLAS routines that are called by their names in scipy.linalg.blas."""
    return scipy.linalg.blas.dgemm(1.0, normal(30, 20), normal(20, 40)), \
        scipy.linalg.blas.zdotc(normal(10) + 1j, normal(10) - 1j), \
        scipy.linalg.blas.dtrsm(1.0, np.triu(normal(30, 30)) + 10 * np.eye(30), normal(30, 20))


def expm():
    return scipy.linalg.expm(normal(60, 60))


def schur():
    return scipy.linalg.schur(normal(100, 100))


def schur_sorted():
    """A decomposition in which dgees calls SELECT, a Python function."""
    return scipy.linalg.schur(normal(40, 40), sort="lhp")


def solve_sylvester():
    return scipy.linalg.solve_sylvester(normal(60, 60), normal(50, 50), normal(60, 50))


def eigsh():
    n = 30
    return scipy.sparse.linalg.eigsh(laplacian(n), k=4, v0=np.ones(n * n), which="LM")[0]


def spsolve():
    n = 30
    return scipy.sparse.linalg.spsolve(laplacian(n), np.ones(n * n))


common.run(globals())
