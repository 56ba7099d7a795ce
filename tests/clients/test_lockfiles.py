# SPDX-License-Identifier: BSD-3-Clause
"""Tests what `flopshim-report check` says of lockfiles and command lines that are wrong, and that it leaves such files as they
are."""

import os
import re
import threading

from harness import case, check, check_equal
from test_check import MODEL, check_in, lock_of, run_model, work
from test_runs import report


LOCK_FAULTS = {
    "blanks": (lambda text: text.replace("\t", "    "), ":1: blanks stand where a lock has tabs"),
    "mark": (lambda text: "\ufeff" + text, ":1: a byte order mark"),
    "conflict": (lambda text: text.replace("\nshape", "\n<<<<<<< HEAD\nshape", 1), ":7: a merge conflict"),
    "number": (lambda text: text.replace("\t2\t4000000", "\t2\t4e6", 1), "'4e6'"),
    "version": (lambda text: text.replace("flopshim-lock\t1", "flopshim-lock\t9"), ":1: this lock is of version 9"),
    "twice": (lambda text: re.sub("(?m)^(shape.*\n)", r"\1\1", text, count=1), "twice"),
    "crlf": (lambda text: text.replace("\n", "\r\n"), ":1: it ends in CR LF"),
    "cut": (lambda text: text[:-1], "no end"),
    "half": (lambda text: text[:text.rindex("total")], "cut"),
    "empty": (lambda text: "", "empty"),
    "other": (lambda text: "hello\n", ":1: this is no lock"),
    "total": (lambda text: re.sub("total\t\\d+", "total\t1", text), "add up"),
}


@case(fault=LOCK_FAULTS)
def locks_that_are_not_whole(client):
    """A lock that cannot be read is named with its line, and is untouched, also by --update."""
    tree = work(client)
    dumps = run_model(client, tree, MODEL, "--for-check")
    damage, why = LOCK_FAULTS[client.fault]
    text = damage(lock_of(client, tree, dumps).decode()).encode()
    (tree / "flops.lock").write_bytes(text)
    for options in ([], ["--update"]):
        out, err = check_in(client, tree, "--lock", "flops.lock", *options, dumps, status=2)
        check(err.startswith("flopshim-report: flops.lock:") and why in err and err.count("\n") == 1, err)
        check_equal((out, (tree / "flops.lock").read_bytes()), ("", text), "output, and the lock")
    for option in ("--bisect", "--bisec", "--bi"):
        check_in(client, tree, "--lock", "flops.lock", option, dumps, status=125)


@case()
def files_that_are_no_lock(client):
    """A lock that is missing or is a directory, and wrong options, are named."""
    tree = work(client)
    dumps = run_model(client, tree, MODEL, "--for-check")
    (tree / "folder").mkdir()
    for arguments, why in ((["--lock", "none.lock"], "--update writes it"), (["--lock", "folder"], "Is a directory"),
                           ([], "expected --lock FILE"), (["--lock", "x", "--update=more"], "--update=less"),
                           (["--lock", "-"], "--lock -: expected the name of a file"),
                           (["--lock", "x", "--junit", "-"], "--junit -: expected the name of a file"),
                           (["--lock", "x", "--map", "a"], "OLD=NEW"), (["--lock", "x", "--by", "rank"], "makes no sense")):
        _, err = check_in(client, tree, *arguments, dumps, status=2)
        check(why in err, err)
    check_in(client, tree, "--lock", "missing/x.lock", "--update", dumps, status=1)


@case()
def wrong_command_lines(client):
    """Where git bisect runs a check, a wrong command line tells it to skip, too, however --bisect is written."""
    for option in ("--bisect", "--bis", "--bi"):
        report(client, "check", option, "--no-such-option", status=125)
        report(client, "check", "--no-such-option", option, status=125)
        report(client, "check", option, status=125)
    report(client, "check", "--no-such-option", "--", "--bisect", status=2)
    report(client, "check", "--b", status=2)  # of --by, too


@case()
def pipes(client):
    """A lock that is no regular file is named as that, and not read in part."""
    os.mkfifo(client.folder / "pipe")
    for lock in ("pipe", "/dev/null"):
        done = report(client, "check", "--lock", lock, ".", status=2)
        check("the lock cannot be read: it is no regular file" in done.stderr, done.stderr)


@case()
def growing(client):
    """A lock to which somebody else writes while it is read is not taken for what was there at some moment."""
    lock = client.folder / "flops.lock"
    with open(lock, "wb") as stream:
        stream.truncate(100_000_000)
    ended = threading.Event()

    def write():
        with open(lock, "ab", buffering=0) as stream:
            while not ended.is_set() and stream.tell() < 200_000_000:
                stream.write(b"x" * 10)

    for _ in range(20):  # until the two have met
        writer = threading.Thread(target=write)
        ended.clear()
        writer.start()
        done = report(client, "check", "--lock", lock, ".", status=2)
        ended.set()
        writer.join()
        if "it was written to while it was read" in done.stderr:
            return
    check(False, f"not once in 20 times: {done.stderr}")


@case()
def too_large(client):
    """A lock that is larger than any lock is not read."""
    with open(client.folder / "flops.lock", "wb") as stream:
        stream.truncate((1 << 28) + 1)
    done = report(client, "check", "--lock", "flops.lock", ".", status=2)
    check("the lock cannot be read: File too large" in done.stderr, done.stderr)
