# SPDX-License-Identifier: BSD-3-Clause
"""Tests what the tasks of jobs leave: every call that was completed is in the dumps, however the tasks end. The numbers of
calls are those that tests/programs/processes.c and victim.c say they make."""

import os
import re
import struct
import time

from cluster import NODES, batch, cluster, command, dumps, report, run
from harness import Skip, case, check, check_equal, system_program

WHERE = ["shared", "local"]  # the dumps are written to a shared folder, or to the nodes' disks and collected from there
NOBODY = 65534
PLAIN, KILLED, FORKING = 5, 10, 10 + 20 + 30  # calls of processes.c in each mode


def program(client):
    return client.compile("processes.c", "-pthread")


def place(client):
    """A folder in which all dumps of the case are to be, and what `out` must be for that."""
    out = client.folder / "dumps"
    out.mkdir()
    return out, f"{'local:' if 'local' in client.where else ''}{out}"


def check_dumps(client, folder, processes, calls):
    found = report(client, folder)
    check_equal(found["processes"], processes, "processes with a dump")
    check_equal(found["totals"]["calls"], calls, "calls")


def left_on_nodes(client):
    return [path for node in NODES for path in cluster(client).private(node, "/tmp").glob("flopshim-*/**")]


def check_collected(client, out, steps=1):
    """The folder has a file for each node and step, and nothing is left on the nodes, which need not be so at once."""
    if "local" not in client.where:
        return
    end = time.monotonic() + 60
    while left_on_nodes(client):
        check(time.monotonic() < end, f"left on the nodes: {left_on_nodes(client)}")
        time.sleep(0.1)
    names = [os.path.basename(path) for path in dumps(out)]
    check(all(re.fullmatch(r"flopshim-\d+\.\d+-n[1-4]\.dump", name) for name in names), f"names of the files: {names}")
    check_equal(len({name.split("-")[1] for name in names}), steps, "steps with a file")
    found = report(client, out)
    check_equal((len(found["launches"]), found["complete"]), (steps, True), "launches, and whether the report is complete")
    check_equal([launch["missing"] for launch in found["launches"]], [[]] * steps, "ranks without a dump")


@case(where=WHERE)
def srun(client):
    """Eight tasks on four nodes: a dump each, with all calls."""
    out, where = place(client)
    run(client, "srun", "-N4", "-n8", f"--flopshim=out={where}", program(client), "plain")
    check_dumps(client, out, 8, 8 * PLAIN)
    check_collected(client, out)


@case()
def default_place(client):
    """Without options the dumps are in the folder of the job, as the launcher would leave them."""
    run(client, "srun", "-n2", "--flopshim", program(client), "plain")
    check_equal(len(dumps(client.folder)), 2, "dumps")
    check_dumps(client, client.folder, 2, 2 * PLAIN)


@case(where=WHERE)
def sbatch(client):
    """The steps of a batch job are counted; the batch shell and what it runs without srun are left alone."""
    out, where = place(client)
    count = program(client)
    _, said = batch(client, [command("srun", count, "plain"), command("srun", "-n2", count, "fork"), command(count, "plain"),
                             'echo "shell: $LD_PRELOAD$FLOPSHIM_OUT"'], "-n4", f"--flopshim=out={where}")
    said = "".join(line for line in said.splitlines() if not line.startswith("srun: "))  # it may wait for the first step's end
    check_equal(said, "shell: ", "what the script says of its environment")
    check_dumps(client, out, 4 + 2 * 3, 4 * PLAIN + 2 * FORKING)
    check_collected(client, out, steps=2)


@case()
def directive(client):
    """The option can stand in the script, as #SBATCH."""
    out = client.folder / "dumps"
    out.mkdir()
    batch(client, [f"#SBATCH --flopshim=out={out}", command("srun", program(client), "plain")], "-n2")
    check_dumps(client, out, 2, 2 * PLAIN)


@case()
def allocation(client):
    """salloc hands the option on to the steps."""
    out = client.folder / "dumps"
    out.mkdir()
    run(client, "salloc", "-n2", f"--flopshim=out={out}", "srun", program(client), "plain")
    check_dumps(client, out, 2, 2 * PLAIN)


@case(where=WHERE)
def array(client):
    """Each job of an array leaves its tasks' dumps."""
    out, where = place(client)
    batch(client, [command("srun", program(client), "plain")], "-n2", "--array=1-3", f"--flopshim=out={where}")
    check_dumps(client, out, 6, 6 * PLAIN)
    check_collected(client, out, steps=3)


