/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aggregate.c - adds the rows of dumps to an aggregate, and decides whether a dump is complete.
 * It must never let lost counts pass for zeros: see check_zeros.
 */
#include "analyzer/aggregate/aggregate.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/aggregate/addition.h"
#include "analyzer/base/memory.h"
#include "count.h"

void aggregate_open(struct aggregate *aggregate, const struct aggregate_options *options)
{
	*aggregate = (struct aggregate){.options = *options, .complete = true};
	intern_text(&aggregate->spaces, "");
}

void aggregate_close(struct aggregate *aggregate)
{
	struct intern *interns[] = {&aggregate->texts,   &aggregate->routines, &aggregate->modules,
	                            &aggregate->sites,   &aggregate->spaces,   &aggregate->limits,
	                            &aggregate->notes,   &aggregate->stacks,   &aggregate->samples,
	                            &aggregate->flights, &aggregate->ratios,   &aggregate->workers};

	for (size_t i = 0; i < sizeof interns / sizeof *interns; i++)
		intern_free(interns[i]);
	for (size_t i = 0; i < aggregate->damage_count; i++)
		free(aggregate->damage[i].text);
	free(aggregate->module_totals);
	free(aggregate->limit_totals);
	free(aggregate->note_totals);
	free(aggregate->sample_totals);
	free(aggregate->flight_totals);
	free(aggregate->ratio_totals);
	free(aggregate->worker_totals);
	arena_free(&aggregate->row_arena);
	free(aggregate->rows);
	free(aggregate->parts);
	hash_free(&aggregate->part_index);
	hash_free(&aggregate->row_index);
	free(aggregate->processes);
	free(aggregate->damage);
	free(aggregate->versions);
}

const char *kind_name(unsigned kind)
{
	static const char *const names[] = {
		[DUMP_DIRECT] = "direct",
		[DUMP_ITERATIVE] = "iterative",
		[DUMP_EXEMPT] = "exempt",
		[DUMP_UNPRICED] = "unpriced",
	};

	return names[kind < DUMP_UNPRICED ? kind : DUMP_UNPRICED];
}

/* Gives the process a worker even if it has no rows, so that a report by host, rank or process shows idle ones. */
static void add_process_worker(struct addition *add)
{
	unsigned parts = add->aggregate->options.worker;

	if (parts && !(parts & WORKER_LANE))
		addition_worker(add, DUMP_NONE)->processes += !(parts & WORKER_PROCESS);
}

/* Rows. */

/* These hash and compare what tells rows apart. `dims` is the number of dimensions. */

static uint32_t row_hash(const struct row *key, unsigned dims)
{
	uint64_t hash = hash_word(key->options, (uint64_t)key->site << 32 | key->space);

	hash = hash_word(hash, (uint64_t)key->routine << 32 | (uint64_t)key->kind << 8 | key->flags);
	for (unsigned i = 0; i < dims; i++)
		hash = hash_word(hash, (uint64_t)key->dims[i]);
	return (uint32_t)hash;
}

static bool row_equal(const struct row *a, const struct row *b, unsigned dims)
{
	return a->options == b->options && a->site == b->site && a->space == b->space && a->routine == b->routine &&
	       a->kind == b->kind && !((a->flags ^ b->flags) & ~DUMP_ROW_SATURATED) &&
	       !memcmp(a->dims, b->dims, dims * sizeof a->dims[0]);
}

/* Returns the number of the row that `key` equals in what tells rows apart, or adds it as a row with totals of 0. */
static uint32_t row_find(struct aggregate *aggregate, const struct row *key, unsigned dims)
{
	size_t bucket, size = sizeof *key + dims * sizeof key->dims[0];
	uint32_t hash = row_hash(key, dims), number;
	struct row *row;

	hash_reserve(&aggregate->row_index);
	bucket = hash_begin(&aggregate->row_index, hash);
	while ((number = hash_next(&aggregate->row_index, hash, &bucket)) != HASH_NONE)
		if (row_equal(aggregate->rows[number], key, dims))
			return number;
	row = arena_take(&aggregate->row_arena, size);
	memcpy(row, key, size);
	aggregate->rows =
		memory_grow(aggregate->rows, aggregate->row_count, &aggregate->row_capacity, sizeof *aggregate->rows);
	aggregate->rows[aggregate->row_count] = row;
	hash_put(&aggregate->row_index, bucket, hash, (uint32_t)aggregate->row_count);
	return (uint32_t)aggregate->row_count++;
}

