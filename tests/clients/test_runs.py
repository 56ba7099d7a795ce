# SPDX-License-Identifier: BSD-3-Clause
"""Tests reports over dumps of several processes: copies, runs, and ranks that leave nothing. No case may rely on the
names of dumps, unless it sets them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "dumps"))
import read_dump
from harness import PYTHON, Skip, case, check, check_equal, system_program

CALLS = 8  # calls of a victim, unless it is told another number


def victim(client):
    return client.compile("victim.c", "-pthread")


def start(client, *command, launcher=(), **environment):
    """Runs a command under the launcher, which must end with status 0."""
    done = subprocess.run([client.launcher, *launcher, *map(str, command)], cwd=client.folder, capture_output=True,
                          timeout=120, env=client.environment(**environment))
    check_equal(done.returncode, 0, f"status of {command}: {done.stderr}")
    return done


def make(client, out, calls=CALLS, launcher=(), **environment):
    """Runs a victim under the launcher, with this path for its dump."""
    return start(client, victim(client), client.folder / "counts", 1, calls, "run", launcher=["-o", out, *launcher],
                 **environment)


def report(client, *arguments, status=0):
    """Runs flopshim-report, which must end with this status."""
    done = subprocess.run([client.reporter, *map(str, arguments)], cwd=client.folder, capture_output=True, text=True,
                          timeout=60)
    check_equal(done.returncode, status, f"status of {arguments}: {done.stderr}")
    return done


def numbers(client, *arguments, status=0):
    """The report as JSON."""
    return json.loads(report(client, "--json", *arguments, status=status).stdout)


# ---- ranks ----

# Every rank runs this script. Ranks that are not in its list make no call and leave no dump.
SCRIPT = "case $RANK in %s) exec %s counts-$RANK 1 %d run;; esac"


def launch(client, folder, size, workers, name):
    """Runs `size` ranks, each in a process of its own, of which only `workers` compute."""
    for rank in range(size):
        script = SCRIPT % ("|".join(map(str, workers)), victim(client), CALLS)
        start(client, "sh", "-c", script, launcher=["-o", f"{folder}/"], RANK=str(rank), PMI_RANK=str(rank),
              PMI_SIZE=str(size), PMI_JOBID=name)


def lines_about_ranks(client, folder):
    """The texts of the report's lines "no dump from ...", without these words."""
    lines = report(client, folder).stdout.splitlines()
    return [line.split(maxsplit=2)[2] for line in lines if line.strip().startswith("no dump")]


@case()
def idle_ranks(client):
    """If 3 of 12 ranks compute, the report states that the busiest has 4 times the mean of 12, and names the ranks
    without a dump."""
    launch(client, "ranks", 12, (10, 2, 9), "4711.0")
    found = numbers(client, "ranks")
    check_equal([process["rank"] for process in found["process_list"]], [2, 9, 10], "order of the processes")
    expected = {"job": None, "launch": "4711.0", "ranks": 12, "with_dump": 3, "missing": ["0-1", "3-8", "11"],
                "calls": 3 * CALLS, "imbalance": 12 / 3 - 1, "busiest_rank": 2, "laziest_rank": 0, "laziest_host": None}
    (launched,) = found["launches"]
    check_equal({name: launched[name] for name in expected}, expected, "launch")
    check_equal((found["runs"], found["complete"], found["totals"]["calls"]), (1, True, 3 * CALLS),
                "runs, complete and calls")
    text = report(client, "ranks").stdout
    check("the most 4.00 times the mean of 12 ranks" in text and "9 of 12 ranks: 0-1, 3-8, 11." in text, text[:600])


@case()
def idle_ranks_of_one_of_many(client):
    """Of 25 launches, the one that lacks ranks is named, whatever their order is."""
    for number in range(24):
        launch(client, "many", 1, (0,), f"{number:02}.0")
    launch(client, "many", 3, (1,), "77.0")
    said = lines_about_ranks(client, "many")
    check_equal(said, ["2 of 3 ranks, launch 77.0: 0, 2. They made no call, or their dumps are elsewhere"], "what is said")
    missing = [row["missing"] for row in numbers(client, "many")["launches"] if row["missing"]]
    check_equal(missing, [["0", "2"]], "missing ranks")


@case()
def busy_rank(client):
    """A rank that does three times the work of each of the three others is named, with its part above the mean; two
    launches are never averaged."""
    for name, ranks in (("1.0", (8, 8, 24, 8)), ("1.1", (8, 16))):
        for rank, calls in enumerate(ranks):
            make(client, f"{name}/", calls=calls, PMI_RANK=str(rank), PMI_SIZE=str(len(ranks)), PMI_JOBID=name)
    text = report(client, "1.0").stdout
    check("the most 2.00 times the mean of 4 ranks" in text, text[:600])  # 24 / ((8 + 8 + 24 + 8) / 4)
    check("busiest    rank 2 on " in text and "laziest    rank 0 on " in text, text[:600])
    both = report(client, "1.0", "1.1").stdout
    check("the most" not in both.split("By routine")[0], both[:600])
    first, second = numbers(client, "1.0", "1.1")["launches"]
    check_equal([(row["busiest_rank"], row["laziest_rank"], row["imbalance"]) for row in (first, second)],
                [(2, 0, 24 / 12 - 1), (1, 0, 0.333333333)], "the busiest, the laziest and the imbalance of both launches")
    (host,) = numbers(client, "1.0", "1.1")["hosts"]
    check_equal((host["processes"], host["calls"]), (6, 8 + 8 + 24 + 8 + 8 + 16), "processes and calls of the host")


