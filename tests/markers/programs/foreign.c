/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * foreign.c - a compiled library for Python programs, which calls BLAS here, in threads of its own, and before a
 * callback. It must never use Python, so that its threads are unknown to the interpreter.
 */
#include <cblas.h>
#include <pthread.h>

static const double ones[1000] = {[0 ... 999] = 1};

static void *work(void *argument)
{
	double *result = argument;

	*result = cblas_ddot(1000, ones, 1, ones, 1);
	return NULL;
}

/* Returns 1000, or 0 if the call was refused. */
double dot_in_a_thread(void)
{
	pthread_t thread;
	double result = -1;

	pthread_create(&thread, NULL, work, &result);
	pthread_join(thread, NULL);
	return result;
}

double dot_here(void) { return cblas_ddot(1000, ones, 1, ones, 1); }

/* Passes the product to a Python function, as a solver passes the next point. */
double dot_and_call(double (*function)(double)) { return function(dot_here()); }

/* Returns the sum of `count` products. It goes on if some are refused. */
double dots_here(int count)
{
	double sum = 0;

	for (int i = 0; i < count; i++)
		sum += dot_here();
	return sum;
}

struct share {
	int count;
	double sum;
};

static void *work_share(void *argument)
{
	struct share *share = argument;

	share->sum = dots_here(share->count);
	return NULL;
}

/* Returns the sum of `own` products here and `count` in each of `threads` further threads, as in an OpenMP region. */
double dots_in_threads(int threads, int count, int own)
{
	pthread_t ids[16];
	struct share shares[16];
	double sum;

	for (int i = 0; i < threads; i++) {
		shares[i].count = count;
		pthread_create(&ids[i], NULL, work_share, &shares[i]);
	}
	sum = dots_here(own);
	for (int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		sum += shares[i].sum;
	}
	return sum;
}
