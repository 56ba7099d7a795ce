/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * contents.c - adds the parts of a dump that are not rows: the process, lanes, limits, notes and sampled stacks.
 * It must never take time or memory out of proportion to the size of the dump, whatever numbers stand in it.
 */
#include <stdlib.h>

#include "analyzer/aggregate/addition.h"
#include "analyzer/aggregate/copies.h"
#include "analyzer/aggregate/leases.h"
#include "analyzer/aggregate/module_map.h"
#include "analyzer/base/memory.h"
#include "analyzer/base/text.h"
#include "count.h"

/* Lanes, limits, notes. */

/* Most calls in flight whose rows are looked up. Each look-up searches all blocks, of which a damaged dump may have many. */
enum { FRAMES_LOOKED_UP = 4096 };

/* Takes over what a lane says of its threads, if rows of this lane were added. */
static void add_thread(struct addition *add, const struct dump_lane *lane, uint32_t number)
{
	struct worker_key key = addition_worker_key(add, number);
	uint32_t worker = intern_find(&add->aggregate->workers, &key, sizeof key);

	if (worker == INTERN_NONE)
		return;
	add->aggregate->worker_totals[worker].threads = lane->threads;
	add->aggregate->worker_totals[worker].tid = lane->tid;
}

/* Adds a share, if the row at `address` in the process's memory is a coarse row of the lane. */
static void add_share(struct addition *add, const struct dump_share *share, uint32_t lane, uint64_t address)
{
	struct share new = {.of = *share, .lane = lane};
	struct dump_row row;

	if (add->share_count == FRAMES_LOOKED_UP || !dump_row_of_frame(&add->dump, lane, address, &row, &new.row) ||
	    !(row.flags & DUMP_ROW_COARSE))
		return;
	add->shares = memory_grow(add->shares, add->share_count, &add->share_capacity, sizeof new);
	add->shares[add->share_count++] = new;
}

void addition_shares(struct addition *add)
{
	const struct dump_lane *lane;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_LANES, sizeof *lane);
	while ((lane = dump_cursor_next(&cursor)))
		for (uint32_t i = 0; i < lane->depth && i < DUMP_FRAMES_MAX; i++)
			for (uint32_t j = 0; j < DUMP_SHARES; j++)
				if (lane->shares[j].slot && lane->shares[j].slot == lane->frames[i].slot)
					add_share(add, &lane->shares[j], cursor.number, lane->frames[i].row);
	dump_cursor_close(&cursor);
}

/* Returns whether the share of a call in flight was subtracted from its coarse row, and then sets the price of *row to it. */
static bool price_of_share(const struct addition *add, uint32_t lane, uint64_t slot, struct dump_row *row)
{
	for (size_t i = 0; i < add->share_count; i++) {
		const struct share *share = &add->shares[i];

		if (share->lane != lane || share->of.slot != slot || !share->taken)
			continue;
		row->flops = share->of.flops;
		row->charged = share->of.charged;
		return true;
	}
	return false;
}

void addition_flight(struct addition *add, uint32_t site, uint32_t space, const struct flight *more)
{
	struct aggregate *aggregate = add->aggregate;
	struct place_key key = {site, space};
	struct flight *flight;
	uint32_t number = addition_intern(&aggregate->flights, &key, sizeof key, (void **)&aggregate->flight_totals,
	                                  &aggregate->flight_capacity, sizeof *flight);

	flight = &aggregate->flight_totals[number];
	flight->calls = count_plus(flight->calls, more->calls);
	flight->flops = u128_add(flight->flops, more->flops);
	flight->charged = u128_add(flight->charged, more->charged);
	aggregate->totals.in_flight_flops = u128_add(aggregate->totals.in_flight_flops, more->flops);
}

