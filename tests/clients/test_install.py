# SPDX-License-Identifier: BSD-3-Clause
"""Tests `make install` and `make uninstall`: what was installed must work outside of the tree, for the tools that people use, in
two prefixes at once, and after a prefix was moved. No case may write outside of its own folder."""

import os
import re
import shutil
import subprocess

import flops
from harness import PYTHON, TOP, Skip, case, check, check_equal, install, read_report, system_program

VERSION = re.search(r'VERSION "(.*)"', (TOP / "include" / "version.h").read_text()).group(1)
SONAME = f"libflopshim.so.{VERSION.split('.')[0]}"


def staged(client):
    """Installs into a folder of the case, and returns its /usr/local."""
    stage = client.folder / "stage"
    install(client, f"DESTDIR={stage}", "PREFIX=/usr/local", f"PYTHON={PYTHON}")
    return stage / "usr" / "local"


def prefixed(client, name="prefix", *settings):
    """Installs into a prefix in the folder of the case, and returns it."""
    prefix = client.folder / name
    install(client, f"PREFIX={prefix}", "DESTDIR=", *settings)
    return prefix


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def preloaded(client, launcher, **options):
    """What the launcher makes of LD_PRELOAD."""
    run = client.run([launcher, "/usr/bin/env"], shim=False, **options)
    return next(line.split("=", 1)[1] for line in run.out.decode().splitlines() if line.startswith("LD_PRELOAD="))


def spaces_of(client, preload, *command, **variables):
    """{namespace: FLOPs of its own} of a program that runs with a library preloaded."""
    run = client.run(list(command), shim=preload, **variables)
    return {row["namespace"]: row["own_flops"] for row in read_report(client.reporter, run.dumps)["namespaces"]}


@case()
def files(client):
    """The programs, the shim by both of its names, headers, completions and what other tools read are installed."""
    prefix = staged(client)
    installed = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
    missing = {f"lib/{SONAME}", "lib/libflopshim.so", "bin/flopshim", "bin/flopshim-report", "share/man/man1/flopshim.1",
               "include/flopshim.h", "include/flopshim_dump.h", "share/flopshim/flopshim.f90", "lib/pkgconfig/flopshim.pc",
               "share/bash-completion/completions/flopshim", "share/zsh/site-functions/_flopshim",
               "share/bash-completion/completions/flopshim-report", "share/zsh/site-functions/_flopshim-report",
               "share/fish/vendor_completions.d/flopshim.fish", "share/fish/vendor_completions.d/flopshim-report.fish",
               "lib/cmake/flopshim/flopshim-config.cmake", "lib/cmake/flopshim/flopshim-config-version.cmake",
               "lib/cmake/flopshim/Flopshim.cmake", "lib/cmake/flopshim/flopshim-test"} - installed
    check_equal(sorted(missing), [], "not installed")
    check_equal(os.readlink(prefix / "lib" / "libflopshim.so"), SONAME, "the link")
    said = subprocess.run([system_program("readelf"), "-dW", prefix / "lib" / SONAME], capture_output=True, text=True, check=True)
    check(f"soname: [{SONAME}]" in said.stdout, said.stdout)


@case()
def launcher(client):
    """The installed launcher preloads the shim of its own prefix, wherever that is."""
    prefix = staged(client)
    program = client.compile("processes.c")
    dump = client.folder / "counted.dump"
    client.run([prefix / "bin" / "flopshim", "--out", dump, program, "plain"], shim=False)
    report = read_report(prefix / "bin" / "flopshim-report", [str(dump)])
    check_equal(report["totals"]["calls"], 5, "calls")
    check_equal(preloaded(client, prefix / "bin" / "flopshim"), f"{prefix}/lib/libflopshim.so", "LD_PRELOAD")


@case()
def another_library_folder(client):
    """A launcher that was built for one folder finds the shim if LIBDIR is another one, as in most distributions."""
    for libdir in (client.folder / "usr" / "lib" / "x86_64-linux-gnu", client.folder / "apart" / "libraries"):
        prefix = client.folder / "usr"
        install(client, f"PREFIX={prefix}", f"LIBDIR={libdir}", "DESTDIR=")
        check_equal(preloaded(client, prefix / "bin" / "flopshim"), f"{libdir}/libflopshim.so", "LD_PRELOAD")
        (libdir / "libflopshim.so").unlink()


