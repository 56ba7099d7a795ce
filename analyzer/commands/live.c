/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * live.c - follows a running program by reading its dump again and again. It must never do anything to the
 * program: no signal, no ptrace, no lock.
 */
#include <inttypes.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/base/memory.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/report.h"
#include "analyzer/read/system.h"

enum { OPTION_INTERVAL = OPTION_OWN, OPTION_COUNT, LINE_ROUTINES = 3, SCREEN_ROUTINES = 10, JSON_ROUTINES = 10 };

static const char help[] =
	"Usage: flopshim-report live [OPTION ...] DUMP or PID\n\n"
	"Shows totals, rates, budgets and the top routines of a running program, until it ends or q is pressed.\n"
	"Where standard output is no terminal: a line each time.\n\n"
	"  --interval SECONDS  between two looks (1)\n"
	"  --count N           stop after so many looks\n"
	"  --top N             routines that are shown\n"
	"  --json              a line of JSON each time\n";

struct live_options {
	double interval;
	unsigned long count; /* 0: until the program ends */
};

/* What the last look saw: rates are differences. */
struct look {
	uint64_t at_ns, calls;
	u128 flops;
	bool valid;
};

struct rates {
	double flops, calls; /* a second */
	bool known;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct rates look_again(struct look *last, const struct totals *totals)
{
	struct look now = { .at_ns = now_ns(), .calls = totals->calls, .flops = totals->flops, .valid = true };
	double seconds = (double)(now.at_ns - last->at_ns) / 1e9;
	struct rates rates = { .known = last->valid && seconds > 0 && now.flops >= last->flops && now.calls >= last->calls };

	if (rates.known) {
		rates.flops = (double)(now.flops - last->flops) / seconds;
		rates.calls = (double)(now.calls - last->calls) / seconds;
	}
	*last = now;
	return rates;
}

/* Not yet ended, as far as can be told. */
static bool goes_on(const struct aggregate *aggregate)
{
	for (size_t i = 0; i < aggregate->process_count; i++)
		if (aggregate->processes[i].state == PROCESS_RUNNING || aggregate->processes[i].state == PROCESS_UNKNOWN)
			return true;
	return false;
}

/* The budget of which the largest part is used; NULL without budgets. */
static const struct space *tightest_budget(struct views *views)
{
	const struct space *tightest = NULL;
	struct table table;

	views_get(views, TABLE_NAMESPACES, SIZE_MAX, &table);
	for (size_t i = 0; i < views->spaces.count; i++) {
		const struct space *space = &views->spaces.spaces[i];

		if (space->budget && (!tightest || (u128)space->budget_used * tightest->budget >
		                                           (u128)tightest->budget_used * space->budget))
			tightest = space;
	}
	return tightest;
}

/* A line. */

static void put_line(struct output *output, struct views *views, const struct rates *rates)
{
	const struct aggregate *aggregate = views->aggregate;
	const struct totals *totals = &aggregate->totals;
	const struct space *budget = tightest_budget(views);
	char text[NUMBER_TEXT];
	struct table table;

	fprintf(output->stream, "%s FLOPs", number_short(totals->flops, text));
	fprintf(output->stream, "  %s calls", number_grouped(totals->calls, text));
	if (rates->known)
		fprintf(output->stream, "  %.3f GFLOP/s  %.0f calls/s", rates->flops / 1e9, rates->calls);
	if (budget)
		fprintf(output->stream, "  budget %s%s%.1f %% used", budget->path, budget->path[0] ? " " : "",
		        100 * (double)budget->budget_used / (double)budget->budget);
	views_get(views, TABLE_ROUTINES, LINE_ROUTINES, &table);
	for (size_t i = 0; i < table.row_count; i++) {
		const struct group *group = &views->groups[GROUP_ROUTINE].groups[i];

		fputs(i ? ", " : "  ", output->stream);
		text_clean(output, text_at(aggregate, routine_of(aggregate, group->row->routine)->name));
		fprintf(output->stream, " %.0f %%", totals->flops ? 100 * (double)group->flops / (double)totals->flops : 0);
	}
	if (!goes_on(aggregate))
		fprintf(output->stream, "  (%s)", aggregate->process_count ? state_name(aggregate->processes[0].state) : "gone");
	fputc('\n', output->stream);
}

static void put_json(struct output *output, struct views *views, const struct rates *rates, size_t top)
{
	static const enum table_id ids[] = { TABLE_ROUTINES, TABLE_NAMESPACES };
	const struct aggregate *aggregate = views->aggregate;
	struct table table;

	json_open(output, NULL, '{');
	json_text(output, "schema", "flopshim-live/1");
	json_text(output, "state", aggregate->process_count ? state_name(aggregate->processes[0].state) : NULL);
	report_totals_json(output, views);
	if (rates->known) {
		json_real(output, "flops_per_second", rates->flops);
		json_real(output, "calls_per_second", rates->calls);
	} else {
		json_null(output, "flops_per_second");
		json_null(output, "calls_per_second");
	}
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		views_get(views, ids[i], top ? top : JSON_ROUTINES, &table);
		table_json(output, &table);
	}
	json_close(output, '}');
}

