/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * processes.c - the tables of processes, of parallel launches, of the notes in dumps, and of damage.
 * It must never show a number for what is not known.
 */
#include "analyzer/tables/processes.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyzer/aggregate/order.h"
#include "analyzer/base/memory.h"
#include "analyzer/tables/measures.h"
#include "analyzer/tables/tables.h"
#include "names.h"

const char *state_name(enum process_state state)
{
	static const char *const names[] = {
		[PROCESS_RUNNING] = "running", [PROCESS_CLOSED] = "closed",   [PROCESS_REPLACED] = "exec",
		[PROCESS_ENDED] = "ended",     [PROCESS_UNKNOWN] = "unknown",
	};

	return names[state];
}

const char *signal_name(int number)
{
	static char name[32];
	const char *known = sigabbrev_np(number);

	if (known)
		snprintf(name, sizeof name, "SIG%s", known);
	else
		snprintf(name, sizeof name, "signal %d", number);
	return name;
}

void process_add_name(struct text *text, const struct aggregate *aggregate, const struct process *process)
{
	if (process->rank >= 0)
		text_format(text, "rank %" PRId32, process->rank);
	else
		text_format(text, "pid %" PRIu32, process->pid);
	text_format(text, " on %s", text_at(aggregate, process->host));
}

/* Processes. */

static struct value process_text(const struct table *table, uint32_t text)
{
	return value_text(text_at(table->aggregate, text));
}

static struct value process_list(const struct table *table, uint32_t texts, uint32_t bytes)
{
	return value_list(text_at(table->aggregate, texts), bytes);
}

/* When a process began, in UTC, valid until the next value is asked for; NULL if it is not known. */
static const char *start_text(const struct table *table, uint64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / 1000000000u);
	struct text *text = views_scratch(views_of(table));
	char buffer[64];
	struct tm parts;

	if (!realtime_ns || !gmtime_r(&seconds, &parts) ||
	    !strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &parts))
		return NULL;
	text_add(text, buffer);
	return text->bytes;
}

/* The number of a process's dump in 32 hexadecimal digits, valid until the next value is asked for; NULL if it has none. */
static const char *id_text(const struct table *table, const struct process *process)
{
	struct text *text = views_scratch(views_of(table));

	if (!process->has_own_id)
		return NULL;
	text_format(text, "%016" PRIx64 "%016" PRIx64, process->id[0], process->id[1]);
	return text->bytes;
}

/* A list of what was lost, by the bits of enum dump_loss. */
static struct value losses_of(const struct table *table, uint32_t losses)
{
	static const char *const names[] = {"calls", "space", "sites", "shapes_coarse", "log", "stacks", "not_durable"};
	struct text *text = views_scratch(views_of(table));

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (losses >> i & 1)
			text_add_bytes(text, names[i], strlen(names[i]) + 1);
	return value_list(text->bytes, text->length);
}

GETTER(process_file, struct process, process_text(table, item->file))
GETTER(process_program, struct process, value_filled(text_at(table->aggregate, item->program)))
GETTER(process_arguments, struct process, process_list(table, item->arguments, item->argument_bytes))
GETTER(process_environment, struct process, process_list(table, item->environment, item->environment_bytes))
GETTER(process_directory, struct process, value_filled(text_at(table->aggregate, item->directory)))
GETTER(process_host, struct process, process_text(table, item->host))
GETTER(process_pid, struct process, value_number(item->pid))
GETTER(process_parent, struct process, value_number(item->parent_pid))
GETTER(process_forked, struct process, value_number(item->forked))
GETTER(process_rank, struct process, value_unless_negative(item->rank))
GETTER(process_job_size, struct process, value_number_if(item->job_size != 0, item->job_size))
GETTER(process_launch, struct process, value_filled(text_at(table->aggregate, item->launch)))
GETTER(process_local_rank, struct process, value_number_if(item->local_rank != 0, item->local_rank - 1))
GETTER(process_step, struct process, value_filled(text_at(table->aggregate, item->step)))
GETTER(process_array_task, struct process, value_filled(text_at(table->aggregate, item->array_task)))
GETTER(process_restarts, struct process, value_number_if(item->restarts != 0, item->restarts))
GETTER(process_run, struct process, value_filled(text_at(table->aggregate, item->run)))
GETTER(process_id, struct process, value_text(id_text(table, item)))
GETTER(process_job, struct process, process_text(table, item->job))
GETTER(process_state_name, struct process, value_text(state_name(item->state)))
GETTER(process_exit, struct process, value_unless_negative(item->exit_status))
GETTER(process_signal, struct process, value_text(item->signal ? signal_name(item->signal) : NULL))
GETTER(process_complete, struct process, value_number(item->complete))
GETTER(process_started, struct process, value_text(start_text(table, item->start_realtime_ns)))
GETTER(process_elapsed, struct process, value_number_if(item->elapsed_ns != 0, item->elapsed_ns))
GETTER(process_time, struct process, value_sums_time(&item->sums))
GETTER(process_calls, struct process, value_number_if(item->answered, item->sums.calls))
GETTER(process_flops, struct process, value_number_if(item->answered, item->sums.flops))
GETTER(process_charged, struct process, value_number_if(item->answered, item->sums.charged))
GETTER(process_untimed, struct process,
       item->answered ? value_untimed(table, item->sums.untimed_calls) : value_number_if(false, 0))
