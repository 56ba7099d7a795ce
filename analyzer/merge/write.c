/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * write.c - writes an aggregate as a merged dump, whose entries refer to each other by numbers that follow from their contents.
 * It must never write anything that tells in which order, or from which merged dumps, the processes were added.
 *
 * References to strings are known only when all strings are. So the entries are made twice: the first time only their strings
 * are collected.
 */
#include "analyzer/merge/merge.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/spreads.h"
#include "analyzer/base/memory.h"
#include "analyzer/merge/batch.h"

enum {
	PAGE = DUMP_PAGE_LEAST,
	MODULE_GAP = 1 << 20, /* addresses between two modules: none is the end of one and the beginning of the next */
};

struct writer {
	const struct aggregate *aggregate;
	bool collecting; /* strings are collected: entries are made, but not kept */
	struct pool strings, stacks;
	uint64_t *biases; /* by number in the aggregate, of the modules */
	struct batch programs, processes, rare, modules, routines, sites, spaces;
	struct batch sums, spreads, estimates, flights, limits, notes, damage;
	uint32_t *sums_of_rows; /* by row, the number of its sum in the order of addition; DUMP_NONE for none */
	struct text *bytes;
};

static void keep(struct writer *writer, struct batch *batch, const void *entry, size_t size)
{
	batch->size = size;
	if (!writer->collecting)
		batch_add(batch, entry);
}

/* Returns the number of what has a number in the aggregate; DUMP_NONE stands for AGGREGATE_NONE. */
static uint32_t number_in(const struct writer *writer, const struct batch *batch, uint32_t number)
{
	return writer->collecting || number == AGGREGATE_NONE ? DUMP_NONE : batch->numbers[number];
}

/* Returns the reference of bytes; 0 while strings are collected. */
static uint64_t reference(struct writer *writer, const void *bytes, size_t size)
{
	if (!writer->collecting)
		return pool_reference(&writer->strings, bytes, size);
	pool_add(&writer->strings, bytes, size);
	return 0;
}

/* Returns the reference of a text; 0 if it is empty or there is none. */
static uint64_t text(struct writer *writer, uint32_t number)
{
	const struct intern_entry *entry;

	if (number == AGGREGATE_NONE)
		return 0;
	entry = &writer->aggregate->texts.entries[number];
	return entry->size ? reference(writer, entry->bytes, entry->size) : 0;
}

/* ---- processes ---- */

static void make_programs(struct writer *writer)
{
	const struct aggregate *aggregate = writer->aggregate;

	for (size_t i = 0; i < aggregate->process_count; i++) {
		const struct process *process = &aggregate->processes[i];
		struct dump_program entry = {
			.program = text(writer, process->program),
			.directory = text(writer, process->directory),
			.host = text(writer, process->host),
			.job = text(writer, process->job),
			.launch = text(writer, process->launch),
			.run = text(writer, process->run),
			.stacks = text(writer, process->stacks_problem),
			.table_version = text(writer, process->table_version),
			.arguments = text(writer, process->arguments),
			.environment = text(writer, process->environment),
			.job_size = process->job_size,
			.restarts = process->restarts,
			.step = text(writer, process->step),
			.array_task = text(writer, process->array_task),
		};

		keep(writer, &writer->programs, &entry, sizeof entry);
	}
}

static uint8_t dump_state_of(const struct process *process)
{
	return process->state == PROCESS_CLOSED     ? DUMP_CLOSED
	       : process->state == PROCESS_REPLACED ? DUMP_EXECED
	                                            : DUMP_RUNNING;
}

static uint8_t flags_of(const struct process *process)
{
	return (uint8_t)((process->forked ? DUMP_PROCESS_FORKED : 0) | (process->complete ? DUMP_PROCESS_COMPLETE : 0) |
	                 (process->answered ? DUMP_PROCESS_ANSWERED : 0) |
	                 (process->state == PROCESS_RUNNING ? DUMP_PROCESS_RAN : 0) |
	                 (process->state == PROCESS_ENDED ? DUMP_PROCESS_ENDED : 0) |
	                 (process->ordered ? DUMP_PROCESS_ORDERED : 0) |
	                 (process->by_thread ? DUMP_PROCESS_BY_THREAD : 0));
}

