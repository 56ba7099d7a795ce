# SPDX-License-Identifier: BSD-3-Clause
"""Tests the module flopshim with unmodified NumPy and SciPy: each test of programs/budgets.py is a case, and programs that a
budget ends."""

import re

import flops
from harness import PYTHON, Skip, case, check, check_equal
from markers import BINDINGS, PROGRAMS, build_foreign, check_quiet, interpreters, namespaces, run_python, tests_in

NOT_TESTS = {"equal", "raises", "standard_error", "count_raised", "raised_in_place", "in_the_child", "product", "warned",
             "innocent", "python_calls", "flopshim_refused_calls", "multiprocessing_by_spawn", "main"}
OPERATIONS = tests_in("budgets.py", r'^    "(\w+)": lambda:')


def run_test(client, name, **variables):
    return run_python(client, PROGRAMS / "budgets.py", name, FOREIGN=build_foreign(client), REPORTER=client.reporter,
                      **variables)


@case(test=tuple(name for name in tests_in("budgets.py", r"^def (\w+)\(") if name not in NOT_TESTS))
def numpy(client):
    """The test of budgets.py passes. Its status says so."""
    run_test(client, client.test)


@case(operation=OPERATIONS)
def raised_in_place(client):
    """Each of 1,000 refused operations raises in place of its result."""
    check_quiet(run_test(client, f"raised_in_place={client.operation}"))


@case()
def spawned_process_starts_from_its_environment(client):
    """A spawned process starts in the namespace of its environment."""
    run_test(client, "multiprocessing_by_spawn", FLOPSHIM_NAMESPACE="spawned")


@case(interpreter=interpreters())
def interpreter(client):
    """A refused call raises on any Python, without NumPy: ctypes calls the BLAS."""
    run = run_python(client, PROGRAMS / "interpreters.py", interpreter=client.interpreter,
                     FOREIGN=build_foreign(client))
    check_equal(run.out, b"good\n", "standard output")
    check_quiet(run)


# ---- budgets of the environment ----

PROGRAM = """
import sys, numpy as np, flopshim
a = np.ones((50, 50))
def multiply():
    try:
        return str((a @ a)[0, 0])
    except flopshim.BudgetExhaustedError as error:
        return f"raised {error.limit} {error.namespace!r}"
print(multiply(), flush=True)
with flopshim.budget(1e9, namespace="inner"):
    print(multiply(), flush=True)
print("end")
"""
IMPORT = flops.dot(2)
EACH = flops.gemm(50, 50, 50)


def run_program(client, status=0, **variables):
    return run_python(client, "-c", PROGRAM, status=status, **variables)


@case()
def environment_budget_exits_inside_a_block_too(client):
    """A budget of the environment ends the process inside of a block of another budget too, and one line says why and
    where."""
    run = run_program(client, status=121, FLOPSHIM_BUDGET=IMPORT + EACH)
    check_equal(run.out, b"50.0\n", "standard output")
    check_equal(run.totals["charged"], IMPORT + EACH, "charged FLOPs")
    check(re.fullmatch(rb"flopshim: dgemm.* refused: [^\n]* in multiply \(<string>:6\)\n", run.err),
          "it does not say why and where, once")


@case()
def environment_budget_of_a_namespace_exits(client):
    """A budget of the environment for a namespace ends the process."""
    run = run_program(client, status=121, FLOPSHIM_BUDGET=f"inner={EACH - 1}")
    check_equal(run.out, b"50.0\n", "standard output")


@case()
def environment_budget_warns(client):
    """With FLOPSHIM_ON_EXCEED=warn the program goes on, and one line is printed."""
    run = run_program(client, FLOPSHIM_BUDGET=IMPORT + EACH, FLOPSHIM_ON_EXCEED="warn")
    check_equal(run.out, b"50.0\n50.0\nend\n", "standard output")
    check_equal(run.err.count(b"\n"), 1, "lines on standard error")


