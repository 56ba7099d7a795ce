# SPDX-License-Identifier: BSD-3-Clause
"""Tests FLOPSHIM_OUT=local:DIR together with `flopshim-report collect`: what waits on the node's own disk becomes one file for
each step, and is lost whatever happens to no dump. Expected numbers of calls are those that victim.c was told to make."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "dumps"))
import ranks
import read_dump
from harness import Skip, case, check, check_equal
from test_live import running
from test_runs import CALLS, numbers, report, victim

HOST = socket.gethostname()
NOBODY = 65534
PATIENCE = 300  # seconds: a loaded machine is no fault of flopshim


def disk(client):
    """The node's own disk: a TMPDIR of the case."""
    folder = client.folder / "disk"
    folder.mkdir(exist_ok=True)
    return folder


def step(job=77, number=0, rank=0, size=3):
    """What Slurm sets in a task."""
    return {"SLURM_JOB_ID": job, "SLURM_STEP_ID": number, "SLURM_PROCID": rank, "SLURM_STEP_NUM_TASKS": size}


def rank(client, out=None, calls=CALLS, **environment):
    """Runs one task, whose dump waits on the disk."""
    client.run([victim(client), client.folder / "counts", 1, calls, "run"], TMPDIR=disk(client),
               FLOPSHIM_OUT=f"local:{out or client.folder / 'out'}", **environment)


def waiting(client, user=None):
    folder = disk(client) / f"flopshim-{os.geteuid() if user is None else user}"
    return sorted(str(path.relative_to(folder)) for path in folder.glob("**/*") if not path.is_dir())


def collect(client, *arguments, status=0):
    return report(client, "collect", *arguments, disk(client), status=status)


def written(client, folder="out"):
    return sorted(os.listdir(client.folder / folder)) if (client.folder / folder).exists() else []


def name(group):
    return f"flopshim-{group}-{HOST}.dump"


@case()
def one_file(client):
    """The dumps of a step become one file, which reads as the step; nothing is left on the disk."""
    for number in range(3):
        rank(client, calls=CALLS + number, **step(rank=number))
    check_equal(len(waiting(client)), 3, "dumps on the disk")
    check(all(path.startswith("77.0/") and f"-r{number}-" in path for number, path in enumerate(waiting(client))),
          f"dumps are not in the step's folder, by rank: {waiting(client)}")
    check_equal(written(client), [], "files before collecting")
    said = collect(client).stdout
    check(f"{client.folder}/out/{name('77.0')}: 3 processes" in said, said)
    check_equal(written(client), [name("77.0")], "files")
    found = numbers(client, "out")
    check_equal(found["totals"]["calls"], 3 * CALLS + 3, "calls")
    (launch,) = found["launches"]
    check_equal((launch["ranks"], launch["with_dump"], launch["busiest_rank"]), (3, 3, 2), "ranks, and the busiest one")
    check_equal(os.listdir(disk(client)), [], "what is left on the disk")
    check("nothing waits" in collect(client).stdout, "collecting nothing is silent")


@case()
def stragglers(client):
    """A dump that comes later is added to the file of its step."""
    rank(client, **step(rank=0))
    collect(client)
    rank(client, **step(rank=1))
    collect(client)
    check_equal(written(client), [name("77.0")], "files")
    found = numbers(client, "out")
    check_equal((found["processes"], found["totals"]["calls"]), (2, 2 * CALLS), "processes and calls")


@case()
def kept(client):
    """With --keep the dumps stay, and collecting again changes nothing, with and without it."""
    for number in range(2):
        rank(client, **step(rank=number))
    collect(client, "--keep")
    check_equal(len(waiting(client)), 2, "dumps on the disk")
    before = (client.folder / "out" / name("77.0")).read_bytes()
    collect(client, "--keep")
    rank(client, **step(rank=2))
    collect(client)
    check_equal(waiting(client), [], "dumps on the disk")
    found = numbers(client, "out")
    check_equal((found["processes"], found["totals"]["calls"]), (3, 3 * CALLS), "processes and calls")
    check(before != (client.folder / "out" / name("77.0")).read_bytes(), "the third rank is not in the file")


@case()
def running_is_left(client):
    """A process that still runs is named and left; once it is killed, all calls that it completed are collected."""
    with running(client, out=f"local:{client.folder}/out", TMPDIR=disk(client), **step(rank=1)):
        rank(client, **step(rank=0))
        done = collect(client, status=5)
        check("1 process still runs" in done.stderr, done.stderr)
        check_equal(numbers(client, "out")["processes"], 1, "processes that are collected")
    collect(client)
    found = numbers(client, "out")
    check_equal(found["processes"], 2, "processes")
    check(found["totals"]["calls"] > CALLS, "the calls of the killed process are missing")
    check_equal(waiting(client), [], "dumps on the disk")


