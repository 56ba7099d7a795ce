/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * raise.c - a refused call becomes an exception of the Python statement that made it.
 * It must never run Python code while a statement is half prepared to raise: signal handlers run between any two
 * instructions of such code, and what they raise would leave it like that.
 *
 * The error is set while the C function that called BLAS goes on, and most such functions fail as soon as they see it.
 * Some return a result all the same (`a @ b` does), some raise an exception of their own instead (NumPy takes a dgesv
 * that did nothing for a singular matrix), and some call Python functions with what was not computed. So the thread is
 * traced until the frame of the statement has got the error: it replaces whatever the C function raises; a Python
 * function that is called gets it at once; and where the C function returns a result, the error is raised before the
 * next instruction. (A pending call or an asynchronous exception would come too late: `c = a @ b` does not look for
 * them before it stores.)
 */
#include "shim/enforce/raise.h"

#include <stddef.h>
#include <string.h>
#include <sys/types.h>

#include "shim/guest/guest.h"
#include "shim/stacks/python.h"
#include "shim/record/record.h"
#include "shim/state/state.h"

typedef int tracer(void *tracing, void *frame, int event, void *argument);

/*
 * All functions of Python's C API that the shim calls, which are the same from 3.8 to 3.13: result, name, parameters.
 */
#define FUNCTIONS(USE)                                                       \
	USE(int, PyGILState_Ensure, (void))                                  \
	USE(void, PyGILState_Release, (int))                                 \
	USE(void *, PyGILState_GetThisThreadState, (void))                   \
	USE(void *, PyEval_GetFrame, (void))                                 \
	USE(void, PyEval_SetTrace, (tracer *, void *))                       \
	USE(int, PyTraceBack_Here, (void *))                                 \
	USE(void, Py_IncRef, (void *))                                       \
	USE(void, Py_DecRef, (void *))                                       \
	USE(void, PyErr_Fetch, (void **, void **, void **))                  \
	USE(void, PyErr_Restore, (void *, void *, void *))                   \
	USE(void, PyErr_NormalizeException, (void **, void **, void **))     \
	USE(int, PyErr_GivenExceptionMatches, (void *, void *))              \
	USE(void, PyErr_SetObject, (void *, void *))                         \
	USE(void, PyErr_Clear, (void))                                       \
	USE(int, PyException_SetTraceback, (void *, void *))                 \
	USE(void *, Py_BuildValue, (const char *, ...))                      \
	USE(void *, PyTuple_GetItem, (void *, ssize_t))                      \
	USE(void *, PyBool_FromLong, (long))                                 \
	USE(int, PyObject_IsTrue, (void *))                                  \
	USE(void *, PyObject_Type, (void *))                                 \
	USE(void *, PyObject_GetAttrString, (void *, const char *))          \
	USE(int, PyObject_SetAttrString, (void *, const char *, void *))     \
	USE(void *, PyObject_CallFunctionObjArgs, (void *, ...))             \
	USE(void *, PyObject_CallFunction, (void *, const char *, ...))      \
	USE(void *, PySys_GetObject, (const char *))                         \
	USE(void *, PyImport_ImportModule, (const char *))                   \
	USE(void *, PyCapsule_New, (void *, const char *, void (*)(void *))) \
	USE(void *, PyCapsule_GetPointer, (void *, const char *))            \
	USE(int, PyCapsule_IsValid, (void *, const char *))                  \
	USE(void *, PyCapsule_GetContext, (void *))                          \
	USE(int, PyCapsule_SetContext, (void *, void *))                     \
	USE(void *, PyCFunction_NewEx, (const void *, void *, void *))

#define POINTER(result, name, parameters) result(*name) parameters;
#define NAME(result, name, parameters)    #name,

static struct {
	FUNCTIONS(POINTER)
} c_api;

const char *const raise_functions[] = {FUNCTIONS(NAME) NULL};

_Static_assert(sizeof(c_api) == sizeof(raise_functions) - sizeof(char *), "a pointer for each name");

/* What a trace function is told: the numbers of pystate.h, and the names of sys.settrace. */
enum { EVENT_CALL = 0, EVENT_EXCEPTION = 1 };
static const char *const event_names[] = {"call",   "exception",   "line",     "return",
                                          "c_call", "c_exception", "c_return", "opcode"};

static const char raising_name[] = "flopshim.raising", scope_name[] = "flopshim.scope";

