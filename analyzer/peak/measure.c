/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * measure.c - measures roofs in processes of their own: one runs the loops of kernels.c, and two a BLAS, which takes its number
 * of threads from the environment when it is loaded.
 * It must never measure a set of data that a cache holds as one in memory.
 */
#include "analyzer/peak/measure.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/peak/blas.h"
#include "analyzer/peak/caches.h"
#include "analyzer/peak/kernels.h"

enum {
	ORDER_FIRST = 256,            /* order of the first matrices: libraries have other loops for smaller ones */
	ORDER_MAX = 6144,             /* and last, on machines that are so fast */
	SAMPLES = 4,                  /* how often a set that fits into a cache is measured */
	CACHE_SET_MAX = 32 << 20,     /* bytes: larger sets in a cache are not faster than smaller ones */
	MEMORY_SET_LEAST = 256 << 20, /* bytes */
	MEMORY_CHUNK = 32 << 20,      /* bytes that are measured in one piece */
	UNKNOWN_CACHE = 64 << 20,     /* what is taken for the size of the last cache if nobody says it */
	THREADS_MAX = 1024,
	SHORT_RUNS = 16,             /* how often a product that is over in SHORT_TIME is measured at least */
	WATCHDOG = 6 * PEAK_SECONDS, /* seconds after which a process that measures is ended */
};

/* Seconds. */
#define PRODUCT_TIME  0.06 /* that a product should take at least */
#define PRODUCTS_TIME 0.5  /* for the products of one precision */
#define SMALL_TIME    0.03 /* for those of one order that is too small */
#define SHORT_TIME    0.005
#define SAMPLE_TIME   0.002
#define MEMORY_TIME   0.15 /* for one kernel in memory */
#define BUSY_SHARE    0.1  /* of the processors, from which on the work of others is worth a word */
#define TOUCH_TIME    5.0  /* that the kernel may take at most to hand out memory */

/* What one process has measured; it is sent through a pipe, in one piece. */
struct measured {
	struct roofs roofs;  /* of these, `gflops`, `gbytes`, the set that was measured in memory, and `library` */
	char why[ROOF_TEXT]; /* why nothing could be measured; "" otherwise */
};

_Static_assert(sizeof(struct measured) <= PIPE_BUF, "a pipe takes it in one piece");

