# SPDX-License-Identifier: BSD-3-Clause
"""Tests that every call that returned is in the dump, whatever ends the program, and that nothing else about the program
changes.

The victim counts its own calls in a file that it maps shared. Reports must be compared with that count and with nothing
else. FLOPSHIM_LONG=1 makes the rounds of `make check-long`."""

import contextlib
import os
import select
import random
import signal
import struct
import subprocess
import time
from pathlib import Path

from harness import Skip, case, check, check_equal, library_folder, mounted, read_report, system_program

LONG = bool(os.environ.get("FLOPSHIM_LONG"))
KILLS = 200 if LONG else 12
SUM_OF_8 = sum(2 * n for n in range(1, 9))  # FLOPs of ddot_ with n from 1 to 8


def victim(client):
    return client.compile("victim.c", "-pthread")


def counted(path):
    """The victim's own count of calls, in all threads together."""
    data = path.read_bytes()
    return sum(struct.unpack(f"{len(data) // 8}Q", data))


INCOMPLETE = 5  # status of flopshim-report


def reported(client, folder, *options, status=0):
    """The report of all dumps in the folder."""
    dumps = sorted(str(path) for path in folder.glob("*.dump"))
    check(dumps, "it left no dump")
    return read_report(client.reporter, dumps, *options, status=status)


def check_every_call(client, folder, counts, in_flight):
    """The dump has every call that returned. In each thread one more may have returned that the victim had not counted
    yet."""
    report = reported(client, folder)
    truth = counted(counts)
    check(truth <= report["totals"]["calls"] <= truth + in_flight,
          f"{report['totals']['calls']} calls in the dump, {truth} came back")
    check_equal(report["totals"]["lost_calls"], 0, "lost calls")
    return report


@case(kind=("shapes-1", "shapes-2", "calls-1", "calls-2"))
def kill(client):
    """No call is lost if the process is killed by SIGKILL at a random moment, and the report says that it ended without
    closing its dump."""
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


