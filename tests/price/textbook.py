# SPDX-License-Identifier: BSD-3-Clause
"""Counts FLOPs by running textbook algorithms on numbers that count what is done with them.

This file must never have a closed formula. Loops over the elements that exist give the right numbers for small sizes,
empty matrices, bands wider than the matrix and unit diagonals by themselves. Scaling by alpha and beta is left out, as
prices leave it out. What LAPACK does beyond the textbook is counted apart, and a price may include it or not: reciprocals
that it multiplies by instead of dividing, products with -1, and complex arithmetic on Hermitian diagonals.
"""

import itertools

DIMENSIONS = (0, 1, 2, 3, 7)
FEW = (0, 1, 4)


class Tally:
    """What was counted since reset(): FLOPs of the textbook, and what LAPACK does beyond it."""

    flops = 0
    beyond = 0

    @classmethod
    def reset(cls):
        cls.flops = cls.beyond = 0


class Number:
    """A real or complex number without a value. Arithmetic with it adds FLOPs to Tally."""

    def __init__(self, is_complex):
        self.is_complex = is_complex

    def _sum(self, other):
        # A real and a complex number take one addition: the imaginary part stays as it is.
        Tally.flops += 2 if self.is_complex and other.is_complex else 1
        return COMPLEX if self.is_complex or other.is_complex else REAL

    __add__ = __sub__ = _sum

    def __mul__(self, other):
        Tally.flops += {0: 1, 1: 2, 2: 6}[self.is_complex + other.is_complex]
        return COMPLEX if self.is_complex or other.is_complex else REAL

    def __truediv__(self, other):
        # Smith's division of complex numbers takes 3 additions, 3 multiplications and 3 divisions
        Tally.flops += {(0, 0): 1, (1, 0): 2, (1, 1): 9, (0, 1): 9}[self.is_complex, other.is_complex]
        return COMPLEX if self.is_complex or other.is_complex else REAL

    def square(self):
        """|x|^2, which is real."""
        Tally.flops += 3 if self.is_complex else 1
        return REAL

    def real_product(self, _other):
        """The real part of a product."""
        Tally.flops += 3 if self.is_complex else 1
        return REAL

    def size(self):
        """|re| + |im|"""
        Tally.flops += 1 if self.is_complex else 0
        return REAL

    def reciprocal(self):
        Tally.beyond += 9 if self.is_complex else 1

    def negated(self):
        Tally.beyond += 6 if self.is_complex else 1

    def root(self):
        Tally.flops += 1
        return REAL


REAL, COMPLEX = Number(False), Number(True)
TYPES = {"s": REAL, "d": REAL, "c": COMPLEX, "z": COMPLEX}


def accumulate(start, products):
    """Adds the products to `start`, one after the other."""
    for product in products:
        start = start + product
    return start


def triangle(n, uplo, k=None):
    """The positions (row, column) of a triangle without its diagonal; only those of its k nearest diagonals if k is given."""
    for i, j in itertools.product(range(n), repeat=2):
        if (i < j if uplo == "U" else i > j) and (k is None or abs(i - j) <= k):
            yield i, j


# ---- level 1 ----

def axpy(x, n):
    for _ in range(n):
        x + x * x


def dot(x, n):
    accumulate(x, (x * x for _ in range(n)))


def scal(x, n):
    for _ in range(n):
        x * x


def real_scal(x, n):
    for _ in range(n):
        REAL * x


def nrm2(x, n):
    if n:
        accumulate(REAL, (x.square() for _ in range(n))).root()


def asum(x, n):
    for _ in range(n):
        REAL + x.size()


def rot(x, n):
    for _ in range(n):
        REAL * x + REAL * x
        REAL * x + REAL * x


# ---- level 2 ----

def gemv(x, m, n, trans):
    for _ in itertools.product(range(m), range(n)):
        x + x * x


