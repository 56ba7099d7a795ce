# SPDX-License-Identifier: BSD-3-Clause
"""Tests how the dumps of Slurm's jobs say which step, array task and rank they are of, with the variables that Slurm and Open MPI
really set, and in which folders dumps of local:DIR wait on each node."""

import os
import time

from cluster import NODES, batch, cluster, command, report, run
from harness import case, check, check_equal, system_program

OPEN_MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_oob_tcp_if_include": "lo"}


def program(client):
    return client.compile("processes.c", "-pthread")


def waiting(client, out):
    """{(node, group): number of dumps that wait there}; removes them. Nothing may be in the folder to collect into."""
    found = {}
    for node in NODES:
        for path in cluster(client).private(node, "/tmp").glob(f"flopshim-{os.geteuid()}/*/*.dump"):
            found[node, path.parent.name] = found.get((node, path.parent.name), 0) + 1
            path.unlink()
    check(not out.exists(), "somebody has collected dumps")
    return found


@case()
def identity(client):
    """Two steps of two tasks of an array are four launches. Each dump has its step and array task, and each rank the number that
    it has on its node."""
    out = client.folder / "dumps"
    out.mkdir()
    count = command("srun", "-N2", "-n4", program(client), "plain")
    batch(client, [count, count], "-N2", "-n4", "--array=3-4", f"--flopshim=out={out}")
    found = report(client, out)
    places = sorted((row["array_task"], row["step"], row["ranks"], row["with_dump"]) for row in found["launches"])
    check_equal(places, [(task, step, 4, 4) for task in "34" for step in "01"], "launches")
    check_equal(sorted({(row["array_task"], row["job"]) for row in found["process_list"]})[0][0], "3", "array tasks")
    check_equal(len({row["job"] for row in found["process_list"]}), 2, "jobs")
    for task in "34":
        for step in "01":
            rows = [row for row in found["process_list"] if (row["array_task"], row["step"]) == (task, step)]
            check_equal(sorted(row["rank"] for row in rows), [0, 1, 2, 3], "ranks")
            check_equal(sorted(row["local_rank"] for row in rows), [0, 0, 1, 1], "ranks on their nodes")


@case()
def template(client):
    """The second step leaves the dumps of the first one alone, though both have one template and may overwrite."""
    out = client.folder / "dumps"
    count = command("srun", "-n2", program(client), "plain")
    batch(client, [count, count], "-n2", f"--flopshim=out={out}/%j-%r.dump,overwrite")
    found = report(client, out)
    check_equal((found["processes"], len(found["launches"])), (4, 2), "dumps and launches")


@case()
def groups(client):
    """On each node the dumps of a step wait in the folder of the step, and those of the script in that of the job."""
    out = client.folder / "dumps"
    counted = [client.launcher, "--out", f"local:{out}", program(client), "plain"]
    job, _ = batch(client, [command("srun", "-N4", "-n4", *counted), command("srun", "-N2", "-n2", *counted), command(*counted)],
                   "-N4", "-n4", TMPDIR="/tmp")
    found = waiting(client, out)
    check_equal(sorted(group for _, group in found), sorted([f"{job}.0"] * 4 + [f"{job}.1"] * 2 + [str(job)]), "groups")
    check_equal(sum(found.values()), 4 + 2 + 1, "dumps")


@case()
def groups_of_mpirun(client):
    """Two launches of mpirun in a script are groups of their own, also on the nodes where a step of srun starts their ranks."""
    system_program("mpirun")
    out = client.folder / "dumps"
    counted = ["mpirun", "-n", "4", "--map-by", "node", client.launcher, "--out", f"local:{out}", program(client), "plain"]
    job, _ = batch(client, [command(*counted)] * 2, "-N2", "-n4", TMPDIR="/tmp", **OPEN_MPI)
    found = waiting(client, out)
    check_equal(sorted(found.values()), [2] * 4, "dumps in each group on each node")
    check_equal(len({group for _, group in found}), 2, "groups")
    check(all(group.startswith(f"{job}.") and group.count(".") == 1 for _, group in found), f"their names: {found}")


@case()
def requeued(client):
    """A job that is queued again leaves dumps that say so, beside those of its first start, and waits in a group of its own."""
    slurm, out, began = cluster(client), client.folder / "dumps", client.folder / "began"
    count = ["srun", "-n1", client.launcher, "--overwrite", "--out"]
    script = [command(*count, f"{client.folder}/%j.dump", program(client), "plain"),
              command(*count, f"local:{out}", program(client), "plain"), f"touch {began}",
              "test -n \"$SLURM_RESTART_COUNT\" || sleep 60"]
    job, _ = batch(client, script, "-n1", "--requeue", wait=False, TMPDIR="/tmp")
    end = time.monotonic() + 60
    while not began.exists():
        check(time.monotonic() < end, "the job did not begin")
        time.sleep(0.1)
    run(client, "scontrol", "requeue", job)
    while "JobState=PENDING" not in slurm.ask("scontrol", "--oneliner", "show", "job", str(job)):
        check(time.monotonic() < end, "the job is not queued again")
        time.sleep(0.1)
    run(client, "scontrol", "update", f"JobId={job}", "StartTime=now")  # it would begin in two minutes
    check_equal(slurm.wait_for(job), "COMPLETED", "state")
    found = report(client, client.folder)
    check_equal(sorted((row["step"], row["restarts"] or 0) for row in found["process_list"]), [("0", 0), ("0", 1)], "dumps")
    check_equal(sorted(group for _, group in waiting(client, out)), [f"{job}.1", f"{job}.1.restart-1"], "groups")
