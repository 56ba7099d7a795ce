# SPDX-License-Identifier: BSD-3-Clause
"""Tests `flopshim-report export` by the programs that people open its formats with: what these read has the sums of the report,
and the stacks that the programs had, whatever functions and files are called."""

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import flops
from harness import PYTHON, TOP, Failure, Skip, case, check, check_equal, tail
from test_ci import SCHEMAS, python_with

# What FlameGraph's stackcollapse scripts write and speedscope reads; and flamegraph.pl, which would take a second number.
FOLDED = re.compile(r"(.*) (\d+)")
SECOND_NUMBER = re.compile(r"(.*)\s+?(\d+(?:\.\d*)?)")

# FLOPs by the functions of nested.c.
BY_FUNCTION = {"forward": 3 * flops.gemm(30, 30, 30), "backward": 5 * flops.gemm(20, 20, 20) + flops.gemm(30, 30, 30),
               "main": 7 * flops.dot(100)}


def export(client, form, *words, status=0):
    """The output of an export."""
    done = subprocess.run([client.reporter, "export", "--to", form, *words], capture_output=True, timeout=120)
    if done.returncode != status:
        raise Failure(f"export --to {form}: status {done.returncode}: {tail(done.stderr)}")
    return done.stdout


def folded(text):
    """{stack, a tuple of frames: number}, by the rules of the programs that read folded stacks."""
    found = {}
    for line in text.decode().split("\n")[:-1]:
        match = FOLDED.fullmatch(line)
        check(match, f"no folded stack: {line[:200]!r}")
        stack, number = match.groups()
        check(not SECOND_NUMBER.fullmatch(stack), f"the stack ends in a second number: {stack[-100:]!r}")
        check(not re.search(r"[\x00-\x1f\x7f-\x9f]", line), f"a control character: {line[:200]!r}")
        frames = tuple(stack.split(";"))
        check(all(frames), f"a frame without a name: {stack[:200]!r}")
        check(frames not in found, f"the stack stands twice: {stack[:200]!r}")
        found[frames] = int(number)
    check(not text.startswith(b"{"), "it looks like JSON")
    return found


def by_frame(stacks, names):
    """{name: sum over the stacks with a frame of that function, or with more than one of the names the innermost}"""
    sums = Counter()
    for frames, number in stacks.items():
        inner = [name for frame in reversed(frames) for name in names if frame.split(" (")[0] == name]
        sums[inner[0] if inner else None] += number
    return dict(sums)


def run_nested(client, *arguments, stacks="all", **environment):
    program = client.compile("nested.c")
    return client.run([program, *arguments], FLOPSHIM_STACKS=stacks, **environment)


# ---- folded ----

@case()
def folded_stacks(client):
    """Each function has the FLOPs that it asked for, and the sums for each measure are the report's."""
    run = run_nested(client, FLOPSHIM_TIME="all")
    stacks = folded(export(client, "folded", *run.dumps))
    check_equal(by_frame(stacks, BY_FUNCTION), BY_FUNCTION, "FLOPs by function")
    check_equal(sum(stacks.values()), run.totals["flops"], "FLOPs")
    for frames in stacks:
        check(frames[-1] in ("dgemm", "ddot"), f"the innermost frame is {frames[-1]}")
    lines = {frame for frames in stacks for frame in frames if frame.startswith("multiply")}
    check_equal(len(lines), 1, f"lines of multiply that call: {lines}")
    for weight, total in ("calls", "calls"), ("charged", "charged"), ("time", "estimated_time_ns"):
        stacks = folded(export(client, "folded", "--weight", weight, *run.dumps))
        check_equal(sum(stacks.values()), run.totals[total], weight)
    calls = by_frame(folded(export(client, "folded", "--weight", "calls", *run.dumps)), BY_FUNCTION)
    check_equal(calls, {"forward": 3, "backward": 6, "main": 7}, "calls by function")