@case()
def steps_apart(client):
    """Each step has a file of its own, and --job and --step choose among them."""
    for job, number in ((77, 0), (77, 1), (7, 0)):
        rank(client, **step(job, number, size=1))
    collect(client, "--job", 77, "--step", 1)
    check_equal(written(client), [name("77.1")], "files of the step")
    collect(client, "--job", 77)
    check_equal(written(client), [name("77.0"), name("77.1")], "files of the job")
    collect(client)
    check_equal(written(client), [name("7.0"), name("77.0"), name("77.1")], "files")
    check_equal(numbers(client, "out")["totals"]["calls"], 3 * CALLS, "calls")


@case()
def destinations(client):
    """A relative DIR is the program's, two DIRs get a file each, and -o goes before both."""
    rank(client, out="here", **step(rank=0))
    rank(client, out=client.folder / "a" / "b", **step(rank=1))
    collect(client, "--keep", "-o", client.folder / "third")
    check_equal(numbers(client, "third")["processes"], 2, "processes in -o")
    collect(client)
    check_equal([written(client, folder) for folder in ("here", "a/b")], [[name("77.0")]] * 2, "files")
    check_equal([numbers(client, folder)["processes"] for folder in ("here", "a/b")], [1, 1], "processes")


@case()
def without_a_job(client):
    """Without a job each program has its own file, so that no two runs are added up."""
    for _ in range(2):
        rank(client)
    check_equal(len(waiting(client)), 2, "dumps on the disk")
    collect(client)
    check_equal(len(written(client)), 2, "files")
    check_equal(numbers(client, "out")["totals"]["calls"], 2 * CALLS, "calls")


@case()
def permissions(client):
    """The file may be read by whom FLOPSHIM_ACCESS lets read the dumps, or by whom --mode says."""
    for number, (access, options, mode) in enumerate((("owner", (), 0o600), ("group", (), 0o640),
                                                      ("owner", ("--mode", "644"), 0o644))):
        rank(client, FLOPSHIM_ACCESS=access, **step(number=number))
        collect(client, *options)
        check_equal((client.folder / "out" / name(f"77.{number}")).stat().st_mode & 0o777, mode, "permissions")


@case(what=["text", "cut", "link", "folder"])
def foreign_file(client):
    """If something else has the file's name, it is not touched, and the dumps stay."""
    rank(client, **step())
    out = client.folder / "out"
    out.mkdir()
    target = out / name("77.0")
    if client.what == "folder":
        target.mkdir()
    elif client.what == "link":
        (client.folder / "other").write_text("text")
        target.symlink_to(client.folder / "other")
    else:
        target.write_bytes(b"text" if client.what == "text" else
                           (disk(client) / f"flopshim-{os.geteuid()}" / waiting(client)[0]).read_bytes()[:3000])
    before = target.read_bytes() if target.is_file() else None
    done = collect(client, status=1)
    check(f"{target}: is not replaced: " in done.stderr, done.stderr)
    check_equal(target.read_bytes() if target.is_file() else None, before, "the file")
    check_equal((len(waiting(client)), len(written(client))), (1, 1), "dumps on the disk, and files")


@case()
def cannot_be_written(client):
    """Where the file cannot be written, the dumps stay, and the next collection has them."""
    rank(client, **step())
    (client.folder / "out").write_text("a file in the way")
    done = collect(client, status=1)
    check(f"{client.folder}/out: cannot be made" in done.stderr, done.stderr)
    check_equal(len(waiting(client)), 1, "dumps on the disk")
    (client.folder / "out").unlink()
    collect(client)
    check_equal(numbers(client, "out")["totals"]["calls"], CALLS, "calls")


