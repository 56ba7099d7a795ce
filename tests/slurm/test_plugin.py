# SPDX-License-Identifier: BSD-3-Clause
"""Tests the option --flopshim: what it changes in the environment of tasks, what OPTIONS mean, and what is said of wrong
ones. No case may depend on what the plugin does beyond the environment of tasks."""

from cluster import batch, cluster, command, dumps, out_of, report, run
from harness import case, check, check_equal, library_folder

CALLS = 5  # of processes.c in mode plain


def preloads(client, *options, **environment):
    """LD_PRELOAD of a task that srun starts with these options; None if it is not set."""
    return out_of(run(client, "srun", *options, "/usr/bin/env", **environment)).get("LD_PRELOAD")


@case()
def unchanged(client):
    """Without the option, a task has the environment that it has without the plugin, and leaves no dump."""
    slurm = cluster(client)
    program = client.compile("processes.c", "-pthread")
    slurm.use_plugin(False)
    try:
        without = out_of(run(client, "srun", "/usr/bin/env"))
    finally:
        slurm.use_plugin(True)
    present = out_of(run(client, "srun", "/usr/bin/env"))
    check_equal(sorted(present), sorted(without), "names of variables")
    for name, value in without.items():
        check(name.startswith("SLURM") or present[name] == value, f"{name}: {present[name]}, and not {value}")
    check_equal(preloads(client), None, "LD_PRELOAD")
    user_s = f"{library_folder()}/libm.so.6"
    check_equal(preloads(client, LD_PRELOAD=user_s), user_s, "LD_PRELOAD of the user")
    check_equal(run(client, "srun", program, "_exit", status=3).err.splitlines()[-1].count(b"flopshim"), 0, "lines of flopshim")
    check_equal(dumps(client.folder), [], "dumps")


@case()
def preloaded_once(client):
    """The shim stands in LD_PRELOAD once, whatever was there: before what the user preloads, which is kept."""
    shim, user_s = str(client.shim), f"{library_folder()}/libm.so.6"
    task = out_of(run(client, "srun", "--flopshim", "/usr/bin/env"))
    check_equal(task["LD_PRELOAD"], shim, "LD_PRELOAD")
    check_equal(task["PROLOG_PRELOAD"], shim, "LD_PRELOAD of the task's prolog, which Slurm runs later than the plugin")
    check_equal(preloads(client, "--flopshim", LD_PRELOAD=user_s), f"{shim}:{user_s}", "LD_PRELOAD of the user")
    check_equal(preloads(client, "--flopshim", LD_PRELOAD=f"{user_s}:{shim}"), f"{shim}:{user_s}", "with the shim")
    launched = out_of(run(client, "srun", "--flopshim", client.launcher, "/usr/bin/env"))
    check_equal(launched["LD_PRELOAD"], shim, "under the launcher")
    _, said = batch(client, [command("srun", "/usr/bin/env")], "-n1", "--flopshim", LD_PRELOAD=user_s)
    check_equal(out_of(said)["LD_PRELOAD"], f"{shim}:{user_s}", "LD_PRELOAD in a step of a batch job")


@case()
def values(client):
    """Options are variables of the tasks; a budget may be given more than once; the option goes before the environment."""
    found = out_of(run(client, "srun", "--flopshim=out=/dev/null,budget=1e12,budget=a.b=200G,records=calls,quiet",
                       "/usr/bin/env", FLOPSHIM_OUT="elsewhere", FLOPSHIM_TIME="off"))
    for name, value in {"OUT": "/dev/null", "BUDGET": "1e12,a.b=200G", "RECORDS": "calls", "QUIET": "1", "TIME": "off"}.items():
        check_equal(found.get(f"FLOPSHIM_{name}"), value, name)


@case()
def budget(client):
    """A budget holds in the tasks."""
    program = client.compile("processes.c", "-pthread")
    ended = run(client, "srun", "--flopshim=budget=10,out=/dev/null", program, "plain", status=None)
    check_equal(ended.status, 121, "status")


