# SPDX-License-Identifier: BSD-3-Clause
"""Tests what the module flopshim promises, with unmodified NumPy and SciPy under the shim: budgets.py TEST. It must never ask the
shim what a call should cost.

A product of m x k and k x n matrices is 2mnk FLOPs, a dot product of n elements is 2n, whatever computes them."""

import asyncio
import bdb
import contextlib
import ctypes
import functools
import gc
import json
import math
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
import weakref
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import scipy.linalg

import flops
import flopshim
from flopshim import BudgetExhaustedError

A = np.arange(1.0, 201.0).reshape(20, 10)
B = np.ones((10, 30))
PRODUCT = flops.gemm(20, 30, 10)  # 12,000
X = np.ones(50)
DOT = flops.dot(50)  # 100
S = np.eye(20) * 3 + np.ones((20, 20))
ROUNDS = 1000


def equal(got, expected):
    assert got == expected, f"{got!r}, but {expected!r} was expected"


def raises(kind, function, *arguments, **keywords):
    """Calls the function, which must raise this kind of exception, and returns the exception."""
    try:
        result = function(*arguments, **keywords)
    except kind as error:
        return error
    raise AssertionError(f"{kind} was expected, but the call returned {result!r}")


@contextlib.contextmanager
def standard_error():
    """Gives a list, which has the lines that the process wrote to file descriptor 2 when the block has ended."""
    lines = []
    read, write = os.pipe()
    saved = os.dup(2)
    sys.stderr.flush()
    os.dup2(write, 2)
    os.close(write)
    try:
        yield lines
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)
        with open(read) as pipe:
            lines += pipe.read().splitlines()


# ---- mechestim's table ----


def context():
    with flopshim.budget(10**6, namespace="forward") as b:
        equal((b.used, b.remaining), (0, 10**6))
        A @ B
        equal((b.used, b.remaining), (PRODUCT, 10**6 - PRODUCT))
        assert "12,000 of 1,000,000" in b.summary() and "forward" in b.summary(), b.summary()
    equal((b.used, b.remaining), (PRODUCT, 10**6 - PRODUCT))
    equal(flopshim.used("forward"), PRODUCT)
    equal(flopshim.calls("forward"), 1)
    A @ B
    equal(flopshim.used("forward"), PRODUCT)
    with b:  # the same object can be used again, with a new budget
        equal((b.used, b.remaining), (0, 10**6))


def without_namespace():
    with flopshim.namespace("train"), flopshim.budget(PRODUCT):
        A @ B
        raises(BudgetExhaustedError, lambda: X @ X)
    equal(flopshim.used("train"), PRODUCT)


