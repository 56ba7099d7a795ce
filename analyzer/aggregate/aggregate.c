/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/aggregate/aggregate.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/aggregate/leases.h"
#include "analyzer/base/memory.h"

enum { SPACE_PATH_MAX = 1 << 14 };

/* A dump while it is added, and what its numbers are in the aggregate: AGGREGATE_NONE until they are asked for. */
struct addition {
	struct aggregate *aggregate;
	struct dump dump;
	struct process *process;
	uint32_t *routines, *modules, *sites, *spaces;
};

void aggregate_open(struct aggregate *aggregate, const struct aggregate_options *options)
{
	*aggregate = (struct aggregate){ .options = *options, .complete = true };
	intern_text(&aggregate->spaces, "");
}

void aggregate_close(struct aggregate *aggregate)
{
	struct intern *interns[] = { &aggregate->texts, &aggregate->routines, &aggregate->modules, &aggregate->sites,
	                             &aggregate->spaces, &aggregate->limits, &aggregate->notes, &aggregate->stacks,
	                             &aggregate->samples };

	for (size_t i = 0; i < sizeof interns / sizeof *interns; i++)
		intern_free(interns[i]);
	for (size_t i = 0; i < aggregate->damage_count; i++)
		free(aggregate->damage[i].text);
	free(aggregate->module_totals);
	free(aggregate->limit_totals);
	free(aggregate->note_totals);
	free(aggregate->sample_totals);
	arena_free(&aggregate->row_arena);
	free(aggregate->rows);
	hash_free(&aggregate->row_index);
	free(aggregate->processes);
	free(aggregate->damage);
	free(aggregate->versions);
}

const char *kind_name(unsigned kind)
{
	static const char *const names[] = {
		[DUMP_DIRECT] = "direct", [DUMP_ITERATIVE] = "iterative",
		[DUMP_EXEMPT] = "exempt", [DUMP_UNPRICED] = "unpriced",
	};

	return names[kind < DUMP_UNPRICED ? kind : DUMP_UNPRICED];
}

/* The tables of a dump. */

/* Interns a key; the numbers of `totals` follow those of the intern, zeroed when they are new. */
static uint32_t intern_counted(struct intern *intern, const void *key, size_t key_size, void **totals,
                               size_t *capacity, size_t size)
{
	size_t before = intern->count;
	uint32_t number = intern_bytes(intern, key, key_size);

	if (intern->count > before) {
		*totals = memory_grow(*totals, before, capacity, size);
		memset((char *)*totals + number * size, 0, size);
	}
	return number;
}

static uint32_t reference_text(struct addition *add, uint64_t reference, const char *otherwise)
{
	const char *text = dump_text(&add->dump, reference);

	return intern_text(&add->aggregate->texts, text ? text : otherwise);
}

static uint32_t *numbers(size_t count)
{
	uint32_t *array = memory_new(count, sizeof *array);

	memset(array, 0xff, count * sizeof *array);
	return array;
}

static uint32_t routine_number(struct addition *add, uint32_t number)
{
	const struct dump_routine *routine = dump_routine_at(&add->dump, number);
	struct routine_key key = { 0 };

	if (!routine) {
		key.name = intern_text(&add->aggregate->texts, "(unknown)");
		return intern_bytes(&add->aggregate->routines, &key, sizeof key);
	}
	if (add->routines[number] != AGGREGATE_NONE)
		return add->routines[number];
	if (routine->option_count > DUMP_OPTIONS_MAX || routine->dim_count > DUMP_DIMS_MAX || routine->kind > DUMP_UNPRICED)
		dump_damaged(&add->dump, "routines with impossible shapes or kinds");
	key.name = reference_text(add, routine->name, "(unknown)");
	key.type = routine->type;
	key.kind = routine->kind > DUMP_UNPRICED ? DUMP_UNPRICED : routine->kind;
	key.option_count = routine->option_count > DUMP_OPTIONS_MAX ? DUMP_OPTIONS_MAX : routine->option_count;
	key.dim_count = routine->dim_count > DUMP_DIMS_MAX ? DUMP_DIMS_MAX : routine->dim_count;
	for (unsigned i = 0; i < key.option_count; i++)
		key.options[i] = reference_text(add, routine->options[i], "?");
	for (unsigned i = 0; i < key.dim_count; i++)
		key.dims[i] = reference_text(add, routine->dims[i], "?");
	return add->routines[number] = intern_bytes(&add->aggregate->routines, &key, sizeof key);
}

