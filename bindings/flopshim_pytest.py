# SPDX-License-Identifier: BSD-3-Clause
"""flopshim_pytest: a plugin of pytest that counts the FLOPs of each test, limits them, and compares them with a lock.

    pytest --flops                                      count; the summary shows the tests that did most
    pytest --flops-lock flops.lock --flops-update       write the lock
    pytest --flops-lock flops.lock                      fail if the tests do more work than the lock allows

    @pytest.mark.flops(max=1e9)                         a call that would go beyond fails the test, at its line
    def test_model(flops):
        ...
        assert flops.total == 2 * n**3 and flops.calls("dgemm") == 1

Without these options it must never change what a test does: the mark has no effect, and tests with the fixture are
skipped.

The work of a test is charged to a namespace that is named by its node id: that of tests/test_model.py::test_train[3]
to `tests.test_model.test_train:3`. Characters that a namespace cannot have become `_`, with a checksum of the node id
at the end. Fixtures of a class, a module, a package or the session have namespaces of their own, such as
`tests.test_model.fixture:NAME`, since which test sets them up depends on what else runs. Mark and fixture are about
the test function alone, not about its fixtures. A process that a test forks charges to the test's namespace, and the
mark holds for what it does alone; other processes that a test starts charge to the root.
"""

import atexit
import hashlib
import json
import mmap
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import flopshim
from flopshim import programs

FOLDER_VARIABLE = "PYTEST_FLOPS_FOLDER"  # tells pytest under the shim of the folder of its dumps
PROPERTY = "flops"                       # of a test's report: what the test did; the files of --junitxml have it, too
UNBOUNDED = 2**62  # budget of a scope that only measures: a scope without any has no sum of its own
NAME_MAX = 400     # characters of a namespace
# A lock of a run with workers of xdist has the tests alone: each worker imports modules and sets up fixtures anew.
ONLY_TESTS = ["--any-processes", "--skip", "(root)", "--skip", "*fixture:*"]


# ---- options ----


def pytest_addoption(parser):
    group = parser.getgroup("flops", "FLOPs of BLAS and LAPACK calls (flopshim)")
    group.addoption("--flops", action="store_true",
                    help="count the FLOPs of each test; pytest starts itself again under flopshim")
    group.addoption("--flops-top", metavar="N", type=int, default=10, help="how many tests the summary shows (10)")
    group.addoption("--flops-out", metavar="DIR", help="keep the dumps in this folder, which must be empty or new")
    group.addoption("--flops-lock", metavar="FILE", help="fail if the tests do more work than this lockfile allows")
    group.addoption("--flops-update", action="store_true", help="write the lockfile that --flops-lock names")
    group.addoption("--flops-drop", action="store_true",
                    help="with --flops-update: also if tests of the lock did not run; it then lacks their work")
    group.addoption("--flops-check", metavar="OPTIONS", default="",
                    help="options for `flopshim-report check`, which compares with the lock: '--exact --github'")


def _is_wanted(options):
    wanted = (options.flops or options.flops_lock or options.flops_update or options.flops_out
              # these ask for nothing by themselves, but whoever gives them is to hear what is missing
              or options.flops_drop or options.flops_check)
    return bool(wanted) and not getattr(options, "collectonly", False) and not getattr(options, "help", False)


def _check_pytest():
    """An older pytest runs as if the plugin were not there, until it is asked for FLOPs."""
    if not hasattr(pytest, "StashKey"):
        raise pytest.UsageError(f"--flops: expected pytest 7.0 or later, and this is pytest {pytest.__version__}")


def _check_options(options):
    if options.flops_update and not options.flops_lock:
        raise pytest.UsageError("--flops-update needs --flops-lock FILE, the lockfile to write")
    if options.flops_drop and not options.flops_update:
        raise pytest.UsageError("--flops-drop needs --flops-update, whose lock is to lack the tests that did not run")
    if options.flops_check and not options.flops_lock:
        raise pytest.UsageError("--flops-check needs --flops-lock FILE, the lockfile to compare with")
    if options.flops_lock and not options.flops_update and not os.path.exists(options.flops_lock):
        raise pytest.UsageError(f"--flops-lock {options.flops_lock}: there is no such lock; --flops-update writes it")
    if options.flops_top < 0:
        raise pytest.UsageError(f"--flops-top {options.flops_top}: expected a number of tests")
    try:
        shlex.split(options.flops_check)
    except ValueError as error:
        raise pytest.UsageError(f"--flops-check {options.flops_check!r}: {error}") from None


