# SPDX-License-Identifier: BSD-3-Clause
"""FLOPSHIM_WEIGHTS and FLOPSHIM_MULTIPLIER: raw FLOPs stay what they are, charged ones are weighed."""

import flops
from harness import PYTHON, case, check, check_equal

PROGRAM = """
import numpy as np
a, b = np.ones((30, 20)), np.ones((20, 10))
a @ b
a.astype(np.float32) @ b.astype(np.float32)
"""
EACH = flops.gemm(30, 10, 20)
IMPORT = flops.dot(2)  # sdot

# weights, multiplier, what dgemm, sgemm and the sdot of the import are charged
CASES = {
    "multiplier": ("", "2.5", (2.5 * EACH, 2.5 * EACH, 2.5 * IMPORT)),
    "routine": ("dgemm 3", "1", (3 * EACH, EACH, IMPORT)),
    "family": ("gemm 0.5 # half", "1", (EACH / 2, EACH / 2, IMPORT)),
    "type": ("type:s 4", "1", (EACH, 4 * EACH, 4 * IMPORT)),
    "precision": ("precision:single 0", "1", (EACH, 0, 0)),
    "product": ("gemm 2\n\n# all of these\ndgemm 3\ntype:d 0.5\n", "10", (30 * EACH, 20 * EACH, 10 * IMPORT)),
    "rounded": ("gemm 1e-9", "1", (1, 1, IMPORT)),  # never from something to nothing
}


@case(kind=tuple(CASES))
def charged(client):
    weights, multiplier, (double, single, dot) = CASES[client.kind]
    path = client.folder / "weights"
    path.write_text(weights)
    run = client.run([PYTHON, "-c", PROGRAM], FLOPSHIM_WEIGHTS=path, FLOPSHIM_MULTIPLIER=multiplier)
    check_equal(run.totals["flops"], 2 * EACH + IMPORT, "FLOPs")
    check_equal(run.totals["charged"], double + single + dot, "charged FLOPs")
    rows = {row["routine"]: row["charged"] for row in run.report["routines"]}
    check_equal((rows["dgemm"], rows["sgemm"]), (double, single), "charged FLOPs of the products")


@case(fault=("dgemmm 2", "gemm nan", "gemm -1", "gemm inf", "gemm", "gemm 1 2", "gemm 2x", "type:q 1"))
def wrong(client):
    """A fault stops the program before it starts, and names file, line and word."""
    path = client.folder / "weights"
    path.write_text("# a comment\n" + client.fault + "\n")
    run = client.run([PYTHON, "-c", "print('ran')"], status=2, FLOPSHIM_WEIGHTS=path)
    check_equal(run.out, b"", "standard output")
    said = run.err.decode()
    check(f"{path}:2: " in said, f"no file and line in: {said}")
    check(client.fault.split()[0] in said or client.fault.split()[-1] in said, f"the word is not named in: {said}")


@case()
def missing_file(client):
    run = client.run([PYTHON, "-c", "print('ran')"], status=2, FLOPSHIM_WEIGHTS=client.folder / "nothing")
    check("nothing" in run.err.decode(), "the file is not named")
