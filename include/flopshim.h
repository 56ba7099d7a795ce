/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flopshim.h - markers for C and C++: say which part of the program asks for work, and how much it may use.
 *
 * Include it and link nothing. Under the shim (`flopshim ./program`) the functions reach it through one dlsym; without
 * it each is a no-op of a few instructions. All amounts are FLOPs; all functions may be called from any
 * thread, but not from signal handlers.
 *
 *     FLOPSHIM_SCOPE("forward", 1e9) {        // namespace `forward`, at most 1e9 FLOPs inside this block
 *         cblas_dgemm(...);
 *     }
 *
 * Names: a namespace is a dotted path, `train.forward`, of letters, digits, `_`, `-` and `:`. A name given to a
 * function is relative to the namespace that is open in the calling thread; a leading dot makes it absolute; NULL or
 * "" is the open namespace itself, "." the root.
 *
 * Errors are negative numbers, enum flopshim_error; flopshim_error_text says what they mean. A wrong argument
 * changes nothing.
 */
#ifndef FLOPSHIM_H
#define FLOPSHIM_H

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLOPSHIM_UNLIMITED INT64_MAX

enum flopshim_error {
	FLOPSHIM_OK = 0,
	FLOPSHIM_ABSENT = -1,       /* the shim is not loaded */
	FLOPSHIM_BAD_NAME = -2,     /* not a namespace's name: empty segment, wrong character, over 1,023 bytes */
	FLOPSHIM_BAD_AMOUNT = -3,   /* zero, negative, NaN, infinite, or 2^63 and above */
	FLOPSHIM_NOT_OPEN = -4,     /* no such scope is open in this thread */
	FLOPSHIM_NO_ROUTINE = -5,   /* no routine of this name */
	FLOPSHIM_BAD_ARGUMENT = -6, /* a name that the routine has not, or a value that is no number or letter */
	FLOPSHIM_NO_MEMORY = -7,
	FLOPSHIM_TOO_MANY = -8,     /* more namespaces or shapes than can be kept */
	FLOPSHIM_REFUSED = -9,      /* the work does not fit a budget: do not do it */
	FLOPSHIM_UNPRICED = -10,    /* the routine has no price */
};

/* What happens to a call that does not fit. */
enum flopshim_action {
	FLOPSHIM_DEFAULT, /* as FLOPSHIM_ON_EXCEED says */
	FLOPSHIM_EXIT,    /* close the dump, flush stdio, end the process */
	FLOPSHIM_SIGNAL,  /* raise the signal in the calling thread; if that returns, as FLOPSHIM_DENY */
	FLOPSHIM_DENY,    /* return at once with outputs untouched, INFO = -1001 to -1009, a function's value 0 */
	FLOPSHIM_WARN,    /* run it, charge it, record it as over budget */
};

/* Extents of one operand of work that is charged by hand. */
struct flopshim_shape {
	int32_t rank; /* 0 to 8 */
	int64_t extents[8];
};

/* A call that does not fit a budget, as the exceed callback sees it. Valid during the callback. */
struct flopshim_exceeded {
	const char *operation;       /* "dgemm", or the name given to flopshim_charge */
	const char *call;            /* with its arguments: "dgemm(transa=N, transb=N, m=300, n=400, k=200)" */
	int64_t cost;                /* charged FLOPs that it asks for */
	int64_t remaining;           /* of the limit */
	int64_t limit;               /* amount of the limit that was hit */
	const char *namespace_name;  /* of the limit; "" is the root */
	int32_t limit_is_scope;      /* 1: of a scope, 0: of the namespace */
	uint64_t caller;             /* return address of the call, 0 for flopshim_charge */
};

/*
 * Chooses what happens, or leaves by longjmp or an exception (then the call is not charged). Runs in the thread of the
 * call. BLAS calls that it makes itself are counted like any other; those that do not fit are denied without asking it.
 */
typedef enum flopshim_action (*flopshim_exceed_callback)(const struct flopshim_exceeded *call, void *context);

