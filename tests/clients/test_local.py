# SPDX-License-Identifier: BSD-3-Clause
"""Tests where the dumps of FLOPSHIM_OUT=local:DIR wait on the node's own disk. The names are those that include/local.h and
docs/jobs.md promise. No dump may be anywhere else, and no link may be followed."""

import os
import shutil
import stat
from pathlib import Path

from harness import PYTHON, Skip, blas_library, case, check, check_equal, read_report

OTHER = 65534  # a user without rights
# Calls ddot once for each length below `most`, after doing what sys.argv[2] says.
SCRIPT = """
import ctypes, os, sys
library = ctypes.CDLL(sys.argv[1])
def call(most=2):
    one, x = ctypes.byref(ctypes.c_int(1)), (ctypes.c_double * most)()
    for n in range(1, most):
        library.ddot_(ctypes.byref(ctypes.c_int(n)), x, one, x, one)
exec(sys.argv[2])
"""


def base(client):
    """The folder that TMPDIR names."""
    folder = client.folder / "node"
    folder.mkdir(exist_ok=True)
    return folder


def own(client):
    """The user's folder in it."""
    return base(client) / f"flopshim-{os.geteuid()}"


def run(client, program="call()", before=(), **environment):
    """Runs a program of Python, behind other words in front of it."""
    here = client.folder / "here"
    here.mkdir(exist_ok=True)
    environment.setdefault("TMPDIR", str(base(client)))
    return client.run([*before, PYTHON, "-c", SCRIPT, blas_library(), program], cwd=here,
                      FLOPSHIM_OUT=f"local:{client.folder}/shared", **environment)


def files(folder):
    """All that is below a folder and no folder itself, relative to it."""
    return sorted(str(path.relative_to(folder)) for path in folder.glob("**/*") if path.is_symlink() or not path.is_dir())


def groups(client):
    """{name of the group: number of its dumps}. Nothing else may be in the base, and nothing where the program began nor where
    dumps are collected."""
    check_equal((files(client.folder / "here"), (client.folder / "shared").exists()), ([], False), "what is elsewhere")
    found = {}
    for name in files(base(client)):
        top, group, file = name.split("/")
        check_equal(top, own(client).name, "the user's folder")
        check(file.startswith("flopshim-") and file.endswith(".dump"), f"the name {file}")
        found[group] = found.get(group, 0) + 1
    return found


def report(client, folder=None, status=0):
    """The report of all dumps below a folder, which is the base if none is given."""
    return read_report(client.reporter, map(str, sorted((folder or base(client)).glob("**/*.dump"))), status=status)


def calls(client):
    return report(client)["totals"]["calls"]


# ---- groups ----

