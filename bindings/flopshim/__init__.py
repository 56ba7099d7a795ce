# SPDX-License-Identifier: BSD-3-Clause
"""flopshim: budgets of FLOPs for parts of a Python program, NumPy and SciPy included.

    import flopshim

    with flopshim.budget(10**9, namespace="forward") as b:
        c = a @ w                       # refused: raises flopshim.BudgetExhaustedError here
    print(b.used, b.remaining)

    @flopshim.budget(10**6)             # for every call anew
    def step(x): ...

Run the program with `flopshim python3 program.py` (or LD_PRELOAD=libflopshim.so). Without the shim the module must never
change what a program does: it says once on standard error that nothing is counted, every amount is 0, and every budget
holds.

Amounts are FLOPs, as integers; a budget may be any positive, finite number and is rounded up. The name of a namespace is a
dotted path such as `train.forward`, relative to the namespace that is open; a leading dot makes it absolute, and None
names the open namespace itself. A wrong name or amount raises ValueError (TypeError if it has the wrong type) and changes
nothing.

A BLAS or LAPACK call that does not fit in a budget is not run. The Python statement that made the call raises
BudgetExhaustedError instead of having a result, in whatever thread it runs. The output that was not computed is seen by no
later statement, nor by a Python function that the same C call goes on to call. The budgets of this module raise. A budget
from the environment (FLOPSHIM_BUDGET) belongs to whoever set it: a call that does not fit there is handled as
FLOPSHIM_ON_EXCEED says, inside a `with` too. Only `deny`, which would let the program go on with untouched output, raises
inside a `with`. If a signal handler raises while a refusal is handled (KeyboardInterrupt, say), the statement raises that
exception instead.

This has three limits. Compiled code between the statement and BLAS (Cython, C) may run on until it returns to Python; more
calls that are refused meanwhile are counted without a message. A call in a thread that is not Python's (in an OpenMP
region, say) has no statement: it is denied with a line on standard error, and the exception is raised where the block of
the budget that refused it ends (for a namespace's budget, the innermost open block), unless that block has raised already
or ends by another exception. A call that a trace function makes (for a debugger's `p a @ b`) fails, but may fail late.

Scopes belong to threads, not to tasks: whatever runs in a thread is charged to the block that was opened last in it and
is still open. So do not `await` or `yield` inside a `with` of this module, since what other tasks of the thread do
meanwhile would be charged to it: put the `with` around the part that computes, or use asyncio.to_thread. If blocks
overlap, each holds until it ends, and a block that outlives one around it gives a RuntimeWarning. A block that is never
left, because its generator was dropped or an exception came in between, ends when its object is freed. A thread without a
scope of its own charges to the scope that is open in its origin, the thread that created it.
"""

import atexit
import ctypes
import itertools
import math
import numbers
import operator
import os
import sys
import warnings

# A program may import this for its markers alone: what takes longer to import than that (functools, inspect, json, re,
# signal), and the modules beside this file, are imported where they are used.

__all__ = [
    "BudgetExhaustedError", "Report", "ReportError", "ReportWarning", "budget", "calls", "charge", "cost", "dump_path",
    "namespace", "present", "remaining", "reset", "set_budget", "set_multiplier", "summary", "summary_dict", "used",
]

_OF_REPORT = ("Report", "ReportError", "ReportWarning")  # names that are defined in report.py


def __getattr__(name):
    """Called for a name that is not here yet."""
    if name == "__version__":
        from . import programs

        try:
            value = programs.version()
        except programs.NoProgram as error:
            raise AttributeError(str(error)) from None
    elif name in _OF_REPORT:
        from . import report

        value = getattr(report, name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_OF_REPORT, "__version__"})


def load_ipython_extension(shell):
    """IPython calls this for `%load_ext flopshim`, which brings %flops and %%flops."""
    from . import magics

    shell.register_magics(magics.FlopsMagics)