static uint32_t module_number(struct addition *add, uint32_t number)
{
	const struct dump_module *entry = dump_module_at(&add->dump, number);
	struct aggregate *aggregate = add->aggregate;
	struct module_key key = { 0 };
	struct module *module;
	uint32_t result;

	if (!entry)
		return AGGREGATE_NONE;
	if (add->modules[number] != AGGREGATE_NONE)
		return add->modules[number];
	key.path = reference_text(add, entry->path, "(unknown)");
	key.build_id_size = entry->build_id_size;
	if (key.build_id_size > sizeof key.build_id) {
		dump_damaged(&add->dump, "modules with impossible build-ids");
		key.build_id_size = 0;
	}
	memcpy(key.build_id, entry->build_id, key.build_id_size);
	result = intern_counted(&aggregate->modules, &key, sizeof key, (void **)&aggregate->module_totals,
	                        &aggregate->module_capacity, sizeof *module);
	module = &aggregate->module_totals[result];
	module->processes++;
	module->served += entry->flags & DUMP_MODULE_SERVES ? 1 : 0;
	module->flags |= entry->flags;
	if (!module->earliest_start_ns || add->dump.header.start_realtime_ns < module->earliest_start_ns)
		module->earliest_start_ns = add->dump.header.start_realtime_ns;
	if (!aggregate->options.host || strcmp(aggregate->options.host, add->dump.header.host))
		module->elsewhere = true;
	return add->modules[number] = result;
}

static uint32_t space_number(struct addition *add, uint32_t number)
{
	const struct dump_namespace *space = dump_namespace_at(&add->dump, number);
	const char *name;

	if (!space) {
		/* The root needs no entry of its own. */
		if (number != 0)
			dump_damaged(&add->dump, "rows of namespaces that are not there");
		return 0;
	}
	if (add->spaces[number] != AGGREGATE_NONE)
		return add->spaces[number];
	name = dump_text(&add->dump, space->name);
	if (name && strlen(name) > SPACE_PATH_MAX) {
		dump_damaged(&add->dump, "namespaces with impossible names");
		name = NULL;
	}
	return add->spaces[number] = intern_text(&add->aggregate->spaces, name ? name : number ? "(unknown)" : "");
}

static uint32_t site_number(struct addition *add, uint32_t number, bool manual)
{
	const struct dump_site *site = dump_site_at(&add->dump, number);
	struct aggregate *aggregate = add->aggregate;
	const struct dump_module *module;
	struct site_key key = { 0 };

	if (!site) {
		if (number != DUMP_NONE) /* which shares rows with others, or has no place of its own */
			dump_damaged(&add->dump, "rows of call sites that are not there");
		key = (struct site_key){ .detail = intern_text(&aggregate->texts, ""),
		                         .symbol = intern_text(&aggregate->texts, "(unknown)"),
		                         .routine = routine_number(add, DUMP_NONE),
		                         .caller_module = AGGREGATE_NONE, .callee_module = AGGREGATE_NONE };
		return intern_bytes(&aggregate->sites, &key, sizeof key);
	}
	if (add->sites[number] != AGGREGATE_NONE)
		return add->sites[number];
	key.symbol = reference_text(add, site->symbol, "(unknown)");
	key.detail = site->detail ? reference_text(add, site->detail, "(unknown)") : intern_text(&aggregate->texts, "");
	if (manual || (site->routine == DUMP_NONE && dump_text(&add->dump, site->symbol))) {
		struct routine_key routine = { .name = key.symbol };

		key.routine = intern_bytes(&aggregate->routines, &routine, sizeof routine);
	} else {
		key.routine = routine_number(add, site->routine);
	}
	key.caller_module = module_number(add, site->caller_module);
	key.callee_module = module_number(add, site->callee_module);
	module = dump_module_at(&add->dump, site->caller_module);
	key.offset = module ? site->caller - module->bias : site->caller;
	return add->sites[number] = intern_bytes(&aggregate->sites, &key, sizeof key);
}

