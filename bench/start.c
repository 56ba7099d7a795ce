/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * start.c - measures what the shim adds to the start of a process: time, and pages touched.
 * It must never fail because a program is not installed: that one is left out.
 */
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

extern char **environ;

enum { ROUNDS_MAX = 1000, ENVIRONMENT_MAX = 1000 };

struct program {
	const char *name;
	const char *arguments[4];
	unsigned part_of_rounds;
};

struct cost {
	double wall_ns, cpu_ns, faults;
};

static bool run(const struct program *program, char **environment, struct cost *cost)
{
	posix_spawn_file_actions_t actions;
	double start = now_ns();
	struct rusage usage;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, program->arguments[0], &actions, NULL, (char *const *)program->arguments, environment) ||
	    wait4(pid, &status, 0, &usage) != pid)
		status = -1;
	posix_spawn_file_actions_destroy(&actions);
	cost->wall_ns = now_ns() - start;
	cost->cpu_ns = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
	               (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
	cost->faults = (double)usage.ru_minflt;
	return status == 0;
}

static void add(const char *name, const char *mode, const char *unit, double *values, unsigned count, double scale,
                double target)
{
	struct summary summary = summarize(values, count);
	struct figure figure = {.part = "start",
	                        .unit = unit,
	                        .value = summary.median * scale,
	                        .spread = summary.spread * scale,
	                        .lowest = NAN,
	                        .target = target};

	snprintf(figure.name, sizeof(figure.name), "%s", name);
	snprintf(figure.mode, sizeof(figure.mode), "%s", mode);
	figure_add(&figure);
}

static bool program_measure(const struct program *program, unsigned rounds, char **plain, char **preloaded)
{
	static double alone[ROUNDS_MAX], cpu[ROUNDS_MAX], wall[ROUNDS_MAX], faults[ROUNDS_MAX];

	rounds /= program->part_of_rounds;
	rounds = rounds < 3 ? 3 : rounds;
	for (unsigned i = 0; i < rounds; i++) {
		struct cost without, with;
		bool good = i % 2 ? run(program, plain, &without) && run(program, preloaded, &with)
		                  : run(program, preloaded, &with) && run(program, plain, &without);

		if (!good)
			return false;
		alone[i] = without.wall_ns;
		cpu[i] = with.cpu_ns - without.cpu_ns;
		wall[i] = with.wall_ns - without.wall_ns;
		faults[i] = with.faults - without.faults;
	}
	add(program->name, "no shim", "ms", alone, rounds, 1e-6, NAN);
	add(program->name, "default", "ms added", wall, rounds, 1e-6, strstr(program->name, "no BLAS") ? 3 : NAN);
	add(program->name, "default, CPU", "ms added", cpu, rounds, 1e-6, NAN);
	add(program->name, "default, pages", "pages added", faults, rounds, 1, NAN);
	return true;
}

int start_measure(const struct settings *settings)
{
	const struct program programs[] = {
		{"/bin/true, no BLAS call", {"/bin/true"}, 1},
		{"C, one ddot_", {settings->workload, "--calls=1"}, 1},
		{"python3 -c 'import numpy'", {"/usr/bin/python3", "-c", "import numpy"}, 4},
	};
	char *preloaded[ENVIRONMENT_MAX], preload[4096];
	unsigned count = 0;

	while (environ[count] && count < ENVIRONMENT_MAX - 2) {
		preloaded[count] = environ[count];
		count++;
	}
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", settings->shim);
	preloaded[count++] = preload;
	preloaded[count] = NULL;
	for (unsigned i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (!program_measure(&programs[i], settings->rounds, environ, preloaded)) {
			if (strstr(programs[i].name, "numpy"))
				continue; /* not installed */
			fprintf(stderr, "bench: %s did not run\n", programs[i].name);
			return -1;
		}
	}
	return 0;
}