def _is_given(option, words):
    return any(word == option or word.startswith(f"{option}=") for word in words)


def _settle_paths(config, options):
    """Makes a path that `addopts` of an ini file has relative to the folder of that file, wherever pytest was called."""
    if config.inipath is None:
        return
    in_file = config.getini("addopts")
    nearer = [*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *map(str, config.invocation_params.args)]
    for option, name in (("--flops-lock", "flops_lock"), ("--flops-out", "flops_out")):
        path = getattr(options, name)
        if path and _is_given(option, in_file) and not _is_given(option, nearer):
            setattr(options, name, os.path.relpath(config.inipath.parent / path, config.invocation_params.dir))


# ---- pytest starts itself again ----


def _program(name):
    """The path of a program of flopshim: of the installation that this file belongs to, or else one in PATH."""
    try:
        return programs.program(name)
    except programs.NoProgram as error:
        raise pytest.UsageError(f"--flops: {error}") from None


def _own_command():
    """The command line of this process, with its interpreter's whole path."""
    words = getattr(sys, "orig_argv", None)  # new in Python 3.10
    if words is None:
        words = [os.fsdecode(word) for word in Path("/proc/self/cmdline").read_bytes().split(b"\0")[:-1]]
    return [sys.executable, *words[1:]]


def _new_folder(options):
    """Makes the folder of the dumps."""
    if not options.flops_out:
        return tempfile.mkdtemp(prefix="pytest-flops-")
    folder = os.path.abspath(options.flops_out)
    try:
        os.makedirs(folder, exist_ok=True)
        entries = os.listdir(folder)
    except OSError as error:
        raise pytest.UsageError(f"--flops-out {options.flops_out}: {error.strerror}") from None
    if entries:
        raise pytest.UsageError(f"--flops-out {options.flops_out}: the folder is not empty, and dumps of other runs "
                                "in it would be added up with those of this one")
    return folder


def _start_again(config, options):
    """Becomes pytest under the shim by exec, and does not return if it succeeds. It does nothing in a process that is
    under the shim, nor in a worker of xdist: what a worker lacks is said at the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    if flopshim.present():
        _own_folder.take(options)
        return
    _check_options(options)
    if FOLDER_VARIABLE in os.environ:
        raise pytest.UsageError("--flops: pytest was started again under flopshim, and yet the shim is not loaded")
    if list(config.invocation_params.args) != sys.argv[1:]:
        raise pytest.UsageError("--flops: a program has called pytest, which cannot start that again: run the program "
                                "with `flopshim`")
    launcher = _program("flopshim")
    folder = _new_folder(options)
    stacks = ["--for-check"] if options.flops_lock else []
    command = [launcher, "--out", f"{folder}{os.sep}", *stacks, *_own_command()]
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.stop_global_capturing()  # which gives standard output and error back
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ[FOLDER_VARIABLE] = folder
    try:
        os.execv(launcher, command)
    except OSError as error:
        raise pytest.UsageError(f"--flops: {launcher}: {error.strerror}") from None


class _OwnFolder:
    """The folder of dumps that pytest made before it started itself again."""

    def __init__(self):
        self.path = None

    def take(self, options):
        """Called under the shim: learns what the folder is, and sees to it that it goes, unless it is to be kept."""
        path = os.environ.pop(FOLDER_VARIABLE, None)
        if path is not None:
            self.path = path
            if not options.flops_out:
                atexit.register(self._remove, path, os.getpid())
        elif self.path is None and options.flops_out:
            raise pytest.UsageError("--flops-out: pytest runs under flopshim already, whose --out says where dumps go")

    @staticmethod
    def _remove(path, pid):
        if os.getpid() == pid:  # not a child that was forked
            shutil.rmtree(path, ignore_errors=True)


_own_folder = _OwnFolder()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config):
    """The earliest place where the options are known, before pytest captures output and loads the user's files."""
    options = early_config.known_args_namespace
    if _is_wanted(options):
        _check_pytest()
        _settle_paths(early_config, options)
        _start_again(early_config, options)
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.addinivalue_line("markers", "flops(max): the most FLOPs that the test function may do, under `pytest "
                            "--flops`; a BLAS or LAPACK call that would go beyond is refused, and fails the test")
    if not _is_wanted(config.option):
        return
    _check_pytest()
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    if not is_worker:
        _settle_paths(config, config.option)
    if not flopshim.present() or FOLDER_VARIABLE in os.environ:
        _start_again(config, config.option)  # the plugin was loaded too late for the hook above, by a conftest.py
    _check_options(config.option)
    if flopshim.present():
        config.pluginmanager.register(_Scopes(config), "flopshim_scopes")
    if not is_worker:
        config.pluginmanager.register(_Session(config), "flopshim_session")