/* Rows. */

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

/* The row with the key of `key`, made with zero totals if need be. */
static struct row *row_find(struct aggregate *aggregate, const struct row *key, unsigned dims)
{
	size_t slot, size = sizeof *key + dims * sizeof key->dims[0];
	uint32_t hash = row_hash(key, dims), number;
	struct row *row;

	hash_reserve(&aggregate->row_index);
	slot = hash_begin(&aggregate->row_index, hash);
	while ((number = hash_next(&aggregate->row_index, hash, &slot)) != HASH_NONE)
		if (row_equal(aggregate->rows[number], key, dims))
			return aggregate->rows[number];
	row = arena_take(&aggregate->row_arena, size);
	memcpy(row, key, size);
	aggregate->rows = memory_grow(aggregate->rows, aggregate->row_count, &aggregate->row_capacity,
	                              sizeof *aggregate->rows);
	aggregate->rows[aggregate->row_count] = row;
	hash_put(&aggregate->row_index, slot, hash, (uint32_t)aggregate->row_count++);
	return row;
}

static void count_row(struct addition *add, const struct dump_row *entry, const struct row *sums, unsigned kind)
{
	struct totals *totals = &add->aggregate->totals;
	struct process *process = add->process;

	switch (entry->kind) {
	case DUMP_ROW_QUERY:
		totals->queries = u64_add(totals->queries, entry->calls);
		return;
	case DUMP_ROW_REFUSED:
		totals->refused_calls = u64_add(totals->refused_calls, entry->calls);
		totals->refused_flops = u128_add(totals->refused_flops, sums->flops);
		return;
	case DUMP_ROW_MANUAL:
		totals->manual_charges = u64_add(totals->manual_charges, entry->calls);
		break;
	case DUMP_ROW_REJECTED:
		totals->rejected_calls = u64_add(totals->rejected_calls, entry->calls);
		/* fall through */
	default:
		totals->calls = u64_add(totals->calls, entry->calls);
		process->calls = u64_add(process->calls, entry->calls);
		if (entry->kind == DUMP_ROW_CALL && kind == DUMP_UNPRICED)
			totals->unpriced_calls = u64_add(totals->unpriced_calls, entry->calls);
		if (entry->kind == DUMP_ROW_CALL && kind == DUMP_EXEMPT)
			totals->exempt_calls = u64_add(totals->exempt_calls, entry->calls);
	}
	if (entry->flags & DUMP_ROW_OVER)
		totals->over_calls = u64_add(totals->over_calls, entry->calls);
	totals->flops = u128_add(totals->flops, sums->flops);
	totals->charged = u128_add(totals->charged, sums->charged);
	totals->words = u128_add(totals->words, sums->words);
	totals->timed_calls = u64_add(totals->timed_calls, sums->timed_calls);
	totals->time_ns = u64_add(totals->time_ns, sums->time_ns);
	process->flops = u128_add(process->flops, sums->flops);
	process->charged = u128_add(process->charged, sums->charged);
}

