# SPDX-License-Identifier: BSD-3-Clause
"""Tests the ordered record of FLOPSHIM_RECORDS=calls: it must have all that the OpRecord of mechestim has."""

import json
import os
import subprocess

import flops
from harness import PYTHON, case, check, check_equal
from markers import BINDINGS, PROGRAMS, build

PYTHON_PROGRAM = """
import numpy as np, flopshim
a, b, x = np.ones((3, 4)), np.full((4, 5), 2.0), np.ones(10)
flopshim.reset()
with flopshim.namespace("train"):
    a @ b
    with flopshim.namespace("inner"):
        flopshim.charge("einsum", 60, "ij,jk->ik", [a.shape, b.shape])
    x @ x
"""


def run_c(client, **variables):
    return client.run([build(client, PROGRAMS / "record.c")], **variables)


def run_numpy(client, **variables):
    return client.run([PYTHON, "-c", PYTHON_PROGRAM], PYTHONPATH=BINDINGS, **variables)


RUNS = {"c": run_c, "python": run_numpy}


@case(language=tuple(RUNS))
def every_call_in_order(client):
    """The record has every call and charge in order, with its price, namespace, arguments, thread, time and call site."""
    run = RUNS[client.language](client, FLOPSHIM_RECORDS="calls")
    out = subprocess.run([client.reporter, "calls", "--json", "--top", "all", *run.dumps], check=True,
                         capture_output=True).stdout
    calls = [call for call in json.loads(out)["calls"] if call["namespace"]]
    check_equal([call["charged"] for call in calls], [flops.gemm(3, 5, 4), 60, flops.dot(10)], "charged FLOPs")
    check_equal([call["namespace"] for call in calls], ["train", "train.inner", "train"], "namespaces")
    check_equal([call["cumulative"] - calls[0]["cumulative"] for call in calls], [0, 60, 60 + flops.dot(10)],
                "growth of the cumulative FLOPs")
    text = json.dumps(calls[1])
    for what in ("einsum", "ij,jk->ik", "3", "4", "5"):
        check(what in text, f"no {what} in {text}")
    product, dot = calls[0], calls[2]
    check_equal((product["routine"], dot["routine"], dot["arguments"]), ("dgemm", "ddot", {"n": 10}), "routines")
    for call in calls:
        check_equal(call["thread"], product["thread"], "thread")
        check(call["start_ns"] >= product["start_ns"], f"time: {call}")
    check(product["place"] and product["symbol"], "no call site")


@case(language=tuple(RUNS))
def summed_up(client):
    """Without the ordered record there is a row for each shape, namespace and site."""
    report = RUNS[client.language](client).report
    row, = [row for row in report["namespaces"] if row["namespace"] == "train.inner"]
    check_equal((row["own_charged"], row["own_calls"]), (60, 1), "FLOPs and calls of the namespace")
    manual, = report["manual"]
    check_equal((manual["name"], manual["charges"], manual["charged"]), ("einsum", 1, 60), "work charged by hand")


@case()
def more_than_fit(client):
    """If names, details and amounts of charges do not fit, details are given up first, and then like charges are added
    up. No charge is lost, and a budget holds."""
    charges, total = 3 * 70_000, 70_000 * 70_001 // 2 * 4 + 7 * 70_000
    for settings in ({}, {"FLOPSHIM_MULTIPLIER": "2", "FLOPSHIM_BUDGET": str(2 * total)}):
        run = client.run([build(client, PROGRAMS / "many.c")], **settings)
        check_equal(run.out.split(), [b"%d" % charges, b"%d" % total], "what was charged, and how much")
        check_equal((run.totals["manual_charges"], run.totals["flops"], run.totals["charged"]),
                    (charges, total, total * (2 if settings else 1)), "charges, FLOPs, charged FLOPs")
        check(any("shapes" in loss for loss in run.report["process_list"][0]["losses"]), "the loss is not stated")
        check(os.path.getsize(run.dumps[0]) < 64 << 20, "the dump is too large")
        check_equal([limit["used"] for limit in run.report["limits"]], [2 * total] * ("FLOPSHIM_BUDGET" in settings),
                    "what is used of the budget")
    run = client.run([build(client, PROGRAMS / "many.c")], FLOPSHIM_BUDGET=str(total // 2), FLOPSHIM_ON_EXCEED="deny")
    done, spent = map(int, run.out.split())
    check_equal((run.totals["manual_charges"], run.totals["flops"], run.totals["refused_calls"],
                 run.totals["refused_flops"]), (done, spent, charges - done, total - spent), "charged and refused")
