# SPDX-License-Identifier: BSD-3-Clause
"""Tests where a dump is if its directory has gone, if its name is too long, or if others share the machine. A dump must
never appear where it was not asked for."""

import os
import re
import shutil
import stat
from pathlib import Path

from harness import TOP, Skip, case, check, check_equal, read_report


DEFAULT = "flopshim-%e-%h%R-%p-%t.dump"


def elsewhere(client):
    return client.compile("elsewhere.c")


def everywhere(folder):
    """All paths below a folder, relative to it."""
    return sorted(str(path.relative_to(folder)) for path in folder.glob("**/*"))


def run(client, *words, cwd, **environment):
    """Runs elsewhere.c, which must end with status 0. Skips the case without the right to chroot."""
    environment.setdefault("FLOPSHIM_OUT", DEFAULT)
    done = client.run([elsewhere(client), *words], status=None, cwd=cwd, **environment)
    if done.status == 77:
        raise Skip("no right to chroot")
    check_equal(done.status, 0, "status")
    return done


def check_gone(done, what):
    """One line says that there is no file, and why."""
    (line,) = done.err.decode().splitlines()
    check("counting without a file" in line and what in line, f"what it says: {line}")


# ---- directories ----

@case(how=("removed", "left"))
def directory_removed(client):
    """If the directory of the dump was removed or left by then, it is not made again, and no other one gets the dump."""
    for out in (DEFAULT, "{}/", "{}/deeper/%e.dump", "deeper/%e.dump"):
        here = client.folder / "here"
        here.mkdir()
        done = run(client, client.how, cwd=here, FLOPSHIM_OUT=out.format(here))
        check_gone(done, "ENOENT" if out[0] == "{" else "gone")
        check_equal([name for name in everywhere(client.folder) if "dumps-" not in name], [], "what is there")


@case()
def directory_renamed(client):
    """If the directory was renamed, the dump is in it under its new name."""
    here = client.folder / "here"
    here.mkdir()
    done = run(client, "renamed", cwd=here)
    check_equal(done.err, b"", "standard error")
    (dump,) = client.folder.glob("here-renamed/*.dump")
    check_equal(read_report(client.reporter, [str(dump)])["totals"]["calls"], 1, "calls")


@case()
def folder_removed(client):
    """If the program has removed the folder of the dump, the shim does not make it again, so that the program can."""
    here = client.folder / "here"
    (here / "out").mkdir(parents=True)
    check_gone(run(client, "folder", "out", cwd=here, FLOPSHIM_OUT="out/"), "gone")
    check_equal(everywhere(here), ["out"], "what is there")


@case()
def gone_before_the_start(client):
    """If the current directory had gone before the start, no dump is written, in particular not into the root directory."""
    before = set(Path("/").glob("*.dump"))
    done = client.run(["sh", "-c", f"mkdir gone; cd gone; rmdir ../gone; exec {elsewhere(client)}"], FLOPSHIM_OUT=DEFAULT)
    check_gone(done, "gone")
    check_equal(set(Path("/").glob("*.dump")) - before, set(), "dumps in the root of the file system")


@case(out=("default", "relative", "absolute"))
def root_changed(client):
    """After chroot, nothing of the outside path is made inside, and a path that exists inside is used."""
    jail, here = client.folder / "jail", client.folder / "here"
    (jail / "inside").mkdir(parents=True)
    here.mkdir()
    out = {"default": DEFAULT, "relative": "deeper/%e.dump", "absolute": f"{here}/"}[client.out]
    check_gone(run(client, "chroot", jail, cwd=here, FLOPSHIM_OUT=out), "ENOENT" if client.out == "absolute" else "gone")
    check_equal((everywhere(jail), everywhere(here)), (["inside"], []), "what is there")
    run(client, "chroot", jail, cwd=here, FLOPSHIM_OUT="/inside/%e.dump")
    check_equal(everywhere(jail), ["inside", "inside/elsewhere.dump"], "what is there")


# ---- long names ----

def long_program(client, name):
    target = client.folder / name
    shutil.copy(elsewhere(client), target)
    return target


def dump_of(client, command, out, **environment):
    """The name of the dump of a run. It must fit into a file name, consist of whole characters, and end in .dump."""
    here = client.folder / "names"
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir()
    done = client.run(command, cwd=here, FLOPSHIM_OUT=out, **environment)
    check_equal(done.err, b"", "standard error")
    (dump,) = here.glob("**/*.dump")
    check(len(os.fsencode(dump.name)) <= 255, f"{len(dump.name)} bytes")
    dump.name.encode()  # raises an error if a character was cut
    check_equal(read_report(client.reporter, [str(dump)])["totals"]["calls"], 1, "calls")
    return dump.name


PROGRAMS = {"one": "p" * 250, "two": "é" * 125, "three": "日本" * 40, "four": "x" + "😀" * 62}


