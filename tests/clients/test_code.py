# SPDX-License-Identifier: BSD-3-Clause
"""Tests the table of work by the user's own code, on programs that print themselves how much each of their lines does. The lines
are found in the text of the programs, by a mark."""

import json
import re
import shlex
import shutil
import subprocess
import time

from harness import PROGRAMS, PYTHON, SCRIPTS, Skip, case, check, check_equal
from test_r import rscript
from test_sites import line_of

NEAR = 0.04  # of all work


def code_of(client, run, *options):
    """The rows of the table, and the totals of the report."""
    done = subprocess.run([client.reporter, "--json", "--top", "all", *options, *run.dumps], capture_output=True, text=True)
    check_equal(done.returncode, 0, "status of the report")
    report = json.loads(done.stdout)
    return report["code"], report["totals"]


def check_code(client, run, source, beside=()):
    """Checks the first rows against what the program has printed: a line `NAME FLOPS` for each line of the source that has the
    mark `here: NAME`, and for work of other code, whose names are `beside`."""
    rows, totals = code_of(client, run)
    printed = [(name, float(flops)) for name, flops in map(str.split, run.out.decode().splitlines())]
    whole = sum(flops for _, flops in printed)
    check(abs(totals["flops"] / whole - 1) < 0.01, f"{totals['flops']} FLOPs, and the program says {whole}")
    expected = sorted(((line_of(source, f"here: {name}"), flops / whole) for name, flops in printed if name not in beside),
                      key=lambda line: -line[1])
    check_equal(len(expected), 3, "marked lines")
    for row, (line, share) in zip(rows, expected):
        check(row["file"] and row["file"].endswith(source.name) and row["yours"], f"a row of other code: {row}")
        check_equal(row["line"], line, f"line of {row}")
        check(abs(row["own_share"] - share) < NEAR, f"a share of {share:.3f} in {row}")
        check(abs(row["inclusive_share"] - share) < NEAR, f"an inclusive share of {share:.3f} in {row}")
    check_equal(sum(row["own_flops"] for row in rows), totals["flops"], "sum of all rows")
    return rows


@case()
def scikit_learn(client):
    """Lines of a program that uses scikit-learn stand for what that and NumPy do. With all frames they have none of it."""
    source = SCRIPTS / "code_sklearn.py"
    found = "import importlib.util, sys; sys.exit(not importlib.util.find_spec(\"sklearn\"))"
    if subprocess.run([PYTHON, "-c", found]).returncode:
        raise Skip("no scikit-learn")
    run = client.run([PYTHON, source])
    rows = check_code(client, run, source)
    check(rows[0]["about"] and rows[0]["samples"] > 0, f"no estimate: {rows[0]}")
    everything, _ = code_of(client, run, "--all-frames")
    own = [row["own_flops"] for row in everything if row["file"] == str(source)]
    check_equal(sum(own), 0, "own FLOPs of the program among all frames")
    check(any("sklearn" in (row["file"] or "") for row in everything), "no frame of scikit-learn")


@case()
def templates(client):
    """Instances of a template are rows of their own, and a call that a template of the standard library makes where it is inlined
    is that of the user's line."""
    source = PROGRAMS / "code_template.cc"
    run = client.run([client.compile(source.name, "-O2", name="code_template"), 100])
    rows = check_code(client, run, source)
    names = [row["function"] for row in rows[:3]]
    for name, words in zip(names, ("Layer<double, 40>::forward", "Layer<double, 24>::forward", "apply")):
        check(words in name, f"{words} is not in {name}")
    check(not rows[0]["own_about"], "an estimate of the work of a line that calls BLAS itself")


@case()
def fortran(client):
    """Procedures of a module and of the program itself."""
    source = PROGRAMS / "code_fortran.f90"
    run = client.run([client.compile(source.name, f"-J{client.folder}", name="code_fortran", compiler="gfortran")])
    rows = check_code(client, run, source)
    check_equal({row["function"] for row in rows[:3]}, {"layers::forward", "layers::gram", "solve"}, "functions")


@case()
def r_with_c(client):
    """C code that R loads is the user's, and what R does itself is not."""
    source = PROGRAMS / "code_r.c"
    library = client.compile(source.name, "-shared", "-fPIC", name="libcode_r.so")
    run = client.run(rscript(SCRIPTS / "code.R", library))
    rows = check_code(client, run, source, beside=("R",))
    check_equal([row["function"] for row in rows[:3]], ["backward", "forward", "gram"], "functions")
    check(not any(row["yours"] for row in rows[3:] if row["own_flops"]), f"work of R is the user's: {rows[3:]}")


@case()
def stacks_off(client):
    """Without stacks, the functions that call BLAS are known all the same, and nothing is said to be an estimate."""
    source = PROGRAMS / "code_template.cc"
    run = client.run([client.compile(source.name, "-O2", name="code_template"), 5], FLOPSHIM_STACKS="off")
    rows = check_code(client, run, source)
    check(not any(row["about"] or row["own_about"] or row["samples"] for row in rows), f"an estimate: {rows}")
    check_equal(len(rows), 3, "rows")