@case(where=WHERE)
def multi_prog(client):
    """Tasks of different programs, which srun starts by --multi-prog."""
    out, where = place(client)
    programs = client.folder / "programs"
    programs.write_text(f"0 {program(client)} plain\n1-3 {program(client)} fork\n")
    done = run(client, "srun", "-n4", f"--flopshim=out={where}", "--multi-prog", programs)
    check_equal(done.err, b"", "what is said of the file, which is no program")
    check_dumps(client, out, 1 + 3 * 3, PLAIN + 3 * FORKING)
    check_collected(client, out)


@case()
def node_local(client):
    """Dumps may lie on the nodes' own disks: each node has those of its tasks in its /tmp, and no other."""
    slurm = cluster(client)
    run(client, "srun", "-N4", "-n4", "--flopshim=out=/tmp", program(client), "plain")
    for node in NODES:
        folder = slurm.private(node, "/tmp")
        check_dumps(client, folder, 1, PLAIN)
        for dump in dumps(folder):
            os.unlink(dump)


@case()
def mpirun_in_batch(client):
    """mpirun in a batch script: the launcher before the program counts each rank, and once, whether the job has the option
    or not."""
    system_program("mpirun")
    out = client.folder / "dumps"
    out.mkdir()
    settings = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_oob_tcp_if_include": "lo"}
    launched = ["mpirun", "-n", "2", client.launcher, "--out", out, program(client), "plain"]
    for options in ([], ["--flopshim=out=/dev/null"]):
        batch(client, [command(*launched)], "-N1", "-n2", *options, **settings)
        check_dumps(client, out, 2, 2 * PLAIN)
        for dump in dumps(out):
            os.unlink(dump)


@case(where=["kill", "segv", "abort", "_exit", "kill local", "segv local"])
def end(client):
    """A task that ends badly leaves its calls, as do the others, and srun's status is the same as without the option."""
    out, where = place(client)
    programs = client.folder / "programs"
    programs.write_text(f"1 {program(client)} {client.where.split()[0]}\n0,2-3 {program(client)} plain\n")
    bare = run(client, "srun", "-n4", "--multi-prog", programs, status=None)
    counted = run(client, "srun", "-n4", f"--flopshim=out={where}", "--multi-prog", programs, status=None)
    check_equal(counted.status, bare.status, "status")
    check(bare.status != 0, "the task did not end badly")
    found = report(client, out)
    check_equal(found["processes"], 4, "processes with a dump")
    check_equal(found["totals"]["calls"], KILLED + 3 * PLAIN, "calls")
    check_collected(client, out)


def start_endless(client, where, before=""):
    """Submits a job of four tasks that call without an end, after the shell's words in `before`; returns its number once all
    have called, and their counters."""
    victim = client.compile("victim.c", "-pthread")
    counters = [client.folder / f"counts.{rank}" for rank in range(4)]
    for counter in counters:
        counter.write_bytes(bytes(4096 * 8))
    task = client.folder / "task.sh"
    task.write_text(f"#!/bin/sh\n{before}\nexec {victim} {client.folder}/counts.$SLURM_PROCID 1 0 run\n")
    task.chmod(0o755)
    job, _ = batch(client, [command("srun", task)], "-n4", f"--flopshim=out={where}", wait=False)
    end = time.monotonic() + 60
    while any(completed(counter) < 1000 for counter in counters):
        check(time.monotonic() < end, "the tasks did not begin")
        time.sleep(0.05)
    return job, counters


def completed(counter):
    """How many calls of a task of victim.c have returned. It has a counter for each thread."""
    return sum(struct.unpack("<4096Q", counter.read_bytes()[:4096 * 8]))


def check_endless(client, out, counters):
    """The dumps have each call that returned. Of the one that each task was in, nobody knows."""
    end = time.monotonic() + 60
    found = {"processes": 0}
    while found["processes"] < 4 or any(process["state"] == "running" for process in found["process_list"]):
        check(time.monotonic() < end, "a task still runs, or its dump is not there")
        time.sleep(0.1)
        found = report(client, out) if dumps(out) else found
    states = {process["state"] for process in found["process_list"]}
    check_equal(states, {"ended"}, "states of the processes, none of which could close its dump")
    returned = sum(completed(counter) for counter in counters)
    check_equal(found["processes"], 4, "processes with a dump")
    check(0 <= found["totals"]["calls"] - returned <= 4, f"{found['totals']['calls']} calls, and {returned} have returned")


