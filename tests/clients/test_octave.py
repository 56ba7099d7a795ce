# SPDX-License-Identifier: BSD-3-Clause
"""Tests Octave as the distribution packages it, on every BLAS. Expected FLOPs are those of textbook loops."""

import shutil

import flops
from harness import EVERY_BLAS, SCRIPTS, Skip, case, check_calls

NEAR = 1e-3  # as in test_numpy.py

EXPECTED = {
    "multiply": ({"dgemm": (1, flops.gemm(300, 400, 200))}, 0),
    "gram": ({"dsyrk": (1, flops.syrk(300, 200))}, 0),
    # The condition is estimated between factorisation and solution.
    "divide": ({"dgetrf": (1, flops.getrf(200)), "dgecon": (1, None), "dgetrs": (1, flops.getrs(200, 3))}, NEAR),
    "eig": ({"dgeevx": (1, None)}, 0),
    "eig_vectors": ({"dgeevx": (1, None)}, 0),
    "svd": ({"dgesvd": (1, None)}, 0),
}


@case(on=EVERY_BLAS, operation=EXPECTED)
def octave(client):
    """Operations of Octave call the expected routines, cost what their textbook loops cost, and the same on every BLAS."""
    if not shutil.which("octave-cli"):
        raise Skip("no octave-cli")
    run = client.same(["octave-cli", "--norc", "--no-history", "-q", SCRIPTS / "linalg.m", client.operation])
    expected, tolerance = EXPECTED[client.operation]
    check_calls(run, expected, tolerance=tolerance)
    client.agree(f"octave.{client.operation}", run)