static void make_processes(struct writer *writer)
{
	const struct aggregate *aggregate = writer->aggregate;

	for (size_t i = 0; i < aggregate->process_count; i++) {
		const struct process *process = &aggregate->processes[i];
		struct dump_process entry = {
			.id = {process->id[0], process->id[1]},
			.flops = (uint64_t)process->sums.flops,
			.charged = (uint64_t)process->sums.charged,
			.words = (uint64_t)process->sums.words,
			.calls = process->sums.calls,
			.time_ns = process->sums.time_ns,
			.timed_calls = process->sums.timed_calls,
			.estimated_ns = process->sums.estimated_ns,
			.untimed_calls = process->sums.untimed_calls,
			.start_realtime_ns = process->start_realtime_ns,
			.elapsed_ns = process->elapsed_ns,
			.start_ticks = process->start_ticks,
			.fork_parent_ticks = process->fork_parent_ticks,
			.pid = process->pid,
			.parent_pid = process->parent_pid,
			.rank = process->rank,
			.program = number_in(writer, &writer->programs, (uint32_t)i),
			.losses = (uint16_t)process->losses,
			.state = dump_state_of(process),
			.flags = flags_of(process),
			.local_rank = process->local_rank,
		};

		keep(writer, &writer->processes, &entry, sizeof entry);
	}
}

/* Compares processes as process_order does. References to strings are in the order of the strings. */
static int compare_processes(const void *a, const void *b, void *context)
{
	const struct dump_process *x = a, *y = b;
	const struct batch *programs = context;
	const struct dump_program *of_x = batch_at(programs, x->program), *of_y = batch_at(programs, y->program);
	int ids = memcmp(x->id, y->id, sizeof x->id);

	if (x->rank != y->rank)
		return (uint32_t)x->rank < (uint32_t)y->rank ? -1 : 1;
	if (of_x->host != of_y->host)
		return of_x->host < of_y->host ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->start_realtime_ns != y->start_realtime_ns)
		return x->start_realtime_ns < y->start_realtime_ns ? -1 : 1;
	return ids ? ids : memcmp(x, y, sizeof *x);
}

static uint32_t rare_flags_of(const struct process *process)
{
	return (process->damaged ? DUMP_RARE_DAMAGED : 0) | (process->has_own_id ? 0 : DUMP_RARE_NO_ID);
}

static void make_rare(struct writer *writer)
{
	static const struct dump_rare nothing = {.exit_status = -1};
	const struct aggregate *aggregate = writer->aggregate;

	for (size_t i = 0; i < aggregate->process_count; i++) {
		const struct process *process = &aggregate->processes[i];
		struct dump_rare entry = {
			.exit_status = process->exit_status,
			.signal = process->signal,
			.flags = rare_flags_of(process),
			.flops_high = (uint64_t)(process->sums.flops >> 64),
			.charged_high = (uint64_t)(process->sums.charged >> 64),
			.words_high = (uint64_t)(process->sums.words >> 64),
			.rejected_calls = process->sums.rejected_calls,
			.refused_calls = process->sums.refused_calls,
			.unpriced_calls = process->sums.unpriced_calls,
			.queries = process->sums.queries,
			.manual_charges = process->sums.manual_charges,
			.lost_calls = process->lost_calls,
			.log_dropped = process->log_dropped,
		};

		if (!memcmp(&entry, &nothing, sizeof entry))
			continue;
		entry.process = number_in(writer, &writer->processes, (uint32_t)i);
		keep(writer, &writer->rare, &entry, sizeof entry);
	}
}

/* ---- what the sums refer to ---- */

static void make_modules(struct writer *writer)
{
	const struct aggregate *aggregate = writer->aggregate;

	for (uint32_t i = 0; i < aggregate->modules.count; i++) {
		const struct module_key *key = module_of(aggregate, i);
		const struct module *module = &aggregate->module_totals[i];
		struct dump_module entry = {
			.path = text(writer, module->path),
			.flags = module->flags | (module->host == AGGREGATE_NONE ? DUMP_MODULE_HOSTS : 0),
			.build_id_size = key->build_id_size,
			.earliest_start_ns = module->earliest_start_ns,
			.host = text(writer, module->host),
		};

		memcpy(entry.build_id, key->build_id, sizeof entry.build_id);
		keep(writer, &writer->modules, &entry, sizeof entry);
	}
}

static void reach(uint64_t *ends, uint32_t module, uint64_t offset)
{
	if (module != AGGREGATE_NONE && offset >= ends[module])
		ends[module] = offset + 1;
}

