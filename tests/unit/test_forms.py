#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The Fortran, CBLAS and LAPACKE forms of one operation, row-major and column-major, have one price: forms.c under
the shim. (tests/unit/test_table.c checks the descriptors of every form; this one makes the calls.)

    tests/unit/test_forms.py
Environment: FLOPSHIM_BUILD, the directory that `make` builds in (default: build).
"""

import glob
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("FLOPSHIM_BUILD", os.path.join(ROOT, "build")))

BLAS_FORMS, LAPACK_FORMS = 3, 5  # calls of one operation: Fortran, CBLAS twice; Fortran, LAPACKE twice, _work twice
LAPACK = "dgesv dgetrf dgeqrf zpotrf dsyev zheev dgesvd dlange".split()
OPERATIONS = {"dgemm": 9, "zgemm": 9, "dgemv": 3, "dgbmv": 3, "dger": 3, "dtrsm": 16, "dsymm": 16, "zherk": 16,
              "dtrmv": 16, **dict.fromkeys(LAPACK, 4)}
SEEDS = range(1, 6)


class Score:
    passed = failed = 0

    def check(self, good, message):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED:", message)


def run(program, work, seed):
    """What flopshim-report says of one run."""
    for old in glob.glob(os.path.join(work, "*.dump")):
        os.remove(old)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOPSHIM_")}
    environment |= {"LD_PRELOAD": os.path.join(BUILD, "libflopshim.so"), "FLOPSHIM_OUT": work}
    subprocess.run([program, str(seed)], env=environment, check=True)
    report = subprocess.run([os.path.join(BUILD, "flopshim-report"), "--json", "--top", "all", work],
                            capture_output=True, text=True, check=True).stdout
    return json.loads(report)


def check_run(score, report, seed):
    """All forms of an operation are calls of one shape, so that the calls of a shape are a multiple of the forms."""
    calls = Counter()
    for shape in report["shapes"]:
        routine = shape["routine"]
        forms = LAPACK_FORMS if routine in LAPACK else BLAS_FORMS
        calls[routine] += shape["calls"]
        score.check(shape["calls"] % forms == 0 and shape["flops"] % shape["calls"] == 0,
                    f"seed {seed}: {routine} {shape['arguments']}: {shape['calls']} calls, {shape['flops']} FLOPs")
    for routine, operations in OPERATIONS.items():
        forms = LAPACK_FORMS if routine in LAPACK else BLAS_FORMS
        score.check(calls[routine] == operations * forms, f"seed {seed}: {calls[routine]} calls of {routine}")


def main():
    score = Score()
    with tempfile.TemporaryDirectory() as work:
        program = os.path.join(work, "forms")
        multiarch = subprocess.run(["cc", "-print-multiarch"], capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run(["cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-O1", f"-I/usr/include/{multiarch}",
                        "-o", program, os.path.join(HERE, "forms.c"), "-llapacke", "-llapack", "-lblas"], check=True)
        for seed in SEEDS:
            check_run(score, run(program, work, seed), seed)
    print(f"{score.passed} passed, {score.failed} failed")
    return 1 if score.failed else 0


if __name__ == "__main__":
    sys.exit(main())
