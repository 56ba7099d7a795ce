/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * collect.c - runs `flopshim-report collect` at the end of a step.
 * It must never keep a node for long: a file system that hangs costs it a limited time, and the dumps stay where they are.
 */
#include "slurm/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <slurm/slurm.h>

#include "local.h"
#include "names.h"
#include "variables.h"

enum {
	SECONDS_MAX = 120, /* that collecting may take */
	SAID_MAX = 2000,   /* bytes of its messages that are logged */
	NUMBER_SIZE = 16,
	DESCRIPTORS_MAX = 4096, /* as many are closed in the new process */
};

/* All that the new process needs, made before it is forked: slurmstepd has threads, so little may be called afterwards. */
struct plan {
	uid_t user;
	gid_t group, *groups;
	int group_count;
	char job[NUMBER_SIZE], step[NUMBER_SIZE];
	const char *bases[2]; /* folders under which dumps may wait; the second may be NULL */
	char *arguments[12], *environment[2];
};

/* Returns the value of a variable in an environment, NULL if it is not there. */
static const char *value_in(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; environment && *environment; environment++)
		if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

static void keep_out(const char *variable, const char *value, void *out)
{
	if (!strcmp(variable, VARIABLE(OUT)))
		*(const char **)out = value;
}

/* Whether the tasks write their dumps to this node's own disk. */
static bool is_local(const struct wanted *wanted, char *const *environment)
{
	const char *out = value_in(environment, VARIABLE(OUT));

	wanted_each(wanted, keep_out, &out);
	return out && !strncmp(out, LOCAL_PREFIX, strlen(LOCAL_PREFIX));
}

static char *prepared; /* TMPDIR of the job, if it is an absolute path; NULL otherwise */

void collect_prepare(spank_t spank)
{
	char **environment = NULL;
	const char *folder;

	if (spank_get_item(spank, S_JOB_ENV, &environment))
		return;
	folder = value_in(environment, "TMPDIR");
	if (folder && *folder == '/' && !prepared)
		prepared = strdup(folder);
}

const char *collect_base(spank_t spank, const struct wanted *wanted)
{
	char **environment = NULL;

	if (spank_get_item(spank, S_JOB_ENV, &environment) || !is_local(wanted, environment))
		return NULL;
	return prepared && !faccessat(AT_FDCWD, prepared, W_OK | X_OK, AT_EACCESS) ? prepared : LOCAL_BASE;
}

/* Finds the folders under which the tasks' dumps may be: either of the results of collect_base. */
static void find_bases(struct plan *plan)
{
	size_t count = 0;

	if (prepared && strcmp(prepared, LOCAL_BASE))
		plan->bases[count++] = prepared;
	plan->bases[count] = LOCAL_BASE;
}

static void add_argument(struct plan *plan, size_t *count, const char *argument)
{
	if (argument)
		plan->arguments[(*count)++] = (char *)argument;
}

/*
 * Prints a number as the tasks have it in their environment, by which the shim names the step: in a step of several components
 * all tasks have the number of the job's first one, and Slurm's own number of the component is another.
 */
static void number_print(char number[NUMBER_SIZE], char *const *environment, const char *variable, uint32_t otherwise)
{
	const char *value = value_in(environment, variable);

	if (value && whole_number(value, UINT32_MAX) >= 0)
		snprintf(number, NUMBER_SIZE, "%s", value);
	else
		snprintf(number, NUMBER_SIZE, "%u", otherwise);
}

static bool plan_find(struct plan *plan, spank_t spank, char *const *environment, const struct collecting *how)
{
	const char *node = value_in(environment, "SLURMD_NODENAME"); /* collect names the file by it */
	uint32_t job = 0, step = 0;
	size_t count = 0;

	if (spank_get_item(spank, S_JOB_UID, &plan->user) || spank_get_item(spank, S_JOB_GID, &plan->group) ||
	    spank_get_item(spank, S_JOB_SUPPLEMENTARY_GIDS, &plan->groups, &plan->group_count) ||
	    spank_get_item(spank, S_JOB_ID, &job) || spank_get_item(spank, S_JOB_STEPID, &step))
		return false;
	number_print(plan->job, environment, "SLURM_JOB_ID", job);
	number_print(plan->step, environment, "SLURM_STEP_ID", step);
	if (node && asprintf(&plan->environment[0], "SLURMD_NODENAME=%s", node) < 0)
		plan->environment[0] = NULL;
	find_bases(plan);
	add_argument(plan, &count, how->report);
	add_argument(plan, &count, "collect");
	add_argument(plan, &count, how->may_run ? "--quiet" : NULL);
	add_argument(plan, &count, "--job");
	add_argument(plan, &count, plan->job);
	add_argument(plan, &count, "--step");
	add_argument(plan, &count, plan->step);
	add_argument(plan, &count, plan->bases[0]);
	add_argument(plan, &count, plan->bases[1]);
	return true;
}

