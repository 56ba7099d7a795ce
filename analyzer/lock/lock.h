/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock.h - a lock: the work that a program may do, as rows that a lockfile holds and that a run is compared with.
 * It must never hold what differs from machine to machine: no time, host, pid, address, line number or absolute path.
 */
#ifndef ANALYZER_LOCK_H
#define ANALYZER_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/base/memory.h"
#include "analyzer/base/number.h"
#include "analyzer/base/text.h"

/* What decides whether a run is within its lock. */
enum lock_by {
	LOCK_BY_DEFAULT,   /* namespace, routine and shape; a routine of more than LOCK_SHAPES_MAX shapes is one row */
	LOCK_BY_ROUTINE,   /* routine */
	LOCK_BY_NAMESPACE, /* namespace */
	LOCK_BY_SHAPE,     /* routine and shape, however many there are */
	LOCK_BY_SITE,      /* the function that calls, namespace and routine */
	LOCK_BY_COUNT
};

enum { LOCK_SHAPES_MAX = 20 };

#define LOCK_ALL     "*"      /* a namespace, routine or shape that a row does not tell from others */
#define LOCK_ROOT    "(root)" /* the root namespace, in the file and in patterns */
#define LOCK_UNKNOWN "?"      /* the function of work whose stacks were only sampled, so that it is not known exactly */

#define LOCK_SHAPELESS "-"         /* the shape of a routine without options and dimensions */
#define LOCK_CHARGED   "(charged)" /* the shape, and the function, of work that the program has charged itself */

struct work {
	uint64_t calls;
	u128 flops;
};

/*
 * Some work. Shapes are the rows that decide, without a place; sites are those that explain, without a shape, or that decide if
 * the lock is by site.
 */
struct lock_row {
	const char *place; /* "src/model.py:train", LOCK_UNKNOWN; NULL in a row of a shape */
	const char *space; /* namespace, "" for the root */
	const char *routine;
	const char *shape; /* "m=3 n=4"; NULL in a row of a site */
	struct work work;
};

struct lock_rows {
	struct lock_row *rows; /* in the order of lock_compare */
	size_t count, capacity;
};

enum lock_metric { LOCK_FLOPS, LOCK_CALLS };

enum { LOCK_PERCENT = 1000000 }; /* units of a per cent that a tolerance is kept in */

/* A tolerance: how much more of a metric each row may have that the pattern matches. */
struct lock_allow {
	const char *pattern;
	enum lock_metric metric;
	bool is_percent;
	uint64_t amount; /* a number, or in units of 1/LOCK_PERCENT of a per cent */
	size_t line;     /* of the file, from 1 on */
};

#define LOCK_ANY UINT64_MAX /* a number of processes or ranks that is not compared; LOCK_ALL in the file */

/* One that is all zeros is an empty lock. lock_free frees what it has. */
struct lock {
	enum lock_by by;
	const char *prices; /* version of the routine table */
	uint64_t processes,
		ranks;    /* how many have left a dump; how many ranks their parallel launches have; LOCK_ANY */
	struct text kept; /* lines of comments, tolerances and skips, as in the file; `bytes` is NULL in a new lock */
	struct lock_allow *allows;
	size_t allow_count, allow_capacity;
	const char **skips; /* patterns of namespaces whose work is left out */
	size_t skip_count, skip_capacity;
	struct lock_rows shapes, sites;
	struct work total;
	struct arena texts; /* of all texts */
};

void lock_free(struct lock *lock);

/* Returns a copy of `length` bytes, with a terminating 0, that lives as long as the lock. */
const char *lock_keep(struct lock *lock, const char *text, size_t length);

/* Adds a row, whose texts must live as long as the rows. */
void lock_add(struct lock_rows *rows, const struct lock_row *row);

/* Sorts rows, and joins those that are alike but for their work. */
void lock_settle(struct lock_rows *rows);

/* Compares rows by place, namespace, routine and shape. Returns a number below, equal to or above 0. */
int lock_compare(const struct lock_row *a, const struct lock_row *b);
/* The same without shapes: rows that are equal by it are a group, of one routine in one namespace. */
int lock_compare_groups(const struct lock_row *a, const struct lock_row *b);

/* The number of the first row behind `first` that is not of the same place, namespace and routine. */
size_t lock_group_end(const struct lock_rows *rows, size_t first);

/* Makes the rows of a group, from `first` to `end` - 1, one row of all shapes. The rows must be settled again then. */
void lock_fold(struct lock_rows *rows, size_t first, size_t end);

struct work work_add(struct work a, struct work b);

/* Adds a pattern of namespaces, which must live as long as the lock, unless it is there already. Returns whether it was added. */
bool lock_add_skip(struct lock *lock, const char *pattern);

/* Whether the work of a namespace is left out of a lock. */
bool lock_skips(const struct lock *lock, const char *space);

/* The name that --by has for a way to decide, or "default"; and back: LOCK_BY_COUNT for no such name. */
const char *lock_by_name(enum lock_by by);
enum lock_by lock_by_find(const char *name);

/* Whether the pattern of a tolerance matches one of some rows. */
bool lock_allow_matches(const struct lock_allow *allow, const struct lock_rows *rows);

/* The least and the most work that the tolerances of a lock allow in place of a row's. */
struct work lock_least(const struct lock *lock, const struct lock_row *row);
struct work lock_most(const struct lock *lock, const struct lock_row *row);

#endif
