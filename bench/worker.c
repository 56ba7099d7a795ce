/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * worker.c - the loops of calls that are timed.
 * It must never do different work in different modes: only the environment that the process was started with differs.
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "flopshim.h"

double ddot_(const int *n, const double *x, const int *incx, const double *y, const int *incy);
double cblas_ddot(int n, const double *x, int incx, const double *y, int incy);
void dgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k, const double *alpha,
            const double *a, const int *lda, const double *b, const int *ldb, const double *beta, double *c,
            const int *ldc);
void dgesv_(const int *n, const int *nrhs, double *a, const int *lda, int *pivots, double *b, const int *ldb,
            int *info);
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);

enum { LARGEST = 500, THREADS_MAX = 64, NESTED_IN_ONE = 1000, WARM_UP = 1000 };

static const int one = 1, four = 4;
static double matrix_a[LARGEST * LARGEST], matrix_b[LARGEST * LARGEST], matrix_c[LARGEST * LARGEST];
static volatile double sink;

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

/* ---- one loop for each kind of work ---- */

static void work_clock(uint64_t calls)
{
	struct timespec time;
	int64_t sum = 0;

	for (uint64_t i = 0; i < calls; i++) {
		clock_gettime(CLOCK_MONOTONIC, &time);
		sum += time.tv_nsec;
		clock_gettime(CLOCK_MONOTONIC, &time);
		sum -= time.tv_nsec;
	}
	sink = (double)sum;
}

static void work_ddot(uint64_t calls)
{
	double x[4] = {1, 2, 3, 4}, sum = 0;

	for (uint64_t i = 0; i < calls; i++)
		sum += ddot_(&four, x, &one, x, &one);
	sink = sum;
}

static void work_cblas_ddot(uint64_t calls)
{
	double x[4] = {1, 2, 3, 4}, sum = 0;

	for (uint64_t i = 0; i < calls; i++)
		sum += cblas_ddot(4, x, 1, x, 1);
	sink = sum;
}

static void work_dgemm(uint64_t calls, int order)
{
	double alpha = 1, beta = 0;

	for (uint64_t i = 0; i < calls; i++)
		dgemm_("N", "N", &order, &order, &order, &alpha, matrix_a, &order, matrix_b, &order, &beta, matrix_c,
		       &order);
}

static void work_dgesv(uint64_t calls, int order)
{
	/* These are static, since where the stack lies in its cache lines differs from process to process. */
	static _Alignas(64) double system[64], side[8];
	static int pivots[8];
	int info;

	for (uint64_t i = 0; i < calls; i++) {
		memcpy(system, matrix_a, sizeof(system));
		dgesv_(&order, &one, system, &order, pivots, side, &order, &info);
	}
}

static void work_nested(uint64_t calls)
{
	int order = NESTED_IN_ONE, info;

	for (uint64_t i = 0; i < calls / NESTED_IN_ONE; i++)
		dpotrf_("L", &order, matrix_a, &order, &info);
}

/*
 * Calls dgemm_ with the shape of that number. With k = 0 the call costs no FLOPs: only the search for its row is added.
 */
static inline void call_shape(uint64_t number)
{
	double alpha = 1, beta = 0;
	int m = 1 + (int)(number & 1023), n = 1 + (int)(number >> 10), zero = 0;

	dgemm_("N", "N", &m, &n, &zero, &alpha, matrix_a, &one, matrix_b, &one, &beta, matrix_c, &one);
}

/*
 * Calls the shapes in steps of a large odd number: in order, the processor's caches would help more than in a program.
 */
static void work_shapes(uint64_t calls, int shapes)
{
	static uint64_t at;
	uint64_t step = 611953u % (uint64_t)shapes;

	at %= (uint64_t)shapes;
	for (uint64_t i = 0; i < calls; i++) {
		at += step;
		at -= at >= (uint64_t)shapes ? (uint64_t)shapes : 0;
		call_shape(at);
	}
}

static void work_random(uint64_t calls, int shapes)
{
	static uint64_t state = 1;

	for (uint64_t i = 0; i < calls; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		call_shape((state >> 32) * (uint64_t)shapes >> 32);
	}
}

/*
 * Executes as many independent additions as a processor can begin at once. It measures by how much two threads can be
 * faster than one at best: little, where two processors are halves of one core.
 */
static void work_additions(uint64_t calls)
{
	uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;

	for (uint64_t i = 0; i < 16 * calls; i++) {
		a++, b++, c++, d++, e++, f++;
		__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
	}
}

/* ---- threads ---- */

/*
 * Lets threads begin together. If there is a processor for each of them, they wait in a loop for the last one: then
 * none has to be woken up, and a short round is likely to end before another program gets one of the processors.
 */
struct start {
	pthread_barrier_t barrier;
	_Atomic unsigned missing;
	bool spins;
};

static void start_wait(struct start *start)
{
	pthread_barrier_wait(&start->barrier);
	atomic_fetch_sub(&start->missing, 1);
	while (start->spins && atomic_load(&start->missing)) {}
}