/* Adds a call in flight, whose row is `row`. If it is not `priced`, its FLOPs remain in the totals of its coarse row. */
static void add_flight(struct addition *add, const struct dump_row *row, bool priced)
{
	struct flight flight = {.calls = 1};

	if (priced) {
		flight.flops = row->flops;
		flight.charged = row->charged;
	}
	addition_flight(add, addition_site(add, row->site, false), addition_space(add, row->namespace_id), &flight);
	if (priced)
		addition_ratio(add,
		               &(struct place_key){addition_site(add, row->site, false),
		                                   addition_space(add, row->namespace_id)},
		               row->flops, row->charged);
}

/* Adds the first `depth` calls in flight of a lane, whose number is `number`. */
static void add_flights(struct addition *add, const struct dump_lane *lane, uint32_t depth, uint32_t number)
{
	bool has_ended = add->process->state == PROCESS_CLOSED || add->process->state == PROCESS_ENDED, priced;
	struct dump_row row;
	uint32_t place;

	for (uint32_t i = 0; i < depth && add->flights <= FRAMES_LOOKED_UP; i++) {
		if (!lane->frames[i].row)
			continue;
		if (++add->flights > FRAMES_LOOKED_UP) {
			dump_damaged(&add->dump, "more calls in flight than this program looks up");
		} else if (dump_row_of_frame(&add->dump, number, lane->frames[i].row, &row, &place)) {
			priced = !(row.flags & DUMP_ROW_COARSE) ||
			         price_of_share(add, number, lane->frames[i].slot, &row);
			add_flight(add, &row, priced);
		} else if (has_ended) { /* otherwise the row may be newer than those that were read */
			dump_damaged(&add->dump, "calls in flight whose rows are missing");
		}
	}
}

void addition_lanes(struct addition *add)
{
	struct totals *totals = &add->aggregate->totals;
	const struct dump_lane *lane;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_LANES, sizeof *lane);
	while ((lane = dump_cursor_next(&cursor))) {
		uint32_t depth = lane->depth;

		add->lanes++;
		if (add->aggregate->options.worker & WORKER_LANE)
			add_thread(add, lane, cursor.number);
		if (depth > DUMP_FRAMES_MAX) {
			dump_damaged(&add->dump, "lanes with an impossible number of calls in flight");
			depth = DUMP_FRAMES_MAX;
		}
		totals->nested_calls = count_plus(totals->nested_calls, lane->nested_calls);
		totals->passed_calls = count_plus(totals->passed_calls, lane->passed_calls);
		totals->abandoned_calls = count_plus(totals->abandoned_calls, lane->abandoned_calls);
		totals->threads = count_plus(totals->threads, lane->threads);
		totals->in_flight_calls += depth;
		add->process->lost_calls = count_plus(add->process->lost_calls, lane->lost_calls);
		add_flights(add, lane, depth, cursor.number);
	}
	dump_cursor_close(&cursor);
	add->process->lost_calls = count_plus(add->process->lost_calls, add->dump.header.lost_calls);
	totals->lost_calls = count_plus(totals->lost_calls, add->process->lost_calls);
	totals->saturated_calls = count_plus(totals->saturated_calls, add->dump.header.saturated);
}

void addition_limits(struct addition *add)
{
	struct aggregate *aggregate = add->aggregate;
	const struct dump_limit *entry;
	struct dump_cursor cursor;
	struct leases leases;

	leases_read(&leases, &add->dump);
	dump_cursor_open(&cursor, &add->dump, DUMP_LIMITS, sizeof *entry);
	while ((entry = dump_cursor_next(&cursor))) {
		uint64_t unspent = leases_on(&leases, cursor.number);
		uint64_t used = entry->used > unspent ? entry->used - unspent : 0;
		struct limit_key key = {.amount = entry->amount,
		                        .space = addition_space(add, entry->namespace_id),
		                        .is_scope = entry->flags & DUMP_LIMIT_SCOPE};
		struct limit *limit;
		uint32_t number =
			addition_intern(&aggregate->limits, &key, sizeof key, (void **)&aggregate->limit_totals,
		                        &aggregate->limit_capacity, sizeof *limit);

		limit = &aggregate->limit_totals[number];
		limit->processes = count_plus(limit->processes, entry->limits ? entry->limits : 1);
		add->used = count_plus(add->used, used);
		if (used > limit->used)
			limit->used = used;
		limit->refused_calls = count_plus(limit->refused_calls, entry->refused_calls);
		limit->refused_flops = count_plus(limit->refused_flops, entry->refused_flops);
		limit->over_calls = count_plus(limit->over_calls, entry->over_calls);
	}
	dump_cursor_close(&cursor);
	leases_free(&leases);
}

