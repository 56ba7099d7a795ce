# SPDX-License-Identifier: BSD-3-Clause
"""Tests `flopshim-report html`: the page has every number of the report over the dumps, and reads as these do. What a page
holds is read by page_data.py, which shares no code with flopshim-report. Numbers are compared with `--json` of the dumps, with
sums that a program prints itself, and with what follows from dimensions."""

import base64
import collections
import hashlib
import html.parser
import json
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "dumps")]
import flops
import page_data
import ranks
from harness import PYTHON, SCRIPTS, TOP, Skip, case, check, check_equal
from test_runs import make as run_victim
from test_runs import report
from test_shapes import program

DIGITS = 1e-8  # --json has nine digits of a real number
HOSTILE = ["</script><script>document.title='taken'</script>", "\"'><img src=x onerror=alert(1)>&amp;\x1b[31m",
           "<!--\u202eevil\u202c]]> `${x}` \\u003c " + "x" * 10_000]
INLINED = """
extern double ddot_(const int *, const double *, const int *, const double *, const int *);
static double x[1000];
static inline __attribute__((always_inline)) double inner(int n)
{
	int one = 1;

	return ddot_(&n, x, &one, x, &one) + 1;
}

__attribute__((noinline)) double outer(int n)
{
	return inner(n) + 1;
}

int main(void)
{
	double sum = 0;

	for (int i = 0; i < 10000; i++)
		sum += outer(1000);
	return sum < 0;
}
"""
TEMPLATE = """
import numpy
code = "def rendered():\\n    return numpy.ones((60, 70)) @ numpy.ones((70, 80))\\n"
exec(compile(code, "<template /home/s3cretword/x.html>", "exec"))
for _ in range(10):
    rendered()
"""
SECRETS = ("s3crethost", "s3cretdir", "s3cretword", "s3cretsource")


def write(client, *arguments, page="run.html", status=0):
    """The page of these dumps. Skips the case if flopshim-report cannot write pages here."""
    done = subprocess.run([client.reporter, "html", "-o", page, *map(str, arguments)], cwd=client.folder, capture_output=True,
                          text=True, timeout=120)
    if "built without zlib" in done.stderr:
        raise Skip("no zlib")
    check_equal(done.returncode, status, f"status of html {arguments}: {done.stderr}")
    return page_data.read(client.folder / page)


def work(client, *words, **environment):
    """A run of page_work.py."""
    return client.run([PYTHON, SCRIPTS / "page_work.py", *words], PYTHONPATH=TOP / "bindings", **environment)


def read(client, *dumps, status=0):
    return json.loads(report(client, "--json", "--top", "all", *dumps, status=status).stdout)


def same(got, expected, what):
    """Compares a value of a page with one of --json."""
    if isinstance(expected, float) or isinstance(got, float):
        check(abs(got - expected) <= DIGITS * abs(expected), f"{what}: {got}, but {expected} was expected")
        return
    if isinstance(expected, dict):
        expected = [f"{key}={value}" for key, value in expected.items()]
    check_equal(got, expected, what)


def check_every_number(page, expected):
    """Every member and every cell of --json is on the page. Returns how many numbers were compared."""
    count = 0
    for name, value in expected.items():
        if name == "schema" or name.endswith("_not_shown"):
            continue
        if name not in page.tables:
            check_equal(page.meta[name], value, name)
            count += len(value) if isinstance(value, dict) else 1
            continue
        rows = page.rows(name)
        check_equal(len(rows), len(value), f"rows of {name}")
        for number, (got, row) in enumerate(zip(rows, value)):
            for column, cell in row.items():
                same(got[column], cell, f"{column} of row {number} of {name}")
                count += isinstance(cell, (int, float))
    return count


