/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * addition.c - translates the numbers and references of a dump into numbers of the aggregate.
 * It must never use a number of the dump as an index before checking it.
 */
#include "analyzer/aggregate/addition.h"

#include "analyzer/base/memory.h"

enum { SPACE_PATH_MAX = 1 << 14 };     /* most bytes of a namespace's path */
#define OFFSET_END (UINT64_C(1) << 47) /* addresses of a process have no more bits */

uint32_t addition_intern(struct intern *intern, const void *key, size_t key_size, void **totals, size_t *capacity,
                         size_t size)
{
	size_t before = intern->count;
	uint32_t number = intern_bytes(intern, key, key_size);

	if (intern->count > before) {
		*totals = memory_grow(*totals, before, capacity, size);
		memset((char *)*totals + number * size, 0, size);
	}
	return number;
}

uint32_t addition_text(struct addition *add, uint64_t reference, const char *otherwise)
{
	uint32_t number = memo_find(&add->texts, reference);
	const char *text;

	if (number != MEMO_NONE)
		return number;
	text = dump_text(&add->dump, reference);
	number = intern_text(&add->aggregate->texts, text ? text : otherwise);
	if (text)
		memo_put(&add->texts, reference, number);
	return number;
}

uint32_t addition_routine(struct addition *add, uint32_t number)
{
	const struct dump_routine *routine = dump_routine_at(&add->dump, number);
	struct routine_key key = {0};

	if (!routine) {
		if (number != DUMP_NONE)
			dump_damaged(&add->dump, "call sites of routines that the dump does not have");
		key.name = intern_text(&add->aggregate->texts, "(unknown)");
		return intern_bytes(&add->aggregate->routines, &key, sizeof key);
	}
	if (add->routines[number] != AGGREGATE_NONE)
		return add->routines[number];
	if (routine->option_count > DUMP_OPTIONS_MAX || routine->dim_count > DUMP_DIMS_MAX ||
	    routine->kind > DUMP_UNPRICED)
		dump_damaged(&add->dump, "routines with impossible shapes or kinds");
	key.name = addition_text(add, routine->name, "(unknown)");
	key.type = routine->type;
	key.kind = routine->kind > DUMP_UNPRICED ? DUMP_UNPRICED : routine->kind;
	key.option_count = routine->option_count > DUMP_OPTIONS_MAX ? DUMP_OPTIONS_MAX : routine->option_count;
	key.dim_count = routine->dim_count > DUMP_DIMS_MAX ? DUMP_DIMS_MAX : routine->dim_count;
	for (unsigned i = 0; i < key.option_count; i++)
		key.options[i] = addition_text(add, routine->options[i], "?");
	for (unsigned i = 0; i < key.dim_count; i++)
		key.dims[i] = addition_text(add, routine->dims[i], "?");
	return add->routines[number] = intern_bytes(&add->aggregate->routines, &key, sizeof key);
}

/*
 * Places in a merged dump. Addresses outside of modules mean nothing in another process, and an offset that no file can have
 * comes from damage.
 */
void addition_settle(uint64_t *offset, uint32_t *module)
{
	if (*module != AGGREGATE_NONE && *offset < OFFSET_END)
		return;
	*module = AGGREGATE_NONE;
	*offset = 0;
}

/* Adds what a dump says of a module. `path` is the text of its path there. */
static void add_module(struct addition *add, struct module *module, const struct dump_module *entry, uint32_t path)
{
	struct aggregate *aggregate = add->aggregate;
	bool is_new = !module->known;
	uint64_t start_ns = add->is_merged ? entry->earliest_start_ns : add->dump.header.start_realtime_ns;
	uint32_t host = add->is_merged ? addition_text(add, entry->host, "")
	                               : intern_text(&aggregate->texts, add->dump.header.host);

	if (entry->flags & DUMP_MODULE_HOSTS)
		host = AGGREGATE_NONE;
	module->flags |= entry->flags & ~(uint32_t)DUMP_MODULE_HOSTS;
	if (is_new || start_ns < module->earliest_start_ns)
		module->earliest_start_ns = start_ns;
	if (is_new || strcmp(text_at(aggregate, path), text_at(aggregate, module->path)) < 0)
		module->path = path;
	module->host = is_new || module->host == host ? host : AGGREGATE_NONE;
	module->elsewhere |= host == AGGREGATE_NONE || !aggregate->options.host ||
	                     strcmp(aggregate->options.host, text_at(aggregate, host)) != 0;
	module->known = true;
}

