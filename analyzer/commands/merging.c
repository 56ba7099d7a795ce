/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * merging.c - reads many dumps for merging, with several processes, and writes the merged dump.
 * It must never leave a file that is only half written, nor one that does not name the dumps it lacks.
 *
 * Several processes read a part of the dumps each, and hand over a merged dump in memory: merging does not depend on how the
 * dumps are divided.
 */
#include "analyzer/commands/merging.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/base/text.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/report.h"
#include "analyzer/commands/write_file.h"
#include "analyzer/merge/merge.h"
#include "analyzer/read/system.h"

enum {
	DUMPS_PER_JOB = 64,      /* fewer are read faster than another process begins */
	PROGRESS_NS = 200000000, /* time between two lines of progress */
	PROGRESS_AFTER = 5,      /* such times before the first one */
	PAUSE_NS = 5000000,      /* time between two looks whether a process has ended */
};

/* What a terminal is told while dumps are read. */
struct progress {
	volatile uint32_t *done; /* how many are read */
	size_t count;            /* of all */
	uint64_t next_ns;        /* when to say so next, by system_now_ns; 0: never */
	bool said;               /* the line is there */
};

void merging_add_path(void *context, const char *path)
{
	struct dumps *dumps = context;

	dumps->paths = memory_grow(dumps->paths, dumps->count, &dumps->capacity, sizeof *dumps->paths);
	dumps->paths[dumps->count++] = memory_text(path, strlen(path));
}

void merging_free(struct dumps *dumps)
{
	for (size_t i = 0; i < dumps->count; i++)
		free(dumps->paths[i]);
	free(dumps->paths);
	*dumps = (struct dumps){0};
}

/* ---- reading ---- */

void merging_open(struct aggregate *aggregate)
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

static struct progress progress_begin(volatile uint32_t *done, size_t count)
{
	bool watched = isatty(STDERR_FILENO);

	return (struct progress){
		.done = done, .count = count, .next_ns = watched ? system_now_ns() + PROGRESS_AFTER * PROGRESS_NS : 0};
}

/* Shows how many dumps are read, if it is time. */
static void progress_look(struct progress *progress)
{
	char text[NUMBER_TEXT], all[NUMBER_TEXT];

	if (!progress->next_ns || system_now_ns() < progress->next_ns)
		return;
	fprintf(stderr, "\r%s of %s dumps read", number_grouped(*progress->done, text),
	        number_grouped(progress->count, all));
	progress->next_ns = system_now_ns() + PROGRESS_NS;
	progress->said = true;
}

static void progress_end(struct progress *progress)
{
	if (progress->said)
		fputs("\r\033[K", stderr);
}

