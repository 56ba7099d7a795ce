/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * job.c - reads the variables of batch systems and of MPI launchers; if these do not name the launch, finds out which
 * process started its ranks.
 * It must never take the rank from one launcher and the size from another: in a batch script srun's variables stand
 * beside mpirun's.
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
#include "shim/guest/program.h"
#include "names.h"

enum {
	NUMBER_MAX = 1 << 30, /* a greater rank or number of ranks is not believed */
	ANCESTORS_MAX = 64,   /* processes that are searched for the one that started the ranks */
};

/*
 * The variables in which each launcher gives the rank, the number of ranks and the name of the launch. The first
 * launcher whose variable for the rank is set is believed. The size of an allocation (PBS_NP, LSB_DJOB_NUMPROC,
 * SLURM_NTASKS) is not used: the batch script itself and serial programs in it have these variables, too.
 */
static const struct launcher {
	const char *rank, *size, *launch; /* names of variables; NULL if it sets none */
} launchers[] = {
	{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMIX_NAMESPACE"}, /* Open MPI */
	{"PMIX_RANK", NULL, "PMIX_NAMESPACE"},
	{"PMI_RANK", "PMI_SIZE", "PMI_JOBID"},                /* MPICH and its derivatives, and Slurm's PMI */
	{"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", NULL}, /* MVAPICH2 */
	{"JSM_NAMESPACE_RANK", "JSM_NAMESPACE_SIZE", NULL},   /* LSF's jsrun */
	{"PALS_RANKID", NULL, "PALS_APID"},                   /* PBS and others on HPE Cray */
	{"FLUX_TASK_RANK", "FLUX_JOB_SIZE", "FLUX_JOB_ID"},
	{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_ID"},
};

/* Variables with the number of the batch job. */
static const char *const jobs[] = {"SLURM_JOB_ID", "SLURM_JOBID", "PBS_JOBID", "LSB_JOBID"};

/*
 * Variables that, if they are not 0, tell launches of one job number apart: how often the job was restarted, and its
 * index in an array of jobs.
 */
static const char *const counters[] = {"SLURM_RESTART_COUNT", "LSB_JOBINDEX"};

enum {
	LAUNCHER_COUNT = sizeof(launchers) / sizeof(launchers[0]),
	JOB_COUNT = sizeof(jobs) / sizeof(jobs[0]),
	COUNTER_COUNT = sizeof(counters) / sizeof(counters[0]),
};

/* Returns the value of a variable; NULL if `name` is NULL or the variable is unset or empty. */
static const char *value_of(const char *name)
{
	const char *value = name ? getenv(name) : NULL;

	return value && *value ? value : NULL;
}

/* Reads a whole number up to NUMBER_MAX; -1 for anything else. */
static int32_t number_of(const char *text) { return text ? (int32_t)whole_number(text, NUMBER_MAX) : -1; }

/*
 * Returns the number of ranks from the first launcher that gives it and gives this process the same rank; 0 if none
 * does.
 */
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

/*
 * Whether the variable `name` is in the file `environment`, which is a /proc/PID/environ of any size. False if it
 * cannot be read.
 */
static bool has_variable(const char *environment, const char *name)
{
	static char text[2048]; /* static since stacks may be small; under record_lock */
	int saved = errno, file = open(environment, O_RDONLY | O_CLOEXEC);
	const char *at = name; /* the character that must come next; NULL if this variable is another one */
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

/*
 * Names the launch by the process that started its ranks on this host: the nearest ancestor that has no variable for
 * the rank. The ancestors in between, which have it, are shells and ranks that started this process. All ranks of a
 * host find the same process.
 */
static void starter_print(struct job *job, const struct launcher *launcher)
{
	const char *stat = "";
	char number[16], name[64], host[65];
	uint32_t pid = (uint32_t)getppid();
	size_t end = 0;

	for (unsigned i = 0; i < ANCESTORS_MAX; i++) {
		size_t number_end = 0, name_end = 0;

		guest_print(number, sizeof(number), &number_end, "%u", pid);
		stat = program_stat(number);
		if (!*stat)
			return;
		guest_print(name, sizeof(name), &name_end, "/proc/%u/environ", pid);
		if (!has_variable(name, launcher->rank))
			break;
		pid = stat_parent(stat);
	}
	path_host(host, sizeof(host));
	guest_print(job->launch, sizeof(job->launch), &end, "%u.%llu@%s", pid,
	            (unsigned long long)stat_start_ticks(stat), host);
}

/* Names the launch by the launcher's variable, if it is set, and by counters that are not 0. */
static void launch_print(struct job *job, const struct launcher *launcher)
{
	const char *name = value_of(launcher->launch);
	size_t end = 0;

	guest_print(job->launch, sizeof(job->launch), &end, "%s", name ? name : "");
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		if (number_of(value_of(counters[i])) > 0)
			guest_print(job->launch, sizeof(job->launch), &end, "%s%s", end ? "." : "",
			            value_of(counters[i]));
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
