# SPDX-License-Identifier: BSD-3-Clause
"""Reads rows.txt, which lists what the price tests measure, and reads and writes measured.csv, which has the results. It must
never ask for a price: measured numbers come from instructions alone."""

import csv
import json
import os
import re
import subprocess
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MEASURED = os.path.join(HERE, "measured.csv")

# How many random inputs a row of each group has. If the FLOPs depend on the data, the mean of them is taken.
SEEDS = {"direct": 1, "blocked": 1, "expected": 3, "iterative": 3, "single": 3}

Row = namedtuple("Row", "group seeds line")

# A row of measured.csv. `arguments` is the shape as `explain` takes it, `given` the line of rows.txt that was measured.
Measured = namedtuple("Measured", "group routine arguments given seeds measured lowest highest adds muls divs sqrts")


def expand(text):
    """All lines that a line with braces stands for; braces mean the same as in a shell."""
    braces = re.search(r"\{([^{}]*)\}", text)
    if not braces:
        return [text]
    before, after = text[:braces.start()], text[braces.end():]
    return [line for choice in braces.group(1).split(",") for line in expand(before + choice + after)]


def rows():
    """All rows of rows.txt, with their braces expanded."""
    found = []
    with open(os.path.join(HERE, "rows.txt"), encoding="utf-8") as file:
        for text in file:
            text = text.split("#")[0].strip()
            for line in expand(text) if text else ():
                group, _, call = line.partition(" ")
                group, _, seeds = group.partition("*")
                found.append(Row(group, int(seeds or SEEDS[group]), " ".join(call.split())))
    return found


def measure(chosen, options=()):
    """Measures rows with scripts/measure-flops. Returns [Measured], and what that program complained of as one text."""
    results, complaints = [], ""
    for group, seeds in sorted({(row.group, row.seeds) for row in chosen}):
        lines = list(dict.fromkeys(row.line for row in chosen if (row.group, row.seeds) == (group, seeds)))
        run = subprocess.run([os.path.join(ROOT, "scripts", "measure-flops"), "--json", "--no-prices",
                              "--seeds", str(seeds), *options],
                             input="\n".join(lines) + "\n", text=True, capture_output=True)
        complaints += run.stderr
        for text in run.stdout.splitlines():
            answer = json.loads(text)
            if answer["info"]:
                complaints += f"{answer['line']}: INFO = {answer['info']}\n"
                continue
            arguments = " ".join(f"{name}={value}" for name, value in answer["arguments"].items())
            results.append(Measured(group, answer["routine"], arguments, answer["line"], seeds, answer["measured"],
                                    *(answer[name] for name in ("lowest", "highest", "adds", "muls", "divs", "sqrts"))))
    return results, complaints


def write(measured, head):
    """Writes measured.csv, with the lines of `head` as comments before the table."""
    with open(MEASURED, "w", encoding="utf-8", newline="") as file:
        file.write("".join(f"# {line}\n" for line in head))
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Measured._fields)
        writer.writerows(measured)


def read():
    """All rows of measured.csv."""
    with open(MEASURED, encoding="utf-8") as file:
        table = csv.DictReader(line for line in file if not line.startswith("#"))
        return [Measured(*(int(row[name]) if row[name].isdigit() and name != "arguments" else row[name]
                           for name in Measured._fields)) for row in table]
