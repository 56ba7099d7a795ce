/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.c - measures what a call costs in every mode: starts the workers, lets them take turns, compares their times.
 * It must never compare times of different rounds.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum library { NO_SHIM, BARE, BARE_JUMP, SHIM, PEER };
enum { MODES_MAX = 16, VARIANTS_MAX = 8, ROUNDS_MAX = 1000, WORKER_IN = 3, WORKER_OUT = 4, DESCRIPTORS_MAX = 200 };

struct mode {
	const char *name;
	enum library library;
	const char *variables[VARIABLES_MAX + 1];
	bool in_namespace;
};

static const struct mode modes[] = {
	{"no shim", NO_SHIM, {NULL}, false},
	{"bare", BARE, {NULL}, false},
	{"bare jump", BARE_JUMP, {NULL}, false},
	{"default", SHIM, {NULL}, false},
	{"namespace", SHIM, {NULL}, true},
	{"budget", SHIM, {"FLOPSHIM_BUDGET=1E"}, false},
	{"clock on all", SHIM, {"FLOPSHIM_TIME=all"}, false},
	{"stack on all", SHIM, {"FLOPSHIM_STACKS=all"}, false},
	{"record of calls", SHIM, {"FLOPSHIM_RECORDS=calls"}, false},
	{"nothing but counts", SHIM, {"FLOPSHIM_STACKS=off", "FLOPSHIM_TIME=off"}, false},
};
enum { MODES = sizeof(modes) / sizeof(modes[0]) };
_Static_assert(MODES + PEERS_MAX <= MODES_MAX, "every mode has a worker");

/* A piece of work that is measured in several modes, with one worker for each, and in several variants. */
struct group {
	const char *part, *name;
	enum work work;
	bool real;                   /* whether the workers call a real BLAS */
	uint64_t calls;              /* calls in one round */
	double rounds;               /* factor of the number of rounds: small if a round is long, large if noisy */
	int variants[VARIANTS_MAX];  /* arguments of the work; 0 ends them */
	const char *only[MODES_MAX]; /* names of modes; an empty list means all */
};

static const struct group groups[] = {
	{"calls", "two clock reads", WORK_CLOCK, false, 20000, 1, {1}, {"no shim"}},
	{"calls", "ddot_ n=4", WORK_DDOT, false, 50000, 1, {1}, {NULL}},
	{"calls", "cblas_ddot n=4", WORK_CBLAS_DDOT, false, 50000, 1, {1}, {NULL}},
	{"calls", "dgemm_ 4x4x4", WORK_DGEMM, false, 50000, 1, {4}, {NULL}},
	{"calls", "dgemm_ 64x64x64", WORK_DGEMM, false, 20000, 1, {64}, {NULL}},
	{"calls", "dgesv_ n=8", WORK_DGESV, false, 50000, 1, {8}, {NULL}},
	{"calls", "nested ddot_", WORK_NESTED, false, 50000, 1, {1}, {NULL}},
	{"real", "ddot_ n=4", WORK_DDOT, true, 50000, 1, {1}, {NULL}},
	{"real", "dgemm_ 4x4x4", WORK_DGEMM, true, 10000, 1, {4}, {NULL}},
	{"real", "dgemm_ 64x64x64", WORK_DGEMM, true, 1000, 1, {64}, {NULL}},
	{"real", "dgesv_ n=8", WORK_DGESV, true, 2000, 1, {8}, {NULL}},
	{"real", "dgemm_ 500", WORK_DGEMM, true, 1, 0.5, {500}, {NULL}},
	{"shapes", "shapes", WORK_SHAPES, false, 50000, 1, {1, 100, 10000}, {"no shim", "bare", "default"}},
	{"shapes",
         "shapes, side by side",
         WORK_SHAPES,
         false,
         1000000,
         0.25,
         {1, 1000000},
         {"no shim", "bare", "default"}},
	{"shapes", "shapes at random", WORK_RANDOM, false, 50000, 1, {1, 100, 10000}, {"no shim", "bare", "default"}},
	{"threads", "additions", WORK_ADDITIONS, false, 30000, 16, {1, 2}, {"no shim"}},
	{"threads", "threads", WORK_THREADS, false, 30000, 16, {1, 2, 4, 8}, {"no shim", "bare", "default", "budget"}},
};

/* ---- workers ---- */

struct worker {
	struct mode mode;
	pid_t pid;
	int in, out;
};

