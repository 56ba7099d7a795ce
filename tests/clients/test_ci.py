# SPDX-License-Identifier: BSD-3-Clause
"""Tests the formats in which `flopshim-report check` speaks to CI systems, on real programs: whatever functions and files are
called, each format can be read back by a reader that is not ours, and says what was found where."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import flops
from harness import PROGRAMS, PYTHON, TOP, Skip, case, check, check_equal, install
from test_check import MODEL, check_in, line_of, lock_of, run_model, work

SCHEMAS = Path(__file__).resolve().parent / "schemas"
BINDINGS = PROGRAMS.parent.parent / "bindings"
FILES = {"--junit": "ci.xml", "--sarif": "ci.sarif", "--gitlab": "ci.json", "--openmetrics": "ci.om"}
ANNOTATION = re.compile(r"::(error|notice) file=([^,:]*),line=(\d+),title=([^,:]*)::(.*)")


# ---- readers ----

def all_formats(client, tree, dumps, *options, status, summary="summary.md"):
    """Runs a check with every format, and returns its lines of output."""
    words = [word for pair in FILES.items() for word in pair]
    (tree / summary).unlink(missing_ok=True)
    done = subprocess.run([client.reporter, "check", "--lock", "flops.lock", "--github", *words, *options, dumps], cwd=tree,
                          capture_output=True, timeout=120, env={**os.environ, "GITHUB_STEP_SUMMARY": summary})
    check_equal(done.returncode, status, f"status: {done.stdout.decode()}{done.stderr.decode()}")
    return done.stdout.decode().split("\n")[:-1]


def annotations(lines):
    """(level, file, line, title, message) of each annotation, as GitHub's runner reads them."""
    def plain(text):
        for escape, letter in (("%0A", "\n"), ("%0D", "\r"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            text = text.replace(escape, letter)
        return text

    found = []
    for line in lines:
        if not line.startswith("flops: "):
            match = ANNOTATION.fullmatch(line)
            check(match, f"no annotation: {line[:300]!r}")
            level, file, number, title, message = match.groups()
            found.append((level, plain(file), int(number), plain(title), plain(message)))
    return found


def python_with(module):
    """A Python that has a module. Skips the case if none has."""
    for python in (sys.executable, PYTHON):
        if not subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode:
            return python
    raise Skip(f"no Python module {module}")


def read_junit(tree):
    """The test cases, after the schema has been checked: {(classname, name): (tag of the reason or None, message)}"""
    if not shutil.which("xmllint"):
        raise Skip("no xmllint")
    done = subprocess.run(["xmllint", "--noout", "--schema", SCHEMAS / "junit.xsd", "ci.xml"], cwd=tree, capture_output=True)
    check_equal(done.returncode, 0, done.stderr.decode()[:2000])
    suite = ElementTree.parse(tree / "ci.xml").getroot().find("testsuite")
    cases = {}
    for element in suite.findall("testcase"):
        reasons = [child for child in element if child.tag in ("failure", "error")]
        key = element.get("classname"), element.get("name")
        check(key not in cases, f"two cases are called {key}")
        cases[key] = (reasons[0].tag, reasons[0].get("message")) if reasons else (None, None)
    for tag, attribute in ((None, "tests"), ("failure", "failures"), ("error", "errors")):
        count = sum(tag is None or found == tag for found, _ in cases.values())
        check_equal(int(suite.get(attribute)), count, attribute)
    return cases


VALIDATE = """import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
for fault in jsonschema.Draft4Validator(schema).iter_errors(json.load(open(sys.argv[2]))):
    print(list(fault.absolute_path), fault.message[:300])
"""


def read_sarif(tree):
    """The run, after the schema has been checked."""
    done = subprocess.run([python_with("jsonschema"), "-c", VALIDATE, SCHEMAS / "sarif.json", "ci.sarif"], cwd=tree,
                          capture_output=True, text=True)
    check_equal((done.returncode, done.stdout), (0, ""), done.stderr)
    run = json.loads((tree / "ci.sarif").read_text())["runs"][0]
    for result in run["results"]:
        check_equal(run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"], result["ruleId"], "the rule")
    return run


def place_of(result):
    place = result["locations"][0]["physicalLocation"]
    return urllib.parse.unquote(place["artifactLocation"]["uri"]), place["region"]["startLine"]


def read_gitlab(tree):
    """The issues, each with the members that GitLab requires."""
    issues = json.loads((tree / "ci.json").read_text())
    for issue in issues:
        check(issue["severity"] in ("info", "minor", "major", "critical", "blocker"), issue["severity"])
        check(issue["description"] and issue["check_name"] and issue["location"]["path"], str(issue)[:300])
        check(issue["location"]["lines"]["begin"] >= 1, "the line")
    prints = [issue["fingerprint"] for issue in issues]
    check_equal(len(set(prints)), len(prints), "fingerprints")
    return issues


PARSE = """import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
text = open(sys.argv[1], newline="").read()
print(json.dumps([[sample.name, sample.labels, sample.value] for family in text_string_to_metric_families(text)
                  for sample in family.samples]))
"""


def read_metrics(tree):
    """[name, labels, value] of each metric, by Prometheus' own parser."""
    done = subprocess.run([python_with("prometheus_client"), "-c", PARSE, "ci.om"], cwd=tree, capture_output=True, text=True)
    check_equal(done.returncode, 0, done.stderr[-2000:])
    return json.loads(done.stdout)


def cells(tree, summary="summary.md"):
    """The rows of the table in GitHub's summary, split where Markdown splits them."""
    lines = [line for line in (tree / summary).read_text().split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


# ---- one finding, in each format ----

def locked(client, text=MODEL, *options):
    tree = work(client)
    lock_of(client, tree, run_model(client, tree, text, "--for-check"), *options)
    return tree


@case()
def one_more_product(client):
    """One more product is at its file and line in every format, and the other routines pass."""
    tree = locked(client)
    more = MODEL.replace("    A @ A  # train", "    A @ A  # train\n    A @ A  # more")
    lines = all_formats(client, tree, run_model(client, tree, more, "--for-check"), status=3)
    places = {("model.py", line_of(more, "# train")), ("model.py", line_of(more, "# more"))}
    sentence = re.search("allows: (.*)", lines[0]).group(1)
    found = annotations(lines)
    check_equal([(row[0], row[4]) for row in found], [("error", sentence)], "annotations")
    check(found[0][1:3] in places, f"place {found[0]}")
    check_equal([row[2:] for row in cells(tree)], [["2 to 3", "4,000,000 to 6,000,000"]], "the summary")
    cases = read_junit(tree)
    failed = {key: reason for key, reason in cases.items() if reason[0]}
    check_equal(failed, {("(root)", "dgemm"): ("failure", sentence)}, "cases that fail")
    check(("(root)", "dgesv") in cases, f"cases {cases}")
    issue, = read_gitlab(tree)
    check_equal((issue["description"], issue["severity"]), (sentence, "major"), "GitLab's issue")
    check((issue["location"]["path"], issue["location"]["lines"]["begin"]) in places, str(issue))
    run = read_sarif(tree)
    result, = run["results"]
    check_equal((result["ruleId"], result["level"], result["message"]["text"]), ("flops/more", "error", sentence), "result")
    check(place_of(result) in places, str(result))
    check_equal(run["invocations"], [{"executionSuccessful": True}], "invocations")


@case()
def a_fingerprint_stays(client):
    """Code that moves down does not make another alert of a finding."""
    tree, prints = locked(client), set()
    for above in ("", "# a line\n\n"):
        more = above + MODEL.replace("    return A\n", "    A @ A\n    return A\n")
        all_formats(client, tree, run_model(client, tree, more, "--for-check"), status=3)
        prints.add((read_gitlab(tree)[0]["fingerprint"], str(read_sarif(tree)["results"][0]["partialFingerprints"])))
    check_equal(len(prints), 1, "fingerprints")


@case()
def output_is_an_input(client):
    """A dump is not replaced by what a check has found of it."""
    tree = locked(client)
    dumps = run_model(client, tree, MODEL, "--for-check")
    (dump,) = dumps.glob("*.dump")
    before = dump.read_bytes()
    for operand in (dump, dumps):
        for form in ("--junit", "--sarif", "--gitlab", "--openmetrics"):
            _, err = check_in(client, tree, "--lock", "flops.lock", f"{form}={dump}", operand, status=2)
            check("this is one of the files to read" in err, err)
            check_equal(dump.read_bytes(), before, "the dump")


@case()
def metrics(client):
    """Metrics are the run's calls and FLOPs by routine, and those of the lock."""
    tree = locked(client)
    all_formats(client, tree, run_model(client, tree, MODEL + "train(A)\n", "--for-check"), status=3)
    rows = {(name, labels.get("routine")): value for name, labels, value in read_metrics(tree)}
    product = flops.gemm(100, 100, 100)
    check_equal((rows["flopshim_routine_calls", "dgemm"], rows["flopshim_routine_flops", "dgemm"]), (3, 3 * product), "dgemm")
    check_equal(rows["flopshim_run_flops", None] - rows["flopshim_lock_flops", None], product, "more FLOPs")
    check_equal((rows["flopshim_check_comparable", None], rows["flopshim_check_passed", None]), (1, 0), "the verdict")
    check_equal(sum(value for (name, _), value in rows.items() if name == "flopshim_routine_flops"),
                rows["flopshim_run_flops", None], "the sum over routines")


@case()
def what_passes(client):
    """The same work, a new lock and one written anew fail in no format; less work is a notice."""
    tree = work(client)
    dumps = run_model(client, tree, MODEL, "--for-check")
    more = run_model(client, tree, MODEL + "train(A)\n", "--for-check")
    less = run_model(client, tree, MODEL.replace("\ntrain(A)", ""), "--for-check")
    for options, which, levels in ((["--update"], dumps, []), ([], dumps, []), ([], less, ["notice"]),
                                   (["--update"], more, ["notice"]), ([], more, [])):
        found = annotations(all_formats(client, tree, which, *options, status=0))
        check_equal([row[0] for row in found], levels, f"annotations of {options}")
        check_equal({reason for reason, _ in read_junit(tree).values()}, {None}, f"cases of {options}")
        check_equal([issue["severity"] for issue in read_gitlab(tree)], ["info"] * len(levels), f"issues of {options}")
        check_equal([result["level"] for result in read_sarif(tree)["results"]], ["note"] * len(levels), "results")


@case(fault=["cut", "lock", "none"])
def what_cannot_be_compared(client):
    """A cut dump, a lock that cannot be read, with its line, and a lock that is not there are errors in every format."""
    tree = locked(client)
    dumps = run_model(client, tree, MODEL, "--for-check")
    line, status = 1, 2
    if client.fault == "cut":
        dump, = dumps.glob("*.dump")
        dump.write_bytes(dump.read_bytes()[:dump.stat().st_size // 2])
        status = 5
    elif client.fault == "lock":
        text = (tree / "flops.lock").read_text()
        (tree / "flops.lock").write_text(text.replace("\nshape", "\n<<<<<<< HEAD\nshape", 1))
        line = 1 + text[:text.index("\nshape") + 1].count("\n")
    else:
        (tree / "flops.lock").unlink()
    found, = annotations(all_formats(client, tree, dumps, status=status))
    check_equal(found[:3], ("error", "flops.lock", line), "the annotation")
    check_equal([reason for reason, _ in read_junit(tree).values()], ["error"], "cases")
    issue, = read_gitlab(tree)
    check_equal((issue["severity"], issue["location"]["lines"]["begin"], issue["description"]), ("critical", line, found[4]),
                "GitLab's issue")
    run = read_sarif(tree)
    check_equal((run["results"], run["invocations"][0]["executionSuccessful"]), ([], False), "the run")
    check_equal(place_of(run["invocations"][0]["toolExecutionNotifications"][0]), ("flops.lock", line), "the notification")
    check("## FLOPs: " in (tree / "summary.md").read_text(), "the summary")


# ---- names ----

NAMES = ["a%s%n%0A", "a::b", "]]>", "'\"", "a\\b", "x" * 10000, "caf\u00e9", "<b>&amp;", "new\nline\r", "bell\x07\x1b[31m",
         "{0} [x](y)", "a,b:c=d", "##[error]x", "a\u2028b\u0085", "|a|`b`", "\ufffe\uffff", "::error::x"]
HOSTILE = """import os
import numpy as np

def run(A, times):
    for number, name in enumerate(NAMES):
        file = os.path.abspath("f" + name)
        try:
            open(file, "w").close()
        except OSError:
            pass
        names = {}
        exec(compile("\\n" * number + "def f(A):\\n    return A @ A\\n", file, "exec"), names)
        f = names["f"]
        words = ['co_name', *['co_qualname'] * hasattr(f.__code__, 'co_qualname')]
        f.__code__ = f.__code__.replace(**dict.fromkeys(words, name))
        for _ in range(times):
            f(A)
"""


def shown(text):
    """A text without what dumps or formats replace, or may have put in its place."""
    return "".join(letter for letter in text if letter.isprintable() and letter not in " ?\ufffd")


def sentence_of(result):
    """The sentence of a result of SARIF, which has letters doubled or escaped that mean something in its messages."""
    text = result["message"]["text"].replace("{{", "{").replace("}}", "}")
    return shown(text.replace("\\[", "[").replace("\\]", "]") if "](" in text else text)


@case(by=["default", "site"])
def hostile_names(client):
    """Whatever functions and files are called, every format has each of them, and is read back."""
    tree = work(client)
    text = HOSTILE.replace("NAMES", ascii(NAMES), 1)
    lock_of(client, tree, run_model(client, tree, text + "run(np.ones((100, 100)), 1)\n", "--for-check"), "--by",
            *(["site"] if client.by == "site" else ["shape"]))
    dumps = run_model(client, tree, text + "run(np.ones((100, 100)), 2)\n", "--for-check")
    found = annotations(all_formats(client, tree, dumps, status=3))
    check_equal([row[0] for row in found], ["error"] * 10, "annotations")
    results = read_sarif(tree)["results"]
    issues = read_gitlab(tree)
    check_equal((len(results), len(issues), len(cells(tree))), (len(NAMES),) * 3, "findings")
    check_equal({len(row) for row in cells(tree)}, {4}, "cells of a row of the summary")
    cases = read_junit(tree)
    if client.by == "site":
        check_equal(sum(reason == "failure" for reason, _ in cases.values()), len(NAMES), "cases that fail")
    else:
        check_equal(cases["(root)", "dgemm"][0], "failure", "the case of dgemm")
    for number, name in enumerate(NAMES):
        named = [result for result in results if f"calledby{shown(name)[:100]}{'(' if len(name) < 100 else ''}"
                 in sentence_of(result)]
        check_equal(len(named), 1, f"results of {name[:30]!r}")
        if name.isprintable() and len(name) < 100:
            check_equal(place_of(named[0]), (f"f{name}", number + 2), f"the place of {name!r}")


@case()
def hostile_routines(client):
    """Whatever a program calls the work that it charges, metrics and test cases are read back."""
    tree = work(client)
    text = f"import flopshim\nfor number, name in enumerate({ascii(NAMES)}):\n    flopshim.charge(name, number + 1)\n"
    lock_of(client, tree, run_model(client, tree, text, PYTHONPATH=BINDINGS))
    more = run_model(client, tree, text.replace("number + 1", "number + 2"), PYTHONPATH=BINDINGS)
    all_formats(client, tree, more, "--top", "all", status=3)
    read_sarif(tree)
    read_gitlab(tree)
    check_equal(sum(reason == "failure" for reason, _ in read_junit(tree).values()), len(NAMES), "cases that fail")
    values = sorted(value for name, _, value in read_metrics(tree) if name == "flopshim_routine_flops")
    check_equal(values, [number + 2 for number in range(len(NAMES))], "FLOPs")


@case()
def a_full_summary(client):
    """A summary that other programs have filled is not made larger than GitHub takes, and one that cannot be written is named."""
    tree = locked(client)
    dumps = run_model(client, tree, MODEL + "train(A)\n", "--for-check")
    for size, grows in ((900_000, True), (999_999, False)):
        (tree / "full.md").write_text("x" * size)
        done = subprocess.run([client.reporter, "check", "--lock", "flops.lock", "--github", dumps], cwd=tree,
                              capture_output=True, env={**os.environ, "GITHUB_STEP_SUMMARY": "full.md"})
        check_equal((done.returncode, done.stderr), (3, b""), "status and errors")
        check_equal((tree / "full.md").stat().st_size > size, grows, f"a summary of {size} bytes grew")
    lock_of(client, tree, dumps)
    done = subprocess.run([client.reporter, "check", "--lock", "flops.lock", "--github", dumps], cwd=tree, capture_output=True,
                          text=True, env={**os.environ, "GITHUB_STEP_SUMMARY": "/nothing/x.md"})
    check_equal(done.returncode, 1, "status")
    check("/nothing/x.md, which $GITHUB_STEP_SUMMARY names, cannot be written" in done.stderr, done.stderr)


@case()
def elsewhere(client):
    """From another folder, places are still relative to the root; what is outside of it is at the lock."""
    tree = locked(client)
    inside = tree / "sub"
    inside.mkdir()
    dumps = run_model(client, tree, MODEL + "train(A)\n", "--for-check")
    out, _ = check_in(client, inside, "--lock", "../flops.lock", "--github", dumps, status=3)
    check_equal(annotations(out.splitlines())[0][1], "model.py", "the file")
    (tree / "model.py").unlink()
    out, _ = check_in(client, inside, "--lock", "../flops.lock", "--github", dumps, status=3)
    check_equal(annotations(out.splitlines())[0][1:3], ("flops.lock", 1), "the place of a file that is not there")


# ---- CTest ----

LISTS = """cmake_minimum_required(VERSION 3.12)
project(work C)
find_package(Flopshim REQUIRED)
enable_testing()
add_executable(program program.c)
target_include_directories(program PRIVATE "@PROGRAMS@")
target_link_libraries(program -lblas)
flopshim_add_test(NAME target COMMAND program 3 "a b" LOCK target.lock CHECK_OPTIONS --exact --junit "j u.xml")
flopshim_add_test(NAME shell COMMAND sh -c "exec ./program \\"$1\\" 'a b'" sh 2 LOCK "${CMAKE_SOURCE_DIR}/shell.lock")
flopshim_add_test(NAME fails COMMAND program 1 fail LOCK target.lock)
"""
CALLS = """#include <stdlib.h>
#include <string.h>
#include "blas.h"
int main(int count, char **words)
{
	static double x[10000];
	int n = 100;
	double one = 1;
	if (count != 3 || strcmp(words[2], "a b")) return 9;
	for (int i = atoi(words[1]) + EXTRA; i; i--) dgemm_("N", "N", &n, &n, &n, &one, x, &n, x, &n, &one, x, &n, 1, 1);
	return 0;
}
"""


@case()
def ctest(client):
    """flopshim_add_test makes tests that fail with more work and with their program, and that write their locks when asked to."""
    for program in ("cmake", "ctest"):
        if not shutil.which(program):
            raise Skip(f"no {program}")
    tree, build = work(client, "a tree"), client.folder / "made"
    prefix = client.folder / "prefix"
    install(client, f"PREFIX={prefix}", "DESTDIR=")
    (tree / "CMakeLists.txt").write_text(LISTS.replace("@PROGRAMS@", str(PROGRAMS)))
    env = client.environment()

    def run(*command, folder=build, **more):
        return subprocess.run(command, cwd=folder, env={**env, **more}, capture_output=True, text=True, timeout=200)

    def made(extra):
        (tree / "program.c").write_text(CALLS.replace("EXTRA", str(extra)))
        done = run("cmake", "-S", tree, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Debug", folder=tree)
        check_equal(done.returncode, 0, done.stdout + done.stderr)
        done = run("cmake", "--build", build)
        check_equal(done.returncode, 0, done.stdout + done.stderr)

    def tested(**more):
        """{test: passed}, and the output."""
        done = run("ctest", "-V", **more)
        return {name: verdict == "Passed" for name, verdict in
                re.findall(r"Test +#\d+: (\w+) \.+ *(Passed|\*\*\*Failed)", done.stdout)}, done.stdout

    made(0)
    result, out = tested()
    check_equal(result, {"target": False, "shell": False, "fails": False}, "tests without locks")
    check("target.lock: there is no such lock" in out and "FLOPS_UPDATE=1" in out, out)
    check("the program failed with status 9" in out, out)
    result, out = tested(FLOPS_UPDATE="1")
    check_equal(result, {"target": True, "shell": True, "fails": False}, f"tests that write their locks: {out}")
    for name, calls in (("target", 3), ("shell", 2)):
        text = (tree / f"{name}.lock").read_text()
        check(text.endswith(f"total\t{calls}\t{calls * flops.gemm(100, 100, 100)}\n"), text)
    check_equal(tested()[0], {"target": True, "shell": True, "fails": False}, "tests of the same work")
    made(1)
    result, out = tested()
    check_equal(result, {"target": False, "shell": False, "fails": False}, "tests of more work")
    check("2,000,000 FLOPs more (+33.3 %) in dgemm 100 x 100 x 100, called by main (program.c:" in out, out)
    check((build / "j u.xml").exists(), "no file of --junit")
    made(-1)
    check_equal(tested()[0], {"target": False, "shell": True, "fails": False}, "tests of less work, which --exact refuses")


# What a program must get as add_test hands it over.
ARGUMENTS = '"x;y" "" "z w" [[a\\b]] "\\"$" "]=]" [==[a]=]==] "$<1:made>" ";" [[${x}]] "NAME=x"'
WORDS_LISTS = f"""cmake_minimum_required(VERSION 3.19)
project(work C)
find_package(Flopshim REQUIRED)
enable_testing()
set(COMMAND trap)
set(arg_NAME trap)
flopshim_add_test(NAME a COMMAND program ours {ARGUMENTS} LOCK a.lock)
add_test(NAME plain COMMAND program theirs {ARGUMENTS})
foreach(name a/b .. "x y" a/../a {'n' * 300})
	flopshim_add_test(NAME "${{name}}" COMMAND "$<TARGET_FILE:program>" other LOCK other.lock)
endforeach()
add_executable(program program.c)
target_include_directories(program PRIVATE "@PROGRAMS@")
target_link_libraries(program -lblas)
"""
WORDS = """#include <stdio.h>
#include "blas.h"
int main(int count, char **words)
{
	static double x[100];
	int n = 10;
	double one = 1;
	FILE *file = fopen(words[1], "w");
	for (int i = 2; i < count; i++) fprintf(file, "[%s]\\n", words[i]);
	dgemm_("N", "N", &n, &n, &n, &one, x, &n, x, &n, &one, x, &n, 1, 1);
	return fclose(file);
}
"""


@case()
def ctest_as_add_test(client):
    """A program gets each argument as from add_test, empty ones and semicolons too; its target may be defined later; and a test
    of any name has a folder of its own, in which no other lies, so that it removes nothing else."""
    for program in ("cmake", "ctest"):
        if not shutil.which(program):
            raise Skip(f"no {program}")
    version = re.search(r"(\d+)\.(\d+)", subprocess.run(["cmake", "--version"], capture_output=True, text=True).stdout)
    if (int(version[1]), int(version[2])) < (3, 19):
        raise Skip("no CMake 3.19, whose policy of arguments the test is about")
    tree, build, prefix = work(client), client.folder / "made", client.folder / "prefix"
    install(client, f"PREFIX={prefix}", "DESTDIR=")
    (tree / "CMakeLists.txt").write_text(WORDS_LISTS.replace("@PROGRAMS@", str(PROGRAMS)))
    (tree / "program.c").write_text(WORDS)
    for command in (["cmake", "-S", tree, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}"], ["cmake", "--build", build],
                    ["ctest", "--test-dir", build, "--output-on-failure"]):
        done = subprocess.run(command, env=client.environment(FLOPS_UPDATE="1"), capture_output=True, text=True, timeout=200)
        check_equal((done.returncode, done.stderr), (0, ""), f"status and errors of {command}: {done.stdout}")
    check("100% tests passed, 0 tests failed out of 7" in done.stdout, done.stdout)
    check_equal((build / "ours").read_text(), (build / "theirs").read_text(), "arguments")
    check("[x;y]\n[]\n[z w]\n" in (build / "ours").read_text(), "arguments are lost on both ways")
    dumps = list(build.rglob("*.dump"))
    check_equal(len(dumps), 6, f"dumps: {dumps}")
    check_equal({dump.parent.parent for dump in dumps}, {build / "Testing" / "flopshim"}, "folders")
    check((build / "CMakeCache.txt").exists(), "a test has removed the build")


@case()
def wrong_use_of_cmake(client):
    """flopshim_add_test names what is missing or not known."""
    if not shutil.which("cmake"):
        raise Skip("no cmake")
    module = PROGRAMS.parent.parent / "cmake" / "Flopshim.cmake"
    for arguments, why in (("NAME x LOCK y", "there is no COMMAND"), ("NAME x COMMAND z", "there is no LOCK"),
                           ("more NAME x COMMAND z LOCK y", "there is no argument more"),
                           ("NAME x y COMMAND z LOCK y", "there is no argument y"), ("", "there is no NAME")):
        tree = client.folder / why.replace(" ", "-")
        tree.mkdir()
        (tree / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.12)\nproject(x NONE)\n"
                                             f'include("{module}")\nflopshim_add_test({arguments})\n')
        done = subprocess.run(["cmake", "-S", tree, "-B", tree / "build"], capture_output=True, text=True)
        check(done.returncode and why in " ".join(done.stderr.split()), done.stderr)


# ---- examples ----

EXAMPLES = PROGRAMS.parent.parent / "examples" / "ci"
# Programs of the machine that a job runs on: what they would fetch is here already.
STUBS = {"sudo": 'exec "$@"', "apt-get": "exit 0", "git": f'[ "$1" = clone ] && ln -s "{EXAMPLES.parent.parent}" flopshim'}


def read_example(name):
    python = python_with("yaml")
    done = subprocess.run([python, "-c", "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))"],
                          input=(EXAMPLES / name).read_text(), capture_output=True, text=True)
    check_equal(done.returncode, 0, done.stderr)
    return json.loads(done.stdout)


def job_machine(client, name):
    """A work tree with the program of docs/check.md and its lock, and the environment of a job there."""
    tree, stubs, prefix = work(client, name), client.folder / f"{name}-bin", client.folder / "prefix"
    install(client, f"PREFIX={prefix}", "DESTDIR=")
    stubs.mkdir()
    for program, text in STUBS.items():
        (stubs / program).write_text(f"#!/bin/sh\n{text}\n")
        (stubs / program).chmod(0o755)
    (stubs / "python3").symlink_to(PYTHON)
    lock_of(client, tree, run_model(client, tree, MODEL, "--for-check"))
    env = {**client.environment(), "O": str(client.folder / "build"), "PREFIX": str(prefix), "LDCONFIG": "true", "MAKEFLAGS": ""}
    env["PATH"] = f"{stubs}:{prefix}/bin:{env['PATH']}"
    return tree, env


def shell(tree, env, script):
    return subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=tree, env=env, capture_output=True, text=True,
                          timeout=200)


def run_github(tree, env, job):
    """Runs the steps of a job as GitHub's runner does. Returns {name of a step: its status, or None if it was left out}, and the
    output."""
    statuses, out, failed = {}, "", False
    env = {**env, **{name: str(value) for name, value in job.get("env", {}).items()}, "GITHUB_STEP_SUMMARY": "summary.md"}
    for step in job["steps"]:
        when, _, file = (step.get("if") or "success()").partition(" && hashFiles('")
        wanted = {"success()": not failed, "failure()": failed, "always()": True}[when]
        if file:
            name, end, _ = file.partition("') != ''")
            check(end, f"a condition that GitHub does not know: {step['if']}")
            wanted = wanted and (tree / name).exists()
        if "run" in step and not wanted:
            statuses[step["name"]] = None
        elif "run" in step:
            done = shell(tree, env, step["run"])
            statuses[step["name"]], failed = done.returncode, failed or done.returncode != 0
            out += done.stdout + done.stderr
        elif wanted:
            options = step.get("with", {})
            sarif = options.get("sarif_file")
            check(sarif is None or (tree / sarif).exists(), f"{step.get('name')}: there is no {sarif}")
            for path in options.get("path", "").split():  # of which upload-artifact lets some be missing
                check((tree / path).exists() or failed, f"{step.get('name')}: there is no {path}")
    return statuses, out


@case()
def example_for_github(client):
    """The steps of the example pass with the same work; with more, the check fails at its line, and its lock is kept."""
    job = read_example("github.yml")["jobs"]["flops"]
    tree, env = job_machine(client, "github")
    (tree / "flopshim").symlink_to(EXAMPLES.parent.parent)  # what the second checkout brings
    names = ["Install flopshim", "Run the program", "Check its work", "Write the lock that this run would have"]
    statuses, out = run_github(tree, env, job)
    check_equal(statuses, dict(zip(names, (0, 0, 0, None))), f"steps with the same work: {out}")
    more = MODEL.replace("    A @ A  # train", "    A @ A @ A  # train")
    (tree / "model.py").write_text(more)
    shutil.rmtree(tree / "run")
    statuses, out = run_github(tree, env, job)
    check_equal(statuses, dict(zip(names, (0, 0, 3, 0))), f"steps with more work: {out}")
    found = re.search("^::error file=model.py,line=([0-9]+),title=More work than flops.lock allows::2,000,000 FLOPs", out, re.M)
    check(found and int(found.group(1)) == line_of(more, "# train"), out)
    check_in(client, tree, "--lock", "flops.lock", "--exact", tree / "run")
    check("2,000,000 FLOPs more" in (tree / "summary.md").read_text(), "the summary")
    for name in ("flops.sarif", "flops.xml"):
        (tree / name).unlink()
    shutil.rmtree(tree / "run")
    (tree / "model.py").write_text("raise SystemExit(1)\n")
    statuses, out = run_github(tree, env, job)
    check_equal((statuses["Run the program"], statuses["Check its work"]), (1, None), f"steps of a program that fails: {out}")


@case(name=["github.yml", "gitlab.yml"])
def examples_install_what_is_needed(client):
    """The examples install each package that flopshim is built with, so that no part of it is left out."""
    needed = re.search('PACKAGES_BUILD="(.*)"', (TOP / "scripts/packages.sh").read_text()).group(1).split()
    words = (EXAMPLES / client.name).read_text().split()
    for package in set(needed) - {"libc6-dev"}:  # gcc brings it
        check(package in words, f"{client.name} does not install {package}")


@case()
def example_for_gitlab(client):
    """The job of the example passes with the same work; with more it fails, with its reports and its lock."""
    job = read_example("gitlab.yml")["flops"]
    reports = job["artifacts"]["reports"]
    tree, env = job_machine(client, "gitlab")
    env.update({name: str(value) for name, value in job["variables"].items()})
    for text, status in ((MODEL, 0), (MODEL + "train(A)\n", 3)):
        (tree / "model.py").write_text(text)
        for left in ("run", "flopshim"):  # each job has a work tree of its own
            if (tree / left).is_symlink():
                (tree / left).unlink()
            shutil.rmtree(tree / left, ignore_errors=True)
        done = shell(tree, env, "\n".join(job["before_script"] + job["script"]))
        check_equal(done.returncode, status, f"status: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        after = shell(tree, env, "\n".join(job["after_script"]))
        check_equal(after.returncode, 0, after.stderr)
        for path in (*job["artifacts"]["paths"], *reports.values()):
            check((tree / path).exists(), f"there is no {path}")
        check_equal(len(json.loads((tree / reports["codequality"]).read_text())), status and 1, "issues")
        check((tree / reports["metrics"]).read_text().endswith("# EOF\n"), "the end of the metrics")
    check_in(client, tree, "--lock", "flops.lock", "--exact", tree / "run")
