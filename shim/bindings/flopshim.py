# SPDX-License-Identifier: BSD-3-Clause
"""flopshim: budgets of FLOPs for parts of a Python program, NumPy and SciPy included.

    import flopshim

    with flopshim.budget(10**9, namespace="forward") as b:
        c = a @ w                       # refused: raises flopshim.BudgetExhaustedError here
    print(b.used, b.remaining)

    @flopshim.budget(10**6)             # for every call anew
    def step(x): ...

Run it with `flopshim python3 program.py` (or LD_PRELOAD=libflopshim.so). Without the shim nothing is counted: the
module says so once on standard error, every amount is 0 and every budget holds.

Amounts are FLOPs, as whole numbers; a budget may be any positive, finite number and is rounded up. Names of namespaces
are dotted paths, `train.forward`, relative to the namespace that is open; a leading dot makes them absolute, None is
the one that is open. A wrong name or amount raises ValueError (TypeError if it has the wrong type) and changes
nothing.

What is raised, and where. A BLAS or LAPACK call that does not fit is not run. The Python statement that made it raises
BudgetExhaustedError in place of its result, in whatever thread it runs; no later statement, and no Python function
that the same C call goes on to call, sees the output that was not computed. It is raised for the budgets of this
module. A budget from the environment (FLOPSHIM_BUDGET) belongs to whoever set it: it does what FLOPSHIM_ON_EXCEED says,
inside a `with` too; only `deny`, which would let the program go on with untouched output, raises there.

Three limits of that. Compiled code between the statement and BLAS (Cython, C) may run on until it returns to Python. A
call in a thread that is not Python's (of an OpenMP region, say) has no statement: it is denied, said on standard error,
and raised where the next `with` of a budget ends. A call that a trace function makes (for a debugger's `p a @ b`) is
said there too, and fails with a MemoryError.

Scopes belong to threads, not to tasks: do not `await` or `yield` inside a `with` of this module, since whatever runs
meanwhile in this thread would be charged to it. Put it around the part that computes, or in asyncio.to_thread.
A thread without a scope of its own charges where the thread that made it stands at that moment.
"""

import atexit
import collections
import copy
import ctypes
import functools
import inspect
import json
import math
import numbers
import operator
import os
import re
import signal
import sys
import threading
import types
import warnings

__all__ = [
    "BudgetExhaustedError", "budget", "calls", "charge", "cost", "dump_path", "namespace", "present", "remaining",
    "reset", "set_budget", "set_multiplier", "summary", "summary_dict", "used",
]


class BudgetExhaustedError(RuntimeError):
    """Work that did not fit a budget, and was not done.

    operation   the routine ("dgemm"), or the name given to charge()
    cost        FLOPs that it would have been charged
    remaining   FLOPs that were left of the limit
    namespace   of the limit; "" is the root
    limit       the limit's amount, in FLOPs
    site        "file.py:12 in function", or None where no Python code made the call
    call        the operation with its arguments, as text
    """

    def __init__(self, operation, cost, remaining, namespace="", limit=None, site=None, call=None):
        super().__init__(operation, cost, remaining, namespace, limit, site, call)
        self.operation, self.cost, self.remaining = operation, cost, remaining
        self.namespace, self.limit, self.site, self.call = namespace, limit, site, call

    def __str__(self):
        total = "" if self.limit is None else f" of the budget of {self.limit:,}"
        where = f" in namespace '{self.namespace}'" if self.namespace else ""
        return (f"{self.call or self.operation} refused: it costs {self.cost:,} FLOPs, "
                f"{self.remaining:,} remain{total}{where}")


# ---- flopshim.h ----

_UNLIMITED = 2**63 - 1
_ABSENT, _NOT_OPEN, _NO_MEMORY, _TOO_MANY, _REFUSED = -1, -4, -7, -8, -9
_ERRORS = {
    -2: "not a name of a namespace",
    -3: "not a positive, finite number of FLOPs",
    _NOT_OPEN: "no such scope is open in this thread",
    -5: "no such routine",
    -6: "not an argument of this routine, or not a value of it",
    _NO_MEMORY: "out of memory",
    _TOO_MANY: "too many namespaces or shapes",
    -10: "the routine has no price",
}
_DEFAULT, _DENY = 0, 3
_TEXT, _JSON, _BY_NAMESPACE = 0, 1, 2


