/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench.h - what the parts of the benchmark share.
 * Times that were measured at different moments must never be compared, since other programs run on the machine too.
 *
 * So each case has one worker process for each mode. In every round each worker in turn does the same few milliseconds
 * of calls while the others wait. The figure is the difference to the worker without the shim in the same round, and
 * the median of that over all rounds. It is in CPU time, which excludes what other programs take.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ---- worker.c ---- */

enum work {
	WORK_CLOCK, /* two clock reads */
	WORK_DDOT,
	WORK_CBLAS_DDOT,
	WORK_DGEMM,     /* argument: the order */
	WORK_DGESV,     /* argument: the order */
	WORK_NESTED,    /* calls of ddot_ from inside dpotrf_ */
	WORK_SHAPES,    /* argument: how many shapes; they are called in a scattered order, over and over */
	WORK_RANDOM,    /* argument: how many shapes; each call takes one of them at random */
	WORK_THREADS,   /* argument: how many threads call ddot_ at once */
	WORK_ADDITIONS, /* argument: how many threads add integers at once, without any call */
	WORK_NAMESPACE, /* opens a namespace and leaves it open */
	WORK_MEMORY,    /* answers with the resident kB of the process in `wall_ns` */
};

struct order {
	uint32_t work; /* enum work */
	int32_t argument;
	uint64_t calls; /* in all threads together */
};

/* What a worker answers: the times of a whole order, not of one call. */
struct answer {
	double wall_ns, cpu_ns;
};

/* Reads orders from `in` and writes answers to `out` until `in` ends. Returns the exit status. */
int worker_run(int in, int out);

/* Calls ddot_ `calls` times. Returns the exit status. */
int worker_calls(uint64_t calls);

/* Calls dpotrf_ once, which calls ddot_ `calls` times. Returns the exit status. */
int worker_nested(uint64_t calls);

/* Calls dgemm_ 2,000 times on matrices of order `order`. Returns the exit status, 2 for an order out of range. */
int worker_products(int order);

/* Calls dgemm_ `shapes` times, each time with a new shape that costs no FLOPs. Returns the exit status. */
int worker_new_shapes(int shapes);

/*
 * Starts and ends `threads` threads: two at a time if `what` is "pairs", else one at a time. Each makes one call: of
 * dpotrf_, with nested calls, if `what` is "nested", else of ddot_. Returns the exit status.
 */
int worker_threads(const char *what, int threads);

/* ---- statistics.c ---- */

struct summary {
	double median, lowest, spread; /* spread: half the distance between the quartiles */
};

/* Summarizes `count` values, at least one, and leaves them sorted. */
struct summary summarize(double *values, unsigned count);

/* The monotonic clock, in nanoseconds. */
double now_ns(void);

/* ---- the parts ---- */

/* Another tool that stands between a program and its BLAS, as the environment variables that put it there. */
enum { PEERS_MAX = 6, VARIABLES_MAX = 8 };

struct peer {
	const char *name;
	const char *variables[VARIABLES_MAX + 1]; /* NAME=VALUE; NULL ends them */
};

struct settings {
	const char *shim, *bare, *bare_jump; /* paths */
	const char *real_worker;             /* this program linked to a real BLAS */
	const char *report, *workload;       /* flopshim-report, and a program with one ddot_ */
	const char *scratch;                 /* a folder for dumps, which the benchmark removes */
	unsigned rounds;
	bool quick;
	char **parts;             /* the parts that are wanted; an empty list means all */
	const struct peer *peers; /* measured beside the shim in the part `calls` */
	unsigned peer_count;
};

bool part_is_wanted(const struct settings *settings, const char *part);

/* One measured figure and its target. */
struct figure {
	char part[16], name[64], mode[32];
	const char *unit;
	double value, spread,
		lowest; /* lowest: the same figure from the fastest rounds alone; NAN where there is none */
	double target;  /* NAN where there is none */
	bool at_least;  /* the target is a lower bound */
};

/* Notes a figure. If an earlier run has noted it, the worse of both values stays. */
void figure_add(const struct figure *figure);
/* The value of a figure that was noted, or NAN if there is none of that part, name and mode. */
double figure_value(const char *part, const char *name, const char *mode);

/* Removes the dumps in the folder. */
void scratch_clear(const char *folder);

/* Each measures one part or several and notes the figures. It returns 0, or -1 after printing what went wrong. */
int calls_measure(const struct settings *settings);
int start_measure(const struct settings *settings);
int analyzer_measure(const struct settings *settings);

#endif