/* A screen. */

static void put_screen(struct output *output, struct views *views, const struct rates *rates, size_t top)
{
	struct table table;

	report_head(output, views);
	if (rates->known)
		fprintf(output->stream, "%-10s %.3f GFLOP/s, %.0f calls/s\n", "now", rates->flops / 1e9, rates->calls);
	if (views->aggregate->spaces.count > 1 || views->aggregate->limits.count) {
		views_get(views, TABLE_NAMESPACES, SCREEN_ROUTINES, &table);
		table_text(output, &table);
	}
	views_get(views, TABLE_ROUTINES, top ? top : SCREEN_ROUTINES, &table);
	table_text(output, &table);
	views_get(views, TABLE_UNPRICED, SCREEN_ROUTINES, &table);
	table_text(output, &table);
}

/* Lines that are not indented are headings or totals; the first of a paragraph stands out. */
static void draw(char *text)
{
	bool heading = true;
	int row = 0;

	erase();
	for (char *line = text, *end; *line && row < LINES; line = end + 1, row++) {
		end = strchrnul(line, '\n');
		attrset(heading && line[0] != ' ' ? A_BOLD : A_NORMAL);
		mvaddnstr(row, 0, line, (int)(end - line));
		heading = end == line;
		if (!*end)
			break;
	}
	attrset(A_NORMAL);
	mvaddstr(LINES - 1, 0, "q: quit");
	refresh();
}

static void show_screen(struct views *views, const struct rates *rates, size_t top)
{
	char *text = NULL;
	size_t size;
	struct output output = { .stream = open_memstream(&text, &size) };

	if (!output.stream)
		return;
	put_screen(&output, views, rates, top);
	fclose(output.stream);
	draw(text);
	free(text);
}

/* Waits; true when the user wants to stop. */
static bool screen_wait(double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9), now;

	while ((now = now_ns()) < end) {
		int key;

		timeout((int)((end - now) / 1000000) + 1);
		key = getch();
		if (key == 'q' || key == 'Q')
			return true;
		if (key == KEY_RESIZE)
			return false;
	}
	return false;
}

static bool plain_wait(double seconds)
{
	struct timespec time = { .tv_sec = (time_t)seconds };

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
	int status; /* of the last look */
};

static void show(struct session *session, struct views *views)
{
	struct rates rates = look_again(&session->last, &views->aggregate->totals);

	if (session->options->format == FORMAT_JSON)
		put_json(session->output, views, &rates, session->options->top);
	else if (session->screen)
		show_screen(views, &rates, session->options->top);
	else
		put_line(session->output, views, &rates);
	fflush(session->output->stream);
}

/* One look; false when there will be nothing more to see. */
static bool look(struct session *session)
{
	struct aggregate aggregate;
	struct views views;
	bool more;

	gather_open(&aggregate, false);
	session->status = report_status(&aggregate, gather(&aggregate, &session->path, 1));
	more = aggregate.answered && goes_on(&aggregate);
	views_open(&views, &aggregate);
	if (aggregate.answered)
		show(session, &views);
	views_close(&views);
	if (!more && session->screen) {
		endwin();
		session->screen = false;
		if (aggregate.answered) { /* leave the end on the terminal */
			views_open(&views, &aggregate);
			put_screen(session->output, &views, &(struct rates){ 0 }, session->options->top);
			views_close(&views);
		}
	}
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

/* The dump that an operand means; NULL after saying why there is none. */
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
		complain("process %s has no dump that can be found; %s, which it writes, was deleted", operand, deleted);
	else if (!path)
		complain("process %s has no dump that can be found: it has ended, has made no BLAS call yet, or runs without "
		         "libflopshim.so; name the file instead", operand);
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
		return usage_error("live", "--count %s: expected a number from 1 on", value);
	return -1;
}

int command_live(int count, char **arguments)
{
	static const struct option table[] = {
		OPTION_LINE_HELP, OPTION_LINE_JSON, OPTION_LINE_TOP,
		{ "interval", required_argument, NULL, OPTION_INTERVAL }, { "count", required_argument, NULL, OPTION_COUNT },
		OPTION_LINE_END,
	};
	struct live_options own = { .interval = 1 };
	const struct option_parser parser = { .command = "live", .help = help, .table = table, .take = take_option,
	                                      .context = &own };
	struct options options;
	struct output output;
	struct session session = { .options = &options, .own = &own, .output = &output };
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	if (options.operand_count != 1)
		return usage_error("live", "expected one dump or the number of a process");
	output = options_output(&options);
	session.path = find_dump(options.operands[0]);
	if (!session.path)
		return EXIT_ERROR;
	session.screen = options.format == FORMAT_TEXT && system_terminal() && isatty(STDIN_FILENO);
	/* Where the terminal is one that curses does not know, lines will do. */
	session.screen = session.screen && newterm(NULL, stdout, stdin);
	if (session.screen) {
		cbreak();
		noecho();
		curs_set(0);
		keypad(stdscr, TRUE);
	}
	follow(&session);
	if (session.screen)
		endwin();
	free(session.path);
	return output_finish(&output) ? session.status : EXIT_ERROR;
}
