# SPDX-License-Identifier: BSD-3-Clause
"""Tests what a report shows of programs: work in flight, budgets that stopped them, stacks, and nothing at all if
nothing was wrong."""

import http.server
import json
import shutil
import signal
import subprocess
import threading

from harness import EVERY_BLAS, PYTHON, SCRIPTS, Skip, case, check, check_equal, library_folder

ONE, OTHER = 400, 1000  # FLOPs of the two calls of ddot in the mode "pair" of shown.c
DOT = 40_000            # FLOPs of a call of ddot in the mode "loop"
FLIGHT = 2 * 3000**3    # FLOPs of the product in which the mode "flight" ends


def shown(client):
    return client.compile("shown.c", "-ldl", name="shown")


def report(client, run, *options, status=0, **environment):
    """What flopshim-report prints for a run."""
    done = subprocess.run([client.reporter, *options, *run.dumps], capture_output=True, text=True, timeout=60,
                          env=client.environment(**environment))
    check_equal(done.returncode, status, f"status of the report: {done.stderr[-300:]}")
    return done.stdout


def table(text, title):
    """The lines of a table of a report, without its title and headings."""
    lines = text.split(f"\n{title}\n", 1)
    check(len(lines) == 2, f"no table {title!r} in {text[:600]}")
    return lines[1].split("\n\n")[0].splitlines()[1:]


# ---- stacks ----

@case()
def share_of_a_call_in_flight(client):
    """The stack of a call in flight has a share of the work that includes that call: 2 FLOPs are done, and the program
    is killed in a call of 5.4e10."""
    run = client.run([shown(client), "flight"], status=-signal.SIGALRM)
    totals = run.totals
    check_equal((totals["flops"], totals["in_flight_flops"]), (2, FLIGHT), "FLOPs that ran, and that were in flight")
    (stack,) = run.report["stacks"]
    check_equal((stack["symbol"], stack["estimated_flops"]), ("dgemm_", FLIGHT), "the stack")
    check(0.999 < stack["share"] <= 1, f"its share is {stack['share']}")
    check("100.0 %" in table(report(client, run), "Sampled stacks")[0], "the text has another share")


@case()
def share_of_a_rejected_call(client):
    """The stack of a call that LAPACK rejects has no FLOPs."""
    run = client.run([shown(client), "rejected"], blas="openblas-pthread", FLOPSHIM_STACKS="all")
    check_equal((run.totals["flops"], run.totals["rejected_calls"]), (2, 1), "FLOPs and rejected calls")
    stacks = {stack["symbol"]: stack["estimated_flops"] for stack in run.report["stacks"]}
    check(any(symbol.startswith("dgesv") for symbol in stacks), f"no stack of the rejected call was taken: {stacks}")
    check_equal(sum(stacks.values()), 2, "FLOPs of the stacks")


@case(stacks=("auto", "all", "leaf"))
def stacks_within_their_sites(client):
    """Stacks share exactly the FLOPs of their sites, even if a sample stands for more. Exact figures do not look like
    estimates, and estimates do."""
    run = client.run([shown(client), "pair", 5000], FLOPSHIM_STACKS=client.stacks, FLOPSHIM_MULTIPLIER="3")
    sites = {site["line"]: site["flops"] for site in run.report["sites"]}
    check_equal(sorted(sites.values()), [5000 * ONE, 5000 * OTHER], "FLOPs of the sites")
    check_equal(bool(run.report["stacks"]), client.stacks != "leaf", "whether there are stacks")
    for stack in run.report["stacks"]:
        check(stack["estimated_flops"] in sites.values(), f"a stack has {stack['estimated_flops']} FLOPs")
        check_equal(stack["exact"], client.stacks == "all", "exact")
    text = report(client, run)
    if client.stacks == "all":
        check_equal(len(run.report["stacks"]), 2, "stacks")
        check("~" not in "".join(table(text, "Sampled stacks")), f"exact figures look like estimates: {text}")
    if client.stacks == "auto":
        check("~" in table(text, "Sampled stacks")[0], f"an estimate looks exact: {text}")


PROGRAM = """
import numpy as np

a = np.ones((200, 200))

def deep(n):
    return deep(n - 1) if n else inner()

def inner():
    return np.linalg.multi_dot([a, a]) if shown else np.dot(a, a)

for shown in (0, 1):
    for n in range(4, 14):
        deep(n)
"""


