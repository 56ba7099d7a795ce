# SPDX-License-Identifier: BSD-3-Clause
"""Tests where work comes from: sampled stacks against known shares, functions, and lines of C, C++, Fortran and Python."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from harness import PYTHON, PROGRAMS, Skip, case, check, check_equal, library_folder

ORDER = 16
SHARES = {f"site_{i}": i / 210 for i in range(1, 21)}  # site_i makes i of the 210 calls of a round


def stacks_of(client, run):
    """All stacks in the report of a run."""
    done = subprocess.run([client.reporter, "--json", "--top", "1000", *run.dumps], capture_output=True, text=True)
    check_equal(done.returncode, 0, "status of the report")
    return json.loads(done.stdout)["stacks"]


@case(rounds=(300, 30000))
def shares(client):
    """Sampled stacks find the shares of twenty functions with 0.5 to 9.5 % of the work each, built without frame
    pointers, within 4 %. A short run takes hundreds of stacks, and a long one few more."""
    rounds = client.rounds
    program = client.compile("sites.c", "-O2", "-fomit-frame-pointer", "-Wno-missing-prototypes", name="sites")
    run = client.run([program, rounds], threads=1)
    total = rounds * 210 * 2 * ORDER**3
    check_equal(run.totals["flops"], total, "FLOPs")
    found = dict.fromkeys(SHARES, 0)
    for stack in stacks_of(client, run):
        for name in set(re.findall(r"site_\d+", json.dumps(stack))):
            found[name] += stack["sampled_flops"]  # what the samples stand for, before it is scaled to the site's FLOPs
    for name, share in SHARES.items():
        check(abs(found[name] / total - share) < 0.04, f"{name}: {found[name] / total:.4f} of the work, not {share:.4f}")
    taken = sum(stack["sampled_calls"] for stack in stacks_of(client, run))
    check(500 < taken < 12000, f"{taken} stacks")


@case(stacks=("auto", "all"))
def thousands(client):
    """More call sites than the first tables have room for are all counted, in a process and in its child. Later rounds
    of the same sites take no more space."""
    program, rounds, places = client.compile("places.c", "-O1", name="places"), 2, 3000
    run = client.run([program, rounds, "fork"], FLOPSHIM_STACKS=client.stacks)
    check_equal(len(run.dumps), 2, "dumps")
    for dump in run.dumps:
        done = subprocess.run([client.reporter, "--json", "--top", "all", dump], capture_output=True, text=True, check=True)
        report = json.loads(done.stdout)
        check_equal([site["calls"] for site in report["sites"]], [rounds] * places, "calls of each place")
        check_equal(sum(site["flops"] for site in report["sites"]), rounds * places * 4, "FLOPs")
        if client.stacks == "all":
            check_equal([stack["sampled_calls"] for stack in report["stacks"]], [rounds] * places, "stacks of each place")
    # The report would add up sites that are twice in a dump. The sizes show that later rounds add none.
    once = client.run([program, 1, "fork"], FLOPSHIM_STACKS=client.stacks)
    if client.stacks == "all":
        check_equal([Path(dump).stat().st_size for dump in once.dumps], [Path(dump).stat().st_size for dump in run.dumps],
                    "sizes of dumps of one round and of two")


@case()
def the_same_stack_again(client):
    """Of large calls from one place, ever fewer stacks are taken, and these stand for the rest."""
    repeats, order = 9, 64  # so few calls that the common threshold for stacks stays below one call of 2 * 64^3 FLOPs
    program = client.compile("sites.c", "-O2", "-fomit-frame-pointer", "-Wno-missing-prototypes", name="sites")
    run = client.run([program, 1, repeats, order], threads=1)
    calls, one = 210 * repeats, 2 * order**3
    check_equal(run.totals["flops"], calls * one, "FLOPs")
    stacks = stacks_of(client, run)
    found = dict.fromkeys(SHARES, 0)
    for stack in stacks:
        for name in set(re.findall(r"site_\d+", json.dumps(stack))):
            found[name] += stack["sampled_flops"]
    # The first 32 stacks of a place are all taken; then one stack stands for 2 calls, and after 32 more for 4. When
    # another place follows, the rest of a threshold is lost, or its first calls are: less than 2 + 4 + 4 calls.
    for i in range(1, 21):
        off = found[f"site_{i}"] / one - i * repeats
        check(abs(off) < 10, f"site_{i}: {off} calls more than the {i * repeats} that it made")
    taken = sum(stack["sampled_calls"] for stack in stacks)
    most = sum(min(n, 32) + min(max(n - 32, 0), 64) / 2 + max(n - 96, 0) / 4 + 4 for n in range(repeats, 190, repeats))
    check(taken < most, f"{taken} stacks of {calls} calls, not at most {most}")


PROGRAM = """
import numpy as np