def multiplier():
    with flopshim.budget(2.5 * PRODUCT + DOT, namespace="heavy", multiplier=2.5) as b:
        A @ B
        equal(b.used, 5 * PRODUCT // 2)
        equal(flopshim.cost("ddot", n=50), 250)
        raises(BudgetExhaustedError, lambda: X @ X)
    raises(ValueError, flopshim.budget, 100, multiplier=2)  # a multiplier needs a namespace
    for wrong in (0, -1, math.nan, math.inf, 2**31, 1e-30):
        raises(ValueError, flopshim.budget, 100, namespace="x", multiplier=wrong)
        raises(ValueError, flopshim.set_multiplier, "x", wrong)
    raises(TypeError, flopshim.set_multiplier, "x", "2")


def quiet():
    def refuse(**options):
        with flopshim.budget(10, **options):
            raises(BudgetExhaustedError, lambda: A @ B)

    with standard_error() as lines:
        refuse()
    equal(lines, [])
    with standard_error() as lines:
        refuse(quiet=False)
    equal(len(lines), 1)
    assert lines[0].startswith("flopshim: dgemm(") and "12,000" in lines[0], lines


def nesting():
    with flopshim.budget(5 * DOT, namespace="outer") as outer:
        with flopshim.budget(2 * DOT, namespace="inner") as inner:
            X @ X
            equal((outer.remaining, inner.remaining), (4 * DOT, DOT))
            error = raises(BudgetExhaustedError, lambda: A @ B)
            equal((error.namespace, error.limit), ("outer.inner", 2 * DOT))
            X @ X
        with flopshim.budget(100 * DOT, namespace="inner") as inner:
            equal(inner.remaining, 3 * DOT)  # no more than remains of the budget around it
            X @ X
            X @ X
            X @ X
            error = raises(BudgetExhaustedError, lambda: X @ X)
            equal((error.namespace, error.limit, error.remaining), ("outer", 5 * DOT, 0))
    equal(flopshim.used("outer"), 5 * DOT)
    equal(flopshim.used("outer.inner"), 5 * DOT)
    X @ X


def ten_thousand_nested():
    with contextlib.ExitStack() as stack:
        blocks = [stack.enter_context(flopshim.budget(10**6 - i)) for i in range(10000)]
        X @ X
        equal((blocks[0].used, blocks[-1].used), (DOT, DOT))
        equal(blocks[-1].remaining, 10**6 - 9999 - DOT)
    equal(blocks[0].used, DOT)
    equal(flopshim.remaining(), math.inf)


def namespace_limits():
    flopshim.set_budget("train", 3 * DOT)
    flopshim.set_budget("train.forward", DOT)
    with flopshim.namespace("train"):
        with flopshim.namespace("forward"):
            X @ X
            error = raises(BudgetExhaustedError, lambda: X @ X)
            equal((error.namespace, error.limit), ("train.forward", DOT))
        with flopshim.namespace("backward"):
            X @ X
            equal(flopshim.remaining(), DOT)
            X @ X
            error = raises(BudgetExhaustedError, lambda: X @ X)
            equal((error.namespace, error.remaining), ("train", 0))
    equal(flopshim.remaining("train"), 0)
    flopshim.set_budget("train", 4 * DOT)  # earlier use counts
    equal(flopshim.remaining("train"), DOT)


def decorator_for_every_call():
    @flopshim.budget(3 * DOT, namespace="step")
    def step(count):
        """Documented."""
        for _ in range(count):
            X @ X
        return count

    for _ in range(5):
        equal(step(3), 3)
        raises(BudgetExhaustedError, step, 4)
    equal((step.__name__, step.__doc__), ("step", "Documented."))
    equal(flopshim.used("step"), 30 * DOT)

    class Model:
        @flopshim.budget(DOT)
        def forward(self, x):
            return x @ x

    equal(Model().forward(X), 50)

    @flopshim.budget(3 * DOT)
    def recursive(depth):
        X @ X
        return recursive(depth - 1) if depth else "end"

    equal(recursive(2), "end")
    raises(BudgetExhaustedError, recursive, 3)


def decorator_that_accumulates():
    @flopshim.budget(10 * DOT, namespace="step", accumulate=True)
    def step():
        return X @ X

    @flopshim.budget(2 * DOT, accumulate=True)
    def unnamed():
        return X @ X

    for i in range(10):
        with flopshim.namespace(f"caller{i}"):
            step()
    error = raises(BudgetExhaustedError, step)
    equal((error.namespace, error.remaining, error.limit), ("step", 0, 10 * DOT))
    equal((step.flopshim.used, step.flopshim.remaining), (10 * DOT, 0))
    unnamed()
    unnamed()
    raises(BudgetExhaustedError, unnamed)
    equal(unnamed.flopshim.used, 2 * DOT)
    with flopshim.budget(DOT) as around:  # this outer budget holds too
        @flopshim.budget(10 * DOT, accumulate=True)
        def inside():
            return X @ X

        inside()
        error = raises(BudgetExhaustedError, inside)
        equal(error.limit, DOT)
    equal(around.used, DOT)
    raises(ValueError, flopshim.budget(10, accumulate=True).__enter__)  # accumulating needs a namespace


def accumulates_exactly_over_threads():
    @flopshim.budget(1000 * DOT, namespace="step", accumulate=True)
    def step():
        return X @ X

    ran = [0] * 4

    def work(number):
        for _ in range(500):
            try:
                step()
                ran[number] += 1
            except BudgetExhaustedError:
                pass

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(sum(ran), 1000)
    equal(step.flopshim.used, 1000 * DOT)


def decorator_of_what_runs_in_pieces():
    def generator():
        yield

    async def coroutine():
        pass

    async def asynchronous_generator():
        yield

    for function in (generator, coroutine, asynchronous_generator):
        raises(TypeError, flopshim.budget(10), function)
        raises(TypeError, flopshim.namespace("a"), function)


def wrong_budgets():
    for wrong in (0, -1, 0.0, -0.5, math.nan, math.inf, -math.inf, 2**63, 2**63 - 1, 1e300, 10**400):
        raises(ValueError, flopshim.budget, wrong)
        raises(ValueError, flopshim.set_budget, "a", wrong)
    for wrong in ("1e9", None, True, 1j, [1], b"5", np.array([1, 2])):
        raises(TypeError, flopshim.budget, wrong)
        raises(TypeError, flopshim.set_budget, "a", wrong)
    equal(flopshim.remaining("a"), math.inf)
    for good in (1, 0.5, 1e18, 2**63 - 2, np.int64(5), np.float32(7.5), np.float64(1e9)):
        with flopshim.budget(good) as b:
            equal(b.remaining, math.ceil(good))


def wrong_names():
    for wrong in ("a..b", "a.", "..", "a b", "a/b", "é", "\ud800", "a\0b", "x" * 10240, "*"):
        raises(ValueError, lambda: flopshim.namespace(wrong).__enter__())
        raises(ValueError, flopshim.set_budget, wrong, 10)
        raises(ValueError, flopshim.used, wrong)
    raises(TypeError, flopshim.used, 5)
    raises(TypeError, flopshim.budget, 10, 5)
    X @ X
    equal(flopshim.used("."), IMPORT + DOT)


def exact_fit():
    with flopshim.budget(PRODUCT):
        A @ B
    with flopshim.budget(PRODUCT - 1) as b:
        raises(BudgetExhaustedError, lambda: A @ B)
        equal(b.used, 0)
        X @ X  # a smaller call still fits
        equal(b.used, DOT)


def singular_matrix_is_still_that():
    with flopshim.budget(10**6) as b:
        raises(np.linalg.LinAlgError, np.linalg.inv, np.zeros((3, 3)))
        equal(b.used, flops.gesv(3, 3))  # the call was run, so it is charged


def charge():
    with flopshim.budget(1000, namespace="by-hand") as b:
        flopshim.charge("einsum", 600, "ij,jk->ik", [(10, 20), (20, 30), (10, 30)])
        flopshim.charge("fft", 100.5, shapes=[A.shape, ()])
        equal(b.used, 701)
        line = sys._getframe().f_lineno + 1
        error = raises(BudgetExhaustedError, lambda: flopshim.charge("fft", 300))
        equal((error.operation, error.cost, error.remaining, error.limit), ("fft", 300, 299, 1000))
        assert f"budgets.py:{line} in <lambda>" in error.site, error.site
        flopshim.charge("free", 0)
        equal(b.used, 701)
        raises(BudgetExhaustedError, lambda: A @ B)
    flopshim.set_budget("limited", 10)
    with flopshim.namespace("limited"):
        raises(BudgetExhaustedError, flopshim.charge, "x", 11)
    for wrong in (-1, math.nan, math.inf, 2**63):
        raises(ValueError, flopshim.charge, "x", wrong)
    raises(TypeError, flopshim.charge, "x", "5")
    raises(TypeError, flopshim.charge, 5, 5)
    raises(ValueError, flopshim.charge, "", 5)
    raises(ValueError, flopshim.charge, "x", 5, shapes=[()] * 9)
    raises(ValueError, flopshim.charge, "x", 5, shapes=[(1,) * 9])
    raises(TypeError, flopshim.charge, "x", 5, shapes=[(1.5,)])
    equal(flopshim.used("by-hand"), 701)


def charge_between_calls_is_not_mistaken():
    """A refused call raises at its own statement, even while other threads are inside of charge()."""
    caught = []

    def work():
        for _ in range(200):
            with flopshim.budget(10):
                try:
                    result = A @ B
                    caught.append(result)
                except BudgetExhaustedError as error:
                    equal(error.operation, "dgemm")

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        with flopshim.budget(10):
            equal(raises(BudgetExhaustedError, flopshim.charge, "by hand", 11).operation, "by hand")
    for thread in threads:
        thread.join()
    equal(caught, [])


def summaries():
    with flopshim.budget(10**6, namespace="train"):
        A @ B
        with flopshim.namespace("inner"):
            X @ X
            X @ X
    whole = flopshim.summary_dict()
    equal(whole["charged"], IMPORT + PRODUCT + 2 * DOT)
    equal(whole["operations"]["dgemm"], {"calls": 1, "flops": PRODUCT, "charged": PRODUCT})
    spaces = flopshim.summary_dict(by_namespace=True)["namespaces"]
    train, inner = spaces["train"], spaces["train.inner"]
    equal((train["own_charged"], train["inclusive_charged"]), (PRODUCT, PRODUCT + 2 * DOT))
    equal((inner["own_charged"], inner["inclusive_charged"]), (2 * DOT, 2 * DOT))
    equal((train["calls"], inner["calls"]), (3, 2))
    equal(inner["operations"]["ddot"]["calls"], 2)
    text = flopshim.summary(by_namespace=True)
    assert "train.inner" in text and "dgemm" in text, text
    assert "dgemm" in flopshim.summary()


def summaries_of_many():
    """Each operation of each namespace has its line, however many there are."""
    for space in range(40):
        with flopshim.namespace(f"space{space}"):
            for operation in range(50):
                flopshim.charge(f"op{operation}", operation + 1)
    operations = flopshim.summary_dict()["operations"]
    for operation in range(50):
        equal((operations[f"op{operation}"]["calls"], operations[f"op{operation}"]["flops"]), (40, 40 * (operation + 1)))
    spaces = flopshim.summary_dict(by_namespace=True)["namespaces"]
    for space in range(40):
        found = spaces[f"space{space}"]["operations"]
        equal({name: row["flops"] for name, row in found.items()}, {f"op{i}": i + 1 for i in range(50)})


def reset_does_not_refund():
    flopshim.set_budget("a", 3 * DOT)
    with flopshim.budget(2 * DOT, namespace="a") as b:
        X @ X
        flopshim.reset()
        equal((b.used, b.remaining, flopshim.used()), (DOT, DOT, DOT))
        equal(flopshim.summary_dict()["charged"], 0)
        X @ X
        equal(flopshim.summary_dict()["charged"], DOT)
        raises(BudgetExhaustedError, lambda: X @ X)
    equal(flopshim.remaining("a"), DOT)


def live():
    """flopshim-report can read the dump of a running process."""
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    with flopshim.budget(10**6, namespace="train"):
        A @ B
        out = subprocess.run([os.environ["REPORTER"], "--json", flopshim.dump_path()], env=environment, check=True,
                             capture_output=True).stdout
        row, = [row for row in json.loads(out)["namespaces"] if row["namespace"] == "train"]
        equal(row["inclusive_flops"], PRODUCT)


def what_the_error_tells():
    def culprit():
        return A @ B

    with flopshim.namespace("train"), flopshim.budget(1000, namespace="forward"):
        X @ X
        error = raises(BudgetExhaustedError, culprit)
    equal((error.operation, error.cost, error.remaining), ("dgemm", PRODUCT, 900))
    equal((error.namespace, error.limit), ("train.forward", 1000))
    equal(error.site, f"{__file__}:{culprit.__code__.co_firstlineno + 1} in culprit")
    assert "m=20" in error.call or "m=30" in error.call, error.call
    assert all(word in str(error) for word in ("dgemm", "12,000", "900", "1,000", "train.forward")), str(error)
    copy = pickle.loads(pickle.dumps(error))
    equal((copy.args, copy.operation, copy.limit, str(copy)), (error.args, "dgemm", 1000, str(error)))
    assert isinstance(error, RuntimeError)


# ---- raised in place ----

OPERATIONS = {
    "matmul": lambda: A @ B,
    "dot": lambda: np.dot(A, B),
    "solve": lambda: np.linalg.solve(S, S),
    "inv": lambda: np.linalg.inv(S),
    "svd": lambda: scipy.linalg.svd(S),
    "numpy_svd": lambda: np.linalg.svd(S),
    "eigh": lambda: np.linalg.eigh(S),
    "cholesky": lambda: np.linalg.cholesky(S),
    "qr": lambda: np.linalg.qr(S),
    "lu_factor": lambda: scipy.linalg.lu_factor(S),
    "sum": lambda: (A @ B).sum(),
    "einsum": lambda: np.einsum("ij,jk->ik", A, B, optimize=True),
    "tensordot": lambda: np.tensordot(A, B, 1),
    "batch": lambda: np.ones((5, 4, 4)) @ np.ones((5, 4, 4)),
    "map": lambda: list(map(np.dot, [A, A, A], [B, B, B])),
    "reduce": lambda: functools.reduce(np.dot, [A, B, B.T, A.T]),
}


def count_raised(operation, budget):
    """How often in ROUNDS rounds the error was raised in place of the result, before the next statement."""
    good = 0
    for _ in range(ROUNDS):
        result, went_on = None, False
        with flopshim.budget(budget) as b:
            try:
                result = operation()
                went_on = True
            except BudgetExhaustedError as error:
                good += result is None and not went_on and error.remaining < error.cost and b.used < budget
    return good


def raised_in_place(name):
    equal(count_raised(OPERATIONS[name], 100), ROUNDS)
    with flopshim.budget(10**7) as b:  # later calls work
        OPERATIONS[name]()
    assert b.used > 100, b.used


def raised_in_place_in_statements():
    """The result of a refused operator is neither stored nor passed on."""
    good, out = 0, np.full((20, 30), -1.0)
    for _ in range(ROUNDS):
        marks, c = [], "untouched"
        with flopshim.budget(10):
            try:
                c = A @ B
                marks.append("next line")
            except BudgetExhaustedError:
                marks.append("same line")
            try:
                np.matmul(A, B, out=out); marks.append("same line, next statement")  # noqa: E702
            except BudgetExhaustedError:
                pass
            try:
                marks += [A @ B for _ in range(3)]
            except BudgetExhaustedError:
                pass
            try:
                marks.append(A @ B)
            except BudgetExhaustedError:
                pass
            try:
                c @= B if isinstance(c, np.ndarray) else A @ B
            except BudgetExhaustedError:
                pass
            try:
                marks.append({"key": (A @ B)[0, 0] > 0 or True})
            except BudgetExhaustedError:
                pass
        good += marks == ["same line"] and isinstance(c, str) and c == "untouched" and (out == -1).all()
    equal(good, ROUNDS)


def raised_in_generators():
    def generator():
        while True:
            try:
                yield A @ B
            except BudgetExhaustedError:
                yield "refused"

    for _ in range(ROUNDS):
        with flopshim.budget(10):
            equal(next(generator()), "refused")
    with flopshim.budget(10):
        raises(BudgetExhaustedError, lambda: sum(float((A @ B).sum()) for _ in range(3)))
        raises(BudgetExhaustedError, lambda: sorted([1, 2], key=lambda _: (A @ B)[0, 0]))


def raised_in_worker_threads():
    counts = []

    def work(operation):
        counts.append(count_raised(operation, 100))

    operations = [OPERATIONS[name] for name in ("matmul", "solve", "svd", "matmul")]
    threads = [threading.Thread(target=work, args=(operation,)) for operation in operations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(counts, [ROUNDS] * len(operations))


def raised_in_a_pool_that_charges_to_its_maker():
    def work(_):
        result = None
        try:
            result = A @ B
        except BudgetExhaustedError:
            return result is None

    with ThreadPoolExecutor(4) as pool, flopshim.budget(100) as b:
        equal(sum(pool.map(work, range(ROUNDS))), ROUNDS)
        equal(b.used, 0)
        equal(pool.submit(lambda: b.used).result(), 0)
        raises(BudgetExhaustedError, pool.submit(lambda: A @ B).result)


def raised_where_c_calls_python_back():
    """A Python function that would be called with the result of a refused call does not run."""
    library = ctypes.CDLL(os.environ["FOREIGN"])
    library.dot_and_call.restype = ctypes.c_double
    seen, dropped = [], []
    function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(lambda value: seen.append(value) or value)
    # ctypes passes exceptions that a callback raises to this hook.
    sys.unraisablehook = lambda report: dropped.append(report.exc_type)
    for i in range(100):
        with flopshim.budget(10):
            raises(BudgetExhaustedError, library.dot_and_call, function)
        equal((seen, dropped), ([], [BudgetExhaustedError] * (i + 1)))
    with flopshim.budget(2000):
        equal(library.dot_and_call(function), 1000)
    equal(seen, [1000])


def raised_in_a_solver():
    """The Fortran code of LSODA and VODE goes on after a refused factorization and calls Python again: the error arrives."""
    from scipy.integrate import ode

    times = []
    solver = ode(lambda t, y: times.append(t) or -S @ y).set_integrator("vode", method="bdf")
    solver.set_initial_value(np.ones(20))
    with flopshim.budget(flops.gemm(20, 1, 20) * 30):
        raises(BudgetExhaustedError, solver.integrate, 10.0)
    count = len(times)
    equal(len(times), count)


def finalizers_and_signal_handlers_run():
    """Code that has nothing to do with a refused call never gets its exception."""
    deleted, handled = [], []

    class Matrix(np.ndarray):
        def __del__(self):
            deleted.append(helper(self.shape))

    def helper(shape):
        return shape

    sys.unraisablehook = lambda report: deleted.append(report)
    signal.signal(signal.SIGUSR1, lambda number, frame: handled.append(helper(number)))
    for i in range(200):
        with flopshim.budget(10):
            raises(BudgetExhaustedError, lambda: np.ones((20, 10)).view(Matrix) @ B)
        gc.collect(0)
    equal(set(deleted), {(20, 10)})
    library = ctypes.CDLL(os.environ["FOREIGN"])
    library.dot_here.restype = ctypes.c_double
    for i in range(200):
        with flopshim.budget(10):
            raises(BudgetExhaustedError, lambda: library.dot_here() + os.kill(os.getpid(), signal.SIGUSR1))
            raises(BudgetExhaustedError, lambda: os.kill(os.getpid(), signal.SIGUSR1) or library.dot_here())
    equal(handled, [signal.SIGUSR1] * 200)


def tracing_is_put_back():
    events = []

    def trace(frame, event, argument):
        if frame.f_code is traced.__code__:
            events.append((event, frame.f_lineno - traced.__code__.co_firstlineno))
        return trace

    def traced():
        with flopshim.budget(10):
            try:
                A @ B
            except BudgetExhaustedError:
                pass
        return sys.gettrace()

    for _ in range(100):
        events.clear()
        sys.settrace(trace)
        after = traced()
        sys.settrace(None)
        assert after is trace, after
        lines = [line for event, line in events if event == "line"]
        assert {1, 2, 3, 4, 5, 6}.issubset(lines), events
        equal([line for event, line in events if event == "exception"], [3])
        equal(events[-1][0], "return")
    equal(sys.gettrace(), None)
    traced()
    equal(sys.gettrace(), None)
    frame = sys._getframe()
    with flopshim.budget(10):
        try:
            A @ B
        except BudgetExhaustedError:
            pass
    equal((frame.f_trace, frame.f_trace_opcodes, sys.gettrace(), sys.getprofile()), (None, False, None, None))


def tracing_of_other_threads_is_put_back():
    wrong = []

    def trace(frame, event, argument):
        return trace

    def work():
        for _ in range(200):
            with flopshim.budget(10):
                try:
                    A @ B
                except BudgetExhaustedError:
                    pass
            if sys.gettrace() is not trace:
                wrong.append(sys.gettrace())

    threading.settrace(trace)
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    threading.settrace(None)
    equal(wrong, [])


def debugger_goes_on():
    """A debugger that steps through a refused call stops in the handler, as for any exception."""
    stops = []

    class Debugger(bdb.Bdb):
        def user_line(self, frame):
            if frame.f_code is debugged.__code__:
                stops.append(frame.f_lineno - debugged.__code__.co_firstlineno)
            self.set_step()

    def debugged():
        try:
            A @ B
            stops.append("went on")
        except BudgetExhaustedError:
            X @ X
        return "end"

    with flopshim.budget(DOT):
        debugger = Debugger()
        equal(debugger.runcall(debugged), "end")
        sys.settrace(None)
    equal(stops, [1, 2, 4, 5, 6])


def refused_in_a_trace_function():
    """A refused call raises inside of a trace function too, where nothing is traced."""
    values, failures = [], []

    def trace(frame, event, argument):
        if event == "line" and not failures:
            try:
                values.append(A @ B)
            except BudgetExhaustedError as error:
                failures.append(error)
        return trace

    def traced():
        a = 1
        return a

    with standard_error() as lines, flopshim.budget(10):
        sys.settrace(trace)
        traced()
        after = sys.gettrace()
        sys.settrace(None)
        raises(BudgetExhaustedError, lambda: A @ B)
    equal((values, len(failures)), ([], 1))
    assert after is trace, after
    equal(lines, [])


def python_calls(function, *arguments):
    """The number of Python functions of the module that a call runs, and the error that it raises."""
    calls = []

    def profile(frame, event, _argument):
        if event == "call" and frame.f_code.co_filename == flopshim.__file__:
            calls.append(frame.f_code.co_name)

    sys.setprofile(profile)
    threading.setprofile(profile)
    try:
        error = raises(BudgetExhaustedError, function, *arguments)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return len(calls), error


MANY = 20000


def refused_often_in_one_statement():
    """If compiled code goes on after a refusal, the first refusal is raised and all of them are counted."""
    for kind in (ctypes.CDLL, ctypes.PyDLL):  # the first releases the GIL during calls, the second holds it
        library = kind(os.environ["FOREIGN"])
        with flopshim.budget(1999) as b:
            calls, error = python_calls(library.dots_here, MANY)
            equal((error.cost, b.used), (2000, 0))
        assert calls < 20, calls
    refused = flopshim_refused_calls()
    equal(refused, 2 * MANY)


def refused_often_while_others_compute():
    """The same while another thread holds the GIL most of the time: only the first refusal waits for the GIL."""
    library = ctypes.CDLL(os.environ["FOREIGN"])
    ended = []

    def compute():
        while not ended:
            sum(range(1000))

    thread = threading.Thread(target=compute)
    thread.start()
    with flopshim.budget(1999):
        calls, _error = python_calls(library.dots_here, MANY)
    ended.append(True)
    thread.join()
    assert calls < 20, calls
    equal(flopshim_refused_calls(), MANY)


def refused_often_in_threads():
    """Refusals in threads that Python does not know are counted, and these threads do not wait for the GIL."""
    library = ctypes.CDLL(os.environ["FOREIGN"])
    with standard_error() as lines:
        def run():
            with flopshim.budget(1999):
                library.dots_in_threads(4, MANY, 0)
        calls, error = python_calls(run)
    equal((error.operation, error.site, len(lines)), ("ddot", None, 1))
    assert calls < 20, calls
    equal(flopshim_refused_calls(), 4 * MANY)


def flopshim_refused_calls():
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    out = subprocess.run([os.environ["REPORTER"], "--json", flopshim.dump_path()], env=environment, check=True,
                         capture_output=True).stdout
    return json.loads(out)["totals"]["refused_calls"]


def refused_in_a_thread_that_the_gils_holder_waits_for():
    library = ctypes.PyDLL(os.environ["FOREIGN"])
    library.dot_in_a_thread.restype = ctypes.c_double

    def run():
        with flopshim.budget(1999):
            equal(library.dot_in_a_thread(), 0)

    with standard_error():
        raises(BudgetExhaustedError, run)


def innocent():
    """Blocks in which every call fits are not disturbed."""
    with flopshim.budget(10**6) as b:
        X @ X
    with flopshim.namespace("innocent"):
        pass
    equal(b.used, DOT)


def refusal_of_a_thread_is_raised_once():
    """The refusal of the statement's own thread is raised; those of its other threads are not raised again later."""
    library = ctypes.CDLL(os.environ["FOREIGN"])
    with standard_error():
        for _ in range(20):
            with flopshim.budget(1999):
                raises(BudgetExhaustedError, library.dots_in_threads, 2, 3, 3)
            innocent()

            def escape():
                with flopshim.budget(1999):
                    library.dots_in_threads(2, 3, 3)

            raises(BudgetExhaustedError, escape)
            innocent()


def refusal_of_a_thread_ends_with_its_block():
    """If a block ends by another exception, that one is raised, and no refusal is raised later."""
    library = ctypes.CDLL(os.environ["FOREIGN"])

    def fail():
        with flopshim.budget(1999):
            library.dots_in_threads(2, 1, 0)
            raise KeyError("mine")

    with standard_error():
        raises(KeyError, fail)
        innocent()


def refusal_of_a_thread_outside_of_blocks():
    """If a namespace's budget is exceeded while no block is open, a line says so, and no later block raises it."""
    library = ctypes.CDLL(os.environ["FOREIGN"])
    flopshim.set_budget(".", IMPORT + 2 * DOT)
    with standard_error() as lines:
        library.dots_in_threads(1, 1, 0)
        with flopshim.budget(10**6) as b:
            X @ X
    equal((len(lines), b.used), (1, DOT))


def refusal_of_a_thread_is_raised_by_the_block_of_its_budget():
    """A refusal is raised by the block whose budget it was, not by a block inside of it; a namespace's by the innermost."""
    library = ctypes.CDLL(os.environ["FOREIGN"])
    passed = []

    def scope():
        with flopshim.budget(1999):
            with flopshim.budget(10**6), flopshim.namespace("inner"):
                library.dots_in_threads(2, 1, 0)
            passed.append("inner blocks")

    def namespace():
        with flopshim.budget(10**7):
            with flopshim.namespace("limited"):
                library.dots_in_threads(2, 1, 0)
            passed.append("limited")

    flopshim.set_budget("limited", 1999)
    with standard_error():
        raises(BudgetExhaustedError, scope)
        raises(BudgetExhaustedError, namespace)
    equal(passed, ["inner blocks"])
    innocent()


def refusal_of_a_thread_does_not_reach_a_forked_child():
    library = ctypes.CDLL(os.environ["FOREIGN"])

    def run():
        with flopshim.budget(1999):
            library.dots_in_threads(2, 1, 0)
            child = os.fork()
        if not child:
            os._exit(0)
        return child

    with standard_error():
        raised = []
        try:
            run()
        except BudgetExhaustedError as error:
            raised.append(error)
        child, status = os.wait()
    equal((len(raised), status), (1, 0))


def refused_in_a_thread_that_is_not_pythons():
    library = ctypes.CDLL(os.environ["FOREIGN"])
    library.dot_in_a_thread.restype = ctypes.c_double
    with standard_error() as lines:
        def run():
            with flopshim.budget(1999) as b:
                equal(library.dot_in_a_thread(), 0)  # denied
                equal(b.used, 0)
        error = raises(BudgetExhaustedError, run)
    equal((error.operation, error.cost, error.site), ("ddot", 2000, None))
    equal(len(lines), 1)
    with flopshim.budget(2000) as b:
        equal(library.dot_in_a_thread(), 1000)
    equal(b.used, 2000)


def interrupt_while_refusing():
    """Ctrl-C at the moment of a refusal is neither lost nor ends the process."""
    refuse = flopshim._refuse

    def interrupted(call):
        raise KeyboardInterrupt

    flopshim._refuse = interrupted
    with flopshim.budget(10):
        raises(KeyboardInterrupt, lambda: A @ B)
    flopshim._refuse = refuse
    with flopshim.budget(10):
        raises(BudgetExhaustedError, lambda: A @ B)


class Interruption(Exception):
    pass


def interrupted_by_signals():
    """An exception of a signal handler arrives at whatever moment of a refusal or of a block the signal comes."""
    arrived, refused, others = 0, 0, []

    def body():
        while True:
            with flopshim.budget(PRODUCT):
                A @ B
                A @ B
                others.append("went on")

    def interrupt(_number, frame):
        while frame:
            if frame.f_code is body.__code__:
                raise Interruption
            frame = frame.f_back

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0007)
    while arrived < 300 or refused < 300:
        try:
            body()
        except Interruption:
            arrived += 1
        except BudgetExhaustedError:
            refused += 1
        except BaseException as error:
            others.append(error)
        if sys.gettrace() or len(flopshim._open_budgets):
            others.append("not put back")
    signal.setitimer(signal.ITIMER_REAL, 0)
    equal(others, [])
    equal(flopshim.remaining(), math.inf)


def interrupted_in_what_is_said():
    """The same if the program's own sys.stderr raises in the middle of a refusal."""
    class Interrupting:
        def write(self, text):
            os.kill(os.getpid(), signal.SIGUSR1)
            return len(text)

        def flush(self):
            pass

    def interrupt(_number, _frame):
        raise Interruption

    signal.signal(signal.SIGUSR1, interrupt)
    library = ctypes.CDLL(os.environ["FOREIGN"])
    for refused in (lambda: A @ B, lambda: np.linalg.solve(S, S), library.dot_here):
        for _ in range(20):
            with flopshim.budget(10, quiet=False), contextlib.redirect_stderr(Interrupting()):
                raises(Interruption, refused)
            equal((sys.gettrace(), len(flopshim._open_budgets)), (None, 0))
    with flopshim.budget(10):
        raises(BudgetExhaustedError, lambda: A @ B)


def interrupted_by_a_profiler():
    """The same if a profile function raises, as one that enforces a time limit does."""
    def profile(frame, event, _argument):
        if event == "call" and frame.f_code.co_filename == flopshim.__file__ and armed:
            armed.pop()
            raise Interruption

    armed = []
    for refused in (lambda: A @ B, lambda: np.linalg.solve(S, S)):
        with flopshim.budget(10):
            armed.append(True)
            sys.setprofile(profile)
            raises(Interruption, refused)
            sys.setprofile(None)
            raises(BudgetExhaustedError, refused)
        equal((armed, sys.gettrace(), len(flopshim._open_budgets)), ([], None, 0))


def refused_without_room_for_a_call():
    """A refusal arrives if Python code fails while it is reported, because no stack is left."""
    def dive(depth):
        return dive(depth - 1) if depth else A @ B

    limit = sys.getrecursionlimit()
    kinds = set()
    for depth in range(limit - 60, limit):
        with flopshim.budget(10):
            try:
                kinds.add(type(dive(depth)))
            except (RecursionError, BudgetExhaustedError) as error:
                kinds.add(type(error))
    equal(kinds, {RecursionError, BudgetExhaustedError})
    with flopshim.budget(10):
        raises(BudgetExhaustedError, lambda: A @ B)


def other_exceptions_pass():
    def fail():
        with flopshim.budget(1000, namespace="failing"):
            X @ X
            raise KeyError("mine")

    raises(KeyError, fail)
    X @ X
    equal(flopshim.used("failing"), DOT)
    for stop in (SystemExit, KeyboardInterrupt, GeneratorExit):
        with flopshim.budget(1000):
            raises(stop, lambda: (_ for _ in ()).throw(stop()))


def raised_inside_of_try_and_with():
    """A refused `return a @ b` in a block is caught by the handlers of that block."""
    lock, marks = threading.Lock(), []

    def swallow():
        try:
            return A @ B
        except Exception:
            return None

    def suppress():
        with contextlib.suppress(BudgetExhaustedError), lock:
            return A @ B

    def last():
        try:
            return np.dot(A, B)
        finally:
            marks.append("finally")

    with flopshim.budget(DOT) as b:
        for _ in range(100):
            equal((swallow(), suppress()), (None, None))
            raises(BudgetExhaustedError, last)
            assert not lock.locked()
        equal(marks, ["finally"] * 100)
        X @ X
        equal(b.used, DOT)


def nothing_is_kept_alive():
    """Objects that only the refused statement used are freed when the exception has been handled."""
    class Data:
        pass

    def refuse(refused):
        data = Data()
        left.append(weakref.ref(data))
        return refused()

    left = []
    gc.disable()
    with flopshim.budget(10):
        for refused in (lambda: A @ B, lambda: np.dot(A, B), lambda: np.linalg.solve(S, S),
                        lambda: flopshim.charge("x", 11)):
            raises(BudgetExhaustedError, refuse, refused)
    equal([reference() for reference in left], [None] * 4)


# ---- threads, tasks and processes ----


def pool_charges_where_its_maker_stands():
    with ThreadPoolExecutor(3) as pool:
        with flopshim.namespace("first"):
            list(pool.map(lambda _: X @ X, range(300)))
        with flopshim.namespace("second"):
            list(pool.map(lambda _: X @ X, range(200)))
        list(pool.map(lambda _: X @ X, range(100)))

        def own(_):
            with flopshim.namespace("own"):
                X @ X

        with flopshim.namespace("third"):
            list(pool.map(own, range(50)))
    equal(flopshim.used("first"), 300 * DOT)
    equal(flopshim.used("second"), 200 * DOT)
    equal(flopshim.used("third.own"), 50 * DOT)
    equal(flopshim.used("."), IMPORT + 650 * DOT)


def asyncio_in_threads():
    async def main():
        def work():
            with flopshim.budget(DOT, namespace="task"):
                return X @ X

        equal(await asyncio.gather(*[asyncio.to_thread(work) for _ in range(20)]), [50.0] * 20)

    asyncio.run(main())
    equal(flopshim.used("task"), 20 * DOT)


def blocks_out_of_order():
    def generator(name):
        with flopshim.namespace(name):
            yield X @ X

    first, second = generator("first"), generator("second")
    next(first)
    next(second)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        equal((next(first, None), next(second, None)), (None, None))
    equal([warning.category for warning in said], [RuntimeWarning])
    X @ X
    equal(flopshim.used("."), IMPORT + 3 * DOT)
    equal(flopshim.used("first"), 2 * DOT)


def warned(function, *arguments):
    """Runs a function, and returns how many warnings about the order of blocks it causes; other warnings fail the test."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        function(*arguments)
    equal({warning.category for warning in said} - {RuntimeWarning}, set())
    return len(said)


def overlapping_blocks():
    """Blocks may end in any order: each holds until it ends itself."""
    first, second = flopshim.budget(10 * DOT), flopshim.budget(2 * DOT)
    first.__enter__()
    second.__enter__()
    X @ X
    equal(warned(first.__exit__, None, None, None), 0)
    equal((first.used, first.remaining), (DOT, 9 * DOT))
    X @ X
    raises(BudgetExhaustedError, lambda: X @ X)
    equal((second.used, second.remaining), (2 * DOT, 0))
    equal(warned(second.__exit__, None, None, None), 1)
    equal((second.used, second.remaining), (2 * DOT, 0))
    equal((len(flopshim._open_budgets), flopshim.remaining()), (0, math.inf))
    X @ X


def many_overlapping_blocks():
    """Blocks may end first in, first out, with namespaces between them, and others may be opened after one has ended."""
    blocks = [flopshim.budget(10**6 + i, namespace=f".n{i % 7}") if i % 3 else flopshim.namespace(".between")
              for i in range(300)]
    for block in blocks[:200]:
        block.__enter__()

    def shift():
        for i in range(100):
            blocks[i].__exit__(None, None, None)
            blocks[200 + i].__enter__()
            X @ X
        for i in range(100, 300):
            blocks[i].__exit__(None, None, None)

    equal(warned(shift), 299)
    equal((len(flopshim._open_budgets), flopshim.remaining()), (0, math.inf))
    before = flopshim.used("n1")
    X @ X
    equal(flopshim.used("n1"), before)


def exception_of_an_overlapping_block_passes():
    def body(action):
        outer, inner = flopshim.budget(10**9), flopshim.budget(10**9)
        outer.__enter__()
        with inner:
            outer.__exit__(None, None, None)
            raise KeyError("mine")

    for action in ("always", "error"):  # "error" makes warnings exceptions
        with warnings.catch_warnings(record=True):
            warnings.simplefilter(action)
            raises(KeyError, body, action)
    equal((len(flopshim._open_budgets), flopshim.remaining()), (0, math.inf))


def tasks_that_overlap():
    """Blocks around an `await` all end exactly once, and those that end out of order warn."""
    async def task(number):
        with flopshim.budget(10**6, namespace="task") as b:
            X @ X
            await asyncio.sleep(0)
            X @ X
            for _ in range(number % 3):
                await asyncio.sleep(0)
        if number % 5 == 0:
            raise KeyError(number)
        return b.remaining

    async def main():
        return await asyncio.gather(*[task(number) for number in range(20)], return_exceptions=True)

    results = []
    said = warned(lambda: results.extend(asyncio.run(main())))
    assert 1 <= said <= 20, said
    equal([type(result) for result in results], [int if number % 5 else KeyError for number in range(20)])
    equal((len(flopshim._open_budgets), flopshim.remaining()), (0, math.inf))
    before = flopshim.used(".")
    X @ X
    equal((flopshim.used("."), flopshim.used("task")), (before + DOT, before - IMPORT))


def block_that_is_never_left():
    """A block that is never left ends when its object, or the generator that it is in, is deleted."""
    def generator():
        with flopshim.budget(10**6, namespace="dropped"):
            yield X @ X

    entered = flopshim.budget(DOT)
    entered.__enter__()
    pending = generator()
    next(pending)
    del entered, pending
    gc.collect()
    X @ X
    X @ X
    equal((len(flopshim._open_budgets), flopshim.remaining()), (0, math.inf))
    equal(flopshim.used("dropped"), DOT)


def block_ended_in_another_thread():
    block = flopshim.budget(10**6, namespace="a")
    block.__enter__()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        thread = threading.Thread(target=block.__exit__, args=(None, None, None))
        thread.start()
        thread.join()
    equal([warning.category for warning in said], [RuntimeWarning])
    X @ X
    equal(flopshim.used(".a"), 0)  # the block has ended
    equal(len(flopshim._open_budgets), 0)


def block_is_not_entered_twice():
    block = flopshim.budget(1000)
    with block:
        raises(RuntimeError, block.__enter__)
        X @ X
        equal(block.used, DOT)
    equal(block.used, DOT)


def in_the_child(_=None):
    X @ X
    return flopshim.used("."), flopshim.used(".train")


def forked_process():
    with flopshim.budget(5 * DOT, namespace="train") as b:
        X @ X
        dump = flopshim.dump_path()
        child = os.fork()
        if not child:
            try:
                assert flopshim.dump_path() != dump, dump
                equal((b.used, b.remaining), (0, 4 * DOT))
                for _ in range(4):
                    X @ X
                raises(BudgetExhaustedError, lambda: X @ X)
                equal(flopshim.used(".train"), 4 * DOT)
            except BaseException as error:
                print(repr(error), file=sys.stderr)
                os._exit(1)
            os._exit(0)
        equal(os.waitpid(child, 0)[1], 0)
        equal((b.used, b.remaining), (DOT, 4 * DOT))


def multiprocessing_by_fork():
    with flopshim.namespace("train"):
        with multiprocessing.get_context("fork").Pool(2) as pool:
            results = pool.map(in_the_child, range(10), chunksize=5)
    assert all(total == train and train % DOT == 0 for total, train in results), results
    equal(flopshim.used("train"), 0)  # work of the children is not the parent's


def error_comes_back_from_a_process():
    with flopshim.budget(10), ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        error = raises(BudgetExhaustedError, pool.submit(product).result)
    equal((error.operation, error.cost, error.limit), ("dgemm", PRODUCT, 10))


def product():
    return A @ B


def multiprocessing_by_spawn():
    """A spawned process starts with the settings of its environment, here FLOPSHIM_NAMESPACE=spawned."""
    with flopshim.namespace("train"):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            total, train = pool.apply(in_the_child)
            spawned = pool.apply(flopshim.used, (".spawned",))
    equal((total, train, spawned), (IMPORT + DOT, 0, IMPORT + DOT))


# ---- questions ----


def cost():
    equal(flopshim.cost("dgemm", m=300, n=400, k=200), 48_000_000)
    equal(flopshim.cost("dgemm", transa="T", m=np.int64(3), n=4, k=5), 120)
    equal(flopshim.cost("ddot", n=50), DOT)
    raises(ValueError, flopshim.cost, "nonesuch")
    raises(ValueError, flopshim.cost, "dgemm", q=1)
    raises(ValueError, flopshim.cost, "dgemm", m="three")
    raises(TypeError, flopshim.cost, "dgemm", m=1.5)
    raises(TypeError, flopshim.cost, 5)
    equal(flopshim.used("."), IMPORT)


def present():
    assert flopshim.present()
    with flopshim.budget(10, required=True):
        pass


IMPORT = 0  # FLOPs of `import numpy`, which computes a dot product


def main():
    global IMPORT
    IMPORT = flopshim.used(".")
    name, *arguments = sys.argv[1].split("=")
    globals()[name](*arguments)


if __name__ == "__main__":
    main()