@case()
def environment_budget_denies(client):
    """With `deny`, a call outside of a block has a wrong result, and a call inside of a block raises."""
    run = run_program(client, FLOPSHIM_BUDGET=IMPORT + EACH, FLOPSHIM_ON_EXCEED="deny")
    check_equal(run.out, f"50.0\nraised {IMPORT + EACH} ''\nend\n".encode(), "standard output")
    program = PROGRAM.replace("print(multiply(), flush=True)\nwith", "print(multiply() != '50.0')\nwith")
    run = run_python(client, "-c", program, FLOPSHIM_BUDGET=IMPORT + EACH - 1, FLOPSHIM_ON_EXCEED="deny")
    check_equal(run.out.splitlines()[0], b"True", "first line")
    check(b"refused" in run.err, "it does not say so")


@case()
def environment_budget_signals(client):
    """With `signal`, the process ends by SIGXCPU, and the line says that the call was refused."""
    run = run_program(client, status=-24, FLOPSHIM_BUDGET=IMPORT + EACH, FLOPSHIM_ON_EXCEED="signal")
    check_equal(run.out, b"50.0\n", "standard output")
    check(b"refused" in run.err, "it does not say so")


@case()
def smaller_budget_of_the_environment_stays(client):
    """A larger budget of the program by accumulate=True does not replace one of the environment, and a smaller one does."""
    program = """
import numpy as np, flopshim
a = np.ones((50, 50))
@flopshim.budget({budget}, namespace="step", accumulate=True)
def step():
    a @ a
try:
    while True:
        step()
except flopshim.BudgetExhaustedError as error:
    print(error.limit)
"""
    run = run_python(client, "-c", program.format(budget=10 * EACH), status=121, FLOPSHIM_BUDGET=f"step={3 * EACH}")
    check_equal(namespaces(run)["step"], 3 * EACH, "FLOPs of the step")
    run = run_python(client, "-c", program.format(budget=2 * EACH), FLOPSHIM_BUDGET=f"step={3 * EACH}")
    check_equal(run.out, f"{2 * EACH}\n".encode(), "limit")


@case()
def accumulates_inside_of_the_process_namespace(client):
    """A budget by accumulate=True is of the namespace within FLOPSHIM_NAMESPACE, whatever block is open."""
    program = "import numpy as np, flopshim\n@flopshim.budget(1e9, namespace='step', accumulate=True)\n" \
              "def step(): np.ones((50, 50)) @ np.full((50, 50), 2.0)\nwith flopshim.namespace('x'): step()\n"
    run = run_python(client, "-c", program, FLOPSHIM_NAMESPACE="job")
    check_equal(namespaces(run)["job.step"], EACH, "FLOPs of the step")


@case(interpreter=interpreters())
def ends_with_the_line_that_charged(client):
    """The line about a refused charge() names the caller of the module, and not the module."""
    program = client.folder / "prog.py"
    program.write_text("import flopshim\n\ndef step():\n    flopshim.charge('mine', 10)\n\nstep()\n")
    run = run_python(client, program, interpreter=client.interpreter, status=121, FLOPSHIM_BUDGET=9)
    check(run.err.endswith(f", called from step ({program}:4)\n".encode()), "it does not name the line")


# ---- other tools of the program, and programs without the shim ----


@case()
def pytest(client):
    """pytest shows a refusal at the test's own line, without lines of the module."""
    (client.folder / "test_it.py").write_text("""
import flopshim, numpy as np

def test_call():
    with flopshim.budget(10):
        np.ones((50, 50)) @ np.ones((50, 50))

def test_charge():
    with flopshim.budget(10):
        flopshim.charge("mine", 11)

@flopshim.budget(10)
def step():
    return np.ones((50, 50)) @ np.ones((50, 50))

def test_function():
    step()
""")
    if client.run([PYTHON, "-c", "import pytest"], shim=False, status=None).status:
        raise Skip("no pytest")
    run = run_python(client, "-m", "pytest", "-q", "-p", "no:cacheprovider", client.folder / "test_it.py", status=1)
    check_equal(run.out.count(b": BudgetExhaustedError"), 3, "tests that the budgets stopped")
    check(b"flopshim/__init__.py" not in run.out, "it shows lines of the module")