/* The module, and what it has handed over. All under the GIL but `attached`. References are kept for good. */
static struct {
	bool attached;
	void *module, *none;
	void *exception, *system_error; /* classes */
	void *set_local_events;         /* of sys.monitoring, NULL before 3.12 */
	int tool, event;
} module;

/* A statement that is to raise. It belongs to a capsule, and the capsule to the tracing of the thread. */
struct raising {
	void *capsule;             /* borrowed reference */
	void *frame;               /* of the statement */
	struct python_place place; /* of the frame */
	void *error;
	void *passed;  /* raised last by code that only happens to run inside of the statement; NULL: nothing was */
	void *tracing; /* what traced the thread before; NULL: nothing did */
	void *opcodes; /* f_trace_opcodes of the frame before; with sys.monitoring, the frame's code */
	void *probe;   /* code of _probe, which shows whether the thread can be traced */
	int64_t block; /* the block whose refusal is raised by this */
	struct thread *thread;
	struct raising *outer; /* that of a statement further out in the same thread */
	struct raising *next;  /* in the list of all threads */
	bool armed, is_traced;
};

static struct {
	struct raising *armed;
	struct guest_pool pool; /* under the GIL; its memory stays, since raise_is_due reads without the GIL */
} raisings = {.pool = {.size = sizeof(struct raising)}};

void raise_use(void *const *functions) { memcpy(&c_api, functions, sizeof(c_api)); }

bool raise_is_attached(void) { return module.attached; }

static void set_reference(void **place, void *object)
{
	void *before = *place;

	if (object)
		c_api.Py_IncRef(object);
	*place = object;
	if (before)
		c_api.Py_DecRef(before);
}

/* ---- errors ---- */

/* Takes the error that is set, and gives it its traceback. A new reference. */
static void *take_error(void)
{
	void *type, *value, *traceback;

	c_api.PyErr_Fetch(&type, &value, &traceback);
	c_api.PyErr_NormalizeException(&type, &value, &traceback);
	if (value && traceback)
		c_api.PyException_SetTraceback(value, traceback);
	if (type)
		c_api.Py_DecRef(type);
	if (traceback)
		c_api.Py_DecRef(traceback);
	return value;
}

static void set_error(void *error)
{
	void *type = c_api.PyObject_Type(error);

	c_api.PyErr_SetObject(type, error);
	c_api.Py_DecRef(type);
}

static void *attribute(void *object, const char *name)
{
	void *found = c_api.PyObject_GetAttrString(object, name);

	if (!found)
		c_api.PyErr_Clear();
	return found;
}

/* The code of a frame, a new reference. Python 3.8 has no function for it. */
static void *code_of(void *frame) { return attribute(frame, "f_code"); }

/* ---- an event before every instruction of a frame ---- */

/*
 * Has Python call the shim before every instruction of the frame. Up to 3.11 that is a property of the frame. From
 * 3.12 on the property crashes threads that are not traced (3.12), or is one switch for all that run the code (3.13);
 * so sys.monitoring does it there, by code object.
 */
static void opcodes_begin(struct raising *raising)
{
	void *yes;

	if (module.set_local_events) {
		raising->opcodes = code_of(raising->frame);
		yes = c_api.PyObject_CallFunction(module.set_local_events, "iOi", module.tool, raising->opcodes,
		                                  module.event);
	} else {
		raising->opcodes = attribute(raising->frame, "f_trace_opcodes");
		yes = c_api.PyBool_FromLong(1);
		c_api.PyObject_SetAttrString(raising->frame, "f_trace_opcodes", yes);
	}
	if (yes)
		c_api.Py_DecRef(yes);
	else
		c_api.PyErr_Clear();
}

static void opcodes_end(struct raising *raising)
{
	void *done;

	if (!raising->opcodes)
		return;
	if (!module.set_local_events) {
		c_api.PyObject_SetAttrString(raising->frame, "f_trace_opcodes", raising->opcodes);
		return;
	}
	for (const struct raising *other = raisings.armed; other; other = other->next)
		if (other->opcodes == raising->opcodes)
			return;
	done = c_api.PyObject_CallFunction(module.set_local_events, "iOi", module.tool, raising->opcodes, 0);
	if (done)
		c_api.Py_DecRef(done);
	else
		c_api.PyErr_Clear();
}

/* ---- a statement that is to raise ---- */

static tracer trace;

static bool is_raising(void *object) { return c_api.PyCapsule_IsValid(object, raising_name); }