/* Returns the totals of the part of a row that comes from a worker, which are 0 if the part is new. */
static struct row *part_find(struct aggregate *aggregate, uint32_t row, uint32_t worker)
{
	uint32_t hash = (uint32_t)hash_word(row, worker), number;
	struct row *sums;
	size_t bucket;

	hash_reserve(&aggregate->part_index);
	bucket = hash_begin(&aggregate->part_index, hash);
	while ((number = hash_next(&aggregate->part_index, hash, &bucket)) != HASH_NONE)
		if (aggregate->parts[number].row == row && aggregate->parts[number].worker == worker)
			return aggregate->parts[number].sums;
	sums = arena_take(&aggregate->row_arena, sizeof *sums);
	sums->options = aggregate->rows[row]->options;
	sums->routine = aggregate->rows[row]->routine;
	sums->site = aggregate->rows[row]->site;
	sums->space = aggregate->rows[row]->space;
	sums->kind = aggregate->rows[row]->kind;
	sums->flags = aggregate->rows[row]->flags;
	aggregate->parts = memory_grow(aggregate->parts, aggregate->part_count, &aggregate->part_capacity,
	                               sizeof *aggregate->parts);
	aggregate->parts[aggregate->part_count] = (struct row_part){row, worker, sums};
	hash_put(&aggregate->part_index, bucket, hash, (uint32_t)aggregate->part_count++);
	return sums;
}

/* Adds the totals of `more` to those of `row`. */
static void row_sum(struct row *row, const struct row *more)
{
	row->flops = u128_add(row->flops, more->flops);
	row->charged = u128_add(row->charged, more->charged);
	row->words = u128_add(row->words, more->words);
	row->calls = count_plus(row->calls, more->calls);
	row->time_ns = count_plus(row->time_ns, more->time_ns);
	row->timed_calls = count_plus(row->timed_calls, more->timed_calls);
}

/*
 * Adds a row of the dump to the totals of the aggregate and of the process. `sums` has the row's totals, and `kind` is the
 * enum dump_kind of its routine.
 */
static void count_row(struct addition *add, const struct dump_row *entry, const struct row *sums, unsigned kind)
{
	struct totals *totals = &add->aggregate->totals;
	struct process *process = add->process;

	switch (entry->kind) {
	case DUMP_ROW_QUERY: totals->queries = count_plus(totals->queries, entry->calls); return;
	case DUMP_ROW_REFUSED:
		totals->refused_calls = count_plus(totals->refused_calls, entry->calls);
		totals->refused_flops = u128_add(totals->refused_flops, sums->flops);
		return;
	case DUMP_ROW_MANUAL: totals->manual_charges = count_plus(totals->manual_charges, entry->calls); break;
	case DUMP_ROW_REJECTED:
		totals->rejected_calls = count_plus(totals->rejected_calls, entry->calls);
		/* fall through */
	default:
		totals->calls = count_plus(totals->calls, entry->calls);
		process->calls = count_plus(process->calls, entry->calls);
		if (entry->kind == DUMP_ROW_CALL && kind == DUMP_UNPRICED)
			totals->unpriced_calls = count_plus(totals->unpriced_calls, entry->calls);
		if (entry->kind == DUMP_ROW_CALL && kind == DUMP_EXEMPT)
			totals->exempt_calls = count_plus(totals->exempt_calls, entry->calls);
	}
	if (entry->flags & DUMP_ROW_OVER)
		totals->over_calls = count_plus(totals->over_calls, entry->calls);
	totals->flops = u128_add(totals->flops, sums->flops);
	totals->charged = u128_add(totals->charged, sums->charged);
	totals->words = u128_add(totals->words, sums->words);
	totals->timed_calls = count_plus(totals->timed_calls, sums->timed_calls);
	totals->time_ns = count_plus(totals->time_ns, sums->time_ns);
	process->flops = u128_add(process->flops, sums->flops);
	process->charged = u128_add(process->charged, sums->charged);
}