/* The factor of a namespace and those around it, times 2^32, with the process's own. */
static uint64_t multiplier_of(struct addition *add, uint32_t number)
{
	uint64_t factor = add->dump.header.multiplier;

	for (unsigned depth = 0; depth < 1000; depth++) { /* a damaged tree may have a cycle */
		const struct dump_namespace *space = dump_namespace_at(&add->dump, number);

		if (!space)
			break;
		if (space->multiplier)
			factor = u64_saturate((u128)factor * space->multiplier >> 32);
		number = space->parent;
	}
	return factor;
}

/* Gives the entry the price of today's table, where that is asked for and can be had. */
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
		aggregate->kept_calls = u64_add(aggregate->kept_calls, entry->calls);
		return;
	}
	entry->flops = priced.flops;
	entry->charged = priced.charged;
	entry->words = priced.words;
	routine->kind = priced.kind;
}

/* NULL for a row that is none. */
static const struct row *add_row(struct addition *add, const struct dump_row *given)
{
	union {
		struct row row;
		char bytes[sizeof(struct row) + DUMP_DIMS_MAX * sizeof(int64_t)];
	} key = { 0 };
	struct dump_row entry = *given;
	struct row *row;
	struct routine_key routine;
	uint64_t times;

	if (entry.kind > DUMP_ROW_MANUAL) {
		dump_damaged(&add->dump, "rows of an unknown kind");
		return NULL;
	}
	key.row.site = site_number(add, entry.site, entry.kind == DUMP_ROW_MANUAL);
	key.row.space = space_number(add, entry.namespace_id);
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
	row = row_find(add->aggregate, &key.row, routine.dim_count);
	key.row.flops = (u128)times * entry.flops;
	key.row.charged = (u128)times * entry.charged;
	key.row.words = (u128)times * entry.words;
	key.row.calls = entry.calls;
	if (!entry.timed_calls)
		entry.time_ns = 0; /* the shim's own, of a call that may yet turn out not to count */
	key.row.time_ns = entry.time_ns;
	key.row.timed_calls = entry.timed_calls;
	count_row(add, &entry, &key.row, routine.kind);

	row->flops = u128_add(row->flops, key.row.flops);
	row->charged = u128_add(row->charged, key.row.charged);
	row->words = u128_add(row->words, key.row.words);
	row->calls = u64_add(row->calls, entry.calls);
	row->time_ns = u64_add(row->time_ns, entry.time_ns);
	row->timed_calls = u64_add(row->timed_calls, entry.timed_calls);
	row->flags |= entry.flags & DUMP_ROW_SATURATED;
	return row;
}

/* Returns how many there were. */
static size_t add_rows(struct addition *add)
{
	const struct aggregate_options *options = &add->aggregate->options;
	struct dump_cursor cursor;
	const struct dump_row *entry;
	size_t count = 0;

	dump_cursor_open(&cursor, &add->dump, DUMP_ROWS, sizeof *entry);
	for (; (entry = dump_cursor_next(&cursor)); count++) {
		const struct row *row = add_row(add, entry);

		if (options->row_added && row)
			options->row_added(options->row_context, cursor.lane, cursor.number, entry, row);
	}
	dump_cursor_close(&cursor);
	return count;
}

/* Lanes, limits, notes, modules. */

enum { FRAMES_LOOKED_UP = 4096 };

