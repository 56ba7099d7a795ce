# SPDX-License-Identifier: BSD-3-Clause
"""Tests the thread that writes the dump where mappings are not trusted: what a killed process has counted is in the file,
and nothing about the program changes.

Most cases have the shim take any file system for such a one, by FLOPSHIM_DUMP_UNTRUSTED. They must never take a number of
calls from anything but the program's argument. FLOPSHIM_LONG=1 makes the rounds of `make check-long`."""

import contextlib
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

from harness import Skip, case, check, check_equal, mounted, read_report, system_program, tail

LONG = bool(os.environ.get("FLOPSHIM_LONG"))
KILLS = 100 if LONG else 6
INCOMPLETE = 5   # status of flopshim-report
WINDOW = 1.5     # seconds after which all that has changed must be in the file
NOBODY = 65534
ECHOED = b"1 2 3 4 5 6 7 8\n"


def flops(calls):
    """The FLOPs of so many calls of written.c: ddot_ of 1 to 8 elements, again and again."""
    return sum(2 * (i % 8 + 1) for i in range(calls))


def written(client):
    return client.compile("written.c", "-pthread")


def begin(client, mode, calls, *before, out=None, preexec_fn=None, **environment):
    """Begins written.c. `before` are words that come before the program's path."""
    out = out or client.folder / "dumps"
    out.mkdir(exist_ok=True)
    env = client.environment(LD_PRELOAD=client.shim, FLOPSHIM_OUT=out,
                             **{"FLOPSHIM_DUMP_UNTRUSTED": 1, "FLOPSHIM_TIME": "off", "FLOPSHIM_STACKS": "off", **environment})
    return subprocess.Popen([*map(str, before), written(client), mode, str(calls)], env=env, cwd=client.folder,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=preexec_fn)


def first_line(process):
    """Waits for the first line that the program prints: its calls are made."""
    return process.stdout.readline()


def end(process):
    """Kills the process. Returns what it printed on standard error."""
    process.kill()
    return process.communicate()[1]


def dumps(client, out=None):
    return sorted(str(path) for path in (out or client.folder / "dumps").glob("*.dump"))


def check_killed(client, calls, processes=1, out=None):
    """Every call is in the dumps of killed processes, and nothing is damaged. Returns the report."""
    found = dumps(client, out)
    check_equal(len(found), processes, "dumps")
    report = read_report(client.reporter, found, status=INCOMPLETE)
    check_equal((report["totals"]["calls"], report["totals"]["flops"]), (calls, flops(calls)), "calls and FLOPs")
    check_equal(report["damage"], [], "damage")
    check_equal([process["losses"] for process in report["process_list"]], [["not_durable"]] * processes, "losses")
    return report


def threads(process):
    """{number: name} of the threads of a process."""
    return {int(task.name): (task / "comm").read_text().strip() for task in Path(f"/proc/{process.pid}/task").iterdir()}


def writers(process):
    return [number for number, name in threads(process).items() if name == "flopshim"]


def text_of(client, out=None):
    return subprocess.run([client.reporter, *dumps(client, out)], capture_output=True, text=True).stdout


# ---- what a killed process leaves ----

@case(calls=(1, 1000, 100000))
def killed(client):
    """Some time after the last call, every call is in the dump of a process that is killed, although nothing in it wrote
    the dump but the thread. The report says what may be missing."""
    process = begin(client, "rest", client.calls)
    first_line(process)
    time.sleep(WINDOW)
    check_equal(end(process), b"", "standard error")
    check_killed(client, client.calls)
    check("in its last second may be missing" in text_of(client), "the report does not state the window of loss")


@contextlib.contextmanager
def btrfs(client):
    image = client.folder / "image"
    with open(image, "wb") as file:
        file.truncate(120 << 20)
    subprocess.run([system_program("mkfs.btrfs"), "-q", str(image)], check=True, capture_output=True)
    place = mounted(client, "-o", "loop", str(image))
    try:
        yield place, None
    finally:
        subprocess.run(["umount", str(place)], check=True)


@contextlib.contextmanager
def fuse(client):
    """A folder that a process of its own serves from another folder."""
    below, place = client.folder / "below", client.folder / "disk"
    below.mkdir()
    place.mkdir()
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        raise Skip("no right to use /dev/fuse")
    server = subprocess.Popen([system_program("bindfs"), "-f", str(below), str(place)], stderr=subprocess.PIPE)
    while not os.path.ismount(place):
        if server.poll() is not None:
            raise Skip(f"bindfs: {tail(server.stderr.read())}")
        time.sleep(0.01)
    try:
        yield place, server
    finally:
        server.send_signal(signal.SIGCONT)
        subprocess.run(["umount", str(place)], check=True)
        server.communicate()


