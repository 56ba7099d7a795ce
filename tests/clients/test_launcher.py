# SPDX-License-Identifier: BSD-3-Clause
"""Tests the launcher: what it sets, what it passes on, what it refuses, and its status for each refusal."""

import os
import pty
import shutil
import stat
import struct
import subprocess

import flops
from harness import PYTHON, Failure, Skip, case, check, check_equal, read_report, system_program

LAUNCHER, UNREACHABLE, NOT_FOUND = 125, 126, 127


def launch(client, *words, status=0, **variables):
    """Runs the launcher in an environment without LD_PRELOAD, unless one is given."""
    return client.run([client.launcher, *words], shim=False, status=status, **variables)


def check_refused(run, *words):
    """Standard output is empty, and standard error has one line of the launcher's with all of these words."""
    said = run.err.decode().splitlines()
    check_equal(run.out, b"", "standard output")
    check_equal(len(said), 1, "lines on standard error")
    check(said[0].startswith("flopshim: "), "a line that is not the launcher's")
    for word in words:
        check(word in said[0], f"the message does not say {word!r}")


def executable(client, name, content, mode=0o755):
    path = client.folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


@case()
def counts(client):
    """A program under the launcher is counted, without a message."""
    program = client.compile("processes.c")
    dump = client.folder / "here.dump"
    run = launch(client, "--out", dump, program, "plain")
    check_equal(run.err, b"", "standard error")
    rows = read_report(client.reporter, [str(dump)])["routines"]
    check_equal([(row["routine"], row["calls"]) for row in rows], [("ddot", 5)], "calls")


@case()
def passes_status(client):
    """The launcher ends with the program's status, or by its signal."""
    for code in (0, 1, 7, 125, 255):
        launch(client, "sh", "-c", f"exit {code}", status=code)
    launch(client, "sh", "-c", "kill -9 $$", status=-9)


@case()
def arguments_and_name(client):
    """Everything after PROGRAM belongs to PROGRAM, and argv[0] is the name that was given."""
    run = launch(client, "sh", "-c", 'printf "%s|" "$0" "$@"', "zero", "--help", "", "a b", "--", "-b")
    check_equal(run.out, b"zero|--help||a b|--|-b|", "arguments")
    run = launch(client, "--", "sh", "-c", "ps -o args= -p $$ 2>/dev/null || tr '\\0' ' ' < /proc/$$/cmdline")
    check(run.out.startswith(b"sh -c"), "argv[0] is not the name that was given")


def empty_shim(client):
    """A library that takes the place of the shim and reads no variable."""
    source = client.folder / "shim.c"
    source.write_text("extern int nothing;\n")
    target = client.folder / "libflopshim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", target, source], check=True)
    return target


@case()
def variables(client):
    """Each option sets its variable, and an option takes precedence over a variable of the environment."""
    options = ["--budget", "1e12", "--budget", "train=200G", "--on-exceed", "warn", "--namespace", "a.b",
               "--out", "x/%p", "--access", "group", "--multiplier", "2", "--weights", "w.txt", "--records", "calls",
               "--log-max", "1M", "--stacks", "off", "--time", "all", "--bare-names", "--overwrite", "--quiet"]
    shim = empty_shim(client)
    run = launch(client, *options, "/usr/bin/env", FLOPSHIM_MULTIPLIER="3", FLOPSHIM_BUDGET="7",
                 FLOPSHIM_LIBRARY=shim)
    got = dict(line.split("=", 1) for line in run.out.decode().splitlines() if line.startswith(("FLOPSHIM_", "LD_PRE")))
    mark = got.pop("FLOPSHIM_RUN")
    check(len(mark) == 32 and not set(mark) - set("0123456789abcdef"), f"the mark of the run: {mark}")
    launched = got.pop("FLOPSHIM_LAUNCHED")
    check(launched.isdigit() and int(launched) > 1, f"the launched process: {launched}")
    check_equal(got, {
        "LD_PRELOAD": str(shim),
        "FLOPSHIM_BUDGET": "1e12,train=200G", "FLOPSHIM_ON_EXCEED": "warn", "FLOPSHIM_NAMESPACE": "a.b",
        "FLOPSHIM_OUT": "x/%p", "FLOPSHIM_ACCESS": "group", "FLOPSHIM_MULTIPLIER": "2", "FLOPSHIM_WEIGHTS": "w.txt",
        "FLOPSHIM_RECORDS": "calls", "FLOPSHIM_LOG_MAX": "1M", "FLOPSHIM_STACKS": "off", "FLOPSHIM_TIME": "all",
        "FLOPSHIM_BARE_NAMES": "1", "FLOPSHIM_OVERWRITE": "1", "FLOPSHIM_QUIET": "1"}, "environment")