# ---- names ----


def _segment(name):
    return re.sub(r"[^A-Za-z0-9_-]", "_", name) or "_"


def _checksum(text):
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def namespace_of(nodeid, ambiguous=False):
    """The namespace of a test, as a path from the root. Different tests never share one: where a character is replaced,
    and where the caller knows of another test with this name, it ends in a checksum of the node id."""
    head, bracket, parameters = nodeid.partition("[")
    file, *names = head.split("::")
    parts = [*(file[:-3] if file.endswith(".py") else file).split("/"), *names]
    path = ".".join(map(_segment, parts))
    exact = path == ".".join(parts) and "." not in "".join(parts) and file.endswith(".py")
    if bracket:
        inner = parameters[:-1]
        path += ":" + _segment(inner)
        exact &= inner == _segment(inner) and parameters.endswith("]")
    if exact and not ambiguous and len(path) <= NAME_MAX:
        return path
    return f"{path[:NAME_MAX].rstrip('.')}-{_checksum(nodeid)}"


def _namespaces_of(nodeids):
    """{node id: absolute namespace} of the tests that were collected."""
    owners = {}
    for nodeid in nodeids:
        owners.setdefault(namespace_of(nodeid), set()).add(nodeid)
    return {nodeid: _absolute(name if len(same) == 1 else namespace_of(nodeid, ambiguous=True))
            for name, same in owners.items() for nodeid in same}


def _namespace_of_folder(path):
    """The namespace in which those of the tests of a file or a folder lie; `path` is relative to the root of pytest."""
    return _absolute(".".join(map(_segment, re.sub(r"\.py$", "", path).split("/"))))


def _namespace_of_fixture(definition):
    base = definition.baseid
    parts = [part for part in re.split(r"/|::", re.sub(r"\.py(?=$|::)", "", base)) if part]
    return ".".join([*map(_segment, parts), "fixture:" + _segment(definition.argname)])[-NAME_MAX:].lstrip(".")


def _absolute(path):
    return flopshim._absolute(path.encode()).decode()


# ---- scopes, in each process that runs tests ----


class _Measured(flopshim.budget):
    """A scope that counts what is charged inside of it, and refuses nothing."""

    def __init__(self, name):
        super().__init__(UNBOUNDED, name)

    def _begin(self):
        return self._open(self._flops, 0)


class Flops:
    """What the test function has done so far; what its fixtures did is not in it."""

    def __init__(self):
        self._scope = None
        self._before = None  # _operations() when the test function began

    @property
    def total(self):
        """FLOPs of its BLAS and LAPACK calls, and of what it has charged itself (flopshim.charge); with weights or
        multipliers, what they make of it."""
        return 0 if self._scope is None else self._scope.used

    def calls(self, routine=None):
        """How many calls of a routine ("dgemm") this process has made since the test function began, or of all."""
        now = self._operations()
        if routine is not None and not isinstance(routine, str):
            raise TypeError(f"a routine is a str, not {routine!r}")
        return sum(count for name, count in now.items() if routine in (None, name))

    def _operations(self):
        if self._before is None:
            return {}
        if self._resets != flopshim._resets:
            raise RuntimeError("the test has called flopshim.reset(): how many calls it made is not known any more")
        return {name: count - self._before.get(name, 0) for name, count in _operations().items()}

    def _begin(self, scope):
        self._scope, self._before, self._resets = scope, _operations(), flopshim._resets

    def __repr__(self):
        return f"<flops total={self.total}>"


