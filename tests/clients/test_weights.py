# SPDX-License-Identifier: BSD-3-Clause
"""Tests FLOPSHIM_WEIGHTS and FLOPSHIM_MULTIPLIER: FLOPs stay what they are, and charges are weighted."""

import os
import shlex
import shutil

import flops
from harness import PYTHON, case, check, check_equal, read_report

PROGRAM = """
import numpy as np
a, b = np.ones((30, 20)), np.ones((20, 10))
a @ b
a.astype(np.float32) @ b.astype(np.float32)
"""
EACH = flops.gemm(30, 10, 20)
IMPORT = flops.dot(2)  # sdot

# {kind: (weights, multiplier, charges of dgemm, of sgemm, and of the sdot of the import)}
CASES = {
    "multiplier": ("", "2.5", (2.5 * EACH, 2.5 * EACH, 2.5 * IMPORT)),
    "routine": ("dgemm 3", "1", (3 * EACH, EACH, IMPORT)),
    "family": ("gemm 0.5 # half", "1", (EACH / 2, EACH / 2, IMPORT)),
    "type": ("type:s 4", "1", (EACH, 4 * EACH, 4 * IMPORT)),
    "precision": ("precision:single 0", "1", (EACH, 0, 0)),
    "product": ("gemm 2\n\n# all of these\ndgemm 3\ntype:d 0.5\n", "10", (30 * EACH, 20 * EACH, 10 * IMPORT)),
    "rounded": ("gemm 1e-9", "1", (1, 1, IMPORT)),  # a charge is never rounded to 0
}


@case(kind=tuple(CASES))
def charged(client):
    """Weights of routines, families, types and precisions, and the multiplier, are multiplied. A charge is never rounded
    from something to nothing."""
    weights, multiplier, (double, single, dot) = CASES[client.kind]
    path = client.folder / "weights"
    path.write_text(weights)
    run = client.run([PYTHON, "-c", PROGRAM], FLOPSHIM_WEIGHTS=path, FLOPSHIM_MULTIPLIER=multiplier)
    check_equal(run.totals["flops"], 2 * EACH + IMPORT, "FLOPs")
    check_equal(run.totals["charged"], double + single + dot, "charged FLOPs")
    rows = {row["routine"]: row["charged"] for row in run.report["routines"]}
    check_equal((rows["dgemm"], rows["sgemm"]), (double, single), "charged FLOPs of the products")


MEANT = {"dgemm_": "dgemm", "DGEMM": "dgemm", "cblas_dgemm64_": "dgemm", "cblas_dgemm": "dgemm", "LAPACKE_dgesv": "dgesv",
         "dgemm_64_": "dgemm", "scipy_dgemm_": "dgemm", "scipy_cblas_dgemm64_": "dgemm", "LAPACKE_dgesv_work": "dgesv",
         "LAPACKE_dgesv_work_64": "dgesv", "Gemm_": "gemm", "_": None, "dgemmm_": None, "cblas_": None, "x" * 100: None}


@case(given=tuple(MEANT))
def symbols(client):
    """If a weight names a symbol instead of a routine, the message says which routine was meant."""
    path = client.folder / "weights"
    path.write_text(f"{client.given} 2\n")
    said = client.run([PYTHON, "-c", "print('ran')"], status=2, FLOPSHIM_WEIGHTS=path).err.decode()
    meant = MEANT[client.given]
    hint = f"; did you mean \"{meant}\"?" if meant else ""
    check(f"{path}:1: no such routine, family, type or precision: '{client.given}'{hint}\n" in said, f"standard error: {said!r}")


@case(fault=("dgemmm 2", "gemm nan", "gemm -1", "gemm inf", "gemm", "gemm 1 2", "gemm 2x", "type:q 1"))
def wrong(client):
    """A fault stops the program before it starts, and the message names the file, the line and the word."""
    path = client.folder / "weights"
    path.write_text("# a comment\n" + client.fault + "\n")
    run = client.run([PYTHON, "-c", "print('ran')"], status=2, FLOPSHIM_WEIGHTS=path)
    check_equal(run.out, b"", "standard output")
    said = run.err.decode()
    check(f"{path}:2: " in said, f"no file and line in: {said}")
    check(client.fault.split()[0] in said or client.fault.split()[-1] in said, f"the word is not named in: {said}")


@case()
def missing_file(client):
    """A file that does not exist stops the program, and is named."""
    run = client.run([PYTHON, "-c", "print('ran')"], status=2, FLOPSHIM_WEIGHTS=client.folder / "nothing")
    check("nothing" in run.err.decode(), "the file is not named")


# ---- other processes of the job ----

DOTS = 5 * flops.dot(4)  # the FLOPs of processes.c