class _Shape(ctypes.Structure):
    _fields_ = [("rank", ctypes.c_int32), ("extents", ctypes.c_int64 * 8)]


class _Exceeded(ctypes.Structure):
    _fields_ = [
        ("operation", ctypes.c_char_p),
        ("call", ctypes.c_char_p),
        ("cost", ctypes.c_int64),
        ("remaining", ctypes.c_int64),
        ("limit", ctypes.c_int64),
        ("namespace_name", ctypes.c_char_p),
        ("limit_is_scope", ctypes.c_int32),
        ("caller", ctypes.c_uint64),
    ]


# The first is a struct flopshim_exceeded *: ctypes cannot make a pointer while an error is set (_deny_and_fail).
_ExceedCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


def _function(result, *arguments):
    # None of them waits for another thread's Python code, so the GIL may be kept.
    return ctypes.PYFUNCTYPE(result, *arguments)


class _Api(ctypes.Structure):
    """struct flopshim_api."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("version", ctypes.c_uint32),
        ("begin", _function(ctypes.c_int64, ctypes.c_char_p, ctypes.c_int64)),
        ("end", _function(ctypes.c_int64, ctypes.c_int64)),
        ("set_budget", _function(ctypes.c_int, ctypes.c_char_p, ctypes.c_int64)),
        ("set_multiplier", _function(ctypes.c_int, ctypes.c_char_p, ctypes.c_uint64)),
        ("charge", _function(ctypes.c_int, ctypes.c_char_p, ctypes.c_int64, ctypes.c_char_p, ctypes.c_int,
                             ctypes.POINTER(_Shape))),
        ("used", _function(ctypes.c_int64, ctypes.c_char_p)),
        ("remaining", _function(ctypes.c_int64, ctypes.c_char_p)),
        ("calls", _function(ctypes.c_int64, ctypes.c_char_p)),
        ("scope_used", _function(ctypes.c_int64, ctypes.c_int64)),
        ("scope_remaining", _function(ctypes.c_int64, ctypes.c_int64)),
        ("cost", _function(ctypes.c_int64, ctypes.c_char_p, ctypes.c_char_p)),
        ("summary", _function(ctypes.c_int64, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)),
        ("reset", _function(ctypes.c_int)),
        ("on_exceed", _function(ctypes.c_int, _ExceedCallback, ctypes.c_void_p)),
        ("quiet", _function(ctypes.c_int, ctypes.c_int)),
        ("dump_path", _function(ctypes.c_char_p)),
    ]


def _find_api():
    try:
        return _Api.in_dll(ctypes.CDLL(None), "flopshim_api_1")
    except ValueError:
        return None


_api = _find_api()
_absence_said = False


def _shim(required=False):
    """The API, or None where the shim is not loaded: that is said once, or raised."""
    global _absence_said
    if _api is None and required:
        raise RuntimeError("flopshim is not loaded, and no budget is enforced; run the program with `flopshim`")
    if _api is None and not _absence_said:
        _absence_said = True
        print("flopshim: the shim is not loaded: nothing is counted and no budget enforced; run the program with "
              "`flopshim`", file=sys.stderr)
    return _api


def _checked(result, what=None):
    if result >= 0:
        return result
    text = _ERRORS.get(result, f"error {result}") + ("" if what is None else f": {what!r}")
    if result == _NO_MEMORY:
        raise MemoryError(text)
    if result in (_NOT_OPEN, _TOO_MANY):
        raise RuntimeError(text)
    raise ValueError(text)


def _text(value, what):
    """A name for the C side, which would not see what follows a NUL."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{what} is a str, not {value!r}")
    if "\0" in value:
        raise ValueError(f"{what} with a NUL character: {value!r}")
    return value.encode("utf-8", "surrogatepass")