@case(on_disk=("btrfs", "fuse"))
def disk(client):
    """The same on real file systems, after 10 seconds too: nothing more is written meanwhile."""
    with {"btrfs": btrfs, "fuse": fuse}[client.on_disk](client) as (place, _):
        for number, pause in enumerate((WINDOW, 10) if LONG else (WINDOW,)):
            out = place / str(number)
            process = begin(client, "rest", 5000, out=out, FLOPSHIM_DUMP_UNTRUSTED=None)
            first_line(process)
            check_equal(len(writers(process)), 1, "threads that write")
            time.sleep(pause)
            check_equal(end(process), b"", "standard error")
            check_killed(client, 5000, out=out)


@case()
def hung(client):
    """A file server that does not answer stops no call. When it answers again, the rest is written."""
    counts = client.folder / "counts"
    with fuse(client) as (place, server):
        env = client.environment(LD_PRELOAD=client.shim, FLOPSHIM_OUT=place)
        process = subprocess.Popen([client.compile("victim.c", "-pthread"), counts, "2", "0", "run"], env=env)
        time.sleep(1)
        server.send_signal(signal.SIGSTOP)
        time.sleep(2)  # the thread waits for an answer
        before = counts.read_bytes()
        time.sleep(0.5)
        check(counts.read_bytes() != before, "no call is made any more")
        server.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGSTOP)
        truth = sum(struct.unpack("2Q", counts.read_bytes()[:16]))
        process.send_signal(signal.SIGCONT)
        time.sleep(WINDOW)
        process.kill()
        process.wait()
        calls = read_report(client.reporter, dumps(client, place), status=INCOMPLETE)["totals"]["calls"]
        check(calls >= truth, f"{calls} calls in the dump, {truth} were made before its last second")


@case()
def after_a_pause(client):
    """What is counted after the thread found nothing to write is written, too: also calls in order, of which a full page
    was final."""
    process = begin(client, "paused", 500, FLOPSHIM_RECORDS="calls")
    first_line(process)
    time.sleep(WINDOW)
    end(process)
    check_killed(client, 1000)
    done = subprocess.run([client.reporter, "calls", "--csv", "--top", "all", *dumps(client)], capture_output=True, text=True)
    check_equal(len(done.stdout.splitlines()), 1001, f"lines of the record of calls, with its head: {done.stderr}")


@case()
def hung_at_the_end(client):
    """_exit does not wait for long for a file server that does not answer."""
    with fuse(client) as (place, server):
        process = begin(client, "late_exit", 1234, out=place / "out", FLOPSHIM_DUMP_UNTRUSTED=None)
        first_line(process)
        server.send_signal(signal.SIGSTOP)
        try:
            check_equal(process.wait(20), 7, "status")
        finally:
            server.send_signal(signal.SIGCONT)
            process.kill()


@case(settings=("shapes", "calls"))
def killed_at_any_time(client):
    """A dump of threads that go on counting can be read whenever they are killed: what refers to something that is not
    there would be damage. Sites, shapes and stacks are made all the time."""
    chance = random.Random(client.settings)
    program = client.compile("victim.c", "-pthread")
    for number in range(KILLS):
        out = client.folder / str(number)
        out.mkdir()
        env = client.environment(LD_PRELOAD=client.shim, FLOPSHIM_OUT=out, FLOPSHIM_DUMP_UNTRUSTED=1, FLOPSHIM_STACKS="all",
                                 FLOPSHIM_RECORDS=client.settings)
        process = subprocess.Popen([program, out / "counts", "4", "0", "run"], env=env, cwd=out)
        begun = time.monotonic()
        while not dumps(client, out):
            check(time.monotonic() - begun < 20, "the victim does not begin")
            time.sleep(0.01)
        time.sleep(chance.uniform(1, 2))
        process.kill()
        process.wait()
        report = read_report(client.reporter, dumps(client, out), status=INCOMPLETE)
        check_equal(report["damage"], [], f"damage after kill {number}")
        check(report["totals"]["calls"] > 0, "no call was written")


@case()
def closed(client):
    """A process that ends by itself leaves a complete dump, as on every file system, and the end does not wait."""
    begun = time.monotonic()
    run = client.run([written(client), "none", "0"], FLOPSHIM_DUMP_UNTRUSTED=1)
    run = client.run([written(client), "last", "300"], FLOPSHIM_DUMP_UNTRUSTED=1)
    check_equal(run.totals["calls"], 301, "calls")
    check_equal(run.report["processes"], 1, "processes")
    check(time.monotonic() - begun < 10, "it waits")