_last_operations = None, {}


def _operations():
    """{operation: calls of this process}. Where nothing was called since the last question, its answer is given again: a
    test function begins where the one before has asked, as a rule."""
    global _last_operations
    state = flopshim.calls("."), flopshim._resets
    if _last_operations[0] != state:
        rows = flopshim.summary_dict()["operations"]
        _last_operations = state, {name: row["calls"] for name, row in rows.items()}
    return _last_operations[1]


@pytest.fixture
def flops(request):
    """What this test function has done so far: flops.total, flops.calls("dgemm"). Without `pytest --flops` the test is
    skipped."""
    if not request.config.pluginmanager.hasplugin("flopshim_scopes"):
        pytest.skip("nothing is counted without `pytest --flops`")
    _check_pytest()
    made = request.node.stash[_COUNTS] = Flops()
    return made


_COUNTS = getattr(pytest, "StashKey", object)()


def _maximum(item):
    """The most FLOPs that the mark of a test allows, None without a mark. A wrong mark fails the test."""
    mark = item.get_closest_marker("flops")
    if mark is None:
        return None
    if mark.args or set(mark.kwargs) != {"max"}:
        raise pytest.fail.Exception("expected @pytest.mark.flops(max=FLOPS)", pytrace=False)
    try:
        return flopshim._flops(mark.kwargs["max"], zero_allowed=True)
    except (TypeError, ValueError) as error:
        raise pytest.fail.Exception(f"@pytest.mark.flops(max=...): {error}", pytrace=False) from None


def _fail_with(outcome, error):
    """Makes `error` the outcome of a hook. If the wrapper raised it, those around it would not end."""
    if hasattr(outcome, "force_exception"):  # new in pluggy 1.1
        outcome.force_exception(error)
    else:
        outcome._result, outcome._excinfo = None, (type(error), error, error.__traceback__)


class _Test:
    """A test that runs."""

    def __init__(self, namespace):
        self.namespace = namespace
        self.maximum = None
        self.scope = None   # the one with this maximum; None while the test function does not run
        self.limit = None   # what a refusal by that scope says as its limit
        self.flops = 0
        self.elsewhere = 0  # FLOPs of scopes of fixtures inside the phase that runs
        self.refused = None


_open_scopes = []  # each _Scopes of this process


def _tell_of_fork():
    for scopes in _open_scopes:
        scopes.forked()


os.register_at_fork(after_in_child=_tell_of_fork)


