# SPDX-License-Identifier: BSD-3-Clause
"""Tests SciPy as the distribution packages it, on every BLAS. Expected FLOPs are those of textbook loops."""

import flops
from harness import EVERY_BLAS, PYTHON, SCRIPTS, case, check, check_calls, check_equal, check_priced, check_total

PROGRAM = SCRIPTS / "scipy_linalg.py"
NEAR = 1e-3  # as in test_numpy.py
IMPORT = {"sdot": (1, flops.dot(2))}  # `import numpy`, as in test_numpy.py
SYLVESTER = 2 * (flops.gemm(60, 50, 60) + flops.gemm(60, 50, 50))  # the products U' Q V and U Y V'

EXPECTED = {
    "lu_factor": ({"dgetrf": (1, flops.getrf(200))}, NEAR),
    "lu_solve": ({"dgetrf": (1, flops.getrf(200)), "dgetrs": (1, flops.getrs(200, 10))}, NEAR),
    # solve also estimates the condition number, by a norm and dgecon.
    "solve": ({"dgetrf": (1, flops.getrf(200)), "dgetrs": (1, flops.getrs(200, 10)), "dlange": (1, None),
               "dgecon": (1, None)}, NEAR),
    "cho_factor": ({"dpotrf": (1, flops.potrf(200))}, NEAR),
    "blas": ({"dgemm": (1, flops.gemm(30, 40, 20)), "zdotc": (1, 8 * 10), "dtrsm": (1, 20 * flops.trsv(30))}, 0),
    "schur": ({"dgees": (1, None)}, 0),
    "schur_sorted": ({"dgees": (1, None)}, 0),
    "solve_sylvester": ({"dgees": (2, None), "dtrsyl": (1, None), "dgemm": (4, SYLVESTER)}, 0),
}

# {operation: routines that it must call}. How often it calls them depends on the data.
PARTS = {
    "expm": ("dgemm", "dgemv"),
    "eigsh": ("dgemv", "dnrm2", "dlartg"),
    "spsolve": ("dgemv", "dtrsv"),
}


@case(on=EVERY_BLAS, operation=EXPECTED)
def dense(client):
    """Operations with direct algorithms cost what their textbook loops cost, and the same on every BLAS."""
    run = client.same([PYTHON, PROGRAM, client.operation])
    expected, tolerance = EXPECTED[client.operation]
    check_calls(run, expected | IMPORT, tolerance=tolerance)
    client.agree(f"scipy.{client.operation}", run)


@case(on=EVERY_BLAS, operation=PARTS)
def composed(client):
    """Operations whose number of steps depends on the data call the expected routines, and all calls have prices."""
    run = client.same([PYTHON, PROGRAM, client.operation])
    check_priced(run)
    check_total(run)
    for routine in PARTS[client.operation]:
        check(routine in run.routines, f"no {routine} among {sorted(run.routines)}")


@case()
def queries(client):
    """A workspace query of SciPy is counted as one."""
    run = client.run([PYTHON, PROGRAM, "schur"])
    check_equal(run.totals["workspace_queries"], 1, "workspace queries")
