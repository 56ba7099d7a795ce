/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * merge.c - the command `merge`: writes one dump that holds what many dumps hold.
 * It must never leave a file that is only half written, nor one that does not name the dumps it lacks.
 *
 * Several processes read a part of the dumps each, and hand over a merged dump in memory: merging does not depend on how the
 * dumps are divided.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/base/text.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/report.h"
#include "analyzer/merge/merge.h"
#include "analyzer/read/system.h"
#include "names.h"

enum {
	OPTION_OUTPUT = OPTION_OWN,
	OPTION_JOBS,
	OPTION_MODE,
	JOBS_MAX = 256,
	DUMPS_PER_JOB = 64,      /* fewer are read faster than another process begins */
	PROGRESS_NS = 200000000, /* time between two lines of progress */
	PROGRESS_AFTER = 5,      /* such times before the first one */
};

static const char usage[] =
	"Usage: flopshim-report merge -o FILE [OPTION ...] [DUMP or DIRECTORY ...]\n\n"
	"Writes one dump that holds what many hold, such as those of all ranks of a job. Every command\n"
	"but 'calls' reads it in their place. Rows that differ only in their process become one. Merged\n"
	"dumps can be merged again.\n";

static const char help[] = "  -o, --output FILE   the dump to write; an existing file is replaced\n"
			   "  --jobs N            read with N processes at once (default: one for each processor)\n"
			   "  --mode MODE         permissions of FILE in octal, such as 640 (default: 600)\n" HELP_LAST;

struct request {
	const char *output;
	unsigned jobs;
	mode_t mode;
	char **paths;
	size_t count, capacity;
};

static int take_option(void *context, int code, const char *value)
{
	struct request *request = context;
	char *end;
	unsigned long number;

	switch (code) {
	case 'o':
	case OPTION_OUTPUT:
		if (!*value)
			return usage_error("merge", "-o: expected the name of a file");
		request->output = value;
		return -1;
	case OPTION_JOBS:
		number = strtoul(value, &end, 10);
		if (*value < '0' || *value > '9' || *end || !number || number > JOBS_MAX)
			return usage_error("merge", "--jobs %s: expected a whole number from 1 to %d", value, JOBS_MAX);
		request->jobs = (unsigned)number;
		return -1;
	default:
		number = strtoul(value, &end, 8);
		if (*value < '0' || *value > '7' || *end || number > 0777 || !(number & 0400))
			return usage_error("merge",
			                   "--mode %s: expected permissions in octal that let you read the file, such "
			                   "as 640",
			                   value);
		request->mode = (mode_t)number;
		return -1;
	}
}

static void add_path(void *context, const char *path)
{
	struct request *request = context;

	request->paths = memory_grow(request->paths, request->count, &request->capacity, sizeof *request->paths);
	request->paths[request->count++] = memory_text(path, strlen(path));
}

/* ---- reading ---- */

static void open_merge(struct aggregate *aggregate)
{
	gather_open(aggregate, false, NULL);
	aggregate->options.merge = true;
}

/* Notes which of the processes that were just added still ran. */
static void doubt_running(struct aggregate *aggregate, size_t first)
{
	for (size_t i = first; i < aggregate->process_count; i++)
		if (aggregate->processes[i].state == PROCESS_RUNNING && !aggregate->processes[i].merged)
			aggregate_doubt(
				aggregate, text_at(aggregate, aggregate->processes[i].file),
				"the process was still running when its dump was merged: what it did later is missing");
}

/* Adds every `step`-th dump from `first` on, and counts those that are read in *done. */
static void add_some(struct aggregate *aggregate, const struct request *request, size_t first, size_t step,
                     volatile uint32_t *done)
{
	for (size_t i = first; i < request->count; i += step) {
		size_t before = aggregate->process_count;
		int error = gather_add(aggregate, request->paths[i]);

		if (error)
			aggregate_unread(aggregate, request->paths[i], system_why(error));
		doubt_running(aggregate, before);
		__atomic_fetch_add(done, 1, __ATOMIC_RELAXED);
	}
}

/* A merged dump in memory, or in a file that only this process and its parent have. */
struct piece {
	int descriptor;
	pid_t child;
};

static size_t piece_read_at(void *context, uint64_t offset, void *buffer, size_t count)
{
	const struct piece *piece = context;
	ssize_t got = pread(piece->descriptor, buffer, count, (off_t)offset);

	return got < 0 ? 0 : (size_t)got;
}

static uint64_t piece_size(void *context)
{
	const struct piece *piece = context;
	struct stat status;

	return fstat(piece->descriptor, &status) ? 0 : (uint64_t)status.st_size;
}