static void become_worker(const struct settings *settings, const struct group *group, const struct mode *mode, int in,
                          int out)
{
	const char *const libraries[] = {[NO_SHIM] = NULL,
	                                 [BARE] = settings->bare,
	                                 [BARE_JUMP] = settings->bare_jump,
	                                 [SHIM] = settings->shim,
	                                 [PEER] = NULL};
	const char *program = group->real ? settings->real_worker : "/proc/self/exe";

	/* `in` or `out` may be WORKER_IN or WORKER_OUT already: both are moved to higher numbers first. */
	in = dup2(in, DESCRIPTORS_MAX);
	out = dup2(out, DESCRIPTORS_MAX + 1);
	dup2(in, WORKER_IN);
	dup2(out, WORKER_OUT);
	for (int i = WORKER_OUT + 1; i <= DESCRIPTORS_MAX + 1; i++)
		close(i);
	if (mode->library == PEER)
		dup2(STDERR_FILENO, STDOUT_FILENO); /* standard output is for the figures */
	if (libraries[mode->library])
		setenv("LD_PRELOAD", libraries[mode->library], 1);
	for (unsigned i = 0; mode->variables[i]; i++)
		putenv((char *)mode->variables[i]);
	execl(program, program, "--worker", (char *)NULL);
	_exit(127);
}

static bool worker_start(const struct settings *settings, const struct group *group, const struct mode *mode,
                         struct worker *worker)
{
	int to[2], from[2];

	if (pipe(to) || pipe(from))
		return false;
	worker->mode = *mode;
	worker->pid = fork();
	if (!worker->pid)
		become_worker(settings, group, mode, to[0], from[1]);
	close(to[0]);
	close(from[1]);
	worker->in = to[1];
	worker->out = from[0];
	return worker->pid > 0;
}

static bool worker_ask(const struct worker *worker, const struct order *order, struct answer *answer)
{
	return write(worker->in, order, sizeof(*order)) == sizeof(*order) &&
	       read(worker->out, answer, sizeof(*answer)) == sizeof(*answer);
}

