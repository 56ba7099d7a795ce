# SPDX-License-Identifier: BSD-3-Clause
"""Tests calls that do not return, callbacks and handlers that call BLAS, longjmp, C++ exceptions, signals, threads,
children, and all ways for a process to end. Expected calls come from the programs' own counts."""

import os

import flops
from harness import QUICK_BLAS, case, check, check_equal, check_priced

DDOT = flops.dot(4)


def printed_calls(run):
    """{routine: calls} from the lines "ROUTINE CALLS" of a program."""
    lines = [line.split() for line in run.out.decode().splitlines() if line and not line.startswith("#")]
    return {name: int(calls) for name, calls in lines if int(calls)}


def check_printed(run, flops_of):
    """The report has exactly the calls that the program says it has made."""
    expected = printed_calls(run)
    check_priced(run)
    got = {name: calls for name, (calls, _) in run.routines.items()}
    check_equal(got, expected, "calls")
    for name, each in flops_of.items():
        if name in expected:
            check_equal(run.routines[name][1], each * expected[name], f"FLOPs of {name}")


@case(on=QUICK_BLAS, mode=("select", "longjmp", "xerbla", "loop"))
def c(client):
    """Callbacks, longjmp out of calls and xerbla change nothing for the program, and all calls are counted."""
    run = client.same([client.compile("control_flow.c"), client.mode])
    check_printed(run, {"ddot": DDOT, "dgemm": 0})


@case(on=QUICK_BLAS)
def exceptions(client):
    """C++ exceptions pass through calls as without the shim, and all calls are counted."""
    run = client.same([client.compile("exceptions.cc"), "through"])
    check_printed(run, {"ddot": DDOT})


@case(mode=("cost", "blas"))
def exception_cost(client):
    """A throw through calls takes less than twice as long as without the shim, the best of eight runs each. The unwinder
    is the program's own, and a throw passes only one more frame among the dozen of dgees."""
    program = client.compile("exceptions.cc")
    bare, shimmed = [], []
    for _ in range(8):
        bare.append(float(client.run([program, client.mode], shim=False).out))
        # The shim's own unwinding for stacks is no part of a throw, but loads a library that could disturb one.
        shimmed.append(float(client.run([program, client.mode], FLOPSHIM_STACKS="all").out))
    # With another unwinder than the program's own, a throw would take ten times as long.
    check(min(shimmed) < 2 * min(bare), f"a throw takes {min(shimmed):.0f} ns, without the shim {min(bare):.0f}")


@case(on=QUICK_BLAS, mode=("small", "altstack", "lapack", "threads"))
def signals(client):
    """Calls in signal handlers are counted, wherever a handler interrupts the program."""
    run = client.run([client.compile("signals.c"), client.mode])
    check_printed(run, {"ddot": DDOT, "daxpy": flops.axpy(4)})


@case(on=QUICK_BLAS)
def signals_after_every_instruction(client):
    """A handler's call after each instruction of a small call, and after each 23rd of a LAPACK call, is never lost, and
    is charged to a budget too."""
    for settings in ({}, {"FLOPSHIM_BUDGET": "1E"}):
        run = client.run([client.compile("signals.c"), "steps"], FLOPSHIM_STACKS="off", **settings)
        check_printed(run, {"ddot": DDOT, "daxpy": flops.axpy(4)})
        check_equal([limit["used"] for limit in run.report["limits"]], [run.totals["flops"]] * len(settings),
                    "what is used of the budget")


@case(on=QUICK_BLAS)
def signals_twice_in_one_call(client):
    """A second handler's call a few instructions after a first one is not lost, though the interrupted call is just
    being recorded."""
    run = client.run([client.compile("signals.c"), "pairs"], FLOPSHIM_STACKS="off")
    check_printed(run, {"ddot": DDOT, "daxpy": flops.axpy(4)})


@case(on=QUICK_BLAS)
def signals_among_new_shapes(client):
    """If a handler makes rows, blocks and indices while the program makes others, no call is lost or counted twice."""
    run = client.run([client.compile("signals.c"), "shapes"])
    check_printed(run, {"ddot": 0, "daxpy": 0})


