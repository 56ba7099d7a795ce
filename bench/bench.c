/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench.c - the program of `make bench`: measures what the shim costs and shows it beside the targets.
 * It must never fail because of a figure: machines differ, and other programs run on them.
 */
#include <dirent.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

static const char usage[] =
	"Usage: bench [--rounds N] [--runs N] [--quick] [--json FILE] [--shim FILE] [--report FILE] [--peer PEER]\n"
	"             [PART ...]\n"
	"\n"
	"Measures what the shim adds to calls, to the start of programs, and how fast flopshim-report is.\n"
	"Parts: calls, real, shapes, threads, memory, start, analyzer; all of them without one.\n"
	"\n"
	"  --rounds N   measures N rounds in every mode (60); figures are medians over the rounds\n"
	"  --runs N     measures everything N times and shows the worst of each figure\n"
	"  --quick      leaves out what takes long\n"
	"  --json FILE  writes the figures as JSON too; - is standard output, and then no text is printed\n"
	"  --shim FILE  measures this libflopshim.so instead of the one beside this program\n"
	"  --report FILE measures this flopshim-report\n"
	"  --peer \"NAME VARIABLE=VALUE ...\"\n"
	"               measures another tool too, in the part calls. The environment variables put the tool\n"
	"               between the program and its BLAS, which is libbenchblas.so beside this program. The\n"
	"               figure is what the shim adds in proportion to what the tool adds; the target for\n"
	"               ddot_ is a third at most. A tool that adds less than a jump did not see the call, and\n"
	"               has no such figure. What the tool prints goes to standard error. --peer may be given\n"
	"               several times: --peer \"scilib-prof LD_PRELOAD=/opt/scilib-prof/libprof-dl.so\"\n";

enum { FIGURES_MAX = 1000 };

static struct figure figures[FIGURES_MAX];
static unsigned figure_count;

static struct figure *figure_find(const char *part, const char *name, const char *mode)
{
	for (unsigned i = 0; i < figure_count; i++)
		if (!strcmp(figures[i].part, part) && !strcmp(figures[i].name, name) && !strcmp(figures[i].mode, mode))
			return &figures[i];
	return NULL;
}

void figure_add(const struct figure *figure)
{
	struct figure *known = figure_find(figure->part, figure->name, figure->mode);

	if (!known && figure_count < FIGURES_MAX)
		figures[figure_count++] = *figure;
	else if (known && (figure->at_least ? figure->value < known->value : figure->value > known->value))
		*known = *figure;
}

double figure_value(const char *part, const char *name, const char *mode)
{
	const struct figure *figure = figure_find(part, name, mode);

	return figure ? figure->value : NAN;
}

static bool is_met(const struct figure *figure, double value)
{
	return figure->at_least ? value >= figure->target : value <= figure->target;
}

/*
 * Says whether a target is met. Where other programs slow the processor down, the fastest rounds tell more of the code.
 */
static const char *verdict(const struct figure *figure)
{
	if (is_met(figure, figure->value))
		return "met";
	return is_met(figure, figure->lowest) ? "met by the fastest rounds" : "MISSED";
}

/* ---- text and JSON ---- */

static void number_print(const char *before, double number)
{
	if (isnan(number))
		printf("%*s", (int)strlen(before) + 9, "");
	else
		printf("%s%9.*f", before, fabs(number) < 100 ? 2 : 0, number);
}

static void text_print(void)
{
	const char *part = "", *name = "";

	for (unsigned i = 0; i < figure_count; i++) {
		const struct figure *figure = &figures[i];

		if (strcmp(figure->part, part))
			printf("\n%-28s %-30s %9s %11s %9s   %s\n", figure->part, "", "median", "+-", "fastest",
			       "unit");
		printf("%-28s %-30s ", strcmp(figure->name, name) || strcmp(figure->part, part) ? figure->name : "",
		       figure->mode);
		part = figure->part;
		name = figure->name;
		number_print("", figure->value);
		number_print("  ", figure->spread);
		number_print(" ", figure->lowest);
		printf("   %s", figure->unit);
		if (!isnan(figure->target))
			printf(", target %s %.4g: %s", figure->at_least ? ">=" : "<=", figure->target, verdict(figure));
		putchar('\n');
	}
}

