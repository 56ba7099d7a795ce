# SPDX-License-Identifier: BSD-3-Clause
"""Tests routines that no row of the table serves, such as those of a later release: they must be named, and never
counted as something else."""

import flops
from harness import PYTHON, blas_library, case, check, check_calls, check_equal, read_report

SAID = b"flopshim: dgemmx2_, which "


def library(client):
    made = client.compile("next_release.c", "-shared", "-fPIC", "-DLIBRARY", blas=False, name="libnext.so")
    return [made, f"-Wl,-rpath,{made.parent}"]


def check_said(run, times):
    """Standard error has so many lines, each about dgemmx2_."""
    lines = run.err.splitlines()
    check_equal([line[:len(SAID)] for line in lines], [SAID] * times, "lines on standard error")


@case()
def linked(client):
    """If there is a dump, it has a note of the routine, and nothing is said."""
    program = client.compile("next_release.c", "-DCOUNTED", *library(client))
    run = client.run([program])
    check_calls(run, {"ddot": (1, flops.dot(4))})
    check_said(run, 0)
    check_equal([(note["kind"], note["text"]) for note in run.report["notes"]],
                [("unserved", f"dgemmx2_ in {program}")], "notes")


@case()
def nothing_else(client):
    """No dump is made for the routine alone. With a limit or under the launcher it is named, unless that is to be quiet."""
    program = client.compile("next_release.c", *library(client), blas=False)
    for expected, variables in ((0, {}), (1, {"FLOPSHIM_BUDGET": "1e9"}),
                                (0, {"FLOPSHIM_BUDGET": "1e9", "FLOPSHIM_QUIET": "1"})):
        run = client.run([program], **variables)
        check_said(run, expected)
        check(not run.dumps, f"a dump was made: {run.dumps}")
    check_said(client.run([client.launcher, program], shim=False), 1)


@case()
def plug_in(client):
    """A plug-in that is opened, called and closed three times is named once."""
    plug = client.compile("next_release.c", "-shared", "-fPIC", "-DPLUGIN", *library(client), blas=False, name="plug.so")
    host = client.compile("next_release.c", "-DHOST", blas=False, name="host")
    run = client.run([host, plug], FLOPSHIM_BUDGET="1e9")
    check_said(run, 1)
    check(str(plug).encode() in run.err, "the plug-in is not named")
    check_said(client.run([host, plug]), 0)


@case()
def plug_in_of_many_names(client):
    """Names of a plug-in are read in parts. Looking at the library that defines one of them does not hide the next."""
    plug = client.compile("next_release.c", "-shared", "-fPIC", "-DPLUGIN", "-DMANY", *library(client), blas=False,
                          name="many.so")
    host = client.compile("next_release.c", "-DHOST", blas=False, name="host")
    run = client.run([host, plug], FLOPSHIM_BUDGET="1e9")
    check_equal([line.startswith(b"flopshim: dgemmx") and b"and 1 more" in line for line in run.err.splitlines()], [True],
                f"two names in one line: {run.err}")


@case()
def forked(client):
    """A child that ends without a call leaves its parent's dump alone, though it has it in memory."""
    program = client.compile("next_release.c", "-DFORKS", *library(client), name="next_release_forks")
    run = client.run([program], FLOPSHIM_BUDGET="1e9", timeout=30)
    check_equal(sorted(run.routines), ["dasum", "ddot", "dnrm2"], "routines")
    check_equal((run.report["complete"], run.report["processes"]), (True, 1), "complete, and dumps")
    check_equal([note["text"] for note in run.report["notes"]], [f"dgemmx2_ in {program}"], "notes")


NOTED_BEFORE_FORK = """import ctypes, os
blas, x, four, one = ctypes.CDLL({blas!r}), (ctypes.c_double * 4)(), ctypes.c_int(4), ctypes.c_int(1)
blas.ddot_(ctypes.byref(four), x, ctypes.byref(one), x, ctypes.byref(one))
ctypes.CDLL({plug!r}).plugin
child = os.fork()
blas.ddot_(ctypes.byref(four), x, ctypes.byref(one), x, ctypes.byref(one))
if child:
    os.waitpid(child, 0)
"""


@case()
def noted_in_a_child(client):
    """What the parent's dump has a note of is noted in its child's dump too."""
    plug = client.compile("next_release.c", "-shared", "-fPIC", "-DPLUGIN", *library(client), blas=False, name="plug.so")
    run = client.run([PYTHON, "-c", NOTED_BEFORE_FORK.format(blas=blas_library(), plug=str(plug))], FLOPSHIM_BUDGET="1e9")
    check_said(run, 1)
    notes = [[note["text"] for note in read_report(client.reporter, [dump])["notes"]] for dump in run.dumps]
    check_equal(notes, [[f"dgemmx2_ in {plug}"]] * 2, "notes of parent and child")


@case()
def by_a_relative_path(client):
    """A plug-in that is opened by a relative path is named by its full path."""
    plug = client.compile("next_release.c", "-shared", "-fPIC", "-DPLUGIN", *library(client), blas=False, name="plug.so")
    run = client.run([PYTHON, "-c", "import ctypes; ctypes.CDLL('./plug.so').plugin"], cwd=plug.parent, FLOPSHIM_BUDGET="1e9")
    check_said(run, 1)
    check(f"which {plug} calls".encode() in run.err, f"the path is not whole: {run.err}")


OPENED_IN_CHILD = """import ctypes, os
blas, x, four, one = ctypes.CDLL({blas!r}), (ctypes.c_double * 4)(), ctypes.c_int(4), ctypes.c_int(1)
blas.ddot_
if not os.fork():
    plug = ctypes.CDLL({plug!r})
    plug["plugin"]
    blas.ddot_(ctypes.byref(four), x, ctypes.byref(one), x, ctypes.byref(one))
    plug["plugin"]
    os._exit(0)
os.wait()
"""


@case()
def opened_in_a_child(client):
    """If a child opens a plug-in before its first call, the plug-in is looked at after that call, and not only at an end
    that may never come."""
    plug = client.compile("next_release.c", "-shared", "-fPIC", "-DPLUGIN", *library(client), blas=False, name="plug.so")
    check_said(client.run([PYTHON, "-c", OPENED_IN_CHILD.format(blas=blas_library(), plug=str(plug))], FLOPSHIM_BUDGET="1e9"), 1)


@case()
def slow_reader(client):
    """If nobody reads standard error, only the thread that prints the line waits, for half a second."""
    plug = client.compile("next_release.c", "-shared", "-fPIC", "-DPLUGIN", *library(client), blas=False, name="plug.so")
    run = client.run([client.compile("slow_reader.c"), plug], FLOPSHIM_BUDGET="1e9")
    waited, longest = map(int, run.out.split())
    check(waited >= 450, f"the thread that opens the plug-in waited {waited} ms for its line, and not half a second")
    check(longest < 400, f"another thread's call took {longest} ms meanwhile")


@case()
def nothing_wrong(client):
    """A program whose routines are all known causes no line, with a limit or under the launcher."""
    program = client.compile("products.c")
    run = client.run([program], FLOPSHIM_BUDGET="1e9")
    check_equal(run.err, b"", "standard error")
    check_equal(run.report["notes"], [], "notes")
    check_equal(client.run([client.launcher, program], shim=False).err, b"", "standard error under the launcher")
