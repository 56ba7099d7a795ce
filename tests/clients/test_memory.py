# SPDX-License-Identifier: BSD-3-Clause
"""Tests that the program runs as without the shim if the shim gets no memory, file or thread, and that no limit is ever
silently off.

tests/programs/inject.c fails the K-th of the calls that the shim makes of a function of the C library, or all from the
K-th on. Other cases leave the address space short, each in another way. FLOPSHIM_LONG=1 injects at every place of the
longer program, and under a budget too."""

import json
import os
import subprocess

from harness import TOP, case, check, check_equal, tail

LONG = bool(os.environ.get("FLOPSHIM_LONG"))
INCLUDE = TOP / "include"
FUNCTIONS = ("mmap", "munmap", "madvise", "open", "fstat", "fstatfs", "ftruncate", "posix_fallocate", "pwritev", "pwrite",
             "getcwd", "readlink", "mkdir", "pthread_key_create")

# (calls, FLOPs) of the modes "few" and "many" of memory.c, in the process and its child together.
FEW = (3, 3 * 20)
MANY = (400 + 300 + 20, sum(2 * n for n in range(1, 401)) + 6 * sum(2 * n for n in range(1, 51)) + 20 * 14)
STOPPED, EXCEEDED = 2, 121


def program(client):
    return client.compile("memory.c", "-pthread", f"-I{INCLUDE}")


def injector(client):
    return client.compile("inject.c", "-shared", "-fPIC", name="inject.so", blas=False)


def run_injected(client, mode, injection, **environment):
    return client.run([program(client), mode], shim=f"{client.shim}:{injector(client)}", status=None, INJECT=injection,
                      **environment)


def count_of(client, mode, function):
    """How often the shim calls a function of the C library if no call fails."""
    counted = client.folder / f"count-{mode}-{function}"
    counted.unlink(missing_ok=True)
    run_injected(client, mode, f"{function}:0", INJECT_COUNT=counted)
    return counted.stat().st_size if counted.exists() else 0


