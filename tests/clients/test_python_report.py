# SPDX-License-Identifier: BSD-3-Clause
"""Tests flopshim.Report, the reader of dumps for Python. Expected FLOPs come from mathematics, and are compared with what the
class says in a process of its own; no case may read a dump by itself."""

import html.parser
import json
import re
import shutil

import flops
from harness import PYTHON, TOP, case, check, check_equal

BINDINGS = TOP / "bindings"
M, N, K, TIMES = 30, 20, 50, 3
WORK = f"""
import flopshim, numpy as np
a, b = np.ones(({M}, {K})), np.ones(({K}, {N}))
with flopshim.namespace("train"):
    for i in range({TIMES}):
        a @ b
with flopshim.budget(10**9, "fit"):
    np.dot(a[0], b[:, 0].copy())
flopshim.charge("by hand", 12345)
"""
# NumPy itself calls sdot for two elements when it is imported, to see whether the BLAS works.
ALL = TIMES * flops.gemm(M, N, K) + flops.dot(K) + 12345 + flops.dot(2)
CALLS = TIMES + 2


def made(client, name="work.py", text=WORK, **environment):
    """Runs a program under the shim, and returns the path of its dump."""
    program = client.folder / name
    program.write_text(text)
    dump = client.folder / f"{program.stem}.dump"
    client.run([PYTHON, program], PYTHONPATH=BINDINGS, FLOPSHIM_OUT=dump, FLOPSHIM_OVERWRITE="1", **environment)
    return dump


def ask(client, text, *words, shim=False, status=0, **environment):
    """Runs Python with `flopshim` imported, and flopshim-report in PATH. What the text stores in `answer` is returned, through
    JSON, with what stands on standard error."""
    path = f"{client.build_folder}:/usr/bin:/bin"
    program = f"import flopshim, json, sys\nanswer = None\n{text}\nprint(json.dumps(answer))\n"
    run = client.run([PYTHON, "-c", program, *words], shim=shim, status=status, PYTHONPATH=BINDINGS, PATH=path, **environment)
    return (json.loads(run.out) if status == 0 else run.out.decode()), run.err.decode()


@case()
def numbers(client):
    """Totals, tables and rows say what the program did: exact numbers, in each table that has them."""
    dump = made(client, FLOPSHIM_TIME="all", FLOPSHIM_STACKS="all")
    answer, said = ask(client, """
r = flopshim.Report(sys.argv[1])
answer = dict(flops=r.flops, charged=r.charged, calls=r.calls, complete=r.complete, total=r.totals["flops"],
    routines={row["routine"]: [row["calls"], row["flops"]] for row in r.routines},
    shapes=[[row["arguments"], row["calls"], row["flops"]] for row in r.shapes if row["routine"] == "dgemm"],
    spaces={row["namespace"]: row["inclusive_flops"] for row in r.namespaces},
    budgets=[[row["namespace"], row["amount"], row["used"]] for row in r.budgets],
    charges=[[row["name"], row["flops"]] for row in r.charges],
    rows=[[row["namespace"], row["routine"], row["kind"], row["flops"]] for row in r.rows],
    python=[row["python"] for row in r.sites], hosts=[row["flops"] for row in r.hosts],
    code=[[row["line"], row["own_flops"]] for row in r.code if row["yours"] and row["file"]],
    processes=[row["arguments"] for row in r.processes], libraries=len(r.libraries), empty=[r.launches, r.unpriced, r.damage],
    stacks=len(r.stacks), notes=r.notes, seconds=r.seconds, gflops=r.gflops, by=r.by("namespace"),
    same=r.to_dict()["totals"] == r.totals, text=repr(r))
""", dump)
    gemm = flops.gemm(M, N, K)
    check_equal(said, "", "standard error")
    for name, expected in (("flops", ALL), ("charged", ALL), ("total", ALL), ("calls", CALLS), ("complete", True), ("same", True),
                           ("hosts", [ALL]), ("empty", [[], [], []]), ("notes", []), ("charges", [["by hand", 12345]]),
                           ("budgets", [["fit", 10**9, flops.dot(K)]]), ("libraries", 1),
                           ("spaces", {"": ALL, "train": TIMES * gemm, "fit": flops.dot(K)})):
        check_equal(answer[name], expected, name)
    check_equal(answer["routines"], {"dgemm": [TIMES, TIMES * gemm], "ddot": [1, flops.dot(K)], "sdot": [1, flops.dot(2)]},
                "routines")
    (arguments, calls, done), = answer["shapes"]
    check_equal((calls, done), (TIMES, TIMES * gemm), "calls and FLOPs of the shape of dgemm")
    # NumPy stores by rows and BLAS by columns, so that m and n may have changed places.
    check_equal(sorted(arguments[name] for name in "mnk"), sorted((M, N, K)), "dimensions")
    check_equal(sorted(answer["rows"]), sorted([["train", "dgemm", "call", TIMES * gemm], ["fit", "ddot", "call", flops.dot(K)],
                                                ["", "sdot", "call", flops.dot(2)], ["", "by hand", "manual", 12345]]), "rows")
    check_equal(dict(answer["code"])[6], TIMES * gemm, "FLOPs of the line of the product")
    check(any("work.py:6" in (line or "") for line in answer["python"]), f"no site is in line 6: {answer['python']}")
    check_equal([words[-1] for words in answer["processes"]], [str(client.folder / "work.py")], "programs")
    check_equal({row["namespace"]: row["inclusive_flops"] for row in answer["by"]}, answer["spaces"], "by namespace")
    check(answer["seconds"] > 0 and answer["gflops"] > 0 and answer["stacks"] > 0, "no time, rate or stack")
    check(re.fullmatch(rf"<flopshim.Report: {ALL:,} FLOPs in {CALLS} calls of 1 process, (about )?[\d.]+ [mu]?s, [\d.]+ GFLOP/s>",
                       answer["text"]), answer["text"])