/* Gives each module, once they are sorted, addresses for all offsets that something refers to. */
static void place_modules(struct writer *writer)
{
	const struct aggregate *aggregate = writer->aggregate;
	uint64_t *ends = memory_new(aggregate->modules.count, sizeof *ends), next = MODULE_GAP;
	uint32_t *numbers = memory_new(aggregate->modules.count, sizeof *numbers);

	for (uint32_t i = 0; i < aggregate->sites.count; i++)
		reach(ends, site_of(aggregate, i)->caller_module, site_of(aggregate, i)->offset);
	for (uint32_t i = 0; i < aggregate->stacks.count; i++)
		for (uint32_t j = 0; j < stack_of(aggregate, i)->frame_count; j++)
			reach(ends, frames_of(stack_of(aggregate, i))[j].module,
			      frames_of(stack_of(aggregate, i))[j].offset);
	for (uint32_t i = 0; i < aggregate->modules.count; i++)
		numbers[writer->modules.numbers[i]] = i;
	writer->biases = memory_new(aggregate->modules.count, sizeof *writer->biases);
	for (size_t i = 0; i < writer->modules.count; i++) {
		struct dump_module *entry = batch_at(&writer->modules, i);

		entry->start = next;
		entry->bias = writer->biases[numbers[i]] =
			next + PAGE; /* an address at `start` is no module's for a reader */
		entry->end = entry->bias + ends[numbers[i]] + PAGE;
		next = (entry->end / MODULE_GAP + 2) * MODULE_GAP;
	}
	free(numbers);
	free(ends);
}

static uint64_t address(const struct writer *writer, uint32_t module, uint64_t offset)
{
	return module == AGGREGATE_NONE || writer->collecting ? 0 : writer->biases[module] + offset;
}

static void make_routines(struct writer *writer)
{
	const struct aggregate *aggregate = writer->aggregate;

	for (uint32_t i = 0; i < aggregate->routines.count; i++) {
		const struct routine_key *key = routine_of(aggregate, i);
		struct dump_routine entry = {
			.name = text(writer, key->name),
			.type = key->type,
			.kind = key->kind,
			.option_count = key->option_count,
			.dim_count = key->dim_count,
		};

		for (unsigned j = 0; j < key->option_count; j++)
			entry.options[j] = text(writer, key->options[j]);
		for (unsigned j = 0; j < key->dim_count; j++)
			entry.dims[j] = text(writer, key->dims[j]);
		keep(writer, &writer->routines, &entry, sizeof entry);
	}
}

/* Whether the site stands for the calls whose sites are not known. */
static bool is_placeless(const struct aggregate *aggregate, const struct site_key *site)
{
	return site->caller_module == AGGREGATE_NONE && site->callee_module == AGGREGATE_NONE &&
	       !routine_of(aggregate, site->routine)->type && !strcmp(text_at(aggregate, site->symbol), "(unknown)") &&
	       !strcmp(routine_name(aggregate, site->routine), "(unknown)");
}

/* Whether the site stands for work that the program charged itself: its routine has nothing but the name of the symbol. */
static bool is_manual(const struct aggregate *aggregate, const struct site_key *site)
{
	const struct routine_key *routine = routine_of(aggregate, site->routine);

	return !routine->type && routine->name == site->symbol;
}

static void make_sites(struct writer *writer)
{
	const struct aggregate *aggregate = writer->aggregate;

	for (uint32_t i = 0; i < aggregate->sites.count; i++) {
		const struct site_key *key = site_of(aggregate, i);
		struct dump_site entry = {
			.caller = address(writer, key->caller_module, key->offset),
			.symbol = text(writer, key->symbol),
			.routine = is_manual(aggregate, key) ? DUMP_NONE
		                                             : number_in(writer, &writer->routines, key->routine),
			.caller_module = number_in(writer, &writer->modules, key->caller_module),
			.callee_module = number_in(writer, &writer->modules, key->callee_module),
			.detail = text(writer, key->detail),
		};

		keep(writer, &writer->sites, &entry, sizeof entry);
	}
}

static uint32_t site_number(const struct writer *writer, uint32_t site)
{
	return is_placeless(writer->aggregate, site_of(writer->aggregate, site))
	               ? DUMP_NONE
	               : number_in(writer, &writer->sites, site);
}

