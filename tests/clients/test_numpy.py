# SPDX-License-Identifier: BSD-3-Clause
"""Tests NumPy as the distribution packages it, on every BLAS. Expected FLOPs are those of textbook loops."""

import flops
from harness import EVERY_BLAS, Failure, PYTHON, QUICK_BLAS, SCRIPTS, case, check, check_calls, check_equal

PROGRAM = SCRIPTS / "numpy_linalg.py"

# Implementations of direct LAPACK routines differ by operations of lower order, such as a reciprocal instead of n
# divisions. That is far less than this part of an O(n^3) total.
NEAR = 1e-3
# The textbook count of Householder routines leaves out the scalar operations of each reflector.
HOUSEHOLDER = 0.03

DIRECT = {
    "matmul": ({"dgemm": (1, 48_000_000)}, 0),
    "gram": ({"dsyrk": (1, flops.syrk(300, 200))}, 0),
    "matvec": ({"dgemv": (1, flops.gemv(300, 200))}, 0),
    "stack": ({"dgemm": (1000, 1000 * flops.gemm(4, 4, 4))}, 0),
    "dot": ({"ddot": (1, flops.dot(1000))}, 0),
    "single": ({"sgemm": (1, flops.gemm(30, 40, 20))}, 0),
    "complex": ({"zgemm": (1, flops.complex_gemm(30, 40, 20))}, 0),
    "solve": ({"dgesv": (1, flops.gesv(200, 1))}, NEAR),
    "inv": ({"dgesv": (1, flops.gesv(200, 200))}, NEAR),
    "cholesky": ({"dpotrf": (1, flops.potrf(200))}, NEAR),
    "qr": ({"dgeqrf": (1, flops.geqrf(150, 100)), "dorgqr": (1, flops.orgqr(150, 100, 100))}, HOUSEHOLDER),
}
ITERATIVE = {
    "svd": {"dgesdd": (1, None)},
    "eigh": {"dsyevd": (1, None)},
    "eig": {"dgeev": (1, None)},
    "lstsq": {"dgelsd": (1, None)},
}
# `import numpy` tests its BLAS with a dot product of two elements in single precision.
IMPORT = {"sdot": (1, flops.dot(2))}

QUERIED = ("svd", "eigh", "eig", "lstsq", "qr")  # NumPy asks these for the size of their workspace first


@case(on=EVERY_BLAS, operation=DIRECT)
def direct(client):
    """Operations with direct algorithms cost what their textbook loops cost, and the same on every BLAS."""
    run = client.same([PYTHON, PROGRAM, client.operation])
    expected, tolerance = DIRECT[client.operation]
    check_calls(run, expected | IMPORT, tolerance=tolerance)
    client.agree(f"numpy.{client.operation}", run)


@case(on=EVERY_BLAS, operation=ITERATIVE)
def iterative(client):
    """Decompositions call the expected LAPACK routine once, and have a price, the same on every BLAS."""
    run = client.same([PYTHON, PROGRAM, client.operation])
    check_calls(run, ITERATIVE[client.operation] | IMPORT)
    check(run.totals["flops"] > 1000, "a decomposition costs something")
    client.agree(f"numpy.{client.operation}", run)


@case(operation=QUERIED)
def workspace_queries(client):
    """A routine that NumPy first calls for the size of its workspace has a workspace query counted."""
    run = client.run([PYTHON, PROGRAM, client.operation])
    check(run.totals["workspace_queries"] >= 1, "no workspace query was counted")


@case(on=("reference", "atlas"))
def nested_calls_are_seen(client):
    """If LAPACK reaches its BLAS through the dynamic linker, nested calls are seen, and cost nothing."""
    run = client.run([PYTHON, PROGRAM, "solve"])
    check(run.totals["nested_calls"] > 0, "no nested call was seen")
    check_calls(run, {"dgesv": (1, flops.gesv(200, 1))} | IMPORT, tolerance=NEAR)


@case()
def two_threads(client):
    """OpenBLAS's own worker threads make no calls that are counted, and the results are the same."""
    run = client.same([PYTHON, PROGRAM, "matmul"], threads=2)
    check_calls(run, {"dgemm": (1, 48_000_000)} | IMPORT)


@case()
def no_blas(client):
    """Operations that NumPy does without a BLAS cost nothing."""
    run = client.same([PYTHON, PROGRAM, "no_blas"])
    check_calls(run, IMPORT)


@case(on=QUICK_BLAS)
def no_new_warnings(client):
    """No call leaves a floating-point flag set that NumPy would warn of after its loops."""
    run = client.same([PYTHON, "-W", "error", PROGRAM, "fp_errors"])
    check_equal(run.routines["dgemm"], (3, sum(flops.gemm(n, n, n) for n in (2, 30, 100))), "dgemm")


THREADS = """
import threading, numpy as np
a = np.ones((20, 20))
def work():
    for _ in range(500):
        a @ a
        np.linalg.solve(a + np.eye(20), a[0])
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
a @ a
"""


@case(on=QUICK_BLAS)
def python_threads(client):
    """Calls of several Python threads at once are all counted."""
    run = client.same([PYTHON, "-c", THREADS])
    routines = run.routines
    # NumPy computes `a @ a` by dgemm; only `a @ a.T` would be dsyrk.
    check_equal(routines["dgemm"], (2001, 2001 * flops.gemm(20, 20, 20)), "dgemm")
    check_equal(routines["dgesv"][0], 2000, "calls of dgesv")


FORK = """
import multiprocessing as mp, numpy as np
def work(n):
    a = np.ones((n, n)); b = np.ones((n, n + 1))
    return (a @ b)[0, 0]
if __name__ == "__main__":
    work(10)
    with mp.get_context("%s").Pool(2) as pool:
        print(pool.map(work, [20, 30, 40, 50], chunksize=1))
"""


@case(method=("fork", "spawn"))
def multiprocessing(client):
    """Each process leaves a dump of its own, and together they have each product once."""
    script = client.folder / "work.py"
    script.write_text(FORK % client.method)
    run = client.same([PYTHON, script])
    sizes = (10, 20, 30, 40, 50)
    check_equal(run.routines["dgemm"], (5, sum(flops.gemm(n, n + 1, n) for n in sizes)), "dgemm")
    if len(run.dumps) < 2:
        raise Failure("the children left no dump")
    check_equal(run.report["processes"], len(run.dumps), "processes")