def rank_of_step(client, folder, step, rank, calls, job="77"):
    """Runs one of two ranks of a step of an array's task."""
    make(client, f"{folder}/", calls=calls, SLURM_JOB_ID=job, SLURM_ARRAY_TASK_ID="3", SLURM_STEP_ID=step, SLURM_PROCID=str(rank),
         SLURM_LOCALID=str(rank), SLURM_STEP_NUM_TASKS="2")


@case()
def steps(client):
    """A report for people names the step and the array task of a launch, and the number of a step stands there once."""
    for step, rank, calls in (("0", 0, 3), ("0", 1, 5), ("1", 1, 7)):
        rank_of_step(client, "steps", step, rank, calls)
    text = report(client, "steps").stdout
    check("no dump    1 of 2 ranks of job 77, array task 3, step 1: 0. They made no call" in text, text[:600])
    heads = {line.split()[0]: line for line in text.splitlines() if line.startswith("  job ")}
    check("job  step  array task  program" in heads["job"] and "launch" not in heads["job"], heads["job"])
    _, _, table = report(client, "--by", "rank", "steps").stdout.partition("By rank\n")
    heading, *rows = [line.split()[:6] for line in table.splitlines()]
    check_equal(heading, ["job", "array", "task", "step", "rank", "processes"], "columns of --by rank")
    check_equal(sorted(rows), [["77", "3", "0", "0", "1", "3"], ["77", "3", "0", "1", "1", "5"], ["77", "3", "1", "1", "1", "7"]],
                "array task, step, rank, processes and calls of --by rank")
    _, _, table = report(client, "--by", "process", "steps").stdout.partition("By process\n")
    check("step  array task  local rank" in table.splitlines()[0], table)


@case()
def ranks_of_two_jobs(client):
    """Compared by rank, a rank of one job is known again in another job by its number and its step."""
    for job, calls in (("77", 7), ("78", 9)):
        rank_of_step(client, job, "1", 0, 3, job=job)
        rank_of_step(client, job, "1", 1, calls, job=job)
        (client.folder / "counts").unlink()  # the next lengths follow from what was counted there
    found = json.loads(report(client, "compare", "--json", "--by", "rank", "77", "78", status=3).stdout)
    check_equal([(row["step"], row["rank"], row["old_calls"], row["new_calls"]) for row in found["groups"]], [("1", 1, 7, 9)],
                "ranks that differ")


@case()
def idle_ranks_of_many(client):
    """Of 23 launches that lack ranks, 20 are named and the others counted. A launch without a name is called by its job."""
    for job in range(23):
        start(client, victim(client), "counts", 1, CALLS, "run", launcher=["-o", "many/"], SLURM_JOB_ID=str(job),
              MV2_COMM_WORLD_RANK="1", MV2_COMM_WORLD_SIZE="2")
    said = lines_about_ranks(client, "many")
    check_equal(len(said), 21, f"lines of {said}")
    check_equal(sorted(said[:20]), sorted(set(said[:20])), "launches that are named, each once")
    check(all(line.startswith("1 of 2 ranks of job ") and ": 0. They made no call" in line for line in said[:20]), f"{said}")
    check_equal(said[20], "3 more launches lack dumps of some of their ranks", "the others")
    for dump in sorted(client.folder.glob("many/*.dump"))[:2]:
        dump.unlink()
    check_equal(lines_about_ranks(client, "many")[20:], ["1 more launch lacks dumps of some of its ranks"], "the other one")


@case()
def no_idle_rank(client):
    """If every rank has left a dump, nothing is said."""
    launch(client, "ranks", 2, (0, 1), "4711.1")
    text = report(client, "ranks").stdout
    check("1.00 times the mean of 2 ranks" in text and "no dump" not in text, text[:600])


@case()
def idle_ranks_of_python(client):
    """The child of a rank belongs to the rank: one of 5 ranks computes, in Python and in a child, and has five times the
    mean."""
    program = (f"import os, subprocess; subprocess.run(['{victim(client)}', 'counts', '1', '{CALLS}', 'run']); "
               f"import numpy as n; a = n.ones((50, 50)); a @ a")
    for rank in range(5):
        environment = {"FLUX_TASK_RANK": str(rank), "FLUX_JOB_SIZE": "5", "FLUX_JOB_ID": "f1"}
        start(client, PYTHON, "-c", program if rank == 3 else "pass", launcher=["-o", "flux/"], **environment)
    found = numbers(client, "flux")
    check_equal((found["processes"], found["runs"]), (2, 1), "processes and runs")
    check_equal(found["launches"][0]["missing"], ["0-2", "4"], "ranks without a dump")
    check("the most 5.00 times the mean of 5 ranks" in report(client, "flux").stdout, "the balance")


