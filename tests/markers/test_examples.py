# SPDX-License-Identifier: BSD-3-Clause
"""Tests the examples: they must run the same without the shim, cost what mathematics says with it, and stop at a budget."""

import re

import flops
from harness import PYTHON, case, check, check_equal
from markers import BINDINGS, BLAS, EXAMPLES, build, check_quiet, namespaces, run_python


def c_program(client):
    return [build(client, EXAMPLES / "power.c", name="example-power")]


def cxx_program(client):
    return [build(client, EXAMPLES / "fit.cc", name="example-fit")]


def fortran_program(client):
    return [build(client, [BINDINGS / "flopshim.f90", EXAMPLES / "heat.f90"], name="example-heat")]


@case()
def build_lines(client):
    """Each example says how it is built, and none needs a library of flopshim's."""
    for source, compiler in (("power.c", "cc"), ("fit.cc", "c++"), ("heat.f90", "gfortran")):
        text = (EXAMPLES / source).read_text()
        line = re.search(rf"^\W+({re.escape(compiler)} -O2 .*?)(  |$)", text, re.M)
        check(line, f"{source} does not say how it is built")
        check("-lflopshim" not in line[1], f"{source} is linked with flopshim")
        check(not set(re.findall(r"-l\w+", line[1])) - set(BLAS), f"{source}: {line[1]}")


# ---- C ----

# A step is a matrix times a vector, a dot product, a norm with its square root, and a scaling.
POWER_STEP = flops.gemv(200, 200) + flops.dot(200) + (flops.dot(200) + 1) + 200


@case()
def power(client):
    """power.c gives the same result under the shim, and its steps cost what their products cost."""
    without = client.run(c_program(client), shim=False)
    steps = int(re.fullmatch(rb"201\.000000 after (\d+) steps\n", without.out)[1])
    run = client.run(c_program(client))
    check_equal((run.out, run.err), (without.out, b""), "output")
    check_equal(namespaces(run)["iterate"], steps * POWER_STEP, "FLOPs of the steps")


@case()
def power_stops_by_itself(client):
    """power.c stops by itself before a step that does not fit its budget, and no call is refused."""
    run = client.run([*c_program(client), 4 * POWER_STEP - 1])
    check(run.out.endswith(b" after 3 steps\n"), "it did not stop after 3 steps")
    check_equal(namespaces(run)["iterate"], 3 * POWER_STEP, "FLOPs of the steps")
    check_equal(run.totals["refused_calls"], 0, "refused calls")


@case()
def power_is_stopped(client):
    """power.c sees a budget of the environment and stops by itself. A call that it did not ask about is refused."""
    run = client.run(c_program(client), FLOPSHIM_BUDGET=f"iterate={2 * POWER_STEP}")
    check(run.out.endswith(b" after 2 steps\n"), "it did not stop after 2 steps")
    run = client.run(c_program(client), status=121, FLOPSHIM_BUDGET="setup=1000")
    check(b"dger" in run.err and run.out == b"", "it was not stopped at dger")


# ---- C++ ----


@case()
def fit(client):
    """fit.cc gives the same result under the shim, its degrees cost what QR costs, and a budget stops it at the right
    degree."""
    without = client.run(cxx_program(client), shim=False)
    check_equal(without.out.count(b"degree"), 10, "degrees")
    run = client.run(cxx_program(client))
    check_equal((run.out, run.err), (without.out, b""), "output")
    spaces = namespaces(run)
    check_equal(sum(spaces[f"fit.{degree}"] for degree in range(10)), spaces["fit"], "FLOPs of the degrees")
    for degree in (5, 9):
        n = degree + 1
        least = flops.geqrf(100, n)  # the right-hand side takes some more
        check(least <= spaces[f"fit.{degree}"] <= 1.5 * least, f"degree {degree}: {spaces[f'fit.{degree}']} FLOPs")
    budget = sum(spaces[f"fit.{degree}"] for degree in range(4))
    stopped = client.run([*cxx_program(client), budget])
    check_equal(stopped.out.splitlines()[:4], without.out.splitlines()[:4], "degrees that fit")
    check_equal(stopped.out.splitlines()[4:], [b"degree 4 does not fit the budget"], "the end")