class BudgetExhaustedError(RuntimeError):
    """Work did not fit in a budget, and was not done.

    operation   the routine ("dgemm"), or the name given to charge()
    cost        FLOPs that it would have been charged
    remaining   FLOPs that the limit had left
    namespace   namespace of the limit; "" is the root
    limit       FLOPs that the limit allows in all, or None
    site        "file.py:12 in function", or None if no Python code made the call
    call        the operation with its arguments, as text, or None
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
# enum flopshim_error, and the texts of flopshim_error_text.
_OK = 0
_ABSENT = -1
_BAD_NAME = -2
_BAD_AMOUNT = -3
_NOT_OPEN = -4
_NO_ROUTINE = -5
_BAD_ARGUMENT = -6
_NO_MEMORY = -7
_TOO_MANY = -8
_REFUSED = -9
_UNPRICED = -10
_ERRORS = {
    _ABSENT: "the shim is not loaded",
    _BAD_NAME: "not a name of a namespace",
    _BAD_AMOUNT: "not a positive, finite number of FLOPs",
    _NOT_OPEN: "no such scope is open in this thread",
    _NO_ROUTINE: "no such routine",
    _BAD_ARGUMENT: "an argument is unknown, missing or out of range",
    _NO_MEMORY: "out of memory",
    _TOO_MANY: "too many namespaces or shapes",
    _REFUSED: "refused: it does not fit the budget",
    _UNPRICED: "the routine has no price",
}
_TEXT, _JSON, _BY_NAMESPACE = 0, 1, 2


class _Shape(ctypes.Structure):
    _fields_ = [("rank", ctypes.c_int32), ("extents", ctypes.c_int64 * 8)]


class _Refusal(ctypes.Structure):
    """struct refusal, of namespace.h."""

    _fields_ = [
        ("operation", ctypes.c_char * 256),
        ("call", ctypes.c_char * 512),
        ("namespace_name", ctypes.c_char_p),
        ("cost", ctypes.c_int64),
        ("remaining", ctypes.c_int64),
        ("limit", ctypes.c_int64),
        ("loud", ctypes.c_int32),
    ]


class _BlockEnd(ctypes.Structure):
    """struct block_end, of raise.h."""

    _fields_ = [("used", ctypes.c_int64), ("remaining", ctypes.c_int64), ("refusal", _Refusal)]


_BUDGET, _LOUD = 1, 2  # enum block_flags
_KEPT_REFUSAL, _OVERTAKEN = 1, 2  # enum block_ending


def _function(result, *arguments):
    # PYFUNCTYPE keeps the GIL, since no function of the shim waits for Python code of another thread.
    return ctypes.PYFUNCTYPE(result, *arguments)


class _PythonApi(ctypes.Structure):
    """struct flopshim_python, of raise.h."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("functions", ctypes.POINTER(ctypes.c_char_p)),
        ("use", _function(None, ctypes.POINTER(ctypes.c_void_p))),
        ("attach", _function(ctypes.py_object, ctypes.py_object, ctypes.c_int, ctypes.c_int)),
        ("detach", _function(None)),
        ("begin", _function(ctypes.py_object, ctypes.c_char_p, ctypes.c_int64, ctypes.c_int,
                            ctypes.POINTER(ctypes.c_int64))),
        ("end", _function(ctypes.c_int, ctypes.c_int64, ctypes.POINTER(_BlockEnd))),
        ("set_budget", _function(ctypes.c_int, ctypes.c_char_p, ctypes.c_int64)),
        ("charge", _function(ctypes.c_int, ctypes.c_char_p, ctypes.c_int64, ctypes.c_char_p, ctypes.c_int,
                             ctypes.POINTER(_Shape), ctypes.POINTER(_Refusal))),
        ("open_budgets", _function(ctypes.c_int64)),
    ]


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
        ("on_exceed", ctypes.c_void_p),
        ("quiet", _function(ctypes.c_int, ctypes.c_int)),
        ("dump_path", _function(ctypes.c_char_p)),
        ("python", ctypes.POINTER(_PythonApi)),
    ]


def _find_api():
    try:
        api = _Api.in_dll(ctypes.CDLL(None), "flopshim_api_1")
    except ValueError:
        return None
    if api.size < ctypes.sizeof(_Api) or api.python.contents.size < ctypes.sizeof(_PythonApi):
        raise ImportError("this module flopshim is newer than the libflopshim.so that is loaded")
    return api


_api = _find_api()
_python = _api and _api.python.contents
_absence_said = False


