# SPDX-License-Identifier: BSD-3-Clause
"""Puts the shim, the launcher and flopshim-report into the wheel; everything else is in pyproject.toml.

It must never write into the folder `build` of a checkout, nor anywhere else but below FOLDER.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel
from setuptools.errors import ExecError, OptionError

from distutils.command.build_scripts import build_scripts  # setuptools has it, also where Python has none

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # before setuptools 70.1
    from wheel.bdist_wheel import bdist_wheel

TOP = Path(__file__).resolve().parent
FOLDER = Path("build-python")  # everything that is made here
MADE = FOLDER / "make"         # what make builds
COMMANDS = ("flopshim", "flopshim-report")
# What the package has in its folder `programs`, by the file that it comes from.
PROGRAMS = {
    "libflopshim.so": MADE / "libflopshim.so",
    "flopshim": MADE / "flopshim",
    "flopshim-report": Path("bindings/wheel/flopshim-report"),
    "flopshim-report.bin": MADE / "flopshim-report",
}


def version():
    return re.search(r'FLOPSHIM_VERSION "(.*)"', (TOP / "include" / "version.h").read_text())[1]


def packages_for_building():
    """The names of Debian's packages that make needs."""
    return re.search(r'PACKAGES_BUILD="(.*?)"', (TOP / "scripts" / "packages.sh").read_text())[1]


def make():
    """Builds what the wheel needs, without debug information unless CFLAGS asks for it."""
    environment = {"CFLAGS": "-O2", **os.environ}
    environment.pop("MAKEFLAGS", None)
    targets = [str(path) for path in PROGRAMS.values() if MADE in path.parents]
    try:
        subprocess.run(["make", f"-j{len(os.sched_getaffinity(0))}", f"O={MADE}", *targets], cwd=TOP, env=environment,
                       check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ExecError(f"flopshim could not be built ({error}); on Debian this needs the packages "
                        f"{packages_for_building()}") from None


class BuildPackage(build_py):
    """Adds the programs to the package."""

    def run(self):
        shutil.rmtree(self.build_lib, ignore_errors=True)  # what an earlier version had
        super().run()
        make()
        folder = Path(self.build_lib) / "flopshim" / "programs"
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in PROGRAMS.items():
            shutil.copyfile(TOP / source, folder / name)
            (folder / name).chmod(0o755)


class Editable(editable_wheel):
    """Refuses `pip install -e`."""

    def run(self):
        raise OptionError("flopshim cannot be installed as editable, since its programs are copied; instead, put "
                          f"{TOP / 'bindings'} on PYTHONPATH, and what make builds on PATH")


class BuildCommands(build_scripts):
    """Writes the commands, which find the programs in the package."""

    def run(self):
        text = (TOP / "bindings" / "wheel" / "command.in").read_text().replace("@VERSION@", version())
        folder = Path(self.build_dir)
        folder.mkdir(parents=True, exist_ok=True)
        for name in COMMANDS:
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)


class Flopshim(Distribution):
    """What is installed is for one kind of machine, although it has no extension module."""

    def has_ext_modules(self):
        return True


class Wheel(bdist_wheel):
    """A wheel for this kind of machine, and for every Python 3."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


if sys.platform != "linux":
    sys.exit("flopshim runs on Linux only")
(TOP / FOLDER).mkdir(exist_ok=True)
setup(
    version=version(),
    distclass=Flopshim,
    package_dir={"": "bindings"},
    packages=["flopshim"],
    py_modules=["flopshim_pytest"],
    scripts=["bindings/wheel/command.in"],
    cmdclass={"build_py": BuildPackage, "build_scripts": BuildCommands, "bdist_wheel": Wheel, "editable_wheel": Editable},
    options={"build": {"build_base": str(FOLDER)}, "egg_info": {"egg_base": str(FOLDER)},
             "bdist_wheel": {"bdist_dir": str(FOLDER / "wheel")}},
)