def _flops(value, zero_allowed=False):
    """A number of FLOPs, rounded up."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"a number of FLOPs is expected, not {value!r}")
    if not 0 <= value < _UNLIMITED or (value == 0 and not zero_allowed):
        raise ValueError(f"not a {'' if zero_allowed else 'positive, '}finite number of FLOPs: {value!r}")
    return math.ceil(value)


# ---- a refused call becomes an exception ----

# Namespaces whose budget is the environment's, but for those whose budget this module has replaced.
_environment_budgets = {
    part.rpartition("=")[0].lstrip(".") for part in os.environ.get("FLOPSHIM_BUDGET", "").split(",") if part
}
_environment_denies = os.environ.get("FLOPSHIM_ON_EXCEED") == "deny"
_open_budgets = []  # those that are open, in any thread
_unraised = collections.deque()  # errors of calls that had no statement to raise them in


class _Thread(threading.local):
    def __init__(self):
        self.charging = False  # inside of charge()
        self.refused = None  # the error of that


_thread = _Thread()


def _site(frame):
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


def _raises(call):
    """Whether the limit that was hit is one that raises."""
    if call.limit_is_scope:
        return bool(_open_budgets)
    if call.namespace_name.decode() in _environment_budgets:
        return _environment_denies and bool(_open_budgets)
    return True


def _refuse(call):
    ours = _raises(call)
    if not ours and not _thread.charging:
        return _DEFAULT
    try:
        frame = sys._getframe(2)
    except ValueError:
        frame = None  # a thread that is not Python's
    if _thread.charging:
        frame = frame.f_back
    error = BudgetExhaustedError(
        call.operation.decode(errors="replace"), call.cost, call.remaining, call.namespace_name.decode(), call.limit,
        frame and _site(frame), call.call.decode(errors="replace"))
    if _thread.charging:
        _thread.refused = error
        if not ours:
            return _DEFAULT
    if any(not budget._quiet for budget in tuple(_open_budgets)):
        _say(error)
    if _thread.charging:
        return _DENY
    if frame is None:
        _postpone(error)
        return _DENY
    return _raise_in(frame, error)


def _on_exceed(call, _context):
    """The exceed callback: runs in the thread of the call, under the GIL, before the routine would have."""
    try:
        _clear_error()
        pending = sys.gettrace()
        if isinstance(pending, _RaiseAtNextEvent) and pending.frame is sys._getframe(1):
            return _deny_and_fail()  # the same C call was refused before: what it said first is what is raised
        return _refuse(_Exceeded.from_address(call))
    except BaseException as error:  # KeyboardInterrupt, say: it must neither be lost nor end the process
        try:
            return _raise_in(sys._getframe(1), error)
        except ValueError:
            _postpone(error)
            return _DENY


_callback = _ExceedCallback(_on_exceed)
_installed = False


def _install(api):
    """Has refusals come here, from the first budget of the module on; importing it changes nothing."""
    global _installed
    if not _installed:
        _instruction_events.start()
        _installed = True
        api.on_exceed(_callback, None)
        atexit.register(api.on_exceed, _ExceedCallback(), None)


def _say(error):
    print(f"flopshim: {error}", file=sys.stderr)


def _postpone(error):
    _say(error)
    _unraised.append(error)


def _raise_in(frame, error):
    """Has `frame`, which is inside a C call, raise `error` instead of going on after it.

    The C call is made to fail, which most do as soon as they see that an error is set, so that it is this instruction
    that fails and the `try` and `with` around it see that. A trace function puts `error` in the place of whatever the C
    call then raises; if it raises nothing, the function raises `error` itself at the very next instruction. (A pending
    call or an asynchronous exception would come too late: `c = a @ b` does not look for them before it stores.)"""
    pending = _RaiseAtNextEvent(frame, error)
    pending.arm()
    _probe()  # from here on Python functions are traced
    if not pending.is_called:  # inside of a trace function, where nothing is traced
        pending.disarm()
        _say(error)
    return _deny_and_fail()


def _probe():
    pass


class _Answer(int):
    """What the callback answers, and what goes with it."""


def _deny_and_fail():
    """The answer `deny`, which leaves an error set in its thread.

    It is set when the answer goes: after ctypes has read it, since ctypes clears an error that is set before that. What
    sets it is the destructor of a capsule, the one thing to go that calls a C function and does not look what it did.
    That it is a MemoryError has no meaning."""
    answer = _Answer(_DENY)
    answer.capsule = _new_capsule(1, None, _set_error)
    return answer


_new_capsule = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
    ("PyCapsule_New", ctypes.pythonapi))
_set_error = ctypes.cast(ctypes.pythonapi.PyErr_NoMemory, ctypes.c_void_p)
# Where Python code runs while that error is set (the C call is refused again, or calls Python back), this comes first.
_clear_error = ctypes.PYFUNCTYPE(None)(("PyErr_Clear", ctypes.pythonapi))


class _RaiseAtNextEvent:
    """A trace function that raises `error` at the next event of `frame`, and leaves what was traced before as it was.

    It stays until the frame itself has got the error: a Python function that the C call runs meanwhile gets it too, but
    C code may drop that one, or replace it (NumPy takes a denied dgesv for a singular matrix)."""

    def __init__(self, frame, error):
        self.frame = frame
        self.error = error
        self.tracing = sys.gettrace()
        self.frame_tracing = frame.f_trace
        self.opcodes = _instruction_events.begin(frame)
        self.is_called = False

    def arm(self):
        self.frame.f_trace = self
        sys.settrace(self)

    def disarm(self):
        """Once, in the end."""
        _instruction_events.end(self.frame, self.opcodes)
        self.frame.f_trace = self.frame_tracing
        sys.settrace(self.tracing)

    def __call__(self, frame, event, argument):
        _clear_error()
        # Whoever raises here loses the tracing of the thread and of the frame: CPython switches both off, in this
        # order. What is in f_trace then goes last, and puts back what is wanted (_Last).
        error = [self.error]
        if frame is self.frame:
            if event == "exception":
                if not self._is_to_be_replaced(argument[1]):
                    self.disarm()
                    return self._forward(frame.f_trace, frame, event, argument)
                if sys.version_info >= (3, 12):  # where what replaces an exception does not get its line
                    self.error.with_traceback(types.TracebackType(None, frame, frame.f_lasti, frame.f_lineno))
                self._forward(self.frame_tracing, frame, event, (type(self.error), self.error, argument[2]))
            frame.f_trace = _Last(self.disarm)
        elif frame.f_code is _probe.__code__:
            self.is_called = True
            return None
        elif frame.f_code is _on_exceed.__code__:
            return None  # whose lines cannot be traced: it has to take the error away first
        elif self._is_bystander(frame):
            return self._forward(self.tracing, frame, event, argument)
        else:
            frame.f_trace = _Last(self.arm)
        del self, frame, argument  # the traceback keeps this function's variables: none may lead back to the error
        raise error.pop()

    def _is_to_be_replaced(self, exception):
        return exception is not self.error and isinstance(exception, Exception)

    def _is_bystander(self, frame):
        """Whether this frame has nothing to do with the refused call: finalizers and signal handlers may run between
        any two instructions; and the same C call may be refused again."""
        while frame is not None and frame is not self.frame:
            if _is_called_anywhere(frame.f_code):
                return True
            frame = frame.f_back
        return frame is None

    @staticmethod
    def _forward(tracing, frame, event, argument):
        return tracing(frame, event, argument) if tracing else None


def _is_called_anywhere(code):
    if code is _on_exceed.__code__ or code.co_name == "__del__":
        return True
    handlers = [signal.getsignal(number) for number in signal.valid_signals()] + [sys.unraisablehook]
    return any(getattr(handler, "__code__", None) is code for handler in handlers)


class _Last:
    """Calls `action` when it goes."""

    def __init__(self, action):
        self.action = action

    def __del__(self):
        self.action()


class _TraceOpcodes:
    """An event before every instruction of a frame, up to Python 3.11: a property of the frame."""

    def start(self):
        pass

    def begin(self, frame):
        before, frame.f_trace_opcodes = frame.f_trace_opcodes, True
        return before

    def end(self, frame, before):
        frame.f_trace_opcodes = before


class _MonitorInstructions:
    """The same from Python 3.12 on, where f_trace_opcodes crashes threads that are not traced (3.12), or is one switch
    for all that run the code (3.13)."""

    TOOLS = 3, 4  # the numbers that are nobody's by convention

    def start(self):
        free = [tool for tool in self.TOOLS if sys.monitoring.get_tool(tool) is None]
        if not free:
            raise RuntimeError("flopshim needs one of the tool numbers 3 and 4 of sys.monitoring, and both are taken")
        self.tool = free[0]
        self.waiting = collections.Counter()  # frames that wait, by code object
        self._make_lock()
        os.register_at_fork(after_in_child=self._make_lock)
        sys.monitoring.use_tool_id(self.tool, "flopshim")
        sys.monitoring.register_callback(self.tool, sys.monitoring.events.INSTRUCTION, self._before_instruction)

    def _make_lock(self):
        self.lock = threading.RLock()  # of waiting

    def begin(self, frame):
        with self.lock:
            self.waiting[frame.f_code] += 1
            sys.monitoring.set_local_events(self.tool, frame.f_code, sys.monitoring.events.INSTRUCTION)

    def end(self, frame, _before):
        with self.lock:
            self.waiting[frame.f_code] -= 1
            if not self.waiting[frame.f_code]:
                del self.waiting[frame.f_code]
                sys.monitoring.set_local_events(self.tool, frame.f_code, 0)

    @staticmethod
    def _before_instruction(_code, _offset):
        _clear_error()
        pending = sys.gettrace()
        if isinstance(pending, _RaiseAtNextEvent) and pending.frame is sys._getframe(1):
            pending.disarm()
            error = [pending.error]
            del pending
            raise error.pop()


_instruction_events = _MonitorInstructions() if hasattr(sys, "monitoring") else _TraceOpcodes()


# ---- scopes ----


class namespace:
    """Charges what is done inside to a namespace, without a budget: `with flopshim.namespace("forward"):`, or
    @flopshim.namespace("forward") on a function.

    ValueError for a wrong name, when it is entered."""

    def __init__(self, name):
        self._name = _text(name, "a namespace")
        self._scope = None

    def _begin(self, api):
        return _checked(api.begin(self._name, _UNLIMITED), self._name and self._name.decode(errors="replace"))

    def _another(self):
        """One for a block of its own."""
        another = copy.copy(self)
        another._scope = None
        return another

    def __enter__(self):
        if self._scope is not None:
            raise RuntimeError("this block is open already; make another object for a block inside of it")
        api = _shim()
        if api is not None:
            self._scope = self._begin(api)
        return self

    def __exit__(self, kind, error, traceback):
        if self._scope is not None:
            scope, self._scope = self._scope, None
            if _api.end(scope) < 0:
                warnings.warn("a flopshim block ended out of order or in another thread than it began in: what ran "
                              "meanwhile may be charged to the wrong namespace", RuntimeWarning, stacklevel=2)

    def __call__(self, function):
        """Decorates a function: every call of it is a block of its own."""
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function) or \
                inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} runs in pieces, between which others run in its thread: "
                            "open the scope inside of it")
        self._decorates(function)

        @functools.wraps(function)
        def scoped(*arguments, **keywords):
            with self._another():
                return function(*arguments, **keywords)

        scoped.flopshim = self
        return scoped

    def _decorates(self, function):
        pass


class budget(namespace):
    """Lets at most `flops` FLOPs be charged inside a block, or inside each call of a function:

        with flopshim.budget(10**9, namespace="forward") as b: ...
        @flopshim.budget(10**9, namespace="forward")

    flops       positive and finite, rounded up. All budgets around it hold as well.
    namespace   that the block charges to; None: the one that is open.
    quiet       False: every refusal is also said on standard error. (An exception says it already.)
    multiplier  factor of everything that is charged in `namespace`, which has to be given, from now on: it is the
                namespace's, not the block's.
    accumulate  True: one budget for all the calls, or blocks, together: the budget of `namespace`, which is then
                counted from FLOPSHIM_NAMESPACE or the root on, wherever it is entered. A decorated function that
                gives none has the one of its own name, `module.function`. A smaller one from the environment stays.
    required    True: RuntimeError where the shim is not loaded.

    Raises ValueError or TypeError for wrong arguments, BudgetExhaustedError at a statement whose call does not fit."""

    def __init__(self, flops, namespace=None, *, quiet=True, multiplier=None, accumulate=False, required=False):
        super().__init__(namespace)
        self._flops = _flops(flops)
        self._factor = None if multiplier is None else _factor(multiplier)
        if multiplier is not None and namespace is None:
            raise ValueError("a multiplier scales a namespace: give its name")
        self._quiet, self._accumulate, self._required = quiet, accumulate, required
        self._total = None  # (used, remaining) of the block that ended last
        if accumulate and namespace is not None:
            self._name = _absolute(self._name)

    def _decorates(self, function):
        if self._accumulate and self._name is None:
            path = f"{function.__module__}.{function.__qualname__}"
            self._name = _absolute(re.sub(r"[^A-Za-z0-9_.:-]", "_", path).encode())

    def _begin(self, api):
        if self._accumulate and self._name is None:
            raise ValueError("a budget that accumulates is a namespace's: give its name")
        _install(api)
        scope = _checked(api.begin(self._name, _UNLIMITED if self._accumulate else self._flops),
                         self._name and self._name.decode(errors="replace"))
        if self._accumulate:
            self._limit_namespace(api)
        if self._factor is not None:
            api.set_multiplier(None, self._factor)
        return scope

    def _limit_namespace(self, api):
        path = self._name.decode().lstrip(".")
        if path in _limited_here:
            return
        if path in _environment_budgets and api.remaining(None) <= self._flops - api.used(None):
            return
        _checked(api.set_budget(None, self._flops))
        _limited_here.add(path)
        _environment_budgets.discard(path)

    def __enter__(self):
        _shim(self._required)
        _open_budgets.append(self)  # before it begins: other threads may charge to it at once
        try:
            return super().__enter__()
        except BaseException:
            _open_budgets.remove(self)
            raise

    def __exit__(self, kind, error, traceback):
        if self._scope is not None:
            self._total = self.used, self.remaining
        super().__exit__(kind, error, traceback)
        _open_budgets.remove(self)
        if kind is None and _unraised:
            raise _unraised.popleft()

    @property
    def used(self):
        """FLOPs charged in the block: so far, or in the end. With `accumulate`, in its namespace."""
        if self._accumulate and _api is not None and self._name is not None:
            return _checked(_api.used(self._name))
        if self._scope is not None:
            return _checked(_api.scope_used(self._scope))
        return self._total[0] if self._total else 0

    @property
    def remaining(self):
        """FLOPs that may still be charged in it, as far as the budgets around it allow."""
        if self._accumulate and _api is not None and self._name is not None:
            path = self._name.decode().lstrip(".")
            return _checked(_api.remaining(self._name)) if path in _limited_here else self._flops
        if self._scope is not None:
            return _checked(_api.scope_remaining(self._scope))
        return self._total[1] if self._total else self._flops

    def summary(self):
        """One line of text: what is used and what remains."""
        name = f"namespace '{self._name.decode()}': " if self._name else ""
        return f"{name}{self.used:,} of {self._flops:,} FLOPs used, {self.remaining:,} remain"


_limited_here = set()  # namespaces whose budget an accumulating `budget` has set


def _absolute(name):
    """A name that means the same wherever it is entered."""
    if name.startswith(b"."):
        return name
    around = os.environ.get("FLOPSHIM_NAMESPACE", "").lstrip(".").encode()
    return b"." + (around + b"." if around else b"") + name


def _factor(multiplier):
    """A factor as the shim takes it, times 2^32."""
    if not isinstance(multiplier, numbers.Real) or isinstance(multiplier, bool):
        raise TypeError(f"a multiplier is a number, not {multiplier!r}")
    if not 0 < multiplier < 2**31:
        raise ValueError(f"a multiplier is positive, finite and below 2^31, not {multiplier!r}")
    factor = round(multiplier * 2**32)
    if not factor:
        raise ValueError(f"a multiplier below 2^-33 would make everything free: {multiplier!r}")
    return factor


# ---- functions ----


def present():
    """True if the shim counts this process."""
    return _api is not None


def charge(operation, flops, subscripts=None, shapes=()):
    """Charges work that is not a BLAS or LAPACK call, before it is done: `flops` FLOPs under the name `operation`.

    subscripts  text for the record, "ij,jk->ik"
    shapes      up to 8 tuples of up to 8 extents, the operands' shapes

    Raises BudgetExhaustedError if it does not fit; then it is not charged, and the work should not be done."""
    amount = _flops(flops, zero_allowed=True)
    operation = _text(operation, "an operation")
    subscripts = _text(subscripts, "subscripts")
    shapes = [tuple(operator.index(extent) for extent in shape) for shape in shapes]
    if not operation:
        raise ValueError("an operation without a name")
    if len(shapes) > 8 or any(len(shape) > 8 for shape in shapes):
        raise ValueError("at most 8 shapes of at most 8 extents")
    api = _shim()
    if api is None:
        return
    _install(api)
    array = (_Shape * len(shapes))(*((len(shape), shape) for shape in shapes))
    _thread.charging, _thread.refused = True, None
    try:
        result = api.charge(operation, amount, subscripts, len(shapes), array)
    finally:
        _thread.charging = False
        refused, _thread.refused = [_thread.refused], None
    if result == _REFUSED:
        raise refused.pop()
    _checked(result, operation.decode())


def _ask(question, name):
    name = _text(name, "a namespace")
    return _checked(question(name), name and name.decode(errors="replace"))


def used(namespace=None):
    """FLOPs charged to a namespace and those inside it since the process began."""
    api = _shim()
    return 0 if api is None else _ask(api.used, namespace)


def remaining(namespace=None):
    """FLOPs that may still be charged to it: the least that any limit on the way up leaves. math.inf without one."""
    api = _shim()
    left = _UNLIMITED if api is None else _ask(api.remaining, namespace)
    return math.inf if left == _UNLIMITED else left


def calls(namespace=None):
    """Calls completed in a namespace and those inside it, workspace queries not among them."""
    api = _shim()
    return 0 if api is None else _ask(api.calls, namespace)


def set_budget(namespace, flops):
    """Sets or replaces the budget of a namespace, over the life of the process: what has been used stays used."""
    amount, name = _flops(flops), _text(namespace, "a namespace")
    api = _shim()
    if api is not None:
        _install(api)
        _checked(api.set_budget(name, amount), namespace)


def set_multiplier(namespace, factor):
    """Scales what is charged in a namespace from now on, on top of its ancestors' factors; > 0 and below 2^31."""
    fixed, name = _factor(factor), _text(namespace, "a namespace")
    api = _shim()
    if api is not None:
        _checked(api.set_multiplier(name, fixed), namespace)


