# SPDX-License-Identifier: BSD-3-Clause
"""Calls that do not return, callbacks and handlers that call: longjmp, C++ exceptions, signals, threads,
children, and every way for a process to end."""

import os

import flops
from harness import QUICK_BLAS, case, check, check_equal, check_priced

DDOT = flops.dot(4)


def printed_calls(run):
    """The lines "ROUTINE CALLS" of a fixture."""
    lines = [line.split() for line in run.out.decode().splitlines() if line and not line.startswith("#")]
    return {name: int(calls) for name, calls in lines if int(calls)}


def check_printed(run, flops_of):
    """What the program says that it called is what was counted, and nothing else."""
    expected = printed_calls(run)
    check_priced(run)
    got = {name: calls for name, (calls, _) in run.routines.items()}
    check_equal(got, expected, "calls")
    for name, each in flops_of.items():
        if name in expected:
            check_equal(run.routines[name][1], each * expected[name], f"FLOPs of {name}")


@case(on=QUICK_BLAS, mode=("select", "longjmp", "xerbla", "loop"))
def c(client):
    run = client.same([client.compile("control_flow.c"), client.mode])
    check_printed(run, {"ddot": DDOT, "dgemm": 0})


@case(on=QUICK_BLAS)
def exceptions(client):
    run = client.same([client.compile("exceptions.cc"), "through"])
    check_printed(run, {"ddot": DDOT})


@case(mode=("cost", "blas"))
def exception_cost(client):
    """The best of several runs each way, in turns: the unwinder is the program's own, and a throw passes one
    frame more among the dozen of dgees."""
    program = client.compile("exceptions.cc")
    bare, shimmed = [], []
    for _ in range(8):
        bare.append(float(client.run([program, client.mode], shim=False).out))
        # Unwinding for the shim's own records is no part of a throw, but loads what could disturb one.
        shimmed.append(float(client.run([program, client.mode], FLOPSHIM_STACKS="all").out))
    # A foreign unwinder costs ten times as much.
    check(min(shimmed) < 2 * min(bare), f"a throw takes {min(shimmed):.0f} ns, without the shim {min(bare):.0f}")


@case(on=QUICK_BLAS, mode=("small", "altstack", "lapack", "threads"))
def signals(client):
    run = client.run([client.compile("signals.c"), client.mode])
    check_printed(run, {"ddot": DDOT, "daxpy": flops.axpy(4)})


@case(on=QUICK_BLAS)
def signals_after_every_instruction(client):
    """After each instruction of a small call, and each 23rd of a LAPACK call, one call of the handler's: none is lost, and a
    budget, which is paid in another way, knows them all."""
    for settings in ({}, {"FLOPSHIM_BUDGET": "1E"}):
        run = client.run([client.compile("signals.c"), "steps"], FLOPSHIM_STACKS="off", **settings)
        check_printed(run, {"ddot": DDOT, "daxpy": flops.axpy(4)})
        check_equal([limit["used"] for limit in run.report["limits"]], [run.totals["flops"]] * len(settings),
                    "what is used of the budget")


@case(on=QUICK_BLAS)
def signals_twice_in_one_call(client):
    """A second handler's call a few instructions after a first one, while the interrupted call is being recorded."""
    run = client.run([client.compile("signals.c"), "pairs"], FLOPSHIM_STACKS="off")
    check_printed(run, {"ddot": DDOT, "daxpy": flops.axpy(4)})


@case(on=QUICK_BLAS)
def signals_among_new_shapes(client):
    """Rows, blocks and indexes are made by a handler while the program makes others: no call is lost or counted twice."""
    run = client.run([client.compile("signals.c"), "shapes"])
    check_printed(run, {"ddot": 0, "daxpy": 0})


@case(on=QUICK_BLAS)
def signals_that_escape(client):
    """A call that a handler left may have been begun and not ended; none that ended is missing."""
    run = client.run([client.compile("signals.c"), "escape"])
    said = printed_calls(run)
    check_equal(run.routines["ddot"][0], said["ddot"], "calls of ddot")
    extra = run.routines["daxpy"][0] - said["daxpy"]
    check(0 <= extra <= said["ddot"], f"{extra} calls of daxpy more than came back")


@case(on=QUICK_BLAS)
def left_inside_a_call(client):
    """A call that goes on after one inside it was left by siglongjmp returns through the slow path, which must not take
    what lay on the stack for what the call was to have, such as a time."""
    run = client.run([client.compile("signals.c"), "inner"], FLOPSHIM_STACKS="off")
    check_printed(run, {"daxpy": flops.axpy(4)})
    # Words of the stack that are taken for a clock's make it what has passed since the machine began.
    check(run.totals["time_ns"] < 10**10, f"{run.totals['time_ns']} ns in {run.totals['calls']} calls of 8 FLOPs")


