# SPDX-License-Identifier: BSD-3-Clause
"""Tests flopshim_pytest.py, the plugin of pytest, on small projects that are made in the case's folder. Expected FLOPs are
those of textbook loops (flops.py). No case may depend on a pytest.ini or a plugin of this machine beside xdist."""

import os
import re
import signal
import subprocess
import xml.etree.ElementTree as xml

import flops
from harness import PYTHON, QUICK_BLAS, TOP, Skip, case, check, check_equal, install

MODEL = """def train(A):
    return A @ A  # train
"""
TESTS = """import numpy as np
import pytest
from model import train

A = np.ones((30, 30))

def test_train():
    train(A)

@pytest.mark.parametrize("n", [4, 40])
def test_size(n):
    train(np.ones((n, n)))

def test_nothing():
    pass
"""


def project(client, tests=TESTS, model=MODEL):
    """A git work tree with a model and its tests."""
    tree = client.folder / "project"
    (tree / ".git").mkdir(parents=True, exist_ok=True)
    (tree / "tests").mkdir(exist_ok=True)
    (tree / "model.py").write_text(model)
    (tree / "conftest.py").write_text("")  # so that the tests find the model
    (tree / "tests" / "test_model.py").write_text(tests)
    return tree


def has(module):
    return not subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True).returncode


def is_new_enough():
    """Whether pytest is one that the plugin serves."""
    return not subprocess.run([PYTHON, "-c", "import pytest; pytest.StashKey"], capture_output=True).returncode


class Outcome:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode()
        self.all = self.out + self.err

    def flops_of(self, test):
        """What the summary says that a test did; None if it has no line."""
        found = re.search(rf"(?m)^ *([\d,]+) +[\d.]+ % +{re.escape(test)}$", self.out)
        return int(found.group(1).replace(",", "")) if found else None

    @property
    def total(self):
        return int(re.search(r"(?m)^([\d,]+) FLOPs in \d+ tests?", self.out).group(1).replace(",", ""))


def pytest(client, tree, *options, status=0, before=(), plugin=("-p", "flopshim_pytest"), **environment):
    """Runs pytest in a work tree, which must end with this status."""
    if not has("pytest"):
        raise Skip("no pytest")
    if not is_new_enough():
        raise Skip("no pytest 7.0, which the plugin needs")
    if "-n" in options and not has("xdist"):
        raise Skip("no pytest-xdist")
    env = client.environment(**{"PYTHONPATH": TOP / "bindings", **environment})
    env["PATH"] = f"{client.build_folder.resolve()}:{env['PATH']}"
    command = [*before, PYTHON, "-m", "pytest", "-p", "no:cacheprovider", *plugin, *options]
    done = Outcome(subprocess.run([str(word) for word in command], cwd=tree, env=env, capture_output=True, timeout=120))
    check_equal(done.status, status, f"status of {options}: {done.all[-1500:]}")
    check(not list(client.folder.glob("pytest-flops-*")), "a folder of dumps was left behind")
    return done


def locked(client, tree, *options, **environment):
    """Writes a lock, and returns its rows."""
    pytest(client, tree, "--flops-lock", "flops.lock", "--flops-update", *options, **environment)
    return [line.split("\t") for line in (tree / "flops.lock").read_text().splitlines() if line.startswith(("shape", "site"))]


# ---- counting ----

@case(on=QUICK_BLAS)
def summary(client):
    """--flops starts pytest again under the shim, with all arguments, and the summary has what each test did."""
    tree = project(client)
    done = pytest(client, tree, "--flops", "-k", "not nothing", "tests")
    check_equal(done.flops_of("tests/test_model.py::test_train"), flops.gemm(30, 30, 30), "FLOPs of test_train")
    check_equal(done.flops_of("tests/test_model.py::test_size[40]"), flops.gemm(40, 40, 40), "FLOPs of test_size[40]")
    check_equal(done.total, sum(flops.gemm(n, n, n) for n in (4, 30, 40)), "FLOPs of all tests")
    check("3 passed, 1 deselected" in done.out, done.out)
    lines = [line for line in done.out.splitlines() if "::test_" in line]
    check_equal([line.split("::")[1] for line in lines], ["test_size[40]", "test_train", "test_size[4]"], "the order")
    check_equal(done.err, "", "standard error")
    done = pytest(client, tree, "--flops", "--flops-top", "1")
    check_equal(done.out.count("::test_"), 1, "tests in the summary with --flops-top 1")
    check("and 2 more tests with FLOPs" in done.out, done.out)


