/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dlsym.c - programs that fetch BLAS by dlsym get a thunk of ours that is bound to what they asked for.
 * It must never allocate, and never change what RTLD_NEXT and RTLD_DEFAULT mean for the program.
 */
#include "shim/interpose/dlsym.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#include "shim/guest/config.h"
#include "shim/interpose/confine.h"
#include "shim/dump/dump.h"
#include "shim/state/entry.h"
#include "shim/threads/lifecycle.h"
#include "shim/record/record.h"
#include "shim/resolve/resolve.h"
#include "price/routines.h"
#include "shim/resolve/symbol_version.h"
#include "shim/resolve/taken.h"

#define DLSYM_REAL ((void *)-1)

extern char flopshim_stubs[] __attribute__((visibility("hidden")));
extern char flopshim_thunks[] __attribute__((visibility("hidden")));

void *(*dlsym_real)(void *, const char *) __attribute__((visibility("hidden")));
void *(*dlvsym_real)(void *, const char *, const char *) __attribute__((visibility("hidden")));
void *(*dlopen_real)(const char *, int) __attribute__((visibility("hidden")));
static int (*dlclose_real)(void *);
int (*pthread_create_real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static struct thunk thunks[THUNK_COUNT];
static unsigned thunk_count;

/* The next one in the search order: the C library's, or a sanitizer's. */
static bool is_next_dlvsym(const struct module *module, void *context)
{
	void *found = module_symbol(module, "dlvsym");

	(void)context;
	if (!found || found == (void *)dlvsym)
		return false;
	dlvsym_real = (void *(*)(void *, const char *, const char *))found;
	return true;
}

/* glibc moved these from libdl into libc with 2.34. */
static void *libc_function(const char *name)
{
	static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5", "GLIBC_2.1", "GLIBC_2.0"};
	void *found = NULL;

	for (unsigned i = 0; dlvsym_real && !found && i < sizeof(versions) / sizeof(versions[0]); i++)
		found = dlvsym_real(RTLD_NEXT, name, versions[i]);
	return found;
}

static void *next_function(const char *name)
{
	void *(*real)(void *, const char *) = (void *(*)(void *, const char *))libc_function("dlsym");

	return real ? real(RTLD_NEXT, name) : libc_function(name);
}

void dlsym_init(void)
{
	if (dlsym_real)
		return;
	module_before_list(is_next_dlvsym, NULL);
	dlopen_real = (void *(*)(const char *, int))libc_function("dlopen");
	dlclose_real = (int (*)(void *))libc_function("dlclose");
	syscall_real = (long (*)(long, ...))next_function("syscall");
	prctl_real = (int (*)(int, ...))next_function("prctl");
	/* Whatever comes next: a sanitizer has one of its own. */
	pthread_create_real = (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))next_function(
		"pthread_create");
	dlsym_real = (void *(*)(void *, const char *))libc_function("dlsym");
	module_init();
}

void *dlsym_call_real(void *handle, const char *name)
{
	dlsym_init();
	return dlsym_real(handle, name);
}

void *dlsym_call_real_dlopen(const char *path, int flags)
{
	dlsym_init();
	return dlopen_real(path, flags);
}

const struct thunk *dlsym_thunk(uint32_t number)
{
	return &thunks[number];
}

/* The number of the thunk that stands for this function, THUNK_COUNT if there is none. With record_lock held. */
static unsigned thunk_find(uint32_t symbol, const void *real)
{
	for (unsigned number = 0; number < thunk_count; number++)
		if (thunks[number].symbol == symbol && thunks[number].real == real)
			return number;
	return THUNK_COUNT;
}

static void *thunk_address(unsigned number) { return flopshim_thunks + (size_t)number * STUB_SIZE; }

static void *thunk_of(uint32_t symbol, void *real)
{
	unsigned number;

	lifecycle_lock();
	number = thunk_find(symbol, real);
	if (number == THUNK_COUNT && thunk_count < THUNK_COUNT) {
		number = thunk_count++;
		thunks[number] = (struct thunk){symbol, real};
	}
	if (number == THUNK_COUNT)
		dump_note(DUMP_NOTE_THUNKS_FULL, routines[forms[symbol / SCHEME_COUNT].routine].name, 1);
	guest_unlock(&record_lock);
	return number < THUNK_COUNT ? thunk_address(number) : real;
}

/*
 * What the program gets for a function: the stub, which is what it has as the routine's address already, where that
 * means this function to everybody; else a thunk. It may compare the two.
 */
