/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dlsym.c - gives a program that asks dlsym for a BLAS routine a function of the shim's that is bound to what it
 * asked for.
 * It must never allocate, and never change what RTLD_NEXT and RTLD_DEFAULT mean for the program.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#include "price/routines.h"
#include "shim/dump/lock.h"
#include "shim/guest/guest.h"
#include "shim/record/thunks.h"
#include "shim/resolve/hiding.h"
#include "shim/resolve/libc.h"
#include "shim/resolve/resolve.h"
#include "shim/resolve/symbol_version.h"
#include "shim/resolve/taken.h"
#include "shim/resolve/gaps.h"
#include "shim/state/entry.h"
#include "shim/state/epoch.h"
#include "shim/threads/lifecycle.h"

#define DLSYM_REAL ((void *)-1)

extern char flopshim_thunks[] __attribute__((visibility("hidden")));

static void *thunk_address(uint32_t number) { return flopshim_thunks + (size_t)number * STUB_SIZE; }

static void *thunk_of(uint32_t symbol, void *real)
{
	uint32_t number;

	lifecycle_lock();
	number = thunk_make(symbol, real);
	guest_unlock(&record_lock);
	return number < THUNK_COUNT ? thunk_address(number) : real;
}

/*
 * What dlsym answers where it found `real`. It is the stub if calls by the stub mean this function for everybody: the
 * program has that as the routine's address already, and may compare the two. Otherwise it is a thunk.
 */
static void *answer_for(uint32_t symbol, const char *name, void *real, const void *caller)
{
	struct module *owner;
	bool is_stub;

	lifecycle_lock();
	module_refresh();
	owner = module_of(real);
	if (owner)
		owner->flags |= MODULE_ASKED;
	is_stub = thunk_find(symbol, real) == THUNK_COUNT && taken_by_dlsym(symbol, name, real, module_of(caller));
	guest_unlock(&record_lock);
	return is_stub ? (void *)entry_stub(symbol) : thunk_of(symbol, real);
}

/* How to answer dlsym with what resolve_for has found. */
enum answer {
	ANSWER_COUNTED,   /* by the stub or a thunk: see answer_for */
	ANSWER_HANDED_ON, /* by a thunk, to a library behind the shim that hands on calls which were not counted */
	ANSWER_LINKERS,   /* not at all: the dynamic linker answers */
};

/*
 * Finds what the caller's scope holds behind the shim; for RTLD_NEXT, what follows the shim or the caller, whichever
 * is later. A library behind the shim uses RTLD_NEXT to hand on calls that have come to it. If it looks like a BLAS,
 * they were counted when they came. If it does not (a tracer of a few routines, say), they must be counted now.
 */
static void *resolve_for(const void *handle, uint32_t symbol, const char *name, const struct version *version,
                         const void *caller, enum answer *answer)
{
	struct module *module;
	void *found = NULL;

	lifecycle_lock();
	module_refresh();
	module = module_of(caller);
	*answer = ANSWER_COUNTED;
	if (handle != RTLD_NEXT) {
		found = resolve_default(name, version, module);
	} else if (module && module_is_before_self(module)) {
		found = resolve_after_self(name);
	} else {
		if (module && !module_is_blas(module, symbol_is_bare(symbol)))
			found = resolve_behind(name, module);
		*answer = found ? ANSWER_HANDED_ON : ANSWER_LINKERS;
	}
	guest_unlock(&record_lock);
	return found;
}

/* Nothing after the shim defines the name, so this fails, and dlerror tells the program why. */
static void *missing(const char *name) { return libc_dlsym(RTLD_NEXT, name); }

/*
 * If the calling thread holds a lock of the shim's, a hook hands the call on at once: it comes from a library that
 * stands in for a C library function which the shim has called, and which looks for the real one.
 */
__attribute__((visibility("hidden"))) void *dlsym_hook(void *handle, const char *name, const void *caller);
__attribute__((visibility("hidden"))) void *dlvsym_hook(void *handle, const char *name, const char *version_name,
                                                        const void *caller);
__attribute__((visibility("hidden"))) void dlopen_hook(const char *path, int flags);

void *dlsym_hook(void *handle, const char *name, const void *caller)
{
	int saved = errno;
	int32_t symbol;
	void *found;

	libc_find();
	if (!name || guest_holds())
		return DLSYM_REAL;
	if (gaps_are_due())
		gaps_look(GAPS_BEFORE); /* what was opened is likely to be called next */
	symbol = resolve_own_name(name);
	if (symbol < 0)
		return DLSYM_REAL;
	found = handle == RTLD_DEFAULT || handle == RTLD_NEXT ? NULL : libc_dlsym(handle, name);
	if (found && resolve_own_symbol(found) < 0) {
		found = answer_for((uint32_t)symbol, name, found, caller);
	} else if (found || handle == RTLD_DEFAULT || handle == RTLD_NEXT) {
		/* The search began with the program, and so found our own stub. */
		enum answer answer;

		found = resolve_for(handle, (uint32_t)symbol, name, NULL, caller, &answer);
		if (answer == ANSWER_LINKERS)
			found = DLSYM_REAL;
		else if (answer == ANSWER_HANDED_ON)
			found = thunk_of((uint32_t)symbol, found);
		else
			found = found ? answer_for((uint32_t)symbol, name, found, caller) : missing(name);
	}
	errno = saved;
	return found;
}

void *dlvsym_hook(void *handle, const char *name, const char *version_name, const void *caller)
{
	struct version version = {""};
	int saved = errno;
	int32_t symbol;
	size_t end = 0;
	enum answer answer;
	void *found;

	libc_find();
	symbol = name && version_name && handle != RTLD_NEXT && !guest_holds() ? resolve_own_name(name) : -1;
	if (symbol < 0)
		return DLSYM_REAL;
	found = handle == RTLD_DEFAULT ? NULL : libc_dlvsym(handle, name, version_name);
	if (!found && handle != RTLD_DEFAULT)
		return NULL; /* dlerror has its message already */
	if (!found || resolve_own_symbol(found) >= 0) {
		/* The search found our own stub, which has no version. */
		guest_print(version.name, sizeof(version.name), &end, "%s", version_name);
		found = resolve_for(RTLD_DEFAULT, (uint32_t)symbol, name, &version, caller, &answer);
	}
	found = found ? answer_for((uint32_t)symbol, name, found, caller) : libc_dlvsym(RTLD_NEXT, name, version_name);
	errno = saved;
	return found;
}

/* Notes what is about to be opened. Whether it is opened is seen later. */
void dlopen_hook(const char *path, int flags)
{
	int saved = errno;

	libc_find();
	if (guest_holds())
		return;
	lifecycle_lock();
	module_start(); /* another library's constructor may come before ours */
	module_opened(path, flags);
	guest_unlock(&record_lock);
	epoch_next(); /* our own address may mean another function from now on: every site is resolved again */
	gaps_expect();
	errno = saved;
}

__attribute__((visibility("default"))) int dlclose(void *handle)
{
	int result, saved;

	libc_find();
	if (guest_holds())
		return libc_dlclose(handle);
	hiding_note_deep(false);
	gaps_look_before_close(handle);
	lifecycle_lock();
	module_closing();
	guest_unlock(&record_lock);
	result = libc_dlclose(handle);
	saved = errno;
	lifecycle_lock();
	module_closed();
	guest_unlock(&record_lock);
	epoch_next();
	errno = saved;
	return result;
}
