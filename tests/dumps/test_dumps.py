#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tests that dumps of every layout and page size can be read, and that docs/flopshim-dump.md describes the format. It must
never take an expected number from a dump: all are added up here, from the calls in program.c.

Usage: tests/dumps/test_dumps.py BUILD"""

import json
import lzma
import os
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import read_dump

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from suite import Suite  # noqa: E402

TOP = HERE.parents[1]
HEADER = (TOP / "include/flopshim_dump.h").read_text()
BUILD = Path(sys.argv[1]).resolve()
REPORT = BUILD / "flopshim-report"
LAYOUT = int(re.search(r"\bDUMP_LAYOUT = (\d+)", HEADER)[1])
PAGES = (4096, 1 << 14, 1 << 16)


# ---- what the calls of program.c cost ----

def product(m, n, k):
    return 2 * m * n * k  # a multiplication and an addition for each of m*n*k


COSTS = {  # routine: (calls, FLOPs)
    "dgemm": (3, 3 * product(20, 30, 40)),
    "ddot": (7 + 4, 7 * 2 * 100 + 4 * 2 * 50),
    "zgemm": (1, (6 + 2) * 4 * 5 * 6),  # a complex multiplication is 6 FLOPs, an addition 2
    "dtrsm": (2, 2 * 5 * 4 ** 2),       # for each of 5 right-hand sides m divisions, m(m-1)/2 products and subtractions
    "fft": (1, 5000),                   # charged by hand
}
FLOPS = sum(flops for _, flops in COSTS.values())
TOTALS = {
    "calls": 3 + 7 + 4 + 1 + 2, "flops": FLOPS, "charged": FLOPS, "workspace_queries": 1, "manual_charges": 1, "refused_calls": 1,
    "refused_flops": product(10, 10, 10), "rejected_calls": 0, "lost_calls": 0, "passed_calls": 0, "abandoned_calls": 0,
    "in_flight_calls": 0, "saturated_calls": 0, "over_budget_calls": 0, "threads": 2,
}
SOLVE = COSTS["dtrsm"]


class Failure(AssertionError):
    """A case has failed; the text says what was found and what was expected."""


def expect(what, got, expected):
    if got != expected:
        raise Failure(f"{what}: {got}, expected {expected}")


# ---- dumps ----

def report(path):
    run = subprocess.run([REPORT, "--json", path], capture_output=True, text=True)
    if run.returncode:
        raise Failure(f"flopshim-report: status {run.returncode}: {run.stderr}")
    return json.loads(run.stdout)


def check_program(data):
    """flopshim-report, and read_dump.py, which knows docs/flopshim-dump.md alone, both find in this dump what the calls
    of program.c cost."""
    with tempfile.NamedTemporaryFile(suffix=".dump") as file:
        file.write(data)
        file.flush()
        told = report(file.name)
    read = read_dump.describe(read_dump.Dump(data))
    expect("complete", told["complete"], True)
    for name, value in TOTALS.items():
        expect(f"{name} by flopshim-report", told["totals"][name], value)
        expect(f"{name} by the page", read["totals"][name], value)
    for name in set(read["totals"]) & set(told["totals"]):
        expect(f"{name}, by the page and by flopshim-report", read["totals"][name], told["totals"][name])
    expect("routines by the page", read["routines"], COSTS)
    by_routine = {row["routine"]: (row["calls"], row["flops"]) for row in told["routines"] if row["calls"]}
    expect("routines by flopshim-report", by_routine | {"fft": COSTS["fft"]}, COSTS)
    spaces = {row["namespace"]: (row["own_calls"], row["own_flops"]) for row in told["namespaces"]}
    expect("namespace solve by flopshim-report", spaces["solve"], SOLVE)
    expect("namespace solve by the page", read["namespaces"]["solve"], SOLVE)
    expect("limits by the page", read["limits"],
           [{"amount": 1000, "used": 0, "namespace": "solve.little", "refused_calls": 1}])
    expect("shapes by the page", read["shapes"]["dgemm", '{"k": 40, "m": 20, "n": 30, "transa": "N", "transb": "N"}'], 3)
    expect("symbols by the page", read["symbols"]["dtrsm_"], SOLVE)
    check_log(read["log"])
    expect("FLOPs that stacks stand for", sum(flops for flops, _, _ in read["samples"]), FLOPS - COSTS["fft"][1])
    expect("environment by the page", ("environment", "FLOPSHIM_ON_EXCEED=deny") in read["meta"], True)


def check_log(log):
    """The ordered record has every call with its price, in the order in which they were made."""
    expect("calls in order", [sequence for sequence, _, _ in log], list(range(1, len(log) + 1)))
    prices = [product(20, 30, 40)] * 3 + [2 * 100] * 7 + [8 * 4 * 5 * 6] + [5 * 4 ** 2] * 2 + [5000] + [2 * 50] * 4
    expect("their prices", [flops for _, flops, _ in log if flops], prices)


def check_layout(number):
    """The dump of this layout that is kept in this folder can be read."""
    dump = check_kept(f"layout-{number}")
    expect("its layout", dump.header["layout"] or 1, number)


def check_release(release):
    """The dump that this release of flopshim wrote can be read."""
    dump = check_kept(f"release-{release}")
    expect("its release", dump.header["shim_version"].rstrip(b"\0").decode(), release)


def check_kept(name):
    """Reads a dump that is kept in this folder."""
    path = HERE / f"{name}.dump.xz"
    if not path.exists():
        raise Failure(f"{path.relative_to(TOP)} is missing; README.md beside it says how to make it")
    data = lzma.decompress(path.read_bytes())
    check_program(data)
    return read_dump.Dump(data)


def written_now(folder, page):
    """A dump of program.c by today's shim, with pages of this size."""
    path = f"{folder}/{page}.dump"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOPSHIM_")}
    environment.update(LD_PRELOAD=str(BUILD / "libflopshim.so"), FLOPSHIM_OUT=path, FLOPSHIM_DUMP_PAGE=str(page),
                       FLOPSHIM_RECORDS="calls", FLOPSHIM_STACKS="all", FLOPSHIM_TIME="all", FLOPSHIM_ON_EXCEED="deny")
    run = subprocess.run([BUILD / "tests/dumps/program"], env=environment, capture_output=True, text=True)
    expect("status of the program", run.returncode, 0)
    return Path(path).read_bytes()


