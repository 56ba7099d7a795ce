/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scribbled.c SEED ROUNDS [WHERE] - makes calls of all kinds while another process writes random values into its dump:
 * anywhere; with WHERE only into the beginnings of blocks and entries, which tell where something is.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blas.h"
#include "flopshim.h"
#include "flopshim_dump.h"

extern void xerbla_(const char *name, const int *info, size_t length);

/* xerbla_ prints nothing; and if `leaves` is set, it leaves the routine by siglongjmp. */
static __thread sigjmp_buf way_out;
static __thread int leaves;

void xerbla_(const char *name, const int *info, size_t length)
{
	(void)name;
	(void)info;
	(void)length;
	if (leaves)
		siglongjmp(way_out, 1);
}

/* ---- the process that damages the dump ---- */

static uint64_t state;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Returns a value that is likely to do harm as an index, a size, an offset or an address. */
static uint64_t nonsense(uint64_t old)
{
	switch (any() % 8) {
	case 0: return any();
	case 1: return 0;
	case 2: return UINT64_MAX;
	case 3: return any() % 70000;
	case 4: return old + any() % 4096;
	case 5: return old ^ (uint64_t)1 << any() % 64;
	case 6: return old - 8 * (any() % 4096);
	default: return (uint64_t)1 << any() % 64;
	}
}

static uint64_t place_in(uint64_t size, int fields)
{
	uint64_t page = any() % (size / DUMP_PAGE_LEAST) * DUMP_PAGE_LEAST;

	if (!fields)
		return any() % (size / 8) * 8;
	if (any() % 2)
		return page + any() % 320 / 8 * 8; /* headers, the first entries, a lane's calls in flight */
	return page + any() % 32 * 128 + 32;       /* kind, flags and `next` of a row */
}

static void scribble(const char *path, int fields)
{
	int file = prctl(PR_SET_PDEATHSIG, SIGKILL) ? -1 : open(path, O_RDWR);
	uint64_t mapped = 0;
	char *bytes = NULL;
	struct stat status;

	for (unsigned i = 0; file >= 0; i++) {
		uint64_t *word;

		if (i % 4096 == 0 && !fstat(file, &status) && (uint64_t)status.st_size != mapped) {
			if (bytes)
				munmap(bytes, mapped);
			mapped = (uint64_t)status.st_size;
			bytes = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
			if (bytes == MAP_FAILED)
				break;
		}
		word = (uint64_t *)(bytes + place_in(mapped, fields));
		if (any() % 4)
			*word = nonsense(*word);
		else
			*(uint16_t *)((char *)word + any() % 8 / 2 * 2) = (uint16_t)any();
	}
	_exit(5);
}

/* ---- calls ---- */

static void products(double *a, int n, int m)
{
	double one = 1, zero = 0;

	dgemm_("N", "N", &n, &m, &n, &one, a, &n, a, &n, &zero, a + 1024, &n, 1, 1);
}

/* 256 sites, since each remembers its last call. */
#define SITE(k)                                     \
	case k:                                     \
		sum += ddot_(&n, a, &one, a, &one); \
		break;
#define SITES_8(k) SITE(k) SITE(k + 1) SITE(k + 2) SITE(k + 3) SITE(k + 4) SITE(k + 5) SITE(k + 6) SITE(k + 7)
#define SITES_64(k) \
	SITES_8(k)  \
	SITES_8(k + 8) SITES_8(k + 16) SITES_8(k + 24) SITES_8(k + 32) SITES_8(k + 40) SITES_8(k + 48) SITES_8(k + 56)

static double dot_at(int site, int n, double *a)
{
	double sum = 0;
	int one = 1;

	switch (site) {
		SITES_64(0)
		SITES_64(64)
		SITES_64(128)
		SITES_64(192)
	}
	return sum;
}

static void solve(double *a, int n, int lda)
{
	int pivots[32], info, one = 1;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			a[i * n + j] = i == j ? 4 : 1;
	dgesv_(&n, &one, a, &lda, pivots, a + 1024, &n, &info);
}

static void leave(double *a, int n)
{
	leaves = 1;
	if (!sigsetjmp(way_out, 0))
		solve(a, n, -1);
	leaves = 0;
}

static void scopes(double *a, unsigned round)
{
	char name[32];
	int64_t outer, inner;

	snprintf(name, sizeof(name), "part%u", round % 300);
	outer = round % 3 ? flopshim_begin(name) : flopshim_begin_budget(name, 100000);
	inner = flopshim_begin_budget("inner", 1000 + round);
	dot_at((int)(round % 256), 4, a);
	solve(a, 3, 3);
	flopshim_charge(name, round, "ij,jk->ik", 0, NULL);
	flopshim_end(inner);
	flopshim_end(outer);
}

static void questions(unsigned round)
{
	static char text[1 << 16];

	flopshim_summary(text, sizeof(text), FLOPSHIM_JSON | FLOPSHIM_BY_NAMESPACE);
	flopshim_summary(text, sizeof(text), round % 2 ? 0 : FLOPSHIM_BY_NAMESPACE);
	flopshim_used("part1");
	flopshim_calls(NULL);
	if (round % 64 == 1)
		flopshim_reset();
	if (round % 64 == 2)
		flopshim_set_budget("part2", 1000000 + round);
	if (round % 64 == 3)
		flopshim_set_multiplier("part3", 1 + round % 3);
}

static unsigned rounds;

static void *work(void *argument)
{
	unsigned first = (unsigned)(uintptr_t)argument;
	double *a = calloc(8192, sizeof(*a));

	for (unsigned round = first; round < first + rounds; round++) {
		for (int i = 0; i < 40; i++) { /* the same sequence of shapes in each round */
			products(a, 1 + i % 9, 1 + i % 7);
			dot_at((int)round % 256, i, a);
		}
		dot_at((int)(round % 256), (int)(round % 5000), a);
		solve(a, 1 + (int)(round % 20), 20);
		solve(a, 3, -1); /* LAPACK rejects this call */
		leave(a, 2 + (int)(round % 5));
		scopes(a, round);
	}
	free(a);
	return NULL;
}

static void fork_once(void)
{
	pid_t child = fork();
	int status;

	if (!child) {
		rounds = 2;
		work(NULL);
		exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		exit(6);
}

int main(int count, char **words)
{
	const char *path;
	pid_t writer;
	int status;

	if (count < 3)
		return 2;
	state = strtoull(words[1], NULL, 10) * 0x9e3779b97f4a7c15u | 1;
	rounds = 1;
	work(NULL);
	path = flopshim_present() ? flopshim_table()->dump_path() : NULL;
	if (!path)
		return 3;
	writer = fork();
	if (!writer)
		scribble(path, count > 3);
	for (unsigned i = 0; i < strtoul(words[2], NULL, 10); i++) {
		pthread_t threads[3];

		rounds = 20;
		for (unsigned j = 0; j < 3; j++)
			if (pthread_create(&threads[j], NULL, work, (void *)(uintptr_t)(i * 100 + j * 37)))
				return 4;
		work((void *)(uintptr_t)(i * 100));
		for (unsigned j = 0; j < 3; j++)
			pthread_join(threads[j], NULL);
		questions(i);
		if (i % 8 == 0)
			fork_once();
	}
	kill(writer, SIGKILL);
	if (waitpid(writer, &status, 0) != writer || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		return 5;
	puts("end");
	return 0;
}