def check_sums(page):
    """Rows and call tree have the work of the totals, and each row of the tables that they name has its own."""
    totals, rows = page.meta["totals"], page.rows("rows")
    leaves = [node for node in page.rows("call_tree") if node["kind"] in ("routine", "manual")]
    for what in ("calls", "flops", "charged"):
        check_equal(sum(row[what] for row in rows), totals[what], f"{what} of all rows")
        check_equal(sum(leaf[what] for leaf in leaves), totals[what], f"{what} of the call tree")
        for table, member, column in (("shapes", "shape", what), ("sites", "site", what)):
            sums = collections.Counter()
            for row in rows:
                sums[row[member]] += row[what]
            for number, row in enumerate(page.rows(table)):
                check_equal(sums[number], row[column], f"{what} of the rows of {member} {number}")
        sums, of_leaves = collections.Counter(), collections.Counter()
        for row in rows:
            sums[row["namespace"]] += row[what]
        for leaf in leaves:
            of_leaves[leaf["namespace"]] += leaf[what]
        check_equal(of_leaves, sums, f"{what} of the leaves by namespace")
    times = sum(row["estimated_time_ns"] or 0 for row in rows)
    check_equal(times, totals["estimated_time_ns"], "time of all rows")
    check_equal(sum(leaf["estimated_time_ns"] or 0 for leaf in leaves), times, "time of the call tree")
    for number, node in enumerate(page.rows("call_tree")):
        check(node["parent"] is None or node["parent"] < number, f"node {number} comes before its parent")
        if node["kind"] not in ("routine", "manual"):
            check_equal((node["flops"], node["calls"]), (0, 0), f"work of node {number}, which is no leaf")


# ---- every number ----

@case()
def every_number(client):
    """Every number of --json of the dump is on the page, and those of the program itself are in its tree."""
    run = work(client)
    trained, evaluated = map(int, run.out.split())
    page = write(client, *run.dumps)
    compared = check_every_number(page, read(client, *run.dumps))
    check(compared > 300, f"only {compared} numbers were compared")
    check_sums(page)
    spaces = page.tables["namespaces"]["namespace"]
    by_space = collections.Counter()
    for row in page.rows("rows"):
        by_space[spaces[row["namespace"]]] += row["flops"]
    check_equal((by_space["train"], by_space["evaluate"]), (trained, evaluated), "FLOPs of two namespaces")
    check_equal([leaf["flops"] for leaf in page.rows("call_tree") if leaf["kind"] == "manual"], [12345], "manual charges")
    nodes = page.rows("call_tree")
    by_function = collections.Counter()
    for node in nodes:
        flops, functions = node["flops"], set()
        while node["parent"] is not None:
            node = nodes[node["parent"]]
            functions.add(node["function"])
        for function in functions:
            by_function[function] += flops
    check_equal((by_function["train"], by_function["evaluate"]), (trained, evaluated), "FLOPs below two functions of Python")
    check_equal(page.meta["totals"]["refused_calls"], 1, "refused calls")
    for row in page.rows("shapes"):
        sizes = dict(pair.split("=") for pair in row["arguments"])
        if row["routine"] == "dgemm":
            m, n, k = (int(sizes[name]) for name in "mnk")
            check_equal(row["minimal_bytes"], 8 * (m * k + k * n + 2 * m * n) * row["calls"], f"least traffic of {sizes}")


@case()
def every_number_of_ranks(client):
    """The same of ranks with different work."""
    base = client.folder / "base.dump"
    client.run([program(client), 30, 90], FLOPSHIM_OUT=base)
    folder = client.folder / "ranks"
    folder.mkdir()
    ranks.make(base, folder, 12, varied=True, ranks_per_host=4)
    page = write(client, folder)
    expected = read(client, folder)
    check(check_every_number(page, expected) > 3000, "few numbers were compared")
    check_sums(page)
    check_equal(sum(row["processes"] for row in page.rows("ranks_alike")), 12, "processes")
    check_equal(sum(row["processes"] * row["flops"] for row in page.rows("ranks_alike")), expected["totals"]["flops"],
                "FLOPs of all ranks")