static void unlink_raising(struct raising *raising)
{
	struct raising **link = &raisings.armed;

	while (*link && *link != raising)
		link = &(*link)->next;
	if (*link)
		*link = raising->next;
	for (link = &raising->thread->raising; *link && *link != raising;)
		link = &(*link)->outer;
	if (*link)
		*link = raising->outer;
	raising->armed = false;
}

static void raising_drop(struct raising *raising)
{
	set_reference(&raising->frame, NULL);
	set_reference(&raising->error, NULL);
	set_reference(&raising->passed, NULL);
	set_reference(&raising->tracing, NULL);
	set_reference(&raising->opcodes, NULL);
	set_reference(&raising->probe, NULL);
	guest_pool_give(&raisings.pool, raising);
}

/*
 * Destructor of the capsule. It is called when the old tracing is put back, the thread ends, or the program sets its
 * own tracing.
 */
static void raising_goes(void *capsule)
{
	struct raising *raising = c_api.PyCapsule_GetPointer(capsule, raising_name);

	if (raising->armed) {
		unlink_raising(raising);
		opcodes_end(raising);
	}
	raising_drop(raising);
}

static void trace_again(void *tracing)
{
	void *set, *done = NULL;

	if (!tracing) {
		c_api.PyEval_SetTrace(NULL, NULL);
	} else if (is_raising(tracing)) {
		c_api.PyEval_SetTrace(trace, tracing);
	} else {
		set = c_api.PySys_GetObject("settrace"); /* the program's own, if a debugger has replaced it */
		done = set ? c_api.PyObject_CallFunctionObjArgs(set, tracing, NULL) : NULL;
		if (done)
			c_api.Py_DecRef(done);
		else
			c_api.PyErr_Clear();
	}
}

/* Traces again what was traced before. The caller holds a reference to the capsule. */
static void disarm(struct raising *raising)
{
	if (!raising->armed)
		return;
	unlink_raising(raising);
	opcodes_end(raising);
	trace_again(raising->tracing);
}

/* The statement raises its error: what other threads have kept for its block need not be raised any more. */
static void disarm_raised(struct raising *raising)
{
	disarm(raising);
	if (!raising->block)
		return;
	guest_lock(&record_lock);
	namespace_forget_refusal(raising->block);
	guest_unlock(&record_lock);
}

static void raise_now(struct raising *raising)
{
	disarm_raised(raising);
	set_error(raising->error);
}

/*
 * Passes an event to the program's own trace function, as if that were the thread's. What it returns traces the frame
 * from then on, as Python does for functions written in Python.
 */
static int forward(struct raising *raising, void *frame, int event, void *argument)
{
	void *tracing = raising->tracing, *function, *result;

	if (!tracing)
		return 0;
	if (is_raising(tracing))
		return trace(tracing, frame, event, argument);
	if (event == EVENT_CALL) {
		c_api.Py_IncRef(tracing);
		function = tracing;
	} else {
		function = attribute(frame, "f_trace");
	}
	if (!function || function == module.none) {
		set_reference(&function, NULL);
		return 0;
	}
	result = c_api.PyObject_CallFunction(function, "OsO", frame, event_names[event],
	                                     argument ? argument : module.none);
	c_api.Py_DecRef(function);
	if (!result)
		return -1;
	if (result != module.none)
		c_api.PyObject_SetAttrString(frame, "f_trace", result);
	c_api.Py_DecRef(result);
	return 0;
}

/* An event in the frame of the statement. */
static int trace_statement(struct raising *raising, void *frame, int event, void *argument)
{
	void *exception = event == EVENT_EXCEPTION ? c_api.PyTuple_GetItem(argument, 1) : NULL;

	if (exception && (exception == raising->error || exception == raising->passed ||
	                  !c_api.PyErr_GivenExceptionMatches(exception, module.exception))) {
		if (exception == raising->error)
			disarm_raised(raising);
		else
			disarm(raising);
		return forward(raising, frame, event, argument);
	}
	if (exception) {
		void *type = c_api.PyObject_Type(raising->error);
		void *told = c_api.Py_BuildValue("OOO", type, raising->error, c_api.PyTuple_GetItem(argument, 2));
		int result = told ? forward(raising, frame, event, told) : -1;

		c_api.Py_DecRef(type);
		set_reference(&told, NULL);
		if (result) {
			disarm(raising);
			return result;
		}
	}
	raise_now(raising);
	if (exception)
		c_api.PyTraceBack_Here(frame);
	return -1;
}