@case()
def many_dumps(client):
    """Paths may be a text, a Path, bytes, a list, a generator, a folder or a page; the current folder is read without one."""
    folder = client.folder / "dumps"
    folder.mkdir()
    for number, name in enumerate(("one.dump", "two.dump"), 1):
        shutil.move(made(client, text=f"import flopshim\nflopshim.charge('x', {number}000)\n"), folder / name)
    client.run([client.reporter, "html", "-o", folder / "page.html", folder / "one.dump", folder / "two.dump"], shim=False)
    answer, said = ask(client, """
import pathlib, os
f = pathlib.Path(sys.argv[1])
one, two = f / "one.dump", str(f / "two.dump")
os.chdir(f)
answer = [flopshim.Report(paths).flops
          for paths in (str(one), one, os.fsencode(one), [one, two], (p for p in (one, two)), f, f / "page.html", None)]
answer += [flopshim.Report().flops, flopshim.Report(last=True).flops, flopshim.Report(reprice=True).flops]
""", folder)
    check_equal(answer, [1000, 1000, 1000, 3000, 3000, 3000, 3000, 3000, 3000, 2000, 3000], "FLOPs")
    check_equal(said, "", "standard error")


@case()
def exact(client):
    """Integers are exact where they need more than 53 and more than 64 bits, in pandas too."""
    parts = [2**62 + i for i in range(5)]
    dump = made(client, text=f"import flopshim\nfor i, part in enumerate({parts}):\n"
                "    with flopshim.namespace(f'n{i}'): flopshim.charge('large', part)\n"
                "flopshim.charge('small', 2**53 + 1)\n")
    total = sum(parts) + 2**53 + 1
    answer, _said = ask(client, """
r = flopshim.Report(sys.argv[1])
answer = dict(flops=r.flops, rows=sum(row["flops"] for row in r.rows), charge=r.charges[0]["flops"])
""", dump)
    check_equal(answer, {"flops": total, "rows": total, "charge": sum(parts)}, "FLOPs")
    if client.run([PYTHON, "-c", "import pandas"], shim=False, status=None).status:
        return
    answer, _said = ask(client, """
r = flopshim.Report(sys.argv[1])
spaces, rows, charges = r.to_pandas("namespaces"), r.to_pandas(), r.to_pandas("charges")
answer = dict(types=[str(f[name].dtype) for f, name in ((spaces, "inclusive_flops"), (spaces, "own_flops"), (rows, "flops"),
    (rows, "estimated_time_ns"), (rows, "share"), (rows, "flops_per_word"))],
    sums=[int(spaces["inclusive_flops"].max()), sum(map(int, rows["flops"])), int(charges["flops"].max())],
    by=r.to_pandas("process").shape[0])
""", dump)
    check_equal(answer["sums"], [total, total, sum(parts)], "sums in pandas")
    check_equal(answer["types"], ["object", "int64", "int64", "object", "float64", "float64"], "types of columns")
    check_equal(answer["by"], 1, "rows by process")


