/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * redact.c - replaces texts of an aggregate by what of them may be passed on.
 * It must never leave a text as it is because its role is not known: all that is left of it then has no path in it.
 */
#include "analyzer/aggregate/redact.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyzer/aggregate/order.h"
#include "analyzer/base/memory.h"
#include "analyzer/base/text.h"
#include "analyzer/read/system.h"
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

/* A name of a host: its own or, if that has a domain, the part before the domain. */
struct host_name {
	char *name;
	size_t length, host; /* `host`: its place in the order of hosts */
};

struct redaction {
	struct aggregate *aggregate;
	unsigned char *roles; /* by number of a text */
	size_t role_capacity;
	uint32_t *hosts; /* texts that are hosts, in the order of their names */
	char **names_of_hosts;
	size_t host_count;
	struct host_name *host_names; /* the longest first */
	size_t host_name_count;
	struct intern separated; /* texts of hosts that are a name of something else, too */
	uint32_t first_separated;
	struct intern modules; /* names that modules have got */
	struct intern folders; /* of all paths, each with a slash at its end */
	redact_folders *folders_of;
	void *context;
};

static void note(struct redaction *redaction, uint32_t text, enum role role)
{
	if (text != AGGREGATE_NONE && redaction->roles[text] < role)
		redaction->roles[text] = (unsigned char)role;
}

/*
 * Notes a host. One with the name of a routine or of an argument, such as n, has one text with it, of which only the host is to be
 * replaced: it gets a text of its own.
 */
static void note_host(struct redaction *redaction, uint32_t *host)
{
	struct aggregate *aggregate = redaction->aggregate;

	if (*host != AGGREGATE_NONE && *host < redaction->first_separated && redaction->roles[*host] == ROLE_NAME)
		*host = redaction->first_separated + intern_text(&redaction->separated, text_at(aggregate, *host));
	else
		note(redaction, *host, ROLE_HOST);
}

/* Notes the folders that a path lies in. */
static void note_folders(struct redaction *redaction, const char *path, size_t length)
{
	for (size_t i = 1; i < length; i++) /* a slash at the beginning is no folder that is to be left out */
		if (path[i] == '/')
			intern_bytes(&redaction->folders, path, i + 1);
}

static void note_path(struct redaction *redaction, uint32_t text)
{
	const char *path = text_at(redaction->aggregate, text);

	note(redaction, text, ROLE_PATH);
	note_folders(redaction, path, strlen(path));
}

static void note_directory(struct redaction *redaction, uint32_t text)
{
	char *folder = memory_format("%s/", text_at(redaction->aggregate, text));

	note(redaction, text, ROLE_LEFT_OUT);
	note_folders(redaction, folder, strlen(folder));
	free(folder);
}

static void note_python(struct redaction *redaction, uint32_t text)
{
	const char *lines = text_at(redaction->aggregate, text);

	note(redaction, text, ROLE_PYTHON);
	while (*lines) {
		size_t length = strcspn(lines, "\n");
		struct python_frame frame = python_frame_split(lines, length);

		if (frame.file)
			note_folders(redaction, frame.file, frame.file_length);
		lines += length + (lines[length] != 0);
	}
}