struct member {
	struct start *start;
	void (*work)(uint64_t calls);
	uint64_t calls;
	double cpu_ns, begin_ns, end_ns;
};

static void *member_run(void *argument)
{
	struct member *member = argument;
	double start;

	member->work(WARM_UP);
	start_wait(member->start);
	member->begin_ns = now_ns();
	start = cpu_ns();
	member->work(member->calls);
	member->cpu_ns = cpu_ns() - start;
	member->end_ns = now_ns();
	return NULL;
}

/* The time from the begin of the first thread to the end of the last one, and the CPU time of all together. */
static struct answer work_threads(void (*work)(uint64_t calls), uint64_t calls, unsigned count)
{
	struct member members[THREADS_MAX];
	pthread_t threads[THREADS_MAX];
	struct answer answer = {0};
	struct start start = {.missing = count, .spins = count <= sysconf(_SC_NPROCESSORS_ONLN)};
	double begin = INFINITY, end = 0;

	pthread_barrier_init(&start.barrier, NULL, count);
	for (unsigned i = 0; i < count; i++) {
		members[i] = (struct member){.start = &start, .work = work, .calls = calls / count};
		if (pthread_create(&threads[i], NULL, member_run, &members[i]))
			abort();
	}
	for (unsigned i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		answer.cpu_ns += members[i].cpu_ns;
		begin = fmin(begin, members[i].begin_ns);
		end = fmax(end, members[i].end_ns);
	}
	answer.wall_ns = end - begin;
	pthread_barrier_destroy(&start.barrier);
	return answer;
}

/* ---- orders ---- */

static void work_on(const struct order *order, uint64_t calls)
{
	switch (order->work) {
	case WORK_CLOCK: work_clock(calls); break;
	case WORK_DDOT: work_ddot(calls); break;
	case WORK_CBLAS_DDOT: work_cblas_ddot(calls); break;
	case WORK_DGEMM: work_dgemm(calls, order->argument); break;
	case WORK_DGESV: work_dgesv(calls, order->argument); break;
	case WORK_NESTED: work_nested(calls); break;
	case WORK_SHAPES: work_shapes(calls, order->argument); break;
	case WORK_RANDOM: work_random(calls, order->argument); break;
	case WORK_NAMESPACE: flopshim_begin("bench.inner"); break;
	}
}

static double resident_kb(void)
{
	char text[128] = "";
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (file && fgets(text, sizeof(text), file))
		sscanf(text, "%*s %ld", &pages);
	if (file)
		fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static struct answer obey(const struct order *order)
{
	double cpu, wall;

	if (order->work == WORK_THREADS || order->work == WORK_ADDITIONS)
		return work_threads(order->work == WORK_THREADS ? work_ddot : work_additions, order->calls,
		                    (unsigned)order->argument);
	if (order->work == WORK_MEMORY)
		return (struct answer){resident_kb(), 0};
	/* Other workers have used the caches since this one's last turn. */
	work_on(order, order->calls < 10 * WARM_UP ? order->calls / 10 : WARM_UP);
	cpu = cpu_ns();
	wall = now_ns();
	work_on(order, order->calls);
	return (struct answer){now_ns() - wall, cpu_ns() - cpu};
}

int worker_calls(uint64_t calls)
{
	work_ddot(calls);
	return !(sink > 0);
}

int worker_nested(uint64_t calls)
{
	int order = (int)calls, info = -1;

	dpotrf_("L", &order, matrix_a, &order, &info);
	return info;
}

int worker_products(int order)
{
	if (order < 1 || order > LARGEST)
		return 2;
	work_dgemm(2000, order);
	return 0;
}

int worker_new_shapes(int shapes)
{
	for (int i = 0; i < shapes; i++)
		call_shape((uint64_t)i);
	return 0;
}

static void *thread_calls(void *nested)
{
	if (nested)
		worker_nested(8);
	else
		worker_calls(1);
	return NULL;
}

int worker_threads(const char *what, int threads)
{
	int at_once = strcmp(what, "pairs") ? 1 : 2;

	for (int i = 0; i < threads; i += at_once) {
		pthread_t thread[2];

		for (int j = 0; j < at_once; j++)
			if (pthread_create(&thread[j], NULL, thread_calls, strcmp(what, "nested") ? NULL : thread))
				return 1;
		for (int j = 0; j < at_once; j++)
			pthread_join(thread[j], NULL);
	}
	return 0;
}

int worker_run(int in, int out)
{
	struct order order;

	for (int i = 0; i < LARGEST * LARGEST; i++)
		matrix_a[i] = matrix_b[i] = i % (LARGEST + 1) ? 0.001 * (i % 97) : 1;
	for (int i = 0; i < 8; i++)
		for (int j = 0; j < 8; j++)
			matrix_a[8 * i + j] = i == j ? 8 : 1;
	while (read(in, &order, sizeof(order)) == sizeof(order)) {
		struct answer answer = obey(&order);

		if (write(out, &answer, sizeof(answer)) != sizeof(answer))
			return 1;
	}
	return 0;
}
