/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flopshim.h - markers for C and C++: a program says which of its parts asks for work, and how much that part may use.
 * It must never need a library of flopshim at link time, nor change what a program does without the shim.
 *
 * Under the shim (`flopshim ./program`) the functions find it by one dlsym; without the shim each function is a no-op
 * of a few instructions. Before glibc 2.34 dlsym is in a library of its own, which -ldl links. All amounts are FLOPs. Every
 * function may be called from any thread, but not from a signal handler.
 *
 *     FLOPSHIM_SCOPE("forward", 1e9) {        // namespace `forward`, at most 1e9 FLOPs inside this block
 *         cblas_dgemm(...);
 *     }
 *
 * Names: a namespace is a dotted path such as `train.forward`, whose segments consist of letters, digits, `_`, `-` and
 * `:`. A name given to a function is relative to the namespace that is open in the calling thread; a leading dot makes
 * it absolute. NULL and "" name the open namespace itself, "." names the root.
 *
 * Errors: a function that fails returns a negative number, one of enum flopshim_error, and changes nothing;
 * flopshim_error_text explains it. Without the shim that is FLOPSHIM_ABSENT.
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
	FLOPSHIM_OK = 0,          /* no error */
	FLOPSHIM_ABSENT = -1,     /* the shim is not loaded */
	FLOPSHIM_BAD_NAME = -2,   /* not the name of a namespace: empty segment, wrong character, over 1,023 bytes */
	FLOPSHIM_BAD_AMOUNT = -3, /* zero, negative, NaN, infinite, or 2^63 and above */
	FLOPSHIM_NOT_OPEN = -4,   /* the scope is not open in this thread */
	FLOPSHIM_NO_ROUTINE = -5, /* no routine of this name */
	/* not an argument of the routine or not a value of it; NULL, or a count out of range */
	FLOPSHIM_BAD_ARGUMENT = -6,
	FLOPSHIM_NO_MEMORY = -7, /* out of memory */
	FLOPSHIM_TOO_MANY = -8,  /* more namespaces or shapes than can be kept */
	FLOPSHIM_REFUSED = -9,   /* the work does not fit in a budget: do not do it */
	FLOPSHIM_UNPRICED = -10, /* the routine has no price */
};

/*
 * What happens to a call that does not fit in a budget. A denied call returns at once: its outputs are untouched, a
 * function returns 0, and the INFO of a LAPACK routine says whose limit refused it: -1001 a namespace's, -1002 a
 * scope's, -1003 that of the process.
 */
enum flopshim_action {
	FLOPSHIM_DEFAULT, /* do what FLOPSHIM_ON_EXCEED says */
	FLOPSHIM_EXIT,    /* close the dump, flush stdio, end the process */
	FLOPSHIM_SIGNAL,  /* raise the signal in the calling thread; if the thread goes on after it, deny the call */
	FLOPSHIM_DENY,    /* return without running the call, with INFO -1001, -1002 or -1003 */
	FLOPSHIM_WARN,    /* run the call, charge it, record it as over budget */
};

/* The extents of one operand of work that the program charges by flopshim_charge. */
struct flopshim_shape {
	int32_t rank;       /* 0 to 8 */
	int64_t extents[8]; /* of which the first `rank` count */
};

/*
 * A call that does not fit in a budget, as the callback of flopshim_on_exceed sees it. It is valid during the callback.
 */
struct flopshim_exceeded {
	const char *operation;      /* "dgemm", or the name given to flopshim_charge */
	const char *call;           /* the same with its arguments: "dgemm(transa=N, transb=N, m=300, n=400, k=200)" */
	int64_t cost;               /* FLOPs that the call would be charged */
	int64_t remaining;          /* FLOPs that the limit has left */
	int64_t limit;              /* FLOPs that the limit allows in all */
	const char *namespace_name; /* namespace of the limit; "" is the root */
	int32_t limit_is_scope;     /* 1: the limit is a scope's, 0: it is a namespace's */
	uint64_t caller;            /* return address of the call, 0 for flopshim_charge */
};

/*
 * The program's decision about a call that does not fit: the callback returns what is to happen, or leaves by longjmp
 * or an exception (then the call is not charged). It runs in the thread of the call. BLAS calls that the callback makes
 * are counted like any others, but one that does not fit is denied without asking the callback again.
 */
typedef enum flopshim_action (*flopshim_exceed_callback)(const struct flopshim_exceeded *call, void *context);

/* What flopshim_summary writes: text or JSON, by operation or, with FLOPSHIM_BY_NAMESPACE added, by namespace too. */
enum flopshim_summary { FLOPSHIM_TEXT = 0, FLOPSHIM_JSON = 1, FLOPSHIM_BY_NAMESPACE = 2 };

struct flopshim_python; /* for the Python module flopshim alone */

/*
 * The functions of the shim that is loaded; a program calls them by the inline functions below. A later shim only adds
 * functions at the end, and `size` tells which ones it has.
 */
