# SPDX-License-Identifier: BSD-3-Clause
"""Messages go to standard error while that is what it was at the start, or somebody may read it; else into the dump."""

import subprocess

from harness import case, check, check_equal

SENTENCE = "ddot(n=3) runs over its budget: it costs 6 FLOPs, 1 remain of the budget of 1 of the process"


def notes(run):
    return [row["text"] for row in run.report["notes"] if row["kind"] == "message"]


def check_noted(client, run):
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
    """The program's own file in its place, a file that it logs to, nothing, and pipes that take no more."""
    run, written = start(client, client.how)
    check_equal(written, b"DATAMORE" if client.how in ("file", "log") else None, "the program's file")
    check_equal(run.err, b"", "standard error")
    check_noted(client, run)


@case(how=("file", "shut"))
def closed_at_the_start(client):
    run, written = start(client, client.how, shell="exec {} 2>&-")
    check_equal(written, b"DATAMORE" if client.how == "file" else None, "the program's file")
    check_noted(client, run)


@case()
def inode_used_again(client):
    """Standard error was a file that is gone, and the file in its place may have its number."""
    run, written = start(client, "inode", shell="exec {} 2>FILE")
    check_equal(written, b"DATAMORE", "the program's file")
    check_noted(client, run)


@case()
def file_from_the_start(client):
    run, written = start(client, "plain", shell="exec {} 2>FILE")
    check_equal(written.decode().split("\n")[0].split(", called")[0], f"DATAflopshim: {SENTENCE}", "the file")
    check(written.endswith(b"\nMORE"), f"the file: {written}")
    check_equal(notes(run), [], "notes")


@case(how=("pipe", "socket"))
def for_readers(client):
    """A pipe and a socket that came later are there to be read."""
    run, _ = start(client, client.how)
    check(f"DATAflopshim: {SENTENCE}" in run.out.decode(), f"what was read: {run.out}")
    check_equal(notes(run), [], "notes")


@case(how=("full", "closed", "deaf"))
def refusal(client):
    """A program that a budget ends says why in its dump, and ends, also where nobody reads the pipe."""
    run, _ = start(client, client.how, status=121, action="exit")
    (noted,) = notes(run)
    check(noted.startswith(SENTENCE.replace("runs over its budget", "refused")), f"the note: {noted}")