def gbmv(x, m, n, kl, ku, trans):
    for i, j in itertools.product(range(m), range(n)):
        if -ku <= i - j <= kl:
            x + x * x


def symmetric_product(x, diagonal, n, uplo, k=None):
    """A symmetric matrix times a vector. Each element off the diagonal is used for its row and for its column."""
    for _ in triangle(n, uplo, k):
        x + x * x
        x + x * x
    for _ in range(n):
        x + diagonal * x


def symv(x, n, uplo):
    symmetric_product(x, x, n, uplo)


def hemv(x, n, uplo):
    symmetric_product(x, REAL, n, uplo)


def sbmv(x, n, k, uplo):
    symmetric_product(x, x, n, uplo, k)


def hbmv(x, n, k, uplo):
    symmetric_product(x, REAL, n, uplo, k)


def triangular_product(x, n, uplo, diag, k=None):
    for _ in triangle(n, uplo, k):
        x + x * x
    for _ in range(n if diag == "N" else 0):
        x * x


def trmv(x, n, uplo, trans, diag):
    triangular_product(x, n, uplo, diag)


def tbmv(x, n, k, uplo, trans, diag):
    triangular_product(x, n, uplo, diag, k)


def triangular_solution(x, n, uplo, diag, k=None):
    for _ in triangle(n, uplo, k):
        x - x * x
    for _ in range(n if diag == "N" else 0):
        x / x


def trsv(x, n, uplo, trans, diag):
    triangular_solution(x, n, uplo, diag)


def tbsv(x, n, k, uplo, trans, diag):
    triangular_solution(x, n, uplo, diag, k)


def ger(x, m, n):
    for _ in itertools.product(range(m), range(n)):
        x + x * x


def syr(x, n, uplo):
    for _ in triangle(n, uplo):
        x + x * x
    for _ in range(n):
        x + x * x


def her(x, n, uplo):
    for _ in triangle(n, uplo):
        x + x * x
    for _ in range(n):
        REAL + x.square()


def syr2(x, n, uplo):
    syr(x, n, uplo)
    syr(x, n, uplo)


def her2(x, n, uplo):
    for _ in triangle(n, uplo):
        x + x * x + x * x
    for _ in range(n):
        REAL + (x.real_product(x) + x.real_product(x))


# ---- level 3 ----

def gemm(x, m, n, k, transa, transb):
    for _ in itertools.product(range(m), range(n)):
        accumulate(x, (x * x for _ in range(k)))


def symm(x, m, n, side, uplo):
    for _ in range(n if side == "L" else m):
        symv(x, m if side == "L" else n, uplo)


def hemm(x, m, n, side, uplo):
    for _ in range(n if side == "L" else m):
        hemv(x, m if side == "L" else n, uplo)


def syrk(x, n, k, uplo, trans):
    for _ in range(k):
        syr(x, n, uplo)


def herk(x, n, k, uplo, trans):
    for _ in range(k):
        her(x, n, uplo)


def syr2k(x, n, k, uplo, trans):
    for _ in range(k):
        syr2(x, n, uplo)


def her2k(x, n, k, uplo, trans):
    for _ in range(k):
        her2(x, n, uplo)


def gemmtr(x, n, k, uplo, transa, transb):
    for _ in itertools.chain(triangle(n, uplo), range(n)):
        accumulate(x, (x * x for _ in range(k)))


def skewsymv(x, n, uplo):
    """A skew-symmetric matrix times a vector: as symv, but the diagonal is zero."""
    for _ in triangle(n, uplo):
        x + x * x
        x - x * x


def skewsymm(x, m, n, side, uplo):
    for _ in range(n if side == "L" else m):
        skewsymv(x, m if side == "L" else n, uplo)


def skewsyr2(x, n, uplo):
    for _ in triangle(n, uplo):
        x + x * x - x * x


def skewsyr2k(x, n, k, uplo, trans):
    for _ in range(k):
        skewsyr2(x, n, uplo)


