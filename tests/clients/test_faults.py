# SPDX-License-Identifier: BSD-3-Clause
"""Whatever ends a program: every call that came back is in the dump, and nothing about the program changes.

The victim keeps its own count in a file that it maps shared; that is the truth that the report is held to.
FLOPSHIM_LONG=1 makes the rounds of `make check-long`."""

import os
import random
import signal
import struct
import subprocess
import time

from harness import Skip, case, check, check_equal, library_folder, read_report

LONG = bool(os.environ.get("FLOPSHIM_LONG"))
KILLS = 200 if LONG else 12
SUM_OF_8 = sum(2 * n for n in range(1, 9))  # FLOPs of ddot_ with n from 1 to 8


def victim(client):
    return client.compile("victim.c", "-pthread")


def counted(path):
    data = path.read_bytes()
    return sum(struct.unpack(f"{len(data) // 8}Q", data))


def reported(client, folder, *options):
    dumps = sorted(str(path) for path in folder.glob("*.dump"))
    check(dumps, "it left no dump")
    return read_report(client.reporter, dumps, *options)


def check_every_call(client, folder, counts, in_flight):
    """Each thread may have one call that came back, but was not yet counted by the victim itself."""
    report = reported(client, folder)
    truth = counted(counts)
    check(truth <= report["totals"]["calls"] <= truth + in_flight,
          f"{report['totals']['calls']} calls in the dump, {truth} came back")
    check_equal(report["totals"]["lost_calls"], 0, "lost calls")
    return report