@case()
def names(client):
    """Each test has a namespace of its own: with what a namespace cannot hold, and where names would meet."""
    body = "import numpy as np\nimport pytest\nA = np.ones((10, 10))\n"
    tree = project(client, body + """
@pytest.mark.parametrize("text", ["a.b", "a_b", "a b", "\\u00e9", "x" * 2000, "::", "a/b", "]"])
def test_text(text):
    A @ A

class TestClass:
    def test_method(self):
        A @ A
""")
    (tree / "tests" / "a").mkdir()
    (tree / "tests" / "a" / "test_b.py").write_text(body + "def test_c(): A @ A\n")
    (tree / "tests" / "a.py").write_text(body + "class test_b:\n    def test_c(self): A @ A\n")
    rows = locked(client, tree, "-o", "python_classes=test_b Test", "tests", "tests/a.py")
    found = [row[1] for row in rows if row[0] == "shape" and row[2] == "dgemm"]
    check_equal(len(set(found)), 11, f"namespaces in {found}")
    check("tests.test_model.TestClass.test_method" in found and "tests.test_model.test_text:a_b" in found, str(found))


@case()
def around_a_namespace(client):
    """With FLOPSHIM_NAMESPACE, tests lie inside it."""
    rows = locked(client, project(client), FLOPSHIM_NAMESPACE="job")
    check("job.tests.test_model.test_train" in {row[1] for row in rows if row[0] == "shape"}, str(rows))


@case()
def calls_after_a_reset(client):
    """A reset() before a test does not disturb the calls of its fixture; one in the test makes them unknown, which is said."""
    tree = project(client, """import flopshim
import numpy as np
import pytest

A = np.ones((20, 20))

def test_many():
    for _ in range(9):
        A @ A
    flopshim.reset()

def test_before(flops):
    assert flops.calls("dgemm") == 0
    A @ A
    assert flops.calls("dgemm") == 1

def test_inside(flops):
    A @ A
    flopshim.reset()
    A @ A
    assert flops.total == 2 * 2 * 20**3
    with pytest.raises(RuntimeError, match="flopshim.reset"):
        flops.calls("dgemm")
""")
    check("3 passed" in pytest(client, tree, "--flops").out, "not all passed")


# ---- limits ----

@case()
def limit_at_its_line(client):
    """A call that is too much for the mark fails the test at its line, and is named. What just fits passes."""
    tree = project(client, """import numpy as np
import pytest
from model import train

@pytest.mark.flops(max=2 * 30**3)
def test_fits():
    train(np.ones((30, 30)))

@pytest.mark.flops(max=2 * 30**3 - 1)
def test_too_much():
    A = np.ones((30, 30))
    train(A)  # too much
    raise SystemExit("the test went on")
""")
    done = pytest(client, tree, "--flops", "--tb=short", status=1)
    check("1 failed, 1 passed" in done.out, done.out)
    check("BudgetExhaustedError: dgemm(transa=N, transb=N, m=30, n=30, k=30) refused: it costs 54,000 FLOPs" in done.out,
          done.out)
    check("model.py:2: in train" in done.out and "tests/test_model.py:12: in test_too_much" in done.out, done.out)


@case()
def limit_cannot_be_swallowed(client):
    """A test that catches the refusal fails all the same, with the call's line; one that tests its own budget does not."""
    tree = project(client, """import flopshim
import numpy as np
import pytest
from model import train

A = np.ones((30, 30))

@pytest.mark.flops(max=1000)
def test_swallows():
    try:
        train(A)
    except Exception:
        pass

@pytest.mark.flops(max=1000)
def test_of_a_budget():
    with pytest.raises(flopshim.BudgetExhaustedError):
        with flopshim.budget(10):
            train(A)
""")
    done = pytest(client, tree, "--flops", status=1)
    check("1 failed, 1 passed" in done.out, done.out)
    check("the test went on after a call that was too much: dgemm(" in done.out, done.out)
    check("model.py:2 in train" in done.out, done.out)


