#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Whether Fortran and Python have the constants of flopshim.h: every error with its name, number and text, and every action
and kind of summary with its number. The header is the source; the modules are installed as they stand, so that nobody
needs a build to use one of them.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER, FORTRAN, PYTHON = ((ROOT / path).read_text()
                           for path in ("include/flopshim.h", "bindings/flopshim.f90", "bindings/flopshim.py"))


def c_enum(name):
    """Of the header: name without its prefix -> number."""
    body = re.sub(r"/\*.*?\*/", "", re.search(rf"enum {name} \{{(.*?)\}};", HEADER, re.S)[1], flags=re.S)
    values, following = {}, 0
    for entry in filter(None, (part.strip() for part in body.split(","))):
        name, _, number = entry.partition("=")
        values[name.strip().removeprefix("FLOPSHIM_")] = following = int(number) if number else following
        following += 1
    return values


def values(text, prefix):
    """NAME = NUMBER, wherever it stands. A line may give several names several numbers."""
    found = {name: int(number) for name, number in re.findall(rf"(?<![A-Z_]){prefix}([A-Z_]+) = (-?\d+)\b", text)}
    for names, numbers in re.findall(rf"^({prefix}[A-Z_]+(?:, {prefix}[A-Z_]+)+) = ([-\d, ]+)$", text, re.M):
        found |= zip((name.removeprefix(prefix) for name in names.split(", ")), map(int, numbers.split(", ")))
    return found


def disagreements(what, expected, got, language):
    for name in sorted(expected.keys() | got.keys()):
        if expected.get(name) != got.get(name):
            yield f"{what} {name}: {expected.get(name)!r} in flopshim.h, {got.get(name)!r} in {language}"


def faults():
    errors, actions, summaries = map(c_enum, ("flopshim_error", "flopshim_action", "flopshim_summary"))
    texts = dict(re.findall(r'case FLOPSHIM_([A-Z_]+): return "(.*?)";', HEADER))
    if len(errors) < 11 or len(actions) < 5 or len(summaries) < 3:
        yield "flopshim.h is not understood"
    if texts.keys() | {"OK"} != errors.keys():
        yield "flopshim_error_text of flopshim.h does not know the errors of flopshim.h"
    yield from disagreements("constant", errors | actions | summaries, values(FORTRAN, "FLOPSHIM_"), "flopshim.f90")
    yield from disagreements("text of", texts, dict(re.findall(r'case \(FLOPSHIM_([A-Z_]+)\); text = "(.*?)"', FORTRAN)),
                             "flopshim.f90")
    # Python chooses actions in C.
    python = {name: number for name, number in values(PYTHON, "_").items() if name in errors or name in summaries}
    yield from disagreements("constant", errors | summaries, python, "flopshim.py")
    block = re.search(r"^_ERRORS = \{(.*?)^\}", PYTHON, re.M | re.S)[1]
    yield from disagreements("text of", texts, dict(re.findall(r'_([A-Z_]+): "(.*?)"', block)), "flopshim.py")


found = list(faults())
print("\n".join(found) if found else "Fortran and Python have the constants of flopshim.h")
sys.exit(bool(found))
