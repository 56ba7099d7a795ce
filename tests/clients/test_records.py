# SPDX-License-Identifier: BSD-3-Clause
"""Tests where dumps go, and what they state of ranks and jobs: templates, directories, and places that cannot be
written. Expected names come from the documents of the launchers."""

import os
import re
import shutil
import socket
import subprocess
import sys

from harness import PYTHON, blas_library, case, check, check_equal, read_report

RANKS = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "SLURM_PROCID")
HOST = re.escape(socket.gethostname().replace("/", "_"))
JOBS = ("SLURM_JOB_ID", "SLURM_JOBID", "PBS_JOBID", "LSB_JOBID")


def run(client, out, how="run", status=0, cwd=None, **environment):
    program = client.compile("victim.c", "-pthread")
    counts = client.folder / "counts"
    return client.run([program, counts, "1", "8", how], FLOPSHIM_OUT=str(out), status=status, cwd=cwd, **environment)


def only_process(client, path):
    """The row of the only process in the report of this dump."""
    (process,) = read_report(client.reporter, [str(path)])["process_list"]
    return process


def names(client):
    """All files below the folder `out`, relative to it."""
    top = client.folder / "out"
    return sorted(str(path.relative_to(top)) for path in top.glob("**/*") if path.is_file())


# ---- ranks and jobs ----

@case(variable=RANKS)
def rank(client):
    """The rank is read from the variable of each MPI launcher."""
    run(client, client.folder / "out" / "%r.dump", **{client.variable: "17"})
    check_equal(names(client), ["17.dump"], "files")
    check_equal(only_process(client, client.folder / "out" / "17.dump")["rank"], 17, "rank")


@case()
def rank_of_the_launcher(client):
    """The variable of the MPI launcher takes precedence over that of the batch system, which numbers its own steps."""
    run(client, client.folder / "out" / "%r.dump", SLURM_PROCID="0", OMPI_COMM_WORLD_RANK="3")
    check_equal(names(client), ["3.dump"], "files")


@case(variable=JOBS)
def job(client):
    """The job is read from the variable of each batch system. Brackets and dots stay in a file's name, and a slash makes
    no directory."""
    run(client, client.folder / "out" / "%j-%r.dump", **{client.variable: "12[3]/4.host"})
    check_equal(names(client), ["12[3]_4.host-none.dump"], "files")
    process = only_process(client, client.folder / "out" / "12[3]_4.host-none.dump")
    check_equal((process["job"], process["rank"]), ("12[3]/4.host", None), "job and rank")


@case()
def neither(client):
    """Without a rank or a job, the name has "none" for both."""
    run(client, client.folder / "out" / "%r-%j.dump")
    process = only_process(client, client.folder / "out" / "none-none.dump")
    check_equal((process["job"], process["rank"]), ("", None), "job and rank")


@case()
def ranks_of_a_job(client):
    """Ranks that start at the same moment write files of their own, and the report joins them."""
    program = client.compile("victim.c", "-pthread")
    environment = client.environment(LD_PRELOAD=client.shim, FLOPSHIM_OUT=client.folder / "out" / "same.dump",
                                     SLURM_JOB_ID="7", FLOPSHIM_QUIET="1")
    started = [subprocess.Popen([program, client.folder / f"counts-{rank}", "1", "8", "run"],
                                env={**environment, "PMI_RANK": str(rank)}) for rank in range(8)]
    check_equal([process.wait() for process in started], [0] * 8, "statuses")
    check_equal(len(names(client)), 8, "files")
    report = read_report(client.reporter, [str(client.folder / "out")])
    check_equal(sorted(process["rank"] for process in report["process_list"]), list(range(8)), "ranks")
    check_equal({process["job"] for process in report["process_list"]}, {"7"}, "jobs")
    check_equal(report["totals"]["calls"], 64, "calls")


# ---- templates ----

@case()
def template(client):
    """Each letter of a template is replaced by what it stands for, and %% by %."""
    run(client, client.folder / "out" / "%e" / "%h.%p.%t.100%%.dump")
    (name,) = names(client)
    found = re.fullmatch(rf"victim/{HOST}\.(\d+)\.\d{{8}}T\d{{6}}\.\d{{6}}\.100%\.dump", name)
    check(found, f"the name is {name}")
    check_equal(only_process(client, client.folder / "out" / name)["pid"], int(found.group(1)), "pid")


@case(kind=("existing", "new", "template"))
def directory(client):
    """If FLOPSHIM_OUT is a directory or ends in a slash, files in it get the default name, with the rank where there is
    one."""
    out = client.folder / "out"
    if client.kind == "existing":
        out.mkdir()
    run(client, {"existing": out, "new": f"{out}/", "template": f"{out}/%e/%r/"}[client.kind], PMIX_RANK="2")
    (name,) = names(client)
    before = "victim/2/" if client.kind == "template" else ""
    check(re.fullmatch(before + rf"flopshim-victim-{HOST}-r2-\d+-\d{{8}}T\d{{6}}\.\d{{6}}\.dump", name), f"the name is {name}")