@case()
def preload_order(client):
    """The shim is first in LD_PRELOAD, and only once, but comes after the runtimes of sanitizers, which insist on being
    first."""
    shim = str(client.shim.resolve())
    for old, new in (("/x/a.so", f"{shim}:/x/a.so"),
                     ("/x/a.so /y/b.so", f"{shim}:/x/a.so:/y/b.so"),
                     (f"/x/a.so:{shim}", f"{shim}:/x/a.so"),
                     ("/x/libasan.so.8:/x/a.so", f"/x/libasan.so.8:{shim}:/x/a.so"),
                     (":", shim)):
        # These libraries do not exist: the linker prints a line about each and goes on.
        run = launch(client, "/usr/bin/env", LD_PRELOAD=old)
        check(f"\nLD_PRELOAD={new}\n" in "\n" + run.out.decode(), f"{old} does not become {new}")
    run = launch(client, client.launcher, "/usr/bin/env")
    check(f"\nLD_PRELOAD={shim}\n" in "\n" + run.out.decode(), "a launcher in a launcher doubles the shim")


@case(sanitizer=("address", "thread", "undefined"))
def sanitized_program(client):
    """A program that is linked to a sanitizer's runtime is counted: the launcher puts that runtime first, since it
    refuses to start after another library."""
    program = client.compile("processes.c", f"-fsanitize={client.sanitizer}", name=f"processes-{client.sanitizer}")
    options = {"ASAN_OPTIONS": "detect_leaks=0"}
    if client.run([program, "plain"], shim=False, status=None, **options).status:
        raise Skip("it does not run here without the shim either")
    dump = client.folder / "x.dump"
    check_equal(launch(client, "--out", dump, program, "plain", **options).err, b"", "standard error")
    check(dump.exists(), "it was not counted")


@case()
def scripts(client):
    """Scripts are counted, whether their interpreter is named, found by env, or a shell because they have no first line."""
    program = client.compile("processes.c")
    bodies = {
        "plain": f"#!/bin/sh\nexec {program} plain\n",
        "spaces": f"#! /bin/sh  -e  \nexec {program} plain\n",
        "env": f"#!/usr/bin/env sh\nexec {program} plain\n",
        "split": f"#!/usr/bin/env -S A=1 sh -e\nexec {program} plain\n",
        "none": f"exec {program} plain\n",
    }
    for name, body in bodies.items():
        out = client.folder / f"out-{name}"
        out.mkdir()
        launch(client, executable(client, name, body), FLOPSHIM_OUT=out)
        check_equal(len(list(out.iterdir())), 1, f"dumps of the script {name}")


@case()
def path_search(client):
    """PROGRAM is searched for in PATH. What is not found, no program or not executable is refused, with status 127 or
    126."""
    folder = client.folder / "bin"
    folder.mkdir()
    executable(client, "bin/tool", "#!/bin/sh\necho found\n")
    path = f"/nowhere:{folder}:/usr/bin:/bin"
    check_equal(launch(client, "tool", PATH=path).out, b"found\n", "output")
    check_refused(launch(client, "no-such-tool", PATH=path, status=NOT_FOUND), "no-such-tool", "not found")
    (folder / "tool").chmod(0o644)
    check_refused(launch(client, "tool", PATH=path, status=UNREACHABLE), "ermission denied")
    check_refused(launch(client, "./tool", status=NOT_FOUND), "not found")
    check_refused(launch(client, client.folder, status=UNREACHABLE), "directory")