def check_page(page):
    """A dump with pages of this size has blocks of whole pages, and can be read."""
    with tempfile.TemporaryDirectory(prefix="flopshim-dumps-") as folder:
        data = written_now(folder, page)
    dump = read_dump.Dump(data)
    expect("layout", dump.header["layout"], LAYOUT)
    expect("size of a page", dump.header["page_size"], page)
    expect("offsets of blocks that begin within a page", [block["offset"] for block in dump.blocks if block["offset"] % page], [])
    expect("sizes of blocks that are no whole pages", [block["size"] for block in dump.blocks if block["size"] % page], [])
    check_program(data)


def check_merged():
    """A merged dump of two processes holds twice what one did, and can be read by the page alone."""
    with tempfile.TemporaryDirectory(prefix="flopshim-dumps-") as folder:
        single = [read_dump.describe(read_dump.Dump(written_now(folder, page))) for page in (4096, 1 << 14)]
        run = subprocess.run([REPORT, "merge", "-o", f"{folder}/job", folder], capture_output=True, text=True)
        expect("status of merge", run.returncode, 0)
        told, read = report(f"{folder}/job"), read_dump.describe(read_dump.Dump(Path(f"{folder}/job").read_bytes()))
    for name, value in TOTALS.items():
        expect(f"{name} by flopshim-report", told["totals"][name], 2 * value)
        expect(f"{name} by the page", read["totals"][name], 2 * value)
    expect("routines by the page", read["routines"], {name: (2 * calls, 2 * flops) for name, (calls, flops) in COSTS.items()})
    expect("namespace solve by the page", read["namespaces"]["solve"], tuple(2 * number for number in SOLVE))
    expect("processes by the page", [(rank, calls, flops) for rank, _, calls, flops in read["processes"]],
           2 * [(-1, TOTALS["calls"], FLOPS)])
    samples = [[calls for _, calls, _ in one["samples"]] for one in (*single, read)]
    expect("calls of samples by the page", sum(samples[2]), sum(samples[0] + samples[1]))
    expect("samples, of the same stacks", len(samples[2]), len(samples[0]))


# ---- docs/flopshim-dump.md, the page of the manual ----

def check_members():
    """docs/flopshim-dump.md has all members and values of flopshim_dump.h, with their offsets, sizes and signs."""
    document = read_dump.Document(read_dump.PAGE.read_text())
    expect("layout that the page describes", document.layout, LAYOUT)
    lines = ['#include <stddef.h>', '#include "flopshim_dump.h"']
    for name, members in document.structs.items():
        for offset, member, kind, count in members:
            lines.append(f'_Static_assert(offsetof(struct {name}, {member}) == {offset}, "{name}.{member}");')
            if count == 0:
                continue
            size = document.size_of_type(kind) * (count or 1)
            lines.append(f'_Static_assert(sizeof(((struct {name} *)0)->{member}) == {size}, "{name}.{member}");')
            if kind[0] in "ui" and kind[1:].isdigit():
                sign = "<" if kind[0] == "i" else ">"
                first = f"((struct {name} *)0)->{member}{'[0]' if count else ''}"
                lines.append(f'_Static_assert((__typeof__({first}))-1 {sign} 0, "{name}.{member}");')
        size = document.size(name)
        lines.append(f'_Static_assert(sizeof(struct {name}) - {size} < 8, "{name}");')
    for name, value in document.values.items():
        lines.append(f'_Static_assert({name} == {value}, "{name}");')
    run = subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-fsyntax-only", "-I", TOP / "include", "-x", "c", "-"],
                         input="\n".join(lines), capture_output=True, text=True)
    if run.returncode:
        raise Failure(run.stderr)
    listed = {(name, member) for name, members in document.structs.items() for _, member, _, _ in members}
    expect("members that the page leaves out", sorted(members_of_header() - listed), [])
    expect("values that the page leaves out", sorted(values_of_header() - set(document.values)), [])