@case()
def python_stacks(client):
    """Stacks that readers cannot tell apart are one row, and NumPy's own code is not shown as where work comes from.
    Programs see all stacks."""
    program = client.folder / "program.py"
    program.write_text(PROGRAM)
    run = client.run([PYTHON, program], FLOPSHIM_STACKS="all")
    text = report(client, run, "--top", "all")
    rows = [line[line.index("cblas"):] for line in table(text, "Sampled stacks") if "cblas" in line]
    check_equal(len(rows), len(set(rows)), f"rows of {rows}")
    check(any("inner" in row and "deep" in row for row in rows), f"no deep stack in {rows}")
    check("<__array_function__ internals>" not in text, f"NumPy's own code is shown: {text}")
    line = PROGRAM.splitlines().index(next(line for line in PROGRAM.splitlines() if "multi_dot" in line)) + 1
    check(any(f"inner ({program}:{line})" in line_ for line_ in table(text, "Call sites")), f"no such line in {text}")
    # Programs see every stack, with all frames.
    stacks = json.loads(report(client, run, "--json", "--top", "all"))["stacks"]
    check(len({json.dumps(stack["python"]) for stack in stacks}) >= 20, f"{len(stacks)} stacks")


@case(how=("missing", "broken"))
def stacks_without_libunwind(client):
    """If libunwind is missing or broken, the report says so, and still shows the call sites."""
    folder = client.folder / "unwind"
    folder.mkdir()
    (folder / "libunwind.so.8").write_bytes(b"" if client.how == "missing" else b"\x7fELF no such object")
    path = client.environment()["LD_LIBRARY_PATH"]
    run = client.run([shown(client), "loop", 30], LD_LIBRARY_PATH=f"{folder}:{path}", FLOPSHIM_STACKS="all")
    check_equal(run.totals["calls"], 30, "calls")
    text = report(client, run)
    check("libunwind.so.8 cannot be loaded" in text, f"the report does not say why: {text}")
    check("dot (" in table(text, "Call sites")[0], f"the call site is not known: {text}")
    plain = report(client, client.run([shown(client), "loop", 30], FLOPSHIM_STACKS="all"))
    check("libunwind" not in plain and "could not be taken" not in plain, f"a report with all stacks says {plain}")


# ---- ends ----

@case(name=("XCPU", "USR1", "TERM"))
def ended_by_the_signal_of_a_budget(client):
    """The report says that a process ended by the signal of its budget, or that it got that signal and handled it."""
    number = getattr(signal, f"SIG{client.name}")
    settings = {"FLOPSHIM_BUDGET": 2 * DOT, "FLOPSHIM_ON_EXCEED": f"signal:{client.name}"}
    run = client.run([shown(client), "loop", 9], status=-number, **settings)
    text = report(client, run)
    check(f"ended after SIG{client.name} from its budget" in text, f"the report says {text[:300]}")
    check("without closing" not in text, f"the report says {text[:300]}")
    (process,) = run.report["process_list"]
    check_equal((process["state"], process["signal"], process["complete"]), ("ended", f"SIG{client.name}", True), "the process")
    handled = client.run([shown(client), "handled", 9], **settings)
    text = report(client, handled)
    check("closed, " in text and f"was sent SIG{client.name} by its budget" in text, f"the report says {text[:300]}")
    check_equal((handled.totals["calls"], handled.totals["refused_calls"]), (2, 7), "calls, and refused ones")


@case()
def ended_by_another_signal(client):
    """If a process with a budget ends by another signal, the report does not name the budget."""
    run = client.run([shown(client), "flight"], status=-signal.SIGALRM, FLOPSHIM_BUDGET="1T")
    check("ended without closing its dump" in report(client, run), "the report says that a budget did it")
    check_equal(run.report["process_list"][0]["signal"], None, "signal")


@case()
def ended_in_its_first_call(client):
    """A budget that is used by a call in flight alone is not said to be uncharged."""
    run = client.run([shown(client), "first"], status=-signal.SIGALRM, FLOPSHIM_BUDGET="1T")
    (space,) = [space for space in run.report["namespaces"] if space["budget"]]
    check_equal((space["inclusive_calls"], space["budget_used"]), (0, FLIGHT), "calls, and what is used of the budget")
    text = report(client, run, "--by", "namespace")
    check("54.00 G" in text and "never charged" not in text, f"the report says {text}")


