# SPDX-License-Identifier: BSD-3-Clause
"""Runs programs with and without the shim, and reads what flopshim-report says of them.

This file must never know a price: the cases state what a program must cost, from mathematics (flops.py). A case is a
function with the decorator `case`. It gets a Client, and raises Failure or Skip."""

import functools
import glob
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
SCRIPTS = HERE / "programs"          # for NumPy, SciPy, R and Octave
PROGRAMS = HERE.parent / "programs"  # in C, C++ and Fortran, to be compiled
FIXTURES = HERE.parent / "fixtures"
PYTHON = "/usr/bin/python3"  # the system's: the one that has the distribution's NumPy and SciPy


class Failure(AssertionError):
    """The program under test, or the shim, did not do what it must."""


class Skip(Exception):
    """The case needs something that is not installed here."""


# Parts of the C library that are libraries of their own before glibc 2.34. A program that does not need one is not linked to it.
LIBC_PARTS = ["-Wl,--push-state,--as-needed", "-ldl", "-lpthread", "-lrt", "-Wl,--pop-state"]


def symbols_of(path, *options):
    """The names of the symbols of a file, by nm with these options."""
    out = subprocess.run(["nm", *options, "--format=posix", str(path)], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in out.splitlines() if not line.endswith(":")]


@functools.lru_cache(maxsize=None)
def library_folder():
    """The folder of libraries of this architecture, such as /usr/lib/x86_64-linux-gnu."""
    out = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True, check=True)
    return Path("/usr/lib") / out.stdout.strip()


# {BLAS: the folders of its libblas.so.3 and liblapack.so.3}, as the distribution packages them.
BLAS = {
    "openblas-pthread": ["openblas-pthread"],
    "openblas-openmp": ["openblas-openmp"],
    "reference": ["blas", "lapack"],
    "blis-pthread": ["blis-pthread", "lapack"],
    "blis-openmp": ["blis-openmp", "lapack"],
    "atlas": ["atlas"],
}
EVERY_BLAS = tuple(BLAS)
DEFAULT_BLAS = "openblas-pthread"
# The default, and a BLAS that LAPACK calls through the dynamic linker, so that nested calls are seen.
QUICK_BLAS = (DEFAULT_BLAS, "reference")


def blas_folders(blas):
    """The folders of a BLAS by its name in BLAS. Skips the case if one is missing."""
    folders = [library_folder() / name for name in BLAS[blas]]
    for folder in folders:
        if not folder.is_dir():
            raise Skip(f"no {folder}")
    return [str(folder) for folder in folders]


def blas_library(blas=DEFAULT_BLAS, name="libblas.so.3"):
    """The path of a library of this BLAS. Skips the case if it is missing."""
    for folder in blas_folders(blas):
        if os.path.exists(f"{folder}/{name}"):
            return f"{folder}/{name}"
    raise Skip(f"no {name} of {blas}")


def system_program(name):
    """The path of an administrator's program, since /usr/sbin is not in every user's PATH. Skips the case if it is
    missing."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not path:
        raise Skip(f"no {name}")
    return path


def mounted(client, *options):
    """A folder of the case with a file system mounted on it. Skips the case without the right to mount."""
    place = client.folder / "disk"
    place.mkdir()
    done = subprocess.run(["mount", *options, str(place)], capture_output=True)
    if done.returncode:
        raise Skip("no right to mount")
    return place


def module_command(lmod=False):
    """The program behind the shell's `module`: of Environment Modules, or of Lmod, of which LMOD_CMD may name one in another
    place than Debian's. Skips the case if it is missing."""
    places = glob.glob("/usr/lib/*/modulecmd.tcl") + glob.glob("/usr/*/[Mm]odules/libexec/modulecmd.tcl")
    if lmod:
        places = [os.environ["LMOD_CMD"]] if "LMOD_CMD" in os.environ else glob.glob("/usr/share/lmod/lmod/libexec/lmod")
    if not places:
        raise Skip(f"no {'Lmod' if lmod else 'Environment Modules'}")
    return places[0]


CASES = []


@dataclass
class Case:
    """A case for one BLAS and one value of its parameter."""

    name: str
    function: object
    blas: str

    def __call__(self, client):
        self.function(client)


def case(on=(DEFAULT_BLAS,), **parameters):
    """Registers a case, once for each BLAS in `on` and each value of the parameter, if one is given:
    @case(on=EVERY_BLAS, operation=["svd", "eig"]) makes twelve cases, which read the value from client.operation."""

    def register(function):
        group = function.__module__.removeprefix("test_")
        name = f"{group}.{function.__name__}"
        for key, values in parameters.items() or [(None, [None])]:
            for value in values:
                for blas in on:
                    label = name
                    if key:
                        label += f".{value}"
                    if len(on) > 1:
                        label += f"[{blas}]"
                    body = functools.partial(_with_parameter, function, key, value)
                    CASES.append(Case(label, body, blas))
        return function

    return register


def _with_parameter(function, key, value, client):
    if key:
        setattr(client, key, value)
    function(client)


