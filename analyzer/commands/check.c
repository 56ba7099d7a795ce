/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c - the command `check`: compares a run with a lockfile, or writes the lockfile.
 * It must never write a lock from a run of which something is missing, nor over a file that is no lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/checking.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/publish.h"
#include "analyzer/commands/report.h"
#include "analyzer/commands/write_file.h"
#include "analyzer/lock/compare.h"
#include "analyzer/lock/file.h"
#include "price/routines.h"

#define SCHEMA "flopshim-check/1"

enum { STATUS_SKIP = 125, LOCK_BYTES_MAX = 1 << 28 };

static const char usage[] =
	"Usage: flopshim-report check --lock FILE [OPTION ...] [DUMP or DIRECTORY ...]\n\n"
	"Compares the work of a run with a lockfile that stands in the repository, and exits with status 3 if it is\n"
	"more than the lock allows. Run the program with 'flopshim --for-check' to have functions named exactly.\n";

struct request {
	const char *path, *root;
	const char **maps;
	size_t map_count, map_capacity;
	const char **skips;
	size_t skip_count, skip_capacity;
	bool update, only_less, exact, any_processes, bisect;
	struct publish publish;
};

static int take_option(void *context, int code, const char *value)
{
	struct request *request = context;

	if (code >= OPTION_CI)
		return publish_take(&request->publish, code - OPTION_CI, value);
	switch (code) {
	case OPTION_LOCK:
		if (!*value || !strcmp(value, "-"))
			return usage_error("check", "--lock %s: expected the name of a file", value);
		request->path = value;
		return -1;
	case OPTION_UPDATE:
		if (value && strcmp(value, "less"))
			return usage_error("check", "--update=%s: expected --update or --update=less", value);
		request->update = true;
		request->only_less = value != NULL;
		return -1;
	case OPTION_SKIP:
		if (!*value)
			return usage_error("check", "--skip: expected a namespace or a pattern of namespaces");
		request->skips = memory_grow(request->skips, request->skip_count, &request->skip_capacity,
		                             sizeof *request->skips);
		request->skips[request->skip_count++] = value;
		return -1;
	case OPTION_ANY_PROCESSES: request->any_processes = true; return -1;
	case OPTION_EXACT: request->exact = true; return -1;
	case OPTION_ROOT: request->root = value; return -1;
	case OPTION_MAP:
		if (!strchr(value, '=') || *value == '=')
			return usage_error("check", "--map %s: expected OLD=NEW, two paths", value);
		request->maps =
			memory_grow(request->maps, request->map_count, &request->map_capacity, sizeof *request->maps);
		request->maps[request->map_count++] = value;
		return -1;
	case OPTION_BISECT: request->bisect = true; return -1;
	default: return -1;
	}
}

/* ---- the lockfile ---- */

/* A lockfile that was read. */
struct locked {
	bool exists;
	mode_t mode;
	struct text bytes;
	struct lock lock;
	struct lock_fault fault; /* why it cannot be read; `why` is empty if it can */
};

/* Reads a file into an empty text. Returns why it cannot be read; NULL if it could. */
static const char *read_bytes(int file, struct text *bytes, mode_t *mode)
{
	char buffer[1 << 16];
	struct stat before, after;
	ssize_t got;

	if (fstat(file, &before))
		return strerror(errno);
	if (S_ISDIR(before.st_mode))
		return strerror(EISDIR);
	if (!S_ISREG(before.st_mode))
		return "it is no regular file";
	*mode = before.st_mode & 0777;
	if (before.st_size > LOCK_BYTES_MAX)
		return strerror(EFBIG);
	while ((got = read(file, buffer, sizeof buffer)) > 0) {
		text_add_bytes(bytes, buffer, (size_t)got);
		if (bytes->length > LOCK_BYTES_MAX)
			return strerror(EFBIG);
	}
	if (got < 0 || fstat(file, &after))
		return strerror(errno);
	if (before.st_size != after.st_size || (uint64_t)after.st_size != bytes->length)
		return "it was written to while it was read";
	return NULL;
}

