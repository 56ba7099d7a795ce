# SPDX-License-Identifier: BSD-3-Clause
"""Tests batches of products whose groups differ, which BLIS has. No case may take the price of a batch from the shim."""

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "dumps"))
import flops
import read_dump
from harness import case, check_equal

GROUPS = ((2, (2, 3, 4)), (3, (5, 6, 7)))


@case(on=("blis-pthread",))
def groups(client):
    """A call costs the sum of its groups, and a call of a single group has the row of its shape."""
    run = client.same([client.compile("batch.c")])
    of_first, of_second = (size * flops.gemm(*shape) for size, shape in GROUPS)
    check_equal(run.routines["dgemm_batch"], (2, of_first + of_second + of_first), "calls and FLOPs")


@case(on=("blis-pthread",))
def refused(client):
    """A batch whose sum does not fit the budget is refused as a whole."""
    program = client.compile("batch.c")
    of_first, of_second = (size * flops.gemm(*shape) for size, shape in GROUPS)
    run = client.run([program], FLOPSHIM_BUDGET=of_first + of_second - 1, FLOPSHIM_ON_EXCEED="deny")
    check_equal(run.routines["dgemm_batch"], (1, of_first), "calls and FLOPs")
    check_equal(run.totals["refused_calls"], 1, "refused calls")


def crash(client, *arguments):
    """Runs a program that crashes in a call. flopshim-report and the reader of the dump's page must agree about its
    dump."""
    run = client.run([client.compile("crash.c"), *arguments], status=-signal.SIGSEGV)
    (dump,) = run.dumps
    by_page = read_dump.describe(read_dump.Dump(Path(dump).read_bytes()))["totals"]
    for total in ("calls", "flops", "charged", "words", "in_flight_calls"):
        check_equal(by_page[total], run.totals[total], f"{total}, by the page")
    return run


@case(on=("blis-pthread",), calls=(0, 3))
def in_flight(client):
    """A batch that has not ended is one call in flight, and the totals have nothing of it."""
    each = sum(size * flops.gemm(*shape) for size, shape in GROUPS)
    run = crash(client, "batch", client.calls)
    totals = run.totals
    check_equal((totals["calls"], totals["flops"], totals["charged"]),
                (client.calls, client.calls * each, client.calls * each), "calls, FLOPs and charges of calls that are done")
    check_equal((totals["in_flight_calls"], totals["in_flight_flops"]), (1, each), "calls in flight and their FLOPs")
    check_equal(sum(row["flops"] for row in run.report["routines"]), client.calls * each, "FLOPs of the routines")


@case()
def in_flight_among_many_shapes(client):
    """A call in flight whose row is shared by many shapes is in no total either. A call of n elements is 2 n FLOPs."""
    shapes = 40_000
    totals = crash(client, "shapes", shapes).totals
    check_equal((totals["calls"], totals["flops"]), (shapes, shapes * (shapes + 1)), "calls that are done, and their FLOPs")
    check_equal((totals["in_flight_calls"], totals["in_flight_flops"]), (1, 2 * (shapes + 1)),
                "calls in flight, and their FLOPs")
