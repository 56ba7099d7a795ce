/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/commands/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/options.h"

enum { TEXT_TOP = 10, JSON_TOP = 100, DAMAGE_LINES = 20, COMMAND_BYTES = 120 };

static const char help[] =
	"Usage: flopshim-report [report] [OPTION ...] [DUMP or DIRECTORY ...]\n\n"
	"Adds up dumps and shows what the programs did.\n\n"
	"  --json              everything as JSON (schema flopshim-report/1)\n"
	"  --csv[=TABLE]       one table as CSV: routines (default), namespaces, shapes, sites, stacks, unpriced,\n"
	"                      manual, limits, libraries, notes, process_list, damage\n"
	"  --top N             rows that a table shows: a number or 'all' (text 10, JSON 100 for the long ones)\n"
	"  --reprice           price every shape by today's routine table\n"
	"  --strict            status 6 where work has no price\n"
	"  --fail-on-budget    status 4 where work was refused or ran over a budget\n";

/* Text. */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void put_command(struct output *output, const struct aggregate *aggregate, const struct process *process)
{
	const char *arguments = text_at(aggregate, process->arguments);
	const char *end = arguments + process->argument_bytes, *program = text_at(aggregate, process->program);

	if (!process->argument_bytes)
		text_clean(output, *program ? base_name(program) : "(unknown program)");
	for (const char *at = arguments; at < end; at += strlen(at) + 1) {
		if (at - arguments + strlen(at) > COMMAND_BYTES) { /* a script, or thousands of files */
			fputs(" ...", output->stream);
			break;
		}
		fputs(at == arguments ? "" : " ", output->stream);
		text_clean(output, at == arguments ? base_name(at) : at);
	}
}

static void put_state(struct output *output, const struct process *process)
{
	static const char *const texts[] = {
		[PROCESS_RUNNING] = "still running", [PROCESS_CLOSED] = "closed", [PROCESS_REPLACED] = "replaced by exec",
		[PROCESS_ENDED] = "ended without closing its dump", [PROCESS_UNKNOWN] = "running, or ended without closing",
	};

	fputs(texts[process->state], output->stream);
}

