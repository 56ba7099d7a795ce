/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * summary.c - sums over the rows of all lanes.
 * It must never slow the call path: rows are read while their threads go on writing them.
 */
#include "shim/record/summary.h"

#include <stdarg.h>
#include <string.h>

#include "shim/charge/charge.h"
#include "shim/charge/namespace.h"
#include "shim/dump/dump.h"
#include "shim/guest/guest.h"
#include "shim/record/record.h"
#include "shim/state/registry.h"
#include "shim/state/settle.h"
#include "count.h"
#include "flopshim.h"

/* What a row held at the last reset. */
struct baseline {
	uint64_t calls, flops, charged;
};

static struct {
	struct baseline *rows; /* in the order of dump_each_row */
	uint64_t count, bytes;
} baseline;

struct sums {
	uint64_t calls, flops, charged;
};

/* The namespace of a row; the root if it is none, since others can write the dump. */
static uint32_t row_namespace(const struct dump_row *row)
{
	uint32_t number = __atomic_load_n(&row->namespace_id, __ATOMIC_RELAXED);

	return number < namespace_count() ? number : 0;
}

static bool row_counts(const struct dump_row *row)
{
	return row->kind == DUMP_ROW_CALL || row->kind == DUMP_ROW_MANUAL || row->kind == DUMP_ROW_REJECTED;
}

static struct baseline row_total(const struct dump_row *row)
{
	struct baseline total = {.calls = row->calls};

	total.flops = row->flags & DUMP_ROW_COARSE ? row->flops : count_times(row->flops, row->calls);
	total.charged = row->flags & DUMP_ROW_COARSE ? row->charged : count_times(row->charged, row->calls);
	return total;
}

/* ---- questions ---- */

struct question {
	uint32_t namespace_id;
	struct sums sums;
};

static void add_inside(const struct dump_row *row, uint64_t place, void *context)
{
	struct question *question = context;
	uint32_t namespace_id = row_namespace(row);
	struct baseline total;

	(void)place;
	if (!row_counts(row) || !namespace_is_inside(namespace_id, question->namespace_id))
		return;
	total = row_total(row);
	question->sums.calls = count_plus(question->sums.calls, total.calls);
	question->sums.charged = count_plus(question->sums.charged, total.charged);
}

static struct sums sums_inside(uint32_t namespace_id)
{
	struct question question = {.namespace_id = namespace_id};

	dump_each_row(add_inside, &question);
	return question.sums;
}

uint64_t summary_charged(uint32_t namespace_id) { return sums_inside(namespace_id).charged; }
uint64_t summary_calls(uint32_t namespace_id) { return sums_inside(namespace_id).calls; }

/* ---- what has begun ---- */

enum { LOOKS_MAX = 20 };

/* Under record_lock. registry_each_thread passes no context on, so this is static. */
static struct {
	uint32_t namespace_id;
	uint64_t charged;
	uint64_t state; /* changes whenever something that is counted here does */
} begun;

static void begun_note(uint64_t value) { begun.state = dump_content_step(begun.state, value); }

static void add_done(const struct dump_row *row, uint64_t place, void *context)
{
	(void)context;
	if (!row_counts(row) || !row->calls || !namespace_is_inside(row_namespace(row), begun.namespace_id))
		return;
	begun.charged = count_plus(begun.charged, row_total(row).charged);
	begun_note(place);
	begun_note(row->calls);
	begun_note(row->charged);
}

/* Adds the calls in flight of a thread. A call in a coarse row has added its share there when it began. */
static void add_in_flight(struct thread *thread)
{
	const volatile struct dump_lane *lane = thread->lane;
	uint32_t depth = lane->depth;

	for (uint32_t i = 0; i < depth && i < DUMP_FRAMES_MAX; i++) {
		const struct dump_row *row = (const struct dump_row *)lane->frames[i].row;

		if (record_row_number(thread, row) == DUMP_NONE ||
		    !namespace_is_inside(row_namespace(row), begun.namespace_id))
			continue;
		begun_note((uint64_t)row);
		if (row_counts(row) && !(row->flags & DUMP_ROW_COARSE))
			begun.charged = count_plus(begun.charged, row->charged);
	}
	begun_note(depth);
}

static uint64_t begun_look(uint32_t namespace_id)
{
	begun.namespace_id = namespace_id;
	begun.charged = 0;
	begun.state = DUMP_CONTENT_SEED;
	dump_each_row(add_done, NULL);
	registry_each_thread(add_in_flight);
	return begun.state;
}

/*
 * Counts again until nothing has changed since the last time: a call that was between two of its steps goes on during
 * settle(), and changes something.
 */
uint64_t summary_begun(uint32_t namespace_id)
{
	uint64_t state, before;
	unsigned looks = 0;

	state = begun_look(namespace_id);
	do {
		before = state;
		settle();
		state = begun_look(namespace_id);
	} while (state != before && ++looks < LOOKS_MAX);
	return begun.charged;
}

/* ---- reset ---- */

