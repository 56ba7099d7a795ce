/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keys.c - the keys of --by, each with the columns that say which group a row is.
 * It must never add anything up: it names the groups that aggregate/summary.c makes.
 */
#include "analyzer/tables/keys.h"

#include <string.h>

#include "analyzer/tables/cell.h"
#include "analyzer/tables/measures.h"
#include "names.h"

static const struct process *process_of(const struct table *table, const struct group *group)
{
	return &table->aggregate->processes[worker_of(table->aggregate, group->first)->process];
}

static const char *worker_text(const struct table *table, uint32_t text) { return text_at(table->aggregate, text); }

/* The name of a worker's launch as people need it: if there are several, and it is not only the number of the step. */
static const char *launch_to_tell(const struct table *table, const struct worker_key *worker)
{
	bool told = views_launches(views_of(table))->count > 1 && worker->launch != worker->step;

	return told ? worker_text(table, worker->launch) : "";
}

static const struct worker *totals_of(const struct table *table, const struct group *group)
{
	return &table->aggregate->worker_totals[group->first];
}

static const char *space_of(const struct table *table, const struct group *group)
{
	return intern_at(&table->aggregate->spaces, group->row->space);
}

/*
 * Names a call site by its function where that is known, and not by its line, which an edit elsewhere in the file would
 * change. The text is valid until the next value is asked for.
 */
static const char *caller_of(const struct table *table, const struct group *group)
{
	const struct place *place = views_place(views_of(table), group->row->site);
	struct text *text = views_scratch(views_of(table));

	if (place->function && place->file)
		text_format(text, "%s (%s)", place->function, place->file);
	else if (place->function)
		text_format(text, "%s in %s", place->function, base_name(place->module));
	else
		place_add(text, place);
	return text->bytes;
}

GETTER(key_space, struct group, value_text(space_of(table, item)))
GETTER(key_space_name, struct group, value_text(space_of(table, item)[0] ? space_of(table, item) : "(root)"))
GETTER(key_caller, struct group, value_text(caller_of(table, item)))
GETTER(key_symbol, struct group, value_text(site_symbol(table->aggregate, item->row->site)))
GETTER(key_host, struct group, value_text(worker_text(table, worker_of(table->aggregate, item->first)->host)))
GETTER(key_job, struct group, value_text(worker_text(table, worker_of(table->aggregate, item->first)->job)))
GETTER(key_step, struct group, value_text(worker_text(table, worker_of(table->aggregate, item->first)->step)))
GETTER(key_array_task, struct group,
       value_text(worker_text(table, worker_of(table->aggregate, item->first)->array_task)))
GETTER(key_launch, struct group, value_text(worker_text(table, worker_of(table->aggregate, item->first)->launch)))
GETTER(key_launch_told, struct group, value_text(launch_to_tell(table, worker_of(table->aggregate, item->first))))
GETTER(key_rank, struct group, value_unless_negative(worker_of(table->aggregate, item->first)->rank))
GETTER(key_process_host, struct group, value_text(worker_text(table, process_of(table, item)->host)))
GETTER(key_process_pid, struct group, value_number(process_of(table, item)->pid))
GETTER(key_process_rank, struct group, value_unless_negative(process_of(table, item)->rank))
GETTER(key_process_local_rank, struct group,
       value_number_if(process_of(table, item)->local_rank != 0, process_of(table, item)->local_rank - 1))
GETTER(key_process_job, struct group, value_text(worker_text(table, process_of(table, item)->job)))
GETTER(key_process_step, struct group, value_text(worker_text(table, process_of(table, item)->step)))
GETTER(key_process_array_task, struct group, value_text(worker_text(table, process_of(table, item)->array_task)))
GETTER(key_process_file, struct group, value_text(worker_text(table, process_of(table, item)->file)))
GETTER(key_lane, struct group, value_number(worker_of(table->aggregate, item->first)->lane))
GETTER(key_tid, struct group, value_number_if(totals_of(table, item)->tid != 0, totals_of(table, item)->tid))
GETTER(key_threads, struct group, value_number(totals_of(table, item)->threads))

static const struct column routine_key[] = {
	{"routine", "routine", COLUMN_TEXT, 0, group_routine},
};

static const struct column shape_key[] = {
	{"routine", "routine", COLUMN_TEXT, 0, group_routine},
	{"arguments", "shape", COLUMN_SHAPE, 0, group_shape},
};

static const struct column namespace_key[] = {
	{"name", "namespace", COLUMN_TEXT, COLUMN_ONLY_TEXT, key_space_name},
	{"namespace", "", COLUMN_TEXT, COLUMN_NO_TEXT, key_space},
};

static const struct column site_key[] = {
	{"caller", "called from", COLUMN_TEXT, 0, key_caller},
	{"symbol", "symbol", COLUMN_TEXT, 0, key_symbol},
};

