# SPDX-License-Identifier: BSD-3-Clause
"""Tests FLOPSHIM_BUDGET on a NumPy program that knows nothing of it."""

import re

import flops
from harness import PYTHON, TOP, case, check, check_equal

# Six products of 250,000 FLOPs each. Before them, `import numpy` computes a dot product of 4 FLOPs.
PROGRAM = """
import sys, numpy as np
a = np.ones((50, 50))
b = np.full((50, 50), 2.0)
for i in range(6):
    c = a @ b
    print(i, c[0, 0], flush=True)
print("end", flush=True)
"""
IMPORT = flops.dot(2)
EACH = flops.gemm(50, 50, 50)
ALL = IMPORT + 6 * EACH


def run(client, status=0, **variables):
    return client.run([PYTHON, "-c", PROGRAM], status=status, **variables)


def messages(run):
    lines = run.err.decode().splitlines()
    check(all(line.startswith("flopshim: ") for line in lines), "standard error has a line that is not the shim's")
    return lines


def printed(run):
    return run.out.decode().splitlines()


def check_stopped(run, products):
    """So many products ran. The next one was refused, was neither run nor charged, and all of that is in the dump."""
    check_equal(printed(run), [f"{i} 100.0" for i in range(products)], "standard output")
    check_equal(run.totals["flops"], IMPORT + products * EACH, "FLOPs")
    check_equal(run.totals["charged"], IMPORT + products * EACH, "charged FLOPs")
    check_equal(run.totals["refused_calls"], 1, "refused calls")
    check_equal(run.totals["lost_calls"], 0, "lost calls")
    said = messages(run)
    check_equal(len(said), 1, "lines on standard error")
    check("dgemm" in said[0], "the message does not name the routine")
    check(re.search(r"250,?000|250\s?k", said[0], re.I), "the message does not give the price of the call")


@case(amount=("1M", "1e6", "1000000", "1000k", "0.001G", "1.2E6"))
def exit(client):
    """The process ends with status 121 at the first product that does not fit, counting the dot product of the import."""
    budget = client.amount
    products = 4 if budget == "1.2E6" else 3
    check_stopped(run(client, status=121, FLOPSHIM_BUDGET=budget), products)


@case()
def exact_fit(client):
    """A call that uses the budget up exactly runs, and one FLOP less refuses it."""
    check_stopped(run(client, status=121, FLOPSHIM_BUDGET=IMPORT + 4 * EACH), 4)
    check_stopped(run(client, status=121, FLOPSHIM_BUDGET=IMPORT + 4 * EACH - 1), 3)
    fits = run(client, FLOPSHIM_BUDGET=ALL)
    check_equal((fits.err, fits.totals["flops"], fits.totals["refused_calls"]), (b"", ALL, 0), "a run that fits")


@case()
def own_status(client):
    """FLOPSHIM_ON_EXCEED=exit:17 ends the process with status 17."""
    check_stopped(run(client, status=17, FLOPSHIM_BUDGET="1M", FLOPSHIM_ON_EXCEED="exit:17"), 3)


@case()
def named_root(client):
    """The report shows the budget of the process at the root namespace."""
    stopped = run(client, status=121, FLOPSHIM_BUDGET="1M")
    root = [row for row in stopped.report["namespaces"] if row["namespace"] == ""]
    check_equal(len(root), 1, "rows of the root namespace")
    check_equal((root[0]["budget"], root[0]["refused_calls"], root[0]["inclusive_flops"]),
                (1_000_000, 1, IMPORT + 3 * EACH), "budget, refused calls and FLOPs of the root")


@case()
def warn(client):
    """With `warn` the work goes on, all of it is charged, and one line says that the limit was exceeded."""
    over = run(client, FLOPSHIM_BUDGET="1M", FLOPSHIM_ON_EXCEED="warn")
    check_equal(printed(over)[-1], "end", "last line")
    check_equal((over.totals["flops"], over.totals["refused_calls"]), (ALL, 0), "FLOPs and refused calls")
    check_equal(len(messages(over)), 1, "lines on standard error")


@case()
def quiet(client):
    """FLOPSHIM_QUIET keeps the line about the refusal, since a program that is stopped must say why."""
    stopped = run(client, status=121, FLOPSHIM_BUDGET="1M", FLOPSHIM_QUIET="1")
    check_equal(len(messages(stopped)), 1, "lines on standard error")