@case(bytes=PROGRAMS)
def long_program_name(client):
    """A program name that is too long is cut at a whole character of one to four bytes, and the rest of the template
    stays."""
    program = long_program(client, PROGRAMS[client.bytes])
    name = dump_of(client, [program], DEFAULT)
    check(re.fullmatch(r"flopshim-(.{30,})-[^/]+-\d+-\d{8}T\d{6}\.\d{6}\.dump", name), f"the name: {name}")
    check(name[9:].startswith(program.name[:30]), f"the name does not begin with the program's: {name}")
    name = dump_of(client, [program], "%e-%e.%p.dump")
    check(re.fullmatch(r".{20,}-.{20,}\.\d+\.dump", name), f"the name: {name}")


@case(what=("job", "rank", "literal", "directory"))
def long_words(client):
    """A job, a rank, or words of the template that are too long are cut, and the dump is written."""
    long = "wört" * 100
    program = elsewhere(client)
    if client.what == "job":
        name = dump_of(client, [program], "%j-%r.dump", SLURM_JOB_ID=long, SLURM_PROCID="12")
        check(name.startswith("wörtwört") and name.endswith("-12.dump"), f"it is {name}")
    elif client.what == "rank":
        check(dump_of(client, [program], "%r.dump", SLURM_PROCID=long).startswith("wörtwört"), "its name")
    elif client.what == "literal":
        check(dump_of(client, [program], f"{long}-%p.dump").startswith("wörtwört"), "its name")
    else:
        dump_of(client, [program], f"{long}/%j/%p.dump", SLURM_JOB_ID=long)


@case()
def long_name_taken(client):
    """If a name of the greatest length is taken already, there is still room for the process number."""
    out = client.folder / ("é" * 125 + ".dump")
    for _ in range(2):
        client.run([elsewhere(client)], FLOPSHIM_OUT=str(out))
    dumps = sorted(client.folder.glob("é*.dump"))
    check_equal(len(dumps), 2, "dumps")
    check_equal(read_report(client.reporter, [str(dump) for dump in dumps])["totals"]["calls"], 2, "calls")