@case(on=("reference",))
def closed_while_others_call(client):
    """Threads that call while the process ends may take the dump's check words away, and be cut off at any instruction: it
    stays closed and whole. The reference BLAS is used, since OpenBLAS's destructor frees what a running ddot needs."""
    program = client.compile("processes.c")
    seen = 0
    for number in range(20 * KILLS // 4):
        run = client.run([program, "busy", str(number * 60 % 2000)], status=5, timeout=30, FLOPSHIM_DUMP_UNTRUSTED=1)
        if run.dumps:
            seen += 1
            check_equal([one["state"] for one in run.report["process_list"]], ["closed"], "state")
    check(seen > 5, f"only {seen} runs called before their end")


def check_left(client, calls):
    """Every call is in the dump of a process that has written it before it left, and the report knows that."""
    report = read_report(client.reporter, dumps(client))
    check_equal((report["totals"]["calls"], report["totals"]["flops"]), (calls, flops(calls)), "calls and FLOPs")
    check_equal([(process["state"], process["losses"]) for process in report["process_list"]], [("ended", [])],
                "state and losses")


@case(how=("_exit", "_Exit", "quick_exit"))
def left(client):
    """What a process has counted before _exit is in the dump. Its status is the program's."""
    process = begin(client, client.how, 1234)
    check_equal((process.communicate(), process.returncode), ((b"", b""), 7), "output and status")
    check_left(client, 1234)


@case()
def not_left(client):
    """A process goes on if exec fails, and may then be killed."""
    process = begin(client, "no_exec", 100)
    check_equal(first_line(process), b"done\n", "its line")
    time.sleep(WINDOW)
    end(process)
    check_killed(client, 200)


@case(how=("execl", "execlp", "execle", "execv", "execvp", "execve", "execvpe", "fexecve"))
def executed(client):
    """What a process has counted before exec is in the dump, and the new program gets its arguments."""
    process = begin(client, client.how, 777)
    check_equal((process.communicate(), process.returncode), ((ECHOED, b""), 0), "output and status")
    check_left(client, 777)


@case()
def vforked(client):
    """A child of vfork has its parent's memory, and its exec and its end are no ends of the parent."""
    process = begin(client, "vforks", 100)
    check_equal(first_line(process), b"done\n", "its line")
    check_equal(len(writers(process)), 1, "threads that write")
    time.sleep(WINDOW)
    end(process)
    check_killed(client, 200)


@case()
def forked(client):
    """A forked child has a thread of its own from its first call on, and none before."""
    process = begin(client, "forks", 400)
    for _ in range(2):
        check_equal(first_line(process), b"done\n", "a line")
    time.sleep(WINDOW)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    check_equal(len(children), 1, "children")
    check_equal([len(writers(process)), len([task for task in Path(f"/proc/{children[0]}/task").iterdir()])], [1, 2],
                "threads that write in the parent, threads in the child")
    os.kill(int(children[0]), signal.SIGKILL)
    end(process)
    found = read_report(client.reporter, dumps(client), status=INCOMPLETE)
    check_equal(sorted(row["calls"] for row in found["process_list"]), [400, 800], "calls of parent and child")


# ---- what is written ----

def writes_of(trace):
    """(second, offset, bytes) of each write to a place of a file that succeeded."""
    found = re.findall(r"(\d+\.\d+) pwrite64\(\d+, .*, (\d+), (\d+)\) += \2$", trace, re.MULTILINE)
    return [(float(at), int(offset), int(size)) for at, size, offset in found]


@case()
def little_is_written(client):
    """A process that makes no call writes nothing. One whose calls change counts alone writes the pages of these."""
    trace = client.folder / "trace"
    process = begin(client, "busy", 1000, system_program("strace"), "-f", "-ttt", "-e", "trace=pwrite64", "-o", trace)
    check_equal(first_line(process), b"done\n", "its line")
    time.sleep(1)
    quiet_from = time.time()
    before = len(writes_of(trace.read_text()))
    time.sleep(3)
    text = trace.read_text()
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)
    process.wait()
    writes = writes_of(text)
    check_equal(len(writes), before, "writes until it is quiet, and after 3 seconds more")
    begun = writes[0][0]
    busy = [(offset, size) for at, offset, size in writes if begun + 1.2 < at < quiet_from]
    check(busy, f"nothing is written while calls are made: {writes}")
    whole = os.path.getsize(dumps(client)[0])
    check(max(size for _, size in busy) <= 2 * 4096 and len(set(busy)) <= 4,
          f"of a dump of {whole} bytes, these are written again and again: {sorted(set(busy))}")
    check_killed(client, 1000 + 300 * 10)