@case()
def variable(client):
    """FLOPSHIM_SLURM does what the option does, also where tasks get another environment, and the option goes before it."""
    program, folder = client.compile("processes.c", "-pthread"), client.folder / "dumps"
    folder.mkdir()
    shim = str(client.shim)
    check_equal(preloads(client, FLOPSHIM_SLURM="1"), shim, "switched on")
    check_equal(preloads(client, "--export=PATH", FLOPSHIM_SLURM="on"), shim, "without its environment")
    for off in ("0", "off", ""):
        check_equal(preloads(client, FLOPSHIM_SLURM=off), None, f"switched off by '{off}'")
    check_equal(preloads(client, "--flopshim=off", FLOPSHIM_SLURM="1"), None, "switched off by the option")
    ended = run(client, "srun", "-n2", program, "plain", FLOPSHIM_SLURM=f"out={folder}")
    check_equal(ended.err, b"", "standard error")
    check_equal(report(client, folder)["totals"]["calls"], 2 * CALLS, "calls")
    _, said = batch(client, ["export FLOPSHIM_SLURM=1", command("srun", "/usr/bin/env")], "-n1")
    check_equal(out_of(said).get("LD_PRELOAD"), shim, "in a batch script")
    _, said = batch(client, ["echo $LD_PRELOAD", command("srun", "/usr/bin/env")], "-n1", FLOPSHIM_SLURM="1")
    check_equal(said.splitlines()[0], "", "LD_PRELOAD of the batch shell")
    check_equal(out_of(said).get("LD_PRELOAD"), shim, "given to sbatch")


@case()
def step(client):
    """A step of a batch job may have options of its own, or none."""
    shim = str(client.shim)
    _, said = batch(client, [command("srun", "--flopshim=off", "/usr/bin/env")], "-n1", "--flopshim")
    check_equal(out_of(said).get("LD_PRELOAD"), None, "switched off")
    _, said = batch(client, [command("srun", "--flopshim=out=there", "/usr/bin/env")], "-n1", "--flopshim=out=here")
    check_equal(out_of(said).get("FLOPSHIM_OUT"), "there", "FLOPSHIM_OUT")
    check_equal(out_of(said).get("LD_PRELOAD"), shim, "LD_PRELOAD")


# OPTIONS, and what must be said of them.
WRONG = {
    "budgte=1": "flopshim: 'budgte': there is no such option; did you mean budget?",
    "colour=1": "flopshim: 'colour': there is no such option; --flopshim=help lists them",
    "out": "flopshim: out has no value; expected out=TEMPLATE",
    "out=a,out=b": "flopshim: out is given twice",
    "out=a,": "flopshim: there is an empty option; expected NAME=VALUE,NAME=VALUE...",
    "budget=1e12,a=200G": "flopshim: 'a=200G': a comma begins another option; for a second budget, write budget=a=200G",
    "budget=much": "FLOPSHIM_BUDGET: 'much': it is not a number",
    "budget=": "FLOPSHIM_BUDGET: '': it is empty",
    "records=call": "FLOPSHIM_RECORDS: 'call': expected shapes or calls\n",
    "quiet=yes": "FLOPSHIM_QUIET: 'yes': expected 0 or 1\n",
    "out=%q": "FLOPSHIM_OUT: '%q': unknown letter after %",
    "out=local:": "FLOPSHIM_OUT: 'local:': there is no directory; expected local:DIR",
    "out=local:%j": "FLOPSHIM_OUT: 'local:%j': the directory has a %; expected local:DIR",
}


@case(how=["srun", "sbatch", "salloc", "variable"])
def wrong(client):
    """Wrong options are refused before anything runs, with a reason, by each command and in the variable."""
    script = client.folder / "job.sh"
    script.write_text("#!/bin/sh\ntrue\n")
    for options, expected in WRONG.items():
        if client.how == "variable":
            ended = run(client, "srun", "touch", "started", status=None, FLOPSHIM_SLURM=options)
        else:
            work = [script] if client.how == "sbatch" else ["touch", "started"]
            ended = run(client, client.how, f"--flopshim={options}", *work, status=None)
        check(ended.status, f"{options}: the status is 0")
        check(expected in ended.err.decode(), f"{options}: {ended.err.decode()}, and not {expected}")
        check(not (client.folder / "started").exists(), f"{options}: the job ran")


@case()
def helps(client):
    """srun --help has the option, and --flopshim=help all options of the list."""
    check(b"--flopshim=OPTIONS" in run(client, "srun", "--help").out, "srun --help does not name it")
    script = client.folder / "job.sh"
    script.write_text("#!/bin/sh\ntrue\n")
    for program in ("srun", "sbatch", "salloc"):
        said = run(client, program, "--flopshim=help", script).out.decode()
        for line in ("  out=TEMPLATE ", "  budget=[NAMESPACE=]AMOUNT ", "  quiet "):
            check(f"\n{line}" in said, f"{program} --flopshim=help has no{line}: {said}")