static void note_process(struct redaction *redaction, struct process *process)
{
	note(redaction, process->arguments, ROLE_LEFT_OUT);
	note(redaction, process->environment, ROLE_LEFT_OUT);
	note_directory(redaction, process->directory);
	note_path(redaction, process->file);
	note_path(redaction, process->program);
	note_host(redaction, &process->host);
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

/* Gives the texts of hosts that were separated numbers of their own, and the roles of hosts. */
static void add_separated(struct redaction *redaction)
{
	struct aggregate *aggregate = redaction->aggregate;

	for (uint32_t i = 0; i < redaction->separated.count; i++) {
		/* no text has these bytes: the 0 is never in a host */
		char *apart = memory_format("%s.host", (const char *)intern_at(&redaction->separated, i));
		size_t length = strlen(apart);
		uint32_t number;

		apart[length - sizeof ".host" + 1] = 0;
		number = intern_bytes(&aggregate->texts, apart, length);
		redaction->roles = memory_grow(redaction->roles, number, &redaction->role_capacity, 1);
		redaction->roles[number] = ROLE_HOST;
		free(apart);
	}
}

static void note_all(struct redaction *redaction)
{
	struct aggregate *aggregate = redaction->aggregate;

	for (size_t i = 0; i < aggregate->process_count; i++)
		note_process(redaction, &aggregate->processes[i]);
	for (uint32_t i = 0; i < aggregate->modules.count; i++) {
		note_path(redaction, module_of(aggregate, i)->path);
		note_path(redaction, aggregate->module_totals[i].path);
		note_host(redaction, &aggregate->module_totals[i].host);
	}
	/* Nothing is looked up by the key of a worker any more. */
	for (uint32_t i = 0; i < aggregate->workers.count; i++)
		note_host(redaction, &((struct worker_key *)(uintptr_t)worker_of(aggregate, i))->host);
	for (uint32_t i = 0; i < aggregate->stacks.count; i++)
		note_python(redaction, stack_of(aggregate, i)->python);
	for (size_t i = 0; i < aggregate->damage_count; i++) {
		note_path(redaction, aggregate->damage[i].file);
		note_host(redaction, &aggregate->damage[i].host);
	}
	for (size_t i = 0; i < aggregate->version_count; i++)
		note_path(redaction, aggregate->versions[i].file);
	for (uint32_t i = 0; i < aggregate->notes.count; i++) {
		const struct note_key *key = intern_at(&aggregate->notes, i);

		if (key->kind == DUMP_NOTE_ENVIRONMENT || key->kind == DUMP_NOTE_MESSAGE)
			note(redaction, key->text, ROLE_LEFT_OUT);
	}
	add_separated(redaction);
}

/* ---- hosts ---- */

/* Orders host-10 behind host-2, so that the hosts of a redacted page keep their names. */
static int compare_hosts(const void *a, const void *b, void *of)
{
	return strverscmp(text_at(of, *(const uint32_t *)a), text_at(of, *(const uint32_t *)b));
}

static int compare_host_names(const void *a, const void *b)
{
	const struct host_name *x = a, *y = b;

	if (x->length != y->length)
		return x->length > y->length ? -1 : 1;
	return (x->host > y->host) - (x->host < y->host);
}

static void add_host_name(struct redaction *redaction, size_t host, const char *name, size_t length)
{
	redaction->host_names[redaction->host_name_count++] =
		(struct host_name){memory_text(name, length), length, host};
}

/* Gives hosts their new names, and lists those by which texts may name them. */
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
	redaction->host_names = memory_new(2 * redaction->host_count, sizeof *redaction->host_names);
	for (size_t i = 0; i < redaction->host_count; i++) {
		const char *name = text_at(aggregate, redaction->hosts[i]);
		size_t label = strcspn(name, ".");

		redaction->names_of_hosts[i] = memory_format("host-%zu", i + 1);
		add_host_name(redaction, i, name, strlen(name));
		if (name[label] && strspn(name, "0123456789") < label) /* the first part of an address is no name */
			add_host_name(redaction, i, name, label);
	}
	if (redaction->host_name_count)
		qsort(redaction->host_names, redaction->host_name_count, sizeof *redaction->host_names,
		      compare_host_names);
}

/* The host that a text begins with, as a word of its own; NULL if it begins with none. The longest name counts. */
static const struct host_name *host_at(const struct redaction *redaction, const char *text)
{
	for (size_t i = 0; i < redaction->host_name_count; i++) {
		const struct host_name *host = &redaction->host_names[i];

		if (!strncasecmp(text, host->name, host->length) && !isalnum((unsigned char)text[host->length]))
			return host;
	}
	return NULL;
}