/* A process that measures. */
struct bench {
	struct measured measured;
	struct caches caches;
	struct blas blas;          /* of a process that measures one */
	enum roof_threads threads; /* which roofs are measured */
	unsigned thread_count;     /* that run kernels */
	double *x, *y;             /* two vectors of `count` elements */
	size_t count;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void keep_larger(double *best, double rate)
{
	if (isfinite(rate) && rate > *best)
		*best = rate;
}

/* ---- products of matrices ---- */

static void *new_matrix(size_t order, enum roof_precision precision)
{
	size_t count = order * order;
	double *matrix = memory_new(count, sizeof *matrix);

	for (size_t i = 0; i < count; i++) /* values of about 1, so that no sum of products is a special case */
		if (precision == ROOF_DOUBLE)
			matrix[i] = 0.5 + (double)(i % 1024) / 1024;
		else
			((float *)(void *)matrix)[i] = 0.5f + (float)(i % 1024) / 1024;
	return matrix;
}

/* The time of one product of two square matrices. */
static double time_product(const struct bench *bench, enum roof_precision precision, int64_t order,
                           void *const matrices[3])
{
	const double one = 1, zero = 0;
	const float single_one = 1, single_zero = 0;
	bool is_double = precision == ROOF_DOUBLE;
	double start = now();

	bench->blas.gemm[precision]("N", "N", &order, &order, &order, is_double ? (const void *)&one : &single_one,
	                            matrices[0], &order, matrices[1], &order,
	                            is_double ? (const void *)&zero : &single_zero, matrices[2], &order, 1, 1);
	return now() - start;
}

/*
 * Multiplies larger and larger matrices until they are large enough, and then those again. The first ones come near the roof as
 * well, and on a machine that does something else, too, they are the ones that nothing interrupts.
 */
static void measure_products(struct bench *bench, enum roof_precision precision)
{
	double start = now();
	size_t order = ORDER_FIRST;

	do {
		double begin = now(), flops = 2.0 * (double)order * (double)order * (double)order, best = INFINITY;
		unsigned runs = 0;
		void *matrices[3];
		bool last;

		for (unsigned i = 0; i < 3; i++)
			matrices[i] = new_matrix(order, precision);
		do {
			double taken = time_product(bench, precision, (int64_t)order, matrices);

			best = taken < best ? taken : best;
			last = best > PRODUCT_TIME || order == ORDER_MAX;
			runs++;
		} while (now() - (last ? start : begin) < (last ? PRODUCTS_TIME : SMALL_TIME) ||
		         (best < SHORT_TIME && runs < SHORT_RUNS));
		keep_larger(&bench->measured.roofs.gflops[precision][bench->threads], 1e-9 * flops / best);
		for (unsigned i = 0; i < 3; i++)
			free(matrices[i]);
		order = order * 3 / 2 < ORDER_MAX ? order * 3 / 2 : ORDER_MAX;
	} while (now() - start < PRODUCTS_TIME);
}

/* ---- bandwidth ---- */

/* A part of two vectors, which one thread works on. */
struct slice {
	const struct kernel *kernel;
	double *x, *y;
	size_t count, repeats;
	pthread_barrier_t *start;
	double begin, end; /* times */
};

static void run_slice(struct slice *slice)
{
	slice->begin = now();
	for (size_t i = 0; i < slice->repeats; i++)
		slice->kernel->run(slice->x, slice->y, slice->count);
	slice->end = now();
}

static void *run_thread(void *context)
{
	struct slice *slice = context;

	pthread_barrier_wait(slice->start);
	run_slice(slice);
	return NULL;
}

/*
 * Runs a kernel on `count` elements from `first` on, by all threads, and returns how long it takes: from the moment when the
 * first thread begins to that when the last one ends.
 */
static double time_kernel(const struct bench *bench, const struct kernel *kernel, size_t first, size_t count,
                          size_t repeats)
{
	static struct slice slices[THREADS_MAX];
	static pthread_t threads[THREADS_MAX];
	size_t each = count / bench->thread_count / KERNEL_ELEMENTS * KERNEL_ELEMENTS;
	pthread_barrier_t start;
	double begin = INFINITY, end = 0;

	if (bench->thread_count == 1 || !each) {
		struct slice all = {kernel, bench->x + first, bench->y + first, count, repeats, NULL, 0, 0};

		run_slice(&all);
		return all.end - all.begin;
	}
	pthread_barrier_init(&start, NULL, bench->thread_count);
	for (unsigned i = 0; i < bench->thread_count; i++) {
		size_t at = first + i * each;

		slices[i] = (struct slice){kernel, bench->x + at, bench->y + at, each, repeats, &start, 0, 0};
		if (pthread_create(&threads[i], NULL, run_thread, &slices[i]))
			_exit(EXIT_FAILURE); /* those that were made wait for this one, and end with the process */
	}
	for (unsigned i = 0; i < bench->thread_count; i++) {
		pthread_join(threads[i], NULL);
		begin = slices[i].begin < begin ? slices[i].begin : begin;
		end = slices[i].end > end ? slices[i].end : end;
	}
	pthread_barrier_destroy(&start);
	return (end - begin) * (double)count / (double)(each * bench->thread_count); /* what the slices left out */
}

/* The same by functions of the BLAS, which divide the work among threads themselves. */
enum blas_kernel { BLAS_DOT, BLAS_AXPY, BLAS_KERNELS };

static const unsigned blas_bytes[BLAS_KERNELS] = {2 * sizeof(double), 3 * sizeof(double)};

static double time_blas(const struct bench *bench, enum blas_kernel kernel, size_t first, size_t count, size_t repeats)
{
	const int64_t length = (int64_t)count, step = 1;
	const double factor = 1e-300;
	double begin = now();

	for (size_t i = 0; i < repeats; i++)
		if (kernel == BLAS_DOT)
			bench->blas.dot(&length, bench->x + first, &step, bench->y + first, &step);
		else
			bench->blas.axpy(&length, &factor, bench->x + first, &step, bench->y + first, &step);
	return now() - begin;
}

/* Runs a kernel by its number, of the BLAS or else of kernels.h. Sets *bytes to what it moves. */
static double time_any(const struct bench *bench, unsigned kernel, size_t first, size_t count, size_t repeats,
                       double *bytes)
{
	const struct kernel *kernels = kernels_of_machine();
	unsigned each = bench->blas.path ? blas_bytes[kernel] : kernels[kernel].bytes;

	*bytes = (double)each * (double)count * (double)repeats;
	return bench->blas.path ? time_blas(bench, kernel, first, count, repeats)
	                        : time_kernel(bench, &kernels[kernel], first, count, repeats);
}

static unsigned kernel_count(const struct bench *bench) { return bench->blas.path ? BLAS_KERNELS : KERNEL_COUNT; }

/* Measures a set of this many bytes again and again, so that it stays where it fits. */
static void measure_set(struct bench *bench, enum roof_level level, size_t bytes)
{
	size_t count = bytes / (2 * sizeof(double)) / KERNEL_ELEMENTS * KERNEL_ELEMENTS;

	if (!count || count > bench->count)
		return;
	for (unsigned kernel = 0; kernel < kernel_count(bench); kernel++) {
		size_t repeats = 1;
		double moved, taken;

		while ((taken = time_any(bench, kernel, 0, count, repeats, &moved)) < SAMPLE_TIME)
			repeats *= 2;
		for (unsigned i = 0; i < SAMPLES; i++) {
			keep_larger(&bench->measured.roofs.gbytes[level][bench->threads], 1e-9 * moved / taken);
			taken = time_any(bench, kernel, 0, count, repeats, &moved);
		}
	}
}

/*
 * Measures several sets that fit into a level and not into the one before, `inner`. A smaller one may be faster, since a part
 * of it lies in that: the roof is that of the fastest.
 */
static void measure_level(struct bench *bench, enum roof_level level, size_t inner, size_t size)
{
	size_t most = size < CACHE_SET_MAX ? size / 8 * 7 : CACHE_SET_MAX;

	for (size_t bytes = inner ? inner + inner / 4 : size / 2; bytes <= most; bytes += bytes / 2)
		measure_set(bench, level, bytes);
	measure_set(bench, level, most);
}

/* Measures pieces of vectors, each of which was not touched while all of the others were: no cache has it any more. */
static void measure_memory(struct bench *bench)
{
	size_t chunk = MEMORY_CHUNK / (2 * sizeof(double)), chunks = bench->count / chunk, next = 0;

	for (unsigned kernel = 0; chunks && kernel < kernel_count(bench); kernel++) {
		double start = now(), moved, taken;

		do {
			taken = time_any(bench, kernel, next * chunk, chunk, 1, &moved);
			keep_larger(&bench->measured.roofs.gbytes[ROOF_MEMORY][bench->threads], 1e-9 * moved / taken);
			next = (next + 1) % chunks;
		} while (now() - start < MEMORY_TIME);
	}
	bench->measured.roofs.bytes[ROOF_MEMORY] = chunks * MEMORY_CHUNK;
}

static void measure_caches(struct bench *bench)
{
	measure_level(bench, ROOF_FIRST, 0, bench->caches.first);
	measure_level(bench, ROOF_SECOND, bench->caches.first, bench->caches.second);
	measure_level(bench, ROOF_LAST, bench->caches.second, bench->caches.last);
}

/* Has the kernel hand out the memory of vectors: each page is written to. */
static void touch(double *x, double *y, size_t count)
{
	for (size_t i = 0; i < count; i++)
		x[i] = y[i] = 1;
}

/* Takes memory for two vectors of `bytes` together. Returns whether that much could be had in a reasonable time. */
static bool take_vectors(struct bench *bench, uint64_t bytes)
{
	const struct kernel by_touch = {touch, 0};
	size_t half = (bytes / 2 + MEMORY_CHUNK - 1) / MEMORY_CHUNK * MEMORY_CHUNK, count = half / sizeof(double);
	double start = now();
	char *place = mmap(NULL, 2 * half, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (place == MAP_FAILED)
		return false;
	madvise(place, 2 * half, MADV_HUGEPAGE); /* as NumPy does; where that is not to be had, it is slower */
	bench->x = (double *)(void *)place;
	bench->y = (double *)(void *)(place + half);
	/* By all threads: where each has a memory of its own, the pages are then where they are used. */
	while (bench->count < count && now() - start < TOUCH_TIME) {
		time_kernel(bench, &by_touch, bench->count, MEMORY_CHUNK / sizeof(double), 1);
		bench->count += MEMORY_CHUNK / sizeof(double);
	}
	return bench->count == count;
}

/* How much memory the roof of memory is measured in: more than the last cache, so that each piece has left it when it is read again. */
static uint64_t memory_wanted(const struct caches *caches)
{
	uint64_t last = caches->last ? caches->last : caches->second ? caches->second : UNKNOWN_CACHE;
	uint64_t wanted = last + 2 * (uint64_t)MEMORY_CHUNK;

	return wanted > MEMORY_SET_LEAST ? wanted : MEMORY_SET_LEAST;
}

/* ---- processes ---- */

/* Has BLAS libraries use one thread, by every variable that one of them reads. */
static void use_one_thread(void)
{
	static const char *const names[] = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS",
	                                    "MKL_NUM_THREADS", "BLIS_NUM_THREADS",     "ATLAS_NUM_THREADS"};

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		setenv(names[i], "1", 1);
}

/* Measures the bandwidths by the loops of kernels.c. */
static void measure_kernels(struct bench *bench)
{
	uint64_t wanted = memory_wanted(&bench->caches);
	bool enough = !bench->caches.memory || wanted < bench->caches.memory / 4 * 3;

	bench->thread_count = bench->caches.processors < THREADS_MAX ? bench->caches.processors : THREADS_MAX;
	enough &= take_vectors(bench, enough ? wanted : 2 * (uint64_t)CACHE_SET_MAX);
	for (unsigned threads = ROOF_THREADS; threads--;) {
		bench->threads = threads;
		if (threads == ROOF_ONE)
			bench->thread_count = 1;
		measure_caches(bench);
		if (enough)
			measure_memory(bench);
	}
}

/* Measures with a BLAS: products, and the bandwidths of caches, in which its own loops may be faster. */
static void measure_blas(struct bench *bench, const char *library)
{
	const char *problem;

	if (bench->threads == ROOF_ONE)
		use_one_thread();
	problem = blas_load(&bench->blas, library);
	if (problem) {
		snprintf(bench->measured.why, sizeof bench->measured.why, "%s", problem);
		return;
	}
	snprintf(bench->measured.roofs.library, sizeof bench->measured.roofs.library, "%s", bench->blas.path);
	bench->thread_count = 1; /* of ours */
	take_vectors(bench, 2 * (uint64_t)MEMORY_CHUNK);
	for (unsigned i = 0; i < ROOF_PRECISIONS; i++)
		measure_products(bench, i);
	measure_caches(bench);
}

/*
 * Measures in a process of its own: with a BLAS, or without if `library` is NULL. Returns false, with a text in measured->why,
 * if nothing was measured.
 */
static bool measure_apart(struct measured *measured, const struct caches *caches, enum roof_threads threads,
                          const char *library)
{
	struct bench bench = {.caches = *caches, .threads = threads};
	int ends[2], status = 0;
	ssize_t got;
	pid_t child;

	*measured = (struct measured){0};
	if (pipe(ends) || (child = fork()) < 0) {
		snprintf(measured->why, sizeof measured->why, "no process can be made: %s", strerror(errno));
		return false;
	}
	if (!child) {
		close(ends[0]);
		alarm(WATCHDOG);
		if (library)
			measure_blas(&bench, library);
		else
			measure_kernels(&bench);
		_exit(write(ends[1], &bench.measured, sizeof bench.measured) != sizeof bench.measured);
	}
	close(ends[1]);
	while ((got = read(ends[0], measured, sizeof *measured)) < 0 && errno == EINTR)
		;
	close(ends[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (got == sizeof *measured)
		return !*measured->why;
	*measured = (struct measured){0};
	snprintf(measured->why, sizeof measured->why, "the process that measured ended early: %s",
	         WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it found no memory or no threads");
	return false;
}

/* Adds what is not known, and why. */
static void note_unknown(const struct roofs *roofs, const struct caches *caches, struct text *notes)
{
	const uint64_t sizes[ROOF_LEVELS] = {caches->first, caches->second, caches->last, 1};

	for (unsigned i = 0; i < ROOF_LEVELS; i++)
		if (!(roofs->gbytes[i][ROOF_ALL] > 0))
			text_format(notes, "%s: not measured: %s\n", roof_titles[i],
			            i == ROOF_MEMORY
			                    ? "more than what the last cache holds is not free, or takes too long"
			            : sizes[i] ? "it took too long"
			                       : "the system does not tell its size");
}

/* Takes over what a process has found. */
static void take_over(struct roofs *roofs, const struct measured *measured)
{
	for (unsigned threads = 0; threads < ROOF_THREADS; threads++) {
		for (unsigned i = 0; i < ROOF_PRECISIONS; i++)
			keep_larger(&roofs->gflops[i][threads], measured->roofs.gflops[i][threads]);
		for (unsigned i = 0; i < ROOF_LEVELS; i++)
			keep_larger(&roofs->gbytes[i][threads], measured->roofs.gbytes[i][threads]);
	}
	if (measured->roofs.bytes[ROOF_MEMORY])
		roofs->bytes[ROOF_MEMORY] = measured->roofs.bytes[ROOF_MEMORY];
	if (*measured->roofs.library)
		memcpy(roofs->library, measured->roofs.library, sizeof roofs->library);
}

/* Seconds of all processors: in which they did anything, in which they did it for this program, and all; 0 if not known. */
struct load {
	double busy, own, whole;
};

static struct load load_now(void)
{
	enum { USER, NICE, SYSTEM, IDLE, WAIT, INTERRUPTS, SOFT_INTERRUPTS, STOLEN, STATES };
	unsigned long long ticks[STATES];
	double second = (double)sysconf(_SC_CLK_TCK);
	FILE *file = fopen("/proc/stat", "re");
	struct load load = {0};
	struct rusage own, children;

	if (!file)
		return load;
	if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[USER], &ticks[NICE], &ticks[SYSTEM],
	           &ticks[IDLE], &ticks[WAIT], &ticks[INTERRUPTS], &ticks[SOFT_INTERRUPTS], &ticks[STOLEN]) == STATES &&
	    !getrusage(RUSAGE_SELF, &own) && !getrusage(RUSAGE_CHILDREN, &children)) {
		const struct timeval *times[] = {&own.ru_utime, &own.ru_stime, &children.ru_utime, &children.ru_stime};

		for (unsigned i = 0; i < STATES; i++) {
			load.whole += (double)ticks[i] / second;
			load.busy += i == IDLE || i == WAIT ? 0 : (double)ticks[i] / second;
		}
		for (unsigned i = 0; i < sizeof times / sizeof *times; i++)
			load.own += (double)times[i]->tv_sec + 1e-6 * (double)times[i]->tv_usec;
	}
	fclose(file);
	return load;
}

/* Adds that other programs have run since `before`, if they have: the roofs may be too low then. */
static void note_load(const struct load *before, struct text *notes)
{
	struct load after = load_now();
	double whole = after.whole - before->whole, others = after.busy - before->busy - (after.own - before->own);

	if (whole > 0 && others > BUSY_SHARE * whole)
		text_format(notes,
		            "other programs took %.0f %% of the processors meanwhile: these numbers may be too low\n",
		            100 * others / whole);
}

bool peak_measure(struct roofs *roofs, const char *library, struct text *notes)
{
	const struct load before = load_now();
	struct measured measured;
	struct caches caches;

	caches_read(&caches);
	*roofs = (struct roofs){.bytes = {caches.first, caches.second, caches.last},
	                        .threads = caches.processors,
	                        .measured = (uint64_t)time(NULL),
	                        .used = ROOF_ALL};
	for (unsigned threads = 0; threads < ROOF_THREADS; threads++) {
		if (!measure_apart(&measured, &caches, threads, library)) {
			if (strncmp(measured.why, library, strlen(library)) !=
			    0) /* else the dynamic linker has named it */
				text_format(notes, "%s: ", library);
			text_format(notes, "%s\n", measured.why);
			return false;
		}
		take_over(roofs, &measured);
	}
	if (measure_apart(&measured, &caches, ROOF_ALL, NULL))
		take_over(roofs, &measured);
	else
		text_format(notes, "bandwidths: %s\n", measured.why);
	/* What one thread can do, all can: a library may divide work that is too small for that. */
	for (unsigned i = 0; i < ROOF_PRECISIONS; i++)
		keep_larger(&roofs->gflops[i][ROOF_ALL], roofs->gflops[i][ROOF_ONE]);
	for (unsigned i = 0; i < ROOF_LEVELS; i++)
		keep_larger(&roofs->gbytes[i][ROOF_ALL], roofs->gbytes[i][ROOF_ONE]);
	note_unknown(roofs, &caches, notes);
	note_load(&before, notes);
	return true;
}