@case(action=("deny", "signal"))
def lines_about_refusals(client):
    """At most ten lines about refusals are printed, and one more says that later ones are not."""
    settings = {"FLOPSHIM_BUDGET": DOT, "FLOPSHIM_ON_EXCEED": client.action}
    for calls, lines in ((10, 9), (11, 10), (40, 10)):
        run = client.run([shown(client), "handled", calls], **settings)
        said = run.err.decode().splitlines()
        check_equal(sum("refused: it costs" in line for line in said), lines, f"{calls} calls: lines about refusals")
        last = [line for line in said if "are counted, but not reported" in line]
        check_equal((len(last), len(said)), (lines == 10, lines + (lines == 10)), f"{calls} calls: lines")
        check_equal(run.totals["refused_calls"], calls - 1, "refused calls")


# ---- files ----

PLUGINS = {"here": "./plugin.so", "around": "../here/plugin.so", "searched": "plugin.so"}


@case(path=tuple(PLUGINS))
def relative_paths(client):
    """An object that was opened by a relative path is found by its full path, wherever the program has gone since."""
    here = client.folder / "here"
    here.mkdir()
    plugin = client.compile("plugin_dot.c", "-shared", "-fPIC", name="plugin_dot.so")
    shutil.copy(plugin, here / "plugin.so")
    search = {"LD_LIBRARY_PATH": f".:{client.environment()['LD_LIBRARY_PATH']}"} if client.path == "searched" else {}
    run = client.run([shown(client), "plug", PLUGINS[client.path]], cwd=here, **search)
    (site,) = [site for site in run.report["sites"] if site["symbol"] == "ddot_"]
    check_equal((site["module"], site["problem"]), (str(here / "plugin.so"), None), "module, and what is wrong with it")
    check_equal((site["function"], site["calls"]), ("plugin_dot", 3), "function and calls")
    check("cannot be read" not in report(client, run), "the report says that a file cannot be read")


# ---- the network ----

class Asked(http.server.BaseHTTPRequestHandler):
    """A web server that records what it is asked for."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *words):
        pass


ASKING = {"report": (), "by": ("--by", "site"), "csv": ("--csv=sites",)}


@case(command=tuple(ASKING))
def debuginfod(client):
    """A distribution sets DEBUGINFOD_URLS for everybody. Without --debuginfod, no server is asked about a program."""
    program = client.folder / "stripped"
    subprocess.run(["strip", "-o", str(program), str(shown(client))], check=True)
    run = client.run([program, "loop", 3])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        settings = {"DEBUGINFOD_URLS": f"http://127.0.0.1:{server.server_port}/", "DEBUGINFOD_CACHE_PATH": str(client.folder)}
        report(client, run, *ASKING[client.command], **settings)
        check_equal(server.asked, [], "what was asked")
        report(client, run, "--debuginfod", *ASKING[client.command], **settings)
        report(client, run, "reprice", "--by", "site", "--debuginfod", **settings)  # reprice asks for nothing
        if not (library_folder() / "libdebuginfod.so.1").exists():
            raise Skip("no libdebuginfod.so.1")
        check(any("debuginfo" in path for path in server.asked), f"with --debuginfod it asked {server.asked}")
    finally:
        server.shutdown()


# ---- nothing wrong ----

FINE = {
    "c": ("loop", "100"),
    "few": ("pair", "100"),
    "python": None,
    "nothing": ("loop", "0"),
}


@case(program=tuple(FINE), on=EVERY_BLAS)
def nothing_wrong(client):
    """If nothing is wrong, there is no line on standard error, and no warning or remark in the report."""
    if FINE[client.program]:
        command = [shown(client), *FINE[client.program]]
    else:
        command = [PYTHON, SCRIPTS / "numpy_linalg.py", "solve"]
    for settings in ({}, {"FLOPSHIM_STACKS": "all", "FLOPSHIM_TIME": "all"}, {"FLOPSHIM_BUDGET": "1P"}):
        run = client.same(command, **settings)
        if not run.dumps:
            check_equal(client.program, "nothing", "a program without a dump")
            continue
        done = subprocess.run([client.reporter, "--markdown", *run.dumps], capture_output=True, text=True)
        check_equal((done.returncode, done.stderr), (0, ""), "status and messages of the report")
        for words in ("| **", "INCOMPLETE", "Out of reach", "Damaged", "Not priced", "could not"):
            check(words not in done.stdout, f"{settings}: the report has {words!r}: {done.stdout[:900]}")
        found = json.loads(report(client, run, "--json"))
        check_equal((found["complete"], found["notes"], found["damage"]), (True, [], []), "complete, notes, damage")
        check_equal([process["losses"] for process in found["process_list"]], [[]], "losses")