@case(on=QUICK_BLAS)
def first_call_on_signal_stack(client):
    """All that the shim has to do at the first call of a process must fit on a stack of SIGSTKSZ bytes."""
    run = client.same([client.compile("signals.c", "-Wl,-z,now", name="signals-now"), "first"])
    check_equal(run.routines, {"ddot": (2, 2 * DDOT)}, "calls")


# Forty are more than a lane has room for.
@case(on=QUICK_BLAS, mode=("heap", "local", "copied", "overlaid", "moved", "ended", "left"))
def coroutines(client):
    """Calls in flight belong to stacks: those that are switched, copied away and back or resumed elsewhere return to where
    they were, and what they call is nested in them all the time."""
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
    """A handler's call, where the list of calls in flight is full, takes a call out of it that returns just then. Chance has its
    part: about every other run met that before it was mended."""
    run = client.run([client.compile("signals_among_coroutines.c", "-pthread")])
    check_equal(f"dgees {run.routines['dgees'][0]}", run.out.decode().strip(), "calls of dgees")


@case(on=QUICK_BLAS)
def forked_in_a_call(client):
    """A child that is forked inside of a call is inside of it too, however far its parent has come meanwhile."""
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
    """The shim opens files and writes where the program has no cancellation point: no thread may end there, least of all
    with a lock."""
    for settings in ({}, {"FLOPSHIM_STACKS": "all", "FLOPSHIM_RECORDS": "calls"}):
        run = client.run([client.compile("processes.c"), "cancelled"], timeout=30, **settings)
        check_priced(run)
        check_equal((run.out, run.routines["ddot"][0]), (b"200\n", 200), "calls")
    run = client.run([client.compile("processes.c"), "cancelled"], timeout=30, status=17, FLOPSHIM_BUDGET="100",
                     FLOPSHIM_ON_EXCEED="exit:17")
    check(b"budget" in run.err, f"what it says: {run.err}")


@case(on=("reference",))
def small_stack(client):
    """32 KiB are enough; OpenBLAS itself would need more, for its thread-local storage."""
    run = client.same([client.compile("processes.c"), "small"])
    check_equal(run.routines, {"ddot": (10, 10 * DDOT)}, "calls")


@case()
def fork_storm(client):
    """Children that are forked while other threads are in the middle of the shim's own work."""
    run = client.run([client.compile("processes.c"), "storm"], timeout=60)
    check_priced(run)
    check_equal(run.routines["ddot"][0], int(run.out), "calls")
    check_equal(run.report["processes"], 101, "processes in the report")


@case(on=("reference",))
def exit_while_others_call(client):
    """While they go on as ever, make their first calls, or are not there yet: the dump is whole, and says how it ended.
    With a BLAS that has no destructor of its own: OpenBLAS's takes away what a running ddot needs."""
    left = 0
    for delay in [20_000] * 10 + list(range(0, 2_000, 20)):
        run = client.run([client.compile("processes.c"), "busy", str(delay)], status=5, timeout=30)
        check_equal((run.out, run.err), (b"", b""), "output")
        if run.dumps:
            left += 1
            check_priced(run)
            check_equal([one["state"] for one in run.report["process_list"]], ["closed"], "state")
    check(left > 20, f"only {left} runs called before their end")


@case(on=QUICK_BLAS, order=("first", "after"))
def constructor(client):
    """A dlopen whose constructor waits for a thread that calls BLAS, as the first of the process or not."""
    plugin = client.compile("constructor.c", "-shared", "-fPIC", "-pthread", name="constructor.so")
    host = client.compile("plugin_host.c", blas=False)
    others = [f"local:{client.compile('products.c', '-shared', '-fPIC', name='products.so')}"]
    run = client.same([host] + others * (client.order == "after") + [f"local:{plugin}"], timeout=30)
    # In each of two rounds the constructor, the thread, plugin_main twice and the destructor; products.c calls
    # ddot twice each of its 4 times.
    calls = 10 + 8 * (client.order == "after")
    check_equal(run.routines["ddot"], (calls, calls * DDOT), "ddot")


@case()
def churn_is_small(client):
    """Two thousand threads share what one needs: the dump does not grow with them."""
    program = client.compile("processes.c")
    one = os.path.getsize(client.run([program, "plain"]).dumps[0])
    many = os.path.getsize(client.run([program, "churn"]).dumps[0])
    check(many < 2 * one, f"{many} bytes after 2,000 threads, {one} after one")


@case(stacks=("auto", "all"))
def first_stack_of_a_thread_in_malloc(client):
    """What libunwind allocates for a thread must be there before: its first stack may be taken inside of malloc."""
    run = client.run([client.compile("handler_in_malloc.c")], FLOPSHIM_STACKS=client.stacks)
    check_equal((run.out, run.routines), (b"61\n", {"ddot": (61, 61 * flops.dot(5000))}), "calls")