static void make_spaces(struct writer *writer)
{
	const struct intern *spaces = &writer->aggregate->spaces;

	for (uint32_t i = 0; i < spaces->count; i++) {
		struct dump_namespace entry = {
			.name = reference(writer, intern_at(spaces, i), spaces->entries[i].size),
			.parent = DUMP_NONE,
		};

		keep(writer, &writer->spaces, &entry, sizeof entry);
	}
}

/* Sorts namespaces by their paths, so that the root comes first. */
static int compare_spaces(const void *a, const void *b, void *context)
{
	const struct dump_namespace *x = a, *y = b;

	(void)context;
	return x->name < y->name ? -1 : x->name > y->name;
}

static void place_spaces(struct writer *writer)
{
	const struct intern *spaces = &writer->aggregate->spaces;

	for (uint32_t i = 1; i < spaces->count; i++) { /* 0 is the root */
		const char *path = intern_at(spaces, i), *dot = strrchr(path, '.');
		uint32_t parent = intern_find(spaces, path, dot ? (size_t)(dot - path) : 0);
		struct dump_namespace *entry = batch_at(&writer->spaces, writer->spaces.numbers[i]);

		entry->parent = parent == INTERN_NONE ? 0 : writer->spaces.numbers[parent];
	}
}

/* Returns the bytes of a stack as a struct dump_stack, to be freed. */
static struct dump_stack *stack_bytes(struct writer *writer, uint32_t number)
{
	const struct stack_head *head = stack_of(writer->aggregate, number);
	const struct stack_frame *frames = frames_of(head);
	size_t size = sizeof(struct dump_stack) + head->frame_count * sizeof(uint64_t);
	struct dump_stack *stack = memory_new(1, size);

	*stack = (struct dump_stack){
		.size = (uint32_t)size, .count = head->frame_count, .python = text(writer, head->python)};
	for (uint32_t i = 0; i < head->frame_count; i++)
		stack->addresses[i] = address(writer, frames[i].module, frames[i].offset);
	return stack;
}

/* Collects the stacks, once the modules have addresses. */
static void make_stacks(struct writer *writer)
{
	for (uint32_t i = 0; i < writer->aggregate->stacks.count; i++) {
		struct dump_stack *stack = stack_bytes(writer, i);

		if (!writer->collecting)
			pool_add(&writer->stacks, stack, stack->size);
		free(stack);
	}
}

static uint64_t stack_reference(struct writer *writer, uint32_t number)
{
	struct dump_stack *stack = stack_bytes(writer, number);
	uint64_t result = writer->collecting ? 0 : pool_reference(&writer->stacks, stack, stack->size);

	free(stack);
	return result;
}

/* ---- sums ---- */

/* Whether calls from a place were charged at several ratios to their FLOPs. */
static bool varies(const struct aggregate *aggregate, const struct place_key *place)
{
	uint32_t number = intern_find(&aggregate->ratios, place, sizeof *place);

	return number != INTERN_NONE && aggregate->ratio_totals[number].varies;
}

static uint8_t flags_of_row(const struct aggregate *aggregate, const struct row *row)
{
	bool is_varied = row->kind == DUMP_ROW_CALL && varies(aggregate, &(struct place_key){row->site, row->space});

	return (uint8_t)(row->flags | (is_varied ? DUMP_ROW_VARIES : 0));
}

static void make_sums(struct writer *writer)
{
	const struct aggregate *aggregate = writer->aggregate;

	if (!writer->collecting)
		writer->sums_of_rows = memory_new(aggregate->row_count, sizeof *writer->sums_of_rows);

	for (size_t i = 0; i < aggregate->row_count && !writer->collecting; i++) {
		const struct row *row = aggregate->rows[i];
		const struct spread *spread = &aggregate->spreads[i];
		struct dump_sum entry = {
			.calls = row->calls,
			.timed_calls = row->timed_calls,
			.time_ns = row->time_ns,
			.options = row->options,
			.site = site_number(writer, row->site),
			.namespace_id = number_in(writer, &writer->spaces, row->space),
			.kind = row->kind,
			.flags = flags_of_row(aggregate, row),
			.processes = spread->processes,
		};

		writer->sums_of_rows[i] = DUMP_NONE;
		if (!row->calls && !row->flops && !row->charged)
			continue; /* the row of a call in flight, which is among the flights */
		entry.least_process = number_in(writer, &writer->processes, spread->least_process);
		entry.most_process = number_in(writer, &writer->processes, spread->most_process);
		u128_split(row->flops, entry.flops);
		u128_split(row->charged, entry.charged);
		u128_split(row->words, entry.words);
		u128_split(spread->least, entry.least);
		u128_split(spread->most, entry.most);
		memcpy(entry.dims, row->dims, routine_of(aggregate, row->routine)->dim_count * sizeof entry.dims[0]);
		writer->sums_of_rows[i] = (uint32_t)writer->sums.count;
		keep(writer, &writer->sums, &entry, sizeof entry);
	}
}