@case(on=QUICK_BLAS)
def signals_that_escape(client):
    """If a handler leaves a call by siglongjmp, that call may count or not, and no call that returned is missing."""
    run = client.run([client.compile("signals.c"), "escape"])
    said = printed_calls(run)
    check_equal(run.routines["ddot"][0], said["ddot"], "calls of ddot")
    extra = run.routines["daxpy"][0] - said["daxpy"]
    check(0 <= extra <= said["ddot"], f"{extra} calls of daxpy more than came back")


@case(on=QUICK_BLAS)
def left_inside_a_call(client):
    """A call that continues after one inside of it was left by siglongjmp returns through the slow path, which must not
    take words of the stack for its own data, such as a time."""
    run = client.run([client.compile("signals.c"), "inner"], FLOPSHIM_STACKS="off")
    check_printed(run, {"daxpy": flops.axpy(4)})
    # If words of the stack were read as a clock's value, the time would be about the time since the machine started.
    check(run.totals["time_ns"] < 10**10, f"{run.totals['time_ns']} ns in {run.totals['calls']} calls of 8 FLOPs")


@case(on=QUICK_BLAS)
def first_call_on_signal_stack(client):
    """The shim's work at the first call of a process fits on a stack of SIGSTKSZ bytes."""
    run = client.same([client.compile("signals.c", "-Wl,-z,now", name="signals-now"), "first"])
    check_equal(run.routines, {"ddot": (2, 2 * DDOT)}, "calls")


# The list of calls in flight has room for fewer than forty calls.
@case(on=QUICK_BLAS, mode=("heap", "local", "copied", "overlaid", "moved", "ended", "left"))
def coroutines(client):
    """Calls in flight belong to stacks. If stacks are switched, copied or resumed elsewhere, calls return correctly, and
    what they call is nested in them."""
    program = client.compile("coroutines.c", "-pthread")
    for count in (2, 40):
        plain = client.run([program, "plain", str(count)])
        run = client.run([program, client.mode, str(count)])
        check_printed(plain, {"ddot": DDOT})
        check_printed(run, {"ddot": DDOT})
        check_equal(run.routines["dgees"], plain.routines["dgees"], "calls and FLOPs of dgees")
        left = count if client.mode == "left" else 0
        check_equal([run.totals[key] for key in ("in_flight_calls", "abandoned_calls", "lost_calls")], [0, left, 0],
                    "calls in flight, left and lost")


@case(on=QUICK_BLAS[:1])
def signals_among_coroutines(client):
    """If a handler calls while the list of calls in flight is full and removes a call from it that is just returning, no
    call is lost. It depends on chance: every other run failed before this was mended."""
    run = client.run([client.compile("signals_among_coroutines.c", "-pthread")])
    check_equal(f"dgees {run.routines['dgees'][0]}", run.out.decode().strip(), "calls of dgees")


@case(on=QUICK_BLAS)
def forked_in_a_call(client):
    """A child that is forked inside of a call is inside of that call too, however far its parent has gone."""
    for _ in range(5):
        run = client.run([client.compile("coroutines.c", "-pthread"), "forked", "3"])
        check_equal(run.routines["dgees"][0], 2 ** 3 - 1, "calls of dgees")
        check_equal(set(run.routines), {"dgees", "ddot"}, "routines")


# mode: (exit status, calls, dumps)
ENDS = {
    "plain": (0, 5, 1),
    "fork": (0, 60, 3),
    "exec": (0, 15, 2),
    "kill": (-9, 10, 1),
    "segv": (-11, 10, 1),
    "abort": (-6, 10, 1),
    "_exit": (3, 10, 1),
    "closed": (0, 20, 1),
    "threads": (0, 40_010, 1),
    "churn": (0, 10_000, 1),
    "last": (0, 10, 1),
    "at_exit": (0, 10, 1),
}


@case(mode=ENDS)
def processes(client):
    """Every way for a process to end leaves the expected calls, dumps and state."""
    status, calls, dumps = ENDS[client.mode]
    run = client.same([client.compile("processes.c"), client.mode], status=status)
    check_equal(run.routines, {"ddot": (calls, calls * DDOT)}, "calls")
    check_equal(len(run.dumps), dumps, "dumps")
    if dumps == 1:
        state = "ended" if client.mode in ("kill", "segv", "abort", "_exit") else "closed"
        check_equal(run.report["process_list"][0]["state"], state, "state")
    check_equal(run.report["processes"], dumps, "processes in the report")