@case()
def threads(client):
    """Two threads together never exceed the limit, and a refusal ends the process. The other thread's call may be
    stopped before it is done."""
    program = """
import threading, numpy as np
a = np.ones((50, 50)); b = np.ones((50, 50))
def work():
    while True:
        a @ b
threads = [threading.Thread(target=work) for _ in range(2)]
[t.start() for t in threads]
"""
    limit = IMPORT + 1000 * EACH
    stopped = client.run([PYTHON, "-c", program], status=121, FLOPSHIM_BUDGET=limit)
    check(limit - EACH <= stopped.totals["flops"] <= limit, f"{stopped.totals['flops']} FLOPs of {limit}")


WRONG_AMOUNTS = ("nan", "-1", "0", "1Q", "12x", "inf", "1e400", "", "0.0", "M", "1M2", "=1M", "a..b=1M", "1M,",
                 "train=nan")


@case(value=WRONG_AMOUNTS)
def wrong_amount(client):
    """A wrong amount stops the program before main, since it must not run without a limit that somebody asked for. One
    line names the variable, the wrong part and what was expected."""
    stopped = client.run([PYTHON, "-c", PROGRAM], status=2, FLOPSHIM_BUDGET=client.value)
    check_equal(stopped.out, b"", "standard output")
    said = messages(stopped)
    check_equal(len(said), 1, "lines on standard error")
    check("FLOPSHIM_BUDGET" in said[0], "the message does not name the variable")
    part = client.value.split(",")[-1].split("=")[-1]
    check(f"'{part}'" in said[0] or part and client.value in said[0], "the message does not show the wrong part")
    check(len(said[0]) > len("flopshim: FLOPSHIM_BUDGET: ") + len(client.value) + 15,
          "the message does not say what was expected")
    check_equal(stopped.dumps, [], "dumps")


@case(variable=("FLOPSHIM_BUGET", "FLOPSHIM_BUDGETS", "FLOPSHIM_ON_EXCEDE"))
def misspelt_variable(client):
    """A misspelt name of a variable for limits stops the program, and the line says which name was meant."""
    stopped = client.run([PYTHON, "-c", PROGRAM], status=2, **{client.variable: "1M"})
    said = messages(stopped)
    check_equal(len(said), 1, "lines on standard error")
    meant = "FLOPSHIM_ON_EXCEED" if "EXCE" in client.variable else "FLOPSHIM_BUDGET"
    check(client.variable in said[0] and re.search(meant + r"\b", said[0]), f"{meant} is not named in: {said[0]}")
    check_equal(stopped.out, b"", "standard output")


@case(value=("explode", "exit:300", "exit:x", "signal:SIGNOTHING"))
def wrong_action(client):
    """A wrong FLOPSHIM_ON_EXCEED stops the program, and the line shows what is wrong."""
    stopped = client.run([PYTHON, "-c", PROGRAM], status=2, FLOPSHIM_BUDGET="1M", FLOPSHIM_ON_EXCEED=client.value)
    said = messages(stopped)
    check_equal(len(said), 1, "lines on standard error")
    check("FLOPSHIM_ON_EXCEED" in said[0] and client.value.split(":")[-1] in said[0],
          f"variable and value are not named in: {said[0]}")


@case(setting=("FLOPSHIM_TIME=sometimes", "FLOPSHIM_RECORDS=everything", "FLOPSHIM_STACKS=deep"))
def wrong_value_elsewhere(client):
    """A wrong value of another setting is warned about, and the default is used."""
    variable, value = client.setting.split("=")
    warned = run(client, **{variable: value})
    said = messages(warned)
    check_equal(len(said), 1, "lines on standard error")
    check(variable in said[0] and value in said[0], f"variable and value are not named in: {said[0]}")
    check_equal(warned.totals["flops"], ALL, "FLOPs")


@case()
def unknown_variable(client):
    """A misspelt name of another setting is warned about, with the nearest name."""
    warned = run(client, FLOPSHIM_STAKCS="all")
    said = messages(warned)
    check_equal(len(said), 1, "lines on standard error")
    check("FLOPSHIM_STAKCS" in said[0] and "FLOPSHIM_STACKS" in said[0], f"the nearest name is not given in: {said[0]}")


@case()
def nothing_counted(client):
    """The report remarks on budgets without any charge. It asks whether a namespace's name is right, but not for the
    process, which has no name that could be wrong."""
    code = f"import sys; sys.path.insert(0, {str(TOP / 'bindings')!r}); import flopshim\nwith flopshim.namespace('train'): pass"
    run = client.run([PYTHON, "-c", code], FLOPSHIM_BUDGET="1e9,tain=1e6")
    said = client.run([client.reporter, "--by", "namespace", *run.dumps], shim=False).out.decode()
    remarks = {line.split()[0]: line.partition("never charged")[2] for line in said.splitlines() if "never charged" in line}
    check_equal(remarks, {"(all)": ": no call was counted",
                          "tain": ": no call was counted under this name; is it right?"}, "remarks")
