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

What a signal handler raises in the middle of that (KeyboardInterrupt, say) is raised by the statement instead.

Three limits of that. Compiled code between the statement and BLAS (Cython, C) may run on until it returns to Python; what
is refused meanwhile is counted and not said. A call in a thread that is not Python's (of an OpenMP region, say) has no
statement: it is denied, said on standard error, and raised at the end of the block of the budget that refused it (of the
innermost open block if that is a namespace's budget), unless that block has raised meanwhile or ends by another exception.
A call that a trace function makes (for a debugger's `p a @ b`) fails, but may fail late.

Scopes belong to threads, not to tasks: whatever runs in a thread is charged to the block that was opened last in it and
is still open. So do not `await` or `yield` inside a `with` of this module: what other tasks of the thread do meanwhile is
charged to it. Put it around the part that computes, or in asyncio.to_thread. Blocks that overlap all the same hold until
each ends, and a RuntimeWarning says so once for every block that was overtaken. A block that is never left, because its
generator was dropped or an exception came in between, ends when its object goes. A thread without a scope of its own
charges where the thread that made it stands at that moment.
"""

import atexit
import copy
import ctypes
import functools
import inspect
import itertools
import json
import math
import numbers
import operator
import os
import re
import signal
import sys
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
# enum flopshim_error and flopshim_error_text, by name.
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
    _BAD_ARGUMENT: "not an argument of this routine, or not a value of it",
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
    # None of them waits for another thread's Python code, so the GIL may be kept.
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
        raise ImportError("this flopshim.py is newer than the libflopshim.so that is loaded")
    return api


_api = _find_api()
_python = _api and _api.python.contents
_absence_said = False


def _hand_over_interpreter():
    """Tells the shim where the functions of Python's C API are that it calls."""
    names = list(itertools.takewhile(lambda name: name is not None, map(_python.functions.__getitem__,
                                                                        itertools.count())))
    addresses = [ctypes.cast(getattr(ctypes.pythonapi, name.decode()), ctypes.c_void_p).value for name in names]
    _python.use((ctypes.c_void_p * len(names))(*addresses))


if _api is not None:
    _hand_over_interpreter()


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


def _refuse(call):
    """What a refused call raises. The shim asks, in the thread of the call, before the routine would have run; if a
    signal handler raises something here, that is raised instead."""
    *what, loud, frame = call
    error = _error(*what, _site(frame))
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
    """The shim calls it to see whether this thread can be traced."""


def _is_bystander(frame, refused):
    """Whether a frame has nothing to do with the refused call of another one: finalizers and signal handlers may run
    between any two instructions."""
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
    """Has refusals raise, from the first budget of the module on; importing it changes nothing."""
    global _installed
    if _installed:
        return
    tool = event = 0
    if hasattr(sys, "monitoring"):  # see opcodes_begin in the shim
        tool, event = _monitoring_tool(), sys.monitoring.events.INSTRUCTION
    callback = _python.attach(sys.modules[__name__], tool, event)
    if event:
        sys.monitoring.register_callback(tool, event, callback)
    atexit.register(_python.detach)
    _installed = True


def _monitoring_tool():
    tools = 3, 4  # the numbers that are nobody's by convention
    for tool in tools:
        if sys.monitoring.get_tool(tool) == "flopshim":  # an exception came the first time
            return tool
    for tool in tools:
        if sys.monitoring.get_tool(tool) is None:
            sys.monitoring.use_tool_id(tool, "flopshim")
            return tool
    raise RuntimeError("flopshim needs one of the tool numbers 3 and 4 of sys.monitoring, and both are taken")


class _OpenBudgets:
    """Those that are open, in any thread."""

    def __len__(self):
        return 0 if _api is None else _python.open_budgets()


_open_budgets = _OpenBudgets()


# ---- scopes ----


def _warn_of_order(kind):
    try:
        warnings.warn("a flopshim block ended out of order or in another thread than it began in: what ran meanwhile may "
                      "be charged to the wrong namespace", RuntimeWarning, stacklevel=3)
    except RuntimeWarning:  # where warnings are errors; but the block's own exception comes first
        if kind is None:
            raise


class namespace:
    """Charges what is done inside to a namespace, without a budget: `with flopshim.namespace("forward"):`, or
    @flopshim.namespace("forward") on a function.

    ValueError for a wrong name, when it is entered."""

    def __init__(self, name):
        self._name = _text(name, "a namespace")
        self._scope = None  # its handle
        self._keeper = None  # open as long as this is there
        self._total = None  # (used, remaining) of the block that ended last

    def _begin(self):
        """Opens the scope, and gives what ends it where an exception keeps __exit__ from that."""
        return self._open(_UNLIMITED, 0)

    def _open(self, flops, flags):
        handle = ctypes.c_int64()
        keeper = _python.begin(self._name, flops, flags, ctypes.byref(handle))
        self._scope = _checked(handle.value, self._name and self._name.decode(errors="replace"))
        return keeper

    def _another(self):
        """One for a block of its own."""
        another = copy.copy(self)
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
        """Decorates a function: every call of it is a block of its own."""
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
        if accumulate and namespace is not None:
            self._name = _absolute(self._name)

    def _decorates(self, function):
        if self._accumulate and self._name is None:
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
        """FLOPs charged in the block: so far, or in the end. With `accumulate`, in its namespace."""
        if self._accumulate and _api is not None and self._name is not None:
            return _checked(_api.used(self._name))
        used = _NOT_OPEN if self._scope is None else _api.scope_used(self._scope)
        if used == _NOT_OPEN:
            return self._total[0] if self._total else 0
        return _checked(used)

    @property
    def remaining(self):
        """FLOPs that may still be charged in it, as far as the budgets around it allow."""
        if self._accumulate and _api is not None and self._name is not None:
            path = self._name.decode().lstrip(".")
            return _checked(_api.remaining(self._name)) if path in _limited_here else self._flops
        left = _NOT_OPEN if self._scope is None else _api.scope_remaining(self._scope)
        if left == _NOT_OPEN:
            return self._total[1] if self._total else self._flops
        return _checked(left)

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
    __tracebackhide__ = True  # pytest shows the caller's line
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
    del refusal, frame  # the traceback keeps this function's variables: none may lead back to the error
    raise error.pop()


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
        _install()
        _checked(_python.set_budget(name, amount), namespace)


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


_SUMMARY_ROOM = 4096  # bytes of text


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
        size = length + _SUMMARY_ROOM  # other threads may add to it meanwhile


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