@case()
def ranks_without_a_launch(client):
    """Ranks of a launch without a name are one run if one process has started them, also through shells, and together
    with their children."""
    rank = f"$LAUNCHER -o d/ {PYTHON} -c \"$PROGRAM\"; true"  # because of `true`, the shell does not become the launcher
    program = (f"import subprocess, numpy as n; a = n.ones((50, 50)); a @ a; "
               f"subprocess.run(['{victim(client)}', 'counts', '1', '{CALLS}', 'run'], check=True)")
    proxy = "for rank in 0 1 2; do PMI_RANK=$rank PMI_SIZE=3 sh -c \"$RANK\"; done"
    for _launch in range(2):
        client.run(["sh", "-c", proxy], shim=False, A="x" * 10000, RANK=rank, PROGRAM=program,
                   LAUNCHER=str(client.launcher))
    found = numbers(client, "d")
    check_equal((found["processes"], found["runs"], len(found["launches"])), (12, 2, 2), "processes, runs and launches")
    check_equal([(row["ranks"], row["with_dump"]) for row in found["launches"]], [(3, 3)] * 2,
                "ranks of each launch, and those with a dump")
    found = numbers(client, "--last", "d")
    ranks = sorted(row["rank"] for row in found["process_list"])
    check_equal((found["processes"], found["runs"], ranks), (6, 1, [0, 0, 1, 1, 2, 2]),
                "processes, runs and ranks of the last run")


# ---- copies ----

PAGE = read_dump.Document(read_dump.PAGE.read_text())
MAGIC, BYTE_ORDER, START = (PAGE.offset("dump_header", member) for member in ("magic", "byte_order", "start_realtime_ns"))
START_HIGH = START + PAGE.size_of_type("u64") - 1  # a change of this byte moves the start by centuries


def damage(path, at, bits=0x40):
    """Flips bits of one byte of a file."""
    changed = bytearray(path.read_bytes())
    changed[at] ^= bits
    path.write_bytes(changed)


def live_copy(client, out):
    """A dump of a process that was killed, and a copy of it that was made while the process ran."""
    process = subprocess.Popen([client.launcher, "-o", out, victim(client), client.folder / "counts", "1", "0", "run"],
                               cwd=client.folder, env=client.environment(), stdout=subprocess.DEVNULL)
    dump, copy = client.folder / out, client.folder / f"early-{out}"
    deadline = time.monotonic() + 30
    try:
        while time.monotonic() < deadline and not (dump.exists() and numbers(client, out)["totals"]["calls"]):
            time.sleep(0.02)
        shutil.copy(dump, copy)
        early = numbers(client, copy)["totals"]["calls"]
        while time.monotonic() < deadline and numbers(client, out)["totals"]["calls"] <= early:
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return dump, copy


@case()
def copies(client):
    """A dump counts once, however many copies there are, whatever is wrong with the others, and in whatever order they
    are given."""
    make(client, "a.dump")
    make(client, "b.dump")
    whole = (client.folder / "a.dump").read_bytes()
    (client.folder / "cut.dump").write_bytes(whole[:9000])
    (client.folder / "0.dump").write_bytes(whole)
    os.link(client.folder / "a.dump", client.folder / "z.dump")
    for paths in (["."], ["cut.dump", "a.dump", "b.dump"], ["a.dump", "b.dump", "cut.dump"], ["b.dump", "b.dump", ".", "z.dump"]):
        found = numbers(client, *paths)
        check_equal((found["processes"], found["totals"]["calls"], found["complete"], found["runs"]), (2, 2 * CALLS, True, 2),
                    f"{paths}: processes, calls, complete and runs")
    said = report(client, "cut.dump", "a.dump", "b.dump", "b.dump").stderr.splitlines()
    check_equal(said, ["flopshim-report: cut.dump: the same dump as a.dump, which is counted in its place",
                       "flopshim-report: b.dump: named twice, counted once"], "standard error")
    check_equal(report(client, "a.dump", "b.dump").stderr, "", "standard error without copies")


@case(at=("magic", "byte order", "magic and time"))
def copies_with_a_damaged_beginning(client):
    """A copy with a damaged beginning is recognized, and the sound one counts."""
    make(client, "a.dump")
    shutil.copy(client.folder / "a.dump", client.folder / "b.dump")
    for at in {"magic": [MAGIC], "byte order": [BYTE_ORDER], "magic and time": [MAGIC + 3, START]}[client.at]:
        damage(client.folder / "b.dump", at)
    for paths in (["a.dump", "b.dump"], ["b.dump", "a.dump"]):
        done = report(client, "--json", *paths)
        found = json.loads(done.stdout)
        check_equal((found["processes"], found["totals"]["calls"], found["complete"]), (1, CALLS, True),
                    f"{paths}: processes, calls, complete")
        check_equal(done.stderr, "flopshim-report: b.dump: the same dump as a.dump, which is counted in its place\n",
                    "standard error")


@case()
def early_copies(client):
    """Of two sound copies the later one counts. If only a damaged copy knows of later calls, the report says so."""
    dump, early = live_copy(client, "run.dump")
    calls = numbers(client, dump)["totals"]["calls"]
    for paths in ((dump, early), (early, dump)):
        check_equal(numbers(client, *paths)["totals"]["calls"], calls, "calls of the later copy")
    (strings, *_) = [block for block in read_dump.Dump(dump.read_bytes()).blocks
                     if block["type"] == PAGE.values["DUMP_STRINGS"]]
    damage(dump, strings["offset"] + PAGE.offset("dump_block", "size") + 4)  # no calls are lost with the block of texts
    for paths in ((dump, early), (early, dump)):
        found = numbers(client, *paths, status=5)
        check(found["totals"]["calls"] < calls, "the damaged copy is counted in place of the sound one")
        check(any("a damaged copy of it has more calls" in row["text"] for row in found["damage"]), f"{found['damage']}")