@case()
def limit_of_forked_processes(client):
    """A call that is too much in a process that the test forked fails the test, with that call; one that fits does not, nor do
    processes of other tests."""
    tree = project(client, """import multiprocessing
import os
import flopshim
import numpy as np
import pytest
from model import train

A = np.ones((30, 30))
many = pytest.mark.flops(max=2 * 30**3 - 1)

def fork(size):
    child = os.fork()
    if not child:
        try:
            train(A[:size])
        finally:
            os._exit(0)
    os.waitpid(child, 0)

@many
def test_fork():
    fork(30)

@many
def test_fits():
    fork(29)

def test_without():
    fork(30)

@many
def test_multiprocessing():
    process = multiprocessing.get_context("fork").Process(target=train, args=(A,))
    process.start()
    process.join()

@many
def test_before():
    train(A[:15])
    fork(15)

@many
def test_own_budget():
    with flopshim.budget(9):
        fork(1)
    if not os.fork():
        with flopshim.budget(9):
            try:
                train(A)
            except flopshim.BudgetExhaustedError:
                os._exit(0)
    os.wait()

@many
def test_nothing():
    pass
""")
    done = pytest(client, tree, "--flops", status=1)
    check("3 failed, 4 passed" in done.out, done.out)
    check_equal(re.findall(r"(?m)^(?:FAILED|_+) (?:tests/test_model.py::)?(test_\w+)", done.out)[:3],
                ["test_fork", "test_multiprocessing", "test_before"], "tests that failed")
    check("a process that the test forked made a call that was too much: dgemm(" in done.out and "model.py:2 in train" in
          done.out, done.out)


@case()
def limit_of_nothing(client):
    """max=0 fails a test that does a single FLOP, and passes one that does none."""
    tree = project(client, """import flopshim
import pytest

@pytest.mark.flops(max=0)
def test_none():
    pass

@pytest.mark.flops(max=0)
def test_one():
    flopshim.charge("one", 1)

@pytest.mark.flops(max=0)
def test_two():
    flopshim.charge("two", 2)
""")
    done = pytest(client, tree, "--flops", status=1)
    check("2 failed, 1 passed" in done.out, done.out)
    check("the test did 1 FLOPs, and may do 0" in done.out and "two refused: it costs 2 FLOPs" in done.out, done.out)


@case(mark=["3", "", "max='9'", "max=float('nan')", "max=-1", "most=3", "max=3, most=3"])
def wrong_mark(client):
    """A wrong mark is an error of its test, which says what was expected."""
    text = f"import pytest\n@pytest.mark.flops({client.mark})\ndef test_it():\n    pass\n"
    done = pytest(client, project(client, text), "--flops", status=1)
    check("1 error" in done.out and re.search(r"pytest\.mark\.flops\(max=(FLOPS\)|\.\.\.\): )", done.out), done.out)


@case()
def limit_leaves_fixtures_out(client):
    """A mark is about the test function: what its fixtures do, and one of the session, is not refused."""
    tree = project(client, """import numpy as np
import pytest

A = np.ones((30, 30))

@pytest.fixture(scope="session")
def wide():
    return A @ A

@pytest.fixture
def own(wide):
    return A @ A

@pytest.mark.flops(max=2 * 30 * 30)
def test_it(own, wide):
    A @ A[0]
""")
    pytest(client, tree, "--flops")


# ---- without --flops ----

@case()
def older_pytest(client):
    """Under a pytest before 7.0, which lacks StashKey, the plugin does nothing, and --flops says what it needs."""
    if not has("pytest"):
        raise Skip("no pytest")
    tree = project(client)
    old = "import pytest, sys\nvars(pytest).pop('StashKey', None)\nsys.exit(pytest.main(sys.argv[1:]))"
    env = client.environment(PYTHONPATH=f"{TOP / 'bindings'}:{tree}")
    for options, status, said in (((), 0, "passed"), (("--flops",), 4, "expected pytest 7.0 or later, and this is pytest ")):
        command = [PYTHON, "-c", old, "-p", "no:cacheprovider", "-p", "flopshim_pytest", *options]
        done = Outcome(subprocess.run(command, cwd=tree, env=env, capture_output=True, timeout=120))
        check_equal(done.status, status, f"status of {options}: {done.all[-1500:]}")
        check(said in done.all and "Traceback" not in done.all, f"{options}: {done.all[-1500:]}")