static void *answer_for(uint32_t symbol, const char *name, void *real, const void *caller)
{
	bool is_stub;

	lifecycle_lock();
	if (module_refresh())
		lifecycle_epoch_next();
	is_stub = thunk_find(symbol, real) == THUNK_COUNT && taken_by_dlsym(symbol, name, real, module_of(caller));
	guest_unlock(&record_lock);
	return is_stub ? flopshim_stubs + (size_t)symbol * STUB_SIZE : thunk_of(symbol, real);
}

/* What the scope of the caller holds behind the shim; for RTLD_NEXT before the shim, what the program holds behind it. */
static void *resolve_for(const void *handle, const char *name, const struct version *version, const void *caller,
			 bool *own_answer)
{
	struct module *module;
	void *found;

	lifecycle_lock();
	if (module_refresh())
		lifecycle_epoch_next();
	module = module_of(caller);
	*own_answer = handle != RTLD_NEXT || (module && module_is_before_self(module));
	found = handle == RTLD_NEXT ? resolve_after_self(name) : resolve_default(name, version, module);
	guest_unlock(&record_lock);
	return found;
}

/*
 * What a library behind the shim hands calls on to that have come to itself, by RTLD_NEXT. Where it looks like a BLAS they
 * were counted when they came; where it does not, a tracer of a few routines say, they are counted now. NULL otherwise.
 */
static void *handed_on(uint32_t symbol, const char *name, const void *caller)
{
	struct module *module;
	void *found = NULL;

	lifecycle_lock();
	if (module_refresh())
		lifecycle_epoch_next();
	module = module_of(caller);
	if (module && !module_is_before_self(module) && !module_is_blas(module, symbol_is_bare(symbol)))
		found = resolve_behind(name, module);
	guest_unlock(&record_lock);
	return found ? thunk_of(symbol, found) : NULL;
}

/* dlerror then tells what it would have told: nothing after the shim defines it. */
static void *missing(const char *name)
{
	return dlsym_real(RTLD_NEXT, name);
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

	dlsym_init();
	if (!name || guest_holds())
		return DLSYM_REAL;
	symbol = resolve_own_name(name);
	if (symbol < 0)
		return DLSYM_REAL;
	found = handle == RTLD_DEFAULT || handle == RTLD_NEXT ? NULL : dlsym_real(handle, name);
	if (found && resolve_own_symbol(found) < 0) {
		found = answer_for((uint32_t)symbol, name, found, caller);
	} else if (found || handle == RTLD_DEFAULT || handle == RTLD_NEXT) {
		/* The scope that was asked begins with the program, and so has our own stub in it. */
		bool own_answer;

		found = resolve_for(handle, name, NULL, caller, &own_answer);
		if (!own_answer) {
			found = handed_on((uint32_t)symbol, name, caller);
			errno = saved;
			return found ? found : DLSYM_REAL;
		}
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
	void *found;
	bool own_answer;

	dlsym_init();
	symbol = name && version_name && handle != RTLD_NEXT && !guest_holds() ? resolve_own_name(name) : -1;
	if (symbol < 0)
		return DLSYM_REAL;
	found = handle == RTLD_DEFAULT ? NULL : dlvsym_real(handle, name, version_name);
	if (!found && handle != RTLD_DEFAULT)
		return NULL; /* what dlerror says is said */
	if (!found || resolve_own_symbol(found) >= 0) {
		/* The scope that was asked has our own stub in it, which has no version. */
		guest_print(version.name, sizeof(version.name), &end, "%s", version_name);
		found = resolve_for(RTLD_DEFAULT, name, &version, caller, &own_answer);
	}
	found = found ? answer_for((uint32_t)symbol, name, found, caller) : dlvsym_real(RTLD_NEXT, name, version_name);
	errno = saved;
	return found;
}

/* Counts what is about to be opened; whether it is, is seen later. */
void dlopen_hook(const char *path, int flags)
{
	int saved = errno;

	dlsym_init();
	if (guest_holds())
		return;
	lifecycle_lock();
	module_start(); /* if another library's constructor comes before ours */
	if (module_opened(path, flags))
		lifecycle_epoch_next();
	guest_unlock(&record_lock);
	errno = saved;
}

__attribute__((visibility("default"))) int dlclose(void *handle)
{
	int result, saved;

	dlsym_init();
	if (guest_holds())
		return dlclose_real(handle);
	lifecycle_note_deep(false);
	lifecycle_lock();
	module_closing();
	guest_unlock(&record_lock);
	result = dlclose_real(handle);
	saved = errno;
	lifecycle_lock();
	module_closed();
	guest_unlock(&record_lock);
	lifecycle_epoch_next();
	errno = saved;
	return result;
}
