#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares lapack-3.11-prototypes.txt with the prototypes that gfortran makes of the reference sources. It must never write
that file.

    tests/interfaces/test_prototypes.py [FOLDER]

FOLDER has LAPACK's sources; without it Debian's are fetched (apt-get source). If they cannot be fetched, the test is
skipped, and says so."""

import glob
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from suite import Suite  # noqa: E402

LISTED = os.path.join(HERE, "lapack-3.11-prototypes.txt")
FOLDERS = ("BLAS/SRC", "SRC", "SRC/DEPRECATED")


def listed():
    """{name: (arguments, hidden lengths)} of the file."""
    with open(LISTED) as lines:
        rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def fetch(folder):
    """Fetches Debian's sources into the folder. Returns their path, or None if that is not possible."""
    source = subprocess.run(["apt-get", "source", "-qq", "lapack=3.11*"], cwd=folder, capture_output=True)
    found = glob.glob(os.path.join(folder, "lapack-3.11*", ""))
    return found[0] if source.returncode == 0 and found else None


def compiled(path):
    """{name: (arguments, hidden lengths)} of one source file. gfortran gives hidden lengths the type size_t."""
    out = subprocess.run(["gfortran", "-fsyntax-only", "-fc-prototypes-external", path], capture_output=True, text=True).stdout
    prototypes = {}
    for name, arguments in re.findall(r"^\w[\w ]*?[ *](\w+)_ \(([^)]*)\);", out, re.M):
        words = [word.strip() for word in arguments.split(",") if word.strip() and word.strip() != "void"]
        hidden = sum(word.startswith("size_t") for word in words)
        prototypes[name] = (len(words) - hidden, hidden)
    return prototypes


def main():
    suite = Suite()
    with tempfile.TemporaryDirectory() as work:
        top = sys.argv[1] if len(sys.argv) > 1 else fetch(work)
        if not top:
            suite.add("sources", 0.0, "skip", "the sources of LAPACK 3.11 could not be fetched")
            return suite.end()
        expected, compared = listed(), 0
        for folder in FOLDERS:
            with suite.case(folder):
                for path in sorted(glob.glob(os.path.join(top, folder, "*.[fF]*"))):
                    for name, shape in compiled(path).items():
                        compared += name in expected
                        suite.check(expected.get(name, shape) == shape, f"{name}: (arguments, hidden lengths) are {shape} "
                                    f"by gfortran, but {expected.get(name)} in the file")
        with suite.case("any prototype was compared"):
            suite.check(compared, f"there is no source of LAPACK in {top}")
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
