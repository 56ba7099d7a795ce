# SPDX-License-Identifier: BSD-3-Clause
"""Tests the tree of processes in reports: who has started whom, and the sums of each with all below it. Expected numbers follow
from what the programs compute. FLOPSHIM_LONG=1 makes 10,000 ranks where 2,000 do otherwise."""

import json
import os
import resource
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "dumps"))
import ranks
import read_dump
from harness import PYTHON, Skip, case, check, check_equal
from test_runs import report, start
from test_shapes import program

MANY = 10_000 if os.environ.get("FLOPSHIM_LONG") else 2_000
PRODUCT = 2 * 100 ** 3  # FLOPs of a product of matrices of order 100

# The process makes a product. Its child makes two, becomes another program, and that makes 50 calls of 2 FLOPs.
FAMILY = """
import os, sys
import numpy
a = numpy.ones((100, 100))
a @ a
child = os.fork()
if not child:
    a @ a
    a @ a
    os.execv(sys.argv[1], [sys.argv[1], "1", "50"])
os.waitpid(child, 0)
"""

# The process starts a program, which makes 7 calls of 2 FLOPs, and a shell, which becomes the program and makes 5.
STARTER = """
import subprocess, sys
import numpy
a = numpy.ones((100, 100))
subprocess.run([sys.argv[1], "1", "7"])
subprocess.run(["sh", "-c", "exec \\"$0\\" 1 5", sys.argv[1]])
a @ a
"""

# The process forks eight workers, of which the n-th makes n products.
WORKERS = """
import os
import numpy
a = numpy.ones((100, 100))
a @ a
for n in range(1, 9):
    if not os.fork():
        for i in range(n):
            a @ a
        os._exit(0)
for n in range(1, 9):
    os.wait()
"""


def tree(client, *operands, status=0):
    """The rows of the table, from JSON, in which each row's `parent` is replaced by the row."""
    rows = json.loads(report(client, "--json", *operands, status=status).stdout)["process_tree"]
    check_equal([row["node"] for row in rows], list(range(len(rows))), "numbers of the nodes")
    for row in rows:
        row["parent"] = None if row["parent"] is None else rows[row["parent"]]
    return rows


def imported(client):
    """The calls and FLOPs of Python when it imports NumPy, which tries a product."""
    totals = client.run([PYTHON, "-c", "import numpy"]).totals
    return totals["calls"], totals["flops"]


def python(client, script, *words, out="dumps/"):
    """Runs a script of Python below a shell, under the launcher."""
    start(client, "sh", "-c", f"{PYTHON} -c '{script}' \"$@\"; exit $?", "sh", *words, launcher=["-o", out])


def check_merged(client, *dumps):
    """A merged dump shows the same tree as the dumps, for people and for programs."""
    report(client, "merge", "-o", "job.dump", *dumps)
    for options in (["--by", "tree"], ["--by", "tree", "--markdown"]):
        check_equal(report(client, *options, "job.dump").stdout, report(client, *options, *dumps).stdout,
                    f"tree of the merged dump with {options}")
    plain, merged = (json.loads(report(client, "--json", *given).stdout)["process_tree"] for given in (dumps, ["job.dump"]))
    for row in plain + merged:
        del row["file"]
    check_equal(merged, plain, "tree of the merged dump")


# ---- programs ----

