# SPDX-License-Identifier: BSD-3-Clause
"""A Slurm of four nodes on this machine, which the first case that needs it starts. It must never be started outside of the
namespaces that tests/slurm/run makes."""

import atexit
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from harness import TOP, Failure, Skip, check, read_report, system_program, tail

NODES = ("n1", "n2", "n3", "n4")
START_SECONDS, STOP_SECONDS, JOB_SECONDS = 60, 20, 180

# Neither munge, nor accounting, nor control groups: nothing that would need a service of the machine.
CONFIGURATION = """
ClusterName=flopshim
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1
ReturnToService=2
KillWait=1
InactiveLimit=0
MinJobAge=300
SlurmctldPort=17001
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdPidFile={folder}/%n.pid
SlurmdLogFile={folder}/%n.log
SlurmdSpoolDir={folder}/%n.spool
StateSaveLocation={folder}/state
PlugStackConfig={folder}/plugstack.conf
TaskProlog={folder}/prolog
NodeName=n[1-4] NodeHostname={host} NodeAddr=127.0.0.1 Port=[17011-17014] CPUs=2 RealMemory=1000
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
"""

# Runs before each task; what it prints goes into the task's environment.
PROLOG = """#!/bin/sh
echo "export PROLOG_PRELOAD=$LD_PRELOAD"
"""

# Gives a node a /tmp and a /dev/shm of its own. The folders of the tests stay visible if they are in /tmp.
NODE = """
set -e
exec 8<"$1" 9<"$2"
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /dev/shm
for folder in 8:"$1" 9:"$2"; do
    case ${folder#*:} in /tmp/*) mkdir -p "${folder#*:}"; mount --bind "/proc/self/fd/${folder%%:*}" "${folder#*:}" ;; esac
done
exec 8<&- 9<&-
shift 2
exec "$@"
"""

_running = None  # the cluster, or the Failure of its start


class Cluster:
    def __init__(self, build):
        self.folder = Path(tempfile.mkdtemp(prefix="cluster-"))
        self.folder.chmod(0o755)  # other users submit jobs, too
        self.processes = {}
        self.build = build
        host = socket.gethostname()
        self.configuration = self.folder / "slurm.conf"
        self.configuration.write_text(CONFIGURATION.format(host=host, folder=self.folder))
        self.plugin_line = f"optional {build}/slurm/flopshim.so library={build}/libflopshim.so report={build}/flopshim-report\n"
        self.use_plugin(True)
        (self.folder / "prolog").write_text(PROLOG)
        (self.folder / "prolog").chmod(0o755)
        (self.folder / "state").mkdir()
        self.environment = {**os.environ, "SLURM_CONF": str(self.configuration)}
        try:
            self.start()
        except Failure:
            self.stop()
            raise

    def use_plugin(self, used):
        """What plugstack.conf says from the next job on."""
        (self.folder / "plugstack.conf").write_text(self.plugin_line if used else "")

    def start(self):
        controller, node = system_program("slurmctld"), system_program("slurmd")
        self._spawn("slurmctld", [controller, "-D", "-i"])
        for name in NODES:
            (self.folder / f"{name}.spool").mkdir()
            self._spawn(name, ["unshare", "--mount", "sh", "-c", NODE, "node", TOP, self.build, node, "-D", "-N", name])
        end = time.monotonic() + START_SECONDS
        while (states := self.ask("sinfo", "-h", "-N", "-o", "%T").split()) != ["idle"] * len(NODES):
            dead = [name for name, process in self.processes.items() if process.poll() is not None]
            if dead or time.monotonic() > end:
                raise Failure(f"Slurm did not start: {dead or states}\n" + "\n".join(
                    f"{log.name}: {tail(log.read_bytes(), 400)}" for log in sorted(self.folder.glob("*.log"))))
            time.sleep(0.1)

    def _spawn(self, name, command):
        with open(self.folder / f"{name}.out", "wb") as output:
            self.processes[name] = subprocess.Popen([str(word) for word in command], env=self.environment,
                                                    stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def ask(self, *command):
        """What a command of Slurm prints; nothing if it fails."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout

    def stop(self):
        """Cancels all jobs and ends what was started, by its number."""
        self.ask("scancel", "--full", "--signal=KILL", "--user=root")
        for name in (*NODES, "slurmctld"):
            if name in self.processes:
                self.processes[name].terminate()
        for process in self.processes.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def private(self, node, folder):
        """A folder such as /tmp as a node sees it."""
        return Path(f"/proc/{self.processes[node].pid}/root{folder}")

    def wait_for(self, job, seconds=JOB_SECONDS):
        """Waits for the end of a batch job; returns its state, such as COMPLETED."""
        end = time.monotonic() + seconds
        while True:
            said = self.ask("scontrol", "--oneliner", "show", "job", str(job))
            states = {word.split("=")[1] for word in said.split() if word.startswith("JobState=")}
            if states and not states & {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING"}:
                return states.pop() if len(states) == 1 else sorted(states)
            check(time.monotonic() < end, f"job {job} did not end within {seconds} s: {states}")
            time.sleep(0.1)


def cluster(client):
    """The running Slurm. Skips the case if Slurm or the plugin is not there."""
    global _running
    for program in ("srun", "sbatch", "scancel", "scontrol"):
        if not shutil.which(program):
            raise Skip(f"no {program}")
    if not (client.build_folder / "slurm" / "flopshim.so").exists():
        raise Skip("the plugin is not built; `make slurm` builds it")
    if _running is None:
        try:
            _running = Cluster(client.build_folder)
        except Failure as failure:
            _running = failure
    if isinstance(_running, Failure):
        raise _running
    return _running


@atexit.register
def stop():
    """Stops Slurm, if it was started."""
    global _running
    if isinstance(_running, Cluster):
        _running.stop()
    _running = None


# ---- running jobs ----


def run(client, *command, status=0, timeout=JOB_SECONDS, **environment):
    """Runs a command of Slurm in the case's folder, and returns the run. Without a TMPDIR, each node has its own /tmp."""
    slurm = cluster(client)
    return client.run(command, shim=False, status=status, timeout=timeout, cwd=client.folder,
                      **{"SLURM_CONF": slurm.configuration, "TMPDIR": None, **environment})


def batch(client, lines, *options, wait=True, state="COMPLETED", **environment):
    """Submits a script. Returns the job's number and what the script printed, which is empty for arrays."""
    slurm = cluster(client)
    script = client.folder / "job.sh"
    script.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n")
    out = client.folder / "job.out"
    submitted = run(client, "sbatch", "--parsable", f"--output={out}", *options, script, **environment)
    job = int(submitted.out.split(b";")[0])
    if wait:
        ended = slurm.wait_for(job)
        check(ended == state, f"job {job} ended as {ended}, and not {state}\n{tail(out.read_bytes()) if out.exists() else ''}")
    return job, out.read_text() if wait and out.exists() else ""


def dumps(folder):
    return sorted(str(path) for path in Path(folder).rglob("*.dump"))


def report(client, folder, *options, status=0):
    """The report of all dumps in a folder."""
    check(dumps(folder), f"there is no dump in {folder}")
    return read_report(client.reporter, dumps(folder), *options, status=status)


def out_of(run_or_text):
    """The environment that a task printed by env, as {name: value}; the last task's if there were several."""
    text = run_or_text if isinstance(run_or_text, str) else run_or_text.out.decode()
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def command(*words):
    """A line of a shell script."""
    return shlex.join(str(word) for word in words)
