# SPDX-License-Identifier: BSD-3-Clause
"""Runs the commands of docs/jobs.md, from installing to reports. It must never have a list of them: all that the page shows
is run."""

import re
import shutil

from cluster import JOB_SECONDS, cluster, dumps, report
from harness import TOP, Skip, case, check, check_equal, install, module_command, system_program

CALLS = 6  # of products.c
PLACE = "/usr/local"


def blocks(text):
    """The indented blocks of a page."""
    for block in re.findall(r"(?<=\n\n)((?:    .*\n)+)", text):
        yield "".join(line[4:] + "\n" for line in block.splitlines())


def tasks_of(line, script):
    """How many tasks a command starts that are counted."""
    found = re.search(r"-n (\d+)", line)
    if line.startswith("sbatch"):
        array = re.search(r"--array=1-(\d+)", line)
        return int(re.search(r"--ntasks=(\d+)", script)[1]) * (int(array[1]) if array else 1)
    return int(found[1]) if found and "./program" in line else 0


@case()
def jobs(client):
    """Each command of the page ends well, and each that starts a job leaves a dump with all calls for each task."""
    slurm = cluster(client)
    if not shutil.which("mpirun"):
        raise Skip("no mpirun")
    tool = module_command()
    system_program("make")
    prefix, build = client.folder / "prefix", client.folder / "build"
    shutil.copytree(client.build_folder, build, symlinks=True,
                    ignore=shutil.ignore_patterns("tests", "bench", "junit", "*.i", "*.new"))
    place = client.folder / "place"
    place.mkdir()
    shutil.copy(client.compile("products.c"), place / "program")
    known = {"SLURM_CONF": slurm.configuration, "SBATCH_WAIT": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1",
             "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_oob_tcp_if_include": "lo",
             "TOOL": tool, "PREFIX": prefix, "O": build, "LDCONFIG": "true"}
    module = 'module() { eval "$("$TOOL" sh "$@")"; }\n'
    found = list(blocks((TOP / "docs" / "jobs.md").read_text()))
    shell = [text for text in found if not text.startswith(("#!", "include "))]
    script = next(text for text in found if text.startswith("#!"))
    (place / "job.sh").write_text(script)
    line = next(text for text in found if text.startswith("include "))
    # What the administrator does comes last on the page, and first here.
    shell.sort(key=lambda text: 0 if text.startswith("make") else 1 if text.startswith("module") else 2)
    check_equal(len(found), len(shell) + 2, "blocks")
    old, ran, counted, session = slurm.plugin_line, 0, 0, ""
    (place / "dumps").mkdir()
    (client.folder / "disk").mkdir()
    try:
        for block in shell:
            for command in block.splitlines():
                command = command.replace(PLACE, str(prefix))
                if command == "mkdir dumps":
                    continue
                there = set(dumps(place))
                client.run(["sh", "-e", "-c", f"{module}{session}{command}"], shim=False, timeout=JOB_SECONDS,
                           cwd=TOP if command.startswith("make") else place,
                           TMPDIR=client.folder / "disk" if command.startswith(("mpirun", "flopshim-report")) else None, **known)
                if command.startswith(("module", "export")):
                    session += command + "\n"
                if command == "make install":
                    slurm.plugin_line = line.replace(PLACE, str(prefix))
                    slurm.use_plugin(True)
                new = set(dumps(place)) - there
                tasks = tasks_of(command, script)
                if "local:" in command and command.startswith("srun"):  # a file for each node
                    check(1 <= len(new) <= tasks, f"{len(new)} dumps of `{command}`")
                else:
                    merged = " merge " in command or command.endswith(" collect")  # files of no task of their own
                    check_equal(len(new), merged or tasks * ("local:" not in command), f"dumps of `{command}`")
                ran, counted = ran + 1, counted + tasks
        check_equal(report(client, place)["totals"]["calls"], counted * CALLS, "calls")
        check(ran >= 12 and counted >= 30, f"only {ran} commands with {counted} tasks were run")
    finally:
        slurm.plugin_line = old
        slurm.use_plugin(True)


@case()
def installed(client):
    """`make install` installs the plugin if it was built, with its line for plugstack.conf, and leaves it out otherwise."""
    install(client, "DESTDIR=", f"PREFIX={client.folder}/with", f"LIBDIR={client.folder}/with/lib64")
    line = (client.folder / "with/share/flopshim/plugstack.conf").read_text().splitlines()[-1]
    plugin = client.folder / "with/lib64/slurm/flopshim.so"
    check_equal(line, f"optional {plugin} library={client.folder}/with/lib64/libflopshim.so "
                f"report={client.folder}/with/bin/flopshim-report", "line in plugstack.conf")
    check(plugin.is_file(), "the plugin is not there")
    shutil.rmtree(client.folder / "build" / "slurm")
    install(client, "DESTDIR=", f"PREFIX={client.folder}/without")
    left = [path.name for path in (client.folder / "without").rglob("*") if path.name in ("slurm", "plugstack.conf")]
    check_equal(left, [], "installed although it was not built")
    check((client.folder / "without/lib/libflopshim.so").is_file(), "the shim is not there")
