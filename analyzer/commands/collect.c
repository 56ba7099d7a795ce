/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * collect.c - the command `collect`: moves the counts that wait on this machine to where their programs wanted their dumps.
 * It must never remove a dump before the file that holds its counts has its final name.
 *
 * Dumps of one group that go to one folder become one file there. If the file is there already, because the same group was
 * collected before, the new dumps are added to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/merging.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/waiting.h"
#include "analyzer/commands/write_file.h"
#include "analyzer/read/system.h"
#include "local.h"
#include "names.h"
#include "variables.h"

enum {
	LOCK_PAUSES = 100, /* so often at most the lock of a directory is tried again */
	LOCK_PAUSE_NS = 100000000,
	ATTEMPTS = 3, /* to write a file that another process may make at the same time */
};

static const char usage[] =
	"Usage: flopshim-report collect [OPTION ...] [DIRECTORY ...]\n\n"
	"Moves what programs under " VARIABLE(
		OUT) "=" LOCAL_PREFIX "DIR have counted on this machine to DIR. "
		     "The dumps of\n"
		     "each step, or launch, become one file there, which every command but 'calls' reads in their\n"
		     "place. Run it on each node when the job has ended; the plugin for Slurm does so by itself. A\n"
		     "DIRECTORY is the TMPDIR that the programs had; without one, it is TMPDIR, or " LOCAL_BASE ".\n";

struct request {
	const char *output, *job, *step, *user;
	mode_t mode; /* 0: that of the dumps */
	bool keep, quiet, ended;
};

static int take_text(const char **text, const char *option, const char *value)
{
	*text = value;
	return *value ? -1 : usage_error("collect", "%s: expected a value", option);
}

static int take_option(void *context, int code, const char *value)
{
	struct request *request = context;

	switch (code) {
	case OPTION_OUTPUT: return take_text(&request->output, "-o", value);
	case OPTION_JOB: return take_text(&request->job, "--job", value);
	case OPTION_STEP: return take_text(&request->step, "--step", value);
	case OPTION_USER: return take_text(&request->user, "--user", value);
	case OPTION_KEEP: request->keep = true; return -1;
	case OPTION_ENDED: request->ended = true; return -1;
	case OPTION_QUIET: request->quiet = true; return -1;
	default:
		return merging_mode(value, &request->mode)
		               ? -1
		               : usage_error("collect", "--mode %s: " MERGING_MODE_EXPECTED, value);
	}
}

/* ---- what waits ---- */

/* Returns the worse of two exit statuses. */
static int worse(int a, int b) { return a == EXIT_ERROR || b == EXIT_ERROR ? EXIT_ERROR : a > b ? a : b; }

/* A dump that waits. */
struct source {
	char *path, *directory; /* where it is, and where its counts are to be written */
	char *version;          /* of the routine table that priced its calls */
	mode_t mode;
	uint64_t id[2], calls;
	bool is_in;   /* the file that was written holds all of its calls */
	bool sound;   /* it is not damaged */
	bool ordered; /* it has an ordered record of calls, which merging leaves out */
};

struct sources {
	struct source *source;
	size_t count, capacity;
	size_t running; /* number of dumps whose processes still run */
	bool all;       /* no dump had to be left for another reason */
};

/* Returns the value of a variable that the process had, NULL if it had none. */
static const char *variable_of(const struct aggregate *aggregate, const struct process *process, const char *name)
{
	const char *at = text_at(aggregate, process->environment), *end = at + process->environment_bytes;
	size_t length = strlen(name);

	for (; at < end; at += strlen(at) + 1)
		if (!strncmp(at, name, length) && at[length] == '=')
			return at + length + 1;
	return NULL;
}

/* Returns the path of the directory that the process wanted its dump in; NULL if it has not said so. */
static char *directory_of(const struct aggregate *aggregate, const struct process *process)
{
	const char *out = variable_of(aggregate, process, VARIABLE(OUT));
	const char *start = text_at(aggregate, process->directory);

	if (!out || strncmp(out, LOCAL_PREFIX, strlen(LOCAL_PREFIX)))
		return NULL;
	out += strlen(LOCAL_PREFIX);
	if (*out == '/')
		return memory_text(out, strlen(out));
	return *start ? memory_format("%s/%s", start, out) : NULL;
}

