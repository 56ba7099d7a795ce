# SPDX-License-Identifier: BSD-3-Clause
"""Tests `flopshim-report merge`: many dumps become one that says the same. Expected sums are those of the report over the
dumps themselves, which other tests compare with what the programs do; or what shapes.c counts. FLOPSHIM_LONG=1 merges
1,000 ranks of different shapes, and 10,000 of the same ones within the limits of time and memory."""

import json
import lzma
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "dumps"))
import ranks
import read_dump
from harness import PYTHON, case, check, check_equal
from test_live import running
from test_runs import make, report, victim
from test_shapes import program

LONG = bool(os.environ.get("FLOPSHIM_LONG"))
RANKS = 1000 if LONG else 16
SHAPES = 1000 if LONG else 40
TREES = 50 if LONG else 12
KEYS = ("routine", "shape", "site", "namespace", "process", "rank", "host")


def ranks_of(client, count, shapes=SHAPES, varied=False):
    """A folder with the dumps of `count` ranks, each of which calls dgemm with `shapes` shapes."""
    base = client.folder / "base.dump"
    client.run([program(client), shapes, 3 * shapes], FLOPSHIM_OUT=base)
    folder = client.folder / "ranks"
    folder.mkdir()
    ranks.make(base, folder, count, varied, ranks_per_host=4)
    return folder


def merge(client, output, *operands, status=0):
    return report(client, "merge", "-o", output, *operands, status=status)


def read(client, *arguments, status=0):
    return json.loads(report(client, "--json", "--top", "all", *arguments, status=status).stdout)


def unordered(rows):
    """The rows of a table in an order of their own, without the names of dumps."""
    return sorted(json.dumps({key: value for key, value in row.items() if key != "file"}, sort_keys=True) for row in rows)


def check_same(merged, plain, what):
    """Every table and every total is that of the dumps themselves."""
    check_equal(set(merged), set(plain), f"members of {what}")
    for name, value in plain.items():
        if isinstance(value, list):
            check_equal(unordered(merged[name]) if value and isinstance(value[0], dict) else merged[name],
                        unordered(value) if value and isinstance(value[0], dict) else value, f"{name} of {what}")
        else:
            check_equal(merged[name], value, f"{name} of {what}")


@case()
def same_sums(client):
    """Every sum of every table over ranks of different shapes is that of the report over the dumps themselves."""
    folder = ranks_of(client, RANKS, varied=True)
    merge(client, "job.dump", folder)
    plain = read(client, folder)
    check_equal(len(plain["shapes"]), RANKS * SHAPES, "shapes, which differ from rank to rank")
    check_same(read(client, "job.dump"), plain, "the report")
    for key in KEYS:
        one, many = read(client, "--by", key, "job.dump"), read(client, "--by", key, folder)
        for group in one["groups"] + many["groups"]:  # rates and times that come from other processes' calls
            for member in ("gflops", "estimated_time_ns", "calls_without_time"):
                group.pop(member, None)
        check_same(one, many, f"--by {key}")


@case()
def steps(client):
    """Two steps of an array's task, one of them started again, are told apart in a merged dump as in the dumps themselves, and
    step, array task, restarts and local rank are kept."""
    job = {"SLURM_JOB_ID": "4711", "SLURM_ARRAY_TASK_ID": "3", "SLURM_STEP_NUM_TASKS": "2"}
    for step, restarts, calls in (("0", "0", 3), ("1", "0", 5), ("1", "2", 7)):
        for rank in range(2):
            make(client, "steps/", calls=calls + rank, SLURM_STEP_ID=step, SLURM_RESTART_COUNT=restarts,
                 SLURM_PROCID=str(rank), SLURM_LOCALID=str(1 - rank), **job)
    merge(client, "job.dump", "steps")
    plain, merged = read(client, "steps"), read(client, "job.dump")
    for found in plain, merged:
        rows = [(row["job"], row["array_task"], row["step"], row["launch"], row["ranks"], row["with_dump"], row["calls"])
                for row in found["launches"]]
        check_equal(sorted(rows), [("4711", "3", "0", "0", 2, 2, 7), ("4711", "3", "1", "1", 2, 2, 11),
                                   ("4711", "3", "1", "1.2", 2, 2, 15)], "launches")
        rows = [(row["array_task"], row["step"], row["restarts"], row["rank"], row["local_rank"])
                for row in found["process_list"]]
        check_equal(sorted(rows, key=str), sorted([("3", step, restarts, rank, 1 - rank) for rank in range(2) for step, restarts
                                                   in (("0", None), ("1", None), ("1", 2))], key=str), "processes")
    check_same(merged, plain, "the report")
    for key, members in ("rank", ("job", "array_task", "step", "launch", "rank")), ("process", ("step", "rank", "local_rank")):
        one, many = read(client, "--by", key, "job.dump")["groups"], read(client, "--by", key, "steps")["groups"]
        check_equal(len(many), 6, f"rows of --by {key}")
        check_equal(*[sorted([str([row[member] for member in members]) for row in rows]) for rows in (one, many)],
                    f"keys of --by {key}")