@case(stacks=("auto", "leaf", "off"))
def sampled_stacks(client):
    """The sums are exact where stacks were only sampled, and where none were taken."""
    run = run_nested(client, stacks=client.stacks)
    stacks = folded(export(client, "folded", *run.dumps))
    check_equal(sum(stacks.values()), sum(BY_FUNCTION.values()), "FLOPs")
    routines = Counter()
    for frames, number in stacks.items():
        routines[frames[-1]] += number
    check_equal(dict(routines), {"dgemm": BY_FUNCTION["forward"] + BY_FUNCTION["backward"], "ddot": BY_FUNCTION["main"]},
                "FLOPs by routine")


@case()
def difference(client):
    """A differential export has the numbers of both runs, in one line for equal stacks."""
    old, new = run_nested(client), run_nested(client, "twice")
    before, after = {}, {}
    for line in export(client, "folded-diff", old.folder, new.folder).decode().split("\n")[:-1]:
        match = re.fullmatch(r"(.*) (\d+) (\d+)", line)
        check(match, f"no difference: {line[:200]!r}")
        frames = tuple(match[1].split(";"))
        before[frames], after[frames] = int(match[2]), int(match[3])
    check_equal(by_frame(before, BY_FUNCTION), BY_FUNCTION, "FLOPs before")
    check_equal(by_frame(after, BY_FUNCTION), {**BY_FUNCTION, "backward": 2 * BY_FUNCTION["backward"]}, "FLOPs now")
    check(not any(re.search(r"\.c:\d", frame) for frames in before for frame in frames), "a line of source is told apart")


# ---- names that are hostile to each format ----

HOSTILE = ["plain", "a;b", "ends in 12", "ends in 7.5", "{brace", "quote\"back\\slash", "esc\x1b[31m", "right\u202eleft",
           "<lambda>", "<script>alert(1)</script>", "x" * 200, "c++::name<int, 3>(4)", "\u00e9\u4e2d\U0001f600"]

HOSTILE_PROGRAM = """
import sys
import numpy
import flopshim

def inner(a):
    return a @ a

def call(name, order):
    code = inner.__code__.replace(co_name=name, co_filename="a (copy) " + name[:50] + ".py")
    if hasattr(code, "co_qualname"):
        code = code.replace(co_qualname=name)
    type(inner)(code, globals())(numpy.ones((order, order)))

names = %r
for place, name in enumerate(names):
    with flopshim.namespace("train.forward" if place %% 2 else "test"):
        call(name, 10 + place)
flopshim.charge("manual;charge 5", 12345)
"""

HOSTILE_FLOPS = {name: flops.gemm(10 + place, 10 + place, 10 + place) for place, name in enumerate(HOSTILE)}


def run_hostile(client, **environment):
    return client.run([PYTHON, "-c", HOSTILE_PROGRAM % HOSTILE], FLOPSHIM_STACKS="all",
                      PYTHONPATH=TOP / "bindings", **environment)


def check_hostile(run, sums, plain=lambda name: name):
    """`sums` is {name of a frame: FLOPs}: each function must have its own."""
    for name, expected in HOSTILE_FLOPS.items():
        found = [number for frame, number in sums.items() if frame.split(" (")[0] == plain(name).split(" (")[0]
                 or frame == plain(name)]
        check(expected in found, f"FLOPs of {name[:50]!r}: {found}, but {expected} were expected")
    check_equal(run.routines["dgemm"][1], sum(HOSTILE_FLOPS.values()), "FLOPs of products")


@case()
def hostile_folded(client):
    """No name ends its frame, its stack or its line."""
    run = run_hostile(client)
    stacks = folded(export(client, "folded", "--namespaces", *run.dumps))
    check_equal(sum(stacks.values()), run.totals["flops"], "FLOPs")
    sums = Counter()
    for frames, number in stacks.items():
        for frame in set(frames):
            sums[frame] += number
    spaces = {"train": 0, "test": 0}
    for place, name in enumerate(HOSTILE):
        spaces["train" if place % 2 else "test"] += HOSTILE_FLOPS[name]
    check_equal({space: sums[space] for space in spaces}, spaces, "FLOPs by namespace")
    check_equal(sums["manual:charge_5"], 12345, "what was charged by hand")
    check_hostile(run, {frame.split(" (")[0]: number for frame, number in sums.items()},
                  lambda name: name.replace(";", ":").replace("{", "(").replace("\x1b", "?"))


