/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * raise.h - a refused call becomes an exception of the Python statement that made it, for bindings/flopshim.
 * It must never be needed by a process without that module.
 */
#ifndef FLOPSHIM_RAISE_H
#define FLOPSHIM_RAISE_H

#include <stdbool.h>
#include <stdint.h>

#include "flopshim.h"
#include "shim/charge/namespace.h"

/* What the module learns when a block has ended: _BlockEnd in bindings/flopshim has the same layout. */
struct block_end {
	int64_t used, remaining;
	struct refusal refusal; /* with BLOCK_REFUSED */
};

/*
 * What the Python module, and nobody else, finds in struct flopshim_api: _PythonApi there has the same layout. All functions
 * are called with the GIL held; amounts and errors are those of flopshim.h.
 */
struct flopshim_python {
	uint32_t size; /* of this struct */
	/*
	 * The names of the functions of Python's C API that the shim calls, NULL at the end; `use` takes their
	 * addresses, in the same order.
	 */
	const char *const *functions;
	void (*use)(void *const *functions);
	/*
	 * From here on what the limits of this module refuse raises. `module` has _refuse, _is_bystander and _probe;
	 * `tool` and `event` are those of sys.monitoring, 0 before Python 3.12. Returns the callback for that event,
	 * a new reference.
	 */
	void *(*attach)(void *module, int tool, int event);
	void (*detach)(void);
	/*
	 * Opens a scope whose refusals raise: a block. Its handle, or an error, goes to *handle; `flags` is of enum
	 * block_flags. Returns a capsule, a new reference: if that is freed before the block has ended, the block ends.
	 */
	void *(*begin)(const char *name, int64_t budget, int flags, int64_t *handle);
	/* Ends a block, in whatever order and thread. Returns FLOPSHIM_NOT_OPEN, or flags of enum block_ending. */
	int (*end)(int64_t handle, struct block_end *end);
	int (*set_budget)(const char *name, int64_t flops);
	/* Charges work by hand; with FLOPSHIM_REFUSED it fills *refusal. */
	int (*charge)(const char *operation, int64_t flops, const char *subscripts, int count,
	              const struct flopshim_shape *shapes, struct refusal *refusal);
	/* How many blocks with BLOCK_BUDGET are open. */
	int64_t (*open_budgets)(void);
};

void raise_use(void *const *functions);
void *raise_attach(void *module, int tool, int event);
void raise_detach(void);
/* The names for flopshim_python.functions. */
extern const char *const raise_functions[];

/* A capsule that calls `action` with the handle when it is freed; None if `handle` is no handle. A new reference. */
void *raise_capsule(int64_t handle, void (*action)(int64_t));

/* Whether the module has asked for exceptions. */
bool raise_is_attached(void);

/*
 * Whether the calling thread is in a statement that is to raise already, for an earlier refused call: that one is
 * raised, and this one need only be denied. May be false where Python's frames cannot be read.
 */
bool raise_is_due(const struct thread *thread);

/*
 * Has the Python statement that this thread is in raise instead of going on after the call, which the caller then
 * denies. False if the thread is in none, or is not Python's; it does not wait for the GIL then. `block` is the block
 * for which such threads may have kept a refusal: see namespace_keep_refusal. May run Python code: signal handlers, for
 * example.
 */
bool raise_in_statement(struct thread *thread, const struct refusal *refusal, int64_t block);

#endif
