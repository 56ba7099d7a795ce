/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * places.c ROUNDS [fork] - calls daxpy_ with n = 2 from 3,000 places, ROUNDS times from each; with `fork` a child does
 * the same again afterwards.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void daxpy_(const int *n, const double *a, const double *x, const int *incx, double *y, const int *incy);

static const int n = 2, one = 1;
static const double a = 1, x[2] = {1, 1};
static double y[2];

#define CALL      daxpy_(&n, &a, x, &one, y, &one);
#define TEN(what) what what what what what what what what what what
#define PLACES    TEN(TEN(TEN(CALL))) TEN(TEN(TEN(CALL))) TEN(TEN(TEN(CALL)))

static void call_all(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		PLACES
	}
}

int main(int argc, char **argv)
{
	int rounds = atoi(argv[1]), status = 0;
	pid_t child;

	call_all(rounds);
	if (argc > 2) {
		child = fork();
		if (child == 0) {
			call_all(rounds);
			exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status)
			return 1;
	}
	return y[0] == rounds * 3000 ? 0 : 2;
}