GETTER(process_losses, struct process, losses_of(table, item->losses))

/* clang-format off */
static const struct column process_columns[] = {
	{ "file",        "dump",    COLUMN_TEXT,  0,               process_file },
	{ "program",     "",        COLUMN_TEXT,  COLUMN_NO_TEXT,  process_program },
	{ "arguments",   "",        COLUMN_LIST,  COLUMN_NO_TEXT,  process_arguments },
	{ "environment", "",        COLUMN_LIST,  COLUMN_NO_TEXT,  process_environment },
	{ "directory",   "",        COLUMN_TEXT,  COLUMN_NO_TEXT,  process_directory },
	{ "host",        "host",    COLUMN_TEXT,  0,               process_host },
	{ "pid",         "pid",     COLUMN_COUNT, COLUMN_NO_TEXT,  process_pid },
	{ "parent_pid",  "",        COLUMN_COUNT, COLUMN_NO_TEXT,  process_parent },
	{ "forked",      "",        COLUMN_BOOL,  COLUMN_NO_TEXT,  process_forked },
	{ "rank",        "rank",    COLUMN_COUNT, COLUMN_OPTIONAL, process_rank },
	{ "job",         "job",     COLUMN_TEXT,  COLUMN_OPTIONAL, process_job },
	{ "step",        "step",    COLUMN_TEXT,  COLUMN_OPTIONAL, process_step },
	{ "array_task",  "array task", COLUMN_TEXT, COLUMN_OPTIONAL, process_array_task },
	{ "state",       "state",   COLUMN_TEXT,  0,               process_state_name },
	{ "exit_status", "",        COLUMN_COUNT, COLUMN_NO_TEXT,  process_exit },
	{ "complete",    "",        COLUMN_BOOL,  COLUMN_NO_TEXT,  process_complete },
	{ "started",     "",        COLUMN_TEXT,  COLUMN_NO_TEXT,  process_started },
	{ "elapsed_ns",  "ran",     COLUMN_TIME,  COLUMN_OPTIONAL, process_elapsed },
	{ "calls",       "calls",   COLUMN_COUNT, 0,               process_calls },
	{ "flops",       "FLOPs",   COLUMN_FLOPS, 0,               process_flops },
	{ "charged",     "charged", COLUMN_FLOPS, COLUMN_CHARGED,  process_charged },
	{ "estimated_time_ns", "time", COLUMN_TIME, COLUMN_OPTIONAL, process_time },
	{ "losses",      "losses",  COLUMN_LIST,  COLUMN_OPTIONAL, process_losses },
	{ "restarts",    "",        COLUMN_COUNT, COLUMN_NO_TEXT,  process_restarts },
	{ "job_size",    "",        COLUMN_COUNT, COLUMN_NO_TEXT,  process_job_size },
	{ "local_rank",  "",        COLUMN_COUNT, COLUMN_NO_TEXT,  process_local_rank },
	{ "launch",      "",        COLUMN_TEXT,  COLUMN_NO_TEXT,  process_launch },
	{ "run",         "",        COLUMN_TEXT,  COLUMN_NO_TEXT,  process_run },
	{ "dump_id",     "",        COLUMN_TEXT,  COLUMN_NO_TEXT,  process_id },
	{ "signal",      "",        COLUMN_TEXT,  COLUMN_NO_TEXT,  process_signal },
	{ "calls_without_time", "no time", COLUMN_COUNT, COLUMN_RARE, process_untimed },
};
/* clang-format on */

