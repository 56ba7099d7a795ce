/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grouping.h - by what rows are grouped: which rows take part, and which of them belong together.
 * It must never add anything up.
 */
#ifndef ANALYZER_GROUPING_H
#define ANALYZER_GROUPING_H

#include "analyzer/aggregate/aggregate.h"

enum group_by {
	GROUP_ROUTINE, /* by name of the routine; all but manual charges */
	GROUP_SHAPE,   /* by routine and shape; rows of kind DUMP_ROW_CALL */
	GROUP_SITE,    /* by call site; all but manual charges and queries */
	GROUP_LIBRARY, /* by the module that served the call; as GROUP_SITE */
	GROUP_MANUAL,  /* by name; manual charges only */
	GROUP_SPACE,   /* by namespace, without those inside it; all but queries */
	GROUP_ROW,     /* each row by itself */
	GROUP_WORKER,  /* by worker, each of which has a group even without rows; all rows */
	GROUP_COUNT
};

/* What tells the groups apart that rows are in. Rows with equal keys are in one group. */
struct group_key {
	uint64_t words[3 + DUMP_DIMS_MAX];
	unsigned count; /* of the words in use */
};

/* Whether a row takes part. These two are not for GROUP_WORKER: the parts of rows name their workers. */
bool group_takes(enum group_by by, const struct row *row);
struct group_key group_key_of(const struct aggregate *aggregate, enum group_by by, const struct row *row);

uint32_t group_key_hash(const struct group_key *key);
bool group_keys_are_equal(const struct group_key *a, const struct group_key *b);

/*
 * Compares the groups that two rows are in by what tells them apart, and returns a number below, equal to or above 0. It does
 * not depend on the order in which dumps were added.
 */
int group_keys_order(const struct aggregate *aggregate, enum group_by by, const struct row *a, const struct row *b);

#endif
