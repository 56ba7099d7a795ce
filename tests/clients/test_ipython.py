# SPDX-License-Identifier: BSD-3-Clause
"""Tests %flops and %%flops in a real IPython, in its shell, by its prompt, and in a kernel for notebooks. Expected FLOPs come
from mathematics. No case may need a terminal."""

import json
import re
import shutil
import subprocess

import flops
from harness import PYTHON, TOP, Skip, case, check, check_equal, read_report

BINDINGS = TOP / "bindings"
M, N, K = 30, 20, 50
GEMM = flops.gemm(M, N, K)
BEGIN = f"import numpy as np\nA, B = np.ones(({M}, {K})), np.ones(({K}, {N}))\n"
ABSENT = "flopshim is not loaded in this process, and nothing is counted: start it with `flopshim ipython`"


def need(module, package):
    if subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True).returncode:
        raise Skip(f"no {package}")


def run(client, command, **options):
    path = f"{client.build_folder}:/usr/bin:/bin"
    options = {"PYTHONPATH": BINDINGS, "PATH": path, "IPYTHONDIR": client.folder / "ipython", **options}
    return client.run(command, **options)


def cells(client, *texts, shim=True, **environment):
    """Runs cells in a shell of IPython. Returns for each the repr of its result, and all that was printed."""
    need("IPython", "python3-ipython")
    program = f"""
import json, sys, io, contextlib
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor")
shell.run_cell({BEGIN!r} + "%load_ext flopshim", store_history=True)
answers = []
for text in json.loads({json.dumps(texts)!r}):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        result = shell.run_cell(text, store_history=True)
    answers.append([repr(result.result), out.getvalue(), err.getvalue(), repr(result.error_in_exec or result.error_before_exec)])
print("ANSWERS" + json.dumps(answers))
"""
    (client.folder / "program.py").write_text(program)
    done = run(client, [PYTHON, client.folder / "program.py"], shim=shim, **environment)
    return json.loads(done.out.decode().partition("ANSWERS")[2])


def first_line(printed):
    return next(line for line in printed.splitlines() if "FLOPs" in line)


TIME = r"[\d.,]+ ([mun]?s)"


@case()
def statement(client):
    """A statement's FLOPs, calls, time and rate, and a table by routine and shape; its value is returned."""
    (value, out, err, wrong), after, (assigned, out_2, *_), (shown, *_) = cells(
        client, "%flops A @ B", "_.shape", "%flops C = A @ B", "C.shape")
    check(value.startswith("array([[50., 50.") and (wrong, err) == ("None", ""), f"{value} {wrong} {err}")
    check_equal(after[0], f"({M}, {N})", "the shape of the value, as Out has it")
    check(re.search(rf"^{GEMM:,} FLOPs in 1 call, {TIME}, [\d.e+]+ GFLOP/s$", out, re.M), out)
    dimensions = rf"(m={M} n={N}|m={N} n={M}) k={K}"  # as NumPy asks for the product or for its transpose
    check(re.search(rf"^dgemm +transa=. transb=. {dimensions} +1 +{GEMM:,}( |$)", out, re.M), out)
    check_equal((assigned, shown), ("None", f"({M}, {N})"), "an assignment")
    check(f"{GEMM:,} FLOPs in 1 call" in out_2, out_2)


@case()
def cell(client):
    """A cell's work, several routines of it, in the order of their FLOPs; loops, functions, nested namespaces and charges are in
    it, and the value of its last line is returned."""
    text = """%%flops -o
import flopshim
def f():
    for i in range(3):
        A @ B
with flopshim.namespace("inner"):
    f()
flopshim.charge("by hand", 777)
np.dot(A[0], A[1])
"""
    (value, out, err, wrong), (rows, *_) = cells(client, text, "r = _; [(x['routine'], x['calls'], x['flops']) for x in r.rows], "
                                                 "r.flops, r.charged, r.calls, r.namespace, r.value, r.seconds > 0, r.gflops > 0")
    done = 3 * GEMM + flops.dot(K) + 777
    expected = ([("dgemm", 3, 3 * GEMM), ("by hand", 1, 777), ("ddot", 1, flops.dot(K))], done, done, 5, "In:2", float(K))
    check_equal(eval(rows, {"np": None})[:6], expected, f"what the object has; {wrong} {err}")
    check(rows.endswith("True, True)"), rows)
    check(f"{done:,} FLOPs in 5 calls" in out and out.index("dgemm") < out.index("by hand") < out.index("ddot"), out)
    check(value.startswith("<flops of In:2: "), value)