def compiled(client, name, *flags, compiler="gcc"):
    """An empty program, compiled with these flags. Skips the case if the compiler is missing or fails."""
    source = client.folder / "empty.c"
    source.write_text("int main(void) { return 0; }\n")
    target = client.folder / name
    if not shutil.which(compiler):
        raise Skip(f"no {compiler}")
    done = subprocess.run([compiler, *flags, "-o", target, source], capture_output=True)
    if done.returncode:
        raise Skip(f"{compiler} {' '.join(flags)}: {done.stderr.decode()[-200:]}")
    return target


@case(how=("-static", "-static-pie"))
def static_program(client):
    """A static program is refused."""
    program = compiled(client, "static", client.how)
    check_refused(launch(client, program, status=UNREACHABLE), "static", str(program))


@case()
def musl_program(client):
    """A program of musl is refused."""
    program = compiled(client, "musl", compiler="musl-gcc")
    check_refused(launch(client, program, status=UNREACHABLE), "musl")


@case(bit=("setuid", "setgid"))
def privileged_program(client):
    """A set-user-ID or set-group-ID program is refused."""
    program = compiled(client, "privileged")
    program.chmod(0o755 | (stat.S_ISUID if client.bit == "setuid" else stat.S_ISGID))
    if not program.stat().st_mode & (stat.S_ISUID | stat.S_ISGID):
        raise Skip("the bit was dropped")
    word = "set-user-ID" if client.bit == "setuid" else "set-group-ID"
    check_refused(launch(client, program, status=UNREACHABLE), word)


@case()
def file_capabilities(client):
    """A program with file capabilities is refused."""
    program = compiled(client, "capable")
    done = subprocess.run([system_program("setcap"), "cap_net_raw+ep", program], capture_output=True)
    if done.returncode:
        raise Skip(done.stderr.decode())
    check_refused(launch(client, program, status=UNREACHABLE), "capabilities")


def with_elf_bytes(client, name, offset, value):
    """A copy of /bin/true with other bytes at this offset of its ELF header."""
    data = bytearray(open("/bin/true", "rb").read())
    data[offset:offset + len(value)] = value
    return executable(client, name, bytes(data))


@case()
def other_machine(client):
    """A program for another processor is refused, and the line names both."""
    program = with_elf_bytes(client, "aarch64", 18, struct.pack("<H", 183))
    check_refused(launch(client, program, status=UNREACHABLE), "aarch64", "x86-64")


@case()
def other_word_size(client):
    """A 32-bit program is refused."""
    program = with_elf_bytes(client, "elf32", 4, b"\1")
    check_refused(launch(client, program, status=UNREACHABLE), "word size")


@case()
def script_of_unreachable(client):
    """A script is refused if its interpreter is, also through env."""
    static = compiled(client, "static", "-static")
    script = executable(client, "script", f"#!{static}\n")
    check_refused(launch(client, script, status=UNREACHABLE), str(script), "interpreter", "static")
    script = executable(client, "env-script", "#!/usr/bin/env static\n")
    path = f"{client.folder}:/usr/bin:/bin"
    check_refused(launch(client, script, PATH=path, status=UNREACHABLE), str(script), "static")
    script = executable(client, "cleared", "#!/usr/bin/env -iS sh\n")
    check_refused(launch(client, script, status=UNREACHABLE), "env -i")
    script = executable(client, "missing", "#!/no/such/interpreter\n")
    check_refused(launch(client, script, status=NOT_FOUND), "/no/such/interpreter")


@case()
def damaged_program(client):
    """A program that is cut at any length, or has nonsense in its headers, is refused or ends as without the launcher."""
    def try_one(program, what):
        status = launch(client, program, status=None).status
        bare = client.run(["env", program], shim=False, status=None).status
        # If the kernel takes a file for no program, env(1) ends with 126, while the launcher gives it to a shell.
        check(status in (bare, UNREACHABLE, NOT_FOUND) or bare == UNREACHABLE and status >= 0,
              f"{what}: status {status}, with env {bare}")

    whole = open("/bin/true", "rb").read()
    for length in (0, 1, 3, 4, 15, 20, 63, 64, 100, 500, 2000, len(whole) - 100):
        try_one(executable(client, "cut", whole[:length]), f"cut at {length} bytes")
    for offset in range(16, 64, 4):
        try_one(with_elf_bytes(client, "broken", offset, b"\xff\xff\xff\x7f"), f"offset {offset}")