SKLEARN = """
import flopshim, numpy as np, sys
try:
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC
except ImportError:
    sys.exit(77)
x = np.random.default_rng(0).random((400, 20))
y = (x[:, 0] > 0.5).astype(int)
neighbours = KNeighborsClassifier(algorithm="brute").fit(x, y)
for work in (lambda: neighbours.predict(x), lambda: SVC().fit(x, y)):
    try:
        with flopshim.budget(50e3):
            work()
    except flopshim.BudgetExhaustedError:
        print("raised")
    with flopshim.budget(1e9) as b:
        pass
    assert b.used == 0
"""


@case()
def scikit_learn(client):
    """OpenMP workers that are refused, and libsvm, which goes on after a refusal, raise once."""
    run = run_python(client, "-c", SKLEARN, status=None, OMP_NUM_THREADS=2)
    if run.status == 77:
        raise Skip("no scikit-learn")
    check_equal((run.status, run.out), (0, b"raised\nraised\n"), "status and output")


@case()
def import_changes_nothing(client):
    """A program that only imports the module runs as one that does not."""
    program = "import sys, numpy as np, flopshim\na = np.ones((50, 50))\nprint((a @ a)[0, 0])\n" \
              "print(flopshim.used('.'), flopshim.remaining())\nassert sys.gettrace() is None\n"
    run = run_python(client, "-c", program)
    check_equal(run.out, f"50.0\n{IMPORT + EACH} inf\n".encode(), "standard output")
    stopped = run_python(client, "-c", program, status=121, FLOPSHIM_BUDGET=IMPORT + EACH - 1)
    check_equal(stopped.out, b"", "standard output")


@case()
def without_the_shim(client):
    """Without the shim every function of the module has a result, one line says that nothing is counted, and
    required=True raises."""
    program = """
import math, flopshim
assert not flopshim.present()
with flopshim.budget(100, namespace="a", multiplier=2) as b:
    assert (b.used, b.remaining) == (0, 100)
    flopshim.charge("x", 10**9)
with flopshim.namespace("a"), flopshim.budget(1e9) as c:
    pass
@flopshim.budget(10, accumulate=True)
def step(): return 5
assert step() == 5 and step.flopshim.used == 0 and step.flopshim.remaining == 10
assert (flopshim.used(), flopshim.calls(), flopshim.remaining(), flopshim.cost("dgemm", m=1)) == (0, 0, math.inf, 0)
flopshim.set_budget("a", 5); flopshim.set_multiplier("a", 2); flopshim.reset()
assert flopshim.summary_dict(by_namespace=True) == {} and flopshim.summary() and flopshim.dump_path() is None
for wrong in (0, math.nan):
    try: flopshim.budget(wrong)
    except ValueError: pass
    else: raise AssertionError
try:
    with flopshim.budget(10, required=True): raise AssertionError
except RuntimeError as error: print(error)
"""
    run = run_python(client, "-c", program, shim=False)
    check(b"not loaded" in run.out, "required=True does not say why")
    check_equal(run.err.count(b"\n"), 1, "lines on standard error")
    check(run.err.startswith(b"flopshim: the shim is not loaded"), "it does not say so")
    quiet = run_python(client, "-c", "import flopshim; print(flopshim.present())", shim=False)
    check_equal((quiet.out, quiet.err), (b"False\n", b""), "a program that only asks")


@case()
def module_needs_the_standard_library_alone(client):
    """The module needs only the standard library."""
    run = client.run([PYTHON, "-S", "-E", "-c", f"import sys; sys.path.insert(0, {str(BINDINGS)!r}); import flopshim; "
                      "print('numpy' in sys.modules)"], shim=False)
    check_equal(run.out, b"False\n", "NumPy imported")
