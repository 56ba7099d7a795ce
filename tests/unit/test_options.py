#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Whether the settings stand in include/options.def alone: README.md has the table that is made of it, C sources spell no
variable out, and nothing speaks of a variable that is in no row.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("FLOPSHIM_BUILD", "build"))
ROWS = re.findall(r"^(?:OPTION|LAUNCHER_VARIABLE|LAUNCHER_MARK|TEST_VARIABLE)\((\w+),", (ROOT / "include/options.def").read_text(), re.M)
SOURCES = [path for folder in ("analyzer", "generate", "launcher", "price", "shim")
           for path in sorted((ROOT / folder).rglob("*.[chS]"))]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "bindings").glob("flopshim.*")),
             *sorted((ROOT / "examples").iterdir()), ROOT / "include/flopshim.h", ROOT / "include/flopshim_dump.h"]
BEGIN, END = "<!-- options: written by make docs -->\n", "<!-- end of options -->\n"


def faults():
    if len(ROWS) < 10:
        yield "include/options.def: hardly a row is understood"
    made = subprocess.run([BUILD / "docs/options", "readme"], check=True, capture_output=True, text=True).stdout
    if BEGIN + made + END not in (ROOT / "README.md").read_text():
        yield "README.md: the table of options is not that of include/options.def: run `make docs`"
    for path in SOURCES:
        text = path.read_text()
        for name in re.findall(r"\bFLOPSHIM_(\w+)", text):
            if name in ROWS:
                yield f"{path.relative_to(ROOT)}: FLOPSHIM_{name} is spelt out: write VARIABLE({name})"
        for name in re.findall(r"\bVARIABLE\((\w+)\)", text):
            if name not in ROWS + ["NAME"]:  # NAME: the parameter of the macros that read the rows
                yield f"{path.relative_to(ROOT)}: VARIABLE({name}) is no row of include/options.def"
    # Other names that begin so are those of the headers for programs.
    headers = "".join((ROOT / "include" / name).read_text() for name in ("flopshim.h", "flopshim_dump.h"))
    known = set(ROWS) | set(re.findall(r"(?:#define FLOPSHIM_|\bFLOPSHIM_(?=\w+(?: =|,)))(\w+)", headers))
    for path in DOCUMENTS:
        for name in re.findall(r"\bFLOPSHIM_([A-Z][A-Z_]*[A-Z])\b", path.read_text()):
            if name not in known:
                yield f"{path.relative_to(ROOT)}: there is no FLOPSHIM_{name}"


found = list(dict.fromkeys(faults()))
print("\n".join(found) if found else f"{len(ROWS)} variables stand in options.def alone")
sys.exit(bool(found))