static void json_number(FILE *file, const char *key, double number)
{
	if (isnan(number))
		fprintf(file, ", \"%s\": null", key);
	else
		fprintf(file, ", \"%s\": %.6g", key, number);
}

static bool json_write(const char *path, const struct settings *settings)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "w") : stdout;
	struct utsname system;

	if (!file)
		return false;
	uname(&system);
	fprintf(file,
	        "{\"schema\": \"flopshim-bench/1\", \"machine\": \"%s\", \"processors\": %ld, \"rounds\": %u,\n "
	        "\"figures\": [",
	        system.machine, sysconf(_SC_NPROCESSORS_ONLN), settings->rounds);
	for (unsigned i = 0; i < figure_count; i++) {
		const struct figure *figure = &figures[i];

		fprintf(file, "%s\n  {\"part\": \"%s\", \"name\": \"%s\", \"mode\": \"%s\", \"unit\": \"%s\"",
		        i ? "," : "", figure->part, figure->name, figure->mode, figure->unit);
		json_number(file, "value", figure->value);
		json_number(file, "spread", figure->spread);
		json_number(file, "fastest", figure->lowest);
		json_number(file, "target", figure->target);
		if (isnan(figure->target))
			fprintf(file, ", \"verdict\": null}");
		else
			fprintf(file, ", \"verdict\": \"%s\"}", verdict(figure));
	}
	fprintf(file, "\n ]}\n");
	return file == stdout ? !fflush(file) : !fclose(file);
}

/* ---- what to do ---- */

static const char *const known_parts[] = {"calls", "real", "shapes", "threads", "memory", "start", "analyzer", NULL};

static bool is_among(const char *part, const char *const *parts)
{
	while (*parts && strcmp(*parts, part))
		parts++;
	return *parts;
}

bool part_is_wanted(const struct settings *settings, const char *part)
{
	return !*settings->parts || is_among(part, (const char *const *)settings->parts);
}

static const char *beside(const char *folder, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", folder, name) < 0 || access(path, R_OK)) {
		fprintf(stderr, "bench: no %s beside this program: make bench builds it\n", name);
		exit(1);
	}
	return path;
}

/* --peer's "NAME VARIABLE=VALUE ...": peer_parse cuts the text in place, and the peer keeps pointers into it. */
enum { PEER_NAME_MAX = 20 };

static bool peer_parse(char *text, struct peer *peer)
{
	unsigned count = 0;
	char *rest;

	*peer = (struct peer){.name = strtok_r(text, " ", &rest)};
	for (char *word; (word = strtok_r(NULL, " ", &rest)); count++) {
		if (count == VARIABLES_MAX || !strchr(word, '='))
			return false;
		peer->variables[count] = word;
	}
	return count && strlen(peer->name) <= PEER_NAME_MAX && !strpbrk(peer->name, "\"\\");
}

static int measure(const struct settings *settings)
{
	if (calls_measure(settings))
		return -1;
	if (part_is_wanted(settings, "start") && start_measure(settings))
		return -1;
	return part_is_wanted(settings, "analyzer") ? analyzer_measure(settings) : 0;
}

void scratch_clear(const char *folder)
{
	DIR *directory = opendir(folder);
	struct dirent *entry;
	char path[PATH_MAX + NAME_MAX + 2];

	while (directory && (entry = readdir(directory))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (strstr(entry->d_name, ".dump"))
			unlink(path);
	}
	if (directory)
		closedir(directory);
}

