# SPDX-License-Identifier: BSD-3-Clause
"""Tests Python frames in sampled stacks, for every CPython that is found here. Expected frames are those that the
interpreter itself reports."""

import ast
import glob
import json
import os
import re
import shutil
import subprocess

from harness import Skip, blas_library, case, check, check_equal

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
OLDER = ("3.8",)  # the shim does not know the frames of these
FRAMES_MAX = 64   # Python frames of a stack that are kept


def interpreter(version):
    """The path of a Python of this version, from PATH, the system or pyenv. Skips the case if there is none."""
    candidates = [shutil.which(f"python{version}"), "/usr/bin/python3",
                  *glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python{version}"))]
    for path in filter(None, candidates):
        done = subprocess.run([path, "-c", "import ctypes, sys; print('%d.%d' % sys.version_info[:2], sys.abiflags)"],
                              capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.split() == [version]:
            return path
    raise Skip(f"no CPython {version}")


def report_of(client, run):
    done = subprocess.run([client.reporter, "--json", "--top", "100000", *run.dumps], capture_output=True, text=True)
    check_equal(done.returncode, 0, "status of the report")
    return json.loads(done.stdout)


def left_out(report):
    """The number of stacks whose Python frames could not be read."""
    return sum(note["count"] for note in report["notes"] if note["kind"] == "python")


# ---- Python frames of stacks ----

BEGIN = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
ddot = library.ddot_
ddot.restype = ctypes.c_double
n, one, x = ctypes.pointer(ctypes.c_int(4)), ctypes.pointer(ctypes.c_int(1)), (ctypes.c_double * 4)(1, 2, 3, 4)

def frames(frame):
    found = []
    while frame:
        code = frame.f_code
        name = getattr(code, "co_qualname", code.co_name)
        found.append("%s (%s:%d)" % (name, code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return found

def tell(frame):
    print(ascii(frames(frame)[:64]))
    return n
"""

SHAPES = BEGIN + """
def product():
    for i in range(2):
        ddot(tell(sys._getframe()), x, one, x, one)

class Model:
    def step(self):
        return [product() for i in range(2)]

    def late(self):
        total = 0
        if total:
            total = (1 +
                     2)
""" + "\n" * 300 + """
        while total < 2:
            total += 1
            self.step()

def numbers():
    Model().late()
    yield 1

def deep(depth):
    if depth:
        return deep(depth - 1)
    product()

def \u00e9t\u00e9(): list(numbers())
def \u6570(): \u00e9t\u00e9()
def \U00010280(): \u6570()

class Weak:
    def __del__(self): (lambda: product())()

\U00010280()
deep(20)
deep(100)
exec(compile("def inner():\\n product()\\n\\ninner()", "<made>", "exec"))
sorted([2, 1], key=lambda value: product() or value)
del [Weak()][0]
try:
    raise ValueError
except ValueError:
    product()
with open(__file__) as file:
    product()
"""


def check_frames(client, version, text):
    """Runs the program, and returns the run and the frames that the interpreter reports for each call."""
    path = client.folder / "prog\u00e9\u6570.py"
    path.write_text(text, encoding="utf-8")
    run = client.run([interpreter(version), "-B", path, blas_library()], FLOPSHIM_STACKS="all",
                     PYTHONIOENCODING="utf-8")
    said = [ast.literal_eval(line) for line in run.out.decode().splitlines()]
    return run, said


@case(version=VERSIONS)
def frames(client):
    """The dump has the interpreter's own frames, innermost first: for loops, generators, comprehensions, recursion, code
    far down in a function, names in Latin, two-byte and four-byte characters, frames below C functions, and destructors."""
    run, said = check_frames(client, client.version, SHAPES)
    report = report_of(client, run)
    got = {}
    for stack in report["stacks"]:
        key = tuple(stack["python"])
        got[key] = got.get(key, 0) + stack["sampled_calls"]
    expected = {}
    for stack in said:
        key = tuple(stack[:FRAMES_MAX])
        expected[key] = expected.get(key, 0) + 1
    check_equal(len(expected), 8, "kinds of stacks")
    check(any(len(key) == FRAMES_MAX for key in expected), "no stack is cut")
    for key in expected.keys() | got.keys():
        check_equal(got.get(key, 0), expected.get(key, 0), f"calls from {key[:6]}")
    check_equal(left_out(report), 0, "stacks without their Python frames")


@case(version=OLDER)
def unknown_version(client):
    """Of a CPython whose frames the shim cannot read, nothing is read, and the report counts the stacks without frames."""
    run, said = check_frames(client, client.version, SHAPES)
    report = report_of(client, run)
    check_equal(sum(len(stack["python"]) for stack in report["stacks"]), 0, "Python frames")
    check_equal(sum(stack["sampled_calls"] for stack in report["stacks"]), len(said), "sampled calls")
    check_equal(left_out(report), len(said), "stacks without their Python frames")


# ---- other threads ----

THREADS = BEGIN + """
import threading, time
CALLS, WORKERS = 2000, 4
ended = False

def inspect():
    while not ended:
        for frame in sys._current_frames().values():
            while frame:
                frame.f_trace_opcodes = not frame.f_trace_opcodes
                frame.f_trace = None
                frame.f_lineno, frame.f_locals
                frame = frame.f_back
        time.sleep(0.0001)

def work(worker):
    def first(): ddot(n, x, one, x, one)
    def second(): first()
    for i in range(CALLS):
        (first if (i + worker) % 2 else second)()

watcher = threading.Thread(target=inspect)
watcher.start()
workers = [threading.Thread(target=work, args=(i,)) for i in range(WORKERS)]
for thread in workers:
    thread.start()
for thread in workers:
    thread.join()
ended = True
watcher.join()
"""


@case(version=VERSIONS)
def watched_by_another_thread(client):
    """Frames are right if four threads call at once while a fifth reads their frames and changes what a debugger
    changes."""
    path = client.folder / "threads.py"
    path.write_text(THREADS)
    run = client.run([interpreter(client.version), path, blas_library()], FLOPSHIM_STACKS="all")
    report = report_of(client, run)
    calls = {"first": 0, "second": 0}
    for stack in report["stacks"]:
        names = [re.match(r"(?:.*\.)?(\w+) \(", frame).group(1) for frame in stack["python"]]
        check(names[:2] in (["first", "work"], ["first", "second"]), f"a stack that nobody had: {stack['python']}")
        inner = "second" if names[1] == "second" else "first"
        check_equal(names[1:3] if inner == "first" else names[1:4],
                    ["work", "run"] if inner == "first" else ["second", "work", "run"], "functions")
        calls[inner] += stack["sampled_calls"]
    check_equal(calls, {"first": 4000, "second": 4000}, "calls")
    check_equal(left_out(report), 0, "stacks without their Python frames")


def shared_library(python):
    """The shared library of this Python and its prefix. Skips the case if it has none."""
    code = ("import sys, sysconfig; get = sysconfig.get_config_var; "
            "print(get('INSTSONAME'), get('LIBDIR'), get('LIBPL'), sys.base_prefix, sep='\\n')")
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    name, folder, other, prefix = done.stdout.splitlines()
    for place in (folder, other):
        if ".so" in name and os.path.exists(f"{place}/{name}"):
            return f"{place}/{name}", prefix
    raise Skip(f"no shared library of {python}")


@case(version=VERSIONS)
def interpreter_that_ends(client):
    """If a program takes its embedded Python down while a thread of it calls BLAS, no call is lost. A thread that Python
    does not know has no Python frames."""
    library, prefix = shared_library(interpreter(client.version))
    host = client.compile("python_host.c", "-rdynamic", "-pthread")
    run = client.run([host, library], PYTHONHOME=prefix, FLOPSHIM_STACKS="all")
    report = report_of(client, run)
    check_equal(report["totals"]["calls"], int(run.out), "calls")
    check_equal(sum(stack["sampled_calls"] for stack in report["stacks"]), int(run.out), "sampled calls")
    for stack in report["stacks"]:
        native = " ".join(stack["frames"])
        if stack["python"]:
            check_equal(stack["python"][0], "outer (<string>:3)", "the innermost frame")
            check("stranger" not in native and "main (" not in native, f"Python frames of another thread: {stack}")
    check(any(stack["python"] for stack in report["stacks"]), "no Python frames")
    check(any("stranger" in " ".join(stack["frames"]) for stack in report["stacks"]), "no stack of the other thread")


# ---- the line that a budget ends a program with ----

ENDS = BEGIN + """
class Model:
    def step(self):
        return [ddot(n, x, one, x, one) for i in range(2)]

sorted([1], key=lambda value: Model().step())
"""


@case(version=VERSIONS)
def budget_names_the_line(client):
    """The line about a refusal ends with the Python function and line that made the call."""
    path = client.folder / "prog.py"
    path.write_text(ENDS)
    line = ENDS[:ENDS.index("[ddot")].count("\n") + 1
    run = client.run([interpreter(client.version), path, blas_library()], FLOPSHIM_BUDGET=15, status=121)
    check(re.search(rf" in (Model\.)?(step|step\.<locals>\.<listcomp>|<listcomp>) \({re.escape(str(path))}:{line}\)\n$",
                    run.err.decode()), "it does not name the line")


@case(version=OLDER)
def budget_names_no_line(client):
    """For a CPython whose frames cannot be read, the line ends with the address of the caller."""
    path = client.folder / "prog.py"
    path.write_text(ENDS)
    run = client.run([interpreter(client.version), path, blas_library()], FLOPSHIM_BUDGET=15, status=121)
    check(re.search(r", called from \S+\+0x[0-9a-f]+\n$", run.err.decode()), "it does not end with the caller")
