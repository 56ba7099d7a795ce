/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * merged.c - adds a merged dump to an aggregate: its processes, and the sums over them.
 * It must never show a sum as complete if the processes do not account for it.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/addition.h"
#include "analyzer/base/memory.h"
#include "count.h"

/* ---- processes ---- */

/* What processes have in common, as texts of the aggregate. */
struct program {
	uint32_t program, directory, host, job, launch, run, step, array_task, stacks, table_version;
	uint32_t arguments, argument_bytes, environment, environment_bytes, job_size, restarts;
};

/* A sum of a merged dump: the number of the row that it was added to, and its own spread. */
struct merged_sum {
	uint32_t row;
	struct spread spread;
};

/* The programs and processes of a merged dump. */
struct merged {
	struct program *programs;
	size_t program_count, program_capacity;
	struct memo lists; /* by their reference, the numbers of the lists of arguments that were read */
	uint64_t room;     /* bytes of strings in the dump less those of all lists read, which do not overlap */
	size_t first, process_count; /* index of its first process in the aggregate; number of its processes */
	struct merged_sum *sums;     /* by their numbers */
	size_t sum_count, sum_capacity;
	bool sums_are_whole; /* every sum up to the last one was there: entries of DUMP_SPREADS find theirs by number */
};

/* Returns the text for a reference, AGGREGATE_NONE if that is 0 or wrong. */
static uint32_t text_or_none(struct addition *add, uint64_t reference)
{
	const char *text = dump_text(&add->dump, reference);

	return text ? intern_text(&add->aggregate->texts, text) : AGGREGATE_NONE;
}

/* Returns the text of a list, whose items each end in a byte 0. */
static uint32_t read_list(struct addition *add, struct merged *merged, uint64_t reference)
{
	size_t length;
	const char *text = dump_text_sized(&add->dump, reference, &length);
	uint32_t number;

	if (length > merged->room) {
		dump_damaged(&add->dump, "arguments that overlap");
		length = 0;
	}
	merged->room -= length;
	if (length && text[length - 1]) {
		dump_damaged(&add->dump, "lists of arguments whose last one does not end");
		length = 0;
	}
	number = intern_bytes(&add->aggregate->texts, text ? text : "", length);
	memo_put(&merged->lists, reference, number);
	return number;
}

/* Returns the text of a list, which is read once, and sets *bytes to its length, 0 if it is damaged. */
static uint32_t list_text(struct addition *add, struct merged *merged, uint64_t reference, uint32_t *bytes)
{
	uint32_t number = memo_find(&merged->lists, reference);

	if (number == MEMO_NONE)
		number = read_list(add, merged, reference);
	*bytes = (uint32_t)add->aggregate->texts.entries[number].size;
	return number;
}

static void read_programs(struct addition *add, struct merged *merged)
{
	const struct dump_program *entry;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_PROGRAMS, sizeof *entry);
	while ((entry = dump_cursor_next(&cursor)) && cursor.number == merged->program_count) {
		struct program *program;

		merged->programs = memory_grow(merged->programs, merged->program_count, &merged->program_capacity,
		                               sizeof *program);
		program = &merged->programs[merged->program_count++];
		*program = (struct program){
			.program = text_or_none(add, entry->program),
			.directory = text_or_none(add, entry->directory),
			.host = addition_text(add, entry->host, ""),
			.job = addition_text(add, entry->job, ""),
			.launch = addition_text(add, entry->launch, ""),
			.run = addition_text(add, entry->run, ""),
			.step = addition_text(add, entry->step, ""),
			.array_task = addition_text(add, entry->array_task, ""),
			.stacks = text_or_none(add, entry->stacks),
			.table_version = text_or_none(add, entry->table_version),
			.job_size = entry->job_size,
			.restarts = entry->restarts,
		};
		program->arguments = list_text(add, merged, entry->arguments, &program->argument_bytes);
		program->environment = list_text(add, merged, entry->environment, &program->environment_bytes);
	}
	dump_cursor_close(&cursor);
}