# ---- speedscope ----

def speedscope_sums(data, metric):
    """{name of a frame: sum of a profile over the stacks with it}"""
    (profile,) = [profile for profile in data["profiles"] if profile["name"] == metric]
    check_equal(len(profile["samples"]), len(profile["weights"]), "samples")
    sums = Counter()
    for stack, weight in zip(profile["samples"], profile["weights"]):
        for name in {data["shared"]["frames"][frame]["name"] for frame in stack}:
            sums[name] += weight
    check_equal(profile["endValue"], sum(profile["weights"]), "the end of the profile")
    return sums


@case()
def speedscope_file(client):
    """The file is as speedscope's schema says, if its package from npm is there, and no name is changed in it."""
    run = run_hostile(client, FLOPSHIM_TIME="all")
    (client.folder / "x.json").write_bytes(export(client, "speedscope", *run.dumps))
    data = json.loads((client.folder / "x.json").read_text())
    check_hostile(run, speedscope_sums(data, "FLOPs"))
    for metric, total in ("FLOPs", "flops"), ("calls", "calls"), ("time", "estimated_time_ns"):
        profile = [profile for profile in data["profiles"] if profile["name"] == metric][0]
        check_equal(profile["endValue"], run.totals[total], metric)
    schema = node_package(client, "speedscope") / "dist" / "release" / "file-format-schema.json"
    validate(client, schema, client.folder / "x.json")


VALIDATE = """import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
for fault in jsonschema.Draft7Validator(schema).iter_errors(json.load(open(sys.argv[2]))):
    print(list(fault.absolute_path), fault.message[:300])
"""


def validate(client, schema, file):
    done = subprocess.run([python_with("jsonschema"), "-c", VALIDATE, schema, file], capture_output=True, text=True)
    check_equal((done.returncode, done.stdout), (0, ""), done.stderr[-2000:])


def node_package(client, name):
    """The folder of a package from npm, where NODE_PATH says or ./scripts/check puts it. Skips the case if it is missing."""
    folders = [Path(folder) for folder in os.environ.get("NODE_PATH", "").split(":") if folder]
    for folder in [*folders, client.build_folder / "node" / "node_modules"]:
        if (folder / name).is_dir():
            return folder / name
    raise Skip(f"no package {name} of npm")


# Opens speedscope's page, gives it a file as a user does, and prints the table of its view "Sandwich" and its faults.
READ_IN_PAGE = """
const { chromium } = require(process.argv[1]);
(async () => {
    const browser = await chromium.launch({ executablePath: process.argv[4], args: ["--no-sandbox"] });
    const page = await browser.newPage();
    const faults = [];
    page.on("pageerror", fault => faults.push(String(fault)));
    page.on("console", message => message.type() == "error" && faults.push(message.text()));
    await page.goto("file://" + process.argv[2] + "/index.html");
    await page.waitForSelector("input[type=file]", { state: "attached" });
    await page.setInputFiles("input[type=file]", process.argv[3]);
    await page.waitForFunction(() => document.body.innerText.includes("Sandwich"), null, { timeout: 30000 });
    await page.waitForTimeout(300);
    await page.keyboard.press("3");
    await page.waitForFunction(() => [...document.querySelectorAll("tr")].some(row => row.innerText.includes("%")));
    const rows = await page.$$eval("table tr", rows => rows.map(row => [...row.children].map(cell => cell.innerText.trim())));
    console.log(JSON.stringify({ rows, faults }));
    await browser.close();
})().catch(fault => { console.error(fault); process.exit(1); });
"""


def read_in_speedscope(client, file):
    """What speedscope's page shows of a file: {function: its part of the whole in per cent, of all of its lines}"""
    package, driver = node_package(client, "speedscope"), node_package(client, "playwright-core")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    for name, path in ("node", shutil.which("node")), ("chromium", chromium):
        if not path:
            raise Skip(f"no {name}")
    done = subprocess.run(["node", "-e", READ_IN_PAGE, driver, package / "dist" / "release", file, chromium],
                          capture_output=True, text=True, timeout=180)
    if done.returncode:
        raise Failure(f"speedscope's page: {done.stderr[-1500:]}")
    page = json.loads(done.stdout)
    check_equal(page["faults"], [], "errors of the page")
    shares = Counter()
    for cells in page["rows"]:
        share = re.search(r"([\d.]+)%", cells[0])
        if len(cells) >= 3 and share:
            shares[cells[2].split(" (")[0]] += float(share[1])
    return shares