@case()
def static_blas_is_said(client):
    """A program with a BLAS of its own runs, and a line says that it is out of reach."""
    source = client.folder / "own.c"
    source.write_text("void dgemm_(void) {}\nint main(void) { dgemm_(); return 5; }\n")
    program = client.folder / "own"
    subprocess.run(["gcc", "-o", program, source], check=True)
    run = launch(client, program, status=5)
    check(b"out of reach" in run.err and b"dgemm_" in run.err, "it is not said")
    check_equal(launch(client, "--quiet", program, status=5).err, b"", "standard error with --quiet")


@case()
def shim_not_found(client):
    """If the shim is not found, or FLOPSHIM_LIBRARY names no shim, the launcher says so with status 125. It does not
    pass FLOPSHIM_LIBRARY on."""
    lonely = client.folder / "flopshim"
    shutil.copy(client.launcher, lonely)
    if os.path.exists("/usr/local/lib/libflopshim.so"):
        raise Skip("a shim is installed")
    run = client.run([lonely, "true"], shim=False, status=LAUNCHER)
    check_refused(run, "libflopshim.so")
    run = client.run([lonely, "true"], shim=False, status=LAUNCHER, FLOPSHIM_LIBRARY="/no/such.so")
    check_refused(run, "/no/such.so", "FLOPSHIM_LIBRARY")
    run = client.run([lonely, "true"], shim=False, status=LAUNCHER, FLOPSHIM_LIBRARY="/etc/passwd")
    check_refused(run, "/etc/passwd")
    run = client.run([lonely, "/usr/bin/env"], shim=False, FLOPSHIM_LIBRARY=client.shim)
    check(b"FLOPSHIM_LIBRARY" not in run.out, "the launcher's own variable is passed on")


@case()
def shim_of_a_prefix(client):
    """bin/flopshim finds ../lib/libflopshim.so, also if it is called by a symbolic link."""
    for folder in ("bin", "lib", "elsewhere"):
        (client.folder / folder).mkdir()
    shutil.copy(client.launcher, client.folder / "bin")
    shutil.copy(client.shim, client.folder / "lib")
    (client.folder / "elsewhere" / "fs").symlink_to(client.folder / "bin" / "flopshim")
    for launcher in ("bin/flopshim", "elsewhere/fs"):
        run = client.run([client.folder / launcher, "/usr/bin/env"], shim=False)
        check(f"LD_PRELOAD={client.folder}/lib/libflopshim.so".encode() in run.out, f"{launcher} found another shim")


@case()
def path_with_a_space(client):
    """A shim whose path has a space is refused, since LD_PRELOAD cannot name it and the program would run uncounted."""
    folder = client.folder / "with space"
    folder.mkdir()
    shutil.copy(client.launcher, folder)
    shutil.copy(client.shim, folder)
    check_refused(client.run([folder / "flopshim", "true"], shim=False, status=LAUNCHER), "space")


@case()
def usage(client):
    """A wrong command line is refused in one line, and --help and --version say what they must."""
    check_refused(launch(client, status=LAUNCHER), "--help")
    run = launch(client, "--no-such-option", "true", status=LAUNCHER)
    check(b"no-such-option" in run.err, "the option is not named")
    run = launch(client, "--budget", status=LAUNCHER)
    check_equal(run.out, b"", "standard output")
    text = launch(client, "--help").out.decode()
    for word in ("--budget", "--out", "--namespace", "--quiet", "FLOPSHIM_", "126", "127"):
        check(word in text, f"--help does not speak of {word}")
    check(launch(client, "--version").out.startswith(b"flopshim "), "--version")
    check_equal(launch(client, "--quiet", "--help").err, b"", "standard error")


@case()
def budget(client):
    """A budget stops the program with status 121 and one line that says what the call costs."""
    program = "import numpy as np\na = np.ones((50, 50)); b = np.ones((50, 50))\nwhile True: a @ b\n"
    run = launch(client, "--budget", "1M", "--out", client.folder / "x.dump", PYTHON, "-c", program, status=121)
    check_equal(len(run.err.splitlines()), 1, "lines on standard error")
    if not (client.folder / "x.dump").exists():
        raise Failure("no dump where --out said")
    check(b"dgemm" in run.err and f"{flops.gemm(50, 50, 50):,}".encode() in run.err, "another message")