@case()
def default_name(client):
    """The default name has the rank if there is one, and nothing in its place if there is none."""
    for rank, between in ((None, ""), ("12", "-r12"), ("a/b", "-ra_b")):
        run(client, f"{client.folder}/out/", PMI_RANK=rank)
        (name,) = names(client)
        check(re.fullmatch(rf"flopshim-victim-{HOST}{between}-\d+-\d{{8}}T\d{{6}}\.\d{{6}}\.dump", name), f"the name is {name}")
        (client.folder / "out" / name).unlink()


@case()
def step_and_array_task(client):
    """A template may have the step of the job and the index in an array of jobs, which are "none" where there is none."""
    step = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "3", "SLURM_ARRAY_TASK_ID": "0", "SLURM_PROCID": "1"}
    for variables, name in ((step, "7-3-0.dump"), ({"PBS_JOBID": "7.host", "PBS_ARRAY_INDEX": "12"}, "7.host-none-12.dump"),
                            ({"PBS_JOBID": "7-2.host", "PBS_ARRAYID": "2"}, "7-2.host-none-2.dump"),
                            ({"LSB_JOBID": "7", "LSB_JOBINDEX": "4"}, "7-none-4.dump"),
                            ({"LSB_JOBID": "8", "LSB_JOBINDEX": "0"}, "8-none-none.dump"), ({}, "none-none-none.dump")):
        run(client, client.folder / "out" / "%j-%s-%a.dump", **variables)
        check(name in names(client), f"there is no {name} among {names(client)}")


CHANGES_DIRECTORY = """
import ctypes, os, sys
library = ctypes.CDLL(sys.argv[1])
os.chdir("/")
n, one, x = ctypes.byref(ctypes.c_int(4)), ctypes.byref(ctypes.c_int(1)), (ctypes.c_double * 4)(1, 2, 3, 4)
library.ddot_.restype = ctypes.c_double
assert library.ddot_(n, x, one, x, one) == 30
"""


@case(out=("a/b.dump", "c/"))
def relative(client):
    """A relative path means the directory in which the program was started, wherever it is when it calls."""
    (client.folder / "out").mkdir()
    client.run([PYTHON, "-c", CHANGES_DIRECTORY, blas_library()], cwd=client.folder / "out", FLOPSHIM_OUT=client.out)
    (name,) = names(client)
    check(name.startswith(client.out), f"the file is {name}")
    check_equal(only_process(client, client.folder / "out" / name)["calls"], 1, "calls")


# ---- no file ----

def unwritable(client, kind):
    """A path at which no file can be made."""
    if kind == "not_a_directory":
        (client.folder / "file").write_text("mine")
        return client.folder / "file" / "x.dump"
    (client.folder / "loop").symlink_to("loop")
    return client.folder / "loop" / "x.dump"


@case(kind=("not_a_directory", "loop"))
def unwritable_place(client):
    """If no file can be made, one line says so, also if the program forks; it runs, and its budget holds. A file in the
    way is left alone."""
    out = unwritable(client, client.kind)
    for how in "run", "forks":
        done = run(client, out, how)
        lines = done.err.decode().splitlines()
        check_equal(len(lines), 1, f"lines on standard error ({lines[:3]})")
        check("counting without a file" in lines[0], f"the line is {lines[0]}")
    done = run(client, out, status=121, FLOPSHIM_BUDGET="40")
    check("refused" in done.err.decode(), f"the budget does not hold: {done.err}")
    if client.kind == "not_a_directory":
        check_equal((client.folder / "file").read_text(), "mine", "the file in the way")
    check_equal([path.name for path in client.folder.glob("**/*.dump")], [], "dumps")


@case()
def no_right_to_write(client):
    """If the directory belongs to somebody else, one line says so."""
    if os.geteuid() == 0:
        # A user without rights may not be able to read the build folder.
        program = shutil.copy(client.compile("victim.c", "-pthread"), client.folder)
        shim = shutil.copy(client.shim, client.folder)
        folder = client.folder / "theirs"
        folder.mkdir(mode=0o755)
        client.folder.chmod(0o755)
        counts = client.folder / "counts"
        counts.touch()
        counts.chmod(0o666)
        command = [sys.executable, "-c", "import os, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534); "
                   "os.execv(sys.argv[1], sys.argv[1:])", program, counts, "1", "8", "run"]
        done = client.run(command, shim=shim, FLOPSHIM_OUT=str(folder))
    else:
        folder = client.folder / "closed"
        folder.mkdir(mode=0o555)
        done = run(client, folder / "x.dump")
    lines = done.err.decode().splitlines()
    check_equal(len(lines), 1, f"lines on standard error ({lines})")
    check("EACCES" in lines[0] and "counting without a file" in lines[0], f"the line is {lines[0]}")


