/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * addition.h - a dump while it is added up: what the files that add its parts share. For them alone.
 * It must never be used outside of this folder.
 */
#ifndef ANALYZER_ADDITION_H
#define ANALYZER_ADDITION_H

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/base/memo.h"

/* What a call in flight has added to a coarse row. */
struct share {
	struct dump_share of;
	uint32_t lane, row; /* numbers */
	bool taken;         /* out of the row's sums */
};

/* What the dump's numbers are in the aggregate: AGGREGATE_NONE until they are asked for. */
struct addition {
	struct aggregate *aggregate;
	struct dump dump;
	struct process *process;
	uint32_t *routines, *modules, *sites, *spaces;
	struct memo texts;  /* by reference: a long one may be referred to often */
	uint64_t row_calls; /* of all kinds of rows */
	uint64_t lanes;     /* how many have been added */
	uint64_t used;      /* of its limits */
	struct share *shares;
	size_t share_count, share_capacity;
	uint32_t flights;   /* calls in flight whose rows have been looked up */
	uint32_t origin; /* of the rows that are being added */
};

/* Numbers of the aggregate's tables; what is not as it should be is noted as damage. */
uint32_t addition_text(struct addition *add, uint64_t reference, const char *otherwise);
uint32_t addition_routine(struct addition *add, uint32_t number);
uint32_t addition_module(struct addition *add, uint32_t number);
uint32_t addition_space(struct addition *add, uint32_t number);
uint32_t addition_site(struct addition *add, uint32_t number, bool manual);

/* The origin of the process, or of the thread that has the lane. */
struct origin_key addition_origin_key(const struct addition *add, uint32_t lane);
/* Makes it that of the rows to come. */
struct origin *addition_origin(struct addition *add, uint32_t lane);

/* Interns a key; the numbers of `totals` follow those of the intern, zeroed when they are new. */
uint32_t addition_intern(struct intern *intern, const void *key, size_t key_size, void **totals, size_t *capacity,
                         size_t size);

/* Parts of the dump. */
void addition_process(struct addition *add, const char *file);
void addition_shares(struct addition *add); /* before the rows */
void addition_lanes(struct addition *add);  /* behind them */
void addition_limits(struct addition *add);
void addition_notes(struct addition *add);
void addition_samples(struct addition *add);

#endif