static void add_lanes(struct addition *add)
{
	struct totals *totals = &add->aggregate->totals;
	const struct dump_lane *lane;
	struct dump_cursor cursor;
	struct dump_row row;
	unsigned looked_up = 0;

	dump_cursor_open(&cursor, &add->dump, DUMP_LANES, sizeof *lane);
	while ((lane = dump_cursor_next(&cursor))) {
		uint32_t depth = lane->depth;

		if (depth > DUMP_FRAMES_MAX) {
			dump_damaged(&add->dump, "lanes with impossible depths");
			depth = DUMP_FRAMES_MAX;
		}
		totals->nested_calls = u64_add(totals->nested_calls, lane->nested_calls);
		totals->passed_calls = u64_add(totals->passed_calls, lane->passed_calls);
		totals->abandoned_calls = u64_add(totals->abandoned_calls, lane->abandoned_calls);
		totals->threads = u64_add(totals->threads, lane->threads);
		totals->in_flight_calls += depth;
		add->process->lost_calls = u64_add(add->process->lost_calls, lane->lost_calls);
		for (uint32_t i = 0; i < depth && looked_up < FRAMES_LOOKED_UP; i++, looked_up++)
			if (lane->frames[i].row && dump_row_of_frame(&add->dump, cursor.number, lane->frames[i].row, &row) &&
			    !(row.flags & DUMP_ROW_COARSE))
				totals->in_flight_flops = u128_add(totals->in_flight_flops, row.flops);
	}
	dump_cursor_close(&cursor);
	add->process->lost_calls = u64_add(add->process->lost_calls, add->dump.header.lost_calls);
	totals->lost_calls = u64_add(totals->lost_calls, add->process->lost_calls);
	totals->saturated_calls = u64_add(totals->saturated_calls, add->dump.header.saturated);
}

static void add_limits(struct addition *add)
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
		struct limit_key key = { .amount = entry->amount, .space = space_number(add, entry->namespace_id),
		                         .is_scope = entry->flags & DUMP_LIMIT_SCOPE };
		struct limit *limit;
		uint32_t number = intern_counted(&aggregate->limits, &key, sizeof key, (void **)&aggregate->limit_totals,
		                                 &aggregate->limit_capacity, sizeof *limit);

		limit = &aggregate->limit_totals[number];
		limit->processes++;
		if (used > limit->used)
			limit->used = used;
		limit->refused_calls = u64_add(limit->refused_calls, entry->refused_calls);
		limit->refused_flops = u64_add(limit->refused_flops, entry->refused_flops);
		limit->over_calls = u64_add(limit->over_calls, entry->over_calls);
	}
	dump_cursor_close(&cursor);
	leases_free(&leases);
}

static void add_notes(struct addition *add)
{
	struct aggregate *aggregate = add->aggregate;
	const struct dump_note *entry;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_NOTES, sizeof *entry);
	while ((entry = dump_cursor_next(&cursor))) {
		struct note_key key = { entry->kind, reference_text(add, entry->text, "(unknown)") };
		uint32_t number = intern_counted(&aggregate->notes, &key, sizeof key, (void **)&aggregate->note_totals,
		                                 &aggregate->note_capacity, sizeof(struct note));

		aggregate->note_totals[number].processes++;
		aggregate->note_totals[number].count = u64_add(aggregate->note_totals[number].count, entry->count);
	}
	dump_cursor_close(&cursor);
}

/* Sampled stacks. */

enum { MODULES_SEARCHED = 4096 };

/* The frame of a return address. Where modules took turns at an address, it cannot be told whose it is. */
static struct stack_frame frame_of(struct addition *add, uint64_t address)
{
	struct stack_frame frame = { .offset = address, .module = AGGREGATE_NONE };
	unsigned found = 0;

	for (uint32_t i = 0; i < add->dump.modules.count && i < MODULES_SEARCHED; i++) {
		const struct dump_module *module = dump_module_at(&add->dump, i);

		if (!module || address <= module->start || address > module->end)
			continue;
		frame.offset = address - module->bias;
		frame.module = module_number(add, i);
		found++;
	}
	return found == 1 ? frame : (struct stack_frame){ .offset = address, .module = AGGREGATE_NONE };
}

static uint32_t stack_number(struct addition *add, const struct dump_stack *stack)
{
	size_t size = sizeof(struct stack_head) + stack->count * sizeof(struct stack_frame);
	struct stack_head *head = memory_new(1, size);
	struct stack_frame *frames = (struct stack_frame *)(void *)(head + 1);
	uint32_t number;

	head->python = stack->python ? reference_text(add, stack->python, "(unknown)") : AGGREGATE_NONE;
	head->frame_count = stack->count;
	for (uint32_t i = 0; i < stack->count; i++)
		frames[i] = frame_of(add, stack->addresses[i]);
	number = intern_bytes(&add->aggregate->stacks, head, size);
	free(head);
	return number;
}