/* The sums of a group: how many there are, and the first. */
struct group_sums {
	uint32_t count, row, first; /* `row`: one of its rows */
};

/* Makes the spreads of groups by an enum dump_spread_by, once the sums are sorted. */
static void make_spreads_by(struct writer *writer, unsigned by)
{
	const struct aggregate *aggregate = writer->aggregate;
	size_t count = aggregate->spread_ways[by].group_count;
	struct group_sums *groups = memory_new(count, sizeof *groups);

	for (uint32_t i = 0; i < aggregate->row_count; i++) {
		uint32_t number = spread_group(aggregate, by, i), sum = writer->sums_of_rows[i];
		struct group_sums *group;

		if (number == SPREAD_NONE || sum == DUMP_NONE)
			continue;
		group = &groups[number];
		sum = writer->sums.numbers[sum];
		if (!group->count++ || sum < group->first)
			group->first = sum;
		group->row = i;
	}
	for (size_t i = 0; i < count; i++) {
		const struct spread *spread = spread_of_group(aggregate, spread_group_by(by), groups[i].row);
		struct dump_spread entry = {.processes = spread->processes, .sum = groups[i].first, .by = by};

		if (groups[i].count < 2 || !spread->processes)
			continue;
		entry.least_process = number_in(writer, &writer->processes, spread->least_process);
		entry.most_process = number_in(writer, &writer->processes, spread->most_process);
		u128_split(spread->least, entry.least);
		u128_split(spread->most, entry.most);
		keep(writer, &writer->spreads, &entry, sizeof entry);
	}
	free(groups);
}

static void make_spreads(struct writer *writer)
{
	for (unsigned by = 0; by < SPREAD_WAYS; by++)
		make_spreads_by(writer, by);
}

static void make_estimates(struct writer *writer)
{
	const struct aggregate *aggregate = writer->aggregate;

	for (uint32_t i = 0; i < aggregate->samples.count && !writer->collecting; i++) {
		const struct sample_key *key = intern_at(&aggregate->samples, i);
		struct dump_estimate entry = {
			.stack = stack_reference(writer, key->stack),
			.calls = aggregate->sample_totals[i].calls,
			.site = site_number(writer, key->site),
			.namespace_id = number_in(writer, &writer->spaces, key->space),
		};

		u128_split(aggregate->sample_totals[i].flops, entry.flops);
		keep(writer, &writer->estimates, &entry, sizeof entry);
	}
}

static void make_flights(struct writer *writer)
{
	const struct aggregate *aggregate = writer->aggregate;

	for (uint32_t i = 0; i < aggregate->flights.count && !writer->collecting; i++) {
		const struct place_key *key = intern_at(&aggregate->flights, i);
		struct dump_flight entry = {
			.calls = aggregate->flight_totals[i].calls,
			.site = site_number(writer, key->site),
			.namespace_id = number_in(writer, &writer->spaces, key->space),
			.flags = varies(aggregate, key) ? DUMP_FLIGHT_VARIES : 0,
		};

		u128_split(aggregate->flight_totals[i].flops, entry.flops);
		u128_split(aggregate->flight_totals[i].charged, entry.charged);
		keep(writer, &writer->flights, &entry, sizeof entry);
	}
}

static void make_limits(struct writer *writer)
{
	const struct aggregate *aggregate = writer->aggregate;

	for (uint32_t i = 0; i < aggregate->limits.count && !writer->collecting; i++) {
		const struct limit_key *key = intern_at(&aggregate->limits, i);
		const struct limit *limit = &aggregate->limit_totals[i];
		struct dump_limit entry = {
			.amount = key->amount,
			.used = limit->used,
			.refused_calls = limit->refused_calls,
			.refused_flops = limit->refused_flops,
			.over_calls = limit->over_calls,
			.namespace_id = number_in(writer, &writer->spaces, key->space),
			.flags = key->is_scope ? DUMP_LIMIT_SCOPE : 0,
			.limits = limit->processes,
		};

		keep(writer, &writer->limits, &entry, sizeof entry);
	}
}