@case()
def any_tree(client):
    """The bytes do not depend on the order, the steps and the number of processes that read."""
    dumps = sorted(ranks_of(client, 16, shapes=10, varied=True).iterdir())
    merge(client, "job.dump", *dumps)
    expected = (client.folder / "job.dump").read_bytes()
    chance = random.Random(4711)
    for tree in range(TREES):
        parts = chance.sample(dumps, len(dumps))
        while len(parts) > 1:
            taken = [parts.pop() for _ in range(chance.randint(2, min(5, len(parts))))]
            part = client.folder / f"part-{tree}-{len(parts)}.dump"
            report(client, "merge", "--jobs", chance.randint(1, 3), "--output", part, *taken)
            parts.insert(chance.randint(0, len(parts)), part)
        check(parts[0].read_bytes() == expected, f"tree {tree} gives other bytes")


@case()
def size(client):
    """If all ranks did the same, the merged dump has at most three times the size of one, and 128 bytes a process."""
    folder = ranks_of(client, 500)
    merge(client, "job.dump", folder)
    limit = 3 * (client.folder / "base.dump").stat().st_size + 128 * 500
    found = (client.folder / "job.dump").stat().st_size
    check(found <= limit, f"{found} bytes, at most {limit} are allowed")


@case()
def very_many(client):
    """10,000 dumps of 1,000 rows are merged within 10 seconds on two processors, and 300 MB."""
    count = 10_000 if LONG else 300
    folder = ranks_of(client, count, shapes=1000)
    report(client, folder)  # reads the files, so that not the disk is measured
    # Linux counts the memory of whoever forks a process as that process's, so that must not be this runner, which may be large.
    measure = "import resource, subprocess, sys, time; begin = time.monotonic(); " \
              "status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode; " \
              "print(status, time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    done = subprocess.run([sys.executable, "-c", measure, client.reporter, "merge", "-o", "job.dump", folder], cwd=client.folder,
                          capture_output=True, text=True)
    status, seconds, memory = map(float, done.stdout.split())
    check_equal(status, 0, f"status: {done.stderr}")
    check(memory < 300, f"{memory:.0f} MB, fewer than 300 were expected")
    if LONG:
        check(seconds < 10, f"{seconds:.1f} s, fewer than 10 were expected")
    found = read(client, "job.dump")
    check_equal((found["processes"], found["totals"]["calls"]), (count, count * 3000), "processes and calls")


# ---- processes that are met twice ----

@case()
def met_twice(client):
    """The dump of a process that is part of a merged one counts once, and so does a merged dump that is named twice."""
    make(client, "a.dump")
    make(client, "b.dump")
    merge(client, "job.dump", "a.dump", "b.dump")
    calls = read(client, "a.dump", "b.dump")["totals"]["calls"]
    said = report(client, "job.dump", "b.dump").stderr
    check("b.dump: is part of job.dump, counted once" in said, said)
    check_equal(read(client, "job.dump", "b.dump", "job.dump")["totals"]["calls"], calls, "calls")
    said = report(client, "job.dump", "a.dump", "b.dump").stderr
    check("job.dump: the dumps of all of its processes are counted in its place" in said, said)
    check_equal(read(client, "job.dump", "a.dump", "b.dump")["totals"]["calls"], calls, "calls of the dumps themselves")
    shutil.copy(client.folder / "job.dump", client.folder / "copy.dump")
    check_equal(read(client, ".")["totals"]["calls"], calls, "calls in a directory with all of them")
    check_equal(merge(client, "again.dump", "a.dump", "job.dump").returncode, 0, "status")
    check((client.folder / "again.dump").read_bytes() == (client.folder / "job.dump").read_bytes(), "the bytes differ")