# ---- a newcomer's first hour ----

@case()
def program_in_this_directory(client):
    """If PROGRAM is not in PATH but in this directory, the line asks whether ./PROGRAM was meant."""
    executable(client, "power", "#!/bin/sh\n")
    check_refused(launch(client, "power", status=NOT_FOUND), "power: not found in PATH", "./power?")
    check_equal(launch(client, "nothing-here", status=NOT_FOUND).err, b"flopshim: nothing-here: not found\n", "standard error")


WRONG = {  # {what is wrong: (the command line, words that the line must have)}
    "budget program": (["--budget", "./power"], ["--budget", "./power", "flopshim --budget 1e9 ./power"]),
    "budget program argument": (["-b", "./power", "x"], ["flopshim --budget 1e9 ./power"]),
    "budget of PATH": (["--budget", "true"], ["flopshim --budget 1e9 true"]),
    "out program": (["--out", "./power"], ["--out", "flopshim --out TEMPLATE ./power"]),
    "no value": (["--budget"], ["--budget", "AMOUNT"]),
    "slip": (["--buget", "1e9", "./power"], ["--buget", "did you mean --budget?"]),
    "no slip": (["--nonsense", "./power"], ["--nonsense: there is no such option; try"]),
    "letter": (["-Z", "./power"], ["-Z", "no such option"]),
    "value too many": (["--quiet=2", "./power"], ["--quiet takes no value"]),
}


@case(what=WRONG)
def command_line(client):
    """One line says what was wrong on the command line, and what was expected."""
    words, expected = WRONG[client.what]
    executable(client, "power", "#!/bin/sh\n")
    check_refused(launch(client, *words, status=LAUNCHER), *expected)


@case(word=("-budget", "-budget=1e9", "-out", "-quiet", "-help"))
def one_dash(client):
    """The long name of an option after one dash is not read as a letter and its value."""
    name = client.word.partition("=")[0]
    check_refused(launch(client, client.word, "1e9", "true", status=LAUNCHER), client.word, f"did you mean -{name}?")


@case()
def letters(client):
    """What follows a letter is its value, or another letter."""
    for words in (["-b1e9"], ["-qv"], ["-qb1e9"], ["-ox.dump"], ["-q", "-b", "1e9"]):
        run = launch(client, *words, "sh", "-c", "echo $FLOPSHIM_BUDGET$FLOPSHIM_OUT$FLOPSHIM_QUIET; :",
                     FLOPSHIM_LIBRARY=empty_shim(client))
        expected = {"-b1e9": "1e9", "-qv": "1", "-qb1e9": "1e91", "-ox.dump": "x.dump", "-q": "1e91"}[words[0]]
        check_equal(run.out.decode(), expected + "\n", f"values of {words}")


@case(value=("1,000,000", "1,500", "train=1,000", ""))
def budget_value(client):
    """A wrong FLOPSHIM_BUDGET stops the program, with an example of a right one."""
    run = launch(client, "true", status=2, FLOPSHIM_BUDGET=client.value)
    check_refused(run, f"FLOPSHIM_BUDGET: '{client.value}'", "1M" if client.value else "1e9", "without")


@case()
def budget_with_commas(client):
    """A right FLOPSHIM_BUDGET with several namespaces is accepted."""
    check_equal(launch(client, "--quiet", "true", FLOPSHIM_BUDGET="1000,train=500,test=100").err, b"", "standard error")


@case()
def no_dump(client):
    """One line says that nothing was counted. There is none with --quiet, if another process may have counted, or
    without the launcher."""
    program = client.compile("processes.c")
    run = launch(client, "true")
    check_refused(run, "/true made no call of BLAS or LAPACK that could be counted: there is no dump")
    check_refused(launch(client, "env", "sh", "-c", "exec true"), "/true made no call")
    quiet = [["--quiet", "true"], ["sh", "-c", f"{program} plain; true"], ["sh", "-c", f"{program} plain & wait"]]
    for words in quiet:
        check_equal(launch(client, *words, FLOPSHIM_OUT="/dev/null").err, b"", f"standard error of {words}")
    check_equal(launch(client, "true", FLOPSHIM_QUIET="1").err, b"", "standard error by the variable")
    check_equal(client.run(["true"]).err, b"", "standard error without the launcher")


