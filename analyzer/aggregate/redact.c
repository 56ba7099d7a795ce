/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * redact.c - replaces texts of an aggregate by what of them may be passed on.
 * It must never leave a text as it is because its role is not known: all that is left of it then has no path in it.
 */
#include "analyzer/aggregate/redact.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/aggregate/order.h"
#include "analyzer/base/memory.h"
#include "analyzer/base/text.h"
#include "names.h"

/* What a text of the aggregate is used as. Of several uses, the last one in this list counts. */
enum role {
	ROLE_OTHER,
	ROLE_NAME,   /* of a routine, an argument or a charge */
	ROLE_JOB,    /* a name that a launcher or a batch system has given, which may have a host in it */
	ROLE_PYTHON, /* lines of Python, "function (file:line)" each */
	ROLE_PATH,
	ROLE_HOST,
	ROLE_LEFT_OUT,
};

struct redaction {
	struct aggregate *aggregate;
	unsigned char *roles; /* by number of a text */
	uint32_t *hosts;      /* texts that are hosts, in the order of their names */
	char **names_of_hosts;
	size_t host_count;
	struct intern modules; /* names that modules have got */
	redact_folders *folders;
	void *context;
};

static void note(struct redaction *redaction, uint32_t text, enum role role)
{
	if (text != AGGREGATE_NONE && redaction->roles[text] < role)
		redaction->roles[text] = (unsigned char)role;
}

static void note_process(struct redaction *redaction, struct process *process)
{
	note(redaction, process->arguments, ROLE_LEFT_OUT);
	note(redaction, process->environment, ROLE_LEFT_OUT);
	note(redaction, process->directory, ROLE_LEFT_OUT);
	note(redaction, process->file, ROLE_PATH);
	note(redaction, process->program, ROLE_PATH);
	note(redaction, process->host, ROLE_HOST);
	note(redaction, process->job, ROLE_JOB);
	note(redaction, process->launch, ROLE_JOB);
	note(redaction, process->run, ROLE_JOB);
	note(redaction, process->step, ROLE_JOB);
	note(redaction, process->array_task, ROLE_JOB);
	process->argument_bytes = process->environment_bytes = 0;
}

static void note_names(struct redaction *redaction)
{
	const struct aggregate *aggregate = redaction->aggregate;

	for (uint32_t i = 0; i < aggregate->routines.count; i++) {
		const struct routine_key *routine = routine_of(aggregate, i);

		note(redaction, routine->name, ROLE_NAME);
		for (unsigned j = 0; j < routine->option_count; j++)
			note(redaction, routine->options[j], ROLE_NAME);
		for (unsigned j = 0; j < routine->dim_count; j++)
			note(redaction, routine->dims[j], ROLE_NAME);
	}
	for (uint32_t i = 0; i < aggregate->sites.count; i++) {
		note(redaction, site_of(aggregate, i)->symbol, ROLE_NAME);
		note(redaction, site_of(aggregate, i)->detail, ROLE_NAME);
	}
}

static void note_all(struct redaction *redaction)
{
	const struct aggregate *aggregate = redaction->aggregate;

	for (size_t i = 0; i < aggregate->process_count; i++)
		note_process(redaction, &aggregate->processes[i]);
	for (uint32_t i = 0; i < aggregate->modules.count; i++) {
		note(redaction, module_of(aggregate, i)->path, ROLE_PATH);
		note(redaction, aggregate->module_totals[i].path, ROLE_PATH);
		note(redaction, aggregate->module_totals[i].host, ROLE_HOST);
	}
	for (uint32_t i = 0; i < aggregate->workers.count; i++)
		note(redaction, worker_of(aggregate, i)->host, ROLE_HOST);
	for (uint32_t i = 0; i < aggregate->stacks.count; i++)
		note(redaction, stack_of(aggregate, i)->python, ROLE_PYTHON);
	for (size_t i = 0; i < aggregate->damage_count; i++) {
		note(redaction, aggregate->damage[i].file, ROLE_PATH);
		note(redaction, aggregate->damage[i].host, ROLE_HOST);
	}
	for (size_t i = 0; i < aggregate->version_count; i++)
		note(redaction, aggregate->versions[i].file, ROLE_PATH);
	for (uint32_t i = 0; i < aggregate->notes.count; i++) {
		const struct note_key *key = intern_at(&aggregate->notes, i);

		if (key->kind == DUMP_NOTE_ENVIRONMENT || key->kind == DUMP_NOTE_MESSAGE)
			note(redaction, key->text, ROLE_LEFT_OUT);
	}
}

/* ---- hosts ---- */

static int compare_hosts(const void *a, const void *b, void *of)
{
	return order_texts(of, *(const uint32_t *)a, *(const uint32_t *)b);
}

static void name_hosts(struct redaction *redaction)
{
	struct aggregate *aggregate = redaction->aggregate;

	redaction->hosts = memory_new(aggregate->texts.count, sizeof *redaction->hosts);
	for (uint32_t i = 0; i < aggregate->texts.count; i++)
		if (redaction->roles[i] == ROLE_HOST && *text_at(aggregate, i))
			redaction->hosts[redaction->host_count++] = i;
	if (redaction->host_count)
		qsort_r(redaction->hosts, redaction->host_count, sizeof *redaction->hosts, compare_hosts, aggregate);
	redaction->names_of_hosts = memory_new(redaction->host_count, sizeof *redaction->names_of_hosts);
	for (size_t i = 0; i < redaction->host_count; i++)
		redaction->names_of_hosts[i] = memory_format("host-%zu", i + 1);
}

