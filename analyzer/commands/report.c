/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.c - the command `report`: adds dumps up, and shows what the programs did.
 * It must never show a total without saying what is known to be missing from it.
 */
#include "analyzer/commands/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/read/system.h"
#include "analyzer/tables/processes.h"
#include "names.h"
#include "variables.h"

enum { TEXT_TOP = 10, JSON_TOP = 100, DAMAGE_LINES = 20, COMMAND_BYTES = 120, PIECES = 20 };

#define SCHEMA "flopshim-report/1"

static const char usage[] = "Usage: flopshim-report [report] [OPTION ...] [DUMP or DIRECTORY ...]\n\n"
			    "Adds dumps up, and shows how much BLAS and LAPACK work the programs did, and where.\n";

/* What ran. */

/* Adds the command line of a process, cut off if it is long. */
static void add_command(struct text *text, const struct aggregate *aggregate, const struct process *process)
{
	const char *arguments = text_at(aggregate, process->arguments);
	const char *end = arguments + process->argument_bytes, *program = text_at(aggregate, process->program);

	if (!process->argument_bytes)
		text_add(text, *program ? base_name(program) : "(unknown program)");
	for (const char *at = arguments; at < end; at += strlen(at) + 1) {
		if (at - arguments + strlen(at) > COMMAND_BYTES) { /* it may be a script, or thousands of files */
			text_add(text, " ...");
			break;
		}
		text_format(text, "%s%s", at == arguments ? "" : " ", at == arguments ? base_name(at) : at);
	}
}

