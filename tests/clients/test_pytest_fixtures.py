# SPDX-License-Identifier: BSD-3-Clause
"""Tests whose work that of fixtures is under `pytest --flops`: pytest is run on projects whose products are counted by their
dimensions."""

import json
import subprocess

import flops
from harness import case, check, check_equal
from test_pytest import project, pytest


@case()
def fixtures_apart(client):
    """What fixtures of a module and of the session do is no test's, whichever sets them up and takes them down; what a
    test's own fixtures do is the test's, but not in its `flops`."""
    tree = project(client, """import numpy as np
import pytest

A = np.ones((20, 20))

@pytest.fixture(scope="session")
def session():
    A @ A
    yield
    A @ A
    A @ A

@pytest.fixture(scope="module")
def module(session):
    A @ A
    yield
    A @ A

@pytest.fixture
def own(module):
    A[:10] @ A
    yield
    A[:10] @ A

@pytest.fixture(scope="module")
def broken(module):
    A @ A
    raise ValueError

def test_first(own, flops):
    assert flops.total == 0 and flops.calls() == 0
    A[:5] @ A
    A[0] @ A[0]
    assert flops.total == 2 * 5 * 20 * 20 + 2 * 20
    assert flops.calls("dgemm") == 1 and flops.calls("ddot") == 1 and flops.calls() == 2 and flops.calls("dgesv") == 0

def test_broken(broken):
    pass

def test_last():
    A[:5] @ A
""")
    done = pytest(client, tree, "--flops", "--flops-out", "kept", status=1)
    check("2 passed, 1 error" in done.out, done.out)
    five, ten, product = (flops.gemm(n, 20, 20) for n in (5, 10, 20))
    check_equal(done.flops_of("tests/test_model.py::test_first"), 2 * ten + five + flops.dot(20), "FLOPs of test_first")
    check_equal(done.flops_of("tests/test_model.py::test_broken"), None, "FLOPs of test_broken")
    check_equal(done.flops_of("tests/test_model.py::test_last"), five, "FLOPs of test_last")
    answer = subprocess.run([client.reporter, "--by", "namespace", "--json", tree / "kept"], capture_output=True)
    rows = {row["namespace"]: row["own_flops"] for row in json.loads(answer.stdout)["groups"]}
    for name, expected in ("session", 3), ("module", 2), ("broken", 1):
        check_equal(rows.get(f"tests.test_model.fixture:{name}"), expected * product, f"FLOPs of fixture {name}")


@case()
def fixtures_in_fixtures(client):
    """What a fixture does that another one asks for while it is set up, or that a test asks for, is no test's, and is
    subtracted once."""
    tree = project(client, """import numpy as np
import pytest

A = np.ones((20, 20))

@pytest.fixture(scope="session")
def inner():
    A @ A
    yield
    A @ A

@pytest.fixture(scope="module")
def middle(request):
    A @ A
    request.getfixturevalue("inner")
    A @ A
    yield
    A @ A

@pytest.fixture(scope="module")
def outer(request):
    request.getfixturevalue("middle")
    yield

@pytest.fixture
def own(request):
    A[:10] @ A
    request.getfixturevalue("outer")

def test_first(own, flops):
    A[:5] @ A
    assert flops.total == 2 * 5 * 20 * 20

def test_asks(request, flops):
    A[:5] @ A
    request.getfixturevalue("late")
    A[:5] @ A

@pytest.fixture(scope="module")
def late(request):
    A @ A
    request.getfixturevalue("later")
    yield
    A @ A

@pytest.fixture(scope="module")
def later():
    A @ A
    yield
    A @ A
""")
    done = pytest(client, tree, "--flops", "--flops-out", "kept")
    five, ten, product = (flops.gemm(n, 20, 20) for n in (5, 10, 20))
    check_equal(done.flops_of("tests/test_model.py::test_first"), ten + five, "FLOPs of test_first")
    check_equal(done.flops_of("tests/test_model.py::test_asks"), 2 * five, "FLOPs of test_asks")
    answer = subprocess.run([client.reporter, "--by", "namespace", "--json", tree / "kept"], capture_output=True)
    rows = {row["namespace"]: row["own_flops"] for row in json.loads(answer.stdout)["groups"]}
    for name, expected in ("inner", 2), ("middle", 3), ("late", 2), ("later", 2):
        check_equal(rows.get(f"tests.test_model.fixture:{name}"), expected * product, f"FLOPs of fixture {name}")