static const void *process_at(const struct table *table, size_t row)
{
	return views_of(table)->launches.processes[row];
}

/* Processes are shown launch by launch, in the order of their ranks. */
static void list_processes(struct views *views, struct table *table)
{
	views_launches(views);
	table->item = process_at;
	table->row_count = views->aggregate->process_count;
}

const struct table_kind table_processes = {
	"process_list",
	"Processes",
	COLUMNS(process_columns),
	.list = list_processes,
};

/* Launches. */

/* The host of a process; NULL if there is no process. */
static const char *host_of(const struct table *table, const struct process *process)
{
	return process ? text_at(table->aggregate, process->host) : NULL;
}

GETTER(launch_job, struct launch, value_filled(text_at(table->aggregate, item->job)))
GETTER(launch_step, struct launch, value_filled(text_at(table->aggregate, item->step)))
GETTER(launch_array_task, struct launch, value_filled(text_at(table->aggregate, item->array_task)))
GETTER(launch_name, struct launch, value_filled(text_at(table->aggregate, item->name)))
GETTER(launch_told, struct launch, value_text(item->name == item->step ? NULL : text_at(table->aggregate, item->name)))
GETTER(launch_ranks, struct launch, value_number(item->size))
GETTER(launch_with_dump, struct launch, value_number(item->with_dump))
GETTER(launch_missing, struct launch, value_list(item->missing.bytes ? item->missing.bytes : "", item->missing.length))
GETTER(launch_program, struct launch, value_filled(text_at(table->aggregate, item->program)))
GETTER(launch_program_name, struct launch, value_filled(base_name(text_at(table->aggregate, item->program))))
GETTER(launch_calls, struct launch, value_number(item->calls))
GETTER(launch_flops, struct launch, value_number(item->balance.total))
GETTER(launch_time, struct launch, value_number_if(item->time_ns != 0, item->time_ns))
GETTER(launch_least, struct launch, value_number_if(item->balance.shares != 0, item->balance.least))
GETTER(launch_mean, struct launch,
       value_number_if(item->balance.shares != 0,
                       item->balance.shares ? item->balance.total / item->balance.shares : 0))
GETTER(launch_most, struct launch, value_number_if(item->balance.shares != 0, item->balance.most))
GETTER(launch_imbalance, struct launch, value_real(balance_imbalance(&item->balance), item->balance.shares != 0))
GETTER(launch_busiest, struct launch,
       value_number_if(item->balance.least != item->balance.most, item->balance.most_rank))
GETTER(launch_laziest, struct launch,
       value_number_if(item->balance.least != item->balance.most, item->balance.least_rank))
GETTER(launch_busiest_host, struct launch, value_text(host_of(table, item->balance.most_process)))
GETTER(launch_laziest_host, struct launch, value_text(host_of(table, item->balance.least_process)))

/* clang-format off */
static const struct column launch_columns[] = {
	{ "job",          "job",       COLUMN_TEXT,   COLUMN_OPTIONAL,  launch_job },
	{ "step",         "step",      COLUMN_TEXT,   COLUMN_OPTIONAL,  launch_step },
	{ "array_task",   "array task", COLUMN_TEXT,  COLUMN_OPTIONAL,  launch_array_task },
	{ "launch",       "",          COLUMN_TEXT,   COLUMN_NO_TEXT,   launch_name },
	{ "told",         "launch",    COLUMN_TEXT,   COLUMN_ONLY_TEXT | COLUMN_OPTIONAL, launch_told },
	{ "program_name", "program",   COLUMN_TEXT,   COLUMN_ONLY_TEXT, launch_program_name },
	{ "ranks",        "ranks",     COLUMN_COUNT,  0,                launch_ranks },
	{ "with_dump",    "with dump", COLUMN_COUNT,  0,                launch_with_dump },
	{ "missing",      "",          COLUMN_LIST,   COLUMN_NO_TEXT,   launch_missing }, /* people read it above the tables */
	{ "program",      "",          COLUMN_TEXT,   COLUMN_NO_TEXT,   launch_program },
	{ "calls",        "calls",     COLUMN_COUNT,  0,                launch_calls },
	{ "flops",        "FLOPs",     COLUMN_FLOPS,  0,                launch_flops },
	{ "time_ns",      "time",      COLUMN_TIME,   COLUMN_OPTIONAL,  launch_time },
	{ "least_flops",  "least",     COLUMN_FLOPS,  0,                launch_least },
	{ "mean_flops",   "mean",      COLUMN_FLOPS,  0,                launch_mean },
	{ "most_flops",   "most",      COLUMN_FLOPS,  0,                launch_most },
	{ "imbalance",    "imbalance", COLUMN_CHANGE, 0,                launch_imbalance },
	{ "busiest_rank", "busiest",   COLUMN_NUMBER, 0,                launch_busiest },
	{ "busiest_host", "",          COLUMN_TEXT,   COLUMN_NO_TEXT,   launch_busiest_host },
	{ "laziest_rank", "laziest",   COLUMN_NUMBER, 0,                launch_laziest },
	{ "laziest_host", "",          COLUMN_TEXT,   COLUMN_NO_TEXT,   launch_laziest_host },
};
/* clang-format on */