/*
 * Returns the host that a text begins with, as a word of its own, by its place; the number of hosts if it begins with none. The
 * longest one counts, which comes last of those that begin alike.
 */
static size_t host_at(const struct redaction *redaction, const char *text)
{
	for (size_t i = redaction->host_count; i-- > 0;) {
		const char *host = text_at(redaction->aggregate, redaction->hosts[i]);
		size_t length = strlen(host);

		if (!strncmp(text, host, length) && !isalnum((unsigned char)text[length]))
			return i;
	}
	return redaction->host_count;
}

/* ---- texts ---- */

/* Adds a text with base names in place of paths, and with the new names of hosts. */
static void add_scrubbed(const struct redaction *redaction, struct text *result, const char *text)
{
	bool begins = true; /* a path or a host may begin here */

	text_add(result, "");
	while (*text) {
		size_t host = begins ? host_at(redaction, text) : redaction->host_count;
		size_t length = 1;

		if (host < redaction->host_count) {
			text_add(result, redaction->names_of_hosts[host]);
			length = strlen(text_at(redaction->aggregate, redaction->hosts[host]));
		} else if (begins && *text == '/') {
			char *path = memory_text(text, length = strcspn(text, " \t\n'\",;:()="));

			text_add(result, base_name(path));
			free(path);
		} else {
			text_add_byte(result, *text);
		}
		begins = !isalnum((unsigned char)text[length - 1]);
		text += length;
	}
}

/* Adds the function of each line, and whose file it is in unless that is the user's. */
static void add_functions(const struct redaction *redaction, struct text *result, const char *lines)
{
	text_add(result, "");
	while (*lines) {
		size_t length = strcspn(lines, "\n");
		const char *file = memmem(lines, length, " (", 2);

		text_add_bytes(result, lines, file ? (size_t)(file - lines) : length);
		if (file) {
			char *path = memory_text(file + 2, (size_t)(lines + length - file) - 2),
			     *end = strrchr(path, ':');
			const char *folders;

			if (end)
				*end = 0;
			folders = *path == '<' ? path : redaction->folders(redaction->context, path);
			if (*folders)
				text_format(result, " (%s)", folders);
			free(path);
		}
		text_add(result, lines[length] ? "\n" : "");
		lines += length + (lines[length] != 0);
	}
}

static void add_redacted(const struct redaction *redaction, struct text *result, uint32_t number)
{
	const char *text = text_at(redaction->aggregate, number);

	switch ((enum role)redaction->roles[number]) {
	case ROLE_NAME: text_add(result, text); break;
	case ROLE_OTHER:
	case ROLE_JOB: add_scrubbed(redaction, result, text); break;
	case ROLE_PYTHON: add_functions(redaction, result, text); break;
	case ROLE_PATH:
		if (strchr(text, '/') && *redaction->folders(redaction->context, text))
			text_format(result, "%s/", redaction->folders(redaction->context, text));
		text_add(result, base_name(text));
		break;
	case ROLE_HOST: text_add(result, *text ? redaction->names_of_hosts[host_at(redaction, text)] : ""); break;
	case ROLE_LEFT_OUT: text_add(result, ""); break;
	}
}

/* Two modules must not become one, since each has addresses of its own. */
static void make_distinct(struct redaction *redaction, struct text *name)
{
	size_t known = redaction->modules.count, length = name->length;

	for (unsigned copy = 2; intern_text(&redaction->modules, name->bytes) != known; copy++) {
		name->length = length;
		text_format(name, " (%u)", copy);
		known = redaction->modules.count;
	}
}

static void replace(struct aggregate *aggregate, uint32_t number, const struct text *by)
{
	struct intern_entry *entry = &aggregate->texts.entries[number];
	char *bytes = arena_take(&aggregate->texts.arena, by->length + 1);

	memcpy(bytes, by->bytes, by->length);
	*entry = (struct intern_entry){bytes, by->length};
}

void aggregate_redact(struct aggregate *aggregate, redact_folders *folders, void *context)
{
	struct redaction redaction = {.aggregate = aggregate,
	                              .folders = folders,
	                              .context = context,
	                              .roles = memory_new(aggregate->texts.count, sizeof *redaction.roles)};
	struct text *texts = memory_new(aggregate->texts.count, sizeof *texts), scrubbed = {0};

	note_names(&redaction);
	note_all(&redaction);
	name_hosts(&redaction);
	for (uint32_t i = 0; i < aggregate->texts.count; i++) {
		add_redacted(&redaction, &texts[i], i);
		if (redaction.roles[i] == ROLE_PATH && texts[i].length)
			make_distinct(&redaction, &texts[i]);
	}
	for (size_t i = 0; i < aggregate->damage_count; i++) {
		struct damage *damage = &aggregate->damage[i];

		text_clear(&scrubbed);
		add_scrubbed(&redaction, &scrubbed, damage->text);
		free(damage->text);
		damage->text = memory_text(scrubbed.bytes, scrubbed.length);
	}
	for (uint32_t i = 0; i < aggregate->texts.count; i++) { /* now that nothing looks at the old ones any more */
		replace(aggregate, i, &texts[i]);
		text_free(&texts[i]);
	}
	for (size_t i = 0; i < redaction.host_count; i++)
		free(redaction.names_of_hosts[i]);
	free(redaction.names_of_hosts);
	free(redaction.hosts);
	free(redaction.roles);
	intern_free(&redaction.modules);
	text_free(&scrubbed);
	free(texts);
}
