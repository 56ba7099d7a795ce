# SPDX-License-Identifier: BSD-3-Clause
"""python3 -m flopshim: the programs of flopshim, for those who have only Python at hand.

It must never do itself what one of the programs does: it becomes that program.
"""

import getopt
import os
import re
import subprocess
import sys

from . import programs

USAGE = """\
Usage: python3 -m flopshim run [OPTION]... PROGRAM [ARGUMENT]...
       python3 -m flopshim report [OPTION]... [DUMP or DIRECTORY]...
       python3 -m flopshim where

  run            run PROGRAM and count the FLOPs of its BLAS and LAPACK calls, as the command `flopshim` does; a file
                 whose name ends in .py is run by this Python
  report         read the dumps of programs, as the command `flopshim-report` does
  where          print the paths of the shim, the launcher and the reader of dumps, a line each

  -h, --help     print this and exit; `run --help` and `report --help` print the options of these
  -V, --version  print the version and exit

Exit status: that of the program; 125 an error of flopshim, 127 a program was not found, 2 wrong usage."""
LAUNCHER_FAILED = 125  # as the launcher itself says it
WRONG_USAGE = 2


def fail(text, status):
    print(f"flopshim: {text}", file=sys.stderr)
    return status


def launcher_options(launcher):
    """The options of the launcher as getopt takes them, which its own --help lists: (letters, names)."""
    text = os.fsdecode(subprocess.run([launcher, "--help"], env=programs.environment(), stdin=subprocess.DEVNULL,
                                      capture_output=True).stdout)
    found = re.findall(r"^  (?:-(\w),|   ) --([a-z-]+)( \S)?", text, re.M)
    return ("".join(letter + (":" if value else "") for letter, _name, value in found if letter),
            [name + ("=" if value else "") for _letter, name, value in found])


def with_interpreter(launcher, words):
    """The arguments of the launcher, with this Python before a program that is a script."""
    try:
        rest = getopt.getopt(words, *launcher_options(launcher))[1]
    except getopt.GetoptError:  # the launcher says what is wrong
        return words
    if not rest or not rest[0].endswith(".py") or not os.path.isfile(rest[0]):
        return words
    return [*words[:len(words) - len(rest)], sys.executable, *rest]


def become(name, words):
    """Runs a program of flopshim in the place of this process. It returns only if that cannot be done."""
    path = programs.program(name)
    if name == "flopshim":
        words = with_interpreter(path, words)
    try:
        os.execve(path, [path, *words], programs.environment())
    except OSError as error:
        return fail(f"{path}: {error.strerror}", LAUNCHER_FAILED)


def where():
    paths = {"shim": programs.shim(), "launcher": programs.program("flopshim"),
             "report": programs.program("flopshim-report")}
    print("\n".join(f"{name:<9} {path}" for name, path in paths.items()))
    return 0


def main(words):
    command, *rest = words or [""]
    try:
        if command in ("-h", "--help"):
            print(USAGE)
        elif command in ("-V", "--version"):
            print(f"flopshim {programs.version()}")
        elif command == "run":
            return become("flopshim", rest)
        elif command == "report":
            return become("flopshim-report", rest)
        elif command == "where":
            return where() if not rest else fail(f"where takes no argument: {rest[0]}", WRONG_USAGE)
        else:
            said = f"{command}: there is no such command" if command else "no command given"
            return fail(f"{said}; expected run, report or where; try 'python3 -m flopshim --help'", WRONG_USAGE)
        return 0
    except programs.NoProgram as error:
        return fail(error, programs.NOT_FOUND)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