/* Adds who and where a process is, and how it ended. */
static void add_process(struct text *text, const struct aggregate *aggregate, const struct process *process)
{
	static const char *const states[] = {
		[PROCESS_RUNNING] = "still running",
		[PROCESS_CLOSED] = "closed",
		[PROCESS_REPLACED] = "replaced by exec",
		[PROCESS_ENDED] = "ended without closing its dump",
		[PROCESS_UNKNOWN] = "running, or ended without closing its dump",
	};
	bool has_signal = process->signal != 0,
	     ended = process->state == PROCESS_ENDED || (process->state == PROCESS_UNKNOWN && !process->damaged);
	const char *signal = has_signal ? signal_name(process->signal) : "";
	char number[NUMBER_TEXT];

	text_format(text, "pid %" PRIu32 " on %s, ", process->pid, text_at(aggregate, process->host));
	if (has_signal && ended)
		text_format(text, "%sended after %s from its budget",
		            process->state == PROCESS_ENDED ? "" : "running, or ", signal);
	else
		text_add(text, process->damaged ? "how it ended is not known: its header is damaged"
		                                : states[process->state]);
	if (has_signal && !ended)
		text_format(text, ", was sent %s by its budget", signal);
	if (process->elapsed_ns)
		text_format(text, ", ran %s", number_time((double)process->elapsed_ns, number));
	if (process->exit_status >= 0)
		text_format(text, ", stopped by its budget with status %" PRId32, process->exit_status);
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

/* Adds how many processes there are and of which program, and in which states they are. */
static void add_processes(struct text *title, struct text *states, const struct aggregate *aggregate)
{
	size_t counts[PROCESS_UNKNOWN + 1] = {0}, hosts = count_hosts(aggregate), signalled = 0;
	bool same = true;

	for (size_t i = 0; i < aggregate->process_count; i++) {
		counts[aggregate->processes[i].state]++;
		signalled += aggregate->processes[i].signal != 0;
		same &= aggregate->processes[i].program == aggregate->processes[0].program;
	}
	text_format(title, "%zu processes", aggregate->process_count);
	if (same)
		text_format(title, " of %s", base_name(text_at(aggregate, aggregate->processes[0].program)));
	if (aggregate->runs > 1)
		text_format(states, "in %zu runs (--last reads the last one alone), ", aggregate->runs);
	text_format(states, "on %zu host%s", hosts, hosts == 1 ? "" : "s");
	for (unsigned i = 0; i <= PROCESS_UNKNOWN; i++)
		if (counts[i])
			text_format(states, ", %zu %s", counts[i], state_name((enum process_state)i));
	if (signalled)
		text_format(states, "; %zu sent a signal by their budgets", signalled);
}

static void say_what_ran(struct answer *answer, const struct aggregate *aggregate)
{
	struct text title = {0}, more = {0};

	if (aggregate->process_count == 1) {
		add_command(&title, aggregate, aggregate->processes);
		add_process(&more, aggregate, aggregate->processes);
	} else {
		add_processes(&title, &more, aggregate);
	}
	answer_say(answer, PART_TITLE, "%s", title.bytes);
	answer_say(answer, PART_PARAGRAPH, "%s", more.bytes);
	answer_gap(answer);
	text_free(&title);
	text_free(&more);
}

/* What it did. */

/* Adds a count of calls unless it is 0. */
static void say_calls(struct answer *answer, const char *label, uint64_t calls, const char *what)
{
	char text[NUMBER_TEXT];

	if (calls)
		answer_fact(answer, label, "%s %s", number_grouped(calls, text), what);
}

static void say_calls_and_flops(struct answer *answer, const char *label, uint64_t calls, u128 flops, const char *what,
                                const char *of_flops)
{
	char text[NUMBER_TEXT], price[NUMBER_TEXT];

	if (calls)
		answer_fact(answer, label, "%s %s: %s FLOPs%s", number_grouped(calls, text), what,
		            number_grouped(flops, price), of_flops);
}

static void say_total(struct answer *answer, const struct totals *totals)
{
	char text[NUMBER_TEXT], calls[NUMBER_TEXT];

	answer_fact(answer, "total", "%s FLOPs in %s call%s", number_grouped(totals->flops, text),
	            number_grouped(totals->calls, calls), totals->calls == 1 ? "" : "s");
	if (totals->charged != totals->flops)
		answer_fact(answer, "charged", "%s FLOPs, after multipliers and weights",
		            number_grouped(totals->charged, text));
}

/* Adds which rank, or process, has a share. `process` is NULL if the rank has left no dump. */
static void add_who(struct text *line, const struct aggregate *aggregate, bool ranked, uint32_t rank,
                    const struct process *process)
{
	if (ranked)
		text_format(line, "rank %" PRIu32, rank);
	else
		text_format(line, "pid %" PRIu32, process->pid);
	if (process)
		text_format(line, " on %s", text_at(aggregate, process->host));
	else
		text_add(line, ", without a dump");
}

/*
 * Shows how evenly the work is shared: by the ranks of the only launch, those without a dump included, or by the processes
 * of the only run. Different launches and runs are not averaged; the table of launches has each by itself.
 */
static void say_balance(struct answer *answer, struct views *views)
{
	const struct launch_list *list = views_launches(views);
	const struct balance *balance = list->count ? &list->launches[0].balance : &list->others;
	char least[NUMBER_TEXT], most[NUMBER_TEXT], shares[NUMBER_TEXT];
	struct text line = {0};

	if (balance->shares < 2 || list->count > 1 || (list->count && list->others.shares) ||
	    (!list->count && views->aggregate->runs > 1))
		return;
	text_format(&line, "%s to %s FLOPs each, the most %.2f times the mean", number_short(balance->least, least),
	            number_short(balance->most, most), 1 + balance_imbalance(balance));
	if (list->count)
		text_format(&line, " of %s ranks", number_grouped(balance->shares, shares));
	answer_fact(answer, "balance", "%s", line.bytes);
	text_clear(&line);
	if (balance->least == balance->most) {
		text_free(&line);
		return;
	}
	add_who(&line, views->aggregate, list->count, balance->most_rank, balance->most_process);
	answer_fact(answer, "busiest", "%s: %s FLOPs", line.bytes, most);
	text_clear(&line);
	add_who(&line, views->aggregate, list->count, balance->least_rank, balance->least_process);
	answer_fact(answer, "laziest", "%s: %s FLOPs", line.bytes, least);
	text_free(&line);
}

/* Adds the first PIECES of texts that each end in 0, with commas between them. */
static void add_pieces(struct text *line, const struct text *pieces)
{
	const char *at = pieces->bytes, *end = at + pieces->length;
	size_t more = 0;

	for (unsigned count = 0; at < end; at += strlen(at) + 1, count++) {
		if (count < PIECES)
			text_format(line, "%s%s", count ? ", " : "", at);
		else
			more++;
	}
	if (more)
		text_format(line, " and %zu more", more);
}

/* Names the ranks of one launch that have left no dump. */
static void say_missing_of(struct answer *answer, const struct aggregate *aggregate, const struct launch *launch,
                           bool of_several)
{
	const char *job = text_at(aggregate, launch->job), *step = text_at(aggregate, launch->step);
	const char *task = text_at(aggregate, launch->array_task), *name = text_at(aggregate, launch->name);
	char without[NUMBER_TEXT], size[NUMBER_TEXT];
	struct text line = {0};

	text_format(&line, "%s of %s ranks", number_grouped(launch->size - launch->with_dump, without),
	            number_grouped(launch->size, size));
	if (of_several)
		text_format(&line, "%s%s%s%s%s%s%s%s", *job ? " of job " : "", job, *task ? ", array task " : "", task,
		            *step ? ", step " : "", step, *name && strcmp(name, step) ? ", launch " : "",
		            strcmp(name, step) ? name : "");
	text_add(&line, ": ");
	add_pieces(&line, &launch->missing);
	text_add(&line, ". They made no call, or their dumps are elsewhere");
	answer_fact(answer, "no dump", "%s", line.bytes);
	text_free(&line);
}

static void say_missing(struct answer *answer, struct views *views)
{
	const struct launch_list *list = views_launches(views);
	size_t missing = 0;

	for (size_t i = 0; i < list->count; i++)
		if (list->launches[i].with_dump < list->launches[i].size && missing++ < PIECES)
			say_missing_of(answer, views->aggregate, &list->launches[i], list->count > 1);
	if (missing == PIECES + 1)
		answer_fact(answer, "no dump", "1 more launch lacks dumps of some of its ranks");
	else if (missing > PIECES)
		answer_fact(answer, "no dump", "%zu more launches lack dumps of some of their ranks", missing - PIECES);
}

/*
 * Names the ranks that have ended without closing their dumps: which one was killed is the first question after a job that
 * failed. Of processes that are no ranks, such as the workers of Python's multiprocessing, many end by _exit.
 */
static void say_unclosed(struct answer *answer, const struct aggregate *aggregate)
{
	struct text pieces = {0}, who = {0}, line = {0};
	char number[NUMBER_TEXT];
	size_t count = 0;

	for (size_t i = 0; i < aggregate->process_count; i++) {
		const struct process *process = &aggregate->processes[i];

		if (process->state != PROCESS_ENDED || process->rank < 0)
			continue;
		text_clear(&who);
		add_who(&who, aggregate, true, (uint32_t)process->rank, process);
		text_add_bytes(&pieces, who.bytes, who.length + 1);
		count++;
	}
	if (count && aggregate->process_count > 1) {
		add_pieces(&line, &pieces);
		answer_fact(answer, "not closed", "%s process%s: %s. %s killed, or ended by _exit",
		            number_grouped(count, number), count == 1 ? "" : "es", line.bytes,
		            count == 1 ? "It was" : "They were");
	}
	text_free(&pieces);
	text_free(&who);
	text_free(&line);
}

static void say_time(struct answer *answer, struct views *views)
{
	struct group times = views_times(views);
	char text[NUMBER_TEXT], calls[NUMBER_TEXT];
	struct text line = {0};

	if (!times.timed_calls)
		return;
	text_format(&line, "%s%s in these calls", times.timed_calls == times.calls ? "" : "about ",
	            number_time((double)times.estimated_ns, text));
	if (times.timed_calls != times.calls)
		text_format(&line, ", %s of them timed", number_grouped(times.timed_calls, text));
	if (times.time_ns && times.timed_flops)
		text_format(&line, ", %.2f GFLOP/s", (double)times.timed_flops / (double)times.time_ns);
	answer_fact(answer, "time", "%s", line.bytes);
	text_free(&line);
	if (times.extrapolated_calls)
		answer_fact(answer, "estimated",
		            "%s of these calls have a shape that was never timed: %s, from the times of other "
		            "shapes",
		            number_grouped(times.extrapolated_calls, calls),
		            number_time((double)times.extrapolated_ns, text));
	say_calls(answer, "no time", times.timeless_calls,
	          "of these calls are not in that time: none like them was timed");
}

static void warn_of_calls(struct answer *answer, const char *label, uint64_t calls, const char *what)
{
	char text[NUMBER_TEXT];

	if (calls)
		answer_warn(answer, label, "%s %s", number_grouped(calls, text), what);
}

static void warn_if(struct answer *answer, bool applies, const char *label, const char *what)
{
	if (applies)
		answer_warn(answer, label, "%s", what);
}

/* Adds the warnings that must not be missed beside the totals. */
static void say_warnings(struct answer *answer, const struct aggregate *aggregate)
{
	const struct totals *totals = &aggregate->totals;
	const char *problem = NULL;
	uint32_t losses = 0;
	bool ended[2] = {false, false}; /* by whether a thread wrote the dump */

	for (size_t i = 0; i < aggregate->process_count; i++) {
		const struct process *process = &aggregate->processes[i];

		losses |= process->losses;
		if (process->stacks_problem != AGGREGATE_NONE)
			problem = text_at(aggregate, process->stacks_problem);
		ended[process->by_thread] |= process_may_miss_its_end(process);
	}
	warn_if(answer, !aggregate->complete, "INCOMPLETE",
	        "the totals are of what could be read; what is missing is said below");
	warn_of_calls(answer, "LOST", totals->lost_calls, "ran, but were not recorded");
	warn_if(answer, losses & DUMP_LOST_SPACE, "LOST",
	        "the file could not grow or be written: some rows are not in it");
	warn_of_calls(answer, "unpriced", totals->unpriced_calls, "without a price: the FLOPs are a lower bound");
	warn_of_calls(answer, "saturated", totals->saturated_calls,
	              "with a price or charge above 63 bits: the FLOPs, or the charged FLOPs, are a lower bound");
	warn_of_calls(answer, "uncounted", totals->passed_calls, "went to libraries that do not look like a BLAS");
	warn_if(answer, ended[true], "end",
	        "what it did in its last second may be missing: on this file system, the dump is written every second");
	warn_if(answer, ended[false], "end",
	        "its last calls may be missing: on this file system, calls write the dump, once a second");
	warn_if(answer, losses & DUMP_LOST_SITES, "sites", "more call sites than fit: the later ones are shown as one");
	warn_if(answer, losses & DUMP_COARSE_SHAPES, "shapes",
	        "more shapes than fit: some are rounded up or joined; this does not change the totals");
	warn_if(answer, losses & DUMP_LOST_LOG, "log",
	        "the ordered record ends early: " RECORD_ENDS "; this does not change the totals");
	if (losses & DUMP_LOST_STACKS)
		answer_warn(answer, "stacks", "some could not be taken%s%s; this does not change the totals",
		            problem ? ": " : "", problem ? problem : "");
}

static void say_totals(struct answer *answer, struct views *views)
{
	const struct totals *totals = &views->aggregate->totals;

	say_total(answer, totals);
	say_balance(answer, views);
	say_missing(answer, views);
	say_unclosed(answer, views->aggregate);
	say_time(answer, views);
	roofing_say(answer, views->roofs);
	say_calls(answer, "nested", totals->nested_calls,
	          "made by these routines themselves, and part of their price, if they have one");
	say_calls(answer, "queries", totals->queries, "for the size of a workspace, which cost nothing");
	say_calls(answer, "rejected", totals->rejected_calls, "came back with INFO < 0, and cost nothing");
	say_calls(answer, "abandoned", totals->abandoned_calls, "left by longjmp or an exception, charged");
	say_calls_and_flops(answer, "in flight", totals->in_flight_calls, totals->in_flight_flops,
	                    "begun and not ended", ", not in the total");
	say_calls_and_flops(answer, "refused", totals->refused_calls, totals->refused_flops, "not run", "");
	say_calls(answer, "over", totals->over_calls, "ran over a budget");
	say_warnings(answer, views->aggregate);
}

static void add_totals(struct answer *answer, struct views *views)
{
	const struct aggregate *aggregate = views->aggregate;
	const struct totals *totals = &aggregate->totals;
	struct group times = views_times(views);
	const struct {
		const char *key;
		u128 number;
	} members[] = {
		{"calls", totals->calls},
		{"flops", totals->flops},
		{"charged", totals->charged},
		{"nested_calls", totals->nested_calls},
		{"workspace_queries", totals->queries},
		{"unpriced_calls", totals->unpriced_calls},
		{"refused_calls", totals->refused_calls},
		{"lost_calls", totals->lost_calls},
		{"rejected_calls", totals->rejected_calls},
		{"exempt_calls", totals->exempt_calls},
		{"abandoned_calls", totals->abandoned_calls},
		{"in_flight_calls", totals->in_flight_calls},
		{"in_flight_flops", totals->in_flight_flops},
		{"refused_flops", totals->refused_flops},
		{"over_budget_calls", totals->over_calls},
		{"passed_calls", totals->passed_calls},
		{"saturated_calls", totals->saturated_calls},
		{"manual_charges", totals->manual_charges},
		{"words", totals->words},
		{"threads", totals->threads},
		{"time_ns", times.time_ns},
		{"timed_calls", times.timed_calls},
		{"timed_flops", times.timed_flops},
		{"estimated_time_ns", times.estimated_ns},
		{"extrapolated_time_ns", times.extrapolated_ns},
		{"extrapolated_calls", times.extrapolated_calls},
		{"calls_without_time", times.timeless_calls},
	};

	answer_bool(answer, "complete", aggregate->complete);
	answer_number(answer, "processes", aggregate->process_count);
	answer_number(answer, "runs", aggregate->runs);
	if (!aggregate->answered) {
		answer_text(answer, "totals", NULL);
		return;
	}
	answer_begin(answer, "totals", '{');
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		answer_number(answer, members[i].key, members[i].number);
	answer_end(answer, '}');
}

void report_head(struct answer *answer, struct views *views)
{
	if (answer_is_for(answer, FOR_PROGRAM)) {
		add_totals(answer, views);
	} else {
		say_what_ran(answer, views->aggregate);
		say_totals(answer, views);
	}
}

/* The tables. */

/* How many rows a table of the report shows. */
static size_t top_of(const struct answer *answer, const struct report_table *table, size_t asked)
{
	if (table->flags & REPORT_WHOLE)
		return answer_top(answer, asked, DAMAGE_LINES, SIZE_MAX);
	return answer_top(answer, asked, TEXT_TOP,
	                  table->flags & REPORT_LONG && !answer->one_table ? JSON_TOP : SIZE_MAX);
}

static void add_table(struct answer *answer, struct views *views, const struct report_table *entry, size_t top)
{
	bool for_people = answer_is_for(answer, FOR_PEOPLE);
	struct table table;

	if (for_people && entry->applies && !entry->applies(views))
		return;
	views_get(views, entry->kind, top_of(answer, entry, top), for_people, &table);
	answer_table(answer, &table,
	             (struct table_options){.place = entry->place, .counted = entry->flags & REPORT_LONG});
}

static void add_table_by(struct answer *answer, struct views *views, const struct key *key, size_t top)
{
	bool is_long = !(key->flags & KEY_OF_PROCESSES);
	struct table table;

	key_table(views, key, answer_top(answer, top, TEXT_TOP, is_long && !answer->one_table ? JSON_TOP : SIZE_MAX),
	          answer_is_for(answer, FOR_PEOPLE), &table);
	answer_table(answer, &table, (struct table_options){.counted = true});
}

static void add_versions(struct answer *answer, const struct aggregate *aggregate)
{
	answer_begin(answer, "table_versions", '[');
	for (size_t i = 0; i < aggregate->version_count; i++)
		answer_text(answer, NULL, text_at(aggregate, aggregate->versions[i].text));
	answer_end(answer, ']');
	answer_bool(answer, "repriced", aggregate->options.price != NULL);
	answer_number(answer, "calls_not_repriced", aggregate->kept_calls);
}

void report_fill(struct answer *answer, const struct options *options, struct views *views)
{
	if (answer_is_for(answer, FOR_PEOPLE) && !views->aggregate->answered)
		return; /* totals of 0 would look like an answer */
	if (!answer->one_table)
		report_head(answer, views);
	if (answer_is_for(answer, FOR_PROGRAM))
		roofing_say(answer, views->roofs);
	options_by(options, answer);
	if (options->by)
		add_table_by(answer, views, options->by, options->top);
	else if (answer->one_table)
		add_table(answer, views, options->table ? options->table : report_table_at(0), options->top);
	else
		for (size_t i = 0; i < report_table_count; i++)
			add_table(answer, views, &report_tables[i], options->top);
	if (!answer->one_table)
		add_versions(answer, views->aggregate);
}

/* The command. */

void report_damage(const struct aggregate *aggregate)
{
	size_t lines = 0;

	for (size_t i = 0; i < aggregate->damage_count; i++) {
		const struct damage *damage = &aggregate->damage[i];

		if (damage->said)
			continue;
		if (lines++ < DAMAGE_LINES) {
			const char *host = text_at(aggregate, damage->host);
			bool is_here = !*host || !strcmp(host, system_host());

			complain("%s%s%s: %s", text_at(aggregate, damage->file), is_here ? "" : " on ",
			         is_here ? "" : host, damage->text);
		}
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

/* The exit status by --fail-on-budget and --strict, if `status` says that the input is fine. */
static int checked_status(const struct options *options, const struct aggregate *aggregate, int status)
{
	const struct totals *totals = &aggregate->totals;

	if (status != EXIT_FINE)
		return status;
	if (options->fail_on_budget && (totals->refused_calls || totals->over_calls))
		return EXIT_BUDGET;
	return options->strict && totals->unpriced_calls ? EXIT_UNPRICED : EXIT_FINE;
}

int command_report(int count, char **arguments)
{
	const struct option_parser parser = {.command = "report", .usage = usage, .schema = SCHEMA};
	struct options options;
	struct output output;
	struct aggregate aggregate;
	struct answer answer;
	struct roofs roofs;
	struct views views;
	int status = options_parse(&options, &parser, count, arguments);
	bool found_all;

	if (status >= 0)
		return status;
	if (options.table && options.by)
		return usage_error("report", "--csv=%s and --by %s ask for two tables: choose one",
		                   options.table->kind->key, options.by->name);
	if (options.spread && options.by && !(options.by->flags & KEY_HAS_SPREAD))
		return usage_error("report", "--spread: makes no sense with --by %s; expected routine, shape or site",
		                   options.by->name);
	if (options.all_frames && (options.by || (options.table && options.table->kind != &table_code)))
		return usage_error(
			"report", "--all-frames: makes no sense with %s%s; it is of the table code",
			options.by ? "--by " : "--csv=", options.by ? options.by->name : options.table->kind->key);
	output = options_output(&options);
	gather_open(&aggregate, options.reprice, options.by);
	found_all = gather(&aggregate, options.operands, options.operand_count,
	                   (struct gather_options){.last = options.last, .beside = true});
	status = EXIT_ERROR;
	if (gather_tells(&aggregate, options.by) && gather_is_of_one_version(&aggregate) &&
	    roofing_find(&roofs, &options.roofs, &aggregate)) {
		status = checked_status(&options, &aggregate, report_status(&aggregate, found_all));
		if (options.format->audience == FOR_PROGRAM || options.by || !aggregate.answered)
			report_damage(&aggregate);
		views_open(&views, &aggregate);
		views.spread = options.spread;
		views.all_frames = options.all_frames;
		views.roofs = roofs_are_known(&roofs) ? &roofs : NULL;
		options_answer(&options, &answer, SCHEMA);
		report_fill(&answer, &options, &views);
		options_render(&options, &output, &answer);
		views_close(&views);
	}
	gather_close(&aggregate);
	return output_finish(&output) ? status : EXIT_ERROR;
}