@case()
def no_copies(client):
    """A dump of a program that a process became by exec, or of a forked child, is no copy, though process number and
    start may be the same."""
    program = (f"import os, numpy as n; a = n.ones((50, 50)); a @ a; pid = os.fork() or (a @ a, os._exit(0)); "
               f"os.waitpid(pid, 0); os.execv('{victim(client)}', ['victim', 'counts', '1', '{CALLS}', 'run'])")
    start(client, PYTHON, "-c", program, launcher=["-o", "x/"])
    found = numbers(client, "x")
    pids = [process["pid"] for process in found["process_list"]]
    check_equal((len(pids), len(set(pids)), found["runs"]), (3, 2, 1), "dumps, processes and runs")
    check_equal(report(client, "x").stderr, "", "standard error")
    each = [numbers(client, process["file"])["totals"]["calls"] for process in found["process_list"]]
    check_equal((found["totals"]["calls"], max(each)), (sum(each), CALLS), "calls of all, and of the one that has the most")


# ---- runs ----

@case()
def last_run(client):
    """Without --last all runs are added up, and the report says so. With it, the last run counts, with its children."""
    make(client, "d/", calls=3)
    program = (f"import subprocess\nfor calls in '5', '7': "
               f"subprocess.run(['{victim(client)}', 'counts', '1', calls, 'run'], check=True)")
    start(client, PYTHON, "-c", program, launcher=["-o", "d/"])
    check_equal(numbers(client, "d")["totals"]["calls"], 3 + 5 + 7, "calls of all")
    text = report(client, "d").stdout
    check("in 2 runs (--last reads the last one alone)" in text, f"the report does not say that there are two runs: {text[:300]}")
    found = numbers(client, "--last", "d")
    check_equal((found["totals"]["calls"], found["runs"], found["processes"]), (5 + 7, 1, 2),
                "calls, runs and processes of the last run")
    check(" runs" not in report(client, "--last", "d").stdout, "one run is not counted")


@case()
def damaged_earlier_run(client):
    """A wrong bit in the time of an old dump does not make it the last run. A line says that it is left out, since it
    might belong to the last run."""
    make(client, "d/", calls=3)
    (old,) = (client.folder / "d").iterdir()
    make(client, "d/", calls=5)
    damage(old, START_HIGH)
    done = report(client, "--json", "--last", "d", status=5)
    check_equal(json.loads(done.stdout)["totals"]["calls"], 5, "calls of the last run")
    why = "its header is damaged: it cannot be told whether it is of the last run, so it is left out"
    check_equal(done.stderr, f"flopshim-report: d/{old.name}: {why}\n", "standard error")


@case()
def damaged_in_last_run(client):
    """A dump of the last run whose header is damaged still belongs to it, and does not move the start of the run."""
    make(client, "d/", calls=3)
    before = set((client.folder / "d").iterdir())
    start(client, "sh", "-c", f"{victim(client)} counts 1 5 run; {victim(client)} counts 1 7 run", launcher=["-o", "d/"])
    for dump in set((client.folder / "d").iterdir()) - before:
        damage(dump, START_HIGH)
        check_equal(numbers(client, "--last", "d", status=5)["totals"]["calls"], 5 + 7,
                    f"calls of the last run while {dump.name} is damaged")
        damage(dump, START_HIGH)


PID, ID, RUN = (PAGE.offset("dump_header", member) for member in ("pid", "id", "run"))
DAMAGES = {"time": [START_HIGH], "process": [PID], "magic and time": [MAGIC + 3, START], "run": [RUN], "id": [ID]}
FORKS = "import os, numpy as n; a = n.ones((50, 50)); a @ a; pid = os.fork() or (a @ a, os._exit(0)); os.waitpid(pid, 0)"


def two_of_a_run(client, out, at):
    """Runs two processes, which nothing but what is at this place of their headers makes one run. Returns their dumps."""
    before = set(client.folder.rglob("*.dump"))
    if at in ("run", "id"):
        start(client, "sh", "-c", f"{victim(client)} counts 1 5 run; {victim(client)} counts 1 7 run", launcher=["-o", out])
    else:
        client.run([PYTHON, "-c", FORKS], FLOPSHIM_OUT=f"{client.folder}/{out}")
    made = set(client.folder.rglob("*.dump")) - before
    check_equal(len(made), 2, "dumps of a run")
    return sorted(made, key=lambda dump: read_dump.Dump(dump.read_bytes()).header["start_realtime_ns"])


@case(at=("run", "id", "magic and time"))
def doubtful_in_last_run(client):
    """With --last, a dump that cannot be told to be of the last run is left out with a line. If nothing but a damaged dump
    is left of the last run, the report says that others of that run may have been left out."""
    make(client, "d/", calls=3)
    first, second = two_of_a_run(client, "d/", client.at)
    calls = [numbers(client, dump)["totals"]["calls"] for dump in (first, second)]
    check_equal(numbers(client, "--last", "d")["totals"]["calls"], sum(calls), "calls of the run")
    for dump, other in ((first, 1), (second, 0)):
        sound = dump.read_bytes()
        for at in DAMAGES[client.at]:
            damage(dump, at)
        done = report(client, "--json", "--last", "d", status=5)
        said = [(Path(row["file"]).name, row["text"]) for row in json.loads(done.stdout)["damage"]]
        if client.at != "magic and time" and dump == second:  # its time tells that it is of the last run
            why = "its header is damaged: other dumps of its run may be among those that are left out"
            check_equal(json.loads(done.stdout)["totals"]["calls"], calls[1], "calls of the damaged dump")
        else:
            why = "its header is damaged: it cannot be told whether it is of the last run, so it is left out"
            check_equal(json.loads(done.stdout)["totals"]["calls"], calls[other], "calls of the sound dump")
        check((dump.name, why) in said, f"{said}")
        check(f"flopshim-report: d/{dump.name}: {why}\n" in done.stderr, f"standard error: {done.stderr!r}")
        dump.write_bytes(sound)