# ---- in a terminal ----

WIDTHS = (60, 80, 120, 200)

LONG = """
import numpy as np

def 日本語の関数(a):
    return a @ a  # the name has 14 columns

def a_function_whose_name_is_longer_than_anybody_would_like_to_type_each_day(a):
    return 日本語の関数(a) @ a

a_function_whose_name_is_longer_than_anybody_would_like_to_type_each_day(np.ones((100, 100)))
np.linalg.svd(np.ones((30, 30)))
"""


def long_run(client):
    """A run of a program with long names, in folders with long names, whose command line has long arguments."""
    folder = client.folder / ("folder-" * 8) / "日本語" / ("deep-" * 10)
    folder.mkdir(parents=True)
    program = folder / "program.py"
    program.write_text(LONG)
    return client.run([PYTHON, program, "argument " * 20, "x" * 300])


def screen_of(client, command, width):
    """What a program writes to a terminal that tmux shows: its lines, and these with what the terminal has wrapped joined."""
    if not shutil.which("tmux"):
        raise Skip("no tmux")
    tmux = ["tmux", "-S", str(client.folder / f"tmux-{time.monotonic_ns()}"), "-f", "/dev/null"]
    env = client.environment(TERM="xterm-256color", LC_ALL="C.UTF-8")
    text = f"{shlex.join(map(str, command))}; echo status $?; sleep 100"
    subprocess.run([*tmux, "-u", "new-session", "-d", "-x", str(width), "-y", "400", text], env=env, check=True)
    try:
        for _ in range(200):
            time.sleep(0.05)
            seen = [subprocess.run([*tmux, "capture-pane", "-p", *joined], env=env, capture_output=True, text=True,
                                   check=True).stdout for joined in ([], ["-J"])]
            if re.search(r"(?m)^status \d", seen[0]):
                return [[line.rstrip() for line in text.rstrip().splitlines()] for text in seen]
    finally:
        subprocess.run([*tmux, "kill-server"], env=env)
    raise AssertionError(f"nothing is shown: {seen[0][:500]}")


@case(columns=WIDTHS)
def terminals(client):
    """A terminal wraps no line of a report. What it shows is the beginning of every table."""
    run = long_run(client)
    for options in ([], ["--all-frames"], ["--by", "shape"], ["--spread"]):
        lines, joined = screen_of(client, [client.reporter, *options, *run.dumps], client.columns)
        check_equal(lines[-1], "status 0", "status of the report")
        check_equal(lines, joined, f"lines with {options}")
        check(any("dgemm" in line for line in lines), f"no routine with {options}: {lines}")
        if not options:
            check_equal(any("█" in line for line in lines), client.columns >= 80, "bars")


@case()
def wide(client):
    """--wide shortens nothing, COLUMNS overrides the terminal, and a file has whole lines."""
    run = long_run(client)

    def lines_of(*options, status=0, **environment):
        done = subprocess.run([client.reporter, *options, *run.dumps], capture_output=True, text=True,
                              env=client.environment(**environment))
        check_equal(done.returncode, status, f"status of {options}")
        return done.stdout.splitlines() or done.stderr.splitlines()

    whole, narrow = lines_of(), lines_of(COLUMNS="60")
    for line in narrow:
        check(len(line) <= 60, f"too long: {line}")
    check(any("folder-" * 8 in line for line in whole), "a path is shortened in a file")
    check(all("…" not in line for line in whole) and any("…" in line for line in narrow), "what is shortened")
    check_equal(lines_of("--wide", COLUMNS="60"), whole, "lines with --wide")
    check_equal(lines_of(COLUMNS="none"), whole, "lines with a wrong COLUMNS")
    check(all(line.isascii() or "日" in line or "関" in line for line in lines_of(COLUMNS="60", LANG="C")),
          "dots of a locale without UTF-8")
    check("makes no sense" in lines_of("--wide", "--json", status=2)[0], "--wide with JSON")
    joined, _ = screen_of(client, [client.reporter, "--wide", *run.dumps], 60)
    check_equal("".join(joined).count("folder-" * 8), "".join(whole).count("folder-" * 8), "paths with --wide")


@case(columns=WIDTHS)
def helps(client):
    """--help fits into the terminal, too, and says the same as in a file."""
    def of(command, **environment):
        return subprocess.run([client.reporter, *command, "--help"], capture_output=True, text=True, check=True,
                              env=client.environment(**environment)).stdout

    commands = re.findall(r"(?m)^  ([a-z]+) {2,}\S", of([]))
    check("report" in commands and "check" in commands, f"commands {commands}")
    for command in ([], *([name] for name in commands)):
        whole, fitted = of(command), of(command, COLUMNS=client.columns)
        check_equal(fitted.split(), whole.split(), f"words of the help of {command}")
        longest = max(map(len, fitted.splitlines()))
        check(longest <= client.columns, f"a line of {longest} columns in the help of {command}")
