/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unwind.c - return addresses by libunwind.
 * It must never be linked to libunwind: its _Unwind_ functions would take the place of libgcc's in the program, and make
 * a C++ exception cost thirteen times as much.
 */
#include "unwind.h"

#include <dlfcn.h>

#include "config.h"
#include "dlsym.h"

enum { OWN_FRAMES = 12 }; /* of the shim, in front of the caller's */

static int (*backtrace_function)(void **, int);

void unwind_start(void)
{
	void *library;

	if (config.stacks != STACKS_AUTO && config.stacks != STACKS_ALL)
		return;
	/*
	 * libunwind keeps a cache for each thread until the last round of the destructors of thread-specific data, where
	 * ThreadSanitizer has already taken its own state of the thread apart: the mutex that libunwind then locks is
	 * TSan's to intercept, and the program crashes. Without the cache TSan reports libunwind's own races.
	 */
	if (dlsym_call_real(RTLD_DEFAULT, "__tsan_init"))
		return;
	library = dlsym_call_real_dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	if (library)
		backtrace_function = (int (*)(void **, int))dlsym_call_real(library, "unw_backtrace");
}

unsigned unwind_from(uint64_t caller, uint64_t *addresses)
{
	static void *all[UNWIND_MAX + OWN_FRAMES]; /* under record_lock */
	int count, first = 0;

	if (!backtrace_function)
		return 0;
	count = backtrace_function(all, UNWIND_MAX + OWN_FRAMES);
	while (first < count && (uint64_t)all[first] != caller)
		first++;
	for (int i = first; i < count && i - first < UNWIND_MAX; i++)
		addresses[i - first] = (uint64_t)all[i];
	count -= first;
	return count > UNWIND_MAX ? UNWIND_MAX : (unsigned)(count > 0 ? count : 0);
}