@case()
def without_the_option(client):
    """Without --flops pytest is not started again, a mark has no effect, also with --strict-markers, and a test with the
    fixture is skipped with a reason."""
    tree = project(client, """import os
import numpy as np
import pytest

A = np.ones((30, 30))

@pytest.mark.flops(max=1)
def test_marked():
    A @ A
    assert "LD_PRELOAD" not in os.environ

def test_fixture(flops):
    assert flops.total == 0
""")
    done = pytest(client, tree, "--strict-markers", "-rs")
    check("1 passed, 1 skipped" in done.out and "nothing is counted without `pytest --flops`" in done.out, done.out)
    check("FLOPs" not in done.out.replace("--flops", ""), done.out)
    check_equal(done.err, "", "standard error")


# ---- locks ----

@case()
def lock(client):
    """A lock is written and compared with: one more product fails, with function, file, line and namespace; one less
    passes and says so."""
    tree = project(client)
    rows = locked(client, tree)
    check(["shape", "tests.test_model.test_size:40", "dgemm", "transa=N transb=N m=40 n=40 k=40", "1", "128000"] in rows,
          str(rows))
    check(["site", "model.py:train", "tests.test_model.test_train", "dgemm", "1", "54000"] in rows, str(rows))
    before = (tree / "flops.lock").read_bytes()
    done = pytest(client, tree, "--flops-lock", "flops.lock")
    check("flops: the same work as flops.lock: 4 calls" in done.out, done.out)
    project(client, TESTS.replace("    pass\n", "    train(A)\n"))
    done = pytest(client, tree, "--flops-lock", "flops.lock", status=1)
    check("flops: more work than flops.lock allows: 54,000 FLOPs more" in done.out, done.out)
    check("in namespace tests.test_model.test_nothing, called by train (model.py:2)" in done.out, done.out)
    check("4 passed" in done.out and "write the lock anew with --flops-update" in done.out, done.out)
    project(client, TESTS.replace("    train(A)\n", "    pass\n"))
    done = pytest(client, tree, "--flops-lock", "flops.lock")
    check("54,000 FLOPs saved" in done.out, done.out)
    pytest(client, tree, "--flops-lock", "flops.lock", "--flops-check=--exact", status=1)
    check_equal((tree / "flops.lock").read_bytes(), before, "the lock")


@case()
def lock_and_other_tests(client):
    """Failed and deselected tests do not make a lock, nor a verdict that is not said to be one of a part."""
    tree = project(client)
    locked(client, tree)
    before = (tree / "flops.lock").read_bytes()
    done = pytest(client, tree, "--flops-lock", "flops.lock", "-k", "train")
    check("3 tests were deselected; what flops.lock has of them is missing here" in done.out, done.out)
    done = pytest(client, tree, "--flops-lock", "flops.lock", "--flops-update", "-k", "train", status=4)
    check("flops.lock is left as it is: 3 tests were deselected" in done.out, done.out)
    done = pytest(client, tree, "--flops-lock", "flops.lock", "-k", "none_of_them", status=5)
    check("not compared with flops.lock: no test ran" in done.out, done.out)
    project(client, TESTS.replace("    pass\n", "    assert not train(A).any()\n"))
    for options in [], ["--flops-update"]:
        done = pytest(client, tree, "--flops-lock", "flops.lock", *options, status=1)
        check("not all tests passed" in done.out and "more work" not in done.out, done.out)
    check_equal((tree / "flops.lock").read_bytes(), before, "the lock")


SEVERAL = """import numpy as np
import pytest

A = np.ones((20, 20))

def test_one():
    A @ A

@pytest.mark.parametrize("n", [5, 6])
def test_size(n):
    A[:n] @ A
"""


def several(client):
    """A project of three files with three tests each; those of the last are in a folder of their own."""
    tree = project(client, SEVERAL)
    (tree / "tests" / "test_b.py").write_text(SEVERAL)
    (tree / "tests" / "more").mkdir()
    (tree / "tests" / "more" / "test_c.py").write_text(SEVERAL)
    return tree


