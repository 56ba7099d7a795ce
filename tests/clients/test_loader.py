# SPDX-License-Identifier: BSD-3-Clause
"""The locks of the dynamic linker, which no call may wait for (tests/programs/loader.c): a program that hangs is ended by
the harness, and fails."""

import flops
from harness import blas_library, case, check, check_calls, check_equal, library_folder, read_report

SMALL = flops.dot(3)
LARGE = flops.dot(1 << 17)
TIMEOUT = 60


def plugin(client, source, **options):
    return client.compile(source, "-shared", "-fPIC", name=f"loader-{source.removesuffix('.c')}.so", **options)


def other_library(client):
    """One that is in no program's way, and nobody else's."""
    return plugin(client, "bypass.c", blas=False)


@case(mode=("first", "site", "stacks"))
def callback(client):
    """A thread in a callback of dl_iterate_phdr waits for one that calls (threadpoolctl beside SciPy)."""
    run = client.same([client.compile("loader.c", "-pthread"), client.mode, other_library(client)], timeout=TIMEOUT)
    calls = {"first": (1, SMALL), "site": (2, 2 * SMALL), "stacks": (42, 2 * SMALL + 40 * LARGE)}
    check_calls(run, {"ddot": calls[client.mode]})
    if client.mode == "stacks":
        check(any(len(stack["frames"]) > 1 for stack in run.report["stacks"]), "no stacks were taken")


@case()
def end_beside_callback(client):
    run = client.same([client.compile("loader.c", "-pthread"), "end", other_library(client)], status=3, timeout=TIMEOUT)
    check_calls(run, {"ddot": (2, 2 * SMALL)})


@case()
def budget_beside_callback(client):
    run = client.run([client.compile("loader.c", "-pthread"), "stacks", other_library(client)], status=121,
                     FLOPSHIM_BUDGET=10 * LARGE + SMALL, timeout=TIMEOUT)
    check_equal(run.totals["calls"], 11, "calls")


@case()
def fork_beside_dlopen(client):
    """What the linker was doing at the fork is never finished in the child."""
    run = client.same([client.compile("loader.c", "-pthread"), "fork", other_library(client)], timeout=TIMEOUT)
    check_equal(len(run.dumps), 61, "dumps")
    report = read_report(run.reporter, run.dumps)
    check_equal(report["totals"]["flops"], 81 * SMALL + 20 * 8 * LARGE, "FLOPs")


@case()
def constructor_with_globals(client):
    """After something was opened RTLD_GLOBAL too a first call asks nobody who waits for it."""
    run = client.same([client.compile("loader.c", "-pthread"), "global", blas_library(client.blas),
                       client.compile("constructor.c", "-shared", "-fPIC", "-pthread", "-DTHREAD_FIRST",
                                      name="loader-constructor.so")], timeout=TIMEOUT)
    check_calls(run, {"ddot": (2, 2 * flops.dot(4))})


@case()
def unload_beside_calls(client):
    host = client.compile("loader.c", "-pthread")
    for folder in ("openblas-pthread", "blas"):
        other = library_folder() / folder / "libblas.so.3"
        run = client.same([host, "unload", plugin(client, "plugin_dot.c"), other], timeout=TIMEOUT)
        check_equal(run.totals["flops"], run.totals["calls"] * SMALL, "FLOPs")


@case()
def end_after_bypass(client):
    """The end of the process looks at what is loaded; a library has gone that the shim did not see go."""
    bypass = plugin(client, "bypass.c", blas=False)
    run = client.run([client.compile("loader.c", "-pthread"), "bypass", bypass, "libz.so.1"], status=121,
                     FLOPSHIM_BUDGET=2 * SMALL, timeout=TIMEOUT)
    check_equal(run.totals["calls"], 2, "calls")