@case()
def damaged_is_left(client):
    """A file that is no dump and one that is cut are named and left there; the others are collected."""
    for number in range(3):
        rank(client, **step(rank=number))
    folder = disk(client) / f"flopshim-{os.geteuid()}"
    cut, moved, _ = [folder / path for path in waiting(client)]
    (cut.parent / "text.dump").write_text("no dump")
    (cut.parent / "link.dump").symlink_to(client.folder / "elsewhere.dump")
    shutil.move(moved, client.folder / "elsewhere.dump")
    cut.write_bytes(cut.read_bytes()[:3000])
    done = collect(client, status=5)
    for path, why in ((cut, ""), (cut.parent / "text.dump", "not a flopshim dump"),
                      (cut.parent / "link.dump", "not a regular file")):
        check(f"{path}: is left there: " in done.stderr and why in done.stderr, f"{path}: {done.stderr}")
    check_equal(len(waiting(client)), 3, "files that are left")
    found = numbers(client, "out")
    check_equal((found["processes"], found["totals"]["calls"]), (1, CALLS), "processes and calls")


@case(what=["link", "group is a link", "permissions", "owner", "no sticky bit"])
def others_cannot_choose(client):
    """A folder that another user may have made, or may put something into, is not read."""
    rank(client, **step())
    folder = disk(client) / f"flopshim-{os.geteuid()}"
    if client.what == "link":
        folder.rename(disk(client) / "real")
        folder.symlink_to(disk(client) / "real")
    elif client.what == "group is a link":
        (folder / "77.0").rename(disk(client) / "real")
        (folder / "77.0").symlink_to(disk(client) / "real")
    elif client.what == "permissions":
        folder.chmod(0o770)
    elif client.what == "owner":
        if os.geteuid():
            raise Skip("only root can give a folder away")
        os.chown(folder, NOBODY, NOBODY)
    else:
        disk(client).chmod(0o777)
    done = collect(client, status=1)
    said = f"{folder}/77.0: is left there: " if client.what == "group is a link" else f"{folder}: nothing is collected from it: "
    check(said in done.stderr, done.stderr)
    check_equal(written(client), [], "files")
    check_equal(len(list(disk(client).glob("**/*.dump"))), 1, "dumps on the disk")


@case()
def at_the_same_time(client):
    """Of many processes that collect at once, each dump is in the file once."""
    for number in range(8):
        rank(client, **step(rank=number, size=8))
    processes = [subprocess.Popen([client.reporter, "collect", disk(client)], cwd=client.folder, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE) for _ in range(8)]
    for process in processes:
        _, said = process.communicate(timeout=PATIENCE)
        check_equal((process.returncode, said), (0, b""), "status and messages")
    check_equal(written(client), [name("77.0")], "files")
    found = numbers(client, "out")
    check_equal((found["processes"], found["totals"]["calls"]), (8, 8 * CALLS), "processes and calls")
    check_equal(os.listdir(disk(client)), [], "what is left on the disk")


@case()
def killed_while_writing(client):
    """If collect is killed before the file is there, the dumps still are."""
    rank(client, **step())
    slow = client.compile("slow_fsync.c", "-shared", "-fPIC", name="slow_fsync.so", blas=False)
    process = subprocess.Popen([client.reporter, "collect", disk(client)], cwd=client.folder, stdout=subprocess.DEVNULL,
                               env={**client.environment(), "LD_PRELOAD": str(slow)})
    end = time.monotonic() + PATIENCE
    while not [path for path in (client.folder / "out").glob("*") if path.stat().st_size]:
        check(time.monotonic() < end and process.poll() is None, f"it did not begin to write within {PATIENCE} s")
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    check_equal(len(waiting(client)), 1, "dumps on the disk")
    collect(client)
    check_equal(numbers(client, "out")["totals"]["calls"], CALLS, "calls")


@case()
def for_another_user(client):
    """Root collects for a user with the user's rights: the file is the user's, and a DIR where only root may write is
    refused."""
    if os.geteuid():
        raise Skip("only root can become another user")
    shutil.chown(client.folder, NOBODY)
    disk(client).chmod(0o1777)
    for path in Path(client.folder).parents:  # the user must be able to come here
        if not path.stat().st_mode & 0o001:
            raise Skip(f"{path} is closed to other users")
    for number, out in enumerate((client.folder / "out", client.folder / "closed" / "out")):
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", victim(client),
                   client.folder / f"counts.{number}", "1", str(CALLS), "run"]
        environment = client.environment(LD_PRELOAD=client.shim, TMPDIR=disk(client), FLOPSHIM_OUT=f"local:{out}",
                                         **step(number=number))
        done = subprocess.run(command, cwd=client.folder, capture_output=True, env=environment)
        check_equal(done.returncode, 0, f"status: {done.stderr}")
    (client.folder / "closed").mkdir(mode=0o755)
    check_equal(len(waiting(client, NOBODY)), 2, "dumps on the disk")
    check("nothing waits" in collect(client).stdout, "root collects what is another user's")
    done = collect(client, "--user", NOBODY, status=1)
    check("closed/out: cannot be made: Permission denied" in done.stderr, done.stderr)
    check_equal((client.folder / "out" / name("77.0")).stat().st_uid, NOBODY, "owner of the file")
    check_equal(len(waiting(client, NOBODY)), 1, "dumps on the disk")
    command = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", client.reporter, "collect", "--user", "root"]
    refused = subprocess.run(command, capture_output=True, text=True, cwd="/")
    check_equal(refused.returncode, 1, "status as another user")
    check("--user root: only root can collect for another user" in refused.stderr, refused.stderr)


