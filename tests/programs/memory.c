/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory.c MODE - calls BLAS where there is little memory, and prints the results.
 * few:        3 calls of ddot_ with n = 10.
 * many:       400 shapes, threads that come and go, a child: see COUNTS.
 * budget:     a scope with a budget of 100 FLOPs for 10 calls of 20.
 * limit KB:   sets RLIMIT_AS to KB more than what is mapped, then does the same as `few`.
 * fill:       maps pages until there are none left, then does the same as `few`.
 * measure:    prints by how many kB the address space grows in the first call.
 * names:      charges work under 2,000 names in 600 namespaces by flopshim_charge.
 */
#include <flopshim.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blas.h"

enum { SHAPES = 400, ROUNDS = 3, THREADS = 2, THREAD_CALLS = 50, CHILD_CALLS = 20 };

static double vector[1000];

static double dot(int n)
{
	int one = 1;

	return ddot_(&n, vector, &one, vector, &one);
}

static int few(void)
{
	double sum = 0;

	for (int i = 0; i < 3; i++)
		sum += dot(10);
	printf("%g\n", sum);
	return 0;
}

static void *thread_calls(void *argument)
{
	double *sum = argument;

	for (int n = 1; n <= THREAD_CALLS; n++)
		*sum += dot(n);
	return NULL;
}

static int many(void)
{
	double sum = 0, sums[ROUNDS][THREADS] = {{0}};
	pthread_t threads[THREADS];
	pid_t child;
	int status;

	for (int n = 1; n <= SHAPES; n++)
		sum += dot(n);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < THREADS; i++)
			if (pthread_create(&threads[i], NULL, thread_calls, &sums[round][i]))
				return 3;
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
	}
	child = fork();
	if (child == 0) {
		double own = 0;

		for (int i = 0; i < CHILD_CALLS; i++)
			own += dot(7);
		_exit(own == CHILD_CALLS * 7 ? 5 : 6);
	}
	waitpid(child, &status, 0);
	printf("%g %d\n", sum, status);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < THREADS; i++)
			printf("%g ", sums[round][i]);
	printf("\n");
	return 0;
}

static int budget(void)
{
	double sum = 0;

	FLOPSHIM_SCOPE("limited", 100)
	{
		for (int i = 0; i < 10; i++)
			sum += dot(10);
	}
	printf("%g\n", sum);
	return 0;
}

static long status_kb(const char *key)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			kb = atol(line + strlen(key));
	if (file)
		fclose(file);
	return kb;
}

static int limit(long spare)
{
	long size = status_kb("VmSize:");
	struct rlimit limit = {(rlim_t)(size + spare) * 1024, (rlim_t)(size + spare) * 1024};

	setvbuf(stdout, NULL, _IONBF, 0); /* a buffer would take memory */
	return setrlimit(RLIMIT_AS, &limit) ? 9 : few();
}

/* Maps every second page only, so that the kernel cannot merge the mappings. */
static int fill(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int access = PROT_NONE;; access ^= PROT_READ)
		if (mmap(NULL, 4096, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			break;
	return few();
}

static int measure(void)
{
	long before = status_kb("VmSize:");

	dot(10);
	printf("%ld\n", status_kb("VmSize:") - before);
	return 0;
}

static int names(void)
{
	char name[32];

	for (int i = 0; i < 2000; i++) {
		int64_t scope;

		snprintf(name, sizeof(name), "space%d", i % 600);
		scope = flopshim_begin(name);
		snprintf(name, sizeof(name), "operation%d", i);
		if (flopshim_charge(name, i + 1, NULL, 0, NULL))
			return 4;
		flopshim_end(scope);
	}
	printf("%lld %lld\n", (long long)flopshim_used("space5"), (long long)flopshim_used(NULL));
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	for (int i = 0; i < 1000; i++)
		vector[i] = 1;
	if (!strcmp(mode, "few"))
		return few();
	if (!strcmp(mode, "many"))
		return many();
	if (!strcmp(mode, "budget"))
		return budget();
	if (!strcmp(mode, "limit") && argc > 2)
		return limit(atol(argv[2]));
	if (!strcmp(mode, "fill"))
		return fill();
	if (!strcmp(mode, "measure"))
		return measure();
	if (!strcmp(mode, "names"))
		return names();
	return 2;
}
