# SPDX-License-Identifier: BSD-3-Clause
"""Tests README.md: every command in it runs, and what it shows of output is what comes out, but for times and samples.
No command may be skipped: what a command needs is made before, in the folder of the case."""

import os
import re
import shutil
import subprocess

from harness import PYTHON, TOP, Skip, case, check, check_equal

README = (TOP / "README.md").read_text()
EXAMPLE = TOP / "examples" / "regression.py"
MODEL = """import numpy as np

def train(A):
    return {product}

train(np.ones((100, 100)))
"""


def blocks(language):
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def commands(block):
    """[(command, status that it must have, lines of output that are shown)]"""
    found = []
    for line in block.splitlines():
        match = re.fullmatch(r"\$ (.*?)(?: +# (.*))?", line)
        if match:
            status = re.search(r"status (\d+)", match[2] or "")
            found.append((match[1], int(status[1]) if status else 0, []))
        elif line.strip():
            found[-1][2].append(line)
    return found


def exact(line):
    """The words of a line that do not depend on time or on chance: no times, rates, nor what follows a ~."""
    line = re.sub(r"~[\d.]+( [kMGTP%]| [mun]?s)?|\d[\d.]* [mun]?s\b|\b\d+\.\d\d\b", " ", line)
    return line.split()


def is_shown(line, output):
    """Whether a line of the output has the words of a line of the README in their order."""
    wanted = exact(line)
    for given in output.splitlines():
        words = iter(given.split())
        if all(any(word == other for other in words) for word in wanted):
            return True
    return False


def shell(client, command, **more):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FLOPSHIM_", "LD_PRELOAD"))}
    environment.update(PATH=f"{client.folder}/bin:{client.reporter.parent}:{os.environ['PATH']}", COLUMNS="200",
                       PYTHONPATH=str(TOP / "bindings"), OPENBLAS_NUM_THREADS="1", **more)
    return subprocess.run(["bash", "-c", command], cwd=client.folder, env=environment, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@case()
def every_command(client):
    """Each command of README.md, in its order and in one folder, ends with the status that it says and shows what it says."""
    if subprocess.run([PYTHON, "-c", "import numpy"], capture_output=True).returncode:
        raise Skip("no NumPy")
    if not shutil.which("mpirun"):
        raise Skip("no mpirun")
    subprocess.run(["git", "init", "-q", client.folder], check=True)
    program = client.folder / "your-program"
    program.write_text(f"#!{PYTHON}\n" + EXAMPLE.read_text())
    program.chmod(0o755)
    (client.folder / "bin").mkdir()
    (client.folder / "bin" / "python3").symlink_to(PYTHON)
    for name, product in (("model.py", "A @ A"), ("model-with-one-product-more.py", "(A @ A) @ A")):
        (client.folder / name).write_text(MODEL.format(product=product))
    (client.folder / "namespace.py").write_text(blocks("python")[0])
    ran = 0
    for block in blocks("console"):
        for command, status, lines in commands(block):
            if os.geteuid() == 0:
                command = command.replace("mpirun ", "mpirun --allow-run-as-root --oversubscribe ")
            run = shell(client, command)
            check_equal(run.returncode, status, f"status of `{command}`, which printed {run.stdout}")
            for line in lines:
                check(is_shown(line, run.stdout), f"`{command}` does not show `{line}`, but\n{run.stdout}")
            ran += 1
    check(ran >= 15, f"only {ran} commands were found")


@case()
def shown_lines_can_fail(client):
    """A number that is not in the output, or in another order, is found out."""
    output = "  dsyrk        3  5.490 M  88.9 %   1.72 ms     3.19       54.37\n"
    check(is_shown("  dsyrk        3  5.490 M  88.9 %    421 us    13.04       54.37", output), "the right line")
    for wrong in ("dsyrk 4 5.490 M", "dsyrk 3 5.491 M", "5.490 dsyrk", "dgemm 3"):
        check(not is_shown(wrong, output), wrong)


@case()
def links(client):
    """Each file that README.md links to is there."""
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", README)
    missing = [target for target in targets if not target.startswith("http") and not (TOP / target).exists()]
    check_equal(missing, [], "links to nothing")
    check(len(targets) > 15, "hardly any link was found")