def _hand_over_interpreter():
    """Gives the shim the addresses of the functions of Python's C API that it calls."""
    names = list(itertools.takewhile(lambda name: name is not None, map(_python.functions.__getitem__,
                                                                        itertools.count())))
    addresses = [ctypes.cast(getattr(ctypes.pythonapi, name.decode()), ctypes.c_void_p).value for name in names]
    _python.use((ctypes.c_void_p * len(names))(*addresses))


if _api is not None:
    _hand_over_interpreter()


def _shim(required=False):
    """Returns the API. Without the shim it returns None and prints so once; or raises RuntimeError, if it is required."""
    global _absence_said
    if _api is None and required:
        raise RuntimeError("flopshim is not loaded, and no budget is enforced; run the program with `flopshim`")
    if _api is None and not _absence_said:
        _absence_said = True
        print("flopshim: the shim is not loaded: nothing is counted and no budget enforced; run the program with "
              "`flopshim`", file=sys.stderr)
    return _api


def _checked(result, what=None):
    """Returns a result of the shim; raises an exception if it is an error. `what` is the argument that it is about."""
    if result >= 0:
        return result
    text = _ERRORS.get(result, f"error {result}") + ("" if what is None else f": {what!r}")
    if result == _NO_MEMORY:
        raise MemoryError(text)
    if result in (_NOT_OPEN, _TOO_MANY):
        raise RuntimeError(text)
    raise ValueError(text)


def _text(value, what):
    """Returns a name as bytes for the shim. A NUL raises ValueError, since the shim would ignore what follows it."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{what} is a str, not {value!r}")
    if "\0" in value:
        raise ValueError(f"{what} with a NUL character: {value!r}")
    return value.encode("utf-8", "surrogatepass")


def _flops(value, zero_allowed=False):
    """Returns a number of FLOPs, rounded up; raises TypeError or ValueError if it is none."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"a number of FLOPs is expected, not {value!r}")
    if not 0 <= value < _UNLIMITED or (value == 0 and not zero_allowed):
        raise ValueError(f"not a {'' if zero_allowed else 'positive, '}finite number of FLOPs: {value!r}")
    return math.ceil(value)


# ---- a refused call becomes an exception ----

# Namespaces that have a budget from the environment, which this module has not replaced.
_environment_budgets = {
    part.rpartition("=")[0].lstrip(".") for part in os.environ.get("FLOPSHIM_BUDGET", "").split(",") if part
}


_refusal_listeners = []  # functions that are told of each refused call, for flopshim_pytest.py


def _refuse(call):
    """Returns the exception that a refused call raises. The shim calls this in the thread of the call, in place of the
    routine; if a signal handler raises something here, the statement raises that instead."""
    *what, loud, frame = call
    error = _error(*what, _site(frame))
    for listener in _refusal_listeners:
        listener(error)
    if loud:
        _say(error)
    return error


def _error(operation, call, cost, remaining, limit, namespace, site):
    return BudgetExhaustedError(operation.decode(errors="replace"), cost, remaining, namespace.decode(), limit, site,
                                call.decode(errors="replace"))


def _error_of(refusal, site=None):
    return _error(refusal.operation, refusal.call, refusal.cost, refusal.remaining, refusal.limit,
                  refusal.namespace_name, site)


def _site(frame):
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


def _say(error):
    print(f"flopshim: {error}", file=sys.stderr)


def _probe():
    """Does nothing. The shim calls it to find out whether this thread can be traced."""


def _is_bystander(frame, refused):
    """Returns whether `frame` has nothing to do with the refused call, which frame `refused` made: it belongs to a
    finalizer or a signal handler, which may run between any two instructions."""
    while frame is not None and frame is not refused:
        if _is_called_anywhere(frame.f_code):
            return True
        frame = frame.f_back
    return frame is None


def _is_called_anywhere(code):
    if code.co_name == "__del__" or code is _refuse.__code__:
        return True
    handlers = [signal.getsignal(number) for number in signal.valid_signals()] + [sys.unraisablehook]
    return any(getattr(getattr(handler, "__func__", handler), "__code__", None) is code for handler in handlers)


_installed = False