@case(on=QUICK_BLAS)
def cancelled_threads(client):
    """Cancelled threads end only where the program has cancellation points, never inside of the shim, and never with one
    of its locks."""
    for settings in ({}, {"FLOPSHIM_STACKS": "all", "FLOPSHIM_RECORDS": "calls"}):
        run = client.run([client.compile("processes.c"), "cancelled"], timeout=30, **settings)
        check_priced(run)
        check_equal((run.out, run.routines["ddot"][0]), (b"200\n", 200), "calls")
    run = client.run([client.compile("processes.c"), "cancelled"], timeout=30, status=17, FLOPSHIM_BUDGET="100",
                     FLOPSHIM_ON_EXCEED="exit:17")
    check(b"budget" in run.err, f"what it says: {run.err}")


@case(on=("reference",))
def small_stack(client):
    """Stacks of 32 KiB suffice. (OpenBLAS would need more for its thread-local storage.)"""
    run = client.same([client.compile("processes.c"), "small"])
    check_equal(run.routines, {"ddot": (10, 10 * DDOT)}, "calls")


@case()
def fork_storm(client):
    """Children that are forked while other threads are inside of the shim lose no call."""
    run = client.run([client.compile("processes.c"), "storm"], timeout=60)
    check_priced(run)
    check_equal(run.routines["ddot"][0], int(run.out), "calls")
    check_equal(run.report["processes"], 101, "processes in the report")


@case(on=("reference",))
def exit_while_others_call(client):
    """If a process exits while other threads call, make their first calls or are just starting, the dump is whole and
    closed. The reference BLAS is used, since OpenBLAS's destructor frees what a running ddot needs."""
    left = 0
    for delay in [20_000] * 10 + list(range(0, 2_000, 20)):
        run = client.run([client.compile("processes.c"), "busy", str(delay)], status=5, timeout=30)
        check_equal((run.out, run.err), (b"", b""), "output")
        if run.dumps:
            left += 1
            check_priced(run)
            check_equal([one["state"] for one in run.report["process_list"]], ["closed"], "state")
    check(left > 20, f"only {left} runs called before their end")


@case(on=("reference",), who=("itself", "other"))
def first_call_at_the_end(client):
    """The first calls of the process come when the shim's destructor has run. Those of the thread that ends the process are
    in a dump. Another thread's may be cut off at any instruction, so that they leave no file rather than an empty one."""
    library = client.compile("late.c", "-DLIBRARY", "-shared", "-fPIC", "-pthread", name="liblate.so")
    program = client.compile("late.c", library, f"-Wl,-rpath,{library.parent}", name="late", blas=False)
    run = client.same([program, client.who])
    if client.who == "other":
        check_equal(run.dumps, [], "dumps")
    else:
        check_equal(run.routines, {"ddot": (5, 5 * DDOT)}, "calls")


@case(on=QUICK_BLAS, order=("first", "after"))
def constructor(client):
    """A constructor in dlopen may wait for a thread that calls BLAS, whether that is the first call of the process or
    not."""
    plugin = client.compile("constructor.c", "-shared", "-fPIC", "-pthread", name="constructor.so")
    host = client.compile("plugin_host.c", blas=False)
    others = [f"local:{client.compile('products.c', '-shared', '-fPIC', name='products.so')}"]
    run = client.same([host] + others * (client.order == "after") + [f"local:{plugin}"], timeout=30)
    # In each of two rounds ddot is called by the constructor, the thread, plugin_main (twice) and the destructor.
    # products.c runs 4 times and calls ddot twice each time.
    calls = 10 + 8 * (client.order == "after")
    check_equal(run.routines["ddot"], (calls, calls * DDOT), "ddot")


@case()
def churn_is_small(client):
    """Two thousand threads, one after another, share a lane: the dump is as large as for one thread."""
    program = client.compile("processes.c")
    one = os.path.getsize(client.run([program, "plain"]).dumps[0])
    many = os.path.getsize(client.run([program, "churn"]).dumps[0])
    check(many < 2 * one, f"{many} bytes after 2,000 threads, {one} after one")


@case(stacks=("auto", "all"))
def first_stack_of_a_thread_in_malloc(client):
    """A thread's first stack may be taken inside of malloc, since what libunwind allocates for a thread was allocated
    before."""
    run = client.run([client.compile("handler_in_malloc.c")], FLOPSHIM_STACKS=client.stacks)
    check_equal((run.out, run.routines), (b"61\n", {"ddot": (61, 61 * flops.dot(5000))}), "calls")
