/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench.h - what the parts of the benchmark share.
 *
 * A benchmark runs on machines where others work too. So nothing is ever compared across time: for each
 * case there is a worker process per mode, all of them wait, and in every round each does the same few
 * milliseconds of calls, one after the other. What is reported is the median over the rounds of the difference to
 * the worker without the shim in the same round, in CPU time, which does not count the time of others.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ---- worker.c ---- */

enum work {
	WORK_CLOCK,      /* two clock reads */
	WORK_DDOT,
	WORK_CBLAS_DDOT,
	WORK_DGEMM,      /* argument: the order */
	WORK_DGESV,      /* argument: the order */
	WORK_NESTED,     /* calls of ddot_ from inside dpotrf_ */
	WORK_SHAPES,     /* argument: how many shapes, in a scattered order that comes again */
	WORK_RANDOM,     /* argument: how many shapes, at random */
	WORK_THREADS,    /* argument: how many threads that call ddot_ at once */
	WORK_ADDITIONS,  /* argument: how many threads that add integers at once, and call nothing */
	WORK_NAMESPACE,  /* opens a namespace and leaves it open */
	WORK_MEMORY,     /* resident kB of the process as `wall_ns` */
};

struct order {
	uint32_t work; /* enum work */
	int32_t argument;
	uint64_t calls; /* in all threads together */
};

/* For the whole order. */
struct answer {
	double wall_ns, cpu_ns;
};

/* Reads orders from one descriptor and answers on the other until there are no more. Returns the exit status. */
int worker_run(int in, int out);

/* Calls ddot_ so many times. Returns the exit status. */
int worker_calls(uint64_t calls);

/* Calls dpotrf_ once, which calls ddot_ so many times. Returns the exit status. */
int worker_nested(uint64_t calls);

/* Calls dgemm_ of `order` by `order` 2,000 times. Returns the exit status. */
int worker_products(int order);

/* Calls dgemm_ so many times, each of another shape and of no FLOPs. Returns the exit status. */
int worker_new_shapes(int shapes);

/* So many threads, one after the other or in "pairs", each of which makes a call of ddot_, or of a routine with "nested" ones. */
int worker_threads(const char *what, int threads);

/* ---- statistics.c ---- */

struct summary {
	double median, lowest, spread; /* spread: half the distance between the quartiles */
};

/* Sorts `values`. */
struct summary summarize(double *values, unsigned count);

double now_ns(void);

/* ---- the parts ---- */

/* Another library that comes between a program and its BLAS, by the environment that brings it there. */
enum { PEERS_MAX = 6, VARIABLES_MAX = 8 };

struct peer {
	const char *name;
	const char *variables[VARIABLES_MAX + 1]; /* NAME=VALUE; NULL ends them */
};

struct settings {
	const char *shim, *bare, *bare_jump; /* paths */
	const char *real_worker;             /* this program linked to a real BLAS */
	const char *report, *workload;       /* flopshim-report, and a program with one ddot_ */
	const char *scratch;                 /* a folder of our own */
	unsigned rounds;
	bool quick;
	char **parts;                        /* those that are wanted; none: all */
	const struct peer *peers;            /* measured beside the shim in the part `calls` */
	unsigned peer_count;
};

bool part_is_wanted(const struct settings *settings, const char *part);

/* One measured figure, and what it ought to be. */
struct figure {
	char part[16], name[64], mode[32];
	const char *unit;
	double value, spread, lowest; /* lowest: by the fastest rounds alone; NAN where there is none */
	double target;                /* NAN where there is none */
	bool at_least;                /* the target is a lower bound */
};

/* Notes a figure. Of several runs the worst stays. */
void figure_add(const struct figure *figure);
/* The value of one that was noted, NAN if there is none. */
double figure_value(const char *part, const char *name, const char *mode);

/* Removes the dumps in the folder. */
void scratch_clear(const char *folder);

/* Each returns 0, or -1 after saying what went wrong. */
int calls_measure(const struct settings *settings);
int start_measure(const struct settings *settings);
int analyzer_measure(const struct settings *settings);

#endif
