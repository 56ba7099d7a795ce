#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tests that the routine table accounts for every name that an installed BLAS or LAPACK exports or its header declares. It
must never accept a name because it looks like one that the table has.

    tests/interfaces/test_symbols.py [-v]

A name is priced, exempt with a reason, excluded by the table (`exclude`), one of the libraries' internal names
(INTERNAL), or one of at most 20 without a price (UNPRICED). -v prints how many of each kind every library has.
Environment: FLOPSHIM_BUILD, the directory that `make` builds in (default: build).
"""

import fnmatch
import glob
import json
import os
import re
import subprocess
import sys
from collections import Counter

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from suite import Suite  # noqa: E402

BUILD = os.path.abspath(os.environ.get("FLOPSHIM_BUILD", os.path.join(ROOT, "build")))

LIBRARY = re.compile(r"lib(open|c|f77|nv)?blas(64)?\b|lib(scipy_)?openblas|liblapacke?(64|_atlas)?\b|lib[st]?atlas\b"
                     r"|libblis|libflexiblas|libflame|libmkl_rt|libarmpl")
WITHIN = ("", "openblas-*", "openblas64-*", "blas", "lapack", "blis-*", "blis64-*", "atlas", "blas64", "lapack64")

# Functions that the libraries export only because other functions of theirs call them; programs do not.
CPUS = ("ATOM BANIAS BARCELONA BOBCAT BULLDOZER COOPERLAKE CORE2 DUNNINGTON EXCAVATOR HASWELL KATMAI NANO NEHALEM OPTERON "
        "OPTERON_SSE3 PENRYN PILEDRIVER PRESCOTT SANDYBRIDGE SAPPHIRERAPIDS SKYLAKEX STEAMROLLER ZEN").split()
INTERNAL = (
    (rf"\w+_({'|'.join(CPUS)})", "OpenBLAS: a kernel for one processor"),
    (r"[sdcz][a-z0-9]+(_thread|_kernel)?_[A-Z]{1,4}", "OpenBLAS: a routine with its options decided"),
    (r"[sdcz](gemm|gemm3m|gemv|gbmv)(_thread)?_[a-z]{1,2}", "OpenBLAS: a routine with its options decided"),
    (r"[sdcz]getf2_k|[sdcz]laswp_(plus|minus)", "OpenBLAS: a routine with its options decided"),
    (r"[sdcz]\w+_(single|parallel)|[sd]ger_thread", "OpenBLAS: a routine with its threads decided"),
    (r"gotoblas\w*|exec_blas\w*|blas_[a-z0-9_]+|get_num_procs|support_a[mv]x\w*", "OpenBLAS: threads, memory, processors"),
    (r"gemm_thread_\w+|syrk_thread", "OpenBLAS: threads"),
    (r"[cz]_abs", "the Fortran run-time library of f2c"),
)

# Routines without a price, each with its reason: at most UNPRICED_MAX, and none of the BLAS.
UNPRICED_MAX = 20
UNPRICED = {
}


class Names:
    """The names that the generator has made from the table."""

    def __init__(self):
        with open(os.path.join(BUILD, "gen", "symbols.h"), encoding="ascii") as file:
            routines, forms, symbols, exclusions = re.split(r"#define EACH_\w+\(X\)", file.read())[1:]
        names = r"X\(\d+, (\w+)\)"
        self.symbols = set(re.findall(names, symbols))
        self.forms = set(re.findall(names, forms))
        self.routines = set(re.findall(names, routines))
        self._excluded = re.compile("|".join(fnmatch.translate(pattern) for pattern in
                                             re.findall(r'X\("([^"]*)", "[^"]*"\)', exclusions)))

    def excluded(self, name):
        """Whether the table excludes a name. Exclusions are written without Fortran's underscore and the marks of 64 bits."""
        bare = re.sub(r"^scipy_|(_64_|_64|64_|_)$", "", name)
        return self._excluded.match(name) or self._excluded.match(bare)


_internal = re.compile("|".join(f"(?:{pattern})" for pattern, _ in INTERNAL))


def internal(name):
    return _internal.fullmatch(name)