/* Whether a part of a name, behind its dot, is the ending of a file's name rather than the end of a domain. */
static bool is_ending(const char *part, size_t length)
{
	static const char *const endings[] = {DUMP_ENDING, ".html"};

	for (unsigned i = 0; i < sizeof endings / sizeof *endings; i++)
		if (strlen(endings[i]) == length && !strncmp(part, endings[i], length))
			return true;
	return false;
}

/* How many bytes a domain has that stands behind a host's name. */
static size_t domain_length(const char *text)
{
	size_t length = 0;

	while (text[length] == '.' && isalnum((unsigned char)text[length + 1])) {
		size_t label = 1;

		while (isalnum((unsigned char)text[length + label]) || text[length + label] == '-')
			label++;
		if (is_ending(text + length, label))
			break;
		length += label;
	}
	return length;
}

/* ---- texts ---- */

/* How many bytes of a text are folders that some path of the aggregate lies in; 0 if it does not begin with any. */
static size_t known_folders(const struct redaction *redaction, const char *text)
{
	size_t known = 0;

	for (size_t i = 0; text[i] && text[i] != '\n' && i - known <= NAME_MAX; i++) {
		if (text[i] != '/' || !i)
			continue;
		if (intern_find(&redaction->folders, text, i + 1) == INTERN_NONE)
			break; /* nor are any below it */
		known = i + 1;
	}
	return known;
}

/* Whether a path ends before this byte for certain: at the end of a line, at a mark with a blank behind it, or before another path. */
static bool path_ends(const char *at)
{
	if (!*at || *at == '\n')
		return true;
	if (*at == ' ' || *at == '\t')
		return at[1] == '/';
	return strchr("'\",;:()", *at) && (!at[1] || strchr(" \t\n'\",;:()", at[1]));
}

/*
 * How many bytes of a text are the folders of a path that it begins with; 0 if it begins with none. Names of folders may have blanks
 * and other marks in them: what stands before the last slash is left out even if some of it may be no path.
 */
static size_t folders_length(const struct redaction *redaction, const char *text)
{
	size_t folders = known_folders(redaction, text);

	if (!folders && *text != '/')
		return 0;
	for (size_t i = folders; !path_ends(text + i); i++)
		if (text[i] == '/')
			folders = i + 1;
	return folders;
}

/* Adds a text with base names in place of paths, and with the new names of hosts. */
static void add_scrubbed(const struct redaction *redaction, struct text *result, const char *text)
{
	bool begins = true; /* a path or a host may begin here */

	text_add(result, "");
	while (*text) {
		const struct host_name *host;
		size_t folders = begins ? folders_length(redaction, text) : 0;

		text += folders; /* a host may begin where they end */
		host = begins ? host_at(redaction, text) : NULL;
		if (host) {
			text_add(result, redaction->names_of_hosts[host->host]);
			text += host->length;
			text += domain_length(text);
			begins = false;
		} else if (*text) {
			begins = !isalnum((unsigned char)*text);
			text_add_byte(result, *text++);
		}
	}
}

/*
 * Adds what may be told of the file of a frame that is none, such as <template /home/me/page.html>: its first word, unless
 * more has neither a path nor the name of a file in it.
 */
static void add_no_file(struct text *result, const char *file, size_t length)
{
	static const char frozen[] = "<frozen ";
	size_t word = 1;

	while (word < length && !strchr(" \t/\\>", file[word]))
		word++;
	if (word == 1 || (word < length && strchr("/\\", file[word])))
		text_add(result, "<file>");
	else if (memchr(file, '/', length) || memchr(file, '\\', length) ||
	         (memchr(file + word, '.', length - word) && strncmp(file, frozen, sizeof frozen - 1) != 0))
		text_format(result, "%.*s>", (int)word, file);
	else
		text_add_bytes(result, file, length);
}

