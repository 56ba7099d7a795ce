# SPDX-License-Identifier: BSD-3-Clause
"""Tests where messages go: to standard error if it is the same file as at the start or somebody may read it, and
otherwise into the dump. They must never go into a file of the program's."""

import subprocess

from harness import case, check, check_equal

SENTENCE = "ddot(n=3) runs over its budget: it costs 6 FLOPs, 1 remain of the budget of 1 of the process"


def notes(run):
    """The messages in the dump."""
    return [row["text"] for row in run.report["notes"] if row["kind"] == "message"]


def check_noted(client, run):
    """The sentence is in the dump, once, and in the report."""
    (noted,) = notes(run)
    check(noted.startswith(SENTENCE), f"the note: {noted}")
    text = subprocess.run([client.reporter, *run.dumps], capture_output=True, text=True).stdout
    check(SENTENCE in text, f"the report does not say it: {text[-600:]}")


def start(client, how, shell="exec {}", status=0, action="warn"):
    program = client.compile("messages.c")
    file = client.folder / "file"
    command = ["sh", "-c", shell.format(f"{program} {how} {file}").replace("FILE", str(file))]
    run = client.run(command, status=status, timeout=60, FLOPSHIM_BUDGET=1, FLOPSHIM_ON_EXCEED=action)
    return run, file.read_bytes() if file.exists() else None


@case(how=("file", "log", "null", "closed", "deaf", "full"))
def goes_into_the_dump(client):
    """If descriptor 2 is a file that the program has opened, a log, /dev/null, closed, or a pipe that takes no more, the
    message goes into the dump."""
    run, written = start(client, client.how)
    check_equal(written, b"DATAMORE" if client.how in ("file", "log") else None, "the program's file")
    check_equal(run.err, b"", "standard error")
    check_noted(client, run)


@case(how=("file", "shut"))
def closed_at_the_start(client):
    """If standard error was closed at the start, the message goes into the dump, even if descriptor 2 is a file by then."""
    run, written = start(client, client.how, shell="exec {} 2>&-")
    check_equal(written, b"DATAMORE" if client.how == "file" else None, "the program's file")
    check_noted(client, run)


@case()
def inode_used_again(client):
    """If standard error was a file that is deleted, a new file with the same inode number does not get the message."""
    run, written = start(client, "inode", shell="exec {} 2>FILE")
    check_equal(written, b"DATAMORE", "the program's file")
    check_noted(client, run)


@case()
def file_from_the_start(client):
    """If standard error was a file from the start, the message goes there, and not into the dump."""
    run, written = start(client, "plain", shell="exec {} 2>FILE")
    check_equal(written.decode().split("\n")[0].split(", called")[0], f"DATAflopshim: {SENTENCE}", "the file")
    check(written.endswith(b"\nMORE"), f"the file: {written}")
    check_equal(notes(run), [], "notes")


@case(how=("pipe", "socket"))
def for_readers(client):
    """A pipe or a socket that came later gets the message, since somebody may read it."""
    run, _ = start(client, client.how)
    check(f"DATAflopshim: {SENTENCE}" in run.out.decode(), f"what was read: {run.out}")
    check_equal(notes(run), [], "notes")


@case(how=("full", "closed", "deaf"))
def refusal(client):
    """A program that a budget ends says why in its dump, and ends, even if nobody reads its standard error."""
    run, _ = start(client, client.how, status=121, action="exit")
    (noted,) = notes(run)
    check(noted.startswith(SENTENCE.replace("runs over its budget", "refused")), f"the note: {noted}")