@case(kind=("shapes-1", "shapes-2", "calls-1", "calls-2"))
def kill(client):
    """kill -9 at random moments."""
    mode, threads = client.kind.split("-")
    program = victim(client)
    chance = random.Random(client.kind)
    for round in range(KILLS // 4 or 1):
        folder = client.folder / f"kill-{round}"
        folder.mkdir()
        counts = folder / "counts"
        env = client.environment(LD_PRELOAD=client.shim, FLOPSHIM_OUT=folder, FLOPSHIM_RECORDS=mode)
        process = subprocess.Popen([program, counts, threads, "0", "run"], env=env, cwd=folder)
        deadline = time.monotonic() + 20
        while not (counts.exists() and counts.stat().st_size and counted(counts)):
            check(time.monotonic() < deadline, "the victim does not begin")
        time.sleep(chance.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        report = check_every_call(client, folder, counts, int(threads))
        text = subprocess.run([client.reporter, *folder.glob("*.dump")], capture_output=True, text=True)
        check_equal(text.returncode, 0, "status of the report")
        check("ended without closing" in text.stdout, f"the report does not say how it ended: {text.stdout[:300]}")
        check_equal(report["complete"], True, "complete")


@case(how=("segv", "_exit", "abort", "quick_exit", "oom", "closefds", "reuse", "vfork"))
def end(client):
    folder = client.folder / "end"
    folder.mkdir()
    counts = folder / "counts"
    shimmed = client.run([victim(client), counts, "1", "1000", client.how], status=None, cwd=folder,
                         FLOPSHIM_OUT=str(folder))
    bare_counts = folder / "bare"
    bare = client.run([victim(client), bare_counts, "1", "1000", client.how], shim=False, status=None, cwd=folder)
    check_equal(shimmed.status, bare.status, "status")
    report = check_every_call(client, folder, counts, 0)
    check_equal(report["totals"]["flops"], counted(counts) // 8 * SUM_OF_8, "FLOPs")


@case()
def daemon(client):
    """The program that makes itself a daemon closes everything and goes on."""
    folder = client.folder / "daemon"
    folder.mkdir()
    counts = folder / "counts"
    client.run([victim(client), counts, "1", "800", "daemon"], cwd=folder, FLOPSHIM_OUT=str(folder))
    deadline = time.monotonic() + 20
    while counted(counts) < 1601:
        check(time.monotonic() < deadline, "the daemon does not end")
        time.sleep(0.05)
    report = reported(client, folder)
    check_equal(report["totals"]["calls"], 1600, "calls")


@case(how=("forks", "fork", "short", "many"))
def processes_and_threads(client):
    folder = client.folder / "many"
    folder.mkdir()
    counts = folder / "counts"
    client.run([victim(client), counts, "1", "40", client.how], cwd=folder, FLOPSHIM_OUT=str(folder), timeout=200)
    report = check_every_call(client, folder, counts, 0)
    check_equal(report["totals"]["flops"], counted(counts) // 8 * SUM_OF_8, "FLOPs")
    if client.how == "forks":
        check_equal(report["processes"], 1001, "processes")
    if client.how in ("short", "many"):
        check_equal(report["processes"], 1, "processes")
        check(sum(path.stat().st_size for path in folder.glob("*.dump")) < 4 << 20, "the dump grows with the threads")


@case()
def unload(client):
    """A BLAS that is loaded, called and unloaded a thousand times."""
    folder = client.folder / "unload"
    folder.mkdir()
    counts = folder / "counts"
    library = library_folder() / "blas" / "libblas.so.3"
    if not library.exists():
        raise Skip(f"no {library}")
    client.run([victim(client), counts, "1", "1", "unload", library], cwd=folder, FLOPSHIM_OUT=str(folder), timeout=200)
    report = check_every_call(client, folder, counts, 0)
    check_equal(report["totals"]["flops"], 8 * 1000, "FLOPs")


# ---- disks ----

def mounted(client, *options):
    place = client.folder / "disk"
    place.mkdir()
    done = subprocess.run(["mount", *options, str(place)], capture_output=True)
    if done.returncode:
        raise Skip("no right to mount")
    return place


def check_counts_on(client, out, **environment):
    """Runs where the dump does not fit: nothing changes, the limit holds, and one line says what is lost."""
    counts = client.folder / "counts"
    run = client.run([victim(client), counts, "4", "100000", "run"], FLOPSHIM_OUT=str(out), FLOPSHIM_RECORDS="calls",
                     **environment)
    check_equal(counted(counts), 400000, "calls of the victim")
    return run


def said_once(run, words):
    lines = run.err.decode().splitlines()
    check_equal(len(lines), 1, f"lines on standard error ({lines})")
    check(words in lines[0], f"the line does not say '{words}': {lines[0]}")


@case(kind=("tmpfs", "ext4"))
def full_disk(client):
    if client.kind == "tmpfs":
        place = mounted(client, "-t", "tmpfs", "-o", "size=300k", "tmpfs")
    else:
        image = client.folder / "image"
        image.write_bytes(b"\0" * (2 << 20))
        subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", str(image)], check=True,
                       capture_output=True)
        place = mounted(client, "-o", "loop", str(image))
        free = os.statvfs(place)
        (place / "filler").write_bytes(b"\0" * max(0, free.f_bavail * free.f_bsize - 300_000))
    try:
        run = check_counts_on(client, place)
        said_once(run, "cannot grow")
        dumps = [str(path) for path in place.glob("*.dump")]
        done = subprocess.run([client.reporter, "--json", *dumps], capture_output=True, text=True)
        check(done.returncode in (0, 5), f"status {done.returncode} of the report")
        check('"calls":400000' in done.stdout.replace(" ", ""), "the totals are not exact")
        text = subprocess.run([client.reporter, *dumps], capture_output=True, text=True).stdout
        check("ordered record" in text and "400,000 calls" in text, f"the report does not say what is lost: {text[:400]}")
    finally:
        subprocess.run(["umount", str(place)], check=True)


@case()
def read_only(client):
    place = mounted(client, "-t", "tmpfs", "-o", "ro", "tmpfs")
    try:
        said_once(check_counts_on(client, place), "counting without a file")
        run = client.run([victim(client), client.folder / "counts", "1", "100000", "run"], status=121,
                         FLOPSHIM_OUT=str(place), FLOPSHIM_BUDGET="100k")
        check("refused" in run.err.decode(), "the budget does not hold without a file")
    finally:
        subprocess.run(["umount", str(place)], check=True)


@case()
def file_size_limit(client):
    """ulimit -f: no SIGXFSZ, totals exact."""
    counts = client.folder / "counts"
    folder = client.folder / "dumps"
    folder.mkdir()
    program = victim(client)
    run = client.run(["/bin/sh", "-c", f"ulimit -f 200; exec {program} {counts} 4 100000 run"],
                     FLOPSHIM_OUT=str(folder), FLOPSHIM_RECORDS="calls")
    check_equal(counted(counts), 400000, "calls of the victim")
    said_once(run, "cannot grow")


@case()
def made_directories(client):
    """A directory that does not exist is made."""
    out = client.folder / "a" / "b" / "%e-%p.dump"
    client.run([victim(client), client.folder / "counts", "1", "10", "run"], FLOPSHIM_OUT=str(out))
    check_equal(len(list((client.folder / "a" / "b").glob("victim-*.dump"))), 1, "dumps")


@case()
def existing_file(client):
    """A file that is there is nobody's to overwrite."""
    out = client.folder / "x.dump"
    out.write_text("mine")
    run = client.run([victim(client), client.folder / "counts", "1", "10", "run"], FLOPSHIM_OUT=str(out))
    check_equal(out.read_text(), "mine", "the file that was there")
    check_equal(len(list(client.folder.glob("x-*.dump"))), 1, "dumps beside it")
    said_once(run, "exists already")


@case()
def untrusted_mapping(client):
    """Where a shared mapping is no promise (ramfs stands for all that are not known), tables are written out."""
    place = mounted(client, "-t", "ramfs", "ramfs")
    try:
        counts = client.folder / "counts"
        client.run([victim(client), counts, "2", "100000", "run"], FLOPSHIM_OUT=str(place))
        report = reported(client, place)
        check_equal(report["totals"]["calls"], counted(counts), "calls")
        for path in place.glob("*.dump"):
            path.unlink()
        process = subprocess.Popen([victim(client), counts, "1", "0", "run"],
                                   env=client.environment(LD_PRELOAD=client.shim, FLOPSHIM_OUT=place, FLOPSHIM_TIME="all"))
        time.sleep(2.5)
        process.kill()
        process.wait()
        check(reported(client, place)["totals"]["calls"] > 0, "nothing was written out in 2.5 seconds")
        text = subprocess.run([client.reporter, *place.glob("*.dump")], capture_output=True, text=True).stdout
        check("up to a second" in text, f"the report does not state the window of loss: {text[:500]}")
    finally:
        subprocess.run(["umount", str(place)], check=True)
