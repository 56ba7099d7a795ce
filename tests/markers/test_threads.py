# SPDX-License-Identifier: BSD-3-Clause
"""Tests budgets under threads, from C."""

from harness import case, check, check_equal
from markers import LONG, PROGRAMS, build


@case(seed=("1", "2", "3"))
def eight_use_up_one_budget(client):
    """Eight threads never exceed a budget together, and no call is refused that fits. The program checks this itself,
    and the dump must agree."""
    rounds = 1000 if LONG else 50
    run = client.run([build(client, PROGRAMS / "threads.c", "-pthread"), rounds, client.seed], timeout=600)
    said, _, flops, _ = run.out.decode().split()
    check_equal(said, str(rounds), "rounds")
    check_equal(run.totals["charged"], int(flops), "charged FLOPs of the dump")
    check(run.totals["refused_calls"] > rounds, "hardly anything was refused")


@case()
def openmp_pool(client):
    """Threads of an OpenMP pool charge to the scope of the thread that created them. The program checks this itself."""
    client.run([build(client, PROGRAMS / "pool.c", "-fopenmp")], FLOPSHIM_ON_EXCEED="deny")


@case(kind=("small", "small-limited", "expensive-limited"))
def depth(client):
    """A call inside of 10,000 scopes costs at most three times as much as inside of one."""
    run = client.run([build(client, PROGRAMS / "depth.c")])
    costs = {kind: (float(one), float(many)) for kind, one, many in map(str.split, run.out.decode().splitlines())}
    one, many = costs[client.kind]
    check(many < 3 * one + 20, f"{many} ns inside of 10,000 scopes, {one} ns inside of one")
