# SPDX-License-Identifier: BSD-3-Clause
"""Tests how reports show the spread of routines, shapes and call sites over processes. Expected FLOPs follow from the shapes of
shapes.c, whose n-th shape costs 2n FLOPs a call."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "dumps"))
import read_dump
from harness import case, check, check_equal
from test_runs import report
from test_shapes import program
from test_tree import Family

# By rank, the shapes and calls that shapes.c is given: each shape is called calls / shapes times.
WORK = ((3, 30), (1, 60), (2, 60))
FLOPS = [sum(2 * shape * calls // shapes for shape in range(1, shapes + 1)) for shapes, calls in WORK]


def make(client, folder="ranks"):
    """The dumps of a launch of three ranks, in a folder."""
    (client.folder / folder).mkdir()
    for rank, (shapes, calls) in enumerate(WORK):
        client.run([program(client), shapes, calls], FLOPSHIM_OUT=client.folder / folder / f"{rank}.dump", PMI_RANK=rank,
                   PMI_SIZE=len(WORK), PMI_JOBID="1")


def spread(row):
    return tuple(row[name] for name in ("processes", "least_flops", "least_rank", "most_flops", "most_rank"))


def table(client, name, *dumps):
    return json.loads(report(client, "--json", *dumps).stdout)[name]


@case()
def least_and_most(client):
    """The fewest and the most FLOPs of a routine, a shape and a call site, over the processes that have it, and where."""
    make(client)
    check_equal(FLOPS, [120, 120, 180], "FLOPs of the ranks")
    (routine,) = table(client, "routines", "ranks")
    check_equal(spread(routine), (3, 120, 0, 180, 2), "spread of dgemm")
    (site,) = table(client, "sites", "ranks")
    check_equal(spread(site), (3, 120, 0, 180, 2), "spread of the call site")
    shapes = {row["arguments"]["m"]: spread(row) for row in table(client, "shapes", "ranks")}
    check_equal(shapes, {1: (3, 20, 0, 120, 1), 2: (2, 40, 0, 120, 2), 3: (1, 60, 0, 60, 0)}, "spreads of the shapes")


def where(row):
    return tuple(row[name] for name in ("least_flops", "least_rank", "least_pid", "least_host",
                                        "most_flops", "most_rank", "most_pid", "most_host"))


@case()
def without_ranks(client):
    """Of processes without ranks that have equally many FLOPs, the first by host and number has the fewest and the most."""
    made = Family(client)
    for pid, host in ((30, "node1"), (20, "node2"), (10, "node3"), (25, "node1")):
        made.add(pid, 1, 5, host)
    for dumps in (["made"], [f"made/{number:05}.dump" for number in (3, 2, 1, 0)]):
        (routine,) = table(client, "routines", *dumps)
        check_equal(where(routine), (20, None, 25, "node1", 20, None, 25, "node1"), f"where dgemm is in {dumps}")
    report(client, "merge", "-o", "all.dump", "made")
    (routine,) = table(client, "routines", "all.dump")
    check_equal(where(routine), (20, None, 25, "node1", 20, None, 25, "node1"), "where dgemm is in the merged dump")


@case()
def process_numbers(client):
    """The number and the host of the process that has the fewest, and of the one that has the most, are those of its dump."""
    (client.folder / "alone").mkdir()
    for name, calls in (("most", 9), ("least", 2), ("middle", 5)):
        client.run([program(client), 1, calls], FLOPSHIM_OUT=client.folder / "alone" / f"{name}.dump")
    rows = {Path(row["file"]).stem: row for row in table(client, "process_list", "alone")}
    (routine,) = table(client, "routines", "alone")
    check_equal(where(routine), (4, None, rows["least"]["pid"], rows["least"]["host"],
                                 18, None, rows["most"]["pid"], rows["most"]["host"]), "where dgemm is")


@case()
def merged(client):
    """Merged dumps say the same of the spread as the dumps, however they were merged."""
    make(client)
    report(client, "merge", "-o", "all.dump", "ranks")
    for first, second in (((0,), (1, 2)), ((1,), (0, 2)), ((2,), (1, 0))):
        for name, chosen in (("one.dump", first), ("two.dump", second)):
            report(client, "merge", "-o", name, *(f"ranks/{rank}.dump" for rank in chosen))
        report(client, "merge", "-o", "both.dump", "two.dump", "one.dump")
        check((client.folder / "both.dump").read_bytes() == (client.folder / "all.dump").read_bytes(), "the bytes differ")
        for name in ("routines", "sites", "shapes"):
            plain = [spread(row) for row in table(client, name, "ranks")]
            check_equal([spread(row) for row in table(client, name, "one.dump", "two.dump")], plain, f"{name} of two dumps")
            check_equal([spread(row) for row in table(client, name, "all.dump")], plain, f"{name} of one dump")
            one = [f"ranks/{rank}.dump" for rank in first]
            check_equal([spread(row) for row in table(client, name, *one, "two.dump")], plain, f"{name} of both kinds")


@case()
def by_the_page(client):
    """The spreads of a merged dump are what docs/flopshim-dump.md says: of the routine and of the call site, since there is more
    than one sum of each, but not of the shapes."""
    make(client)
    report(client, "merge", "-o", "all.dump", "ranks")
    dump = read_dump.Dump((client.folder / "all.dump").read_bytes())
    processes = [entry["rank"] for _, _, entry in dump.each("DUMP_PROCESSES", "dump_process")]
    found = {(entry["by"], entry["processes"], entry["least"][0], processes[entry["least_process"]], entry["most"][0],
              processes[entry["most_process"]], entry["sum"]) for _, _, entry in dump.each("DUMP_SPREADS", "dump_spread")}
    check_equal(found, {(dump.values[kind], 3, 120, 0, 180, 2, 0) for kind in ("DUMP_SPREAD_ROUTINE", "DUMP_SPREAD_SITE")},
                "spreads")


@case()
def for_people(client):
    """--spread adds the columns to text and to Markdown."""
    make(client)
    check("most in" not in report(client, "ranks").stdout, "the columns are there without --spread")
    for options in ([], ["--markdown"]):
        text = report(client, "--spread", "--by", "routine", *options, "ranks").stdout
        (line,) = [line for line in text.splitlines() if "dgemm" in line]
        for words in (" 120 ", "rank 0 on ", " 180 ", "rank 2 on "):
            check(words in line, f"{words!r} is not in {text}")
    report(client, "merge", "-o", "all.dump", "ranks")
    check_equal(report(client, "--spread", "--by", "shape", "all.dump").stdout,
                report(client, "--spread", "--by", "shape", "ranks").stdout, "text of the merged dump")


@case(key=("rank", "namespace", "tree"))
def no_spread(client):
    """--spread is refused where the table has no such columns."""
    done = report(client, "--spread", "--by", client.key, status=2)
    check(f"--spread: makes no sense with --by {client.key}" in done.stderr, done.stderr)