@case()
def no_shim(client):
    """A task that would run uncounted is not started, and says why."""
    bare = client.folder / "with space"
    bare.mkdir()
    (bare / "libflopshim.so").symlink_to(client.shim)
    copied = bare / "copy.so"
    copied.write_bytes(client.shim.read_bytes())
    for library, reason in {"/nonexistent/libflopshim.so": "No such file or directory",
                            copied: "LD_PRELOAD cannot hold a path with a space or a colon"}.items():
        ended = run(client, "srun", "--flopshim", "touch", "started", status=None, FLOPSHIM_LIBRARY=library)
        check_equal(ended.status, 125, "status")
        check(f"flopshim: {library}: {reason}; the task is not started" in ended.err.decode(), f"it says {ended.err.decode()}")
        check(not (client.folder / "started").exists(), "the task was started")
    run(client, "srun", "touch", "started", FLOPSHIM_LIBRARY="/nonexistent/libflopshim.so")


@case()
def own_shim(client):
    """FLOPSHIM_LIBRARY names another shim, as it does for the launcher."""
    other = client.folder / "libflopshim.so"
    other.write_bytes(client.shim.read_bytes())
    check_equal(preloads(client, "--flopshim", FLOPSHIM_LIBRARY=other), str(other), "LD_PRELOAD")


@case()
def line_in_plugstack(client):
    """A line in plugstack.conf without the shim's path, or with something else, is said, and stops no other job."""
    slurm = cluster(client)
    line = slurm.plugin_line
    try:
        slurm.plugin_line = line.split(" library=")[0] + " libary=/x\n"
        slurm.use_plugin(True)
        ended = run(client, "srun", "--flopshim", "true", status=125)
        for said in ("plugstack.conf: 'libary=/x': expected library=PATH", "does not say where libflopshim.so is"):
            check(said in ended.err.decode(), f"it does not say {said}: {ended.err.decode()}")
        run(client, "srun", "true")
    finally:
        slurm.plugin_line = line
        slurm.use_plugin(True)


@case()
def another_user(client):
    """A task of a user who is not root is counted, and its dump is that user's."""
    user = 65534
    folder = client.folder / "dumps"
    folder.mkdir()
    folder.chmod(0o777)
    client.folder.chmod(0o755)
    program = client.compile("processes.c", "-pthread")
    run(client, "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "srun", "-n2", f"--flopshim=out={folder}",
        program, "plain")
    check_equal(report(client, folder)["totals"]["calls"], 2 * CALLS, "calls")
    check_equal({path.stat().st_uid for path in folder.iterdir()}, {user}, "owners")


@case()
def out_of_reach(client):
    """A program that the shim cannot reach runs, and the first task alone says that it is not counted; with quiet, none does.
    Nothing is said of a program within reach."""
    (client.folder / "static.c").write_text('#include <stdio.h>\nint main(void) { return puts("runs") < 0; }\n')
    program = client.compile("static.c", "-static", name="static", blas=False, folder=client.folder)
    ended = run(client, "srun", "-n4", "--flopshim", program)
    check_equal(ended.out, b"runs\n" * 4, "standard output")
    said = f"flopshim: {program} is statically linked: no shim can be preloaded into it; it is not counted\n"
    check_equal(ended.err.decode(), said, "standard error")
    check_equal(run(client, "srun", "-n4", "--flopshim=quiet", program).err, b"", "standard error with quiet")
    script = client.folder / "script"
    script.write_text("#!/usr/bin/env python3\nprint('runs')\n")
    script.chmod(0o755)
    check_equal(run(client, "srun", "-n2", "--flopshim", script).err, b"", "standard error of a script")


@case()
def sanitized_program(client):
    """The runtime of the sanitizer that a program is linked to comes before the shim, or it would refuse to start."""
    program = client.compile("processes.c", "-fsanitize=undefined", "-fsanitize=address", name="processes-sanitized")
    folder = client.folder / "dumps"
    folder.mkdir()
    run(client, "srun", "-n2", f"--flopshim=out={folder}", program, "plain", ASAN_OPTIONS="detect_leaks=0")
    check_equal(report(client, folder)["totals"]["calls"], 2 * CALLS, "calls")