static void put_one_process(struct output *output, const struct aggregate *aggregate)
{
	const struct process *process = aggregate->processes;
	char text[NUMBER_TEXT];

	put_command(output, aggregate, process);
	text_style(output, STYLE_PLAIN);
	fprintf(output->stream, "\npid %" PRIu32 " on ", process->pid);
	text_clean(output, text_at(aggregate, process->host));
	fputs(", ", output->stream);
	put_state(output, process);
	if (process->elapsed_ns)
		fprintf(output->stream, ", ran %s", number_time((double)process->elapsed_ns, text));
	if (process->exit_status >= 0)
		fprintf(output->stream, ", stopped by its budget with status %" PRId32, process->exit_status);
	fputc('\n', output->stream);
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static size_t count_hosts(const struct aggregate *aggregate)
{
	uint32_t *hosts = memory_new(aggregate->process_count, sizeof *hosts);
	size_t count = 0;

	for (size_t i = 0; i < aggregate->process_count; i++)
		hosts[i] = aggregate->processes[i].host;
	qsort(hosts, aggregate->process_count, sizeof *hosts, compare_numbers);
	for (size_t i = 0; i < aggregate->process_count; i++)
		count += !i || hosts[i] != hosts[i - 1];
	free(hosts);
	return count;
}

static void put_processes(struct output *output, const struct aggregate *aggregate)
{
	size_t states[PROCESS_UNKNOWN + 1] = { 0 }, hosts = count_hosts(aggregate);
	bool same = true;

	for (size_t i = 0; i < aggregate->process_count; i++) {
		states[aggregate->processes[i].state]++;
		same &= aggregate->processes[i].program == aggregate->processes[0].program;
	}
	fprintf(output->stream, "%zu processes", aggregate->process_count);
	if (same) {
		fputs(" of ", output->stream);
		text_clean(output, base_name(text_at(aggregate, aggregate->processes[0].program)));
	}
	text_style(output, STYLE_PLAIN);
	fprintf(output->stream, "\non %zu host%s", hosts, hosts == 1 ? "" : "s");
	for (unsigned i = 0; i <= PROCESS_UNKNOWN; i++)
		if (states[i])
			fprintf(output->stream, ", %zu %s", states[i], state_name((enum process_state)i));
	fputc('\n', output->stream);
}

/* A count of calls, where there are any. */
static void put_calls(struct output *output, const char *label, uint64_t calls, const char *what)
{
	char text[NUMBER_TEXT];

	if (calls)
		fprintf(output->stream, "%-10s %s %s\n", label, number_grouped(calls, text), what);
}

static void put_calls_and_flops(struct output *output, const char *label, uint64_t calls, u128 flops, const char *what)
{
	char text[NUMBER_TEXT], price[NUMBER_TEXT];

	if (calls)
		fprintf(output->stream, "%-10s %s %s: %s FLOPs\n", label, number_grouped(calls, text), what,
		        number_grouped(flops, price));
}

static void put_line(struct output *output, bool applies, const char *label, const char *what)
{
	if (applies)
		fprintf(output->stream, "%-10s %s\n", label, what);
}

static void put_total(struct output *output, const struct totals *totals)
{
	char text[NUMBER_TEXT];

	fprintf(output->stream, "%-10s %s FLOPs in ", "total", number_grouped(totals->flops, text));
	fprintf(output->stream, "%s call%s\n", number_grouped(totals->calls, text), totals->calls == 1 ? "" : "s");
	if (totals->charged != totals->flops)
		fprintf(output->stream, "%-10s %s FLOPs, after multipliers and weights\n", "charged",
		        number_grouped(totals->charged, text));
}

/* How evenly the work lies on the processes. */
static void put_balance(struct output *output, const struct aggregate *aggregate)
{
	char least_text[NUMBER_TEXT], most_text[NUMBER_TEXT];
	u128 least = U128_MAX, most = 0;
	double mean = (double)aggregate->totals.flops / (double)aggregate->process_count;

	if (aggregate->process_count < 2)
		return;
	for (size_t i = 0; i < aggregate->process_count; i++) {
		u128 flops = aggregate->processes[i].flops;

		least = flops < least ? flops : least;
		most = flops > most ? flops : most;
	}
	fprintf(output->stream, "%-10s %s to %s FLOPs", "each", number_short(least, least_text),
	        number_short(most, most_text));
	fprintf(output->stream, ", the most %.2f times the mean\n", mean > 0 ? (double)most / mean : 1);
}

static void put_time(struct output *output, struct views *views)
{
	struct group times = views_times(views);
	char text[NUMBER_TEXT], calls[NUMBER_TEXT];

	if (!times.timed_calls)
		return;
	fprintf(output->stream, "%-10s %s%s in these calls", "time", times.timed_calls == times.calls ? "" : "about ",
	        number_time((double)times.estimated_ns, text));
	if (times.timed_calls != times.calls)
		fprintf(output->stream, ", %s of them timed", number_grouped(times.timed_calls, text));
	if (times.time_ns && times.timed_flops)
		fprintf(output->stream, ", %.2f GFLOP/s", (double)times.timed_flops / (double)times.time_ns);
	fputc('\n', output->stream);
	if (times.extrapolated_calls)
		fprintf(output->stream, "%-10s %s of these calls have a shape that was never timed: %s, by other shapes\n", "estimated",
		        number_grouped(times.extrapolated_calls, calls), number_time((double)times.extrapolated_ns, text));
	put_calls(output, "no time", times.timeless_calls, "are like none that was timed: that time is without them");
}

/* What a reader of the totals must know beside them. */
static void put_warnings(struct output *output, const struct aggregate *aggregate)
{
	const struct totals *totals = &aggregate->totals;
	uint32_t losses = 0;
	bool ended = false;

	for (size_t i = 0; i < aggregate->process_count; i++) {
		const struct process *process = &aggregate->processes[i];

		losses |= process->losses;
		ended |= process->losses & DUMP_NOT_DURABLE && process->state == PROCESS_ENDED;
	}
	text_style(output, STYLE_WARNING);
	put_line(output, !aggregate->complete, "INCOMPLETE", "the totals are of what could be read; below is what is missing");
	put_calls(output, "LOST", totals->lost_calls, "ran, but were not recorded");
	put_line(output, losses & DUMP_LOST_SPACE, "LOST", "the file could not grow: later rows are not in it");
	put_calls(output, "unpriced", totals->unpriced_calls, "without a price: the FLOPs are a lower bound");
	put_calls(output, "saturated", totals->saturated_calls, "with a price that does not fit: the FLOPs are a lower bound");
	put_calls(output, "uncounted", totals->passed_calls, "to libraries that do not look like a BLAS");
	put_line(output, ended, "end", "up to a second before it may be missing: no shared memory on this file system");
	put_line(output, losses & DUMP_LOST_SITES, "sites", "more than fit: the later ones are shown as one");
	put_line(output, losses & DUMP_COARSE_SHAPES, "shapes", "more than fit: some are rounded up; the totals are exact");
	put_line(output, losses & DUMP_LOST_LOG, "log", "the ordered record reached its bound; the totals are exact");
	put_line(output, losses & DUMP_LOST_STACKS, "stacks", "some could not be taken; the totals are exact");
	text_style(output, STYLE_PLAIN);
}

void report_head(struct output *output, struct views *views)
{
	const struct aggregate *aggregate = views->aggregate;
	const struct totals *totals = &aggregate->totals;

	text_style(output, STYLE_TITLE);
	if (aggregate->process_count == 1)
		put_one_process(output, aggregate);
	else
		put_processes(output, aggregate);
	fputc('\n', output->stream);
	put_total(output, totals);
	put_balance(output, aggregate);
	put_time(output, views);
	put_calls(output, "nested", totals->nested_calls, "made by these routines themselves, counted with them");
	put_calls(output, "queries", totals->queries, "for workspace, free");
	put_calls(output, "rejected", totals->rejected_calls, "came back with INFO < 0, free");
	put_calls(output, "abandoned", totals->abandoned_calls, "left by longjmp or an exception, charged");
	put_calls_and_flops(output, "in flight", totals->in_flight_calls, totals->in_flight_flops,
	                    "begun, not in the total");
	put_calls_and_flops(output, "refused", totals->refused_calls, totals->refused_flops, "not run");
	put_calls(output, "over", totals->over_calls, "ran over a budget");
	put_warnings(output, aggregate);
}

static void put_table(struct output *output, struct views *views, enum table_id id, size_t top)
{
	struct table table;

	views_get(views, id, top, &table);
	if (id == TABLE_ROUTINES)
		views_drop_uncalled(views, &table);
	table_text(output, &table);
}

static bool has_scope_limits(const struct aggregate *aggregate)
{
	for (size_t i = 0; i < aggregate->limits.count; i++)
		if (((const struct limit_key *)intern_at(&aggregate->limits, (uint32_t)i))->is_scope)
			return true;
	return false;
}

static void put_report(struct output *output, struct views *views, size_t top)
{
	const struct aggregate *aggregate = views->aggregate;

	report_head(output, views);
	put_table(output, views, TABLE_DAMAGE, DAMAGE_LINES);
	if (aggregate->spaces.count > 1 || aggregate->limits.count)
		put_table(output, views, TABLE_NAMESPACES, top);
	if (has_scope_limits(aggregate))
		put_table(output, views, TABLE_LIMITS, top);
	put_table(output, views, TABLE_ROUTINES, top);
	put_table(output, views, TABLE_UNPRICED, top);
	put_table(output, views, TABLE_MANUAL, top);
	put_table(output, views, TABLE_SHAPES, top);
	put_table(output, views, TABLE_SITES, top);
	put_table(output, views, TABLE_STACKS, top);
	if (aggregate->process_count > 1)
		put_table(output, views, TABLE_PROCESSES, top);
	put_table(output, views, TABLE_LIBRARIES, top);
	put_table(output, views, TABLE_NOTES, top);
}

/* JSON. */

void report_totals_json(struct output *output, struct views *views)
{
	const struct aggregate *aggregate = views->aggregate;
	const struct totals *totals = &aggregate->totals;
	struct group times = views_times(views);
	const struct { const char *key; u128 number; } members[] = {
		{ "calls", totals->calls }, { "flops", totals->flops }, { "charged", totals->charged },
		{ "nested_calls", totals->nested_calls }, { "workspace_queries", totals->queries },
		{ "unpriced_calls", totals->unpriced_calls }, { "refused_calls", totals->refused_calls },
		{ "lost_calls", totals->lost_calls }, { "rejected_calls", totals->rejected_calls },
		{ "exempt_calls", totals->exempt_calls }, { "abandoned_calls", totals->abandoned_calls },
		{ "in_flight_calls", totals->in_flight_calls }, { "in_flight_flops", totals->in_flight_flops },
		{ "refused_flops", totals->refused_flops }, { "over_budget_calls", totals->over_calls },
		{ "passed_calls", totals->passed_calls }, { "saturated_calls", totals->saturated_calls },
		{ "manual_charges", totals->manual_charges }, { "words", totals->words }, { "threads", totals->threads },
		{ "time_ns", times.time_ns }, { "timed_calls", times.timed_calls }, { "timed_flops", times.timed_flops },
		{ "estimated_time_ns", times.estimated_ns }, { "extrapolated_time_ns", times.extrapolated_ns },
		{ "extrapolated_calls", times.extrapolated_calls }, { "calls_without_time", times.timeless_calls },
	};

	json_bool(output, "complete", aggregate->complete);
	json_number(output, "processes", aggregate->process_count);
	if (!aggregate->answered) {
		json_null(output, "totals");
		return;
	}
	json_open(output, "totals", '{');
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		json_number(output, members[i].key, members[i].number);
	json_close(output, '}');
}

static void put_json(struct output *output, struct views *views, size_t top)
{
	const struct aggregate *aggregate = views->aggregate;

	json_open(output, NULL, '{');
	json_text(output, "schema", "flopshim-report/1");
	report_totals_json(output, views);
	for (unsigned id = 0; id < TABLE_COUNT; id++) {
		bool is_long = id == TABLE_SHAPES || id == TABLE_SITES || id == TABLE_STACKS;
		struct table table;

		views_get(views, (enum table_id)id, top ? top : is_long ? JSON_TOP : SIZE_MAX, &table);
		table_json(output, &table);
		if (is_long) {
			char *key = memory_format("%s_not_shown", table.key);

			json_number(output, key, table.more);
			free(key);
		}
	}
	json_open(output, "table_versions", '[');
	for (size_t i = 0; i < aggregate->version_count; i++)
		json_text(output, NULL, text_at(aggregate, aggregate->versions[i].text));
	json_close(output, ']');
	json_bool(output, "repriced", aggregate->options.price != NULL);
	json_number(output, "calls_not_repriced", aggregate->kept_calls);
	json_close(output, '}');
}

/* The command. */

void report_damage(const struct aggregate *aggregate)
{
	size_t lines = 0;

	for (size_t i = 0; i < aggregate->damage_count; i++) {
		const struct damage *damage = &aggregate->damage[i];

		if (damage->said)
			continue;
		if (lines++ < DAMAGE_LINES)
			complain("%s: %s", text_at(aggregate, damage->file), damage->text);
	}
	if (lines > DAMAGE_LINES)
		complain("and %zu more like these", lines - DAMAGE_LINES);
}

int report_status(const struct aggregate *aggregate, bool found_all)
{
	if (!found_all || aggregate->newer)
		return EXIT_ERROR;
	return aggregate->complete ? EXIT_FINE : EXIT_INCOMPLETE;
}

static int checked_status(const struct options *options, const struct aggregate *aggregate, int status)
{
	const struct totals *totals = &aggregate->totals;

	if (status != EXIT_FINE)
		return status;
	if (options->fail_on_budget && (totals->refused_calls || totals->over_calls))
		return EXIT_BUDGET;
	return options->strict && totals->unpriced_calls ? EXIT_UNPRICED : EXIT_FINE;
}

static void put(struct output *output, const struct options *options, struct views *views)
{
	const struct aggregate *aggregate = views->aggregate;
	struct table table;

	switch (options->format) {
	case FORMAT_JSON:
		put_json(output, views, options->top);
		break;
	case FORMAT_CSV:
		views_get(views, options->csv_table, options->top ? options->top : SIZE_MAX, &table);
		table_csv(output, &table);
		break;
	case FORMAT_TEXT:
		if (aggregate->answered) /* otherwise zeros would look like an answer */
			put_report(output, views, options->top ? options->top : TEXT_TOP);
	}
}

int command_report(int count, char **arguments)
{
	static const struct option table[] = {
		OPTION_LINE_HELP, OPTION_LINE_JSON, OPTION_LINE_CSV, OPTION_LINE_TOP, OPTION_LINE_STRICT,
		OPTION_LINE_FAIL_ON_BUDGET, OPTION_LINE_REPRICE, OPTION_LINE_END,
	};
	const struct option_parser parser = { .command = "report", .help = help, .table = table };
	struct options options;
	struct output output;
	struct aggregate aggregate;
	struct views views;
	int status = options_parse(&options, &parser, count, arguments);
	bool found_all;

	if (status >= 0)
		return status;
	output = options_output(&options);
	gather_open(&aggregate, options.reprice);
	found_all = gather(&aggregate, options.operands, options.operand_count);
	status = EXIT_ERROR;
	if (gather_is_of_one_version(&aggregate)) {
		status = checked_status(&options, &aggregate, report_status(&aggregate, found_all));
		if (options.format != FORMAT_TEXT || !aggregate.answered)
			report_damage(&aggregate);
		views_open(&views, &aggregate);
		put(&output, &options, &views);
		views_close(&views);
	}
	gather_close(&aggregate);
	return output_finish(&output) ? status : EXIT_ERROR;
}
