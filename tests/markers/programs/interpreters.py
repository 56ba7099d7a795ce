# SPDX-License-Identifier: BSD-3-Clause
"""Tests that a refused call raises in place of its result, on any Python. It must never need NumPy: ctypes calls the BLAS."""

import contextlib
import ctypes
import os
import sys
import threading

import flopshim
from flopshim import BudgetExhaustedError

ROUNDS = 300
foreign = ctypes.CDLL(os.environ["FOREIGN"])
foreign.dot_here.restype = foreign.dots_here.restype = foreign.dot_and_call.restype = ctypes.c_double
DOT = 2000
seen, dropped = [], []
remember = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(lambda value: seen.append(value) or value)
sys.unraisablehook = lambda report: dropped.append(report.exc_type)


def assigned():
    result, marks = "untouched", []
    try:
        result = foreign.dot_here()
        marks.append("next line")
    except BudgetExhaustedError as error:
        return result == "untouched" and not marks and error.cost == DOT


def returned_inside_of_try():
    def function():
        try:
            return foreign.dot_here()
        except BudgetExhaustedError:
            return "caught"

    return function() == "caught"


def returned_inside_of_with():
    lock = threading.Lock()

    def function():
        with contextlib.suppress(BudgetExhaustedError), lock:
            return foreign.dot_here()

    return function() is None and not lock.locked()


def in_an_expression():
    marks = []
    try:
        marks.append([foreign.dot_here() for _ in range(3)])
    except BudgetExhaustedError:
        return not marks


def in_a_generator():
    def generator():
        try:
            yield foreign.dot_here()
        except BudgetExhaustedError:
            yield "caught"

    return next(generator()) == "caught"


def refused_often_in_one_call():
    result = None
    try:
        result = foreign.dots_here(5)
    except BudgetExhaustedError:
        return result is None


def before_python_is_called_back():
    try:
        foreign.dot_and_call(remember)
    except BudgetExhaustedError:
        return not seen and dropped.pop() is BudgetExhaustedError and not dropped


TESTS = [assigned, returned_inside_of_try, returned_inside_of_with, in_an_expression, in_a_generator,
         refused_often_in_one_call, before_python_is_called_back]


def trace(frame, event, argument):
    return trace


def count(test):
    with flopshim.budget(DOT - 1) as b:
        return sum(bool(test()) for _ in range(ROUNDS)) if b.used == 0 else -1


def main():
    for test in TESTS:
        assert count(test) == ROUNDS, test.__name__
        sys.settrace(trace)
        good, after = count(test), sys.gettrace()
        sys.settrace(None)
        assert (good, after) == (ROUNDS, trace), (test.__name__, good, after)
    counts = []
    threads = [threading.Thread(target=lambda: counts.append([count(test) for test in TESTS[:5]])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [[ROUNDS] * 5] * 4, counts
    assert sys.gettrace() is None
    with flopshim.budget(DOT) as b:  # later calls work
        assert foreign.dot_here() == 1000
        assert b.used == DOT
    print("good")


main()
