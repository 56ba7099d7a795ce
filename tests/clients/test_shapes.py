# SPDX-License-Identifier: BSD-3-Clause
"""Tests very many calls and shapes: dump and memory must stay bounded, and totals exact. The BLAS does nothing, so that
many calls are fast. FLOPSHIM_LONG=1 makes 100 million calls."""

import json
import os
import subprocess

from harness import TOP, case, check, check_equal

LONG = bool(os.environ.get("FLOPSHIM_LONG"))
CALLS = 100_000_000 if LONG else 10_000_000
MANY = 1_000_000
MIB = 1 << 20


def program(client, source="shapes.c", *flags):
    """A program that is linked to a BLAS that does nothing."""
    blas = client.compile("null_blas.c", "-shared", "-fPIC", name="libnull_blas.so", blas=False)
    return client.compile(source, f"-L{blas.parent}", "-lnull_blas", f"-Wl,-rpath,{blas.parent}", *flags, blas=False)


def shapes_of(client, run):
    """All shapes in the report of a run."""
    done = subprocess.run([client.reporter, "--json", "--top", "all", *run.dumps], capture_output=True, check=True)
    return json.loads(done.stdout)["shapes"]


def measure(client, shapes, calls):
    """(size of the dump in bytes, resident memory that the shim adds in bytes, the run). Calls and FLOPs must be those
    that the program counts itself."""
    command = [program(client), shapes, calls]
    bare = client.run(command, shim=False)
    run = client.run(command)
    flops, resident = map(int, run.out.split())
    check_equal(run.totals["calls"], calls, "calls")
    check_equal(run.totals["flops"], flops, "FLOPs")
    return os.path.getsize(run.dumps[0]), (resident - int(bare.out.split()[1])) * 1024, run


def losses(run):
    return [loss for process in run.report["process_list"] for loss in process["losses"]]


@case()
def thousand(client):
    """Ten million calls of a thousand shapes take less than 8 MiB of dump and memory, and each shape has its calls."""
    size, resident, run = measure(client, 1000, CALLS)
    check(size < 8 * MIB, f"a dump of {size} bytes")
    check(resident < 8 * MIB, f"{resident} bytes of memory")
    check_equal(losses(run), [], "losses")
    shapes = shapes_of(client, run)
    check_equal({row["calls"] for row in shapes}, {CALLS // 1000}, "calls of each shape")
    check_equal(len(shapes), 1000, "shapes")


@case()
def orders(client):
    """Each call is counted under its own shape and namespace, in whatever order they come, though the shim guesses the
    next shape from the last order."""
    run = client.run([program(client, "orders.c", f"-I{TOP / 'include'}")])
    lines = [line.split() for line in run.out.decode().splitlines()]
    expected = {(name, letter, int(n), int(calls)) for name, letter, n, calls in (x for x in lines if len(x) == 4)}
    check(len(expected) > 250, f"the program called only {len(expected)} shapes")
    found = set()
    for row in shapes_of(client, run):
        arguments = row["arguments"]
        letter = arguments.get("transa", arguments.get("trans", "N"))
        found.add((row["routine"], letter, arguments["n" if row["routine"] == "daxpy" else "m"], row["calls"]))
    check_equal(sorted(found - expected), sorted(expected - found), "calls of shapes that differ")
    spaces = {row["namespace"]: [row["own_calls"], row["own_flops"]] for row in run.report["namespaces"]}
    for name, calls, flops in (line for line in lines if len(line) == 3):
        check_equal(spaces[name], [int(calls), int(flops)], f"calls and FLOPs of namespace {name}")


@case()
def million(client):
    """A million shapes take less than 64 MiB of dump, the report says that shapes are rounded up, the totals are exact,
    and more calls of the same shapes take no more space."""
    size, resident, run = measure(client, MANY, MANY)
    check_equal(run.totals["flops"], 2 * 5050**3, "FLOPs")
    check(size < 64 * MIB, f"a dump of {size} bytes")
    check(resident < 96 * MIB, f"{resident} bytes of memory")
    check(any("shapes" in loss for loss in losses(run)), f"the loss is not stated: {losses(run)}")
    text = subprocess.run([client.reporter, *run.dumps], capture_output=True, text=True, check=True).stdout
    check("some are rounded up or joined; this does not change the totals" in text, f"the report does not say it: {text[:500]}")
    again, _, _ = measure(client, MANY, 3 * MANY if LONG else MANY + MANY // 10)
    check_equal(again, size, "size of the dump after more calls of the same shapes")


@case()
def rejected(client):
    """Once all rows are taken, rejected calls cost nothing and use nothing of a budget, and the others do."""
    for settings in ({}, {"FLOPSHIM_TIME": "all"}, {"FLOPSHIM_BUDGET": "1E"}, {"FLOPSHIM_RECORDS": "calls"}):
        run = client.run([program(client), 60_000, 60_000, 500], **settings)
        flops = int(run.out.split()[0])
        check_equal([run.totals[name] for name in ("calls", "flops", "charged", "rejected_calls")],
                    [61_000, flops, flops, 500], f"calls, FLOPs, charged and rejected calls with {settings}")
        check_equal([limit["used"] for limit in run.report["limits"]], [flops] * ("FLOPSHIM_BUDGET" in settings),
                    "what is used of the budget")


@case()
def refused(client):
    """Once all rows are taken, FLOPs and charges of refused calls are added up, for shapes with a row of their own and
    the others."""
    shapes = 60_000
    flops = sum(2 * (1 + i % 100) * (1 + i // 100 % 100) * (1 + i // 10_000) for i in range(shapes))
    run = client.run([program(client), shapes, 2 * shapes], FLOPSHIM_MULTIPLIER="2", FLOPSHIM_BUDGET=str(2 * flops),
                     FLOPSHIM_ON_EXCEED="deny")
    names = ("calls", "flops", "charged", "refused_calls", "refused_flops")
    check_equal([run.totals[name] for name in names], [shapes, flops, 2 * flops, shapes, flops], ", ".join(names))