@case(at=tuple(DAMAGES))
def doubtful_sibling(client):
    """A comparison leaves out a dump beside the one that is named, with a line and an exit status, if a damaged header
    hides its run. A report of the one that is named says that the other may be of its run."""
    compare = ["compare", "--limit", "calls=0%"]
    two_of_a_run(client, "base.dump", client.at)
    named, sibling = sorted(two_of_a_run(client, "new.dump", client.at), key=lambda dump: len(dump.name))
    report(client, *compare, "base.dump", "new.dump")
    for at in DAMAGES[client.at]:
        damage(sibling, at)
    why = "its header is damaged: it cannot be told whether it is of the run of new.dump, so it is left out"
    check_equal(report(client, *compare, "base.dump", "new.dump", status=5).stderr,
                f"flopshim-report: {sibling.name}: {why}\n", "standard error")
    check_equal(report(client, "new.dump").stderr,
                "flopshim-report: new.dump: 1 dump with a damaged header lies beside it and was not read: it cannot be told "
                "whether it is of its run\n", "standard error of a report")
    damage(named, DAMAGES[client.at][-1])
    said = report(client, *compare, "base.dump", "new.dump", status=5).stderr
    check("new.dump: its header is damaged: other dumps of its run may be among those that are left out" in said, said)


@case(at=("pid", "state"))
def damaged_process(client):
    """Of a process whose header is damaged, the report does not say that it may be running, but that this is not known."""
    make(client, "closed.dump")
    killed, _ = live_copy(client, "killed.dump")
    for dump in (client.folder / "closed.dump", killed):
        check("header is damaged" not in report(client, dump).stdout, f"{dump.name} is said to be damaged")
        damage(dump, PAGE.offset("dump_header", client.at))
        text = report(client, dump, status=5).stdout
        check("how it ended is not known: its header is damaged" in text and "running" not in text, text[:400])


@case()
def bare_runs(client):
    """Without the launcher, a process and its children are one run, and the programs of a script are several."""
    script = f"{victim(client)} counts 1 3 run; {victim(client)} counts 1 4 run"
    client.run(["sh", "-c", script], FLOPSHIM_OUT=f"{client.folder}/d/")
    found = numbers(client, "d")
    check_equal((found["runs"], numbers(client, "--last", "d")["totals"]["calls"]), (2, 4), "runs, and calls of the last one")


@case()
def stale(client):
    """If an earlier run's dump kept its name, comparing that dump is refused, since the new one is in another file."""
    make(client, "base.dump")
    make(client, "new.dump")
    report(client, "compare", "base.dump", "new.dump")
    said = make(client, "new.dump", calls=2 * CALLS).stderr.decode()
    (sibling,) = [path.name for path in client.folder.glob("new-*.dump")]
    check("new.dump exists already" in said, f"standard error: {said!r}")
    done = report(client, "compare", "base.dump", "new.dump", status=1)
    check_equal(done.stdout, "", "a comparison with a dump of an earlier run")
    check("earlier run" in done.stderr and sibling in done.stderr and "--last" in done.stderr, f"standard error: {done.stderr!r}")
    for arguments in (["base.dump", sibling], ["--last", "base.dump", "new.dump"]):
        found = json.loads(report(client, "compare", "--json", *arguments, status=3).stdout)
        check_equal(found["regression"], True, f"regression of {arguments}")
    (client.folder / sibling).unlink()
    report(client, "compare", "base.dump", "new.dump")


@case()
def compared_with_children(client):
    """Dumps of children beside a dump are compared with it."""
    program = "import os, numpy as n; a = n.ones((50, 50)); a @ a; pid = os.fork() or ([a @ a for _ in range(%d)], os._exit(0))"
    for name, products in (("old", 2), ("same", 2), ("new", 3)):
        start(client, PYTHON, "-c", program % products + "; os.waitpid(pid, 0)", launcher=["-o", f"{name}.dump"])
    report(client, "compare", "old.dump", "same.dump")
    done = report(client, "compare", "old.dump", "new.dump", status=3)
    check("old.dump (with 1 more of its run) -> new.dump (with 1 more of its run)" in done.stdout, done.stdout[:300])