static void add_samples(struct addition *add)
{
	struct aggregate *aggregate = add->aggregate;
	const struct dump_sample *entry;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_SAMPLES, sizeof *entry);
	while ((entry = dump_cursor_next(&cursor))) {
		const struct dump_stack *stack = dump_stack_at(&add->dump, entry->stack);
		struct sample_key key;
		struct sample *sample;
		uint32_t number;

		if (!stack || !entry->calls)
			continue;
		key = (struct sample_key){ stack_number(add, stack), site_number(add, entry->site, false),
		                           space_number(add, entry->namespace_id) };
		number = intern_counted(&aggregate->samples, &key, sizeof key, (void **)&aggregate->sample_totals,
		                        &aggregate->sample_capacity, sizeof *sample);
		sample = &aggregate->sample_totals[number];
		sample->flops = u64_add(sample->flops, entry->flops);
		sample->calls = u64_add(sample->calls, entry->calls);
	}
	dump_cursor_close(&cursor);
}

static void add_spaces(struct addition *add)
{
	for (size_t i = 0; i < add->dump.namespaces.count; i++)
		if (add->dump.namespaces.present[i])
			space_number(add, (uint32_t)i);
}

static void add_modules(struct addition *add)
{
	for (size_t i = 0; i < add->dump.modules.count; i++)
		module_number(add, (uint32_t)i);
}

/* The process. */

struct joined {
	char *bytes;
	size_t size, capacity;
};

static void join(struct joined *joined, const char *text)
{
	size_t length = strlen(text) + 1;

	if (joined->size + length > joined->capacity) {
		joined->capacity = 2 * (joined->size + length);
		joined->bytes = memory_resize(joined->bytes, joined->capacity, 1);
	}
	memcpy(joined->bytes + joined->size, text, length);
	joined->size += length;
}

static void add_meta(struct addition *add)
{
	struct joined arguments = { 0 }, environment = { 0 };
	struct process *process = add->process;
	struct intern *texts = &add->aggregate->texts;
	const struct dump_meta *meta;
	struct dump_cursor cursor;

	dump_cursor_open(&cursor, &add->dump, DUMP_META, sizeof *meta);
	while ((meta = dump_cursor_next(&cursor))) {
		const char *key = dump_text(&add->dump, meta->key), *value = dump_text(&add->dump, meta->value);

		if (!key || !value)
			continue;
		if (!strcmp(key, "program"))
			process->program = intern_text(texts, value);
		else if (!strcmp(key, "directory"))
			process->directory = intern_text(texts, value);
		else if (!strcmp(key, "argument"))
			join(&arguments, value);
		else if (!strcmp(key, "environment"))
			join(&environment, value);
	}
	dump_cursor_close(&cursor);
	process->argument_bytes = (uint32_t)arguments.size;
	process->arguments = intern_bytes(texts, arguments.bytes ? arguments.bytes : "", arguments.size);
	process->environment_bytes = (uint32_t)environment.size;
	process->environment = intern_bytes(texts, environment.bytes ? environment.bytes : "", environment.size);
	free(arguments.bytes);
	free(environment.bytes);
}

static enum process_state state_of(const struct aggregate_options *options, const struct dump *dump)
{
	const struct dump_header *header = &dump->header;

	if (dump->header_damaged)
		return PROCESS_UNKNOWN;
	switch (header->state) {
	case DUMP_CLOSED:
		return PROCESS_CLOSED;
	case DUMP_EXECED:
		return PROCESS_REPLACED;
	case DUMP_RUNNING:
		if (!options->host || strcmp(options->host, header->host))
			return PROCESS_UNKNOWN;
		return options->alive(header->pid, header->start_ticks) ? PROCESS_RUNNING : PROCESS_ENDED;
	default:
		return PROCESS_UNKNOWN;
	}
}