void addition_notes(struct addition *add)
{
	struct aggregate *aggregate = add->aggregate;
	const struct dump_note *entry;
	struct dump_cursor cursor;
	struct note *note;

	dump_cursor_open(&cursor, &add->dump, DUMP_NOTES, sizeof *entry);
	while ((entry = dump_cursor_next(&cursor))) {
		struct note_key key = {entry->kind, addition_text(add, entry->text, "(unknown)")};
		uint32_t number = addition_intern(&aggregate->notes, &key, sizeof key, (void **)&aggregate->note_totals,
		                                  &aggregate->note_capacity, sizeof *note);

		note = &aggregate->note_totals[number];
		note->processes = count_plus(note->processes, entry->processes ? entry->processes : 1);
		note->count = count_plus(note->count, entry->count);
	}
	dump_cursor_close(&cursor);
}

/* Sampled stacks. */

/* Interns a stack, with its addresses as offsets in modules. */
static uint32_t stack_number(struct addition *add, const struct module_map *map, const struct dump_stack *stack)
{
	size_t size = sizeof(struct stack_head) + stack->count * sizeof(struct stack_frame);
	struct stack_head *head = memory_new(1, size);
	struct stack_frame *frames = (struct stack_frame *)(void *)(head + 1);
	uint32_t number;

	head->python = stack->python ? addition_text(add, stack->python, "(unknown)") : AGGREGATE_NONE;
	head->frame_count = stack->count;
	for (uint32_t i = 0; i < stack->count; i++)
		frames[i] = module_map_frame(map, add, stack->addresses[i]);
	number = intern_bytes(&add->aggregate->stacks, head, size);
	free(head);
	return number;
}

/* The stacks that were read, so that one that many samples have is read once. */
struct stack_reader {
	struct module_map map;
	struct memo numbers; /* by their reference, the numbers of stacks in the aggregate */
	uint64_t room;       /* bytes of stacks in the dump less those of all stacks read, which do not overlap */
};

/* Returns the number in the aggregate of a stack of the dump, or AGGREGATE_NONE for a wrong reference. */
static uint32_t read_stack(struct addition *add, struct stack_reader *reader, uint64_t reference)
{
	uint32_t number = memo_find(&reader->numbers, reference);
	const struct dump_stack *stack;

	if (number != MEMO_NONE)
		return number;
	stack = dump_stack_at(&add->dump, reference);
	if (!stack)
		return AGGREGATE_NONE;
	if (stack->size > reader->room) {
		dump_damaged(&add->dump, "stacks that overlap");
		return AGGREGATE_NONE;
	}
	reader->room -= stack->size;
	number = stack_number(add, &reader->map, stack);
	memo_put(&reader->numbers, reference, number);
	return number;
}

/* Adds the sums of samples of one stack, site and namespace. `stack` is a reference. */
static void add_sample(struct addition *add, struct stack_reader *reader, uint64_t stack, uint32_t site, uint32_t space,
                       const struct sample *more)
{
	struct aggregate *aggregate = add->aggregate;
	uint32_t number = read_stack(add, reader, stack);
	struct sample_key key;
	struct sample *sample;

	if (number == AGGREGATE_NONE || !more->calls)
		return;
	key = (struct sample_key){number, addition_site(add, site, false), addition_space(add, space)};
	number = addition_intern(&aggregate->samples, &key, sizeof key, (void **)&aggregate->sample_totals,
	                         &aggregate->sample_capacity, sizeof *sample);
	sample = &aggregate->sample_totals[number];
	sample->flops = u128_add(sample->flops, more->flops);
	sample->calls = count_plus(sample->calls, more->calls);
}

