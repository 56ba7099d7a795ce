/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * addition.h - what the files of this folder share while they add one dump to an aggregate.
 * It must never be used outside of this folder.
 */
#ifndef ANALYZER_ADDITION_H
#define ANALYZER_ADDITION_H

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/base/memo.h"

/* What a call in flight has added to a coarse row; see struct dump_share. */
struct share {
	struct dump_share of;
	uint32_t lane, row; /* numbers in the dump */
	bool taken;         /* it was subtracted from the row */
};

/* A dump that is being added. */
struct addition {
	struct aggregate *aggregate;
	struct dump dump;
	struct process *process; /* in the aggregate */
	/* By their number in the dump, the numbers of these in the aggregate; AGGREGATE_NONE until they are asked for. */
	uint32_t *routines, *modules, *sites, *spaces;
	struct memo texts; /* by their reference, the numbers of texts, so that one with many references is read once */
	uint64_t row_calls; /* calls in all rows that were added, of every kind */
	uint64_t lanes;     /* number of lanes that were added */
	uint64_t used;      /* FLOPs used of all limits that were added */
	struct share *shares;
	size_t share_count, share_capacity;
	uint32_t flights; /* number of calls in flight whose rows were looked up */
	uint32_t worker;  /* number of the worker of the rows that are being added */
};

/*
 * These return the number in the aggregate of what the dump names by a reference or a number. A wrong one is noted as
 * damage. The result always exists, except that of addition_module: something named "(unknown)", or the root namespace,
 * stands for what the dump does not have.
 */

/* `otherwise` is the text for a reference that is wrong or 0. */
uint32_t addition_text(struct addition *add, uint64_t reference, const char *otherwise);
uint32_t addition_routine(struct addition *add, uint32_t number);
uint32_t addition_module(struct addition *add, uint32_t number); /* AGGREGATE_NONE if the dump has no such module */
uint32_t addition_space(struct addition *add, uint32_t number);
uint32_t addition_site(struct addition *add, uint32_t number, bool manual); /* manual: of a row of manual charges */

/* Returns the key of the worker that did the work of a lane of the process; the lane counts if lanes are told apart. */
struct worker_key addition_worker_key(const struct addition *add, uint32_t lane);
/* Has rows that are added from now on count for that worker. Returns it; it is valid until the next worker is added. */
struct worker *addition_worker(struct addition *add, uint32_t lane);

/*
 * Interns a key and returns its number. *totals is an array of structures of `size` bytes, one for each key, with room for
 * *capacity: for a new key, one that is all zeros is added at the same number. The array may move.
 */
uint32_t addition_intern(struct intern *intern, const void *key, size_t key_size, void **totals, size_t *capacity,
                         size_t size);

/* Notes the FLOPs and the charge of a row, or of a call in flight, of a place; see struct ratio. */
void addition_ratio(struct addition *add, const struct place_key *place, const struct dump_row *row);

/* These add parts of the dump. addition_process comes first, and `file` is the path of the dump. */
void addition_process(struct addition *add, const char *file);
void addition_shares(struct addition *add); /* reads the shares of calls in flight; before the rows */
void addition_lanes(struct addition *add);  /* after the rows, from which shares were subtracted */
void addition_limits(struct addition *add);
void addition_notes(struct addition *add);
void addition_samples(struct addition *add);

#endif