static uint64_t elapsed(const struct aggregate_options *options, const struct dump_header *header,
                        enum process_state state)
{
	uint64_t end = state == PROCESS_RUNNING ? options->now_ns : header->end_monotonic_ns;

	return end > header->start_monotonic_ns ? end - header->start_monotonic_ns : 0;
}

static void add_process(struct addition *add, const char *file)
{
	const struct dump_header *header = &add->dump.header;
	struct aggregate *aggregate = add->aggregate;
	enum process_state state = state_of(&aggregate->options, &add->dump);

	aggregate->processes = memory_grow(aggregate->processes, aggregate->process_count, &aggregate->process_capacity,
	                                   sizeof *aggregate->processes);
	add->process = &aggregate->processes[aggregate->process_count++];
	*add->process = (struct process){
		.file = intern_text(&aggregate->texts, file),
		.program = AGGREGATE_NONE,
		.directory = AGGREGATE_NONE,
		.host = intern_text(&aggregate->texts, header->host),
		.job = intern_text(&aggregate->texts, header->job),
		.version = intern_text(&aggregate->texts, header->shim_version),
		.pid = header->pid,
		.parent_pid = header->parent_pid,
		.forked = header->fork_parent_ticks != 0,
		.rank = header->rank,
		.exit_status = header->exit_status,
		.losses = header->losses,
		.log_dropped = header->log_dropped,
		.stacks_failed = header->stacks_failed,
		.start_realtime_ns = header->start_realtime_ns,
		.elapsed_ns = elapsed(&aggregate->options, header, state),
		.state = state,
	};
	add_meta(add);
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
	aggregate->versions[aggregate->version_count++] =
		(struct version){ text, intern_text(&aggregate->texts, file) };
}

static void add_damage(struct aggregate *aggregate, const char *file, const char *text, uint64_t count)
{
	aggregate->damage = memory_grow(aggregate->damage, aggregate->damage_count, &aggregate->damage_capacity,
	                                sizeof *aggregate->damage);
	aggregate->damage[aggregate->damage_count++] =
		(struct damage){ intern_text(&aggregate->texts, file), memory_text(text, strlen(text)), count, false };
	aggregate->complete = false;
}

void aggregate_missing(struct aggregate *aggregate, const char *file, const char *why)
{
	add_damage(aggregate, file, why, 1);
	aggregate->damage[aggregate->damage_count - 1].said = true;
	aggregate->unreadable++;
}

/* What is known to be missing from the totals. */
static bool is_complete(const struct addition *add)
{
	return !add->dump.damage_total && !add->process->lost_calls &&
	       !(add->process->losses & (DUMP_LOST_CALLS | DUMP_LOST_SPACE));
}

static void add_contents(struct addition *add, const char *file)
{
	size_t rows;

	add->routines = numbers(add->dump.routines.count);
	add->modules = numbers(add->dump.modules.count);
	add->sites = numbers(add->dump.sites.count);
	add->spaces = numbers(add->dump.namespaces.count);
	add_process(add, file);
	add_version(add, file);
	add_modules(add);
	add_spaces(add);
	add_limits(add);
	rows = add_rows(add);
	add_lanes(add);
	add_notes(add);
	add_samples(add);
	/* Of a damaged dump without rows, zeros would not be an answer. */
	add->process->answered = rows || !add->dump.damage_total;
	if (add->process->answered)
		add->aggregate->answered++;
	else
		add->aggregate->unreadable++;
	free(add->routines);
	free(add->modules);
	free(add->sites);
	free(add->spaces);
}

void aggregate_add(struct aggregate *aggregate, const struct dump_source *source, const char *file)
{
	struct addition add = { .aggregate = aggregate };
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