/* Why a dump that was read cannot be collected here; NULL if it can. */
static const char *why_left(const struct aggregate *aggregate, const struct process *process,
                            const struct request *request)
{
	if (aggregate->merged)
		return "it is a merged dump";
	if (!process || !aggregate->answered)
		return aggregate->damage_count ? aggregate->damage[0].text : "it holds no counts";
	if (process->damaged)
		return "its header is damaged, so that it cannot be told whether its process still runs";
	if (process->state == PROCESS_UNKNOWN && !request->ended)
		return "it cannot be told whether its process has ended, which ran on another host or in a container; "
		       "collect it there, or give --ended if it has";
	return NULL;
}

/* Adds a dump to those that can be collected, or says why it cannot be. */
static void look_at(struct sources *sources, const struct request *request, const char *path)
{
	struct source source = {0};
	struct aggregate aggregate;
	const struct process *process;
	const char *why;
	struct stat status;
	int error;

	merging_open(&aggregate);
	error = lstat(path, &status) ? errno : !S_ISREG(status.st_mode) ? EINVAL : gather_add(&aggregate, path);
	process = aggregate.process_count == 1 ? aggregate.processes : NULL;
	why = error ? system_why(error) : why_left(&aggregate, process, request);
	if (!why && process && process->state != PROCESS_RUNNING) {
		source.directory = request->output ? memory_text(request->output, strlen(request->output))
		                                   : directory_of(&aggregate, process);
		if (!source.directory)
			why = "it does not say where to, since " VARIABLE(OUT) " was not " LOCAL_PREFIX
									       "DIR; -o says so";
	}
	if (why) {
		complain("%s: is left there: %s", path, why);
		sources->all = false;
	} else if (process && process->state == PROCESS_RUNNING) {
		sources->running++;
	} else if (process) {
		source.path = memory_text(path, strlen(path));
		source.mode = status.st_mode & 0777;
		source.sound = !aggregate.damage_count;
		source.ordered = process->ordered;
		memcpy(source.id, process->id, sizeof source.id);
		source.calls = process->sums.calls;
		source.version = memory_text(text_at(&aggregate, process->table_version),
		                             strlen(text_at(&aggregate, process->table_version)));
		sources->source =
			memory_grow(sources->source, sources->count, &sources->capacity, sizeof *sources->source);
		sources->source[sources->count++] = source;
	}
	gather_close(&aggregate);
}

static int compare_sources(const void *a, const void *b)
{
	const struct source *one = a, *other = b;
	int order = strcmp(one->directory, other->directory);

	order = order ? order : one->ordered - other->ordered;
	order = order ? order : strcmp(one->version, other->version);
	return order ? order : strcmp(one->path, other->path);
}

static void find_sources(struct sources *sources, const struct request *request, const struct waiting_group *group)
{
	char **paths;
	size_t count;

	*sources = (struct sources){.all = true};
	if (!system_list(group->path, DUMP_ENDING, &paths, &count)) {
		complain("%s: cannot be read: %s", group->path, strerror(errno));
		sources->all = false;
	}
	for (size_t i = 0; i < count; i++) {
		look_at(sources, request, paths[i]);
		free(paths[i]);
	}
	free(paths);
	if (sources->count)
		qsort(sources->source, sources->count, sizeof *sources->source, compare_sources);
}

static void free_sources(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		free(sources->source[i].path);
		free(sources->source[i].directory);
		free(sources->source[i].version);
	}
	free(sources->source);
}

/* ---- one file ---- */

/* The sources that become one file. */
struct batch {
	const struct waiting_group *group;
	struct source *source;
	size_t count;
	struct merging_target target;
	char *path; /* of the file */
};

/* Makes a directory, and those around it. Returns false, after a message, if it is not there then. */
static bool make_directory(const char *directory)
{
	char *path = memory_text(directory, strlen(directory));
	struct stat status;
	int error;

	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = 0;
		error = mkdir(path, 0777) && errno != EEXIST ? errno : stat(path, &status) ? errno : 0;
		if (!error && !S_ISDIR(status.st_mode))
			error = ENOTDIR;
		if (!slash)
			break;
		*slash = '/';
	}
	if (error)
		complain("%s: cannot be made: %s", directory, strerror(error));
	free(path);
	return !error;
}

