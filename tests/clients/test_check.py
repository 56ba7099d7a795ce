# SPDX-License-Identifier: BSD-3-Clause
"""Tests `flopshim-report check` on real programs: locks are the same on every BLAS, and what changes is named. Expected FLOPs are
those of textbook loops (flops.py); expected lines are those that a case finds in the text of its program."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import time

import flops
from harness import EVERY_BLAS, PROGRAMS, PYTHON, QUICK_BLAS, Skip, case, check, check_equal, library_folder
from test_r import rscript
from test_merge import ranks_of
from test_runs import report
from test_shapes import program

MODEL = """import numpy as np

def prepare(n):
    return np.ones((n, n))

def train(A):
    A @ A  # train
    return A

def evaluate(A):
    return A @ A  # evaluate

A = prepare(100)
train(A)
evaluate(A)
np.linalg.solve(A + 3 * np.eye(100), np.ones(100))
"""
PRODUCT = flops.gemm(100, 100, 100)


def work(client, name="work"):
    """A git work tree; its files are the program's own."""
    tree = client.folder / name
    (tree / ".git").mkdir(parents=True)
    return tree


def run_in(client, tree, command, *options, status=0, **environment):
    """Runs a command under the launcher in a work tree, and returns the folder of its dumps."""
    dumps = client.folder / f"dumps-{time.monotonic_ns()}"
    dumps.mkdir()
    done = subprocess.run([client.launcher, "-o", dumps, *options, *map(str, command)], cwd=tree, capture_output=True,
                          timeout=120, env=client.environment(**environment))
    check_equal(done.returncode, status, f"status of {command}: {done.stderr}")
    return dumps


def run_model(client, tree, text=MODEL, *options, **environment):
    (tree / "model.py").write_text(text)
    return run_in(client, tree, [PYTHON, "model.py"], *options, **environment)