/* Workers read settings from the environment, so settings of the caller's own are removed from it first. */
static void environment_clean(const char *scratch)
{
	extern char **environ;

	unsetenv("LD_PRELOAD");
	for (char **at = environ; *at;) {
		if (!strncmp(*at, "FLOPSHIM_", 9)) {
			char name[256];

			snprintf(name, sizeof(name), "%.*s", (int)strcspn(*at, "="), *at);
			unsetenv(name);
			at = environ;
		} else {
			at++;
		}
	}
	setenv("FLOPSHIM_OUT", scratch, 1);
	setenv("OPENBLAS_NUM_THREADS", "1", 1);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"rounds", required_argument, NULL, 'r'},
		{"runs", required_argument, NULL, 'n'},
		{"quick", no_argument, NULL, 'q'},
		{"json", required_argument, NULL, 'j'},
		{"shim", required_argument, NULL, 's'},
		{"report", required_argument, NULL, 'p'},
		{"worker", no_argument, NULL, 'w'},
		{"calls", required_argument, NULL, 'c'},
		{"nested", required_argument, NULL, 'i'},
		{"products", required_argument, NULL, 'd'},
		{"new-shapes", required_argument, NULL, 'm'},
		{"peer", required_argument, NULL, 'e'},
		{"threads", required_argument, NULL, 't'},
		{"threads-nested", required_argument, NULL, 'a'},
		{"threads-pairs", required_argument, NULL, 'b'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct peer peers[PEERS_MAX];
	struct settings settings = {.rounds = 60, .peers = peers};
	char self[PATH_MAX] = "", scratch[PATH_MAX];
	const char *json = NULL, *folder, *temporary = getenv("TMPDIR");
	int option, runs = 1, result = 0;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'w': return worker_run(3, 4);
		case 'c': return worker_calls(strtoull(optarg, NULL, 10));
		case 'i': return worker_nested(strtoull(optarg, NULL, 10));
		case 'd': return worker_products(atoi(optarg));
		case 'm': return worker_new_shapes(atoi(optarg));
		case 't': return worker_threads("one", atoi(optarg));
		case 'a': return worker_threads("nested", atoi(optarg));
		case 'b': return worker_threads("pairs", atoi(optarg));
		case 'r': settings.rounds = (unsigned)atoi(optarg); break;
		case 'n': runs = atoi(optarg); break;
		case 'q': settings.quick = true; break;
		case 'j': json = optarg; break;
		case 's': settings.shim = realpath(optarg, NULL); break;
		case 'p': settings.report = realpath(optarg, NULL); break;
		case 'e':
			if (settings.peer_count == PEERS_MAX || !peer_parse(optarg, &peers[settings.peer_count++]))
				return fputs(usage, stderr), 2;
			break;
		case 'h': return fputs(usage, stdout) < 0;
		default: return fputs(usage, stderr), 2;
		}
	}
	settings.parts = argv + optind;
	for (char **part = settings.parts; *part; part++)
		if (!is_among(*part, known_parts))
			return fprintf(stderr, "bench: no part %s\n%s", *part, usage), 2;
	if (settings.rounds < 3 || settings.rounds > 1000 || runs < 1)
		return fputs(usage, stderr), 2;
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	settings.workload = strdup(self);
	folder = dirname(self);
	settings.shim = settings.shim ? settings.shim : beside(folder, "../libflopshim.so");
	settings.report = settings.report ? settings.report : beside(folder, "../flopshim-report");
	settings.bare = beside(folder, "libflopshim-bare.so");
	settings.bare_jump = beside(folder, "libflopshim-bare-jump.so");
	settings.real_worker = beside(folder, "bench-real");
	snprintf(scratch, sizeof(scratch), "%s/flopshim-bench-XXXXXX", temporary ? temporary : "/tmp");
	if (!mkdtemp(scratch))
		return perror(scratch), 1;
	settings.scratch = scratch;
	environment_clean(scratch);
	for (int i = 0; !result && i < runs; i++)
		result = measure(&settings);
	scratch_clear(scratch);
	rmdir(scratch);
	if (!json || strcmp(json, "-"))
		text_print();
	if (json && !json_write(json, &settings))
		return perror(json), 1;
	return result ? 1 : 0;
}
