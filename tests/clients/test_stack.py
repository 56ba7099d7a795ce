# SPDX-License-Identifier: BSD-3-Clause
"""Tests how much more stack calls take than without the shim, since coroutines and signal handlers have little."""

from harness import case, check

# How many bytes of stack a call may take more than without the shim.
FIRST = 4096  # the first call of a process or thread, and a refused call
LATER = 1024

KINDS = ("coroutine", "handler", "thread")  # with "thread", each call is the first one of its thread


def depths(client, kind, **options):
    """{kind of call: bytes of stack that it takes}, and the run."""
    run = client.run([client.compile("stack_use.c", "-pthread", "-Wl,-z,now"), kind], OPENBLAS_NUM_THREADS="1", **options)
    return {name: int(depth) for name, depth in (line.split() for line in run.out.decode().splitlines())}, run


def compare(client, kind, first_calls, **options):
    """First calls take at most FIRST bytes more than without the shim, and later ones at most LATER."""
    bare, _ = depths(client, kind, shim=False)
    shim, run = depths(client, kind, **options)
    check(bare.keys() == shim.keys() and len(bare) == 9, f"measured {sorted(shim)}")
    for name, depth in shim.items():
        allowed = FIRST if kind == "thread" or name in first_calls else LATER
        check(depth - bare[name] <= allowed, f"{name}: {depth} bytes of stack, {bare[name]} without the shim")
    return run


@case(kind=KINDS)
def default(client):
    """Calls with the default settings stay within their bounds, on coroutines, in handlers and in threads."""
    compare(client, client.kind, ("first", "child"))


@case(kind=KINDS)
def all_stacks(client):
    """If each call's stack is taken, calls stay within their bounds, since the shim unwinds on a stack of its own.
    Stacks on small stacks are taken too, but not those on signal stacks."""
    run = compare(client, client.kind, ("first", "child"), FLOPSHIM_STACKS="all")
    names = {frame.split(" ")[0] for stack in run.report["stacks"] for frame in stack["frames"]}
    expected = {"dot", "other_place", "other_routine", "product"}
    if client.kind != "handler":  # no stacks are taken on signal stacks
        check(expected <= names, f"the stacks have {sorted(names)}")


@case(kind=("coroutine",))
def every_call_recorded(client):
    """With the ordered record, all clocks and budgets, calls stay within their bounds."""
    compare(client, client.kind, ("first", "child"), FLOPSHIM_RECORDS="calls", FLOPSHIM_TIME="all",
            FLOPSHIM_BUDGET="1e15,train=1")


@case(action=("deny", "warn"))
def refused(client):
    """A refused call stays within the bound of a first call; most of it is for the line that is printed."""
    bare, _ = depths(client, "coroutine", shim=False)
    shim, _ = depths(client, "coroutine", FLOPSHIM_BUDGET="1", FLOPSHIM_ON_EXCEED=client.action, FLOPSHIM_QUIET="1")
    for name, depth in shim.items():
        check(depth - bare[name] <= FIRST, f"{name}: {depth} bytes of stack, {bare[name]} without the shim")