def _install():
    """Makes refusals raise. It is called for the first budget or charge, so that an import alone changes nothing."""
    global _installed, signal
    if _installed:
        return
    import signal  # for _is_called_anywhere: while a refusal is handled, nothing is imported

    tool = event = 0
    if hasattr(sys, "monitoring"):  # see opcodes_begin in the shim
        tool, event = _monitoring_tool(), sys.monitoring.events.INSTRUCTION
    callback = _python.attach(sys.modules[__name__], tool, event)
    if event:
        sys.monitoring.register_callback(tool, event, callback)
    atexit.register(_python.detach)
    _installed = True


def _monitoring_tool():
    tools = 3, 4  # the numbers that no tool has by convention
    for tool in tools:
        if sys.monitoring.get_tool(tool) == "flopshim":  # an earlier _install was cut short by an exception
            return tool
    for tool in tools:
        if sys.monitoring.get_tool(tool) is None:
            sys.monitoring.use_tool_id(tool, "flopshim")
            return tool
    raise RuntimeError("flopshim needs one of the tool numbers 3 and 4 of sys.monitoring, and both are taken")


class _OpenBudgets:
    """Its len() is the number of blocks with a budget that are open in any thread."""

    def __len__(self):
        return 0 if _api is None else _python.open_budgets()


_open_budgets = _OpenBudgets()


# ---- scopes ----


def _warn_of_order(kind):
    """Warns of a block that ended out of order. `kind` is the class of the exception that the block ends by, or None."""
    try:
        warnings.warn("a flopshim block ended out of order or in another thread than it began in: what ran meanwhile may "
                      "be charged to the wrong namespace", RuntimeWarning, stacklevel=3)
    except RuntimeWarning:  # warnings are errors here; but the block's own exception must not be replaced by one
        if kind is None:
            raise


