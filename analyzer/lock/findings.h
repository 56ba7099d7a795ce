/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * findings.h - what a check has found, as data, for all formats that print it: sentences, annotations, lists of tests.
 * It must never hold a text that is escaped for one of them, nor one that is shortened: each format does that itself.
 */
#ifndef ANALYZER_LOCK_FINDINGS_H
#define ANALYZER_LOCK_FINDINGS_H

#include "analyzer/lock/lock.h"

enum finding_kind {
	FINDING_MORE,     /* more work than before */
	FINDING_RESHAPED, /* as many calls as before, of another shape */
	FINDING_MOVED,    /* the same work, from another function or in another namespace */
	FINDING_LESS,     /* less work than before */
};

/* How surely a finding names the function. */
enum finding_certainty {
	FINDING_EXACT,
	FINDING_SAMPLED, /* about: it is the likeliest by samples, since not every stack was taken */
	FINDING_SEVERAL, /* about: several functions do such work, and none has changed as a whole */
};

/*
 * One difference between a run and its lock. Names are as in struct lock_row: LOCK_ALL stands for what the lock does not tell
 * apart. Texts live as long as the lock and the run that were compared.
 */
struct finding {
	enum finding_kind kind;
	bool fails;        /* the lock does not allow it */
	unsigned exceeded; /* bits of enum lock_metric: what is more than a tolerance allows; 0 where none matches */
	const char *space; /* namespace, "" for the root */
	const char *old_space; /* MOVED: namespace that it was in before; NULL if it is the same */
	const char *routine;
	const char *shape; /* of the most of the difference; LOCK_ALL if shapes are not told apart, NULL if not known */
	const char *old_shape;   /* RESHAPED: the shape before; NULL otherwise */
	size_t shapes;           /* how many shapes differ; 0 if they are not told apart */
	struct work before, now; /* of what differs, in the lock and in the run */
	struct work
		changed; /* how much of that this function explains: each count is the difference, without its sign */

	/* The function that explains the most of it. */
	const char *place;     /* as in struct lock_row; NULL if it is not known */
	const char *old_place; /* MOVED: the function that did it before; NULL if it is the same */
	const char *function;  /* of the run; NULL if it is not known, or does nothing of this any more */
	const char *file;      /* as paths.h names it; NULL if it is not known */
	int line;              /* a line of the function with such calls; 0 if it is not known */
	enum finding_certainty certainty;
	bool place_before_known;             /* `place_before` is */
	struct work place_before, place_now; /* calls of the routine by this function */
};

enum check_verdict {
	CHECK_SAME,   /* the same work */
	CHECK_WITHIN, /* other work, and the tolerances allow it */
	CHECK_LESS,   /* less work, or a row is missing */
	CHECK_MORE,   /* more than the lock allows; with --exact, also less */
	CHECK_NOT_COMPARABLE,
};

struct findings {
	enum check_verdict verdict;
	struct finding *list; /* those that fail first; then the largest first */
	size_t count, capacity;
	struct work before, now; /* totals */
	struct text
		ran; /* what the run was: "1 process of 2 threads on /usr/lib/libblas.so.3"; empty if none was read */
	struct text why; /* CHECK_NOT_COMPARABLE: why, and what to do */
};

void findings_free(struct findings *findings);

/* Returns "more", "reshaped", "moved" or "less"; and "same", "within", "less", "more" or "not-comparable". */
const char *finding_kind_name(enum finding_kind kind);
const char *check_verdict_name(enum check_verdict verdict);

/* Adds a finding in words: "2,000,000 FLOPs more (+50.0 %) in dgemm 100 x 100 x 100, called by train (model.py:12), ...". */
void finding_say(struct text *text, const struct finding *finding);

/* Adds what the findings follow: "more work than flops.lock allows", with the path of the lock. */
void findings_say_verdict(struct text *text, const struct findings *findings, const char *lock);

/* Adds calls and FLOPs: "3 calls and 6,000,000 FLOPs"; the second adds those of the run, and how they have changed. */
void findings_say_work(struct text *text, struct work work);
void findings_say_total(struct text *text, const struct findings *findings);

/* Adds a shape as people write it: "100 x 100 x 100 (transb=T)". */
void finding_say_shape(struct text *text, const char *shape);

/* Adds how much a count has changed, in per cent: "+50.0 %"; "new" for none before. */
void finding_say_change(struct text *text, u128 before, u128 now);

#endif
