/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * moved.c - the functions of moved.def, under their first versions.
 * It must never be linked into the shim, which has some of these names itself.
 */
#include <math.h>
#include <pthread.h>

#include "libc/versions.h"

#undef dlopen
#undef dlsym
#undef dlerror
#undef dladdr
#undef pthread_create
#undef pthread_join
#undef pthread_barrier_init
#undef pthread_barrier_wait
#undef pthread_barrier_destroy
#undef pow

#define MOVED(type, name, parameters, arguments) \
	type first_##name parameters;            \
	LIBC_OLDEST(first_##name, name);         \
	type oldest_##name parameters { return first_##name arguments; }
#include "libc/moved.def"
