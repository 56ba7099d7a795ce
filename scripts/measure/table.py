# SPDX-License-Identifier: BSD-3-Clause
"""Reads the signatures of routines from the routine table, routines/*.tbl; docs/adding-a-routine.md describes it.

It must never read a price: flopshim-report explain computes those."""

import glob
import os
import re
from collections import namedtuple

Argument = namedtuple("Argument", "name kind")

# name: dgetrf; stem: getrf; letter: d, the type of its matrices
Routine = namedtuple("Routine", "name family letter arguments")

SHAPE_KINDS = "obdD"       # options, logicals and dimensions, which a price may depend on


def _logical_lines(path):
    """Yields the rows of a file, each with its indented continuation lines joined and without comments."""
    row = ""
    with open(path, encoding="utf-8") as table:
        for line in table:
            line = re.sub(r"(^|\s)#.*", "", line.rstrip("\n")).rstrip()
            if not line:
                continue
            if line[0].isspace():
                row += " " + line.strip()
                continue
            if row:
                yield row
            row = line
    if row:
        yield row


def _routine_names(families, types):
    """Yields (family, routine, type letter) for each entry of the types column: 's', 'sc:c', 'd=dsgesv'."""
    groups = types.split("/")
    for position, group in enumerate(groups):
        family = families[min(position, len(families) - 1)]
        for entry in group.split():
            if "=" in entry:
                letter, name = entry.split("=")
                letter = letter[-1]
            else:
                prefix, _, letter = entry.partition(":")
                letter = letter or prefix[-1]
                name = prefix + family
            yield family, name, letter


def _kind_of(name, kinds):
    """Returns the kind of an argument by the 'kind' lines, where 'ld*' is a prefix; 'p' for a name that none of them has."""
    for prefix in (pattern[:-1] for pattern in kinds if pattern.endswith("*")):
        if name.startswith(prefix) and name not in kinds:
            return kinds[prefix + "*"]
    return kinds.get(name, "p")


def _arguments(column, letter, kinds):
    arguments = []
    column = re.sub(r"->\s*\w+", "", column)
    for token in re.findall(r"\w+(?:\[[^\]]*\]|:\w|\?[^\s\[:]+)*", column):
        limited = re.search(r"\[([^\]]*)\]", token)
        if limited and letter not in limited.group(1):
            continue
        name = re.match(r"\w+", token).group()
        kind = re.search(r":(\w)", token)
        arguments.append(Argument(name, kind.group(1) if kind else _kind_of(name, kinds)))
    return tuple(arguments)


def load(directory):
    """Returns all Fortran routines of the table: {name: Routine}."""
    kinds, rows = {}, []
    for path in sorted(glob.glob(os.path.join(directory, "*.tbl"))):
        for line in _logical_lines(path):
            words = line.split()
            if words[0] == "kind":
                kinds.update((name, words[1]) for name in words[2:])
            elif words[0] not in ("def", "exclude"):
                rows.append((path, line))

    routines = {}
    for path, line in rows:
        columns = [column.strip() for column in line.split("|")]
        families = columns[0].split("/")
        if len(columns) < 3:
            raise ValueError(f"{path}: row '{columns[0]}' has no arguments")
        for family, name, letter in _routine_names(families, columns[1]):
            routines[name] = Routine(name, family, letter, _arguments(columns[2], letter, kinds))
    return routines