@case()
def warnings_once(client):
    """A wrong setting is warned about once, and not by every child."""
    done = run(client, f"{client.folder}/out/", "forks", FLOPSHIM_LOG_MAX="much")
    lines = done.err.decode().splitlines()
    check_equal(len(lines), 1, f"lines on standard error ({lines[:3]})")
    check("FLOPSHIM_LOG_MAX" in lines[0], f"the line is {lines[0]}")


STARTER = "the process that started the ranks"  # stands for this process

# {launcher: (the variables that its documents describe, (rank, size, launch) that they mean)}
LAUNCHES = {
    "open-mpi": ({"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "8", "PMIX_RANK": "3", "PMIX_NAMESPACE": "91"},
                 (3, 8, "91")),
    "mpich": ({"PMI_RANK": "10", "PMI_SIZE": "16"}, (10, 16, STARTER)),
    "mpich-job": ({"PBS_JOBID": "5.host", "PMI_RANK": "10", "PMI_SIZE": "16"}, (10, 16, None)),
    # All ranks are on this host. The job may have other launches, and none of them has a name.
    "mpich-one-host": ({"PBS_JOBID": "5.host", "PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALRANKID": "1",
                        "MPI_LOCALNRANKS": "2"}, (1, 2, STARTER)),
    "mvapich": ({"MV2_COMM_WORLD_RANK": "0", "MV2_COMM_WORLD_SIZE": "2"}, (0, 2, STARTER)),
    "jsrun": ({"LSB_JOBID": "7", "LSB_JOBINDEX": "0", "JSM_NAMESPACE_RANK": "1", "JSM_NAMESPACE_SIZE": "4"}, (1, 4, None)),
    "lsf-array": ({"LSB_JOBID": "7", "LSB_JOBINDEX": "12", "PMI_RANK": "1", "PMI_SIZE": "4"}, (1, 4, "12")),
    "flux": ({"FLUX_TASK_RANK": "0", "FLUX_JOB_SIZE": "3", "FLUX_JOB_ID": "f2"}, (0, 3, "f2")),
    "pbs": ({"PBS_JOBID": "5.host", "PBS_NP": "64", "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}, (1, 2, None)),
    "srun": ({"SLURM_JOB_ID": "5", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_ID": "2",
              "SLURM_NTASKS": "8"}, (1, 4, "2")),
    "requeued": ({"SLURM_JOB_ID": "5", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_ID": "2",
                  "SLURM_RESTART_COUNT": "1"}, (1, 4, "2.1")),
    "srun-pmix": ({"PMIX_RANK": "2", "PMIX_NAMESPACE": "slurm.pmix.5.0", "SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "4",
                   "SLURM_STEP_ID": "0"}, (2, 4, "slurm.pmix.5.0")),
    # mpirun was started inside of a step of one task: the rank is mpirun's, and the size of the step is not its size.
    "nested": ({"PMIX_RANK": "2", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"}, (2, None, None)),
    # A serial program in a batch script is not one of the ranks that the job may start.
    "batch-script": ({"SLURM_JOB_ID": "5", "SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, (0, None, None)),
    "nonsense": ({"PMI_RANK": "many", "PMI_SIZE": "-3"}, (None, None, None)),
    "too-large": ({"PMI_RANK": "5", "PMI_SIZE": "5"}, (5, None, None)),
    "none": ({"PBS_JOBID": "5.host", "PBS_NP": "64"}, (None, None, None)),
}


@case(launch=tuple(LAUNCHES))
def launch(client):
    """The rank, its launch and the size of the launch come from the same launcher."""
    variables, expected = LAUNCHES[client.launch]
    run(client, client.folder / "x.dump", **variables)
    process = only_process(client, client.folder / "x.dump")
    with open("/proc/self/stat", encoding="ascii") as stat:
        starter = f"{os.getpid()}.{stat.read().rpartition(')')[2].split()[19]}@{os.uname().nodename}"
    expected = tuple(starter if value == STARTER else value for value in expected)
    check_equal((process["rank"], process["job_size"], process["launch"]), expected, "rank, size and launch")


@case()
def ids(client):
    """Every program that a process becomes, and every child, leaves a dump with an id of its own, and all have the
    launcher's mark of the run."""
    program = client.compile("victim.c", "-pthread")
    script = f"{program} a 1 2 run; {program} b 1 2 run; exec {program} c 1 2 run"
    folders = []
    for _start in range(2):
        folder = client.folder / f"run-{_start}"
        subprocess.run([client.launcher, "-o", f"{folder}/", "sh", "-c", script], check=True, cwd=client.folder,
                       env=client.environment())
        folders.append(read_report(client.reporter, [str(folder)])["process_list"])
    every = [process for processes in folders for process in processes]
    check_equal((len(every), len({process["dump_id"] for process in every})), (6, 6), "dumps and ids")
    runs = [{process["run"] for process in processes} for processes in folders]
    check_equal([len(run) for run in runs], [1, 1], "marks in each run")
    check(runs[0] != runs[1] and None not in runs[0], f"the marks of two runs: {runs}")