struct flopshim_api {
	uint32_t size; /* bytes of this struct in the shim that is loaded */
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
#define FLOPSHIM_FUNCTION    static inline __attribute__((unused))
#define FLOPSHIM_UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define FLOPSHIM_FUNCTION    static inline
#define FLOPSHIM_UNLIKELY(x) (x)
#endif

/* Returns the functions of the shim, NULL if it is not loaded. Two threads that race here look the symbol up twice. */
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

/* Returns 1 if the shim is loaded in this process, 0 if not. */
FLOPSHIM_FUNCTION int flopshim_present(void) { return flopshim_table() != NULL; }

/* Returns a number of FLOPs rounded up to an integer; 0 if it is not a valid budget (see FLOPSHIM_BAD_AMOUNT). */
FLOPSHIM_FUNCTION int64_t flopshim_amount(double flops)
{
	int64_t whole;

	if (!(flops > 0 && flops < 9223372036854775807.0))
		return 0;
	whole = (int64_t)flops;
	return whole + ((double)whole < flops);
}

/*
 * Opens a scope on namespace `name` in the calling thread: its work is charged there until flopshim_end.
 * Returns the handle of the scope, which is > 0, or an error.
 */
FLOPSHIM_FUNCTION int64_t flopshim_begin(const char *name)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->begin(name, FLOPSHIM_UNLIMITED) : (int64_t)FLOPSHIM_ABSENT;
}

/* The same with a budget: at most `flops` FLOPs are charged inside, in nested scopes and by other threads included. */
FLOPSHIM_FUNCTION int64_t flopshim_begin_budget(const char *name, double flops)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->begin(name, flopshim_amount(flops)) : (int64_t)FLOPSHIM_ABSENT;
}

/*
 * Ends a scope of the calling thread, and the scopes that were opened inside it and left open, by longjmp for instance.
 * Returns how many scopes it has ended, or FLOPSHIM_NOT_OPEN if the scope has ended already or is another thread's.
 */
FLOPSHIM_FUNCTION int64_t flopshim_end(int64_t scope)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->end(scope) : (int64_t)FLOPSHIM_ABSENT;
}

/*
 * Sets or replaces the budget of a namespace, in FLOPs over the whole life of the process: what has been charged there
 * before counts. Returns 0 or an error.
 */
FLOPSHIM_FUNCTION int flopshim_set_budget(const char *name, double flops)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->set_budget(name, flopshim_amount(flops)) : FLOPSHIM_ABSENT;
}

/*
 * Sets the factor of a namespace, > 0 and below 2^31: what is charged there from now on is multiplied by it, and by the
 * factors of the namespaces around it. Returns 0 or an error.
 */
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
 * Charges work that is not a BLAS or LAPACK call: `flops` FLOPs (0 or more) under the name `operation`, which must not
 * be empty. The record also keeps the subscripts ("ij,jk->ik", or NULL) and the shapes of up to 8 operands. Call it
 * before the work: FLOPSHIM_REFUSED means that the work does not fit, and should not be done. Returns 0 or an error.
 */
FLOPSHIM_FUNCTION int flopshim_charge(const char *operation, int64_t flops, const char *subscripts, int shape_count,
                                      const struct flopshim_shape *shapes)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->charge(operation, flops, subscripts, shape_count, shapes) : FLOPSHIM_ABSENT;
}

/* Returns the FLOPs charged to a namespace and to those inside it since the process began, or an error. */
FLOPSHIM_FUNCTION int64_t flopshim_used(const char *name)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->used(name) : (int64_t)FLOPSHIM_ABSENT;
}

/*
 * Returns the FLOPs that may still be charged to a namespace: the least that its limit and those of the namespaces
 * around it leave, FLOPSHIM_UNLIMITED if there is none. With NULL or "" the limits of the open scopes count too. Or an
 * error.
 */
FLOPSHIM_FUNCTION int64_t flopshim_remaining(const char *name)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->remaining(name) : (int64_t)FLOPSHIM_ABSENT;
}

/* Returns how many calls have ended in a namespace and in those inside it, without workspace queries; or an error. */
FLOPSHIM_FUNCTION int64_t flopshim_calls(const char *name)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->calls(name) : (int64_t)FLOPSHIM_ABSENT;
}

/*
 * Returns the FLOPs charged in an open scope of the calling thread: by all threads since it began if it has a budget,
 * otherwise those of its namespace, as flopshim_used. An error if the scope is not open.
 */
FLOPSHIM_FUNCTION int64_t flopshim_scope_used(int64_t scope)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->scope_used(scope) : (int64_t)FLOPSHIM_ABSENT;
}

/*
 * Returns the FLOPs that all limits leave in an open scope of the calling thread; FLOPSHIM_UNLIMITED without a limit.
 */
FLOPSHIM_FUNCTION int64_t flopshim_scope_remaining(int64_t scope)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->scope_remaining(scope) : (int64_t)FLOPSHIM_ABSENT;
}

/*
 * Returns the FLOPs that one call of a routine would be charged in the open namespace, or an error:
 * flopshim_cost("dgemm", "m=300 n=400 k=200"). The arguments have LAPACK's names and are separated by blanks or commas;
 * options are letters (side=L). A dimension that is not given is 0, and an option that is not given has no letter.
 */