static void count_row(const struct dump_row *row, uint64_t place, void *context)
{
	(void)row;
	*(uint64_t *)context = place + 1;
}

static void keep_row(const struct dump_row *row, uint64_t place, void *context)
{
	(void)context;
	if (place < baseline.count)
		baseline.rows[place] = row_total(row);
}

bool summary_reset(void)
{
	uint64_t count = 0, bytes;
	struct baseline *rows;

	dump_each_row(count_row, &count);
	bytes = (count ? count : 1) * sizeof(struct baseline);
	rows = guest_pages(bytes);
	if (!rows)
		return false;
	if (baseline.rows)
		guest_free(baseline.rows, baseline.bytes);
	baseline.rows = rows;
	baseline.count = count;
	baseline.bytes = bytes;
	dump_each_row(keep_row, NULL);
	return true;
}

void summary_forked(void) { baseline.count = 0; }

/* ---- text and JSON ---- */

/* What one operation did in a namespace. */
struct line {
	uint64_t check; /* of its name; 0: this line is free */
	uint32_t site;  /* a site whose calls are of this operation */
	uint32_t namespace_id;
	struct sums sums;
};

enum { LINES_MIN = 1 << 7, LINES_MAX = 1 << 16 };

struct table {
	struct line *lines;
	uint32_t size; /* of `lines`: a power of two, of which at most half is taken */
	uint32_t count;
	bool by_namespace;
	struct sums sums;
	struct sums *own, *inclusive; /* by number of the namespace */
};

static void sums_add(struct sums *sums, const struct baseline *total)
{
	sums->calls = count_plus(sums->calls, total->calls);
	sums->flops = count_plus(sums->flops, total->flops);
	sums->charged = count_plus(sums->charged, total->charged);
}

static char name[OPERATION_MAX]; /* of the operation at hand; under record_lock */

static struct line *table_line(struct table *table, uint32_t site, uint32_t namespace_id)
{
	uint64_t check;
	uint32_t at;
	struct line *line;

	record_operation(site, name, sizeof(name));
	check = dump_content_check(DUMP_CONTENT_SEED, name, strlen(name));
	at = (uint32_t)((check ^ check >> 32) + namespace_id * 2654435761u) % table->size;
	for (line = &table->lines[at]; line->check; line = &table->lines[at = (at + 1) % table->size])
		if (line->namespace_id == namespace_id && line->check == check)
			return line;
	if (table->count >= table->size / 2)
		return NULL;
	table->count++;
	line->check = check;
	line->site = site;
	line->namespace_id = namespace_id;
	return line;
}

static void add_to_table(const struct dump_row *row, uint64_t place, void *context)
{
	struct table *table = context;
	uint32_t namespace_id = row_namespace(row);
	struct baseline total;
	struct line *line;

	if (!row_counts(row))
		return;
	total = row_total(row);
	if (place < baseline.count) {
		total.calls -= baseline.rows[place].calls;
		total.flops -= baseline.rows[place].flops;
		total.charged -= baseline.rows[place].charged;
	}
	if (!total.calls)
		return;
	sums_add(&table->sums, &total);
	line = table_line(table, row->site, table->by_namespace ? namespace_id : 0);
	if (line)
		sums_add(&line->sums, &total);
	if (!table->by_namespace)
		return;
	sums_add(&table->own[namespace_id], &total);
	for (uint32_t at = namespace_id; at != DUMP_NONE; at = namespace_parent(at))
		sums_add(&table->inclusive[at], &total);
}

/* A buffer that also counts what does not fit. */
struct output {
	char *buffer;
	size_t size;
	int64_t length;
};

static void __attribute__((format(printf, 2, 3))) put(struct output *output, const char *format, ...)
{
	char piece[2048];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = guest_format(piece, sizeof(piece), format, arguments);
	va_end(arguments);
	if (length >= sizeof(piece))
		length = sizeof(piece) - 1;
	for (size_t i = 0; i < length; i++, output->length++)
		if ((size_t)output->length + 1 < output->size)
			output->buffer[output->length] = piece[i];
}

/* Writes a JSON string. Names of operations may hold anything that the program gave. */
static void put_string(struct output *output, const char *text)
{
	put(output, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			put(output, "\\%c", c);
		else if (c < 0x20)
			put(output, "\\u%04x", c);
		else
			put(output, "%c", c);
	}
	put(output, "\"");
}

#define ULL(x) ((unsigned long long)(x))

static void put_budget(struct output *output, uint32_t namespace_id)
{
	struct limit *limit = namespace_limit(namespace_id);
	uint64_t used;

	if (!limit) {
		put(output, "\"budget\":null,\"remaining\":null");
		return;
	}
	used = charge_used(limit);
	put(output, "\"budget\":%llu,\"remaining\":%llu", ULL(limit->amount),
	    ULL(used < limit->amount ? limit->amount - used : 0));
}