@case()
def options(client):
    """-n charges to a namespace, which may have done work before; -q prints nothing; -- ends the options."""
    answers = cells(client, "%flops -n train A @ B;", "%flops -n train A @ B", "%flops -q -o -n train A @ B",
                    "r = _; r.flops, r.calls, len(r.rows), r.rows[0]['flops'], r.namespace",
                    "import flopshim; flopshim.used('train'), flopshim.used('outer.train')", "%flops -q -- -A @ B",
                    "%%flops -q\nA @ B", "flopshim.used('In:8'), flopshim.used('In:7')", "%flops -n .a.b:1 A @ B")
    for i in (0, 1, 8):
        check(f"{GEMM:,} FLOPs in 1 call" in answers[i][1], answers[i])
    for i in (2, 5, 6):
        check("FLOPs in" not in answers[i][1].partition("Out[")[0], f"-q prints: {answers[i][1]}")
    check_equal(answers[3][0], f"({GEMM}, 1, 1, {GEMM}, 'train')", "a namespace that had work before")
    check_equal(answers[4][0], f"({3 * GEMM}, 0)", "FLOPs of the namespace")
    check(answers[5][0].startswith("array([[-50."), answers[5][0])
    check_equal(answers[7][0], f"({GEMM}, {GEMM})", "FLOPs of namespaces by the number of the input")


@case()
def around(client):
    """Work in absolute namespaces is told apart; a namespace of the process stands before the cell's; multipliers are said;
    reset() is no silent zero."""
    answers = cells(client, "%%flops\nimport flopshim\nA @ B\nwith flopshim.namespace('.other'): A @ B",
                    "%%flops -o\nflopshim.reset()\nA @ B", "_.flops, _.charged", FLOPSHIM_NAMESPACE="job")
    check(f"{GEMM:,} more were charged to namespaces outside of job.In:2" in answers[0][1] and
          first_line(answers[0][1]).startswith(f"{GEMM:,} FLOPs in 1 call"), answers[0][1])
    check("It has called flopshim.reset()" in answers[1][1], answers[1][1])
    check_equal(answers[2][0], f"(None, {GEMM})", "FLOPs after reset()")
    answers = cells(client, "%flops A @ B", FLOPSHIM_MULTIPLIER="3")
    check(f"{GEMM:,} FLOPs ({3 * GEMM:,} charged) in 1 call" in answers[0][1], answers[0][1])


@case()
def without_dump(client):
    """Where the process keeps no dump, the table is by routine, and a line says that shapes are not known."""
    answers = cells(client, "%flops A @ B", "%flops -o -q A @ B", "_.rows", FLOPSHIM_OUT="/dev/null")
    check(f"{GEMM:,} FLOPs in 1 call" in answers[0][1] and "The shapes are not known" in answers[0][1], answers[0][1])
    row, = eval(answers[2][0])
    check_equal(row, {"routine": "dgemm", "arguments": None, "calls": 1, "flops": GEMM, "charged": GEMM,
                      "estimated_time_ns": None}, "the row")


@case()
def errors(client):
    """An exception comes through after what was counted is printed; wrong options and syntax have their errors."""
    answers = cells(client, "%flops A @ B / (1 // 0)", "%%flops\nA @ B\nraise ValueError('mine')",
                    "%flops -n 'a b' A @ B", "%flops",
                    "%%flops A\nB", "%flops -x A", "%flops f(", "import flopshim; flopshim.calls()", "%%flops\n")
    check(answers[0][3].startswith("ZeroDivisionError") and f"{GEMM:,} FLOPs in 1 call" in answers[0][1], answers[0])
    check(answers[1][3] == "ValueError('mine')" and f"{GEMM:,} FLOPs in 1 call" in answers[1][1], answers[1])
    for i, text in ((2, "-n 'a b': not a name of a namespace; expected one such as train.forward"), (3, "no statement is given"),
                    (4, "A: %%flops takes its code from the lines below"), (5, "option -x not recognized")):
        check(answers[i][3].startswith("UsageError") and text in answers[i][3].replace("\\'", "'"), answers[i])
    check("SyntaxError" in answers[6][3], answers[6])


