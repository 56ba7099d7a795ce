/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flopshim.c - the plugin for Slurm (SPANK): the option --flopshim of srun, sbatch and salloc, which preloads the shim
 * into each task.
 * It must never touch a job whose user did not ask for it, nor start a task without the shim whose user did.
 *
 * Slurm loads it into srun, sbatch and salloc, which check the option, and on each node into slurmstepd, where the
 * option arrives again. slurmstepd calls slurm_spank_task_init in the process of each task, as the job's user, just
 * before it executes the program.
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <slurm/slurm.h>
#include <slurm/spank.h>

#include "launcher/reach.h"
#include "names.h"
#include "preload.h"
#include "slurm/collect.h"
#include "slurm/options.h"
#include "variables.h"

#define OPTION_NAME "flopshim"
/* The variable from which srun, sbatch and salloc take an option of a plugin that the command line does not have. */
#define OPTION_VARIABLE  "SLURM_SPANK__SLURM_SPANK_OPTION_" OPTION_NAME "_" OPTION_NAME
#define LIBRARY_ARGUMENT "library=" /* of the line in plugstack.conf */

enum { ENVIRONMENT_VALUE_MAX = 65536 }; /* bytes of a variable of the job that is read */

SPANK_PLUGIN(flopshim, 1)

static struct wanted wanted;
/* Paths of the shim and of flopshim-report, from plugstack.conf; NULL if it does not say. */
static const char *library, *report;

/* ---- the option ---- */

/* Slurm calls this for each --flopshim, and for each variable that stands for it; the last one holds. */
static int choose(int unused, const char *options, int is_remote)
{
	char fault[FAULT_SIZE];

	(void)unused;
	wanted_free(&wanted);
	if (!wanted_read(&wanted, options, fault)) {
		slurm_error("flopshim: %s", fault);
		return ESPANK_BAD_ARG;
	}
	if (wanted.help && !is_remote) {
		wanted_help();
		exit(fflush(stdout) != 0);
	}
	if (!is_remote && !wanted_is_accepted(&wanted))
		return ESPANK_BAD_ARG;
	return ESPANK_SUCCESS;
}

static struct spank_option option = {
	.name = OPTION_NAME,
	.arginfo = "OPTIONS",
	.usage = "count floating-point operations of BLAS and LAPACK calls; --flopshim=help says more",
	.has_arg = 2, /* the argument may be left out */
	.cb = choose,
};

/* Whether the plugin runs in srun, sbatch or salloc. */
static bool is_front_end(void) { return spank_context() == S_CTX_LOCAL || spank_context() == S_CTX_ALLOCATOR; }

int slurm_spank_init(spank_t spank, int count, char **arguments)
{
	const char *asked = getenv(VARIABLE(SLURM));

	if (!is_front_end() && spank_context() != S_CTX_REMOTE)
		return ESPANK_SUCCESS;
	for (int i = 0; i < count; i++) {
		if (!strncmp(arguments[i], LIBRARY_ARGUMENT, strlen(LIBRARY_ARGUMENT)))
			library = arguments[i] + strlen(LIBRARY_ARGUMENT);
		else if (!strncmp(arguments[i], REPORT_ARGUMENT, strlen(REPORT_ARGUMENT)))
			report = arguments[i] + strlen(REPORT_ARGUMENT);
		else
			slurm_error("flopshim: plugstack.conf: '%s': expected " LIBRARY_ARGUMENT
			            "PATH or " REPORT_ARGUMENT "PATH",
			            arguments[i]);
	}
	/*
	 * Slurm then treats the variable as it does the option, and carries it to the tasks even if their environment
	 * is another one (--export). An option that sbatch was given, which Slurm keeps in the same variable, goes
	 * before it.
	 */
	if (asked && *asked && is_front_end())
		setenv(OPTION_VARIABLE, asked, 0);
	return spank_option_register(spank, &option);
}

/* ---- the tasks ---- */

/* Says on the task's standard error why it cannot be counted, and ends it. */
static void __attribute__((format(printf, 1, 2), noreturn)) refuse(const char *format, ...)
{
	char reason[FAULT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof reason, format, arguments);
	va_end(arguments);
	make_printable(reason, strlen(reason));
	dprintf(STDERR_FILENO, "flopshim: %s; the task is not started\n", reason);
	_exit(STATUS_LAUNCHER);
}

/* Returns a variable of the task, for the caller to free; NULL if it is not set. */
static char *task_variable(spank_t spank, const char *name)
{
	char *value = malloc(ENVIRONMENT_VALUE_MAX);
	spank_err_t error = value ? spank_getenv(spank, name, value, ENVIRONMENT_VALUE_MAX) : ESPANK_ERROR;

	if (error == ESPANK_SUCCESS)
		return value;
	if (error != ESPANK_ENV_NOEXIST)
		refuse("cannot read %s: %s", name, value ? spank_strerror(error) : "out of memory");
	free(value);
	return NULL;
}

static void set_task_variable(const char *name, const char *value, void *spank)
{
	spank_err_t error = spank_setenv(spank, name, value, 1);

	if (error != ESPANK_SUCCESS)
		refuse("cannot set %s: %s", name, spank_strerror(error));
}