static void put_operations(struct output *output, const struct table *table, uint32_t namespace_id)
{
	const char *between = "";

	put(output, "\"operations\":{");
	for (uint32_t i = 0; i < table->size; i++) {
		const struct line *line = &table->lines[i];

		if (!line->check || line->namespace_id != namespace_id)
			continue;
		put(output, "%s", between);
		record_operation(line->site, name, sizeof(name));
		put_string(output, name);
		put(output, ":{\"calls\":%llu,\"flops\":%llu,\"charged\":%llu}", ULL(line->sums.calls),
		    ULL(line->sums.flops), ULL(line->sums.charged));
		between = ",";
	}
	put(output, "}");
}

static void put_json(struct output *output, const struct table *table)
{
	const char *between = "";

	put(output, "{\"schema\":\"flopshim-summary/1\",\"calls\":%llu,\"flops\":%llu,\"charged\":%llu,",
	    ULL(table->sums.calls), ULL(table->sums.flops), ULL(table->sums.charged));
	put_budget(output, 0);
	if (!table->by_namespace) {
		put(output, ",");
		put_operations(output, table, 0);
		put(output, "}");
		return;
	}
	put(output, ",\"namespaces\":{");
	for (uint32_t i = 0; i < namespace_count(); i++) {
		if (!table->inclusive[i].calls && !namespace_limit(i))
			continue;
		put(output, "%s", between);
		put_string(output, namespace_name(i));
		put(output,
		    ":{\"calls\":%llu,\"own_flops\":%llu,\"inclusive_flops\":%llu,\"own_charged\":%llu,"
		    "\"inclusive_charged\":%llu,",
		    ULL(table->inclusive[i].calls), ULL(table->own[i].flops), ULL(table->inclusive[i].flops),
		    ULL(table->own[i].charged), ULL(table->inclusive[i].charged));
		put_budget(output, i);
		put(output, ",");
		put_operations(output, table, i);
		put(output, "}");
		between = ",";
	}
	put(output, "}}");
}

static void put_lines(struct output *output, const struct table *table, uint32_t namespace_id)
{
	for (uint32_t i = 0; i < table->size; i++) {
		const struct line *line = &table->lines[i];

		if (!line->check || line->namespace_id != namespace_id)
			continue;
		record_operation(line->site, name, sizeof(name));
		put(output, "  %-24.200s %12llu calls %20llu FLOPs\n", name, ULL(line->sums.calls),
		    ULL(line->sums.charged));
	}
}

static void put_text(struct output *output, const struct table *table)
{
	put(output, "%llu FLOPs charged in %llu calls", ULL(table->sums.charged), ULL(table->sums.calls));
	if (table->sums.flops != table->sums.charged)
		put(output, " (%llu before weights)", ULL(table->sums.flops));
	put(output, "\n");
	if (!table->by_namespace) {
		put_lines(output, table, 0);
		return;
	}
	for (uint32_t i = 0; i < namespace_count(); i++) {
		const struct limit *limit = namespace_limit(i);

		if (!table->inclusive[i].calls && !limit)
			continue;
		put(output, "%s: %llu FLOPs, %llu of its own", i ? namespace_name(i) : "(root)",
		    ULL(table->inclusive[i].charged), ULL(table->own[i].charged));
		if (limit)
			put(output, ", budget %llu", ULL(limit->amount));
		put(output, "\n");
		put_lines(output, table, i);
	}
}

static void add_one(const struct dump_row *row, uint64_t place, void *context)
{
	(void)row, (void)place;
	++*(uint64_t *)context;
}

/*
 * Returns how large the table must be to have a line for each row. A process with few rows has a small table, since one
 * of LINES_MAX takes milliseconds, most of them to get its pages from the kernel.
 */
static uint32_t lines_needed(void)
{
	uint64_t rows = 0;
	uint32_t size = LINES_MIN;

	dump_each_row(add_one, &rows);
	while (size < LINES_MAX && size / 2 < rows + LINES_MIN / 4) /* rows may be added while they are read */
		size *= 2;
	return size;
}

int64_t summary_print(char *buffer, size_t size, int kind)
{
	struct output output = {.buffer = buffer, .size = size};
	struct table table = {.by_namespace = kind & FLOPSHIM_BY_NAMESPACE, .size = lines_needed()};
	size_t space_bytes = namespace_count() * sizeof(struct sums);

	table.lines = guest_pages(table.size * sizeof(struct line));
	table.own = guest_pages(space_bytes);
	table.inclusive = guest_pages(space_bytes);
	if (table.lines && table.own && table.inclusive) {
		dump_each_row(add_to_table, &table);
		if (kind & FLOPSHIM_JSON)
			put_json(&output, &table);
		else
			put_text(&output, &table);
	} else {
		output.length = FLOPSHIM_NO_MEMORY;
	}
	if (size)
		buffer[output.length < 0 ? 0 : (size_t)output.length < size ? (size_t)output.length : size - 1] = 0;
	if (table.lines)
		guest_free(table.lines, table.size * sizeof(struct line));
	if (table.own)
		guest_free(table.own, space_bytes);
	if (table.inclusive)
		guest_free(table.inclusive, space_bytes);
	return output.length;
}
