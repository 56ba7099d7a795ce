/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * copies.c - compares copies of dumps.
 * It must never depend on the names of files, nor on the order in which copies are named.
 */
#include "analyzer/aggregate/copies.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "count.h"

bool copy_key_of(struct copy_key *key, const struct dump_header *header)
{
	memset(key, 0, sizeof *key);
	if (header->id[0] | header->id[1]) {
		memcpy(key->id, header->id, sizeof key->id);
		return true;
	}
	key->start_ticks = header->start_ticks;
	key->start_realtime_ns = header->start_realtime_ns;
	key->start_monotonic_ns = header->start_monotonic_ns;
	key->pid = header->pid;
	memcpy(key->host, header->host, strnlen(header->host, sizeof key->host));
	return header->start_realtime_ns != 0;
}

void copy_identity(const struct copy_key *key, uint64_t id[2])
{
	for (unsigned i = 0; i < 2; i++)
		id[i] = key->id[0] | key->id[1] ? key->id[i]
		                                : dump_content_check(DUMP_CONTENT_SEED + i, key, sizeof *key);
}

static void copy_text(struct dump *dump, uint64_t reference, char *target, size_t size)
{
	const char *text = dump_text(dump, reference);

	if (text)
		memcpy(target, text, strnlen(text, size - 1));
}

/* Makes the header of a process. */
static void make_header(struct dump *dump, const struct dump_process *process, const struct dump_program *program,
                        struct dump_header *header)
{
	*header = (struct dump_header){
		.layout = DUMP_LAYOUT,
		.state = process->state,
		.pid = process->pid,
		.parent_pid = process->parent_pid,
		.start_ticks = process->start_ticks,
		.start_realtime_ns = process->start_realtime_ns,
		.end_monotonic_ns = process->elapsed_ns,
		.fork_parent_ticks = process->fork_parent_ticks,
		.rank = process->rank,
		.local_rank = process->local_rank,
		.id = {process->id[0], process->id[1]},
	};
	if (!program)
		return;
	header->job_size = program->job_size;
	header->restarts = program->restarts;
	copy_text(dump, program->host, header->host, sizeof header->host);
	copy_text(dump, program->job, header->job, sizeof header->job);
	copy_text(dump, program->launch, header->launch, sizeof header->launch);
	copy_text(dump, program->run, header->run, sizeof header->run);
	copy_text(dump, program->step, header->step, sizeof header->step);
	copy_text(dump, program->array_task, header->array_task, sizeof header->array_task);
}

static void add_member(struct members *members, struct dump *dump, const struct dump_process *process,
                       const struct dump_program *program)
{
	members->headers = memory_grow(members->headers, members->count, &members->capacity, sizeof *members->headers);
	members->worths =
		memory_grow(members->worths, members->count, &members->worth_capacity, sizeof *members->worths);
	make_header(dump, process, program, &members->headers[members->count]);
	members->worths[members->count++] = (struct copy_worth){
		.sound = process->flags & DUMP_PROCESS_COMPLETE && !dump->damage_total,
		.closed = process->state == DUMP_CLOSED,
		.calls = process->calls,
	};
}

/* Adds to the calls of processes those that few processes have. */
static void add_rare_calls(struct members *members, struct dump *dump)
{
	const struct dump_rare *rare;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, dump, DUMP_RARE, sizeof *rare);
	while ((rare = dump_cursor_next(&cursor)))
		if (rare->process < members->count) {
			uint64_t *calls = &members->worths[rare->process].calls;

			*calls = count_plus(*calls, rare->queries);
			*calls = count_plus(*calls, rare->refused_calls);
			*calls = count_plus(*calls, rare->manual_charges);
		}
	dump_cursor_close(&cursor);
}

void members_read(struct members *members, const struct dump_source *source)
{
	struct dump_program *programs = NULL;
	size_t count = 0, capacity = 0;
	struct dump_cursor cursor;
	const void *entry;
	struct dump dump;

	*members = (struct members){0};
	if (dump_open(&dump, source) <= READ_DAMAGED) {
		dump_cursor_open(&cursor, &dump, DUMP_PROGRAMS, sizeof *programs);
		while ((entry = dump_cursor_next(&cursor))) {
			programs = memory_grow(programs, count, &capacity, sizeof *programs);
			memcpy(&programs[count++], entry, sizeof *programs);
		}
		dump_cursor_close(&cursor);
		dump_cursor_open(&cursor, &dump, DUMP_PROCESSES, sizeof(struct dump_process));
		while ((entry = dump_cursor_next(&cursor))) {
			uint32_t program = ((const struct dump_process *)entry)->program;

			add_member(members, &dump, entry, program < count ? &programs[program] : NULL);
		}
		dump_cursor_close(&cursor);
		add_rare_calls(members, &dump);
	}
	free(programs);
	dump_close(&dump);
}

void members_free(struct members *members)
{
	free(members->headers);
	free(members->worths);
	*members = (struct members){0};
}

/* Returns the calls in the sums of a merged dump. */
static uint64_t merged_calls(struct dump *dump)
{
	const struct dump_sum *sum;
	struct dump_cursor cursor;
	uint64_t calls = 0;

	dump_cursor_open(&cursor, dump, DUMP_SUMS, sizeof *sum);
	while ((sum = dump_cursor_next(&cursor)))
		calls = count_plus(calls, sum->calls);
	dump_cursor_close(&cursor);
	return calls;
}

void copy_worth_find(struct copy_worth *worth, const struct dump_source *source)
{
	struct dump dump;
	struct dump_cursor cursor;
	const struct dump_row *row;

	*worth = (struct copy_worth){0};
	if (dump_open(&dump, source) <= READ_DAMAGED) {
		dump_cursor_open(&cursor, &dump, DUMP_ROWS, sizeof *row);
		while ((row = dump_cursor_next(&cursor)))
			worth->calls = count_plus(worth->calls, row->calls);
		dump_cursor_close(&cursor);
		worth->calls = count_plus(worth->calls, merged_calls(&dump));
		worth->closed = dump.header.state == DUMP_CLOSED;
		worth->size = dump.header.size;
		worth->sound = !dump.damage_total;
	}
	dump_close(&dump);
}

bool copy_is_better(const struct copy_worth *other, const struct copy_worth *worth)
{
	if (other->sound != worth->sound)
		return other->sound;
	if (other->sound && other->closed != worth->closed)
		return other->closed;
	if (other->calls != worth->calls)
		return other->calls > worth->calls;
	if (other->closed != worth->closed)
		return other->closed;
	return other->size > worth->size;
}

bool copy_knows_more(const struct copy_worth *other, const struct copy_worth *worth)
{
	return other->calls > worth->calls || (other->closed && !worth->closed);
}
