/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dlsym.c - programs that fetch BLAS by dlsym get a thunk of ours that is bound to what they asked for.
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
 * What the program gets for a function: the stub, which is what it has as the routine's address already, where that
 * means this function to everybody; else a thunk. It may compare the two.
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

/* What the program gets for what resolve_for has found. */
enum answer {
	ANSWER_COUNTED,   /* what stands for it in the shim: see answer_for */
	ANSWER_HANDED_ON, /* the same, for a library behind the shim whose own calls were not counted */
	ANSWER_LINKERS,   /* what the dynamic linker says */
};

/*
 * What the scope of the caller holds behind the shim; for RTLD_NEXT, what follows the shim or the caller, whichever is later.
 * A library behind the shim hands calls on by RTLD_NEXT that have come to itself: where it looks like a BLAS they were
 * counted when they came, and where it does not, a tracer of a few routines say, they must be counted now.
 */
static void *resolve_for(const void *handle, uint32_t symbol, const char *name, const struct version *version, const void *caller,
			 enum answer *answer)
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

/* dlerror then tells what it would have told: nothing after the shim defines it. */
static void *missing(const char *name)
{
	return libc_dlsym(RTLD_NEXT, name);
}

/*
 * Under a lock of the shim's a hook waits for nothing: then it is called by what stands in the place of a function of the C
 * library that the shim has called, and looks for the real one.
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
		/* The scope that was asked begins with the program, and so has our own stub in it. */
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
		return NULL; /* what dlerror says is said */
	if (!found || resolve_own_symbol(found) >= 0) {
		/* The scope that was asked has our own stub in it, which has no version. */
		guest_print(version.name, sizeof(version.name), &end, "%s", version_name);
		found = resolve_for(RTLD_DEFAULT, (uint32_t)symbol, name, &version, caller, &answer);
	}
	found = found ? answer_for((uint32_t)symbol, name, found, caller) : libc_dlvsym(RTLD_NEXT, name, version_name);
	errno = saved;
	return found;
}

/* Counts what is about to be opened; whether it is, is seen later. */
void dlopen_hook(const char *path, int flags)
{
	int saved = errno;

	libc_find();
	if (guest_holds())
		return;
	lifecycle_lock();
	module_start(); /* if another library's constructor comes before ours */
	module_opened(path, flags);
	guest_unlock(&record_lock);
	epoch_next(); /* our own address may have another meaning from now on, so each site looks again */
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
	gaps_look(GAPS_CLOSING);
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