/*
 * An event in another frame: of a function that the C function calls, or of one that has nothing to do with it, since
 * finalizers and signal handlers run between any two instructions.
 */
static int trace_other(struct raising *raising, void *frame, int event, void *argument)
{
	void *exception = event == EVENT_EXCEPTION ? c_api.PyTuple_GetItem(argument, 1) : NULL;
	void *code = code_of(frame), *function, *answer;
	bool is_probe = code == raising->probe, is_bystander;

	set_reference(&code, NULL);
	if (is_probe || exception == raising->error) {
		raising->is_traced |= is_probe;
		return 0;
	}
	function = c_api.PyObject_GetAttrString(module.module, "_is_bystander");
	answer = function ? c_api.PyObject_CallFunctionObjArgs(function, frame, raising->frame, NULL) : NULL;
	set_reference(&function, NULL);
	if (!answer)
		return -1;
	is_bystander = c_api.PyObject_IsTrue(answer) == 1;
	c_api.Py_DecRef(answer);
	if (!is_bystander) {
		set_error(raising->error);
		return -1;
	}
	/* A SystemError comes from a function that returned while the statement's error was set. */
	if (exception && !c_api.PyErr_GivenExceptionMatches(exception, module.system_error))
		set_reference(&raising->passed, exception);
	return forward(raising, frame, event, argument);
}

static int trace(void *capsule, void *frame, int event, void *argument)
{
	struct raising *raising = c_api.PyCapsule_GetPointer(capsule, raising_name);
	int result;

	/* The statement's error is set still if the C function went on in spite of it. */
	c_api.PyErr_Clear();
	c_api.Py_IncRef(capsule);
	if (frame == raising->frame)
		result = trace_statement(raising, frame, event, argument);
	else
		result = trace_other(raising, frame, event, argument);
	c_api.Py_DecRef(capsule);
	return result;
}

/* The callback of sys.monitoring, which is called in any thread that runs the code. */
static void *before_instruction(void *self, void *arguments)
{
	struct raising *raising = thread_self->raising;
	void *capsule;

	(void)self;
	(void)arguments;
	if (!raising || raising->frame != c_api.PyEval_GetFrame()) {
		c_api.Py_IncRef(module.none);
		return module.none;
	}
	capsule = raising->capsule;
	c_api.PyErr_Clear();
	c_api.Py_IncRef(capsule);
	raise_now(raising);
	c_api.Py_DecRef(capsule);
	return NULL;
}

/* ---- refusals ---- */

/* Calls a function of the module with one argument, or with none if that is NULL. */
static void *call_module(const char *name, void *argument)
{
	void *function = c_api.PyObject_GetAttrString(module.module, name), *result;

	if (!function)
		return NULL;
	result = c_api.PyObject_CallFunctionObjArgs(function, argument, NULL);
	c_api.Py_DecRef(function);
	return result;
}

/* Makes what the statement is to raise: the module's exception, or the error that came up instead. A new reference. */
static void *make_error(const struct refusal *refusal, void *frame)
{
	void *told = c_api.Py_BuildValue("(yyLLLyiO)", refusal->operation, refusal->call, (long long)refusal->cost,
	                                 (long long)refusal->remaining, (long long)refusal->limit,
	                                 refusal->namespace_name, (int)refusal->loud, frame);
	void *error = told ? call_module("_refuse", told) : NULL;

	set_reference(&told, NULL);
	return error ? error : take_error();
}

static void *what_traces(void)
{
	void *get = c_api.PySys_GetObject("gettrace"), *tracing;

	tracing = get ? c_api.PyObject_CallFunctionObjArgs(get, NULL) : NULL;
	if (!tracing)
		c_api.PyErr_Clear();
	else if (tracing == module.none)
		set_reference(&tracing, NULL);
	return tracing;
}

static void *probe_code(void)
{
	void *probe = attribute(module.module, "_probe"), *code = probe ? attribute(probe, "__code__") : NULL;

	set_reference(&probe, NULL);
	return code;
}

