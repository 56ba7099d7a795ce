# SPDX-License-Identifier: BSD-3-Clause
"""Batches of products, whose groups differ: BLIS has them."""

import flops
from harness import case, check_equal

GROUPS = ((2, (2, 3, 4)), (3, (5, 6, 7)))


@case(on=("blis-pthread",))
def groups(client):
    """A call costs the sum of its groups; one of a single group has the row of its shape."""
    run = client.same([client.compile("batch.c")])
    of_first, of_second = (size * flops.gemm(*shape) for size, shape in GROUPS)
    check_equal(run.routines["dgemm_batch"], (2, of_first + of_second + of_first), "calls and FLOPs")


@case(on=("blis-pthread",))
def refused(client):
    """The whole batch is refused where its sum does not fit."""
    program = client.compile("batch.c")
    of_first, of_second = (size * flops.gemm(*shape) for size, shape in GROUPS)
    run = client.run([program], FLOPSHIM_BUDGET=of_first + of_second - 1, FLOPSHIM_ON_EXCEED="deny")
    check_equal(run.routines["dgemm_batch"], (1, of_first), "calls and FLOPs")
    check_equal(run.totals["refused_calls"], 1, "refused calls")
