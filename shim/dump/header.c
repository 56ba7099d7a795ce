/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * header.c - opens the dump: fills its header and the table that describes the process.
 * It must never stop a program whose dump cannot be written: the dump is then kept in memory, and a message says so.
 */
#include "shim/dump/header.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#include "price/price.h"
#include "shim/dump/blocks.h"
#include "shim/dump/file.h"
#include "shim/dump/job.h"
#include "shim/dump/notes.h"
#include "shim/dump/path.h"
#include "shim/dump/seal.h"
#include "shim/dump/writer.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/machine.h"
#include "shim/guest/program.h"
#include "shim/guest/speak.h"
#include "shim/state/epoch.h"
#include "variables.h"
#include "version.h"
#include "names.h"
#include "process_space.h"

/* The stand-in for the header: until the dump is open, or for good if there is no memory for one. */
static struct dump_header nowhere;
struct dump_header *dump_header = &nowhere;

static struct {
	bool tried;            /* dump_open has run */
	uint64_t ended_by;     /* thread pointer of the thread whose dump_end found no dump; 0: there is none */
	bool forked;           /* this process is a forked child */
	bool said_warnings;    /* config.warnings were printed, by this process or by one that forked it */
	uint64_t bytes;        /* how much of the file is mapped from the header on; 0 if only the header's page is */
	uint64_t parent_ticks; /* start time of the process that forked this one, if that had a dump */
} dump;

bool dump_is_open(void) { return dump.tried; }

/* ---- what the process is ---- */

/* Adds a key and a value of `length` bytes to the table that describes the process. */
static void meta_add(const char *key, const char *value, size_t length)
{
	struct dump_meta *meta = dump_append(&dump_meta, NULL);

	if (!meta)
		return;
	meta->key = dump_string(key, strlen(key));
	meta->value = dump_string(value, length);
	dump_commit(&dump_meta);
}

void dump_tell(const char *key, const char *value)
{
	if (!dump_is_open() || epoch_is_forked())
		return; /* until it starts over, a forked child still has its parent's dump */
	meta_add(key, value, strlen(value));
	if (file_is_written_out() && file_is_there())
		seal_write_out(); /* the process may be about to end: the dump must say why */
}

/* Describes the process: program, arguments, directory, FLOPSHIM_ variables; and notes the warnings about these. */
static void meta_fill(void)
{
	static char buffer[16384];
	ssize_t length = readlink("/proc/self/exe", buffer, sizeof(buffer));
	const char *end;

	if (length > 0)
		meta_add("program", buffer, (size_t)length);
	end = buffer + guest_file_text("/proc/self/cmdline", buffer, sizeof(buffer));
	for (const char *at = buffer; at < end; at += strlen(at) + 1)
		meta_add("argument", at, strlen(at));
	meta_add("directory", config.directory, strlen(config.directory));
	for (char **entry = environ; entry && *entry; entry++)
		if (!strncmp(*entry, VARIABLE_PREFIX, sizeof(VARIABLE_PREFIX) - 1))
			meta_add("environment", *entry, strlen(*entry));
	for (char *line = config.warnings, *stop; (stop = strchr(line, '\n')); line = stop + 1) {
		*stop = 0;
		dump_note(DUMP_NOTE_ENVIRONMENT, line, 1);
		*stop = '\n';
	}
}

/* ---- the header ---- */

static void text_fill(char *text, size_t size, const char *value)
{
	size_t end = 0;

	guest_print(text, size, &end, "%s", value ? value : "");
}

/*
 * Fills the id, which no other dump has. It is a hash of the random bytes that the kernel gives a process at exec,
 * and of the process's number and times, which tell the dumps of forked children and of later programs of a process
 * apart.
 */
static void id_fill(struct dump_header *header)
{
	const void *random = (const void *)getauxval(AT_RANDOM);
	struct {
		uint64_t random[2], start_ticks, realtime_ns, monotonic_ns, pid;
	} of = {
		.start_ticks = header->start_ticks,
		.realtime_ns = header->start_realtime_ns,
		.monotonic_ns = header->start_monotonic_ns,
		.pid = header->pid,
	};

	if (random)
		memcpy(of.random, random, sizeof(of.random));
	for (unsigned i = 0; i < sizeof(header->id) / sizeof(header->id[0]); i++)
		header->id[i] = dump_content_check(DUMP_CONTENT_SEED + i, &of, sizeof(of));
}

_Static_assert(sizeof(((struct dump_header *)0)->run) == CONFIG_RUN_MAX,
               "a run's name is given and kept in one length");