/* Returns the product of the multipliers of the process, the namespace and the namespaces around it, times 2^32. */
static uint64_t multiplier_of(struct addition *add, uint32_t number)
{
	uint64_t factor = add->dump.header.multiplier;

	for (unsigned depth = 0; depth < 1000; depth++) { /* the tree of a damaged dump may have a cycle */
		const struct dump_namespace *space = dump_namespace_at(&add->dump, number);

		if (!space)
			break;
		if (space->multiplier)
			factor = u64_saturate((u128)factor * space->multiplier >> 32);
		number = space->parent;
	}
	return factor;
}

/*
 * If options.price is there, replaces the prices of the entry, and the kind of the routine, by those of the current
 * table. Calls that it cannot price, or whose shapes are not known exactly, keep theirs and are counted.
 */
static void price_anew(struct addition *add, struct dump_row *entry, struct routine_key *routine)
{
	struct aggregate *aggregate = add->aggregate;
	struct priced priced;

	if (!aggregate->options.price || entry->kind == DUMP_ROW_QUERY || entry->kind == DUMP_ROW_REJECTED ||
	    entry->kind == DUMP_ROW_MANUAL)
		return;
	if (entry->flags & DUMP_ROW_COARSE ||
	    !aggregate->options.price(aggregate->options.price_context, &aggregate->texts, routine, entry,
	                              multiplier_of(add, entry->namespace_id), &priced)) {
		aggregate->kept_calls = count_plus(aggregate->kept_calls, entry->calls);
		return;
	}
	entry->flops = priced.flops;
	entry->charged = priced.charged;
	entry->words = priced.words;
	routine->kind = priced.kind;
}

/* Adds a row of the dump. Returns the row of the aggregate that it was added to, or NULL if the dump's row is damaged. */
static const struct row *add_row(struct addition *add, const struct dump_row *given)
{
	union {
		struct row row;
		char bytes[sizeof(struct row) + DUMP_DIMS_MAX * sizeof(int64_t)];
	} key = {0};
	struct aggregate *aggregate = add->aggregate;
	struct dump_row entry = *given;
	uint32_t number;
	struct routine_key routine;
	uint64_t times;

	if (entry.kind > DUMP_ROW_MANUAL) {
		dump_damaged(&add->dump, "rows of an unknown kind");
		return NULL;
	}
	key.row.site = addition_site(add, entry.site, entry.kind == DUMP_ROW_MANUAL);
	key.row.space = addition_space(add, entry.namespace_id);
	key.row.routine = site_of(add->aggregate, key.row.site)->routine;
	key.row.kind = entry.kind;
	key.row.flags = entry.flags & (DUMP_ROW_COARSE | DUMP_ROW_OVER);
	key.row.options = entry.options;
	routine = *routine_of(add->aggregate, key.row.routine);
	memcpy(key.row.dims, entry.dims, routine.dim_count * sizeof entry.dims[0]);
	price_anew(add, &entry, &routine);
	if (routine.kind != routine_of(add->aggregate, key.row.routine)->kind)
		key.row.routine = intern_bytes(&add->aggregate->routines, &routine, sizeof routine);

	times = entry.flags & DUMP_ROW_COARSE ? 1 : entry.calls;
	number = row_find(aggregate, &key.row, routine.dim_count);
	key.row.flops = (u128)times * entry.flops;
	key.row.charged = (u128)times * entry.charged;
	key.row.words = (u128)times * entry.words;
	key.row.calls = entry.calls;
	if (!entry.timed_calls)
		entry.time_ns = 0; /* see struct dump_row: it means nothing then */
	key.row.time_ns = entry.time_ns;
	key.row.timed_calls = entry.timed_calls;
	count_row(add, &entry, &key.row, routine.kind);
	if (entry.kind == DUMP_ROW_CALL && entry.calls)
		addition_ratio(add, &(struct place_key){key.row.site, key.row.space}, &entry);
	if (!dump_site_at(&add->dump, entry.site))
		aggregate->placeless_flops = u128_add(aggregate->placeless_flops, key.row.flops);

	row_sum(aggregate->rows[number], &key.row);
	aggregate->rows[number]->flags |= entry.flags & DUMP_ROW_SATURATED;
	if (aggregate->options.worker) {
		struct row *part = part_find(aggregate, number, add->worker);

		row_sum(part, &key.row);
		part->flags |= entry.flags & DUMP_ROW_SATURATED;
	}
	return aggregate->rows[number];
}