# ---- Fortran ----


@case()
def heat(client):
    """heat.f90 gives the same result under the shim, its two namespaces cost what their products cost, and a budget
    stops it."""
    without = client.run(fortran_program(client), shim=False)
    check(re.fullmatch(rb"steps 50, largest error +\S+E-1\d\n", without.out), "another result")
    run = client.run(fortran_program(client))
    check(run.out.startswith(without.out), "another result with the shim")
    check_quiet(run)
    n, steps = 99, 50
    spaces = namespaces(run)
    # The first and last row of the band have 2 elements, all others 3. A step updates two vectors.
    check_equal(spaces["solve.matrix"], steps * 2 * (3 * n - 2), "FLOPs of the matrix")
    vectors = (2 * steps + 1) * flops.dot(n) + 2 * steps * flops.axpy(n)
    check_equal(spaces["solve.vectors"], vectors, "FLOPs of the vectors")
    check_equal(run.out.decode().splitlines()[1:],
                [f"matrix  {spaces['solve.matrix']} FLOPs", f"vectors {spaces['solve.vectors']} FLOPs"], "what it says")
    stopped = client.run(fortran_program(client), status=121, FLOPSHIM_BUDGET="solve=50k")
    check(namespaces(stopped)["solve"] <= 50000, "over the budget")
    check_equal(stopped.out, b"", "standard output")


# ---- Python ----

FORWARD = flops.gemm(256, 32, 16) + flops.gemv(256, 32)
BACKWARD = flops.gemm(16, 32, 256) + flops.gemv(32, 256)  # NumPy computes the outer product without a BLAS


@case()
def train(client):
    """train.py gives the same result under the shim, and both of its namespaces cost what their products cost."""
    program = EXAMPLES / "train.py"
    without = run_python(client, program, shim=False)
    check(without.err.startswith(b"flopshim: the shim is not loaded"), "it does not say that nothing is counted")
    run = run_python(client, program)
    check_quiet(run)
    total = 20 * (FORWARD + BACKWARD)
    check_equal(run.out, without.out.replace(b" 0 FLOPs", f" {total:,} FLOPs".encode()), "standard output")
    spaces = namespaces(run)
    check_equal((spaces["train.forward"], spaces["train.backward"]), (20 * FORWARD, 20 * BACKWARD), "FLOPs")


@case()
def train_stops(client):
    """train.py stops in the epoch in which its budget is used up."""
    budget = 7 * (FORWARD + BACKWARD) + FORWARD
    run = run_python(client, EXAMPLES / "train.py", budget)
    check(run.out.startswith(b"stopped in epoch 8 by dgem"), "it was not stopped in epoch 8")
    check(run.out.endswith(f", {budget:,} FLOPs\n".encode()), "other FLOPs")
    check_quiet(run)


@case()
def regression(client):
    """regression.py, which knows nothing of flopshim, gives the same bytes under the shim, and costs what mathematics
    says."""
    program = [PYTHON, EXAMPLES / "regression.py"]
    run = client.same(program)
    each = flops.syrk(60, 500) + flops.gemv(60, 500) + flops.gesv(60, 1)
    check_equal(run.totals["flops"], flops.dot(2) + flops.gemv(500, 60) + 3 * each, "FLOPs")
    stopped = client.run(program, status=121, FLOPSHIM_BUDGET="5M")
    check_equal(stopped.out.splitlines(), run.out.splitlines()[:3], "standard output")
    check(stopped.totals["flops"] <= 5_000_000, "over the budget")
    warned = client.run(program, FLOPSHIM_BUDGET="5M", FLOPSHIM_ON_EXCEED="warn")
    check_equal((warned.out, warned.err.count(b"\n")), (run.out, 1), "output with a warning")