/*
 * Whether the user has a folder of dumps on this node. It is asked for first because a step ends later by the time that a
 * process takes, and the next step of its job may wait for that.
 */
static bool something_waits(const struct plan *plan)
{
	struct stat status;
	bool there = false;

	for (size_t i = 0; i < 2 && plan->bases[i] && !there; i++) {
		char *folder;

		if (asprintf(&folder, "%s/" LOCAL_FOLDER "%u", plan->bases[i], plan->user) < 0)
			return true;
		there = !lstat(folder, &status);
		free(folder);
	}
	return there;
}

static void plan_free(struct plan *plan) { free(plan->environment[0]); }

/* Becomes the job's user and flopshim-report, whose messages go to `messages`. */
static void __attribute__((noreturn)) become_collector(const struct plan *plan, int messages)
{
	int nothing = open("/dev/null", O_RDWR);
	sigset_t none;
	bool ready;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	ready = nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(nothing, STDOUT_FILENO) >= 0 &&
	        dup2(messages, STDERR_FILENO) >= 0;
	for (int descriptor = STDERR_FILENO + 1; descriptor < DESCRIPTORS_MAX; descriptor++)
		close(descriptor);
	if (ready && (geteuid() || !setgroups((size_t)plan->group_count, plan->groups)) && !setgid(plan->group) &&
	    !setuid(plan->user) && !chdir("/"))
		execve(plan->arguments[0], plan->arguments, plan->environment);
	dprintf(STDERR_FILENO, "%s: %s\n", plan->arguments[0], strerror(errno));
	_exit(1);
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Reads what the process says until it closes the pipe. The text is ended by a 0; what does not fit is dropped. Returns false
 * if that takes too long.
 */
static bool listen_to(int messages, char said[SAID_MAX])
{
	int64_t end = milliseconds() + SECONDS_MAX * 1000, left;
	size_t length = 0;
	char more[256];

	said[0] = 0;
	while ((left = end - milliseconds()) > 0) {
		struct pollfd wait = {.fd = messages, .events = POLLIN};
		ssize_t count = poll(&wait, 1, (int)left) > 0 ? read(messages, more, sizeof more) : -1;

		if (!count)
			return true;
		if (count > 0 && length + (size_t)count < SAID_MAX) {
			memcpy(said + length, more, (size_t)count);
			length += (size_t)count;
			said[length] = 0;
		}
	}
	return false;
}

static void log_lines(char *said)
{
	for (char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n")) {
		make_printable(line, strlen(line));
		slurm_error("%s", line);
	}
}

static void run(const struct plan *plan)
{
	char said[SAID_MAX];
	int ends[2], status;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC)) {
		slurm_error("flopshim: dumps are left on this node: %s", strerror(errno));
		return;
	}
	child = fork();
	if (!child)
		become_collector(plan, ends[1]);
	close(ends[1]);
	if (child < 0) {
		slurm_error("flopshim: dumps are left on this node: %s", strerror(errno));
	} else {
		if (!listen_to(ends[0], said)) {
			slurm_error("flopshim: collecting has not ended within %d s: dumps are left on this node",
			            SECONDS_MAX);
			kill(child, SIGKILL);
		}
		log_lines(said);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
}

void collect_step(spank_t spank, const struct wanted *wanted, const struct collecting *how)
{
	char **environment = NULL;
	struct plan plan = {0};

	if (spank_get_item(spank, S_JOB_ENV, &environment) || !is_local(wanted, environment))
		return;
	if (!how->report) {
		slurm_error("flopshim: dumps are left on this node: plugstack.conf does not say where flopshim-report "
		            "is; expected " REPORT_ARGUMENT "PATH");
		return;
	}
	if (!plan_find(&plan, spank, environment, how))
		slurm_error("flopshim: dumps are left on this node: Slurm does not say whose the step is");
	else if (something_waits(&plan))
		run(&plan);
	plan_free(&plan);
}
