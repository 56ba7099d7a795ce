# SPDX-License-Identifier: BSD-3-Clause
"""Finds the programs of flopshim that belong to this package, and runs flopshim-report.

It must never take a program of another installation while there is one of its own.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKED = HERE / "programs"  # where a wheel has the programs and the shim
SOURCES = HERE.parent.parent if (HERE.parent.parent / "include" / "version.h").exists() else None
SHIM = "libflopshim.so"
NOT_FOUND = 127  # the exit status of shells for a program that is not there


class NoProgram(RuntimeError):
    """A program of flopshim is not there. Its text is a sentence."""


def version():
    """The version of this package: that of include/version.h in the sources, else that of the installation's metadata."""
    if SOURCES:
        return re.search(r'_VERSION "(.*)"', (SOURCES / "include" / "version.h").read_text())[1]
    from importlib import metadata

    for found in metadata.Distribution.discover(name="flopshim", path=[str(HERE.parent)]):
        return found.version
    raise NoProgram(f"flopshim has no version: there are no metadata of it beside {HERE}")


def _places(name):
    """Where a program may be, the nearest place first."""
    yield str(PACKED / name)
    if not SOURCES:  # PREFIX/share/flopshim/flopshim or PREFIX/lib/python3/dist-packages/flopshim is this package
        for prefix in list(HERE.parents)[2:4]:
            yield str(prefix / "bin" / name)
    yield shutil.which(name) or ""


def program(name):
    """The path of a program of flopshim; raises NoProgram if there is none."""
    for path in _places(name):
        if path and os.access(path, os.X_OK):
            return path
    raise NoProgram(f"there is no program `{name}`: neither beside this package ({HERE}) nor in PATH; it comes with "
                    "flopshim")


def environment():
    """The environment for programs that are no part of the run: without the shim."""
    variables = dict(os.environ)
    words = [word for word in re.split("[ :]", variables.pop("LD_PRELOAD", "")) if not _is_shim(word)]
    if any(words):
        variables["LD_PRELOAD"] = ":".join(words)
    return variables


def _is_shim(path):
    return os.path.basename(path).startswith(SHIM)


def report(*arguments):
    """Runs flopshim-report to its end, and returns its subprocess.CompletedProcess; raises NoProgram if there is none."""
    command = [program("flopshim-report"), *arguments]
    try:
        return subprocess.run(command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True)
    except OSError as error:
        raise NoProgram(f"{command[0]} cannot be run: {error.strerror}") from None


def shim():
    """The path of the shim that the launcher preloads; raises NoProgram if the launcher finds none."""
    launcher = program("flopshim")
    done = subprocess.run([launcher, "--out", "/dev/null", "env"], env=environment(), stdin=subprocess.DEVNULL,
                          capture_output=True)
    for line in os.fsdecode(done.stdout).splitlines():
        if line.startswith("LD_PRELOAD="):
            return next(word for word in re.split("[ :]", line.partition("=")[2]) if _is_shim(word))
    raise NoProgram(sentence(done.stderr) or f"{launcher} preloads no shim")


def sentence(stderr):
    """What a program of flopshim has said on standard error, without its name."""
    text = os.fsdecode(stderr).strip()
    return re.sub(r"(?m)^flopshim(-report)?: ", "", re.sub(r"(?m)^Try '.*'\.$", "", text)).strip()