static enum process_state state_of(const struct dump_process *entry)
{
	if (entry->state == DUMP_CLOSED)
		return PROCESS_CLOSED;
	if (entry->state == DUMP_EXECED)
		return PROCESS_REPLACED;
	if (entry->flags & DUMP_PROCESS_RAN)
		return PROCESS_RUNNING;
	return entry->flags & DUMP_PROCESS_ENDED ? PROCESS_ENDED : PROCESS_UNKNOWN;
}

/* Adds a process. `file` is the text of the path of the merged dump. */
static void add_process(struct addition *add, const struct dump_process *entry, const struct program *program,
                        uint32_t file)
{
	struct aggregate *aggregate = add->aggregate;
	struct process *process;

	aggregate->processes = memory_grow(aggregate->processes, aggregate->process_count, &aggregate->process_capacity,
	                                   sizeof *aggregate->processes);
	process = &aggregate->processes[aggregate->process_count++];
	*process = (struct process){
		.sums = {.flops = entry->flops,
	                 .charged = entry->charged,
	                 .words = entry->words,
	                 .calls = entry->calls,
	                 .timed_calls = entry->timed_calls,
	                 .time_ns = entry->time_ns,
	                 .estimated_ns = entry->estimated_ns,
	                 .untimed_calls = entry->untimed_calls},
		.start_realtime_ns = entry->start_realtime_ns,
		.elapsed_ns = entry->elapsed_ns,
		.file = file,
		.program = program->program,
		.arguments = program->arguments,
		.argument_bytes = program->argument_bytes,
		.environment = program->environment,
		.environment_bytes = program->environment_bytes,
		.directory = program->directory,
		.host = program->host,
		.job = program->job,
		.launch = program->launch,
		.run = program->run,
		.step = program->step,
		.array_task = program->array_task,
		.table_version = program->table_version,
		.stacks_problem = program->stacks,
		.job_size = program->job_size,
		.restarts = program->restarts,
		.local_rank = entry->local_rank,
		.start_ticks = entry->start_ticks,
		.fork_parent_ticks = entry->fork_parent_ticks,
		.pid = entry->pid,
		.parent_pid = entry->parent_pid,
		.id = {entry->id[0], entry->id[1]},
		.has_own_id = true,
		.merged = true,
		.rank = entry->rank,
		.exit_status = -1,
		.losses = entry->losses,
		.by_thread = entry->flags & DUMP_PROCESS_BY_THREAD,
		.complete = entry->flags & DUMP_PROCESS_COMPLETE,
		.forked = entry->flags & DUMP_PROCESS_FORKED,
		.answered = entry->flags & DUMP_PROCESS_ANSWERED,
		.ordered = entry->flags & DUMP_PROCESS_ORDERED,
		.state = state_of(entry),
	};
	if (program->table_version != AGGREGATE_NONE)
		addition_version(add, program->table_version, file);
}

static void read_processes(struct addition *add, struct merged *merged, uint32_t file)
{
	static const struct program unknown = {.program = AGGREGATE_NONE,
	                                       .directory = AGGREGATE_NONE,
	                                       .stacks = AGGREGATE_NONE,
	                                       .table_version = AGGREGATE_NONE};
	struct program nothing = unknown;
	const struct dump_process *entry;
	struct dump_cursor cursor;

	nothing.host = nothing.job = nothing.launch = nothing.run = nothing.step = nothing.array_task =
		nothing.arguments = nothing.environment = intern_text(&add->aggregate->texts, "");
	dump_cursor_open(&cursor, &add->dump, DUMP_PROCESSES, sizeof *entry);
	while ((entry = dump_cursor_next(&cursor))) {
		bool known = entry->program < merged->program_count;

		if (!known)
			dump_damaged(&add->dump, "processes of programs that the dump does not have");
		if (cursor.number != merged->process_count)
			break;
		add_process(add, entry, known ? &merged->programs[entry->program] : &nothing, file);
		merged->process_count++;
	}
	dump_cursor_close(&cursor);
}

/* Returns a process of the dump by its number there; NULL, with a note of damage, if there is none. */
static struct process *process_at(struct addition *add, const struct merged *merged, uint32_t number)
{
	if (number < merged->process_count)
		return &add->aggregate->processes[merged->first + number];
	dump_damaged(&add->dump, "counts of processes that the dump does not have");
	return NULL;
}