/* Subtracts from a coarse row the shares of calls in flight, which leaves the calls that have ended. */
static void take_shares(struct addition *add, uint32_t lane, uint32_t number, struct dump_row *row)
{
	for (size_t i = 0; i < add->share_count; i++) {
		struct share *share = &add->shares[i];

		if (share->lane != lane || share->row != number || share->of.flops > row->flops ||
		    share->of.charged > row->charged || share->of.words > row->words)
			continue;
		row->flops -= share->of.flops;
		row->charged -= share->of.charged;
		row->words -= share->of.words;
		share->taken = true;
	}
}

/* Adds all rows of the dump, and returns how many they are. */
static size_t add_rows(struct addition *add)
{
	const struct aggregate_options *options = &add->aggregate->options;
	struct dump_cursor cursor;
	const struct dump_row *entry;
	size_t count = 0;

	dump_cursor_open(&cursor, &add->dump, DUMP_ROWS, sizeof *entry);
	for (; (entry = dump_cursor_next(&cursor)); count++) {
		struct dump_row own = *entry;
		const struct row *row;

		if (options->worker & WORKER_LANE)
			addition_worker(add, cursor.lane);
		if (own.flags & DUMP_ROW_COARSE)
			take_shares(add, cursor.lane, cursor.number, &own);
		row = add_row(add, &own);
		add->row_calls = count_plus(add->row_calls, entry->calls);
		if (options->row_added && row)
			options->row_added(options->row_context, cursor.lane, cursor.number, entry, row);
	}
	dump_cursor_close(&cursor);
	return count;
}

/* The whole dump. */

/* Returns an array of `count` times AGGREGATE_NONE, to be freed. */
static uint32_t *numbers(size_t count)
{
	uint32_t *array = memory_new(count, sizeof *array);

	memset(array, 0xff, count * sizeof *array);
	return array;
}

static void add_spaces(struct addition *add)
{
	for (size_t i = 0; i < add->dump.namespaces.count; i++)
		if (add->dump.namespaces.present[i])
			addition_space(add, (uint32_t)i);
}

static void add_modules(struct addition *add)
{
	for (size_t i = 0; i < add->dump.modules.count; i++)
		if (add->dump.modules.present[i])
			addition_module(add, (uint32_t)i);
}

static void add_version(struct addition *add, const char *file)
{
	struct aggregate *aggregate = add->aggregate;
	uint32_t text = intern_text(&aggregate->texts, add->dump.header.table_version);

	if (add->dump.header_damaged)
		return;
	for (size_t i = 0; i < aggregate->version_count; i++)
		if (aggregate->versions[i].text == text)
			return;
	aggregate->versions = memory_grow(aggregate->versions, aggregate->version_count, &aggregate->version_capacity,
	                                  sizeof *aggregate->versions);
	aggregate->versions[aggregate->version_count++] = (struct version){text, intern_text(&aggregate->texts, file)};
}

static void add_damage(struct aggregate *aggregate, const char *file, const char *text, uint64_t count)
{
	aggregate->damage = memory_grow(aggregate->damage, aggregate->damage_count, &aggregate->damage_capacity,
	                                sizeof *aggregate->damage);
	aggregate->damage[aggregate->damage_count++] =
		(struct damage){intern_text(&aggregate->texts, file), memory_text(text, strlen(text)), count, false};
	aggregate->complete = false;
}

void aggregate_missing(struct aggregate *aggregate, const char *file, const char *why)
{
	add_damage(aggregate, file, why, 1);
	aggregate->damage[aggregate->damage_count - 1].said = true;
	aggregate->unreadable++;
}