@case(form=("speedscope", "folded", "pprof"))
def speedscope_page(client):
    """speedscope itself, in a browser, reads three of the formats and shows each function with its part of the whole."""
    run = run_nested(client)
    file = client.folder / f"nested.{client.form}"
    file.write_bytes(export(client, client.form, *run.dumps))
    shares = read_in_speedscope(client, file)
    expected = {"forward": BY_FUNCTION["forward"], "backward": BY_FUNCTION["backward"],
                "dgemm": BY_FUNCTION["forward"] + BY_FUNCTION["backward"]}
    for name, part in expected.items():
        share = 100 * part / run.totals["flops"]  # the page shows two or three digits of each line
        check(abs(shares[name] - share) <= 1, f"{name}: {shares[name]} %, but {share:.2f} % were expected")


# ---- pprof ----

def pprof(client, *words):
    if not shutil.which("go"):
        raise Skip("no go (package golang-go)")
    done = subprocess.run(["go", "tool", "pprof", *map(str, words)], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "HOME": str(client.folder), "PPROF_TMPDIR": str(client.folder)})
    if done.returncode:
        raise Failure(f"go tool pprof: {done.stderr[-1000:]}")
    return done.stdout


def pprof_raw(client, file):
    """The types of a profile, as texts, and its samples: (values, numbers of locations, labels)."""
    lines = pprof(client, "-raw", file).split("\n")
    begin = lines.index("Samples:")
    types = lines[begin + 1].split()
    samples = []
    for line in lines[begin + 2:lines.index("Locations")]:
        match = re.fullmatch(r"\s*([-\d ]+): ([\d ]+?)\s*", line)
        if match:
            samples.append(([int(word) for word in match[1].split()], match[2].split(), {}))
        else:
            samples[-1][2].update(re.findall(r"(\w+):\[([^\]]*)\]", line))
    return types, samples


@case()
def pprof_sums(client):
    """go tool pprof reads the profile: sums, functions with lines, labels and units."""
    run = run_nested(client, FLOPSHIM_NAMESPACE="train", FLOPSHIM_TIME="all")
    file = client.folder / "x.pb.gz"
    export(client, "pprof", "-o", file, *run.dumps)
    check_equal(file.stat().st_mode & 0o777, 0o600, "permissions of the file")
    types, samples = pprof_raw(client, file)
    check_equal(types, ["calls/count", "flops/FLOP[dflt]", "time/nanoseconds"], "types")
    sums = [sum(values[place] for values, _, _ in samples) for place in range(3)]
    check_equal(sums, [run.totals[name] for name in ("calls", "flops", "estimated_time_ns")], "sums")
    check_equal({labels["namespace"] for _, _, labels in samples}, {"train"}, "the namespace")
    check_equal({labels["stacks"] for _, _, labels in samples}, {"exact"}, "whether stacks were sampled")
    top = pprof(client, "-top", "-cum", "-unit=FLOP", file)
    found = {}
    for flat, cum, name in re.findall(r"^\s*(\d+)(?:FLOP)?\s.*?\s(\d+)(?:FLOP)?\s+[\d.]+%\s+(\S+)", top, re.MULTILINE):
        found[name] = int(cum)
    check_equal({name: found.get(name) for name in ("forward", "backward")},
                {name: BY_FUNCTION[name] for name in ("forward", "backward")}, f"cumulative FLOPs in {top}")
    listed = pprof(client, "-list=^backward$", file)
    check("nested.c" in listed, f"pprof -list finds no source: {listed[:500]}")
    again = client.folder / "again.pb.gz"
    export(client, "pprof", "-o", again, *run.dumps)
    check_equal(again.read_bytes(), file.read_bytes(), "a second export")