@case()
def ranks_that_are_alike(client):
    """A thousand ranks that did the same are one row and less than 2 MB, with the least, the mean and the largest time."""
    base = client.folder / "base.dump"
    client.run([program(client), 30, 90], FLOPSHIM_OUT=base, FLOPSHIM_TIME="all")
    folder = client.folder / "ranks"
    folder.mkdir()
    ranks.make(base, folder, 1000)
    page = write(client, folder)
    (row,) = page.rows("ranks_alike")
    one = read(client, base)["totals"]
    check_equal((row["ranks"], row["processes"], row["calls"], row["flops"]), ("0-999", 1000, one["calls"], one["flops"]),
                "the only row")
    check(row["least_time_ns"] <= row["mean_time_ns"] <= row["most_time_ns"], f"times: {row}")
    check_equal(page.meta["totals"]["flops"], 1000 * one["flops"], "FLOPs of all ranks")
    check(os.stat(client.folder / "run.html").st_size < 2_000_000, "the page is larger than 2 MB")


@case()
def many_rows(client):
    """A page of 100,000 rows is smaller than 5 MB, with all of them."""
    for part in range(4):  # a thread has room for 32,768 shapes
        client.run([program(client), 25_000 * (part + 1), 25_000 * (part + 1)], FLOPSHIM_OUT=client.folder / f"{part}.dump",
                   FLOPSHIM_TIME="off")
    dumps = [client.folder / f"{part}.dump" for part in range(4)]
    page = write(client, *dumps)
    expected = read(client, *dumps)
    check_equal(page.meta["totals"]["flops"], expected["totals"]["flops"], "FLOPs")
    check_equal(len(page.rows("shapes")), len(expected["shapes"]), "shapes")
    check_sums(page)
    check(os.stat(client.folder / "run.html").st_size < 5_000_000, "the page is larger than 5 MB")


@case()
def many_namespaces(client):
    """Two runs of 60,000 namespaces, of six processes, are compared in time that grows with their number."""
    code = """
import os, sys
import flopshim

flopshim.charge("work", 1)  # with a dump of its own, the parent is what makes the six one run
children = []
for child in range(6):
    children.append(os.fork())
    if not children[-1]:
        for i in range(10_000):
            with flopshim.namespace(f"n{child}-{i}"):
                flopshim.charge("work", i + 1)
        sys.exit()
for child in children:
    os.waitpid(child, 0)
"""
    dump = client.folder / "dumps"
    dump.mkdir()
    client.run([PYTHON, "-c", code], PYTHONPATH=TOP / "bindings", FLOPSHIM_OUT=f"{dump}/")
    before = os.times().children_user
    page = write(client, "--compare", dump, dump)
    taken = os.times().children_user - before
    leaves = [node for node in page.rows("call_tree") if node["kind"] == "manual"]
    check_equal(len(leaves), 60_001, "leaves of the call tree")
    check(all(leaf["flops"] == leaf["old_flops"] for leaf in leaves), "a leaf is not that of its namespace")
    check(taken < 5, f"{taken:.1f} s of processor time; the quadratic search took 9")


@case()
def beyond_63_bits(client):
    """Sums beyond 63 bits are exact."""
    dump = client.folder / "large.dump"
    code = "import flopshim\nfor i in range(5):\n    flopshim.charge('large', 2 ** 62 + i)\n"
    client.run([PYTHON, "-c", code], PYTHONPATH=TOP / "bindings", FLOPSHIM_OUT=dump)
    page = write(client, dump)
    check_equal(page.meta["totals"]["flops"], 5 * 2 ** 62 + 10, "FLOPs")
    check_equal([row["flops"] for row in page.rows("manual")], [5 * 2 ** 62 + 10], "FLOPs of the table")
    check_equal(sum(page.tables["call_tree"]["flops"]), 5 * 2 ** 62 + 10, "FLOPs of the call tree")