def gemm_batch_strided(x, m, n, k, batch_size):
    for _ in range(batch_size):
        gemm(x, m, n, k, "N", "N")


def axpby(x, n):
    for _ in range(n):
        x * x + x * x


def trmm(x, m, n, side, uplo, transa, diag):
    for _ in range(n if side == "L" else m):
        trmv(x, m if side == "L" else n, uplo, transa, diag)


def trsm(x, m, n, side, uplo, transa, diag):
    if side == "L":
        for _ in range(n):
            trsv(x, m, uplo, transa, diag)
        return
    for _ in range(m):
        triangular_solution(x, n, uplo, "U")
        for _ in range(n if diag == "N" else 0):
            x * x
    for _ in range(n if diag == "N" else 0):
        x.reciprocal()


# ---- LAPACK ----

def getrf(x, m, n):
    """Gaussian elimination."""
    for j in range(min(m, n)):
        x.reciprocal()
        for _ in range(j + 1, m):
            x * x
        for _ in itertools.product(range(j + 1, m), range(j + 1, n)):
            x - x * x


def getrs(x, n, nrhs, trans):
    for _ in range(nrhs):
        triangular_solution(x, n, "L", "U")
        triangular_solution(x, n, "U", "N")


def gesv(x, n, nrhs):
    getrf(x, n, n)
    getrs(x, n, nrhs, "N")


def potrf(x, n, uplo):
    """Cholesky's factorisation, one row of the factor after the other."""
    for j in range(n):
        for _ in range(j):
            hermitian_square(x)
        REAL.root()
        x.reciprocal()
        for _ in range(j + 1, n):
            by_diagonal(accumulate(x, (x * x for _ in range(j))))


def hermitian_square(x):
    """Subtracts |x|^2 from a diagonal element: 4 FLOPs, or 8 if done as with complex numbers."""
    REAL - x.square()
    Tally.beyond += 4 if x.is_complex else 0


def by_diagonal(x):
    """Multiplies x by the reciprocal of a real diagonal element: 2 FLOPs, or 6 if done as with complex numbers."""
    REAL * x
    Tally.beyond += 4 if x.is_complex else 0


def potrs(x, n, nrhs, uplo):
    for _ in range(nrhs):
        triangular_solution(x, n, "L", "N")
        triangular_solution(x, n, "U", "N")


def trtrs(x, n, nrhs, uplo, trans, diag):
    for _ in range(nrhs):
        triangular_solution(x, n, uplo, diag)


def tbtrs(x, n, kd, nrhs, uplo, trans, diag):
    for _ in range(nrhs):
        triangular_solution(x, n, uplo, diag, kd)


def trti2(x, n, uplo, diag):
    """The inverse of a triangle: column j is the inverse so far times column j, scaled by -1/a(j,j)."""
    for j in range(n):
        if diag == "N":
            x.reciprocal()
        triangular_product(x, j, "U", diag)
        for _ in range(j):
            x * x if diag == "N" else x.negated()


def pttrf(x, n):
    for _ in range(n - 1):
        x / REAL
        REAL - x.real_product(x)


def pbtrf(x, n, kd, uplo):
    for j in range(n):
        REAL.root()
        REAL.reciprocal()
        below = min(kd, n - 1 - j)
        for _ in range(below):
            by_diagonal(x)
            x.negated()
        for i, l in itertools.product(range(below), repeat=2):
            if i > l:
                x - x * x
            elif i == l:
                hermitian_square(x)


def gttrf(x, n):
    """Elimination in a tridiagonal matrix, without exchanges of rows."""
    for _ in range(n - 1):
        x - (x / x) * x


UPLO, SIDE, DIAG = ("U", "L"), ("L", "R"), ("N", "U")


def both(names):
    return dict(zip("sdcz", names.split())) if names.strip() else {}


def named(stem, types="sdcz"):
    return {letter: letter + stem for letter in types}