/* clang-format off */
static const struct column thread_key[] = {
	{ "host",    "host",    COLUMN_TEXT,   COLUMN_NO_TEXT,  key_process_host },
	{ "rank",    "rank",    COLUMN_NUMBER, COLUMN_OPTIONAL, key_process_rank },
	{ "pid",     "pid",     COLUMN_NUMBER, 0,               key_process_pid },
	{ "thread",  "thread",  COLUMN_NUMBER, 0,               key_lane },
	{ "tid",     "tid",     COLUMN_NUMBER, COLUMN_OPTIONAL, key_tid },
	{ "threads", "threads", COLUMN_COUNT,  COLUMN_NO_TEXT,  key_threads },
};
/* clang-format on */

/* clang-format off */
static const struct column process_key[] = {
	{ "host", "host", COLUMN_TEXT,   0,               key_process_host },
	{ "rank", "rank", COLUMN_NUMBER, COLUMN_OPTIONAL, key_process_rank },
	{ "pid",  "pid",  COLUMN_NUMBER, 0,               key_process_pid },
	{ "job",  "",     COLUMN_TEXT,   COLUMN_NO_TEXT,  key_process_job },
	{ "step", "step", COLUMN_TEXT,   COLUMN_OPTIONAL, key_process_step },
	{ "array_task", "array task", COLUMN_TEXT, COLUMN_OPTIONAL, key_process_array_task },
	{ "local_rank", "local rank", COLUMN_NUMBER, COLUMN_OPTIONAL, key_process_local_rank },
	{ "file", "",     COLUMN_TEXT,   COLUMN_NO_TEXT,  key_process_file },
};
/* clang-format on */

/* clang-format off */
static const struct column rank_key[] = {
	{ "job",        "job",        COLUMN_TEXT,   COLUMN_OPTIONAL | COLUMN_OF_RUN, key_job },
	{ "array_task", "array task", COLUMN_TEXT,   COLUMN_OPTIONAL,                 key_array_task },
	{ "step",       "step",       COLUMN_TEXT,   COLUMN_OPTIONAL,                 key_step },
	{ "launch",     "",           COLUMN_TEXT,   COLUMN_NO_TEXT | COLUMN_OF_RUN,  key_launch },
	{ "told",       "launch",     COLUMN_TEXT,   COLUMN_ONLY_TEXT | COLUMN_OPTIONAL | COLUMN_OF_RUN, key_launch_told },
	{ "rank",       "rank",       COLUMN_NUMBER, 0,                               key_rank },
};
/* clang-format on */

static const struct column host_key[] = {
	{"host", "host", COLUMN_TEXT, 0, key_host},
};

const struct key keys[KEY_COUNT] = {
#define KEY(NUMBER, ...) [KEY_##NUMBER] = {__VA_ARGS__},
#include "analyzer/tables/keys.def"
};

const struct key *key_find(const char *name, unsigned set)
{
	for (unsigned i = 0; i < KEY_COUNT; i++)
		if (set & KEY_BIT(i) && !strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

void keys_add_names(struct text *text, unsigned set)
{
	for (unsigned i = 0; i < KEY_COUNT; i++) {
		unsigned rest = set >> i >> 1;

		if (set & KEY_BIT(i))
			text_format(text, "%s%s", keys[i].name, !rest ? "" : rest & (rest - 1) ? ", " : " or ");
	}
}

void key_add_name(struct text *text, const struct key *key, const struct table *table, const struct group *group,
                  enum column_flags without, const char *separator)
{
	const char *before = "";

	text_add(text, "");
	for (unsigned i = 0; i < key->column_count; i++) {
		const struct column *column = &key->columns[i];
		struct value value;

		if (column->flags & without)
			continue;
		value = column_get(column, table, group);
		text_add(text, before);
		cell_add(text, column, &value);
		before = separator;
	}
}

GETTER(worker_processes, struct group,
       value_number_if(totals_of(table, item)->processes != 0, totals_of(table, item)->processes))

/* Joins the columns of a key and the measures, for a key that has no table in a report. */
static const struct column *join_columns(struct views *views, const struct key *key, unsigned *count)
{
	static const struct column measures[] = {
		{"processes", "processes", COLUMN_COUNT, COLUMN_OPTIONAL, worker_processes},
		MEASURES,
		{"manual_charges", "charges", COLUMN_COUNT, COLUMN_RARE, group_charges},
		{"calls_without_time", "no time", COLUMN_COUNT, COLUMN_RARE, group_timeless},
	};

	memcpy(views->columns, key->columns, key->column_count * sizeof *key->columns);
	memcpy(views->columns + key->column_count, measures, sizeof measures);
	*count = key->column_count + sizeof measures / sizeof *measures;
	return views->columns;
}

void key_table(struct views *views, const struct key *key, size_t top, bool for_people, struct table *table)
{
	struct table_kind joined = {.by = key->by};

	if (!key->kind)
		joined.columns = join_columns(views, key, &joined.column_count);
	views_get(views, key->kind ? key->kind : &joined, top, for_people, table);
	table->key = "groups";
	table->title = key->title;
}
