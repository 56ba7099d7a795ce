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
the test function alone, not about its fixtures. Processes that a test starts charge to the root.
"""

import atexit
import hashlib
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
    group.addoption("--flops-check", metavar="OPTIONS", default="",
                    help="options for `flopshim-report check`, which compares with the lock: '--exact --github'")


def _is_wanted(options):
    wanted = options.flops or options.flops_lock or options.flops_update or options.flops_out
    return bool(wanted) and not getattr(options, "collectonly", False) and not getattr(options, "help", False)


def _check_options(options):
    if options.flops_update and not options.flops_lock:
        raise pytest.UsageError("--flops-update needs --flops-lock FILE, the lockfile to write")
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


# ---- pytest starts itself again ----


def _program(name):
    """The path of a program of flopshim: of the installation that this file belongs to, or else one in PATH."""
    beside = Path(__file__).resolve().parent.parent.parent / "bin" / name
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
    if not found:
        raise pytest.UsageError(f"--flops: there is no program `{name}` in PATH; it comes with flopshim")
    return found


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
        _start_again(early_config, options)
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.addinivalue_line("markers", "flops(max): the most FLOPs that the test function may do, under `pytest "
                            "--flops`; a BLAS or LAPACK call that would go beyond is refused, and fails the test")
    if not _is_wanted(config.option):
        return
    if not flopshim.present() or FOLDER_VARIABLE in os.environ:
        _start_again(config, config.option)  # the plugin was loaded too late for the hook above, by a conftest.py
    _check_options(config.option)
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
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
    made = request.node.stash[_COUNTS] = Flops()
    return made


_COUNTS = pytest.StashKey()


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
        self.flops = 0
        self.elsewhere = 0  # FLOPs of scopes of fixtures inside the phase that runs
        self.refused = None


class _Scopes:
    """Opens a scope for each phase of each test, and for each fixture of wider scope."""

    def __init__(self, config):
        self._config = config
        self._names = {}  # {node id: namespace}
        self._test = None
        self._deselected = 0
        flopshim._refusal_listeners.append(self._refused)

    def pytest_unconfigure(self):
        flopshim._refusal_listeners.remove(self._refused)

    def pytest_deselected(self, items):
        self._deselected += len(items)

    def pytest_collection_finish(self, session):
        owners = {}
        for item in session.items:
            owners.setdefault(namespace_of(item.nodeid), set()).add(item.nodeid)
        for name, nodeids in owners.items():
            for nodeid in nodeids:
                self._names[nodeid] = _absolute(name if len(nodeids) == 1 else namespace_of(nodeid, ambiguous=True))

    def _refused(self, error):
        test = self._test
        if test is not None and test.refused is None and error.limit == max(test.maximum or 0, 1) and \
                f".{error.namespace}" == test.namespace:
            test.refused = f"{error}; {error.site}"

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
        # A budget is positive: where nothing is allowed, it is 1, and _judge sees a call of 1 FLOP.
        scope = _Measured(name) if maximum is None else flopshim.budget(max(maximum, 1), name)
        yield from self._phase(scope, item)

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

        def end():
            if not open_scopes:
                return
            scope = open_scopes.pop()
            scope.__exit__(None, None, None)
            if self._test is not None:
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
        self._processes = []    # what _Scopes.told says of each
        self._without = 0       # workers that are not under the shim
        self._answer = []       # lines on the lock
        self._bad = False       # whether they tell of a failure

    def pytest_report_header(self):
        return None if self._folder is None or not self._config.option.flops_out else f"flops: dumps in {self._folder}"

    def pytest_runtest_logreport(self, report):
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
        deselected = sum(told["deselected"] for told in self._processes)
        # A process without any work, such as the one that controls xdist's workers, has no dump.
        dumps = [self._folder] if self._folder else [told["dump"] for told in self._processes if told["used"]]
        doubt = None
        if status == pytest.ExitCode.NO_TESTS_COLLECTED:
            doubt = "no test ran"
        elif status:
            doubt = "not all tests passed, and one that fails does other work"
        elif self._without:
            doubt = f"{self._without} workers of xdist were not under flopshim: their environment lacks LD_PRELOAD"
        elif not dumps or not all(dumps):
            doubt = ("this run leaves no dump: FLOPSHIM_OUT must name a place that can be written, and some test must "
                     "do work")
        elif deselected and options.flops_update:
            doubt = f"{deselected} tests were deselected, and a lock without their work would be wrong: run them all"
        if doubt:
            self._answer = [f"flops: not compared with {options.flops_lock}: {doubt}" if not options.flops_update else
                            f"flops: {options.flops_lock} is left as it is: {doubt}"]
            self._bad = True
            return 0 if status else pytest.ExitCode.USAGE_ERROR
        if deselected:
            self._answer.append(f"flops: {deselected} tests were deselected; what {options.flops_lock} has of them is "
                                "missing here")
        return self._ask(dumps)

    def _workers(self):
        return len(self._processes) - 1

    def _update_options(self):
        if not self._config.option.flops_update:
            return []
        return ["--update", *(ONLY_TESTS if self._workers() else [])]

    def _ask(self, dumps):
        options = self._config.option
        command = [_program("flopshim-report"), "check", "--lock", options.flops_lock,
                   *self._update_options(), *shlex.split(options.flops_check), "--", *dumps]
        environment = dict(os.environ)
        environment.pop("LD_PRELOAD", None)  # the shim's: flopshim-report is no part of the run
        done = subprocess.run(command, env=environment, cwd=self._config.invocation_params.dir, capture_output=True)
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


def _share(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else ""