@case()
def pandas(client):
    """Shapes are texts in a DataFrame, by which one can group; a wrong table has a sentence, and so has missing pandas."""
    dump = made(client)
    text = """
r = flopshim.Report(sys.argv[1])
def of(name):
    try:
        return r.to_pandas(name).shape
    except Exception as error:
        return f"{type(error).__name__}: {error}"
"""
    answer, _said = ask(client, "sys.modules['pandas'] = None\n" + text + "answer = of('rows')", dump)
    check(answer.startswith("ImportError: Report.to_pandas needs pandas, which this Python does not have"), answer)
    if client.run([PYTHON, "-c", "import pandas"], shim=False, status=None).status:
        return
    answer, _said = ask(client, text + """
f = r.to_pandas("shapes").groupby("arguments")["flops"].sum().to_dict()
answer = [f, of("flops"), of("nonsense"), of("launches"), of("routines")[0], str(r.to_pandas("sites")["flops"].dtype)]
""", dump)
    products, flop_error, error, empty, routines, kind = answer
    check_equal([done for text, done in products.items() if f"k={K}" in text], [TIMES * flops.gemm(M, N, K)], "by shape")
    check_equal(flop_error, "ValueError: 'flops' is no table of a report, but a number", "the error for a number")
    check("ReportError: --by nonsense: there is no such key" in error, error)
    check_equal((empty[0], routines, kind), (0, 3, "int64"), "rows and type")


@case()
def errors(client):
    """What cannot be read raises ReportError with the sentence and the status of flopshim-report; what is incomplete gives a
    report and a warning."""
    dump = made(client)
    (client.folder / "empty").mkdir()
    (client.folder / "text.dump").write_text("hello\n")
    (client.folder / "cut.dump").write_bytes(dump.read_bytes()[:3000])
    shutil.copy(dump, client.folder / "copy.dump")
    (client.folder / "half.dump").write_bytes(made(client, "other.py").read_bytes()[:3000])
    answer, said = ask(client, """
import pickle, warnings, os
os.chdir(sys.argv[1])
def of(paths):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            r = flopshim.Report(paths)
        except flopshim.ReportError as error:
            same = pickle.loads(pickle.dumps(error))
            return [error.status, error.sentence, str(error) == str(same) and isinstance(error, RuntimeError)]
        except ValueError as error:
            return str(error)
        return [r.complete, r.flops, r.calls, r.seconds, r.gflops, [f"{w.category.__name__}: {w.message}" for w in heard],
                [w.filename for w in heard], repr(r), "INCOMPLETE" in r._repr_html_() or "no count" in r._repr_html_()]
answer = {str(paths): of(paths) for paths in ("none.dump", "empty", "text.dump", "cut.dump", ["work.dump", "half.dump"],
                                               ["work.dump", "copy.dump"], [])}
""", client.folder)
    check_equal(said, "", "standard error")
    check_equal(answer["none.dump"], [1, "none.dump: No such file or directory", True], "a file that is not there")
    check_equal(answer["empty"], [1, "empty: no *.dump file in this directory", True], "an empty folder")
    check_equal(answer["text.dump"], [5, "text.dump: not a flopshim dump: it does not begin with FLOPSHIM", True], "a text")
    check_equal(answer["[]"], "no dump was given: name one, or a folder that has some", "no paths")
    complete, done, calls, time, rate, warned, files, text, html_tells = answer["cut.dump"]
    check_equal((complete, done, calls, time, rate), (False, None, None, None, None), "a dump without counts")
    check_equal((len(warned), files, html_tells), (1, ["<string>"], True), "warnings")
    check(warned[0].startswith("ReportWarning: cut.dump: cut short: 3000 of "), warned[0])
    check_equal(text, "<flopshim.Report: no count of 1 process could be read>", "its text")
    complete, done, _calls, _time, _rate, warned, _files, text, html_tells = answer["['work.dump', 'half.dump']"]
    check_equal((complete, done, len(warned), html_tells), (False, ALL, 1, True), "a whole dump beside one that was cut")
    check(text.endswith(", INCOMPLETE>"), text)
    complete, done, _calls, _time, _rate, warned, *_ = answer["['work.dump', 'copy.dump']"]
    check_equal((complete, done, len(warned)), (True, ALL, 1), "a dump beside its copy")
    check("the same dump as" in warned[0], warned[0])
    missing, _said = ask(client, "import os; os.environ['PATH'] = '/nowhere'\ntry: flopshim.Report(sys.argv[1])\n"
                         "except flopshim.ReportError as error: answer = [error.status, error.sentence]", dump)
    check(missing[0] == 127 and missing[1].startswith("there is no program `flopshim-report`"), missing)


@case()
def under_the_shim(client):
    """A program may read its own dump while it runs, and flopshim-report is not part of the run then."""
    answer, _said = ask(client, f"""
import numpy as np
a = np.ones(({M}, {K})); b = np.ones(({K}, {N}))
a @ b
r = flopshim.Report(flopshim.dump_path())
a @ b
answer = [r.flops, flopshim.Report(flopshim.dump_path()).flops, flopshim.used()]
""", shim=True)
    done = flops.gemm(M, N, K)
    check_equal(answer, [done + flops.dot(2), 2 * done + flops.dot(2), 2 * done + flops.dot(2)], "FLOPs")
    check_equal(len(client.history[-1].dumps), 1, "dumps")