@case()
def one_shim(client):
    """The launcher preloads the shim once, by a name that outlives an upgrade, whatever names it was preloaded by before."""
    prefix, other = prefixed(client), prefixed(client, "other")
    shim = f"{prefix}/lib/libflopshim.so"
    for old in (f"{other}/lib/{SONAME}", f"{other}/lib/libflopshim.so", f"{prefix}/lib/{SONAME}:{shim}", "libflopshim.so.0.9"):
        check_equal(preloaded(client, prefix / "bin" / "flopshim", LD_PRELOAD=old), shim, f"LD_PRELOAD, that was {old}")
    names = {f"lib/{SONAME}": f"{prefix}/lib/{SONAME}", "lib/libflopshim.so": shim, "link.so": f"{prefix}/lib/{SONAME}",
             "folder/libflopshim.so": shim}
    (prefix / "link.so").symlink_to(f"lib/{SONAME}")
    (prefix / "folder").symlink_to("lib")
    for given, expected in names.items():
        for path, folder in ((prefix / given, client.folder), (given, prefix)):
            got = preloaded(client, prefix / "bin" / "flopshim", cwd=folder, FLOPSHIM_LIBRARY=path)
            check_equal(got, expected, f"LD_PRELOAD by FLOPSHIM_LIBRARY={path} in {folder}")


IN_NAMESPACE = """
set -e
mount --bind "$1" /usr/local
ldconfig -C "$2"
mount --bind "$2" /etc/ld.so.cache
shift 2
exec "$@"
"""


def in_namespace(client, prefix, *command, **variables):
    """Runs a command where /usr/local is the prefix, and ld.so.cache knows what is there."""
    if os.geteuid() or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        raise Skip("no right to a mount namespace")
    cache = client.folder / "ld.so.cache"
    shutil.copy("/etc/ld.so.cache", cache)
    run = client.run(["unshare", "-m", "sh", "-c", IN_NAMESPACE, "sh", prefix, cache, *command], shim=False, **variables)
    check_equal(run.err, b"", "standard error")
    return run


@case(preload=("libflopshim.so", SONAME))
def bare_name(client):
    """LD_PRELOAD finds the installed shim by its name alone, once ldconfig has seen it."""
    dump = client.folder / "counted.dump"
    in_namespace(client, staged(client), "env", f"LD_PRELOAD={client.preload}", f"FLOPSHIM_OUT={dump}",
                 client.compile("processes.c"), "plain")
    check_equal(read_report(client.reporter, [str(dump)])["totals"]["calls"], 5, "calls")


@case()
def python(client):
    """The system's Python finds the module where it was installed for its prefix, and so does pip or whatever lists packages."""
    script = "import flopshim, importlib.metadata as m; print(flopshim.__file__, m.version('flopshim'), flopshim.present())"
    for preload, present in (("", False), ("libflopshim.so", True)):
        run = in_namespace(client, staged(client), "env", f"LD_PRELOAD={preload}", "FLOPSHIM_OUT=/dev/null", PYTHON, "-c", script)
        path, version, found = run.out.decode().split()
        check(path.startswith("/usr/local/lib/python3"), f"the module is {path}")
        check_equal((version, found), (VERSION, str(present)), "version, and whether the shim is there")


@case()
def python_elsewhere(client):
    """A prefix that Python does not know gets the module where an interpreter in it would look; PYTHONDIR names another place."""
    mine = (f"PYTHONDIR={client.folder}/mine",)
    for settings, pattern in (((), "lib/python3*/site-packages/flopshim*"), (mine, "../mine/flopshim*")):
        prefix = prefixed(client, "elsewhere", *settings)
        folder = next(prefix.glob(pattern)).parent.resolve()
        run = client.run([PYTHON, "-c", "import flopshim; print(flopshim.__file__)"], shim=False, PYTHONPATH=folder)
        check(run.out.decode().startswith(f"{folder}/flopshim"), run.out.decode())