/* Opens and reads the lock. Its fault says why it cannot be read. A lock that is not there is none if it is to be written. */
static void take_lock(const struct request *request, struct locked *locked)
{
	int file = open(request->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why = file < 0 ? strerror(errno) : NULL;

	if (file < 0 && errno == ENOENT) {
		if (!request->update)
			text_add(&locked->fault.why, "there is no such lock; --update writes it");
		return;
	}
	if (file >= 0) {
		why = read_bytes(file, &locked->bytes, &locked->mode);
		close(file);
	}
	if (why) {
		text_format(&locked->fault.why, "the lock cannot be read: %s", why);
		return;
	}
	locked->exists = true;
	lock_read(&locked->lock, locked->bytes.bytes ? locked->bytes.bytes : "", locked->bytes.length, &locked->fault);
}

/* Reads the lock. Returns -1, or the exit status after a message. */
static int read_lock(const struct request *request, struct locked *locked)
{
	take_lock(request, locked);
	if (!locked->fault.why.length)
		return -1;
	if (locked->fault.line)
		complain("%s:%zu: %s", request->path, locked->fault.line, locked->fault.why.bytes);
	else
		complain("%s: %s", request->path, locked->fault.why.bytes);
	return EXIT_USAGE;
}

static void free_locked(struct locked *locked)
{
	lock_free(&locked->lock);
	text_free(&locked->bytes);
	text_free(&locked->fault.why);
}

/* Writes the lock of the run, unless the file has its bytes already. Returns whether all went well, and sets *update. */
static bool write_lock(const struct request *request, const struct locked *locked, const struct run *run,
                       enum checking_update *update)
{
	struct lock lock;
	struct text bytes = {0};
	mode_t mask = umask(0);
	bool fine = true;

	umask(mask);
	run_lock(run, &lock);
	if (locked->exists || locked->lock.kept.length)
		text_add(&lock.kept, locked->lock.kept.length ? locked->lock.kept.bytes : "");
	if (locked->lock.processes == LOCK_ANY)
		lock.processes = lock.ranks = LOCK_ANY;
	lock_write(&lock, &bytes);
	if (locked->exists && bytes.length == locked->bytes.length &&
	    !memcmp(bytes.bytes, locked->bytes.bytes, bytes.length)) {
		*update = UPDATE_SAME;
	} else {
		fine = write_file(request->path, locked->exists ? locked->mode : 0666 & ~mask, false, &bytes);
		*update = !fine ? UPDATE_FAILED : locked->exists ? UPDATE_WRITTEN : UPDATE_NEW;
	}
	text_free(&bytes);
	lock_free(&lock);
	return fine;
}

/* ---- the run ---- */

/* What decides, in words. */
static const char *words_of(enum lock_by by)
{
	return by == LOCK_BY_DEFAULT ? "namespace, routine and shape" : lock_by_name(by);
}

/* Says why no verdict can be given on the dumps themselves; it says nothing if one can. */
static void doubt_dumps(const struct aggregate *aggregate, bool found, struct text *why)
{
	const struct totals *totals = &aggregate->totals;

	if (!aggregate->answered)
		text_add(why, "no dump could be read");
	else if (aggregate->runs > 1)
		text_format(why,
		            "the dumps are of %zu runs, and a lock is of one: check the last one with --last, or give "
		            "each run a directory of its own",
		            aggregate->runs);
	else if (!found || !aggregate->complete)
		text_add(why, "the dumps are not complete, as said above: run the program again");
	else if (aggregate->version_count > 1 && !aggregate->options.price)
		text_add(why, "different versions of the routine table have priced the dumps: --reprice prices all of "
		              "them by the current one");
	else if (aggregate->kept_calls)
		text_add(why, "some calls could not be priced anew");
	else if (totals->refused_calls)
		text_add(why,
		         "a budget refused calls, so that the program did less than it would have: run it without");
	else if (totals->in_flight_calls)
		text_add(why,
		         "calls had begun but not ended, since the program still runs or was killed: run it to its "
		         "end");
}

/* What a check works with. */
struct check {
	const struct request *request;
	const struct options *options;
	struct locked locked;
	struct aggregate aggregate;
	struct paths paths;
	struct run run;
	struct findings findings;
	enum checking_update update;
};

/* Compares, and writes the lock if that is asked for. Returns the exit status. */
static int judge(struct check *check)
{
	const struct request *request = check->request;
	struct findings *findings = &check->findings;
	const struct locked *locked = &check->locked;

	if (locked->exists && locked->lock.by == check->run.lock.by)
		lock_check(&locked->lock, &check->run, request->exact, findings);
	else if (locked->exists) {
		findings->verdict = CHECK_NOT_COMPARABLE;
		text_format(&findings->why, "it decides by %s, and the new one by %s", words_of(locked->lock.by),
		            words_of(check->run.lock.by));
	}
	findings->now = check->run.lock.total;
	if (request->only_less && locked->exists) {
		bool grown = findings->verdict == CHECK_MORE || findings->verdict == CHECK_WITHIN;

		for (size_t i = 0; i < findings->count; i++)
			grown |= findings->list[i].kind == FINDING_MORE || findings->list[i].kind == FINDING_RESHAPED;
		if (findings->verdict == CHECK_NOT_COMPARABLE)
			return EXIT_INCOMPLETE;
		if (grown) {
			check->update = UPDATE_LEFT;
			return findings->verdict == CHECK_MORE ? EXIT_REGRESSION : EXIT_FINE;
		}
	}
	if (request->update && !write_lock(request, locked, &check->run, &check->update)) {
		findings->verdict = CHECK_NOT_COMPARABLE; /* nobody may take this for an update that was made */
		text_clear(&findings->why);
		text_add(&findings->why, "the lock could not be written, as said above, and is as it was");
		return EXIT_ERROR;
	}
	if (request->update)
		return EXIT_FINE;
	switch (findings->verdict) {
	case CHECK_MORE: return EXIT_REGRESSION;
	case CHECK_NOT_COMPARABLE: return EXIT_INCOMPLETE;
	default: return EXIT_FINE;
	}
}

/* Whether the run can be a lock; if not, *why says so. */
static void doubt_run(const struct run *run, struct text *why)
{
	if (run->lock.by == LOCK_BY_SITE && run->sampled)
		text_format(why, "it is to decide by call site, and %s", run_why_sampled(run));
	else if (run->lock.by == LOCK_BY_SHAPE && run->rounded)
		text_add(why, "it is to decide by shape, and this run has so many that some were rounded");
}

/* Makes the run a lock, and judges it. Returns the exit status. */
static int check_run(struct check *check, bool found)
{
	const struct options *options = check->options;
	enum lock_by by = options->by            ? lock_by_find(options->by->name)
	                  : check->locked.exists ? check->locked.lock.by
	                                         : LOCK_BY_DEFAULT;

	if (check->aggregate.answered)
		run_say(&check->findings.ran, &check->aggregate);
	doubt_dumps(&check->aggregate, found, &check->findings.why);
	if (check->findings.why.length) {
		check->findings.verdict = CHECK_NOT_COMPARABLE;
		return EXIT_INCOMPLETE;
	}
	if (options->strict && check->aggregate.totals.unpriced_calls) {
		text_format(&check->findings.why,
		            "%llu calls have no price, which --strict does not allow; 'flopshim-report' names them",
		            (unsigned long long)check->aggregate.totals.unpriced_calls);
		check->findings.verdict = CHECK_NOT_COMPARABLE;
		return EXIT_UNPRICED;
	}
	run_open(&check->run, &check->aggregate, &check->paths, by, &check->locked.lock);
	if (options->reprice)
		check->run.lock.prices = table_version;
	doubt_run(&check->run, &check->findings.why);
	if (check->findings.why.length) {
		check->findings.verdict = CHECK_NOT_COMPARABLE;
		return EXIT_INCOMPLETE;
	}
	return judge(check);
}

/* Writes the formats for CI systems. Returns the exit status: what the check has found is worth more than a file that is not. */
static int publish_check(struct check *check, struct output *output, int status)
{
	const struct locked *locked = &check->locked;
	const bool faulty = locked->fault.why.length;
	char *path = realpath(check->request->path, NULL);
	enum path_kind kind = PATH_OTHER;
	const char *name = path ? paths_name(&check->paths, path, &kind) : NULL;
	const struct ci_check found = {
		.lock = check->request->path,
		.lock_file = kind == PATH_OWN ? name : check->request->path,
		.root = check->paths.root,
		.fault = faulty ? locked->fault.why.bytes : NULL,
		.fault_line = locked->fault.line,
		.is_new = check->update == UPDATE_NEW,
		.is_written = check->update == UPDATE_WRITTEN,
		.before = locked->exists && !faulty ? &locked->lock : NULL,
		.now = check->run.places.aggregate ? &check->run.lock : NULL,
		.findings = &check->findings,
	};

	free(path);
	return publish(&check->request->publish, &found, output) || status != EXIT_FINE ? status : EXIT_ERROR;
}

/* Says which tolerances match no row, of the lock or of the run, since whoever wrote them meant them to. */
static void say_idle_tolerances(const struct check *check)
{
	const struct lock *lock = &check->locked.lock, *run = &check->run.lock;
	const bool by_site = lock->by == LOCK_BY_SITE;

	for (size_t i = 0; i < lock->allow_count; i++)
		if (!lock_allow_matches(&lock->allows[i], by_site ? &lock->sites : &lock->shapes) &&
		    !lock_allow_matches(&lock->allows[i], by_site ? &run->sites : &run->shapes))
			complain("%s:%zu: this line of allow matches no row of a lock by %s, nor of the run",
			         check->request->path, lock->allows[i].line, words_of(lock->by));
}

/* Reads the dumps, judges and answers. Returns the exit status. */
static int answer_check(struct check *check, struct output *output)
{
	const struct options *options = check->options;
	const struct request *request = check->request;
	struct answer answer;
	bool found;
	int status;

	gather_open(&check->aggregate, options->reprice, NULL);
	found = gather(&check->aggregate, options->operands, options->operand_count,
	               (struct gather_options){.last = options->last, .siblings = true});
	report_damage(&check->aggregate);
	status = check_run(check, found);
	if (check->run.places.aggregate)
		say_idle_tolerances(check);
	options_answer(options, &answer, SCHEMA);
	checking_fill(&answer, options, &(struct checking){request->path, &check->findings, check->update});
	options_render(options, output, &answer);
	status = publish_check(check, output, status);
	findings_free(&check->findings);
	if (check->run.places.aggregate)
		run_close(&check->run);
	gather_close(&check->aggregate);
	return status;
}

static int check(struct output *output, const struct options *options, const struct request *request)
{
	struct check check = {.request = request, .options = options};
	int status = read_lock(request, &check.locked);

	paths_open(&check.paths, request->root, request->path);
	for (size_t i = 0; i < request->map_count; i++)
		paths_map(&check.paths, request->maps[i]);
	if (request->any_processes)
		check.locked.lock.processes = check.locked.lock.ranks = LOCK_ANY;
	for (size_t i = 0; i < request->skip_count && request->update; i++)
		lock_keep_skip(&check.locked.lock, request->skips[i]);
	if (status >= 0)
		publish_check(&check, output, status);
	else if (!request->update && request->skip_count)
		status = usage_error("check", "--skip is an option of --update: %s remembers what it leaves out",
		                     request->path);
	else if (!request->update && options->by && lock_by_find(options->by->name) != check.locked.lock.by)
		status = usage_error("check", "--by %s: %s decides by %s; --by with --update changes that",
		                     options->by->name, request->path, words_of(check.locked.lock.by));
	else
		status = answer_check(&check, output);
	paths_close(&check.paths);
	free_locked(&check.locked);
	return status;
}

/*
 * Whether an argument asks for --bisect, written out or not, on a command line that is wrong somewhere. Two letters tell it from the
 * other options.
 */
static bool asks_for_bisect(int count, char **arguments)
{
	static const char option[] = "--bisect", least[] = "--bi";

	for (int i = 1; i < count && strcmp(arguments[i], "--"); i++)
		if (strlen(arguments[i]) >= sizeof least - 1 && !strncmp(option, arguments[i], strlen(arguments[i])))
			return true;
	return false;
}

/* Returns the exit status, and sets *bisect if --bisect is asked for. */
static int run_check(int count, char **arguments, bool *bisect)
{
	struct request request = {0};
	const struct option_parser parser = {
		.command = "check", .usage = usage, .schema = SCHEMA, .take = take_option, .context = &request};
	struct options options;
	struct output output;
	int status = options_parse(&options, &parser, count, arguments);

	*bisect = request.bisect || (status == EXIT_USAGE && asks_for_bisect(count, arguments));
	if (status < 0)
		status = request.path ? publish_doubt(&request.publish, &options, request.path)
		                      : usage_error("check", "expected --lock FILE");
	if (status < 0 && request.path) {
		output = options_output(&options);
		status = check(&output, &options, &request);
		if (!output_finish(&output))
			status = EXIT_ERROR;
	}
	free(request.maps);
	free(request.skips);
	return status;
}

int command_check(int count, char **arguments)
{
	bool bisect;
	int status = run_check(count, arguments, &bisect);

	return bisect && status != EXIT_FINE && status != EXIT_REGRESSION ? STATUS_SKIP : status;
}