@case()
def later_run_beside(client):
    """If a later run has left its dump beside the one that is reported, a line says so. If all are given, or none is
    beside it, nothing is said."""
    make(client, "new.dump", calls=3, launcher=["-q"])
    check_equal(report(client, "new.dump").stderr, "", "standard error with nothing beside it")
    make(client, "new.dump", calls=5, launcher=["-q"])
    make(client, "new-best.dump", calls=1, launcher=["-q"])  # a name of its own, though it begins like the other's
    (sibling,) = [path.name for path in client.folder.glob("new-*.dump") if path.name != "new-best.dump"]
    for arguments in (["new.dump"], ["reprice", "new.dump"]):
        check_equal(report(client, *arguments).stderr,
                    f"flopshim-report: new.dump: {sibling} is of a later run (--last reads that run alone)\n",
                    f"standard error of {arguments}")
    for arguments in (["--last", "new.dump"], ["new.dump", sibling], [sibling], ["."]):
        check_equal(report(client, *arguments).stderr, "", f"standard error of {arguments}")
    check_equal(numbers(client, "--last", "new.dump")["totals"]["calls"], 5, "calls of the later run")


@case(children=(1, 4))
def children_beside(client):
    """A report of one dump of a run says how many more of the run are beside it, and that --last includes them."""
    program = ("import os, numpy as n; a = n.ones((50, 50)); a @ a\nfor child in range(%d):\n"
               "    pid = os.fork() or (a @ a, os._exit(0)); os.waitpid(pid, 0)")
    start(client, PYTHON, "-c", program % client.children, launcher=["-o", "x.dump"])
    what = {1: "1 more dump of its run lies beside it and was", 4: "4 more dumps of its run lie beside it and were"}
    check_equal(report(client, "x.dump").stderr,
                f"flopshim-report: x.dump: {what[client.children]} not read (--last reads them all)\n", "standard error")
    make(client, "other/y.dump")  # with dumps of two runs, --last reads one of them alone
    check_equal(report(client, "x.dump", "other/y.dump").stderr,
                f"flopshim-report: x.dump: {what[client.children]} not read\n", "standard error with another run")
    for arguments in (["--last", "x.dump"], ["."]):
        check_equal(report(client, *arguments).stderr, "", f"standard error of {arguments}")
    check_equal(numbers(client, "--last", "x.dump")["processes"], client.children + 1, "processes with --last")


@case()
def siblings_named(client):
    """With --last, dumps beside a given one count once, even if they are given too. A line says so if a dump is given
    twice."""
    program = ("import os, numpy as n; a = n.ones((50, 50)); a @ a\nfor child in range(2):\n"
               "    pid = os.fork() or (a @ a, os._exit(0)); os.waitpid(pid, 0)")
    start(client, PYTHON, "-c", program, launcher=["-o", "x.dump"])
    first, second = sorted(path.name for path in client.folder.glob("x-*.dump"))
    calls = sum(numbers(client, name)["totals"]["calls"] for name in ("x.dump", first, second))
    for named in (["x.dump", first, second], [first, "x.dump", second], ["x.dump", f"./{first}", client.folder / second],
                  [client.folder / "x.dump", second, first]):
        done = report(client, "--last", "--json", *named)
        found = json.loads(done.stdout)
        check_equal((done.stderr, found["processes"], found["totals"]["calls"]), ("", 3, calls),
                    f"{named}: standard error, processes, calls")
    for named in (["x.dump", "x.dump"], [first, first]):
        check_equal(report(client, "--last", *named).stderr, f"flopshim-report: {named[0]}: named twice, counted once\n",
                    f"standard error of {named}")


# ---- runs that are charged nothing ----

@case()
def charged_nothing(client):
    """If all calls of two runs have the weight 0, their stacks have the FLOPs of the calls."""
    weights = client.folder / "weights"
    weights.write_text("ddot 0\n")
    for calls in 3, 5:
        make(client, "d/", calls=calls, FLOPSHIM_STACKS="all", FLOPSHIM_WEIGHTS=weights)
    found = numbers(client, "d")
    check_equal((found["totals"]["calls"], found["totals"]["charged"]), (3 + 5, 0), "calls, and FLOPs charged")
    check(found["totals"]["flops"] > 0, "nothing was done")
    check_equal((sum(row["estimated_flops"] for row in found["stacks"]), sum(row["sampled_calls"] for row in found["stacks"])),
                (found["totals"]["flops"], 3 + 5), "FLOPs and calls of the stacks")


# ---- names that are taken ----

def names(client):
    """The names of all dumps in the case's folder."""
    return sorted(path.name for path in client.folder.glob("*.dump"))


@case()
def stale_said(client):
    """A line says that an earlier run's dump keeps the name, even with --quiet. It is not said of a dump of another
    rank."""
    make(client, "x.dump", launcher=["-q"])
    said = make(client, "x.dump", launcher=["-q"]).stderr.decode()
    check("x.dump exists already, from an earlier run: writing" in said, f"standard error: {said!r}")
    for rank in "0", "1":
        said = make(client, "ranks.dump", launcher=["-q"], PMI_RANK=rank, PMI_SIZE="2", PMI_JOBID="1.0").stderr
        check_equal(said, b"", f"standard error of rank {rank}")
    check_equal(len(names(client)), 4, "dumps")


@case()
def overwritten(client):
    """With --overwrite an earlier run's dump is replaced, without a message."""
    make(client, "base.dump", calls=5)
    make(client, "x.dump", calls=3)
    said = make(client, "x.dump", calls=5, launcher=["--overwrite"]).stderr
    check_equal((said, names(client)), (b"", ["base.dump", "x.dump"]), "standard error and dumps")
    check_equal(numbers(client, "x.dump")["totals"]["calls"], 5, "calls")
    report(client, "compare", "base.dump", "x.dump")