/* Returns the name of this node: the one that Slurm gives it, if it does, since several nodes of a Slurm may have one host. */
static const char *node_name(void)
{
	const char *name = getenv("SLURMD_NODENAME");

	return name && *name && !strchr(name, '/') ? name : system_host();
}

/* Whether something is wrong with the file itself, rather than with a dump that it was merged of. */
static bool is_damaged(const struct aggregate *aggregate, const char *path)
{
	for (size_t i = 0; i < aggregate->damage_count; i++)
		if (!strcmp(text_at(aggregate, aggregate->damage[i].file), path))
			return true;
	return false;
}

/* Why the file of an earlier collection cannot be added to; NULL if it can. */
static const char *why_not_added(const struct batch *batch, const struct stat *status)
{
	const char *why = NULL;
	struct aggregate aggregate;

	if (status->st_uid != geteuid())
		return "it belongs to another user";
	merging_open(&aggregate);
	if (!S_ISREG(status->st_mode) || gather_add(&aggregate, batch->path) || !aggregate.merged ||
	    !aggregate.answered)
		why = "it is no merged dump that can be read";
	else if (is_damaged(&aggregate, batch->path))
		why = "it is damaged";
	else if (aggregate.version_count &&
	         strcmp(text_at(&aggregate, aggregate.versions[0].text), batch->source->version))
		why = "another version of the routine table has priced it";
	gather_close(&aggregate);
	return why;
}

/*
 * Whether the file is not there yet, or can be added to. There is a message if it cannot. Sets what the target needs for the
 * one or the other.
 */
static bool can_be_written(struct batch *batch, const struct request *request)
{
	struct stat status;
	const char *why;

	batch->target.is_new = lstat(batch->path, &status) && errno == ENOENT;
	batch->target.mode = request->mode          ? request->mode
	                     : batch->target.is_new ? batch->source->mode
	                                            : status.st_mode & 0777;
	if (batch->target.is_new)
		return true;
	why = why_not_added(batch, &status);
	if (why)
		complain("%s: is not replaced: %s; move it away", batch->path, why);
	return !why;
}

/*
 * Returns whether the aggregate has the process of a source with all calls that the source has. The file of an earlier
 * collection may have an earlier state of it: a process that was taken for ended by --ended goes on.
 */
static bool has_all_of(const struct aggregate *aggregate, const struct source *source)
{
	for (size_t i = 0; i < aggregate->process_count; i++)
		if (!memcmp(aggregate->processes[i].id, source->id, sizeof source->id))
			return aggregate->processes[i].sums.calls >= source->calls;
	return false;
}

/* Says which sources the file does not hold, which are then not removed. Returns an exit status. */
static int note_missing(const struct aggregate *aggregate, struct batch *batch)
{
	int status = EXIT_FINE;

	for (size_t i = 0; i < batch->count; i++) {
		struct source *source = &batch->source[i];

		source->is_in = has_all_of(aggregate, source);
		if (source->is_in)
			continue;
		complain("%s: is left there: it could not be read again, or %s has an earlier state of it",
		         source->path, batch->path);
		status = EXIT_INCOMPLETE;
	}
	return status;
}

/* Writes the file. Returns an exit status. *again says that another process has made the file at the same time. */
static int write_batch(struct batch *batch, bool *again)
{
	char **paths = memory_new(batch->count + 1, sizeof *paths);
	struct dumps dumps = {.jobs = 1};
	struct aggregate aggregate;
	size_t count = 0;
	struct stat now;
	int status = EXIT_FINE;

	if (!batch->target.is_new)
		paths[count++] = batch->path;
	for (size_t i = 0; i < batch->count; i++)
		paths[count++] = batch->source[i].path;
	merging_open(&aggregate);
	gather(&aggregate, paths, count,
	       (struct gather_options){.quiet = true, .found = merging_add_path, .context = &dumps});
	*again = false;
	/* If the file holds all of the sources already, they were collected before and not removed. */
	if (!merging_read(&aggregate, &dumps))
		status = EXIT_ERROR;
	else if (dumps.count != 1 || strcmp(dumps.paths[0], batch->path))
		status = merging_write(&aggregate, &batch->target);
	*again = status == EXIT_ERROR && batch->target.is_new && !lstat(batch->path, &now);
	if (status != EXIT_ERROR)
		status = worse(status, note_missing(&aggregate, batch));
	merging_free(&dumps);
	gather_close(&aggregate);
	free(paths);
	return status;
}