static void make_notes(struct writer *writer)
{
	const struct aggregate *aggregate = writer->aggregate;

	for (uint32_t i = 0; i < aggregate->notes.count; i++) {
		const struct note_key *key = intern_at(&aggregate->notes, i);
		const struct note *note = &aggregate->note_totals[i];
		const char *of = text_at(aggregate, key->text);
		struct dump_note entry = {
			.kind = key->kind,
			.check = dump_check(of, strlen(of)),
			.text = text(writer, key->text),
			.count = note->count,
			.processes = note->processes,
		};

		keep(writer, &writer->notes, &entry, sizeof entry);
	}
}

static void make_damage(struct writer *writer)
{
	const struct aggregate *aggregate = writer->aggregate;

	for (size_t i = 0; i < aggregate->damage_count; i++) {
		const struct damage *damage = &aggregate->damage[i];
		struct dump_damage entry = {
			.file = text(writer, damage->file),
			.text = reference(writer, damage->text, strlen(damage->text)),
			.count = damage->count,
			.flags = damage->flags,
			.host = text(writer, damage->host),
		};

		keep(writer, &writer->damage, &entry, sizeof entry);
	}
}

/* ---- the file ---- */

static void pad(struct text *bytes)
{
	static const char zeros[PAGE];

	text_add_bytes(bytes, zeros, -bytes->length % PAGE);
}

/*
 * Appends a block. `size` is that of an entry, or 0 where `contents` are entries that vary in size. Its address, which tells
 * blocks apart, is where it stands.
 */
static void write_block(struct text *bytes, enum dump_block_type type, const void *contents, size_t length, size_t size)
{
	struct dump_block block = {
		.magic = DUMP_BLOCK_MAGIC,
		.type = (uint16_t)type,
		.header_size = sizeof block,
		.offset = bytes->length,
		.size = (sizeof block + length + PAGE - 1) / PAGE * PAGE,
		.address = bytes->length,
		.entry_size = (uint32_t)size,
		.lane = DUMP_NONE,
		.used = size ? length / size : length,
	};

	if (!length)
		return;
	block.header_check = dump_check(&block, offsetof(struct dump_block, header_check));
	block.content_check = dump_content_check(DUMP_CONTENT_SEED ^ block.used, contents, length);
	text_add_bytes(bytes, &block, sizeof block);
	text_add_bytes(bytes, contents, length);
	pad(bytes);
}

static void write_batch(struct writer *writer, enum dump_block_type type, const struct batch *batch)
{
	write_block(writer->bytes, type, batch->entries, batch->count * batch->size, batch->size);
}

/* Writes a block of strings or stacks, and gives them references. */
static void write_pool(struct writer *writer, enum dump_block_type type, struct pool *pool, pool_write_one *write)
{
	struct text contents = {0};

	pool_write(pool, writer->bytes->length + sizeof(struct dump_block), write, &contents);
	write_block(writer->bytes, type, contents.bytes, contents.length, 0);
	text_free(&contents);
}

static void write_counts(struct writer *writer)
{
	const struct totals *totals = &writer->aggregate->totals;
	struct dump_counts counts = {
		.nested_calls = totals->nested_calls,
		.passed_calls = totals->passed_calls,
		.abandoned_calls = totals->abandoned_calls,
		.lost_calls = totals->lost_calls,
		.threads = totals->threads,
		.in_flight_calls = totals->in_flight_calls,
		.saturated = totals->saturated_calls,
	};

	write_block(writer->bytes, DUMP_COUNTS, &counts, sizeof counts, sizeof counts);
}