/* Adds the samples of a dump of one process. */
static void read_samples(struct addition *add, struct stack_reader *reader)
{
	const struct dump_sample *entry;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_SAMPLES, sizeof *entry);
	while ((entry = dump_cursor_next(&cursor)))
		add_sample(add, reader, entry->stack, entry->site, entry->namespace_id,
		           &(struct sample){entry->flops, entry->calls});
	dump_cursor_close(&cursor);
}

/* Adds the samples of a merged dump. */
static void read_estimates(struct addition *add, struct stack_reader *reader)
{
	const struct dump_estimate *entry;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_ESTIMATES, sizeof *entry);
	while ((entry = dump_cursor_next(&cursor)))
		add_sample(add, reader, entry->stack, entry->site, entry->namespace_id,
		           &(struct sample){u128_join(entry->flops), entry->calls});
	dump_cursor_close(&cursor);
}

void addition_samples(struct addition *add)
{
	struct stack_reader reader = {.room = dump_bytes(&add->dump, DUMP_STACKS)};

	module_map_open(&reader.map, &add->dump);
	if (add->is_merged)
		read_estimates(add, &reader);
	else
		read_samples(add, &reader);
	module_map_close(&reader.map);
	memo_free(&reader.numbers);
}

/* The process. */

/* Takes over the facts about the process; see struct dump_meta. */
static void add_meta(struct addition *add)
{
	uint64_t room =
		dump_bytes(&add->dump, DUMP_STRINGS); /* all items together are not longer: they do not overlap */
	struct text arguments = {0}, environment = {0};
	struct process *process = add->process;
	struct intern *texts = &add->aggregate->texts;
	const struct dump_meta *meta;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_META, sizeof *meta);
	while ((meta = dump_cursor_next(&cursor))) {
		const char *key = dump_text(&add->dump, meta->key), *value = dump_text(&add->dump, meta->value);

		if (!key || !value)
			continue;
		if (arguments.length + environment.length + strlen(value) > room) {
			dump_damaged(&add->dump, "arguments that overlap");
			break;
		}
		if (!strcmp(key, "program"))
			process->program = intern_text(texts, value);
		else if (!strcmp(key, "directory"))
			process->directory = intern_text(texts, value);
		else if (!strcmp(key, "signal"))
			process->signal = (int)strtol(value, NULL, 10);
		else if (!strcmp(key, "stacks"))
			process->stacks_problem = intern_text(texts, value);
		else if (!strcmp(key, "argument"))
			text_add_bytes(&arguments, value, strlen(value) + 1);
		else if (!strcmp(key, "environment"))
			text_add_bytes(&environment, value, strlen(value) + 1);
	}
	dump_cursor_close(&cursor);
	process->argument_bytes = (uint32_t)arguments.length;
	process->arguments = intern_bytes(texts, arguments.bytes ? arguments.bytes : "", arguments.length);
	process->environment_bytes = (uint32_t)environment.length;
	process->environment = intern_bytes(texts, environment.bytes ? environment.bytes : "", environment.length);
	text_free(&arguments);
	text_free(&environment);
}

static enum process_state state_of(const struct aggregate_options *options, const struct dump *dump)
{
	const struct dump_header *header = &dump->header;