def cost(routine, **arguments):
    """FLOPs that one call of a routine would be charged: cost("dtrsm", side="L", m=300, n=400).

    Arguments have LAPACK's names: dimensions are whole numbers, options are letters. What is not given is 0, or an
    option without a letter. ValueError if there is no such routine or argument, or if it has no price."""
    words = " ".join(f"{name}={value if isinstance(value, str) else operator.index(value)}"
                     for name, value in arguments.items())
    routine_name, words = _text(routine, "a routine"), _text(words, "arguments")
    api = _shim()
    return 0 if api is None else _checked(api.cost(routine_name, words), f"{routine}({words.decode()})")


def _summary(kind):
    api = _shim()
    if api is None:
        return None
    size = 4096
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = _checked(api.summary(buffer, size, kind))
        if length < size:
            return buffer.value.decode(errors="replace")
        size = length + 4096  # other threads may add to it meanwhile


def summary(by_namespace=False):
    """What was charged since the start or the last reset(), as text."""
    return _summary(_TEXT | (_BY_NAMESPACE if by_namespace else 0)) or "flopshim is not loaded\n"


def summary_dict(by_namespace=False):
    """The same as a dict: `calls`, `flops` (before weights and multipliers), `charged`, `budget`, `remaining`, and
    `operations` {name: {calls, flops, charged}}; by namespace `namespaces` {path: {calls, own_flops, inclusive_flops,
    own_charged, inclusive_charged, budget, remaining, operations}}. {} without the shim."""
    text = _summary(_JSON | (_BY_NAMESPACE if by_namespace else 0))
    return {} if text is None else json.loads(text)


def reset():
    """Starts the summary anew. Budgets get nothing back, and the dump keeps everything."""
    api = _shim()
    if api is not None:
        _checked(api.reset())


def dump_path():
    """Path of this process's dump; None without one."""
    path = _api.dump_path() if _api is not None else None
    return os.fsdecode(path) if path else None