@case()
def pprof_hostile(client):
    """Names go into the profile as they are."""
    run = run_hostile(client)
    file = client.folder / "x.pb.gz"
    file.write_bytes(export(client, "pprof", *run.dumps))
    types, samples = pprof_raw(client, file)
    check_equal(sum(values[1] for values, _, _ in samples), run.totals["flops"], "FLOPs")
    traces = pprof(client, "-traces", file)
    for name in HOSTILE:
        text = name.replace("\x1b", "?")
        if len(text) < 100:
            check(text in traces, f"{text!r} is in no trace")


LARGE = """
import flopshim
for i in range(5):
    flopshim.charge("large", 9 * 10**18)
flopshim.charge("small", 999)
flopshim.charge("small", 2)
"""


@case()
def pprof_scaled(client):
    """Sums of more than 63 bits are scaled, the unit says so, and nothing is lost by rounding but in the last digit."""
    run = client.run([PYTHON, "-c", LARGE], PYTHONPATH=TOP / "bindings")
    total = 45 * 10**18 + 1001
    check_equal(run.totals["flops"], total, "FLOPs")
    check_equal(sum(folded(export(client, "folded", *run.dumps)).values()), total, "FLOPs in folded stacks")
    file = client.folder / "x.pb.gz"
    file.write_bytes(export(client, "pprof", *run.dumps))
    types, samples = pprof_raw(client, file)
    check_equal(types[1], "flops/kFLOP[dflt]", "the unit")
    check_equal(sum(values[1] for values, _, _ in samples), total // 1000, "thousands of FLOPs")


# ---- trace ----

TRACED = """
import os
import numpy
a = numpy.ones((40, 40))
def work(times):
    for i in range(times):
        a @ a
work(3)
if os.fork() == 0:
    work(2)
    os._exit(0)
os.wait()
"""


@case()
def trace(client):
    """A trace is as the schema says; its spans lie in one another or apart, one for each call, on a line for each process."""
    run = client.run([PYTHON, "-c", TRACED], FLOPSHIM_RECORDS="calls", FLOPSHIM_TIME="all")
    check_equal(len(run.dumps), 2, "dumps")
    file = client.folder / "trace.json"
    file.write_bytes(export(client, "trace", run.folder))
    validate(client, SCHEMAS / "trace.json", file)
    events = json.loads(file.read_text())["traceEvents"]
    calls = [event for event in events if event["ph"] in "Xi"]
    check_equal(len(calls), run.totals["calls"], "calls")
    work = sum(event["args"]["flops"] for event in calls)
    check_equal(work, run.totals["flops"], "FLOPs")
    products = Counter(event["pid"] for event in calls if event["name"] == "dgemm")
    check_equal(sorted(products.values()), [2, 3], "products by process")
    names = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    check_equal(set(names), set(products), "processes with a name")
    (parent,) = [pid for pid, count in products.items() if count == 3]
    last = max(event["ts"] for event in calls if event["pid"] == parent)
    check(all(event["ts"] > last for event in calls if event["pid"] != parent), "the child's calls come before the parent's")
    for pid in products:
        spans = sorted((event["ts"], event["ts"] + event["dur"]) for event in calls if event["pid"] == pid and event["ph"] == "X")
        check(all(later[0] >= earlier[1] - 0.0015 for earlier, later in zip(spans, spans[1:])), "spans of one thread overlap")
        last = max((event for event in events if event["ph"] == "C" and event["pid"] == pid), key=lambda event: event["ts"])
        own = sum(event["args"]["charged"] for event in calls if event["pid"] == pid)
        check_equal(last["args"]["FLOPs"], own, "the counter at the end")
        check_equal(sum(event["args"]["flops"] for event in calls if event["pid"] == pid and event["name"] == "dgemm"),
                    products[pid] * flops.gemm(40, 40, 40), "FLOPs of products")


@case()
def trace_hostile(client):
    run = run_hostile(client, FLOPSHIM_RECORDS="calls")
    file = client.folder / "trace.json"
    file.write_bytes(export(client, "trace", *run.dumps))
    validate(client, SCHEMAS / "trace.json", file)
    events = json.loads(file.read_text())["traceEvents"]
    check_equal(sum(event["args"]["flops"] for event in events if event["ph"] in "Xi"), run.totals["flops"], "FLOPs")
    charges = [event["args"]["flops"] for event in events if event.get("cat") == "charge"]
    check_equal(charges, [12345], "what was charged by hand")


# ---- JSON Lines ----

@case()
def lines_by_jq(client):
    """jq reads the lines, and adds them up to the report's totals."""
    if not shutil.which("jq"):
        raise Skip("no jq")
    run = run_hostile(client)
    lines = export(client, "jsonl", *run.dumps)
    done = subprocess.run(["jq", "-s", "-c", '[length, (map(.flops)|add), (map(.calls)|add), (map(.estimated_time_ns//0)|add)]'],
                          input=lines, capture_output=True, check=True)
    check_equal(json.loads(done.stdout)[1:], [run.totals[name] for name in ("flops", "calls", "estimated_time_ns")], "sums")
    check_equal(json.loads(done.stdout)[0], lines.count(b"\n"), "lines")
    by = export(client, "jsonl", "--by", "namespace", *run.dumps)
    done = subprocess.run(["jq", "-r", "[.namespace, .own_flops]|@tsv"], input=by, capture_output=True, check=True, text=False)
    spaces = dict(line.split("\t") for line in done.stdout.decode().split("\n")[:-1])
    check_equal(int(spaces["train.forward"]), sum(HOSTILE_FLOPS[name] for name in HOSTILE[1::2]), "FLOPs of a namespace")


@case()
def lines_by_sqlite(client):
    """SQLite reads the lines: by routine they have the report's sums."""
    if not shutil.which("sqlite3"):
        raise Skip("no sqlite3")
    run = run_nested(client)
    file = client.folder / "rows.jsonl"
    file.write_bytes(export(client, "jsonl", *run.dumps))
    script = f""".mode ascii
.separator "\\037" "\\n"
CREATE TABLE lines(line TEXT);
.import {file} lines
.mode list
.separator "|" "\\n"
SELECT json_extract(line, '$.routine'), sum(json_extract(line, '$.calls')), sum(json_extract(line, '$.flops'))
FROM lines WHERE json_extract(line, '$.kind') = 'call' GROUP BY 1 ORDER BY 1;
"""
    done = subprocess.run(["sqlite3", ":memory:"], input=script, capture_output=True, text=True)
    check_equal((done.returncode, done.stderr), (0, ""), "sqlite3")
    rows = {name: (int(calls), int(work)) for name, calls, work in (line.split("|") for line in done.stdout.split("\n")[:-1])}
    check_equal(rows, run.routines, "routines")


# ---- many processes ----

@case()
def merged(client):
    """A merged dump is exported as the dumps that it was made of."""
    folder = client.folder / "many"
    folder.mkdir()
    for place in range(3):
        run = run_nested(client, *["twice"] * (place % 2))
        shutil.copy(run.dumps[0], folder / f"{place}.dump")
    subprocess.run([client.reporter, "merge", "-o", client.folder / "all.dump", folder], check=True, capture_output=True)
    for form in "folded", "speedscope":
        check_equal(export(client, form, client.folder / "all.dump"), export(client, form, folder), form)


@case()
def output_is_an_input(client):
    """A dump is not replaced by its own export, whatever it is called."""
    run = run_nested(client)
    (dump,) = run.dumps
    before = Path(dump).read_bytes()
    os.link(dump, client.folder / "linked")
    os.symlink(dump, client.folder / "link")
    for name, operand in ((dump, dump), (client.folder / "linked", dump), (client.folder / "link", dump),
                          (dump, Path(dump).parent)):
        for form in ("folded", "jsonl", "trace"):
            done = subprocess.run([client.reporter, "export", "--to", form, "-o", name, operand], capture_output=True, text=True)
            check_equal(done.returncode, 2, f"status of {form} to {name}: {done.stderr}")
            check("this is one of the files to read" in done.stderr, done.stderr)
            check_equal(Path(dump).read_bytes(), before, "the dump")
