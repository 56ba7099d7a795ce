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
#include "analyzer/base/text.h"
#include "count.h"

enum { VERSIONS_MAX = 64 }; /* most versions of the routine table that are told apart */

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
	free(aggregate->spreads);
	addition_spreads_free(aggregate);
	free(aggregate->rows_now);
	free(aggregate->touched);
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

const char *row_kind_name(unsigned kind)
{
	static const char *const names[] = {
		[DUMP_ROW_CALL] = "call",       [DUMP_ROW_QUERY] = "query",   [DUMP_ROW_REJECTED] = "rejected",
		[DUMP_ROW_REFUSED] = "refused", [DUMP_ROW_MANUAL] = "manual",
	};

	return names[kind];
}

void addition_process_worker(struct addition *add)
{
	unsigned parts = add->aggregate->options.worker;

	if (parts && !(parts & WORKER_LANE))
		addition_worker(add, DUMP_NONE)->processes += !(parts & WORKER_PROCESS);
}

/* Rows. */

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

/* Calls whose shapes are not known exactly, and those that the current table cannot price, are counted. */
bool addition_price(struct addition *add, struct dump_row *entry, struct routine_key *routine)
{
	struct aggregate *aggregate = add->aggregate;
	struct priced priced;

	if (!aggregate->options.price || entry->kind == DUMP_ROW_QUERY || entry->kind == DUMP_ROW_REJECTED ||
	    entry->kind == DUMP_ROW_MANUAL)
		return false;
	if (entry->flags & DUMP_ROW_COARSE ||
	    !aggregate->options.price(aggregate->options.price_context, &aggregate->texts, routine, entry,
	                              multiplier_of(add, entry->namespace_id), &priced)) {
		aggregate->kept_calls = count_plus(aggregate->kept_calls, entry->calls);
		return false;
	}
	entry->flops = priced.flops;
	entry->charged = priced.charged;
	entry->words = priced.words;
	routine->kind = priced.kind;
	return true;
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
	addition_price(add, &entry, &routine);
	if (routine.kind != routine_of(add->aggregate, key.row.routine)->kind)
		key.row.routine = intern_bytes(&add->aggregate->routines, &routine, sizeof routine);

	times = entry.flags & DUMP_ROW_COARSE ? 1 : entry.calls;
	key.row.flags |= entry.flags & DUMP_ROW_SATURATED;
	key.row.flops = (u128)times * entry.flops;
	key.row.charged = (u128)times * entry.charged;
	key.row.words = (u128)times * entry.words;
	key.row.calls = entry.calls;
	key.row.time_ns = entry.timed_calls ? entry.time_ns : 0; /* see struct dump_row: it means nothing then */
	key.row.timed_calls = entry.timed_calls;
	if (entry.kind == DUMP_ROW_CALL && entry.calls)
		addition_ratio(add, &(struct place_key){key.row.site, key.row.space}, entry.flops, entry.charged);
	if (!dump_site_at(&add->dump, entry.site))
		aggregate->placeless_flops = u128_add(aggregate->placeless_flops, key.row.flops);
	number = addition_row(add, &key.row, routine.dim_count, routine.kind);
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

void addition_version(struct addition *add, uint32_t version, uint32_t file)
{
	struct aggregate *aggregate = add->aggregate;

	for (size_t i = 0; i < aggregate->version_count; i++)
		if (aggregate->versions[i].text == version)
			return;
	if (aggregate->version_count == VERSIONS_MAX)
		return; /* two are too many already; a damaged dump may claim any number */
	aggregate->versions = memory_grow(aggregate->versions, aggregate->version_count, &aggregate->version_capacity,
	                                  sizeof *aggregate->versions);
	aggregate->versions[aggregate->version_count++] = (struct version){version, file};
}

/* Returns the text of a path. In a merged dump it must mean the same in every directory. */
static uint32_t damaged_path(struct aggregate *aggregate, const char *file)
{
	const char *directory = aggregate->options.directory;
	struct text path = {0};
	uint32_t number;

	if (!aggregate->options.merge || !directory || *file == '/')
		return intern_text(&aggregate->texts, file);
	while (!strncmp(file, "./", 2))
		file += 2;
	text_format(&path, "%s/%s", strcmp(directory, "/") ? directory : "", file);
	number = intern_text(&aggregate->texts, path.bytes);
	text_free(&path);
	return number;
}

void addition_damage(struct aggregate *aggregate, const char *file, const char *host, const char *text, uint64_t count,
                     uint32_t flags)
{
	uint32_t path = host ? intern_text(&aggregate->texts, file) : damaged_path(aggregate, file);

	if (!host && aggregate->options.merge)
		host = aggregate->options.host;
	aggregate->damage = memory_grow(aggregate->damage, aggregate->damage_count, &aggregate->damage_capacity,
	                                sizeof *aggregate->damage);
	aggregate->damage[aggregate->damage_count++] = (struct damage){
		.file = path,
		.host = host ? intern_text(&aggregate->texts, host) : AGGREGATE_NONE,
		.text = memory_text(text, strlen(text)),
		.count = count,
		.flags = flags,
	};
	aggregate->complete = false;
	aggregate->unreadable += (flags & DUMP_DAMAGE_UNREADABLE) != 0;
	aggregate->newer |= (flags & DUMP_DAMAGE_NEWER) != 0;
}

void aggregate_missing(struct aggregate *aggregate, const char *file, const char *why)
{
	addition_damage(aggregate, file, NULL, why, 1, DUMP_DAMAGE_UNREADABLE);
	aggregate->damage[aggregate->damage_count - 1].said = true;
}

void aggregate_unread(struct aggregate *aggregate, const char *file, const char *why)
{
	addition_damage(aggregate, file, NULL, why, 1, DUMP_DAMAGE_UNREADABLE);
}

bool process_may_miss_its_end(const struct process *process)
{
	return process->losses & DUMP_NOT_DURABLE && process->state != PROCESS_CLOSED &&
	       process->state != PROCESS_RUNNING;
}

void aggregate_doubt(struct aggregate *aggregate, const char *file, const char *why)
{
	addition_damage(aggregate, file, NULL, why, 1, 0);
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

/* Adds the contents of the dump of one process. */
static void add_process(struct addition *add, const char *file)
{
	struct aggregate *aggregate = add->aggregate;
	uint64_t passed = aggregate->totals.passed_calls, in_flight = aggregate->totals.in_flight_calls;
	size_t rows;

	addition_process(add, file);
	addition_process_worker(add);
	if (add->process->table_version != AGGREGATE_NONE)
		addition_version(add, add->process->table_version, add->process->file);
	add_modules(add);
	add_spaces(add);
	addition_limits(add);
	addition_shares(add);
	rows = add_rows(add);
	addition_rows_end(add);
	addition_lanes(add);
	addition_notes(add);
	addition_samples(add);
	check_zeros(add, passed != aggregate->totals.passed_calls, in_flight != aggregate->totals.in_flight_calls);
	/* The counts of a damaged dump without rows are not known to be 0. */
	add->process->answered = rows || !add->dump.damage_total;
	if (add->process->answered)
		aggregate->answered++;
	else
		aggregate->unreadable++;
	if (!add->process->id[1]) /* what its header says cannot tell it from others, but what it did may */
		add->process->id[1] =
			dump_content_check(add->process->id[0], &add->process->sums, sizeof add->process->sums);
	add->process->complete = is_complete(add);
	aggregate->complete &= add->process->complete;
}

/* Adds everything from a dump that could be opened. */
static void add_contents(struct addition *add, const char *file)
{
	add->routines = numbers(add->dump.routines.count);
	add->modules = numbers(add->dump.modules.count);
	add->sites = numbers(add->dump.sites.count);
	add->spaces = numbers(add->dump.namespaces.count);
	add->is_merged = dump_is_merged(&add->dump);
	if (add->is_merged) {
		add_modules(add);
		add_spaces(add);
		addition_merged(add, file);
	} else {
		add_process(add, file);
	}
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
	bool usable = status == READ_OK || status == READ_DAMAGED;
	uint32_t flags = usable                 ? 0
	                 : status == READ_NEWER ? DUMP_DAMAGE_UNREADABLE | DUMP_DAMAGE_NEWER
	                                        : DUMP_DAMAGE_UNREADABLE;

	if (usable)
		add_contents(&add, file);
	for (size_t i = 0; i < add.dump.damage_count; i++)
		addition_damage(aggregate, file, NULL, add.dump.damage[i].text, add.dump.damage[i].count,
		                i ? 0 : flags);
	dump_close(&add.dump);
}