static void list_launches(struct views *views, struct table *table)
{
	const struct launch_list *list = views_launches(views);

	table_set_items(table, list->launches, list->count, sizeof *list->launches);
}

const struct table_kind table_launches = {
	"launches",
	"Ranks and their dumps",
	COLUMNS(launch_columns),
	.list = list_launches,
};

/* Hosts. */

static struct value host_time_of(const struct host *host)
{
	struct value value = value_number_if(host->time_ns != 0, host->time_ns);

	value.estimated = host->timed_calls != host->calls;
	return value;
}

GETTER(host_name, struct host, value_text(text_at(table->aggregate, item->name)))
GETTER(host_processes, struct host, value_number(item->processes))
GETTER(host_calls, struct host, value_number(item->calls))
GETTER(host_flops, struct host, value_number(item->flops))
GETTER(host_share, struct host, value_ratio(item->flops, table->aggregate->totals.flops))
GETTER(host_time, struct host, host_time_of(item))
GETTER(host_untimed, struct host, value_untimed(table, item->untimed_calls))

/* clang-format off */
static const struct column host_columns[] = {
	{ "host",              "host",      COLUMN_TEXT,  0,               host_name },
	{ "processes",         "processes", COLUMN_COUNT, 0,               host_processes },
	{ "calls",             "calls",     COLUMN_COUNT, 0,               host_calls },
	{ "flops",             "FLOPs",     COLUMN_FLOPS, 0,               host_flops },
	{ "share",             "share",     COLUMN_SHARE, 0,               host_share },
	{ "estimated_time_ns", "time",      COLUMN_TIME,  COLUMN_OPTIONAL, host_time },
	{ "calls_without_time", "no time",  COLUMN_COUNT, COLUMN_RARE,     host_untimed },
};
/* clang-format on */

static void list_hosts(struct views *views, struct table *table)
{
	const struct launch_list *list = views_launches(views);

	table_set_items(table, list->hosts, list->host_count, sizeof *list->hosts);
}

const struct table_kind table_hosts = {"hosts", "By host", COLUMNS(host_columns), .list = list_hosts};

/* Notes. */

static const struct note_kind {
	const char *name, *meaning;
} note_kinds[] = {
	[DUMP_NOTE_NOT_BLAS] = {"not_blas", "does not look like a BLAS or LAPACK: its calls were passed on, uncounted"},
	[DUMP_NOTE_HIDDEN] = {"hidden", "comes before libflopshim.so in the search order: its calls were not seen"},
	[DUMP_NOTE_THUNKS_FULL] = {"thunks_full",
                                   "was asked of dlsym after too many others: calls through its address were not seen"},
	[DUMP_NOTE_OUTER_UNPRICED] = {"outer_unpriced",
                                      "has no price: the work inside it was neither charged nor limited"},
	[DUMP_NOTE_ENVIRONMENT] = {"environment", "a setting whose value was wrong"},
	[DUMP_NOTE_PYTHON] = {"python", "its Python frames could not be read: so many stacks lack them"},
	[DUMP_NOTE_MESSAGE] = {"message", "a message that could not be written to standard error"},
	[DUMP_NOTE_ADDRESS] = {"address", "called through an address that may be another library's"},
	[DUMP_NOTE_UNSERVED] = {"unserved",
                                "looks like a BLAS or LAPACK routine that this version does not know: its calls were "
                                "not seen"},
	[DUMP_NOTE_OWN_PROGRAM] =
		{"own_program",
                 "the program contains its own BLAS, whose calls cannot be seen; link the program to a shared "
                 "BLAS instead"},
	[DUMP_NOTE_OWN_LIBRARY] =
		{"own_library",
                 "contains its own BLAS, which it calls without the dynamic linker: these calls cannot be "
                 "seen; link it to a shared BLAS instead of a static one, and without -Bsymbolic"},
	[DUMP_NOTE_DEEPBIND] = {"deepbind",
                                "bound to its BLAS without the shim, by RTLD_DEEPBIND: its calls were not seen"},
};