@dataclass
class Run:
    """A program that has ended."""

    command: list
    status: int  # exit status, or minus the number of the signal that ended it
    out: bytes
    err: bytes
    folder: Path  # folder of its dumps
    reporter: Path = None
    _report: dict = field(default=None, repr=False)

    @property
    def dumps(self):
        return sorted(glob.glob(str(self.folder / "**" / "*.dump"), recursive=True))

    @property
    def report(self):
        """The report of all dumps as JSON. The case fails if there is no dump or the report is not complete."""
        if self._report is None:
            if not self.dumps:
                raise Failure("the program left no dump")
            self._report = read_report(self.reporter, self.dumps)
            if self._report["complete"] is not True:
                raise Failure("the dump is not complete")
        return self._report

    @property
    def totals(self):
        return self.report["totals"]

    @property
    def routines(self):
        """{routine: (calls, FLOPs)} of the calls at top level that are not workspace queries."""
        return {row["routine"]: (row["calls"], row["flops"]) for row in self.report["routines"] if row["calls"]}

    def describe(self):
        """The command, its status and its output, for messages of failures."""
        words = " ".join(shlex.quote(str(word)) for word in self.command)
        return f"{words}\n  status {self.status}\n  stdout {tail(self.out, 300)}\n  stderr {tail(self.err)}"


def read_report(reporter, dumps, *options, status=0):
    """The report of these dumps as JSON. The case fails if flopshim-report ends with another status."""
    done = subprocess.run([str(reporter), "--json", *options, *dumps], capture_output=True, timeout=60)
    if done.returncode != status:
        raise Failure(f"flopshim-report: status {done.returncode}: {tail(done.stderr)}")
    report = json.loads(done.stdout)
    if report.get("schema") != "flopshim-report/1":
        raise Failure(f"flopshim-report: schema {report.get('schema')!r}")
    return report


def tail(data, limit=700):
    """The end of a text, at most so many characters."""
    text = data.decode(errors="replace").strip()
    return text if len(text) <= limit else "... " + text[-limit:]


