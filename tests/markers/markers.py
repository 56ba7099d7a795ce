# SPDX-License-Identifier: BSD-3-Clause
"""Builds and runs the programs of the tests of markers. It must never link a program with flopshim."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from harness import LIBC_PARTS, PYTHON, TOP, Failure, Skip, library_folder, tail

PROGRAMS = Path(__file__).resolve().parent / "programs"
EXAMPLES = TOP / "examples"
INCLUDE = TOP / "include"
BINDINGS = TOP / "bindings"
LONG = bool(os.environ.get("FLOPSHIM_LONG"))

BLAS = ["-L" + str(library_folder() / "openblas-pthread"), "-llapack", "-lblas", "-lm", *LIBC_PARTS]
COMPILERS = {".c": ["gcc", "-std=gnu11"], ".cc": ["g++", "-std=c++17"], ".f90": ["gfortran"]}


def build(client, source, *flags, name=None, libraries=BLAS):
    """The program that is made of one source or of several. It is built again if any of them, or a header, has changed."""
    sources = [source] if isinstance(source, Path) else list(source)
    compiler = COMPILERS[sources[-1].suffix]
    if not shutil.which(compiler[0]):
        raise Skip(f"no {compiler[0]}")
    target = client.build_folder / "tests" / "markers" / (name or sources[-1].stem)
    target.parent.mkdir(parents=True, exist_ok=True)
    modules = ["-J", str(_module_folder(target))] if compiler[0] == "gfortran" else []
    command = [*compiler, "-O1", "-g", "-Wall", "-Wextra", f"-I{INCLUDE}", *modules, "-o", str(target),
               *map(str, sources), *flags, *libraries]
    return client._make(target, [*sources, *PROGRAMS.glob("*.h"), *INCLUDE.glob("*.h")], command)


def _module_folder(target):
    folder = Path(f"{target}.mod")
    folder.mkdir(exist_ok=True)
    return folder


def build_checked(client, name):
    """A program with tests of Check. Skips the case if Check is missing."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "check"], capture_output=True, text=True)
    if flags.returncode:
        raise Skip("no Check")
    return build(client, PROGRAMS / f"{name}.c", "-D_GNU_SOURCE", libraries=[*BLAS, *shlex.split(flags.stdout)])


def build_foreign(client):
    """The library foreign.so for Python programs."""
    return build(client, PROGRAMS / "foreign.c", "-shared", "-fPIC", name="foreign.so")


def tests_in(program, pattern):
    """The names of the tests in a program's source, as the pattern finds them."""
    return tuple(re.findall(pattern, (PROGRAMS / program).read_text(), re.M))


def run_python(client, *arguments, interpreter=PYTHON, path=(), **options):
    """Runs a Python program that can import flopshim and the modules of these tests."""
    folders = [BINDINGS, TOP / "tests" / "clients", *path]
    return client.run([interpreter, *arguments], PYTHONPATH=":".join(map(str, folders)), **options)


def interpreters():
    """The Python interpreters to try: the system's, and those that PYTHONS names."""
    return tuple([PYTHON, *os.environ.get("PYTHONS", "").split()])


def namespaces(run):
    """{path: inclusive FLOPs} of the report."""
    return {row["namespace"]: row["inclusive_flops"] for row in run.report["namespaces"]}


def check_quiet(run, allowed=()):
    """Nothing is on standard error, except lines with one of the words in `allowed`."""
    lines = [line for line in run.err.decode().splitlines() if not any(word in line for word in allowed)]
    if lines:
        raise Failure(f"on standard error: {tail(chr(10).join(lines).encode())}")