def check_in(client, tree, *arguments, status=0):
    """Runs `flopshim-report check` in a work tree, which must end with this status. Returns its output and its errors."""
    done = subprocess.run([client.reporter, "check", *map(str, arguments)], cwd=tree, capture_output=True, text=True,
                          timeout=120)
    check_equal(done.returncode, status, f"status of {arguments}: {done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def lock_of(client, tree, dumps, *options, name="flops.lock"):
    """Writes a lock, and returns its bytes."""
    check_in(client, tree, "--lock", name, "--update", *options, dumps)
    return (tree / name).read_bytes()


def rows(lock, kind):
    """{names of a row: (calls, FLOPs)}"""
    lines = [line.split("\t") for line in lock.decode().splitlines()]
    return {tuple(line[1:-2]): (int(line[-2]), int(line[-1])) for line in lines if line[0] == kind}


def line_of(text, mark):
    return next(number for number, line in enumerate(text.splitlines(), 1) if mark in line)


# ---- the same bytes everywhere ----

@case(on=EVERY_BLAS)
def same_lock_on_every_blas(client):
    """One program gives one lock on every BLAS, with 1 and 2 threads, in other directories, merged or not."""
    locks = set()
    for threads in (1, 2):
        tree = work(client, f"tree-{threads}-{client.blas}")
        dumps = run_model(client, tree, MODEL, "--for-check", threads=threads)
        locks.add(lock_of(client, tree, dumps))
    merged = client.folder / "merged.dump"
    report(client, "merge", "-o", merged, dumps)
    locks.add(lock_of(client, tree, merged, name="other.lock"))
    check_equal(len(locks), 1, "locks")
    lock = locks.pop()
    first_blas, first = client.agreed.setdefault("check.model", (client.blas, lock))
    check_equal(lock, first, f"the lock on {client.blas}, compared with that on {first_blas}")
    shapes, sites = rows(lock, "shape"), rows(lock, "site")
    check_equal(shapes["(root)", "dgemm", "transa=N transb=N m=100 n=100 k=100"], (2, 2 * PRODUCT), "the row of dgemm")
    check_equal(sites["model.py:train", "(root)", "dgemm"], (1, PRODUCT), "the row of train")
    check_equal(sites["model.py:evaluate", "(root)", "dgemm"], (1, PRODUCT), "the row of evaluate")
    check_equal(sites["model.py:<module>", "(root)", "dgesv"][0], 1, "calls of dgesv by the module")
    for word in (str(client.folder), "0x", "/usr"):
        check(word not in lock.decode(), f"the lock has {word}")


@case()
def same_lock_in_any_order(client):
    """The lock does not depend on the order of dumps, nor on that of threads."""
    tree = work(client)
    text = MODEL + "import threading\nfor _ in range(8):\n    threading.Thread(target=train, args=(A,)).start()\n"
    locks = {lock_of(client, tree, run_model(client, tree, text, "--for-check"), name=f"{i}.lock") for i in range(3)}
    check_equal(len(locks), 1, "locks")
    check_equal(rows(locks.pop(), "site")["model.py:train", "(root)", "dgemm"], (9, 9 * PRODUCT), "the row of train")


@case()
def updates_are_stable(client):
    """--update keeps comments and tolerances, and does not touch a lock that would not change."""
    tree = work(client)
    dumps = run_model(client, tree, MODEL, "--for-check")
    lock = lock_of(client, tree, dumps).decode()
    kept = "# why this is so\nallow dgemm calls 5\n"
    (tree / "flops.lock").write_text(re.sub("(?m)^shape", kept + "shape", lock, count=1))
    before = (tree / "flops.lock").stat()
    out, _ = check_in(client, tree, "--lock", "flops.lock", "--update", dumps)
    check("left as it is" in out, out)
    after = (tree / "flops.lock").stat()
    check_equal((after.st_mtime_ns, after.st_ino), (before.st_mtime_ns, before.st_ino), "the file")
    more = run_model(client, tree, MODEL + "train(A)\n", "--for-check")
    out, _ = check_in(client, tree, "--lock", "flops.lock", "--update", more)
    check("written anew" in out and "called by train" in out, out)
    check(kept in (tree / "flops.lock").read_text(), "comments or tolerances are gone")
    check_in(client, tree, "--lock", "flops.lock", more)


# ---- what changed ----

def how(client):
    """The options of a case: by samples, each call of this size has its stack taken all the same."""
    return ["--for-check"] if client.stacks == "for-check" else []


@case(stacks=["for-check", "sampled"], on=QUICK_BLAS)
def one_more_product(client):
    """One more product in a function fails with that function, file and line in the first line; samples are enough where each
    call is large."""
    tree = work(client)
    text = MODEL.replace("100", "300")
    lock_of(client, tree, run_model(client, tree, text, *how(client)))
    more = text.replace("    return A @ A  # evaluate", "    A @ A  # more\n    return A @ A")
    dumps = run_model(client, tree, more, *how(client))
    out, _ = check_in(client, tree, "--lock", "flops.lock", dumps, status=3)
    first = out.splitlines()[0]
    check(first.startswith("flops: more work than flops.lock allows: 54,000,000 FLOPs more (+50.0 %) in dgemm "
                           "300 x 300 x 300, called by evaluate (model.py:"), first)
    line = int(re.search(r"evaluate \(model\.py:(\d+)\)", first).group(1))
    check(line in (line_of(more, "# more"), line_of(more, "# more") + 1), f"line {line}")
    check(first.endswith("which did 1 call before and now 2"), first)
    out, _ = check_in(client, tree, "--lock", "flops.lock", "--json", dumps, status=3)
    answer = json.loads(out)
    finding = answer["findings"][0]
    check_equal((answer["schema"], answer["verdict"], len(answer["findings"])), ("flopshim-check/1", "more", 1), "the answer")
    check_equal((finding["kind"], finding["fails"], finding["routine"], finding["function"], finding["file"],
                 finding["line"], finding["about"], finding["site_old_calls"], finding["site_new_calls"]),
                ("more", True, "dgemm", "evaluate", "model.py", line, False, 1, 2), "the finding")
    check_equal(finding["new_flops"] - finding["old_flops"], flops.gemm(300, 300, 300), "more FLOPs")


@case()
def samples_say_about(client):
    """Where the stacks of small calls are sampled, the likeliest function is named, and the sentence says so."""
    tree = work(client)
    many = MODEL + "for _ in range(20000):\n    train(A[:9, :9])\n"
    lock_of(client, tree, run_model(client, tree, many, "--for-check"))
    more = many.replace("20000", "40000")
    out, _ = check_in(client, tree, "--lock", "flops.lock", run_model(client, tree, more), status=3)
    check("in dgemm 9 x 9 x 9, called by train (model.py:7), about: not every stack was taken" in out.splitlines()[0], out)


@case(stacks=["for-check", "sampled"])
def one_less_product(client):
    """One call less passes and says how much was saved; --exact fails; --update=less keeps it, and only that."""
    tree = work(client)
    lock_of(client, tree, run_model(client, tree, MODEL, *how(client)))
    less = run_model(client, tree, MODEL.replace("\ntrain(A)", ""), *how(client))
    out, _ = check_in(client, tree, "--lock", "flops.lock", less)
    check(out.startswith("flops: less work than flops.lock has, 2,000,000 FLOPs saved ("), out)
    check("called by train (model.py), which did 1 call before and now none" in out.splitlines()[0], out)
    check_in(client, tree, "--lock", "flops.lock", "--exact", less, status=3)
    full = (tree / "flops.lock").read_bytes()
    more = run_model(client, tree, MODEL + "train(A)\n", *how(client))
    check_in(client, tree, "--lock", "flops.lock", "--update=less", more, status=3)
    check_equal((tree / "flops.lock").read_bytes(), full, "the lock after --update=less with more work")
    check_in(client, tree, "--lock", "flops.lock", "--update=less", less)
    check_in(client, tree, "--lock", "flops.lock", "--exact", less)


@case(stacks=["for-check", "sampled"])
def renamed_function_moved(client):
    """Work of a renamed function, with the same totals, has moved."""
    tree = work(client)
    lock_of(client, tree, run_model(client, tree, MODEL, *how(client)))
    moved = run_model(client, tree, MODEL.replace("train(A)", "fit(A)"), *how(client))
    out, _ = check_in(client, tree, "--lock", "flops.lock", moved)
    check("1 call of dgemm (2,000,000 FLOPs) moved from train (model.py) to fit (model.py:7)" in out.splitlines()[0], out)


@case(stacks=["for-check", "sampled"])
def changed_shape_is_named(client):
    """A changed shape is named, with the one before."""
    tree = work(client)
    lock_of(client, tree, run_model(client, tree, MODEL, *how(client)))
    text = MODEL.replace("    A @ A  # train", "    A @ A[:, :50]  # train")
    out, _ = check_in(client, tree, "--lock", "flops.lock", run_model(client, tree, text, *how(client)), status=3)
    check("in dgemm, whose shape 100 x 100 x 100 has become 100 x 50 x 100, called by train (model.py:7)" in
          out.splitlines()[0], out)


@case()
def many_shapes_are_one_row(client):
    """A routine of more than 20 shapes is one row, unless the lock is by shape; 20 are 20 rows."""
    tree = work(client)
    for count, rows_of_gemm in ((20, 20), (21, 1)):
        text = f"import numpy as np\nfor n in range(10, {10 + count}):\n    np.ones((n, n)) @ np.ones((n, n + 1))\n"
        dumps = run_model(client, tree, text, "--for-check")
        total = sum(flops.gemm(n, n + 1, n) for n in range(10, 10 + count))
        lock = lock_of(client, tree, dumps, name=f"{count}.lock")
        gemm = {name: row for name, row in rows(lock, "shape").items() if name[1] == "dgemm"}
        check_equal(len(gemm), rows_of_gemm, f"rows of {count} shapes")
        check_equal(sum(row[1] for row in gemm.values()), total, "FLOPs")
        lock = lock_of(client, tree, dumps, "--by", "shape", name=f"{count}-shape.lock")
        check_equal(sum(name[1] == "dgemm" for name in rows(lock, "shape")), count, "rows by shape")
    check_equal(gemm, {("(root)", "dgemm", "*"): (21, total)}, "the row")
    check_in(client, tree, "--lock", "21.lock", dumps)


@case()
def rounded_shapes(client):
    """Where the shim rounds shapes, as it does after 32,768 of a thread, a routine is one exact row, and no lock is by shape."""
    tree, count = work(client), 40000
    dumps = run_in(client, tree, [program(client), count, count])
    total = sum(flops.gemm(1 + i % 100, 1 + i // 100 % 100, 1 + i // 10000 % 100) for i in range(count))
    check_equal(rows(lock_of(client, tree, dumps), "shape"), {("(root)", "dgemm", "*"): (count, total)}, "shapes")
    check_in(client, tree, "--lock", "flops.lock", "--exact", dumps)
    out, _ = check_in(client, tree, "--lock", "shape.lock", "--by", "shape", "--update", dumps, status=5)
    check("some were rounded" in out and not (tree / "shape.lock").exists(), out)


@case(by=["routine", "namespace", "shape", "site"])
def decides_by(client):
    """Each key makes a lock that its run is within, and that one more product is not."""
    tree = work(client)
    dumps = run_model(client, tree, MODEL, "--for-check")
    lock_of(client, tree, dumps, "--by", client.by)
    check_in(client, tree, "--lock", "flops.lock", "--exact", dumps)
    check_in(client, tree, "--lock", "flops.lock", "--by", client.by, dumps)
    other = "routine" if client.by == "site" else "site"
    _, err = check_in(client, tree, "--lock", "flops.lock", "--by", other, dumps, status=2)
    check(f"decides by {client.by}" in err, err)
    out, _ = check_in(client, tree, "--lock", "flops.lock", run_model(client, tree, MODEL + "train(A)\n", "--for-check"),
                      status=3)
    check("2,000,000 FLOPs more" in out.splitlines()[0] and "called by train (model.py:7)" in out.splitlines()[0], out)
    moved = run_model(client, tree, MODEL.replace("train(A)", "fit(A)"), "--for-check")
    out, _ = check_in(client, tree, "--lock", "flops.lock", moved, status=3 if client.by == "site" else 0)
    check("moved from train (model.py) to fit (model.py:7)" in out, out)


@case()
def by_site_needs_every_stack(client):
    """A lock by site is neither made nor checked from samples."""
    tree = work(client)
    lock_of(client, tree, run_model(client, tree, MODEL, "--for-check"), "--by", "site")
    lock = (tree / "flops.lock").read_bytes()
    sampled = run_model(client, tree, MODEL)
    for options in ([], ["--update"]):
        out, _ = check_in(client, tree, "--lock", "flops.lock", *options, sampled, status=5)
        check("flopshim --for-check" in out, out)
    check_in(client, tree, "--lock", "new.lock", "--update", "--by", "site", sampled, status=5)
    check_equal((tree / "flops.lock").read_bytes(), lock, "the lock")
    check(not (tree / "new.lock").exists(), "a lock was written")


@case()
def queries_are_no_work(client):
    """SciPy asks LAPACK for the size of workspaces from the place of the call itself. All stacks are taken of what works."""
    tree = work(client)
    text = """import numpy as np, scipy.linalg as sl

A = np.random.rand(30, 30)

def factor():
    sl.qr(A)
    sl.qr(A, pivoting=True)
    sl.schur(A)

factor()
"""
    dumps = run_model(client, tree, text, "--for-check")
    lock = lock_of(client, tree, dumps, "--by", "site")
    for routine in ("dgeqrf", "dgeqp3", "dgees"):
        check_equal(rows(lock, "site")["model.py:factor", "(root)", routine][0], 1, f"calls of {routine}")
    check("\t?\t" not in lock.decode(), lock)


@case()
def renamed_beside_more(client):
    """A function that was renamed is not blamed for what another one does more: it moved, and the other one is the first."""
    tree = work(client)
    text = "import numpy as np\nA = np.ones((40, 40))\n\ndef f(): A @ A\ndef g(): A @ A\n\nf(); g()\n"
    lock_of(client, tree, run_model(client, tree, text, "--for-check"))
    text = text.replace("f()", "a()").replace("def f", "def a").replace("def g(): A @ A", "def g(): A @ A @ A")
    out, _ = check_in(client, tree, "--lock", "flops.lock", run_model(client, tree, text, "--for-check"), status=3)
    lines = out.splitlines()
    check("128,000 FLOPs more (+100.0 %) in dgemm" in lines[0] or "128,000 FLOPs more (+50.0 %)" in lines[0], lines[0])
    check("called by g (model.py:5), which did 1 call before and now 2" in lines[0], lines[0])
    check_equal(lines[1], "flops: also 1 call of dgemm (128,000 FLOPs) moved from f (model.py) to a (model.py:4)", "the rest")
    check_equal(sum("more (" in line for line in lines), 2, f"increases, the total included: {out}")


@case()
def smaller_shape(client):
    """A smaller shape is another row, and fails, but is not called more work; nor does --update=less take it."""
    tree = work(client)
    lock = lock_of(client, tree, run_model(client, tree, MODEL, "--for-check"))
    less = run_model(client, tree, MODEL.replace("A = prepare(100)", "A = prepare(50)").replace("100)", "50)"), "--for-check")
    out, _ = check_in(client, tree, "--lock", "flops.lock", less, status=3)
    check(out.startswith("flops: other work than flops.lock allows: ") and "FLOPs less (-87.5 %)" in out, out)
    out, _ = check_in(client, tree, "--lock", "flops.lock", "--update=less", less, status=3)
    check("writes no row that is new or has more work" in out, out)
    check_equal((tree / "flops.lock").read_bytes(), lock, "the lock")


@case()
def update_that_fails(client):
    """A lock that could not be written is an error in every format, and is as it was."""
    tree = work(client)
    lock = lock_of(client, tree, run_model(client, tree, MODEL, "--for-check"))
    more = run_model(client, tree, MODEL + "train(A)\n", "--for-check")
    name = 250 * "n"  # the new file beside it would have a longer one, which no file system here takes
    (tree / "flops.lock").rename(tree / name)
    formats = ["--github", "--junit", "ci.xml", "--openmetrics", "ci.txt"]
    out, err = check_in(client, tree, "--lock", name, "--update", *formats, more, status=1)
    check(f"{name}: cannot be written: File name too long" in err, err)
    check("written anew" not in out and "::error" in out and "could not be written" in out, out)
    check(re.search(r'errors="[1-9]', (tree / "ci.xml").read_text()), (tree / "ci.xml").read_text())
    check("flopshim_check_passed 0" in (tree / "ci.txt").read_text(), (tree / "ci.txt").read_text())
    check_equal((tree / name).read_bytes(), lock, "the lock")


@case()
def update_of_another_run(client):
    """A lock of another number of processes is written anew, and nothing advises to do so."""
    tree = work(client)
    lock = lock_of(client, tree, run_model(client, tree, MODEL)).decode()
    (tree / "flops.lock").write_text(lock.replace("ran\t1\t0", "ran\t2\t0"))
    out, _ = check_in(client, tree, "--lock", "flops.lock", "--update", run_model(client, tree, MODEL))
    check(out.startswith("flops: not compared with the old flops.lock: the lock is of 2 processes, and this run of 1\n"), out)
    check("flops.lock was written anew" in out and "--update" not in out, out)


@case()
def killed_processes_are_said(client):
    """Where a process did less since it was killed, the answer says that processes did not close their dumps."""
    tree = work(client)
    text = """import os, signal
import numpy as np

A = np.ones((50, 50))
child = os.fork()
for i in range(4):
    A @ A
    if not child and os.environ.get("KILLED"):
        os.kill(os.getpid(), signal.SIGKILL)
if child:
    os.wait()
"""
    lock_of(client, tree, run_model(client, tree, text))
    out, _ = check_in(client, tree, "--lock", "flops.lock", run_model(client, tree, text))
    check("without closing" not in out, out)
    out, _ = check_in(client, tree, "--lock", "flops.lock", run_model(client, tree, text, KILLED=1))
    check("less work than flops.lock has, 750,000 FLOPs saved" in out, out)
    check("; 1 process ended without closing the dump" in out, out)


@case()
def without_git(client):
    """Without a work tree, files are named from the folder of the lock on, wherever the check is asked for."""
    tree = client.folder / "tree"
    (tree / "code").mkdir(parents=True)
    (tree / "code" / "model.py").write_text(MODEL)
    dumps = run_in(client, tree, [PYTHON, "code/model.py"], "--for-check")
    lock = lock_of(client, tree, dumps)
    check("\tcode/model.py:train\t" in lock.decode(), lock)
    for place in (tree / "code", client.folder, "/"):
        check_in(client, place, "--lock", tree / "flops.lock", "--update", dumps)
        check_equal((tree / "flops.lock").read_bytes(), lock, f"the lock, written from {place}")


@case()
def commands_for_runners(client):
    """A name that GitHub's runner would take for a command is broken up."""
    tree = work(client)
    name = "##[add-mask]secret.py"
    (tree / name).write_text(MODEL)
    lock_of(client, tree, run_in(client, tree, [PYTHON, name], "--for-check"))
    (tree / name).write_text(MODEL + "train(A)\n")
    out, err = check_in(client, tree, "--lock", "flops.lock", "--github",
                        run_in(client, tree, [PYTHON, name], "--for-check"), status=3)
    check("train (##?add-mask]secret.py:7)" in out and "##[" not in err, out + err)
    check(all(line.startswith("::") for line in out.splitlines() if "##[" in line), out)


@case()
def tolerances_in_the_file(client):
    """A tolerance allows a run, which then passes without a warning of more."""
    tree = work(client)
    lock = lock_of(client, tree, run_model(client, tree, MODEL, "--for-check")).decode()
    more = run_model(client, tree, MODEL + "train(A)\n", "--for-check")
    for allowed, status in (("allow dgemm flops 49%\nallow dgemm calls 1\n", 3),
                            ("allow dgemm flops 50%\nallow dgemm calls 1\n", 0)):
        (tree / "flops.lock").write_text(re.sub("(?m)^shape", allowed + "shape", lock, count=1))
        out, _ = check_in(client, tree, "--lock", "flops.lock", more, status=status)
    check(out.startswith("flops: other work than flops.lock has, but within its tolerances"), out)


@case()
def work_that_is_left_out(client):
    """A lock that skips namespaces, and compares no number of processes, holds for any number of workers that each do
    the work that is skipped; it still finds one product more in what is left. Both stay in the lock."""
    tree = work(client)
    text = """import os, sys
import numpy as np
import flopshim

A = np.ones((30, 30))
A @ A  # of every worker
with flopshim.namespace("fixtures.data"):
    A @ A @ A
worker, workers = map(int, sys.argv[1:3])
with flopshim.namespace("jobs"):
    for _ in range(worker, 6 + int(sys.argv[3]), workers):
        A @ A
"""
    (tree / "job.py").write_text(text)
    bindings = {"PYTHONPATH": PROGRAMS.parent.parent / "bindings"}

    def workers(count, more=0):
        each = " && ".join(f"{PYTHON} job.py {i} {count} {more}" for i in range(count))
        return run_in(client, tree, ["sh", "-c", each], "--for-check", **bindings)

    one, three = workers(1), workers(3)
    lock = lock_of(client, tree, one, "--skip", "(root)", "--skip", "fix*.*", "--any-processes")
    check_equal(rows(lock, "shape"), {("jobs", "dgemm", "transa=N transb=N m=30 n=30 k=30"): (6, 6 * flops.gemm(30, 30, 30))},
                "shapes")
    check("\nran\t*\t*\n" in lock.decode() and "\nskip (root)\nskip fix*.*\n" in lock.decode(), lock)
    check_equal(lock_of(client, tree, three), lock, "the lock of three workers")
    out, _ = check_in(client, tree, "--lock", "flops.lock", three)
    check("the same work" in out, out)
    out, _ = check_in(client, tree, "--lock", "flops.lock", workers(3, more=1), status=3)
    check("in namespace jobs" in out and "which did 6 calls before and now 7" in out, out)
    _, err = check_in(client, tree, "--lock", "flops.lock", "--skip", "jobs", three, status=2)
    check("--skip is an option of --update" in err, err)
    (tree / "flops.lock").write_bytes(lock.replace(b"skip (root)", b"skip jobs"))
    _, err = check_in(client, tree, "--lock", "flops.lock", three, status=2)
    check("a line of skip leaves the namespace of this row out" in err, err)


@case()
def charged_work(client):
    """Work that the program charges itself is in the lock, in one by site too, and its name is in a finding."""
    tree = work(client)
    text = "import flopshim\nfor i in range(5):\n    flopshim.charge('my kernel', i)\n"
    bindings = {"PYTHONPATH": PROGRAMS.parent.parent / "bindings"}
    dumps = run_model(client, tree, text, **bindings)
    lock_of(client, tree, dumps, "--by", "site", name="site.lock")
    check_equal(rows(lock_of(client, tree, dumps), "shape"), {("(root)", "my kernel", "(charged)"): (5, 10)}, "shapes")
    more = run_model(client, tree, text.replace("5", "7"), **bindings)
    for name in ("flops.lock", "site.lock"):
        out, _ = check_in(client, tree, "--lock", name, more, status=3)
        check("11 FLOPs more (+110.0 %) in my kernel" in out and "by the program itself" in out, out)


@case()
def the_page(client):
    """The commands of docs/check.md do what the page says."""
    tree = work(client)
    page = (PROGRAMS.parent.parent / "docs" / "check.md").read_text()
    blocks = [re.sub("(?m)^    ", "", block).strip("\n") + "\n" for block in re.findall(r"(?m)(?:^(?:    .*)?\n)+", page)
              if block.strip()]
    model, first, second, finding, lock = blocks[:5]
    (tree / "model.py").write_text(model)
    commands = first.splitlines()[:2] + second.splitlines()

    def run(command, status=0):
        env = client.environment()
        env["PATH"] = f"{client.build_folder.resolve()}:{env['PATH']}"
        done = subprocess.run(["sh", "-c", f"mkdir -p run; {command}"], cwd=tree, env=env, capture_output=True, text=True)
        check_equal(done.returncode, status, f"status of {command}: {done.stdout}{done.stderr}")
        return done.stdout

    for command in commands:
        run(command)
    written = [re.sub("^prices\t.*", "prices", line) for line in (tree / "flops.lock").read_text().splitlines()]
    check_equal(written, [re.sub("^prices\t.*", "prices", line) for line in lock.splitlines()], "the lock")
    (tree / "model.py").write_text(model.replace("return A @ A", "return (A @ A) @ A"))
    for command in commands[2:4]:
        run(command)
    check_equal(run(commands[4], 3).splitlines()[0] + "\n", finding, "the finding")


HOSTILE = ["a%s%n", "a::b", "]]>", "'\"", "a\\b", "x" * 10000, "caf\u00e9", "<b>&amp;"]


@case()
def hostile_names(client):
    """Whatever a function is called, its lock is read back, and a finding has its name, whole in JSON and CSV."""
    tree = work(client)
    text = MODEL + f"for name in {HOSTILE!r}:\n    def f(A):\n        return A @ A\n" \
        "    names = ['co_name', *['co_qualname'] * hasattr(f.__code__, 'co_qualname')]\n" \
        "    f.__code__ = f.__code__.replace(**dict.fromkeys(names, name))\n    f(A)\n"
    dumps = run_model(client, tree, text, "--for-check")
    lock_of(client, tree, dumps)
    check_in(client, tree, "--lock", "flops.lock", "--exact", dumps)
    more = run_model(client, tree, text + "    f(A)\n", "--for-check")
    out, _ = check_in(client, tree, "--lock", "flops.lock", "--json", more, status=3)
    named = {finding["function"]: finding for finding in json.loads(out)["findings"]}
    for name in HOSTILE:
        # a dump has as much of a long name as fits
        found = [function for function in named if function == name or (len(function) > 100 and name.startswith(function))]
        check(len(found) == 1, f"{name[:50]!r}: {found}")
        check_equal((named[found[0]]["site_old_calls"], named[found[0]]["site_new_calls"]), (1, 2), f"calls of {name[:50]!r}")
    out, _ = check_in(client, tree, "--lock", "flops.lock", "--csv", more, status=3)
    check_equal(len(list(csv.DictReader(out.splitlines()))), len(HOSTILE), "rows of CSV")
    out, _ = check_in(client, tree, "--lock", "flops.lock", "--top", "all", more, status=3)
    check_equal(sum(" FLOPs more (+" in line and "which did 1 call before and now 2" in line for line in out.splitlines()),
                len(HOSTILE), "sentences")


# ---- languages ----

def change(client, tree, source, build, old, new, function):
    """Locks a compiled program, changes its text, and returns the first line of the check of the changed one."""
    (tree / source.name).write_text(source.read_text())
    build()
    lock = lock_of(client, tree, run_in(client, tree, ["./program"], "--for-check"))
    check(any(re.fullmatch(re.escape(source.name) + ":" + function, name[0]) for name in rows(lock, "site")),
          f"no row of {function} in {lock.decode()}")
    text = source.read_text()
    check(old in text, f"{source}: {old}")
    (tree / source.name).write_text(text.replace(old, new, 1))
    build()
    out, _ = check_in(client, tree, "--lock", "flops.lock", run_in(client, tree, ["./program"], "--for-check"), status=3)
    return out.splitlines()[0]


def compiler(client, tree, *command):
    if not shutil.which(command[0]):
        raise Skip(f"no {command[0]}")

    def build():
        done = subprocess.run([*command, "-g", "-O1", f"-I{PROGRAMS}", "-o", "program",
                               f"-L{library_folder() / 'openblas-pthread'}", "-Wl,--no-as-needed", "-llapack", "-lblas"],
                              cwd=tree, capture_output=True, text=True)
        check_equal(done.returncode, 0, done.stderr)

    return build


@case()
def templates(client):
    """A template of C++ is named with its arguments."""
    tree = work(client)
    first = change(client, tree, PROGRAMS / "sites_template.cc",
                   compiler(client, tree, "g++", "sites_template.cc"), "large.multiply();",
                   "large.multiply(); large.multiply();", r"shapes::Product<double, 100>::multiply\(\)")
    check("2,000,000 FLOPs more" in first and "called by shapes::Product<double, 100>::multiply() (sites_template.cc:" in
          first, first)


# A template that a library's header has put into the program, as far as debug information tells.
HEADER = """#include "blas.h"
static double x[10000];
# 1 "/usr/include/library/product.h"
template <typename Number> __attribute__((noinline)) void product(int n)
{
	Number one = 1; dgemm_("N", "N", &n, &n, &n, &one, x, &n, x, &n, &one, x, &n, 1, 1); __asm__ volatile("" ::: "memory");
}
# 9 "own.cc"
__attribute__((noinline)) void mine() { product<double>(10); __asm__ volatile("" ::: "memory"); }
int main() { mine(); product<double>(20); return 0; }
"""


@case()
def code_of_headers(client):
    """A call in a library's header is that of the user's function around it."""
    tree = work(client)
    (tree / "own.cc").write_text(HEADER)
    compiler(client, tree, "g++", "own.cc")()
    sites = rows(lock_of(client, tree, run_in(client, tree, ["./program"], "--for-check")), "site")
    check_equal(sites, {("own.cc:mine()", "(root)", "dgemm"): (1, flops.gemm(10, 10, 10)),
                        ("own.cc:main", "(root)", "dgemm"): (1, flops.gemm(20, 20, 20))}, "functions")


EXTENSION = """#include "blas.h"
static double x[10000];
void work(int n) { double one = 1; dgemm_("N", "N", &n, &n, &n, &one, x, &n, x, &n, &one, x, &n, 1, 1); }
"""
CALLER = """import ctypes
def outer():
    ctypes.CDLL("./program").work(10)
def direct():
    n, one, x = ctypes.c_int(4), ctypes.c_int(1), (ctypes.c_double * 4)()
    ctypes.CDLL("libblas.so.3").ddot_(ctypes.byref(n), x, ctypes.byref(one), x, ctypes.byref(one))
outer()
direct()
"""


@case()
def own_extensions(client):
    """Calls in the user's own C code are its own, and those that Python makes by ctypes are those of the Python function."""
    tree = work(client)
    (tree / "own.c").write_text(EXTENSION)
    compiler(client, tree, "gcc", "-shared", "-fPIC", "own.c")()
    sites = rows(lock_of(client, tree, run_model(client, tree, CALLER, "--for-check")), "site")
    check_equal(sites, {("own.c:work", "(root)", "dgemm"): (1, flops.gemm(10, 10, 10)),
                        ("model.py:direct", "(root)", "ddot"): (1, flops.dot(4))}, "functions")


@case()
def fortran(client):
    """A procedure of a Fortran module is named."""
    tree = work(client)
    first = change(client, tree, PROGRAMS / "sites_fortran.f90",
                   compiler(client, tree, "gfortran", "sites_fortran.f90"), "\tcall inner\n", "\tcall inner\n\tcall inner\n",
                   "inner")
    check(f"{flops.gemm(80, 80, 80):,} FLOPs more" in first and "called by inner (sites_fortran.f90:" in first, first)


@case(on=QUICK_BLAS)
def r(client):
    """R is locked by routine, shape and the C function of its library."""
    tree = work(client)
    text = "a <- matrix(1, 100, 100)\nb <- a %*% a\n"
    (tree / "model.R").write_text(text)
    command = rscript("model.R")
    lock = lock_of(client, tree, run_in(client, tree, command, "--for-check"))
    sites = {name[0] for name in rows(lock, "site") if name[2] == "dgemm"}
    check(all(re.fullmatch(r"(libR\.so|R)(:\w+)?", name) for name in sites), f"functions {sites}")
    (tree / "model.R").write_text(text + "b <- a %*% a\n")
    out, _ = check_in(client, tree, "--lock", "flops.lock", run_in(client, tree, command, "--for-check"), status=3)
    check("2,000,000 FLOPs more (+100.0 %) in dgemm 100 x 100 x 100, called by " in out.splitlines()[0], out)


# ---- what cannot be compared ----

MPI = """import numpy as np
def product(n):
    return np.ones((n, n)) @ np.ones((n, n + 1))
product(50)
"""


@case()
def ranks(client):
    """Four ranks have one lock; a fifth, or one less, is no regression but cannot be compared."""
    if not shutil.which("mpirun"):
        raise Skip("no mpirun")
    tree = work(client)
    (tree / "model.py").write_text(MPI)

    def launch(count):
        return run_in(client, tree, ["mpirun", "-n", count, "--oversubscribe", "--allow-run-as-root", PYTHON, "model.py"],
                      "--for-check")

    dumps = launch(4)
    lock = lock_of(client, tree, dumps)
    merged = client.folder / "merged.dump"
    report(client, "merge", "-o", merged, dumps)
    check_equal(lock_of(client, tree, merged, name="merged.lock"), lock, "the lock of the merged dump")
    check_equal(rows(lock, "site")["model.py:product", "(root)", "dgemm"], (4, 4 * flops.gemm(50, 51, 50)), "the row")
    check("\nran\t4\t4\n" in lock.decode(), lock.decode())
    check_in(client, tree, "--lock", "flops.lock", "--exact", launch(4))
    for count in (5, 3):
        out, _ = check_in(client, tree, "--lock", "flops.lock", launch(count), status=5)
        check("not comparable" in out and f"this run of {count}" in out, out)


@case()
def takes_no_longer_than_two_reports(client):
    """A check of many dumps takes at most twice the processor time of their report."""
    dumps = ranks_of(client, 100, shapes=1000, varied=True)

    def seconds(*arguments):
        before = os.times()
        check_in(client, client.folder, *arguments) if arguments[0] != "report" else report(client, *arguments)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    reported = seconds("report", "--json", dumps)
    for options in (["--update"], []):
        checked = seconds("--lock", "flops.lock", *options, dumps)
        check(checked < 2 * reported, f"{checked:.2f} s for a check, {reported:.2f} s for a report")


@case()
def dumps_that_are_not_whole(client):
    """A cut dump, no dump, several runs and a killed program: a sentence, status 5, and the lock untouched."""
    tree = work(client)
    dumps = run_model(client, tree, MODEL, "--for-check")
    lock = lock_of(client, tree, dumps)
    dump = next(dumps.glob("*.dump"))
    empty, cut, two = (client.folder / name for name in ("empty", "cut", "two"))
    for folder in (empty, cut, two):
        folder.mkdir()
    (cut / "x.dump").write_bytes(dump.read_bytes()[:dump.stat().st_size // 2])
    other = run_model(client, tree, MODEL, "--for-check")
    for path in (dump, *other.glob("*.dump")):
        shutil.copy(path, two)
    inputs = {empty: "no dump", cut: "not complete", two: "2 runs", client.folder / "nothing": "no dump"}
    for folder, why in inputs.items():
        for options in ([], ["--update"], ["--update=less"], ["--exact"]):
            out, _ = check_in(client, tree, "--lock", "flops.lock", *options, folder, status=5)
            check(out.startswith("flops: not comparable with flops.lock: ") and why in out, f"{folder}: {out}")
            check_equal((tree / "flops.lock").read_bytes(), lock, "the lock")
        check_in(client, tree, "--lock", "flops.lock", "--bisect", folder, status=125)
    check_in(client, tree, "--lock", "flops.lock", "--bisect", dumps)
    check_in(client, tree, "--lock", "flops.lock", "--last", two)


@case()
def refused_work(client):
    """A program that a budget stopped has not done less work: it cannot be compared."""
    tree = work(client)
    lock_of(client, tree, run_model(client, tree, MODEL, "--for-check"))
    (tree / "model.py").write_text(MODEL)
    dumps = run_in(client, tree, [PYTHON, "model.py"], "--for-check", "--budget", "3e6", status=121)
    out, _ = check_in(client, tree, "--lock", "flops.lock", dumps, status=5)
    check("a budget refused calls" in out, out)


@case()
def other_prices(client):
    """A lock of another price table is not compared, and never a regression."""
    tree = work(client)
    dumps = run_model(client, tree, MODEL, "--for-check")
    lock = lock_of(client, tree, dumps).decode()
    (tree / "flops.lock").write_text(re.sub("(?m)^prices\t.*", "prices\tolder", lock))
    out, _ = check_in(client, tree, "--lock", "flops.lock", dumps, status=5)
    check("priced by version older" in out, out)
    check_in(client, tree, "--lock", "flops.lock", "--update", dumps)
    check_equal((tree / "flops.lock").read_text(), lock, "the lock after --update")


@case()
def paths_of_another_machine(client):
    """--root and --map name files alike, wherever they lay when the program ran; outside of the root only base names are left."""
    tree, elsewhere = work(client), work(client, "elsewhere")
    here = lock_of(client, tree, run_model(client, tree, MODEL, "--for-check"))
    moved = run_model(client, elsewhere, MODEL, "--for-check")
    check_equal(lock_of(client, tree, moved, "--map", f"{elsewhere}={tree}", name="map.lock"), here, "the lock with --map")
    check_equal(lock_of(client, tree, moved, "--root", elsewhere, name="root.lock"), here, "the lock with --root")
    build = client.folder / "build"
    build.mkdir()
    (tree / "model.py").write_text(MODEL)
    dumps = run_in(client, build, [PYTHON, tree / "model.py"], "--for-check")
    check_equal(lock_of(client, build, dumps, name=tree / "far.lock"), here, "the lock from a folder outside of the tree")
    inside = tree / "sub"
    inside.mkdir()
    (inside / "model.py").write_text(MODEL)
    lock = lock_of(client, inside, run_in(client, inside, [PYTHON, "model.py"], "--for-check"))
    check(("sub/model.py:train", "(root)", "dgemm") in rows(lock, "site"), lock.decode())


@case()
def update_leaves_no_part(client):
    """A signal while the lock is written leaves the old lock, and nothing beside it."""
    tree = work(client)
    lock = lock_of(client, tree, run_model(client, tree, MODEL, "--for-check"))
    more = run_model(client, tree, MODEL + "train(A)\n", "--for-check")
    for delay in range(0, 60, 3):
        process = subprocess.Popen([client.reporter, "check", "--lock", "flops.lock", "--update", more], cwd=tree,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay / 1000)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        check_equal(sorted(os.listdir(tree)), [".git", "flops.lock", "model.py"], "files")
        (tree / "flops.lock").write_bytes(lock)