@case()
def python_environment(client):
    """With a virtual environment for a prefix, its interpreter finds the module. One that is active changes nothing else."""
    environment = client.folder / "environment"
    made = client.run([PYTHON, "-m", "venv", "--without-pip", environment], shim=False, status=None)
    if made.status:
        raise Skip("no venv")
    python = environment / "bin" / "python3"
    install(client, f"PREFIX={environment}", "DESTDIR=", f"PYTHON={python}")
    run = client.run([environment / "bin" / "flopshim", "--out", "/dev/null", python, "-c",
                      "import flopshim; print(flopshim.__file__, flopshim.present())"], shim=False)
    path, present = run.out.decode().split()
    check(path.startswith(f"{environment}/lib/"), path)
    check_equal(present, "True", "whether the shim is there")
    folders = [client.run([interpreter, TOP / "scripts" / "python-folder", prefix], shim=False).out
               for prefix in ("/usr/local", "/opt/x") for interpreter in (PYTHON, python)]
    check_equal(folders[0::2], folders[1::2], "folders without and with the environment")


# ---- programs that are compiled outside of the tree ----

N = 1000
C_PROGRAM = f"""
#include <flopshim.h>
double ddot_(const int *, const double *, const int *, const double *, const int *);
int main(void)
{{
	static double x[{N}];
	int n = {N}, one = 1;
	FLOPSHIM_SCOPE("part") {{ ddot_(&n, x, &one, x, &one); }}
	return 0;
}}
"""
FORTRAN_PROGRAM = f"""
program part
   use, intrinsic :: iso_fortran_env, only: int64, real64
   use flopshim
   implicit none
   real(real64) :: x({N})
   real(real64), external :: ddot
   integer(int64) :: scope, ended
   x = 1
   scope = flopshim_begin("part")
   if (ddot({N}, x, 1, x, 1) < 0) stop 1
   ended = flopshim_end(scope)
end program
"""
CMAKE = """
cmake_minimum_required(VERSION 3.12)
project(user C Fortran)
find_package(%s %s REQUIRED)
add_executable(in_c part.c)
target_link_libraries(in_c flopshim::flopshim blas)
add_executable(in_fortran part.f90)
target_link_libraries(in_fortran flopshim::fortran blas)
file(WRITE ${CMAKE_BINARY_DIR}/found "${FLOPSHIM_PRELOAD}\\n${FLOPSHIM_LAUNCHER}\\n${FLOPSHIM_REPORT}\\n")
enable_testing()
flopshim_add_test(NAME work COMMAND in_c LOCK ${CMAKE_BINARY_DIR}/work.lock)
"""
# Not that of a moved prefix, which /usr/local might hide.
CLEAN = {"PKG_CONFIG_PATH": None, "CMAKE_PREFIX_PATH": None, "CPATH": None}


def sources(client, name):
    tree = client.folder / name
    tree.mkdir()
    (tree / "part.c").write_text(C_PROGRAM)
    (tree / "part.f90").write_text(FORTRAN_PROGRAM)
    return tree


def try_pkg_config(client, prefix, libdir="lib"):
    """Compiles for C and Fortran with what pkg-config says, and runs with the preload that it names."""
    def ask(*words):
        done = client.run([system_program("pkg-config"), *words, "flopshim"], shim=False,
                          PKG_CONFIG_PATH=prefix / libdir / "pkgconfig")
        return done.out.decode().split()

    tree = sources(client, f"pkg-config-{prefix.name}")
    check_equal(ask("--modversion"), [VERSION], "version")
    (preload,), (source,) = ask("--variable=preload"), ask("--variable=fortran_source")
    check_equal(os.path.realpath(preload), f"{prefix}/{libdir}/{SONAME}", "preload")
    for variable, program in (("launcher", "flopshim"), ("report", "flopshim-report")):
        check_equal(os.path.realpath(*ask(f"--variable={variable}")), f"{prefix}/bin/{program}", variable)
    check_equal(os.path.realpath(*ask("--variable=prefix")), str(prefix), "prefix")
    libraries = [f"-L{client.environment()['LD_LIBRARY_PATH'].split(':')[0]}", "-lblas"]
    client.run([system_program("gcc"), "-o", "c", "part.c", *ask("--cflags", "--libs"), *libraries], shim=False, cwd=tree)
    client.run([system_program("gfortran"), "-o", "fortran", source, "part.f90", *libraries], shim=False, cwd=tree)
    for program in ("c", "fortran"):
        check_equal(spaces_of(client, preload, tree / program), {"": 0, "part": flops.dot(N)}, f"namespaces of {program}")


