# SPDX-License-Identifier: BSD-3-Clause
"""Tests what a lockfile may say and where it may lie, on a program in Python. Verdicts are those of test_check.py. No case may
take an expected row from a lock that flopshim-report has written."""

import re

from harness import PYTHON, case, check, check_equal
from test_check import MODEL, PRODUCT, check_in, line_of, lock_of, run_in, run_model, work


@case()
def tolerances_of_no_row(client):
    """A tolerance that matches no row is said with its line, and why it cannot; one that matches is not."""
    tree = work(client)
    dumps = run_model(client, tree, MODEL, "--for-check")
    for by, allowed, wrong in (
            ("default", ["dgemm calls 5", "(root)/dg* flops 1%", "dgem calls 5", "model.py:* flops 1%"], [2, 3]),
            ("routine", ["dgemm calls 5", "(root)/dgemm calls 5"], [1]),
            ("namespace", ["(root)/* calls 5", "dgemm calls 5"], [1]),
            ("site", ["model.py:* flops 1%", "dgemm calls 5", "other.py:* calls 1"], [2])):
        (tree / "flops.lock").unlink(missing_ok=True)
        lock = lock_of(client, tree, dumps, *([] if by == "default" else ["--by", by])).decode()
        lines = "".join(f"\nallow {one}" for one in allowed)
        (tree / "flops.lock").write_text(lock.replace("\nshape", lines + "\nshape", 1))
        first = line_of((tree / "flops.lock").read_text(), "allow " + allowed[0])
        for options in ([], ["--update"]):
            _, err = check_in(client, tree, "--lock", "flops.lock", *options, dumps)
            check_equal(re.findall(r"(?m)^flopshim-report: flops\.lock:(\d+): this line of allow matches no row", err),
                        [str(first + i) for i in wrong], f"lines of a lock by {by}: {err}")
            check_equal(err.count("\n"), len(wrong), f"sentences: {err}")
    # One for work that the lock does not have yet.
    lock = lock_of(client, tree, dumps, name="new.lock").decode()
    (tree / "new.lock").write_text(lock.replace("\nshape", "\nallow dsyrk calls 1\nallow dsyrk flops 1000000000\nshape", 1))
    more = run_model(client, tree, MODEL + "A @ A.T\n", "--for-check")
    _, err = check_in(client, tree, "--lock", "new.lock", more)
    check_equal(err, "", "errors")


@case()
def any_number_of_processes(client):
    """--any-processes compares a run of other processes with a lock that has their number, and does not change the lock."""
    tree = work(client)
    (tree / "model.py").write_text(MODEL)
    lock = lock_of(client, tree, run_in(client, tree, ["sh", "-c", f"{PYTHON} model.py && {PYTHON} model.py"], "--for-check"))
    check("\nran\t2\t0\n" in lock.decode(), lock)
    one = run_in(client, tree, [PYTHON, "model.py"], "--for-check")
    out, _ = check_in(client, tree, "--lock", "flops.lock", one, status=5)
    check("the lock is of 2 processes, and this run of 1" in out, out)
    out, _ = check_in(client, tree, "--lock", "flops.lock", "--any-processes", one)
    check("less work than flops.lock has" in out and f"{PRODUCT:,} FLOPs less (-50.0 %) in dgemm" in out, out)
    check_equal((tree / "flops.lock").read_bytes(), lock, "the lock")
    check(b"\nran\t*\t*\n" in lock_of(client, tree, one, "--any-processes"), "--update does not keep it")


@case()
def locks_behind_links(client):
    """A lock that is a symbolic link is written where the link leads, whether there is a file yet or not."""
    tree = work(client)
    (tree / "locks").mkdir()
    dumps = run_model(client, tree, MODEL, "--for-check")
    links = {"flops.lock": "locks/next.lock", "locks/next.lock": "real.lock", "whole.lock": tree / "locks" / "other.lock"}
    for name, target in links.items():
        (tree / name).symlink_to(target)
    expected = lock_of(client, tree, dumps, name="plain.lock")
    for name, target in (("flops.lock", "locks/real.lock"), ("whole.lock", "locks/other.lock")):
        check_equal(lock_of(client, tree, dumps, name=name), expected, f"the lock by {name}")
        check((tree / name).is_symlink() and not (tree / target).is_symlink(), f"{name} is no link any more")
        check_equal((tree / target).read_bytes(), expected, target)
    (tree / "a.lock").symlink_to("b.lock")
    (tree / "b.lock").symlink_to("a.lock")
    (tree / "far.lock").symlink_to("missing/x.lock")
    for name, status in (("a.lock", 2), ("far.lock", 1)):
        _, err = check_in(client, tree, "--lock", name, "--update", dumps, status=status)
        check(f"flopshim-report: {name}: " in err and err.count("\n") == 1, err)
        check((tree / name).is_symlink(), f"{name} is no link any more")