bool process_may_miss_its_end(const struct process *process)
{
	return process->losses & DUMP_NOT_DURABLE && process->state != PROCESS_CLOSED &&
	       process->state != PROCESS_RUNNING;
}

void aggregate_doubt(struct aggregate *aggregate, const char *file, const char *why)
{
	add_damage(aggregate, file, why, 1);
}

/* Whether nothing is known to be missing from the counts of the dump. */
static bool is_complete(const struct addition *add)
{
	return !add->dump.damage_total && !add->process->lost_calls && !process_may_miss_its_end(add->process) &&
	       !(add->process->losses & (DUMP_LOST_CALLS | DUMP_LOST_SPACE));
}

/*
 * Notes damage where a dump counts no call although its process has made some, so that the report does not show zeros.
 * `passed` and `in_flight` say whether the dump has calls that were passed on uncounted, or that are in flight.
 *
 * The shim adds a call site to the dump for a call, which then is counted, in flight or passed on. A process may end when
 * each of its threads has added the site of its first call and not yet counted it. So counts are lost if the process is
 * not running and the dump has more sites than lanes; if the process closed its dump and has used a budget; and if the
 * dump has neither a lane nor a scope, since a process without either leaves no dump.
 */
static void check_zeros(struct addition *add, bool passed, bool in_flight)
{
	const struct dump *dump = &add->dump;

	if (add->row_calls || passed || in_flight || add->process->lost_calls || add->process->state == PROCESS_RUNNING)
		return;
	if (process_may_miss_its_end(add->process))
		return; /* the report says so already, and the dump is not complete */
	if (add->used && add->process->state == PROCESS_CLOSED)
		dump_damaged(&add->dump, "budgets were used, but no calls are counted");
	else if (dump->sites.count > add->lanes || dump->routines.count > add->lanes)
		dump_damaged(&add->dump, "there are call sites, but no calls are counted");
	else if (!add->lanes && !dump->namespaces.count && !dump->damage_total)
		dump_damaged(&add->dump, "there are neither calls nor scopes of any thread");
}

/* Adds everything from a dump that could be opened. */
static void add_contents(struct addition *add, const char *file)
{
	uint64_t passed = add->aggregate->totals.passed_calls, in_flight = add->aggregate->totals.in_flight_calls;
	size_t rows;

	add->routines = numbers(add->dump.routines.count);
	add->modules = numbers(add->dump.modules.count);
	add->sites = numbers(add->dump.sites.count);
	add->spaces = numbers(add->dump.namespaces.count);
	addition_process(add, file);
	add_process_worker(add);
	add_version(add, file);
	add_modules(add);
	add_spaces(add);
	addition_limits(add);
	addition_shares(add);
	rows = add_rows(add);
	addition_lanes(add);
	addition_notes(add);
	addition_samples(add);
	check_zeros(add, passed != add->aggregate->totals.passed_calls,
	            in_flight != add->aggregate->totals.in_flight_calls);
	/* The counts of a damaged dump without rows are not known to be 0. */
	add->process->answered = rows || !add->dump.damage_total;
	if (add->process->answered)
		add->aggregate->answered++;
	else
		add->aggregate->unreadable++;
	memo_free(&add->texts);
	free(add->shares);
	free(add->routines);
	free(add->modules);
	free(add->sites);
	free(add->spaces);
}

void aggregate_add(struct aggregate *aggregate, const struct dump_source *source, const char *file)
{
	struct addition add = {.aggregate = aggregate};
	enum read_status status = dump_open(&add.dump, source);

	if (status == READ_OK || status == READ_DAMAGED) {
		add_contents(&add, file);
		add.process->complete = is_complete(&add);
		aggregate->complete &= add.process->complete;
	} else {
		aggregate->unreadable++;
		aggregate->newer |= status == READ_NEWER;
	}
	for (size_t i = 0; i < add.dump.damage_count; i++)
		add_damage(aggregate, file, add.dump.damage[i].text, add.dump.damage[i].count);
	dump_close(&add.dump);
}