FLOPSHIM_FUNCTION int64_t flopshim_cost(const char *routine, const char *arguments)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->cost(routine, arguments) : (int64_t)FLOPSHIM_ABSENT;
}

/*
 * Writes what was charged since the start or the last flopshim_reset to `buffer`, which has `size` bytes and may be
 * NULL if `size` is 0. `kind` is a sum of enum flopshim_summary. The text is cut if it does not fit, and always
 * terminated. Returns the length of the whole text without the terminator, as snprintf does, or an error:
 * FLOPSHIM_BAD_ARGUMENT if `buffer` is NULL and `size` is not 0.
 */
FLOPSHIM_FUNCTION int64_t flopshim_summary(char *buffer, size_t size, int kind)
{
	const struct flopshim_api *api = flopshim_table();

	if (size && buffer)
		buffer[0] = 0;
	return api ? api->summary(buffer, size, kind) : (int64_t)FLOPSHIM_ABSENT;
}

/*
 * Makes later summaries begin from here. Budgets get nothing back, and the dump keeps everything. Returns 0 or an
 * error.
 */
FLOPSHIM_FUNCTION int flopshim_reset(void)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->reset() : FLOPSHIM_ABSENT;
}

/*
 * Sets the callback that decides about calls that do not fit, in every thread; NULL: FLOPSHIM_ON_EXCEED decides.
 * Returns 0 or an error. This does not wait for other threads, so that a callback may set another one. Therefore a
 * thread whose call was refused before this returns may still run the previous callback, with the context that belongs
 * to it: keep its code and context until such threads are done.
 */
FLOPSHIM_FUNCTION int flopshim_on_exceed(flopshim_exceed_callback callback, void *context)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->on_exceed(callback, context) : FLOPSHIM_ABSENT;
}

/* 1: print nothing about refused calls on standard error; 0: print a line for them. Returns the previous setting. */
FLOPSHIM_FUNCTION int flopshim_quiet(int quiet)
{
	const struct flopshim_api *api = flopshim_table();

	return api ? api->quiet(quiet) : FLOPSHIM_ABSENT;
}

/* Returns what an error means, for people: a constant text, "no error" for 0 and above. */
FLOPSHIM_FUNCTION const char *flopshim_error_text(int64_t error)
{
	switch (error) {
	case FLOPSHIM_ABSENT: return "the shim is not loaded";
	case FLOPSHIM_BAD_NAME: return "not a name of a namespace";
	case FLOPSHIM_BAD_AMOUNT: return "not a positive, finite number of FLOPs";
	case FLOPSHIM_NOT_OPEN: return "no such scope is open in this thread";
	case FLOPSHIM_NO_ROUTINE: return "no such routine";
	case FLOPSHIM_BAD_ARGUMENT: return "an argument is unknown, missing or out of range";
	case FLOPSHIM_NO_MEMORY: return "out of memory";
	case FLOPSHIM_TOO_MANY: return "too many namespaces or shapes";
	case FLOPSHIM_REFUSED: return "refused: it does not fit the budget";
	case FLOPSHIM_UNPRICED: return "the routine has no price";
	default: return error < 0 ? "unknown error" : "no error";
	}
}

/* ---- scopes that end with a block; only FLOPSHIM_SCOPE uses these ---- */

struct flopshim_block {
	int64_t scope;
	int once; /* 1 until the body of the loop in FLOPSHIM_BLOCK has run */
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
 * FLOPSHIM_SCOPE(name) { ... } and FLOPSHIM_SCOPE(name, budget) { ... } run the block in a scope, which ends however
 * the block is left, by `return` or an exception too. Only after a longjmp the scope stays open until a scope around it
 * ends. A `break` leaves the block. Needs GCC's or clang's cleanup attribute.
 */
#define FLOPSHIM_PICK(first, second, chosen, ...) chosen
#define FLOPSHIM_PASTE_(a, b)                     a##b
#define FLOPSHIM_PASTE(a, b)                      FLOPSHIM_PASTE_(a, b)
#define FLOPSHIM_BLOCK(block, ...)                                                                                     \
	for (struct flopshim_block block __attribute__((cleanup(flopshim_block_end))) =                                \
	             FLOPSHIM_PICK(__VA_ARGS__, flopshim_block_begin, flopshim_block_begin_unlimited, 0)(__VA_ARGS__); \
	     block.once; block.once = 0)
#define FLOPSHIM_SCOPE(...) FLOPSHIM_BLOCK(FLOPSHIM_PASTE(flopshim_block_, __COUNTER__), __VA_ARGS__)

#ifdef __cplusplus
}

namespace flopshim
{

/* A scope that lasts as long as the object, exceptions included. */
class scope
{
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

	/* The handle of the scope, or the error that kept it from being opened. */
	int64_t handle() const { return handle_; }
	int64_t used() const { return flopshim_scope_used(handle_); }
	int64_t remaining() const { return flopshim_scope_remaining(handle_); }

      private:
	int64_t handle_;
};

} // namespace flopshim
#endif
#endif