/* Sets `error`, and has `frame` raise it. */
static void arm(struct thread *thread, void *frame, struct python_place place, void *error, int64_t block)
{
	struct raising *raising = guest_pool_take(&raisings.pool);
	void *capsule, *probed;

	if (!raising) {
		set_error(error);
		return;
	}
	*raising = (struct raising){.place = place, .block = block, .thread = thread};
	set_reference(&raising->frame, frame);
	set_reference(&raising->error, error);
	raising->probe = probe_code();
	raising->tracing = what_traces();
	capsule = raising->capsule = c_api.PyCapsule_New(raising, raising_name, raising_goes);
	if (!capsule) {
		c_api.PyErr_Clear();
		raising_drop(raising);
		set_error(error);
		return;
	}
	opcodes_begin(raising);
	raising->armed = true;
	raising->next = raisings.armed;
	raisings.armed = raising;
	raising->outer = thread->raising;
	thread->raising = raising;
	c_api.PyEval_SetTrace(trace, capsule);
	probed = call_module("_probe", NULL);
	if (!probed) { /* a signal handler has raised something in it: that is raised instead */
		void *instead = take_error();

		set_reference(&raising->error, instead);
		set_reference(&instead, NULL);
	}
	set_reference(&probed, NULL);
	if (!raising->is_traced)
		/* inside of a trace function nothing is traced: setting the error is all that can be done */
		disarm(raising);
	set_error(raising->error);
	c_api.Py_DecRef(capsule);
}

static struct python_place place_of(void *frame)
{
	struct python_place place;
	void *code = code_of(frame);

	guest_lock(&record_lock);
	place = python_place(code);
	guest_unlock(&record_lock);
	set_reference(&code, NULL);
	return place;
}

bool raise_is_due(const struct thread *thread) { return thread->raising && python_is_at(&thread->raising->place); }

bool raise_in_statement(struct thread *thread, const struct refusal *refusal, int64_t block)
{
	struct python_place place;
	void *frame, *error, *type, *value, *traceback;
	int held;

	if (!c_api.PyGILState_GetThisThreadState())
		return false;
	held = c_api.PyGILState_Ensure();
	frame = c_api.PyEval_GetFrame();
	/* Where frames cannot be read, only this shows that the statement is to raise already. */
	if (frame && !(thread->raising && thread->raising->frame == frame)) {
		/*
		 * Another error may be set, if a finalizer made the call. It is dropped: nothing shows that it
		 * matters more than the refusal.
		 */
		c_api.PyErr_Fetch(&type, &value, &traceback);
		set_reference(&type, NULL);
		set_reference(&value, NULL);
		set_reference(&traceback, NULL);
		place = place_of(frame);
		c_api.Py_IncRef(frame);
		error = make_error(refusal, frame);
		if (error)
			arm(thread, frame, place, error, block);
		set_reference(&error, NULL);
		c_api.Py_DecRef(frame);
	}
	c_api.PyGILState_Release(held);
	return frame != NULL;
}

/* ---- the module ---- */

static void scope_goes(void *capsule)
{
	void (*action)(int64_t) = (void (*)(int64_t))c_api.PyCapsule_GetContext(capsule);

	action((int64_t)c_api.PyCapsule_GetPointer(capsule, scope_name));
}

void *raise_capsule(int64_t handle, void (*action)(int64_t))
{
	void *capsule;

	if (handle <= 0)
		return c_api.Py_BuildValue("");
	capsule = c_api.PyCapsule_New((void *)handle, scope_name, scope_goes);
	if (capsule)
		c_api.PyCapsule_SetContext(capsule, (void *)action);
	else
		action(handle);
	return capsule;
}

static void *attribute_of_module(const char *name, const char *attribute_name)
{
	void *imported = c_api.PyImport_ImportModule(name),
	     *found = imported ? attribute(imported, attribute_name) : NULL;

	if (!imported)
		c_api.PyErr_Clear();
	set_reference(&imported, NULL);
	return found;
}

void *raise_attach(void *python_module, int tool, int event)
{
	/* A PyMethodDef, of a function that takes its arguments as a tuple. */
	static const struct {
		const char *name;
		void *(*function)(void *, void *);
		int flags;
		const char *doc;
	} method = {"before_instruction", before_instruction, 1, NULL};

	c_api.Py_IncRef(python_module);
	module.module = python_module;
	module.none = c_api.Py_BuildValue("");
	module.exception = attribute_of_module("builtins", "Exception");
	module.system_error = attribute_of_module("builtins", "SystemError");
	module.tool = tool;
	module.event = event;
	if (event) {
		void *monitoring = c_api.PySys_GetObject("monitoring");

		module.set_local_events = monitoring ? attribute(monitoring, "set_local_events") : NULL;
	}
	module.attached = module.exception && module.system_error;
	return c_api.PyCFunction_NewEx(&method, NULL, NULL);
}

void raise_detach(void) { module.attached = false; }