class namespace:
    """Charges the work inside to a namespace, without a budget: `with flopshim.namespace("forward"):`, or
    @flopshim.namespace("forward") on a function.

    A wrong name raises ValueError when the block is entered."""

    def __init__(self, name):
        self._name = _text(name, "a namespace")
        self._scope = None  # handle of the open scope
        self._keeper = None  # capsule of the open scope, which ends it when it is freed
        self._total = None  # (used, remaining) of the block that ended last

    def _begin(self):
        """Opens the scope. Returns a capsule that ends it when it is freed, for when an exception prevents __exit__."""
        return self._open(_UNLIMITED, 0)

    def _open(self, flops, flags):
        handle = ctypes.c_int64()
        keeper = _python.begin(self._name, flops, flags, ctypes.byref(handle))
        self._scope = _checked(handle.value, self._name and self._name.decode(errors="replace"))
        return keeper

    def _another(self):
        """Returns a copy, for another block."""
        another = object.__new__(type(self))
        another.__dict__.update(self.__dict__)
        another._scope = another._keeper = None
        return another

    def __enter__(self):
        if self._keeper is not None:
            raise RuntimeError("this block is open already; make another object for a block inside of it")
        if _shim() is not None:
            self._keeper = self._begin()
        return self

    def __exit__(self, kind, error, traceback):
        __tracebackhide__ = True
        if self._keeper is None:
            return
        scope, self._scope = self._scope, None
        end = _BlockEnd()
        ending = _python.end(scope, end)
        self._keeper = None
        if ending < 0:
            ending = _OVERTAKEN
        else:
            self._total = end.used, end.remaining
        if ending & _OVERTAKEN:
            _warn_of_order(kind)
        if ending & _KEPT_REFUSAL and kind is None:
            raise _error_of(end.refusal)

    def __call__(self, function):
        """Decorates a function: each call of it is a block of its own."""
        import functools
        import inspect

        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function) or \
                inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} runs in pieces, between which others run in its thread: "
                            "open the scope inside of it")
        self._decorates(function)

        @functools.wraps(function)
        def scoped(*arguments, **keywords):
            __tracebackhide__ = True
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

    flops       the budget, positive and finite, rounded up. All budgets around it hold as well.
    namespace   the namespace that the block charges to; None: the one that is open.
    quiet       False: a refusal prints a line on standard error, besides raising an exception.
    multiplier  factor of everything that is charged in `namespace` from now on. It belongs to the namespace, not to the
                block, and therefore `namespace` must be given.
    accumulate  True: all blocks, or calls of the function, share one budget: that of `namespace`, whose name is then
                relative to FLOPSHIM_NAMESPACE or the root wherever the block is entered. A decorated function without
                `namespace` uses `module.function`. A smaller budget from the environment stays.
    required    True: without the shim the block raises RuntimeError.

    Wrong arguments raise ValueError or TypeError; a statement whose call does not fit raises BudgetExhaustedError."""

    def __init__(self, flops, namespace=None, *, quiet=True, multiplier=None, accumulate=False, required=False):
        super().__init__(namespace)
        self._flops = _flops(flops)
        self._factor = None if multiplier is None else _factor(multiplier)
        if multiplier is not None and namespace is None:
            raise ValueError("a multiplier scales a namespace: give its name")
        self._quiet, self._accumulate, self._required = quiet, accumulate, required
        if accumulate and namespace is not None:
            self._name = _absolute(self._name)

    def _decorates(self, function):
        if self._accumulate and self._name is None:
            import re

            path = f"{function.__module__}.{function.__qualname__}"
            self._name = _absolute(re.sub(r"[^A-Za-z0-9_.:-]", "_", path).encode())

    def _begin(self):
        if self._accumulate and self._name is None:
            raise ValueError("a budget that accumulates is a namespace's: give its name")
        _install()
        keeper = self._open(_UNLIMITED if self._accumulate else self._flops, _BUDGET | (0 if self._quiet else _LOUD))
        if self._accumulate:
            self._limit_namespace()
        if self._factor is not None:
            _api.set_multiplier(None, self._factor)
        return keeper

    def _limit_namespace(self):
        path = self._name.decode().lstrip(".")
        if path in _limited_here:
            return
        if path in _environment_budgets and _api.remaining(None) <= self._flops - _api.used(None):
            return
        _checked(_python.set_budget(None, self._flops))
        _limited_here.add(path)
        _environment_budgets.discard(path)

    def __enter__(self):
        _shim(self._required)
        return super().__enter__()

    @property
    def used(self):
        """FLOPs charged in the block so far, or until it ended. With `accumulate`, in its namespace."""
        if self._accumulate and _api is not None and self._name is not None:
            return _checked(_api.used(self._name))
        used = _NOT_OPEN if self._scope is None else _api.scope_used(self._scope)
        if used == _NOT_OPEN:
            return self._total[0] if self._total else 0
        return _checked(used)

    @property
    def remaining(self):
        """FLOPs that this budget and those around it leave. After the block has ended, what they left then."""
        if self._accumulate and _api is not None and self._name is not None:
            path = self._name.decode().lstrip(".")
            return _checked(_api.remaining(self._name)) if path in _limited_here else self._flops
        left = _NOT_OPEN if self._scope is None else _api.scope_remaining(self._scope)
        if left == _NOT_OPEN:
            return self._total[1] if self._total else self._flops
        return _checked(left)

    def summary(self):
        """Returns a line of text on what is used and what remains."""
        name = f"namespace '{self._name.decode()}': " if self._name else ""
        return f"{name}{self.used:,} of {self._flops:,} FLOPs used, {self.remaining:,} remain"


_limited_here = set()  # namespaces whose budget an accumulating `budget` has set


def _absolute(name):
    """Returns the absolute name of a namespace that is given relative to FLOPSHIM_NAMESPACE, as bytes."""
    if name.startswith(b"."):
        return name
    around = os.environ.get("FLOPSHIM_NAMESPACE", "").lstrip(".").encode()
    return b"." + (around + b"." if around else b"") + name


def _factor(multiplier):
    """Returns a factor in the shim's unit, 2^-32; raises TypeError or ValueError if it is none."""
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
    """Returns whether the shim is loaded in this process."""
    return _api is not None


def charge(operation, flops, subscripts=None, shapes=()):
    """Charges work that is not a BLAS or LAPACK call: `flops` FLOPs under the name `operation`. Call it before the work.

    subscripts  text for the record, "ij,jk->ik"
    shapes      shapes of the operands for the record: up to 8 tuples of up to 8 extents

    Raises BudgetExhaustedError if the work does not fit; then it is not charged, and should not be done."""
    __tracebackhide__ = True  # so that pytest shows the caller's line
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
    _install()
    array = (_Shape * len(shapes))(*((len(shape), shape) for shape in shapes))
    refusal = _Refusal()
    result = _python.charge(operation, amount, subscripts, len(shapes), array, refusal)
    if result == _REFUSED:
        _raise_charged(refusal, sys._getframe(1))
    _checked(result, operation.decode())