@case()
def largest_calls(client):
    """Of 12,000 ordered calls the page has the 10,000 with the most FLOPs, in their order, and says how many it lacks."""
    dump = client.folder / "ordered.dump"
    client.run([program(client), 12_000, 12_000], FLOPSHIM_OUT=dump, FLOPSHIM_RECORDS="calls", FLOPSHIM_LOG_MAX="64M")
    page = write(client, dump)
    every = json.loads(report(client, "calls", "--json", dump).stdout)["calls"]
    check_equal(len(every), 12_000, "recorded calls")
    largest = sorted(every, key=lambda call: (-call["flops"], call["sequence"]))[:10_000]
    expected = sorted(largest, key=lambda call: call["sequence"])
    got = page.rows("calls")
    check_equal(len(got), 10_000, "calls on the page")
    for call, row in zip(got, expected):
        for column, cell in row.items():
            same(call[column], cell, f"{column} of call {row['sequence']}")
    check_equal(page.meta["calls_left_out"], 2000, "calls that are left out")
    check(any("10,000" in fact["text"] and "12,000" in fact["text"] for fact in page.meta["facts"]),
          "no line says that calls are left out")


# ---- a page as a dump ----

@case()
def read_as_dump(client):
    """A page reads as the merged dump of its runs."""
    run = work(client)
    write(client, *run.dumps)
    report(client, "merge", "-o", "merged.dump", *run.dumps)
    plain, page = read(client, "merged.dump"), read(client, "run.html")
    for row in plain["process_list"] + page["process_list"] + plain["process_tree"] + page["process_tree"]:
        row.pop("file")
    check_equal(page, plain, "the report of a page")
    check_equal(report(client, "compare", "run.html", run.dumps[0]).returncode, 0, "compare")
    report(client, "merge", "-o", "again.dump", "run.html")
    check_equal((client.folder / "again.dump").read_bytes(), (client.folder / "merged.dump").read_bytes(),
                "the dump that is merged of a page")
    check("merged dump has no ordered calls" in report(client, "calls", "run.html", status=1).stderr, "calls of a page")


@case()
def page_of_page(client):
    """The page of a page has the same numbers."""
    run = work(client)
    first, second = write(client, *run.dumps), write(client, "run.html", page="second.html")
    check_equal(second.meta["totals"], first.meta["totals"], "totals")
    check_equal(second.tables["shapes"], first.tables["shapes"], "shapes")


@case()
def same_bytes(client):
    """The same dumps give the same bytes; and other users cannot read them, unless that is asked for."""
    run = work(client)
    write(client, *run.dumps)
    first = (client.folder / "run.html").read_bytes()
    write(client, *run.dumps)
    check_equal((client.folder / "run.html").read_bytes(), first, "the page again")
    check_equal(oct((client.folder / "run.html").stat().st_mode & 0o777), "0o600", "permissions")
    write(client, "--mode", "644", *run.dumps)
    check_equal(oct((client.folder / "run.html").stat().st_mode & 0o777), "0o644", "permissions that were asked for")


# ---- what must not happen ----

