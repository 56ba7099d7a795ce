# SPDX-License-Identifier: BSD-3-Clause
"""Tests limits that change while they are used, with threads, children, kills and several processes. Most checks are in
programs/limits.c."""

import json
import signal
import subprocess

from harness import case, check, check_equal, read_report
from markers import PROGRAMS, build

DOT = 2 * 500  # FLOPs of one call
INSIDE = ("reuse_dot", "reuse_by_hand", "reuse_in_scope", "reuse_budget", "reuse_many",
          "tiny_factors", "hammer_plain", "hammer_by_hand", "hammer_rejecting", "hammer_under_limit",
          "running_rejected", "running_own", "fork_leases", "fork_from_thread", "fork_storm",
          "scope_in_flight", "scope_in_flight_nested", "scope_in_coroutine", "scope_in_callback", "callbacks")


def limits(client, test, **options):
    program = build(client, PROGRAMS / "limits.c", "-pthread")
    return client.run([program, test], timeout=600, FLOPSHIM_ON_EXCEED="deny", **options)


@case(test=INSIDE)
def inside(client):
    """The test of limits.c passes. Its status says so."""
    limits(client, client.test)


@case(test=("huge_factors", "huge_unlimited"))
def saturated(client):
    """A product of multipliers that does not fit is counted as saturated: 2e9 of the process times 2e9 of the root."""
    run = limits(client, client.test, FLOPSHIM_MULTIPLIER="2e9")
    check(run.totals["saturated_calls"] >= 2, f"{run.totals['saturated_calls']} saturated calls, not 2")


def budget_used(report, namespace=""):
    """How much of a namespace's budget is used."""
    row, = (row for row in report["namespaces"] if row["namespace"] == namespace)
    return row["budget_used"]


def scopes_used(report):
    """{amount: used} of the limits of scopes."""
    return {row["amount"]: row["used"] for row in report["limits"] if row["kind"] == "scope"}


@case()
def killed_with_idle_thread(client):
    """After a kill, leases of threads are not counted as used, though one of the threads is asleep."""
    run = limits(client, "killed_idle", status=-signal.SIGKILL, FLOPSHIM_BUDGET="1e9")
    check_equal(run.totals["charged"], 11 * DOT, "charged FLOPs")
    check_equal(budget_used(run.report), 11 * DOT, "used of the budget")


@case()
def killed_in_scopes(client):
    """After a kill, a lease that was on the limits of two namespaces and two scopes is not counted as used."""
    run = limits(client, "killed_scopes", status=-signal.SIGKILL, FLOPSHIM_BUDGET="1e9")
    check_equal(budget_used(run.report), 20 * DOT, "used of the root's budget")
    check_equal(budget_used(run.report, "a"), 20 * DOT, "used of a's budget")
    check_equal(scopes_used(run.report), {3_000_000: 20 * DOT, 4_000_000: 10 * DOT}, "used of the scopes' budgets")


@case()
def killed_later(client):
    """After a kill, leases that had been called back are not subtracted again."""
    run = limits(client, "killed_later", status=-signal.SIGKILL, FLOPSHIM_BUDGET="a=1e7")
    check_equal(budget_used(run.report, "a"), 51 * DOT, "used of a's budget")
    check_equal(scopes_used(run.report), {3_000_000: 51 * DOT}, "used of the scope's budget")


@case()
def merged(client):
    """Of three processes with a budget each, the report shows what the busiest one has used of it."""
    runs = [limits(client, test, status=-signal.SIGKILL, FLOPSHIM_BUDGET="1e9")
            for test in ("killed_idle", "killed_scopes", "killed_idle")]
    report = read_report(client.reporter, [dump for run in runs for dump in run.dumps])
    check_equal(report["totals"]["charged"], (11 + 20 + 11) * DOT, "charged FLOPs of all")
    root, = (row for row in report["namespaces"] if row["namespace"] == "")
    check_equal((root["budget"], root["budget_used"]), (10**9, 20 * DOT), "budget and what the busiest used")
    limit, = (row for row in report["limits"] if row["amount"] == 10**9)
    check_equal((limit["limits"], limit["used"]), (3, 20 * DOT), "limits, and what the busiest used")


@case()
def merged_scopes(client):
    """Limits of one process with the same amount are one row of the report, with the largest use."""
    run = limits(client, "scope_in_flight")
    limit, = (row for row in run.report["limits"] if row["amount"] == 10**6)
    check(limit["limits"] >= 3500, f"{limit['limits']} scopes with that budget")
    check(limit["used"] <= 10**6, f"{limit['used']} used of {limit['amount']}")


@case()
def full_disk(client):
    """If the dump cannot grow, new shapes share rows, the totals are exact, and refused work is not counted as done."""
    program = build(client, PROGRAMS / "limits.c", "-pthread")
    run = client.run(["/bin/sh", "-c", f"ulimit -f 400; exec {program} many_shapes"], timeout=600,
                     FLOPSHIM_ON_EXCEED="deny")
    check("cannot grow" in run.err.decode(), "the disk was not full")
    done = subprocess.run([client.reporter, "--json", *run.dumps], capture_output=True, text=True)
    check_equal((done.returncode, done.stderr), (5, ""), "status and messages of the report")
    totals = json.loads(done.stdout)["totals"]
    check_equal((totals["calls"], totals["refused_calls"], totals["rejected_calls"], totals["manual_charges"]),
                (3300, 400, 300, 200), "calls, of which are refused, rejected and by hand")
    check_equal(totals["flops"], 3000 * 3001 + 200 * 1000 + 199 * 100, "FLOPs")
    check_equal(totals["refused_flops"], sum(2 * (1 + n % 20) * (1 + n // 20) for n in range(1, 401)),
                "refused FLOPs")