@case()
def wrong_usage(client):
    """Wrong command lines are refused, and the message says what was expected."""
    for arguments, words in ((("--step", 0), "--step 0: expected --job, too"),
                             (("--mode", "999"), "--mode 999: expected permissions"),
                             (("--job", ""), "--job: expected a value"),
                             (("--colour",), "there is no such option")):
        done = report(client, "collect", *arguments, status=2)
        check(words in done.stderr, f"{arguments}: {done.stderr}")
    done = report(client, "collect", "--user", "no such user", status=1)
    check("--user no such user: there is no such user" in done.stderr, done.stderr)


def start_endless(client, *prefix):
    """Starts leaderless.c; returns it, and the file with its number of calls, once it has called."""
    program = client.compile("leaderless.c", "-pthread")
    counts = client.folder / "calls"
    process = subprocess.Popen([*prefix, program, counts], cwd=client.folder, start_new_session=True, stderr=subprocess.DEVNULL,
                               env=client.environment(LD_PRELOAD=client.shim, TMPDIR=disk(client),
                                                      FLOPSHIM_OUT=f"local:{client.folder}/out", **step(size=1)))
    end = time.monotonic() + PATIENCE
    while not (counts.exists() and counts.stat().st_size and counts.read_bytes()[0]):
        if process.poll() is not None:
            raise Skip(f"{prefix[0]} cannot be used here")
        check(time.monotonic() < end, "the program does not begin")
        time.sleep(0.01)
    return process, counts