class Tags(html.parser.HTMLParser):
    """The tags of a page, with their attributes, and all text outside of scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def check_closed(path):
    """A page refers to nothing outside of it, and its policy allows its own style and script alone."""
    page = path.read_text()
    tags = Tags(page).tags
    (policy,) = [attributes["content"] for tag, attributes in tags if attributes.get("http-equiv") == "Content-Security-Policy"]
    check(policy.startswith("default-src 'none'"), f"policy: {policy}")
    for tag in ("script", "style"):
        (source,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        check(f"{tag}-src 'sha256-{digest}'" in policy, f"the policy does not allow the {tag}")
    check("unsafe" not in policy and "http" not in policy, f"policy: {policy}")
    check_equal([attributes for tag, attributes in tags if tag == "script"],
                [{"type": "application/octet-stream", "id": "flopshim-data"}, {}], "scripts")
    check_equal(sum(tag == "style" for tag, _attributes in tags), 1, "styles")
    for tag, attributes in tags:
        check(tag not in ("img", "iframe", "object", "embed", "base"), f"a page must not have <{tag}>")
        for name, value in attributes.items():
            check(not name.startswith("on") and name != "style", f"<{tag} {name}=...>")
            check(name not in ("src", "href", "action", "data") or value.startswith(("#", "data:")), f"<{tag} {name}={value!r}>")
    return tags


@case()
def hostile(client):
    """Texts of a dump are neither markup nor script, wherever they stand, and arrive as they are."""
    run = work(client, *HOSTILE)
    page = write(client, "--title", HOSTILE[0], *run.dumps)
    path = client.folder / "run.html"
    check_closed(path)
    write(client, "--title", "plain", *work(client, "one", "two", "three").dumps, page="plain.html")
    plain = {tag for tag, _attributes in check_closed(client.folder / "plain.html")}
    check_equal({tag for tag, _attributes in check_closed(path)} - plain, set(), "tags that a harmless page lacks")
    check_equal(page.meta["title"], HOSTILE[0], "title")
    check_equal(page.rows("process_list")[0]["arguments"][2:], HOSTILE, "arguments")
    check_equal(page.tables["manual"]["name"], [HOSTILE[0]], "the name of a charge")
    text = "".join(Tags(path.read_text()).text)
    check(HOSTILE[0] in text, "the title is not in the text")
    check("\x1b" not in path.read_text(), "an escape is on the page")


@case()
def no_outside(client):
    """A page refers to nothing outside of it."""
    run = work(client)
    write(client, *run.dumps)
    check_closed(client.folder / "run.html")


def redacted(client):
    """Dumps of a program whose host, folder, source, arguments and settings have a secret in them."""
    folder = client.folder / "s3cretdir"
    folder.mkdir()
    source = folder / "s3cretsource.py"
    source.write_text("import numpy\n\ndef visible():\n    return numpy.ones((60, 70)) @ numpy.ones((70, 80))\n\nvisible()\n")
    base = folder / "s3cretdump.dump"
    client.run([PYTHON, source, "s3cretword"], cwd=folder, FLOPSHIM_OUT=base, FLOPSHIM_NO_SUCH="s3cretword")
    paths = ranks.make(base, folder, 2, ranks_per_host=1, job="s3crethost-1234@1")
    for rank, path in enumerate(paths):
        renamed = path.read_bytes().replace(f"node{rank:04}".encode(), b"node%04d" % rank)
        path.write_bytes(renamed)
    base.unlink()
    return folder


def check_nowhere(client, page, secrets):
    """None of the secrets is on a page, in its data or in the dump that it holds."""
    path = client.folder / page
    data = page_data.read(path)
    for where, found in (("document", path.read_bytes()), ("data", data.data), ("dump", page_data.unpack_dump(data))):
        for secret in secrets:
            check(secret.encode() not in found, f"{secret} is in the {where} of {page}")


@case()
def redact(client):
    """A redacted page has no argument, no path, no host, and no file of a source, nor has the dump in it; but all numbers."""
    folder = redacted(client)
    page, plain = write(client, "--redact", folder), write(client, folder, page="plain.html")
    secrets = (*SECRETS, "node0000", "node0001", str(client.folder), "/usr/lib")
    for secret in secrets:
        check(any(secret.encode() in plain_bytes for plain_bytes in (plain.data, page_data.unpack_dump(plain))),
              f"{secret} is not even on a page that is not redacted")
    check_nowhere(client, "run.html", secrets)
    write(client, "--redact", "--compare", folder, folder, page="both.html")
    check_nowhere(client, "both.html", secrets)
    check(page.meta["redacted"] and not plain.meta["redacted"], "the page does not say whether it is redacted")
    check_equal(page.meta["totals"], plain.meta["totals"], "totals")
    check_equal(page.tables["hosts"]["host"], ["host-1", "host-2"], "hosts")
    check_equal(page.tables["process_list"]["arguments"], [[], []], "arguments")
    functions = [node["function"] for node in page.rows("call_tree")]
    check("visible" in functions, f"functions: {functions}")
    files = set(page.tables["call_tree"]["file"]) | set(page.tables["code"]["file"])
    check(files <= {None, "[site-packages]", "[system]"}, f"files: {files}")
    check_equal(set(page.tables["call_tree"]["line"]) | set(page.tables["code"]["line"]), {None}, "lines")
    mine = [row for row in page.rows("code") if row["function"] == "visible"]
    check(len(mine) == 1 and mine[0]["yours"] and mine[0]["own_flops"] == 2 * flops.gemm(60, 80, 70), f"by your code: {mine}")
    check_equal([row["function"] for row in read(client, "run.html")["code"][:1]], ["visible"], "the first of the page as a dump")
    check_equal(read(client, "run.html")["totals"]["flops"], plain.meta["totals"]["flops"], "FLOPs of the page as a dump")


@case()
def redact_page(client):
    """A page can be redacted when it was one already, and again: only the first time changes what it tells."""
    folder = redacted(client)
    write(client, folder, page="plain.html")
    first = write(client, "--redact", folder)
    late = write(client, "--redact", "plain.html", page="late.html")
    again = write(client, "--redact", "late.html", page="again.html")
    for page in ("late.html", "again.html"):
        check_nowhere(client, page, (*SECRETS, "node0000", "node0001", str(client.folder), "/usr/lib"))
    for page in (late, again):
        check_equal(page.meta["totals"], first.meta["totals"], "totals")
        check_equal(page.tables["hosts"], first.tables["hosts"], "hosts")
        for table in ("code", "call_tree", "shapes", "modules"):
            check_equal(page.tables.get(table), first.tables.get(table), table)
    check_equal(page_data.unpack_dump(again), page_data.unpack_dump(late), "the dump that is redacted twice")


@case()
def redact_inlined(client):
    """No file of a source is on a redacted page, not even that of a function which another one is inlined to."""
    folder = client.folder / "s3cretdir"
    folder.mkdir()
    source = folder / "s3cretsource.c"
    source.write_text(INLINED)
    solve = client.compile(source, "-g", "-O2", name="redact_inlined", folder=folder)
    dump = client.folder / "inlined.dump"
    client.run([solve], FLOPSHIM_OUT=dump)
    plain = write(client, dump, page="plain.html")
    check(b"s3cretsource" in plain.data, "the source is not even on a page that is not redacted")
    check({"inner", "outer"} <= set(plain.tables["code"]["function"]), f"functions: {plain.tables['code']['function']}")
    page = write(client, "--redact", dump)
    check_nowhere(client, "run.html", SECRETS)
    check({"inner", "outer"} <= set(page.tables["code"]["function"]), f"functions: {page.tables['code']['function']}")


@case()
def redact_template(client):
    """Code of a template, and a path with blanks, leave no path; what is in site-packages stays so."""
    folder = client.folder / "s3cretdir and more"
    folder.mkdir()
    source = folder / "s3cretsource.py"
    source.write_text(TEMPLATE)
    dump = folder / "run.dump"
    client.run([PYTHON, source], cwd=folder, FLOPSHIM_OUT=dump)
    plain = write(client, dump, page="plain.html")
    check(b"<template /home/s3cretword/x.html>" in page_data.unpack_dump(plain), "the template is not even on a plain page")
    page = write(client, "--redact", dump)
    check_nowhere(client, "run.html", (*SECRETS, "and more"))
    check(b"rendered (<template>)" in page_data.unpack_dump(page), "the function of the template is gone")


@case()
def output_is_an_input(client):
    """A dump is not replaced by its own page."""
    run = work(client)
    before = Path(run.dumps[0]).read_bytes()
    done = report(client, "html", "-o", run.dumps[0], *run.dumps, status=2)
    check("this is one of the files to read" in done.stderr, done.stderr)
    check_equal(Path(run.dumps[0]).read_bytes(), before, "the dump")
    folder = Path(run.dumps[0]).parent
    done = report(client, "html", "-o", run.dumps[0], folder, status=2)
    check("this is one of the files to read" in done.stderr, f"a dump of the directory: {done.stderr}")
    check_equal(Path(run.dumps[0]).read_bytes(), before, "the dump")


@case()
def damaged(client):
    """A page that is cut or damaged is like a damaged dump, and says so; and no page is written of it."""
    run = work(client)
    write(client, *run.dumps)
    client.run([program(client), 30, 90], FLOPSHIM_OUT=client.folder / "good.dump")
    report(client, "check", "--update", "--lock", "good.lock", "good.dump")
    whole = (client.folder / "run.html").read_bytes()
    begin = whole.index(b'id="flopshim-data">') + 40
    cut, flipped, newer = whole[:begin + 200], bytearray(whole), bytearray(whole)
    flipped[begin + 300] = ord("A") if flipped[begin + 300] != ord("A") else ord("B")
    inside = page_data.TAG.search(whole)
    data = page_data.Page(whole).data.replace(b"flopshim-page 1\n", b"flopshim-page 9\n", 1)
    newer[inside.start(1):inside.end(1)] = base64.b64encode(page_data.zlib.compress(data))
    texts = {"the page is cut": cut, "the page is damaged": bytes(flipped), "a later version": bytes(newer),
             "none with a dump": b"<!DOCTYPE html><title>A page</title>", "several pages in one file": whole + whole}
    for text, content in texts.items():
        (client.folder / "bad.html").write_bytes(content)
        damaged = 1 if text == "a later version" else 5
        commands = {(): damaged, ("calls",): damaged, ("export", "--to", "folded"): damaged, ("html", "-o", "new.html"): 1,
                    ("compare", "run.html"): damaged, ("check", "--lock", "good.lock"): 5}
        for command, status in commands.items():
            done = report(client, *command, "bad.html", status=status)
            check(text in done.stderr and "bad.html" in done.stderr, f"expected '{text}': {done.stderr}")
        check(not (client.folder / "new.html").exists(), "a page was written of a damaged one")


@case()
def incomplete(client):
    """A page of a cut dump says that it is incomplete, where nobody can miss it, and the status is 5."""
    dump = client.folder / "whole.dump"
    client.run([program(client), 3000, 3000], FLOPSHIM_OUT=dump)
    content = dump.read_bytes()
    (client.folder / "cut.dump").write_bytes(content[:len(content) // 2])
    page = write(client, "cut.dump", status=5)
    check_equal(page.meta["complete"], False, "complete")
    check(any(fact["warning"] and fact["label"] == "INCOMPLETE" for fact in page.meta["facts"]), "no warning")
    check(page.rows("damage"), "the table of damage is empty")
    check("INCOMPLETE" in (client.folder / "run.html").read_text(), "it is not said where no script runs")
    check_every_number(page, read(client, "cut.dump", status=5))


@case()
def nothing_counted(client):
    """A program that opens a namespace and calls nothing has a page without work."""
    dump = client.folder / "none.dump"
    code = "import flopshim\nwith flopshim.namespace('idle'):\n    pass\n"
    client.run([PYTHON, "-c", code], PYTHONPATH=TOP / "bindings", FLOPSHIM_OUT=dump)
    page = write(client, dump)
    check_equal(page.meta["totals"]["flops"], 0, "FLOPs")
    check_equal((page.rows("rows"), page.rows("call_tree")), ([], []), "work")
    check_closed(client.folder / "run.html")


# ---- comparisons ----

@case()
def compared(client):
    """A page that compares has the differences of `compare`, and the work of both runs in its tree; it reads as the new run."""
    runs = []
    for name, calls in (("old", 8), ("new", 24)):
        run_victim(client, f"{name}.dump", calls)
        runs.append(read(client, f"{name}.dump"))
    page = write(client, "--compare", "old.dump", "new.dump")
    for by, table in (("routine", "changes"), ("shape", "changes_by_shape"), ("site", "changes_by_site")):
        expected = json.loads(report(client, "compare", "--json", "--by", by, "old.dump", "new.dump", status=3).stdout)
        rows = page.rows(table)
        check_equal(len(rows), len(expected["groups"]), f"rows of {table}")
        for got, row in zip(rows, expected["groups"]):
            for column, cell in row.items():
                same(got[column], cell, f"{column} of {table}")
    totals = {row["metric"]: row for row in page.rows("change_totals")}
    tree = page.tables["call_tree"]
    for number, (name, prefix) in enumerate((("old", "old_"), ("new", ""))):
        check_equal(totals["flops"][name], runs[number]["totals"]["flops"], f"FLOPs of the {name} run")
        for what in ("flops", "calls", "charged"):
            check_equal(sum(tree[prefix + what]), runs[number]["totals"][what], f"{what} of the {name} run in the tree")
    leaves = [node for node in page.rows("call_tree") if node["kind"] == "routine"]
    check(all(leaf["old_flops"] and leaf["flops"] for leaf in leaves), "the two runs do not share their stacks")
    check_equal(page.meta["compare"], {"old": "old.dump", "new": "new.dump"}, "what is compared")
    check_equal(read(client, "run.html")["totals"]["flops"], runs[1]["totals"]["flops"], "FLOPs of the page as a dump")
    report(client, "html", "-o", "x.html", "--compare", "old.dump", status=2)


# ---- where no script runs ----

@case()
def without_script(client):
    """Without a script, the page shows the totals, a roofline and the first 50 rows of each table."""
    dump = client.folder / "shapes.dump"
    client.run([program(client), 90, 90], FLOPSHIM_OUT=dump, FLOPSHIM_TIME="all")
    page = write(client, dump)
    text = (client.folder / "run.html").read_text()
    static = text[text.index('<div id="static">'):text.index('id="flopshim-data"')]
    flops = page.meta["totals"]["flops"]
    check(f"{flops:,} FLOPs in 90 calls" in static, "no total")
    shapes = static[static.index("<h2>Largest shapes"):]
    shapes = shapes[:shapes.index("</section>")]
    check_equal(shapes.count("<tr>"), 51, "rows of shapes, with that of the titles")
    check("and 40 more" in shapes, "it is not said how many shapes are left out")
    check_equal(static.count("<line"), static.count('opacity="0.2"'), "lines that are no part of the grid, without roofs")
    timed = sum(row["timed_calls"] > 0 and row["gflops"] is not None for row in page.rows("shapes"))
    check(timed, "no shape was timed")
    check_equal(static.count("<circle"), min(timed, 50), "points of the roofline")


@case()
def roofs(client):
    """The roofs of the machine are on the page and in the drawing where no script runs."""
    dump = client.folder / "shapes.dump"
    client.run([program(client), 90, 90], FLOPSHIM_OUT=dump, FLOPSHIM_TIME="all")
    options = ["--peak", "double=80,single=160", "--bandwidth", "memory=10"]
    page = write(client, *options, dump)
    check_every_number(page, read(client, *options, dump))
    check_equal([(roof["kind"], roof["value"]) for roof in page.meta["roofs"]],
                [("compute", 80), ("compute", 160), ("memory", 10)], "roofs")
    text = (client.folder / "run.html").read_text()
    static = text[text.index('<div id="static">'):text.index('id="flopshim-data"')]
    check_equal(static.count('opacity="0.8"'), 3, "roofs in the drawing")
    check("No roofs are drawn" not in static, "it is said that there are no roofs")