class Client:
    """What a case works with: a folder of its own, ways to build and run programs, and checks."""

    def __init__(self, build, blas, folder, agreed):
        self.build_folder = Path(build)
        self.blas = blas
        self.folder = Path(folder)
        self.agreed = agreed
        self.history = []

    # ---- what is tested ----

    @property
    def shim(self):
        return self._product("libflopshim.so")

    @property
    def reporter(self):
        return self._product("flopshim-report")

    @property
    def launcher(self):
        return self._product("flopshim")

    def _product(self, name):
        path = self.build_folder / name
        if not path.exists():
            raise Failure(f"{path} is not built")
        return path

    # ---- running ----

    def environment(self, blas=None, threads=1, **variables):
        """The environment of the tests, without variables of the caller. A value of None removes a variable."""
        env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMPI_MCA_btl": "^tcp",  # all ranks are on one machine, and Open MPI 5 prints a line if it finds no network
        }
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS"):
            env[name] = str(threads)
        folders = ":".join(blas_folders(blas or self.blas))
        env["LD_LIBRARY_PATH"] = folders
        # R's start script puts its own folders before LD_LIBRARY_PATH unless this variable names others.
        env["R_LD_LIBRARY_PATH"] = f"{folders}:/usr/lib/R/lib"
        for name, value in variables.items():
            if value is None:
                env.pop(name, None)
            else:
                env[name] = str(value)
        return env

    def run(self, command, shim=True, status=0, timeout=120, cwd=None, stdin=b"", **environment):
        """Runs a program to its end. `shim` is True, False or a value for LD_PRELOAD. `status` is what it must end with,
        or None for anything. Other keywords are environment variables, or `blas` and `threads`."""
        command = [str(word) for word in command]
        folder = Path(tempfile.mkdtemp(prefix="dumps-", dir=self.folder))
        env = self.environment(**environment)
        if shim:
            env["LD_PRELOAD"] = str(self.shim if shim is True else shim)
            env.setdefault("FLOPSHIM_OUT", str(folder))
        process = subprocess.Popen(command, env=env, cwd=cwd or self.folder, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            out, err = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise Failure(f"it did not end within {timeout} s: {shlex.join(command)}\n  stderr {tail(err)}") from None
        run = Run(command, process.returncode, out, err, folder, self.build_folder / "flopshim-report")
        self.history.append(run)
        if status is not None and run.status != status:
            raise Failure(f"the status is {run.status}, but {status} was expected")
        return run

    def same(self, command, **options):
        """Runs a program without and with the shim: standard output, standard error and status must be the same. Returns
        the run with the shim."""
        try:
            without = self.run(command, shim=False, **options)
        except Failure as failure:
            raise Failure(f"without the shim: {failure}") from None
        with_shim = self.run(command, **options)
        for what in ("status", "out", "err"):
            bare, shimmed = getattr(without, what), getattr(with_shim, what)
            if bare != shimmed:
                raise Failure(f"{what} differs: without the shim {show(bare)}, with it {show(shimmed)}")
        return with_shim

    # ---- building fixtures ----

    def compile(self, source, *flags, name=None, blas=True, compiler=None, folder=PROGRAMS):
        """Compiles a source of tests/programs into the build folder, unless it is there and newer. With `blas`, it is
        linked to libblas.so.3 and liblapack.so.3, whichever of them are found at run time."""
        source = Path(folder) / source
        target = self.build_folder / "tests" / "clients" / (name or source.stem)
        compiler = compiler or ("g++" if source.suffix == ".cc" else "gcc")
        if not shutil.which(compiler):
            raise Skip(f"no {compiler}")
        flags = [str(flag) for flag in flags]
        read = [source, *PROGRAMS.glob("*.h"), *(Path(flag) for flag in flags if flag.endswith(".c"))]
        for flag in flags:
            if flag.startswith("-I"):
                read += [path for pattern in ("*.h", "shim/*/*.h", "price/*.h") for path in Path(flag[2:]).glob(pattern)]
        if blas:
            dev = library_folder() / "openblas-pthread"
            flags += [f"-L{dev}", "-Wl,--no-as-needed", "-llapack", "-lblas"]
        standard = [] if source.suffix == ".cc" else ["-std=gnu11", "-D_GNU_SOURCE"]
        command = [compiler, *standard, "-O1", "-g", "-Wall", "-Wextra", str(source), *flags, "-lm", *LIBC_PARTS]
        return self._make(target, read, command)

    def _make(self, target, sources, command):
        """Runs the command with -o, unless the target is newer than its sources and was made by the same command."""
        stamp = Path(f"{target}.command")
        text = shlex.join(command)
        newest = max(path.stat().st_mtime for path in sources)
        if target.exists() and target.stat().st_mtime >= newest and stamp.exists() and stamp.read_text() == text:
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        made = target.with_name(f"{target.name}.{os.getpid()}")  # another run may be using the old target
        done = subprocess.run([*command, "-o", str(made)], capture_output=True, timeout=300)
        if done.returncode:
            raise Failure(f"{text}\n  {tail(done.stderr)}")
        made.replace(target)
        stamp.write_text(text)
        return target

    # ---- checks ----

    def agree(self, what, run):
        """The calls at top level must be the same on every BLAS that the case runs on."""
        first_blas, first = self.agreed.setdefault(what, (self.blas, run.routines))
        if first != run.routines:
            raise Failure(f"{first_blas}: {first}\n  {self.blas}: {run.routines}")


def install(client, *settings, target="install"):
    """Runs `make install`, and returns what it wrote to standard output. It may build the launcher again for another folder
    of the shim, so each case has a build folder of its own."""
    if not shutil.which("make"):
        raise Skip("no make")
    build = client.folder / "build"
    if not build.exists():
        shutil.copytree(client.build_folder, build, symlinks=True,
                        ignore=shutil.ignore_patterns("tests", "bench", "junit", "*.i", "*.new"))
    done = subprocess.run(["make", "-C", TOP, target, f"O={build}", "LDCONFIG=true", *settings], capture_output=True,
                          env={**os.environ, "MAKEFLAGS": ""})
    if done.returncode or done.stderr:
        raise Failure(f"make {target}: status {done.returncode}: {tail(done.stderr)}")
    return done.stdout.decode()


def show(value):
    return tail(value, 600) if isinstance(value, bytes) else value


def check(condition, message):
    if not condition:
        raise Failure(message)


def check_equal(got, expected, what):
    if got != expected:
        raise Failure(f"{what}: {got}, but {expected} was expected")


def check_priced(run):
    """No call was lost, refused or without a price."""
    for what in ("unpriced_calls", "refused_calls", "lost_calls"):
        check_equal(run.totals[what], 0, what)


def check_calls(run, expected, ignore=("dcopy", "scopy", "ccopy", "zcopy"), tolerance=0.0):
    """`expected` is {routine: (calls, FLOPs)}, with None for a number that a case cannot know. No other routine may have
    been called at top level, except those in `ignore`, which only move numbers."""
    check_priced(run)
    got = {name: row for name, row in run.routines.items() if name not in ignore or name in expected}
    check_equal(sorted(got), sorted(expected), "routines at top level")
    for name, (calls, flops) in expected.items():
        if calls is not None:
            check_equal(got[name][0], calls, f"calls of {name}")
        if flops is not None and abs(got[name][1] - flops) > tolerance * flops:
            raise Failure(f"FLOPs of {name}: {got[name][1]}, but {flops} were expected")
    check_total(run)


def check_total(run):
    """The totals are the sums over the routines, and the charges equal the FLOPs."""
    rows = run.report["routines"]
    check_equal(run.totals["flops"], sum(row["flops"] for row in rows), "total FLOPs, compared with the sum over routines")
    check_equal(run.totals["calls"], sum(row["calls"] for row in rows), "total calls, compared with the sum over routines")
    check_equal(run.totals["charged"], run.totals["flops"], "charged FLOPs, without multipliers or weights")