class Tags(html.parser.HTMLParser):
    """Checks that tags are closed in order, and collects the texts of cells."""

    def __init__(self):
        super().__init__()
        self.open, self.cells = [], []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag):
        check_equal(self.open.pop() if self.open else None, tag, "the tag that is closed")

    def handle_data(self, data):
        if "td" in self.open:
            self.cells[-1] += data


@case()
def in_a_notebook(client):
    """What a notebook shows is sound HTML with the tables, and texts of the program cannot add tags to it."""
    dump = made(client, "<b>&x.py", FLOPSHIM_STACKS="all")
    answer, _said = ask(client, "answer = flopshim.Report(sys.argv[1])._repr_html_()", dump)
    page = Tags()
    page.feed(answer)
    check_equal(page.open, [], "tags that stay open")
    for text in ("dgemm", "<b>&x.py:6", "train", "(all)", f"{TIMES * flops.gemm(M, N, K):,}"):
        check(text in page.cells, f"no cell says {text}: {page.cells}")
    check(f"{ALL:,} FLOPs in {CALLS} calls of 1 process" in answer, "no summary")
    # Stacks of all calls say exactly which line did how much; of a sample they say about how much.
    check_equal([cell for cell in page.cells if cell.strip("~") == f"{TIMES * flops.gemm(M, N, K):,}"],
                [f"{TIMES * flops.gemm(M, N, K):,}"] * 5, "FLOPs of routine, line, namespace (twice) and shape")


@case()
def light(client):
    """An import brings in nothing but what markers need, and takes little of the processor: less than 10 ms beyond
    what ctypes takes, the least of ten tries. Reports and magics are imported when they are asked for."""
    cache = client.folder / "cache"
    program = ("import sys, time, ctypes\nbefore, start = set(sys.modules), time.process_time()\nimport flopshim\n"
               "took = time.process_time() - start\nprint(took, *(set(sys.modules) - before))\n")
    tries = [client.run([PYTHON, "-c", program], shim=False, PYTHONPATH=BINDINGS, PYTHONDONTWRITEBYTECODE=None,
                        PYTHONPYCACHEPREFIX=cache).out.decode().split() for _ in range(10)]
    check(min(float(words[0]) for words in tries) < 0.010, f"it takes {min(float(words[0]) for words in tries)} s")
    more = set(tries[-1][1:]) & {"json", "re", "inspect", "functools", "signal", "subprocess", "pathlib", "warnings.json",
                                 "flopshim.report", "flopshim.magics", "flopshim.programs", "importlib.metadata"}
    check_equal(sorted(more), [], "modules that an import brings in")
    answer, said = ask(client, "answer = [flopshim.__version__, sorted(set(flopshim.__all__) - set(dir(flopshim))), "
                       "hasattr(flopshim, 'nonsense')]")
    version = re.search(r'FLOPSHIM_VERSION "(.*)"', (TOP / "include" / "version.h").read_text())[1]
    check_equal(answer, [version, [], False], "version, names that dir lacks, a name that is not there")
    answer, said = ask(client, "import pydoc; sys.modules['IPython'] = None; sys.modules['pandas'] = None\n"
                       "text = pydoc.render_doc(flopshim, renderer=pydoc.plaintext)\n"
                       "answer = [name in text for name in ('class Report(', 'class budget(', 'to_pandas(')]\n"
                       "answer += [callable(flopshim.load_ipython_extension), 'flopshim.magics' in sys.modules]")
    check_equal(answer, [True, True, True, True, False], "what help(flopshim) shows without IPython and pandas")
    check_equal(said, "", "standard error")


@case()
def documented(client):
    """docs/python.md names every attribute of a report and every option of %flops, and no other."""
    text = (TOP / "docs" / "python.md").read_text()
    answer, _said = ask(client, "answer = [n for n, v in vars(flopshim.Report).items() if isinstance(v, property)]")
    rows = re.search(r"\| attribute \|.*?\n\n", text, re.S)[0].strip().splitlines()[2:]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    check_equal(sorted(named), sorted(answer), "attributes")
    letters = re.search(r'^OPTIONS = "(.*)"', (BINDINGS / "flopshim" / "magics.py").read_text(), re.M)[1]
    check_equal(set(re.findall(r"^\| `-(\w)[ `]", text, re.M)), set(letters.replace(":", "")), "options of %flops")