static void write_header(struct writer *writer)
{
	const struct aggregate *aggregate = writer->aggregate;
	struct dump_header header = {
		.magic = {'F', 'L', 'O', 'P', 'S', 'H', 'I', 'M'},
		.version = DUMP_MERGED_VERSION,
		.byte_order = DUMP_BYTE_ORDER,
		.size = writer->bytes->length,
		.state = DUMP_CLOSED,
		.multiplier = UINT64_C(1) << 32,
		.page_size = PAGE,
		.layout = DUMP_LAYOUT,
		.rank = -1,
		.exit_status = -1,
		.id = {DUMP_CONTENT_SEED, DUMP_CONTENT_SEED + 1},
	};

	for (size_t i = 0; i < writer->processes.count; i++) {
		const struct dump_process *process = batch_at(&writer->processes, i);

		for (unsigned j = 0; j < 2; j++)
			header.id[j] = dump_content_check(header.id[j], process->id, sizeof process->id);
		if (process->start_realtime_ns &&
		    (!header.start_realtime_ns || process->start_realtime_ns < header.start_realtime_ns))
			header.start_realtime_ns = process->start_realtime_ns;
	}
	if (aggregate->version_count) {
		const char *version = text_at(aggregate, aggregate->versions[0].text);

		memcpy(header.table_version, version, strnlen(version, sizeof header.table_version - 1));
	}
	header.header_check = dump_header_check(&header);
	header.identity_check = dump_identity_check(&header);
	header.place_check = dump_place_check(&header);
	header.close_check = dump_content_check(DUMP_CONTENT_SEED, &header, offsetof(struct dump_header, close_check));
	memcpy(writer->bytes->bytes, &header, sizeof header);
}

static void make_all(struct writer *writer)
{
	make_programs(writer);
	if (!writer->collecting)
		batch_sort(&writer->programs);
	make_processes(writer);
	if (!writer->collecting)
		batch_sort_by(&writer->processes, compare_processes, &writer->programs);
	make_rare(writer);
	make_modules(writer);
	if (!writer->collecting) {
		batch_sort(&writer->modules);
		place_modules(writer);
	}
	make_routines(writer);
	if (!writer->collecting)
		batch_sort(&writer->routines);
	make_sites(writer);
	if (!writer->collecting)
		batch_sort(&writer->sites);
	make_spaces(writer);
	if (!writer->collecting) {
		batch_sort_by(&writer->spaces, compare_spaces, NULL);
		place_spaces(writer);
	}
	make_stacks(writer);
	if (!writer->collecting)
		write_pool(writer, DUMP_STACKS, &writer->stacks, write_bytes);
	make_sums(writer);
	if (!writer->collecting) {
		batch_sort(&writer->sums);
		make_spreads(writer);
	}
	make_estimates(writer);
	make_flights(writer);
	make_limits(writer);
	make_notes(writer);
	make_damage(writer);
}

void merge_write(const struct aggregate *aggregate, struct text *bytes)
{
	struct writer writer = {
		.aggregate = aggregate, .collecting = true, .bytes = bytes, .damage = {.keeps_equal = true}};
	const struct {
		enum dump_block_type type;
		struct batch *batch;
	} batches[] = {
		{DUMP_PROGRAMS, &writer.programs},   {DUMP_PROCESSES, &writer.processes},
		{DUMP_RARE, &writer.rare},           {DUMP_MODULES, &writer.modules},
		{DUMP_ROUTINES, &writer.routines},   {DUMP_SITES, &writer.sites},
		{DUMP_NAMESPACES, &writer.spaces},   {DUMP_SUMS, &writer.sums},
		{DUMP_ESTIMATES, &writer.estimates}, {DUMP_FLIGHTS, &writer.flights},
		{DUMP_LIMITS, &writer.limits},       {DUMP_NOTES, &writer.notes},
		{DUMP_DAMAGE, &writer.damage},       {DUMP_SPREADS, &writer.spreads},
	};
	/* The last batches are sorted here, since nothing refers to their entries. */
	struct batch *const last[] = {&writer.rare,   &writer.spreads, &writer.estimates, &writer.flights,
	                              &writer.limits, &writer.notes,   &writer.damage};

	text_add_byte(bytes, 0);
	pad(bytes);
	make_all(&writer);
	write_pool(&writer, DUMP_STRINGS, &writer.strings, write_string);
	writer.collecting = false;
	make_all(&writer);
	for (size_t i = 0; i < sizeof last / sizeof *last; i++)
		batch_sort(last[i]);
	for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
		write_batch(&writer, batches[i].type, batches[i].batch);
	write_counts(&writer);
	write_header(&writer);
	for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
		batch_free(batches[i].batch);
	pool_free(&writer.strings);
	pool_free(&writer.stacks);
	free(writer.biases);
	free(writer.sums_of_rows);
}