def stop(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@case()
def first_thread_ended(client):
    """A process whose first thread has ended still runs as long as it has others."""
    process, counts = start_endless(client)
    try:
        done = collect(client, status=5)
    finally:
        stop(process)
    check("1 process still runs" in done.stderr, done.stderr)
    check_equal(len(waiting(client)), 1, "dumps on the disk")
    collect(client)
    check_equal(numbers(client, "out")["totals"]["calls"], int.from_bytes(counts.read_bytes(), "little"), "calls")


@case()
def in_a_container(client):
    """Nobody can tell from outside whether a process of other namespaces has ended; --ended says so."""
    process, counts = start_endless(client, "unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), "--pid",
                                    "--fork", "--kill-child")
    try:
        done = collect(client, status=5)
    finally:
        stop(process)
    check("it cannot be told whether its process has ended" in done.stderr, done.stderr)
    check_equal((len(waiting(client)), written(client)), (1, []), "dumps on the disk, and files")
    collect(client, "--ended")
    check_equal(numbers(client, "out")["totals"]["calls"], int.from_bytes(counts.read_bytes(), "little"), "calls")
    check_equal(waiting(client), [], "dumps on the disk")


@case()
def earlier_state(client):
    """If the file of an earlier collection has an earlier state of a process and cannot do without it, the later dump stays."""
    rank(client, **step(rank=1))
    process, counts = start_endless(client, "unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), "--pid",
                                    "--fork", "--kill-child")
    try:
        collect(client, "--ended", "--keep")
        before = int.from_bytes(counts.read_bytes(), "little")
        end = time.monotonic() + PATIENCE
        while int.from_bytes(counts.read_bytes(), "little") < before + 10:
            check(time.monotonic() < end, "the program does not go on")
            time.sleep(0.01)
    finally:
        stop(process)
    folder = disk(client) / f"flopshim-{os.geteuid()}"
    gone, = (path for path in waiting(client) if "-victim-" in path)
    (folder / gone).unlink()  # so that the file's sums are the only ones with it
    done = collect(client, "--ended", status=5)
    left = waiting(client)
    check(len(left) == 1 and f"{folder}/{left[0]}: is left there: " in done.stderr, f"{left}: {done.stderr}")


@case()
def versions_of_the_table(client):
    """Dumps that another version of the routine table has priced have a file of their own, which --reprice adds to the others."""
    for number in range(2):
        rank(client, **step(rank=number))
    folder = disk(client) / f"flopshim-{os.geteuid()}"
    path = folder / waiting(client)[1]
    ranks.remake(read_dump.Document(ranks.PAGE.read_text()), path.read_bytes(), path, {}, {"table_version": "zzzz-other"})
    collect(client)
    check_equal(written(client), sorted([name("77.0"), f"flopshim-77.0-{HOST}-table-zzzz-oth.dump"]), "files")
    check_equal(waiting(client), [], "dumps on the disk")
    found = numbers(client, "--reprice", "out")
    check_equal((found["processes"], found["totals"]["calls"]), (2, 2 * CALLS), "processes and calls")


@case()
def damaged_file(client):
    """The file of an earlier collection that was damaged since is not replaced."""
    for number in range(2):
        rank(client, **step(rank=number))
        target = client.folder / "out" / name("77.0")
        if number:
            target.write_bytes(target.read_bytes()[:-5000])
        done = collect(client, status=number)
    check(f"{target}: is not replaced: " in done.stderr, done.stderr)
    check_equal(len(waiting(client)), 1, "dumps on the disk")


@case()
def calls_in_order(client):
    """A dump that has its calls in order is moved as it is, since a merged dump cannot hold them."""
    rank(client, **step(rank=0))
    rank(client, FLOPSHIM_RECORDS="calls", **step(rank=1))
    collect(client)
    files = written(client)
    check_equal((len(files), waiting(client)), (2, []), "files, and dumps on the disk")
    own = next(path for path in files if path != name("77.0"))
    listed = report(client, "calls", "--csv", client.folder / "out" / own).stdout
    check_equal(len(listed.splitlines()), CALLS + 1, "lines of the calls")
    found = numbers(client, "out")
    check_equal((found["processes"], found["totals"]["calls"]), (2, 2 * CALLS), "processes and calls")


@case()
def cannot_be_read_again(client):
    """A dump that is read to see what it is, but not for merging, stays: it is not in the file."""
    for number in range(2):
        rank(client, **step(rank=number))
    if not shutil.which("strace"):
        raise Skip("no strace")
    lost = waiting(client)[1]
    path = disk(client) / f"flopshim-{os.geteuid()}" / lost
    # Of the times that this file is opened, the last one is for merging.
    trace = subprocess.run(["strace", "-f", "-e", "trace=openat", "-P", path, client.reporter, "collect", "--keep", disk(client)],
                           cwd=client.folder, capture_output=True, text=True)
    times = trace.stderr.count(f'"{path}"')
    check(times > 1, f"the dump is opened {times} times")
    shutil.rmtree(client.folder / "out")
    done = subprocess.run(["strace", "-o", client.folder / "trace", "-e", "trace=openat", "-P", path, "-e",
                           f"inject=openat:error=EIO:when={times}", client.reporter, "collect", disk(client)], cwd=client.folder,
                          capture_output=True, text=True)
    check_equal(done.returncode, 5, f"status: {done.stderr}")
    check(f"{path}: is left there: it could not be read again" in done.stderr, done.stderr)
    check_equal(waiting(client), [lost], "dumps on the disk")


@case()
def keeps_permissions(client):
    """A file that is added to keeps the permissions that an earlier --mode gave it."""
    rank(client, **step(rank=0))
    collect(client, "--mode", "640")
    rank(client, **step(rank=1))
    collect(client)
    check_equal((client.folder / "out" / name("77.0")).stat().st_mode & 0o777, 0o640, "permissions")


@case()
def file_of_another_user(client):
    """A file of the right name that another user has made is not added to."""
    if os.geteuid():
        raise Skip("only root can give a file away")
    rank(client, **step(rank=0))
    collect(client, "--keep")
    target = client.folder / "out" / name("77.0")
    os.chown(target, NOBODY, NOBODY)
    done = collect(client, status=1)
    check(f"{target}: is not replaced: it belongs to another user" in done.stderr, done.stderr)
    check_equal(len(waiting(client)), 1, "dumps on the disk")


@case()
def locked_by_another(client):
    """Whoever can read DIR can lock it, and keeps collect from its work only for a while."""
    rank(client, **step(rank=0))
    (client.folder / "out").mkdir()
    holder = os.open(client.folder / "out", os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        collect(client)  # which would be ended, and fail, if it waited for the holder
    finally:
        os.close(holder)
    check_equal(written(client), [name("77.0")], "files")