/* Adds the function of each line, and whose file it is in unless that is the user's. */
static void add_functions(const struct redaction *redaction, struct text *result, const char *lines)
{
	text_add(result, "");
	while (*lines) {
		size_t length = strcspn(lines, "\n");
		struct python_frame frame = python_frame_split(lines, length);
		char *path = frame.file ? memory_text(frame.file, frame.file_length) : NULL;
		const char *folders = path ? redaction->folders_of(redaction->context, path) : "";

		text_add_bytes(result, lines, frame.function_length);
		if (path && *path == '<') {
			text_add(result, " (");
			add_no_file(result, path, frame.file_length);
			text_add_byte(result, ')');
		} else if (*folders) {
			text_format(result, " (%s)", folders);
		}
		free(path);
		text_add(result, lines[length] ? "\n" : "");
		lines += length + (lines[length] != 0);
	}
}

/*
 * Adds what stands in place of the name of a job, a launch or a run. A number stays, but not an address. Any other name may have that of a host in it
 * which no process ran on; a hash of it keeps those alike that were, and is too short for anybody to guess the name from it.
 */
static void add_job(struct text *result, const char *name)
{
	enum { HASH_DIGITS = 6 };
	static const char beginning[] = "job-";
	size_t length = strlen(name);
	bool is_number = strspn(name, "0123456789._-+[]") == length && strchr(name, '.') == strrchr(name, '.');
	bool is_redacted = !strncmp(name, beginning, sizeof beginning - 1) &&
	                   length == sizeof beginning - 1 + HASH_DIGITS &&
	                   strspn(name + sizeof beginning - 1, "0123456789abcdef") == HASH_DIGITS;

	if (is_number || is_redacted)
		text_add(result, name);
	else
		text_format(result, "%s%0*x", beginning, HASH_DIGITS,
		            (unsigned)hash_bytes(0, name, length) & ((1u << 4 * HASH_DIGITS) - 1));
}

/* Adds the last part of a path, behind what says whose it is. */
static void add_path(const struct redaction *redaction, struct text *result, const char *path)
{
	const char *folders = strchr(path, '/') ? redaction->folders_of(redaction->context, path) : "";

	text_add(result, folders);
	text_add(result, *folders ? "/" : "");
	add_scrubbed(redaction, result, base_name(path));
}

static const char *new_name(const struct redaction *redaction, uint32_t host)
{
	for (size_t i = 0; i < redaction->host_count; i++)
		if (redaction->hosts[i] == host)
			return redaction->names_of_hosts[i];
	return ""; /* of a host without a name */
}

static void add_redacted(const struct redaction *redaction, struct text *result, uint32_t number)
{
	const char *text = text_at(redaction->aggregate, number);

	switch ((enum role)redaction->roles[number]) {
	case ROLE_NAME: text_add(result, text); break;
	case ROLE_OTHER: add_scrubbed(redaction, result, text); break;
	case ROLE_JOB: add_job(result, text); break;
	case ROLE_PYTHON: add_functions(redaction, result, text); break;
	case ROLE_PATH: add_path(redaction, result, text); break;
	case ROLE_HOST: text_add(result, new_name(redaction, number)); break;
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
	                              .folders_of = folders,
	                              .context = context,
	                              .first_separated = (uint32_t)aggregate->texts.count,
	                              .roles = memory_new(aggregate->texts.count, sizeof *redaction.roles),
	                              .role_capacity = aggregate->texts.count};
	struct text *texts, scrubbed = {0};

	note_names(&redaction);
	note_all(&redaction);
	name_hosts(&redaction);
	texts = memory_new(aggregate->texts.count, sizeof *texts);
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
	for (size_t i = 0; i < redaction.host_name_count; i++)
		free(redaction.host_names[i].name);
	free(redaction.host_names);
	free(redaction.hosts);
	free(redaction.roles);
	intern_free(&redaction.modules);
	intern_free(&redaction.folders);
	intern_free(&redaction.separated);
	text_free(&scrubbed);
	free(texts);
}