@case()
def pkg_config(client):
    """pkg-config tells how to compile for C and Fortran, and what to preload."""
    try_pkg_config(client, prefixed(client))


def try_cmake(client, prefix, libdir="lib", name="flopshim", first=None):
    """Builds by find_package, and runs with the preload that it names, and as a test of CTest. `first` is a prefix that CMake
    looks into before."""
    system_program("gfortran")
    tree, cmake = sources(client, f"{name}-{prefix.name}"), system_program("cmake")
    (tree / "CMakeLists.txt").write_text(CMAKE % (name, VERSION))
    env = {**CLEAN, "LIBRARY_PATH": client.environment()["LD_LIBRARY_PATH"]}
    # On Debian, CMake does not look into lib64.
    where = [f"-D{name}_DIR={prefix}/lib64/cmake/flopshim"] if libdir == "lib64" else []
    where.append(f"-DCMAKE_PREFIX_PATH={first or prefix}")
    client.run([cmake, "-S", tree, "-B", tree / "build", *where], shim=False, **env)
    client.run([cmake, "--build", tree / "build"], shim=False, **env)
    found = (tree / "build" / "found").read_text().split()
    check_equal(found, [f"{prefix}/{libdir}/libflopshim.so", f"{prefix}/bin/flopshim", f"{prefix}/bin/flopshim-report"], "found")
    for program in ("in_c", "in_fortran"):
        check_equal(spaces_of(client, found[0], tree / "build" / program), {"": 0, "part": flops.dot(N)}, f"work of {program}")
    for update in ("1", "0"):
        client.run([system_program("ctest")], shim=False, cwd=tree / "build", FLOPS_UPDATE=update)
    return tree


@case(spelling=("flopshim", "Flopshim"))
def cmake(client):
    """find_package gives headers, the module for Fortran, the paths and flopshim_add_test; a later version is not there."""
    prefix = prefixed(client)
    tree = try_cmake(client, prefix, name=client.spelling)
    for wanted, status in (("99", 1), ("0.0.1", 0), (f"{VERSION} EXACT", 0), ("0.0.1 EXACT", 1), (f"0.0.1...{VERSION}", 0),
                           (f"0.0.1...<{VERSION}", 1)):
        (tree / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.19)\nproject(user NONE)\n"
                                             f"find_package({client.spelling} {wanted} REQUIRED)\n")
        run = client.run(["cmake", "-S", tree, "-B", client.folder / "versions", f"-DCMAKE_PREFIX_PATH={prefix}"], shim=False,
                         status=None, **CLEAN)
        check_equal(bool(run.status), bool(status), f"whether version {wanted} is refused: {run.err.decode()}")


# ---- the manual ----

PAGES = ("flopshim.1", "flopshim-report.1", "flopshim.h.3", "flopshim-dump.5", "flopshim.7")
SECTIONS = {
    "flopshim.1": ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"),
    "flopshim-report.1": ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES",
                          "EXAMPLES", "SEE ALSO"),
    "flopshim.h.3": ("NAME", "SYNOPSIS", "DESCRIPTION", "FUNCTIONS", "RETURN VALUE", "EXAMPLES", "SEE ALSO"),
    "flopshim-dump.5": ("NAME", "DESCRIPTION"),
    "flopshim.7": ("NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT", "MARKERS", "LIMITS", "FILES", "EXAMPLES", "SEE ALSO"),
}


def installed_pages(client):
    """The pages, {name: path}. Skips the case where they cannot be made."""
    system_program("pandoc")
    prefix = prefixed(client)
    return {page: prefix / "share" / "man" / f"man{page[-1]}" / page for page in PAGES}