@case()
def fork_and_exec(client):
    """Own and inclusive FLOPs of a process, of its child, and of what that becomes by exec."""
    python(client, FAMILY, program(client))
    root, child, after = tree(client, "dumps")
    calls, flops = imported(client)
    check_equal([row["began_by"] for row in (root, child, after)], [None, "fork", "exec"], "how they began")
    check_equal([row["depth"] for row in (root, child, after)], [0, 1, 2], "depths")
    check_equal((child["parent"], after["parent"], after["pid"]), (root, child, child["pid"]), "parents")
    check_equal([row["own_flops"] for row in (root, child, after)], [flops + PRODUCT, 2 * PRODUCT, 100],
                "own FLOPs")
    check_equal([row["inclusive_flops"] for row in (root, child, after)],
                [flops + 3 * PRODUCT + 100, 2 * PRODUCT + 100, 100], "FLOPs with all below")
    check_equal([row["inclusive_calls"] for row in (root, child, after)], [calls + 53, 52, 50], "calls with all below")
    check_equal([row["processes"] for row in (root, child, after)], [3, 2, 1], "processes")
    text = report(client, "dumps").stdout.split("\nProcess tree\n")[1].splitlines()
    lines = [line.split()[0:2] for line in text[1:4]]
    check_equal([line[1] for line in lines], [str(root["pid"]), "fork", "exec"], f"what stands behind the names in {text}")
    check_equal([len(line) - len(line.lstrip()) for line in text[1:4]], [2, 4, 6], f"indents of {text}")
    cells = [line.split("|")[1] for line in report(client, "--by", "tree", "--markdown", "dumps").stdout.splitlines()
             if line.startswith("|")][-3:]
    check_equal([cell.count("\u00a0") for cell in cells], [0, 2, 4], f"no-break spaces of {cells}")
    check(all(cell[1:].startswith(count * "\u00a0") for cell, count in zip(cells, (0, 2, 4))), f"not in front: {cells}")
    check_merged(client, "dumps")


@case()
def started_programs(client):
    """A program that another one has started is below it, and so is one that was a shell before it became the program by exec."""
    python(client, STARTER, program(client))
    root, *children = tree(client, "dumps")
    check_equal([(child["began_by"], child["parent"], child["own_flops"]) for child in children],
                [("child", root, 14), ("child", root, 10)], "the children")
    _, flops = imported(client)
    check_equal((root["own_flops"], root["inclusive_flops"]), (flops + PRODUCT, flops + PRODUCT + 24), "FLOPs of the parent")


@case()
def alike(client):
    """For people, many workers that are alike are one line, with the fewest and the most; programs get each of them."""
    python(client, WORKERS)
    rows = tree(client, "dumps")
    check_equal(sorted(row["own_flops"] for row in rows[1:]), [n * PRODUCT for n in range(1, 9)], "own FLOPs of the workers")
    check_equal(rows[0]["own_flops"], imported(client)[1] + PRODUCT, "own FLOPs of the process that forked them")
    (most,) = [row for row in rows if row["own_flops"] == 8 * PRODUCT]
    text = report(client, "--by", "tree", "dumps").stdout
    lines = text.split("Process tree\n")[1].splitlines()
    check_equal(len(lines), 3, f"lines of {text}")
    check("    8 processes of python3" in lines[2] and "2.000 M" in lines[2] and "16.00 M" in lines[2], lines[2])
    check(lines[2].endswith(f"pid {most['pid']} on {most['host']}"), lines[2])
    check_merged(client, "dumps")


@case()
def ranks_of_mpi(client):
    """The ranks of one host have the same parent, which has left no dump: they stand beside each other, without a tree."""
    if not shutil.which("mpirun"):
        raise Skip("no mpirun")
    run = client.run(["mpirun", "-n", 4, "--oversubscribe", "--allow-run-as-root", program(client), 1, 30])
    rows = tree(client, run.folder)
    check_equal([(row["rank"], row["depth"], row["own_flops"], row["inclusive_flops"]) for row in rows],
                [(rank, 0, 60, 60) for rank in range(4)], "ranks")
    check("Process tree" not in report(client, run.folder).stdout, "a tree of ranks is shown")
    check_equal(len(report(client, "--by", "tree", run.folder).stdout.split("Process tree\n")[1].splitlines()), 5, "lines")


# ---- dumps that are made ----

class Family:
    """Dumps of made processes, which are copies of one of 10 calls of 2 FLOPs with other headers."""

    def __init__(self, client):
        client.run([program(client), 1, 10], FLOPSHIM_OUT=client.folder / "base")
        self.original = (client.folder / "base").read_bytes()
        self.document = read_dump.Document(read_dump.PAGE.read_text())
        self.folder = client.folder / "made"
        self.folder.mkdir()
        self.count = 0

    def add(self, pid, parent, second, host="node1", forked=0, rank=-1, size=0):
        """A process that began in a second; `forked` is the one in which the parent began that has forked it."""
        numbers = {"pid": pid, "parent_pid": parent, "start_ticks": 100 * second, "fork_parent_ticks": 100 * forked,
                   "start_realtime_ns": (10 ** 9 + second) * 10 ** 9, "rank": rank, "job_size": size}
        ranks.remake(self.document, self.original, self.folder / f"{self.count:05}.dump", numbers,
                     {"host": host, "job": "7" if size else "", "launch": "", "run": ""})
        self.count += 1


