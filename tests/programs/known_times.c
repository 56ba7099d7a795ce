/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * known_times.c - a BLAS whose calls take known times: each call waits for a time that its dimensions determine, and
 * adds the time that it has really taken to a total. If a short call was interrupted for long, the intended time is
 * added instead, so that a loaded machine changes little.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

typedef const int *dimension;

static _Atomic uint64_t total_ns;

/* Returns the nanoseconds of all calls since the process began or known_times_reset was called. */
uint64_t known_times_total(void);
void known_times_reset(void);

uint64_t known_times_total(void) { return total_ns; }
void known_times_reset(void) { total_ns = 0; }

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

enum { OFF_NS = 500000 };

static void spend(uint64_t ns)
{
	uint64_t start = now(), took;

	do
		took = now() - start;
	while (took < ns);
	total_ns += ns < OFF_NS && took > OFF_NS ? ns : took;
}

/* A call takes a fixed time and a time for each element, so that its FLOP rate depends on n, as with any routine. */
double ddot_(dimension n, const double *x, dimension incx, const double *y, dimension incy);
double ddot_(dimension n, const double *x, dimension incx, const double *y, dimension incy)
{
	(void)x, (void)y, (void)incx, (void)incy;
	spend(1500 + (uint64_t)*n / 4);
	return *n;
}

void daxpy_(dimension n, const double *alpha, const double *x, dimension incx, double *y, dimension incy);
void daxpy_(dimension n, const double *alpha, const double *x, dimension incx, double *y, dimension incy)
{
	(void)alpha, (void)x, (void)y, (void)incx, (void)incy;
	spend(1000 + (uint64_t)*n / 2);
}

/* A routine that takes long and does no floating-point operation. */
void dcopy_(dimension n, const double *x, dimension incx, double *y, dimension incy);
void dcopy_(dimension n, const double *x, dimension incx, double *y, dimension incy)
{
	(void)x, (void)y, (void)incx, (void)incy;
	spend((uint64_t)*n);
}

void dgemm_(const char *transa, const char *transb, dimension m, dimension n, dimension k, const double *alpha,
            const double *a, dimension lda, const double *b, dimension ldb, const double *beta, double *c,
            dimension ldc);
void dgemm_(const char *transa, const char *transb, dimension m, dimension n, dimension k, const double *alpha,
            const double *a, dimension lda, const double *b, dimension ldb, const double *beta, double *c,
            dimension ldc)
{
	(void)transa, (void)transb, (void)alpha, (void)a, (void)lda, (void)b, (void)ldb, (void)beta, (void)c, (void)ldc;
	spend(2000 + (uint64_t)*m * (uint64_t)*n * (uint64_t)*k / 8);
}

int isamax_(dimension n, const float *x, dimension incx);
int isamax_(dimension n, const float *x, dimension incx)
{
	int most = 0;

	for (int i = 1; i < *n; i++)
		if (x[i * *incx] > x[most * *incx])
			most = i;
	return most + 1;
}