@case()
def lock_keeps_tests_that_did_not_run(client):
    """A lock is not written anew without the tests that did not run: of files that were not named, of those that --lf leaves
    out, skipped ones, and those that a session did not get to. --flops-drop does so all the same."""
    tree = several(client)
    update = ["--flops-lock", "flops.lock", "--flops-update"]
    locked(client, tree)
    before = (tree / "flops.lock").read_bytes()

    def refused(said, *options, **environment):
        done = pytest(client, tree, *update, *options, status=4, **environment)
        check(f"flops.lock is left as it is: {said}" in done.out and "--flops-drop" in done.out, f"{options}: {done.out}")
        check_equal((tree / "flops.lock").read_bytes(), before, f"the lock after {options}")

    refused("6 tests of flops.lock did not run (tests.more.test_c.test_one, tests.more.test_c.test_size:5, "
            "tests.more.test_c.test_size:6, ...)", "tests/test_b.py")
    refused("3 tests of flops.lock did not run (tests.test_", "tests/more", "tests/test_b.py")
    refused("8 tests of flops.lock did not run", "tests/test_b.py::test_one")
    refused("3 tests of flops.lock did not run (tests.more.test_c", "--ignore", "tests/more")
    refused("2 tests were deselected", "--deselect", "tests/test_b.py::test_size")
    (tree / "tests" / "test_b.py").write_text(SEVERAL.replace("test_one():\n", "test_one():\n    pytest.skip('not here')\n"))
    refused("1 test of flops.lock did not run (tests.test_b.test_one)")
    (tree / "tests" / "test_b.py").write_text(SEVERAL.replace("A @ A\n", "A @ A\n    pytest.exit('enough', returncode=0)\n", 1))
    refused("8 tests did not run, since the session ended before")
    pytest(client, tree, *update, "tests/test_model.py", "--flops-drop")
    check_equal(spaces(tree), {f"tests.test_model.{name}" for name in ("test_one", "test_size:5", "test_size:6")}, "tests")


def spaces(tree):
    """The namespaces of tests in the lock."""
    rows = [line.split("\t") for line in (tree / "flops.lock").read_text().splitlines() if line.startswith("site")]
    return {row[2] for row in rows} - {"(root)"}


@case()
def lock_of_last_failed(client):
    """--lf leaves out whole files, and deselects none of their tests."""
    tree = several(client)
    locked(client, tree)
    before = (tree / "flops.lock").read_bytes()
    cached = ["-o", "cache_dir=cache"]
    plugin = ["-p", "flopshim_pytest", "-p", "cacheprovider"]
    (tree / "tests" / "test_b.py").write_text("def test_one():\n    assert False\n")
    pytest(client, tree, *cached, status=1, plugin=plugin)
    (tree / "tests" / "test_b.py").write_text(SEVERAL)
    failed = tree / "cache" / "v" / "cache" / "lastfailed"
    text = failed.read_text()
    for lock, said, *options in (("flops.lock", "did not run"), ("flops.lock", "did not run", "-n", "2"),
                                 ("new.lock", "--lf, --sw or --ignore may have left tests out")):
        failed.write_text(text)  # a test that passes leaves it
        done = pytest(client, tree, *cached, "--lf", "--flops-lock", lock, "--flops-update", *options, status=4, plugin=plugin)
        check(f"{lock} is left as it is: " in done.out and said in done.out and "--flops-drop" in done.out, done.out)
    check(not (tree / "new.lock").exists(), "a new lock")
    check_equal((tree / "flops.lock").read_bytes(), before, "the lock")


@case(tests=["all", "named", "workers"])
def lock_loses_tests_that_are_gone(client):
    """Tests that are removed or renamed, with their whole file or in it, leave the lock without a word of tests that did not
    run, whether the folder is named or not; so do tests that do no more work, and namespaces of the program's own."""
    tree = several(client)
    options = {"all": [], "named": ["tests/test_b.py", "tests/more", "tests/test_model.py"],
               "workers": ["-n", "2", "tests"]}[client.tests]
    (tree / "tests" / "more" / "test_d.py").write_text(SEVERAL)
    (tree / "tests" / "test_model.py").write_text(SEVERAL + """
import flopshim
def test_space():
    with flopshim.namespace(".jobs.large"):
        A @ A
    with flopshim.namespace("inner"):
        A @ A
""")
    locked(client, tree, *options)
    check({"jobs.large", "tests.test_model.test_space.inner", "tests.more.test_c.test_one", "tests.more.test_d.test_one",
           "tests.test_b.test_one"} <= spaces(tree), spaces(tree))
    (tree / "tests" / "more" / "test_c.py").write_text(SEVERAL.replace("test_one", "test_other"))
    (tree / "tests" / "more" / "test_d.py").unlink()
    (tree / "tests" / "test_b.py").write_text(SEVERAL.replace("A @ A\n", "pass\n", 1))
    done = pytest(client, tree, "--flops-lock", "flops.lock", "--flops-update", *options)
    check("did not run" not in done.out and "written anew" in done.out, done.out)
    sizes = {f"{file}.test_size:{n}" for file in ("tests.test_b", "tests.test_model", "tests.more.test_c") for n in (5, 6)}
    check_equal(spaces(tree), sizes | {"jobs.large", "tests.test_model.test_space.inner", "tests.test_model.test_one",
                                       "tests.more.test_c.test_other"}, "namespaces of the lock")