class _Scopes:
    """Opens a scope for each phase of each test, and for each fixture of wider scope."""

    def __init__(self, config):
        self._config = config
        self._names = {}  # {node id: namespace}
        self._test = None
        self._fixtures = 0  # open scopes of fixtures, each inside the one before
        self._deselected = 0
        self._pid = os.getpid()
        self._forked = mmap.mmap(-1, mmap.PAGESIZE)  # shared with processes that are forked: a call that was too much there
        flopshim._refusal_listeners.append(self._refused)
        _open_scopes.append(self)

    def pytest_unconfigure(self):
        flopshim._refusal_listeners.remove(self._refused)
        _open_scopes.remove(self)

    def pytest_deselected(self, items):
        self._deselected += len(items)

    def pytest_collection_finish(self, session):
        self._names = _namespaces_of(item.nodeid for item in session.items)

    def _refused(self, error):
        test = self._test
        if test is None or error.limit != test.limit or f".{error.namespace}" != test.namespace:
            return
        text = f"{error}; {error.site}"
        if os.getpid() != self._pid:
            self._write_forked(text)
        elif test.refused is None:
            test.refused = text

    def forked(self):
        """Called in a process that was forked, where a budget is what was left of it."""
        if self._test is not None and self._test.scope is not None:
            self._test.limit = self._test.scope.remaining

    def _write_forked(self, text):
        data = text.encode(errors="replace")[:mmap.PAGESIZE - 1]
        self._forked[:] = data.ljust(mmap.PAGESIZE, b"\0")

    def _read_forked(self):
        return self._forked[:].rstrip(b"\0").decode(errors="replace")

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        name = self._names.get(item.nodeid)  # an item that was not collected is of another plugin
        self._test = _Test(name or _absolute(namespace_of(item.nodeid)))
        yield
        self._test = None

    def _phase(self, scope, item=None):
        """Runs a phase of a test in a scope, and returns its outcome."""
        test = self._test
        test.elsewhere = 0
        scope.__enter__()
        counts = item.stash.get(_COUNTS, None) if item is not None else None
        if counts is not None:
            counts._begin(scope)
        outcome = yield
        error = outcome.excinfo[1] if outcome.excinfo else None
        try:
            scope.__exit__(type(error) if error else None, error, None)
        except BaseException as refused:  # of a call in a thread that is not Python's
            _fail_with(outcome, refused)
            error = refused
        done = scope.used - test.elsewhere
        test.flops += done
        if item is not None and test.maximum is not None and error is None:
            self._judge(outcome, test, done)
        return outcome

    def _judge(self, outcome, test, done):
        """Fails a test that has passed, if a call was refused all the same, or if it may do nothing and did."""
        if test.refused is not None:
            text = f"the test went on after a call that was too much: {test.refused}"
        elif self._read_forked():
            text = f"a process that the test forked made a call that was too much: {self._read_forked()}"
        elif done > test.maximum:
            text = f"the test did {done:,} FLOPs, and may do {test.maximum:,}"
        else:
            return
        _fail_with(outcome, pytest.fail.Exception(text, pytrace=False))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_setup(self, item):
        outcome = yield from self._phase(_Measured(self._test.namespace))
        try:
            self._test.maximum = _maximum(item)
        except pytest.fail.Exception as wrong:
            _fail_with(outcome, wrong)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item):
        maximum = self._test.maximum
        name = self._test.namespace
        if maximum is None:
            yield from self._phase(_Measured(name), item)
            return
        self._write_forked("")
        # A budget is positive: where nothing is allowed, it is 1, and _judge sees a call of 1 FLOP.
        self._test.limit = max(maximum, 1)
        self._test.scope = flopshim.budget(self._test.limit, name)
        yield from self._phase(self._test.scope, item)
        self._test.scope = None

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_teardown(self):
        yield from self._phase(_Measured(self._test.namespace))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        if fixturedef.scope == "function" or self._test is None:
            yield
            return
        name = _absolute(_namespace_of_fixture(fixturedef))
        open_scopes = []

        def begin():
            open_scopes.append(_Measured(name))
            open_scopes[-1].__enter__()
            self._fixtures += 1

        def end():
            if not open_scopes:
                return
            scope = open_scopes.pop()
            scope.__exit__(None, None, None)
            self._fixtures -= 1
            # What a fixture does that another one asks for by getfixturevalue() is in the scope of that one, too.
            if self._test is not None and not self._fixtures:
                self._test.elsewhere += scope.used

        fixturedef.addfinalizer(end)  # finalizers run last in, first out: the fixture's own runs between these two
        begin()
        outcome = yield
        end()
        if not outcome.excinfo:
            fixturedef.addfinalizer(begin)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        if call.when == "teardown" and self._test is not None:
            item.user_properties.append((PROPERTY, self._test.flops))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self):
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output["flopshim"] = self.told()

    def told(self):
        """What the controller is to know of this process."""
        return {"used": flopshim.used("."), "dump": flopshim.dump_path(), "deselected": self._deselected}


# ---- the session, in the process that reports ----