@case(command=("report", "merge"))
def overlap(client):
    """Merged dumps that have a process in common are refused, and the process is named."""
    for name in "abc":
        make(client, f"{name}.dump")
    merge(client, "ab.dump", "a.dump", "b.dump")
    merge(client, "bc.dump", "b.dump", "c.dump")
    (shared,) = [process["pid"] for process in read(client, "b.dump")["process_list"]]
    command = ("merge", "-o", "abc.dump") if client.command == "merge" else ("report",)
    done = report(client, *command, "ab.dump", "bc.dump", status=5 if client.command == "merge" else 1)
    check(f"bc.dump: a process of it (pid {shared} on " in done.stderr and ") is in ab.dump too" in done.stderr, done.stderr)


@case()
def refused_claims_nothing(client):
    """A merged dump that is refused keeps no dump of one process from being counted."""
    for name in "abc":
        make(client, f"{name}.dump")
    merge(client, "ab.dump", "a.dump", "b.dump")
    merge(client, "bc.dump", "b.dump", "c.dump")
    found = read(client, "ab.dump", "bc.dump", "c.dump", status=1)
    check_equal(len(found["process_list"]), 3, "processes")


@case()
def merged_too_early(client):
    """If a process goes on after its dump was merged, merging the folder again gives what it did since then."""
    folder = client.folder / "d"
    folder.mkdir()
    with running(client, out=folder / "long.dump") as process:
        merge(client, "d/job.dump", "d", status=5)
    process.wait()
    merge(client, "d/job.dump", "d")
    plain, merged = read(client, "d/long.dump")["totals"], read(client, "d/job.dump")["totals"]
    check_equal(merged, plain, "totals")