@case()
def some_tests_have_fewer_processes(client):
    """A run of some tests is compared, although a test that starts a process is not among them, and says what is missing."""
    tree = project(client, TESTS + """
def test_process():
    import subprocess, sys
    subprocess.run([sys.executable, "-c", "import numpy as np; np.ones((9, 9)) @ np.ones((9, 9))"], check=True)
    train(A)
""")
    (tree / "tests" / "test_b.py").write_text(SEVERAL)
    locked(client, tree)
    check("\nran\t2\t0\n" in (tree / "flops.lock").read_text(), "the number of processes")
    missing = "what flops.lock has of them is missing here"
    for options, said in ((["-k", "train"], f"7 tests were deselected; {missing}"),
                          (["tests/test_b.py"], "4 tests of flops.lock did not run (tests.test_model."),
                          (["tests/test_b.py::test_one"], "6 tests of flops.lock did not run")):
        done = pytest(client, tree, "--flops-lock", "flops.lock", *options)
        check(said in done.out and missing in done.out and "FLOPs saved" in done.out, f"{options}: {done.out}")
    done = pytest(client, tree, "--flops-lock", "flops.lock")
    check("the same work" in done.out and "did not run" not in done.out, done.out)
    (tree / "tests" / "test_b.py").write_text(SEVERAL.replace("A @ A", "A @ A @ A", 1))
    done = pytest(client, tree, "--flops-lock", "flops.lock", "tests/test_b.py", status=1)
    check("in namespace tests.test_b.test_one" in done.out, done.out)
    # A test that is gone is none that did not run: fewer processes are not compared then.
    project(client, TESTS)
    done = pytest(client, tree, "--flops-lock", "flops.lock", status=4)
    check("the lock is of 2 processes, and this run of 1" in done.out, done.out)


@case()
def lock_of_an_ini_file(client):
    """A lock that addopts of an ini file names is relative to that file, from whatever folder pytest is called; one of the
    command line or of PYTEST_ADDOPTS is relative to the folder that it is called in."""
    tree = project(client)
    locked(client, tree)
    (tree / "pytest.ini").write_text("[pytest]\naddopts = --flops-lock flops.lock\n")
    for folder, options, status in (("tests", [], 0), (".", ["tests"], 0), ("tests", ["--flops-lock", "flops.lock"], 4),
                                    ("tests", ["--flops-lock=../flops.lock"], 0)):
        done = pytest(client, tree / folder, *options, status=status)
        check(status or "the same work as " in done.out, f"{folder}, {options}: {done.out}")
    pytest(client, tree / "tests", status=4, PYTEST_ADDOPTS="--flops-lock flops.lock")
    (tree / "flops.lock").unlink()
    pytest(client, tree / "tests", "--flops-update", *(["-n", "2"] if has("xdist") else []))
    check((tree / "flops.lock").exists() and not (tree / "tests" / "flops.lock").exists(), "where the lock is")


@case()
def lock_that_cannot_be_read(client):
    """A lock that is missing or damaged is an error of usage, and is not touched."""
    tree = project(client)
    done = pytest(client, tree, "--flops-lock", "none.lock", status=4)
    check("--flops-lock none.lock: there is no such lock; --flops-update writes it" in done.err, done.all)
    (tree / "bad.lock").write_text("<<<<<<< HEAD\n")
    for options in [], ["--flops-update"]:
        done = pytest(client, tree, "--flops-lock", "bad.lock", *options, status=4)
        check("bad.lock:1:" in done.out, done.out)
    check_equal((tree / "bad.lock").read_text(), "<<<<<<< HEAD\n", "the lock")


