#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Tests that settings are defined in include/options.def alone: README.md has the table that is made of it, the man page and
the completions have all options, no C source spells a variable out, and no document names a variable that has no row. It
must never list the settings itself.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from suite import Suite  # noqa: E402

BUILD = pathlib.Path(os.environ.get("FLOPSHIM_BUILD", "build"))
ROWS = re.findall(r"^(?:OPTION|LAUNCHER_VARIABLE|PLUGIN_VARIABLE|LAUNCHER_MARK|TEST_VARIABLE)\((\w+),",
                  (ROOT / "include/options.def").read_text(), re.M)
SOURCES = [path for folder in ("analyzer", "generate", "launcher", "price", "shim", "slurm")
           for path in sorted((ROOT / folder).rglob("*.[chS]"))]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "bindings").rglob("*.f90")),
             *sorted((ROOT / "bindings").rglob("*.py")),
             *(path for path in sorted((ROOT / "examples").rglob("*")) if path.is_file()), ROOT / "include/flopshim.h",
             ROOT / "include/flopshim_dump.h"]
BEGIN, END = "<!-- options: written by make docs -->\n", "<!-- end of options -->\n"


def faults():
    """Yields a sentence for each place that does not agree with include/options.def."""
    if len(ROWS) < 10:
        yield f"include/options.def: only {len(ROWS)} rows were found; this test does not understand it any more"
    if BEGIN + made("readme") + END not in (ROOT / "README.md").read_text():
        yield "README.md: the table of options differs from include/options.def; run `make docs`"
    for path in SOURCES:
        text = path.read_text()
        for name in re.findall(r"\bFLOPSHIM_(\w+)", text):
            if name in ROWS:
                yield f"{path.relative_to(ROOT)}: FLOPSHIM_{name} is spelt out; write VARIABLE({name})"
        for name in re.findall(r"\bVARIABLE\((\w+)\)", text):
            if name not in ROWS + ["NAME"]:  # NAME is the parameter of the macros that read the rows
                yield f"{path.relative_to(ROOT)}: VARIABLE({name}) is no row of include/options.def"
    # The headers for programs define other names that begin with FLOPSHIM_.
    headers = "".join((ROOT / "include" / name).read_text() for name in ("flopshim.h", "flopshim_dump.h"))
    known = set(ROWS) | set(re.findall(r"(?:#define FLOPSHIM_|\bFLOPSHIM_(?=\w+(?: =|,)))(\w+)", headers))
    for path in DOCUMENTS:
        for name in re.findall(r"\bFLOPSHIM_([A-Z][A-Z_]*[A-Z])\b", path.read_text()):
            if name not in known:
                yield f"{path.relative_to(ROOT)}: there is no FLOPSHIM_{name}"


def made(kind):
    return subprocess.run([BUILD / "docs/options", kind], check=True, capture_output=True, text=True).stdout


def completed(*words):
    """The words that bash's completion offers for the last of these words."""
    script = made("bash") + f"COMP_WORDS=({' '.join(words)}) COMP_CWORD={len(words) - 1}; _flopshim; echo ${{COMPREPLY[@]}}\n"
    return subprocess.run(["bash", "--norc"], input=script, check=True, capture_output=True, text=True).stdout.split()


def document_faults():
    """Yields a sentence for each option that the man page or a completion lacks, and for each wrong answer of bash's."""
    options = re.findall(r'^(?:OPTION|COMMAND|PRESET)\(\w+, "([\w-]+)"', (ROOT / "include/options.def").read_text(), re.M)
    if len(options) < 10:
        yield f"include/options.def: only {len(options)} options were found; this test does not understand it any more"
    for kind, spelling in (("man", "\\-\\-{}\\fR"), ("bash", "--{} "), ("zsh", "--{}"), ("fish", " -l {} ")):
        text = made(kind).replace("\\-", "-") if kind == "man" else made(kind).replace("'", " ")
        for option in options:
            if spelling.replace("\\-", "-").format(option) not in text:
                yield f"docs/options {kind}: --{option} is missing"
    expected = {("--stacks", "l"): ["leaf"], ("--time", "a"): ["auto", "all"], ("-r", ""): ["shapes", "calls"],
                ("--budg",): ["--budget"], ("-q", "--quiet", "--on"): ["--on-exceed"], ("--budget", "1e9", "sh"): None,
                ("--budget", ""): []}
    for words, answer in expected.items():
        offered = completed("flopshim", *(word or "''" for word in words))
        if offered != answer if answer is not None else "sh" not in offered:
            yield f"docs/options bash: for {' '.join(words)} it offers {offered}, and not {answer or 'sh'}"
    for shell, check in (("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
        if shutil.which(shell):
            run = subprocess.run(check, input=made(shell), capture_output=True, text=True)
            if run.returncode or run.stderr:
                yield f"docs/options {shell}: {run.stderr}"


suite = Suite()
for name, found in (("variables", faults), ("options", document_faults)):
    with suite.case(name):
        for fault in dict.fromkeys(found()):
            suite.check(False, fault)
sys.exit(suite.end())
