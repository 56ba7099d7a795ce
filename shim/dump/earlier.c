/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * earlier.c - finds out from its header whose dump already has a name; see docs/flopshim-dump.md, Identity.
 * It must never remove a file that is no dump, or a dump that another process has just put in place of the old one.
 */
#include "shim/dump/earlier.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flopshim_dump.h"
#include "shim/dump/job.h"
#include "shim/dump/path.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/program.h"
#include "names.h"
#include "process_space.h"

/* The header that was read last. It is static, since stacks may be small. Under record_lock. */
static struct dump_header there;

/* Whether the process that made the dump still runs on this machine. The start time tells it from a later process. */
static bool is_alive(const struct dump_header *header)
{
	char number[16];
	const char *text;
	size_t end = 0;

	guest_print(number, sizeof(number), &end, "%u", header->pid);
	text = program_stat(number);
	return stat_runs(text) && stat_start_ticks(text) == header->start_ticks;
}

/* Whether the dump was made on a host of this name, by a process that this one could see. */
static bool is_of_this_host(const struct dump_header *header)
{
	char host[sizeof(header->host)];

	if (header->process_space && header->process_space != process_space())
		return false;

	path_host(host, sizeof(host));
	return !strncmp(host, header->host, sizeof(host));
}

/* Whether a text of the header is `value`, as far as the header has room; a NULL is an empty text. */
static bool text_is(const char *text, size_t size, const char *value)
{
	return !strncmp(text, value ? value : "", size - 1);
}

/* Whether the dump is of the same step of the same batch job, started equally often, or neither is of a job. */
static bool is_of_this_step(const struct dump_header *header, const struct job *job)
{
	return text_is(header->job, sizeof(header->job), job->number) &&
	       text_is(header->step, sizeof(header->step), job->step) &&
	       text_is(header->array_task, sizeof(header->array_task), job->array_task) &&
	       header->restarts == job->restarts;
}

/*
 * Whether the dump is of another step, array task, launch or start of the batch job that this process is of. Where
 * neither is a rank, two programs that the batch script starts one after the other are told apart by nothing.
 */
static bool is_of_this_job(const struct dump_header *header)
{
	struct job job;

	job_find(&job);
	return job.number && text_is(header->job, sizeof(header->job), job.number) &&
	       (!is_of_this_step(header, &job) || !text_is(header->launch, sizeof(header->launch), job.launch) ||
	        header->job_size != job.size);
}

/*
 * Whether the dump is another rank's of this parallel launch. If neither job nor launch has a name, both have one
 * parent.
 */
static bool is_of_this_launch(const struct dump_header *header)
{
	bool named;
	struct job job;

	job_find(&job);
	named = job.number || *job.launch;
	return job.size > 1 && job.size == header->job_size && is_of_this_step(header, &job) &&
	       text_is(header->launch, sizeof(header->launch), job.launch) &&
	       (named || header->parent_pid == (uint32_t)getppid());
}

/*
 * Whether the dump is a child's, the parent's, or this process's own from before an exec. Since process numbers are
 * reused, start times are compared too: exec keeps a process's start time, and no child starts before its parent.
 */
static bool is_of_this_family(const struct dump_header *header)
{
	uint32_t own = (uint32_t)getpid();
	uint64_t ticks;

	if (!is_of_this_host(header))
		return false;
	ticks = stat_start_ticks(program_stat("self"));
	return (header->pid == own && header->start_ticks == ticks) ||
	       (header->parent_pid == own && header->start_ticks >= ticks) ||
	       (header->pid == (uint32_t)getppid() && is_alive(header));
}

/* Whether the dump was made by this run: it has the run name that the launcher gave, or is of this launch or family. */
static bool is_of_this_run(const struct dump_header *header)
{
	return (*config.run && !strncmp(config.run, header->run, sizeof(header->run))) || is_of_this_launch(header) ||
	       is_of_this_family(header);
}

/* Says what an open file is; reads its header into `there`. */
static enum standing look(int file)
{
	if (pread(file, &there, sizeof(there), 0) != (ssize_t)sizeof(there) ||
	    memcmp(there.magic, DUMP_MAGIC, sizeof(there.magic)) || there.header_check != dump_header_check(&there))
		return STANDS_OTHER;
	if (is_of_this_run(&there))
		return STANDS_OF_RUN;
	if (is_of_this_job(&there))
		return STANDS_OF_JOB;
	if (there.state == DUMP_RUNNING && (!is_of_this_host(&there) || is_alive(&there)))
		return STANDS_PRESENT;
	return STANDS_EARLIER;
}

static int open_file(int directory, const char *name, int access)
{
	return openat(directory, name, access | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC); /* a FIFO would block */
}

enum standing earlier_look(int directory, const char *name)
{
	int file = open_file(directory, name, O_RDONLY);
	enum standing found = STANDS_OTHER;

	if (file < 0)
		return found;
	found = look(file);
	close(file);
	return found;
}

/* Whether the open file still has this name. */
static bool is_named(int file, int directory, const char *name)
{
	struct stat opened, named;

	return !fstat(file, &opened) && !fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) &&
	       opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

/*
 * Several processes may want to remove one file at a time. One gets the lock; the others get none, or find afterwards
 * that the name stands for another file. The file is opened for writing because NFS gives the lock only then.
 */
enum removal earlier_remove(int directory, const char *name)
{
	int file = open_file(directory, name, O_RDWR), error;
	enum removal result = REMOVAL_FAILED;

	if (file < 0)
		return errno == ENOENT ? REMOVAL_OF_OTHERS : REMOVAL_FAILED;
	if (flock(file, LOCK_EX | LOCK_NB))
		result = errno == EWOULDBLOCK ? REMOVAL_OF_OTHERS : REMOVAL_FAILED;
	else if (look(file) != STANDS_EARLIER || !is_named(file, directory, name))
		result = REMOVAL_OF_OTHERS;
	else if (!unlinkat(directory, name, 0))
		result = REMOVAL_DONE;
	error = errno;
	close(file);
	errno = error;
	return result;
}