@case()
def junit(client):
    """The file of --junitxml has each test's FLOPs."""
    tree = project(client)
    pytest(client, tree, "--flops", "--junitxml", "out.xml")
    found = {one.get("name"): [int(entry.get("value")) for entry in one.iter("property") if entry.get("name") == "flops"]
             for one in xml.parse(tree / "out.xml").iter("testcase")}
    check_equal(found, {"test_train": [flops.gemm(30, 30, 30)], "test_size[4]": [flops.gemm(4, 4, 4)],
                        "test_size[40]": [flops.gemm(40, 40, 40)], "test_nothing": [0]}, "properties")


# ---- xdist ----

@case()
def workers(client):
    """With xdist the work of all workers is added up: the summary is that without. A lock of workers has the tests alone,
    and holds for any number of workers and for none; one without workers has more, and does not hold with them."""
    tree = project(client, TESTS + "\ndef test_fixture(flops):\n    train(A)\n    assert flops.total == 2 * 30**3\n")
    done = pytest(client, tree, "--flops", "-n", "2", "--dist", "load")
    check_equal(done.total, sum(flops.gemm(n, n, n) for n in (4, 30, 30, 40)), "FLOPs of all tests")
    check_equal(done.flops_of("tests/test_model.py::test_train"), flops.gemm(30, 30, 30), "FLOPs of test_train")
    check_equal(done.err, "", "standard error")
    rows = locked(client, tree, "-n", "2")
    check_equal({row[2 if row[0] == "site" else 1] for row in rows},
                {f"tests.test_model.{name}" for name in ("test_train", "test_fixture", "test_size:4", "test_size:40")},
                "namespaces of the lock")
    for options in (["-n", "3"], ["-n", "2", "--dist", "loadfile"], []):
        done = pytest(client, tree, "--flops-lock", "flops.lock", *options)
        check("the same work as flops.lock" in done.out, f"{options}: {done.out}")
    more = TESTS + "\ndef test_fixture():\n    train(A)\n    train(A)\n"
    for options in (["-n", "2"], []):
        project(client, more)
        done = pytest(client, tree, "--flops-lock", "flops.lock", *options, status=1)
        check("in namespace tests.test_model.test_fixture" in done.out, done.out)
    (tree / "flops.lock").unlink()
    alone = locked(client, tree)
    check({row[1] for row in alone if row[0] == "shape"} > {"(root)"}, alone)
    done = pytest(client, tree, "--flops-lock", "flops.lock", "-n", "2", status=4)
    check("not comparable with flops.lock" in done.out and "this run had 2 workers of xdist" in done.out, done.out)


@case()
def workers_deselect_once(client):
    """A test that is deselected is counted once, for each worker leaves it out."""
    tree = project(client)
    locked(client, tree, "-n", "2")
    done = pytest(client, tree, "--flops-lock", "flops.lock", "-n", "3", "-k", "train or nothing")
    check("2 tests were deselected" in done.out, done.out)


@case()
def worker_limits(client):
    """A mark holds in workers, too."""
    tree = project(client, TESTS.replace("def test_train", "@pytest.mark.flops(max=9)\ndef test_train"))
    done = pytest(client, tree, "--flops", "-n", "2", status=1)
    check("1 failed, 3 passed" in done.out and "m=30, n=30, k=30) refused" in done.out, done.out)


# ---- how pytest is started ----

@case()
def under_the_shim(client):
    """Under `flopshim` already, pytest is not started again, and the lock is of the dumps of its processes."""
    tree = project(client)
    out = client.folder / "out"
    out.mkdir()
    before = [client.launcher, "--for-check", "-o", out]
    pytest(client, tree, "--flops-lock", "flops.lock", "--flops-update", before=before)
    check_equal(len(list(out.iterdir())), 1, "dumps")
    pytest(client, tree, "--flops-lock", "flops.lock")
    done = pytest(client, tree, "--flops", "--flops-out", "kept", before=before, status=4)
    check("--out says where dumps go" in done.err, done.all)
    done = pytest(client, tree, "--flops-lock", "flops.lock", before=[client.launcher, "-o", "/dev/null"], status=4)
    check("this run leaves no dump" in done.out, done.out)


@case()
def under_the_shim_with_workers(client):
    """The same with workers: the process that controls them has no dump, and is not missed."""
    tree = project(client)
    out = client.folder / "out"
    out.mkdir()
    locked(client, tree, "-n", "2")
    done = pytest(client, tree, "--flops-lock", "flops.lock", "-n", "2", before=[client.launcher, "--for-check", "-o", out])
    check("the same work as flops.lock" in done.out, done.out)


