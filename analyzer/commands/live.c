/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * live.c - the command `live`, which follows a running program by reading its dump again and again.
 * It must never do anything to the program: no signal, no ptrace, no lock.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/report.h"
#include "analyzer/commands/screen.h"
#include "analyzer/read/system.h"
#include "analyzer/tables/processes.h"

enum { LINE_GROUPS = 3, SCREEN_ROWS = 10, JSON_ROWS = 10 };

#define SCHEMA "flopshim-live/1"

static const char usage[] =
	"Usage: flopshim-report live [OPTION ...] DUMP or PID\n\n"
	"Shows totals, rates, budgets and the top routines of a running program, until it ends or q is pressed.\n"
	"If standard output is not a terminal, each update is one line of text.\n";

struct live_options {
	double interval;
	unsigned long count; /* 0: until the program ends */
};

/* Totals at an update. Rates are made of the differences between two. */
struct look {
	uint64_t at_ns, calls; /* at_ns: monotonic */
	u128 flops;
	bool valid; /* there was an update */
};

struct rates {
	double flops, calls; /* per second */
	bool known;
};

/* Returns the rates since the last update, which the present one replaces. */
static struct rates look_again(struct look *last, const struct totals *totals)
{
	struct look now = {.at_ns = system_now_ns(), .calls = totals->calls, .flops = totals->flops, .valid = true};
	double seconds = (double)(now.at_ns - last->at_ns) / 1e9;
	struct rates rates = {.known = last->valid && seconds > 0 && now.flops >= last->flops &&
	                               now.calls >= last->calls};

	if (rates.known) {
		rates.flops = (double)(now.flops - last->flops) / seconds;
		rates.calls = (double)(now.calls - last->calls) / seconds;
	}
	*last = now;
	return rates;
}

/* Whether a process has not ended, or may not have. */
static bool goes_on(const struct aggregate *aggregate)
{
	for (size_t i = 0; i < aggregate->process_count; i++)
		if (aggregate->processes[i].state == PROCESS_RUNNING ||
		    aggregate->processes[i].state == PROCESS_UNKNOWN)
			return true;
	return false;
}

/* The namespace that has used the largest part of its budget; NULL if there are no budgets. */
static const struct space *tightest_budget(struct views *views)
{
	const struct space_list *list = views_spaces(views);
	const struct space *tightest = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct space *space = &list->spaces[i];

		if (space->budget && (!tightest || (u128)space->budget_used * tightest->budget >
		                                           (u128)tightest->budget_used * space->budget))
			tightest = space;
	}
	return tightest;
}

/* The state of the process; `none` if its dump could not be read. */
static const char *state_of(const struct aggregate *aggregate, const char *none)
{
	return aggregate->process_count ? state_name(aggregate->processes[0].state) : none;
}

/* An update in one line. */

/* Adds the largest groups by a key, with the part of the FLOPs that each has. */
static void add_groups(struct text *line, struct views *views, const struct key *key, size_t top)
{
	u128 total = views->aggregate->totals.flops;
	const struct group_list *list = views_groups(views, key->by, top);
	struct table table = {.data = views, .aggregate = views->aggregate};

	for (size_t i = 0; i < list->count && i < top; i++) {
		const struct group *group = &list->groups[i];

		text_add(line, i ? ", " : "  ");
		key_add_name(line, key, &table, group, COLUMN_NO_TEXT, " ");
		text_format(line, " %.0f %%", total ? 100 * (double)group->flops / (double)total : 0);
	}
}

static void say_line(struct answer *answer, struct views *views, const struct rates *rates,
                     const struct options *options)
{
	const struct key *key = options->by ? options->by : &keys[KEY_ROUTINE];
	const struct totals *totals = &views->aggregate->totals;
	const struct space *budget = tightest_budget(views);
	char flops[NUMBER_TEXT], calls[NUMBER_TEXT];
	struct text line = {0};

	text_format(&line, "%s FLOPs  %s calls", number_short(totals->flops, flops),
	            number_grouped(totals->calls, calls));
	if (rates->known)
		text_format(&line, "  %.3f GFLOP/s  %.0f calls/s", rates->flops / 1e9, rates->calls);
	if (budget)
		text_format(&line, "  budget %s%s%.1f %% used", budget->path, budget->path[0] ? " " : "",
		            100 * (double)budget->budget_used / (double)budget->budget);
	add_groups(&line, views, key, options->top ? options->top : LINE_GROUPS);
	if (!goes_on(views->aggregate))
		text_format(&line, "  (%s)", state_of(views->aggregate, "gone"));
	answer_say(answer, PART_PARAGRAPH, "%s", line.bytes);
	text_free(&line);
}

/* An update with tables. */

static void add_table(struct answer *answer, struct views *views, const struct table_kind *kind, unsigned place,
                      size_t top)
{
	struct table table;

	views_get(views, kind, top, answer_is_for(answer, FOR_PEOPLE), &table);
	answer_table(answer, &table, (struct table_options){.place = place, .beside = kind != &table_routines});
}

static void add_tables(struct answer *answer, const struct options *options, struct views *views)
{
	size_t top = answer_top(answer, options->top, SCREEN_ROWS, JSON_ROWS);
	struct table table;

	if (options->by) {
		options_by(options, answer);
		key_table(views, options->by, top, answer_is_for(answer, FOR_PEOPLE), &table);
		answer_table(answer, &table, (struct table_options){.counted = true});
		return;
	}
	if (answer_is_for(answer, FOR_PROGRAM) || report_table_find("namespaces")->applies(views))
		add_table(answer, views, &table_namespaces, 1, top);
	add_table(answer, views, &table_routines, 0, top);
	if (answer_is_for(answer, FOR_PEOPLE))
		add_table(answer, views, &table_unpriced, 2, top);
}