def check_charged(client, words, factor, programs=1, shim=True, **environment):
    """Runs a command in which so many processes do DOTS FLOPs each, and checks that their charge is `factor` times as
    much. $P in the last word is the program that does so."""
    out = client.folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    *words, script = words
    script = script.replace("$P", f"{client.compile('processes.c')} plain")
    run = client.run([*words, script], shim=shim, timeout=60, FLOPSHIM_OUT=f"{out}/", **environment)
    totals = read_report(client.reporter, sorted(map(str, out.glob("*.dump"))))["totals"]
    check_equal((totals["flops"], totals["charged"]), (programs * DOTS, programs * factor * DOTS), "FLOPs, and charged")
    check_equal(run.err, b"", "standard error")


@case(launched=(False, True))
def other_directory(client):
    """A relative path means the file in the directory where the job began, for children in other directories and their
    children too."""
    (client.folder / "w").write_text("ddot 2\n")
    launcher = [client.launcher] if client.launched else []
    for script in ("cd / && $P", "cd / && sh -c 'cd /tmp && exec $P'", "cd / && env -C /usr $P"):
        check_charged(client, [*launcher, "sh", "-c", script], 2, shim=not client.launched, FLOPSHIM_WEIGHTS="w")


@case()
def other_directory_of_python(client):
    """The same for a child that starts in another directory and inherits only three descriptors."""
    (client.folder / "below").mkdir()
    (client.folder / "w").write_text("ddot 4\n")
    code = "import subprocess; subprocess.run('$P'.split(), cwd='/usr', close_fds=True, check=True)"
    check_charged(client, [PYTHON, "-c", code], 4, cwd=client.folder / "below", FLOPSHIM_WEIGHTS="../w")


@case(launched=(False, True))
def pipe(client):
    """Weights that come out of a pipe serve all processes, though only the first one can read them."""
    start = client.launcher if client.launched else f"env LD_PRELOAD={client.shim}"
    inner = shlex.quote("cd /; exec 7<&-; $P; $P")
    script = f"exec 7< <(echo 'ddot 10'); FLOPSHIM_WEIGHTS=/dev/fd/7 exec {start} sh -c {inner}"
    check_charged(client, ["bash", "-c", script], 10, programs=2, shim=False)


@case()
def pipe_as_input(client):
    """Weights from a pipe are read to its end, though lines come late, one by one and without the last newline."""
    script = f"(sleep 0.3; echo '# late'; sleep 0.3; printf 'type:d 3') | {client.launcher} -w /dev/stdin $P"
    check_charged(client, ["sh", "-c", script], 3, shim=False)


@case()
def file_as_input(client):
    """A name that means another file in a child means the parent's file."""
    (client.folder / "w").write_text("ddot 3\n")
    script = f"FLOPSHIM_WEIGHTS=/dev/stdin LD_PRELOAD={client.shim} sh -c '$P < /dev/null' < {client.folder}/w"
    check_charged(client, ["sh", "-c", script], 3, shim=False)


@case()
def lines(client):
    """The weights themselves may be given instead of a file. A message about a fault names the line."""
    check_charged(client, ["sh", "-c", "$P"], 6, FLOPSHIM_WEIGHTS="ddot 2\ntype:d 3\n")
    run = client.run(["true"], status=2, FLOPSHIM_WEIGHTS="ddot 2\nddott 3\n")
    check("FLOPSHIM_WEIGHTS: its text:2: " in run.err.decode(), f"it says {run.err.decode()}")


@case(what=("fifo", "directory", "device", "read before", "too much", "relative"))
def cannot_be_read(client):
    """If the weights cannot be read, the program is stopped without waiting, and nothing is counted without them."""
    path, words = client.folder / "w", ["true"]
    if client.what == "fifo":
        os.mkfifo(path)
        expected = f"{path}: it is a named pipe"
    elif client.what == "directory":
        path, expected = client.folder, f"{client.folder}: it is no regular file"
    elif client.what == "device":
        path, expected = "/dev/zero", "/dev/zero: it is no regular file"
    elif client.what == "relative":
        path, expected = "w", f"w in {client.folder}: No such file"
    else:
        before = "cat <&7 > /dev/null; " if client.what == "read before" else ""
        source = "echo ddot 2" if before else "yes '#'"
        words = ["bash", "-c", f"exec 7< <({source}); {before}LD_PRELOAD={client.shim} FLOPSHIM_WEIGHTS=/dev/fd/7 /bin/true"]
        path = None
        expected = "/dev/fd/7: it is a pipe, and " + ("empty" if before else "more than")
    environment = {"FLOPSHIM_WEIGHTS": path} if path else {}
    run = client.run(words, status=2, shim=bool(path), timeout=20, cwd=client.folder, **environment)
    (line,) = run.err.decode().splitlines()
    check(line.startswith("flopshim: FLOPSHIM_WEIGHTS: cannot read ") and expected in line, f"it says {line}")