@case()
def without_the_shim(client):
    """Without the shim the code runs and returns its value, and a sentence says how to start IPython; numbers are None."""
    answers = cells(client, "%flops A @ B", "%%flops -q\nC = A @ B\nC.shape", "%flops -q -o A.sum()",
                    "r = _; r.flops, r.charged, r.calls, r.gflops, r.rows, r.value", "%flops 1 // 0", shim=False)
    check(answers[0][0].startswith("array([[50.") and ABSENT in answers[0][2], answers[0])
    check("FLOPs in" not in answers[0][1], answers[0])
    check_equal((answers[1][0], ABSENT in answers[1][2]), (f"({M}, {N})", False), "a quiet cell")
    check_equal(answers[3][0], f"(None, None, None, None, [], {float(M * K)})", "the object")
    check(answers[4][3].startswith("ZeroDivisionError"), answers[4])


@case()
def by_the_prompt(client):
    """`flopshim ipython`, driven by its prompt."""
    need("IPython", "python3-ipython")
    dump = client.folder / "session.dump"
    lines = f"{BEGIN}%load_ext flopshim\n%flops A @ B\n%flops?\nexit\n"
    command = [client.launcher, "-o", dump, PYTHON, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"]
    done = run(client, command, shim=False, stdin=lines.encode())
    out = done.out.decode()
    check(re.search(rf"{GEMM:,} FLOPs in 1 call, {TIME}, ", out), out[-1500:])
    check("Count the FLOPs of a statement or of a cell" in out and "-n NAMESPACE" in out, "no help")
    report = subprocess.run([client.reporter, "--by", "namespace", "--csv", dump], capture_output=True, text=True).stdout
    check(re.search(rf"^In:4,1,{GEMM},", report, re.M), report)


@case()
def notebook(client):
    """A notebook whose kernel inherits the shim from `flopshim jupyter`: what %flops prints, and HTML of result and report."""
    need("nbclient", "python3-nbclient")
    if not shutil.which("jupyter", path="/usr/bin"):
        raise Skip("no jupyter-client")
    need("ipykernel", "python3-ipykernel")
    import_nbformat = "import nbformat, sys; v = nbformat.v4\n"
    sources = [BEGIN + "%load_ext flopshim", "%%flops -n train -o\nA @ B",
               "import flopshim; flopshim.Report(flopshim.dump_path())"]
    make = import_nbformat + f"nbformat.write(v.new_notebook(cells=[v.new_code_cell(s) for s in {sources!r}], metadata=" \
        "{'kernelspec': {'name': 'python3', 'display_name': 'Python 3', 'language': 'python'}}), sys.argv[1])"
    page, dumps = client.folder / "page.ipynb", client.folder / "dumps"
    dumps.mkdir()
    run(client, [PYTHON, "-c", make, page], shim=False)
    runtime = client.folder / "runtime"
    run(client, [client.launcher, "-o", f"{dumps}/", "jupyter", "execute", page], shim=False, JUPYTER_RUNTIME_DIR=runtime)
    report = read_report(client.reporter, [str(dumps)])
    check_equal({row["namespace"]: row["inclusive_flops"] for row in report["namespaces"]}["train"], GEMM, "FLOPs of train")
    program = f"""
import nbformat, nbclient
page = nbformat.read({str(page)!r}, 4)
nbclient.NotebookClient(page, timeout=100, kernel_name="python3").execute()
nbformat.write(page, {str(page)!r})
"""  # `jupyter execute` of Debian 12 does not keep what cells show
    run(client, [client.launcher, "-o", f"{dumps}/", PYTHON, "-c", program], shim=False, JUPYTER_RUNTIME_DIR=runtime)
    _first, flops_cell, report_cell = json.loads(page.read_text())["cells"]
    printed = "".join("".join(output.get("text", "")) for output in flops_cell["outputs"])
    check(f"{GEMM:,} FLOPs in 1 call" in printed, flops_cell["outputs"])
    for shown in (flops_cell, report_cell):
        pages = ["".join(output["data"]["text/html"]) for output in shown["outputs"] if "text/html" in output.get("data", {})]
        check(len(pages) == 1 and "dgemm" in pages[0] and "<table>" in pages[0], shown["outputs"])