class _Session:
    """Collects what the tests did, compares it with the lock, and reports."""

    def __init__(self, config):
        self._config = config
        self._folder, _own_folder.path = _own_folder.path, None  # a session that a test starts has none
        self._tests = {}        # {node id: FLOPs}
        self._collected = set()  # node ids
        self._begun = set()      # those of tests that have begun
        self._ran = set()        # those of tests whose function ran
        self._processes = []    # what _Scopes.told says of each
        self._without = 0       # workers that are not under the shim
        self._answer = []       # lines on the lock
        self._bad = False       # whether they tell of a failure

    def pytest_report_header(self):
        return None if self._folder is None or not self._config.option.flops_out else f"flops: dumps in {self._folder}"

    def pytest_collection_finish(self, session):
        self._collected.update(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids):
        self._collected.update(ids)

    def pytest_runtest_logreport(self, report):
        self._begun.add(report.nodeid)
        if report.when == "call" and (not report.skipped or hasattr(report, "wasxfail")):
            self._ran.add(report.nodeid)
        if report.when == "teardown":
            done = dict(entry for entry in report.user_properties if entry[0] == PROPERTY).get(PROPERTY)
            if done is not None:
                self._tests[report.nodeid] = self._tests.get(report.nodeid, 0) + done

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        told = (getattr(node, "workeroutput", None) or {}).get("flopshim")
        if told is None:
            self._without += 1
        else:
            self._processes.append(told)

    @pytest.hookimpl(trylast=True)  # after xdist has ended its workers, and before the summary
    def pytest_sessionfinish(self, session):
        self._processes.insert(0, self._config.pluginmanager.getplugin("flopshim_scopes").told())
        if self._config.option.flops_lock:
            status = self._compare(int(session.exitstatus))
            if status:
                session.exitstatus = status

    def _compare(self, status):
        """Compares with the lock, or writes it. Returns the exit status of pytest, 0 to leave it as it is."""
        options = self._config.option
        # A process without any work, such as the one that controls xdist's workers, has no dump.
        dumps = [self._folder] if self._folder else [told["dump"] for told in self._processes if told["used"]]
        doubt, missing = None, None
        if status == pytest.ExitCode.NO_TESTS_COLLECTED:
            doubt = "no test ran"
        elif status:
            doubt = "not all tests passed, and one that fails does other work"
        elif self._without:
            doubt = f"{self._without} workers of xdist were not under flopshim: their environment lacks LD_PRELOAD"
        elif not dumps or not all(dumps):
            doubt = ("this run leaves no dump: FLOPSHIM_OUT must name a place that can be written, and some test must "
                     "do work")
        else:
            missing = self._missing(dumps)
            if missing and options.flops_update and not options.flops_drop:
                doubt = f"{missing}, and a lock without their work would be wrong: run them all, or add --flops-drop"
        if doubt:
            self._answer = [f"flops: not compared with {options.flops_lock}: {doubt}" if not options.flops_update else
                            f"flops: {options.flops_lock} is left as it is: {doubt}"]
            self._bad = True
            return 0 if status else pytest.ExitCode.USAGE_ERROR
        if missing:
            self._answer.append(f"flops: {missing}; what {options.flops_lock} has of them is missing here"
                                if not options.flops_update else f"flops: {missing}")
        return self._ask(dumps, bool(missing))

    # Which tests are missing.

    def _missing(self, dumps):
        """Says how many tests did not run that the lock has, or may have; None if none are known to be missing."""
        deselected = max(told["deselected"] for told in self._processes)  # each worker of xdist deselects the same
        not_begun = len(self._collected - self._begun)
        if deselected:
            return _tests_were(deselected, "deselected")
        if not_begun:
            return f"{_tests(not_begun)} did not run, since the session ended before"
        lost = sorted(self._lost(dumps))
        if lost:
            return f"{_tests(len(lost))} of {self._config.option.flops_lock} did not run ({_some(lost)})"
        if self._is_narrowed() and not self._lock_path().exists():
            return "--lf, --sw or --ignore may have left tests out"
        return None

    def _lock_path(self):
        return self._config.invocation_params.dir / self._config.option.flops_lock

    def _is_narrowed(self):
        """Whether an option may leave tests out without a word."""
        return any(self._config.getoption(name, None) for name in ("lf", "stepwise", "ignore", "ignore_glob"))

    def _lost(self, dumps):
        """The namespaces of tests that the lock has, and that did not run, although they may still be there."""
        names = _namespaces_of(self._collected)
        ran = {names[nodeid][1:] for nodeid in self._ran if nodeid in names}
        collected = {name[1:] for name in names.values()}
        locked = {space for space in _spaces_of_lock(self._lock_path()) if not _is_inside(space, ran)}
        lost = {_is_inside(space, collected) for space in locked} - {None}
        others = {space for space in locked if not _is_inside(space, collected) and not self._would_be_collected(space)}
        if others:  # those that the program itself has named have no test
            others -= self._spaces_of_run(dumps)
        return lost | {space for space in others if not _is_inside(space.rpartition(".")[0], others)}

    def _would_be_collected(self, space):
        """Whether a test of this namespace would have been collected, if it still existed."""
        if self._is_narrowed():
            return False
        root = self._config.rootpath
        for word in self._config.args:
            path = Path(os.path.abspath(self._config.invocation_params.dir / word))
            if "::" in word or not path.exists():
                continue
            if path == root or path in root.parents:
                return True
            if root in path.parents and _is_inside(space, {_namespace_of_folder(str(path.relative_to(root)))[1:]}):
                return True
        return False

    def _spaces_of_run(self, dumps):
        done = self._report("--by", "namespace", "--json", "--", *dumps)
        try:
            return {row["namespace"] for row in json.loads(done.stdout)["groups"]}
        except (ValueError, KeyError):  # `check` will say what is wrong with the dumps
            return set()

    def _workers(self):
        return len(self._processes) - 1

    def _options_of_check(self, partial):
        if self._config.option.flops_update:
            return ["--update", *(ONLY_TESTS if self._workers() else [])]
        # A test that does not run starts no processes. With workers, the lock has no number, or is not comparable.
        chosen = partial or self._config.option.file_or_dir or self._is_narrowed()
        return ["--any-processes"] if chosen and not self._workers() else []

    def _report(self, *arguments):
        environment = dict(os.environ)
        environment.pop("LD_PRELOAD", None)  # the shim's: flopshim-report is no part of the run
        return subprocess.run([_program("flopshim-report"), *arguments], env=environment,
                              cwd=self._config.invocation_params.dir, capture_output=True)

    def _ask(self, dumps, partial):
        options = self._config.option
        done = self._report("check", "--lock", options.flops_lock, *self._options_of_check(partial),
                            *shlex.split(options.flops_check), "--", *dumps)
        lines = (done.stdout + done.stderr).decode(errors="replace").splitlines()
        # A sentence that tells of the option to write the lock is to have its name here.
        self._answer += [re.sub(r" --update$", " --flops-update", line) for line in lines]
        self._bad = done.returncode != 0
        if done.returncode == 5 and not options.flops_update:
            self._answer.append(f"flops: this run had {self._workers() or 'no'} workers of xdist; a lock that was "
                                "written with workers holds for any number of them, and one without for none")
        if done.returncode in (0, 3):
            return pytest.ExitCode.TESTS_FAILED if done.returncode else 0
        return pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter):
        write = terminalreporter.write_line
        terminalreporter.section("FLOPs")
        in_tests, in_all = sum(self._tests.values()), sum(told["used"] for told in self._processes)
        most = sorted((-done, name) for name, done in self._tests.items() if done)[:self._config.option.flops_top]
        width = max([len(f"{-done:,}") for done, _ in most], default=0)
        for done, name in most:
            write(f"{-done:>{width},}  {_share(-done, in_tests):>6}  {name}")
        rest = sum(1 for done in self._tests.values() if done) - len(most)
        if rest:
            write(f"... and {rest} more tests with FLOPs; --flops-top shows more")
        others = f"; {in_all - in_tests:,} more were done outside of them" if in_all > in_tests else ""
        write(f"{in_tests:,} FLOPs in {len(self._tests)} test{'' if len(self._tests) == 1 else 's'}{others}")
        if self._without:
            write(f"flops: {self._without} workers of xdist were not under flopshim, and their tests are not counted")
        for line in self._answer:
            write(line, red=self._bad)


def _tests(count):
    return f"{count} test{'' if count == 1 else 's'}"


def _tests_were(count, what):
    return f"{_tests(count)} {'was' if count == 1 else 'were'} {what}"


def _some(names):
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _is_inside(space, spaces):
    """The one of some namespaces that this one is, or lies in; None if there is none."""
    while space and space not in spaces:
        space = space.rpartition(".")[0]
    return space or None


def _spaces_of_lock(path):
    """The namespaces of a lock, but for the root and those of fixtures. One that cannot be read has none: `check` says why."""
    try:
        lines = path.read_text(errors="replace").split("\n")
    except OSError:
        return set()
    rows = [line.split("\t") for line in lines if line.startswith("site\t")]
    spaces = {row[2] for row in rows if len(row) == 6}
    return {space for space in spaces if space != "(root)" and not re.search(r"(^|\.)fixture:", space)}


def _share(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else ""