static void read_rare(struct addition *add, const struct merged *merged)
{
	const struct dump_rare *entry;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_RARE, sizeof *entry);
	while ((entry = dump_cursor_next(&cursor))) {
		struct process *process = process_at(add, merged, entry->process);

		if (!process)
			continue;
		process->exit_status = entry->exit_status;
		process->signal = entry->signal;
		process->damaged = entry->flags & DUMP_RARE_DAMAGED;
		process->has_own_id = !(entry->flags & DUMP_RARE_NO_ID);
		process->lost_calls = entry->lost_calls;
		process->log_dropped = entry->log_dropped;
		process->sums.flops |= (u128)entry->flops_high << 64;
		process->sums.charged |= (u128)entry->charged_high << 64;
		process->sums.words |= (u128)entry->words_high << 64;
		process->sums.rejected_calls = entry->rejected_calls;
		process->sums.refused_calls = entry->refused_calls;
		process->sums.unpriced_calls = entry->unpriced_calls;
		process->sums.queries = entry->queries;
		process->sums.manual_charges = entry->manual_charges;
	}
	dump_cursor_close(&cursor);
}

/* Counts the processes for the aggregate and for its workers, and returns the sums of all of them. */
static struct process_sums count_processes(struct addition *add, const struct merged *merged)
{
	struct aggregate *aggregate = add->aggregate;
	struct process_sums all = {0};

	for (size_t i = 0; i < merged->process_count; i++) {
		struct process *process = &aggregate->processes[merged->first + i];

		process_sums_add(&all, &process->sums);
		if (process->answered)
			aggregate->answered++;
		else
			aggregate->unreadable++;
		aggregate->complete &= process->complete;
		add->process = process;
		addition_process_worker(add);
		if (aggregate->options.worker && !(aggregate->options.worker & WORKER_LANE))
			process_sums_add(&aggregate->worker_totals[add->worker].merged, &process->sums);
		add->process = NULL;
	}
	return all;
}

/* ---- sums ---- */

/* Prices a sum anew, if that is asked for. All of its calls have one price. */
static void price_sum(struct addition *add, const struct dump_sum *entry, struct row *row, struct routine_key *routine)
{
	struct dump_row one = {.options = entry->options,
	                       .namespace_id = entry->namespace_id,
	                       .kind = entry->kind,
	                       .flags = entry->flags};

	if (!entry->calls)
		return;
	one.calls = entry->calls;
	one.flops = u64_saturate(row->flops / entry->calls);
	one.charged = u64_saturate(row->charged / entry->calls);
	one.words = u64_saturate(row->words / entry->calls);
	memcpy(one.dims, entry->dims, sizeof one.dims);
	if (!addition_price(add, &one, routine))
		return;
	row->flops = (u128)entry->calls * one.flops;
	row->charged = (u128)entry->calls * one.charged;
	row->words = (u128)entry->calls * one.words;
}

/* Returns a spread of the dump, with no processes if it names one that the dump does not have. */
static struct spread spread_of(struct addition *add, const struct merged *merged, const uint64_t least[2],
                               const uint64_t most[2], uint32_t least_process, uint32_t most_process,
                               uint32_t processes)
{
	const struct process *first = process_at(add, merged, least_process);
	const struct process *second = process_at(add, merged, most_process);

	if (!first || !second)
		return (struct spread){0};
	return (struct spread){.least = u128_join(least),
	                       .most = u128_join(most),
	                       .least_process = (uint32_t)(first - add->aggregate->processes),
	                       .most_process = (uint32_t)(second - add->aggregate->processes),
	                       .processes = processes};
}

/* Keeps the spread of a sum until all sums are read: groups must not know it before they know all of their rows. */
static void keep_spread(struct addition *add, struct merged *merged, const struct dump_sum *entry, uint32_t row)
{
	merged->sums = memory_grow(merged->sums, merged->sum_count, &merged->sum_capacity, sizeof *merged->sums);
	merged->sums[merged->sum_count++] =
		(struct merged_sum){row, spread_of(add, merged, entry->least, entry->most, entry->least_process,
	                                           entry->most_process, entry->processes)};
}