def injections(client, mode, function, most=None):
    """The injections to try: at most so many places, spread over all. One more than the shim calls, since a failure may
    lead to more calls."""
    count = count_of(client, mode, function) + 1
    step = -(-count // most) if most else 1
    for k in range(1, count + 1, step):
        yield f"{function}:{k}"
        yield f"{function}:{k}+"


def only_says(run, what):
    """Every line on standard error is the shim's."""
    for line in run.err.decode().splitlines():
        check(line.startswith("flopshim: "), f"{what}: it says {line!r}")


def report_of(client, dumps):
    """The report of these dumps. Its status is 5 if it knows that something is missing."""
    done = subprocess.run([client.reporter, "--json", *dumps], capture_output=True, timeout=60)
    check(done.returncode in (0, 5), f"flopshim-report: status {done.returncode}: {tail(done.stderr)}")
    report = json.loads(done.stdout)
    check_equal(report["complete"], done.returncode == 0, "complete")
    return report


def may_miss_its_end(client, dumps):
    """Whether the report says that the end may be missing, since the dump is not mapped and was not closed."""
    done = subprocess.run([client.reporter, *dumps], capture_output=True, timeout=60)
    return b"up to a second before it may be missing" in done.stdout


def check_recorded(client, run, expected, what):
    """All calls are in the dumps, or it is said that some are not."""
    calls = lost = flops = 0
    complete = bool(run.dumps)
    if run.dumps:
        report = report_of(client, run.dumps)
        complete = report["complete"]
        totals = report["totals"] or {}  # there are none if no file is a dump
        calls, lost, flops = (totals.get(key, 0) for key in ("calls", "lost_calls", "flops"))
    misses_its_end = not complete and bool(run.dumps) and may_miss_its_end(client, run.dumps)
    if complete and not run.err:
        check_equal((calls, lost, flops), (expected[0], 0, expected[1]), f"{what}: calls, lost calls, FLOPs")
    check(complete or run.err or misses_its_end, f"{what}: {calls} of {expected[0]} calls are in the dumps, and nothing is said")
    check(calls + lost <= expected[0] and flops <= expected[1],
          f"{what}: {calls} calls and {lost} lost, {flops} FLOPs, of {expected}")


def check_as_bare(client, bare, run, expected, what):
    """Status and output are those without the shim, and all calls are recorded or said to be missing."""
    check_equal((run.status, run.out), (bare.status, bare.out), f"{what}: status and output")
    only_says(run, what)
    check_recorded(client, run, expected, what)


def check_stopped(run, what, statuses):
    """The program was stopped by its budget, or because the budget cannot be kept, and a line says so."""
    check(run.status in statuses, f"{what}: status {run.status}, it says {tail(run.err)!r}")
    check_equal(run.out, b"", f"{what}: output")
    only_says(run, what)
    check(b"flopshim: " in run.err and (run.status == STOPPED or b"refused" in run.err), f"{what}: it says {tail(run.err)!r}")


@case(function=FUNCTIONS)
def injected(client):
    """Whatever fails, a program of a few calls runs as without the shim; a budget that it fits into does not stop it
    unless the line says why; one that it does not fit into stops it."""
    bare = client.run([program(client), "few"], shim=False)
    for injection in injections(client, "few", client.function):
        check_as_bare(client, bare, run_injected(client, "few", injection), FEW, injection)
        fits = run_injected(client, "few", injection, FLOPSHIM_BUDGET="1G")
        if fits.status == STOPPED:
            check_stopped(fits, f"{injection}, budget 1G", (STOPPED,))
        else:
            check_as_bare(client, bare, fits, FEW, f"{injection}, budget 1G")
        exceeded = run_injected(client, "few", injection, FLOPSHIM_BUDGET="50")
        check_stopped(exceeded, f"{injection}, budget 50", (STOPPED, EXCEEDED))


@case(function=FUNCTIONS if LONG else ("mmap", "open", "fstatfs", "posix_fallocate", "pthread_key_create"))
def injected_into_many(client):
    """The same for a program whose shapes outgrow the first tables, whose threads come and go, and which has a child."""
    bare = client.run([program(client), "many"], shim=False)
    for injection in injections(client, "many", client.function, None if LONG else 5):
        check_as_bare(client, bare, run_injected(client, "many", injection), MANY, injection)
        if not LONG:
            continue
        exceeded = run_injected(client, "many", injection, FLOPSHIM_BUDGET="80000")
        check_stopped(exceeded, f"{injection}, budget 80000", (STOPPED, EXCEEDED))


@case(function=("mmap", "open", "posix_fallocate", "fstat", "pthread_create"))
def injected_into_a_scope(client):
    """The same for a budget that the program sets itself: it holds, or the program is told that there is none."""
    check_equal(client.run([program(client), "budget"], shim=False).out, b"100\n", "output without the shim")
    for injection in injections(client, "budget", client.function):
        run = run_injected(client, "budget", injection)
        if run.status == 0:  # flopshim_begin_budget has told the program that it has none
            check_equal(run.out, b"100\n", f"{injection}: output")
            check(b"no room for a scope" in run.err, f"{injection}: it says {tail(run.err)!r}")
        else:
            check_stopped(run, injection, (STOPPED, EXCEEDED))


@case(function=("mmap", "open", "fstat", "madvise", "pwritev"))
def linker_asked(client):
    """If another library stands before a function of the C library and looks the real one up, under the linker's lock,
    when the shim calls it, nothing is said and all calls are counted."""
    bare = client.run([program(client), "many"], shim=False)
    run = run_injected(client, "many", f"{client.function}:0", INJECT_ASKS="1", timeout=60)
    check_as_bare(client, bare, run, MANY, client.function)
    check_equal(run.err, b"", "what it says")


# ---- address space ----

def check_short(client, command, **environment):
    """Status and output are those without the shim, and a budget of 50 is kept or said not to be."""
    bare = client.run(command, shim=False, status=None, **environment)
    shimmed = client.run(command, status=None, **environment)
    check_equal((shimmed.status, shimmed.out), (bare.status, bare.out), "status and output")
    only_says(shimmed, "without a budget")
    limited = client.run(command, status=None, FLOPSHIM_BUDGET="50", **environment)
    check_stopped(limited, "budget 50", (STOPPED, EXCEEDED))
    return shimmed


@case(on=("reference",), spare=(0, 40, 100, 200, 400, 1000, 3000, 10000, 20000))
def limited_address_space(client):
    """With little address space left (RLIMIT_AS) the program runs as without the shim, and from 1 MB on everything is
    recorded."""
    shimmed = check_short(client, [program(client), "limit", client.spare])
    if client.spare >= 1000:
        check_equal((shimmed.err, shimmed.totals["calls"]), (b"", 3), "what it says, calls")


@case(on=("reference",))
def all_mappings_used(client):
    """If the program itself has as many mappings as the kernel allows, it runs as without the shim."""
    check_short(client, [program(client), "fill"])


@case(on=("reference",))
def limited_data(client):
    """Under RLIMIT_DATA, where files can be mapped but no private memory, the program runs and a budget stops it."""
    size = resident_data(client)
    for kb in range(size, size + 1500, 50):
        command = ["prlimit", f"--data={kb * 1024}", program(client), "few"]
        shimmed = client.run(command, status=None)
        if b"error while loading" in shimmed.err or b"cannot be preloaded" in shimmed.err:
            continue  # the shim is one more object, and not all objects fit any more
        check_equal((shimmed.status, shimmed.out), (0, b"30\n"), f"{kb} kB: status and output")
        only_says(shimmed, f"{kb} kB")
        check_stopped(client.run(command, status=None, FLOPSHIM_BUDGET="50"), f"{kb} kB", (STOPPED, EXCEEDED))


def resident_data(client):
    """The smallest RLIMIT_DATA, in kB, with which the program runs without the shim."""
    low, high = 0, 1 << 16
    while low + 20 < high:
        middle = (low + high) // 2
        run = client.run(["prlimit", f"--data={middle * 1024}", program(client), "few"], shim=False, status=None)
        low, high = (low, middle) if run.status == 0 else (middle, high)
    return high


@case(on=("reference",))
def reserved_address_space(client):
    """The shim's first call takes less than 500 kB of address space."""
    bare = int(client.run([program(client), "measure"], shim=False).out)
    shimmed = int(client.run([program(client), "measure"]).out)
    check(shimmed - bare < 500, f"{shimmed - bare} kB")


@case()
def names_that_grow(client):
    """More names and namespaces than the first tables have room for are all counted: 2,000 charges of 1 to 2,000 FLOPs."""
    run = client.run([program(client), "names"])
    own = sum(i + 1 for i in range(2000) if i % 600 == 5)
    check_equal(run.out, f"{own} {2000 * 2001 // 2}\n".encode(), "FLOPs of a namespace, and of all")
    check_equal((run.totals["flops"], run.totals["manual_charges"]), (2000 * 2001 // 2, 2000), "FLOPs and charges in the dump")
