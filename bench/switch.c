/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * switch.c - switches the BLAS calls of a running program to the shim and back to the BLAS, for bench/clients --within.
 * It must never cost more in one position than in the other: in both it is one jump for each call.
 *
 * It is preloaded before the shim and defines the same symbols. Each jumps where a table says: to the BLAS itself or to
 * the shim's definition. So one process is compared with itself. Two processes would differ by a percent all their
 * lives, because their memory lies at different addresses.
 *
 * BENCH_SWITCH_SHIM is the shim's path. The BLAS is the distribution's libblas.so.3 and liblapack.so.3.
 *
 * Some programs cannot be made to call bench_switch. For these BENCH_SWITCH_ORDER=N switches over at every call of
 * cblas_dgemv with an N by N matrix: HPL makes one after each solution, to check it, and none during it.
 * BENCH_SWITCH_FIRST=1 begins with the shim. With BENCH_SWITCH_NULL all calls go past the shim.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__x86_64__)
#error "the switch has no jump for this processor yet"
#endif

/* The name of every symbol and the number of its jump. */
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

#define STUB(name, number)                                                                      \
	__asm__(".p2align 4\n.globl " #name "\n.type " #name ",@function\n" #name ": endbr64\n" \
	        "jmp *switch_table+8*" #number "(%rip)\n.size " #name ", . - " #name "\n");
#define HOLE(number)
#include "stubs.inc"

static void *without[TABLE], *with_shim[TABLE];

void bench_switch(int on);

typedef void (*dgemv_function)(int, int, int, int, double, const double *, int, const double *, int, double, double *,
                               int);

static unsigned dgemv_number;
static int turn_order, turn_on;

/* Stands in front of cblas_dgemv in both positions: switches over if the matrix has the order BENCH_SWITCH_ORDER. */
static void dgemv_that_turns(int layout, int trans, int m, int n, double alpha, const double *a, int lda,
                             const double *x, int incx, double beta, double *y, int incy)
{
	void *next = turn_on ? with_shim[dgemv_number] : without[dgemv_number];

	((dgemv_function)next)(layout, trans, m, n, alpha, a, lda, x, incx, beta, y, incy);
	if (m == turn_order && n == turn_order && !getenv("BENCH_SWITCH_NULL"))
		bench_switch(!turn_on);
}

/* Sends calls through the shim from now on (1), or past it (0). */
void bench_switch(int on)
{
	turn_on = on;
	memcpy(switch_table, on ? with_shim : without, sizeof(switch_table));
	if (turn_order)
		switch_table[dgemv_number] = (void *)dgemv_that_turns;
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
	/*
	 * dlvsym finds the C library's dlsym. The shim's own would return the shim's functions instead of the BLAS's.
	 */
	void *(*find)(void *, const char *) =
		(void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
	const char *path = getenv("BENCH_SWITCH_SHIM"), *order = getenv("BENCH_SWITCH_ORDER");
	const char *first = getenv("BENCH_SWITCH_FIRST");
	void *shim, *blas = open_or_fail("libblas.so.3", 0), *lapack = open_or_fail("liblapack.so.3", 0);

	if (!path || !*path || !find)
		fail("BENCH_SWITCH_SHIM is not set");
	shim = open_or_fail(path, RTLD_NOLOAD);
	for (unsigned i = 0; i < SYMBOLS; i++) {
		void *real = find(blas, symbols[i].name);

		without[symbols[i].number] = real ? real : find(lapack, symbols[i].name);
		with_shim[symbols[i].number] = find(shim, symbols[i].name);
		if (!strcmp(symbols[i].name, "cblas_dgemv"))
			dgemv_number = symbols[i].number;
	}
	turn_order = order ? atoi(order) : 0;
	bench_switch(first && atoi(first) && !getenv("BENCH_SWITCH_NULL"));
}