	if (dump->header_damaged)
		return PROCESS_UNKNOWN;
	switch (header->state) {
	case DUMP_CLOSED: return PROCESS_CLOSED;
	case DUMP_EXECED: return PROCESS_REPLACED;
	case DUMP_RUNNING:
		if (options->blind || !options->host || strcmp(options->host, header->host) ||
		    (header->process_space && options->space && header->process_space != options->space))
			return PROCESS_UNKNOWN;
		return options->alive(header->pid, header->start_ticks) ? PROCESS_RUNNING : PROCESS_ENDED;
	default: return PROCESS_UNKNOWN;
	}
}

/* Returns for how many nanoseconds the process has run since its dump was begun, or 0 if that is not known. */
static uint64_t elapsed(const struct aggregate_options *options, const struct dump_header *header,
                        enum process_state state)
{
	uint64_t end = state == PROCESS_RUNNING ? options->now_ns : header->end_monotonic_ns;

	return end > header->start_monotonic_ns ? end - header->start_monotonic_ns : 0;
}

void addition_process(struct addition *add, const char *file)
{
	const struct dump_header *header = &add->dump.header;
	struct aggregate *aggregate = add->aggregate;
	enum process_state state = state_of(&aggregate->options, &add->dump);
	struct copy_key key;

	aggregate->processes = memory_grow(aggregate->processes, aggregate->process_count, &aggregate->process_capacity,
	                                   sizeof *aggregate->processes);
	add->process = &aggregate->processes[aggregate->process_count++];
	*add->process = (struct process){
		.file = intern_text(&aggregate->texts, file),
		.program = AGGREGATE_NONE,
		.directory = AGGREGATE_NONE,
		.stacks_problem = AGGREGATE_NONE,
		.host = intern_text(&aggregate->texts, header->host),
		.job = intern_text(&aggregate->texts, header->job),
		.pid = header->pid,
		.parent_pid = header->parent_pid,
		.damaged = add->dump.header_damaged || (state == PROCESS_UNKNOWN && header->state != DUMP_RUNNING),
		.forked = header->fork_parent_ticks != 0,
		.launch = intern_text(&aggregate->texts, header->launch),
		.run = intern_text(&aggregate->texts, header->run),
		.step = intern_text(&aggregate->texts, header->step),
		.array_task = intern_text(&aggregate->texts, header->array_task),
		.restarts = header->restarts,
		.local_rank = header->local_rank,
		.has_own_id = (header->id[0] | header->id[1]) != 0,
		.start_ticks = header->start_ticks,
		.fork_parent_ticks = header->fork_parent_ticks,
		.table_version = intern_text(&aggregate->texts, header->table_version),
		.rank = header->rank,
		.job_size = header->job_size,
		.exit_status = header->exit_status,
		.losses = header->left ? header->losses & ~(uint32_t)DUMP_NOT_DURABLE : header->losses,
		.by_thread = header->write_ms,
		.log_dropped = header->log_dropped,
		.start_realtime_ns = header->start_realtime_ns,
		.elapsed_ns = elapsed(&aggregate->options, header, state),
		.ordered = dump_has(&add->dump, DUMP_LOG),
		.state = state,
	};
	if (copy_key_of(&key, header))
		copy_identity(&key, add->process->id);
	else /* the other word follows from its sums, once they are known */
		add->process->id[0] = dump_content_check(DUMP_CONTENT_SEED, header, sizeof *header);
	if (add->dump.header_damaged)
		add->process->table_version = AGGREGATE_NONE;
	add_meta(add);
}

int process_order(const struct aggregate *aggregate, const struct process *a, const struct process *b)
{
	int hosts;

	if (a->rank != b->rank)
		return (uint32_t)a->rank < (uint32_t)b->rank ? -1 : 1;
	hosts = strcmp(text_at(aggregate, a->host), text_at(aggregate, b->host));
	if (hosts)
		return hosts;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->start_realtime_ns != b->start_realtime_ns)
		return a->start_realtime_ns < b->start_realtime_ns ? -1 : 1;
	return memcmp(a->id, b->id, sizeof a->id);
}
