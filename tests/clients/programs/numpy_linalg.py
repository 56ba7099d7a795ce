# SPDX-License-Identifier: BSD-3-Clause
"""Runs one operation of NumPy: numpy_linalg.py NAME. It must never make another call of BLAS."""

import numpy as np

import common
from common import normal


def spd(n):
    """A positive definite matrix, which is made without a matrix product."""
    a = normal(n, n)
    a = (a + a.T) / 2
    a[np.arange(n), np.arange(n)] += 2 * n
    return a


def matmul():
    return normal(300, 200) @ normal(200, 400)


def gram():
    a = normal(300, 200)
    return a @ a.T


def matvec():
    return normal(300, 200) @ normal(200)


def stack():
    return normal(1000, 4, 4) @ normal(1000, 4, 4)


def dot():
    return np.dot(normal(1000), normal(1000))


def single():
    return normal(30, 20).astype("f") @ normal(20, 40).astype("f")


def complex():
    return (normal(30, 20) + 1j * normal(30, 20)) @ (normal(20, 40) + 1j * normal(20, 40))


def solve():
    return np.linalg.solve(normal(200, 200), normal(200))


def inv():
    return np.linalg.inv(normal(200, 200))


def svd():
    return np.linalg.svd(normal(120, 80))


def eigh():
    a = normal(200, 200)
    return np.linalg.eigh(a + a.T)


def eig():
    return np.linalg.eig(normal(200, 200))


def lstsq():
    return np.linalg.lstsq(normal(200, 50), normal(200), rcond=None)


def qr():
    return np.linalg.qr(normal(150, 100))


def cholesky():
    return np.linalg.cholesky(spd(200))


def no_blas():
    """Operations that NumPy does without a BLAS: strided operands, integers, einsum, FFT."""
    a = normal(40, 60)[:, ::2]
    b = np.arange(900).reshape(30, 30)
    return a[::2, ::3] @ a[::2, ::3].T, b @ b, np.einsum("ij,jk->ik", a, a.T), np.fft.fft(a)


def fp_errors():
    """Matrix products under np.errstate, where a floating-point flag that a call had left would raise an error."""
    with np.errstate(all="raise"):
        return [normal(n, n) @ normal(n, n) for n in (2, 30, 100)], np.linalg.inv(normal(50, 50))


common.run(globals())