uint32_t addition_module(struct addition *add, uint32_t number)
{
	const struct dump_module *entry = dump_module_at(&add->dump, number);
	struct aggregate *aggregate = add->aggregate;
	struct module_key key = {0};
	uint32_t result, path;

	if (!entry) {
		if (number != DUMP_NONE)
			dump_damaged(&add->dump, "call sites in modules that the dump does not have");
		return AGGREGATE_NONE;
	}
	if (add->modules[number] != AGGREGATE_NONE)
		return add->modules[number];
	path = addition_text(add, entry->path, "(unknown)");
	key.build_id_size = entry->build_id_size;
	if (key.build_id_size > sizeof key.build_id) {
		dump_damaged(&add->dump, "modules with impossible build-ids");
		key.build_id_size = 0;
	}
	memcpy(key.build_id, entry->build_id, key.build_id_size);
	key.path = aggregate->options.merge && key.build_id_size ? AGGREGATE_NONE : path;
	result = addition_intern(&aggregate->modules, &key, sizeof key, (void **)&aggregate->module_totals,
	                         &aggregate->module_capacity, sizeof *aggregate->module_totals);
	add_module(add, &aggregate->module_totals[result], entry, path);
	return add->modules[number] = result;
}

uint32_t addition_space(struct addition *add, uint32_t number)
{
	const struct dump_namespace *space = dump_namespace_at(&add->dump, number);
	const char *name;

	if (!space) {
		/* The root needs no entry of its own. */
		if (number != 0)
			dump_damaged(&add->dump, "rows of namespaces that the dump does not have");
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

uint32_t addition_site(struct addition *add, uint32_t number, bool manual)
{
	const struct dump_site *site = dump_site_at(&add->dump, number);
	struct aggregate *aggregate = add->aggregate;
	const struct dump_module *module;
	struct site_key key = {0};

	if (!site) {
		/* DUMP_NONE is no damage: several sites share the row, or the dump had no room for the site. */
		if (number != DUMP_NONE)
			dump_damaged(&add->dump, "rows of call sites that the dump does not have");
		key = (struct site_key){.detail = intern_text(&aggregate->texts, ""),
		                        .symbol = intern_text(&aggregate->texts, "(unknown)"),
		                        .routine = addition_routine(add, DUMP_NONE),
		                        .caller_module = AGGREGATE_NONE,
		                        .callee_module = AGGREGATE_NONE};
		return intern_bytes(&aggregate->sites, &key, sizeof key);
	}
	if (add->sites[number] != AGGREGATE_NONE)
		return add->sites[number];
	key.symbol = addition_text(add, site->symbol, "(unknown)");
	key.detail = site->detail ? addition_text(add, site->detail, "(unknown)") : intern_text(&aggregate->texts, "");
	if (manual || (site->routine == DUMP_NONE && dump_text(&add->dump, site->symbol))) {
		struct routine_key routine = {.name = key.symbol};

		key.routine = intern_bytes(&aggregate->routines, &routine, sizeof routine);
	} else {
		key.routine = addition_routine(add, site->routine);
	}
	key.caller_module = addition_module(add, site->caller_module);
	key.callee_module = addition_module(add, site->callee_module);
	module = dump_module_at(&add->dump, site->caller_module);
	key.offset = module ? site->caller - module->bias : site->caller;
	if (aggregate->options.merge)
		addition_settle(&key.offset, &key.caller_module);
	return add->sites[number] = intern_bytes(&aggregate->sites, &key, sizeof key);
}

/* Workers. */

struct worker_key addition_worker_key(const struct addition *add, uint32_t lane)
{
	const struct aggregate *aggregate = add->aggregate;
	const struct process *process = add->process;
	unsigned parts = aggregate->options.worker;

	return (struct worker_key){
		.host = parts & WORKER_HOST ? process->host : AGGREGATE_NONE,
		.job = parts & WORKER_LAUNCH ? process->job : AGGREGATE_NONE,
		.step = parts & WORKER_LAUNCH ? process->step : AGGREGATE_NONE,
		.array_task = parts & WORKER_LAUNCH ? process->array_task : AGGREGATE_NONE,
		.launch = parts & WORKER_LAUNCH ? process->launch : AGGREGATE_NONE,
		.rank = parts & WORKER_RANK ? process->rank : WORKER_NO_RANK,
		.process = parts & WORKER_PROCESS ? (uint32_t)(process - aggregate->processes) : AGGREGATE_NONE,
		.lane = parts & WORKER_LANE ? lane : AGGREGATE_NONE,
	};
}

struct worker *addition_worker(struct addition *add, uint32_t lane)
{
	struct worker_key key = addition_worker_key(add, lane);
	struct aggregate *aggregate = add->aggregate;

	add->worker = addition_intern(&aggregate->workers, &key, sizeof key, (void **)&aggregate->worker_totals,
	                              &aggregate->worker_capacity, sizeof(struct worker));
	return &aggregate->worker_totals[add->worker];
}

void addition_ratio(struct addition *add, const struct place_key *place, uint64_t flops, uint64_t charged)
{
	struct aggregate *aggregate = add->aggregate;
	struct ratio *ratio;
	uint32_t number;

	if (!flops && !charged)
		return;
	number = addition_intern(&aggregate->ratios, place, sizeof *place, (void **)&aggregate->ratio_totals,
	                         &aggregate->ratio_capacity, sizeof *ratio);
	ratio = &aggregate->ratio_totals[number];
	if (!ratio->flops && !ratio->charged)
		*ratio = (struct ratio){flops, charged, false};
	ratio->varies |= (u128)ratio->flops * charged != (u128)ratio->charged * flops;
}