SLURM = {"SLURM_JOB_ID": "1234", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4"}
# {what: (the variables that documents describe, the name of the group)}
GROUPS = {
    "step": ({**SLURM, "SLURM_STEP_ID": "7"}, "1234.7"),
    "step-pmi2": ({**SLURM, "SLURM_STEP_ID": "7", "PMI_RANK": "1", "PMI_SIZE": "4", "PMI_JOBID": "1234.7"}, "1234.7"),
    "step-pmix": ({**SLURM, "SLURM_STEP_ID": "0", "PMIX_RANK": "1", "PMIX_NAMESPACE": "slurm.pmix.1234.0"}, "1234.0"),
    "requeued": ({**SLURM, "SLURM_STEP_ID": "0", "SLURM_RESTART_COUNT": "2"}, "1234.0.restart-2"),
    "first-start": ({**SLURM, "SLURM_STEP_ID": "0", "SLURM_RESTART_COUNT": "0"}, "1234.0"),
    "array": ({**SLURM, "SLURM_STEP_ID": "0", "SLURM_ARRAY_JOB_ID": "1230", "SLURM_ARRAY_TASK_ID": "4"}, "1234.0"),
    "batch-script": ({"SLURM_JOB_ID": "1234", "SLURM_NTASKS": "8"}, "1234"),
    "mpirun": ({"SLURM_JOB_ID": "1234", "OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "0",
                "PMIX_NAMESPACE": "prterun-n1-77@1"}, "1234.prterun-n1-77@1"),
    # Open MPI starts the ranks of other nodes by a daemon, which is a step of srun. It is the same launch.
    "mpirun-elsewhere": ({**SLURM, "SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "OMPI_COMM_WORLD_RANK": "2",
                          "OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "2", "PMIX_NAMESPACE": "prterun-n1-77@1"},
                         "1234.prterun-n1-77@1"),
    "mpich": ({**SLURM, "SLURM_STEP_ID": "3", "SLURM_PROCID": "0", "PMI_RANK": "2", "PMI_SIZE": "4"}, "1234.3"),
    "pbs": ({"PBS_JOBID": "5.server", "PBS_ENVIRONMENT": "PBS_BATCH"}, "5.server"),
    "pbs-array": ({"PBS_JOBID": "5[3].server", "PBS_ARRAY_INDEX": "3"}, "5[3].server"),
    "torque-array": ({"PBS_JOBID": "5-3.server", "PBS_ARRAYID": "3"}, "5-3.server"),
    "pals": ({"PBS_JOBID": "5.server", "PALS_RANKID": "0", "PALS_APID": "a-b"}, "5.server.a-b"),
    "lsf": ({"LSB_JOBID": "77", "LSB_JOBINDEX": "0"}, "77"),
    "lsf-array": ({"LSB_JOBID": "77", "LSB_JOBINDEX": "3"}, "77[3]"),
    "lsf-array-mpirun": ({"LSB_JOBID": "77", "LSB_JOBINDEX": "3", "PMIX_RANK": "0", "PMIX_NAMESPACE": "9"}, "77[3].9"),
    "flux": ({"FLUX_TASK_RANK": "0", "FLUX_JOB_SIZE": "3", "FLUX_JOB_ID": "f2"}, "f2"),
    "launch": ({"PMIX_RANK": "0", "PMIX_NAMESPACE": "prterun-n1-77@1", "FLOPSHIM_RUN": "abc"}, "prterun-n1-77@1"),
    "run": ({"FLOPSHIM_RUN": "abc"}, "abc"),
    "slashes": ({"SLURM_JOB_ID": "../../x"}, "_._.._x"),
    "above": ({"SLURM_JOB_ID": ".."}, "_."),
    "escape": ({"SLURM_JOB_ID": "7\x1b[2J\n\u009b"}, "7_[2J___"),
    "long": ({"SLURM_JOB_ID": "é" * 200}, "é" * 71),
}


@case(group=tuple(GROUPS))
def group(client):
    """The group has the name of the step, the job, the launch or the run, whatever the batch system or the launcher is, and
    is one folder of the user's."""
    variables, expected = GROUPS[client.group]
    done = run(client, **variables)
    check_equal((done.err, groups(client), calls(client)), (b"", {expected: 1}, 1), "standard error, groups and calls")


@case()
def group_of_a_process(client):
    """Without a job, a launch or a run, the group is the process, by its number and the time when it began. A child that it
    forks is in the same group, whichever of them calls first, and so is what it becomes by exec."""
    program = ("print(open('/proc/self/stat').read().rpartition(')')[2].split()[19], os.getpid(), flush=True)\n"
               "if os.fork() == 0: call(); os._exit(0)\n"
               "os.wait(); call()\n"
               "if os.fork() == 0: call(); os._exit(0)\n"
               "words = open('/proc/self/cmdline').read().split(chr(0))[1:-2]\n"
               "os.wait(); os.execv(sys.executable, [sys.executable, *words, 'call()'])")
    ticks, pid = run(client, program).out.split()
    check_equal((groups(client), calls(client)), ({f"process-{int(pid)}-{int(ticks)}": 4}, 4), "groups and calls")


@case()
def group_of_a_run(client):
    """What one start of the launcher starts is one group: flopshim --out local:DIR needs no job."""
    words = f"{PYTHON} -c \"$SCRIPT\" {blas_library()} 'call()'"
    here = client.folder / "here"
    here.mkdir()
    client.run([client.launcher, "--out", f"local:{client.folder}/shared", "sh", "-c", f"{words}; {words} & wait"], shim=False,
               cwd=here, SCRIPT=SCRIPT, TMPDIR=base(client))
    (count,) = groups(client).values()
    check_equal((count, calls(client)), (2, 2), "dumps in the group and calls")


@case()
def ranks_of_a_step(client):
    """Two ranks that begin at the same moment share the group that neither of them has found."""
    for start in range(10):
        rank = f"SLURM_PROCID=$rank {PYTHON} -c \"$SCRIPT\" {blas_library()} 'call()' & "
        done = client.run(["sh", "-c", f"for rank in 0 1; do {rank} done; wait"], FLOPSHIM_OUT="local:shared",
                          TMPDIR=base(client), SCRIPT=SCRIPT, SLURM_JOB_ID="5", SLURM_STEP_ID=str(start),
                          SLURM_STEP_NUM_TASKS="2")
        check_equal(done.err, b"", "standard error")
    check_equal(sorted(path.name for path in own(client).iterdir()), sorted(f"5.{start}" for start in range(10)), "groups")
    check_equal([len(files(path)) for path in own(client).iterdir()], [2] * 10, "dumps of each")


# ---- the base ----

@case()
def rights(client):
    """The folders are for their owner alone, whatever the umask is, and dumps as FLOPSHIM_ACCESS says."""
    run(client, before=["sh", "-c", 'umask 0; exec "$@"', "sh"], SLURM_JOB_ID="5")
    for path, mode in ((own(client), 0o700), (own(client) / "5", 0o700), (next(own(client).glob("5/*")), 0o600)):
        check_equal(oct(stat.S_IMODE(path.stat().st_mode)), oct(mode), f"mode of {path.name}")


@case(tmpdir=("unset", "relative", "empty"))
def without_tmpdir(client):
    """Unless TMPDIR is an absolute path, the base is /tmp."""
    name = f"test-{os.getpid()}-{client.tmpdir}"
    there = Path(f"/tmp/flopshim-{os.geteuid()}")
    try:
        done = run(client, TMPDIR={"unset": None, "relative": "node", "empty": ""}[client.tmpdir], SLURM_JOB_ID=name)
        check_equal((done.err, len(list((there / name).glob("*.dump")))), (b"", 1), "standard error and dumps")
        check_equal(files(client.folder / "here"), [], "what is where the program began")
    finally:
        shutil.rmtree(there / name, ignore_errors=True)
        try:
            there.rmdir()
        except OSError:
            pass  # it has other groups


@case()
def grows(client):
    """A dump that grows is found again, also once the program has changed TMPDIR, its working directory and its umask."""
    run(client, "call(); os.environ['TMPDIR'] = '/'; os.chdir('/'); os.umask(0o777); call(5000)", SLURM_JOB_ID="5")
    found = report(client)
    check_equal((groups(client), found["totals"]["calls"], found["complete"]), ({"5": 1}, 5000, True), "groups and calls")


@case()
def removed(client):
    """A group that was collected before the first call, and removed, is made again."""
    run(client, f"call()\nimport shutil; shutil.rmtree('{own(client)}')\nif os.fork() == 0: call(); os._exit(0)\nos.wait()",
        SLURM_JOB_ID="5")
    check_equal((groups(client), calls(client)), ({"5": 1}, 1), "groups and calls")


# ---- what is in the way ----

def link(client, path):
    (client.folder / "trap").mkdir()
    path.symlink_to(client.folder / "trap")


def writable(_client, path):
    path.mkdir()
    path.chmod(0o770)


def of_another(_client, path):
    if os.geteuid():
        raise Skip("no right to give a folder away")
    path.mkdir(mode=0o700)
    os.chown(path, OTHER, OTHER)


WAYS = {
    "link": (link, "is a link"),
    "dangling": (lambda client, path: path.symlink_to(client.folder / "nowhere"), "is a link"),
    "file": (lambda _client, path: path.write_text("mine"), "is no directory"),
    "writable": (writable, "can be written to by others"),
    "of_another": (of_another, "belongs to another user"),
}


def check_none(client, done, what):
    """One line says that there is no file and why, the program has run, and nothing was made anywhere."""
    (line,) = done.err.decode().splitlines()
    check(line.startswith("flopshim: cannot write ") and line.endswith(f"({what}): counting without a file"), line)
    check_equal([str(path) for path in client.folder.glob("**/*.dump")], [], "dumps")


@case(way=WAYS)
def in_the_way(client):
    """Whatever somebody has put in the place of the user's folder, or of the group's, is left alone and named, and the
    program runs without a file."""
    put, why = WAYS[client.way]
    for path in own(client), own(client) / "5":
        put(client, path)
        check_none(client, run(client, SLURM_JOB_ID="5"), f"{path} {why}")
        check_none(client, run(client, "call()\nif os.fork() == 0: call(); os._exit(0)\nos.wait()", SLURM_JOB_ID="5"),
                   f"{path} {why}")
        for folder in client.folder / "trap", path:
            if folder.is_dir() and not folder.is_symlink():
                check_equal(list(folder.iterdir()), [], f"what is in {folder}")
                folder.rmdir()
        if path.is_symlink() or path.exists():
            path.unlink()
        own(client).mkdir(mode=0o700, exist_ok=True)


@case(base=("missing", "file", "long", "open to all"))
def no_base(client):
    """A TMPDIR that cannot be used is named."""
    path = client.folder / client.base
    if client.base == "file":
        path.write_text("mine")
    if client.base == "long":
        path = Path("/" + "x" * 5000)
    if client.base == "open to all":
        path.mkdir()
        path.chmod(0o777)
    why = {"missing": f"{path}: ENOENT", "file": f"{path}: ENOTDIR", "long": "TMPDIR is too long",
           "open to all": f"{path} has no sticky bit, so that anybody may rename folders in it"}[client.base]
    check_none(client, run(client, TMPDIR=path), why)


@case()
def replaced_by_a_link(client):
    """A link that is put in the place of the group's folder while the program runs is not followed, though there is a dump of
    the same name: what is in the file stays, and what does not fit is said to be missing."""
    trap = client.folder / "trap"
    trap.mkdir()
    program = (f"call()\nos.rename('{own(client)}/5', '{own(client)}/moved')\n"
               f"(name,) = os.listdir('{own(client)}/moved')\nos.link(f'{own(client)}/moved/{{name}}', f'{trap}/{{name}}')\n"
               f"os.symlink('{trap}', '{own(client)}/5')\ncall(5000)")
    done = run(client, program, SLURM_JOB_ID="5")
    check_equal(done.status, 0, "status")
    found = report(client, own(client) / "moved", status=5)
    check_equal((found["complete"], found["process_list"][0]["losses"]), (False, ["space"]), "losses")


@case()
def root_changed(client):
    """After chroot no dump is made, inside or outside, even if the same path exists inside."""
    jail = client.folder / "jail"
    inside = Path(f"{jail}{base(client)}")
    inside.mkdir(parents=True)
    done = run(client, f"try: os.chroot('{jail}')\nexcept PermissionError: print('skip')\nelse: os.chdir('/'); call()",
               SLURM_JOB_ID="5")
    if done.out:
        raise Skip("no right to chroot")
    check_none(client, done, f"{base(client)} is not what it was when the program began")
    check_equal((list(inside.iterdir()), list(base(client).iterdir())), ([], []), "what is inside, and outside")


@case()
def user_changed(client):
    """A process that has become another user has its dump in that user's folder, and a child that becomes one leaves the
    parent's alone."""
    if os.geteuid():
        raise Skip("no right to become another user")
    base(client).chmod(0o1777)
    client.folder.chmod(0o755)
    become = f"os.setgid({OTHER}); os.setuid({OTHER}); call()"
    run(client, f"call()\nif os.fork() == 0:\n    {become}\n    os._exit(0)\nos.wait(); call(); {become}", SLURM_JOB_ID="5")
    theirs = base(client) / f"flopshim-{OTHER}" / "5"
    check_equal((theirs.stat().st_uid, len(files(theirs)), len(files(own(client)))), (OTHER, 1, 1), "owner and dumps")
    found = report(client)
    check_equal((found["totals"]["calls"], found["complete"]), (4, True), "calls of all")


# ---- the value ----

@case(out=("local:", "local:/shared/%j"))
def wrong_directory(client):
    """Without a directory, or with a template, a line says so, and the dump is where it is by default."""
    done = client.run([PYTHON, "-c", SCRIPT, blas_library(), "call()"], FLOPSHIM_OUT=client.out, TMPDIR=base(client))
    (line,) = done.err.decode().splitlines()
    what = "there is no directory" if client.out == "local:" else "the directory has a %"
    check(line.startswith(f"flopshim: FLOPSHIM_OUT: '{client.out}': {what}") and line.endswith("; the default is used"), line)
    check_equal((len(list(client.folder.glob("flopshim-*.dump"))), list(base(client).iterdir())), (1, []), "dumps")


@case()
def named(client):
    """The directory to collect into is in the dump, with the one that it is relative to, for flopshim-report collect."""
    run(client, SLURM_JOB_ID="5")
    (process,) = report(client)["process_list"]
    check(f"FLOPSHIM_OUT=local:{client.folder}/shared" in process["environment"], f"{process['environment']}")
    check_equal(process["directory"], str(client.folder / "here"), "directory")