/*
 * Adds the spreads of the sums, and of those that belong together. Where something of the dump is missing, the latter are left
 * out: an entry might be of another sum, and one that is lost would leave its group the spread of a single sum.
 */
static void read_spreads(struct addition *add, const struct merged *merged)
{
	struct aggregate *aggregate = add->aggregate;
	bool whole = merged->sums_are_whole && !add->dump.damage_total;
	const struct dump_spread *entry;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_SPREADS, sizeof *entry);
	while ((entry = dump_cursor_next(&cursor))) {
		struct spread spread = spread_of(add, merged, entry->least, entry->most, entry->least_process,
		                                 entry->most_process, entry->processes);

		if (entry->sum >= merged->sum_count)
			dump_damaged(&add->dump, "spreads of sums that the dump does not have");
		else if (whole)
			addition_spread_group(aggregate, entry->by, merged->sums[entry->sum].row, &spread);
	}
	dump_cursor_close(&cursor);
	for (size_t i = 0; i < merged->sum_count; i++) {
		const struct merged_sum *sum = &merged->sums[i];

		addition_spread(aggregate, sum->row, &sum->spread);
		for (unsigned by = 0; whole && by < SPREAD_WAYS; by++)
			addition_spread_group(aggregate, by, sum->row, &sum->spread);
	}
	addition_spread_end(aggregate, AGGREGATE_NONE);
}

static u128 common_divisor(u128 a, u128 b)
{
	while (b) {
		u128 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Notes how the sums of calls from a place compare to their charges. `varies` says that they differ among these calls. */
static void add_ratio(struct addition *add, const struct place_key *place, u128 flops, u128 charged, bool varies)
{
	u128 divisor = common_divisor(flops, charged);

	if (!divisor)
		return;
	flops /= divisor;
	charged /= divisor;
	addition_ratio(add, place, u64_saturate(flops), u64_saturate(charged));
	if (varies || flops > UINT64_MAX || charged > UINT64_MAX)
		add->aggregate->ratio_totals[intern_find(&add->aggregate->ratios, place, sizeof *place)].varies = true;
}

static void add_sum(struct addition *add, struct merged *merged, const struct dump_sum *entry)
{
	union {
		struct row row;
		char bytes[sizeof(struct row) + DUMP_DIMS_MAX * sizeof(int64_t)];
	} key = {0};
	struct aggregate *aggregate = add->aggregate;
	struct routine_key routine;
	uint32_t number;

	if (entry->kind > DUMP_ROW_MANUAL) {
		dump_damaged(&add->dump, "rows of an unknown kind");
		return;
	}
	key.row = (struct row){
		.flops = u128_join(entry->flops),
		.charged = u128_join(entry->charged),
		.words = u128_join(entry->words),
		.calls = entry->calls,
		.timed_calls = entry->timed_calls,
		.time_ns = entry->time_ns,
		.options = entry->options,
		.site = addition_site(add, entry->site, entry->kind == DUMP_ROW_MANUAL),
		.space = addition_space(add, entry->namespace_id),
		.kind = entry->kind,
		.flags = entry->flags & (DUMP_ROW_COARSE | DUMP_ROW_OVER | DUMP_ROW_SATURATED),
	};
	key.row.routine = site_of(aggregate, key.row.site)->routine;
	routine = *routine_of(aggregate, key.row.routine);
	memcpy(key.row.dims, entry->dims, routine.dim_count * sizeof entry->dims[0]);
	price_sum(add, entry, &key.row, &routine);
	if (routine.kind != routine_of(aggregate, key.row.routine)->kind)
		key.row.routine = intern_bytes(&aggregate->routines, &routine, sizeof routine);
	if (!dump_site_at(&add->dump, entry->site))
		aggregate->placeless_flops = u128_add(aggregate->placeless_flops, key.row.flops);
	if (entry->kind == DUMP_ROW_CALL && entry->calls)
		add_ratio(add, &(struct place_key){key.row.site, key.row.space}, key.row.flops, key.row.charged,
		          entry->flags & DUMP_ROW_VARIES);
	number = addition_row(add, &key.row, routine.dim_count, routine.kind);
	keep_spread(add, merged, entry, number);
}

static void read_sums(struct addition *add, struct merged *merged)
{
	const struct dump_sum *entry;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_SUMS, sizeof *entry);
	merged->sums_are_whole = true;
	while ((entry = dump_cursor_next(&cursor))) {
		merged->sums_are_whole &= cursor.number == merged->sum_count;
		add_sum(add, merged, entry);
	}
	dump_cursor_close(&cursor);
}

/* ---- the rest ---- */

static void read_counts(struct addition *add)
{
	struct totals *totals = &add->aggregate->totals;
	const struct dump_counts *entry;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_COUNTS, sizeof *entry);
	while ((entry = dump_cursor_next(&cursor))) {
		totals->nested_calls = count_plus(totals->nested_calls, entry->nested_calls);
		totals->passed_calls = count_plus(totals->passed_calls, entry->passed_calls);
		totals->abandoned_calls = count_plus(totals->abandoned_calls, entry->abandoned_calls);
		totals->lost_calls = count_plus(totals->lost_calls, entry->lost_calls);
		totals->threads = count_plus(totals->threads, entry->threads);
		totals->in_flight_calls = count_plus(totals->in_flight_calls, entry->in_flight_calls);
		totals->saturated_calls = count_plus(totals->saturated_calls, entry->saturated);
	}
	dump_cursor_close(&cursor);
}