enum flopshim_summary { FLOPSHIM_TEXT = 0, FLOPSHIM_JSON = 1, FLOPSHIM_BY_NAMESPACE = 2 };

struct flopshim_python; /* for the module flopshim.py alone */

/* The shim's side. Functions are only ever added at the end; `size` tells which are there. */
struct flopshim_api {
	uint32_t size; /* of this struct in the shim that is loaded */
	uint32_t version;
	int64_t (*begin)(const char *name, int64_t budget);
	int64_t (*end)(int64_t scope);
	int (*set_budget)(const char *name, int64_t flops);
	int (*set_multiplier)(const char *name, uint64_t factor_times_2_32);
	int (*charge)(const char *operation, int64_t flops, const char *subscripts, int shape_count,
		      const struct flopshim_shape *shapes);
	int64_t (*used)(const char *name);
	int64_t (*remaining)(const char *name);
	int64_t (*calls)(const char *name);
	int64_t (*scope_used)(int64_t scope);
	int64_t (*scope_remaining)(int64_t scope);
	int64_t (*cost)(const char *routine, const char *arguments);
	int64_t (*summary)(char *buffer, size_t size, int kind);
	int (*reset)(void);
	int (*on_exceed)(flopshim_exceed_callback callback, void *context);
	int (*quiet)(int quiet);
	const char *(*dump_path)(void);
	const struct flopshim_python *python;
};

#define FLOPSHIM_API_SYMBOL "flopshim_api_1"

#if defined(__GNUC__)
#define FLOPSHIM_FUNCTION static inline __attribute__((unused))
#define FLOPSHIM_UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define FLOPSHIM_FUNCTION static inline
#define FLOPSHIM_UNLIKELY(x) (x)
#endif

/* NULL where the shim is not loaded. Looked up once; a race only looks twice. */
FLOPSHIM_FUNCTION const struct flopshim_api *flopshim_table(void)
{
	static const struct flopshim_api *api;
	static volatile int looked;

	if (FLOPSHIM_UNLIKELY(!looked)) {
		api = (const struct flopshim_api *)dlsym(NULL, FLOPSHIM_API_SYMBOL); /* NULL is RTLD_DEFAULT */
		looked = 1;
	}
	return api;
}

/* 1 if the shim counts this process, 0 if not. */
FLOPSHIM_FUNCTION int flopshim_present(void) { return flopshim_table() != NULL; }

/* A budget given as a floating-point number of FLOPs as a whole one, rounded up; 0 if it is none. */
FLOPSHIM_FUNCTION int64_t flopshim_amount(double flops)
{
	int64_t whole;

	if (!(flops > 0 && flops < 9223372036854775807.0))
		return 0;
	whole = (int64_t)flops;
	return whole + ((double)whole < flops);
}

/*
 * Opens a scope on namespace `name` in this thread: work is charged there until flopshim_end.
 * Returns its handle, > 0, or an error.
 */
FLOPSHIM_FUNCTION int64_t flopshim_begin(const char *name)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->begin(name, FLOPSHIM_UNLIMITED) : (int64_t)FLOPSHIM_ABSENT;
}

/* The same with a budget: what is charged inside, nested scopes and other threads included, is at most `flops`. */
FLOPSHIM_FUNCTION int64_t flopshim_begin_budget(const char *name, double flops)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->begin(name, flopshim_amount(flops)) : (int64_t)FLOPSHIM_ABSENT;
}

/*
 * Ends a scope of this thread, and those that were opened inside it and left open (by longjmp, say). Returns how many
 * ended, or FLOPSHIM_NOT_OPEN: it has ended already, or is another thread's.
 */
FLOPSHIM_FUNCTION int64_t flopshim_end(int64_t scope)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->end(scope) : (int64_t)FLOPSHIM_ABSENT;
}

/* Sets or replaces the budget of a namespace, over the life of the process: what has been used stays used. */
FLOPSHIM_FUNCTION int flopshim_set_budget(const char *name, double flops)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->set_budget(name, flopshim_amount(flops)) : FLOPSHIM_ABSENT;
}