FORGETS_CHILDREN = """
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

int main(int count, char **words)
{
	struct sigaction action = {.sa_handler = strcmp(words[1], "ignored") ? SIG_DFL : SIG_IGN,
				   .sa_flags = strcmp(words[1], "no wait") ? 0 : SA_NOCLDWAIT};
	pid_t child;

	if (sigaction(SIGCHLD, &action, NULL) || (count > 2 && posix_spawn(&child, words[2], NULL, NULL, words + 2, environ)))
		return 1;
	wait(NULL);
	return 0;
}
"""


@case(how=("ignored", "no wait", "usual"))
def no_dump_of_its_own(client):
    """A program whose child has left a dump is not said to have left none, even if the kernel does not keep the end of
    its children."""
    source, program = client.folder / "forgets.c", client.folder / "forgets"
    source.write_text(FORGETS_CHILDREN)
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-o", program, source], check=True)
    run = launch(client, "-o", "x.dump", program, client.how, client.compile("processes.c"), "plain")
    check_equal(run.err, b"", "standard error")
    check((client.folder / "x.dump").exists(), "the child has left no dump")
    if client.how == "usual":
        check_refused(launch(client, program, client.how), "made no call")


@case()
def one_write(client):
    """Each line is written by one system call, so that lines of many ranks do not mix."""
    if not shutil.which("strace"):
        raise Skip("no strace")
    executable(client, "power", "#!/bin/sh\n")
    trace = client.folder / "trace"
    for words in (["power"], ["--budget", "./power"], ["--no-such-option"]):
        client.run(["strace", "-o", trace, "-e", "trace=write,writev", client.launcher, *words], shim=False, status=None)
        lines = [line for line in trace.read_text().splitlines() if line.startswith("write")]
        check_equal([line[:18] for line in lines], ['write(2, "flopshim'], f"writes of {words}")


# ---- flopshim-report ----

def report(client, *words, status):
    return client.run([client.reporter, *words], shim=False, status=status, timeout=20)


@case()
def misspelt_command(client):
    """A misspelt command of flopshim-report is refused with the right one, unless a file has that name or no command is
    near."""
    for word, meant in (("repot", "report"), ("explian", "explain"), ("comapre", "compare")):
        said = report(client, word, status=2).err.decode()
        check(word in said and f"did you mean 'flopshim-report {meant}'?" in said, f"it says {said}")
    check(b"did you mean" not in report(client, "unlike", status=1).err, "a name unlike all is taken for one")
    (client.folder / "repot").write_text("no dump")
    check(b"did you mean" not in report(client, "repot", status=None).err, "a file that is there is taken for a command")


@case()
def explain_alone(client):
    """`flopshim-report explain` without arguments shows an example on a terminal, where it would wait silently, and
    reads lines from a pipe."""
    master, terminal = pty.openpty()
    try:
        done = subprocess.run([client.reporter, "explain"], stdin=terminal, capture_output=True, timeout=20)
    finally:
        os.close(master)
        os.close(terminal)
    check_equal((done.returncode, done.stdout), (2, b""), "status, standard output")
    check(b"flopshim-report explain dgemm m=100 n=100 k=100" in done.stderr, "no example")
    run = client.run([client.reporter, "explain"], shim=False, stdin=b"dgemm m=100 n=100 k=100\n")
    check(b"dgemm" in run.out, "it does not read a pipe")


@case(where=("launcher", "shim"))
def control_characters(client):
    """Control characters in a name are shown as question marks, since a terminal would obey them."""
    name = "p\x1b]0;title\x07\u009b31mX"
    if client.where == "launcher":
        run = client.run([client.launcher, f"./\n{name}"], shim=False, status=127)
    else:
        run = client.run([client.compile("processes.c"), "plain"], FLOPSHIM_WEIGHTS=f"/nowhere/{name}", status=2)
    lines = run.err.decode().splitlines()
    check_equal([line for line in lines if "p?]0;title???31mX" in line], lines[:1], "the line")
    check_equal(len(lines), 1, f"lines ({lines})")