/* Adds every `step`-th dump from `first` on. Only the process that shows the progress has a `next_ns`. */
static void add_some(struct aggregate *aggregate, const struct dumps *dumps, size_t first, size_t step,
                     struct progress *progress)
{
	for (size_t i = first; i < dumps->count; i += step) {
		size_t before = aggregate->process_count;
		int error = gather_add(aggregate, dumps->paths[i]);

		if (error)
			aggregate_unread(aggregate, dumps->paths[i], system_why(error));
		doubt_running(aggregate, before);
		__atomic_fetch_add(progress->done, 1, __ATOMIC_RELAXED);
		progress_look(progress);
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

/* Begins a process that merges every `step`-th dump. Returns false, with errno set, if it cannot be begun. */
static bool begin_piece(struct piece *piece, const struct dumps *dumps, size_t first, size_t step,
                        volatile uint32_t *done)
{
	struct progress silent = {.done = done};
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
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody would read what it hands over */
	merging_open(&aggregate);
	add_some(&aggregate, dumps, first, step, &silent);
	merge_write(&aggregate, &bytes);
	_exit(write_all(piece->descriptor, bytes.bytes, bytes.length) ? 0 : 1);
}

/* Waits for a process, and shows the progress of all. Returns whether it has done its work. */
static bool wait_for(struct piece *piece, struct progress *progress)
{
	static const struct timespec pause = {0, PAUSE_NS};
	int status;

	while (waitpid(piece->child, &status, progress->next_ns ? WNOHANG : 0) == 0) {
		nanosleep(&pause, NULL);
		progress_look(progress);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Adds all dumps, with several processes. Returns false, after a message, if one of them has failed. */
static bool add_in_parallel(struct aggregate *aggregate, const struct dumps *dumps, unsigned jobs)
{
	volatile uint32_t *done = mmap(NULL, sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct piece *pieces = memory_new(jobs, sizeof *pieces);
	struct progress progress = progress_begin(done, dumps->count);
	bool fine = true;
	unsigned begun = 0;

	fflush(NULL); /* or the children would write it once more */
	while (done != MAP_FAILED && begun < jobs && begin_piece(&pieces[begun], dumps, begun, jobs, done))
		begun++;
	if (begun < jobs) {
		complain("no process can be begun to read dumps: %s; --jobs 1 needs none", strerror(errno));
		for (unsigned i = 0; i < begun; i++)
			kill(pieces[i].child, SIGKILL);
		fine = false;
	}
	for (unsigned i = 0; i < begun; i++) {
		struct dump_source source = {&pieces[i], piece_read_at, piece_size, NULL};
		bool ended = wait_for(&pieces[i], &progress);

		if (fine && !ended)
			complain("a process that read dumps has failed, perhaps for want of memory");
		fine &= ended;
		if (fine)
			aggregate_add(aggregate, &source, "a part of the dumps");
		close(pieces[i].descriptor);
	}
	progress_end(&progress);
	if (done != MAP_FAILED)
		munmap((void *)done, sizeof *done);
	free(pieces);
	return fine;
}

bool merging_read(struct aggregate *aggregate, const struct dumps *dumps)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t jobs = dumps->jobs ? dumps->jobs : processors > 0 ? (size_t)processors : 1;
	volatile uint32_t done = 0;
	struct progress progress;

	if (!dumps->jobs && jobs > dumps->count / DUMPS_PER_JOB)
		jobs = dumps->count / DUMPS_PER_JOB;
	if (jobs > dumps->count)
		jobs = dumps->count;
	if (jobs > MERGING_JOBS_MAX)
		jobs = MERGING_JOBS_MAX;
	if (jobs > 1)
		return add_in_parallel(aggregate, dumps, (unsigned)jobs);
	progress = progress_begin(&done, dumps->count);
	add_some(aggregate, dumps, 0, 1, &progress);
	progress_end(&progress);
	return true;
}

/* ---- writing ---- */

static void say_merged(const struct aggregate *aggregate, const char *path, size_t length)
{
	char processes[NUMBER_TEXT], rows[NUMBER_TEXT], size[NUMBER_TEXT];
	size_t count = 0;

	for (size_t i = 0; i < aggregate->row_count; i++)
		count += aggregate->spreads[i].processes != 0;

	printf("%s: %s process%s, %s row%s, %s bytes\n", path, number_grouped(aggregate->process_count, processes),
	       aggregate->process_count == 1 ? "" : "es", number_grouped(count, rows), count == 1 ? "" : "s",
	       number_grouped(length, size));
	if (aggregate->unreadable)
		printf("%zu dump%s could not be read, as said above\n", aggregate->unreadable,
		       aggregate->unreadable == 1 ? "" : "s");
}

int merging_write(const struct aggregate *aggregate, const struct merging_target *target)
{
	struct text bytes = {0};
	size_t dropped = 0;
	int status;

	report_damage(aggregate);
	if (!gather_is_writable(aggregate, "cannot be merged"))
		return EXIT_ERROR;
	for (size_t i = 0; i < aggregate->process_count; i++)
		dropped += aggregate->processes[i].ordered;
	if (dropped)
		complain("the ordered calls of %zu dump%s are left out: 'flopshim-report calls' reads the dumps "
		         "themselves",
		         dropped, dropped == 1 ? "" : "s");
	merge_write(aggregate, &bytes);
	status = write_file(target->path, target->mode, target->is_new, &bytes) ? report_status(aggregate, true)
	                                                                        : EXIT_ERROR;
	if (status != EXIT_ERROR)
		say_merged(aggregate, target->path, bytes.length);
	text_free(&bytes);
	return status;
}

bool merging_mode(const char *text, mode_t *mode)
{
	char *end;
	unsigned long number = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end || number > 0777 || !(number & 0400))
		return false;
	*mode = (mode_t)number;
	return true;
}