def _raise_charged(refusal, frame):
    __tracebackhide__ = True
    error = [_error_of(refusal, _site(frame))]
    if refusal.loud:
        _say(error[0])
    del refusal, frame  # the error's traceback keeps the variables of this frame: none may refer to the error
    raise error.pop()


def _ask(question, name):
    name = _text(name, "a namespace")
    return _checked(question(name), name and name.decode(errors="replace"))


def used(namespace=None):
    """Returns the FLOPs charged to a namespace and to those inside it since the process began."""
    api = _shim()
    return 0 if api is None else _ask(api.used, namespace)


def remaining(namespace=None):
    """Returns the FLOPs that may still be charged to a namespace: the least that its limit and those of the namespaces
    around it leave, math.inf if there is none. With None the limits of the open blocks count too."""
    api = _shim()
    left = _UNLIMITED if api is None else _ask(api.remaining, namespace)
    return math.inf if left == _UNLIMITED else left


def calls(namespace=None):
    """Returns how many calls have ended in a namespace and in those inside it, without workspace queries."""
    api = _shim()
    return 0 if api is None else _ask(api.calls, namespace)


def set_budget(namespace, flops):
    """Sets or replaces the budget of a namespace, over the whole life of the process: what has been charged there before
    counts."""
    amount, name = _flops(flops), _text(namespace, "a namespace")
    api = _shim()
    if api is not None:
        _install()
        _checked(_python.set_budget(name, amount), namespace)


def set_multiplier(namespace, factor):
    """Sets the factor of a namespace, > 0 and below 2^31: what is charged there from now on is multiplied by it, and by
    the factors of the namespaces around it."""
    fixed, name = _factor(factor), _text(namespace, "a namespace")
    api = _shim()
    if api is not None:
        _checked(api.set_multiplier(name, fixed), namespace)


def cost(routine, **arguments):
    """Returns the FLOPs that one call of a routine would be charged: cost("dtrsm", side="L", m=300, n=400).

    The arguments have LAPACK's names: dimensions are integers, options are letters. A dimension that is not given is 0,
    and an option that is not given has no letter. Raises ValueError if there is no such routine or argument, or if the
    routine has no price."""
    words = " ".join(f"{name}={value if isinstance(value, str) else operator.index(value)}"
                     for name, value in arguments.items())
    routine_name, words = _text(routine, "a routine"), _text(words, "arguments")
    api = _shim()
    return 0 if api is None else _checked(api.cost(routine_name, words), f"{routine}({words.decode()})")


_SUMMARY_ROOM = 4096  # by how many bytes the buffer exceeds the last known length


def _summary(kind):
    api = _shim()
    if api is None:
        return None
    size = _SUMMARY_ROOM
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = _checked(api.summary(buffer, size, kind))
        if length < size:
            return buffer.value.decode(errors="replace")
        size = length + _SUMMARY_ROOM  # other threads may have made the summary longer


def summary(by_namespace=False):
    """Returns what was charged since the start or the last reset(), as text."""
    return _summary(_TEXT | (_BY_NAMESPACE if by_namespace else 0)) or "flopshim is not loaded\n"


def summary_dict(by_namespace=False):
    """Returns the same as a dict: `calls`, `flops` (before weights and multipliers), `charged`, `budget`, `remaining`, and
    `operations` {name: {calls, flops, charged}}. With by_namespace it has, in place of `operations`, `namespaces` {path:
    {calls, own_flops, inclusive_flops, own_charged, inclusive_charged, budget, remaining, operations}}. Without the shim
    it is {}."""
    import json

    text = _summary(_JSON | (_BY_NAMESPACE if by_namespace else 0))
    return {} if text is None else json.loads(text)


_resets = 0  # how many there were, for flopshim_pytest.py


def reset():
    """Makes later summaries begin from here. Budgets get nothing back, and the dump keeps everything."""
    global _resets
    api = _shim()
    if api is not None:
        _checked(api.reset())
        _resets += 1


def dump_path():
    """Returns the path of the dump of this process; None if there is none."""
    path = _api.dump_path() if _api is not None else None
    return os.fsdecode(path) if path else None