@case()
def by_a_conftest(client):
    """A conftest.py may load the plugin; output goes where it went before pytest started itself again."""
    tree = project(client)
    (tree / "conftest.py").write_text('print("loaded")\npytest_plugins = ["flopshim_pytest"]\n')
    done = pytest(client, tree, "--flops", plugin=())
    check_equal(done.total, sum(flops.gemm(n, n, n) for n in (4, 30, 40)), "FLOPs of all tests")


@case()
def installed(client):
    """Where it is installed, pytest finds the plugin, and that its launcher, without -p and without PATH."""
    prefix = client.folder / "prefix"
    install(client, f"PREFIX={prefix}", "DESTDIR=")
    folder = next(prefix.glob("lib/python3*/site-packages"))
    tree = project(client)
    done = pytest(client, tree, "--flops", plugin=(), before=["env", "PATH=/usr/bin:/bin"],
                  PYTHONPATH=folder)
    check_equal(done.total, sum(flops.gemm(n, n, n) for n in (4, 30, 40)), "FLOPs of all tests")
    done = pytest(client, tree, "--flops", "-p", "flopshim_pytest", "-n", "2", plugin=(),
                  PYTHONPATH=folder)
    check_equal(done.total, sum(flops.gemm(n, n, n) for n in (4, 30, 40)), "FLOPs of all tests, with -p and workers")


@case()
def by_a_program(client):
    """A program that calls pytest is not started again behind its back."""
    if not is_new_enough():
        raise Skip("no pytest 7.0, which the plugin needs")
    tree = project(client)
    (tree / "program.py").write_text('import pytest, sys\nprint("once", flush=True)\n'
                                     'sys.exit(pytest.main(["-p", "flopshim_pytest", "--flops", "tests"]))\n')
    environment = client.environment(PYTHONPATH=TOP / "bindings")
    for before, status in ([], 4), ([client.launcher, "-o", "/dev/null"], 0):
        done = Outcome(subprocess.run([*before, PYTHON, "program.py"], cwd=tree, env=environment, capture_output=True))
        check_equal((done.status, done.out.count("once")), (status, 1), f"status and starts: {done.all}")
    check_equal(done.total, sum(flops.gemm(n, n, n) for n in (4, 30, 40)), "FLOPs of all tests")


@case()
def wrong_options(client):
    """Wrong options are said before a test runs."""
    tree = project(client)
    (tree / "full").mkdir()
    (tree / "full" / "file").write_text("kept")
    for options, text in ((["--flops-update"], "--flops-update needs --flops-lock FILE"),
                          (["--flops-lock", "x", "--flops-drop"], "--flops-drop needs --flops-update"),
                          (["--flops", "--flops-check=--exact"], "--flops-check needs --flops-lock FILE"),
                          (["--flops-check=--exact"], "--flops-check needs --flops-lock FILE"),
                          (["--flops-drop"], "--flops-drop needs --flops-update"),
                          (["--flops", "--flops-top=-1"], "--flops-top -1: expected a number of tests"),
                          (["--flops-out", "full"], "the folder is not empty"),
                          (["--flops-lock", "x", "--flops-update", "--flops-check='"], "--flops-check \"'\": No closing")):
        done = pytest(client, tree, *options, status=4)
        check(text in done.err and "passed" not in done.out, f"{options}: {done.all}")
    check_equal((tree / "full" / "file").read_text(), "kept", "the file")
    done = pytest(client, tree, "--flops", status=4, before=["env", "PATH=/usr/bin:/bin"])
    check("there is no program `flopshim`" in done.err, done.all)


@case()
def collect_only(client):
    """--collect-only neither counts nor compares."""
    done = pytest(client, project(client), "--flops-lock", "none.lock", "--collect-only", "-q")
    check("4 tests collected" in done.out and "FLOPs" not in done.out, done.out)


@case()
def interrupted(client):
    """A session that is interrupted keeps its status, makes no lock, and leaves nothing behind."""
    tree = project(client, TESTS + "\ndef test_interrupt():\n    import os, signal\n    os.kill(os.getpid(), signal.SIGINT)\n")
    done = pytest(client, tree, "--flops-lock", "flops.lock", "--flops-update", status=signal.SIGINT)
    check("flops.lock is left as it is" in done.out and not os.path.exists(tree / "flops.lock"), done.out)