/* Scales what is charged in a namespace from now on, on top of its ancestors' factors; finite and > 0, below 2^31. */
FLOPSHIM_FUNCTION int flopshim_set_multiplier(const char *name, double factor)
{
	const struct flopshim_api *api = flopshim_table();

	if (!api)
		return FLOPSHIM_ABSENT;
	if (!(factor > 0 && factor < 2147483648.0))
		return FLOPSHIM_BAD_AMOUNT;
	return api->set_multiplier(name, (uint64_t)(factor * 4294967296.0 + 0.5));
}

/*
 * Charges work that is not a BLAS or LAPACK call: `flops` FLOPs (0 or more) under the name `operation`. Subscripts
 * ("ij,jk->ik", or NULL) and up to 8 operands' shapes go into the record. Call it before the work:
 * FLOPSHIM_REFUSED means that it does not fit, and should not be done.
 */
FLOPSHIM_FUNCTION int flopshim_charge(const char *operation, int64_t flops, const char *subscripts, int shape_count,
				      const struct flopshim_shape *shapes)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->charge(operation, flops, subscripts, shape_count, shapes) : FLOPSHIM_ABSENT;
}

/* FLOPs charged to a namespace and those inside it since the process began. */
FLOPSHIM_FUNCTION int64_t flopshim_used(const char *name)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->used(name) : (int64_t)FLOPSHIM_ABSENT;
}

/* FLOPs that may still be charged to it: the least that any limit on the way up leaves; FLOPSHIM_UNLIMITED without. */
FLOPSHIM_FUNCTION int64_t flopshim_remaining(const char *name)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->remaining(name) : (int64_t)FLOPSHIM_ABSENT;
}

/* Calls completed in a namespace and those inside it, workspace queries not among them. */
FLOPSHIM_FUNCTION int64_t flopshim_calls(const char *name)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->calls(name) : (int64_t)FLOPSHIM_ABSENT;
}

/* FLOPs charged, and still free, in an open scope that has a budget, from any thread; without one, as its namespace. */
FLOPSHIM_FUNCTION int64_t flopshim_scope_used(int64_t scope)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->scope_used(scope) : (int64_t)FLOPSHIM_ABSENT;
}

FLOPSHIM_FUNCTION int64_t flopshim_scope_remaining(int64_t scope)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->scope_remaining(scope) : (int64_t)FLOPSHIM_ABSENT;
}

/*
 * What one call of a routine would be charged in the open namespace: flopshim_cost("dgemm", "m=300 n=400 k=200").
 * Arguments by LAPACK's names, separated by blanks or commas, options as letters (side=L); what is not given
 * is 0, or an option without a letter.
 */
FLOPSHIM_FUNCTION int64_t flopshim_cost(const char *routine, const char *arguments)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->cost(routine, arguments) : (int64_t)FLOPSHIM_ABSENT;
}

/*
 * Writes what was charged since the start or the last flopshim_reset, as text or JSON (enum flopshim_summary, added up),
 * always terminated. Returns the length that the whole has, without the terminator, as snprintf does.
 */
FLOPSHIM_FUNCTION int64_t flopshim_summary(char *buffer, size_t size, int kind)
{
	const struct flopshim_api *api = flopshim_table();

	if (size)
		buffer[0] = 0;
	return api ? api->summary(buffer, size, kind) : (int64_t)FLOPSHIM_ABSENT;
}

/* Starts the summary anew. Budgets get nothing back, and the dump keeps everything. */
FLOPSHIM_FUNCTION int flopshim_reset(void)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->reset() : FLOPSHIM_ABSENT;
}

/*
 * Has `callback` decide about calls that do not fit, in every thread; NULL: as FLOPSHIM_ON_EXCEED says. A refusal takes
 * function and context together, when it happens. One that has happened in another thread before this returns may still
 * call the callback that was set before, or be inside of it: keep that one's code and context until such threads are
 * done. Nothing is waited for, so a callback may set another one.
 */