/* Returns the path of the shim on this node, and its ELF machine; ends the task if there is none to preload. */
static char *find_shim(spank_t spank, int *machine)
{
	char *own = task_variable(spank, VARIABLE(LIBRARY));
	const char *given = own && *own ? own : library;
	char *found;

	if (!given)
		refuse("plugstack.conf does not say where %s is; expected " LIBRARY_ARGUMENT "PATH", SHIM_NAME);
	found = preload_path(given);
	if (!found || !reach_machine(found, machine))
		refuse("%s: %s", given, strerror(errno));
	if (*machine == EM_NONE)
		refuse("%s is not a shared object for this machine", given);
	if (strpbrk(found, PRELOAD_SEPARATORS))
		refuse("%s: LD_PRELOAD cannot hold a path with a space or a colon", found);
	free(own);
	return found;
}

static jmp_buf unreached;
static bool may_speak; /* whether this task says what is out of reach */

static void __attribute__((noreturn)) hear_fault(int status, const char *sentence)
{
	if (may_speak && status == STATUS_UNREACHABLE) /* of a program that is not there Slurm speaks itself */
		dprintf(STDERR_FILENO, "flopshim: %s; it is not counted\n", sentence);
	longjmp(unreached, 1);
}

static void hear_note(const char *sentence) { (void)sentence; }

/*
 * Looks into the program of the task, unless srun reads the programs from a file (--multi-prog): Slurm does not show
 * them. A program out of reach is run nevertheless, unlike by the launcher, since the variable asks for all programs
 * of a session.
 */
static void look_at_program(spank_t spank, int machine)
{
	static const struct reach_listener listener = {hear_fault, hear_note};
	char *path = task_variable(spank, "PATH"), *quiet = task_variable(spank, VARIABLE(QUIET));
	char **arguments = NULL;
	uint32_t rank = 0;
	int count = 0;

	if (path) /* interpreters are searched in it; the program itself gets the task's environment */
		setenv("PATH", path, 1);
	spank_get_item(spank, S_TASK_GLOBAL_ID, &rank);
	may_speak = !rank && (!quiet || strcmp(quiet, "1")); /* the other tasks most likely run the same program */
	free(path);
	free(quiet);
	reach_listen(&listener);
	if (spank_get_item(spank, S_JOB_ARGV, &count, &arguments) == ESPANK_SUCCESS && count &&
	    !(strchr(arguments[0], '/') && access(arguments[0], X_OK)) && !setjmp(unreached))
		reach_check(find_program_or_fail(arguments[0], ""), machine);
}

static void preload(spank_t spank)
{
	int machine = EM_NONE;
	char *shim = find_shim(spank, &machine), *old = task_variable(spank, "LD_PRELOAD"), *list;

	look_at_program(spank, machine);
	list = preload_list(reach_sanitizer(), shim, old);
	if (!list)
		refuse("out of memory");
	set_task_variable("LD_PRELOAD", list, spank);
	free(list);
	free(old);
	free(shim);
}

/*
 * Whether the step is the shell of sbatch or of salloc. It is left alone: what it starts by srun is a step of its own,
 * which has the option too.
 */
static bool is_shell(spank_t spank)
{
	uint32_t step = 0;

	if (spank_get_item(spank, S_JOB_STEPID, &step) != ESPANK_SUCCESS)
		return false;
#ifdef SLURM_INTERACTIVE_STEP /* since Slurm 20.11 */
	if (step == SLURM_INTERACTIVE_STEP)
		return true;
#endif
	return step == SLURM_BATCH_SCRIPT;
}

/* Called in slurmstepd, as the user, before the tasks are forked. */
int slurm_spank_user_init(spank_t spank, int count, char **arguments)
{
	(void)count;
	(void)arguments;
	if (wanted.on && !is_shell(spank))
		collect_prepare(spank);
	return ESPANK_SUCCESS;
}

int slurm_spank_task_init(spank_t spank, int count, char **arguments)
{
	const char *base;
	char process[32];

	(void)count;
	(void)arguments;
	if (!wanted.on || is_shell(spank))
		return ESPANK_SUCCESS;
	wanted_each(&wanted, set_task_variable, spank);
	preload(spank);
	base = collect_base(spank, &wanted);
	if (base)
		set_task_variable(VARIABLE(BASE), base, spank);
	snprintf(process, sizeof process, "%ld", (long)getpid()); /* which the program keeps */
	set_task_variable(VARIABLE(LAUNCHED), process, spank);
	return ESPANK_SUCCESS;
}

/* ---- the end ---- */

/*
 * Called in slurmstepd for each task of this node that has ended. srun waits for it, so that whoever runs flopshim-report after
 * srun finds the step's file.
 */
int slurm_spank_task_exit(spank_t spank, int count, char **arguments)
{
	static uint32_t ended;
	uint32_t tasks = 0;

	(void)count;
	(void)arguments;
	if (!wanted.on || is_shell(spank))
		return ESPANK_SUCCESS;
	if (spank_get_item(spank, S_JOB_LOCAL_TASK_COUNT, &tasks) == ESPANK_SUCCESS && ++ended == tasks)
		collect_step(spank, &wanted, &(struct collecting){.report = report, .may_run = true});
	return ESPANK_SUCCESS;
}

/*
 * Called in slurmstepd at the end of the step. Slurm has then ended the processes that outlived the tasks, as far as it follows
 * them: all of them with control groups. srun does not wait for this.
 */
int slurm_spank_exit(spank_t spank, int count, char **arguments)
{
	(void)count;
	(void)arguments;
	if (spank_context() == S_CTX_REMOTE && wanted.on && !is_shell(spank))
		collect_step(spank, &wanted, &(struct collecting){.report = report});
	return ESPANK_SUCCESS;
}