@case()
def numbers_used_again(client):
    """A process number that was used twice, or on two hosts, does not mix two families."""
    family = Family(client)
    for pid, parent, second, host in ((10, 1, 5, "node1"), (20, 10, 6, "node1"), (10, 1, 50, "node1"), (20, 10, 51, "node1"),
                                      (10, 1, 5, "node2"), (30, 10, 6, "node2")):
        family.add(pid, parent, second, host, forked=(5 if second == 6 else 50) if host == "node1" and pid == 20 else 0)
    rows = tree(client, "made")
    check_equal([(row["pid"], row["host"], row["inclusive_calls"]) for row in rows if row["parent"] is None],
                [(10, "node1", 20), (10, "node1", 20), (10, "node2", 20)], "roots")
    check_equal([row["inclusive_calls"] for row in rows if row["parent"]], 3 * [10], "children")
    check_equal({Path(row["file"]).name: Path(row["parent"]["file"]).name for row in rows if row["parent"]},
                {"00001.dump": "00000.dump", "00003.dump": "00002.dump", "00005.dump": "00004.dump"}, "dumps of the parents")
    check_merged(client, "made")


@case()
def circles(client):
    """Processes that claim to be each other's children are all shown, once."""
    family = Family(client)
    for pid, parent in ((10, 12), (11, 10), (12, 11), (13, 13)):
        family.add(pid, parent, 5, forked=5)
    rows = tree(client, "made")
    check_equal(sorted(row["pid"] for row in rows), [10, 11, 12, 13], "processes")
    check_equal(sum(row["inclusive_calls"] for row in rows if row["parent"] is None), 40, "calls of the roots")


@case()
def parents_without_a_dump(client):
    """Two launchers that have left no dump stand above what each has started."""
    family = Family(client)
    for number in range(6):
        family.add(100 + number, 10 + number // 3, 5 + number, f"node{number // 3}")
    rows = tree(client, "made")
    check_equal([(row["pid"], row["own_flops"], row["inclusive_calls"], row["processes"]) for row in rows if not row["parent"]],
                [(10, None, 30, 3), (11, None, 30, 3)], "launchers")
    text = report(client, "--by", "tree", "made").stdout
    check(text.count("(no dump)") == 2, text)
    check_merged(client, "made")


def seconds(client, *words):
    """The processor time that flopshim-report takes with these words, and what it writes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = report(client, *words).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, text


@case()
def very_many(client):
    """Of very many ranks on several hosts, each of which has a child, people see one line, and soon: four times as many take
    not much more than four times as long, where a search through all for each would take sixteen times."""
    family, spent = Family(client), []
    for rank in range(MANY):
        host = f"node{rank % 10}"
        family.add(10 + rank, 5, 5 + rank, host, rank=rank, size=MANY)
        family.add(10 + MANY + rank, 10 + rank, 5 + MANY + rank, host, forked=5 + rank)
        if rank + 1 == MANY // 4:
            report(client, "merge", "-o", "part.dump", "made")
    report(client, "merge", "-o", "job.dump", "made")
    for name in ("part.dump", "job.dump"):
        tries = [seconds(client, "--by", "tree", name) for _ in range(3)]
        spent.append(min(taken for taken, _ in tries))
    lines = tries[0][1].split("Process tree\n")[1].splitlines()
    check_equal(len(lines), 2, f"lines of {tries[0][1][:2000]}")
    check(lines[1].strip().startswith(f"{MANY:,} ranks of shapes") and f" {2 * MANY:,} " in lines[1], lines[1])
    check(spent[1] < 2, f"{spent[1]:.1f} s, fewer than 2 were expected")
    check(spent[1] < 10 * spent[0], f"{spent[0]:.3f} s for a quarter of {spent[1]:.3f} s")
    check_equal(len(tree(client, "job.dump")), 2 * MANY, "rows for programs")