static void read_flights(struct addition *add)
{
	const struct dump_flight *entry;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_FLIGHTS, sizeof *entry);
	while ((entry = dump_cursor_next(&cursor))) {
		struct flight flight = {u128_join(entry->flops), u128_join(entry->charged), entry->calls};
		struct place_key place = {addition_site(add, entry->site, false),
		                          addition_space(add, entry->namespace_id)};

		addition_flight(add, place.site, place.space, &flight);
		add_ratio(add, &place, flight.flops, flight.charged, entry->flags & DUMP_FLIGHT_VARIES);
	}
	dump_cursor_close(&cursor);
}

static void read_damage(struct addition *add, const char *file)
{
	const struct dump_damage *entry;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_DAMAGE, sizeof *entry);
	while ((entry = dump_cursor_next(&cursor))) {
		const char *of = dump_text(&add->dump, entry->file), *text = dump_text(&add->dump, entry->text);
		const char *host = entry->host ? dump_text(&add->dump, entry->host) : "";

		addition_damage(add->aggregate, of ? of : file, host ? host : "", text ? text : "(unknown)",
		                entry->count, (uint32_t)entry->flags);
	}
	dump_cursor_close(&cursor);
}

/* Notes damage if the sums over the processes are not those over the rows. */
static void check_sums(struct addition *add, const struct process_sums *processes, const struct totals *before)
{
	const struct totals *after = &add->aggregate->totals;

	if (add->aggregate->options.price)
		return; /* the rows have other prices than the processes then */
	if (count_plus(before->calls, processes->calls) != after->calls ||
	    u128_add(before->flops, processes->flops) != after->flops)
		dump_damaged(&add->dump, "the sums over its processes and those over its rows differ");
}

void addition_merged(struct addition *add, const char *file)
{
	struct aggregate *aggregate = add->aggregate;
	struct merged merged = {.first = aggregate->process_count, .room = dump_bytes(&add->dump, DUMP_STRINGS)};
	struct totals before = aggregate->totals;
	struct process_sums all;

	aggregate->merged++;
	read_programs(add, &merged);
	read_processes(add, &merged, intern_text(&aggregate->texts, file));
	read_rare(add, &merged);
	read_sums(add, &merged);
	read_spreads(add, &merged);
	all = count_processes(add, &merged);
	if (!merged.process_count) {
		dump_damaged(&add->dump, "it is a merged dump, but has no processes");
		aggregate->unreadable++;
	}
	check_sums(add, &all, &before);
	read_counts(add);
	read_flights(add);
	addition_limits(add);
	addition_notes(add);
	addition_samples(add);
	read_damage(add, file);
	memo_free(&merged.lists);
	free(merged.programs);
	free(merged.sums);
}