def inner(a):
    return a @ a

class Model:
    def step(self):
        return inner(np.ones((300, 300)))

Model().step()
"""


@case()
def python_lines(client):
    """Stacks have the Python functions, files and lines, even while NumPy has released the GIL."""
    program = client.folder / "program.py"
    program.write_text(PROGRAM)
    run = client.run([PYTHON, program])
    text = json.dumps(stacks_of(client, run))
    for words in (f"inner ({program}:5)", f"Model.step ({program}:9)", f"<module> ({program}:11)"):
        check(words in text, f"no {words} in {text[:600]}")


# ---- functions and lines ----

OPTIMIZED = ("-O2", "-g", "-fomit-frame-pointer")


def line_of(path, words):
    """The number of the only line that has these words."""
    (number,) = [i + 1 for i, line in enumerate(Path(path).read_text().splitlines()) if words in line]
    return number


def build(client, source, target, *flags):
    """Compiles a copy of a program in the case's own folder, where it can be moved and built again."""
    compiler = {".c": "gcc", ".cc": "g++", ".f90": "gfortran"}[Path(source).suffix]
    if not shutil.which(compiler):
        raise Skip(f"no {compiler}")
    libraries = ["-L" + str(library_folder() / "openblas-pthread"), "-Wl,--no-as-needed", "-lblas"]
    done = subprocess.run([compiler, f"-I{PROGRAMS}", *OPTIMIZED, *flags, str(source), "-o", str(target), *libraries],
                          cwd=client.folder, capture_output=True, text=True)
    check_equal(done.returncode, 0, f"status of {compiler}: {done.stderr[-500:]}")
    return target


def sites_of(client, run, cwd=None):
    """The call sites in the report of a run."""
    done = subprocess.run([client.reporter, "--json", *run.dumps], capture_output=True, text=True, check=True, cwd=cwd)
    return json.loads(done.stdout)["sites"]


@case()
def c_without_frame_pointers(client):
    """A call site in C is found by function and line, without frame pointers."""
    source = PROGRAMS / "sites.c"
    run = client.run([build(client, source, client.folder / "sites"), 1])
    (site,) = sites_of(client, run)
    check_equal((site["function"], Path(site["file"]).name), ("product", "sites.c"), "function and file")
    check_equal(site["line"], line_of(source, "dgemm_("), "line")


@case()
def templates(client):
    """Call sites in C++ templates are found by function and line, and inlined calls are in the stacks."""
    source = PROGRAMS / "sites_template.cc"
    run = client.run([build(client, source, client.folder / "templates")])
    sites = sites_of(client, run)
    check_equal([site["flops"] for site in sites], [2 * 100**3, 2 * 60**3], "FLOPs of the sites")
    for site, order in zip(sites, (100, 60)):
        check("multiply" in site["function"], f"function {site['function']}")
        check_equal((Path(site["file"]).name, site["line"]), (source.name, line_of(source, "dgemm_(")), "file and line")
    for stack in stacks_of(client, run):
        text = json.dumps(stack["frames"])
        line = line_of(source, "one->take()")
        check("operator()" in text and f"{source.name}:{line}" in text, f"the stack is {text}")