@case()
def long_path(client):
    """The dump is written if its path is nearly as long as a path can be."""
    top = str(client.folder)
    depth = (4096 - 30 - len(top)) // 201
    out = top + ("/" + "d" * 200) * depth
    out += "/" + "e" * (4095 - 24 - len(out) - 2) + "/"
    done = client.run([elsewhere(client)], FLOPSHIM_OUT=out)
    check_equal(done.err, b"", "standard error")
    folder = os.open(top, os.O_RDONLY)
    for part in out[len(top) + 1:-1].split("/"):
        inner = os.open(part, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    (name,) = os.listdir(folder)
    os.close(folder)
    check(name.startswith("flopshim-") and name.endswith(".dump"), f"the name: {name}")


# ---- who may read it ----

ACCESS = {"owner": 0o600, "group": 0o640, "all": 0o644}


@case(access=("unset", *ACCESS))
def access(client):
    """Whatever the umask is, a dump is never writable for others, and is readable for those that FLOPSHIM_ACCESS names."""
    access = None if client.access == "unset" else client.access
    for mask in ("000", "022", "077"):
        folder = client.folder / f"mask-{mask}"
        client.run(["sh", "-c", f"umask {mask}; exec {elsewhere(client)}"], FLOPSHIM_ACCESS=access,
                   FLOPSHIM_OUT=f"{folder}/inner/")
        (dump,) = folder.glob("inner/*.dump")
        check_equal(oct(stat.S_IMODE(dump.stat().st_mode)), oct(ACCESS.get(client.access, 0o600)), f"mode under {mask}")
        check_equal(folder.stat().st_mode & 0o022, 0, f"others' rights to write in the directory under {mask}")


@case()
def access_of_children(client):
    """Dumps of children are readable for their owner only, too."""
    program = client.compile("processes.c")
    run = client.run(["sh", "-c", f"umask 0; exec {program} fork"])
    check(len(run.dumps) > 1, "no dump of a child")
    check_equal({stat.S_IMODE(os.stat(dump).st_mode) for dump in run.dumps}, {0o600}, "modes")


@case()
def wrong_access(client):
    """A wrong FLOPSHIM_ACCESS is warned about, and only the owner may read the dump."""
    run = client.run([elsewhere(client)], FLOPSHIM_ACCESS="everybody")
    (line,) = run.err.decode().splitlines()
    check("FLOPSHIM_ACCESS" in line and "owner, group or all" in line, f"what it says: {line}")
    check_equal(stat.S_IMODE(os.stat(run.dumps[0]).st_mode), 0o600, "mode")


# ---- who writes into it ----

@case(what=("anywhere-shapes", "anywhere-calls", "fields-shapes", "fields-calls"))
def nonsense_in_the_dump(client):
    """If another process overwrites the dump while the program runs, totals are lost, but the program goes on."""
    where, records = client.what.split("-")
    program = client.compile("scribbled.c", "-pthread", f"-I{TOP / 'include'}")
    for seed in range(4):
        command = [program, seed + 1, 4, *(["fields"] if where == "fields" else [])]
        run = client.run(command, FLOPSHIM_RECORDS=records, FLOPSHIM_STACKS="all" if seed % 2 else "auto",
                         FLOPSHIM_BUDGET="1e15" if seed > 1 else None, FLOPSHIM_ON_EXCEED="deny")
        check_equal(run.out, b"end\n", "standard output")


# ---- what is no place for a file ----

@case(launched=(False, True))
def null(client):
    """FLOPSHIM_OUT=/dev/null makes no file, there or elsewhere, and nothing is said, for children too."""
    before = set(os.listdir("/dev"))
    words = ["sh", "-c", f"{elsewhere(client)}; {client.compile('processes.c')} plain"]
    done = client.run([client.launcher, *words] if client.launched else words, shim=not client.launched,
                      cwd=client.folder, FLOPSHIM_OUT="/dev/null", FLOPSHIM_BUDGET="1e9")
    check_equal(done.err, b"", "standard error")
    check_equal(set(os.listdir("/dev")) - before, set(), "what is new in /dev")
    check_equal(done.dumps, [], "dumps")


@case(out=("full", "stdout", "fifo", "link"))
def no_file(client):
    """If FLOPSHIM_OUT is a device, a pipe or a link to one, no file is made beside it, and one line says so."""
    before = set(os.listdir("/dev"))
    path = Path("/dev") / client.out
    if client.out in ("fifo", "link"):
        path = client.folder / f"{client.out}.dump"
    if client.out == "fifo":
        os.mkfifo(path)
    elif client.out == "link":
        path.symlink_to("/dev/full")
    done = client.run(["sh", "-c", f"exec {elsewhere(client)} > {client.folder}/output"], FLOPSHIM_OUT=path, timeout=20)
    (line,) = done.err.decode().splitlines()
    check_equal(line, f"flopshim: cannot write {path} (it is no regular file): counting without a file", "what is said")
    check_equal(set(os.listdir("/dev")) - before, set(), "what is new in /dev")
    check_equal(list(client.folder.glob("*-*.dump")), [], "what is new beside it")


@case()
def link_to_a_dump(client):
    """A link to an older dump is left alone, as the dump itself would be, and another file is written."""
    (client.folder / "old.dump").write_text("old")
    (client.folder / "last.dump").symlink_to("old.dump")
    client.run([elsewhere(client)], FLOPSHIM_OUT=client.folder / "last.dump")
    check_equal((client.folder / "old.dump").read_text(), "old", "the older one")
    (dump,) = client.folder.glob("last-*.dump")
    check_equal(read_report(client.reporter, [str(dump)])["totals"]["calls"], 1, "calls")


# ---- what the environment has ----

WORDS = {  # {kind: (the word in the environment, the word in the dump's name)}
    "above": ("..", "__"), "here": (".", "_"), "slashes": ("../../x", ".._.._x"), "escape": ("7\x1b[2J\r\n", "7_[2J__"),
    "c1": ("7\u009b2J", "7__2J"), "raw c1": ("7\udc9b2J", "7_2J"), "delete": ("7\x7f", "7_"), "letters": ("é日😀", "é日😀"),
}


@case(word=WORDS)
def words_of_the_environment(client):
    """Words of the environment in a template stay within one directory and name, and bring no control characters."""
    given, expected = WORDS[client.word]
    here = client.folder / "here" / "inside"
    here.mkdir(parents=True)
    client.run([elsewhere(client)], cwd=here, FLOPSHIM_OUT="%j/x%r.dump", SLURM_JOB_ID=given, SLURM_PROCID=given)
    within = expected if given.strip(".") else given  # dots are harmless in a longer name
    check_equal(everywhere(client.folder / "here"),
                ["inside", f"inside/{expected}", f"inside/{expected}/x{within}.dump"], "what is there")


@case()
def words_that_make_one(client):
    """Two words of one dot that make a name of two dots are treated as such a name. Dots in a directory that the user
    gave are the user's."""
    here = client.folder / "here" / "inside"
    here.mkdir(parents=True)
    client.run([elsewhere(client)], cwd=here, FLOPSHIM_OUT="%j%r/../x/./%j.dump", SLURM_JOB_ID=".", SLURM_PROCID=".")
    check_equal(everywhere(client.folder / "here"), ["inside", "inside/__", "inside/x", "inside/x/..dump"], "what is there")


@case()
def program_with_control_characters(client):
    """Control characters in the program's name are replaced in the dump's name."""
    here = client.folder / "here"
    here.mkdir()
    program = here / "pro\x1b[31mgram\n"
    shutil.copy(elsewhere(client), program)
    client.run([program], cwd=here, FLOPSHIM_OUT="%e.dump")
    check((here / "pro_[31mgram_.dump").exists(), f"there is {everywhere(here)}")
