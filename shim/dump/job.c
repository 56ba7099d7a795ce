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
 * The variables in which each launcher gives the rank, the number of ranks, the name of the launch, and rank and number
 * of ranks on this host. The first launcher whose variable for the rank is set is believed. The size of an allocation
 * (PBS_NP, LSB_DJOB_NUMPROC, SLURM_NTASKS) is not used: the batch script itself and serial programs in it have these
 * variables, too.
 */
static const struct launcher {
	const char *rank, *size, *launch, *local_rank, *local_size; /* names of variables; NULL if it sets none */
} launchers[] = {
	/* Open MPI */
	{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMIX_NAMESPACE", "OMPI_COMM_WORLD_LOCAL_RANK",
         "OMPI_COMM_WORLD_LOCAL_SIZE"},
	{"PMIX_RANK", NULL, "PMIX_NAMESPACE", "PMIX_LOCAL_RANK", NULL},
	/* MPICH and its derivatives, and Slurm's PMI */
	{"PMI_RANK", "PMI_SIZE", "PMI_JOBID", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
	{"PMI_RANK", NULL, NULL, "PMI_LOCAL_RANK", NULL}, /* Cray */
	/* MVAPICH2 */
	{"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", NULL, "MV2_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_SIZE"},
	/* LSF's jsrun */
	{"JSM_NAMESPACE_RANK", "JSM_NAMESPACE_SIZE", NULL, "JSM_NAMESPACE_LOCAL_RANK", NULL},
	/* PBS and others on HPE Cray */
	{"PALS_RANKID", NULL, "PALS_APID", "PALS_LOCAL_RANKID", NULL},
	{"FLUX_TASK_RANK", "FLUX_JOB_SIZE", "FLUX_JOB_ID", "FLUX_TASK_LOCAL_ID", NULL},
	{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_ID", "SLURM_LOCALID", NULL},
};

/*
 * The variables in which each batch system gives the number of the job, the number of the step, the index of the job in
 * an array of jobs, and how often the job was started again. The first one whose variable for the job is set is
 * believed.
 */
static const struct batch {
	const char *jobs[2], *step, *array_tasks[2], *restarts; /* names of variables; NULL if it sets none */
	bool array_is_one_job; /* the tasks of an array have one number; the index 0 is none then */
} batches[] = {
	{{"SLURM_JOB_ID", "SLURM_JOBID"}, "SLURM_STEP_ID", {"SLURM_ARRAY_TASK_ID"}, "SLURM_RESTART_COUNT", false},
	{{"PBS_JOBID"}, NULL, {"PBS_ARRAY_INDEX", "PBS_ARRAYID"}, NULL, false}, /* PBS Pro, OpenPBS; Torque */
	{{"LSB_JOBID"}, NULL, {"LSB_JOBINDEX"}, NULL, true},                    /* LSF */
};

enum {
	LAUNCHER_COUNT = sizeof(launchers) / sizeof(launchers[0]),
	BATCH_COUNT = sizeof(batches) / sizeof(batches[0]),
};

/* Returns the value of a variable; NULL if `name` is NULL or the variable is unset or empty. */
static const char *value_of(const char *name)
{
	const char *value = name ? getenv(name) : NULL;

	return value && *value ? value : NULL;
}

/* Reads a whole number up to NUMBER_MAX; -1 for anything else. */
static int32_t number_of(const char *text) { return text ? (int32_t)whole_number(text, NUMBER_MAX) : -1; }

/* Returns the value of the first of two variables that is set. */
static const char *value_of_either(const char *const names[2])
{
	const char *value = value_of(names[0]);

	return value ? value : value_of(names[1]);
}

/*
 * Returns the number in the variable at `offset` of struct launcher, from the first launcher that gives this process
 * the same rank and such a number above `least`; -1 if none does.
 */
static int32_t number_find(const char *rank, size_t offset, int32_t least)
{
	for (unsigned i = 0; i < LAUNCHER_COUNT; i++) {
		const char *same = value_of(launchers[i].rank);
		const char *const *variable = (const void *)((const char *)&launchers[i] + offset);
		int32_t number = number_of(value_of(*variable));

		if (same && !strcmp(same, rank) && number > least)
			return number;
	}
	return -1;
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
	guest_print(job->name, sizeof(job->name), &end, "%u.%llu@%s", pid, (unsigned long long)stat_start_ticks(stat),
	            host);
}

/* Whether a launcher's name for the launch is only that of the step: "1", "1234.1" or "slurm.pmix.1234.1". */
static bool names_step(const char *name, const char *number, const char *step)
{
	char both[2 * JOB_LAUNCH_MAX];
	size_t end = 0, length = strlen(name);

	guest_print(both, sizeof(both), &end, ".%s.%s", number, step);
	return !strcmp(name, step) || !strcmp(name, both + 1) || (length > end && !strcmp(name + length - end, both));
}

/*
 * Finds job, step, array task and restarts. `name` is the launcher's name for the launch, NULL if it has none. A launch
 * with a name of its own, such as mpirun's in a batch script, is no step: mpirun starts daemons on other nodes by srun,
 * so that ranks there have the variable of a step that those on the first node do not have.
 */
static void batch_find(struct job *job, const char *name)
{
	const struct batch *batch = batches;
	const char *step;

	while (batch < batches + BATCH_COUNT && !value_of_either(batch->jobs))
		batch++;
	if (batch == batches + BATCH_COUNT)
		return;
	job->number = value_of_either(batch->jobs);
	job->array_task = value_of_either(batch->array_tasks);
	job->array_is_one_job = batch->array_is_one_job;
	if (batch->array_is_one_job && number_of(job->array_task) <= 0)
		job->array_task = NULL;
	if (number_of(value_of(batch->restarts)) > 0)
		job->restarts = (uint32_t)number_of(value_of(batch->restarts));
	step = value_of(batch->step);
	if (step && (!name || names_step(name, job->number, step)))
		job->step = step;
}

/* Names the launch by `name`, the launcher's, and by what else tells launches of one job number apart. */
static void launch_print(struct job *job, const char *name)
{
	size_t end = 0;

	guest_print(job->launch, sizeof(job->launch), &end, "%s", name);
	if (job->restarts)
		guest_print(job->launch, sizeof(job->launch), &end, "%s%u", end ? "." : "", job->restarts);
	if (job->array_task && job->array_is_one_job)
		guest_print(job->launch, sizeof(job->launch), &end, "%s%s", end ? "." : "", job->array_task);
}

/*
 * Whether a launch without a name is named by the process that started its ranks: if job and step are not known either,
 * or if all ranks are on this host, since a job may have several launches.
 */
static bool is_named_by_starter(const struct job *job)
{
	if (!job->number)
		return job->size;
	return job->size && !job->step &&
	       number_find(job->rank, offsetof(struct launcher, local_size), -1) == (int32_t)job->size;
}

void job_find(struct job *job)
{
	const struct launcher *launcher = launchers;
	const char *name;
	size_t end = 0;

	*job = (struct job){.rank_number = -1, .local_rank = -1};
	while (launcher < launchers + LAUNCHER_COUNT && !value_of(launcher->rank))
		launcher++;
	name = launcher < launchers + LAUNCHER_COUNT ? value_of(launcher->launch) : NULL;
	batch_find(job, name);
	if (launcher == launchers + LAUNCHER_COUNT)
		return;
	job->rank = value_of(launcher->rank);
	job->rank_number = number_of(job->rank);
	if (job->rank_number >= 0) {
		int32_t size = number_find(job->rank, offsetof(struct launcher, size), job->rank_number);

		job->size = size > 0 ? (uint32_t)size : 0;
		job->local_rank = number_find(job->rank, offsetof(struct launcher, local_rank), -1);
	}
	if (name && !(job->step && names_step(name, job->number, job->step)))
		guest_print(job->name, sizeof(job->name), &end, "%s", name);
	if (!name && is_named_by_starter(job))
		starter_print(job, launcher);
	launch_print(job, name ? name : job->name);
}
