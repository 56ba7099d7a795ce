/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * switch.c - takes a running program from a BLAS without the shim to one with it and back, for bench/clients --within.
 * Preloaded before the shim it defines the same symbols; each jumps to where the table says: to the BLAS itself, or to
 * the shim's definition. So one process can be compared with itself: two processes differ by a percent for as long as
 * they live, by where their memory lies. What the switch itself costs, one jump a call, is in both.
 *
 * BENCH_SWITCH_SHIM is the shim's path. The BLAS is what the distribution's libblas.so.3 and liblapack.so.3 are.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__x86_64__)
#error "the switch has no jump for this processor yet"
#endif

/* All functions of one library, in the order of the jumps. */
#define STUB(name, number) {#name, number},
#define HOLE(number)
static const struct {
	const char *name;
	unsigned number;
} symbols[] = {
#include "stubs.inc"
};
#undef STUB
#undef HOLE

enum { SYMBOLS = sizeof(symbols) / sizeof(symbols[0]), TABLE = 1 << 16 };

__attribute__((visibility("hidden"), used)) void *switch_table[TABLE];

#define STUB(name, number)                                                                                    \
	__asm__(".p2align 4\n.globl " #name "\n.type " #name ",@function\n" #name ": endbr64\n"             \
		"jmp *switch_table+8*" #number "(%rip)\n.size " #name ", . - " #name "\n");
#define HOLE(number)
#include "stubs.inc"

static void *without[TABLE], *with_shim[TABLE];

void bench_switch(int on);

/* 1: calls go through the shim from now on; 0: they do not. */
void bench_switch(int on)
{
	memcpy(switch_table, on ? with_shim : without, sizeof(switch_table));
}

static void fail(const char *what)
{
	fprintf(stderr, "bench/switch: %s\n", what);
	exit(2);
}

static void *open_or_fail(const char *path, int flags)
{
	void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL | flags);

	if (!library)
		fail(dlerror());
	return library;
}

__attribute__((constructor)) static void switch_start(void)
{
	/* Not the shim's dlsym, which would give its own functions instead of the BLAS's. */
	void *(*find)(void *, const char *) = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
	const char *path = getenv("BENCH_SWITCH_SHIM");
	void *shim, *blas = open_or_fail("libblas.so.3", 0), *lapack = open_or_fail("liblapack.so.3", 0);

	if (!path || !*path || !find)
		fail("BENCH_SWITCH_SHIM is not set");
	shim = open_or_fail(path, RTLD_NOLOAD);
	for (unsigned i = 0; i < SYMBOLS; i++) {
		void *real = find(blas, symbols[i].name);

		without[symbols[i].number] = real ? real : find(lapack, symbols[i].name);
		with_shim[symbols[i].number] = find(shim, symbols[i].name);
	}
	bench_switch(0);
}
