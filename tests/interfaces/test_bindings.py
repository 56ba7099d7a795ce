#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Tests that the Fortran and Python modules have the constants of flopshim.h: each error with its name, number and text, and
each action and kind of summary with its number. It must never need a build: the modules are installed as they stand.
"""

import pathlib
import re
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from suite import Suite  # noqa: E402

HEADER, FORTRAN, PYTHON = ((ROOT / path).read_text()
                           for path in ("include/flopshim.h", "bindings/flopshim.f90", "bindings/flopshim/__init__.py"))


def c_enum(name):
    """{name without FLOPSHIM_: number} of an enum of the header."""
    body = re.sub(r"/\*.*?\*/", "", re.search(rf"enum {name} \{{(.*?)\}};", HEADER, re.S)[1], flags=re.S)
    values, following = {}, 0
    for entry in filter(None, (part.strip() for part in body.split(","))):
        name, _, number = entry.partition("=")
        values[name.strip().removeprefix("FLOPSHIM_")] = following = int(number) if number else following
        following += 1
    return values


def values(text, prefix):
    """{name without the prefix: number} of all assignments NAME = NUMBER, and of lines such as A, B = 1, 2."""
    found = {name: int(number) for name, number in re.findall(rf"(?<![A-Z_]){prefix}([A-Z_]+) = (-?\d+)\b", text)}
    for names, numbers in re.findall(rf"^({prefix}[A-Z_]+(?:, {prefix}[A-Z_]+)+) = ([-\d, ]+)$", text, re.M):
        found |= zip((name.removeprefix(prefix) for name in names.split(", ")), map(int, numbers.split(", ")))
    return found


def disagreements(what, expected, got, language):
    """Yields a sentence for each name that has not the same value in the header and in the module."""
    for name in sorted(expected.keys() | got.keys()):
        if expected.get(name) != got.get(name):
            yield f"{what} {name} is {expected.get(name)!r} in flopshim.h and {got.get(name)!r} in {language}"


def faults():
    """Yields a sentence for each difference between the header and the modules."""
    errors, actions, summaries = map(c_enum, ("flopshim_error", "flopshim_action", "flopshim_summary"))
    texts = dict(re.findall(r'case FLOPSHIM_([A-Z_]+): return "(.*?)";', HEADER))
    if len(errors) < 11 or len(actions) < 5 or len(summaries) < 3:
        yield "flopshim.h: too few errors, actions or summaries were found; this test does not understand it any more"
    if texts.keys() | {"OK"} != errors.keys():
        yield "flopshim.h: flopshim_error_text does not have a text for exactly the errors of flopshim_error"
    yield from disagreements("constant", errors | actions | summaries, values(FORTRAN, "FLOPSHIM_"), "flopshim.f90")
    yield from disagreements("text of", texts, dict(re.findall(r'case \(FLOPSHIM_([A-Z_]+)\); text = "(.*?)"', FORTRAN)),
                             "flopshim.f90")
    # Python has no actions: it lets the C library choose them.
    python = {name: number for name, number in values(PYTHON, "_").items() if name in errors or name in summaries}
    yield from disagreements("constant", errors | summaries, python, "flopshim/__init__.py")
    block = re.search(r"^_ERRORS = \{(.*?)^\}", PYTHON, re.M | re.S)[1]
    yield from disagreements("text of", texts, dict(re.findall(r'_([A-Z_]+): "(.*?)"', block)), "flopshim/__init__.py")


suite = Suite()
with suite.case("constants and texts"):
    for fault in faults():
        suite.check(False, fault)
sys.exit(suite.end())