@case()
def damaged_single(client):
    """If the dump of a process is damaged that is sound in a merged dump, the merged dump counts."""
    for name in "ab":
        make(client, f"{name}.dump")
    merge(client, "job.dump", "a.dump", "b.dump")
    expected = read(client, "job.dump")["totals"]
    data = (client.folder / "a.dump").read_bytes()
    (client.folder / "a.dump").write_bytes(data[:len(data) // 2])
    check_equal(read(client, "a.dump", "job.dump", "b.dump")["totals"], expected, "totals")
    said = report(client, "job.dump", "a.dump", "b.dump").stderr
    check("a.dump: is part of job.dump, counted once" in said and "b.dump: is part" in said, said)


@case()
def later_than_merged(client):
    """If a process went on after its dump was merged, and its dump cannot take the place of the merged one, the report says
    so."""
    with running(client, out=client.folder / "long.dump"):
        make(client, "other.dump")
        merge(client, "job.dump", "other.dump", "long.dump", status=5)
        (client.folder / "other.dump").unlink()
    done = report(client, "--json", "job.dump", "long.dump", status=5)
    check("long.dump: is part of job.dump, counted once" in done.stderr, done.stderr)
    check("job.dump: long.dump has more calls of a process of it" in done.stderr, done.stderr)


@case()
def last_run_of_merged(client):
    """--last counts a merged dump whole if the last run is in it, and says that earlier runs are in it too."""
    for name in "abc":
        make(client, f"{name}.dump")
    merge(client, "job.dump", "b.dump", "c.dump")
    for name in "bc":
        (client.folder / f"{name}.dump").unlink()
    done = report(client, "--json", "--last", ".")
    check_equal(len(json.loads(done.stdout)["process_list"]), 2, "processes")
    check("job.dump: it holds earlier runs too" in done.stderr, done.stderr)


@case()
def damaged_headers(client):
    """Two dumps whose headers tell nothing are two processes, and their version of the routine table is not asked."""
    for name, calls in (("a", 3), ("b", 5)):
        make(client, f"{name}.dump", calls=calls)
        data = bytearray((client.folder / f"{name}.dump").read_bytes())
        data[32:72] = bytes(40)          # pid to end_monotonic_ns
        data[120:130] = b"x" * 10        # table_version
        data[344:360] = bytes(16)        # id
        (client.folder / f"{name}.dump").write_bytes(data)
    make(client, "sound.dump")
    plain = read(client, "a.dump", "b.dump", "sound.dump", status=5)["totals"]
    for jobs in (1, 3):
        report(client, "merge", "--jobs", jobs, "-o", f"job{jobs}.dump", "a.dump", "b.dump", "sound.dump", status=5)
        check_equal(read(client, f"job{jobs}.dump", status=5)["totals"], plain, f"totals by {jobs} processes")
    check((client.folder / "job1.dump").read_bytes() == (client.folder / "job3.dump").read_bytes(), "the bytes differ")


# ---- what is wrong with some of many dumps ----

@case()
def some_are_wrong(client):
    """A dump that is missing, cut, or no dump at all, is named, is counted, and stops nothing; the merged dump says so too."""
    make(client, "a.dump")
    make(client, "b.dump")
    sound = (client.folder / "b.dump").read_bytes()
    (client.folder / "cut.dump").write_bytes(sound[:5000])
    (client.folder / "text.dump").write_text("hello\n" * 1000)
    done = merge(client, "job.dump", "a.dump", "gone.dump", "cut.dump", "text.dump", status=5)
    for words in ("gone.dump: No such file or directory", "cut.dump: ", "text.dump: not a flopshim dump"):
        check(words in done.stderr, f"{words!r} is not in {done.stderr}")
    found = read(client, "job.dump", status=5)
    check_equal(found["totals"]["calls"], read(client, "a.dump")["totals"]["calls"], "calls")
    check_equal(found["complete"], False, "complete")
    check_equal({row["file"] for row in found["damage"]},
                {str(client.folder / name) for name in ("gone.dump", "cut.dump", "text.dump")}, "files that are named")
    check("INCOMPLETE" in report(client, "job.dump", status=5).stdout, "the report does not say INCOMPLETE")


@case()
def nothing_to_merge(client):
    """If no dump can be read, nothing is written, and an earlier file stays."""
    (client.folder / "job.dump").write_text("mine")
    (client.folder / "text.dump").write_text("hello\n" * 1000)
    done = merge(client, "job.dump", "text.dump", status=1)
    check("nothing is written" in done.stderr, done.stderr)
    check_equal((client.folder / "job.dump").read_text(), "mine", "the file")


@case()
def still_running(client):
    """The dump of a running process is merged as it is, and named."""
    with running(client) as process:
        (path,) = process.dumps()
        make(client, "a.dump")
        done = merge(client, "job.dump", "a.dump", path, status=5)
        check("still running when its dump was merged" in done.stderr, done.stderr)
    found = read(client, "job.dump", status=5)
    check_equal([row["state"] for row in found["process_list"] if row["pid"] == process.pid], ["running"], "its state")
    check_equal(len(found["process_list"]), 2, "processes")


@case()
def killed(client):
    """A process that was killed is in the merged dump with all of its calls and with its state."""
    client.run([victim(client), client.folder / "counts", 1, 8, "segv"], status=-11, FLOPSHIM_OUT=client.folder / "k.dump")
    merge(client, "job.dump", "k.dump")
    merged, plain = read(client, "job.dump"), read(client, "k.dump")
    check_equal(merged["totals"], plain["totals"], "totals")
    check_equal(merged["totals"]["calls"], 8, "calls")
    check_equal(merged["process_list"][0]["state"], "ended", "state")


@case()
def endless_list(client):
    """A list of arguments whose last one does not end is damage, and empty, for each of the programs that name it."""
    merge(client, "job.dump", ranks_of(client, 8))  # on two hosts, so that two programs name one list
    data, document = bytearray((client.folder / "job.dump").read_bytes()), read_dump.Document(read_dump.PAGE.read_text())
    dump = read_dump.Dump(bytes(data))
    (strings,) = [block for block in dump.blocks if block["type"] == document.values["DUMP_STRINGS"]]
    programs = [program for _, _, program in dump.each("DUMP_PROGRAMS", "dump_program")]
    check_equal(len({program["arguments"] for program in programs}), 1, "lists of the two programs")
    at = programs[0]["arguments"]
    data[at + 4 + int.from_bytes(data[at:at + 4], "little") - 1] = ord("x")  # the 0 behind the last argument
    begin = strings["offset"] + strings["header_size"]
    document.write("dump_block", "content_check",
                   read_dump.check64(read_dump.SEED ^ strings["used"], bytes(data[begin:begin + strings["used"]])), data,
                   strings["offset"])
    (client.folder / "job.dump").write_bytes(data)
    found = read(client, "job.dump", status=5)
    check_equal([process["arguments"] for process in found["process_list"]], 8 * [[]], "arguments")
    check("lists of arguments whose last one does not end" in [row["text"] for row in found["damage"]], f"{found['damage']}")


@case()
def same_names_on_two_nodes(client):
    """What is wrong with two files of the same name in two folders stays two things, each with its path and its machine."""
    for node in ("n1", "n2"):
        (client.folder / node).mkdir()
        make(client, f"{node}/ok.dump")
        done = subprocess.run([client.reporter, "merge", "-o", "node.dump", "ok.dump", "./gone.dump"],
                              cwd=client.folder / node, capture_output=True, timeout=60)
        check_equal(done.returncode, 5, "status")
    merge(client, "job.dump", "n1/node.dump", "n2/node.dump", status=5)
    merge(client, "again.dump", "job.dump", status=5)
    for name in ("job.dump", "again.dump"):
        rows = read(client, name, status=5)["damage"]
        check_equal([(row["file"], row["host"]) for row in rows],
                    [(str(client.folder / node / "gone.dump"), os.uname().nodename) for node in ("n1", "n2")],
                    f"damage of {name}")
    check("2 dumps could not be read" in merge(client, "third.dump", "again.dump", status=5).stdout, "their number")
    merge(client, "absolute.dump", client.folder / "n1/ok.dump", client.folder / "n1/gone.dump", status=5)
    merge(client, "relative.dump", "n1/ok.dump", "n1/gone.dump", status=5)
    check((client.folder / "absolute.dump").read_bytes() == (client.folder / "relative.dump").read_bytes(), "the bytes differ")


@case()
def damaged_header(client):
    """A merged dump says as well that the header of a dump is damaged, rather than that its process may still run."""
    make(client, "a.dump")
    data = bytearray((client.folder / "a.dump").read_bytes())
    data[32] ^= 1  # a bit of the pid
    (client.folder / "a.dump").write_bytes(data)
    merge(client, "job.dump", "a.dump", status=5)
    for name in ("a.dump", "job.dump"):
        text = report(client, name, status=5).stdout
        check("how it ended is not known: its header is damaged" in text, f"{name}: {text[:300]}")


@case(layout=(1, 2))
def without_id(client):
    """A dump of a layout without ids has none in a merged dump either."""
    packed = Path(read_dump.__file__).with_name(f"layout-{client.layout}.dump.xz")
    (client.folder / "old.dump").write_bytes(lzma.decompress(packed.read_bytes()))
    merge(client, "job.dump", "old.dump")
    check_equal([[row["dump_id"] for row in read(client, name)["process_list"]] for name in ("old.dump", "job.dump")],
                [[None], [None]], "ids")


# ---- times, calls in flight, order ----

@case()
def untimed_calls(client):
    """The report says how many calls the time of a process, a rank or a host is without."""
    make(client, "timed.dump", calls=16, FLOPSHIM_TIME="all", PMI_RANK="0", PMI_SIZE="2", PMI_JOBID="1")
    make(client, "off.dump", calls=24, FLOPSHIM_TIME="off", PMI_RANK="1", PMI_SIZE="2", PMI_JOBID="1")
    merge(client, "job.dump", "timed.dump", "off.dump")
    for key in ("rank", "process"):
        rows = read(client, "--by", key, "job.dump")["groups"]
        check_equal({row["rank"]: row["calls_without_time"] for row in rows}, {0: 0, 1: 24}, f"by {key}")
        text = report(client, "--by", key, "job.dump").stdout
        check("no time" in text and " 24\n" in text, text)
    (host,) = read(client, "--by", "host", "job.dump")["groups"]
    check_equal((host["calls"], host["calls_without_time"]), (40, 24), "by host")
    for dumps in (["job.dump"], ["timed.dump", "off.dump"]):
        found = read(client, *dumps)
        check_equal([row["calls_without_time"] for row in found["process_list"] + found["hosts"]], [0, 24, 24],
                    f"lists of {dumps}")


@case()
def ratios_in_flight(client):
    """If two calls in flight from one place are charged at two ratios to their FLOPs, a merged dump claims no more than the dumps
    that the FLOPs of stacks are exact."""
    script = "import numpy; a = numpy.ones((5000, 5000)); a.dot(numpy.ones((5000, 5000)))"
    for name, multiplier in (("a.dump", 1), ("b.dump", 2)):
        env = client.environment(LD_PRELOAD=client.shim, FLOPSHIM_OUT=client.folder / name, FLOPSHIM_STACKS="all",
                                 FLOPSHIM_MULTIPLIER=multiplier)
        process = subprocess.Popen([PYTHON, "-c", script], env=env, cwd=client.folder)
        deadline = time.monotonic() + 30
        while not ((client.folder / name).exists() and read(client, name)["totals"]["in_flight_flops"] > 10 ** 9):
            check(time.monotonic() < deadline and process.poll() is None, "the call is not in flight")
            time.sleep(0.02)
        process.kill()
        process.wait()
    merge(client, "job.dump", "a.dump", "b.dump")
    plain = {row["symbol"]: row["exact"] for row in read(client, "a.dump", "b.dump")["stacks"]}
    check(False in plain.values(), f"the FLOPs of all stacks are exact: {plain}")
    check_equal({row["symbol"]: row["exact"] for row in read(client, "job.dump")["stacks"]}, plain, "exact, by symbol")


# Calls dcopy, which costs nothing, with the orders that it is given.
COPIES = """
import ctypes, sys
blas = ctypes.CDLL("libblas.so.3")
data = (ctypes.c_double * 64)()
one = ctypes.c_int(1)
for n in sys.argv[1:]:
    blas.dcopy_(ctypes.byref(ctypes.c_int(int(n))), data, ctypes.byref(one), data, ctypes.byref(one))
"""


@case()
def order_of_equals(client):
    """Rows of equal work are in an order that does not depend on that of the dumps, nor on whether they are merged."""
    orders = [*range(1, 25)]
    for name, given in (("a.dump", orders), ("b.dump", orders[::-1])):
        client.run([PYTHON, "-c", COPIES, *given], FLOPSHIM_OUT=client.folder / name)
    merge(client, "job.dump", "a.dump", "b.dump")
    for options in (["--by", "shape"], ["--by", "site"], ["--by", "routine"], ["--by", "process"], ["--json", "--by", "shape"]):
        expected = report(client, *options, "a.dump", "b.dump").stdout
        check("dcopy" in expected or "process" in options, expected)
        for dumps in (["b.dump", "a.dump"], ["job.dump"]):
            check_equal(report(client, *options, *dumps).stdout, expected, f"{options} of {dumps}")


# ---- progress ----

def on_terminal(client, *arguments, **environment):
    """Starts flopshim-report with a terminal as its standard error, and these variables. Returns the process, and a function
    that reads what it has written there."""
    ours, theirs = os.openpty()
    process = subprocess.Popen([client.reporter, *map(str, arguments)], cwd=client.folder, stdout=subprocess.DEVNULL,
                               stderr=theirs, env={**client.environment(), **environment})
    os.close(theirs)

    def written():
        text = b""
        try:
            while piece := os.read(ours, 4096):
                text += piece
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        return text

    return process, written


@case()
def waits_no_longer(client):
    """On a terminal, merging takes no longer than the reading does."""
    folder = ranks_of(client, 4, shapes=4)
    times = []
    for _ in range(5):
        begin = time.monotonic()
        process, written = on_terminal(client, "merge", "--jobs", 2, "-o", "job.dump", folder)
        check_equal(process.wait(), 0, "status")
        times.append(time.monotonic() - begin)
        check_equal(written(), b"", "what is written to a terminal within a second")
    check(min(times) < 0.15, f"at least {min(times):.2f} s")


@case(jobs=(1, 2))
def progress(client):
    """On a terminal, a line says how many dumps are read, if it takes more than a second, and is gone at the end."""
    folder = ranks_of(client, 200)
    slow = client.compile("slow_open.c", "-shared", "-fPIC", name="slow_open.so", blas=False)
    process, written = on_terminal(client, "merge", "--jobs", client.jobs, "-o", "job.dump", folder, LD_PRELOAD=str(slow))
    check_equal(process.wait(), 0, "status")
    said = written()
    check(b" of 200 dumps read" in said and said.endswith(b"\r\x1b[K"), f"{said}")


# ---- what a merged dump does not have ----

@case()
def without_order(client):
    """Ordered calls are left out with a word, and `calls` and --by thread say what a merged dump lacks."""
    make(client, "a.dump", FLOPSHIM_RECORDS="calls")
    done = merge(client, "job.dump", "a.dump")
    check("the ordered calls of 1 dump are left out" in done.stderr, done.stderr)
    done = report(client, "calls", "job.dump", status=1)
    check_equal((done.stdout, "a merged dump has no ordered calls" in done.stderr), ("", True), "answer and message")
    done = report(client, "--by", "thread", "job.dump", status=1)
    check("does not tell threads apart" in done.stderr, done.stderr)
    done = report(client, "--reprice", "--by", "rank", "job.dump", status=1)
    check("cannot be priced anew" in done.stderr, done.stderr)


@case()
def moved_program(client):
    """Two copies of a program are one module, since their build-ids are the same: its first path names it."""
    made = victim(client)
    for folder in ("one", "two"):
        (client.folder / folder).mkdir()
        shutil.copy(made, client.folder / folder / "victim")
        client.run([client.folder / folder / "victim", client.folder / "counts", 1, 8, "run"],
                   FLOPSHIM_OUT=client.folder / f"{folder}.dump")
    merge(client, "job.dump", "two.dump", "one.dump")
    modules = {row["module"] for row in read(client, "job.dump")["sites"]}
    check_equal(modules, {str(client.folder / "one" / "victim")}, "modules of call sites")
    check_equal(len(read(client, "job.dump")["sites"]), len(read(client, "one.dump")["sites"]), "call sites")


# ---- the command line ----

@case(words=("", "-o", "-o x --jobs 0", "-o x --jobs many", "-o x --mode 999", "-o x --mode 200", "-o x --json", "-o x -q"))
def wrong_usage(client):
    done = report(client, "merge", *client.words.split(), status=2)
    check_equal(done.stdout, "", "standard output")
    check("Try 'flopshim-report merge --help'." in done.stderr, done.stderr)
    check(not (client.folder / "x").exists(), "a file was written")


@case()
def permissions(client):
    """The merged dump is its owner's alone, unless --mode says otherwise."""
    make(client, "a.dump")
    for options, mode in (((), 0o600), (("--mode", "640"), 0o640)):
        report(client, "merge", *options, "-o", "job.dump", "a.dump")
        check_equal((client.folder / "job.dump").stat().st_mode & 0o777, mode, "permissions")


@case()
def cannot_be_written(client):
    """If the file cannot be written, the message names it, and nothing is left."""
    make(client, "a.dump")
    done = merge(client, "no/such/folder/job.dump", "a.dump", status=1)
    check("no/such/folder/job.dump: cannot be written: No such file or directory" in done.stderr, done.stderr)
    os.mkfifo(client.folder / "pipe")
    done = merge(client, "pipe", "a.dump", status=1)
    check("pipe: cannot be written: it is no regular file" in done.stderr, done.stderr)
    (client.folder / "real").mkdir()
    (client.folder / "real" / "job.dump").write_text("old")
    (client.folder / "link").symlink_to(client.folder / "real" / "job.dump")
    merge(client, "link", "a.dump")
    check((client.folder / "link").is_symlink() and read(client, "real/job.dump")["totals"]["calls"], "the link is replaced")
    (client.folder / "full").mkdir()
    done = merge(client, "full", "a.dump", status=1)
    check("full: cannot be written: Is a directory" in done.stderr, done.stderr)
    check_equal([path.name for path in client.folder.iterdir() if path.name.startswith("full.")], [], "files that are left")


@case(how=["SIGTERM", "SIGINT", "SIGHUP"])
def ended_while_writing(client):
    """A signal that ends merge while it writes leaves neither the file nor a part of it, and merge ends by the signal."""
    make(client, "a.dump")
    slow = client.compile("slow_fsync.c", "-shared", "-fPIC", name="slow_fsync.so", blas=False)
    out = client.folder / "out"
    out.mkdir()
    process = subprocess.Popen([client.build_folder / "flopshim-report", "merge", "-o", out / "job.dump", "a.dump"],
                               cwd=client.folder, env={**client.environment(), "LD_PRELOAD": str(slow)},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while not [path for path in out.iterdir() if path.stat().st_size]:
        check(time.monotonic() < end and process.poll() is None, "merge did not begin to write within 30 s")
        time.sleep(0.01)
    number = getattr(signal, client.how)
    process.send_signal(number)
    check_equal(process.wait(30), -number, "the status of merge")
    check_equal(os.listdir(out), [], "files that are left")