static const struct note_key *key_of(const struct table *table, const struct note *note)
{
	return intern_at(&table->aggregate->notes, (uint32_t)(note - table->aggregate->note_totals));
}

static const struct note_kind *kind_of(const struct table *table, const struct note *note)
{
	static const struct note_kind other = {"other", ""};
	uint32_t kind = key_of(table, note)->kind;

	return kind < sizeof note_kinds / sizeof *note_kinds && note_kinds[kind].name ? &note_kinds[kind] : &other;
}

GETTER(note_text, struct note, value_text(text_at(table->aggregate, key_of(table, item)->text)))
GETTER(note_kind_name, struct note, value_text(kind_of(table, item)->name))
GETTER(note_count, struct note, value_number(item->count))
GETTER(note_processes, struct note, value_number(item->processes))
GETTER(note_meaning, struct note, value_text(kind_of(table, item)->meaning))

/* clang-format off */
static const struct column note_columns[] = {
	{ "text",      "what",    COLUMN_TEXT,  0,               note_text },
	{ "kind",      "",        COLUMN_TEXT,  COLUMN_NO_TEXT,  note_kind_name },
	{ "count",     "times",   COLUMN_COUNT, COLUMN_OPTIONAL, note_count },
	{ "processes", "",        COLUMN_COUNT, COLUMN_NO_TEXT,  note_processes },
	{ "meaning",   "meaning", COLUMN_TEXT,  0,               note_meaning },
};
/* clang-format on */

static int compare_notes(const void *a, const void *b, void *of)
{
	const struct note *x = *(const struct note *const *)a, *y = *(const struct note *const *)b;
	const struct table *table = of;
	int order = order_numbers(key_of(table, x)->kind, key_of(table, y)->kind);

	return order ? order : order_texts(table->aggregate, key_of(table, x)->text, key_of(table, y)->text);
}

static const void *note_at(const struct table *table, size_t row) { return views_of(table)->notes[row]; }

static void list_notes(struct views *views, struct table *table)
{
	const struct aggregate *aggregate = views->aggregate;

	free(views->notes);
	views->notes = memory_new(aggregate->notes.count, sizeof *views->notes);
	for (size_t i = 0; i < aggregate->notes.count; i++)
		views->notes[i] = &aggregate->note_totals[i];
	if (aggregate->notes.count)
		qsort_r(views->notes, aggregate->notes.count, sizeof *views->notes, compare_notes, table);
	table->item = note_at;
	table->row_count = aggregate->notes.count;
}

const struct table_kind table_notes = {
	"notes",
	"Out of reach, and other remarks",
	COLUMNS(note_columns),
	.list = list_notes,
};

/* Damage. */

GETTER(damage_file, struct damage, value_text(text_at(table->aggregate, item->file)))
GETTER(damage_text, struct damage, value_text(item->text))
GETTER(damage_count, struct damage, value_number(item->count))
GETTER(damage_host, struct damage, value_filled(text_at(table->aggregate, item->host)))

/* clang-format off */
static const struct column damage_columns[] = {
	{ "file",  "dump",  COLUMN_TEXT,  0,               damage_file },
	{ "text",  "what",  COLUMN_TEXT,  0,               damage_text },
	{ "count", "times", COLUMN_COUNT, 0,               damage_count },
	{ "host",  "on",    COLUMN_TEXT,  COLUMN_OPTIONAL, damage_host },
};
/* clang-format on */

static void list_damage(struct views *views, struct table *table)
{
	const struct aggregate *aggregate = views->aggregate;

	table_set_items(table, aggregate->damage, aggregate->damage_count, sizeof *aggregate->damage);
}

const struct table_kind table_damage = {"damage", "Damaged or missing", COLUMNS(damage_columns), .list = list_damage};