def check_frozen():
    """Each member and value of the format that was frozen with 0.9.0 is where it was, has the size and the type that it had."""
    document = read_dump.Document(read_dump.PAGE.read_text())
    now = set(frozen_lines(document))
    lines = [line for line in (HERE / "frozen-0.9.0").read_text().splitlines() if not line.startswith("#")]
    expect("members and values that changed", [line for line in lines if line not in now], [])
    if len(lines) < 200:
        raise Failure(f"only {len(lines)} members and values are frozen")


def frozen_lines(document):
    """A line for each member and value that the page has."""
    for name, members in document.structs.items():
        for offset, member, kind, count in members:
            if member.startswith("reserved"):
                continue  # new members may stand there
            yield f"{name} {member} {offset} {kind} {'' if count is None else count}".rstrip()
    for name, value in document.values.items():
        if name != "DUMP_LAYOUT":
            yield f"{name} {value}"


def members_of_header():
    """{(struct, member)} of flopshim_dump.h."""
    found = set()
    plain = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S)
    for name, body in re.findall(r"^struct (dump_\w+) \{(.*?)^\};", plain, re.M | re.S):
        for declaration in body.split(";"):
            words = re.sub(r"\[\w*\]|struct \w+", "", declaration).replace(",", " ").split()
            found |= {(name, word) for word in words if not re.fullmatch(r"u?int\d+_t|char", word)}
    return found


def values_of_header():
    """The names of the values in all enums of flopshim_dump.h that have a name."""
    plain = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S)
    return {word for body in re.findall(r"^enum dump_\w+ \{(.*?)\};", plain, re.M | re.S)
            for word in re.findall(r"\bDUMP_\w+", body)}


def check_sizes_of_pages():
    """No source assumes pages of 4,096 bytes: that number stands only beside the name of another constant, or of
    DUMP_PAGE_LEAST in flopshim_dump.h."""
    number = re.compile(r"(?<![\w.-])(4096|4095|0x1000|0xfff|1 ?<< ?12)u?[lL]*(?![\w.])")
    named = re.compile(r"\bDUMP_PAGE_LEAST = 4096\b|\b(?!\w*PAGE)[A-Z][A-Z0-9_]+ = (4096|1 << 12)\b"
                       r"|#define (?!\w*PAGE)[A-Z_]+ (4096|0x1000)")
    unnamed = []
    for folder in ("shim", "analyzer", "launcher", "price", "generate", "include"):
        for path in sorted((TOP / folder).rglob("*.[chS]")):
            text = re.sub(r"/\*.*?\*/|//[^\n]*", lambda comment: "\n" * comment[0].count("\n"), path.read_text(), flags=re.S)
            unnamed += [f"{path.relative_to(TOP)}:{at}" for at, line in enumerate(text.splitlines(), 1)
                        if number.search(line) and not named.search(line)]
    expect("numbers that may be a page's size", unnamed, [])


# ---- what cannot be read ----

def check_later():
    """A dump that needs a later reader is refused, and the message names its layout and those that can be read."""
    data = bytearray(lzma.decompress((HERE / "layout-1.dump.xz").read_bytes()))
    document = read_dump.Document(read_dump.PAGE.read_text())
    places = {member: offset for offset, member, _, _ in document.structs["dump_header"]}
    struct.pack_into("<I", data, places["version"], LAYOUT + 1)
    struct.pack_into("<I", data, places["layout"], LAYOUT + 2)
    struct.pack_into("<I", data, places["header_check"], read_dump.header_check(data, document))
    with tempfile.NamedTemporaryFile(suffix=".dump") as file:
        file.write(data)
        file.flush()
        run = subprocess.run([REPORT, file.name], capture_output=True, text=True)
    said = f"layout {LAYOUT + 2}, which needs a reader of layout {LAYOUT + 1}; this program reads layouts 1 to {LAYOUT}"
    expect("status", run.returncode != 0, True)
    if said not in run.stdout + run.stderr:
        raise Failure(f"flopshim-report does not say: {said}\n{run.stdout}{run.stderr}")


def main():
    cases = [("members and values of the page", check_members)]
    cases += [(f"layout {number}", lambda number=number: check_layout(number)) for number in range(1, LAYOUT + 1)]
    releases = sorted(path.name[len("release-"):-len(".dump.xz")] for path in HERE.glob("release-*.dump.xz"))
    cases += [(f"release {release}", lambda release=release: check_release(release)) for release in {*releases, "0.9.0"}]
    cases += [("the frozen format", check_frozen)]
    cases += [(f"pages of {page} bytes", lambda page=page: check_page(page)) for page in PAGES]
    cases += [("a merged dump", check_merged)]
    cases += [("a layout of the future", check_later), ("sizes of pages in the sources", check_sizes_of_pages)]
    suite = Suite()
    for name, case in cases:
        with suite.case(name):
            case()
    sys.exit(suite.end())


main()