NO_LOCK = """#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
int flock(int file, int operation)
{
	(void)operation;
	errno = getenv("NFS") && (fcntl(file, F_GETFL) & O_ACCMODE) != O_RDONLY ? 0 : EBADF;
	return errno ? -1 : 0;
}
"""


@case(file_system=("NFS", "WITHOUT_LOCKS"))
def not_locked(client):
    """If files cannot be locked, a line says that an earlier dump could not be replaced, and why. On NFS a file that is
    open for writing can be locked."""
    source, made = client.folder / "lock.c", client.folder / "lock.so"
    source.write_text(NO_LOCK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", made, source], check=True)
    make(client, "x.dump", calls=3)
    said = make(client, "x.dump", calls=5, launcher=["--overwrite"], LD_PRELOAD=made, **{client.file_system: "1"}).stderr.decode()
    if client.file_system == "NFS":
        check_equal((said, names(client), numbers(client, "x.dump")["totals"]["calls"]), ("", ["x.dump"], 5),
                    "standard error, dumps and calls")
    else:
        check_equal(len(names(client)), 2, "dumps")
        check("x.dump exists already, from an earlier run, and could not be replaced (EBADF): writing" in said, said)


@case(what=("text", "cut", "link", "rank", "child"))
def not_overwritten(client):
    """--overwrite replaces no file that is no dump, and no dump of the same run."""
    start_again = {}
    path = client.folder / "x.dump"
    make(client, "x.dump", calls=3)
    if client.what == "text":
        path.write_text("FLOPSHIM, mine\n" * 100)
    elif client.what == "cut":
        path.write_bytes(path.read_bytes()[:300])
    elif client.what == "link":
        path.rename(client.folder / "target")
        path.symlink_to("target")
    elif client.what == "rank":  # rank 0 has ended when rank 1 begins
        path.unlink()
        start_again = {"PMI_RANK": "1", "PMI_SIZE": "2", "PMI_JOBID": "1.0"}
        make(client, "x.dump", calls=3, PMI_RANK="0", PMI_SIZE="2", PMI_JOBID="1.0")
    else:  # both processes belong to the same start of the launcher
        path.unlink()
    before = path.read_bytes() if path.exists() else None
    if client.what == "child":
        script = f"{victim(client)} counts 1 3 run; {victim(client)} counts 1 4 run"
        start(client, "sh", "-c", script, launcher=["-o", "x.dump", "--overwrite"])
        check_equal(numbers(client, ".")["totals"]["calls"], 3 + 4, "calls of both")
    else:
        make(client, "x.dump", launcher=["--overwrite"], **start_again)
        check(path.read_bytes() == before, "it was overwritten")
    check_equal(len(names(client)), 2, "dumps")


RANK_0 = {"SLURM_JOB_ID": "77", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_ID": "0"}
MPIRUN_0 = {"PBS_JOBID": "77.host", "OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2", "PMIX_NAMESPACE": "1"}
# {what: (variables of a process, those of another one of the same job)}
OF_ONE_JOB = {
    "steps": (RANK_0, {**RANK_0, "SLURM_STEP_ID": "1"}),
    "script": ({"SLURM_JOB_ID": "77"}, RANK_0),
    "requeued": (RANK_0, {**RANK_0, "SLURM_RESTART_COUNT": "1"}),
    "requeued-script": ({"SLURM_JOB_ID": "77"}, {"SLURM_JOB_ID": "77", "SLURM_RESTART_COUNT": "1"}),
    "array": ({"LSB_JOBID": "77", "LSB_JOBINDEX": "1"}, {"LSB_JOBID": "77", "LSB_JOBINDEX": "2"}),
    "array-ranks": ({"LSB_JOBID": "77", "LSB_JOBINDEX": "1", "PMI_RANK": "0", "PMI_SIZE": "2"},
                    {"LSB_JOBID": "77", "LSB_JOBINDEX": "2", "PMI_RANK": "0", "PMI_SIZE": "2"}),
    "mpirun": (MPIRUN_0, {**MPIRUN_0, "PMIX_NAMESPACE": "2"}),
    "sizes": ({"PBS_JOBID": "77.host", "PMI_RANK": "0", "PMI_SIZE": "2"},
              {"PBS_JOBID": "77.host", "PMI_RANK": "0", "PMI_SIZE": "3"}),
}


@case(what=OF_ONE_JOB)
def not_overwritten_of_one_job(client):
    """--overwrite replaces no dump of another step, array task, launch or start of the same job. One line says that the name
    is taken, and no rank but the first one says it. A dump of another job is replaced."""
    first, second = OF_ONE_JOB[client.what]
    make(client, "x.dump", calls=3, **first)
    before = (client.folder / "x.dump").read_bytes()
    said = make(client, "x.dump", launcher=["--overwrite"], **second).stderr.decode()
    check_equal(((client.folder / "x.dump").read_bytes() == before, len(names(client))), (True, 2), "left alone, and dumps")
    number = first.get("SLURM_JOB_ID") or first.get("LSB_JOBID") or first["PBS_JOBID"]
    check(f"x.dump exists already, from another step or launch of job {number}: writing" in said, said)
    found = numbers(client, ".")
    check_equal(found["runs"], 2, "runs")
    if "ranks" in client.what or "PMI_RANK" in first or first in (RANK_0, MPIRUN_0):
        check_equal([(row["job"], row["with_dump"]) for row in found["launches"]], [(number, 1)] * 2, "launches")
    others = {name: "1" for name in second if name in ("SLURM_PROCID", "PMI_RANK", "OMPI_COMM_WORLD_RANK")}
    if others:
        said = make(client, "x.dump", launcher=["--overwrite"], **{**second, **others}).stderr
        check_equal((said, len(names(client))), (b"", 3), "standard error of another rank, and dumps")
    other_job = {name: "78" for name in ("SLURM_JOB_ID", "LSB_JOBID", "PBS_JOBID") if name in second}
    said = make(client, "x.dump", calls=5, launcher=["--overwrite"], **{**second, **other_job}).stderr
    check_equal((said, numbers(client, "x.dump")["totals"]["calls"]), (b"", 5), "standard error, and calls of another job")


@case()
def two_mpirun(client):
    """Two launches of mpirun in one batch script leave four dumps and are told apart, though both use one name."""
    mpirun = system_program("mpirun")
    words = f"{mpirun} --allow-run-as-root --oversubscribe -n 2 {victim(client)} {client.folder}/counts 1 {CALLS} run"
    client.run(["sh", "-c", f"{words}; {words}"], cwd=client.folder, LSB_JOBID="77", FLOPSHIM_OUT="%j.dump",
               FLOPSHIM_OVERWRITE="1", OMPI_MCA_rmaps_base_oversubscribe="1")
    found = numbers(client, ".")
    check_equal((len(names(client)), found["runs"]), (4, 2), "dumps and runs")
    check_equal([(row["job"], row["ranks"], row["with_dump"]) for row in found["launches"]], [("77", 2, 2)] * 2, "launches")
    ranks = json.loads(report(client, "--json", "--by", "rank", ".").stdout)["groups"]
    check_equal(sorted((row["rank"], row["calls"]) for row in ranks), [(0, CALLS), (0, CALLS), (1, CALLS), (1, CALLS)],
                "ranks of both launches, and their calls")


@case()
def running_not_overwritten(client):
    """--overwrite does not replace the dump of a running process, but that of one that was killed."""
    process = subprocess.Popen([client.launcher, "-o", "x.dump", victim(client), client.folder / "counts", "1", "0", "run"],
                               cwd=client.folder, env=client.environment(), stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        dump = client.folder / "x.dump"
        while time.monotonic() < deadline and not (dump.exists() and numbers(client, dump)["totals"]["calls"]):
            time.sleep(0.02)
        make(client, "x.dump", launcher=["--overwrite"])
        check_equal(len(names(client)), 2, "dumps")
        state = next(row for row in numbers(client, "x.dump")["process_list"])["state"]
        check_equal(state, "running", "the dump of the process that runs")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    make(client, "x.dump", launcher=["--overwrite"])  # by now the process has ended, without closing its dump
    check_equal(numbers(client, "x.dump")["totals"]["calls"], CALLS, "calls in place of those of the killed one")


BECOMES = "import numpy as n, os, sys; a = n.ones((50, 50)); a @ a; os.execv(sys.argv[1], sys.argv[1:])"
STARTS = "import numpy as n, subprocess, sys; a = n.ones((50, 50)); a @ a; subprocess.run(sys.argv[1:])"


@case(how=("exec", "parent", "ranks"))
def name_taken_by_its_own_run(client):
    """If a name is taken by a dump of the same run, nothing is said, with the launcher or without it."""
    words = [victim(client), client.folder / "counts", 1, CALLS, "run"]
    own = {"LD_PRELOAD": str(client.shim), "FLOPSHIM_OUT": "bare.dump"}
    if client.how == "ranks":
        for rank in "0", "1":
            ranks = {"PMI_RANK": rank, "PMI_SIZE": "2", "PMI_JOBID": "1.0"}
            check_equal(make(client, "x.dump", **ranks).stderr, b"", f"standard error of rank {rank}")
        return
    command = [PYTHON, "-c", BECOMES if client.how == "exec" else STARTS, *words]
    check_equal(start(client, *command, launcher=["-o", "x.dump"]).stderr, b"", "standard error with the launcher")
    check_equal(client.run(command, cwd=client.folder, shim=False, **own).err, b"", "standard error without it")
    for name in "x", "bare":
        check_equal(len(list(client.folder.glob(f"{name}*.dump"))), 2, f"dumps by the name of {name}.dump")
    check(b"exists already" in client.run(command, cwd=client.folder, shim=False, **own).err, "an earlier run's is not said")


@case()
def number_given_out_again(client):
    """A dump whose parent had the number that this process has now belongs to an earlier run if it began before this
    process did."""
    space = ["unshare", "--pid", "--fork", "--mount-proc"]
    if not shutil.which("unshare") or subprocess.run([*space, "true"], capture_output=True).returncode:
        raise Skip("no name space for processes")
    own = {"LD_PRELOAD": str(client.shim), "FLOPSHIM_OUT": "x.dump", "FLOPSHIM_OVERWRITE": "1"}
    words = [victim(client), client.folder / "counts", "1"]
    client.run([*space, "sh", "-c", '"$@"; sleep 0.1', "sh", *words, "3", "run"], cwd=client.folder, shim=False, **own)
    client.run([*space, *words, "5", "run"], cwd=client.folder, shim=False, **own)
    check_equal((names(client), numbers(client, "x.dump")["totals"]["calls"]), (["x.dump"], 5),
                "dumps, and calls of the last run")