static void fill(struct answer *answer, const struct options *options, struct views *views, const struct rates *rates)
{
	answer_text(answer, "state", state_of(views->aggregate, NULL));
	report_head(answer, views);
	if (rates->known)
		answer_fact(answer, "now", "%.3f GFLOP/s, %.0f calls/s", rates->flops / 1e9, rates->calls);
	answer_real_if(answer, "flops_per_second", rates->known, rates->flops);
	answer_real_if(answer, "calls_per_second", rates->known, rates->calls);
	add_tables(answer, options, views);
}

/* The screen. */

static void show_screen(const struct options *options, const struct output *session_output, struct answer *answer)
{
	char *text = NULL;
	size_t size;
	struct output output = *session_output;

	output.stream = open_memstream(&text, &size);
	output.colour = false;
	output.width = screen_width();
	if (!output.stream)
		return;
	options_render(options, &output, answer);
	fclose(output.stream);
	screen_draw(text);
	free(text);
}

static bool plain_wait(double seconds)
{
	struct timespec time = {.tv_sec = (time_t)seconds};

	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	nanosleep(&time, NULL);
	return false;
}

/* The command. */

struct session {
	const struct options *options;
	struct live_options *own;
	struct output *output;
	char *path;
	bool screen;
	struct look last;
	int status; /* exit status, as of the last update */
};

static void show(struct session *session, struct views *views)
{
	struct rates rates = look_again(&session->last, &views->aggregate->totals);
	const struct options *options = session->options;
	struct answer answer;

	options_answer(options, &answer, SCHEMA);
	if (answer_is_for(&answer, FOR_TERMINAL) && !session->screen)
		say_line(&answer, views, &rates, options);
	else
		fill(&answer, options, views, &rates);
	if (session->screen)
		show_screen(options, session->output, &answer);
	else
		options_render(options, session->output, &answer);
	fflush(session->output->stream);
}

/* Writes the last state of the program to the terminal, after the screen was closed. */
static void show_end(struct session *session, struct views *views)
{
	struct answer answer;

	options_answer(session->options, &answer, SCHEMA);
	fill(&answer, session->options, views, &(struct rates){0});
	options_render(session->options, session->output, &answer);
}

/* Reads the dump and shows an update; false if the program has ended, or the dump cannot be read. */
static bool look(struct session *session)
{
	struct aggregate aggregate;
	struct views views;
	bool more;

	gather_open(&aggregate, false, session->options->by);
	session->status = report_status(&aggregate, gather(&aggregate, &session->path, 1, (struct gather_options){0}));
	more = aggregate.answered && goes_on(&aggregate);
	views_open(&views, &aggregate);
	if (aggregate.answered)
		show(session, &views);
	if (!more && session->screen) {
		screen_close();
		session->screen = false;
		if (aggregate.answered)
			show_end(session, &views);
	}
	views_close(&views);
	if (!more)
		report_damage(&aggregate);
	gather_close(&aggregate);
	return more;
}

static void follow(struct session *session)
{
	for (unsigned long i = 1;; i++) {
		if (!look(session) || (session->own->count && i >= session->own->count))
			return;
		if ((session->screen ? screen_wait : plain_wait)(session->own->interval))
			return;
	}
}

/* The path of the dump that an operand means, a path or the number of a process; to be freed. NULL after a message. */
static char *find_dump(const char *operand)
{
	char *path = NULL, *deleted = NULL, *end;
	unsigned long pid;

	if (access(operand, F_OK) == 0 || operand[strspn(operand, "0123456789")] || !*operand)
		return memory_text(operand, strlen(operand));
	pid = strtoul(operand, &end, 10);
	if (pid <= UINT32_MAX)
		path = system_dump_of((uint32_t)pid, &deleted);
	if (!path && deleted)
		complain("process %s has no dump that can be found; %s, which it writes, was deleted", operand,
		         deleted);
	else if (!path)
		complain("process %s has no dump that can be found: it has ended, has made no BLAS call yet, or runs "
		         "without "
		         "libflopshim.so; name the file instead",
		         operand);
	free(deleted);
	return path;
}

static int take_option(void *context, int code, const char *value)
{
	struct live_options *own = context;
	char *end;

	if (code == OPTION_INTERVAL) {
		own->interval = strtod(value, &end);
		if (end == value || *end || !(own->interval >= 0.01) || own->interval > 1e6)
			return usage_error("live", "--interval %s: expected seconds, 0.01 or more", value);
		return -1;
	}
	own->count = strtoul(value, &end, 10);
	if (end == value || *end || !own->count || value[0] == '-')
		return usage_error("live", "--count %s: expected a number, 1 or more", value);
	return -1;
}

int command_live(int count, char **arguments)
{
	struct live_options own = {.interval = 1};
	const struct option_parser parser = {
		.command = "live", .usage = usage, .schema = SCHEMA, .take = take_option, .context = &own};
	struct options options;
	struct output output;
	struct session session = {.options = &options, .own = &own, .output = &output};
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	if (options.operand_count != 1)
		return usage_error("live", "expected one dump, or the number of one process");
	output = options_output(&options);
	session.path = find_dump(options.operands[0]);
	if (!session.path)
		return EXIT_ERROR;
	session.screen = options.format == &format_text && system_terminal() && isatty(STDIN_FILENO);
	if (session.screen && screen_missing())
		complain("%s, so that each update is a line of text", screen_missing());
	/* A terminal that curses does not know gets lines. */
	session.screen = session.screen && screen_open();
	follow(&session);
	if (session.screen)
		screen_close();
	free(session.path);
	return output_finish(&output) ? session.status : EXIT_ERROR;
}
