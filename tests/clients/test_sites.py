# SPDX-License-Identifier: BSD-3-Clause
"""Where the work came from: sampled stacks against known shares, and Python lines."""

import json
import re
import subprocess

from harness import PYTHON, case, check, check_equal

ORDER = 16
SHARES = {f"site_{i}": i / 210 for i in range(1, 21)}  # 210 calls a round


def stacks_of(client, run):
    done = subprocess.run([client.reporter, "--json", "--top", "1000", *run.dumps], capture_output=True, text=True)
    check_equal(done.returncode, 0, "status of the report")
    return json.loads(done.stdout)["stacks"]


@case()
def shares(client):
    """Twenty functions with 0.5 to 9.5 % of the work each, built without frame pointers, told apart by sampled stacks."""
    rounds = 3000
    program = client.compile("sites.c", "-O2", "-fomit-frame-pointer", "-Wno-missing-prototypes", name="sites")
    run = client.run([program, rounds], threads=1)
    total = rounds * 210 * 2 * ORDER**3
    check_equal(run.totals["flops"], total, "FLOPs")
    found = dict.fromkeys(SHARES, 0)
    for stack in stacks_of(client, run):
        for name in set(re.findall(r"site_\d+", json.dumps(stack))):
            found[name] += stack["estimated_flops"]
    for name, share in SHARES.items():
        check(abs(found[name] / total - share) < 0.01, f"{name}: {found[name] / total:.4f} of the work, not {share:.4f}")


PROGRAM = """
import numpy as np

def inner(a):
    return a @ a

class Model:
    def step(self):
        return inner(np.ones((300, 300)))

Model().step()
"""


@case()
def python_lines(client):
    """The Python function, file and line, found while NumPy has released the GIL."""
    program = client.folder / "program.py"
    program.write_text(PROGRAM)
    run = client.run([PYTHON, program])
    text = json.dumps(stacks_of(client, run))
    for words in (f"inner ({program}:5)", f"Model.step ({program}:9)", f"<module> ({program}:11)"):
        check(words in text, f"no {words} in {text[:600]}")