/* Writes all bytes. Returns false, with errno set, if not all can be written. */
static bool write_all(int file, const char *bytes, size_t length)
{
	while (length) {
		ssize_t written = write(file, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes += written;
		length -= (size_t)written;
	}
	return true;
}

/* Begins a process that merges every `step`-th dump. Returns false, with errno set, if it cannot be begun. */
static bool begin_piece(struct piece *piece, const struct request *request, size_t first, size_t step,
                        volatile uint32_t *done)
{
	struct aggregate aggregate;
	struct text bytes = {0};

	piece->descriptor = memfd_create("flopshim-merge", MFD_CLOEXEC);
	if (piece->descriptor < 0)
		return false;
	piece->child = fork();
	if (piece->child < 0)
		close(piece->descriptor);
	if (piece->child)
		return piece->child > 0;
	open_merge(&aggregate);
	add_some(&aggregate, request, first, step, done);
	merge_write(&aggregate, &bytes);
	_exit(write_all(piece->descriptor, bytes.bytes, bytes.length) ? 0 : 1);
}

static void say_progress(uint32_t done, size_t count)
{
	char text[NUMBER_TEXT], all[NUMBER_TEXT];

	fprintf(stderr, "\r%s of %s dumps read", number_grouped(done, text), number_grouped(count, all));
}

/* Waits for a process, and shows the progress of all. Returns whether it has done its work. */
static bool wait_for(struct piece *piece, const struct request *request, const volatile uint32_t *done, bool *said)
{
	static const struct timespec pause = {0, PROGRESS_NS};
	bool watch = isatty(STDERR_FILENO);
	unsigned times = 0;
	int status;

	while (waitpid(piece->child, &status, watch ? WNOHANG : 0) == 0) {
		nanosleep(&pause, NULL);
		if (++times < PROGRESS_AFTER && !*said)
			continue;
		say_progress(*done, request->count);
		*said = true;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Adds all dumps, with several processes. Returns false, after a message, if one of them has failed. */
static bool add_in_parallel(struct aggregate *aggregate, const struct request *request, unsigned jobs)
{
	volatile uint32_t *done = mmap(NULL, sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct piece *pieces = memory_new(jobs, sizeof *pieces);
	bool said = false, fine = true;
	unsigned begun = 0;

	fflush(NULL); /* or the children would write it once more */
	while (done != MAP_FAILED && begun < jobs && begin_piece(&pieces[begun], request, begun, jobs, done))
		begun++;
	if (begun < jobs) {
		complain("no process can be begun to read dumps: %s; --jobs 1 needs none", strerror(errno));
		for (unsigned i = 0; i < begun; i++)
			kill(pieces[i].child, SIGKILL);
		fine = false;
	}
	for (unsigned i = 0; i < begun; i++) {
		struct dump_source source = {&pieces[i], piece_read_at, piece_size, NULL};
		bool ended = wait_for(&pieces[i], request, done, &said);

		if (fine && !ended)
			complain("a process that read dumps has failed, perhaps for want of memory");
		fine &= ended;
		if (fine)
			aggregate_add(aggregate, &source, "a part of the dumps");
		close(pieces[i].descriptor);
	}
	if (said)
		fputs("\r\033[K", stderr);
	if (done != MAP_FAILED)
		munmap((void *)done, sizeof *done);
	free(pieces);
	return fine;
}

static bool add_all(struct aggregate *aggregate, const struct request *request)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t jobs = request->jobs ? request->jobs : processors > 0 ? (size_t)processors : 1;
	volatile uint32_t done = 0;

	if (!request->jobs && jobs > request->count / DUMPS_PER_JOB)
		jobs = request->count / DUMPS_PER_JOB;
	if (jobs > request->count)
		jobs = request->count;
	if (jobs > JOBS_MAX)
		jobs = JOBS_MAX;
	if (jobs > 1)
		return add_in_parallel(aggregate, request, (unsigned)jobs);
	add_some(aggregate, request, 0, 1, &done);
	return true;
}

/* ---- writing ---- */

/*
 * Returns the path of the file to write, to be freed: what -o names, or what that links to. NULL, after a message, if something
 * else than a file is there, which must not be replaced.
 */
static char *target_of(const char *output)
{
	struct stat status;
	char *path;

	if (stat(output, &status))
		return memory_text(output, strlen(output));
	if (!S_ISREG(status.st_mode)) {
		complain("%s: cannot be written: %s", output,
		         S_ISDIR(status.st_mode) ? strerror(EISDIR) : "it is no regular file");
		return NULL;
	}
	path = realpath(output, NULL);
	if (!path)
		complain("%s: cannot be written: %s", output, strerror(errno));
	return path;
}

/* Writes the file beside its final place, and renames it. Returns 0, or an errno value. */
static int write_target(const char *target, mode_t mode, const struct text *bytes)
{
	char *path = memory_format("%s.XXXXXX", target);
	int file = mkstemp(path), error = 0;

	if (file < 0 || !write_all(file, bytes->bytes, bytes->length) || fchmod(file, mode) || fsync(file))
		error = errno;
	if (file >= 0 && close(file) && !error)
		error = errno;
	if (!error && rename(path, target))
		error = errno;
	if (error && file >= 0)
		unlink(path);
	free(path);
	return error;
}

/* Returns false, after a message, if the file cannot be written. */
static bool write_file(const struct request *request, const struct text *bytes)
{
	char *target = target_of(request->output);
	int error = target ? write_target(target, request->mode, bytes) : 0;
	bool fine = target && !error;

	if (error)
		complain("%s: cannot be written: %s", request->output, strerror(error));
	free(target);
	return fine;
}

static void say_merged(const struct aggregate *aggregate, const struct request *request, const struct text *bytes)
{
	char processes[NUMBER_TEXT], rows[NUMBER_TEXT], size[NUMBER_TEXT];
	size_t count = 0;

	for (size_t i = 0; i < aggregate->row_count; i++)
		count += aggregate->spreads[i].processes != 0;

	printf("%s: %s process%s, %s row%s, %s bytes\n", request->output,
	       number_grouped(aggregate->process_count, processes), aggregate->process_count == 1 ? "" : "es",
	       number_grouped(count, rows), count == 1 ? "" : "s", number_grouped(bytes->length, size));
	if (aggregate->unreadable)
		printf("%zu dump%s could not be read, as said above\n", aggregate->unreadable,
		       aggregate->unreadable == 1 ? "" : "s");
}

static int merge(struct aggregate *aggregate, const struct request *request)
{
	struct text bytes = {0};
	size_t dropped = 0;
	int status;

	report_damage(aggregate);
	if (!aggregate->answered) {
		complain("nothing is written: no dump could be read");
		return EXIT_ERROR;
	}
	if (aggregate->version_count > 1) {
		complain("nothing is written: dumps that different versions of the routine table have priced (%s and "
		         "%s) "
		         "cannot be merged",
		         text_at(aggregate, aggregate->versions[0].text),
		         text_at(aggregate, aggregate->versions[1].text));
		return EXIT_ERROR;
	}
	for (size_t i = 0; i < aggregate->process_count; i++)
		dropped += aggregate->processes[i].ordered;
	if (dropped)
		complain("the ordered calls of %zu dump%s are left out: 'flopshim-report calls' reads the dumps "
		         "themselves",
		         dropped, dropped == 1 ? "" : "s");
	merge_write(aggregate, &bytes);
	status = write_file(request, &bytes) ? report_status(aggregate, true) : EXIT_ERROR;
	if (status != EXIT_ERROR)
		say_merged(aggregate, request, &bytes);
	text_free(&bytes);
	return status;
}

int command_merge(int count, char **arguments)
{
	static const struct option table[] = {{"output", required_argument, NULL, OPTION_OUTPUT},
	                                      {"jobs", required_argument, NULL, OPTION_JOBS},
	                                      {"mode", required_argument, NULL, OPTION_MODE},
	                                      OPTION_LINE_LAST,
	                                      OPTION_LINE_END};
	struct request request = {.mode = 0600};
	const struct option_parser parser = {.command = "merge",
	                                     .usage = usage,
	                                     .help = help,
	                                     .no_answer = true,
	                                     .letters = "o:",
	                                     .table = table,
	                                     .take = take_option,
	                                     .context = &request};
	struct aggregate aggregate;
	struct options options;
	struct output output = {.stream = stdout};
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	if (!request.output)
		return usage_error("merge", "expected -o FILE, the dump to write");
	open_merge(&aggregate);
	gather(&aggregate, options.operands, options.operand_count,
	       (struct gather_options){.last = options.last, .beside = true, .found = add_path, .context = &request});
	status = add_all(&aggregate, &request) ? merge(&aggregate, &request) : EXIT_ERROR;
	for (size_t i = 0; i < request.count; i++)
		free(request.paths[i]);
	free(request.paths);
	gather_close(&aggregate);
	return output_finish(&output) ? status : EXIT_ERROR;
}
