# SPDX-License-Identifier: BSD-3-Clause
"""Tests that no call waits for the dynamic linker's locks (tests/programs/loader.c). A program that hangs is ended by
the harness, and fails."""

import flops
from harness import blas_library, case, check, check_calls, check_equal, library_folder, read_report

SMALL = flops.dot(3)
LARGE = flops.dot(1 << 17)
TIMEOUT = 60


def plugin(client, source, **options):
    return client.compile(source, "-shared", "-fPIC", name=f"loader-{source.removesuffix('.c')}.so", **options)


def other_library(client):
    """A library that nothing else uses."""
    return plugin(client, "bypass.c", blas=False)


@case(mode=("first", "site", "stacks"))
def callback(client):
    """A call goes on while a thread in a callback of dl_iterate_phdr waits for it (as threadpoolctl does beside SciPy)."""
    run = client.same([client.compile("loader.c", "-pthread"), client.mode, other_library(client)], timeout=TIMEOUT)
    calls = {"first": (1, SMALL), "site": (2, 2 * SMALL), "stacks": (42, 2 * SMALL + 40 * LARGE)}
    check_calls(run, {"ddot": calls[client.mode]})
    if client.mode == "stacks":
        check(any(len(stack["frames"]) > 1 for stack in run.report["stacks"]), "no stacks were taken")


@case()
def end_beside_callback(client):
    """The process can exit while a thread in such a callback waits."""
    run = client.same([client.compile("loader.c", "-pthread"), "end", other_library(client)], status=3, timeout=TIMEOUT)
    check_calls(run, {"ddot": (2, 2 * SMALL)})


@case()
def budget_beside_callback(client):
    """A budget can end the process while a thread in such a callback waits."""
    run = client.run([client.compile("loader.c", "-pthread"), "stacks", other_library(client)], status=121,
                     FLOPSHIM_BUDGET=10 * LARGE + SMALL, timeout=TIMEOUT)
    check_equal(run.totals["calls"], 11, "calls")


@case()
def fork_beside_dlopen(client):
    """Calls in a child go on, though the linker was busy at the fork and its work is never finished there."""
    run = client.same([client.compile("loader.c", "-pthread"), "fork", other_library(client)], timeout=TIMEOUT)
    check_equal(len(run.dumps), 61, "dumps")
    report = read_report(run.reporter, run.dumps)
    check_equal(report["totals"]["flops"], 81 * SMALL + 20 * 8 * LARGE, "FLOPs")


@case()
def constructor_with_globals(client):
    """A first call, made while a constructor in dlopen waits for it, does not wait for the linker, even after something
    was opened with RTLD_GLOBAL."""
    run = client.same([client.compile("loader.c", "-pthread"), "global", blas_library(client.blas),
                       client.compile("constructor.c", "-shared", "-fPIC", "-pthread", "-DTHREAD_FIRST",
                                      name="loader-constructor.so")], timeout=TIMEOUT)
    check_calls(run, {"ddot": (2, 2 * flops.dot(4))})


@case()
def unload_beside_calls(client):
    """Libraries are closed while other threads call BLAS, and the FLOPs of all calls are right."""
    host = client.compile("loader.c", "-pthread")
    for folder in ("openblas-pthread", "blas"):
        other = library_folder() / folder / "libblas.so.3"
        run = client.same([host, "unload", plugin(client, "plugin_dot.c"), other], timeout=TIMEOUT)
        check_equal(run.totals["flops"], run.totals["calls"] * SMALL, "FLOPs")


@case()
def end_after_bypass(client):
    """The shim looks at the loaded libraries when the process ends, even if one was closed without the shim's notice."""
    bypass = plugin(client, "bypass.c", blas=False)
    run = client.run([client.compile("loader.c", "-pthread"), "bypass", bypass, "libz.so.1"], status=121,
                     FLOPSHIM_BUDGET=2 * SMALL, timeout=TIMEOUT)
    check_equal(run.totals["calls"], 2, "calls")