/*
 * Waits until no other process of this machine writes to the directory, but not for long: whoever may read it can lock it, and
 * network file systems may refuse to; is_new of the target is the safeguard then. Returns a descriptor to close, or -1.
 */
static int lock_directory(const char *directory)
{
	static const struct timespec pause = {0, LOCK_PAUSE_NS};
	int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (unsigned i = 0; file >= 0 && i < LOCK_PAUSES && flock(file, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
	     i++)
		nanosleep(&pause, NULL);
	return file;
}

/* Writes the file and removes its sources. Returns an exit status. */
static int collect_batch(struct batch *batch, const struct request *request)
{
	bool again = true;
	int status = EXIT_ERROR, lock;

	if (!make_directory(batch->source->directory))
		return EXIT_ERROR;
	lock = lock_directory(batch->source->directory);
	for (unsigned i = 0; i < ATTEMPTS && again; i++) {
		if (!can_be_written(batch, request)) {
			status = EXIT_ERROR;
			break;
		}
		status = write_batch(batch, &again);
	}
	if (lock >= 0) {
		fsync(lock); /* the file's name must last before its sources are removed */
		close(lock);
	}
	if (status == EXIT_ERROR || request->keep)
		return status;
	for (size_t i = 0; i < batch->count; i++) {
		const struct source *source = &batch->source[i];

		if (!source->is_in)
			continue;
		if (!source->sound)
			complain("%s: is left there, since it is damaged", source->path);
		if (!source->sound || !waiting_remove(batch->group, source->path))
			status = worse(status, EXIT_INCOMPLETE);
	}
	return status;
}

/* ---- ordered calls ---- */

/* Whether the file at `path` is the dump of the process that left the source. */
static bool is_the_same(const char *path, const struct source *source)
{
	struct aggregate aggregate;
	bool same;

	merging_open(&aggregate);
	same = !gather_add(&aggregate, path) && aggregate.process_count == 1 &&
	       !memcmp(aggregate.processes[0].id, source->id, sizeof source->id);
	gather_close(&aggregate);
	return same;
}

/* Copies a dump as it is. Returns false, after a message, if it cannot. */
static bool copy_whole(const struct source *source, const struct merging_target *target)
{
	int file = open(source->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct text bytes = {0};
	struct stat status;
	bool fine = false;

	if (file >= 0 && !fstat(file, &status)) {
		bytes.length = (size_t)status.st_size;
		bytes.bytes = mmap(NULL, bytes.length, PROT_READ, MAP_PRIVATE, file, 0);
	}
	if (!bytes.bytes || bytes.bytes == MAP_FAILED) {
		complain("%s: is left there: %s", source->path, strerror(errno));
	} else {
		fine = write_file(target->path, target->mode, target->is_new, &bytes);
		munmap(bytes.bytes, bytes.length);
	}
	if (file >= 0)
		close(file);
	return fine;
}

/*
 * Moves a dump that has an ordered record of calls, which a merged dump cannot hold: it stays the dump of its process. Returns
 * an exit status.
 */
static int move_whole(const struct waiting_group *group, struct source *source, const struct request *request)
{
	char *path = memory_format("%s/%s", source->directory, base_name(source->path));
	struct merging_target target = {
		.path = path, .mode = request->mode ? request->mode : source->mode, .is_new = true};
	bool fine = make_directory(source->directory) && (is_the_same(path, source) || copy_whole(source, &target));

	if (fine)
		printf("%s: 1 process, with its calls in order\n", path);
	free(path);
	if (!fine)
		return EXIT_ERROR;
	return request->keep || waiting_remove(group, source->path) ? EXIT_FINE : EXIT_INCOMPLETE;
}

/* ---- groups ---- */

/*
 * Returns the path of the file to write. What another version of the routine table has priced cannot be added up: it gets a
 * file of its own, which is named by that version.
 */
static char *name_file(const struct batch *batch, bool is_other_version)
{
	return memory_format("%s/flopshim-%s-%s%s%.8s" DUMP_ENDING, batch->source->directory, batch->group->name,
	                     node_name(), is_other_version ? "-table-" : "",
	                     is_other_version ? batch->source->version : "");
}

static int collect_group(const struct waiting_group *group, const struct request *request)
{
	struct sources sources;
	int status;

	find_sources(&sources, request, group);
	status = sources.all && !sources.running ? EXIT_FINE : EXIT_INCOMPLETE;
	if (sources.running && !request->quiet)
		complain("%s: %zu process%s still run%s: collect what %s left when %s ended", group->path,
		         sources.running, sources.running == 1 ? "" : "es", sources.running == 1 ? "s" : "",
		         sources.running == 1 ? "it has" : "they have", sources.running == 1 ? "it has" : "they have");
	for (size_t i = 0, next; i < sources.count; i = next) {
		struct batch batch = {.group = group, .source = &sources.source[i]};

		if (sources.source[i].ordered) {
			status = worse(status, move_whole(group, &sources.source[i], request));
			next = i + 1;
			continue;
		}
		for (next = i; next < sources.count; next++)
			if (strcmp(sources.source[next].directory, sources.source[i].directory) ||
			    strcmp(sources.source[next].version, sources.source[i].version) ||
			    sources.source[next].ordered)
				break;
		batch.count = next - i;
		batch.path =
			name_file(&batch, i && !strcmp(sources.source[i - 1].directory, sources.source[i].directory));
		batch.target.path = batch.path;
		status = worse(status, collect_batch(&batch, request));
		free(batch.path);
	}
	free_sources(&sources);
	return status;
}

/* Whether the group is of the job, and step, that is asked for. */
static bool is_wanted(const struct request *request, const char *group)
{
	char *name;
	size_t length;
	bool wanted;

	if (!request->job)
		return true;
	name = request->step ? memory_format("%s" LOCAL_GROUP_SPLITS "%s", request->job, request->step)
	                     : memory_text(request->job, strlen(request->job));
	length = strlen(name);
	wanted = !strncmp(group, name, length) &&
	         (!group[length] || strchr(request->step ? LOCAL_GROUP_SPLITS : LOCAL_GROUP_SPLITS "[", group[length]));
	free(name);
	return wanted;
}

/* Collects what waits under `base`, and counts the groups. */
static int collect_base(const struct request *request, const char *base, size_t *groups)
{
	char *folder, **names;
	size_t count;
	int status = waiting_list(base, &folder, &names, &count) ? EXIT_FINE : EXIT_ERROR;

	for (size_t i = 0; i < count; i++) {
		struct waiting_group group;

		if (is_wanted(request, names[i]) && waiting_open(&group, folder, names[i])) {
			status = worse(status, collect_group(&group, request));
			waiting_close(&group);
			(*groups)++;
		}
		free(names[i]);
	}
	rmdir(folder); /* if it is empty */
	free(names);
	free(folder);
	return status;
}

static int collect(const struct request *request, const struct options *options)
{
	static const char *const none[] = {NULL};
	const char *const *bases = options->operand_count ? (const char *const *)options->operands : none;
	size_t count = options->operand_count ? options->operand_count : 1, groups = 0;
	int status = EXIT_FINE;

	for (size_t i = 0; i < count; i++)
		status = worse(status, collect_base(request, bases[i] ? bases[i] : waiting_base(), &groups));
	if (!groups && status == EXIT_FINE && !request->quiet)
		printf("nothing waits under %s/" LOCAL_FOLDER "%u%s%s\n", bases[0] ? bases[0] : waiting_base(),
		       (unsigned)geteuid(), request->job ? " of job " : "", request->job ? request->job : "");
	return status;
}

int command_collect(int count, char **arguments)
{
	struct request request = {0};
	const struct option_parser parser = {
		.command = "collect", .usage = usage, .take = take_option, .context = &request};
	struct options options;
	struct output output = {.stream = stdout};
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	if (request.step && !request.job)
		return usage_error("collect", "--step %s: expected --job, too", request.step);
	if (request.user && !waiting_become(request.user))
		return EXIT_ERROR;
	status = collect(&request, &options);
	return output_finish(&output) ? status : EXIT_ERROR;
}
