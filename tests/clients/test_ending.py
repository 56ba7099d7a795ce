# SPDX-License-Identifier: BSD-3-Clause
"""Tests that a budget ends the process wherever the call comes from, and that what the program has printed is written
out."""

from harness import Skip, case, check_equal

IN_HANDLER = ("malloc", "own_malloc")
ORDINARY = ("held_stream", "calling_stream", "process_limit", "no_threads", "no_threads_held_stream",
            "no_timers_held_stream", "process_limit_held_stream", "confined")


def end(client, how, *flags, **options):
    """Runs ending.c under a budget; skips the case if the program says that it cannot be tried here."""
    program = client.compile("ending.c", "-pthread", *flags, name=f"ending{''.join(flags)}")
    run = client.run([program, how], status=None, timeout=60, FLOPSHIM_BUDGET=1000, **options)
    if run.status == 77:
        raise Skip("ending.c says that this way cannot be tried here")
    return run


@case(how=IN_HANDLER)
def in_handler(client):
    """A budget ends the process from a signal handler that interrupts malloc while it holds a lock. With the C library's
    malloc only some rounds do so."""
    own = client.how == "own_malloc"
    for _ in range(1 if own else 4):
        run = end(client, client.how, *(["-DOWN_MALLOC"] if own else []))
        check_equal(run.status, 121, "status")
        check_equal(len(run.err.splitlines()), 1, "lines on standard error")


@case(how=ORDINARY)
def flushes(client):
    """What the program has printed is written out at its end, and its status is 121, whatever holds its streams."""
    client.folder.chmod(0o777)  # the program may give up its rights, and must still be able to write here
    run = end(client, client.how, FLOPSHIM_OUT=str(client.folder))
    check_equal((run.status, run.out), (121, b"result so far 42\n"), "status and standard output")