# (routines by type, algorithm, dimensions, options)
CASES = [
    (named("axpy"), axpy, "n", {}),
    (both("sdot ddot cdotu zdotu"), dot, "n", {}),
    (both("sdot ddot cdotc zdotc"), dot, "n", {}),
    (named("scal"), scal, "n", {}),
    ({"c": "csscal", "z": "zdscal"}, real_scal, "n", {}),
    (both("snrm2 dnrm2 scnrm2 dznrm2"), nrm2, "n", {}),
    (both("sasum dasum scasum dzasum"), asum, "n", {}),
    (both("srot drot csrot zdrot"), rot, "n", {}),
    (named("gemv"), gemv, "m n", {"trans": "NTC"}),
    (named("gbmv"), gbmv, "m n kl ku", {"trans": "NT"}),
    (named("symv"), symv, "n", {"uplo": UPLO}),
    (named("spmv"), symv, "n", {"uplo": UPLO}),
    (named("hemv", "cz"), hemv, "n", {"uplo": UPLO}),
    (named("hpmv", "cz"), hemv, "n", {"uplo": UPLO}),
    (named("sbmv", "sd"), sbmv, "n k", {"uplo": UPLO}),
    (named("hbmv", "cz"), hbmv, "n k", {"uplo": UPLO}),
    (named("trmv"), trmv, "n", {"uplo": UPLO, "trans": "NTC", "diag": DIAG}),
    (named("tpmv"), trmv, "n", {"uplo": UPLO, "trans": "NTC", "diag": DIAG}),
    (named("tbmv"), tbmv, "n k", {"uplo": UPLO, "trans": "NTC", "diag": DIAG}),
    (named("trsv"), trsv, "n", {"uplo": UPLO, "trans": "NTC", "diag": DIAG}),
    (named("tpsv"), trsv, "n", {"uplo": UPLO, "trans": "NTC", "diag": DIAG}),
    (named("tbsv"), tbsv, "n k", {"uplo": UPLO, "trans": "NTC", "diag": DIAG}),
    (both("sger dger cgeru zgeru"), ger, "m n", {}),
    (both("sger dger cgerc zgerc"), ger, "m n", {}),
    (named("syr"), syr, "n", {"uplo": UPLO}),
    (named("spr"), syr, "n", {"uplo": UPLO}),
    (named("her", "cz"), her, "n", {"uplo": UPLO}),
    (named("hpr", "cz"), her, "n", {"uplo": UPLO}),
    (named("syr2", "sd"), syr2, "n", {"uplo": UPLO}),
    (named("spr2", "sd"), syr2, "n", {"uplo": UPLO}),
    (named("her2", "cz"), her2, "n", {"uplo": UPLO}),
    (named("hpr2", "cz"), her2, "n", {"uplo": UPLO}),
    (named("gemm"), gemm, "m n k", {"transa": "NTC", "transb": "NTC"}),
    (named("symm"), symm, "m n", {"side": SIDE, "uplo": UPLO}),
    (named("hemm", "cz"), hemm, "m n", {"side": SIDE, "uplo": UPLO}),
    (named("syrk"), syrk, "n k", {"uplo": UPLO, "trans": "NT"}),
    (named("herk", "cz"), herk, "n k", {"uplo": UPLO, "trans": "NC"}),
    (named("syr2k"), syr2k, "n k", {"uplo": UPLO, "trans": "NT"}),
    (named("her2k", "cz"), her2k, "n k", {"uplo": UPLO, "trans": "NC"}),
    (named("trmm"), trmm, "m n", {"side": SIDE, "uplo": UPLO, "transa": "NTC", "diag": DIAG}),
    (named("trsm"), trsm, "m n", {"side": SIDE, "uplo": UPLO, "transa": "NTC", "diag": DIAG}),
    (named("gemmt"), gemmtr, "n k", {"uplo": UPLO, "transa": "NTC", "transb": "NTC"}),
    (named("gemmtr"), gemmtr, "n k", {"uplo": UPLO, "transa": "NTC", "transb": "NTC"}),
    (named("skewsymv", "sd"), skewsymv, "n", {"uplo": UPLO}),
    (named("skewsymm", "sd"), skewsymm, "m n", {"side": SIDE, "uplo": UPLO}),
    (named("skewsyr2", "sd"), skewsyr2, "n", {"uplo": UPLO}),
    (named("skewsyr2k", "sd"), skewsyr2k, "n k", {"uplo": UPLO, "trans": "NT"}),
    (named("gemm_batch_strided"), gemm_batch_strided, "m n k batch_size", {}),
    (named("axpyc", "cz"), axpy, "n", {}),
    (named("axpby"), axpby, "n", {}),
    ({"s": "bgemm"}, gemm, "m n k", {"transa": "NT", "transb": "NT"}),
    ({"s": "shgemm"}, gemm, "m n k", {"transa": "NT", "transb": "NT"}),
    ({"s": "sbgemm_compute"}, gemm, "m n k", {"transa": "NT", "transb": "NT"}),
    (named("gemm_compute", "sd"), gemm, "m n k", {"transa": "NT", "transb": "NT"}),
    ({"s": "bgemv"}, gemv, "m n", {"trans": "NT"}),
    ({"s": "shgemv"}, gemv, "m n", {"trans": "NT"}),
    (named("getrf"), getrf, "m n", {}),
    (named("getf2"), getrf, "m n", {}),
    (named("getrf2"), getrf, "m n", {}),
    (named("getrs"), getrs, "n nrhs", {"trans": "NTC"}),
    (named("gesv"), gesv, "n nrhs", {}),
    (named("potrf"), potrf, "n", {"uplo": UPLO}),
    (named("potf2"), potrf, "n", {"uplo": UPLO}),
    (named("pptrf"), potrf, "n", {"uplo": UPLO}),
    (named("potrs"), potrs, "n nrhs", {"uplo": UPLO}),
    (named("pptrs"), potrs, "n nrhs", {"uplo": UPLO}),
    (named("trtrs"), trtrs, "n nrhs", {"uplo": UPLO, "trans": "NTC", "diag": DIAG}),
    (named("tptrs"), trtrs, "n nrhs", {"uplo": UPLO, "trans": "NTC", "diag": DIAG}),
    (named("tbtrs"), tbtrs, "n kd nrhs", {"uplo": UPLO, "trans": "NTC", "diag": DIAG}),
    (named("trti2"), trti2, "n", {"uplo": UPLO, "diag": DIAG}),
    (named("trtri"), trti2, "n", {"uplo": UPLO, "diag": DIAG}),
    (named("tptri"), trti2, "n", {"uplo": UPLO, "diag": DIAG}),
    (named("pttrf"), pttrf, "n", {}),
    (named("pbtrf"), pbtrf, "n kd", {"uplo": UPLO}),
    (named("pbtf2"), pbtrf, "n kd", {"uplo": UPLO}),
]


def expectations():
    """Yields (line for explain, least FLOPs, most FLOPs) of every case, with all options at all small sizes."""
    for routines, algorithm, names, options in CASES:
        names = names.split()
        sizes = DIMENSIONS if len(names) < 4 else FEW
        for chosen in itertools.product(*options.values()):
            for values in itertools.product(sizes, repeat=len(names)):
                arguments = dict(zip(names, values), **dict(zip(options, chosen)))
                text = "".join(f" {name}={value}" for name, value in arguments.items())
                for letter, routine in routines.items():
                    Tally.reset()
                    algorithm(TYPES[letter], **arguments)
                    # Prices of complex divisions have halves of additions, which are rounded up.
                    rounding = 1 if TYPES[letter].is_complex else 0
                    yield routine + text, Tally.flops, Tally.flops + Tally.beyond + rounding