@case(how=("segv", "_exit", "abort", "quick_exit", "oom", "closefds", "reuse", "vfork", "clone"))
def end(client):
    """A program that ends by a crash, _exit, abort and the like, or that closes all descriptors, has the same status as
    without the shim, and no call is lost."""
    folder = client.folder / "end"
    folder.mkdir()
    counts = folder / "counts"
    # Each call's stack is taken: descriptors that this opens must not be mistaken for the program's.
    shimmed = client.run([victim(client), counts, "1", "1000", client.how], status=None, cwd=folder,
                         FLOPSHIM_OUT=str(folder), FLOPSHIM_STACKS="all")
    bare_counts = folder / "bare"
    bare = client.run([victim(client), bare_counts, "1", "1000", client.how], shim=False, status=None, cwd=folder)
    check_equal(shimmed.status, bare.status, "status")
    report = check_every_call(client, folder, counts, 0)
    check_equal(report["totals"]["flops"], counted(counts) // 8 * SUM_OF_8, "FLOPs")
    check_equal(report["processes"], 2 if client.how in ("vfork", "clone") else 1, "processes")


def memory_group(client, limit):
    """A control group with a limit of memory, of the first or second version, whichever is there. Skips the case if none
    can be made."""
    for top, controllers, name in (("/sys/fs/cgroup", "cgroup.controllers", "memory.max"),
                                   ("/sys/fs/cgroup/unified", "cgroup.controllers", "memory.max"),
                                   ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.limit_in_bytes")):
        known = Path(top, controllers)
        if not known.exists() or (name == "memory.max" and "memory" not in known.read_text().split()):
            continue
        group = Path(top, f"flopshim-test-{os.getpid()}-{client.folder.name}")
        try:
            if name == "memory.max":
                Path(top, "cgroup.subtree_control").write_text("+memory")
            group.mkdir()
            (group / name).write_text(str(limit))
        except OSError as error:
            raise Skip(f"no right to make a control group: {error}") from None
        for swap in ("memory.swap.max", "memory.swappiness"):
            if (group / swap).exists():
                (group / swap).write_text("0")
        return group
    raise Skip("no control groups with memory")


@case(kind=("shapes", "calls"))
def killed_for_memory(client):
    """No call is lost if the kernel kills the process because its control group has no more memory."""
    folder = client.folder / "end"
    folder.mkdir()
    counts = folder / "counts"
    group = memory_group(client, 64 << 20)
    try:
        program = victim(client)
        client.run(["/bin/sh", "-c", f"echo $$ > {group}/cgroup.procs && exec {program} {counts} 1 1000 hog"],
                   status=-9, FLOPSHIM_OUT=str(folder), FLOPSHIM_RECORDS=client.kind)
    finally:
        group.rmdir()
    report = check_every_call(client, folder, counts, 0)
    check_equal((report["complete"], report["totals"]["calls"]), (True, 1000), "complete, calls")


@case()
def daemon(client):
    """A program that makes itself a daemon and closes all its files is counted to its end."""
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


def check_flat(client, shimmed, bare):
    """After the warm-up the process gains no more resident memory, mappings or descriptors than without the shim."""
    def growth(run):
        warm, last = ([int(word) for word in line.split()] for line in run.out.decode().splitlines())
        return [after - before for before, after in zip(warm, last)]

    more = [with_shim - without for with_shim, without in zip(growth(shimmed), growth(bare))]
    check(more[0] < 256, f"{more[0]} kB more than without the shim after warm-up")
    check(more[1] <= 2, f"{more[1]} mappings more than without the shim after warm-up")
    check_equal(more[2], 0, "descriptors more than without the shim after warm-up")
    check_equal(shimmed.out.split()[2], bare.out.split()[2], "descriptors, with the shim and without")


@case(how=("forks", "fork", "short", "many"))
def processes_and_threads(client):
    """Many processes, or many short or long threads, lose no call, and neither the process nor the dump grows with them."""
    folder = client.folder / "many"
    folder.mkdir()
    counts = folder / "counts"
    command = [victim(client), counts, "1", "40", client.how]
    if client.how != "fork":  # "fork" has no rounds to compare
        bare = client.run(command, shim=False, cwd=folder, timeout=200)
        counts.unlink()
    # Each call's stack is taken, so that all memory for that is allocated before the warm-up ends.
    run = client.run(command, cwd=folder, FLOPSHIM_OUT=str(folder), FLOPSHIM_STACKS="all", timeout=200)
    report = check_every_call(client, folder, counts, 0)
    check_equal(report["totals"]["flops"], counted(counts) // 8 * SUM_OF_8, "FLOPs")
    if client.how != "fork":
        check_flat(client, run, bare)
    if client.how == "forks":
        check_equal(report["processes"], 1001, "processes")
    if client.how in ("short", "many"):
        check_equal(report["processes"], 1, "processes")
        size, lanes = sum(path.stat().st_size for path in folder.glob("*.dump")), 1 if client.how == "short" else 64
        check(size < (128 + 32 * lanes) << 10, f"{size} bytes: the dump grows with the threads")


@case(kind=("blas", "plugin", "plugin_elsewhere"))
def unload(client):
    """A BLAS, or a plug-in that is linked to one, may be loaded, called and unloaded a thousand times, at the same
    address or at a new one each time. That is one site and one library, and the dump is as large as after 200 times."""
    library = library_folder() / "blas" / "libblas.so.3"
    if not library.exists():
        raise Skip(f"no {library}")
    what, how = [library, "ddot_"], "unload"
    if client.kind != "blas":
        what = [client.compile("plugin_dot.c", "-shared", "-fPIC", name="plugin_dot.so"), "plugin_dot"]
        how = "slide" if client.kind == "plugin_elsewhere" else "unload"
    sizes = []
    for rounds in (200, 1000):
        folder = client.folder / str(rounds)
        folder.mkdir()
        counts = folder / "counts"
        command = [victim(client), counts, "1", rounds, how, *what]
        bare = client.run(command, shim=False, blas="reference")
        counts.unlink()
        run = client.run(command, blas="reference", FLOPSHIM_OUT=str(folder),
                         FLOPSHIM_STACKS="leaf" if how == "slide" else "all", timeout=200)
        report = check_every_call(client, folder, counts, 0)
        check_equal(report["totals"]["flops"], 8 * rounds, "FLOPs")
        check_equal((len(report["sites"]), len(report["libraries"])), (1, 1), "sites and libraries")
        sizes.append(sum(path.stat().st_size for path in folder.glob("*.dump")))
    check_equal(sizes[1], sizes[0], "size of the dump after 1,000 rounds against 200")
    if how == "unload":
        check_flat(client, run, bare)


# ---- disks ----

def check_counts_on(client, out, **environment):
    """Runs the victim with an ordered record where the dump does not fit. All its calls must run."""
    counts = client.folder / "counts"
    run = client.run([victim(client), counts, "4", "100000", "run"], FLOPSHIM_OUT=str(out), FLOPSHIM_RECORDS="calls",
                     **environment)
    check_equal(counted(counts), 400000, "calls of the victim")
    return run


def said_once(run, words):
    """Standard error has one line, and it says this."""
    lines = run.err.decode().splitlines()
    check_equal(len(lines), 1, f"lines on standard error ({lines})")
    check(words in lines[0], f"the line does not say '{words}': {lines[0]}")


@case(kind=("tmpfs", "ext4"))
def full_disk(client):
    """If the disk is full, one line says so, the totals are exact, and the report says that the ordered record is
    incomplete."""
    if client.kind == "tmpfs":
        place = mounted(client, "-t", "tmpfs", "-o", "size=300k", "tmpfs")
    else:
        image = client.folder / "image"
        image.write_bytes(b"\0" * (2 << 20))
        subprocess.run([system_program("mkfs.ext4"), "-q", "-F", "-O", "^has_journal", "-m", "0", str(image)], check=True,
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
    """Without a file one line says so, the program runs, and its budget holds."""
    place = mounted(client, "-t", "tmpfs", "-o", "ro", "tmpfs")
    try:
        said_once(check_counts_on(client, place), "counting without a file")
        run = client.run([victim(client), client.folder / "counts", "1", "100000", "run"], status=121,
                         FLOPSHIM_OUT=str(place), FLOPSHIM_BUDGET="100k")
        check("refused" in run.err.decode(), "the budget does not hold without a file")
    finally:
        subprocess.run(["umount", str(place)], check=True)


def check_file_size_limit(client, folder):
    """Under `ulimit -f` the process gets no SIGXFSZ, the totals are exact, and the loss is stated."""
    counts = client.folder / "counts"
    program = victim(client)
    run = client.run(["/bin/sh", "-c", f"ulimit -f 400; exec {program} {counts} 4 100000 run"],
                     FLOPSHIM_OUT=str(folder), FLOPSHIM_RECORDS="calls")
    check_equal(counted(counts), 400000, "calls of the victim")
    said_once(run, "cannot grow")
    report = reported(client, folder)
    check_equal(report["totals"]["calls"], 400000, "calls")
    check_equal(report["totals"]["flops"], 400000 // 8 * SUM_OF_8, "FLOPs")
    losses = [loss for process in report["process_list"] for loss in process["losses"]]
    check("log" in str(losses), f"the loss is not stated: {losses}")


@case()
def file_size_limit(client):
    """A limit on the size of files costs the ordered record, and nothing else."""
    folder = client.folder / "dumps"
    folder.mkdir()
    check_file_size_limit(client, folder)


@case()
def no_file_may_grow(client):
    """If not even the beginning of the dump may be written, the line says why, and the calls run."""
    program = client.compile("processes.c")
    run = client.run(["/bin/sh", "-c", f"ulimit -f 0; exec {program} plain"])
    said_once(run, "(EFBIG): counting without a file")
    check_equal(run.dumps, [], "dumps")


@case()
def file_size_limit_written_out(client):
    """The same on a file system whose mappings are not trusted, so that tables are written out."""
    place = mounted(client, "-t", "ramfs", "ramfs")
    try:
        check_file_size_limit(client, place)
    finally:
        subprocess.run(["umount", str(place)], check=True)


@case()
def made_directories(client):
    """A directory of FLOPSHIM_OUT that does not exist is made."""
    out = client.folder / "a" / "b" / "%e-%p.dump"
    client.run([victim(client), client.folder / "counts", "1", "10", "run"], FLOPSHIM_OUT=str(out))
    check_equal(len(list((client.folder / "a" / "b").glob("victim-*.dump"))), 1, "dumps")


@case()
def existing_file(client):
    """A file that is there already is never overwritten; the dump is written beside it, and a line says so."""
    out = client.folder / "x.dump"
    out.write_text("mine")
    run = client.run([victim(client), client.folder / "counts", "1", "10", "run"], FLOPSHIM_OUT=str(out))
    check_equal(out.read_text(), "mine", "the file that was there")
    check_equal(len(list(client.folder.glob("x-*.dump"))), 1, "dumps beside it")
    said_once(run, "exists already")


@case()
def untrusted_mapping(client):
    """On a file system whose shared mappings are not trusted (ramfs stands for all of these), the dump is written every
    second, and at most a second is missing after a kill."""
    place = mounted(client, "-t", "ramfs", "ramfs")
    try:
        counts = client.folder / "counts"
        client.run([victim(client), counts, "2", "100000", "run"], FLOPSHIM_OUT=str(place))
        report = reported(client, place)
        check_equal(report["totals"]["calls"], counted(counts), "calls")
        for path in place.glob("*.dump"):
            path.unlink()
        counts.unlink()
        for settings in ALL_SETTINGS if LONG else ALL_SETTINGS[:1]:
            check_window_of_loss(client, place, counts, settings)
    finally:
        subprocess.run(["umount", str(place)], check=True)


# With the first of these settings, calls take the slow path as rarely as possible: there is nothing that could write.
ALL_SETTINGS = ({"FLOPSHIM_TIME": "off", "FLOPSHIM_STACKS": "off"}, {}, {"FLOPSHIM_TIME": "all"},
                {"FLOPSHIM_RECORDS": "calls"})


def check_window_of_loss(client, place, counts, settings):
    """All calls that returned more than a second before a kill are in the file, and the report says that later ones may
    be missing."""
    process = subprocess.Popen([victim(client), counts, "1", "0", "run"],
                               env=client.environment(LD_PRELOAD=client.shim, FLOPSHIM_OUT=place, **settings))
    time.sleep(1)
    before = counted(counts)
    time.sleep(1.5)
    process.kill()
    process.wait()
    truth = counted(counts)
    report = reported(client, place, status=INCOMPLETE)
    check_equal(report["complete"], False, "complete")
    calls = report["totals"]["calls"]
    check(0 < before <= calls <= truth + 1,
          f"{settings}: {calls} calls, {before} a good second before the end, {truth} at it")
    text = subprocess.run([client.reporter, *place.glob("*.dump")], capture_output=True, text=True).stdout
    check("in its last second" in text and "INCOMPLETE" in text, f"the report does not state the window of loss: {text[:500]}")
    counts.unlink()
    for path in place.glob("*.dump"):
        path.unlink()


@contextlib.contextmanager
def quota(client, limit):
    """A folder with a quota, on a file system whose mappings are not trusted."""
    image = client.folder / "image"
    with open(image, "wb") as file:
        file.truncate(120 << 20)
    subprocess.run([system_program("mkfs.btrfs"), "-q", str(image)], check=True, capture_output=True)
    place = mounted(client, "-o", "loop", str(image))
    try:
        for words in (["quota", "enable", place], ["subvolume", "create", place / "sub"],
                      ["qgroup", "limit", limit, place / "sub"]):
            subprocess.run([system_program("btrfs"), *map(str, words)], check=True, capture_output=True)
        yield place / "sub"
    finally:
        subprocess.run(["umount", str(place)], check=True)


@case()
def quota_reached(client):
    """If the ordered record reaches the quota, the totals are exact, and the loss is stated."""
    with quota(client, "300K") as place:
        said_once(check_counts_on(client, place), "cannot grow")
        report = reported(client, place)
        check_equal(report["totals"]["calls"], 400000, "calls")
        check("log" in str(report["process_list"][0]["losses"]), f"the loss is not stated: {report['process_list']}")


def fill(path):
    """Takes all room that the file system gives."""
    for size in (4096, 1):
        with open(path, "ab", buffering=0) as filler:
            try:
                while filler.write(b"x" * size):
                    os.fsync(filler.fileno())
            except OSError:
                pass


def says_something(process, seconds=0.5):
    """Whether standard error of the process has something to read within this time."""
    return bool(select.select([process.stderr], [], [], seconds)[0])


@case()
def quota_taken_by_others(client):
    """If reserved space cannot be written any more, one line says so, and the program goes on."""
    with quota(client, "2M") as place:
        counts = client.folder / "counts"
        env = client.environment(LD_PRELOAD=client.shim, FLOPSHIM_OUT=place, FLOPSHIM_TIME="all")
        process = subprocess.Popen([victim(client), counts, "1", "0", "run"], stderr=subprocess.PIPE, env=env)
        time.sleep(0.5)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not says_something(process):
            fill(place / "filler")  # again and again, since the file system may find room when it commits
        before = counted(counts)
        while time.monotonic() < deadline + 60 and counted(counts) == before:
            time.sleep(0.05)
        check(counted(counts) > before, "the program does not go on")
        process.kill()
        lines = process.communicate()[1].decode().splitlines()
        check_equal(len(lines), 1, f"lines on standard error ({lines})")
        check("cannot be written" in lines[0], f"the line does not say that it cannot be written: {lines[0]}")


@case(by=("removal", "another_file"))
def name_taken_away(client):
    """A dump that is written out by its name, and whose name is gone or another file's: it is said once, and why."""
    with quota(client, "2M") as place:
        counts = client.folder / "counts"
        env = client.environment(LD_PRELOAD=client.shim, FLOPSHIM_OUT=place, FLOPSHIM_TIME="all")
        process = subprocess.Popen([victim(client), counts, "1", "0", "run"], stderr=subprocess.PIPE, env=env)
        time.sleep(0.5)
        (dump,) = place.glob("*.dump")
        dump.unlink()
        if client.by == "another_file":
            dump.write_bytes(b"mine")
        check(says_something(process, 60), "nothing is said")
        process.kill()
        lines = process.communicate()[1].decode().splitlines()
        check_equal(len(lines), 1, f"lines on standard error ({lines})")
        error = "ESTALE" if client.by == "another_file" else "ENOENT"
        check(f"cannot be written ({error})" in lines[0], f"it does not say {error}: {lines[0]}")
        if client.by == "another_file":
            check_equal(dump.read_bytes(), b"mine", "the other file")