static void job_fill(struct dump_header *header)
{
	struct job job;

	job_find(&job);
	header->rank = job.rank_number;
	header->job_size = job.size;
	text_fill(header->job, sizeof(header->job), job.number);
	text_fill(header->launch, sizeof(header->launch), job.launch);
	text_fill(header->run, sizeof(header->run), config.run);
	text_fill(header->step, sizeof(header->step), job.step);
	text_fill(header->array_task, sizeof(header->array_task), job.array_task);
	header->restarts = job.restarts;
	header->local_rank = (uint32_t)(job.local_rank + 1);
}

/* Fills the header, and makes the file a dump of a running process by setting its state last. */
static void header_fill(struct dump_header *header)
{
	struct timespec now;

	memcpy(header->magic, DUMP_MAGIC, sizeof(header->magic));
	header->version = dump_version(file_page());
	header->layout = DUMP_LAYOUT;
	header->page_size = file_page();
	header->byte_order = DUMP_BYTE_ORDER;
	header->pid = (uint32_t)getpid();
	header->parent_pid = (uint32_t)getppid();
	header->start_ticks = stat_start_ticks(program_stat("self"));
	clock_gettime(CLOCK_REALTIME, &now);
	header->start_realtime_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	header->start_monotonic_ns = guest_clock();
	header->fork_parent_ticks = dump.parent_ticks;
	header->multiplier = config.multiplier;
	job_fill(header);
	id_fill(header);
	header->exit_status = -1;
	memcpy(header->table_version, table_version, strnlen(table_version, sizeof(header->table_version) - 1));
	text_fill(header->shim_version, sizeof(header->shim_version), FLOPSHIM_VERSION);
	path_host(header->host, sizeof(header->host));
	header->records_mode = config.records;
	header->stacks_mode = (uint32_t)config.stacks;
	header->time_mode = (uint32_t)config.time;
	header->stack_threshold = nowhere.stack_threshold; /* it may have been set before the dump was opened */
	header->header_check = dump_header_check(header);
	header->identity_check = dump_identity_check(header);
	header->place_check = dump_place_check(header);
	header->process_space = process_space();
	/* The check words take the fields that change as 0, so these are set afterwards. */
	header->size = file_page();
	header->state = DUMP_RUNNING;
}

/* Prints the warnings about the environment, once. */
static void say_warnings(void)
{
	if (!dump.said_warnings && !config.quiet && speak_is_heard()) /* else the notes of the dump must do */
		for (const char *line = config.warnings; *line; line = strchr(line, '\n') + 1)
			guest_say("%.*s", (int)(strchr(line, '\n') - line), line);
	dump.said_warnings = true;
}

/*
 * Whether the process is ending and this is not the thread that ends it. The end does not wait for other threads, so a
 * file that one of them makes now might be left without a header. Calls of the ending thread, out of later destructors,
 * are still written down.
 */
static bool is_too_late(void) { return dump.ended_by && dump.ended_by != (uint64_t)machine_thread_pointer(); }

void dump_end(void)
{
	if (!dump.tried)
		dump.ended_by = (uint64_t)machine_thread_pointer();
}

void dump_open(void)
{
	struct dump_header *header;
	int saved = errno;

	if (dump.tried)
		return;
	dump.tried = true;
	header = is_too_late() ? file_none(&nowhere, &dump.bytes) : file_begin(dump.forked, &nowhere, &dump.bytes);
	header_fill(header);
	blocks_begin(header->size, dump.bytes);
	if (header != &nowhere) { /* calls may have been lost before the dump was opened */
		header->losses = nowhere.losses;
		header->lost_calls = nowhere.lost_calls;
	}
	if (file_is_written_out())
		header->losses |= DUMP_NOT_DURABLE;
	dump_header = header;
	meta_fill();
	writer_start();
	if (file_is_written_out())
		seal_write_out(); /* a process that is killed within the first second must leave a dump, too */
	say_warnings();
	guest_say_verbose("writing %s", file_is_there() ? path_told() : "no dump");
	errno = saved;
}

void header_forked(void)
{
	if (dump.tried)
		dump.parent_ticks = dump_header->start_ticks;
	dump.forked = true;
	dump.ended_by = 0;
	if (dump_header != &nowhere)
		guest_free(dump_header, dump.bytes ? dump.bytes : file_page());
	memset(&nowhere, 0, sizeof(nowhere));
	dump_header = &nowhere;
	dump.tried = guest_confined; /* a confined child cannot make a file: it gets no dump */
}
