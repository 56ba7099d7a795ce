/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fp_state.c - prints the floating-point control word, the exception flags and errno after calls of every kind, under
 * all rounding modes, with and without flush-to-zero. All results are small integers, so that a correct BLAS raises no
 * flag; in any case the output must be the same with the shim as without it.
 */
#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xmmintrin.h>

#include "blas.h"

enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x0040, N_MAX = 3000, ORDER = 6 };

static double x[N_MAX], y[N_MAX];

static unsigned x87_control(void)
{
	unsigned short control;

	__asm__ volatile("fnstcw %0" : "=m"(control));
	return control;
}

static unsigned x87_status(void)
{
	unsigned short status;

	__asm__ volatile("fnstsw %0" : "=m"(status));
	return status;
}

static void call_ddot(int n)
{
	int stride = 1;
	volatile double result = F77(ddot)(&n, x, &stride, y, &stride);

	(void)result;
}

static void first(void) { call_ddot(4); }
static void again(void) { call_ddot(4); }
static void empty(void) { call_ddot(0); }
static void negative(void) { call_ddot(-5); }

static void by_value(void) { CBLAS(daxpy)(4, 2, x, 1, y, 1); }

static void product(void)
{
	double c[4], one = 1, zero = 0;
	int n = 2;

	F77(dgemm)("N", "N", &n, &n, &n, &one, x, &n, y, &n, &zero, c, &n, 1, 1);
}

static void identity(double *a)
{
	memset(a, 0, ORDER * ORDER * sizeof *a);
	for (int i = 0; i < ORDER; i++)
		a[i * ORDER + i] = 1;
}

static void solve(void)
{
	double a[ORDER * ORDER], b[ORDER] = {1, 2, 3, 4, 5, 6};
	int n = ORDER, one = 1, ipiv[ORDER], info;

	identity(a);
	F77(dgesv)(&n, &one, a, &n, ipiv, b, &n, &info);
}

static void query(void)
{
	double a[ORDER * ORDER], wr[ORDER], wi[ORDER], size;
	int n = ORDER, one = 1, lwork = -1, info;

	identity(a);
	F77(dgeev)("N", "N", &n, a, &n, wr, wi, NULL, &one, NULL, &one, &size, &lwork, &info, 1, 1);
}

/* Each shape is a row of its own, so that the tables of the dump grow meanwhile. */
static void many_shapes(void)
{
	for (int n = 1; n <= N_MAX; n++)
		call_ddot(n);
}

/* The price, 2 m n k, does not fit in 64 bits; with alpha = 0 and beta = 1 the library has nothing to do. */
static void enormous(void)
{
	double zero = 0, one = 1;
	int huge = 2147483647;

	F77(dgemm)("N", "N", &huge, &huge, &huge, &zero, x, &huge, y, &huge, &one, x, &huge, 1, 1);
}

static void *in_thread(void *control)
{
	_mm_setcsr(*(unsigned *)control);
	call_ddot(4);
	*(unsigned *)control = _mm_getcsr();
	return NULL;
}

static void new_thread(void)
{
	unsigned control = _mm_getcsr();
	pthread_t thread;

	pthread_create(&thread, NULL, in_thread, &control);
	pthread_join(thread, NULL);
	_mm_setcsr(control);
}

static void forked(void)
{
	pid_t child = fork();
	int status;

	if (!child) {
		unsigned before = _mm_getcsr();

		call_ddot(4);
		_exit(_mm_getcsr() != before);
	}
	waitpid(child, &status, 0);
	errno = WIFEXITED(status) && !WEXITSTATUS(status) ? 77 : 99;
}

static const struct {
	const char *name;
	void (*call)(void);
} calls[] = {
	{"first", first},       {"again", again},           {"empty", empty},   {"negative", negative},
	{"by_value", by_value}, {"product", product},       {"solve", solve},   {"query", query},
	{"enormous", enormous}, {"new_thread", new_thread}, {"forked", forked}, {"many_shapes", many_shapes},
};

static void probe(unsigned call, int rounding, unsigned flush)
{
	unsigned mxcsr, status, control;
	int error, rounding_after;

	fesetround(rounding);
	feclearexcept(FE_ALL_EXCEPT);
	_mm_setcsr(_mm_getcsr() | flush);
	errno = 77;
	calls[call].call();
	error = errno;
	mxcsr = _mm_getcsr();
	control = x87_control();
	status = x87_status();
	rounding_after = fegetround();
	_mm_setcsr(0x1f80);
	printf("%-11s rounding %x %x mxcsr %04x x87 %04x %04x errno %d\n", calls[call].name, rounding, rounding_after,
	       mxcsr, control, status, error);
}

int main(void)
{
	static const int roundings[] = {FE_UPWARD, FE_TONEAREST, FE_DOWNWARD, FE_TOWARDZERO};

	for (int i = 0; i < N_MAX; i++) {
		x[i] = i % 7 - 3;
		y[i] = i % 5 - 2;
	}
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	for (unsigned call = 0; call < sizeof calls / sizeof *calls; call++)
		for (unsigned r = 0; r < sizeof roundings / sizeof *roundings; r++) {
			probe(call, roundings[r], 0);
			probe(call, roundings[r], FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
		}
	return 0;
}