FLOPSHIM_FUNCTION int flopshim_on_exceed(flopshim_exceed_callback callback, void *context)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->on_exceed(callback, context) : FLOPSHIM_ABSENT;
}

/* 1: say nothing about refused calls on standard error; 0: say it. Returns what was set before. */
FLOPSHIM_FUNCTION int flopshim_quiet(int quiet)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->quiet(quiet) : FLOPSHIM_ABSENT;
}

FLOPSHIM_FUNCTION const char *flopshim_error_text(int64_t error)
{
	switch (error) {
	case FLOPSHIM_ABSENT: return "the shim is not loaded";
	case FLOPSHIM_BAD_NAME: return "not a name of a namespace";
	case FLOPSHIM_BAD_AMOUNT: return "not a positive, finite number of FLOPs";
	case FLOPSHIM_NOT_OPEN: return "no such scope is open in this thread";
	case FLOPSHIM_NO_ROUTINE: return "no such routine";
	case FLOPSHIM_BAD_ARGUMENT: return "not an argument of this routine, or not a value of it";
	case FLOPSHIM_NO_MEMORY: return "out of memory";
	case FLOPSHIM_TOO_MANY: return "too many namespaces or shapes";
	case FLOPSHIM_REFUSED: return "refused: it does not fit the budget";
	case FLOPSHIM_UNPRICED: return "the routine has no price";
	default: return error < 0 ? "unknown error" : "no error";
	}
}

/* ---- the block form ---- */

struct flopshim_block {
	int64_t scope;
	int once;
};

FLOPSHIM_FUNCTION struct flopshim_block flopshim_block_begin(const char *name, double flops)
{
	struct flopshim_block block = {flopshim_begin_budget(name, flops), 1};

	return block;
}

FLOPSHIM_FUNCTION struct flopshim_block flopshim_block_begin_unlimited(const char *name)
{
	struct flopshim_block block = {flopshim_begin(name), 1};

	return block;
}

FLOPSHIM_FUNCTION void flopshim_block_end(struct flopshim_block *block)
{
	if (block->scope > 0)
		flopshim_end(block->scope);
}

/*
 * FLOPSHIM_SCOPE(name) { ... } and FLOPSHIM_SCOPE(name, budget) { ... }: the scope ends however the block is left
 * (but for longjmp: then the next end outside of it ends it too). Needs GCC's or clang's cleanup attribute.
 */
#define FLOPSHIM_PICK(first, second, chosen, ...) chosen
#define FLOPSHIM_PASTE_(a, b) a##b
#define FLOPSHIM_PASTE(a, b) FLOPSHIM_PASTE_(a, b)
#define FLOPSHIM_BLOCK(block, ...)                                                                                 \
	for (struct flopshim_block block __attribute__((cleanup(flopshim_block_end))) =                            \
		     FLOPSHIM_PICK(__VA_ARGS__, flopshim_block_begin, flopshim_block_begin_unlimited, 0)(__VA_ARGS__); \
	     block.once; block.once = 0)
#define FLOPSHIM_SCOPE(...) FLOPSHIM_BLOCK(FLOPSHIM_PASTE(flopshim_block_, __COUNTER__), __VA_ARGS__)

#ifdef __cplusplus
}

namespace flopshim {

/* A scope that lasts as long as the object, exceptions included. */
class scope {
public:
	explicit scope(const char *name) : handle_(flopshim_begin(name)) {}
	scope(const char *name, double budget) : handle_(flopshim_begin_budget(name, budget)) {}
	scope(const scope &) = delete;
	scope &operator=(const scope &) = delete;
	~scope()
	{
		if (handle_ > 0)
			flopshim_end(handle_);
	}

	/* Handle, or an enum flopshim_error. */
	int64_t handle() const { return handle_; }
	int64_t used() const { return flopshim_scope_used(handle_); }
	int64_t remaining() const { return flopshim_scope_remaining(handle_); }

private:
	int64_t handle_;
};

} // namespace flopshim
#endif
#endif