def rendered(client, page, width=80):
    """A page as a terminal shows it, in plain characters. The case fails if man warns of anything."""
    run = client.run([system_program("man"), "--warnings", "-E", "UTF-8", "-l", page], shim=False, MANWIDTH=width,
                     MANROFFOPT="-c", PAGER="cat", LC_ALL="C.UTF-8")
    check_equal(run.err, b"", f"warnings of man for {page.name}")
    return re.sub(".\b", "", run.out.decode())


@case(page=PAGES)
def manual(client):
    """Each page has the sections of one, and neither man nor mandoc has a warning for it. At 80 columns no line of prose is
    longer."""
    page = installed_pages(client)[client.page]
    run = client.run([system_program("mandoc"), "-Tlint", "-Wwarning", page], shim=False, status=None)
    check_equal((run.status, run.out), (0, b""), "warnings of mandoc")
    text = rendered(client, page)
    sections = re.findall(r"^([A-Z][A-Z ]*)$", text, re.M)
    check_equal([section for section in SECTIONS[client.page] if section not in sections], [], f"missing of {sections}")
    long = [line for line in text.splitlines() if len(line) > 80]
    check_equal(long, [], "lines of more than 80 columns")
    check(not re.search(r"\]\(|@[A-Z]+@|<!--|``", text), "marks of the source are left")


@case()
def manual_is_whole(client):
    """Each option of a table is in its page, each function and constant of flopshim.h, each row of flopshim-dump.md, and each
    document that a page includes."""
    paths = installed_pages(client)
    pages = {name: " ".join(rendered(client, path, 200).replace("\u2010", "-").split()) for name, path in paths.items()}

    def found(name, pattern):
        return re.findall(pattern, (TOP / name).read_text(), re.M)

    listed = subprocess.run([client.build_folder / "docs" / "report_options", "list"], capture_output=True, text=True, check=True)
    options = [line.split() for line in listed.stdout.splitlines()]
    functions = [name for name in found("include/flopshim.h", r"^FLOPSHIM_FUNCTION [^(]*?(flopshim_\w+)\(")
                 if name != "flopshim_table" and not name.startswith("flopshim_block")]
    words = {"flopshim.1": [f"--{name}" for name in found("include/options.def", r'^(?:OPTION|COMMAND|PRESET)\(\w+, "([\w-]+)"')],
             "flopshim-report.1": sorted({option for _, option in options}),
             "flopshim.h.3": functions + found("include/flopshim.h", r"^\t(FLOPSHIM_\w+)"),
             "flopshim-dump.5": found("docs/flopshim-dump.md", r"^\| [^|]* \| `?(\w+)`? \|"),
             "flopshim.7": found("docs/markers.md", "^## (.*)") + found("docs/limits.md", "^## (.*)")
             + found("README.md", r"^\| `(FLOPSHIM_\w+)`")}
    for page, wanted in words.items():
        check(len(wanted) >= 15, f"{page}: only {wanted} were found; this test does not understand its source any more")
        missing = [word for word in wanted if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", pages[page])]
        check_equal(missing, [], f"{page} does not name")
    for function in functions:
        check(f"{function}(" in pages["flopshim.h.3"], f"flopshim.h.3 has no prototype of {function}")
    # The options of a command stand in its own part of the page.
    text = rendered(client, paths["flopshim-report.1"], 200)
    parts = dict(re.findall(r"^ {3}(\w+)\n(.*?)(?=^ {3}\w+\n|^[A-Z])", text, re.M | re.S))
    common = {"--help", "--json", "--csv", "--markdown", "--wide", "--debuginfod"}  # of which the page speaks as a whole
    for command, option in options:
        check(option in common or re.search(rf"(?<![\w-]){option}(?![\w-])", parts[command]), f"{command}: {option} is missing")


@case()
def without_pandoc(client):
    """Without pandoc, make says which pages will be missing, and the rest is installed and removed as ever."""
    prefix = client.folder / "prefix"
    said = install(client, f"PREFIX={prefix}", "DESTDIR=", "PANDOC=")
    check("these pages of the manual will be missing: flopshim-report.1 flopshim.h.3 flopshim-dump.5 flopshim.7" in said, said)
    check_equal([path.name for path in (prefix / "share/man").rglob("*") if path.is_file()], ["flopshim.1"], "pages")


# ---- completions ----

# What is typed, a tabulator behind it, and the arguments that the command then has.
TYPED = {
    "flopshim-report chec": "<check>",
    "flopshim-report --fail": "<--fail-on-budget>",
    "flopshim-report --vers": "<--version>",
    "flopshim-report check --any": "<check><--any-processes>",
    "flopshim-report export --to spe": "<export><--to><speedscope>",
    "flopshim-report export --weight ch": "<export><--weight><charged>",
    "flopshim-report compare --by ra": "<compare><--by><rank>",
    "flopshim-report --by tr": "<--by><tree>",
    "flopshim-report html -o uniq": "<html><-o><unique.html>",
    "flopshim-report collect --keep --output on": "<collect><--keep><--output><only>",
    "flopshim-report merge --jo": "<merge><--jobs>",
    "flopshim-report uniq": "<unique.html>",
    "flopshim --stacks le": "<--stacks><leaf>",
    "flopshim --on-e": "<--on-exceed>",
    "flopshim --for": "<--for-check>",
    "flopshim --weights uniq": "<--weights><unique.html>",
}
START = {
    "bash": """PS1= PS2=; bind 'set bell-style none' 'set enable-bracketed-paste off'; cd {folder}
               for name in flopshim flopshim-report; do . {share}/bash-completion/completions/$name; done
               flopshim() {{ printf '<%s>' "$@"; echo "|"; }}; flopshim-report() {{ flopshim "$@"; }}; echo READY
            """,
    "zsh": """PS1= RPS1=; unsetopt prompt_sp prompt_cr beep; cd {folder}; fpath=({share}/zsh/site-functions $fpath)
              autoload -U compinit; compinit -u -D; bindkey -e
              flopshim() {{ printf '<%s>' "$@"; echo "|" }}; flopshim-report() {{ flopshim "$@" }}; echo READY
           """,
}


class Terminal:
    """A shell on a terminal."""

    def __init__(self, command, env, folder):
        import pty
        self.pid, self.file = pty.fork()
        if not self.pid:
            os.chdir(folder)
            os.execve(command[0], command, {**env, "TERM": "dumb"})
        self.seen = ""

    def type(self, text):
        os.write(self.file, text.encode())

    def wait(self, pattern, seconds=30):
        """Reads until what was written since the last call has the pattern, and returns its first group."""
        import select
        import time
        end = time.monotonic() + seconds
        while not (match := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self.file], [], [], max(0, end - time.monotonic()))
            check(ready, f"the shell did not write {pattern!r} within {seconds} s, but {self.seen!r}")
            self.seen += os.read(self.file, 4096).decode(errors="replace")
        self.seen = self.seen[match.end():]
        return match.group(1)

    def close(self):
        import signal
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.file)


