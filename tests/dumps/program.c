/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * program.c - the program that left the dumps in this folder: it makes a call of every kind that leaves something in
 * one. It must never change, since test_dumps.py adds up what its calls cost.
 */
#include <pthread.h>

#include "flopshim.h"

void dgemm_(const char *, const char *, const int *, const int *, const int *, const double *, const double *,
            const int *, const double *, const int *, const double *, double *, const int *);
void zgemm_(const char *, const char *, const int *, const int *, const int *, const double *, const double *,
            const int *, const double *, const int *, const double *, double *, const int *);
void dtrsm_(const char *, const char *, const char *, const char *, const int *, const int *, const double *,
            const double *, const int *, double *, const int *);
void dgeqrf_(const int *, const int *, double *, const int *, double *, double *, const int *, int *);
double ddot_(const int *, const double *, const int *, const double *, const int *);

static double a[64 * 64], b[64 * 64], c[64 * 64];
static const double one = 1, complex_one[2] = {1, 0};

static void product(int m, int n, int k)
{
	const int order = 64;

	dgemm_("N", "N", &m, &n, &k, &one, a, &order, b, &order, &one, c, &order);
}

static void dots(int n, int times)
{
	const int step = 1;

	for (int i = 0; i < times; i++)
		ddot_(&n, a, &step, b, &step);
}

/* Computes 4 dot products of 50 elements. */
static void *in_a_thread(void *unused)
{
	dots(50, 4);
	return unused;
}

int main(void)
{
	const int m = 4, n = 5, k = 6, order = 64, rows = 30, ask = -1;
	double tau[30], work[1];
	pthread_t thread;
	int info;

	for (int i = 0; i < 64 * 64; i++)
		a[i] = b[i] = i % 65 ? 0 : 1; /* identity matrices */
	for (int i = 0; i < 3; i++)
		product(20, 30, 40);
	dots(100, 7);
	zgemm_("N", "N", &m, &n, &k, complex_one, a, &order, b, &order, complex_one, c, &order);
	dgeqrf_(&rows, &rows, a, &order, tau, work, &ask, &info); /* a workspace query */
	FLOPSHIM_SCOPE("solve")
	{
		for (int i = 0; i < 2; i++)
			dtrsm_("L", "U", "N", "N", &m, &n, &one, a, &order, b, &order);
		FLOPSHIM_SCOPE("little", 1000)
		product(10, 10, 10); /* costs 2,000 FLOPs, so it is refused */
	}
	flopshim_charge("fft", 5000, NULL, 0, NULL);
	pthread_create(&thread, NULL, in_a_thread, NULL);
	pthread_join(thread, NULL);
	return 0;
}