@case(where=WHERE)
def scancel(client):
    """A job that is cancelled leaves all calls that its tasks completed."""
    out, where = place(client)
    job, counters = start_endless(client, where)
    run(client, "scancel", job)
    check_equal(cluster(client).wait_for(job), "CANCELLED", "state")
    check_endless(client, out, counters)
    check_collected(client, out)


@case(where=WHERE)
def scancel_kill(client):
    """A cancelled job whose tasks ignore SIGTERM, so that Slurm ends them by SIGKILL after KillWait, leaves all calls that
    they completed."""
    out, where = place(client)
    job, counters = start_endless(client, where, before="trap '' TERM")
    run(client, "scancel", job)
    check_equal(cluster(client).wait_for(job), "CANCELLED", "state")
    check_endless(client, out, counters)
    check_collected(client, out)


@case(where=WHERE)
def time_limit(client):
    """A job that reaches its time limit leaves all calls that its tasks completed. Slurm knows no limit below a minute, so the
    end is set while the job runs."""
    out, where = place(client)
    job, counters = start_endless(client, where)
    run(client, "scontrol", "update", f"JobId={job}", "EndTime=now")
    check_equal(cluster(client).wait_for(job), "TIMEOUT", "state")
    check_endless(client, out, counters)
    check_collected(client, out)


@case(where=["local"])
def stragglers(client):
    """What a process leaves that outlives its step is added to the step's file by a later collect on that node."""
    out, where = place(client)
    task = client.folder / "task.sh"
    task.write_text(f"#!/bin/sh\n(sleep 3; {program(client)} plain; touch {client.folder}/ended) > /dev/null 2>&1 &\n"
                    f"exec {program(client)} plain\n")
    task.chmod(0o755)
    run(client, "srun", "-wn1", "-n1", f"--flopshim=out={where}", task)
    check(report(client, out)["totals"]["calls"] in (PLAIN, 2 * PLAIN), "the task is not collected when srun has ended")
    end = time.monotonic() + 60
    while not (client.folder / "ended").exists():
        check(time.monotonic() < end, "the process that outlives the task does not end")
        time.sleep(0.1)
    run(client, "srun", "-wn1", "-n1", client.reporter, "collect")
    check_dumps(client, out, 2, 2 * PLAIN)
    check_collected(client, out)


@case(where=["local", "local in /tmp"])
def collected_as_the_user(client):
    """The files are the user's who submitted the job, in a folder that only this user can write to. If the user's TMPDIR cannot
    be written to, Slurm has the tasks use /tmp."""
    out, where = place(client)
    os.chown(out, NOBODY, NOBODY)
    out.chmod(0o700)
    client.folder.chmod(0o755)
    for folder in out.parents:
        if not folder.stat().st_mode & 0o001:
            raise Skip(f"{folder} is closed to other users")
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    run(client, *user, "srun", "-N4", "-n4", f"--flopshim=out={where}", program(client), "plain",
        TMPDIR=None if client.where == "local" else client.folder)
    check_dumps(client, out, 4, 4 * PLAIN)
    check_equal({os.stat(path).st_uid for path in dumps(out)}, {NOBODY}, "owners of the files")
    check_collected(client, out)


@case(where=["local"])
def components(client):
    """A step of several components is one step: what each leaves is collected."""
    out, where = place(client)
    run(client, "srun", "-n1", f"--flopshim=out={where}", program(client), "plain", ":", "-n1", f"--flopshim=out={where}",
        program(client), "plain")
    check_dumps(client, out, 2, 2 * PLAIN)
    check_collected(client, out)


@case(where=["local"])
def own_folder(client):
    """Dumps are found even if a task has changed its TMPDIR."""
    out, where = place(client)
    task = client.folder / "task.sh"
    task.write_text(f"#!/bin/sh\nexport TMPDIR=/dev/shm/own\nmkdir -p $TMPDIR\nexec {program(client)} plain\n")
    task.chmod(0o755)
    run(client, "srun", "-n2", f"--flopshim=out={where}", task)
    check_dumps(client, out, 2, 2 * PLAIN)
    check_collected(client, out)
