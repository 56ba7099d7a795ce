# SPDX-License-Identifier: BSD-3-Clause
"""Tests R as the distribution packages it, on every BLAS. Expected FLOPs are those of textbook loops."""

import shutil

import flops
from harness import EVERY_BLAS, SCRIPTS, Skip, blas_library, case, check, check_calls, check_equal

NEAR = 1e-3  # as in test_numpy.py

EXPECTED = {
    "multiply": ({"dgemm": (1, flops.gemm(300, 400, 200))}, 0),
    "crossprod": ({"dsyrk": (1, flops.syrk(200, 300))}, 0),
    # solve() also estimates the condition number, by a norm and dgecon.
    "solve": ({"dgesv": (1, flops.gesv(200, 3)), "dlange": (1, None), "dgecon": (1, None)}, NEAR),
    "inverse": ({"dgesv": (1, flops.gesv(200, 200)), "dlange": (1, None), "dgecon": (1, None)}, NEAR),
    "chol": ({"dsyrk": (1, flops.syrk(50, 100)), "dpotrf": (1, flops.potrf(50))}, NEAR),
    "svd": ({"dgesdd": (1, None)}, 0),
    "eigen": ({"dgeev": (1, None)}, 0),
    "eigen_symmetric": ({"dsyevr": (1, None)}, 0),
}


def rscript(*arguments):
    """The command that runs R with these arguments. Skips the case if R is missing."""
    if not shutil.which("Rscript"):
        raise Skip("no Rscript")
    return ["Rscript", "--vanilla", *arguments]


@case(on=EVERY_BLAS, operation=EXPECTED)
def r(client):
    """Operations of R call the expected routines, cost what their textbook loops cost, and the same on every BLAS."""
    run = client.same(rscript(SCRIPTS / "linalg.R", client.operation))
    expected, tolerance = EXPECTED[client.operation]
    check_calls(run, expected, tolerance=tolerance)
    client.agree(f"r.{client.operation}", run)


@case(on=EVERY_BLAS)
def blas_chosen(client):
    """R uses the BLAS that the names of these cases state."""
    run = client.run(rscript("-e", 'cat(extSoftVersion()[["BLAS"]])'), shim=False)
    check(run.out.decode().startswith(blas_library(client.blas).rsplit("/", 1)[0]), "another BLAS")


@case()
def no_blas_no_file(client):
    """An R program without BLAS calls leaves no dump, even under a budget."""
    run = client.same(rscript(SCRIPTS / "linalg.R", "no_blas"), FLOPSHIM_BUDGET="1")
    check_equal(run.dumps, [], "dumps")