@case()
def trusted(client):
    """Where mappings are trusted there is no such thread."""
    process = begin(client, "rest", 10, FLOPSHIM_DUMP_UNTRUSTED=None)
    first_line(process)
    check_equal(list(threads(process)), [process.pid], "threads")
    end(process)
    check_equal(read_report(client.reporter, dumps(client))["totals"]["calls"], 10, "calls")


# ---- where no thread can be made ----

@case()
def no_thread(client):
    """Where the limit of processes is reached, calls write the dump, and the report says that the last ones may be missing.
    The program goes on, and nothing is said."""
    if os.getuid():
        raise Skip("not root, who can become a user with no other process")

    # With this capability the user may read the folder of the tests.
    as_user = (system_program("setpriv"), "--reuid", 54321, "--inh-caps", "+dac_override", "--ambient-caps", "+dac_override")
    process = begin(client, "rest", 10, *as_user,
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (1, 1)))
    check_equal(first_line(process), b"done\n", "its line")
    check_equal(list(threads(process)), [process.pid], "threads")
    time.sleep(WINDOW)
    check_equal(end(process), b"", "standard error")
    check("calls write the dump" in text_of(client), f"the report does not say that calls write it: {text_of(client)}")


# ---- the program does not notice ----

@case()
def signals(client):
    """The thread takes no signal: it has blocked them all, those of the C library, too."""
    process = begin(client, "rest", 10)
    first_line(process)
    (writer,) = writers(process)
    status = Path(f"/proc/{process.pid}/task/{writer}/status").read_text()
    blocked = int(re.search(r"SigBlk:\s*(\w+)", status)[1], 16)
    always = 1 << (signal.SIGKILL - 1) | 1 << (signal.SIGSTOP - 1)
    check_equal(blocked | always, 2 ** 64 - 1, "signals that it has blocked")
    check_equal(len(list(Path(f"/proc/{process.pid}/fd").glob("[3-9]*"))), 0, "descriptors of the program")
    check_equal([os.readlink(path) for path in Path(f"/proc/{process.pid}/task/{writer}/fd").iterdir()], dumps(client),
                "files that the thread has open")
    end(process)


@case()
def user(client):
    """A thread of the former user does not stay behind where a program changes its user."""
    if os.getuid():
        raise Skip("not root, who can become another user")
    process = begin(client, "user", 10)
    out, _ = process.communicate()
    users = {line for line in out.decode().splitlines() if line.startswith("Uid:")}
    check_equal(users, {"\t".join(["Uid:"] + [str(NOBODY)] * 4)}, "users of its threads")


@case()
def namespaces(client):
    """A process with one thread can make a user namespace, which one with two cannot. Later calls make the thread again."""
    process = begin(client, "spaces", 10, FLOPSHIM_TIME="all")
    answer = first_line(process)
    if answer not in (b"done\n", b"Invalid argument\n"):
        raise Skip(f"no user namespaces: {tail(answer)}")
    check_equal(answer, b"done\n", "what unshare says")
    check_equal(first_line(process), b"done\n", "its line")
    check_equal(len(writers(process)), 1, "threads that write")
    time.sleep(WINDOW)
    end(process)
    report = read_report(client.reporter, dumps(client), status=INCOMPLETE)
    check_equal(report["totals"]["calls"], 30, "calls")


@case(what=("lowest", "pipes"))
def descriptors(client):
    """No descriptor of the program's is taken, even for a moment, and none is kept open."""
    run = client.run([written(client), client.what, "10"], FLOPSHIM_DUMP_UNTRUSTED=1, FLOPSHIM_TIME="off")
    check_equal(run.out, {"lowest": b"0\n", "pipes": b"end\n"}[client.what], "what it found")


@case()
def storage(client):
    """The thread has no thread-local storage: nothing that it calls may use it."""
    if not shutil.which("objdump"):
        raise Skip("no objdump")
    for name in ("writer", "writeout"):
        text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", client.build_folder / f"pic/shim/dump/{name}.o"],
                              capture_output=True, text=True, check=True).stdout
        for function in re.split(r"\n\n", text):
            if "%fs:" in function and not re.match(r"\w+ <writer_(start|stop)>", function):
                check(False, f"{name}.c uses thread-local storage:\n{function[:1500]}")
