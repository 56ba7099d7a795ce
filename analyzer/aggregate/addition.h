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
	bool is_merged;          /* it is a merged one */
	struct process *process; /* in the aggregate; NULL while the sums of a merged dump are added */
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

/* In an aggregate that is to be merged, makes all code outside of modules one place: module AGGREGATE_NONE, offset 0. */
void addition_settle(uint64_t *offset, uint32_t *module);

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
void addition_ratio(struct addition *add, const struct place_key *place, uint64_t flops, uint64_t charged);
/*
 * Adds `sums` to the row that it equals in what tells rows apart, and to all totals that rows count for, and returns the row's
 * number. `dims` is the number of its dimensions, and `kind` the enum dump_kind of its routine.
 */
uint32_t addition_row(struct addition *add, const struct row *sums, unsigned dims, unsigned kind);
/* Ends the rows of a process: adds to the spreads of the rows what it has in each. */
void addition_rows_end(struct addition *add);
/* Adds to the spread of a row that of more processes. */
void addition_spread(struct aggregate *aggregate, uint32_t row, const struct spread *more);
/* Finds the groups of a new row, the last one. The spreads of rows of the dump that is being added must not be added yet. */
void addition_spread_row(struct aggregate *aggregate, uint32_t number);
/* Notes what the process whose dump is being added has in a row, for the groups of the row. */
void addition_spread_part(struct aggregate *aggregate, uint32_t row, u128 flops);
/*
 * Adds to the spread of the group of a row that of more processes, unless that was done for the dump that is being added, or
 * the group has no spread of its own. Returns whether it was added. `by` may be any number.
 */
bool addition_spread_group(struct aggregate *aggregate, unsigned by, uint32_t row, const struct spread *more);
/* Ends a dump: adds what a process has in groups, by its index; AGGREGATE_NONE after a merged dump. */
void addition_spread_end(struct aggregate *aggregate, uint32_t process);
void addition_spreads_free(struct aggregate *aggregate);

/*
 * If options.price is there, replaces the prices of the entry, and the kind of the routine, by those of the current table.
 * Returns false if it cannot: the entry keeps its prices then.
 */
bool addition_price(struct addition *add, struct dump_row *entry, struct routine_key *routine);

/* Adds the calls in flight from a place. */
void addition_flight(struct addition *add, uint32_t site, uint32_t space, const struct flight *more);

/* Adds the version of the routine table that has priced calls of a file; both are texts. */
void addition_version(struct addition *add, uint32_t version, uint32_t file);

/*
 * Adds what is wrong with a file; `flags` is a set of enum dump_damage_flags. `host` is the machine that the file was on, by
 * a merged dump; NULL if it is on this one, and its path is one from the current directory.
 */
void addition_damage(struct aggregate *aggregate, const char *file, const char *host, const char *text, uint64_t count,
                     uint32_t flags);

/* Adds the contents of a merged dump. `file` is its path. */
void addition_merged(struct addition *add, const char *file);
/* Gives a process a worker, even if it has no rows, so that a report by host, rank or process shows idle ones. */
void addition_process_worker(struct addition *add);

/* These add parts of the dump. addition_process comes first, and `file` is the path of the dump. */
void addition_process(struct addition *add, const char *file);
void addition_shares(struct addition *add); /* reads the shares of calls in flight; before the rows */
void addition_lanes(struct addition *add);  /* after the rows, from which shares were subtracted */
void addition_limits(struct addition *add);
void addition_notes(struct addition *add);
void addition_samples(struct addition *add);

#endif
