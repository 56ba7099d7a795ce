/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * job.c - the variables of batch systems and of what starts the ranks of an MPI program, all in one place; and, where these do not name
 * the launch, who has started its ranks.
 * It must never take the rank of one of them and the size of another: in a batch script srun's variables stand beside mpirun's.
 */
#include "shim/dump/job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/dump/path.h"
#include "shim/guest/guest.h"
#include "names.h"

enum { NUMBER_MAX = 1 << 30, ANCESTORS_MAX = 64 };

/*
 * Who starts ranks, and in which variables it says which rank this is, of how many, and of which launch. The first one that
 * gives a rank is believed. Sizes of allocations (PBS_NP, LSB_DJOB_NUMPROC, SLURM_NTASKS) are none of a launch: the
 * batch script, and a serial program in it, have them too.
 */
static const struct launcher {
	const char *rank, *size, *launch; /* NULL: it does not say */
} launchers[] = {
	{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMIX_NAMESPACE"}, /* Open MPI */
	{"PMIX_RANK", NULL, "PMIX_NAMESPACE"},
	{"PMI_RANK", "PMI_SIZE", "PMI_JOBID"},             /* MPICH and its kin, and Slurm's PMI */
	{"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", NULL}, /* MVAPICH2 */
	{"JSM_NAMESPACE_RANK", "JSM_NAMESPACE_SIZE", NULL},   /* LSF's jsrun */
	{"PALS_RANKID", NULL, "PALS_APID"},                   /* PBS and others on HPE Cray */
	{"FLUX_TASK_RANK", "FLUX_JOB_SIZE", "FLUX_JOB_ID"},
	{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_ID"},
};

/* Numbers of batch jobs. */
static const char *const jobs[] = {"SLURM_JOB_ID", "SLURM_JOBID", "PBS_JOBID", "LSB_JOBID"};

/* What else tells launches apart where it is not 0: a job that was started again, and one of an array that shares its number. */
static const char *const counters[] = {"SLURM_RESTART_COUNT", "LSB_JOBINDEX"};

enum {
	LAUNCHER_COUNT = sizeof(launchers) / sizeof(launchers[0]),
	JOB_COUNT = sizeof(jobs) / sizeof(jobs[0]),
	COUNTER_COUNT = sizeof(counters) / sizeof(counters[0]),
};

/* NULL where it is not set, or empty. */
static const char *value_of(const char *name)
{
	const char *value = name ? getenv(name) : NULL;

	return value && *value ? value : NULL;
}

/* A whole number up to NUMBER_MAX, -1 for anything else. */
static int32_t number_of(const char *text) { return text ? (int32_t)whole_number(text, NUMBER_MAX) : -1; }

/* How many ranks, as the launcher says or, where it does not, one that gives this process the same rank. */
static uint32_t size_find(const char *rank, int32_t number)
{
	for (unsigned i = 0; i < LAUNCHER_COUNT; i++) {
		const char *same = value_of(launchers[i].rank);
		int32_t size = number_of(value_of(launchers[i].size));

		if (same && !strcmp(same, rank) && size > number)
			return (uint32_t)size;
	}
	return 0;
}

/* Whether a process was started with the variable, however large its environment is. */
static bool has_variable(const char *environment, const char *name)
{
	static char text[2048]; /* under record_lock: stacks are small */
	int saved = errno, file = open(environment, O_RDONLY | O_CLOEXEC);
	const char *at = name; /* what is expected next; NULL: the variable is another one */
	bool found = false;
	ssize_t length;

	while (file >= 0 && !found && (length = read(file, text, sizeof(text))) > 0)
		for (const char *next = text; next < text + length && !found; next++) {
			found = at && !*at && *next == '=';
			at = !*next ? name : at && *at && *at == *next ? at + 1 : NULL;
		}
	if (file >= 0)
		close(file);
	errno = saved;
	return found;
}

static void process_file(char *name, size_t size, uint32_t pid, const char *what)
{
	size_t end = 0;

	guest_print(name, size, &end, "/proc/%u/%s", pid, what);
}

/*
 * Names a launch by the process that has started its ranks, which is one for those of a host: the nearest ancestor without the
 * variable. Between it and this process there may be shells, and the rank whose child this is. All of them have one parent there.
 */
static void starter_print(struct job *job, const struct launcher *launcher)
{
	static char stat[1024]; /* under record_lock */
	char name[64], host[65];
	uint32_t pid = (uint32_t)getppid();
	size_t end = 0;

	for (unsigned i = 0; i < ANCESTORS_MAX; i++) {
		process_file(name, sizeof(name), pid, "stat");
		if (!guest_file_text(name, stat, sizeof(stat)))
			return;
		process_file(name, sizeof(name), pid, "environ");
		if (!has_variable(name, launcher->rank))
			break;
		pid = stat_parent(stat);
	}
	path_host(host, sizeof(host));
	guest_print(job->launch, sizeof(job->launch), &end, "%u.%llu@%s", pid,
		    (unsigned long long)stat_start_ticks(stat), host);
}

static void launch_print(struct job *job, const struct launcher *launcher)
{
	const char *name = value_of(launcher->launch);
	size_t end = 0;

	guest_print(job->launch, sizeof(job->launch), &end, "%s", name ? name : "");
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		if (number_of(value_of(counters[i])) > 0)
			guest_print(job->launch, sizeof(job->launch), &end, "%s%s", end ? "." : "", value_of(counters[i]));
}

void job_find(struct job *job)
{
	const struct launcher *launcher = launchers;

	*job = (struct job){.rank_number = -1};
	for (unsigned i = 0; i < JOB_COUNT && !job->number; i++)
		job->number = value_of(jobs[i]);
	while (launcher < launchers + LAUNCHER_COUNT && !value_of(launcher->rank))
		launcher++;
	if (launcher == launchers + LAUNCHER_COUNT)
		return;
	job->rank = value_of(launcher->rank);
	job->rank_number = number_of(job->rank);
	if (job->rank_number >= 0)
		job->size = size_find(job->rank, job->rank_number);
	launch_print(job, launcher);
	if (job->size && !job->number && !*job->launch)
		starter_print(job, launcher);
}