def libraries():
    """The paths of BLAS and LAPACK libraries, where the dynamic linker looks and in Python packages."""
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    places = {os.path.dirname(path) for path in re.findall(r"=> (\S+)", listed)}
    paths = [path for place in places for within in WITHIN for path in glob.glob(os.path.join(place, within, "*.so*"))]
    for place in sys.path + glob.glob("/usr/lib/python3*/site-packages") + glob.glob("/usr/local/lib/python3*/*-packages"):
        paths += glob.glob(os.path.join(place, "*.libs", "*.so*"))
    return sorted({os.path.realpath(path) for path in paths if LIBRARY.match(os.path.basename(path))})


def exports(path):
    out = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    found = set()
    for line in out.splitlines():
        *_, kind, name = line.split()
        if kind in "TWi" and not name.startswith(("_init", "_fini")):
            found.add(name.split("@")[0])
    return found


def declared():
    """{header: the functions that it declares}, from the headers that the build has preprocessed."""
    found = {}
    for header in ("cblas", "lapack", "lapacke"):
        with open(os.path.join(BUILD, "gen", header + ".i"), encoding="utf-8") as file:
            text = re.sub(r"\{[^{}]*\}", "{}", file.read())
        found[header + ".h"] = set(re.findall(
            r"\b(cblas_\w+|LAPACKE_\w+|[a-z]\w*_)\s*\((?!\s*\*)[^;{}]*\)\s*(?:__attribute__[^;]*)?;", text))
    return found


def kinds(names):
    """{name: (kind, source, routine)} as `flopshim-report explain` answers for each name."""
    run = subprocess.run([os.path.join(BUILD, "flopshim-report"), "explain", "--json"], text=True, capture_output=True,
                         input="".join(name + "\n" for name in names))
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    if len(answers) != len(names):
        sys.exit(f"explain gave {len(answers)} answers to {len(names)} names: {run.stderr}")
    return {name: (answer.get("kind", "?"), answer.get("source"), answer.get("routine", name))
            for name, answer in zip(names, answers)}


def place_of(name, names, priced):
    """How the table accounts for a name, in words, or None if it does not."""
    if name in names.symbols:
        kind, source, routine = priced[name]
        if kind in ("direct", "iterative"):
            return "priced"
        if kind == "exempt" and source:
            return "exempt"
        return "without a price, with a reason" if routine in UNPRICED else None
    if names.excluded(name):
        return "excluded"
    return "internal" if internal(name) else None


def test_names(suite, where, found, names, priced, verbose):
    """The table accounts for each of these names."""
    places = Counter()
    for name in sorted(found):
        place = place_of(name, names, priced)
        suite.check(place, f"{where}: {name} is " + ("unpriced" if name in names.symbols else "not in the table"))
        places[place] += 1
    if verbose:
        print(f"{where}: " + ", ".join(f"{count} {place}" for place, count in places.most_common()))


def test_lists(suite, names):
    """Each routine on the list of unpriced ones has a reason, and no pattern of internal or excluded names hides a symbol."""
    suite.check(len(UNPRICED) <= UNPRICED_MAX, f"{len(UNPRICED)} routines without a price, more than {UNPRICED_MAX}")
    for routine, reason in UNPRICED.items():
        suite.check(routine in names.routines and reason, f"{routine} is in UNPRICED, but is no routine or has no reason")
        suite.check("cblas_" + routine not in names.forms, f"{routine} is in UNPRICED, but is a routine of the BLAS")
    hidden = sorted(name for name in names.symbols if internal(name) or names.excluded(name))
    suite.check(not hidden, f"these are in the table, but also excluded or internal: {' '.join(hidden[:20])}")


def test_explain(suite, names):
    """`explain` answers for every form, and names the routine that it is a form of."""
    forms = sorted(names.forms)
    for form, (kind, _, routine) in kinds(forms).items():
        bare = re.sub(r"^(cblas_|LAPACKE_)|(_work|_sub)$", "", form)
        suite.check(kind != "?" and routine == bare,
                    f"explain {form}: it is of kind {kind} and of the routine {routine}, not {bare}")


def main():
    verbose = "-v" in sys.argv[1:]
    suite, names = Suite(), Names()
    found = {path: exports(path) for path in libraries()}
    if not found:
        sys.exit("tests/interfaces/test_symbols.py: no BLAS or LAPACK is installed")
    found.update(declared())
    priced = kinds(sorted(set().union(*found.values()) & names.symbols))
    for where, exported in found.items():
        with suite.case(where):
            test_names(suite, where, exported, names, priced, verbose)
    for test in (test_lists, test_explain):
        with suite.case(test.__name__):
            test(suite, names)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