@case()
def fortran(client):
    """Call sites in Fortran modules and internal procedures are found by function and line."""
    source = PROGRAMS / "sites_fortran.f90"
    run = client.run([build(client, source, client.folder / "fortran", f"-J{client.folder}")])
    found = {(site["function"], Path(site["file"]).name, site["line"]): site["flops"] for site in sites_of(client, run)}
    expected = {(name, "sites_fortran.f90", line_of(source, f"here: {name.split(':')[-1]}")): 2 * 80**3
                for name in ("work::multiply", "inner")}
    check_equal(found, expected, "sites")


@case(kind=("stripped", "without_lines"))
def without_debug_information(client):
    """Without lines a site has its function if symbols are left, and otherwise its file and offset."""
    program = build(client, PROGRAMS / "sites.c", client.folder / "sites", "-s" if client.kind == "stripped" else "-g0")
    (site,) = sites_of(client, client.run([program, 1]))
    check_equal((site["file"], site["line"]), (None, None), "file and line")
    check_equal(site["function"], None if client.kind == "stripped" else "product", "function")
    check_equal(site["module"], str(program), "module")
    check(int(site["offset"], 16) > 0, f"offset {site['offset']}")


@case(program=("numpy", "scipy"))
def extensions(client):
    """Call sites in extensions without debug information have the module, and their stacks the Python line."""
    path = client.folder / "program.py"
    path.write_text("import numpy as np\nfrom scipy import linalg\na = np.eye(200) * 3\n" +
                    {"numpy": "b = np.linalg.solve(a, a)\n", "scipy": "b = linalg.lu_factor(a)\n"}[client.program])
    run = client.run([PYTHON, path])
    routine = {"numpy": "dgesv", "scipy": "dgetrf"}[client.program]
    (site,) = [site for site in sites_of(client, run) if site["routine"] == routine]
    check({"numpy": "_umath_linalg", "scipy": "_flapack"}[client.program] in site["module"], f"module {site['module']}")
    check_equal(site["problem"], None, "problem")
    frames = [stack["python"] for stack in stacks_of(client, run) if stack["symbol"].startswith(routine)]
    check(frames and all(f"<module> ({path}:4)" in stack for stack in frames), f"Python frames {frames}")


# ---- later, and elsewhere ----

@case()
def from_another_directory(client):
    """A program that was compiled and started by relative paths has the same sites in a report from another directory."""
    folder = client.folder / "project"
    folder.mkdir()
    shutil.copy(PROGRAMS / "sites.c", folder)
    build(client, "project/sites.c", "project/sites")
    run = client.run(["./sites", 1], cwd=folder)
    here, there = (sites_of(client, run, cwd=cwd) for cwd in (folder, "/"))
    check_equal(here, there, "sites from another directory")
    check_equal((here[0]["function"], here[0]["line"]), ("product", line_of(folder / "sites.c", "dgemm_(")), "site")


@case()
def built_again(client):
    """If the file at the path is another build, the report says so and shows no line of it. If the old file is put back,
    it is read."""
    program = build(client, PROGRAMS / "sites.c", client.folder / "sites")
    run = client.run([program, 1])
    before = sites_of(client, run)
    shutil.copy(program, client.folder / "kept")
    text = (PROGRAMS / "sites.c").read_text().replace("enum { ORDER = 16 };", "\n\nenum { ORDER = 18 };")
    (client.folder / "changed.c").write_text(text)
    build(client, client.folder / "changed.c", program)
    (site,) = sites_of(client, run)
    check_equal((site["function"], site["file"], site["line"]), (None, None, None), "what is guessed")
    check("build-id" in site["problem"], f"problem {site['problem']}")
    check_equal((site["module"], site["offset"]), (before[0]["module"], before[0]["offset"]), "module and offset")
    check_equal(site["flops"], 210 * 2 * ORDER**3, "FLOPs")
    plain = subprocess.run([client.reporter, *run.dumps], capture_output=True, text=True, check=True).stdout
    check("build-id" in plain and "product" not in plain, "the report in words does not say it")
    program.unlink()
    (site,) = sites_of(client, run)
    check_equal((site["function"], site["problem"]), (None, "the file cannot be read"), "a file that is gone")
    shutil.copy(client.folder / "kept", program)
    check_equal(sites_of(client, run), before, "sites when the old build is back")