@case(shell=("bash", "zsh"))
def completion(client):
    """Commands, options, their values and files are completed, as one types them."""
    share = prefixed(client) / "share"
    (client.folder / "unique.html").touch()
    (client.folder / "only").mkdir()
    shell = system_program(client.shell)
    terminal = Terminal([shell, *{"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}[client.shell]],
                        client.environment(), client.folder)
    try:
        script = client.folder / "start"
        script.write_text(START[client.shell].format(folder=client.folder, share=share))
        terminal.type(f". {script}\n")
        terminal.wait(r"(READY)\s*\n")
        for typed, expected in TYPED.items():
            terminal.type(f"{typed}\t\n")
            check_equal(terminal.wait(r"((?:<[^<>]*>)+)/?\|").replace("/>", ">"), expected, f"what {typed!r} became")
    finally:
        terminal.close()


@case()
def completion_by_fish(client):
    """The same by fish, which finds the files in a folder of XDG_DATA_DIRS."""
    prefix = prefixed(client)
    (client.folder / "unique.html").touch()
    (client.folder / "only").mkdir()
    for typed, expected in TYPED.items():
        run = client.run([system_program("fish"), "--private", "-c", 'complete -C "$argv[1]"', typed], shim=False,
                         PATH=f"{prefix}/bin:{client.environment()['PATH']}", XDG_DATA_DIRS=f"{prefix}/share:/usr/share",
                         XDG_CONFIG_HOME=client.folder / "config")
        offered = [line.split("\t")[0].rstrip("/") for line in run.out.decode().splitlines()]
        check_equal(offered, [re.findall("<(.*?)>", expected)[-1]], f"what is offered for {typed!r}")


# ---- many prefixes, and none ----

@case()
def uninstall(client):
    """`make uninstall` removes every file and folder of flopshim, what Python has compiled among them, and nothing else."""
    prefix, settings = client.folder / "prefix", (f"PREFIX={client.folder / 'prefix'}", "DESTDIR=")
    kept = {"share/modulefiles/flopshim/0.0.1": b"another version", "lib/libother.so": b"x", "bin/flopshim-other": b"y"}
    for others in (False, True):
        if others:
            for name, content in kept.items():
                (prefix / name).parent.mkdir(parents=True, exist_ok=True)
                (prefix / name).write_bytes(content)
        install(client, *settings)
        folder = next(prefix.glob("lib/python3*/site-packages"))
        client.run([PYTHON, "-c", "import flopshim, py_compile; py_compile.compile(flopshim.__file__)"], shim=False,
                   PYTHONPATH=folder)
        check(list(folder.rglob("*.pyc")), "Python has compiled nothing")
        check(len(files_of(prefix)) > 20, f"only {sorted(files_of(prefix))}")
        said = install(client, *settings, target="uninstall")
        check_equal(files_of(prefix), kept if others else {}, "files that are left")
        left = [str(path.relative_to(prefix)) for path in prefix.rglob("*") if "flopshim" in path.name or path.is_symlink()]
        check_equal(sorted(left), sorted(["share/modulefiles/flopshim", "bin/flopshim-other"] if others else []), f"left: {said}")
    install(client, *settings, target="uninstall")  # where nothing is, there is nothing to say
    stage = client.folder / "stage"
    staged(client)
    install(client, f"DESTDIR={stage}", "PREFIX=/usr/local", f"PYTHON={PYTHON}", target="uninstall")
    check_equal(files_of(stage), {}, "files that are left with DESTDIR")


@case()
def side_by_side(client):
    """Two prefixes are what each would be alone, and one stays so when the other is removed."""
    first = prefixed(client, "first")
    before = files_of(first)
    second = prefixed(client, "second", f"LIBDIR={client.folder}/second/lib64")
    check_equal(files_of(first), before, "files of the first, when the second was installed")
    for prefix, libdir in ((first, "lib"), (second, "lib64")):
        check_equal(preloaded(client, prefix / "bin" / "flopshim"), f"{prefix}/{libdir}/libflopshim.so", "LD_PRELOAD")
        try_pkg_config(client, prefix, libdir)
        try_cmake(client, prefix, libdir, first=first)
    install(client, f"PREFIX={second}", f"LIBDIR={second}/lib64", "DESTDIR=", target="uninstall")
    check_equal(files_of(first), before, "files of the first, when the second was removed")
    check_equal(files_of(second), {}, "files of the second")


@case(libdir=("lib", "lib64", "lib/x86_64-linux-gnu"))
def moved(client):
    """A prefix that was moved works as it did, and names its old place nowhere but where a new one can be found."""
    prefix, place = client.folder / "before", client.folder / "after"
    prefixed(client, "before", f"LIBDIR={prefix}/{client.libdir}")
    os.rename(prefix, place)
    check_equal(preloaded(client, place / "bin" / "flopshim"), f"{place}/{client.libdir}/libflopshim.so", "LD_PRELOAD")
    try_pkg_config(client, place, client.libdir)
    try_cmake(client, place, client.libdir)
    named = {name for name, content in files_of(place).items() if str(prefix).encode() in content}
    may = {f"share/modulefiles/flopshim/{VERSION}", f"share/modulefiles/flopshim/{VERSION}.lua", "bin/flopshim",
           "share/flopshim/plugstack.conf"}
    check_equal(sorted(named - may), [], "files that name the old place")


# ---- the dynamic linker's cache, and its search ----

@case()
def cache(client):
    """ldconfig is run by root, and not with DESTDIR, nor by anyone else, who would only get an error."""
    stubs, called = client.folder / "stubs", client.folder / "called"
    stubs.mkdir()
    for name, text in (("ldconfig-stub", f"touch {called}"), ("id", "echo 1000")):
        (stubs / name).write_text(f"#!/bin/sh\n{text}\n")
        (stubs / name).chmod(0o755)
    ldconfig = f"LDCONFIG={stubs}/ldconfig-stub"
    prefix, stage = client.folder / "prefix", client.folder / "stage"
    for target in ("install", "uninstall"):
        install(client, f"PREFIX={prefix}", f"DESTDIR={stage}", ldconfig, target=target)
        check(not called.exists(), f"make {target} has run ldconfig, though there is a DESTDIR")
    path = os.environ["PATH"]
    for uid, expected in (("1000", False), ("0", True)):
        (stubs / "id").write_text(f"#!/bin/sh\necho {uid}\n")
        for target in ("install", "uninstall"):
            try:
                os.environ["PATH"] = f"{stubs}:{path}"
                install(client, f"PREFIX={prefix}", "DESTDIR=", ldconfig, target=target)
            finally:
                os.environ["PATH"] = path
            check_equal(called.exists(), expected, f"whether make {target} has run ldconfig for the user {uid}")
            called.unlink(missing_ok=True)


@case()
def bare_name_is_doubted(client):
    """Where the dynamic linker would not find the shim by its name, or find another one, make says so, and what to do."""
    prefix, other = client.folder / "prefix", client.folder / "other"
    script = TOP / "scripts" / "loader-knows"

    def said(**variables):
        return client.run([script, "true", prefix / "lib", prefix / "bin"], shim=False, **variables).out.decode()

    text = install(client, f"PREFIX={prefix}", "DESTDIR=")
    install(client, f"PREFIX={other}", "DESTDIR=")
    check(f"does not look for libraries in {prefix}/lib, so that LD_PRELOAD=libflopshim.so finds nothing" in text, text)
    check(f"'{prefix}/bin/flopshim PROGRAM'" in text and "/etc/ld.so.conf.d" in text, text)
    libraries = client.environment()["LD_LIBRARY_PATH"]
    check_equal(said(LD_LIBRARY_PATH=f"{prefix}/lib:{libraries}"), "", "what is said where it is found")
    check(f"means {other}/lib/libflopshim.so" in said(LD_LIBRARY_PATH=f"{other}/lib:{prefix}/lib"), "another one is not noticed")


@case()
def versions(client):
    """--version names the C library, and the version of the routine table, which is that of the dumps."""
    run = client.run([client.compile("processes.c"), "plain"])
    (table,) = run.report["table_versions"]
    libc = os.confstr("CS_GNU_LIBC_VERSION")
    for program, name in ((client.launcher, "flopshim"), (client.reporter, "flopshim-report")):
        said = client.run([program, "--version"], shim=False).out.decode()
        check_equal(said, f"{name} {VERSION}\nC library: {libc}\nroutine table: {table}\n", "--version")


@case()
def hardened(client):
    """flopshim-report reads files that others may have written: it is position-independent, all of its functions are bound
    before it starts, its stack is protected, and, if it is optimized, the C library checks the lengths that the compiler
    knows."""
    if not shutil.which("readelf"):
        raise Skip("no readelf")
    said = subprocess.run(["readelf", "-hldSW", "--dyn-syms", client.build_folder / "flopshim-report"], capture_output=True,
                          text=True, check=True).stdout
    signs = [("position-independent", "DYN ("), ("bound at once", "BIND_NOW"), ("read-only relocations", "GNU_RELRO"),
             ("stack protector", "__stack_chk_fail")]
    # Without optimization (make DEBUG=1) the C library checks no lengths. A compiler that does not optimize leaves each
    # variable in one place, and writes no list of places for debuggers.
    if ".debug_loc" in said or ".debug_info" not in said:
        signs.append(("checked lengths", "printf_chk"))
    for name, sign in signs:
        check(sign in said, f"{name}: readelf shows no {sign}")