static bool worker_end(const struct worker *worker)
{
	int status;

	close(worker->in);
	close(worker->out);
	return waitpid(worker->pid, &status, 0) == worker->pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

/* ---- rounds ---- */

struct measured {
	struct answer answers[MODES_MAX][VARIANTS_MAX][ROUNDS_MAX]; /* times per call */
	struct answer first[MODES_MAX][VARIANTS_MAX]; /* times per call in round -1, when the shapes are new */
	unsigned workers, variants, rounds;
	struct worker list[MODES_MAX];
};

static struct measured measured;

static bool round_run(const struct group *group, int number)
{
	for (unsigned i = 0; i < measured.workers; i++) {
		/* Another worker begins each round, so that no mode is always measured first. */
		unsigned at = (i + (unsigned)(number + 1)) % measured.workers;

		for (unsigned variant = 0; variant < measured.variants; variant++) {
			struct order order = {group->work, group->variants[variant], group->calls};
			struct answer *answer =
				number < 0 ? &measured.first[at][variant] : &measured.answers[at][variant][number];

			if (!worker_ask(&measured.list[at], &order, answer))
				return false;
			answer->wall_ns /= (double)group->calls;
			answer->cpu_ns /= (double)group->calls;
		}
	}
	return true;
}

static bool is_wanted(const struct group *group, const struct mode *mode)
{
	for (unsigned i = 0; group->only[i]; i++)
		if (!strcmp(group->only[i], mode->name))
			return true;
	return !group->only[0];
}

/* A peer's variables may have to name the BLAS. Only in the part `calls` do all workers call one that is known. */
static bool has_peers(const struct group *group) { return !strcmp(group->part, "calls") && !group->only[0]; }

static bool group_run(const struct settings *settings, const struct group *group)
{
	struct answer ignored;
	bool good = true;

	measured.workers = measured.variants = 0;
	while (measured.variants < VARIANTS_MAX && group->variants[measured.variants])
		measured.variants++;
	measured.rounds = (unsigned)fmin(settings->rounds * group->rounds, ROUNDS_MAX);
	if (measured.rounds < 3)
		measured.rounds = 3;
	for (unsigned i = 0; good && i < MODES; i++)
		if (is_wanted(group, &modes[i]))
			good = worker_start(settings, group, &modes[i], &measured.list[measured.workers++]);
	for (unsigned i = 0; good && has_peers(group) && i < settings->peer_count; i++) {
		struct mode mode = {.name = settings->peers[i].name, .library = PEER};

		memcpy(mode.variables, settings->peers[i].variables, sizeof(mode.variables));
		good = worker_start(settings, group, &mode, &measured.list[measured.workers++]);
	}
	for (unsigned i = 0; good && i < measured.workers; i++)
		if (measured.list[i].mode.in_namespace)
			good = worker_ask(&measured.list[i], &(struct order){WORK_NAMESPACE, 0, 1}, &ignored);
	for (int number = -1; good && number < (int)measured.rounds; number++)
		good = round_run(group, number);
	for (unsigned i = 0; i < measured.workers; i++)
		if (!worker_end(&measured.list[i]) || !good) {
			fprintf(stderr, "bench: the worker for \"%s\" in the mode \"%s\" failed\n", group->name,
			        measured.list[i].mode.name);
			good = false;
		}
	return good;
}

/* ---- figures ---- */

static double values[ROUNDS_MAX];

static struct summary cpu_of(unsigned worker, unsigned variant)
{
	for (unsigned i = 0; i < measured.rounds; i++)
		values[i] = measured.answers[worker][variant][i].cpu_ns;
	return summarize(values, measured.rounds);
}

/* What a worker's call costs more than the first worker's, which runs without the shim: CPU nanoseconds per call. */
static struct summary added_to(unsigned worker, unsigned variant)
{
	struct summary added;

	for (unsigned i = 0; i < measured.rounds; i++)
		values[i] = measured.answers[worker][variant][i].cpu_ns - measured.answers[0][variant][i].cpu_ns;
	added = summarize(values, measured.rounds);
	added.lowest = cpu_of(worker, variant).lowest - cpu_of(0, variant).lowest;
	return added;
}

static double target_of(const struct group *group, const char *mode)
{
	static const struct {
		const char *part, *name, *mode;
		double target;
	} targets[] = {
		{"calls", "ddot_ n=4", "default", 10},
		{"calls", "ddot_ n=4", "namespace", 10},
		{"calls", "ddot_ n=4", "budget", 18},
		{"calls", "nested ddot_", "default", 6},
	};

	for (unsigned i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (!strcmp(targets[i].part, group->part) && !strcmp(targets[i].name, group->name) &&
		    !strcmp(targets[i].mode, mode))
			return targets[i].target;
	if (!strcmp(mode, "clock on all") && !strcmp(group->name, "ddot_ n=4") && group->work == WORK_DDOT)
		return figure_value("calls", "two clock reads", "no shim") + 10;
	return NAN;
}

static void add(const struct group *group, const char *name, const char *mode, const char *unit, struct summary value,
                double target, bool at_least)
{
	struct figure figure = {.unit = unit,
	                        .value = value.median,
	                        .spread = value.spread,
	                        .lowest = value.lowest,
	                        .target = target,
	                        .at_least = at_least};

	snprintf(figure.part, sizeof(figure.part), "%s", group->part);
	snprintf(figure.name, sizeof(figure.name), "%s", name);
	snprintf(figure.mode, sizeof(figure.mode), "%s", mode);
	figure_add(&figure);
}

static struct summary exactly(double value) { return (struct summary){value, NAN, NAN}; }

static struct summary ratio_of(struct summary a, struct summary b)
{
	return (struct summary){a.median / b.median, a.lowest / b.lowest, NAN};
}

static void figures_of_calls(const struct group *group, unsigned variant, const char *name)
{
	char label[64];
	struct summary bare = exactly(NAN), jump = bare, by_default = bare;

	add(group, name, "no shim", "ns a call", cpu_of(0, variant), NAN, false);
	for (unsigned i = 1; i < measured.workers; i++) {
		const struct mode *worker = &measured.list[i].mode;
		const char *mode = worker->name;
		struct summary added = added_to(i, variant);

		add(group, name, mode, "ns added", added, target_of(group, mode), false);
		if (!strcmp(mode, "bare"))
			bare = added;
		if (!strcmp(mode, "bare jump"))
			jump = added;
		/* A peer that adds less than a jump did not intercept this call. */
		if (worker->library == PEER && added.median > jump.median) {
			snprintf(label, sizeof(label), "default / %s", mode);
			add(group, name, label, "times", ratio_of(by_default, added),
			    group->work == WORK_DDOT ? 1.0 / 3 : NAN, false);
		}
		if (strcmp(mode, "default"))
			continue;
		by_default = added;
		if (group->work == WORK_DDOT && !group->real)
			add(group, name, "default / bare", "times", ratio_of(added, bare), 3, false);
		if (group->real)
			add(group, name, "default, relative", "%",
			    exactly(100 * added.median / cpu_of(0, variant).median), NAN, false);
	}
}

static void figures_of_shapes(const struct group *group)
{
	struct summary single = exactly(NAN); /* the time of calls of a single shape, in the same rounds */
	char name[64];

	for (unsigned variant = 0; variant < measured.variants; variant++) {
		unsigned last = measured.workers - 1;
		struct summary added;

		if (group->variants[variant] == 1)
			snprintf(name, sizeof(name), "1 shape%s", group->name + strlen("shapes"));
		else
			snprintf(name, sizeof(name), "%d %s", group->variants[variant], group->name);
		figures_of_calls(group, variant, name);
		add(group, name, "first calls", "ns added",
		    exactly(measured.first[last][variant].cpu_ns - measured.first[0][variant].cpu_ns), NAN, false);
		added = added_to(last, variant);
		if (group->variants[variant] == 1)
			single = added;
		else
			add(group, name, "added / 1 shape", "times", ratio_of(added, single),
			    group->variants[variant] == 1000000 ? 3 : NAN, false);
	}
}

/*
 * The throughput of this variant's threads divided by that of one thread. Each is taken from its fastest round, since
 * in others the threads may have waited for a processor.
 */
static double scaling(unsigned worker, unsigned variant)
{
	double fastest[2] = {INFINITY, INFINITY};

	for (unsigned i = 0; i < measured.rounds; i++) {
		fastest[0] = fmin(fastest[0], measured.answers[worker][0][i].wall_ns);
		fastest[1] = fmin(fastest[1], measured.answers[worker][variant][i].wall_ns);
	}
	return fastest[0] / fastest[1];
}

static void figures_of_threads(const struct group *group)
{
	char name[64], label[32];

	for (unsigned variant = 0; variant < measured.variants; variant++) {
		int threads = group->variants[variant];

		snprintf(name, sizeof(name), "%d %s", threads, threads == 1 ? "thread" : "threads");
		figures_of_calls(group, variant, name);
		for (unsigned worker = 0; threads > 1 && worker < measured.workers; worker++) {
			const char *mode = measured.list[worker].mode.name;

			snprintf(label, sizeof(label), "scaling, %s", mode);
			add(group, name, label, "times", exactly(scaling(worker, variant)), NAN, true);
			snprintf(label, sizeof(label), "relative, %s", mode);
			if (worker)
				add(group, name, label, "times",
				    exactly(scaling(worker, variant) / scaling(0, variant)),
				    threads == 2 && !strcmp(mode, "budget") ? 0.9 : NAN, true);
		}
	}
}

/* Measures how much memory the shim keeps resident after 10 million calls of 1,000 shapes. */
static bool memory_measure(const struct settings *settings)
{
	static const struct group group = {
		"memory", "10 million calls of 1,000 shapes", WORK_SHAPES, false, 10000000, 1, {1000}, {NULL}};
	const char *const names[] = {"no shim", "default"};
	double resident[2];

	for (unsigned i = 0; i < 2; i++) {
		const struct mode *mode = modes;
		struct worker worker;
		struct answer answer;
		bool good;

		while (strcmp(mode->name, names[i]))
			mode++;
		good = worker_start(settings, &group, mode, &worker) &&
		       worker_ask(&worker, &(struct order){group.work, group.variants[0], group.calls}, &answer) &&
		       worker_ask(&worker, &(struct order){WORK_MEMORY, 0, 1}, &answer);
		resident[i] = answer.wall_ns;
		if (!worker_end(&worker) || !good)
			return false;
	}
	add(&group, group.name, "default", "MiB added", exactly((resident[1] - resident[0]) / 1024), 8, false);
	return true;
}

int calls_measure(const struct settings *settings)
{
	for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		const struct group *group = &groups[i];

		if (!part_is_wanted(settings, group->part) || (settings->quick && group->variants[0] == 1000000))
			continue;
		if (!group_run(settings, group))
			return -1;
		if (group->work == WORK_SHAPES || group->work == WORK_RANDOM)
			figures_of_shapes(group);
		else if (group->work == WORK_ADDITIONS)
			add(group, "2 threads that only add", "scaling, no shim", "times", exactly(scaling(0, 1)), NAN,
			    true);
		else if (group->work == WORK_THREADS)
			figures_of_threads(group);
		else
			figures_of_calls(group, 0, group->name);
		scratch_clear(settings->scratch);
	}
	if (part_is_wanted(settings, "memory") && !memory_measure(settings))
		return -1;
	scratch_clear(settings->scratch);
	return 0;
}
